/* The outputs among the settings: each is made by src/delivery, and has to agree with those before it. */
#ifndef SETTINGS_OUTPUTS_H
#define SETTINGS_OUTPUTS_H

#include "delivery/output_settings.h"

struct options;

/* Becomes the last one; it is the options' then, also on failure. As set of struct setting. */
int settings_take_output(struct options *, const char *place, struct output_settings *);

/* What src/delivery said of a text: one line, and the exit status. The URL is shown without its query, for secrets may be in it; NULL:
 * the place says all. */
int settings_refuse_output(const char *place, const char *url, int error, const char *why);

/* Once all is told: standard output where nothing was, and what follows from the run. */
int settings_settle_outputs(struct options *, enum output_run);
bool settings_outputs_differ(const struct options *, const struct options *);

void settings_clear_outputs(struct options *);

#endif
