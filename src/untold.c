#include "untold.h"

#include <assert.h>
#include <stddef.h>
#include <string.h>

static bool follows(const struct gap *last, const struct gap *g) {
    return last->run_id == g->run_id && last->reason == g->reason && last->to != 0 && last->to + 1 == g->from;
}

static void unite(struct gap *a, const struct gap *b) {
    a->from = b->from < a->from ? b->from : a->from;
    a->to = a->to == 0 || b->to == 0 ? 0 : b->to > a->to ? b->to : a->to;
    a->count = a->count == 0 || b->count == 0 ? 0 : a->count + b->count;
}

/* The last one of the same run, best of the same reason. */
static struct gap *nearest(struct untold *u, const struct gap *g) {
    struct gap *best = NULL;
    for (unsigned i = 0; i < u->count; i++) {
        struct gap *have = &u->list[i];
        if (have->run_id == g->run_id && (!best || have->reason == g->reason)) {
            best = have;
        }
    }
    return best;
}

void untold_add(struct untold *u, const struct gap *g) {
    struct gap *last = u->count != 0 ? &u->list[u->count - 1] : NULL;
    if (last && follows(last, g)) {
        unite(last, g);
    } else if (u->count < UNTOLD_MAX) {
        u->list[u->count++] = *g;
    } else {
        struct gap *best = nearest(u, g);
        assert(best);
        unite(best, g);
    }
}

bool untold_roomy(const struct untold *u) {
    return u->count < UNTOLD_MAX / 2;
}

void untold_drop(struct untold *u) {
    assert(u->count != 0);
    memmove(u->list, u->list + 1, --u->count * sizeof u->list[0]);
}

uint64_t untold_records(const struct untold *u) {
    uint64_t records = 0;
    for (unsigned n = 0; n < u->count; n++) {
        records += u->list[n].count != 0 ? u->list[n].count : 1;
    }
    return records;
}
