/* Opening. */
#include "live.h"

#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <net/if_arp.h>
#include <pcap/pcap.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/system_clock.h"
#include "capture.h"
#include "capture_filter.h"
#include "interface.h"
#include "live_state.h"
#include "port_filter.h"

enum {
    NO_PROTOCOL = 0xffff,                  /* nobody speaks it: nothing comes before filter and group are set */
    RING_BYTES_MIN = 4 * LIVE_BLOCK_BYTES, /* of one handle */
};

/* Where the line goes that says what failed. */
struct why {
    char *text;
    size_t size;
};

__attribute__((format(printf, 3, 4))) static int refuse(int error, struct why why, const char *format, ...) {
    va_list args;
    va_start(args, format);
    vsnprintf(why.text, why.size, format, args);
    va_end(args);
    return error;
}

/* --- one handle --- */

static int refuse_right(const char *name, struct why why) {
    char program[PATH_MAX] = "smbtap";
    ssize_t n = readlink("/proc/self/exe", program, sizeof program - 1);
    if (n > 0) {
        program[n] = '\0';
    }
    return refuse(
        -EPERM, why,
        "%s: no right to capture; start the service (systemctl start smbtap), run as root, or grant it: setcap "
        "cap_net_raw=ep %s",
        name, program);
}

static int refuse_activate(const char *name, int status, pcap_t *pcap, size_t ring, struct why why) {
    const char *problem = pcap_geterr(pcap);
    switch (status) {
    case PCAP_ERROR_NO_SUCH_DEVICE:
        return refuse(-ENODEV, why, "%s: there is no such interface; see which there are with: ip link", name);
    case PCAP_ERROR_PERM_DENIED:
        return refuse_right(name, why);
    case PCAP_ERROR_IFACE_NOT_UP:
        return refuse(-ENETDOWN, why, "%s: is down; set it up with: ip link set %s up", name, name);
    default:
        break;
    }
    if (strstr(problem, strerror(ENOMEM))) {
        return refuse(-ENOMEM, why, "%s: the kernel has no room for a buffer of %zu MiB; ask for less with --buffer",
                      name, ring >> 20);
    }
    return refuse(-EIO, why, "%s: cannot be captured on: %s", name, *problem ? problem : pcap_statustostr(status));
}

/* The size of the ring as it was mapped: libpcap makes it smaller, and says nothing, until the kernel has room. 0: not known. */
static size_t mapped_bytes(int fd) {
    struct stat st;
    FILE *maps = fstat(fd, &st) == 0 ? fopen("/proc/self/maps", "re") : NULL;
    if (!maps) {
        return 0;
    }
    char line[PATH_MAX + 128], socket_name[64];
    snprintf(socket_name, sizeof socket_name, "socket:[%ju]\n", (uintmax_t)st.st_ino);
    size_t bytes = 0;
    while (fgets(line, sizeof line, maps)) {
        uintptr_t from, to;
        if (strstr(line, socket_name) && sscanf(line, "%" SCNxPTR "-%" SCNxPTR, &from, &to) == 2) {
            bytes += to - from;
        }
    }
    fclose(maps);
    return bytes;
}

static int activate(struct source *s, const char *device, const struct live_settings *settings, size_t ring,
                    struct why why) {
    char problem[PCAP_ERRBUF_SIZE] = "";
    s->pcap = pcap_create(device, problem);
    if (!s->pcap) {
        return refuse(-ENOMEM, why, "%s: %s", device, problem);
    }
    pcap_set_snaplen(s->pcap, settings->snap_length);
    pcap_set_promisc(s->pcap, 0); /* ours, live_watch.c */
    pcap_set_timeout(s->pcap, (int)settings->timeout_ms);
    pcap_set_immediate_mode(s->pcap, 0);
    pcap_set_buffer_size(s->pcap, (int)ring);
    pcap_set_tstamp_precision(s->pcap, PCAP_TSTAMP_PRECISION_NANO);
    pcap_set_protocol_linux(s->pcap, NO_PROTOCOL);
    int status = pcap_activate(s->pcap);
    if (status < 0) {
        return refuse_activate(device, status, s->pcap, ring, why);
    }
    size_t mapped = mapped_bytes(pcap_fileno(s->pcap));
    if (mapped != 0 && mapped < ring) {
        return refuse(
            -ENOMEM, why,
            "%s: the kernel has no room for a buffer of %zu MiB, only for %zu MiB; ask for less with --buffer", device,
            ring >> 20, mapped >> 20);
    }
    if (pcap_setnonblock(s->pcap, 1, problem) != 0) {
        return refuse(-EIO, why, "%s: %s", device, problem);
    }
    s->fd = pcap_fileno(s->pcap);
    s->ring = ring;
    s->link_type = pcap_datalink(s->pcap);
    return capture_reads(s->link_type) ? 0 : capture_refuse_link_type(device, s->link_type, why.text, why.size);
}

