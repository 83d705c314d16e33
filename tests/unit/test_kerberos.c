/* Kerberos in a security token, RFC 4120 5.3, 5.5 and 5.9.1: what is in the clear, and verdicts for the rest. */
#include "dissector.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "dissecting.h"

struct der_text {
    uint8_t b[2048];
    size_t n;
};

/* Puts tag and length before what t holds. */
static struct der_text wrapped(uint8_t tag, struct der_text t) {
    size_t head = t.n < 0x80 ? 2 : 4;
    memmove(t.b + head, t.b, t.n);
    t.b[0] = tag;
    t.b[1] = head == 2 ? (uint8_t)t.n : 0x82;
    if (head == 4) {
        t.b[2] = (uint8_t)(t.n >> 8);
        t.b[3] = (uint8_t)t.n;
    }
    t.n += head;
    return t;
}

static struct der_text bytes(uint8_t tag, const void *p, size_t n) {
    struct der_text t = {.n = n};
    memcpy(t.b, p, n);
    return wrapped(tag, t);
}

static struct der_text number(uint8_t value) {
    return bytes(0x02, &value, 1);
}

static struct der_text string(const char *s) {
    return bytes(0x1b, s, strlen(s));
}

static struct der_text join(struct der_text a, struct der_text b) {
    memcpy(a.b + a.n, b.b, b.n);
    a.n += b.n;
    return a;
}

static struct der_text field(uint8_t n, struct der_text t) {
    return wrapped((uint8_t)(0xa0 | n), t);
}

static struct der_text sequence(struct der_text t) {
    return wrapped(0x30, t);
}

/* PrincipalName */
static struct der_text principal(const char *first, const char *second) {
    struct der_text strings = join(string(first), second ? string(second) : (struct der_text){.n = 0});
    return sequence(join(field(0, number(2)), field(1, sequence(strings))));
}

/* EncryptedData; version 0: none */
static struct der_text encrypted(uint8_t type, uint8_t version) {
    struct der_text t = field(0, number(type));
    if (version) {
        t = join(t, field(1, number(version)));
    }
    return sequence(join(t, field(2, bytes(0x04, "not to be seen", 14))));
}

static struct der_text head(uint8_t type) {
    return join(field(0, number(5)), field(1, number(type)));
}

static struct der_text ticket_of(struct der_text name) {
    struct der_text t = join(field(0, number(5)), field(1, string("EXAMPLE.COM")));
    t = join(t, field(2, name));
    return wrapped(0x61, sequence(join(t, field(3, encrypted(18, 7)))));
}

static struct der_text ap_req_of(struct der_text ticket) {
    struct der_text t = join(head(14), field(2, bytes(0x03, "\0\x20\0\0\0", 5)));
    t = join(t, field(3, ticket));
    return wrapped(0x6e, sequence(join(t, field(4, encrypted(23, 0)))));
}

static struct der_text ap_req(void) {
    return ap_req_of(ticket_of(principal("cifs", "fs01.example.com")));
}

static struct der_text ap_rep(void) {
    return wrapped(0x6f, sequence(join(head(15), field(2, encrypted(17, 0)))));
}

static struct der_text krb_error(void) {
    struct der_text t = join(head(30), field(4, bytes(0x18, "20261128120000Z", 15)));
    t = join(t, join(field(5, number(1)), field(6, number(37))));
    t = join(t, join(field(7, string("EXAMPLE.COM")), field(8, principal("alice", NULL))));
    t = join(t, join(field(9, string("EXAMPLE.COM")), field(10, principal("FS01$", NULL))));
    return wrapped(0x7e, sequence(join(t, field(11, string("clock")))));
}

/* KERB-ERROR-DATA, MS-KILE 2.2.2; value NULL: none */
static struct der_text error_data(uint8_t type, const void *value, size_t n) {
    struct der_text t = field(1, number(type));
    if (value) {
        t = join(t, field(2, bytes(0x04, value, n)));
    }
    return sequence(t);
}

/* With times and e-data; NULL: no such field. */
static struct der_text error_with(const char *client_time, const char *server_time, const struct der_text *data) {
    static const uint8_t micro[] = {0x0e, 0xb0, 0xe5};
    struct der_text t = head(30);
    if (client_time) {
        t = join(t, join(field(2, bytes(0x18, client_time, strlen(client_time))), field(3, bytes(0x02, micro, 3))));
    }
    if (server_time) {
        t = join(t, field(4, bytes(0x18, server_time, strlen(server_time))));
    }
    t = join(t, join(field(5, bytes(0x02, micro, 3)), field(6, number(37))));
    t = join(t, join(field(9, string("EXAMPLE.COM")), field(10, principal("FS01$", NULL))));
    return wrapped(0x7e, sequence(data ? join(t, field(12, bytes(0x04, data->b, data->n))) : t));
}

static struct der_text framed(const char *id, struct der_text t) {
    return join((struct der_text){.b = {(uint8_t)id[0], (uint8_t)id[1]}, .n = 2}, t);
}

