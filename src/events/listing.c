#include "events/listing.h"

#include <jansson.h>
#include <string.h>

#include "windows_event.h"

/* What is divided by a text, piece by piece; false: there is no more. */
static bool next_piece(const char **rest, const char *divider, const char **piece, size_t *length) {
    if (**rest == 0) {
        return false;
    }
    const char *end = strstr(*rest, divider);
    *piece = *rest;
    *length = end ? (size_t)(end - *rest) : strlen(*rest);
    *rest += *length + (end ? strlen(divider) : 0);
    return true;
}

static const struct windows_condition_info *condition_of(const struct windows_event *e) {
    return &windows_conditions[e->condition];
}

/* Is it seen? */
static const char *seen(const struct windows_event *e) {
    if (*condition_of(e)->records == 0) {
        return "no";
    }
    return e->visibility == WINDOWS_WIRE ? "yes" : "partly";
}

static const char *visibility(const struct windows_event *e) {
    static const char *const names[] = {
        [WINDOWS_WIRE] = "wire", [WINDOWS_WIRE_PARTIAL] = "wire-partial", [WINDOWS_HOST] = "host"};
    return names[e->visibility];
}

/* ---- JSON */

static json_t *pieces_json(const char *rest, const char *divider) {
    json_t *array = json_array();
    const char *piece;
    size_t n;
    while (next_piece(&rest, divider, &piece, &n)) {
        json_array_append_new(array, json_stringn(piece, n));
    }
    return array;
}

/* Of each field of the event those of a record. */
static json_t *fields_json(const char *rest) {
    json_t *object = json_object();
    const char *piece;
    size_t n;
    while (next_piece(&rest, "; ", &piece, &n)) {
        char pair[256];
        snprintf(pair, sizeof pair, "%.*s", (int)n, piece);
        char *ours = strstr(pair, ": ");
        if (ours) {
            *ours = 0;
            json_object_set_new(object, pair, pieces_json(ours + 2, ", "));
        }
    }
    return object;
}

static json_t *event_json(const struct windows_event *e) {
    json_t *o = json_object();
    json_object_set_new(o, "event", json_string(e->text));
    json_object_set_new(o, "document", json_string(e->document));
    json_object_set_new(o, "channel", json_string(e->channel));
    json_object_set_new(o, "id", json_integer(e->number));
    json_object_set_new(o, "title", json_string(e->title));
    json_object_set_new(o, "visibility", json_string(visibility(e)));
    json_object_set_new(o, "seen", json_string(seen(e)));
    json_object_set_new(o, *condition_of(e)->records ? "evidence" : "why_not", json_string(condition_of(e)->evidence));
    json_object_set_new(o, "records", pieces_json(condition_of(e)->records, "; "));
    json_object_set_new(o, "fields", fields_json(e->fields));
    return o;
}

static int put(const char *p, size_t n, void *file) {
    fwrite(p, 1, n, file);
    return 0; /* the file remembers what failed */
}

static void write_json(FILE *to) {
    json_t *array = json_array();
    for (size_t i = 0; i < windows_event_count; i++) {
        json_array_append_new(array, event_json(&windows_events[i]));
    }
    json_dump_callback(array, put, to, JSON_INDENT(2) | JSON_ENSURE_ASCII);
    fputc('\n', to);
    json_decref(array);
}

/* ---- CSV, RFC 4180 */

static void put_cell(FILE *to, const char *s, const char *after) {
    bool quoted = strpbrk(s, "\",\r\n") != NULL;
    fputs(quoted ? "\"" : "", to);
    for (; *s; s++) {
        fputs(*s == '"' ? "\"" : "", to);
        fputc(*s, to);
    }
    fputs(quoted ? "\"" : "", to);
    fputs(after, to);
}

static void write_csv(FILE *to) {
    fputs("event,document,channel,id,title,visibility,seen,evidence,records,fields\r\n", to);
    for (size_t i = 0; i < windows_event_count; i++) {
        const struct windows_event *e = &windows_events[i];
        put_cell(to, e->text, ",");
        put_cell(to, e->document, ",");
        put_cell(to, e->channel, ",");
        fprintf(to, "%u,", e->number);
        put_cell(to, e->title, ",");
        put_cell(to, visibility(e), ",");
        put_cell(to, seen(e), ",");
        put_cell(to, condition_of(e)->evidence, ",");
        put_cell(to, condition_of(e)->records, ",");
        put_cell(to, e->fields, "\r\n");
    }
}

/* ---- a table for people */

enum { ID_COLUMNS = 6, SEEN_COLUMNS = 6, INDENT = 4 };

/* Words in lines of LISTING_COLUMNS, the first behind what begins them. */
static void put_wrapped(FILE *to, const char *begin, const char *words) {
    size_t used = (size_t)fprintf(to, "%*s%s", INDENT, "", begin);
    const char *word;
    size_t n;
    while (next_piece(&words, " ", &word, &n)) {
        if (used + 1 + n > LISTING_COLUMNS) {
            used = (size_t)fprintf(to, "\n%*s", 2 * INDENT - 1, "") - 1;
        }
        used += (size_t)fprintf(to, " %.*s", (int)n, word);
    }
    fputc('\n', to);
}

static void put_event(FILE *to, const struct windows_event *e) {
    const struct windows_condition_info *c = condition_of(e);
    fprintf(to, "  %*u  %-*s  %s\n", ID_COLUMNS, e->number, SEEN_COLUMNS, seen(e), e->title);
    put_wrapped(to, *c->records ? "when" : "why ", c->evidence);
    if (*c->records) {
        put_wrapped(to, "in  ", c->records);
    }
    if (*e->fields) {
        put_wrapped(to, "with", e->fields);
    }
}

static void write_table(FILE *to) {
    const char *document = "", *channel = "";
    fprintf(to, "  %*s  %-*s  %s\n", ID_COLUMNS, "id", SEEN_COLUMNS, "seen", "title");
    for (size_t i = 0; i < windows_event_count; i++) {
        const struct windows_event *e = &windows_events[i];
        if (strcmp(document, e->document) != 0 || strcmp(channel, e->channel) != 0) {
            fprintf(to, "%s, by %s\n", e->channel, e->document);
        }
        document = e->document;
        channel = e->channel;
        put_event(to, e);
    }
}

void listing_write(FILE *to, enum report_format format) {
    switch (format) {
    case REPORT_TABLE:
        write_table(to);
        break;
    case REPORT_JSON:
        write_json(to);
        break;
    case REPORT_CSV:
        write_csv(to);
        break;
    }
}
