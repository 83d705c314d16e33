/* How far a message reaches, command by command. */
#include "../../dissectors/extent.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "frames.h"

/* Asks with as little as is asked for, in memory of that size. */
static enum extent_answer ask(const struct wire *w, uint32_t left, struct extent *e) {
    uint32_t n = 0;
    for (;;) {
        uint8_t *copy = malloc(n ? n : 1);
        assert_non_null(copy);
        memcpy(copy, w->b, n);
        uint32_t need = 0;
        enum extent_answer answer = extent_of((struct view){copy, n}, left, &need, e);
        free(copy);
        if (answer != EXTENT_MORE) {
            return answer;
        }
        assert_true(need > n && need <= left && need <= w->n);
        n = need;
    }
}

/* With all there is the answer is the same as with the least that does. */
static struct extent extent(const struct wire *w, uint32_t left) {
    struct extent least, most;
    uint32_t need = 0;
    memset(&least, 0, sizeof least);
    memset(&most, 0, sizeof most);
    assert_int_equal(ask(w, left, &least), EXTENT_KNOWN);
    assert_int_equal(extent_of(wire_view(w, 0, w->n), left, &need, &most), EXTENT_KNOWN);
    assert_int_equal(least.kind, most.kind);
    assert_int_equal(least.whole, most.whole);
    assert_int_equal(least.payload, most.payload);
    assert_int_equal(least.length, most.length);
    assert_int_equal(least.last, most.last);
    assert_true(least.whole + least.payload <= least.length && least.length <= left);
    return least;
}

static void expect(struct extent e, uint32_t whole, uint32_t payload, uint32_t length, bool lies) {
    assert_int_equal(e.whole, whole);
    assert_int_equal(e.payload, payload);
    assert_int_equal(e.length, length);
    assert_int_equal(e.payload_lies, lies);
}

static struct wire *wire_new(void) {
    struct wire *w = calloc(1, sizeof *w);
    assert_non_null(w);
    return w;
}

static void test_commands_are_whole(void **state) {
    (void)state;
    struct wire *w = wire_new();
    for (uint16_t command = 0; command < 0x20; command++) {
        for (unsigned response = 0; response < 2; response++) {
            w->n = 0;
            put_header(w, command, response, 1, SESSION);
            put_body(w, 9, 140);
            expect(extent(w, 204), 204, 0, 204, false);
        }
    }
    free(w);
}

static void test_read(void **state) {
    (void)state;
    struct wire *w = wire_new();
    put_read_response(w, 1, "0123456789", 10);
    expect(extent(w, 90), 80, 10, 90, false);
    expect(extent(w, 5000), 80, 10, 5000, false); /* what follows is nobody's */
    set(w, 66, 88, 1);
    expect(extent(w, 90), 88, 2, 90, true);
    expect(extent(w, 98), 88, 10, 98, false);
    set(w, 66, 79, 1);
    expect(extent(w, 90), 80, 10, 90, true);
    set(w, 66, 80, 1);
    set(w, 68, 0xffffffff, 4);
    expect(extent(w, 90), 80, 10, 90, true);
    set(w, 68, 0, 4);
    set(w, 66, 0, 1);
    expect(extent(w, 81), 80, 0, 81, false);
    set(w, 64, 9, 2); /* an error response, MS-SMB2 2.2.2 */
    expect(extent(w, 90), 90, 0, 90, false);
    set(w, 64, 17, 2);
    set(w, 16, 0, 4); /* not a response */
    expect(extent(w, 90), 90, 0, 90, false);
    free(w);
}

static void test_write(void **state) {
    (void)state;
    struct wire *w = wire_new();
    put_write(w, 1, "0123456789", 10);
    expect(extent(w, 122), 112, 10, 122, false);
    set(w, 66, 120, 2);
    expect(extent(w, 122), 120, 2, 122, true);
    set(w, 66, 0xffff, 2);
    expect(extent(w, 122), 112, 10, 122, true);
    set(w, 66, 112, 2);
    expect(extent(w, 111), 111, 0, 111, false); /* not even the fixed part: whole, for the dissector to say */
    expect(extent(w, 112), 112, 0, 112, true);
    set(w, 16, SMB2_FLAGS_SERVER_TO_REDIR, 4);
    expect(extent(w, 122), 122, 0, 122, false);
    free(w);
}

