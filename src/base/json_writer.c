#include "json_writer.h"

#include "digits.h"
#include "plain.h"
#include "text.h"

const char digits_pairs[200] = "00010203040506070809101112131415161718192021222324252627282930313233343536373839"
                               "40414243444546474849505152535455565758596061626364656667686970717273747576777879"
                               "8081828384858687888990919293949596979899";

void json_uint(struct json_writer *w, uint64_t value) {
    json_wrote(w, digits_uint(json_end(w), value));
}

void json_hex(struct json_writer *w, uint64_t value, unsigned digits) {
    json_wrote(w, digits_hex(json_end(w), value, digits));
}

/* Days since 1970 to a date of the proleptic Gregorian calendar. Counting from March puts the leap day last, so the months
 * before it fall on a straight line; an era is the 400 years after which the calendar repeats. */
static void put_date(char *to, int64_t days) {
    int64_t shifted = days + 719468; /* since 0000-03-01; never negative, for 1601 is the first year there is */
    uint32_t era = (uint32_t)(shifted / 146097), day_of_era = (uint32_t)(shifted % 146097);
    uint32_t year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
    uint32_t day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    uint32_t march_month = (5 * day_of_year + 2) / 153;
    uint32_t day = day_of_year - (153 * march_month + 2) / 5 + 1;
    uint32_t month = march_month < 10 ? march_month + 3 : march_month - 9;
    uint32_t year = year_of_era + era * 400 + (month <= 2);
    digits_pair(to, year / 100);
    digits_pair(to + 2, year % 100);
    to[4] = '-';
    digits_pair(to + 5, month);
    to[7] = '-';
    digits_pair(to + 8, day);
}

enum { SECONDS_A_DAY = 86400 };

static void remember_second(struct json_second *s, int64_t second) {
    int64_t days = second / SECONDS_A_DAY, of_day = second % SECONDS_A_DAY;
    if (of_day < 0) {
        of_day += SECONDS_A_DAY;
        days--;
    }
    put_date(s->text, days);
    s->text[10] = 'T';
    digits_pair(s->text + 11, (unsigned)(of_day / 3600));
    s->text[13] = ':';
    digits_pair(s->text + 14, (unsigned)(of_day / 60 % 60));
    s->text[16] = ':';
    digits_pair(s->text + 17, (unsigned)(of_day % 60));
    s->value = second;
    s->known = true;
}

static char *put_moment(struct json_second *remembered, int64_t second, uint32_t ns, char *to) {
    if (!remembered->known || remembered->value != second) {
        remember_second(remembered, second);
    }
    memcpy(to, remembered->text, sizeof(remembered->text));
    to[19] = '.';
    to[20] = (char)('0' + ns / 100000000);
    digits_pair(to + 21, ns / 1000000 % 100);
    digits_pair(to + 23, ns / 10000 % 100);
    digits_pair(to + 25, ns / 100 % 100);
    digits_pair(to + 27, ns % 100);
    to[29] = 'Z';
    return to + 30;
}

char *json_put_time(struct json_second *remembered, uint64_t ns, char *to) {
    return put_moment(remembered, (int64_t)(ns / 1000000000), (uint32_t)(ns % 1000000000), to);
}

void json_time(struct json_writer *w, uint64_t ns) {
    json_wrote(w, json_put_time(&w->second, ns, json_end(w)));
}

char *json_put_filetime(struct json_second *remembered, uint64_t filetime, char *to, unsigned *flags) {
    const int64_t from_1601_to_1970 = 11644473600, last = 253402300799; /* 9999-12-31T23:59:59 */
    int64_t second = (int64_t)(filetime / 10000000) - from_1601_to_1970;
    bool late = second > last;
    uint32_t ns = late ? 999999999 : (uint32_t)(filetime % 10000000) * 100;
    *flags |= late ? JSON_TEXT_LOSSY : 0;
    return put_moment(remembered, late ? last : second, ns, to);
}

unsigned json_filetime(struct json_writer *w, uint64_t filetime) {
    unsigned flags = 0;
    json_wrote(w, json_put_filetime(&w->second, filetime, json_end(w), &flags));
    return flags;
}

