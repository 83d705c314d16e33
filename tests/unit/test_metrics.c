#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "output/metrics.h"

static void has(const char *text, const char *part) {
    if (!strstr(text, part)) {
        fail_msg("no %s in\n%s", part, text);
    }
}

static void has_not(const char *text, const char *part) {
    if (strstr(text, part)) {
        fail_msg("%s in\n%s", part, text);
    }
}

static char *text_of(const struct figures *f) {
    char *text = metrics_text(f);
    assert_non_null(text);
    assert_int_equal(text[strlen(text) - 1], '\n');
    return text;
}

/* Each counter has its own number, so that no two can be taken for each other. */
static void every_counter_is_published(void **state) {
    (void)state;
    enum { COUNTERS = sizeof(struct stats) / sizeof(uint64_t), FIRST = 1000000 };
    struct figures f = {.time_ns = 1};
    uint64_t counters[COUNTERS];
    for (unsigned i = 0; i < COUNTERS; i++) {
        counters[i] = FIRST + i;
    }
    memcpy(&f.stats, counters, sizeof f.stats);
    char *text = text_of(&f);
    for (unsigned i = 0; i < COUNTERS; i++) {
        char number[32];
        snprintf(number, sizeof number, " %u\n", FIRST + i);
        const char *at = strstr(text, number);
        assert_non_null(at);
        assert_null(strstr(at + 1, number));
    }
    free(text);
}

static void names_and_labels(void **state) {
    (void)state;
    struct figures f = {.time_ns = UINT64_C(1600000000500000000),
                        .start_ns = UINT64_C(1600000000000000000),
                        .stats = {.packets = 7, .verdicts = {[V_BAD] = 3}, .missed_bytes = 1, .bytes = 3},
                        .interfaces = {{"eth1", true, 8, 2, 1, 77}, {"e\"\\\nx", false, 0, 0, FIGURE_UNKNOWN, 0}},
                        .interface_count = 2,
                        .outputs = {{"-", 5, 4, FIGURE_UNKNOWN, FIGURE_UNKNOWN, 1, 99, FIGURE_UNKNOWN, 250000000}},
                        .output_count = 1,
                        .memory_held = 12,
                        .records_dropped = 6};
    char *text = text_of(&f);
    has(text, "# HELP smbtap_packets_total Frames that were read\n# TYPE smbtap_packets_total counter\n"
              "smbtap_packets_total 7\n");
    has(text, "\nsmbtap_verdicts_total{verdict=\"bad\"} 3\n");
    has(text, "\nsmbtap_interface_up{interface=\"eth1\"} 1\nsmbtap_interface_up{interface=\"e\\\"\\\\\\nx\"} 0\n");
    has(text, "\nsmbtap_interface_kernel_dropped_packets_total{interface=\"eth1\"} 2\n");
    has(text, "\nsmbtap_interface_dropped_packets_total{interface=\"eth1\"} 1\n#");
    has(text, "\nsmbtap_interface_packets_total{interface=\"eth1\"} 77\n");
    has(text, "\nsmbtap_output_sent_bytes_total{output=\"-\"} 99\n");
    has(text, "\nsmbtap_output_oldest_waiting_seconds{output=\"-\"} 0.250000000\n");
    has(text, "\nsmbtap_start_time_seconds 1600000000.000000000\n");
    has(text, "\nsmbtap_build_info{version=\"" SMBTAP_VERSION "\"} 1\n");
    has(text, "\nsmbtap_capture_loss_ratio 0.250000\n");
    has(text, "\nsmbtap_memory_held_bytes 12\n");
    has(text, "\nsmbtap_records_dropped_total 6\n");
    has_not(text, "output_spooled");
    has_not(text, "18446744073709551615");
    free(text);
}

static void nothing_so_far(void **state) {
    (void)state;
    static const struct figures none;
    char *text = text_of(&none);
    has(text, "\nsmbtap_packets_total 0\n");
    has_not(text, "smbtap_interface_");
    has_not(text, "smbtap_output_");
    free(text);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_counter_is_published),
        cmocka_unit_test(names_and_labels),
        cmocka_unit_test(nothing_so_far),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
