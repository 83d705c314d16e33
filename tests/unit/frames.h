/* Frames of SMB2 for the tests of the framer: written field by field, so that a test shows what it changes; and a recorder of what
 * the framer hands out. */
#ifndef FRAMES_H
#define FRAMES_H

#include <assert.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "framer.h"
#include "nbss.h"
#include "pdu_smb2.h"

enum { FRAMES_MAX = 64 * 1024, RECORDED_MAX = 512, BYTES_KEPT = 512 };

struct wire {
    size_t n;
    uint8_t b[FRAMES_MAX];
};

static inline void put(struct wire *w, uint64_t value, unsigned bytes) {
    for (unsigned i = 0; i < bytes; i++) {
        assert(w->n < sizeof w->b);
        w->b[w->n++] = (uint8_t)(value >> 8 * i);
    }
}

static inline void put_bytes(struct wire *w, const void *p, size_t n) {
    assert(n <= sizeof w->b - w->n);
    memcpy(w->b + w->n, p, n);
    w->n += n;
}

static inline void put_fill(struct wire *w, uint8_t value, size_t n) {
    for (size_t i = 0; i < n; i++) {
        put(w, value, 1);
    }
}

static inline void set(struct wire *w, size_t at, uint64_t value, unsigned bytes) {
    for (unsigned i = 0; i < bytes; i++) {
        w->b[at + i] = (uint8_t)(value >> 8 * i);
    }
}

static inline struct view wire_view(const struct wire *w, size_t from, size_t to) {
    return (struct view){w->b + from, to - from};
}

/* A NetBIOS header with its length open; returns where. */
static inline size_t frame_open(struct wire *w) {
    size_t at = w->n;
    put(w, 0, 4);
    return at;
}

static inline void frame_close(struct wire *w, size_t at) {
    size_t n = w->n - at - 4;
    w->b[at + 1] = (uint8_t)(n >> 16);
    w->b[at + 2] = (uint8_t)(n >> 8);
    w->b[at + 3] = (uint8_t)n;
}

enum { SESSION = 0x1234 };

/* 64 bytes, MS-SMB2 2.2.1; returns where */
static inline size_t put_header(struct wire *w, uint16_t command, uint32_t flags, uint64_t message_id,
                                uint64_t session) {
    size_t at = w->n;
    put_bytes(w, "\xfeSMB", 4);
    put(w, 64, 2);
    put(w, 1, 2);
    put(w, 0, 4);
    put(w, command, 2);
    put(w, 1, 2);
    put(w, flags, 4);
    put(w, 0, 4);
    put(w, message_id, 8);
    put(w, 0xfeff, 4);
    put(w, 5, 4);
    put(w, session, 8);
    put_fill(w, 0, 16);
    return at;
}

/* NextCommand of the header at: here, padded to the grid with bytes that are nobody's */
static inline void chain_here(struct wire *w, size_t at) {
    while ((w->n - at) % 8 != 0) {
        put(w, 0xee, 1);
    }
    set(w, at + 20, w->n - at, 4);
}

static inline void put_body(struct wire *w, uint16_t structure_size, size_t bytes) {
    put(w, structure_size, 2);
    for (size_t i = 2; i < bytes; i++) {
        put(w, i, 1);
    }
}

static inline size_t put_close(struct wire *w, uint64_t message_id) {
    size_t at = put_header(w, SMB2_CLOSE, 0, message_id, SESSION);
    put_body(w, 24, 24);
    return at;
}

static inline size_t put_create(struct wire *w, uint64_t message_id, size_t name) {
    size_t at = put_header(w, SMB2_CREATE, 0, message_id, SESSION);
    put_body(w, 57, 56 + name);
    return at;
}

/* MS-SMB2 2.2.21 */
static inline size_t put_write(struct wire *w, uint64_t message_id, const void *data, size_t n) {
    size_t at = put_header(w, SMB2_WRITE, 0, message_id, SESSION);
    put(w, 49, 2);
    put(w, 0x70, 2);
    put(w, n, 4);
    put_fill(w, 0, 40);
    put_bytes(w, data, n);
    return at;
}

/* MS-SMB2 2.2.20 */
static inline size_t put_read_response(struct wire *w, uint64_t message_id, const void *data, size_t n) {
    size_t at = put_header(w, SMB2_READ, SMB2_FLAGS_SERVER_TO_REDIR, message_id, SESSION);
    put(w, 17, 2);
    put(w, 0x50, 1);
    put(w, 0, 1);
    put(w, n, 4);
    put_fill(w, 0, 8);
    put_bytes(w, data, n);
    return at;
}

