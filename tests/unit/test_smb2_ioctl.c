/* IOCTL, MS-SMB2 2.2.31 and 2.2.32, and the buffers of some control codes. */
#include <setjmp.h>
#include <stdarg.h>

#include "truncate.h"

#include <cmocka.h>

static void request_of(struct octets *o, uint32_t ctl_code) {
    smb2_request(o, SMB2_IOCTL);
    put16(o, 57);
    put16(o, 0);
    put32(o, ctl_code);
    put_file_id(o);
    put32(o, 120);
    put32(o, 0);
    put32(o, 11);
    put32(o, 0);
    put32(o, 0);
    put32(o, 4096);
    put32(o, SMB2_0_IOCTL_IS_FSCTL);
    put32(o, 0);
}

static void response_of(struct octets *o, uint32_t ctl_code, uint32_t status) {
    smb2_response(o, SMB2_IOCTL, status);
    put16(o, 49);
    put16(o, 0);
    put32(o, ctl_code);
    put_file_id(o);
    put32(o, 112);
    put32(o, 0);
    put32(o, 112);
    put32(o, 0);
    put32(o, 0);
    put32(o, 0);
}

/* The message is told how long its input (request) or output (response) is, which ends it. */
static void end_buffer(struct octets *o) {
    bool response = o->b[16] & SMB2_FLAGS_SERVER_TO_REDIR;
    set_le(o, response ? 100 : 92, 4, o->n - (response ? 112 : 120));
}

static struct smb2_ioctl good(struct octets *o) {
    end_buffer(o);
    struct smb2_ioctl r = dissect_good(o).ioctl;
    assert_true(r.has_details);
    assert_int_equal(r.file_id.persistent, TEST_FILE_ID.persistent);
    truncate_all(o, o->n);
    return r;
}

/* All shorter buffers but the empty one are bad. */
static void shorter_is_bad(const struct octets *o, size_t least) {
    size_t start = o->b[16] & SMB2_FLAGS_SERVER_TO_REDIR ? 112 : 120;
    for (size_t n = start; n < start + least; n++) {
        struct octets part = *o;
        part.n = n;
        end_buffer(&part);
        assert_false(dissect_as(&part, n == start ? V_OK : V_BAD).ioctl.has_details);
    }
}

static void transceive(void **state) {
    (void)state;
    struct octets o;
    request_of(&o, FSCTL_PIPE_TRANSCEIVE);
    put_series(&o, 7, 50);
    end_buffer(&o);
    struct smb2_ioctl r = dissect_good(&o).ioctl;
    assert_int_equal(r.ctl_code, FSCTL_PIPE_TRANSCEIVE);
    assert_int_equal(r.flags, SMB2_0_IOCTL_IS_FSCTL);
    assert_int_equal(r.max_input, 11);
    assert_int_equal(r.max_output, 4096);
    assert_true(view_is_series(r.input, 7, 50));
    assert_int_equal(r.output.n, 0);
    truncate_all(&o, o.n);
    response_of(&o, FSCTL_PIPE_TRANSCEIVE, STATUS_BUFFER_OVERFLOW);
    put_series(&o, 9, 50);
    end_buffer(&o);
    struct smb2_message m = dissect_good(&o);
    assert_false(m.is_error);
    assert_true(view_is_series(m.ioctl.output, 9, 50));
    truncate_all(&o, o.n);
}

/* A pass-through answers with both, MS-SMB2 3.3.5.15.8. */
static void input_and_output(void **state) {
    (void)state;
    struct octets o;
    response_of(&o, 0x00090123, STATUS_SUCCESS);
    put_series(&o, 1, 8);
    put_series(&o, 100, 4);
    set_le(&o, 92, 4, 8);
    set_le(&o, 96, 4, 120);
    set_le(&o, 100, 4, 4);
    struct smb2_ioctl r = dissect_good(&o).ioctl;
    assert_true(view_is_series(r.input, 1, 8));
    assert_true(view_is_series(r.output, 100, 4));
}

