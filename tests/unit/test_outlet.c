#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <jansson.h>

#include "../../src/output/outlet.h"
#include "record.h"

/* A sink that keeps what it is given, and fails when told to. */
struct keeper {
    char *text;
    size_t n;
    unsigned writes, flushes;
    int fail_write, fail_flush;
};

static int keep(void *state, const struct line_list *list) {
    struct keeper *k = state;
    const char *lines = list->bytes;
    size_t n = list->n;
    k->writes++;
    if (k->fail_write) {
        return k->fail_write;
    }
    assert_int_equal(lines[n - 1], '\n');
    k->text = realloc(k->text, k->n + n);
    memcpy(k->text + k->n, lines, n);
    k->n += n;
    return 0;
}

static int flush(void *state) {
    struct keeper *k = state;
    k->flushes++;
    return k->fail_flush;
}

static int no_close(void *state) {
    (void)state;
    return 0;
}

static struct sink sink_of(struct keeper *k) {
    return (struct sink){.state = k, .write = keep, .flush = flush, .close = no_close};
}

static int put(struct outlet *o, const char *text, size_t n) {
    const struct line line = {.text = text, .length = (uint16_t)n};
    return outlet_line(o, &line);
}

static void a_line(void **state) {
    (void)state;
    struct keeper k = {0};
    struct sink sink = sink_of(&k);
    struct outlet *o = outlet_new(UINT64_C(0x0123456789abcdef), &sink, 1);
    assert_int_equal(put(o, "\"a\":1}", 6), 0);
    assert_int_equal(k.writes, 0);
    assert_int_equal(outlet_flush(o), 0);
    static const char expected[] =
        "{\"schema_version\":\"1.0\",\"record_id\":\"0123456789abcdef-1\",\"seq\":1,\"a\":1}\n";
    assert_int_equal(k.n, sizeof(expected) - 1);
    assert_memory_equal(k.text, expected, k.n);
    assert_int_equal(outlet_flush(o), 0);
    assert_int_equal(k.writes, 1);
    assert_int_equal(k.flushes, 2);
    assert_int_equal(outlet_records(o), 1);
    assert_int_equal(outlet_failed(o), 1);
    outlet_free(o);
    free(k.text);
}

/* Lines of all lengths over many batches: each whole, each number once, in order. */
static void many_lines(void **state) {
    (void)state;
    struct keeper k = {0};
    struct sink sink = sink_of(&k);
    struct outlet *o = outlet_new(7, &sink, 1);
    enum { LINES = 5000, ROOM = RECORD_MAX - RECORD_PREFIX_MAX };
    static char line[ROOM];
    for (unsigned i = 0; i < LINES; i++) {
        size_t n = 8 + (i * 7919u) % (ROOM - 8);
        memset(line, 'x', n);
        memcpy(line, "\"a\":\"", 5);
        memcpy(line + n - 2, "\"}", 2);
        assert_int_equal(put(o, line, n), 0);
    }
    assert_int_equal(outlet_flush(o), 0);
    assert_int_equal(outlet_records(o), LINES);
    assert_true(k.writes < k.n / (OUTLET_BATCH - 2 * RECORD_MAX) + 2);
    size_t at = 0;
    for (unsigned i = 1; i <= LINES; i++) {
        const char *end = memchr(k.text + at, '\n', k.n - at);
        assert_non_null(end);
        char expected[128];
        int length =
            snprintf(expected, sizeof(expected),
                     "{\"schema_version\":\"1.0\",\"record_id\":\"0000000000000007-%u\",\"seq\":%u,\"a\":\"", i, i);
        assert_memory_equal(k.text + at, expected, (size_t)length);
        at = (size_t)(end - k.text) + 1;
        assert_true(at <= k.n);
    }
    assert_int_equal(at, k.n);
    outlet_free(o);
    free(k.text);
}

