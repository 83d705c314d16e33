/* What an output has not delivered yet, in the order of its records: segments, mapped into memory, each a file in the folder of the
 * output (or anonymous memory where it has none). What was put is safe from kill -9 at once, and from a power cut as the setting sync
 * says. Segments that are done with are used again, so an output that keeps up has the same two for ever.
 *
 * One process has a spool at a time; it holds a lock on the folder. One thread's alone. */
#ifndef SPOOL_H
#define SPOOL_H

#include "delivery/output_settings.h"
#include "delivery/transport.h"

struct spool;

enum { SPOOL_WHY_SIZE = 512 };

/* run_id: first part of the record_ids that will be put; see gap.h. What an earlier run left is there to be delivered first, and what is
 * known to be lost of it is a gap. Waits up to wait_ns for an earlier process to let go of the folder. 0, or a negative errno and a line with
 * the remedy. */
__attribute__((warn_unused_result)) int spool_open(struct spool **, const struct spool_settings *, const char *name,
                                                   uint64_t run_id, uint64_t wait_ns, char why[SPOOL_WHY_SIZE]);

/* The same run_id, for a run that did not know it when it opened the spool (0); before the first put. */
void spool_run(struct spool *, uint64_t run_id);

/* 0: it is in the spool, or by the policy another or this one was dropped, which becomes a gap. -EAGAIN: it is full, and the policy is to wait. */
__attribute__((warn_unused_result)) int spool_put(struct spool *, const struct line *);

/* The next record that was not handed out yet; false: none. Borrowed until the next call of any of these. */
bool spool_next(struct spool *, struct parcel *);
/* The one that was handed out last is to come again. */
void spool_unread(struct spool *);
/* All that is not done is handed out again, from the oldest. */
void spool_rewind(struct spool *);
/* All records that end at this place or before it are done. Never goes back. */
void spool_done(struct spool *, uint64_t place);
/* The one that ends there, handed out and not done, goes to the file of those that were set aside (bounded), and becomes a
 * gap; a record that itself tells of a gap does not, for that of its own would be refused as well. */
void spool_set_aside(struct spool *, uint64_t place);

/* The oldest gap that was not told, as long as it grows no more or is a second old (now UINT64_MAX: whatever its age): whoever takes it puts a
 * record of it (line.gap, as it was given). Only then it is forgotten: the next run tells it again else, and if the record is dropped, the gap
 * comes back. Where the policy is to drop the newest, none is given while there is no room for its record. */
bool spool_gap(struct spool *, uint64_t now, struct gap *);

/* Another loss, of this run or an earlier one. */
void spool_lost(struct spool *, const struct gap *);

/* Once a second or more: writes to the disk what the setting asks for. now: CLOCK_MONOTONIC, ns. */
void spool_tick(struct spool *, uint64_t now);

struct spool_figures {
    uint64_t waiting, waiting_bytes; /* put and not done; records, bytes */
    uint64_t out;                    /* of these records, handed out */
    uint64_t dropped;                /* since it was opened, all reasons together */
    uint64_t set_aside;              /* of these, refused by the receiver */
    uint64_t oldest_put;             /* when the oldest that waits was put: CLOCK_REALTIME, ns; 0: none does */
    uint64_t oldest_unread;          /* the same of the oldest that was not handed out */
    uint64_t safe_seq;               /* of this run: all up to it are done; 0: none is */
    uint64_t untold_from; /* of its records the first that is lost, and no record that is done tells it; 0: none */
    uint64_t gaps;        /* of which there is no record in the spool yet */
    int trouble;          /* of its disk, a negative errno: it goes on in memory; 0: none */
};
void spool_figures(const struct spool *, struct spool_figures *);

/* In order: the next run sees that this one came to its end, and what waits stays. clean: all that was made was put. NULL is fine. */
void spool_close(struct spool *, bool clean);

#endif
