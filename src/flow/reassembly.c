#include "reassembly.h"

#include <assert.h>
#include <stdlib.h>

#include "contradiction.h"
#include "delivery.h"
#include "limits.h"
#include "stall.h"

static const struct reorder_queue no_queue;

static const struct reorder_queue *queue_of(const struct flow *f, enum direction d) {
    return f->reorder ? &f->reorder->queues[d] : &no_queue;
}

static uint64_t packets_of(const struct flow *f) {
    return f->facts.packets[TO_SERVER] + f->facts.packets[TO_CLIENT];
}

/* Bytes from next on that the other side acknowledged: they were received there. A direction of which nothing is ever
 * captured has none, once it was waited for: that is not loss. Nor has then a single byte with nothing behind it: that is a
 * FIN which was not captured. */
static uint32_t acked_past(const struct flow *f, enum direction d) {
    const struct half *h = &f->halves[d];
    uint32_t past = h->acked - h->next;
    if (past == 0 || past > ACKED_AHEAD_MAX || !h->has_next || !h->has_acked || h->fin_done) {
        return 0;
    }
    if (h->silent && f->facts.packets[d] == 0) {
        return 0;
    }
    if (h->has_fin && past > h->fin - h->next) {
        return h->fin - h->next;
    }
    return past == 1 && h->fin_lost && queue_of(f, d)->count == 0 ? 0 : past;
}

/* Does something that acknowledges ack have to wait for the other direction? */
static bool blocked(const struct flow *f, enum direction d, bool has_ack, uint32_t ack) {
    enum direction other = direction_opposite(d);
    return has_ack && acked_past(f, other) != 0 && (int32_t)(ack - f->halves[other].next) > 0;
}

/* Acknowledgments are known only between BEHIND_MAX behind next and ACKED_AHEAD_MAX ahead of it: so neither a wild one
 * nor one that grew old, while gigabytes passed in the other direction alone, is mistaken for one that is ahead. */
static bool ack_is_near(const struct half *h, uint32_t ack) {
    return ack - h->next <= ACKED_AHEAD_MAX || h->next - ack <= BEHIND_MAX;
}

void reassembly_begin(struct half *h, uint32_t next) {
    if (h->has_next && !(h->early && h->next - next <= EARLY_BYTES)) {
        return;
    }
    h->next = next;
    h->isn = h->has_isn ? h->isn : next - 1;
    h->has_next = true;
    h->early = false;
    h->has_acked = h->has_acked && ack_is_near(h, h->acked);
}

static void note_ack(struct half *h, uint32_t ack) {
    if (h->has_next && !ack_is_near(h, ack)) {
        return;
    }
    if (!h->has_acked || (int32_t)(ack - h->acked) > 0) {
        h->acked = ack;
        h->has_acked = true;
    }
}

void reassembly_ack(struct flow *f, enum direction d, uint32_t ack) {
    note_ack(&f->halves[d], ack);
}

/* What was acknowledged stays within BEHIND_MAX of next, or ahead of it. */
__attribute__((noinline)) static void advance_acked(struct half *h, uint32_t n) {
    uint32_t before = h->next - n, ahead = h->acked - before;
    int64_t behind = ahead <= ACKED_AHEAD_MAX ? -(int64_t)ahead : (int64_t)(before - h->acked);
    if (behind + n > BEHIND_MAX) {
        h->acked = h->next - BEHIND_MAX;
    }
}

static inline void advance(struct half *h, uint32_t n) {
    h->next += n;
    h->fin_lost = false;
    if (n > ACKED_AHEAD_MAX || h->next - h->acked > BEHIND_MAX) { /* else it is near, whichever side it was on */
        advance_acked(h, n);
    }
}

/* True when the end of the direction's data was reached by it. */
static bool pass_fin(struct half *h) {
    if (!h->has_fin || h->fin_done || (int32_t)(h->next - h->fin) < 0) {
        return false;
    }
    h->next += h->next == h->fin;
    h->fin_done = true;
    return true;
}

/* length bytes, of which these are there: they are next. Into its callers: an ordinary packet comes through here. */
__attribute__((always_inline)) static inline void pass_bytes(struct flow_context *c, struct flow *f, enum direction d,
                                                             struct view bytes, uint32_t length, struct moment at) {
    struct half *h = &f->halves[d];
    if (bytes.n != 0) {
        history_add(c->history, &h->passed, h->next, bytes);
    }
    advance(h, length);
    delivery_bytes(c, f, d, bytes, length, at);
}

