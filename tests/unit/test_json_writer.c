#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include <cmocka.h>
#include <jansson.h>

#include "base/text.h"
#include "json_writer.h"

static char memory[400000 + JSON_SLACK];

static struct json_writer fresh(void) {
    return (struct json_writer){.base = memory, .size = sizeof(memory) - JSON_SLACK};
}

static void assert_written(struct json_writer *w, const char *expected) {
    assert_false(w->overflowed);
    json_char(w, '\0');
    assert_string_equal(w->base, expected);
    *w = fresh();
}

static struct text bytes(const void *p, size_t n, enum encoding encoding) {
    return (struct text){{p, n}, encoding};
}

#define ASCII(s) bytes(s, sizeof(s) - 1, ENC_ASCII)
#define UTF8(s) bytes(s, sizeof(s) - 1, ENC_UTF8)
/* C's u"" is in the host's order, which is the wire's on all machines we test on. */
#define UTF16(s) bytes(s, sizeof(s) - 2, ENC_UTF16LE)

static void text_is(struct text t, const char *expected, unsigned flags) {
    struct json_writer w = fresh();
    assert_int_equal(json_text(&w, t, SIZE_MAX, JSON_CUT_END), flags);
    assert_written(&w, expected);
}

static void integers(void **state) {
    (void)state;
    static const uint64_t values[] = {0,   1,    9,     10,    11,      99,         100,       101,
                                      999, 1000, 12345, 99999, 1234567, UINT32_MAX, UINT64_MAX};
    struct json_writer w = fresh();
    for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++) {
        char expected[32];
        snprintf(expected, sizeof(expected), "%" PRIu64, values[i]);
        json_uint(&w, values[i]);
        assert_written(&w, expected);
    }
    json_hex(&w, 0x40000000051, 16);
    assert_written(&w, "0000040000000051");
    json_hex(&w, 0xABCDEF, 4);
    assert_written(&w, "abcdef");
    json_hex(&w, UINT64_MAX, 16);
    assert_written(&w, "ffffffffffffffff");
    json_hex(&w, 0x123456789, 8);
    assert_written(&w, "123456789");
    json_hex(&w, 7, 0);
    assert_written(&w, "");
}

static void time_is(int64_t second, unsigned ns) {
    char expected[64], got[64 + JSON_SLACK];
    time_t t = (time_t)second;
    struct tm tm;
    gmtime_r(&t, &tm);
    size_t n = strftime(expected, sizeof(expected), "%Y-%m-%dT%H:%M:%S", &tm);
    snprintf(expected + n, sizeof(expected) - n, ".%09uZ", ns);
    struct json_writer w = {.base = got, .size = sizeof(got) - JSON_SLACK};
    assert_int_equal(json_filetime(&w, (uint64_t)(second + 11644473600) * 10000000 + ns / 100), 0);
    got[w.used] = '\0';
    assert_string_equal(got, expected);
    if (second >= 0 && (uint64_t)second < UINT64_MAX / 1000000000) {
        w.used = 0;
        json_time(&w, (uint64_t)second * 1000000000 + ns);
        assert_memory_equal(got, expected, 30);
    }
}

/* Every day that a FILETIME can name and RFC 3339 can write, against the C library. */
static void every_date(void **state) {
    (void)state;
    for (int64_t day = -134774; day <= 2932896; day++) {
        time_is(day * 86400 + (day + 134774) % 86400, (unsigned)(day & 0xFFFF) * 1000);
    }
}

static void times_at_the_edges(void **state) {
    (void)state;
    struct json_writer w = fresh();
    json_time(&w, 0);
    assert_written(&w, "1970-01-01T00:00:00.000000000Z");
    json_time(&w, UINT64_C(1709251199999999999));
    assert_written(&w, "2024-02-29T23:59:59.999999999Z");
    json_time(&w, UINT64_C(1709251200000000000));
    assert_written(&w, "2024-03-01T00:00:00.000000000Z");
    json_time(&w, UINT64_MAX);
    assert_written(&w, "2554-07-21T23:34:33.709551615Z");
    assert_int_equal(json_filetime(&w, 0), 0);
    assert_written(&w, "1601-01-01T00:00:00.000000000Z");
    assert_int_equal(json_filetime(&w, UINT64_C(2650467743999999999)), 0);
    assert_written(&w, "9999-12-31T23:59:59.999999900Z");
    assert_int_equal(json_filetime(&w, UINT64_C(2650467744000000000)), JSON_TEXT_LOSSY);
    assert_written(&w, "9999-12-31T23:59:59.999999999Z");
    assert_int_equal(json_filetime(&w, UINT64_MAX), JSON_TEXT_LOSSY);
    assert_written(&w, "9999-12-31T23:59:59.999999999Z");
}

