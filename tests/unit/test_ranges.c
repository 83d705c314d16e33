#include "../../src/decode/ranges.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { PLACES = 64 };

static void add(struct ranges *r, uint32_t from, uint32_t to) {
    size_t before = ranges_size(r), wanted = ranges_wanted(r);
    assert_true(ranges_reserve(r));
    assert_int_equal(ranges_size(r), before + wanted);
    ranges_add(r, from, to);
}

static void expect(const struct ranges *r, const char *set) {
    uint32_t i = 0;
    for (uint32_t at = 0; at < PLACES; at++) {
        if (set[at] && (at == 0 || !set[at - 1])) {
            assert_true(i < r->count);
            assert_int_equal(r->at[i].from, at);
        }
        assert_int_equal(ranges_find(r, at), i);
        if (set[at] && (at + 1 == PLACES || !set[at + 1])) {
            assert_int_equal(r->at[i].to, at + 1);
            i++;
        }
    }
    assert_int_equal(r->count, i);
    assert_int_equal(ranges_find(r, PLACES), i);
}

static void nothing(void **state) {
    (void)state;
    struct ranges r = {0};
    assert_int_equal(ranges_find(&r, 0), 0);
    assert_int_equal(ranges_size(&r), 0);
    ranges_free(&r);
}

/* Against an array of places, with a fixed seed. */
static void any_order(void **state) {
    (void)state;
    uint32_t seed = 1;
    for (unsigned round = 0; round < 300; round++) {
        struct ranges r = {0};
        char set[PLACES] = {0};
        for (unsigned i = 0; i < 40; i++) {
            seed = seed * 1103515245 + 12345;
            uint32_t from = seed >> 16 & (PLACES - 1), n = 1 + (seed >> 24) % 6;
            n = n < PLACES - from ? n : PLACES - from;
            memset(set + from, 1, n);
            add(&r, from, from + n);
            expect(&r, set);
        }
        ranges_free(&r);
    }
}

static void grows_with_what_is_apart(void **state) {
    (void)state;
    struct ranges r = {0};
    for (uint32_t i = 0; i < 1000; i++) {
        add(&r, 2000 - 2 * i, 2000 - 2 * i + 1);
        assert_int_equal(r.count, i + 1);
    }
    assert_int_equal(ranges_size(&r), 1024 * sizeof(struct range));
    add(&r, 0, 3000);
    assert_int_equal(r.count, 1);
    ranges_free(&r);
    assert_int_equal(ranges_size(&r), 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing),
        cmocka_unit_test(any_order),
        cmocka_unit_test(grows_with_what_is_apart),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
