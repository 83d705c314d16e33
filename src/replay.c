#include "replay.h"

#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

#include "base/siphash.h"
#include "capture/capture.h"
#include "base/system_clock.h"
#include "delivery/file_sink.h"
#include "event/sensor.h"
#include "findings/findings.h"
#include "output/outlet.h"
#include "output/progress.h"
#include "output/summary.h"

/* Frames between two looks at the clock and the progress bar. */
enum { PROGRESS_FRAMES = 4096 };

enum { EXIT_DAMAGED = 3 };

/* The part of the ceiling that findings may take. */
enum { FINDINGS_SHARE = 16 };

struct replay {
    const struct options *options;
    const struct pipeline_outlet *reader; /* who gets the events instead of an outlet; NULL: nobody */
    struct pipeline_settings settings;
    struct confinement *reach; /* of files */
    struct inputs *inputs;
    struct capture **opened; /* pipes, which can be opened only once; NULL for files */
    struct outputs *outputs;
    struct outlet *outlet;
    struct findings *findings;
    const char *capture_name; /* of the capture being read */
    struct summary *summary;  /* NULL: nobody asked */
    struct progress *progress;
    const struct capture *reading; /* the one at hand */
    struct stats stats;
    struct budget memory, rules; /* rules: of the findings, under the other */
    uint64_t bytes_before;       /* of the captures already read */
    uint64_t time_ns;            /* of the latest event */
    struct sensor_event gap;     /* being told */
    const volatile sig_atomic_t *stop;
    int status;
    int write_error; /* negative errno */
    size_t failed;   /* the output that gave it */
};

static void fail(struct replay *r, int status) {
    if (r->status == 0 || status == EXIT_FAILURE) {
        r->status = status;
    }
}

/* ---- the run's id: made from the captures and the settings that change records, so that it is the same each time */

struct digest {
    struct siphash_key key;
};

static void digest_add(struct digest *d, const void *p, size_t n) {
    uint64_t h = siphash24(d->key, (struct view){p, n});
    d->key.k0 ^= h;
    d->key.k1 = siphash24(d->key, (struct view){(const uint8_t *)&h, sizeof h});
}

static void digest_settings(struct digest *d, const struct replay *r) {
    const struct pipeline_settings *s = &r->settings;
    digest_add(d, s->sensor_id, strlen(s->sensor_id));
    if (s->code_page) {
        digest_add(d, s->code_page, strlen(s->code_page));
    }
    digest_add(d, &s->every_operation, sizeof s->every_operation);
    digest_add(d, s->ports, s->port_count * sizeof s->ports[0]);
    for (size_t i = 0; i < s->home_count; i++) {
        digest_add(d, s->home[i].base.bytes, sizeof s->home[i].base.bytes);
        digest_add(d, &s->home[i].prefix_length, sizeof s->home[i].prefix_length);
    }
    if (r->options->memory != OPTIONS_MEMORY_DEFAULT) {
        digest_add(d, &r->options->memory, sizeof r->options->memory);
    }
    if (s->flows_max != 0 || s->idle_ns != 0) {
        digest_add(d, &s->flows_max, sizeof s->flows_max);
        digest_add(d, &s->idle_ns, sizeof s->idle_ns);
    }
    const bool of_decoding[] = {s->verify_checksums, s->key_vlan, s->key_tunnel};
    if (s->verify_checksums || s->key_vlan || s->key_tunnel) {
        digest_add(d, of_decoding, sizeof of_decoding);
    }
    const char *filter = r->options->filter ? r->options->filter : "";
    digest_add(d, filter, strlen(filter));
}

/* By its first frame: all that can be had of a pipe before its first record. */
static int digest_capture(struct digest *d, struct capture *c) {
    struct frame f;
    int got = capture_first(c, &f);
    if (got == 1) {
        digest_add(d, &f.at.time_ns, sizeof f.at.time_ns);
        digest_add(d, &f.wire_length, sizeof f.wire_length);
        digest_add(d, f.bytes.p, f.bytes.n);
    }
    return got;
}

