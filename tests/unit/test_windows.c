/* Which events of the Windows logs an operation or a connection is. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "event/maker.h"
#include "octets.h"

static struct event_maker maker;
static struct flow_facts flow;
static struct connection_facts connection;
static struct auth_facts auth;
static struct session_facts session;
static struct tree_facts tree;
static struct security_facts security;
static struct smb2_message q, r;
static struct smb1_message q1, r1;
static struct operation op;

static int set_up(void **state) {
    (void)state;
    flow = (struct flow_facts){.first = {1000, 1}, .last = {9000, 9}, .start_seen = true, .server = {.port = 445}};
    connection = (struct connection_facts){
        .flow = &flow, .version = 3, .dialect = SMB2_DIALECT_0311, .cipher = 2, .stages = STAGE_ESTABLISHED};
    auth = (struct auth_facts){.kind = AUTH_NTLMV2};
    security = (struct security_facts){0};
    session = (struct session_facts){.id = 0x51, .auth = &auth};
    tree = (struct tree_facts){
        .id = 1, .share_type = SMB2_SHARE_TYPE_DISK, .has_access = true, .maximal_access = 0x1200A9};
    memset(&q, 0, sizeof q);
    memset(&r, 0, sizeof r);
    memset(&q1, 0, sizeof q1);
    memset(&r1, 0, sizeof r1);
    r.response = r1.response = true;
    maker.slow_ns = 0;
    return 0;
}

static void begin(enum operation_kind kind, uint16_t command) {
    q.header.command = r.header.command = command;
    op = (struct operation){
        .kind = kind,
        .connection = &connection,
        .session = &session,
        .tree = &tree,
        .header = &q.header,
        .request = &q,
        .response = &r,
        .auth = &auth,
        .security = &security,
        .begin = {2000, 2},
        .end = {2500, 3},
        .exchange_begin = {2000, 2},
        .session_id = 0x51,
        .expects_response = true,
    };
}

static void begin1(enum operation_kind kind, uint8_t command) {
    begin(kind, 0);
    op.header = NULL;
    op.request = op.response = NULL;
    q1.command = q1.header.command = r1.command = r1.header.command = command;
    op.smb1_request = &q1;
    op.smb1_response = &r1;
}

/* What was written before is what the items say. */
static void assert_written(const struct fact *f) {
    char json[4096];
    size_t n = 0;
    for (unsigned i = 0; i < f->windows.count; i++) {
        n += (size_t)snprintf(json + n, sizeof json - n, "%c%s", i ? ',' : '[', f->windows.items[i]->json);
    }
    n += (size_t)snprintf(json + n, sizeof json - n, "]");
    if (f->windows.json == NULL) {
        assert_true(n > WINDOWS_JSON_SIZE);
        return;
    }
    assert_int_equal(f->windows.json_length, n);
    assert_memory_equal(f->windows.json, json, n);
}

/* The ids and channels, "Server/Analytic 600 Server/..." */
static const char *named(void) {
    static char names[2048];
    size_t n = 0;
    const struct fact *f = event_find(&maker.event, FIELD_WINDOWS_EVENTS);
    names[0] = 0;
    if (f) {
        assert_written(f);
    }
    for (unsigned i = 0; f && i < f->windows.count; i++) {
        const char *text = f->windows.items[i]->text + strlen("Microsoft-Windows-SMB");
        n += (size_t)snprintf(names + n, sizeof names - n, "%s%s", i ? ", " : "", text);
    }
    return names;
}

static const char *events(enum detail detail) {
    maker_operation(&maker, &op, detail);
    return named();
}

static void is(const char *wanted) {
    assert_string_equal(events(DETAIL_OPERATIONS), wanted);
}

static bool names(const char *one) {
    return strstr(events(DETAIL_OPERATIONS), one) != NULL;
}

static void error(uint32_t status) {
    r.header.status = status;
    r.is_error = true;
}

