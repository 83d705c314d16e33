/* Commands of one path, of two, of a FID alone, those that ask and set attributes, and those that list. */
#include <setjmp.h>
#include <stdarg.h>

#include "smb1_wire.h"

#include <cmocka.h>

static const uint16_t both[] = {TEST_OEM, TEST_UNICODE};

static void one_path(void **state) {
    (void)state;
    static const uint8_t commands[] = {SMB1_CREATE_DIRECTORY, SMB1_DELETE_DIRECTORY, SMB1_CHECK_DIRECTORY,
                                       SMB1_QUERY_INFORMATION};
    struct octets o;
    for (unsigned i = 0; i < 2 * sizeof commands; i++) {
        smb1_request(&o, commands[i / 2], both[i % 2]);
        put8(&o, 0);
        size_t at = open_bytes(&o);
        put_path(&o, both[i % 2], "\\dir");
        close_bytes(&o, at);
        assert_true(smb1_says(smb1_whole(&o).path_request.name, both[i % 2], "\\dir"));
        o.b[at] = 5; /* not the format of a string */
        (void)smb1_as(&o, V_BAD);
    }
}

static void delete (void **state) {
    (void)state;
    struct octets o;
    smb1_request(&o, SMB1_DELETE, TEST_UNICODE);
    put8(&o, 1);
    put16(&o, FILE_ATTRIBUTE_HIDDEN);
    size_t at = open_bytes(&o);
    put_path(&o, TEST_UNICODE, "\\*.tmp");
    close_bytes(&o, at);
    struct smb1_path_request r = smb1_whole(&o).path_request;
    assert_int_equal(r.search_attributes, FILE_ATTRIBUTE_HIDDEN);
    assert_true(smb1_says(r.name, TEST_UNICODE, "\\*.tmp"));
}

/* A string that ends where Bytes end has its end, NUL or none. */
static void path_without_its_end(void **state) {
    (void)state;
    struct octets o;
    smb1_request(&o, SMB1_DELETE_DIRECTORY, TEST_OEM);
    put8(&o, 0);
    size_t at = open_bytes(&o);
    put8(&o, 4);
    put_bytes(&o, "\\dir", 4);
    close_bytes(&o, at);
    assert_true(smb1_says(smb1_good(&o).path_request.name, TEST_OEM, "\\dir"));
}

static void renames(void **state) {
    (void)state;
    struct octets o;
    for (unsigned i = 0; i < 4; i++) {
        bool nt = i / 2;
        uint16_t flags2 = both[i % 2];
        smb1_request(&o, nt ? SMB1_NT_RENAME : SMB1_RENAME, flags2);
        put8(&o, nt ? 4 : 1);
        put16(&o, 0x16);
        if (nt) {
            put16(&o, SMB_NT_RENAME_SET_LINK_INFO);
            put32(&o, 0);
        }
        size_t at = open_bytes(&o);
        put_path(&o, flags2, "\\old.txt");
        put_path(&o, flags2, "\\new.txt");
        close_bytes(&o, at);
        struct smb1_rename_request r = smb1_whole(&o).rename_request;
        assert_int_equal(r.search_attributes, 0x16);
        assert_int_equal(r.information_level, nt ? SMB_NT_RENAME_SET_LINK_INFO : 0);
        assert_true(smb1_says(r.old_file_name, flags2, "\\old.txt"));
        assert_true(smb1_says(r.new_file_name, flags2, "\\new.txt"));
    }
}

static void rename_without_its_target(void **state) {
    (void)state;
    struct octets o;
    smb1_request(&o, SMB1_RENAME, TEST_OEM);
    put8(&o, 1);
    put16(&o, 0);
    size_t at = open_bytes(&o);
    put_path(&o, TEST_OEM, "\\old.txt");
    close_bytes(&o, at);
    struct smb1_rename_request r = smb1_as(&o, V_BAD).rename_request;
    assert_true(smb1_says(r.old_file_name, TEST_OEM, "\\old.txt"));
    assert_int_equal(r.new_file_name.bytes.n, 0);
}

