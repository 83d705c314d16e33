#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cmocka.h>

#include "service.h"

static char why[256];

/* The manager's end, bound to an abstract name that the kernel chooses, which is left in the environment. */
static int manager(void) {
    struct sockaddr_un at = {.sun_family = AF_UNIX};
    socklen_t size = sizeof(at.sun_family);
    int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0);
    assert_true(fd >= 0);
    assert_int_equal(bind(fd, (const struct sockaddr *)&at, size), 0);
    size = sizeof(at);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&at, &size), 0);
    char name[sizeof(at.sun_path) + 1];
    snprintf(name, sizeof(name), "@%.*s", (int)(size - offsetof(struct sockaddr_un, sun_path) - 1), at.sun_path + 1);
    setenv("NOTIFY_SOCKET", name, 1);
    return fd;
}

static void heard(int fd, const char *wanted) {
    char text[2048];
    ssize_t n = recv(fd, text, sizeof(text) - 1, 0);
    assert_true(n >= 0);
    text[n] = '\0';
    assert_string_equal(text, wanted);
}

static void silent(int fd) {
    char text[16];
    assert_int_equal(recv(fd, text, sizeof(text), 0), -1);
    assert_int_equal(errno, EAGAIN);
}

static int clean(void **state) {
    (void)state;
    unsetenv("NOTIFY_SOCKET");
    unsetenv("WATCHDOG_USEC");
    unsetenv("WATCHDOG_PID");
    return 0;
}

static void without_manager(void **state) {
    (void)state;
    struct service s;
    assert_int_equal(service_open(&s, why, sizeof(why)), 0);
    assert_int_equal(s.fd, -1);
    assert_int_equal(s.watchdog_ns, 0);
    service_ready(&s);
    service_reloading(&s);
    service_status(&s, "%d", 1);
    service_alive(&s);
    service_stopping(&s);
    service_close(&s);
    service_close(&s);
}

static void what_is_told(void **state) {
    (void)state;
    struct service s;
    int fd = manager();
    assert_int_equal(service_open(&s, why, sizeof(why)), 0);
    assert_null(getenv("NOTIFY_SOCKET"));
    service_ready(&s);
    heard(fd, "READY=1");
    service_status(&s, "%s: %d packets", "eth1", 5);
    heard(fd, "STATUS=eth1: 5 packets");
    service_alive(&s);
    heard(fd, "WATCHDOG=1");
    service_stopping(&s);
    heard(fd, "STOPPING=1");
    silent(fd);
    service_close(&s);
    close(fd);
}

static void reloading_has_the_time(void **state) {
    (void)state;
    struct service s;
    int fd = manager();
    assert_int_equal(service_open(&s, why, sizeof(why)), 0);
    service_reloading(&s);
    char text[128];
    unsigned long long us;
    ssize_t n = recv(fd, text, sizeof(text) - 1, 0);
    assert_true(n > 0);
    text[n] = '\0';
    assert_int_equal(sscanf(text, "RELOADING=1\nMONOTONIC_USEC=%llu", &us), 1);
    assert_true(us > 0);
    service_close(&s);
    close(fd);
}

/* An interface may be called almost anything. */
static void status_is_one_line_of_text(void **state) {
    (void)state;
    struct service s;
    int fd = manager();
    assert_int_equal(service_open(&s, why, sizeof(why)), 0);
    service_status(&s, "%s", "a\nREADY=1\x7f\xc3\xa9 ~");
    heard(fd, "STATUS=a?READY=1??? ~");
    char long_text[2000], wanted[SERVICE_TEXT_MAX + 8];
    memset(long_text, 'x', sizeof(long_text));
    long_text[sizeof(long_text) - 1] = '\0';
    snprintf(wanted, sizeof(wanted), "STATUS=%.*s", SERVICE_TEXT_MAX, long_text);
    service_status(&s, "%s", long_text);
    heard(fd, wanted);
    service_close(&s);
    close(fd);
}

