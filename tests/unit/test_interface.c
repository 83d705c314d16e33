/* What the kernel tells without privilege; changes are for tests/live/capture.py. */
#include "../../src/capture/interface.h"

#include <net/if.h>
#include <net/if_arp.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

struct found {
    unsigned count;
    bool lo;
};

static void on_interface(void *arg, const struct interface_facts *facts) {
    struct found *f = arg;
    f->count++;
    assert_int_equal(if_nametoindex(facts->name), facts->index);
    if (strcmp(facts->name, "lo") == 0) {
        f->lo = true;
        assert_int_equal(facts->hardware_type, ARPHRD_LOOPBACK);
        assert_true(facts->enabled || !facts->carrier);
    }
}

static void all_are_told_each_time(void **state) {
    (void)state;
    int fd = interface_socket(false);
    assert_true(fd >= 0);
    struct if_nameindex *all = if_nameindex();
    unsigned count = 0;
    while (all[count].if_index) {
        count++;
    }
    if_freenameindex(all);
    for (unsigned i = 0; i < 3; i++) {
        struct found f = {0, false};
        assert_int_equal(interface_each(fd, on_interface, &f), 0);
        assert_int_equal(f.count, count);
        assert_true(f.lo);
    }
    close(fd);
    struct found f = {0, false};
    assert_true(interface_each(fd, on_interface, &f) < 0);
    assert_int_equal(f.count, 0);
}

static void nothing_changes_by_itself(void **state) {
    (void)state;
    int fd = interface_socket(true);
    assert_true(fd >= 0);
    assert_false(interface_changed(fd));
    close(fd);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(all_are_told_each_time),
        cmocka_unit_test(nothing_changes_by_itself),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
