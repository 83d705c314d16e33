/* Four units at a time give what one at a time gives. */
#include "../../src/base/utf16.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "../../src/base/hash.h"

enum { BYTES_MAX = 64, ROUNDS = 200000 };

static uint64_t seed = 20;

static uint32_t draw(uint32_t below) {
    seed = seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (uint32_t)((seed >> 33) % below);
}

static uint16_t unit(struct view v, size_t i) {
    return (uint16_t)(v.p[i] | (i + 1 < v.n ? v.p[i + 1] << 8 : 0));
}

static uint16_t folded(struct view v, size_t i) {
    uint16_t u = unit(v, i);
    return u >= 'a' && u <= 'z' ? (uint16_t)(u - 0x20) : u;
}

/* Units that lie beside those looked for, differ from them in one half, or have the high bit. */
static size_t fill(uint8_t *to) {
    static const uint16_t likely[] = {'\\', ':',    '.',    'a',    'z',    'A',    'Z',    '`',    '{',    '@',   '[',
                                      0,    0x005C, 0x5C00, 0x015C, 0x805C, 0x8061, 0x807A, 0xFFFF, 0x7FFF, 0x8000};
    size_t n = draw(BYTES_MAX + 1);
    for (size_t i = 0; i < n; i++) {
        uint16_t u = likely[draw(sizeof likely / sizeof likely[0])];
        to[i] = (uint8_t)(draw(20) == 0 ? draw(256) : i % 2 ? u >> 8 : u);
        if (i % 2 && draw(3)) {
            to[i] = 0;
        }
    }
    return n;
}

static void found_at_the_same_place(void **state) {
    (void)state;
    static const uint16_t wanted[] = {'\\', ':', '.', 0, 0x5C00, 0x805C, 0xFFFF};
    uint8_t bytes[BYTES_MAX];
    for (unsigned round = 0; round < ROUNDS; round++) {
        struct view v = {bytes, fill(bytes)};
        uint16_t u = wanted[draw(sizeof wanted / sizeof wanted[0])];
        size_t first = 0, last = v.n & ~(size_t)1;
        while (first + 1 < v.n && unit(v, first) != u) {
            first += 2;
        }
        while (last > 0 && unit(v, last - 2) != u) {
            last -= 2;
        }
        assert_int_equal(utf16_first(v, u), first);
        assert_int_equal(utf16_behind_last(v, u), last);
    }
}

static bool same(struct view a, struct view b) {
    for (size_t i = 0; a.n == b.n && i < a.n; i += 2) {
        if (folded(a, i) != folded(b, i)) {
            return false;
        }
    }
    return a.n == b.n;
}

static void the_same_name(void **state) {
    (void)state;
    uint8_t one[BYTES_MAX], two[BYTES_MAX];
    unsigned equal = 0;
    for (unsigned round = 0; round < ROUNDS; round++) {
        struct view a = {one, fill(one)}, b = {two, a.n};
        memcpy(two, one, a.n);
        for (unsigned changes = draw(4); changes > 0 && a.n != 0; changes--) {
            size_t at = draw((uint32_t)a.n);
            two[at] = (uint8_t)(two[at] ^ (draw(4) ? 0x20 : 1 << draw(8)));
        }
        b.n -= b.n != 0 && draw(20) == 0;
        bool expected = same(a, b);
        equal += expected;
        assert_true(utf16_same_name(a, b) == expected);
        assert_true((utf16_name_hash(3, 5, a) == utf16_name_hash(3, 5, b)) == expected);
    }
    assert_in_range(equal, ROUNDS / 10, ROUNDS * 9 / 10);
}

static void in_small_letters(void **state) {
    (void)state;
    uint8_t bytes[BYTES_MAX], lower[BYTES_MAX];
    for (unsigned round = 0; round < ROUNDS; round++) {
        struct view v = {bytes, fill(bytes)};
        utf16_lower(v, lower);
        for (size_t i = 0; i < v.n; i += 2) {
            uint16_t u = unit(v, i);
            uint16_t expected = u >= 'A' && u <= 'Z' ? (uint16_t)(u + 0x20) : u;
            assert_int_equal(unit((struct view){lower, v.n}, i), expected);
        }
    }
}

static void nothing(void **state) {
    (void)state;
    struct view none = {NULL, 0};
    assert_int_equal(utf16_first(none, ':'), 0);
    assert_int_equal(utf16_behind_last(none, ':'), 0);
    assert_true(utf16_same_name(none, none));
    assert_true(utf16_name_hash(1, 2, none) != 2);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(found_at_the_same_place),
        cmocka_unit_test(the_same_name),
        cmocka_unit_test(in_small_letters),
        cmocka_unit_test(nothing),
    };
    return cmocka_run_group_tests_name("utf16", tests, NULL, NULL);
}