/* Opens a capture with its filter; NULL after a line that says why not. */
static struct capture *open_capture(struct replay *r, const struct input *input) {
    char why[CAPTURE_WHY_MAX];
    struct capture *c;
    const char *filter = r->options->filter;
    int error = capture_open(&c, confinement_input(r->reach, input->which), input->path, why, sizeof why);
    if (error == 0 && filter) {
        int program = confinement_filter(r->reach, capture_filter_kind(c));
        error = capture_set_filter(c, program, filter, why, sizeof why);
        if (error != 0) {
            capture_close(c);
        }
    }
    if (error != 0) {
        log_error("%s", why);
        return NULL;
    }
    return c;
}

/* Looks into every capture, so that a name, a filter or a file that is no good is said before the first record. */
static bool prepare(struct replay *r, uint64_t *run_id) {
    struct digest d = {{UINT64_C(0x736d627461702e31), UINT64_C(0x7265706c61792e31)}};
    digest_settings(&d, r);
    for (size_t i = 0; i < r->inputs->count; i++) {
        const struct input *input = &r->inputs->list[i];
        struct capture *c = open_capture(r, input);
        if (!c) {
            return false;
        }
        (void)digest_capture(&d, c); /* a capture that is damaged at once says so when it is read */
        if (input->plain) {
            capture_close(c);
        } else {
            r->opened[i] = c;
        }
    }
    *run_id = d.key.k0;
    return true;
}

/* ---- records */

static int take_line(struct replay *r, const struct event *e, const char *line, size_t n) {
    if (r->summary) {
        summary_event(r->summary, e);
    }
    const struct line l = record_line(e, line, n);
    r->time_ns = e->at.time_ns > r->time_ns ? e->at.time_ns : r->time_ns;
    int error = outlet_line(r->outlet, &l);
    if (error != 0) {
        r->write_error = error;
    }
    return error;
}

/* Rules come behind the numbering: they name records as evidence. */
static int take_event(void *arg, const struct event *e, const char *line, size_t n) {
    struct replay *r = arg;
    int error = n != 0 ? take_line(r, e, line, n) : 0;
    findings_event(r->findings, e, n != 0 ? outlet_records(r->outlet) : 0, r->capture_name);
    return error;
}

static void take_finding(void *arg, const struct event *e, const char *capture) {
    struct replay *r = arg;
    char line[RECORD_MAX];
    struct record_settings settings = {.sensor_id = r->settings.sensor_id, .capture_name = capture};
    if (r->write_error == 0) {
        r->stats.records++;
        (void)!take_line(r, e, line, record_write(&settings, e, line)); /* write_error keeps it */
    }
}

/* The input pauses: what was learned so far goes out. */
static bool on_pause(void *arg) {
    struct replay *r = arg;
    int error = r->reader ? 0 : outlet_flush(r->outlet);
    if (error != 0) {
        r->write_error = error;
    }
    progress_update(r->progress, r->bytes_before + capture_position(r->reading).read);
    return error == 0 && !*r->stop;
}

/* ---- captures */

/* The capture at hand, into its pipeline. */
struct reading {
    struct replay *replay;
    struct pipeline *pipeline;
    unsigned frames;
};

static bool read_frame(void *arg, const struct frame *frame) {
    struct reading *of = arg;
    struct replay *r = of->replay;
    if (pipeline_frame(of->pipeline, frame) != 0) {
        return false;
    }
    if (of->frames++ % PROGRESS_FRAMES == 0 && r->progress) {
        progress_update(r->progress, r->bytes_before + capture_position(r->reading).read);
    }
    return !*r->stop && r->write_error == 0;
}

static void read_capture(struct replay *r, struct capture *c) {
    struct pipeline_outlet to = r->reader ? *r->reader : (struct pipeline_outlet){r, take_event, NULL};
    struct pipeline *p = pipeline_new(&r->settings, capture_name(c), &to, &r->memory, &r->stats);
    if (!p) {
        log_error("%s: out of memory; close other programs and run it again", capture_name(c));
        fail(r, EXIT_FAILURE);
        return;
    }
    r->stats.captures++;
    r->capture_name = capture_name(c);
    struct reading reading = {r, p, 0};
    int got = *r->stop || r->write_error != 0 ? 0 : capture_read(c, read_frame, &reading);
    if (pipeline_finish(p) != 0) { /* also where nothing is written any more: what is followed has to end */
        fail(r, EXIT_FAILURE);
    }
    if (got < 0) {
        log_error("%s", capture_why(c));
        fail(r, got == -EBADMSG ? EXIT_DAMAGED : EXIT_FAILURE);
    }
    pipeline_free(p);
    assert(r->memory.held == r->rules.held); /* what a capture needed went with it */
}