/* The error stays, the failed sink is left alone, the other gets everything. */
static void a_sink_that_fails(void **state) {
    (void)state;
    struct keeper bad = {.fail_write = -ENOSPC}, good = {0};
    struct sink sinks[] = {sink_of(&bad), sink_of(&good)};
    struct outlet *o = outlet_new(7, sinks, 2);
    assert_int_equal(put(o, "\"a\":1}", 6), 0);
    assert_int_equal(outlet_flush(o), -ENOSPC);
    assert_int_equal(put(o, "\"a\":1}", 6), -ENOSPC);
    assert_int_equal(outlet_flush(o), -ENOSPC);
    assert_int_equal(outlet_failed(o), 0);
    assert_int_equal(bad.writes, 1);
    assert_int_equal(bad.flushes, 0);
    assert_int_equal(good.writes, 2);
    outlet_free(o);
    free(good.text);
    struct keeper late = {.fail_flush = -EIO};
    struct sink sink = sink_of(&late);
    o = outlet_new(7, &sink, 1);
    assert_int_equal(outlet_flush(o), -EIO);
    outlet_free(o);
    outlet_free(NULL);
}

/* One without room loses what comes then, knows what that was, and is no failure; numbers that were skipped are nobody's. */
static void a_sink_without_room(void **state) {
    (void)state;
    struct keeper full = {0}, good = {0};
    struct sink sinks[] = {sink_of(&full), sink_of(&good)};
    struct outlet *o = outlet_new(7, sinks, 2);
    struct gap gap = {0};
    assert_int_equal(put(o, "\"a\":1}", 6), 0);
    assert_int_equal(outlet_flush(o), 0);
    full.fail_write = -EAGAIN;
    for (unsigned i = 0; i < 2; i++) { /* 2, 3 and 4, 5 */
        assert_int_equal(put(o, "\"a\":1}", 6), 0);
        assert_int_equal(put(o, "\"a\":1}", 6), 0);
        assert_int_equal(outlet_flush(o), 0);
        assert_false(outlet_gap(o, 0, &gap));
    }
    full.fail_write = 0;
    assert_int_equal(put(o, "\"a\":1}", 6), 0); /* 6 */
    assert_int_equal(outlet_skip(o, 10), 7);
    assert_true(outlet_gap(o, 0, &gap));
    assert_int_equal(gap.from, 2);
    assert_int_equal(gap.to, 5);
    assert_false(outlet_gap(o, 0, &gap));
    assert_false(outlet_gap(o, 1, &gap));
    assert_int_equal(put(o, "\"a\":1}", 6), 0); /* 17 */
    assert_int_equal(outlet_records(o), 17);
    full.fail_write = -EAGAIN;
    assert_int_equal(outlet_flush(o), 0);
    full.fail_write = 0;
    assert_int_equal(put(o, "\"a\":1}", 6), 0);
    assert_int_equal(outlet_flush(o), 0);
    assert_true(outlet_gap(o, 0, &gap));
    assert_int_equal(gap.from, 17);
    assert_int_equal(gap.to, 17);
    assert_int_equal(gap.count, 1);
    full.fail_write = -EAGAIN; /* numbers that are skipped between what is refused are not refused themselves */
    assert_int_equal(put(o, "\"a\":1}", 6), 0);
    assert_int_equal(outlet_skip(o, 5), 20);
    assert_int_equal(put(o, "\"a\":1}", 6), 0);
    assert_int_equal(outlet_flush(o), 0);
    full.fail_write = 0;
    assert_int_equal(put(o, "\"a\":1}", 6), 0);
    assert_int_equal(outlet_flush(o), 0);
    assert_true(outlet_gap(o, 0, &gap));
    assert_int_equal(gap.from, 19);
    assert_int_equal(gap.to, 25);
    assert_int_equal(gap.count, 2);
    full.fail_write = -EAGAIN;
    assert_int_equal(put(o, "\"a\":1}", 6), 0); /* 27 */
    assert_int_equal(outlet_flush(o), 0);
    assert_false(outlet_gap(o, 0, &gap));
    outlet_roomy(o, 0); /* no line shows it */
    assert_true(outlet_gap(o, 0, &gap));
    assert_int_equal(gap.from, 27);
    assert_int_equal(gap.to, 27);
    assert_non_null(memmem(good.text, good.n, "\"seq\":17,", 9));
    assert_int_equal(outlet_failed(o), 2);
    outlet_free(o);
    free(full.text);
    free(good.text);
}

