#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <jansson.h>

#include "record.h"
#include "schema_check.h"

static const struct record_settings replay = {.sensor_id = "replay", .capture_name = "a.pcap", .live = false};
static const char prefix[] = "{\"schema_version\":\"1.0\",\"record_id\":\"0123456789abcdef-7\",\"seq\":7,";

static json_t *schema;

static int load(void **state) {
    (void)state;
    schema = schema_load();
    return schema == NULL ? -1 : 0;
}

static int unload(void **state) {
    (void)state;
    json_decref(schema);
    return 0;
}

static struct text ascii(const char *s) {
    return (struct text){{(const uint8_t *)s, strlen(s)}, ENC_ASCII};
}

static struct text utf16(const void *s, size_t n) {
    return (struct text){{s, n}, ENC_UTF16LE};
}

#define UTF16(s) utf16(s, sizeof(s) - 2)

static struct flow_facts some_flow(void) {
    struct flow_facts f = {
        .client = {{{10, 0, 0, 5}, 4}, 50123}, .server = {{{10, 0, 0, 7}, 4}, 445}, .flow_id = "0123456789abcdef"};
    strcpy(f.community_id, "1:wCb3OG7yAFWelaUydu0D+125CLM=");
    return f;
}

static struct event some_event(enum event_action action) {
    static char json[FLOW_JSON_MAX];
    struct flow_facts flow = some_flow();
    struct event e = {.object = OBJECT_FLOW, .action = action, .at = {UINT64_C(1600000000123456789), 17}};
    e.flow_json = (struct view){(const uint8_t *)json, record_flow(&flow, NETWORK_UNKNOWN, json)};
    return e;
}

static void add_operation(struct event *e, const char *name) {
    static const char *const names[OPERATION_KINDS] = {
#define OPERATION(id, name) name,
#include "tables/operation.def"
#undef OPERATION
    };
    while (strcmp(names[e->operation], name) != 0) {
        e->operation++;
        assert_true(e->operation < OPERATION_KINDS);
    }
    event_name(e, FIELD_OPERATION, name);
}

/* What every message has. */
static struct event some_message(void) {
    struct event e = some_event(ACTION_MESSAGE);
    event_time(&e, FIELD_START_TIME, e.at.time_ns);
    event_uint(&e, FIELD_VERSION, 3);
    add_operation(&e, "create");
    return e;
}

/* What is kept of masks from record to record, of all that the tests write, leads to the same record. */
static void assert_same_with_memo(const struct record_settings *settings, const struct event *e, const char *line,
                                  size_t n) {
    static struct record_memo memo;
    struct record_settings keeping = *settings;
    char again[RECORD_MAX];
    memset(&memo.sensor, 0, sizeof memo.sensor); /* these are of one settings' texts */
    memset(&memo.capture, 0, sizeof memo.capture);
    keeping.memo = &memo;
    for (unsigned i = 0; i < 2; i++) {
        assert_int_equal(record_write(&keeping, e, again), n);
        assert_memory_equal(line, again, n);
    }
}

/* Writes e, reads it back as whole, checks what holds for every record. The caller decrefs. */
static json_t *read_back(const struct record_settings *settings, const struct event *e) {
    char line[RECORD_MAX], whole[RECORD_MAX + 1], again[RECORD_MAX];
    memset(again, 'x', sizeof(again));
    size_t n = record_write(settings, e, line);
    assert_true(n <= RECORD_MAX - RECORD_PREFIX_MAX);
    assert_int_equal(record_write(settings, e, again), n);
    assert_memory_equal(line, again, n);
    assert_same_with_memo(settings, e, line, n);
    for (size_t i = 0; i < n; i++) {
        assert_in_range((unsigned char)line[i], 0x20, 0x7E);
    }
    size_t length = (size_t)snprintf(whole, sizeof(whole), "%s%.*s", prefix, (int)n, line);
    json_error_t error;
    json_t *record = json_loadb(whole, length, JSON_REJECT_DUPLICATES, &error);
    if (record == NULL) {
        fail_msg("%s at %d: %s", error.text, error.position, whole);
    }
    return record;
}

static void assert_schema(const json_t *record) {
    char why[512];
    if (!schema_check(schema, record, why, sizeof(why))) {
        char *text = json_dumps(record, JSON_INDENT(1));
        fail_msg("%s in %s", why, text);
    }
}

static json_t *read_valid(const struct event *e) {
    json_t *record = read_back(&replay, e);
    assert_schema(record);
    return record;
}

static const char *string_of(const json_t *record, const char *key) {
    const json_t *value = json_object_get(record, key);
    if (value == NULL) {
        value = json_object_get(json_object_get(record, "proto_info"), key);
    }
    return json_is_string(value) ? json_string_value(value) : "(none)";
}

static bool names(const json_t *record, const char *list, const char *field) {
    const json_t *items = json_object_get(json_object_get(record, "proto_info"), list);
    for (size_t i = 0; i < json_array_size(items); i++) {
        if (strcmp(json_string_value(json_array_get(items, i)), field) == 0) {
            return true;
        }
    }
    return false;
}

static void line_is(const struct record_settings *settings, const struct event *e, const char *expected) {
    char line[RECORD_MAX + 1];
    line[record_write(settings, e, line)] = '\0';
    assert_string_equal(line, expected);
}

/* More masks than are kept, of two tables and with and without a name, in turn. */
static void masks(void **state) {
    (void)state;
    for (unsigned round = 0; round < 3; round++) {
        for (uint32_t mask = 1; mask < 200; mask++) {
            struct event e = some_message();
            for (unsigned i = 0; i < EVENT_FACTS_MAX; i++) {
                e.facts[i].digits = (uint8_t)(round + mask); /* of another event, before */
            }
            e.count = 0;
            event_bits(&e, FIELD_SHARE_ACCESS, mask << 24 | (mask & 7), &names_share_access);
            event_bits(&e, FIELD_ATTRIBUTES, mask, &names_file_attribute);
            json_t *record = read_back(&replay, &e), *info = json_object_get(record, "proto_info");
            const json_t *access = json_object_get(info, "share_access");
            const char *last = json_string_value(json_array_get(access, json_array_size(access) - 1));
            char expected[16];
            snprintf(expected, sizeof expected, "0x%08" PRIx32, mask << 24);
            assert_string_equal(last, expected);
            json_decref(record);
        }
    }
}

