#include "../../src/base/list.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

struct member {
    char name;
    struct link link;
};

/* The names in their order, both ways. */
static void holds(struct list *l, const char *names) {
    struct link *last = &l->head;
    for (struct link *x = list_first(l); x; x = list_next(l, x)) {
        assert_int_equal(container_of(x, struct member, link)->name, *names);
        assert_ptr_equal(x->prev, last);
        last = x;
        names++;
    }
    assert_int_equal(*names, 0);
    assert_ptr_equal(l->head.prev, last);
}

static void appends_and_removes(void **state) {
    (void)state;
    struct list l;
    struct member a = {.name = 'a'}, b = {.name = 'b'}, c = {.name = 'c'};
    list_init(&l);
    holds(&l, "");
    assert_null(list_first(&l));
    list_remove(&a.link); /* in no list */
    list_append(&l, &a.link);
    holds(&l, "a");
    list_append(&l, &b.link);
    list_append(&l, &c.link);
    holds(&l, "abc");
    list_remove(&b.link);
    holds(&l, "ac");
    assert_null(b.link.next);
    list_remove(&b.link);
    list_remove(&a.link);
    list_remove(&c.link);
    holds(&l, "");
    list_append(&l, &b.link);
    holds(&l, "b");
}

static void renews(void **state) {
    (void)state;
    struct list l;
    struct member a = {.name = 'a'}, b = {.name = 'b'}, c = {.name = 'c'};
    list_init(&l);
    list_append(&l, &a.link);
    list_renew(&l, &a.link);
    holds(&l, "a");
    list_append(&l, &b.link);
    list_append(&l, &c.link);
    list_renew(&l, &a.link);
    holds(&l, "bca");
    list_renew(&l, &c.link);
    holds(&l, "bac");
    list_renew(&l, &c.link);
    holds(&l, "bac");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(appends_and_removes),
        cmocka_unit_test(renews),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
