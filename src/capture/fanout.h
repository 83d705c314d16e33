/* How the frames of one interface are spread over the workers: by a hash that the kernel computes for each frame
 * (PACKET_FANOUT_CBPF of packet(7)) and that is known here as well, so that it can be told whose a segment is. */
#ifndef FANOUT_H
#define FANOUT_H

#include "packet.h"

enum { FANOUT_TAGS_MAX = 3 }; /* VLAN tags that the kernel looks behind, besides one that the card took off */

/* Of the server's address, and so the same for both directions; the worker is this modulo their number. The server is the side with the
 * lower port, and where they are equal both addresses count. All that one server says is at one worker, because its state is: a client's
 * connections may be channels of one session (MS-SMB2 3.2.4.20.8), several clients have one file open, of which the last close
 * deletes it, and a durable handle is taken up by another connection. Load is spread where there are several servers.
 *
 * What the kernel computes is equal for TCP over IPv4, and over IPv6 without extension headers, that is no fragment, behind up to
 * FANOUT_TAGS_MAX tags. Of other IP it is that of both outermost addresses, so that the fragments of a datagram come together; of what
 * is no IP that of the MAC addresses. */
uint32_t fanout_hash(const struct endpoint *, const struct endpoint *);

/* Puts a bound packet socket into a group, in the order of the workers: the first one with *group -1, which makes the group and sets
 * it. The interface must be up for kernels before 6.13. 0 or a negative errno. */
__attribute__((warn_unused_result)) int fanout_join(int fd, int *group);

#endif
