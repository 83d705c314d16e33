/* TCP's header (RFC 9293 3.1). Of the options only the window scale (RFC 7323 2.2) is wanted, and only on a SYN. */
#include "layers.h"

enum { OPTION_END = 0, OPTION_NOP = 1, OPTION_WINDOW_SCALE = 3, WINDOW_SCALE_MAX = 14, WINDOW_SCALE_NONE = 0xff };

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

enum verdict decode_tcp(struct layers *l, uint32_t length) {
    struct packet *out = l->out;
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
    if (size < 20 || size > length) {
        return decode_refuse(l, DECODE_BAD);
    }
    out->payload_length = length - size;
    struct view rest = cursor_rest(&l->in);
    out->window_scale = out->flags & TCP_SYN ? window_scale(view_part(rest, 0, size - 20)) : WINDOW_SCALE_NONE;
    /* A cut inside the options costs the data but not the segment: its flags and its length are known. */
    out->payload = view_part(rest, size - 20, out->payload_length);
    return V_OK;
}
