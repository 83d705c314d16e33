/* Where in a stream does a message begin, when the framing is lost? Pure functions.
 *
 * A place is a candidate when a NetBIOS header and a protocol id stand there and the SMB header behind them holds in all that can be
 * checked: structure sizes, command, flags and direction, and the message's own lengths against the frame's. File data may well
 * hold such a place (a capture copied over SMB is full of them), so more is asked for:
 *
 *   - it is where the sender began: the first byte behind the gap, or of a segment;
 *   - it knows the connection: a SessionId seen before, a MessageId that comes next;
 *   - where it ends another message begins, or the segment ends.
 *
 * How much of this is needed depends on how much of the connection is known; see resync.c. */
#ifndef RESYNC_H
#define RESYNC_H

#include "framer.h"

enum {
    RESYNC_WINDOW = 64 * 1024, /* bytes kept while a candidate waits for its end */
    RESYNC_MARKS = 64,         /* segments told apart in them */
    RESYNC_SESSIONS = 4,       /* SessionIds remembered of a connection */
    RESYNC_CREDITS = 8192, /* how far a MessageId may be ahead of the last one seen (Windows grants so many credits) */
    RESYNC_REORDER = 64,   /* how far it may be behind */
    RESYNC_FOLLOWERS = 4,  /* messages that prove one where nothing is known */
    RESYNC_FOLLOWERS_MAX = 16, /* messages looked at to prove one */
};

/* What the framer saw of a connection, both ways. */
struct resync_memory {
    uint64_t sessions[RESYNC_SESSIONS];
    uint64_t message_ids[DIRECTIONS]; /* the last one */
    uint8_t session_count, session_next;
};

/* Takes note of a message that was handed out; bytes from the protocol id on. */
void resync_learn(struct resync_memory *, enum direction, enum message_kind, struct view bytes);

/* From which packet bytes came. */
struct resync_mark {
    struct moment at;
    uint32_t offset;
    bool segment_start; /* false where the front of the segment is not there any more */
};

struct resync_source {
    struct view bytes;               /* ends where a segment ends */
    const struct resync_mark *marks; /* ascending, the first at 0 */
    unsigned mark_count;
    const struct resync_memory *memory;
    enum direction dir;
    bool behind_gap; /* the first byte follows a gap, or is the first that was seen */
    bool forced;     /* nothing more is to come, or to be kept: decide */
};

enum resync_answer {
    RESYNC_NOTHING,
    RESYNC_WAIT,  /* may be a message: ask again with more bytes */
    RESYNC_TRIAL, /* taken for one, though its end is not there: it has to prove itself when that comes */
    RESYNC_PROVEN,
};

/* The first place from pos on that is, or may be, a message. With RESYNC_NOTHING the end. */
uint32_t resync_find(const struct resync_source *, uint32_t pos, enum resync_answer *);

/* Can rest, what follows a message, be the beginning of another? True where it is empty. */
bool resync_follows(struct view rest);

/* Does the head of a message in this direction stand at the front of v? RESYNC_WAIT where it is cut and fits so far. */
enum resync_answer resync_head(struct view v, enum direction);

#endif
