/* Whole TRANSACTIONs and NT_TRANSACTs: MS-CIFS 2.2.5 and 2.2.7, MS-MAIL 2.2.1, MS-RAP 2.5, MS-SMB 2.2.7. */
#include <setjmp.h>
#include <stdarg.h>

#include "smb1_trans.h"

#include <cmocka.h>

static void begin_pipe(struct trans *t, bool unicode, const char *name, uint16_t subcommand, uint16_t second) {
    trans_begin(t, SMB1_TRANSACTION, unicode, 0);
    if (unicode) {
        put_utf16(&t->name, name);
    } else {
        put_bytes(&t->name, name, strlen(name));
    }
    put16(&t->setup, subcommand);
    put16(&t->setup, second);
}

static void no_transaction(void **state) {
    (void)state;
    struct smb1_parts p = {.command = SMB1_ECHO};
    struct smb1_transaction_request q;
    struct smb1_transaction_response a;
    struct smb1_subject s = {.kind = SMB1_SUBJECT_PIPE};
    assert_int_equal(smb1_transaction_ask(&p, &q), V_NOT_MINE);
    assert_int_equal(smb1_transaction_answer(&p, &s, &a), V_NOT_MINE);
}

static void nothing_to_read(void **state) {
    (void)state;
    struct trans t;
    trans_begin(&t, SMB1_TRANSACTION, false, 0);
    struct smb1_transaction_request q = trans_ask(&t, V_BAD);
    assert_int_equal(q.subject.kind, SMB1_SUBJECT_UNKNOWN);
    assert_null(smb1_subcommand_name(&q.subject));
    assert_null(smb1_level_name(&q.subject));
    assert_false(trans_answer(&t, &q.subject, V_OK).has_details);
}

static void pipe_transact(void **state) {
    (void)state;
    struct trans t;
    for (unsigned unicode = 0; unicode < 2; unicode++) {
        begin_pipe(&t, unicode, "\\PIPE\\", TRANS_TRANSACT_NMPIPE, TEST_FID);
        put_series(&t.data, 5, 40);
        struct smb1_transaction_request q = trans_ask(&t, V_OK);
        assert_int_equal(q.subject.kind, SMB1_SUBJECT_PIPE);
        assert_int_equal(q.subject.subcommand, TRANS_TRANSACT_NMPIPE);
        assert_string_equal(smb1_subcommand_name(&q.subject), "TRANS_TRANSACT_NMPIPE");
        assert_true(q.has_fid);
        assert_int_equal(q.fid, TEST_FID);
        assert_int_equal(q.data.n, 40);
        assert_true(trans_says(&t, q.name, "\\PIPE\\"));
        t.setup.n = 0;
        assert_int_equal(trans_answer(&t, &q.subject, V_OK).data.n, 40);
    }
}

static void pipe_wait(void **state) {
    (void)state;
    struct trans t;
    begin_pipe(&t, false, "\\PIPE\\spoolss", TRANS_WAIT_NMPIPE, 3);
    struct smb1_transaction_request q = trans_ask(&t, V_OK);
    assert_false(q.has_fid);
    assert_int_equal(q.pipe.priority, 3);
    assert_true(trans_says(&t, q.name, "\\PIPE\\spoolss"));
    t.setup.n = 2; /* the subcommand alone */
    q = trans_ask(&t, V_BAD);
    assert_int_equal(q.subject.subcommand, TRANS_WAIT_NMPIPE);
}

static void pipe_states(void **state) {
    (void)state;
    struct trans t;
    begin_pipe(&t, false, "\\PIPE\\", TRANS_SET_NMPIPE_STATE, TEST_FID);
    put16(&t.parameters, 0x4100);
    struct smb1_transaction_request q = trans_ask(&t, V_OK);
    assert_int_equal(q.pipe.pipe_state, 0x4100);
    begin_pipe(&t, false, "\\PIPE\\", TRANS_QUERY_NMPIPE_STATE, TEST_FID);
    q = trans_ask(&t, V_OK);
    put16(&t.parameters, 0x05FF);
    struct smb1_transaction_response a = trans_answer(&t, &q.subject, V_OK);
    assert_true(a.has_details);
    assert_int_equal(a.pipe.status, 0x05FF);
}

