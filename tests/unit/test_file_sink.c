#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "../../src/delivery/file_sink.h"

static int put(const struct sink *sink, const char *bytes, size_t n) {
    const struct line_list all = {.bytes = bytes, .n = n};
    return sink->write(sink->state, &all);
}

static char folder[] = "/tmp/test_file_sink.XXXXXX";

static int make_folder(void **state) {
    (void)state;
    signal(SIGPIPE, SIG_IGN);
    return mkdtemp(folder) != NULL && chdir(folder) == 0 ? 0 : -1;
}

static int remove_folder(void **state) {
    (void)state;
    unlink("out");
    return chdir("/") != 0 || rmdir(folder);
}

static void holds(const char *name, const char *expected) {
    char text[256];
    FILE *f = fopen(name, "r");
    assert_non_null(f);
    size_t n = fread(text, 1, sizeof(text) - 1, f);
    text[n] = '\0';
    fclose(f);
    assert_string_equal(text, expected);
}

static void writes_at_once(void **state) {
    (void)state;
    struct sink sink;
    assert_int_equal(file_sink_open(open("out", O_WRONLY | O_CREAT | O_TRUNC, 0600), &sink), 0);
    assert_int_equal(put(&sink, "a\n", 2), 0);
    holds("out", "a\n");
    assert_int_equal(put(&sink, "b\n", 2), 0);
    assert_int_equal(sink.flush(sink.state), 0);
    assert_int_equal(sink.close(sink.state), 0);
    holds("out", "a\nb\n");
}

static void says_why_not(void **state) {
    (void)state;
    char line[256];
    file_sink_explain("no/such/out", -ENOENT, line, sizeof(line));
    assert_string_equal(line, "no/such/out: the folder does not exist; create it first");
    file_sink_explain("-", -EPIPE, line, sizeof(line));
    assert_string_equal(line, "standard output: the reader went away; nothing more was written");
    file_sink_explain("out", -EIO, line, sizeof(line));
    assert_string_equal(line, "out: cannot be written: Input/output error; check the file, or write elsewhere with -o");
    file_sink_explain("out", -ENOSPC, line, 10);
    assert_string_equal(line, "out: no s");
}

static void a_full_disk(void **state) {
    (void)state;
    struct sink sink;
    assert_int_equal(file_sink_open(open("/dev/full", O_WRONLY), &sink), 0);
    assert_int_equal(put(&sink, "a\n", 2), -ENOSPC);
    assert_int_equal(sink.close(sink.state), 0);
}

/* The sink for standard output, with a pipe in its place; gives back the end to read from. */
static int standard_output_as_pipe(struct sink *sink, int *kept) {
    int ends[2];
    assert_int_equal(pipe(ends), 0);
    fflush(stdout);
    *kept = dup(STDOUT_FILENO);
    dup2(ends[1], STDOUT_FILENO);
    close(ends[1]);
    assert_int_equal(file_sink_open(STDOUT_FILENO, sink), 0);
    return ends[0];
}

static void restore(int kept) {
    dup2(kept, STDOUT_FILENO);
    close(kept);
}

static void a_closed_pipe(void **state) {
    (void)state;
    struct sink sink;
    int kept, from = standard_output_as_pipe(&sink, &kept);
    close(from);
    int error = put(&sink, "a\n", 2);
    int closed = sink.close(sink.state);
    restore(kept);
    assert_int_equal(error, -EPIPE);
    assert_int_equal(closed, 0);
}

enum { MANY = 1000000 };

static void *read_slowly(void *arg) {
    static char buffer[5000];
    size_t total = 0;
    ssize_t n;
    usleep(20000);
    while (total < MANY && (n = read(*(int *)arg, buffer, sizeof(buffer))) > 0) {
        total += (size_t)n;
        for (ssize_t i = 0; i < n; i++) {
            total = buffer[i] == 'z' ? total : 2 * MANY;
        }
    }
    return (void *)total;
}

/* More than a pipe takes, blocking or not: nothing is lost. */
static void a_slow_reader(void **state) {
    (void)state;
    char *many = malloc(MANY);
    memset(many, 'z', MANY);
    for (int flags = 0; flags <= O_NONBLOCK; flags += O_NONBLOCK) {
        struct sink sink;
        pthread_t reader;
        void *total = NULL;
        int kept, from = standard_output_as_pipe(&sink, &kept);
        fcntl(STDOUT_FILENO, F_SETFL, flags);
        pthread_create(&reader, NULL, read_slowly, &from);
        int error = put(&sink, many, MANY);
        int closed = sink.close(sink.state);
        restore(kept);
        pthread_join(reader, &total);
        close(from);
        assert_int_equal(error, 0);
        assert_int_equal(closed, 0);
        assert_int_equal((size_t)total, MANY);
    }
    free(many);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(writes_at_once), cmocka_unit_test(says_why_not),  cmocka_unit_test(a_full_disk),
        cmocka_unit_test(a_closed_pipe),  cmocka_unit_test(a_slow_reader),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
