#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "figures.h"
#include "stats.h"

enum { COUNTERS = sizeof(struct stats) / sizeof(uint64_t) };

union all {
    struct stats stats;
    uint64_t counters[COUNTERS];
};

static void every_counter_is_added(void **state) {
    (void)state;
    union all to, from;
    for (uint64_t i = 0; i < COUNTERS; i++) {
        to.counters[i] = 1000 * i;
        from.counters[i] = i + 1;
    }
    stats_add(&to.stats, &from.stats);
    for (uint64_t i = 0; i < COUNTERS; i++) {
        assert_int_equal(to.counters[i], 1001 * i + 1);
        assert_int_equal(from.counters[i], i + 1);
    }
}

/* Each counter of the struct is in exactly one row, under its own name and with a name for each of an array. */
static void every_counter_is_in_a_row(void **state) {
    (void)state;
    union all seen;
    memset(&seen, 0, sizeof seen);
    for (size_t i = 0; i < stats_counter_count; i++) {
        const struct counter_info *c = &stats_counters[i];
        assert_true(i != 0 || c->metric != NULL);
        if (c->metric) {
            assert_true(c->metric[0] != '\0' && c->help[0] != '\0');
            continue;
        }
        assert_true(c->member[0] != '\0' && c->count != 0);
        for (unsigned k = 0; k < c->count; k++) {
            assert_non_null(c->values[k]);
            seen.counters[c->offset / sizeof(uint64_t) + k]++;
        }
    }
    for (size_t i = 0; i < COUNTERS; i++) {
        assert_int_equal(seen.counters[i], 1);
    }
}

static void a_value_is_found(void **state) {
    (void)state;
    struct stats stats = {.packets = 5, .verdicts = {[V_BAD] = 7}};
    unsigned found = 0;
    for (size_t i = 0; i < stats_counter_count; i++) {
        const struct counter_info *c = &stats_counters[i];
        if (c->member && strcmp(c->member, "packets") == 0) {
            assert_int_equal(stats_value(&stats, c, 0), 5);
            found++;
        } else if (c->member && strcmp(c->member, "verdicts") == 0) {
            assert_int_equal(stats_value(&stats, c, V_BAD), 7);
            assert_string_equal(c->values[V_BAD], "bad");
            found++;
        }
    }
    assert_int_equal(found, 2);
}

static void sums_over_interfaces(void **state) {
    (void)state;
    struct figures f = {.interface_count = 3,
                        .interfaces = {{"a", true, 10, 2, 1, 0},
                                       {"b", true, 5, 0, FIGURE_UNKNOWN, 0},
                                       {"c", false, FIGURE_UNKNOWN, FIGURE_UNKNOWN, 4, 0}}};
    struct capture_figures c = figures_capture(&f);
    assert_int_equal(c.received, 15);
    assert_int_equal(c.dropped, 2);
    assert_int_equal(c.interface_dropped, 5);
}

static void estimate_of_loss(void **state) {
    (void)state;
    struct figures before = {.stats = {.bytes = 1000, .missed_bytes = 1000}},
                   now = {.stats = {.bytes = 1990, .missed_bytes = 1010}}, none = {.interface_count = 0};
    assert_int_equal(figures_loss_ppm(&none, NULL), 0);
    assert_int_equal(figures_loss_ppm(&before, NULL), 500000);
    assert_int_equal(figures_loss_ppm(&now, &before), 10000);
    assert_int_equal(figures_loss_ppm(&before, &before), 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_counter_is_added), cmocka_unit_test(every_counter_is_in_a_row),
        cmocka_unit_test(a_value_is_found),       cmocka_unit_test(sums_over_interfaces),
        cmocka_unit_test(estimate_of_loss),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
