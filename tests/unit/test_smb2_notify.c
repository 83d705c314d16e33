/* CHANGE_NOTIFY, MS-SMB2 2.2.35 and 2.2.36, and SERVER_TO_CLIENT_NOTIFICATION, 2.2.44. */
#include <setjmp.h>
#include <stdarg.h>

#include "truncate.h"

#include <cmocka.h>

static void request(void **state) {
    (void)state;
    struct octets o;
    smb2_request(&o, SMB2_CHANGE_NOTIFY);
    put16(&o, 32);
    put16(&o, SMB2_WATCH_TREE);
    put32(&o, 2048);
    put_file_id(&o);
    put32(&o, FILE_NOTIFY_CHANGE_FILE_NAME);
    put32(&o, 0);
    struct smb2_change_notify_request r = dissect_good(&o).change_notify_request;
    assert_int_equal(r.flags, SMB2_WATCH_TREE);
    assert_int_equal(r.output_buffer_length, 2048);
    assert_int_equal(r.file_id.persistent, TEST_FILE_ID.persistent);
    assert_int_equal(r.completion_filter, FILE_NOTIFY_CHANGE_FILE_NAME);
    truncate_all(&o, o.n);
}

static void put_entry(struct octets *o, uint32_t next, const char *name) {
    put32(o, next);
    put32(o, FILE_ACTION_ADDED);
    put32(o, (uint32_t)(2 * strlen(name)));
    put_utf16(o, name);
}

/* MS-FSCC 2.7.1 */
static void response_of(struct octets *o, uint32_t status, uint16_t offset, uint32_t length) {
    smb2_response(o, SMB2_CHANGE_NOTIFY, status);
    put16(o, 9);
    put16(o, offset);
    put32(o, length);
    put_entry(o, 20, "a.td");
    put_entry(o, 0, "b");
}

static void response(void **state) {
    (void)state;
    struct octets o;
    response_of(&o, STATUS_SUCCESS, 72, 34);
    struct smb2_entries r = dissect_good(&o).change_notify_response;
    assert_int_equal(r.entries, 2);
    assert_int_equal(r.buffer.n, 34);
    truncate_all(&o, o.n);
}

static void too_many_to_tell(void **state) {
    (void)state;
    struct octets o;
    response_of(&o, STATUS_NOTIFY_ENUM_DIR, 72, 0);
    struct smb2_message m = dissect_good(&o);
    assert_false(m.is_error);
    assert_int_equal(m.change_notify_response.entries, 0);
}

static void buffers_and_chains_that_lie(void **state) {
    (void)state;
    struct octets o;
    response_of(&o, STATUS_SUCCESS, 72, 35);
    assert_int_equal(dissect_as(&o, V_BAD).change_notify_response.entries, 0);
    response_of(&o, STATUS_SUCCESS, 64, 34);
    assert_int_equal(dissect_as(&o, V_BAD).change_notify_response.entries, 0);
    response_of(&o, STATUS_SUCCESS, 72, 34);
    set_le(&o, 72, 4, 3);
    assert_int_equal(dissect_as(&o, V_BAD).change_notify_response.entries, 1);
}

static void notification_of(struct octets *o, uint32_t flags) {
    smb2_response(o, SMB2_SERVER_TO_CLIENT_NOTIFICATION, STATUS_SUCCESS);
    set_le(o, 16, 4, flags);
    put16(o, 12);
    put16(o, 0);
    put32(o, SmbNotifySessionClosed);
    put32(o, 0);
}

static void notification(void **state) {
    (void)state;
    struct octets o;
    notification_of(&o, SMB2_FLAGS_SERVER_TO_REDIR);
    assert_int_equal(dissect_good(&o).notification.type, SmbNotifySessionClosed);
    truncate_all(&o, o.n);
    set_le(&o, 16, 4, 0); /* nor is it specified that the flag is set */
    struct smb2_message m = dissect_as(&o, V_OK);
    assert_int_equal(m.notification.type, SmbNotifySessionClosed);
    set_le(&o, 16, 4, SMB2_FLAGS_SERVER_TO_REDIR);
    set_le(&o, 64, 2, 4); /* no number is specified, so others are found */
    assert_false(dissect_good(&o).empty);
    o.n = 64 + 7;
    assert_true(dissect_as(&o, V_SHORT).empty);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(request),          cmocka_unit_test(response),
        cmocka_unit_test(too_many_to_tell), cmocka_unit_test(buffers_and_chains_that_lie),
        cmocka_unit_test(notification),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