static void requests_and_responses(void **state) {
    (void)state;
    begin(OPERATION_ECHO, SMB2_ECHO);
    is("Server/Performance 6, Server/Performance 106");
    op.response = NULL;
    is("Server/Performance 6");
    op.response = &r;
    op.request = NULL;
    is("Server/Performance 106");
    op.request = &q;
    error(STATUS_INVALID_PARAMETER);
    is("Server/Performance 6, Server/Performance 122");
    begin(OPERATION_CANCEL, SMB2_CANCEL);
    op.response = NULL;
    is("Server/Performance 7");
    static const uint16_t numbers[] = {1, 2, 3, 4, 5, 8, 9, 10, 11, 12, 16, 17, 7, 6, 18, 19, 20, 21, 13};
    for (uint16_t command = 0; command <= SMB2_OPLOCK_BREAK; command++) {
        char wanted[32];
        begin(OPERATION_OTHER, command);
        op.response = NULL;
        snprintf(wanted, sizeof wanted, "Performance %u", numbers[command]);
        const char *all = events(DETAIL_OPERATIONS), *at = strstr(all, wanted);
        assert_true(at && at[strlen(wanted)] == 0);
    }
}

/* 1906: the server's token says that the credentials are good, and the server refuses all the same. */
static void short_keys(void **state) {
    (void)state;
    begin(OPERATION_SESSION_SETUP, SMB2_SESSION_SETUP);
    error(STATUS_ACCESS_DENIED);
    security.mechanism = MECHANISM_KERBEROS;
    security.authenticator = (struct kerberos_encrypted){.known = true, .encryption = 23};
    assert_false(names("Security 1906")); /* nothing is proved */
    security.reply = security.authenticator;
    assert_true(names("Security 1906"));
    static const uint32_t long_keys[] = {18, 20, 26},
                          blaming[] = {STATUS_LOGON_FAILURE, STATUS_ACCOUNT_EXPIRED, STATUS_ACCOUNT_LOCKED_OUT};
    for (size_t i = 0; i < 3; i++) {
        security.reply.encryption = long_keys[i];
        assert_false(names("Security 1906"));
        security.reply.encryption = 17;
        error(blaming[i]);
        assert_false(names("Security 1906"));
        error(STATUS_ACCESS_DENIED);
        assert_true(names("Security 1906"));
    }
    r.is_error = false;
    r.header.status = STATUS_SUCCESS;
    assert_false(names("Security 1906"));
    error(STATUS_MORE_PROCESSING_REQUIRED);
    op.leg = true;
    assert_false(names("Security 1906"));
    op.leg = false;
    error(STATUS_ACCESS_DENIED);
    security = (struct security_facts){.mechanism = MECHANISM_NTLM, .has_state = true, .state = 1};
    assert_false(names("Security 1906"));
    security.state = 0; /* accept-completed */
    assert_true(names("Security 1906"));
    auth.kind = AUTH_ANONYMOUS;
    assert_false(names("Security 1906"));
}

/* For 605, which findings tell: an error on a continuously available share that is not about the file. */
static void sent_away(void **state) {
    (void)state;
    begin(OPERATION_CREATE, SMB2_CREATE);
    tree.capabilities = SMB2_SHARE_CAP_CONTINUOUS_AVAILABILITY;
    (void)events(DETAIL_HANDLES);
    assert_false(maker.event.sends_away);
    error(STATUS_FILE_NOT_AVAILABLE);
    (void)events(DETAIL_HANDLES);
    assert_true(maker.event.sends_away);
    error(STATUS_ACCESS_DENIED);
    (void)events(DETAIL_HANDLES);
    assert_false(maker.event.sends_away);
    error(STATUS_NETWORK_NAME_DELETED);
    tree.capabilities = 0;
    (void)events(DETAIL_HANDLES);
    assert_false(maker.event.sends_away);
    op.tree = NULL;
    (void)events(DETAIL_HANDLES);
    assert_false(maker.event.sends_away);
}

static void leases(void **state) {
    (void)state;
    begin(OPERATION_OPLOCK_BREAK, SMB2_OPLOCK_BREAK);
    is("Server/Performance 13, Server/Performance 113");
    q.oplock_break.lease = r.oplock_break.lease = true;
    is("Server/Performance 15, Server/Performance 115");
    op.request = NULL;
    op.unasked = true;
    is("Server/Performance 14");
    r.oplock_break.lease = false; /* the notification of an oplock has no event */
    is("");
}

