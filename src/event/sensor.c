#include "event/sensor.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

static const char *const interface_columns[] = {"up", "received", "dropped_kernel", "dropped_interface"};
static const char *const output_columns[] = {"records", "sent",  "acknowledged", "spooled",
                                             "dropped", "bytes", "reconnects",   "oldest_waiting_ns"};

enum {
    INTERFACE_COLUMNS = sizeof interface_columns / sizeof interface_columns[0],
    OUTPUT_COLUMNS = sizeof output_columns / sizeof output_columns[0],
};

_Static_assert(sizeof(((struct sensor_event *)NULL)->interface_cells) ==
                   FIGURES_INTERFACES_MAX * INTERFACE_COLUMNS * sizeof(uint64_t),
               "a cell for each column");
_Static_assert(sizeof(((struct sensor_event *)NULL)->output_cells) ==
                   FIGURES_OUTPUTS_MAX * OUTPUT_COLUMNS * sizeof(uint64_t),
               "a cell for each column");

static struct text plain(const char *s) {
    return (struct text){{(const uint8_t *)s, strlen(s)}, ENC_UTF8};
}

static struct event *begin(struct sensor_event *s, enum event_action action, uint64_t time_ns) {
    struct event *e = &s->event;
    e->object = OBJECT_SENSOR;
    e->action = action;
    e->at = (struct moment){.time_ns = time_ns};
    e->flow = NULL;
    e->flow_json = (struct view){NULL, 0};
    e->count = 0;
    return e;
}

static void add_text(struct event *e, enum field field, const char *s) {
    if (s) {
        event_text(e, field, plain(s));
    }
}

void sensor_event_start(struct sensor_event *s, const struct sensor_start *start) {
    assert(start->input_count <= FIGURES_INTERFACES_MAX);
    struct event *e = begin(s, ACTION_START, start->time_ns);
    snprintf(s->content, sizeof s->content, "smbtap " SMBTAP_VERSION " listens on %u %s", start->input_count,
             start->input_count == 1 ? "interface" : "interfaces");
    for (unsigned i = 0; i < start->input_count; i++) {
        s->inputs[i] = plain(start->inputs[i]);
    }
    event_time(e, FIELD_START_TIME, start->time_ns);
    add_text(e, FIELD_CONTENT, s->content);
    event_name(e, FIELD_SENSOR_VERSION, SMBTAP_VERSION);
    event_hex(e, FIELD_CONFIGURATION_DIGEST, start->configuration_digest, 16);
    event_texts(e, FIELD_INPUTS, s->inputs, start->input_count);
    event_uint(e, FIELD_SNAP_LENGTH, start->snap_length);
    add_text(e, FIELD_FILTER, start->filter);
    event_uint(e, FIELD_WORKERS, start->workers);
}

static const char *const gap_reasons[GAP_REASONS] = {
#define GAP_REASON(id, name, meaning) [GAP_##id] = name,
#include "tables/gap_reason.def"
#undef GAP_REASON
};

static void say_how_many(struct sensor_event *s, const struct sensor_gap *g) {
    char count[32] = "an unknown number of";
    if (g->gap.count != 0) {
        snprintf(count, sizeof count, "%" PRIu64, g->gap.count);
    }
    snprintf(s->content, sizeof s->content, "%s %s%s %s lost %s%.100s: %s", count,
             g->gap.count == 1 ? "record" : "records", g->gap.run_id ? " of an earlier run" : "",
             g->gap.count == 1 ? "was" : "were", g->output ? "on " : "before any output", g->output ? g->output : "",
             gap_reasons[g->gap.reason]);
}

void sensor_event_gap(struct sensor_event *s, const struct sensor_gap *g) {
    struct event *e = begin(s, ACTION_GAP, g->time_ns);
    say_how_many(s, g);
    add_text(e, FIELD_CONTENT, s->content);
    add_text(e, FIELD_OUTPUT, g->output);
    if (g->gap.run_id != 0) {
        snprintf(s->run_id, sizeof s->run_id, "%016" PRIx64, g->gap.run_id); /* as it stands in record_id */
        add_text(e, FIELD_RUN_ID, s->run_id);
    }
    if (g->gap.from != 0) {
        event_uint(e, FIELD_FROM_SEQ, g->gap.from);
    }
    if (g->gap.to != 0) {
        event_uint(e, FIELD_TO_SEQ, g->gap.to);
    }
    if (g->gap.count != 0) {
        event_uint(e, FIELD_RECORDS_LOST, g->gap.count);
    }
    event_name(e, FIELD_REASON, gap_reasons[g->gap.reason]);
}

/* ---- totals */

static void add_counts(struct event *e, enum field field, const char *const *names, const uint64_t *values,
                       unsigned count) {
    event_add(e, field, FACT_COUNTS)->counts = (struct fact_counts){names, values, count};
}

static void add_limits(struct sensor_event *s, const struct stats *stats) {
    unsigned n = 0;
    for (size_t i = 0; i < stats_counter_count; i++) {
        if (stats_counters[i].role == COUNTER_LIMIT) {
            assert(n < SENSOR_LIMITS);
            s->limit_names[n] = stats_counters[i].member;
            s->limits[n++] = stats_value(stats, &stats_counters[i], 0);
        }
    }
    add_counts(&s->event, FIELD_LIMITS, s->limit_names, s->limits, n);
}

