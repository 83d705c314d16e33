#include "plain.h"

#include <pcap/dlt.h>
#include <string.h>

#include "layers.h"

/* Sizes of headers without options, and places in them: IEEE 802.3 3.2, RFC 791 3.1, RFC 8200 3, RFC 9293 3.1. */
enum {
    ETHERNET_SIZE = 14,
    ETHERTYPE_AT = 12,
    TAG_SIZE = 4,
    IPV4_SIZE = 20,
    IPV6_SIZE = 40,
    TCP_SIZE = 20,
    IPV4_START = 0x45, /* version and size */
    PROTOCOL_TCP = 6,
    PROTOCOL_UDP = 17,
    UDP_SIZE = 8,           /* RFC 768 */
    FRAGMENT_BITS = 0x3fff, /* more fragments, and the offset */
};

static inline uint32_t be32(const uint8_t *p) {
    return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

static inline void take_ipv4(struct address *to, const uint8_t *p) {
    memset(to->bytes, 0, sizeof to->bytes);
    memcpy(to->bytes, p, 4);
    to->family = 4;
}

static inline void take_ipv6(struct address *to, const uint8_t *p) {
    memcpy(to->bytes, p, sizeof to->bytes);
    to->family = 6;
}

/* v begins with the header; length: of the segment, as IP says. */
static inline bool take_tcp(struct view v, uint32_t length, struct packet *out) {
    const uint8_t *p = v.p;
    uint32_t size = (uint32_t)(p[12] >> 4) * 4;
    if (size < TCP_SIZE || size > length || (p[13] & TCP_SYN)) { /* a SYN's options are looked at */
        return false;
    }
    out->src.port = (uint16_t)be16(p);
    out->dst.port = (uint16_t)be16(p + 2);
    out->seq = be32(p + 4);
    out->ack = be32(p + 8);
    out->flags = p[13];
    out->window = (uint16_t)be16(p + 14);
    out->window_scale = WINDOW_SCALE_NONE;
    out->payload_length = length - size;
    out->payload = view_part(v, size, out->payload_length);
    return true;
}

/* v: with room for both headers without options. */
static inline bool take_in_ipv4(struct view v, struct packet *out) {
    const uint8_t *p = v.p;
    uint32_t total = be16(p + 2);
    if (p[0] != IPV4_START || (be16(p + 6) & FRAGMENT_BITS) != 0 || p[9] != PROTOCOL_TCP || total < IPV4_SIZE) {
        return false;
    }
    take_ipv4(&out->src.ip, p + 12);
    take_ipv4(&out->dst.ip, p + 16);
    return take_tcp(view_from(v, IPV4_SIZE), total - IPV4_SIZE, out);
}

static inline bool take_in_ipv6(struct view v, struct packet *out) {
    const uint8_t *p = v.p;
    if (p[0] >> 4 != 6 || p[6] != PROTOCOL_TCP) {
        return false;
    }
    take_ipv6(&out->src.ip, p + 8);
    take_ipv6(&out->dst.ip, p + 24);
    return take_tcp(view_from(v, IPV6_SIZE), be16(p + 4), out); /* a length of 0 is too short for TCP */
}

static inline bool take_ip(struct view v, unsigned ethertype, struct packet *out) {
    return (ethertype == ETHERTYPE_IPV4 && v.n >= IPV4_SIZE + TCP_SIZE && take_in_ipv4(v, out)) ||
           (ethertype == ETHERTYPE_IPV6 && v.n >= IPV6_SIZE + TCP_SIZE && take_in_ipv6(v, out));
}

bool plain_ipv4(struct view v, struct packet *out) {
    return take_ip(v, ETHERTYPE_IPV4, out);
}

bool plain_ipv6(struct view v, struct packet *out) {
    return take_ip(v, ETHERTYPE_IPV6, out);
}

/* A datagram with its header, as far as it was captured: one that nothing is looked for in. */
static inline bool is_other_udp(struct view v) {
    return v.n >= UDP_SIZE && !udp_is_tunnel(be16(v.p + 2));
}

bool plain_other(const struct frame *frame) {
    struct view v = frame->bytes;
    if (frame->link_type != DLT_EN10MB || v.n < ETHERNET_SIZE + IPV4_SIZE) {
        return false;
    }
    size_t at = be16(v.p + ETHERTYPE_AT) == TPID_8021Q ? ETHERNET_SIZE + TAG_SIZE : ETHERNET_SIZE;
    unsigned ethertype = be16(v.p + at - 2);
    v = view_from(v, at);
    const uint8_t *p = v.p;
    if (ethertype == ETHERTYPE_IPV4 && v.n >= IPV4_SIZE && p[9] == PROTOCOL_UDP) {
        return p[0] == IPV4_START && (be16(p + 6) & FRAGMENT_BITS) == 0 && be16(p + 2) >= IPV4_SIZE + UDP_SIZE &&
               is_other_udp(view_from(v, IPV4_SIZE));
    }
    return ethertype == ETHERTYPE_IPV6 && v.n >= IPV6_SIZE && p[6] == PROTOCOL_UDP && p[0] >> 4 == 6 &&
           be16(p + 4) >= UDP_SIZE && is_other_udp(view_from(v, IPV6_SIZE));
}

bool plain_segment(const struct frame *frame, struct packet *out) {
    struct view v = frame->bytes;
    if (frame->link_type != DLT_EN10MB || v.n < ETHERNET_SIZE + TAG_SIZE) {
        return false;
    }
    struct link_facts *link = &out->link;
    memcpy(link->dst_mac, v.p, sizeof link->dst_mac);
    memcpy(link->src_mac, v.p + sizeof link->dst_mac, sizeof link->src_mac);
    link->has_mac = true;
    size_t at = ETHERNET_SIZE;
    unsigned ethertype = be16(v.p + ETHERTYPE_AT);
    if (ethertype == TPID_8021Q) {
        link->vlan[0] = be16(v.p + at) & VLAN_ID_BITS;
        link->vlan_count = 1;
        ethertype = be16(v.p + at + 2);
        at += TAG_SIZE;
    }
    return take_ip(view_from(v, at), ethertype, out);
}
