/* TCP's header (RFC 9293 3.1). Of the options only the window scale (RFC 7323 2.2) is wanted, and only on a SYN. */
#include "checksum.h"
#include "layers.h"

enum { OPTION_END = 0, OPTION_NOP = 1, OPTION_WINDOW_SCALE = 3, WINDOW_SCALE_MAX = 14 };

static uint8_t window_scale(struct view options) {
    struct cursor c = cursor_over(options);
    while (cursor_left(&c) > 0) {
        uint8_t kind = cursor_u8(&c);
        if (kind == OPTION_END) {
            break;
        }
        if (kind == OPTION_NOP) {
            continue;
        }
        uint8_t size = cursor_u8(&c);
        if (size < 2) {
            break;
        }
        struct view value = cursor_take(&c, size - 2u);
        if (kind == OPTION_WINDOW_SCALE && value.n == 1) {
            return value.p[0] < WINDOW_SCALE_MAX ? value.p[0] : WINDOW_SCALE_MAX;
        }
    }
    return WINDOW_SCALE_NONE;
}

/* A frame of no more than Ethernet's smallest, the check sequence included, may be padded; where IP states no length, its
 * zeroes at the end are that. */
enum { ETHERNET_MIN = 64, TCP_HEADER_MIN = 20 };

static bool is_padding(const struct layers *l, struct view v) {
    if (!l->length_guessed || l->end > ETHERNET_MIN) {
        return false;
    }
    for (size_t i = 0; i < v.n; i++) {
        if (v.p[i] != 0) {
            return false;
        }
    }
    return true;
}

/* Only where the whole segment was captured, and the address that it was sent to is known. */
static bool checksum_wrong(const struct layers *l, uint32_t length) {
    struct view v = view_part(layers_view(l), 0, length);
    return l->decoder->settings.verify_checksums && !l->rerouted && v.n == length &&
           !checksum_right(checksum_add(checksum_pseudo(&l->out->src.ip, &l->out->dst.ip, length), v));
}

enum verdict decode_tcp(struct layers *l, uint32_t length) {
    struct packet *out = l->out;
    if (length < TCP_HEADER_MIN) {
        return decode_refuse(l, DECODE_BAD);
    }
    if (checksum_wrong(l, length)) {
        return decode_refuse(l, DECODE_CHECKSUM);
    }
    out->src.port = cursor_be16(&l->in);
    out->dst.port = cursor_be16(&l->in);
    out->seq = cursor_be32(&l->in);
    out->ack = cursor_be32(&l->in);
    uint32_t size = (uint32_t)(cursor_u8(&l->in) >> 4) * 4;
    out->flags = cursor_u8(&l->in);
    out->window = cursor_be16(&l->in);
    cursor_skip(&l->in, 4);
    if (!cursor_ok(&l->in)) {
        return decode_refuse(l, DECODE_CUT);
    }
    if (size < TCP_HEADER_MIN || size > length) {
        return decode_refuse(l, DECODE_BAD);
    }
    out->payload_length = length - size;
    struct view rest = cursor_rest(&l->in);
    out->window_scale =
        out->flags & TCP_SYN ? window_scale(view_part(rest, 0, size - TCP_HEADER_MIN)) : WINDOW_SCALE_NONE;
    /* A cut inside the options costs the data but not the segment: its flags and its length are known. */
    out->payload = view_part(rest, size - TCP_HEADER_MIN, out->payload_length);
    if (out->payload.n == out->payload_length && is_padding(l, out->payload)) {
        out->payload_length = 0;
        out->payload.n = 0;
    }
    return V_OK;
}
