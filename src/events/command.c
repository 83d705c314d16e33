#include "events/command.h"

#include <getopt.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "events/listing.h"
#include "help.h"
#include "log.h"
#include "options.h"

enum { LONG_FORMAT = 256 };

static const struct option words[] = {
    {"format", required_argument, NULL, LONG_FORMAT},
    {"help", no_argument, NULL, 'h'},
    {0},
};

struct request {
    bool help;
    enum report_format format;
};

/* What getopt_long says when it knows an option no further. */
static int refuse_option(int option, char *const *argv) {
    if (option == ':') {
        log_error("%s: it needs a value; see smbtap events -h", argv[optind - 1]);
    } else if (optopt > 0 && optopt < LONG_FORMAT) {
        log_error("-%c: there is no such option; see smbtap events -h", optopt);
    } else {
        log_error("%s: there is no such option; see smbtap events -h", argv[optind - 1]);
    }
    return OPTIONS_USAGE;
}

static int read_format(struct request *r, const char *name) {
    static const char *const names[] = {[REPORT_TABLE] = "table", [REPORT_JSON] = "json", [REPORT_CSV] = "csv"};
    for (unsigned i = 0; i < sizeof names / sizeof names[0]; i++) {
        if (strcmp(name, names[i]) == 0) {
            r->format = (enum report_format)i;
            return 0;
        }
    }
    log_error("--format %s: there is no such format; give table, json or csv", name);
    return OPTIONS_USAGE;
}

static int read_words(struct request *r, int argc, char **argv) {
    opterr = 0;
    for (int option; (option = getopt_long(argc, argv, "+:h", words, NULL)) != -1;) {
        if (option == 'h') {
            r->help = true;
            return 0;
        }
        int status = option == LONG_FORMAT ? read_format(r, optarg) : refuse_option(option, argv);
        if (status != 0) {
            return status;
        }
    }
    if (optind < argc) {
        log_error("%s: there is nothing it could mean; see smbtap events -h", argv[optind]);
        return OPTIONS_USAGE;
    }
    return 0;
}

int events_run(int argc, char **argv) {
    struct request r = {.format = REPORT_TABLE};
    int status = read_words(&r, argc, argv);
    if (status != 0) {
        return status;
    }
    if (r.help) {
        help_print_events();
    } else {
        listing_write(stdout, r.format);
    }
    return EXIT_SUCCESS;
}
