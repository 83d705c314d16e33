/* What holds a connection up in TCP. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "flow_bench.h"

#define MS UINT64_C(1000000)

static struct bench *standing(void) {
    struct bench *b = bench_new();
    bench_handshake(b);
    return b;
}

static void ends(struct bench *b) {
    bench_finish(b);
    bench_free(b);
}

static void expect(const struct bench *b, unsigned i, uint64_t from_ns, uint64_t to_ns, uint8_t cause) {
    const struct stall *s = &b->trouble.stalls[i];
    assert_true(b->trouble.stall_count > i);
    assert_true(s->from_ns == from_ns && s->to_ns == to_ns);
    assert_int_equal(s->cause, cause);
}

static void a_closed_window(void **state) {
    (void)state;
    struct bench *b = standing();
    uint64_t begin = b->now.time_ns;
    b->window = 0;
    bench_s_ack(b, 0);
    bench_wait(b, 5 * MS);
    bench_s_ack(b, 0); /* still */
    bench_wait(b, 5 * MS);
    b->window = 1;
    bench_s_ack(b, 0);
    bench_wait(b, MS);
    b->window = 0;
    bench_c_ack(b, 0);
    bench_wait(b, 7 * MS);
    bench_finish(b);
    expect(b, 0, begin, begin + 10 * MS, STALL_SERVER_CLOSED);
    assert_int_equal(b->trouble.stall_count, 1);
    assert_true(b->trouble.closed_since[TO_SERVER] == begin + 11 * MS); /* the client's is closed to the end */
    assert_true(b->trouble.closed_since[TO_CLIENT] == 0);
    bench_free(b);
}

/* What is no window: that of a RST, of a SYN, and of a connection that does not stand. */
static void no_window(void **state) {
    (void)state;
    struct bench *b = bench_new();
    b->window = 0;
    bench_flags(b, TO_SERVER, TCP_SYN, BENCH_CLIENT_ISN, 0);
    bench_flags(b, TO_SERVER, TCP_ACK, BENCH_CLIENT_ISN + 1, BENCH_SERVER_ISN + 1);
    bench_flags(b, TO_CLIENT, TCP_SYN | TCP_ACK, BENCH_SERVER_ISN, BENCH_CLIENT_ISN + 1);
    bench_flags(b, TO_CLIENT, TCP_RST | TCP_ACK, BENCH_SERVER_ISN + 1, BENCH_CLIENT_ISN + 1);
    bench_finish(b);
    assert_null(b->facts.trouble);
    bench_free(b);
}

/* Twice the packet before, which was silence; and a third time, which goes on from there. */
static void a_retransmission(void **state) {
    (void)state;
    struct bench *b = standing();
    bench_c(b, 0, "abc");
    uint64_t begin = b->now.time_ns;
    bench_wait(b, 300 * MS);
    bench_c(b, 0, "abc");
    bench_wait(b, 600 * MS);
    bench_c(b, 0, "abc");
    bench_finish(b);
    expect(b, 0, begin, begin + 900 * MS, STALL_CLIENT_RETRANSMISSION);
    assert_int_equal(b->trouble.stall_count, 1);
    bench_free(b);
}

/* A mirror port sends each packet twice; a keep-alive is no retransmission. */
static void too_short(void **state) {
    (void)state;
    struct bench *b = standing();
    bench_c(b, 0, "abc");
    bench_wait(b, MS - 1);
    bench_c(b, 0, "abc");
    bench_wait(b, 60000 * MS);
    bench_c(b, 2, "c");
    bench_finish(b);
    assert_null(b->facts.trouble);
    bench_free(b);
}

/* What lies behind a hole waits for it. */
static void a_hole_that_is_filled(void **state) {
    (void)state;
    struct bench *b = standing();
    bench_s(b, 3, "def");
    uint64_t begin = b->now.time_ns;
    bench_wait(b, 100 * MS);
    bench_s(b, 6, "ghi");
    bench_wait(b, 100 * MS);
    bench_s(b, 0, "abc");
    bench_expect(b, "open start <abcdefghi");
    bench_finish(b);
    expect(b, 0, begin, begin + 200 * MS, STALL_SERVER_RETRANSMISSION);
    bench_free(b);
}

/* Time runs backwards: nothing lasted. */
static void clock_turns_back(void **state) {
    (void)state;
    struct bench *b = standing();
    bench_c(b, 0, "abc");
    b->now.time_ns -= 5000 * MS;
    bench_c(b, 0, "abc");
    b->window = 0;
    bench_c_ack(b, 0);
    b->now.time_ns -= 5000 * MS;
    b->window = 9;
    bench_c_ack(b, 0);
    bench_finish(b);
    assert_int_equal(b->trouble.stall_count, 0);
    bench_free(b);
}

/* STALLS_KEPT_MAX: the oldest goes. */
static void only_so_many(void **state) {
    (void)state;
    struct bench *b = standing();
    uint64_t begin = 0;
    for (unsigned i = 0; i < STALLS_KEPT_MAX + 3; i++) {
        begin = b->now.time_ns;
        b->window = 0;
        bench_s_ack(b, 0);
        bench_wait(b, 2 * MS);
        b->window = 9;
        bench_s_ack(b, 0);
        bench_wait(b, 2 * MS);
    }
    assert_int_equal(b->stats.evicted_stalls, 3);
    bench_finish(b);
    assert_int_equal(b->trouble.stall_count, STALLS_KEPT_MAX);
    expect(b, b->trouble.last_stall, begin, begin + 2 * MS, STALL_SERVER_CLOSED);
    bench_free(b);
}

static void without_memory(void **state) {
    (void)state;
    struct bench *b = standing();
    bench_c(b, 0, "abc");
    b->budget.ceiling = b->budget.held;
    bench_wait(b, 300 * MS);
    bench_c(b, 0, "abc");
    b->window = 0;
    bench_c_ack(b, 0);
    assert_int_equal(b->stats.evicted_stalls, 1);
    ends(b);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_closed_window),       cmocka_unit_test(no_window),
        cmocka_unit_test(a_retransmission),      cmocka_unit_test(too_short),
        cmocka_unit_test(a_hole_that_is_filled), cmocka_unit_test(clock_turns_back),
        cmocka_unit_test(only_so_many),          cmocka_unit_test(without_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
