/* The facts of an event as text, for tests of what makes them. */
#ifndef EVENT_TEXT_H
#define EVENT_TEXT_H

#include "event.h"

/* A fact's value: texts in ASCII ('#' for what is none), numbers in decimal, names by their table, lists with commas between their
 * items; "" where the event has no such fact. Lives until the next but seventh call. */
const char *event_value(const struct event *, enum field);
/* ASCII to UTF-16 that lives until the next but thirty-first call; at most 255 characters. */
struct text utf16(const char *ascii);

#endif
