/* Records in a file: each whole, once and in order, whatever the file is, and whatever is done to it meanwhile. */
#include "../../src/delivery/file_writer.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>
#include <zstd.h>

#include "record.h"

#define S UINT64_C(1000000000)
#define NOW (UINT64_C(1700000000) * S) /* 2023-11-14T22:13:20Z */
#define HOUR (3600 * S)
#define STAMP "20231114T221320Z"

static char folder[64], why[TRANSPORT_WHY_SIZE];

static int make_folder(void **state) {
    (void)state;
    strcpy(folder, "/tmp/test_file_writer.XXXXXX");
    return mkdtemp(folder) && chdir(folder) == 0 ? 0 : -1;
}

static int remove_folder(void **state) {
    (void)state;
    char command[128];
    snprintf(command, sizeof command, "rm -rf %s", folder);
    return chdir("/") != 0 || system(command);
}

static struct output_settings settings_of(const char *path) {
    return (struct output_settings){.name = "test", .url = path, .kind = OUTPUT_FILE, .path = path};
}

static struct file_writer *writer(const struct output_settings *s) {
    struct file_writer *w = NULL;
    why[0] = '\0';
    if (file_writer_new(&w, s, NOW, why) != 0) {
        fail_msg("%s", why);
    }
    return w;
}

static int put(struct file_writer *w, unsigned number) {
    char text[128];
    int n = snprintf(text, sizeof text, "{\"seq\":%u,\"pad\":\"%0*u\"}", number, 20 + (int)(number % 70), number);
    struct line line = {.text = text, .length = (uint16_t)n, .seq = number};
    return file_writer_put(w, &line);
}

static void put_text(struct file_writer *w, const char *text) {
    struct line line = {.text = text, .length = (uint16_t)strlen(text)};
    assert_int_equal(file_writer_put(w, &line), 0);
}

static struct file_writer_figures figures(struct file_writer *w) {
    struct file_writer_figures f;
    file_writer_figures(w, &f);
    return f;
}

static size_t slurp(const char *path, char *to, size_t size) {
    int fd = open(path, O_RDONLY);
    assert_true(fd >= 0);
    ssize_t n = read(fd, to, size - 1);
    close(fd);
    assert_true(n >= 0);
    to[n] = '\0';
    return (size_t)n;
}

static void holds(const char *path, const char *expected) {
    static char text[1 << 16];
    slurp(path, text, sizeof text);
    assert_string_equal(text, expected);
}

/* Only whole records, in order, each once: their number. */
static unsigned count_records(const char *text, unsigned first) {
    unsigned number = first;
    char expected[128];
    while (*text != '\0') {
        int n = snprintf(expected, sizeof expected, "{\"seq\":%u,\"pad\":\"%0*u\"}\n", number, 20 + (int)(number % 70),
                         number);
        assert_memory_equal(text, expected, (size_t)n);
        text += n;
        number++;
    }
    return number - first;
}

static bool is_there(const char *path) {
    struct stat st;
    return lstat(path, &st) == 0;
}

static unsigned files(void) {
    unsigned n = 0;
    DIR *all = opendir(".");
    while (readdir(all)) {
        n++;
    }
    closedir(all);
    return n - 2;
}

static void wait_until_tidy(struct file_writer *w) {
    for (unsigned i = 0; i < 2000 && figures(w).tidying; i++) {
        usleep(5000);
    }
    assert_false(figures(w).tidying);
}

static rlim_t limit_files(rlim_t bytes) {
    struct rlimit limit;
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &limit), 0);
    rlim_t before = limit.rlim_cur;
    limit.rlim_cur = bytes;
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
    return before;
}

/* ---- without rotation */

static void appends(void **state) {
    (void)state;
    struct stat st;
    struct output_settings s = settings_of("out");
    mode_t before = umask(027);
    struct file_writer *w = writer(&s);
    umask(before);
    put_text(w, "{}");
    holds("out", ""); /* one write for a batch */
    assert_int_equal(figures(w).waiting, 1);
    put_text(w, "[1]");
    assert_int_equal(file_writer_flush(w, NOW), 0);
    holds("out", "{}\n[1]\n");
    assert_int_equal(figures(w).records, 2);
    assert_int_equal(figures(w).bytes, 7);
    assert_int_equal(figures(w).waiting, 0);
    assert_int_equal(file_writer_poll(w), -1);
    put_text(w, "[2]");
    assert_int_equal(file_writer_close(w), 0);
    holds("out", "{}\n[1]\n[2]\n");
    assert_int_equal(stat("out", &st), 0);
    assert_int_equal(st.st_mode & 0777, 0640);
    w = writer(&s);
    put_text(w, "[3]");
    assert_int_equal(file_writer_close(w), 0);
    holds("out", "{}\n[1]\n[2]\n[3]\n");
    assert_int_equal(file_writer_close(NULL), 0);
}