static void buffers_that_lie(void **state) {
    (void)state;
    static const struct {
        unsigned at;
        uint32_t value;
    } lies[] = {{88, 119}, {88, 121},        {88, 0},  {88, UINT32_MAX},
                {92, 51},  {92, UINT32_MAX}, {104, 1}, {104, UINT32_MAX}};
    struct octets o;
    for (unsigned i = 0; i < sizeof lies / sizeof *lies; i++) {
        request_of(&o, FSCTL_PIPE_TRANSCEIVE);
        put_series(&o, 7, 50);
        end_buffer(&o);
        set_le(&o, lies[i].at, 4, lies[i].value);
        struct smb2_ioctl r = dissect_as(&o, V_BAD).ioctl;
        assert_int_equal(r.input.n, lies[i].at == 104 ? 50 : 0);
        assert_int_equal(r.input_length, r.input.n);
        assert_int_equal(r.output.n, 0);
        assert_int_equal(r.ctl_code, FSCTL_PIPE_TRANSCEIVE);
    }
    response_of(&o, FSCTL_PIPE_TRANSCEIVE, STATUS_SUCCESS);
    put_series(&o, 7, 50);
    set_le(&o, 100, 4, 51);
    assert_int_equal(dissect_as(&o, V_BAD).ioctl.output.n, 0);
    set_le(&o, 96, 4, 111);
    set_le(&o, 100, 4, 50);
    assert_int_equal(dissect_as(&o, V_BAD).ioctl.output.n, 0);
}

static void copychunk(void **state) {
    (void)state;
    struct octets o;
    request_of(&o, FSCTL_SRV_COPYCHUNK_WRITE);
    put_series(&o, 0x20, 24);
    put32(&o, 2);
    put32(&o, 0);
    for (unsigned i = 0; i < 2; i++) {
        put64(&o, 0);
        put64(&o, 0);
        put32(&o, 0xC0000000);
        put32(&o, 0);
    }
    struct smb2_ioctl r = good(&o);
    assert_true(view_is_series(r.copychunk.source_key, 0x20, 24));
    assert_int_equal(r.copychunk.chunk_count, 2);
    assert_int_equal(r.copychunk.total_length, UINT64_C(0x180000000));
    shorter_is_bad(&o, 32 + 48);
    set_le(&o, 120 + 24, 4, UINT32_MAX);
    assert_false(dissect_as(&o, V_BAD).ioctl.has_details);
    set_le(&o, 120 + 24, 4, 0);
    assert_true(dissect_good(&o).ioctl.has_details);
    response_of(&o, FSCTL_SRV_COPYCHUNK, STATUS_INVALID_PARAMETER);
    put32(&o, 256);
    put32(&o, 1 << 20);
    put32(&o, 16 << 20);
    r = good(&o);
    assert_int_equal(r.copychunk.chunks_written, 256);
    assert_int_equal(r.copychunk.total_bytes_written, 16 << 20);
    shorter_is_bad(&o, 12);
}

static void resume_key(void **state) {
    (void)state;
    struct octets o;
    request_of(&o, FSCTL_SRV_REQUEST_RESUME_KEY);
    assert_false(dissect_good(&o).ioctl.has_details);
    response_of(&o, FSCTL_SRV_REQUEST_RESUME_KEY, STATUS_SUCCESS);
    put_series(&o, 0x20, 24);
    put32(&o, 0);
    assert_true(view_is_series(good(&o).resume_key.key, 0x20, 24));
    shorter_is_bad(&o, 24);
}

static void resiliency(void **state) {
    (void)state;
    struct octets o;
    request_of(&o, FSCTL_LMR_REQUEST_RESILIENCY);
    put32(&o, 120000);
    put32(&o, 0);
    assert_int_equal(good(&o).resiliency.timeout, 120000);
    shorter_is_bad(&o, 8);
}

static void validate_negotiate(void **state) {
    (void)state;
    struct octets o;
    request_of(&o, FSCTL_VALIDATE_NEGOTIATE_INFO);
    put32(&o, 0x7F);
    put_series(&o, 0x30, 16);
    put16(&o, 1);
    put16(&o, 2);
    put16(&o, 0x0300);
    put16(&o, 0x0302);
    struct smb2_ioctl r = good(&o);
    assert_int_equal(r.validate_negotiate.capabilities, 0x7F);
    assert_int_equal(r.validate_negotiate.guid.bytes[15], 0x3F);
    assert_int_equal(r.validate_negotiate.security_mode, 1);
    assert_int_equal(r.validate_negotiate.dialects.count, 2);
    assert_int_equal(r.validate_negotiate.dialects.items[1], 0x0302);
    shorter_is_bad(&o, 28);
    set_le(&o, 120 + 22, 2, 0xFFFF);
    assert_false(dissect_as(&o, V_BAD).ioctl.has_details);
    response_of(&o, FSCTL_VALIDATE_NEGOTIATE_INFO, STATUS_SUCCESS);
    put32(&o, 0x2F);
    put_series(&o, 0x50, 16);
    put16(&o, 3);
    put16(&o, 0x0302);
    r = good(&o);
    assert_int_equal(r.validate_negotiate.security_mode, 3);
    assert_int_equal(r.validate_negotiate.dialects.count, 1);
    assert_int_equal(r.validate_negotiate.dialects.items[0], 0x0302);
    shorter_is_bad(&o, 24);
}

