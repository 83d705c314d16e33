/* Buffers for messages that straddle segments. A pool belongs to one worker and keeps what is given back, so that in the steady
 * state no message costs a malloc. */
#ifndef NBSS_POOL_H
#define NBSS_POOL_H

#include "budget.h"
#include "nbss.h"
#include "view.h"

enum {
    /* The most that is kept of one message: the largest MaxTransactSize in use (8 MiB, MS-SMB2 3.3.5.4), and its head. */
    NBSS_WHOLE_MAX = 8 * 1024 * 1024 + 64 * 1024,
    NBSS_POOL_CLASS_MIN = 256,       /* bytes of the smallest buffer; each class is twice the one before */
    NBSS_POOL_CLASSES = 17,          /* the last one holds NBSS_WHOLE_MAX */
    NBSS_POOL_KEPT_MAX = 256 * 1024, /* bytes that lie ready in each class; larger buffers go back to the system */
};

struct nbss_piece {
    struct nbss_piece *next; /* in the pool's list */
    uint32_t room, n;        /* bytes it can hold, and holds */
    uint32_t size_class;
    uint8_t bytes[];
};

/* Appends v to *piece, which is NULL at first and moves as it grows: with what is there, never ahead of it. False, and nothing
 * changed, where the budget or the system refuses, or NBSS_WHOLE_MAX is passed. */
__attribute__((warn_unused_result)) bool nbss_pool_append(struct nbss_pool *, struct budget *,
                                                          struct nbss_piece **piece, struct view v);
/* Gives the piece back and sets it to NULL; NULL is taken as well. */
void nbss_pool_release(struct nbss_pool *, struct budget *, struct nbss_piece **piece);

static inline struct view nbss_piece_view(const struct nbss_piece *p) {
    return p ? (struct view){p->bytes, p->n} : (struct view){NULL, 0};
}

#endif