static int open_source(struct live *l, struct source *s, const char *device, const struct live_settings *settings,
                       struct why why) {
    int error = activate(s, device, settings, settings->buffer_bytes / l->workers, why);
    if (error != 0) {
        return error;
    }
    if (l->count > 1 && !(s->copy = malloc((size_t)settings->snap_length + 64))) {
        return refuse(-ENOMEM, why, "%s: out of memory", device);
    }
    error = live_shut(s);
    return error == 0 ? 0 : refuse(error, why, "%s: the kernel takes no filter: %s", device, strerror(-error));
}

/* --- one interface --- */

static int refuse_length(unsigned n, struct why why) {
    return refuse(-EFBIG, why,
                  "the filter is too long for the kernel: %u instructions, and it takes %u; write a shorter one", n,
                  (unsigned)PROGRAM_SIZE);
}

/* libpcap's header of cooked frames is not there in the kernel: what is read of it is had otherwise (pcap-linktype(7), LINUX_SLL). False
 * where it cannot be. */
static bool uncook(struct sock_filter *code) {
    enum { HEADER = 16, PACKET_TYPE = 0, PROTOCOL = 14 };
    const unsigned class = BPF_CLASS(code->code), mode = BPF_MODE(code->code);
    if ((class != BPF_LD && class != BPF_LDX) || (mode != BPF_ABS && mode != BPF_IND && mode != BPF_MSH) ||
        code->k >= (uint32_t)SKF_AD_OFF) {
        return true;
    }
    if (code->k >= HEADER) {
        code->k -= HEADER;
        return true;
    }
    if (mode != BPF_ABS || (code->k != PROTOCOL && code->k != PACKET_TYPE)) {
        return false;
    }
    code->k = (uint32_t)SKF_AD_OFF + (code->k == PROTOCOL ? SKF_AD_PROTOCOL : SKF_AD_PKTTYPE);
    return true;
}

static int translate(struct place *p, const struct bpf_program *from, struct why why) {
    const bool cooked = p->link_type == DLT_LINUX_SLL;
    if (from->bf_len > PROGRAM_SIZE) {
        return refuse_length(from->bf_len, why);
    }
    for (p->program.n = 0; p->program.n < from->bf_len; p->program.n++) {
        const struct bpf_insn *in = &from->bf_insns[p->program.n];
        struct sock_filter *out = &p->program.code[p->program.n];
        *out = (struct sock_filter){in->code, in->jt, in->jf, in->k};
        if (cooked && !uncook(out)) {
            return refuse(-EINVAL, why,
                          "filter \"%.200s\": asks for what %s does not have; leave out the addresses of the link",
                          p->filter, p->name);
        }
    }
    return 0;
}

/* What libpcap makes of the text. It is not asked to set it: it would do so in its own way, and for the worker's thread alone. */
static int compile(struct place *p, pcap_t *pcap, struct why why) {
    struct bpf_program program;
    if (pcap_compile(pcap, &program, p->filter, 1, PCAP_NETMASK_UNKNOWN) != 0) {
        return refuse(-EINVAL, why, "filter \"%.200s\": %s; see pcap-filter(7) for what can be written", p->filter,
                      pcap_geterr(pcap));
    }
    int error = translate(p, &program, why);
    pcap_freecode(&program);
    return error;
}

/* On the loopback interface all that comes in went out before, and libpcap leaves the latter away, behind the ring: it would be counted as
 * received, and as waiting there, for ever. In front of the filter it does not come so far. */
static void leave_outgoing_away(struct place *p) {
    unsigned loopback = p->any || strcmp(p->name, "lo") == 0 ? if_nametoindex("lo") : 0;
    const struct sock_filter test[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, (uint32_t)SKF_AD_OFF + SKF_AD_PKTTYPE),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, PACKET_OUTGOING, 0, 3),
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, (uint32_t)SKF_AD_OFF + SKF_AD_IFINDEX),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, loopback, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, 0),
    };
    const unsigned n = sizeof test / sizeof test[0];
    if (loopback != 0 && p->program.n + n <= PROGRAM_SIZE) {
        memmove(p->program.code + n, p->program.code, p->program.n * sizeof test[0]);
        memcpy(p->program.code, test, sizeof test);
        p->program.n += n;
    }
}

