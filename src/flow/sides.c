#include "sides.h"

/* The clock in steps of 2^30 ns, of which two begun are more than one whole: longer than any TCP delays an acknowledgment
 * (RFC 1122 4.2.3.2). They wrap within a day, which makes a stretch look shorter than it is, and no more. */
enum { STEP_SHIFT = 30, STRETCH_STEPS = 2 };

static uint16_t step_of(const struct flow_context *c) {
    return (uint16_t)(c->now >> STEP_SHIFT);
}

static bool is_old(uint16_t step, const struct half *h) {
    return (uint16_t)(step - h->seen_since) >= STRETCH_STEPS && h->seen != 0;
}

static void forget(struct flow *f) {
    f->halves[TO_SERVER].seen = f->halves[TO_CLIENT].seen = 0;
}

static void judge(struct flow_context *c, struct flow *f) {
    unsigned client = f->halves[TO_SERVER].seen, server = f->halves[TO_CLIENT].seen;
    if (client != 0 && server != 0) {
        c->stats->stretches_both_sides++;
        forget(f);
    } else if (client + server >= SIDES_PACKETS) {
        c->stats->stretches_one_side++;
        forget(f);
    }
}

void sides_packet(struct flow_context *c, struct flow *f, enum direction from) {
    struct half *h = &f->halves[from];
    if (!(f->opened || f->picked_up) || f->state == FLOW_CLOSED) {
        return;
    }
    uint16_t step = step_of(c);
    if (is_old(step, &f->halves[TO_SERVER]) || is_old(step, &f->halves[TO_CLIENT])) {
        judge(c, f);
    }
    if (h->seen == 0) {
        h->seen_since = step;
    }
    if (h->seen < SIDES_PACKETS) {
        h->seen++;
    }
}

void sides_finish(struct flow_context *c, struct flow *f) {
    judge(c, f);
    forget(f);
}
