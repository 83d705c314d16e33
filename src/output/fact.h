/* Writes one fact of an event as a member of its record, in whatever form it was learned. */
#ifndef FACT_H
#define FACT_H

#include "event.h"
#include "json_writer.h"

/* Fields of one record, as a set. */
struct field_set {
    uint64_t bits[(FIELDS + 63) / 64];
};

static inline void field_set_add(struct field_set *s, unsigned field) {
    s->bits[field / 64] |= UINT64_C(1) << (field % 64);
}

static inline bool field_set_has(const struct field_set *s, unsigned field) {
    return s->bits[field / 64] >> (field % 64) & 1;
}

static inline bool field_set_empty(const struct field_set *s) {
    uint64_t any = 0;
    for (unsigned i = 0; i < sizeof(s->bits) / sizeof(s->bits[0]); i++) {
        any |= s->bits[i];
    }
    return any == 0;
}

/* How much of a record a value may take. A text that gets 0 bytes, and a list that gets 0 items, is left out and counts as
 * cut. Numbers and names are as long as they are. */
struct fact_limits {
    size_t ordinary;     /* bytes of a text */
    size_t path;         /* of a path that others repeat: file_path, local_path */
    size_t name;         /* of what the event is about: file_name, rename_to */
    size_t content;      /* of each text within content */
    unsigned bits;       /* items of a list made from a bit field: its length is bounded as it is */
    unsigned items;      /* of any other list */
    size_t item;         /* bytes of an item */
    bool windows;        /* events of the Windows logs: a fact said in other words, which leaves room for names */
    bool whole;          /* texts are as long as they are, whatever the limits above */
    bool only_essential; /* leave out what is not needed to know what happened */
};

struct record_mask; /* record.h */

struct fact_writer {
    struct json_writer json;
    struct record_mask *masks; /* RECORD_MASKS; NULL: none are kept */
    const struct fact_limits *limits;
    struct field_set lossy, truncated;
    struct json_texts texts;
    uint64_t time_ns; /* what the record's own time was, and where it is written; NULL: not yet */
    const char *time;
};

static inline void fact_writer_begin(struct fact_writer *w, struct json_writer json, const struct fact_limits *limits) {
    w->json = json;
    w->masks = NULL;
    w->limits = limits;
    w->lossy = w->truncated = (struct field_set){0};
    json_texts_begin(&w->texts);
    w->time = NULL;
}

/* A field as its member begins, in memory of constant size, so that it is copied without a loop. */
struct fact_key {
    char member[32]; /* ,"name": */
};

extern const struct fact_key fact_keys[FIELDS];

/* How long that is, and where its facts are written. The fields that a record makes itself, from what happened to the others, count
 * as the envelope's, which has no facts. */
struct fact_shape {
    uint8_t key_length, place; /* place: enum field_place */
};

extern const struct fact_shape fact_shapes[FIELDS];

/* Where an event has its facts, as fact_write_all found them. Of two facts for one field the first counts. */
struct fact_index {
    const struct event *event;
    uint8_t at[FIELDS]; /* 1 + position, 0: none */
};

/* NULL where the event has none. */
static inline const struct fact *fact_find(const struct fact_index *index, enum field field) {
    unsigned at = index->at[field];
    return at == 0 ? NULL : &index->event->facts[at - 1];
}

/* Writes all facts of the index's event, each as ,"name":value and nothing at all where the value is empty: those of the flow's place to
 * the writer's, and those of proto_info, which stand further behind, to another that begins empty, where they wait. Makes the index.
 * What was lost or cut on the way is noted in the writer's sets; what overflows, in the writer's. */
void fact_write_all(struct fact_writer *, struct fact_index *, struct json_writer *proto);

/* ,"name": and where it ends, in JSON_SLACK bytes. */
static inline char *fact_put_key(enum field field, char *to) {
    memcpy(to, fact_keys[field].member, sizeof(fact_keys[field].member));
    return to + fact_shapes[field].key_length;
}

static inline void fact_write_key(struct fact_writer *w, enum field field) {
    json_wrote(&w->json, fact_put_key(field, json_end(&w->json)));
}

/* "name" */
static inline void fact_write_name(struct fact_writer *w, enum field field) {
    json_raw(&w->json, fact_keys[field].member + 1, fact_shapes[field].key_length - 2u);
}

/* Notes what json_text returned. */
static inline void fact_note(struct fact_writer *w, enum field field, unsigned flags) {
    if (flags & JSON_TEXT_LOSSY) {
        field_set_add(&w->lossy, field);
    }
    if (flags & JSON_TEXT_TRUNCATED) {
        field_set_add(&w->truncated, field);
    }
}

/* The row of a fact of form NAMED; NULL where its number has no name. */
static inline const struct name_row *fact_row(const struct fact *f) {
    return f->table != NULL && f->number <= UINT32_MAX ? names_find_row(f->table, (uint32_t)f->number) : NULL;
}

/* The name that a fact of form NAME or NAMED stands for; NULL where the fact is absent, of another form or without a name. */
static inline const char *fact_name(const struct fact *f) {
    if (f == NULL || (f->form != FACT_NAME && f->form != FACT_NAMED)) {
        return NULL;
    }
    if (f->form == FACT_NAME) {
        return f->name;
    }
    const struct name_row *row = fact_row(f);
    return row != NULL ? row->name : NULL;
}

/* The address without quotes, IPv6 by RFC 5952; false and nothing where the family is neither 4 nor 6. */
bool fact_write_address(struct json_writer *, unsigned family, const uint8_t bytes[16]);

#endif
