#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <netinet/tcp.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/system_clock.h"
#include "delivery/peer.h"
#include "receiver.h"

static struct receiver receiver;
static struct peer *peer;
static uint64_t shift; /* of the clock */
static char why_not[PEER_WHY_SIZE];
static atomic_bool held;         /* the name server says nothing */
static const char *const *names; /* the addresses of every name */

/* In the place of the C library's. */
int getaddrinfo(const char *host, const char *port, const struct addrinfo *hints, struct addrinfo **to) {
    bool number = strspn(host, "0123456789.") == strlen(host);
    *to = NULL;
    while (!number && !(hints->ai_flags & AI_NUMERICHOST) && atomic_load(&held)) {
        usleep(1000);
    }
    const char *const one[] = {host, NULL};
    struct addrinfo **last = to;
    for (const char *const *name = number ? one : (hints->ai_flags & AI_NUMERICHOST) ? one + 1 : names; *name; name++) {
        struct sockaddr_storage *address;
        struct addrinfo *a = calloc(1, sizeof *a + sizeof *address);
        address = (struct sockaddr_storage *)(void *)(a + 1);
        bool six = strchr(*name, ':') != NULL;
        address->ss_family = six ? AF_INET6 : AF_INET;
        in_port_t at = htons((uint16_t)atoi(port));
        if (six) {
            struct sockaddr_in6 *in = (struct sockaddr_in6 *)address;
            in->sin6_port = at;
            inet_pton(AF_INET6, *name, &in->sin6_addr);
        } else {
            struct sockaddr_in *in = (struct sockaddr_in *)address;
            in->sin_port = at;
            inet_pton(AF_INET, *name, &in->sin_addr);
        }
        *a = (struct addrinfo){.ai_addr = (struct sockaddr *)address,
                               .ai_addrlen = six ? sizeof(struct sockaddr_in6) : sizeof(struct sockaddr_in)};
        *last = a;
        last = &a->ai_next;
    }
    return *to ? 0 : EAI_NONAME;
}

void freeaddrinfo(struct addrinfo *list) {
    while (list) {
        struct addrinfo *next = list->ai_next;
        free(list);
        list = next;
    }
}

static uint64_t now(void) {
    return system_clock_ns(CLOCK_MONOTONIC) + shift;
}

static enum peer_state turn(void) {
    struct pollfd to;
    uint64_t until = 0;
    enum peer_state is = peer_step(peer, now());
    unsigned n = peer_poll(peer, &to, &until);
    poll(&to, n, 1);
    return is;
}

static enum peer_state settle(void) {
    enum peer_state is = PEER_BUSY;
    for (unsigned i = 0; is == PEER_BUSY; i++) {
        is = turn();
        assert_true(i < 10000);
    }
    return is;
}

static void open_to(const char *host, const char *port) {
    assert_int_equal(peer_new(&peer, host, port, NULL, false, why_not), 0);
    shift = 0;
    peer_begin(peer, now());
}

static int open_receiver(void **state) {
    (void)state;
    receiver_open(&receiver, 0);
    return 0;
}

static int close_all(void **state) {
    (void)state;
    peer_free(peer);
    peer = NULL;
    receiver_close(&receiver);
    return 0;
}

static void addresses_are_tried_in_turn(void **state) {
    (void)state;
    static const char *const list[] = {"127.0.0.2", "::1", "127.0.0.1", NULL};
    names = list;
    open_to("name.example", receiver.port);
    assert_int_equal(settle(), PEER_OPEN);
    assert_true(receiver_accept(&receiver));
}

/* The line is about the one that was tried last. */
static void no_address_answers(void **state) {
    (void)state;
    static const char *const list[] = {"127.0.0.2", "127.0.0.3", NULL};
    char want[128];
    names = list;
    open_to("name.example", receiver.port);
    assert_int_equal(settle(), PEER_BROKEN);
    snprintf(want, sizeof want, "127.0.0.3:%s: nothing listens there; start the receiver, or correct the port",
             receiver.port);
    assert_string_equal(peer_why(peer), want);
    assert_null(peer_room(peer, 1));
    assert_int_equal(peer_step(peer, now()), PEER_BROKEN);
}

static void no_such_name(void **state) {
    (void)state;
    static const char *const list[] = {NULL};
    names = list;
    open_to("name.example", receiver.port);
    assert_int_equal(settle(), PEER_BROKEN);
    assert_string_equal(peer_why(peer),
                        "name.example: there is no host of this name; correct it, or add it to the name server");
}

/* No step waits for it; after a while it is told; and once it answers, it goes on. */
static void a_name_server_that_says_nothing(void **state) {
    (void)state;
    static const char *const list[] = {"127.0.0.1", NULL};
    names = list;
    atomic_store(&held, true);
    open_to("name.example", receiver.port);
    uint64_t before = system_clock_ns(CLOCK_MONOTONIC);
    for (unsigned i = 0; i < 10; i++) {
        assert_int_equal(peer_step(peer, now()), PEER_BUSY);
    }
    assert_true(system_clock_ns(CLOCK_MONOTONIC) - before < 500000000);
    shift += PEER_RESOLVE_NS;
    assert_int_equal(peer_step(peer, now()), PEER_BROKEN);
    assert_string_equal(peer_why(peer),
                        "name.example: no name server answers; see /etc/resolv.conf, or give its address");
    peer_begin(peer, now());
    assert_int_equal(peer_step(peer, now()), PEER_BUSY);
    atomic_store(&held, false);
    assert_int_equal(settle(), PEER_OPEN);
}

