#include "../../src/base/shared_text.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static struct text text_n(const uint8_t *bytes, size_t n) {
    return text_utf16((struct view){bytes, n});
}

/* Every length over all size classes and beyond: a copy of its own, charged, and given back. */
static void keeps_any_length(void **state) {
    (void)state;
    enum { LONGEST = 1500 };
    struct budget budget = {.ceiling = SIZE_MAX};
    struct text_store store;
    uint8_t bytes[LONGEST];
    text_store_init(&store, &budget);
    for (size_t n = 1; n <= LONGEST; n++) {
        memset(bytes, (int)(n & 0xff), sizeof bytes);
        struct shared_text *t = text_keep(&store, text_n(bytes, n));
        assert_non_null(t);
        assert_true(budget.held >= n);
        memset(bytes, 0, sizeof bytes);
        struct text kept = text_of(t);
        assert_int_equal(kept.bytes.n, n);
        assert_int_equal(kept.encoding, ENC_UTF16LE);
        assert_int_equal(kept.bytes.p[0], n & 0xff);
        assert_int_equal(kept.bytes.p[n - 1], n & 0xff);
        text_drop(&store, t);
        assert_int_equal(budget.held, 0);
    }
    text_store_free(&store);
}

static void nothing_to_keep(void **state) {
    (void)state;
    struct budget budget = {.ceiling = SIZE_MAX};
    struct text_store store;
    text_store_init(&store, &budget);
    assert_null(text_keep(&store, text_n(NULL, 0)));
    assert_null(text_share(NULL));
    text_drop(&store, NULL);
    assert_int_equal(text_of(NULL).bytes.n, 0);
    assert_int_equal(budget.held, 0);
    text_store_free(&store);
}

static void lives_as_long_as_a_holder(void **state) {
    (void)state;
    struct budget budget = {.ceiling = SIZE_MAX};
    struct text_store store;
    uint8_t bytes[1000];
    memset(bytes, 'x', sizeof bytes);
    text_store_init(&store, &budget);
    for (size_t n = 10; n <= sizeof bytes; n += 990) {
        struct shared_text *t = text_keep(&store, (struct text){{bytes, n}, ENC_ASCII});
        assert_ptr_equal(text_share(t), t);
        text_drop(&store, t);
        assert_int_equal(text_of(t).bytes.n, n);
        assert_int_equal(text_of(t).encoding, ENC_ASCII);
        assert_true(budget.held >= n);
        text_drop(&store, t);
        assert_int_equal(budget.held, 0);
    }
    text_store_free(&store);
}

static void refused_by_the_budget(void **state) {
    (void)state;
    struct budget budget = {.ceiling = POOL_BLOCK + 700};
    struct text_store store;
    static const uint8_t bytes[2 * POOL_BLOCK] = {1};
    text_store_init(&store, &budget);
    assert_null(text_keep(&store, text_n(bytes, sizeof bytes)));
    assert_int_equal(budget.held, 0);
    struct shared_text *t = text_keep(&store, text_n(bytes, 500));
    assert_non_null(t);
    assert_null(text_keep(&store, text_n(bytes, 200)));  /* a block of its own */
    assert_null(text_keep(&store, text_n(bytes, 1000))); /* on its own */
    text_drop(&store, t);
    assert_int_equal(budget.held, 0);
    text_store_free(&store);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(keeps_any_length),
        cmocka_unit_test(nothing_to_keep),
        cmocka_unit_test(lives_as_long_as_a_holder),
        cmocka_unit_test(refused_by_the_budget),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
