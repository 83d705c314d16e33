#include "service.h"

#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <systemd/sd-daemon.h>
#include <time.h>
#include <unistd.h>

enum { WAIT_MS = 100, NS_PER_US = 1000 };

/* An address as sd_notify(3) has it: a path, or "@" and an abstract name, which is not terminated. 0 where it is neither. */
static socklen_t parse_address(struct sockaddr_un *to, const char *name) {
    size_t n = strlen(name);
    *to = (struct sockaddr_un){.sun_family = AF_UNIX};
    if ((name[0] != '/' && name[0] != '@') || name[1] == '\0' || n >= sizeof(to->sun_path)) {
        return 0;
    }
    memcpy(to->sun_path, name, n);
    if (name[0] == '@') {
        to->sun_path[0] = '\0';
        return (socklen_t)(offsetof(struct sockaddr_un, sun_path) + n);
    }
    return sizeof(*to);
}

static int connected(const char *name) {
    struct sockaddr_un to;
    socklen_t size = parse_address(&to, name);
    if (size == 0) {
        return -EAFNOSUPPORT;
    }
    int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd >= 0 && connect(fd, (const struct sockaddr *)&to, size) != 0) {
        int error = errno;
        close(fd);
        return -error;
    }
    return fd >= 0 ? fd : -errno;
}

int service_open(struct service *s, char *why, size_t why_size) {
    *s = (struct service){.fd = -1};
    uint64_t watchdog_us;
    if (sd_watchdog_enabled(1, &watchdog_us) > 0) {
        s->watchdog_ns = watchdog_us * NS_PER_US;
    }
    const char *name = getenv("NOTIFY_SOCKET");
    if (name) {
        s->fd = connected(name);
    }
    int error = name && s->fd < 0 ? s->fd : 0;
    if (error) {
        snprintf(why, why_size,
                 "NOTIFY_SOCKET %.108s: the service manager cannot be told: %s; unset it where there is none", name,
                 strerror(-error));
        service_close(s);
    }
    unsetenv("NOTIFY_SOCKET");
    return error;
}

void service_close(struct service *s) {
    if (s->fd >= 0) {
        close(s->fd);
    }
    *s = (struct service){.fd = -1};
}

static void tell(const struct service *s, const char *text, int wait_ms) {
    if (s->fd < 0) {
        return;
    }
    size_t n = strlen(text);
    if (write(s->fd, text, n) >= 0 || (errno != EAGAIN && errno != EINTR)) {
        return; /* a manager that is gone cannot be told so */
    }
    struct pollfd room = {.fd = s->fd, .events = POLLOUT};
    if (wait_ms > 0 && poll(&room, 1, wait_ms) > 0) {
        (void)!write(s->fd, text, n);
    }
}

void service_ready(const struct service *s) {
    tell(s, "READY=1", WAIT_MS);
}

void service_reloading(const struct service *s) {
    struct timespec now; /* with it systemd knows what READY=1 answers */
    clock_gettime(CLOCK_MONOTONIC, &now);
    char text[64];
    snprintf(text, sizeof(text), "RELOADING=1\nMONOTONIC_USEC=%" PRIu64,
             (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / NS_PER_US);
    tell(s, text, WAIT_MS);
}

void service_stopping(const struct service *s) {
    tell(s, "STOPPING=1", WAIT_MS);
}

void service_status(const struct service *s, const char *format, ...) {
    static const char name[] = "STATUS=";
    char text[sizeof(name) + SERVICE_TEXT_MAX];
    memcpy(text, name, sizeof(name));
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text + sizeof(name) - 1, sizeof(text) - (sizeof(name) - 1), format, arguments);
    va_end(arguments);
    for (char *c = text; *c != '\0'; c++) {
        *c = *c >= ' ' && *c <= '~' ? *c : '?';
    }
    tell(s, text, 0);
}

void service_alive(const struct service *s) {
    tell(s, "WATCHDOG=1", 0);
}
