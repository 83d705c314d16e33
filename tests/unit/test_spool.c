#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
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

static char folder[32];
static char why[SPOOL_WHY_SIZE];

enum { RUN = 0xA1, NEXT_RUN = 0xB2, SECOND = 1000000000, SMALL = 128 << 10, FILLER = 3000, OTHER_RUN = 0xE5 };

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
    const char *memory = access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp"; /* thousands of small files */
    snprintf(folder, sizeof folder, "%s/test_spool.XXXXXX", memory);
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

/* In files that were used again many times, another process finds what is not done, and nothing of what they held before. */
static void segments_used_again(void **state) {
    (void)state;
    for (uint64_t n = 400; n < 420; n++) {
        struct spool *s = open_as(settings_of(1 << 20, SPOOL_WAIT), RUN);
        for (uint64_t seq = 1; seq <= n; seq++) {
            put(s, seq, seq);
            if (seq > 5) {
                spool_done(s, expect(s, seq - 5, seq - 5));
            }
        }
        assert_true(s->folder.last_number <= 4);
        kill_spool(s);
        s = open_as(settings_of(1 << 20, SPOOL_WAIT), NEXT_RUN);
        assert_int_equal(waiting(s), 5);
        (void)expect(s, n - 4, n);
        expect_nothing(s);
        expect_gap(s, (struct gap){RUN, n + 1, 0, 0, GAP_KILLED});
        expect_no_gap(s);
        spool_close(s, true);
        clean_folder(NULL);
    }
}

