/* SPNEGO, RFC 4178 and MS-SPNG, and the framing of GSS-API around it or around a mechanism alone. */
#include "der.h"
#include "pdu.h"

enum {
    GSS_TOKEN = DER_APPLICATION | 0,  /* RFC 2743 3.1 */
    NEG_TOKEN_INIT = DER_CONTEXT | 0, /* RFC 4178 4.2 */
    NEG_TOKEN_RESP = DER_CONTEXT | 1,
};

/* Fields of NegTokenInit (RFC 4178 4.2.1) and NegTokenInit2 (MS-SPNG 2.2.1), and of NegTokenResp (RFC 4178 4.2.2). */
enum { MECH_TYPES, REQ_FLAGS, MECH_TOKEN, INIT_MIC_OR_HINTS, INIT2_MIC, INIT_FIELDS };
enum { NEG_STATE, SUPPORTED_MECH, RESPONSE_TOKEN, RESP_MIC, RESP_FIELDS };

/* ---- mechanisms and their object identifiers */

struct mechanism {
    const char *name, *oid;
    uint8_t length;
    const struct dissector *dissector; /* of what stands behind the identifier in a GSS-API frame */
};

#define MECHANISM(name, oid, dissector) \
    { name, oid, sizeof(oid) - 1, dissector }
static const struct mechanism mechanisms[] = {
    MECHANISM("spnego", "\x2B\x06\x01\x05\x05\x02", NULL), /* 1.3.6.1.5.5.2, RFC 4178 3 */
    MECHANISM("kerberos", "\x2A\x86\x48\x86\xF7\x12\x01\x02\x02",
              &dissector_kerberos), /* 1.2.840.113554.1.2.2, RFC 4121 */
    MECHANISM("ms_kerberos", "\x2A\x86\x48\x82\xF7\x12\x01\x02\x02",
              &dissector_kerberos), /* 1.2.840.48018.1.2.2, MS-SPNG 3.1.5.2 */
    MECHANISM("kerberos_u2u", "\x2A\x86\x48\x86\xF7\x12\x01\x02\x02\x03",
              &dissector_kerberos), /* 1.2.840.113554.1.2.2.3 */
    MECHANISM("ntlm", "\x2B\x06\x01\x04\x01\x82\x37\x02\x02\x0A",
              &dissector_ntlmssp),                                         /* 1.3.6.1.4.1.311.2.2.10, MS-NLMP 1.9 */
    MECHANISM("negoex", "\x2B\x06\x01\x04\x01\x82\x37\x02\x02\x1E", NULL), /* 1.3.6.1.4.1.311.2.2.30 */
    MECHANISM("iakerb", "\x2B\x06\x01\x05\x02\x05", NULL),                 /* 1.3.6.1.5.2.5 */
    MECHANISM("pku2u", "\x2B\x06\x01\x05\x02\x07", NULL),                  /* 1.3.6.1.5.2.7 */
};

static const struct mechanism *mechanism_of(struct view oid) {
    for (size_t i = 0; i < sizeof mechanisms / sizeof mechanisms[0]; i++) {
        if (oid.n == mechanisms[i].length && memcmp(oid.p, mechanisms[i].oid, oid.n) == 0) {
            return &mechanisms[i];
        }
    }
    return NULL;
}

static struct text ascii(const void *p, size_t n) {
    return (struct text){{p, n}, ENC_ASCII};
}

static size_t put_number(uint8_t *to, uint32_t value) {
    enum { DIGITS = 10 };
    uint8_t digits[DIGITS];
    size_t n = 0;
    do {
        digits[n++] = (uint8_t)('0' + value % 10);
        value /= 10;
    } while (value != 0);
    for (size_t i = 0; i < n; i++) {
        to[i] = digits[n - 1 - i];
    }
    return n;
}

