/* Where pools have their blocks from. A few come from the heap. Where there are so many that the processor's table of pages is too small
 * for them, and what is followed lies all over them, they come from chunks as large as a huge page, and the system is asked to make
 * each one: Documentation/admin-guide/mm/transhuge.rst of Linux. A system that does not gives ordinary pages, as before.
 * One thread's, as the budget that names it. */
#ifndef BLOCK_H
#define BLOCK_H

#include <stddef.h>

#include "base/list.h"

enum {
    BLOCK_SIZE = 32 * 1024,       /* bytes of a chunk that a block takes */
    BLOCK_ROOM = BLOCK_SIZE - 16, /* bytes of one that can be used: the allocator has its own beside it */
    BLOCKS_OF_HEAP = 512,         /* the first ones, which may come and go without holding a chunk */
};

struct block_chunk;

struct block_store {
    size_t of_heap;    /* blocks that are out, from there */
    size_t out, ready; /* of chunks: that are out, and that lie ready with their memory */
    struct list chunks;
    struct list open;  /* those with room, in the order they got some */
    struct list lying; /* those of them with blocks that lie ready */
};

void block_store_init(struct block_store *);
/* All blocks must have been given back. */
void block_store_free(struct block_store *);

/* BLOCK_ROOM bytes, aligned as malloc does, with what was in them; NULL: no memory. from: for block_give. The store may be NULL. */
void *block_take(struct block_store *, struct block_chunk **from);
void block_give(struct block_store *, void *block, struct block_chunk *from);

#endif
