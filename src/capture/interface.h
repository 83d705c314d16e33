/* Network interfaces as rtnetlink(7) tells of them; no privilege is needed, nor any file, so that it works in the sandbox. */
#ifndef INTERFACE_H
#define INTERFACE_H

#include <stdbool.h>
#include <stdint.h>

struct interface_facts {
    const char *name; /* lives for the call */
    int index;
    unsigned hardware_type; /* ARPHRD_* of <net/if_arp.h> */
    bool enabled;           /* set up by the administrator: IFF_UP */
    bool carrier;           /* and the other end is there: IFF_LOWER_UP */
    uint64_t packets;       /* rx_packets, since the interface was made */
    uint64_t dropped;       /* rx_dropped + rx_missed_errors, the same */
};

/* A socket to ask on, or, to watch, one that becomes readable when something changes. A descriptor or a negative errno; the
 * caller closes it. */
int interface_socket(bool watch);

/* Takes what stands in a watching socket; true if there was something. What it says is not looked at: it may have been too much
 * for the socket, and interface_each tells all. */
bool interface_changed(int watch_fd);

/* Calls found for each interface. 0 or a negative errno. */
__attribute__((warn_unused_result)) int
interface_each(int ask_fd, void (*found)(void *arg, const struct interface_facts *), void *arg);

#endif
