/* What the framer knows of a connection, and how well a message fits it: whether bytes found in a stream are a message of this
 * connection, or one that lies in a file. Pure functions over a struct of fixed size; nothing is allocated.
 *
 * What tells is what a copy cannot have: a MessageId or MID that comes next rather than one that was used, and a response to a request
 * that waits for it. Session and user ids tell strangers.
 *
 * A message that was found by what it says alone may be doubtful. Such a one is noted, and not believed, until the other side
 * answers it, or was found to have asked for it (acquaintance_confirm). */
#ifndef ACQUAINTANCE_H
#define ACQUAINTANCE_H

#include "framer.h"

enum {
    ACQUAINTANCE_SESSIONS = 6,    /* SessionIds, or UIDs, remembered; that used last stays */
    ACQUAINTANCE_IDS = 128,       /* MessageIds behind the last one of which is known whether they were used */
    ACQUAINTANCE_MIDS = 8,        /* requests of SMB1 that are remembered */
    ACQUAINTANCE_DOUBTFUL = 4,    /* doubtful messages that are remembered */
    ACQUAINTANCE_CREDITS = 8192,  /* how far a MessageId may be ahead of the last (Windows grants so many credits) */
    ACQUAINTANCE_NEAR = 512,      /* how far it may be ahead without a doubt: what four messages of 8 MiB take */
    ACQUAINTANCE_NEAR_LOST = 256, /* the same, for what was lost */
    ACQUAINTANCE_REORDER = 64,    /* how far it may be behind, never used before: requests that changed places */
    ACQUAINTANCE_MIDS_APART = 0x4000, /* how far a MID may be from the last: Windows counts in steps of 64 */
};

/* What a message is known by. SMB1: the UID, and MID and PID in one. */
struct message_ids {
    uint64_t session, id;
    uint16_t command, charge; /* SMB2: CreditCharge */
    uint8_t kind;             /* enum message_kind */
    bool async, interim,
        unasked; /* interim: STATUS_PENDING; unasked: the break of an oplock, or another notification */
};

/* False where the bytes, from the protocol id on, do not reach that far. */
bool message_ids_of(struct message_ids *, enum direction, enum message_kind, struct view bytes);

struct used_ids {
    uint64_t last;
    uint64_t bits[ACQUAINTANCE_IDS / 64]; /* bit 0 of the first: last itself */
    bool any;
};

struct asked_mid {
    uint32_t id; /* MID and PID */
    uint8_t command;
    bool waits, partly; /* partly: a response came that need not be the last */
};

/* What each message needs stands first. */
struct acquaintance {
    uint64_t sessions[ACQUAINTANCE_SESSIONS];
    struct used_ids used[DIRECTIONS];
    uint32_t missed[DIRECTIONS]; /* bytes lost since the last message that was believed */
    uint16_t charge;             /* CreditCharge, the largest */
    uint8_t session_count, doubtful_count, doubtful_next, asked_count, asked_next;
    bool from_start;             /* the first bytes were seen */
    bool incomplete[DIRECTIONS]; /* something was lost, some time */
    bool smb1, smb1_session;     /* spoken; beyond NEGOTIATE */
    bool smb1_answered;
    bool mids_grow, mids_repeat; /* from one request to the next; one was not larger */
    bool compressed;
    uint16_t last_mid, last_answered; /* MIDs, the largest */
    struct asked_mid asked[ACQUAINTANCE_MIDS];
    uint8_t doubtful_from[ACQUAINTANCE_DOUBTFUL]; /* enum direction */
    struct message_ids doubtful[ACQUAINTANCE_DOUBTFUL];
};

void acquaintance_begin(struct acquaintance *, bool start_seen);
/* Bytes of a direction were lost, or passed over. */
void acquaintance_missed(struct acquaintance *, enum direction, uint64_t length);
/* A message that is believed. */
void acquaintance_learn(struct acquaintance *, enum direction, const struct message_ids *);
/* The same for the bytes of a message of SMB2 as nearly all are: of the session that was used last, and with an id a little above the last.
 * False: it is another one, and nothing was learned. */
bool acquaintance_goes_on(struct acquaintance *, enum direction, struct view bytes);
/* One that is doubtful is noted. True where the other side's part of it was noted before: both are learned then, and believed. */
bool acquaintance_confirm(struct acquaintance *, enum direction, const struct message_ids *);
/* One that is believed: is it the other side's part of one that was doubtful? That one is learned then. */
bool acquaintance_settles(struct acquaintance *, enum direction, const struct message_ids *);

/* Nothing was learned so far. */
bool acquaintance_is_new(const struct acquaintance *);

enum fit {
    FIT_NOT,      /* no message of this connection now: a copy */
    FIT_STRANGER, /* of a session that was not seen */
    FIT_NEUTRAL,  /* so little is known that it may be one */
    FIT_FRIEND,   /* of a known session, with an id that may come; or an answer that is waited for */
};

/* doubtful: is set to whether it has to be confirmed. */
enum fit acquaintance_fit(const struct acquaintance *, enum direction, const struct message_ids *, bool *doubtful);

#endif