/* The date of the second before must not be taken for this one's. */
static void the_remembered_second(void **state) {
    (void)state;
    struct json_writer w = fresh();
    json_time(&w, UINT64_C(86399999999999));
    json_time(&w, UINT64_C(86400000000000));
    json_filetime(&w, UINT64_C(116444735990000000));
    json_time(&w, UINT64_C(86400000000001));
    assert_written(&w, "1970-01-01T23:59:59.999999999Z1970-01-02T00:00:00.000000000Z"
                       "1969-12-31T23:59:59.000000000Z1970-01-02T00:00:00.000000001Z");
}

static void escapes(void **state) {
    (void)state;
    text_is(ASCII(""), "", 0);
    text_is(ASCII("plain text of more than eight"), "plain text of more than eight", 0);
    text_is(ASCII("\"quoted\" \\back\\ /slash/"), "\\\"quoted\\\" \\\\back\\\\ /slash/", 0);
    text_is(ASCII("\x01\x1f\t\n\r\b\f\x7f"), "\\u0001\\u001f\\u0009\\u000a\\u000d\\u0008\\u000c\\u007f", 0);
    text_is(ASCII("caf\xe9"), "caf\\u00e9", JSON_TEXT_LOSSY);
    text_is(ASCII("a\0b"), "a\\ufffdb", JSON_TEXT_LOSSY);
    text_is(UTF16(u"\\\\FS01\\ADMIN$\\\"x\".exe"), "\\\\\\\\FS01\\\\ADMIN$\\\\\\\"x\\\".exe", 0);
    text_is(UTF16(u"na\u00efve \u6587\u4ef6.txt"), "na\\u00efve \\u6587\\u4ef6.txt", 0);
    text_is(UTF16(u"\U0001F600"), "\\ud83d\\ude00", 0);
    text_is(UTF16(u"a\tb\x7f"), "a\\u0009b\\u007f", 0);
    text_is(UTF16(u"\uffff\ufffe\ufeff"), "\\uffff\\ufffe\\ufeff", 0);
    text_is(UTF16(u"\ufffd"), "\\ufffd", 0);
}

/* Every unit of UTF-16 alone and every ASCII byte, read back by another's parser. */
static void every_unit(void **state) {
    (void)state;
    for (unsigned unit = 0; unit < 0x10000; unit++) {
        for (size_t before = 0; before < 5; before += 4) {
            uint8_t wire[10] = {'a', 0, 'b', 0, 'c', 0, 'd', 0};
            wire[2 * before] = (uint8_t)unit;
            wire[2 * before + 1] = (uint8_t)(unit >> 8);
            struct json_writer w = fresh();
            json_char(&w, '"');
            unsigned flags = json_text(&w, bytes(wire, 2 * before + 2, ENC_UTF16LE), SIZE_MAX, JSON_CUT_END);
            json_char(&w, '"');
            bool bad = unit == 0 || (unit & 0xF800) == 0xD800;
            assert_int_equal(flags, bad ? JSON_TEXT_LOSSY : 0);
            for (size_t i = 0; i < w.used; i++) {
                assert_in_range((unsigned char)memory[i], 0x20, 0x7E);
            }
            json_t *read = json_loadb(memory, w.used, JSON_DECODE_ANY, NULL);
            assert_non_null(read);
            unsigned c = bad ? 0xFFFD : unit;
            char utf8[16];
            int n = (int)before;
            memcpy(utf8, "abcd", 4);
            if (c < 0x80) {
                utf8[n++] = (char)c;
            } else if (c < 0x800) {
                utf8[n++] = (char)(0xC0 | c >> 6);
                utf8[n++] = (char)(0x80 | (c & 63));
            } else {
                utf8[n++] = (char)(0xE0 | c >> 12);
                utf8[n++] = (char)(0x80 | (c >> 6 & 63));
                utf8[n++] = (char)(0x80 | (c & 63));
            }
            assert_int_equal(json_string_length(read), n);
            assert_memory_equal(json_string_value(read), utf8, (size_t)n);
            json_decref(read);
        }
    }
}

