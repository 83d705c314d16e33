/* What a spool remembers besides its segments: how far it is done, which run had it and whether that came to its end, and losses that
 * were not told. A file of two slots, mapped; they are written in turn, each with a counter and a CRC-32C, so that one is whole whenever
 * the process is killed or the power fails. */
#ifndef SPOOL_STATE_H
#define SPOOL_STATE_H

#include <stdbool.h>
#include <stdint.h>

#include "delivery/gap_list.h"
#include "delivery/segment.h"

struct spool_state {
    uint64_t run_id; /* that has it, or had it last */
    struct spool_floor floor;
    uint64_t put;     /* the place where the last segment may end */
    uint64_t damaged; /* losses by damage before this place are told */
    uint64_t serial;  /* of the last segment */
    uint64_t last;    /* seq of the last record of that run that was put and kept */
    bool in_memory;   /* some of it is in memory, for want of a disk */
    bool clean;       /* the run came to its end, and all that it made was put */
    struct gap_list gaps;
};

struct state_file;

/* Takes the descriptor over. was: what it holds; true in *found where it holds something. 0 or a negative errno. */
__attribute__((warn_unused_result)) int state_file_open(struct state_file **, int fd, struct spool_state *was,
                                                        bool *found);
void state_file_write(struct state_file *, const struct spool_state *);
int state_file_sync(struct state_file *);
/* Lets go of the lock that the descriptor may hold. Takes NULL. */
void state_file_close(struct state_file *);

#endif