/* A listener whose queue is full drops what asks for more. */
static void an_address_that_does_not_answer(void **state) {
    (void)state;
    static const char *const list[] = {"127.0.0.1", "127.0.0.2", NULL};
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
    int waiting[3];
    names = list;
    assert_int_equal(listen(receiver.listener, 0), 0);
    to.sin_port = htons((uint16_t)atoi(receiver.port));
    for (unsigned i = 0; i < 3; i++) {
        waiting[i] = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
        connect(waiting[i], (struct sockaddr *)&to, sizeof to);
    }
    open_to("name.example", receiver.port);
    for (unsigned i = 0; i < 20; i++) {
        assert_int_equal(turn(), PEER_BUSY);
    }
    shift += PEER_CONNECT_NS;
    assert_int_equal(settle(), PEER_BROKEN);
    assert_non_null(strstr(peer_why(peer), "127.0.0.2:"));
    assert_non_null(strstr(peer_why(peer), "nothing listens there"));
    peer_free(peer);
    open_to("127.0.0.1", receiver.port);
    turn();
    shift += PEER_CONNECT_NS;
    assert_int_equal(settle(), PEER_BROKEN);
    assert_non_null(
        strstr(peer_why(peer), "it does not answer; see whether it runs, and the network and firewalls on the way"));
    for (unsigned i = 0; i < 3; i++) {
        close(waiting[i]);
    }
}

/* What is under way is bounded: PEER_OUT_SIZE here, and what the kernel takes. */
static void room_is_bounded(void **state) {
    (void)state;
    open_to("127.0.0.1", receiver.port);
    assert_null(peer_room(peer, 1));
    assert_int_equal(settle(), PEER_OPEN);
    uint64_t all = 0;
    char *to;
    for (unsigned i = 0; i < 100; i++) {
        while ((to = peer_room(peer, 5000))) {
            memset(to, 'x', 5000);
            peer_commit(peer, 5000);
            all += 5000;
        }
        turn();
    }
    assert_int_equal(peer_committed(peer), all);
    assert_in_range(peer_committed(peer) - peer_written(peer), PEER_OUT_SIZE - 5000, PEER_OUT_SIZE);
    assert_int_equal(peer_bytes(peer), peer_written(peer));
    assert_null(peer_room(peer, PEER_OUT_SIZE));
    peer_begin(peer, now());
    receiver_accept(&receiver);
    receiver_reset(&receiver);
    assert_int_equal(settle(), PEER_OPEN);
    assert_int_equal(peer_written(peer), 0);
    assert_non_null(peer_room(peer, PEER_OUT_SIZE));
}

static int option(int fd, int level, int name) {
    int value = -1;
    socklen_t size = sizeof value;
    assert_int_equal(getsockopt(fd, level, name, &value, &size), 0);
    return value;
}

static void what_the_kernel_watches_over(void **state) {
    (void)state;
    struct pollfd to;
    uint64_t until;
    open_to("127.0.0.1", receiver.port);
    assert_int_equal(settle(), PEER_OPEN);
    assert_int_equal(peer_poll(peer, &to, &until), 1);
    assert_int_equal(option(to.fd, IPPROTO_TCP, TCP_USER_TIMEOUT), 60000);
    assert_int_equal(option(to.fd, IPPROTO_TCP, TCP_NODELAY), 1);
    assert_int_equal(option(to.fd, SOL_SOCKET, SO_KEEPALIVE), 1);
    assert_int_equal(option(to.fd, IPPROTO_TCP, TCP_KEEPIDLE), 30);
    assert_in_range(option(to.fd, SOL_SOCKET, SO_SNDBUF), PEER_SEND_BUFFER / 2, 2 * PEER_SEND_BUFFER);
    assert_int_equal(until, 0);
    assert_true(to.events & POLLRDHUP);
    assert_false(to.events & POLLOUT);
}

/* A receiver that talks without end does not keep us from writing, and nothing of it is kept. */
static void what_it_says_is_thrown_away(void **state) {
    (void)state;
    static const char talk[100000];
    open_to("127.0.0.1", receiver.port);
    assert_int_equal(settle(), PEER_OPEN);
    receiver_accept(&receiver);
    for (unsigned i = 0; i < 50; i++) {
        ssize_t n = send(receiver.fd, talk, sizeof talk, MSG_NOSIGNAL);
        assert_true(n > 0 || errno == EAGAIN);
        char *to = peer_room(peer, 1);
        assert_non_null(to);
        *to = 'x';
        peer_commit(peer, 1);
        assert_int_equal(turn(), PEER_OPEN);
    }
    usleep(10000);
    receiver_read(&receiver, SIZE_MAX);
    assert_int_equal(receiver.used, 50);
}

static void dropped(void **state) {
    (void)state;
    struct pollfd to;
    uint64_t until = 1;
    open_to("127.0.0.1", receiver.port);
    assert_int_equal(settle(), PEER_OPEN);
    peer_drop(peer);
    assert_null(peer_room(peer, 1));
    assert_int_equal(peer_poll(peer, &to, &until), 0);
    assert_int_equal(until, 0);
    peer_free(NULL);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(addresses_are_tried_in_turn, open_receiver, close_all),
        cmocka_unit_test_setup_teardown(no_address_answers, open_receiver, close_all),
        cmocka_unit_test_setup_teardown(no_such_name, open_receiver, close_all),
        cmocka_unit_test_setup_teardown(a_name_server_that_says_nothing, open_receiver, close_all),
        cmocka_unit_test_setup_teardown(an_address_that_does_not_answer, open_receiver, close_all),
        cmocka_unit_test_setup_teardown(room_is_bounded, open_receiver, close_all),
        cmocka_unit_test_setup_teardown(what_the_kernel_watches_over, open_receiver, close_all),
        cmocka_unit_test_setup_teardown(what_it_says_is_thrown_away, open_receiver, close_all),
        cmocka_unit_test_setup_teardown(dropped, open_receiver, close_all),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