static void pass_on(struct flow_context *c, struct flow *f, enum direction d, const struct arrival *a) {
    assert(a->seq == f->halves[d].next);
    pass_bytes(c, f, d, a->bytes, a->length, a->at);
}

void reassembly_pass(struct flow_context *c, struct flow *f, enum direction d, const struct packet *p) {
    pass_bytes(c, f, d, p->payload, p->payload_length, p->at);
}

static void pass_head(struct flow_context *c, struct flow *f, enum direction d) {
    struct segment *s = queue_pop(&f->reorder->queues[d]);
    struct arrival a = {.seq = s->seq, .length = s->length, .bytes = {s->data, s->n}, .at = s->at};
    pass_on(c, f, d, &a);
    segment_free(s, &f->reorder->held);
}

static void pass_gap(struct flow_context *c, struct flow *f, enum direction d, uint32_t length, struct moment at) {
    advance(&f->halves[d], length);
    delivery_gap(c, f, d, length, at);
}

/* What claims to lie behind the FIN is not the stream's. */
static void drop_behind_fin(struct flow_context *c, struct flow *f, enum direction d) {
    while (f->halves[d].fin_done && queue_of(f, d)->count != 0) {
        c->stats->segments_dropped++;
        segment_free(queue_pop(&f->reorder->queues[d]), &f->reorder->held);
    }
}

/* Passes on the segments that are next and wait for nothing. */
static bool drain(struct flow_context *c, struct flow *f, enum direction d) {
    struct half *h = &f->halves[d];
    bool moved = false;
    while (!h->early && f->reorder) {
        const struct segment *head = queue_head(&f->reorder->queues[d]);
        if (!head || head->seq != h->next || blocked(f, d, head->has_ack, head->ack)) {
            break;
        }
        pass_head(c, f, d);
        moved = true;
    }
    moved |= pass_fin(h);
    if (h->fin_done) {
        drop_behind_fin(c, f, d);
    }
    return moved;
}

static void drain_both(struct flow_context *c, struct flow *f) {
    bool moved;
    do {
        moved = drain(c, f, TO_SERVER);
        moved |= drain(c, f, TO_CLIENT);
    } while (moved);
}

/* --- the first data of a connection on another port --- */

/* The bytes a candidate begins with: those of the first segment, or, where it is too short to tell, of several. */
static struct view first_data(const struct reorder_queue *q, uint8_t *to) {
    const struct segment *head = queue_head(q);
    if (head->n >= NBSS_PROBE_BYTES) {
        return (struct view){head->data, head->n};
    }
    size_t n = 0;
    uint32_t run = queue_run(q, NBSS_PROBE_BYTES);
    for (uint32_t i = 0; i < run; i++) {
        const struct segment *s = q->at[q->first + i];
        for (uint32_t k = 0; k < s->n && n < NBSS_PROBE_BYTES; k++) {
            to[n++] = s->data[k];
        }
    }
    return (struct view){to, n};
}

/* Asks the probe once there is enough to ask. */
static void judge_candidate(struct flow_context *c, struct flow *f, enum direction d) {
    const struct segment *head = queue_head(queue_of(f, d));
    if (!head || head->seq != f->halves[d].next) {
        return;
    }
    uint8_t gathered[NBSS_PROBE_BYTES];
    struct view first = first_data(queue_of(f, d), gathered);
    enum nbss_probe probe = c->settings.probe(first);
    if (probe == PROBE_MORE && !f->halves[d].has_fin) {
        return;
    }
    if (probe == PROBE_NO || probe == PROBE_MORE) {
        f->doomed = true;
    } else {
        delivery_start(c, f, head->at);
    }
}

/* --- what has to give way --- */

/* Is what lies behind a hole to be believed, though nobody acknowledged it? */
static bool confirmed(const struct reorder_queue *q, uint32_t hole) {
    return hole <= UNCONFIRMED_AHEAD_MAX || queue_run(q, CONFIRMING_SEGMENTS) == CONFIRMING_SEGMENTS;
}

