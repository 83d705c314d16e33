/* output -line-> sinks. A sink takes whole lines, in the order of their numbers, and gives back a negative errno where it failed. */
#ifndef SINK_H
#define SINK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "gap.h"

/* How much a record wants to be seen: that of a finding, or what it is for all others. */
enum line_severity { LINE_INFO, LINE_LOW, LINE_MEDIUM, LINE_HIGH, LINE_SEVERITIES };

/* One record, with what sinks choose by. */
struct line {
    const char *text;  /* without its newline */
    uint16_t length;   /* bytes, at most RECORD_MAX */
    uint8_t object;    /* enum event_object */
    uint8_t action;    /* enum event_action */
    uint8_t operation; /* enum operation_kind, of flow/message alone */
    uint8_t severity;  /* enum line_severity */
    uint8_t gap_sink;  /* of gap: the sink it happened on, by its place; SINK_EACH: all of them */
    uint64_t seq;
    const struct gap
        *gap; /* what a sensor/gap record tells; NULL for others. Lost with it, that has to be told again */
};
enum { SINK_EACH = UINT8_MAX };

/* Some lines that lie one behind the other, newlines included; borrowed during the call. */
struct line_list {
    const char *bytes;
    size_t n;
    const struct line *list;
    size_t count;
};

struct sink {
    void *state;
    /* Is it one for this sink? Others are not lost on it. NULL: all are. */
    bool (*want)(void *state, const struct line *);
    /* 0; -EAGAIN: there is no room, and none of them was taken; another negative errno: it failed for good. */
    __attribute__((warn_unused_result)) int (*write)(void *state, const struct line_list *);
    __attribute__((warn_unused_result)) int (*flush)(void *state);
    __attribute__((warn_unused_result)) int (*close)(void *state);
};

#endif
