/* The bytes that were passed on last, of all flows in one ring: so it is noticed when bytes are sent again that are not the same. What
 * is remembered of a direction are its last HISTORY_STEPS segments, as long as they are still in the ring. */
#ifndef HISTORY_H
#define HISTORY_H

#include <stdbool.h>
#include <stdint.h>

#include "budget.h"
#include "view.h"

struct history;

/* With a ring of HISTORY_BYTES, or of a HISTORY_SHARE of the budget where that is less; charged to it. NULL: no memory; the
 * others take that, and nothing is remembered. */
struct history *history_new(struct budget *);

/* last: where the direction's last segment is, 0 for none; kept by the flow. Moves to this one. */
void history_add(struct history *, uint64_t *last, uint32_t seq, struct view);

/* Is something else remembered where these bytes are? */
__attribute__((warn_unused_result)) bool history_differs(const struct history *, uint64_t last, uint32_t seq,
                                                         struct view);

void history_free(struct history *);

#endif
