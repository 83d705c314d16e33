#include "json_writer.h"

#include <endian.h>

#include "text.h"

static const char pairs[200] = "00010203040506070809101112131415161718192021222324252627282930313233343536373839"
                               "40414243444546474849505152535455565758596061626364656667686970717273747576777879"
                               "8081828384858687888990919293949596979899";

static const char hex_digits[16] = "0123456789abcdef";

static void put_pair(char *to, unsigned below_100) {
    memcpy(to, pairs + 2 * (size_t)below_100, 2);
}

void json_uint(struct json_writer *w, uint64_t value) {
    char digits[20];
    size_t at = sizeof(digits);
    while (value >= 100) {
        at -= 2;
        put_pair(digits + at, (unsigned)(value % 100));
        value /= 100;
    }
    if (value >= 10) {
        at -= 2;
        put_pair(digits + at, (unsigned)value);
    } else {
        digits[--at] = (char)('0' + value);
    }
    json_raw(w, digits + at, sizeof(digits) - at);
}

void json_hex(struct json_writer *w, uint64_t value, unsigned digits) {
    char form[16];
    if (digits > sizeof(form)) {
        digits = sizeof(form);
    }
    while (digits > 0 && digits < sizeof(form) && value >> (4 * digits) != 0) {
        digits++;
    }
    for (unsigned i = digits; i > 0; i--) {
        form[i - 1] = hex_digits[value & 15];
        value >>= 4;
    }
    json_raw(w, form, digits);
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
    put_pair(to, year / 100);
    put_pair(to + 2, year % 100);
    to[4] = '-';
    put_pair(to + 5, month);
    to[7] = '-';
    put_pair(to + 8, day);
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
    put_pair(s->text + 11, (unsigned)(of_day / 3600));
    s->text[13] = ':';
    put_pair(s->text + 14, (unsigned)(of_day / 60 % 60));
    s->text[16] = ':';
    put_pair(s->text + 17, (unsigned)(of_day % 60));
    s->value = second;
    s->known = true;
}

static void write_moment(struct json_writer *w, int64_t second, uint32_t ns) {
    if (!w->second.known || w->second.value != second) {
        remember_second(&w->second, second);
    }
    char form[30];
    memcpy(form, w->second.text, sizeof(w->second.text));
    form[19] = '.';
    form[20] = (char)('0' + ns / 100000000);
    put_pair(form + 21, ns / 1000000 % 100);
    put_pair(form + 23, ns / 10000 % 100);
    put_pair(form + 25, ns / 100 % 100);
    put_pair(form + 27, ns % 100);
    form[29] = 'Z';
    json_raw(w, form, sizeof(form));
}

void json_time(struct json_writer *w, uint64_t ns) {
    write_moment(w, (int64_t)(ns / 1000000000), (uint32_t)(ns % 1000000000));
}

