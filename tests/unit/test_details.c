/* The facts of each command: of the request what was asked, of the successful response what was done. */
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
static struct smb2_message q, r;
static struct operation op;

static int set_up(void **state) {
    (void)state;
    connection = (struct connection_facts){.flow = &flow, .version = 3, .dialect = SMB2_DIALECT_0311};
    tree = (struct tree_facts){.id = 1, .share_type = SMB2_SHARE_TYPE_DISK, .path = utf16("\\\\srv\\data")};
    handle = (struct handle_facts){.named = true, .name = utf16("a.txt")};
    memset(&q, 0, sizeof q);
    memset(&r, 0, sizeof r);
    r.response = true;
    return 0;
}

/* The operation is made anew; what the test set in q and r stays. */
static void begin(enum operation_kind kind, uint16_t command) {
    q.header.command = r.header.command = command;
    op = (struct operation){
        .kind = kind,
        .connection = &connection,
        .tree = &tree,
        .handle = &handle,
        .header = &q.header,
        .request = &q,
        .response = &r,
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
    for (uint16_t command = 0; command <= SMB2_COMMANDS; command++) {
        for (unsigned parts = 0; parts < 256; parts++) {
            set_up(NULL);
            begin(command < OPERATION_KINDS ? (enum operation_kind)command : OPERATION_OTHER, command);
            op.request = parts & 1 ? &q : NULL;
            op.response = parts & 2 ? &r : NULL;
            op.header = op.request ? &q.header : op.response ? &r.header : NULL;
            q.empty = parts & 4;
            r.empty = parts & 8;
            r.is_error = parts & 16;
            op.tree = parts & 32 ? &tree : NULL;
            op.handle = parts & 64 ? &handle : NULL;
            handle.named = parts & 128;
            make();
            assert_true(maker.event.count < EVENT_FACTS_MAX / 2);
        }
    }
}

static void negotiate(void **state) {
    (void)state;
    static const uint16_t dialects[] = {SMB2_DIALECT_0202, SMB2_DIALECT_0311, 0x0399}, ciphers[] = {2, 1};
    begin(OPERATION_NEGOTIATE, SMB2_NEGOTIATE);
    q.negotiate_request.dialects = (struct u16_list){dialects, 3};
    q.negotiate_request.contexts.ciphers = (struct u16_list){ciphers, 2};
    q.negotiate_request.security_mode = SMB2_NEGOTIATE_SIGNING_ENABLED;
    q.negotiate_request.client_guid.bytes[0] = 0xaa;
    q.negotiate_request.contexts.netname = utf16("srv");
    r.negotiate_response.server_guid.bytes[0] = 0xbb;
    r.negotiate_response.contexts.ciphers = (struct u16_list){ciphers, 1};
    r.negotiate_response.max_read_size = 8;
    make();
    assert_string_equal(value(FIELD_OFFERED_DIALECTS), "2.0.2,3.1.1,0x399");
    assert_string_equal(value(FIELD_CLIENT_GUID), "aa");
    assert_string_equal(value(FIELD_SERVER_GUID), "bb");
    assert_string_equal(value(FIELD_NETNAME), "srv");
    assert_string_equal(value(FIELD_SECURITY_MODE_CLIENT), "signing_enabled");
    assert_string_equal(value(FIELD_SECURITY_MODE_SERVER), "");
    assert_string_equal(value(FIELD_MAX_READ_SIZE), "8");
    assert_non_null(strchr(value(FIELD_CIPHERS), ','));
    assert_null(strchr(value(FIELD_CIPHER), ','));
}

static void session_setup(void **state) {
    (void)state;
    struct auth_facts auth = {.kind = AUTH_GUEST, .user = utf16("alice"), .domain = utf16("CORP")};
    begin(OPERATION_SESSION_SETUP, SMB2_SESSION_SETUP);
    q.session_setup_request.previous_session_id = 7;
    r.session_setup_response.session_flags = SMB2_SESSION_FLAG_IS_GUEST;
    op.auth = &auth;
    op.session_binding = true;
    make();
    assert_string_equal(value(FIELD_MECHANISM), "ntlm");
    assert_string_equal(value(FIELD_AUTH), "guest");
    assert_string_equal(value(FIELD_USER_NAME), "alice");
    assert_string_equal(value(FIELD_DOMAIN), "CORP");
    assert_string_equal(value(FIELD_WORKSTATION), "");
    assert_string_equal(value(FIELD_PREVIOUS_SESSION_ID), "7");
    assert_string_equal(value(FIELD_SESSION_BINDING), "1");
    assert_string_equal(value(FIELD_SESSION_FLAGS), "SMB2_SESSION_FLAG_IS_GUEST");
    assert_string_equal(value(FIELD_OUTCOME), "guest");
    assert_string_equal(value(FIELD_MACHINE_ACCOUNT), "");
    auth.user = utf16("WS01$");
    make();
    assert_string_equal(value(FIELD_MACHINE_ACCOUNT), "1");
    op.auth = NULL; /* hidden: nothing is guessed */
    make();
    assert_string_equal(value(FIELD_MECHANISM), "");
    assert_string_equal(value(FIELD_AUTH), "");
    assert_string_equal(value(FIELD_USER_NAME), "");
}

static void outcomes(void **state) {
    (void)state;
    static const struct {
        uint32_t status;
        const char *outcome;
    } cases[] = {
        {STATUS_SUCCESS, "success"},
        {STATUS_LOGON_FAILURE, "failure"},
        {STATUS_ACCOUNT_LOCKED_OUT, "locked_out"},
        {STATUS_ACCOUNT_DISABLED, "disabled"},
        {STATUS_ACCOUNT_EXPIRED, "expired"},
        {STATUS_PASSWORD_EXPIRED, "expired"},
        {STATUS_PASSWORD_MUST_CHANGE, "expired"},
    };
    struct auth_facts auth = {.kind = AUTH_NTLMV2};
    begin(OPERATION_SESSION_SETUP, SMB2_SESSION_SETUP);
    make();
    assert_string_equal(value(FIELD_OUTCOME), ""); /* whoever that was, nobody perhaps */
    op.auth = &auth;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        r.header.status = cases[i].status;
        make();
        assert_string_equal(value(FIELD_OUTCOME), cases[i].outcome);
    }
    r.header.status = STATUS_SUCCESS;
    r.session_setup_response.session_flags = SMB2_SESSION_FLAG_IS_NULL;
    make();
    assert_string_equal(value(FIELD_OUTCOME), "anonymous");
    op.leg = true; /* more follows */
    make();
    assert_string_equal(value(FIELD_OUTCOME), "");
    op.leg = false;
    op.response = NULL;
    make();
    assert_string_equal(value(FIELD_OUTCOME), "");
    op.left_off = op.implicit = true;
    make();
    assert_string_equal(value(FIELD_OUTCOME), "abandoned");
}

