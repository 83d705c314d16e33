/* A live run: captures on interfaces until it is told to stop. Workers decode (worker.h); this thread, the outlet's, takes what they
 * have to tell (recorder.h), writes it, and looks after everything else: signals, interfaces, figures, the service manager. */
#ifndef SENSOR_H
#define SENSOR_H

#include "options.h"

/* Exit status: 0 after TERM or INT, EXIT_FAILURE after one line that says why. */
int sensor_run(struct options *);

#endif
