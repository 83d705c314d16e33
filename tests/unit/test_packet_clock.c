#include "base/packet_clock.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static const uint64_t start = UINT64_C(1700000000) * SECOND_NS;

static void follows(void **state) {
    (void)state;
    struct packet_clock c = {0};
    assert_int_equal(packet_clock_advance(&c, start), 0);
    assert_int_equal(packet_clock_advance(&c, start + 5), 5);
    assert_int_equal(packet_clock_advance(&c, start + 5), 5);
    assert_int_equal(packet_clock_advance(&c, start + 5 + CLOCK_STEP_NS), 5 + CLOCK_STEP_NS);
    assert_int_equal(c.now, 5 + CLOCK_STEP_NS);
}

static void a_jump_counts_one_step(void **state) {
    (void)state;
    struct packet_clock c = {0};
    (void)packet_clock_advance(&c, start);
    assert_int_equal(packet_clock_advance(&c, UINT64_MAX), CLOCK_STEP_NS);
    assert_int_equal(packet_clock_advance(&c, start), CLOCK_STEP_NS);
    assert_int_equal(packet_clock_advance(&c, start + 7), CLOCK_STEP_NS + 7);
}

static void stands_still_while_it_runs_backwards(void **state) {
    (void)state;
    struct packet_clock c = {0};
    (void)packet_clock_advance(&c, start);
    assert_int_equal(packet_clock_advance(&c, start - CLOCK_BEHIND_NS), 0);
    assert_int_equal(packet_clock_advance(&c, start - 1), 0);
    assert_int_equal(packet_clock_advance(&c, start + 3), 3);
    (void)packet_clock_advance(&c, start - 2 * CLOCK_BEHIND_NS); /* that far: the clock was set */
    assert_int_equal(packet_clock_advance(&c, start - 2 * CLOCK_BEHIND_NS + 4), 7);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(follows),
        cmocka_unit_test(a_jump_counts_one_step),
        cmocka_unit_test(stands_still_while_it_runs_backwards),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
