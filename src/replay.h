/* A replay: captures in, records out. */
#ifndef REPLAY_H
#define REPLAY_H

#include <signal.h>

#include "confinement.h"
#include "options.h"

/* The part of the ceiling that is left to a reader. */
enum { REPLAY_READER_SHARE = 4 };

/* Enters the sandbox. The program's exit status: 0, 1 or 3 (design: 3 a capture that is cut or damaged). What went wrong was said on standard error.
 * stop is watched: once set, what was read so far is finished and written. */
int replay_run(const struct options *, const volatile sig_atomic_t *stop);
/* The same captures, by somebody who is in the sandbox already: every event goes to the reader, with the line of its record, and nothing
 * is written. */
int replay_read(const struct options *, struct confinement *, const struct pipeline_outlet *reader,
                const volatile sig_atomic_t *stop);

#endif
