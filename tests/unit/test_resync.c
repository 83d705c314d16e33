/* Resynchronisation where the file data is full of false SMB headers: all that is whole is found, nothing is invented. */
#include "../../dissectors/resync.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "frames.h"

enum { FOREIGN_SESSION = 0x7777, MSS = 1460, TRUE_MAX = 128 };

/* A frame as a capture of some other connection, or an earlier part of this one, would hold it. */
static void put_false_frame(struct wire *w, uint64_t id, uint64_t session) {
    size_t f = frame_open(w);
    put_header(w, SMB2_CREATE, 0, id, session);
    put_body(w, 57, 56 + 60);
    frame_close(w, f);
}

/* File data: a capture file, frames with the headers of packets between them; or a stream's content, frame behind frame. */
static void false_data(struct wire *data, bool back_to_back, uint64_t session, size_t n) {
    data->n = 0;
    for (uint64_t id = 1; data->n + 400 < n; id++) {
        if (!back_to_back) {
            put_fill(data, (uint8_t)id, 16 + 54);
        }
        put_false_frame(data, id, session);
    }
    put_fill(data, 0, n - data->n);
}

struct run {
    struct wire w, data;
    size_t starts[TRUE_MAX];
    unsigned count;
};

static void add_close(struct run *r, uint64_t id) {
    r->starts[r->count++] = r->w.n;
    size_t f = frame_open(&r->w);
    put_close(&r->w, id);
    frame_close(&r->w, f);
}

static void add_write(struct run *r, uint64_t id, size_t n) {
    r->starts[r->count++] = r->w.n;
    size_t f = frame_open(&r->w);
    put_write(&r->w, id, r->data.b, n);
    frame_close(&r->w, f);
}

/* Is it one that was sent? Their ids are 1000 and more, at the place where the id of a frame at starts[] stands. */
static bool genuine(const struct run *r, const struct recorded *m, bool *found) {
    for (unsigned i = 0; i < r->count; i++) {
        if (m->m.bytes.n >= 64 && memcmp(m->bytes, r->w.b + r->starts[i] + 4, 64) == 0) {
            found[i] = true;
            return true;
        }
    }
    return false;
}

/* Sends segments from the list of their ends, without those that begin in lost; all frames behind the loss that begin a segment, and
 * all before, have to be found. */
static void send_with_loss(const struct run *r, size_t mss, size_t from, size_t to, bool start_seen) {
    struct bench b;
    bench_open(&b, start_seen);
    size_t lost_end = 0;
    for (size_t at = 0; at < r->w.n;) {
        size_t end = at + mss < r->w.n ? at + mss : r->w.n;
        for (unsigned i = 0; i < r->count; i++) { /* a sender that pauses between messages */
            if (r->starts[i] > at && r->starts[i] < end) {
                end = r->starts[i];
            }
        }
        if (at < to && end > from) {
            bench_gap(&b, TO_SERVER, end - at);
            lost_end = end;
        } else {
            bench_bytes(&b, TO_SERVER, wire_view(&r->w, at, end));
        }
        at = end;
    }
    bench_end(&b);
    bool found[TRUE_MAX] = {false};
    for (unsigned i = 0; i < b.r->count; i++) {
        if (!genuine(r, &b.r->items[i], found)) {
            fail_msg("loss %zu..%zu: invented", from, to);
        }
    }
    for (unsigned i = 0; i < r->count; i++) {
        if (r->starts[i] >= lost_end && !found[i]) {
            fail_msg("loss %zu..%zu: message at %zu is not found", from, to, r->starts[i]);
        }
    }
    bench_close(&b);
}

static void losses(bool back_to_back, uint64_t session) {
    struct run *r = calloc(1, sizeof *r);
    assert_non_null(r);
    false_data(&r->data, back_to_back, session, 16000);
    add_close(r, 1000);
    add_write(r, 1001, 16000);
    add_close(r, 1002);
    add_write(r, 1003, 16000);
    add_close(r, 1004);
    add_close(r, 1005);
    for (size_t from = r->starts[1]; from < r->w.n; from += 97) {
        send_with_loss(r, MSS, from, from + 1, true);
        send_with_loss(r, MSS, from, from + 3000, true);
        send_with_loss(r, 536, from, from + 17000, true);
        send_with_loss(r, 9000, from, from + 1, true);
    }
    free(r);
}

