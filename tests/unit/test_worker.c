/* Workers over taps of our own: whatever the kernel gives to whom, each connection is decoded once and whole; what finds no room is
 * counted; and all that was captured before the end comes out. */
#include "../../src/worker.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <poll.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#include "../../src/capture/capture.h"
#include "base/packet_clock.h"

enum { TAPS = 8 /* of WORKERS_MAX */, FRAMES_AT_ONCE = 16 };

/* ---- in place of capture/live.c: the frames of a capture, as often as asked for, dealt out to the taps */

struct live_tap {
    struct live *live;
    unsigned index;
    size_t next; /* frame, over all rounds */
    uint64_t numbered;
};

struct kept_frame {
    struct frame frame;
    unsigned tap; /* who gets it */
};

struct live {
    struct kept_frame *frames;
    size_t count;
    unsigned rounds;
    bool renew; /* each round has ports of its own */
    int error;  /* at the end, instead of nothing more */

    _Atomic unsigned ended; /* taps that are at it */
    _Atomic unsigned reads; /* calls of live_read */
    bool room;              /* the rings have some for what waits */
    int at_once;            /* frames of a call; 0: FRAMES_AT_ONCE */
    struct live_tap taps[TAPS];
};

struct live_tap *live_tap(struct live *l, unsigned worker) {
    l->taps[worker].live = l;
    l->taps[worker].index = worker;
    return &l->taps[worker];
}

/* The client's is the one above 1023; of plain TCP over IPv4 on Ethernet. */
static void change_ports(uint8_t *frame, unsigned round) {
    uint8_t *ports = frame + 14 + 20;
    uint8_t *client = (ports[0] << 8 | ports[1]) > 1023 ? ports : ports + 2;
    unsigned port = 1024 + round;
    client[0] = (uint8_t)(port >> 8);
    client[1] = (uint8_t)port;
}

int live_read(struct live_tap *t, int wait_ms, int wake_fd, void (*frame)(void *arg, const struct frame *), void *arg) {
    struct live *l = t->live;
    int n = 0, most = l->at_once ? l->at_once : FRAMES_AT_ONCE;
    for (; t->next < l->count * l->rounds && n < most; t->next++) {
        const struct kept_frame *kept = &l->frames[t->next % l->count];
        if (kept->tap == t->index) {
            struct frame f = kept->frame;
            if (l->renew) {
                change_ports((uint8_t *)(uintptr_t)f.bytes.p, (unsigned)(t->next / l->count));
            }
            f.at.frame = ++t->numbered;
            frame(arg, &f);
            n++;
        }
    }
    if (n == 0) {
        struct pollfd wake = {.fd = wake_fd, .events = POLLIN};
        atomic_fetch_or(&l->ended, 1U << t->index);
        atomic_fetch_add(&l->reads, 1);
        if (l->error != 0) {
            return l->error;
        }
        poll(&wake, wake_fd >= 0, wait_ms < 5 ? wait_ms : 5);
    }
    return n;
}

void live_count(struct live_tap *t, size_t interface, struct live_counters *c) {
    assert_int_equal(interface, 0);
    *c = (struct live_counters){t->numbered, 0};
}

unsigned live_filled(struct live_tap *t) {
    return t->live->room ? 59 : 60;
}

size_t live_interfaces(const struct live *l) {
    (void)l;
    return 1;
}

static void read_capture(struct live *l, const char *path) {
    char why[CAPTURE_WHY_MAX];
    struct capture *c;
    struct frame f;
    assert_int_equal(capture_open(&c, open(path, O_RDONLY), path, why, sizeof why), 0);
    while (capture_next(c, &f) == 1) {
        l->frames = realloc(l->frames, (l->count + 1) * sizeof *l->frames);
        uint8_t *copy = malloc(f.bytes.n + 1);
        memcpy(copy, f.bytes.p, f.bytes.n);
        f.bytes.p = copy;
        l->frames[l->count++] = (struct kept_frame){f, 0};
    }
    capture_close(c);
    l->rounds = 1;
}

static void live_free(struct live *l) {
    for (size_t i = 0; i < l->count; i++) {
        free((void *)(uintptr_t)l->frames[i].frame.bytes.p);
    }
    free(l->frames);
    *l = (struct live){0};
}

/* ---- an outlet */

struct lines {
    char **at;
    size_t count;
    uint64_t lost, events;
    unsigned done, failed;
    bool figured[TAPS];
    struct worker_figures figures[TAPS]; /* at the end */
};

static const char *const interfaces[] = {"eth0"};
static struct pipeline_settings pipeline = {.every_operation = true, .sensor_id = "test", .interfaces = interfaces};

