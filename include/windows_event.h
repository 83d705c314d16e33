/* The events of the Windows logs, by the documents that describe them (tables/windows_event.def), and when each happened as the wire
 * shows it (tables/windows_condition.def). Constant. */
#ifndef WINDOWS_EVENT_H
#define WINDOWS_EVENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum windows_condition {
#define WINDOWS_CONDITION(id, records, evidence) WINDOWS_##id,
#include "tables/windows_condition.def"
#undef WINDOWS_CONDITION
    WINDOWS_CONDITIONS
};

enum windows_visibility { WINDOWS_WIRE, WINDOWS_WIRE_PARTIAL, WINDOWS_HOST };

struct windows_condition_info {
    const char *records; /* that name its events, divided by "; "; empty: none */
    const char *evidence;
};

struct windows_event {
    const char *text;    /* as it stands in records: channel, id, and the document where that alone says so */
    const char *json;    /* the same with quotation marks, */
    uint8_t json_length; /* and its bytes */
    bool same;           /* another document's row says the same under the same text */
    uint8_t visibility;  /* enum windows_visibility */
    uint8_t condition;   /* enum windows_condition */
    uint16_t number;
    const char *document, *channel, *title;
    const char *fields; /* "FileName: file_name; ...", empty where there are none */
};

extern const struct windows_condition_info windows_conditions[WINDOWS_CONDITIONS];
extern const struct windows_event windows_events[];
extern const size_t windows_event_count;

/* The events of each condition, found once: rows[first[c]] up to rows[first[c + 1]]. Those of which another row has the text are left
 * out. */
enum { WINDOWS_EVENTS_MAX = 255 };
struct windows_index {
    uint8_t first[WINDOWS_CONDITIONS + 1];
    uint8_t rows[WINDOWS_EVENTS_MAX];
};

void windows_index_make(struct windows_index *);

#endif
