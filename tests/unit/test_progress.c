#include <pty.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "../../src/output/progress.h"
#include "log.h"

#define SECOND UINT64_C(1000000000)

static void lines(void **state) {
    (void)state;
    char line[256];
    progress_line(line, sizeof(line), 80, 250000000, 1000000000, SECOND);
    assert_string_equal(line, "[=======>                     ]  25% 250.0 MB of 1.0 GB, 250.0 MB/s,  0:03 left");
    assert_int_equal(strlen(line), 79);
    progress_line(line, sizeof(line), 80, 1000000000, 1000000000, SECOND);
    assert_string_equal(line, "[=============================] 100%   1.0 GB of 1.0 GB,   1.0 GB/s,  0:00 left");
    progress_line(line, sizeof(line), 80, 5000, 0, 2 * SECOND);
    assert_string_equal(line, "5.0 kB, 2.5 kB/s");
    progress_line(line, sizeof(line), 80, 0, 1000, 0);
    assert_non_null(strstr(line, "0%      0 B of 1.0 kB,      0 B/s,  0:00 left"));
}

/* A file that grew while it was read, a terminal of any width, memory of any size. */
static void every_width(void **state) {
    (void)state;
    for (unsigned width = 0; width < 400; width++) {
        for (uint64_t done = 0; done <= 30; done += 5) {
            char line[300];
            memset(line, 'x', sizeof(line));
            progress_line(line, sizeof(line), width, done, 20, SECOND);
            assert_true(strlen(line) < (width == 0 ? 1 : width));
            char *small = malloc(20);
            progress_line(small, 20, width, done, 20, SECOND);
            assert_true(strlen(small) < 20);
            free(small);
        }
    }
}

static size_t read_all(int fd, char *to, size_t size) {
    usleep(20000);
    ssize_t n = read(fd, to, size - 1);
    to[n < 0 ? 0 : n] = '\0';
    return n < 0 ? 0 : (size_t)n;
}

/* Drawn in the terminal's width, wiped out by a line of the log and at the end, and not more often than is fit. */
static void on_a_terminal(void **state) {
    (void)state;
    int ours, theirs, kept = dup(STDERR_FILENO);
    char seen[8192];
    struct winsize size = {.ws_row = 24, .ws_col = 60};
    if (openpty(&ours, &theirs, NULL, NULL, &size) != 0) {
        skip();
    }
    struct progress *p = progress_new(theirs, 1000);
    progress_update(p, 1);
    usleep(110000);
    progress_update(p, 500);
    for (unsigned i = 0; i < 1000; i++) {
        progress_update(p, 501);
    }
    read_all(ours, seen, sizeof(seen));
    assert_int_equal(seen[0], '\r');
    assert_non_null(strstr(seen, " 50%    500 B of 1.0 kB"));
    assert_null(strchr(seen + 1, '\r'));
    assert_true(strlen(seen) <= 60 + 4);
    dup2(theirs, STDERR_FILENO);
    log_note("%s", "a note");
    dup2(kept, STDERR_FILENO);
    read_all(ours, seen, sizeof(seen));
    assert_string_equal(seen, "\r\033[Ksmbtap: a note\r\n");
    progress_free(p);
    read_all(ours, seen, sizeof(seen));
    assert_string_equal(seen, "\r\033[K");
    close(ours);
    close(theirs);
    close(kept);
}

static void nothing_to_draw(void **state) {
    (void)state;
    progress_update(NULL, 1);
    progress_free(NULL);
    progress_free(progress_new(-1, 0));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lines),
        cmocka_unit_test(every_width),
        cmocka_unit_test(on_a_terminal),
        cmocka_unit_test(nothing_to_draw),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
