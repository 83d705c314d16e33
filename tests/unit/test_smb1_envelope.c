/* The messages of transactions: counts, offsets, displacements, setup and the views of the parts. MS-CIFS 2.2.4.33, 2.2.4.34, 2.2.4.35,
 * 2.2.4.46, 2.2.4.47, 2.2.4.62, 2.2.4.63. */
#include <setjmp.h>
#include <stdarg.h>

#include "smb1_wire.h"

#include <cmocka.h>

enum {
    PARAMETERS = 6,
    DATA = 10,
    WORDS_AT = SMB1_HEADER_SIZE + 1,
    REQUEST_PARAMETER_COUNT = WORDS_AT + 18, /* then offset, data count and offset, setup count: TRANSACTION */
    NT_PARAMETER_COUNT = WORDS_AT + 19,
};

static const uint8_t both[] = {SMB1_TRANSACTION, SMB1_TRANSACTION2};

/* Puts ByteCount and the parts, and sets their counts and offsets, of `width` bytes each, `step` after one another. */
static void put_parts(struct octets *o, uint16_t flags2, const char *name, size_t at, unsigned width, unsigned step) {
    size_t bytes = open_bytes(o);
    if (name) {
        put_string(o, flags2, name);
    } else {
        put_zeros(o, 3);
    }
    set_le(o, at, width, PARAMETERS);
    set_le(o, at + width, width, o->n);
    put_series(o, 0x10, PARAMETERS);
    put_zeros(o, 2);
    set_le(o, at + step, width, DATA);
    set_le(o, at + step + width, width, o->n);
    put_series(o, 0x80, DATA);
    close_bytes(o, bytes);
}

static void put_request(struct octets *o, uint8_t command, uint16_t flags2, uint8_t setup) {
    smb1_request(o, command, flags2);
    put8(o, 14 + setup);
    put16(o, 100);
    put16(o, 200);
    put16(o, 300);
    put16(o, 400);
    put8(o, 3);
    put8(o, 0);
    put16(o, 2);
    put32(o, 5000);
    put16(o, 0);
    put_zeros(o, 8);
    put8(o, setup);
    put8(o, 0);
    for (uint8_t i = 0; i < setup; i++) {
        put16(o, 0x26 + i);
    }
    put_parts(o, flags2, command == SMB1_TRANSACTION ? "\\PIPE\\" : NULL, REQUEST_PARAMETER_COUNT, 2, 4);
}

static void check_parts(const struct smb1_transaction *t) {
    assert_int_equal(t->parameters.n, PARAMETERS);
    assert_int_equal(t->parameters.p[0], 0x10);
    assert_int_equal(t->data.n, DATA);
    assert_int_equal(t->data.p[0], 0x80);
}

static void requests(void **state) {
    (void)state;
    struct octets o;
    for (unsigned i = 0; i < 4; i++) {
        uint16_t flags2 = i / 2 ? TEST_UNICODE : TEST_OEM;
        put_request(&o, both[i % 2], flags2, 2);
        smb1_truncate_all(&o, o.n);
        struct smb1_message m = smb1_good(&o);
        const struct smb1_transaction *t = &m.transaction;
        assert_false(t->secondary || t->interim);
        assert_int_equal(t->total_parameter_count, 100);
        assert_int_equal(t->total_data_count, 200);
        assert_int_equal(t->max_parameter_count, 300);
        assert_int_equal(t->max_data_count, 400);
        assert_int_equal(t->max_setup_count, 3);
        assert_int_equal(t->flags, 2);
        assert_int_equal(t->timeout, 5000);
        assert_int_equal(t->setup.n, 4);
        assert_int_equal(t->setup.p[0], 0x26);
        check_parts(t);
        assert_true(both[i % 2] != SMB1_TRANSACTION || smb1_says(t->name, flags2, "\\PIPE\\"));
    }
}

