#include "reorder_queue.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "limits.h"

enum { CAPACITY_MIN = 16 };

static uint32_t offset_of(const struct segment *s, uint32_t base) {
    return s->seq - base;
}

/* The first segment that ends behind offset; count where there is none. */
static uint32_t find(const struct reorder_queue *q, uint32_t base, uint32_t offset) {
    uint32_t low = 0, high = q->count;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        const struct segment *s = q->at[q->first + middle];
        if ((uint64_t)offset_of(s, base) + s->length > offset) {
            high = middle;
        } else {
            low = middle + 1;
        }
    }
    return low;
}

/* A place behind the last: moves all to the front, or grows. */
static bool reserve(struct reorder_queue *q, struct budget *budget) {
    if (q->first + q->count < q->capacity) {
        return true;
    }
    if (q->first > q->count) {
        memcpy(q->at, q->at + q->first, q->count * sizeof *q->at);
        q->first = 0;
        return true;
    }
    uint32_t capacity = q->capacity != 0 ? q->capacity * 2 : CAPACITY_MIN;
    struct segment **grown = budget_take(budget, capacity * sizeof *q->at);
    if (!grown) {
        return false;
    }
    if (q->count != 0) {
        memcpy(grown, q->at + q->first, q->count * sizeof *q->at);
    }
    budget_give(budget, q->at, q->capacity * sizeof *q->at);
    q->at = grown;
    q->first = 0;
    q->capacity = capacity;
    return true;
}

static bool insert_at(struct reorder_queue *q, struct budget *budget, uint32_t place, const struct arrival *a,
                      uint32_t length) {
    struct view bytes = view_part(a->bytes, 0, length);
    size_t size = sizeof(struct segment) + bytes.n;
    if (q->count == REORDER_SEGMENTS_MAX || !reserve(q, budget)) {
        return false;
    }
    struct segment *s = budget_take_raw(budget, size);
    if (!s) {
        return false;
    }
    *s = (struct segment){.at = a->at,
                          .seen = a->seen,
                          .seq = a->seq,
                          .length = length,
                          .n = (uint32_t)bytes.n,
                          .ack = a->ack,
                          .has_ack = a->has_ack,
                          .probe = a->probe};
    if (bytes.n != 0) {
        memcpy(s->data, bytes.p, bytes.n);
    }
    struct segment **slot = q->at + q->first + place;
    memmove(slot + 1, slot, (q->count - place) * sizeof *slot);
    *slot = s;
    q->count++;
    return true;
}

/* Both begin at the same byte of the stream; off bytes into the segment. */
static bool same_bytes(const struct segment *s, uint32_t off, struct view bytes) {
    if (off >= s->n) {
        return true;
    }
    size_t n = s->n - off < bytes.n ? s->n - off : bytes.n;
    return n == 0 || memcmp(s->data + off, bytes.p, n) == 0;
}

enum queue_result queue_insert(struct reorder_queue *q, struct budget *budget, uint32_t base, struct arrival a,
                               bool *differs) {
    uint32_t place = find(q, base, a.seq - base);
    while (a.length != 0) {
        const struct segment *s = place < q->count ? q->at[q->first + place] : NULL;
        uint32_t off = a.seq - base;
        uint32_t step;
        if (s && offset_of(s, base) <= off) {
            uint32_t into = off - offset_of(s, base);
            step = s->length - into < a.length ? s->length - into : a.length;
            if (!same_bytes(s, into, view_part(a.bytes, 0, step))) {
                *differs = true;
            }
        } else {
            step = s && offset_of(s, base) - off < a.length ? offset_of(s, base) - off : a.length;
            if (!insert_at(q, budget, place, &a, step)) {
                return QUEUE_FULL;
            }
        }
        place++;
        a = arrival_from(a, step);
    }
    return QUEUE_KEPT;
}

struct segment *queue_pop(struct reorder_queue *q) {
    assert(q->count != 0);
    struct segment *s = q->at[q->first++];
    if (--q->count == 0) {
        q->first = 0;
    }
    return s;
}

void segment_free(struct segment *s, struct budget *budget) {
    budget_give(budget, s, sizeof *s + s->n);
}

uint32_t queue_run(const struct reorder_queue *q, uint32_t most) {
    uint32_t run = 0;
    while (run < q->count && run < most) {
        const struct segment *s = q->at[q->first + run];
        if (run != 0) {
            const struct segment *before = q->at[q->first + run - 1];
            if (before->seq + before->length != s->seq) {
                break;
            }
        }
        run++;
    }
    return run;
}

void queue_clear(struct reorder_queue *q, struct budget *budget) {
    while (q->count != 0) {
        segment_free(queue_pop(q), budget);
    }
    budget_give(budget, q->at, q->capacity * sizeof *q->at);
    *q = (struct reorder_queue){0};
}
