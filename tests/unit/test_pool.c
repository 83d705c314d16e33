#include "../../src/base/pool.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#if defined __SANITIZE_ADDRESS__
#define ADDRESS_SANITIZER 1
#elif defined __has_feature
#if __has_feature(address_sanitizer)
#define ADDRESS_SANITIZER 1
#endif
#endif
#ifdef ADDRESS_SANITIZER
#include <sanitizer/asan_interface.h>
#endif

static void zeroed_and_charged(void **state) {
    (void)state;
    struct budget budget = {.ceiling = SIZE_MAX};
    static const unsigned char zeroes[40];
    struct pool p;
    pool_init(&p, 40, &budget);
    assert_int_equal(p.stride, pool_cost(40));
    assert_int_equal(p.stride % _Alignof(max_align_t), 0);
    unsigned char *a = pool_take(&p);
    assert_non_null(a);
    assert_memory_equal(a, zeroes, 40);
    assert_int_equal((uintptr_t)a % _Alignof(max_align_t), 0);
    assert_int_equal(budget.held, POOL_BLOCK); /* as a whole */
    memset(a, 0xff, 40);
    pool_give(&p, a);
    assert_int_equal(budget.held, 0);
    unsigned char *again = pool_take(&p);
    assert_ptr_equal(again, a); /* the steady state takes no new memory */
    assert_memory_equal(again, zeroes, 40);
    pool_give(&p, again);
    pool_free(&p);
}

/* More than a block, none of them on another. */
static void many(void **state) {
    (void)state;
    enum { OBJECTS = 3000 };
    static unsigned char *objects[OBJECTS];
    struct budget budget = {.ceiling = SIZE_MAX};
    struct pool p;
    pool_init(&p, 100, &budget);
    for (unsigned i = 0; i < OBJECTS; i++) {
        objects[i] = pool_take(&p);
        assert_non_null(objects[i]);
        memset(objects[i], (int)(i & 0xff), 100);
    }
    assert_true(budget.held >= OBJECTS * p.stride);
    assert_true(budget.held <= OBJECTS * p.stride * 21 / 20 + POOL_BLOCK);
    assert_int_equal(budget.held % POOL_BLOCK, 0);
    for (unsigned i = 0; i < OBJECTS; i++) {
        assert_int_equal(objects[i][0], i & 0xff);
        assert_int_equal(objects[i][99], i & 0xff);
        pool_give(&p, objects[i]);
    }
    assert_int_equal(budget.held, 0);
    pool_free(&p);
}

static void objects_larger_than_a_block(void **state) {
    (void)state;
    struct budget budget = {.ceiling = SIZE_MAX};
    struct pool p;
    pool_init(&p, 100000, &budget);
    void *a = pool_take(&p), *b = pool_take(&p);
    assert_non_null(a);
    assert_non_null(b);
    assert_ptr_not_equal(a, b);
    pool_give(&p, a);
    pool_give(&p, b);
    pool_free(&p);
}

static void refused_by_the_budget(void **state) {
    (void)state;
    struct budget budget = {.ceiling = POOL_BLOCK + POOL_BLOCK / 2};
    struct pool p;
    pool_init(&p, 64, &budget);
    void *last = NULL, *next;
    unsigned count = 0;
    while ((next = pool_take(&p))) {
        last = next;
        count++;
    }
    assert_int_equal(count, p.room);
    assert_int_equal(budget.held, POOL_BLOCK);
    pool_give(&p, last);
    assert_ptr_equal(pool_take(&p), last);
    pool_free(&p); /* with all of them still out */
    assert_int_equal(budget.held, 0);
}

