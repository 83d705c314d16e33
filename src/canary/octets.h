/* Writes numbers of the wire into memory of the caller's, which is large enough: what does not fit is our fault. */
#ifndef OCTETS_H
#define OCTETS_H

#include <assert.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct octets {
    uint8_t *base;
    size_t size, used;
};

static inline uint8_t *octets_claim(struct octets *o, size_t n) {
    assert(n <= o->size - o->used);
    o->used += n;
    return o->base + (o->used - n);
}

static inline void octets_bytes(struct octets *o, const void *bytes, size_t n) {
    memcpy(octets_claim(o, n), bytes, n);
}

static inline void octets_zero(struct octets *o, size_t n) {
    memset(octets_claim(o, n), 0, n);
}

/* SMB2's order, the least significant octet first. */
static inline void octets_le(struct octets *o, uint64_t value, unsigned n) {
    uint8_t *to = octets_claim(o, n);
    for (unsigned i = 0; i < n; i++) {
        to[i] = (uint8_t)(value >> (8 * i));
    }
}

/* The network's order. */
static inline void octets_be(struct octets *o, uint64_t value, unsigned n) {
    uint8_t *to = octets_claim(o, n);
    for (unsigned i = 0; i < n; i++) {
        to[i] = (uint8_t)(value >> (8 * (n - 1 - i)));
    }
}

#endif
