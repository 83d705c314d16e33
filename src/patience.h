/* How long an output that is behind is waited for in a live run: records then wait where there is more room than before an output, and all
 * other outputs wait with it. What does not find room after that is lost. Times are monotonic, in ns. */
#ifndef PATIENCE_H
#define PATIENCE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { PATIENCE_BYTES = 8 << 20 }; /* waiting before it: with more it is behind */

/* So long without taking anything, where another output could. */
#define PATIENCE_STILL_NS UINT64_C(2000000000)
/* So long, in one go or in several, until it had taken all once. */
#define PATIENCE_BEHIND_NS UINT64_C(30000000000)

/* An output as it is now. */
struct patience_sight {
    size_t waiting; /* bytes before it */
    uint64_t taken; /* a figure that grows with what it takes */
    bool gone;      /* it takes nothing any more */
};

/* What is kept of it between two looks; zeroes are a new one. */
struct patience {
    uint64_t since;         /* the last look, which said to wait; 0: it did not */
    uint64_t still, behind; /* it was waited for, and took nothing; and in all */
    uint64_t taken;
};

/* Is one of them to be waited for? Each has its place in both lists. */
bool patience_look(struct patience *, const struct patience_sight *, size_t count, uint64_t now);

#endif