static void broken_utf16(void **state) {
    (void)state;
    static const uint8_t high_alone[] = {'a', 0, 0x3d, 0xd8}, low_alone[] = {0x00, 0xde, 'b', 0};
    static const uint8_t high_high_low[] = {0x3d, 0xd8, 0x3d, 0xd8, 0x00, 0xde}, odd[] = {'a', 0, 'b'};
    static const uint8_t cut_pair[] = {0x3d, 0xd8, 0x00};
    text_is(bytes(high_alone, 4, ENC_UTF16LE), "a\\ufffd", JSON_TEXT_LOSSY);
    text_is(bytes(low_alone, 4, ENC_UTF16LE), "\\ufffdb", JSON_TEXT_LOSSY);
    text_is(bytes(high_high_low, 6, ENC_UTF16LE), "\\ufffd\\ud83d\\ude00", JSON_TEXT_LOSSY);
    text_is(bytes(odd, 3, ENC_UTF16LE), "a", JSON_TEXT_LOSSY);
    text_is(bytes(odd, 1, ENC_UTF16LE), "", JSON_TEXT_LOSSY);
    text_is(bytes(cut_pair, 3, ENC_UTF16LE), "\\ufffd", JSON_TEXT_LOSSY);
    text_is(UTF16(u"a\0b"), "a\\ufffdb", JSON_TEXT_LOSSY);
}

static void utf8(void **state) {
    (void)state;
    text_is(UTF8("\xc3\xa9 \xe6\x96\x87 \xf0\x9f\x98\x80 \xf4\x8f\xbf\xbf"),
            "\\u00e9 \\u6587 \\ud83d\\ude00 \\udbff\\udfff", 0);
    text_is(UTF8("\xc0\x80"), "\\ufffd\\ufffd", JSON_TEXT_LOSSY);                       /* overlong */
    text_is(UTF8("\xed\xa0\x80"), "\\ufffd\\ufffd\\ufffd", JSON_TEXT_LOSSY);            /* a surrogate */
    text_is(UTF8("\xf4\x90\x80\x80"), "\\ufffd\\ufffd\\ufffd\\ufffd", JSON_TEXT_LOSSY); /* above U+10FFFF */
    text_is(UTF8("\xe6\x96"), "\\ufffd", JSON_TEXT_LOSSY);                              /* cut */
    text_is(UTF8("\xe6\x96x"), "\\ufffdx", JSON_TEXT_LOSSY);
    text_is(UTF8("\xf0\x9f\x98"), "\\ufffd", JSON_TEXT_LOSSY);
    text_is(UTF8("\x80\xff"), "\\ufffd\\ufffd", JSON_TEXT_LOSSY);
    text_is(UTF8("a\0"), "a\\ufffd", JSON_TEXT_LOSSY);
}

#define SAMPLE(s, end, encoding) \
    { {(const uint8_t *)(s), sizeof(s) - (end)}, encoding }

static const struct text cut_samples[] = {
    SAMPLE("a\\b\"c\x01"
           "d\xe9"
           "efghijklmnopqrstuvwxyz",
           1, ENC_ASCII),
    SAMPLE("x\xc3\xa9y\xf0\x9f\x98\x80z\xe6\x96\x87\xe6\x96", 1, ENC_UTF8),
    SAMPLE(u"abcd\\ef\U0001F600g\u6587h\"\x01ijklmnop\U0001F601", 2, ENC_UTF16LE),
    SAMPLE("\x00\xde"
           "a\0b\0\x3d\xd8"
           "c\0\x3d\xd8\x00\xde\x07",
           1, ENC_UTF16LE),
};

/* At every limit: no more than the limit, a string of its own, an end or a beginning of the whole, and no shorter than need be. */
static void every_cut(void **state) {
    (void)state;
    for (size_t s = 0; s < sizeof(cut_samples) / sizeof(cut_samples[0]); s++) {
        char whole[512];
        struct json_writer w = fresh();
        json_text(&w, cut_samples[s], SIZE_MAX, JSON_CUT_END);
        size_t length = w.used;
        memcpy(whole, memory, length);
        for (size_t limit = 0; limit <= length + 1; limit++) {
            for (enum json_cut cut = JSON_CUT_END; cut <= JSON_CUT_FRONT; cut++) {
                w = fresh();
                json_char(&w, '"');
                unsigned flags = json_text(&w, cut_samples[s], limit, cut);
                json_char(&w, '"');
                size_t n = w.used - 2;
                assert_in_range(n,
                                limit >= length ? length
                                : limit < 11    ? 0
                                                : limit - 11,
                                limit < length ? limit : length);
                assert_int_equal((flags & JSON_TEXT_TRUNCATED) != 0, limit < length);
                assert_memory_equal(memory + 1, cut == JSON_CUT_END ? whole : whole + length - n, n);
                json_t *read = json_loadb(memory, w.used, JSON_DECODE_ANY, NULL);
                assert_non_null(read);
                json_decref(read);
            }
        }
    }
}