static struct security_facts every_token(void) {
    return (struct security_facts){
        .mechanism = MECHANISM_KERBEROS,
        .names = {[SECURITY_SPN] = utf16("cifs/fs01"),
                  [SECURITY_REALM] = utf16("EXAMPLE"),
                  [SECURITY_ERROR_SERVICE] = utf16("fs01$"),
                  [SECURITY_ERROR_REALM] = utf16("OTHER"),
                  [SECURITY_OFFERED] = utf16("kerberos"),
                  [SECURITY_OFFERED + 1] = utf16("ntlm"),
                  [SECURITY_CHOSEN] = utf16("ntlm"),
                  [SECURITY_WORKSTATION] = utf16("WS"),
                  [SECURITY_SERVER_DNS_TREE] = utf16("tree")},
        .mic_list = true,
        .has_state = true,
        .state = 2,
        .client_version = {true, 10, 0, 26100},
        .server_version = {true, 6, 3, 9600},
        .responses = NTLM_RESPONSE_NTLMV2 | NTLM_RESPONSE_LMV2,
        .has_mic = true,
        .has_channel_bindings = true,
        .channel_bindings = true,
        .has_machine_id = true,
        .machine_id = {0x01, 0xab, [31] = 0xf0},
        .kerberos_options = 0x20000000,
        .ticket = {true, 18, true, 7},
        .authenticator = {true, 23, false, 0},
        .reply = {true, 0xffffff7b, false, 0},
        .has_error_code = true,
        .error_code = 37,
        .error_client_time = UINT64_C(1709251199962789000),
        .error_server_time = UINT64_C(1795901560962789000),
        .skew_recovery = true,
        .has_error_status = true,
        .error_status = STATUS_LOGON_FAILURE,
    };
}

