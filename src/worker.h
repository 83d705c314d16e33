/* A worker of a live sensor: a thread that reads frames of its share of the connections and hands finished lines, event summaries and
 * figures to the outlet. It waits for the outlet only at the end, and as long as the kernel's ring has room for what it does not read
 * meanwhile: what finds no room is dropped and counted.
 *
 * Workers share nothing but what stands in their team: the flag that stops them, and the ways by which a segment that the kernel gave
 * to the wrong one gets to its owner. Of a worker's figures there is a copy, renewed and read under a lock, which no packet waits for. */
#ifndef WORKER_H
#define WORKER_H

#include "base/handover.h"
#include "capture/live.h"
#include "figures.h"
#include "pipeline.h"

enum {
    WORKERS_MAX = 256,
    TEAM_RING_MS = 100, /* the timeout_ms that live was opened with */
};

struct worker;
struct team;

struct team_settings {
    unsigned workers;
    struct live *live;
    const struct pipeline_settings
        *pipeline; /* lives until the team's end, or until team_reconfigure has put another in its place */
    size_t memory; /* bytes for all workers, what they hand over included */
    int wake_fd;   /* an eventfd; written to when there is something for the outlet */
};

/* Everything that needs a file or much memory is done here: after it come the sandbox, then team_start. NULL: no memory. */
struct team *team_new(const struct team_settings *);
/* 0 or a negative errno; without a sandbox of their own, threads take that of their maker. */
__attribute__((warn_unused_result)) int team_start(struct team *);
/* Asks all workers to read what was captured before time_ns, to end what is open, and to be done. They wait for room at the outlet until
 * patience_ns have passed. */
void team_stop(struct team *, uint64_t time_ns, uint64_t patience_ns);
/* All workers go on with these settings when it returns true; false: one of them did not come to it in a second, and may use either. */
bool team_reconfigure(struct team *, const struct pipeline_settings *);
/* Asks all workers for their figures now; what is to stand in them as answers. */
unsigned team_ask(struct team *);
/* Did every worker go through its packet loop since the last call? */
bool team_alive(struct team *);
/* Joins the threads. NULL is fine. */
void team_free(struct team *);

/* What comes from one worker, oldest first. A message lives until the next call. */
enum worker_news {
    WORKER_LINE,    /* a record, or an event that rules look at, or both */
    WORKER_FIGURES, /* once a second, and at the end: team_figures tells of all that was before */
    WORKER_FAILED,  /* its capture is over: error; the worker waits for team_stop */
    WORKER_DONE,    /* the last one */
};

struct worker_figures {
    struct stats stats;
    struct live_counters interfaces[FIGURES_INTERFACES_MAX];
    uint64_t flows_active, memory_held;
    uint64_t records_dropped; /* lines that found no room */
    uint64_t unread;          /* frames that had come before the end, and could not be read in the time for it */
    uint64_t dispatched, dispatch_dropped;
};

struct worker_message {
    uint32_t size;             /* of the whole in its batch */
    uint16_t news;             /* enum worker_news */
    int error;                 /* of WORKER_FAILED, a negative errno */
    unsigned answers;          /* of WORKER_FIGURES: what team_ask had returned last */
    uint64_t lost;             /* records that were dropped before this one, since the one before it */
    const struct event *event; /* NULL: none */
    struct line line;          /* without a text: none */
};

/* The next message of worker i, NULL: there is none now. The outlet's thread alone. */
const struct worker_message *team_next(struct team *, unsigned worker);

/* Of worker i, as they were a second ago at most, or since team_ask; also while its messages are left where they are. From any thread. */
void team_figures(struct team *, unsigned worker, struct worker_figures *);

/* Is half of what there is room for on the way from one of them taken? The outlet's thread alone. */
bool team_crowded(const struct team *);

unsigned team_workers(const struct team *);

#endif
