/* Link layers, and the way from a frame to the first IP header. */
#include "link.h"

enum {
    TPID_8021AD = 0x88a8,
    TPID_QINQ = 0x9100, /* before 802.1ad, still in use; 0x9200 and 0x9300 likewise */
    TPID_QINQ2 = 0x9200,
    TPID_QINQ3 = 0x9300,
};

bool decode_is_vlan(uint16_t ethertype) {
    return ethertype == TPID_8021Q || ethertype == TPID_8021AD || ethertype == TPID_QINQ || ethertype == TPID_QINQ2 ||
           ethertype == TPID_QINQ3;
}

/* An 802.3 frame carries IP behind an LLC and SNAP header only (RFC 1042); gives its EtherType, or 0. */
static uint16_t snap_ethertype(struct cursor *in) {
    static const uint8_t snap[6] = {0xaa, 0xaa, 0x03, 0, 0, 0};
    uint8_t head[6];
    cursor_copy(in, head, sizeof head);
    uint16_t ethertype = cursor_be16(in);
    return memcmp(head, snap, sizeof snap) == 0 ? ethertype : 0;
}

/* *ethertype becomes that of what is behind all tags. */
static enum verdict skip_tags(struct layers *l, uint16_t *ethertype) {
    struct link_facts *link = &l->out->link;
    while (decode_is_vlan(*ethertype)) {
        uint16_t tag = cursor_be16(&l->in);
        *ethertype = cursor_be16(&l->in);
        if (!cursor_ok(&l->in)) {
            return decode_refuse(l, DECODE_CUT);
        }
        if (!layers_descend(l)) {
            return decode_refuse(l, DECODE_DEPTH);
        }
        if (link->vlan_count < VLAN_MAX) {
            link->vlan[link->vlan_count++] = tag & VLAN_ID_BITS;
        }
    }
    return V_OK;
}

enum verdict decode_ethertype(struct layers *l, uint16_t ethertype) {
    if (ethertype == ETHERTYPE_IPV4) { /* nearly always, and the shortest way */
        return decode_ipv4(l);
    }
    enum verdict verdict = skip_tags(l, &ethertype);
    if (verdict != V_OK) {
        return verdict;
    }
    if (ethertype < ETHERTYPE_MIN) {
        ethertype = snap_ethertype(&l->in);
    }
    switch (ethertype) {
    case ETHERTYPE_IPV4:
        return decode_ipv4(l);
    case ETHERTYPE_IPV6:
        return decode_ipv6(l);
    case ETHERTYPE_MPLS:
    case ETHERTYPE_MPLS_UPSTREAM:
        return decode_mpls(l);
    case ETHERTYPE_PPPOE:
        return decode_pppoe(l);
    default:
        return decode_refuse(l, cursor_ok(&l->in) ? DECODE_LINK : DECODE_CUT);
    }
}

enum verdict decode_ethernet(struct layers *l) {
    struct link_facts *link = &l->out->link;
    cursor_copy(&l->in, link->dst_mac, sizeof link->dst_mac);
    cursor_copy(&l->in, link->src_mac, sizeof link->src_mac);
    uint16_t ethertype = cursor_be16(&l->in);
    if (!cursor_ok(&l->in)) {
        return decode_refuse(l, DECODE_CUT);
    }
    link->has_mac = true;
    return decode_ethertype(l, ethertype);
}

enum verdict link_ethernet(struct layers *l) {
    return decode_ethernet(l);
}

/* Newer kernels say of a cooked frame what is behind all its tags (af_packet.c, vlan_get_protocol_dgram), and take off only the first of
 * them: where IP should begin there is another one. */
static bool is_tag_left(const struct layers *l, uint16_t ethertype) {
    const unsigned version = ethertype == ETHERTYPE_IPV4 ? 4 : 6;
    struct cursor in = l->in;
    uint8_t first = cursor_u8(&in);
    cursor_skip(&in, 1);
    uint16_t type = cursor_be16(&in);
    uint8_t behind = cursor_u8(&in);
    return cursor_ok(&in) && (ethertype == ETHERTYPE_IPV4 || ethertype == ETHERTYPE_IPV6) && first >> 4 != version &&
           (decode_is_vlan(type) || (type == ethertype && behind >> 4 == version));
}

static enum verdict decode_cooked(struct layers *l, uint16_t ethertype) {
    enum verdict verdict = skip_tags(l, &ethertype);
    if (verdict != V_OK) {
        return verdict;
    }
    return decode_ethertype(l, is_tag_left(l, ethertype) ? TPID_8021Q : ethertype);
}

/* LINKTYPE_LINUX_SLL: only the sender's address is there, so no pair of addresses is reported. */
enum verdict link_sll(struct layers *l) {
    cursor_skip(&l->in, 14);
    uint16_t ethertype = cursor_be16(&l->in);
    return cursor_ok(&l->in) ? decode_cooked(l, ethertype) : decode_refuse(l, DECODE_CUT);
}

enum verdict link_sll2(struct layers *l) {
    uint16_t ethertype = cursor_be16(&l->in);
    cursor_skip(&l->in, 18);
    return cursor_ok(&l->in) ? decode_cooked(l, ethertype) : decode_refuse(l, DECODE_CUT);
}

enum verdict link_ipv4(struct layers *l) {
    return decode_ipv4(l);
}

enum verdict link_ipv6(struct layers *l) {
    return decode_ipv6(l);
}

enum verdict link_raw(struct layers *l) {
    if (cursor_left(&l->in) == 0) {
        return decode_refuse(l, DECODE_CUT);
    }
    switch (l->in.in.p[l->in.pos] >> 4) {
    case 4:
        return decode_ipv4(l);
    case 6:
        return decode_ipv6(l);
    default:
        return decode_refuse(l, DECODE_LINK);
    }
}

/* The address family is that of the machine which captured, in its byte order (LINKTYPE_NULL) or in network order
 * (LINKTYPE_LOOP). AF_INET is 2 everywhere; AF_INET6 is 24 (NetBSD, OpenBSD), 28 (FreeBSD), 30 (macOS) or 10 (Linux).
 */
enum verdict link_null(struct layers *l) {
    uint32_t family = cursor_le32(&l->in);
    if (!cursor_ok(&l->in)) {
        return decode_refuse(l, DECODE_CUT);
    }
    switch (family > 0xffff ? __builtin_bswap32(family) : family) {
    case 2:
        return decode_ipv4(l);
    case 10:
    case 24:
    case 28:
    case 30:
        return decode_ipv6(l);
    default:
        return decode_refuse(l, DECODE_LINK);
    }
}
