#include "inventory/report.h"

#include <inttypes.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "json_writer.h"

static const char *const outcomes[OUTCOMES] = {
    [OUTCOME_ANSWERED] = "answered", [OUTCOME_REFUSED] = "refused", [OUTCOME_UNANSWERED] = "unanswered"};

enum { TIME_SIZE = 40, SAFE_SIZE = 4 * INVENTORY_NAME_MAX };

/* 2026-11-20T09:02:03.123456789Z */
static void time_text(uint64_t ns, char to[TIME_SIZE]) {
    struct json_second unknown = {0};
    *json_put_time(&unknown, ns, to) = '\0';
}

static struct text utf8(const char *s) {
    return (struct text){{(const uint8_t *)s, strlen(s)}, ENC_UTF8};
}

/* Names joined, safe for a terminal; the caller frees. */
static char *joined(const struct name_list *l, const char *between) {
    char *out = NULL, safe[SAFE_SIZE];
    size_t n = 0;
    FILE *to = open_memstream(&out, &n);
    if (!to) {
        return NULL;
    }
    for (unsigned i = 0; i < l->count; i++) {
        text_to_utf8(utf8(l->items[i]), safe, sizeof safe);
        fprintf(to, "%s%s", i != 0 ? between : "", safe);
    }
    if (l->more) {
        fprintf(to, "%s\u2026", l->count != 0 ? between : "");
    }
    fclose(to);
    return out;
}

/* ---- JSON */

static json_t *list_json(const struct name_list *l) {
    json_t *array = json_array();
    for (unsigned i = 0; i < l->count; i++) {
        json_array_append_new(array, json_string(l->items[i]));
    }
    return array;
}

static json_t *row_json(const struct inventory_row *r) {
    char first[TIME_SIZE], last[TIME_SIZE];
    time_text(r->first_ns, first);
    time_text(r->last_ns, last);
    json_t *o = json_object();
    json_object_set_new(o, "server", json_string(r->server));
    if (r->server_name) {
        json_object_set_new(o, "server_name", json_string(r->server_name));
    }
    json_object_set_new(o, "client", json_string(r->client));
    json_object_set_new(o, "outcome", json_string(outcomes[r->outcome]));
    json_object_set_new(o, "first_seen", json_string(first));
    json_object_set_new(o, "last_seen", json_string(last));
    json_object_set_new(o, "connections", json_integer((json_int_t)r->connections));
    json_object_set_new(o, "sessions", json_integer((json_int_t)r->sessions));
    json_object_set_new(o, "dialects", list_json(&r->dialects));
    json_object_set_new(o, "native_os", list_json(&r->server_systems));
    json_object_set_new(o, "native_os_client", list_json(&r->client_systems));
    json_object_set_new(o, "shares", list_json(&r->shares));
    if (r->dialects.more || r->server_systems.more || r->client_systems.more || r->shares.more) {
        json_object_set_new(o, "truncated", json_true());
    }
    return o;
}

/* jansson leaves DEL as it is, which RFC 8259 allows and a terminal may take for a command; it can only be in a string. */
static int put_json(const char *p, size_t n, void *file) {
    FILE *to = file;
    for (size_t i = 0; i < n; i++) {
        if (p[i] == 0x7F) {
            fputs("\\u007f", to);
        } else {
            putc(p[i], to);
        }
    }
    return 0; /* the file remembers what failed */
}

static void write_json(FILE *to, const struct inventory_row *rows, size_t count) {
    json_t *array = json_array();
    for (size_t i = 0; i < count; i++) {
        json_array_append_new(array, row_json(&rows[i]));
    }
    json_dump_callback(array, put_json, to, JSON_INDENT(2) | JSON_ENSURE_ASCII);
    fputc('\n', to);
    json_decref(array);
}

/* ---- CSV, RFC 4180 */

/* Spreadsheets take what begins like this for a formula. */
static bool is_formula(const char *s) {
    return *s != '\0' && strchr("=+-@\t\r", *s) != NULL;
}

static void put_cell(FILE *to, const char *s, char after) {
    bool formula = is_formula(s);
    bool quoted = strpbrk(s, "\",\r\n") != NULL || s[0] == ' ' || (s[0] != '\0' && s[strlen(s) - 1] == ' ');
    fputs(quoted ? "\"" : "", to);
    fputs(formula ? "'" : "", to);
    for (; *s; s++) {
        fputs(*s == '"' ? "\"" : "", to);
        fputc(*s, to);
    }
    fputs(quoted ? "\"" : "", to);
    fputs(after == '\n' ? "\r\n" : ",", to);
}

static void put_text_cell(FILE *to, const char *s) {
    char safe[SAFE_SIZE];
    text_to_utf8(utf8(s ? s : ""), safe, sizeof safe);
    put_cell(to, safe, ',');
}

static void put_list_cell(FILE *to, const struct name_list *l, char after) {
    char *names = joined(l, "; ");
    put_cell(to, names ? names : "", after);
    free(names);
}

static void write_csv(FILE *to, const struct inventory_row *rows, size_t count) {
    fputs("server,server_name,client,outcome,first_seen,last_seen,connections,sessions,dialects,native_os,native_os_"
          "client,shares\r\n",
          to);
    for (size_t i = 0; i < count; i++) {
        const struct inventory_row *r = &rows[i];
        char first[TIME_SIZE], last[TIME_SIZE];
        time_text(r->first_ns, first);
        time_text(r->last_ns, last);
        put_text_cell(to, r->server);
        put_text_cell(to, r->server_name);
        put_text_cell(to, r->client);
        fprintf(to, "%s,%s,%s,%" PRIu64 ",%" PRIu64 ",", outcomes[r->outcome], first, last, r->connections,
                r->sessions);
        put_list_cell(to, &r->dialects, ',');
        put_list_cell(to, &r->server_systems, ',');
        put_list_cell(to, &r->client_systems, ',');
        put_list_cell(to, &r->shares, '\n');
    }
}

