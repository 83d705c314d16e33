/* capture -frame-> decode -packet-> flow. Both borrow the bytes where libpcap put them, or, of a datagram that came in
 * fragments, where decode put them together; they live until the next frame. */
#ifndef PACKET_H
#define PACKET_H

#include <stdbool.h>
#include <stdint.h>

#include "view.h"

/* When something was seen, and where in the capture. */
struct moment {
    uint64_t time_ns; /* since 1970-01-01 UTC, from the packet */
    uint64_t frame;   /* 1-based number in its capture */
};

struct frame {
    struct view bytes;    /* what was captured */
    uint32_t wire_length; /* what was on the wire; more than bytes.n where the snap length cut it */
    int link_type;        /* DLT_*, of pcap-linktype(7) */
    struct moment at;
    uint16_t interface; /* of a live capture: which of those captured on, in the order they were named; 0 of a file */
};

struct address {
    uint8_t bytes[16]; /* network order; IPv4 in the first four, the rest zero */
    uint8_t family;    /* 4 or 6 */
};

struct endpoint {
    struct address ip;
    uint16_t port;
};

enum {
    VLAN_MAX = 4,    /* tags reported for one frame, outermost first */
    LAYERS_MAX = 16, /* headers followed beyond the link's, IP's and TCP's own: tags, labels, tunnels, extensions */
};

enum encapsulation {
#define ENCAPSULATION(id, name, numbered) ENCAPSULATION_##id,
#include "tables/encapsulation.def"
#undef ENCAPSULATION
    ENCAPSULATIONS
};

struct link_facts {
    uint8_t src_mac[6], dst_mac[6]; /* the innermost Ethernet header's */
    bool has_mac;
    uint8_t vlan_count;
    uint16_t vlan[VLAN_MAX]; /* VLAN identifiers, 12 bits, of all layers */
    uint16_t interface;      /* struct frame's */
};

/* What is around a segment besides its own headers. Of an array only as many items are set as the count says. */
struct wrapping {
    uint64_t key_tag; /* of what was asked to tell connections apart besides addresses and ports; 0: nothing */
    bool has_tunnel;  /* there is an IP header around the segment's own: the addresses of the outermost one are set */
    uint8_t layer_count;
    uint8_t layers[LAYERS_MAX];     /* enum encapsulation, outermost first */
    uint32_t layer_ids[LAYERS_MAX]; /* 0 where one has none */
    struct address tunnel_src, tunnel_dst;
};

/* TCP's flags, RFC 9293 3.1 */
enum {
    TCP_FIN = 0x01,
    TCP_SYN = 0x02,
    TCP_RST = 0x04,
    TCP_PSH = 0x08,
    TCP_ACK = 0x10,
    TCP_URG = 0x20,
    TCP_ECE = 0x40,
    TCP_CWR = 0x80
};

/* One TCP segment. Of one that came in fragments, moment and link are those of the frame that completed it. */
struct packet {
    struct moment at;
    struct link_facts link;
    struct wrapping wrapping;
    struct endpoint src, dst;
    uint32_t seq, ack;
    uint16_t window;      /* as sent, not scaled */
    uint8_t window_scale; /* of a SYN's option; 0xff where it has none */
    uint8_t flags;
    struct view payload;     /* what was captured of the segment's data */
    uint32_t payload_length; /* of the segment's data on the wire; above payload.n where the frame was cut */
    uint32_t wire_length;    /* of the whole frame */
    bool overlap_differs;    /* it came in IP fragments that overlapped with other bytes; the first ones won */
};

#endif
