/* Losses that no record tells yet, of one output or of all: those that follow each other are one. Bounded. */
#ifndef UNTOLD_H
#define UNTOLD_H

#include <stdbool.h>

#include "gap.h"

enum { UNTOLD_MAX = 64 };

struct untold {
    struct gap list[UNTOLD_MAX];
    unsigned count;
};

/* In a full list one of the same run grows over what comes between the two; there must be one, which untold_roomy sees to: losses of other
 * runs can wait where they are. */
void untold_add(struct untold *, const struct gap *);
bool untold_roomy(const struct untold *);
/* The first one is told. */
void untold_drop(struct untold *);
/* Records, at least. */
uint64_t untold_records(const struct untold *);

#endif
