/* What holds a connection up in TCP, with when: windows that are closed, and bytes that come again or behind those that follow them.
 * Whether that made an operation late is for others to say (flow.h). */
#ifndef STALL_H
#define STALL_H

#include "entry.h"

/* Shorter ones are none: a mirror port brings packets twice, or swaps them, within microseconds. */
#define STALL_MIN_NS UINT64_C(1000000)

/* Wanted of a packet that has a window of 0, and of every packet of a flow that has trouble. */
void stall_window(struct flow_context *, struct flow *, enum direction from, const struct packet *);
/* Bytes that were passed on already came again: TCP had been waiting since the packet before. */
void stall_retransmission(struct flow_context *, struct flow *, enum direction, struct moment);
/* What filled a hole came; behind it something waited since then. */
void stall_filled(struct flow_context *, struct flow *, enum direction, uint64_t since_ns, struct moment);

#endif
