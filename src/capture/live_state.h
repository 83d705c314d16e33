/* What live.c, live_read.c and live_watch.c share. */
#ifndef LIVE_STATE_H
#define LIVE_STATE_H

#include <pcap/pcap.h>
#include <poll.h>
#include <stdatomic.h>

#include "live.h"
#include "program.h"

/* One worker's handle of one interface. Its thread reads with pcap; who watches uses fd alone. */
struct source {
    struct live_tap *tap;
    struct place *place;
    pcap_t *pcap;
    int fd;
    int link_type;
    uint16_t interface;
    struct live_counters counted;
    unsigned last_received, last_dropped; /* as libpcap counts, which wraps */
    size_t ring;                          /* bytes */
    uint64_t taken, taken_bytes;          /* frames, and what was captured of them */
    uint64_t sampled, sampled_bytes;      /* the same, when their size was looked at last */
    uint64_t frame_bytes, full_until;     /* of one, on average, then; taken: so long it is not looked at anew */
    uint64_t seen_dropped;                /* frames, at the last look how full the ring is */
    /* Of several interfaces only: */
    bool holding; /* the next frame is here, copied: another interface's may be before it */
    struct frame held;
    uint8_t *copy;
    uint64_t held_since_ns;   /* by the monotonic clock */
    uint64_t silent_until_ns; /* none is still to come whose time is before this */
};

struct live_tap {
    struct live *live;
    struct source *sources;   /* one for each interface */
    struct pollfd *polled;    /* the same, and who wakes it */
    uint64_t frames, read_ns; /* read_ns: monotonic, when live_read returned last, or it was opened */
    bool more;                /* the last batch was full: there may be more in the rings */
    /* Of the call of live_read that runs: */
    unsigned batch; /* frames handed on */
    void (*frame)(void *arg, const struct frame *);
    void *arg;
};

enum { TAKERS = 4, LIVE_BLOCK_BYTES = 256 << 10 }; /* the latter of the ring, as libpcap makes it */

/* One interface, for who watches. */
struct place {
    char *name;
    bool any;
    unsigned hardware_type; /* that the handles were made for */
    int link_type;
    char *filter;
    struct program program; /* the same, for the kernel */
    int group;              /* of fanout.h; -1: none */
    int takers[TAKERS];     /* see live_watch.c; -1: none */
    unsigned joined;        /* workers' handles that are in it */
    bool started;           /* frames pass */
    int index;              /* of the interface that the handles are bound to; 0: to none */
    atomic_bool silent;     /* nothing is to be waited for: it is absent or down */
    enum live_state state;
    uint64_t dropped, last_dropped; /* since the start; as the interface said last */
    /* As the kernel said last: */
    bool seen, enabled, carrier;
    int seen_index;
    unsigned seen_type;
    uint64_t seen_dropped, seen_packets;
};

struct live {
    struct place *places;
    size_t count;
    struct live_tap *taps;
    unsigned workers;
    uint64_t hold_ns;  /* how long frames wait for those of other interfaces */
    uint64_t block_ns; /* after which a block of the ring is handed on that is not full */
    bool promiscuous;
    int watch_fd, ask_fd;
};

/* Asks the kernel for all interfaces and sets what was seen of each place. 0 or a negative errno. */
__attribute__((warn_unused_result)) int live_look(struct live *);

/* Binds a place's handles to the interface that was seen, puts them into their group and lets frames pass. 0, also where it can only be
 * done when the interface is up, or a negative errno. */
__attribute__((warn_unused_result)) int live_start(struct live *, struct place *);

/* Sockets that take what nobody else does; they are bound with the handles. 0 or a negative errno. */
__attribute__((warn_unused_result)) int live_make_takers(struct place *);

/* From what was seen. */
enum live_state live_state_now(const struct live *, const struct place *);

/* Nothing passes any more. */
int live_shut(struct source *);

#endif
