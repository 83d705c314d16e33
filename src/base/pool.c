#include "pool.h"

#include <stdlib.h>
#include <string.h>

/* What was given back is poisoned, so that AddressSanitizer sees whoever still uses it; the word that links the free list is in
 * it, and is opened up for as long as we read or write it. */
#if defined __SANITIZE_ADDRESS__
#define POISONING 1
#elif defined __has_feature
#if __has_feature(address_sanitizer)
#define POISONING 1
#endif
#endif
#ifdef POISONING
#include <sanitizer/asan_interface.h>
#define POISON(p, n) __asan_poison_memory_region((p), (n))
#define UNPOISON(p, n) __asan_unpoison_memory_region((p), (n))
#else
#define POISON(p, n) ((void)(p), (void)(n))
#define UNPOISON(p, n) ((void)(p), (void)(n))
#endif

enum { BLOCK_BYTES = 32 * 1024 };

struct pool_block {
    struct pool_block *next;
    _Alignas(max_align_t) unsigned char objects[];
};

void pool_init(struct pool *p, size_t size, struct budget *budget) {
    const size_t align = _Alignof(max_align_t);
    *p = (struct pool){.size = (size + align - 1) & ~(align - 1), .budget = budget};
}

static void free_push(struct pool *p, void *object) {
    memcpy(object, &p->free, sizeof p->free);
    p->free = object;
    POISON(object, p->size);
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
        free_push(p, b->objects + i * p->size);
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
    UNPOISON(object, p->size);
    memcpy(&p->free, object, sizeof p->free);
    return memset(object, 0, p->size);
}

void pool_give(struct pool *p, void *object) {
    free_push(p, object);
    budget_release(p->budget, p->size);
}

void pool_free(struct pool *p) {
    while (p->blocks) {
        struct pool_block *b = p->blocks;
        p->blocks = b->next;
        free(b); /* the allocator poisons it anew, and clears that when it is taken again */
    }
    p->free = NULL;
}
