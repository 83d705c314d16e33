#include "receiver.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "event.h"
#include "record.h"
#include "base/system_clock.h"

enum { PATIENCE_S = 20, RECORDS_MAX = 100000 };

void receiver_open(struct receiver *r, int buffer) {
    struct sockaddr_in any = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
    socklen_t size = sizeof any;
    *r = (struct receiver){.fd = -1, .buffer = buffer, .bytes = malloc(RECEIVER_SIZE)};
    assert_non_null(r->bytes);
    r->listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (buffer) {
        assert_int_equal(setsockopt(r->listener, SOL_SOCKET, SO_RCVBUF, &buffer, sizeof buffer), 0);
    }
    assert_int_equal(bind(r->listener, (struct sockaddr *)&any, size), 0);
    assert_int_equal(listen(r->listener, 8), 0);
    assert_int_equal(getsockname(r->listener, (struct sockaddr *)&any, &size), 0);
    snprintf(r->port, sizeof r->port, "%u", ntohs(any.sin_port));
}

void receiver_deafen(struct receiver *r) {
    if (r->listener >= 0) {
        close(r->listener);
    }
    r->listener = -1;
}

void receiver_close(struct receiver *r) {
    receiver_end(r);
    receiver_deafen(r);
    free(r->bytes);
    r->bytes = NULL;
}

