/* NTLMSSP, MS-NLMP 2.2.1: names through their fields, whatever those say. */
#include "dissector.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "dissecting.h"

enum { UNICODE = 1, FLAGS_AT = 60, PAYLOAD_AT = 72 };

struct token {
    uint8_t b[512];
    size_t n;
};

static void put(struct token *t, uint64_t v, unsigned bytes) {
    for (unsigned i = 0; i < bytes; i++) {
        t->b[t->n++] = (uint8_t)(v >> 8 * i);
    }
}

static void set_field(struct token *t, size_t at, uint16_t length, uint32_t offset) {
    struct token f = {.n = 0};
    put(&f, length, 2);
    put(&f, length, 2);
    put(&f, offset, 4);
    memcpy(t->b + at, f.b, 8);
}

/* Bytes at the end, and the field that leads to them; text of a width of 1 or 2 bytes a letter. */
static void add(struct token *t, size_t field_at, const char *s, size_t n, unsigned width) {
    set_field(t, field_at, (uint16_t)(n * width), (uint32_t)t->n);
    for (size_t i = 0; i < n; i++) {
        put(t, (uint8_t)s[i], width);
    }
}

enum { LM = 12, NT = 20, DOMAIN = 28, USER = 36, WORKSTATION = 44 };

static struct token authenticate(unsigned width, const char *user, size_t nt) {
    struct token t = {.n = PAYLOAD_AT};
    memcpy(t.b, "NTLMSSP\0\3\0\0\0", 12);
    t.b[FLAGS_AT] = width == 2 ? UNICODE : 2;
    add(&t, DOMAIN, "CORP", 4, width);
    add(&t, USER, user, strlen(user), width);
    add(&t, WORKSTATION, "WS-7", 4, width);
    add(&t, LM, "", 0, 1);
    add(&t, NT, "0123456789012345678901234567890123456789", nt, 1);
    return t;
}

static void assert_text(struct text t, const char *expected, enum encoding encoding) {
    size_t width = encoding == ENC_UTF16LE ? 2 : 1;
    assert_int_equal(t.encoding, encoding);
    assert_int_equal(t.bytes.n, width * strlen(expected));
    for (size_t i = 0; i < strlen(expected); i++) {
        assert_int_equal(t.bytes.p[i * width], (uint8_t)expected[i]);
    }
}

static void test_authenticate(void **state) {
    (void)state;
    for (unsigned width = 1; width <= 2; width++) {
        struct token t = authenticate(width, "alice", 40);
        struct dissecting d;
        dissecting_run(&d, &dissector_ntlmssp, TO_SERVER, t.b, t.n, 0);
        assert_int_equal(d.verdict, V_OK);
        assert_int_equal(d.count, 1);
        const struct ntlm_message *m = &d.pdus[0].ntlm;
        enum encoding encoding = width == 2 ? ENC_UTF16LE : ENC_ASCII;
        assert_int_equal(d.pdus[0].kind, PDU_NTLM);
        assert_int_equal(m->type, NTLM_AUTHENTICATE);
        assert_int_equal(m->flags, width == 2 ? 1 : 2);
        assert_text(m->domain, "CORP", encoding);
        assert_text(m->user, "alice", encoding);
        assert_text(m->workstation, "WS-7", encoding);
        assert_int_equal(m->nt_response_length, 40);
        assert_int_equal(m->lm_response_length, 0);
        assert_false(m->anonymous);
        dissecting_free(&d);
    }
}

static bool anonymous(struct token t) {
    struct dissecting d;
    dissecting_run(&d, &dissector_ntlmssp, TO_SERVER, t.b, t.n, 0);
    assert_int_equal(d.count, 1);
    bool answer = d.pdus[0].ntlm.anonymous;
    dissecting_free(&d);
    return answer;
}

