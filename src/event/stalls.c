#include "event/stalls.h"

enum { STALLS = STALLS_KEPT_MAX + DIRECTIONS };

struct stalls {
    struct stall items[STALLS];
    unsigned count;
};

/* As much of it as lies between the two. */
static void add(struct stalls *s, struct stall stall, uint64_t from_ns, uint64_t to_ns) {
    stall.from_ns = stall.from_ns > from_ns ? stall.from_ns : from_ns;
    stall.to_ns = stall.to_ns < to_ns ? stall.to_ns : to_ns;
    if (stall.from_ns < stall.to_ns) {
        s->items[s->count++] = stall;
    }
}

/* The window that is closed now was so up to the last moment. */
static void collect(struct stalls *s, const struct flow_trouble *t, uint64_t from_ns, uint64_t to_ns) {
    for (unsigned i = 0; i < t->stall_count; i++) {
        add(s, t->stalls[i], from_ns, to_ns);
    }
    if (t->closed_since[TO_SERVER] != 0) {
        add(s, (struct stall){t->closed_since[TO_SERVER], to_ns, STALL_CLIENT_CLOSED}, from_ns, to_ns);
    }
    if (t->closed_since[TO_CLIENT] != 0) {
        add(s, (struct stall){t->closed_since[TO_CLIENT], to_ns, STALL_SERVER_CLOSED}, from_ns, to_ns);
    }
}

/* How far a stall reaches that lasts at this moment, or this moment. */
static uint64_t reach(const struct stalls *s, uint64_t at) {
    uint64_t end = at;
    for (unsigned i = 0; i < s->count; i++) {
        if (s->items[i].from_ns <= at && s->items[i].to_ns > end) {
            end = s->items[i].to_ns;
        }
    }
    return end;
}

/* When the first one behind this moment begins; UINT64_MAX: there is none. */
static uint64_t next_begin(const struct stalls *s, uint64_t at) {
    uint64_t begin = UINT64_MAX;
    for (unsigned i = 0; i < s->count; i++) {
        if (s->items[i].from_ns > at && s->items[i].from_ns < begin) {
            begin = s->items[i].from_ns;
        }
    }
    return begin;
}

uint64_t stalls_during(const struct flow_trouble *t, uint64_t from_ns, uint64_t to_ns, uint8_t *causes) {
    struct stalls s = {.count = 0};
    uint64_t sum = 0, at = from_ns;
    collect(&s, t, from_ns, to_ns);
    *causes = 0;
    for (unsigned i = 0; i < s.count; i++) {
        *causes |= s.items[i].cause;
    }
    while (at < to_ns) {
        uint64_t end = reach(&s, at);
        sum += end - at;
        at = end > at ? end : next_begin(&s, at);
    }
    return sum;
}
