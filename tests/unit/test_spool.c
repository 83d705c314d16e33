#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "../../src/delivery/spool_parts.h"
#include "event.h"
#include "record.h"

static char folder[] = "/tmp/test_spool.XXXXXX";
static char why[SPOOL_WHY_SIZE];

enum { RUN = 0xA1, NEXT_RUN = 0xB2, SECOND = 1000000000, SMALL = 128 << 10, FILLER = 3000 };

/* ---- what the tests are made of */

static int remove_entry(const char *path, const struct stat *status, int kind, struct FTW *walk) {
    (void)status, (void)kind, (void)walk;
    return remove(path);
}

static void remove_tree(const char *path) {
    (void)nftw(path, remove_entry, 8, FTW_DEPTH | FTW_PHYS);
}

static int make_folder(void **state) {
    (void)state;
    return mkdtemp(folder) ? 0 : -1;
}

static int remove_folder(void **state) {
    (void)state;
    remove_tree(folder);
    return 0;
}

static int clean_folder(void **state) {
    (void)state;
    char path[256];
    snprintf(path, sizeof path, "%s/out", folder);
    remove_tree(path);
    return 0;
}

static struct spool *open_as(struct spool_settings settings, uint64_t run_id) {
    struct spool *s = NULL;
    int error = spool_open(&s, &settings, "out", run_id, 0, why);
    if (error) {
        print_error("%s\n", why);
    }
    assert_int_equal(error, 0);
    return s;
}

static struct spool_settings settings_of(uint64_t max_bytes, enum spool_policy policy) {
    return (struct spool_settings){
        .directory = folder,
        .max_bytes = max_bytes,
        .policy = policy,
        .sync = SPOOL_SYNC_NEVER,
    };
}

/* A text that tells its number, filled up to a length. */
static size_t text_of(uint64_t seq, size_t length, char to[RECORD_MAX + 1]) {
    memset(to, 'a' + (int)(seq % 26), length);
    int n = snprintf(to, RECORD_MAX, "{\"seq\":%llu,\"filler\":\"", (unsigned long long)seq);
    to[n] = length > (size_t)n ? 'x' : to[n];
    return length > (size_t)n ? length : (size_t)n;
}

static int put_sized(struct spool *s, uint64_t seq, size_t length, const struct gap *gap) {
    char text[RECORD_MAX + 1];
    struct line l = {.text = text,
                     .object = OBJECT_FLOW,
                     .action = ACTION_MESSAGE,
                     .operation = 3,
                     .severity = LINE_LOW,
                     .seq = seq,
                     .gap = gap};
    l.length = (uint16_t)text_of(seq, length, text);
    return spool_put(s, &l);
}

static void put(struct spool *s, uint64_t from, uint64_t to) {
    for (uint64_t seq = from; seq <= to; seq++) {
        assert_int_equal(put_sized(s, seq, FILLER, NULL), 0);
    }
}

static void is_record(const struct line *l, uint64_t seq, size_t length) {
    char text[RECORD_MAX + 1];
    size_t n = text_of(seq, length, text);
    assert_int_equal(l->seq, seq);
    assert_int_equal(l->length, n);
    assert_memory_equal(l->text, text, n);
    assert_int_equal(l->object, OBJECT_FLOW);
    assert_int_equal(l->action, ACTION_MESSAGE);
    assert_int_equal(l->operation, 3);
    assert_int_equal(l->severity, LINE_LOW);
}

/* The place of the last one. */
static uint64_t expect(struct spool *s, uint64_t from, uint64_t to) {
    struct parcel p = {.end = 0};
    for (uint64_t seq = from; seq <= to; seq++) {
        uint64_t before = p.end;
        assert_true(spool_next(s, &p));
        is_record(&p.line, seq, FILLER);
        assert_true(p.end > before);
    }
    return p.end;
}

static void expect_nothing(struct spool *s) {
    struct parcel p;
    assert_false(spool_next(s, &p));
}

static void expect_gap(struct spool *s, struct gap expected) {
    struct gap g = {0};
    assert_true(spool_gap(s, UINT64_MAX, &g));
    assert_int_equal(g.reason, expected.reason);
    assert_int_equal(g.run_id, expected.run_id);
    assert_int_equal(g.from, expected.from);
    assert_int_equal(g.to, expected.to);
    assert_int_equal(g.count, expected.count);
}

