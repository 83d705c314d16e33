#include "delivery/kafka_window.h"

#include <assert.h>

enum { WAITS, DONE, REFUSED };

static unsigned slot(uint64_t number) {
    return number % KAFKA_WINDOW_MAX;
}

void kafka_window_clear(struct kafka_window *w) {
    w->first = w->next = w->done = 0;
}

uint64_t kafka_window_add(struct kafka_window *w, uint64_t end) {
    assert(!kafka_window_full(w));
    w->ends[slot(w->next)] = end;
    w->states[slot(w->next)] = WAITS;
    return w->next++;
}

void kafka_window_take_back(struct kafka_window *w) {
    assert(w->next > w->first && w->states[slot(w->next - 1)] == WAITS);
    w->next--;
}

uint64_t kafka_window_place(const struct kafka_window *w, uint64_t number) {
    assert(number >= w->first && number < w->next);
    return w->ends[slot(number)];
}

static void advance(struct kafka_window *w) {
    while (w->first < w->next && w->states[slot(w->first)] == DONE) {
        w->done = w->ends[slot(w->first)];
        w->first++;
    }
}

void kafka_window_report(struct kafka_window *w, uint64_t number, bool refused) {
    assert(number >= w->first && number < w->next && w->states[slot(number)] == WAITS);
    w->states[slot(number)] = refused ? REFUSED : DONE;
    advance(w);
}

bool kafka_window_refused(struct kafka_window *w, uint64_t *end) {
    if (w->first == w->next || w->states[slot(w->first)] != REFUSED) {
        return false;
    }
    *end = w->ends[slot(w->first)];
    w->states[slot(w->first)] = DONE;
    advance(w);
    return true;
}
