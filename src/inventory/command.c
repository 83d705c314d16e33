#include "inventory/command.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "delivery/file_sink.h"
#include "inventory/inventory.h"
#include "inventory/reader.h"
#include "inventory/report.h"
#include "replay.h"

enum { EXIT_DAMAGED = 3, EXIT_FOUND = 4 };

/* ---- from captures */

/* An event's line is what a record has, so that both ways say the same; it lacks its beginning. SMB2 only moves the clock. */
static int take_event(void *arg, const struct event *e, const char *line, size_t n) {
    struct inventory *v = arg;
    char whole[RECORD_MAX + 1] = "{";
    const struct fact *version = event_find(e, FIELD_VERSION), *end = event_find(e, FIELD_END_TIME);
    if (n != 0 && (e->action == ACTION_END || (version && version->number == 1))) {
        memcpy(whole + 1, line, n);
        (void)reader_record(v, whole, n + 1);
        return 0;
    }
    inventory_clock(v, e->at.time_ns);
    inventory_clock(v, end ? end->number : 0);
    return 0;
}

static int read_captures(struct inventory *v, struct confinement *reach, const struct options *o,
                         const volatile sig_atomic_t *stop) {
    struct pipeline_outlet to = {v, take_event, NULL};
    return replay_read(o, reach, &to, stop);
}

/* ---- from records */

/* fd: a descriptor, or a negative errno; NULL and errno where there is none. */
static FILE *open_records(int fd) {
    FILE *file = fd == STDIN_FILENO ? stdin : fd >= 0 ? fdopen(fd, "r") : NULL;
    if (!file) {
        errno = fd < 0 ? -fd : errno;
    }
    return file;
}

/* What must not be read through, and a folder, which opens like a file. */
static int read_one(struct inventory *v, int fd, const char *path, const volatile sig_atomic_t *stop) {
    bool standard = fd == STDIN_FILENO;
    struct stat st;
    FILE *file = open_records(fd);
    if (!file || fstat(fd, &st) != 0 || S_ISDIR(st.st_mode)) {
        log_error("%s: cannot be read: %s; name a file of records that smbtap wrote, or - for standard input", path,
                  file ? "it is a folder" : strerror(errno));
        if (file && !standard) {
            fclose(file);
        }
        return EXIT_FAILURE;
    }
    int error = reader_file(v, file, standard ? "standard input" : path, stop);
    if (!standard) {
        fclose(file);
    }
    return error == 0 ? EXIT_SUCCESS : error == -EBADMSG ? EXIT_DAMAGED : EXIT_FAILURE;
}

static int read_records(struct inventory *v, struct confinement *reach, const struct options *o,
                        const volatile sig_atomic_t *stop) {
    int status = EXIT_SUCCESS;
    for (size_t i = 0; i < o->input_count && !*stop; i++) {
        int one = read_one(v, confinement_input(reach, i), o->inputs[i], stop);
        status = one != EXIT_SUCCESS && status != EXIT_DAMAGED ? one : status;
    }
    return status;
}

/* ---- the answer */

static int explain(const struct options *o, int error) {
    char line[512];
    if (error == -EPIPE) {
        signal(SIGPIPE, SIG_DFL);
        raise(SIGPIPE);
        return EXIT_FAILURE;
    }
    file_sink_explain(options_file(o), error, line, sizeof line);
    log_error("%s", line);
    return EXIT_FAILURE;
}

/* A stream into the sink: the report is written as it is made, for it may be large. */
struct stream {
    struct sink *sink;
    int error; /* the first */
};

static ssize_t write_stream(void *cookie, const char *bytes, size_t n) {
    struct stream *s = cookie;
    const struct line_list all = {.bytes = bytes, .n = n};
    s->error = s->error ? s->error : s->sink->write(s->sink->state, &all);
    return s->error ? 0 : (ssize_t)n; /* 0 is an error, as fopencookie has it */
}

static int put(struct sink *sink, const struct options *o, const struct inventory_row *rows, size_t count) {
    struct stream s = {.sink = sink};
    FILE *to = rows ? fopencookie(&s, "w", (cookie_io_functions_t){.write = write_stream}) : NULL;
    if (!to) {
        return -ENOMEM;
    }
    report_write(to, o->inventory.format, rows, count);
    bool good = !ferror(to);
    good = fclose(to) == 0 && good;
    return s.error ? s.error : good ? 0 : -ENOMEM;
}

/* What went wrong comes before what was found: a monitor must not take half an answer for a whole one. Where nothing could be
 * read there is none. */
static int answer(struct inventory *v, struct confinement *reach, const struct options *o, struct sink *sink,
                  const volatile sig_atomic_t *stop) {
    size_t count = 0;
    int status = o->inventory.records ? read_records(v, reach, o, stop) : read_captures(v, reach, o, stop);
    const struct inventory_row *rows = inventory_rows(v, &count);
    int error = status == EXIT_SUCCESS || count != 0 ? put(sink, o, rows, count) : 0;
    int close_error = sink->close(sink->state);
    if (inventory_left_out(v) != 0) {
        log_note("%" PRIu64
                 " connections are left out: more than %d pairs of server and client, or no memory for them; "
                 "read less at a time, or give more with --memory",
                 inventory_left_out(v), INVENTORY_ROWS_MAX);
    }
    if (error || close_error) {
        return explain(o, error ? error : close_error);
    }
    return status != EXIT_SUCCESS ? status : count != 0 ? EXIT_FOUND : EXIT_SUCCESS;
}

static int look(struct confinement *reach, const struct options *o, const volatile sig_atomic_t *stop) {
    struct sink sink;
    struct budget budget = {.ceiling = o->memory / REPLAY_READER_SHARE};
    struct inventory *v = inventory_new(o->inventory.since_ns, &budget);
    if (!v) {
        log_error("out of memory; close other programs and run it again");
        return EXIT_FAILURE;
    }
    int fd = confinement_output(reach, 0), error = fd < 0 ? fd : file_sink_open(fd, &sink);
    int status = error ? explain(o, error) : answer(v, reach, o, &sink, stop);
    inventory_free(v);
    return status;
}

int inventory_run(const struct options *o, const volatile sig_atomic_t *stop) {
    struct confinement reach;
    if (!confinement_enter(&reach, o, NULL)) {
        return EXIT_FAILURE;
    }
    int status = look(&reach, o, stop);
    confinement_end(&reach);
    return status;
}