/* An identifier as numbers with dots, X.690 8.19; "unknown" where a number is too large, or it is too long to be one of a mechanism. */
static struct text dotted(struct arena *mem, struct view oid) {
    enum { LONGEST = 32, TEXT_PER_BYTE = 11, MORE = 0x80, ROOTS = 40 };
    static const char unknown[] = "unknown";
    uint8_t *to = oid.n > 0 && oid.n <= LONGEST ? arena_take(mem, (oid.n + 1) * TEXT_PER_BYTE) : NULL;
    struct cursor c = cursor_over(oid);
    uint32_t value = 0;
    size_t n = 0;
    while (to && cursor_left(&c) > 0) {
        uint8_t byte = cursor_u8(&c);
        if (value > UINT32_MAX >> 7 || (cursor_left(&c) == 0 && (byte & MORE))) {
            return ascii(unknown, sizeof unknown - 1);
        }
        value = value << 7 | (byte & ~(unsigned)MORE);
        if (byte & MORE) {
            continue;
        }
        if (n == 0) { /* the first two in one */
            uint32_t root = value < 2 * ROOTS ? value / ROOTS : 2;
            n += put_number(to, root);
            value -= root * ROOTS;
        }
        to[n++] = '.';
        n += put_number(to + n, value);
        value = 0;
    }
    return to ? ascii(to, n) : ascii(unknown, sizeof unknown - 1);
}

static struct text mechanism_name(struct arena *mem, struct view oid) {
    const struct mechanism *known = mechanism_of(oid);
    return known ? ascii(known->name, strlen(known->name)) : dotted(mem, oid);
}

/* MechTypeList, RFC 4178 4.1 */
static enum verdict mechanism_list(struct arena *mem, struct view list, struct spnego_message *m) {
    struct cursor c = cursor_over(list);
    while (cursor_left(&c) > 0) {
        struct view oid = der_expect(&c, DER_OID);
        if (!cursor_ok(&c)) {
            return V_BAD;
        }
        if (m->mechanism_count == SPNEGO_MECHANISMS_MAX) {
            return V_LIMIT;
        }
        m->mechanisms[m->mechanism_count++] = mechanism_name(mem, oid);
    }
    return V_OK;
}

/* ---- tokens */

/* Behind the identifier in a frame of GSS-API. */
static enum verdict framed(struct dissection *d, const struct mechanism *m, struct cursor *rest) {
    return m && m->dissector ? dissect_nested(d, m->dissector, cursor_rest(rest)) : V_NOT_MINE;
}

/* A mechanism without a frame says itself what it is. */
static enum verdict unframed(struct dissection *d, struct view token) {
    enum verdict v = dissect_nested(d, &dissector_ntlmssp, token);
    return v == V_NOT_MINE ? dissect_nested(d, &dissector_kerberos, token) : v;
}

/* mechToken or responseToken; that of a mechanism which we do not know is none of ours. */
static enum verdict mechanism_token(struct dissection *d, struct view token) {
    struct cursor c = cursor_over(token);
    struct cursor inside = cursor_over(der_expect(&c, GSS_TOKEN));
    if (!cursor_ok(&c)) {
        enum verdict v = token.n > 0 ? unframed(d, token) : V_OK;
        return v == V_NOT_MINE ? V_OK : v;
    }
    struct view oid = der_expect(&inside, DER_OID);
    enum verdict v = framed(d, cursor_ok(&inside) ? mechanism_of(oid) : NULL, &inside);
    return v == V_NOT_MINE ? V_OK : v;
}

/* The worse of two: what one part of a token says is not undone by another. */
static enum verdict worse(enum verdict a, enum verdict b) {
    return a == V_OK ? b : a;
}

/* hintName, MS-SPNG 2.2.1, unless it is the constant that says nothing. */
static struct text hint(struct cursor *fields, struct view hints) {
    static const char no_name[] = "not_defined_in_RFC4178@please_ignore";
    struct view parts[1];
    struct cursor c = cursor_over(hints);
    der_fields(&c, parts, 1);
    struct view name = der_field(&c, parts[0], DER_GENERAL_STRING);
    fields->failed = fields->failed || !cursor_ok(&c);
    bool none = name.n == sizeof no_name - 1 && memcmp(name.p, no_name, name.n) == 0;
    return none ? ascii(NULL, 0) : (struct text){name, ENC_UTF8};
}

