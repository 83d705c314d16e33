/* Rules over events, in one place for all workers: events in, findings (events too) out. It sits where lines are numbered, because
 * a finding names the records that it rests on.
 *
 * The rules so far (tables/rule.def): SMB1 is asked for, and SMB1 is spoken; each once for a pair of client and server in an interval. A NEGOTIATE
 * that offers SMB2 as well asks for nothing that matters here, and one that is answered in SMB2 is no use of SMB1. What records name as
 * events of the Windows logs that say more than themselves: how a pair signs and encrypts, who is let in as nobody or refused, what is
 * slow, who was sent to another address of a cluster; and signs of a downgrade (downgrade.h); each once for a pair in an interval. And
 * anomalies of
 * one connection, each told once, when it ends. And what the sensor itself suffers from, by its figures: an interface that receives
 * nothing, traffic of one direction only, loss; each told once until it is over. */
#ifndef FINDINGS_H
#define FINDINGS_H

#include "budget.h"
#include "event.h"
#include "figures.h"
#include "stats.h"

struct findings;

/* Pairs followed; connections whose NEGOTIATE went unanswered so far and whose end will say why. At a limit the oldest goes, a
 * pair after it was told, and stats counts it. */
enum { FINDINGS_PAIRS_MAX = 4096, FINDINGS_PENDING_MAX = 1024, FINDINGS_EVIDENCE_MAX = 16 };
/* Servers that were spoken to in SMB1, of which it is to be seen whether they still are. At the limit the oldest is forgotten, and
 * counted. */
enum { FINDINGS_SERVERS_MAX = 1024 };
/* The same of the other rules of a pair. */
enum { FINDINGS_NOTICES_MAX = 8192 };
/* Clients that a continuously available share sent away, and how soon they must turn up elsewhere. */
enum { FINDINGS_FAILOVERS_MAX = 1024 };
#define FINDINGS_FAILOVER_NS (60 * UINT64_C(1000000000))
/* What a pair does is told once in an interval of so long, in packet time, with sums of its own. */
#define FINDINGS_INTERVAL_NS (3600 * UINT64_C(1000000000))

struct findings_settings {
    uint64_t run_id;     /* first part of every record_id */
    uint64_t secret;     /* keys the hash table; changes no finding */
    bool at_once;        /* tell of a pair when it is first seen, too, and not only with its sums: for runs of months */
    size_t pairs_max;    /* 0: FINDINGS_PAIRS_MAX */
    size_t notices_max;  /* 0: FINDINGS_NOTICES_MAX */
    double loss_percent; /* so much may be lost of an interval's packets, or bytes, and no more */
    struct budget *budget; /* what is kept is charged to it, and the oldest goes where it is spent; NULL: to nobody */
};

/* Where findings go. The event and the name of its capture live during the call. */
struct findings_sink {
    void *arg;
    void (*raise)(void *arg, const struct event *, const char *capture);
};

/* stats stays the caller's and outlives the findings. NULL without memory. */
struct findings *findings_new(const struct findings_settings *, const struct findings_sink *, struct stats *);
/* Does any rule look at events such as this one? Others need not be brought. */
bool findings_want(const struct event *);
/* Keeps nothing of the event. seq is that of its record, 0 where it has none; capture names where it was seen. */
void findings_event(struct findings *, const struct event *, uint64_t seq, const char *capture);
/* Looks at what happened between two moments of the sensor. seq is that of the record that tells of it, 0 where there is none. */
void findings_figures(struct findings *, const struct figures *now, const struct figures *before, uint64_t seq);
/* Another loss_percent from now on. */
void findings_loss_percent(struct findings *, double percent);
/* The run is at its end: what was not told, or has changed since, is told. */
void findings_finish(struct findings *);
/* Takes NULL. */
void findings_free(struct findings *);

#endif
