/* Lines arrive whole and in order, whatever takes them; what finds no room is refused as a whole. */
#include "../../src/delivery/appender.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <signal.h>
#include <unistd.h>

enum { LINES = 100, MAX = 64 << 10 /* in place of APPENDER_WAITING_MAX */ };

static int put(const struct sink *sink, const char *bytes, size_t n) {
    const struct line_list all = {.bytes = bytes, .n = n};
    return sink->write(sink->state, &all);
}

static size_t batch(char *to, unsigned first, unsigned count) {
    size_t n = 0;
    for (unsigned i = first; i < first + count; i++) {
        n += (size_t)sprintf(to + n, "{\"seq\":%u,\"pad\":\"%0*u\"}\n", i, 20 + (int)(i % 70), i);
    }
    return n;
}

static void expect_batches(const char *got, size_t n, unsigned count) {
    static char all[2 << 20];
    assert_int_equal(batch(all, 0, count), n);
    assert_memory_equal(got, all, n);
}

static void to_a_pipe(void **state) {
    (void)state;
    int ends[2];
    static char lines[MAX], got[2 << 20];
    assert_int_equal(pipe(ends), 0);
    struct appender *a = appender_new(ends[1], true, MAX);
    struct sink sink = appender_sink(a);
    unsigned count = 0;
    int error;
    size_t n;
    while ((error = put(&sink, lines, n = batch(lines, count, LINES))) == 0) {
        count += LINES; /* nobody reads: it is kept, up to the bound */
    }
    assert_int_equal(error, -EAGAIN);
    assert_int_equal(appender_trouble(a), -EAGAIN);
    assert_true(appender_waiting(a) <= MAX);
    assert_true(appender_waiting(a) + n > MAX - 4096);
    size_t total = 0;
    assert_int_equal(fcntl(ends[0], F_SETFL, O_NONBLOCK), 0);
    while (appender_waiting(a) != 0) {
        ssize_t part = read(ends[0], got + total, 1000);
        total += part > 0 ? (size_t)part : 0;
        assert_int_equal(sink.flush(sink.state), 0);
    }
    for (ssize_t part; (part = read(ends[0], got + total, 4096)) > 0;) {
        total += (size_t)part;
    }
    assert_int_equal(appender_trouble(a), 0);
    assert_int_equal(appender_written(a), total);
    expect_batches(got, total, count);
    close(ends[0]);
    assert_int_equal(put(&sink, lines, n), 0); /* kept: a reader may come back, as at a FIFO */
    assert_int_equal(appender_trouble(a), -EPIPE);
    assert_int_equal(sink.close(sink.state), -EPIPE);
}

static int temporary(char *path) {
    strcpy(path, "/tmp/test_appender.XXXXXX");
    int fd = mkostemp(path, O_APPEND);
    assert_true(fd >= 0);
    return fd;
}

static size_t slurp(const char *path, char *to, size_t size) {
    int fd = open(path, O_RDONLY);
    ssize_t n = read(fd, to, size);
    close(fd);
    assert_true(n >= 0);
    return (size_t)n;
}

/* A file that may grow no further stands for a full disk: the line that was cut goes on where it was cut, or begins anew elsewhere. */
static void full(void **state) {
    (void)state;
    static char lines[MAX], got[1 << 20], path[64], other[64];
    struct rlimit before, small;
    int fd = temporary(path);
    struct appender *a = appender_new(fd, true, MAX);
    struct sink sink = appender_sink(a);
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
    small = before;
    small.rlim_cur = 5000;
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
    assert_int_equal(put(&sink, lines, batch(lines, 0, LINES)), 0);
    assert_int_equal(appender_trouble(a), -EFBIG);
    assert_int_equal(appender_written(a), 5000);
    assert_int_equal(put(&sink, lines, batch(lines, LINES, LINES)), 0);
    assert_false(appender_drain(a, 1));
    small.rlim_cur = 9000;
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
    assert_int_equal(sink.flush(sink.state), 0);
    assert_int_equal(appender_written(a), 9000);
    size_t first = slurp(path, got, sizeof got);
    assert_int_equal(first, 9000);
    while (got[first - 1] != '\n') {
        first--; /* the line that was cut */
    }
    appender_reopen(a, temporary(other));
    assert_true(appender_drain(a, 1));
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
    size_t second = slurp(other, got + first, sizeof got - first);
    expect_batches(got, first + second, 2 * LINES);
    assert_int_equal(sink.close(sink.state), 0);
    unlink(path);
    unlink(other);
}

