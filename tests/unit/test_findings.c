#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "findings/findings.h"
#include "record.h"

enum { SECOND = 1000000000, RAISED_MAX = 64 };

/* The lines of what was raised. */
static char raised[RAISED_MAX][RECORD_MAX + 1];
static unsigned raised_count;

static void take(void *arg, const struct event *e, const char *capture) {
    (void)arg;
    assert_true(raised_count < RAISED_MAX);
    struct record_settings settings = {.sensor_id = "test", .capture_name = capture};
    raised[raised_count][record_write(&settings, e, raised[raised_count])] = '\0';
    raised_count++;
}

struct bench {
    struct findings *findings;
    struct stats stats;
    struct flow_facts flow;
    uint64_t seq;
};

static void bench_begin(struct bench *b, bool at_once, size_t pairs_max) {
    struct findings_settings settings = {.run_id = 0xabc, .secret = 7, .at_once = at_once, .pairs_max = pairs_max};
    struct findings_sink sink = {NULL, take};
    *b = (struct bench){.flow = {.client = {{{10, 0, 0, 5}, 4}, 50123},
                                 .server = {{{10, 0, 0, 7}, 4}, 445},
                                 .flow_id = "00000000000000aa"}};
    b->findings = findings_new(&settings, &sink, &b->stats);
    assert_non_null(b->findings);
    raised_count = 0;
}

static void bench_end(struct bench *b) {
    findings_finish(b->findings);
    findings_free(b->findings);
}

static struct text ascii(const char *s) {
    return (struct text){{(const uint8_t *)s, strlen(s)}, ENC_ASCII};
}

static struct event message(struct bench *b, unsigned second, unsigned command) {
    struct event e = {.object = OBJECT_FLOW, .action = ACTION_MESSAGE, .flow = &b->flow};
    e.at = (struct moment){(uint64_t)second * SECOND, second};
    e.flow_json = (struct view){(const uint8_t *)",\"f\":1", 6};
    e.smb1 = true;
    event_uint(&e, FIELD_VERSION, 1);
    event_name(&e, FIELD_COMMAND, names_find(&names_smb1_command, command));
    return e;
}

static void answered(struct event *e) {
    event_named(e, FIELD_STATUS, 0, &names_ntstatus, 8);
}

static void give(struct bench *b, const struct event *e) {
    findings_event(b->findings, e, ++b->seq, "a.pcap");
}

static struct text old_dialects[] = {{{(const uint8_t *)"LANMAN1.0", 9}, ENC_ASCII},
                                     {{(const uint8_t *)"NT LM 0.12", 10}, ENC_ASCII}};
static struct text both_dialects[] = {{{(const uint8_t *)"NT LM 0.12", 10}, ENC_ASCII},
                                      {{(const uint8_t *)"SMB 2.???", 9}, ENC_ASCII}};

static struct event negotiate(struct bench *b, unsigned second, const struct text *offered) {
    struct event e = message(b, second, SMB1_NEGOTIATE);
    event_texts(&e, FIELD_OFFERED_DIALECTS, offered, 2);
    return e;
}

static struct event flow_end(struct bench *b, const char *by) {
    struct event e = {.object = OBJECT_FLOW, .action = ACTION_END, .flow = &b->flow};
    event_name(&e, FIELD_CLOSED_BY, by);
    return e;
}

static const char *found(const char *rule) {
    for (unsigned i = raised_count; i > 0; i--) {
        if (strstr(raised[i - 1], rule)) {
            return raised[i - 1];
        }
    }
    return "";
}

#define has(line, part) assert_non_null(strstr(line, part))
#define has_not(line, part) assert_null(strstr(line, part))

