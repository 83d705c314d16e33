/* Rules of a pair that its records raise by the events of the Windows logs they name. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "downgrade.h"
#include "findings/findings.h"
#include "record.h"

enum { RAISED_MAX = 64 };
#define SECOND UINT64_C(1000000000)

static char raised[RAISED_MAX][RECORD_MAX + 1];
static unsigned raised_count;
static struct flow_facts flow;
static struct stats stats;
static const struct windows_event *named[2];

static void take(void *arg, const struct event *e, const char *capture) {
    (void)arg;
    struct record_settings settings = {.sensor_id = "test", .capture_name = capture};
    unsigned at = raised_count++ % RAISED_MAX;
    raised[at][record_write(&settings, e, raised[at])] = '\0';
}

static struct findings *begin(struct findings_settings settings) {
    flow = (struct flow_facts){.client = {{{10, 0, 0, 5}, 4}, 50123}, .server = {{{10, 0, 0, 7}, 4}, 445}};
    stats = (struct stats){0};
    raised_count = 0;
    settings.run_id = 0xabc;
    return findings_new(&settings, &(struct findings_sink){NULL, take}, &stats);
}

static const struct windows_event *event_of(enum windows_condition condition) {
    for (size_t i = 0; i < windows_event_count; i++) {
        if (windows_events[i].condition == condition) {
            return &windows_events[i];
        }
    }
    fail();
    return NULL;
}

/* A record that names an event of the condition, and of another where that is one. */
static struct event record(uint64_t second, enum windows_condition condition, int other) {
    struct event e = {.object = OBJECT_FLOW, .action = ACTION_MESSAGE, .flow = &flow, .at = {second * SECOND, second}};
    e.flow_json = (struct view){(const uint8_t *)",\"f\":1", 6};
    event_uint(&e, FIELD_VERSION, 3);
    event_named(&e, FIELD_DIALECT, 0x311, &names_dialect, 3);
    event_named(&e, FIELD_STATUS, STATUS_ACCESS_DENIED, &names_ntstatus, 8);
    event_uint(&e, FIELD_STATUS_CODE, STATUS_ACCESS_DENIED);
    event_name(&e, FIELD_SIGNING, "required");
    event_text(&e, FIELD_SHARE_PATH, (struct text){{(const uint8_t *)"\\\\s\\d", 5}, ENC_ASCII});
    named[0] = event_of(condition);
    named[1] = other < 0 ? NULL : event_of((enum windows_condition)other);
    event_windows(&e, named, other < 0 ? 1 : 2);
    return e;
}

static void give(struct findings *f, uint64_t second, enum windows_condition condition, int other) {
    struct event e = record(second, condition, other);
    assert_true(findings_want(&e));
    findings_event(f, &e, second, "a.pcap");
}

static void has(unsigned at, const char *part) {
    if (!strstr(raised[at], part)) {
        fail_msg("no %s in %s", part, raised[at]);
    }
}

static void told_once(void **state) {
    (void)state;
    struct findings *f = begin((struct findings_settings){0});
    give(f, 1, WINDOWS_SHARE_DENIED, -1);
    give(f, 3, WINDOWS_SHARE_DENIED, WINDOWS_SHARE_DENIED_ANONYMOUS);
    assert_int_equal(raised_count, 0);
    findings_finish(f);
    assert_int_equal(raised_count, 1);
    has(0, "\"rule_id\":\"share_access_denied\"");
    has(0, "\"kind\":\"anomaly\",\"severity\":\"low\"");
    has(0, "\"count\":2,");
    has(0, "\"first_time\":\"1970-01-01T00:00:01");
    has(0, "\"last_time\":\"1970-01-01T00:00:03");
    has(0, "\"evidence\":[\"0000000000000abc-1\",\"0000000000000abc-3\"]");
    has(0, "10.0.0.5 and 10.0.0.7: Server denies access to a share: 2 times; \\\\\\\\s\\\\d; STATUS_ACCESS_DENIED\"");
    has(0, "\"windows_events\":[\"Microsoft-Windows-SMBServer/Security 1006\",\"Microsoft-Windows-SMBServer/Security "
           "1007\"]");
    has(0, "\"dialect\":\"3.1.1\"");
    has(0, "\"status\":\"STATUS_ACCESS_DENIED\"");
    has(0, "\"signing\":\"required\"");
    findings_free(f);
}

