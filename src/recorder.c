#include "recorder.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/packet_clock.h"
#include "base/system_clock.h"
#include "findings/findings.h"
#include "output/outlet.h"
#include "record.h"

enum {
    MESSAGES_AT_ONCE = 4096,
    GAPS_MAX = 64, /* that wait to be told; the last one grows over what comes between it and the next */
};

/* Records that were lost, by seq. */
struct untold {
    uint64_t from, to, count;
    const char *reason;
};

struct recorder {
    struct recorder_settings settings;
    struct sink sink;
    struct outlet *outlet;
    struct findings *findings;
    struct budget memory;
    struct stats stats;             /* of the rules, and records made here */
    struct worker_figures *workers; /* the latest of each */
    struct sensor_event event;      /* being made */
    struct untold gaps[GAPS_MAX];   /* that were not told yet */
    unsigned gap_count;
    unsigned done;
    int error;
    uint64_t skipped;   /* numbers of records that never came here */
    uint64_t unwritten; /* records that the output gave up */
    uint64_t sent;      /* of those handed on, when nothing waited last */
};

static void put_line(struct recorder *r, const char *line, size_t n) {
    int error = outlet_line(r->outlet, line, n);
    assert(error == 0); /* an appender never fails */
}

static void put_event(struct recorder *r, const struct event *e, const char *interface) {
    char line[RECORD_MAX];
    struct record_settings settings = {.sensor_id = r->settings.sensor_id, .capture_name = interface, .live = true};
    r->stats.records++;
    put_line(r, line, record_write(&settings, e, line));
}

void recorder_sensor(struct recorder *r, const struct sensor_event *e) {
    put_event(r, &e->event, NULL);
}

/* Kept until its record was taken: that may find no room either, as what it tells of. */
static void add_gap(struct recorder *r, uint64_t from, uint64_t to, uint64_t count, const char *reason) {
    struct untold *last = r->gap_count != 0 ? &r->gaps[r->gap_count - 1] : NULL;
    if (last && ((last->to + 1 == from && last->reason == reason) || r->gap_count == GAPS_MAX)) {
        last->to = to;
        last->count += count;
    } else {
        r->gaps[r->gap_count++] = (struct untold){from, to, count, reason};
    }
}

/* Lines that a worker had no room for have numbers as well, so that a reader sees a hole. */
static void note_lost(struct recorder *r, uint64_t count) {
    uint64_t from = outlet_skip(r->outlet, count);
    r->skipped += count;
    add_gap(r, from, from + count - 1, count, "queue_full");
}

static void flush(struct recorder *r) {
    struct outlet_gap lost;
    int error = outlet_flush(r->outlet);
    assert(error == 0); /* an appender never fails */
    if (outlet_gap(r->outlet, 0, &lost)) {
        r->unwritten += lost.count;
        add_gap(r, lost.from, lost.to, lost.count, "output_full");
    }
}

static void tell_gaps(struct recorder *r) {
    while (r->gap_count != 0 && appender_waiting(r->settings.output) <= APPENDER_WAITING_MAX / 2) {
        const struct untold first = r->gaps[0];
        struct sensor_gap gap = {.time_ns = system_clock_ns(CLOCK_REALTIME),
                                 .output = r->settings.output_name,
                                 .from_seq = first.from,
                                 .to_seq = first.to,
                                 .count = first.count,
                                 .reason = first.reason};
        sensor_event_gap(&r->event, &gap);
        recorder_sensor(r, &r->event);
        flush(r);
        if (outlet_refused(r->outlet, 0)) {
            return;
        }
        memmove(r->gaps, r->gaps + 1, --r->gap_count * sizeof r->gaps[0]);
    }
}

static void take_finding(void *arg, const struct event *e, const char *capture) {
    put_event(arg, e, capture);
}

static void take_line(struct recorder *r, const struct worker_message *m) {
    if (m->line_length != 0) {
        put_line(r, m->line, m->line_length);
    }
    if (m->event) {
        const char *interface = r->settings.interfaces[m->event->flow->link.interface];
        findings_event(r->findings, m->event, m->line_length != 0 ? outlet_records(r->outlet) : 0, interface);
    }
}