static void asked_and_answered(void **state) {
    (void)state;
    struct bench b;
    bench_begin(&b, false, 0);
    struct event e = negotiate(&b, 1, old_dialects);
    event_text(&e, FIELD_DIALECT, ascii("NT LM 0.12"));
    answered(&e);
    give(&b, &e);
    e = message(&b, 3, SMB1_SESSION_SETUP_ANDX);
    event_text(&e, FIELD_NATIVE_OS_CLIENT, ascii("Windows 5.1"));
    event_text(&e, FIELD_NATIVE_OS, ascii("Unix"));
    answered(&e);
    give(&b, &e);
    e = message(&b, 2, SMB1_ECHO);
    answered(&e);
    findings_event(b.findings, &e, 0, "a.pcap"); /* an operation without a record of its own */
    assert_int_equal(raised_count, 0);
    bench_end(&b);
    assert_int_equal(raised_count, 2);
    assert_int_equal(b.stats.findings, 2);
    const char *line = found("smb1_requested");
    has(line, "\"object\":\"finding\",\"action\":\"raise\",\"capture\":{\"file\":\"a.pcap\",\"frame\":1},\"f\":1,");
    has(line, "\"kind\":\"posture\",\"severity\":\"low\",\"techniques\":[\"T1210\"]");
    has(line, "[\"Microsoft-Windows-SMBServer/Audit 3000\",\"Microsoft-Windows-SMBServer/Audit 3002\","
              "\"Microsoft-Windows-SMBServer/Audit 3027\",\"Microsoft-Windows-SMBServer/Operational 3027\"]");
    has(line, "\"count\":3,\"first_time\":\"1970-01-01T00:00:01.000000000Z\",\"last_time\":\"1970-01-01T00:00:03.");
    has(line, "\"evidence\":[\"0000000000000abc-1\",\"0000000000000abc-2\"]");
    has(line, "10.0.0.5 asks 10.0.0.7 for SMB1: 3 requests, not signed; Windows 5.1\"");
    has(line, "\"offered_dialects\":[\"LANMAN1.0\",\"NT LM 0.12\"],\"native_os_client\":\"Windows "
              "5.1\",\"native_os\":\"Unix\"");
    line = found("smb1_answered");
    has(line, "\"windows_events\":[\"Microsoft-Windows-SMBServer/Operational 3000 (eid-quick-reference)\"]");
    has(line, "\"dialect\":\"NT LM 0.12\"");
    has(line, "10.0.0.7 answers 10.0.0.5 in SMB1: 3 answers; NT LM 0.12; Unix\"");
}

/* An anomaly of a connection is told once, when it ends, whatever came before. */
static void segments_that_differ(void **state) {
    (void)state;
    struct bench b;
    bench_begin(&b, false, 0);
    struct flow_trouble differ = {.of = {[SEGMENTS_DIFFER] = {2, {5 * (uint64_t)SECOND, 50}, 6 * (uint64_t)SECOND}}};
    b.flow.trouble = &differ;
    struct event e = flow_end(&b, "client");
    e.flow_json = (struct view){(const uint8_t *)",\"f\":1", 6};
    b.seq = 9;
    give(&b, &e);
    assert_int_equal(raised_count, 1);
    has(raised[0], "\"capture\":{\"file\":\"a.pcap\",\"frame\":50},\"f\":1,");
    has(raised[0], "\"rule_id\":\"tcp_overlap_differs\"");
    has(raised[0], "\"kind\":\"anomaly\"");
    has(raised[0],
        "\"count\":2,\"first_time\":\"1970-01-01T00:00:05.000000000Z\",\"last_time\":\"1970-01-01T00:00:06.");
    has(raised[0], "\"evidence\":[\"0000000000000abc-10\"]");
    has(raised[0], "10.0.0.5 and 10.0.0.7, port 445: 2 TCP segments brought other bytes");
    has_not(raised[0], "windows_events");
    has_not(raised[0], "proto_info");
    bench_end(&b);
    assert_int_equal(raised_count, 1);
    assert_int_equal(b.stats.findings, 1);
}

