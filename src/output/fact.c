#include "fact.h"

#include <arpa/inet.h>

const struct fact_key fact_keys[FIELDS] = {
#define FIELD(id, name, place, type, meaning) {",\"" name "\":", sizeof(",\"" name "\":") - 1, PLACE_##place},
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

enum { ESSENTIAL_MIN = 64 }; /* bytes that a text among them has in any case */

static bool write_bool(struct fact_writer *w, const struct fact *f) {
    if (f->number) {
        json_literal(&w->json, "true");
    } else {
        json_literal(&w->json, "false");
    }
    return true;
}

/* Readers of JSON keep integers in a double: what does not fit one exactly would come out as another number there. An id is
 * written as it is all the same, another one would be wrong. */
static void write_integer(struct fact_writer *w, enum field field, uint64_t number) {
    const uint64_t max = field == FIELD_MESSAGE_ID ? UINT64_MAX : (UINT64_C(1) << 53) - 1;
    if (number > max) {
        fact_note(w, field, JSON_TEXT_LOSSY);
        number = max;
    }
    json_uint(&w->json, number);
}

static bool write_uint(struct fact_writer *w, const struct fact *f) {
    write_integer(w, f->field, f->number);
    return true;
}

static bool write_time(struct fact_writer *w, const struct fact *f) {
    json_char(&w->json, '"');
    json_time(&w->json, f->number);
    json_char(&w->json, '"');
    return true;
}

static bool write_filetime(struct fact_writer *w, const struct fact *f) {
    json_char(&w->json, '"');
    fact_note(w, f->field, json_filetime(&w->json, f->number));
    json_char(&w->json, '"');
    return true;
}

static void write_hex_string(struct json_writer *json, uint64_t number, unsigned digits) {
    json_literal(json, "\"0x");
    json_hex(json, number, digits);
    json_char(json, '"');
}

static bool write_hex(struct fact_writer *w, const struct fact *f) {
    write_hex_string(&w->json, f->number, f->digits);
    return true;
}

static void write_name_string(struct json_writer *json, const char *name) {
    json_char(json, '"');
    json_raw(json, name, strlen(name));
    json_char(json, '"');
}

static bool write_name(struct fact_writer *w, const struct fact *f) {
    if (f->name[0] == '\0') {
        return false;
    }
    write_name_string(&w->json, f->name);
    return true;
}

static bool write_named(struct fact_writer *w, const struct fact *f) {
    const char *name = fact_name(f);
    if (name != NULL) {
        write_name_string(&w->json, name);
    } else {
        write_hex_string(&w->json, f->number, f->digits ? f->digits : 8);
    }
    return true;
}

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
            write_name_string(&w->json, f->table->rows[i].name);
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
        const char *name = f->table != NULL ? names_find(f->table, f->u16s.items[i]) : NULL;
        if (name != NULL) {
            write_name_string(&w->json, name);
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

static unsigned write_string(struct fact_writer *w, enum field field, const struct text *parts, size_t count) {
    enum json_cut cut = kinds[field] == KIND_ORDINARY ? JSON_CUT_END : JSON_CUT_FRONT;
    json_char(&w->json, '"');
    unsigned flags = json_joined(&w->json, parts, count, limit_of(w->limits, field), cut);
    json_char(&w->json, '"');
    return flags;
}

static bool write_joined_text(struct fact_writer *w, enum field field, const struct text *parts, size_t count) {
    size_t before = w->json.used;
    unsigned flags = write_string(w, field, parts, count);
    bool empty = w->json.used - before <= 2;
    if (empty && flags & JSON_TEXT_TRUNCATED) {
        flags &= ~(unsigned)JSON_TEXT_LOSSY;
    }
    fact_note(w, field, flags);
    return !empty;
}

static bool write_text(struct fact_writer *w, const struct fact *f) {
    return write_joined_text(w, f->field, &f->text, 1);
}

static bool write_joined(struct fact_writer *w, const struct fact *f) {
    return write_joined_text(w, f->field, f->joined, f->parts);
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

static bool write_file_id(struct fact_writer *w, const struct fact *f) {
    json_literal(&w->json, "\"0x");
    json_hex(&w->json, f->file_id.persistent, 16);
    json_hex(&w->json, f->file_id.volatile_part, 16);
    json_char(&w->json, '"');
    return true;
}

/* MS-DTYP 2.3.4.3, without the braces: three numbers of the machine's order, which is the little end first, then bytes. */
static bool write_guid(struct fact_writer *w, const struct fact *f) {
    static const uint8_t order[16] = {3, 2, 1, 0, 5, 4, 7, 6, 8, 9, 10, 11, 12, 13, 14, 15};
    json_char(&w->json, '"');
    for (unsigned i = 0; i < 16; i++) {
        if (i == 4 || i == 6 || i == 8 || i == 10) {
            json_char(&w->json, '-');
        }
        json_hex(&w->json, f->guid->bytes[order[i]], 2);
    }
    json_char(&w->json, '"');
    return true;
}

bool fact_write_address(struct json_writer *json, unsigned family, const uint8_t bytes[16]) {
    char form[INET6_ADDRSTRLEN];
    if (family != 4 && family != 6) {
        return false;
    }
    inet_ntop(family == 4 ? AF_INET : AF_INET6, bytes, form, sizeof(form));
    json_raw(json, form, strlen(form));
    return true;
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
        write_name_string(&w->json, f->counts.names[i]);
        json_char(&w->json, ':');
        write_integer(w, f->field, f->counts.values[i]);
    }
    return list_end(&l, '}');
}

static void write_cell(struct fact_writer *w, const struct fact *f, unsigned column, uint64_t value) {
    json_char(&w->json, ',');
    write_name_string(&w->json, f->rows->columns[column]);
    json_char(&w->json, ':');
    if (f->rows->booleans >> column & 1) {
        json_raw(&w->json, value ? "true" : "false", value ? 4 : 5);
    } else {
        write_integer(w, f->field, value);
    }
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

static bool write_windows(struct fact_writer *w, const struct fact *f) {
    if (!w->limits->windows) {
        fact_note(w, f->field, JSON_TEXT_TRUNCATED);
        return false;
    }
    for (unsigned i = 0; i < f->windows.count; i++) {
        json_char(&w->json, i == 0 ? '[' : ',');
        json_raw(&w->json, f->windows.items[i]->json, f->windows.items[i]->json_length);
    }
    json_char(&w->json, ']');
    return true;
}

/* Each returns whether there was a value; where there was none the key goes again. */
static bool (*const writers[])(struct fact_writer *, const struct fact *) = {
    [FACT_BOOL] = write_bool,         [FACT_UINT] = write_uint,     [FACT_TIME] = write_time,
    [FACT_FILETIME] = write_filetime, [FACT_HEX] = write_hex,       [FACT_NAME] = write_name,
    [FACT_NAMED] = write_named,       [FACT_BITS] = write_bits,     [FACT_NAMES16] = write_names16,
    [FACT_TEXT] = write_text,         [FACT_JOINED] = write_joined, [FACT_TEXTS] = write_texts,
    [FACT_FILE_ID] = write_file_id,   [FACT_GUID] = write_guid,     [FACT_ADDRESSES] = write_addresses,
    [FACT_COUNTS] = write_counts,     [FACT_ROWS] = write_rows,     [FACT_WINDOWS] = write_windows,
};

void fact_write(struct fact_writer *w, const struct fact *f) {
    assert(f->form < sizeof(writers) / sizeof(writers[0]));
    if (w->limits->only_essential && !essential[f->field]) {
        fact_note(w, f->field, JSON_TEXT_TRUNCATED);
        return;
    }
    size_t before = w->json.used;
    fact_write_key(w, f->field);
    if (!writers[f->form](w, f)) {
        w->json.used = before;
    }
}
