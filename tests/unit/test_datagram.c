#include <arpa/inet.h>
#include <errno.h>
#include <net/if.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "delivery/datagram.h"
#include "receiver.h"

static struct trip trip;
static char why_not[TRANSPORT_WHY_SIZE];
static char port[8], folder[64], path[108];
static int fd = -1;          /* the receiver's */
static unsigned heard[5000]; /* numbers of the records that came */
static unsigned heard_count;

/* ---- receivers */

static int listen_udp(unsigned wanted) {
    struct sockaddr_in any = {
        .sin_family = AF_INET, .sin_port = htons((uint16_t)wanted), .sin_addr = {htonl(INADDR_LOOPBACK)}};
    socklen_t size = sizeof any;
    fd = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(fd, (struct sockaddr *)&any, size), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&any, &size), 0);
    snprintf(port, sizeof port, "%u", ntohs(any.sin_port));
    return ntohs(any.sin_port);
}

static void listen_unix(int type) {
    struct sockaddr_un to = {.sun_family = AF_UNIX};
    snprintf(to.sun_path, sizeof to.sun_path, "%s", path);
    fd = socket(AF_UNIX, type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(fd, (struct sockaddr *)&to, sizeof to), 0);
    if (type == SOCK_STREAM) {
        assert_int_equal(listen(fd, 8), 0);
    }
}

static void go_away(void) {
    if (fd >= 0) {
        close(fd);
    }
    fd = -1;
    unlink(path);
}

static void note(const char *message, size_t n) {
    const char *seq = memmem(message, n, "{\"seq\":", 7);
    assert_memory_equal(message, "<134>1 2026-11-03T09:02:03.123456Z edge1 smbtap ", 48);
    assert_non_null(seq);
    assert_int_equal(message[n - 1], '}');
    assert_true(heard_count < sizeof heard / sizeof heard[0]);
    heard[heard_count++] = (unsigned)strtoul(seq + 7, NULL, 10);
}

static void hear(void) {
    char message[9000];
    ssize_t n;
    while (fd >= 0 && (n = recv(fd, message, sizeof message, 0)) > 0) {
        note(message, (size_t)n);
    }
}

static void heard_in_order(unsigned last) {
    assert_int_equal(heard_count, last);
    for (unsigned i = 0; i < last; i++) {
        assert_int_equal(heard[i], i + 1);
    }
}

/* ---- the transport */

static void begin(void) {
    trip.transport.begin(trip.transport.state, trip_now(&trip));
    trip.next = 1;
}

static void open_to(enum output_kind kind) {
    trip = (struct trip){.next = 1};
    heard_count = 0;
    trip_settings(&trip.settings, kind, "127.0.0.1", port);
    trip.settings.path = path;
    assert_int_equal(datagram_transport(&trip.transport, &trip.settings, why_not), 0);
    begin();
}

static int close_all(void **state) {
    (void)state;
    if (trip.transport.free) {
        trip.transport.free(trip.transport.state);
    }
    trip = (struct trip){0};
    go_away();
    return 0;
}

static uint64_t done(void) {
    return trip.transport.done(trip.transport.state);
}

static const char *why(void) {
    return trip.transport.why(trip.transport.state);
}

static void end(void) {
    trip.transport.end(trip.transport.state, trip_now(&trip));
}

static void send_all(unsigned to) {
    while (trip.next <= to) {
        trip_send(&trip, to);
        trip_turn(&trip);
        hear();
        assert_int_equal(trip.state, TRANSPORT_READY);
    }
}

/* ---- UDP */

static void one_message_a_datagram(void **state) {
    (void)state;
    listen_udp(0);
    open_to(OUTPUT_UDP);
    trip_until(&trip, TRANSPORT_READY);
    assert_false(trip.transport.acknowledges);
    send_all(200);
    heard_in_order(200);
    assert_int_equal(done(), 0);
    assert_int_equal(datagram_oversize(trip.transport.state), 0);
    /* After a while in which nobody complained. */
    struct pollfd to[TRANSPORT_DESCRIPTORS];
    uint64_t until = 0;
    trip.transport.poll(trip.transport.state, to, &until);
    assert_in_range(until, trip_now(&trip), trip_now(&trip) + DATAGRAM_SETTLE_NS);
    trip.shift += DATAGRAM_SETTLE_NS;
    trip_turn(&trip);
    assert_int_equal(done(), 2000);
    send_all(210);
    end();
    assert_int_equal(trip_send(&trip, 211), -EAGAIN);
    trip_turn(&trip);
    assert_int_equal(trip.state, TRANSPORT_BUSY);
    trip.shift += DATAGRAM_LAST_NS;
    trip_until(&trip, TRANSPORT_ENDED);
    assert_int_equal(trip.state, TRANSPORT_ENDED);
    assert_int_equal(done(), 2100);
    assert_true(trip.transport.bytes(trip.transport.state) > 210 * 100);
}

