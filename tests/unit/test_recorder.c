/* The recorder between workers that lost records and outputs that have room or have none; both are made up here. */
#include "../../src/recorder.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

enum { OUTPUTS = 2, TOLD_MAX = 16 };

struct taker {
    bool roomy, late; /* late: it refuses one line, and has room before anybody asks */
    struct gap told[TOLD_MAX];
    unsigned count;
};

struct outputs {
    struct taker takers[OUTPUTS];
    struct sink sinks[OUTPUTS];
    bool late; /* the whole of them */
};

struct team {
    const struct worker_message *message; /* the next one; NULL: there is none */
    bool crowded;
};

/* ---- what the recorder asks of them */

size_t outputs_count(const struct outputs *all) {
    (void)all;
    return OUTPUTS;
}

const char *outputs_name(const struct outputs *all, size_t i) {
    (void)all;
    return i == 0 ? "first" : "second";
}

const struct sink *outputs_sinks(const struct outputs *all) {
    return all->sinks;
}

bool outputs_roomy(const struct outputs *all, size_t i) {
    return all->takers[i].roomy;
}

bool outputs_late(struct outputs *all) {
    return all->late;
}

bool outputs_gap(struct outputs *all, size_t i, struct gap *gap) {
    (void)all, (void)i, (void)gap;
    return false;
}

void outputs_owe(struct outputs *all, size_t i, bool owes) {
    (void)all, (void)i, (void)owes;
}

void outputs_figures(struct outputs *all, size_t i, struct output_figures *f) {
    (void)all, (void)i, (void)f;
}

unsigned team_workers(const struct team *t) {
    (void)t;
    return 1;
}

bool team_crowded(const struct team *t) {
    return t->crowded;
}

const struct worker_message *team_next(struct team *t, unsigned worker) {
    const struct worker_message *m = t->message;
    (void)worker;
    t->message = NULL;
    return m;
}

static int take(void *state, const struct line_list *lines) {
    struct taker *t = state;
    bool refuses = !t->roomy;
    t->roomy = t->roomy || t->late;
    for (size_t i = 0; i < lines->count && !refuses; i++) {
        if (lines->list[i].gap) {
            assert_true(t->count < TOLD_MAX);
            t->told[t->count++] = *lines->list[i].gap;
        }
    }
    return refuses ? -EAGAIN : 0;
}

static bool want(void *state, const struct line *line) {
    (void)state, (void)line;
    return true;
}

static int nothing(void *state) {
    (void)state;
    return 0;
}

static struct recorder *begin(struct outputs *all) {
    *all = (struct outputs){.takers = {{.roomy = true}, {.roomy = true}}};
    for (size_t i = 0; i < OUTPUTS; i++) {
        all->sinks[i] =
            (struct sink){.state = &all->takers[i], .want = want, .write = take, .flush = nothing, .close = nothing};
    }
    const struct recorder_settings settings = {
        .run_id = 1, .sensor_id = "s", .outputs = all, .memory = 1 << 20, .workers = 1};
    struct recorder *r = recorder_new(&settings);
    assert_non_null(r);
    return r;
}

static void lose(struct recorder *r, uint64_t count) {
    const struct worker_message m = {.news = WORKER_LINE, .lost = count};
    struct team team = {.message = &m};
    assert_int_equal(recorder_take(r, &team, true), RECORDER_SOME);
}

static bool told(const struct taker *t, uint64_t from, uint64_t to) {
    for (unsigned i = 0; i < t->count; i++) {
        if (t->told[i].from <= from && t->told[i].to >= to) {
            return true;
        }
    }
    return false;
}

/* ---- the tests */

static void a_loss_before_all_is_told_to_each(void **state) {
    (void)state;
    struct outputs all;
    struct recorder *r = begin(&all);
    lose(r, 3);
    recorder_flush(r);
    assert_true(told(&all.takers[0], 1, 3) && told(&all.takers[1], 1, 3));
    assert_int_equal(recorder_untold(r), 0);
    recorder_free(r);
}

/* The second has no room while the first is told, and is told when it has some: also where it has some the moment after. */
static void who_had_no_room_is_told_later(void **state) {
    (void)state;
    for (unsigned late = 0; late < 2; late++) {
        struct outputs all;
        struct recorder *r = begin(&all);
        all.takers[1].roomy = false;
        all.takers[1].late = late != 0;
        lose(r, 3);
        recorder_flush(r);
        assert_true(told(&all.takers[0], 1, 3));
        all.takers[1].roomy = true;
        recorder_flush(r);
        recorder_flush(r);
        assert_true(told(&all.takers[1], 1, 3)); /* what was lost */
        assert_true(told(&all.takers[1], 4, 4)); /* and the record that told the first one of it */
        assert_int_equal(all.takers[0].told[0].count, 3);
        assert_int_equal(recorder_untold(r), 0);
        recorder_free(r);
    }
}

/* What workers have stays with them while an output is late, but for who cannot wait. */
static void what_is_late_is_waited_for(void **state) {
    (void)state;
    struct outputs all;
    struct recorder *r = begin(&all);
    const struct worker_message m = {.news = WORKER_DONE};
    struct team team = {.message = &m};
    all.late = true;
    assert_int_equal(recorder_take(r, &team, true), RECORDER_LATE);
    assert_ptr_equal(team.message, &m);
    team.crowded = true;
    assert_int_equal(recorder_take(r, &team, true), RECORDER_SOME);
    team.crowded = false;
    team.message = &m;
    all.late = false;
    assert_int_equal(recorder_take(r, &team, true), RECORDER_SOME);
    assert_int_equal(recorder_take(r, &team, true), RECORDER_NONE);
    team.message = &m;
    all.late = true;
    assert_int_equal(recorder_take(r, &team, false), RECORDER_SOME);
    assert_int_equal(recorder_done(r), 3);
    recorder_free(r);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_loss_before_all_is_told_to_each),
        cmocka_unit_test(who_had_no_room_is_told_later),
        cmocka_unit_test(what_is_late_is_waited_for),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
