#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "../../src/delivery/record_text.h"

static const char *found(const char *text, size_t length, const char *name) {
    static char copy[256];
    struct line line = {.text = text, .length = (uint16_t)length};
    struct view v = record_text_find(&line, name);
    if (!v.p) {
        return NULL;
    }
    memcpy(copy, v.p, v.n);
    copy[v.n] = '\0';
    return copy;
}

#define FOUND(text, name) found(text, strlen(text), name)

static void a_member_is_found(void **state) {
    (void)state;
    const char *text = "{\"schema_version\":\"1.0\",\"seq\":7,\"sensor_id\":\"a\",\"src_ip\":\"2001:db8::1\",\"empty\":"
                       "\"\",\"last\":\"z\"}";
    assert_string_equal(FOUND(text, "schema_version"), "1.0");
    assert_string_equal(FOUND(text, "sensor_id"), "a");
    assert_string_equal(FOUND(text, "src_ip"), "2001:db8::1");
    assert_string_equal(FOUND(text, "empty"), "");
    assert_string_equal(FOUND(text, "last"), "z");
    assert_null(FOUND(text, "seq"));
    assert_null(FOUND(text, "dest_ip"));
    assert_null(FOUND(text, "rc_ip"));
    assert_null(FOUND("", "time"));
    assert_null(FOUND("{}", "time"));
}

/* A file of that name, as a stranger may make one. */
static void what_stands_in_a_text_is_no_member(void **state) {
    (void)state;
    assert_string_equal(FOUND("{\"file_name\":\"\\\"time\\\":\\\"x\\\"\",\"time\":\"now\"}", "time"), "now");
    assert_string_equal(FOUND("{\"file_name\":\"\\\\\\\"time\\\":\\\"\",\"time\":\"now\"}", "time"), "now");
    assert_string_equal(FOUND("{\"file_name\":\"a\\\\\",\"time\":\"now\"}", "time"), "now");
    assert_null(FOUND("{\"file_name\":\"\\\"time\\\":\\\"x\\\"\"}", "time"));
    assert_null(FOUND("{\"list\":[\"time\",\":\"]}", "time"));
}

static void an_escaped_quote_ends_no_text(void **state) {
    (void)state;
    assert_string_equal(FOUND("{\"sensor_id\":\"a\\\"b\\\\\",\"time\":\"now\"}", "sensor_id"), "a\\\"b\\\\");
}

static void a_line_that_was_cut_is_not_left(void **state) {
    (void)state;
    const char *text = "{\"time\":\"2026\\\"\"}";
    for (size_t n = 0; n < strlen(text); n++) {
        const char *value = found(text, n, "time");
        assert_true(n >= strlen(text) - 1 ? value != NULL : value == NULL);
    }
}

static void the_longest_name(void **state) {
    (void)state;
    char name[RECORD_TEXT_NAME_MAX + 1], text[RECORD_TEXT_NAME_MAX + 16] = "{\"";
    memset(name, 'n', RECORD_TEXT_NAME_MAX);
    name[RECORD_TEXT_NAME_MAX] = '\0';
    strcat(strcat(text, name), "\":\"v\"}");
    assert_string_equal(FOUND(text, name), "v");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_member_is_found),
        cmocka_unit_test(what_stands_in_a_text_is_no_member),
        cmocka_unit_test(an_escaped_quote_ends_no_text),
        cmocka_unit_test(a_line_that_was_cut_is_not_left),
        cmocka_unit_test(the_longest_name),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
