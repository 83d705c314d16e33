#include "prediction.h"

#include "limits.h"
#include "reassembly.h"

/* All that was sent has passed, as far as it is known; no end is in sight, and the window is open. */
static bool is_quiet(const struct half *h) {
    uint32_t past = h->acked - h->next;
    return h->has_next && h->has_acked && !h->has_fin && !h->early && h->window != 0 &&
           (past == 0 || past > ACKED_AHEAD_MAX);
}

/* Closed windows are told when they open, whatever a RST or SYN said of them between. */
static bool is_closed(const struct flow_trouble *t) {
    return t && (t->closed_since[TO_SERVER] != 0 || t->closed_since[TO_CLIENT] != 0);
}

void prediction_note(struct flow *f) {
    f->halves[TO_SERVER].steady = f->halves[TO_CLIENT].steady =
        f->state == FLOW_LIVE && f->opened && !is_closed(f->facts.trouble) && !f->doomed && !f->has_syn &&
        !f->rst_ahead && !f->reorder && is_quiet(&f->halves[TO_SERVER]) && is_quiet(&f->halves[TO_CLIENT]);
}

/* What it acknowledges has passed, so that it waits for nothing; and its data, if any, is next. */
static bool is_predicted(const struct half *h, const struct half *other, const struct packet *p) {
    return (p->flags & (TCP_SYN | TCP_FIN | TCP_RST | TCP_ACK)) == TCP_ACK && other->next - p->ack <= BEHIND_MAX &&
           (p->seq == h->next || p->payload_length == 0) && p->window != 0 && !p->overlap_differs;
}

bool prediction_packet(struct flow_context *c, struct flow *f, enum direction d, const struct packet *p) {
    struct half *h = &f->halves[d], *other = &f->halves[direction_opposite(d)];
    if (!h->steady || !is_predicted(h, other, p)) {
        return false;
    }
    struct flow_facts *facts = &f->facts;
    facts->packets[d]++;
    facts->last.frame = p->at.frame;
    if (p->at.time_ns > facts->last.time_ns) {
        facts->last.time_ns = p->at.time_ns;
    }
    facts->tcp_flags |= p->flags;
    h->window = p->window;
    if ((int32_t)(p->ack - other->acked) > 0) {
        other->acked = p->ack;
    }
    if (p->payload_length != 0) {
        reassembly_pass(c, f, d, p);
    }
    return true;
}
