/* The header of SMB1, and the chain of commands behind it: MS-CIFS 2.2.3. */
#include <setjmp.h>
#include <stdarg.h>

#include "smb1_wire.h"

#include <cmocka.h>

static void put_logoff(struct octets *o, uint8_t next, uint16_t offset) {
    put8(o, 2);
    put8(o, next);
    put8(o, 0);
    put16(o, offset);
    put16(o, 0);
}

static void header(void **state) {
    (void)state;
    struct octets o;
    smb1_response(&o, SMB1_LOGOFF_ANDX, TEST_UNICODE | SMB_FLAGS2_SMB_SECURITY_SIGNATURE, STATUS_SMB_BAD_UID);
    put_series(&o, 0, 0);
    set_le(&o, 14, 8, UINT64_C(0x1122334455667788));
    put8(&o, 0);
    put16(&o, 0);
    struct smb1_message m = smb1_whole(&o);
    assert_int_equal(m.header.command, SMB1_LOGOFF_ANDX);
    assert_int_equal(m.command, SMB1_LOGOFF_ANDX);
    assert_int_equal(m.header.status, STATUS_SMB_BAD_UID);
    assert_true(m.header.nt_status);
    assert_int_equal(m.header.flags, SMB_FLAGS_REPLY);
    assert_true(m.header.has_signature);
    assert_int_equal(m.header.security_features[0], 0x88);
    assert_int_equal(m.header.process_id, TEST_PID);
    assert_int_equal(m.header.tree_id, TEST_TID);
    assert_int_equal(m.header.user_id, TEST_UID);
    assert_int_equal(m.header.message_id, TEST_MID);
    assert_true(m.response);
    assert_true(m.is_error && m.empty);
    assert_false(m.unasked);
}

/* Before there is a key to sign with, clients and servers put "BSRSPYL " where the signature will be. */
static void placeholder_of_a_signature(void **state) {
    (void)state;
    struct octets o;
    smb1_response(&o, SMB1_LOGOFF_ANDX, TEST_UNICODE | SMB_FLAGS2_SMB_SECURITY_SIGNATURE, STATUS_SMB_BAD_UID);
    set_le(&o, 14, 8, UINT64_C(0x204C595053525342));
    put8(&o, 0);
    put16(&o, 0);
    assert_false(smb1_whole(&o).header.has_signature);
}

static void dos_errors(void **state) {
    (void)state;
    struct octets o;
    smb1_response(&o, SMB1_CLOSE, 0, 0x00060001); /* ERRDOS/ERRbadfid */
    put8(&o, 0);
    put16(&o, 0);
    struct smb1_message m = smb1_whole(&o);
    assert_false(m.header.nt_status);
    assert_false(m.header.has_signature);
    assert_int_equal(m.header.error_class, 1);
    assert_int_equal(m.header.error_code, 6);
    assert_true(m.is_error);
}

static void other_protocols(void **state) {
    (void)state;
    static const uint8_t smb2[64] = {0xFE, 'S', 'M', 'B'};
    const struct smb1_outcome *out = dissect_smb1((struct view){smb2, sizeof smb2}, 0);
    assert_int_equal(out->verdict, V_NOT_MINE);
    assert_int_equal(out->count, 0);
}

