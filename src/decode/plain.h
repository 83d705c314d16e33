/* The shortest way for what nearly every frame is: Ethernet with at most one tag, IPv4 without options or IPv6 without extensions, in
 * one piece, and TCP without SYN. */
#ifndef PLAIN_H
#define PLAIN_H

#include <stdbool.h>

#include "packet.h"

/* False: it is something else, or anything is wrong with it, for the layers to find out; *out may be half written then. True: *out is
 * what the layers would make of it where nothing is verified and nothing added to the key. */
__attribute__((warn_unused_result)) bool plain_segment(const struct frame *, struct packet *out);

/* Whether it is a datagram over UDP in the same kind of frame, to a port that no tunnel has: DECODE_NOT_TCP. Of what is no SMB that is
 * the most, beside TCP. */
__attribute__((warn_unused_result)) bool plain_other(const struct frame *);

/* The same as plain_segment of what begins with IP's header and ends where what is around it ends, or was cut; on any link, in any tunnel. */
__attribute__((warn_unused_result)) bool plain_ipv4(struct view, struct packet *out);
__attribute__((warn_unused_result)) bool plain_ipv6(struct view, struct packet *out);

#endif
