/* QUERY_INFO, MS-SMB2 2.2.37 and 2.2.38. */
#include <setjmp.h>
#include <stdarg.h>

#include "truncate.h"

#include <cmocka.h>

static void request_of(struct octets *o, uint16_t offset, uint32_t length) {
    smb2_request(o, SMB2_QUERY_INFO);
    put16(o, 41);
    put8(o, SMB2_0_INFO_FILE);
    put8(o, FileFullEaInformation);
    put32(o, 4096);
    put16(o, offset);
    put16(o, 0);
    put32(o, length);
    put32(o, 0x1234);
    put32(o, SL_RESTART_SCAN);
    put_file_id(o);
    put_series(o, 5, 24);
}

static void request(void **state) {
    (void)state;
    struct octets o;
    request_of(&o, 104, 24);
    struct smb2_query_info_request r = dissect_good(&o).query_info_request;
    assert_int_equal(r.info_type, SMB2_0_INFO_FILE);
    assert_int_equal(r.info_class, FileFullEaInformation);
    assert_int_equal(r.output_buffer_length, 4096);
    assert_int_equal(r.additional_information, 0x1234);
    assert_int_equal(r.flags, SL_RESTART_SCAN);
    assert_int_equal(r.file_id.persistent, TEST_FILE_ID.persistent);
    assert_true(view_is_series(r.input, 5, 24));
    truncate_all(&o, o.n);
}

static void without_input(void **state) {
    (void)state;
    struct octets o;
    request_of(&o, 0, 0);
    o.n = 104;
    assert_int_equal(dissect_good(&o).query_info_request.input.n, 0);
}

static void inputs_that_lie(void **state) {
    (void)state;
    static const struct {
        uint16_t offset;
        uint32_t length;
    } lies[] = {{0, 24}, {103, 24}, {105, 24}, {104, 25}, {104, UINT32_MAX}, {0xFFFF, UINT32_MAX}};
    struct octets o;
    for (unsigned i = 0; i < sizeof lies / sizeof *lies; i++) {
        request_of(&o, lies[i].offset, lies[i].length);
        struct smb2_query_info_request r = dissect_as(&o, V_BAD).query_info_request;
        assert_int_equal(r.input.n, 0);
        assert_int_equal(r.info_class, FileFullEaInformation);
    }
}

static void response_of(struct octets *o, uint32_t status, uint16_t offset, uint32_t length) {
    smb2_response(o, SMB2_QUERY_INFO, status);
    put16(o, 9);
    put16(o, offset);
    put32(o, length);
    put_series(o, 9, 40);
}

static void response(void **state) {
    (void)state;
    struct octets o;
    response_of(&o, STATUS_SUCCESS, 72, 40);
    assert_true(view_is_series(dissect_good(&o).query_info_response.buffer, 9, 40));
    truncate_all(&o, o.n);
    response_of(&o, STATUS_BUFFER_OVERFLOW, 72, 40);
    assert_true(view_is_series(dissect_good(&o).query_info_response.buffer, 9, 40));
}

static void buffers_that_lie(void **state) {
    (void)state;
    struct octets o;
    response_of(&o, STATUS_SUCCESS, 71, 40);
    assert_int_equal(dissect_as(&o, V_BAD).query_info_response.buffer.n, 0);
    response_of(&o, STATUS_SUCCESS, 72, 41);
    assert_int_equal(dissect_as(&o, V_BAD).query_info_response.buffer.n, 0);
    response_of(&o, STATUS_SUCCESS, 0xFFFF, UINT32_MAX);
    assert_int_equal(dissect_as(&o, V_BAD).query_info_response.buffer.n, 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(request),  cmocka_unit_test(without_input),    cmocka_unit_test(inputs_that_lie),
        cmocka_unit_test(response), cmocka_unit_test(buffers_that_lie),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
