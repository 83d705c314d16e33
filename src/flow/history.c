#include "history.h"

#include <stdalign.h>
#include <stdlib.h>
#include <string.h>

#include "limits.h"

struct past {
    uint64_t before; /* the direction's segment before it, as last */
    uint32_t seq, n;
    uint8_t data[];
};

/* A place in the ring is told by how many bytes were ever written before it, plus a whole ring: so 0 is none. What is more than a ring
 * behind was overwritten. */
struct history {
    uint64_t end;
    alignas(alignof(struct past)) uint8_t ring[HISTORY_BYTES];
};

struct history *history_new(void) {
    struct history *h = malloc(sizeof *h);
    if (h) {
        h->end = HISTORY_BYTES;
    }
    return h;
}

void history_add(struct history *h, uint64_t *last, uint32_t seq, struct view v) {
    uint32_t n = v.n < HISTORY_SEGMENT_MAX ? (uint32_t)v.n : HISTORY_SEGMENT_MAX;
    uint64_t size = (sizeof(struct past) + n + alignof(struct past) - 1) / alignof(struct past) * alignof(struct past);
    uint64_t at = h->end % HISTORY_BYTES;
    if (at + size > HISTORY_BYTES) {
        h->end += HISTORY_BYTES - at;
        at = 0;
    }
    struct past *p = (struct past *)(void *)(h->ring + at);
    p->before = *last;
    p->seq = seq;
    p->n = n;
    memcpy(p->data, v.p, n);
    *last = h->end;
    h->end += size;
}

/* The two share a part: is it the same? */
static bool same(const struct past *p, uint32_t seq, struct view v) {
    uint32_t ahead = seq - p->seq, behind = p->seq - seq;
    if (ahead < p->n) {
        size_t n = p->n - ahead < v.n ? p->n - ahead : v.n;
        return memcmp(p->data + ahead, v.p, n) == 0;
    }
    if (behind < v.n) {
        size_t n = v.n - behind < p->n ? v.n - behind : p->n;
        return memcmp(p->data, v.p + behind, n) == 0;
    }
    return true;
}

bool history_differs(const struct history *h, uint64_t last, uint32_t seq, struct view v) {
    for (unsigned steps = 0; steps < HISTORY_STEPS && last != 0 && h->end - last <= HISTORY_BYTES; steps++) {
        const struct past *p = (const struct past *)(const void *)(h->ring + last % HISTORY_BYTES);
        if (!same(p, seq, v)) {
            return true;
        }
        if (seq - p->seq <= INT32_MAX) {
            break; /* those before it are lower */
        }
        last = p->before;
    }
    return false;
}

void history_free(struct history *h) {
    free(h);
}