/* A batch is written once the next record does not fit. */
static void batches(void **state) {
    (void)state;
    static char text[RECORD_MAX], all[FILE_WRITER_BATCH + 1];
    memset(text, 'x', sizeof text);
    struct line line = {.text = text, .length = RECORD_MAX};
    struct output_settings s = settings_of("out");
    struct file_writer *w = writer(&s);
    unsigned fit = FILE_WRITER_BATCH / (RECORD_MAX + 1);
    for (unsigned i = 0; i < fit; i++) {
        assert_int_equal(file_writer_put(w, &line), 0);
    }
    assert_int_equal(slurp("out", all, sizeof all), 0);
    assert_int_equal(file_writer_put(w, &line), 0);
    assert_int_equal(slurp("out", all, sizeof all), fit * (RECORD_MAX + 1));
    assert_int_equal(figures(w).waiting, 1);
    assert_int_equal(file_writer_close(w), 0);
}

static void cut_line(void **state) {
    (void)state;
    struct output_settings s = settings_of("out");
    int fd = open("out", O_WRONLY | O_CREAT, 0600);
    assert_int_equal(write(fd, "{\"a\":1}\n{\"b\"", 12), 12);
    close(fd);
    struct file_writer *w = writer(&s);
    put_text(w, "{}");
    assert_int_equal(file_writer_close(w), 0);
    holds("out", "{\"a\":1}\n{\"b\"\n{}\n");
}

static int refusal(const char *path, const struct rotation_settings *r) {
    struct output_settings s = settings_of(path);
    struct file_writer *w = NULL;
    s.rotation = r ? *r : s.rotation;
    why[0] = '\0';
    int error = file_writer_new(&w, &s, NOW, why);
    assert_null(w);
    return error;
}

static void refused(void **state) {
    (void)state;
    const struct rotation_settings r = {.bytes = 1000};
    char name[NAME_MAX + 1] = "", expected[TRANSPORT_WHY_SIZE];
    assert_int_equal(refusal("no/out", NULL), -ENOENT);
    assert_string_equal(why, "no/out: the folder does not exist; create it first");
    assert_int_equal(refusal(".", NULL), -EISDIR);
    assert_string_equal(why, ".: is a folder; name a file in it with -o");
    struct sockaddr_un a = {.sun_family = AF_UNIX, .sun_path = "socket"};
    int listener = socket(AF_UNIX, SOCK_STREAM, 0);
    assert_int_equal(bind(listener, (const struct sockaddr *)&a, sizeof a), 0);
    assert_int_equal(refusal("socket", NULL), -EINVAL);
    assert_string_equal(why, "socket: is a socket; name a file or a FIFO");
    close(listener);
    assert_int_equal(refusal("/dev/null", &r), -EINVAL);
    assert_string_equal(why, "/dev/null: is a device, which cannot be rotated; name a file, or set no rotation");
    assert_int_equal(mkfifo("fifo", 0600), 0);
    assert_int_equal(refusal("fifo", &r), -EINVAL);
    assert_string_equal(why, "fifo: is a FIFO, which cannot be rotated; name a file, or set no rotation");
    memset(name, 'n', 227); /* ROTATED_NAME_MAX and one */
    assert_int_equal(refusal(name, &r), -ENAMETOOLONG);
    snprintf(expected, sizeof expected,
             "%s: its name has 227 bytes, and 226 at most can be rotated; choose a shorter one", name);
    assert_string_equal(why, expected);
}

