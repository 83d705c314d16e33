/* A cursor reads a view from its front, and cannot leave it. A read past the end sets failed, for ever, and gives zero or an
 * empty view: a parser reads all that it wants and asks once. Little-endian is SMB's order (MS-SMB2 2.2); the big-endian
 * reads are for NetBIOS, IP and TCP. */
#ifndef CURSOR_H
#define CURSOR_H

#include <assert.h>
#include <stdbool.h>
#include <string.h>

#include "view.h"

struct cursor {
    struct view in;
    size_t pos; /* never above in.n */
    bool failed;
};

/* A view of nothing may have no address; the cursor gives it one, for C adds not even 0 to NULL. */
static inline struct cursor cursor_over(struct view v) {
    return (struct cursor){v.p ? v : (struct view){(const uint8_t *)"", 0}, 0, false};
}

/* Over the first n bytes, which are there. Where n is a constant the compiler knows of each read that it succeeds, and nothing is left to
 * be tested when the program runs. */
static inline struct cursor cursor_fixed(struct view v, size_t n) {
    assert(v.n >= n);
    return (struct cursor){{v.p, n}, 0, false};
}

static inline bool cursor_ok(const struct cursor *c) {
    return !c->failed;
}

/* Bytes not read so far; 0 once failed. */
static inline size_t cursor_left(const struct cursor *c) {
    return c->failed ? 0 : c->in.n - c->pos;
}

static inline const uint8_t *cursor_claim(struct cursor *c, size_t n) {
    if (c->failed || n > c->in.n - c->pos) {
        c->failed = true;
        return NULL;
    }
    const uint8_t *p = c->in.p + c->pos;
    c->pos += n;
    return p;
}

static inline void cursor_skip(struct cursor *c, size_t n) {
    (void)cursor_claim(c, n);
}

/* The next n bytes, and moves past them; empty on failure. */
static inline struct view cursor_take(struct cursor *c, size_t n) {
    const uint8_t *p = cursor_claim(c, n);
    return p ? (struct view){p, n} : (struct view){NULL, 0};
}

/* All that is left, and moves to the end. */
static inline struct view cursor_rest(struct cursor *c) {
    return cursor_take(c, cursor_left(c));
}

static inline uint8_t cursor_u8(struct cursor *c) {
    const uint8_t *p = cursor_claim(c, 1);
    return p ? p[0] : 0;
}

static inline uint16_t cursor_le16(struct cursor *c) {
    const uint8_t *p = cursor_claim(c, 2);
    return (uint16_t)(p ? p[0] | p[1] << 8 : 0);
}

static inline uint32_t cursor_le32(struct cursor *c) {
    const uint8_t *p = cursor_claim(c, 4);
    return p ? (uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24 : 0;
}

static inline uint64_t cursor_le64(struct cursor *c) {
    const uint8_t *p = cursor_claim(c, 8);
    return p ? (uint64_t)p[0] | (uint64_t)p[1] << 8 | (uint64_t)p[2] << 16 | (uint64_t)p[3] << 24 |
                   (uint64_t)p[4] << 32 | (uint64_t)p[5] << 40 | (uint64_t)p[6] << 48 | (uint64_t)p[7] << 56
             : 0;
}

static inline uint16_t cursor_be16(struct cursor *c) {
    const uint8_t *p = cursor_claim(c, 2);
    return (uint16_t)(p ? p[0] << 8 | p[1] : 0);
}

static inline uint32_t cursor_be24(struct cursor *c) {
    const uint8_t *p = cursor_claim(c, 3);
    return p ? (uint32_t)p[0] << 16 | (uint32_t)p[1] << 8 | p[2] : 0;
}

static inline uint32_t cursor_be32(struct cursor *c) {
    const uint8_t *p = cursor_claim(c, 4);
    return p ? (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3] : 0;
}

/* Copies n bytes to a fixed field; zeroes it on failure. */
static inline void cursor_copy(struct cursor *c, uint8_t *to, size_t n) {
    const uint8_t *p = cursor_claim(c, n);
    if (p) {
        memcpy(to, p, n);
    } else {
        memset(to, 0, n);
    }
}

/* The n bytes at off from the start of the whole view: how offset and length fields are obeyed. Does not move; fails where
 * they are not all there. A length of 0 is an empty view whatever the offset says. */
static inline struct view cursor_at(struct cursor *c, size_t off, size_t n) {
    if (n == 0 && !c->failed) {
        return (struct view){c->in.p, 0};
    }
    if (c->failed || off > c->in.n || n > c->in.n - off) {
        c->failed = true;
        return (struct view){NULL, 0};
    }
    return (struct view){c->in.p + off, n};
}

#endif
