/* SESSION_SETUP_ANDX, TREE_CONNECT, TREE_CONNECT_ANDX, and the ends of both: MS-CIFS 2.2.4.50 to 2.2.4.55, MS-SMB 2.2.4.6 and 2.2.4.7. */
#include <setjmp.h>
#include <stdarg.h>

#include "smb1_wire.h"

#include <cmocka.h>

static void put_setup(struct octets *o, uint8_t words, uint16_t flags2) {
    smb1_request(o, SMB1_SESSION_SETUP_ANDX, flags2);
    put8(o, words);
    put_andx_end(o);
    put16(o, 4356);
    put16(o, 10);
    put16(o, 1);
    put32(o, 0xCAFE);
}

static void put_account(struct octets *o, uint16_t flags2) {
    put_string(o, flags2, "alice");
    put_string(o, flags2, "EXAMPLE");
    put_string(o, flags2, "Unix");
    put_string(o, flags2, "Samba");
}

static void check_account(const struct smb1_session_setup_request *r, uint16_t flags2) {
    assert_int_equal(r->max_buffer_size, 4356);
    assert_int_equal(r->max_mpx_count, 10);
    assert_int_equal(r->vc_number, 1);
    assert_int_equal(r->session_key, 0xCAFE);
    assert_true(smb1_says(r->account_name, flags2, "alice"));
    assert_true(smb1_says(r->primary_domain, flags2, "EXAMPLE"));
    assert_true(smb1_says(r->native_os, flags2, "Unix"));
    assert_true(smb1_says(r->native_lan_man, flags2, "Samba"));
}

static void setup_lan_manager(void **state) {
    (void)state;
    struct octets o;
    put_setup(&o, 10, TEST_OEM);
    put16(&o, 6);
    put32(&o, 0);
    size_t at = open_bytes(&o);
    put_bytes(&o, "secret", 6);
    put_account(&o, TEST_OEM);
    close_bytes(&o, at);
    struct smb1_session_setup_request r = smb1_whole(&o).session_setup_request;
    assert_int_equal(r.word_count, 10);
    assert_true(r.oem_password.present);
    assert_int_equal(r.oem_password.length, 6);
    assert_false(r.unicode_password.present);
    assert_int_equal(r.responses, 0); /* a password, no response */
    check_account(&r, TEST_OEM);
}

static void setup_nt_in(uint16_t flags2) {
    struct octets o;
    put_setup(&o, 13, flags2);
    put16(&o, 1); /* a password of one zero: none */
    put16(&o, 24);
    put32(&o, 0);
    put32(&o, CAP_UNICODE | CAP_LARGE_FILES);
    size_t at = open_bytes(&o);
    put8(&o, 0);
    put_series(&o, 1, 24);
    put_account(&o, flags2);
    close_bytes(&o, at);
    struct smb1_session_setup_request r = smb1_whole(&o).session_setup_request;
    assert_int_equal(r.word_count, 13);
    assert_false(r.oem_password.present);
    assert_int_equal(r.oem_password.length, 1);
    assert_true(r.unicode_password.present);
    assert_int_equal(r.unicode_password.length, 24);
    assert_int_equal(r.responses, NTLM_RESPONSE_NTLM);
    assert_int_equal(r.capabilities, CAP_UNICODE | CAP_LARGE_FILES);
    check_account(&r, flags2);
}

static void setup_nt(void **state) {
    (void)state;
    setup_nt_in(TEST_OEM);
    setup_nt_in(TEST_UNICODE);
}

/* A blob that is none of SPNEGO: the names behind it are there all the same. */
static void setup_extended(void **state) {
    (void)state;
    struct octets o;
    put_setup(&o, 12, TEST_UNICODE);
    put16(&o, 33);
    put32(&o, 0);
    put32(&o, CAP_EXTENDED_SECURITY);
    size_t at = open_bytes(&o);
    put_bytes(&o, "NTLMSSP\0\1\0\0\0\0\0\0\0", 16);
    put_zeros(&o, 17);
    put_string(&o, TEST_UNICODE, "Windows 5.1");
    put_string(&o, TEST_UNICODE, "LAN Manager");
    close_bytes(&o, at);
    const struct smb1_outcome *out = dissect_smb1(octets_view(&o), 0);
    assert_int_equal(out->verdict, V_OK);
    assert_true(out->others > 0);
    const struct smb1_session_setup_request *r = &out->pdus[0].smb1.session_setup_request;
    assert_int_equal(r->security_blob.n, 33);
    assert_true(smb1_says(r->native_os, TEST_UNICODE, "Windows 5.1"));
    assert_true(smb1_says(r->native_lan_man, TEST_UNICODE, "LAN Manager"));
    smb1_truncate_all(&o, o.n);
}

