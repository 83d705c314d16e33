#include "sides.h"

/* The clock in steps of 2^30 ns, so that one fits 32 bits. Two begun are more than one whole: longer than any TCP delays an
 * acknowledgment (RFC 1122 4.2.3.2). */
enum { STEP_SHIFT = 30, STRETCH_STEPS = 2 };

static void begin(const struct flow_context *c, struct flow *f) {
    f->sides_since = (uint32_t)(c->now >> STEP_SHIFT);
    f->sides[TO_SERVER] = f->sides[TO_CLIENT] = 0;
}

static void judge(struct flow_context *c, struct flow *f) {
    unsigned packets = f->sides[TO_SERVER] + f->sides[TO_CLIENT];
    if (f->sides[TO_SERVER] != 0 && f->sides[TO_CLIENT] != 0) {
        c->stats->stretches_both_sides++;
        begin(c, f);
    } else if (packets >= SIDES_PACKETS) {
        c->stats->stretches_one_side++;
        begin(c, f);
    }
}

void sides_packet(struct flow_context *c, struct flow *f, enum direction from) {
    if (!(f->opened || f->picked_up) || f->state == FLOW_CLOSED) {
        return;
    }
    if (f->sides[TO_SERVER] == 0 && f->sides[TO_CLIENT] == 0) {
        begin(c, f);
    } else if ((uint32_t)(c->now >> STEP_SHIFT) - f->sides_since >= STRETCH_STEPS) {
        judge(c, f);
    }
    f->sides[from] = (uint8_t)(f->sides[from] + (f->sides[from] != UINT8_MAX));
}

void sides_finish(struct flow_context *c, struct flow *f) {
    judge(c, f);
    begin(c, f);
}
