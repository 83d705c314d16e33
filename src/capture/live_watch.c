/* The interfaces as the kernel tells of them, and the handles' place in them. All of it works without privilege. */
#include <assert.h>
#include <errno.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <net/if_arp.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>

#include "fanout.h"
#include "interface.h"
#include "live_state.h"

static struct source *source_of(struct live *l, unsigned worker, const struct place *p) {
    return &l->taps[worker].sources[p - l->places];
}

/* --- looking --- */

static void see(struct place *p, const struct interface_facts *facts) {
    p->seen = true;
    p->enabled = facts->enabled;
    p->carrier = facts->carrier;
    p->seen_index = facts->index;
    p->seen_type = facts->hardware_type;
    p->seen_dropped = facts->dropped;
    p->seen_packets = facts->packets;
}

/* One that is bound is known by its index, also when it was renamed. */
static void on_interface(void *arg, const struct interface_facts *facts) {
    struct live *l = arg;
    for (size_t i = 0; i < l->count; i++) {
        struct place *p = &l->places[i];
        if (p->any) {
            p->seen_dropped += facts->dropped;
            p->seen_packets += facts->packets;
        } else if (facts->index == p->index ||
                   (strcmp(facts->name, p->name) == 0 && !(p->seen && p->seen_index == p->index))) {
            see(p, facts);
        }
    }
}

int live_look(struct live *l) {
    for (size_t i = 0; i < l->count; i++) {
        struct place *p = &l->places[i];
        p->seen = p->enabled = p->carrier = p->any;
        p->seen_index = 0;
        p->seen_dropped = p->seen_packets = 0;
    }
    return interface_each(l->ask_fd, on_interface, l);
}

/* --- binding --- */

static int attach(int fd, struct program *p) {
    struct sock_fprog program = {(unsigned short)p->n, p->code};
    return setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof program) == 0 ? 0 : -errno;
}

static int attach_nothing(int fd) {
    struct program nothing = {.n = 0};
    program_put(&nothing, BPF_RET | BPF_K, 0);
    return attach(fd, &nothing);
}

int live_shut(struct source *s) {
    return attach_nothing(s->fd);
}

static int bind_to(int fd, int index, uint16_t protocol) {
    struct sockaddr_ll to = {.sll_family = AF_PACKET, .sll_protocol = htons(protocol), .sll_ifindex = index};
    if (bind(fd, (struct sockaddr *)&to, sizeof to) != 0) {
        return -errno;
    }
    int error; /* it says that the interface is down, which is known */
    socklen_t size = sizeof error;
    getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &size);
    return 0;
}

/* A frame whose tag the kernel took off, and behind it is what no protocol here takes, is counted as dropped by the interface, although we
 * have seen it: on a trunk that would be most of what is reported. So there is somebody who takes the types that come in numbers, and lets
 * nothing through. */
static const uint16_t taken[TAKERS] = {ETH_P_8021Q, ETH_P_8021AD, ETH_P_MPLS_UC, ETH_P_PPP_SES};

int live_make_takers(struct place *p) {
    for (unsigned i = 0; i < TAKERS; i++) {
        p->takers[i] = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0);
        if (p->takers[i] < 0) {
            return -errno;
        }
        int error = attach_nothing(p->takers[i]);
        if (error != 0) {
            return error;
        }
    }
    return 0;
}

static int bind_takers(const struct place *p) {
    int error = 0;
    for (unsigned i = 0; i < TAKERS && error == 0; i++) {
        error = bind_to(p->takers[i], p->seen_index, taken[i]);
    }
    return error;
}

static int make_promiscuous(const struct source *s, int index) {
    struct packet_mreq what = {.mr_ifindex = index, .mr_type = PACKET_MR_PROMISC};
    return setsockopt(s->fd, SOL_PACKET, PACKET_ADD_MEMBERSHIP, &what, sizeof what) == 0 ? 0 : -errno;
}

