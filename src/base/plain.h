/* Copies the start of a text into JSON, as far as it stands for itself or behind a backslash: printable ASCII, that is, without
 * DEL. Paths are little else. Sixteen characters at a time, with SSE2 where the compiler may use it, and else (and in the tests) in
 * plain C.
 *
 * All of these look at n characters, 1 to PLAIN_BLOCK, read nothing behind them, write PLAIN_ROOM bytes at most, return where the
 * text ends, and leave in *taken how many characters it is. */
#ifndef PLAIN_H
#define PLAIN_H

#include <endian.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "view.h"

#ifdef __SSE2__
#include <emmintrin.h>
#endif

enum { PLAIN_BLOCK = 16, PLAIN_ROOM = 40 };

#define PLAIN_EACH_16(x) ((x)*UINT64_C(0x0001000100010001))
#define PLAIN_EACH_8(x) ((x)*UINT64_C(0x0101010101010101))

static inline uint64_t plain_load(const uint8_t *p) {
    uint64_t v;
    memcpy(&v, p, sizeof(v));
    return le64toh(v);
}

/* Eight bytes: above the sign bit of each lane the tests borrow nothing from the next, for every lane is under 0x80 once the first
 * was passed. */
static inline bool plain_eight(uint64_t v) {
    const uint64_t top = PLAIN_EACH_8(UINT64_C(0x80));
    if (v & top) {
        return false;
    }
    uint64_t fit = ((v | top) - PLAIN_EACH_8(0x20)) & (((v ^ PLAIN_EACH_8('"')) | top) - PLAIN_EACH_8(1)) &
                   (((v ^ PLAIN_EACH_8('\\')) | top) - PLAIN_EACH_8(1)) &
                   (((v ^ PLAIN_EACH_8(0x7F)) | top) - PLAIN_EACH_8(1));
    return (fit & top) == top;
}

/* The character as it stands in JSON; NULL where it is none of these. */
static inline char *plain_one(unsigned c, char *to) {
    if (c < 0x20 || c >= 0x7F) {
        return NULL;
    }
    if (c == '"' || c == '\\') {
        *to++ = '\\';
    }
    *to = (char)c;
    return to + 1;
}

static inline char *plain_bytes_portable(const uint8_t *p, size_t n, char *to, size_t *taken) {
    size_t i = 0;
    char *next;
    while (i < n) {
        if (n - i >= 8 && plain_eight(plain_load(p + i))) {
            memcpy(to, p + i, 8);
            to += 8;
            i += 8;
        } else if ((next = plain_one(p[i], to)) != NULL) {
            to = next;
            i++;
        } else {
            break;
        }
    }
    *taken = i;
    return to;
}

/* Four units: one byte of each, or none where another is in use. */
static inline bool plain_four(uint64_t v, uint32_t *bytes) {
    if (v & PLAIN_EACH_16(UINT64_C(0xFF00))) {
        return false;
    }
    v = (v | v >> 8) & UINT64_C(0x0000FFFF0000FFFF);
    *bytes = (uint32_t)(v | v >> 16);
    return plain_eight(*bytes | UINT64_C(0x2020202000000000));
}

static inline char *plain_units_portable(const uint8_t *p, size_t n, char *to, size_t *taken) {
    size_t i = 0;
    uint32_t four;
    char *next;
    while (i < n) {
        if (n - i >= 4 && plain_four(plain_load(p + 2 * i), &four)) {
            four = htole32(four);
            memcpy(to, &four, sizeof(four));
            to += 4;
            i += 4;
        } else if ((next = plain_one(p[2 * i] | (unsigned)p[2 * i + 1] << 8, to)) != NULL) {
            to = next;
            i++;
        } else {
            break;
        }
    }
    *taken = i;
    return to;
}

#ifdef __SSE2__

static inline uint64_t plain_load_4(const uint8_t *p) {
    uint32_t v;
    memcpy(&v, p, sizeof(v));
    return v;
}

