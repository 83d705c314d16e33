#include "nbss_pool.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

struct nbss_pool {
    struct nbss_piece *ready[NBSS_POOL_CLASSES];
    size_t kept[NBSS_POOL_CLASSES]; /* bytes in each list */
};

struct nbss_pool *nbss_pool_new(void) {
    return calloc(1, sizeof(struct nbss_pool));
}

void nbss_pool_free(struct nbss_pool *pool) {
    if (!pool) {
        return;
    }
    for (unsigned i = 0; i < NBSS_POOL_CLASSES; i++) {
        while (pool->ready[i]) {
            struct nbss_piece *p = pool->ready[i];
            pool->ready[i] = p->next;
            free(p);
        }
    }
    free(pool);
}

/* Bytes of a buffer with all that is around it. */
static size_t class_size(unsigned size_class) {
    if (size_class == NBSS_POOL_CLASSES - 1) {
        return sizeof(struct nbss_piece) + NBSS_WHOLE_MAX;
    }
    return (size_t)NBSS_POOL_CLASS_MIN << size_class;
}

static struct nbss_piece *take(struct nbss_pool *pool, struct budget *budget, size_t n) {
    unsigned size_class = 0;
    while (class_size(size_class) < sizeof(struct nbss_piece) + n) {
        size_class++;
    }
    size_t size = class_size(size_class);
    if (!budget_charge(budget, size)) {
        return NULL;
    }
    struct nbss_piece *p = pool->ready[size_class];
    if (p) {
        pool->ready[size_class] = p->next;
        pool->kept[size_class] -= size;
    } else {
        p = malloc(size);
    }
    if (!p) {
        budget_release(budget, size);
        return NULL;
    }
    p->next = NULL;
    p->size_class = size_class;
    p->room = (uint32_t)(size - sizeof *p);
    p->n = 0;
    return p;
}

bool nbss_pool_append(struct nbss_pool *pool, struct budget *budget, struct nbss_piece **piece, struct view v) {
    struct nbss_piece *p = *piece;
    size_t had = p ? p->n : 0;
    if (v.n > NBSS_WHOLE_MAX - had) {
        return false;
    }
    if (!p || v.n > p->room - p->n) {
        struct nbss_piece *larger = take(pool, budget, had + v.n);
        if (!larger) {
            return false;
        }
        if (p) {
            memcpy(larger->bytes, p->bytes, had);
        }
        nbss_pool_release(pool, budget, piece);
        larger->n = (uint32_t)had;
        *piece = p = larger;
    }
    if (v.n != 0) {
        memcpy(p->bytes + p->n, v.p, v.n);
    }
    p->n += (uint32_t)v.n;
    return true;
}

void nbss_pool_release(struct nbss_pool *pool, struct budget *budget, struct nbss_piece **piece) {
    struct nbss_piece *p = *piece;
    if (!p) {
        return;
    }
    *piece = NULL;
    assert(p->size_class < NBSS_POOL_CLASSES);
    size_t size = class_size(p->size_class);
    budget_release(budget, size);
    if (size > NBSS_POOL_KEPT_MAX - pool->kept[p->size_class]) {
        free(p);
        return;
    }
    p->next = pool->ready[p->size_class];
    pool->ready[p->size_class] = p;
    pool->kept[p->size_class] += size;
}
