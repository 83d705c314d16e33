#include "../../src/base/resident.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#if defined __SANITIZE_ADDRESS__
#define OTHER_ALLOCATOR 1
#elif defined __has_feature
#if __has_feature(address_sanitizer)
#define OTHER_ALLOCATOR 1
#endif
#endif

/* Where the system does not tell, nothing is done. */
static void without_proc(void **state) {
    (void)state;
    struct resident r = {.fd = -1};
    assert_int_equal(resident_bytes(&r), 0);
    assert_false(resident_look(&r));
    resident_end(&r);
}

#ifndef OTHER_ALLOCATOR
/* What was freed below something that is still there does not stay with the allocator. */
static void gives_back(void **state) {
    (void)state;
    enum { PIECES = 8000, PIECE = 8000 };
    static void *pieces[PIECES];
    struct resident r;
    resident_begin(&r, 0, (size_t)PIECES * PIECE / 4);
    assert_true(r.fd >= 0);
    assert_false(resident_look(&r));
    for (unsigned i = 0; i < PIECES; i++) {
        pieces[i] = malloc(PIECE);
        assert_non_null(pieces[i]);
        memset(pieces[i], 1, PIECE);
    }
    size_t most = resident_bytes(&r);
    assert_true(most > r.base + (size_t)PIECES * PIECE * 9 / 10);
    for (unsigned i = 0; i + 1 < PIECES; i++) {
        free(pieces[i]);
    }
    assert_true(resident_bytes(&r) > r.base + (size_t)PIECES * PIECE / 2);
    assert_true(resident_look(&r));
    assert_true(resident_bytes(&r) < r.base + (size_t)PIECES * PIECE / 8);
    assert_false(resident_look(&r));
    free(pieces[PIECES - 1]);
    resident_end(&r);
    assert_false(resident_look(&r));
}

/* Where nothing can be given back it is not tried each time. */
static void backs_off(void **state) {
    (void)state;
    struct resident r;
    resident_begin(&r, 0, 1 << 20);
    assert_true(r.fd >= 0);
    const size_t size = 8 << 20;
    char *held = malloc(size);
    assert_non_null(held);
    memset(held, 1, size);
    assert_true(resident_look(&r));
    assert_false(resident_look(&r));
    free(held);
    resident_end(&r);
}

/* One descriptor for several, one after the other: it is not theirs to close. */
static void borrowed(void **state) {
    (void)state;
    int statm = resident_open();
    assert_true(statm > STDERR_FILENO);
    for (int i = 0; i < 2; i++) {
        struct resident r;
        resident_begin(&r, statm, 1 << 20);
        assert_true(r.base > 0);
        resident_end(&r);
    }
    assert_int_equal(close(statm), 0);
}

#endif

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(without_proc),
#ifndef OTHER_ALLOCATOR
        cmocka_unit_test(gives_back),
        cmocka_unit_test(backs_off),
        cmocka_unit_test(borrowed),
#endif
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
