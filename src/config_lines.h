/* The shape of a configuration and the lines of its values, before anything is made of it. */
#ifndef CONFIG_LINES_H
#define CONFIG_LINES_H

#include <stdbool.h>
#include <stddef.h>

#include "config.h"
#include "settings.h"

/* Lines count from 1; 0: it is not there. */
struct config_lines {
    bool nothing; /* not even a mapping */
    size_t of[SETTINGS_ROWS][CONFIG_ENTRIES_MAX];
};

/* 0: every key is that of a setting and stands once, with a text or a list of texts in its bounds. Else the exit status. */
__attribute__((warn_unused_result)) int config_lines_find(struct config_lines *, const char *name, const char *yaml,
                                                          size_t n);

#endif