static void order_of_members(void **state) {
    (void)state;
    struct event e = {
        .object = OBJECT_FLOW, .action = ACTION_MESSAGE, .at = {0, 3}, .flow_json = {(const uint8_t *)",\"f\":1", 6}};
    event_uint(&e, FIELD_VERSION, 2);
    event_text(&e, FIELD_USER, ascii("D\\u\xe9"));
    event_named(&e, FIELD_COMMAND, 5, &names_smb2_command, 4);
    event_named(&e, FIELD_STATUS, 0, &names_ntstatus, 8);
    line_is(&replay, &e,
            "\"sensor_id\":\"replay\",\"time\":\"1970-01-01T00:00:00.000000000Z\",\"object\":\"flow\",\"action\":"
            "\"message\","
            "\"capture\":{\"file\":\"a.pcap\",\"frame\":3},\"f\":1,\"user\":\"D\\\\u\\u00e9\","
            "\"content\":\"SMB2 CREATE D\\\\u\\u00e9: "
            "STATUS_SUCCESS\",\"proto_info\":{\"version\":2,\"command\":\"SMB2_CREATE\","
            "\"status\":\"STATUS_SUCCESS\",\"lossy\":[\"user\",\"content\"]}}");
    struct event bare = {.object = OBJECT_SENSOR, .action = ACTION_STOP};
    struct record_settings live = {.sensor_id = "s", .capture_name = "eth0", .live = true};
    line_is(&live, &bare,
            "\"sensor_id\":\"s\",\"time\":\"1970-01-01T00:00:00.000000000Z\",\"object\":\"sensor\",\"action\":\"stop\","
            "\"capture\":{\"interface\":\"eth0\"}}");
}

static const struct name_row letter_rows[] = {NAME_ROW(1, "A"), NAME_ROW(2, "B"), NAME_ROW(4, "C"), NAME_ROW(8, "D")};
static const struct name_table letters = {letter_rows, 4};

static void every_form(void **state) {
    (void)state;
    struct event e = some_message();
    static const uint16_t u16s[] = {1, 0x1234, 4};
    static const struct text items[] = {
        {{(const uint8_t *)"x", 1}, ENC_ASCII}, {{NULL, 0}, ENC_ASCII}, {{(const uint8_t *)"y\0", 2}, ENC_UTF16LE}};
    static const struct guid guid = {
        {0x33, 0x22, 0x11, 0x00, 0x55, 0x44, 0x77, 0x66, 0x88, 0x99, 0xaa, 0xbb, 0xcc, 0xdd, 0xee, 0xff}};
    static const struct smb2_network_interface interfaces[] = {
        {.family = 4, .address = {192, 0, 2, 1}},
        {.family = 0},
        {.family = 6, .address = {0x20, 0x01, 0x0d, 0xb8, [15] = 1}}};
    static const char *const kinds[] = {"bad", "none", "cut"};
    static const uint64_t counts[] = {3, 0, 1};
    struct text path[] = {UTF16(u"\\\\S\\C$"), ascii("\\"), UTF16(u"a.exe")};
    event_bool(&e, FIELD_SIGNED, true);
    event_bool(&e, FIELD_ENCRYPTED, false);
    event_filetime(&e, FIELD_CREATED_TIME, UINT64_C(132444736001234567));
    event_hex(&e, FIELD_SESSION_ID, UINT64_C(0x40000000051), 16);
    event_named(&e, FIELD_STATUS, 0xC0000034, &names_ntstatus, 8);
    event_named(&e, FIELD_CONTROL_CODE, 0x1234, &letters, 8);
    event_bits(&e, FIELD_SHARE_ACCESS, 0x80000005, &letters);
    event_bits(&e, FIELD_LOCK_FLAGS, 0x10, NULL);
    event_names16(&e, FIELD_CIPHERS, (struct u16_list){u16s, 3}, &letters, 4);
    event_joined(&e, FIELD_FILE_PATH, path, 3);
    event_texts(&e, FIELD_USERS, items, 3);
    event_file_id(&e, FIELD_FILE_ID, (struct file_id){0x1122, 0x3344});
    event_guid(&e, FIELD_CLIENT_GUID, &guid);
    struct fact *f = event_add(&e, FIELD_INTERFACES, FACT_ADDRESSES);
    f->interfaces.items = interfaces;
    f->interfaces.count = 3;
    event_add(&e, FIELD_PARSE_FAULTS, FACT_COUNTS)->counts = (struct fact_counts){kinds, counts, 3};
    json_t *record = read_valid(&e), *proto = json_object_get(record, "proto_info");
    json_t *expected = json_pack_ex(
        NULL, 0, "{s:i,s:s,s:b,s:b,s:s,s:s,s:s,s:s,s:[s,s,s],s:[s],s:[s,s,s],s:s,s:[s,s],s:s,s:s,s:[s,s]}", "version",
        3, "operation", "create", "signed", 1, "encrypted", 0, "created_time", "2020-09-13T12:26:40.123456700Z",
        "session_id", "0x0000040000000051", "status", "STATUS_OBJECT_NAME_NOT_FOUND", "control_code", "0x00001234",
        "share_access", "A", "C", "0x80000000", "lock_flags", "0x00000010", "ciphers", "A", "0x1234", "C", "file_path",
        "\\\\S\\C$\\a.exe", "users", "x", "y", "file_id", "0x00000000000011220000000000003344", "client_guid",
        "00112233-4455-6677-8899-aabbccddeeff", "interfaces", "192.0.2.1", "2001:db8::1");
    assert_non_null(expected);
    assert_true(json_equal(proto, expected));
    json_t *faults = json_object_get(record, "parse_faults");
    assert_int_equal(json_object_size(faults), 2);
    assert_int_equal(json_integer_value(json_object_get(faults, "bad")), 3);
    json_decref(expected);
    json_decref(record);
}

/* What is unknown is absent: never null, "" or an empty list. */
static void nothing_empty(void **state) {
    (void)state;
    struct event e = some_message();
    static const uint8_t odd = 'x';
    static const char *const kinds[] = {"bad"};
    static const uint64_t none[] = {0};
    struct text nothing[] = {{{NULL, 0}, ENC_ASCII}, {{NULL, 0}, ENC_UTF16LE}};
    static const struct smb2_network_interface unknown = {.family = 0};
    event_add(&e, FIELD_SHARE, FACT_TEXT)->text = nothing[0];
    event_joined(&e, FIELD_FILE_PATH, nothing, 2);
    event_texts(&e, FIELD_SHARES, nothing, 2);
    event_name(&e, FIELD_MECHANISM, "");
    event_add(&e, FIELD_ATTRIBUTES, FACT_BITS)->number = 0;
    event_add(&e, FIELD_CIPHERS, FACT_NAMES16)->u16s = (struct u16_list){NULL, 0};
    event_add(&e, FIELD_PARSE_FAULTS, FACT_COUNTS)->counts = (struct fact_counts){kinds, none, 1};
    struct fact *f = event_add(&e, FIELD_INTERFACES, FACT_ADDRESSES);
    f->interfaces.items = &unknown;
    f->interfaces.count = 1;
    event_text(&e, FIELD_WORKSTATION, utf16(&odd, 1));
    json_t *record = read_valid(&e), *proto = json_object_get(record, "proto_info");
    assert_int_equal(json_object_size(proto), 3); /* version, operation, lossy */
    assert_true(names(record, "lossy", "workstation"));
    json_decref(record);
}