/* Nothing is wasted on those that were short, while the receiver is away. */
static void many_restarts(void **state) {
    (void)state;
    for (uint64_t run = 0; run < 200; run++) {
        struct spool *s = open_as(settings_of(2 << 20, SPOOL_WAIT), RUN + run);
        expect_no_gap(s);
        put(s, 1, 1);
        spool_close(s, true);
    }
    struct spool *s = open_as(settings_of(2 << 20, SPOOL_WAIT), 1);
    assert_int_equal(waiting(s), 200);
    assert_int_equal(s->total, 200 * 4096);
    uint64_t end = 0;
    for (unsigned run = 0; run < 200; run++) {
        end = expect(s, 1, 1);
    }
    spool_done(s, end);
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

static uint64_t untold_from(const struct spool *s) {
    struct spool_figures f;
    spool_figures(s, &f);
    return f.untold_from;
}

/* As long as the record of a loss is in memory alone, it is lost with that as well. */
static void a_loss_is_untold_until_its_record_is_done(void **state) {
    (void)state;
    struct spool_settings settings = settings_of(SMALL, SPOOL_DROP_OLDEST);
    settings.directory = NULL;
    struct spool *s = open_as(settings, RUN);
    put(s, 1, 10);
    assert_int_equal(untold_from(s), 0);
    spool_lost(s, &(struct gap){.from = 3, .to = 5, .reason = GAP_KILLED});
    spool_lost(s, &(struct gap){.run_id = RUN + 1, .from = 1, .reason = GAP_KILLED});
    assert_int_equal(untold_from(s), 3);
    struct gap g;
    assert_true(spool_gap(s, UINT64_MAX, &g));
    assert_int_equal(g.from, 3);
    assert_int_equal(put_sized(s, 11, FILLER, &g), 0);
    assert_int_equal(put_sized(s, 12, FILLER, &(struct gap){.from = 7, .to = 7, .reason = GAP_REFUSED}), 0);
    spool_done(s, expect(s, 1, 11));
    assert_int_equal(untold_from(s), 3);
    spool_done(s, expect(s, 12, 12));
    assert_int_equal(untold_from(s), 0);
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

/* Up to where nothing of this run would be lost with the process: what is done, or dropped and told. */
static uint64_t safe(const struct spool *s) {
    struct spool_figures f;
    spool_figures(s, &f);
    return f.untold_from != 0 && f.untold_from <= f.safe_seq ? f.untold_from - 1 : f.safe_seq;
}

static void what_memory_alone_has(void **state) {
    (void)state;
    struct spool_settings settings = settings_of(SMALL, SPOOL_DROP_OLDEST);
    struct gap gap;
    settings.directory = NULL;
    struct spool *s = open_as(settings, RUN);
    put(s, 1, 20);
    assert_int_equal(safe(s), 0);
    spool_done(s, expect(s, 1, 12));
    assert_int_equal(safe(s), 12);
    put(s, 21, 100);
    assert_int_equal(safe(s), 12); /* the oldest went, and nobody was told */
    assert_true(spool_gap(s, UINT64_MAX, &gap));
    assert_int_equal(gap.from, 13);
    assert_int_equal(safe(s), 12); /* nor is it sure now */
    assert_int_equal(put_sized(s, 101, FILLER, &gap), 0);
    assert_int_equal(safe(s), 12); /* what tells it waits itself */
    spool_done(s, expect(s, gap.to + 1, 101));
    assert_int_equal(safe(s), 101);
    spool_close(s, true);
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

/* Many small segments of earlier runs, as many as there may be: a new one costs the oldest. */
static void as_many_segments(void **state) {
    (void)state;
    struct spool *s = open_as(settings_of(1 << 30, SPOOL_DROP_OLDEST), RUN);
    char text[] = "{}";
    struct line l = {.text = text, .length = 2, .seq = 1};
    uint64_t place = 0;
    for (unsigned i = 1; i <= SPOOL_SEGMENTS_MAX; i++) {
        struct segment *seg;
        struct segment_start start = {.serial = i, .run_id = RUN, .base = place, .before = l.seq - 1};
        assert_int_equal(segment_new_file(&seg, s->folder.fd, i, 4096), 0);
        segment_begin(seg, &start);
        segment_append(seg, &l, NULL, 1);
        segment_seal(seg);
        place = segment_end(seg);
        l.seq++;
        segment_dispose(seg);
    }
    spool_close(s, true);
    s = open_as(settings_of(1 << 30, SPOOL_DROP_OLDEST), NEXT_RUN);
    assert_int_equal(waiting(s), SPOOL_SEGMENTS_MAX);
    put(s, 1, 1);
    assert_int_equal(s->count, SPOOL_SEGMENTS_MAX);
    assert_int_equal(waiting(s), SPOOL_SEGMENTS_MAX);
    expect_gap(s, (struct gap){RUN, 1, 1, 1, GAP_SPOOL_FULL});
    spool_close(s, true);
    char path[256];
    snprintf(path, sizeof path, "%s/out/segment-%u", folder, SPOOL_SEGMENTS_MAX + 2);
    close(open(path, O_WRONLY | O_CREAT, 0600));
    struct spool_settings settings = settings_of(1 << 30, SPOOL_DROP_OLDEST);
    assert_int_equal(spool_open(&s, &settings, "out", RUN, 0, why), -E2BIG);
    assert_non_null(strstr(why, "/out: holds more segments than a spool has; remove"));
}

/* ---- gaps */

/* A record of a gap is dropped: that gap is told again, with that record, as one. */
static void gaps_come_back(void **state) {
    (void)state;
    struct gap first = {0}, again = {0};
    struct spool_figures f;
    struct spool *s = open_as(settings_of(SMALL, SPOOL_DROP_OLDEST), RUN);
    put(s, 1, 60);
    assert_true(spool_gap(s, UINT64_MAX, &first));
    assert_int_equal(first.from, 1);
    assert_int_equal(put_sized(s, 61, FILLER, &first), 0);
    expect_no_gap(s);
    put(s, 62, 160);
    spool_figures(s, &f);
    assert_true(spool_gap(s, UINT64_MAX, &again));
    assert_int_equal(again.from, 1);
    assert_int_equal(again.to, f.dropped);
    assert_int_equal(again.count, f.dropped);
    assert_int_equal(f.dropped + f.waiting, 160);
    expect_no_gap(s);
    spool_close(s, true);
}

/* One that is told while its record is refused for want of room. */
static void a_refused_gap_comes_back(void **state) {
    (void)state;
    struct spool *s = open_as(settings_of(SMALL, SPOOL_DROP_NEWEST), RUN);
    struct gap other = {OTHER_RUN, 3, 9, 7, GAP_KILLED};
    uint64_t seq = 1;
    while (waiting(s) == seq - 1) {
        put(s, seq, seq);
        seq++;
    }
    assert_int_equal(put_sized(s, seq, FILLER, &other), 0);
    spool_done(s, expect(s, 1, seq - 2));
    expect_gap(s, (struct gap){0, seq - 1, seq, 2, GAP_SPOOL_FULL});
    expect_gap(s, other);
    expect_no_gap(s);
    spool_close(s, true);
}

static void gaps_stay(void **state) {
    (void)state;
    struct spool_figures f;
    struct spool *s = open_as(settings_of(SMALL, SPOOL_DROP_OLDEST), RUN);
    put(s, 1, 100);
    spool_figures(s, &f);
    spool_close(s, true);
    s = open_as(settings_of(SMALL, SPOOL_DROP_OLDEST), NEXT_RUN);
    expect_gap(s, (struct gap){RUN, 1, f.dropped, f.dropped, GAP_SPOOL_FULL});
    expect_no_gap(s);
    spool_done(s, expect(s, f.dropped + 1, 100));
    spool_close(s, true);
}

/* ---- records that are set aside */

static off_t size_of(const char *name) {
    char path[256];
    struct stat status;
    snprintf(path, sizeof path, "%s/out/%s", folder, name);
    return stat(path, &status) == 0 ? status.st_size : -1;
}

static void expect_refused(const char *expected) {
    char path[256], text[4096];
    snprintf(path, sizeof path, "%s/out/refused.jsonl", folder);
    FILE *file = fopen(path, "r");
    assert_non_null(file);
    size_t n = fread(text, 1, sizeof text - 1, file);
    text[n] = '\0';
    fclose(file);
    assert_string_equal(text, expected);
}

static void set_aside(void **state) {
    (void)state;
    struct spool_figures f;
    struct parcel p;
    uint64_t ends[11];
    struct gap told = {NEXT_RUN, 1, 2, 2, GAP_KILLED};
    struct spool *s = open_as(settings_of(1 << 20, SPOOL_WAIT), RUN);
    for (unsigned i = 1; i <= 10; i++) {
        assert_int_equal(put_sized(s, 2 * i, 0, i == 10 ? &told : NULL), 0);
    }
    spool_set_aside(s, 1); /* nothing was handed out */
    for (unsigned i = 1; i <= 10; i++) {
        assert_true(spool_next(s, &p));
        ends[i] = p.end;
    }
    spool_set_aside(s, ends[3]);
    spool_set_aside(s, ends[4]);
    spool_set_aside(s, ends[4]);     /* twice is once */
    spool_set_aside(s, ends[5] - 8); /* none ends there */
    spool_set_aside(s, ends[7]);
    spool_set_aside(s, ends[10]); /* the record of a gap makes no other */
    expect_refused(
        "{\"seq\":6,\"filler\":\"\n{\"seq\":8,\"filler\":\"\n{\"seq\":14,\"filler\":\"\n{\"seq\":20,\"filler\":\"\n");
    spool_figures(s, &f);
    assert_int_equal(f.set_aside, 4);
    assert_int_equal(f.dropped, 4);
    assert_int_equal(f.waiting, 6);
    assert_int_equal(f.out, 6);
    spool_done(s, ends[1]);
    kill_spool(s);
    s = open_as(settings_of(1 << 20, SPOOL_WAIT), RUN);
    expect_gap(s, (struct gap){0, 6, 8, 2, GAP_REFUSED});
    expect_gap(s, (struct gap){0, 14, 14, 1, GAP_REFUSED});
    expect_no_gap(s);
    const unsigned left[] = {4, 10, 12, 16, 18};
    for (size_t i = 0; i < 5; i++) {
        assert_true(spool_next(s, &p));
        assert_int_equal(p.line.seq, left[i]);
    }
    expect_nothing(s);
    spool_done(s, ends[10]);
    assert_int_equal(waiting(s), 0);
    spool_close(s, true);
}

static void set_aside_in_memory(void **state) {
    (void)state;
    struct spool_settings settings = settings_of(1 << 20, SPOOL_WAIT);
    settings.directory = NULL;
    struct spool *s = open_as(settings, RUN);
    put(s, 1, 3);
    spool_set_aside(s, expect(s, 1, 2));
    expect_gap(s, (struct gap){0, 2, 2, 1, GAP_REFUSED});
    spool_rewind(s);
    (void)expect(s, 1, 1);
    (void)expect(s, 3, 3);
    spool_close(s, true);
}

/* SPOOL_REFUSED_MAX: the older half goes. */
static void many_set_aside(void **state) {
    (void)state;
    struct spool *s = open_as(settings_of(1 << 20, SPOOL_WAIT), RUN);
    uint64_t total = 0;
    for (uint64_t seq = 1; total < 2 * SPOOL_REFUSED_MAX; seq++, total += RECORD_MAX) {
        struct parcel p;
        assert_int_equal(put_sized(s, seq, RECORD_MAX, NULL), 0);
        assert_true(spool_next(s, &p));
        spool_set_aside(s, p.end);
        spool_done(s, p.end);
        assert_true(size_of("refused.jsonl") <= SPOOL_REFUSED_MAX / 2);
        assert_true(size_of("refused.jsonl.old") <= SPOOL_REFUSED_MAX / 2);
    }
    assert_true(size_of("refused.jsonl.old") > SPOOL_REFUSED_MAX / 2 - 2 * RECORD_MAX);
    assert_int_equal(s->state.gaps.count, 1);
    spool_close(s, true);
}

/* ---- kill -9 */

static void put_for_ever(_Atomic uint64_t *returned, uint64_t run_id, unsigned seed) {
    struct spool_settings settings = settings_of(64 << 20, SPOOL_WAIT);
    struct spool *s;
    if (spool_open(&s, &settings, "out", run_id, 0, why) != 0) {
        _exit(2);
    }
    for (uint64_t seq = 1;; seq++) {
        seed = seed * 1664525 + 1013904223;
        while (put_sized(s, seq, seed >> 22, NULL) != 0) {
            pause();
        }
        atomic_store(returned, seq);
    }
}

/* A process that puts is killed at any moment: all that it put is there, and one record more at most. */
static void killed_at_any_moment(void **state) {
    (void)state;
    _Atomic uint64_t *returned = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    for (unsigned round = 0; round < 40; round++) {
        atomic_store(returned, 0);
        pid_t child = fork();
        if (child == 0) {
            put_for_ever(returned, RUN + round, round);
        }
        while (atomic_load(returned) == 0) {
            usleep(100);
        }
        usleep(round * 97 % 1500);
        kill(child, SIGKILL);
        assert_int_equal(waitpid(child, NULL, 0), child);
        struct spool *s = open_as(settings_of(64 << 20, SPOOL_WAIT), RUN + round + 1);
        struct parcel p = {.end = 0};
        uint64_t last = 0;
        while (spool_next(s, &p)) {
            assert_int_equal(p.line.seq, last + 1);
            last = p.line.seq;
        }
        assert_in_range(last, atomic_load(returned), atomic_load(returned) + 1);
        expect_gap(s, (struct gap){RUN + round, last + 1, 0, 0, GAP_KILLED});
        expect_no_gap(s);
        spool_close(s, true);
        clean_folder(NULL);
    }
    munmap(returned, 4096);
}

/* ---- damage: each record that is not there, or is not as it was, is in a gap */

enum { DAMAGED_RECORDS = 400, DAMAGED_LENGTH = 900 };

struct account {
    bool arrived[DAMAGED_RECORDS + 1], told[DAMAGED_RECORDS + 1], for_ever;
    unsigned gaps;
};

static void take_all(struct spool *s, struct account *a) {
    struct parcel p;
    struct gap g;
    uint64_t last = 0;
    memset(a, 0, sizeof *a);
    uint64_t there = waiting(s), arrived = 0;
    while (spool_next(s, &p)) {
        arrived++;
        assert_in_range(p.line.seq, 1, DAMAGED_RECORDS);
        assert_true(p.line.seq > last);
        last = p.line.seq;
        is_record(&p.line, last, DAMAGED_LENGTH);
        a->arrived[last] = true;
    }
    while (spool_gap(s, UINT64_MAX, &g)) {
        assert_int_equal(g.run_id, RUN);
        assert_true(g.reason == GAP_KILLED || g.reason == GAP_SPOOL_DAMAGED);
        for (uint64_t seq = g.from; seq <= (g.to ? g.to : DAMAGED_RECORDS) && seq <= DAMAGED_RECORDS; seq++) {
            a->told[seq] = true;
        }
        a->for_ever |= g.to == 0;
        a->gaps++;
    }
    struct spool_figures f;
    spool_figures(s, &f); /* what cannot be read waits no more */
    assert_int_equal(f.waiting, arrived);
    assert_int_equal(f.out, arrived);
    assert_int_equal(f.dropped + arrived, there);
    spool_done(s, p.end);
    assert_int_equal(waiting(s), 0);
}

/* Some of the records are done. clean: the run came to its end. */
static void leave_records(bool clean, uint64_t done) {
    struct spool *s = open_as(settings_of(1 << 20, SPOOL_WAIT), RUN);
    uint64_t place = 0;
    for (uint64_t seq = 1; seq <= DAMAGED_RECORDS; seq++) {
        assert_int_equal(put_sized(s, seq, DAMAGED_LENGTH, NULL), 0);
    }
    for (uint64_t seq = 1; seq <= done; seq++) {
        struct parcel p;
        assert_true(spool_next(s, &p));
        place = p.end;
    }
    spool_done(s, place);
    if (clean) {
        spool_close(s, true);
    } else {
        kill_spool(s);
    }
}

/* What the run had, after something was done to a file of it. exact: nothing is told that is there. */
static void account_for_all(bool clean, uint64_t done, bool exact) {
    struct account a;
    struct spool *s = open_as(settings_of(1 << 20, SPOOL_WAIT), NEXT_RUN);
    take_all(s, &a);
    for (uint64_t seq = done + 1; seq <= DAMAGED_RECORDS; seq++) {
        assert_true(a.arrived[seq] || a.told[seq]);
        assert_false(exact && a.arrived[seq] && a.told[seq]);
    }
    for (uint64_t seq = 1; exact && seq <= done; seq++) {
        assert_false(a.arrived[seq] || a.told[seq]);
    }
    assert_true(a.for_ever == !clean || !exact);
    spool_close(s, true);
}

static void path_of(const char *name, char path[256]) {
    snprintf(path, 256, "%s/out/%s", folder, name);
}

/* Bytes of a file become others, as far as it goes: value, or with value 0x100, what they were with a bit turned. */
static void overwrite(const char *name, off_t at, size_t n, unsigned value) {
    static uint8_t bytes[65536];
    char path[256];
    path_of(name, path);
    int fd = open(path, O_RDWR);
    assert_true(fd >= 0 && n <= sizeof bytes);
    ssize_t have = pread(fd, bytes, n, at);
    for (ssize_t i = 0; i < have; i++) {
        bytes[i] = value == 0x100 ? bytes[i] ^ 4 : (uint8_t)value;
    }
    assert_true(have < 0 || pwrite(fd, bytes, (size_t)have, at) == have);
    close(fd);
}

static void nothing_is_damaged(void **state) {
    (void)state;
    for (int clean = 0; clean < 2; clean++) {
        for (uint64_t done = 0; done <= DAMAGED_RECORDS; done += 50) {
            leave_records(clean, done);
            account_for_all(clean, done, true);
            clean_folder(NULL);
        }
    }
}

/* Pages that did not reach the disk: each of each segment, alone and all behind it. */
static void a_power_cut(void **state) {
    (void)state;
    for (unsigned i = 0; i < 7 * 16; i++) {
        char name[SEGMENT_NAME_SIZE];
        segment_name(1 + i / 16, name);
        for (size_t n = 4096; n <= 65536; n += 61440) {
            leave_records(false, 3);
            if (size_of(name) > 0) {
                overwrite(name, i % 16 * 4096, n, 0);
            }
            account_for_all(false, 3, i % 16 != 0);
            clean_folder(NULL);
        }
    }
}

static void bits_turn(void **state) {
    (void)state;
    uint32_t seed = 7;
    for (unsigned i = 0; i < 150; i++) {
        char name[SEGMENT_NAME_SIZE];
        bool clean = i % 2;
        leave_records(clean, i);
        segment_name(1 + i % 6, name);
        for (unsigned k = 0; k < 1 + i % 3 && size_of(name) > 0; k++) {
            seed = seed * 1664525 + 1013904223;
            overwrite(name, k == 1 ? seed >> 25 : seed >> 16, 1 + (seed & 3), 0x100);
        }
        account_for_all(clean, i, false);
        clean_folder(NULL);
    }
}

static void a_file_is_gone(void **state) {
    (void)state;
    for (unsigned i = 1; i <= 7; i++) {
        for (int clean = 0; clean < 2; clean++) {
            char name[SEGMENT_NAME_SIZE], path[256];
            leave_records(clean, 5);
            segment_name(i, name);
            path_of(name, path);
            unlink(path);
            account_for_all(clean, 5, true);
            clean_folder(NULL);
        }
    }
}

static void a_file_is_cut(void **state) {
    (void)state;
    for (unsigned i = 1; i <= 6; i++) {
        for (off_t size = 0; size < 65536; size += 8 * 311) {
            char name[SEGMENT_NAME_SIZE], path[256];
            bool clean = size / 8 % 2;
            leave_records(clean, 5);
            segment_name(i, name);
            path_of(name, path);
            if (size_of(name) > size) {
                assert_int_equal(truncate(path, size), 0);
            }
            account_for_all(clean, 5, size >= SEGMENT_HEADER);
            clean_folder(NULL);
        }
    }
}

/* The slot of the state that was written last is torn: the other one counts. With none, what was done comes again. */
static void a_torn_state(void **state) {
    (void)state;
    for (unsigned i = 0; i < 4; i++) {
        leave_records(false, 5);
        if (i & 1) {
            overwrite("state", 60, 1, 0x100);
        }
        if (i & 2) {
            overwrite("state", 4096 + 60, 1, 0x100);
        }
        account_for_all(false, 5, false);
        clean_folder(NULL);
    }
}

/* ---- files as they were at different moments: without a sync, each reaches the disk when it does */

enum { MOMENTS = 6, MIXED_RECORDS = 360 };

static void copy_file(const char *from, const char *to) {
    static char bytes[65536];
    int in = open(from, O_RDONLY), out = open(to, O_WRONLY | O_CREAT | O_TRUNC, 0600);
    assert_true(in >= 0 && out >= 0);
    for (ssize_t n; (n = read(in, bytes, sizeof bytes)) > 0;) {
        assert_int_equal(write(out, bytes, (size_t)n), n);
    }
    close(in);
    close(out);
}

static void keep_moment(unsigned moment) {
    char path[256], to[600];
    snprintf(path, sizeof path, "%s/out", folder);
    snprintf(to, sizeof to, "%s/moment-%u", folder, moment);
    remove_tree(to);
    assert_int_equal(mkdir(to, 0700), 0);
    DIR *dir = opendir(path);
    assert_non_null(dir);
    for (const struct dirent *e; (e = readdir(dir)) != NULL;) {
        char from[600];
        snprintf(from, sizeof from, "%s/%s", path, e->d_name);
        snprintf(to, sizeof to, "%s/moment-%u/%s", folder, moment, e->d_name);
        if (e->d_name[0] != '.') {
            copy_file(from, to);
        }
    }
    closedir(dir);
}

/* Each file as at one of the moments, or missing where it was not there yet. */
static void mix_moments(uint32_t *seed) {
    static const char *const names[] = {"state",     "segment-1", "segment-2", "segment-3",
                                        "segment-4", "segment-5", "segment-6", "segment-7"};
    char from[300], to[300];
    clean_folder(NULL);
    snprintf(to, sizeof to, "%s/out", folder);
    assert_int_equal(mkdir(to, 0700), 0);
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        *seed = *seed * 1664525 + 1013904223;
        snprintf(from, sizeof from, "%s/moment-%u/%s", folder, (*seed >> 16) % MOMENTS, names[i]);
        snprintf(to, sizeof to, "%s/out/%s", folder, names[i]);
        if (access(from, R_OK) == 0) {
            copy_file(from, to);
        }
    }
}

/* A run that is killed; so many records behind the newest, they are done. */
static void leave_moments(uint64_t behind) {
    clean_folder(NULL);
    struct spool *s = open_as(settings_of(1 << 20, SPOOL_WAIT), RUN);
    uint64_t done = 0, apart = MIXED_RECORDS / MOMENTS;
    for (uint64_t seq = 1; seq <= MIXED_RECORDS; seq++) {
        struct parcel p;
        assert_int_equal(put_sized(s, seq, DAMAGED_LENGTH, NULL), 0);
        if (seq - done > behind && spool_next(s, &p)) {
            spool_done(s, p.end);
            done = p.line.seq;
        }
        if (seq % apart == 0) {
            keep_moment((unsigned)(seq / apart) - 1);
        }
    }
    kill_spool(s);
}

/* What was not done at the last moment arrives, or is told; all that arrives is whole and in order. */
static void a_power_cut_without_a_sync(void **state) {
    (void)state;
    uint32_t seed = 5;
    for (uint64_t behind = 20; behind <= 220; behind += 40) {
        leave_moments(behind);
        for (unsigned round = 0; round < 20; round++) {
            struct account a;
            mix_moments(&seed);
            struct spool *s = open_as(settings_of(1 << 20, SPOOL_WAIT), NEXT_RUN);
            take_all(s, &a);
            for (uint64_t seq = MIXED_RECORDS - behind + 1; seq <= MIXED_RECORDS; seq++) {
                assert_true(a.arrived[seq] || a.told[seq]);
            }
            spool_close(s, true);
        }
    }
}

/* Told once, even where it is found twice, and by two runs. */
static void damage_is_told_once(void **state) {
    (void)state;
    struct account a;
    leave_records(true, 0);
    overwrite("segment-2", 20000, 1, 0x100);
    struct spool *s = open_as(settings_of(1 << 20, SPOOL_WAIT), NEXT_RUN);
    take_all(s, &a);
    assert_int_equal(a.gaps, 1);
    spool_close(s, true);
    clean_folder(NULL);
    leave_records(true, 0);
    overwrite("segment-2", 20000, 1, 0x100);
    s = open_as(settings_of(1 << 20, SPOOL_WAIT), NEXT_RUN);
    struct parcel p;
    struct gap g;
    while (spool_next(s, &p)) {
    }
    assert_true(spool_gap(s, UINT64_MAX, &g));
    assert_int_equal(put_sized(s, 1, FILLER, &g), 0);
    spool_rewind(s);
    while (spool_next(s, &p)) {
    }
    expect_no_gap(s);
    spool_close(s, true);
    s = open_as(settings_of(1 << 20, SPOOL_WAIT), 0xC3);
    while (spool_next(s, &p)) {
    }
    expect_no_gap(s);
    spool_done(s, p.end);
    assert_int_equal(waiting(s), 0);
    spool_close(s, true);
}

/* ---- a disk that is full or fails */

static rlim_t limit_files(rlim_t bytes) {
    struct rlimit limit;
    getrlimit(RLIMIT_FSIZE, &limit);
    rlim_t was = limit.rlim_cur;
    limit.rlim_cur = bytes;
    setrlimit(RLIMIT_FSIZE, &limit);
    return was;
}

static int trouble_of(const struct spool *s) {
    struct spool_figures f;
    spool_figures(s, &f);
    return f.trouble;
}

static void the_folder_is_removed(void **state) {
    (void)state;
    uint64_t now = 1;
    struct spool *s = open_as(settings_of(1 << 20, SPOOL_DROP_OLDEST), RUN);
    put(s, 1, 30);
    spool_tick(s, now);
    assert_int_equal(trouble_of(s), 0);
    clean_folder(NULL);
    for (unsigned i = 0; i < 3; i++) {
        spool_tick(s, now += 2 * (uint64_t)SECOND);
        assert_int_equal(trouble_of(s), -ENOENT);
    }
    spool_done(s, expect(s, 1, 30));
    spool_close(s, true);
}

static void the_disk_is_full_for_a_while(void **state) {
    (void)state;
    uint64_t now = 1;
    struct spool *s = open_as(settings_of(1 << 20, SPOOL_DROP_OLDEST), RUN);
    put(s, 1, 30);
    spool_tick(s, now);
    assert_int_equal(trouble_of(s), 0);
    rlim_t was = limit_files(SEGMENT_LARGEST);
    put(s, 31, 150);
    assert_int_equal(trouble_of(s), -EFBIG);
    spool_tick(s, now += 2 * (uint64_t)SECOND);
    assert_int_equal(trouble_of(s), -EFBIG);
    assert_true(s->in_memory != 0);
    uint64_t end = expect(s, 1, 40);
    limit_files(was);
    spool_tick(s, now += SECOND / 2); /* too early */
    assert_int_equal(trouble_of(s), -EFBIG);
    spool_tick(s, now += SECOND);
    assert_int_equal(trouble_of(s), 0);
    assert_int_equal(s->in_memory, 0);
    spool_done(s, end);
    put(s, 151, 200);
    kill_spool(s);
    s = open_as(settings_of(1 << 20, SPOOL_DROP_OLDEST), NEXT_RUN);
    expect_gap(s, (struct gap){RUN, 201, 0, 0, GAP_KILLED});
    expect_no_gap(s);
    spool_done(s, expect(s, 41, 200));
    spool_close(s, true);
}

/* SPOOL_MEMORY_MAX */
static void memory_has_a_bound(void **state) {
    (void)state;
    struct spool_figures f;
    uint64_t n = (SPOOL_MEMORY_MAX + (8 << 20)) / RECORD_MAX;
    for (int policy = SPOOL_DROP_OLDEST; policy <= SPOOL_WAIT; policy++) {
        struct spool *s = open_as(settings_of(1 << 30, (enum spool_policy)policy), RUN);
        rlim_t was = limit_files(SEGMENT_LARGEST);
        uint64_t refused = 0;
        for (uint64_t seq = 1; seq <= n; seq++) {
            int error = put_sized(s, seq, RECORD_MAX, NULL);
            assert_true(error == 0 || (error == -EAGAIN && policy == SPOOL_WAIT));
            refused += error != 0;
        }
        limit_files(was);
        spool_figures(s, &f);
        assert_int_equal(f.waiting + f.dropped + refused, n);
        assert_true(f.waiting_bytes > SPOOL_MEMORY_MAX - (3 << 20) && s->in_memory <= SPOOL_MEMORY_MAX);
        assert_true((policy == SPOOL_WAIT) == (refused != 0) && (policy == SPOOL_WAIT) == (f.dropped == 0));
        spool_close(s, true);
        clean_folder(NULL);
    }
}

/* Killed while some is in memory: what lies on the disk in front and behind shows that it is missing. */
static void killed_while_the_disk_is_full(void **state) {
    (void)state;
    struct spool *s = open_as(settings_of(1 << 20, SPOOL_WAIT), RUN);
    put(s, 1, 30);
    uint64_t last_on_disk = 30;
    rlim_t was = limit_files(SEGMENT_LARGEST);
    while (s->in_memory == 0) {
        last_on_disk++;
        put(s, last_on_disk, last_on_disk);
    }
    last_on_disk--;
    put(s, last_on_disk + 2, 60);
    kill_spool(s);
    limit_files(was);
    s = open_as(settings_of(1 << 20, SPOOL_WAIT), RUN); /* the same run goes on */
    expect_no_gap(s);
    put(s, 61, 70);
    expect_gap(s, (struct gap){0, last_on_disk + 1, 60, 0, GAP_SPOOL_DAMAGED});
    expect_no_gap(s);
    (void)expect(s, 1, last_on_disk);
    (void)expect(s, 61, 70);
    spool_close(s, true);
}

/* At the end there is still no room: what is in memory is lost, and the next run says so. */
static void the_end_with_a_full_disk(void **state) {
    (void)state;
    for (int later = 0; later < 2; later++) {
        struct spool *s = open_as(settings_of(1 << 20, SPOOL_WAIT), RUN);
        put(s, 1, 30);
        rlim_t was = limit_files(SEGMENT_LARGEST);
        uint64_t lost = 31;
        while (s->in_memory == 0) {
            put(s, lost, lost);
            lost++;
        }
        lost--;
        put(s, lost + 1, 80);
        limit_files(later ? was : SEGMENT_LARGEST); /* or there is room in the end */
        spool_close(s, true);
        limit_files(was);
        s = open_as(settings_of(1 << 20, SPOOL_WAIT), NEXT_RUN);
        if (!later) {
            expect_gap(s, (struct gap){RUN, lost, 80, 81 - lost, GAP_UNDELIVERED});
        }
        expect_no_gap(s);
        spool_done(s, expect(s, 1, later ? 80 : lost - 1));
        expect_nothing(s);
        spool_close(s, true);
        clean_folder(NULL);
    }
}

/* A real one, which needs root. */
static void a_full_file_system(void **state) {
    (void)state;
    char path[256];
    snprintf(path, sizeof path, "%s/small", folder);
    mkdir(path, 0700);
    if (mount("none", path, "tmpfs", 0, "size=400k") != 0) {
        print_message("no file system can be mounted: %s\n", strerror(errno));
        skip();
    }
    struct spool_settings settings = settings_of(1 << 20, SPOOL_WAIT);
    settings.directory = path;
    settings.sync = SPOOL_SYNC_ALWAYS;
    struct spool *s = open_as(settings, RUN);
    put(s, 1, 200);
    assert_int_equal(trouble_of(s), -ENOSPC);
    spool_done(s, expect(s, 1, 150));
    put(s, 201, 210);
    spool_tick(s, 2 * (uint64_t)SECOND);
    assert_int_equal(trouble_of(s), 0);
    kill_spool(s);
    s = open_as(settings, NEXT_RUN);
    spool_done(s, expect(s, 151, 210));
    spool_close(s, true);
    assert_int_equal(umount(path), 0);
}

/* ---- to the disk, as the setting says */

static void written_to_the_disk(void **state) {
    (void)state;
    struct spool_settings settings = settings_of(1 << 20, SPOOL_WAIT);
    settings.sync = SPOOL_SYNC_INTERVAL;
    settings.sync_ns = SECOND / 50;
    struct spool *s = open_as(settings, RUN);
    spool_tick(s, 1);
    put(s, 1, 30);
    spool_tick(s, 2); /* nothing waits so long */
    assert_true(s->synced < s->state.put);
    usleep(30000);
    spool_tick(s, SECOND / 50 + 2);
    assert_int_equal(s->synced, s->state.put);
    put(s, 31, 40);
    spool_done(s, expect(s, 1, 40));
    usleep(30000);
    spool_tick(s, SECOND);
    assert_true(s->synced < s->state.put); /* all is done: nothing to keep */
    spool_close(s, true);
    settings.sync = SPOOL_SYNC_ALWAYS;
    s = open_as(settings, RUN);
    put(s, 41, 50);
    assert_true(s->synced < s->state.put);
    (void)expect(s, 41, 41); /* not before it is safe */
    assert_int_equal(s->synced, s->state.put);
    put(s, 51, 51);
    (void)expect(s, 42, 45);
    assert_true(s->synced < s->state.put);
    spool_tick(s, SECOND);
    assert_int_equal(s->synced, s->state.put);
    spool_done(s, expect(s, 46, 51));
    spool_close(s, true);
}

/* ---- the folder */

static void another_process_has_it(void **state) {
    (void)state;
    struct spool_settings settings = settings_of(1 << 20, SPOOL_WAIT);
    int ready[2];
    assert_int_equal(pipe(ready), 0);
    pid_t child = fork();
    if (child == 0) {
        struct spool *own;
        int error = spool_open(&own, &settings, "out", RUN, 0, why);
        error = error || write(ready[1], "", 1) != 1;
        usleep(300000);
        _exit(error);
    }
    char byte;
    assert_int_equal(read(ready[0], &byte, 1), 1);
    struct spool *s = NULL;
    assert_int_equal(spool_open(&s, &settings, "out", NEXT_RUN, SECOND / 50, why), -EWOULDBLOCK);
    assert_null(s);
    assert_non_null(strstr(why, "/out: is in use by another process; stop that"));
    assert_int_equal(spool_open(&s, &settings, "out", NEXT_RUN, 10 * (uint64_t)SECOND, why), 0);
    spool_close(s, true);
    assert_int_equal(waitpid(child, NULL, 0), child);
    close(ready[0]);
    close(ready[1]);
}

/* What is not ours stays as it is, or gets out of the way. */
static void foreign_files(void **state) {
    (void)state;
    char path[256];
    leave_records(true, 0);
    path_of("segment-70", path);
    mkdir(path, 0700);
    path_of("segment-71", path);
    assert_int_equal(symlink("/dev/zero", path), 0);
    path_of("segment-72", path);
    assert_int_equal(mkfifo(path, 0600), 0);
    path_of("segment-73", path);
    close(open(path, O_WRONLY | O_CREAT, 0600));
    path_of("notes", path);
    close(open(path, O_WRONLY | O_CREAT, 0600));
    path_of("segment-74", path);
    int fd = open(path, O_WRONLY | O_CREAT, 0600);
    for (int i = 0; i < 1000; i++) {
        assert_int_equal(write(fd, "something else", 14), 14);
    }
    close(fd);
    account_for_all(true, 0, true);
    assert_int_equal(size_of("notes"), 0);
    assert_int_equal(size_of("segment-73"), -1);
    assert_int_equal(size_of("segment-74"), -1);
}

/* The same segment twice, as somebody copied it. */
static void a_copy(void **state) {
    (void)state;
    char command[600];
    leave_records(true, 0);
    snprintf(command, sizeof command, "cp %s/out/segment-2 %s/out/segment-9", folder, folder);
    assert_int_equal(system(command), 0);
    account_for_all(true, 0, true);
}

static void expect_refusal(const struct spool_settings *settings, const char *name, int error, const char *line) {
    struct spool *s = NULL;
    assert_int_equal(spool_open(&s, settings, name, RUN, 0, why), error);
    assert_null(s);
    if (!strstr(why, line)) {
        print_error("%s\n", why);
    }
    assert_non_null(strstr(why, line));
    assert_null(strchr(why, '\n'));
}

static void what_is_refused(void **state) {
    (void)state;
    char path[256];
    struct spool_settings settings = settings_of(1 << 20, SPOOL_WAIT);
    expect_refusal(&settings, "..", -ENAMETOOLONG, "name");
    leave_records(true, 0);
    overwrite("segment-1", 8, 1, 2);
    overwrite("segment-1", 10, 1, 0xFD);
    expect_refusal(
        &settings, "out", -EPROTO,
        "/out/segment-1: was written by another version of smbtap; let that deliver it, or remove the folder");
    clean_folder(NULL);
    snprintf(path, sizeof path, "%s/out", folder);
    close(open(path, O_WRONLY | O_CREAT, 0600));
    expect_refusal(&settings, "out", -ENOTDIR, "/out: is not a folder; remove it");
    unlink(path);
    mkdir(path, 0700);
    path_of("state", path);
    assert_int_equal(symlink("elsewhere", path), 0);
    expect_refusal(&settings, "out", -ELOOP, "/out/state: is a symbolic link; remove it");
    unlink(path);
    mkdir(path, 0700);
    expect_refusal(&settings, "out", -EISDIR, "/out/state: is a folder; remove it");
    rmdir(path);
    assert_int_equal(mkfifo(path, 0600), 0);
    expect_refusal(&settings, "out", -EINVAL, "/out/state: is not a file; remove it");
    settings.directory = "/nonexistent/spool";
    expect_refusal(&settings, "out", -ENOENT, "/nonexistent/spool: the folder does not exist; create it");
    settings.directory = "/dev/null";
    expect_refusal(&settings, "out", -ENOTDIR, "is not a folder");
}

static void wrong_permissions(void **state) {
    (void)state;
    pid_t child = fork();
    if (child == 0) {
        struct spool *s;
        struct spool_settings settings = settings_of(1 << 20, SPOOL_WAIT);
        char path[256];
        leave_records(true, 0);
        snprintf(path, sizeof path, "%s/out", folder);
        int error = chmod(path, 0) || (getuid() == 0 && setuid(65534) != 0);
        error = error || spool_open(&s, &settings, "out", RUN, 0, why) != -EACCES ||
                !strstr(why, "permission denied; give it to the user that smbtap runs as (chown, chmod u+rwx)");
        _exit(error);
    }
    int status = -1;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
    char path[256];
    snprintf(path, sizeof path, "%s/out", folder);
    chmod(path, 0700);
}

static void made_for_us_alone(void **state) {
    (void)state;
    char path[256];
    struct stat status;
    struct spool_settings settings = settings_of(1 << 20, SPOOL_WAIT);
    snprintf(path, sizeof path, "%s/out", folder);
    settings.directory = path; /* is made as well */
    mode_t was = umask(0);
    struct spool *s = open_as(settings, RUN);
    umask(was);
    assert_int_equal(stat(path, &status), 0);
    assert_int_equal(status.st_mode & 07777, 0700);
    strcat(path, "/out");
    assert_int_equal(stat(path, &status), 0);
    assert_int_equal(status.st_mode & 07777, 0700);
    spool_close(s, true);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(in_order, clean_folder),
        cmocka_unit_test_teardown(the_same_segments, clean_folder),
        cmocka_unit_test_teardown(a_restart, clean_folder),
        cmocka_unit_test_teardown(segments_used_again, clean_folder),
        cmocka_unit_test_teardown(many_restarts, clean_folder),
        cmocka_unit_test_teardown(a_killed_run, clean_folder),
        cmocka_unit_test_teardown(the_same_run_again, clean_folder),
        cmocka_unit_test(a_loss_is_untold_until_its_record_is_done),
        cmocka_unit_test_teardown(the_oldest_goes, clean_folder),
        cmocka_unit_test_teardown(the_newest_goes, clean_folder),
        cmocka_unit_test_teardown(what_memory_alone_has, clean_folder),
        cmocka_unit_test_teardown(it_waits, clean_folder),
        cmocka_unit_test_teardown(as_many_segments, clean_folder),
        cmocka_unit_test_teardown(gaps_come_back, clean_folder),
        cmocka_unit_test_teardown(a_refused_gap_comes_back, clean_folder),
        cmocka_unit_test_teardown(gaps_stay, clean_folder),
        cmocka_unit_test_teardown(set_aside, clean_folder),
        cmocka_unit_test_teardown(set_aside_in_memory, clean_folder),
        cmocka_unit_test_teardown(many_set_aside, clean_folder),
        cmocka_unit_test_teardown(killed_at_any_moment, clean_folder),
        cmocka_unit_test_teardown(nothing_is_damaged, clean_folder),
        cmocka_unit_test_teardown(a_power_cut, clean_folder),
        cmocka_unit_test_teardown(bits_turn, clean_folder),
        cmocka_unit_test_teardown(a_file_is_gone, clean_folder),
        cmocka_unit_test_teardown(a_file_is_cut, clean_folder),
        cmocka_unit_test_teardown(a_torn_state, clean_folder),
        cmocka_unit_test_teardown(a_power_cut_without_a_sync, clean_folder),
        cmocka_unit_test_teardown(damage_is_told_once, clean_folder),
        cmocka_unit_test_teardown(the_folder_is_removed, clean_folder),
        cmocka_unit_test_teardown(the_disk_is_full_for_a_while, clean_folder),
        cmocka_unit_test_teardown(memory_has_a_bound, clean_folder),
        cmocka_unit_test_teardown(killed_while_the_disk_is_full, clean_folder),
        cmocka_unit_test_teardown(the_end_with_a_full_disk, clean_folder),
        cmocka_unit_test_teardown(a_full_file_system, clean_folder),
        cmocka_unit_test_teardown(written_to_the_disk, clean_folder),
        cmocka_unit_test_teardown(another_process_has_it, clean_folder),
        cmocka_unit_test_teardown(foreign_files, clean_folder),
        cmocka_unit_test_teardown(a_copy, clean_folder),
        cmocka_unit_test_teardown(what_is_refused, clean_folder),
        cmocka_unit_test_teardown(wrong_permissions, clean_folder),
        cmocka_unit_test_teardown(made_for_us_alone, clean_folder),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
