/* smbtap inventory: who still speaks SMB1 to whom. */
#ifndef COMMAND_H
#define COMMAND_H

#include <signal.h>

#include "options.h"

/* The program's exit status: 0 nobody spoke SMB1 or asked for it, 4 somebody did, 1 something could not be read or written, 3 a
 * capture or a file of records is damaged; what could be read is in the answer all the same. */
int inventory_run(const struct options *, const volatile sig_atomic_t *stop);

#endif
