#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>
#include <jansson.h>

#include "findings/findings.h"
#include "record.h"
#include "schema_check.h"

enum { RAISED_MAX = 16 };
#define SECOND UINT64_C(1000000000)

/* The lines of what was raised, each held against the schema. */
static char raised[RAISED_MAX][RECORD_MAX + 1];
static unsigned raised_count;
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

static void take(void *arg, const struct event *e, const char *capture) {
    char line[RECORD_MAX], why[512];
    (void)arg;
    assert_true(raised_count < RAISED_MAX);
    struct record_settings settings = {.sensor_id = "test", .capture_name = capture, .live = true};
    size_t n = record_write(&settings, e, line);
    int length = snprintf(raised[raised_count], sizeof raised[0],
                          "{\"schema_version\":\"1.0\",\"record_id\":\"0-1\",\"seq\":1,%.*s", (int)n, line);
    json_t *record = json_loadb(raised[raised_count], (size_t)length, 0, NULL);
    if (!record || !schema_check(schema, record, why, sizeof why)) {
        fail_msg("%s: %s", record ? why : "no JSON", raised[raised_count]);
    }
    json_decref(record);
    raised_count++;
}

struct bench {
    struct findings *findings;
    struct stats stats;
    struct figures now, before;
};

static void bench_begin(struct bench *b) {
    struct findings_settings settings = {.run_id = 0xabc, .at_once = true, .loss_percent = 1};
    struct findings_sink sink = {NULL, take};
    memset(b, 0, sizeof *b);
    b->findings = findings_new(&settings, &sink, &b->stats);
    assert_non_null(b->findings);
    b->now.time_ns = 100 * SECOND;
    b->now.interface_count = 2;
    b->now.interfaces[0] = (struct interface_figures){"eth1", true, 0, 0, 0, 0};
    b->now.interfaces[1] = (struct interface_figures){"eth2", true, 0, 0, FIGURE_UNKNOWN, FIGURE_UNKNOWN};
    b->before = b->now;
    raised_count = 0;
}

static void bench_end(struct bench *b) {
    findings_finish(b->findings);
    findings_free(b->findings);
}

/* An interval of a minute is over. All is well in it but for what the test did to now. */
static unsigned interval(struct bench *b) {
    unsigned had = raised_count;
    b->now.time_ns = b->before.time_ns + 60 * SECOND;
    findings_figures(b->findings, &b->now, &b->before, 7);
    b->before = b->now;
    return raised_count - had;
}

static void packets(struct bench *b, uint64_t first, uint64_t second) {
    b->now.interfaces[0].received += first;
    b->now.interfaces[1].received += second;
    b->now.stats.packets += first + second;
    b->now.stats.bytes += 1000 * (first + second);
}

#define has(line, part)                             \
    do {                                            \
        if (!strstr(line, part)) {                  \
            fail_msg("no %s in\n%s", part, (line)); \
        }                                           \
    } while (0)

static void all_is_well(void **state) {
    (void)state;
    struct bench b;
    bench_begin(&b);
    for (unsigned i = 0; i < 3; i++) {
        packets(&b, 100, 1);
        b.now.stats.stretches_both_sides += 5;
        b.now.stats.stretches_one_side += 5;
        b.now.stats.missed_bytes += 1000;
        b.now.interfaces[0].dropped += 1;
        assert_int_equal(interval(&b), 0);
    }
    bench_end(&b);
    assert_int_equal(b.stats.findings, 0);
}

static void no_packets(void **state) {
    (void)state;
    struct bench b;
    bench_begin(&b);
    packets(&b, 10, 0);
    assert_int_equal(interval(&b), 1);
    has(raised[0], "\"rule_id\":\"no_packets\"");
    has(raised[0], "\"kind\":\"anomaly\"");
    has(raised[0], "\"capture\":{\"interface\":\"eth2\"}");
    has(raised[0], "\"time\":\"1970-01-01T00:01:40.000000000Z\"");
    has(raised[0],
        "\"first_time\":\"1970-01-01T00:01:40.000000000Z\",\"last_time\":\"1970-01-01T00:02:40.000000000Z\"");
    has(raised[0], "\"evidence\":[\"0000000000000abc-7\"]");
    has(raised[0], "\"summary\":\"eth2 is up, and in 60.0 seconds not one packet came through the filter: is");
    packets(&b, 10, 0);
    assert_int_equal(interval(&b), 0); /* told already */
    b.now.interfaces[1].up = false;
    packets(&b, 10, 0);
    assert_int_equal(interval(&b), 0);
    b.now.interfaces[1].up = true;
    packets(&b, 10, 0);
    assert_int_equal(interval(&b), 0); /* and never over */
    packets(&b, 10, 1);
    assert_int_equal(interval(&b), 0);
    packets(&b, 0, 1);
    assert_int_equal(interval(&b), 1);
    has(raised[1], "eth1 is up, and in 60.0 seconds not one packet came through the filter, nor any other: is");
    packets(&b, 1, 0);
    assert_int_equal(interval(&b), 1); /* again, after it was over */
    bench_end(&b);
    assert_int_equal(raised_count, 3);
}

