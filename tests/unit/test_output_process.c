/* How the process of an output starts, and what its maker is told when it does not. */
#include "../../src/output_process.h"

#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

enum { PATIENCE_SECONDS = 10 };

static const struct sandbox_settings open_sandbox = {.enabled = false};

/* A process that does not come to word holds up its maker: the alarm ends this one then. */
static int start(const struct output_settings *output, char why[OUTPUT_PROCESS_WHY_SIZE]) {
    struct output_process *p = NULL;
    const struct output_process_settings settings = {.output = output, .sandbox = &open_sandbox, .run_id = 1};
    alarm(PATIENCE_SECONDS);
    int error = output_process_start(&p, &settings, why);
    alarm(0);
    assert_true((error == 0) == (p != NULL));
    output_process_free(p);
    return error;
}

static void set(struct output_settings *output, const char *text) {
    char why[OUTPUT_WHY_SIZE];
    assert_int_equal(output_settings_parse(output, text, why), 0);
}

/* No kind at all: the assertion that there is a transport for it ends the process before the output is open. */
static void a_crash_before_the_output_is_open_is_an_error(void **state) {
    (void)state;
    char why[OUTPUT_PROCESS_WHY_SIZE] = "";
    const struct output_settings output = {.name = "siem", .kind = OUTPUT_KINDS};
    assert_true(start(&output, why) < 0);
    assert_non_null(strstr(why, "siem: "));
    assert_non_null(strstr(why, "signal 6"));
    assert_null(strchr(why, '\n'));
}

static void what_cannot_be_opened_is_told_with_the_name_of_the_output(void **state) {
    (void)state;
    char why[OUTPUT_PROCESS_WHY_SIZE] = "";
    struct output_settings output;
    set(&output, "syslog+tls://127.0.0.1?name=siem&ca=/nowhere/ca.pem");
    assert_int_equal(start(&output, why), -ENOENT);
    assert_ptr_equal(strstr(why, "siem: ca: /nowhere/ca.pem "), why);
    output_settings_free(&output);
}

static void a_file_is_told_with_its_path(void **state) {
    (void)state;
    char why[OUTPUT_PROCESS_WHY_SIZE] = "";
    struct output_settings output;
    set(&output, "file:/nowhere/records?name=archive");
    assert_int_equal(start(&output, why), -ENOENT);
    assert_ptr_equal(strstr(why, "/nowhere/records: "), why);
    output_settings_free(&output);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_crash_before_the_output_is_open_is_an_error),
        cmocka_unit_test(what_cannot_be_opened_is_told_with_the_name_of_the_output),
        cmocka_unit_test(a_file_is_told_with_its_path),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
