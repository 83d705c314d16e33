/* What opens files: NT_CREATE_ANDX, OPEN_ANDX, OPEN, CREATE and its kin, OPEN_PRINT_FILE. */
#include <setjmp.h>
#include <stdarg.h>

#include "smb1_wire.h"

#include <cmocka.h>

static void put_nt_create(struct octets *o, uint16_t flags2, uint16_t name_length) {
    smb1_request(o, SMB1_NT_CREATE_ANDX, flags2);
    put8(o, 24);
    put_andx_end(o);
    put8(o, 0);
    put16(o, name_length);
    put32(o, 0x16);
    put32(o, 0x11);
    put32(o, 0x0012019F);
    put64(o, 0x100000002);
    put32(o, FILE_ATTRIBUTE_ARCHIVE);
    put32(o, 7);
    put32(o, 3);
    put32(o, 0x40);
    put32(o, 2);
    put8(o, 3);
}

static void nt_create_in(uint16_t flags2) {
    struct octets o;
    put_nt_create(&o, flags2, flags2 & SMB_FLAGS2_UNICODE ? 14 : 7);
    size_t at = open_bytes(&o);
    put_string(&o, flags2, "\\ab.txt");
    close_bytes(&o, at);
    smb1_truncate_all(&o, o.n);
    struct smb1_nt_create_request r = smb1_good(&o).nt_create_request;
    assert_int_equal(r.flags, 0x16);
    assert_int_equal(r.root_directory_fid, 0x11);
    assert_int_equal(r.desired_access, 0x0012019F);
    assert_true(r.allocation_size == 0x100000002);
    assert_int_equal(r.ext_file_attributes, FILE_ATTRIBUTE_ARCHIVE);
    assert_int_equal(r.share_access, 7);
    assert_int_equal(r.create_disposition, 3);
    assert_int_equal(r.create_options, 0x40);
    assert_int_equal(r.impersonation_level, 2);
    assert_int_equal(r.security_flags, 3);
    assert_true(smb1_says(r.file_name, flags2, "\\ab.txt"));
}

static void nt_create(void **state) {
    (void)state;
    nt_create_in(TEST_OEM);
    nt_create_in(TEST_UNICODE);
}

/* An empty name is the root; one that is announced and not there is none. */
static void nt_create_name_is_not_there(void **state) {
    (void)state;
    struct octets o;
    put_nt_create(&o, TEST_UNICODE, 14);
    close_bytes(&o, open_bytes(&o));
    struct text t = smb1_as(&o, V_BAD).nt_create_request.file_name;
    assert_true(!t.bytes.p && t.bytes.n == 0 && t.encoding == ENC_ASCII);
    put_nt_create(&o, TEST_UNICODE, 0);
    close_bytes(&o, open_bytes(&o));
    t = smb1_good(&o).nt_create_request.file_name;
    assert_true(t.bytes.n == 0 && t.encoding == ENC_UTF16LE);
}

static void nt_create_name_length_lies(void **state) {
    (void)state;
    struct octets o;
    put_nt_create(&o, TEST_OEM, 400);
    size_t at = open_bytes(&o);
    put_oem(&o, "\\ab.txt");
    close_bytes(&o, at);
    assert_true(smb1_says(smb1_as(&o, V_BAD).nt_create_request.file_name, TEST_OEM, "\\ab.txt"));
}

static void put_created(struct octets *o, uint8_t words) {
    smb1_response(o, SMB1_NT_CREATE_ANDX, TEST_UNICODE, 0);
    put8(o, words);
    put_andx_end(o);
    put8(o, 2);
    put16(o, TEST_FID);
    put32(o, FILE_CREATED);
    for (unsigned i = 1; i <= 4; i++) {
        put64(o, i);
    }
    put32(o, FILE_ATTRIBUTE_DIRECTORY);
    put64(o, 4096);
    put64(o, 123);
    put16(o, SMB1_FILE_TYPE_MESSAGE_MODE_PIPE);
    put16(o, 0x05FF);
    put8(o, 1);
}

