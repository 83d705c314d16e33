/* Each line is taken once: of a file that comes, grows, is moved away or made empty. */
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
#include <sys/stat.h>
#include <unistd.h>

#include "canary/follow.h"

static char folder[] = "/tmp/smbtap-follow-XXXXXX", path[64], old[64];
static char seen[4096];

static bool take(void *arg, const char *line, size_t n) {
    (void)arg;
    snprintf(seen + strlen(seen), sizeof seen - strlen(seen), "%.*s;", (int)(n < 20 ? n : 20), line);
    return n == 4 && memcmp(line, "stop", 4) == 0;
}

/* Until nothing is new. */
static const char *all(struct follow *w) {
    int result;
    seen[0] = 0;
    while ((result = follow_read(w, take, NULL)) == FOLLOW_SOME) {
    }
    assert_int_equal(result, FOLLOW_NOTHING);
    return seen;
}

static void put(const char *to, int flags, const char *text) {
    int fd = open(to, O_WRONLY | O_CREAT | flags, 0600);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, text, strlen(text)), strlen(text));
    close(fd);
}

static struct follow *begin(bool from_end) {
    struct follow *w = calloc(1, sizeof *w);
    assert_non_null(w);
    assert_int_equal(follow_begin(w, path, from_end), 0);
    return w;
}

static void end(struct follow *w) {
    follow_end(w);
    free(w);
    unlink(path);
    unlink(old);
}

static void grows(void **state) {
    (void)state;
    struct follow *w = begin(false);
    assert_string_equal(all(w), "");
    put(path, 0, "one\ntw");
    assert_string_equal(all(w), "one;");
    put(path, O_APPEND, "o\n\nthree\n");
    assert_string_equal(all(w), "two;;three;");
    assert_string_equal(all(w), "");
    end(w);
}

static void from_end(void **state) {
    (void)state;
    put(path, 0, "one\ntwo\n");
    struct follow *w = begin(true);
    assert_string_equal(all(w), "");
    put(path, O_APPEND, "three\n");
    assert_string_equal(all(w), "three;");
    end(w);
}

static void moved_away(void **state) {
    (void)state;
    put(path, 0, "one\n");
    struct follow *w = begin(true);
    put(path, O_APPEND, "two\n");
    assert_int_equal(rename(path, old), 0);
    assert_string_equal(all(w), "two;"); /* there is none now */
    put(old, O_APPEND, "three\n");
    put(path, 0, "four\n");
    assert_string_equal(all(w), "three;four;");
    put(old, O_APPEND, "five\n"); /* by a writer that had not noticed */
    put(path, O_APPEND, "six\n");
    assert_string_equal(all(w), "five;six;");
    end(w);
}

static void made_empty(void **state) {
    (void)state;
    put(path, 0, "one\nand a beginning");
    struct follow *w = begin(false);
    assert_string_equal(all(w), "one;");
    put(path, O_TRUNC, "two\n");
    assert_string_equal(all(w), "two;");
    end(w);
}

static void found(void **state) {
    (void)state;
    put(path, 0, "one\nstop\ntwo\n");
    struct follow *w = begin(false);
    seen[0] = 0;
    assert_int_equal(follow_read(w, take, NULL), FOLLOW_FOUND);
    assert_string_equal(seen, "one;stop;");
    end(w);
}

/* FOLLOW_LINE_MAX: its end is not taken for a line. */
static void a_long_line(void **state) {
    (void)state;
    for (size_t n = FOLLOW_LINE_MAX - 1; n <= 3 * FOLLOW_LINE_MAX; n += FOLLOW_LINE_MAX / 4) {
        char *text = calloc(1, n + 16);
        assert_non_null(text);
        memset(text, 'x', n);
        memcpy(text + n, "\nnext\n", 6);
        put(path, O_TRUNC, text);
        struct follow *w = begin(false);
        assert_string_equal(all(w), n < FOLLOW_LINE_MAX ? "xxxxxxxxxxxxxxxxxxxx;next;" : "next;");
        end(w);
        free(text);
    }
}

static void no_file(void **state) {
    (void)state;
    struct follow *w = calloc(1, sizeof *w);
    assert_non_null(w);
    assert_int_equal(follow_begin(w, folder, false), -EINVAL);
    follow_end(w);
    assert_int_equal(mkfifo(path, 0600), 0);
    assert_int_equal(follow_begin(w, path, false), -EINVAL);
    end(w);
}

static int set_up(void **state) {
    (void)state;
    assert_non_null(mkdtemp(folder));
    snprintf(path, sizeof path, "%s/r", folder);
    snprintf(old, sizeof old, "%s/r.1", folder);
    return 0;
}

static int tear_down(void **state) {
    (void)state;
    return rmdir(folder);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(grows),      cmocka_unit_test(from_end),    cmocka_unit_test(moved_away),
        cmocka_unit_test(made_empty), cmocka_unit_test(a_long_line), cmocka_unit_test(found),
        cmocka_unit_test(no_file),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