/* Bytes of output that an ASCII character takes: itself, after a backslash, or as an escape (controls, and DEL). */
static const uint8_t ascii_cost[128] = {
    6, 6, 6, 6, 6, 6, 6, 6, 6, 6, 6, 6, 6, 6, 6, 6, 6, 6, 6, 6, 6, 6, 6, 6, 6, 6, 6, 6, 6, 6, 6, 6, /* controls */
    1, 1, 2, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, /* " */
    1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 2, 1, 1, 1, /* \ */
    1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 6, /* DEL */
};

enum { COST_MAX = 12 }; /* a surrogate pair: two escapes */

static size_t cost(uint32_t c) {
    if (c < 0x80) {
        return ascii_cost[c];
    }
    return c == TEXT_ODD ? 0 : c >= 0x10000 && c < TEXT_BAD ? COST_MAX : 6;
}

static char *put_escape(char *out, uint32_t unit) {
    out[0] = '\\';
    out[1] = 'u';
    return digits_hex8(out + 2, unit, 4);
}

/* Writes the cost(c) bytes of c. */
static char *put_character(char *out, uint32_t c) {
    if (c == TEXT_ODD) {
        return out;
    }
    if (c == 0 || c == TEXT_BAD) {
        return put_escape(out, TEXT_REPLACEMENT);
    }
    if (c < 0x80 && ascii_cost[c] < 6) {
        if (ascii_cost[c] == 2) {
            *out++ = '\\';
        }
        *out++ = (char)c;
        return out;
    }
    if (c >= 0x10000) {
        out = put_escape(out, 0xD800 + ((c - 0x10000) >> 10));
        c = 0xDC00 + ((c - 0x10000) & 0x3FF);
    }
    return put_escape(out, c);
}

static bool is_lossy(struct text t, uint32_t c) {
    return c == 0 || c >= TEXT_BAD || (c >= 0x80 && (t.encoding == ENC_ASCII || t.encoding == ENC_OEM));
}

/* Copies what stands for itself or behind a backslash, block by block, as far as it goes and there is room for a whole one. */
static inline char *put_units(struct view v, size_t *pos, char *out, const char *stop) {
    const uint8_t *p = v.n != 0 ? v.p + *pos : v.p; /* of none there may be no address */
    size_t left = (v.n - *pos) / 2, taken = PLAIN_BLOCK;
    while (left != 0 && taken == PLAIN_BLOCK && stop - out >= PLAIN_ROOM) {
        out = plain_units(p, left < PLAIN_BLOCK ? left : PLAIN_BLOCK, out, &taken);
        left -= taken;
        p += 2 * taken;
    }
    *pos = (size_t)(p - v.p);
    return out;
}

static inline char *put_bytes(struct view v, size_t *pos, char *out, const char *stop) {
    const uint8_t *p = v.p + *pos;
    size_t left = v.n - *pos, taken = PLAIN_BLOCK;
    while (left != 0 && taken == PLAIN_BLOCK && stop - out >= PLAIN_ROOM) {
        out = plain_bytes(p, left < PLAIN_BLOCK ? left : PLAIN_BLOCK, out, &taken);
        left -= taken;
        p += taken;
    }
    *pos = (size_t)(p - v.p);
    return out;
}

static inline unsigned unit_at(const uint8_t *p) {
    return p[0] | (unsigned)p[1] << 8;
}

static inline bool is_pair(unsigned high, unsigned low) {
    return (high & 0xFC00) == 0xD800 && (low & 0xFC00) == 0xDC00;
}

#define EACH_UNIT(x) ((x)*UINT64_C(0x0001000100010001))

/* Is one of four units zero? */
static inline bool has_zero(uint64_t v) {
    const uint64_t high = EACH_UNIT(UINT64_C(0x8000));
    return (~(((v & ~high) + ~high) | v) & high) != 0;
}

/* Four units that each stand as an escape of their own: no ASCII and no surrogate among them. */
static inline bool are_escapes(uint64_t v) {
    return !has_zero(v & EACH_UNIT(UINT64_C(0xFF80))) &&
           !has_zero((v & EACH_UNIT(UINT64_C(0xF800))) ^ EACH_UNIT(UINT64_C(0xD800)));
}

/* Two units, the first in the lower half; writes four bytes behind them as well. */
static inline char *put_two_escapes(char *out, uint32_t units) {
    char digits[8];
    digits_hex8(digits, units << 16 | units >> 16, 8);
    memcpy(out, "\\u", 2);
    memcpy(out + 2, digits, 4);
    memcpy(out + 6, "\\u", 2);
    memcpy(out + 8, digits + 4, 4);
    return out + 12;
}

