/* What a live sensor's outlet thread does with the news of its workers: it numbers records, asks the rules, notes what was lost, adds up
 * figures, and hands all of it to the outputs. One thread's alone. */
#ifndef RECORDER_H
#define RECORDER_H

#include "event/sensor.h"
#include "figures.h"
#include "outputs.h"
#include "worker.h"

struct recorder;

struct recorder_settings {
    uint64_t run_id; /* first part of every record_id: when the run began, ns */
    uint64_t secret; /* keys the rules' tables; changes no record */
    const char *sensor_id;
    const char *const *interfaces; /* names, by struct frame's interface */
    struct outputs *outputs;       /* stays the caller's */
    size_t memory;                 /* bytes, for the rules */
    double loss_percent;           /* more than this is a finding */
    unsigned workers;
};

/* Names stay the caller's. NULL: no memory. */
struct recorder *recorder_new(const struct recorder_settings *);
enum recorder_taken {
    RECORDER_NONE,
    RECORDER_SOME,
    RECORDER_LATE, /* there may be more, and an output is waited for */
};
/* Takes at most some thousand messages of each worker. patient: it leaves them where they are while outputs_late, and they have room. */
enum recorder_taken recorder_take(struct recorder *, struct team *, bool patient);
/* Hands on what was collected, and says what was lost where that is known now. */
void recorder_flush(struct recorder *);
/* Records that were lost and of which no record tells. */
uint64_t recorder_untold(const struct recorder *);
/* Records of the sensor itself. */
void recorder_sensor(struct recorder *, const struct sensor_event *);
/* Adds what is known here to figures that hold the rest: of the outputs, and what was made here. */
void recorder_figures(const struct recorder *, struct figures *);
/* The rules about the sensor's own health look at an interval. */
void recorder_look(struct recorder *, const struct figures *now, const struct figures *before);
/* Is all here that the workers had handed on before they answered? See team_ask. */
bool recorder_answered(const struct recorder *, unsigned asked);
/* From now on this much may be lost. */
void recorder_loss_percent(struct recorder *, double percent);
/* Workers that are done; the first error of one that failed, 0: none did. */
unsigned recorder_done(const struct recorder *);
int recorder_error(const struct recorder *);
/* The rules tell what they have not told yet. */
void recorder_finish(struct recorder *);
/* NULL is fine. */
void recorder_free(struct recorder *);

#endif