/* SESSION_SETUP, TREE_CONNECT, OPEN and READ in one message; each is one command, with the same header. */
static void chain_of_four(void **state) {
    (void)state;
    struct octets o;
    smb1_request(&o, SMB1_SESSION_SETUP_ANDX, TEST_OEM);
    put8(&o, 13);
    put8(&o, SMB1_TREE_CONNECT_ANDX);
    put8(&o, 0);
    size_t first = o.n;
    put16(&o, 0);
    put_zeros(&o, 22);
    size_t at = open_bytes(&o);
    put_oem(&o, "alice");
    put_oem(&o, "EXAMPLE");
    put_oem(&o, "Unix");
    put_oem(&o, "Samba");
    close_bytes(&o, at);
    put_zeros(&o, 3); /* a gap between blocks is allowed */
    set_le(&o, first, 2, o.n);
    put8(&o, 4);
    put8(&o, SMB1_OPEN_ANDX);
    put8(&o, 0);
    size_t second = o.n;
    put16(&o, 0);
    put_zeros(&o, 4);
    at = open_bytes(&o);
    put_oem(&o, "\\\\FS01\\DATA");
    put_oem(&o, "A:");
    close_bytes(&o, at);
    set_le(&o, second, 2, o.n);
    put8(&o, 15);
    put8(&o, SMB1_READ);
    put8(&o, 0);
    size_t third = o.n;
    put16(&o, 0);
    put_zeros(&o, 26);
    at = open_bytes(&o);
    put_oem(&o, "\\a.txt");
    close_bytes(&o, at);
    set_le(&o, third, 2, o.n);
    put8(&o, 5);
    put_zeros(&o, 10);
    put16(&o, 0);
    smb1_truncate_all(&o, o.n);
    const struct smb1_outcome *out = dissect_smb1(octets_view(&o), 0);
    static const uint8_t commands[] = {SMB1_SESSION_SETUP_ANDX, SMB1_TREE_CONNECT_ANDX, SMB1_OPEN_ANDX, SMB1_READ};
    assert_int_equal(out->verdict, V_OK);
    assert_int_equal(out->count, 4);
    for (unsigned i = 0; i < 4; i++) {
        const struct smb1_message *m = &out->pdus[i].smb1;
        assert_int_equal(m->command, commands[i]);
        assert_int_equal(m->header.command, SMB1_SESSION_SETUP_ANDX);
        assert_int_equal(m->chain_index, i);
        assert_true(m->chain_last == (i == 3));
        assert_int_equal(m->andx_command, i == 3 ? SMB1_NO_ANDX_COMMAND : commands[i + 1]);
        assert_false(m->chain_cut);
    }
    assert_true(smb1_says(out->pdus[1].smb1.tree_connect_request.path, TEST_OEM, "\\\\FS01\\DATA"));
    assert_true(smb1_says(out->pdus[2].smb1.open_request.file_name, TEST_OEM, "\\a.txt"));
}

/* The data of a WRITE_ANDX may stand behind the CLOSE that follows it, MS-CIFS 2.2.4.43.1. */
static void data_behind_the_next_command(void **state) {
    (void)state;
    struct octets o;
    smb1_request(&o, SMB1_WRITE_ANDX, TEST_OEM);
    put8(&o, 12);
    put8(&o, SMB1_CLOSE);
    put8(&o, 0);
    put16(&o, 32 + 1 + 24 + 2 + 1);
    put16(&o, TEST_FID);
    put_zeros(&o, 14);
    put16(&o, 4); /* DataLength */
    size_t offset = o.n;
    put16(&o, 0);
    put16(&o, 5);
    put8(&o, 0);
    put8(&o, 3);
    put16(&o, TEST_FID);
    put32(&o, 0);
    put16(&o, 0);
    put8(&o, 0);
    set_le(&o, offset, 2, o.n);
    put_bytes(&o, "data", 4);
    const struct smb1_outcome *out = dissect_smb1(octets_view(&o), 0);
    assert_int_equal(out->verdict, V_OK);
    assert_int_equal(out->count, 2);
    assert_int_equal(out->pdus[0].smb1.write_request.data_length, 4);
    assert_memory_equal(out->pdus[0].smb1.write_request.data.p, "data", 4);
    assert_int_equal(out->pdus[1].smb1.command, SMB1_CLOSE);
    assert_int_equal(out->pdus[1].smb1.file_request.fid, TEST_FID);
}

static void expect_chain(uint16_t offset, enum verdict verdict, unsigned count) {
    struct octets o;
    smb1_request(&o, SMB1_LOGOFF_ANDX, TEST_OEM);
    put_logoff(&o, SMB1_LOGOFF_ANDX, offset);
    put_logoff(&o, SMB1_NO_ANDX_COMMAND, 0xFFFF); /* to be ignored */
    const struct smb1_outcome *out = dissect_smb1(octets_view(&o), 0);
    assert_int_equal(out->verdict, verdict);
    assert_int_equal(out->count, count);
    assert_true(out->pdus[0].smb1.chain_cut == (count == 1));
    assert_int_equal(out->pdus[0].smb1.andx_command, SMB1_LOGOFF_ANDX);
    assert_false(out->pdus[0].smb1.empty);
}

static void chains_that_lie(void **state) {
    (void)state;
    expect_chain(39, V_OK, 2);
    expect_chain(0, V_BAD, 1);  /* the header */
    expect_chain(32, V_BAD, 1); /* itself: a loop */
    expect_chain(38, V_BAD, 1); /* into itself */
    expect_chain(46, V_BAD, 1); /* the end */
    expect_chain(0xFFFF, V_BAD, 1);
    expect_chain(45, V_BAD, 2); /* a block that is not all there */
}