static void check_created(const struct smb1_nt_create_response *r) {
    assert_int_equal(r->op_lock_level, 2);
    assert_int_equal(r->fid, TEST_FID);
    assert_int_equal(r->create_action, FILE_CREATED);
    assert_true(r->times.creation == 1 && r->times.last_access == 2 && r->times.last_write == 3 &&
                r->times.change == 4);
    assert_int_equal(r->ext_file_attributes, FILE_ATTRIBUTE_DIRECTORY);
    assert_true(r->allocation_size == 4096 && r->end_of_file == 123);
    assert_int_equal(r->resource_type, SMB1_FILE_TYPE_MESSAGE_MODE_PIPE);
    assert_int_equal(r->nm_pipe_status, 0x05FF);
    assert_true(r->directory);
}

static void nt_created(void **state) {
    (void)state;
    struct octets o;
    put_created(&o, 34);
    put16(&o, 0);
    struct smb1_nt_create_response r = smb1_whole(&o).nt_create_response;
    check_created(&r);
    assert_false(r.extended);
}

/* Servers that send the extended form give a WordCount of 42 for its 50 words, MS-SMB 2.2.4.9.2. */
static void nt_created_extended(void **state) {
    (void)state;
    struct octets o;
    for (uint8_t words = 42; words <= 50; words += 8) {
        put_created(&o, words);
        put_series(&o, 0x40, 16);
        put64(&o, 0x1122334455667788);
        put32(&o, 0x001F01FF);
        put32(&o, 0x00120089);
        put16(&o, 0);
        struct smb1_nt_create_response r = smb1_good(&o).nt_create_response;
        check_created(&r);
        assert_true(r.extended);
        assert_int_equal(r.volume_guid.bytes[0], 0x40);
        assert_true(r.file_id == 0x1122334455667788);
        assert_int_equal(r.maximal_access_rights, 0x001F01FF);
        assert_int_equal(r.guest_maximal_access_rights, 0x00120089);
    }
    smb1_truncate_all(&o, o.n);
}

static void open_andx(void **state) {
    (void)state;
    struct octets o;
    smb1_request(&o, SMB1_OPEN_ANDX, TEST_UNICODE);
    put8(&o, 15);
    put_andx_end(&o);
    put16(&o, 7);
    put16(&o, 0x42);
    put16(&o, 0x16);
    put16(&o, 0x20);
    put32(&o, 0x5A000001);
    put16(&o, 0x11);
    put32(&o, 1024);
    put32(&o, 5000);
    put32(&o, 0);
    size_t at = open_bytes(&o);
    put_string(&o, TEST_UNICODE, "\\a.txt");
    close_bytes(&o, at);
    struct smb1_open_request r = smb1_whole(&o).open_request;
    assert_int_equal(r.flags, 7);
    assert_int_equal(r.access_mode, 0x42);
    assert_int_equal(r.search_attributes, 0x16);
    assert_int_equal(r.file_attributes, 0x20);
    assert_int_equal(r.creation_time, 0x5A000001);
    assert_int_equal(r.open_mode, 0x11);
    assert_int_equal(r.allocation_size, 1024);
    assert_int_equal(r.timeout, 5000);
    assert_true(smb1_says(r.file_name, TEST_UNICODE, "\\a.txt"));
}

static void put_opened(struct octets *o, uint8_t command, uint8_t words) {
    smb1_response(o, command, TEST_OEM, 0);
    put8(o, words);
    if (command == SMB1_OPEN_ANDX) {
        put_andx_end(o);
    }
    put16(o, TEST_FID);
    put16(o, 0x20);
    put32(o, 0x5A000001);
    put32(o, 99);
    put16(o, 2);
}

static void check_opened(const struct smb1_open_response *r) {
    assert_int_equal(r->fid, TEST_FID);
    assert_int_equal(r->file_attributes, 0x20);
    assert_int_equal(r->last_write_time, 0x5A000001);
    assert_int_equal(r->file_data_size, 99);
    assert_int_equal(r->access_rights, 2);
}

static void opened_andx(void **state) {
    (void)state;
    struct octets o;
    for (uint8_t words = 15; words <= 19; words += 4) {
        put_opened(&o, SMB1_OPEN_ANDX, words);
        put16(&o, SMB1_FILE_TYPE_PRINTER);
        put16(&o, 5);
        put16(&o, 2);
        put_zeros(&o, 6);
        if (words == 19) {
            put32(&o, 0x001F01FF);
            put32(&o, 0x00120089);
        }
        put16(&o, 0);
        struct smb1_open_response r = smb1_whole(&o).open_response;
        check_opened(&r);
        assert_int_equal(r.resource_type, SMB1_FILE_TYPE_PRINTER);
        assert_int_equal(r.nm_pipe_status, 5);
        assert_int_equal(r.open_results, 2);
        assert_true(r.has_maximal_access == (words == 19));
        assert_int_equal(r.maximal_access_rights, words == 19 ? 0x001F01FF : 0);
        assert_int_equal(r.guest_maximal_access_rights, words == 19 ? 0x00120089 : 0);
    }
}

