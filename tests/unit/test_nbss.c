/* The framer: the same messages however the stream is cut, whatever is whole behind a gap, and nothing that was not sent. */
#include "nbss.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "../../dissectors/nbss_pool.h"
#include "../../dissectors/resync.h"
#include "frames.h"
#include "sparse.h"

/* Where a message of the stream is, in bytes of the stream. */
struct place {
    size_t frame, begin, whole_end, end, frame_end;
};

struct stream {
    struct wire w;
    unsigned count;
    struct place places[64];
};

static void mark(struct stream *s, size_t frame, size_t begin, size_t whole_end, size_t end) {
    s->places[s->count++] = (struct place){frame, begin, whole_end, end, 0};
}

static void close_frame(struct stream *s, size_t frame) {
    frame_close(&s->w, frame);
    for (unsigned i = 0; i < s->count; i++) {
        if (s->places[i].frame == frame) {
            s->places[i].frame_end = s->w.n;
        }
    }
}

static void keep_alive(struct wire *w) {
    put_bytes(w, "\x85\0\0\0", 4);
}

static void one(struct stream *s, uint64_t id, size_t name) {
    size_t f = frame_open(&s->w);
    size_t at = put_create(&s->w, id, name);
    mark(s, f, at, s->w.n, s->w.n);
    close_frame(s, f);
}

static void one_write(struct stream *s, uint64_t id, const void *data, size_t n) {
    size_t f = frame_open(&s->w);
    size_t at = put_write(&s->w, id, data, n);
    mark(s, f, at, at + 112, s->w.n);
    close_frame(s, f);
}

/* CREATE, WRITE, CLOSE in one frame: an element behind a payload. */
static void compound(struct stream *s, uint64_t id, size_t n) {
    static const uint8_t data[512] = {0xfe, 'S', 'M', 'B', 64, 0};
    size_t f = frame_open(&s->w);
    size_t at = put_create(&s->w, id, 13);
    chain_here(&s->w, at);
    mark(s, f, at, s->w.n, s->w.n);
    at = put_write(&s->w, id + 1, data, n);
    chain_here(&s->w, at);
    mark(s, f, at, at + 112, s->w.n);
    at = put_close(&s->w, id + 2);
    mark(s, f, at, s->w.n, s->w.n);
    close_frame(s, f);
}

static void one_transform(struct stream *s, size_t n) {
    size_t f = frame_open(&s->w);
    size_t at = put_transform(&s->w, n);
    mark(s, f, at, at + 52, s->w.n);
    close_frame(s, f);
}

static struct stream *requests_behind(uint64_t id) {
    static const uint8_t data[300];
    struct stream *s = calloc(1, sizeof *s);
    assert_non_null(s);
    one(s, id + 1, 20);
    keep_alive(&s->w);
    compound(s, id + 2, 101);
    one_write(s, id + 5, data, sizeof data);
    one_transform(s, 77);
    one_write(s, id + 6, data, 0);
    compound(s, id + 7, 8);
    one(s, id + 10, 1);
    return s;
}

static struct stream *requests(void) {
    return requests_behind(0);
}

/* Compares what was recorded with the stream, which lost nothing. */
static void assert_all(const struct stream *s, const struct recorder *r) {
    assert_int_equal(r->count, s->count);
    assert_int_equal(faults_in_all(r), 0);
    for (unsigned i = 0; i < s->count; i++) {
        const struct place *p = &s->places[i];
        const struct message *m = &r->items[i].m;
        assert_int_equal(m->length, p->end - p->begin);
        assert_int_equal(m->bytes.n, p->whole_end - p->begin);
        assert_memory_equal(r->items[i].bytes, s->w.b + p->begin, m->bytes.n);
        assert_int_equal(m->missing, 0);
        assert_int_equal(m->first, i == 0 || s->places[i - 1].frame != p->frame);
        assert_int_equal(m->last, i + 1 == s->count || s->places[i + 1].frame != p->frame);
    }
}

