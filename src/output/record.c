#include "record.h"

#include <limits.h>

#include "base/digits.h"
#include "content.h"
#include "fact.h"

/* What the outlet's members leave of a record. */
enum { LINE_MAX_BYTES = RECORD_MAX - RECORD_PREFIX_MAX };
_Static_assert((int)JSON_SLACK <= (int)RECORD_PREFIX_MAX, "what a writer scribbles over");

/* From everything to next to nothing; the first that fits is taken. What identifies the event is cut last, and what the last
 * line leaves fits whatever the event holds (test_record.c tries). */
static const struct fact_limits levels[] = {
    /* ordinary, path, name, content, bits, items, item, windows, whole, only_essential */
    {SIZE_MAX, SIZE_MAX, SIZE_MAX, SIZE_MAX, 32, UINT_MAX, SIZE_MAX, true, true, false},
    {SIZE_MAX, SIZE_MAX, SIZE_MAX, SIZE_MAX, 32, UINT_MAX, SIZE_MAX, false, true, false},
    {512, 1600, 1600, 400, 32, 32, 256, false, false, false},
    {256, 1600, 1600, 200, 32, 16, 128, false, false, false},
    {160, 1000, 1600, 128, 32, 16, 96, false, false, false},
    {128, 600, 1600, 96, 32, 16, 64, false, false, false},
    {96, 400, 1000, 64, 32, 8, 64, false, false, false},
    {64, 256, 600, 64, 16, 8, 48, false, false, false},
    {48, 160, 400, 48, 8, 4, 32, false, false, false},
    {24, 96, 256, 32, 4, 2, 24, false, false, false},
    {0, 64, 160, 32, 0, 0, 0, false, false, false},
    {0, 64, 96, 32, 0, 0, 0, false, false, true},
};

struct word {
    const char *text;
    size_t length;
};

#define WORD(s) \
    { s, sizeof(s) - 1 }

static const struct word objects[] = {
    [OBJECT_FLOW] = WORD(",\"object\":\"flow\""),
    [OBJECT_FINDING] = WORD(",\"object\":\"finding\""),
    [OBJECT_SENSOR] = WORD(",\"object\":\"sensor\""),
};

static const struct word actions[] = {
    [ACTION_START] = WORD(",\"action\":\"start\""), [ACTION_MESSAGE] = WORD(",\"action\":\"message\""),
    [ACTION_END] = WORD(",\"action\":\"end\""),     [ACTION_RAISE] = WORD(",\"action\":\"raise\""),
    [ACTION_STATS] = WORD(",\"action\":\"stats\""), [ACTION_GAP] = WORD(",\"action\":\"gap\""),
    [ACTION_STOP] = WORD(",\"action\":\"stop\""),
};

/* What the operator called things is there in every record, if only its end. */
static void write_setting(struct fact_writer *w, enum field field, const char *value, enum json_cut cut) {
    struct text text = {{(const uint8_t *)value, strlen(value)}, ENC_UTF8};
    size_t limit = w->limits->ordinary < 64 ? 64 : w->limits->ordinary;
    json_char(&w->json, '"');
    fact_note(w, field, json_text(&w->json, text, limit, cut));
    json_char(&w->json, '"');
}

/* The same, but a text that is whole is kept. */
static void write_and_keep(struct fact_writer *w, enum field field, const char *value, enum json_cut cut,
                           struct record_setting *kept) {
    struct json_writer *json = &w->json;
    if (kept == NULL || w->limits != &levels[0]) {
        write_setting(w, field, value, cut);
        return;
    }
    size_t before = json->used;
    write_setting(w, field, value, cut);
    kept->length = json->used - before;
    bool keep = !json->overflowed && kept->length <= RECORD_SETTING_SIZE && !field_set_has(&w->lossy, field);
    kept->value = keep ? value : NULL;
    if (keep) {
        memcpy(kept->text, json->base + before, kept->length);
    }
}

static inline void write_kept_setting(struct fact_writer *w, enum field field, const char *value, enum json_cut cut,
                                      struct record_setting *kept) {
    if (kept != NULL && kept->value == value && w->limits == &levels[0]) {
        json_wrote(&w->json, digits_copy(json_end(&w->json), kept->text, kept->length));
    } else {
        write_and_keep(w, field, value, cut, kept);
    }
}

