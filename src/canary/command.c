#include "canary/command.h"

#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "base/packet_clock.h"
#include "canary/check.h"
#include "canary/conversation.h"
#include "canary/send.h"
#include "help.h"
#include "log.h"
#include "options.h"
#include "base/value.h"

enum { LONG_CHECK = 256, LONG_MARK, LONG_TIMEOUT };
#define TIMEOUT_DEFAULT_NS (30 * SECOND_NS)

struct request {
    bool help;
    const char *interface, *file, *mark;
    bool ipv6;
    const char *timeout; /* NULL: the default */
    uint64_t timeout_ns;
};

static const struct option words[] = {
    {"check", required_argument, NULL, LONG_CHECK},
    {"mark", required_argument, NULL, LONG_MARK},
    {"timeout", required_argument, NULL, LONG_TIMEOUT},
    {"help", no_argument, NULL, 'h'},
    {0},
};

/* What getopt_long says when it knows an option no further. */
static int refuse_option(int option, char *const *argv) {
    if (option == ':') {
        log_error("%s: it needs a value; see smbtap canary -h", argv[optind - 1]);
    } else if (optopt > 0 && optopt < LONG_CHECK) {
        log_error("-%c: there is no such option; see smbtap canary -h", optopt);
    } else {
        log_error("%s: there is no such option; see smbtap canary -h", argv[optind - 1]);
    }
    return OPTIONS_USAGE;
}

static int read_words(struct request *r, int argc, char **argv) {
    opterr = 0;
    for (int option; (option = getopt_long(argc, argv, "+:i:6h", words, NULL)) != -1;) {
        switch (option) {
        case 'i':
            r->interface = optarg;
            break;
        case '6':
            r->ipv6 = true;
            break;
        case 'h':
            r->help = true;
            return 0;
        case LONG_CHECK:
            r->file = optarg;
            break;
        case LONG_MARK:
            r->mark = optarg;
            break;
        case LONG_TIMEOUT:
            r->timeout = optarg;
            break;
        default:
            return refuse_option(option, argv);
        }
    }
    if (optind < argc) {
        log_error("%s: there is nothing it could mean; see smbtap canary -h", argv[optind]);
        return OPTIONS_USAGE;
    }
    return 0;
}

/* What is wrong, with the remedy; NULL: nothing. */
static const char *what_is_wrong(struct request *r) {
    r->timeout_ns = TIMEOUT_DEFAULT_NS;
    if (!r->interface && !r->file) {
        return "canary: nothing to do; name an interface with -i, a file of records with --check, or both";
    }
    if (r->mark && !conversation_mark_valid(r->mark)) {
        return "--mark: not the name of a share; take 1 to 80 letters, digits, dots, hyphens and underscores";
    }
    if (!r->interface && !r->mark) {
        return "--check: it does not say for what; give with --mark what smbtap canary -i printed, or send with -i";
    }
    if (!r->interface && r->ipv6) {
        return "-6: nothing is sent; name an interface with -i, or leave it out";
    }
    if (r->timeout && !r->file) {
        return "--timeout: nothing is waited for; name a file with --check, or leave it out";
    }
    if (r->timeout && !value_span(r->timeout, &r->timeout_ns)) {
        return "--timeout: not a span of time; give it as 30s, 5m or 1h";
    }
    return NULL;
}

/* Nothing is waited for that was not sent, and the mark is told before it is waited for. */
static int send_and_wait(const struct conversation *v, struct check *c) {
    c->sent_ns = v->time_ns;
    if (c->interface && !send_conversation(c->interface, v)) {
        return EXIT_FAILURE;
    }
    if (c->interface) {
        puts(v->mark);
        fflush(stdout);
    }
    return c->file ? check_wait(c) : EXIT_SUCCESS;
}

static int act(const struct request *r, const struct conversation *v) {
    struct check *c = calloc(1, sizeof *c);
    if (!c) {
        log_error("out of memory; close other programs and run it again");
        return EXIT_FAILURE;
    }
    c->file = r->file;
    c->mark = v->mark;
    c->interface = r->interface;
    c->timeout_ns = r->timeout_ns;
    int status = EXIT_FAILURE;
    if (!c->file) {
        status = send_and_wait(v, c);
    } else {
        status = check_begin(c) ? send_and_wait(v, c) : EXIT_FAILURE;
        check_end(c);
    }
    free(c);
    return status;
}

int canary_run(int argc, char **argv) {
    struct request r = {0};
    struct conversation v = {0};
    char mark[CONVERSATION_MARK_MAX + 1];
    int status = read_words(&r, argc, argv);
    const char *wrong = status || r.help ? NULL : what_is_wrong(&r);
    if (wrong) {
        log_error("%s", wrong);
        status = OPTIONS_USAGE;
    }
    if (status) {
        return status;
    }
    if (r.help) {
        help_print_canary();
        return EXIT_SUCCESS;
    }
    if (getrandom(&v.number, sizeof v.number, 0) != sizeof v.number) {
        log_error("the system gives no random numbers; run it again");
        return EXIT_FAILURE;
    }
    snprintf(mark, sizeof mark, CONVERSATION_MARK_PREFIX "%016" PRIx64, v.number);
    v.mark = r.mark ? r.mark : mark;
    v.ipv6 = r.ipv6;
    v.time_ns = check_clock();
    return act(&r, &v);
}
