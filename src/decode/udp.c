/* Tunnels over UDP, told by the port they are sent to. Other traffic may use these ports, so that a header must be one to
 * the last of its reserved bits: VXLAN (RFC 7348 5, and Linux's port from before it had one; with the group policy of
 * draft-smith-vxlan-group-policy), VXLAN-GPE (draft-ietf-nvo3-vxlan-gpe 3), GENEVE (RFC 8926 3.4). */
#include "layers.h"

enum { HEADER_SIZE = 8 };

enum {
    PORT_VXLAN = 4789,
    PORT_VXLAN_GPE = 4790,
    PORT_GENEVE = 6081,
    PORT_VXLAN_LINUX = 8472,
};

enum {
    VXLAN_FLAGS = 0x08,        /* the identifier is there */
    VXLAN_FLAGS_POLICY = 0x88, /* and a group policy, with two flags of its own */
    VXLAN_POLICY_RESERVED = 0xb7,
    GPE_PROTOCOL = 0x04,
    GPE_FLAGS_RESERVED = 0xf0, /* the version among them, which is 0 */
    GPE_IPV4 = 1,
    GPE_IPV6 = 2,
    GPE_ETHERNET = 3,
    GPE_MPLS = 5,
    GENEVE_VERSION = 0xc0, /* 0 */
    GENEVE_OPTIONS = 0x3f, /* their length in words of 4 bytes */
    GENEVE_RESERVED = 0x3f,
};

static enum verdict decode_vxlan(struct layers *l) {
    uint8_t flags = cursor_u8(&l->in), more_flags = cursor_u8(&l->in);
    uint16_t policy = cursor_be16(&l->in);
    uint32_t vni = cursor_be24(&l->in);
    uint8_t reserved = cursor_u8(&l->in);
    if (!cursor_ok(&l->in)) {
        return decode_refuse(l, DECODE_CUT);
    }
    bool plain = flags == VXLAN_FLAGS && more_flags == 0 && policy == 0;
    bool grouped = flags == VXLAN_FLAGS_POLICY && !(more_flags & VXLAN_POLICY_RESERVED);
    if (reserved != 0 || !(plain || grouped)) {
        return decode_refuse(l, DECODE_NOT_TCP);
    }
    return layers_wrap(l, ENCAPSULATION_VXLAN, vni) ? decode_ethernet(l) : decode_refuse(l, DECODE_DEPTH);
}

static enum verdict decode_vxlan_gpe(struct layers *l) {
    uint8_t flags = cursor_u8(&l->in);
    uint16_t zero = cursor_be16(&l->in);
    uint8_t next = cursor_u8(&l->in);
    uint32_t vni = cursor_be24(&l->in);
    uint8_t reserved = cursor_u8(&l->in);
    if (!cursor_ok(&l->in)) {
        return decode_refuse(l, DECODE_CUT);
    }
    bool typed = (flags & GPE_PROTOCOL) != 0;
    if (flags & GPE_FLAGS_RESERVED || !(flags & VXLAN_FLAGS) || zero != 0 || reserved != 0 || (!typed && next != 0)) {
        return decode_refuse(l, DECODE_NOT_TCP);
    }
    if (!layers_wrap(l, ENCAPSULATION_VXLAN_GPE, vni)) {
        return decode_refuse(l, DECODE_DEPTH);
    }
    switch (typed ? next : GPE_ETHERNET) {
    case GPE_IPV4:
        return decode_ipv4(l);
    case GPE_IPV6:
        return decode_ipv6(l);
    case GPE_ETHERNET:
        return decode_ethernet(l);
    case GPE_MPLS:
        return decode_mpls(l);
    default:
        return decode_refuse(l, DECODE_LINK);
    }
}

/* The O bit (a control packet) and the C bit (options that are critical) change nothing about where things stand. */
static enum verdict decode_geneve(struct layers *l) {
    uint8_t version_and_options = cursor_u8(&l->in), flags = cursor_u8(&l->in);
    uint16_t protocol = cursor_be16(&l->in);
    uint32_t vni = cursor_be24(&l->in);
    uint8_t reserved = cursor_u8(&l->in);
    if (!cursor_ok(&l->in)) {
        return decode_refuse(l, DECODE_CUT);
    }
    if (version_and_options & GENEVE_VERSION || flags & GENEVE_RESERVED || reserved != 0 || protocol < ETHERTYPE_MIN) {
        return decode_refuse(l, DECODE_NOT_TCP);
    }
    cursor_skip(&l->in, (version_and_options & GENEVE_OPTIONS) * 4u);
    if (!cursor_ok(&l->in)) {
        return decode_refuse(l, DECODE_CUT);
    }
    if (!layers_wrap(l, ENCAPSULATION_GENEVE, vni)) {
        return decode_refuse(l, DECODE_DEPTH);
    }
    return protocol == ETHERTYPE_TEB ? decode_ethernet(l) : decode_ethertype(l, protocol);
}

bool udp_is_tunnel(unsigned port) {
    return port == PORT_VXLAN || port == PORT_VXLAN_GPE || port == PORT_GENEVE || port == PORT_VXLAN_LINUX;
}

enum verdict decode_udp(struct layers *l) {
    const size_t start = l->in.pos;
    const struct view v = layers_view(l);
    if (v.n < HEADER_SIZE) {
        return decode_refuse(l, DECODE_CUT);
    }
    const unsigned port = be16(v.p + 2), length = be16(v.p + 4);
    if (!udp_is_tunnel(port)) {
        return decode_refuse(l, DECODE_NOT_TCP);
    }
    enum verdict (*decode)(struct layers *) = port == PORT_VXLAN || port == PORT_VXLAN_LINUX ? decode_vxlan
                                              : port == PORT_VXLAN_GPE                       ? decode_vxlan_gpe
                                                                                             : decode_geneve;
    cursor_skip(&l->in, HEADER_SIZE);
    if (length != 0) { /* 0 where it was too large for the field, or the card was to fill it in */
        layers_bound(l, start + (length < HEADER_SIZE ? HEADER_SIZE : length));
    }
    return decode(l);
}
