/* Memory for one message: what a dissector needs beside views (lists that the wire counts), gone with the next reset. An
 * arena that is too small says so once and gives NULL; its owner chose the size, so it bounds what a message may cost. */
#ifndef ARENA_H
#define ARENA_H

#include <stdbool.h>
#include <stddef.h>

struct arena {
    unsigned char *base; /* aligned as malloc aligns; the owner's */
    size_t size, used;   /* bytes */
    bool overflowed;     /* something did not fit since the last reset */
};

/* n bytes, zeroed and aligned for any type; NULL, and overflowed set, where they do not fit. */
void *arena_take(struct arena *, size_t n);
/* The same for count things of size bytes each; an overflow of the product does not fit either. */
void *arena_array(struct arena *, size_t count, size_t size);
/* Forgets all that was taken. */
void arena_reset(struct arena *);

#endif