static void dfs_referrals(void **state) {
    (void)state;
    struct octets o;
    request_of(&o, FSCTL_DFS_GET_REFERRALS);
    put16(&o, 4);
    put_utf16(&o, "\\corp\\dfs");
    put16(&o, 0);
    struct smb2_ioctl r = good(&o);
    assert_int_equal(r.dfs.max_level, 4);
    assert_true(text_is(r.dfs.path, "\\corp\\dfs"));
    shorter_is_bad(&o, 2 + 18 + 2);
    request_of(&o, FSCTL_DFS_GET_REFERRALS_EX);
    put16(&o, 4);
    put16(&o, 1);
    put32(&o, 22);
    put16(&o, 10);
    put_utf16(&o, "\\corp");
    put16(&o, 8);
    put_utf16(&o, "site");
    assert_true(text_is(good(&o).dfs.path, "\\corp"));
    shorter_is_bad(&o, 20);
    response_of(&o, FSCTL_DFS_GET_REFERRALS, STATUS_SUCCESS);
    put16(&o, 18);
    put16(&o, 3);
    put32(&o, 3);
    r = good(&o);
    assert_int_equal(r.dfs.path_consumed, 18);
    assert_int_equal(r.dfs.referrals, 3);
    shorter_is_bad(&o, 8);
}

static void put_interface(struct octets *o, uint32_t next, uint16_t family) {
    put32(o, next);
    put32(o, 12);
    put32(o, 1);
    put32(o, 0);
    put64(o, UINT64_C(10000000000));
    put16(o, family);
    put16(o, 0);
    put_series(o, 0xA0, 124);
}

static void interfaces(void **state) {
    (void)state;
    struct octets o;
    response_of(&o, FSCTL_QUERY_NETWORK_INTERFACE_INFO, STATUS_SUCCESS);
    put_interface(&o, 152, 0x0002);
    put_interface(&o, 160, 0x0017);
    put_zeros(&o, 8);
    put_interface(&o, 0, 0x4711);
    struct smb2_ioctl r = good(&o);
    assert_int_equal(r.interfaces.count, 3);
    assert_int_equal(r.interfaces.items[0].index, 12);
    assert_int_equal(r.interfaces.items[0].capability, 1);
    assert_int_equal(r.interfaces.items[0].link_speed, UINT64_C(10000000000));
    assert_int_equal(r.interfaces.items[0].family, 4);
    assert_int_equal(r.interfaces.items[0].address[0], 0xA0);
    assert_int_equal(r.interfaces.items[0].address[4], 0);
    assert_int_equal(r.interfaces.items[1].family, 6);
    assert_int_equal(r.interfaces.items[1].address[0], 0xA4);
    assert_int_equal(r.interfaces.items[1].address[15], 0xB3);
    assert_int_equal(r.interfaces.items[2].family, 0);
    shorter_is_bad(&o, 152 + 160 + 152);
}

static void chains_of_interfaces_that_lie(void **state) {
    (void)state;
    static const uint32_t next[] = {1, 4, 151, 153, 304, 0xFFFFFFF8, UINT32_MAX};
    struct octets o;
    for (unsigned i = 0; i < sizeof next / sizeof *next; i++) {
        response_of(&o, FSCTL_QUERY_NETWORK_INTERFACE_INFO, STATUS_SUCCESS);
        put_interface(&o, next[i], 2);
        put_interface(&o, 0, 2);
        end_buffer(&o);
        assert_false(dissect_as(&o, V_BAD).ioctl.has_details);
    }
}