static void who(void **state) {
    (void)state;
    begin(OPERATION_SESSION_SETUP, SMB2_SESSION_SETUP);
    r.header.session_id = 0x51;
    q.session_setup_request.security_mode = SMB2_NEGOTIATE_SIGNING_ENABLED;
    op.session_new = true;
    is("Client/Connectivity 30807 (masstin), Server/Analytic 552, Server/Analytic 550, Server/Performance 2, "
       "Server/Performance 102");
    op.session_new = false; /* renewed, or it is not known: the request was not seen, or not all of its legs were */
    is("Client/Connectivity 30807 (masstin), Server/Performance 2, Server/Performance 102");
    op.session_binding = true;
    is("Client/Connectivity 30807 (masstin), Server/Analytic 553, Server/Performance 2, Server/Performance 102");
    op.session_binding = false;
    op.session_new = true;
    q.header.session_id = 0x51; /* a later leg; with one record for all of them it is that of the first, too */
    assert_false(names("550"));
    op.exchange_begin.frame = 1;
    assert_false(names("550"));
    assert_non_null(strstr(events(DETAIL_HANDLES), "550"));
    r.session_setup_response.session_flags = SMB2_SESSION_FLAG_IS_GUEST;
    assert_true(names("Server/Operational 3023"));
    q.session_setup_request.previous_session_id = 7;
    assert_true(names("Server/Analytic 554, Server/Analytic 555"));
    op.leg = true;
    r.header.status = STATUS_MORE_PROCESSING_REQUIRED;
    is("Server/Performance 2, Server/Performance 102");
}

static void who_was_refused(void **state) {
    (void)state;
    begin(OPERATION_SESSION_SETUP, SMB2_SESSION_SETUP);
    error(STATUS_LOGON_FAILURE);
    is("Client/Operational 31001 (eid-quick-reference), Server/Analytic 551, Server/Security 551, "
       "Client/Connectivity 30808 (masstin), Server/Performance 2, Server/Performance 122");
    auth.kind = AUTH_ANONYMOUS;
    error(STATUS_ACCESS_DENIED);
    assert_true(names("Server/Security 1009,"));
    assert_false(names("1046"));
    auth.kind = AUTH_NTLMV1;
    security.authenticated = true;
    security.responses = NTLM_RESPONSE_NTLM;
    connection.cipher = 0;
    assert_true(names("1046") && names("Server/Security 1021") && names("Server/Audit 3024"));
    connection.dialect = SMB2_DIALECT_0302; /* its capabilities would say */
    assert_false(names("1046"));
    connection.client_mode_known = true;
    assert_true(names("Server/Audit 3021"));
    connection.client_security_mode = SMB2_NEGOTIATE_SIGNING_REQUIRED;
    assert_false(names("3021"));
}

static void negotiations(void **state) {
    (void)state;
    static const uint16_t old[] = {SMB2_DIALECT_0202}, new[] = {SMB2_DIALECT_0302, SMB2_DIALECT_0311}, gcm[] = {2},
                          none[] = {0};
    struct smb2_negotiate_request *a = &q.negotiate_request;
    struct smb2_negotiate_response *b = &r.negotiate_response;
    begin(OPERATION_NEGOTIATE, SMB2_NEGOTIATE);
    a->dialects = (struct u16_list){new, 2};
    a->contexts.present = 1 << SMB2_ENCRYPTION_CAPABILITIES;
    b->dialect = SMB2_DIALECT_0311;
    b->security_mode = SMB2_NEGOTIATE_SIGNING_ENABLED | SMB2_NEGOTIATE_SIGNING_REQUIRED;
    b->capabilities = SMB2_GLOBAL_CAP_LEASING;
    b->contexts.ciphers = (struct u16_list){gcm, 1};
    is("Client/Connectivity 30805 (masstin), Server/Security 1009 (masstin), Server/Performance 1, Server/Performance "
       "101");
    b->security_mode = SMB2_NEGOTIATE_SIGNING_ENABLED;
    b->capabilities = 0;
    b->contexts.ciphers = (struct u16_list){none, 1};
    is("Server/Operational 1051, Client/Connectivity 30805 (masstin), Client/Operational 31010 (eid-quick-reference), "
       "Server/Operational 1009 (eid-quick-reference), Server/Audit 3022, Server/Operational 1026, "
       "Server/Security 1009 (masstin), Server/Performance 1, Server/Performance 101");
    b->dialect = SMB2_DIALECT_02FF; /* the first of two: nothing was chosen yet */
    is("Server/Security 1009 (masstin), Server/Performance 1, Server/Performance 101");
    b->dialect = SMB2_DIALECT_0302;
    a->capabilities = SMB2_GLOBAL_CAP_ENCRYPTION;
    assert_false(names("3022") || names("1051"));
    a->capabilities = 0;
    assert_true(names("3022"));
    a->dialects = (struct u16_list){old, 1};
    error(STATUS_NOT_SUPPORTED);
    is("Server/Operational 1061, Client/Connectivity 30806 (masstin), Server/Audit 3022, Server/Security 1009 "
       "(masstin), "
       "Server/Performance 1, Server/Performance 122");
}

