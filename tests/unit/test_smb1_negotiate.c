/* NEGOTIATE, MS-CIFS 2.2.4.52 and MS-SMB 2.2.4.5. */
#include <setjmp.h>
#include <stdarg.h>

#include "smb1_wire.h"

#include <cmocka.h>

static const char *const dialect_names[] = {"PC NETWORK PROGRAM 1.0", "NT LM 0.12", "SMB 2.002", "SMB 2.???"};

enum { DIALECTS = sizeof dialect_names / sizeof *dialect_names, BYTE_COUNT = SMB1_HEADER_SIZE + 1 };

static struct octets request(void) {
    struct octets o;
    smb1_request(&o, SMB1_NEGOTIATE, TEST_UNICODE);
    put8(&o, 0);
    size_t at = open_bytes(&o);
    for (unsigned i = 0; i < DIALECTS; i++) {
        put8(&o, 2);
        put_oem(&o, dialect_names[i]);
    }
    close_bytes(&o, at);
    return o;
}

static void dialects(void **state) {
    (void)state;
    struct octets o = request();
    smb1_truncate_all(&o, o.n);
    const struct smb1_outcome *out = dissect_smb1(octets_view(&o), 0);
    const struct text_list *list = &out->pdus[0].smb1.negotiate_request.dialects;
    assert_int_equal(out->verdict, V_OK);
    assert_int_equal(list->count, DIALECTS);
    for (unsigned i = 0; i < DIALECTS; i++) {
        assert_true(text_says(list->items[i], ENC_ASCII, dialect_names[i]));
    }
}

static void expect(const struct octets *o, enum verdict verdict, unsigned count) {
    assert_int_equal(smb1_as(o, verdict).negotiate_request.dialects.count, count);
}

static void dialects_that_lie(void **state) {
    (void)state;
    struct octets o = request();
    set_le(&o, BYTE_COUNT, 2, 0xFFFF); /* more bytes than there are: the dialects that are there stand */
    expect(&o, V_BAD, DIALECTS);
    o = request();
    o.b[BYTE_COUNT]--; /* the last one has no end */
    expect(&o, V_BAD, DIALECTS - 1);
    o = request();
    o.b[BYTE_COUNT + 2] = 1; /* no dialect's format */
    expect(&o, V_BAD, 0);
    o = request();
    set_le(&o, BYTE_COUNT, 2, 0);
    expect(&o, V_BAD, 0);
    o = request();
    o.b[SMB1_HEADER_SIZE] = 0xFF; /* words up to far behind the end */
    expect(&o, V_BAD, 0);
}

static void drop(void *arg, const struct pdu *pdu) {
    *(struct pdu *)arg = *pdu;
}

static void dialects_do_not_fit_the_arena(void **state) {
    (void)state;
    struct octets o = request();
    uint8_t small[64];
    struct arena arena = {small, sizeof small, 0, false};
    struct pdu pdu = {.kind = PDU_SMB2};
    struct dissection d = {.mem = &arena, .wire_length = (uint32_t)o.n, .deliver = drop, .arg = &pdu};
    assert_int_equal(dissector_smb1.dissect(&d, octets_view(&o)), V_LIMIT);
    assert_int_equal(pdu.kind, PDU_SMB1);
    assert_int_equal(pdu.verdict, V_LIMIT);
    assert_int_equal(pdu.smb1.header.command, SMB1_NEGOTIATE);
}

static void index_alone(void **state) {
    (void)state;
    struct octets o;
    smb1_response(&o, SMB1_NEGOTIATE, TEST_OEM, 0);
    put8(&o, 1);
    put16(&o, SMB1_ID_NONE);
    put16(&o, 0);
    struct smb1_negotiate_response r = smb1_whole(&o).negotiate_response;
    assert_true(r.has_dialect_index);
    assert_int_equal(r.dialect_index, SMB1_ID_NONE);
    assert_false(r.lan_manager || r.nt_lan_manager || r.extended_security);
}

static void lan_manager(void **state) {
    (void)state;
    struct octets o;
    smb1_response(&o, SMB1_NEGOTIATE, TEST_OEM, 0);
    put8(&o, 13);
    put16(&o, 2);          /* DialectIndex */
    put16(&o, 3);          /* SecurityMode */
    put16(&o, 4096);       /* MaxBufferSize */
    put16(&o, 50);         /* MaxMpxCount */
    put16(&o, 1);          /* MaxNumberVcs */
    put16(&o, 3);          /* RawMode */
    put32(&o, 0x12345678); /* SessionKey */
    put16(&o, 0x6C20);     /* time */
    put16(&o, 0x5A21);     /* date */
    put16(&o, (uint16_t)-60);
    put16(&o, 8); /* ChallengeLength */
    put16(&o, 0);
    size_t at = open_bytes(&o);
    put_series(&o, 1, 8);
    put_oem(&o, "EXAMPLE");
    close_bytes(&o, at);
    struct smb1_negotiate_response r = smb1_whole(&o).negotiate_response;
    assert_true(r.lan_manager);
    assert_int_equal(r.dialect_index, 2);
    assert_int_equal(r.security_mode, 3);
    assert_int_equal(r.max_buffer_size, 4096);
    assert_int_equal(r.max_mpx_count, 50);
    assert_int_equal(r.max_number_vcs, 1);
    assert_int_equal(r.raw_mode, 3);
    assert_int_equal(r.session_key, 0x12345678);
    assert_int_equal(r.server_time.time, 0x6C20);
    assert_int_equal(r.server_time.date, 0x5A21);
    assert_int_equal(r.server_time_zone, -60);
    assert_int_equal(r.challenge_length, 8);
    assert_true(smb1_says(r.domain_name, TEST_OEM, "EXAMPLE"));
}