static void tokens(void **state) {
    (void)state;
    struct auth_facts auth = {.kind = AUTH_KERBEROS};
    struct security_facts s = every_token();
    begin(OPERATION_SESSION_SETUP, SMB2_SESSION_SETUP);
    op.auth = &auth;
    op.security = &s;
    make();
    static const struct {
        enum field field;
        const char *value;
    } expected[] = {
        {FIELD_MECHANISM, "kerberos"},
        {FIELD_AUTH, "kerberos"},
        {FIELD_USER_NAME, ""},
        {FIELD_MECHANISMS, "kerberos,ntlm"},
        {FIELD_MECHANISM_CHOSEN, "ntlm"},
        {FIELD_SPNEGO_STATE, "reject"},
        {FIELD_MECH_LIST_MIC, "1"},
        {FIELD_WORKSTATION, "WS"},
        {FIELD_NTLM_VERSION, "10.0.26100"},
        {FIELD_SERVER_NTLM_VERSION, "6.3.9600"},
        {FIELD_NTLM_RESPONSES, "lmv2,ntlmv2"},
        {FIELD_NTLM_MIC, "0"},
        {FIELD_NTLM_CHANNEL_BINDINGS, "1"},
        {FIELD_KERBEROS_OPTIONS, "mutual-required"},
        {FIELD_KERBEROS_TICKET_ENCRYPTION, "aes256-cts-hmac-sha1-96"},
        {FIELD_KERBEROS_SESSION_ENCRYPTION, "rc4-hmac"},
        {FIELD_KERBEROS_REPLY_ENCRYPTION, "0xffffff7b"},
        {FIELD_KERBEROS_KEY_VERSION, "7"},
        {FIELD_NTLM_MACHINE_ID, "01ab0000000000000000000000000000000000000000000000000000000000f0"},
        {FIELD_KERBEROS_ERROR, "KRB_AP_ERR_SKEW"},
        {FIELD_KERBEROS_ERROR_SERVICE, "fs01$"},
        {FIELD_KERBEROS_ERROR_REALM, "OTHER"},
        {FIELD_KERBEROS_ERROR_STATUS, "STATUS_LOGON_FAILURE"},
        {FIELD_KERBEROS_SKEW_RECOVERY, "1"},
        {FIELD_KERBEROS_CLIENT_TIME, "1709251199962789000"},
        {FIELD_KERBEROS_SERVER_TIME, "1795901560962789000"},
        {FIELD_SPN, "cifs/fs01"},
        {FIELD_REALM, "EXAMPLE"},
        {FIELD_SERVER_DNS_TREE, "tree"},
    };
    for (size_t i = 0; i < sizeof expected / sizeof expected[0]; i++) {
        assert_string_equal(value(expected[i].field), expected[i].value);
    }
}

static void tree_connect(void **state) {
    (void)state;
    begin(OPERATION_TREE_CONNECT, SMB2_TREE_CONNECT);
    q.tree_connect_request.path = utf16("\\\\srv\\gone");
    r.is_error = true;
    r.header.status = STATUS_BAD_NETWORK_NAME;
    r.error.has_redirect = true;
    r.error.redirect_resource = utf16("other");
    op.tree = NULL;
    make();
    assert_string_equal(value(FIELD_SHARE), "gone");
    assert_string_equal(value(FIELD_SHARE_PATH), "\\\\srv\\gone");
    assert_string_equal(value(FIELD_SHARE_TYPE), "");
    assert_string_equal(value(FIELD_REDIRECT_TO), "other");
}