static void test_capture_file(void **state) {
    (void)state;
    losses(false, FOREIGN_SESSION);
}

static void test_stream_of_another_session(void **state) {
    (void)state;
    losses(true, FOREIGN_SESSION);
}

static void test_stream_of_this_session(void **state) {
    (void)state;
    losses(true, SESSION);
}

/* Picked up in the middle of such data: the first message behind it is found. */
static void test_mid_stream(void **state) {
    (void)state;
    struct run *r = calloc(1, sizeof *r);
    assert_non_null(r);
    false_data(&r->data, false, FOREIGN_SESSION, 30000);
    add_write(r, 1001, 30000);
    add_close(r, 1002);
    add_write(r, 1003, 10000);
    add_close(r, 1004);
    for (size_t from = 1000; from < 28000; from += 97) {
        send_with_loss(r, MSS, 0, from, false);
    }
    free(r);
}

/* Pipelined bulk data, in which no segment ends with a message: each lost header costs its own message alone. */
static void test_pipelined_writes(void **state) {
    (void)state;
    struct run *r = calloc(1, sizeof *r);
    assert_non_null(r);
    for (unsigned i = 0; i < 12; i++) {
        add_write(r, 1000 + i, 5000 + i);
    }
    for (size_t lost = MSS; lost + MSS < r->w.n; lost += MSS) {
        struct bench b;
        bench_open(&b, true);
        for (size_t at = 0; at < r->w.n; at += MSS) {
            size_t end = at + MSS < r->w.n ? at + MSS : r->w.n;
            if (at == lost) {
                bench_gap(&b, TO_SERVER, MSS);
            } else {
                bench_bytes(&b, TO_SERVER, wire_view(&r->w, at, end));
            }
        }
        bench_end(&b);
        bool found[TRUE_MAX] = {false};
        for (unsigned i = 0; i < b.r->count; i++) {
            assert_true(genuine(r, &b.r->items[i], found));
        }
        for (unsigned i = 0; i < r->count; i++) {
            bool head_lost = r->starts[i] + 116 > lost && r->starts[i] < lost + MSS;
            assert_true(found[i] || head_lost);
        }
        bench_close(&b);
    }
    free(r);
}

/* READ responses larger than the window, their headers in the middle of segments, a gap in each of them. */
static void test_large_reads(void **state) {
    (void)state;
    enum { DATA = 300 * 1024, FRAME = 4 + 80 + DATA, COUNT = 6 };
    uint8_t *all = calloc(COUNT, FRAME);
    struct wire *w = calloc(1, sizeof *w);
    assert_true(all && w);
    for (unsigned i = 0; i < COUNT; i++) {
        w->n = 0;
        size_t f = frame_open(w);
        size_t at = put_read_response(w, 1000 + i, "", 0);
        set(w, at + 68, DATA, 4);
        frame_close(w, f);
        w->b[1] = (FRAME - 4) >> 16;
        w->b[2] = (uint8_t)((FRAME - 4) >> 8);
        w->b[3] = (uint8_t)(FRAME - 4);
        memcpy(all + (size_t)i * FRAME, w->b, w->n);
    }
    struct bench b;
    bench_open(&b, true);
    size_t lost = 0;
    for (size_t at = 0, n = 0; at < (size_t)COUNT * FRAME; at += n) {
        n = (size_t)COUNT * FRAME - at < MSS ? (size_t)COUNT * FRAME - at : MSS;
        size_t in_frame = at % FRAME;
        bool header_of_second = at < FRAME && at + n > FRAME;
        if (header_of_second || (in_frame > 100000 && in_frame < 100000 + MSS)) {
            bench_gap(&b, TO_CLIENT, n);
            lost += n;
        } else {
            bench_bytes(&b, TO_CLIENT, (struct view){all + at, n});
        }
        assert_true(b.budget.held <= 2 * RESYNC_WINDOW + 8192);
    }
    bench_end(&b);
    assert_int_equal(b.r->count, COUNT - 1);
    for (unsigned i = 1; i < b.r->count; i++) {
        assert_int_equal(b.r->items[i].bytes[24], (1000 + i + 1) & 0xff);
        assert_int_equal(b.r->items[i].m.missing, MSS);
        assert_int_equal(b.r->items[i].m.payload, DATA);
    }
    assert_true(lost > 0);
    bench_close(&b);
    free(w);
    free(all);
}