/* What only one of the conditions brings is told only where it was. */
static void conditions(void **state) {
    (void)state;
    struct findings *f = begin((struct findings_settings){0});
    give(f, 1, WINDOWS_SHARE_DENIED, -1);
    findings_finish(f);
    assert_null(strstr(raised[0], "1007"));
    findings_free(f);
    struct event e = record(1, WINDOWS_SHARE_CONNECTED, -1);
    assert_false(findings_want(&e));
}

static void intervals(void **state) {
    (void)state;
    struct findings *f = begin((struct findings_settings){0});
    give(f, 1, WINDOWS_GUEST, -1);
    give(f, 3600, WINDOWS_GUEST, -1);
    assert_int_equal(raised_count, 0);
    give(f, 3601, WINDOWS_GUEST, -1); /* FINDINGS_INTERVAL_NS behind the first */
    assert_int_equal(raised_count, 1);
    has(0, "\"count\":2,");
    findings_finish(f);
    assert_int_equal(raised_count, 2);
    has(1, "\"count\":1,");
    has(1, "\"first_time\":\"1970-01-01T01:00:01");
    findings_finish(f);
    assert_int_equal(raised_count, 2); /* nothing changed since */
    findings_free(f);
    f = begin((struct findings_settings){.at_once = true});
    give(f, 1, WINDOWS_GUEST, -1);
    assert_int_equal(raised_count, 1);
    give(f, 2, WINDOWS_GUEST, -1);
    assert_int_equal(raised_count, 1);
    static struct figures now, before;
    now.time_ns = 3600 * SECOND;
    findings_figures(f, &now, &before, 0);
    assert_int_equal(raised_count, 1);
    now.time_ns = 3601 * SECOND; /* it is over */
    findings_figures(f, &now, &before, 0);
    findings_figures(f, &now, &before, 0);
    assert_int_equal(raised_count, 2);
    has(1, "\"count\":2,");
    give(f, 4000, WINDOWS_GUEST, -1);
    assert_int_equal(raised_count, 3); /* the first of the second */
    has(2, "\"count\":1,");
    give(f, 4001, WINDOWS_GUEST, -1);
    give(f, 8000, WINDOWS_GUEST, -1);
    assert_int_equal(raised_count, 5); /* its sums, though no figures were taken, and the first of the third */
    has(3, "\"count\":2,");
    now.time_ns = 10 * SECOND; /* the clock is put back: */
    findings_figures(f, &now, &before, 0);
    give(f, 11, WINDOWS_GUEST, -1);
    assert_int_equal(raised_count, 5);
    now.time_ns = 3610 * SECOND; /* the interval is not one that is yet to come */
    findings_figures(f, &now, &before, 0);
    assert_int_equal(raised_count, 6);
    has(5, "\"count\":2,");
    findings_finish(f);
    assert_int_equal(raised_count, 6);
    findings_free(f);
}

/* What began long ago and is told when it ends begins no interval, nor does what is told behind it. */
static void older_ones(void **state) {
    (void)state;
    struct findings *f = begin((struct findings_settings){0});
    static const uint64_t seconds[] = {7200, 1, 7201, 2, 7202};
    for (size_t i = 0; i < sizeof seconds / sizeof seconds[0]; i++) {
        give(f, seconds[i], WINDOWS_GUEST, -1);
    }
    assert_int_equal(raised_count, 0);
    give(f, 7200 + 3600, WINDOWS_GUEST, -1);
    assert_int_equal(raised_count, 1);
    has(0, "\"count\":5,");
    has(0, "\"first_time\":\"1970-01-01T00:00:01");
    has(0, "\"last_time\":\"1970-01-01T02:00:02");
    findings_free(f);
}

