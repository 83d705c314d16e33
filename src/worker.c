#include "worker.h"

#include <assert.h>
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#include "arena.h"
#include "base/packet_clock.h"
#include "base/system_clock.h"
#include "capture/fanout.h"
#include "dispatch.h"
#include "event/packed.h"
#include "findings/findings.h"

/* What is handed over lies in memory of the team's: parts of it for lines and for segments between workers, and how large a batch of
 * each is. A batch holds the largest of what goes into it. */
enum {
    LINES_SHARE = 16,
    DISPATCH_SHARE = 16,
    LINES_BATCH = 64 << 10,
    BATCHES_MIN = 4,
    BATCHES_MAX = 256,
    EVENT_ROOM = 24 << 10, /* the largest summary of an event; stats: findings_lost */
};

enum {
    WAIT_MS = 100,       /* for frames */
    WAIT_SHARED_MS = 25, /* the same where others wait to hear how far this one is */
    DRAIN_MS = 250,      /* at the end: longer than the ring's own timeout, after which it holds nothing back */
    ROOM_NS = 1000000,   /* between two looks for room */
    BEHIND_PARTS = 4,    /* the outlet is, with so much of all that may wait for it */
    BEHIND_MS = 1,       /* between two looks whether it still is */
    RING_PERCENT = 60,   /* of the kernel's: in so much of it frames may wait for that */
};

#define FIGURES_NS SECOND_NS
#define FIGURES_WAITING_NS (FIGURES_NS / 4) /* while it waits for room */
/* After a segment went from one worker to another others may follow, so long. */
#define PASSING_NS (10 * SECOND_NS)

/* A frame comes out of the ring at the latest so long after its time. */
#define LATEST_NS (UINT64_C(1000000) * (TEAM_RING_MS + LIVE_LATE_MS))

struct worker {
    struct team *team;
    unsigned index;
    struct live_tap *tap;
    struct pipeline *pipeline;
    struct budget memory;
    struct worker_figures figures, told; /* told: to whoever asks */
    pthread_mutex_t telling;
    uint64_t told_at;  /* monotonic */
    unsigned answered; /* what asked was then */
    struct handover *lines;
    struct batch *reading; /* the outlet's: the batch of the message at hand */
    size_t read;
    int wake_fd;         /* ends a wait for frames */
    uint64_t taken;      /* frames that came */
    uint64_t frames;     /* the same, and segments from other workers */
    uint64_t lost;       /* records, since the last that found room */
    uint64_t figures_at; /* monotonic */
    uint64_t seen_ns;    /* no frame that is earlier will come any more */
    uint64_t until_ns;   /* frames from this time on are none of ours; UINT64_MAX before the end has come */
    bool past;           /* there was one */
    pthread_t thread;
    bool started, joined;
    _Atomic uint64_t beats;
    uint64_t beats_seen; /* the outlet's */
    _Atomic(const struct pipeline_settings *) using;
};

struct team {
    struct team_settings settings;
    struct dispatch *dispatch; /* NULL: one worker, who owns all */
    struct worker *workers;
    _Atomic(const struct pipeline_settings *) pipeline;
    _Atomic bool stop;
    _Atomic uint64_t stop_ns, patience_until; /* wall clock; monotonic */
    _Atomic unsigned asked;                   /* how often figures were asked for */
    _Atomic unsigned captured;                /* workers that read no more frames */
    _Atomic uint64_t passing_until;           /* monotonic; 0: no segment went from one worker to another so far */
};

/* ---- to the outlet */

static void wake(int fd) {
    uint64_t one = 1;
    (void)!write(fd, &one, sizeof one); /* full: somebody is awake */
}

/* What stood in it is taken out, before one looks at what it was for; else nobody would wait any more. */
static void take_wake(int fd) {
    uint64_t count;
    (void)!read(fd, &count, sizeof count);
}

static void hand_on_lines(struct worker *w) {
    if (w->until_ns == UINT64_MAX) {
        handover_offer(w->lines);
    } else {
        handover_push(w->lines);
    }
    if (handover_pushed(w->lines)) {
        wake(w->team->settings.wake_fd);
    }
}

/* Frames that are not read yet wait where there is most room: as long as the kernel's ring has some. Not where other workers' segments would
 * have to wait with them. */
