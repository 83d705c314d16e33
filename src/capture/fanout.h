/* How the frames of one interface are spread over the workers: by a hash that the kernel computes for each frame
 * (PACKET_FANOUT_CBPF of packet(7)) and that is known here as well, so that it can be told whose a segment is. */
#ifndef FANOUT_H
#define FANOUT_H

#include "packet.h"

enum { FANOUT_TAGS_MAX = 3 }; /* VLAN tags that the kernel looks behind, besides one that the card took off */

/* Of the two addresses, and the same for both directions; the worker is this modulo their number. Ports are not in it: a client's
 * connections to a server may be channels of one session (MS-SMB2 3.2.4.20.8), or take up each other's durable handles, and only who
 * sees all of them knows whose they are and which names their handles have. Nor do fragments have ports.
 *
 * What the kernel computes is equal for IPv4 and IPv6 behind up to FANOUT_TAGS_MAX tags, so that of a tunnel it is the outermost
 * addresses'. Of what is no IP it is that of the MAC addresses, the same for both directions. */
uint32_t fanout_hash(const struct endpoint *, const struct endpoint *);

/* Puts a bound packet socket into a group, in the order of the workers: the first one with *group -1, which makes the group and sets
 * it. The interface must be up for kernels before 6.13. 0 or a negative errno. */
__attribute__((warn_unused_result)) int fanout_join(int fd, int *group);

#endif
