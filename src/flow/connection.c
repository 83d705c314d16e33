#include "connection.h"

#include "delivery.h"
#include "limits.h"
#include "reassembly.h"
#include "stall.h"

enum { SCALE_UNKNOWN = 0xff };

static bool is_syn(const struct packet *p) {
    return (p->flags & (TCP_SYN | TCP_ACK | TCP_RST)) == TCP_SYN;
}

static bool is_syn_ack(const struct packet *p) {
    return (p->flags & (TCP_SYN | TCP_ACK | TCP_RST)) == (TCP_SYN | TCP_ACK);
}

/* --- birth --- */

/* In the middle of a connection: who is the client? Known by the port, else by the header. */
static bool birth_midstream(const struct flow_settings *s, const struct packet *p, bool src_is_smb, bool dst_is_smb,
                            struct birth *birth) {
    if ((p->flags & TCP_RST) || ((p->flags & TCP_FIN) && p->payload_length == 0)) {
        return false; /* the trailing end of something */
    }
    if (src_is_smb != dst_is_smb) {
        *birth = (struct birth){FLOW_ATTEMPT, src_is_smb};
        return true;
    }
    if (p->payload.n == 0 || !s->probe) {
        return false;
    }
    enum nbss_probe probe = s->probe(p->payload);
    if ((probe == PROBE_NO || probe == PROBE_MORE) && !src_is_smb) {
        return false;
    }
    *birth = (struct birth){FLOW_ATTEMPT, probe == PROBE_RESPONSE};
    return true;
}

bool connection_birth(const struct flow_settings *s, const struct packet *p, bool src_is_smb, bool dst_is_smb,
                      struct birth *birth) {
    if (!is_syn(p) && !is_syn_ack(p)) {
        return birth_midstream(s, p, src_is_smb, dst_is_smb, birth);
    }
    bool from_server = is_syn_ack(p);
    bool server_is_smb = from_server ? src_is_smb : dst_is_smb;
    if (!server_is_smb && !s->probe) {
        return false;
    }
    *birth = (struct birth){server_is_smb ? FLOW_ATTEMPT : FLOW_CANDIDATE, from_server};
    return true;
}

/* --- a new connection on old addresses and ports --- */

static void remember_syn(struct flow *f, enum direction from, uint32_t isn, bool implied, struct moment at) {
    f->has_syn = true;
    f->syn_implied = implied;
    f->syn_from = (uint8_t)from;
    f->syn_isn = isn;
    f->syn_at = at;
}

/* A SYN captured late, behind the data that it begins. */
static bool begins(const struct flow *f, enum direction d, uint32_t isn) {
    const struct half *h = &f->halves[d];
    return !h->has_isn && h->has_next && (isn == h->isn || (h->early && h->next - (isn + 1) <= EARLY_BYTES));
}

/* A SYN on a connection that stands proves nothing (RFC 9293 3.10.7.4, RFC 5961 4): it is believed once it is answered,
 * or its sender goes on from it. */
static bool superseded_by_syn(struct flow *f, enum direction d, const struct packet *p) {
    const struct half *h = &f->halves[d];
    if (h->has_isn &&
        h->isn == p->seq) { /* sent again, or seen twice; or all of it is played again, as in laboratories */
        return f->state == FLOW_CLOSED && p->at.time_ns > f->facts.last.time_ns + REORDER_NS;
    }
    if (begins(f, d, p->seq)) {
        return false;
    }
    switch (f->state) {
    case FLOW_CLOSED:
        return true;
    case FLOW_LIVE:
        remember_syn(f, d, p->seq, false, p->at);
        return false;
    default:
        /* Both ends may open at the same time (RFC 9293 3.5): then each has one SYN. */
        return h->has_isn || !f->facts.start_seen;
    }
}

static bool superseded_by_syn_ack(struct flow *f, enum direction d, const struct packet *p) {
    const struct half *h = &f->halves[d];
    enum direction other = direction_opposite(d);
    if (begins(f, d, p->seq) || (h->has_isn && h->isn == p->seq)) {
        return false;
    }
    if (f->has_syn && !f->syn_implied && f->syn_from == other && p->ack == f->syn_isn + 1) {
        return true;
    }
    if (f->state == FLOW_CLOSED) {
        return true;
    }
    if (f->state == FLOW_LIVE && f->halves[other].has_next && p->ack != f->halves[other].isn + 1 && h->has_isn) {
        remember_syn(f, other, p->ack - 1, true, p->at); /* the SYN itself was not captured */
    }
    return false;
}

