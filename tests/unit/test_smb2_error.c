/* Error responses, MS-SMB2 2.2.2. */
#include <setjmp.h>
#include <stdarg.h>

#include "truncate.h"

#include <cmocka.h>

static void error_of(struct octets *o, uint16_t command, uint32_t status, uint8_t contexts) {
    smb2_response(o, command, status);
    put16(o, 9);
    put8(o, contexts);
    put8(o, 0);
    put32(o, 0);
}

/* The message is told how long ErrorData is, which ends it. */
static void end_data(struct octets *o) {
    set_le(o, 68, 4, o->n - 72);
}

static void without_data(void **state) {
    (void)state;
    struct octets o;
    error_of(&o, SMB2_CREATE, STATUS_ACCESS_DENIED, 0);
    struct smb2_message m = dissect_good(&o);
    assert_true(m.is_error && m.response && !m.empty);
    assert_int_equal(m.header.status, STATUS_ACCESS_DENIED);
    assert_int_equal(m.error.data.n, 0);
    put8(&o, 0); /* the byte that StructureSize counts */
    truncate_all(&o, o.n - 1);
}

static void with_data_that_says_nothing_to_us(void **state) {
    (void)state;
    struct octets o;
    error_of(&o, SMB2_CREATE, STATUS_ACCESS_DENIED, 0);
    put_series(&o, 5, 20);
    end_data(&o);
    assert_true(view_is_series(dissect_good(&o).error.data, 5, 20));
    truncate_all(&o, o.n);
}

static void an_interim_response_is_one(void **state) {
    (void)state;
    struct octets o;
    error_of(&o, SMB2_CHANGE_NOTIFY, STATUS_PENDING, 0);
    set_le(&o, 16, 4, SMB2_FLAGS_SERVER_TO_REDIR | SMB2_FLAGS_ASYNC_COMMAND);
    set_le(&o, 32, 8, 0x77);
    struct smb2_message m = dissect_good(&o);
    assert_true(m.is_error);
    assert_int_equal(m.header.async_id, 0x77);
}

static void put_symlink(struct octets *o) {
    size_t start = o->n;
    put32(o, 0);
    put32(o, 0x4C4D5953);
    put32(o, IO_REPARSE_TAG_SYMLINK);
    put16(o, 12 + 16);
    put16(o, 0x2E);
    put16(o, 6);
    put16(o, 10);
    put16(o, 0);
    put16(o, 6);
    put32(o, SYMLINK_FLAG_RELATIVE);
    put_utf16(o, "b\\c..\\b\\");
    set_le(o, start, 4, o->n - start - 4);
}

static void assert_symlink(const struct smb2_error *e) {
    assert_true(e->has_symlink);
    assert_int_equal(e->unparsed_path_length, 0x2E);
    assert_int_equal(e->symlink_flags, SYMLINK_FLAG_RELATIVE);
    assert_true(text_is(e->substitute_name, "..\\b\\"));
    assert_true(text_is(e->print_name, "b\\c"));
}

static void symlink(void **state) {
    (void)state;
    struct octets o;
    error_of(&o, SMB2_CREATE, STATUS_STOPPED_ON_SYMLINK, 0);
    put_symlink(&o);
    end_data(&o);
    struct smb2_error e = dissect_good(&o).error;
    assert_symlink(&e);
    assert_int_equal(e.context_count, 0);
    truncate_all(&o, o.n);
}

static void symlink_in_a_context(void **state) {
    (void)state;
    struct octets o;
    error_of(&o, SMB2_CREATE, STATUS_STOPPED_ON_SYMLINK, 2);
    put32(&o, 3);
    put32(&o, 0x4711);
    put_series(&o, 0, 3);
    set_le(&o, 76, 4, SMB2_ERROR_ID_DEFAULT);
    set_le(&o, 72, 4, 0);
    o.n = 80;
    size_t context = o.n;
    put32(&o, 0);
    put32(&o, SMB2_ERROR_ID_DEFAULT);
    put_symlink(&o);
    set_le(&o, context, 4, o.n - context - 8);
    end_data(&o);
    struct smb2_error e = dissect_good(&o).error;
    assert_symlink(&e);
    assert_int_equal(e.context_count, 2);
    truncate_all(&o, o.n);
}

static void symlinks_that_lie(void **state) {
    (void)state;
    static const struct {
        unsigned at, n;
        uint64_t value;
    } lies[] = {{72, 4, 1000}, {72, 4, UINT32_MAX}, {76, 4, 0},  {88, 2, 7},  {88, 2, 0xFFFF},
                {90, 2, 12},   {90, 2, 9},          {92, 2, 14}, {94, 2, 18}, {94, 2, 5}};
    struct octets o;
    for (unsigned i = 0; i < sizeof lies / sizeof *lies; i++) {
        error_of(&o, SMB2_CREATE, STATUS_STOPPED_ON_SYMLINK, 0);
        put_symlink(&o);
        end_data(&o);
        set_le(&o, lies[i].at, lies[i].n, lies[i].value);
        assert_false(dissect_as(&o, V_BAD).error.has_symlink);
    }
    for (size_t n = 1; n < 28; n++) {
        error_of(&o, SMB2_CREATE, STATUS_STOPPED_ON_SYMLINK, 0);
        put_symlink(&o);
        o.n = 72 + n;
        end_data(&o);
        assert_false(dissect_as(&o, V_BAD).error.has_symlink);
    }
}

