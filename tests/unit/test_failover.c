/* Clients of a continuously available share that are sent away, and turn up at another address of the cluster. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "findings/findings.h"
#include "record.h"

#define SECOND UINT64_C(1000000000)

static char raised[RECORD_MAX + 1];
static unsigned raised_count;
static struct flow_facts flow;
static struct stats stats;

static void take(void *arg, const struct event *e, const char *capture) {
    (void)arg;
    struct record_settings settings = {.sensor_id = "test", .capture_name = capture};
    raised[record_write(&settings, e, raised)] = '\0';
    raised_count++;
}

static struct findings *begin(struct budget *budget) {
    flow = (struct flow_facts){.client = {{{10, 0, 0, 5}, 4}, 50123}, .server = {{{10, 0, 0, 7}, 4}, 445}};
    stats = (struct stats){0};
    raised_count = 0;
    struct findings_settings settings = {.run_id = 0xabc, .budget = budget};
    return findings_new(&settings, &(struct findings_sink){NULL, take}, &stats);
}

static struct text path(const char *share) {
    return (struct text){{(const uint8_t *)share, strlen(share)}, ENC_ASCII};
}

/* The client's request fails at the server whose address ends so. */
static void fails(struct findings *f, uint8_t server, uint64_t second, const char *share) {
    flow.server.ip.bytes[3] = server;
    struct event e = {.object = OBJECT_FLOW,
                      .action = ACTION_MESSAGE,
                      .operation = OPERATION_CREATE,
                      .flow = &flow,
                      .at = {second * SECOND, second},
                      .sends_away = true};
    event_uint(&e, FIELD_STATUS_CODE, STATUS_FILE_NOT_AVAILABLE);
    event_text(&e, FIELD_SHARE_PATH, path(share));
    assert_true(findings_want(&e));
    findings_event(f, &e, second, "a.pcap");
}

static void connects_with(struct findings *f, uint8_t server, uint64_t second, const char *share, uint32_t status,
                          uint32_t capabilities) {
    flow.server.ip.bytes[3] = server;
    struct event e = {.object = OBJECT_FLOW,
                      .action = ACTION_MESSAGE,
                      .operation = OPERATION_TREE_CONNECT,
                      .flow = &flow,
                      .at = {second * SECOND, second}};
    event_uint(&e, FIELD_STATUS_CODE, status);
    event_text(&e, FIELD_SHARE_PATH, path(share));
    event_bits(&e, FIELD_SHARE_CAPABILITIES, capabilities, &names_share_capability);
    assert_true(findings_want(&e));
    findings_event(f, &e, second, "b.pcap");
}

static void connects(struct findings *f, uint8_t server, uint64_t second, const char *share) {
    connects_with(f, server, second, share, STATUS_SUCCESS, SMB2_SHARE_CAP_CONTINUOUS_AVAILABILITY);
}

static void told(struct findings *f, unsigned count) {
    findings_finish(f);
    assert_int_equal(raised_count, count);
    findings_free(f);
}

static void sent_away(void **state) {
    (void)state;
    struct findings *f = begin(NULL);
    fails(f, 7, 1, "\\\\c\\s");
    fails(f, 7, 2, "\\\\c\\s"); /* the last one counts */
    connects(f, 8, 62, "\\\\c\\s");
    connects(f, 8, 63, "\\\\c\\s"); /* once for each time */
    told(f, 1);
    assert_non_null(strstr(raised, "\"rule_id\":\"share_forced_away\""));
    assert_non_null(strstr(raised, "\"count\":1,"));
    assert_non_null(strstr(raised, "\"evidence\":[\"0000000000000abc-2\",\"0000000000000abc-62\"]"));
    assert_non_null(strstr(raised, "Microsoft-Windows-SMBServer/Operational 605"));
    assert_non_null(strstr(raised, "\"share_path\":\"\\\\\\\\c\\\\s\""));
}

static void stays(void **state) {
    (void)state;
    struct findings *f = begin(NULL);
    fails(f, 7, 1, "\\\\c\\s");
    connects(f, 7, 2, "\\\\c\\s"); /* the same address */
    connects(f, 8, 3, "\\\\c\\t"); /* another share */
    connects_with(f, 8, 4, "\\\\c\\s", STATUS_ACCESS_DENIED, SMB2_SHARE_CAP_CONTINUOUS_AVAILABILITY);
    connects_with(f, 8, 5, "\\\\c\\s", STATUS_SUCCESS, 0);
    flow.client.ip.bytes[3]++; /* another client */
    connects(f, 8, 6, "\\\\c\\s");
    flow.client.ip.bytes[3]--;
    connects(f, 8, 62, "\\\\c\\s"); /* more than a minute */
    told(f, 0);
}

/* At the limit the oldest goes, counted. */
static void bounded(void **state) {
    (void)state;
    struct budget budget = {.ceiling = 64 << 20};
    struct findings *f = begin(&budget);
    char share[32];
    for (unsigned i = 0; i < FINDINGS_FAILOVERS_MAX + 3; i++) {
        snprintf(share, sizeof share, "\\\\c\\%u", i);
        fails(f, 7, 1, share);
    }
    assert_int_equal(stats.findings_failovers_evicted, 3);
    connects(f, 8, 2, "\\\\c\\2");
    connects(f, 8, 2, "\\\\c\\3");
    findings_finish(f);
    assert_int_equal(raised_count, 1);
    assert_non_null(strstr(raised, "\\\\\\\\c\\\\3\""));
    findings_free(f);
    assert_int_equal(budget.held, 0);
    budget.ceiling = 1;
    f = begin(&budget); /* no memory: counted, and nothing else */
    fails(f, 7, 1, "\\\\c\\s");
    assert_int_equal(stats.findings_failovers_evicted, 1);
    told(f, 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sent_away),
        cmocka_unit_test(stays),
        cmocka_unit_test(bounded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