static bool may_leave_frames(const struct worker *w) {
    return atomic_load_explicit(&w->team->passing_until, memory_order_relaxed) <= w->figures_at &&
           live_filled(w->tap) < RING_PERCENT;
}

static bool has_new_settings(const struct worker *w) {
    return atomic_load(&w->team->pipeline) != atomic_load_explicit(&w->using, memory_order_relaxed);
}

/* While it captures a worker waits with a frame in hand where those behind it have room, and the outlet's thread does not wait for this one.
 * At the end it does, for a while. */
static bool may_wait_for_room(const struct worker *w) {
    if (w->until_ns == UINT64_MAX && !atomic_load(&w->team->stop)) {
        return !has_new_settings(w) && may_leave_frames(w);
    }
    return system_clock_ns(CLOCK_MONOTONIC) < atomic_load(&w->team->patience_until);
}

/* Those that the kernel kept for it since the start, read or not. */
static uint64_t count_frames(struct worker *w) {
    uint64_t kept = 0;
    for (size_t i = 0; i < live_interfaces(w->team->settings.live); i++) {
        live_count(w->tap, i, &w->figures.interfaces[i]);
        kept += w->figures.interfaces[i].received - w->figures.interfaces[i].dropped;
    }
    return kept;
}

static void publish_figures(struct worker *w, uint64_t now) {
    (void)count_frames(w);
    w->figures.flows_active = pipeline_flows(w->pipeline);
    w->figures.memory_held = w->memory.held;
    w->told_at = now;
    pthread_mutex_lock(&w->telling);
    w->told = w->figures;
    pthread_mutex_unlock(&w->telling);
}

static void wait_for_room(struct worker *w) {
    const struct timespec pause = {.tv_nsec = ROOM_NS};
    uint64_t now = system_clock_ns(CLOCK_MONOTONIC);
    hand_on_lines(w);
    atomic_fetch_add(&w->beats, 1);
    if (now - w->told_at >= FIGURES_WAITING_NS) {
        publish_figures(w, now);
    }
    nanosleep(&pause, NULL);
}

static struct worker_message *message_begin(struct worker *w, enum worker_news news, size_t room) {
    struct worker_message *m;
    while (!(m = handover_reserve(w->lines, room)) && may_wait_for_room(w)) {
        wait_for_room(w);
    }
    if (m) {
        *m = (struct worker_message){.news = (uint16_t)news, .lost = w->lost};
        w->lost = 0;
    }
    return m;
}

static void message_end(struct worker *w, struct worker_message *m, size_t size) {
    m->size = (uint32_t)handover_aligned(size);
    handover_commit(w->lines, size);
}

static int take_line(void *arg, const struct event *e, const char *line, size_t n) {
    struct worker *w = arg;
    bool wanted = findings_want(e);
    if (n == 0 && !wanted) {
        return 0;
    }
    size_t head = handover_aligned(sizeof(struct worker_message) + n), room = head + (wanted ? EVENT_ROOM : 0);
    struct worker_message *m = message_begin(w, WORKER_LINE, room);
    if (!m) {
        w->lost += n != 0;
        w->figures.records_dropped += n != 0;
        w->figures.stats.findings_lost += wanted;
        return 0;
    }
    if (n != 0) {
        m->line = record_line(e, memcpy(m + 1, line, n), n);
    }
    struct arena mem = {.base = (unsigned char *)m + head, .size = wanted ? EVENT_ROOM : 0};
    if (wanted) {
        m->event = packed_event(e, &mem);
        w->figures.stats.findings_lost += !m->event;
    }
    message_end(w, m, m->event ? head + mem.used : head);
    return 0;
}

static void tell_figures(struct worker *w) {
    publish_figures(w, system_clock_ns(CLOCK_MONOTONIC));
    struct worker_message *m = message_begin(w, WORKER_FIGURES, sizeof *m);
    if (m) { /* else the next one tells of these as well */
        m->answers = w->answered;
        message_end(w, m, sizeof *m);
    }
}

static void tell_end(struct worker *w, enum worker_news news, int error) {
    struct worker_message *m = message_begin(w, news, sizeof *m);
    if (m) {
        m->error = error;
        message_end(w, m, sizeof *m);
    }
    hand_on_lines(w);
}

/* ---- between workers */

/* Where the kernel knew the connection it also knew the owner; a segment in anything else goes by way of the queues even where its owner
 * is here, in order with those that came to other workers. */
