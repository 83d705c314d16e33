#include "outputs.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/system_clock.h"
#include "delivery/appender.h"
#include "delivery/file_sink.h"
#include "log.h"
#include "output_process.h"
#include "patience.h"

enum { WAIT_MS = 200, END_MS = 2, LOOK_MS = 50 };

/* Of a replay that somebody ended: so long outputs may still take. */
#define STOPPED_NS (2 * UINT64_C(1000000000))

struct output {
    struct outputs *all;
    size_t place;
    const struct output_settings *settings;
    struct output_process *process; /* NULL: it is written here */
    struct appender *appender;      /* live, standard output */
    struct sink file;               /* a replay's */
    bool attached, closed;          /* file is open; was closed by the outlet's owner */
    bool dead;                      /* its process ended before it was told to */
    int trouble;                    /* of the appender, as it was told last */
    uint64_t taken, written;        /* lines; written: when nothing waited last */
    bool full;                      /* it had no room, and has not enough again */
};

struct outputs {
    struct outputs_settings settings;
    struct sink sinks[FIGURES_OUTPUTS_MAX];
    struct output list[FIGURES_OUTPUTS_MAX];
    struct patience patience[FIGURES_OUTPUTS_MAX];
    bool last; /* only what is told at the end still comes */
    bool finishing;
    void (*news)(void *); /* then */
    void *news_arg;
};

static struct channel *channel_of(const struct output *o) {
    return output_process_channel(o->process);
}

/* ---- sinks */

static bool want(void *state, const struct line *line) {
    const struct output *o = state;
    bool own = line->gap && (line->gap_sink == o->place || line->gap_sink == SINK_EACH);
    if (o->closed ||
        (o->dead && o->all->finishing)) { /* one that has come to its end has no part in what is told behind it */
        return false;
    }
    return own || output_settings_want(o->settings, line);
}

static bool runs(struct output *o) {
    int status;
    if (!o->dead && !output_process_runs(o->process, &status)) {
        o->dead = true;
        if (!o->all->finishing) {
            log_error("%s: its process ended; nothing more goes there, see the lines before this one",
                      o->settings->name);
        }
    }
    return !o->dead;
}

/* Waits until there is room for what did not find any. False: somebody wants the end, or nobody is there to make room. */
static bool wait_for_room(struct output *o) {
    struct pollfd p = {.fd = channel_news(channel_of(o)), .events = POLLIN};
    const volatile sig_atomic_t *stop = o->all->settings.stop;
    if (!runs(o) || (stop && *stop)) {
        return false;
    }
    if (poll(&p, 1, WAIT_MS) > 0) {
        channel_hear(channel_of(o));
    }
    return true;
}

/* Where one line had no room none has any until half of it is free: then a record tells of all that was lost, and there is room for it.
 * What is told at the end has all there is. */
static bool is_full(struct output *o) {
    o->full = o->full && !o->all->last && !outputs_roomy(o->all, o->place);
    return o->full;
}

static int put(void *state, const struct line_list *lines) {
    struct output *o = state;
    int error;
    if (is_full(o)) {
        return -EAGAIN;
    }
    while ((error = channel_put(channel_of(o), lines->list, lines->count)) == -EAGAIN && !o->all->settings.live) {
        if (!wait_for_room(o)) {
            return -ECANCELED;
        }
    }
    o->taken += error == 0 ? lines->count : 0;
    o->full = error == -EAGAIN;
    return error;
}

static int nothing(void *state) {
    (void)state;
    return 0;
}

static int append(void *state, const struct line_list *lines) {
    struct output *o = state;
    struct sink to = appender_sink(o->appender);
    if (o->full) { /* what it can write now makes room */
        (void)!to.flush(to.state);
    }
    if (is_full(o)) {
        return -EAGAIN;
    }
    int error = to.write(to.state, lines);
    o->taken += error == 0 ? lines->count : 0;
    o->full = error == -EAGAIN;
    o->written = appender_waiting(o->appender) == 0 ? o->taken : o->written;
    return error;
}

static int append_flush(void *state) {
    struct output *o = state;
    struct sink to = appender_sink(o->appender);
    int error = to.flush(to.state);
    o->written = appender_waiting(o->appender) == 0 ? o->taken : o->written;
    return error;
}