/* A line that found no room half way goes on where it stopped. */
static void full_disk(void **state) {
    (void)state;
    static char got[1 << 20];
    struct output_settings s = settings_of("out");
    struct file_writer *w = writer(&s);
    unsigned count = 0;
    rlim_t before = limit_files(5000);
    while (put(w, count) == 0) { /* what is kept has its limit, FILE_WRITER_BATCH twice */
        count++;
    }
    assert_int_equal(file_writer_flush(w, NOW), -EFBIG);
    assert_int_equal(file_writer_poll(w), -1);
    assert_int_equal(put(w, count), -EAGAIN);
    struct file_writer_figures f = figures(w);
    assert_int_equal(f.trouble, -EFBIG);
    assert_int_equal(f.bytes, 5000);
    assert_int_equal(f.records + f.waiting, count);
    size_t n = slurp("out", got, sizeof got);
    assert_true(got[n - 1] != '\n'); /* in the middle of one */
    assert_true(f.waiting > 4000);
    *strrchr(got, '\n') = '\0';
    for (unsigned i = 0; got[i] != '\0'; i++) {
        f.records -= got[i] == '\n';
    }
    assert_int_equal(f.records, 1);
    limit_files(6000);
    assert_int_equal(file_writer_flush(w, NOW), -EFBIG);
    limit_files(before);
    assert_int_equal(put(w, count++), 0);
    assert_int_equal(file_writer_flush(w, NOW), 0);
    assert_int_equal(figures(w).records, count);
    assert_int_equal(file_writer_close(w), 0);
    slurp("out", got, sizeof got);
    assert_int_equal(count_records(got, 0), count);
}

/* A disk that is really full, where a test may mount one. */
static void no_space(void **state) {
    (void)state;
    static char got[1 << 20];
    assert_int_equal(mkdir("disk", 0700), 0);
    if (mount("none", "disk", "tmpfs", 0, "size=64k") != 0) {
        skip();
    }
    struct output_settings s = settings_of("disk/out");
    s.rotation = (struct rotation_settings){.bytes = 20000, .keep = 1};
    struct file_writer *w = writer(&s);
    int fd = open("disk/other", O_WRONLY | O_CREAT, 0600);
    static char block[32768];
    assert_int_equal(write(fd, block, sizeof block), sizeof block);
    unsigned count = 0;
    while (put(w, count) == 0) {
        count++;
        wait_until_tidy(w);
    }
    bool full = file_writer_flush(w, NOW) == -ENOSPC;
    unlink("disk/other");
    close(fd);
    bool goes_on = file_writer_flush(w, NOW) == 0;
    uint64_t written = figures(w).records, rotations = figures(w).rotations;
    int error = file_writer_close(w);
    slurp("disk/out", got, sizeof got);
    umount2("disk", MNT_DETACH);
    assert_true(full);
    assert_true(goes_on);
    assert_int_equal(error, 0);
    assert_int_equal(written, count);
    assert_true(rotations > 0);
    unsigned first = (unsigned)strtoul(got + 7, NULL, 10);
    assert_int_equal(first + count_records(got, first), count);
}

/* Another file from the middle of a line on: there it is whole. */
static void reopen_in_a_line(void **state) {
    (void)state;
    static char first[1 << 16], second[1 << 16];
    struct output_settings s = settings_of("out");
    struct file_writer *w = writer(&s);
    rlim_t before = limit_files(5000);
    for (unsigned i = 0; i < 200; i++) {
        assert_int_equal(put(w, i), 0);
    }
    assert_int_equal(file_writer_flush(w, NOW), -EFBIG);
    limit_files(before);
    assert_int_equal(rename("out", "moved"), 0);
    assert_int_equal(symlink("nowhere/out", "out"), 0);
    file_writer_reopen(w, NOW); /* there is no such folder */
    assert_int_equal(figures(w).records, 200);
    slurp("moved", first, sizeof first);
    assert_int_equal(count_records(first, 0), 200);
    before = limit_files((rlim_t)strlen(first) + 30);
    assert_int_equal(put(w, 200), 0);
    assert_int_equal(file_writer_flush(w, NOW), -EFBIG);
    assert_int_equal(unlink("out"), 0);
    file_writer_reopen(w, NOW);
    assert_int_equal(figures(w).records, 201);
    limit_files(before);
    assert_int_equal(file_writer_close(w), 0);
    slurp("moved", second, sizeof second);
    assert_int_equal(strlen(second), strlen(first) + 30);
    slurp("out", second, sizeof second);
    assert_int_equal(count_records(second, 200), 1);
}

