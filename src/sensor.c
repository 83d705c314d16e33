#include "sensor.h"

#include <errno.h>
#include <fcntl.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/random.h>
#include <sys/signalfd.h>
#include <time.h>
#include <unistd.h>

#include "base/packet_clock.h"
#include "base/resident.h"
#include "base/siphash.h"
#include "base/system_clock.h"
#include "broker.h"
#include "capture/live.h"
#include "config.h"
#include "delivery/file_sink.h"
#include "output/metrics.h"
#include "output/metrics_server.h"
#include "recorder.h"
#include "sandbox.h"
#include "service.h"
#include "worker.h"

enum { WHY_SIZE = 512, METRICS_FILE_SECONDS = 10 };

/* The part of the ceiling that rules may take. */
enum { FINDINGS_SHARE = 16 };

/* TERM, and no more is captured: so long workers wait for room at the outlet, and so long after that the output may take. */
#define STOP_WORKERS_NS (3 * SECOND_NS)
#define STOP_OUTPUT_NS SECOND_NS

/* Figures that were asked for are waited for so long. */
#define ANSWER_NS (SECOND_NS / 2)

enum wakes { WAKE_NEWS, WAKE_SIGNAL, WAKE_INTERFACES, WAKE_OUTPUT, WAKES };
enum files { FILE_OUTPUT, FILE_CONFIG, FILE_METRICS, FILES };

struct sensor {
    struct options *options;
    struct pipeline_settings pipelines[2]; /* what the workers have, and what they had before or get next */
    unsigned pipeline_at;
    const char *interfaces[OPTIONS_INTERFACES_MAX];
    struct broker_file files[FILES];
    struct broker *broker;
    struct live *live;
    struct team *team;
    struct appender *appender;
    struct recorder *recorder;
    struct metrics_server *metrics;
    int metrics_fd;
    struct service service;
    struct resident resident;
    struct pollfd wakes[WAKES];
    sigset_t signals, endings; /* endings: TERM and INT of them */
    uint64_t start_ns;         /* wall clock */
    uint64_t stats_interval_ns;
    uint64_t next_second, next_stats; /* monotonic */
    unsigned asked;
    uint64_t answer_until; /* monotonic; 0: nothing was asked */
    uint64_t stop_until;   /* monotonic; 0: it is not stopping */
    uint64_t seconds;
    const char *reason;         /* why it stops, for the record */
    struct figures now, before; /* before: at the last stats */
    struct sensor_event event;
    int output_trouble; /* as it was told last */
    int status;
};

static int fail(struct sensor *s, const char *why) {
    log_error("%s", why);
    s->status = EXIT_FAILURE;
    return -1;
}

static int no_memory(struct sensor *s) {
    return fail(s, "out of memory; close other programs, or give less with --memory and --buffer");
}

/* ---- the end */

static void stop(struct sensor *s, const char *reason) {
    if (s->stop_until == 0) {
        signal(SIGTERM, SIG_DFL); /* the second one: at once */
        signal(SIGINT, SIG_DFL);
        sigprocmask(SIG_UNBLOCK, &s->endings, NULL);
        s->reason = reason;
        s->stop_until = system_clock_ns(CLOCK_MONOTONIC) + STOP_WORKERS_NS;
        service_stopping(&s->service);
        team_stop(s->team, system_clock_ns(CLOCK_REALTIME), STOP_WORKERS_NS);
    }
}

static void stop_failed(struct sensor *s, const char *reason) {
    s->status = EXIT_FAILURE;
    stop(s, reason);
}

/* ---- figures */

static void take_figures(struct sensor *s) {
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
    recorder_figures(s->recorder, f);
}

static void tell_stats(struct sensor *s) {
    take_figures(s);
    sensor_event_stats(&s->event, &s->now);
    recorder_sensor(s->recorder, &s->event);
    recorder_look(s->recorder, &s->now, &s->before);
    s->before = s->now;
    recorder_flush(s->recorder);
}

/* The workers are asked first, so that the record tells of now. */
static void ask_for_stats(struct sensor *s) {
    s->asked = team_ask(s->team);
    s->answer_until = system_clock_ns(CLOCK_MONOTONIC) + ANSWER_NS;
}