static void test_chain(void **state) {
    (void)state;
    struct wire *w = wire_new();
    size_t at = put_write(w, 1, "0123456789", 10);
    chain_here(w, at);
    put_close(w, 2);
    struct extent e = extent(w, 216);
    expect(e, 112, 10, 128, false);
    assert_false(e.last);
    assert_false(e.chain_lies);
    e = extent(w, 128 + 64);
    assert_false(e.last);
    e = extent(w, 128 + 63); /* no room for the next header */
    assert_true(e.last);
    assert_true(e.chain_lies);
    assert_int_equal(e.length, 191);
    set(w, 20, 72, 4); /* the data does not fit into its element */
    set(w, 64, 49, 2);
    e = extent(w, 216);
    expect(e, 72, 0, 72, false);
    set(w, 20, 120, 4);
    expect(extent(w, 216), 112, 8, 120, true);
    free(w);
}

static void test_envelopes(void **state) {
    (void)state;
    struct wire *w = wire_new();
    put_transform(w, 100);
    expect(extent(w, 152), 52, 100, 152, false);
    assert_int_equal(extent(w, 152).kind, MESSAGE_TRANSFORM);
    w->n = 0;
    put_bytes(w, "\xfcSMB", 4);
    put(w, 5000, 4);
    put(w, 2, 2);
    put(w, 0, 2);
    put(w, 80, 4);
    put_header(w, SMB2_READ, 1, 1, SESSION);
    put_fill(w, 0, 16);
    expect(extent(w, 400), 96, 304, 400, false);
    expect(extent(w, 50), 50, 0, 50, true);
    set(w, 12, 0xffffffff, 4);
    expect(extent(w, 60000), 16 + EXTENT_CLEAR_MAX, 60000 - 16 - EXTENT_CLEAR_MAX, 60000, true);
    set(w, 10, 1, 2); /* chained */
    set(w, 12, 80, 4);
    expect(extent(w, 400), 16, 384, 400, false);
    set(w, 8, 0, 2); /* its first payload is not compressed */
    expect(extent(w, 400), 96, 304, 400, false);
    w->n = 0;
    put_bytes(w, "\xffSMB", 4);
    put_fill(w, 0, 60);
    expect(extent(w, 64), 64, 0, 64, false);
    free(w);
}

static void test_alien_and_tiny(void **state) {
    (void)state;
    struct wire *w = wire_new();
    struct extent e;
    put_bytes(w, "HTTP/1.1 200 OK....................................................", 64);
    assert_int_equal(ask(w, 64, &e), EXTENT_ALIEN);
    assert_int_equal(ask(w, 3, &e), EXTENT_TINY);
    w->n = 0;
    put_transform(w, 12);
    assert_int_equal(ask(w, 51, &e), EXTENT_TINY);
    w->b[0] = 0xfe;
    assert_int_equal(ask(w, 63, &e), EXTENT_TINY);
    w->b[0] = 0xfc;
    assert_int_equal(ask(w, 15, &e), EXTENT_TINY);
    w->b[0] = 0xff;
    assert_int_equal(ask(w, 31, &e), EXTENT_TINY);
    free(w);
}

static void test_cut(void **state) {
    (void)state;
    struct wire *w = wire_new();
    size_t at = put_write(w, 1, "0123456789", 10);
    chain_here(w, at);
    put_close(w, 2);
    struct extent e;
    for (size_t n = 0; n < 4; n++) {
        assert_false(extent_of_cut(wire_view(w, 0, n), 216, &e));
    }
    for (size_t n = 4; n < 64; n++) {
        assert_true(extent_of_cut(wire_view(w, 0, n), 216, &e));
        assert_int_equal(e.length, n < 24 ? 216 : 128);
        assert_int_equal(e.whole, e.length);
        assert_int_equal(e.last, n < 24);
    }
    assert_false(extent_of_cut(wire_view(w, 0, 30), 60, &e));
    free(w);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_commands_are_whole),
        cmocka_unit_test(test_read),
        cmocka_unit_test(test_write),
        cmocka_unit_test(test_chain),
        cmocka_unit_test(test_envelopes),
        cmocka_unit_test(test_alien_and_tiny),
        cmocka_unit_test(test_cut),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
