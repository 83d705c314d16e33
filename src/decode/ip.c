/* IPv4 (RFC 791) and IPv6 (RFC 8200), whether they are the flow's own or around it. The length that IP states is obeyed:
 * what Ethernet puts behind it is never data. */
#include "checksum.h"
#include "layers.h"
#include "plain.h"

enum {
    PROTOCOL_HOP_BY_HOP = 0,
    PROTOCOL_IPV4 = 4, /* RFC 2003 */
    PROTOCOL_TCP = 6,
    PROTOCOL_UDP = 17,
    PROTOCOL_IPV6 = 41, /* RFC 4213 3.5, RFC 2473 */
    PROTOCOL_ROUTING = 43,
    PROTOCOL_FRAGMENT = 44,
    PROTOCOL_GRE = 47,
    PROTOCOL_AH = 51,
    PROTOCOL_DESTINATION = 60,
    PROTOCOL_MPLS = 137, /* RFC 4023 3 */
};

enum { IPV4_SIZE = 20 }; /* without options */

enum { OPTION_PAD1 = 0, OPTION_JUMBO = 0xc2 };

/* What is behind an IP header. */
struct content {
    uint8_t protocol;
    uint32_t length; /* bytes to the end of the IP packet */
};

/* Bytes of the IP packet on the wire where its header says 0, as a packet has that was captured before the network card
 * cut it into segments: all that there is from here on. */
static uint32_t length_of_rest(struct layers *l, size_t from) {
    l->length_guessed = true;
    return l->end > from ? (uint32_t)(l->end - from) : 0;
}

static bool is_ipv6(const struct layers *l) {
    return l->out->src.ip.family == 6;
}

/* --- fragments --- */

/* *l stands behind the headers of a fragment; when it was the last one missing, at the datagram's content. */
static enum verdict take_fragment(struct layers *l, struct content *c, uint32_t id, uint32_t offset, bool more) {
    struct decoder *d = l->decoder;
    struct fragment in = {
        .src = &l->out->src.ip,
        .dst = &l->out->dst.ip,
        .tag = d->settings.key_vlan || d->settings.key_tunnel ? layers_key_tag(l) : 0,
        .id = id,
        .protocol = c->protocol,
        .more = more,
        .offset = offset,
        .length = more && !is_ipv6(l) ? c->length & ~7u : c->length,
    };
    in.bytes = view_part(layers_view(l), 0, in.length);
    if (l->length_guessed || (more && in.length % 8 != 0)) {
        return decode_refuse(l, DECODE_BAD);
    }
    struct datagram whole;
    switch (fragments_take(d->fragments, &in, d->clock.now, d->frames, &whole)) {
    case FRAGMENTS_KEPT:
        return V_NOT_MINE;
    case FRAGMENTS_BAD:
        return decode_refuse(l, DECODE_BAD);
    case FRAGMENTS_LIMIT:
        return decode_refuse(l, DECODE_FRAGMENT_LIMIT);
    case FRAGMENTS_WHOLE:
        break;
    }
    l->in = cursor_over(whole.bytes);
    l->end = whole.length;
    l->out->overlap_differs |= whole.differs;
    *c = (struct content){whole.protocol, whole.length};
    return V_OK;
}

/* --- headers between IP's and the content's --- */

/* RFC 4302 2.2: the length is in words of 4 bytes, less 2. */
static enum verdict skip_ah(struct layers *l, struct content *c) {
    uint8_t next = cursor_u8(&l->in);
    uint32_t size = (cursor_u8(&l->in) + 2u) * 4;
    cursor_skip(&l->in, size - 2);
    if (!cursor_ok(&l->in)) {
        return decode_refuse(l, DECODE_CUT);
    }
    if (size > c->length || size < 12) {
        return decode_refuse(l, DECODE_BAD);
    }
    *c = (struct content){next, c->length - size};
    return V_OK;
}