static void fragments_that_differ(void **state) {
    (void)state;
    struct bench b;
    bench_begin(&b, false, 0);
    struct flow_trouble differ = {.of = {[FRAGMENTS_DIFFER] = {1, {5 * (uint64_t)SECOND, 50}, 5 * (uint64_t)SECOND}}};
    b.flow.trouble = &differ;
    struct event e = flow_end(&b, "client");
    e.flow_json = (struct view){(const uint8_t *)",\"f\":1", 6};
    give(&b, &e);
    bench_end(&b);
    assert_int_equal(raised_count, 1);
    has(raised[0], "\"rule_id\":\"ip_overlap_differs\"");
    has(raised[0], "\"kind\":\"anomaly\"");
    has(raised[0], "10.0.0.5 and 10.0.0.7, port 445: 1 TCP segment came in IP fragments that brought other bytes");
}

static void one_who_signs(void **state) {
    (void)state;
    struct bench b;
    bench_begin(&b, false, 0);
    struct event e = negotiate(&b, 1, old_dialects);
    give(&b, &e);
    e = message(&b, 2, SMB1_SESSION_SETUP_ANDX);
    give(&b, &e);
    e = message(&b, 3, SMB1_SESSION_SETUP_ANDX);
    event_bits(&e, FIELD_SECURITY_MODE_CLIENT, SMB2_NEGOTIATE_SIGNING_ENABLED, &names_security_mode);
    give(&b, &e);
    bench_end(&b);
    assert_int_equal(raised_count, 1);
    has_not(raised[0], "3027");
    bench_begin(&b, false, 0);
    for (unsigned i = 0; i < 3; i++) { /* one of three connections is not signed */
        b.flow.flow_id[0] = (char)('a' + i);
        e = message(&b, i, SMB1_SESSION_SETUP_ANDX);
        event_bits(&e, FIELD_SECURITY_MODE_CLIENT, i == 1 ? 0 : SMB2_NEGOTIATE_SIGNING_ENABLED, &names_security_mode);
        give(&b, &e);
    }
    bench_end(&b);
    has(raised[0], "Operational 3027");
}

static void multi_protocol(void **state) {
    (void)state;
    struct bench b;
    bench_begin(&b, false, 0);
    struct event e = negotiate(&b, 1, both_dialects);
    event_named(&e, FIELD_DIALECT, SMB2_DIALECT_02FF, &names_dialect, 3);
    answered(&e);
    give(&b, &e);
    e = negotiate(&b, 2, both_dialects);
    event_bool(&e, FIELD_RESPONSE_SEEN, false);
    give(&b, &e);
    e = flow_end(&b, "server");
    give(&b, &e);
    e = message(&b, 3, SMB1_NEGOTIATE); /* an answer whose request was not seen says nothing */
    event_bool(&e, FIELD_REQUEST_SEEN, false);
    answered(&e);
    give(&b, &e);
    struct event smb2 = {.object = OBJECT_FLOW, .action = ACTION_MESSAGE, .flow = &b.flow};
    event_uint(&smb2, FIELD_VERSION, 3);
    event_named(&smb2, FIELD_COMMAND, SMB2_CREATE, &names_smb2_command, 4);
    give(&b, &smb2);
    bench_end(&b);
    assert_int_equal(raised_count, 0);
}

/* Both dialects were offered, and the server took the old one. */
static void multi_protocol_answered_in_smb1(void **state) {
    (void)state;
    struct bench b;
    bench_begin(&b, false, 0);
    struct event e = negotiate(&b, 1, both_dialects);
    event_text(&e, FIELD_DIALECT, ascii("NT LM 0.12"));
    answered(&e);
    give(&b, &e);
    bench_end(&b);
    assert_int_equal(raised_count, 1);
    has(raised[0], "smb1_answered");
}

/* One connection was refused, and another one not: nobody is to read that SMB1 is refused there. */
static void refused_once(void **state) {
    (void)state;
    struct bench b;
    bench_begin(&b, false, 0);
    struct event e = negotiate(&b, 1, old_dialects);
    answered(&e);
    give(&b, &e);
    e = negotiate(&b, 2, old_dialects);
    event_text(&e, FIELD_DIALECT, ascii("NT LM 0.12"));
    answered(&e);
    give(&b, &e);
    bench_end(&b);
    assert_int_equal(raised_count, 2);
    has(raised[0], "2 requests, some refused");
}

