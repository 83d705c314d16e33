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

#include "base/system_clock.h"

enum { ROOM_KEPT = 1 << 20, PIPE_BYTES = 1 << 20, DRAIN_MS = 5 };

struct appender {
    int fd;
    bool ours, regular;
    bool unended;  /* the file's last line is somebody else's, and has no end yet */
    uint64_t size; /* of the file, as far as it is known here */
    char *waiting;
    size_t start, from, to; /* of what waits; start: of the line that from is in, a part of which was written */
    size_t room;            /* the memory for it */
    size_t waiting_max;
    int trouble;
    uint64_t written;
};

static int end_line(struct appender *a) {
    if (a->unended) {
        if (write(a->fd, "\n", 1) != 1) {
            return -errno;
        }
        a->unended = false;
        a->size++;
    }
    return 0;
}

/* A pipe or terminal takes PIPE_BUF bytes without a wait when poll(2) says that it can be written (pipe(7)). */
static int write_some(struct appender *a, const char *p, size_t n, size_t *done) {
    struct pollfd ready = {.fd = a->fd, .events = POLLOUT};
    *done = 0;
    int error = a->fd < 0 ? -ENXIO : end_line(a);
    if (error != 0) {
        return error;
    }
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
            a->size += (uint64_t)written;
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
    if (a->to == 0 && a->room > ROOM_KEPT) { /* trouble is over */
        free(a->waiting);
        a->waiting = NULL;
        a->room = 0;
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
    if (held + n <= a->room) {
        return true;
    }
    size_t room = a->room * 2 > held + n ? a->room * 2 : held + n;
    char *larger = realloc(a->waiting, room);
    if (larger) {
        a->waiting = larger;
        a->room = room;
    }
    return larger != NULL;
}

/* All of it is taken, or nothing: what is left of a line that was begun must find room. */
static int appender_write(void *state, const struct line_list *batch) {
    struct appender *a = state;
    const char *lines = batch->bytes;
    size_t n = batch->n;
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

/* A network file system may tell only here that the disk is full. */
static int appender_close(struct appender *a) {
    int error = a->ours && a->fd >= 0 && close(a->fd) != 0 && errno != EINTR ? -errno : 0;
    a->fd = -1;
    return error;
}

static int appender_end(void *state) {
    struct appender *a = state;
    int trouble = write_waiting(a), error = appender_close(a);
    appender_free(a);
    return trouble != 0 ? trouble : error;
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
    a->unended = a->regular && st.st_size > 0 && pread(fd, &last, 1, st.st_size - 1) == 1 && last != '\n';
    a->size = a->regular ? (uint64_t)st.st_size : 0;
    if (fd >= 0) {
        (void)end_line(a);
    }
}

int appender_open(int folder, const char *path) {
    const int how = O_CREAT | O_APPEND | O_CLOEXEC | O_NOCTTY | O_NONBLOCK;
    struct stat st;
    bool regular = fstatat(folder, path, &st, 0) != 0 || S_ISREG(st.st_mode);
    int fd = regular ? openat(folder, path, O_RDWR | how, 0666) : -1;
    if (fd < 0) {
        fd = openat(folder, path, O_WRONLY | how, 0666);
    }
    int flags = fd >= 0 ? fcntl(fd, F_GETFL) : -1;
    if (fd >= 0 && (flags < 0 || fcntl(fd, F_SETFL, flags & ~O_NONBLOCK) != 0)) {
        int error = -errno;
        close(fd);
        return error;
    }
    return fd >= 0 ? fd : -errno;
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
    return (struct sink){.state = a, .write = appender_write, .flush = appender_flush, .close = appender_end};
}

int appender_reopen(struct appender *a, int fd) {
    (void)write_waiting(a);
    int error = appender_close(a);
    a->from = a->start; /* a line that was begun there is whole here */
    take_over(a, fd);
    return error;
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

uint64_t appender_waiting_lines(const struct appender *a) {
    uint64_t lines = 0;
    const char *end = NULL;
    for (size_t at = a->from; at < a->to && (end = memchr(a->waiting + at, '\n', a->to - at)) != NULL;) {
        at = (size_t)(end - a->waiting) + 1;
        lines++;
    }
    return lines;
}

uint64_t appender_size(const struct appender *a) {
    return a->size + a->unended;
}

uint64_t appender_written(const struct appender *a) {
    return a->written;
}

bool appender_drain(struct appender *a, uint64_t ns) {
    uint64_t begun = system_clock_ns(CLOCK_MONOTONIC);
    while (write_waiting(a) != 0 && a->trouble != -EPIPE && system_clock_ns(CLOCK_MONOTONIC) - begun < ns) {
        struct pollfd ready = {.fd = a->trouble == -EAGAIN ? a->fd : -1, .events = POLLOUT};
        poll(&ready, 1, DRAIN_MS);
    }
    return a->from == a->to;
}

void appender_free(struct appender *a) {
    if (a) {
        (void)appender_close(a);
        free(a->waiting);
        free(a);
    }
}
