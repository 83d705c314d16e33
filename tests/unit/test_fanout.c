/* Whose a segment is; that the kernel says the same is for tests/live/capture.py. */
#include "../../src/capture/fanout.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

static struct endpoint endpoint(unsigned family, unsigned net, unsigned host, uint16_t port) {
    struct endpoint e = {.ip = {.family = (uint8_t)family}, .port = port};
    unsigned last = family == 4 ? 3 : 15;
    e.ip.bytes[0] = 10;
    e.ip.bytes[last - 1] = (uint8_t)net;
    e.ip.bytes[last] = (uint8_t)host;
    return e;
}

static void by_the_server(void **state) {
    (void)state;
    for (unsigned family = 4; family <= 6; family += 2) {
        for (unsigned host = 0; host < 256; host++) {
            struct endpoint client = endpoint(family, 1, host, 50000), server = endpoint(family, 2, 255 - host, 445);
            uint32_t hash = fanout_hash(&client, &server);
            assert_int_equal(fanout_hash(&server, &client), hash);
            struct endpoint other = endpoint(family, 3, host, 446);
            server.port = 139;
            assert_int_equal(fanout_hash(&other, &server), hash);
            assert_int_equal(fanout_hash(&server, &other), hash);
        }
    }
}

/* Nobody is the server: still the same for both directions. */
static void by_both_where_ports_are_equal(void **state) {
    (void)state;
    for (unsigned family = 4; family <= 6; family += 2) {
        struct endpoint a = endpoint(family, 1, 2, 445), b = endpoint(family, 3, 4, 445),
                        c = endpoint(family, 5, 6, 445);
        assert_int_equal(fanout_hash(&a, &b), fanout_hash(&b, &a));
        assert_int_not_equal(fanout_hash(&a, &b), fanout_hash(&c, &b));
        assert_int_not_equal(fanout_hash(&a, &b), fanout_hash(&a, &c));
    }
}

/* The servers of one network: their numbers are next to each other. */
static void neighbours_are_spread(void **state) {
    (void)state;
    enum { HOSTS = 4096, WORKERS = 16 };
    for (unsigned family = 4; family <= 6; family += 2) {
        for (unsigned workers = 2; workers <= WORKERS; workers++) {
            unsigned count[WORKERS] = {0};
            struct endpoint client = endpoint(family, 200, 10, 50000);
            for (unsigned i = 0; i < HOSTS; i++) {
                struct endpoint server = endpoint(family, i >> 8, i & 255, 445);
                count[fanout_hash(&client, &server) % workers]++;
            }
            for (unsigned k = 0; k < workers; k++) {
                assert_in_range(count[k], HOSTS / workers * 3 / 4, HOSTS / workers * 5 / 4 + 1);
            }
        }
    }
}

/* None of the server's address is lost on the way. */
static void every_byte_counts(void **state) {
    (void)state;
    struct endpoint server = endpoint(6, 1, 2, 445), client = endpoint(6, 3, 4, 50000);
    uint32_t hash = fanout_hash(&server, &client);
    for (unsigned i = 0; i < sizeof server.ip.bytes; i++) {
        server.ip.bytes[i] ^= 1;
        assert_int_not_equal(fanout_hash(&server, &client), hash);
        server.ip.bytes[i] ^= 1;
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(by_the_server),
        cmocka_unit_test(by_both_where_ports_are_equal),
        cmocka_unit_test(neighbours_are_spread),
        cmocka_unit_test(every_byte_counts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
