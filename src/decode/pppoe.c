/* PPPoE's session stage (RFC 2516 4) with PPP's protocol field behind it (RFC 1661 2), which may be one byte long (6.5). */
#include "layers.h"

enum {
    VERSION_AND_TYPE = 0x11,
    CODE_SESSION = 0,
    PPP_IPV4 = 0x0021, /* RFC 1332 */
    PPP_IPV6 = 0x0057, /* RFC 5072 */
    PPP_MPLS = 0x0281, /* RFC 3032 4.3 */
    PPP_MPLS_UPSTREAM = 0x0283,
};

static enum verdict decode_ppp(struct layers *l) {
    uint16_t protocol = cursor_u8(&l->in);
    if (!(protocol & 1)) {
        protocol = (uint16_t)(protocol << 8 | cursor_u8(&l->in));
    }
    if (!cursor_ok(&l->in)) {
        return decode_refuse(l, DECODE_CUT);
    }
    switch (protocol) {
    case PPP_IPV4:
        return decode_ipv4(l);
    case PPP_IPV6:
        return decode_ipv6(l);
    case PPP_MPLS:
    case PPP_MPLS_UPSTREAM:
        return decode_mpls(l);
    default:
        return decode_refuse(l, DECODE_LINK);
    }
}

enum verdict decode_pppoe(struct layers *l) {
    uint8_t version = cursor_u8(&l->in), code = cursor_u8(&l->in);
    uint16_t session = cursor_be16(&l->in), length = cursor_be16(&l->in);
    if (!cursor_ok(&l->in)) {
        return decode_refuse(l, DECODE_CUT);
    }
    if (version != VERSION_AND_TYPE || code != CODE_SESSION) {
        return decode_refuse(l, DECODE_LINK);
    }
    if (!layers_wrap(l, ENCAPSULATION_PPPOE, session)) {
        return decode_refuse(l, DECODE_DEPTH);
    }
    layers_bound(l, l->in.pos + length);
    return decode_ppp(l);
}
