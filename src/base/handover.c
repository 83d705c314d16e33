#include "base/handover.h"

#include <assert.h>
#include <ck_ring.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>

/* A ring of ck_ring holds one less than its size; each of ours could hold every batch. */
enum { RING_PER_BATCH = 2 };

struct way {
    ck_ring_t ring;
    ck_ring_buffer_t *slots;
};

struct handover {
    struct way there, back;
    size_t batch_bytes;
    unsigned most;
    _Atomic size_t *allowance; /* NULL: none but most */
    /* the producer's */
    struct batch *filling; /* NULL: none yet */
    struct batch **spare;  /* given back, the last one on top: it may still be in the cache */
    unsigned made, spares;
    bool pushed;
};

static bool way_new(struct way *w, unsigned batches) {
    unsigned size = batches * RING_PER_BATCH;
    w->slots = calloc(size, sizeof *w->slots);
    if (w->slots) {
        ck_ring_init(&w->ring, size);
    }
    return w->slots != NULL;
}

struct handover *handover_new(size_t batch_bytes, unsigned batches) {
    assert(batches >= 4 && (batches & (batches - 1)) == 0);
    struct handover *h = calloc(1, sizeof *h);
    if (!h) {
        return NULL;
    }
    h->batch_bytes = batch_bytes;
    h->most = batches;
    h->spare = calloc(batches, sizeof(struct batch *));
    if (!way_new(&h->there, batches) || !way_new(&h->back, batches) || !h->spare) {
        handover_free(h);
        return NULL;
    }
    return h;
}

static void collect_spares(struct handover *h) {
    void *batch;
    while (ck_ring_dequeue_spsc(&h->back.ring, h->back.slots, &batch)) {
        h->spare[h->spares++] = batch;
    }
}

static bool may_make(const struct handover *h) {
    if (!h->allowance) {
        return true;
    }
    size_t left = atomic_load(h->allowance);
    while (left >= h->batch_bytes && !atomic_compare_exchange_weak(h->allowance, &left, left - h->batch_bytes)) {
    }
    return left >= h->batch_bytes;
}

static struct batch *next_batch(struct handover *h) {
    collect_spares(h);
    struct batch *b = NULL;
    if (h->spares != 0) {
        b = h->spare[--h->spares];
    } else if (h->made < h->most && may_make(h)) {
        b = malloc(sizeof *b + h->batch_bytes);
        h->made += b != NULL;
    }
    if (b) {
        b->used = 0;
    }
    return b;
}

size_t handover_aligned(size_t n) {
    const size_t align = _Alignof(max_align_t);
    return (n + align - 1) & ~(align - 1);
}

void handover_share(struct handover *h, _Atomic size_t *allowance) {
    h->allowance = allowance;
}

void *handover_reserve(struct handover *h, size_t n) {
    assert(n <= h->batch_bytes);
    if (h->filling && n > h->batch_bytes - h->filling->used) {
        handover_push(h);
    }
    if (!h->filling) {
        h->filling = next_batch(h);
    }
    return h->filling ? h->filling->bytes + h->filling->used : NULL;
}

void handover_commit(struct handover *h, size_t n) {
    assert(h->filling && n <= h->batch_bytes - h->filling->used);
    size_t used = handover_aligned(h->filling->used + n);
    h->filling->used = used < h->batch_bytes ? used : h->batch_bytes;
}

void handover_push(struct handover *h) {
    if (!h->filling || h->filling->used == 0) {
        return;
    }
    bool room = ck_ring_enqueue_spsc(&h->there.ring, h->there.slots, h->filling);
    assert(room); /* there are not more batches than slots */
    h->filling = NULL;
    h->pushed = true;
}

bool handover_behind(struct handover *h, unsigned parts) {
    collect_spares(h);
    return h->made - h->spares - (h->filling != NULL) >= h->most / parts;
}

void handover_offer(struct handover *h) {
    if (h->filling && (!handover_behind(h, 2) || h->filling->used >= h->batch_bytes / 2)) {
        handover_push(h);
    }
}

bool handover_pending(const struct handover *h) {
    return h->filling && h->filling->used != 0;
}

bool handover_pushed(struct handover *h) {
    bool pushed = h->pushed;
    h->pushed = false;
    return pushed;
}

struct batch *handover_take(struct handover *h) {
    void *batch;
    return ck_ring_dequeue_spsc(&h->there.ring, h->there.slots, &batch) ? batch : NULL;
}

void handover_give(struct handover *h, struct batch *batch) {
    bool room = ck_ring_enqueue_spsc(&h->back.ring, h->back.slots, batch);
    assert(room);
}

bool handover_crowded(const struct handover *h) {
    return ck_ring_size(&h->there.ring) >= h->most / 2;
}

size_t handover_bytes(const struct handover *h) {
    return h->most * h->batch_bytes;
}

void handover_free(struct handover *h) {
    if (!h) {
        return;
    }
    for (struct batch *b; h->there.slots && (b = handover_take(h)) != NULL;) {
        free(b);
    }
    if (h->back.slots && h->spare) {
        collect_spares(h);
    }
    while (h->spare && h->spares != 0) {
        free(h->spare[--h->spares]);
    }
    free(h->filling);
    free((void *)h->spare);
    free(h->there.slots);
    free(h->back.slots);
    free(h);
}
