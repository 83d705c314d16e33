/* Whether both sides of a connection are seen: a mirror port that sends one direction alone is found out by this. */
#ifndef SIDES_H
#define SIDES_H

#include "entry.h"

/* A packet of a connection that stands came from this side. A stretch of a second or more is counted when the next packet shows it to be
 * over: both sides, or one alone with at least SIDES_PACKETS; fewer prove nothing, and it goes on. */
enum { SIDES_PACKETS = 4 };
void sides_packet(struct flow_context *, struct flow *, enum direction from);

/* The clock in steps of 2^30 ns, of which two begun are more than one whole: longer than any TCP delays an acknowledgment
 * (RFC 1122 4.2.3.2). They wrap within a day, which makes a stretch look shorter than it is, and no more. */
enum { SIDES_STEP_SHIFT = 30, SIDES_STRETCH_STEPS = 2 };

static inline uint16_t sides_step(const struct flow_context *c) {
    return (uint16_t)(c->now >> SIDES_STEP_SHIFT);
}

static inline bool sides_are_old(uint16_t step, const struct half *h) {
    return (uint16_t)(step - h->seen_since) >= SIDES_STRETCH_STEPS && h->seen != 0;
}

/* Of one that was predicted, most of which say nothing new: all of this side that are counted were, in a stretch that goes on. */
static inline void sides_predicted(struct flow_context *c, struct flow *f, enum direction from) {
    uint16_t step = sides_step(c);
    if (f->halves[from].seen < SIDES_PACKETS || sides_are_old(step, &f->halves[TO_SERVER]) ||
        sides_are_old(step, &f->halves[TO_CLIENT])) {
        sides_packet(c, f, from);
    }
}

/* The connection is closed, or goes. */
void sides_finish(struct flow_context *, struct flow *);

#endif
