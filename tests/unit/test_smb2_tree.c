/* TREE_CONNECT, MS-SMB2 2.2.9 and 2.2.10. */
#include <setjmp.h>
#include <stdarg.h>

#include "truncate.h"

#include <cmocka.h>

static void request_of(struct octets *o, const char *path) {
    smb2_request(o, SMB2_TREE_CONNECT);
    put16(o, 9);
    put16(o, 0);
    put16(o, 72);
    put16(o, (uint16_t)(2 * strlen(path)));
    put_utf16(o, path);
}

static void request(void **state) {
    (void)state;
    struct octets o;
    request_of(&o, "\\\\FS01\\ADMIN$");
    struct smb2_tree_connect_request r = dissect_good(&o).tree_connect_request;
    assert_true(text_is(r.path, "\\\\FS01\\ADMIN$"));
    assert_false(r.has_extension);
    truncate_all(&o, o.n);
}

static void offsets_that_lie(void **state) {
    (void)state;
    static const struct {
        uint16_t offset, length;
    } lies[] = {{0, 26}, {64, 26}, {71, 26}, {74, 26}, {72, 28}, {0xFFFF, 2}, {72, 0xFFFE}};
    struct octets o;
    for (unsigned i = 0; i < sizeof lies / sizeof *lies; i++) {
        request_of(&o, "\\\\FS01\\ADMIN$");
        set_le(&o, 68, 2, lies[i].offset);
        set_le(&o, 70, 2, lies[i].length);
        struct smb2_message m = dissect_as(&o, V_BAD);
        assert_int_equal(m.tree_connect_request.path.bytes.n, 0);
        assert_false(m.empty);
    }
}

static void half_a_unit_is_bad_and_the_rest_is_the_path(void **state) {
    (void)state;
    struct octets o;
    request_of(&o, "\\\\A\\B");
    set_le(&o, 70, 2, 9);
    assert_true(text_is(dissect_as(&o, V_BAD).tree_connect_request.path, "\\\\A\\"));
}

/* 2.2.9.1, with two contexts of which the first is padded */
static void extended_request(struct octets *o) {
    smb2_request(o, SMB2_TREE_CONNECT);
    put16(o, 9);
    put16(o, SMB2_TREE_CONNECT_FLAG_EXTENSION_PRESENT);
    put16(o, 72 + 16);
    put16(o, 16);
    put32(o, 40);
    put16(o, 2);
    put_zeros(o, 10);
    put_utf16(o, "\\\\FS01\\C");
    put16(o, 1);
    put16(o, 5);
    put32(o, 0);
    put_series(o, 1, 5);
    put_padding(o);
    put16(o, 1);
    put16(o, 3);
    put32(o, 0);
    put_series(o, 1, 3);
}

static void request_with_extension(void **state) {
    (void)state;
    struct octets o;
    extended_request(&o);
    assert_int_equal(o.n, 64 + 40 + 16 + 8 + 3);
    struct smb2_tree_connect_request r = dissect_good(&o).tree_connect_request;
    assert_true(text_is(r.path, "\\\\FS01\\C"));
    assert_true(r.has_extension);
    assert_int_equal(r.extension_contexts, 2);
    truncate_all(&o, o.n);
}

static void extensions_that_lie(void **state) {
    (void)state;
    struct octets o;
    extended_request(&o);
    set_le(&o, 72, 4, UINT32_MAX);
    assert_true(text_is(dissect_as(&o, V_BAD).tree_connect_request.path, "\\\\FS01\\C"));
    extended_request(&o);
    set_le(&o, 76, 2, 3);
    assert_int_equal(dissect_as(&o, V_BAD).tree_connect_request.extension_contexts, 2);
    extended_request(&o);
    set_le(&o, 106, 2, 0xFFFF);
    assert_int_equal(dissect_as(&o, V_BAD).tree_connect_request.extension_contexts, 0);
    extended_request(&o);
    o.n = 80;
    assert_false(dissect_as(&o, V_BAD).tree_connect_request.has_extension);
}

static void response(void **state) {
    (void)state;
    struct octets o;
    smb2_response(&o, SMB2_TREE_CONNECT, STATUS_SUCCESS);
    put16(&o, 16);
    put8(&o, SMB2_SHARE_TYPE_PIPE);
    put8(&o, 0);
    put32(&o, SMB2_SHAREFLAG_ENCRYPT_DATA);
    put32(&o, SMB2_SHARE_CAP_DFS);
    put32(&o, 0x001F01FF);
    struct smb2_tree_connect_response r = dissect_good(&o).tree_connect_response;
    assert_int_equal(r.share_type, SMB2_SHARE_TYPE_PIPE);
    assert_int_equal(r.share_flags, SMB2_SHAREFLAG_ENCRYPT_DATA);
    assert_int_equal(r.capabilities, SMB2_SHARE_CAP_DFS);
    assert_int_equal(r.maximal_access, 0x001F01FF);
    truncate_all(&o, o.n);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(request),
        cmocka_unit_test(offsets_that_lie),
        cmocka_unit_test(half_a_unit_is_bad_and_the_rest_is_the_path),
        cmocka_unit_test(request_with_extension),
        cmocka_unit_test(extensions_that_lie),
        cmocka_unit_test(response),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
