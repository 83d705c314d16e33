/* What live.h gives, as JSON lines: one for each frame, each change of an interface, and the counters. capture.py drives it.
 *
 *   capture_probe [OPTION=VALUE...] INTERFACE...
 *
 * workers=N buffer=BYTES timeout=MS snap=BYTES filter=TEXT promiscuous=0; frames=0 prints none of them but counts them;
 * slow=US waits as long at each. Lines on standard input: "count", and "stop", which is what its end means as well. */
#include <inttypes.h>
#include <pcap/pcap.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#include "capture/capture_filter.h"
#include "capture/fanout.h"
#include "capture/live.h"
#include "decode/decode.h"

enum { INTERFACES_MAX = 16, WORKERS_MAX = 16, BYTES_SHOWN = 160 };

struct probe_worker {
    pthread_t thread;
    struct live_tap *tap;
    struct decoder *decoder;
    struct stats stats;
    struct budget budget;
    struct bpf_program filters[INTERFACES_MAX];
    unsigned number;
    int wake_fd;
    uint64_t frames, bytes, last_ns;
    uint64_t backwards; /* frames that came after one of a later time */
};

static struct live *live;
static struct probe_worker workers[WORKERS_MAX];
static unsigned worker_count = 1;
static bool show_frames = true;
static useconds_t slow_us;
static uint64_t hold_after = UINT64_MAX; /* frames: then nothing is read before the stop */
static atomic_bool stopping;
static atomic_uint counts; /* how often the counters were asked for */

