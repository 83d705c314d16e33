/* Appends JSON to memory of the caller's, as pure ASCII. What does not fit is not written and sets overflowed, for ever: the
 * caller asks once, at the end. Behind the size that counts there are JSON_SLACK bytes more, which a writer may scribble over. */
#ifndef JSON_WRITER_H
#define JSON_WRITER_H

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "view.h"

/* The second that was written last, so that the times of one record work out their date once. */
struct json_second {
    int64_t value; /* since 1970 */
    char text[19]; /* 2026-11-20T09:02:03 */
    bool known;
};

struct json_writer {
    char *base;
    size_t size, used;
    bool overflowed;
    struct json_second second; /* zeroed by the caller at first, and nobody else's after */
};

/* What happened to a text on its way: flags, or-ed. */
enum { JSON_TEXT_LOSSY = 1, JSON_TEXT_TRUNCATED = 2 };
/* Which end of a text is given up where it is longer than its limit. */
enum json_cut { JSON_CUT_END, JSON_CUT_FRONT };

enum { JSON_SLACK = 128 };

/* For what takes at most JSON_SLACK bytes: written where json_end says, and then told how far it went. */
static inline char *json_end(const struct json_writer *w) {
    return w->base + w->used;
}

static inline void json_wrote(struct json_writer *w, const char *end) {
    size_t used = (size_t)(end - w->base);
    if (used > w->size) {
        w->overflowed = true;
        return;
    }
    w->used = used;
}

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
    char *end = json_end(w);
    *end = c;
    json_wrote(w, end + 1);
}

void json_uint(struct json_writer *, uint64_t);
/* At least digits lower-case hex digits, no 0x. */
void json_hex(struct json_writer *, uint64_t, unsigned digits);
/* RFC 3339 UTC with nine digits, no quotes. ns since 1970; a FILETIME before that is written as what it is. RFC 3339 ends with
 * the year 9999, FILETIME does not: what is later is written as the last nanosecond of that year and JSON_TEXT_LOSSY returned. */
void json_time(struct json_writer *, uint64_t ns);
unsigned json_filetime(struct json_writer *, uint64_t filetime);
/* The text between quotes that the caller writes, escaped: at most limit bytes of output, cut at a character. Unpaired
 * surrogates, NUL and bytes that are no UTF-8 become U+FFFD, ASCII above 0x7F is guessed to be Latin-1, and the odd last byte of
 * UTF-16 is left out: all of these are lossy. Returns JSON_TEXT_* flags. Where the writer's memory ends before the limit does,
 * nothing is written. */
unsigned json_text(struct json_writer *, struct text, size_t limit, enum json_cut);
/* The same for several texts as if they were one. */
unsigned json_joined(struct json_writer *, const struct text *parts, size_t count, size_t limit, enum json_cut);
/* For who keeps the place where it writes: at to, behind which there are JSON_SLACK bytes. They return where the text ends, and add to
 * the flags. */
enum { JSON_TIME_LENGTH = 30 };
char *json_put_time(struct json_second *, uint64_t ns, char *to); /* JSON_TIME_LENGTH bytes */
char *json_put_filetime(struct json_second *, uint64_t filetime, char *to, unsigned *flags);

/* Where texts stand that were written before and are still there, so that the next time they are copied: names and paths stand in
 * several places of a record. The texts' bytes, and the parts of those that are joined, stay the same meanwhile. */
enum { JSON_REMEMBERED = 8, JSON_JOINED = 2 };
struct json_remembered {
    struct text text;
    const char *at;
    size_t length;
};
struct json_texts {
    struct json_remembered slots[JSON_REMEMBERED];
    struct json_remembered joined[JSON_JOINED]; /* their text's bytes: the parts, as they were given; NULL: none */
    unsigned known;                             /* a bit for each slot that is in use */
    unsigned flags;                             /* JSON_TEXT_*, of those written since the caller made it 0 */
};

static inline void json_texts_begin(struct json_texts *t) {
    t->joined[0].text.bytes.p = t->joined[1].text.bytes.p = NULL;
    t->known = 0;
}

/* NULL where it does not end before stop, which is followed by JSON_SLACK bytes. */
char *json_put_whole(struct json_texts *, const struct text *parts, size_t count, char *to, const char *stop);

/* json_joined without a limit but the writer's memory. */
unsigned json_whole(struct json_writer *, struct json_texts *, const struct text *parts, size_t count);

#endif
