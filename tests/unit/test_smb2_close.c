/* CLOSE and FLUSH, MS-SMB2 2.2.15 to 2.2.18. */
#include <setjmp.h>
#include <stdarg.h>

#include "truncate.h"

#include <cmocka.h>

static void close_request(void **state) {
    (void)state;
    struct octets o;
    smb2_request(&o, SMB2_CLOSE);
    put16(&o, 24);
    put16(&o, SMB2_CLOSE_FLAG_POSTQUERY_ATTRIB);
    put32(&o, 0);
    put_file_id(&o);
    struct smb2_close_request r = dissect_good(&o).close_request;
    assert_int_equal(r.flags, SMB2_CLOSE_FLAG_POSTQUERY_ATTRIB);
    assert_int_equal(r.file_id.persistent, TEST_FILE_ID.persistent);
    assert_int_equal(r.file_id.volatile_part, TEST_FILE_ID.volatile_part);
    truncate_all(&o, o.n);
}

static void close_response(void **state) {
    (void)state;
    struct octets o;
    smb2_response(&o, SMB2_CLOSE, STATUS_SUCCESS);
    put16(&o, 60);
    put16(&o, SMB2_CLOSE_FLAG_POSTQUERY_ATTRIB);
    put32(&o, 0);
    put64(&o, 1);
    put64(&o, 2);
    put64(&o, 3);
    put64(&o, 4);
    put64(&o, 8192);
    put64(&o, 5000);
    put32(&o, FILE_ATTRIBUTE_ARCHIVE);
    struct smb2_close_response r = dissect_good(&o).close_response;
    assert_int_equal(r.flags, SMB2_CLOSE_FLAG_POSTQUERY_ATTRIB);
    assert_int_equal(r.times.creation, 1);
    assert_int_equal(r.times.last_access, 2);
    assert_int_equal(r.times.last_write, 3);
    assert_int_equal(r.times.change, 4);
    assert_int_equal(r.allocation_size, 8192);
    assert_int_equal(r.end_of_file, 5000);
    assert_int_equal(r.file_attributes, FILE_ATTRIBUTE_ARCHIVE);
    truncate_all(&o, o.n);
}

static void flush_request(void **state) {
    (void)state;
    struct octets o;
    smb2_request(&o, SMB2_FLUSH);
    put16(&o, 24);
    put_zeros(&o, 6);
    put_file_id(&o);
    assert_int_equal(dissect_good(&o).flush_request.file_id.volatile_part, TEST_FILE_ID.volatile_part);
    truncate_all(&o, o.n);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(close_request),
        cmocka_unit_test(close_response),
        cmocka_unit_test(flush_request),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
