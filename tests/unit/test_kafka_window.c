#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "../../src/delivery/kafka_window.h"

static int setup(void **state) {
    *state = calloc(1, sizeof(struct kafka_window));
    return *state ? 0 : -1;
}

static int teardown(void **state) {
    free(*state);
    return 0;
}

static void all_before_a_place_are_done(void **state) {
    struct kafka_window *w = *state;
    for (uint64_t i = 0; i < 5; i++) {
        assert_int_equal(kafka_window_add(w, 100 * (i + 1)), i);
    }
    assert_int_equal(w->done, 0);
    kafka_window_report(w, 2, false);
    kafka_window_report(w, 1, false);
    assert_int_equal(w->done, 0);
    assert_int_equal(kafka_window_count(w), 5);
    kafka_window_report(w, 0, false);
    assert_int_equal(w->done, 300);
    assert_int_equal(kafka_window_count(w), 2);
    kafka_window_report(w, 4, false);
    assert_int_equal(w->done, 300);
    assert_int_equal(kafka_window_place(w, 3), 400);
    kafka_window_report(w, 3, false);
    assert_int_equal(w->done, 500);
    assert_int_equal(kafka_window_count(w), 0);
}

static void a_refused_one_is_told_before_it_is_done(void **state) {
    struct kafka_window *w = *state;
    uint64_t end = 0;
    kafka_window_clear(w);
    assert_false(kafka_window_refused(w, &end));
    for (uint64_t i = 0; i < 4; i++) {
        kafka_window_add(w, 10 * (i + 1));
    }
    kafka_window_report(w, 1, true);
    kafka_window_report(w, 2, false);
    kafka_window_report(w, 3, true);
    assert_false(kafka_window_refused(w, &end));
    kafka_window_report(w, 0, false);
    assert_int_equal(w->done, 10);
    assert_true(kafka_window_refused(w, &end));
    assert_int_equal(end, 20);
    assert_int_equal(w->done, 30);
    assert_true(kafka_window_refused(w, &end));
    assert_int_equal(end, 40);
    assert_int_equal(w->done, 40);
    assert_false(kafka_window_refused(w, &end));
}

static void one_that_did_not_go_out_is_taken_back(void **state) {
    struct kafka_window *w = *state;
    kafka_window_clear(w);
    kafka_window_add(w, 10);
    kafka_window_add(w, 20);
    kafka_window_take_back(w);
    assert_int_equal(kafka_window_add(w, 25), 1);
    kafka_window_report(w, 0, false);
    kafka_window_report(w, 1, false);
    assert_int_equal(w->done, 25);
}

/* KAFKA_WINDOW_MAX, several times over, with reports in an order of their own: against a list that keeps everything. */
static void it_is_bounded_and_goes_round(void **state) {
    enum { ROUNDS = 5, RECORDS = ROUNDS * KAFKA_WINDOW_MAX };
    struct kafka_window *w = *state;
    static bool reported[RECORDS];
    uint64_t added = 0, first = 0, random = 1;
    kafka_window_clear(w);
    while (first < RECORDS) {
        while (!kafka_window_full(w) && added < RECORDS) {
            assert_int_equal(kafka_window_add(w, (added + 1) * 7), added);
            added++;
        }
        assert_true(added - first <= KAFKA_WINDOW_MAX);
        for (unsigned i = 0; i < KAFKA_WINDOW_MAX / 2; i++) {
            random = random * UINT64_C(6364136223846793005) + 1442695040888963407;
            uint64_t number = first + (random >> 33) % (added - first);
            while (reported[number]) {
                number = number + 1 == added ? first : number + 1;
            }
            reported[number] = true;
            kafka_window_report(w, number, false);
            while (first < added && reported[first]) {
                first++;
            }
            assert_int_equal(w->done, first * 7);
            if (first == added) {
                break;
            }
        }
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(all_before_a_place_are_done),
        cmocka_unit_test(a_refused_one_is_told_before_it_is_done),
        cmocka_unit_test(one_that_did_not_go_out_is_taken_back),
        cmocka_unit_test(it_is_bounded_and_goes_round),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