static void requests_that_lie(void **state) {
    (void)state;
    static const struct {
        unsigned at; /* from the count of the parameters on */
        uint16_t value;
        bool parameters, data; /* that stand all the same */
    } lies[] = {
        {0, 0xFFFF, false, true}, {2, 0xFFFF, false, true}, {2, 3, false, true},     /* inside the header */
        {4, 0xFFFF, true, false}, {6, 0xFFFF, true, false}, {8, 0x00FF, true, true}, /* more setup than words */
    };
    for (unsigned i = 0; i < sizeof lies / sizeof *lies; i++) {
        struct octets o;
        put_request(&o, SMB1_TRANSACTION2, TEST_OEM, 2);
        set_le(&o, REQUEST_PARAMETER_COUNT + lies[i].at, lies[i].at == 8 ? 1 : 2, lies[i].value);
        struct smb1_transaction t = smb1_as(&o, V_BAD).transaction;
        assert_int_equal(t.parameters.n, lies[i].parameters ? PARAMETERS : 0);
        assert_int_equal(t.data.n, lies[i].data ? DATA : 0);
        assert_int_equal(t.total_data_count, 200);
    }
}

static void secondary_requests(void **state) {
    (void)state;
    static const uint8_t commands[] = {SMB1_TRANSACTION_SECONDARY, SMB1_TRANSACTION2_SECONDARY};
    for (unsigned i = 0; i < 2; i++) {
        struct octets o;
        smb1_request(&o, commands[i], TEST_OEM);
        put8(&o, i ? 9 : 8);
        put16(&o, 100);
        put16(&o, 200);
        put_zeros(&o, 4);
        put16(&o, 50);
        put_zeros(&o, 4);
        put16(&o, 60);
        if (i) {
            put16(&o, TEST_FID);
        }
        put_parts(&o, TEST_OEM, NULL, WORDS_AT + 4, 2, 6);
        smb1_truncate_all(&o, o.n);
        struct smb1_message m = smb1_good(&o);
        const struct smb1_transaction *t = &m.transaction;
        assert_true(t->secondary);
        assert_int_equal(t->total_parameter_count, 100);
        assert_int_equal(t->total_data_count, 200);
        assert_int_equal(t->parameter_displacement, 50);
        assert_int_equal(t->data_displacement, 60);
        assert_int_equal(t->fid, i ? TEST_FID : 0);
        check_parts(t);
    }
}

static void responses(void **state) {
    (void)state;
    for (unsigned i = 0; i < 2; i++) {
        struct octets o;
        smb1_response(&o, both[i], TEST_OEM, 0);
        put8(&o, 11);
        put16(&o, 100);
        put16(&o, 200);
        put_zeros(&o, 2 + 4);
        put16(&o, 50);
        put_zeros(&o, 4);
        put16(&o, 60);
        put8(&o, 1);
        put8(&o, 0);
        put16(&o, 0x1234);
        put_parts(&o, TEST_OEM, NULL, WORDS_AT + 6, 2, 6);
        smb1_truncate_all(&o, o.n);
        struct smb1_message m = smb1_good(&o);
        const struct smb1_transaction *t = &m.transaction;
        assert_int_equal(t->total_parameter_count, 100);
        assert_int_equal(t->total_data_count, 200);
        assert_int_equal(t->parameter_displacement, 50);
        assert_int_equal(t->data_displacement, 60);
        assert_int_equal(t->setup.n, 2);
        check_parts(t);
    }
}

static void interim_responses(void **state) {
    (void)state;
    static const uint8_t commands[] = {SMB1_TRANSACTION, SMB1_TRANSACTION2, SMB1_NT_TRANSACT};
    for (unsigned i = 0; i < sizeof commands; i++) {
        struct octets o;
        smb1_response(&o, commands[i], TEST_OEM, 0);
        put8(&o, 0);
        put16(&o, 0);
        struct smb1_message m = smb1_whole(&o);
        assert_true(m.transaction.interim);
        assert_false(m.is_error);
        smb1_response(&o, commands[i], TEST_OEM, STATUS_ACCESS_DENIED);
        put8(&o, 0);
        put16(&o, 0);
        m = smb1_whole(&o);
        assert_true(m.is_error);
        assert_false(m.transaction.interim);
    }
}

static void put_nt_totals(struct octets *o) {
    put32(o, 0x10064);
    put32(o, 0x100C8);
}

