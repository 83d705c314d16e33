/* What goes wrong in a flow: kept from the first time on, and freed with the flow. */
#ifndef TROUBLE_H
#define TROUBLE_H

#include "entry.h"

/* The flow's, made where there is none. NULL: no memory. */
struct flow_trouble *trouble_of(struct flow_context *, struct flow *);

/* Forgets it. */
void trouble_drop(struct flow_context *, struct flow *);

#endif
