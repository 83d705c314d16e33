/* Every dissector takes anything, and no dissector goes deeper than the bound. */
#include "dissector.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "dissecting.h"

static void test_all_take_nothing(void **state) {
    (void)state;
    unsigned count = 0;
    for (const struct dissector *const *at = dissectors; *at; at++) {
        struct dissecting d;
        dissecting_run(&d, *at, TO_SERVER, "", 0, 0);
        assert_true(d.verdict == V_NOT_MINE || d.verdict == V_SHORT);
        assert_int_equal(d.count, 0);
        assert_non_null((*at)->name);
        dissecting_free(&d);
        count++;
    }
    assert_int_equal(count, 6);
}

static const struct dissector endless;
static unsigned deepest;

static enum verdict dissect_endless(struct dissection *d, struct view v) {
    deepest = d->depth > deepest ? d->depth : deepest;
    return dissect_nested(d, &endless, v);
}

static const struct dissector endless = {"endless", dissect_endless};

static void test_depth(void **state) {
    (void)state;
    struct dissecting d;
    dissecting_run(&d, &endless, TO_SERVER, "x", 1, 0);
    assert_int_equal(d.verdict, V_LIMIT);
    assert_int_equal(deepest, DISSECTION_DEPTH_MAX);
    dissecting_free(&d);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_all_take_nothing), cmocka_unit_test(test_depth)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