/* The next command begins inside the name of the one before: wrong, and both are told. */
static void a_chain_that_overlaps(void **state) {
    (void)state;
    struct octets o;
    for (unsigned inside = 0; inside < 2; inside++) {
        smb1_request(&o, SMB1_OPEN_ANDX, TEST_OEM);
        put8(&o, 15);
        put8(&o, SMB1_CLOSE);
        put8(&o, 0);
        put16(&o, 0);
        put_zeros(&o, 26);
        size_t at = open_bytes(&o);
        put_oem(&o, "\\a");
        close_bytes(&o, at);
        set_le(&o, SMB1_HEADER_SIZE + 3, 2, o.n);
        put8(&o, 3);
        put16(&o, TEST_FID);
        put_zeros(&o, 6);
        set_le(&o, at - 2, 2, inside ? o.n - at : 3);
        const struct smb1_outcome *out = dissect_smb1(octets_view(&o), 0);
        assert_int_equal(out->verdict, inside ? V_BAD : V_OK);
        assert_int_equal(out->count, 2);
        assert_int_equal(out->pdus[0].verdict, inside ? V_BAD : V_OK);
        assert_true(smb1_says(out->pdus[0].smb1.open_request.file_name, TEST_OEM, "\\a"));
        assert_int_equal(out->pdus[1].smb1.file_request.fid, TEST_FID);
        assert_false(out->pdus[0].smb1.chain_cut);
    }
}

static void a_chain_that_goes_back(void **state) {
    (void)state;
    struct octets o;
    smb1_request(&o, SMB1_LOGOFF_ANDX, TEST_OEM);
    put_logoff(&o, SMB1_LOGOFF_ANDX, 46);
    put_logoff(&o, SMB1_NO_ANDX_COMMAND, 0);
    put_logoff(&o, SMB1_LOGOFF_ANDX, 39);
    const struct smb1_outcome *out = dissect_smb1(octets_view(&o), 0);
    assert_int_equal(out->verdict, V_BAD);
    assert_int_equal(out->count, 2);
    assert_int_equal(out->pdus[0].verdict, V_OK);
    assert_int_equal(out->pdus[1].verdict, V_BAD);
}

static void chains_have_a_limit(void **state) {
    (void)state;
    struct octets o;
    smb1_request(&o, SMB1_LOGOFF_ANDX, TEST_OEM);
    for (unsigned i = 1; i <= 64; i++) {
        put_logoff(&o, i == 64 ? SMB1_NO_ANDX_COMMAND : SMB1_LOGOFF_ANDX, (uint16_t)(32 + 7 * i));
    }
    const struct smb1_outcome *out = dissect_smb1(octets_view(&o), 0);
    assert_int_equal(out->verdict, V_OK);
    assert_int_equal(out->count, 64);
    set_le(&o, o.n - 6, 1, SMB1_LOGOFF_ANDX);
    put_logoff(&o, SMB1_NO_ANDX_COMMAND, 0);
    out = dissect_smb1(octets_view(&o), 0);
    assert_int_equal(out->verdict, V_LIMIT);
    assert_int_equal(out->count, 64);
    assert_true(out->pdus[63].smb1.chain_cut && out->pdus[63].smb1.chain_last);
}

static void counts_that_lie(void **state) {
    (void)state;
    struct octets o;
    smb1_request(&o, SMB1_CLOSE, TEST_OEM);
    put8(&o, 3);
    put16(&o, TEST_FID);
    put32(&o, 0);
    put16(&o, 0);
    assert_int_equal(smb1_whole(&o).file_request.fid, TEST_FID);
    set_le(&o, 32, 1, 2); /* fewer words than a CLOSE has: the rest is then the ByteCount */
    assert_true(smb1_as(&o, V_BAD).empty);
    set_le(&o, 32, 1, 255);
    assert_true(smb1_as(&o, V_BAD).empty);
    set_le(&o, 32, 1, 3);
    set_le(&o, 39, 2, 1); /* a byte that is not there; the words stand */
    struct smb1_message m = smb1_as(&o, V_BAD);
    assert_false(m.empty);
    assert_int_equal(m.file_request.fid, TEST_FID);
    const struct smb1_outcome *out = dissect_smb1(octets_view(&o), (uint32_t)o.n + 1);
    assert_int_equal(out->verdict, V_SHORT);
}