static void pipe_info(void **state) {
    (void)state;
    struct trans t;
    begin_pipe(&t, true, "\\PIPE\\", TRANS_QUERY_NMPIPE_INFO, TEST_FID);
    put16(&t.parameters, 1);
    struct smb1_transaction_request q = trans_ask(&t, V_OK);
    assert_int_equal(q.subject.level, 1);
    t.parameters.n = 0;
    put16(&t.data, 4096);
    put16(&t.data, 2048);
    put8(&t.data, 255);
    put8(&t.data, 1);
    put8(&t.data, 14);
    put8(&t.data, 0);
    trans_string(&t.data, &t, "\\PIPE\\a");
    struct smb1_transaction_response a = trans_answer(&t, &q.subject, V_OK);
    assert_int_equal(a.pipe.output_buffer_size, 4096);
    assert_int_equal(a.pipe.input_buffer_size, 2048);
    assert_int_equal(a.pipe.maximum_instances, 255);
    assert_int_equal(a.pipe.current_instances, 1);
    assert_true(trans_says(&t, a.pipe.name, "\\PIPE\\a"));
}

static void pipe_peek_and_write(void **state) {
    (void)state;
    struct trans t;
    begin_pipe(&t, false, "\\PIPE\\", TRANS_PEEK_NMPIPE, TEST_FID);
    struct smb1_transaction_request q = trans_ask(&t, V_OK);
    put16(&t.parameters, 10);
    put16(&t.parameters, 20);
    put16(&t.parameters, 3);
    struct smb1_transaction_response a = trans_answer(&t, &q.subject, V_OK);
    assert_true(a.pipe.available == 10 && a.pipe.message_bytes == 20 && a.pipe.status == 3);
    begin_pipe(&t, false, "\\PIPE\\", TRANS_WRITE_NMPIPE, TEST_FID);
    q = trans_ask(&t, V_OK);
    put16(&t.parameters, 12);
    assert_int_equal(trans_answer(&t, &q.subject, V_OK).pipe.bytes_written, 12);
}

static void mailslot(void **state) {
    (void)state;
    struct trans t;
    begin_pipe(&t, false, "\\MAILSLOT\\BROWSE", 1, 2);
    put16(&t.setup, 2);
    put_series(&t.data, 1, 33);
    struct smb1_transaction_request q = trans_ask(&t, V_OK);
    assert_int_equal(q.subject.kind, SMB1_SUBJECT_MAILSLOT);
    assert_string_equal(smb1_subcommand_name(&q.subject), "TRANS_MAILSLOT_WRITE");
    assert_int_equal(q.mailslot.priority, 2);
    assert_int_equal(q.mailslot.class, 2);
    assert_int_equal(q.data.n, 33);
    assert_true(trans_says(&t, q.name, "\\MAILSLOT\\BROWSE"));
}

static void begin_rap(struct trans *t, uint16_t function, const char *params, const char *data) {
    trans_begin(t, SMB1_TRANSACTION, false, 0);
    put_bytes(&t->name, "\\PIPE\\lanman", 12);
    put16(&t->parameters, function);
    put_oem(&t->parameters, params);
    put_oem(&t->parameters, data);
}

static void rap(void **state) {
    (void)state;
    struct trans t;
    begin_rap(&t, 0, "WrLeh", "B13BWz");
    put16(&t.parameters, 1);
    put16(&t.parameters, 4096);
    struct smb1_transaction_request q = trans_ask(&t, V_OK);
    assert_int_equal(q.subject.kind, SMB1_SUBJECT_RAP);
    assert_string_equal(smb1_subcommand_name(&q.subject), "NetShareEnum");
    assert_int_equal(q.subject.level, 1);
    assert_int_equal(q.rap.receive_buffer_size, 4096);
    assert_true(text_says(q.rap.param_desc, ENC_OEM, "WrLeh"));
    assert_true(text_says(q.rap.data_desc, ENC_OEM, "B13BWz"));
    assert_int_equal(q.rap.params.n, 4);
    t.parameters.n = 0;
    put16(&t.parameters, 0);
    put16(&t.parameters, 16);
    put16(&t.parameters, 3);
    put16(&t.parameters, 4);
    struct smb1_transaction_response a = trans_answer(&t, &q.subject, V_OK);
    assert_true(a.has_details && a.rap.has_entries);
    assert_int_equal(a.rap.converter, 16);
    assert_int_equal(a.rap.entries_returned, 3);
    assert_int_equal(a.rap.entries_available, 4);
}

static void rap_with_a_name(void **state) {
    (void)state;
    struct trans t;
    begin_rap(&t, 1, "zWrLh", "B13BWz");
    put_oem(&t.parameters, "DATA");
    put16(&t.parameters, 2);
    put16(&t.parameters, 512);
    struct smb1_transaction_request q = trans_ask(&t, V_OK);
    assert_string_equal(smb1_subcommand_name(&q.subject), "NetShareGetInfo");
    assert_int_equal(q.subject.level, 2);
    assert_true(trans_says(&t, q.name, "DATA"));
}

