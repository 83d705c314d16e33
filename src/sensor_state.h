/* What sensor.c (the run), sensor_start.c and sensor_figures.c share, and nobody else. */
#ifndef SENSOR_STATE_H
#define SENSOR_STATE_H

#include <poll.h>
#include <signal.h>

#include "base/packet_clock.h"
#include "base/resident.h"
#include "broker.h"
#include "capture/live.h"
#include "figures.h"
#include "options.h"
#include "output/metrics_server.h"
#include "outputs.h"
#include "recorder.h"
#include "service.h"
#include "worker.h"

enum { SENSOR_WHY_SIZE = 512 };

enum wakes { WAKE_NEWS, WAKE_SIGNAL, WAKE_INTERFACES, WAKES };
enum files { FILE_CONFIG, FILE_METRICS, FILES };

struct sensor {
    struct options *options;
    struct pipeline_settings pipelines[2]; /* what the workers have, and what they had before or get next */
    unsigned pipeline_at;
    const char *interfaces[OPTIONS_INTERFACES_MAX];
    struct broker_file files[FILES];
    struct broker *broker;
    struct live *live;
    struct team *team;
    struct outputs *outputs;
    struct recorder *recorder;
    struct metrics_server *metrics;
    int metrics_fd;
    struct service service;
    struct resident resident;
    struct pollfd wakes[WAKES + OUTPUTS_POLL]; /* those of the outputs come last, and change */
    unsigned output_wakes;
    enum recorder_taken more;  /* what there was when the recorder took last */
    sigset_t signals, endings; /* endings: TERM and INT of them */
    uint64_t start_ns;         /* wall clock */
    uint64_t stats_interval_ns;
    uint64_t next_second, next_stats; /* monotonic */
    unsigned asked;
    uint64_t answer_until; /* monotonic; 0: nothing was asked */
    uint64_t stop_until;   /* monotonic; 0: it is not stopping */
    uint64_t seconds;
    const char *reason;         /* why it stops, for the record */
    struct figures now, before; /* before: at the last stats */
    struct sensor_event event;
    int status;
};

/* Ends it with a line that says why: its status is that of failure then. They return -1. */
int sensor_fail(struct sensor *, const char *why);
int sensor_no_memory(struct sensor *);

/* All steps up to the first packet; not 0: it cannot run, or was told to end before it did, by its status. */
__attribute__((warn_unused_result)) int sensor_start(struct sensor *);

/* Figures of now, in now. */
void sensor_figures_take(struct sensor *);
/* Packets that the workers did not come to at the end. */
uint64_t sensor_figures_unread(const struct sensor *);
/* A stats record is wanted; sensor_figures_answer makes it, once the workers told theirs or did not in time. */
void sensor_figures_ask(struct sensor *);
void sensor_figures_answer(struct sensor *);
/* To whoever scrapes metrics, and to the file with them each so often, or now. */
void sensor_figures_publish(struct sensor *, bool now);
/* In a line, to the service manager. */
void sensor_figures_tell(const struct sensor *);

#endif