/* A reader that comes late, is slow, and goes away; what it did not read comes when there is another. */
static void fifo(void **state) {
    (void)state;
    static char got[4 << 20];
    struct output_settings s = settings_of("fifo");
    assert_int_equal(mkfifo("fifo", 0600), 0);
    struct file_writer *w = writer(&s);
    unsigned count = 0;
    put(w, count++);
    assert_int_equal(file_writer_flush(w, NOW), -ENXIO);
    file_writer_tick(w, NOW);
    assert_int_equal(file_writer_flush(w, NOW), -ENXIO);
    int reader = open("fifo", O_RDONLY | O_NONBLOCK);
    file_writer_tick(w, NOW + S);
    assert_int_equal(file_writer_flush(w, NOW + S), 0);
    while (put(w, count) == 0) {
        count++;
    }
    assert_int_equal(file_writer_flush(w, NOW), -EAGAIN);
    assert_true(file_writer_poll(w) >= 0);
    assert_true(figures(w).waiting > 0 && figures(w).records > 0);
    size_t n = 0;
    while (figures(w).waiting > 0) {
        ssize_t part = read(reader, got + n, 5000);
        n += part > 0 ? (size_t)part : 0;
        (void)!file_writer_flush(w, NOW);
    }
    for (ssize_t part; (part = read(reader, got + n, 5000)) > 0;) {
        n += (size_t)part;
    }
    assert_int_equal(file_writer_poll(w), -1);
    got[n] = '\0';
    assert_int_equal(count_records(got, 0), count);
    close(reader);
    put(w, 7);
    assert_int_equal(file_writer_flush(w, NOW), -EPIPE);
    assert_int_equal(figures(w).waiting, 1);
    reader = open("fifo", O_RDONLY | O_NONBLOCK);
    assert_int_equal(file_writer_flush(w, NOW), 0);
    n = (size_t)read(reader, got, sizeof got);
    got[n] = '\0';
    assert_int_equal(count_records(got, 7), 1);
    assert_int_equal(file_writer_close(w), 0);
    close(reader);
    w = writer(&s);
    put(w, 0);
    assert_int_equal(file_writer_close(w), -ENXIO); /* lost, and said so */
}

static void device(void **state) {
    (void)state;
    struct output_settings s = settings_of("/dev/full");
    struct file_writer *w = writer(&s);
    put(w, 0);
    assert_int_equal(file_writer_flush(w, NOW), -ENOSPC);
    assert_int_equal(file_writer_close(w), -ENOSPC);
    s.path = "/dev/null";
    w = writer(&s);
    put(w, 0);
    assert_int_equal(file_writer_close(w), 0);
}

/* ---- rotation */

static void by_size(void **state) {
    (void)state;
    struct output_settings s = settings_of("out");
    s.rotation.bytes = 12;
    struct file_writer *w = writer(&s);
    put_text(w, "12345");
    put_text(w, "78901"); /* as large as it may be */
    assert_int_equal(file_writer_flush(w, NOW), 0);
    assert_int_equal(files(), 1);
    put_text(w, "1"); /* not without this one */
    holds("out." STAMP, "12345\n78901\n");
    put_text(w, "3456789012"); /* 13 with it */
    put_text(w, "longer than one may be");
    put_text(w, "2");
    assert_int_equal(figures(w).rotations, 4);
    assert_int_equal(file_writer_close(w), 0);
    holds("out." STAMP "-1", "1\n");
    holds("out." STAMP "-2", "3456789012\n");
    holds("out." STAMP "-3", "longer than one may be\n");
    holds("out", "2\n");
    assert_int_equal(files(), 5);
    w = writer(&s); /* what is there counts */
    put_text(w, "123456789");
    assert_int_equal(figures(w).rotations, 0);
    put_text(w, "");
    assert_int_equal(figures(w).rotations, 1);
    assert_int_equal(file_writer_close(w), 0);
    holds("out." STAMP "-4", "2\n123456789\n");
}

