#include "arena.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static void gives_zeroed_aligned_memory(void **state) {
    (void)state;
    _Alignas(max_align_t) unsigned char memory[256];
    for (size_t i = 0; i < sizeof(memory); i++) {
        memory[i] = 0xaa;
    }
    struct arena a = {.base = memory, .size = sizeof(memory)};
    unsigned char *one = arena_take(&a, 1);
    unsigned char *two = arena_take(&a, 8);
    assert_ptr_equal(one, memory);
    assert_int_equal((uintptr_t)two % _Alignof(max_align_t), 0);
    assert_int_equal(one[0], 0);
    for (int i = 0; i < 8; i++) {
        assert_int_equal(two[i], 0);
    }
    assert_false(a.overflowed);
}

static void overflows_once_and_stays_so(void **state) {
    (void)state;
    _Alignas(max_align_t) unsigned char memory[64];
    struct arena a = {.base = memory, .size = sizeof(memory)};
    assert_null(arena_take(&a, 65));
    assert_true(a.overflowed);
    assert_non_null(arena_take(&a, 64));
    assert_true(a.overflowed);
    assert_null(arena_take(&a, 1));
    arena_reset(&a);
    assert_false(a.overflowed);
    assert_non_null(arena_take(&a, 64));
}

static void refuses_a_product_that_overflows(void **state) {
    (void)state;
    _Alignas(max_align_t) unsigned char memory[64];
    struct arena a = {.base = memory, .size = sizeof(memory)};
    assert_null(arena_array(&a, SIZE_MAX / 2, 4));
    assert_true(a.overflowed);
    arena_reset(&a);
    assert_non_null(arena_array(&a, 16, 4));
    assert_null(arena_array(&a, 1, 1));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(gives_zeroed_aligned_memory),
        cmocka_unit_test(overflows_once_and_stays_so),
        cmocka_unit_test(refuses_a_product_that_overflows),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
