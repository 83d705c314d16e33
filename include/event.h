/* model -event-> output: one thing worth telling, as a list of facts. A fact is a field of the table (tables/field.def) and its
 * value in the form it was learned; the output alone knows how it is written. Views and tables that facts point to live until
 * the event was handed on. */
#ifndef EVENT_H
#define EVENT_H

#include <assert.h>
#include <stdbool.h>
#include <stdint.h>

#include "flow.h"
#include "names.h"
#include "pdu_smb1.h"
#include "pdu_smb2.h"
#include "view.h"
#include "windows_event.h"

enum field {
#define FIELD(id, name, place, type, meaning) FIELD_##id,
#include "tables/field.def"
#undef FIELD
    FIELDS
};

enum field_place { PLACE_ENVELOPE, PLACE_FLOW, PLACE_PROTO };
enum field_type { TYPE_STRING, TYPE_INTEGER, TYPE_BOOLEAN, TYPE_STRINGS, TYPE_INTEGERS, TYPE_OBJECT, TYPE_OBJECTS };

struct field_info {
    const char *name, *meaning;
    enum field_place place;
    enum field_type type;
};

extern const struct field_info fields[FIELDS]; /* src/event/field.c */

enum fact_form {
    FACT_BOOL,      /* number */
    FACT_UINT,      /* number */
    FACT_TIME,      /* number: ns since 1970 UTC */
    FACT_FILETIME,  /* number: 100 ns since 1601 UTC */
    FACT_HEX,       /* number, with digits hex digits and 0x in front */
    FACT_NAME,      /* name: plain ASCII that lives as long as the program */
    FACT_NAMED,     /* number by table, hex where it has no name */
    FACT_BITS,      /* number's bits by table, an array; what has no name in one hex string */
    FACT_NAMES16,   /* u16s by table, an array; without a name as hex, of at least digits */
    FACT_TEXT,      /* text */
    FACT_JOINED,    /* joined: texts written one behind the other */
    FACT_TEXTS,     /* texts: an array; an item is parts of them written one behind the other */
    FACT_FILE_ID,   /* file_id */
    FACT_GUID,      /* guid */
    FACT_ADDRESSES, /* interfaces: an array of addresses */
    FACT_COUNTS,    /* counts: an object of integers, zeroes left out */
    FACT_WINDOWS,   /* windows: an array of their texts */
    FACT_ROWS,      /* rows: an array of objects */
};

struct fact_counts {
    const char *const *names;
    const uint64_t *values;
    unsigned count;
};

/* A table: of each row its name and, by column, a number; FACT_CELL_UNKNOWN is left out. */
#define FACT_CELL_UNKNOWN UINT64_MAX
struct fact_rows {
    const struct text *names;
    unsigned count;
    const char *const *columns;
    unsigned column_count;
    unsigned booleans;     /* columns that are true or false, a bit each */
    const uint64_t *cells; /* row by row */
};

struct fact {
    uint16_t field; /* enum field */
    uint8_t form;   /* enum fact_form */
    uint8_t digits;
    uint8_t parts; /* of joined, or of an item of texts */
    union {
        uint64_t number;
        const char *name;
        struct text text;
        const struct text *joined;
        struct text_list texts;
        struct u16_list u16s;
        struct file_id file_id;
        const struct guid *guid;
        struct {
            const struct smb2_network_interface *items;
            unsigned count;
        } interfaces;
        struct fact_counts counts;
        const struct fact_rows *rows;
        struct {
            const struct windows_event *const *items;
            unsigned count, json_length;
            const char *json; /* as it stands in a record, with the brackets; NULL: to be written yet */
        } windows;
    };
    const struct name_table *table; /* of NAMED, BITS, NAMES16 */
};

_Static_assert(FIELDS <= UINT16_MAX, "a fact's field is two bytes");

enum event_object { OBJECT_FLOW, OBJECT_FINDING, OBJECT_SENSOR };
enum event_action { ACTION_START, ACTION_MESSAGE, ACTION_END, ACTION_RAISE, ACTION_STATS, ACTION_GAP, ACTION_STOP };

enum { EVENT_FACTS_MAX = 88 };

struct event {
    enum event_object object;
    enum event_action action;
    uint8_t operation; /* of flow/message: enum operation_kind */
    uint8_t severity;  /* of a finding: enum line_severity */
    bool smb1;         /* of flow/message: FIELD_VERSION says 1 */
    bool takes_over;   /* of flow/message: a SESSION_SETUP in the place of an earlier session was let in */
    bool sends_away;   /* of flow/message: a request on a continuously available share failed, but not for its file */
    uint16_t downgrade_signs;      /* of flow/message: enum downgrade_sign */
    struct moment at;              /* when it began, and its frame */
    const struct flow_facts *flow; /* NULL where it belongs to none */
    struct view flow_json;         /* the facts of its flow that never change, written once: see record_flow */
    unsigned count;
    struct fact facts[EVENT_FACTS_MAX];
};

