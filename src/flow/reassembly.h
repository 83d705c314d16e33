/* Segments -> ordered bytes and gaps. In order, a segment is passed on where it lies, without a copy. Otherwise it is
 * kept until one of these is true:
 *
 * - what comes before it has come;
 * - the other side acknowledged the hole, so that it was received there and lost to us, and the allowance for
 * reordering is over: the hole is a gap;
 * - nobody acknowledged it for much longer, a bound was hit, or the flow ends: the same.
 *
 * A segment that acknowledges bytes of the other direction which have not passed yet waits for them in the same way: it
 * was sent after they were received. So a response never overtakes its request, though the capture may have swapped the
 * two. */
#ifndef REASSEMBLY_H
#define REASSEMBLY_H

#include "entry.h"
#include "reorder_queue.h"

/* What a flow has only while something waits. */
struct reorder {
    struct flow *flow;
    struct budget held; /* what is queued, under the program's */
    struct reorder_queue queues[DIRECTIONS];
    struct waiting {
        struct seen since;
        uint32_t next; /* for which byte */
        bool acked;    /* did the other side have it? */
        bool on;
    } waits[DIRECTIONS];
    struct link link; /* in the context's list */
    uint64_t looked;  /* the clock, when settled last */
};

/* The sequence number of a direction's first byte is known; without effect where it was known before, but for one that was picked
 * up in the middle a little behind it. */
void reassembly_begin(struct half *, uint32_t next);

/* The packet's acknowledgment, data and FIN. The flow may be doomed behind it. */
void reassembly_packet(struct flow_context *, struct flow *, enum direction, const struct packet *);

/* Passes on the packet's data, which is next, while nothing waits. */
void reassembly_pass(struct flow_context *, struct flow *, enum direction, const struct packet *);

/* The other side says, in what is no data packet, that it has all of a direction up to here. */
void reassembly_ack(struct flow *, enum direction, uint32_t ack);

/* Passes on what can be, and makes gaps of what waited long enough. */
void reassembly_settle(struct flow_context *, struct flow *, struct moment);

/* The flow ends: passes on all that is left. Opens it first, where it was picked up and waits for that. */
void reassembly_finish(struct flow_context *, struct flow *);

/* Settles the flows that waited for the clock alone, and hands each on: it may be at its end. */
void reassembly_tick(struct flow_context *, void (*settled)(void *arg, struct flow *), void *arg);

/* Forgets what waits. */
void reassembly_drop(struct flow_context *, struct flow *);

#endif