static void create(void **state) {
    (void)state;
    begin(OPERATION_CREATE, SMB2_CREATE);
    q.create_request.name = utf16("asked.txt");
    q.create_request.create_disposition = FILE_OPEN_IF;
    q.create_request.create_options = FILE_DELETE_ON_CLOSE;
    op.has_delete_mark = op.delete_pending = true;
    op.context_mask = 1u << SMB2_CREATE_CONTEXT_UNKNOWN | 1u << (SMB2_CREATE_CONTEXTS - 1);
    r.create_response.end_of_file = 9;
    r.create_response.times.creation = UINT64_C(132000000000000000);
    make();
    assert_string_equal(value(FIELD_FILE_NAME), "a.txt"); /* what the handle is, which a reconnect need not ask for */
    assert_string_equal(value(FIELD_FILE_PATH), "\\\\srv\\data\\a.txt");
    assert_string_equal(value(FIELD_SIZE), "9");
    assert_string_equal(value(FIELD_CREATE_DISPOSITION), "FILE_OPEN_IF");
    assert_string_equal(value(FIELD_CREATE_OPTIONS), "FILE_DELETE_ON_CLOSE");
    assert_string_equal(value(FIELD_DELETE_ON_CLOSE), "1");
    assert_string_equal(value(FIELD_DIRECTORY), "0");
    assert_memory_equal(value(FIELD_CREATE_CONTEXTS), "unknown,", 8);
    assert_string_not_equal(value(FIELD_CREATED_TIME), "");
    assert_string_equal(value(FIELD_CHANGED_TIME), ""); /* 0: none */
    r.is_error = true;
    r.header.status = STATUS_STOPPED_ON_SYMLINK;
    memset(&r.error, 0, sizeof r.error);
    r.error.has_symlink = true;
    r.error.substitute_name = utf16("target");
    op.handle = NULL;
    make();
    assert_string_equal(value(FIELD_FILE_NAME), "asked.txt");
    assert_string_equal(value(FIELD_SYMLINK_TARGET), "target");
    assert_string_equal(value(FIELD_SIZE), "");
    assert_string_equal(value(FIELD_CREATE_ACTION), "");
    op.request = NULL; /* an answer alone to an open that is not known says no name */
    make();
    assert_string_equal(value(FIELD_FILE_NAME), "");
}

/* All contexts at once have room. */
static void all_contexts(void **state) {
    (void)state;
    begin(OPERATION_CREATE, SMB2_CREATE);
    tree.path = utf16("\\\\srv\\C$");
    op.context_mask = (UINT32_C(1) << SMB2_CREATE_CONTEXTS) - 1;
    make();
    unsigned commas = 0;
    for (const char *c = value(FIELD_CREATE_CONTEXTS); *c; c++) {
        commas += *c == ',';
    }
    assert_int_equal(commas, SMB2_CREATE_CONTEXTS - 1);
    assert_string_equal(value(FIELD_LOCAL_PATH), "C:\\a.txt");
}

static void close_and_delete(void **state) {
    (void)state;
    begin(OPERATION_CLOSE, SMB2_CLOSE);
    r.close_response.end_of_file = 5;
    make();
    assert_string_equal(value(FIELD_SIZE), ""); /* counts with the flag alone, 2.2.16 */
    assert_string_equal(value(FIELD_BYTES_READ), "");
    r.close_response.flags = SMB2_CLOSE_FLAG_POSTQUERY_ATTRIB;
    op.sums = true;
    handle.bytes_read = 11;
    op.kind = OPERATION_DELETE;
    make();
    assert_string_equal(value(FIELD_SIZE), "5");
    assert_string_equal(value(FIELD_BYTES_READ), "11");
    assert_string_equal(value(FIELD_BYTES_WRITTEN), "0");
    assert_string_equal(value(FIELD_OPERATION), "delete");
    assert_string_equal(value(FIELD_FILE_NAME), "a.txt");
}

static void reads_and_writes(void **state) {
    (void)state;
    begin(OPERATION_READ, SMB2_READ);
    q.read_request.offset = 4096;
    q.read_request.length = 100;
    op.has_bytes_read = true;
    op.bytes_read = 40;
    make();
    assert_string_equal(value(FIELD_OFFSET), "4096");
    assert_string_equal(value(FIELD_LENGTH), "100");
    assert_string_equal(value(FIELD_BYTES_READ), "40");
    assert_string_equal(value(FIELD_BYTES_WRITTEN), "");
    set_up(NULL);
    begin(OPERATION_WRITE, SMB2_WRITE);
    q.write_request.length = 100;
    r.is_error = true;
    r.header.status = STATUS_DISK_FULL;
    make();
    assert_string_equal(value(FIELD_LENGTH), "100");
    assert_string_equal(value(FIELD_BYTES_WRITTEN), "");
}