static void put_nt_create(struct trans *t, uint32_t name_length) {
    struct octets *o = &t->parameters;
    put32(o, 0x16);
    put32(o, 0);
    put32(o, 0x0012019F);
    put64(o, 0x1000);
    put32(o, FILE_ATTRIBUTE_ARCHIVE);
    put32(o, 7);
    put32(o, 2);
    put32(o, 0x40);
    put32(o, 20);
    put32(o, 30);
    put32(o, name_length);
    put32(o, 2);
    put8(o, 1);
    put_zeros(o, t->unicode ? 1 : 0);
    trans_string(o, t, "\\a.txt");
}

static void nt_create(void **state) {
    (void)state;
    struct trans t;
    for (unsigned unicode = 0; unicode < 2; unicode++) {
        trans_begin(&t, SMB1_NT_TRANSACT, unicode, NT_TRANSACT_CREATE);
        put_nt_create(&t, unicode ? 12 : 6);
        struct smb1_transaction_request q = trans_ask(&t, V_OK);
        assert_int_equal(q.subject.kind, SMB1_SUBJECT_NT);
        assert_string_equal(smb1_subcommand_name(&q.subject), "NT_TRANSACT_CREATE");
        assert_int_equal(q.create.desired_access, 0x0012019F);
        assert_true(q.create.allocation_size == 0x1000);
        assert_int_equal(q.create.create_disposition, 2);
        assert_int_equal(q.create.security_descriptor_length, 20);
        assert_int_equal(q.create.ea_length, 30);
        assert_int_equal(q.create.security_flags, 1);
        assert_true(trans_says(&t, q.name, "\\a.txt"));
        assert_true(trans_says(&t, q.create.file_name, "\\a.txt"));
    }
    trans_begin(&t, SMB1_NT_TRANSACT, false, NT_TRANSACT_CREATE);
    put_nt_create(&t, 0xFFFFFFFF);
    assert_true(trans_says(&t, trans_ask(&t, V_BAD).name, "\\a.txt"));
}

static void nt_created(void **state) {
    (void)state;
    struct smb1_subject s = {.kind = SMB1_SUBJECT_NT, .subcommand = NT_TRANSACT_CREATE2};
    struct trans t;
    for (uint8_t extended = 0; extended < 2; extended++) {
        trans_begin(&t, SMB1_NT_TRANSACT, true, 0);
        put8(&t.parameters, 1);
        put8(&t.parameters, extended);
        put16(&t.parameters, TEST_FID);
        put32(&t.parameters, FILE_CREATED);
        put32(&t.parameters, 0);
        for (unsigned i = 1; i <= 4; i++) {
            put64(&t.parameters, i);
        }
        put32(&t.parameters, FILE_ATTRIBUTE_NORMAL);
        put64(&t.parameters, 4096);
        put64(&t.parameters, 100);
        put16(&t.parameters, 0);
        put16(&t.parameters, 7);
        put8(&t.parameters, 0);
        if (extended) {
            put_series(&t.parameters, 0x40, 16);
            put64(&t.parameters, 99);
            put32(&t.parameters, 0x001F01FF);
            put32(&t.parameters, 0);
        }
        struct smb1_transaction_response a = trans_answer(&t, &s, V_OK);
        assert_true(a.has_details);
        assert_true(a.create.extended == extended);
        assert_int_equal(a.create.fid, TEST_FID);
        assert_int_equal(a.create.create_action, FILE_CREATED);
        assert_true(a.create.times.change == 4 && a.create.end_of_file == 100);
        assert_int_equal(a.create.maximal_access_rights, extended ? 0x001F01FF : 0);
    }
}

static void nt_ioctl(void **state) {
    (void)state;
    struct trans t;
    trans_begin(&t, SMB1_NT_TRANSACT, true, NT_TRANSACT_IOCTL);
    put32(&t.setup, FSCTL_SET_REPARSE_POINT);
    put16(&t.setup, TEST_FID);
    put8(&t.setup, 1);
    put8(&t.setup, 0);
    put_series(&t.data, 1, 9);
    struct smb1_transaction_request q = trans_ask(&t, V_OK);
    assert_int_equal(q.subject.function_code, FSCTL_SET_REPARSE_POINT);
    assert_int_equal(q.fid, TEST_FID);
    assert_true(q.has_fid && q.ioctl.is_fsctl);
    assert_int_equal(q.data.n, 9);
    assert_int_equal(trans_answer(&t, &q.subject, V_OK).data.n, 9);
}

