/* The reader of records, the inventory behind it and its reports: the input is a file of records, as a receiver may have cut or changed
 * it.
 *
 * Each line goes in by itself; then the file of those that are records must be read without a fault and give as many rows. The rows
 * keep to their bounds, and no report has what a terminal would act upon. */
#include <assert.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "inventory/reader.h"
#include "inventory/report.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const volatile sig_atomic_t never;

/* Memory of its own for a line, so that a sanitizer sees a read behind it. */
static bool take(struct inventory *v, const char *line, size_t n) {
    char *copy = malloc(n ? n : 1);
    assert(copy);
    memcpy(copy, line, n);
    bool good = reader_record(v, copy, n);
    free(copy);
    return good;
}

/* The lines that are records, into good, each with its end. */
static size_t take_lines(struct inventory *v, const char *data, size_t size, char *good) {
    size_t n = 0;
    for (size_t at = 0; at < size;) {
        const char *end = memchr(data + at, '\n', size - at);
        size_t length = end ? (size_t)(end - (data + at)) : size - at;
        if (length <= READER_LINE_MAX && take(v, data + at, length)) {
            memcpy(good + n, data + at, length);
            good[n + length] = '\n';
            n += length + 1;
        }
        at += length + 1;
    }
    return n;
}

static void check_names(const struct name_list *l) {
    assert(l->count <= INVENTORY_ROW_NAMES_MAX);
    for (unsigned i = 0; i < l->count; i++) {
        assert(strlen(l->items[i]) <= INVENTORY_NAME_MAX);
    }
}

static void check_rows(const struct inventory_row *rows, size_t count) {
    assert(count <= INVENTORY_ROWS_MAX);
    for (size_t i = 0; i < count; i++) {
        const struct inventory_row *r = &rows[i];
        assert(r->outcome < OUTCOMES && r->first_ns <= r->last_ns && r->connections > 0);
        assert(strlen(r->server) > 0 && strlen(r->client) > 0 && (!r->server_name || strlen(r->server_name) > 0));
        check_names(&r->dialects);
        check_names(&r->server_systems);
        check_names(&r->client_systems);
        check_names(&r->shares);
    }
}

/* Control characters: C0 but the ends of lines, DEL, and C1 as UTF-8 has them. */
static void check_text(const char *text, size_t n) {
    for (size_t i = 0; i < n; i++) {
        unsigned char c = (unsigned char)text[i], next = i + 1 < n ? (unsigned char)text[i + 1] : 0;
        assert((c >= ' ' || c == '\n' || c == '\r') && c != 0x7F);
        assert(c != 0xC2 || next < 0x80 || next > 0x9F);
    }
}

static void check_report(enum report_format format, const struct inventory_row *rows, size_t count) {
    char *text = NULL;
    size_t n = 0;
    FILE *to = open_memstream(&text, &n);
    assert(to);
    report_write(to, format, rows, count);
    fclose(to);
    check_text(text, n);
    if (format == REPORT_JSON) {
        json_t *array = json_loadb(text, n, 0, NULL);
        assert(json_array_size(array) == count);
        json_decref(array);
    }
    free(text);
}

static size_t read_file(char *good, size_t n) {
    size_t count = 0;
    struct inventory *v = inventory_new(0);
    FILE *file = n ? fmemopen(good, n, "r") : NULL;
    assert(v);
    if (file) {
        assert(reader_file(v, file, "fuzz", &never) == 0);
        fclose(file);
    }
    (void)inventory_rows(v, &count);
    inventory_free(v);
    return count;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct inventory *v = inventory_new(0);
    char *good = malloc(size + 1);
    assert(v && good);
    size_t n = take_lines(v, (const char *)data, size, good), count;
    const struct inventory_row *rows = inventory_rows(v, &count);
    check_rows(rows, count);
    for (enum report_format format = REPORT_TABLE; format <= REPORT_CSV; format++) {
        check_report(format, rows, count);
    }
    assert(read_file(good, n) == count);
    free(good);
    inventory_free(v);
    return 0;
}