static void smb1(void **state) {
    (void)state;
    static const struct text one[] = {{{(const uint8_t *)"NT LM 0.12", 10}, ENC_ASCII}},
                             both[] = {{{(const uint8_t *)"SMB 2.???", 9}, ENC_ASCII}};
    begin1(OPERATION_NEGOTIATE, SMB1_NEGOTIATE);
    q1.negotiate_request.dialects = (struct text_list){one, 1};
    op.choice = CHOICE_MADE;
    r1.negotiate_response.nt_lan_manager = true;
    is("Client/Connectivity 30805 (masstin), Client/Operational 31010 (eid-quick-reference), "
       "Server/Operational 1009 (eid-quick-reference), Server/Audit 3000, Server/Audit 3002, "
       "Server/Operational 3000 (eid-quick-reference), Server/Security 1009 (masstin)");
    q1.negotiate_request.dialects = (struct text_list){both, 1};
    assert_true(names("Server/Operational 1024") && !names("Audit 3000"));
    op.choice = CHOICE_UNKNOWN; /* the answer is cut */
    is("Server/Security 1009 (masstin)");
    op.choice = CHOICE_NONE;
    is("Client/Connectivity 30806 (masstin), Server/Security 1009 (masstin)");
    op.smb1_response = NULL;
    op.response = &r; /* answered in SMB2: no use of SMB1 */
    r.negotiate_response.dialect = SMB2_DIALECT_0311;
    op.header = &r.header;
    assert_false(names("Audit 3000"));
    assert_true(names("30805"));
    memset(&q1, 0, sizeof q1);
    memset(&r1, 0, sizeof r1);
    begin1(OPERATION_SESSION_SETUP, SMB1_SESSION_SETUP_ANDX);
    r1.session_setup_response.action = SMB_SETUP_GUEST;
    is("Server/Operational 3023, Client/Connectivity 30807 (masstin)");
    op.failed = true;
    assert_true(names("Server/Security 551"));
    memset(&r1, 0, sizeof r1);
    begin1(OPERATION_TREE_CONNECT, SMB1_TREE_CONNECT_ANDX);
    is("Client/Security 31001 (masstin)");
    op.failed = true;
    is("");
}

static void shares(void **state) {
    (void)state;
    begin(OPERATION_TREE_CONNECT, SMB2_TREE_CONNECT);
    is("Client/Security 31001 (masstin), Server/Analytic 600, Server/Connectivity 4000, Server/Operational 4000, "
       "Server/Performance 4, Server/Performance 104");
    tree.flags = SMB2_SHAREFLAG_ACCESS_BASED_DIRECTORY_ENUM;
    auth.kind = AUTH_ANONYMOUS;
    assert_true(names("Server/Operational 1025, Server/Operational 1023"));
    error(STATUS_ACCESS_DENIED);
    is("Server/Security 1006, Server/Security 1007, Server/Performance 4, Server/Performance 122");
    begin(OPERATION_TREE_DISCONNECT, SMB2_TREE_DISCONNECT);
    error(STATUS_NETWORK_NAME_DELETED);
    is("Server/Performance 5, Server/Performance 122");
    error(STATUS_SUCCESS);
    r.is_error = false;
    is("Server/Analytic 601, Server/Analytic 602, Server/Performance 5, Server/Performance 105");
}