static void refused(void **state) {
    (void)state;
    static const struct {
        bool index, end, loss, wanted;
        const char *by;
    } cases[] = {
        {.index = true, .wanted = true},
        {.end = true, .by = "server", .wanted = true},
        {.end = true, .by = "client"},
        {.end = true, .by = "server", .loss = true},
        {.end = false},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct bench b;
        bench_begin(&b, false, 0);
        struct event e = negotiate(&b, 1, old_dialects);
        if (cases[i].index) { /* DialectIndex 0xFFFF: an answer, and no dialect */
            answered(&e);
        }
        give(&b, &e);
        b.flow.missed_bytes[TO_CLIENT] = cases[i].loss;
        e = flow_end(&b, cases[i].by ? cases[i].by : "");
        if (cases[i].end) {
            give(&b, &e);
        }
        bench_end(&b);
        assert_int_equal(raised_count, 1);
        assert_true((strstr(raised[0], "Operational 1001") != NULL) == cases[i].wanted);
        assert_true((strstr(raised[0], ", refused") != NULL) == cases[i].wanted);
        has(raised[0], "smb1_requested");
    }
}

static void alone(void **state) {
    (void)state;
    struct bench b;
    bench_begin(&b, false, 0);
    struct event e = message(&b, 1, SMB1_CLOSE);
    event_bool(&e, FIELD_REQUEST_SEEN, false);
    answered(&e);
    give(&b, &e);
    bench_end(&b);
    assert_int_equal(raised_count, 1);
    has(raised[0], "smb1_answered");
    bench_begin(&b, false, 0);
    e = message(&b, 1, SMB1_LOCKING_ANDX);
    event_name(&e, FIELD_OPERATION, "oplock_break");
    give(&b, &e);
    bench_end(&b);
    assert_int_equal(raised_count, 1);
    has(raised[0], "smb1_answered");
    bench_begin(&b, false, 0);
    e = message(&b, 1, SMB1_CLOSE);
    event_bool(&e, FIELD_RESPONSE_SEEN, false);
    give(&b, &e);
    bench_end(&b);
    assert_int_equal(raised_count, 1);
    has(raised[0], "smb1_requested");
}

static void told_at_once(void **state) {
    (void)state;
    struct bench b;
    bench_begin(&b, true, 0);
    for (unsigned i = 1; i <= 3; i++) {
        struct event e = message(&b, i, SMB1_ECHO);
        give(&b, &e);
    }
    assert_int_equal(raised_count, 1);
    has(raised[0], "\"count\":1,");
    bench_end(&b);
    assert_int_equal(raised_count, 2);
    has(raised[1], "\"count\":3,");
    bench_begin(&b, true, 0);
    struct event e = message(&b, 1, SMB1_ECHO);
    give(&b, &e);
    bench_end(&b);
    assert_int_equal(raised_count, 1); /* nothing changed since */
}

