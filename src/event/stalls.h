/* How much of a time TCP held a connection up. */
#ifndef STALLS_H
#define STALLS_H

#include "flow.h"

/* Nanoseconds between the two moments in which any stall of the flow lasted, each counted once, and the causes of these (enum
 * stall_cause). */
uint64_t stalls_during(const struct flow_trouble *, uint64_t from_ns, uint64_t to_ns, uint8_t *causes);

#endif
