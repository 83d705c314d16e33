/* Where pools have their blocks from. A few come from the heap. Where there are so many that the processor's table of pages is too small
 * for them, and what is followed lies all over them, they come from chunks that are a huge page each.
 * One thread's, as the budget that names it. */
#ifndef BLOCK_H
#define BLOCK_H

#include <stddef.h>

#include "base/list.h"

enum {
    BLOCK_SIZE = 32 * 1024,       /* bytes of a chunk that a block takes */
    BLOCK_ROOM = BLOCK_SIZE - 16, /* bytes of one that can be used: the allocator has its own beside it */
    BLOCKS_OF_HEAP = 128,         /* the first ones, which may come and go without holding a chunk */
    BLOCKS_LARGE = 64 << 20,      /* bytes: with less there are none but those: a chunk would hold too much of it */
};

struct block_chunk;

struct block_store {
    size_t of_heap; /* blocks that are out, from there */
    size_t of_heap_most;
    size_t out, ready; /* of chunks: that are out, and that lie ready with their memory */
    struct list chunks;
    struct list open;  /* those with room, in the order they got some */
    struct list lying; /* those of them with blocks that lie ready */
};

/* ceiling: of all that its pools may hold, bytes. */
void block_store_init(struct block_store *, size_t ceiling);
/* All blocks must have been given back. */
void block_store_free(struct block_store *);

/* BLOCK_ROOM bytes, aligned as malloc does, with what was in them; NULL: no memory. from: for block_give. The store may be NULL. */
void *block_take(struct block_store *, struct block_chunk **from);
void block_give(struct block_store *, void *block, struct block_chunk *from);

#endif
