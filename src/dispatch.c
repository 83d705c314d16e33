#include "dispatch.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "base/handover.h"

/* A batch holds the largest segment that there is. */
enum { DISPATCH_BATCH = 128 << 10, DISPATCH_BATCHES_MAX = 256, BATCHES_MIN = 4 };

struct lane {
    struct handover *queue;
    struct batch *reading; /* the owner's */
    size_t read;
};

struct dispatch {
    unsigned workers;
    struct lane *lanes;     /* by who puts, then by owner */
    _Atomic size_t left;    /* of the memory for batches: many workers have more ways than they use */
    _Atomic uint64_t *seen; /* by who puts */
};

struct segment {
    size_t size; /* in its batch */
    struct packet packet;
    unsigned char payload[];
};

static struct lane *lane(const struct dispatch *d, unsigned from, unsigned owner) {
    return &d->lanes[from * d->workers + owner];
}

struct dispatch *dispatch_new(unsigned workers, size_t memory) {
    struct dispatch *d = calloc(1, sizeof *d);
    if (!d) {
        return NULL;
    }
    unsigned lanes = workers * workers, batches = BATCHES_MIN;
    while (batches < DISPATCH_BATCHES_MAX && (size_t)batches * 2 * DISPATCH_BATCH <= memory / lanes) {
        batches *= 2;
    }
    d->workers = workers;
    d->lanes = calloc(lanes, sizeof *d->lanes);
    d->seen = calloc(workers, sizeof *d->seen);
    atomic_init(&d->left, memory);
    bool good = d->lanes && d->seen;
    for (unsigned i = 0; good && i < lanes; i++) {
        d->lanes[i].queue = handover_new(DISPATCH_BATCH, batches);
        good = d->lanes[i].queue != NULL;
        if (good) {
            handover_share(d->lanes[i].queue, &d->left);
        }
    }
    if (!good) {
        dispatch_free(d);
        return NULL;
    }
    return d;
}

bool dispatch_put(struct dispatch *d, unsigned from, unsigned owner, const struct packet *p) {
    struct handover *queue = lane(d, from, owner)->queue;
    size_t n = sizeof(struct segment) + p->payload.n;
    struct segment *s = handover_reserve(queue, n);
    if (!s) {
        return false;
    }
    s->size = handover_aligned(n);
    s->packet = *p;
    if (p->payload.n != 0) {
        memcpy(s->payload, p->payload.p, p->payload.n);
    }
    s->packet.payload = (struct view){s->payload, p->payload.n};
    handover_commit(queue, n);
    return true;
}

void dispatch_hand_on(struct dispatch *d, unsigned from, bool all, uint64_t seen_ns,
                      void (*wake)(void *arg, unsigned owner), void *arg) {
    bool held_back = false;
    for (unsigned owner = 0; owner < d->workers; owner++) {
        struct handover *queue = lane(d, from, owner)->queue;
        if (all) {
            handover_push(queue);
        } else {
            handover_offer(queue);
        }
        held_back |= handover_pending(queue);
        if (handover_pushed(queue)) {
            wake(arg, owner);
        }
    }
    if (!held_back && seen_ns > atomic_load_explicit(&d->seen[from], memory_order_relaxed)) {
        atomic_store(&d->seen[from], seen_ns); /* behind the queues: who reads it finds what was put before */
    }
}

/* The oldest segment of a lane, NULL: there is none now. */
static const struct segment *head(struct lane *l) {
    if (l->reading && l->read == l->reading->used) {
        handover_give(l->queue, l->reading);
        l->reading = NULL;
    }
    if (!l->reading) {
        l->reading = handover_take(l->queue);
        l->read = 0;
    }
    return l->reading ? (const void *)(l->reading->bytes + l->read) : NULL;
}

/* The lane whose turn it is, NULL: nobody's yet. */
static struct lane *next_lane(struct dispatch *d, unsigned owner) {
    struct lane *first = NULL;
    uint64_t first_ns = 0, limit = UINT64_MAX;
    bool crowded = false;
    for (unsigned from = 0; from < d->workers; from++) {
        struct lane *l = lane(d, from, owner);
        uint64_t seen = atomic_load(&d->seen[from]);
        const struct segment *s = head(l);
        if (!s) {
            limit = seen < limit ? seen : limit;
        } else if (!first || s->packet.at.time_ns < first_ns) {
            first = l;
            first_ns = s->packet.at.time_ns;
        }
        crowded |= handover_crowded(l->queue);
    }
    return first_ns <= limit || crowded ? first : NULL;
}

bool dispatch_take(struct dispatch *d, unsigned owner, void (*segment)(void *arg, const struct packet *), void *arg) {
    struct lane *l;
    bool any = false;
    while ((l = next_lane(d, owner)) != NULL) {
        const struct segment *s = head(l);
        segment(arg, &s->packet);
        l->read += s->size;
        any = true;
    }
    return any;
}

void dispatch_free(struct dispatch *d) {
    if (!d) {
        return;
    }
    for (unsigned i = 0; d->lanes && i < d->workers * d->workers; i++) {
        struct lane *l = &d->lanes[i];
        if (l->reading) {
            handover_give(l->queue, l->reading);
        }
        handover_free(l->queue);
    }
    free(d->lanes);
    free(d->seen);
    free(d);
}