static void joined(void **state) {
    (void)state;
    struct text parts[] = {UTF16(u"\\\\FS01\\C$"), ASCII("\\"), UTF16(u"a\u6587.exe")};
    static const char whole[] = "\\\\\\\\FS01\\\\C$\\\\a\\u6587.exe";
    for (size_t limit = 0; limit <= sizeof(whole); limit++) {
        struct json_writer w = fresh();
        unsigned flags = json_joined(&w, parts, 3, limit, JSON_CUT_END);
        assert_int_equal(flags, limit < sizeof(whole) - 1 ? JSON_TEXT_TRUNCATED : 0);
        assert_memory_equal(memory, whole, w.used);
        assert_true(w.used <= limit);
        w = fresh();
        flags = json_joined(&w, parts, 3, limit, JSON_CUT_FRONT);
        assert_int_equal(flags, limit < sizeof(whole) - 1 ? JSON_TEXT_TRUNCATED : 0);
        assert_true(w.used <= limit && w.used + 5 >= (limit < sizeof(whole) ? limit : sizeof(whole) - 1));
        assert_memory_equal(memory, whole + sizeof(whole) - 1 - w.used, w.used);
    }
}

/* With every amount of memory: all of it or none, and overflowed from then on. */
static void overflow(void **state) {
    (void)state;
    for (size_t s = 0; s < sizeof(cut_samples) / sizeof(cut_samples[0]); s++) {
        struct json_writer w = fresh();
        json_text(&w, cut_samples[s], SIZE_MAX, JSON_CUT_END);
        size_t length = w.used;
        for (size_t size = 0; size <= length; size++) {
            char *small = malloc(size + JSON_SLACK);
            for (enum json_cut cut = JSON_CUT_END; cut <= JSON_CUT_FRONT; cut++) {
                w = (struct json_writer){.base = small, .size = size};
                json_text(&w, cut_samples[s], SIZE_MAX, cut);
                assert_int_equal(w.overflowed, size < length);
                assert_int_equal(w.used, size < length ? 0 : length);
            }
            free(small);
        }
    }
    struct json_writer w = {.base = memory, .size = 29};
    json_time(&w, 1);
    assert_true(w.overflowed);
    json_char(&w, 'x');
    assert_true(w.overflowed);
}

/* json_whole writes what json_joined does without a limit, all of it or nothing, also where the same stands before. */
static void whole(void **state) {
    (void)state;
    struct text parts[] = {UTF16(u"\\\\FS01\\projects\\quarter"),
                           UTF16(u"\\"),
                           ASCII(""),
                           UTF16(u"na\u00efve"),
                           UTF8("a plain one of some length \"\\"),
                           UTF16(u"\\\\FS01\\projects\\quarter")};
    enum { PARTS = sizeof(parts) / sizeof(parts[0]) };
    struct json_writer w = fresh();
    unsigned flags = json_joined(&w, parts, PARTS, SIZE_MAX, JSON_CUT_END);
    size_t length = w.used;
    json_joined(&w, parts, PARTS, SIZE_MAX, JSON_CUT_END);
    for (size_t size = 0; size <= 2 * length; size++) {
        struct json_texts texts = {0};
        char *small = malloc(size + JSON_SLACK);
        assert_non_null(small);
        struct json_writer twice = {.base = small, .size = size};
        unsigned got = json_whole(&twice, &texts, parts, PARTS);
        assert_true(size < length || got == flags);
        json_whole(&twice, &texts, parts, PARTS);
        assert_int_equal(twice.overflowed, size < 2 * length);
        assert_int_equal(twice.used, size / length * length);
        assert_memory_equal(small, memory, twice.used);
        assert_null(json_put_whole(&texts, parts, PARTS, small + size + 1, small + size));
        free(small);
    }
    struct json_texts texts = {0};
    w = fresh(); /* others under the same parts, once the writer begins anew; fewer of the same at once */
    json_whole(&w, &texts, parts, 2);
    json_whole(&w, &texts, parts, 3);
    parts[0] = ASCII("other");
    json_texts_begin(&texts);
    json_whole(&w, &texts, parts, 2);
    assert_written(&w, "\\\\\\\\FS01\\\\projects\\\\quarter\\\\"
                       "\\\\\\\\FS01\\\\projects\\\\quarter\\\\other\\\\");
    struct text odd = bytes("a\0b", 3, ENC_UTF16LE);
    w = fresh();
    assert_int_equal(json_whole(&w, &texts, &odd, 1), JSON_TEXT_LOSSY);
    assert_written(&w, "a");
}