/* What a request was aimed at, where there is no handle to tell. */
static void aimed_at(void **state) {
    (void)state;
    begin(OPERATION_CLOSE, SMB2_CLOSE);
    op.handle = NULL;
    make();
    assert_string_equal(value(FIELD_FILE_NAME), "");
    op.has_aimed_name = true;
    op.aimed_name = utf16("b.doc");
    make();
    assert_string_equal(value(FIELD_FILE_NAME), "b.doc");
    op.handle = &handle;
    handle.named = handle.directory = true;
    handle.name = utf16("folder.d");
    make();
    assert_string_equal(value(FIELD_FILE_NAME), "folder.d");
    assert_string_equal(value(FIELD_DIRECTORY), "1");
    assert_string_equal(value(FIELD_EXTENSION), "");
}

static void ioctls(void **state) {
    (void)state;
    begin(OPERATION_IOCTL, SMB2_IOCTL);
    q.ioctl.ctl_code = r.ioctl.ctl_code = FSCTL_SRV_COPYCHUNK;
    q.ioctl.has_details = r.ioctl.has_details = true;
    r.ioctl.copychunk.total_bytes_written = 77;
    op.copy_source = utf16("source.txt");
    make();
    assert_string_equal(value(FIELD_CONTROL_CODE), "FSCTL_SRV_COPYCHUNK");
    assert_string_equal(value(FIELD_COPY_SOURCE), "source.txt");
    assert_string_equal(value(FIELD_BYTES_COPIED), "77");
    r.header.status = STATUS_INVALID_PARAMETER; /* then these are the server's limits, 2.2.32.1 */
    make();
    assert_string_equal(value(FIELD_BYTES_COPIED), "");
    set_up(NULL);
    begin(OPERATION_IOCTL, SMB2_IOCTL);
    q.ioctl.ctl_code = 0x12345678;
    make();
    assert_string_equal(value(FIELD_CONTROL_CODE), "0x12345678");
    set_up(NULL);
    begin(OPERATION_IOCTL, SMB2_IOCTL);
    q.ioctl.ctl_code = FSCTL_SET_REPARSE_POINT;
    q.ioctl.has_details = true;
    q.ioctl.reparse.tag = IO_REPARSE_TAG_SYMLINK;
    q.ioctl.reparse.substitute_name = utf16("..\\b");
    make();
    assert_string_equal(value(FIELD_REPARSE_TAG), "IO_REPARSE_TAG_SYMLINK");
    assert_string_equal(value(FIELD_SYMLINK_TARGET), "..\\b");
    set_up(NULL);
    begin(OPERATION_IOCTL, SMB2_IOCTL);
    q.ioctl.ctl_code = FSCTL_DFS_GET_REFERRALS;
    q.ioctl.has_details = true;
    q.ioctl.dfs.path = utf16("\\corp\\dfs");
    make();
    assert_string_equal(value(FIELD_DFS_PATH), "\\corp\\dfs");
    assert_string_equal(value(FIELD_ENTRIES), "");
}

static void set_info(void **state) {
    (void)state;
    begin(OPERATION_RENAME, SMB2_SET_INFO);
    q.set_info_request.info_type = SMB2_0_INFO_FILE;
    q.set_info_request.info_class = FileRenameInformation;
    q.set_info_request.whole = true;
    q.set_info_request.change = SMB2_CHANGE_RENAME;
    q.set_info_request.new_name = utf16("\\dir\\b.txt");
    q.set_info_request.replace = true;
    make();
    assert_string_equal(value(FIELD_FILE_NAME), "a.txt");
    assert_string_equal(value(FIELD_RENAME_TO), "dir\\b.txt");
    assert_string_equal(value(FIELD_REPLACE), "1");
    assert_string_equal(value(FIELD_INFO_CLASS), "FileRenameInformation");
    q.set_info_request.change = SMB2_CHANGE_LINK;
    make();
    assert_string_equal(value(FIELD_LINK_TO), "dir\\b.txt");
    assert_string_equal(value(FIELD_RENAME_TO), "");
    q.set_info_request.change = SMB2_CHANGE_DISPOSITION;
    op.has_delete_mark = true;
    make();
    assert_string_equal(value(FIELD_DELETE_ON_CLOSE), "0"); /* taken back */
    op.has_delete_mark = false;
    q.set_info_request.change = SMB2_CHANGE_END_OF_FILE;
    q.set_info_request.size = 12;
    make();
    assert_string_equal(value(FIELD_SIZE), "12");
    assert_string_equal(value(FIELD_DELETE_ON_CLOSE), "");
    q.set_info_request.change = SMB2_CHANGE_ALLOCATION;
    make();
    assert_string_equal(value(FIELD_SIZE), "");
    assert_string_equal(value(FIELD_ALLOCATION_SIZE), "12");
    q.set_info_request.info_type = SMB2_0_INFO_SECURITY;
    q.set_info_request.change = SMB2_CHANGE_SECURITY;
    q.set_info_request.additional_information = OWNER_SECURITY_INFORMATION | DACL_SECURITY_INFORMATION;
    make();
    assert_string_equal(value(FIELD_INFO_CLASS), "");
    assert_string_equal(value(FIELD_ADDITIONAL_INFORMATION), "OWNER_SECURITY_INFORMATION,DACL_SECURITY_INFORMATION");
}

