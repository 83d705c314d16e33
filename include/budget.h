/* Who may hold how much memory. A budget is charged before memory is taken and released when it is given back; what is
 * charged to a flow is charged to the program above it as well. */
#ifndef BUDGET_H
#define BUDGET_H

#include <assert.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>

struct block_store;

struct budget {
    struct budget *parent;      /* NULL at the top */
    size_t held, ceiling;       /* bytes */
    struct block_store *blocks; /* of pools that charge this one: base/block.h; NULL: the heap's */
};

/* True when n more bytes fit everywhere, and then they are held; false changes nothing. */
__attribute__((warn_unused_result)) static inline bool budget_charge(struct budget *b, size_t n) {
    for (struct budget *at = b; at; at = at->parent) {
        if (n > at->ceiling || at->held > at->ceiling - n) {
            return false;
        }
    }
    for (struct budget *at = b; at; at = at->parent) {
        at->held += n;
    }
    return true;
}

static inline void budget_release(struct budget *b, size_t n) {
    for (struct budget *at = b; at; at = at->parent) {
        assert(at->held >= n);
        at->held -= n;
    }
}

/* What n bytes of the heap cost with the allocator's own: 8 bytes, in steps of 16, 32 at least (glibc). */
static inline size_t budget_cost(size_t n) {
    const size_t step = 16, own = 8, least = 32;
    size_t cost = (n + own + step - 1) & ~(step - 1);
    return cost < least ? least : cost;
}

/* n bytes, zeroed and charged at their cost; NULL, and nothing charged, where budget or memory is at its end. */
__attribute__((warn_unused_result)) static inline void *budget_take(struct budget *b, size_t n) {
    if (!budget_charge(b, budget_cost(n))) {
        return NULL;
    }
    void *p = calloc(1, n);
    if (!p) {
        budget_release(b, budget_cost(n));
    }
    return p;
}

/* The same for who writes all that it will read: not zeroed. */
__attribute__((warn_unused_result)) static inline void *budget_take_raw(struct budget *b, size_t n) {
    if (!budget_charge(b, budget_cost(n))) {
        return NULL;
    }
    void *p = malloc(n);
    if (!p) {
        budget_release(b, budget_cost(n));
    }
    return p;
}

/* What they gave, with the same n. NULL is fine. */
static inline void budget_give(struct budget *b, void *p, size_t n) {
    if (p) {
        free(p);
        budget_release(b, budget_cost(n));
    }
}

#endif