/* A large message that is taken on trial and does not end where another begins was none. */
static void test_trial_fails(void **state) {
    (void)state;
    struct wire *w = calloc(1, sizeof *w);
    assert_non_null(w);
    put_fill(w, 0x55, 10);
    size_t f = frame_open(w);
    put_header(w, SMB2_WRITE, 0, 7, SESSION);
    put(w, 49, 2);
    put(w, 0x70, 2);
    put(w, 100000, 4);
    put_fill(w, 0, 40);
    frame_close(w, f);
    w->b[f + 1] = 1;
    w->b[f + 2] = (uint8_t)((100000 + 112) >> 8);
    w->b[f + 3] = (uint8_t)(100000 + 112);
    struct bench b;
    bench_open(&b, false);
    bench_bytes(&b, TO_SERVER, wire_view(w, 0, w->n));
    uint8_t noise[999];
    memset(noise, 0x55, sizeof noise);
    for (unsigned i = 0; i < 150; i++) {
        bench_bytes(&b, TO_SERVER, (struct view){noise, sizeof noise});
    }
    assert_int_equal(b.r->count, 0);
    assert_true(b.r->faults[FAULT_RESYNC] >= 1);
    w->n = 0;
    f = frame_open(w);
    put_close(w, 8);
    frame_close(w, f);
    bench_bytes(&b, TO_SERVER, wire_view(w, 0, w->n));
    assert_int_equal(b.r->count, 1);
    bench_end(&b);
    bench_close(&b);
    free(w);
}

/* The head of a large READ response in file data, of some session; it is taken on trial. Behind it what was asked and answered meanwhile. */
static unsigned found_behind_trial(uint64_t session) {
    enum { LENGTH = 100000 + 80 };
    struct wire *w = calloc(1, sizeof *w);
    assert_non_null(w);
    put_fill(w, 0x55, 10);
    size_t f = frame_open(w);
    put_header(w, SMB2_READ, SMB2_FLAGS_SERVER_TO_REDIR, 7, session);
    put(w, 17, 2);
    put(w, 80, 2);
    put(w, LENGTH - 80, 4);
    put_fill(w, 0, 108);
    frame_close(w, f);
    w->b[f + 1] = LENGTH >> 16;
    w->b[f + 2] = (uint8_t)(LENGTH >> 8 & 0xFF);
    w->b[f + 3] = (uint8_t)(LENGTH & 0xFF);
    struct bench b;
    bench_open(&b, false);
    bench_bytes(&b, TO_CLIENT, wire_view(w, 0, w->n));
    for (unsigned i = 0; i < 2; i++) {
        w->n = 0;
        f = frame_open(w);
        put_header(w, SMB2_CLOSE, i == 0 ? 0 : SMB2_FLAGS_SERVER_TO_REDIR, 8, SESSION);
        put_body(w, i == 0 ? 24 : 60, i == 0 ? 24 : 60);
        frame_close(w, f);
        bench_bytes(&b, i == 0 ? TO_SERVER : TO_CLIENT, wire_view(w, 0, w->n));
    }
    unsigned count = b.r->count;
    bench_end(&b);
    bench_close(&b);
    free(w);
    return count;
}

/* A large message that was taken on trial is none where the other side shows the session to be another. */
static void test_trial_of_another_session(void **state) {
    (void)state;
    assert_int_equal(found_behind_trial(FOREIGN_SESSION), 2);
    assert_int_equal(found_behind_trial(SESSION), 1); /* which goes on */
}

static void put_response(struct wire *w, uint64_t id) {
    size_t f = frame_open(w);
    put_read_response(w, id, "data", 4);
    frame_close(w, f);
}

static void put_read(struct wire *w, uint64_t id) {
    size_t f = frame_open(w);
    put_header(w, SMB2_READ, 0, id, SESSION);
    put_body(w, 49, 49);
    frame_close(w, f);
}

