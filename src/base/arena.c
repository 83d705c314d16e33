#include "arena.h"

#include <stddef.h>
#include <string.h>

void *arena_take(struct arena *a, size_t n) {
    const size_t align = _Alignof(max_align_t);
    size_t start = (a->used + align - 1) & ~(align - 1);
    if (start > a->size || n > a->size - start) {
        a->overflowed = true;
        return NULL;
    }
    a->used = start + n;
    return memset(a->base + start, 0, n);
}

void *arena_array(struct arena *a, size_t count, size_t size) {
    if (size != 0 && count > a->size / size) {
        a->overflowed = true;
        return NULL;
    }
    return arena_take(a, count * size);
}

void arena_reset(struct arena *a) {
    a->used = 0;
    a->overflowed = false;
}