static void assert_text(struct text t, const char *expected) {
    assert_int_equal(t.bytes.n, strlen(expected));
    assert_memory_equal(t.bytes.p, expected, t.bytes.n);
}

static struct dissecting d;

static const struct kerberos_message *dissected(struct der_text t, enum verdict verdict) {
    dissecting_free(&d);
    dissecting_run(&d, &dissector_kerberos, TO_SERVER, t.b, t.n, 0);
    assert_int_equal(d.verdict, verdict);
    assert_int_equal(d.count, 1);
    assert_int_equal(d.pdus[0].kind, PDU_KERBEROS);
    return &d.pdus[0].kerberos;
}

static void test_ap_req(void **state) {
    (void)state;
    const struct kerberos_message *m = dissected(framed("\1\0", ap_req()), V_OK);
    assert_int_equal(m->type, KERBEROS_AP_REQ);
    assert_int_equal(m->options, 0x20000000);
    assert_text(m->realm, "EXAMPLE.COM");
    assert_text(m->service, "cifs/fs01.example.com");
    assert_true(m->ticket.known && m->ticket.has_key_version);
    assert_int_equal(m->ticket.encryption, 18);
    assert_int_equal(m->ticket.key_version, 7);
    assert_true(m->encrypted.known && !m->encrypted.has_key_version);
    assert_int_equal(m->encrypted.encryption, 23);
    m = dissected(ap_req(), V_OK); /* without an identifier */
    assert_text(m->service, "cifs/fs01.example.com");
}

static void test_ap_rep_and_error(void **state) {
    (void)state;
    const struct kerberos_message *m = dissected(framed("\2\0", ap_rep()), V_OK);
    assert_int_equal(m->type, KERBEROS_AP_REP);
    assert_int_equal(m->encrypted.encryption, 17);
    assert_int_equal(m->realm.bytes.n, 0);
    m = dissected(framed("\3\0", krb_error()), V_OK);
    assert_int_equal(m->type, KERBEROS_ERROR);
    assert_true(m->has_error_code);
    assert_int_equal(m->error_code, 37);
    assert_text(m->realm, "EXAMPLE.COM");
    assert_text(m->service, "FS01$");
    assert_text(m->error_text, "clock");
}

static void test_error_times(void **state) {
    (void)state;
    const struct kerberos_message *m = dissected(error_with("20240229235959Z", "20261128213240Z", NULL), V_OK);
    assert_int_equal(m->client_time, UINT64_C(1709251199962789000));
    assert_int_equal(m->server_time, UINT64_C(1795901560962789000));
    m = dissected(error_with("19700101000000Z", "20000301000000Z", NULL), V_OK);
    assert_int_equal(m->client_time, UINT64_C(962789000));
    assert_int_equal(m->server_time, UINT64_C(951868800962789000));
    m = dissected(error_with(NULL, "21000301000000Z", NULL), V_OK); /* 2100 has no leap day */
    assert_int_equal(m->client_time, 0);
    assert_int_equal(m->server_time, UINT64_C(4107542400962789000));
    static const char *const wrong[] = {"20261128213240",  "20261128213240.5Z",
                                        "20261328213240Z", "20260028213240Z",
                                        "20261100213240Z", "20261132213240Z",
                                        "20261128243240Z", "20261128216040Z",
                                        "20261128213261Z", "2026112821324:Z",
                                        "19691231235959Z", "25010101000000Z",
                                        "20261128213240+", ""};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        m = dissected(error_with(NULL, wrong[i], NULL), V_BAD);
        assert_int_equal(m->server_time, 0);
        assert_true(m->has_error_code);
    }
}

static void test_error_data(void **state) {
    (void)state;
    static const uint8_t status[] = {0x6d, 0, 0, 0xc0, 0, 0, 0, 0, 1, 0, 0, 0};
    struct der_text skew = error_data(2, NULL, 0), extended = error_data(3, status, sizeof status);
    const struct kerberos_message *m = dissected(error_with(NULL, "20261128213240Z", &skew), V_OK);
    assert_true(m->skew_recovery && !m->has_error_status);
    m = dissected(error_with(NULL, "20261128213240Z", &extended), V_OK);
    assert_true(!m->skew_recovery && m->has_error_status);
    assert_int_equal(m->error_status, 0xc000006d);
    struct der_text cut = error_data(3, status, sizeof status - 1), none = error_data(3, NULL, 0);
    assert_false(dissected(error_with(NULL, NULL, &cut), V_BAD)->has_error_status);
    assert_false(dissected(error_with(NULL, NULL, &none), V_BAD)->has_error_status);
    /* of other senders: METHOD-DATA (RFC 4120 5.9.1), another type, no DER, nothing */
    struct der_text others[] = {
        sequence(sequence(field(1, number(2)))), error_data(4, status, 12), {.b = {1, 2, 3}, .n = 3}, {.n = 0}};
    for (size_t i = 0; i < sizeof others / sizeof *others; i++) {
        m = dissected(error_with(NULL, NULL, &others[i]), V_OK);
        assert_true(!m->skew_recovery && !m->has_error_status && m->has_error_code);
    }
}

