#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "../../src/delivery/segment.h"
#include "event.h"
#include "operation.h"

enum { SIZE = 16384, RECORDS = 20, NUMBER = 3 };

static char folder[32];
static int dir = -1;

static int make_folder(void **state) {
    (void)state;
    const char *memory = access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp"; /* thousands of small files */
    snprintf(folder, sizeof folder, "%s/test_segment.XXXXXX", memory);
    dir = mkdtemp(folder) ? open(folder, O_RDONLY | O_DIRECTORY) : -1;
    return dir >= 0 ? 0 : -1;
}

static int clean(void **state) {
    (void)state;
    char name[SEGMENT_NAME_SIZE];
    for (unsigned i = 1; i < 10; i++) {
        segment_name(i, name);
        (void)(unlinkat(dir, name, 0) && unlinkat(dir, name, AT_REMOVEDIR));
    }
    return 0;
}

static int remove_folder(void **state) {
    (void)state;
    close(dir);
    return rmdir(folder);
}

static struct segment_start start_of(uint64_t serial) {
    return (struct segment_start){.serial = serial,
                                  .run_id = 77,
                                  .base = 1000 * serial,
                                  .before = 4,
                                  .floor = {.place = 5, .run_id = 77, .seq = 2}};
}

static size_t text_of(uint64_t seq, char to[200]) {
    return (size_t)snprintf(to, 200, "{\"number\":%llu,\"%.*s\"}", (unsigned long long)seq, (int)(seq % 13),
                            "abcdefghijklm");
}

static void append(struct segment *s, uint64_t seq) {
    char text[200];
    struct gap gap = {9, seq, seq + 3, 2, GAP_KILLED};
    struct line l = {.text = text,
                     .length = (uint16_t)text_of(seq, text),
                     .object = OBJECT_SENSOR,
                     .action = ACTION_GAP,
                     .operation = 2,
                     .severity = LINE_HIGH,
                     .seq = seq};
    l.gap = seq % 3 == 0 ? &gap : NULL;
    size_t used = s->used, cost = segment_cost(&l);
    segment_append(s, &l, l.gap, 1000 + seq);
    assert_int_equal(s->used, used + cost);
}

/* Whatever is found is as it was written. */
static void is_good(const struct stored *f) {
    char text[200];
    assert_int_equal(f->line.length, text_of(f->line.seq, text));
    assert_memory_equal(f->line.text, text, f->line.length);
    assert_int_equal(f->line.object, OBJECT_SENSOR);
    assert_int_equal(f->line.action, ACTION_GAP);
    assert_int_equal(f->line.operation, 2);
    assert_int_equal(f->line.severity, LINE_HIGH);
    assert_int_equal(f->put_ns, 1000 + f->line.seq);
    assert_int_equal(f->has_gap, f->line.seq % 3 == 0);
    if (f->has_gap) {
        assert_int_equal(f->gap.from, f->line.seq);
        assert_int_equal(f->gap.to, f->line.seq + 3);
        assert_int_equal(f->gap.reason, GAP_KILLED);
    }
}

/* How many are found, each good and behind the one before. */
static unsigned count_good(const struct segment *s) {
    struct stored f;
    uint64_t last = 0;
    unsigned n = 0;
    for (size_t at = SEGMENT_HEADER; segment_find(s, at, true, &f); at = f.end, n++) {
        is_good(&f);
        assert_true(f.line.seq > last);
        last = f.line.seq;
    }
    return n;
}

static struct segment *make(uint64_t serial, uint64_t from, uint64_t to) {
    struct segment *s = NULL;
    struct segment_start start = start_of(serial);
    assert_int_equal(segment_new_file(&s, dir, NUMBER, SIZE), 0);
    segment_begin(s, &start);
    for (uint64_t seq = from; seq <= to; seq++) {
        append(s, seq);
    }
    return s;
}

static void names(void **state) {
    (void)state;
    char name[SEGMENT_NAME_SIZE];
    segment_name(17, name);
    assert_string_equal(name, "segment-17");
    assert_int_equal(segment_number("segment-17"), 17);
    assert_int_equal(segment_number("segment-999999999"), 999999999);
    const char *none[] = {"",           "segment-",   "segment-0", "segment-01", "segment-1000000000",
                          "segment-1x", "segment-+1", "state"};
    for (size_t i = 0; i < sizeof none / sizeof none[0]; i++) {
        assert_int_equal(segment_number(none[i]), 0);
    }
}