/* No record is lost or doubled over many rotations. */
static void all_records(void **state) {
    (void)state;
    static char all[1 << 20], name[64];
    struct output_settings s = settings_of("out");
    s.rotation = (struct rotation_settings){.bytes = 1000};
    struct file_writer *w = writer(&s);
    for (unsigned i = 0; i < 3000; i++) {
        assert_int_equal(put(w, i), 0);
        if (i % 7 == 0) {
            assert_int_equal(file_writer_flush(w, NOW), 0);
        }
    }
    uint64_t rotations = figures(w).rotations;
    assert_int_equal(file_writer_close(w), 0);
    assert_int_equal(files(), rotations + 1);
    size_t n = slurp("out." STAMP, all, sizeof all);
    for (unsigned i = 1; i < rotations; i++) {
        snprintf(name, sizeof name, "out." STAMP "-%u", i);
        size_t part = slurp(name, all + n, sizeof all - n);
        assert_in_range(part, 850, 1000);
        n += part;
    }
    slurp("out", all + n, sizeof all - n);
    assert_int_equal(count_records(all, 0), 3000);
}

static void set_age(const char *path, uint64_t time) {
    const struct timespec times[2] = {{.tv_sec = (time_t)(time / S)}, {.tv_sec = (time_t)(time / S)}};
    assert_int_equal(utimensat(AT_FDCWD, path, times, 0), 0);
}

static void by_time(void **state) {
    (void)state;
    const uint64_t eleven = NOW - NOW % HOUR + HOUR; /* 23:00 */
    struct output_settings s = settings_of("out");
    s.rotation.interval_ns = HOUR;
    struct file_writer *w = writer(&s);
    file_writer_tick(w, eleven - 1);
    put_text(w, "1");
    file_writer_tick(w, eleven - 1);
    assert_int_equal(files(), 1);
    file_writer_tick(w, eleven);
    holds("out.20231114T230000Z", "1\n");
    holds("out", "");
    file_writer_tick(w, eleven + 2 * HOUR + S); /* nothing in it: it stays */
    assert_int_equal(files(), 2);
    put_text(w, "2");
    file_writer_tick(w, eleven + 3 * HOUR - 1);
    assert_int_equal(files(), 2);
    file_writer_tick(w, eleven - HOUR); /* the clock is set back: it counts from there */
    put_text(w, "3");
    file_writer_tick(w, eleven - 1);
    assert_int_equal(files(), 2);
    file_writer_tick(w, eleven);
    holds("out.20231114T230000Z-1", "2\n3\n");
    put_text(w, "4");
    assert_int_equal(file_writer_close(w), 0);
    set_age("out", NOW - HOUR); /* of an earlier run */
    w = writer(&s);
    put_text(w, "5");
    file_writer_tick(w, NOW);
    assert_int_equal(file_writer_close(w), 0);
    holds("out." STAMP, "4\n5\n");
    holds("out", "");
}

/* Parts of a day begin anew each midnight; days are counted from 1970. */
static void periods(void **state) {
    (void)state;
    const uint64_t midnight = NOW - NOW % (24 * HOUR);
    struct output_settings s = settings_of("out");
    s.rotation.interval_ns = 7 * HOUR;
    struct file_writer *w = writer(&s);
    static const unsigned hours[] = {6, 7, 14, 20, 21, 23, 24, 30, 31};
    uint64_t before = 0;
    for (unsigned i = 0; i < sizeof hours / sizeof hours[0]; i++) {
        file_writer_tick(w, midnight + hours[i] * HOUR);
        bool due = i > 0 && hours[i] % 24 % 7 == 0;
        assert_int_equal(figures(w).rotations - before, due);
        before = figures(w).rotations;
        put_text(w, "x");
    }
    assert_int_equal(file_writer_close(w), 0);
    s.rotation.interval_ns = 7 * 24 * HOUR;
    s.path = "weekly";
    w = writer(&s);
    before = 0;
    for (unsigned day = 0; day < 21; day++) {
        file_writer_tick(w, midnight + day * 24 * HOUR);
        bool due = day > 0 && (midnight / (24 * HOUR) + day) % 7 == 0;
        assert_int_equal(figures(w).rotations - before, due);
        before = figures(w).rotations;
        put_text(w, "x");
    }
    assert_int_equal(file_writer_close(w), 0);
}

/* The path is a link: the file it leads to is rotated where it is. HUP meanwhile changes nothing. */
static void link_to_a_file(void **state) {
    (void)state;
    struct output_settings s = settings_of("link");
    s.rotation.bytes = 5;
    assert_int_equal(mkdir("there", 0700), 0);
    assert_int_equal(symlink("there/out", "link"), 0);
    struct file_writer *w = writer(&s);
    put_text(w, "1234");
    file_writer_reopen(w, NOW);
    put_text(w, "5");
    assert_int_equal(file_writer_flush(w, NOW), 0);
    holds("there/out." STAMP, "1234\n");
    holds("link", "5\n");
    assert_int_equal(unlink("link"), 0); /* and elsewhere from now on */
    file_writer_reopen(w, NOW);
    put_text(w, "6789");
    put_text(w, "0");
    assert_int_equal(file_writer_close(w), 0);
    holds("link." STAMP, "6789\n");
    holds("there/out", "5\n");
}

