#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "../../src/base/text.h"

static struct text text_of(const void *p, size_t n, enum encoding encoding) {
    return (struct text){{p, n}, encoding};
}

#define UTF8(s) text_of(s, sizeof(s) - 1, ENC_UTF8)
#define UTF16(s) text_of(s, sizeof(s) - 2, ENC_UTF16LE)

/* Every character there is, both ways. */
static void every_character(void **state) {
    (void)state;
    for (uint32_t c = 1; c < 0x110000; c++) {
        if (c >= 0xD800 && c < 0xE000) {
            continue;
        }
        uint32_t v = c - 0x10000;
        uint16_t units[2] = {(uint16_t)(c < 0x10000 ? c : 0xD800 + (v >> 10)), (uint16_t)(0xDC00 + (v & 0x3FF))};
        struct text t = text_of(units, c < 0x10000 ? 2 : 4, ENC_UTF16LE);
        size_t pos = 0;
        assert_int_equal(text_next(t, &pos), c);
        assert_int_equal(pos, t.bytes.n);
        char utf8[8];
        size_t n = text_to_utf8(t, utf8, sizeof(utf8));
        pos = 0;
        uint32_t back = text_next(text_of(utf8, n, ENC_UTF8), &pos);
        assert_true(back == c || back == TEXT_REPLACEMENT);
        assert_int_equal(pos, n);
    }
}

static void for_a_terminal(void **state) {
    (void)state;
    char to[64];
    text_to_utf8(UTF16(u"a\x1b[2J\u202egpj.exe\x85"), to, sizeof(to));
    assert_string_equal(to, "a\xef\xbf\xbd[2J\xef\xbf\xbdgpj.exe\xef\xbf\xbd");
    text_to_utf8(text_of("caf\xe9", 4, ENC_ASCII), to, sizeof(to));
    assert_string_equal(to, "caf\xc3\xa9");
    text_to_utf8(text_of("a\0\x3d\xd8z", 5, ENC_UTF16LE), to, sizeof(to));
    assert_string_equal(to, "a\xef\xbf\xbd");
}

/* Cut at a character, within every size. */
static void every_size(void **state) {
    (void)state;
    static const char whole[] = "a\xc3\xa9\xe6\x96\x87\xf0\x9f\x98\x80z";
    for (size_t size = 1; size <= sizeof(whole); size++) {
        char *to = malloc(size);
        size_t n = text_to_utf8(UTF8(whole), to, size), pos = 0;
        assert_int_equal(strlen(to), n);
        assert_memory_equal(to, whole, n);
        while (pos < n) {
            assert_true(text_next(text_of(to, n, ENC_UTF8), &pos) < TEXT_BAD);
        }
        free(to);
    }
}

static void alignment(void **state) {
    (void)state;
    struct text t = UTF16(u"a\U0001F600b");
    static const size_t expected[] = {0, 2, 2, 6, 6, 6, 6, 8, 8, 8};
    for (size_t i = 0; i < sizeof(expected) / sizeof(expected[0]); i++) {
        assert_int_equal(text_align(t, i), expected[i]);
    }
    t = UTF8("a\xe6\x96\x87"
             "b");
    static const size_t expected_8[] = {0, 1, 4, 4, 4, 5, 5};
    for (size_t i = 0; i < sizeof(expected_8) / sizeof(expected_8[0]); i++) {
        assert_int_equal(text_align(t, i), expected_8[i]);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_character),
        cmocka_unit_test(for_a_terminal),
        cmocka_unit_test(every_size),
        cmocka_unit_test(alignment),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