/* A flow that was picked up: no SYN of it came, though it was waited for. */
static void open_picked_up(struct flow_context *c, struct flow *f, struct moment at) {
    if (f->picked_up && !f->opened) {
        delivery_start(c, f, at);
    }
}

/* A keep-alive (RFC 9293 3.8.4) behind the hole: its byte was received before, and lost to us like those before it; 1 where it is
 * taken off. Whoever sends byte by byte goes on with another one. */
static uint32_t drop_probe(struct flow *f, enum direction d) {
    struct reorder_queue *q = &f->reorder->queues[d];
    const struct segment *head = queue_head(q), *next = q->count > 1 ? q->at[q->first + 1] : NULL;
    if (!head->probe || (next && next->length == 1 && next->seq == head->seq + 1)) {
        return 0;
    }
    segment_free(queue_pop(q), &f->reorder->held);
    return 1;
}

/* The first hole of a direction, or what else keeps it waiting, is over. */
static void force(struct flow_context *c, struct flow *f, enum direction d, struct moment at) {
    struct half *h = &f->halves[d];
    if (f->state == FLOW_CANDIDATE) {
        f->doomed = true; /* its beginning is lost: what follows may still be found by itself */
        return;
    }
    if (h->early) {
        h->early = false;
        return;
    }
    if (f->facts.packets[d] == 0) {
        h->silent = true;
        return;
    }
    open_picked_up(c, f, at);
    const struct segment *head = queue_head(queue_of(f, d));
    uint32_t past = acked_past(f, d);
    if (!head) {
        assert(past != 0);
        h->fin_lost = past == 1 && !h->has_fin;
        if (!h->fin_lost) {
            pass_gap(c, f, d, past, at);
        }
        return;
    }
    uint32_t hole = head->seq - h->next;
    if (hole == 0) {
        pass_head(c, f, d);
    } else if (past != 0) {
        pass_gap(c, f, d, past <= hole ? past : hole + drop_probe(f, d), at);
    } else if (confirmed(queue_of(f, d), hole)) {
        pass_gap(c, f, d, hole, at);
    } else {
        c->stats->segments_dropped++;
        segment_free(queue_pop(&f->reorder->queues[d]), &f->reorder->held);
    }
}

static bool troubled(const struct flow *f, enum direction d) {
    return queue_of(f, d)->count != 0 || acked_past(f, d) != 0;
}

/* A hole rather than something that waits for the other direction's hole. */
static bool has_hole(const struct flow *f, enum direction d) {
    const struct segment *head = queue_head(queue_of(f, d));
    return f->halves[d].early || (head ? head->seq != f->halves[d].next : acked_past(f, d) != 0);
}

/* Which direction has to give way so that something moves; requests before responses. */
static enum direction weakest(const struct flow *f) {
    for (int d = TO_SERVER; d < DIRECTIONS; d++) {
        if (troubled(f, (enum direction)d) && has_hole(f, (enum direction)d)) {
            return (enum direction)d;
        }
    }
    return troubled(f, TO_SERVER) ? TO_SERVER : TO_CLIENT;
}

/* --- waiting --- */

/* The first that acknowledges more than next: acknowledgments rise with the sequence numbers. */
static const struct segment *first_beyond(const struct reorder_queue *q, uint32_t next) {
    uint32_t low = 0, high = q->count;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        const struct segment *s = q->at[q->first + middle];
        if (s->has_ack && (int32_t)(s->ack - next) > 0) {
            high = middle;
        } else {
            low = middle + 1;
        }
    }
    return low < q->count ? q->at[q->first + low] : NULL;
}

/* Since when a hole is known: since something arrived behind it, or something that acknowledges it. Holes wait side by
 * side, so that a stream with many of them does not fall behind. */
static struct seen known_since(const struct flow_context *c, const struct flow *f, enum direction d) {
    const struct segment *head = queue_head(queue_of(f, d));
    if (!head) {
        head = first_beyond(queue_of(f, direction_opposite(d)), f->halves[d].next);
    }
    return head ? head->seen : (struct seen){c->now, packets_of(f)};
}

