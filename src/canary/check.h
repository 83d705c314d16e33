/* Waits until the canary's record is in a file of records. */
#ifndef CHECK_H
#define CHECK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "canary/follow.h"

struct check {
    const char *file, *mark;
    const char *interface; /* it was sent there by this run; NULL: by another */
    uint64_t sent_ns;      /* of the real-time clock, when it was; of another's run the record says when */
    uint64_t timeout_ns;
    char found[256]; /* the record, in words */
    struct follow follow;
};

/* Before it is sent: what is in the file already was of others. File, mark, interface and timeout are set. False after one line. */
__attribute__((warn_unused_result)) bool check_begin(struct check *);
/* Is the line a record of that share? Its identity and how long it took are in found then. */
bool check_line(struct check *, const char *line, size_t n);
/* The exit status, after one line: on standard output which record it was, or on standard error what to look at. */
__attribute__((warn_unused_result)) int check_wait(struct check *);
void check_end(struct check *);

/* Now, in ns since 1970. */
uint64_t check_clock(void);

#endif