/* An item of several texts, and one of which nothing is left. */
static void lists_of_joined_texts(void **state) {
    (void)state;
    struct event e = some_message();
    static const uint8_t odd = 'x';
    struct text items[] = {ascii("D"), ascii("\\"), ascii("u"), ascii(""), utf16(&odd, 1),
                           ascii(""),  ascii("v"),  ascii(""),  ascii("")};
    event_joined_texts(&e, FIELD_USERS, items, 3, 3);
    event_texts(&e, FIELD_SHARES, items + 3, 2);
    json_t *record = read_valid(&e), *proto = json_object_get(record, "proto_info");
    json_t *users = json_object_get(proto, "users");
    assert_int_equal(json_array_size(users), 2);
    assert_string_equal(json_string_value(json_array_get(users, 0)), "D\\u");
    assert_string_equal(json_string_value(json_array_get(users, 1)), "v");
    assert_null(json_object_get(proto, "shares"));
    assert_true(names(record, "lossy", "users"));
    assert_true(names(record, "lossy", "shares"));
    json_decref(record);
}

static void integers_are_exact_or_lossy(void **state) {
    (void)state;
    struct event e = some_message();
    event_uint(&e, FIELD_OFFSET, (UINT64_C(1) << 53) - 1);
    event_uint(&e, FIELD_LENGTH, UINT64_MAX);
    event_uint(&e, FIELD_MESSAGE_ID, INT64_MAX);
    event_filetime(&e, FIELD_CREATED_TIME, UINT64_C(0x7ffffffffffffffe));
    json_t *record = read_valid(&e), *proto = json_object_get(record, "proto_info");
    assert_int_equal(json_integer_value(json_object_get(proto, "offset")), (UINT64_C(1) << 53) - 1);
    assert_int_equal(json_integer_value(json_object_get(proto, "length")), (UINT64_C(1) << 53) - 1);
    assert_int_equal(json_integer_value(json_object_get(proto, "message_id")), INT64_MAX);
    assert_false(names(record, "lossy", "offset"));
    assert_true(names(record, "lossy", "length"));
    assert_false(names(record, "lossy", "message_id"));
    assert_true(names(record, "lossy", "created_time"));
    json_decref(record);
}

static void rows_are_objects(void **state) {
    (void)state;
    struct event e = some_message();
    struct text row_names[] = {ascii("e\"0"), UTF16(u"\u00e9")};
    static const char *const of_row[] = {"up", "received", "dropped"};
    static const uint64_t values[] = {1, 5, FACT_CELL_UNKNOWN, 0, UINT64_MAX - 1, 0};
    struct fact_rows rows = {
        .names = row_names, .count = 2, .columns = of_row, .column_count = 3, .booleans = 1, .cells = values};
    event_add(&e, FIELD_OUTPUTS, FACT_ROWS)->rows = &rows;
    json_t *record = read_valid(&e), *have = json_object_get(json_object_get(record, "proto_info"), "outputs");
    json_t *expected =
        json_pack_ex(NULL, 0, "[{s:s,s:b,s:i},{s:s,s:b,s:I,s:i}]", "name", "e\"0", "up", 1, "received", 5, "name",
                     "\xc3\xa9", "up", 0, "received", (json_int_t)((INT64_C(1) << 53) - 1), "dropped", 0);
    assert_non_null(expected);
    assert_true(json_equal(have, expected));
    assert_true(names(record, "lossy", "outputs"));
    json_decref(expected);
    json_decref(record);
    e = some_message();
    rows.count = 0;
    event_add(&e, FIELD_OUTPUTS, FACT_ROWS)->rows = &rows;
    record = read_valid(&e);
    assert_null(json_object_get(json_object_get(record, "proto_info"), "outputs"));
    json_decref(record);
}

static void the_first_fact_counts(void **state) {
    (void)state;
    struct event e = some_message();
    add_operation(&e, "close");
    json_t *record = read_valid(&e);
    assert_string_equal(string_of(record, "operation"), "create");
    json_decref(record);
}

static void content_is(struct event *e, const char *expected) {
    json_t *record = read_valid(e);
    assert_string_equal(string_of(record, "content"), expected);
    json_decref(record);
}

static struct event command(unsigned number, const char *operation) {
    struct event e = some_event(ACTION_MESSAGE);
    event_uint(&e, FIELD_VERSION, 3);
    event_named(&e, FIELD_COMMAND, number, &names_smb2_command, 4);
    add_operation(&e, operation);
    return e;
}

static void with_status(struct event *e, uint32_t status) {
    event_named(e, FIELD_STATUS, status, &names_ntstatus, 8);
}

