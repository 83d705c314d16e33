#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "../../src/patience.h"

#define STEP UINT64_C(5000000)

enum { SOME = PATIENCE_BYTES, MANY = PATIENCE_BYTES + 1 };

struct run {
    struct patience p[2];
    uint64_t now, taken;
    unsigned dice;
};

/* holds_up: beside one that could go on; else, in turn, beside one that is gone, one that is behind as well and has no patience left, or none. */
static bool look(struct run *r, size_t waiting, bool moves, bool holds_up) {
    r->now += STEP;
    r->taken += moves;
    bool gone = !holds_up && r->dice % 2 == 0;
    const struct patience_sight seen[] = {{waiting, r->taken, false}, {gone ? 0 : holds_up ? SOME : MANY, 0, gone}};
    r->p[1].behind = PATIENCE_BEHIND_NS;
    return patience_look(r->p, seen, !holds_up && r->dice++ % 3 == 0 ? 1 : 2, r->now);
}

/* Nanoseconds until it is no longer waited for. */
static uint64_t waited(struct run *r, bool moves, bool holds_up) {
    uint64_t begun = r->now + STEP;
    while (look(r, MANY, moves, holds_up)) {
    }
    return r->now - begun;
}

static void not_behind(void **state) {
    (void)state;
    struct run r = {.now = 1};
    assert_false(look(&r, 0, false, true));
    assert_false(look(&r, SOME, false, true));
    assert_true(look(&r, MANY, false, true));
    assert_false(look(&r, SOME, false, true));
}

static void what_hangs(void **state) {
    (void)state;
    struct run r = {.now = 1};
    assert_int_equal(waited(&r, false, true), PATIENCE_STILL_NS);
    assert_false(look(&r, MANY, false, true)); /* and no more */
    assert_false(look(&r, MANY, false, false));
    assert_true(look(&r, MANY, true, true)); /* but once it goes on */
    assert_int_equal(waited(&r, false, true), PATIENCE_STILL_NS - STEP);
}

static void what_hangs_alone(void **state) {
    (void)state;
    struct run r = {.now = 1};
    assert_int_equal(waited(&r, false, false), PATIENCE_BEHIND_NS);
}

/* The time in which no other could have gone on does not count against it. */
static void what_hangs_beside_another(void **state) {
    (void)state;
    struct run r = {.now = 1};
    for (unsigned i = 0; i < 1000; i++) {
        assert_true(look(&r, MANY, false, false));
    }
    assert_int_equal(waited(&r, false, true), PATIENCE_STILL_NS - STEP);
}

static void what_moves(void **state) {
    (void)state;
    struct run r = {.now = 1};
    assert_int_equal(waited(&r, true, true), PATIENCE_BEHIND_NS);
    assert_false(look(&r, MANY, true, true));
    assert_false(look(&r, SOME, true, true)); /* has not taken all */
    assert_false(look(&r, MANY, true, true));
    assert_false(look(&r, 0, true, true));
    assert_int_equal(waited(&r, true, true), PATIENCE_BEHIND_NS);
}

/* In several goes; what lies between, when nobody waited, does not count. */
static void in_several_goes(void **state) {
    (void)state;
    struct run r = {.now = 1};
    uint64_t sum = 0;
    while (look(&r, MANY, true, true)) {
        r.now += 9 * STEP;
        assert_false(look(&r, SOME, true, true));
        sum += 10 * STEP;
        r.now += PATIENCE_BEHIND_NS;
    }
    assert_int_equal(sum, PATIENCE_BEHIND_NS);
}

static void any_of_them(void **state) {
    (void)state;
    struct patience p[3] = {{0}};
    struct patience_sight seen[3] = {{.waiting = MANY, .gone = true}, {.waiting = SOME}, {.waiting = 0}};
    assert_false(patience_look(p, seen, 0, 1));
    assert_false(patience_look(p, seen, 3, 1));
    seen[1].waiting = MANY;
    assert_true(patience_look(p, seen, 3, 1));
    assert_false(patience_look(p, seen, 3, 1 + PATIENCE_STILL_NS));
    seen[2].waiting = MANY; /* patience with the one does not end with that for the other */
    assert_true(patience_look(p, seen, 3, 1 + PATIENCE_STILL_NS));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(not_behind),       cmocka_unit_test(what_hangs),
        cmocka_unit_test(what_hangs_alone), cmocka_unit_test(what_hangs_beside_another),
        cmocka_unit_test(what_moves),       cmocka_unit_test(in_several_goes),
        cmocka_unit_test(any_of_them),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
