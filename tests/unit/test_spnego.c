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

static void expect(struct der_text t, enum verdict verdict, unsigned count) {
    struct dissecting d;
    dissecting_run(&d, &dissector_spnego, TO_SERVER, t.b, t.n, 0);
    assert_int_equal(d.verdict, verdict);
    assert_int_equal(d.count, count);
    if (count) {
        assert_int_equal(d.pdus[0].kind, PDU_NTLM);
        assert_int_equal(d.pdus[0].ntlm.flags, 0xa2088207);
    }
    dissecting_free(&d);
}

static void test_tokens(void **state) {
    (void)state;
    expect(init_token(ntlm, NTLM_SIZE), V_OK, 1);
    expect(init_token(NULL, 0), V_OK, 0);
    expect(resp_token(ntlm, NTLM_SIZE), V_OK, 1);
    expect(resp_token("", 0), V_OK, 0);
    expect(resp_token("a Kerberos token, say", 20), V_OK, 0);
    uint8_t long_token[300] = {0};
    memcpy(long_token, ntlm, NTLM_SIZE);
    expect(init_token(long_token, sizeof long_token), V_OK, 1);
    struct der_text raw = {.n = NTLM_SIZE};
    memcpy(raw.b, ntlm, NTLM_SIZE);
    expect(raw, V_OK, 1);
}

static void test_not_ours(void **state) {
    (void)state;
    struct der_text t = {.n = 0};
    expect(t, V_NOT_MINE, 0);
    t = octets("x", 1);
    expect(t, V_NOT_MINE, 0);
    t = element(0x06, kerberos_oid, sizeof kerberos_oid); /* Kerberos without SPNEGO */
    struct der_text more = octets("x", 1);
    append(&t, &more);
    wrap(&t, 0x60);
    expect(t, V_NOT_MINE, 0);
}

static void test_contradictions(void **state) {
    (void)state;
    struct der_text t = element(0x06, spnego_oid, sizeof spnego_oid);
    wrap(&t, 0x60);
    expect(t, V_BAD, 0); /* no token behind the mechanism */
    t = octets("x", 1);
    wrap(&t, 0x60);
    expect(t, V_BAD, 0); /* no mechanism */
    t = explicit(1, octets("x", 1));
    expect(t, V_BAD, 0);                             /* no SEQUENCE */
    t = explicit(2, element(0x03, ntlm, NTLM_SIZE)); /* the token is no OCTET STRING */
    wrap(&t, 0x30);
    t = explicit(1, t);
    expect(t, V_BAD, 0);
    t = explicit(2, octets(ntlm, NTLM_SIZE)); /* a field behind the token is cut: the token is certain */
    struct der_text cut = {.b = {0xa3, 5, 1}, .n = 3};
    append(&t, &cut);
    wrap(&t, 0x30);
    t = explicit(1, t);
    expect(t, V_BAD, 1);
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
            assert_true(d.count <= 1);
            dissecting_free(&d);
        }
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_tokens),      cmocka_unit_test(test_not_ours),   cmocka_unit_test(test_contradictions),
        cmocka_unit_test(test_truncations), cmocka_unit_test(test_every_byte),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
