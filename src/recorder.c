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
#include "untold.h"

enum { MESSAGES_AT_ONCE = 4096, MESSAGES_PER_LOOK = 64 };

struct recorder {
    struct recorder_settings settings;
    struct outlet *outlet;
    struct findings *findings;
    struct budget memory;
    struct stats stats;        /* of the rules, and records made here */
    unsigned *answered;        /* by each worker */
    struct sensor_event event; /* being made */
    struct untold untold[FIGURES_OUTPUTS_MAX], everywhere;
    unsigned done;
    int error;
};

static void put_line(struct recorder *r, const struct line *line) {
    int error = outlet_line(r->outlet, line);
    assert(error == 0); /* no live output fails for good */
}

static void put_event(struct recorder *r, const struct event *e, const char *interface) {
    char text[RECORD_MAX];
    struct record_settings settings = {.sensor_id = r->settings.sensor_id, .capture_name = interface, .live = true};
    const struct line line = record_line(e, text, record_write(&settings, e, text));
    r->stats.records++;
    put_line(r, &line);
}

void recorder_sensor(struct recorder *r, const struct sensor_event *e) {
    put_event(r, &e->event, NULL);
}

/* ---- gaps */

/* Lines that a worker had no room for have numbers as well, so that a reader sees a hole. */
static void note_lost(struct recorder *r, uint64_t count) {
    uint64_t from = outlet_skip(r->outlet, count);
    untold_add(&r->everywhere,
               &(struct gap){.from = from, .to = from + count - 1, .count = count, .reason = GAP_QUEUE_FULL});
}

static void flush(struct recorder *r) {
    struct gap lost;
    for (size_t i = 0; i < outputs_count(r->settings.outputs); i++) {
        /* On a quiet link, and at the end, no line comes that would show it. What is refused from here on stays so until the next time:
         * whoever told of a gap asks. */
        if (outlet_refused(r->outlet, i) && outputs_roomy(r->settings.outputs, i)) {
            outlet_roomy(r->outlet, i);
        }
    }
    int error = outlet_flush(r->outlet);
    assert(error == 0); /* no live output fails for good */
    for (size_t i = 0; i < outputs_count(r->settings.outputs); i++) {
        if (outlet_gap(r->outlet, i, &lost)) {
            untold_add(&r->untold[i], &lost);
        }
        while (untold_roomy(&r->untold[i]) && outputs_gap(r->settings.outputs, i, &lost)) {
            untold_add(&r->untold[i], &lost);
        }
    }
}

/* A record about it; sink: the output it happened on, or SINK_EACH. */
static void tell_gap(struct recorder *r, const struct gap *gap, uint8_t sink) {
    char text[RECORD_MAX];
    struct record_settings settings = {.sensor_id = r->settings.sensor_id, .live = true};
    struct sensor_gap of = {.time_ns = system_clock_ns(CLOCK_REALTIME),
                            .output = sink == SINK_EACH ? NULL : outputs_name(r->settings.outputs, sink),
                            .gap = *gap};
    sensor_event_gap(&r->event, &of);
    struct line line = record_line(&r->event.event, text, record_write(&settings, &r->event.event, text));
    line.gap = gap;
    line.gap_sink = sink;
    r->stats.records++;
    put_line(r, &line);
    flush(r);
}

/* Kept until its record was taken: that may find no room either, as what it tells of. */
static void tell_gaps_of(struct recorder *r, uint8_t sink) {
    struct untold *u = &r->untold[sink];
    while (u->count != 0 && outputs_roomy(r->settings.outputs, sink)) {
        const struct gap first = u->list[0];
        untold_drop(u); /* before others come that it would grow by */
        tell_gap(r, &first, sink);
        if (outlet_refused(r->outlet, sink)) {
            untold_add(u, &first);
            return;
        }
    }
}

/* Of what was lost before all outputs: told once one of them has room; to those that had none it is told again later. */
static void tell_everywhere(struct recorder *r) {
    struct untold *u = &r->everywhere;
    size_t outputs = outputs_count(r->settings.outputs);
    bool roomy = false;
    for (size_t i = 0; i < outputs; i++) {
        roomy = roomy || outputs_roomy(r->settings.outputs, i);
    }
    for (unsigned n = 0; roomy && n < u->count; n++) {
        const struct gap gap = u->list[n];
        tell_gap(r, &gap, SINK_EACH);
        for (size_t i = 0; i < outputs; i++) {
            if (outlet_refused(r->outlet, i)) {
                untold_add(&r->untold[i], &gap);
            }
        }
    }
    u->count = roomy ? 0 : u->count;
}

