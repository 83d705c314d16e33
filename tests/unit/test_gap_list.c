#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "../../src/delivery/gap_list.h"

enum { RUN = 7, OTHER_RUN = 8 };

static struct gap_list list;

static int empty(void **state) {
    (void)state;
    memset(&list, 0, sizeof list);
    return 0;
}

static void add(uint64_t from, uint64_t to, uint64_t count) {
    struct gap g = {RUN, from, to, count, GAP_SPOOL_FULL};
    gap_list_add(&list, &g, GAP_NOWHERE, GAP_NOWHERE, 0);
}

static void add_at(uint64_t seq, uint64_t start, uint64_t end) {
    struct gap g = {RUN, seq, seq, 1, GAP_REFUSED};
    gap_list_add(&list, &g, start, end, 0);
}

static void holds(unsigned i, uint64_t from, uint64_t to, uint64_t count) {
    assert_true(i < list.count);
    assert_int_equal(list.items[i].gap.from, from);
    assert_int_equal(list.items[i].gap.to, to);
    assert_int_equal(list.items[i].gap.count, count);
}

/* Where one ends and the next starts at the same place, there is no record between them, whatever their numbers. */
static void by_places(void **state) {
    (void)state;
    add_at(5, 100, 140);
    add_at(9, 140, 180);
    add_at(20, 220, 260);
    assert_int_equal(list.count, 2);
    holds(0, 5, 9, 2);
    holds(1, 20, 20, 1);
}

static void by_numbers(void **state) {
    (void)state;
    add(10, 19, 10);
    add(30, 39, 4);
    add(21, 28, 8);
    assert_int_equal(list.count, 3);
    add(20, 20, 1);
    add(29, 29, 1);
    assert_int_equal(list.count, 1);
    holds(0, 10, 39, 24);
    add(5, 12, 8); /* some of it is the same: nobody knows how many */
    holds(0, 5, 39, 0);
}

static void without_an_end(void **state) {
    (void)state;
    add(10, 0, 0);
    add(15, 20, 6);
    add(5, 9, 5);
    assert_int_equal(list.count, 1);
    holds(0, 5, 0, 0);
    add(1, 3, 3);
    assert_int_equal(list.count, 2);
    holds(1, 1, 3, 3);
}

static void others_stay_apart(void **state) {
    (void)state;
    add(10, 19, 10);
    struct gap g = {OTHER_RUN, 20, 29, 10, GAP_SPOOL_FULL};
    gap_list_add(&list, &g, GAP_NOWHERE, GAP_NOWHERE, 0);
    g = (struct gap){RUN, 20, 29, 10, GAP_REFUSED};
    gap_list_add(&list, &g, GAP_NOWHERE, GAP_NOWHERE, 0);
    assert_int_equal(list.count, 3);
}

/* It is told when it grew no more for a while, or is a second old. */
static void when_it_is_told(void **state) {
    (void)state;
    struct gap g = {RUN, 1, 1, 1, GAP_SPOOL_FULL}, told;
    uint64_t ms = 1000000, now = 5000 * ms;
    gap_list_add(&list, &g, 1, 1, now);
    assert_false(gap_list_take(&list, now + 50 * ms, &told));
    for (unsigned i = 1; i < 20; i++) {
        assert_false(gap_list_take(&list, now + i * 50 * ms, &told));
        g.from = g.to = i + 1;
        gap_list_add(&list, &g, 1, 1, now + i * 50 * ms);
    }
    assert_true(gap_list_take(&list, now + 1000 * ms, &told));
    assert_int_equal(told.to, 20);
    assert_int_equal(told.count, 20);
    g.from = g.to = 21;
    gap_list_add(&list, &g, 1, 1, now + 1001 * ms); /* what was told grows no more */
    assert_int_equal(list.count, 2);
    assert_false(gap_list_take(&list, now + 1050 * ms, &told));
    assert_true(gap_list_take(&list, now + 1101 * ms, &told));
    assert_int_equal(told.from, 21);
    assert_true(gap_list_returned(&list, &told));
    assert_false(gap_list_returned(&list, &told));
    assert_int_equal(list.count, 1);
}

static void a_full_list(void **state) {
    (void)state;
    struct gap told;
    for (uint64_t i = 0; i < GAP_LIST_MAX; i++) {
        add(10 * i + 1, 10 * i + 2, 2);
    }
    assert_int_equal(list.count, GAP_LIST_MAX);
    add(10000, 10004, 5);
    assert_int_equal(list.count, GAP_LIST_MAX);
    holds(GAP_LIST_MAX - 1, 10 * (GAP_LIST_MAX - 1) + 1, 10004, 7);
    struct gap other = {OTHER_RUN, 1, 2, 2, GAP_SPOOL_FULL};
    gap_list_add(&list, &other, GAP_NOWHERE, GAP_NOWHERE, 0);
    assert_int_equal(list.count, GAP_LIST_MAX);
    assert_true(gap_list_take(&list, UINT64_MAX, &told));
    gap_list_add(&list, &other, GAP_NOWHERE, GAP_NOWHERE, 0); /* one that was told makes room */
    assert_int_equal(list.count, GAP_LIST_MAX);
    assert_int_equal(list.items[GAP_LIST_MAX - 1].gap.run_id, OTHER_RUN);
    holds(0, 11, 12, 2);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(by_places, empty),       cmocka_unit_test_setup(by_numbers, empty),
        cmocka_unit_test_setup(without_an_end, empty),  cmocka_unit_test_setup(others_stay_apart, empty),
        cmocka_unit_test_setup(when_it_is_told, empty), cmocka_unit_test_setup(a_full_list, empty),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
