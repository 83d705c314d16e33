/* What the sink is told of a flow, and the counters that go with it. */
#ifndef DELIVERY_H
#define DELIVERY_H

#include "entry.h"

/* The connection stands: the flow is opened, where it was not, started, and live. */
void delivery_start(struct flow_context *, struct flow *, struct moment);
/* length bytes of the stream, of which the first bytes.n were captured and the rest cut off. */
void delivery_bytes(struct flow_context *, struct flow *, enum direction, struct view bytes, uint32_t length,
                    struct moment);
void delivery_gap(struct flow_context *, struct flow *, enum direction, uint32_t length, struct moment);
/* It is closed and lingers. */
void delivery_closed(const struct flow_context *, const struct flow *);
/* Opens it first, where it never stood. */
void delivery_end(struct flow_context *, struct flow *, enum flow_end_reason);

#endif