/* MS-SMB2 2.2.41 */
static inline size_t put_transform(struct wire *w, size_t n) {
    size_t at = w->n;
    put_bytes(w, "\xfdSMB", 4);
    put_fill(w, 0x11, 32);
    put(w, n, 4);
    put(w, 0, 2);
    put(w, 1, 2);
    put(w, SESSION, 8);
    put_fill(w, 0x99, n);
    return at;
}

struct recorded {
    enum direction dir;
    struct message m; /* bytes.p is NULL */
    uint8_t bytes[BYTES_KEPT];
};

struct recorder {
    unsigned count;
    unsigned faults[FRAMER_FAULTS];
    struct recorded items[RECORDED_MAX];
    size_t held_max;
    const struct budget *budget;
};

static inline void record_message(void *arg, enum direction dir, const struct message *m) {
    struct recorder *r = arg;
    assert(r->count < RECORDED_MAX);
    struct recorded *to = &r->items[r->count++];
    to->dir = dir;
    to->m = *m;
    /* Read to the last byte: the sanitizer sees a view that reaches too far. */
    uint8_t sum = 0;
    for (size_t i = 0; i < m->bytes.n; i++) {
        sum = (uint8_t)(sum + m->bytes.p[i]);
    }
    (void)sum;
    memcpy(to->bytes, m->bytes.p, m->bytes.n < BYTES_KEPT ? m->bytes.n : BYTES_KEPT);
    to->m.bytes.p = NULL;
    if (r->budget && r->budget->held > r->held_max) {
        r->held_max = r->budget->held;
    }
}

static inline void record_fault(void *arg, enum direction dir, enum framer_fault fault) {
    struct recorder *r = arg;
    (void)dir;
    r->faults[fault]++;
}

static inline unsigned faults_in_all(const struct recorder *r) {
    unsigned sum = 0;
    for (unsigned i = 0; i < FRAMER_FAULTS; i++) {
        sum += r->faults[i];
    }
    return sum;
}

/* The same message, whatever the segments were. */
static inline bool same_message(const struct recorded *a, const struct recorded *b) {
    size_t n = a->m.bytes.n < BYTES_KEPT ? a->m.bytes.n : BYTES_KEPT;
    return a->dir == b->dir && a->m.kind == b->m.kind && a->m.bytes.n == b->m.bytes.n && a->m.length == b->m.length &&
           a->m.payload == b->m.payload && a->m.missing == b->m.missing && a->m.first == b->m.first &&
           a->m.last == b->m.last && memcmp(a->bytes, b->bytes, n) == 0;
}

/* One connection with its recorder. */
struct bench {
    struct nbss_pool *pool;
    struct nbss *n;
    struct budget budget;
    struct recorder *r;
    uint64_t segment;
};

static inline void bench_open(struct bench *b, bool start_seen) {
    *b = (struct bench){.budget = {.ceiling = 64U << 20}};
    b->r = calloc(1, sizeof *b->r);
    b->pool = nbss_pool_new();
    void *room = malloc(nbss_size());
    assert(b->r && b->pool && room);
    struct framer_sink sink = {b->r, record_message, record_fault, NULL};
    b->r->budget = &b->budget;
    b->n = nbss_begin(room, b->pool, &sink, &b->budget, start_seen);
}

/* A segment in memory of its own size, so that the sanitizer sees a read behind its end. */
static inline void bench_bytes(struct bench *b, enum direction dir, struct view v) {
    uint8_t *copy = malloc(v.n ? v.n : 1);
    assert(copy);
    memcpy(copy, v.p, v.n);
    b->segment++;
    nbss_bytes(b->n, dir, (struct view){copy, v.n}, (struct moment){b->segment * 1000, b->segment});
    free(copy);
}

static inline void bench_gap(struct bench *b, enum direction dir, uint64_t n) {
    nbss_gap(b->n, dir, n, (struct moment){b->segment * 1000, b->segment});
}

static inline void bench_end(struct bench *b) {
    nbss_end(b->n, (struct moment){b->segment * 1000, b->segment});
    nbss_finish(b->n);
    free(b->n);
    b->n = NULL;
    assert(b->budget.held == 0);
}

static inline void bench_close(struct bench *b) {
    nbss_pool_free(b->pool);
    free(b->r);
}

#endif