static struct team *team_of(struct live *l, unsigned workers, size_t memory) {
    struct team_settings settings = {.workers = workers,
                                     .live = l,
                                     .pipeline = &pipeline,
                                     .memory = memory,
                                     .wake_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)};
    struct team *t = team_new(&settings);
    assert_non_null(t);
    assert_int_equal(team_workers(t), workers);
    assert_int_equal(team_start(t), 0);
    return t;
}

static void take(struct lines *to, unsigned worker, const struct worker_message *m) {
    to->lost += m->lost;
    to->events += m->event != NULL;
    to->done += m->news == WORKER_DONE;
    to->failed += m->news == WORKER_FAILED;
    if (m->news == WORKER_FIGURES) {
        to->figured[worker] = true;
    }
    if (m->line.text) {
        assert_int_not_equal(m->line.length, 0);
        to->at = realloc(to->at, (to->count + 1) * sizeof *to->at);
        to->at[to->count++] = strndup(m->line.text, m->line.length);
    }
}

static void take_all(struct team *t, struct lines *to) {
    for (unsigned i = 0; i < team_workers(t); i++) {
        for (const struct worker_message *m; (m = team_next(t, i)) != NULL;) {
            take(to, i, m);
        }
    }
}

static uint64_t now(clockid_t clock) {
    struct timespec t;
    clock_gettime(clock, &t);
    return (uint64_t)t.tv_sec * SECOND_NS + (uint64_t)t.tv_nsec;
}

static void finish(struct team *t, struct lines *to) {
    team_stop(t, now(CLOCK_REALTIME), 20 * SECOND_NS);
    while (to->done < team_workers(t)) {
        take_all(t, to);
        sched_yield();
    }
    take_all(t, to);
    for (unsigned i = 0; i < team_workers(t); i++) {
        assert_true(to->figured[i]);
        team_figures(t, i, &to->figures[i]);
    }
    team_free(t);
}

/* All that the taps have went through the loops. */
static void wait_for_taps(struct live *l, unsigned workers) {
    while (atomic_load(&l->ended) != (1U << workers) - 1) {
        sched_yield();
    }
}