static void content_of_files(void **state) {
    (void)state;
    struct text path[] = {UTF16(u"\\\\FS01\\ADMIN$"), ascii("\\"), UTF16(u"Temp\\a.exe")};
    struct event e = command(SMB2_CREATE, "create");
    with_status(&e, 0);
    event_text(&e, FIELD_USER, ascii("D\\u"));
    event_text(&e, FIELD_SHARE_PATH, path[0]);
    event_joined(&e, FIELD_FILE_PATH, path, 3);
    content_is(&e, "SMB2 CREATE \\\\FS01\\ADMIN$\\Temp\\a.exe: STATUS_SUCCESS");
    e = command(SMB2_SET_INFO, "rename");
    with_status(&e, 0);
    event_name(&e, FIELD_INFO_CLASS, "FileRenameInformation");
    event_joined(&e, FIELD_FILE_PATH, path, 3);
    event_text(&e, FIELD_RENAME_TO, UTF16(u"b.exe"));
    content_is(&e, "SMB2 SET_INFO \\\\FS01\\ADMIN$\\Temp\\a.exe -> b.exe: STATUS_SUCCESS");
    e = command(SMB2_SET_INFO, "set_info");
    with_status(&e, 0xC0000022);
    event_bool(&e, FIELD_DELETE_ON_CLOSE, true);
    event_text(&e, FIELD_FILE_NAME, path[2]);
    content_is(&e, "SMB2 SET_INFO Temp\\a.exe (to be deleted on close): STATUS_ACCESS_DENIED");
    e = command(SMB2_CLOSE, "delete");
    with_status(&e, 0);
    event_text(&e, FIELD_FILE_NAME, path[2]);
    content_is(&e, "SMB2 CLOSE Temp\\a.exe (deleted): STATUS_SUCCESS");
    e = command(SMB2_CLOSE, "delete");
    with_status(&e, 0xC0000022);
    event_text(&e, FIELD_FILE_NAME, path[2]);
    content_is(&e, "SMB2 CLOSE Temp\\a.exe (not deleted): STATUS_ACCESS_DENIED");
    e = command(SMB2_CLOSE, "delete");
    event_text(&e, FIELD_FILE_NAME, path[2]);
    event_bool(&e, FIELD_RESPONSE_SEEN, false);
    content_is(&e, "SMB2 CLOSE Temp\\a.exe: no response");
    e = command(SMB2_READ, "read");
    event_text(&e, FIELD_FILE_NAME, path[2]);
    event_uint(&e, FIELD_BYTES_READ, 4096);
    event_named(&e, FIELD_STATUS, 0xC0FFEE00, &names_ntstatus, 8);
    event_bool(&e, FIELD_REQUEST_SEEN, false);
    content_is(&e, "SMB2 READ Temp\\a.exe, 4096 bytes read: 0xc0ffee00 (request not seen)");
}

static void content_of_the_rest(void **state) {
    (void)state;
    struct event e = command(SMB2_TREE_CONNECT, "tree_connect");
    event_text(&e, FIELD_USER, ascii("CORP\\alice"));
    event_text(&e, FIELD_SHARE_PATH, ascii("\\\\FS01\\C$"));
    event_bool(&e, FIELD_RESPONSE_SEEN, false);
    content_is(&e, "SMB2 TREE_CONNECT \\\\FS01\\C$: no response");
    e = command(SMB2_SESSION_SETUP, "session_setup");
    event_text(&e, FIELD_USER, ascii("CORP\\alice"));
    with_status(&e, 0);
    content_is(&e, "SMB2 SESSION_SETUP CORP\\alice: STATUS_SUCCESS");
    e = command(SMB2_IOCTL, "ioctl");
    event_named(&e, FIELD_CONTROL_CODE, FSCTL_VALIDATE_NEGOTIATE_INFO, &names_fsctl, 8);
    with_status(&e, 0);
    content_is(&e, "SMB2 IOCTL FSCTL_VALIDATE_NEGOTIATE_INFO: STATUS_SUCCESS");
    e = command(0x7777, "other");
    content_is(&e, "SMB command 0x7777");
    e = some_event(ACTION_MESSAGE); /* what a handle came to that ended without a CLOSE */
    event_uint(&e, FIELD_VERSION, 3);
    add_operation(&e, "write");
    event_text(&e, FIELD_FILE_NAME, ascii("a"));
    event_uint(&e, FIELD_BYTES_WRITTEN, 14);
    content_is(&e, "SMB end of handle a, 14 bytes written");
    e = some_event(ACTION_MESSAGE);
    event_uint(&e, FIELD_VERSION, 3);
    add_operation(&e, "encrypted");
    event_bool(&e, FIELD_ENCRYPTED, true);
    event_uint(&e, FIELD_ORIGINAL_SIZE, 104);
    content_is(&e, "SMB3 encrypted message, 104 bytes inside");
    e = command(SMB2_OPLOCK_BREAK, "oplock_break");
    event_text(&e, FIELD_FILE_NAME, ascii("a"));
    event_bits(&e, FIELD_LEASE_STATE, 5, &letters);
    with_status(&e, 0);
    content_is(&e, "SMB2 server breaks lease a to A|C");
    event_uint(&e, FIELD_MESSAGE_ID, 5);
    content_is(&e, "SMB2 OPLOCK_BREAK a: STATUS_SUCCESS");
    e = command(SMB2_SERVER_TO_CLIENT_NOTIFICATION, "other");
    event_name(&e, FIELD_NOTIFICATION, "SmbNotifySessionClosed");
    content_is(&e, "SMB3 server notification SmbNotifySessionClosed");
}

static struct event smb1_command(const char *name, const char *operation) {
    struct event e = some_event(ACTION_MESSAGE);
    event_uint(&e, FIELD_VERSION, 1);
    event_name(&e, FIELD_COMMAND, name);
    add_operation(&e, operation);
    return e;
}

static void content_of_smb1(void **state) {
    (void)state;
    struct text dos[] = {ascii("ERRDOS"), ascii("/"), ascii("ERRbadfile")};
    struct event e = smb1_command("SMB1_DELETE", "delete");
    event_text(&e, FIELD_FILE_NAME, ascii("a"));
    event_joined(&e, FIELD_STATUS, dos, 3);
    content_is(&e, "SMB1 DELETE a (not deleted): ERRDOS/ERRbadfile");
    e = smb1_command("SMB1_LOCKING_ANDX", "oplock_break");
    event_text(&e, FIELD_FILE_NAME, ascii("a"));
    event_name(&e, FIELD_OPLOCK_LEVEL, "SMB2_OPLOCK_LEVEL_II");
    content_is(&e, "SMB1 server breaks oplock a to SMB2_OPLOCK_LEVEL_II");
    e = smb1_command("SMB1_NEGOTIATE", "negotiate");
    with_status(&e, 0);
    content_is(&e, "SMB1 NEGOTIATE, no dialect chosen: STATUS_SUCCESS");
    event_bool(&e, FIELD_GAP, true);
    content_is(&e, "SMB1 NEGOTIATE: STATUS_SUCCESS");
    e = smb1_command("SMB1_NEGOTIATE", "negotiate");
    event_text(&e, FIELD_DIALECT, ascii("NT LM 0.12"));
    with_status(&e, 0);
    content_is(&e, "SMB1 NEGOTIATE NT LM 0.12: STATUS_SUCCESS");
    e = smb1_command("SMB1_NEGOTIATE", "negotiate");
    with_status(&e, 0);
    event_bool(&e, FIELD_REQUEST_SEEN, false);
    content_is(&e, "SMB1 NEGOTIATE: STATUS_SUCCESS (request not seen)");
}