/* Is what the packet acknowledges near what the other side sent? */
static bool acknowledges_own(const struct flow *f, enum direction d, const struct packet *p) {
    const struct half *other = &f->halves[direction_opposite(d)];
    return !(p->flags & TCP_ACK) || !other->has_next || p->ack - other->next <= WINDOW_MIN ||
           other->next - p->ack <= WINDOW_UNKNOWN;
}

/* Data on a closed connection that cannot be its own: the SYN of the next one was not captured. */
static bool superseded_by_data(const struct flow *f, enum direction d, const struct packet *p) {
    const struct half *h = &f->halves[d];
    if (f->state != FLOW_CLOSED || p->payload_length == 0 || !h->has_next) {
        return false;
    }
    uint32_t behind = h->next - p->seq;
    if (h->fin_done) {
        return behind == 0 || behind > BEHIND_MAX;
    }
    return behind > BEHIND_MAX && (0 - behind > WINDOW_UNKNOWN || !acknowledges_own(f, d, p));
}

bool connection_superseded(struct flow *f, enum direction d, const struct packet *p) {
    if (is_syn(p)) {
        return superseded_by_syn(f, d, p);
    }
    if (is_syn_ack(p)) {
        return superseded_by_syn_ack(f, d, p);
    }
    if (f->has_syn && f->syn_from == d && !(p->flags & TCP_RST) && p->seq == f->syn_isn + 1 &&
        p->seq != f->halves[d].next) {
        return true;
    }
    return superseded_by_data(f, d, p);
}

/* --- life --- */

static void note_syn(struct flow *f, enum direction d, const struct packet *p) {
    struct half *h = &f->halves[d];
    if (f->state == FLOW_LIVE && h->has_isn) {
        return;
    }
    f->facts.start_seen |= !f->opened; /* too late to tell, where it was picked up at its first data */
    h->isn = p->seq;
    h->has_isn = true;
    h->scale = p->window_scale;
    reassembly_begin(h, p->seq + 1);
    if (p->flags & TCP_ACK) {
        reassembly_begin(&f->halves[direction_opposite(d)], p->ack);
    }
}

/* The handshake is over for us by the server's SYN, or when the two speak on although it was not captured. */
static bool stands(const struct flow *f, enum direction d, const struct packet *p) {
    if ((p->flags & TCP_RST) || is_syn(p)) {
        return false;
    }
    if (f->facts.start_seen && (p->flags & TCP_ACK)) {
        /* An answer to our SYN, rather than a challenge (RFC 5961 4) by a server that has an old connection. */
        return d == TO_SERVER || p->ack - f->halves[TO_SERVER].next <= WINDOW_UNKNOWN;
    }
    if (p->payload_length == 1 && !(p->flags & (TCP_PSH | TCP_FIN))) {
        const struct half *h = &f->halves[d];
        return h->has_next && (int32_t)(p->seq - h->next) > 0; /* goes on from the one that was kept: no keep-alive */
    }
    return p->payload_length != 0;
}

/* A single byte at the start of a flow that was picked up is a keep-alive (RFC 9293 3.8.4), whose byte is no data, or the first
 * of a sender that goes byte by byte. It is kept, and forgotten when the other side acknowledges it with nothing more behind. */
static bool keep_alive_answered(const struct flow *f, enum direction d, const struct packet *p) {
    const struct half *other = &f->halves[direction_opposite(d)];
    return f->state == FLOW_ATTEMPT && !f->facts.start_seen && !f->opened && f->reorder && other->has_next &&
           p->payload_length == 0 && (p->flags & (TCP_ACK | TCP_SYN | TCP_RST | TCP_FIN)) == TCP_ACK &&
           p->ack == other->next + 1;
}

static void forget_keep_alive(struct flow_context *c, struct flow *f, enum direction from) {
    reassembly_drop(c, f);
    f->halves[from].has_next = false;
    f->halves[from].early = false;
}

static void shake_hands(struct flow_context *c, struct flow *f, enum direction d, const struct packet *p) {
    if ((p->flags & (TCP_SYN | TCP_RST)) == TCP_SYN) {
        note_syn(f, d, p);
    } else if ((p->flags & (TCP_ACK | TCP_RST)) == TCP_ACK && f->facts.start_seen) {
        struct half *other = &f->halves[direction_opposite(d)];
        if (!other->has_next) {
            reassembly_begin(other, p->ack);               /* the answer to its SYN was not captured so far */
            other->early = p->seq != f->halves[d].isn + 1; /* else nothing can have been answered before */
        }
    }
    if (keep_alive_answered(f, d, p)) {
        forget_keep_alive(c, f, direction_opposite(d));
    }
    bool pending = f->state == FLOW_ATTEMPT ? stands(f, d, p) : f->picked_up && !f->opened;
    if (pending && f->facts.start_seen) {
        delivery_start(c, f, p->at);
    } else if (pending && f->state == FLOW_ATTEMPT) {
        f->picked_up = true;
        f->state = FLOW_LIVE;
    }
}