static int by_text(const void *a, const void *b) {
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static void lines_free(struct lines *l) {
    for (size_t i = 0; i < l->count; i++) {
        free(l->at[i]);
    }
    free(l->at);
    *l = (struct lines){0};
}

static void expect_same(struct lines *a, struct lines *b) {
    qsort(a->at, a->count, sizeof *a->at, by_text);
    qsort(b->at, b->count, sizeof *b->at, by_text);
    assert_int_equal(a->count, b->count);
    for (size_t i = 0; i < a->count; i++) {
        assert_string_equal(a->at[i], b->at[i]);
    }
}

/* ---- */

enum deal { ALL_TO_ONE, ROUND_ROBIN };

static void run(struct live *l, unsigned workers, enum deal deal, struct lines *to) {
    memset(l->taps, 0, sizeof l->taps);
    atomic_store(&l->ended, 0);
    for (size_t i = 0; i < l->count; i++) {
        l->frames[i].tap = deal == ALL_TO_ONE ? workers - 1 : (unsigned)(i % workers);
    }
    struct team *t = team_of(l, workers, (size_t)64 << 20);
    wait_for_taps(l, workers);
    finish(t, to);
}

/* Of connections that the kernel gives to the wrong worker nothing is lost. What their segments' order between workers becomes is not
 * known when every frame goes to the next one; reassembly makes good for it. */
static void owners(void **state) {
    (void)state;
    static const char *const paths[] = {"pcaps/two-clients.pcap", "pcaps/delete-shared.pcap", "pcaps/smb1-users.pcap",
                                        "pcaps/ipv6.pcap"};
    for (size_t i = 0; i < sizeof paths / sizeof paths[0]; i++) {
        struct live l = {0};
        struct lines alone = {0};
        read_capture(&l, paths[i]);
        run(&l, 1, ALL_TO_ONE, &alone);
        assert_true(alone.count > 4);
        assert_int_equal(alone.lost, 0);
        assert_int_equal(alone.figures[0].interfaces[0].received, l.count);
        assert_int_equal(alone.figures[0].dispatched, 0);
        for (unsigned workers = 2; workers <= TAPS; workers++) {
            struct lines all = {0};
            uint64_t packets = 0, dispatched = 0;
            run(&l, workers, ALL_TO_ONE, &all);
            expect_same(&all, &alone);
            for (unsigned w = 0; w < workers; w++) {
                packets += all.figures[w].stats.packets;
                dispatched += all.figures[w].dispatched;
                assert_int_equal(all.figures[w].dispatch_dropped, 0);
                assert_int_equal(all.figures[w].flows_active, 0); /* the last figures are those of the end */
            }
            assert_int_equal(packets, l.count);
            assert_true(dispatched <= l.count);
            lines_free(&all);
        }
        lines_free(&alone);
        live_free(&l);
    }
}

/* Transparent Ethernet bridging, RFC 1701 and 2784: the frame as a whole behind IPv4 and GRE. */
static void wrap(struct kept_frame *kept) {
    static const uint8_t outer[] = {2, 0, 0, 0,  0,  1, 2, 0,   0,  0,   0, 2,   8,  0,   0x45, 0, 0, 0,    0,
                                    0, 0, 0, 64, 47, 0, 0, 198, 51, 100, 1, 198, 51, 100, 2,    0, 0, 0x65, 0x58};
    struct view inner = kept->frame.bytes;
    uint8_t *whole = malloc(sizeof outer + inner.n);
    size_t ip = sizeof outer - 14 + inner.n;
    memcpy(whole, outer, sizeof outer);
    memcpy(whole + sizeof outer, inner.p, inner.n);
    whole[16] = (uint8_t)(ip >> 8);
    whole[17] = (uint8_t)ip;
    free((void *)(uintptr_t)inner.p);
    kept->frame.bytes = (struct view){whole, sizeof outer + inner.n};
    kept->frame.wire_length += sizeof outer;
}

/* Of what is in tunnels each frame comes to another worker than the one before, and one worker is far behind another: order is kept. */
static void tunnels(void **state) {
    (void)state;
    static const char *const paths[] = {"pcaps/two-clients.pcap", "pcaps/multichannel-3.1.1.pcap",
                                        "pcaps/smb1-users.pcap", "pcaps/compounds.pcap"};
    for (size_t i = 0; i < sizeof paths / sizeof paths[0]; i++) {
        struct live l = {0};
        struct lines alone = {0};
        read_capture(&l, paths[i]);
        for (size_t j = 0; j < l.count; j++) {
            wrap(&l.frames[j]);
        }
        run(&l, 1, ALL_TO_ONE, &alone);
        assert_true(alone.count > 4);
        assert_non_null(strstr(alone.at[0], "\"encapsulation\":[\"gre\"]"));
        for (unsigned workers = 2; workers <= TAPS; workers++) {
            struct lines all = {0};
            uint64_t dispatched = 0;
            run(&l, workers, ROUND_ROBIN, &all);
            for (unsigned w = 0; w < workers; w++) {
                dispatched += all.figures[w].dispatched;
            }
            if (i != 1) { /* its server has two addresses, and so two owners, of whom neither knows all */
                expect_same(&all, &alone);
            }
            assert_int_equal(all.lost, 0);
            assert_true(dispatched >= l.count / 2);
            lines_free(&all);
        }
        lines_free(&alone);
        live_free(&l);
    }
}

/* LINES_SHARE, BATCHES_MAX: nobody takes anything: the workers go on, count what they drop, and say how much that was as soon as there is room. */
static void no_room(void **state) {
    (void)state;
    struct live l = {0};
    struct lines got = {0};
    read_capture(&l, "pcaps/smb1-users.pcap");
    l.rounds = 400;
    l.renew = true;
    struct team *t = team_of(&l, 1, 4 << 20);
    wait_for_taps(&l, 1);
    finish(t, &got);
    const struct worker_figures *f = &got.figures[0];
    assert_true(f->records_dropped > 0);
    assert_int_equal(got.lost, f->records_dropped);
    assert_int_equal(got.count + got.lost, f->stats.records);
    assert_true(got.events > 0);
    lines_free(&got);
    live_free(&l);
}

/* BEHIND_PARTS, RING_PERCENT: nobody takes anything, and the ring has room: the workers leave there what they have not read, and nothing
 * is lost; also where more comes at once than their batches hold. */
static void leaves_in_the_ring(int at_once) {
    struct live l = {.at_once = at_once};
    struct lines got = {0};
    const struct timespec pause = {.tv_nsec = 200000000};
    read_capture(&l, "pcaps/smb1-users.pcap");
    l.rounds = 400;
    l.renew = true;
    l.room = true;
    struct team *t = team_of(&l, 1, 4 << 20);
    for (unsigned i = 0; i < 3; i++) {
        struct worker_figures now;
        nanosleep(&pause, NULL);
        assert_true(team_alive(t));
        assert_int_equal(atomic_load(&l.ended), 0);
        (void)team_ask(t);
        nanosleep(&pause, NULL);
        nanosleep(&pause, NULL);
        team_figures(t, 0, &now); /* of now, though nobody takes anything */
        assert_true(now.interfaces[0].received > 0 && now.stats.records > 0);
    }
    while (atomic_load(&l.ended) == 0) {
        take_all(t, &got);
        sched_yield();
    }
    finish(t, &got);
    assert_int_equal(got.lost + got.figures[0].records_dropped, 0);
    assert_int_equal(got.count, got.figures[0].stats.records);
    lines_free(&got);
    live_free(&l);
}

static void room_in_the_ring(void **state) {
    (void)state;
    leaves_in_the_ring(FRAMES_AT_ONCE);
    leaves_in_the_ring(LIVE_BATCH_FRAMES);
}

/* Not where segments of others would wait with them. */
static void none_while_segments_pass(void **state) {
    (void)state;
    struct live l = {0};
    struct lines got = {0};
    read_capture(&l, "pcaps/smb1-users.pcap");
    l.rounds = 400;
    l.renew = true;
    l.room = true;
    for (size_t i = 0; i < l.count; i++) {
        l.frames[i].tap = (unsigned)(i % 2);
    }
    struct team *t = team_of(&l, 2, 4 << 20);
    wait_for_taps(&l, 2);
    finish(t, &got);
    assert_true(got.figures[0].dispatched + got.figures[1].dispatched > 0);
    assert_true(got.figures[0].records_dropped + got.figures[1].records_dropped > 0);
    lines_free(&got);
    live_free(&l);
}

/* DISPATCH_SHARE, DISPATCH_BATCHES_MAX: a queue between workers that is full: counted as well, and the owner goes on with gaps. */
static void no_room_between(void **state) {
    (void)state;
    struct live l = {0};
    struct lines got = {0};
    read_capture(&l, "pcaps/large.pcap");
    l.rounds = 40;
    for (size_t i = 0; i < l.count; i++) {
        l.frames[i].tap = 0;
    }
    uint64_t dropped = 0, dispatched = 0;
    for (unsigned workers = 2; workers <= TAPS && dropped == 0; workers++) { /* until somebody else is the owner */
        memset(l.taps, 0, sizeof l.taps);
        atomic_store(&l.ended, 0);
        struct team *t = team_of(&l, workers, 4 << 20);
        wait_for_taps(&l, workers);
        finish(t, &got);
        for (unsigned w = 0; w < workers; w++) {
            dropped += got.figures[w].dispatch_dropped;
            dispatched += got.figures[w].dispatched;
        }
        assert_int_equal(got.done, workers);
        lines_free(&got);
    }
    assert_true(dispatched > 0);
    assert_true(dropped > 0);
    live_free(&l);
}

/* A capture that is over is said; the others go on until the end. */
static void capture_over(void **state) {
    (void)state;
    struct live l = {.error = -ENODEV};
    struct lines got = {0};
    read_capture(&l, "pcaps/two-clients.pcap");
    struct team *t = team_of(&l, 2, (size_t)64 << 20);
    while (got.failed != 2) {
        take_all(t, &got);
        sched_yield();
    }
    assert_int_equal(got.done, 0);
    finish(t, &got);
    assert_int_equal(got.done, 2);
    assert_true(got.count > 4);
    lines_free(&got);
    live_free(&l);
}

static void settings_and_beats(void **state) {
    (void)state;
    struct live l = {0};
    struct lines got = {0};
    struct pipeline_settings other = pipeline;
    read_capture(&l, "pcaps/two-clients.pcap");
    struct team *t = team_of(&l, 3, (size_t)64 << 20);
    wait_for_taps(&l, 3);
    assert_true(team_reconfigure(t, &other));
    for (unsigned i = 0; i < 3; i++) {
        const struct timespec pause = {.tv_nsec = 50000000};
        nanosleep(&pause, NULL);
        assert_true(team_alive(t));
    }
    finish(t, &got);
    assert_true(got.count > 0);
    lines_free(&got);
    live_free(&l);
    team_free(NULL);
}

/* What woke a worker once does not keep it awake: where nothing comes it waits. */
static void wait_after_a_wake(void **state) {
    (void)state;
    struct live l = {0};
    struct lines got = {0};
    const struct timespec pause = {.tv_nsec = 100000000};
    read_capture(&l, "pcaps/two-clients.pcap");
    struct team *t = team_of(&l, 2, (size_t)64 << 20);
    wait_for_taps(&l, 2);
    (void)team_ask(t);
    nanosleep(&pause, NULL);
    const uint64_t begin = now(CLOCK_MONOTONIC);
    unsigned before = atomic_load(&l.reads);
    nanosleep(&pause, NULL);
    unsigned reads = atomic_load(&l.reads) - before;
    uint64_t passed = now(CLOCK_MONOTONIC) - begin;
    assert_true(reads <= 2 * (passed / 5000000 + 2)); /* two workers, which wait 5 ms each */
    finish(t, &got);
    lines_free(&got);
    live_free(&l);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(owners),
        cmocka_unit_test(tunnels),
        cmocka_unit_test(no_room),
        cmocka_unit_test(room_in_the_ring),
        cmocka_unit_test(none_while_segments_pass),
        cmocka_unit_test(no_room_between),
        cmocka_unit_test(capture_over),
        cmocka_unit_test(settings_and_beats),
        cmocka_unit_test(wait_after_a_wake),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
