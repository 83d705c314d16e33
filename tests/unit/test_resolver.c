#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "delivery/resolver.h"

static atomic_bool held; /* the name server says nothing */
static atomic_uint asked;

/* In the place of the C library's: names have addresses as the test needs them, by the thread that asks. */
static struct addrinfo *entry(const char *address, int type, struct addrinfo *next) {
    struct addrinfo *a = calloc(1, sizeof *a + sizeof(struct sockaddr_in));
    struct sockaddr_in *in = (struct sockaddr_in *)(void *)(a + 1);
    in->sin_family = AF_INET;
    in->sin_port = htons(514);
    inet_pton(AF_INET, address, &in->sin_addr);
    *a = (struct addrinfo){.ai_family = AF_INET,
                           .ai_socktype = type,
                           .ai_addr = (struct sockaddr *)in,
                           .ai_addrlen = sizeof *in,
                           .ai_next = next};
    return a;
}

int getaddrinfo(const char *host, const char *port, const struct addrinfo *hints, struct addrinfo **to) {
    if (strcmp(port, "nonsense") == 0) {
        return EAI_SERVICE;
    }
    if (hints->ai_flags & AI_NUMERICHOST) {
        bool number = host[strspn(host, "0123456789.")] == '\0';
        *to = number ? entry(host, hints->ai_socktype, NULL) : NULL;
        return number ? 0 : EAI_NONAME;
    }
    atomic_fetch_add(&asked, 1);
    while (atomic_load(&held)) {
        usleep(1000);
    }
    if (strcmp(host, "many.example") == 0) {
        *to = NULL;
        for (unsigned i = 0; i < RESOLVER_ADDRESSES_MAX + 4; i++) {
            *to = entry("192.0.2.1", hints->ai_socktype, *to);
        }
        return 0;
    }
    if (strcmp(host, "errno.example") == 0) {
        errno = EMFILE;
        return EAI_SYSTEM;
    }
    return strcmp(host, "again.example") == 0 ? EAI_AGAIN : EAI_NONAME;
}

void freeaddrinfo(struct addrinfo *list) {
    while (list) {
        struct addrinfo *next = list->ai_next;
        free(list);
        list = next;
    }
}

static struct resolver_addresses found;
static char why[RESOLVER_WHY_SIZE];

static enum resolver_state answer(struct resolver *r) {
    struct pollfd ready = {.fd = resolver_fd(r), .events = POLLIN};
    assert_int_equal(poll(&ready, 1, 20000), 1);
    return resolver_answer(r, &found, why);
}

static void numbers_need_no_name_server(void **state) {
    (void)state;
    atomic_store(&held, true);
    struct resolver *r = resolver_new("192.0.2.7", "514", SOCK_STREAM);
    resolver_ask(r);
    assert_int_equal(answer(r), RESOLVER_DONE);
    assert_int_equal(found.count, 1);
    assert_int_equal(((struct sockaddr_in *)&found.list[0].address)->sin_addr.s_addr, inet_addr("192.0.2.7"));
    resolver_free(r);
    atomic_store(&held, false);
}

static void so_many_addresses_are_tried(void **state) {
    (void)state;
    struct resolver *r = resolver_new("many.example", "514", SOCK_STREAM);
    for (unsigned i = 0; i < 3; i++) {
        resolver_ask(r);
        assert_int_equal(answer(r), RESOLVER_DONE);
        assert_int_equal(found.count, RESOLVER_ADDRESSES_MAX);
    }
    resolver_free(r);
}

static void why_there_is_none(void **state) {
    (void)state;
    static const struct {
        const char *host, *port, *why;
    } cases[] = {
        {"none.example", "514", "there is no host of this name; correct it, or add it to the name server"},
        {"again.example", "514", "Temporary failure in name resolution; see /etc/resolv.conf, or give its address"},
        {"errno.example", "514", "Too many open files"},
        {"192.0.2.1", "nonsense", "nonsense: this is no port; give its number"},
        {"none.example", "nonsense", "nonsense: this is no port; give its number"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct resolver *r = resolver_new(cases[i].host, cases[i].port, SOCK_STREAM);
        resolver_ask(r);
        assert_int_equal(answer(r), RESOLVER_FAILED);
        assert_non_null(strstr(why, cases[i].why));
        resolver_free(r);
    }
}

/* Nobody waits for it, one thread at most does, and what it says in the end is taken. */
static void a_name_server_that_says_nothing(void **state) {
    (void)state;
    atomic_store(&held, true);
    atomic_store(&asked, 0);
    struct resolver *r = resolver_new("many.example", "514", SOCK_STREAM),
                    *left = resolver_new("many.example", "514", SOCK_STREAM);
    resolver_ask(left);
    resolver_free(left); /* its thread ends by itself */
    for (unsigned i = 0; i < 10; i++) {
        resolver_ask(r);
        assert_int_equal(resolver_answer(r, &found, why), RESOLVER_BUSY);
    }
    while (atomic_load(&asked) < 2) {
        usleep(1000);
    }
    usleep(10000);
    assert_int_equal(atomic_load(&asked), 2);
    atomic_store(&held, false);
    assert_int_equal(answer(r), RESOLVER_DONE);
    resolver_free(r);
    usleep(20000); /* for the thread that was left */
}

static void nothing_was_asked(void **state) {
    (void)state;
    struct resolver *r = resolver_new("many.example", "514", SOCK_STREAM);
    struct pollfd ready = {.fd = resolver_fd(r), .events = POLLIN};
    assert_int_equal(poll(&ready, 1, 0), 0);
    assert_int_equal(resolver_answer(r, &found, why), RESOLVER_FAILED);
    resolver_free(r);
    resolver_free(NULL);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(numbers_need_no_name_server), cmocka_unit_test(so_many_addresses_are_tried),
        cmocka_unit_test(why_there_is_none),           cmocka_unit_test(a_name_server_that_says_nothing),
        cmocka_unit_test(nothing_was_asked),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
