#include "../../src/base/block.h"

#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>

enum { MANY = BLOCKS_OF_HEAP + 1000, CHUNK = 64 };

struct taken {
    unsigned char *block;
    struct block_chunk *from;
};

static void take(struct block_store *s, struct taken *t, unsigned tag) {
    t->block = block_take(s, &t->from);
    assert_non_null(t->block);
    assert_int_equal((uintptr_t)t->block % _Alignof(max_align_t), 0);
    memset(t->block, (int)(tag & 0xff), BLOCK_ROOM);
}

static void give(struct block_store *s, struct taken *t, unsigned tag) {
    assert_int_equal(t->block[0], tag & 0xff); /* nobody else wrote there */
    assert_int_equal(t->block[BLOCK_ROOM - 1], tag & 0xff);
    block_give(s, t->block, t->from);
}

/* Pages of the memory that are there. */
static size_t resident(const void *p, size_t n) {
    static unsigned char there[BLOCK_SIZE / 1024];
    size_t page = (size_t)sysconf(_SC_PAGESIZE), count = 0;
    assert_int_equal(mincore((void *)(uintptr_t)p, n, there), 0);
    for (size_t i = 0; i < n / page; i++) {
        count += there[i] & 1;
    }
    return count;
}

static void little_memory_has_no_chunks(void **state) {
    (void)state;
    static struct taken t[MANY];
    struct block_store s;
    block_store_init(&s, BLOCKS_LARGE - 1);
    for (unsigned i = 0; i < MANY; i++) {
        take(&s, &t[i], i);
        assert_null(t[i].from);
    }
    for (unsigned i = 0; i < MANY; i++) {
        give(&s, &t[i], i);
    }
    block_store_free(&s);
}

static void the_first_are_of_the_heap(void **state) {
    (void)state;
    static struct taken t[MANY];
    struct block_store s;
    block_store_init(&s, BLOCKS_LARGE);
    for (unsigned i = 0; i < MANY; i++) {
        take(&s, &t[i], i);
        assert_int_equal(t[i].from == NULL, i < BLOCKS_OF_HEAP);
    }
    assert_int_equal(s.of_heap, BLOCKS_OF_HEAP);
    assert_int_equal(s.out, MANY - BLOCKS_OF_HEAP);
    for (unsigned i = 0; i < MANY; i++) {
        give(&s, &t[i], i);
    }
    assert_int_equal(s.of_heap, 0);
    assert_int_equal(s.out, 0);
    assert_true(s.ready <= CHUNK);
    block_store_free(&s);
}

/* Whatever comes and goes in whatever order, what is held beside it is little. */
static void little_lies_ready(void **state) {
    (void)state;
    static struct taken t[MANY];
    struct block_store s;
    uint32_t random = 1;
    block_store_init(&s, BLOCKS_LARGE);
    for (unsigned round = 0; round < 20 * MANY; round++) {
        random = random * 1664525u + 1013904223u;
        unsigned i = (random >> 8) % (round < 10 * MANY ? MANY : MANY / 2 + round % 7);
        if (t[i].block) {
            give(&s, &t[i], i);
            t[i] = (struct taken){NULL, NULL};
        } else {
            take(&s, &t[i], i);
        }
        assert_true(s.ready <= s.out / 8 + CHUNK);
    }
    for (unsigned i = 0; i < MANY; i++) {
        if (t[i].block) {
            give(&s, &t[i], i);
        }
    }
    assert_int_equal(s.out + s.of_heap, 0);
    block_store_free(&s);
}

/* A few that stay do not hold the memory of all the others. */
static void memory_goes_back(void **state) {
    (void)state;
    static struct taken t[MANY];
    struct block_store s;
    size_t pages = 0, page = (size_t)sysconf(_SC_PAGESIZE);
    block_store_init(&s, BLOCKS_LARGE);
    for (unsigned i = 0; i < MANY; i++) {
        take(&s, &t[i], i);
    }
    for (unsigned i = BLOCKS_OF_HEAP; i < MANY; i++) {
        if (i % 16 != 0) {
            give(&s, &t[i], i);
        }
    }
    for (unsigned i = BLOCKS_OF_HEAP; i < MANY; i++) {
        pages += resident(t[i].block, BLOCK_SIZE);
    }
    assert_int_equal(pages * page / BLOCK_SIZE, s.out + s.ready);
    assert_true(s.ready <= s.out / 8 + CHUNK);
    for (unsigned i = 0; i < MANY; i++) {
        if (i < BLOCKS_OF_HEAP || i % 16 == 0) {
            give(&s, &t[i], i);
        }
    }
    block_store_free(&s);
}

/* Does the system make huge pages where p lies? -1: it does not say, having none. */
static int wants_huge(const void *p) {
    char line[512];
    int wants = -1;
    bool inside = false;
    FILE *maps = fopen("/proc/self/smaps", "r");
    assert_non_null(maps);
    while (fgets(line, sizeof line, maps)) {
        uintptr_t from, to;
        if (sscanf(line, "%" SCNxPTR "-%" SCNxPTR " ", &from, &to) == 2) {
            inside = (uintptr_t)p >= from && (uintptr_t)p < to;
        } else if (inside && strncmp(line, "VmFlags:", 8) == 0) {
            wants = strstr(line, " hg") ? 1 : strstr(line, " nh") ? 0 : -1;
        }
    }
    fclose(maps);
    return wants;
}

/* Of a chunk with holes the system would make a huge page again in time, which has none. */
static void holes_stay(void **state) {
    (void)state;
    static struct taken t[MANY];
    struct block_store s;
    block_store_init(&s, BLOCKS_LARGE);
    for (unsigned i = 0; i < MANY; i++) {
        take(&s, &t[i], i);
    }
    const int whole = wants_huge(t[BLOCKS_OF_HEAP].block);
    for (unsigned i = BLOCKS_OF_HEAP; i < MANY; i++) {
        if (i % CHUNK != 0) {
            give(&s, &t[i], i);
        }
    }
    unsigned holed = 0;
    for (unsigned i = BLOCKS_OF_HEAP; i < MANY; i++) {
        bool given_back = i % CHUNK != 0 && resident(t[i].block, BLOCK_SIZE) == 0;
        holed += given_back;
        assert_false(given_back && wants_huge(t[i].block) == 1);
    }
    assert_true(holed > MANY / 2);
    for (unsigned i = BLOCKS_OF_HEAP; i < MANY; i++) {
        if (i % CHUNK != 0) {
            take(&s, &t[i], i);
        }
    }
    assert_int_equal(wants_huge(t[BLOCKS_OF_HEAP].block), whole); /* those that are full may have them again */
    for (unsigned i = 0; i < MANY; i++) {
        give(&s, &t[i], i);
    }
    block_store_free(&s);
}

static void without_a_store(void **state) {
    (void)state;
    struct taken t;
    take(NULL, &t, 7);
    assert_null(t.from);
    give(NULL, &t, 7);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(little_memory_has_no_chunks),
        cmocka_unit_test(the_first_are_of_the_heap),
        cmocka_unit_test(little_lies_ready),
        cmocka_unit_test(memory_goes_back),
        cmocka_unit_test(holes_stay),
        cmocka_unit_test(without_a_store),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
