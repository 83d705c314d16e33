#include "resident.h"

#include <fcntl.h>
#include <malloc.h>
#include <stdlib.h>
#include <unistd.h>

enum { BACKOFF_PART = 16 }; /* part of the ceiling: so much more, before it is tried again where it did not help */

size_t resident_bytes(const struct resident *r) {
    char text[128], *second;
    ssize_t n = r->fd >= 0 ? pread(r->fd, text, sizeof text - 1, 0) : -1;
    if (n <= 0) {
        return 0;
    }
    text[n] = '\0'; /* pages: size, resident, ... (proc(5)) */
    (void)strtoul(text, &second, 10);
    return strtoul(second, NULL, 10) * (size_t)sysconf(_SC_PAGESIZE);
}

int resident_open(void) {
    int fd = open("/proc/self/statm", O_RDONLY | O_CLOEXEC);
    int above = fd >= 0 ? fcntl(fd, F_DUPFD_CLOEXEC, STDERR_FILENO + 1) : -1;
    if (fd >= 0) {
        close(fd);
    }
    return above;
}

void resident_begin(struct resident *r, int statm, size_t ceiling) {
    bool owned = statm == 0;
    *r = (struct resident){.fd = owned ? resident_open() : statm, .owned = owned, .ceiling = ceiling};
    r->base = resident_bytes(r);
}

bool resident_look(struct resident *r) {
    size_t now = resident_bytes(r);
    if (now == 0 || now < r->base || now - r->base < r->ceiling) {
        return false;
    }
    malloc_trim(0);
    now = resident_bytes(r);
    if (now >= r->base && now - r->base >= r->ceiling) {
        r->base = now - r->ceiling + r->ceiling / BACKOFF_PART;
    }
    return true;
}

void resident_end(struct resident *r) {
    if (r->fd >= 0 && r->owned) {
        close(r->fd);
    }
    r->fd = -1;
}