/* Units that stand for themselves between others that do not, as a space does between words. */
static inline char *put_between(char *out, unsigned unit) {
    if (ascii_cost[unit] == 2) {
        *out++ = '\\';
    }
    *out = (char)unit;
    return out + 1;
}

/* The same for units that stand as escapes, one for each: letters of other scripts, of which a name then has many, with what stands alone
 * among them, and whole pairs. */
static inline char *put_escapes(struct view v, size_t *pos, char *out, const char *stop) {
    const uint8_t *p = v.p + *pos, *end = v.p + v.n;
    while (end - p >= 4 && stop - out >= 2 * COST_MAX) {
        unsigned unit = unit_at(p);
        uint64_t four = end - p >= 8 ? plain_load(p) : 0;
        if (are_escapes(four)) {
            out = put_two_escapes(put_two_escapes(out, (uint32_t)four), (uint32_t)(four >> 32));
            p += 8;
        } else if (is_pair(unit, unit_at(p + 2))) {
            out = put_two_escapes(out, (uint32_t)unit | (uint32_t)unit_at(p + 2) << 16);
            p += 4;
        } else if (unit >= 0x80 ? (unit & 0xF800) == 0xD800 : ascii_cost[unit] > 2 || unit_at(p + 2) < 0x80) {
            break;
        } else {
            out = unit >= 0x80 ? put_escape(out, unit) : put_between(out, unit);
            p += 2;
        }
    }
    *pos = (size_t)(p - v.p);
    return out;
}

static inline char *put_plain(struct text t, size_t *pos, char *out, const char *stop) {
    return t.encoding == ENC_UTF16LE ? put_units(t.bytes, pos, out, stop) : put_bytes(t.bytes, pos, out, stop);
}

/* Writes t from pos on at out, as far as stop: all of it, or *cut. */
static char *put_text(struct text t, size_t pos, char *out, const char *stop, unsigned *flags, bool *cut) {
    while (pos < t.bytes.n) {
        out = put_plain(t, &pos, out, stop);
        if (t.encoding == ENC_UTF16LE && t.bytes.n - pos >= 2 && unit_at(t.bytes.p + pos) >= 0x80) {
            const size_t from = pos;
            out = put_escapes(t.bytes, &pos, out, stop);
            if (pos != from) {
                continue;
            }
        }
        if (pos >= t.bytes.n) {
            break;
        }
        uint32_t c = text_next(t, &pos);
        if (cost(c) > (size_t)(stop - out)) {
            *cut = true;
            break;
        }
        *flags |= is_lossy(t, c) ? JSON_TEXT_LOSSY : 0;
        out = put_character(out, c);
    }
    return out;
}

/* Writes t from pos on as far as limit bytes go. Overflow leaves the writer as it was. */
static unsigned write_text(struct json_writer *w, struct text t, size_t pos, size_t limit) {
    size_t room = w->size - w->used;
    unsigned flags = 0;
    bool cut = false;
    char *out = json_end(w);
    out = put_text(t, pos, out, out + (limit < room ? limit : room), &flags, &cut);
    if (cut && limit > room) {
        w->overflowed = true;
        return flags;
    }
    w->used = (size_t)(out - w->base);
    return flags | (cut ? JSON_TEXT_TRUNCATED : 0);
}

/* A text that is plain all through: NULL where it is not, or there might not be room for it. */
static inline char *put_all_plain(const struct text *t, char *to, const char *stop) {
    bool wide = t->encoding == ENC_UTF16LE;
    const uint8_t *p = t->bytes.p;
    size_t left = t->bytes.n >> wide, taken;
    if ((size_t)(stop - to) < 2 * left + PLAIN_ROOM || left << wide != t->bytes.n) {
        return NULL;
    }
    for (; left > PLAIN_BLOCK; left -= PLAIN_BLOCK, p += PLAIN_BLOCK << wide) {
        to = wide ? plain_units(p, PLAIN_BLOCK, to, &taken) : plain_bytes(p, PLAIN_BLOCK, to, &taken);
        if (taken != PLAIN_BLOCK) {
            return NULL;
        }
    }
    if (left != 0) {
        to = wide ? plain_units(p, left, to, &taken) : plain_bytes(p, left, to, &taken);
    }
    return left == 0 || taken == left ? to : NULL;
}