static void only_messages_have_content(void **state) {
    (void)state;
    struct event e = some_event(ACTION_START);
    event_time(&e, FIELD_START_TIME, 1);
    event_bool(&e, FIELD_START_SEEN, true);
    json_t *record = read_valid(&e);
    assert_null(json_object_get(record, "content"));
    assert_null(json_object_get(record, "proto_info"));
    json_decref(record);
}

static void flow_lacks_nothing_required(void **state) {
    (void)state;
    char why[512];
    struct event e = some_event(ACTION_END);
    json_t *record = read_back(&replay, &e);
    assert_false(schema_check(schema, record, why, sizeof(why)));
    assert_string_equal(why, "start_time: is missing");
    json_decref(record);
    e = some_event(ACTION_MESSAGE);
    record = read_back(&replay, &e);
    assert_false(schema_check(schema, record, why, sizeof(why)));
    json_decref(record);
}

static void schema_refuses(const char *json, const char *reason) {
    char why[512];
    json_t *record = json_loads(json, 0, NULL);
    assert_non_null(record);
    assert_false(schema_check(schema, record, why, sizeof(why)));
    assert_string_equal(why, reason);
    json_decref(record);
}

static void the_schema_bites(void **state) {
    (void)state;
#define HEAD                                                                                                   \
    "{\"schema_version\":\"1.0\",\"record_id\":\"x\",\"seq\":1,\"sensor_id\":\"s\",\"time\":\"t\",\"object\":" \
    "\"sensor\","
    schema_refuses(HEAD "\"action\":\"stop\",\"new_field\":1}", "new_field: is not in the schema");
    schema_refuses(HEAD "\"action\":\"stop\",\"proto_info\":{\"sizes\":1}}", "sizes: is not in the schema");
    schema_refuses(HEAD "\"action\":\"stop\",\"proto_info\":{\"size\":\"1\"}}", "size: is no integer");
    schema_refuses(HEAD "\"action\":\"stop\",\"proto_info\":{}}", "proto_info: has fewer than minProperties");
    schema_refuses(HEAD "\"action\":\"message\"}", "action: is none of the values");
    schema_refuses(HEAD "\"action\":\"stop\",\"user\":\"\"}", "user: has fewer than minLength");
    schema_refuses(HEAD "\"action\":\"stop\",\"tcp_flags\":[]}", "tcp_flags: has fewer than minItems");
}

static void flow_members(void **state) {
    (void)state;
    char to[FLOW_JSON_MAX];
    struct flow_facts f = some_flow();
    struct network home[] = {{{{192, 0, 2, 0}, 4}, 24}, {{{10, 0, 0, 4}, 4}, 31}};
    f.link = (struct link_facts){
        .src_mac = {0, 1, 2, 3, 4, 0xff}, .dst_mac = {0xaa}, .has_mac = true, .vlan_count = 2, .vlan = {100, 4095}};
    size_t n = record_flow(&f, record_direction(&f, home, 2), to);
    static const char expected[] =
        ",\"src_ip\":\"10.0.0.5\",\"src_port\":50123,\"dest_ip\":\"10.0.0.7\",\"dest_port\":445,\"transport_protocol\":"
        "\"tcp\","
        "\"application_protocol\":\"smb\",\"protocol\":\"smb\",\"flow_id\":\"0123456789abcdef\","
        "\"community_id\":\"1:wCb3OG7yAFWelaUydu0D+125CLM=\",\"network_direction\":\"outbound\",\"vlan\":[100,4095],"
        "\"src_mac\":\"00:01:02:03:04:ff\",\"dest_mac\":\"aa:00:00:00:00:00\"";
    assert_int_equal(n, sizeof(expected) - 1);
    assert_memory_equal(to, expected, n);
}

static void direction_is(struct flow_facts *f, const struct network *home, size_t count, const char *expected) {
    char to[FLOW_JSON_MAX + 1];
    to[record_flow(f, record_direction(f, home, count), to)] = '\0';
    const char *found = strstr(to, "\"network_direction\":\"");
    if (expected == NULL) {
        assert_null(found);
    } else {
        assert_non_null(found);
        assert_memory_equal(found + 21, expected, strlen(expected));
    }
}

static void network_directions(void **state) {
    (void)state;
    struct flow_facts f = some_flow();
    direction_is(&f, NULL, 0, NULL);
    direction_is(&f, &(struct network){{{10}, 4}, 8}, 1, "internal");
    direction_is(&f, &(struct network){{{0}, 4}, 0}, 1, "internal");
    direction_is(&f, &(struct network){{{10, 0, 0, 5}, 4}, 32}, 1, "outbound");
    direction_is(&f, &(struct network){{{10, 0, 0, 6}, 4}, 31}, 1, "inbound");
    direction_is(&f, &(struct network){{{11}, 4}, 8}, 1, "external");
    direction_is(&f, &(struct network){{{10}, 6}, 8}, 1, "external");
    f.client.ip = (struct address){{0xfd, 0x12, [15] = 1}, 6};
    f.server.ip = (struct address){{0xfd, 0x13, [15] = 1}, 6};
    direction_is(&f, &(struct network){{{0xfc}, 6}, 7}, 1, "internal");
    direction_is(&f, &(struct network){{{0xfd, 0x13, [15] = 1}, 6}, 128}, 1, "inbound");
}

static void ipv6_is_short(void **state) {
    (void)state;
    char to[FLOW_JSON_MAX + 1];
    struct flow_facts f = some_flow();
    f.client.ip = (struct address){{0x20, 0x01, 0x0d, 0xb8, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0xAB, 1}, 6};
    memset(&f.server.ip, 0xff, 16);
    f.server.ip.family = 6;
    to[record_flow(&f, NETWORK_UNKNOWN, to)] = '\0';
    assert_non_null(strstr(to, "\"src_ip\":\"2001:db8:0:1::ab01\""));
    assert_non_null(strstr(to, "\"dest_ip\":\"ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff\""));
}

