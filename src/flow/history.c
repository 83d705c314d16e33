#include "history.h"

#include <stdalign.h>
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
    struct budget *budget;
    uint64_t end;
    size_t at;        /* of end, in the ring */
    size_t size;      /* of the ring */
    uint32_t at_most; /* of one segment */
    alignas(alignof(struct past)) uint8_t ring[];
};

struct history *history_new(struct budget *budget) {
    size_t share = budget->ceiling / HISTORY_SHARE;
    size_t size = (share < HISTORY_BYTES ? share : HISTORY_BYTES) / alignof(struct past) * alignof(struct past);
    struct history *h = size / 4 > sizeof(struct past) ? budget_take(budget, sizeof *h + size) : NULL;
    if (h) {
        h->budget = budget;
        h->end = h->size = size;
        h->at_most = size / 4 < HISTORY_SEGMENT_MAX ? (uint32_t)(size / 4) : HISTORY_SEGMENT_MAX;
    }
    return h;
}

void history_add(struct history *h, uint64_t *last, uint32_t seq, struct view v) {
    if (!h) {
        return;
    }
    uint32_t n = v.n < h->at_most ? (uint32_t)v.n : h->at_most;
    uint64_t size = (sizeof(struct past) + n + alignof(struct past) - 1) / alignof(struct past) * alignof(struct past);
    if (size > h->size - h->at) {
        h->end += h->size - h->at;
        h->at = 0;
    }
    struct past *p = (struct past *)(void *)(h->ring + h->at);
    p->before = *last;
    p->seq = seq;
    p->n = n;
    memcpy(p->data, v.p, n);
    *last = h->end;
    h->end += size;
    h->at += size;
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
    for (unsigned steps = 0; h && steps < HISTORY_STEPS && last != 0 && h->end - last <= h->size; steps++) {
        const struct past *p = (const struct past *)(const void *)(h->ring + last % h->size);
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
    if (h) {
        budget_give(h->budget, h, sizeof *h + h->size);
    }
}
