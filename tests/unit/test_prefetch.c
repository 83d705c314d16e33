#include "../../src/base/prefetch.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

/* What UndefinedBehaviorSanitizer says is what fails here: of connections that nobody decodes there is nothing to bring. */
static void any_address_will_do(void **state) {
    (void)state;
    unsigned char there[3 * CACHE_LINE];
    const void *volatile nothing = NULL;
    for (size_t i = 0; i < sizeof there; i++) {
        there[i] = (unsigned char)i;
    }
    prefetch(there, sizeof there);
    prefetch(nothing, 1);
    prefetch(nothing, sizeof there);
    prefetch(nothing, 0);
    for (size_t i = 0; i < sizeof there; i++) {
        assert_int_equal(there[i], i);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(any_address_will_do),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
