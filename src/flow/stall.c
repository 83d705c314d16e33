#include "stall.h"

#include "trouble.h"

static void add(struct flow_context *c, struct flow *f, struct stall stall) {
    if (stall.to_ns < stall.from_ns + STALL_MIN_NS) {
        return;
    }
    struct flow_trouble *t = trouble_of(c, f);
    if (!t) {
        c->stats->evicted_stalls++;
        return;
    }
    struct stall *last = &t->stalls[t->last_stall];
    if (t->stall_count != 0 && last->cause == stall.cause && stall.from_ns <= last->to_ns &&
        stall.from_ns >= last->from_ns) { /* it goes on */
        last->to_ns = stall.to_ns > last->to_ns ? stall.to_ns : last->to_ns;
        return;
    }
    if (t->stall_count == STALLS_KEPT_MAX) {
        c->stats->evicted_stalls++;
    } else {
        t->stall_count++;
    }
    t->last_stall = t->stall_count == 1 ? 0 : (uint8_t)((t->last_stall + 1) % STALLS_KEPT_MAX);
    t->stalls[t->last_stall] = stall;
}

/* A RST has no window, and that of a SYN is not the last word (RFC 9293 3.8.6.1). */
void stall_window(struct flow_context *c, struct flow *f, enum direction from, const struct packet *p) {
    if (!f->opened || (p->flags & (TCP_SYN | TCP_RST))) {
        return;
    }
    struct flow_trouble *t = p->window == 0 ? trouble_of(c, f) : f->facts.trouble;
    if (!t) {
        return;
    }
    uint64_t since = t->closed_since[from];
    if (p->window == 0) {
        t->closed_since[from] = since != 0 ? since : p->at.time_ns;
    } else if (since != 0) {
        t->closed_since[from] = 0;
        add(c, f, (struct stall){since, p->at.time_ns, from == TO_SERVER ? STALL_CLIENT_CLOSED : STALL_SERVER_CLOSED});
    }
}

static uint8_t retransmission_by(enum direction d) {
    return d == TO_SERVER ? STALL_CLIENT_RETRANSMISSION : STALL_SERVER_RETRANSMISSION;
}

void stall_retransmission(struct flow_context *c, struct flow *f, enum direction d, struct moment at) {
    add(c, f, (struct stall){c->packet_before_ns, at.time_ns, retransmission_by(d)});
}

void stall_filled(struct flow_context *c, struct flow *f, enum direction d, uint64_t since_ns, struct moment at) {
    add(c, f, (struct stall){since_ns, at.time_ns, retransmission_by(d)});
}
