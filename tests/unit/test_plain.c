#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/plain.h"

typedef char *plain_function(const uint8_t *, size_t, char *, size_t *);

struct way {
    plain_function *function;
    unsigned width; /* bytes of a character */
};

static const struct way ways[] = {
    {plain_bytes, 1}, {plain_bytes_portable, 1}, {plain_units, 2}, {plain_units_portable, 2}};

/* What it should do, a character at a time. */
static size_t expect(const uint8_t *p, unsigned width, size_t n, char *to, size_t *taken) {
    size_t used = 0, i = 0;
    for (; i < n; i++) {
        unsigned c = p[width * i] | (width == 2 ? (unsigned)p[2 * i + 1] << 8 : 0);
        if (c < 0x20 || c > 0x7E) {
            break;
        }
        if (c == '"' || c == '\\') {
            to[used++] = '\\';
        }
        to[used++] = (char)c;
    }
    *taken = i;
    return used;
}

/* The characters lie in memory of just their size, so that a sanitizer sees who reads behind them, or writes behind PLAIN_ROOM. */
static void check(const struct way *way, const uint8_t *characters, size_t n) {
    uint8_t *p = malloc(n * way->width);
    char *got = malloc(PLAIN_ROOM), expected[2 * PLAIN_BLOCK];
    size_t taken, expected_taken;
    assert_non_null(p);
    assert_non_null(got);
    memcpy(p, characters, n * way->width);
    size_t expected_length = expect(p, way->width, n, expected, &expected_taken);
    size_t length = (size_t)(way->function(p, n, got, &taken) - got);
    assert_int_equal(taken, expected_taken);
    assert_int_equal(length, expected_length);
    assert_memory_equal(got, expected, length);
    free(got);
    free(p);
}

/* c among letters, in texts of every length. */
static void check_character(const struct way *way, unsigned c) {
    for (size_t n = 1; n <= PLAIN_BLOCK; n++) {
        uint8_t wire[2 * PLAIN_BLOCK] = {0};
        size_t place = way->width * (c % n);
        for (size_t i = 0; i < n; i++) {
            wire[way->width * i] = (uint8_t)('a' + i);
        }
        wire[place] = (uint8_t)c;
        wire[place + way->width - 1] = way->width == 2 ? (uint8_t)(c >> 8) : (uint8_t)c;
        check(way, wire, n);
    }
}

static void every_character(void **state) {
    (void)state;
    for (size_t w = 0; w < sizeof ways / sizeof ways[0]; w++) {
        for (unsigned c = 0; c < (ways[w].width == 2 ? 0x10000 : 0x100); c++) {
            check_character(&ways[w], c);
        }
    }
}

/* Mixtures, mostly of what needs a backslash. */
static void mixtures(void **state) {
    (void)state;
    static const uint8_t some[] = {'\\', '"', 'a', ' ', '~', '\\', '/', 'Z', '\\', '"', 'x', '\\', 0x7F, 0x1F, 0x80, 0};
    uint32_t seed = 1;
    for (unsigned i = 0; i < 200000; i++) {
        uint8_t wire[2 * PLAIN_BLOCK];
        const struct way *way = &ways[i % (sizeof ways / sizeof ways[0])];
        unsigned kinds = i % 8 == 0 ? sizeof some : 12;
        size_t n = 1 + i / 8 % PLAIN_BLOCK;
        for (size_t k = 0; k < n; k++) {
            seed = seed * 1664525 + 1013904223;
            wire[way->width * k] = some[(seed >> 16) % kinds];
            wire[way->width * k + way->width - 1] = way->width == 2 ? seed >> 30 == 3 && i % 8 == 0 : wire[k];
        }
        check(way, wire, n);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_character),
        cmocka_unit_test(mixtures),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
