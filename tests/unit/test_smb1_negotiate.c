/* SMB1: the header of every message, and NEGOTIATE both ways. */
#include "dissector.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "dissecting.h"

struct message {
    uint8_t b[512];
    size_t n;
};

static void put(struct message *m, uint64_t v, unsigned bytes) {
    for (unsigned i = 0; i < bytes; i++) {
        m->b[m->n++] = (uint8_t)(v >> 8 * i);
    }
}

/* MS-CIFS 2.2.3.1 */
static struct message header(uint8_t command, uint8_t flags, uint32_t status) {
    struct message m = {.n = 4};
    memcpy(m.b, "\xffSMB", 4);
    put(&m, command, 1);
    put(&m, status, 4);
    put(&m, flags, 1);
    put(&m, 0xc853, 2);
    put(&m, 0x0102, 2); /* PIDHigh */
    put(&m, 0x1122334455667788, 8);
    put(&m, 0, 2);
    put(&m, 0x0a0b, 2);
    put(&m, 0x0304, 2);
    put(&m, 0x0c0d, 2);
    put(&m, 0x0e0f, 2);
    assert_int_equal(m.n, SMB1_HEADER_SIZE);
    return m;
}

static const char dialect_bytes[] = "\2PC NETWORK PROGRAM 1.0\0\2NT LM 0.12\0\2SMB 2.002\0\2SMB 2.???";
static const char *const dialect_names[] = {"PC NETWORK PROGRAM 1.0", "NT LM 0.12", "SMB 2.002", "SMB 2.???"};

static struct message request(void) {
    struct message m = header(SMB1_NEGOTIATE, 0x18, 0);
    put(&m, 0, 1);
    put(&m, sizeof dialect_bytes, 2);
    memcpy(m.b + m.n, dialect_bytes, sizeof dialect_bytes);
    m.n += sizeof dialect_bytes;
    return m;
}

static void run(struct dissecting *d, const struct message *m) {
    dissecting_run(d, &dissector_smb1, TO_SERVER, m->b, m->n, 0);
}

static void test_header(void **state) {
    (void)state;
    struct message m = header(0x25, 0x98, 0xc0000022);
    struct dissecting d;
    run(&d, &m);
    assert_int_equal(d.verdict, V_OK);
    assert_int_equal(d.count, 1);
    assert_int_equal(d.pdus[0].kind, PDU_SMB1);
    const struct smb1_message *s = &d.pdus[0].smb1;
    assert_int_equal(s->header.command, 0x25);
    assert_int_equal(s->header.status, 0xc0000022);
    assert_int_equal(s->header.flags, 0x98);
    assert_int_equal(s->header.flags2, 0xc853);
    assert_int_equal(s->header.process_id, 0x01020304);
    assert_int_equal(s->header.tree_id, 0x0a0b);
    assert_int_equal(s->header.user_id, 0x0c0d);
    assert_int_equal(s->header.message_id, 0x0e0f);
    assert_true(s->response);
    dissecting_free(&d);
}

static void test_request(void **state) {
    (void)state;
    struct message m = request();
    struct dissecting d;
    run(&d, &m);
    assert_int_equal(d.verdict, V_OK);
    const struct smb1_message *s = &d.pdus[0].smb1;
    assert_false(s->response);
    assert_int_equal(s->negotiate_request.dialects.count, 4);
    for (unsigned i = 0; i < 4; i++) {
        assert_int_equal(s->negotiate_request.dialects.items[i].encoding, ENC_ASCII);
        assert_int_equal(s->negotiate_request.dialects.items[i].bytes.n, strlen(dialect_names[i]));
        assert_memory_equal(s->negotiate_request.dialects.items[i].bytes.p, dialect_names[i], strlen(dialect_names[i]));
    }
    dissecting_free(&d);
}

static void expect(const struct message *m, enum verdict verdict, unsigned dialects) {
    struct dissecting d;
    run(&d, m);
    assert_int_equal(d.verdict, verdict);
    assert_int_equal(d.count, 1);
    assert_int_equal(d.pdus[0].verdict, verdict);
    assert_int_equal(d.pdus[0].smb1.negotiate_request.dialects.count, dialects);
    dissecting_free(&d);
}

