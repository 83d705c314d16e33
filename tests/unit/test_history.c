/* What was passed on last: remembered in one ring for all, forgotten from its far end. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "../../src/flow/history.h"
#include "../../src/flow/limits.h"

static struct view text(const char *s) {
    return (struct view){(const uint8_t *)s, strlen(s)};
}

static void overlaps(void **state) {
    (void)state;
    struct budget memory = {.ceiling = SIZE_MAX};
    struct history *h = history_new(&memory);
    uint64_t last = 0;
    assert_false(history_differs(h, last, 0, text("abc")));
    history_add(h, &last, UINT32_MAX - 1, text("abcd")); /* over the wrap: two before it, two behind */
    history_add(h, &last, 2, text("efgh"));
    assert_false(history_differs(h, last, UINT32_MAX - 1, text("abcdefgh")));
    assert_false(history_differs(h, last, 0, text("cdef")));
    assert_false(history_differs(h, last, UINT32_MAX - 4, text("xyzabcdefghXYZ"))); /* what is around was not seen */
    assert_false(history_differs(h, last, 6, text("anything")));
    assert_true(history_differs(h, last, UINT32_MAX - 1, text("Abcdefgh")));
    assert_true(history_differs(h, last, 1, text("Def")));
    assert_true(history_differs(h, last, 1, text("dEf")));
    assert_true(history_differs(h, last, 5, text("H")));
    assert_true(history_differs(h, last, UINT32_MAX - 4, text("xyzAbcdefghXYZ")));
    history_free(h);
    assert_int_equal(memory.held, 0);
}

/* Segments of every size, until the ring was filled several times; two directions in turn. */
static void forgotten(void **state) {
    (void)state;
    static uint8_t data[HISTORY_SEGMENT_MAX + 10];
    struct budget memory = {.ceiling = SIZE_MAX};
    struct history *h = history_new(&memory);
    uint64_t last[2] = {0, 0}, first = 0;
    uint32_t seq[2] = {0, 0}, before = 0;
    history_add(h, &first, 0, text("first"));
    assert_true(history_differs(h, first, 0, text("First")));
    for (uint32_t i = 0, total = 0; total < 5 * HISTORY_BYTES; i++) {
        uint32_t n = i * 7919 % sizeof data + 1, side = i % 2;
        memset(data, (int)i, n);
        before = seq[side];
        history_add(h, &last[side], before, (struct view){data, n});
        seq[side] += n;
        total += n;
        assert_false(history_differs(h, last[side], before, (struct view){data, n}));
        data[n / 2] ^= 1;
        assert_true(history_differs(h, last[side], before, (struct view){data, n}));
    }
    assert_false(history_differs(h, first, 0, text("First"))); /* it was overwritten */
    history_free(h);
    assert_int_equal(memory.held, 0);
}

/* However small segments are, so many are looked through and no more. */
static void steps(void **state) {
    (void)state;
    struct budget memory = {.ceiling = SIZE_MAX};
    struct history *h = history_new(&memory);
    uint64_t last = 0;
    for (uint32_t i = 0; i <= HISTORY_STEPS; i++) {
        history_add(h, &last, i, text("a"));
    }
    assert_true(history_differs(h, last, 1, text("b")));
    assert_false(history_differs(h, last, 0, text("b")));
    history_free(h);
}

/* With little memory less is remembered, and the ring is charged. */
static void scant(void **state) {
    (void)state;
    struct budget memory = {.ceiling = HISTORY_SHARE * 1024};
    struct history *h = history_new(&memory);
    uint64_t last = 0;
    uint8_t data[600];
    assert_in_range(memory.held, 1024, 1200);
    memset(data, 'a', sizeof data);
    history_add(h, &last, 0, (struct view){data, sizeof data}); /* a quarter of it */
    data[1024 / 4] = 'b';
    assert_false(history_differs(h, last, 0, (struct view){data, sizeof data}));
    data[1024 / 4 - 1] = 'b';
    assert_true(history_differs(h, last, 0, (struct view){data, sizeof data}));
    history_free(h);
    assert_int_equal(memory.held, 0);
    memory.ceiling = HISTORY_SHARE;
    h = history_new(&memory);
    assert_null(h);
    last = 0;
    history_add(h, &last, 0, text("a"));
    assert_false(history_differs(h, last, 0, text("b")));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(overlaps),
        cmocka_unit_test(forgotten),
        cmocka_unit_test(steps),
        cmocka_unit_test(scant),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