static void nt_notify(void **state) {
    (void)state;
    struct trans t;
    trans_begin(&t, SMB1_NT_TRANSACT, true, NT_TRANSACT_NOTIFY_CHANGE);
    put32(&t.setup, 0x17);
    put16(&t.setup, TEST_FID);
    put8(&t.setup, 1);
    put8(&t.setup, 0);
    struct smb1_transaction_request q = trans_ask(&t, V_OK);
    assert_int_equal(q.notify.completion_filter, 0x17);
    assert_int_equal(q.fid, TEST_FID);
    assert_true(q.notify.watch_tree);
    put32(&t.parameters, 16);
    put32(&t.parameters, 1);
    put32(&t.parameters, 2);
    put_utf16(&t.parameters, "ab");
    put32(&t.parameters, 0);
    put32(&t.parameters, 3);
    put32(&t.parameters, 2);
    put_utf16(&t.parameters, "c");
    assert_int_equal(trans_answer(&t, &q.subject, V_OK).notify.entries, 2);
    set_le(&t.parameters, 0, 4, 4); /* back into itself */
    assert_int_equal(trans_answer(&t, &q.subject, V_BAD).notify.entries, 1);
    set_le(&t.parameters, 0, 4, 0xFFFFFFFF);
    assert_int_equal(trans_answer(&t, &q.subject, V_BAD).notify.entries, 1);
}

static void nt_security_and_quota(void **state) {
    (void)state;
    static const uint16_t subcommands[] = {NT_TRANSACT_QUERY_SECURITY_DESC, NT_TRANSACT_SET_SECURITY_DESC,
                                           NT_TRANSACT_QUERY_QUOTA, NT_TRANSACT_SET_QUOTA};
    struct trans t;
    for (unsigned i = 0; i < 4; i++) {
        trans_begin(&t, SMB1_NT_TRANSACT, true, subcommands[i]);
        put16(&t.parameters, TEST_FID);
        put16(&t.parameters, 0);
        put32(&t.parameters, 4);
        struct smb1_transaction_request q = trans_ask(&t, V_OK);
        assert_true(q.has_fid);
        assert_int_equal(q.fid, TEST_FID);
        assert_int_equal(q.security.information, i < 2 ? 4 : 0);
        t.parameters.n = 0;
        put32(&t.parameters, 148);
        struct smb1_transaction_response a = trans_answer(&t, &q.subject, V_OK);
        assert_true(a.has_details == (i % 2 == 0));
        assert_int_equal(a.security.length, i % 2 == 0 ? 148 : 0);
    }
}

static void nt_rename(void **state) {
    (void)state;
    struct trans t;
    trans_begin(&t, SMB1_NT_TRANSACT, true, NT_TRANSACT_RENAME);
    put16(&t.parameters, TEST_FID);
    put16(&t.parameters, 1);
    trans_string(&t.parameters, &t, "\\new");
    struct smb1_transaction_request q = trans_ask(&t, V_OK);
    assert_int_equal(q.fid, TEST_FID);
    assert_int_equal(q.rename.flags, 1);
    assert_true(trans_says(&t, q.name, "\\new"));
}

static void unknown_subcommands(void **state) {
    (void)state;
    struct trans t;
    trans_begin(&t, SMB1_NT_TRANSACT, true, 0x4444);
    struct smb1_transaction_request q = trans_ask(&t, V_OK);
    assert_int_equal(q.subject.subcommand, 0x4444);
    assert_null(smb1_subcommand_name(&q.subject));
    put_series(&t.parameters, 1, 8);
    assert_false(trans_answer(&t, &q.subject, V_OK).has_details);
    begin_pipe(&t, false, "\\PIPE\\", 0x4444, TEST_FID);
    q = trans_ask(&t, V_OK);
    assert_null(smb1_subcommand_name(&q.subject));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(no_transaction),
        cmocka_unit_test(nothing_to_read),
        cmocka_unit_test(pipe_transact),
        cmocka_unit_test(pipe_wait),
        cmocka_unit_test(pipe_states),
        cmocka_unit_test(pipe_info),
        cmocka_unit_test(pipe_peek_and_write),
        cmocka_unit_test(mailslot),
        cmocka_unit_test(rap),
        cmocka_unit_test(rap_with_a_name),
        cmocka_unit_test(nt_create),
        cmocka_unit_test(nt_created),
        cmocka_unit_test(nt_ioctl),
        cmocka_unit_test(nt_notify),
        cmocka_unit_test(nt_security_and_quota),
        cmocka_unit_test(nt_rename),
        cmocka_unit_test(unknown_subcommands),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