static void add_interfaces(struct sensor_event *s, const struct figures *f) {
    uint64_t *cell = s->interface_cells;
    assert(f->interface_count <= FIGURES_INTERFACES_MAX);
    for (unsigned i = 0; i < f->interface_count; i++) {
        const struct interface_figures *of = &f->interfaces[i];
        s->interface_names[i] = plain(of->name);
        *cell++ = of->up;
        *cell++ = of->received;
        *cell++ = of->dropped;
        *cell++ = of->interface_dropped;
    }
    s->interfaces = (struct fact_rows){
        .names = s->interface_names,
        .count = f->interface_count,
        .columns = interface_columns,
        .column_count = INTERFACE_COLUMNS,
        .booleans = 1,
        .cells = s->interface_cells,
    };
    event_add(&s->event, FIELD_CAPTURE_INTERFACES, FACT_ROWS)->rows = &s->interfaces;
}

static void add_outputs(struct sensor_event *s, const struct figures *f) {
    uint64_t *cell = s->output_cells;
    assert(f->output_count <= FIGURES_OUTPUTS_MAX);
    for (unsigned i = 0; i < f->output_count; i++) {
        const struct output_figures *of = &f->outputs[i];
        s->output_names[i] = plain(of->name);
        *cell++ = of->records;
        *cell++ = of->sent;
        *cell++ = of->acknowledged;
        *cell++ = of->spooled;
        *cell++ = of->dropped;
        *cell++ = of->bytes;
        *cell++ = of->reconnects;
        *cell++ = of->oldest_waiting_ns;
    }
    s->outputs = (struct fact_rows){
        .names = s->output_names,
        .count = f->output_count,
        .columns = output_columns,
        .column_count = OUTPUT_COLUMNS,
        .cells = s->output_cells,
    };
    event_add(&s->event, FIELD_OUTPUTS, FACT_ROWS)->rows = &s->outputs;
}

static void add_capture(struct event *e, const struct figures *f) {
    struct capture_figures c = figures_capture(f);
    event_uint(e, FIELD_PACKETS_RECEIVED, c.received);
    event_uint(e, FIELD_PACKETS_DROPPED_KERNEL, c.dropped);
    event_uint(e, FIELD_PACKETS_DROPPED_INTERFACE, c.interface_dropped);
    event_uint(e, FIELD_PACKETS_DECODED, f->stats.packets);
    event_uint(e, FIELD_BYTES_DECODED, f->stats.bytes);
}

static void add_flows(struct event *e, const struct figures *f) {
    event_uint(e, FIELD_FLOWS_ACTIVE, f->flows_active);
    event_uint(e, FIELD_FLOWS_STARTED, f->stats.flows_started);
    event_uint(e, FIELD_FLOWS_ENDED, f->stats.flows_ended);
    event_uint(e, FIELD_FLOWS_EVICTED, f->stats.flows_evicted);
    event_uint(e, FIELD_SENSOR_MISSED_BYTES, f->stats.missed_bytes);
    event_uint(e, FIELD_SENSOR_GAPS, f->stats.gaps);
    event_uint(e, FIELD_CAPTURE_LOSS_PPM, figures_loss_ppm(f, NULL));
}

/* What was dissected without fault is no fault. */
static void add_messages(struct sensor_event *s, const struct stats *stats) {
    memcpy(s->messages, stats->messages, sizeof s->messages);
    memcpy(s->decode_faults, stats->decode_faults, sizeof s->decode_faults);
    memcpy(s->parse_faults, stats->framer_faults, sizeof stats->framer_faults);
    memcpy(s->parse_faults + FRAMER_FAULTS, stats->verdicts, sizeof stats->verdicts);
    s->parse_faults[FRAMER_FAULTS + V_OK] = 0;
    add_counts(&s->event, FIELD_MESSAGES, message_kind_names, s->messages, MESSAGE_KINDS);
    add_counts(&s->event, FIELD_SENSOR_PARSE_FAULTS, parse_fault_names, s->parse_faults, FRAMER_FAULTS + VERDICTS);
    add_counts(&s->event, FIELD_DECODE_FAULTS, decode_fault_names, s->decode_faults, DECODE_FAULTS);
}

static void add_totals(struct sensor_event *s, const struct figures *f) {
    struct event *e = &s->event;
    struct capture_figures c = figures_capture(f);
    snprintf(s->content, sizeof s->content,
             "%" PRIu64 " packets received, %" PRIu64 " dropped by the kernel, %" PRIu64 " by the interface; %" PRIu64
             " bytes missed; %" PRIu64 " records",
             c.received, c.dropped, c.interface_dropped, f->stats.missed_bytes, f->stats.records);
    event_time(e, FIELD_START_TIME, f->start_ns);
    add_text(e, FIELD_CONTENT, s->content);
    add_capture(e, f);
    add_flows(e, f);
    add_messages(s, &f->stats);
    add_limits(s, &f->stats);
    event_uint(e, FIELD_MEMORY_HELD, f->memory_held);
    event_uint(e, FIELD_MEMORY_LIMIT, f->memory_limit);
    event_uint(e, FIELD_WORKERS, f->workers);
    event_uint(e, FIELD_SEGMENTS_DISPATCHED, f->dispatched);
    event_uint(e, FIELD_SEGMENTS_DISPATCH_DROPPED, f->dispatch_dropped);
    event_uint(e, FIELD_RECORDS_MADE, f->stats.records);
    event_uint(e, FIELD_RECORDS_DROPPED, f->records_dropped);
    add_interfaces(s, f);
    add_outputs(s, f);
}

void sensor_event_stats(struct sensor_event *s, const struct figures *now) {
    (void)begin(s, ACTION_STATS, now->time_ns);
    add_totals(s, now);
}

void sensor_event_stop(struct sensor_event *s, const struct figures *now, const char *reason) {
    (void)begin(s, ACTION_STOP, now->time_ns);
    add_text(&s->event, FIELD_REASON, reason);
    add_totals(s, now);
}
