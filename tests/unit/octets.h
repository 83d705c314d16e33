/* Bytes put together field by field, little-endian, as a test writes a message down. Too many are a fault of the
 * test. */
#ifndef OCTETS_H
#define OCTETS_H

#include <assert.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "view.h"

struct octets {
    size_t n;
    uint8_t b[8192];
};

static inline void put_bytes(struct octets *o, const void *p, size_t n) {
    assert(n <= sizeof o->b - o->n);
    memcpy(o->b + o->n, p, n);
    o->n += n;
}

/* The n lowest bytes of value at offset at, over what is there. */
static inline void set_le(struct octets *o, size_t at, unsigned n, uint64_t value) {
    assert(at + n <= o->n);
    for (unsigned i = 0; i < n; i++) {
        o->b[at + i] = (uint8_t)(value >> 8 * i);
    }
}

static inline void put_le(struct octets *o, unsigned n, uint64_t value) {
    assert(n <= sizeof o->b - o->n);
    o->n += n;
    set_le(o, o->n - n, n, value);
}

static inline void put8(struct octets *o, uint8_t value) {
    put_le(o, 1, value);
}

static inline void put16(struct octets *o, uint16_t value) {
    put_le(o, 2, value);
}

static inline void put32(struct octets *o, uint32_t value) {
    put_le(o, 4, value);
}

static inline void put64(struct octets *o, uint64_t value) {
    put_le(o, 8, value);
}

static inline void put_zeros(struct octets *o, size_t n) {
    for (size_t i = 0; i < n; i++) {
        put8(o, 0);
    }
}

/* ASCII as UTF-16, without an end. */
static inline void put_utf16(struct octets *o, const char *ascii) {
    for (; *ascii; ascii++) {
        put16(o, (uint8_t)*ascii);
    }
}

/* Zeros up to a multiple of 8. */
static inline void put_padding(struct octets *o) {
    put_zeros(o, (8 - o->n % 8) % 8);
}

/* Bytes first, first + 1 ...: something to recognize. */
static inline void put_series(struct octets *o, uint8_t first, size_t n) {
    for (size_t i = 0; i < n; i++) {
        put8(o, (uint8_t)(first + i));
    }
}

static inline struct view octets_view(const struct octets *o) {
    return (struct view){o->b, o->n};
}

#endif
