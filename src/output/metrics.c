#include "metrics.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NS_PER_S 1e9

/* ---- one sample */

static void begin_metric(FILE *to, const char *name, const char *type, const char *help) {
    fprintf(to, "# HELP smbtap_%s %s\n# TYPE smbtap_%s %s\n", name, help, name, type);
}

/* Of a label's value three characters are escaped; what is no ASCII passes as the UTF-8 that it is to be. */
static void write_label(FILE *to, const char *label, const char *value) {
    fprintf(to, "{%s=\"", label);
    for (; *value; value++) {
        if (*value == '\n') {
            fputs("\\n", to);
        } else {
            fprintf(to, "%s%c", *value == '"' || *value == '\\' ? "\\" : "", *value);
        }
    }
    fputs("\"}", to);
}

static void write_sample(FILE *to, const char *name, const char *suffix, const char *label, const char *value,
                         uint64_t number) {
    fprintf(to, "smbtap_%s%s", name, suffix);
    if (label[0] != '\0') {
        write_label(to, label, value);
    }
    fprintf(to, " %" PRIu64 "\n", number);
}

static void write_number(FILE *to, const char *name, const char *type, const char *help, uint64_t number) {
    begin_metric(to, name, type, help);
    write_sample(to, name, "", "", NULL, number);
}

static void write_seconds(FILE *to, const char *name, const char *help, uint64_t ns) {
    begin_metric(to, name, "gauge", help);
    fprintf(to, "smbtap_%s %.9f\n", name, (double)ns / NS_PER_S);
}

/* ---- the parts */

static void write_counters(FILE *to, const struct stats *stats) {
    const struct counter_info *of = NULL;
    for (size_t i = 0; i < stats_counter_count; i++) {
        const struct counter_info *c = &stats_counters[i];
        if (c->metric) {
            of = c;
            fprintf(to, "# HELP smbtap_%s_total %s\n# TYPE smbtap_%s_total counter\n", c->metric, c->help, c->metric);
            continue;
        }
        for (unsigned k = 0; k < c->count; k++) {
            write_sample(to, of->metric, "_total", of->label, c->values[k], stats_value(stats, c, k));
        }
    }
}

static void write_sensor(FILE *to, const struct figures *f) {
    begin_metric(to, "build_info", "gauge", "The program that is running");
    fputs("smbtap_build_info{version=\"" SMBTAP_VERSION "\"} 1\n", to);
    write_seconds(to, "start_time_seconds", "When it started, since 1970", f->start_ns);
    write_seconds(to, "time_seconds", "When these figures were taken, since 1970", f->time_ns);
    write_number(to, "workers", "gauge", "Threads that decode", f->workers);
    write_number(to, "flows_active", "gauge", "TCP connections that are followed now", f->flows_active);
    write_number(to, "memory_held_bytes", "gauge", "Memory held for what is followed", f->memory_held);
    write_number(to, "memory_limit_bytes", "gauge", "Its ceiling", f->memory_limit);
    begin_metric(
        to, "capture_loss_ratio", "gauge",
        "Estimated capture loss since the start, of the bytes that were sent on connections that were followed");
    fprintf(to, "smbtap_capture_loss_ratio %.6f\n", (double)figures_loss_ppm(f, NULL) / 1e6);
    write_number(to, "records_dropped_total", "counter", "Records that had no room on their way to the outputs",
                 f->records_dropped);
    write_number(to, "segments_dispatched_total", "counter",
                 "TCP segments of tunnels and fragments that one worker handed to another", f->dispatched);
    write_number(to, "segments_dispatch_dropped_total", "counter", "Those lost on the way because a queue was full",
                 f->dispatch_dropped);
}

/* A member of what there are several of: one metric, its series told apart by their names. */
struct column {
    const char *name, *type, *help;
    size_t offset;
};