static bool claim(void *arg, const struct packet *p) {
    struct worker *w = arg;
    unsigned owner = fanout_hash(&p->src, &p->dst) % w->team->settings.workers;
    if (owner == w->index && p->wrapping.layer_count == 0) {
        return true;
    }
    uint64_t until = w->figures_at + PASSING_NS;
    if (atomic_load_explicit(&w->team->passing_until, memory_order_relaxed) < until) { /* once a second */
        atomic_store(&w->team->passing_until, until);
    }
    bool put = dispatch_put(w->team->dispatch, w->index, owner, p);
    w->figures.dispatched += put;
    w->figures.dispatch_dropped += !put;
    return false;
}

static void wake_owner(void *arg, unsigned owner) {
    struct worker *w = arg;
    if (owner != w->index) {
        wake(w->team->workers[owner].wake_fd);
    }
}

static void hand_on_dispatched(struct worker *w) {
    if (w->team->dispatch) {
        dispatch_hand_on(w->team->dispatch, w->index, w->until_ns != UINT64_MAX, w->seen_ns, wake_owner, w);
    }
}

/* What is at work here is numbered as it comes, wherever it was captured. */
static void take_segment(void *arg, const struct packet *packet) {
    struct worker *w = arg;
    struct packet p = *packet;
    p.at.frame = ++w->frames;
    (void)!pipeline_packet(w->pipeline, &p); /* take_line never fails */
}

static bool take_dispatched(struct worker *w) {
    return w->team->dispatch && dispatch_take(w->team->dispatch, w->index, take_segment, w);
}

/* ---- the loop */

static void on_frame(void *arg, const struct frame *frame) {
    struct worker *w = arg;
    w->taken++;
    if (frame->at.time_ns > w->until_ns) {
        w->past = true;
        return;
    }
    w->seen_ns = frame->at.time_ns;
    struct frame numbered = *frame;
    numbered.at.frame = ++w->frames;
    (void)!pipeline_frame(w->pipeline, &numbered);
}

static void hand_on(struct worker *w) {
    hand_on_dispatched(w);
    uint64_t now = system_clock_ns(CLOCK_MONOTONIC);
    unsigned asked = atomic_load_explicit(&w->team->asked, memory_order_relaxed);
    if (now >= w->figures_at || asked != w->answered) {
        w->answered = asked;
        tell_figures(w);
        w->figures_at = now + FIGURES_NS;
    }
    hand_on_lines(w);
}

static void follow_settings(struct worker *w) {
    if (has_new_settings(w)) {
        const struct pipeline_settings *now = atomic_load(&w->team->pipeline);
        pipeline_reconfigure(w->pipeline, now);
        atomic_store(&w->using, now);
    }
}

/* What the sensor waits for when a capture is over: the end. */
static void wait_for_stop(struct worker *w) {
    struct pollfd waking = {.fd = w->wake_fd, .events = POLLIN};
    while (!atomic_load(&w->team->stop)) {
        poll(&waking, 1, WAIT_MS);
        take_wake(w->wake_fd);
        w->seen_ns = system_clock_ns(CLOCK_REALTIME);
        (void)take_dispatched(w);
        atomic_fetch_add(&w->beats, 1);
        hand_on(w);
    }
}

/* What is so old would have come out of the ring. */
static void nothing_came(struct worker *w, bool dispatched) {
    uint64_t now = system_clock_ns(CLOCK_REALTIME), old = now - LATEST_NS;
    w->seen_ns = old > w->seen_ns ? old : w->seen_ns;
    if (!dispatched) {
        (void)!pipeline_tick(w->pipeline, now);
    }
}

static bool is_outlet_behind(struct worker *w) {
    return handover_behind(w->lines, BEHIND_PARTS) && may_leave_frames(w);
}

static void wait_for_outlet(const struct worker *w) {
    struct pollfd waking = {.fd = w->wake_fd, .events = POLLIN};
    poll(&waking, 1, BEHIND_MS);
}

