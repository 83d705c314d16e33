#include "code_page.h"

#include <errno.h>
#include <iconv.h>
#include <stdbool.h>
#include <stdlib.h>

struct code_page {
    iconv_t converter;
};

struct code_page *code_page_open(const char *name) {
    struct code_page *page = malloc(sizeof *page);
    if (!page) {
        return NULL;
    }
    page->converter = iconv_open("UTF-16LE", name);
    if (page->converter == (iconv_t)-1) {
        free(page);
        return NULL;
    }
    /* What has no ASCII where ASCII has it is no code page of SMB: its separators would be none. */
    static const uint8_t probe[] = {'A', '\\', '.', 'z'};
    uint8_t found[sizeof probe * 2];
    char *in = (char *)(uintptr_t)probe, *out = (char *)found;
    size_t in_left = sizeof probe, out_left = sizeof found;
    bool good = iconv(page->converter, &in, &in_left, &out, &out_left) == 0 && out_left == 0;
    for (size_t i = 0; good && i < sizeof probe; i++) {
        good = found[i * 2] == probe[i] && found[i * 2 + 1] == 0;
    }
    if (!good) {
        code_page_close(page);
        return NULL;
    }
    return page;
}

void code_page_close(struct code_page *page) {
    if (page) {
        iconv_close(page->converter);
        free(page);
    }
}

static bool is_ascii(struct view v) {
    uint8_t any = 0;
    for (size_t i = 0; i < v.n; i++) {
        any |= v.p[i];
    }
    return any < 0x80;
}

/* Unit by unit; what is no ASCII is lost, as an unpaired surrogate. */
static size_t widen(struct view v, uint8_t *to, size_t size) {
    size_t n = v.n < size / 2 ? v.n : size / 2;
    for (size_t i = 0; i < n; i++) {
        to[i * 2] = v.p[i];
        to[i * 2 + 1] = v.p[i] < 0x80 ? 0 : 0xDC;
    }
    return n * 2;
}

size_t code_page_to_utf16(struct code_page *page, struct view v, uint8_t *to, size_t size) {
    if (!page || is_ascii(v)) {
        return widen(v, to, size);
    }
    char *in = (char *)(uintptr_t)v.p,
         *out = (char *)to; /* iconv takes its input without const, and leaves it as it is */
    size_t in_left = v.n, out_left = size;
    iconv(page->converter, NULL, NULL, NULL, NULL);
    while (in_left > 0) {
        size_t done = iconv(page->converter, &in, &in_left, &out, &out_left);
        bool full = (done == (size_t)-1 && errno == E2BIG) || out_left < 2;
        if (full || in_left == 0) {
            break;
        }
        size_t n = widen((struct view){(const uint8_t *)in, 1}, (uint8_t *)out, out_left);
        out += n;
        out_left -= n;
        in++;
        in_left--;
        iconv(page->converter, NULL, NULL, NULL, NULL);
    }
    return size - out_left;
}
