/* The framer's limits, and lengths that lie: counted, never more than asked for is held, and decoding goes on. */
#include "nbss.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "../../dissectors/nbss_pool.h"
#include "frames.h"

static void put_frame_close(struct wire *w, uint64_t id) {
    size_t f = frame_open(w);
    put_close(w, id);
    frame_close(w, f);
}

/* Feeds w whole and byte by byte: the same messages and faults; returns the first recorder. */
static struct recorder *both_ways(const struct wire *w) {
    struct bench whole, bytes;
    bench_open(&whole, true);
    bench_open(&bytes, true);
    bench_bytes(&whole, TO_SERVER, wire_view(w, 0, w->n));
    for (size_t at = 0; at < w->n; at++) {
        bench_bytes(&bytes, TO_SERVER, wire_view(w, at, at + 1));
    }
    bench_end(&whole);
    bench_end(&bytes);
    assert_int_equal(whole.r->count, bytes.r->count);
    for (unsigned i = 0; i < whole.r->count; i++) {
        assert_true(same_message(&whole.r->items[i], &bytes.r->items[i]));
    }
    assert_memory_equal(whole.r->faults, bytes.r->faults, sizeof whole.r->faults);
    bench_close(&bytes);
    nbss_pool_free(whole.pool);
    return whole.r;
}

/* w, and behind it a good message: that is found; returns what was recorded before it. */
static struct recorder *then_goes_on(struct wire *w) {
    put_frame_close(w, 99);
    struct recorder *r = both_ways(w);
    assert_in_range(r->count, 1, RECORDED_MAX);
    r->count--;
    assert_int_equal(r->items[r->count].m.length, 88);
    assert_int_equal(r->items[r->count].bytes[24], 99);
    assert_int_equal(r->items[r->count].m.missing, 0);
    return r;
}

static struct wire *wire_new(void) {
    struct wire *w = calloc(1, sizeof *w);
    assert_non_null(w);
    return w;
}

static void finish(struct wire *w, struct recorder *r, enum framer_fault fault, unsigned times, unsigned messages) {
    assert_int_equal(r->faults[fault], times);
    assert_int_equal(faults_in_all(r), times);
    assert_int_equal(r->count, messages);
    free(r);
    free(w);
}

static void test_control_packets(void **state) {
    (void)state;
    struct wire *w = wire_new();
    size_t request = w->n;
    put(w, 0x44000081, 4);
    put_fill(w, 'A', 0x44);
    assert_int_equal(w->n - request, 0x48);
    put_bytes(w, "\x82\0\0\0", 4);
    put_bytes(w, "\x83\0\0\1\x80", 5);
    put_bytes(w, "\x84\0\0\6\1\2\3\4\5\6", 10);
    put_bytes(w, "\x85\0\0\0\x85\0\0\0", 8);
    finish(w, then_goes_on(w), FAULT_NBSS_LENGTH, 0, 0);
}

static void test_control_lengths(void **state) {
    (void)state;
    struct wire *w = wire_new();
    put_bytes(w, "\x85\0\0\2\1\1", 6);
    put_bytes(w, "\x82\0\0\1\1", 5);
    finish(w, then_goes_on(w), FAULT_NBSS_LENGTH, 2, 0);
}

static void test_tiny_frames(void **state) {
    (void)state;
    struct wire *w = wire_new();
    put_bytes(w, "\0\0\0\0", 4);
    put_bytes(w, "\0\0\0\3\xfeSM", 7);
    put_bytes(w, "\0\0\0\4\xfeSMB", 8);
    size_t f = frame_open(w);
    put_header(w, SMB2_ECHO, 0, 1, SESSION);
    w->n--;
    frame_close(w, f);
    put_bytes(w, "\0\0\0\x10\xfdSMB............", 20);
    put_bytes(w, "\0\0\0\x10\xffSMB............", 20);
    put_bytes(w, "\0\0\0\x0f\xfcSMB...........", 19);
    finish(w, then_goes_on(w), FAULT_NBSS_LENGTH, 7, 0);
}

/* A header and nothing else goes out with its last byte, not with the next one. */
static void test_bare_header(void **state) {
    (void)state;
    struct wire *w = wire_new();
    size_t f = frame_open(w);
    put_header(w, SMB2_ECHO, 0, 1, SESSION);
    frame_close(w, f);
    struct bench b;
    bench_open(&b, true);
    bench_bytes(&b, TO_SERVER, wire_view(w, 0, 30));
    bench_bytes(&b, TO_SERVER, wire_view(w, 30, w->n));
    assert_int_equal(b.r->count, 1);
    bench_end(&b);
    bench_close(&b);
    finish(w, then_goes_on(w), FAULT_CHAIN, 0, 1);
}