/* Somebody renamed the file, and did not say so: it is not done twice. */
static void renamed(void **state) {
    (void)state;
    struct output_settings s = settings_of("out");
    s.rotation.bytes = 5;
    struct file_writer *w = writer(&s);
    put_text(w, "1234");
    assert_int_equal(file_writer_flush(w, NOW), 0);
    assert_int_equal(rename("out", "mine"), 0);
    int fd = open("out", O_WRONLY | O_CREAT, 0600);
    assert_int_equal(write(fd, "x\n", 2), 2);
    close(fd);
    put_text(w, "5");
    assert_int_equal(file_writer_close(w), 0);
    holds("mine", "1234\n");
    holds("out", "x\n5\n");
    assert_int_equal(files(), 2);
}

/* A file that may grow no further is rotated by a rotation by time as well: the line that was cut there begins anew. */
static void too_large(void **state) {
    (void)state;
    static char got[1 << 16];
    struct output_settings s = settings_of("out");
    s.rotation.interval_ns = 24 * HOUR;
    struct file_writer *w = writer(&s);
    rlim_t before = limit_files(5000);
    for (unsigned i = 0; i < 100; i++) {
        assert_int_equal(put(w, i), 0);
    }
    assert_int_equal(file_writer_flush(w, NOW), -EFBIG);
    file_writer_tick(w, NOW);
    assert_int_equal(file_writer_flush(w, NOW), 0);
    limit_files(before);
    assert_int_equal(figures(w).records, 100);
    assert_int_equal(file_writer_close(w), 0);
    assert_int_equal(slurp("out." STAMP, got, sizeof got), 5000);
    *(strrchr(got, '\n') + 1) = '\0';
    unsigned first = count_records(got, 0);
    slurp("out", got, sizeof got);
    assert_int_equal(first + count_records(got, first), 100);
}

/* In a process of its own that is not root: no new file may be made in the folder. */
static void without_rights(void **state) {
    (void)state;
    assert_int_equal(mkdir("theirs", 0700), 0);
    assert_int_equal(close(open("theirs/out", O_WRONLY | O_CREAT, 0600)), 0);
    if (getuid() == 0) {
        assert_int_equal(
            chown(folder, 65534, 65534) | chown("theirs", 65534, 65534) | chown("theirs/out", 65534, 65534), 0);
    }
    pid_t child = fork();
    if (child == 0) {
        struct output_settings s = settings_of("theirs/out");
        struct file_writer *w;
        s.rotation = (struct rotation_settings){.bytes = 5, .keep = 2};
        bool ok = (getuid() != 0 || setresuid(65534, 65534, 65534) == 0) && file_writer_new(&w, &s, NOW, why) == 0 &&
                  chmod("theirs", 0500) == 0;
        unsigned done = 0;
        for (unsigned i = 0; ok && i < 20; i++) {
            struct line line = {.text = "1234", .length = 4};
            done += file_writer_put(w, &line) == 0 && file_writer_flush(w, NOW + i * S) == 0;
        }
        ok = ok && done == 20 && figures(w).rotations == 0 && chmod("theirs", 0700) == 0;
        if (ok) {
            put_text(w, "1234"); /* 10 s after the last time */
            ok = figures(w).rotations == 0 && file_writer_flush(w, NOW + 25 * S) == 0;
            put_text(w, "1234");
            ok = ok && figures(w).rotations == 1 && file_writer_close(w) == 0;
        }
        _exit(ok ? 0 : 1);
    }
    int status;
    struct stat st;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
    assert_int_equal(stat("theirs/out", &st), 0);
    assert_int_equal(st.st_size, 5);
    assert_int_equal(stat("theirs/out.20231114T221345Z", &st), 0);
    assert_int_equal(st.st_size, 21 * 5);
}

