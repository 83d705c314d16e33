/* Arguments, signals, exit status. */
#include <pcap/dlt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "canary/command.h"
#include "capture/capture_filter.h"
#include "events/command.h"
#include "help.h"
#include "inventory/command.h"
#include "options.h"
#include "record.h"
#include "replay.h"
#include "sensor.h"

static volatile sig_atomic_t stop;

static void on_signal(int number) {
    if (stop) { /* the second one: at once */
        signal(number, SIG_DFL);
        raise(number);
    }
    stop = number;
}

static void catch_signals(void) {
    struct sigaction action = {.sa_handler = on_signal};
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
    signal(SIGPIPE, SIG_IGN);
}

/* What was printed reached somebody. */
static int flushed(void) {
    if (fflush(stdout) != 0 || ferror(stdout)) {
        log_error("standard output: cannot be written; check where it leads");
        return EXIT_FAILURE;
    }
    return EXIT_SUCCESS;
}

static int print_filter(const struct pipeline_settings *p) {
    char *filter = capture_filter(DLT_EN10MB, p->ports, p->port_count);
    if (!filter) {
        log_error("out of memory");
        return EXIT_FAILURE;
    }
    puts(filter);
    free(filter);
    return flushed();
}

static struct options options; /* too large for the stack */

int main(int argc, char **argv) {
    if (argc > 1 && strcmp(argv[1], "canary") == 0) {
        int canary = canary_run(argc - 1, argv + 1);
        return canary != EXIT_SUCCESS ? canary : flushed();
    }
    if (argc > 1 && strcmp(argv[1], "events") == 0) {
        int events = events_run(argc - 1, argv + 1);
        return events != EXIT_SUCCESS ? events : flushed();
    }
    int status = options_parse(&options, argc, argv);
    if (status != EXIT_SUCCESS) {
        options_free(&options);
        return status;
    }
    switch (options.action) {
    case DO_HELP:
        help_print();
        status = flushed();
        break;
    case DO_INVENTORY_HELP:
        help_print_inventory();
        status = flushed();
        break;
    case DO_INVENTORY:
        catch_signals();
        status = inventory_run(&options, &stop);
        break;
    case DO_VERSION:
        puts("smbtap " SMBTAP_VERSION);
        status = flushed();
        break;
    case DO_SCHEMA:
        record_schema(stdout);
        status = flushed();
        break;
    case DO_PRINT_FILTER:
        status = print_filter(&options.pipeline);
        break;
    case DO_CHECK:
        status = options_print(&options, stdout);
        status = status ? status : flushed();
        break;
    case DO_LIVE:
        status = sensor_run(&options);
        break;
    case DO_REPLAY:
        catch_signals();
        status = replay_run(&options, &stop);
        break;
    }
    options_free(&options);
    return status;
}
