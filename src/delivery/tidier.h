/* A thread of low priority that tidies up behind a file that is rotated: removes the oldest, compresses the others (rotated.h). It does so
 * when it is made, for what an earlier run left, and when it is told to; what failed it tries again later. */
#ifndef TIDIER_H
#define TIDIER_H

#include <limits.h>
#include <stdbool.h>
#include <stdint.h>

#include "delivery/rotated.h"

struct tidier;

/* settings.name is copied. folder: a descriptor, which it copies. open: of the file that is written; now: CLOCK_REALTIME, ns. 0, or a
 * negative errno. */
__attribute__((warn_unused_result)) int tidier_new(struct tidier **, int folder, const struct rotated_settings *,
                                                   struct rotated_busy open, uint64_t now);
/* Between the two it does not look for files: so that it never sees one that is being rotated, and may become the open one again. */
void tidier_hold(struct tidier *);
void tidier_resume(struct tidier *, struct rotated_busy open, uint64_t now);
/* What goes wrong: a negative errno and the name it is about; 0: nothing. */
int tidier_trouble(struct tidier *, char about[NAME_MAX + 1]);
/* Nothing is left to be done, but what failed. */
bool tidier_idle(struct tidier *);
/* Removes what is too old even now; compressing is broken off, and left to the next run. NULL is fine. */
void tidier_free(struct tidier *);

#endif