/* At most DATAGRAM_BURST_MAX at a time, however much waits. */
static void a_burst_is_bounded(void **state) {
    (void)state;
    listen_udp(0);
    open_to(OUTPUT_UDP);
    trip_until(&trip, TRANSPORT_READY);
    assert_int_equal(trip_send(&trip, 1000), -EAGAIN);
    assert_int_equal(trip.next, DATAGRAM_BURST_MAX + 1);
    struct pollfd to[TRANSPORT_DESCRIPTORS];
    uint64_t until = 0;
    trip.transport.poll(trip.transport.state, to, &until);
    assert_in_range(until, 1, trip_now(&trip) + DATAGRAM_BURST_NS);
    assert_int_equal(to[0].events, 0);
    trip.shift += DATAGRAM_BURST_NS;
    trip_turn(&trip);
    hear();
    assert_int_equal(trip_send(&trip, 1000), -EAGAIN);
    assert_int_equal(trip.next, 2 * DATAGRAM_BURST_MAX + 1);
    hear();
    heard_in_order(2 * DATAGRAM_BURST_MAX);
}

/* What was sent when nobody was there is not done. */
static void a_receiver_that_is_not_there(void **state) {
    (void)state;
    unsigned number = (unsigned)listen_udp(0);
    go_away();
    open_to(OUTPUT_UDP);
    for (unsigned i = 0; i < 3; i++) {
        trip_until(&trip, TRANSPORT_READY);
        trip_send(&trip, 5);
        trip_until(&trip, TRANSPORT_ENDED);
        assert_int_equal(trip.state, TRANSPORT_BROKEN);
        assert_non_null(strstr(why(), "nothing listens there; start the receiver"));
        assert_int_equal(done(), 0);
        begin();
    }
    listen_udp(number);
    trip_until(&trip, TRANSPORT_READY);
    send_all(5);
    heard_in_order(5);
}

static void a_receiver_that_goes_away(void **state) {
    (void)state;
    listen_udp(0);
    open_to(OUTPUT_UDP);
    trip_until(&trip, TRANSPORT_READY);
    send_all(10);
    trip.shift += DATAGRAM_REFUSAL_NS;
    trip_turn(&trip);
    assert_int_equal(done(), 0);
    heard_in_order(10);
    go_away();
    trip_send(&trip, 11);
    trip_until(&trip, TRANSPORT_ENDED);
    assert_int_equal(trip.state, TRANSPORT_BROKEN);
    assert_int_equal(done(), 100);
}

static void what_can_never_be_sent(void **state) {
    (void)state;
    static const char text[5000] = "x";
    listen_udp(0);
    open_to(OUTPUT_UDP);
    trip_until(&trip, TRANSPORT_READY);
    struct parcel p = {.line = {.text = text, .length = sizeof text}, .end = 1};
    assert_int_equal(trip.transport.send(trip.transport.state, &p), -EMSGSIZE);
    p.line.length = 3;
    assert_int_equal(trip.transport.send(trip.transport.state, &p), -EBADMSG);
}

/* A loopback with a small MTU, in a network of its own. */
static bool small_loopback(void) {
    struct ifreq request = {.ifr_name = "lo"};
    int control = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if ((unshare(CLONE_NEWNET) != 0 && unshare(CLONE_NEWUSER | CLONE_NEWNET) != 0)) {
        return false;
    }
    close(control);
    control = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    request.ifr_mtu = 600;
    bool good = ioctl(control, SIOCSIFMTU, &request) == 0;
    request.ifr_flags = IFF_UP;
    good = good && ioctl(control, SIOCSIFFLAGS, &request) == 0;
    close(control);
    return good;
}

enum { OVERSIZE_SKIPPED = 77 };

static void send_larger_than_the_mtu(void) {
    if (!small_loopback()) {
        _exit(OVERSIZE_SKIPPED);
    }
    listen_udp(0);
    open_to(OUTPUT_UDP);
    trip_until(&trip, TRANSPORT_READY);
    send_all(14);
    heard_in_order(14);
    /* Of 7 sizes, 1 to 1,201 bytes of filler, those with 401 and more do not fit in 572 with all in front of them. */
    unsigned larger = (unsigned)datagram_oversize(trip.transport.state);
    _exit(larger == 10 ? 0 : 1);
}