static uint64_t now(void) {
    struct timespec t;
    clock_gettime(CLOCK_REALTIME, &t);
    return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

/* The worker whose segment it is; -1: none was decoded. */
static int owner_of(struct probe_worker *w, const struct frame *f) {
    struct packet packet;
    if (decoder_frame(w->decoder, f, &packet) != V_OK) {
        return -1;
    }
    return (int)(fanout_hash(&packet.src, &packet.dst) % worker_count);
}

/* Whether the default filter, as libpcap runs it itself over the whole frame, lets it through. */
static bool passes(const struct probe_worker *w, const struct frame *f) {
    const struct pcap_pkthdr header = {.caplen = (bpf_u_int32)f->bytes.n, .len = f->wire_length};
    return pcap_offline_filter(&w->filters[f->interface], &header, f->bytes.p) != 0;
}

static bool compile_filters(struct probe_worker *w) {
    bool good = true;
    for (size_t i = 0; i < live_interfaces(live); i++) {
        int link_type = live_link_type(live, i);
        char *text = capture_filter(link_type, NULL, 0);
        pcap_t *p = pcap_open_dead(link_type, 262144);
        good &= text && p && pcap_compile(p, &w->filters[i], text, 1, PCAP_NETMASK_UNKNOWN) == 0;
        pcap_close(p);
        free(text);
    }
    return good;
}

static void show(struct probe_worker *w, const struct frame *f) {
    char hex[2 * BYTES_SHOWN + 1] = "";
    size_t n = f->bytes.n < BYTES_SHOWN ? f->bytes.n : BYTES_SHOWN;
    for (size_t i = 0; i < n; i++) {
        snprintf(hex + 2 * i, 3, "%02x", f->bytes.p[i]);
    }
    printf("{\"worker\":%u,\"owner\":%d,\"interface\":%u,\"time\":%" PRIu64 ",\"late\":%" PRId64 ",\"number\":%" PRIu64
           ",\"link\":%d,\"length\":%u,\"caught\":%zu,\"passes\":%d,\"bytes\":\"%s\"}\n",
           w->number, owner_of(w, f), f->interface, f->at.time_ns, (int64_t)(now() - f->at.time_ns), f->at.frame,
           f->link_type, f->wire_length, f->bytes.n, passes(w, f), hex);
}

static void on_frame(void *arg, const struct frame *f) {
    struct probe_worker *w = arg;
    w->frames++;
    w->bytes += f->bytes.n;
    w->backwards += f->at.time_ns < w->last_ns;
    w->last_ns = f->at.time_ns;
    if (show_frames) {
        show(w, f);
    }
    if (slow_us) {
        usleep(slow_us);
    }
}

static void show_counters(struct probe_worker *w) {
    const unsigned filled = live_filled(w->tap);
    for (size_t i = 0; i < live_interfaces(live); i++) {
        struct live_counters c;
        live_count(w->tap, i, &c);
        printf("{\"counters\":true,\"worker\":%u,\"interface\":%zu,\"received\":%" PRIu64 ",\"dropped\":%" PRIu64
               ",\"frames\":%" PRIu64 ",\"bytes\":%" PRIu64 ",\"backwards\":%" PRIu64 ",\"filled\":%u}\n",
               w->number, i, c.received, c.dropped, w->frames, w->bytes, w->backwards, filled);
    }
    fflush(stdout);
}

static void *work(void *arg) {
    struct probe_worker *w = arg;
    unsigned counted = 0;
    bool stopped = false;
    for (;;) {
        for (; w->frames >= hold_after && !atomic_load(&stopping); usleep(1000)) {
            if (counted != atomic_load(&counts)) {
                counted = atomic_load(&counts);
                show_counters(w);
            }
        }
        int got = live_read(w->tap, stopped ? 200 : 1000, stopped ? -1 : w->wake_fd, on_frame, w);
        if (got < 0) {
            printf("{\"error\":%d,\"worker\":%u}\n", got, w->number);
            return NULL;
        }
        fflush(stdout);
        if (stopped && got == 0) {
            break;
        }
        if (counted != atomic_load(&counts)) {
            counted = atomic_load(&counts);
            uint64_t woken;
            if (read(w->wake_fd, &woken, sizeof woken) < 0) {
                woken = 0;
            }
            show_counters(w);
        }
        if (!stopped && atomic_load(&stopping)) {
            live_stop(w->tap);
            stopped = true;
        }
    }
    show_counters(w);
    return NULL;
}

static const char *state_name(enum live_state state) {
    static const char *const names[] = {[LIVE_ABSENT] = "absent", [LIVE_DOWN] = "down", [LIVE_UP] = "up"};
    return names[state];
}

static void on_change(void *arg, size_t interface, enum live_state state) {
    (void)arg;
    printf("{\"interface\":%zu,\"state\":\"%s\"}\n", interface, state_name(state));
    fflush(stdout);
}

static void wake_all(void) {
    const uint64_t one = 1;
    for (unsigned i = 0; i < worker_count; i++) {
        if (write(workers[i].wake_fd, &one, sizeof one) < 0) {
            abort();
        }
    }
}

static void show_dropped(void) {
    for (size_t i = 0; i < live_interfaces(live); i++) {
        printf("{\"interface\":%zu,\"interface_dropped\":%" PRIu64 "}\n", i, live_interface_dropped(live, i));
    }
    fflush(stdout);
}

static void command(void) {
    char line[64] = "";
    ssize_t n = read(STDIN_FILENO, line, sizeof line - 1);
    if (n <= 0 || strstr(line, "stop")) {
        atomic_store(&stopping, true);
    } else {
        show_dropped();
        atomic_fetch_add(&counts, 1);
    }
    wake_all();
}

static bool set_option(struct live_settings *s, char *text) {
    char *value = strchr(text, '=');
    if (!value) {
        return false;
    }
    *value++ = '\0';
    if (strcmp(text, "filter") == 0) {
        s->filter = value;
        return true;
    }
    unsigned long number = strtoul(value, NULL, 10);
    if (strcmp(text, "workers") == 0) {
        worker_count = s->workers = (unsigned)number;
    } else if (strcmp(text, "buffer") == 0) {
        s->buffer_bytes = number;
    } else if (strcmp(text, "timeout") == 0) {
        s->timeout_ms = (unsigned)number;
    } else if (strcmp(text, "snap") == 0) {
        s->snap_length = (int)number;
    } else if (strcmp(text, "promiscuous") == 0) {
        s->promiscuous = number != 0;
    } else if (strcmp(text, "frames") == 0) {
        show_frames = number != 0;
    } else if (strcmp(text, "slow") == 0) {
        slow_us = (useconds_t)number;
    } else if (strcmp(text, "hold") == 0) {
        hold_after = number;
    } else {
        exit(2);
    }
    return true;
}

static bool start_workers(void) {
    const struct decoder_settings settings = decoder_settings_default();
    for (unsigned i = 0; i < worker_count; i++) {
        struct probe_worker *w = &workers[i];
        w->number = i;
        w->tap = live_tap(live, i);
        w->budget.ceiling = SIZE_MAX;
        w->decoder = decoder_new(&settings, &w->budget, &w->stats);
        w->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
        if (!compile_filters(w) || !w->decoder || w->wake_fd < 0 || pthread_create(&w->thread, NULL, work, w) != 0) {
            return false;
        }
    }
    return true;
}

static void watch(void) {
    while (!atomic_load(&stopping)) {
        struct pollfd p[2] = {{.fd = STDIN_FILENO, .events = POLLIN}, {.fd = live_watch_fd(live), .events = POLLIN}};
        if (poll(p, 2, -1) < 0) {
            continue;
        }
        if (p[1].revents) {
            live_watch(live, on_change, NULL);
        }
        if (p[0].revents) {
            command();
        }
    }
}

int main(int argc, char **argv) {
    const char *names[INTERFACES_MAX];
    struct live_settings s = {.interfaces = names,
                              .workers = 1,
                              .buffer_bytes = 16 << 20,
                              .timeout_ms = 100,
                              .snap_length = 262144,
                              .promiscuous = true};
    for (int i = 1; i < argc; i++) {
        if (!set_option(&s, argv[i]) && s.interface_count < INTERFACES_MAX) {
            names[s.interface_count++] = argv[i];
        }
    }
    char why[LIVE_WHY_MAX] = "";
    int error = s.interface_count && worker_count <= WORKERS_MAX ? live_open(&live, &s, why, sizeof why) : -1;
    if (error != 0) {
        printf("{\"refused\":%d}\n", error);
        fprintf(stderr, "%s\n", why);
        return 1;
    }
    for (size_t i = 0; i < live_interfaces(live); i++) {
        on_change(NULL, i, live_state(live, i));
    }
    puts("{\"ready\":true}");
    fflush(stdout);
    if (!start_workers()) {
        return 1;
    }
    watch();
    for (unsigned i = 0; i < worker_count; i++) {
        pthread_join(workers[i].thread, NULL);
        decoder_free(workers[i].decoder);
        for (size_t k = 0; k < live_interfaces(live); k++) {
            pcap_freecode(&workers[i].filters[k]);
        }
        close(workers[i].wake_fd);
    }
    show_dropped();
    live_close(live);
    return 0;
}
