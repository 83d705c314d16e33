/* Runs a dissector over memory of exactly the message's size and keeps the pdus, whose views point into that memory. */
#ifndef DISSECTING_H
#define DISSECTING_H

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "pdu.h"

enum { PDUS_MAX = 16 };

struct dissecting {
    uint8_t *bytes;
    struct arena arena;
    unsigned count;
    enum verdict verdict;
    struct pdu pdus[PDUS_MAX];
};

static inline void dissecting_deliver(void *arg, const struct pdu *pdu) {
    struct dissecting *d = arg;
    assert(d->count < PDUS_MAX);
    d->pdus[d->count++] = *pdu;
}

/* wire_length: 0 stands for n. */
static inline void dissecting_run(struct dissecting *d, const struct dissector *to, enum direction dir, const void *p,
                                  size_t n, uint32_t wire_length) {
    *d = (struct dissecting){.arena = {malloc(65536), 65536, 0, false}};
    d->bytes = malloc(n ? n : 1);
    assert(d->bytes && d->arena.base);
    memcpy(d->bytes, p, n);
    struct dissection dissection = {
        .mem = &d->arena,
        .dir = dir,
        .wire_length = wire_length ? wire_length : (uint32_t)n,
        .deliver = dissecting_deliver,
        .arg = d,
    };
    d->verdict = to->dissect(&dissection, (struct view){d->bytes, n});
    assert(dissection.depth == 0);
}

static inline void dissecting_free(struct dissecting *d) {
    free(d->bytes);
    free(d->arena.base);
}

/* Every truncation of a good message: never V_OK with a pdu that differs, never a read outside (the sanitizer's part). Calls check,
 * where there is one, with what came out of the first n bytes. */
static inline void dissecting_truncations(const struct dissector *to, enum direction dir, const void *p, size_t n,
                                          void (*check)(const struct dissecting *, size_t n)) {
    for (size_t cut = 0; cut < n; cut++) {
        struct dissecting d;
        dissecting_run(&d, to, dir, p, cut, (uint32_t)n);
        if (check) {
            check(&d, cut);
        }
        dissecting_free(&d);
    }
}

#endif
