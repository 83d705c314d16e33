/* The reference vectors of SipHash-2-4: key 00 01 .. 0f, message 00 01 .. of each length. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "../../src/base/siphash.h"

static const struct siphash_key key = {0x0706050403020100, 0x0f0e0d0c0b0a0908};

static struct view message(uint8_t *to, size_t n) {
    for (size_t i = 0; i < n; i++) {
        to[i] = (uint8_t)i;
    }
    return (struct view){to, n};
}

static void reference_vectors(void **state) {
    static const uint64_t expected[] = {
        0x726fdb47dd0e0e31, 0x74f839c593dc67fd, 0x0d6c8009d9a94f5a, 0x85676696d7fb7e2d, 0xcf2794e0277187b7,
        0x18765564cd99a68d, 0xcbc9466e58fee3ce, 0xab0200f58b01d137, 0x93f5f5799a932462,
    };
    uint8_t bytes[16];
    (void)state;
    for (size_t n = 0; n < sizeof expected / sizeof *expected; n++) {
        assert_int_equal(siphash24(key, message(bytes, n)), expected[n]);
    }
    assert_int_equal(siphash24(key, message(bytes, 15)), 0xa129ca6149be45e5);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reference_vectors),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
