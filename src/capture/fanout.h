/* How the frames of one interface are spread over the workers: by a hash that the kernel computes for each frame
 * (PACKET_FANOUT_CBPF of packet(7)) and that is known here as well, so that it can be told whose a segment is. */
#ifndef FANOUT_H
#define FANOUT_H

#include "packet.h"

enum { FANOUT_TAGS_MAX = 3 }; /* VLAN tags that the kernel looks behind, besides one that the card took off */

/* The same for both directions; the worker is this modulo their number. What the kernel computes is equal for TCP over IPv4 and
 * IPv6 that is no fragment and has no extension headers, behind up to FANOUT_TAGS_MAX tags. For everything else it is something of
 * the outermost addresses, the same for both directions and for all fragments of a datagram. */
uint32_t fanout_hash(const struct endpoint *, const struct endpoint *);

/* Puts a bound packet socket into a group, in the order of the workers: the first one with *group -1, which makes the group and sets
 * it. The interface must be up for kernels before 6.13. 0 or a negative errno. */
__attribute__((warn_unused_result)) int fanout_join(int fd, int *group);

#endif
