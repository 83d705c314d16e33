/* What holds for all of the model: its bounds, and that nothing is left behind. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "model_bench.h"

static void nothing(void **state) {
    (void)state;
    struct bench *b = bench_new(NULL);
    struct peer p = peer_open(b, 1, 2);
    peer_close(&p);
    bench_free(b);
    model_free(NULL);
}

/* One of everything. */
static void a_life(void **state) {
    (void)state;
    struct bench *b = bench_new(NULL);
    struct peer p = peer_open(b, 1, 2);
    peer_settle(&p, 0x51, "alice", "\\\\srv\\data");
    assert_string_equal(bench_last(b, 0)->path, "\\\\srv\\data");
    peer_create(&p, "a.txt", 7, 0);
    assert_int_equal(bench_last(b, 0)->kind, OPERATION_CREATE);
    assert_string_equal(bench_last(b, 0)->name, "a.txt");
    assert_string_equal(bench_last(b, 0)->asked, "a.txt");
    peer_write(&p, 7, 100);
    peer_write(&p, 7, 50);
    peer_read(&p, 7, 30);
    struct seen *s = bench_last(b, 0);
    assert_int_equal(s->kind, OPERATION_READ);
    assert_string_equal(s->name, "a.txt");
    assert_string_equal(s->user, "alice");
    assert_string_equal(s->path, "\\\\srv\\data");
    assert_int_equal(s->bytes_read, 30);
    assert_true(s->first_of_handle);
    assert_false(bench_last(b, 1)->first_of_handle);
    assert_true(bench_last(b, 2)->first_of_handle);
    peer_close_file(&p, 7);
    s = bench_last(b, 0);
    assert_int_equal(s->kind, OPERATION_CLOSE);
    assert_true(s->sums);
    assert_int_equal(s->sum_read, 30);
    assert_int_equal(s->sum_written, 150);
    peer_close(&p);
    assert_int_equal(b->end.files_opened, 1);
    assert_int_equal(b->end.files_written, 1);
    assert_int_equal(b->end.bytes_written, 150);
    assert_int_equal(b->end.bytes_read, 30);
    assert_int_equal(b->end.requests, 8);
    assert_int_equal(b->end.user_count, 1);
    assert_string_equal(b->end.first_user, "alice");
    assert_string_equal(b->end.server_name, "srv");
    bench_free(b);
}

/* What a connection left open is told at its end, at the time and in the frame of its end, in the order of the opens. */
static void left_open(void **state) {
    (void)state;
    struct bench *b = bench_new(NULL);
    struct peer p = peer_open(b, 1, 2);
    peer_settle(&p, 0x51, "alice", "\\\\srv\\data");
    enum { FILES = 40 };
    char name[16];
    for (unsigned i = 0; i < FILES; i++) {
        snprintf(name, sizeof name, "f%u", i);
        peer_create(&p, name, 100 + i, 0);
    }
    for (unsigned i = FILES; i-- > 0;) {
        peer_write(&p, 100 + i, i + 1);
    }
    unsigned before = b->count;
    peer_close(&p);
    assert_int_equal(b->count, before + FILES);
    for (unsigned i = 0; i < FILES; i++) {
        const struct seen *s = &b->seen[before + i];
        snprintf(name, sizeof name, "f%u", i);
        assert_string_equal(s->name, name);
        assert_true(s->implicit);
        assert_true(s->sums);
        assert_int_equal(s->kind, OPERATION_WRITE);
        assert_int_equal(s->sum_written, i + 1);
        assert_int_equal(s->begin_ns, b->now.time_ns);
        assert_int_equal(s->begin_frame, b->now.frame);
    }
    bench_free(b);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing),
        cmocka_unit_test(a_life),
        cmocka_unit_test(left_open),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
