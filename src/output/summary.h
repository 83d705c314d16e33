/* What a replay found, for a person: collected from the events as they pass, printed at the end. Every list is bounded; what
 * comes when one is full is counted as "others". */
#ifndef SUMMARY_H
#define SUMMARY_H

#include <stdio.h>

#include "event.h"
#include "stats.h"

struct summary;

/* Names kept of each kind. A list that is full costs some 2 MB at most (files). */
enum {
    SUMMARY_OPERATIONS_MAX = 64,
    SUMMARY_SHARES_MAX = 1024,
    SUMMARY_USERS_MAX = 1024,
    SUMMARY_FILES_MAX = 8192,
    SUMMARY_RULES_MAX = 64
};

/* NULL without memory. */
struct summary *summary_new(void);
/* Keeps nothing of the event. */
void summary_event(struct summary *, const struct event *);
void summary_print(const struct summary *, const struct stats *, FILE *);
void summary_free(struct summary *);

#endif
