/* What every record has, whatever its command; and which operations have one. */
#include "../../src/event/maker.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "event_text.h"

static struct event_maker maker;
static struct flow_facts flow;
static struct connection_facts connection;
static struct session_facts session;
static struct auth_facts auth;
static struct tree_facts tree;
static struct handle_facts handle;
static struct smb2_message request, response;

static int set_up(void **state) {
    (void)state;
    flow = (struct flow_facts){.first = {1000, 1}, .last = {9000, 9}, .start_seen = true};
    connection = (struct connection_facts){.flow = &flow, .version = 3, .dialect = SMB2_DIALECT_0311};
    auth = (struct auth_facts){.kind = AUTH_NTLMV2,
                               .domain = utf16("CORP"),
                               .user = utf16("alice"),
                               .workstation = utf16("WS"),
                               .machine = {.host = utf16("WS")}};
    session = (struct session_facts){.id = 0x51, .auth = &auth};
    tree = (struct tree_facts){.id = 1, .share_type = SMB2_SHARE_TYPE_DISK, .path = utf16("\\\\srv\\data")};
    handle = (struct handle_facts){
        .named = true, .name = utf16("a.txt"), .bytes_read = 1, .bytes_written = 2, .read_count = 3, .write_count = 4};
    request = (struct smb2_message){.header = {.command = SMB2_ECHO, .message_id = 5}};
    response = (struct smb2_message){.header = {.command = SMB2_ECHO, .message_id = 5}, .response = true};
    return 0;
}

/* A request with its response, and all they belong to. */
static struct operation operation(enum operation_kind kind, uint16_t command) {
    request.header.command = response.header.command = command;
    return (struct operation){
        .kind = kind,
        .connection = &connection,
        .session = &session,
        .tree = &tree,
        .handle = &handle,
        .header = &request.header,
        .request = &request,
        .response = &response,
        .begin = {2000, 2},
        .end = {2500, 3},
        .session_id = 0x51,
        .tree_id = 1,
        .has_tree_id = true,
        .expects_response = true,
    };
}

static const char *value(enum field field) {
    return event_value(&maker.event, field);
}

static void make(const struct operation *op) {
    maker_operation(&maker, op, DETAIL_OPERATIONS);
}

static void common(void **state) {
    (void)state;
    struct operation op = operation(OPERATION_ECHO, SMB2_ECHO);
    make(&op);
    assert_int_equal(maker.event.object, OBJECT_FLOW);
    assert_int_equal(maker.event.action, ACTION_MESSAGE);
    assert_int_equal(maker.event.at.frame, 2);
    assert_string_equal(value(FIELD_START_TIME), "2000");
    assert_string_equal(value(FIELD_END_TIME), "2500");
    assert_string_equal(value(FIELD_LATENCY_NS), "500");
    assert_string_equal(value(FIELD_VERSION), "3");
    assert_string_equal(value(FIELD_DIALECT), "3.1.1");
    assert_string_equal(value(FIELD_OPERATION), "echo");
    assert_string_equal(value(FIELD_COMMAND), "SMB2_ECHO");
    assert_string_equal(value(FIELD_STATUS), "STATUS_SUCCESS");
    assert_string_equal(value(FIELD_STATUS_CODE), "0");
    assert_string_equal(value(FIELD_MESSAGE_ID), "5");
    assert_string_equal(value(FIELD_SESSION_ID), "81");
    assert_string_equal(value(FIELD_TREE_ID), "1");
    assert_string_equal(value(FIELD_USER), "CORP\\alice");
    assert_string_equal(value(FIELD_SRC_HOSTNAME), "WS");
    static const enum field absent[] = {
        FIELD_REQUEST_SEEN, FIELD_RESPONSE_SEEN,     FIELD_MIDSTREAM,  FIELD_GAP,     FIELD_COMPOUND,
        FIELD_ASYNC,        FIELD_INTERIM_RESPONSES, FIELD_COMPRESSED, FIELD_FILE_ID, FIELD_HOSTNAME};
    for (size_t i = 0; i < sizeof absent / sizeof absent[0]; i++) {
        assert_string_equal(value(absent[i]), "");
    }
}

