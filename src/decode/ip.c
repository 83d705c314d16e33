/* IPv4 (RFC 791) and IPv6 (RFC 8200). The length that IP states is obeyed: what Ethernet puts behind it is never data.
 * Tunnels over IP (GRE, IP in IP, UDP encapsulations) have their place in transport(), fragments in fragment(). */
#include "layers.h"

enum {
    PROTOCOL_HOP_BY_HOP = 0,
    PROTOCOL_TCP = 6,
    PROTOCOL_ROUTING = 43,
    PROTOCOL_FRAGMENT = 44,
    PROTOCOL_AH = 51,
    PROTOCOL_DESTINATION = 60,
};

/* Bytes of the IP packet on the wire where its header says 0, as a packet has that was captured before the network card
 * cut it into segments: all that the frame has from the header's start on. */
static uint32_t length_of_rest(const struct layers *l, size_t header_start) {
    return l->frame_length > header_start ? l->frame_length - (uint32_t)header_start : 0;
}

/* Fragments are put together here one day; so far they are counted. */
static enum verdict fragment(struct layers *l) {
    return decode_refuse(l, DECODE_FRAGMENT);
}

/* RFC 4302 2.2: the length is in words of 4 bytes, less 2. */
static enum verdict skip_ah(struct layers *l, uint8_t *protocol, uint32_t *length) {
    uint8_t next = cursor_u8(&l->in);
    uint32_t size = (cursor_u8(&l->in) + 2u) * 4;
    cursor_skip(&l->in, size - 2);
    if (!cursor_ok(&l->in)) {
        return decode_refuse(l, DECODE_CUT);
    }
    if (size > *length || size < 12) {
        return decode_refuse(l, DECODE_BAD);
    }
    *protocol = next;
    *length -= size;
    return V_OK;
}

/* RFC 8200 4.3, 4.4, 4.6: the length is in words of 8 bytes, less 1. */
static enum verdict skip_extension(struct layers *l, uint8_t *protocol, uint32_t *length) {
    uint8_t next = cursor_u8(&l->in);
    uint32_t size = (cursor_u8(&l->in) + 1u) * 8;
    cursor_skip(&l->in, size - 2);
    if (!cursor_ok(&l->in)) {
        return decode_refuse(l, DECODE_CUT);
    }
    if (size > *length) {
        return decode_refuse(l, DECODE_BAD);
    }
    *protocol = next;
    *length -= size;
    return V_OK;
}

/* RFC 8200 4.5; one with offset 0 and nothing to follow is a whole packet (RFC 6946). */
static enum verdict skip_fragment_header(struct layers *l, uint8_t *protocol, uint32_t *length) {
    uint8_t next = cursor_u8(&l->in);
    cursor_skip(&l->in, 1);
    uint16_t offset_and_more = cursor_be16(&l->in) & 0xfff9;
    cursor_skip(&l->in, 4);
    if (!cursor_ok(&l->in)) {
        return decode_refuse(l, DECODE_CUT);
    }
    if (*length < 8) {
        return decode_refuse(l, DECODE_BAD);
    }
    if (offset_and_more != 0) {
        return fragment(l);
    }
    *protocol = next;
    *length -= 8;
    return V_OK;
}

/* Behind the IP header: extension headers, then TCP. length: bytes from here to the end of the IP packet. */
static enum verdict transport(struct layers *l, uint8_t protocol, uint32_t length) {
    for (unsigned headers = 0; headers < IP_HEADERS_MAX; headers++) {
        enum verdict verdict;
        switch (protocol) {
        case PROTOCOL_TCP:
            return decode_tcp(l, length);
        case PROTOCOL_HOP_BY_HOP:
        case PROTOCOL_ROUTING:
        case PROTOCOL_DESTINATION:
            verdict = skip_extension(l, &protocol, &length);
            break;
        case PROTOCOL_FRAGMENT:
            verdict = skip_fragment_header(l, &protocol, &length);
            break;
        case PROTOCOL_AH:
            verdict = skip_ah(l, &protocol, &length);
            break;
        default:
            return decode_refuse(l, DECODE_NOT_TCP);
        }
        if (verdict != V_OK) {
            return verdict;
        }
    }
    return decode_refuse(l, DECODE_DEPTH);
}

static void copy_ipv4(struct cursor *in, struct address *to) {
    cursor_copy(in, to->bytes, 4);
    memset(to->bytes + 4, 0, 12);
    to->family = 4;
}

enum verdict decode_ipv4(struct layers *l) {
    const size_t start = l->in.pos;
    uint8_t version_and_size = cursor_u8(&l->in);
    cursor_skip(&l->in, 1);
    uint32_t total = cursor_be16(&l->in);
    cursor_skip(&l->in, 2);
    uint16_t offset_and_more = cursor_be16(&l->in) & 0x3fff;
    cursor_skip(&l->in, 1);
    uint8_t protocol = cursor_u8(&l->in);
    cursor_skip(&l->in, 2);
    copy_ipv4(&l->in, &l->out->src.ip);
    copy_ipv4(&l->in, &l->out->dst.ip);
    if (!cursor_ok(&l->in)) {
        return decode_refuse(l, DECODE_CUT);
    }
    uint32_t size = (version_and_size & 15u) * 4;
    if (total == 0) {
        total = length_of_rest(l, start);
    }
    if (version_and_size >> 4 != 4 || size < 20 || total < size) {
        return decode_refuse(l, DECODE_BAD);
    }
    cursor_skip(&l->in, size - 20);
    if (!cursor_ok(&l->in)) {
        return decode_refuse(l, DECODE_CUT);
    }
    if (offset_and_more != 0) {
        return fragment(l);
    }
    /* The numbers of IPv6's extension headers mean nothing here, but for AH. */
    bool mine = protocol == PROTOCOL_TCP || protocol == PROTOCOL_AH;
    return mine ? transport(l, protocol, total - size) : decode_refuse(l, DECODE_NOT_TCP);
}

enum verdict decode_ipv6(struct layers *l) {
    const size_t start = l->in.pos;
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
    if (length == 0) {
        length = length_of_rest(l, start + 40);
    }
    return transport(l, protocol, length);
}
