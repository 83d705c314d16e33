/* SPNEGO, RFC 4178 and MS-SPNG: the way to the mechanism's token. */
#include "dissector.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "dissecting.h"

struct der_text {
    uint8_t b[1024];
    size_t n;
};

static const uint8_t ntlm[] = "NTLMSSP\0\1\0\0\0\7\x82\x08\xa2";
enum { NTLM_SIZE = 16 };
static const uint8_t spnego_oid[] = {0x2B, 0x06, 0x01, 0x05, 0x05, 0x02};
static const uint8_t ntlm_oid[] = {0x2B, 0x06, 0x01, 0x04, 0x01, 0x82, 0x37, 0x02, 0x02, 0x0A};
static const uint8_t other_oid[] = {0x2B, 0x06, 0x01, 0x05, 0x05, 0x0D};
static const uint8_t kerberos_oid[] = {0x2A, 0x86, 0x48, 0x86, 0xF7, 0x12, 0x01, 0x02, 0x02};

/* Puts tag and length before what t holds. */
static void wrap(struct der_text *t, uint8_t tag) {
    size_t head = t->n < 0x80 ? 2 : 4;
    memmove(t->b + head, t->b, t->n);
    t->b[0] = tag;
    if (head == 2) {
        t->b[1] = (uint8_t)t->n;
    } else {
        t->b[1] = 0x82;
        t->b[2] = (uint8_t)(t->n >> 8);
        t->b[3] = (uint8_t)t->n;
    }
    t->n += head;
}

static void append(struct der_text *t, const struct der_text *more) {
    memcpy(t->b + t->n, more->b, more->n);
    t->n += more->n;
}

static struct der_text element(uint8_t tag, const void *p, size_t n) {
    struct der_text t = {.n = n};
    memcpy(t.b, p, n);
    wrap(&t, tag);
    return t;
}

static struct der_text explicit(uint8_t number, struct der_text t) {
    wrap(&t, (uint8_t)(0xa0 | number));
    return t;
}

static struct der_text octets(const void *p, size_t n) {
    return element(0x04, p, n);
}

/* InitialContextToken of SPNEGO around a NegTokenInit with mechTypes, maybe a mechToken, and negHints as in NegTokenInit2. */
static struct der_text init_token(const void *token, size_t n) {
    struct der_text mechs = element(0x06, kerberos_oid, sizeof kerberos_oid);
    wrap(&mechs, 0x30);
    struct der_text fields = explicit(0, mechs);
    if (token) {
        struct der_text mech_token = explicit(2, octets(token, n));
        append(&fields, &mech_token);
    }
    struct der_text hint = explicit(0, element(0x1b, "not_defined_in_RFC4178@please_ignore", 36));
    wrap(&hint, 0x30);
    hint = explicit(3, hint);
    append(&fields, &hint);
    wrap(&fields, 0x30);
    fields = explicit(0, fields);
    struct der_text all = element(0x06, spnego_oid, sizeof spnego_oid);
    append(&all, &fields);
    wrap(&all, 0x60);
    return all;
}

static struct der_text resp_token(const void *token, size_t n) {
    struct der_text fields = explicit(0, element(0x0a, "\1", 1));
    struct der_text mech = explicit(1, element(0x06, kerberos_oid, sizeof kerberos_oid));
    struct der_text response = explicit(2, octets(token, n));
    struct der_text mic = explicit(3, octets("0123456789abcdef", 16));
    append(&fields, &mech);
    append(&fields, &response);
    append(&fields, &mic);
    wrap(&fields, 0x30);
    return explicit(1, fields);
}

static const struct pdu *find(const struct dissecting *d, enum pdu_kind kind) {
    for (unsigned i = 0; i < d->count; i++) {
        if (d->pdus[i].kind == kind) {
            return &d->pdus[i];
        }
    }
    return NULL;
}

static void assert_ascii(struct text t, const char *expected) {
    assert_int_equal(t.bytes.n, strlen(expected));
    assert_memory_equal(t.bytes.p, expected, t.bytes.n);
}

/* Whether there is a token of NTLM in it, and whether SPNEGO is around that. */
static void expect(struct der_text t, enum verdict verdict, bool has_ntlm, bool has_spnego) {
    struct dissecting d;
    dissecting_run(&d, &dissector_spnego, TO_SERVER, t.b, t.n, 0);
    const struct pdu *inner = find(&d, PDU_NTLM);
    assert_int_equal(d.verdict, verdict);
    assert_int_equal(d.count, has_ntlm + has_spnego);
    assert_int_equal(inner != NULL, has_ntlm);
    assert_int_equal(find(&d, PDU_SPNEGO) != NULL, has_spnego);
    if (inner) {
        assert_int_equal(inner->ntlm.flags, 0xa2088207);
        assert_ptr_equal(inner, &d.pdus[0]); /* what is enclosed comes first */
    }
    dissecting_free(&d);
}

