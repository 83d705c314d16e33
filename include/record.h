/* output: an event becomes a line. The line lacks its first members, which the outlet writes when it numbers it (schema_version,
 * record_id, seq), and its newline. Owned by the caller; a record borrows nothing after record_write returned. */
#ifndef RECORD_H
#define RECORD_H

#include <inttypes.h> /* RECORD_ID_FORMAT */
#include <stdbool.h>
#include <stddef.h>

#include "event.h"
#include "json_writer.h"
#include "operation.h"
#include "sink.h"

/* A whole record, newline not counted (records.md); the outlet's members take at most RECORD_PREFIX_MAX of them. */
enum { RECORD_MAX = 4000, RECORD_PREFIX_MAX = 128 };

/* A longer name of a sensor or a file is not kept from record to record. */
enum { RECORD_SETTING_SIZE = 120 };

/* record_id of a run and a seq, both uint64_t, for printf; the outlet writes the same. */
#define RECORD_ID_FORMAT "%016" PRIx64 "-%" PRIu64

/* What is kept from record to record of the same settings, whose texts stay where they are meanwhile; zeroed at first. */
struct record_setting {
    const char *value; /* of which the text is; NULL: none yet */
    size_t length;
    char text[RECORD_SETTING_SIZE];
};

/* Masks of bits whose names were written, for they are few; tables are constant. A longer list is written anew each time. */
enum { RECORD_MASKS = 64, RECORD_MASK_TEXT = 496 };
struct record_mask {
    const struct name_table *table; /* NULL: none yet */
    uint32_t mask;
    uint16_t length;
    uint8_t digits;
    char text[RECORD_MASK_TEXT];
};

struct record_memo {
    struct json_second second;
    struct record_setting sensor, capture;
    struct record_mask masks[RECORD_MASKS]; /* by a digest of table and mask */
};

struct record_settings {
    const char *sensor_id;
    const char *capture_name; /* the file, or the interface; NULL: neither is written */
    bool live;                /* capture is {"interface"}, else {"file", "frame"} */
    const char *const
        *interfaces; /* live, by struct frame's interface: that of a flow goes before capture_name; NULL: none */
    struct record_memo *memo; /* NULL: nothing is kept */
};

/* Writes the members of e from sensor_id on, without the opening brace, into line (RECORD_MAX bytes). Returns the length. */
size_t record_write(const struct record_settings *, const struct event *e, char *line);

/* The line of an event: its text (record_write's), and what sinks choose by. */
static inline struct line record_line(const struct event *e, const char *text, size_t n) {
    bool message = e->object == OBJECT_FLOW && e->action == ACTION_MESSAGE;
    return (struct line){.text = text,
                         .length = (uint16_t)n,
                         .object = (uint8_t)e->object,
                         .action = (uint8_t)e->action,
                         .operation = message ? e->operation : OPERATION_KINDS,
                         .severity = e->severity};
}

struct network {
    struct address base;
    unsigned prefix_length;
};

/* Where a flow goes, as seen from networks of ours. */
enum network_direction {
    NETWORK_UNKNOWN, /* none are */
    NETWORK_EXTERNAL,
    NETWORK_INBOUND,
    NETWORK_OUTBOUND,
    NETWORK_INTERNAL,
};
enum network_direction record_direction(const struct flow_facts *, const struct network *home, size_t home_count);

enum { FLOW_JSON_MAX = 960 };
/* Writes the flow's facts that never change as members, each with a comma in front: first those that belong into the
 * object capture, where there are any, then the flow's own. Returns the length. */
size_t record_flow(const struct flow_facts *, enum network_direction, char *to);
/* How much of what record_flow wrote belongs into capture. */
size_t record_flow_capture(struct view flow_json);

/* The JSON Schema of all records, as one text, to the file. */
#include <stdio.h>
void record_schema(FILE *);

#endif
