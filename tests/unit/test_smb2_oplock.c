/* OPLOCK_BREAK, MS-SMB2 2.2.23 to 2.2.25. */
#include <setjmp.h>
#include <stdarg.h>

#include "truncate.h"

#include <cmocka.h>

static void put_oplock(struct octets *o) {
    put16(o, 24);
    put8(o, SMB2_OPLOCK_LEVEL_II);
    put_zeros(o, 5);
    put_file_id(o);
}

static void assert_oplock(const struct octets *o) {
    struct smb2_oplock_break r = dissect_good(o).oplock_break;
    assert_false(r.lease);
    assert_int_equal(r.oplock_level, SMB2_OPLOCK_LEVEL_II);
    assert_int_equal(r.file_id.persistent, TEST_FILE_ID.persistent);
    assert_int_equal(r.file_id.volatile_part, TEST_FILE_ID.volatile_part);
    truncate_all(o, o->n);
}

static void oplocks(void **state) {
    (void)state;
    struct octets o;
    smb2_response(&o, SMB2_OPLOCK_BREAK, STATUS_SUCCESS);
    set_le(&o, 24, 8, UINT64_MAX);
    put_oplock(&o);
    assert_oplock(&o);
    smb2_request(&o, SMB2_OPLOCK_BREAK);
    put_oplock(&o);
    assert_oplock(&o);
}

static void put_lease(struct octets *o) {
    put16(o, 36);
    put16(o, 0);
    put32(o, 0x55);
    put_series(o, 0x40, 16);
    put32(o, SMB2_LEASE_READ_CACHING);
    put64(o, 0);
}

static void assert_lease(const struct octets *o) {
    struct smb2_oplock_break r = dissect_good(o).oplock_break;
    assert_true(r.lease);
    assert_int_equal(r.lease_flags, 0x55);
    assert_int_equal(r.lease_key.bytes[0], 0x40);
    assert_int_equal(r.lease_key.bytes[15], 0x4F);
    assert_int_equal(r.lease_state, SMB2_LEASE_READ_CACHING);
    truncate_all(o, o->n);
}

static void leases(void **state) {
    (void)state;
    struct octets o;
    smb2_request(&o, SMB2_OPLOCK_BREAK);
    put_lease(&o);
    assert_lease(&o);
    smb2_response(&o, SMB2_OPLOCK_BREAK, STATUS_SUCCESS);
    put_lease(&o);
    assert_lease(&o);
}

static void put_lease_notification(struct octets *o) {
    put16(o, 44);
    put16(o, 2);
    put32(o, SMB2_NOTIFY_BREAK_LEASE_FLAG_ACK_REQUIRED);
    put_series(o, 0x40, 16);
    put32(o, SMB2_LEASE_READ_CACHING | SMB2_LEASE_WRITE_CACHING);
    put32(o, SMB2_LEASE_READ_CACHING);
    put32(o, 3);
    put64(o, 0);
}

static void lease_notification(void **state) {
    (void)state;
    struct octets o;
    smb2_response(&o, SMB2_OPLOCK_BREAK, STATUS_SUCCESS);
    put_lease_notification(&o);
    struct smb2_oplock_break r = dissect_good(&o).oplock_break;
    assert_true(r.lease);
    assert_int_equal(r.lease_flags, SMB2_NOTIFY_BREAK_LEASE_FLAG_ACK_REQUIRED);
    assert_int_equal(r.lease_key.bytes[15], 0x4F);
    assert_int_equal(r.current_state, SMB2_LEASE_READ_CACHING | SMB2_LEASE_WRITE_CACHING);
    assert_int_equal(r.lease_state, SMB2_LEASE_READ_CACHING);
    assert_int_equal(r.break_reason, 3);
    truncate_all(&o, o.n);
}

static void a_client_does_not_notify(void **state) {
    (void)state;
    struct octets o;
    smb2_request(&o, SMB2_OPLOCK_BREAK);
    put_lease_notification(&o);
    assert_true(dissect_as(&o, V_BAD).empty);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(oplocks),
        cmocka_unit_test(leases),
        cmocka_unit_test(lease_notification),
        cmocka_unit_test(a_client_does_not_notify),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