/* A sink that takes findings alone, and what was lost on it. */
struct chooser {
    struct keeper keeper;
    uint8_t place;
    unsigned gaps;
    uint64_t last;
};

static bool wants_findings(void *state, const struct line *line) {
    const struct chooser *c = state;
    return line->object == OBJECT_FINDING || (line->gap && (line->gap_sink == c->place || line->gap_sink == SINK_EACH));
}

static int keep_chosen(void *state, const struct line_list *list) {
    struct chooser *c = state;
    size_t at = 0;
    for (size_t i = 0; i < list->count; i++) {
        const struct line *l = &list->list[i];
        assert_ptr_equal(l->text, list->bytes + at);
        assert_int_equal(l->text[l->length], '\n');
        assert_true(l->seq > c->last);
        c->last = l->seq;
        c->gaps += l->gap != NULL;
        at += l->length + (size_t)1;
    }
    assert_int_equal(at, list->n);
    return keep(&c->keeper, list);
}

static struct sink sink_of_chooser(struct chooser *c) {
    return (struct sink){.state = c, .want = wants_findings, .write = keep_chosen, .flush = flush, .close = no_close};
}

static void put_object(struct outlet *o, enum event_object object) {
    const struct line line = {.text = "\"a\":1}", .length = 6, .object = (uint8_t)object};
    assert_int_equal(outlet_line(o, &line), 0);
}

/* What a sink does not want it does not get, and does not lose; of a gap only the sink where it happened is told that it has to be told
 * again. */
static void sinks_choose(void **state) {
    (void)state;
    struct chooser all = {.place = 0}, some = {.place = 1};
    struct sink sinks[] = {sink_of_chooser(&all), sink_of_chooser(&some)};
    sinks[0].want = NULL;
    struct outlet *o = outlet_new(7, sinks, 2);
    struct gap gap, told = {.from = 1, .to = 2};
    put_object(o, OBJECT_FLOW);
    put_object(o, OBJECT_FINDING);
    put_object(o, OBJECT_FLOW);
    assert_int_equal(outlet_flush(o), 0);
    assert_int_equal(outlet_taken(o, 0), 3);
    assert_int_equal(outlet_taken(o, 1), 1);
    assert_non_null(memmem(some.keeper.text, some.keeper.n, "\"seq\":2,", 8));
    some.keeper.fail_write = -EAGAIN;
    put_object(o, OBJECT_FLOW);
    assert_int_equal(outlet_flush(o), 0);
    assert_false(outlet_refused(o, 1)); /* it was not even asked */
    put_object(o, OBJECT_FINDING);
    put_object(o, OBJECT_FLOW);
    assert_int_equal(outlet_flush(o), 0);
    assert_true(outlet_refused(o, 1));
    some.keeper.fail_write = 0;
    const struct line about = {.text = "\"a\":1}", .length = 6, .object = OBJECT_SENSOR, .gap = &told, .gap_sink = 1};
    assert_int_equal(outlet_line(o, &about), 0);
    assert_int_equal(outlet_flush(o), 0);
    assert_int_equal(some.gaps, 1);
    assert_int_equal(some.last, 7);
    assert_true(outlet_gap(o, 1, &gap));
    assert_int_equal(gap.from, 5);
    assert_int_equal(gap.to, 5);
    assert_int_equal(gap.count, 1);
    assert_int_equal(gap.reason, GAP_OUTPUT_FULL);
    assert_int_equal(outlet_refusals(o, 1), 1);
    assert_int_equal(outlet_taken(o, 0), 7);
    outlet_free(o);
    free(all.keeper.text);
    free(some.keeper.text);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_line),
        cmocka_unit_test(many_lines),
        cmocka_unit_test(a_sink_that_fails),
        cmocka_unit_test(a_sink_without_room),
        cmocka_unit_test(sinks_choose),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
