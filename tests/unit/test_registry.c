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
    assert_int_equal(count, 7);
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

static const struct view *token;

static enum verdict dissect_carrier(struct dissection *d, struct view v) {
    (void)v;
    return dissect_token(d, *token);
}

static const struct dissector carrier = {"carrier", dissect_carrier};

static enum verdict verdict_of_token(const char *bytes, size_t n) {
    struct view v = {(const uint8_t *)bytes, n};
    struct dissecting d;
    token = &v;
    dissecting_run(&d, &carrier, TO_SERVER, "x", 1, 0);
    enum verdict verdict = d.verdict;
    dissecting_free(&d);
    return verdict;
}

/* Of any other mechanism nothing is known; what is ours and contradicts itself is a fault of what carries it. */
static void test_token(void **state) {
    (void)state;
    assert_int_equal(verdict_of_token("", 0), V_OK);
    assert_int_equal(verdict_of_token("another mechanism", 17), V_OK);
    assert_int_equal(verdict_of_token("NTLMSSP\0\1\0\0\0\0\0\0\0", 16), V_OK);
    assert_int_equal(verdict_of_token("NTLMSSP\0\3\0\0\0\x18", 13), V_BAD);
    assert_int_equal(verdict_of_token("NTLMSSP\0\1", 9), V_BAD);
    assert_int_equal(verdict_of_token("\xa1\x50\x30", 3), V_BAD);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_all_take_nothing), cmocka_unit_test(test_depth),
                                       cmocka_unit_test(test_token)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
