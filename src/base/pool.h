/* Objects of one size, taken from blocks and given back to them: no allocation per message in the steady state. A block is charged to
 * the budget as a whole while one of its objects is out; it goes back to the system with the last of them, but for one that lies
 * ready without being charged (POOL_BLOCK bytes of the program's base, README). */
#ifndef POOL_H
#define POOL_H

#include <stddef.h>

#include "base/list.h"
#include "budget.h"

enum { POOL_BLOCK = 32 * 1024 }; /* what a block costs, bytes; objects that are larger have one each */

struct pool_block;

struct pool {
    size_t size, stride; /* of an object, and with what comes with it, bytes */
    unsigned room;       /* objects in a block */
    size_t block, cost;  /* bytes of one, and with the allocator's own */
    struct list open;    /* blocks with room */
    struct list full;
    struct pool_block *spare; /* NULL, or empty and not charged, as is one that lies open, alone, without a spare */
    struct budget *budget;
};

void pool_init(struct pool *, size_t size, struct budget *);
/* Zeroed; NULL where budget or memory is at its end. */
void *pool_take(struct pool *);
/* The same for who writes all that it will read: not zeroed. */
void *pool_take_raw(struct pool *);
void pool_give(struct pool *, void *object);
/* All blocks, whatever was not given back included. */
void pool_free(struct pool *);
/* What an object of so many bytes takes of a block. */
size_t pool_cost(size_t size);

#endif
