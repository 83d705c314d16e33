#include "file_sink.h"

#include <errno.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct file_sink {
    int fd;
    bool ours; /* to be closed */
};

/* Standard output may have been set non-blocking by whoever shares it, such as ssh. */
static int wait_for_room(int fd) {
    struct pollfd p = {.fd = fd, .events = POLLOUT};
    return poll(&p, 1, -1) < 0 && errno != EINTR ? -errno : 0;
}

static int file_write(void *state, const struct line_list *batch) {
    const struct file_sink *sink = state;
    const char *lines = batch->bytes;
    size_t n = batch->n;
    while (n > 0) {
        ssize_t written = write(sink->fd, lines, n);
        if (written >= 0) {
            lines += written;
            n -= (size_t)written;
            continue;
        }
        int error = -errno;
        if (error == -EAGAIN) {
            error = wait_for_room(sink->fd);
        }
        if (error != 0 && error != -EINTR) {
            return error;
        }
    }
    return 0;
}

static int file_flush(void *state) {
    (void)state;
    return 0;
}

/* A network file system may tell only here that the disk is full. */
static int file_close(void *state) {
    struct file_sink *sink = state;
    int error = sink->ours && close(sink->fd) != 0 && errno != EINTR ? -errno : 0;
    free(sink);
    return error;
}

int file_sink_open(int fd, struct sink *out) {
    struct file_sink *sink = malloc(sizeof(*sink));
    bool ours = fd != STDOUT_FILENO;
    if (sink == NULL) {
        if (ours) {
            close(fd);
        }
        return -ENOMEM;
    }
    *sink = (struct file_sink){.fd = fd, .ours = ours};
    *out = (struct sink){.state = sink, .write = file_write, .flush = file_flush, .close = file_close};
    return 0;
}

struct remedy {
    int error;
    const char *problem, *remedy;
};

static const struct remedy remedies[] = {
    {EEXIST, "is one of the captures to be read", "choose another file with -o"},
    {ENOSPC, "no space left on the device", "free some, or write elsewhere with -o; the last line may be cut"},
    {EDQUOT, "disk quota used up", "free some, or write elsewhere with -o; the last line may be cut"},
    {EFBIG, "the file has reached its largest size", "raise the limit (ulimit -f), or write to a pipe with -o -"},
    {EACCES, "permission denied", "choose a file you may write with -o"},
    {EPERM, "not permitted", "choose a file you may write with -o"},
    {EROFS, "the file system is read-only", "write elsewhere with -o"},
    {EISDIR, "is a folder", "name a file in it with -o"},
    {ENOENT, "the folder does not exist", "create it first"},
    {ENOTDIR, "part of the path is not a folder", "correct the path given to -o"},
    {ENXIO, "has no reader", "start what reads it"},
    {EPIPE, "the reader went away", "nothing more was written"},
    {EBADF, "is closed", "redirect it, or write to a file with -o"},
};

void file_sink_explain(const char *path, int error, char *to, size_t size) {
    const char *name = strcmp(path, "-") == 0 ? "standard output" : path;
    if (error < 0) {
        error = -error;
    }
    for (size_t i = 0; i < sizeof(remedies) / sizeof(remedies[0]); i++) {
        if (remedies[i].error == error) {
            snprintf(to, size, "%s: %s; %s", name, remedies[i].problem, remedies[i].remedy);
            return;
        }
    }
    snprintf(to, size, "%s: cannot be written: %s; check the file, or write elsewhere with -o", name, strerror(error));
}