unsigned json_filetime(struct json_writer *w, uint64_t filetime) {
    const int64_t from_1601_to_1970 = 11644473600, last = 253402300799; /* 9999-12-31T23:59:59 */
    int64_t second = (int64_t)(filetime / 10000000) - from_1601_to_1970;
    if (second > last) {
        write_moment(w, last, 999999999);
        return JSON_TEXT_LOSSY;
    }
    write_moment(w, second, (uint32_t)(filetime % 10000000) * 100);
    return 0;
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
    out[2] = hex_digits[unit >> 12 & 15];
    out[3] = hex_digits[unit >> 8 & 15];
    out[4] = hex_digits[unit >> 4 & 15];
    out[5] = hex_digits[unit & 15];
    return out + 6;
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

#define EACH_16(x) ((x)*UINT64_C(0x0001000100010001))
#define EACH_8(x) ((x)*UINT64_C(0x0101010101010101))

/* Whether four UTF-16 units are all printable ASCII that stands for itself; above the sign bit of each lane the tests below
 * borrow nothing from the next, for every lane is under 0x80 once the first was passed. */
static bool plain_units(uint64_t v) {
    const uint64_t top = EACH_16(UINT64_C(0x8000));
    if (v & EACH_16(UINT64_C(0xFF80))) {
        return false;
    }
    uint64_t fit = ((v | top) - EACH_16(0x20)) & (((v ^ EACH_16('"')) | top) - EACH_16(1)) &
                   (((v ^ EACH_16('\\')) | top) - EACH_16(1)) & (((v ^ EACH_16(0x7F)) | top) - EACH_16(1));
    return (fit & top) == top;
}

/* The same for eight bytes. */
static bool plain_bytes(uint64_t v) {
    const uint64_t top = EACH_8(UINT64_C(0x80));
    if (v & top) {
        return false;
    }
    uint64_t fit = ((v | top) - EACH_8(0x20)) & (((v ^ EACH_8('"')) | top) - EACH_8(1)) &
                   (((v ^ EACH_8('\\')) | top) - EACH_8(1)) & (((v ^ EACH_8(0x7F)) | top) - EACH_8(1));
    return (fit & top) == top;
}

static uint64_t load_64(const uint8_t *p) {
    uint64_t v;
    memcpy(&v, p, sizeof(v));
    return le64toh(v);
}

/* Copies what stands for itself or behind a backslash, as far as it goes: paths are little else. */
static char *put_units(struct view v, size_t *pos, char *out, const char *stop) {
    while (v.n - *pos >= 2) {
        if (v.n - *pos >= 8 && stop - out >= 4 && plain_units(load_64(v.p + *pos))) {
            uint64_t four = load_64(v.p + *pos);
            four = (four | four >> 8) & UINT64_C(0x0000FFFF0000FFFF);
            uint32_t packed = htole32((uint32_t)(four | four >> 16));
            memcpy(out, &packed, sizeof(packed));
            out += sizeof(packed);
            *pos += 8;
            continue;
        }
        uint8_t c = v.p[*pos];
        if (v.p[*pos + 1] != 0 || c >= 0x80 || ascii_cost[c] > 2 || stop - out < ascii_cost[c]) {
            break;
        }
        out = put_character(out, c);
        *pos += 2;
    }
    return out;
}

static char *put_bytes(struct view v, size_t *pos, char *out, const char *stop) {
    while (*pos < v.n) {
        if (v.n - *pos >= 8 && stop - out >= 8 && plain_bytes(load_64(v.p + *pos))) {
            memcpy(out, v.p + *pos, 8);
            out += 8;
            *pos += 8;
            continue;
        }
        uint8_t c = v.p[*pos];
        if (c >= 0x80 || ascii_cost[c] > 2 || stop - out < ascii_cost[c]) {
            break;
        }
        out = put_character(out, c);
        *pos += 1;
    }
    return out;
}

/* Writes t from pos on as far as limit bytes go. Overflow leaves the writer as it was. */
static unsigned write_text(struct json_writer *w, struct text t, size_t pos, size_t limit) {
    size_t room = w->size - w->used;
    char *out = w->base + w->used;
    const char *stop = out + (limit < room ? limit : room);
    unsigned flags = 0;
    while (pos < t.bytes.n) {
        out = t.encoding == ENC_UTF16LE ? put_units(t.bytes, &pos, out, stop) : put_bytes(t.bytes, &pos, out, stop);
        if (pos >= t.bytes.n) {
            break;
        }
        uint32_t c = text_next(t, &pos);
        if (cost(c) > (size_t)(stop - out)) {
            if (limit > room) {
                w->overflowed = true;
                return flags;
            }
            flags |= JSON_TEXT_TRUNCATED;
            break;
        }
        flags |= is_lossy(t, c) ? JSON_TEXT_LOSSY : 0;
        out = put_character(out, c);
    }
    w->used = (size_t)(out - w->base);
    return flags;
}

/* How many characters that stand for themselves the next eight bytes are: all of them, or 0. */
static size_t plain_run(struct text t, size_t pos) {
    if (t.bytes.n - pos < 8) {
        return 0;
    }
    uint64_t v = load_64(t.bytes.p + pos);
    return t.encoding == ENC_UTF16LE ? (plain_units(v) ? 4 : 0) : (plain_bytes(v) ? 8 : 0);
}

/* What t takes from pos on, as far as it is not more than limit. */
static size_t measure(struct text t, size_t pos, size_t limit) {
    size_t total = 0;
    while (pos < t.bytes.n && total <= limit) {
        size_t run = plain_run(t, pos);
        total += run ? run : cost(text_next(t, &pos));
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
        size_t run = plain_run(t, pos);
        bool all = run != 0 && total - limit >= run;
        total -= all ? run : cost(text_next(t, &pos));
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

unsigned json_joined(struct json_writer *w, const struct text *parts, size_t count, size_t limit, enum json_cut cut) {
    size_t before = w->used;
    unsigned flags = 0;
    for (size_t i = 0; i < count && !(flags & JSON_TEXT_TRUNCATED); i++) {
        flags |= write_text(w, parts[i], 0, limit - (w->used - before));
        if (w->overflowed) {
            w->used = before;
            return flags;
        }
    }
    if (cut == JSON_CUT_FRONT && flags & JSON_TEXT_TRUNCATED) {
        w->used = before;
        flags = joined_front_cut(w, parts, count, limit);
    }
    return flags;
}
