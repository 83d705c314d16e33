/* The TCP rows of the specification's baseline_deflt.json. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <arpa/inet.h>
#include <cmocka.h>

#include "../../src/flow/community_id.h"

static struct endpoint endpoint(const char *ip, uint16_t port) {
    struct endpoint e = {.port = port};
    e.ip.family = strchr(ip, ':') ? 6 : 4;
    assert_int_equal(inet_pton(e.ip.family == 6 ? AF_INET6 : AF_INET, ip, e.ip.bytes), 1);
    return e;
}

static void published_vectors(void **state) {
    static const struct {
        const char *a, *b;
        uint16_t port_a, port_b;
        const char *id;
    } rows[] = {
        {"2001:470:e5bf:dead:4957:2174:e82c:4887", "2607:f8b0:400c:c03::1a", 63943, 25,
         "1:/qFaeAR+gFe1KYjMzVDsMv+wgU4="},
        {"128.232.110.120", "66.35.250.204", 34855, 80, "1:LQU9qZlK+B5F3KDmev6m5PMibrg="},
    };
    (void)state;
    struct community_id *c = community_id_new();
    assert_non_null(c);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct endpoint a = endpoint(rows[i].a, rows[i].port_a), b = endpoint(rows[i].b, rows[i].port_b);
        char id[COMMUNITY_ID_SIZE];
        community_id_write(c, &a, &b, id);
        assert_string_equal(id, rows[i].id);
        community_id_write(c, &b, &a, id);
        assert_string_equal(id, rows[i].id);
    }
    community_id_free(c);
}

static void same_address_is_ordered_by_port(void **state) {
    (void)state;
    struct community_id *c = community_id_new();
    struct endpoint a = endpoint("127.0.0.1", 445), b = endpoint("127.0.0.1", 50000);
    char one[COMMUNITY_ID_SIZE], other[COMMUNITY_ID_SIZE];
    community_id_write(c, &a, &b, one);
    community_id_write(c, &b, &a, other);
    assert_string_equal(one, other);
    community_id_free(c);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(published_vectors),
        cmocka_unit_test(same_address_is_ordered_by_port),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