/* 64 KiB of text costs what its limit costs, not what it is long: this would take minutes otherwise. */
static void long_texts_are_cheap(void **state) {
    (void)state;
    static uint8_t text[65536];
    memset(text, 1, sizeof(text));
    for (unsigned i = 0; i < 100000; i++) {
        struct json_writer w = fresh();
        unsigned flags = json_text(&w, bytes(text, sizeof(text), i & 1 ? ENC_ASCII : ENC_UTF16LE), 60, JSON_CUT_FRONT);
        assert_int_equal(flags, JSON_TEXT_TRUNCATED);
        assert_int_equal(w.used, 60);
    }
}

enum { MIXED_MAX = 24 };

/* Units of all kinds, mostly letters of other scripts; each in the lower sixteen bits, and the odd ones are rare. */
static size_t mix(uint32_t *seed, uint8_t *to) {
    static const uint16_t some[] = {0x43f,  0x430,  0x6587, 0x80,  0xd7ff, 0xe000, 0xffff, ' ',
                                    'x',    '\\',   '"',    0x44c, 0x3d,   0x431,  0x4e2d, 0xd83d,
                                    0xde00, 0xd83d, 0xde00, 0x7f,  1,      0,      0x7ff,  0x800};
    size_t n = (*seed >> 8) % (MIXED_MAX + 1);
    unsigned kinds = *seed & 1 ? sizeof some / sizeof *some : 12;
    for (size_t i = 0; i < n; i++) {
        *seed = *seed * 1664525 + 1013904223;
        uint16_t unit = some[(*seed >> 16) % kinds];
        to[2 * i] = (uint8_t)unit;
        to[2 * i + 1] = (uint8_t)(unit >> 8);
    }
    return 2 * n;
}

/* However many units are looked at together, a text is what its characters are one by one, and is cut between two of them as late, or as
 * early, as can be. */
static void mixed_units(void **state) {
    (void)state;
    uint32_t seed = 445;
    for (unsigned round = 0; round < 4000; round++) {
        uint8_t wire[2 * MIXED_MAX + 1], *p;
        size_t n = mix(&seed, wire), ends[MIXED_MAX + 1] = {0}, count = 0;
        seed = seed * 1664525 + 1013904223;
        assert_non_null(p = malloc(n + 1));
        memcpy(p, wire, n); /* in memory of just its size */
        struct json_writer w = fresh();
        unsigned expected = 0;
        for (size_t pos = 0; pos < n;) {
            struct text one = bytes(p + pos, n - pos, ENC_UTF16LE);
            size_t size = 0;
            (void)text_next(one, &size);
            one.bytes.n = size;
            expected |= json_text(&w, one, SIZE_MAX, JSON_CUT_END);
            pos += size;
            ends[++count] = w.used;
        }
        char whole[6 * MIXED_MAX + 1];
        memcpy(whole, memory, w.used);
        size_t length = w.used;
        for (size_t limit = 0; limit <= length; limit++) {
            size_t last = count, first = 0;
            while (ends[last] > limit) {
                last--;
            }
            while (length - ends[first] > limit) {
                first++;
            }
            w = fresh();
            (void)json_text(&w, bytes(p, n, ENC_UTF16LE), limit, JSON_CUT_END);
            assert_int_equal(w.used, ends[last]);
            assert_memory_equal(memory, whole, w.used);
            w = fresh();
            unsigned flags = json_text(&w, bytes(p, n, ENC_UTF16LE), limit, JSON_CUT_FRONT);
            assert_int_equal(w.used, length - ends[first]);
            assert_memory_equal(memory, whole + ends[first], w.used);
            assert_true(limit < length || flags == expected);
        }
        free(p);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(integers),
        cmocka_unit_test(every_date),
        cmocka_unit_test(times_at_the_edges),
        cmocka_unit_test(the_remembered_second),
        cmocka_unit_test(escapes),
        cmocka_unit_test(every_unit),
        cmocka_unit_test(broken_utf16),
        cmocka_unit_test(utf8),
        cmocka_unit_test(every_cut),
        cmocka_unit_test(joined),
        cmocka_unit_test(overflow),
        cmocka_unit_test(whole),
        cmocka_unit_test(long_texts_are_cheap),
        cmocka_unit_test(mixed_units),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
