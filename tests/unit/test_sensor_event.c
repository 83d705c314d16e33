#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>
#include <jansson.h>

#include "event/sensor.h"
#include "record.h"
#include "schema_check.h"

static const struct record_settings live = {.sensor_id = "s1", .live = true};
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

/* The record of an event, read back and held against the schema. The caller decrefs. */
static json_t *record_of(const struct sensor_event *s) {
    char line[RECORD_MAX], whole[RECORD_MAX + 1], why[512];
    size_t n = record_write(&live, &s->event, line);
    assert_true(n <= RECORD_MAX - RECORD_PREFIX_MAX);
    int length =
        snprintf(whole, sizeof whole, "{\"schema_version\":\"1.0\",\"record_id\":\"0-1\",\"seq\":1,%.*s", (int)n, line);
    json_t *record = json_loadb(whole, (size_t)length, JSON_REJECT_DUPLICATES, NULL);
    assert_non_null(record);
    if (!schema_check(schema, record, why, sizeof why)) {
        fail_msg("%s in %s", why, whole);
    }
    assert_string_equal(json_string_value(json_object_get(record, "object")), "sensor");
    assert_null(json_object_get(record, "capture"));
    return record;
}

static json_t *proto(const json_t *record, const char *key) {
    json_t *value = json_object_get(json_object_get(record, "proto_info"), key);
    if (!value) {
        fail_msg("no %s", key);
    }
    return value;
}

static void text_is(const json_t *value, const char *expected) {
    assert_non_null(value);
    assert_string_equal(json_string_value(value), expected);
}

static void number_is(const json_t *record, const char *key, json_int_t expected) {
    assert_int_equal(json_integer_value(proto(record, key)), expected);
}

static bool has(const json_t *record, const char *key) {
    return json_object_get(json_object_get(record, "proto_info"), key) != NULL;
}

static void it_starts(void **state) {
    (void)state;
    static const char *const inputs[] = {"eth1", "eth2"};
    struct sensor_start start = {.time_ns = 5,
                                 .configuration_digest = 0xabc,
                                 .inputs = inputs,
                                 .input_count = 2,
                                 .snap_length = 262144,
                                 .workers = 3,
                                 .filter = "tcp port 445"};
    struct sensor_event s;
    sensor_event_start(&s, &start);
    json_t *r = record_of(&s);
    text_is(json_object_get(r, "action"), "start");
    text_is(json_object_get(r, "time"), "1970-01-01T00:00:00.000000005Z");
    text_is(json_object_get(r, "start_time"), "1970-01-01T00:00:00.000000005Z");
    text_is(json_object_get(r, "content"), "smbtap " SMBTAP_VERSION " listens on 2 interfaces");
    text_is(proto(r, "sensor_version"), SMBTAP_VERSION);
    text_is(proto(r, "configuration_digest"), "0x0000000000000abc");
    text_is(json_array_get(proto(r, "inputs"), 1), "eth2");
    text_is(proto(r, "filter"), "tcp port 445");
    number_is(r, "snap_length", 262144);
    number_is(r, "workers", 3);
    json_decref(r);
    start.filter = NULL;
    start.input_count = 1;
    sensor_event_start(&s, &start);
    r = record_of(&s);
    assert_false(has(r, "filter"));
    text_is(json_object_get(r, "content"), "smbtap " SMBTAP_VERSION " listens on 1 interface");
    json_decref(r);
}

static void gaps(void **state) {
    (void)state;
    struct sensor_event s;
    struct sensor_gap gap = {
        .time_ns = 9, .output = "out.jsonl", .gap = {.from = 5, .to = 7, .count = 3, .reason = GAP_OUTPUT_FULL}};
    sensor_event_gap(&s, &gap);
    json_t *r = record_of(&s);
    text_is(json_object_get(r, "action"), "gap");
    text_is(json_object_get(r, "content"), "3 records were lost on out.jsonl: output_full");
    text_is(proto(r, "output"), "out.jsonl");
    text_is(proto(r, "reason"), "output_full");
    number_is(r, "from_seq", 5);
    number_is(r, "to_seq", 7);
    number_is(r, "records_lost", 3);
    json_decref(r);
    gap = (struct sensor_gap){.time_ns = 9, .gap = {.from = 9, .run_id = 7, .reason = GAP_KILLED}};
    sensor_event_gap(&s, &gap);
    r = record_of(&s);
    text_is(json_object_get(r, "content"),
            "an unknown number of records of an earlier run were lost before any output: killed");
    text_is(proto(r, "run_id"), "0000000000000007");
    number_is(r, "from_seq", 9);
    assert_false(has(r, "output") || has(r, "to_seq") || has(r, "records_lost"));
    json_decref(r);
}

static struct figures some_figures(void) {
    struct figures f = {
        .time_ns = UINT64_C(60000000000),
        .start_ns = 1,
        .stats = {.packets = 95,
                  .bytes = 990,
                  .missed_bytes = 10,
                  .gaps = 2,
                  .flows_started = 4,
                  .flows_ended = 3,
                  .flows_evicted = 1,
                  .records = 20,
                  .messages = {[MESSAGE_SMB2] = 8, [MESSAGE_TRANSFORM] = 2},
                  .decode_faults = {[DECODE_CUT] = 6},
                  .framer_faults = {[FAULT_CHAIN] = 1},
                  .verdicts = {[V_OK] = 9, [V_BAD] = 2},
                  .evicted_handles = 7,
                  .findings_pending_evicted = 1},
        .interfaces = {{"eth1", true, 100, 5, 3, 0}, {"eth2", false, 1, 0, FIGURE_UNKNOWN, 0}},
        .interface_count = 2,
        .outputs = {{"out.jsonl", 20, 18, FIGURE_UNKNOWN, FIGURE_UNKNOWN, 2, 9000, FIGURE_UNKNOWN, 0}},
        .output_count = 1,
        .workers = 2,
        .flows_active = 1,
        .memory_held = 4096,
        .memory_limit = 1 << 20,
        .records_dropped = 11,
        .dispatched = 12,
        .dispatch_dropped = 13,
    };
    return f;
}