/* Each layer by its name, and its identifier where it has one; a flow without layers has none of these members. */
static void encapsulation(void **state) {
    (void)state;
    static const char *const expected[ENCAPSULATIONS] = {
        "mpls:4294967295",
        "pppoe:4294967295",
        "gre",
        "gre:4294967295",
        "erspan1",
        "erspan2:4294967295",
        "erspan3:4294967295",
        "vxlan:4294967295",
        "vxlan-gpe:4294967295",
        "geneve:4294967295",
        "ipip",
        "6in4",
        "4in6",
        "6in6",
    };
    char json[FLOW_JSON_MAX], flow_alone[FLOW_JSON_MAX];
    struct flow_facts f = some_flow();
    struct wrapping w = {0};
    size_t alone = record_flow(&f, NETWORK_UNKNOWN, flow_alone);
    assert_int_equal(record_flow_capture((struct view){(const uint8_t *)flow_alone, alone}), 0);
    f.wrapping = &w;
    for (unsigned i = 0; i < ENCAPSULATIONS; i++) {
        w.layers[i] = (uint8_t)i;
        w.layer_ids[i] = UINT32_MAX;
    }
    w.layer_count = ENCAPSULATIONS;
    for (unsigned tunnel = 0; tunnel < 2; tunnel++) {
        w.has_tunnel = tunnel;
        w.tunnel_src = (struct address){{192, 0, 2, 1}, 4};
        w.tunnel_dst = (struct address){{0x20, 0x01, 0x0d, 0xb8, [15] = 1}, 6};
        struct event e = some_message();
        e.flow_json = (struct view){(const uint8_t *)json, record_flow(&f, NETWORK_UNKNOWN, json)};
        size_t of_capture = record_flow_capture(e.flow_json);
        assert_int_equal(e.flow_json.n - of_capture, alone);
        assert_memory_equal(json + of_capture, flow_alone, alone);
        json_t *record = read_valid(&e), *capture = json_object_get(record, "capture");
        json_t *list = json_object_get(capture, "encapsulation");
        assert_int_equal(json_array_size(list), ENCAPSULATIONS);
        for (unsigned i = 0; i < ENCAPSULATIONS; i++) {
            assert_string_equal(json_string_value(json_array_get(list, i)), expected[i]);
        }
        assert_int_equal(json_object_size(capture), tunnel ? 5 : 3);
        if (tunnel) {
            assert_string_equal(json_string_value(json_object_get(capture, "tunnel_src_ip")), "192.0.2.1");
            assert_string_equal(json_string_value(json_object_get(capture, "tunnel_dest_ip")), "2001:db8::1");
        }
        json_decref(record);
    }
}

/* A record that is too long loses its layers first: every other one of the flow has them. */
static void layers_give_way(void **state) {
    (void)state;
    static char long_text[RECORD_MAX];
    char json[FLOW_JSON_MAX];
    struct flow_facts f = some_flow();
    struct wrapping w = {.layer_count = 1, .layers = {ENCAPSULATION_IPIP}};
    f.wrapping = &w;
    memset(long_text, 'a', sizeof(long_text));
    for (unsigned fits = 0; fits < 2; fits++) {
        struct event e = some_message();
        e.flow_json = (struct view){(const uint8_t *)json, record_flow(&f, NETWORK_UNKNOWN, json)};
        event_text(&e, FIELD_NETNAME, (struct text){{(const uint8_t *)long_text, fits ? 1000 : RECORD_MAX}, ENC_ASCII});
        json_t *record = read_valid(&e), *capture = json_object_get(record, "capture");
        assert_true((json_object_get(capture, "encapsulation") != NULL) == fits);
        assert_true(names(record, "truncated", "capture") == !fits);
        assert_true(names(record, "truncated", "netname") == !fits);
        json_decref(record);
    }
}

/* The longest of everything. */
static struct view longest_flow(void) {
    static char to[FLOW_JSON_MAX];
    struct flow_facts f = some_flow();
    struct wrapping w = {.has_tunnel = true, .layer_count = LAYERS_MAX};
    memset(&f.client, 0xff, sizeof(f.client));
    memset(&f.server, 0xff, sizeof(f.server));
    f.client.ip.family = f.server.ip.family = 6;
    f.link = (struct link_facts){.has_mac = true, .vlan_count = VLAN_MAX, .vlan = {4095, 4095, 4095, 4095}};
    f.wrapping = &w;
    memset(w.layers, ENCAPSULATION_VXLAN_GPE, sizeof(w.layers));
    memset(w.layer_ids, 0xff, sizeof(w.layer_ids));
    w.tunnel_src = w.tunnel_dst = f.client.ip;
    return (struct view){(const uint8_t *)to,
                         record_flow(&f, record_direction(&f, &(struct network){{{0xff}, 6}, 8}, 1), to)};
}

static void the_longest_flow(void **state) {
    (void)state;
    assert_in_range(longest_flow().n, FLOW_JSON_MAX - 100,
                    FLOW_JSON_MAX); /* it fits, and there is no more room than that */
}

/* The cap */

static uint8_t controls[65536];

static struct text hostile(enum encoding encoding) {
    if (controls[0] == 0) {
        memset(controls, 1, sizeof(controls));
    }
    return (struct text){{controls, sizeof(controls)}, encoding};
}

static void long_name_keeps_its_end(void **state) {
    (void)state;
    static uint16_t name[32767];
    for (size_t i = 0; i < 32767; i++) {
        name[i] = 0x6587;
    }
    memcpy(name + 32763, u".exe", 8);
    struct event e = some_message();
    struct text path[] = {UTF16(u"\\\\FS01\\C$"), ascii("\\"), utf16(name, sizeof(name))};
    with_status(&e, 0);
    event_uint(&e, FIELD_STATUS_CODE, 0);
    event_hex(&e, FIELD_SESSION_ID, 1, 16);
    event_text(&e, FIELD_FILE_NAME, path[2]);
    event_joined(&e, FIELD_FILE_PATH, path, 3);
    event_text(&e, FIELD_RENAME_TO, path[2]);
    json_t *record = read_valid(&e);
    static const char *const cut[] = {"file_name", "file_path", "rename_to", "content"};
    for (size_t i = 0; i < 4; i++) {
        assert_true(names(record, "truncated", cut[i]));
        const char *s = string_of(record, cut[i]);
        assert_string_equal(s + strlen(s) - 4, i < 3 ? ".exe" : "CESS");
        assert_true(strlen(s) > 40);
    }
    assert_string_equal(string_of(record, "status"), "STATUS_SUCCESS");
    assert_string_equal(string_of(record, "src_ip"), "10.0.0.5");
    assert_false(names(record, "truncated", "status"));
    json_decref(record);
}

/* What else says the same goes before a name is cut: all of it, and it is told. */
static void events_make_room_for_names(void **state) {
    (void)state;
    static const struct windows_event *named[] = {windows_events, windows_events + 1};
    char name[1800];
    memset(name, 'n', sizeof name - 1);
    name[sizeof name - 1] = 0;
    for (unsigned i = 0; i < 2; i++) {
        struct event e = some_message();
        event_text(&e, FIELD_FILE_NAME, ascii(i ? name : "n"));
        event_text(&e, FIELD_FILE_PATH, ascii(i ? name + 1400 : "n"));
        event_text(&e, FIELD_SYMLINK_TARGET, ascii(i ? name + 1099 : "n"));
        event_windows(&e, named, 2);
        json_t *record = read_valid(&e), *events = json_object_get(record, "windows_events");
        assert_int_equal(json_array_size(events), i ? 0 : 2);
        assert_true(names(record, "truncated", "windows_events") == (i == 1));
        assert_int_equal(strlen(string_of(record, "symlink_target")), i ? 700 : 1);
        assert_int_equal(strlen(string_of(record, "file_name")), i ? 1799 : 1);
        json_decref(record);
    }
}

