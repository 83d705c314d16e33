#include "sides.h"

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
    uint16_t step = sides_step(c);
    if (sides_are_old(step, &f->halves[TO_SERVER]) || sides_are_old(step, &f->halves[TO_CLIENT])) {
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
