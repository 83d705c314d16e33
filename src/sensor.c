#include "sensor.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "base/system_clock.h"
#include "config.h"
#include "log.h"
#include "sensor_state.h"

/* TERM, and no more is captured: so long workers wait for room at the outlet, and so long after that the outputs may take. */
#define STOP_WORKERS_NS (3 * SECOND_NS)
/* Of that, when records no longer wait with the workers for an output that is late: what it does not have room for then is lost. */
#define STOP_IMPATIENT_NS (STOP_WORKERS_NS / 2)
#define STOP_OUTPUT_NS SECOND_NS
#define STOP_SETTLE_NS (SECOND_NS / 10)

enum { LATE_MS = 5 }; /* between two looks whether an output has room again, where it does not tell */

/* ---- the end */

static void stop(struct sensor *s, const char *reason) {
    if (s->stop_until == 0) {
        s->reason = reason;
        s->stop_until = system_clock_ns(CLOCK_MONOTONIC) + STOP_WORKERS_NS;
        service_stopping(&s->service);
        team_stop(s->team, system_clock_ns(CLOCK_REALTIME), STOP_WORKERS_NS);
    }
}

/* The first order to stop is for the end in good order, also where that has begun for another reason; the second one: at once. */
static void stop_ordered(struct sensor *s, const char *reason) {
    stop(s, reason);
    signal(SIGTERM, SIG_DFL);
    signal(SIGINT, SIG_DFL);
    sigprocmask(SIG_UNBLOCK, &s->endings, NULL);
}

static void stop_failed(struct sensor *s, const char *reason) {
    s->status = EXIT_FAILURE;
    stop(s, reason);
}

/* ---- the outputs */

static void look_at_outputs(struct sensor *s) {
    const char *why = outputs_look(s->outputs);
    if (why && s->stop_until == 0) {
        stop_failed(s, why);
    }
}

/* ---- signals and interfaces */

/* The text of a descriptor, which is closed; NULL where it cannot be read, or is longer than a configuration can be. */
static char *read_all(int fd, size_t *length) {
    char *text = malloc(CONFIG_BYTES_MAX + 1);
    ssize_t got = text ? 0 : -1;
    for (*length = 0; got >= 0 && *length <= CONFIG_BYTES_MAX; *length += (size_t)got) {
        got = read(fd, text + *length, CONFIG_BYTES_MAX + 1 - *length);
        if (got == 0) {
            break;
        }
        if (got < 0 && errno == EINTR) {
            got = 0;
        }
    }
    close(fd);
    if (got < 0 || *length > CONFIG_BYTES_MAX) {
        free(text);
        text = NULL;
    }
    return text;
}

/* What may change while it runs; options_reload named what may not. */
static void take_changes(struct sensor *s, struct options *fresh) {
    if (!team_reconfigure(s->team, &s->pipelines[s->pipeline_at])) { /* the other may still be in use */
        log_error("a worker is too busy to take a configuration; going on with the one as it was");
        return;
    }
    struct pipeline_settings *next = &s->pipelines[s->pipeline_at ^ 1];
    *next = s->pipelines[s->pipeline_at];
    next->every_operation = fresh->pipeline.every_operation;
    memcpy(next->home, fresh->pipeline.home, sizeof next->home);
    next->home_count = fresh->pipeline.home_count;
    if (!team_reconfigure(s->team, next)) {
        log_error("a worker is too busy to take the new configuration; it will as soon as it can");
    }
    s->pipeline_at ^= 1;
    s->stats_interval_ns = fresh->live.stats_interval_ns;
    s->next_stats = system_clock_ns(CLOCK_MONOTONIC) + s->stats_interval_ns;
    recorder_loss_percent(s->recorder, fresh->live.loss_percent);
    log_set_level(fresh->level);
}

static void reload(struct sensor *s) {
    static struct options fresh; /* too large for the stack */
    size_t length = 0;
    const char *path = s->options->live.config_file;
    int fd = path ? broker_open(s->broker, FILE_CONFIG) : -1;
    if (!path) {
        return;
    }
    char *text = fd >= 0 ? read_all(fd, &length) : NULL;
    if (!text) {
        log_error("%s: cannot be read: %s; going on with the configuration as it was", path,
                  fd < 0 ? strerror(-fd) : "too long, or out of memory");
        return;
    }
    if (options_reload(&fresh, s->options, text, length)) {
        take_changes(s, &fresh);
        options_free(&fresh);
        log_note("%s: read again", path);
    }
    free(text);
}

