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

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_lengths), cmocka_unit_test(test_expect)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