static void another_process_finds_it(void **state) {
    (void)state;
    for (int sealed = 0; sealed < 2; sealed++) {
        struct segment *s = make(5, 6, 5 + RECORDS), *again;
        size_t used = s->used;
        if (sealed) {
            segment_seal(s);
        }
        segment_dispose(s);
        assert_int_equal(segment_open(&again, dir, NUMBER), 0);
        struct segment_start start = start_of(5);
        assert_memory_equal(&again->start, &start, sizeof start);
        assert_int_equal(again->used, used);
        assert_int_equal(again->last, 5 + RECORDS);
        assert_int_equal(again->records, RECORDS);
        assert_int_equal(again->before, 4);
        assert_int_equal(again->number, NUMBER);
        assert_int_equal(count_good(again), RECORDS);
        assert_int_equal(segment_offset(again, 0), SEGMENT_HEADER);
        assert_int_equal(segment_offset(again, segment_end(again) + 1), used);
        assert_int_equal(segment_offset(again, segment_place(again, 256)), 256);
        again->before = 5; /* sealed again with it */
        segment_seal(again);
        segment_dispose(again);
        assert_int_equal(segment_open(&again, dir, NUMBER), 0);
        assert_int_equal(again->before, 5);
        segment_remove(again, dir);
        assert_int_equal(segment_open(&again, dir, NUMBER), -ENOENT);
    }
}

/* A file that is used again: of its earlier use nothing is found, wherever the new records end. */
static void stale_frames(void **state) {
    (void)state;
    struct segment *s = make(5, 1, RECORDS), *again;
    for (uint64_t serial = 6; serial < 6 + RECORDS; serial++) {
        struct segment_start start = start_of(serial);
        segment_begin(s, &start);
        for (uint64_t i = 0; i < RECORDS + 5 - serial; i++) {
            append(s, 100 * serial + i);
        }
        uint64_t records = s->records, last = s->last;
        char *copy = malloc(SIZE);
        memcpy(copy, s->bytes, SIZE);
        segment_dispose(s);
        assert_int_equal(segment_open(&again, dir, NUMBER), 0);
        assert_int_equal(again->records, records);
        assert_int_equal(again->last, last);
        segment_remove(again, dir);
        assert_int_equal(segment_new_file(&s, dir, NUMBER, SIZE), 0);
        memcpy(s->bytes, copy, SIZE); /* it is cut no more */
        free(copy);
    }
    segment_remove(s, dir);
}

static void write_file(const uint8_t *bytes, size_t n) {
    char name[SEGMENT_NAME_SIZE];
    segment_name(NUMBER, name);
    int fd = openat(dir, name, O_WRONLY | O_CREAT | O_TRUNC, 0600);
    assert_true(fd >= 0 && write(fd, bytes, n) == (ssize_t)n);
    close(fd);
}

/* A copy of a segment's bytes. */
static uint8_t *bytes_of(bool sealed, size_t *used) {
    struct segment *s = make(5, 1, RECORDS);
    uint8_t *bytes = malloc(SIZE);
    if (sealed) {
        segment_seal(s);
    }
    *used = s->used;
    memcpy(bytes, s->bytes, SIZE);
    segment_remove(s, dir);
    return bytes;
}

static void cut_anywhere(void **state) {
    (void)state;
    for (int sealed = 0; sealed < 2; sealed++) {
        size_t used;
        uint8_t *bytes = bytes_of(sealed, &used);
        unsigned most = 0;
        for (size_t n = 0; n <= used; n++) {
            struct segment *s;
            write_file(bytes, n);
            int error = segment_open(&s, dir, NUMBER);
            if (n < SEGMENT_HEADER) {
                assert_int_equal(error, -ENODATA);
                continue;
            }
            assert_int_equal(error, 0);
            unsigned found = count_good(s);
            assert_true(found == most || found == most + 1);
            assert_int_equal(s->records, sealed ? RECORDS : found);
            assert_int_equal(s->last, sealed ? RECORDS : found);
            most = found;
            segment_dispose(s);
        }
        assert_int_equal(most, RECORDS);
        free(bytes);
        clean(NULL);
    }
}

static void change_anything(void **state) {
    (void)state;
    for (int sealed = 0; sealed < 2; sealed++) {
        size_t used;
        uint8_t *bytes = bytes_of(sealed, &used);
        for (size_t i = 0; i < used; i++) {
            struct segment *s;
            bytes[i] ^= (uint8_t)(1u << i % 8);
            write_file(bytes, used);
            int error = segment_open(&s, dir, NUMBER);
            if (error) {
                assert_int_equal(error, -EBADMSG);
                assert_true(i < SEGMENT_HEADER);
            } else {
                unsigned found = count_good(s);
                assert_true(found == RECORDS || (found == RECORDS - 1 && i >= SEGMENT_HEADER));
                segment_dispose(s);
            }
            bytes[i] ^= (uint8_t)(1u << i % 8);
        }
        free(bytes);
        clean(NULL);
    }
}