static void redirect_of(struct octets *o, uint32_t addresses) {
    error_of(o, SMB2_TREE_CONNECT, STATUS_BAD_NETWORK_NAME, 1);
    put32(o, 24 + 48 + 8);
    put32(o, SMB2_ERROR_ID_SHARE_REDIRECT);
    put32(o, 48);
    put32(o, 3);
    put32(o, 24 + 48);
    put32(o, 8);
    put32(o, 0);
    put32(o, addresses);
    put_series(o, 0, 48);
    put_utf16(o, "data");
    end_data(o);
}

static void redirect(void **state) {
    (void)state;
    struct octets o;
    redirect_of(&o, 2);
    struct smb2_error e = dissect_good(&o).error;
    assert_true(e.has_redirect);
    assert_int_equal(e.redirect_addresses, 2);
    assert_true(text_is(e.redirect_resource, "data"));
    truncate_all(&o, o.n);
}

static void redirects_that_lie(void **state) {
    (void)state;
    static const struct {
        unsigned at, n;
        uint64_t value;
    } lies[] = {{72, 4, 81},         {72, 4, UINT32_MAX}, {72, 4, 23},         {88, 4, 73},
                {88, 4, UINT32_MAX}, {92, 4, 10},         {100, 4, UINT32_MAX}};
    struct octets o;
    for (unsigned i = 0; i < sizeof lies / sizeof *lies; i++) {
        redirect_of(&o, 2);
        set_le(&o, lies[i].at, lies[i].n, lies[i].value);
        assert_false(dissect_as(&o, V_BAD).error.has_redirect);
    }
    redirect_of(&o, 2);
    set_le(&o, 8, 4, STATUS_ACCESS_DENIED);
    assert_false(dissect_as(&o, V_BAD).error.has_redirect);
}

static void buffer_too_small(void **state) {
    (void)state;
    struct octets o;
    error_of(&o, SMB2_QUERY_INFO, STATUS_BUFFER_TOO_SMALL, 0);
    put32(&o, 4242);
    end_data(&o);
    struct smb2_error e = dissect_good(&o).error;
    assert_true(e.has_required_size);
    assert_int_equal(e.required_size, 4242);
    truncate_all(&o, o.n);
    o.n--;
    end_data(&o);
    assert_false(dissect_as(&o, V_BAD).error.has_required_size);
}

static void counts_and_lengths_that_lie(void **state) {
    (void)state;
    struct octets o;
    error_of(&o, SMB2_CREATE, STATUS_ACCESS_DENIED, 0);
    put_series(&o, 0, 8);
    set_le(&o, 68, 4, 9);
    assert_int_equal(dissect_as(&o, V_BAD).error.data.n, 0);
    set_le(&o, 68, 4, UINT32_MAX);
    assert_int_equal(dissect_as(&o, V_BAD).error.data.n, 0);
    redirect_of(&o, 2);
    set_le(&o, 66, 1, 255);
    assert_int_equal(dissect_as(&o, V_BAD).error.context_count, 1);
}

/* 3.3.5.7: in a context where the dialect is 3.1.1, else as it is. */
static void a_clusters_dialect(void **state) {
    (void)state;
    struct octets o;
    error_of(&o, SMB2_TREE_CONNECT, STATUS_SMB_BAD_CLUSTER_DIALECT, 0);
    put16(&o, 0x0302);
    end_data(&o);
    struct smb2_message m = dissect_good(&o);
    assert_true(m.error.has_cluster_dialect);
    assert_int_equal(m.error.cluster_dialect, 0x0302);
    truncate_all(&o, o.n);
    error_of(&o, SMB2_TREE_CONNECT, STATUS_SMB_BAD_CLUSTER_DIALECT, 1);
    put32(&o, 2);
    put32(&o, 0);
    put16(&o, 0x0300);
    end_data(&o);
    m = dissect_good(&o);
    assert_int_equal(m.error.context_count, 1);
    assert_int_equal(m.error.cluster_dialect, 0x0300);
    truncate_all(&o, o.n);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_clusters_dialect),
        cmocka_unit_test(without_data),
        cmocka_unit_test(with_data_that_says_nothing_to_us),
        cmocka_unit_test(an_interim_response_is_one),
        cmocka_unit_test(symlink),
        cmocka_unit_test(symlink_in_a_context),
        cmocka_unit_test(symlinks_that_lie),
        cmocka_unit_test(redirect),
        cmocka_unit_test(redirects_that_lie),
        cmocka_unit_test(buffer_too_small),
        cmocka_unit_test(counts_and_lengths_that_lie),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
