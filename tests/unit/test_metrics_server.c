#include <arpa/inet.h>
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "output/metrics_server.h"

static char why[256];

/* A port that was free just now. */
static unsigned free_port(void) {
    struct sockaddr_in any = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
    socklen_t size = sizeof any;
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    assert_int_equal(bind(fd, (struct sockaddr *)&any, size), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&any, &size), 0);
    close(fd);
    return ntohs(any.sin_port);
}

static void address_is(int fd, const char *ip, unsigned port) {
    struct sockaddr_in have = {.sin_family = AF_UNSPEC};
    socklen_t size = sizeof have;
    char text[INET_ADDRSTRLEN];
    assert_int_equal(getsockname(fd, (struct sockaddr *)&have, &size), 0);
    assert_int_equal(have.sin_family, AF_INET);
    assert_string_equal(inet_ntop(AF_INET, &have.sin_addr, text, sizeof text), ip);
    assert_int_equal(ntohs(have.sin_port), port);
}

static void what_is_listened_on(void **state) {
    (void)state;
    char text[64];
    unsigned port = free_port();
    snprintf(text, sizeof text, "%u", port);
    int fd = metrics_listen(text, why, sizeof why);
    assert_true(fd >= 0);
    address_is(fd, "127.0.0.1", port);
    assert_int_equal(metrics_listen(text, why, sizeof why), -EADDRINUSE);
    assert_non_null(strstr(why, "another program"));
    assert_non_null(strstr(why, "--metrics"));
    close(fd);
    snprintf(text, sizeof text, "0.0.0.0:%u", port);
    fd = metrics_listen(text, why, sizeof why);
    assert_true(fd >= 0);
    address_is(fd, "0.0.0.0", port);
    close(fd);
}

static void what_is_no_address(void **state) {
    (void)state;
    static const char *const bad[] = {"",
                                      "0",
                                      "x",
                                      "65536",
                                      "-1",
                                      " 80",
                                      "9145 ",
                                      "99999999999999999999999",
                                      ":9145",
                                      "127.0.0.1",
                                      "127.0.0.1:",
                                      "127.0.0.1:0",
                                      "localhost:9145",
                                      "1.2.3:9145",
                                      "::1:9145",
                                      "[::1]",
                                      "[::1]9145",
                                      "[]:9145",
                                      "[127.0.0.1]:9145",
                                      "[0000:0000:0000:0000:0000:0000:0000:0000:0000:0000:0000:0001]:9145",
                                      "127.0.0.1:9145\n"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        why[0] = '\0';
        assert_int_equal(metrics_listen(bad[i], why, sizeof why), -EINVAL);
        assert_non_null(strstr(why, "--metrics"));
    }
    assert_int_equal(metrics_listen("192.0.2.77:9145", why, sizeof why), -EADDRNOTAVAIL);
    assert_non_null(strstr(why, "no such address"));
}

/* One request from beginning to end. */
static void ask(unsigned port, const char *path, char *answer, size_t size) {
    struct sockaddr_in to = {
        .sin_family = AF_INET, .sin_port = htons((uint16_t)port), .sin_addr = {htonl(INADDR_LOOPBACK)}};
    char request[128];
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    assert_int_equal(connect(fd, (struct sockaddr *)&to, sizeof to), 0);
    int n = snprintf(request, sizeof request, "GET %s HTTP/1.1\r\nHost: x\r\n\r\n", path);
    assert_int_equal(write(fd, request, (size_t)n), n);
    size_t have = 0;
    ssize_t got;
    while (have + 1 < size && (got = read(fd, answer + have, size - 1 - have)) > 0) {
        have += (size_t)got;
    }
    answer[have] = '\0';
    close(fd);
}

static void the_last_text_is_served(void **state) {
    (void)state;
    static char answer[4096];
    char text[16];
    unsigned port = free_port();
    snprintf(text, sizeof text, "%u", port);
    int fd = metrics_listen(text, why, sizeof why);
    assert_true(fd >= 0);
    struct metrics_server *s = metrics_server_new(fd);
    assert_non_null(s);
    ask(port, "/metrics", answer, sizeof answer);
    assert_non_null(strstr(answer, " 503 "));
    metrics_server_publish(s, strdup("one 1\n"));
    metrics_server_publish(s, strdup("two 2\n"));
    metrics_server_publish(s, NULL);
    ask(port, "/metrics", answer, sizeof answer);
    assert_non_null(strstr(answer, " 200 "));
    assert_non_null(strstr(answer, "\r\n\r\ntwo 2\n# HELP smbtap_metrics_requests_total"));
    assert_non_null(strstr(answer, "\nsmbtap_metrics_requests_total 2\n"));
    ask(port, "/else", answer, sizeof answer);
    assert_non_null(strstr(answer, " 404 "));
    metrics_server_free(s);
    metrics_server_free(NULL);
}

enum { CLIENTS = 4, ROOM = 2 };

/* Where no descriptor is free for those who come the library does not look at its socket any more, until one that it has falls silent.
 * Whoever ends the server does not wait for that. */
static void the_end_with_no_room_for_clients(void **state) {
    (void)state;
    unsigned port = free_port();
    struct sockaddr_in to = {
        .sin_family = AF_INET, .sin_port = htons((uint16_t)port), .sin_addr = {htonl(INADDR_LOOPBACK)}};
    char text[16];
    struct rlimit before;
    struct timespec begin, end;
    int clients[CLIENTS];
    snprintf(text, sizeof text, "%u", port);
    struct metrics_server *s = metrics_server_new(metrics_listen(text, why, sizeof why));
    assert_non_null(s);
    for (unsigned i = 0; i < CLIENTS; i++) {
        clients[i] = socket(AF_INET, SOCK_STREAM, 0);
    }
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
    const struct rlimit few = {(rlim_t)clients[CLIENTS - 1] + 1 + ROOM, before.rlim_max};
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &few), 0);
    for (unsigned i = 0; i < CLIENTS; i++) {
        assert_int_equal(connect(clients[i], (struct sockaddr *)&to, sizeof to), 0);
    }
    nanosleep(&(struct timespec){.tv_nsec = 300000000}, NULL); /* they are taken, as far as there is room */
    clock_gettime(CLOCK_MONOTONIC, &begin);
    metrics_server_free(s);
    clock_gettime(CLOCK_MONOTONIC, &end);
    assert_true(end.tv_sec - begin.tv_sec < METRICS_IDLE_SECONDS / 2);
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
    for (unsigned i = 0; i < CLIENTS; i++) {
        close(clients[i]);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_listened_on),
        cmocka_unit_test(what_is_no_address),
        cmocka_unit_test(the_last_text_is_served),
        cmocka_unit_test(the_end_with_no_room_for_clients),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
