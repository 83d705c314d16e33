/* MPLS (RFC 3032). Nothing says what is behind the last label; it is told as routers tell it, by the first nibble
 * (RFC 4928 3), and as that of an Ethernet pseudowire without a control word (RFC 4448 4.6) may be any, by whether what
 * stands there holds together. What holds together as nothing that is followed is left alone. */
#include "checksum.h"
#include "layers.h"

enum { BOTTOM_OF_STACK = 0x100, CONTROL_WORD = 4, PSEUDOWIRE_TAGS_MAX = 4 };

/* How well bytes hold together as what they are taken for. */
enum grade { IMPOSSIBLE, POSSIBLE, PROVED };

static enum grade grade_ipv4(struct view v, size_t wire) {
    struct cursor c = cursor_over(v);
    uint8_t version_and_size = cursor_u8(&c);
    cursor_skip(&c, 1);
    uint16_t total = cursor_be16(&c);
    size_t size = (version_and_size & 15u) * 4;
    if (!cursor_ok(&c) || version_and_size >> 4 != 4 || size < 20 || v.n < size) {
        return IMPOSSIBLE;
    }
    if (checksum_right(checksum_add(0, view_part(v, 0, size)))) {
        return PROVED;
    }
    return total == 0 || (total >= size && total <= wire) ? POSSIBLE : IMPOSSIBLE;
}

static enum grade grade_ipv6(struct view v, size_t wire) {
    struct cursor c = cursor_over(v);
    uint8_t version = cursor_u8(&c) >> 4;
    cursor_skip(&c, 3);
    size_t total = cursor_be16(&c) + 40u;
    cursor_skip(&c, 34);
    if (!cursor_ok(&c) || version != 6 || (total > wire && total != 40)) {
        return IMPOSSIBLE;
    }
    return total == wire ? PROVED : POSSIBLE;
}

/* A header of which the snap length left less than size, and that as far as it is there is of that version of IP. */
static bool is_cut(struct view v, size_t wire, size_t size, unsigned version) {
    return v.n < size && v.n < wire && (v.n == 0 || v.p[0] >> 4 == version);
}

static enum grade grade_ethernet(struct view v, size_t wire) {
    struct cursor c = cursor_over(v);
    cursor_skip(&c, 12);
    uint16_t ethertype = cursor_be16(&c);
    for (unsigned tags = 0; tags < PSEUDOWIRE_TAGS_MAX && decode_is_vlan(ethertype); tags++) {
        cursor_skip(&c, 2);
        ethertype = cursor_be16(&c);
    }
    size_t left = wire > c.pos ? wire - c.pos : 0;
    struct view rest = cursor_rest(&c);
    switch (ethertype) {
    case ETHERTYPE_IPV4:
        return is_cut(rest, left, 20, 4) ? POSSIBLE : grade_ipv4(rest, left);
    case ETHERTYPE_IPV6:
        return is_cut(rest, left, 40, 6) ? POSSIBLE : grade_ipv6(rest, left);
    case ETHERTYPE_MPLS:
    case ETHERTYPE_MPLS_UPSTREAM:
        return rest.n >= 4 ? POSSIBLE : IMPOSSIBLE;
    case ETHERTYPE_PPPOE:
        return rest.n >= 2 && rest.p[0] == 0x11 && rest.p[1] == 0 ? POSSIBLE : IMPOSSIBLE;
    default:
        return IMPOSSIBLE;
    }
}

static enum verdict behind_labels(struct layers *l) {
    struct view v = layers_view(l);
    size_t wire = layers_left(l);
    if (v.n == 0) {
        return decode_refuse(l, DECODE_CUT);
    }
    enum grade ethernet = grade_ethernet(v, wire), ip = IMPOSSIBLE, controlled = IMPOSSIBLE;
    switch (v.p[0] >> 4) {
    case 0:
        controlled = wire > CONTROL_WORD ? grade_ethernet(view_from(v, CONTROL_WORD), wire - CONTROL_WORD) : IMPOSSIBLE;
        break;
    case 4:
        ip = grade_ipv4(v, wire);
        break;
    case 6:
        ip = grade_ipv6(v, wire);
        break;
    default:
        break;
    }
    if (ip > ethernet) { /* else what has an EtherType in its place holds together by less chance */
        return v.p[0] >> 4 == 4 ? decode_ipv4(l) : decode_ipv6(l);
    }
    if (controlled != IMPOSSIBLE && controlled >= ethernet) {
        cursor_skip(&l->in, CONTROL_WORD);
        return decode_ethernet(l);
    }
    if (ethernet != IMPOSSIBLE) {
        return decode_ethernet(l);
    }
    return decode_refuse(l, v.n < wire ? DECODE_CUT : DECODE_LINK);
}

enum verdict decode_mpls(struct layers *l) {
    uint32_t entry;
    do {
        entry = cursor_be32(&l->in);
        if (!cursor_ok(&l->in)) {
            return decode_refuse(l, DECODE_CUT);
        }
        if (!layers_wrap(l, ENCAPSULATION_MPLS, entry >> 12)) {
            return decode_refuse(l, DECODE_DEPTH);
        }
    } while (!(entry & BOTTOM_OF_STACK));
    return behind_labels(l);
}
