/* The system's clocks, for what packets have no time for: how long a live run waits, and when its own records were made. */
#ifndef SYSTEM_CLOCK_H
#define SYSTEM_CLOCK_H

#include <stdint.h>
#include <time.h>

/* ns of CLOCK_REALTIME (since 1970 UTC) or CLOCK_MONOTONIC. */
static inline uint64_t system_clock_ns(clockid_t clock) {
    struct timespec now;
    clock_gettime(clock, &now);
    return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

#endif