static void copies(void **state) {
    (void)state;
    struct octets o;
    for (uint8_t command = SMB1_COPY; command <= SMB1_MOVE; command++) {
        smb1_request(&o, command, TEST_OEM);
        put8(&o, 3);
        put16(&o, SMB1_ID_NONE);
        put16(&o, 0x11);
        put16(&o, 2);
        size_t at = open_bytes(&o);
        put_path(&o, TEST_OEM, "\\a");
        put_path(&o, TEST_OEM, "\\b");
        close_bytes(&o, at);
        struct smb1_copy_request r = smb1_whole(&o).copy_request;
        assert_int_equal(r.tree_id2, SMB1_ID_NONE);
        assert_int_equal(r.open_function, 0x11);
        assert_int_equal(r.flags, 2);
        assert_true(smb1_says(r.source_file_name, TEST_OEM, "\\a"));
        assert_true(smb1_says(r.target_file_name, TEST_OEM, "\\b"));
        smb1_response(&o, command, TEST_OEM, 0);
        put8(&o, 1);
        put16(&o, 3);
        at = open_bytes(&o);
        put_path(&o, TEST_OEM, "\\bad");
        close_bytes(&o, at);
        struct smb1_copy_response a = smb1_whole(&o).copy_response;
        assert_int_equal(a.count, 3);
        assert_true(smb1_says(a.error_file_name, TEST_OEM, "\\bad"));
    }
}

static void by_fid(void **state) {
    (void)state;
    static const uint8_t commands[] = {SMB1_CLOSE, SMB1_FLUSH, SMB1_QUERY_INFORMATION2, SMB1_FIND_CLOSE2};
    struct octets o;
    for (unsigned i = 0; i < sizeof commands; i++) {
        bool closes = commands[i] == SMB1_CLOSE;
        smb1_request(&o, commands[i], TEST_OEM);
        put8(&o, closes ? 3 : 1);
        put16(&o, TEST_FID);
        if (closes) {
            put32(&o, 0x5A000001);
        }
        put16(&o, 0);
        struct smb1_file_request r = smb1_whole(&o).file_request;
        assert_int_equal(r.fid, TEST_FID);
        assert_int_equal(r.last_time_modified, closes ? 0x5A000001 : 0);
    }
}

static void put_dos_times(struct octets *o) {
    for (uint16_t i = 1; i <= 6; i++) {
        put16(o, i);
    }
}

static void query_information(void **state) {
    (void)state;
    struct octets o;
    smb1_response(&o, SMB1_QUERY_INFORMATION, TEST_OEM, 0);
    put8(&o, 10);
    put16(&o, FILE_ATTRIBUTE_READONLY);
    put32(&o, 0x5A000001);
    put32(&o, 99);
    put_zeros(&o, 10);
    put16(&o, 0);
    struct smb1_query_information_response r = smb1_whole(&o).query_information_response;
    assert_int_equal(r.file_attributes, FILE_ATTRIBUTE_READONLY);
    assert_int_equal(r.last_write_time, 0x5A000001);
    assert_int_equal(r.file_size, 99);
    smb1_response(&o, SMB1_QUERY_INFORMATION2, TEST_OEM, 0);
    put8(&o, 11);
    put_dos_times(&o);
    put32(&o, 99);
    put32(&o, 4096);
    put16(&o, FILE_ATTRIBUTE_READONLY);
    put16(&o, 0);
    r = smb1_whole(&o).query_information_response;
    assert_true(r.create.date == 1 && r.create.time == 2);
    assert_true(r.last_access.date == 3 && r.last_write.time == 6);
    assert_int_equal(r.file_size, 99);
    assert_int_equal(r.file_allocation_size, 4096);
    assert_int_equal(r.file_attributes, FILE_ATTRIBUTE_READONLY);
}

static void set_information(void **state) {
    (void)state;
    struct octets o;
    smb1_request(&o, SMB1_SET_INFORMATION, TEST_OEM);
    put8(&o, 8);
    put16(&o, FILE_ATTRIBUTE_HIDDEN);
    put32(&o, 0x5A000001);
    put_zeros(&o, 10);
    size_t at = open_bytes(&o);
    put_path(&o, TEST_OEM, "\\a.txt");
    close_bytes(&o, at);
    struct smb1_set_information_request r = smb1_whole(&o).set_information_request;
    assert_int_equal(r.file_attributes, FILE_ATTRIBUTE_HIDDEN);
    assert_int_equal(r.last_write_time, 0x5A000001);
    assert_true(smb1_says(r.file_name, TEST_OEM, "\\a.txt"));
    smb1_request(&o, SMB1_SET_INFORMATION2, TEST_OEM);
    put8(&o, 7);
    put16(&o, TEST_FID);
    put_dos_times(&o);
    put16(&o, 0);
    r = smb1_whole(&o).set_information_request;
    assert_int_equal(r.fid, TEST_FID);
    assert_true(r.create.date == 1 && r.last_access.time == 4 && r.last_write.date == 5);
}

