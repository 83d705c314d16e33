#include "pool.h"

#include <stdlib.h>
#include <string.h>

#include "base/block.h"

/* What was given back is poisoned, so that AddressSanitizer sees whoever still uses it; the words that link the free list and find the
 * block are opened up for as long as we read or write them. */
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

/* In front of each object stands the block that it is from. */
struct slot {
    struct pool_block *block;
};

struct pool_block {
    struct link link;
    struct block_chunk *chunk;                   /* for block_give */
    void *free;                                  /* given back: a list through their first word */
    unsigned out, carved;                        /* objects that are out, and that ever were */
    _Alignas(max_align_t) unsigned char bytes[]; /* room for the first slot in front of the first object */
};

enum { ALIGN = _Alignof(max_align_t) };
_Static_assert((int)POOL_BLOCK - (int)ALIGN == (int)BLOCK_ROOM, "a block of the usual size is one of a store");

size_t pool_cost(size_t size) {
    return (size + sizeof(struct slot) + ALIGN - 1) & ~(size_t)(ALIGN - 1);
}

void pool_init(struct pool *p, size_t size, struct budget *budget) {
    *p = (struct pool){.size = size, .stride = pool_cost(size), .budget = budget};
    size_t room = (POOL_BLOCK - ALIGN - sizeof(struct pool_block)) / p->stride;
    p->room = room > 1 ? (unsigned)room - 1 : 1; /* one less: the first slot's place, and the allocator's own */
    /* All of one size, so that each fits where another was, with the allocator's own bytes. */
    size_t block = sizeof(struct pool_block) + ALIGN + p->room * p->stride;
    p->block = block < POOL_BLOCK - ALIGN ? POOL_BLOCK - ALIGN : block;
    p->cost = budget_cost(p->block);
    list_init(&p->open);
    list_init(&p->full);
}

static struct pool_block *block_of(void *object) {
    struct slot *slot = (struct slot *)object - 1;
    UNPOISON(slot, sizeof *slot);
    struct pool_block *block = slot->block;
    POISON(slot, sizeof *slot);
    return block;
}

static struct pool_block *memory_take(struct pool *p) {
    struct block_chunk *chunk = NULL;
    struct pool_block *b = p->block == BLOCK_ROOM ? block_take(p->budget->blocks, &chunk) : malloc(p->block);
    if (b) {
        *b = (struct pool_block){.chunk = chunk};
        POISON(b->bytes, p->block - sizeof *b);
    }
    return b;
}

static void memory_give(struct pool *p, struct pool_block *b) {
    UNPOISON(b, p->block);
    if (p->block == BLOCK_ROOM) {
        block_give(p->budget->blocks, b, b->chunk);
    } else {
        free(b);
    }
}

static struct pool_block *block_new(struct pool *p) {
    if (!budget_charge(p->budget, p->cost)) {
        return NULL;
    }
    struct pool_block *b = p->spare;
    p->spare = NULL;
    if (!b) {
        b = memory_take(p);
        if (!b) {
            budget_release(p->budget, p->cost);
            return NULL;
        }
    }
    list_append(&p->open, &b->link);
    return b;
}

static void *object_new(struct pool *p, struct pool_block *b) {
    unsigned char *object = b->bytes + ALIGN + b->carved++ * p->stride;
    struct slot *slot = (struct slot *)(void *)object - 1;
    UNPOISON(slot, sizeof *slot);
    slot->block = b;
    POISON(slot, sizeof *slot);
    return object;
}

/* One that lies open with nothing out of it was not charged. */
static struct pool_block *block_open(struct pool *p) {
    struct link *first = list_first(&p->open);
    struct pool_block *b = first ? container_of(first, struct pool_block, link) : NULL;
    if (!b) {
        return block_new(p);
    }
    return b->out != 0 || budget_charge(p->budget, p->cost) ? b : NULL;
}

static void *given_back(struct pool *p, struct pool_block *b) {
    void *object = b->free;
    UNPOISON(object, p->size);
    memcpy(&b->free, object, sizeof b->free);
    return object;
}

/* With all that there may be to do. Apart, as is what of pool_give is rare: most take what was given back, from a block that has more. */
__attribute__((noinline)) static void *take_rare(struct pool *p) {
    struct pool_block *b = block_open(p);
    if (!b) {
        return NULL;
    }
    void *object = b->free ? given_back(p, b) : object_new(p, b);
    UNPOISON(object, p->size);
    if (++b->out == p->room) {
        list_remove(&b->link);
        list_append(&p->full, &b->link);
    }
    return object;
}

static inline void *take(struct pool *p) {
    struct link *first = p->open.head.next;
    struct pool_block *b = container_of(first, struct pool_block, link);
    if (first == &p->open.head || !b->free || b->out + 1 == p->room ||
        (b->out == 0 && !budget_charge(p->budget, p->cost))) {
        return take_rare(p);
    }
    b->out++;
    return given_back(p, b);
}

void *pool_take_raw(struct pool *p) {
    return take(p);
}

void *pool_take(struct pool *p) {
    void *object = take(p);
    return object ? memset(object, 0, p->size) : NULL;
}

/* The last of its objects came back. Where it is the only block with room it stays where it is. */
static void block_rest(struct pool *p, struct pool_block *b) {
    budget_release(p->budget, p->cost);
    if (p->spare || p->cost != POOL_BLOCK) {
        list_remove(&b->link);
        memory_give(p, b);
    } else if (b->link.prev != b->link.next) {
        list_remove(&b->link);
        p->spare = b;
    }
}

/* It has room again, and goes before one that is not charged. */
static void block_reopen(struct pool *p, struct pool_block *b) {
    struct link *first = list_first(&p->open);
    struct pool_block *resting = first ? container_of(first, struct pool_block, link) : NULL;
    if (resting && resting->out == 0) {
        list_remove(first);
        p->spare = resting;
    }
    list_remove(&b->link);
    list_append(&p->open, &b->link);
}

__attribute__((noinline)) static void give_rare(struct pool *p, struct pool_block *b) {
    if (b->out + 1 == p->room) {
        block_reopen(p, b);
    }
    if (b->out == 0) {
        block_rest(p, b);
    }
}

void pool_give(struct pool *p, void *object) {
    struct pool_block *b = block_of(object);
    memcpy(object, &b->free, sizeof b->free);
    POISON(object, p->size);
    b->free = object;
    b->out--;
    if (b->out + 1 == p->room || b->out == 0) {
        give_rare(p, b);
    }
}

static void free_all(struct pool *p, struct list *blocks) {
    for (struct link *x; (x = list_first(blocks));) {
        struct pool_block *b = container_of(x, struct pool_block, link);
        list_remove(x);
        if (b->out != 0) {
            budget_release(p->budget, p->cost);
        }
        memory_give(p, b);
    }
}

void pool_free(struct pool *p) {
    free_all(p, &p->open);
    free_all(p, &p->full);
    if (p->spare) {
        memory_give(p, p->spare);
    }
    p->spare = NULL;
}