static void marks(void **state) {
    (void)state;
    struct operation op = operation(OPERATION_ECHO, SMB2_ECHO);
    op.compound = op.async = op.gap = op.compressed = op.signed_message = true;
    op.interim_responses = 2;
    connection.midstream = true;
    make(&op);
    static const enum field present[] = {FIELD_COMPOUND,   FIELD_ASYNC,  FIELD_GAP,
                                         FIELD_COMPRESSED, FIELD_SIGNED, FIELD_MIDSTREAM};
    for (size_t i = 0; i < sizeof present / sizeof present[0]; i++) {
        assert_string_equal(value(present[i]), "1");
    }
    assert_string_equal(value(FIELD_INTERIM_RESPONSES), "2");
}

static void response_alone(void **state) {
    (void)state;
    struct operation op = operation(OPERATION_ECHO, SMB2_ECHO);
    op.request = NULL;
    op.request_lost = true;
    make(&op);
    assert_string_equal(value(FIELD_REQUEST_SEEN), "0");
    assert_string_equal(value(FIELD_START_TIME), ""); /* when the request was is not known */
    assert_string_equal(value(FIELD_LATENCY_NS), "");
    assert_string_equal(value(FIELD_END_TIME), "2500");
}

static void request_alone(void **state) {
    (void)state;
    struct operation op = operation(OPERATION_ECHO, SMB2_ECHO);
    op.response = NULL;
    op.response_lost = true;
    make(&op);
    assert_string_equal(value(FIELD_RESPONSE_SEEN), "0");
    assert_string_equal(value(FIELD_STATUS), "");
    assert_string_equal(value(FIELD_END_TIME), "");
    assert_string_equal(value(FIELD_LATENCY_NS), "");
    assert_string_equal(value(FIELD_START_TIME), "2000");
    op.request = NULL; /* an interim answer is all there was */
    op.request_lost = true;
    make(&op);
    assert_string_equal(value(FIELD_COMMAND), "SMB2_ECHO");
    assert_string_equal(value(FIELD_MESSAGE_ID), "5");
}

/* A clock that ran back gives no latency. */
static void clock_runs_back(void **state) {
    (void)state;
    struct operation op = operation(OPERATION_ECHO, SMB2_ECHO);
    op.end.time_ns = 1999;
    make(&op);
    assert_string_equal(value(FIELD_LATENCY_NS), "");
    assert_string_equal(value(FIELD_END_TIME), "1999");
}

static void unasked(void **state) {
    (void)state;
    struct operation op = operation(OPERATION_OPLOCK_BREAK, SMB2_OPLOCK_BREAK);
    op.request = NULL;
    op.unasked = true;
    request.header.message_id = UINT64_MAX;
    make(&op);
    assert_string_equal(value(FIELD_MESSAGE_ID), "");
    assert_string_equal(value(FIELD_END_TIME), "");
    assert_string_equal(value(FIELD_REQUEST_SEEN), "");
}

static void users(void **state) {
    (void)state;
    struct operation op = operation(OPERATION_ECHO, SMB2_ECHO);
    auth.domain = utf16("");
    make(&op);
    assert_string_equal(value(FIELD_USER), "alice");
    auth.user = utf16("");
    make(&op);
    assert_string_equal(value(FIELD_USER), "");
    op.session = NULL;
    make(&op);
    assert_string_equal(value(FIELD_USER), "");
    struct auth_facts claimed = {.user = utf16("mallory")};
    op.session = &session;
    op.auth = &claimed;
    make(&op);
    assert_string_equal(value(FIELD_USER), "mallory");
}

