/* How a sensor comes to its first packet. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/random.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "base/siphash.h"
#include "base/system_clock.h"
#include "log.h"
#include "sandbox.h"
#include "sensor_state.h"

/* The part of the ceiling that rules may take. */
enum { FINDINGS_SHARE = 16 };

int sensor_fail(struct sensor *s, const char *why) {
    log_error("%s", why);
    s->status = EXIT_FAILURE;
    return -1;
}

int sensor_no_memory(struct sensor *s) {
    return sensor_fail(s, "out of memory; close other programs, or give less with --memory and --buffer");
}

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
    return fd >= 0 && news >= 0 ? 0 : sensor_no_memory(s);
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
    char why[SENSOR_WHY_SIZE];
    for (size_t i = 0; s->service.fd < 0 && i < live_interfaces(s->live); i++) {
        if (live_state(s->live, i) == LIVE_ABSENT) {
            snprintf(why, sizeof why, "%s: there is no such interface; see what there is with: ip link",
                     live_interface_name(s->live, i));
            return sensor_fail(s, why);
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
        return sensor_fail(s, why);
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
    s->files[FILE_CONFIG] = (struct broker_file){
        .path = o->live.config_file ? o->live.config_file : OPTIONS_CONFIG_DEFAULT, .mode = BROKER_READ};
    s->files[FILE_METRICS] = (struct broker_file){.path = o->live.metrics_file ? o->live.metrics_file : "/dev/null",
                                                  .mode = BROKER_TEMPORARY};
    return broker_start(&s->broker, s->files, FILES, &sandbox, why, sizeof why) == 0 ? 0 : sensor_fail(s, why);
}

/* A terminal takes what there is room for, and then has its writer wait, unless it is told not to; and that not for all who share it. */
static int own_terminal(int fd) {
    int own = isatty(fd) ? open("/proc/self/fd/1", O_WRONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC) : -1;
    return own >= 0 ? own : fd;
}

static int open_outputs(struct sensor *s) {
    const struct options *o = s->options;
    const struct sandbox_settings sandbox = sandbox_of(o);
    const struct outputs_settings settings = {
        .list = o->outputs, .count = o->output_count, .sandbox = &sandbox, .run_id = s->start_ns, .live = true};
    char why[OUTPUTS_WHY_SIZE];
    if (outputs_start(&s->outputs, &settings, why) != 0) {
        return sensor_fail(s, why);
    }
    for (size_t i = 0; i < outputs_count(s->outputs); i++) {
        if (outputs_wants(s->outputs, i) && outputs_attach(s->outputs, i, own_terminal(STDOUT_FILENO)) != 0) {
            return sensor_no_memory(s);
        }
    }
    return 0;
}

static int listen_metrics(struct sensor *s) {
    char why[SENSOR_WHY_SIZE];
    if (s->options->live.metrics_address) {
        s->metrics_fd = metrics_listen(s->options->live.metrics_address, why, sizeof why);
        return s->metrics_fd >= 0 ? 0 : sensor_fail(s, why);
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
                                         .outputs = s->outputs,
                                         .memory = rules,
                                         .loss_percent = o->live.loss_percent,
                                         .workers = workers};
    s->team = team_new(&team);
    s->recorder = recorder_new(&recorder);
    return s->team && s->recorder ? 0 : sensor_no_memory(s);
}

static int enter_sandbox(struct sensor *s) {
    struct sandbox_settings sandbox = sandbox_of(s->options);
    char why[SANDBOX_WHY_SIZE];
    resident_begin(&s->resident, 0,
                   s->options->memory + s->options->live.buffer_bytes * s->options->live.interface_count);
    return sandbox_enter(&sandbox, why, sizeof why) == 0 ? 0 : sensor_fail(s, why);
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
            return sensor_no_memory(s);
        }
    }
    tell_start(s);
    if (team_start(s->team) != 0) {
        return sensor_fail(
            s, "threads cannot be made; raise the limit (ulimit -u, TasksMax=) or use fewer with --workers");
    }
    s->next_second = system_clock_ns(CLOCK_MONOTONIC) + SECOND_NS;
    s->stats_interval_ns = s->options->live.stats_interval_ns;
    s->next_stats = s->next_second - SECOND_NS + s->stats_interval_ns;
    sensor_figures_take(s);
    s->before = s->now;
    sensor_figures_publish(s, true);
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
    char why[SENSOR_WHY_SIZE];
    return service_open(&s->service, why, sizeof why) == 0 ? 0 : sensor_fail(s, why);
}

/* All that may fail for a reason of the operator's comes before privileges go, and the first packet after. */
int sensor_start(struct sensor *s) {
    static int (*const steps[])(struct sensor *) = {block_signals, open_service,   open_outputs,
                                                    start_broker,  listen_metrics, open_live,
                                                    make_workers,  enter_sandbox,  go};
    for (size_t i = 0; i < sizeof steps / sizeof steps[0]; i++) {
        if (steps[i](s) != 0) {
            return -1;
        }
    }
    return 0;
}
