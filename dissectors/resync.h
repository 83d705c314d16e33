/* Where in a stream does a message begin, when the framing is lost? Pure functions.
 *
 * A place is a candidate when a NetBIOS header and a protocol id stand there and the SMB header behind them holds in all that can be
 * checked: structure sizes, command, flags and direction, and the message's own lengths against the frame's. File data may well
 * hold such a place (a capture copied over SMB is full of them), so more is asked for:
 *
 *   - it fits the connection (acquaintance.h): its session is known, and it goes on from the last message or answers one that waits;
 *   - else, it begins where the sender began: the first byte behind the gap, or of a segment; and where it ends another message
 *     begins, or the segment ends. Such a one is doubtful, and so is every message behind it, until the other side confirms it.
 *
 * How much of this is needed depends on how much of the connection is known; see resync.c. What is not found, since nothing tells it
 * from file data: a message of a session never seen that does not begin a segment; one whose MessageId or MID was used before; an
 * element of a chain whose frame's header was lost. */
#ifndef RESYNC_H
#define RESYNC_H

#include "acquaintance.h"
#include "framer.h"

enum {
    RESYNC_WINDOW = 64 * 1024, /* bytes kept while a candidate waits for its end */
    RESYNC_MARKS = 64,         /* segments told apart in them */
    RESYNC_FOLLOWERS = 4,      /* messages that prove one where nothing is known */
    RESYNC_FOLLOWERS_MAX = 16, /* messages looked at to prove one */
    RESYNC_NOWHERE = 0xFFFFFFFF,
};

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
    const struct acquaintance *known;
    enum direction dir;
    uint32_t
        first; /* the byte that follows a gap or a doubtful message, or is the first that was seen; or RESYNC_NOWHERE */
    bool forced; /* nothing more is to come, or to be kept: decide */
};

enum resync_answer {
    RESYNC_NOTHING,
    RESYNC_WAIT,  /* may be a message: ask again with more bytes */
    RESYNC_TRIAL, /* taken for one, though its end is not there: it has to prove itself when that comes */
    RESYNC_PROVEN,
};

/* The first place from pos on that is, or may be, a message; doubtful: it has to be confirmed. With RESYNC_NOTHING the end. */
uint32_t resync_find(const struct resync_source *, uint32_t pos, enum resync_answer *, bool *doubtful);

/* Can rest, what follows a message, be the beginning of another? True where it is empty. */
bool resync_follows(struct view rest);

/* Does the head of a message in this direction stand at the front of v? RESYNC_WAIT where it is cut and fits so far. */
enum resync_answer resync_head(struct view v, enum direction);

#endif
