/* The bytes that were passed on last, of all flows in one ring: so it is noticed when bytes are sent again that are not the same. What
 * is remembered of a direction are its last HISTORY_STEPS segments, as long as they are among the last HISTORY_BYTES of all. */
#ifndef HISTORY_H
#define HISTORY_H

#include <stdbool.h>
#include <stdint.h>

#include "view.h"

struct history;

/* NULL: no memory. */
struct history *history_new(void);

/* last: where the direction's last segment is, 0 for none; kept by the flow. Moves to this one. */
void history_add(struct history *, uint64_t *last, uint32_t seq, struct view);

/* Is something else remembered where these bytes are? */
__attribute__((warn_unused_result)) bool history_differs(const struct history *, uint64_t last, uint32_t seq,
                                                         struct view);

void history_free(struct history *);

#endif