/* Each interval has its own sums and conditions; what is known of the two stays until something newer is shown. */
static void intervals(void **state) {
    (void)state;
    struct bench b;
    bench_begin(&b, false, 0);
    struct event e = negotiate(&b, 1, old_dialects);
    answered(&e); /* refused */
    give(&b, &e);
    e = message(&b, 2, SMB1_SESSION_SETUP_ANDX);
    event_text(&e, FIELD_NATIVE_OS_CLIENT, ascii("Windows 5.1"));
    give(&b, &e);
    assert_int_equal(raised_count, 0);
    b.flow.flow_id[0] = 'b'; /* one that signs, for all that is known */
    e = message(&b, 3601, SMB1_ECHO);
    give(&b, &e);
    assert_int_equal(raised_count, 1);
    has(raised[0], "2 requests, refused, not signed; Windows 5.1");
    has(raised[0], "\"last_time\":\"1970-01-01T00:00:02.");
    has(raised[0], "\"evidence\":[\"0000000000000abc-1\",\"0000000000000abc-2\"]");
    e = message(&b, 3602, SMB1_SESSION_SETUP_ANDX);
    event_text(&e, FIELD_NATIVE_OS_CLIENT, ascii("Windows 10.0"));
    event_bits(&e, FIELD_SECURITY_MODE_CLIENT, SMB2_NEGOTIATE_SIGNING_ENABLED, &names_security_mode);
    give(&b, &e);
    e = message(&b, 7201, SMB1_ECHO);
    answered(&e);
    give(&b, &e);
    assert_int_equal(raised_count, 2);
    has(raised[1], "2 requests; Windows 10.0");
    has(raised[1], "\"first_time\":\"1970-01-01T01:00:01.");
    has(raised[1], "\"evidence\":[\"0000000000000abc-3\",\"0000000000000abc-4\"]");
    has(raised[1], "\"offered_dialects\":[\"LANMAN1.0\",\"NT LM 0.12\"]");
    has_not(raised[1], "3027");
    bench_end(&b);
    assert_int_equal(raised_count, 4);
    has(found("smb1_requested"), "1 request; Windows 10.0");
    has(found("smb1_answered"), "1 answer");
}

/* A connection that was set up without signing in one interval goes on without it in the next. */
static void not_signed_in_the_next(void **state) {
    (void)state;
    struct bench b;
    bench_begin(&b, false, 0);
    struct event e = message(&b, 1, SMB1_SESSION_SETUP_ANDX);
    give(&b, &e);
    e = message(&b, 3700, SMB1_ECHO);
    event_bool(&e, FIELD_REQUEST_SEEN, false); /* an answer alone asks for nothing */
    answered(&e);
    give(&b, &e);
    assert_int_equal(raised_count, 1);
    e = message(&b, 3701, SMB1_ECHO);
    give(&b, &e);
    bench_end(&b);
    assert_int_equal(raised_count, 3);
    has(raised[1], "1 request, not signed");
}

/* Live, the sums of an interval are told when it is over, whether or not another begins. */
static void told_when_it_is_over(void **state) {
    (void)state;
    struct bench b;
    static struct figures now, before;
    bench_begin(&b, true, 0);
    struct event e = message(&b, 1, SMB1_ECHO);
    give(&b, &e);
    give(&b, &e);
    assert_int_equal(raised_count, 1);
    now.time_ns = 3600 * (uint64_t)SECOND;
    findings_figures(b.findings, &now, &before, 0);
    assert_int_equal(raised_count, 1);
    now.time_ns = 3601 * (uint64_t)SECOND;
    findings_figures(b.findings, &now, &before, 0);
    findings_figures(b.findings, &now, &before, 0);
    assert_int_equal(raised_count, 2);
    has(raised[1], "\"count\":2,");
    bench_end(&b);
    assert_int_equal(raised_count, 2);
}

/* The clock was years ahead, and is put right. */
static void told_though_the_clock_was_put_back(void **state) {
    (void)state;
    struct bench b;
    static struct figures now, before;
    bench_begin(&b, true, 0);
    struct event e = message(&b, 100000, SMB1_ECHO);
    give(&b, &e);
    assert_int_equal(raised_count, 1);
    now.time_ns = 10 * (uint64_t)SECOND;
    findings_figures(b.findings, &now, &before, 0);
    e = message(&b, 11, SMB1_ECHO);
    give(&b, &e);
    assert_int_equal(raised_count, 1);
    now.time_ns = 3610 * (uint64_t)SECOND;
    findings_figures(b.findings, &now, &before, 0);
    assert_int_equal(raised_count, 2);
    has(raised[1], "\"count\":2,");
    e = message(&b, 3611, SMB1_ECHO);
    give(&b, &e);
    assert_int_equal(raised_count, 3);
    has(raised[2], "\"count\":1,");
    bench_end(&b);
}

