/* The command line of smbtap(8), on top of the configuration. */
#ifndef OPTIONS_H
#define OPTIONS_H

#include <limits.h>
#include <stdbool.h>
#include <stdio.h>

#include "delivery/output_settings.h"
#include "figures.h"
#include "inventory/report.h"
#include "log.h"
#include "pipeline.h"
#include "sandbox.h"

enum {
    OPTIONS_USAGE = 2, /* exit status: the command line or the configuration is wrong */
    OPTIONS_INPUTS_MAX = 4096,
    OPTIONS_INTERFACES_MAX = 16,
    OPTIONS_WORKERS_MAX = 256,
    OPTIONS_MEMORY_MIN = 16 << 20,
    OPTIONS_MEMORY_DEFAULT = 512 << 20,
    OPTIONS_BUFFER_MIN = 1 << 20,
    OPTIONS_BUFFER_DEFAULT = 256 << 20,
    OPTIONS_SNAP_MIN = 128,     /* headers of the link, IP, TCP and SMB2 */
    OPTIONS_SNAP_MOST = 262144, /* what libpcap takes at most, and the default */
    OPTIONS_STATS_SECONDS = 60,
    OPTIONS_LOSS_PERCENT = 1,
    OPTIONS_SLOW_SECONDS = 15,
};
#define OPTIONS_FLOWS_MOST (1UL << 30) /* no more can be asked for */
#define OPTIONS_CONFIG_DEFAULT "/etc/smbtap/smbtap.yaml"

enum options_action {
    DO_REPLAY,
    DO_LIVE,
    DO_CHECK, /* -T: options_print, and nothing else */
    DO_INVENTORY,
    DO_SCHEMA,
    DO_PRINT_FILTER,
    DO_VERSION,
    DO_HELP,
    DO_INVENTORY_HELP,
};

/* smbtap inventory */
struct inventory_options {
    bool records;      /* the inputs are records, not captures */
    uint64_t since_ns; /* 0: all of them */
    enum report_format format;
};

/* User and sandbox are of replays as well. */
struct live_options {
    const char *interfaces[OPTIONS_INTERFACES_MAX]; /* each once, "any" only alone */
    size_t interface_count;
    unsigned workers;    /* at least 1 once all was parsed: the cores less one unless it was told otherwise */
    size_t buffer_bytes; /* of each interface */
    int snap_length;
    bool promiscuous;
    uint64_t stats_interval_ns;
    double loss_percent;         /* more than this is a finding */
    const char *metrics_address; /* NULL: nothing is listened on */
    const char *metrics_file;    /* NULL: none is written */
    const char *user;
    const char *config_file; /* that was read; NULL: none */
    bool sandbox;
};

struct config;
struct given;

struct options {
    enum options_action action;
    struct inventory_options inventory;
    const char *inputs[OPTIONS_INPUTS_MAX]; /* -r or --records, in their order */
    size_t input_count;
    struct output_settings
        outputs[FIGURES_OUTPUTS_MAX]; /* -o: one at least once all was parsed, each with a name of its own; owned */
    size_t output_count;
    const char *filter; /* NULL: none */
    enum log_level level;
    size_t memory; /* bytes that may be held for what is followed */
    struct pipeline_settings pipeline;
    struct live_options live;
    char host[HOST_NAME_MAX + 1]; /* who a live sensor is unless it was told otherwise */
    struct given *given;          /* the command line, in its order; owned */
    size_t given_count;
    char *expression;      /* of the command line, owned */
    struct config *config; /* that was read, owned; NULL: none */
    bool sandboxed;        /* no file can be opened any more */
};

/* 0, or an exit status after one line on standard error that says what is wrong. The options borrow from argv. Where a capture was
 * not named and an interface was, the action is DO_LIVE; it and DO_CHECK have one interface at least. */
__attribute__((warn_unused_result)) int options_parse(struct options *, int argc, char **argv);
void options_free(struct options *);
/* The configuration once more, for a live run that goes on: its text, and the running command line on top of it. It needs nothing
 * of the system but memory. True: fresh is to be freed, and what of it a running sensor takes (settings.h: changes) can be taken; a
 * line was said where something else differs. False after one line: the running ones stay. */
__attribute__((warn_unused_result)) bool options_reload(struct options *fresh, const struct options *running,
                                                        const char *yaml, size_t n);
/* The file of the first output that is one, or "-". */
const char *options_file(const struct options *);
/* -T: the settings as a configuration, on the file. 0, or an exit status after one line. */
__attribute__((warn_unused_result)) int options_print(const struct options *, FILE *);

#endif