/* Whatever it is; NULL where there is no room. */
__attribute__((noinline)) static char *put_any(struct json_texts *texts, const struct text *t, char *to,
                                               const char *stop, unsigned *flags) {
    bool cut = false;
    char *end = put_text(*t, 0, to, stop, flags, &cut);
    texts->flags |= *flags;
    return cut ? NULL : end;
}

static bool same_text(const struct text *a, const struct text *b) {
    return a->bytes.p == b->bytes.p && a->bytes.n == b->bytes.n && a->encoding == b->encoding;
}

/* A long text that does not stand there yet, from now on in this slot. */
__attribute__((noinline)) static char *put_first(struct json_texts *texts, const struct text *t, size_t slot, char *to,
                                                 const char *stop) {
    unsigned flags = 0;
    char *end = put_all_plain(t, to, stop);
    if (end == NULL) {
        end = put_any(texts, t, to, stop, &flags);
    }
    if (flags == 0 && end != NULL) {
        texts->known |= 1u << slot;
        texts->slots[slot] = (struct json_remembered){*t, to, (size_t)(end - to)};
    }
    return end;
}

static inline char *put_again(const char *at, size_t n, char *to, const char *stop) {
    return n <= (size_t)(stop - to) ? digits_copy(to, at, n) : NULL;
}

/* NULL where there is no room. to is not behind stop. */
static inline char *put_one(struct json_texts *texts, const struct text *t, char *to, const char *stop) {
    if (t->bytes.n <= PLAIN_SHORT) {
        unsigned flags = 0;
        char *end = plain_short(t, to, stop);
        return end != NULL ? end : put_any(texts, t, to, stop, &flags);
    }
    size_t slot = ((uintptr_t)t->bytes.p >> 3 ^ t->bytes.n >> 1) % JSON_REMEMBERED;
    const struct json_remembered *r = &texts->slots[slot];
    if (texts->known >> slot & 1 && same_text(&r->text, t)) {
        return put_again(r->at, r->length, to, stop);
    }
    return put_first(texts, t, slot, to, stop);
}

/* What stands between a share and a name, or a domain and a user. */
static inline bool is_backslash(const struct text *t) {
    return t->bytes.n == 1 && t->bytes.p[0] == '\\' && t->encoding != ENC_UTF16LE;
}

/* Joined texts are remembered by where the parts are, as one. */
static char *put_parts(struct json_texts *texts, const struct text *parts, size_t count, char *to, const char *stop) {
    struct json_remembered *joined = &texts->joined[((uintptr_t)parts >> 3) % JSON_JOINED];
    if (joined->text.bytes.p == (const uint8_t *)parts && joined->text.bytes.n == count) {
        return put_again(joined->at, joined->length, to, stop);
    }
    char *begin = to;
    unsigned before = texts->flags;
    texts->flags = 0;
    for (const struct text *t = parts; t != parts + count; t++) {
        if (is_backslash(t) && stop - to >= 2) {
            memcpy(to, "\\\\", 2);
            to += 2;
        } else if ((to = put_one(texts, t, to, stop)) == NULL) {
            return NULL;
        }
    }
    if (texts->flags == 0) {
        *joined = (struct json_remembered){{{(const uint8_t *)parts, count}, 0}, begin, (size_t)(to - begin)};
    }
    texts->flags |= before;
    return to;
}

char *json_put_whole(struct json_texts *texts, const struct text *parts, size_t count, char *to, const char *stop) {
    if (to > stop) {
        return NULL;
    }
    return count == 1 ? put_one(texts, parts, to, stop) : put_parts(texts, parts, count, to, stop);
}

unsigned json_whole(struct json_writer *w, struct json_texts *texts, const struct text *parts, size_t count) {
    texts->flags = 0;
    const char *end = json_put_whole(texts, parts, count, json_end(w), w->base + w->size);
    if (end == NULL) {
        w->overflowed = true;
    } else {
        w->used = (size_t)(end - w->base);
    }
    return texts->flags;
}

/* How many characters that stand for themselves the next eight bytes are: all of them, or 0. */
static size_t plain_eight_of(struct text t, size_t pos) {
    uint32_t bytes;
    if (t.bytes.n - pos < 8) {
        return 0;
    }
    uint64_t v = plain_load(t.bytes.p + pos);
    return t.encoding == ENC_UTF16LE ? (plain_four(v, &bytes) ? 4 : 0) : (plain_eight(v) ? 8 : 0);
}