/* The oldest are removed, the others compressed, also those that an earlier run left; strangers stay. */
static void tidies(void **state) {
    (void)state;
    static char packed[1 << 16], got[1 << 20];
    struct output_settings s = settings_of("out");
    s.rotation = (struct rotation_settings){.bytes = 20000, .keep = 3, .compress = true};
    static const char *const left[] = {"out.20200101T000000Z",
                                       "out.20200102T000000Z.zst",
                                       "out.20200103T000000Z",
                                       "out.20200103T000000Z.zst.tmp",
                                       "out.20200104T000000Z",
                                       "out.old",
                                       "out.1"};
    for (unsigned i = 0; i < sizeof left / sizeof left[0]; i++) {
        assert_int_equal(close(open(left[i], O_WRONLY | O_CREAT, 0600)), 0);
    }
    struct file_writer *w = writer(&s);
    wait_until_tidy(w);
    assert_int_equal(files(), 6);
    assert_true(is_there("out.20200102T000000Z.zst") && is_there("out.20200103T000000Z.zst"));
    for (unsigned i = 0; i < 2000; i++) {
        assert_int_equal(put(w, i), 0);
    }
    uint64_t rotations = figures(w).rotations;
    assert_true(rotations > 3);
    wait_until_tidy(w);
    file_writer_tick(w, NOW + S);
    assert_int_equal(file_writer_close(w), 0);
    assert_int_equal(files(), 6);
    size_t n = 0;
    for (uint64_t i = rotations - 3; i < rotations; i++) {
        char name[64];
        snprintf(name, sizeof name, "out." STAMP "-%u.zst", (unsigned)i);
        size_t size = slurp(name, packed, sizeof packed);
        size = ZSTD_decompress(got + n, sizeof got - n, packed, size);
        assert_in_range(size, 19900, 20000);
        n += size;
    }
    slurp("out", got + n, sizeof got - n);
    unsigned first = (unsigned)strtoul(got + 7, NULL, 10);
    assert_int_equal(first + count_records(got, first), 2000);
}

/* However soon it is closed, no more are kept than should be. */
static void closed_at_once(void **state) {
    (void)state;
    struct output_settings s = settings_of("out");
    s.rotation = (struct rotation_settings){.bytes = 1000, .keep = 4, .compress = true};
    struct file_writer *w = writer(&s);
    for (unsigned i = 0; i < 2000; i++) {
        assert_int_equal(put(w, i), 0);
    }
    assert_true(figures(w).rotations > 100);
    assert_int_equal(file_writer_close(w), 0);
    assert_int_equal(files(), 5);
}

/* A disk that has no room to compress: it is said once, records go on. */
static void cannot_tidy(void **state) {
    (void)state;
    struct output_settings s = settings_of("out");
    s.rotation = (struct rotation_settings){.bytes = 100, .compress = true};
    struct file_writer *w = writer(&s);
    wait_until_tidy(w);
    rlim_t before = limit_files(95);
    for (unsigned i = 0; i < 4; i++) {
        static const char text[] = "zP0#q!7Lw@e9R%t2Y^u5I&o8A*s1D(f4G)h6J_k3M+n-B=v{C}x[Z]|;:<>,.?/"
                                   "`~QTEUOAGJLXCVBNWSrypadgkl"; /* 90 bytes: it grows when compressed */
        put_text(w, text);
    }
    wait_until_tidy(w);
    file_writer_tick(w, NOW);
    limit_files(before);
    assert_true(is_there("out." STAMP) && !is_there("out." STAMP ".zst") && !is_there("out." STAMP ".zst.tmp"));
    assert_int_equal(figures(w).records, 4);
    assert_int_equal(file_writer_close(w), 0);
    w = writer(&s);
    wait_until_tidy(w);
    assert_int_equal(file_writer_close(w), 0);
    assert_true(is_there("out." STAMP "-2.zst") && !is_there("out." STAMP "-2"));
}

/* ---- killed */

enum { KILLS = 20, KILLED_FILE = 5000 };

/* Writes on from the record that *written says, and counts there those that are in the file. */
static void write_until_killed(_Atomic unsigned *written) {
    struct output_settings s = settings_of("out");
    s.rotation = (struct rotation_settings){.bytes = KILLED_FILE, .compress = true};
    struct file_writer *w = writer(&s);
    for (unsigned i = atomic_load(written);; i++) {
        if (put(w, i) != 0 || file_writer_flush(w, NOW + i * S) != 0) {
            _exit(1);
        }
        atomic_store(written, i + 1);
        usleep(20);
    }
}

