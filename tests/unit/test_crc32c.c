#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "../../src/base/crc32c.h"

static void both(uint32_t expected, const void *bytes, size_t n) {
    assert_int_equal(crc32c(0, bytes, n), expected);
    assert_int_equal(crc32c_table(0, bytes, n), expected);
}

/* RFC 3720 B.4, whose bytes are in the order of the wire. */
static void vectors(void **state) {
    (void)state;
    uint8_t bytes[48] = {0};
    both(0x8a9136aa, bytes, 32);
    memset(bytes, 0xff, 32);
    both(0x62a8ab43, bytes, 32);
    for (unsigned i = 0; i < 32; i++) {
        bytes[i] = (uint8_t)i;
    }
    both(0x46dd794e, bytes, 32);
    for (unsigned i = 0; i < 32; i++) {
        bytes[i] = (uint8_t)(31 - i);
    }
    both(0x113fdb5c, bytes, 32);
    memset(bytes, 0, sizeof bytes);
    bytes[0] = 0x01, bytes[1] = 0xc0, bytes[16] = 0x14, bytes[22] = 0x04, bytes[27] = 0x14, bytes[31] = 0x18;
    bytes[32] = 0x28, bytes[40] = 0x02;
    both(0xd9963a56, bytes, 48);
    both(0xe3069283, "123456789", 9);
    both(0, "", 0);
}

/* Each length at each alignment, whole and in two pieces. */
static void the_instruction_and_the_table(void **state) {
    (void)state;
    uint8_t bytes[300];
    uint32_t seed = 1;
    for (size_t i = 0; i < sizeof bytes; i++) {
        seed = seed * 1664525 + 1013904223;
        bytes[i] = (uint8_t)(seed >> 24);
    }
    for (size_t from = 0; from < 9; from++) {
        for (size_t n = 0; n + from <= sizeof bytes; n++) {
            uint32_t whole = crc32c(7, bytes + from, n);
            assert_int_equal(whole, crc32c_table(7, bytes + from, n));
            assert_int_equal(whole, crc32c(crc32c(7, bytes + from, n / 3), bytes + from + n / 3, n - n / 3));
        }
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(vectors),
        cmocka_unit_test(the_instruction_and_the_table),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
