#include "sparse.h"

#include <endian.h>
#include <string.h>

/* In front of each word that is not zero: how many were before it, and how many bytes it has; none: it is only those before it. */
enum { ZEROES_RUN = 15, ZEROES_SHIFT = 4, BYTES_MASK = 15 };

static uint64_t load(const uint8_t *from) {
    uint64_t word;
    memcpy(&word, from, sizeof word);
    return word;
}

size_t sparse_write(const void *from, size_t words, uint8_t *to) {
    const uint8_t *at = from, *before = at, *const end = at + words * SPARSE_WORD;
    uint8_t *const begin = to;
    for (; at < end; at += SPARSE_WORD) {
        uint64_t word = load(at);
        if (word == 0) {
            continue;
        }
        size_t zeroes = (size_t)(at - before) / SPARSE_WORD;
        for (; zeroes > ZEROES_RUN; zeroes -= ZEROES_RUN) {
            *to++ = ZEROES_RUN << ZEROES_SHIFT;
        }
        unsigned bytes = (71 - (unsigned)__builtin_clzll(le64toh(word))) / 8;
        *to++ = (uint8_t)(zeroes << ZEROES_SHIFT | bytes);
        memcpy(to, &word, sizeof word);
        to += bytes;
        before = at + SPARSE_WORD;
    }
    return (size_t)(to - begin);
}

void sparse_read(struct view v, void *to) {
    const uint8_t *from = v.p, *const end = v.p + v.n;
    uint8_t *at = to;
    while (from < end) {
        unsigned zeroes = *from >> ZEROES_SHIFT, bytes = *from & BYTES_MASK;
        from++;
        at += (size_t)zeroes * SPARSE_WORD;
        if (bytes != 0) {
            uint64_t word = htole64(le64toh(load(from)) & UINT64_MAX >> (64 - 8 * bytes));
            memcpy(at, &word, sizeof word);
            at += SPARSE_WORD;
            from += bytes;
        }
    }
}
