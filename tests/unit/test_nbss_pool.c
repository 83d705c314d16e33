/* Buffers: as large as what is in them asks for, charged, and given back. */
#include "../../dissectors/nbss_pool.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void test_grows_with_what_is_there(void **state) {
    (void)state;
    struct nbss_pool *pool = nbss_pool_new();
    struct budget budget = {.ceiling = SIZE_MAX};
    struct nbss_piece *p = NULL;
    uint8_t block[1000];
    memset(block, 7, sizeof block);
    for (size_t n = 0; n + sizeof block <= NBSS_WHOLE_MAX; n += sizeof block) {
        assert_true(nbss_pool_append(pool, &budget, &p, (struct view){block, sizeof block}));
        assert_int_equal(p->n, n + sizeof block);
        assert_true(budget.held <= 2 * (size_t)p->n + 2 * NBSS_POOL_CLASS_MIN);
    }
    for (size_t i = 0; i < p->n; i += 4096) {
        assert_int_equal(p->bytes[i], 7);
    }
    uint32_t n = p->n;
    size_t held = budget.held;
    uint8_t *large = calloc(1, NBSS_WHOLE_MAX);
    assert_non_null(large);
    assert_false(nbss_pool_append(pool, &budget, &p, (struct view){large, NBSS_WHOLE_MAX - n + 1}));
    assert_int_equal(p->n, n);
    assert_int_equal(budget.held, held);
    assert_true(nbss_pool_append(pool, &budget, &p, (struct view){large, NBSS_WHOLE_MAX - n}));
    nbss_pool_release(pool, &budget, &p);
    assert_null(p);
    nbss_pool_release(pool, &budget, &p);
    assert_int_equal(budget.held, 0);
    free(large);
    nbss_pool_free(pool);
    nbss_pool_free(NULL);
}

static void test_refused_changes_nothing(void **state) {
    (void)state;
    struct nbss_pool *pool = nbss_pool_new();
    struct budget top = {.ceiling = 700}, budget = {.parent = &top, .ceiling = SIZE_MAX};
    struct nbss_piece *p = NULL;
    uint8_t block[200] = {1};
    assert_true(nbss_pool_append(pool, &budget, &p, (struct view){block, sizeof block}));
    assert_int_equal(top.held, NBSS_POOL_CLASS_MIN);
    assert_false(
        nbss_pool_append(pool, &budget, &p, (struct view){block, sizeof block})); /* both are held while it moves */
    assert_int_equal(p->n, sizeof block);
    assert_int_equal(top.held, NBSS_POOL_CLASS_MIN);
    nbss_pool_release(pool, &budget, &p);
    assert_int_equal(top.held, 0);
    nbss_pool_free(pool);
}

/* The steady state takes no new memory: what was given back comes again. */
static void test_kept_for_the_next(void **state) {
    (void)state;
    struct nbss_pool *pool = nbss_pool_new();
    struct budget budget = {.ceiling = SIZE_MAX};
    struct nbss_piece *p = NULL, *q = NULL;
    uint8_t block[200] = {1};
    assert_true(nbss_pool_append(pool, &budget, &p, (struct view){block, sizeof block}));
    const void *before = p;
    nbss_pool_release(pool, &budget, &p);
    assert_true(nbss_pool_append(pool, &budget, &p, (struct view){block, 1}));
    assert_ptr_equal(p, before);
    assert_int_equal(p->n, 1);
    assert_true(nbss_pool_append(pool, &budget, &q, (struct view){block, 1}));
    nbss_pool_release(pool, &budget, &p);
    nbss_pool_release(pool, &budget, &q);
    nbss_pool_free(pool);
}

static void test_keeps_no_more_than_its_limit(void **state) {
    (void)state;
    enum { COUNT = 2 * NBSS_POOL_KEPT_MAX / NBSS_POOL_CLASS_MIN };
    struct nbss_pool *pool = nbss_pool_new();
    struct nbss_piece **p = calloc(COUNT, sizeof *p);
    uint8_t block[1] = {1};
    assert_non_null(p);
    for (unsigned i = 0; i < COUNT; i++) {
        assert_true(nbss_pool_append(pool, NULL, &p[i], (struct view){block, 1}));
    }
    for (unsigned i = 0; i < COUNT; i++) {
        nbss_pool_release(pool, NULL, &p[i]);
    }
    free(p);
    nbss_pool_free(pool);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_grows_with_what_is_there),
        cmocka_unit_test(test_refused_changes_nothing),
        cmocka_unit_test(test_kept_for_the_next),
        cmocka_unit_test(test_keeps_no_more_than_its_limit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