static void hang_up(struct sensor *s) {
    service_reloading(&s->service);
    recorder_flush(s->recorder); /* what was before it goes into the file that was */
    outputs_reopen(s->outputs);
    reload(s);
    service_ready(&s->service);
}

static void take_signals(struct sensor *s) {
    struct signalfd_siginfo info;
    while (read(s->wakes[WAKE_SIGNAL].fd, &info, sizeof info) == (ssize_t)sizeof info) {
        switch ((int)info.ssi_signo) {
        case SIGHUP:
            hang_up(s);
            break;
        case SIGUSR1:
            sensor_figures_ask(s);
            break;
        default:
            stop_ordered(s, info.ssi_signo == SIGINT ? "interrupt" : "terminate");
        }
    }
}

static void interface_changed(void *arg, size_t interface, enum live_state state) {
    struct sensor *s = arg;
    const char *name = live_interface_name(s->live, interface);
    switch (state) {
    case LIVE_UP:
        log_note("%s: is up", name);
        return;
    case LIVE_DOWN:
        log_note("%s: is down; waiting until it is up again", name);
        return;
    case LIVE_ABSENT:
        break;
    }
    if (team_workers(s->team) == 1) {
        log_note("%s: is gone; waiting until it is there again", name);
        return;
    }
    log_error("%s: is gone, and what several workers share cannot be opened again without the right to capture; "
              "ending, so that the "
              "service manager starts smbtap anew, which waits for it; or use --workers 1",
              name);
    stop_failed(s, "interface_gone");
}

/* ---- the loop */

static void each_second(struct sensor *s) {
    uint64_t now = system_clock_ns(CLOCK_MONOTONIC);
    if (now < s->next_second) {
        return;
    }
    s->next_second += SECOND_NS;
    if (s->next_second <= now) { /* it was suspended */
        s->next_second = now + SECOND_NS;
    }
    s->seconds++;
    if (team_alive(s->team)) {
        service_alive(&s->service);
    }
    recorder_flush(s->recorder);
    look_at_outputs(s);
    (void)resident_look(&s->resident);
    if (now >= s->next_stats) {
        s->next_stats = now + s->stats_interval_ns;
        sensor_figures_ask(s);
    }
    sensor_figures_take(s);
    sensor_figures_publish(s, false);
    sensor_figures_tell(s);
}

static int wait_ms(const struct sensor *s) {
    if (s->more != RECORDER_NONE) {
        return s->more == RECORDER_LATE ? LATE_MS : 0;
    }
    uint64_t now = system_clock_ns(CLOCK_MONOTONIC), next = s->next_second;
    if (s->answer_until != 0 && s->answer_until < next) {
        next = s->answer_until;
    }
    return now >= next ? 0 : (int)((next - now) / 1000000) + 1;
}

/* Several may be late one after the other, and one that hangs takes its time behind this as well. */
static bool may_wait_for_outputs(const struct sensor *s) {
    return s->stop_until == 0 || system_clock_ns(CLOCK_MONOTONIC) + STOP_IMPATIENT_NS < s->stop_until;
}

static void take_news(struct sensor *s) {
    uint64_t count;
    (void)!read(s->wakes[WAKE_NEWS].fd, &count, sizeof count);
    enum recorder_taken taken = recorder_take(s->recorder, s->team, may_wait_for_outputs(s));
    if (taken != RECORDER_NONE) {
        recorder_flush(s->recorder);
        look_at_outputs(s);
    }
    s->more = taken;
    if (recorder_error(s->recorder) != 0 && s->stop_until == 0) {
        log_error("capturing ended: %s; see the lines before this one", strerror(-recorder_error(s->recorder)));
        stop_failed(s, "capture_failed");
    }
}

static bool over(const struct sensor *s) {
    return s->stop_until != 0 && (recorder_done(s->recorder) == team_workers(s->team) ||
                                  system_clock_ns(CLOCK_MONOTONIC) >= s->stop_until + SECOND_NS);
}

static bool output_woke(const struct sensor *s) {
    bool any = false;
    for (unsigned i = 0; i < s->output_wakes; i++) {
        any = any || s->wakes[WAKES + i].revents;
    }
    return any;
}

