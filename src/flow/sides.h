/* Whether both sides of a connection are seen: a mirror port that sends one direction alone is found out by this. */
#ifndef SIDES_H
#define SIDES_H

#include "entry.h"

/* A packet of a connection that stands came from this side. A stretch of a second or more is counted when the next packet shows it to be
 * over: both sides, or one alone with at least SIDES_PACKETS; fewer prove nothing, and it goes on. */
enum { SIDES_PACKETS = 4 };
void sides_packet(struct flow_context *, struct flow *, enum direction from);
/* The connection is closed, or goes. */
void sides_finish(struct flow_context *, struct flow *);

#endif
