/* Servers that nobody speaks SMB1 to any more. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "findings/findings.h"
#include "record.h"

#define MINUTE (60 * UINT64_C(1000000000))

enum { RAISED_MAX = 16 };
static char raised[RAISED_MAX][RECORD_MAX + 1];
static unsigned raised_count;

static void take(void *arg, const struct event *e, const char *capture) {
    (void)arg;
    struct record_settings settings = {.sensor_id = "test", .capture_name = capture};
    char line[RECORD_MAX + 1];
    line[record_write(&settings, e, line)] = 0;
    if (strstr(line, "\"smb1_unused\"")) {
        assert_true(raised_count < RAISED_MAX);
        strcpy(raised[raised_count++], line);
    }
}

struct bench {
    struct findings *findings;
    struct stats stats;
    struct figures now, before;
    struct flow_facts flow;
    uint64_t seq;
    const char *capture;
};

static void bench_begin(struct bench *b, bool live) {
    struct findings_settings settings = {.run_id = 0xabc, .at_once = live, .loss_percent = 100};
    struct findings_sink sink = {NULL, take};
    *b = (struct bench){.flow = {.client = {{{10, 0, 0, 5}, 4}, 50123}, .server = {{{10, 0, 0, 7}, 4}, 445}},
                        .capture = "a"};
    b->findings = findings_new(&settings, &sink, &b->stats);
    assert_non_null(b->findings);
    raised_count = 0;
}

static void bench_end(struct bench *b) {
    findings_finish(b->findings);
    findings_free(b->findings);
}

static void smb1(struct bench *b, uint64_t minute) {
    struct event e = {.object = OBJECT_FLOW, .action = ACTION_MESSAGE, .flow = &b->flow, .smb1 = true};
    b->flow.last.time_ns = minute * MINUTE;
    e.at.time_ns = minute * MINUTE;
    event_uint(&e, FIELD_VERSION, 1);
    event_name(&e, FIELD_COMMAND, "SMB1_ECHO");
    findings_event(b->findings, &e, ++b->seq, b->capture);
}

static void ends(struct bench *b, uint64_t minute, unsigned version, uint64_t missed) {
    struct event e = {.object = OBJECT_FLOW, .action = ACTION_END, .flow = &b->flow};
    b->flow.last.time_ns = minute * MINUTE;
    b->flow.missed_bytes[TO_CLIENT] = missed;
    event_name(&e, FIELD_END_REASON, "fin");
    event_uint(&e, FIELD_VERSION, version);
    findings_event(b->findings, &e, ++b->seq, b->capture);
    b->flow.missed_bytes[TO_CLIENT] = 0;
}

/* The figures of a minute. */
static void figures(struct bench *b, uint64_t minute, uint64_t missed) {
    b->before = b->now;
    b->now.time_ns = minute * MINUTE;
    b->now.stats.missed_bytes += missed;
    findings_figures(b->findings, &b->now, &b->before, 0);
}

static void told(void **state) {
    (void)state;
    struct bench b;
    bench_begin(&b, false);
    smb1(&b, 1);
    smb1(&b, 2);
    ends(&b, 3, 1, 0);
    ends(&b, 5, 3, 0);
    ends(&b, 23, 2, 0);
    ends(&b, 20, 2, 0); /* not in their order */
    assert_int_equal(raised_count, 0);
    bench_end(&b);
    assert_int_equal(raised_count, 1);
    assert_non_null(strstr(raised[0], "\"count\":3,"));
    assert_non_null(strstr(
        raised[0], "10.0.0.7: in 20 minutes nobody spoke SMB1 to it, last 10.0.0.5; 3 of its other connections"));
    assert_non_null(strstr(raised[0], "\"evidence\":[\"0000000000000abc-2\"]"));
    assert_non_null(strstr(raised[0], "SMBServer/Analytic 1804"));
}

