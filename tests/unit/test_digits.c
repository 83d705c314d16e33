#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/digits.h"

static void number_is_right(uint64_t value) {
    char got[32 + DIGITS_SLACK], expected[32];
    int n = snprintf(expected, sizeof expected, "%" PRIu64, value);
    assert_int_equal(digits_uint(got, value) - got, n);
    assert_memory_equal(got, expected, (size_t)n);
    for (unsigned digits = 1; digits <= 16; digits++) {
        n = snprintf(expected, sizeof expected, "%0*" PRIx64, (int)digits, value);
        assert_int_equal(digits_hex(got, value, digits) - got, n);
        assert_memory_equal(got, expected, (size_t)n);
    }
}

/* Around each power of two and of ten, and what lies between. */
static void numbers(void **state) {
    (void)state;
    for (unsigned shift = 0; shift < 64; shift++) {
        for (uint64_t near = 0; near < 5; near++) {
            number_is_right((UINT64_C(1) << shift) + near - 2);
            number_is_right(UINT64_C(0xFEDCBA9876543210) >> shift);
        }
    }
    for (uint64_t power = 1, last = 0; power > last; last = power, power *= power < UINT64_MAX / 10 ? 10 : 0) {
        number_is_right(power - 1);
        number_is_right(power);
        number_is_right(power + 1);
    }
    for (uint64_t value = 0; value < 20000; value++) {
        number_is_right(value);
    }
}

static void at_most_sixteen_digits_and_at_least_none(void **state) {
    (void)state;
    char got[32 + DIGITS_SLACK];
    assert_ptr_equal(digits_hex(got, 7, 0), got);
    assert_int_equal(digits_hex(got, 7, 17) - got, 16);
    assert_memory_equal(got, "0000000000000007", 16);
}

/* Each length, from and to memory of just that size. */
static void copies(void **state) {
    (void)state;
    for (size_t n = 0; n < 100; n++) {
        char *from = malloc(n + 1), *to = malloc(n + 1);
        assert_non_null(from);
        assert_non_null(to);
        for (size_t i = 0; i < n; i++) {
            from[i] = (char)('0' + i % 50);
        }
        to[n] = from[n] = 'x';
        assert_ptr_equal(digits_copy(to, from, n), to + n);
        assert_memory_equal(to, from, n + 1);
        free(from);
        free(to);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(numbers),
        cmocka_unit_test(at_most_sixteen_digits_and_at_least_none),
        cmocka_unit_test(copies),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