static void write_envelope(struct fact_writer *w, const struct record_settings *settings, const struct event *e,
                           struct view of_flow) {
    struct json_writer *json = &w->json;
    struct record_memo *memo = settings->memo;
    json_literal(json, "\"sensor_id\":");
    write_kept_setting(w, FIELD_SENSOR_ID, settings->sensor_id, JSON_CUT_END, memo ? &memo->sensor : NULL);
    json_literal(json, ",\"time\":\"");
    char *to = json_end(json);
    w->time = to;
    w->time_ns = e->at.time_ns;
    to = json_put_time(&json->second, e->at.time_ns, to);
    *to++ = '"';
    to = digits_copy(to, objects[e->object].text, objects[e->object].length);
    to = digits_copy(to, actions[e->action].text, actions[e->action].length);
    json_wrote(json, to);
    const char *name =
        settings->interfaces && e->flow ? settings->interfaces[e->flow->link.interface] : settings->capture_name;
    if (name == NULL) {
        return;
    }
    if (settings->live) {
        json_literal(json, ",\"capture\":{\"interface\":");
        write_kept_setting(w, FIELD_CAPTURE, name, JSON_CUT_END, memo ? &memo->capture : NULL);
    } else {
        json_literal(json, ",\"capture\":{\"file\":");
        write_kept_setting(w, FIELD_CAPTURE, name, JSON_CUT_FRONT, memo ? &memo->capture : NULL);
        if (e->at.frame != 0) {
            json_literal(json, ",\"frame\":");
            json_wrote(json, digits_uint(json_end(json), e->at.frame));
        }
    }
    if (of_flow.n != 0 && w->limits != &levels[0]) { /* the flow's other records have it */
        fact_note(w, FIELD_CAPTURE, JSON_TEXT_TRUNCATED);
    } else if (of_flow.n != 0) {
        json_raw(json, (const char *)of_flow.p, of_flow.n);
    }
    json_char(json, '}');
}

static void write_set(struct fact_writer *w, enum field name, const struct field_set *set) {
    if (field_set_empty(set)) {
        return;
    }
    fact_write_key(w, name);
    char before = '[';
    for (unsigned field = 0; field < FIELDS; field++) {
        if (field_set_has(set, field)) {
            json_char(&w->json, before);
            fact_write_name(w, field);
            before = ',';
        }
    }
    json_char(&w->json, ']');
}

/* Every member brings its comma; the first one's becomes the brace that opens the object. */
static void write_proto_info(struct fact_writer *w, const struct json_writer *proto) {
    struct json_writer *json = &w->json;
    size_t before = json->used;
    json_literal(json, ",\"proto_info\":");
    size_t first = json->used;
    json_raw(json, proto->base, proto->used);
    write_set(w, FIELD_LOSSY, &w->lossy);
    write_set(w, FIELD_TRUNCATED, &w->truncated);
    if (json->used == first) {
        json->used = before;
        return;
    }
    if (!json->overflowed) {
        json->base[first] = '{';
    }
    json_char(json, '}');
}

static bool write_within(const struct record_settings *settings, const struct event *e,
                         const struct fact_limits *limits, char *line, size_t *length) {
    struct fact_index index; /* fact_write_all makes it */
    char waiting[LINE_MAX_BYTES + JSON_SLACK];
    struct json_writer proto = {.base = waiting, .size = LINE_MAX_BYTES};
    index.event = e;
    struct fact_writer w; /* not zeroed as a whole: what stands in texts counts by its known */
    fact_writer_begin(&w, (struct json_writer){.base = line, .size = LINE_MAX_BYTES}, limits);
    if (settings->memo) {
        w.json.second = settings->memo->second;
        w.masks = settings->memo->masks;
    }
    size_t of_capture = record_flow_capture(e->flow_json);
    write_envelope(&w, settings, e, view_part(e->flow_json, 0, of_capture));
    if (e->flow_json.n != 0) {
        json_raw(&w.json, (const char *)e->flow_json.p + of_capture, e->flow_json.n - of_capture);
    }
    fact_write_all(&w, &index, &proto);
    if (w.json.overflowed) {
        return false;
    }
    if (e->object == OBJECT_FLOW && e->action == ACTION_MESSAGE && fact_find(&index, FIELD_CONTENT) == NULL) {
        content_write(&w, &index);
    }
    write_proto_info(&w, &proto);
    json_char(&w.json, '}');
    *length = w.json.used;
    if (settings->memo) {
        settings->memo->second = w.json.second;
    }
    return !w.json.overflowed;
}

size_t record_write(const struct record_settings *settings, const struct event *e, char *line) {
    size_t length = 0;
    bool fits = false;
    for (size_t i = 0; i < sizeof(levels) / sizeof(levels[0]) && !fits; i++) {
        fits = write_within(settings, e, &levels[i], line, &length);
    }
    assert(fits);
    return length;
}
