/* Records on their way to Kafka. Its partitions acknowledge them in any order; a spool wants to know up to which place all are done. */
#ifndef KAFKA_WINDOW_H
#define KAFKA_WINDOW_H

#include <stdbool.h>
#include <stdint.h>

enum { KAFKA_WINDOW_MAX = 1 << 15 }; /* records */

struct kafka_window {
    uint64_t first, next; /* numbers, from 0: the oldest that is not done, and the one that comes next */
    uint64_t done;        /* place up to which all are; 0: none */
    uint64_t ends[KAFKA_WINDOW_MAX];
    uint8_t states[KAFKA_WINDOW_MAX];
};

/* As it was at first, zeroed. */
void kafka_window_clear(struct kafka_window *);

static inline uint64_t kafka_window_count(const struct kafka_window *w) {
    return w->next - w->first;
}

static inline bool kafka_window_full(const struct kafka_window *w) {
    return kafka_window_count(w) == KAFKA_WINDOW_MAX;
}

/* A record that ends at the place goes out; its number. Not into a full window. */
uint64_t kafka_window_add(struct kafka_window *, uint64_t end);
/* The one that was added last did not go out after all. */
void kafka_window_take_back(struct kafka_window *);
uint64_t kafka_window_place(const struct kafka_window *, uint64_t number);
/* Once for each number. Those that were refused hold up what is done until kafka_window_refused told of them. */
void kafka_window_report(struct kafka_window *, uint64_t number, bool refused);
bool kafka_window_refused(struct kafka_window *, uint64_t *end);

#endif
