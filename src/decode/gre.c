/* GRE (RFC 2784, with key and sequence number of RFC 2890 and the routing of RFC 1701), and ERSPAN, which it carries
 * (draft-foschiano-erspan). */
#include "layers.h"

enum {
    GRE_CHECKSUM = 0x8000,
    GRE_ROUTING = 0x4000,
    GRE_KEY = 0x2000,
    GRE_SEQUENCE = 0x1000,
    GRE_VERSION = 0x0007, /* 0; 1 is PPTP's */
    ETHERTYPE_ERSPAN = 0x88be,
    ETHERTYPE_ERSPAN3 = 0x22eb,
};

enum {
    ERSPAN_VERSION2 = 1,
    ERSPAN_VERSION3 = 2,
    ERSPAN3_SUBHEADER = 0x0001,
    ERSPAN3_FRAME_ETHERNET = 0,
    ERSPAN3_FRAME_IP = 2
};

/* RFC 1701, source route entries: the last one has neither family nor length. */
static void skip_routing(struct cursor *in) {
    while (cursor_ok(in)) {
        uint16_t family = cursor_be16(in);
        cursor_skip(in, 1);
        uint8_t length = cursor_u8(in);
        if (family == 0 && length == 0) {
            return;
        }
        cursor_skip(in, length);
    }
}

static enum verdict inner_ethernet(struct layers *l, enum encapsulation kind, uint32_t id) {
    return layers_wrap(l, kind, id) ? decode_ethernet(l) : decode_refuse(l, DECODE_DEPTH);
}

static enum verdict inner_ip(struct layers *l, enum encapsulation kind, uint32_t id) {
    struct view v = layers_view(l);
    if (!layers_wrap(l, kind, id)) {
        return decode_refuse(l, DECODE_DEPTH);
    }
    return v.n != 0 && v.p[0] >> 4 == 6 ? decode_ipv6(l) : decode_ipv4(l);
}

/* Types II and III begin alike: version and VLAN, then class, flags and session. */
static enum verdict decode_erspan(struct layers *l) {
    uint16_t version = cursor_be16(&l->in) >> 12;
    uint16_t session = cursor_be16(&l->in) & 0x03ff;
    if (version == ERSPAN_VERSION2) {
        cursor_skip(&l->in, 4);
        return cursor_ok(&l->in) ? inner_ethernet(l, ENCAPSULATION_ERSPAN2, session) : decode_refuse(l, DECODE_CUT);
    }
    cursor_skip(&l->in, 6); /* time stamp, security group tag */
    uint16_t flags = cursor_be16(&l->in);
    if (flags & ERSPAN3_SUBHEADER) {
        cursor_skip(&l->in, 8);
    }
    if (!cursor_ok(&l->in)) {
        return decode_refuse(l, DECODE_CUT);
    }
    if (version != ERSPAN_VERSION3) {
        return decode_refuse(l, DECODE_LINK);
    }
    switch (flags >> 10 & 31) {
    case ERSPAN3_FRAME_ETHERNET:
        return inner_ethernet(l, ENCAPSULATION_ERSPAN3, session);
    case ERSPAN3_FRAME_IP:
        return inner_ip(l, ENCAPSULATION_ERSPAN3, session);
    default:
        return decode_refuse(l, DECODE_LINK);
    }
}

static enum verdict decode_content(struct layers *l, uint16_t flags, uint16_t protocol, uint32_t key) {
    if (protocol == ETHERTYPE_ERSPAN3 || (protocol == ETHERTYPE_ERSPAN && flags & GRE_SEQUENCE)) {
        return decode_erspan(l);
    }
    if (protocol == ETHERTYPE_ERSPAN) { /* type I has no header of its own */
        return inner_ethernet(l, ENCAPSULATION_ERSPAN1, 0);
    }
    if (protocol < ETHERTYPE_MIN) {
        return decode_refuse(l, DECODE_LINK);
    }
    if (!layers_wrap(l, flags & GRE_KEY ? ENCAPSULATION_GRE_KEY : ENCAPSULATION_GRE, key)) {
        return decode_refuse(l, DECODE_DEPTH);
    }
    return protocol == ETHERTYPE_TEB ? decode_ethernet(l) : decode_ethertype(l, protocol);
}

enum verdict decode_gre(struct layers *l) {
    uint16_t flags = cursor_be16(&l->in), protocol = cursor_be16(&l->in);
    if (flags & (GRE_CHECKSUM | GRE_ROUTING)) {
        cursor_skip(&l->in, 4);
    }
    uint32_t key = flags & GRE_KEY ? cursor_be32(&l->in) : 0;
    if (flags & GRE_SEQUENCE) {
        cursor_skip(&l->in, 4);
    }
    if (flags & GRE_ROUTING) {
        skip_routing(&l->in);
    }
    if (!cursor_ok(&l->in)) {
        return decode_refuse(l, DECODE_CUT);
    }
    return flags & GRE_VERSION ? decode_refuse(l, DECODE_NOT_TCP) : decode_content(l, flags, protocol, key);
}
