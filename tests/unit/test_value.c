#include "../../src/base/value.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define SECOND UINT64_C(1000000000)

static void numbers(void **state) {
    (void)state;
    static const char *const bad[] = {"",  "x", "1x", " 1", "+1", "-1", "0x10", "1.0", "99999999999999999999",
                                      "2", "11"};
    unsigned long n = 77;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        assert_false(value_number(bad[i], 3, 10, &n));
    }
    assert_int_equal(n, 77);
    assert_true(value_number("3", 3, 10, &n) && n == 3);
    assert_true(value_number("010", 3, 10, &n) && n == 10);
}

/* What is read, and how it is told again. */
static void sizes(void **state) {
    (void)state;
    static const struct {
        const char *text;
        size_t bytes;
        const char *told;
    } good[] = {
        {"1", 1, "1"},
        {"1023", 1023, "1023"},
        {"1024", 1024, "1K"},
        {"16384K", 16 << 20, "16M"},
        {"1G", 1 << 30, "1G"},
        {"1025M", (size_t)1025 << 20, "1025M"},
        {"2048G", (size_t)2048 << 30, "2048G"},
        {"18446744073709551615", SIZE_MAX, "18446744073709551615"},
    };
    char told[VALUE_TEXT_SIZE];
    size_t bytes = 77;
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        assert_true(value_size(good[i].text, &bytes));
        assert_int_equal(bytes, good[i].bytes);
        assert_string_equal(value_size_text(bytes, told), good[i].told);
    }
    static const char *const bad[] = {"",    "0",  "0K", "K",  "1k",  "1KB",          "1.5G",
                                      "-1K", "1 ", " 1", "1T", "1KK", "17179869184G", "18446744073709551616"};
    bytes = 77;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        assert_false(value_size(bad[i], &bytes));
    }
    assert_int_equal(bytes, 77);
}

static void spans(void **state) {
    (void)state;
    static const struct {
        const char *text;
        uint64_t ns;
        const char *told;
    } good[] = {
        {"1s", SECOND, "1s"},
        {"60s", 60 * SECOND, "1m"},
        {"90s", 90 * SECOND, "90s"},
        {"48h", 172800 * SECOND, "2d"},
        {"3650d", 315360000 * SECOND, "3650d"},
    };
    char told[VALUE_TEXT_SIZE];
    uint64_t ns = 77;
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        assert_true(value_span(good[i].text, &ns));
        assert_int_equal(ns, good[i].ns);
        assert_string_equal(value_span_text(ns, told), good[i].told);
    }
    static const char *const bad[] = {"", "1", "s", "0s", "1ms", "1S", "-1s", "3651d", "87601h", "1w"};
    ns = 77;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        assert_false(value_span(bad[i], &ns));
    }
    assert_int_equal(ns, 77);
}

static const char *const no_delays[] = {
    "",
    "1",
    "1.5",
    "s",
    "ms",
    ".5s",
    "1.s",
    "0s",
    "0.0s",
    "0ms",
    "0.0001s",
    "0.5ms",
    "1.0005s",
    "1us",
    "1mss",
    "1S",
    "1 s",
    " 1s",
    "+1s",
    "-1s",
    "1,5s",
    "1.5.5s",
    "1e3s",
    "3651d",
    "3650.1d",
    "315360000001ms",
    "9999999999999s",
    "1.5000000s",
    "0x1s",
    "inf",
    "99999999999999999999s",
};