/* 255 characters of six bytes each, the longest name that most file systems have: it stays whole, the rest makes room. */
static void a_long_real_name_stays_whole(void **state) {
    (void)state;
    static uint16_t name[255];
    for (size_t i = 0; i < 255; i++) {
        name[i] = 0x6587;
    }
    struct event e = some_message();
    struct text path[] = {UTF16(u"\\\\FS01\\C$"), ascii("\\"), utf16(name, sizeof(name))};
    event_text(&e, FIELD_FILE_NAME, path[2]);
    event_joined(&e, FIELD_FILE_PATH, path, 3);
    event_joined(&e, FIELD_LOCAL_PATH, path + 1, 2);
    event_text(&e, FIELD_USER, ascii("CORP\\alice"));
    json_t *record = read_valid(&e);
    assert_int_equal(strlen(string_of(record, "file_name")), 255 * 3);
    assert_false(names(record, "truncated", "file_name"));
    assert_false(names(record, "truncated", "user"));
    assert_true(names(record, "truncated", "file_path"));
    json_decref(record);
}

static void a_record_that_just_fits(void **state) {
    (void)state;
    struct event e = some_message();
    static char long_text[RECORD_MAX];
    memset(long_text, 'a', sizeof(long_text));
    char line[RECORD_MAX];
    event_text(&e, FIELD_NETNAME, (struct text){{(const uint8_t *)long_text, 1}, ENC_ASCII});
    size_t room = RECORD_MAX - RECORD_PREFIX_MAX - record_write(&replay, &e, line);
    e.facts[e.count - 1].text.bytes.n = 1 + room;
    assert_int_equal(record_write(&replay, &e, line), RECORD_MAX - RECORD_PREFIX_MAX);
    json_t *record = read_valid(&e);
    assert_false(names(record, "truncated", "netname"));
    json_decref(record);
    e.facts[e.count - 1].text.bytes.n++;
    record = read_valid(&e);
    assert_true(names(record, "truncated", "netname"));
    json_decref(record);
}

enum { LAST_FORMS = 8 };

static enum field add_last(struct event *e, unsigned form) {
    static uint16_t dialect = 0x0311;
    static const struct guid guid;
    static struct text text;
    switch (form) {
    case 0:
        event_bits(e, FIELD_DESIRED_ACCESS, 1, &names_access_mask_file);
        return FIELD_DESIRED_ACCESS;
    case 1:
        event_bits(e, FIELD_DESIRED_ACCESS, 0x001F01FF, &names_access_mask_file);
        return FIELD_DESIRED_ACCESS;
    case 2:
        event_names16(e, FIELD_OFFERED_DIALECTS, (struct u16_list){&dialect, 1}, &letters, 4);
        return FIELD_OFFERED_DIALECTS;
    case 3:
        text = ascii("text");
        event_texts(e, FIELD_SHARES, &text, 1);
        return FIELD_SHARES;
    case 4:
        event_text(e, FIELD_SHARE, ascii("text"));
        return FIELD_SHARE;
    case 5:
        event_file_id(e, FIELD_REOPENED_FILE_ID, (struct file_id){1, 2});
        return FIELD_REOPENED_FILE_ID;
    case 6:
        event_guid(e, FIELD_CREATE_GUID, &guid);
        return FIELD_CREATE_GUID;
    default:
        event_bool(e, FIELD_DIRECTORY, true);
        return FIELD_DIRECTORY;
    }
}

/* Whatever form the last fact has and however much room is left for it: it is written, or it is said that it is not. */
static void nothing_is_lost_at_the_end(void **state) {
    (void)state;
    enum { AROUND = 64, LONGEST_LAST = 512 };
    static const char *const field_names[FIELDS] = {
#define FIELD(id, name, place, type, meaning) name,
#include "tables/field.def"
#undef FIELD
    };
    static char long_text[RECORD_MAX];
    char line[RECORD_MAX];
    memset(long_text, 'a', sizeof(long_text));
    for (unsigned form = 0; form < LAST_FORMS; form++) {
        struct event e = some_message();
        event_text(&e, FIELD_NETNAME, (struct text){{(const uint8_t *)long_text, 1}, ENC_ASCII});
        struct text *netname = &e.facts[e.count - 1].text;
        size_t room = RECORD_MAX - RECORD_PREFIX_MAX - record_write(&replay, &e, line);
        const char *name = field_names[add_last(&e, form)];
        for (size_t n = room - LONGEST_LAST; n < room + AROUND; n++) {
            netname->bytes.n = n;
            json_t *record = read_back(&replay, &e);
            bool written = json_object_get(json_object_get(record, "proto_info"), name) != NULL;
            if (!written && !names(record, "truncated", name)) {
                fail_msg("%s of form %u is lost behind %zu bytes", name, form, n);
            }
            json_decref(record);
        }
    }
}

static void lists_lose_items(void **state) {
    (void)state;
    static uint16_t dialects[65535];
    static struct text shares[16];
    for (size_t i = 0; i < 16; i++) {
        shares[i] = hostile(ENC_UTF16LE);
    }
    struct event e = some_message();
    event_names16(&e, FIELD_OFFERED_DIALECTS, (struct u16_list){dialects, 65535}, &letters, 4);
    event_texts(&e, FIELD_SHARES, shares, 16);
    event_bits(&e, FIELD_DESIRED_ACCESS, 0x001F01FF, &names_access_mask_file);
    json_t *record = read_valid(&e), *proto = json_object_get(record, "proto_info");
    assert_true(names(record, "truncated", "offered_dialects"));
    assert_true(names(record, "truncated", "shares"));
    assert_false(names(record, "truncated", "desired_access"));
    assert_in_range(json_array_size(json_object_get(proto, "offered_dialects")), 4, 64);
    assert_in_range(json_array_size(json_object_get(proto, "shares")), 4, 16);
    json_decref(record);
}

static struct text texts[300];

static const char *const columns[] = {"a_rather_long_name_of_a_column", "another_one"};
static const uint64_t cells[600] = {UINT64_MAX, UINT64_MAX - 1};
static const struct fact_rows hostile_rows = {
    .names = texts, .count = 300, .columns = columns, .column_count = 2, .booleans = 2, .cells = cells};

