/* What a running sensor tells of itself: records, metrics, the service manager. */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/system_clock.h"
#include "log.h"
#include "output/metrics.h"
#include "sensor_state.h"

/* Of the metrics' file. */
enum { METRICS_FILE_SECONDS = 10 };

/* Figures that were asked for are waited for so long. */
#define ANSWER_NS (SECOND_NS / 2)

static void add_worker(struct figures *f, const struct worker_figures *w) {
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

void sensor_figures_take(struct sensor *s) {
    struct figures *f = &s->now;
    *f = (struct figures){.time_ns = system_clock_ns(CLOCK_REALTIME), .start_ns = s->start_ns};
    f->workers = team_workers(s->team);
    f->memory_limit = s->options->memory;
    f->interface_count = (unsigned)live_interfaces(s->live);
    for (unsigned i = 0; i < f->interface_count; i++) {
        f->interfaces[i] = (struct interface_figures){
            .name = live_interface_name(s->live, i),
            .up = live_state(s->live, i) == LIVE_UP,
            .interface_dropped = live_interface_dropped(s->live, i),
            .interface_packets = live_interface_packets(s->live, i),
        };
    }
    for (unsigned i = 0; i < f->workers; i++) {
        struct worker_figures w;
        team_figures(s->team, i, &w);
        add_worker(f, &w);
    }
    recorder_figures(s->recorder, f);
}

uint64_t sensor_figures_unread(const struct sensor *s) {
    uint64_t count = 0;
    for (unsigned i = 0; i < team_workers(s->team); i++) {
        struct worker_figures w;
        team_figures(s->team, i, &w);
        count += w.unread;
    }
    return count;
}

static void tell_stats(struct sensor *s) {
    sensor_figures_take(s);
    sensor_event_stats(&s->event, &s->now);
    recorder_sensor(s->recorder, &s->event);
    recorder_look(s->recorder, &s->now, &s->before);
    s->before = s->now;
    recorder_flush(s->recorder);
}

/* The workers are asked first, so that the record tells of now. */
void sensor_figures_ask(struct sensor *s) {
    s->asked = team_ask(s->team);
    s->answer_until = system_clock_ns(CLOCK_MONOTONIC) + ANSWER_NS;
}

void sensor_figures_answer(struct sensor *s) {
    if (s->answer_until != 0 &&
        (recorder_answered(s->recorder, s->asked) || system_clock_ns(CLOCK_MONOTONIC) >= s->answer_until)) {
        s->answer_until = 0;
        tell_stats(s);
    }
}

static void write_metrics_file(struct sensor *s, const char *text) {
    int fd = broker_open(s->broker, FILE_METRICS), error = fd < 0 ? fd : 0;
    for (size_t n = strlen(text); error == 0 && n != 0;) {
        ssize_t written = write(fd, text, n);
        if (written > 0) {
            text += written;
            n -= (size_t)written;
        } else if (errno != EINTR) {
            error = -errno;
        }
    }
    if (fd >= 0 && close(fd) != 0 && error == 0) {
        error = -errno;
    }
    if (error == 0) {
        error = broker_commit(s->broker, FILE_METRICS);
    }
    if (error != 0 && s->seconds % 60 < METRICS_FILE_SECONDS) { /* once a minute */
        log_error("%s: metrics cannot be written: %s; check the folder, or name another file with --metrics-file",
                  s->options->live.metrics_file, strerror(-error));
    }
}

/* now: the file also between its times. */
void sensor_figures_publish(struct sensor *s, bool now) {
    bool file = s->options->live.metrics_file && (now || s->seconds % METRICS_FILE_SECONDS == 0);
    if (!s->metrics && !file) {
        return;
    }
    char *text = metrics_text(&s->now);
    if (text && file) {
        write_metrics_file(s, text);
    }
    if (text && s->metrics) {
        metrics_server_publish(s->metrics, text);
    } else {
        free(text);
    }
}

void sensor_figures_tell(const struct sensor *s) {
    struct capture_figures c = figures_capture(&s->now);
    uint64_t lost = s->now.records_dropped;
    for (unsigned i = 0; i < s->now.output_count; i++) {
        lost += s->now.outputs[i].dropped;
    }
    service_status(&s->service,
                   "%" PRIu64 " packets, %" PRIu64 " dropped by the kernel, %" PRIu64 " by interfaces; %" PRIu64
                   " connections; %" PRIu64 " records, %" PRIu64 " lost",
                   c.received, c.dropped, c.interface_dropped, s->now.flows_active, s->now.stats.records, lost);
}