static void test_alien_frame_between_messages(void **state) {
    (void)state;
    struct wire *w = wire_new();
    put_frame_close(w, 1);
    put_bytes(w, "\0\0\0\x0aHello.....", 14);
    finish(w, then_goes_on(w), FAULT_PROTOCOL_ID, 1, 1);
}

static void test_wrong_type(void **state) {
    (void)state;
    struct wire *w = wire_new();
    put_frame_close(w, 1);
    put_bytes(w, "GET / HTTP/1.1\r\n\r\n", 18);
    put_frame_close(w, 99);
    struct bench b;
    bench_open(&b, true);
    bench_bytes(&b, TO_SERVER, wire_view(w, 0, w->n));
    assert_int_equal(b.r->count, 2);
    assert_int_equal(b.r->faults[FAULT_NBSS_TYPE], 1);
    assert_int_equal(b.r->faults[FAULT_RESYNC], 1);
    bench_end(&b);
    bench_close(&b);
    free(w);
}

/* A stream that never was SMB: everything is passed over, and nothing is held. */
static void test_other_protocol(void **state) {
    (void)state;
    struct bench b;
    bench_open(&b, true);
    uint8_t block[1460];
    uint32_t x = 1;
    for (unsigned i = 0; i < 1000; i++) {
        for (size_t k = 0; k < sizeof block; k++) {
            x = x * 1664525 + 1013904223;
            block[k] = (uint8_t)(x >> 24);
        }
        bench_bytes(&b, TO_CLIENT, (struct view){block, sizeof block});
        assert_true(b.budget.held < 16 * 1024);
    }
    assert_int_equal(b.r->count, 0);
    assert_int_equal(b.r->faults[FAULT_RESYNC], 1);
    bench_end(&b);
    bench_close(&b);
}

static void chain_lie(uint32_t next) {
    struct wire *w = wire_new();
    size_t f = frame_open(w);
    size_t at = put_create(w, 1, 12);
    chain_here(w, at);
    put_close(w, 2);
    set(w, at + 20, next, 4);
    frame_close(w, f);
    uint32_t length = (uint32_t)(w->n - f - 4);
    struct recorder *r = then_goes_on(w);
    assert_int_equal(r->items[0].m.length, length);
    assert_int_equal(r->items[0].m.bytes.n, length);
    assert_true(r->items[0].m.last);
    finish(w, r, FAULT_CHAIN, 1, 1);
}

static void test_chain_lies(void **state) {
    (void)state;
    static const uint32_t lies[] = {1,    8,  63, 56, 65, 137, 0xffffffff, 0xfffffff8, 0x80000000, 136 + 88 - 56,
                                    1000, 224};
    for (unsigned i = 0; i < sizeof lies / sizeof *lies; i++) {
        chain_lie(lies[i]);
    }
}

/* NextCommand that leads to something that is no SMB2 header: the element before it is good. */
static void test_chain_into_nothing(void **state) {
    (void)state;
    static const char *const ids[] = {"\xfdSMB", "\xffSMB", "....", "\0\0\0\0"};
    for (unsigned i = 0; i < sizeof ids / sizeof *ids; i++) {
        struct wire *w = wire_new();
        size_t f = frame_open(w);
        size_t at = put_create(w, 1, 12);
        chain_here(w, at);
        size_t next = put_close(w, 2);
        memcpy(w->b + next, ids[i], 4);
        frame_close(w, f);
        finish(w, then_goes_on(w), FAULT_CHAIN, 1, 1);
    }
}

/* Thousands of elements in one frame: each takes its 64 bytes. */
static void test_long_chain(void **state) {
    (void)state;
    struct wire *w = wire_new();
    size_t f = frame_open(w);
    for (unsigned i = 0; i < 400; i++) {
        size_t at = put_header(w, SMB2_ECHO, 0, i, SESSION);
        set(w, at + 20, 64, 4);
    }
    put_close(w, 400);
    frame_close(w, f);
    finish(w, then_goes_on(w), FAULT_CHAIN, 0, 401);
}

