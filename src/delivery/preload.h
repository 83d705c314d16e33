/* Libraries load parts of themselves when they are used first, as code that can be run: a process that is confined must have them before. */
#ifndef PRELOAD_H
#define PRELOAD_H

#include "delivery/output_settings.h"

/* What delivering to the output will want: modules that look up hosts, OpenSSL's configuration, librdkafka's ways to log in. What is not there
 * is left to whoever wants it. No thread is left. */
void preload(const struct output_settings *);

#endif