static int capture(struct worker *w) {
    const int wait_ms = w->team->dispatch ? WAIT_SHARED_MS : WAIT_MS;
    while (!atomic_load_explicit(&w->team->stop, memory_order_relaxed)) {
        follow_settings(w);
        bool behind = is_outlet_behind(w);
        if (behind) {
            wait_for_outlet(w);
        }
        int got = behind ? 0 : live_read(w->tap, wait_ms, w->wake_fd, on_frame, w);
        if (got < 0) {
            return got;
        }
        take_wake(w->wake_fd);
        bool any = take_dispatched(w);
        if (got == 0 && !behind) {
            nothing_came(w, any);
        }
        atomic_fetch_add(&w->beats, 1);
        hand_on(w);
    }
    return 0;
}

/* What was on the wire before the end is still decoded, or counted where there is no time for that. */
static void drain(struct worker *w) {
    int got;
    uint64_t due = count_frames(w);
    w->until_ns = atomic_load(&w->team->stop_ns);
    while ((got = live_read(w->tap, DRAIN_MS, -1, on_frame, w)) > 0 && !w->past && may_wait_for_room(w)) {
        (void)take_dispatched(w);
        atomic_fetch_add(&w->beats, 1);
        hand_on(w);
    }
    w->figures.unread = got != 0 && !w->past && due > w->taken ? due - w->taken : 0;
    publish_figures(w, system_clock_ns(CLOCK_MONOTONIC)); /* others may not come to their end */
    hand_on(w);
}

/* Nothing is sent to a worker any more once all have come here. */
static void wait_for_others(struct worker *w) {
    w->seen_ns = UINT64_MAX;
    hand_on_dispatched(w);
    atomic_fetch_add(&w->team->captured, 1);
    while (atomic_load(&w->team->captured) < w->team->settings.workers) {
        const struct timespec pause = {.tv_nsec = ROOM_NS};
        (void)take_dispatched(w);
        hand_on_lines(w);
        nanosleep(&pause, NULL);
    }
    (void)take_dispatched(w);
}

static void *run(void *arg) {
    struct worker *w = arg;
    char name[16]; /* as top -H and debuggers show it */
    snprintf(name, sizeof name, "worker %u", w->index % WORKERS_MAX);
    (void)pthread_setname_np(pthread_self(), name);
    int error = capture(w);
    if (error != 0) {
        tell_end(w, WORKER_FAILED, error);
        wait_for_stop(w);
        w->until_ns = atomic_load(&w->team->stop_ns);
    } else {
        drain(w);
    }
    wait_for_others(w);
    (void)!pipeline_finish(w->pipeline);
    tell_figures(w);
    tell_end(w, WORKER_DONE, 0);
    return NULL;
}

/* ---- the team */

static bool connect_worker(const struct team *t, struct worker *w) {
    unsigned batches = BATCHES_MIN;
    while (batches < BATCHES_MAX &&
           (size_t)batches * 2 * LINES_BATCH <= t->settings.memory / LINES_SHARE / t->settings.workers) {
        batches *= 2;
    }
    w->lines = handover_new(LINES_BATCH, batches);
    w->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    return w->lines && w->wake_fd >= 0;
}

static bool worker_init(struct team *t, unsigned index) {
    struct worker *w = &t->workers[index];
    unsigned count = t->settings.workers;
    struct pipeline_outlet outlet = {w, take_line, count > 1 ? claim : NULL};
    w->team = t;
    w->index = index;
    w->until_ns = UINT64_MAX;
    w->figures_at = system_clock_ns(CLOCK_MONOTONIC);
    w->tap = live_tap(t->settings.live, index);
    w->memory.ceiling =
        (t->settings.memory - t->settings.memory / LINES_SHARE - t->settings.memory / DISPATCH_SHARE) / count;
    atomic_store(&w->using, t->settings.pipeline);
    if (!connect_worker(t, w)) {
        return false;
    }
    w->pipeline = pipeline_new(t->settings.pipeline, NULL, &outlet, &w->memory, &w->figures.stats);
    return w->pipeline != NULL;
}

struct team *team_new(const struct team_settings *settings) {
    assert(settings->workers >= 1 && settings->workers <= WORKERS_MAX);
    struct team *t = calloc(1, sizeof *t);
    struct worker *workers = calloc(settings->workers, sizeof *workers);
    if (!t || !workers) {
        free(t);
        free(workers);
        return NULL;
    }
    t->settings = *settings;
    t->workers = workers;
    atomic_store(&t->pipeline, settings->pipeline);
    if (settings->workers > 1) {
        t->dispatch = dispatch_new(settings->workers, settings->memory / DISPATCH_SHARE);
    }
    bool good = settings->workers == 1 || t->dispatch;
    for (unsigned i = 0; i < settings->workers; i++) {
        workers[i].wake_fd = -1;
        pthread_mutex_init(&workers[i].telling, NULL);
    }
    for (unsigned i = 0; good && i < settings->workers; i++) {
        good = worker_init(t, i);
    }
    if (!good) {
        team_free(t);
        return NULL;
    }
    return t;
}