static void loop(struct sensor *s) {
    while (!over(s)) {
        s->output_wakes = outputs_poll(s->outputs, s->wakes + WAKES);
        poll(s->wakes, WAKES + s->output_wakes, wait_ms(s));
        if (s->wakes[WAKE_SIGNAL].revents) {
            take_signals(s);
        }
        if (s->wakes[WAKE_INTERFACES].revents) {
            live_watch(s->live, interface_changed, s);
        }
        if (s->more != RECORDER_NONE || s->wakes[WAKE_NEWS].revents) {
            take_news(s);
        }
        if (output_woke(s)) {
            look_at_outputs(s);
            recorder_flush(s->recorder);
        }
        sensor_figures_answer(s);
        each_second(s);
    }
}

static void tell_gaps(void *arg) {
    const struct sensor *s = arg;
    recorder_flush(s->recorder);
}

/* What was captured and decoded, and did not get on in time. */
static void tell_left(struct sensor *s) {
    uint64_t unread = sensor_figures_unread(s), untold = recorder_untold(s->recorder);
    if (unread != 0) {
        log_error("%" PRIu64 " packets that had come before the end could not be read in time, and are lost; use more "
                  "--workers, or a narrower filter",
                  unread);
        s->status = EXIT_FAILURE;
    }
    if (untold != 0) {
        log_error("%" PRIu64 " records were lost of which no record tells: an output had no room for them", untold);
        s->status = EXIT_FAILURE;
    }
}

static void finish(struct sensor *s) {
    if (recorder_done(s->recorder) < team_workers(s->team)) {
        log_error("a worker did not come to its end in time; what it had not handed on is lost");
        s->status = EXIT_FAILURE;
    }
    while (recorder_take(s->recorder, s->team, false) != RECORDER_NONE) { /* of workers that came to no end in time */
    }
    recorder_flush(s->recorder); /* what came before the end */
    outputs_last(s->outputs);
    recorder_finish(s->recorder);
    recorder_flush(s->recorder);
    outputs_settle(s->outputs, STOP_SETTLE_NS);
    sensor_figures_take(s);
    sensor_event_stop(&s->event, &s->now, s->reason);
    recorder_sensor(s->recorder, &s->event);
    recorder_flush(s->recorder);
    if (!outputs_finish(s->outputs, STOP_OUTPUT_NS, tell_gaps, s)) {
        s->status = EXIT_FAILURE;
    }
    tell_left(s);
    sensor_figures_take(s);
    sensor_figures_publish(s, true);
    if (recorder_done(s->recorder) < team_workers(s->team)) {
        _exit(EXIT_FAILURE); /* a thread that hangs cannot be waited for */
    }
}

static void sensor_free(struct sensor *s) {
    team_free(s->team);
    recorder_free(s->recorder);
    metrics_server_free(s->metrics);
    outputs_free(s->outputs);
    live_close(s->live);
    broker_stop(s->broker);
    service_close(&s->service);
    resident_end(&s->resident);
    for (unsigned i = 0; i < WAKES; i++) {
        if ((i == WAKE_NEWS || i == WAKE_SIGNAL) && s->wakes[i].fd >= 0) {
            close(s->wakes[i].fd);
        }
    }
    free(s);
}

/* What is opened later is no standard stream. False: records were to go to one that is closed. */
static bool fill_standard_streams(const struct options *options) {
    bool closed = fcntl(STDOUT_FILENO, F_GETFD) < 0;
    int fd = open("/dev/null", O_RDWR | O_NOCTTY);
    while (fd >= 0 && fd <= STDERR_FILENO) {
        fd = dup(fd);
    }
    if (fd >= 0) {
        close(fd);
    }
    bool wanted = false;
    for (size_t i = 0; i < options->output_count; i++) {
        wanted = wanted || options->outputs[i].kind == OUTPUT_STANDARD;
    }
    return !closed || !wanted;
}

int sensor_run(struct options *options) {
    if (!fill_standard_streams(options)) {
        log_error("standard output: is closed; redirect it, or write to a file with -o");
        return EXIT_FAILURE;
    }
    struct sensor *s = calloc(1, sizeof *s);
    if (!s) {
        log_error("out of memory; close other programs and run it again");
        return EXIT_FAILURE;
    }
    s->options = options;
    s->start_ns = system_clock_ns(CLOCK_REALTIME);
    s->metrics_fd = -1;
    s->resident.fd = s->service.fd = -1;
    for (unsigned i = 0; i < WAKES; i++) {
        s->wakes[i].fd = -1;
    }
    if (sensor_start(s) == 0) {
        loop(s);
        finish(s);
    }
    int status = s->status;
    sensor_free(s);
    return status;
}