static void payload_lie(size_t offset_at, unsigned size, uint32_t value, uint32_t whole, uint32_t payload) {
    static const uint8_t data[50];
    struct wire *w = wire_new();
    size_t f = frame_open(w);
    size_t at = put_write(w, 1, data, sizeof data);
    set(w, at + offset_at, value, size);
    frame_close(w, f);
    struct recorder *r = then_goes_on(w);
    assert_int_equal(r->items[0].m.bytes.n, whole);
    assert_int_equal(r->items[0].m.payload, payload);
    assert_int_equal(r->items[0].m.length, 162);
    finish(w, r, FAULT_PAYLOAD, 1, 1);
}

static void test_payload_lies(void **state) {
    (void)state;
    payload_lie(68, 4, 51, 112, 50);
    payload_lie(68, 4, 0xffffffff, 112, 50);
    payload_lie(66, 2, 111, 112, 50);
    payload_lie(66, 2, 0, 112, 50);
    payload_lie(66, 2, 113, 113, 49);
    payload_lie(66, 2, 163, 112, 50);
    payload_lie(66, 2, 0xffff, 112, 50);
}

/* 16 MiB of READ data: what is held is its head, and each segment costs the same. */
static void test_largest_read(void **state) {
    (void)state;
    enum { FRAME = 0xffffff, SEGMENT = 64 * 1024 };
    static uint8_t data[SEGMENT];
    struct wire *w = wire_new();
    put_bytes(w, "\0\xff\xff\xff", 4);
    size_t at = put_read_response(w, 1, "", 0);
    set(w, at + 68, FRAME - 80, 4);
    struct bench b;
    bench_open(&b, true);
    bench_bytes(&b, TO_CLIENT, wire_view(w, 0, w->n));
    for (size_t left = FRAME - 80; left > 0;) {
        assert_int_equal(b.budget.held, NBSS_POOL_CLASS_MIN);
        assert_int_equal(b.r->count, 0);
        size_t n = left < SEGMENT ? left : SEGMENT;
        bench_bytes(&b, TO_CLIENT, (struct view){data, n});
        left -= n;
    }
    assert_int_equal(b.r->count, 1);
    assert_int_equal(b.budget.held, 0);
    assert_int_equal(b.r->items[0].m.bytes.n, 80);
    assert_int_equal(b.r->items[0].m.payload, FRAME - 80);
    assert_int_equal(b.r->items[0].m.missing, 0);
    assert_int_equal(faults_in_all(b.r), 0);
    bench_end(&b);
    bench_close(&b);
    free(w);
}

/* A message that would have to be whole and is larger than that: cut, and what follows is found. gap: bytes of it that are lost. */
static void whole_limit(size_t segment, size_t gap) {
    enum { FRAME = 0xffffff };
    uint8_t *all = calloc(1, FRAME + 4);
    assert_non_null(all);
    struct wire *w = wire_new();
    put_bytes(w, "\0\xff\xff\xff", 4);
    put_header(w, SMB2_IOCTL, 0, 1, SESSION);
    memcpy(all, w->b, w->n);
    struct bench b;
    bench_open(&b, true);
    size_t end = FRAME + 4 - gap;
    for (size_t at = 0; at < end;) {
        size_t n = segment < end - at ? segment : end - at;
        nbss_bytes(b.n, TO_SERVER, (struct view){all + at, n}, (struct moment){1, 1});
        at += n;
        assert_true(b.budget.held <= 2 * (at + NBSS_POOL_CLASS_MIN)); /* never ahead of what is there */
    }
    if (gap) {
        bench_gap(&b, TO_SERVER, gap);
    }
    w->n = 0;
    put_frame_close(w, 99);
    bench_bytes(&b, TO_SERVER, wire_view(w, 0, w->n));
    assert_int_equal(b.r->count, 2);
    assert_int_equal(b.r->items[0].m.bytes.n, NBSS_WHOLE_MAX);
    assert_int_equal(b.r->items[0].m.length, FRAME);
    assert_int_equal(b.r->items[0].m.missing, FRAME - NBSS_WHOLE_MAX);
    assert_int_equal(b.r->faults[FAULT_WHOLE_LIMIT], 1);
    assert_int_equal(faults_in_all(b.r), 1);
    bench_end(&b);
    bench_close(&b);
    free(w);
    free(all);
}

static void test_whole_limit(void **state) {
    (void)state;
    whole_limit(0xffffff + 4, 0);
    whole_limit(64 * 1024, 0);
    whole_limit(1460, 0);
    whole_limit(1460, 1000000);
}