static void pairs_and_rules_apart(void **state) {
    (void)state;
    struct findings *f = begin((struct findings_settings){0});
    give(f, 1, WINDOWS_GUEST, WINDOWS_SIGNING_NOT_REQUIRED);
    flow.client.ip.bytes[3] = 6;
    give(f, 2, WINDOWS_GUEST, -1);
    findings_finish(f);
    assert_int_equal(raised_count, 3);
    has(0, "guest_session");
    has(1, "signing_not_required");
    has(2, "10.0.0.6 and 10.0.0.7");
    findings_free(f);
}

/* Signs of a downgrade are told by rules of their own, each with the signs that are its. */
static void downgrades(void **state) {
    (void)state;
    static const unsigned given[] = {DOWNGRADE_CIPHER_NOT_OFFERED | DOWNGRADE_SIGNING_NOT_ANSWERED,
                                     DOWNGRADE_HASH_NOT_OFFERED, DOWNGRADE_VALIDATION_DIFFERS};
    struct findings *f = begin((struct findings_settings){0});
    for (unsigned i = 0; i < 3; i++) {
        struct event e = record(i + 1, WINDOWS_SHARE_CONNECTED, -1);
        e.downgrade_signs = (uint16_t)given[i];
        assert_true(findings_want(&e));
        findings_event(f, &e, i + 1, "a.pcap");
    }
    findings_finish(f);
    assert_int_equal(raised_count, 2);
    has(1, "\"rule_id\":\"negotiation_unsound\"");
    has(1, "\"count\":2,");
    has(1, "\"downgrade_signs\":[\"hash_not_offered\",\"cipher_not_offered\"]");
    has(0, "\"rule_id\":\"offer_unanswered\"");
    has(0, "\"count\":1,");
    has(0, "\"downgrade_signs\":[\"signing_algorithm_not_answered\"]");
    findings_free(f);
}

/* At the limit the oldest is told and goes; so it does where memory is spent, and in the end nothing is held. */
static void bounds(void **state) {
    (void)state;
    struct findings *f = begin((struct findings_settings){.notices_max = 2});
    for (unsigned i = 0; i < 3; i++) {
        flow.client.ip.bytes[3] = (uint8_t)i;
        give(f, i + 1, WINDOWS_GUEST, -1);
    }
    assert_int_equal(raised_count, 1);
    assert_int_equal(stats.findings_evicted, 1);
    has(0, "10.0.0.0 and");
    findings_finish(f);
    findings_free(f);
    f = begin((struct findings_settings){0});
    for (unsigned i = 0; i < FINDINGS_NOTICES_MAX + 5; i++) {
        memcpy(flow.client.ip.bytes, &i, sizeof i);
        give(f, 1, WINDOWS_GUEST, -1);
    }
    assert_int_equal(stats.findings_evicted, 5);
    findings_free(f);
    unsigned early = 0;
    for (size_t ceiling = 0; ceiling < 20000; ceiling += 1000) {
        struct budget budget = {.ceiling = ceiling};
        f = begin((struct findings_settings){.budget = &budget});
        for (unsigned i = 0; i < 20; i++) {
            flow.client.ip.bytes[3] = (uint8_t)i;
            give(f, i + 1, WINDOWS_GUEST, -1);
            assert_true(budget.held <= ceiling);
        }
        findings_finish(f);
        findings_free(f);
        assert_int_equal(budget.held, 0);
        assert_int_equal(raised_count + stats.findings_lost, 20);
        early += stats.findings_evicted != 0;
    }
    assert_true(early > 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(told_once),  cmocka_unit_test(conditions),
        cmocka_unit_test(intervals),  cmocka_unit_test(pairs_and_rules_apart),
        cmocka_unit_test(older_ones), cmocka_unit_test(bounds),
        cmocka_unit_test(downgrades),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
