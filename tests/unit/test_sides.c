/* Which sides of a connection are seen. */
#include "../../src/flow/sides.h"
#include "flow_bench.h"

static const uint32_t C = BENCH_CLIENT_ISN + 1, S = BENCH_SERVER_ISN + 1; /* the first bytes */

static void counts_are(struct bench *b, uint64_t both, uint64_t one) {
    assert_int_equal(b->stats.stretches_both_sides, both);
    assert_int_equal(b->stats.stretches_one_side, one);
}

/* So much that the next packet begins another stretch. */
static void next_stretch(struct bench *b) {
    bench_pass(b, 3 * SECOND_NS);
}

static void both_sides(void **state) {
    (void)state;
    struct bench *b = bench_new();
    bench_handshake(b);
    uint32_t at = 0;
    for (unsigned i = 1; i <= 3; i++) {
        bench_c(b, at, "ask");
        bench_s(b, at, "say");
        at += 3;
        counts_are(b, i - 1, 0);
        next_stretch(b);
    }
    bench_c(b, at, "ask");
    counts_are(b, 3, 0);
    bench_finish(b);
    counts_are(b, 3, 0); /* a single packet proves nothing */
    bench_free(b);
}

static void the_client_alone(void **state) {
    (void)state;
    struct bench *b = bench_new();
    bench_flags(b, TO_SERVER, TCP_SYN, BENCH_CLIENT_ISN, 0);
    bench_flags(b, TO_SERVER, TCP_ACK, C, S);
    for (uint32_t i = 0; i < SIDES_PACKETS; i++) {
        bench_c(b, 3 * i, "ask");
    }
    counts_are(b, 0, 0);
    next_stretch(b);
    bench_c(b, 3 * SIDES_PACKETS, "ask");
    counts_are(b, 0, 1);
    bench_finish(b);
    counts_are(b, 0, 1);
    bench_free(b);
}

static void the_server_alone_from_the_middle(void **state) {
    (void)state;
    struct bench *b = bench_new();
    for (uint32_t i = 0; i < SIDES_PACKETS + 2; i++) {
        bench_s(b, 3 * i, "say");
    }
    bench_finish(b);
    counts_are(b, 0, 1);
    bench_free(b);
}

/* Slow packets are collected until there are enough of them; one of the other side shows both. */
static void slow_ones(void **state) {
    (void)state;
    struct bench *b = bench_new();
    bench_handshake(b);
    next_stretch(b);
    for (uint32_t i = 0; i < SIDES_PACKETS - 1; i++) {
        bench_c(b, 3 * i, "ask");
        next_stretch(b);
    }
    uint64_t one = b->stats.stretches_one_side;
    bench_s(b, 0, "say");
    next_stretch(b);
    bench_s(b, 3, "say");
    assert_int_equal(b->stats.stretches_one_side, one);
    assert_true(b->stats.stretches_both_sides >= 1);
    bench_free(b);
}

/* Attempts that nobody answers are no connections: a scan is not taken for half a mirror. */
static void attempts_do_not_count(void **state) {
    (void)state;
    struct bench *b = bench_new();
    for (unsigned i = 0; i < 3 * SIDES_PACKETS; i++) {
        bench_flags(b, TO_SERVER, TCP_SYN, BENCH_CLIENT_ISN, 0);
        next_stretch(b);
    }
    bench_finish(b);
    counts_are(b, 0, 0);
    bench_free(b);
}

/* What was seen is told when the connection is closed, and not once more when it goes. */
static void at_its_close(void **state) {
    (void)state;
    struct bench *b = bench_new();
    bench_handshake(b);
    bench_c(b, 0, "bye");
    bench_flags(b, TO_SERVER, TCP_FIN | TCP_ACK, C + 3, S);
    bench_flags(b, TO_CLIENT, TCP_FIN | TCP_ACK, S, C + 4);
    counts_are(b, 1, 0);
    for (unsigned i = 0; i < 2 * SIDES_PACKETS; i++) {
        bench_flags(b, TO_SERVER, TCP_ACK, C + 4, S + 1);
    }
    bench_finish(b);
    counts_are(b, 1, 0);
    bench_free(b);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(both_sides),
        cmocka_unit_test(the_client_alone),
        cmocka_unit_test(the_server_alone_from_the_middle),
        cmocka_unit_test(slow_ones),
        cmocka_unit_test(attempts_do_not_count),
        cmocka_unit_test(at_its_close),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