/* What was given back is there for others: blocks do not stay with the pool that once needed many. */
static void blocks_go_back(void **state) {
    (void)state;
    enum { OBJECTS = 5000 };
    static void *objects[OBJECTS];
    struct budget budget = {.ceiling = (size_t)OBJECTS * 160};
    struct pool one, other;
    pool_init(&one, 100, &budget);
    pool_init(&other, 140, &budget);
    for (unsigned turn = 0; turn < 3; turn++) {
        struct pool *p = turn % 2 ? &other : &one;
        unsigned n = 0;
        while (n < OBJECTS && (objects[n] = pool_take(p))) {
            n++;
        }
        assert_true(n > OBJECTS * 9 / 10);
        for (unsigned step = 0; step < 7; step++) { /* in no order in which they were taken */
            for (unsigned i = step; i < n; i += 7) {
                pool_give(p, objects[i]);
            }
        }
        assert_int_equal(budget.held, 0);
    }
    pool_free(&one);
    pool_free(&other);
}

/* The last block that is empty is not charged; and who wants one again is asked whether he may have it. */
static void rests_uncharged(void **state) {
    (void)state;
    struct budget budget = {.ceiling = POOL_BLOCK};
    struct pool p;
    pool_init(&p, 64, &budget);
    void *a = pool_take_raw(&p);
    assert_non_null(a);
    pool_give(&p, a);
    assert_int_equal(budget.held, 0);
    budget.ceiling = POOL_BLOCK - 1;
    assert_null(pool_take(&p));
    assert_null(pool_take_raw(&p));
    budget.ceiling = POOL_BLOCK;
    assert_ptr_equal(pool_take_raw(&p), a);
    assert_int_equal(budget.held, POOL_BLOCK);
    pool_give(&p, a);
    pool_free(&p);
    assert_int_equal(budget.held, 0);
}

/* A block that has room again, and is charged, comes before one that is not. */
static void room_that_is_charged_first(void **state) {
    (void)state;
    struct budget budget = {.ceiling = SIZE_MAX};
    struct pool p;
    pool_init(&p, 1000, &budget);
    void *of_first[POOL_BLOCK / 1000];
    for (unsigned i = 0; i < p.room; i++) {
        of_first[i] = pool_take(&p);
    }
    void *of_second = pool_take(&p);
    assert_int_equal(budget.held, 2 * POOL_BLOCK);
    pool_give(&p, of_second);
    assert_int_equal(budget.held, POOL_BLOCK);
    pool_give(&p, of_first[1]);
    assert_ptr_equal(pool_take(&p), of_first[1]);
    assert_int_equal(budget.held, POOL_BLOCK);
    assert_ptr_equal(pool_take(&p), of_second); /* it still lies ready */
    pool_give(&p, of_second);
    for (unsigned i = 0; i < p.room; i++) {
        pool_give(&p, of_first[i]);
    }
    assert_int_equal(budget.held, 0);
    pool_free(&p);
    assert_int_equal(budget.held, 0);
}

#ifdef ADDRESS_SANITIZER
/* Whoever goes on using what he gave back is seen. */
static void poisoned(void **state) {
    (void)state;
    struct budget budget = {.ceiling = SIZE_MAX};
    struct pool p;
    pool_init(&p, 64, &budget);
    unsigned char *a = pool_take(&p);
    assert_non_null(a);
    assert_null(__asan_region_is_poisoned(a, 64));
    assert_true(__asan_address_is_poisoned(a + 64)); /* the neighbour is not out, */
    assert_true(__asan_address_is_poisoned(a - 1));  /* and where it comes from is nobody's business */
    pool_give(&p, a);
    assert_true(__asan_address_is_poisoned(a));
    assert_true(__asan_address_is_poisoned(a + 63));
    assert_ptr_equal(pool_take(&p), a);
    assert_null(__asan_region_is_poisoned(a, 64));
    pool_give(&p, a);
    pool_free(&p);
}
#endif

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(zeroed_and_charged),
        cmocka_unit_test(many),
        cmocka_unit_test(objects_larger_than_a_block),
        cmocka_unit_test(refused_by_the_budget),
        cmocka_unit_test(blocks_go_back),
        cmocka_unit_test(rests_uncharged),
        cmocka_unit_test(room_that_is_charged_first),
#ifdef ADDRESS_SANITIZER
        cmocka_unit_test(poisoned),
#endif
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
