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

/* What is said again is not copied as long as it is held; what is alike and not the same is. */
static void common_texts_are_one(void **state) {
    (void)state;
    struct budget budget = {.ceiling = SIZE_MAX};
    struct text_store store;
    text_store_init(&store, &budget);
    uint8_t bytes[TEXT_COMMON_LENGTH + 1] = "EXAMPLE";
    struct text said = text_n(bytes, 8), other = {said.bytes, ENC_OEM};
    struct shared_text *a = text_keep_common(&store, said), *b = text_keep_common(&store, said);
    struct shared_text *c = text_keep_common(&store, other), *d = text_keep(&store, said);
    assert_ptr_equal(a, b);
    assert_ptr_not_equal(a, c);
    assert_ptr_not_equal(a, d);
    assert_true(text_same(text_of(c), other));
    text_drop(&store, a);
    assert_true(text_same(text_of(b), said));
    text_drop(&store, b);
    text_drop(&store, d);
    text_drop(&store, c);
    assert_int_equal(budget.held, 0);
    a = text_keep_common(&store, said); /* nothing is left of the one before */
    assert_true(text_same(text_of(a), said));
    text_drop(&store, a);
    struct text longest = text_n(bytes, TEXT_COMMON_LENGTH), longer = text_n(bytes, TEXT_COMMON_LENGTH + 1);
    a = text_keep_common(&store, longest);
    b = text_keep_common(&store, longest);
    c = text_keep_common(&store, longer);
    d = text_keep_common(&store, longer);
    assert_ptr_equal(a, b);
    assert_ptr_not_equal(c, d);
    struct shared_text *all[] = {a, b, c, d};
    for (size_t i = 0; i < 4; i++) {
        text_drop(&store, all[i]);
    }
    assert_int_equal(budget.held, 0);
    text_store_free(&store);
}

/* Many more than there are slots, each held by several that leave in another order. */
static void common_texts_push_each_other_out(void **state) {
    (void)state;
    enum { TEXTS = 8 * TEXT_COMMON_SLOTS, ROUNDS = 3 };
    struct budget budget = {.ceiling = SIZE_MAX};
    struct text_store store;
    struct shared_text *held[ROUNDS][TEXTS];
    text_store_init(&store, &budget);
    for (unsigned round = 0; round < ROUNDS; round++) {
        for (unsigned i = 0; i < TEXTS; i++) {
            held[round][i] = text_keep_common(&store, text_n((const uint8_t *)&i, sizeof i));
        }
    }
    for (unsigned round = 0; round < ROUNDS; round++) {
        for (unsigned i = 0; i < TEXTS; i++) {
            unsigned at = round == 1 ? TEXTS - 1 - i : i;
            assert_true(text_same(text_of(held[round][at]), text_n((const uint8_t *)&at, sizeof at)));
            text_drop(&store, held[round][at]);
        }
    }
    assert_int_equal(budget.held, 0);
    for (unsigned i = 0; i < TEXT_COMMON_SLOTS; i++) {
        assert_null(store.common[i]);
    }
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
        cmocka_unit_test(keeps_any_length),          cmocka_unit_test(nothing_to_keep),
        cmocka_unit_test(common_texts_are_one),      cmocka_unit_test(common_texts_push_each_other_out),
        cmocka_unit_test(lives_as_long_as_a_holder), cmocka_unit_test(refused_by_the_budget),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