static void setup_lies(void **state) {
    (void)state;
    struct octets o;
    put_setup(&o, 13, TEST_OEM);
    put16(&o, 500); /* passwords behind the end */
    put16(&o, 500);
    put_zeros(&o, 8);
    put16(&o, 4);
    put_bytes(&o, "abc", 4);
    assert_int_equal(smb1_as(&o, V_BAD).session_setup_request.session_key, 0xCAFE);
    put_setup(&o, 11, TEST_OEM); /* none of the forms */
    put_zeros(&o, 8);
    put16(&o, 0);
    assert_int_equal(smb1_as(&o, V_BAD).session_setup_request.max_buffer_size, 4356);
}

static void setup_responses(void **state) {
    (void)state;
    struct octets o;
    smb1_response(&o, SMB1_SESSION_SETUP_ANDX, TEST_OEM, 0);
    put8(&o, 3);
    put_andx_end(&o);
    put16(&o, SMB_SETUP_GUEST);
    size_t at = open_bytes(&o);
    put_oem(&o, "Unix");
    put_oem(&o, "Samba");
    put_oem(&o, "EXAMPLE");
    close_bytes(&o, at);
    struct smb1_session_setup_response r = smb1_whole(&o).session_setup_response;
    assert_int_equal(r.action, SMB_SETUP_GUEST);
    assert_false(r.extended_security);
    assert_true(smb1_says(r.native_os, TEST_OEM, "Unix"));
    assert_true(smb1_says(r.native_lan_man, TEST_OEM, "Samba"));
    assert_true(smb1_says(r.primary_domain, TEST_OEM, "EXAMPLE"));
}

static void setup_response_extended(void **state) {
    (void)state;
    struct octets o;
    smb1_response(&o, SMB1_SESSION_SETUP_ANDX, TEST_UNICODE, STATUS_MORE_PROCESSING_REQUIRED);
    put8(&o, 4);
    put_andx_end(&o);
    put16(&o, 0);
    put16(&o, 0);
    size_t at = open_bytes(&o);
    put_string(&o, TEST_UNICODE, "Windows 5.1");
    put_string(&o, TEST_UNICODE, "LAN Manager");
    close_bytes(&o, at);
    struct smb1_message m = smb1_good(&o);
    assert_false(m.is_error);
    assert_true(m.session_setup_response.extended_security);
    assert_int_equal(m.session_setup_response.primary_domain.bytes.n, 0);
    assert_true(smb1_says(m.session_setup_response.native_os, TEST_UNICODE, "Windows 5.1"));
    smb1_truncate_all(&o, o.n);
}

static void tree_connect(void **state) {
    (void)state;
    struct octets o;
    smb1_request(&o, SMB1_TREE_CONNECT, TEST_OEM);
    put8(&o, 0);
    size_t at = open_bytes(&o);
    put_path(&o, TEST_OEM, "\\\\FS01\\DATA");
    put_path(&o, TEST_OEM, "pw");
    put_path(&o, TEST_OEM, "A:");
    close_bytes(&o, at);
    struct smb1_tree_connect_request r = smb1_whole(&o).tree_connect_request;
    assert_true(smb1_says(r.path, TEST_OEM, "\\\\FS01\\DATA"));
    assert_true(smb1_says(r.service, TEST_OEM, "A:"));
    assert_true(r.password.present);
    assert_int_equal(r.password.length, 2);
    smb1_response(&o, SMB1_TREE_CONNECT, TEST_OEM, 0);
    put8(&o, 2);
    put16(&o, 8192);
    put16(&o, 77);
    put16(&o, 0);
    struct smb1_tree_connect_response a = smb1_whole(&o).tree_connect_response;
    assert_true(a.has_tree_id);
    assert_int_equal(a.tree_id, 77);
    assert_int_equal(a.max_buffer_size, 8192);
}

