/* All that one thread handed on comes to the other, in order, whole, while neither waits; and at the bound there is no room. */
#include "../../src/base/handover.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <pthread.h>
#include <sched.h>
#include <string.h>

enum { BATCH = 4096, BATCHES = 8 };

struct item {
    uint64_t number;
    uint32_t length;
    unsigned char bytes[];
};

static size_t length_of(uint64_t number) {
    return number * 2654435761u % 1000;
}

static bool put(struct handover *h, uint64_t number) {
    size_t n = length_of(number);
    struct item *item = handover_reserve(h, sizeof *item + n);
    if (item) {
        item->number = number;
        item->length = (uint32_t)n;
        memset(item->bytes, (int)(number & 0xff), n);
        handover_commit(h, sizeof *item + n);
    }
    return item != NULL;
}

/* Reads a batch; the next number that is to come. */
static uint64_t check(const struct batch *b, uint64_t next) {
    const size_t align = _Alignof(max_align_t);
    for (size_t at = 0; at < b->used;) {
        const struct item *item = (const void *)(b->bytes + at);
        assert_int_equal(item->number, next);
        assert_int_equal(item->length, length_of(next));
        for (size_t i = 0; i < item->length; i++) {
            assert_int_equal(item->bytes[i], next & 0xff);
        }
        at += (sizeof *item + item->length + align - 1) & ~(align - 1);
        next++;
    }
    return next;
}

static void bound(void **state) {
    (void)state;
    struct handover *h = handover_new(BATCH, BATCHES);
    assert_non_null(h);
    assert_int_equal(handover_bytes(h), BATCH * BATCHES);
    assert_null(handover_take(h));
    uint64_t n = 0;
    while (put(h, n)) {
        n++;
    }
    assert_true(n >= (BATCHES - 1) * (BATCH / 1100));
    assert_true(handover_pushed(h));
    assert_false(handover_pushed(h));
    struct batch *first = handover_take(h);
    uint64_t next = check(first, 0);
    assert_false(put(h, n)); /* taken is not given back */
    handover_give(h, first);
    assert_true(put(h, n));
    handover_push(h);
    for (struct batch *b; (b = handover_take(h)) != NULL; handover_give(h, b)) {
        next = check(b, next);
    }
    assert_int_equal(next, n + 1);
    assert_non_null(handover_reserve(h, BATCH)); /* a whole batch, and not committed: nothing is handed on */
    handover_push(h);
    assert_null(handover_take(h));
    handover_free(h);
    handover_free(NULL);
}

/* Of an allowance that several share each gets what is left, and keeps it. */
static void shared(void **state) {
    (void)state;
    _Atomic size_t allowance = 3 * BATCH + BATCH / 2;
    struct handover *a = handover_new(BATCH, BATCHES), *b = handover_new(BATCH, BATCHES);
    handover_share(a, &allowance);
    handover_share(b, &allowance);
    assert_non_null(handover_reserve(a, 1));
    for (unsigned i = 0; i < 2; i++) {
        assert_non_null(handover_reserve(b, BATCH));
        handover_commit(b, BATCH);
        handover_push(b);
    }
    assert_null(handover_reserve(b, 1));
    struct batch *first = handover_take(b);
    handover_give(b, first);
    assert_ptr_equal(handover_reserve(b, 1), first->bytes);
    handover_free(a);
    handover_free(b);
}

enum { MANY = 200000 };

static void *produce(void *arg) {
    struct handover *h = arg;
    for (uint64_t n = 0; n < MANY; n++) {
        while (!put(h, n)) {
            sched_yield();
        }
        if (n % 7 == 0) {
            handover_push(h);
        }
    }
    handover_push(h);
    return NULL;
}

static void two_threads(void **state) {
    (void)state;
    struct handover *h = handover_new(BATCH, BATCHES);
    pthread_t producer;
    assert_int_equal(pthread_create(&producer, NULL, produce, h), 0);
    for (uint64_t next = 0; next < MANY;) {
        struct batch *b = handover_take(h);
        if (b) {
            next = check(b, next);
            handover_give(h, b);
        } else {
            sched_yield();
        }
    }
    pthread_join(producer, NULL);
    assert_null(handover_take(h));
    handover_free(h);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(bound), cmocka_unit_test(shared),
                                       cmocka_unit_test(two_threads)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
