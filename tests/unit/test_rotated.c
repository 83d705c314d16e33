/* Files that were rotated away: their names, which are kept, what is compressed, and what is not touched. */
#include "../../src/delivery/rotated.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <signal.h>
#include <unistd.h>
#include <zstd.h>

#define NOW (UINT64_C(1700000000) * 1000000000) /* 2023-11-14T22:13:20Z */
#define STAMP "20231114T221320Z"

static int folder;
static char path[64];

static int make_folder(void **state) {
    (void)state;
    strcpy(path, "/tmp/test_rotated.XXXXXX");
    folder = mkdtemp(path) ? open(path, O_RDONLY | O_DIRECTORY) : -1;
    return folder >= 0 ? 0 : -1;
}

static int remove_folder(void **state) {
    (void)state;
    char command[128];
    close(folder);
    snprintf(command, sizeof command, "rm -rf %s", path);
    return system(command);
}

static void make(const char *name, const char *text) {
    int fd = openat(folder, name, O_WRONLY | O_CREAT | O_TRUNC, 0640);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, text, strlen(text)), strlen(text));
    close(fd);
}

static bool is_there(const char *name) {
    return faccessat(folder, name, F_OK, AT_SYMLINK_NOFOLLOW) == 0;
}

static size_t files(void) {
    size_t n = 0;
    DIR *all = opendir(path);
    while (readdir(all)) {
        n++;
    }
    closedir(all);
    return n - 2;
}

static int tidy_at_most(unsigned keep, bool compress, size_t most, char about[NAME_MAX + 1]) {
    const struct rotated_settings settings = {.name = "out", .keep = keep, .compress = compress, .most = most};
    atomic_bool stop = false;
    int error, done;
    do {
        struct stat st = {0};
        (void)fstatat(folder, "out", &st, 0);
        struct rotated_list *l = rotated_list_new(
            folder, &settings, (struct rotated_busy){.device = st.st_dev, .inode = st.st_ino}, NOW, &error);
        assert_non_null(l);
        done = rotated_tidy(l, &stop, about);
        rotated_list_free(l);
    } while (done == 1);
    return done;
}

static int tidy(unsigned keep, bool compress) {
    char about[NAME_MAX + 1];
    return tidy_at_most(keep, compress, ROTATED_MAX, about);
}

static void expect_compressed(const char *name, const char *text) {
    static char packed[4096], got[4096];
    int fd = openat(folder, name, O_RDONLY);
    assert_true(fd >= 0);
    ssize_t n = read(fd, packed, sizeof packed);
    close(fd);
    assert_true(n > 0);
    size_t size = ZSTD_decompress(got, sizeof got, packed, (size_t)n);
    assert_false(ZSTD_isError(size));
    assert_int_equal(size, strlen(text));
    assert_memory_equal(got, text, size);
}

static void names(void **state) {
    (void)state;
    char to[NAME_MAX + 1], expected[64], longest[ROTATED_NAME_MAX + 2];
    static const char *const given[] = {"out." STAMP, "out." STAMP "-1", "out." STAMP "-4"};
    for (unsigned i = 0; i < 3; i++) { /* behind what is there already, compressed or not */
        make("out", "x");
        assert_int_equal(rotated_rename(folder, "out", NOW, to), 0);
        assert_string_equal(to, given[i]);
        assert_true(is_there(to) && !is_there("out"));
        if (i == 1) {
            make("out." STAMP "-3.zst", "");
            assert_int_equal(unlinkat(folder, "out." STAMP, 0), 0); /* is free: it is before the others */
        }
    }
    for (unsigned i = 5; i <= ROTATED_SECOND_MAX; i++) {
        snprintf(expected, sizeof expected, "out." STAMP "-%u", i);
        make(expected, "");
    }
    make("out", "x");
    assert_int_equal(rotated_rename(folder, "out", NOW, to), -EEXIST);
    assert_int_equal(rotated_rename(folder, "out", NOW + 1000000000, to), 0);
    assert_string_equal(to, "out.20231114T221321Z");
    assert_int_equal(rotated_rename(folder, "out", NOW + 2000000000, to), -ENOENT);
    memset(longest, 'n', sizeof longest);
    longest[ROTATED_NAME_MAX] = '\0';
    make(longest, "x");
    assert_int_equal(rotated_rename(folder, longest, NOW, to), 0);
    longest[ROTATED_NAME_MAX] = 'n';
}

