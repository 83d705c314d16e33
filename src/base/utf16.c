#include "base/utf16.h"

#include "base/hash.h"

/* A word is four units, the first in the lowest bits whatever the machine. LANES(x) is x in each. */
enum { WORD = 8 };
#define LANES(x) (UINT64_C(0x0001000100010001) * (x))
#define HIGH LANES(UINT64_C(0x8000))

static inline uint64_t word_at(const uint8_t *p) {
    return (uint64_t)p[0] | (uint64_t)p[1] << 8 | (uint64_t)p[2] << 16 | (uint64_t)p[3] << 24 | (uint64_t)p[4] << 32 |
           (uint64_t)p[5] << 40 | (uint64_t)p[6] << 48 | (uint64_t)p[7] << 56;
}

/* What is left behind the last whole word: zeroes behind it. */
static inline uint64_t tail_at(const uint8_t *p, size_t n) {
    uint64_t word = 0;
    for (size_t i = 0; i < n; i++) {
        word |= (uint64_t)p[i] << (8 * i);
    }
    return word;
}

static inline uint16_t unit_at(const uint8_t *p) {
    return (uint16_t)(p[0] | p[1] << 8);
}

/* The high bit of each lane that is zero: nothing is carried from one to the next. */
static inline uint64_t zero_lanes(uint64_t x) {
    return ~(((x & ~HIGH) + ~HIGH) | x) & HIGH;
}

size_t utf16_first(struct view v, uint16_t unit) {
    size_t n = v.n & ~(size_t)1, i = 0;
    for (; i + WORD <= n; i += WORD) {
        uint64_t found = zero_lanes(word_at(v.p + i) ^ LANES(unit));
        if (found != 0) {
            return i + (size_t)__builtin_ctzll(found) / 16 * 2;
        }
    }
    while (i < n && unit_at(v.p + i) != unit) {
        i += 2;
    }
    return i;
}

size_t utf16_behind_last(struct view v, uint16_t unit) {
    size_t i = v.n & ~(size_t)1;
    for (; i >= WORD; i -= WORD) {
        uint64_t found = zero_lanes(word_at(v.p + i - WORD) ^ LANES(unit));
        if (found != 0) {
            return i - (size_t)__builtin_clzll(found) / 16 * 2;
        }
    }
    while (i > 0 && unit_at(v.p + i - 2) != unit) {
        i -= 2;
    }
    return i;
}

/* ASCII letters become capitals: 0x20 is taken from the lanes that are from 'a' to 'z'. */
static inline uint64_t fold(uint64_t x) {
    uint64_t low = x & ~HIGH;
    uint64_t from_a = low + LANES(0x8000U - 'a'), behind_z = low + LANES(0x8000U - 'z' - 1);
    return x - ((from_a & ~behind_z & ~x & HIGH) >> 10);
}

/* The other way: to what is from 'A' to 'Z'. */
static inline uint64_t unfold(uint64_t x) {
    uint64_t low = x & ~HIGH;
    uint64_t from_a = low + LANES(0x8000U - 'A'), behind_z = low + LANES(0x8000U - 'Z' - 1);
    return x + ((from_a & ~behind_z & ~x & HIGH) >> 10);
}

static inline void put_word(uint8_t *to, uint64_t word) {
    to[0] = (uint8_t)word;
    to[1] = (uint8_t)(word >> 8);
    to[2] = (uint8_t)(word >> 16);
    to[3] = (uint8_t)(word >> 24);
    to[4] = (uint8_t)(word >> 32);
    to[5] = (uint8_t)(word >> 40);
    to[6] = (uint8_t)(word >> 48);
    to[7] = (uint8_t)(word >> 56);
}

void utf16_lower(struct view v, uint8_t *to) {
    size_t i = 0;
    for (; i + WORD <= v.n; i += WORD) {
        put_word(to + i, unfold(word_at(v.p + i)));
    }
    if (i < v.n) {
        put_word(to + i, unfold(tail_at(v.p + i, v.n - i)));
    }
}

bool utf16_same_name(struct view a, struct view b) {
    size_t i = 0;
    if (a.n != b.n) {
        return false;
    }
    for (; i + WORD <= a.n; i += WORD) {
        uint64_t x = word_at(a.p + i), y = word_at(b.p + i);
        if (x != y && fold(x) != fold(y)) {
            return false;
        }
    }
    return i == a.n || fold(tail_at(a.p + i, a.n - i)) == fold(tail_at(b.p + i, b.n - i));
}

uint64_t utf16_name_hash(uint64_t secret, uint64_t hash, struct view v) {
    size_t i = 0;
    for (; i + WORD <= v.n; i += WORD) {
        hash = hash_more(secret, hash, fold(word_at(v.p + i)));
    }
    uint64_t tail = i < v.n ? fold(tail_at(v.p + i, v.n - i)) : 0;
    return hash_more(secret, hash_more(secret, hash, tail), v.n);
}
