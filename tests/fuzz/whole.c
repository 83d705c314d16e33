#include "whole.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../unit/schema_check.h"
#include "findings/findings.h"
#include "output/outlet.h"
#include "pipeline.h"

/* Looked at with every check; of the others it is enough that they are ASCII, of their length, and JSON. */
enum { HELD_AGAINST_SCHEMA = 64 };

/* Followed at once: few, so that the table is small, which is made anew for each input. */
enum { FLOWS = 64 };

struct whole {
    struct pipeline_settings settings;
    struct budget memory;
    struct stats stats;
    struct pipeline *pipeline;
    struct findings *findings;
    struct outlet *outlet;
    struct sink sink;
    uint64_t seq;
};

static void require(bool holds, const char *what, const char *line, size_t n) {
    if (!holds) {
        fprintf(stderr, "%s: %.*s\n", what, (int)n, line);
        abort();
    }
}

static void hold_against_schema(const json_t *record, const char *line, size_t n) {
    static json_t *schema;
    char why[512];
    if (!schema) {
        schema = schema_load();
        require(schema, "the schema is no JSON", "", 0);
    }
    require(schema_check(schema, record, why, sizeof why), why, line, n);
}

/* One line without its end. */
static void check_line(struct whole *w, const char *line, size_t n) {
    require(n <= RECORD_MAX, "too long", line, n);
    for (size_t i = 0; i < n; i++) {
        require(line[i] >= ' ' && line[i] <= '~', "not ASCII", line, n);
    }
    json_error_t error;
    json_t *record = json_loadb(line, n, JSON_REJECT_DUPLICATES, &error);
    require(record, "no JSON", line, n);
    require((uint64_t)json_integer_value(json_object_get(record, "seq")) == ++w->seq, "not in order", line, n);
    if (w->seq <= HELD_AGAINST_SCHEMA) {
        hold_against_schema(record, line, n);
    }
    json_decref(record);
}

static int take_lines(void *state, const struct line_list *lines) {
    size_t at = 0;
    for (size_t i = 0; i < lines->count; i++) {
        const struct line *l = &lines->list[i];
        require(l->text == lines->bytes + at && l->text[l->length] == '\n', "a line elsewhere", l->text, l->length);
        check_line(state, l->text, l->length);
        at += l->length + (size_t)1;
    }
    require(at == lines->n, "more than its lines", lines->bytes, lines->n);
    return 0;
}

static int nothing_to_do(void *state) {
    (void)state;
    return 0;
}

static int take_event(void *arg, const struct event *e, const char *line, size_t n) {
    struct whole *w = arg;
    const struct line l = record_line(e, line, n);
    int error = n != 0 ? outlet_line(w->outlet, &l) : 0;
    findings_event(w->findings, e, n != 0 ? outlet_records(w->outlet) : 0, "fuzz");
    return error;
}

static void take_finding(void *arg, const struct event *e, const char *capture) {
    struct whole *w = arg;
    struct record_settings settings = {.sensor_id = "fuzz", .capture_name = capture};
    char line[RECORD_MAX];
    const struct line l = record_line(e, line, record_write(&settings, e, line));
    (void)!outlet_line(w->outlet, &l);
}

struct whole *whole_new(bool every_operation, size_t ceiling) {
    struct whole *w = calloc(1, sizeof *w);
    require(w, "no memory", "", 0);
    w->settings = (struct pipeline_settings){.every_operation = every_operation,
                                             .ports = {445, 139},
                                             .port_count = 2,
                                             .sensor_id = "fuzz",
                                             .flows_max = FLOWS};
    w->memory.ceiling = ceiling;
    w->sink = (struct sink){.state = w, .write = take_lines, .flush = nothing_to_do, .close = nothing_to_do};
    struct findings_settings rules = {.run_id = 1};
    struct findings_sink found = {w, take_finding};
    struct pipeline_outlet outlet = {w, take_event, NULL};
    w->findings = findings_new(&rules, &found, &w->stats);
    w->outlet = outlet_new(rules.run_id, &w->sink, 1);
    w->pipeline = pipeline_new(&w->settings, "fuzz", &outlet, &w->memory, &w->stats);
    require(w->findings && w->outlet && w->pipeline, "no memory", "", 0);
    return w;
}

void whole_frame(struct whole *w, const struct frame *frame) {
    require(pipeline_frame(w->pipeline, frame) == 0, "a frame failed", "", 0);
    require(w->memory.held <= w->memory.ceiling, "more than the budget", "", 0);
}

void whole_finish(struct whole *w) {
    require(pipeline_finish(w->pipeline) == 0, "the end failed", "", 0);
    findings_finish(w->findings);
    require(outlet_flush(w->outlet) == 0, "the flush failed", "", 0);
    pipeline_free(w->pipeline);
    require(w->memory.held == 0, "memory is still held", "", 0);
    findings_free(w->findings);
    outlet_free(w->outlet);
    free(w);
}