static void test_whole(void **state) {
    (void)state;
    struct stream *s = requests();
    struct bench b;
    bench_open(&b, true);
    bench_bytes(&b, TO_SERVER, wire_view(&s->w, 0, s->w.n));
    assert_int_equal(b.budget.held, 0);
    assert_all(s, b.r);
    assert_int_equal(b.r->items[2].m.payload, 101);
    bench_end(&b);
    bench_close(&b);
    free(s);
}

static void test_every_split(void **state) {
    (void)state;
    struct stream *s = requests();
    for (size_t at = 0; at <= s->w.n; at++) {
        struct bench b;
        bench_open(&b, true);
        bench_bytes(&b, TO_SERVER, wire_view(&s->w, 0, at));
        bench_bytes(&b, TO_SERVER, wire_view(&s->w, at, s->w.n));
        assert_all(s, b.r);
        for (unsigned i = 0; i < s->count; i++) {
            const struct place *p = &s->places[i];
            size_t begin = b.r->items[i].m.first ? p->frame : p->begin;
            assert_int_equal(b.r->items[i].m.begin.frame, begin < at ? 1 : 2);
            assert_int_equal(b.r->items[i].m.end.frame, p->end <= at ? 1 : 2);
        }
        assert_int_equal(b.budget.held, 0);
        bench_end(&b);
        bench_close(&b);
    }
    free(s);
}

static void test_byte_by_byte(void **state) {
    (void)state;
    struct stream *s = requests();
    struct bench b;
    bench_open(&b, true);
    for (size_t at = 0; at < s->w.n; at++) {
        bench_bytes(&b, TO_SERVER, wire_view(&s->w, at, at + 1));
    }
    assert_all(s, b.r);
    for (unsigned i = 0; i < s->count; i++) {
        size_t begin = b.r->items[i].m.first ? s->places[i].frame : s->places[i].begin;
        assert_int_equal(b.r->items[i].m.begin.frame, begin + 1);
        assert_int_equal(b.r->items[i].m.end.frame, s->places[i].end);
    }
    bench_end(&b);
    bench_close(&b);
    free(s);
}

static uint32_t next_random(uint32_t *seed) {
    *seed ^= *seed << 13;
    *seed ^= *seed >> 17;
    *seed ^= *seed << 5;
    return *seed;
}

static void test_random_cuts(void **state) {
    (void)state;
    struct stream *s = requests();
    uint32_t seed = 0x5eed;
    for (unsigned round = 0; round < 2000; round++) {
        struct bench b;
        bench_open(&b, true);
        for (size_t at = 0; at < s->w.n;) {
            size_t n = 1 + next_random(&seed) % 200;
            size_t end = n < s->w.n - at ? at + n : s->w.n;
            bench_bytes(&b, TO_SERVER, wire_view(&s->w, at, end));
            at = end;
        }
        assert_all(s, b.r);
        bench_end(&b);
        bench_close(&b);
    }
    free(s);
}

static void test_two_directions_do_not_mix(void **state) {
    (void)state;
    struct stream *s = requests();
    struct bench b;
    bench_open(&b, true);
    for (size_t at = 0; at < s->w.n; at += 50) {
        size_t end = at + 50 < s->w.n ? at + 50 : s->w.n;
        bench_bytes(&b, TO_SERVER, wire_view(&s->w, at, end));
        bench_bytes(&b, TO_CLIENT, wire_view(&s->w, at, end));
    }
    assert_int_equal(b.r->count, 2 * s->count);
    for (unsigned i = 0; i < b.r->count; i += 2) {
        struct recorded other = b.r->items[i + 1];
        assert_int_equal(other.dir, TO_CLIENT);
        other.dir = TO_SERVER;
        assert_true(same_message(&b.r->items[i], &other));
    }
    bench_end(&b);
    bench_close(&b);
    free(s);
}

static size_t overlap(size_t a, size_t b, size_t from, size_t to) {
    size_t low = a > from ? a : from;
    size_t high = b < to ? b : to;
    return high > low ? high - low : 0;
}

