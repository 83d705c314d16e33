#include "delivery/gap_list.h"

#include <stddef.h>
#include <string.h>

/* QUIET: who loses a record loses the next as well. */
enum { QUIET_NS = 100000000, OLD_NS = 1000000000 };

static bool alike(const struct gap *a, const struct gap *b) {
    return a->run_id == b->run_id && a->reason == b->reason;
}

/* One begins at latest where the other ends; to 0 is without an end. */
static bool touch(const struct gap *a, const struct gap *b) {
    uint64_t a_to = a->to ? a->to : UINT64_MAX, b_to = b->to ? b->to : UINT64_MAX;
    return (a_to == UINT64_MAX || b->from <= a_to + 1) && (b_to == UINT64_MAX || a->from <= b_to + 1);
}

/* Where they overlap, the same record may be counted twice: then nobody knows how many. */
static uint64_t count_of(const struct gap *a, const struct gap *b) {
    if (a->count == 0 || b->count == 0 || a->to == 0 || b->to == 0) {
        return 0;
    }
    if (a->from == b->from && a->to == b->to) {
        return a->count > b->count ? a->count : b->count;
    }
    return a->to < b->from || b->to < a->from ? a->count + b->count : 0;
}

static void unite(struct gap *a, const struct gap *b) {
    uint64_t count = count_of(a, b);
    a->from = b->from < a->from ? b->from : a->from;
    a->to = a->to == 0 || b->to == 0 ? 0 : b->to > a->to ? b->to : a->to;
    a->count = count;
}

static void drop(struct gap_list *l, unsigned i) {
    l->count--;
    memmove(&l->items[i], &l->items[i + 1], (l->count - i) * sizeof l->items[0]);
}

/* What grew may now reach others. */
static void unite_neighbours(struct gap_list *l, unsigned i) {
    for (unsigned k = 0; k < l->count; k++) {
        if (k != i && !l->items[k].told && alike(&l->items[i].gap, &l->items[k].gap) &&
            touch(&l->items[i].gap, &l->items[k].gap)) {
            unsigned to = k < i ? k : i, from = k < i ? i : k;
            uint64_t end = l->items[from].end;
            unite(&l->items[to].gap, &l->items[from].gap);
            l->items[to].end = end != GAP_NOWHERE ? end : l->items[to].end;
            drop(l, from);
            i = to;
            k = (unsigned)-1; /* from the beginning */
        }
    }
}

static bool joins(const struct listed_gap *item, const struct gap *g, uint64_t start) {
    bool next = start != GAP_NOWHERE && item->end == start && g->from > item->gap.to && item->gap.to != 0;
    return !item->told && alike(&item->gap, g) && (next || touch(&item->gap, g));
}

static bool forget_told(struct gap_list *l) {
    for (unsigned i = 0; i < l->count; i++) {
        if (l->items[i].told) {
            drop(l, i);
            return true;
        }
    }
    return false;
}

/* In a full list: one of the same run grows over it, best one of the same reason; else the last one has no end any more. */
static void grow_over(struct gap_list *l, const struct gap *g, uint64_t now) {
    struct listed_gap *best = NULL;
    for (unsigned i = 0; i < l->count; i++) {
        struct listed_gap *item = &l->items[i];
        if (item->gap.run_id == g->run_id && (!best || alike(&item->gap, g))) {
            best = item;
        }
    }
    if (best) {
        unite(&best->gap, g);
        best->grown = now;
        return;
    }
    l->items[l->count - 1].gap.to = l->items[l->count - 1].gap.count = 0;
}

void gap_list_add(struct gap_list *l, const struct gap *g, uint64_t start, uint64_t end, uint64_t now) {
    for (unsigned i = 0; i < l->count; i++) {
        struct listed_gap *item = &l->items[i];
        if (joins(item, g, start)) {
            unite(&item->gap, g);
            item->end = end != GAP_NOWHERE ? end : item->end;
            item->grown = now;
            unite_neighbours(l, i);
            return;
        }
    }
    if (l->count == GAP_LIST_MAX && !forget_told(l)) {
        grow_over(l, g, now);
        return;
    }
    l->items[l->count++] = (struct listed_gap){*g, end, now, now, false};
}

bool gap_list_take(struct gap_list *l, uint64_t now, struct gap *g) {
    for (unsigned i = 0; i < l->count; i++) {
        struct listed_gap *item = &l->items[i];
        if (!item->told && (now >= item->grown + QUIET_NS || now >= item->since + OLD_NS)) {
            item->told = true;
            *g = item->gap;
            return true;
        }
    }
    return false;
}

bool gap_list_returned(struct gap_list *l, const struct gap *g) {
    for (unsigned i = 0; i < l->count; i++) {
        const struct gap *have = &l->items[i].gap;
        if (l->items[i].told && alike(have, g) && have->from == g->from && have->to == g->to) {
            drop(l, i);
            return true;
        }
    }
    return false;
}
