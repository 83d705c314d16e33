/* Events of the sensor itself: that it started and stopped, what it saw and lost. Only live runs have them. */
#ifndef EVENT_SENSOR_H
#define EVENT_SENSOR_H

#include "event.h"
#include "figures.h"
#include "gap.h"

enum { SENSOR_CONTENT_BYTES = 256, SENSOR_LIMITS = 64 };

/* An event, and what its facts point to: it stays where it was made until it was handed on. */
struct sensor_event {
    char run_id[17];
    struct event event;
    char content[SENSOR_CONTENT_BYTES];
    struct text inputs[FIGURES_INTERFACES_MAX];
    struct text interface_names[FIGURES_INTERFACES_MAX], output_names[FIGURES_OUTPUTS_MAX];
    uint64_t interface_cells[FIGURES_INTERFACES_MAX * 4], output_cells[FIGURES_OUTPUTS_MAX * 8];
    struct fact_rows interfaces, outputs;
    const char *limit_names[SENSOR_LIMITS];
    uint64_t messages[MESSAGE_KINDS], decode_faults[DECODE_FAULTS], parse_faults[FRAMER_FAULTS + VERDICTS],
        limits[SENSOR_LIMITS];
};

struct sensor_start {
    uint64_t time_ns;
    uint64_t configuration_digest; /* of all settings */
    const char *const *inputs;     /* interfaces; at most FIGURES_INTERFACES_MAX */
    unsigned input_count;
    unsigned snap_length, workers;
    const char *filter; /* NULL: none */
};

/* Records that were lost, on one output or before any. */
struct sensor_gap {
    uint64_t time_ns;
    const char *output; /* NULL: before any */
    struct gap gap;
};

/* Texts are borrowed until the event was handed on. */
void sensor_event_start(struct sensor_event *, const struct sensor_start *);
/* Totals since the start. */
void sensor_event_stats(struct sensor_event *, const struct figures *now);
void sensor_event_gap(struct sensor_event *, const struct sensor_gap *);
/* The same totals, and why it stopped, in one word. */
void sensor_event_stop(struct sensor_event *, const struct figures *now, const char *reason);

#endif