static const char *const strangers[] = {
    "out",
    "out.1",
    "out.20231114T221320",
    "out.20231114T221320Z.gz",
    "out.20231114T221320Z-",
    "out.20231114T221320Z-0",
    "out.20231114T221320Z-01",
    "out.20231114T221320Z-1000",
    "out.20231114T221320Z-10000",
    "out.20231114T221320Z.zst.old",
    "out.20231114T221320Z.tmp",
    "out.2023111aT221320Z",
    "out.20231314T221320Z",
    "out.20230014T221320Z",
    "out.20231100T221320Z",
    "out.20231114T241320Z",
    "out.20231114T226020Z",
    "out.20231114T221361Z",
    "out.20231114t221320Z",
    "out..20231114T221320Z",
    "Out.20231114T221320Z",
    "out2.20231114T221320Z",
    " out.20231114T221320Z",
    "out.20231114T221320Z ",
    "out.20231114T221320Z\n",
    "out.20231114T221320Z-1\n.zst",
    "out.20231114T221320Z-+1",
    "out.+0231114T221320Z",
    "out.20231114T221320Z.zst.tmp.tmp",
    "outlook.json",
    "\xff\xfe",
    "out.\xff",
    "-rf",
    "out.20231114T221320Z%s%n",
    "xout.20231114T221320Z",
};
enum { STRANGERS = sizeof strangers / sizeof strangers[0] };

static void keeps(void **state) {
    (void)state;
    char name[64];
    for (unsigned i = 0; i < STRANGERS; i++) {
        make(strangers[i], "");
    }
    assert_int_equal(mkdirat(folder, "out.20200101T000000Z", 0700), 0);
    assert_int_equal(symlinkat("/etc/passwd", folder, "out.20200102T000000Z"), 0);
    assert_int_equal(mkfifoat(folder, "out.20200103T000000Z", 0600), 0);
    for (unsigned i = 10; i <= 20; i++) {
        snprintf(name, sizeof name, "out.202301%uT000000Z%s", i, i % 2 ? ".zst" : "");
        make(name, "");
    }
    make("out.20230110T000000Z-9", "");
    make("out.20230110T000000Z-10", "");
    make("out.20230118T000000Z.zst", ""); /* of the same file as the one without: they count once */
    assert_int_equal(tidy(0, false), 0);
    assert_int_equal(files(), STRANGERS + 3 + 14);
    assert_int_equal(tidy(12, false), 0);
    assert_int_equal(files(), STRANGERS + 3 + 13);
    assert_false(is_there("out.20230110T000000Z"));
    assert_int_equal(tidy(11, false), 0);
    assert_false(is_there("out.20230110T000000Z-9"));
    assert_true(is_there("out.20230110T000000Z-10"));
    assert_int_equal(tidy(3, false), 0);
    assert_int_equal(files(), STRANGERS + 3 + 4);
    assert_true(is_there("out.20230118T000000Z") && is_there("out.20230118T000000Z.zst"));
    assert_int_equal(tidy(2, true), 0);
    assert_int_equal(files(), STRANGERS + 3 + 2);
    assert_true(is_there("out.20230119T000000Z.zst") && is_there("out.20230120T000000Z.zst"));
    for (unsigned i = 0; i < STRANGERS; i++) {
        assert_true(is_there(strangers[i]));
    }
}

/* The clock was wrong for a while: what it wrote is older than what it writes now, and goes first. */
static void future(void **state) {
    (void)state;
    make("out.20360101T000000Z", "");
    make("out.20360101T000000Z-1", "");
    make("out.20230101T000000Z", "");
    make("out." STAMP, "");
    assert_int_equal(tidy(3, false), 0);
    assert_false(is_there("out.20360101T000000Z"));
    assert_int_equal(tidy(1, false), 0);
    assert_int_equal(files(), 1);
    assert_true(is_there("out." STAMP));
}

/* More than ROTATED_MAX, in small: some at a time, and the right ones in the end. */
static void many(void **state) {
    (void)state;
    char name[64], about[NAME_MAX + 1];
    for (unsigned i = 0; i < 900; i++) {
        snprintf(name, sizeof name, "out." STAMP "-%u", i + 1);
        make(name, "");
    }
    assert_int_equal(tidy_at_most(5, false, 50, about), 0);
    assert_int_equal(files(), 5);
    for (unsigned i = 896; i <= 900; i++) {
        snprintf(name, sizeof name, "out." STAMP "-%u", i);
        assert_true(is_there(name));
    }
}

