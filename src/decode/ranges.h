/* Which parts of something are there: ranges in ascending order that neither overlap nor touch. */
#ifndef RANGES_H
#define RANGES_H

#include "budget.h"

#include <stdint.h>

struct range {
    uint32_t from, to; /* to is behind the last */
};

/* All zeroes at first. */
struct ranges {
    struct range *at;
    uint32_t count, room;
};

/* The first that ends behind place; count where there is none. */
uint32_t ranges_find(const struct ranges *, uint32_t place);

/* Bytes that ranges_reserve will charge; 0 where one more fits. */
size_t ranges_wanted(const struct ranges *);
/* Room for one more, which is charged already. False: no memory, and nothing is taken. */
__attribute__((warn_unused_result)) bool ranges_reserve(struct ranges *);

/* Adds from..to, which is not empty; there is room. */
void ranges_add(struct ranges *, uint32_t from, uint32_t to);

/* Bytes held. */
size_t ranges_size(const struct ranges *);
void ranges_free(struct ranges *);

#endif