/* The place of the stream that a recorded message is, which has lost what lies between from and to. */
static unsigned place_of(const struct stream *s, const struct recorded *r, unsigned i) {
    while (i < s->count && (r->m.bytes.n == 0 || memcmp(r->bytes, s->w.b + s->places[i].begin, r->m.bytes.n) != 0)) {
        i++;
    }
    return i;
}

/* What the gap leaves of one message, held against what was recorded. */
static void assert_with_gap(const struct recorded *r, const struct place *p, size_t from, size_t to) {
    size_t lost = overlap(p->begin, p->end, from, to);
    assert_true(p->begin < from || p->begin >= to);
    size_t front = from > p->begin && from < p->whole_end ? from - p->begin : p->whole_end - p->begin;
    assert_int_equal(r->m.bytes.n, front);
    if (front >= 24 || r->m.length == p->end - p->begin) {
        assert_int_equal(r->m.length, p->end - p->begin);
        assert_int_equal(r->m.missing, lost);
    } else { /* NextCommand was lost as well: the length is that of the frame's rest */
        assert_int_equal(r->m.length, p->frame_end - p->begin);
        assert_int_equal(r->m.missing, overlap(p->begin, p->frame_end, from, to));
    }
}

/* May be told from what is left of the stream: the message itself, and all headers of its frame before it. */
static bool findable(const struct stream *s, unsigned i, size_t from, size_t to) {
    const struct place *p = &s->places[i];
    if (p->end <= from) {
        return true;
    }
    if (p->frame >= to) {
        return true;
    }
    if (overlap(p->frame, p->begin + 24, from, to) != 0) {
        return false;
    }
    for (unsigned k = 0; k < i; k++) {
        if (s->places[k].frame == p->frame && overlap(s->places[k].begin, s->places[k].begin + 64, from, to) != 0) {
            return false;
        }
    }
    return p->begin < from || to <= p->begin;
}

static void run_gap(const struct stream *s, size_t from, size_t to) {
    struct bench b;
    bench_open(&b, true);
    if (from > 0) {
        bench_bytes(&b, TO_SERVER, wire_view(&s->w, 0, from));
    }
    bench_gap(&b, TO_SERVER, to - from);
    bench_bytes(&b, TO_SERVER, wire_view(&s->w, to, s->w.n));
    bench_end(&b);
    unsigned next = 0;
    bool found[64] = {false};
    for (unsigned i = 0; i < b.r->count; i++) {
        unsigned at = place_of(s, &b.r->items[i], next);
        assert_true(at < s->count); /* nothing invented, nothing twice, nothing out of order */
        assert_with_gap(&b.r->items[i], &s->places[at], from, to);
        found[at] = true;
        next = at + 1;
    }
    for (unsigned i = 0; i < s->count; i++) {
        if (findable(s, i, from, to) && !found[i]) {
            fail_msg("gap %zu..%zu: message %u at %zu is not found", from, to, i, s->places[i].begin);
        }
    }
    bench_close(&b);
}

static void test_every_gap(void **state) {
    (void)state;
    static const size_t lengths[] = {1, 2, 3, 4, 7, 24, 60, 64, 65, 112, 130, 200, 333, 500};
    struct stream *s = requests();
    for (unsigned k = 0; k < sizeof lengths / sizeof *lengths; k++) {
        for (size_t from = 0; from + lengths[k] <= s->w.n; from++) {
            run_gap(s, from, from + lengths[k]);
        }
    }
    free(s);
}

/* A gap that is longer than anything a length field could say. */
static void test_gap_beyond_all(void **state) {
    (void)state;
    struct stream *s = requests(), *more = requests_behind(20);
    for (size_t from = 0; from < s->w.n; from++) {
        struct bench b;
        bench_open(&b, true);
        if (from > 0) {
            bench_bytes(&b, TO_SERVER, wire_view(&s->w, 0, from));
        }
        bench_gap(&b, TO_SERVER, UINT64_MAX);
        bench_gap(&b, TO_SERVER, UINT64_MAX);
        unsigned before = b.r->count;
        bench_bytes(&b, TO_SERVER, wire_view(&more->w, 0, more->w.n));
        assert_int_equal(b.r->count - before, more->count);
        bench_end(&b);
        bench_close(&b);
    }
    free(more);
    free(s);
}

