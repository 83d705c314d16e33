#include "huge_page.h"

#include <assert.h>
#include <stdint.h>
#include <sys/mman.h>

/* Of one page more, what is not needed is given back. */
void *huge_page_take(size_t bytes) {
    assert(bytes != 0 && bytes % HUGE_PAGE == 0);
    unsigned char *raw = mmap(NULL, bytes + HUGE_PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (raw == MAP_FAILED) {
        return NULL;
    }
    size_t before = -(uintptr_t)raw & (HUGE_PAGE - 1);
    unsigned char *base = raw + before;
    if (before != 0) {
        munmap(raw, before);
    }
    munmap(base + bytes, HUGE_PAGE - before);
    (void)madvise(base, bytes, MADV_HUGEPAGE);
    return base;
}

void huge_page_give(void *memory, size_t bytes) {
    munmap(memory, bytes);
}