static void by_path(void **state) {
    (void)state;
    struct service s;
    char folder[] = "/tmp/smbtap-service-XXXXXX";
    assert_non_null(mkdtemp(folder));
    struct sockaddr_un at = {.sun_family = AF_UNIX};
    snprintf(at.sun_path, sizeof(at.sun_path), "%s/notify", folder);
    int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0);
    assert_true(fd >= 0);
    assert_int_equal(bind(fd, (const struct sockaddr *)&at, sizeof(at)), 0);
    setenv("NOTIFY_SOCKET", at.sun_path, 1);
    assert_int_equal(service_open(&s, why, sizeof(why)), 0);
    unlink(at.sun_path); /* what was connected needs the name no more */
    rmdir(folder);
    service_ready(&s);
    heard(fd, "READY=1");
    close(fd);
    service_ready(&s); /* the manager is gone */
    service_close(&s);
}

static void bad_addresses(void **state) {
    (void)state;
    char long_path[200];
    memset(long_path, 'x', sizeof(long_path));
    long_path[0] = '/';
    long_path[sizeof(long_path) - 1] = '\0';
    const struct {
        const char *name;
        int error;
    } cases[] = {
        {"", -EAFNOSUPPORT},       {"/", -EAFNOSUPPORT},       {"@", -EAFNOSUPPORT},
        {"notify", -EAFNOSUPPORT}, {long_path, -EAFNOSUPPORT}, {"/nonexistent/notify", -ENOENT},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        struct service s;
        setenv("NOTIFY_SOCKET", cases[i].name, 1);
        setenv("WATCHDOG_USEC", "1000000", 1);
        assert_int_equal(service_open(&s, why, sizeof(why)), cases[i].error);
        assert_int_equal(s.fd, -1);
        assert_int_equal(s.watchdog_ns, 0);
        assert_non_null(strstr(why, "NOTIFY_SOCKET "));
        assert_non_null(strstr(why, "unset it"));
        service_status(&s, "nothing");
    }
}

static void watchdog(void **state) {
    (void)state;
    struct service s;
    char pid[32];
    setenv("WATCHDOG_USEC", "30000000", 1);
    snprintf(pid, sizeof(pid), "%ld", (long)getpid());
    setenv("WATCHDOG_PID", pid, 1);
    assert_int_equal(service_open(&s, why, sizeof(why)), 0);
    assert_true(s.watchdog_ns == UINT64_C(30000000000));
    assert_null(getenv("WATCHDOG_USEC"));
    service_close(&s);
    setenv("WATCHDOG_USEC", "30000000", 1);
    setenv("WATCHDOG_PID", "1", 1); /* another one's */
    assert_int_equal(service_open(&s, why, sizeof(why)), 0);
    assert_int_equal(s.watchdog_ns, 0);
    setenv("WATCHDOG_USEC", "soon", 1);
    unsetenv("WATCHDOG_PID");
    assert_int_equal(service_open(&s, why, sizeof(why)), 0);
    assert_int_equal(s.watchdog_ns, 0);
}

/* A manager that does not read: what comes again is lost, and nothing blocks for ever. */
static void busy_manager(void **state) {
    (void)state;
    struct service s;
    int fd = manager();
    assert_int_equal(service_open(&s, why, sizeof(why)), 0);
    unsigned sent = 0;
    while (write(s.fd, "X", 1) == 1) {
        sent++;
        assert_true(sent < 100000);
    }
    assert_int_equal(errno, EAGAIN);
    service_status(&s, "lost");
    service_alive(&s);
    service_ready(&s); /* waits its second */
    for (unsigned i = 0; i < sent; i++) {
        heard(fd, "X");
    }
    silent(fd);
    service_ready(&s);
    heard(fd, "READY=1");
    service_close(&s);
    close(fd);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(without_manager, clean),
        cmocka_unit_test_setup(what_is_told, clean),
        cmocka_unit_test_setup(reloading_has_the_time, clean),
        cmocka_unit_test_setup(status_is_one_line_of_text, clean),
        cmocka_unit_test_setup(by_path, clean),
        cmocka_unit_test_setup(bad_addresses, clean),
        cmocka_unit_test_setup(watchdog, clean),
        cmocka_unit_test_setup(busy_manager, clean),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
