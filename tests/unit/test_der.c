/* The DER reader: tags and lengths of all forms that are taken, and none of the others. */
#include "../../dissectors/der.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

struct sample {
    const char *bytes;
    size_t n;
    bool ok;
    size_t contents;
};

static void test_lengths(void **state) {
    (void)state;
    static const struct sample samples[] = {
        {"\x04\x00", 2, true, 0},
        {"\x04\x03xyz", 5, true, 3},
        {"\x04\x81\x03xyz", 6, true, 3},
        {"\x04\x82\x00\x03xyz", 7, true, 3}, /* longer than needed: taken */
        {"\x04\x84\x00\x00\x00\x03xyz", 9, true, 3},
        {"\x04\x85\x00\x00\x00\x00\x03xyz", 10, false, 0},
        {"\x04\x80xyz\x00\x00", 7, false, 0}, /* indefinite */
        {"\x04\xffxyz", 5, false, 0},
        {"\x04\x04xyz", 5, false, 0},
        {"\x04\x84\xff\xff\xff\xffxyz", 9, false, 0},
        {"\x1f\x03xyz", 5, false, 0}, /* a number in more bytes */
        {"\x04", 1, false, 0},
        {"\x04\x82\x01", 3, false, 0},
        {"", 0, false, 0},
    };
    for (unsigned i = 0; i < sizeof samples / sizeof *samples; i++) {
        const struct sample *s = &samples[i];
        uint8_t *copy = malloc(s->n ? s->n : 1);
        assert_non_null(copy);
        memcpy(copy, s->bytes, s->n);
        struct cursor c = cursor_over((struct view){copy, s->n});
        struct der e = der_next(&c);
        assert_int_equal(cursor_ok(&c), s->ok);
        assert_int_equal(e.contents.n, s->contents);
        if (s->ok) {
            assert_int_equal(cursor_left(&c), 0);
        }
        free(copy);
    }
}

static void test_expect(void **state) {
    (void)state;
    struct cursor c = cursor_over((struct view){(const uint8_t *)"\x04\x01x\x30\x00", 5});
    assert_int_equal(der_expect(&c, DER_OCTET_STRING).n, 1);
    assert_int_equal(der_expect(&c, DER_OCTET_STRING).n, 0);
    assert_false(cursor_ok(&c));
}

static struct view literal(const char *s, size_t n) {
    return (struct view){(const uint8_t *)s, n};
}

static void test_fields(void **state) {
    (void)state;
    struct view f[3];
    struct cursor c =
        cursor_over(literal("\xa2\x03\x02\x01\x05\xa0\x02\x04\x00\xa9\x00", 11)); /* in any order; 9 is none of ours */
    der_fields(&c, f, 3);
    assert_true(cursor_ok(&c));
    assert_int_equal(f[0].n, 2);
    assert_null(f[1].p);
    assert_int_equal(f[2].n, 3);
    struct cursor whole = cursor_over(literal("", 0));
    assert_int_equal(der_field(&whole, f[1], DER_INTEGER).n, 0);
    assert_true(cursor_ok(&whole)); /* absent is no failure */
    assert_int_equal(der_field(&whole, f[0], DER_OCTET_STRING).n, 0);
    assert_true(cursor_ok(&whole));
    assert_int_equal(der_field(&whole, f[2], DER_INTEGER).n, 1);
    assert_true(cursor_ok(&whole));
    assert_int_equal(der_field(&whole, f[2], DER_OCTET_STRING).n, 0);
    assert_false(cursor_ok(&whole));
    whole.failed = false;
    (void)der_field(&whole, literal("\x02\x01\x05\x00", 4), DER_INTEGER);
    assert_false(cursor_ok(&whole)); /* not all of the field */
    static const struct sample bad[] = {{"\xa0\x00\xa0\x00", 4, false, 0},
                                        {"\x02\x01\x05", 3, false, 0},
                                        {"\xa0\x05\x02", 3, false, 0},
                                        {"\x80\x00", 2, false, 0}};
    for (unsigned i = 0; i < sizeof bad / sizeof *bad; i++) {
        c = cursor_over(literal(bad[i].bytes, bad[i].n));
        der_fields(&c, f, 3);
        assert_false(cursor_ok(&c));
    }
}

static void test_numbers(void **state) {
    (void)state;
    static const struct {
        const char *bytes;
        size_t n;
        bool ok;
        uint32_t value;
    } samples[] = {
        {"\x05", 1, true, 5},
        {"\xff", 1, true, 0xffffffff},
        {"\xff\x7b", 2, true, 0xffffff7b}, /* -133 */
        {"\x00\xff\xff\xff\xff", 5, true, 0xffffffff},
        {"\x7f\xff\xff\xff", 4, true, 0x7fffffff},
        {"\x01\x00\x00\x00\x00", 5, false, 0},
        {"\x00\x00\x00\x00\x00\x01", 6, false, 0},
        {"", 0, false, 0},
    };
    for (unsigned i = 0; i < sizeof samples / sizeof *samples; i++) {
        uint32_t value = 0;
        assert_int_equal(der_u32(literal(samples[i].bytes, samples[i].n), &value), samples[i].ok);
        assert_int_equal(value, samples[i].value);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_lengths),
        cmocka_unit_test(test_expect),
        cmocka_unit_test(test_fields),
        cmocka_unit_test(test_numbers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
