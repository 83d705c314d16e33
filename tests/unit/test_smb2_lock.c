/* LOCK, MS-SMB2 2.2.26. */
#include <setjmp.h>
#include <stdarg.h>

#include "truncate.h"

#include <cmocka.h>

static void request_of(struct octets *o, uint16_t count, unsigned there) {
    smb2_request(o, SMB2_LOCK);
    put16(o, 48);
    put16(o, count);
    put32(o, 0x21);
    put_file_id(o);
    for (unsigned i = 0; i < there; i++) {
        put64(o, 100 * i);
        put64(o, 10 + i);
        put32(o, SMB2_LOCKFLAG_EXCLUSIVE_LOCK);
        put32(o, 0);
    }
}

static void request(void **state) {
    (void)state;
    struct octets o;
    request_of(&o, 3, 3);
    struct smb2_lock_request r = dissect_good(&o).lock_request;
    assert_int_equal(r.lock_sequence, 0x21);
    assert_int_equal(r.file_id.persistent, TEST_FILE_ID.persistent);
    assert_int_equal(r.lock_count, 3);
    assert_int_equal(r.locks[2].offset, 200);
    assert_int_equal(r.locks[2].length, 12);
    assert_int_equal(r.locks[2].flags, SMB2_LOCKFLAG_EXCLUSIVE_LOCK);
    truncate_all(&o, o.n);
}

static void a_count_beyond_the_message_is_bad(void **state) {
    (void)state;
    struct octets o;
    static const uint16_t counts[] = {4, 0xFFFF};
    for (unsigned i = 0; i < 2; i++) {
        request_of(&o, counts[i], 3);
        struct smb2_lock_request r = dissect_as(&o, V_BAD).lock_request;
        assert_int_equal(r.lock_count, 0);
        assert_int_equal(r.file_id.persistent, TEST_FILE_ID.persistent);
    }
}

static void no_lock_is_bad(void **state) {
    (void)state;
    struct octets o;
    request_of(&o, 0, 1);
    assert_int_equal(dissect_as(&o, V_BAD).lock_request.lock_count, 0);
}

/* 5000 locks are a good message, but more than the arena of a test holds. */
static void more_than_the_arena_holds_is_a_limit(void **state) {
    (void)state;
    enum { COUNT = 5000 };
    static uint8_t message[SMB2_HEADER_SIZE + 24 + 24 * COUNT];
    struct octets o;
    request_of(&o, COUNT, 0);
    memcpy(message, o.b, o.n);
    struct outcome out = dissect_smb2((struct view){message, sizeof message}, 0);
    assert_int_equal(out.verdict, V_LIMIT);
    assert_int_equal(out.smb2, 1);
    assert_int_equal(out.pdu.smb2.lock_request.lock_count, 0);
    assert_int_equal(out.pdu.smb2.lock_request.file_id.persistent, TEST_FILE_ID.persistent);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(request),
        cmocka_unit_test(a_count_beyond_the_message_is_bad),
        cmocka_unit_test(no_lock_is_bad),
        cmocka_unit_test(more_than_the_arena_holds_is_a_limit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