/* The allowance begins with each hole, and anew when it is acknowledged. */
static void note_waiting(const struct flow_context *c, struct flow *f, enum direction d) {
    struct waiting *w = &f->reorder->waits[d];
    const struct half *h = &f->halves[d];
    bool acked = acked_past(f, d) != 0;
    if (!troubled(f, d) || !has_hole(f, d)) {
        w->on = false;
    } else if (!w->on || (!h->early && w->next != h->next)) {
        *w = (struct waiting){known_since(c, f, d), h->next, acked, true};
    } else if (!h->early && w->acked != acked) {
        *w = (struct waiting){{c->now, packets_of(f)}, h->next, acked, true};
    }
}

static bool waited_enough(const struct flow_context *c, const struct flow *f, enum direction d) {
    const struct waiting *w = &f->reorder->waits[d];
    if (!w->on) {
        return false;
    }
    uint64_t packets = packets_of(f) - w->since.packets, time = c->now - w->since.clock;
    if (f->halves[d].early) {
        return packets >= EARLY_PACKETS || time >= REORDER_NS;
    }
    return w->acked ? packets >= REORDER_PACKETS || time >= REORDER_NS : time >= HOLE_NS;
}

static void stop_waiting(struct flow_context *c, struct flow *f) {
    struct reorder *r = f->reorder;
    list_remove(&r->link);
    for (int d = 0; d < DIRECTIONS; d++) {
        queue_clear(&r->queues[d], &r->held);
    }
    assert(r->held.held == 0);
    budget_give(c->budget, r, sizeof *r);
    f->reorder = NULL;
}

static bool start_waiting(struct flow_context *c, struct flow *f) {
    if (f->reorder) {
        return true;
    }
    struct reorder *r = budget_take(c->budget, sizeof *r);
    if (!r) {
        return false;
    }
    r->flow = f;
    r->held = (struct budget){.parent = c->budget, .ceiling = c->settings.reorder_bytes_max};
    r->looked = c->now;
    list_append(&c->waiting, &r->link);
    f->reorder = r;
    return true;
}

void reassembly_settle(struct flow_context *c, struct flow *f, struct moment at) {
    if (f->state == FLOW_CANDIDATE && !f->doomed) {
        judge_candidate(c, f, TO_SERVER);
        if (f->state == FLOW_CANDIDATE && !f->doomed) {
            judge_candidate(c, f, TO_CLIENT);
        }
    }
    for (;;) {
        if (!f->halves[TO_SERVER].early && !f->halves[TO_CLIENT].early) {
            open_picked_up(c, f, at);
        }
        if (f->opened) {
            drain_both(c, f);
        }
        if (f->doomed || (!troubled(f, TO_SERVER) && !troubled(f, TO_CLIENT))) {
            break;
        }
        if (!start_waiting(c, f)) {
            force(c, f, weakest(f), at);
            continue;
        }
        note_waiting(c, f, TO_SERVER);
        note_waiting(c, f, TO_CLIENT);
        if (waited_enough(c, f, TO_SERVER)) {
            force(c, f, TO_SERVER, at);
        } else if (waited_enough(c, f, TO_CLIENT)) {
            force(c, f, TO_CLIENT, at);
        } else if (f->opened && !has_hole(f, TO_SERVER) && !has_hole(f, TO_CLIENT)) {
            force(c, f, weakest(f),
                  at); /* each waits for the other, as a retransmission does that acknowledges its own answer */
        } else {
            return;
        }
    }
    if (f->reorder) {
        stop_waiting(c, f);
    }
}

void reassembly_finish(struct flow_context *c, struct flow *f) {
    open_picked_up(c, f, f->facts.last);
    assert(f->opened);
    for (;;) {
        drain_both(c, f);
        if (!troubled(f, TO_SERVER) && !troubled(f, TO_CLIENT)) {
            break;
        }
        force(c, f, weakest(f), f->facts.last);
    }
    for (int d = 0; d < DIRECTIONS; d++) {
        const struct half *h = &f->halves[d];
        uint32_t rest = h->fin - h->next; /* nobody acknowledged it, but the FIN lies behind it */
        if (h->has_fin && !h->fin_done && h->has_next && rest != 0 && rest <= UNCONFIRMED_AHEAD_MAX) {
            pass_gap(c, f, (enum direction)d, rest, f->facts.last);
        }
    }
    reassembly_drop(c, f);
}

void reassembly_drop(struct flow_context *c, struct flow *f) {
    if (f->reorder) {
        stop_waiting(c, f);
    }
}

/* --- arrival --- */

