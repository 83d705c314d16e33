/* Numbers as ASCII, and short names, written where there is room. Each returns where its text ends, and may scribble over
 * DIGITS_SLACK bytes behind that. */
#ifndef DIGITS_H
#define DIGITS_H

#include <endian.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

enum { DIGITS_SLACK = 8 };

extern const char digits_pairs[200]; /* 00 to 99 */

static inline char *digits_pair(char *to, unsigned below_100) {
    memcpy(to, digits_pairs + 2 * (size_t)below_100, 2);
    return to + 2;
}

static inline unsigned digits_count(uint64_t value) {
    static const uint64_t powers[20] = {0,
                                        UINT64_C(10),
                                        UINT64_C(100),
                                        UINT64_C(1000),
                                        UINT64_C(10000),
                                        UINT64_C(100000),
                                        UINT64_C(1000000),
                                        UINT64_C(10000000),
                                        UINT64_C(100000000),
                                        UINT64_C(1000000000),
                                        UINT64_C(10000000000),
                                        UINT64_C(100000000000),
                                        UINT64_C(1000000000000),
                                        UINT64_C(10000000000000),
                                        UINT64_C(100000000000000),
                                        UINT64_C(1000000000000000),
                                        UINT64_C(10000000000000000),
                                        UINT64_C(100000000000000000),
                                        UINT64_C(1000000000000000000),
                                        UINT64_C(10000000000000000000)};
    unsigned bits = 64 - (unsigned)__builtin_clzll(value | 1);
    unsigned guess = bits * 1233 >> 12; /* 1233 / 4096: log10(2), near enough for 64 bits */
    return guess + (value >= powers[guess]);
}

static inline char *digits_uint(char *to, uint64_t value) {
    if (value < 10) {
        *to = (char)('0' + value);
        return to + 1;
    }
    char *end = to + digits_count(value), *at = end;
    while (value >= 100) {
        at -= 2;
        digits_pair(at, (unsigned)(value % 100));
        value /= 100;
    }
    if (value >= 10) {
        digits_pair(to, (unsigned)value);
    } else {
        *to = (char)('0' + value);
    }
    return end;
}

/* The lowest digits of value, 1 to 8 of them, in lower-case hex: each nibble in a byte of its own, all at once. */
static inline char *digits_hex8(char *to, uint32_t value, unsigned digits) {
    uint64_t x = value;
    x = (x | x << 16) & UINT64_C(0x0000FFFF0000FFFF);
    x = (x | x << 8) & UINT64_C(0x00FF00FF00FF00FF);
    x = (x | x << 4) & UINT64_C(0x0F0F0F0F0F0F0F0F);
    uint64_t letters = (x + UINT64_C(0x0606060606060606)) >> 4 & UINT64_C(0x0101010101010101);
    x += UINT64_C(0x3030303030303030) + letters * ('a' - '0' - 10);
    x = htobe64(x << (64 - 8 * digits));
    memcpy(to, &x, sizeof(x));
    return to + digits;
}

/* At least digits of them, at most 16. */
static inline char *digits_hex(char *to, uint64_t value, unsigned digits) {
    unsigned needed = (67 - (unsigned)__builtin_clzll(value | 1)) / 4;
    digits = digits > 16 ? 16 : digits;
    if (value != 0 && needed > digits && digits != 0) {
        digits = needed;
    }
    if (digits == 0) {
        return to;
    }
    if (digits > 8) {
        to = digits_hex8(to, (uint32_t)(value >> 32), digits - 8);
        digits = 8;
    }
    return digits_hex8(to, (uint32_t)value, digits);
}

/* n bytes, for names, which are short. */
static inline char *digits_copy(char *to, const char *from, size_t n) {
    if (n >= 16) {
        for (size_t i = 0; i < n - 16; i += 16) {
            memcpy(to + i, from + i, 16);
        }
        memcpy(to + n - 16, from + n - 16, 16);
    } else if (n >= 8) {
        memcpy(to, from, 8);
        memcpy(to + n - 8, from + n - 8, 8);
    } else if (n >= 4) {
        memcpy(to, from, 4);
        memcpy(to + n - 4, from + n - 4, 4);
    } else if (n >= 2) {
        memcpy(to, from, 2);
        memcpy(to + n - 2, from + n - 2, 2);
    } else if (n == 1) {
        *to = *from;
    }
    return to + n;
}

#endif
