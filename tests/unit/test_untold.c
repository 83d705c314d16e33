#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "../../src/untold.h"

static struct gap gap(uint64_t run, uint64_t from, uint64_t to, uint64_t count) {
    return (struct gap){run, from, to, count, GAP_OUTPUT_FULL};
}

static void neighbours_are_one(void **state) {
    (void)state;
    struct untold u = {.count = 0};
    const struct gap gaps[] = {gap(0, 1, 4, 4), gap(0, 5, 5, 1), gap(0, 7, 7, 1), gap(9, 8, 8, 1)};
    for (unsigned i = 0; i < 4; i++) {
        untold_add(&u, &gaps[i]);
    }
    assert_int_equal(u.count, 3);
    assert_int_equal(u.list[0].to, 5);
    assert_int_equal(u.list[0].count, 5);
    assert_int_equal(untold_records(&u), 7);
    untold_drop(&u);
    assert_int_equal(u.count, 2);
    assert_int_equal(u.list[0].from, 7);
}

/* One without an end does not begin anew. */
static void without_an_end(void **state) {
    (void)state;
    struct untold u = {.count = 0};
    const struct gap open = gap(9, 50, 0, 0), first = gap(9, 1, 2, 2);
    untold_add(&u, &open);
    untold_add(&u, &first);
    assert_int_equal(u.count, 2);
    assert_int_equal(u.list[0].to, 0);
    assert_int_equal(untold_records(&u), 3);
}

static bool tells(const struct untold *u, uint64_t run, uint64_t seq) {
    bool any = false;
    for (unsigned i = 0; i < u->count; i++) {
        const struct gap *g = &u->list[i];
        any = any || (g->run_id == run && g->from <= seq && (g->to == 0 || seq <= g->to));
    }
    return any;
}

/* Each number that was lost is told, of the run it is of; an open end stays open. */
static void a_full_list(void **state) {
    (void)state;
    struct untold u = {.count = 0};
    uint64_t seq = 1000;
    for (; untold_roomy(&u); seq += 2) {
        const struct gap of_another = gap(9, seq, seq == 1000 ? 0 : seq, 1);
        untold_add(&u, &of_another);
    }
    for (seq = 5000; seq < 5400; seq += 2) {
        const struct gap g = gap(0, seq, seq, 1);
        untold_add(&u, &g);
    }
    const struct gap late = gap(0, 10, 10, 1), open = gap(0, 9000, 0, 0);
    untold_add(&u, &late);
    assert_int_equal(u.count, UNTOLD_MAX);
    assert_true(tells(&u, 0, 10));
    assert_true(untold_records(&u) >= 201 + UNTOLD_MAX / 2);
    untold_add(&u, &open);
    for (seq = 5000; seq < 5400; seq += 2) {
        assert_true(tells(&u, 0, seq));
    }
    assert_true(tells(&u, 0, 1000000));
    assert_true(tells(&u, 9, 1000000));
    assert_int_equal(u.list[UNTOLD_MAX / 2 - 1].to, 1000 + UNTOLD_MAX - 2);
    assert_int_equal(u.count, UNTOLD_MAX);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(neighbours_are_one),
        cmocka_unit_test(without_an_end),
        cmocka_unit_test(a_full_list),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