/* Whatever the budget: nothing is held above it, what lies in one segment is delivered, and all ends with nothing held. */
static void with_budget(size_t ceiling, size_t segment) {
    struct wire *w = wire_new();
    static const uint8_t data[400];
    for (unsigned i = 0; i < 20; i++) {
        size_t f = frame_open(w);
        if (i % 2) {
            put_create(w, i, 700);
        } else {
            put_write(w, i, data, sizeof data);
        }
        frame_close(w, f);
    }
    struct bench b;
    bench_open(&b, true);
    b.budget.ceiling = ceiling;
    for (size_t at = 0; at < w->n; at += segment) {
        bench_bytes(&b, TO_SERVER, wire_view(w, at, at + segment < w->n ? at + segment : w->n));
        assert_true(b.budget.held <= ceiling);
    }
    if (segment >= 4 + 64) { /* else the kind of some is not known */
        assert_int_equal(b.r->count, 20);
    }
    for (unsigned i = 0; i < b.r->count; i++) {
        const struct message *m = &b.r->items[i].m;
        assert_true(m->missing == 0 || m->missing + m->bytes.n <= m->length);
        assert_true(m->missing != 0 || m->bytes.n + m->payload == m->length);
    }
    if (ceiling >= 4096 || segment >= w->n) {
        assert_int_equal(faults_in_all(b.r), 0);
    } else if (ceiling == 0) {
        assert_true(b.r->faults[FAULT_MEMORY] != 0);
    }
    bench_end(&b);
    bench_close(&b);
    free(w);
}

static void test_budget(void **state) {
    (void)state;
    static const size_t ceilings[] = {0, 255, 256, 511, 512, 768, 1536, 4096};
    static const size_t segments[] = {1, 3, 30, 68, 100, 777, 1460, 65536};
    for (unsigned i = 0; i < sizeof ceilings / sizeof *ceilings; i++) {
        for (unsigned k = 0; k < sizeof segments / sizeof *segments; k++) {
            with_budget(ceilings[i], segments[k]);
        }
    }
}

/* A gap over a header where nothing may be held: the search works on segments alone. */
static void test_budget_while_lost(void **state) {
    (void)state;
    struct wire *w = wire_new();
    put_frame_close(w, 1);
    put_frame_close(w, 2);
    struct bench b;
    bench_open(&b, false);
    b.budget.ceiling = 0;
    uint8_t noise[100] = {1};
    bench_bytes(&b, TO_SERVER, (struct view){noise, sizeof noise});
    bench_bytes(&b, TO_SERVER, wire_view(w, 0, 92 + 20));
    bench_bytes(&b, TO_SERVER, wire_view(w, 92 + 20, w->n));
    bench_bytes(&b, TO_SERVER, wire_view(w, 0, w->n));
    assert_true(b.r->count >= 2);
    bench_end(&b);
    bench_close(&b);
    free(w);
}

/* The capture ends inside a message. */
static void test_end_at_every_byte(void **state) {
    (void)state;
    static const uint8_t data[90];
    struct wire *w = wire_new();
    size_t f = frame_open(w);
    size_t at = put_write(w, 1, data, sizeof data);
    frame_close(w, f);
    for (size_t end = 0; end <= w->n; end++) {
        struct bench b;
        bench_open(&b, true);
        bench_bytes(&b, TO_SERVER, wire_view(w, 0, end));
        bench_end(&b);
        assert_int_equal(b.r->count, end >= at + 4);
        if (b.r->count) {
            const struct message *m = &b.r->items[0].m;
            assert_int_equal(m->length, 202);
            assert_int_equal(m->missing, w->n - end);
            assert_int_equal(m->bytes.n, end - at < 112 ? end - at : 112);
        }
        bench_close(&b);
    }
    free(w);
}

