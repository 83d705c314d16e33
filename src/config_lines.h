/* The shape of a configuration and the lines of its values, before anything is made of it. */
#ifndef CONFIG_LINES_H
#define CONFIG_LINES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "config.h"
#include "delivery/output_settings.h"
#include "figures.h"
#include "settings.h"

/* Lines count from 1; 0: it is not there. */
struct config_lines {
    bool nothing;                                                                    /* not even a mapping */
    uint32_t of[SETTINGS_ROWS][CONFIG_ENTRIES_MAX];                                  /* of outputs: each begins there */
    uint32_t of_output[FIGURES_OUTPUTS_MAX][OUTPUT_SETTING_ROWS][OUTPUT_VALUES_MAX]; /* by rows of output_settings.h */
};

/* 0: every key is that of a setting and stands once, with a text or a list of texts in its bounds, and so it is within each output,
 * which has a "to". Else the exit status. */
__attribute__((warn_unused_result)) int config_lines_find(struct config_lines *, const char *name, const char *yaml,
                                                          size_t n);

#endif