static int write_file(void *state, const struct line_list *lines) {
    struct output *o = state;
    return o->file.write(o->file.state, lines);
}

static int close_file(void *state) {
    struct output *o = state;
    o->attached = false;
    o->closed = true;
    o->all->sinks[o->place].want = want;
    return o->file.close(o->file.state);
}

/* ---- starting */

static bool has_process(const struct outputs *all, const struct output_settings *s) {
    return s->kind != OUTPUT_STANDARD && (all->settings.live || s->kind != OUTPUT_PATH);
}

/* All records, for a file: then lines need not be copied for it. */
static bool takes_all(const struct output_settings *s) {
    return s->filter.objects == UINT32_MAX && s->filter.operations == UINT64_MAX;
}

static int start_one(struct outputs *all, size_t i, char why[OUTPUTS_WHY_SIZE]) {
    struct output *o = &all->list[i];
    *o = (struct output){.all = all, .place = i, .settings = &all->settings.list[i]};
    all->sinks[i] = (struct sink){.state = o, .want = want, .write = put, .flush = nothing, .close = nothing};
    if (!has_process(all, o->settings)) {
        return 0;
    }
    const struct output_process_settings s = {.output = o->settings,
                                              .sandbox = all->settings.sandbox,
                                              .run_id = all->settings.run_id,
                                              .live = all->settings.live};
    return output_process_start(&o->process, &s, why);
}

int outputs_start(struct outputs **out, const struct outputs_settings *settings, char why[OUTPUTS_WHY_SIZE]) {
    assert(settings->count <= FIGURES_OUTPUTS_MAX);
    struct outputs *all = calloc(1, sizeof *all);
    if (!all) {
        snprintf(why, OUTPUTS_WHY_SIZE, "out of memory; close other programs and run it again");
        return -ENOMEM;
    }
    all->settings = *settings;
    for (size_t i = 0; i < settings->count; i++) {
        int error = start_one(all, i, why);
        if (error != 0) {
            outputs_free(all);
            return error;
        }
    }
    *out = all;
    return 0;
}

bool outputs_wants(const struct outputs *all, size_t i) {
    return !all->list[i].process;
}

int outputs_attach(struct outputs *all, size_t i, int fd) {
    struct output *o = &all->list[i];
    struct sink *s = &all->sinks[i];
    assert(outputs_wants(all, i));
    if (all->settings.live) {
        o->appender = appender_new(fd, fd != STDOUT_FILENO, APPENDER_WAITING_MAX);
        s->write = append;
        s->flush = append_flush;
        return o->appender ? 0 : -ENOMEM;
    }
    int error = file_sink_open(fd, &o->file);
    o->attached = error == 0;
    s->write = write_file;
    s->close = close_file;
    if (takes_all(o->settings)) {
        s->want = NULL;
    }
    return error;
}

/* ---- what is known of them */

size_t outputs_count(const struct outputs *all) {
    return all->settings.count;
}

const char *outputs_name(const struct outputs *all, size_t i) {
    return all->list[i].settings->name;
}

const struct sink *outputs_sinks(const struct outputs *all) {
    return all->sinks;
}

static size_t bytes_before(const struct output *o) {
    return o->process && !o->dead ? channel_used(channel_of(o)) : o->appender ? appender_waiting(o->appender) : 0;
}

static struct patience_sight sight_of(const struct output *o) {
    return (struct patience_sight){
        .waiting = bytes_before(o),
        .taken = o->process    ? channel_passed(channel_of(o))
                 : o->appender ? appender_written(o->appender)
                               : 0,
        .gone = o->dead,
    };
}

bool outputs_late(struct outputs *all) {
    struct patience_sight seen[FIGURES_OUTPUTS_MAX];
    for (size_t i = 0; i < all->settings.count; i++) {
        seen[i] = sight_of(&all->list[i]);
    }
    return patience_look(all->patience, seen, all->settings.count, system_clock_ns(CLOCK_MONOTONIC));
}

bool outputs_roomy(const struct outputs *all, size_t i) {
    const struct output *o = &all->list[i];
    return o->process ? !o->dead && channel_roomy(channel_of(o))
                      : !o->appender || appender_waiting(o->appender) <= APPENDER_WAITING_MAX / 2;
}

bool outputs_gap(struct outputs *all, size_t i, struct gap *gap) {
    struct output *o = &all->list[i];
    return o->process && !o->dead && channel_gap(channel_of(o), gap);
}