static void delays(void **state) {
    (void)state;
    static const struct {
        const char *text;
        uint64_t ns;
        const char *told;
    } good[] = {
        {"1ms", SECOND / 1000, "1ms"},
        {"250ms", SECOND / 4, "250ms"},
        {"0.25s", SECOND / 4, "250ms"},
        {"1.5s", SECOND / 2 * 3, "1500ms"},
        {"1.500000s", SECOND / 2 * 3, "1500ms"},
        {"1000ms", SECOND, "1s"},
        {"1.0ms", SECOND / 1000, "1ms"},
        {"015s", 15 * SECOND, "15s"},
        {"2m", 120 * SECOND, "2m"},
        {"1.5m", 90 * SECOND, "90s"},
        {"0.5d", 43200 * SECOND, "12h"},
        {"3650d", 315360000 * SECOND, "3650d"},
        {"315360000000ms", 315360000 * SECOND, "3650d"},
    };
    char told[VALUE_TEXT_SIZE];
    uint64_t ns = 77;
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        assert_true(value_delay(good[i].text, &ns));
        assert_int_equal(ns, good[i].ns);
        assert_string_equal(value_delay_text(ns, told), good[i].told);
        assert_true(value_delay(told, &ns) && ns == good[i].ns); /* what is told can be given */
    }
    ns = 77;
    for (size_t i = 0; i < sizeof no_delays / sizeof no_delays[0]; i++) {
        assert_false(value_delay(no_delays[i], &ns));
    }
    assert_int_equal(ns, 77);
}

static void percentages(void **state) {
    (void)state;
    static const struct {
        const char *text;
        double percent;
        const char *told;
    } good[] = {
        {"0", 0, "0"},          {"1", 1, "1"},          {"100", 100, "100"}, {"100%", 100, "100"},
        {"0.5%", 0.5, "0.5"},   {"0.25", 0.25, "0.25"}, {"10", 10, "10"},    {"0.000001", 0.000001, "0.000001"},
        {"007.50", 7.5, "7.5"},
    };
    char told[VALUE_TEXT_SIZE];
    double percent = 77;
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        assert_true(value_percent(good[i].text, &percent));
        assert_true(percent == good[i].percent);
        assert_string_equal(value_percent_text(percent, told), good[i].told);
    }
    static const char *const bad[] = {"",    "%",   "101", "100.1", "-1",  "+1",        ".5",  "1.",
                                      "1%%", "1e1", "nan", "inf",   "0x1", "0.0000001", "1,5", "1 %"};
    percent = 77;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        assert_false(value_percent(bad[i], &percent));
    }
    assert_true(percent == 77);
}

static void switches(void **state) {
    (void)state;
    bool on = false;
    assert_true(value_switch("yes", &on) && on);
    assert_true(value_switch("no", &on) && !on);
    assert_true(value_switch("true", &on) && on);
    assert_true(value_switch("false", &on) && !on);
    assert_true(value_switch("on", &on) && on);
    assert_true(value_switch("off", &on) && !on);
    assert_false(value_switch("", &on) || value_switch("1", &on) || value_switch("YES", &on));
}

static void networks(void **state) {
    (void)state;
    static const char *const good[][2] = {
        {"10.0.0.0/8", "10.0.0.0/8"}, {"192.0.2.1", "192.0.2.1/32"},
        {"0.0.0.0/0", "0.0.0.0/0"},   {"2001:DB8::/32", "2001:db8::/32"},
        {"::1", "::1/128"},
    };
    char told[VALUE_TEXT_SIZE];
    struct network net = {.prefix_length = 77};
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        assert_true(value_network(good[i][0], &net));
        assert_string_equal(value_network_text(&net, told), good[i][1]);
    }
    static const char *const bad[] = {"",       "/8",          "10.0.0.0/",    "10.0.0.0/33", "10.0.0.0/+8", "10.0.0/8",
                                      "::/129", "example.org", "10.0.0.0/8/8", "10.0.0.0/ 8", " 10.0.0.0/8", "::1%lo"};
    net.prefix_length = 77;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        assert_false(value_network(bad[i], &net));
    }
    assert_int_equal(net.prefix_length, 77);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(numbers),     cmocka_unit_test(sizes),    cmocka_unit_test(spans),    cmocka_unit_test(delays),
        cmocka_unit_test(percentages), cmocka_unit_test(switches), cmocka_unit_test(networks),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
