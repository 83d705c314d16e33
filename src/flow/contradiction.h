/* What contradicts itself in a flow. */
#ifndef CONTRADICTION_H
#define CONTRADICTION_H

#include "entry.h"

/* Counts one more. Without memory it is lost, but for what stats count. */
void contradiction_note(struct flow_context *, struct flow *, enum contradiction_kind, struct moment);

#endif