static int make_filter(struct place *p, pcap_t *pcap, const struct live_settings *settings, struct why why) {
    p->filter = settings->filter ? strdup(settings->filter)
                                 : capture_filter(p->link_type, settings->ports, settings->port_count);
    if (!p->filter) {
        return refuse(-ENOMEM, why, "%s: out of memory", p->name);
    }
    if (!settings->filter && p->link_type == DLT_EN10MB) {
        port_filter(&p->program, settings->ports, settings->port_count, (uint32_t)settings->snap_length);
        return 0;
    }
    return compile(p, pcap, why);
}

/* What is not up is opened on another interface for the time being: nothing comes from there. */
static int open_place(struct live *l, size_t at, const char *stand_in, const struct live_settings *settings,
                      struct why why) {
    struct place *p = &l->places[at];
    const char *device = p->enabled ? p->name : stand_in;
    for (unsigned worker = 0; worker < l->workers; worker++) {
        int error = open_source(l, &l->taps[worker].sources[at], device, settings, why);
        if (error != 0) {
            return error;
        }
    }
    p->link_type = l->taps[0].sources[at].link_type;
    p->hardware_type = p->enabled ? p->seen_type : ARPHRD_ETHER;
    int error = make_filter(p, l->taps[0].sources[at].pcap, settings, why);
    if (error != 0) {
        return error;
    }
    leave_outgoing_away(p);
    error = live_make_takers(p);
    if (error == 0 && p->seen) {
        error = live_start(l, p);
    }
    if (error == -ENOMEM) {
        return refuse(error, why,
                      "%s: the kernel has no room for the filter; make some: sysctl net.core.optmem_max=131072",
                      p->name);
    }
    if (error != 0) {
        return refuse(error, why, "%s: cannot be captured on: %s", p->name, strerror(-error));
    }
    p->state = live_state_now(l, p);
    atomic_store(&p->silent, p->state != LIVE_UP);
    return 0;
}

/* --- all --- */

static int check(const struct live_settings *s, struct why why) {
    for (size_t i = 0; i < s->interface_count; i++) {
        for (size_t k = 0; k < i; k++) {
            if (strcmp(s->interfaces[i], s->interfaces[k]) == 0) {
                return refuse(-EINVAL, why,
                              "%s: is named twice, and each of its packets would be seen twice; name it once",
                              s->interfaces[i]);
            }
        }
        if (s->interface_count > 1 && strcmp(s->interfaces[i], "any") == 0) {
            return refuse(-EINVAL, why,
                          "any: has the other interfaces' packets as well; name it alone, or leave it out");
        }
    }
    size_t ring = s->buffer_bytes / s->workers;
    if (ring < RING_BYTES_MIN) {
        return refuse(-EINVAL, why,
                      "a buffer of %zu KiB is too small for --workers %u; give at least %u MiB with --buffer",
                      s->buffer_bytes >> 10, s->workers, s->workers);
    }
    if (ring > INT_MAX) {
        return refuse(-EFBIG, why,
                      "a buffer of %zu MiB is too large for --workers %u; give at most %u MiB with --buffer, or more "
                      "--workers",
                      s->buffer_bytes >> 20, s->workers, s->workers * (INT_MAX >> 20));
    }
    return 0;
}

static bool allocate(struct live *l) {
    l->places = calloc(l->count, sizeof *l->places);
    l->taps = calloc(l->workers, sizeof *l->taps);
    if (!l->places || !l->taps) {
        return false;
    }
    for (size_t i = 0; i < l->count; i++) {
        l->places[i].group = -1;
        memset(l->places[i].takers, 0xff, sizeof l->places[i].takers); /* -1 */
    }
    for (unsigned worker = 0; worker < l->workers; worker++) {
        struct live_tap *tap = &l->taps[worker];
        tap->live = l;
        tap->sources = calloc(l->count, sizeof *tap->sources);
        tap->polled = calloc(l->count + 1, sizeof *tap->polled);
        if (!tap->sources || !tap->polled) {
            return false;
        }
        for (size_t i = 0; i < l->count; i++) {
            tap->sources[i].tap = tap;
            tap->sources[i].place = &l->places[i];
            tap->sources[i].interface = (uint16_t)i;
        }
    }
    return true;
}