static void files(void **state) {
    (void)state;
    begin(OPERATION_CREATE, SMB2_CREATE);
    is("Server/Analytic 650, Server/Performance 8, Server/Performance 108");
    q.create_request.contexts.durable_reconnect = true;
    assert_true(names("Server/Analytic 650, Server/Analytic 652"));
    error(STATUS_ACCESS_DENIED);
    assert_true(names("Server/Operational 1016") && !names("1006"));
    q.create_request.desired_access = 0x2; /* to write: the share gives the right to read */
    assert_true(names("Server/Security 1006"));
    tree.has_access = false;
    assert_false(names("1006"));
    r.is_error = false;
    r.header.status = STATUS_SUCCESS;
    tree.capabilities = SMB2_SHARE_CAP_CONTINUOUS_AVAILABILITY;
    q.create_request.contexts.persistent = true;
    assert_true(names("Server/Operational 1002"));
    r.create_response.contexts.persistent = true;
    assert_false(names("1002"));
    begin(OPERATION_CLOSE, SMB2_CLOSE);
    is("Server/Analytic 654, Server/Analytic 656, Server/Performance 9, Server/Performance 109");
    struct handle_facts handle = {.named = true};
    op.handle = &handle;
    op.implicit = true; /* no message */
    op.request = op.response = NULL;
    is("Server/Analytic 656");
}

static void rules_broken(void **state) {
    (void)state;
    begin(OPERATION_READ, SMB2_READ);
    session.flags = SMB2_SESSION_FLAG_ENCRYPT_DATA;
    assert_false(names("1003"));
    error(STATUS_ACCESS_DENIED);
    assert_true(names("Server/Operational 1003"));
    session.flags = 0;
    tree.flags = SMB2_SHAREFLAG_ENCRYPT_DATA;
    assert_true(names("1003"));
    begin(OPERATION_TREE_CONNECT, SMB2_TREE_CONNECT); /* which is how one learns of it */
    assert_false(names("1003"));
    error(STATUS_ACCESS_DENIED); /* to the share, */
    assert_true(names("Server/Security 1006"));
    session.flags = SMB2_SESSION_FLAG_ENCRYPT_DATA; /* or to whom does not encrypt */
    assert_true(names("Server/Operational 1003"));
    assert_false(names("Server/Security 1006"));
    for (unsigned i = 0; i < 5;
         i++) { /* not answered is refused where the server closed, and where its answer was not missed */
        begin(OPERATION_READ, i == 4 ? SMB2_CANCEL : SMB2_READ);
        tree.flags = SMB2_SHAREFLAG_ENCRYPT_DATA;
        op.response = NULL;
        op.response_lost = true;
        op.interim_responses = i == 3;
        flow.server_closed = i != 1;
        flow.missed_bytes[TO_CLIENT] = i == 2;
        assert_int_equal(names("1003"), i == 0);
    }
    begin(OPERATION_LOGOFF, SMB2_LOGOFF);
    q.header.flags = SMB2_FLAGS_SIGNED;
    tree.flags = 0;
    assert_true(names("Server/Operational 1004"));
    begin(OPERATION_READ, SMB2_READ); /* may be a matter of rights */
    assert_false(names("1004"));
    begin(OPERATION_IOCTL, SMB2_IOCTL);
    op.negotiate_differs = true;
    assert_true(names("Server/Operational 1005"));
}

static void late(void **state) {
    (void)state;
    begin(OPERATION_READ, SMB2_READ);
    maker.slow_ns = 500;
    assert_true(names("Server/Operational 1020, Server/Operational 1047, Server/Operational 1048"));
    maker.slow_ns = 501;
    assert_false(names("1020"));
    maker.slow_ns = 1;
    static const enum operation_kind waiting[] = {OPERATION_NOTIFY, OPERATION_LOCK, OPERATION_READ_PIPE};
    for (size_t i = 0; i < sizeof waiting / sizeof waiting[0]; i++) {
        begin(waiting[i], SMB2_READ);
        assert_false(names("1020"));
    }
    begin(OPERATION_READ, SMB2_READ);
    op.response_lost = true;
    assert_false(names("1020"));
}

