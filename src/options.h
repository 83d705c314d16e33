/* The command line of smbtap(8). */
#ifndef OPTIONS_H
#define OPTIONS_H

#include <stdbool.h>

#include "inventory/report.h"
#include "log.h"
#include "pipeline.h"

enum { OPTIONS_INPUTS_MAX = 4096, OPTIONS_MEMORY_MIN = 16 << 20, OPTIONS_MEMORY_DEFAULT = 512 << 20 };
#define OPTIONS_FLOWS_MOST (1UL << 30) /* no more can be asked for */

enum options_action { DO_REPLAY, DO_INVENTORY, DO_SCHEMA, DO_PRINT_FILTER, DO_VERSION, DO_HELP, DO_INVENTORY_HELP };

/* smbtap inventory */
struct inventory_options {
    bool records;      /* the inputs are records, not captures */
    uint64_t since_ns; /* 0: all of them */
    enum report_format format;
};

struct options {
    enum options_action action;
    struct inventory_options inventory;
    const char *inputs[OPTIONS_INPUTS_MAX]; /* -r or --records, in their order */
    size_t input_count;
    const char *output; /* -o; "-": standard output */
    char *filter;       /* NULL: none */
    enum log_level level;
    size_t memory; /* bytes that may be held for what is followed */
    struct pipeline_settings pipeline;
};

/* True, or false after one line on standard error that says what is wrong: exit with status 2. */
bool options_parse(struct options *, int argc, char **argv);
void options_free(struct options *);
void options_help(void);
void options_inventory_help(void);

#endif
