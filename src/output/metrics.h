/* The figures of the sensor in the text format of Prometheus, version 0.0.4. */
#ifndef METRICS_H
#define METRICS_H

#include "figures.h"

/* The whole text; malloc'd, the caller frees it. NULL without memory. */
char *metrics_text(const struct figures *);

#endif