static void tell_gaps(struct recorder *r) {
    tell_everywhere(r);
    for (size_t i = 0; i < outputs_count(r->settings.outputs); i++) {
        tell_gaps_of(r, (uint8_t)i);
    }
}

/* ---- news of the workers */

static void take_finding(void *arg, const struct event *e, const char *capture) {
    put_event(arg, e, capture);
}

static void take_line(struct recorder *r, const struct worker_message *m) {
    if (m->line.text) {
        put_line(r, &m->line);
    }
    if (m->event) {
        const char *interface = r->settings.interfaces[m->event->flow->link.interface];
        findings_event(r->findings, m->event, m->line.text ? outlet_records(r->outlet) : 0, interface);
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
        r->answered[worker] = m->answers;
        break;
    case WORKER_FAILED:
        r->error = r->error ? r->error : m->error;
        break;
    case WORKER_DONE:
        r->done++;
        break;
    }
}

enum recorder_taken recorder_take(struct recorder *r, struct team *team, bool patient) {
    enum recorder_taken taken = RECORDER_NONE;
    for (unsigned i = 0; i < team_workers(team); i++) {
        const struct worker_message *m;
        for (unsigned n = 0; n < MESSAGES_AT_ONCE; n++) {
            if (patient && n % MESSAGES_PER_LOOK == 0 && outputs_late(r->settings.outputs) && !team_crowded(team)) {
                return RECORDER_LATE;
            }
            if (!(m = team_next(team, i))) {
                break;
            }
            take_message(r, i, m);
            taken = RECORDER_SOME;
        }
    }
    return taken;
}

void recorder_flush(struct recorder *r) {
    flush(r);
    tell_gaps(r);
    for (size_t i = 0; i < outputs_count(r->settings.outputs); i++) {
        outputs_owe(r->settings.outputs, i,
                    outlet_lost(r->outlet, i) != 0 || r->untold[i].count != 0 || r->everywhere.count != 0);
    }
}

uint64_t recorder_untold(const struct recorder *r) {
    uint64_t count = 0;
    for (size_t i = 0; i < outputs_count(r->settings.outputs); i++) {
        count += outlet_lost(r->outlet, i);
        count += untold_records(&r->untold[i]);
    }
    return count + untold_records(&r->everywhere);
}

/* ---- figures */

void recorder_figures(const struct recorder *r, struct figures *f) {
    stats_add(&f->stats, &r->stats);
    f->memory_held += r->memory.held;
    for (size_t i = 0; i < outputs_count(r->settings.outputs); i++) {
        struct output_figures *o = &f->outputs[f->output_count++];
        uint64_t refused = outlet_refusals(r->outlet, i);
        outputs_figures(r->settings.outputs, i, o);
        o->records = outlet_taken(r->outlet, i) + refused;
        o->dropped += refused;
    }
}

void recorder_look(struct recorder *r, const struct figures *now, const struct figures *before) {
    findings_figures(r->findings, now, before, outlet_records(r->outlet));
}

bool recorder_answered(const struct recorder *r, unsigned asked) {
    bool all = true;
    for (unsigned i = 0; i < r->settings.workers; i++) {
        all &= r->answered[i] == asked;
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
    r->memory.ceiling = settings->memory;
    struct findings_settings rules = {.run_id = settings->run_id,
                                      .secret = settings->secret,
                                      .at_once = true,
                                      .loss_percent = settings->loss_percent,
                                      .budget = &r->memory};
    struct findings_sink to = {r, take_finding};
    r->answered = calloc(settings->workers, sizeof *r->answered);
    r->outlet = outlet_new(settings->run_id, outputs_sinks(settings->outputs), outputs_count(settings->outputs));
    r->findings = findings_new(&rules, &to, &r->stats);
    if (!r->answered || !r->outlet || !r->findings) {
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
    free(r->answered);
    free(r);
}