/* What the next character takes; *pos comes to stand behind it. Of UTF-16 each unit that is not ASCII is an escape, a surrogate too. */
static inline size_t next_cost(struct text t, size_t *pos) {
    if (t.encoding != ENC_UTF16LE || t.bytes.n - *pos < 2) {
        return cost(text_next(t, pos));
    }
    const uint8_t *p = t.bytes.p + *pos;
    unsigned unit = unit_at(p);
    bool pair = t.bytes.n - *pos >= 4 && is_pair(unit, unit_at(p + 2));
    *pos += pair ? 4 : 2;
    return pair ? COST_MAX : unit < 0x80 ? ascii_cost[unit] : COST_MAX / 2;
}

/* What the next eight bytes take where that is soon said; 0: it is not. */
static inline size_t next_eight(struct text t, size_t pos) {
    size_t run = plain_eight_of(t, pos);
    bool escapes =
        run == 0 && t.encoding == ENC_UTF16LE && t.bytes.n - pos >= 8 && are_escapes(plain_load(t.bytes.p + pos));
    return escapes ? 2 * COST_MAX : run;
}

/* What t takes from pos on, as far as it is not more than limit. */
static size_t measure(struct text t, size_t pos, size_t limit) {
    size_t total = 0;
    while (pos < t.bytes.n && total <= limit) {
        size_t run = next_eight(t, pos);
        total += run ? run : next_cost(t, &pos);
        pos += run ? 8 : 0;
    }
    return total;
}

/* Where the longest end of t begins that takes at most limit bytes. No character takes fewer bytes than it has (an ASCII unit
 * of UTF-16 has two), so there is no need to look further back than that. */
static size_t tail_begin(struct text t, size_t limit) {
    size_t reach = t.encoding == ENC_UTF16LE && limit < SIZE_MAX / 2 ? limit * 2 + 1 : limit;
    size_t pos = text_align(t, t.bytes.n > reach ? t.bytes.n - reach : 0);
    size_t total = measure(t, pos, SIZE_MAX);
    while (pos < t.bytes.n && total > limit) {
        size_t run = next_eight(t, pos);
        bool all = run != 0 && total - limit >= run;
        total -= all ? run : next_cost(t, &pos);
        pos += all ? 8 : 0;
    }
    return pos;
}

unsigned json_text(struct json_writer *w, struct text t, size_t limit, enum json_cut cut) {
    return json_joined(w, &t, 1, limit, cut);
}

static unsigned joined_front_cut(struct json_writer *w, const struct text *parts, size_t count, size_t limit) {
    size_t first = count, left = limit;
    while (first > 0) {
        size_t whole = measure(parts[first - 1], 0, left);
        if (whole > left) {
            break;
        }
        left -= whole;
        first--;
    }
    unsigned flags = JSON_TEXT_TRUNCATED;
    if (first > 0) {
        flags |= write_text(w, parts[first - 1], tail_begin(parts[first - 1], left), left);
    }
    for (size_t i = first; i < count; i++) {
        flags |= write_text(w, parts[i], 0, limit);
    }
    return flags;
}

/* Is it more than limit? Looked at before anything is written, for then it is written once. */
static bool is_longer(const struct text *parts, size_t count, size_t limit) {
    size_t total = 0;
    for (size_t i = 0; i < count && total <= limit; i++) {
        total += measure(parts[i], 0, limit - total);
    }
    return total > limit;
}

unsigned json_joined(struct json_writer *w, const struct text *parts, size_t count, size_t limit, enum json_cut cut) {
    size_t before = w->used;
    unsigned flags = 0;
    if (cut == JSON_CUT_FRONT && limit != SIZE_MAX && is_longer(parts, count, limit)) {
        w->overflowed = w->overflowed || limit > w->size - before;
        return w->overflowed ? flags : joined_front_cut(w, parts, count, limit);
    }
    for (size_t i = 0; i < count && !(flags & JSON_TEXT_TRUNCATED); i++) {
        flags |= write_text(w, parts[i], 0, limit - (w->used - before));
        if (w->overflowed) {
            w->used = before;
            return flags;
        }
    }
    return flags;
}
