/* Objects of one size, taken from blocks and given back to a free list: no allocation per message in the steady state. What is
 * taken is charged to the budget and released when given back; the blocks themselves stay until pool_free. */
#ifndef POOL_H
#define POOL_H

#include <stddef.h>

#include "budget.h"

struct pool_block;

struct pool {
    size_t size; /* of an object, bytes */
    void *free;
    struct pool_block *blocks;
    struct budget *budget;
};

void pool_init(struct pool *, size_t size, struct budget *);
/* Zeroed; NULL where budget or memory is at its end. */
void *pool_take(struct pool *);
void pool_give(struct pool *, void *object);
/* All blocks, whatever was not given back included. */
void pool_free(struct pool *);

#endif