static void put_nt_words(struct octets *o, uint16_t flags2, uint32_t capabilities, uint8_t challenge) {
    smb1_response(o, SMB1_NEGOTIATE, flags2, 0);
    put8(o, 17);
    put16(o, 5);
    put8(o, NEGOTIATE_USER_SECURITY | NEGOTIATE_ENCRYPT_PASSWORDS);
    put16(o, 50);
    put16(o, 1);
    put32(o, 16644);
    put32(o, 65536);
    put32(o, 0xCAFE);
    put32(o, capabilities);
    put64(o, UINT64_C(0x01D0000000000001));
    put16(o, 480);
    put8(o, challenge);
}

/* flags2: of the header; in_unicode: the names, whatever that says. */
static void nt_lan_manager_in(uint16_t flags2, bool in_unicode) {
    struct octets o;
    put_nt_words(&o, flags2, CAP_UNICODE | CAP_NT_SMBS, 8);
    size_t at = open_bytes(&o);
    put_series(&o, 1, 8);
    if (in_unicode) { /* not aligned */
        put_utf16(&o, "EXAMPLE");
        put16(&o, 0);
        put_utf16(&o, "FS01");
        put16(&o, 0);
    } else {
        put_oem(&o, "EXAMPLE");
        put_oem(&o, "FS01");
    }
    close_bytes(&o, at);
    struct smb1_negotiate_response r = smb1_whole(&o).negotiate_response;
    assert_true(r.nt_lan_manager);
    assert_false(r.extended_security);
    assert_int_equal(r.dialect_index, 5);
    assert_int_equal(r.security_mode, NEGOTIATE_USER_SECURITY | NEGOTIATE_ENCRYPT_PASSWORDS);
    assert_int_equal(r.max_mpx_count, 50);
    assert_int_equal(r.max_number_vcs, 1);
    assert_int_equal(r.max_buffer_size, 16644);
    assert_int_equal(r.max_raw_size, 65536);
    assert_int_equal(r.session_key, 0xCAFE);
    assert_int_equal(r.capabilities, CAP_UNICODE | CAP_NT_SMBS);
    assert_true(r.system_time == UINT64_C(0x01D0000000000001));
    assert_int_equal(r.server_time_zone, 480);
    assert_int_equal(r.challenge_length, 8);
    assert_true(smb1_says(r.domain_name, in_unicode ? TEST_UNICODE : TEST_OEM, "EXAMPLE"));
    assert_true(smb1_says(r.server_name, in_unicode ? TEST_UNICODE : TEST_OEM, "FS01"));
}

static void nt_lan_manager(void **state) {
    (void)state;
    nt_lan_manager_in(TEST_OEM, false);
    nt_lan_manager_in(TEST_OEM, true);
    nt_lan_manager_in(TEST_UNICODE, true);
}

static void extended_security(void **state) {
    (void)state;
    struct octets o;
    put_nt_words(&o, TEST_UNICODE, CAP_EXTENDED_SECURITY, 0);
    size_t at = open_bytes(&o);
    put_series(&o, 0x40, 16);
    put_bytes(&o, "NTLMSSP\0\1\0\0\0\0\0\0\0", 16);
    put_zeros(&o, 16);
    close_bytes(&o, at);
    const struct smb1_outcome *out = dissect_smb1(octets_view(&o), 0);
    assert_int_equal(out->count, 1);
    assert_true(out->others > 0); /* what was in the blob */
    const struct smb1_negotiate_response *r = &out->pdus[0].smb1.negotiate_response;
    assert_true(r->extended_security);
    assert_int_equal(r->server_guid.bytes[15], 0x4F);
    assert_int_equal(r->security_blob.n, 32);
    o.n = at + 15; /* a GUID that ends early */
    close_bytes(&o, at);
    (void)smb1_as(&o, V_BAD);
}

static void response_lies(void **state) {
    (void)state;
    struct octets o;
    smb1_response(&o, SMB1_NEGOTIATE, TEST_OEM, 0); /* no words, and yet no error */
    put8(&o, 0);
    put16(&o, 0);
    assert_false(smb1_as(&o, V_BAD).negotiate_response.has_dialect_index);
    smb1_response(&o, SMB1_NEGOTIATE, TEST_OEM, 0); /* none of the forms */
    put8(&o, 2);
    put32(&o, 7);
    put16(&o, 0);
    assert_int_equal(smb1_as(&o, V_BAD).negotiate_response.dialect_index, 7);
    put_nt_words(&o, TEST_OEM, 0, 8); /* a challenge behind the end */
    put16(&o, 4);
    put_zeros(&o, 4);
    assert_true(smb1_as(&o, V_BAD).negotiate_response.nt_lan_manager);
    smb1_response(&o, SMB1_NEGOTIATE, TEST_OEM, STATUS_NOT_IMPLEMENTED);
    put8(&o, 0);
    put16(&o, 0);
    struct smb1_message m = smb1_whole(&o);
    assert_true(m.is_error);
    assert_false(m.negotiate_response.has_dialect_index);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(dialects),
        cmocka_unit_test(dialects_that_lie),
        cmocka_unit_test(dialects_do_not_fit_the_arena),
        cmocka_unit_test(index_alone),
        cmocka_unit_test(lan_manager),
        cmocka_unit_test(nt_lan_manager),
        cmocka_unit_test(extended_security),
        cmocka_unit_test(response_lies),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
