/* One worker: everything between a capture and finished lines. */
#ifndef PIPELINE_H
#define PIPELINE_H

#include "budget.h"
#include "event.h"
#include "packet.h"
#include "record.h"
#include "stats.h"

enum { PIPELINE_PORTS_MAX = 64, PIPELINE_HOME_MAX = 64 };

struct pipeline_settings {
    bool every_operation;      /* --detail operations */
    bool verify_checksums;     /* what has a wrong one is left alone */
    bool key_vlan, key_tunnel; /* connections are told apart by VLAN identifiers; by those of tunnels */
    uint16_t ports[PIPELINE_PORTS_MAX];
    size_t port_count;
    struct network home[PIPELINE_HOME_MAX];
    size_t home_count;
    const char *sensor_id;
    const char *code_page; /* of SMB1's OEM strings, as iconv knows it; NULL: CODE_PAGE_DEFAULT */
    size_t flows_max;      /* connections followed at once; 0: the default */
    uint64_t idle_ns;      /* a connection without a packet ends after so long; 0: the default */
    uint64_t slow_ns;      /* an answer that is later is slow, and a finding; 0: none is */
    uint64_t secret;       /* keys the hash tables; changes no record */
    int statm;             /* of resident_open, for a pipeline that begins in the sandbox; 0: it opens its own */
    const char *const *interfaces; /* live: names by struct frame's interface, for the records; NULL: a replay */
};

/* Where records go: 0, or a negative errno, after which nothing more is sent. Event and line live during the call. Rules look at
 * every operation of SMB1, and at NEGOTIATE; one that the detail has no record for comes with an empty line. */
struct pipeline_outlet {
    void *arg;
    int (*line)(void *arg, const struct event *, const char *line, size_t n);
    bool (*claim)(void *arg,
                  const struct packet *); /* is a segment ours? What is not was taken care of; NULL: all are */
};

struct pipeline;

/* settings, stats and budget stay the caller's and outlive the pipeline; capture_name is that of its records. NULL: no memory. */
struct pipeline *pipeline_new(const struct pipeline_settings *, const char *capture_name,
                              const struct pipeline_outlet *, struct budget *, struct stats *);
/* 0, or the outlet's error. */
__attribute__((warn_unused_result)) int pipeline_frame(struct pipeline *, const struct frame *);
/* The same for a segment that another worker decoded. */
__attribute__((warn_unused_result)) int pipeline_packet(struct pipeline *, const struct packet *);
/* From now on these settings: what may change is the detail, what is slow, and the networks of ours, for connections that begin then. */
void pipeline_reconfigure(struct pipeline *, const struct pipeline_settings *);
/* Time passed without a frame: what is due ends. For live captures. Same result. */
__attribute__((warn_unused_result)) int pipeline_tick(struct pipeline *, uint64_t time_ns);
/* Connections followed now. */
size_t pipeline_flows(const struct pipeline *);
/* The capture is at its end: all that is open ends. */
__attribute__((warn_unused_result)) int pipeline_finish(struct pipeline *);
/* NULL is fine. */
void pipeline_free(struct pipeline *);

/* What one of each costs while idle, bytes. A flow's addresses as they stand in records come on top, up to FLOW_JSON_MAX, and
 * the names of a tree and a handle. */
struct pipeline_costs {
    size_t flow, session, tree, handle, request;
};
struct pipeline_costs pipeline_costs(void);

#endif