/* Fewer than sixteen bytes, and zeroes behind them: from both ends, where they overlap twice the same. */
static inline __m128i plain_part(const uint8_t *p, size_t n) {
    uint64_t low = 0, high = 0;
    if (n >= 8) {
        low = plain_load(p);
        high = plain_load(p + n - 8) >> 1 >> (127 - 8 * n);
    } else if (n >= 4) {
        low = plain_load_4(p) | plain_load_4(p + n - 4) << (8 * n - 32);
    } else if (n != 0) {
        low = (uint64_t)p[0] | (uint64_t)p[n / 2] << (n / 2 * 8) | (uint64_t)p[n - 1] << (8 * n - 8);
    }
    return _mm_unpacklo_epi64(_mm_cvtsi64_si128((long long)low), _mm_cvtsi64_si128((long long)high));
}

static inline __m128i plain_block(const uint8_t *p, size_t n) {
    return n >= 16 ? _mm_loadu_si128((const __m128i *)(const void *)p) : plain_part(p, n);
}

/* The n lowest bytes of v, those of the mask behind a backslash. */
static inline char *plain_insert(uint64_t v, unsigned mask, size_t n, char *to) {
    char *end = to + n;
    while (mask != 0) {
        unsigned before = (unsigned)__builtin_ctz(mask);
        memcpy(to, &v, sizeof(v));
        to += before;
        *to++ = '\\';
        end++;
        v >>= 8 * before;
        mask = mask >> before & ~1u;
    }
    memcpy(to, &v, sizeof(v));
    return end;
}

__attribute__((always_inline)) static inline char *plain_put(__m128i block, size_t n, char *to, size_t *taken) {
    __m128i escaped =
        _mm_or_si128(_mm_cmpeq_epi8(block, _mm_set1_epi8('"')), _mm_cmpeq_epi8(block, _mm_set1_epi8('\\')));
    __m128i unfit = _mm_or_si128(_mm_cmpeq_epi8(block, _mm_set1_epi8(0x7F)),
                                 _mm_cmplt_epi8(block, _mm_set1_epi8(0x20))); /* signed: from 0x80 on as well */
    n = (size_t)__builtin_ctz((unsigned)_mm_movemask_epi8(unfit) | 1u << n);
    unsigned mask = (unsigned)_mm_movemask_epi8(escaped) & ((1u << n) - 1);
    *taken = n;
    if (mask == 0) {
        _mm_storeu_si128((__m128i *)(void *)to, block);
        return to + n;
    }
    to = plain_insert((uint64_t)_mm_cvtsi128_si64(block), mask & 0xFF, n < 8 ? n : 8, to);
    if (n > 8) {
        block = _mm_unpackhi_epi64(block, block);
        to = plain_insert((uint64_t)_mm_cvtsi128_si64(block), mask >> 8, n - 8, to);
    }
    return to;
}

__attribute__((always_inline)) static inline char *plain_bytes(const uint8_t *p, size_t n, char *to, size_t *taken) {
    return plain_put(plain_block(p, n), n, to, taken);
}

/* Packing saturates: what is above 0xFF becomes that or 0, and neither is plain. */
__attribute__((always_inline)) static inline char *plain_units(const uint8_t *p, size_t n, char *to, size_t *taken) {
    __m128i first = plain_block(p, 2 * n), second = _mm_setzero_si128();
    if (n > 8) {
        second = plain_block(p + 16, 2 * n - 16);
    }
    return plain_put(_mm_packus_epi16(first, second), n, to, taken);
}

#else

__attribute__((always_inline)) static inline char *plain_bytes(const uint8_t *p, size_t n, char *to, size_t *taken) {
    return plain_bytes_portable(p, n, to, taken);
}

__attribute__((always_inline)) static inline char *plain_units(const uint8_t *p, size_t n, char *to, size_t *taken) {
    return plain_units_portable(p, n, to, taken);
}

#endif

enum { PLAIN_SHORT = 20 };

/* A text of at most PLAIN_SHORT bytes and one block that is plain all through, where PLAIN_ROOM bytes are free before stop; NULL where
 * it is none, or there is less room. */
static inline char *plain_short(const struct text *t, char *to, const char *stop) {
    bool wide = t->encoding == ENC_UTF16LE;
    size_t n = t->bytes.n, taken = 0;
    if (n > PLAIN_SHORT || n >> wide > PLAIN_BLOCK || stop - to < PLAIN_ROOM) {
        return NULL;
    }
    if (n >> wide != 0) {
        to = wide ? plain_units(t->bytes.p, n / 2, to, &taken) : plain_bytes(t->bytes.p, n, to, &taken);
    }
    return taken << wide == n ? to : NULL;
}

#endif