static const char *end(enum flow_end_reason reason) {
    maker_flow_end(&maker, &connection, reason, flow.last);
    return named();
}

static void stages(void **state) {
    (void)state;
    maker_flow_start(&maker, &connection);
    assert_string_equal(named(), "Client/Connectivity 30803 (masstin), Server/Analytic 500, Server/Operational 1913");
    flow.start_seen = false;
    maker_flow_start(&maker, &connection);
    assert_string_equal(named(), "");
    flow.start_seen = true;
    connection.version = 0;
    connection.stages = 0;
    assert_string_equal(end(FLOW_END_REFUSED),
                        "Client/Connectivity 30804 (masstin), Client/Operational 30803 (eid-quick-reference)");
    connection.stages =
        STAGE_ESTABLISHED | STAGE_NEGOTIATE_ASKED | STAGE_NEGOTIATED | STAGE_SESSION | STAGE_SESSION_LIVES;
    assert_string_equal(end(FLOW_END_TIMEOUT),
                        "Client/Connectivity 30807 (masstin), Client/Connectivity 30805 (masstin), "
                        "Server/Security 1009 (masstin), Client/Connectivity 30803 (masstin)");
    assert_null(strstr(end(FLOW_END_RST), "30804"));     /* there may have been a LOGOFF */
    assert_null(strstr(named(), "Server/Analytic 501")); /* of one side only */
    connection.stages |= STAGE_LOST;
    flow.packets[TO_SERVER] = flow.packets[TO_CLIENT] = 3;
    assert_non_null(strstr(end(FLOW_END_RST), "Client/Operational 30804 (eid-quick-reference)"));
    assert_non_null(strstr(named(), "Server/Analytic 501, Server/Analytic 502"));
    connection.stages = STAGE_ESTABLISHED | STAGE_NEGOTIATE_ASKED | STAGE_NEGOTIATE_UNANSWERED;
    assert_null(strstr(end(FLOW_END_FIN), "30806")); /* the client gave up */
    flow.server_closed = true;
    assert_non_null(strstr(end(FLOW_END_FIN), "Client/Connectivity 30806 (masstin)"));
    assert_non_null(strstr(named(), "Client/Operational 30803 (eid-quick-reference)"));
    flow.missed_bytes[TO_CLIENT] = 1; /* the answer may be in there */
    assert_null(strstr(end(FLOW_END_FIN), "30806"));
}

static void netbios(void **state) {
    (void)state;
    flow.server.port = 139;
    maker_flow_start(&maker, &connection);
    assert_string_equal(named(), "");
    connection.netbios_answer = 0x82;
    assert_non_null(strstr(end(FLOW_END_TIMEOUT), "Server/Analytic 500"));
    connection.netbios_answer = 0x83;
    assert_non_null(strstr(end(FLOW_END_TIMEOUT), "Client/Operational 30803 (eid-quick-reference)"));
    assert_null(strstr(named(), "Server/Analytic 500"));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(requests_and_responses, set_up),
        cmocka_unit_test_setup(short_keys, set_up),
        cmocka_unit_test_setup(sent_away, set_up),
        cmocka_unit_test_setup(leases, set_up),
        cmocka_unit_test_setup(who, set_up),
        cmocka_unit_test_setup(who_was_refused, set_up),
        cmocka_unit_test_setup(negotiations, set_up),
        cmocka_unit_test_setup(smb1, set_up),
        cmocka_unit_test_setup(shares, set_up),
        cmocka_unit_test_setup(files, set_up),
        cmocka_unit_test_setup(rules_broken, set_up),
        cmocka_unit_test_setup(late, set_up),
        cmocka_unit_test_setup(stages, set_up),
        cmocka_unit_test_setup(netbios, set_up),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