/* Field 3 is mechListMIC in a NegTokenInit, and negHints in a NegTokenInit2: an OCTET STRING, or a SEQUENCE. */
static enum verdict init_token(struct dissection *d, struct cursor *c, struct spnego_message *m) {
    struct view fields[INIT_FIELDS];
    der_fields(c, fields, INIT_FIELDS);
    struct view third = fields[INIT_MIC_OR_HINTS];
    bool hints = third.n > 0 && third.p[0] == DER_SEQUENCE;
    m->init = true;
    enum verdict v = mechanism_list(d->mem, der_field(c, fields[MECH_TYPES], DER_SEQUENCE), m);
    m->mic = der_field(c, hints ? fields[INIT2_MIC] : third, DER_OCTET_STRING).n > 0;
    if (hints) {
        m->hint = hint(c, der_field(c, third, DER_SEQUENCE));
    }
    return worse(v, mechanism_token(d, der_field(c, fields[MECH_TOKEN], DER_OCTET_STRING)));
}

static enum verdict resp_token(struct dissection *d, struct cursor *c, struct spnego_message *m) {
    struct view fields[RESP_FIELDS];
    der_fields(c, fields, RESP_FIELDS);
    struct view state = der_field(c, fields[NEG_STATE], DER_ENUMERATED);
    struct view mechanism = der_field(c, fields[SUPPORTED_MECH], DER_OID);
    m->has_state = state.n == 1;
    m->state = m->has_state ? state.p[0] : 0;
    if (mechanism.n > 0) {
        m->mechanisms[m->mechanism_count++] = mechanism_name(d->mem, mechanism);
    }
    m->mic = der_field(c, fields[RESP_MIC], DER_OCTET_STRING).n > 0;
    return mechanism_token(d, der_field(c, fields[RESPONSE_TOKEN], DER_OCTET_STRING));
}

/* NegotiationToken, RFC 4178 4.2 */
static enum verdict negotiation_token(struct dissection *d, struct der choice) {
    struct cursor c = cursor_over(choice.contents);
    struct cursor fields = cursor_over(der_expect(&c, DER_SEQUENCE));
    struct pdu pdu = {.kind = PDU_SPNEGO};
    if (!cursor_ok(&c)) {
        return V_BAD;
    }
    enum verdict v =
        choice.tag == NEG_TOKEN_INIT ? init_token(d, &fields, &pdu.spnego) : resp_token(d, &fields, &pdu.spnego);
    pdu.verdict = worse(v, cursor_ok(&fields) ? V_OK : V_BAD);
    d->deliver(d->arg, &pdu);
    return pdu.verdict;
}

/* InitialContextToken, RFC 2743 3.1: the mechanism and its token. */
static enum verdict gss_token(struct dissection *d, struct view contents) {
    struct cursor c = cursor_over(contents);
    struct view oid = der_expect(&c, DER_OID);
    if (!cursor_ok(&c)) {
        return V_BAD;
    }
    const struct mechanism *m = mechanism_of(oid);
    if (m != &mechanisms[0]) {
        return framed(d, m, &c);
    }
    struct der choice = der_next(&c);
    if (!cursor_ok(&c) || choice.tag != NEG_TOKEN_INIT) {
        return V_BAD;
    }
    return negotiation_token(d, choice);
}

/* What a security buffer holds: SPNEGO as it begins (framed by GSS-API) or goes on (bare), or a mechanism without it. */
static enum verdict dissect(struct dissection *d, struct view v) {
    struct cursor c = cursor_over(v);
    uint8_t tag = cursor_u8(&c);
    if (!cursor_ok(&c)) {
        return V_NOT_MINE;
    }
    if (tag != GSS_TOKEN && tag != NEG_TOKEN_INIT && tag != NEG_TOKEN_RESP) {
        return unframed(d, v);
    }
    c = cursor_over(v);
    struct der outer = der_next(&c);
    if (!cursor_ok(&c)) {
        return V_SHORT;
    }
    return outer.tag == GSS_TOKEN ? gss_token(d, outer.contents) : negotiation_token(d, outer);
}

const struct dissector dissector_spnego = {"spnego", dissect};
