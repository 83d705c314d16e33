/* What the layers of decode/ hand to each other: a cursor over the frame and the packet that is being filled. */
#ifndef LAYERS_H
#define LAYERS_H

#include "cursor.h"
#include "dissector.h"
#include "packet.h"
#include "stats.h"

enum {
    LINK_TAGS_MAX = 16,  /* VLAN tags followed; VLAN_MAX of them are reported */
    IP_HEADERS_MAX = 16, /* IPv6 extension headers, and AH, followed in one packet */
};

struct layers {
    struct cursor in; /* at the start of the next header */
    struct packet *out;
    struct stats *stats;
    uint32_t frame_length; /* of the whole frame on the wire */
};

enum { ETHERTYPE_IPV4 = 0x0800, ETHERTYPE_IPV6 = 0x86dd };

/* Counts the reason and returns the verdict that goes with it. */
enum verdict decode_refuse(struct layers *, enum decode_fault);

enum verdict decode_ethertype(struct layers *, uint16_t ethertype);
enum verdict decode_ipv4(struct layers *);
enum verdict decode_ipv6(struct layers *);
/* length: of the segment with its header, as IP says. */
enum verdict decode_tcp(struct layers *, uint32_t length);

#endif
