/* The facts of SMB1's commands: statuses in their two forms, times of DOS, and what a header says for all of them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "../../src/event/maker.h"
#include "event_text.h"

static struct event_maker maker;
static struct flow_facts flow;
static struct connection_facts connection;
static struct tree_facts tree;
static struct handle_facts handle;
static struct smb1_message q, r;
static struct smb1_transaction_request asked;
static struct smb1_transaction_response answered;
static struct operation op;

static int set_up(void **state) {
    (void)state;
    connection = (struct connection_facts){.flow = &flow, .version = 1};
    tree = (struct tree_facts){.id = 1, .share_type = SMB2_SHARE_TYPE_DISK, .path = utf16("\\\\srv\\data")};
    handle = (struct handle_facts){.named = true, .name = utf16("a.txt")};
    memset(&q, 0, sizeof q);
    memset(&r, 0, sizeof r);
    memset(&asked, 0, sizeof asked);
    memset(&answered, 0, sizeof answered);
    q.header.nt_status = r.header.nt_status = true;
    r.response = true;
    return 0;
}

/* The operation is made anew; what the test set in q and r stays. */
static void begin(enum operation_kind kind, uint8_t command) {
    q.command = r.command = command;
    op = (struct operation){
        .kind = kind,
        .connection = &connection,
        .tree = &tree,
        .handle = &handle,
        .smb1_request = &q,
        .smb1_response = &r,
    };
}

static void make(void) {
    maker_operation(&maker, &op, DETAIL_OPERATIONS);
}

static const char *value(enum field field) {
    return event_value(&maker.event, field);
}

/* Every command with any half of it missing or empty: no fact is made of what is not there. The sanitizers look on. */
static void nothing_there(void **state) {
    (void)state;
    for (unsigned command = 0; command < 256; command++) {
        for (unsigned parts = 0; parts < 256; parts++) {
            set_up(NULL);
            begin(OPERATION_OTHER, (uint8_t)command);
            op.smb1_request = parts & 1 || !(parts & 2) ? &q : NULL;
            op.smb1_response = parts & 2 ? &r : NULL;
            q.empty = parts & 4;
            r.empty = parts & 8;
            r.is_error = op.failed = parts & 16;
            op.tree = parts & 32 ? &tree : NULL;
            op.handle = parts & 64 ? &handle : NULL;
            handle.named = parts & 128;
            make();
            assert_true(maker.event.count < EVENT_FACTS_MAX / 2);
        }
    }
}

/* The same of every kind of transaction and its subcommands. */
static void nothing_asked(void **state) {
    (void)state;
    static const uint8_t commands[] = {SMB1_TRANSACTION, SMB1_TRANSACTION2, SMB1_NT_TRANSACT};
    for (unsigned i = 0; i < 3 * (SMB1_SUBJECT_NT + 1) * 256; i++) {
        set_up(NULL);
        begin(OPERATION_OTHER, commands[i % 3]);
        asked.subject.kind = i / 3 % (SMB1_SUBJECT_NT + 1);
        asked.subject.subcommand = (uint16_t)(i / 3 / (SMB1_SUBJECT_NT + 1));
        op.smb1_asked = &asked;
        op.smb1_answered = i % 2 ? &answered : NULL;
        answered.kind = asked.subject.kind;
        answered.has_details = i % 4 == 1;
        make();
        assert_true(maker.event.count < EVENT_FACTS_MAX / 2);
    }
}

/* MS-CIFS 2.2.3.1: PIDHigh, MID, and whether either side signed. */
static void header(void **state) {
    (void)state;
    q.header.message_id = 0xFFFF;
    q.header.process_id = 0x12345678;
    begin(OPERATION_CLOSE, SMB1_CLOSE);
    make();
    assert_string_equal(value(FIELD_COMMAND), "SMB1_CLOSE");
    assert_string_equal(value(FIELD_MESSAGE_ID), "65535");
    assert_string_equal(value(FIELD_PROCESS_ID), "305419896");
    op.unasked = true;
    make();
    assert_string_equal(value(FIELD_MESSAGE_ID), "");
    assert_string_equal(value(FIELD_PROCESS_ID), "");
    assert_string_equal(value(FIELD_STATUS), "");
    begin(OPERATION_OTHER, 0x15);
    make();
    assert_string_equal(value(FIELD_COMMAND), "SMB1_0x15");
}