static void take_answers(struct sensor *s) {
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
static void publish(struct sensor *s, bool now) {
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

static void tell_service(const struct sensor *s) {
    struct capture_figures c = figures_capture(&s->now);
    service_status(&s->service,
                   "%" PRIu64 " packets, %" PRIu64 " dropped by the kernel, %" PRIu64 " by interfaces; %" PRIu64
                   " connections; %" PRIu64 " records, %" PRIu64 " lost",
                   c.received, c.dropped, c.interface_dropped, s->now.flows_active, s->now.outputs[0].records,
                   s->now.outputs[0].dropped + s->now.records_dropped);
}

/* ---- the output */

/* Said when it begins and when it is over, not for each line. */
static void look_at_output(struct sensor *s) {
    char why[WHY_SIZE];
    int trouble = appender_trouble(s->appender);
    if (trouble == s->output_trouble) {
        return;
    }
    s->output_trouble = trouble;
    if (trouble == 0) {
        log_note("%s: can be written again", options_file(s->options));
    } else if (trouble == -EPIPE && strcmp(options_file(s->options), "-") == 0) {
        log_note("standard output: the reader went away");
        stop_failed(s, "output_closed");
    } else if (trouble != -EAGAIN) {
        file_sink_explain(options_file(s->options), trouble, why, sizeof why);
        log_error("%s; records are kept meanwhile, up to %d MiB", why, APPENDER_WAITING_MAX >> 20);
    }
}

static void reopen_output(struct sensor *s) {
    char why[WHY_SIZE];
    int fd = strcmp(options_file(s->options), "-") == 0 ? -1 : broker_open(s->broker, FILE_OUTPUT);
    if (fd >= 0) {
        recorder_flush(s->recorder);
        appender_reopen(s->appender, fd);
    } else if (strcmp(options_file(s->options), "-") != 0) {
        file_sink_explain(options_file(s->options), fd, why, sizeof why);
        log_error("%s; going on with the file that is open", why);
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
    reopen_output(s);
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
            ask_for_stats(s);
            break;
        default:
            stop(s, info.ssi_signo == SIGINT ? "interrupt" : "terminate");
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
    look_at_output(s);
    (void)resident_look(&s->resident);
    if (now >= s->next_stats) {
        s->next_stats = now + s->stats_interval_ns;
        ask_for_stats(s);
    }
    take_figures(s);
    publish(s, false);
    tell_service(s);
}

static int wait_ms(const struct sensor *s) {
    uint64_t now = system_clock_ns(CLOCK_MONOTONIC), next = s->next_second;
    if (s->answer_until != 0 && s->answer_until < next) {
        next = s->answer_until;
    }
    return now >= next ? 0 : (int)((next - now) / 1000000) + 1;
}

static void take_news(struct sensor *s) {
    uint64_t count;
    (void)!read(s->wakes[WAKE_NEWS].fd, &count, sizeof count);
    if (recorder_take(s->recorder, s->team)) {
        recorder_flush(s->recorder);
        look_at_output(s);
        s->wakes[WAKE_NEWS].revents = POLLIN; /* there may be more */
    } else {
        s->wakes[WAKE_NEWS].revents = 0;
    }
    if (recorder_error(s->recorder) != 0 && s->stop_until == 0) {
        log_error("capturing ended: %s; see the lines before this one", strerror(-recorder_error(s->recorder)));
        stop_failed(s, "capture_failed");
    }
}

static bool over(const struct sensor *s) {
    return s->stop_until != 0 && (recorder_done(s->recorder) == team_workers(s->team) ||
                                  system_clock_ns(CLOCK_MONOTONIC) >= s->stop_until + SECOND_NS);
}

static void loop(struct sensor *s) {
    while (!over(s)) {
        bool more = s->wakes[WAKE_NEWS].revents != 0;
        s->wakes[WAKE_OUTPUT] = (struct pollfd){.fd = appender_descriptor(s->appender), .events = POLLOUT};
        poll(s->wakes, WAKES, more ? 0 : wait_ms(s));
        if (s->wakes[WAKE_SIGNAL].revents) {
            take_signals(s);
        }
        if (s->wakes[WAKE_INTERFACES].revents) {
            live_watch(s->live, interface_changed, s);
        }
        if (more || s->wakes[WAKE_NEWS].revents) {
            take_news(s);
        }
        if (s->wakes[WAKE_OUTPUT].revents) {
            recorder_flush(s->recorder);
            look_at_output(s);
        }
        take_answers(s);
        each_second(s);
    }
}

static void finish(struct sensor *s) {
    if (recorder_done(s->recorder) < team_workers(s->team)) {
        log_error("a worker did not come to its end in time; what it had not handed on is lost");
        s->status = EXIT_FAILURE;
    }
    while (recorder_take(s->recorder, s->team)) { /* of workers that came to no end in time */
    }
    recorder_finish(s->recorder);
    take_figures(s);
    sensor_event_stop(&s->event, &s->now, s->reason);
    recorder_sensor(s->recorder, &s->event);
    recorder_flush(s->recorder);
    bool reader = appender_trouble(s->appender) != -EPIPE; /* without one it was said already */
    if (reader && !appender_drain(s->appender, STOP_OUTPUT_NS)) {
        log_error("%s: %zu bytes of records could not be written before the end, and %" PRIu64
                  " records found no room before that",
                  options_file(s->options), appender_waiting(s->appender), recorder_untold(s->recorder));
        s->status = EXIT_FAILURE;
    }
    recorder_flush(s->recorder);
    publish(s, true);
    if (recorder_done(s->recorder) < team_workers(s->team)) {
        _exit(EXIT_FAILURE); /* a thread that hangs cannot be waited for */
    }
}

/* ---- the start */

/* Signals come through a descriptor, in this thread alone. */
static int block_signals(struct sensor *s) {
    sigemptyset(&s->signals);
    sigaddset(&s->signals, SIGTERM);
    sigaddset(&s->signals, SIGINT);
    sigaddset(&s->signals, SIGHUP);
    sigaddset(&s->signals, SIGUSR1);
    sigemptyset(&s->endings);
    sigaddset(&s->endings, SIGTERM);
    sigaddset(&s->endings, SIGINT);
    sigprocmask(SIG_BLOCK, &s->signals, NULL);
    signal(SIGPIPE, SIG_IGN);
    int fd = signalfd(-1, &s->signals, SFD_CLOEXEC | SFD_NONBLOCK), news = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    s->wakes[WAKE_SIGNAL] = (struct pollfd){.fd = fd, .events = POLLIN};
    s->wakes[WAKE_NEWS] = (struct pollfd){.fd = news, .events = POLLIN};
    return fd >= 0 && news >= 0 ? 0 : no_memory(s);
}

/* True: a second passed; false: it is to end. */
static bool pass_second(struct sensor *s) {
    struct signalfd_siginfo info;
    if (poll(&s->wakes[WAKE_SIGNAL], 1, 1000) <= 0) {
        return true;
    }
    bool going_on = true;
    while (read(s->wakes[WAKE_SIGNAL].fd, &info, sizeof info) == (ssize_t)sizeof info) {
        going_on &= info.ssi_signo == SIGHUP || info.ssi_signo == SIGUSR1;
    }
    return going_on;
}

/* What a service waits for is a mistake of whoever types it. */
static int find_interfaces(struct sensor *s) {
    char why[WHY_SIZE];
    for (size_t i = 0; s->service.fd < 0 && i < live_interfaces(s->live); i++) {
        if (live_state(s->live, i) == LIVE_ABSENT) {
            snprintf(why, sizeof why, "%s: there is no such interface; see what there is with: ip link",
                     live_interface_name(s->live, i));
            return fail(s, why);
        }
    }
    return 0;
}

/* Waits until one of the interfaces is up; until one is there only as a service. */
static int open_live(struct sensor *s) {
    const struct options *o = s->options;
    struct live_settings settings = {
        .interfaces = o->live.interfaces,
        .interface_count = o->live.interface_count,
        .workers = o->live.workers,
        .buffer_bytes = o->live.buffer_bytes,
        .timeout_ms = TEAM_RING_MS,
        .snap_length = o->live.snap_length,
        .promiscuous = o->live.promiscuous,
        .filter = o->filter,
        .ports = o->pipeline.ports,
        .port_count = o->pipeline.port_count,
    };
    char why[LIVE_WHY_MAX];
    bool said = false;
    int error;
    while ((error = live_open(&s->live, &settings, why, sizeof why)) == -ENETDOWN ||
           (error == -ENODEV && s->service.fd >= 0)) {
        if (!said) {
            log_note("%s; waiting for it", why);
            service_status(&s->service, "%s; waiting for it", why);
            said = true;
        }
        if (!pass_second(s)) {
            s->status = EXIT_SUCCESS;
            return -1;
        }
    }
    if (error != 0) {
        return fail(s, why);
    }
    s->wakes[WAKE_INTERFACES] = (struct pollfd){.fd = live_watch_fd(s->live), .events = POLLIN};
    return find_interfaces(s);
}

static struct sandbox_settings sandbox_of(const struct options *o) {
    return (struct sandbox_settings){.user = o->live.user, .enabled = o->live.sandbox, .live = true};
}

static int start_broker(struct sensor *s) {
    const struct options *o = s->options;
    struct sandbox_settings sandbox = sandbox_of(o);
    char why[SANDBOX_WHY_SIZE];
    s->files[FILE_OUTPUT] = (struct broker_file){.path = options_file(o), .mode = BROKER_APPEND};
    s->files[FILE_CONFIG] = (struct broker_file){
        .path = o->live.config_file ? o->live.config_file : OPTIONS_CONFIG_DEFAULT, .mode = BROKER_READ};
    s->files[FILE_METRICS] = (struct broker_file){.path = o->live.metrics_file ? o->live.metrics_file : "/dev/null",
                                                  .mode = BROKER_TEMPORARY};
    return broker_start(&s->broker, s->files, FILES, &sandbox, why, sizeof why) == 0 ? 0 : fail(s, why);
}

/* A terminal takes what there is room for, and then has its writer wait, unless it is told not to; and that not for all who share it. */
static int own_terminal(int fd) {
    int own = isatty(fd) ? open("/proc/self/fd/1", O_WRONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC) : -1;
    return own >= 0 ? own : fd;
}

static int open_output(struct sensor *s) {
    const struct options *o = s->options;
    char why[WHY_SIZE];
    int fd = broker_open(s->broker, FILE_OUTPUT);
    fd = fd == STDOUT_FILENO ? own_terminal(fd) : fd;
    if (fd < 0) {
        file_sink_explain(options_file(o), fd, why, sizeof why);
        return fail(s, why);
    }
    s->appender = appender_new(fd, fd != STDOUT_FILENO, APPENDER_WAITING_MAX);
    return s->appender ? 0 : no_memory(s);
}

static int listen_metrics(struct sensor *s) {
    char why[WHY_SIZE];
    if (s->options->live.metrics_address) {
        s->metrics_fd = metrics_listen(s->options->live.metrics_address, why, sizeof why);
        return s->metrics_fd >= 0 ? 0 : fail(s, why);
    }
    return 0;
}

static int make_workers(struct sensor *s) {
    const struct options *o = s->options;
    size_t rules = o->memory / FINDINGS_SHARE;
    unsigned workers = o->live.workers;
    struct pipeline_settings *p = &s->pipelines[0];
    *p = o->pipeline;
    p->interfaces = s->interfaces;
    if (p->flows_max != 0) {
        p->flows_max = (p->flows_max + workers - 1) / workers;
    }
    for (size_t i = 0; i < live_interfaces(s->live); i++) {
        s->interfaces[i] = live_interface_name(s->live, i);
    }
    if (getrandom(&p->secret, sizeof p->secret, 0) != (ssize_t)sizeof p->secret) {
        p->secret = system_clock_ns(CLOCK_MONOTONIC) ^ (uint64_t)getpid() << 32;
    }
    struct team_settings team = {.workers = workers,
                                 .live = s->live,
                                 .pipeline = p,
                                 .memory = o->memory - rules,
                                 .wake_fd = s->wakes[WAKE_NEWS].fd};
    struct recorder_settings recorder = {.run_id = s->start_ns,
                                         .secret = p->secret,
                                         .sensor_id = o->pipeline.sensor_id,
                                         .interfaces = s->interfaces,
                                         .output_name = options_file(o),
                                         .output = s->appender,
                                         .memory = rules,
                                         .loss_percent = o->live.loss_percent,
                                         .workers = workers};
    s->team = team_new(&team);
    s->recorder = recorder_new(&recorder);
    return s->team && s->recorder ? 0 : no_memory(s);
}

static int enter_sandbox(struct sensor *s) {
    struct sandbox_settings sandbox = sandbox_of(s->options);
    char why[SANDBOX_WHY_SIZE];
    resident_begin(&s->resident, 0,
                   s->options->memory + s->options->live.buffer_bytes * s->options->live.interface_count);
    return sandbox_enter(&sandbox, why, sizeof why) == 0 ? 0 : fail(s, why);
}

/* Of all settings, as -T tells them. */
static uint64_t options_digest(const struct options *o) {
    static const struct siphash_key key = {UINT64_C(0x736d627461702e31), UINT64_C(0x73656e736f722e31)};
    char *text = NULL;
    size_t n = 0;
    FILE *memory = open_memstream(&text, &n);
    int error = memory ? options_print(o, memory) : -1;
    if (memory && fclose(memory) != 0) {
        error = -1;
    }
    uint64_t digest = error == 0 ? siphash24(key, (struct view){(const uint8_t *)text, n}) : 0;
    free(text);
    return digest;
}

static void tell_start(struct sensor *s) {
    const struct options *o = s->options;
    struct sensor_start start = {
        .time_ns = s->start_ns,
        .configuration_digest = options_digest(o),
        .inputs = s->interfaces,
        .input_count = (unsigned)live_interfaces(s->live),
        .snap_length = (unsigned)o->live.snap_length,
        .workers = team_workers(s->team),
        .filter = live_filter(s->live, 0),
    };
    sensor_event_start(&s->event, &start);
    recorder_sensor(s->recorder, &s->event);
    recorder_flush(s->recorder);
}

static int go(struct sensor *s) {
    if (s->metrics_fd >= 0) {
        s->metrics = metrics_server_new(s->metrics_fd);
        if (!s->metrics) {
            return no_memory(s);
        }
    }
    tell_start(s);
    if (team_start(s->team) != 0) {
        return fail(s, "threads cannot be made; raise the limit (ulimit -u, TasksMax=) or use fewer with --workers");
    }
    s->next_second = system_clock_ns(CLOCK_MONOTONIC) + SECOND_NS;
    s->stats_interval_ns = s->options->live.stats_interval_ns;
    s->next_stats = s->next_second - SECOND_NS + s->stats_interval_ns;
    take_figures(s);
    s->before = s->now;
    publish(s, true);
    log_waits(false); /* what could not start was told; from now on records come first */
    service_ready(&s->service);
    for (size_t i = 0; i < live_interfaces(s->live); i++) {
        if (live_state(s->live, i) != LIVE_UP) {
            log_note("%s: is not up; waiting for it", live_interface_name(s->live, i));
        }
    }
    return 0;
}

static int open_service(struct sensor *s) {
    char why[WHY_SIZE];
    return service_open(&s->service, why, sizeof why) == 0 ? 0 : fail(s, why);
}

/* All that may fail for a reason of the operator's comes before privileges go, and the first packet after. */
static int start(struct sensor *s) {
    static int (*const steps[])(struct sensor *) = {block_signals,  open_service,  start_broker,
                                                    listen_metrics, open_output,   open_live,
                                                    make_workers,   enter_sandbox, go};
    for (size_t i = 0; i < sizeof steps / sizeof steps[0]; i++) {
        if (steps[i](s) != 0) {
            return -1;
        }
    }
    return 0;
}

static void sensor_free(struct sensor *s) {
    team_free(s->team);
    recorder_free(s->recorder);
    metrics_server_free(s->metrics);
    appender_free(s->appender);
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
    return !closed || strcmp(options_file(options), "-") != 0;
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
    if (start(s) == 0) {
        loop(s);
        finish(s);
    }
    int status = s->status;
    sensor_free(s);
    return status;
}