static void note_differing(struct flow_context *c, struct flow *f, struct arrival *a) {
    if (!a->differs) {
        a->differs = true;
        c->stats->overlap_differs++;
        contradiction_note(c, f, SEGMENTS_DIFFER, a->at);
    }
}

/* Keeps a copy of what is new in it. False: a bound, or the budget, was hit. */
static bool keep(struct flow_context *c, struct flow *f, enum direction d, struct arrival *a) {
    if (!start_waiting(c, f)) {
        return false;
    }
    const struct reorder_queue *q = &f->reorder->queues[d];
    const struct segment *tail = q->count != 0 ? q->at[q->first + q->count - 1] : NULL;
    uint32_t last = tail ? tail->seq + tail->length - 1 : a->seq - 1; /* a single byte here is a keep-alive */
    bool differs = false;
    enum queue_result result = queue_insert(&f->reorder->queues[d], &f->reorder->held, f->halves[d].next, *a, &differs);
    if (differs && !(a->length == 1 && a->seq == last)) {
        note_differing(c, f, a);
    }
    return result == QUEUE_KEPT;
}

/* It is next in order: passes on as much as comes before what is queued, and leaves the rest to the queue. */
static void take_in_order(struct flow_context *c, struct flow *f, enum direction d, struct arrival a) {
    const struct segment *head = queue_head(queue_of(f, d));
    uint32_t room = head ? head->seq - a.seq : UINT32_MAX;
    if (head) {
        stall_filled(c, f, d, head->at.time_ns, a.at);
    }
    if (room < a.length) {
        struct arrival rest = arrival_from(a, room);
        if (!keep(c, f, d, &rest)) {
            c->stats->reassembly_limit++; /* what is new in it becomes a hole */
        }
        a.length = room;
        a.bytes = view_part(a.bytes, 0, room);
    }
    if (a.length != 0) {
        pass_on(c, f, d, &a);
    }
}

/* No memory to keep anything: what is missing before it is given up. */
static void take_by_force(struct flow_context *c, struct flow *f, enum direction d, struct arrival a) {
    struct half *h = &f->halves[d];
    h->early = false;
    if (f->state == FLOW_CANDIDATE) {
        f->doomed = true;
        return;
    }
    uint32_t hole = a.seq - h->next;
    if (hole > UNCONFIRMED_AHEAD_MAX) {
        c->stats->segments_dropped++;
        return;
    }
    open_picked_up(c, f, a.at);
    if (hole != 0) {
        pass_gap(c, f, d, hole, a.at);
    }
    if (blocked(f, d, a.has_ack, a.ack)) {
        force(c, f, direction_opposite(d), a.at);
    }
    take_in_order(c, f, d, a);
}

/* Cuts off what has passed already; false where nothing is left. */
static bool trim_old(struct flow_context *c, struct flow *f, enum direction d, struct arrival *a) {
    struct half *h = &f->halves[d];
    uint32_t behind = h->next - a->seq;
    if (behind == 0 || behind > BEHIND_MAX) {
        return true;
    }
    if (h->early && behind <= EARLY_BYTES) {
        h->next = a->seq;
        h->isn = a->seq - 1;
        return true;
    }
    bool keep_alive = behind == 1 && a->length == 1; /* its byte may be anything */
    c->stats->retransmitted += !keep_alive;
    if (!keep_alive) {
        stall_retransmission(c, f, d, a->at);
    }
    if (!keep_alive && history_differs(c->history, h->passed, a->seq, view_part(a->bytes, 0, behind))) {
        note_differing(c, f, a);
    }
    if (behind >= a->length) {
        return false;
    }
    *a = arrival_from(*a, behind);
    return true;
}

/* A bound was hit by an arrival: something gives way to it. False: not to this one, or there is nothing. */
static bool make_room(struct flow_context *c, struct flow *f, enum direction d, const struct arrival *a) {
    const struct reorder_queue *q = queue_of(f, d);
    c->stats->reassembly_limit++;
    if (q->count == 0 && queue_of(f, direction_opposite(d))->count == 0) {
        take_by_force(c, f, d, *a);
        return false;
    }
    if (!confirmed(q, a->seq - f->halves[d].next)) {
        c->stats->segments_dropped++;
        return false;
    }
    force(c, f, has_hole(f, d) && q->count != 0 ? d : weakest(f), a->at);
    if (f->opened) {
        drain_both(c, f);
    }
    return !f->doomed;
}