static void cut_line(void **state) {
    (void)state;
    static char got[256], path[64];
    int fd = temporary(path);
    assert_int_equal(write(fd, "{\"a\":1}\n{\"b\"", 12), 12);
    struct appender *a = appender_new(fd, true, MAX);
    struct sink sink = appender_sink(a);
    assert_int_equal(put(&sink, "{}\n", 3), 0);
    assert_int_equal(sink.close(sink.state), 0);
    assert_int_equal(slurp(path, got, sizeof got), 16);
    assert_memory_equal(got, "{\"a\":1}\n{\"b\"\n{}\n", 16);
    unlink(path);
    appender_free(NULL);
}

/* Where there is no room for the line's end either, it still comes before the next line. */
static void cut_line_on_a_full_disk(void **state) {
    (void)state;
    static char got[256], path[64];
    struct rlimit before, small;
    int fd = temporary(path);
    assert_int_equal(write(fd, "{\"a\":1}\n{\"b\"", 12), 12);
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
    small = before;
    small.rlim_cur = 12;
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
    struct appender *a = appender_new(fd, true, MAX);
    struct sink sink = appender_sink(a);
    assert_int_equal(appender_size(a), 13);
    assert_int_equal(put(&sink, "{}\n[]\n", 6), 0);
    assert_int_equal(appender_trouble(a), -EFBIG);
    assert_int_equal(appender_waiting_lines(a), 2);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
    assert_int_equal(sink.flush(sink.state), 0);
    assert_int_equal(appender_waiting_lines(a), 0);
    assert_int_equal(appender_size(a), 19);
    assert_int_equal(sink.close(sink.state), 0);
    assert_int_equal(slurp(path, got, sizeof got), 19);
    assert_memory_equal(got, "{\"a\":1}\n{\"b\"\n{}\n[]\n", 19);
    unlink(path);
}

/* A FIFO that nobody reads yet. */
static void no_reader_yet(void **state) {
    (void)state;
    static char got[16], path[64];
    int unused = temporary(path), from;
    close(unused);
    unlink(path);
    assert_int_equal(mkfifo(path, 0600), 0);
    assert_int_equal(appender_open(AT_FDCWD, path), -ENXIO);
    struct appender *a = appender_new(-1, true, MAX);
    struct sink sink = appender_sink(a);
    assert_int_equal(put(&sink, "{}\n", 3), 0);
    assert_int_equal(appender_trouble(a), -ENXIO);
    assert_int_equal(appender_descriptor(a), -1);
    assert_true((from = open(path, O_RDONLY | O_NONBLOCK)) >= 0);
    assert_int_equal(appender_reopen(a, appender_open(AT_FDCWD, path)), 0);
    assert_int_equal(sink.close(sink.state), 0);
    assert_int_equal(read(from, got, sizeof got), 3);
    close(from);
    unlink(path);
}

int main(void) {
    signal(SIGPIPE, SIG_IGN);
    signal(SIGXFSZ, SIG_IGN);
    const struct CMUnitTest tests[] = {cmocka_unit_test(to_a_pipe), cmocka_unit_test(full), cmocka_unit_test(cut_line),
                                       cmocka_unit_test(cut_line_on_a_full_disk), cmocka_unit_test(no_reader_yet)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