static void open_of_old(void **state) {
    (void)state;
    struct octets o;
    smb1_request(&o, SMB1_OPEN, TEST_UNICODE);
    put8(&o, 2);
    put16(&o, 0x42);
    put16(&o, 0x16);
    size_t at = open_bytes(&o);
    put_path(&o, TEST_UNICODE, "\\a.txt");
    close_bytes(&o, at);
    struct smb1_open_request r = smb1_whole(&o).open_request;
    assert_int_equal(r.access_mode, 0x42);
    assert_int_equal(r.search_attributes, 0x16);
    assert_true(smb1_says(r.file_name, TEST_UNICODE, "\\a.txt"));
    put_opened(&o, SMB1_OPEN, 7);
    put16(&o, 0);
    struct smb1_open_response a = smb1_whole(&o).open_response;
    check_opened(&a);
}

static void creates(void **state) {
    (void)state;
    static const uint8_t commands[] = {SMB1_CREATE, SMB1_CREATE_NEW, SMB1_CREATE_TEMPORARY};
    struct octets o;
    for (unsigned i = 0; i < sizeof commands; i++) {
        smb1_request(&o, commands[i], TEST_OEM);
        put8(&o, 3);
        put16(&o, 0x22);
        put32(&o, 0x5A000001);
        size_t at = open_bytes(&o);
        put_path(&o, TEST_OEM, "\\tmp");
        close_bytes(&o, at);
        struct smb1_open_request r = smb1_whole(&o).open_request;
        assert_int_equal(r.file_attributes, 0x22);
        assert_int_equal(r.creation_time, 0x5A000001);
        assert_true(smb1_says(r.file_name, TEST_OEM, "\\tmp"));
    }
}

static void created(void **state) {
    (void)state;
    struct octets o;
    for (unsigned format = 0; format < 2; format++) {
        smb1_response(&o, SMB1_CREATE_TEMPORARY, TEST_OEM, 0);
        put8(&o, 1);
        put16(&o, TEST_FID);
        size_t at = open_bytes(&o);
        if (format) {
            put8(&o, 4);
        }
        put_oem(&o, "A0000001");
        close_bytes(&o, at);
        struct smb1_open_response r = smb1_whole(&o).open_response;
        assert_int_equal(r.fid, TEST_FID);
        assert_true(text_says(r.temporary_file_name, ENC_OEM, "A0000001"));
    }
    smb1_response(&o, SMB1_CREATE, TEST_OEM, 0);
    put8(&o, 1);
    put16(&o, TEST_FID);
    put16(&o, 0);
    assert_int_equal(smb1_whole(&o).open_response.fid, TEST_FID);
}

static void print_files(void **state) {
    (void)state;
    struct octets o;
    smb1_request(&o, SMB1_OPEN_PRINT_FILE, TEST_OEM);
    put8(&o, 2);
    put16(&o, 12);
    put16(&o, 1);
    size_t at = open_bytes(&o);
    put_path(&o, TEST_OEM, "report");
    close_bytes(&o, at);
    struct smb1_open_request r = smb1_whole(&o).open_request;
    assert_int_equal(r.setup_length, 12);
    assert_int_equal(r.access_mode, 1);
    assert_true(smb1_says(r.file_name, TEST_OEM, "report"));
    smb1_request(&o, SMB1_CLOSE_PRINT_FILE, TEST_OEM);
    put8(&o, 1);
    put16(&o, TEST_FID);
    put16(&o, 0);
    assert_int_equal(smb1_whole(&o).file_request.fid, TEST_FID);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nt_create),
        cmocka_unit_test(nt_create_name_length_lies),
        cmocka_unit_test(nt_create_name_is_not_there),
        cmocka_unit_test(nt_created),
        cmocka_unit_test(nt_created_extended),
        cmocka_unit_test(open_andx),
        cmocka_unit_test(opened_andx),
        cmocka_unit_test(open_of_old),
        cmocka_unit_test(creates),
        cmocka_unit_test(created),
        cmocka_unit_test(print_files),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