static void nt_request(void **state) {
    (void)state;
    struct octets o;
    smb1_request(&o, SMB1_NT_TRANSACT, TEST_UNICODE);
    put8(&o, 19 + 4);
    put8(&o, 2);
    put16(&o, 0);
    put_nt_totals(&o);
    put32(&o, 300);
    put32(&o, 400);
    put_zeros(&o, 16);
    put8(&o, 4);
    put16(&o, NT_TRANSACT_IOCTL);
    put_series(&o, 1, 8);
    put_parts(&o, TEST_UNICODE, NULL, NT_PARAMETER_COUNT, 4, 8);
    smb1_truncate_all(&o, o.n);
    struct smb1_message m = smb1_good(&o);
    const struct smb1_transaction *t = &m.transaction;
    assert_int_equal(t->function, NT_TRANSACT_IOCTL);
    assert_int_equal(t->max_setup_count, 2);
    assert_int_equal(t->total_parameter_count, 0x10064);
    assert_int_equal(t->total_data_count, 0x100C8);
    assert_int_equal(t->max_parameter_count, 300);
    assert_int_equal(t->max_data_count, 400);
    assert_int_equal(t->setup.n, 8);
    check_parts(t);
    for (unsigned at = 0; at < 16; at += 4) {
        struct octets lie = o;
        set_le(&lie, NT_PARAMETER_COUNT + at, 4, 0xFFFFFFF0);
        struct smb1_message bad = smb1_as(&lie, V_BAD);
        assert_true((bad.transaction.parameters.n == 0) == (at < 8));
        assert_true((bad.transaction.data.n == 0) == (at >= 8));
    }
}

static void put_nt_counts(struct octets *o) {
    put_zeros(o, 3);
    put_nt_totals(o);
    put_zeros(o, 8);
    put32(o, 50);
    put_zeros(o, 8);
    put32(o, 60);
}

static void check_nt_counts(const struct smb1_transaction *t) {
    assert_int_equal(t->total_parameter_count, 0x10064);
    assert_int_equal(t->total_data_count, 0x100C8);
    assert_int_equal(t->parameter_displacement, 50);
    assert_int_equal(t->data_displacement, 60);
    check_parts(t);
}

static void nt_response(void **state) {
    (void)state;
    struct octets o;
    smb1_response(&o, SMB1_NT_TRANSACT, TEST_UNICODE, 0);
    put8(&o, 19);
    put_nt_counts(&o);
    put8(&o, 1);
    put16(&o, 7);
    put_parts(&o, TEST_UNICODE, NULL, WORDS_AT + 11, 4, 12);
    smb1_truncate_all(&o, o.n);
    struct smb1_message m = smb1_good(&o);
    check_nt_counts(&m.transaction);
    assert_int_equal(m.transaction.setup.n, 2);
}

static void nt_secondary(void **state) {
    (void)state;
    struct octets o;
    smb1_request(&o, SMB1_NT_TRANSACT_SECONDARY, TEST_UNICODE);
    put8(&o, 18);
    put_nt_counts(&o);
    put8(&o, 0);
    put_parts(&o, TEST_UNICODE, NULL, WORDS_AT + 11, 4, 12);
    smb1_truncate_all(&o, o.n);
    struct smb1_message m = smb1_good(&o);
    assert_true(m.transaction.secondary);
    check_nt_counts(&m.transaction);
}

static void ioctl_of_old(void **state) {
    (void)state;
    struct octets o;
    smb1_request(&o, SMB1_IOCTL, TEST_OEM);
    put8(&o, 14);
    put16(&o, TEST_FID);
    put16(&o, 0x53);
    put16(&o, 0x60);
    put_zeros(&o, 14 + 8);
    put_parts(&o, TEST_OEM, NULL, WORDS_AT + 20, 2, 4);
    smb1_truncate_all(&o, o.n);
    struct smb1_message m = smb1_good(&o);
    assert_int_equal(m.ioctl.fid, TEST_FID);
    assert_int_equal(m.ioctl.category, 0x53);
    assert_int_equal(m.ioctl.function, 0x60);
    assert_int_equal(m.ioctl.parameters.n, PARAMETERS);
    assert_int_equal(m.ioctl.data.n, DATA);
    smb1_response(&o, SMB1_IOCTL, TEST_OEM, 0);
    put8(&o, 8);
    put_zeros(&o, 16);
    put_parts(&o, TEST_OEM, NULL, WORDS_AT + 4, 2, 6);
    smb1_truncate_all(&o, o.n);
    m = smb1_good(&o);
    assert_int_equal(m.ioctl.parameters.n, PARAMETERS);
    assert_int_equal(m.ioctl.data.n, DATA);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(requests),    cmocka_unit_test(requests_that_lie), cmocka_unit_test(secondary_requests),
        cmocka_unit_test(responses),   cmocka_unit_test(interim_responses), cmocka_unit_test(nt_request),
        cmocka_unit_test(nt_response), cmocka_unit_test(nt_secondary),      cmocka_unit_test(ioctl_of_old),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