static void server_names(void **state) {
    (void)state;
    struct operation op = operation(OPERATION_ECHO, SMB2_ECHO);
    connection.machines[MACHINE_SERVER] = (struct machine_facts){utf16("fs01"), utf16("fs01.corp.example")};
    connection.machines[MACHINE_CLIENT].host = utf16("ELSE");
    make(&op);
    assert_string_equal(value(FIELD_HOSTNAME), "fs01");
    assert_string_equal(value(FIELD_DEST_HOSTNAME), "fs01");
    assert_string_equal(value(FIELD_FQDN), "fs01.corp.example");
    assert_string_equal(value(FIELD_DEST_FQDN), "fs01.corp.example");
    assert_string_equal(value(FIELD_SRC_HOSTNAME), "WS"); /* of this session */
    auth.address.family = 4;                              /* which was shown somewhere else */
    make(&op);
    assert_string_equal(value(FIELD_SRC_HOSTNAME), "ELSE");
    auth.address.family = 0;
    auth.machine.host = utf16("");
    make(&op);
    assert_string_equal(value(FIELD_SRC_HOSTNAME), "ELSE");
}

/* A whole exchange is one record of the handles: it begins with its first leg. */
static void session_setup_exchange(void **state) {
    (void)state;
    struct operation op = operation(OPERATION_SESSION_SETUP, SMB2_SESSION_SETUP);
    op.exchange_begin = (struct moment){1500, 1};
    maker_operation(&maker, &op, DETAIL_HANDLES);
    assert_int_equal(maker.event.at.frame, 1);
    assert_string_equal(value(FIELD_LATENCY_NS), "1000");
    maker_operation(&maker, &op, DETAIL_OPERATIONS);
    assert_int_equal(maker.event.at.frame, 2);
    assert_string_equal(value(FIELD_LATENCY_NS), "500");
}

static void flows(void **state) {
    (void)state;
    struct text listed[] = {utf16("CORP"), utf16("alice"), utf16(""), utf16("bob")};
    struct text shares[] = {utf16("\\\\srv\\a"), utf16("\\\\srv\\b")};
    maker_flow_start(&maker, &connection);
    assert_int_equal(maker.event.action, ACTION_START);
    assert_string_equal(value(FIELD_START_TIME), "1000");
    assert_string_equal(value(FIELD_START_SEEN), "1");
    connection.users = listed;
    connection.user_count = 2;
    connection.shares = shares;
    connection.share_count = 2;
    connection.server_mode_known = true;
    connection.server_security_mode = SMB2_NEGOTIATE_SIGNING_REQUIRED | SMB2_NEGOTIATE_SIGNING_ENABLED;
    connection.errors = 7;
    connection.machines[MACHINE_CLIENT] = (struct machine_facts){utf16("WS"), utf16("ws.corp.example")};
    flow.packets[0] = 3;
    flow.packets[1] = 4;
    flow.tcp_flags = TCP_SYN | TCP_ACK;
    maker_flow_end(&maker, &connection, FLOW_END_RST, flow.last);
    assert_int_equal(maker.event.action, ACTION_END);
    assert_string_equal(value(FIELD_SRC_HOSTNAME), "WS");
    assert_string_equal(value(FIELD_SRC_FQDN), "ws.corp.example");
    assert_string_equal(value(FIELD_USERS), "CORP\\alice,bob");
    assert_string_equal(value(FIELD_SHARES), "\\\\srv\\a,\\\\srv\\b");
    assert_string_equal(value(FIELD_END_REASON), "rst");
    assert_string_equal(value(FIELD_DURATION_NS), "8000");
    assert_string_equal(value(FIELD_PACKET_COUNT), "7");
    assert_string_equal(value(FIELD_TCP_FLAGS), "SYN,ACK");
    assert_string_equal(value(FIELD_SIGNING), "required");
    assert_string_equal(value(FIELD_ENCRYPTION), "0");
    assert_string_equal(value(FIELD_ERRORS), "7");
    assert_string_equal(value(FIELD_PARSE_FAULTS), "");
    connection.verdicts[V_OK] = 5;
    maker_flow_end(&maker, &connection, FLOW_END_FIN, flow.last);
    assert_string_equal(value(FIELD_PARSE_FAULTS), ""); /* no fault */
    connection.framer_faults[FAULT_CHAIN] = 1;
    maker_flow_end(&maker, &connection, FLOW_END_FIN, flow.last);
    assert_string_not_equal(value(FIELD_PARSE_FAULTS), "");
}

