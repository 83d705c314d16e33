/* Who may hold how much memory. A budget is charged before memory is taken and released when it is given back; what is
 * charged to a flow is charged to the program above it as well. */
#ifndef BUDGET_H
#define BUDGET_H

#include <assert.h>
#include <stdbool.h>
#include <stddef.h>

struct budget {
    struct budget *parent; /* NULL at the top */
    size_t held, ceiling;  /* bytes */
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

#endif