static void totals(const json_t *r) {
    number_is(r, "packets_received", 101);
    number_is(r, "packets_dropped_kernel", 5);
    number_is(r, "packets_dropped_interface", 3);
    number_is(r, "packets_decoded", 95);
    number_is(r, "bytes_decoded", 990);
    number_is(r, "flows_active", 1);
    number_is(r, "flows_started", 4);
    number_is(r, "flows_ended", 3);
    number_is(r, "flows_evicted", 1);
    number_is(r, "missed_bytes", 10);
    number_is(r, "gaps", 2);
    number_is(r, "capture_loss_ppm", 10000);
    number_is(r, "memory_held", 4096);
    number_is(r, "memory_limit", 1 << 20);
    number_is(r, "workers", 2);
    number_is(r, "records_made", 20);
    number_is(r, "records_dropped", 11);
    number_is(r, "segments_dispatched", 12);
    number_is(r, "segments_dispatch_dropped", 13);
}

static void object_is(json_t *have, json_t *expected) {
    assert_non_null(expected);
    if (!json_equal(have, expected)) {
        fail_msg("%s", json_dumps(have, 0));
    }
    json_decref(expected);
}

static void statistics(void **state) {
    (void)state;
    struct figures f = some_figures();
    struct sensor_event s;
    sensor_event_stats(&s, &f);
    json_t *r = record_of(&s);
    text_is(json_object_get(r, "action"), "stats");
    text_is(json_object_get(r, "time"), "1970-01-01T00:01:00.000000000Z");
    text_is(json_object_get(r, "start_time"), "1970-01-01T00:00:00.000000001Z");
    text_is(json_object_get(r, "content"),
            "101 packets received, 5 dropped by the kernel, 3 by the interface; 10 bytes "
            "missed; 20 records");
    totals(r);
    assert_false(has(r, "reason"));
    object_is(proto(r, "messages"), json_pack("{s:i,s:i}", "smb2", 8, "encrypted", 2));
    object_is(proto(r, "parse_faults"), json_pack("{s:i,s:i}", "chain", 1, "bad", 2));
    object_is(proto(r, "decode_faults"), json_pack("{s:i}", "cut", 6));
    object_is(proto(r, "limits"), json_pack("{s:i,s:i}", "evicted_handles", 7, "findings_pending_evicted", 1));
    object_is(proto(r, "capture_interfaces"),
              json_pack("[{s:s,s:b,s:i,s:i,s:i},{s:s,s:b,s:i,s:i}]", "name", "eth1", "up", 1, "received", 100,
                        "dropped_kernel", 5, "dropped_interface", 3, "name", "eth2", "up", 0, "received", 1,
                        "dropped_kernel", 0));
    object_is(proto(r, "outputs"), json_pack("[{s:s,s:i,s:i,s:i,s:i,s:i}]", "name", "out.jsonl", "records", 20, "sent",
                                             18, "dropped", 2, "bytes", 9000, "oldest_waiting_ns", 0));
    json_decref(r);
}

static void it_stops(void **state) {
    (void)state;
    struct figures f = some_figures();
    struct sensor_event s;
    sensor_event_stop(&s, &f, "signal");
    json_t *r = record_of(&s);
    text_is(json_object_get(r, "action"), "stop");
    text_is(proto(r, "reason"), "signal");
    totals(r);
    json_decref(r);
}

/* Nothing happened yet: what is none is absent, what is counted is zero. */
static void nothing_so_far(void **state) {
    (void)state;
    struct figures f = {.time_ns = 1, .start_ns = 1};
    struct sensor_event s;
    sensor_event_stats(&s, &f);
    json_t *r = record_of(&s);
    number_is(r, "packets_received", 0);
    number_is(r, "capture_loss_ppm", 0);
    assert_false(has(r, "messages") || has(r, "limits") || has(r, "outputs") || has(r, "capture_interfaces"));
    json_decref(r);
}

/* All that can be, at its largest: the sums stay, lists lose items and say so. */
static void all_at_its_largest(void **state) {
    (void)state;
    char name[300];
    struct figures f;
    memset(name, '"', sizeof name - 1);
    name[sizeof name - 1] = '\0';
    memset(&f, 0x7f, sizeof f);
    f.interface_count = FIGURES_INTERFACES_MAX;
    f.output_count = FIGURES_OUTPUTS_MAX;
    for (unsigned i = 0; i < FIGURES_INTERFACES_MAX; i++) {
        f.interfaces[i].name = name;
        f.interfaces[i].up = true;
        f.outputs[i].name = name;
    }
    struct sensor_event s;
    sensor_event_stop(&s, &f, "signal");
    json_t *r = record_of(&s);
    assert_true(has(r, "truncated"));
    number_is(r, "packets_received", (INT64_C(1) << 53) - 1);
    json_decref(r);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(it_starts), cmocka_unit_test(gaps),           cmocka_unit_test(statistics),
        cmocka_unit_test(it_stops),  cmocka_unit_test(nothing_so_far), cmocka_unit_test(all_at_its_largest),
    };
    return cmocka_run_group_tests(tests, load, unload);
}
