#include "budget.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static void charges_all_the_way_up(void **state) {
    (void)state;
    struct budget program = {.ceiling = 100}, flow = {.parent = &program, .ceiling = 60};
    assert_true(budget_charge(&flow, 50));
    assert_int_equal(flow.held, 50);
    assert_int_equal(program.held, 50);
    budget_release(&flow, 20);
    assert_int_equal(flow.held, 30);
    assert_int_equal(program.held, 30);
}

static void refuses_without_a_trace(void **state) {
    (void)state;
    struct budget program = {.ceiling = 100}, one = {.parent = &program, .ceiling = 80}, other = one;
    assert_true(budget_charge(&one, 80));
    assert_false(budget_charge(&one, 1));
    assert_false(budget_charge(&other, 21));
    assert_int_equal(one.held, 80);
    assert_int_equal(other.held, 0);
    assert_int_equal(program.held, 80);
    assert_true(budget_charge(&other, 20));
}

static void refuses_what_would_wrap(void **state) {
    (void)state;
    struct budget b = {.ceiling = SIZE_MAX};
    assert_true(budget_charge(&b, 10));
    assert_false(budget_charge(&b, SIZE_MAX));
    assert_true(budget_charge(&b, SIZE_MAX - 10));
    budget_release(&b, SIZE_MAX);
    assert_int_equal(b.held, 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(charges_all_the_way_up),
        cmocka_unit_test(refuses_without_a_trace),
        cmocka_unit_test(refuses_what_would_wrap),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
