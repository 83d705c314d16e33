#include "text.h"

#include <assert.h>
#include <stdbool.h>

static uint32_t unit_at(struct view v, size_t pos) {
    return (uint32_t)v.p[pos] | (uint32_t)v.p[pos + 1] << 8;
}

static bool is_high(uint32_t unit) {
    return (unit & 0xFC00) == 0xD800;
}

static bool is_low(uint32_t unit) {
    return (unit & 0xFC00) == 0xDC00;
}

static uint32_t next_utf16(struct view v, size_t *pos) {
    if (v.n - *pos < 2) {
        *pos += 1;
        return TEXT_ODD;
    }
    uint32_t unit = unit_at(v, *pos);
    *pos += 2;
    if (is_high(unit) && v.n - *pos >= 2 && is_low(unit_at(v, *pos))) {
        uint32_t low = unit_at(v, *pos);
        *pos += 2;
        return 0x10000 + ((unit - 0xD800) << 10) + (low - 0xDC00);
    }
    return (unit & 0xF800) == 0xD800 ? TEXT_BAD : unit;
}

/* How many bytes follow a first byte, and what the second may be (RFC 3629 section 4): this alone keeps out overlong forms,
 * surrogates and what lies above U+10FFFF. */
static unsigned utf8_tail(uint8_t first, uint8_t *low, uint8_t *high) {
    *low = 0x80;
    *high = 0xBF;
    if (first >= 0xC2 && first <= 0xDF) {
        return 1;
    }
    if (first >= 0xE0 && first <= 0xEF) {
        *low = first == 0xE0 ? 0xA0 : 0x80;
        *high = first == 0xED ? 0x9F : 0xBF;
        return 2;
    }
    if (first >= 0xF0 && first <= 0xF4) {
        *low = first == 0xF0 ? 0x90 : 0x80;
        *high = first == 0xF4 ? 0x8F : 0xBF;
        return 3;
    }
    return 0;
}

static uint32_t next_utf8(struct view v, size_t *pos) {
    uint8_t first = v.p[(*pos)++];
    if (first < 0x80) {
        return first;
    }
    uint8_t low, high;
    unsigned tail = utf8_tail(first, &low, &high);
    uint32_t c = first & (0x3Fu >> tail);
    for (unsigned i = 0; i < tail; i++) {
        if (*pos >= v.n || v.p[*pos] < low || v.p[*pos] > high) {
            return TEXT_BAD;
        }
        c = c << 6 | (v.p[(*pos)++] & 0x3Fu);
        low = 0x80;
        high = 0xBF;
    }
    return tail == 0 ? TEXT_BAD : c;
}

uint32_t text_next(struct text t, size_t *pos) {
    assert(*pos < t.bytes.n);
    switch (t.encoding) {
    case ENC_UTF16LE:
        return next_utf16(t.bytes, pos);
    case ENC_UTF8:
        return next_utf8(t.bytes, pos);
    case ENC_ASCII:
    case ENC_OEM:
        break;
    }
    return t.bytes.p[(*pos)++];
}

size_t text_align(struct text t, size_t pos) {
    struct view v = t.bytes;
    if (pos == 0 || pos >= v.n) {
        return pos < v.n ? pos : v.n;
    }
    if (t.encoding == ENC_UTF16LE) {
        pos += pos & 1;
        bool inside = v.n - pos >= 2 && pos >= 2 && is_low(unit_at(v, pos)) && is_high(unit_at(v, pos - 2));
        return inside ? pos + 2 : pos;
    }
    for (unsigned i = 0; t.encoding == ENC_UTF8 && i < 3 && pos < v.n && (v.p[pos] & 0xC0) == 0x80; i++) {
        pos++;
    }
    return pos;
}

/* Controls move the cursor; the bidirectional ones show another name than the one that is there. */
static bool unfit_for_terminal(uint32_t c) {
    return c < 0x20 || (c >= 0x7F && c < 0xA0) || (c >= 0x200E && c <= 0x200F) || (c >= 0x2028 && c <= 0x202E) ||
           (c >= 0x2066 && c <= 0x2069) || c >= TEXT_BAD;
}

static size_t put_utf8(uint32_t c, char to[4]) {
    if (c < 0x80) {
        to[0] = (char)c;
        return 1;
    }
    size_t tail = c < 0x800 ? 1 : c < 0x10000 ? 2 : 3;
    static const uint8_t mark[] = {0, 0xC0, 0xE0, 0xF0};
    to[0] = (char)(mark[tail] | c >> (6 * tail));
    for (size_t i = 1; i <= tail; i++) {
        to[i] = (char)(0x80 | (c >> (6 * (tail - i)) & 0x3F));
    }
    return tail + 1;
}

size_t text_to_utf8(struct text t, char *to, size_t size) {
    size_t used = 0;
    for (size_t pos = 0; pos < t.bytes.n;) {
        uint32_t c = text_next(t, &pos);
        if (c == TEXT_ODD) {
            break;
        }
        char form[4];
        size_t n = put_utf8(unfit_for_terminal(c) ? TEXT_REPLACEMENT : c, form);
        if (n >= size - used) {
            break;
        }
        for (size_t i = 0; i < n; i++) {
            to[used++] = form[i];
        }
    }
    to[used] = '\0';
    return used;
}
