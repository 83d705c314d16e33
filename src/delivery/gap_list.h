/* Losses of an output that were not told yet, or of which it is not sure that they were: neighbours grow together. Bounded; the last one
 * grows over what finds no room. */
#ifndef GAP_LIST_H
#define GAP_LIST_H

#include <stdbool.h>
#include <stdint.h>

#include "gap.h"

enum { GAP_LIST_MAX = 48 };

struct listed_gap {
    struct gap gap; /* its run_id is never 0 */
    uint64_t end;   /* place where it ends; GAP_NOWHERE */
    uint64_t since, grown;
    bool told; /* a record of it is on its way into the spool */
};

struct gap_list {
    struct listed_gap items[GAP_LIST_MAX];
    unsigned count;
};
#define GAP_NOWHERE UINT64_MAX

/* A loss between two places of the spool; it continues another that ends where it starts, or whose numbers it follows. */
void gap_list_add(struct gap_list *, const struct gap *, uint64_t start, uint64_t end, uint64_t now);
/* The oldest that was not told and grows no more, or is a second old. It stays, as told. */
bool gap_list_take(struct gap_list *, uint64_t now, struct gap *);
/* A record of it is in the spool: it is forgotten. */
bool gap_list_returned(struct gap_list *, const struct gap *);

#endif