/* Picked up in the middle of a segment: what is found is doubtful until the server answers it; what comes behind is not. */
static void test_doubtful_until_answered(void **state) {
    (void)state;
    struct wire *w = calloc(1, sizeof *w);
    assert_non_null(w);
    struct bench b;
    bench_open(&b, false);
    put_fill(w, 0x55, 10);
    put_read(w, 7);
    put_read(w, 8);
    bench_bytes(&b, TO_SERVER, wire_view(w, 0, w->n));
    assert_int_equal(b.r->count, 2);
    assert_true(b.r->items[0].m.doubtful && b.r->items[1].m.doubtful);
    w->n = 0;
    put_fill(w, 0x55, 10);
    put_response(w, 7);
    bench_bytes(&b, TO_CLIENT, wire_view(w, 0, w->n));
    assert_int_equal(b.r->count, 3);
    assert_false(b.r->items[2].m.doubtful);
    w->n = 0;
    put_read(w, 9);
    bench_bytes(&b, TO_SERVER, wire_view(w, 0, w->n));
    assert_int_equal(b.r->count, 4);
    assert_false(b.r->items[3].m.doubtful);
    bench_end(&b);
    bench_close(&b);
    free(w);
}

/* What is doubtful and follows on the next byte is of one run, however it is cut; a gap ends it. */
static void test_runs(void **state) {
    (void)state;
    struct wire *w = calloc(1, sizeof *w);
    assert_non_null(w);
    struct bench b;
    bench_open(&b, false);
    put_fill(w, 0x55, 10);
    for (uint64_t id = 7; id < 10; id++) {
        put_read(w, id);
    }
    size_t whole = w->n;
    bench_bytes(&b, TO_SERVER, wire_view(w, 0, whole - 50));
    bench_bytes(&b, TO_SERVER, wire_view(w, whole - 50, whole));
    bench_gap(&b, TO_SERVER, 100);
    put_fill(w, 0x55, 10);
    put_read(w, 12);
    put_read(w, 13);
    bench_bytes(&b, TO_SERVER, wire_view(w, whole, w->n));
    assert_int_equal(b.r->count, 5);
    const struct recorded *m = b.r->items;
    assert_true(m[0].m.run != 0 && m[1].m.run == m[0].m.run && m[2].m.run == m[0].m.run);
    assert_true(m[3].m.run != 0 && m[3].m.run != m[0].m.run && m[4].m.run == m[3].m.run);
    bench_end(&b);
    bench_close(&b);
    free(w);
}

/* Of a session that was not seen: only what begins and ends as a segment does, and that is doubtful. */
static void test_strangers(void **state) {
    (void)state;
    struct wire *w = calloc(1, sizeof *w);
    assert_non_null(w);
    struct bench b;
    bench_open(&b, true);
    put_read(w, 1);
    bench_bytes(&b, TO_SERVER, wire_view(w, 0, w->n));
    bench_gap(&b, TO_SERVER, 500);
    w->n = 0;
    put_false_frame(w, 2, FOREIGN_SESSION);
    put_fill(w, 0, 1);
    bench_bytes(&b, TO_SERVER, wire_view(w, 0, w->n));
    assert_int_equal(b.r->count, 1);
    bench_bytes(&b, TO_SERVER, wire_view(w, 0, w->n - 1));
    assert_int_equal(b.r->count, 2);
    assert_true(b.r->items[1].m.doubtful);
    w->n = 0; /* in a stranger a message that is none: so the stranger is */
    size_t f = frame_open(w);
    put_header(w, SMB2_IOCTL, 0, 3, FOREIGN_SESSION);
    put_body(w, 57, 56);
    put_read(w, 2);
    frame_close(w, f);
    bench_bytes(&b, TO_SERVER, wire_view(w, 0, w->n));
    assert_int_equal(b.r->count, 3);
    assert_false(b.r->items[2].m.doubtful);
    assert_int_equal(b.r->items[2].bytes[12], SMB2_READ);
    bench_end(&b);
    bench_close(&b);
    free(w);
}

