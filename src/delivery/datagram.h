/* Syslog over UDP (RFC 5426) and over a UNIX socket, one message a datagram, as a transport: datagram_transport of transport.h.
 *
 * UDP tells of a receiver that is not there now and then only, after the datagram was sent: its host at once but for at most one of them a
 * second (Linux, icmp_ratelimit), the own network of a host that is down after three seconds. So a record counts as done once it is
 * DATAGRAM_SETTLE_NS old and nothing was heard; after a refusal by the host, what is older than DATAGRAM_REFUSAL_NS is done, and the
 * rest is sent again. Nobody says what the network or a
 * full receiver drops; so that what had to wait does not come down on the receiver at once, at most DATAGRAM_BURST_MAX go out in
 * DATAGRAM_BURST_NS.
 *
 * Over IPv4 datagrams may be fragmented on the way (IP_PMTUDISC_DONT): with the bit that forbids it, what is too large for a link whose
 * router says nothing would be lost without a word. IPv6 fragments at the sender alone, by what routers say, and what was lost by that is
 * sent again. Those that are larger than the path's MTU, as far as it is known, are counted, and sent.
 *
 * A UNIX socket has room or has none, and its records count as done once the receiver took them and is still there. Where it is one of
 * streams, as some syslog daemons make it, messages end with a newline. */
#ifndef DATAGRAM_H
#define DATAGRAM_H

#include <stdint.h>

#include "delivery/transport.h"

enum {
    DATAGRAM_BURST_MAX = 64,          /* over UDP, in DATAGRAM_BURST_NS */
    DATAGRAM_WAITING_MAX = 512,       /* over a UNIX socket, records that may be in it and not taken */
    DATAGRAM_SEND_BUFFER = 256 << 10, /* SO_SNDBUF, bytes */
};
#define DATAGRAM_BURST_NS UINT64_C(2000000)
#define DATAGRAM_SETTLE_NS UINT64_C(3500000000)
#define DATAGRAM_REFUSAL_NS UINT64_C(1500000000)
#define DATAGRAM_LAST_NS UINT64_C(250000000) /* at the end */
#define DATAGRAM_END_NS UINT64_C(5000000000) /* for a UNIX socket's receiver to take what is in it, at the end */

/* Datagrams that were larger than the path's MTU, since it was made; state is the transport's. */
uint64_t datagram_oversize(const void *state);

#endif
