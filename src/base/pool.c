#include "pool.h"

#include <stdlib.h>
#include <string.h>

enum { BLOCK_BYTES = 32 * 1024 };

struct pool_block {
    struct pool_block *next;
    _Alignas(max_align_t) unsigned char objects[];
};

void pool_init(struct pool *p, size_t size, struct budget *budget) {
    const size_t align = _Alignof(max_align_t);
    *p = (struct pool){.size = (size + align - 1) & ~(align - 1), .budget = budget};
}

static void refill(struct pool *p) {
    size_t count = BLOCK_BYTES / p->size > 0 ? BLOCK_BYTES / p->size : 1;
    struct pool_block *b = malloc(sizeof *b + count * p->size);
    if (!b) {
        return;
    }
    b->next = p->blocks;
    p->blocks = b;
    for (size_t i = count; i-- > 0;) {
        void *object = b->objects + i * p->size;
        memcpy(object, &p->free, sizeof p->free);
        p->free = object;
    }
}

void *pool_take(struct pool *p) {
    if (!budget_charge(p->budget, p->size)) {
        return NULL;
    }
    if (!p->free) {
        refill(p);
    }
    if (!p->free) {
        budget_release(p->budget, p->size);
        return NULL;
    }
    void *object = p->free;
    memcpy(&p->free, object, sizeof p->free);
    return memset(object, 0, p->size);
}

void pool_give(struct pool *p, void *object) {
    memcpy(object, &p->free, sizeof p->free);
    p->free = object;
    budget_release(p->budget, p->size);
}

void pool_free(struct pool *p) {
    while (p->blocks) {
        struct pool_block *b = p->blocks;
        p->blocks = b->next;
        free(b);
    }
    p->free = NULL;
}
