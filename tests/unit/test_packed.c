/* An event's copy says the same as the event, once all that the event pointed to is gone. */
#include "../../src/event/packed.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <fcntl.h>
#include <glob.h>
#include <stdlib.h>
#include <string.h>

#include "../../src/capture/capture.h"
#include "pipeline.h"

enum { ROOM = 256 * 1024, KEPT = 64 };

/* The last events of a capture, with their lines: written again when the capture is closed. */
struct kept {
    struct arena mem[KEPT];
    const struct event *events[KEPT];
    char lines[KEPT][RECORD_MAX];
    size_t lengths[KEPT];
    unsigned next, count;
    unsigned forms; /* fact forms that were seen, as bits */
};

static int take_line(void *arg, const struct event *e, const char *line, size_t n) {
    struct kept *k = arg;
    if (n == 0) {
        return 0;
    }
    struct arena *mem = &k->mem[k->next];
    if (!mem->base) {
        *mem = (struct arena){.base = malloc(ROOM), .size = ROOM};
    }
    arena_reset(mem);
    k->events[k->next] = packed_event(e, mem);
    assert_non_null(k->events[k->next]);
    memcpy(k->lines[k->next], line, n);
    k->lengths[k->next] = n;
    for (unsigned i = 0; i < e->count; i++) {
        k->forms |= 1U << e->facts[i].form;
    }
    k->next = (k->next + 1) % KEPT;
    k->count += k->count < KEPT;
    return 0;
}

static void read_capture(struct kept *k, const char *path) {
    char why[CAPTURE_WHY_MAX];
    struct budget memory = {.ceiling = (size_t)64 << 20};
    struct stats stats = {0};
    struct pipeline_settings settings = {.every_operation = true, .sensor_id = "test", .secret = 1};
    struct pipeline_outlet outlet = {k, take_line, NULL};
    struct capture *c;
    struct frame frame;
    assert_int_equal(capture_open(&c, open(path, O_RDONLY), path, why, sizeof why), 0);
    struct pipeline *p = pipeline_new(&settings, path, &outlet, &memory, &stats);
    assert_non_null(p);
    while (capture_next(c, &frame) == 1) {
        assert_int_equal(pipeline_frame(p, &frame), 0);
    }
    assert_int_equal(pipeline_finish(p), 0);
    pipeline_free(p);
    capture_close(c);
}

static void same_record(void **state) {
    (void)state;
    static struct kept k;
    char line[RECORD_MAX];
    glob_t found;
    assert_int_equal(glob("pcaps/*.pcap", 0, NULL, &found), 0);
    for (size_t i = 0; i < found.gl_pathc; i++) {
        struct record_settings settings = {.sensor_id = "test", .capture_name = found.gl_pathv[i]};
        k.next = k.count = 0;
        read_capture(&k, found.gl_pathv[i]);
        assert_true(k.count > 0);
        for (unsigned j = 0; j < k.count; j++) {
            assert_int_equal(record_write(&settings, k.events[j], line), k.lengths[j]);
            assert_memory_equal(line, k.lines[j], k.lengths[j]);
        }
    }
    globfree(&found);
    assert_int_equal(k.forms, (1U << (FACT_ROWS + 1)) - 1);
    for (unsigned i = 0; i < KEPT; i++) {
        free(k.mem[i].base);
    }
}

/* In memory that does not do there is no copy, and never half of one. */
static void too_small(void **state) {
    (void)state;
    static struct event e = {.object = OBJECT_FLOW, .action = ACTION_END};
    static struct flow_facts flow;
    static struct flow_trouble differ = {.of = {{.count = 7}}};
    static struct wrapping wrapping = {.layer_count = 1};
    struct text items[2] = {{{(const uint8_t *)"abc", 3}, ENC_UTF8}, {{(const uint8_t *)"defg", 4}, ENC_UTF8}};
    flow.trouble = &differ;
    flow.wrapping = &wrapping;
    e.flow = &flow;
    e.flow_json = (struct view){(const uint8_t *)",\"a\":1", 6};
    event_texts(&e, FIELD_USERS, items, 2);
    static const char *const columns[] = {"index", "added"};
    const uint64_t cells[] = {1, FACT_CELL_UNKNOWN, 2, 1};
    const struct fact_rows rows = {.names = items, .count = 2, .columns = columns, .column_count = 2, .cells = cells};
    event_add(&e, FIELD_INTERFACE_CHANGES, FACT_ROWS)->rows = &rows;
    size_t most = 8192, fitted = 0;
    for (size_t n = 0; n < most; n += 16) {
        struct arena mem = {.base = malloc(n + 1), .size = n};
        const struct event *copy = packed_event(&e, &mem);
        assert_true(copy != NULL || fitted == 0);
        fitted += copy != NULL;
        if (copy) {
            assert_int_equal(copy->flow->trouble->of[0].count, 7);
            assert_int_equal(copy->flow->wrapping->layer_count, 1);
            assert_memory_equal(copy->facts[0].texts.items[1].bytes.p, "defg", 4);
            assert_ptr_not_equal(copy->facts[0].texts.items, items);
            const struct fact_rows *r = copy->facts[1].rows;
            assert_true(r->count == 2 && r->cells[2] == 2 && r->cells != cells && r->names != items);
            assert_memory_equal(r->names[1].bytes.p, "defg", 4);
        }
        free(mem.base);
    }
    assert_true(fitted > 0 && fitted < most / 16);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(same_record), cmocka_unit_test(too_small)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