static void test_tokens(void **state) {
    (void)state;
    expect(init_token(ntlm, NTLM_SIZE), V_OK, true, true);
    expect(init_token(NULL, 0), V_OK, false, true);
    expect(resp_token(ntlm, NTLM_SIZE), V_OK, true, true);
    expect(resp_token("", 0), V_OK, false, true);
    expect(resp_token("another's token, say", 20), V_OK, false, true);
    uint8_t long_token[300] = {0};
    memcpy(long_token, ntlm, NTLM_SIZE);
    expect(init_token(long_token, sizeof long_token), V_OK, true, true);
    struct der_text raw = {.n = NTLM_SIZE};
    memcpy(raw.b, ntlm, NTLM_SIZE);
    expect(raw, V_OK, true, false);
    struct der_text framed = element(0x06, ntlm_oid, sizeof ntlm_oid); /* in the frame of GSS-API, as some do */
    append(&framed, &raw);
    wrap(&framed, 0x60);
    expect(framed, V_OK, true, false);
    expect(init_token(framed.b, framed.n), V_OK, true, true);
}

static void test_not_ours(void **state) {
    (void)state;
    struct der_text t = {.n = 0};
    expect(t, V_NOT_MINE, false, false);
    t = octets("x", 1);
    expect(t, V_NOT_MINE, false, false);
    t = element(0x06, other_oid, sizeof other_oid);
    struct der_text more = octets("x", 1);
    append(&t, &more);
    wrap(&t, 0x60);
    expect(t, V_NOT_MINE, false, false);
    expect(init_token(t.b, t.n), V_OK, false, true);
}

/* What the two sides say beside the token. */
static void test_negotiation(void **state) {
    (void)state;
    struct dissecting d;
    struct der_text t = init_token(NULL, 0);
    dissecting_run(&d, &dissector_spnego, TO_CLIENT, t.b, t.n, 0);
    const struct spnego_message *m = &find(&d, PDU_SPNEGO)->spnego;
    assert_true(m->init && !m->has_state && !m->mic);
    assert_int_equal(m->mechanism_count, 1);
    assert_ascii(m->mechanisms[0], "kerberos");
    assert_int_equal(m->hint.bytes.n, 0); /* the constant */
    dissecting_free(&d);
    t = resp_token("", 0);
    dissecting_run(&d, &dissector_spnego, TO_CLIENT, t.b, t.n, 0);
    m = &find(&d, PDU_SPNEGO)->spnego;
    assert_true(!m->init && m->has_state && m->mic);
    assert_int_equal(m->state, 1);
    assert_ascii(m->mechanisms[0], "kerberos");
    dissecting_free(&d);
}

/* NegTokenInit with a list of mechanisms, then field 3 and 4 as they are handed in. */
static struct der_text offer(struct der_text list, struct der_text third, struct der_text fourth) {
    wrap(&list, 0x30);
    struct der_text fields = explicit(0, list);
    append(&fields, &third);
    append(&fields, &fourth);
    wrap(&fields, 0x30);
    fields = explicit(0, fields);
    return fields;
}

