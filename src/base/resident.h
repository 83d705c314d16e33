/* Memory as the system counts it. The allocator keeps what was freed in the middle of its heap, while other sizes are taken elsewhere: so
 * the program may have more than it holds. Where that goes over a ceiling, it is given back. No record depends on it. */
#ifndef RESIDENT_H
#define RESIDENT_H

#include <stdbool.h>
#include <stddef.h>

struct resident {
    int fd;         /* of /proc/self/statm; -1: there is none, and nothing is done */
    bool owned;     /* closed at the end */
    size_t ceiling; /* bytes; what is above it is given back, where it can be */
    size_t base;    /* bytes at the start */
};

/* A descriptor for resident_begin, never that of a standard stream; -1: there is none. It stays good when the process may open nothing
 * any more. The caller's to close. */
int resident_open(void);
/* statm: what resident_open gave and outlives this; 0: one of its own. */
void resident_begin(struct resident *, int statm, size_t ceiling);
/* Costs a microsecond, and some milliseconds where there is something to give back. True: it was tried. */
bool resident_look(struct resident *);
/* Bytes now; 0: not known. */
size_t resident_bytes(const struct resident *);
void resident_end(struct resident *);

#endif
