/* Live capture on one interface or several, by one worker or several: libpcap's handles with the kernel's ring (TPACKET_V3), one of
 * each interface for each worker. The handles of one interface share its frames by fanout.h.
 *
 * Frames are read in the ring, where the kernel put them. With several interfaces a worker gets them in the order of their times: a
 * tap's two directions come on two of them. For that, a frame waits until it is sure that none before it is still to come from
 * another interface, at most the ring's timeout and LIVE_LATE_MS; where the order turns from one interface to the other the frame is
 * copied.
 *
 * What an interface does after the opening is told by the kernel over netlink; one that goes down and comes back goes on by itself. */
#ifndef LIVE_H
#define LIVE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "packet.h"

enum {
    LIVE_WHY_MAX = 512,       /* room for the longest line, NUL included */
    LIVE_BATCH_FRAMES = 4096, /* that live_read hands on before it returns */
    LIVE_LATE_MS = 20,        /* how late the kernel may be with closing a block of the ring */
};

struct live_settings {
    const char *const *interfaces; /* names; "any", alone, is all there are */
    size_t interface_count;
    unsigned workers;
    size_t buffer_bytes; /* for each interface, shared between the workers' rings */
    unsigned timeout_ms; /* after which a block of the ring is handed on that is not full */
    int snap_length;
    bool promiscuous;
    const char *filter;    /* of pcap-filter(7); NULL: that of capture_filter.h for these ports */
    const uint16_t *ports; /* NULL or count 0: 445 and 139 */
    size_t port_count;
};

struct live;     /* all handles of all workers */
struct live_tap; /* those of one worker */

/* 0, or a negative errno and one line for a person with the remedy. -ENODEV, -ENETDOWN: none of the interfaces is there, or none up;
 * with one that is up the others are waited for. -EPERM: no right to capture. -EPROTONOSUPPORT: of a link type that is not read.
 * -EINVAL: a name twice, or a filter that does not compile. -ENOMEM, -EFBIG: no room for the buffer, or for the filter in the kernel. */
__attribute__((warn_unused_result)) int live_open(struct live **out, const struct live_settings *, char *why,
                                                  size_t why_size);

void live_close(struct live *); /* NULL is fine */

/* Of worker 0 and so on; lives as long as struct live. */
struct live_tap *live_tap(struct live *, unsigned worker);

/* Waits at most wait_ms (-1: for ever) for frames, hands each to the callback, numbered for this tap, and returns how many they were;
 * 0: nothing came. wake_fd, if not -1, ends a wait while it is readable; reading it is the caller's. A negative errno: nothing will come any more. */
int live_read(struct live_tap *, int wait_ms, int wake_fd, void (*frame)(void *arg, const struct frame *), void *arg);

/* Nothing new comes any more. What is in the rings still does: to be read on until live_read, with time to wait for a ring's timeout and
 * LIVE_LATE_MS, returns 0. By the worker's thread. */
void live_stop(struct live_tap *);

struct live_counters {
    uint64_t received; /* passed the filter, those dropped included */
    uint64_t dropped;  /* the ring was full */
};
/* Of this worker's handle, since the start; by the worker's thread alone. */
void live_count(struct live_tap *, size_t interface, struct live_counters *);

/* How full its fullest ring is, in percent: an estimate, rather too high, from the frames that wait, the size of those that were read last,
 * and how long ago that was. 100 also where some were dropped since the last call. By the worker's thread alone. */
unsigned live_filled(struct live_tap *);

size_t live_interfaces(const struct live *);
const char *live_interface_name(const struct live *, size_t interface);
int live_link_type(const struct live *, size_t interface);      /* DLT_* */
const char *live_filter(const struct live *, size_t interface); /* the text */

enum live_state { LIVE_ABSENT, LIVE_DOWN, LIVE_UP };

/* The following is for one thread alone, which need not be a worker's. */

/* Becomes readable when an interface changed: then live_watch is to be called. It also binds the handles to an interface that came, if
 * it can be done, and tells each change. One that was removed and made again while several workers shared it stays absent: only
 * opening anew helps. */
int live_watch_fd(const struct live *);
void live_watch(struct live *, void (*changed)(void *arg, size_t interface, enum live_state), void *arg);

enum live_state live_state(const struct live *, size_t interface);

/* What the interface itself dropped before anybody could see it (rx_dropped and rx_missed_errors), since the start. */
uint64_t live_interface_dropped(struct live *, size_t interface);
/* What it took, whatever it was, since it was made: as it said when it was asked for the other last. */
uint64_t live_interface_packets(const struct live *, size_t interface);

#endif
