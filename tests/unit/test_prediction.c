/* A predicted packet has the effect that it has on the whole way: two flows that are the same get the same packets, one of them
 * without prediction, and are the same behind each. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "../../src/flow/connection.h"
#include "../../src/flow/trouble.h"
#include "../../src/flow/limits.h"
#include "../../src/flow/prediction.h"
#include "../../src/flow/reassembly.h"

enum { MEMORY_MAX = 64 << 20, DATA_MAX = 4096, PACKETS = 400, FLOWS = 2000 };

/* One flow, and what the sink heard of it. */
struct side {
    struct flow_context context;
    struct budget budget;
    struct stats stats;
    uint64_t heard; /* a sum over all calls */
    unsigned predicted;
    bool superseded;
    struct flow flow; /* last: it may have a wrapping behind it */
};

static uint64_t state_of_random;

static uint32_t any(uint32_t below) {
    state_of_random = state_of_random * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (uint32_t)((state_of_random >> 33) % below);
}

static void hear(struct side *s, uint64_t what) {
    s->heard = hash_mix(s->heard, what);
}

static void *on_open(void *arg, const struct flow_facts *facts) {
    (void)facts;
    return arg;
}

static void on_start(void *connection, struct moment at) {
    hear(connection, at.frame);
}

static void on_bytes(void *connection, enum direction d, struct view bytes, struct moment at) {
    hear(connection, hash_bytes(1, bytes.p, bytes.n) + d);
    hear(connection, at.frame + at.time_ns);
}

static void on_gap(void *connection, enum direction d, uint64_t length, struct moment at) {
    hear(connection, length * 2 + d);
    hear(connection, at.frame + at.time_ns);
}

static void side_begin(struct side *s) {
    memset(s, 0, sizeof *s);
    s->budget.ceiling = MEMORY_MAX;
    s->context.settings = flow_settings_default();
    s->context.sink = (struct stream_sink){s, on_open, on_start, on_bytes, on_gap, NULL, NULL};
    s->context.budget = &s->budget;
    s->context.stats = &s->stats;
    s->context.history = history_new(&s->budget);
    list_init(&s->context.waiting);
    s->flow.state = FLOW_LIVE;
    s->flow.opened = true;
    s->flow.connection = s;
    s->flow.facts.start_seen = true;
}

static void side_end(struct side *s) {
    reassembly_drop(&s->context, &s->flow);
    trouble_drop(&s->context, &s->flow);
    history_free(s->context.history);
    assert_int_equal(s->budget.held, 0);
}

static void give(struct side *s, bool predict, enum direction d, const struct packet *p) {
    s->context.now = p->at.time_ns;
    if (predict && prediction_packet(&s->context, &s->flow, d, p)) {
        assert_false(p->overlap_differs); /* which the table notes */
        s->predicted++;
        return;
    }
    if (connection_superseded(&s->flow, d, p)) {
        s->superseded = true; /* the table's */
        return;
    }
    connection_packet(&s->context, &s->flow, d, p);
    if (predict) {
        prediction_note(&s->flow);
    }
}

static void assert_same_trouble(const struct flow_trouble *a, const struct flow_trouble *b) {
    assert_int_equal(a->stall_count, b->stall_count);
    assert_int_equal(a->last_stall, b->last_stall);
    assert_memory_equal(a->closed_since, b->closed_since, sizeof a->closed_since);
    for (unsigned i = 0; i < a->stall_count; i++) {
        const struct stall *x = &a->stalls[i], *y = &b->stalls[i];
        assert_true(x->from_ns == y->from_ns && x->to_ns == y->to_ns && x->cause == y->cause);
    }
}

static void assert_same(const struct side *a, const struct side *b) {
    assert_int_equal(a->heard, b->heard);
    struct flow f = a->flow, g = b->flow;
    assert_int_equal(f.reorder != NULL, g.reorder != NULL);
    assert_int_equal(f.facts.trouble != NULL, g.facts.trouble != NULL);
    if (f.facts.trouble) {
        assert_same_trouble(f.facts.trouble, g.facts.trouble);
    }
    f.reorder = g.reorder = NULL;
    f.facts.trouble = g.facts.trouble = NULL;
    f.connection = g.connection = NULL;
    for (unsigned d = 0; d < DIRECTIONS; d++) {
        f.halves[d].steady = g.halves[d].steady = false;
    }
    assert_memory_equal(&f, &g, sizeof f);
    assert_memory_equal(&a->stats, &b->stats, sizeof a->stats);
}