static void words_of_a_success(void **state) {
    (void)state;
    struct octets o;
    smb1_response(&o, SMB1_OPEN, TEST_OEM, STATUS_SUCCESS);
    put8(&o, 0);
    put16(&o, 0);
    struct smb1_message m = smb1_as(&o, V_BAD);
    assert_true(m.empty);
    assert_false(m.is_error);
}

static void numbers_that_are_no_command(void **state) {
    (void)state;
    struct octets o;
    smb1_request(&o, 0x15, TEST_OEM);
    put8(&o, 1);
    put16(&o, 0x1234);
    put16(&o, 0);
    struct smb1_message m = smb1_as(&o, V_BAD);
    assert_true(m.empty);
    assert_int_equal(m.words.n, 2);
    smb1_request(&o, SMB1_QUERY_SERVER, TEST_OEM); /* one that has no layout */
    put8(&o, 1);
    put16(&o, 0x1234);
    put16(&o, 2);
    put16(&o, 0x5678);
    m = smb1_whole(&o);
    assert_true(m.empty);
    assert_int_equal(m.words.n, 2);
    assert_int_equal(m.bytes.n, 2);
}

static void directions(void **state) {
    (void)state;
    struct octets o;
    smb1_request(&o, SMB1_ECHO, TEST_OEM);
    put8(&o, 1);
    put16(&o, 1);
    put16(&o, 0);
    assert_int_equal(dissect_smb1_towards(octets_view(&o), 0, TO_CLIENT)->verdict, V_BAD);
    set_le(&o, 9, 1, SMB_FLAGS_REPLY);
    assert_int_equal(dissect_smb1_towards(octets_view(&o), 0, TO_SERVER)->verdict, V_BAD);
}

/* Commands that are a header and nothing else, and those whose response is. */
static void nothing_to_read(void **state) {
    (void)state;
    static const uint8_t requests[] = {SMB1_PROCESS_EXIT, SMB1_TREE_DISCONNECT, SMB1_QUERY_INFORMATION_DISK,
                                       SMB1_NT_CANCEL};
    static const uint8_t responses[] = {SMB1_CREATE_DIRECTORY,
                                        SMB1_DELETE_DIRECTORY,
                                        SMB1_CLOSE,
                                        SMB1_FLUSH,
                                        SMB1_DELETE,
                                        SMB1_RENAME,
                                        SMB1_SET_INFORMATION,
                                        SMB1_PROCESS_EXIT,
                                        SMB1_NT_RENAME,
                                        SMB1_LOCK_BYTE_RANGE,
                                        SMB1_UNLOCK_BYTE_RANGE,
                                        SMB1_CHECK_DIRECTORY,
                                        SMB1_FIND_CLOSE2,
                                        SMB1_TREE_DISCONNECT,
                                        SMB1_SET_INFORMATION2,
                                        SMB1_WRITE_PRINT_FILE,
                                        SMB1_CLOSE_PRINT_FILE};
    struct octets o;
    for (unsigned i = 0; i < sizeof requests; i++) {
        smb1_request(&o, requests[i], TEST_OEM);
        put8(&o, 0);
        put16(&o, 0);
        assert_false(smb1_whole(&o).empty);
    }
    for (unsigned i = 0; i < sizeof responses; i++) {
        smb1_response(&o, responses[i], TEST_OEM, STATUS_SUCCESS);
        put8(&o, 0);
        put16(&o, 0);
        struct smb1_message m = smb1_whole(&o);
        assert_false(m.empty || m.is_error);
        assert_true(m.response);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(header),
        cmocka_unit_test(placeholder_of_a_signature),
        cmocka_unit_test(dos_errors),
        cmocka_unit_test(other_protocols),
        cmocka_unit_test(chain_of_four),
        cmocka_unit_test(data_behind_the_next_command),
        cmocka_unit_test(chains_that_lie),
        cmocka_unit_test(a_chain_that_overlaps),
        cmocka_unit_test(a_chain_that_goes_back),
        cmocka_unit_test(chains_have_a_limit),
        cmocka_unit_test(counts_that_lie),
        cmocka_unit_test(words_of_a_success),
        cmocka_unit_test(numbers_that_are_no_command),
        cmocka_unit_test(directions),
        cmocka_unit_test(nothing_to_read),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