static int prepare(struct live *l, const struct live_settings *s, struct why why) {
    if (!allocate(l)) {
        return refuse(-ENOMEM, why, "%s: out of memory", s->interfaces[0]);
    }
    for (size_t i = 0; i < l->count; i++) {
        struct place *p = &l->places[i];
        p->any = strcmp(s->interfaces[i], "any") == 0;
        p->name = strdup(s->interfaces[i]);
        if (!p->name) {
            return refuse(-ENOMEM, why, "%s: out of memory", s->interfaces[i]);
        }
    }
    l->watch_fd = interface_socket(true);
    l->ask_fd = interface_socket(false);
    int error = l->watch_fd < 0 ? l->watch_fd : l->ask_fd < 0 ? l->ask_fd : live_look(l);
    return error == 0 ? 0 : refuse(error, why, "the kernel does not tell of its interfaces: %s", strerror(-error));
}

/* The first interface that is up; the others can be opened in its place. */
static const char *find_up(const struct live *l, int *error, struct why why) {
    bool seen = false;
    for (size_t i = 0; i < l->count; i++) {
        if (l->places[i].enabled) {
            return l->places[i].name;
        }
        seen |= l->places[i].seen;
    }
    const char *name = l->places[0].name;
    if (seen && l->count > 1) {
        *error = refuse(-ENETDOWN, why, "%s and the others: none is up; set one up with: ip link set NAME up", name);
    } else if (seen) {
        *error = refuse(-ENETDOWN, why, "%s: is down; set it up with: ip link set %s up", name, name);
    } else {
        *error = refuse(-ENODEV, why, "%s%s: there is no such interface; see which there are with: ip link", name,
                        l->count > 1 ? " and the others" : "");
    }
    return NULL;
}

static int open_all(struct live *l, const struct live_settings *s, struct why why) {
    int error = prepare(l, s, why);
    const char *stand_in = error == 0 ? find_up(l, &error, why) : NULL;
    for (size_t i = 0; i < l->count && error == 0; i++) {
        l->places[i].last_dropped = l->places[i].seen_dropped;
        error = open_place(l, i, stand_in, s, why);
    }
    return error;
}

int live_open(struct live **out, const struct live_settings *s, char *text, size_t size) {
    assert(s->interface_count > 0 && s->interface_count <= UINT16_MAX && s->workers > 0 && s->snap_length > 0);
    struct why why = {text, size};
    int error = check(s, why);
    if (error != 0) {
        return error;
    }
    struct live *l = calloc(1, sizeof *l);
    if (!l) {
        return refuse(-ENOMEM, why, "%s: out of memory", s->interfaces[0]);
    }
    l->count = s->interface_count;
    l->workers = s->workers;
    l->promiscuous = s->promiscuous;
    l->hold_ns = (s->timeout_ms + LIVE_LATE_MS) * UINT64_C(1000000);
    l->block_ns = (s->timeout_ms != 0 ? s->timeout_ms : 1) * UINT64_C(1000000);
    l->watch_fd = l->ask_fd = -1;
    error = open_all(l, s, why);
    if (error != 0) {
        live_close(l);
        return error;
    }
    for (unsigned i = 0; i < l->workers; i++) {
        l->taps[i].read_ns = system_clock_ns(CLOCK_MONOTONIC);
    }
    *out = l;
    return 0;
}

static void close_tap(struct live_tap *tap, size_t count) {
    for (size_t i = 0; i < count && tap->sources; i++) {
        if (tap->sources[i].pcap) {
            pcap_close(tap->sources[i].pcap);
        }
        free(tap->sources[i].copy);
    }
    free(tap->sources);
    free(tap->polled);
}

void live_close(struct live *l) {
    if (!l) {
        return;
    }
    for (unsigned worker = 0; l->taps && worker < l->workers; worker++) {
        close_tap(&l->taps[worker], l->count);
    }
    for (size_t i = 0; l->places && l->taps && i < l->count; i++) {
        for (unsigned k = 0; k < TAKERS; k++) {
            if (l->places[i].takers[k] >= 0) {
                close(l->places[i].takers[k]);
            }
        }
        free(l->places[i].filter);
        free(l->places[i].name);
    }
    if (l->watch_fd >= 0) {
        close(l->watch_fd);
    }
    if (l->ask_fd >= 0) {
        close(l->ask_fd);
    }
    free(l->places);
    free(l->taps);
    free(l);
}

struct live_tap *live_tap(struct live *l, unsigned worker) {
    assert(worker < l->workers);
    return &l->taps[worker];
}

size_t live_interfaces(const struct live *l) {
    return l->count;
}

const char *live_interface_name(const struct live *l, size_t interface) {
    assert(interface < l->count);
    return l->places[interface].name;
}

int live_link_type(const struct live *l, size_t interface) {
    assert(interface < l->count);
    return l->places[interface].link_type;
}

const char *live_filter(const struct live *l, size_t interface) {
    assert(interface < l->count);
    return l->places[interface].filter;
}