static void the_bounds(void **state) {
    (void)state;
    struct bench b;
    bench_begin(&b, false, 4);
    for (unsigned i = 0; i < 6; i++) {
        b.flow.client.ip.bytes[3] = (uint8_t)i;
        struct event e = message(&b, i + 1, SMB1_ECHO);
        give(&b, &e);
        b.flow.client.ip.bytes[3] = 0; /* the first stays young */
        e = message(&b, i + 1, SMB1_ECHO);
        give(&b, &e);
    }
    assert_int_equal(raised_count, 2);
    assert_int_equal(b.stats.findings_evicted, 2);
    has(raised[0], "10.0.0.1 asks");
    has(raised[1], "10.0.0.2 asks");
    bench_end(&b);
    assert_int_equal(raised_count, 6);
    has(raised[5], "10.0.0.0 asks");
    has(raised[5], "\"count\":7,");
    bench_begin(&b, false, 0);
    for (unsigned i = 0; i < FINDINGS_PENDING_MAX + 3; i++) {
        snprintf(b.flow.flow_id, sizeof b.flow.flow_id, "%016x", i);
        struct event e = negotiate(&b, 1, old_dialects);
        give(&b, &e);
    }
    assert_int_equal(b.stats.findings_pending_evicted, 3);
    bench_end(&b);
    assert_int_equal(raised_count, 1);
    has(raised[0], "0abc-16\"]"); /* FINDINGS_EVIDENCE_MAX: it ends there */
}

/* Where the budget is spent the oldest pair is told and goes, as at its own limit; in the end nothing is held. */
static void memory_is_bounded(void **state) {
    (void)state;
    struct bench b;
    unsigned told_early = 0;
    for (size_t ceiling = 0; ceiling < 60000; ceiling += 5000) {
        struct budget budget = {.ceiling = ceiling};
        bench_begin(&b, false, 0);
        findings_free(b.findings);
        struct findings_settings settings = {.run_id = 1, .budget = &budget};
        b.findings = findings_new(&settings, &(struct findings_sink){NULL, take}, &b.stats);
        for (unsigned i = 0; i < RAISED_MAX; i++) {
            b.flow.client.ip.bytes[3] = (uint8_t)i;
            snprintf(b.flow.flow_id, sizeof b.flow.flow_id, "%016x", i);
            struct event e = negotiate(&b, i + 1, old_dialects);
            give(&b, &e);
            assert_true(budget.held <= ceiling);
        }
        bench_end(&b);
        assert_int_equal(raised_count + b.stats.findings_lost, RAISED_MAX);
        assert_int_equal(budget.held, 0);
        told_early += b.stats.findings_evicted != 0;
    }
    assert_true(told_early > 0);
}

/* The one that began first is what set it off, whichever was told first. */
static void order_of_time(void **state) {
    (void)state;
    struct bench b;
    bench_begin(&b, false, 0);
    for (unsigned i = 3; i > 0; i--) {
        struct event e = message(&b, i, SMB1_ECHO);
        findings_event(b.findings, &e, i, i == 1 ? "b.pcap" : "a.pcap");
    }
    bench_end(&b);
    has(raised[0], "\"capture\":{\"file\":\"b.pcap\",\"frame\":1}");
    has(raised[0], "\"first_time\":\"1970-01-01T00:00:01");
    has(raised[0], "\"last_time\":\"1970-01-01T00:00:03");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(asked_and_answered),
        cmocka_unit_test(segments_that_differ),
        cmocka_unit_test(fragments_that_differ),
        cmocka_unit_test(one_who_signs),
        cmocka_unit_test(multi_protocol),
        cmocka_unit_test(multi_protocol_answered_in_smb1),
        cmocka_unit_test(refused),
        cmocka_unit_test(refused_once),
        cmocka_unit_test(alone),
        cmocka_unit_test(told_at_once),
        cmocka_unit_test(intervals),
        cmocka_unit_test(not_signed_in_the_next),
        cmocka_unit_test(told_when_it_is_over),
        cmocka_unit_test(told_though_the_clock_was_put_back),
        cmocka_unit_test(the_bounds),
        cmocka_unit_test(memory_is_bounded),
        cmocka_unit_test(order_of_time),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