static size_t read_rotated(const char *name, char *to, size_t size) {
    static char packed[KILLED_FILE * 2];
    size_t n = slurp(name, packed, sizeof packed);
    if (strcmp(name + strlen(name) - 4, ".zst") == 0) {
        n = ZSTD_decompress(to, size, packed, n);
    } else {
        memcpy(to, packed, n);
    }
    assert_in_range(n, 1, KILLED_FILE);
    return n;
}

/* How often each record is there whole. */
static void count_each(const char *text, size_t n, uint8_t *times, unsigned most) {
    for (const char *line = text, *end; (end = memchr(line, '\n', n - (size_t)(line - text))) != NULL; line = end + 1) {
        unsigned number, pad;
        char expected[128];
        if (sscanf(line, "{\"seq\":%u,\"pad\":\"%u\"}", &number, &pad) == 2 && number == pad && number < most) {
            int length = snprintf(expected, sizeof expected, "{\"seq\":%u,\"pad\":\"%0*u\"}", number,
                                  20 + (int)(number % 70), number);
            times[number] =
                (uint8_t)(times[number] + (end - line == length && memcmp(line, expected, (size_t)length) == 0));
        }
    }
}

/* Wherever it is killed, also between the steps of a rotation and of compressing: nothing that was written is gone, and twice is but what was on its
 * way. */
static void killed(void **state) {
    (void)state;
    static char all[4 << 20];
    static uint8_t times[1 << 16];
    _Atomic unsigned *written = mmap(NULL, sizeof *written, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    for (unsigned i = 0; i < KILLS; i++) {
        unsigned before = atomic_load(written);
        pid_t child = fork();
        if (child == 0) {
            write_until_killed(written);
        }
        while (atomic_load(written) < before + 100) {
            usleep(100);
        }
        usleep(i * 997 % 5000);
        kill(child, SIGKILL);
        int status;
        assert_int_equal(waitpid(child, &status, 0), child);
        assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
    }
    struct output_settings s = settings_of("out");
    s.rotation = (struct rotation_settings){.bytes = KILLED_FILE, .compress = true};
    struct file_writer *w = writer(&s);
    wait_until_tidy(w);
    assert_int_equal(file_writer_close(w), 0);
    size_t n = 0;
    unsigned rotated = 0, count = atomic_load(written), twice = 0;
    DIR *folder_now = opendir(".");
    for (const struct dirent *d; (d = readdir(folder_now)) != NULL;) {
        if (strncmp(d->d_name, "out.", 4) == 0) {
            assert_string_equal(d->d_name + strlen(d->d_name) - 4, ".zst"); /* nothing is left half done */
            n += read_rotated(d->d_name, all + n, sizeof all - n);
            rotated++;
        }
    }
    closedir(folder_now);
    n += slurp("out", all + n, sizeof all - n);
    count_each(all, n, times, sizeof times);
    for (unsigned i = 0; i < count; i++) {
        assert_in_range(times[i], 1, 2);
        twice += times[i] == 2;
    }
    assert_true(count >= KILLS * 100 && rotated > count / 100 && twice <= KILLS);
    munmap(written, sizeof *written);
}

#define IN_A_FOLDER(test) cmocka_unit_test_setup_teardown(test, make_folder, remove_folder)

int main(void) {
    signal(SIGPIPE, SIG_IGN);
    signal(SIGXFSZ, SIG_IGN);
    const struct CMUnitTest tests[] = {
        IN_A_FOLDER(appends),          IN_A_FOLDER(batches),        IN_A_FOLDER(cut_line),
        IN_A_FOLDER(refused),          IN_A_FOLDER(full_disk),      IN_A_FOLDER(no_space),
        IN_A_FOLDER(reopen_in_a_line), IN_A_FOLDER(fifo),           IN_A_FOLDER(device),
        IN_A_FOLDER(by_size),          IN_A_FOLDER(all_records),    IN_A_FOLDER(by_time),
        IN_A_FOLDER(periods),          IN_A_FOLDER(link_to_a_file), IN_A_FOLDER(renamed),
        IN_A_FOLDER(too_large),        IN_A_FOLDER(without_rights), IN_A_FOLDER(tidies),
        IN_A_FOLDER(closed_at_once),   IN_A_FOLDER(cannot_tidy),    IN_A_FOLDER(killed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