static void test_offers(void **state) {
    (void)state;
    static const struct {
        const char *bytes;
        size_t n;
        const char *name;
    } oids[] = {
        {"\x2a\x86\x48\x82\xf7\x12\x01\x02\x02", 9, "ms_kerberos"},
        {"\x2b\x06\x01\x04\x01\x82\x37\x02\x02\x0a", 10, "ntlm"},
        {"\x2b\x06\x01\x04\x01\x82\x37\x02\x02\x1e", 10, "negoex"},
        {"\x2b\x06\x01\x04\x01\xa9\x4a\x16\x01", 9, "1.3.6.1.4.1.5322.22.1"},
        {"\x88\x37\x03", 3, "2.999.3"}, /* X.690 8.19.5 */
        {"\x8f\xff\xff\xff\x7f", 5, "2.4294967215"},
        {"\x9f\xff\xff\xff\x7f", 5, "unknown"},
        {"\x2b\x86", 2, "unknown"},
    };
    struct der_text list = {.n = 0}, none = {.n = 0};
    for (unsigned i = 0; i < SPNEGO_MECHANISMS_MAX; i++) {
        struct der_text oid = element(0x06, oids[i].bytes, oids[i].n);
        append(&list, &oid);
    }
    struct der_text mic = explicit(3, octets("0123", 4)), mic4 = explicit(4, octets("0123", 4));
    struct der_text name = explicit(0, element(0x1b, "fs01$@EXAMPLE", 13));
    wrap(&name, 0x30);
    struct der_text hints = explicit(3, name);
    for (unsigned second = 0; second < 2; second++) {
        struct der_text t = second ? offer(list, hints, mic4) : offer(list, mic, none);
        struct dissecting d;
        dissecting_run(&d, &dissector_spnego, TO_CLIENT, t.b, t.n, 0);
        assert_int_equal(d.verdict, V_OK);
        const struct spnego_message *m = &d.pdus[0].spnego;
        assert_true(m->mic);
        assert_ascii(m->hint, second ? "fs01$@EXAMPLE" : "");
        assert_int_equal(m->mechanism_count, SPNEGO_MECHANISMS_MAX);
        for (unsigned i = 0; i < SPNEGO_MECHANISMS_MAX; i++) {
            assert_ascii(m->mechanisms[i], oids[i].name);
        }
        dissecting_free(&d);
        dissecting_truncations(&dissector_spnego, TO_CLIENT, t.b, t.n, NULL);
    }
    struct der_text one_more = element(0x06, oids[0].bytes, oids[0].n);
    append(&list, &one_more);
    expect(offer(list, none, none), V_LIMIT, false, true);
    struct der_text no_oid = octets("x", 1);
    expect(offer(no_oid, none, none), V_BAD, false, true);
}

static void test_contradictions(void **state) {
    (void)state;
    struct der_text t = element(0x06, spnego_oid, sizeof spnego_oid);
    wrap(&t, 0x60);
    expect(t, V_BAD, false, false); /* no token behind the mechanism */
    t = octets("x", 1);
    wrap(&t, 0x60);
    expect(t, V_BAD, false, false); /* no mechanism */
    t = explicit(1, octets("x", 1));
    expect(t, V_BAD, false, false);                  /* no SEQUENCE */
    t = explicit(2, element(0x03, ntlm, NTLM_SIZE)); /* the token is no OCTET STRING */
    wrap(&t, 0x30);
    t = explicit(1, t);
    expect(t, V_BAD, false, true);
    t = explicit(2, octets(ntlm, NTLM_SIZE)); /* a field behind the token is cut: the token is certain */
    struct der_text cut = {.b = {0xa3, 5, 1}, .n = 3};
    append(&t, &cut);
    wrap(&t, 0x30);
    t = explicit(1, t);
    expect(t, V_BAD, true, true);
    t = explicit(2, octets(ntlm, NTLM_SIZE)); /* a field twice */
    struct der_text again = t;
    append(&t, &again);
    wrap(&t, 0x30);
    t = explicit(1, t);
    expect(t, V_BAD, true, true);
}

static void check_cut(const struct dissecting *d, size_t n) {
    assert_int_equal(d->verdict, n == 0 ? V_NOT_MINE : V_SHORT);
    assert_int_equal(d->count, 0);
}

static void test_truncations(void **state) {
    (void)state;
    struct der_text t = init_token(ntlm, NTLM_SIZE);
    dissecting_truncations(&dissector_spnego, TO_SERVER, t.b, t.n, check_cut);
    t = resp_token(ntlm, NTLM_SIZE);
    dissecting_truncations(&dissector_spnego, TO_CLIENT, t.b, t.n, check_cut);
}

/* Every byte changed to every value: no read outside (the sanitizer's part), and an end. */
static void test_every_byte(void **state) {
    (void)state;
    struct der_text good = init_token(ntlm, NTLM_SIZE);
    for (size_t i = 0; i < good.n; i++) {
        for (unsigned v = 0; v < 256; v++) {
            struct der_text t = good;
            t.b[i] = (uint8_t)v;
            struct dissecting d;
            dissecting_run(&d, &dissector_spnego, TO_SERVER, t.b, t.n, 0);
            assert_true(d.count <= 2);
            dissecting_free(&d);
        }
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_negotiation), cmocka_unit_test(test_offers),         cmocka_unit_test(test_tokens),
        cmocka_unit_test(test_not_ours),    cmocka_unit_test(test_contradictions), cmocka_unit_test(test_truncations),
        cmocka_unit_test(test_every_byte),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