bool receiver_accept(struct receiver *r) {
    if (r->fd < 0 && r->listener >= 0) {
        r->fd = accept4(r->listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (r->fd >= 0) {
            const int at_once = 1; /* what it writes goes out in pieces as they are written */
            setsockopt(r->fd, IPPROTO_TCP, TCP_NODELAY, &at_once, sizeof at_once);
            r->ended = false;
            r->error = 0;
        }
    }
    return r->fd >= 0;
}

size_t receiver_read(struct receiver *r, size_t most) {
    size_t all = 0;
    while (r->fd >= 0 && !r->ended && most > 0) {
        static char scrap[65536];
        size_t room = RECEIVER_SIZE - r->used, want = most < sizeof scrap ? most : sizeof scrap;
        ssize_t n = recv(r->fd, room < want ? scrap : r->bytes + r->used, want, 0);
        if (n < 0) {
            r->error = errno;
            break;
        }
        r->ended = n == 0;
        r->used += room < want ? 0 : (size_t)n;
        all += (size_t)n;
        most -= (size_t)n;
    }
    return all;
}

void receiver_write(struct receiver *r, const void *bytes, size_t n) {
    assert_int_equal(send(r->fd, bytes, n, MSG_NOSIGNAL), n);
}

void receiver_forget(struct receiver *r) {
    r->used = 0;
}

void receiver_end(struct receiver *r) {
    if (r->fd >= 0) {
        close(r->fd);
    }
    r->fd = -1;
}

void receiver_reset(struct receiver *r) {
    const struct linger at_once = {.l_onoff = 1};
    if (r->fd >= 0) {
        assert_int_equal(setsockopt(r->fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once), 0);
    }
    receiver_end(r);
}

/* ---- the transport */

void trip_settings(struct output_settings *o, enum output_kind kind, const char *host, const char *port) {
    *o = (struct output_settings){
        .kind = kind,
        .host = host,
        .port = port,
        .syslog = {.facility = 16, .severity = 6},
        .tls = {.verify_name = true, .version_min = 0x0303},
    };
}

uint64_t trip_now(const struct trip *t) {
    return system_clock_ns(CLOCK_MONOTONIC) + t->shift;
}

static void serve_all(struct trip *t) {
    if (receiver_accept(t->receiver)) {
        receiver_read(t->receiver, SIZE_MAX);
        if (t->receiver->ended) {
            receiver_end(t->receiver);
        }
    }
}

/* Waits as the deliverer does, but never long: the receiver is in this thread. */
static void rest(struct trip *t) {
    struct pollfd to[TRANSPORT_DESCRIPTORS];
    uint64_t until = 0;
    unsigned n = t->transport.poll(t->transport.state, to, &until);
    assert_true(n <= TRANSPORT_DESCRIPTORS);
    poll(to, n, 1);
}

void trip_turn(struct trip *t) {
    t->state = t->transport.step(t->transport.state, trip_now(t));
    if (t->receiver) {
        (t->serve ? t->serve : serve_all)(t);
    }
    rest(t);
}

void trip_until(struct trip *t, enum transport_state state) {
    uint64_t patience = system_clock_ns(CLOCK_MONOTONIC) + (uint64_t)PATIENCE_S * 1000000000;
    do {
        trip_turn(t);
        if (system_clock_ns(CLOCK_MONOTONIC) > patience) {
            fail_msg("it is in state %d, and not in %d: %s", (int)t->state, (int)state,
                     t->transport.why(t->transport.state));
        }
    } while (t->state != state && t->state != TRANSPORT_BROKEN && t->state != TRANSPORT_ENDED);
}

struct parcel trip_parcel(unsigned number) {
    static char text[RECORD_MAX + 1];
    int n =
        snprintf(text, sizeof text,
                 "{\"seq\":%u,\"sensor_id\":\"edge1\",\"time\":\"2026-11-03T09:02:03.123456789Z\",\"object\":\"flow\","
                 "\"action\":\"message\",\"filler\":\"%0*d\"}",
                 number, (int)(number % 7 * 200 + 1), 0);
    assert_in_range(n, 1, RECORD_MAX);
    return (struct parcel){
        .line = {.text = text, .length = (uint16_t)n, .object = OBJECT_FLOW, .action = ACTION_MESSAGE, .seq = number},
        .end = (uint64_t)number * 10,
    };
}

int trip_send(struct trip *t, unsigned to) {
    int error = 0;
    while (error == 0 && t->next <= to) {
        struct parcel p = trip_parcel(t->next);
        error = t->transport.send(t->transport.state, &p);
        t->next += error == 0;
    }
    return error;
}

void trip_send_all(struct trip *t, unsigned to) {
    uint64_t patience = system_clock_ns(CLOCK_MONOTONIC) + (uint64_t)PATIENCE_S * 1000000000;
    while (trip_send(t, to) != 0 && t->state == TRANSPORT_READY) {
        assert_true(system_clock_ns(CLOCK_MONOTONIC) < patience);
        trip_turn(t);
    }
}

static size_t frame_end(const char *p, size_t n, bool counted, size_t *begin) {
    *begin = 0;
    if (!counted) {
        const char *end = memchr(p, '\n', n);
        return end ? (size_t)(end - p) + 1 : 0;
    }
    size_t length = 0;
    while (*begin < n && p[*begin] >= '0' && p[*begin] <= '9') {
        length = length * 10 + (size_t)(p[(*begin)++] - '0');
    }
    if (*begin < n) {
        assert_int_equal(p[*begin], ' ');
    }
    *begin += 1;
    return length > 0 && *begin + length <= n ? *begin + length : 0;
}

unsigned receiver_records(const struct receiver *r, bool counted, unsigned *numbers, unsigned most) {
    unsigned count = 0;
    for (size_t at = 0; at < r->used;) {
        size_t begin, n = frame_end(r->bytes + at, r->used - at, counted, &begin);
        if (n == 0) {
            break;
        }
        static const char name[] = "{\"seq\":";
        assert_memory_equal(r->bytes + at + begin, "<134>1 2026-11-03T09:02:03.123456Z edge1 smbtap ", 48);
        const char *seq = memmem(r->bytes + at, n, name, sizeof name - 1);
        assert_non_null(seq);
        assert_true(count < most);
        numbers[count++] = (unsigned)strtoul(seq + sizeof name - 1, NULL, 10);
        at += n;
    }
    return count;
}
