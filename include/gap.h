/* Records that did not arrive on an output, by their numbers: what a sensor/gap record tells. */
#ifndef GAP_H
#define GAP_H

#include <stdint.h>

enum gap_reason {
#define GAP_REASON(id, name, meaning) GAP_##id,
#include "tables/gap_reason.def"
#undef GAP_REASON
    GAP_REASONS
};

struct gap {
    uint64_t run_id;   /* of the run that made them; 0: of this one */
    uint64_t from, to; /* seq; to 0: up to the end of that run, whose last number nobody knows any more */
    uint64_t count;    /* of records: fewer than the numbers where others lie between them; 0: nobody knows */
    enum gap_reason reason;
};

#endif
