/* READ, MS-SMB2 2.2.19 and 2.2.20. */
#include <setjmp.h>
#include <stdarg.h>

#include "truncate.h"

#include <cmocka.h>

static void request(void **state) {
    (void)state;
    struct octets o;
    smb2_request(&o, SMB2_READ);
    put16(&o, 49);
    put8(&o, 80);
    put8(&o, SMB2_READFLAG_READ_UNBUFFERED);
    put32(&o, 65536);
    put64(&o, UINT64_C(0x100000000));
    put_file_id(&o);
    put32(&o, 512);
    put32(&o, SMB2_CHANNEL_RDMA_V1);
    put32(&o, 7);
    put32(&o, 0);
    put8(&o, 0); /* of Buffer, which is one byte at least and means nothing */
    struct smb2_read_request r = dissect_good(&o).read_request;
    assert_int_equal(r.flags, SMB2_READFLAG_READ_UNBUFFERED);
    assert_int_equal(r.length, 65536);
    assert_int_equal(r.offset, UINT64_C(0x100000000));
    assert_int_equal(r.file_id.persistent, TEST_FILE_ID.persistent);
    assert_int_equal(r.minimum_count, 512);
    assert_int_equal(r.channel, SMB2_CHANNEL_RDMA_V1);
    assert_int_equal(r.remaining_bytes, 7);
    truncate_all(&o, o.n - 1);
}

static void response_of(struct octets *o, uint8_t offset, uint32_t length) {
    smb2_response(o, SMB2_READ, STATUS_SUCCESS);
    put16(o, 17);
    put8(o, offset);
    put8(o, 0);
    put32(o, length);
    put32(o, 3);
    put32(o, 0);
}

static void response(void **state) {
    (void)state;
    struct octets o;
    response_of(&o, 80, 1000);
    put_series(&o, 0, 1000);
    struct smb2_read_response r = dissect_good(&o).read_response;
    assert_int_equal(r.data_length, 1000);
    assert_int_equal(r.data_remaining, 3);
    truncate_all(&o, 80);
}

/* As the framer hands it out: the data is on the wire alone. */
static void data_is_not_in_the_view(void **state) {
    (void)state;
    struct octets o;
    response_of(&o, 80, 1 << 20);
    struct outcome out = dissect_smb2(octets_view(&o), 80 + (1 << 20));
    assert_int_equal(out.verdict, V_OK);
    assert_int_equal(out.pdu.smb2.read_response.data_length, 1 << 20);
}

static void data_outside_the_message_is_bad(void **state) {
    (void)state;
    struct octets o;
    response_of(&o, 80, 1001);
    put_series(&o, 0, 1000);
    assert_int_equal(dissect_as(&o, V_BAD).read_response.data_length, 1001);
    response_of(&o, 79, 16);
    put_series(&o, 0, 16);
    dissect_as(&o, V_BAD);
    response_of(&o, 255, UINT32_MAX);
    put_series(&o, 0, 16);
    dissect_as(&o, V_BAD);
}

static void no_data_needs_no_offset(void **state) {
    (void)state;
    struct octets o;
    response_of(&o, 0, 0);
    assert_int_equal(dissect_good(&o).read_response.data_length, 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(request),
        cmocka_unit_test(response),
        cmocka_unit_test(data_is_not_in_the_view),
        cmocka_unit_test(data_outside_the_message_is_bad),
        cmocka_unit_test(no_data_needs_no_offset),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
