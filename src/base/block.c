#include "block.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>

#include "huge_page.h"

enum { CHUNK_BLOCKS = 64, READY_PART = 8 };

#define CHUNK_SIZE HUGE_PAGE
_Static_assert(CHUNK_BLOCKS *BLOCK_SIZE == CHUNK_SIZE, "a chunk is a huge page");

struct block_chunk {
    struct link of_store, open, lying; /* the store's lists */
    unsigned char *base;
    uint64_t idle;  /* its blocks that are not out, as bits */
    uint64_t ready; /* those of them that have memory: the others never had any, or it was given back */
    bool holed;     /* some was given back since its last block was out: no huge pages are made of it */
};

static unsigned lowest(uint64_t bits) {
    return (unsigned)__builtin_ctzll(bits);
}

void block_store_init(struct block_store *s, size_t ceiling) {
    *s = (struct block_store){.of_heap_most = ceiling < BLOCKS_LARGE ? SIZE_MAX : BLOCKS_OF_HEAP};
    list_init(&s->chunks);
    list_init(&s->open);
    list_init(&s->lying);
}

static struct block_chunk *chunk_new(struct block_store *s) {
    struct block_chunk *c = calloc(1, sizeof *c);
    unsigned char *base = c ? huge_page_take(CHUNK_SIZE) : NULL;
    if (!base) {
        free(c);
        return NULL;
    }
    *c = (struct block_chunk){.base = base, .idle = UINT64_MAX};
    list_append(&s->chunks, &c->of_store);
    list_append(&s->open, &c->open);
    return c;
}

static void chunk_free(struct block_store *s, struct block_chunk *c) {
    s->ready -= (size_t)__builtin_popcountll(c->ready);
    list_remove(&c->of_store);
    list_remove(&c->open);
    list_remove(&c->lying);
    huge_page_give(c->base, CHUNK_SIZE);
    free(c);
}

/* A block that lies ready is one no more. */
static void take_ready(struct block_store *s, struct block_chunk *c, uint64_t bit) {
    s->ready--;
    c->ready &= ~bit;
    if (c->ready == 0) {
        list_remove(&c->lying);
    }
}

/* The system makes huge pages of what has holes, too, in time, and fills them. */
static void advise(struct block_chunk *c, bool holed) {
    if (c->holed != holed) {
        (void)madvise(c->base, CHUNK_SIZE, holed ? MADV_NOHUGEPAGE : MADV_HUGEPAGE);
        c->holed = holed;
    }
}

static void *take_of_chunk(struct block_store *s, struct block_chunk *c) {
    uint64_t bit = UINT64_C(1) << lowest(c->ready ? c->ready : c->idle);
    if (c->ready) {
        take_ready(s, c, bit);
    }
    s->out++;
    c->idle &= ~bit;
    if (c->idle == 0) {
        list_remove(&c->open);
        advise(c, false);
    }
    return c->base + (size_t)lowest(bit) * BLOCK_SIZE;
}

/* One with memory before one without; NULL: none has room. */
static struct block_chunk *chunk_with_room(struct block_store *s) {
    struct link *lying = list_first(&s->lying), *open = list_first(&s->open);
    return lying  ? container_of(lying, struct block_chunk, lying)
           : open ? container_of(open, struct block_chunk, open)
                  : NULL;
}

void *block_take(struct block_store *s, struct block_chunk **from) {
    *from = s ? chunk_with_room(s) : NULL;
    if (s && !*from && s->of_heap >= s->of_heap_most) {
        *from = chunk_new(s);
    }
    if (*from) {
        return take_of_chunk(s, *from);
    }
    void *block = malloc(BLOCK_ROOM);
    if (s && block) {
        s->of_heap++;
    }
    return block;
}

static bool is_enough(const struct block_store *s) {
    return s->ready > s->out / READY_PART + CHUNK_BLOCKS;
}

/* What lies ready is little beside what is out: the memory of the rest goes back to the system, whatever page it is part of. */
static void give_back(struct block_store *s) {
    while (is_enough(s)) {
        struct block_chunk *c = container_of(list_first(&s->lying), struct block_chunk, lying);
        unsigned which = lowest(c->ready);
        advise(c, true);
        (void)madvise(c->base + (size_t)which * BLOCK_SIZE, BLOCK_SIZE, MADV_DONTNEED);
        take_ready(s, c, UINT64_C(1) << which);
    }
}

static void give_to_chunk(struct block_store *s, struct block_chunk *c, uint64_t bit) {
    if (c->idle == 0) {
        list_append(&s->open, &c->open);
    }
    if (c->ready == 0) {
        list_append(&s->lying, &c->lying);
    }
    c->idle |= bit;
    c->ready |= bit;
    s->out--;
    s->ready++;
    if (c->idle == UINT64_MAX && is_enough(s)) {
        chunk_free(s, c);
    }
    give_back(s);
}

void block_give(struct block_store *s, void *block, struct block_chunk *c) {
    if (c) {
        give_to_chunk(s, c, UINT64_C(1) << (size_t)((unsigned char *)block - c->base) / BLOCK_SIZE);
        return;
    }
    free(block);
    if (s) {
        s->of_heap--;
    }
}

void block_store_free(struct block_store *s) {
    for (struct link *x; (x = list_first(&s->chunks));) {
        chunk_free(s, container_of(x, struct block_chunk, of_store));
    }
    block_store_init(s, 0);
}