static void test_mid_stream(void **state) {
    (void)state;
    struct stream *s = requests();
    for (size_t from = 0; from < s->w.n; from++) {
        struct bench b;
        bench_open(&b, false);
        bench_bytes(&b, TO_SERVER, wire_view(&s->w, from, s->w.n));
        bench_end(&b);
        unsigned first = 0;
        while (first < s->count && s->places[first].frame < from) {
            first++;
        }
        assert_int_equal(b.r->count, s->count - first);
        for (unsigned i = 0; i < b.r->count; i++) {
            assert_memory_equal(b.r->items[i].bytes, s->w.b + s->places[first + i].begin, b.r->items[i].m.bytes.n);
            assert_int_equal(b.r->items[i].m.missing, 0);
        }
        bench_close(&b);
    }
    free(s);
}

static void mid_stream_in_pieces(const struct stream *s, size_t from, size_t piece) {
    struct bench b;
    bench_open(&b, false);
    for (size_t at = from; at < s->w.n; at += piece) {
        bench_bytes(&b, TO_SERVER, wire_view(&s->w, at, at + piece < s->w.n ? at + piece : s->w.n));
    }
    bench_end(&b);
    unsigned first = 0;
    while (first < s->count && s->places[first].frame < from) {
        first++;
    }
    assert_int_equal(b.r->count, s->count - first);
    for (unsigned i = 0; i < b.r->count; i++) {
        const struct place *p = &s->places[first + i];
        const struct message *m = &b.r->items[i].m;
        assert_memory_equal(b.r->items[i].bytes, s->w.b + p->begin, m->bytes.n);
        size_t begin = m->first ? p->frame : p->begin;
        if (piece >= 13) { /* of smaller segments not all are told apart: RESYNC_MARKS */
            assert_int_equal(m->begin.frame, (begin - from) / piece + 1);
        }
    }
    bench_close(&b);
}

/* The search finds the same messages when the stream comes in small pieces. */
static void test_mid_stream_in_pieces(void **state) {
    (void)state;
    struct stream *s = requests();
    for (size_t piece = 1; piece < 100; piece += piece < 10 ? 1 : 13) {
        for (size_t from = 1; from < s->w.n; from += 7) {
            mid_stream_in_pieces(s, from, piece);
        }
    }
    free(s);
}

/* Folded wherever nothing is begun, and unfolded before the next byte; picked up in the middle as well. */
static void test_folded(void **state) {
    (void)state;
    struct stream *s = requests();
    for (unsigned start_seen = 0; start_seen < 2; start_seen++) {
        struct bench b;
        unsigned folded = 0;
        bench_open(&b, start_seen);
        for (size_t at = 0; at < s->w.n; at++) {
            if (nbss_idle(b.n)) {
                uint8_t bytes[NBSS_FOLDED_ROOM + SPARSE_SLACK];
                struct framer_sink sink = {b.r, record_message, record_fault, NULL};
                size_t n = nbss_fold(b.n, bytes);
                memset(b.n, 0xAA, nbss_size());
                b.n = nbss_unfold(b.n, b.pool, &sink, &b.budget, (struct view){bytes, n});
                folded++;
            }
            bench_bytes(&b, TO_SERVER, wire_view(&s->w, at, at + 1));
        }
        bench_end(&b);
        assert_true(folded > s->count / 2);
        assert_int_equal(b.r->count, s->count);
        if (start_seen) {
            assert_all(s, b.r);
        }
        bench_close(&b);
    }
    free(s);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_whole),
        cmocka_unit_test(test_every_split),
        cmocka_unit_test(test_byte_by_byte),
        cmocka_unit_test(test_random_cuts),
        cmocka_unit_test(test_two_directions_do_not_mix),
        cmocka_unit_test(test_every_gap),
        cmocka_unit_test(test_gap_beyond_all),
        cmocka_unit_test(test_mid_stream),
        cmocka_unit_test(test_mid_stream_in_pieces),
        cmocka_unit_test(test_folded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