/* Mostly what comes next; sometimes a little beside it, or with other flags. */
static struct packet next_packet(const struct flow *f, enum direction d, uint64_t frame) {
    static uint8_t data[DATA_MAX];
    static const uint8_t flags[] = {0,       TCP_FIN | TCP_ACK, TCP_RST,          TCP_RST | TCP_ACK,
                                    TCP_SYN, TCP_URG | TCP_ACK, TCP_SYN | TCP_ACK};
    const struct half *h = &f->halves[d], *other = &f->halves[direction_opposite(d)];
    struct packet p = {
        .seq = h->next, .ack = other->next, .flags = TCP_ACK | TCP_PSH, .window = 1000, .window_scale = 0xff};
    p.at = (struct moment){frame * 1000000 + any(3) * 1000, frame};
    p.payload_length = any(3) ? any(2000) : any(3);
    p.payload = (struct view){data + any(DATA_MAX - 2000), p.payload_length};
    switch (any(f->has_syn || f->state == FLOW_CLOSED ? 12 : 40)) {
    case 0:
        p.seq += any(5000) - 2500;
        break;
    case 1:
        p.ack += any(5000) - 2500;
        break;
    case 2:
        p.flags = flags[any(sizeof flags)];
        break;
    case 3:
        p.window = 0;
        break;
    case 4:
        p.payload.n /= 2; /* a frame that was cut */
        break;
    case 5:
        p.ack = any(UINT32_MAX);
        break;
    case 6:
        p.overlap_differs = true;
        break;
    case 7:
        p.flags = TCP_RST | TCP_ACK; /* ahead of data that comes late */
        p.seq += any(3000);
        break;
    case 8:
        p.seq = f->has_syn ? f->syn_isn + 1 : f->rst_seq - any(3);
        break;
    default:
        break;
    }
    return p;
}

static void same_effect(void **state) {
    (void)state;
    struct side *a = malloc(sizeof *a), *b = malloc(sizeof *b);
    unsigned predicted = 0;
    assert_true(a && b);
    for (state_of_random = 0; state_of_random < FLOWS;) {
        uint64_t seed = state_of_random;
        side_begin(a);
        side_begin(b);
        uint32_t isn[] = {any(UINT32_MAX), any(2) ? UINT32_MAX - any(5000) : any(UINT32_MAX)};
        for (unsigned d = 0; d < DIRECTIONS; d++) {
            struct half h = {.isn = isn[d], .has_isn = true, .scale = 0xff};
            reassembly_begin(&h, isn[d] + 1);
            h.early = any(8) == 0;
            a->flow.halves[d] = b->flow.halves[d] = h;
        }
        for (unsigned i = 1; i <= PACKETS && !b->superseded; i++) {
            enum direction d = (enum direction)any(DIRECTIONS);
            struct packet p = next_packet(&b->flow, d, i);
            give(a, true, d, &p);
            give(b, false, d, &p);
            assert_same(a, b);
            assert_int_equal(a->superseded, b->superseded);
        }
        predicted += a->predicted;
        side_end(a);
        side_end(b);
        state_of_random = seed + 1;
    }
    assert_true(predicted > FLOWS * 10);
    free(a);
    free(b);
}

/* A connection that stands, byte after byte, is predicted from its third packet on. */
static void ordinary_packets(void **state) {
    (void)state;
    struct side *s = malloc(sizeof *s);
    assert_non_null(s);
    side_begin(s);
    reassembly_begin(&s->flow.halves[TO_SERVER], 1);
    reassembly_begin(&s->flow.halves[TO_CLIENT], 1);
    for (uint32_t i = 0; i < 10; i++) {
        struct packet p = {.flags = TCP_ACK, .window = 10, .payload = {(const uint8_t *)"abc", 3}, .payload_length = 3};
        p.at.frame = i + 1;
        p.seq = 1 + i / 2 * 3;
        p.ack = 1 + (i + 1) / 2 * 3;
        give(s, true, i % 2 ? TO_CLIENT : TO_SERVER, &p);
    }
    assert_int_equal(s->predicted, 8);
    assert_int_equal(s->flow.facts.bytes[TO_SERVER], 15);
    assert_int_equal(s->flow.facts.bytes[TO_CLIENT], 15);
    side_end(s);
    free(s);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(same_effect),
        cmocka_unit_test(ordinary_packets),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