/* Items of size bytes, whose first member is their name. What is unknown of all has no metric. */
static void write_column(FILE *to, const struct column *column, const char *label, const void *items, size_t size,
                         unsigned count) {
    bool begun = false;
    for (unsigned i = 0; i < count; i++) {
        const char *item = (const char *)items + size * i;
        const char *name;
        uint64_t number;
        memcpy(&name, item, sizeof name);
        memcpy(&number, item + column->offset, sizeof number);
        if (number == FIGURE_UNKNOWN) {
            continue;
        }
        if (!begun) {
            begin_metric(to, column->name, column->type, column->help);
            begun = true;
        }
        write_sample(to, column->name, "", label, name, number);
    }
}

_Static_assert(offsetof(struct interface_figures, name) == 0 && offsetof(struct output_figures, name) == 0,
               "see above");

static void write_interfaces(FILE *to, const struct figures *f) {
    static const struct column columns[] = {
        {"interface_received_packets_total", "counter",
         "Packets that passed the filter, those that the kernel then dropped among them",
         offsetof(struct interface_figures, received)},
        {"interface_kernel_dropped_packets_total", "counter",
         "Of these, packets that the kernel dropped because the buffer was full",
         offsetof(struct interface_figures, dropped)},
        {"interface_dropped_packets_total", "counter",
         "Packets that the interface dropped or missed itself, whatever they were",
         offsetof(struct interface_figures, interface_dropped)},
        {"interface_packets_total", "counter", "Packets that the interface took, whatever they were",
         offsetof(struct interface_figures, interface_packets)},
    };
    if (f->interface_count != 0) {
        begin_metric(to, "interface_up", "gauge", "Whether packets can come from it");
    }
    for (unsigned i = 0; i < f->interface_count; i++) {
        write_sample(to, "interface_up", "", "interface", f->interfaces[i].name, f->interfaces[i].up);
    }
    for (size_t i = 0; i < sizeof columns / sizeof columns[0]; i++) {
        write_column(to, &columns[i], "interface", f->interfaces, sizeof f->interfaces[0], f->interface_count);
    }
}

static void write_waiting(FILE *to, const struct figures *f) {
    bool begun = false;
    for (unsigned i = 0; i < f->output_count; i++) {
        const struct output_figures *of = &f->outputs[i];
        if (of->oldest_waiting_ns == FIGURE_UNKNOWN) {
            continue;
        }
        if (!begun) {
            begin_metric(to, "output_oldest_waiting_seconds", "gauge", "Age of the oldest record that waits");
            begun = true;
        }
        fputs("smbtap_output_oldest_waiting_seconds", to);
        write_label(to, "output", of->name);
        fprintf(to, " %.9f\n", (double)of->oldest_waiting_ns / NS_PER_S);
    }
}

static void write_outputs(FILE *to, const struct figures *f) {
    static const struct column columns[] = {
        {"output_records_total", "counter", "Records handed to the output", offsetof(struct output_figures, records)},
        {"output_sent_records_total", "counter",
         "Records written or sent, those of an earlier run that waited in the spool among them",
         offsetof(struct output_figures, sent)},
        {"output_acknowledged_records_total", "counter", "Of these, records that the receiver acknowledged",
         offsetof(struct output_figures, acknowledged)},
        {"output_dropped_records_total", "counter", "Records that the output gave up, each told by a gap record",
         offsetof(struct output_figures, dropped)},
        {"output_sent_bytes_total", "counter", "Bytes written or sent", offsetof(struct output_figures, bytes)},
        {"output_reconnects_total", "counter", "Times that the output connected again",
         offsetof(struct output_figures, reconnects)},
        {"output_spooled_records", "gauge", "Records that wait in the output's spool",
         offsetof(struct output_figures, spooled)},
    };
    for (size_t i = 0; i < sizeof columns / sizeof columns[0]; i++) {
        write_column(to, &columns[i], "output", f->outputs, sizeof f->outputs[0], f->output_count);
    }
    write_waiting(to, f);
}

char *metrics_text(const struct figures *f) {
    char *text = NULL;
    size_t size = 0;
    FILE *to = open_memstream(&text, &size);
    if (!to) {
        return NULL;
    }
    write_sensor(to, f);
    write_interfaces(to, f);
    write_outputs(to, f);
    write_counters(to, &f->stats);
    bool failed = ferror(to) != 0;
    if (fclose(to) != 0 || failed) {
        free(text);
        return NULL;
    }
    return text;
}
