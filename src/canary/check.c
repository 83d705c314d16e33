#include "canary/check.h"

#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/packet_clock.h"
#include "base/system_clock.h"
#include "log.h"
#include "base/value.h"

enum { WORD_SIZE = 64 };
static const struct timespec pause_between = {.tv_nsec = 100000000};

uint64_t check_clock(void) {
    return system_clock_ns(CLOCK_REALTIME);
}

static int refuse(const struct check *c, int error) {
    log_error("%s: cannot be read: %s; name the file that the sensor writes its records to", c->file,
              error == -EINVAL ? "it is no regular file" : strerror(-error));
    return EXIT_FAILURE;
}

bool check_begin(struct check *c) {
    int error = follow_begin(&c->follow, c->file, c->interface != NULL);
    if (error) {
        (void)refuse(c, error);
    }
    return error == 0;
}

/* Seconds since 1970 of a record's time (RFC 3339, UTC); false: it is none. */
static bool parse_time(const char *text, double *seconds) {
    struct tm tm = {0};
    const char *fraction = text ? strptime(text, "%Y-%m-%dT%H:%M:%S", &tm) : NULL;
    if (!fraction) {
        return false;
    }
    *seconds = (double)timegm(&tm) + (*fraction == '.' ? strtod(fraction, NULL) : 0);
    return true;
}

/* The share's own name, or the last part of its path. */
static bool is_of_share(const json_t *record, const char *mark) {
    const json_t *info = json_object_get(record, "proto_info");
    const char *share = json_string_value(json_object_get(info, "share"));
    const char *path = json_string_value(json_object_get(info, "share_path"));
    const char *last = path ? strrchr(path, '\\') : NULL;
    return (share && strcmp(share, mark) == 0) || (last && strcmp(last + 1, mark) == 0);
}

static bool take_record(struct check *c, const json_t *record) {
    const char *id = json_string_value(json_object_get(record, "record_id"));
    double now = (double)check_clock() / 1e9, then = (double)c->sent_ns / 1e9;
    if (!id || !is_of_share(record, c->mark)) {
        return false;
    }
    if (c->interface) {
        snprintf(c->found, sizeof c->found, "record %.*s, %.3f s after it was sent", WORD_SIZE, id, now - then);
    } else if (parse_time(json_string_value(json_object_get(record, "time")), &then)) {
        snprintf(c->found, sizeof c->found, "record %.*s, %.3f s after the sensor saw its packet", WORD_SIZE, id,
                 now - then);
    } else {
        return false;
    }
    return true;
}

/* Most lines are of others, and are not worth parsing. */
bool check_line(struct check *c, const char *line, size_t n) {
    if (!memmem(line, n, c->mark, strlen(c->mark))) {
        return false;
    }
    json_t *record = json_loadb(line, n, JSON_REJECT_DUPLICATES, NULL);
    bool found = record && take_record(c, record);
    json_decref(record);
    return found;
}

static bool take_line(void *arg, const char *line, size_t n) {
    return check_line(arg, line, n);
}

static int give_up(const struct check *c) {
    char span[VALUE_TEXT_SIZE];
    bool absent = c->follow.now.fd < 0 && c->follow.before.fd < 0;
    log_error("%s: no record of it within %s in %s%s; look whether the mirror port copies %s, whether the sensor runs "
              "and its stats records count packets, and whether its records get to that file",
              c->mark, value_span_text(c->timeout_ns, span), c->file, absent ? ", which is not there" : "",
              c->interface ? c->interface : "where it was sent");
    return EXIT_FAILURE;
}

int check_wait(struct check *c) {
    uint64_t start = system_clock_ns(CLOCK_MONOTONIC);
    for (;;) {
        int result = follow_read(&c->follow, take_line, c);
        if (result < 0) {
            return refuse(c, result);
        }
        if (result == FOLLOW_FOUND) {
            printf("%s arrived: %s\n", c->mark, c->found);
            return EXIT_SUCCESS;
        }
        if (system_clock_ns(CLOCK_MONOTONIC) - start >= c->timeout_ns) {
            return give_up(c);
        }
        if (result == FOLLOW_NOTHING) {
            nanosleep(&pause_between, NULL);
        }
    }
}

void check_end(struct check *c) {
    follow_end(&c->follow);
}