static void expect_no_gap(struct spool *s) {
    struct gap g;
    assert_false(spool_gap(s, UINT64_MAX, &g));
}

static uint64_t waiting(const struct spool *s) {
    struct spool_figures f;
    spool_figures(s, &f);
    return f.waiting;
}

/* As kill -9 leaves it: the process is gone, and what it wrote is there. */
static void kill_spool(struct spool *s) {
    s->state.run_id = s->state.run_id; /* nothing of the end of a run is done */
    for (struct segment *seg; (seg = spool_first(s)) != NULL;) {
        list_remove(&seg->in);
        segment_dispose(seg);
    }
    for (unsigned i = 0; i < s->spare_count; i++) {
        segment_dispose(s->spares[i]);
    }
    state_file_close(s->file);
    spool_folder_close(&s->folder);
    free(s);
}

/* ---- order */

static void in_order(void **state) {
    (void)state;
    struct spool *s = open_as(settings_of(1 << 20, SPOOL_WAIT), RUN);
    struct parcel p;
    expect_nothing(s);
    put(s, 1, 100);
    assert_int_equal(waiting(s), 100);
    uint64_t end = expect(s, 1, 100);
    expect_nothing(s);
    spool_unread(s);
    assert_int_equal(expect(s, 100, 100), end);
    spool_rewind(s);
    uint64_t half = expect(s, 1, 50);
    spool_done(s, half);
    assert_int_equal(waiting(s), 50);
    spool_rewind(s);
    assert_true(spool_next(s, &p));
    assert_int_equal(p.line.seq, 51);
    spool_done(s, half - 1); /* never goes back */
    spool_rewind(s);
    assert_int_equal(expect(s, 51, 100), end);
    spool_done(s, end - 1); /* not the whole of the last one */
    assert_int_equal(waiting(s), 1);
    spool_done(s, end);
    assert_int_equal(waiting(s), 0);
    expect_nothing(s);
    expect_no_gap(s);
    spool_close(s, true);
}

/* One that keeps up has the same few segments for ever. */
static void the_same_segments(void **state) {
    (void)state;
    struct spool *s = open_as(settings_of(1 << 20, SPOOL_WAIT), RUN);
    for (uint64_t seq = 1; seq < 1000; seq++) {
        put(s, seq, seq);
        spool_done(s, expect(s, seq, seq));
        assert_true(s->count <= 2);
        assert_true(s->folder.last_number <= 2);
    }
    spool_close(s, true);
}

static void a_restart(void **state) {
    (void)state;
    struct spool *s = open_as(settings_of(1 << 20, SPOOL_WAIT), RUN);
    put(s, 1, 60);
    spool_done(s, expect(s, 1, 10));
    (void)expect(s, 11, 20); /* handed out, and not done */
    spool_close(s, true);
    s = open_as(settings_of(1 << 20, SPOOL_WAIT), NEXT_RUN);
    assert_int_equal(waiting(s), 50);
    put(s, 1, 30);
    expect_no_gap(s);
    (void)expect(s, 11, 60);
    spool_done(s, expect(s, 1, 30));
    assert_int_equal(waiting(s), 0);
    spool_close(s, true);
}

static void a_killed_run(void **state) {
    (void)state;
    struct spool *s = open_as(settings_of(1 << 20, SPOOL_WAIT), RUN);
    put(s, 1, 60);
    spool_done(s, expect(s, 1, 10));
    kill_spool(s);
    s = open_as(settings_of(1 << 20, SPOOL_WAIT), NEXT_RUN);
    expect_gap(s, (struct gap){RUN, 61, 0, 0, GAP_KILLED});
    expect_no_gap(s);
    spool_done(s, expect(s, 11, 60));
    expect_nothing(s);
    kill_spool(s); /* the gap was taken, and no record of it came: it is not known to be told */
    s = open_as(settings_of(1 << 20, SPOOL_WAIT), 0xC3);
    struct gap killed = {RUN, 61, 0, 0, GAP_KILLED};
    expect_gap(s, killed);
    expect_gap(s, (struct gap){NEXT_RUN, 1, 0, 0, GAP_KILLED});
    assert_int_equal(put_sized(s, 1, FILLER, &killed), 0);
    spool_close(s, true);
    s = open_as(settings_of(1 << 20, SPOOL_WAIT), 0xD4);
    struct parcel p;
    assert_true(spool_next(s, &p));
    is_record(&p.line, 1, FILLER);
    assert_non_null(p.line.gap);
    assert_int_equal(p.line.gap->run_id, RUN);
    assert_int_equal(p.line.gap->from, 61);
    assert_int_equal(p.line.gap->to, 0);
    assert_int_equal(p.line.gap->reason, GAP_KILLED);
    expect_gap(s, (struct gap){NEXT_RUN, 1, 0, 0, GAP_KILLED});
    expect_no_gap(s);
    spool_close(s, true);
}