static void locks(void **state) {
    (void)state;
    struct smb2_lock_element element = {.offset = 5, .length = 6, .flags = SMB2_LOCKFLAG_UNLOCK};
    begin(OPERATION_LOCK, SMB2_LOCK);
    make();
    assert_string_equal(value(FIELD_LOCKS), "");
    q.lock_request.locks = &element;
    q.lock_request.lock_count = 3;
    make();
    assert_string_equal(value(FIELD_LOCKS), "3");
    assert_string_equal(value(FIELD_OFFSET), "5");
    assert_string_equal(value(FIELD_LENGTH), "6");
}

static void oplock_breaks(void **state) {
    (void)state;
    begin(OPERATION_OPLOCK_BREAK, SMB2_OPLOCK_BREAK);
    r.oplock_break.lease = true;
    r.oplock_break.lease_key.bytes[0] = 0xcc;
    r.oplock_break.lease_state = 1;
    op.request = NULL;
    make();
    assert_string_equal(value(FIELD_LEASE_KEY), "cc");
    assert_string_equal(value(FIELD_OPLOCK_LEVEL), "");
    r.oplock_break.lease = false;
    make();
    assert_string_equal(value(FIELD_LEASE_KEY), "");
    assert_string_not_equal(value(FIELD_OPLOCK_LEVEL), "");
}

static void envelopes(void **state) {
    (void)state;
    struct smb2_transform transform = {.session_id = 1, .original_size = 100, .flags = 1, .length = 152};
    struct smb2_compression compression = {.original_size = 1000, .algorithm = 1, .length = 99};
    begin(OPERATION_ENCRYPTED, 0);
    op.request = op.response = NULL;
    op.header = NULL;
    op.transform = &transform;
    op.unasked = true;
    make();
    assert_string_equal(value(FIELD_ENCRYPTED), "1");
    assert_string_equal(value(FIELD_ORIGINAL_SIZE), "100");
    assert_string_equal(value(FIELD_LENGTH), "152");
    assert_string_equal(value(FIELD_ENCRYPTION_ALGORITHM), ""); /* in 3.1.1 the flags do not name it */
    connection.cipher = 2;
    make();
    assert_string_not_equal(value(FIELD_ENCRYPTION_ALGORITHM), "");
    op.transform = NULL;
    op.compression = &compression;
    op.kind = OPERATION_OTHER;
    make();
    assert_string_equal(value(FIELD_COMPRESSED), "1");
    assert_string_equal(value(FIELD_ORIGINAL_SIZE), "1000");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(nothing_there, set_up), cmocka_unit_test_setup(negotiate, set_up),
        cmocka_unit_test_setup(outcomes, set_up),      cmocka_unit_test_setup(tokens, set_up),
        cmocka_unit_test_setup(session_setup, set_up), cmocka_unit_test_setup(tree_connect, set_up),
        cmocka_unit_test_setup(create, set_up),        cmocka_unit_test_setup(all_contexts, set_up),
        cmocka_unit_test_setup(aimed_at, set_up),      cmocka_unit_test_setup(close_and_delete, set_up),
        cmocka_unit_test_setup(ioctls, set_up),        cmocka_unit_test_setup(reads_and_writes, set_up),
        cmocka_unit_test_setup(set_info, set_up),      cmocka_unit_test_setup(locks, set_up),
        cmocka_unit_test_setup(envelopes, set_up),     cmocka_unit_test_setup(oplock_breaks, set_up),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