/* RFC 8200 4.3, 4.4, 4.6: the length is in words of 8 bytes, less 1. */
static enum verdict skip_extension(struct layers *l, struct content *c) {
    uint8_t next = cursor_u8(&l->in);
    uint32_t size = (cursor_u8(&l->in) + 1u) * 8;
    cursor_skip(&l->in, 1);
    bool detour = cursor_u8(&l->in) != 0 && c->protocol == PROTOCOL_ROUTING; /* segments left, 4.4 */
    cursor_skip(&l->in, size - 4);
    if (!cursor_ok(&l->in)) {
        return decode_refuse(l, DECODE_CUT);
    }
    if (size > c->length) {
        return decode_refuse(l, DECODE_BAD);
    }
    l->rerouted |= detour;
    *c = (struct content){next, c->length - size};
    return V_OK;
}

/* RFC 8200 4.5; one with offset 0 and nothing to follow is a whole packet (RFC 6946). */
static enum verdict skip_fragment_header(struct layers *l, struct content *c) {
    uint8_t next = cursor_u8(&l->in);
    cursor_skip(&l->in, 1);
    uint16_t offset_and_more = cursor_be16(&l->in) & 0xfff9;
    uint32_t id = cursor_be32(&l->in);
    if (!cursor_ok(&l->in)) {
        return decode_refuse(l, DECODE_CUT);
    }
    if (c->length < 8) {
        return decode_refuse(l, DECODE_BAD);
    }
    *c = (struct content){next, c->length - 8};
    return offset_and_more == 0 ? V_OK : take_fragment(l, c, id, offset_and_more & 0xfff8, offset_and_more & 1);
}

static enum verdict skip_header(struct layers *l, struct content *c) {
    if (!layers_descend(l)) {
        return decode_refuse(l, DECODE_DEPTH);
    }
    switch (c->protocol) {
    case PROTOCOL_AH:
        return skip_ah(l, c);
    case PROTOCOL_FRAGMENT:
        return skip_fragment_header(l, c);
    default:
        return skip_extension(l, c);
    }
}

/* The numbers of IPv6's extension headers mean nothing in IPv4, but for AH. */
static bool is_header(const struct layers *l, uint8_t protocol) {
    return protocol == PROTOCOL_AH ||
           (is_ipv6(l) && (protocol == PROTOCOL_HOP_BY_HOP || protocol == PROTOCOL_ROUTING ||
                           protocol == PROTOCOL_FRAGMENT || protocol == PROTOCOL_DESTINATION));
}

/* --- content --- */

/* What follows is a packet of its own: this header was around it. */
static void leave(struct layers *l) {
    struct wrapping *w = &l->out->wrapping;
    if (!w->has_tunnel) {
        w->has_tunnel = true;
        w->tunnel_src = l->out->src.ip;
        w->tunnel_dst = l->out->dst.ip;
    }
    l->rerouted = l->length_guessed = false;
}

static enum verdict inner_ip(struct layers *l, uint8_t protocol) {
    static const enum encapsulation kinds[2][2] = {{ENCAPSULATION_IPIP, ENCAPSULATION_6IN4},
                                                   {ENCAPSULATION_4IN6, ENCAPSULATION_6IN6}};
    bool ipv6 = protocol == PROTOCOL_IPV6;
    if (!layers_wrap(l, kinds[is_ipv6(l)][ipv6], 0)) {
        return decode_refuse(l, DECODE_DEPTH);
    }
    leave(l);
    return ipv6 ? decode_ipv6(l) : decode_ipv4(l);
}

static enum verdict transport(struct layers *l, struct content c) {
    while (is_header(l, c.protocol)) {
        enum verdict verdict = skip_header(l, &c);
        if (verdict != V_OK) {
            return verdict;
        }
    }
    switch (c.protocol) {
    case PROTOCOL_TCP:
        return decode_tcp(l, c.length);
    case PROTOCOL_UDP:
        leave(l);
        return decode_udp(l);
    case PROTOCOL_GRE:
        leave(l);
        return decode_gre(l);
    case PROTOCOL_MPLS:
        leave(l);
        return decode_mpls(l);
    case PROTOCOL_IPV4:
    case PROTOCOL_IPV6:
        return inner_ip(l, c.protocol);
    default:
        return decode_refuse(l, DECODE_NOT_TCP);
    }
}

/* --- IP --- */

static void copy_ipv4(const uint8_t *from, struct address *to) {
    memcpy(to->bytes, from, 4);
    memset(to->bytes + 4, 0, 12);
    to->family = 4;
}

