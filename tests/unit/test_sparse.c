/* Whatever is written comes back, in no more room than it may take, and zeroes take next to none. */
#include "sparse.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

enum { WORDS = 200 };

/* Behind it are other bytes than zeroes, which count for nothing. */
static size_t there_and_back(const uint64_t *from, size_t words) {
    uint8_t written[SPARSE_ROOM(WORDS) + SPARSE_SLACK];
    uint64_t back[WORDS + 1] = {0};
    memset(written, 0xAA, sizeof written);
    size_t n = sparse_write(from, words, written);
    assert_true(n + SPARSE_SLACK <= SPARSE_ROOM(words));
    memset(written + n, 0x55, sizeof written - n);
    sparse_read((struct view){written, n}, back);
    assert_memory_equal(back, from, words * sizeof *from);
    assert_int_equal(back[words], 0);
    return n;
}

static void any_value(void **state) {
    (void)state;
    for (unsigned bytes = 1; bytes <= 8; bytes++) {
        uint64_t least = UINT64_C(1) << 8 * (bytes - 1), most = UINT64_MAX >> (64 - 8 * bytes);
        const uint64_t words[] = {least, most, least | 1, most - 1 ? most - 1 : 1};
        assert_int_equal(there_and_back(words, 4), 4 * (bytes + 1));
    }
}

/* Of every length, in front, between and behind. */
static void any_run_of_zeroes(void **state) {
    (void)state;
    for (size_t run = 0; run < WORDS / 3; run++) {
        uint64_t words[WORDS] = {0};
        assert_true(there_and_back(words, run) == 0);
        words[run] = 7;
        words[2 * run + 1] = UINT64_MAX;
        assert_int_equal(there_and_back(words, 3 * run + 2), 11 + 2 * (run ? (run - 1) / 15 : 0));
    }
}

static void any_mixture(void **state) {
    (void)state;
    uint64_t seed = 1, words[WORDS];
    for (unsigned i = 0; i < 20000; i++) {
        size_t n = i % (WORDS + 1);
        for (size_t k = 0; k < n; k++) {
            seed = seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
            unsigned shift = (unsigned)(seed >> 58);
            words[k] = (seed >> 40) % 3 == 0 ? seed >> shift : 0;
        }
        there_and_back(words, n);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(any_value), cmocka_unit_test(any_run_of_zeroes),
                                       cmocka_unit_test(any_mixture)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