/* The gap ends where it will: the first whole message behind it is found, with nothing behind it. */
static void test_last_message(void **state) {
    (void)state;
    struct wire *w = calloc(1, sizeof *w);
    assert_non_null(w);
    for (size_t before = 0; before < 100; before++) {
        for (size_t behind = 0; behind < 30; behind += 29) {
            struct bench b;
            bench_open(&b, true);
            w->n = 0;
            put_read(w, 1);
            bench_bytes(&b, TO_SERVER, wire_view(w, 0, w->n));
            bench_gap(&b, TO_SERVER, 1460);
            w->n = 0;
            put_fill(w, 0x55, before);
            put_read(w, 3);
            size_t end = w->n;
            put_read(w, 4);
            bench_bytes(&b, TO_SERVER, wire_view(w, 0, end + behind));
            bench_gap(&b, TO_SERVER, 1);
            assert_true(b.r->count >= 2);
            assert_int_equal(b.r->items[1].bytes[24], 3);
            assert_false(b.r->items[1].m.doubtful);
            bench_end(&b);
            bench_close(&b);
        }
    }
    free(w);
}

/* The header of SMB1 has little to tell it by, so what there is has to fit: MS-CIFS 2.2.3.1 and 2.2.2.4. */
static void heads_of_smb1(void **state) {
    (void)state;
    static const struct {
        const char *what;
        size_t at; /* from the protocol id on; the byte there is changed */
        uint8_t byte;
        bool wanted;
    } cases[] = {
        {"a response to CLOSE", 0, 0xFF, true},
        {"ERRDOS", 5, 1, true},
        {"ERRCMD", 5, 0xFF, true},
        {"no class of DOS errors", 5, 0xA2, false},
        {"the byte between class and code", 6, 1, false},
        {"a request", 9, 0, false},
        {"words beyond the end", 32, 3, false},
        {"fewer bytes than there are", 33, 0, true},
        {"bytes beyond the end", 33, 9, false},
        {"Reserved", 22, 1, false},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        uint8_t frame[4 + 37] = {0, 0, 0, 37, 0xFF, 'S', 'M', 'B', 0x04, [4 + 9] = 0x80, [4 + 33] = 2};
        frame[4 + cases[i].at] = cases[i].byte;
        enum resync_answer answer = resync_head((struct view){frame, sizeof frame}, TO_CLIENT);
        if ((answer == RESYNC_PROVEN) != cases[i].wanted) {
            fail_msg("%s: %d", cases[i].what, (int)answer);
        }
    }
    /* The "go on" of WRITE_RAW looks like a request from Samba: it has one word and no bytes. */
    static const struct {
        uint8_t command, words, length;
        enum direction dir;
        bool wanted;
    } raw[] = {{0x1D, 1, 37, TO_CLIENT, true},   {0x1D, 1, 37, TO_SERVER, false}, {0x1D, 0, 37, TO_CLIENT, false},
               {0x1D, 12, 59, TO_CLIENT, false}, {0x1D, 1, 38, TO_CLIENT, false}, {0x04, 1, 37, TO_CLIENT, false}};
    for (size_t i = 0; i < sizeof raw / sizeof raw[0]; i++) {
        uint8_t frame[4 + 59] = {0, 0, 0, raw[i].length, 0xFF, 'S', 'M', 'B', raw[i].command, [4 + 32] = raw[i].words};
        struct view v = {frame, 4 + (size_t)raw[i].length};
        assert_int_equal(resync_head(v, raw[i].dir) == RESYNC_PROVEN, raw[i].wanted);
    }
    /* With NT status (Flags2) any status goes. */
    uint8_t frame[4 + 35] = {0, 0, 0, 35, 0xFF, 'S', 'M', 'B', 0x04, 0x22, 0, 0, 0xC0, 0x80, 0, 0x40};
    assert_int_equal(resync_head((struct view){frame, sizeof frame}, TO_CLIENT), RESYNC_PROVEN);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_capture_file),
        cmocka_unit_test(test_stream_of_another_session),
        cmocka_unit_test(test_stream_of_this_session),
        cmocka_unit_test(test_mid_stream),
        cmocka_unit_test(test_pipelined_writes),
        cmocka_unit_test(test_large_reads),
        cmocka_unit_test(test_trial_fails),
        cmocka_unit_test(test_trial_of_another_session),
        cmocka_unit_test(heads_of_smb1),
        cmocka_unit_test(test_doubtful_until_answered),
        cmocka_unit_test(test_runs),
        cmocka_unit_test(test_strangers),
        cmocka_unit_test(test_last_message),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