static void larger_than_the_path_takes(void **state) {
    (void)state;
    int status = 0;
    pid_t child = fork();
    if (child == 0) {
        send_larger_than_the_mtu();
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    if (WIFEXITED(status) && WEXITSTATUS(status) == OVERSIZE_SKIPPED) {
        skip();
    }
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 0);
}

/* ---- UNIX */

static void a_unix_socket(void **state) {
    (void)state;
    listen_unix(SOCK_DGRAM);
    open_to(OUTPUT_UNIX);
    trip_until(&trip, TRANSPORT_READY);
    send_all(100);
    end();
    trip_until(&trip, TRANSPORT_ENDED);
    assert_int_equal(trip.state, TRANSPORT_ENDED);
    assert_int_equal(done(), 1000);
    heard_in_order(100);
}

/* Its room is its own limit: what finds none waits, and nothing of it is done before it was read. */
static void a_unix_socket_that_is_full(void **state) {
    (void)state;
    listen_unix(SOCK_DGRAM);
    open_to(OUTPUT_UNIX);
    trip_until(&trip, TRANSPORT_READY);
    for (unsigned i = 0; i < 50; i++) {
        trip_send(&trip, 5000);
        trip_turn(&trip);
    }
    assert_int_equal(trip.state, TRANSPORT_READY);
    assert_true(trip.next > 1 && trip.next < 5000);
    assert_int_equal(done(), 0);
    send_all(2000);
    trip.shift += 1000000000;
    trip_turn(&trip);
    heard_in_order(2000);
    assert_int_equal(done(), 20000);
}

static void no_unix_socket(void **state) {
    (void)state;
    open_to(OUTPUT_UNIX);
    trip_until(&trip, TRANSPORT_READY);
    assert_int_equal(trip.state, TRANSPORT_BROKEN);
    assert_non_null(strstr(why(), "there is no such socket; start the receiver, or correct the path"));
    listen_unix(SOCK_DGRAM);
    begin();
    trip_until(&trip, TRANSPORT_READY);
    assert_int_equal(trip.state, TRANSPORT_READY);
}

/* It dies with records in its socket: they are sent again to the one that comes after it. */
static void a_unix_receiver_that_dies(void **state) {
    (void)state;
    listen_unix(SOCK_DGRAM);
    open_to(OUTPUT_UNIX);
    trip_until(&trip, TRANSPORT_READY);
    send_all(20);
    trip.shift += 1000000000;
    trip_turn(&trip);
    assert_int_equal(done(), 200);
    trip_send(&trip, 25);
    go_away();
    usleep(20000); /* files know the time by ticks of the kernel's clock */
    listen_unix(SOCK_DGRAM);
    trip_until(&trip, TRANSPORT_ENDED);
    assert_int_equal(trip.state, TRANSPORT_BROKEN);
    assert_non_null(strstr(why(), "nobody reads it; start the receiver"));
    assert_int_equal(done(), 200);
    begin();
    trip.next = 21;
    trip_until(&trip, TRANSPORT_READY);
    send_all(25);
    end();
    trip_until(&trip, TRANSPORT_ENDED);
    heard_in_order(25);
    assert_int_equal(done(), 250);
}

static void a_socket_file_that_nobody_reads(void **state) {
    (void)state;
    listen_unix(SOCK_DGRAM);
    close(fd);
    fd = -1;
    open_to(OUTPUT_UNIX);
    trip_until(&trip, TRANSPORT_READY);
    assert_int_equal(trip.state, TRANSPORT_BROKEN);
    assert_non_null(strstr(why(), "nobody reads it; start the receiver"));
}