static void test_anonymous(void **state) {
    (void)state;
    struct token t = authenticate(2, "", 0);
    assert_true(anonymous(t));
    struct token one_zero = t;
    add(&one_zero, LM, "\0", 1, 1);
    assert_true(anonymous(one_zero));
    struct token one_letter = t;
    add(&one_letter, LM, "x", 1, 1);
    assert_false(anonymous(one_letter));
    struct token two = t;
    add(&two, LM, "\0\0", 2, 1);
    assert_false(anonymous(two));
    assert_false(anonymous(authenticate(2, "", 24)));
    assert_false(anonymous(authenticate(2, "a", 0)));
}

static void check_cut(const struct dissecting *d, size_t n) {
    assert_int_equal(d->verdict, n < 8 ? V_NOT_MINE : n < 64 ? V_SHORT : V_BAD);
    assert_int_equal(d->count, n >= 12);
    if (n >= 64) { /* the fixed part is certain */
        assert_int_equal(d->pdus[0].ntlm.nt_response_length, 0);
        assert_int_equal(d->pdus[0].verdict, V_BAD);
    }
}

static void test_truncations(void **state) {
    (void)state;
    struct token t = authenticate(2, "alice", 0);
    dissecting_truncations(&dissector_ntlmssp, TO_SERVER, t.b, t.n, check_cut);
}

static void test_lying_fields(void **state) {
    (void)state;
    static const size_t fields[] = {DOMAIN, USER, WORKSTATION};
    struct token good = authenticate(2, "alice", 40);
    const struct {
        uint16_t length;
        uint32_t offset;
    } lies[] = {{10, 0xffffffff}, {0xffff, 72}, {2, (uint32_t)good.n}, {2, (uint32_t)good.n - 1}, {0xffff, 0xffff0001}};
    for (unsigned f = 0; f < sizeof fields / sizeof *fields; f++) {
        for (unsigned i = 0; i < sizeof lies / sizeof *lies; i++) {
            struct token t = good;
            set_field(&t, fields[f], lies[i].length, lies[i].offset);
            struct dissecting d;
            dissecting_run(&d, &dissector_ntlmssp, TO_SERVER, t.b, t.n, 0);
            assert_int_equal(d.verdict, V_BAD);
            assert_int_equal(d.count, 1);
            const struct ntlm_message *m = &d.pdus[0].ntlm;
            assert_int_equal(m->domain.bytes.n, fields[f] == DOMAIN ? 0 : 8);
            assert_int_equal(m->user.bytes.n, fields[f] == USER ? 0 : 10);
            assert_int_equal(m->workstation.bytes.n, fields[f] == WORKSTATION ? 0 : 8);
            dissecting_free(&d);
        }
    }
}

static void test_negotiate_and_challenge(void **state) {
    (void)state;
    struct dissecting d;
    dissecting_run(&d, &dissector_ntlmssp, TO_SERVER, "NTLMSSP\0\1\0\0\0\7\x82\x08\xa2", 16, 0);
    assert_int_equal(d.verdict, V_OK);
    assert_int_equal(d.pdus[0].ntlm.type, NTLM_NEGOTIATE);
    assert_int_equal(d.pdus[0].ntlm.flags, 0xa2088207);
    dissecting_free(&d);
    static const char challenge[] = "NTLMSSP\0\2\0\0\0\0\0\0\0\x38\0\0\0\x15\x82\x8a\x62";
    dissecting_run(&d, &dissector_ntlmssp, TO_CLIENT, challenge, 24, 0);
    assert_int_equal(d.verdict, V_OK);
    assert_int_equal(d.pdus[0].ntlm.type, NTLM_CHALLENGE);
    assert_int_equal(d.pdus[0].ntlm.flags, 0x628a8215);
    dissecting_free(&d);
    dissecting_truncations(&dissector_ntlmssp, TO_CLIENT, challenge, 24, NULL);
    dissecting_run(&d, &dissector_ntlmssp, TO_SERVER, "NTLMSSP\0\4\0\0\0\0\0\0\0", 16, 0);
    assert_int_equal(d.verdict, V_BAD);
    assert_int_equal(d.count, 0);
    dissecting_free(&d);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_authenticate),
        cmocka_unit_test(test_anonymous),
        cmocka_unit_test(test_truncations),
        cmocka_unit_test(test_lying_fields),
        cmocka_unit_test(test_negotiate_and_challenge),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
