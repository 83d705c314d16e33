/* The outputs among the settings: each is made by src/delivery, and has to agree with those before it. */
#ifndef SETTINGS_OUTPUTS_H
#define SETTINGS_OUTPUTS_H

#include "delivery/output_settings.h"

struct options;

/* Becomes the last one; it is the options' then, also on failure. As set of struct setting. */
int settings_take_output(struct options *, const char *place, struct output_settings *);

/* What src/delivery said of a text: one line, and the exit status. */
int settings_refuse_output(const char *place, const char *text, int error, const char *why);

void settings_clear_outputs(struct options *);

#endif
