#include "windows_event.h"

#include <assert.h>

const struct windows_condition_info windows_conditions[WINDOWS_CONDITIONS] = {
#define WINDOWS_CONDITION(id, records, evidence) {records, evidence},
#include "tables/windows_condition.def"
#undef WINDOWS_CONDITION
};

/* How a record names the events of a document. */
#define NAMING_PLAIN(document) ""
#define NAMING_SAME(document) ""
#define NAMING_NAMED(document) " (" document ")"
#define IS_SAME_PLAIN false
#define IS_SAME_SAME true
#define IS_SAME_NAMED false
#define TEXT(document, channel, number, naming) channel " " #number NAMING_##naming(document)

const struct windows_event windows_events[] = {
#define WINDOWS_EVENT(document, channel, number, naming, visibility, condition, title, fields) \
    {TEXT(document, channel, number, naming),                                                  \
     "\"" TEXT(document, channel, number, naming) "\"",                                        \
     sizeof("\"" TEXT(document, channel, number, naming) "\"") - 1,                            \
     IS_SAME_##naming,                                                                         \
     WINDOWS_##visibility,                                                                     \
     WINDOWS_##condition,                                                                      \
     number,                                                                                   \
     document,                                                                                 \
     channel,                                                                                  \
     title,                                                                                    \
     fields},
#include "tables/windows_event.def"
#undef WINDOWS_EVENT
};

#define COUNT (sizeof windows_events / sizeof windows_events[0])
const size_t windows_event_count = COUNT;

_Static_assert(COUNT <= (size_t)WINDOWS_EVENTS_MAX, "a row's number is a byte");
_Static_assert(WINDOWS_CONDITIONS <= 255, "a condition is a byte");

void windows_index_make(struct windows_index *index) {
    uint8_t next = 0;
    for (unsigned condition = 0; condition < WINDOWS_CONDITIONS; condition++) {
        index->first[condition] = next;
        for (size_t i = 0; i < COUNT; i++) {
            if (windows_events[i].condition == condition && !windows_events[i].same) {
                index->rows[next++] = (uint8_t)i;
            }
        }
    }
    index->first[WINDOWS_CONDITIONS] = next;
}
