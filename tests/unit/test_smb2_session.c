/* SESSION_SETUP, MS-SMB2 2.2.5 and 2.2.6. */
#include <setjmp.h>
#include <stdarg.h>

#include "truncate.h"

#include <cmocka.h>

/* NTLMSSP NEGOTIATE (MS-NLMP 2.2.1.1) in a NegTokenInit of SPNEGO (RFC 4178 4.2.1). */
static const uint8_t token[] = {
    0x60, 0x40, 0x06, 0x06, 0x2B, 0x06, 0x01, 0x05, 0x05, 0x02, 0xA0, 0x36, 0x30, 0x34, 0xA0, 0x0E, 0x30,
    0x0C, 0x06, 0x0A, 0x2B, 0x06, 0x01, 0x04, 0x01, 0x82, 0x37, 0x02, 0x02, 0x0A, 0xA2, 0x22, 0x04, 0x20,
    'N',  'T',  'L',  'M',  'S',  'S',  'P',  0,    1,    0,    0,    0,    0x97, 0x82, 0x08, 0xE2, 0,
    0,    0,    0,    0,    0,    0,    0,    0,    0,    0,    0,    0,    0,    0,    0,
};

static void request_of(struct octets *o, uint16_t offset, uint16_t length) {
    smb2_request(o, SMB2_SESSION_SETUP);
    put16(o, 25);
    put8(o, SMB2_SESSION_FLAG_BINDING);
    put8(o, SMB2_NEGOTIATE_SIGNING_ENABLED);
    put32(o, SMB2_GLOBAL_CAP_DFS);
    put32(o, 0);
    put16(o, offset);
    put16(o, length);
    put64(o, UINT64_C(0x0000040000000099));
    put_bytes(o, token, sizeof token);
}

static void request(void **state) {
    (void)state;
    struct octets o;
    request_of(&o, 88, sizeof token);
    struct smb2_session_setup_request r = dissect_good(&o).session_setup_request;
    assert_int_equal(r.flags, SMB2_SESSION_FLAG_BINDING);
    assert_int_equal(r.security_mode, SMB2_NEGOTIATE_SIGNING_ENABLED);
    assert_int_equal(r.capabilities, SMB2_GLOBAL_CAP_DFS);
    assert_int_equal(r.previous_session_id, UINT64_C(0x0000040000000099));
    assert_int_equal(r.token.n, sizeof token);
    assert_memory_equal(r.token.p, token, sizeof token);
    truncate_all(&o, o.n);
}

static void the_token_is_delivered_first(void **state) {
    (void)state;
    struct octets o;
    request_of(&o, 88, sizeof token);
    struct outcome out = dissect_smb2(octets_view(&o), 0);
    assert_int_equal(out.others, 2); /* the helper asserts that it came before */
    assert_int_equal(out.smb2, 1);
}

static void a_token_that_is_not_all_there_is_not_looked_at(void **state) {
    (void)state;
    struct octets o;
    request_of(&o, 88, sizeof token);
    struct outcome out = dissect_smb2(view_part(octets_view(&o), 0, o.n - 1), (uint32_t)o.n);
    assert_int_equal(out.verdict, V_SHORT);
    assert_int_equal(out.others, 0);
    assert_int_equal(out.pdu.smb2.session_setup_request.token.n, 0);
    assert_int_equal(out.pdu.smb2.session_setup_request.previous_session_id, UINT64_C(0x0000040000000099));
}

static void offsets_that_lie(void **state) {
    (void)state;
    static const struct {
        uint16_t offset, length;
    } lies[] = {{0, 10}, {87, 10}, {89, sizeof token}, {88, sizeof token + 1}, {0xFFFF, 0xFFFF}};
    struct octets o;
    for (unsigned i = 0; i < sizeof lies / sizeof *lies; i++) {
        request_of(&o, lies[i].offset, lies[i].length);
        struct smb2_session_setup_request r = dissect_as(&o, V_BAD).session_setup_request;
        assert_int_equal(r.token.n, 0);
        assert_int_equal(r.flags, SMB2_SESSION_FLAG_BINDING);
    }
}

static void response_of(struct octets *o, uint32_t status, uint16_t offset, uint16_t length) {
    smb2_response(o, SMB2_SESSION_SETUP, status);
    put16(o, 9);
    put16(o, SMB2_SESSION_FLAG_IS_GUEST);
    put16(o, offset);
    put16(o, length);
    put_series(o, 1, 20);
}

static void response(void **state) {
    (void)state;
    struct octets o;
    response_of(&o, STATUS_MORE_PROCESSING_REQUIRED, 72, 20);
    struct smb2_message m = dissect_good(&o);
    assert_false(m.is_error);
    assert_int_equal(m.session_setup_response.session_flags, SMB2_SESSION_FLAG_IS_GUEST);
    assert_true(view_is_series(m.session_setup_response.token, 1, 20));
    truncate_all(&o, o.n);
    response_of(&o, STATUS_SUCCESS, 0, 0);
    assert_int_equal(dissect_good(&o).session_setup_response.token.n, 0);
    response_of(&o, STATUS_SUCCESS, 72, 21);
    assert_int_equal(dissect_as(&o, V_BAD).session_setup_response.token.n, 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(request),
        cmocka_unit_test(the_token_is_delivered_first),
        cmocka_unit_test(a_token_that_is_not_all_there_is_not_looked_at),
        cmocka_unit_test(offsets_that_lie),
        cmocka_unit_test(response),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
