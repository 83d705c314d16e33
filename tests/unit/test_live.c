/* Opening where the kernel has less room than was asked for, and what is refused before it is asked; the rest, with packets, is for
 * tests/live/capture.py. */
#include "../../src/capture/live.h"

#include <errno.h>
#include <linux/if_packet.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cmocka.h>

static unsigned blocks_max; /* of a ring; 0: as the kernel likes */

/* libpcap's as well. */
int setsockopt(int fd, int level, int name, const void *value, socklen_t size) {
    if (level == SOL_PACKET && name == PACKET_RX_RING && blocks_max) {
        struct tpacket_req request;
        memcpy(&request, value, sizeof request);
        if (request.tp_block_nr > blocks_max) {
            errno = ENOMEM;
            return -1;
        }
    }
    return (int)syscall(SYS_setsockopt, fd, level, name, value, size);
}

static int try(const char *const *names, size_t count, size_t buffer, unsigned workers, char why[LIVE_WHY_MAX]) {
    struct live_settings s = {.interfaces = names,
                              .interface_count = count,
                              .workers = workers,
                              .buffer_bytes = buffer,
                              .timeout_ms = 100,
                              .snap_length = 262144};
    struct live *live = NULL;
    int error = live_open(&live, &s, why, LIVE_WHY_MAX);
    assert_int_equal(error == 0, live != NULL);
    live_close(live);
    return error;
}

static void refused_at_once(void **state) {
    (void)state;
    static const struct {
        const char *names[2];
        size_t count, buffer;
        unsigned workers;
        int error;
        const char *why;
    } cases[] = {
        {{"lo", "lo"}, 2, 1 << 20, 1, -EINVAL, "lo: is named twice"},
        {{"lo", "any"}, 2, 1 << 20, 1, -EINVAL, "any: has the other interfaces' packets"},
        {{"lo"}, 1, (4 << 20) - 1, 4, -EINVAL, "give at least 4 MiB"},
        {{"lo"}, 1, (size_t)4 << 30, 1, -EFBIG, "give at most 2047 MiB"},
        {{"no-such-if"}, 1, 1 << 20, 1, -ENODEV, "no-such-if: there is no such interface"},
        {{"no-such-if", "nor-this"}, 2, 1 << 20, 1, -ENODEV, "no-such-if and the others: there is no such"},
        {{"a-name-longer-than-any"}, 1, 1 << 20, 1, -ENODEV, "there is no such interface"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char why[LIVE_WHY_MAX] = "";
        assert_int_equal(try(cases[i].names, cases[i].count, cases[i].buffer, cases[i].workers, why), cases[i].error);
        assert_non_null(strstr(why, cases[i].why));
    }
}

/* libpcap takes less, and says nothing. */
static void less_room_than_asked_for(void **state) {
    (void)state;
    static const char *const names[] = {"lo"};
    char why[LIVE_WHY_MAX] = "";
    int error = try(names, 1, 8 << 20, 1, why);
    if (error == -EPERM || error == -ENETDOWN) {
        skip();
    }
    assert_int_equal(error, 0);
    blocks_max = 20;
    assert_int_equal(try(names, 1, 8 << 20, 1, why), -ENOMEM);
    assert_non_null(strstr(why, "no room for a buffer of 8 MiB, only for 5 MiB"));
    assert_int_equal(try(names, 1, 8 << 20, 2, why), 0);
    blocks_max = 0;
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(refused_at_once),
        cmocka_unit_test(less_room_than_asked_for),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
