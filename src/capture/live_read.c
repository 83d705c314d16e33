/* Reading, and bringing several interfaces into one order. */
#include <assert.h>
#include <errno.h>
#include <linux/if_packet.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

#include "base/packet_clock.h"
#include "base/system_clock.h"
#include "live_state.h"

#define MS_NS UINT64_C(1000000)

enum {
    TURN_MS = 5,     /* frames that wait for another interface's are looked at as often */
    SAMPLE = 1024,   /* frames whose size is taken for that of those to come */
    FRAME_HEAD = 96, /* in the ring, before each frame and behind it: packet_mmap(7), tpacket3_hdr */
};

static struct frame frame_of(struct source *s, const struct pcap_pkthdr *h, const uint8_t *bytes) {
    s->taken++;
    s->taken_bytes += h->caplen;
    return (struct frame){
        .bytes = {bytes, h->caplen},
        .wire_length = h->len > h->caplen ? h->len : h->caplen,
        .link_type = s->link_type,
        .at = {(uint64_t)h->ts.tv_sec * SECOND_NS + (uint64_t)h->ts.tv_usec, 0}, /* asked for nanoseconds */
        .interface = s->interface,
    };
}

static void hand_on(struct live_tap *tap, struct frame *f) {
    f->at.frame = ++tap->frames;
    tap->batch++;
    tap->frame(tap->arg, f);
}

/* --- one interface --- */

static void on_frame(u_char *arg, const struct pcap_pkthdr *h, const u_char *bytes) {
    struct source *s = (void *)arg;
    struct frame f = frame_of(s, h, bytes);
    hand_on(s->tap, &f);
}

/* The interface of a handle went away, or is down: libpcap says it as an error, and it is none. */
static bool is_away(const struct source *s) {
    struct sockaddr_ll local = {.sll_ifindex = 0};
    socklen_t size = sizeof local;
    return getsockname(s->fd, (struct sockaddr *)&local, &size) == 0 && local.sll_ifindex == -1;
}

/* Hands frames to the callback until the ring is empty or the batch is full. */
static int dispatch(struct source *s, pcap_handler callback) {
    struct live_tap *tap = s->tap;
    int got = pcap_dispatch(s->pcap, (int)(LIVE_BATCH_FRAMES - tap->batch), callback, (u_char *)s);
    return got >= 0 || got == PCAP_ERROR_BREAK || is_away(s) ? 0 : -EIO;
}

/* --- several --- */

/* No other interface can still bring a frame from before that time. */
static bool is_next(const struct source *s, uint64_t time_ns) {
    const struct live_tap *tap = s->tap;
    for (size_t i = 0; i < tap->live->count; i++) {
        const struct source *other = &tap->sources[i];
        if (other == s) {
            continue;
        }
        if (other->holding ? other->held.at.time_ns < time_ns
                           : other->silent_until_ns < time_ns &&
                                 !atomic_load_explicit(&other->place->silent, memory_order_relaxed)) {
            return false;
        }
    }
    return true;
}

static void hold(struct source *s, const struct frame *f) {
    memcpy(s->copy, f->bytes.p, f->bytes.n);
    s->held = *f;
    s->held.bytes.p = s->copy;
    s->held_since_ns = system_clock_ns(CLOCK_MONOTONIC);
    s->holding = true;
}

static void on_frame_of_several(u_char *arg, const struct pcap_pkthdr *h, const u_char *bytes) {
    struct source *s = (void *)arg;
    struct frame f = frame_of(s, h, bytes);
    if (is_next(s, f.at.time_ns)) {
        hand_on(s->tap, &f);
    } else {
        hold(s, &f);
        pcap_breakloop(s->pcap);
    }
}