static void test_request_lies(void **state) {
    (void)state;
    struct message m = request();
    m.b[33] = 0xff; /* more bytes than there are: the dialects that are there stand */
    m.b[34] = 0xff;
    expect(&m, V_SHORT, 4);
    m = request();
    m.b[33]--; /* the last one has no end */
    expect(&m, V_BAD, 3);
    m = request();
    m.b[35] = 1; /* no dialect's format */
    expect(&m, V_BAD, 0);
    m = request();
    m.b[33] = m.b[34] = 0;
    expect(&m, V_BAD, 0);
    m = request();
    m.b[32] = 0xff; /* words up to far behind the end */
    expect(&m, V_SHORT, 0);
}

static void test_dialects_do_not_fit_the_arena(void **state) {
    (void)state;
    struct message m = request();
    uint8_t small[64];
    struct arena arena = {small, sizeof small, 0, false};
    struct dissecting d = {.count = 0};
    struct dissection dissection = {
        .mem = &arena, .wire_length = (uint32_t)m.n, .deliver = dissecting_deliver, .arg = &d};
    assert_int_equal(dissector_smb1.dissect(&dissection, (struct view){m.b, m.n}), V_LIMIT);
    assert_int_equal(d.count, 1);
    assert_int_equal(d.pdus[0].smb1.header.command, SMB1_NEGOTIATE);
}

static void check_cut(const struct dissecting *d, size_t n) {
    assert_int_equal(d->count, n >= SMB1_HEADER_SIZE);
    assert_int_equal(d->verdict, n < 4 ? V_NOT_MINE : V_SHORT);
}

static void check_response_cut(const struct dissecting *d, size_t n) {
    assert_int_equal(d->count, n >= SMB1_HEADER_SIZE);
    if (n >= SMB1_HEADER_SIZE) {
        bool whole = n >= SMB1_HEADER_SIZE + 1 + 34;
        assert_int_equal(d->verdict, whole ? V_OK : V_SHORT);
        assert_int_equal(d->pdus[0].smb1.negotiate_response.has_dialect_index, whole);
    }
}

static struct message response(uint8_t words, uint16_t index, uint32_t status) {
    struct message m = header(SMB1_NEGOTIATE, 0x98, status);
    put(&m, words, 1);
    if (words) {
        put(&m, index, 2);
        for (unsigned i = 2; i < 2U * words; i++) {
            put(&m, 0x55, 1);
        }
    }
    put(&m, 0, 2);
    return m;
}

static void test_truncations(void **state) {
    (void)state;
    struct message m = request();
    dissecting_truncations(&dissector_smb1, TO_SERVER, m.b, m.n, check_cut);
    m = response(17, 1, 0);
    dissecting_truncations(&dissector_smb1, TO_CLIENT, m.b, m.n, check_response_cut);
}

static void test_response(void **state) {
    (void)state;
    static const uint8_t words[] = {1, 13, 17};
    struct dissecting d;
    for (unsigned i = 0; i < sizeof words; i++) {
        struct message m = response(words[i], 0xffff, 0);
        run(&d, &m);
        assert_int_equal(d.verdict, V_OK);
        assert_true(d.pdus[0].smb1.negotiate_response.has_dialect_index);
        assert_int_equal(d.pdus[0].smb1.negotiate_response.dialect_index, 0xffff);
        dissecting_free(&d);
    }
    struct message failed = response(0, 0, 0xc0000002);
    run(&d, &failed);
    assert_int_equal(d.verdict, V_OK);
    assert_false(d.pdus[0].smb1.negotiate_response.has_dialect_index);
    dissecting_free(&d);
    struct message empty = response(0, 0, 0);
    run(&d, &empty);
    assert_int_equal(d.verdict, V_BAD);
    dissecting_free(&d);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_header),       cmocka_unit_test(test_request),
        cmocka_unit_test(test_request_lies), cmocka_unit_test(test_dialects_do_not_fit_the_arena),
        cmocka_unit_test(test_truncations),  cmocka_unit_test(test_response),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