static void an_interface_that_is_down_is_silent(void **state) {
    (void)state;
    struct bench b;
    bench_begin(&b);
    b.now.interfaces[1].up = b.before.interfaces[1].up = false;
    packets(&b, 1, 0);
    assert_int_equal(interval(&b), 0);
    b.now.interfaces[1].up = true; /* came up meanwhile */
    packets(&b, 1, 0);
    assert_int_equal(interval(&b), 0);
    packets(&b, 1, 0);
    assert_int_equal(interval(&b), 1);
    bench_end(&b);
}

/* Where other packets come the mirror port lives: that there is no SMB is told after an hour. */
static void quiet_and_alive(void **state) {
    (void)state;
    struct bench b;
    bench_begin(&b);
    for (unsigned minute = 1; minute < 60; minute++) {
        packets(&b, 0, 1);
        b.now.interfaces[0].interface_packets += 1;
        assert_int_equal(interval(&b), 0);
    }
    packets(&b, 0, 1);
    b.now.interfaces[0].interface_packets += 1;
    assert_int_equal(interval(&b), 1);
    has(raised[0], "eth1 is up, and in 3600.0 seconds not one packet came through the filter, though others came: is");
    packets(&b, 1, 1);
    assert_int_equal(interval(&b), 0);
    for (unsigned minute = 1; minute < 60; minute++) { /* the hour begins anew */
        packets(&b, 0, 1);
        b.now.interfaces[0].interface_packets += 1;
        assert_int_equal(interval(&b), 0);
    }
    packets(&b, 0, 1); /* and now not one of any kind */
    assert_int_equal(interval(&b), 1);
    bench_end(&b);
}

static void one_direction(void **state) {
    (void)state;
    struct bench b;
    bench_begin(&b);
    packets(&b, 10, 10);
    b.now.stats.stretches_one_side += 3;
    b.now.stats.stretches_both_sides += 2;
    assert_int_equal(interval(&b), 1);
    has(raised[0], "\"rule_id\":\"one_direction\"");
    has(raised[0], "\"count\":3,");
    has(raised[0], "of 5 looks at connections, 3 showed packets of one side alone");
    assert_null(strstr(raised[0], "\"capture\""));
    packets(&b, 10, 10); /* nothing is proved */
    assert_int_equal(interval(&b), 0);
    packets(&b, 10, 10);
    b.now.stats.stretches_one_side++;
    assert_int_equal(interval(&b), 0);
    packets(&b, 10, 10);
    b.now.stats.stretches_both_sides++;
    assert_int_equal(interval(&b), 0);
    packets(&b, 10, 10);
    b.now.stats.stretches_one_side++;
    assert_int_equal(interval(&b), 1);
    bench_end(&b);
}

static void packets_lost(void **state) {
    (void)state;
    struct bench b;
    bench_begin(&b);
    packets(&b, 190, 10);
    b.now.interfaces[0].dropped += 2; /* one percent is not more than one percent */
    assert_int_equal(interval(&b), 0);
    packets(&b, 190, 10);
    b.now.interfaces[0].dropped += 3;
    assert_int_equal(interval(&b), 1);
    has(raised[0], "\"rule_id\":\"capture_loss\"");
    has(raised[0], "\"count\":3,");
    has(raised[0],
        "1.50 % of packets were dropped (by the kernel 3, by the interface 0, of 200), 0.00 % of bytes missed (0)");
    packets(&b, 100, 100);
    b.now.interfaces[1].dropped += 50;
    assert_int_equal(interval(&b), 0);
    packets(&b, 100, 100);
    assert_int_equal(interval(&b), 0);
    packets(&b, 15, 5);
    b.now.interfaces[0].interface_dropped += 20;
    assert_int_equal(interval(&b), 1);
    has(raised[1], "50.00 % of packets were dropped (by the kernel 0, by the interface 20, of 40)");
    bench_end(&b);
}

static void bytes_missed(void **state) {
    (void)state;
    struct bench b;
    bench_begin(&b);
    packets(&b, 98, 1); /* 99,000 bytes */
    b.now.stats.missed_bytes += 1000;
    b.now.stats.gaps += 1;
    assert_int_equal(interval(&b), 0);
    packets(&b, 97, 1);
    b.now.stats.missed_bytes += 2000;
    b.now.stats.gaps += 4;
    assert_int_equal(interval(&b), 1);
    has(raised[0],
        "0.00 % of packets were dropped (by the kernel 0, by the interface 0, of 98), 2.00 % of bytes missed (2000)");
    has(raised[0], "\"count\":4,");
    bench_end(&b);
}

/* Nothing at all, and a sum that falls: no loss, and no division by nothing. */
static void nothing_came(void **state) {
    (void)state;
    struct bench b;
    bench_begin(&b);
    b.now.interface_count = b.before.interface_count = 0;
    assert_int_equal(interval(&b), 0);
    b.before.stats.missed_bytes = 10;
    b.now.stats.bytes += 1;
    assert_int_equal(interval(&b), 0);
    bench_end(&b);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(all_is_well),
        cmocka_unit_test(no_packets),
        cmocka_unit_test(an_interface_that_is_down_is_silent),
        cmocka_unit_test(quiet_and_alive),
        cmocka_unit_test(one_direction),
        cmocka_unit_test(packets_lost),
        cmocka_unit_test(bytes_missed),
        cmocka_unit_test(nothing_came),
    };
    return cmocka_run_group_tests(tests, load, unload);
}