static void disk(void **state) {
    (void)state;
    struct octets o;
    smb1_response(&o, SMB1_QUERY_INFORMATION_DISK, TEST_OEM, 0);
    put8(&o, 5);
    for (uint16_t i = 1; i <= 5; i++) {
        put16(&o, i);
    }
    put16(&o, 0);
    struct smb1_query_information_disk_response r = smb1_whole(&o).query_information_disk_response;
    assert_true(r.total_units == 1 && r.blocks_per_unit == 2 && r.block_size == 3 && r.free_units == 4);
}

static void searches(void **state) {
    (void)state;
    static const uint8_t commands[] = {SMB1_SEARCH, SMB1_FIND, SMB1_FIND_UNIQUE, SMB1_FIND_CLOSE};
    struct octets o;
    for (unsigned i = 0; i < sizeof commands; i++) {
        smb1_request(&o, commands[i], TEST_OEM);
        put8(&o, 2);
        put16(&o, 10);
        put16(&o, 0x16);
        size_t at = open_bytes(&o);
        put_path(&o, TEST_OEM, "\\*.*");
        put8(&o, 5);
        put16(&o, 21);
        put_series(&o, 1, 21);
        close_bytes(&o, at);
        struct smb1_search_request r = smb1_whole(&o).search_request;
        assert_int_equal(r.max_count, 10);
        assert_int_equal(r.search_attributes, 0x16);
        assert_true(smb1_says(r.file_name, TEST_OEM, "\\*.*"));
        assert_int_equal(r.resume_key.n, 21);
        smb1_response(&o, commands[i], TEST_OEM, 0);
        put8(&o, 1);
        put16(&o, 2);
        at = open_bytes(&o);
        put8(&o, 5);
        put16(&o, 2 * SMB1_DIRECTORY_INFORMATION_SIZE);
        put_series(&o, 1, 2 * SMB1_DIRECTORY_INFORMATION_SIZE);
        close_bytes(&o, at);
        struct smb1_search_response a = smb1_whole(&o).search_response;
        assert_int_equal(a.count, 2);
        assert_int_equal(a.entries.n, 2 * SMB1_DIRECTORY_INFORMATION_SIZE);
        set_le(&o, SMB1_HEADER_SIZE + 1, 2, 3); /* more entries than there are */
        assert_int_equal(smb1_as(&o, V_BAD).search_response.count, 3);
    }
}

static void find_close_answers_nothing(void **state) {
    (void)state;
    struct octets o;
    smb1_response(&o, SMB1_FIND_CLOSE, TEST_OEM, 0);
    put8(&o, 1);
    put16(&o, 0);
    put16(&o, 0);
    assert_int_equal(smb1_whole(&o).search_response.count, 0);
}

static void print_queue(void **state) {
    (void)state;
    struct octets o;
    smb1_request(&o, SMB1_GET_PRINT_QUEUE, TEST_OEM);
    put8(&o, 2);
    put16(&o, 5);
    put16(&o, 1);
    put16(&o, 0);
    struct smb1_print_queue_request r = smb1_whole(&o).print_queue_request;
    assert_true(r.max_count == 5 && r.start_index == 1);
    smb1_response(&o, SMB1_GET_PRINT_QUEUE, TEST_OEM, 0);
    put8(&o, 2);
    put16(&o, 1);
    put16(&o, 2);
    size_t at = open_bytes(&o);
    put8(&o, 1);
    put16(&o, 28);
    put_series(&o, 1, 28);
    close_bytes(&o, at);
    struct smb1_print_queue_response a = smb1_whole(&o).print_queue_response;
    assert_true(a.count == 1 && a.restart_index == 2 && a.entries.n == 28);
}

static void echo(void **state) {
    (void)state;
    struct octets o;
    for (unsigned i = 0; i < 2; i++) {
        (i ? smb1_response(&o, SMB1_ECHO, TEST_OEM, 0) : smb1_request(&o, SMB1_ECHO, TEST_OEM));
        put8(&o, 1);
        put16(&o, 3);
        size_t at = open_bytes(&o);
        put_bytes(&o, "hello", 5);
        close_bytes(&o, at);
        struct smb1_echo r = smb1_whole(&o).echo;
        assert_int_equal(r.count, 3);
        assert_int_equal(r.data.n, 5);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_path),
        cmocka_unit_test(delete),
        cmocka_unit_test(path_without_its_end),
        cmocka_unit_test(renames),
        cmocka_unit_test(rename_without_its_target),
        cmocka_unit_test(copies),
        cmocka_unit_test(by_fid),
        cmocka_unit_test(query_information),
        cmocka_unit_test(set_information),
        cmocka_unit_test(disk),
        cmocka_unit_test(searches),
        cmocka_unit_test(find_close_answers_nothing),
        cmocka_unit_test(print_queue),
        cmocka_unit_test(echo),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