/* What a bound took from the records is said, and what helps; how often each bound was reached stands in the summary. */
static void explain_limits(const struct replay *r) {
    const struct stats *s = &r->stats;
    uint64_t cut = s->names_lost + s->framer_faults[FAULT_MEMORY] + s->flows_undecoded + s->flows_refused_memory;
    if (s->memory_limit != 0 || cut != 0) {
        log_note("what is followed reached the ceiling of %zu MiB: %" PRIu64
                 " times the longest idle connection or part of one was given up; "
                 "records may lack it; give more with --memory",
                 r->options->memory >> 20, s->memory_limit + cut);
    }
    if (s->flows_limit != 0) {
        log_note("more connections at once than are followed: %" PRIu64
                 " times the longest idle was given up; records may lack it; follow more with --flows",
                 s->flows_limit);
    }
}

static void read_all(struct replay *r) {
    for (size_t i = 0; i < r->inputs->count && r->write_error == 0 && !*r->stop; i++) {
        struct capture *c = r->opened[i] ? r->opened[i] : open_capture(r, &r->inputs->list[i]);
        r->opened[i] = NULL;
        if (!c) {
            fail(r, EXIT_FAILURE);
            continue;
        }
        r->reading = c;
        capture_on_pause(c, on_pause, r);
        read_capture(r, c);
        r->bytes_before += capture_position(c).read;
        capture_close(c);
    }
}

/* ---- the whole */

static void explain_output(const struct replay *r, size_t which, int error) {
    const struct output_settings *o = &r->options->outputs[which];
    char line[512];
    file_sink_explain(o->kind == OUTPUT_STANDARD ? "-" : o->path, error, line, sizeof line);
    log_error("%s", line);
}

static void explain_write_error(struct replay *r) {
    if (r->write_error == 0) {
        return;
    }
    fail(r, EXIT_FAILURE);
    if (r->write_error == -EPIPE) { /* the reader has had enough: end as other programs do */
        signal(SIGPIPE, SIG_DFL);
        raise(SIGPIPE);
    } else if (r->write_error != -ECANCELED) { /* that one was told where it happened */
        explain_output(r, r->failed, r->write_error);
    }
}

/* Those that are written here. */
static bool attach_outputs(struct replay *r) {
    for (size_t i = 0; i < outputs_count(r->outputs); i++) {
        if (outputs_wants(r->outputs, i)) {
            int fd = confinement_output(r->reach, i), error = fd < 0 ? fd : outputs_attach(r->outputs, i, fd);
            if (error != 0) {
                explain_output(r, i, error);
                return false;
            }
        }
    }
    return true;
}

static bool open_outputs(struct replay *r, uint64_t run_id) {
    r->outputs = r->reach->outputs;
    if (!attach_outputs(r)) {
        return false;
    }
    r->rules = (struct budget){.parent = &r->memory, .ceiling = r->memory.ceiling / FINDINGS_SHARE};
    struct findings_settings rules = {.run_id = run_id, .secret = r->settings.secret, .budget = &r->rules};
    struct findings_sink to = {r, take_finding};
    r->outlet = outlet_new(run_id, outputs_sinks(r->outputs), outputs_count(r->outputs));
    r->findings = findings_new(&rules, &to, &r->stats);
    if (!r->outlet || !r->findings) {
        log_error("out of memory; close other programs and run it again");
        outlet_free(r->outlet);
        findings_free(r->findings);
        return false;
    }
    return true;
}

static void tell_gap(struct replay *r, const struct gap *gap, size_t output) {
    char text[RECORD_MAX];
    struct record_settings settings = {.sensor_id = r->settings.sensor_id};
    struct sensor_gap of = {.time_ns = r->time_ns ? r->time_ns : system_clock_ns(CLOCK_REALTIME),
                            .output = outputs_name(r->outputs, output),
                            .gap = *gap};
    sensor_event_gap(&r->gap, &of);
    struct line line = record_line(&r->gap.event, text, record_write(&settings, &r->gap.event, text));
    line.gap = gap;
    line.gap_sink = (uint8_t)output;
    r->stats.records++;
    if (gap->run_id == 0) {
        fail(r, EXIT_FAILURE);
    }
    (void)!outlet_line(r->outlet, &line);
    (void)!outlet_flush(r->outlet); /* an output that fails says so itself */
}