static void test_probe(void **state) {
    (void)state;
    struct wire *w = wire_new();
    put_frame_close(w, 1);
    assert_int_equal(nbss_probe(wire_view(w, 0, w->n)), PROBE_REQUEST);
    set(w, 4 + 16, SMB2_FLAGS_SERVER_TO_REDIR, 4);
    assert_int_equal(nbss_probe(wire_view(w, 0, w->n)), PROBE_NO); /* 24 is no size of a CLOSE response */
    w->n = 0;
    size_t f = frame_open(w);
    put_read_response(w, 1, "abc", 3);
    frame_close(w, f);
    assert_int_equal(nbss_probe(wire_view(w, 0, w->n)), PROBE_RESPONSE);
    w->n = 0;
    static const char negotiate[] =
        "\xffSMBr\0\0\0\0\x18\x53\xc8\0\0\0\0\0\0\0\0\0\0\0\0\xff\xff\xff\xfe\0\0\0\0\0\x0c\0\2NT LM 0.12";
    f = frame_open(w);
    put_bytes(w, negotiate, sizeof negotiate);
    frame_close(w, f);
    assert_int_equal(nbss_probe(wire_view(w, 0, w->n)), PROBE_REQUEST);
    w->b[4 + 9] |= 0x80;
    assert_int_equal(nbss_probe(wire_view(w, 0, w->n)), PROBE_RESPONSE);
    for (size_t n = 0; n < 36; n++) {
        assert_int_equal(nbss_probe(wire_view(w, 0, n)), PROBE_MORE);
    }
    static const uint8_t http[] = "GET / HTTP/1.1\r\nHost: SMB\r\n\r\n";
    assert_int_equal(nbss_probe((struct view){http, sizeof http}), PROBE_NO);
    w->n = 0;
    put(w, 0x44000081, 4);
    put(w, 32, 1);
    put_fill(w, 'C', 32);
    assert_int_equal(nbss_probe(wire_view(w, 0, w->n)), PROBE_REQUEST);
    w->b[10] = 'Q';
    assert_int_equal(nbss_probe(wire_view(w, 0, w->n)), PROBE_NO);
    free(w);
}

static void count_message(void *arg, enum direction dir, const struct message *m) {
    (void)dir;
    unsigned *count = arg;
    *count += m->kind == MESSAGE_SMB2 && m->first && m->last && m->missing == 0;
}

static void no_fault(void *arg, enum direction dir, enum framer_fault fault) {
    (void)arg, (void)dir, (void)fault;
    fail();
}

/* As many messages as one likes in a segment, and as many segments in a message. */
static void test_ten_thousand_in_a_segment(void **state) {
    (void)state;
    enum { MESSAGES = 10000 };
    static struct wire one;
    one.n = 0;
    size_t frame = frame_open(&one);
    put_close(&one, 7);
    frame_close(&one, frame);
    uint8_t *all = malloc(MESSAGES * one.n);
    assert_non_null(all);
    for (unsigned i = 0; i < MESSAGES; i++) {
        memcpy(all + i * one.n, one.b, one.n);
    }
    unsigned count = 0;
    struct framer_sink sink = {&count, count_message, no_fault, NULL};
    struct budget budget = {.ceiling = 1 << 20};
    struct nbss_pool *pool = nbss_pool_new();
    void *room = malloc(nbss_size());
    assert_non_null(room);
    struct nbss *n = nbss_begin(room, pool, &sink, &budget, true);
    nbss_bytes(n, TO_SERVER, (struct view){all, MESSAGES * one.n}, (struct moment){1, 1});
    assert_int_equal(count, MESSAGES);
    for (size_t i = 0; i < MESSAGES / 100 * one.n; i++) {
        nbss_bytes(n, TO_SERVER, (struct view){all + i, 1}, (struct moment){2, 2 + i});
    }
    assert_int_equal(count, MESSAGES + MESSAGES / 100);
    nbss_end(n, (struct moment){3, 3});
    nbss_finish(n);
    free(n);
    assert_int_equal(budget.held, 0);
    nbss_pool_free(pool);
    free(all);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_ten_thousand_in_a_segment),
        cmocka_unit_test(test_control_packets),
        cmocka_unit_test(test_control_lengths),
        cmocka_unit_test(test_tiny_frames),
        cmocka_unit_test(test_bare_header),
        cmocka_unit_test(test_alien_frame_between_messages),
        cmocka_unit_test(test_wrong_type),
        cmocka_unit_test(test_other_protocol),
        cmocka_unit_test(test_chain_lies),
        cmocka_unit_test(test_chain_into_nothing),
        cmocka_unit_test(test_long_chain),
        cmocka_unit_test(test_payload_lies),
        cmocka_unit_test(test_largest_read),
        cmocka_unit_test(test_whole_limit),
        cmocka_unit_test(test_budget),
        cmocka_unit_test(test_budget_while_lost),
        cmocka_unit_test(test_end_at_every_byte),
        cmocka_unit_test(test_probe),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
