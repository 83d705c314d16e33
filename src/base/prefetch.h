/* Memory that will be needed soon, brought into the processor's cache. It changes nothing else, whatever the address is. */
#ifndef PREFETCH_H
#define PREFETCH_H

#include <stddef.h>
#include <stdint.h>

enum {
    CACHE_LINE = 64
}; /* bytes, of nearly all processors; of another one some lines are asked for twice, or not at all */

static inline void prefetch(const void *from, size_t n) {
    uintptr_t address = (uintptr_t)from; /* there may be no object, and then no pointer may be made of it */
    for (size_t at = 0; at < n; at += CACHE_LINE) {
        __builtin_prefetch((const void *)(address + at), 1);
    }
}

#endif