/* Hands on what is next of this interface; it holds a frame afterwards, or its ring was empty, or the batch is full. */
static int fill(struct source *s) {
    const uint64_t hold_ns = s->tap->live->hold_ns, before = system_clock_ns(CLOCK_REALTIME);
    int error = dispatch(s, on_frame_of_several);
    if (!s->holding && s->tap->batch < LIVE_BATCH_FRAMES) {
        s->silent_until_ns = before - hold_ns;
    }
    return error;
}

static struct source *oldest_held(struct live_tap *tap) {
    struct source *oldest = NULL;
    for (size_t i = 0; i < tap->live->count; i++) {
        struct source *s = &tap->sources[i];
        if (s->holding && (!oldest || s->held.at.time_ns < oldest->held.at.time_ns)) {
            oldest = s;
        }
    }
    return oldest;
}

/* The frame's own time says how long it must wait; but clocks are set, and then it has waited long enough when it did so here. */
static bool may_go(const struct source *s) {
    return is_next(s, s->held.at.time_ns) ||
           system_clock_ns(CLOCK_MONOTONIC) - s->held_since_ns >= s->tap->live->hold_ns;
}

static int merge(struct live_tap *tap) {
    while (tap->batch < LIVE_BATCH_FRAMES) {
        for (size_t i = 0; i < tap->live->count; i++) {
            int error = tap->sources[i].holding ? 0 : fill(&tap->sources[i]);
            if (error != 0) {
                return error;
            }
        }
        struct source *s = oldest_held(tap);
        if (!s || tap->batch >= LIVE_BATCH_FRAMES || !may_go(s)) {
            break;
        }
        s->holding = false;
        hand_on(tap, &s->held);
    }
    return 0;
}

/* --- waiting --- */

/* What a socket has to say when its interface goes down or away; netlink tells the same. */
static int clear_error(const struct source *s, short happened) {
    int error = 0;
    socklen_t size = sizeof error;
    if (happened & POLLNVAL) {
        return -EBADF;
    }
    if (getsockopt(s->fd, SOL_SOCKET, SO_ERROR, &error, &size) != 0) {
        return -errno;
    }
    return error == 0 || error == ENETDOWN || error == ENODEV || error == ENXIO ? 0 : -error;
}

/* 1: somebody woke it; 0 else, with or without frames. */
static int wait(struct live_tap *tap, int wait_ms, int wake_fd) {
    const size_t count = tap->live->count;
    if (oldest_held(tap) && (wait_ms < 0 || wait_ms > TURN_MS)) {
        wait_ms = TURN_MS;
    }
    for (size_t i = 0; i < count; i++) {
        const struct source *s = &tap->sources[i];
        tap->polled[i] = (struct pollfd){.fd = s->holding ? -1 : s->fd, .events = POLLIN};
    }
    tap->polled[count] = (struct pollfd){.fd = wake_fd, .events = POLLIN};
    int ready = poll(tap->polled, count + 1, wait_ms);
    if (ready < 0) {
        return errno == EINTR ? 1 : -errno;
    }
    int error = 0;
    for (size_t i = 0; i < count && error == 0; i++) {
        if (tap->polled[i].revents & ~POLLIN) {
            error = clear_error(&tap->sources[i], tap->polled[i].revents);
        }
    }
    return error == 0 && tap->polled[count].revents ? 1 : error;
}

static int take(struct live_tap *tap) {
    return tap->live->count == 1 ? dispatch(&tap->sources[0], on_frame) : merge(tap);
}

static int left_ms(uint64_t end_ns) {
    uint64_t at = system_clock_ns(CLOCK_MONOTONIC);
    return at < end_ns ? (int)((end_ns - at + MS_NS - 1) / MS_NS) : 0;
}

/* Until there are frames, the time is up, or somebody wakes it. */
static int wait_and_take(struct live_tap *tap, int wait_ms, int wake_fd) {
    const uint64_t end_ns = wait_ms > 0 ? system_clock_ns(CLOCK_MONOTONIC) + (uint64_t)wait_ms * MS_NS : 0;
    for (int left = wait_ms;;) {
        int woken = wait(tap, left, wake_fd);
        int error = woken < 0 ? woken : take(tap);
        left = wait_ms > 0 ? left_ms(end_ns) : wait_ms;
        if (error != 0 || woken != 0 || tap->batch > 0 || left == 0) {
            return error;
        }
    }
}

