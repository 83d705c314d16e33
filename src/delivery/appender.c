#include "appender.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum { ROOM_KEPT = 1 << 20, PIPE_BYTES = 1 << 20 };

struct appender {
    int fd;
    bool ours, regular;
    char *waiting;
    size_t start, from, to; /* of what waits; start: of the line that from is in, a part of which was written */
    size_t size;            /* of the memory for it */
    size_t waiting_max;
    int trouble;
    uint64_t written;
};

/* A pipe or terminal takes PIPE_BUF bytes without a wait when poll(2) says that it can be written (pipe(7)). */
static int write_some(struct appender *a, const char *p, size_t n, size_t *done) {
    struct pollfd ready = {.fd = a->fd, .events = POLLOUT};
    *done = 0;
    while (*done < n) {
        size_t part = n - *done;
        if (!a->regular) {
            if (poll(&ready, 1, 0) == 0) {
                return -EAGAIN;
            }
            part = part < PIPE_BUF ? part : PIPE_BUF;
        }
        ssize_t written = write(a->fd, p + *done, part);
        if (written > 0) {
            *done += (size_t)written;
            a->written += (uint64_t)written;
        } else if (written < 0 && errno != EINTR) {
            return -errno;
        }
    }
    return 0;
}

/* Where the line begins in which at lies. */
static size_t line_start(const char *p, size_t at) {
    const char *end = at != 0 ? memrchr(p, '\n', at) : NULL;
    return end ? (size_t)(end - p) + 1 : 0;
}

static int write_waiting(struct appender *a) {
    size_t done = 0;
    if (a->from != a->to) {
        a->trouble = write_some(a, a->waiting + a->from, a->to - a->from, &done);
        a->from += done;
        a->start += line_start(a->waiting + a->start, a->from - a->start);
    }
    if (a->from == a->to) {
        a->start = a->from = a->to = 0;
        a->trouble = 0;
    }
    if (a->to == 0 && a->size > ROOM_KEPT) { /* trouble is over */
        free(a->waiting);
        a->waiting = NULL;
        a->size = 0;
    }
    return a->trouble;
}

/* Room for n bytes more behind what waits; false where there may be no more, or is none. */
static bool make_room(struct appender *a, size_t n) {
    size_t held = a->to - a->start;
    if (n > a->waiting_max || held > a->waiting_max - n) {
        return false;
    }
    if (a->start != 0) {
        memmove(a->waiting, a->waiting + a->start, held);
        a->from -= a->start;
        a->start = 0;
        a->to = held;
    }
    if (held + n <= a->size) {
        return true;
    }
    size_t size = a->size * 2 > held + n ? a->size * 2 : held + n;
    char *larger = realloc(a->waiting, size);
    if (larger) {
        a->waiting = larger;
        a->size = size;
    }
    return larger != NULL;
}

/* All of it is taken, or nothing: what is left of a line that was begun must find room. */
static int appender_write(void *state, const char *lines, size_t n) {
    struct appender *a = state;
    size_t done = 0, begun = 0;
    bool first = write_waiting(a) == 0;
    if (!make_room(a, n)) {
        return -EAGAIN;
    }
    if (first) {
        a->trouble = write_some(a, lines, n, &done);
        begun = done < n ? done - line_start(lines, done) : 0;
    }
    if (done < n) {
        memcpy(a->waiting + a->to, lines + done - begun, n - done + begun);
        a->to += n - done + begun;
        a->from += first ? begun : 0;
    }
    return 0;
}

static int appender_flush(void *state) {
    (void)write_waiting(state);
    return 0;
}

static void appender_close(struct appender *a) {
    if (a->ours && a->fd >= 0) {
        close(a->fd);
    }
    a->fd = -1;
}

static int appender_end(void *state) {
    struct appender *a = state;
    int trouble = write_waiting(a);
    appender_free(a);
    return trouble;
}

static void take_over(struct appender *a, int fd) {
    struct stat st = {0};
    char last = '\n';
    a->fd = fd;
    a->regular = fstat(fd, &st) == 0 && S_ISREG(st.st_mode);
    if (!a->regular &&
        S_ISFIFO(st.st_mode)) { /* so that a reader and this thread need not take turns for every few lines */
        (void)!fcntl(fd, F_SETPIPE_SZ, PIPE_BYTES);
    }
    if (a->regular && st.st_size > 0 && pread(fd, &last, 1, st.st_size - 1) == 1 && last != '\n') {
        (void)!write(fd, "\n", 1);
    }
}

struct appender *appender_new(int fd, bool close_it, size_t waiting_max) {
    struct appender *a = calloc(1, sizeof *a);
    if (a) {
        a->ours = close_it;
        a->waiting_max = waiting_max;
        take_over(a, fd);
    }
    return a;
}

struct sink appender_sink(struct appender *a) {
    return (struct sink){a, appender_write, appender_flush, appender_end};
}

void appender_reopen(struct appender *a, int fd) {
    (void)write_waiting(a);
    appender_close(a);
    a->from = a->start; /* a line that was begun there is whole here */
    take_over(a, fd);
}

int appender_trouble(const struct appender *a) {
    return a->trouble;
}

int appender_descriptor(const struct appender *a) {
    return a->trouble == -EAGAIN ? a->fd : -1;
}

size_t appender_waiting(const struct appender *a) {
    return a->to - a->from;
}

uint64_t appender_written(const struct appender *a) {
    return a->written;
}

bool appender_drain(struct appender *a, uint64_t ns) {
    const struct timespec pause = {.tv_nsec = 5000000};
    for (uint64_t passed = 0; write_waiting(a) != 0 && passed < ns; passed += (uint64_t)pause.tv_nsec) {
        nanosleep(&pause, NULL);
    }
    return a->from == a->to;
}

void appender_free(struct appender *a) {
    if (a) {
        appender_close(a);
        free(a->waiting);
        free(a);
    }
}
