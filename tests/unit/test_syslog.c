#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "delivery/syslog.h"
#include "event.h"
#include "record.h"

#define RECORD                                                                                            \
    "{\"schema_version\":\"1.0\",\"record_id\":\"0000000000000001-1\",\"seq\":1,\"sensor_id\":\"edge1\"," \
    "\"time\":\"2026-11-03T09:02:03.123456789Z\",\"object\":\"flow\",\"action\":\"message\"}"
#define DATA "[meta sequenceId=\"1\"][origin software=\"smbtap\" swVersion=\"" SMBTAP_VERSION "\"]"

static struct line line_of(const char *text) {
    return (struct line){.text = text,
                         .length = (uint16_t)strlen(text),
                         .object = OBJECT_FLOW,
                         .action = ACTION_MESSAGE,
                         .severity = LINE_INFO};
}

static const struct syslog_settings plain = {.facility = 16, .severity = 6};

static const char *message(const struct syslog_settings *settings, struct line l) {
    static char to[SYSLOG_MESSAGE_SIZE + 1];
    struct syslog s;
    syslog_init(&s, settings, 4711);
    to[syslog_message(&s, &l, to)] = '\0';
    return to;
}

static const char *frame(const struct syslog_settings *settings, struct line l) {
    static char to[SYSLOG_FRAME_SIZE + 1];
    struct syslog s;
    syslog_init(&s, settings, 4711);
    to[syslog_frame(&s, &l, to)] = '\0';
    return to;
}

static void every_field(void **state) {
    (void)state;
    assert_string_equal(message(&plain, line_of(RECORD)),
                        "<134>1 2026-11-03T09:02:03.123456Z edge1 smbtap 4711 flow/message " DATA " " RECORD);
    struct syslog_settings cee = plain;
    cee.cee = true;
    cee.hostname = "told.example";
    cee.facility = 0;
    cee.severity = 0;
    assert_string_equal(message(&cee, line_of(RECORD)),
                        "<0>1 2026-11-03T09:02:03.123456Z told.example smbtap 4711 flow/message " DATA
                        " @cee: " RECORD);
}

static void the_old_form(void **state) {
    (void)state;
    struct syslog_settings old = plain;
    old.format = SYSLOG_RFC3164;
    assert_string_equal(message(&old, line_of(RECORD)), "<134>Nov  3 09:02:03 edge1 smbtap[4711]: " RECORD);
    old.cee = true;
    old.facility = 23;
    old.severity = 7;
    static const char late[] = "{\"sensor_id\":\"e\",\"time\":\"2024-02-29T23:59:60.000000000Z\"}";
    assert_string_equal(message(&old, line_of(late)),
                        "<191>Feb 29 23:59:60 e smbtap[4711]: @cee: "
                        "{\"sensor_id\":\"e\",\"time\":\"2024-02-29T23:59:60.000000000Z\"}");
    /* Without a time that of sending stands there: a form of fifteen characters. */
    static const char none[] = "{\"sensor_id\":\"e\",\"time\":\"2024-13-29T23:59:60.000000000Z\"}";
    const char *text = message(&old, line_of(none));
    assert_memory_equal(text + 5 + 15, " e smbtap[4711]: @cee: {", 24);
    assert_true(text[5 + 3] == ' ' && text[5 + 6] == ' ' && text[5 + 9] == ':' && text[5 + 12] == ':');
}

static void how_severities_are_mapped(void **state) {
    (void)state;
    static const struct {
        uint8_t object, action, severity;
        const char *begin;
    } cases[] = {
        {OBJECT_FINDING, ACTION_RAISE, LINE_HIGH, "<131>1"}, {OBJECT_FINDING, ACTION_RAISE, LINE_MEDIUM, "<132>1"},
        {OBJECT_FINDING, ACTION_RAISE, LINE_LOW, "<133>1"},  {OBJECT_FINDING, ACTION_RAISE, LINE_INFO, "<134>1"},
        {OBJECT_SENSOR, ACTION_GAP, LINE_INFO, "<132>1"},    {OBJECT_SENSOR, ACTION_STATS, LINE_INFO, "<135>1"},
        {OBJECT_FLOW, ACTION_MESSAGE, LINE_HIGH, "<135>1"},  {OBJECT_FINDING, ACTION_RAISE, 99, "<135>1"},
    };
    struct syslog_settings debug = plain;
    debug.severity = 7;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct line l = line_of(RECORD);
        l.object = cases[i].object;
        l.action = cases[i].action;
        l.severity = cases[i].severity;
        assert_memory_equal(message(&debug, l), cases[i].begin, 6);
    }
}

/* The name of the sensor is an operator's, and may have anything in it; a record that is none may come from a disk. MSGID is cut at
 * SYSLOG_MSGID_MAX. */
static void what_a_header_may_have(void **state) {
    (void)state;
    static const struct {
        const char *record, *header;
    } cases[] = {
        {"{\"sensor_id\":\"a b\\\"c\\\\d\\u00e9-\\n/]\"}", "<134>1 - a?b\"c\\d?-?/] smbtap 4711 - "},
        {"{\"sensor_id\":\"\"}", "<134>1 - - smbtap 4711 - "},
        {"{\"sensor_id\":\"cut", "<134>1 - - smbtap 4711 - "},
        {"{\"sensor_id\":\"cut\\", "<134>1 - - smbtap 4711 - "},
        {"{\"sensor_id\":\"cut\\u00", "<134>1 - - smbtap 4711 - "},
        {"", "<134>1 - - smbtap 4711 - "},
        {"{\"object\":\"sensor\"}", "<134>1 - - smbtap 4711 sensor/ "},
        {"{\"object\":\"0123456789012345678\",\"action\":\"0123456789012345678\"}",
         "<134>1 - - smbtap 4711 0123456789012345/012345678901234 "},
        {"{\"time\":\"2026-11-03T09:02:03.12345\"}", "<134>1 - - smbtap 4711 - "},
        {"{\"time\":\"2026-11-03 09:02:03.123456\"}", "<134>1 - - smbtap 4711 - "},
        {"{\"time\":\"2026-11-03T09:02:03.123456\"}", "<134>1 2026-11-03T09:02:03.123456Z - smbtap 4711 - "},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char want[512];
        snprintf(want, sizeof want, "%s" DATA " %s", cases[i].header, cases[i].record);
        assert_string_equal(message(&plain, line_of(cases[i].record)), want);
    }
}