/* The process that delivers is begun anew, and the run goes on. */
static void the_same_run_again(void **state) {
    (void)state;
    struct spool *s = open_as(settings_of(1 << 20, SPOOL_WAIT), RUN);
    put(s, 1, 60);
    kill_spool(s);
    s = open_as(settings_of(1 << 20, SPOOL_WAIT), RUN);
    expect_no_gap(s);
    put(s, 61, 70);
    spool_done(s, expect(s, 1, 70));
    expect_no_gap(s);
    spool_close(s, true);
}

/* ---- bounds */

static void the_oldest_goes(void **state) {
    (void)state;
    struct spool_figures f;
    for (int memory = 0; memory < 2; memory++) {
        struct spool_settings settings = settings_of(SMALL, SPOOL_DROP_OLDEST);
        settings.directory = memory ? NULL : folder;
        struct spool *s = open_as(settings, RUN);
        (void)put_sized(s, 1, FILLER, NULL);
        (void)expect(s, 1, 1); /* handed out, not done, and then dropped */
        put(s, 2, 100);
        spool_figures(s, &f);
        assert_int_equal(f.dropped + f.waiting, 100);
        assert_true(f.waiting > 20 && f.waiting_bytes <= SMALL && s->total <= SMALL);
        assert_true(f.oldest_put != 0);
        expect_gap(s, (struct gap){0, 1, f.dropped, f.dropped, GAP_SPOOL_FULL});
        expect_no_gap(s);
        spool_done(s, expect(s, f.dropped + 1, 100));
        expect_nothing(s);
        spool_figures(s, &f);
        assert_int_equal(f.waiting, 0);
        assert_int_equal(f.oldest_put, 0);
        spool_close(s, true);
    }
}

static void the_newest_goes(void **state) {
    (void)state;
    struct spool_figures f;
    struct spool *s = open_as(settings_of(SMALL, SPOOL_DROP_NEWEST), RUN);
    put(s, 1, 100);
    spool_figures(s, &f);
    assert_int_equal(f.dropped + f.waiting, 100);
    assert_true(f.waiting > 20);
    uint64_t kept = f.waiting;
    expect_no_gap(s); /* no record of it would find room */
    spool_done(s, expect(s, 1, kept));
    expect_nothing(s);
    expect_gap(s, (struct gap){0, kept + 1, 100, 100 - kept, GAP_SPOOL_FULL});
    put(s, 101, 103);
    spool_done(s, expect(s, 101, 103));
    spool_close(s, true);
}

static void it_waits(void **state) {
    (void)state;
    struct spool *s = open_as(settings_of(SMALL, SPOOL_WAIT), RUN);
    uint64_t seq = 1;
    while (put_sized(s, seq, FILLER, NULL) == 0) {
        seq++;
    }
    assert_int_equal(put_sized(s, seq, FILLER, NULL), -EAGAIN);
    assert_int_equal(waiting(s), seq - 1);
    expect_no_gap(s);
    spool_done(s, expect(s, 1, seq - 1));
    assert_int_equal(put_sized(s, seq, FILLER, NULL), 0);
    spool_done(s, expect(s, seq, seq));
    spool_close(s, true);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(in_order, clean_folder),
        cmocka_unit_test_teardown(the_same_segments, clean_folder),
        cmocka_unit_test_teardown(a_restart, clean_folder),
        cmocka_unit_test_teardown(a_killed_run, clean_folder),
        cmocka_unit_test_teardown(the_same_run_again, clean_folder),
        cmocka_unit_test_teardown(the_oldest_goes, clean_folder),
        cmocka_unit_test_teardown(the_newest_goes, clean_folder),
        cmocka_unit_test_teardown(it_waits, clean_folder),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