/* Flags2 of the client says whether it signs (MS-SMB 2.2.3.1), in the requests that begin a session. */
static void signing(void **state) {
    (void)state;
    q.header.flags2 = SMB_FLAGS2_SMB_SECURITY_SIGNATURE | SMB_FLAGS2_SMB_SECURITY_SIGNATURE_REQUIRED;
    q.header.command = SMB1_NEGOTIATE;
    begin(OPERATION_NEGOTIATE, SMB1_NEGOTIATE);
    make();
    assert_string_equal(value(FIELD_SECURITY_MODE_CLIENT), "signing_enabled,signing_required");
    q.header.command = SMB1_CLOSE;
    begin(OPERATION_CLOSE, SMB1_CLOSE);
    make();
    assert_string_equal(value(FIELD_SECURITY_MODE_CLIENT), "");
}

static void statuses(void **state) {
    (void)state;
    begin(OPERATION_CLOSE, SMB1_CLOSE);
    r.header.status = STATUS_SMB_BAD_FID;
    make();
    assert_string_equal(value(FIELD_STATUS), "STATUS_SMB_BAD_FID");
    assert_string_equal(value(FIELD_STATUS_CODE), "393217");
    r.header.nt_status = false;
    r.header.error_class = 1;
    r.header.error_code = 6;
    make();
    assert_string_equal(value(FIELD_STATUS), "ERRDOS/ERRbadfid");
    assert_string_equal(value(FIELD_STATUS_CODE), "");
    r.header.error_class = 0x77;
    r.header.error_code = 0x1234;
    make();
    assert_string_equal(value(FIELD_STATUS), "0x77/0x1234");
    r.header.status = 0;
    make();
    assert_string_equal(value(FIELD_STATUS), "STATUS_SUCCESS");
}

/* SMB_DATE and SMB_TIME in the zone of the server, MS-CIFS 2.2.1.4 and 2.2.4.52.2; a UTIME of 0 or -1 is none. */
static void times(void **state) {
    (void)state;
    begin(OPERATION_NEGOTIATE, SMB1_NEGOTIATE);
    r.negotiate_response.lan_manager = true;
    r.negotiate_response.server_time =
        (struct smb1_dos_time){(2000 - 1980) << 9 | 2 << 5 | 29, 23 << 11 | 59 << 5 | 29};
    r.negotiate_response.server_time_zone = 60;
    make();
    assert_string_equal(value(FIELD_SERVER_TIME), "951872398000000000"); /* 2000-03-01T00:59:58Z */
    r.negotiate_response.server_time.date = 0;
    make();
    assert_string_equal(value(FIELD_SERVER_TIME), "");
    begin(OPERATION_SET_INFO, SMB1_SET_INFORMATION);
    memset(&q.set_information_request, 0, sizeof q.set_information_request);
    q.set_information_request.last_write_time = 1000000000;
    make();
    assert_string_equal(value(FIELD_MODIFIED_TIME), "1000000000000000000");
    q.set_information_request.last_write_time = UINT32_MAX;
    make();
    assert_string_equal(value(FIELD_MODIFIED_TIME), "");
}

/* A copy on the server: the file was written, though no WRITE was sent. */
static void copies(void **state) {
    (void)state;
    begin(OPERATION_IOCTL, SMB1_NT_TRANSACT);
    asked.subject = (struct smb1_subject){SMB1_SUBJECT_NT, NT_TRANSACT_IOCTL, 0, 0, FSCTL_SRV_COPYCHUNK};
    asked.ioctl.copies = true;
    answered.kind = SMB1_SUBJECT_NT;
    answered.has_details = true;
    answered.ioctl.total_bytes_written = 1731;
    op.smb1_asked = &asked;
    op.smb1_answered = &answered;
    op.copy_source = utf16("source");
    make();
    assert_string_equal(value(FIELD_CONTROL_CODE), "FSCTL_SRV_COPYCHUNK");
    assert_string_equal(value(FIELD_COPY_SOURCE), "source");
    assert_string_equal(value(FIELD_BYTES_COPIED), "1731");
    assert_true(maker_wants(&op, DETAIL_HANDLES));
    r.header.status = STATUS_INVALID_PARAMETER; /* what is told are the limits of the server */
    make();
    assert_string_equal(value(FIELD_BYTES_COPIED), "");
    r.header.status = 0;
    asked.subject.function_code = FSCTL_SRV_ENUMERATE_SNAPSHOTS;
    assert_false(maker_wants(&op, DETAIL_HANDLES));
    op.smb1_asked = NULL;
    assert_false(maker_wants(&op, DETAIL_HANDLES));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(nothing_there, set_up), cmocka_unit_test_setup(nothing_asked, set_up),
        cmocka_unit_test_setup(header, set_up),        cmocka_unit_test_setup(signing, set_up),
        cmocka_unit_test_setup(statuses, set_up),      cmocka_unit_test_setup(times, set_up),
        cmocka_unit_test_setup(copies, set_up),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
