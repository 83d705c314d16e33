/* Segments of one direction that cannot be passed on yet: copied, ordered by sequence number, without overlaps. */
#ifndef REORDER_QUEUE_H
#define REORDER_QUEUE_H

#include <stdbool.h>

#include "budget.h"
#include "packet.h"

/* When it was, as waiting counts: the table's clock and the flow's packets. */
struct seen {
    uint64_t clock, packets;
};

struct segment {
    struct moment at;
    struct seen seen;
    uint32_t seq, length; /* length on the wire */
    uint32_t n;           /* of these, captured */
    uint32_t ack;         /* what its packet acknowledged of the other direction */
    bool has_ack;
    bool probe; /* see arrival */
    uint8_t data[];
};

struct reorder_queue {
    struct segment **at; /* capacity of them, in use from first on */
    uint32_t first, count, capacity;
};

static inline struct segment *queue_head(const struct reorder_queue *q) {
    return q->count != 0 ? q->at[q->first] : NULL;
}

/* One that arrived, or what is left of it. */
struct arrival {
    uint32_t seq, length;
    struct view bytes; /* at most length of them */
    struct moment at;
    struct seen seen;
    uint32_t ack;
    bool has_ack;
    bool probe;   /* it looks like a keep-alive, whose byte is no data */
    bool differs; /* from what was there before it; counted once */
};

/* The arrival less its first n bytes. */
static inline struct arrival arrival_from(struct arrival a, uint32_t n) {
    a.seq += n;
    a.length -= n;
    a.bytes = view_from(a.bytes, n);
    return a;
}

enum queue_result { QUEUE_KEPT, QUEUE_FULL };

/* Keeps a copy of what is new in the arrival: where the queue has bytes already, these stay, and *differs is set if the
 * arrival brought others. base: a sequence number at or before the arrival and all that is queued; order is counted
 * from it. QUEUE_FULL: a bound or the budget was hit, and part of it may be kept. */
__attribute__((warn_unused_result)) enum queue_result queue_insert(struct reorder_queue *, struct budget *,
                                                                   uint32_t base, struct arrival, bool *differs);

/* Takes the head off; the caller frees it by segment_free. */
struct segment *queue_pop(struct reorder_queue *);
void segment_free(struct segment *, struct budget *);

/* How many segments in a row, without a hole, the queue begins with; counts up to most. */
uint32_t queue_run(const struct reorder_queue *, uint32_t most);

void queue_clear(struct reorder_queue *, struct budget *);

#endif
