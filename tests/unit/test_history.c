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
    struct history *h = history_new();
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
}

/* Segments of every size, until the ring was filled several times; two directions in turn. */
static void forgotten(void **state) {
    (void)state;
    static uint8_t data[HISTORY_SEGMENT_MAX + 10];
    struct history *h = history_new();
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
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(overlaps),
        cmocka_unit_test(forgotten),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