/* Lists of their largest size have room. */
static void most_users(void **state) {
    (void)state;
    struct text listed[2 * 16];
    for (unsigned i = 0; i < 32; i++) {
        listed[i] = utf16("x");
    }
    connection.users = listed;
    connection.user_count = 16;
    maker_flow_end(&maker, &connection, FLOW_END_FIN, flow.last);
    assert_string_not_equal(value(FIELD_USERS), "");
}

/* ---- records.md, Detail */

static void wanted(void **state) {
    (void)state;
    static const struct {
        enum operation_kind kind;
        bool handles; /* where nothing went wrong */
    } cases[] = {
        {OPERATION_NEGOTIATE, false},
        {OPERATION_SESSION_SETUP, true},
        {OPERATION_LOGOFF, true},
        {OPERATION_TREE_CONNECT, true},
        {OPERATION_CREATE, true},
        {OPERATION_OPEN_PIPE, true},
        {OPERATION_RENAME, true},
        {OPERATION_DELETE, true},
        {OPERATION_SET_INFO, true},
        {OPERATION_TRANSACT_PIPE, true},
        {OPERATION_TREE_DISCONNECT, false},
        {OPERATION_CLOSE, false},
        {OPERATION_READ, false},
        {OPERATION_WRITE, false},
        {OPERATION_QUERY_INFO, false},
        {OPERATION_QUERY_DIRECTORY, false},
        {OPERATION_IOCTL, false},
        {OPERATION_ECHO, false},
        {OPERATION_LOCK, false},
        {OPERATION_FLUSH, false},
        {OPERATION_NOTIFY, false},
        {OPERATION_CANCEL, false},
        {OPERATION_OPLOCK_BREAK, false},
        {OPERATION_OTHER, false},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct operation op = operation(cases[i].kind, SMB2_ECHO);
        response.header.status = STATUS_SUCCESS;
        assert_true(maker_wants(&op, DETAIL_OPERATIONS));
        assert_true(maker_wants(&op, DETAIL_HANDLES) == cases[i].handles);
        response.header.status = STATUS_ACCESS_DENIED; /* failures are told whatever they are */
        assert_true(maker_wants(&op, DETAIL_HANDLES));
    }
}

static void wanted_sometimes(void **state) {
    (void)state;
    struct operation op = operation(OPERATION_READ, SMB2_READ);
    op.first_of_handle = true;
    assert_true(maker_wants(&op, DETAIL_HANDLES));
    op = operation(OPERATION_CLOSE, SMB2_CLOSE);
    op.sums = true;
    assert_true(maker_wants(&op, DETAIL_HANDLES));
    op = operation(OPERATION_SESSION_SETUP, SMB2_SESSION_SETUP);
    op.leg = true;
    response.header.status = STATUS_MORE_PROCESSING_REQUIRED;
    assert_false(maker_wants(&op, DETAIL_HANDLES));
    assert_true(maker_wants(&op, DETAIL_OPERATIONS));
    response.header.status = STATUS_NO_MORE_FILES;
    op = operation(OPERATION_QUERY_DIRECTORY, SMB2_QUERY_DIRECTORY);
    assert_false(maker_wants(&op, DETAIL_HANDLES)); /* the end of a listing is no failure */
    op = operation(OPERATION_IOCTL, SMB2_IOCTL);
    response.header.status = STATUS_SUCCESS;
    request.ioctl.ctl_code = FSCTL_SRV_COPYCHUNK;
    assert_true(maker_wants(&op, DETAIL_HANDLES));
    request.empty = true;
    assert_false(maker_wants(&op, DETAIL_HANDLES));
}