void outputs_owe(struct outputs *all, size_t i, bool owes) {
    if (all->list[i].process) {
        channel_owe(channel_of(&all->list[i]), owes);
    }
}

static void process_figures(const struct output *o, struct output_figures *f) {
    const struct channel_figures *from = channel_figures_of(channel_of(o));
    bool network = output_settings_network(o->settings);
    bool acknowledges =
        o->settings->kind == OUTPUT_RELP || o->settings->kind == OUTPUT_RELP_TLS || o->settings->kind == OUTPUT_KAFKA;
    f->sent = atomic_load(&from->sent);
    f->acknowledged = acknowledges ? atomic_load(&from->acknowledged) : FIGURE_UNKNOWN;
    f->spooled = network ? atomic_load(&from->spooled) : FIGURE_UNKNOWN;
    f->dropped = atomic_load(&from->dropped);
    f->bytes = atomic_load(&from->bytes);
    f->reconnects = network ? atomic_load(&from->reconnects) : FIGURE_UNKNOWN;
    f->oldest_waiting_ns = atomic_load(&from->oldest_waiting_ns);
}

void outputs_figures(struct outputs *all, size_t i, struct output_figures *f) {
    struct output *o = &all->list[i];
    *f = (struct output_figures){.name = outputs_name(all, i),
                                 .sent = o->written,
                                 .acknowledged = FIGURE_UNKNOWN,
                                 .spooled = FIGURE_UNKNOWN,
                                 .bytes = o->appender ? appender_written(o->appender) : 0,
                                 .reconnects = FIGURE_UNKNOWN};
    if (o->process) {
        process_figures(o, f);
    }
}

unsigned outputs_poll(const struct outputs *all, struct pollfd to[OUTPUTS_POLL]) {
    unsigned count = 0;
    for (size_t i = 0; i < all->settings.count; i++) {
        const struct output *o = &all->list[i];
        if (o->process) {
            to[count++] = (struct pollfd){.fd = channel_news(channel_of(o)), .events = POLLIN};
        } else if (o->appender && appender_descriptor(o->appender) >= 0) {
            to[count++] = (struct pollfd){.fd = appender_descriptor(o->appender), .events = POLLOUT};
        }
    }
    return count;
}

/* Said when it begins and when it is over, not for each line. False: nobody reads any more. */
static bool look_at_appender(struct output *o) {
    char why[OUTPUTS_WHY_SIZE];
    int trouble = appender_trouble(o->appender);
    if (trouble == o->trouble) {
        return true;
    }
    o->trouble = trouble;
    if (trouble == -EPIPE) {
        log_note("standard output: the reader went away");
        return false;
    }
    if (trouble == 0) {
        log_note("standard output: can be written again");
    } else if (trouble != -EAGAIN) {
        file_sink_explain("-", trouble, why, sizeof why);
        log_error("%s; records are kept meanwhile, up to %d MiB", why, APPENDER_WAITING_MAX >> 20);
    }
    return true;
}

const char *outputs_look(struct outputs *all) {
    bool alive = false, reader = true;
    for (size_t i = 0; i < all->settings.count; i++) {
        struct output *o = &all->list[i];
        if (o->process) {
            channel_hear(channel_of(o));
            channel_trim(channel_of(o));
            alive = runs(o) || alive;
        } else if (o->appender) {
            alive = true;
            reader = look_at_appender(o) && reader;
        }
    }
    return !reader ? "output_closed" : !alive ? "output_ended" : NULL;
}

void outputs_settle(struct outputs *all, uint64_t ns) {
    uint64_t until = system_clock_ns(CLOCK_MONOTONIC) + ns;
    for (size_t i = 0; i < all->settings.count; i++) {
        struct output *o = &all->list[i];
        while (o->process && runs(o) && !channel_empty(channel_of(o)) && system_clock_ns(CLOCK_MONOTONIC) < until) {
            poll(NULL, 0, END_MS);
        }
    }
}

void outputs_reopen(struct outputs *all) {
    for (size_t i = 0; i < all->settings.count; i++) {
        if (all->list[i].process) {
            channel_order(channel_of(&all->list[i]), CHANNEL_REOPEN, 0);
        }
    }
}

/* ---- the end */

