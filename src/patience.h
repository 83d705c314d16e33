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

struct patience {           /* zeroes are a new one */
    uint64_t since;         /* the last look, which said to wait; 0: it did not */
    uint64_t still, behind; /* it was waited for, and took nothing; and in all */
    uint64_t taken;
};

/* Is it to be waited for? waiting: bytes before it. taken: a figure that grows with what it takes. holds_up: there is an output that is not
 * behind. */
bool patience_look(struct patience *, uint64_t now, size_t waiting, uint64_t taken, bool holds_up);
/* Does the next look depend on the time? */
bool patience_counts(const struct patience *, size_t waiting);

#endif
