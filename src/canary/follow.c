#include "canary/follow.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static void close_file(struct follow_file *f) {
    if (f->fd >= 0) {
        close(f->fd);
    }
    f->fd = -1;
}

/* What has the name now, if that is another file. Not a pipe, which would be waited for and emptied. */
static int look(struct follow *w, bool from_end) {
    struct stat st;
    if (stat(w->path, &st) != 0) {
        return errno == ENOENT ? 0 : -errno;
    }
    if (!S_ISREG(st.st_mode)) {
        return -EINVAL;
    }
    if (w->now.fd >= 0 && st.st_dev == w->now.device && st.st_ino == w->now.inode) {
        return 0;
    }
    int fd = open(w->path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0) {
        return errno == ENOENT ? 0 : -errno;
    }
    if (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode)) {
        close(fd);
        return -EINVAL;
    }
    close_file(&w->before);
    memcpy(&w->before, &w->now, sizeof w->before);
    w->now.fd = fd;
    w->now.device = st.st_dev;
    w->now.inode = st.st_ino;
    w->now.at = from_end ? st.st_size : 0;
    w->now.used = 0;
    w->now.passing = false;
    return 0;
}

/* Whole lines go to take; the beginning of the next one stays. */
static bool split(struct follow_file *f, follow_line take, void *arg) {
    char *from = f->line, *const end = f->line + f->used, *newline;
    while ((newline = memchr(from, '\n', (size_t)(end - from))) != NULL) {
        if (!f->passing && take(arg, from, (size_t)(newline - from))) {
            return true;
        }
        f->passing = false;
        from = newline + 1;
    }
    f->used = (size_t)(end - from);
    memmove(f->line, from, f->used);
    if (f->passing || f->used == sizeof f->line) {
        f->passing = true;
        f->used = 0;
    }
    return false;
}

static int read_file(struct follow_file *f, follow_line take, void *arg) {
    struct stat st;
    if (f->fd < 0) {
        return FOLLOW_NOTHING;
    }
    if (fstat(f->fd, &st) == 0 && st.st_size < f->at) { /* it was made empty, and begins anew */
        f->at = 0;
        f->used = 0;
        f->passing = false;
    }
    ssize_t n = pread(f->fd, f->line + f->used, sizeof f->line - f->used, f->at);
    if (n <= 0) {
        return n == 0 || errno == EINTR ? FOLLOW_NOTHING : -errno;
    }
    f->at += n;
    f->used += (size_t)n;
    return split(f, take, arg) ? FOLLOW_FOUND : FOLLOW_SOME;
}

int follow_begin(struct follow *w, const char *path, bool from_end) {
    w->path = path;
    w->now.fd = -1;
    w->before.fd = -1;
    return look(w, from_end);
}

/* The file that had the name is read to its end before the one that has it now takes its place. */
int follow_read(struct follow *w, follow_line take, void *arg) {
    int result = read_file(&w->before, take, arg);
    if (result == FOLLOW_NOTHING) {
        result = read_file(&w->now, take, arg);
    }
    if (result != FOLLOW_NOTHING) {
        return result;
    }
    int error = look(w, false);
    return error ? error : read_file(&w->now, take, arg);
}

void follow_end(struct follow *w) {
    close_file(&w->now);
    close_file(&w->before);
}