/* ---- a table for people */

/* East Asian characters and the like take two columns, and combining ones none; where it is not sure, the more is assumed. */
static size_t columns_of(uint32_t c) {
    return c >= 0x1100 && c != 0x2026 && c != TEXT_REPLACEMENT ? 2 : 1;
}

/* Prints as much as fits in width columns, the last of them … where something is left. */
static void put_cut(FILE *to, const char *s, size_t width) {
    struct text t = utf8(s);
    size_t used = 0, end = t.bytes.n, room = 0;
    for (size_t pos = 0; pos < t.bytes.n;) {
        used += columns_of(text_next(t, &pos));
        if (used < width) {
            room = pos;
        }
        if (used > width) {
            end = room;
            break;
        }
    }
    fprintf(to, "%.*s%s", (int)end, s, end < t.bytes.n ? "\u2026" : "");
}

/* "; client Windows 5.1" where there are names. */
static bool say_list(FILE *to, bool begun, const char *what, const struct name_list *l) {
    char *names = joined(l, ", ");
    bool any = names && *names;
    if (any) {
        fprintf(to, "%s%s%s", begun ? "; " : "", what, names);
    }
    free(names);
    return begun || any;
}

enum { NAMES_WIDTH = REPORT_WIDTH - 4 };

static void put_line(FILE *to, const char *line) {
    if (*line) {
        fputs("    ", to);
        put_cut(to, line, NAMES_WIDTH);
        fputc('\n', to);
    }
}

static bool fits(const char *s) {
    struct text t = utf8(s);
    size_t used = 0;
    for (size_t pos = 0; pos < t.bytes.n;) {
        used += columns_of(text_next(t, &pos));
    }
    return used <= NAMES_WIDTH;
}

/* "    NT LM 0.12; client Windows 5.1; server Unix; shares data, IPC$"; the shares have a line of their own where that is too long. */
static void put_names(FILE *to, const struct inventory_row *r) {
    char *line = NULL;
    size_t n = 0;
    FILE *mem = open_memstream(&line, &n);
    if (!mem) {
        return;
    }
    bool begun = say_list(mem, false, "", &r->dialects);
    begun = say_list(mem, begun, "client ", &r->client_systems);
    begun = say_list(mem, begun, "server ", &r->server_systems);
    fflush(mem);
    size_t before = n;
    (void)say_list(mem, begun, "shares ", &r->shares);
    fclose(mem);
    if (before != 0 && before != n && !fits(line)) {
        line[before] = '\0'; /* of "; " */
        put_line(to, line);
        put_line(to, line + before + 2);
    } else {
        put_line(to, line);
    }
    free(line);
}

/* Seconds are shown where there is room for them, beside short addresses. */
struct layout {
    int address, time;
};

static struct layout layout_of(const struct inventory_row *rows, size_t count) {
    size_t longest = strlen("client");
    for (size_t i = 0; i < count; i++) {
        size_t n = strlen(rows[i].client);
        longest = n > longest ? n : longest;
    }
    longest = longest > 39 ? 39 : longest;
    return (struct layout){(int)longest, longest <= 24 ? 19 : 16};
}

static void put_row(FILE *to, const struct inventory_row *r, struct layout l) {
    char first[TIME_SIZE], last[TIME_SIZE], client[SAFE_SIZE];
    time_text(r->first_ns, first);
    time_text(r->last_ns, last);
    first[10] = last[10] = ' ';
    text_to_utf8(utf8(r->client), client, sizeof client);
    fprintf(to, "  %-*s  %-10s  %.*s  %.*s  %8" PRIu64 "\n", l.address, client, outcomes[r->outcome], l.time, first,
            l.time, last, r->sessions);
    put_names(to, r);
}

static void put_server(FILE *to, const struct inventory_row *r) {
    char server[SAFE_SIZE], name[SAFE_SIZE];
    text_to_utf8(utf8(r->server), server, sizeof server);
    text_to_utf8(utf8(r->server_name ? r->server_name : ""), name, sizeof name);
    fprintf(to, "server %s", server);
    if (*name) {
        fputs(" (", to);
        put_cut(to, name, REPORT_WIDTH - 50);
        fputs(")", to);
    }
    fputc('\n', to);
}

static void write_table(FILE *to, const struct inventory_row *rows, size_t count) {
    struct layout l = layout_of(rows, count);
    if (count == 0) {
        fputs("SMB1 was neither spoken nor asked for.\n", to);
        return;
    }
    fprintf(to, "  %-*s  %-10s  %-*s  %-*s  sessions\n", l.address, "client", "outcome", l.time, "first seen (UTC)",
            l.time, "last seen (UTC)");
    for (size_t i = 0; i < count; i++) {
        if (i == 0 || strcmp(rows[i].server, rows[i - 1].server) != 0) {
            put_server(to, &rows[i]);
        }
        put_row(to, &rows[i], l);
    }
}

void report_write(FILE *to, enum report_format format, const struct inventory_row *rows, size_t count) {
    switch (format) {
    case REPORT_TABLE:
        write_table(to, rows, count);
        break;
    case REPORT_JSON:
        write_json(to, rows, count);
        break;
    case REPORT_CSV:
        write_csv(to, rows, count);
        break;
    }
}