/* What was lost on outputs is told behind all other records, so that these have the same numbers as ever. */
static void tell_gaps(void *arg) {
    struct replay *r = arg;
    struct gap gap;
    for (size_t i = 0; i < outputs_count(r->outputs); i++) {
        while (outputs_gap(r->outputs, i, &gap)) {
            tell_gap(r, &gap, i);
        }
    }
}

static void finish_outputs(struct replay *r) {
    int error = r->write_error ? 0 : outlet_flush(r->outlet);
    r->failed = outlet_failed(r->outlet);
    r->write_error = r->write_error ? r->write_error : error;
    for (size_t i = 0; i < outputs_count(r->outputs); i++) {
        const struct sink *sink = &outputs_sinks(r->outputs)[i];
        error = sink->close(sink->state);
        if (r->write_error == 0 && error != 0) {
            r->write_error = error;
            r->failed = i;
        }
    }
    if (!outputs_finish(r->outputs, UINT64_MAX, tell_gaps, r)) {
        fail(r, EXIT_FAILURE);
    }
    outlet_free(r->outlet);
}

static bool writes_standard(const struct options *o) {
    bool any = false;
    for (size_t i = 0; i < o->output_count; i++) {
        any = any || o->outputs[i].kind == OUTPUT_STANDARD;
    }
    return any;
}

static void run(struct replay *r) {
    bool terminal = isatty(STDERR_FILENO) && r->options->level != LOG_ERRORS;
    if (terminal || r->options->level == LOG_DETAILS) {
        r->summary = summary_new();
    }
    bool records_there = isatty(STDOUT_FILENO) && writes_standard(r->options); /* a bar would stand among them */
    if (terminal && !records_there) {
        r->progress = progress_new(STDERR_FILENO, r->inputs->total);
    }
    read_all(r);
    findings_finish(r->findings);
    findings_free(r->findings);
    progress_free(r->progress);
    r->progress = NULL;
    finish_outputs(r);
    explain_write_error(r);
    explain_limits(r);
    if (r->summary) {
        summary_print(r->summary, &r->stats, stderr);
        summary_free(r->summary);
    }
}

static void read_only(struct replay *r) {
    read_all(r);
    explain_limits(r);
}

/* reader NULL: records are written. */
static int replay(const struct options *options, struct confinement *reach, const struct pipeline_outlet *reader,
                  const volatile sig_atomic_t *stop) {
    struct replay *r = calloc(1, sizeof *r);
    uint64_t run_id;
    if (!r) {
        log_error("out of memory; close other programs and run it again");
        return EXIT_FAILURE;
    }
    r->options = options;
    r->reach = reach;
    r->inputs = &reach->inputs;
    r->reader = reader;
    r->settings = options->pipeline;
    r->settings.statm = reach->statm;
    r->stop = stop;
    r->memory.ceiling = options->memory - (reader ? options->memory / REPLAY_READER_SHARE : 0);
    if (getrandom(&r->settings.secret, sizeof r->settings.secret, 0) != (ssize_t)sizeof r->settings.secret) {
        r->settings.secret = (uint64_t)getpid();
    }
    r->status = EXIT_FAILURE;
    if (inputs_check(r->inputs, confinement_input, reach)) {
        r->opened = calloc(r->inputs->count, sizeof(struct capture *));
        if (r->opened && prepare(r, &run_id) && (reader || open_outputs(r, run_id))) {
            r->status = r->inputs->unreadable ? EXIT_FAILURE : EXIT_SUCCESS;
            (reader ? read_only : run)(r);
        }
    }
    for (size_t i = 0; r->opened && i < r->inputs->count; i++) {
        capture_close(r->opened[i]);
    }
    int status = r->status;
    free((void *)r->opened);
    free(r);
    return status;
}

int replay_run(const struct options *options, const volatile sig_atomic_t *stop) {
    struct confinement reach;
    if (!confinement_enter(&reach, options, stop)) {
        return EXIT_FAILURE;
    }
    int status = replay(options, &reach, NULL, stop);
    confinement_end(&reach);
    return status;
}

int replay_read(const struct options *options, struct confinement *reach, const struct pipeline_outlet *reader,
                const volatile sig_atomic_t *stop) {
    return replay(options, reach, reader, stop);
}