/* How far ahead of what it is known to have sent a RST of this side is believed: what the other side has room for. */
static uint32_t window_of(const struct half *receiver, const struct half *sender) {
    if (!receiver->has_isn || !sender->has_isn) {
        return WINDOW_UNKNOWN;
    }
    bool scaled = receiver->scale != SCALE_UNKNOWN && sender->scale != SCALE_UNKNOWN;
    uint32_t window = (uint32_t)receiver->window << (scaled ? receiver->scale : 0);
    return window > WINDOW_MIN ? window : WINDOW_MIN;
}

/* RFC 9293 3.10.7.4; the lower edge is what the other side acknowledged, for a RST in answer to a segment repeats that.
 */
static bool rst_in_window(const struct flow *f, enum direction d, const struct packet *p) {
    const struct half *h = &f->halves[d], *other = &f->halves[direction_opposite(d)];
    if (f->state != FLOW_LIVE && f->facts.start_seen && !h->has_next) {
        return (p->flags & TCP_ACK) &&
               p->ack - other->next <= EARLY_BYTES; /* the answer to a SYN, and its data: 3.10.7.3 */
    }
    if (!h->has_next && !h->has_acked) {
        return true;
    }
    uint32_t high = h->has_next ? h->next : h->acked;
    uint32_t low = high;
    if (h->has_acked && (int32_t)(h->acked - low) < 0) {
        low = h->acked;
    } else if (h->has_acked && h->acked - high <= ACKED_AHEAD_MAX) {
        high = h->acked;
    }
    if (low != high && high - low > BEHIND_MAX) {
        low = high;
    }
    return p->seq - low <= high - low + window_of(other, h);
}

static void note_rst(struct flow *f, enum direction d, const struct packet *p) {
    if (f->state == FLOW_CLOSED) {
        return;
    }
    if (f->state == FLOW_CANDIDATE) {
        f->doomed = true;
        return;
    }
    if (f->state == FLOW_LIVE) {
        f->end_reason = FLOW_END_RST;
        f->rst_from = (uint8_t)d;
        f->rst_seq = p->seq;
        f->rst_ahead = false;
    } else {
        f->end_reason = d == TO_CLIENT ? FLOW_END_REFUSED : FLOW_END_UNANSWERED;
    }
    f->state = FLOW_CLOSED;
}

/* Data, or a FIN, from the side that was said to have reset the connection. Up to the RST's place it came late; behind it, the RST
 * was not its own. */
static void revive(struct flow_context *c, struct flow *f, enum direction d, const struct packet *p) {
    const struct half *h = &f->halves[d];
    bool reset = f->state == FLOW_CLOSED && (f->opened || f->picked_up) && f->end_reason == FLOW_END_RST;
    uint32_t end = p->seq + p->payload_length + ((p->flags & TCP_FIN) != 0);
    if (!(reset || f->rst_ahead) || f->rst_from != d || end == p->seq || !h->has_next ||
        (int32_t)(p->seq - h->next) < 0) {
        return;
    }
    f->state = FLOW_LIVE;
    f->rst_ahead = (int32_t)(end - f->rst_seq) <= 0;
    if (!f->rst_ahead) {
        f->facts.tcp_flags &= (uint8_t)~TCP_RST;
        c->stats->rst_ignored++;
        if (f->halves[direction_opposite(d)].has_fin) {
            f->facts.server_closed = d == TO_SERVER; /* its FIN came while the RST was believed */
        }
    }
}

/* Whole ones; none where the clock ran backwards. */
static uint32_t seconds_between(uint64_t from_ns, uint64_t to_ns) {
    uint64_t seconds = to_ns > from_ns ? (to_ns - from_ns) / SECOND_NS : 0;
    return seconds < UINT32_MAX ? (uint32_t)seconds : UINT32_MAX;
}

/* Who closed it, and when: the first FIN or RST, unless that acknowledges the other side's FIN, which was captured late then. */
static void note_ending(struct flow *f, enum direction d, const struct packet *p) {
    if (!(f->facts.tcp_flags & (TCP_FIN | TCP_RST))) {
        f->facts.server_closed = d == TO_CLIENT;
        f->facts.closing_s = seconds_between(f->facts.first.time_ns, p->at.time_ns);
        f->closing_ack = p->ack;
    } else if (f->facts.server_closed != (d == TO_CLIENT) && (p->flags & TCP_FIN) &&
               p->seq + p->payload_length + 1 == f->closing_ack) {
        f->facts.server_closed = d == TO_CLIENT;
    }
}

