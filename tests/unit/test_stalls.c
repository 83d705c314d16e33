/* How much of a time TCP held a connection up. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "../../src/event/stalls.h"

static uint8_t causes;

static struct flow_trouble of(const struct stall *stalls, unsigned count) {
    struct flow_trouble t = {.stall_count = (uint8_t)count};
    memcpy(t.stalls, stalls, count * sizeof *stalls);
    return t;
}

static void each_moment_once(void **state) {
    (void)state;
    static const struct stall stalls[] = {{30, 40, STALL_SERVER_CLOSED},         /* alone */
                                          {10, 20, STALL_CLIENT_RETRANSMISSION}, /* two that overlap */
                                          {15, 25, STALL_CLIENT_CLOSED},
                                          {16, 18, STALL_SERVER_RETRANSMISSION}}; /* and one within */
    struct flow_trouble t = of(stalls, 4);
    assert_int_equal(stalls_during(&t, 0, 100, &causes), 25);
    assert_int_equal(causes, 15);
    assert_int_equal(stalls_during(&t, 12, 35, &causes), 18);
    assert_int_equal(stalls_during(&t, 19, 21, &causes), 2);
    assert_int_equal(causes, STALL_CLIENT_RETRANSMISSION | STALL_CLIENT_CLOSED);
    assert_int_equal(stalls_during(&t, 25, 30, &causes), 0);
    assert_int_equal(causes, 0);
    assert_int_equal(stalls_during(&t, 40, 100, &causes), 0);
    assert_int_equal(stalls_during(&t, 17, 17, &causes), 0);
    assert_int_equal(stalls_during(&t, 20, 10, &causes), 0);
}

static void windows_that_are_closed_still(void **state) {
    (void)state;
    struct flow_trouble t = {.closed_since = {[TO_SERVER] = 50, [TO_CLIENT] = 70}};
    assert_int_equal(stalls_during(&t, 0, 60, &causes), 10);
    assert_int_equal(causes, STALL_CLIENT_CLOSED);
    assert_int_equal(stalls_during(&t, 60, 80, &causes), 20);
    assert_int_equal(causes, STALL_CLIENT_CLOSED | STALL_SERVER_CLOSED);
    assert_int_equal(stalls_during(&t, 0, 50, &causes), 0);
}

static void as_many_as_there_may_be(void **state) {
    (void)state;
    struct flow_trouble t = {.stall_count = STALLS_KEPT_MAX, .closed_since = {1, 1}};
    for (unsigned i = 0; i < STALLS_KEPT_MAX; i++) {
        t.stalls[i] = (struct stall){i * 10, i * 10 + 5, STALL_SERVER_CLOSED};
    }
    assert_int_equal(stalls_during(&t, 0, 1000, &causes), 1000);
    t.closed_since[TO_SERVER] = t.closed_since[TO_CLIENT] = 0;
    assert_int_equal(stalls_during(&t, 0, 1000, &causes), 5 * STALLS_KEPT_MAX);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_moment_once),
        cmocka_unit_test(windows_that_are_closed_still),
        cmocka_unit_test(as_many_as_there_may_be),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