static void take_message(struct recorder *r, unsigned worker, const struct worker_message *m) {
    if (m->lost != 0) {
        note_lost(r, m->lost);
    }
    switch ((enum worker_news)m->news) {
    case WORKER_LINE:
        take_line(r, m);
        break;
    case WORKER_FIGURES:
        r->workers[worker] = *m->figures;
        break;
    case WORKER_FAILED:
        r->error = r->error ? r->error : m->error;
        break;
    case WORKER_DONE:
        r->done++;
        break;
    }
}

bool recorder_take(struct recorder *r, struct team *team) {
    bool any = false;
    for (unsigned i = 0; i < team_workers(team); i++) {
        const struct worker_message *m;
        for (unsigned n = 0; n < MESSAGES_AT_ONCE && (m = team_next(team, i)) != NULL; n++) {
            take_message(r, i, m);
            any = true;
        }
    }
    return any;
}

void recorder_flush(struct recorder *r) {
    flush(r);
    tell_gaps(r);
    if (appender_waiting(r->settings.output) == 0) {
        r->sent = outlet_records(r->outlet) - r->skipped - r->unwritten;
    }
}

uint64_t recorder_untold(const struct recorder *r) {
    uint64_t count = outlet_lost(r->outlet, 0);
    for (unsigned i = 0; i < r->gap_count; i++) {
        count += r->gaps[i].count;
    }
    return count;
}

/* ---- figures */

void recorder_figures(const struct recorder *r, struct figures *f) {
    for (unsigned i = 0; i < r->settings.workers; i++) {
        const struct worker_figures *w = &r->workers[i];
        stats_add(&f->stats, &w->stats);
        f->flows_active += w->flows_active;
        f->memory_held += w->memory_held;
        f->records_dropped += w->records_dropped;
        f->dispatched += w->dispatched;
        f->dispatch_dropped += w->dispatch_dropped;
        for (unsigned j = 0; j < f->interface_count; j++) {
            f->interfaces[j].received += w->interfaces[j].received;
            f->interfaces[j].dropped += w->interfaces[j].dropped;
        }
    }
    stats_add(&f->stats, &r->stats);
    f->memory_held += r->memory.held;
    f->outputs[f->output_count++] = (struct output_figures){
        .name = r->settings.output_name,
        .records = outlet_records(r->outlet) - r->skipped,
        .sent = r->sent,
        .acknowledged = FIGURE_UNKNOWN,
        .spooled = FIGURE_UNKNOWN,
        .dropped = r->unwritten,
        .bytes = appender_written(r->settings.output),
        .reconnects = FIGURE_UNKNOWN,
    };
}

void recorder_look(struct recorder *r, const struct figures *now, const struct figures *before) {
    findings_figures(r->findings, now, before, outlet_records(r->outlet));
}

bool recorder_answered(const struct recorder *r, unsigned asked) {
    bool all = true;
    for (unsigned i = 0; i < r->settings.workers; i++) {
        all &= r->workers[i].answers == asked;
    }
    return all;
}

void recorder_loss_percent(struct recorder *r, double percent) {
    findings_loss_percent(r->findings, percent);
}

unsigned recorder_done(const struct recorder *r) {
    return r->done;
}

int recorder_error(const struct recorder *r) {
    return r->error;
}

/* ---- the whole */

void recorder_finish(struct recorder *r) {
    findings_finish(r->findings);
}

struct recorder *recorder_new(const struct recorder_settings *settings) {
    struct recorder *r = calloc(1, sizeof *r);
    if (!r) {
        return NULL;
    }
    r->settings = *settings;
    r->sink = appender_sink(settings->output);
    r->memory.ceiling = settings->memory;
    struct findings_settings rules = {.run_id = settings->run_id,
                                      .secret = settings->secret,
                                      .at_once = true,
                                      .loss_percent = settings->loss_percent,
                                      .budget = &r->memory};
    struct findings_sink to = {r, take_finding};
    r->workers = calloc(settings->workers, sizeof *r->workers);
    r->outlet = outlet_new(settings->run_id, &r->sink, 1);
    r->findings = findings_new(&rules, &to, &r->stats);
    if (!r->workers || !r->outlet || !r->findings) {
        recorder_free(r);
        return NULL;
    }
    return r;
}

void recorder_free(struct recorder *r) {
    if (!r) {
        return;
    }
    findings_free(r->findings);
    outlet_free(r->outlet);
    free(r->workers);
    free(r);
}
