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

static void same_for_both_directions_and_all_ports(void **state) {
    (void)state;
    for (unsigned family = 4; family <= 6; family += 2) {
        for (unsigned host = 0; host < 256; host++) {
            struct endpoint client = endpoint(family, 1, host, 50000), server = endpoint(family, 2, 255 - host, 445);
            uint32_t hash = fanout_hash(&client, &server);
            assert_int_equal(fanout_hash(&server, &client), hash);
            client.port = 50001;
            server.port = 139;
            assert_int_equal(fanout_hash(&client, &server), hash);
        }
    }
}

/* The servers of some networks, whose numbers are next to each other; what one says to all its clients is at one worker. */
static void servers_are_spread(void **state) {
    (void)state;
    enum { HOSTS = 4096, WORKERS = 16 };
    for (unsigned family = 4; family <= 6; family += 2) {
        for (unsigned workers = 2; workers <= WORKERS; workers++) {
            unsigned count[WORKERS] = {0};
            for (unsigned i = 0; i < HOSTS; i++) {
                struct endpoint client = endpoint(family, 200, 10, 50000),
                                server = endpoint(family, i >> 8, i & 255, 445);
                uint32_t hash = fanout_hash(&client, &server);
                client.ip.bytes[3] ^= 0x5a;
                assert_int_equal(fanout_hash(&client, &server), hash);
                count[hash % workers]++;
            }
            for (unsigned k = 0; k < workers; k++) {
                assert_in_range(count[k], HOSTS / workers * 3 / 4, HOSTS / workers * 5 / 4 + 1);
            }
        }
    }
}

/* None of them is lost on the way. */
static void every_byte_counts(void **state) {
    (void)state;
    struct endpoint a = endpoint(6, 1, 2, 1), b = endpoint(6, 3, 4, 1);
    uint32_t hash = fanout_hash(&a, &b);
    for (unsigned i = 0; i < sizeof a.ip.bytes; i++) {
        a.ip.bytes[i] ^= 1;
        assert_int_not_equal(fanout_hash(&a, &b), hash);
        a.ip.bytes[i] ^= 1;
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(same_for_both_directions_and_all_ports),
        cmocka_unit_test(servers_are_spread),
        cmocka_unit_test(every_byte_counts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