static void compresses(void **state) {
    (void)state;
    struct stat before, after;
    make("out", "{}\n");
    make("out.20230101T000000Z", "{\"a\":1}\n");
    make("out.20230102T000000Z", "");
    make("out.20230103T000000Z.zst.tmp", "half"); /* what it was made from is gone */
    make("out.20230104T000000Z", "{\"b\":2}\n");  /* killed while it was compressed */
    make("out.20230104T000000Z.zst.tmp", "half");
    make("out.20230105T000000Z", "{\"c\":3}\n"); /* killed before the one it was made from was removed */
    make("out.20230105T000000Z.zst", "whole");
    assert_int_equal(linkat(folder, "out", folder, "out.20230106T000000Z", 0), 0); /* is still written */
    assert_int_equal(fstatat(folder, "out.20230101T000000Z", &before, 0), 0);
    assert_int_equal(tidy(0, true), 0);
    assert_int_equal(files(), 6);
    expect_compressed("out.20230101T000000Z.zst", "{\"a\":1}\n");
    expect_compressed("out.20230102T000000Z.zst", "");
    expect_compressed("out.20230104T000000Z.zst", "{\"b\":2}\n");
    expect_compressed("out.20230105T000000Z.zst", "{\"c\":3}\n");
    assert_true(is_there("out.20230106T000000Z"));
    assert_int_equal(fstatat(folder, "out.20230101T000000Z.zst", &after, 0), 0);
    assert_int_equal(after.st_mode, before.st_mode);
    assert_int_equal(after.st_mtim.tv_sec, before.st_mtim.tv_sec);
    assert_int_equal(after.st_mtim.tv_nsec, before.st_mtim.tv_nsec);
    make("out.20230107T000000Z.zst.tmp", "half");
    make("out.20230107T000000Z", "x");
    assert_int_equal(tidy(0, false), 0); /* is not compressed any more: the half is nobody's */
    assert_false(is_there("out.20230107T000000Z.zst.tmp"));
    assert_true(is_there("out.20230107T000000Z"));
}

/* One that another process compresses is its; one that cannot be is told, and does not keep the others from it. */
static void cannot(void **state) {
    (void)state;
    char about[NAME_MAX + 1] = "";
    atomic_bool stop = true;
    struct rlimit before, small;
    static char large[3000];
    for (size_t i = 0; i < sizeof large - 1; i++) {
        large[i] = (char)('!' + i * i % 89 * (i % 7) % 90);
    }
    make("out.20230101T000000Z", "locked");
    make("out.20230102T000000Z", large);
    make("out.20230103T000000Z", "small");
    int fd = openat(folder, "out.20230101T000000Z", O_RDONLY);
    assert_int_equal(flock(fd, LOCK_EX), 0);
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
    small = before;
    small.rlim_cur = 100; /* for a full disk */
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
    assert_int_equal(tidy_at_most(0, true, ROTATED_MAX, about), -EFBIG);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
    assert_string_equal(about, "out.20230102T000000Z");
    assert_int_equal(files(), 3);
    expect_compressed("out.20230103T000000Z.zst", "small");
    close(fd);
    const struct rotated_settings settings = {.name = "out", .compress = true, .most = ROTATED_MAX};
    int error;
    struct rotated_list *l = rotated_list_new(folder, &settings, (struct rotated_busy){0}, NOW, &error);
    assert_int_equal(rotated_tidy(l, &stop, about), -ECANCELED);
    rotated_list_free(l);
    assert_int_equal(files(), 3);
    assert_int_equal(tidy(0, true), 0);
    assert_int_equal(files(), 3);
    expect_compressed("out.20230101T000000Z.zst", "locked");
    expect_compressed("out.20230102T000000Z.zst", large);
}

static void no_folder(void **state) {
    (void)state;
    int error, none = open("/dev/null", O_RDONLY);
    const struct rotated_settings settings = {.name = "out", .most = ROTATED_MAX};
    assert_null(rotated_list_new(none, &settings, (struct rotated_busy){0}, NOW, &error));
    assert_int_equal(error, -ENOTDIR);
    close(none);
    rotated_list_free(NULL);
}

#define IN_A_FOLDER(test) cmocka_unit_test_setup_teardown(test, make_folder, remove_folder)

int main(void) {
    signal(SIGXFSZ, SIG_IGN);
    const struct CMUnitTest tests[] = {
        IN_A_FOLDER(names),      IN_A_FOLDER(keeps),  IN_A_FOLDER(future),         IN_A_FOLDER(many),
        IN_A_FOLDER(compresses), IN_A_FOLDER(cannot), cmocka_unit_test(no_folder),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
