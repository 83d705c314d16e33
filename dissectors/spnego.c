#include "der.h"
#include "pdu.h"

enum {
    GSS_TOKEN = DER_APPLICATION | 0,  /* RFC 2743 3.1 */
    NEG_TOKEN_INIT = DER_CONTEXT | 0, /* RFC 4178 4.2 */
    NEG_TOKEN_RESP = DER_CONTEXT | 1,
    MECH_TOKEN = DER_CONTEXT | 2, /* of NegTokenInit (4.2.1), and responseToken of NegTokenResp (4.2.2) */
};

/* 1.3.6.1.5.5.2, RFC 4178 3 */
static const uint8_t spnego_oid[] = {0x2B, 0x06, 0x01, 0x05, 0x05, 0x02};

/* mechToken or responseToken: both are [2] OCTET STRING of a SEQUENCE. NegTokenInit2 (MS-SPNG 2.2.1) differs behind it only. Empty
 * where the token has none. */
static struct view mechanism_token(struct cursor *fields) {
    struct view token = {NULL, 0};
    while (cursor_left(fields) > 0) {
        struct der field = der_next(fields);
        if (cursor_ok(fields) && field.tag == MECH_TOKEN) {
            struct cursor c = cursor_over(field.contents);
            token = der_expect(&c, DER_OCTET_STRING);
            fields->failed = fields->failed || c.failed;
        }
    }
    return token;
}

/* NegotiationToken, RFC 4178 4.2 */
static enum verdict negotiation_token(struct dissection *d, struct der choice) {
    struct cursor c = cursor_over(choice.contents);
    struct cursor fields = cursor_over(der_expect(&c, DER_SEQUENCE));
    struct view token = mechanism_token(&fields);
    if (token.n != 0) {
        enum verdict verdict = dissect_nested(d, &dissector_ntlmssp, token);
        if (verdict != V_OK && verdict != V_NOT_MINE) {
            return verdict;
        }
    }
    return cursor_ok(&c) && cursor_ok(&fields) ? V_OK : V_BAD;
}

/* InitialContextToken, RFC 2743 3.1: the mechanism and its token. Of another mechanism than SPNEGO it is not ours. */
static enum verdict gss_token(struct dissection *d, struct view contents) {
    struct cursor c = cursor_over(contents);
    struct view oid = der_expect(&c, DER_OID);
    if (!cursor_ok(&c)) {
        return V_BAD;
    }
    if (oid.n != sizeof spnego_oid || memcmp(oid.p, spnego_oid, sizeof spnego_oid) != 0) {
        return V_NOT_MINE;
    }
    struct der choice = der_next(&c);
    if (!cursor_ok(&c) || choice.tag != NEG_TOKEN_INIT) {
        return V_BAD;
    }
    return negotiation_token(d, choice);
}

/* What a security buffer holds: SPNEGO as it begins (framed by GSS-API) or goes on (bare), or NTLMSSP without it. */
static enum verdict dissect(struct dissection *d, struct view v) {
    struct cursor c = cursor_over(v);
    uint8_t tag = cursor_u8(&c);
    if (!cursor_ok(&c) || (tag != GSS_TOKEN && tag != NEG_TOKEN_INIT && tag != NEG_TOKEN_RESP)) {
        return dissect_nested(d, &dissector_ntlmssp, v);
    }
    c = cursor_over(v);
    struct der outer = der_next(&c);
    if (!cursor_ok(&c)) {
        return V_SHORT;
    }
    return outer.tag == GSS_TOKEN ? gss_token(d, outer.contents) : negotiation_token(d, outer);
}

const struct dissector dissector_spnego = {"spnego", dissect};
