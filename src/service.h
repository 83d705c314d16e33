/* What a service manager is told: ready, stopping, how it goes, and that the workers are alive (sd_notify(3), "Type=notify" of
   systemd.service(5)).

   libsystemd's sd_notify() makes a socket for each message, which a program that has given up making sockets cannot do. So
   one is connected here while that is still allowed, and then only written to: after the sandbox it takes write(2) and poll(2).

   Where no service manager waits for word (no NOTIFY_SOCKET), service_open() succeeds and the others do nothing. All of it
   belongs to one thread. */
#ifndef SERVICE_H
#define SERVICE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { SERVICE_TEXT_MAX = 512 }; /* bytes of a status, which is cut there */

struct service {
    int fd;               /* connected to the service manager; -1: there is none */
    uint64_t watchdog_ns; /* service_alive() is waited for so long; 0: it is not */
};

/* Takes what the service manager left in the environment out of it, and connects. To be called before threads, fork and sandbox.
   On failure, a negative errno, *s is closed, and why has one line with the remedy. */
__attribute__((warn_unused_result)) int service_open(struct service *s, char *why, size_t why_size);

/* Without effect on one that is closed. */
void service_close(struct service *s);

/* Capturing: at the start, and after service_reloading(). Waits a tenth of a second at most where the manager is busy, as the next two do. */
void service_ready(const struct service *s);

/* The configuration is read again; service_ready() says that this is over, also where the new one was refused. */
void service_reloading(const struct service *s);

/* The end has begun. */
void service_stopping(const struct service *s);

/* One line for people: packets, drops, what is waited for. Never waits: where the manager is busy it is lost. What is not
   printable ASCII becomes '?', for the manager takes UTF-8 alone, and a new line would begin another message. */
__attribute__((format(printf, 2, 3))) void service_status(const struct service *s, const char *format, ...);

/* Feeds the watchdog. Only to be called when every worker has been through its packet loop since the last time, and at least
   twice in watchdog_ns. Never waits. */
void service_alive(const struct service *s);

#endif
