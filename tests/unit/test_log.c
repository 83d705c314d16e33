#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "log.h"

static int ends[2], kept;

static void catch_stderr(void) {
    assert_int_equal(pipe(ends), 0);
    kept = dup(STDERR_FILENO);
    dup2(ends[1], STDERR_FILENO);
    close(ends[1]);
}

static void caught(char *to, size_t size) {
    dup2(kept, STDERR_FILENO);
    close(kept);
    size_t n = 0;
    ssize_t got;
    while (n + 1 < size && (got = read(ends[0], to + n, size - 1 - n)) > 0) {
        n += (size_t)got;
    }
    to[n] = '\0';
    close(ends[0]);
}

/* What finds no room does not wait for it, and is told of once there is some. */
static void a_reader_that_stands_still(void **state) {
    (void)state;
    static char seen[1 << 17];
    catch_stderr();
    log_waits(false);
    const int lines = (int)sizeof seen / 64; /* more than a pipe holds */
    for (int i = 0; i < lines; i++) {
        log_note("%0100d", i);
    }
    ssize_t got = read(ends[0], seen, sizeof seen);
    assert_true(got > 0 && got < lines * 100);
    log_note("after");
    log_waits(true);
    caught(seen, sizeof seen);
    unsigned left_out = 0;
    const char *told = strstr(seen, "lines found no room");
    assert_non_null(told);
    while (told > seen && told[-1] != '\n') {
        told--;
    }
    assert_int_equal(sscanf(told, "smbtap: %u lines", &left_out), 1);
    assert_int_equal(got / 109 + left_out, lines);
    assert_non_null(strstr(seen, "smbtap: after\n"));
}

static void levels(void **state) {
    (void)state;
    char seen[4096];
    catch_stderr();
    log_error("%d", 1);
    log_note("%d", 2);
    log_detail("%d", 3);
    log_set_level(LOG_ERRORS);
    log_error("%d", 4);
    log_note("%d", 5);
    log_set_level(LOG_DETAILS);
    log_detail("%d", 6);
    log_set_level(LOG_NOTES);
    caught(seen, sizeof(seen));
    assert_string_equal(seen, "smbtap: 1\nsmbtap: 2\nsmbtap: 4\nsmbtap: 6\n");
}

static void one_line_whatever_is_in_it(void **state) {
    (void)state;
    char seen[4096], long_text[3000];
    memset(long_text, 'x', sizeof(long_text) - 1);
    long_text[sizeof(long_text) - 1] = '\0';
    catch_stderr();
    log_note("%s", "a\nb\033[2J\x7f \xc3\xa9");
    log_note("%s", long_text);
    caught(seen, sizeof(seen));
    const char *second = strchr(seen, '\n') + 1;
    assert_memory_equal(seen, "smbtap: a?b?[2J? \xc3\xa9\n", 20);
    assert_int_equal(strlen(second), 1023);
    assert_ptr_equal(strchr(second, '\n'), second + 1022);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(levels),
        cmocka_unit_test(a_reader_that_stands_still),
        cmocka_unit_test(one_line_whatever_is_in_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