/* One of streams: what its reader takes in pieces is whole lines in the end. */
static void a_unix_stream(void **state) {
    (void)state;
    static char all[1 << 20];
    size_t used = 0;
    ssize_t n;
    listen_unix(SOCK_STREAM);
    open_to(OUTPUT_UNIX);
    trip_until(&trip, TRANSPORT_READY);
    int taken = accept4(fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
    assert_true(taken >= 0);
    for (unsigned i = 0; trip.next <= 900 || done() < 9000; i++) {
        trip_send(&trip, 900);
        trip_turn(&trip);
        assert_int_equal(trip.state, TRANSPORT_READY);
        n = i > 5 ? recv(taken, all + used, i % 3 ? 1009 : 60000, 0) : 0;
        used += n > 0 ? (size_t)n : 0;
        assert_true(i < 10000);
    }
    for (size_t at = 0; at < used;) {
        const char *stop = memchr(all + at, '\n', used - at);
        assert_non_null(stop);
        note(all + at, (size_t)(stop - (all + at)));
        at = (size_t)(stop - all) + 1;
    }
    heard_in_order(900);
    /* It dies with something unread. */
    trip_send(&trip, 905);
    close(taken);
    trip_until(&trip, TRANSPORT_ENDED);
    assert_int_equal(trip.state, TRANSPORT_BROKEN);
    assert_int_equal(done(), 9000);
}

static void one_that_never_takes_the_last(void **state) {
    (void)state;
    listen_unix(SOCK_DGRAM);
    open_to(OUTPUT_UNIX);
    trip_until(&trip, TRANSPORT_READY);
    trip_send(&trip, 3);
    end();
    trip_turn(&trip);
    assert_int_equal(trip.state, TRANSPORT_BUSY);
    trip.shift += DATAGRAM_END_NS;
    trip_turn(&trip);
    assert_int_equal(trip.state, TRANSPORT_BROKEN);
    assert_non_null(strstr(why(), "its receiver takes nothing"));
    assert_int_equal(done(), 0);
}

/* Records that are in the socket and not taken: DATAGRAM_WAITING_MAX. A socket of streams has room for more small ones. */
static void what_waits_is_bounded(void **state) {
    (void)state;
    static const char text[] = "x";
    struct parcel p = {.line = {.text = text, .length = 1}, .end = 1};
    listen_unix(SOCK_STREAM);
    open_to(OUTPUT_UNIX);
    trip_until(&trip, TRANSPORT_READY);
    int taken = accept4(fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
    char scrap[65536];
    unsigned sent = 0;
    for (unsigned i = 0; i < 20; i++) {
        while (trip.transport.send(trip.transport.state, &p) == 0) {
            sent++;
            p.end++;
        }
        trip_turn(&trip);
    }
    assert_int_equal(sent, DATAGRAM_WAITING_MAX);
    assert_int_equal(done(), 0);
    while (recv(taken, scrap, sizeof scrap, 0) > 0) {
    }
    trip_turn(&trip);
    assert_int_equal(done(), sent);
    close(taken);
}

static void what_is_no_output(void **state) {
    (void)state;
    struct transport t;
    struct output_settings o;
    static char long_path[200];
    memset(long_path, 'p', sizeof long_path - 1);
    trip_settings(&o, OUTPUT_UNIX, NULL, NULL);
    assert_int_equal(datagram_transport(&t, &o, why_not), -EINVAL);
    o.path = long_path;
    assert_int_equal(datagram_transport(&t, &o, why_not), -EINVAL);
    assert_non_null(strstr(why_not, "has 1 to 107 bytes"));
    trip_settings(&o, OUTPUT_UDP, "host", "");
    assert_int_equal(datagram_transport(&t, &o, why_not), -EINVAL);
    assert_non_null(strstr(why_not, "HOST:PORT"));
}

static int make_folder(void **state) {
    (void)state;
    snprintf(folder, sizeof folder, "/tmp/smbtap-test-datagram-XXXXXX");
    assert_non_null(mkdtemp(folder));
    snprintf(path, sizeof path, "%s/log", folder);
    return 0;
}

static int remove_folder(void **state) {
    (void)state;
    unlink(path);
    rmdir(folder);
    return 0;
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(one_message_a_datagram, close_all),
        cmocka_unit_test_teardown(a_burst_is_bounded, close_all),
        cmocka_unit_test_teardown(a_receiver_that_is_not_there, close_all),
        cmocka_unit_test_teardown(a_receiver_that_goes_away, close_all),
        cmocka_unit_test_teardown(what_can_never_be_sent, close_all),
        cmocka_unit_test(larger_than_the_path_takes),
        cmocka_unit_test_teardown(a_unix_socket, close_all),
        cmocka_unit_test_teardown(a_unix_socket_that_is_full, close_all),
        cmocka_unit_test_teardown(no_unix_socket, close_all),
        cmocka_unit_test_teardown(a_unix_receiver_that_dies, close_all),
        cmocka_unit_test_teardown(a_socket_file_that_nobody_reads, close_all),
        cmocka_unit_test_teardown(a_unix_stream, close_all),
        cmocka_unit_test_teardown(one_that_never_takes_the_last, close_all),
        cmocka_unit_test_teardown(what_waits_is_bounded, close_all),
        cmocka_unit_test(what_is_no_output),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
