/* WRITE, MS-SMB2 2.2.21 and 2.2.22. */
#include <setjmp.h>
#include <stdarg.h>

#include "truncate.h"

#include <cmocka.h>

static void request_of(struct octets *o, uint16_t data_offset, uint32_t length) {
    smb2_request(o, SMB2_WRITE);
    put16(o, 49);
    put16(o, data_offset);
    put32(o, length);
    put64(o, UINT64_C(0x300000000));
    put_file_id(o);
    put32(o, SMB2_CHANNEL_NONE);
    put32(o, 5);
    put32(o, 0);
    put32(o, SMB2_WRITEFLAG_WRITE_THROUGH);
}

static void request(void **state) {
    (void)state;
    struct octets o;
    request_of(&o, 112, 300);
    put_series(&o, 0, 300);
    struct smb2_write_request r = dissect_good(&o).write_request;
    assert_int_equal(r.length, 300);
    assert_int_equal(r.offset, UINT64_C(0x300000000));
    assert_int_equal(r.file_id.volatile_part, TEST_FILE_ID.volatile_part);
    assert_int_equal(r.channel, SMB2_CHANNEL_NONE);
    assert_int_equal(r.remaining_bytes, 5);
    assert_int_equal(r.flags, SMB2_WRITEFLAG_WRITE_THROUGH);
    truncate_all(&o, 112);
}

/* As the framer hands it out: the data is on the wire alone. */
static void data_is_not_in_the_view(void **state) {
    (void)state;
    struct octets o;
    request_of(&o, 112, 8 << 20);
    struct outcome out = dissect_smb2(octets_view(&o), 112 + (8 << 20));
    assert_int_equal(out.verdict, V_OK);
    assert_int_equal(out.pdu.smb2.write_request.length, 8 << 20);
}

static void data_outside_the_message_is_bad(void **state) {
    (void)state;
    struct octets o;
    static const struct {
        uint16_t offset;
        uint32_t length;
    } lies[] = {{112, 301}, {113, 300}, {111, 300}, {0, 300}, {0xFFFF, 1}, {112, UINT32_MAX}};
    for (unsigned i = 0; i < sizeof lies / sizeof *lies; i++) {
        request_of(&o, lies[i].offset, lies[i].length);
        put_series(&o, 0, 300);
        struct smb2_message m = dissect_as(&o, V_BAD);
        assert_int_equal(m.write_request.length, lies[i].length);
        assert_false(m.empty);
    }
}

static void response(void **state) {
    (void)state;
    struct octets o;
    smb2_response(&o, SMB2_WRITE, STATUS_SUCCESS);
    put16(&o, 17);
    put16(&o, 0);
    put32(&o, 65536);
    put32(&o, 9);
    put32(&o, 0);
    struct smb2_write_response r = dissect_good(&o).write_response;
    assert_int_equal(r.count, 65536);
    assert_int_equal(r.remaining, 9);
    truncate_all(&o, o.n);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(request),
        cmocka_unit_test(data_is_not_in_the_view),
        cmocka_unit_test(data_outside_the_message_is_bad),
        cmocka_unit_test(response),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
