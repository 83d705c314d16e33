/* An event for another thread: the whole of it in one piece of memory, with what its facts, its flow and its views point to. What lives
 * as long as the program (names, tables) is pointed to as before. */
#ifndef PACKED_H
#define PACKED_H

#include "arena.h"
#include "event.h"

/* The copy, in the arena's memory; of its facts only those that there are stand behind it. NULL: the arena is too small, and what was
 * taken of it is of no use. */
const struct event *packed_event(const struct event *, struct arena *);

#endif