/* Sums at the end of what a handle belonged to are of the handles; a deletion there is told with either. */
static void wanted_implicit(void **state) {
    (void)state;
    struct operation op = operation(OPERATION_WRITE, SMB2_CLOSE);
    op.request = op.response = NULL;
    op.header = NULL;
    op.implicit = op.unasked = op.sums = true;
    assert_true(maker_wants(&op, DETAIL_HANDLES));
    assert_false(maker_wants(&op, DETAIL_OPERATIONS));
    make(&op);
    assert_string_equal(value(FIELD_COMMAND), "");
    assert_string_equal(value(FIELD_FILE_NAME), "a.txt");
    assert_string_equal(value(FIELD_BYTES_READ), "1");
    assert_string_equal(value(FIELD_BYTES_WRITTEN), "2");
    assert_string_equal(value(FIELD_READ_COUNT), "3");
    assert_string_equal(value(FIELD_WRITE_COUNT), "4");
    op.kind = OPERATION_DELETE;
    assert_true(maker_wants(&op, DETAIL_HANDLES));
    assert_true(maker_wants(&op, DETAIL_OPERATIONS));
}

/* TCP held it up for slow_ns, between its request and the packet that brought the last of its answer. */
static void held_up(void **state) {
    (void)state;
    struct flow_trouble trouble = {.stall_count = 1, .stalls = {{2000, 5000, STALL_SERVER_RETRANSMISSION}}};
    uint8_t causes;
    struct operation op = operation(OPERATION_READ, SMB2_READ);
    maker.slow_ns = 3000;
    assert_true(maker_stalled_ns(&maker, &op, &causes) == 0); /* there is no trouble */
    flow.trouble = &trouble;
    assert_true(maker_stalled_ns(&maker, &op, &causes) == 3000);
    assert_int_equal(causes, STALL_SERVER_RETRANSMISSION);
    maker_operation(&maker, &op, DETAIL_HANDLES);
    assert_int_equal(event_find(&maker.event, FIELD_NETWORK_STALL_NS)->number, 3000);
    assert_int_equal(event_find(&maker.event, FIELD_NETWORK_STALL_CAUSES)->number, STALL_SERVER_RETRANSMISSION);
    maker.slow_ns = 3001;
    assert_true(maker_stalled_ns(&maker, &op, &causes) == 0);
    maker.slow_ns = 0; /* --slow off */
    assert_true(maker_stalled_ns(&maker, &op, &causes) == 0);
    maker.slow_ns = 3000;
    op.gap = true; /* it may have been over before */
    assert_true(maker_stalled_ns(&maker, &op, &causes) == 0);
    op.gap = false;
    op.response_lost = true;
    assert_true(maker_stalled_ns(&maker, &op, &causes) == 0);
    op = operation(OPERATION_NOTIFY, SMB2_CHANGE_NOTIFY); /* waits for somebody */
    assert_true(maker_stalled_ns(&maker, &op, &causes) == 0);
    op = operation(OPERATION_READ, SMB2_READ);
    op.begin.time_ns = 2001;
    assert_true(maker_stalled_ns(&maker, &op, &causes) == 0);
    maker.slow_ns = 0;
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(held_up, set_up),         cmocka_unit_test_setup(common, set_up),
        cmocka_unit_test_setup(marks, set_up),           cmocka_unit_test_setup(response_alone, set_up),
        cmocka_unit_test_setup(request_alone, set_up),   cmocka_unit_test_setup(clock_runs_back, set_up),
        cmocka_unit_test_setup(unasked, set_up),         cmocka_unit_test_setup(users, set_up),
        cmocka_unit_test_setup(server_names, set_up),    cmocka_unit_test_setup(session_setup_exchange, set_up),
        cmocka_unit_test_setup(flows, set_up),           cmocka_unit_test_setup(most_users, set_up),
        cmocka_unit_test_setup(wanted, set_up),          cmocka_unit_test_setup(wanted_sometimes, set_up),
        cmocka_unit_test_setup(wanted_implicit, set_up),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