static void another_format(void **state) {
    (void)state;
    struct segment *s = make(5, 1, 3);
    const uint8_t code[] = {2, 0, 0xFD, 0xFF};
    memcpy(s->bytes + 8, code, sizeof code);
    segment_dispose(s);
    assert_int_equal(segment_open(&s, dir, NUMBER), -EPROTO);
}

static void what_is_none(void **state) {
    (void)state;
    struct segment *s = NULL;
    char name[SEGMENT_NAME_SIZE];
    segment_name(NUMBER, name);
    assert_int_equal(mkdirat(dir, name, 0700), 0);
    assert_int_equal(segment_open(&s, dir, NUMBER), -EBADMSG);
    clean(NULL);
    assert_int_equal(symlinkat("/dev/zero", dir, name), 0);
    assert_int_equal(segment_open(&s, dir, NUMBER), -EBADMSG);
    clean(NULL);
    assert_int_equal(mkfifoat(dir, name, 0600), 0);
    assert_int_equal(segment_open(&s, dir, NUMBER), -EBADMSG);
    clean(NULL);
    int fd = openat(dir, name, O_WRONLY | O_CREAT, 0600);
    assert_int_equal(ftruncate(fd, (off_t)SEGMENT_BYTES_MAX + 1), 0);
    close(fd);
    assert_int_equal(segment_open(&s, dir, NUMBER), -EBADMSG);
    clean(NULL);
    s = make(5, 1, 3);
    segment_void(s);
    segment_dispose(s);
    assert_int_equal(segment_open(&s, dir, NUMBER), -ENODATA);
    assert_int_equal(segment_new_file(&s, dir, NUMBER, SIZE), -EEXIST);
}

static void refused_ones(void **state) {
    (void)state;
    struct segment *s = make(5, 1, 3);
    struct stored f;
    assert_true(segment_find(s, SEGMENT_HEADER, true, &f));
    assert_false(f.refused);
    segment_refuse(s, &f);
    segment_dispose(s);
    assert_int_equal(segment_open(&s, dir, NUMBER), 0);
    assert_true(segment_find(s, SEGMENT_HEADER, true, &f));
    assert_true(f.refused);
    is_good(&f);
    assert_true(segment_find(s, f.end, true, &f));
    assert_false(f.refused);
    segment_remove(s, dir);
}

static void from_memory_to_a_file(void **state) {
    (void)state;
    struct segment *s;
    struct segment_start start = start_of(5);
    assert_int_equal(segment_new_memory(&s, SIZE), 0);
    segment_begin(s, &start);
    append(s, 5);
    assert_int_equal(segment_sync(s), 0);
    assert_int_equal(segment_persist(s, dir, NUMBER), 0);
    append(s, 6);
    assert_int_equal(segment_sync(s), 0);
    assert_int_equal(s->synced, s->used);
    segment_dispose(s);
    assert_int_equal(segment_open(&s, dir, NUMBER), 0);
    assert_int_equal(count_good(s), 2);
    segment_remove(s, dir);
}

/* A file that may not become so large: an error, no signal, and nothing is left of it. */
static void no_room(void **state) {
    (void)state;
    struct rlimit was, limit;
    struct segment *s = NULL;
    getrlimit(RLIMIT_FSIZE, &was);
    limit = (struct rlimit){SIZE - 1, was.rlim_max};
    setrlimit(RLIMIT_FSIZE, &limit);
    int error = segment_new_file(&s, dir, NUMBER, SIZE);
    setrlimit(RLIMIT_FSIZE, &was);
    assert_int_equal(error, -EFBIG);
    assert_int_equal(segment_open(&s, dir, NUMBER), -ENOENT);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names),
        cmocka_unit_test_teardown(another_process_finds_it, clean),
        cmocka_unit_test_teardown(stale_frames, clean),
        cmocka_unit_test_teardown(cut_anywhere, clean),
        cmocka_unit_test_teardown(change_anything, clean),
        cmocka_unit_test_teardown(another_format, clean),
        cmocka_unit_test_teardown(what_is_none, clean),
        cmocka_unit_test_teardown(refused_ones, clean),
        cmocka_unit_test_teardown(from_memory_to_a_file, clean),
        cmocka_unit_test_teardown(no_room, clean),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