/* A fact for the field in the most hostile form that its type admits. */
static void add_hostile(struct event *e, unsigned field, unsigned variant) {
    static const struct guid guid;
    static const uint16_t u16s[300];
    static const char *const kinds[] = {"a_rather_long_name_of_a_fault", "another_rather_long_name"};
    static const uint64_t counts[] = {UINT64_MAX, UINT64_MAX};
    for (size_t i = 0; i < 300; i++) {
        texts[i] = hostile(variant & 1 ? ENC_UTF16LE : ENC_ASCII);
    }
    switch (fields[field].type) {
    case TYPE_INTEGER:
        event_uint(e, field, field == FIELD_MESSAGE_ID ? INT64_MAX : UINT64_MAX); /* jansson reads no larger one */
        return;
    case TYPE_BOOLEAN:
        event_bool(e, field, false);
        return;
    case TYPE_OBJECT:
        event_add(e, field, FACT_COUNTS)->counts = (struct fact_counts){kinds, counts, 2};
        return;
    case TYPE_OBJECTS:
        event_add(e, field, FACT_ROWS)->rows = &hostile_rows;
        return;
    case TYPE_STRING:
        if (variant % 3 == 0) {
            event_guid(e, field, &guid);
        } else if (variant % 3 == 1) {
            event_text(e, field, texts[0]);
        } else {
            event_joined(e, field, texts, 255);
        }
        return;
    case TYPE_STRINGS:
        if (variant % 3 == 0) {
            event_bits(e, field, 0xFFFFFFFF, &names_access_mask_file);
        } else if (variant % 3 == 1) {
            event_texts(e, field, texts, 300);
        } else {
            event_names16(e, field, (struct u16_list){u16s, 300}, &names_smb2_command, 4);
        }
        return;
    case TYPE_INTEGERS:
        return;
    }
}

static bool in_every_message(unsigned field) {
    return field == FIELD_START_TIME || field == FIELD_VERSION || field == FIELD_OPERATION;
}

/* The fields with names of that length or longer: to name all that are left out takes room as well. */
static struct event event_of_long_names(size_t length, unsigned variant) {
    struct event e = some_message();
    e.flow_json = longest_flow();
    for (unsigned field = FIELD_USER; field < FIELDS && e.count < EVENT_FACTS_MAX; field++) {
        if (!in_every_message(field) && strlen(fields[field].name) >= length) {
            add_hostile(&e, field, variant);
        }
    }
    return e;
}

static void the_worst_event(void **state) {
    (void)state;
    for (unsigned variant = 0; variant < 6; variant++) {
        for (size_t length = 30; length > 0; length--) {
            struct event e = event_of_long_names(length, variant);
            json_decref(read_valid(&e));
        }
    }
}

/* Some of all fields, by chance: all of them in one turn of seven, then fewer. */
static struct event event_of_chance(unsigned *random, unsigned turn) {
    struct event e = some_message();
    e.flow_json = longest_flow();
    for (unsigned field = FIELD_USER; field < FIELDS && e.count < EVENT_FACTS_MAX; field++) {
        *random = *random * 1103515245 + 12345;
        bool taken = (*random >> 16) % 7 >= turn % 7 && field != FIELD_LOSSY && field != FIELD_TRUNCATED;
        if (taken && !in_every_message(field)) {
            add_hostile(&e, field, turn % 11 == 10 ? *random >> 20 : turn % 6);
        }
    }
    return e;
}

/* Whatever an event holds, the record fits, is JSON, fits the schema and names what it lost. */
static void every_hostile_event(void **state) {
    (void)state;
    unsigned random = 1;
    char long_name[5000];
    memset(long_name, '\\', sizeof(long_name) - 1);
    long_name[sizeof(long_name) - 1] = '\0';
    struct record_settings settings = {.sensor_id = long_name, .capture_name = long_name};
    for (unsigned turn = 0; turn < 2000; turn++) {
        struct event e = event_of_chance(&random, turn);
        json_t *record = read_back(&settings, &e);
        assert_schema(record);
        json_t *proto = json_object_get(record, "proto_info");
        for (unsigned i = 0; i < e.count; i++) {
            const char *name = fields[e.facts[i].field].name;
            bool there = json_object_get(record, name) || json_object_get(proto, name);
            assert_true(there || names(record, "truncated", name));
        }
        json_decref(record);
    }
}

static void schema_covers_the_table(void **state) {
    (void)state;
    json_t *top = json_object_get(schema, "properties");
    json_t *proto = json_object_get(json_object_get(top, "proto_info"), "properties");
    assert_int_equal(json_object_size(top) - 1 + json_object_size(proto), FIELDS);
    for (unsigned field = 0; field < FIELDS; field++) {
        json_t *place = fields[field].place == PLACE_PROTO ? proto : top;
        assert_non_null(json_object_get(place, fields[field].name));
        assert_true(fields[field].meaning[0] != '\0');
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(order_of_members),
        cmocka_unit_test(every_form),
        cmocka_unit_test(nothing_empty),
        cmocka_unit_test(lists_of_joined_texts),
        cmocka_unit_test(integers_are_exact_or_lossy),
        cmocka_unit_test(rows_are_objects),
        cmocka_unit_test(the_first_fact_counts),
        cmocka_unit_test(content_of_files),
        cmocka_unit_test(content_of_the_rest),
        cmocka_unit_test(content_of_smb1),
        cmocka_unit_test(only_messages_have_content),
        cmocka_unit_test(flow_lacks_nothing_required),
        cmocka_unit_test(the_schema_bites),
        cmocka_unit_test(flow_members),
        cmocka_unit_test(network_directions),
        cmocka_unit_test(ipv6_is_short),
        cmocka_unit_test(encapsulation),
        cmocka_unit_test(layers_give_way),
        cmocka_unit_test(the_longest_flow),
        cmocka_unit_test(long_name_keeps_its_end),
        cmocka_unit_test(events_make_room_for_names),
        cmocka_unit_test(a_long_real_name_stays_whole),
        cmocka_unit_test(a_record_that_just_fits),
        cmocka_unit_test(nothing_is_lost_at_the_end),
        cmocka_unit_test(lists_lose_items),
        cmocka_unit_test(masks),
        cmocka_unit_test(every_hostile_event),
        cmocka_unit_test(the_worst_event),
        cmocka_unit_test(schema_covers_the_table),
    };
    return cmocka_run_group_tests(tests, load, unload);
}