static void tree_connect_andx_in(uint16_t flags2) {
    struct octets o;
    smb1_request(&o, SMB1_TREE_CONNECT_ANDX, flags2);
    put8(&o, 4);
    put_andx_end(&o);
    put16(&o, TREE_CONNECT_ANDX_EXTENDED_RESPONSE);
    put16(&o, 1);
    size_t at = open_bytes(&o);
    put8(&o, 0);
    put_string(&o, flags2, "\\\\FS01\\IPC$");
    put_oem(&o, "?????");
    close_bytes(&o, at);
    struct smb1_tree_connect_request r = smb1_whole(&o).tree_connect_request;
    assert_int_equal(r.flags, TREE_CONNECT_ANDX_EXTENDED_RESPONSE);
    assert_false(r.password.present);
    assert_true(smb1_says(r.path, flags2, "\\\\FS01\\IPC$"));
    assert_true(text_says(r.service, ENC_OEM, "?????"));
    smb1_response(&o, SMB1_TREE_CONNECT_ANDX, flags2, 0);
    put8(&o, 7);
    put_andx_end(&o);
    put16(&o, SMB_SUPPORT_SEARCH_BITS);
    put32(&o, 0x001F01FF);
    put32(&o, 0x00120089);
    at = open_bytes(&o);
    put_oem(&o, "A:");
    put_string(&o, flags2, "NTFS");
    close_bytes(&o, at);
    struct smb1_tree_connect_response a = smb1_whole(&o).tree_connect_response;
    assert_true(a.has_maximal_access);
    assert_int_equal(a.optional_support, SMB_SUPPORT_SEARCH_BITS);
    assert_int_equal(a.maximal_share_access_rights, 0x001F01FF);
    assert_int_equal(a.guest_maximal_share_access_rights, 0x00120089);
    assert_true(text_says(a.service, ENC_OEM, "A:"));
    assert_true(smb1_says(a.native_file_system, flags2, "NTFS"));
}

static void tree_connect_andx(void **state) {
    (void)state;
    tree_connect_andx_in(TEST_OEM);
    tree_connect_andx_in(TEST_UNICODE);
}

static void tree_connect_short_answers(void **state) {
    (void)state;
    struct octets o;
    for (uint8_t words = 2; words <= 3; words++) {
        smb1_response(&o, SMB1_TREE_CONNECT_ANDX, TEST_OEM, 0);
        put8(&o, words);
        put_andx_end(&o);
        put_zeros(&o, words == 3 ? 2 : 0);
        size_t at = open_bytes(&o);
        put_oem(&o, "IPC");
        put_oem(&o, "");
        close_bytes(&o, at);
        struct smb1_tree_connect_response a = smb1_whole(&o).tree_connect_response;
        assert_false(a.has_maximal_access || a.has_tree_id);
        assert_true(text_says(a.service, ENC_OEM, "IPC"));
    }
}

static void commands_without_a_body(void **state) {
    (void)state;
    static const uint8_t commands[] = {SMB1_TREE_DISCONNECT, SMB1_PROCESS_EXIT, SMB1_NT_CANCEL,
                                       SMB1_QUERY_INFORMATION_DISK};
    struct octets o;
    for (unsigned i = 0; i < sizeof commands; i++) {
        smb1_request(&o, commands[i], TEST_OEM);
        put8(&o, 0);
        put16(&o, 0);
        assert_int_equal(smb1_whole(&o).command, commands[i]);
    }
    smb1_response(&o, SMB1_TREE_DISCONNECT, TEST_OEM, 0);
    put8(&o, 0);
    put16(&o, 0);
    assert_false(smb1_whole(&o).is_error);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(setup_lan_manager),
        cmocka_unit_test(setup_nt),
        cmocka_unit_test(setup_extended),
        cmocka_unit_test(setup_lies),
        cmocka_unit_test(setup_responses),
        cmocka_unit_test(setup_response_extended),
        cmocka_unit_test(tree_connect),
        cmocka_unit_test(tree_connect_andx),
        cmocka_unit_test(tree_connect_short_answers),
        cmocka_unit_test(commands_without_a_body),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