int team_start(struct team *t) {
    for (unsigned i = 0; i < t->settings.workers; i++) {
        int error = pthread_create(&t->workers[i].thread, NULL, run, &t->workers[i]);
        if (error != 0) {
            return -error;
        }
        t->workers[i].started = true;
    }
    return 0;
}

void team_stop(struct team *t, uint64_t time_ns, uint64_t patience_ns) {
    atomic_store(&t->stop_ns, time_ns);
    atomic_store(&t->patience_until, system_clock_ns(CLOCK_MONOTONIC) + patience_ns);
    atomic_store(&t->stop, true);
    for (unsigned i = 0; i < t->settings.workers; i++) {
        wake(t->workers[i].wake_fd);
    }
}

bool team_reconfigure(struct team *t, const struct pipeline_settings *settings) {
    uint64_t until = system_clock_ns(CLOCK_MONOTONIC) + SECOND_NS;
    atomic_store(&t->pipeline, settings);
    for (unsigned i = 0; i < t->settings.workers; i++) {
        wake(t->workers[i].wake_fd);
        while (atomic_load(&t->workers[i].using) != settings) {
            const struct timespec pause = {.tv_nsec = ROOM_NS};
            if (system_clock_ns(CLOCK_MONOTONIC) > until) {
                return false;
            }
            nanosleep(&pause, NULL);
        }
    }
    return true;
}

unsigned team_ask(struct team *t) {
    unsigned asked = atomic_fetch_add(&t->asked, 1) + 1;
    for (unsigned i = 0; i < t->settings.workers; i++) {
        wake(t->workers[i].wake_fd);
    }
    return asked;
}

bool team_alive(struct team *t) {
    bool alive = true;
    for (unsigned i = 0; i < t->settings.workers; i++) {
        alive &= atomic_load(&t->workers[i].beats) != t->workers[i].beats_seen;
    }
    for (unsigned i = 0; alive && i < t->settings.workers; i++) {
        t->workers[i].beats_seen = atomic_load(&t->workers[i].beats);
    }
    return alive;
}

bool team_crowded(const struct team *t) {
    bool crowded = false;
    for (unsigned i = 0; i < t->settings.workers; i++) {
        crowded = crowded || handover_crowded(t->workers[i].lines);
    }
    return crowded;
}

unsigned team_workers(const struct team *t) {
    return t->settings.workers;
}

void team_figures(struct team *t, unsigned worker, struct worker_figures *figures) {
    struct worker *w = &t->workers[worker];
    pthread_mutex_lock(&w->telling);
    *figures = w->told;
    pthread_mutex_unlock(&w->telling);
}

const struct worker_message *team_next(struct team *t, unsigned worker) {
    struct worker *w = &t->workers[worker];
    if (w->reading && w->read == w->reading->used) {
        handover_give(w->lines, w->reading);
        w->reading = NULL;
    }
    if (!w->reading) {
        w->reading = handover_take(w->lines);
        w->read = 0;
    }
    if (!w->reading) {
        return NULL;
    }
    const struct worker_message *m = (const void *)(w->reading->bytes + w->read);
    w->read += m->size;
    return m;
}

static void worker_free(struct worker *w) {
    pipeline_free(w->pipeline);
    if (w->reading) {
        handover_give(w->lines, w->reading);
    }
    handover_free(w->lines);
    pthread_mutex_destroy(&w->telling);
    if (w->wake_fd >= 0) {
        close(w->wake_fd);
    }
}

void team_free(struct team *t) {
    if (!t) {
        return;
    }
    for (unsigned i = 0; i < t->settings.workers; i++) {
        if (t->workers[i].started) {
            pthread_join(t->workers[i].thread, NULL);
        }
    }
    for (unsigned i = 0; i < t->settings.workers; i++) {
        worker_free(&t->workers[i]);
    }
    dispatch_free(t->dispatch);
    free(t->workers);
    free(t);
}