/* Not long enough, not seen for long enough, another server, a connection of SMB1 that lives on, one with a hole, or given up. */
static void not_told(void **state) {
    (void)state;
    struct bench b;
    bench_begin(&b, false);
    smb1(&b, 1);
    ends(&b, 20, 2, 0);
    bench_end(&b);
    bench_begin(&b, false);
    smb1(&b, 1);
    b.flow.server.ip.bytes[3] = 8;
    ends(&b, 40, 2, 0);
    bench_end(&b);
    bench_begin(&b, false);
    smb1(&b, 1);
    ends(&b, 30, 2, 0);
    ends(&b, 29, 1, 0);
    bench_end(&b);
    bench_begin(&b, false);
    smb1(&b, 1);
    ends(&b, 30, 2, 0);
    ends(&b, 29, 2, 1);
    bench_end(&b);
    bench_begin(&b, false);
    smb1(&b, 1);
    ends(&b, 30, 2, 0);
    b.stats.flows_undecoded = 1;
    bench_end(&b);
    bench_begin(&b, false);
    ends(&b, 30, 2, 0); /* nobody ever spoke it */
    bench_end(&b);
    assert_int_equal(raised_count, 0);
}

/* A loss, and then 20 minutes. */
static void begins_anew(void **state) {
    (void)state;
    struct bench b;
    bench_begin(&b, false);
    smb1(&b, 1);
    ends(&b, 30, 2, 1);
    ends(&b, 50, 2, 0);
    bench_end(&b);
    assert_int_equal(raised_count, 1);
    assert_non_null(strstr(raised[0], "in 20 minutes"));
}

/* Of what was between two captures nothing is known. */
static void captures(void **state) {
    (void)state;
    struct bench b;
    bench_begin(&b, false);
    smb1(&b, 1);
    b.capture = "b";
    ends(&b, 40, 2, 0);
    assert_int_equal(raised_count, 0);
    smb1(&b, 41);
    ends(&b, 70, 2, 0);
    b.capture = "c";
    ends(&b, 71, 2, 0);
    assert_int_equal(raised_count, 1);
    bench_end(&b);
    assert_int_equal(raised_count, 1);
}

/* Told with the figures, once, and again after it was spoken; not where something was lost. */
static void live(void **state) {
    (void)state;
    struct bench b;
    bench_begin(&b, true);
    figures(&b, 0, 0);
    smb1(&b, 1);
    b.capture = "eth1";
    ends(&b, 22, 2, 0);
    assert_int_equal(raised_count, 0);
    figures(&b, 22, 0);
    figures(&b, 23, 0);
    assert_int_equal(raised_count, 1);
    smb1(&b, 30);
    figures(&b, 40, 5);
    ends(&b, 55, 2, 0);
    figures(&b, 56, 0);
    assert_int_equal(raised_count, 1);
    ends(&b, 60, 2, 0);
    figures(&b, 60, 0);
    assert_int_equal(raised_count, 2);
    smb1(&b, 61);
    ends(&b, 90, 2, 0);
    bench_end(&b); /* what was lost since is not known */
    assert_int_equal(raised_count, 2);
}

/* FINDINGS_SERVERS_MAX: the oldest is forgotten. */
static void only_so_many(void **state) {
    (void)state;
    struct bench b;
    bench_begin(&b, true);
    for (unsigned i = 0; i < FINDINGS_SERVERS_MAX + 2; i++) {
        b.flow.server.ip.bytes[2] = (uint8_t)(i >> 8);
        b.flow.server.ip.bytes[3] = (uint8_t)i;
        smb1(&b, 1);
    }
    assert_int_equal(b.stats.findings_evicted, 2);
    bench_end(&b);
}

static void memory_is_bounded(void **state) {
    (void)state;
    for (size_t ceiling = 0; ceiling < 40000; ceiling += 4000) {
        struct budget budget = {.ceiling = ceiling};
        struct bench b;
        bench_begin(&b, false);
        findings_free(b.findings);
        struct findings_settings settings = {.run_id = 1, .budget = &budget};
        b.findings = findings_new(&settings, &(struct findings_sink){NULL, take}, &b.stats);
        for (unsigned i = 0; i < 32; i++) {
            b.flow.server.ip.bytes[3] = (uint8_t)i;
            smb1(&b, 1);
            ends(&b, 2, 2, 0);
            assert_true(budget.held <= ceiling);
        }
        bench_end(&b);
        assert_int_equal(budget.held, 0);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(told),
        cmocka_unit_test(not_told),
        cmocka_unit_test(begins_anew),
        cmocka_unit_test(captures),
        cmocka_unit_test(live),
        cmocka_unit_test(only_so_many),
        cmocka_unit_test(memory_is_bounded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