/* The fact for a field, NULL where the event has none. */
static inline const struct fact *event_find(const struct event *e, enum field field) {
    for (unsigned i = 0; i < e->count; i++) {
        if (e->facts[i].field == field) {
            return &e->facts[i];
        }
    }
    return NULL;
}

static inline struct fact *event_add(struct event *e, enum field field, enum fact_form form) {
    assert(e->count < EVENT_FACTS_MAX);
    struct fact *f = &e->facts[e->count++];
    f->field = (uint16_t)field;
    f->form = (uint8_t)form;
    return f;
}

static inline void event_bool(struct event *e, enum field field, bool value) {
    event_add(e, field, FACT_BOOL)->number = value;
}

static inline void event_uint(struct event *e, enum field field, uint64_t value) {
    event_add(e, field, FACT_UINT)->number = value;
}

static inline void event_time(struct event *e, enum field field, uint64_t ns) {
    event_add(e, field, FACT_TIME)->number = ns;
}

/* A FILETIME; 0 and -1 mean none (MS-FSCC 2.4.7) and give no fact. */
static inline void event_filetime(struct event *e, enum field field, uint64_t filetime) {
    if (filetime != 0 && filetime < UINT64_C(0x7fffffffffffffff)) {
        event_add(e, field, FACT_FILETIME)->number = filetime;
    }
}

static inline void event_hex(struct event *e, enum field field, uint64_t value, unsigned digits) {
    struct fact *f = event_add(e, field, FACT_HEX);
    f->number = value;
    f->digits = (uint8_t)digits;
}

static inline void event_name(struct event *e, enum field field, const char *name) {
    event_add(e, field, FACT_NAME)->name = name;
}

static inline void event_named(struct event *e, enum field field, uint32_t value, const struct name_table *table,
                               unsigned digits) {
    struct fact *f = event_add(e, field, FACT_NAMED);
    f->number = value;
    f->digits = (uint8_t)digits;
    f->table = table;
}

/* No bits, no fact. */
static inline void event_bits(struct event *e, enum field field, uint32_t bits, const struct name_table *table) {
    if (bits != 0) {
        struct fact *f = event_add(e, field, FACT_BITS);
        f->number = bits;
        f->digits = 0; /* eight */
        f->table = table;
    }
}

/* An empty list, no fact. */
static inline void event_names16(struct event *e, enum field field, struct u16_list list,
                                 const struct name_table *table, unsigned digits) {
    if (list.count != 0) {
        struct fact *f = event_add(e, field, FACT_NAMES16);
        f->u16s = list;
        f->digits = (uint8_t)digits;
        f->table = table;
    }
}

/* Empty text, no fact. */
static inline void event_text(struct event *e, enum field field, struct text text) {
    if (text.bytes.n != 0) {
        event_add(e, field, FACT_TEXT)->text = text;
    }
}

static inline void event_joined(struct event *e, enum field field, const struct text *parts, unsigned count) {
    struct fact *f = event_add(e, field, FACT_JOINED);
    f->joined = parts;
    f->parts = (uint8_t)count;
}

static inline void event_texts(struct event *e, enum field field, const struct text *items, unsigned count) {
    if (count != 0) {
        struct fact *f = event_add(e, field, FACT_TEXTS);
        f->texts = (struct text_list){items, count};
        f->parts = 1;
    }
}

/* An array of count items, each of parts texts written one behind the other. */
static inline void event_joined_texts(struct event *e, enum field field, const struct text *texts, unsigned count,
                                      unsigned parts) {
    if (count != 0) {
        struct fact *f = event_add(e, field, FACT_TEXTS);
        f->texts = (struct text_list){texts, count * parts};
        f->parts = (uint8_t)parts;
    }
}

/* An empty list, no fact. */
static inline void event_windows(struct event *e, const struct windows_event *const *items, unsigned count) {
    if (count != 0) {
        struct fact *f = event_add(e, FIELD_WINDOWS_EVENTS, FACT_WINDOWS);
        f->windows.items = items;
        f->windows.count = count;
        f->windows.json = NULL;
    }
}

/* The same where it was written before; empty: no fact. */
static inline void event_windows_written(struct event *e, const struct windows_event *const *items, unsigned count,
                                         const char *json, unsigned json_length) {
    if (count != 0) {
        event_windows(e, items, count);
        e->facts[e->count - 1].windows.json = json_length != 0 ? json : NULL;
        e->facts[e->count - 1].windows.json_length = json_length;
    }
}

static inline void event_file_id(struct event *e, enum field field, struct file_id id) {
    event_add(e, field, FACT_FILE_ID)->file_id = id;
}

static inline void event_guid(struct event *e, enum field field, const struct guid *guid) {
    event_add(e, field, FACT_GUID)->guid = guid;
}

#endif
