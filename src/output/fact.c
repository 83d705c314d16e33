#include "fact.h"

#include <arpa/inet.h>

#include "base/digits.h"
#include "base/plain.h"
#include "record.h"

const struct fact_key fact_keys[FIELDS] = {
#define FIELD(id, name, place, type, meaning) {",\"" name "\":"},
#include "tables/field.def"
#undef FIELD
};

const struct fact_shape fact_shapes[FIELDS] = {
#define FIELD(id, name, place, type, meaning) \
    {sizeof(",\"" name "\":") - 1,            \
     FIELD_##id == FIELD_LOSSY || FIELD_##id == FIELD_TRUNCATED ? PLACE_ENVELOPE : PLACE_##place},
#include "tables/field.def"
#undef FIELD
};

#define FIELD(id, name, place, type, meaning) \
    _Static_assert(sizeof(",\"" name "\":") <= sizeof(fact_keys[0].member), "a key must fit its row");
#include "tables/field.def"
#undef FIELD

/* Which limit a text obeys, and which end of it tells more: of a path that is the last. */
enum kind { KIND_ORDINARY, KIND_ORDINARY_PATH, KIND_PATH, KIND_NAME };

static const uint8_t kinds[FIELDS] = {
    [FIELD_FILE_NAME] = KIND_NAME,          [FIELD_RENAME_TO] = KIND_NAME,
    [FIELD_FILE_PATH] = KIND_PATH,          [FIELD_LOCAL_PATH] = KIND_PATH,
    [FIELD_LINK_TO] = KIND_ORDINARY_PATH,   [FIELD_STREAM] = KIND_ORDINARY_PATH,
    [FIELD_EXTENSION] = KIND_ORDINARY_PATH, [FIELD_COPY_SOURCE] = KIND_ORDINARY_PATH,
};

/* What is left of a record when it holds more than can be: when, what, by whom, to which file, and how it ended. */
static const bool essential[FIELDS] = {
    [FIELD_USER] = true,          [FIELD_START_TIME] = true,
    [FIELD_END_TIME] = true,      [FIELD_START_SEEN] = true,
    [FIELD_DURATION_NS] = true,   [FIELD_PACKET_COUNT] = true,
    [FIELD_OUT_BYTES] = true,     [FIELD_IN_BYTES] = true,
    [FIELD_END_REASON] = true,    [FIELD_CLOSED_BY] = true,
    [FIELD_RULE_ID] = true,       [FIELD_RULE_NAME] = true,
    [FIELD_KIND] = true,          [FIELD_SEVERITY] = true,
    [FIELD_COUNT] = true,         [FIELD_FIRST_TIME] = true,
    [FIELD_LAST_TIME] = true,     [FIELD_SUMMARY] = true,
    [FIELD_MISSED_BYTES] = true,  [FIELD_GAPS] = true,
    [FIELD_CONTENT] = true,       [FIELD_VERSION] = true,
    [FIELD_COMMAND] = true,       [FIELD_OPERATION] = true,
    [FIELD_STATUS] = true,        [FIELD_STATUS_CODE] = true,
    [FIELD_SESSION_ID] = true,    [FIELD_TREE_ID] = true,
    [FIELD_MESSAGE_ID] = true,    [FIELD_FILE_ID] = true,
    [FIELD_SHARE_PATH] = true,    [FIELD_FILE_NAME] = true,
    [FIELD_FILE_PATH] = true,     [FIELD_RENAME_TO] = true,
    [FIELD_PIPE_NAME] = true,     [FIELD_REQUEST_SEEN] = true,
    [FIELD_RESPONSE_SEEN] = true, [FIELD_DELETE_ON_CLOSE] = true,
    [FIELD_OUTPUT] = true,        [FIELD_FROM_SEQ] = true,
    [FIELD_TO_SEQ] = true,        [FIELD_RECORDS_LOST] = true,
    [FIELD_REASON] = true,        [FIELD_SENSOR_VERSION] = true,
};

enum { BITS_OF_MASK = 32 };  /* of a fact */
enum { ESSENTIAL_MIN = 64 }; /* bytes that a text among them has in any case */

/* ---- the value of a fact, written at to: each returns where it ends, NULL where there is none. With its key it takes no more than
 * JSON_SLACK bytes, or its room is looked at. */

static inline char *put_truth(char *to, bool value) {
    memcpy(to, value ? "true\0" : "false", 5);
    return to + (value ? 4 : 5);
}

/* Readers of JSON keep integers in a double: what does not fit one exactly would come out as another number there. An id is
 * written as it is all the same, another one would be wrong. */
static inline char *put_integer(struct fact_writer *w, enum field field, uint64_t number, char *to) {
    const uint64_t max = (UINT64_C(1) << 53) - 1;
    if (number > max && field != FIELD_MESSAGE_ID) {
        fact_note(w, field, JSON_TEXT_LOSSY);
        number = max;
    }
    return digits_uint(to, number);
}

static char *put_uint(struct fact_writer *w, const struct fact *f, char *to) {
    return put_integer(w, f->field, f->number, to);
}

/* An operation begins when its record says, in nearly all of them. */
static char *put_time(struct fact_writer *w, const struct fact *f, char *to) {
    *to++ = '"';
    if (w->time != NULL && f->number == w->time_ns) {
        memcpy(to, w->time, JSON_TIME_LENGTH);
        to += JSON_TIME_LENGTH;
    } else {
        to = json_put_time(&w->json.second, f->number, to);
    }
    *to = '"';
    return to + 1;
}

static inline char *put_hex_string(char *to, uint64_t number, unsigned digits) {
    memcpy(to, "\"0x", 3);
    to = digits_hex(to + 3, number, digits);
    *to = '"';
    return to + 1;
}

static inline char *put_file_id(const struct fact *f, char *to) {
    memcpy(to, "\"0x", 3);
    to = digits_hex(to + 3, f->file_id.persistent, 16);
    to = digits_hex(to, f->file_id.volatile_part, 16);
    *to = '"';
    return to + 1;
}

static char *put_dash(char *to) {
    *to = '-';
    return to + 1;
}

/* MS-DTYP 2.3.4.3, without the braces: three numbers of the machine's order, which is the little end first, then bytes. */
static char *put_guid(const struct fact *f, char *to) {
    const uint8_t *b = f->guid->bytes;
    *to++ = '"';
    to = put_dash(digits_hex8(to, b[0] | (uint32_t)b[1] << 8 | (uint32_t)b[2] << 16 | (uint32_t)b[3] << 24, 8));
    to = put_dash(digits_hex8(to, b[4] | (uint32_t)b[5] << 8, 4));
    to = put_dash(digits_hex8(to, b[6] | (uint32_t)b[7] << 8, 4));
    to = put_dash(digits_hex8(to, b[9] | (uint32_t)b[8] << 8, 4));
    to = digits_hex8(to, b[11] | (uint32_t)b[10] << 8, 4);
    to = digits_hex8(to, b[15] | (uint32_t)b[14] << 8 | (uint32_t)b[13] << 16 | (uint32_t)b[12] << 24, 8);
    *to = '"';
    return to + 1;
}

static char *put_filetime(struct fact_writer *w, const struct fact *f, char *to) {
    unsigned flags = 0;
    *to = '"';
    to = json_put_filetime(&w->json.second, f->number, to + 1, &flags);
    fact_note(w, f->field, flags);
    *to = '"';
    return to + 1;
}

enum { NAME_AT_ONCE = 90 }; /* with a key's 32 bytes and what stands around it within JSON_SLACK */

static inline char *put_ascii(struct json_writer *json, const char *s, size_t n, char *to) {
    if (n <= NAME_AT_ONCE) {
        return digits_copy(to, s, n);
    }
    json_wrote(json, to);
    json_raw(json, s, n);
    return json_end(json);
}

static inline char *put_name(struct json_writer *json, const char *name, size_t n, char *to) {
    *to = '"';
    to = put_ascii(json, name, n, to + 1);
    *to = '"';
    return to + 1;
}

static char *put_named(struct fact_writer *w, const struct fact *f, char *to) {
    const struct name_row *row = fact_row(f);
    return row != NULL ? put_name(&w->json, row->name, row->length, to)
                       : put_hex_string(to, f->number, f->digits ? f->digits : 8);
}

static void write_name_string(struct json_writer *json, const char *name, size_t n) {
    json_wrote(json, put_name(json, name, n, json_end(json)));
}

static void write_hex_string(struct json_writer *json, uint64_t number, unsigned digits) {
    json_wrote(json, put_hex_string(json_end(json), number, digits));
}

/* ---- lists */

/* A list on its way: how many items it has, and how many it may have. */
struct list {
    struct fact_writer *w;
    enum field field;
    unsigned count, max;
};

static struct list list_begin(struct fact_writer *w, const struct fact *f, unsigned max, char bracket) {
    json_char(&w->json, bracket);
    return (struct list){w, f->field, 0, max};
}

/* Makes room for one more item; false where there is none, which is noted, or where the record is full anyway. */
static bool list_next(struct list *l) {
    if (l->w->json.overflowed) {
        return false;
    }
    if (l->count == l->max) {
        fact_note(l->w, l->field, JSON_TEXT_TRUNCATED);
        return false;
    }
    if (l->count++ != 0) {
        json_char(&l->w->json, ',');
    }
    return true;
}

static bool list_end(struct list *l, char bracket) {
    json_char(&l->w->json, bracket);
    return l->count != 0;
}

/* Rows are ascending, so a mask of several bits comes after those it is made of; what they named already is not named again. */
static bool write_bits(struct fact_writer *w, const struct fact *f) {
    struct list l = list_begin(w, f, w->limits->bits, '[');
    uint32_t left = (uint32_t)f->number;
    bool room = true;
    size_t rows = f->table != NULL ? f->table->count : 0;
    for (size_t i = 0; i < rows && left != 0 && room; i++) {
        uint32_t bits = f->table->rows[i].value;
        if (bits != 0 && (left & bits) == bits && (room = list_next(&l))) {
            left &= ~bits;
            write_name_string(&w->json, f->table->rows[i].name, f->table->rows[i].length);
        }
    }
    if (left != 0 && room && list_next(&l)) {
        write_hex_string(&w->json, left, f->digits ? f->digits : 8);
    }
    return list_end(&l, ']');
}

static bool write_names16(struct fact_writer *w, const struct fact *f) {
    struct list l = list_begin(w, f, w->limits->items, '[');
    for (unsigned i = 0; i < f->u16s.count && list_next(&l); i++) {
        const struct name_row *row = f->table != NULL ? names_find_row(f->table, f->u16s.items[i]) : NULL;
        if (row != NULL) {
            write_name_string(&w->json, row->name, row->length);
        } else {
            write_hex_string(&w->json, f->u16s.items[i], f->digits);
        }
    }
    return list_end(&l, ']');
}

static size_t limit_of(const struct fact_limits *limits, enum field field) {
    const size_t by_kind[] = {limits->ordinary, limits->ordinary, limits->path, limits->name};
    size_t limit = by_kind[kinds[field]];
    return limit < ESSENTIAL_MIN && essential[field] ? ESSENTIAL_MIN : limit;
}

static bool write_joined_text(struct fact_writer *w, enum field field, const struct text *parts, size_t count) {
    enum json_cut cut = kinds[field] == KIND_ORDINARY ? JSON_CUT_END : JSON_CUT_FRONT;
    json_char(&w->json, '"');
    size_t before = w->json.used;
    unsigned flags = json_joined(&w->json, parts, count, limit_of(w->limits, field), cut);
    bool empty = w->json.used == before;
    json_char(&w->json, '"');
    if (empty && flags & JSON_TEXT_TRUNCATED) {
        flags &= ~(unsigned)JSON_TEXT_LOSSY;
    }
    fact_note(w, field, flags);
    return !empty;
}

/* An item that comes out empty, as of an odd byte alone, is no item. */
static bool write_texts(struct fact_writer *w, const struct fact *f) {
    struct list l = list_begin(w, f, w->limits->items, '[');
    unsigned parts = f->parts != 0 ? f->parts : 1;
    for (unsigned i = 0; i + parts <= f->texts.count; i += parts) {
        size_t before = w->json.used;
        if (!list_next(&l)) {
            break;
        }
        json_char(&w->json, '"');
        size_t begin = w->json.used;
        fact_note(w, f->field, json_joined(&w->json, &f->texts.items[i], parts, w->limits->item, JSON_CUT_END));
        if (w->json.used == begin) {
            w->json.used = before;
            l.count--;
            continue;
        }
        json_char(&w->json, '"');
    }
    return list_end(&l, ']');
}

bool fact_write_address(struct json_writer *json, unsigned family, const uint8_t bytes[16]) {
    char form[INET6_ADDRSTRLEN], *to = json_end(json);
    if (family == 4) {
        for (unsigned i = 0; i < 4; i++) {
            to = digits_uint(to, bytes[i]);
            *to++ = '.';
        }
        json_wrote(json, to - 1);
    } else if (family == 6) {
        inet_ntop(AF_INET6, bytes, form, sizeof(form));
        json_raw(json, form, strlen(form));
    }
    return family == 4 || family == 6;
}

static bool write_addresses(struct fact_writer *w, const struct fact *f) {
    struct list l = list_begin(w, f, w->limits->items, '[');
    for (unsigned i = 0; i < f->interfaces.count; i++) {
        const struct smb2_network_interface *item = &f->interfaces.items[i];
        if (item->family != 4 && item->family != 6) {
            continue;
        }
        if (!list_next(&l)) {
            break;
        }
        json_char(&w->json, '"');
        fact_write_address(&w->json, item->family, item->address);
        json_char(&w->json, '"');
    }
    return list_end(&l, ']');
}

static bool write_counts(struct fact_writer *w, const struct fact *f) {
    struct list l = list_begin(w, f, w->limits->items, '{');
    for (unsigned i = 0; i < f->counts.count; i++) {
        if (f->counts.values[i] == 0) {
            continue;
        }
        if (!list_next(&l)) {
            break;
        }
        write_name_string(&w->json, f->counts.names[i], strlen(f->counts.names[i]));
        json_char(&w->json, ':');
        json_wrote(&w->json, put_integer(w, f->field, f->counts.values[i], json_end(&w->json)));
    }
    return list_end(&l, '}');
}

static void write_cell(struct fact_writer *w, const struct fact *f, unsigned column, uint64_t value) {
    json_char(&w->json, ',');
    write_name_string(&w->json, f->rows->columns[column], strlen(f->rows->columns[column]));
    json_char(&w->json, ':');
    char *to = json_end(&w->json);
    json_wrote(&w->json, f->rows->booleans >> column & 1 ? put_truth(to, value) : put_integer(w, f->field, value, to));
}

static bool write_rows(struct fact_writer *w, const struct fact *f) {
    const struct fact_rows *rows = f->rows;
    struct list l = list_begin(w, f, w->limits->items, '[');
    for (unsigned i = 0; i < rows->count && list_next(&l); i++) {
        const uint64_t *cells = rows->cells + (size_t)i * rows->column_count;
        json_literal(&w->json, "{\"name\":\"");
        fact_note(w, f->field, json_text(&w->json, rows->names[i], w->limits->item, JSON_CUT_END));
        json_char(&w->json, '"');
        for (unsigned column = 0; column < rows->column_count; column++) {
            if (cells[column] != FACT_CELL_UNKNOWN) {
                write_cell(w, f, column, cells[column]);
            }
        }
        json_char(&w->json, '}');
    }
    return list_end(&l, ']');
}

static char *put_windows(struct fact_writer *w, const struct fact *f, char *to) {
    const char *stop = w->json.base + w->json.size;
    char *first = to;
    if (!w->limits->windows || f->windows.count == 0) {
        fact_note(w, f->field, w->limits->windows ? 0 : JSON_TEXT_TRUNCATED);
        return NULL;
    }
    if (f->windows.json != NULL) {
        if (to > stop || f->windows.json_length > (size_t)(stop - to)) {
            w->json.overflowed = true;
            return NULL;
        }
        return digits_copy(to, f->windows.json, f->windows.json_length);
    }
    for (unsigned i = 0; i < f->windows.count && to <= stop; i++) {
        const struct windows_event *event = f->windows.items[i];
        *to = ',';
        to = put_ascii(&w->json, event->json, event->json_length, to + 1);
    }
    *first = '[';
    *to = ']';
    return to + 1;
}

/* What is longer, each of its own length: returns whether there was a value. */
static bool write_long(struct fact_writer *w, const struct fact *f) {
    switch ((enum fact_form)f->form) {
    case FACT_BITS:
        return write_bits(w, f);
    case FACT_NAMES16:
        return write_names16(w, f);
    case FACT_TEXT:
        return write_joined_text(w, f->field, &f->text, 1);
    case FACT_JOINED:
        return write_joined_text(w, f->field, f->joined, f->parts);
    case FACT_TEXTS:
        return write_texts(w, f);
    case FACT_ADDRESSES:
        return write_addresses(w, f);
    case FACT_COUNTS:
        return write_counts(w, f);
    case FACT_ROWS:
        return write_rows(w, f);
    default:
        assert(false);
        return false;
    }
}

/* The same for who keeps the place: NULL where there was none. */
static char *put_long(struct fact_writer *w, const struct fact *f, char *to) {
    json_wrote(&w->json, to);
    return write_long(w, f) ? json_end(&w->json) : NULL;
}

_Static_assert(RECORD_MASKS == 1 << 6, "six bits of a digest");

/* Bits, of which the limit is no less than there can be. Rows are ascending, as for write_bits. */
static char *put_mask(struct fact_writer *w, const struct fact *f, char *to) {
    const char *stop = w->json.base + w->json.size;
    const struct name_row *row = f->table != NULL ? f->table->rows : NULL;
    const struct name_row *end = row != NULL ? row + f->table->count : NULL;
    uint32_t left = (uint32_t)f->number;
    char *first = to;
    for (; row != end && left != 0 && to <= stop; row++) {
        if (row->value != 0 && (left & row->value) == row->value) {
            left &= ~row->value;
            *to = ',';
            to = put_name(&w->json, row->name, row->length, to + 1);
        }
    }
    if (left != 0 && to <= stop) {
        *to = ',';
        to = put_hex_string(to + 1, left, f->digits ? f->digits : 8);
    }
    *first = '[';
    *to = ']';
    return to != first ? to + 1 : NULL;
}

/* It takes the first of the two slots, and what was there the other. */
static char *put_new_mask(struct fact_writer *w, const struct fact *f, struct record_mask *slot,
                          struct record_mask *other, char *to) {
    char *end = put_mask(w, f, to);
    if (end != NULL && end <= w->json.base + w->json.size && end - to <= RECORD_MASK_TEXT && !w->json.overflowed) {
        *other = *slot;
        slot->table = f->table;
        slot->mask = (uint32_t)f->number;
        slot->digits = f->digits;
        slot->length = (uint16_t)(end - to);
        memcpy(slot->text, to, slot->length);
    }
    return end;
}

static inline bool is_mask(const struct record_mask *slot, const struct fact *f) {
    return slot->table == f->table && slot->mask == (uint32_t)f->number && slot->digits == f->digits;
}

/* Where not even the key fits the record is too long; no names at all would mean that there is no value. */
static char *put_bits(struct fact_writer *w, const struct fact *f, char *to) {
    uint32_t mask = (uint32_t)f->number;
    if (w->limits->bits < BITS_OF_MASK || to > w->json.base + w->json.size) {
        return put_long(w, f, to);
    }
    if (w->masks == NULL || f->table == NULL) {
        return put_mask(w, f, to);
    }
    uint32_t digest = (mask ^ (uint32_t)((uintptr_t)f->table >> 4)) * UINT32_C(0x9e3779b1);
    struct record_mask *slot = &w->masks[digest >> (32 - 6)], *other = &w->masks[digest >> (32 - 6) ^ 1];
    if (!is_mask(slot, f) && !is_mask(other, f)) {
        return put_new_mask(w, f, slot, other, to);
    }
    slot = is_mask(slot, f) ? slot : other;
    if (to > w->json.base + w->json.size || slot->length > w->json.base + w->json.size - to) {
        w->json.overflowed = true;
        return NULL;
    }
    return digits_copy(to, slot->text, slot->length);
}

/* Texts of which nothing is cut, as in nearly every record. */
static char *put_whole(struct fact_writer *w, const struct fact *f, const struct text *parts, size_t count, char *to) {
    *to = '"';
    w->texts.flags = 0;
    char *end = json_put_whole(&w->texts, parts, count, to + 1, w->json.base + w->json.size);
    if (end == NULL) {
        w->json.overflowed = true;
        return NULL;
    }
    fact_note(w, f->field, w->texts.flags);
    *end = '"';
    return end != to + 1 ? end + 1 : NULL;
}

static char *put_joined(struct fact_writer *w, const struct fact *f, char *to) {
    return w->limits->whole ? put_whole(w, f, f->joined, f->parts, to) : put_long(w, f, to);
}

static char *put_text(struct fact_writer *w, const struct fact *f, char *to) {
    if (!w->limits->whole) {
        return put_long(w, f, to);
    }
    char *end = plain_short(&f->text, to + 1, w->json.base + w->json.size);
    if (end == NULL) {
        return put_whole(w, f, &f->text, 1, to);
    }
    *to = *end = '"';
    return end != to + 1 ? end + 1 : NULL;
}

static char *put_name_of(struct fact_writer *w, const struct fact *f, char *to) {
    return f->name[0] != '\0' ? put_name(&w->json, f->name, strlen(f->name), to) : NULL;
}

/* The value as it stands in the record; NULL where there is none. The short ones that are in every record are put in here. */
static inline char *put_value(struct fact_writer *w, const struct fact *f, char *to) {
    switch ((enum fact_form)f->form) {
    case FACT_BOOL:
        return put_truth(to, f->number);
    case FACT_UINT:
        return f->number < 10 ? digits_uint(to, f->number) : put_uint(w, f, to);
    case FACT_TIME:
        return put_time(w, f, to);
    case FACT_FILETIME:
        return put_filetime(w, f, to);
    case FACT_HEX:
        return put_hex_string(to, f->number, f->digits);
    case FACT_NAME:
        return put_name_of(w, f, to);
    case FACT_NAMED:
        return put_named(w, f, to);
    case FACT_BITS:
        return put_bits(w, f, to);
    case FACT_TEXT:
        return put_text(w, f, to);
    case FACT_JOINED:
        return put_joined(w, f, to);
    case FACT_FILE_ID:
        return put_file_id(f, to);
    case FACT_GUID:
        return put_guid(f, to);
    case FACT_WINDOWS:
        return put_windows(w, f, to);
    default:
        return put_long(w, f, to);
    }
}

/* The writer's place changes: what it was is kept in the other one. */
static void change_place(struct json_writer *now, struct json_writer *other) {
    char *base = now->base;
    size_t size = now->size, used = now->used;
    now->base = other->base;
    now->size = other->size;
    now->used = other->used;
    other->base = base;
    other->size = size;
    other->used = used;
}

void fact_write_all(struct fact_writer *w, struct fact_index *index, struct json_writer *proto) {
    const struct fact *f = index->event->facts;
    unsigned count = index->event->count;
    const char *stop = w->json.base + w->json.size;
    char *to = json_end(&w->json);
    bool only_essential = w->limits->only_essential;
    unsigned place = PLACE_FLOW;
    memset(index->at, 0, sizeof(index->at));
    for (unsigned i = 1; i <= count && to <= stop; i++, f++) {
        unsigned of = fact_shapes[f->field].place;
        if (index->at[f->field] != 0 || of == PLACE_ENVELOPE) {
            continue;
        }
        index->at[f->field] = (uint8_t)i;
        if (only_essential && !essential[f->field]) {
            fact_note(w, f->field, JSON_TEXT_TRUNCATED);
            continue;
        }
        if (of != place) { /* a few times in a record */
            json_wrote(&w->json, to);
            change_place(&w->json, proto);
            place = of;
            stop = w->json.base + w->json.size;
            to = json_end(&w->json);
        }
        char *value = put_value(w, f, fact_put_key(f->field, to)); /* where there is none the key goes again */
        if (value == NULL && w->json.overflowed) {                 /* nothing will come of it */
            break;
        }
        to = value != NULL ? value : to;
    }
    json_wrote(&w->json, to);
    if (place != PLACE_FLOW) {
        change_place(&w->json, proto);
    }
}
