#include "inventory/reader.h"

#include <arpa/inet.h>
#include <errno.h>
#include <inttypes.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "log.h"
#include "pdu_smb1.h"

/* ---- one record */

static const char *string(const json_t *object, const char *name) {
    return json_string_value(json_object_get(object, name));
}

static uint64_t integer(const json_t *object, const char *name) {
    json_int_t n = json_integer_value(json_object_get(object, name));
    return n > 0 ? (uint64_t)n : 0;
}

static bool is(const char *text, const char *wanted) {
    return text && strcmp(text, wanted) == 0;
}

/* 2026-11-20T09:02:03.123456789Z, as records have it; 0 for anything else. */
static uint64_t time_of(const char *text) {
    struct tm tm = {0};
    if (!text || strlen(text) != 30 || text[19] != '.' || text[29] != 'Z' ||
        strptime(text, "%Y-%m-%dT%H:%M:%S", &tm) != text + 19 || strspn(text + 20, "0123456789") != 9) {
        return 0;
    }
    time_t seconds = timegm(&tm);
    if (seconds < 0 || seconds > (time_t)(UINT64_MAX / 1000000000) - 1) {
        return 0;
    }
    return (uint64_t)seconds * 1000000000 + strtoull(text + 20, NULL, 10);
}

static bool offers_smb2(const json_t *offered) {
    for (size_t i = 0; i < json_array_size(offered); i++) {
        const json_t *dialect = json_array_get(offered, i);
        const char *name = json_string_value(dialect);
        if (name && smb1_dialect_is_smb2((struct view){(const uint8_t *)name, json_string_length(dialect)})) {
            return true;
        }
    }
    return false;
}

static void read_proto(struct sighting *s, const json_t *proto) {
    const char *status = string(proto, "status");
    s->version = integer(proto, "version");
    s->command = string(proto, "command");
    s->dialect = string(proto, "dialect");
    s->native_os = string(proto, "native_os");
    s->native_os_client = string(proto, "native_os_client");
    s->share = string(proto, "share");
    s->offers = json_array_size(json_object_get(proto, "offered_dialects")) != 0;
    s->offers_smb2 = offers_smb2(json_object_get(proto, "offered_dialects"));
    s->answered = status != NULL;
    s->gap = json_is_true(json_object_get(proto, "gap"));
    s->succeeded = is(status, "STATUS_SUCCESS");
    s->request_lost = json_is_false(json_object_get(proto, "request_seen"));
    s->unasked = !status && is(string(proto, "operation"), "oplock_break");
}

static bool is_address(const char *text) {
    uint8_t bytes[16];
    return text && (inet_pton(AF_INET, text, bytes) == 1 || inet_pton(AF_INET6, text, bytes) == 1);
}

static bool read_sighting(struct sighting *s, const json_t *record) {
    const char *object = string(record, "object"), *action = string(record, "action");
    *s = (struct sighting){.time_ns = time_of(string(record, "time"))};
    if (!object || !action || s->time_ns == 0) {
        return false;
    }
    if (!is(object, "flow")) {
        return true;
    }
    s->end_ns = time_of(string(record, "end_time"));
    s->flow_id = string(record, "flow_id");
    s->client = string(record, "src_ip");
    s->server = string(record, "dest_ip");
    s->server_name = string(record, "hostname");
    s->message = is(action, "message");
    s->end = is(action, "end");
    s->server_closed = is(string(record, "closed_by"), "server") && integer(record, "missed_bytes") == 0;
    s->in_bytes = integer(record, "in_bytes");
    read_proto(s, json_object_get(record, "proto_info"));
    return s->flow_id && is_address(s->client) && is_address(s->server);
}

bool reader_record(struct inventory *v, const char *line, size_t n) {
    struct sighting s;
    json_t *record = json_loadb(line, n, JSON_ALLOW_NUL, NULL);
    bool good = json_is_object(record) && read_sighting(&s, record);
    if (good) {
        inventory_take(v, &s);
    }
    json_decref(record);
    return good;
}

/* ---- files of them */

/* The next line into buffer (READER_LINE_MAX bytes) without its end, or only its length where it is longer. False at the end. */
static bool next_line(FILE *file, char *buffer, size_t *length) {
    size_t n = 0;
    int c;
    while ((c = getc_unlocked(file)) != EOF && c != '\n') {
        if (n < READER_LINE_MAX) {
            buffer[n] = (char)c;
        }
        n++;
    }
    *length = n;
    return n != 0 || c != EOF;
}

static bool is_blank(const char *line, size_t n) {
    return n == 0 || (n == 1 && line[0] == '\r');
}

struct faults {
    uint64_t first, count; /* the line of the first */
};

static void explain(const char *name, const struct faults *f) {
    if (f->count == 1) {
        log_error("%s: line %" PRIu64 ": not a record of smbtap, or cut; the others were read", name, f->first);
    } else {
        log_error("%s: line %" PRIu64 ": not a record of smbtap, or cut, and %" PRIu64
                  " more like it; the others were read",
                  name, f->first, f->count - 1);
    }
}

int reader_file(struct inventory *v, FILE *file, const char *name, const volatile sig_atomic_t *stop) {
    struct faults faults = {0};
    char *line = malloc(READER_LINE_MAX);
    size_t n;
    if (!line) {
        log_error("out of memory; close other programs and run it again");
        return -ENOMEM;
    }
    for (uint64_t number = 1; !*stop && next_line(file, line, &n); number++) {
        bool good = n <= READER_LINE_MAX && (is_blank(line, n) || reader_record(v, line, n));
        faults.first = !good && faults.count == 0 ? number : faults.first;
        faults.count += !good;
    }
    free(line);
    if (ferror(file) && errno != EINTR) {
        int error = errno ? -errno : -EIO;
        log_error("%s: cannot be read: %s; check the file and its disk", name, strerror(-error));
        return error;
    }
    if (faults.count != 0) {
        explain(name, &faults);
    }
    return faults.count != 0 ? -EBADMSG : 0;
}