static void test_not_ours(void **state) {
    (void)state;
    static const struct der_text tokens[] = {
        {.n = 0}, {.b = {1}, .n = 1}, {.b = {1, 0}, .n = 2}, {.b = {4, 0, 0x6e, 0}, .n = 4}, {.b = {0x62, 0}, .n = 2}};
    for (size_t i = 0; i < sizeof tokens / sizeof *tokens; i++) {
        dissecting_free(&d);
        dissecting_run(&d, &dissector_kerberos, TO_SERVER, tokens[i].b, tokens[i].n, 0);
        assert_int_equal(d.verdict, V_NOT_MINE);
        assert_int_equal(d.count, 0);
    }
    struct der_text t = framed("\2\0", ap_req()); /* announced as something else */
    dissecting_free(&d);
    dissecting_run(&d, &dissector_kerberos, TO_SERVER, t.b, t.n, 0);
    assert_int_equal(d.verdict, V_NOT_MINE);
}

/* What is wrong is a verdict, and what was read before it stands. */
static void test_contradictions(void **state) {
    (void)state;
    struct der_text wrong = ap_req(), name = sequence(field(0, number(2)));
    wrong.b[0] = 0x6f; /* the tag of an AP-REP */
    assert_false(dissected(wrong, V_BAD)->encrypted.known);
    const struct kerberos_message *m = dissected(ap_req_of(ticket_of(name)), V_BAD); /* a name without strings */
    assert_text(m->realm, "EXAMPLE.COM");
    assert_int_equal(m->service.bytes.n, 0);
    m = dissected(ap_req_of(number(5)), V_BAD); /* no ticket */
    assert_int_equal(m->realm.bytes.n, 0);
    assert_false(m->ticket.known);
    struct der_text no_code = wrapped(0x7e, sequence(join(head(30), field(9, string("EXAMPLE.COM")))));
    assert_false(dissected(no_code, V_BAD)->has_error_code);
    struct der_text no_string = principal("cifs", NULL);
    no_string.b[no_string.n - 6] = 0x04;
    assert_int_equal(dissected(ap_req_of(ticket_of(no_string)), V_BAD)->service.bytes.n, 0);
}

static void check_cut(const struct dissecting *cut, size_t n) {
    assert_int_equal(cut->verdict, n < 3 ? V_NOT_MINE : V_SHORT);
    assert_int_equal(cut->count, 0);
}

static void test_truncations(void **state) {
    (void)state;
    static const uint8_t status[12] = {0x6d, 0, 0, 0xc0};
    struct der_text data = error_data(3, status, sizeof status);
    struct der_text all[] = {framed("\1\0", ap_req()), framed("\2\0", ap_rep()), framed("\3\0", krb_error()),
                             framed("\3\0", error_with("20240229235959Z", "20261128213240Z", &data))};
    for (unsigned i = 0; i < sizeof all / sizeof *all; i++) {
        dissecting_truncations(&dissector_kerberos, TO_SERVER, all[i].b, all[i].n, check_cut);
    }
}

/* Every byte changed to every value: no read outside (the sanitizer's part), and an end. */
static void test_every_byte(void **state) {
    (void)state;
    static const uint8_t status[12] = {0x6d, 0, 0, 0xc0};
    struct der_text data = error_data(3, status, sizeof status);
    struct der_text all[] = {ap_req(), krb_error(), error_with("20240229235959Z", "20261128213240Z", &data)};
    for (unsigned k = 0; k < sizeof all / sizeof *all; k++) {
        for (size_t i = 0; i < all[k].n; i++) {
            for (unsigned v = 0; v < 256; v++) {
                struct der_text t = all[k];
                t.b[i] = (uint8_t)v;
                dissecting_free(&d);
                dissecting_run(&d, &dissector_kerberos, TO_SERVER, t.b, t.n, 0);
                assert_true(d.count <= 1);
            }
        }
    }
}

/* Little memory: the name is left out, and nothing else is. */
static void test_little_memory(void **state) {
    (void)state;
    struct der_text t = ap_req();
    struct dissecting seen = {.count = 0};
    unsigned char memory[8];
    struct arena arena = {memory, sizeof memory, 0, false};
    struct dissection dissection = {.mem = &arena, .dir = TO_SERVER, .deliver = dissecting_deliver, .arg = &seen};
    assert_int_equal(dissector_kerberos.dissect(&dissection, (struct view){t.b, t.n}), V_LIMIT);
    assert_int_equal(seen.pdus[0].kerberos.service.bytes.n, 0);
    assert_text(seen.pdus[0].kerberos.realm, "EXAMPLE.COM");
    assert_true(seen.pdus[0].kerberos.encrypted.known);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_ap_req),        cmocka_unit_test(test_ap_rep_and_error),
        cmocka_unit_test(test_error_times),   cmocka_unit_test(test_error_data),
        cmocka_unit_test(test_not_ours),      cmocka_unit_test(test_contradictions),
        cmocka_unit_test(test_truncations),   cmocka_unit_test(test_every_byte),
        cmocka_unit_test(test_little_memory),
    };
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    dissecting_free(&d);
    return failed;
}