static int bind_all(struct live *l, struct place *p) {
    int error = bind_takers(p);
    for (unsigned worker = 0; worker < l->workers && error == 0; worker++) {
        const struct source *s = source_of(l, worker, p);
        error = bind_to(s->fd, p->seen_index, ETH_P_ALL);
        if (error == 0 && l->promiscuous && !p->any) {
            error = make_promiscuous(s, p->seen_index);
        }
    }
    if (error == 0) {
        p->index = p->seen_index;
    }
    return error;
}

/* -EINVAL from a kernel before 6.13: not while the interface is down. */
static int join_all(struct live *l, struct place *p) {
    while (l->workers > 1 && p->joined < l->workers) {
        int error = fanout_join(source_of(l, p->joined, p)->fd, &p->group);
        if (error != 0) {
            return error;
        }
        p->joined++;
    }
    return 0;
}

static bool is_ethernet(unsigned hardware_type) {
    return hardware_type == ARPHRD_ETHER || hardware_type == ARPHRD_LOOPBACK;
}

static bool can_bind(const struct place *p) {
    return p->joined == 0 &&
           (p->any || p->seen_type == p->hardware_type || (is_ethernet(p->seen_type) && is_ethernet(p->hardware_type)));
}

int live_start(struct live *l, struct place *p) {
    if (!p->any && p->index != p->seen_index) {
        if (!can_bind(p)) {
            return 0;
        }
    }
    int error = p->any || p->index != p->seen_index ? bind_all(l, p) : 0;
    if (error == 0) {
        error = join_all(l, p);
    }
    if (error == -EINVAL && !p->enabled) {
        return 0;
    }
    for (unsigned worker = 0; worker < l->workers && error == 0 && !p->started; worker++) {
        error = attach(source_of(l, worker, p)->fd, &p->program);
    }
    p->started |= error == 0;
    return error;
}

/* --- telling --- */

enum live_state live_state_now(const struct live *l, const struct place *p) {
    (void)l;
    if (p->any) {
        return LIVE_UP;
    }
    if (!p->seen || p->index != p->seen_index) {
        return LIVE_ABSENT;
    }
    return p->started && p->enabled && p->carrier ? LIVE_UP : LIVE_DOWN;
}

/* One that was made again begins with 0. Of all there are the sum falls when one goes, and what it had was told. */
static void count_dropped(struct place *p) {
    const bool fell = p->seen_dropped < p->last_dropped;
    const uint64_t anew = p->any ? 0 : p->seen_dropped;
    if (p->seen) {
        p->dropped += fell ? anew : p->seen_dropped - p->last_dropped;
        p->last_dropped = p->seen_dropped;
    }
}

void live_watch(struct live *l, void (*changed)(void *arg, size_t interface, enum live_state), void *arg) {
    if (!interface_changed(l->watch_fd) || live_look(l) != 0) {
        return;
    }
    for (size_t i = 0; i < l->count; i++) {
        struct place *p = &l->places[i];
        count_dropped(p);
        if (p->seen && !p->any && (!p->started || p->index != p->seen_index)) {
            int error = live_start(l, p); /* it failed when it went away again: there will be more to watch */
            (void)error;
        }
        enum live_state state = live_state_now(l, p);
        atomic_store_explicit(&p->silent, state != LIVE_UP, memory_order_relaxed);
        if (state != p->state) {
            p->state = state;
            changed(arg, i, state);
        }
    }
}

uint64_t live_interface_dropped(struct live *l, size_t interface) {
    assert(interface < l->count);
    if (live_look(l) == 0) {
        for (size_t i = 0; i < l->count; i++) {
            count_dropped(&l->places[i]);
        }
    }
    return l->places[interface].dropped;
}

uint64_t live_interface_packets(const struct live *l, size_t interface) {
    assert(interface < l->count);
    return l->places[interface].seen_packets;
}

int live_watch_fd(const struct live *l) {
    return l->watch_fd;
}

enum live_state live_state(const struct live *l, size_t interface) {
    assert(interface < l->count);
    return l->places[interface].state;
}
