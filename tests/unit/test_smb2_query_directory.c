/* QUERY_DIRECTORY, MS-SMB2 2.2.33 and 2.2.34. */
#include <setjmp.h>
#include <stdarg.h>

#include "truncate.h"

#include <cmocka.h>

static void request_of(struct octets *o, uint16_t offset, uint16_t length) {
    smb2_request(o, SMB2_QUERY_DIRECTORY);
    put16(o, 33);
    put8(o, FileIdBothDirectoryInformation);
    put8(o, SMB2_RESTART_SCANS);
    put32(o, 17);
    put_file_id(o);
    put16(o, offset);
    put16(o, length);
    put32(o, 65536);
    put_utf16(o, "*.docx");
}

static void request(void **state) {
    (void)state;
    struct octets o;
    request_of(&o, 96, 12);
    struct smb2_query_directory_request r = dissect_good(&o).query_directory_request;
    assert_int_equal(r.info_class, FileIdBothDirectoryInformation);
    assert_int_equal(r.flags, SMB2_RESTART_SCANS);
    assert_int_equal(r.file_index, 17);
    assert_int_equal(r.file_id.volatile_part, TEST_FILE_ID.volatile_part);
    assert_int_equal(r.output_buffer_length, 65536);
    assert_true(text_is(r.pattern, "*.docx"));
    truncate_all(&o, o.n);
}

static void offsets_that_lie(void **state) {
    (void)state;
    static const struct {
        uint16_t offset, length;
    } lies[] = {{0, 12}, {95, 12}, {98, 12}, {96, 14}, {0xFFFF, 2}, {96, 0xFFFF}};
    struct octets o;
    for (unsigned i = 0; i < sizeof lies / sizeof *lies; i++) {
        request_of(&o, lies[i].offset, lies[i].length);
        assert_int_equal(dissect_as(&o, V_BAD).query_directory_request.pattern.bytes.n, 0);
    }
    request_of(&o, 96, 11);
    assert_true(text_is(dissect_as(&o, V_BAD).query_directory_request.pattern, "*.doc"));
}

/* FileNamesInformation, MS-FSCC 2.4.33: three entries of 16 bytes */
static void response_of(struct octets *o, uint16_t offset, uint32_t length) {
    smb2_response(o, SMB2_QUERY_DIRECTORY, STATUS_SUCCESS);
    put16(o, 9);
    put16(o, offset);
    put32(o, length);
    for (unsigned i = 0; i < 3; i++) {
        put32(o, i < 2 ? 16 : 0);
        put32(o, 0);
        put32(o, 4);
        put_utf16(o, "ab");
    }
}

static void response(void **state) {
    (void)state;
    struct octets o;
    response_of(&o, 72, 48);
    struct smb2_entries r = dissect_good(&o).query_directory_response;
    assert_int_equal(r.entries, 3);
    assert_true(r.whole);
    assert_int_equal(r.buffer.n, 48);
    assert_ptr_equal(r.buffer.p, o.b + 72);
    truncate_all(&o, o.n);
}

static void nothing_found(void **state) {
    (void)state;
    struct octets o;
    response_of(&o, 0, 0);
    assert_int_equal(dissect_good(&o).query_directory_response.entries, 0);
}

static void buffers_that_lie(void **state) {
    (void)state;
    static const struct {
        uint16_t offset;
        uint32_t length;
    } lies[] = {{0, 48}, {71, 48}, {73, 48}, {72, 49}, {72, UINT32_MAX}, {0xFFFF, 1}};
    struct octets o;
    for (unsigned i = 0; i < sizeof lies / sizeof *lies; i++) {
        response_of(&o, lies[i].offset, lies[i].length);
        struct smb2_entries r = dissect_as(&o, V_BAD).query_directory_response;
        assert_int_equal(r.buffer.n, 0);
        assert_int_equal(r.entries, 0);
        assert_false(r.whole);
    }
}

/* Chains that point backwards, on themselves, into themselves, to the end and beyond; what was counted stays. */
static void chains_that_lie(void **state) {
    (void)state;
    static const uint32_t next[] = {1, 4, 11, 32, 33, 0xFFFFFFF0, UINT32_MAX};
    struct octets o;
    for (unsigned i = 0; i < sizeof next / sizeof *next; i++) {
        response_of(&o, 72, 48);
        set_le(&o, 72 + 16, 4, next[i]);
        assert_int_equal(dissect_as(&o, V_BAD).query_directory_response.entries, 2);
    }
    response_of(&o, 72, 11);
    assert_int_equal(dissect_as(&o, V_BAD).query_directory_response.entries, 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(request),       cmocka_unit_test(offsets_that_lie), cmocka_unit_test(response),
        cmocka_unit_test(nothing_found), cmocka_unit_test(buffers_that_lie), cmocka_unit_test(chains_that_lie),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