static bool header_wrong(const struct layers *l, size_t start) {
    return l->decoder->settings.verify_checksums &&
           !checksum_right(checksum_add(0, view_part(l->in.in, start, l->in.pos - start)));
}

enum verdict decode_ipv4(struct layers *l) {
    const size_t start = l->in.pos;
    const struct view v = layers_view(l);
    if (v.n < IPV4_SIZE) {
        return decode_refuse(l, DECODE_CUT);
    }
    if (l->decoder->plain && plain_ipv4(v, l->out)) {
        return V_OK;
    }
    const uint8_t version_and_size = v.p[0], protocol = v.p[9];
    const uint16_t id = (uint16_t)be16(v.p + 4), offset_and_more = (uint16_t)(be16(v.p + 6) & 0x3fff);
    uint32_t total = be16(v.p + 2), size = (version_and_size & 15u) * 4;
    copy_ipv4(v.p + 12, &l->out->src.ip);
    copy_ipv4(v.p + 16, &l->out->dst.ip);
    cursor_skip(&l->in, IPV4_SIZE);
    if (total == 0) {
        total = length_of_rest(l, start);
    }
    if (version_and_size >> 4 != 4 || size < IPV4_SIZE || total < size) {
        return decode_refuse(l, DECODE_BAD);
    }
    cursor_skip(&l->in, size - IPV4_SIZE);
    if (!cursor_ok(&l->in)) {
        return decode_refuse(l, DECODE_CUT);
    }
    if (header_wrong(l, start)) {
        return decode_refuse(l, DECODE_CHECKSUM);
    }
    layers_bound(l, start + total);
    if (protocol == PROTOCOL_TCP && offset_and_more == 0) { /* nearly always: the shortest way */
        return decode_tcp(l, total - size);
    }
    struct content c = {protocol, total - size};
    if (offset_and_more != 0) {
        enum verdict verdict =
            take_fragment(l, &c, id, (offset_and_more & 0x1fffu) * 8, (offset_and_more & 0x2000) != 0);
        if (verdict != V_OK) {
            return verdict;
        }
    }
    return transport(l, c);
}

/* RFC 2675 2: the length of a jumbogram, without IPv6's header, stands in an option of the hop-by-hop header behind it.
 * 0: there is none. */
static uint32_t jumbo_length(const struct layers *l) {
    struct cursor c = cursor_over(layers_view(l));
    cursor_skip(&c, 1);
    size_t size = (cursor_u8(&c) + 1u) * 8;
    struct cursor options = cursor_over(cursor_take(&c, size - 2));
    while (cursor_left(&options) > 0) {
        uint8_t kind = cursor_u8(&options);
        if (kind == OPTION_PAD1) {
            continue;
        }
        uint8_t n = cursor_u8(&options);
        if (kind == OPTION_JUMBO && n == 4) {
            return cursor_be32(&options);
        }
        cursor_skip(&options, n);
    }
    return 0;
}

enum verdict decode_ipv6(struct layers *l) {
    if (l->decoder->plain && plain_ipv6(layers_view(l), l->out)) {
        return V_OK;
    }
    uint8_t version = cursor_u8(&l->in) >> 4;
    cursor_skip(&l->in, 3);
    uint32_t length = cursor_be16(&l->in);
    uint8_t protocol = cursor_u8(&l->in);
    cursor_skip(&l->in, 1);
    cursor_copy(&l->in, l->out->src.ip.bytes, 16);
    cursor_copy(&l->in, l->out->dst.ip.bytes, 16);
    if (!cursor_ok(&l->in)) {
        return decode_refuse(l, DECODE_CUT);
    }
    if (version != 6) {
        return decode_refuse(l, DECODE_BAD);
    }
    l->out->src.ip.family = l->out->dst.ip.family = 6;
    if (length == 0 && protocol == PROTOCOL_HOP_BY_HOP) {
        length = jumbo_length(l);
    }
    if (length == 0) {
        length = length_of_rest(l, l->in.pos);
    }
    layers_bound(l, l->in.pos + length);
    if (protocol == PROTOCOL_TCP) {
        return decode_tcp(l, length);
    }
    return transport(l, (struct content){protocol, length});
}
