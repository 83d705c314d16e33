/* The README's table of what state costs is true; whatever the ceiling, it holds, and all is given back. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <fcntl.h>
#include <glob.h>
#include <stdio.h>
#include <string.h>

#include "../../src/capture/capture.h"
#include "pipeline.h"

/* The number of the row that begins with what, as the README has it, 0: there is none; run from the repository's root. */
static size_t told(const char *what) {
    char line[512], start[64];
    size_t bytes = 0;
    FILE *readme = fopen("README.md", "r");
    assert_non_null(readme);
    snprintf(start, sizeof start, "| %s | ", what);
    while (fgets(line, sizeof line, readme)) {
        if (strncmp(line, start, strlen(start)) == 0) {
            (void)sscanf(line + strlen(start), "%zu |", &bytes); /* other tables have words there */
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

static int take_line(void *arg, const struct event *e, const char *line, size_t n) {
    uint64_t *lines = arg;
    (void)e;
    (void)line;
    *lines += n != 0;
    return 0;
}

/* A capture through a pipeline with a ceiling; how many records there were. */
static uint64_t read_under(const char *path, size_t ceiling, uint64_t secret, struct stats *stats) {
    uint64_t lines = 0;
    char why[CAPTURE_WHY_MAX];
    struct budget memory = {.ceiling = ceiling};
    struct pipeline_settings settings = {.every_operation = true, .sensor_id = "test", .secret = secret};
    struct pipeline_outlet outlet = {&lines, take_line, NULL};
    struct capture *c;
    struct frame frame;
    assert_int_equal(capture_open(&c, open(path, O_RDONLY), path, why, sizeof why), 0);
    struct pipeline *p = pipeline_new(&settings, path, &outlet, &memory, stats);
    assert_non_null(p);
    while (capture_next(c, &frame) == 1) {
        assert_int_equal(pipeline_frame(p, &frame), 0);
        assert_true(memory.held <= ceiling);
    }
    assert_int_equal(pipeline_finish(p), 0);
    pipeline_free(p);
    capture_close(c);
    assert_int_equal(memory.held, 0);
    return lines;
}

static void any_ceiling(void **state) {
    (void)state;
    glob_t found;
    unsigned bit = 0, undecoded = 0;
    assert_int_equal(glob("pcaps/*.pcap", 0, NULL, &found), 0);
    for (size_t i = 0; i < found.gl_pathc; i++) {
        const char *path = found.gl_pathv[i];
        struct stats roomy = {0};
        uint64_t all = read_under(path, (size_t)64 << 20, 1, &roomy);
        assert_int_equal(roomy.memory_limit, 0);
        for (size_t ceiling = 0; ceiling < (size_t)1 << 20; ceiling += ceiling / 4 + 4096) {
            struct stats stats = {0};
            uint64_t lines = read_under(path, ceiling, ceiling, &stats);
            bool hit = stats.memory_limit || stats.flows_undecoded || stats.flows_refused_memory || stats.names_lost ||
                       stats.evicted_exchanges || stats.evicted_transfers || stats.evicted_durables ||
                       stats.reassembly_limit || stats.framer_faults[FAULT_MEMORY];
            assert_true(lines == all || hit); /* nothing is lost in silence */
            bit += stats.memory_limit != 0;
            undecoded += stats.flows_undecoded != 0;
        }
    }
    globfree(&found);
    assert_true(bit > 0);
    assert_true(undecoded > 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(costs), cmocka_unit_test(any_ceiling)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