/* How large those are that came last. */
static void sample(struct source *s) {
    uint64_t frames = s->taken - s->sampled;
    if (frames >= SAMPLE && s->taken >= s->full_until) {
        s->frame_bytes = FRAME_HEAD + (s->taken_bytes - s->sampled_bytes) / frames;
        s->sampled = s->taken;
        s->sampled_bytes = s->taken_bytes;
    }
}

int live_read(struct live_tap *tap, int wait_ms, int wake_fd, void (*frame)(void *arg, const struct frame *),
              void *arg) {
    tap->batch = 0;
    tap->frame = frame;
    tap->arg = arg;
    int error = tap->more ? take(tap) : 0;
    if (error == 0 && tap->batch == 0) {
        error = wait_and_take(tap, wait_ms, wake_fd);
    }
    tap->more = tap->batch >= LIVE_BATCH_FRAMES;
    tap->read_ns = system_clock_ns(CLOCK_MONOTONIC);
    for (size_t i = 0; i < tap->live->count; i++) {
        sample(&tap->sources[i]);
    }
    return error != 0 && tap->batch == 0 ? error : (int)tap->batch;
}

void live_stop(struct live_tap *tap) {
    for (size_t i = 0; i < tap->live->count; i++) {
        live_shut(&tap->sources[i]);
    }
}

void live_count(struct live_tap *tap, size_t interface, struct live_counters *counters) {
    assert(interface < tap->live->count);
    struct source *s = &tap->sources[interface];
    struct pcap_stat stat;
    if (pcap_stats(s->pcap, &stat) == 0) { /* promiscuous mode is not libpcap's, else it would open files here */
        s->counted.received += stat.ps_recv - s->last_received;
        s->counted.dropped += stat.ps_drop - s->last_dropped;
        s->last_received = stat.ps_recv;
        s->last_dropped = stat.ps_drop;
    }
    *counters = s->counted;
}

/* What a frame takes of the ring: as those took that came last, or, where it was full with fewer, as those in it take. */
static uint64_t frame_bytes(struct source *s, uint64_t waiting, bool full) {
    if (full && waiting != 0 && s->ring / waiting > s->frame_bytes) {
        s->frame_bytes = s->ring / waiting;
        s->full_until = s->taken + waiting;
    }
    return s->frame_bytes != 0 ? s->frame_bytes : FRAME_HEAD + (s->taken != 0 ? s->taken_bytes / s->taken : 0);
}

/* Of blocks that the ring closed when their time was up, however little was in them. */
static uint64_t timed_bytes(const struct live_tap *tap) {
    return (system_clock_ns(CLOCK_MONOTONIC) - tap->read_ns) / tap->live->block_ns * LIVE_BLOCK_BYTES;
}

unsigned live_filled(struct live_tap *tap) {
    uint64_t most = 0;
    const uint64_t timed = timed_bytes(tap);
    for (size_t i = 0; i < tap->live->count; i++) {
        struct source *s = &tap->sources[i];
        struct live_counters c;
        live_count(tap, i, &c);
        uint64_t kept = c.received - c.dropped, waiting = kept > s->taken ? kept - s->taken : 0;
        bool full = c.dropped != s->seen_dropped;
        uint64_t bytes = waiting * frame_bytes(s, waiting, full) + (waiting != 0 ? timed : 0);
        uint64_t percent = bytes * 100 / s->ring;
        percent = full ? 100 : percent;
        s->seen_dropped = c.dropped;
        most = percent > most ? percent : most;
    }
    return most < 100 ? (unsigned)most : 100;
}