static void put_reparse(struct octets *o, uint32_t tag) {
    bool flags = tag == IO_REPARSE_TAG_SYMLINK;
    put32(o, tag);
    put16(o, (uint16_t)(8 + (flags ? 4 : 0) + 16));
    put16(o, 0);
    put16(o, 6);
    put16(o, 10);
    put16(o, 0);
    put16(o, 6);
    if (flags) {
        put32(o, SYMLINK_FLAG_RELATIVE);
    }
    put_utf16(o, "b\\c..\\b\\");
}

static void reparse_points(void **state) {
    (void)state;
    struct octets o;
    request_of(&o, FSCTL_SET_REPARSE_POINT);
    put_reparse(&o, IO_REPARSE_TAG_SYMLINK);
    struct smb2_ioctl r = good(&o);
    assert_int_equal(r.reparse.tag, IO_REPARSE_TAG_SYMLINK);
    assert_int_equal(r.reparse.flags, SYMLINK_FLAG_RELATIVE);
    assert_true(text_is(r.reparse.substitute_name, "..\\b\\"));
    assert_true(text_is(r.reparse.print_name, "b\\c"));
    shorter_is_bad(&o, 36);
    response_of(&o, FSCTL_GET_REPARSE_POINT, STATUS_SUCCESS);
    put_reparse(&o, IO_REPARSE_TAG_MOUNT_POINT);
    r = good(&o);
    assert_int_equal(r.reparse.tag, IO_REPARSE_TAG_MOUNT_POINT);
    assert_true(text_is(r.reparse.substitute_name, "..\\b\\"));
    shorter_is_bad(&o, 32);
    response_of(&o, FSCTL_GET_REPARSE_POINT, STATUS_SUCCESS);
    put_reparse(&o, IO_REPARSE_TAG_DEDUP);
    r = good(&o);
    assert_int_equal(r.reparse.tag, IO_REPARSE_TAG_DEDUP);
    assert_int_equal(r.reparse.substitute_name.bytes.n, 0);
}

static void reparse_points_that_lie(void **state) {
    (void)state;
    static const struct {
        unsigned at;
        uint16_t value;
    } lies[] = {{4, 29}, {4, 11}, {4, 0}, {8, 7}, {8, 0xFFFF}, {10, 12}, {10, 9}, {12, 11}, {14, 18}, {14, 3}};
    struct octets o;
    for (unsigned i = 0; i < sizeof lies / sizeof *lies; i++) {
        request_of(&o, FSCTL_SET_REPARSE_POINT);
        put_reparse(&o, IO_REPARSE_TAG_SYMLINK);
        end_buffer(&o);
        set_le(&o, 120 + lies[i].at, 2, lies[i].value);
        assert_false(dissect_as(&o, V_BAD).ioctl.has_details);
    }
}

static void pipe_wait(void **state) {
    (void)state;
    struct octets o;
    request_of(&o, FSCTL_PIPE_WAIT);
    put64(&o, 50);
    put32(&o, 12);
    put8(&o, 1);
    put8(&o, 0);
    put_utf16(&o, "svcctl");
    assert_true(text_is(good(&o).pipe_wait.name, "svcctl"));
    shorter_is_bad(&o, 26);
    set_le(&o, 128, 4, 11);
    assert_false(dissect_as(&o, V_BAD).ioctl.has_details);
    set_le(&o, 128, 4, UINT32_MAX);
    assert_false(dissect_as(&o, V_BAD).ioctl.has_details);
}

/* What the server cut on purpose is no fault, and no detail either. */
static void an_output_that_overflowed(void **state) {
    (void)state;
    struct octets o;
    response_of(&o, FSCTL_DFS_GET_REFERRALS, STATUS_BUFFER_OVERFLOW);
    put_series(&o, 0, 5);
    end_buffer(&o);
    struct smb2_ioctl r = dissect_good(&o).ioctl;
    assert_false(r.has_details);
    assert_int_equal(r.output.n, 5);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(transceive),         cmocka_unit_test(input_and_output),
        cmocka_unit_test(buffers_that_lie),   cmocka_unit_test(copychunk),
        cmocka_unit_test(resume_key),         cmocka_unit_test(resiliency),
        cmocka_unit_test(validate_negotiate), cmocka_unit_test(dfs_referrals),
        cmocka_unit_test(interfaces),         cmocka_unit_test(chains_of_interfaces_that_lie),
        cmocka_unit_test(reparse_points),     cmocka_unit_test(reparse_points_that_lie),
        cmocka_unit_test(pipe_wait),          cmocka_unit_test(an_output_that_overflowed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