/* A file name that looks like a member is no member: its quotes have backslashes in front of them. */
static void a_name_is_not_taken_for_a_member(void **state) {
    (void)state;
    static const char record[] = "{\"x\":\"\\\"sensor_id\\\":\\\"evil\\\",\\\"time\\\":\\\"\",\"sensor_id\":\"good\"}";
    assert_memory_equal(message(&plain, line_of(record)), "<134>1 - good smbtap", 20);
}

static void the_extremes(void **state) {
    (void)state;
    static char record[RECORD_MAX + 1], hostname[2 * SYSLOG_HOSTNAME_MAX];
    memset(record, 'x', RECORD_MAX);
    memset(hostname, 'h', sizeof hostname - 1);
    memcpy(record, RECORD, sizeof RECORD - 1);
    struct syslog_settings wide = plain;
    wide.facility = 23;
    wide.severity = 7;
    wide.cee = true;
    wide.hostname = hostname;
    struct line l = line_of(record);
    struct syslog s;
    static char to[SYSLOG_FRAME_SIZE];
    syslog_init(&s, &wide, 4194304);
    s.sequence = 2147483647;
    size_t n = syslog_message(&s, &l, to);
    char *end = memchr(to + 40, ' ', n - 40);
    assert_int_equal(end - (to + 35), SYSLOG_HOSTNAME_MAX);
    assert_true(n > RECORD_MAX && n - RECORD_MAX < SYSLOG_HEADER_SIZE);
    assert_memory_equal(to + n - RECORD_MAX, record, RECORD_MAX);
    size_t framed = syslog_frame(&s, &l, to);
    assert_int_equal(framed, n + 5);
    assert_int_equal(strtoul(to, NULL, 10), n);
    assert_true(framed < 8192);
}

static void frames(void **state) {
    (void)state;
    struct syslog_settings newline = plain;
    newline.framing = SYSLOG_NEWLINE;
    static char want[2 * SYSLOG_FRAME_SIZE];
    const char *text = message(&plain, line_of(RECORD));
    snprintf(want, sizeof want, "%zu %s", strlen(text), text);
    assert_string_equal(frame(&plain, line_of(RECORD)), want);
    snprintf(want, sizeof want, "%s\n", text);
    assert_string_equal(frame(&newline, line_of(RECORD)), want);
}

static void the_sequence_of_messages(void **state) {
    (void)state;
    struct syslog s;
    struct line l = line_of(RECORD);
    char to[SYSLOG_MESSAGE_SIZE];
    syslog_init(&s, &plain, 1);
    for (unsigned i = 1; i < 4; i++) {
        char want[64];
        snprintf(want, sizeof want, "[meta sequenceId=\"%u\"]", i);
        for (unsigned twice = 0; twice < 2; twice++) {
            size_t n = syslog_message(&s, &l, to);
            assert_non_null(memmem(to, n, want, strlen(want)));
        }
        syslog_submitted(&s);
    }
    s.sequence = 2147483646;
    syslog_submitted(&s);
    assert_int_equal(s.sequence, 2147483647);
    syslog_submitted(&s);
    assert_int_equal(s.sequence, 1);
}

static void what_can_be_no_message(void **state) {
    (void)state;
    static char record[RECORD_MAX + 2];
    memset(record, 'x', sizeof record - 1);
    struct line l = line_of(record);
    assert_int_equal(syslog_check(&l), -EMSGSIZE);
    l.length = RECORD_MAX;
    assert_int_equal(syslog_check(&l), 0);
    record[RECORD_MAX - 1] = '\n';
    assert_int_equal(syslog_check(&l), -EBADMSG);
    record[RECORD_MAX - 1] = '\0';
    assert_int_equal(syslog_check(&l), -EBADMSG);
}

static void values_of_parameters(void **state) {
    (void)state;
    static const struct {
        const char *value, *want;
        size_t room;
    } cases[] = {
        {"plain", "plain", 32}, {"a\"b\\c]d[", "a\\\"b\\\\c\\]d[", 32},
        {"ab", "a", 1},         {"a]", "a", 2},
        {"a]", "a\\]", 3},      {"", "", 0},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char to[33];
        size_t n = syslog_escape(cases[i].value, to, cases[i].room);
        to[n] = '\0';
        assert_string_equal(to, cases[i].want);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_field),
        cmocka_unit_test(the_old_form),
        cmocka_unit_test(how_severities_are_mapped),
        cmocka_unit_test(what_a_header_may_have),
        cmocka_unit_test(a_name_is_not_taken_for_a_member),
        cmocka_unit_test(the_extremes),
        cmocka_unit_test(frames),
        cmocka_unit_test(the_sequence_of_messages),
        cmocka_unit_test(what_can_be_no_message),
        cmocka_unit_test(values_of_parameters),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
