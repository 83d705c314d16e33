/* Appends JSON to memory of the caller's, as pure ASCII. What does not fit is not written and sets overflowed, for ever: the
 * caller asks once, at the end. */
#ifndef JSON_WRITER_H
#define JSON_WRITER_H

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "view.h"

struct json_writer {
    char *base;
    size_t size, used;
    bool overflowed;
};

/* What happened to a text on its way: flags, or-ed. */
enum { JSON_TEXT_LOSSY = 1, JSON_TEXT_TRUNCATED = 2 };
/* Which end of a text is given up where it is longer than its limit. */
enum json_cut { JSON_CUT_END, JSON_CUT_FRONT };

static inline void json_raw(struct json_writer *w, const char *s, size_t n) {
    if (n > w->size - w->used) {
        w->overflowed = true;
        return;
    }
    memcpy(w->base + w->used, s, n);
    w->used += n;
}

#define json_literal(w, s) json_raw((w), (s), sizeof(s) - 1)

static inline void json_char(struct json_writer *w, char c) {
    json_raw(w, &c, 1);
}

void json_uint(struct json_writer *, uint64_t);
/* digits lower-case hex digits, no 0x. */
void json_hex(struct json_writer *, uint64_t, unsigned digits);
/* RFC 3339 UTC with nine digits, no quotes. ns since 1970; a FILETIME before that is written as what it is. */
void json_time(struct json_writer *, uint64_t ns);
void json_filetime(struct json_writer *, uint64_t filetime);
/* The text between quotes that the caller writes, escaped: at most limit bytes of output, cut at a character. Unpaired
 * surrogates, NUL and bytes that are no UTF-8 become U+FFFD. Returns JSON_TEXT_* flags. */
unsigned json_text(struct json_writer *, struct text, size_t limit, enum json_cut);

#endif