/* Can it pass where it lies, ahead of all that is queued? */
static bool is_next(const struct flow *f, enum direction d, const struct arrival *a) {
    const struct half *h = &f->halves[d];
    const struct segment *head = queue_head(queue_of(f, d));
    return a->seq == h->next && !(head && head->seq == h->next) && !h->early && f->opened &&
           !blocked(f, d, a->has_ack, a->ack);
}

static void take(struct flow_context *c, struct flow *f, enum direction d, struct arrival a) {
    const struct half *h = &f->halves[d];
    const struct segment *head = queue_head(queue_of(f, d));
    bool late = !h->early && a.seq != h->next && !(head && head->seq == h->next);
    while (trim_old(c, f, d, &a)) {
        if (h->fin_done) {
            c->stats->segments_dropped++;
            return;
        }
        if (is_next(f, d, &a)) {
            take_in_order(c, f, d, a);
            return;
        }
        c->stats->out_of_order += late;
        late = false;
        bool waits_for_answer = !f->opened && !f->picked_up && f->state != FLOW_CANDIDATE;
        if (keep(c, f, d, &a) || waits_for_answer || !make_room(c, f, d, &a)) {
            return;
        }
    }
}

/* The first data of a direction whose SYN was not seen sets its sequence. It is held back a little, unless the other
 * side said before that it had everything up to here, and the SYN is not waited for. */
static void begin_early(const struct flow *f, struct half *h, uint32_t seq) {
    reassembly_begin(h, seq);
    h->early = !f->opened || !(h->has_acked && h->acked == seq);
}

/* A single byte that the other side said before that it has. */
static bool is_probe(const struct half *h, const struct packet *p) {
    return p->payload_length == 1 && h->has_acked && p->seq + 1 == h->acked &&
           !(p->flags & (TCP_SYN | TCP_PSH | TCP_FIN));
}

/* Data where the FIN was said to be: that was not its sender's. A single byte there is a keep-alive. */
static void doubt_fin(struct half *h, const struct packet *p) {
    uint32_t before = h->fin - p->seq;
    if (h->has_fin && before < p->payload_length && (before != 0 || p->payload_length > 1)) {
        h->next = h->fin_done ? h->fin : h->next;
        h->has_fin = h->fin_done = false;
    }
}

static void note_fin(struct half *h, uint32_t at) {
    if (!h->has_fin && (int32_t)(at - h->next) >= 0) {
        h->fin = at;
        h->has_fin = true;
    }
}

void reassembly_packet(struct flow_context *c, struct flow *f, enum direction d, const struct packet *p) {
    struct half *h = &f->halves[d];
    bool has_ack = (p->flags & TCP_ACK) != 0;
    if (has_ack) {
        note_ack(&f->halves[direction_opposite(d)], p->ack);
    }
    uint32_t seq = p->seq + ((p->flags & TCP_SYN) != 0);
    doubt_fin(h, p);
    if (p->payload_length != 0 && !h->has_next) {
        begin_early(f, h, seq);
    }
    if ((p->flags & TCP_FIN) && h->has_next) {
        note_fin(h, seq + p->payload_length);
    }
    if (p->payload_length != 0) {
        take(c, f, d,
             (struct arrival){.seq = seq,
                              .length = p->payload_length,
                              .bytes = p->payload,
                              .at = p->at,
                              .seen = {c->now, packets_of(f)},
                              .ack = p->ack,
                              .has_ack = has_ack,
                              .probe = is_probe(h, p)});
    }
    pass_fin(h);
    if (f->reorder || acked_past(f, TO_SERVER) != 0 || acked_past(f, TO_CLIENT) != 0) {
        reassembly_settle(c, f, p->at);
    }
}

void reassembly_tick(struct flow_context *c, void (*settled)(void *arg, struct flow *), void *arg) {
    while (list_first(&c->waiting)) {
        struct reorder *r = container_of(list_first(&c->waiting), struct reorder, link);
        if (c->now - r->looked < REORDER_NS) {
            break;
        }
        r->looked = c->now;
        list_remove(&r->link);
        list_append(&c->waiting, &r->link);
        struct flow *f = r->flow; /* what waits may go */
        reassembly_settle(c, f, f->facts.last);
        settled(arg, f);
    }
}