static void note_close(struct flow *f) {
    if (f->state != FLOW_LIVE) {
        return;
    }
    if (f->rst_ahead && (int32_t)(f->halves[f->rst_from].next - f->rst_seq) >= 0) {
        f->rst_ahead = false;
        f->state = FLOW_CLOSED;
        f->end_reason = FLOW_END_RST;
        return;
    }
    bool done[DIRECTIONS];
    for (int d = 0; d < DIRECTIONS; d++) {
        done[d] = f->halves[d].fin_done || f->facts.packets[d] == 0;
    }
    if (done[TO_SERVER] && done[TO_CLIENT]) {
        f->state = FLOW_CLOSED;
        f->end_reason = FLOW_END_FIN;
    }
}

void connection_settled(struct flow *f) {
    note_close(f);
}

/* A SYN of another connection, real or not, on one that stands: what it says is not this one's. */
static bool is_stray(const struct flow *f, enum direction d, const struct packet *p) {
    const struct half *h = &f->halves[d], *other = &f->halves[direction_opposite(d)];
    if (!h->has_isn && !h->has_next && is_syn_ack(p) && other->has_isn && p->ack == other->isn + 1) {
        return false; /* the answer to the SYN that came late */
    }
    bool stands = f->opened || (f->picked_up && h->has_next);
    return (p->flags & TCP_SYN) && stands && !(h->has_isn && h->isn == p->seq) && !begins(f, d, p->seq);
}

void connection_packet(struct flow_context *c, struct flow *f, enum direction d, const struct packet *p) {
    f->facts.packets[d]++;
    f->facts.last.frame = p->at.frame;
    c->packet_before_ns = f->facts.last.time_ns;
    if (p->at.time_ns > f->facts.last.time_ns) {
        f->facts.last.time_ns = p->at.time_ns;
    }
    if ((p->flags & TCP_RST) && f->state != FLOW_CLOSED && !rst_in_window(f, d, p)) {
        c->stats->rst_ignored++;
        return;
    }
    if (is_stray(f, d, p) || (f->state == FLOW_CLOSED && !acknowledges_own(f, d, p))) {
        return;
    }
    if (p->flags & (TCP_FIN | TCP_RST)) {
        note_ending(f, d, p);
    }
    f->facts.tcp_flags |= p->flags;
    f->halves[d].window = p->window;
    if (p->window == 0 || f->facts.trouble) {
        stall_window(c, f, d, p);
    }
    shake_hands(c, f, d, p);
    if (p->flags & TCP_RST) {
        note_rst(f, d, p); /* what a RST carries is no data (RFC 9293 3.5.2) */
        if (f->opened && (p->flags & TCP_ACK)) {
            reassembly_ack(f, direction_opposite(d), p->ack); /* but it may tell of some that was received */
        }
        return;
    }
    revive(c, f, d, p);
    bool waits = f->state == FLOW_ATTEMPT && (is_syn(p) || (!f->facts.start_seen && p->payload_length == 1));
    if (!f->opened && !f->picked_up && f->state != FLOW_CANDIDATE && !waits) {
        return; /* data where nothing stands; what comes with a SYN waits for its answer */
    }
    reassembly_packet(c, f, d, p);
    note_close(f);
}

enum flow_end_reason connection_end_reason(const struct flow *f, enum flow_end_reason otherwise, uint64_t now_ns) {
    if (f->state == FLOW_CLOSED) {
        return (enum flow_end_reason)f->end_reason;
    }
    if (otherwise == FLOW_END_EVICTED) {
        return otherwise;
    }
    if (f->rst_ahead) {
        return FLOW_END_RST;
    }
    if (f->state == FLOW_ATTEMPT) {
        bool waited = now_ns >= f->active + ANSWER_NS || f->facts.last.time_ns >= f->facts.first.time_ns + ANSWER_NS;
        return otherwise == FLOW_END_CAPTURE_END && !waited ? otherwise : FLOW_END_UNANSWERED;
    }
    /* One side closed, and the other's FIN was not captured. */
    return f->halves[TO_SERVER].has_fin || f->halves[TO_CLIENT].has_fin ? FLOW_END_FIN : otherwise;
}

bool connection_told(const struct flow *f) {
    return f->opened || (f->facts.start_seen && (f->state == FLOW_ATTEMPT || f->state == FLOW_CLOSED));
}