void outputs_last(struct outputs *all) {
    all->last = true;
}

/* What has ended is told nothing any more, and the others what there is. */
static void take_news(struct outputs *all) {
    for (size_t i = 0; i < all->settings.count; i++) {
        (void)(all->list[i].process && runs(&all->list[i]));
    }
    all->news(all->news_arg);
}

static bool finish_appender(struct output *o, uint64_t ns) {
    if (o->trouble == -EPIPE) { /* said already */
        return false;
    }
    uint64_t until = system_clock_ns(CLOCK_MONOTONIC) + ns;
    if (appender_drain(o->appender, ns)) {
        take_news(o->all); /* there is room for it now */
        uint64_t now = system_clock_ns(CLOCK_MONOTONIC);
        if (appender_drain(o->appender, now < until ? until - now : 0)) {
            o->written = o->taken;
            return true;
        }
    }
    log_error("standard output: %zu bytes of records could not be written before the end",
              appender_waiting(o->appender));
    return false;
}

static void order_stop(struct outputs *all, uint64_t until) {
    for (size_t i = 0; i < all->settings.count; i++) {
        if (all->list[i].process) {
            channel_order(channel_of(&all->list[i]), CHANNEL_STOP, until);
        }
    }
}

/* Somebody wants the end of a replay that waits for its receivers: what can be delivered soon still is. */
static void hurry(struct outputs *all, uint64_t *until) {
    const volatile sig_atomic_t *stop = all->settings.stop;
    uint64_t soon = system_clock_ns(CLOCK_MONOTONIC) + STOPPED_NS;
    if (stop && *stop && *until > soon) {
        *until = soon;
        order_stop(all, soon);
    }
}

static void wait_for_news(struct outputs *all, const struct output *of) {
    struct pollfd p[OUTPUTS_POLL];
    unsigned count = 0;
    for (size_t i = 0; i < all->settings.count; i++) {
        const struct output *o = &all->list[i];
        if (o->process && !o->dead) {
            p[count++] = (struct pollfd){.fd = channel_news(channel_of(o)), .events = POLLIN};
        }
    }
    p[count++] = (struct pollfd){.fd = output_process_life(of->process), .events = POLLIN};
    if (poll(p, count, LOOK_MS) > 0) {
        for (unsigned i = 0; i + 1 < count; i++) {
            uint64_t rung;
            (void)!read(p[i].fd, &rung, sizeof rung);
        }
    }
    take_news(all);
}

/* Its exit status; failure where it does not come to its end. */
static int wait_for_process(struct output *o, uint64_t *until) {
    int status;
    while (output_process_runs(o->process, &status)) {
        hurry(o->all, until);
        if (system_clock_ns(CLOCK_MONOTONIC) >= *until + STOPPED_NS) {
            log_error("%s: its process does not come to its end; what it did not deliver may be lost",
                      o->settings->name);
            return EXIT_FAILURE;
        }
        wait_for_news(o->all, o);
    }
    return status;
}

bool outputs_finish(struct outputs *all, uint64_t ns, void (*news)(void *), void *arg) {
    uint64_t now = system_clock_ns(CLOCK_MONOTONIC), until = ns < UINT64_MAX / 2 - now ? now + ns : UINT64_MAX / 2;
    bool good = true;
    all->finishing = true;
    all->news = news;
    all->news_arg = arg;
    order_stop(all, until);
    for (size_t i = 0; i < all->settings.count; i++) {
        const struct output *o = &all->list[i];
        good = good && !(o->process && o->dead); /* before it was told to end */
    }
    for (size_t i = 0; i < all->settings.count; i++) {
        if (all->list[i].appender) {
            good = finish_appender(&all->list[i], ns) && good;
        }
    }
    for (size_t i = 0; i < all->settings.count; i++) {
        struct output *o = &all->list[i];
        good = (!o->process || wait_for_process(o, &until) == EXIT_SUCCESS) && good;
        o->dead = true;
    }
    return good;
}

void outputs_free(struct outputs *all) {
    if (!all) {
        return;
    }
    for (size_t i = 0; i < all->settings.count; i++) {
        struct output *o = &all->list[i];
        output_process_free(o->process);
        appender_free(o->appender);
        if (o->attached) {
            (void)!o->file.close(o->file.state);
        }
    }
    free(all);
}
