#include "event_text.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

enum { VALUES = 8, VALUE_MAX = 1024, TEXTS = 32, TEXT_MAX = 255 };

struct text utf16(const char *ascii) {
    static uint8_t texts[TEXTS][2 * TEXT_MAX];
    static unsigned next;
    uint8_t *to = texts[next++ % TEXTS];
    size_t n = strlen(ascii);
    assert_true(n <= TEXT_MAX);
    for (size_t i = 0; i < n; i++) {
        to[2 * i] = (uint8_t)ascii[i];
        to[2 * i + 1] = 0;
    }
    return text_utf16((struct view){to, 2 * n});
}

static size_t put_text(char *to, size_t n, struct text t) {
    size_t step = t.encoding == ENC_UTF16LE ? 2 : 1;
    for (size_t i = 0; i + step <= t.bytes.n && n + 1 < VALUE_MAX; i += step) {
        bool ascii = t.bytes.p[i] < 0x80 && (step == 1 || t.bytes.p[i + 1] == 0);
        to[n++] = ascii ? (char)t.bytes.p[i] : '#';
    }
    to[n] = 0;
    return n;
}

static size_t put_string(char *to, size_t n, const char *s) {
    return put_text(to, n, (struct text){{(const uint8_t *)s, strlen(s)}, ENC_ASCII});
}

static size_t put_named(char *to, size_t n, const struct name_table *table, uint32_t value) {
    char hex[16];
    const char *name = names_find(table, value);
    snprintf(hex, sizeof hex, "0x%x", value);
    return put_string(to, n, name ? name : hex);
}

static void put_bits(char *to, const struct fact *f) {
    size_t n = 0;
    for (unsigned bit = 0; bit < 32; bit++) {
        if (f->number >> bit & 1) {
            n = put_string(to, n, n ? "," : "");
            n = put_named(to, n, f->table, UINT32_C(1) << bit);
        }
    }
}

static void put_texts(char *to, const struct fact *f) {
    size_t n = 0;
    for (unsigned i = 0; i < f->texts.count; i++) {
        n = put_string(to, n, i != 0 && i % f->parts == 0 ? "," : "");
        n = put_text(to, n, f->texts.items[i]);
    }
}

static void put_fact(char *to, const struct fact *f) {
    size_t n = 0;
    switch (f->form) {
    case FACT_NAME:
        put_string(to, 0, f->name);
        break;
    case FACT_NAMED:
        put_named(to, 0, f->table, (uint32_t)f->number);
        break;
    case FACT_BITS:
        put_bits(to, f);
        break;
    case FACT_NAMES16:
        for (unsigned i = 0; i < f->u16s.count; i++) {
            n = put_string(to, n, i ? "," : "");
            n = put_named(to, n, f->table, f->u16s.items[i]);
        }
        break;
    case FACT_TEXT:
        put_text(to, 0, f->text);
        break;
    case FACT_JOINED:
        for (unsigned i = 0; i < f->parts; i++) {
            n = put_text(to, n, f->joined[i]);
        }
        break;
    case FACT_TEXTS:
        put_texts(to, f);
        break;
    case FACT_FILE_ID:
        snprintf(to, VALUE_MAX, "%llu", (unsigned long long)f->file_id.persistent);
        break;
    case FACT_GUID:
        snprintf(to, VALUE_MAX, "%02x", f->guid->bytes[0]);
        break;
    case FACT_ADDRESSES:
        snprintf(to, VALUE_MAX, "%u", f->interfaces.count);
        break;
    case FACT_COUNTS:
        snprintf(to, VALUE_MAX, "%u", f->counts.count);
        break;
    default:
        snprintf(to, VALUE_MAX, "%llu", (unsigned long long)f->number);
        break;
    }
}

const char *event_value(const struct event *e, enum field field) {
    static char values[VALUES][VALUE_MAX];
    static unsigned next;
    char *to = values[next++ % VALUES];
    const struct fact *f = event_find(e, field);
    to[0] = 0;
    if (f) {
        put_fact(to, f);
    }
    unsigned found = 0;
    for (unsigned i = 0; i < e->count; i++) {
        found += e->facts[i].field == field;
    }
    assert_true(found <= 1); /* a key of JSON stands once */
    return to;
}
