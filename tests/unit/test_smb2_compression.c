/* Compressed messages, MS-SMB2 2.2.42: the envelope, and the messages that begin in the clear inside it. */
#include "dissector.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "dissecting.h"
#include "frames.h"

/* The header alone, MS-SMB2 2.2.42.1; in a chain with its first payload header */
static struct wire *envelope(uint32_t original, uint16_t algorithm, uint16_t flags, uint32_t offset) {
    struct wire *w = calloc(1, sizeof *w);
    assert_non_null(w);
    put_bytes(w, "\xfcSMB", 4);
    put(w, original, 4);
    put(w, algorithm, 2);
    put(w, flags, 2);
    put(w, offset, 4);
    return w;
}

static void run(struct dissecting *d, const struct wire *w, uint32_t wire_length) {
    dissecting_run(d, &dissector_smb2_compression, TO_SERVER, w->b, w->n, wire_length);
}

static void test_unchained(void **state) {
    (void)state;
    struct wire *w = envelope(5000, 2, 0, 112);
    put_write(w, 42, "", 0);
    set(w, 16 + 68, 5000, 4);
    struct dissecting d;
    run(&d, w, 400);
    assert_int_equal(d.verdict, V_OK);
    assert_int_equal(d.count, 2);
    assert_int_equal(d.pdus[0].kind, PDU_SMB2_COMPRESSION); /* before what is inside */
    const struct smb2_compression *m = &d.pdus[0].compression;
    assert_int_equal(m->original_size, 5000);
    assert_int_equal(m->algorithm, 2);
    assert_int_equal(m->flags, 0);
    assert_false(m->chained);
    assert_int_equal(m->offset, 112);
    assert_int_equal(m->length, 400);
    assert_int_equal(d.pdus[1].kind, PDU_SMB2);
    assert_int_equal(d.pdus[1].smb2.header.command, SMB2_WRITE);
    assert_int_equal(d.pdus[1].smb2.header.message_id, 42);
    dissecting_free(&d);
    free(w);
}

static void test_nothing_in_the_clear(void **state) {
    (void)state;
    struct wire *w = envelope(5000, 3, 0, 0);
    put_fill(w, 0xaa, 100);
    struct dissecting d;
    run(&d, w, 0);
    assert_int_equal(d.verdict, V_OK);
    assert_int_equal(d.count, 1);
    dissecting_free(&d);
    set(w, 12, 63, 4); /* less than a header */
    memcpy(w->b + 16, "\xfeSMB", 4);
    run(&d, w, 0);
    assert_int_equal(d.count, 1);
    dissecting_free(&d);
    set(w, 12, 101, 4); /* behind the end */
    run(&d, w, 0);
    assert_int_equal(d.verdict, V_BAD);
    assert_int_equal(d.count, 1);
    dissecting_free(&d);
    free(w);
}

static void test_chained(void **state) {
    (void)state;
    struct wire *w = envelope(5088, 0, 1, 88);
    put_close(w, 7);
    struct dissecting d;
    run(&d, w, 300);
    assert_int_equal(d.verdict, V_OK);
    assert_true(d.pdus[0].compression.chained);
    assert_int_equal(d.count, 2);
    assert_int_equal(d.pdus[1].smb2.header.message_id, 7);
    dissecting_free(&d);
    set(w, 8, 2, 2); /* the first payload is compressed: those bytes are no message, whatever they look like */
    run(&d, w, 300);
    assert_int_equal(d.count, 1);
    dissecting_free(&d);
    free(w);
}

/* A compound chain in the clear, its last element not all of it */
static void test_compound(void **state) {
    (void)state;
    struct wire *w = envelope(5000, 2, 0, 0);
    size_t at = put_create(w, 1, 20);
    chain_here(w, at);
    at = put_close(w, 2);
    chain_here(w, at);
    put_write(w, 3, "", 0);
    set(w, 12, w->n - 16, 4);
    struct dissecting d;
    run(&d, w, 900);
    assert_int_equal(d.count, 4);
    for (unsigned i = 1; i < 4; i++) {
        assert_int_equal(d.pdus[i].smb2.header.message_id, i);
    }
    dissecting_free(&d);
    free(w);
}

static void check_cut(const struct dissecting *d, size_t n) {
    assert_int_equal(d->verdict, n < 4 ? V_NOT_MINE : n < 16 ? V_SHORT : V_OK);
    assert_int_equal(d->count, n < 16 ? 0 : n < 16 + 64 ? 1 : 2);
}

static void test_truncations(void **state) {
    (void)state;
    struct wire *w = envelope(5000, 2, 0, 88);
    put_close(w, 9);
    dissecting_truncations(&dissector_smb2_compression, TO_SERVER, w->b, w->n, check_cut);
    free(w);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_unchained), cmocka_unit_test(test_nothing_in_the_clear), cmocka_unit_test(test_chained),
        cmocka_unit_test(test_compound),  cmocka_unit_test(test_truncations),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
