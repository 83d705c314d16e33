/* The README's table of what state costs is true. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "pipeline.h"

/* The row of the table that begins with what, as the README has it; run from the repository's root. */
static size_t told(const char *what) {
    char line[512], start[64];
    size_t bytes = 0;
    FILE *readme = fopen("README.md", "r");
    assert_non_null(readme);
    snprintf(start, sizeof start, "| %s | ", what);
    while (fgets(line, sizeof line, readme)) {
        if (strncmp(line, start, strlen(start)) == 0) {
            assert_int_equal(sscanf(line + strlen(start), "%zu |", &bytes), 1);
        }
    }
    fclose(readme);
    return bytes;
}

static void costs(void **state) {
    (void)state;
    struct pipeline_costs c = pipeline_costs();
    assert_int_equal(told("flow"), c.flow);
    assert_int_equal(told("session"), c.session);
    assert_int_equal(told("tree"), c.tree);
    assert_int_equal(told("handle"), c.handle);
    assert_int_equal(told("request that waits"), c.request);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(costs)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
