#include "zstd_file.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <zstd.h>

struct work {
    int from, to;
    ZSTD_CCtx *zstd;
    char *in, *out; /* as large as zstd recommends */
    const atomic_bool *stop;
};

static int write_all(int fd, const char *p, size_t n) {
    while (n > 0) {
        ssize_t written = write(fd, p, n);
        if (written < 0 && errno != EINTR) {
            return -errno;
        }
        p += written > 0 ? written : 0;
        n -= written > 0 ? (size_t)written : 0;
    }
    return 0;
}

/* Writes out what zstd makes of a part, and of the last one to the end. */
static int compress_part(const struct work *w, size_t n, bool last) {
    ZSTD_inBuffer in = {.src = w->in, .size = n};
    size_t left;
    do {
        ZSTD_outBuffer out = {.dst = w->out, .size = ZSTD_CStreamOutSize()};
        left = ZSTD_compressStream2(w->zstd, &out, &in, last ? ZSTD_e_end : ZSTD_e_continue);
        int error = ZSTD_isError(left) ? -ENOMEM : write_all(w->to, w->out, out.pos); /* nothing else can fail there */
        if (error != 0) {
            return error;
        }
    } while (last ? left != 0 : in.pos < in.size);
    return 0;
}

static int compress_all(const struct work *w) {
    for (;;) {
        if (atomic_load(w->stop)) {
            return -ECANCELED;
        }
        ssize_t n = read(w->from, w->in, ZSTD_CStreamInSize());
        if (n < 0 && errno == EINTR) {
            continue;
        }
        int error = n < 0 ? -errno : compress_part(w, (size_t)n, n == 0);
        if (error != 0 || n == 0) {
            return error;
        }
    }
}

static int compress(int from, int to, const atomic_bool *stop) {
    struct work w = {
        .from = from, .to = to, .zstd = ZSTD_createCCtx(), .in = malloc(ZSTD_CStreamInSize()), .stop = stop};
    w.out = malloc(ZSTD_CStreamOutSize());
    int error = -ENOMEM;
    if (w.zstd && w.in && w.out && !ZSTD_isError(ZSTD_CCtx_setParameter(w.zstd, ZSTD_c_checksumFlag, 1))) {
        error = compress_all(&w);
    }
    ZSTD_freeCCtx(w.zstd);
    free(w.in);
    free(w.out);
    return error;
}

/* Its owner is whoever made it: another can be given to it by root alone. */
static int dress(int fd, const struct stat *like) {
    const struct timespec times[2] = {like->st_atim, like->st_mtim};
    return fchmod(fd, like->st_mode & 0777) != 0 || futimens(fd, times) != 0 || fsync(fd) != 0 ? -errno : 0;
}

/* With a lock on name: nobody else has the temporary file. */
static int replace(int folder, const char *name, int from, const struct stat *st, const atomic_bool *stop) {
    char temporary[NAME_MAX + 1], whole[NAME_MAX + 1];
    if (snprintf(temporary, sizeof temporary, "%s" ZSTD_FILE_TEMPORARY, name) >= (int)sizeof temporary ||
        snprintf(whole, sizeof whole, "%s" ZSTD_FILE_ENDING, name) >= (int)sizeof whole) {
        return -ENAMETOOLONG;
    }
    (void)unlinkat(folder, temporary, 0);
    int to = openat(folder, temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (to < 0) {
        return -errno;
    }
    int error = compress(from, to, stop);
    error = error == 0 ? dress(to, st) : error;
    if (close(to) != 0 && error == 0) {
        error = -errno;
    }
    if (error == 0 && renameat(folder, temporary, folder, whole) != 0) {
        error = -errno;
    }
    if (error != 0) {
        (void)unlinkat(folder, temporary, 0);
        return error;
    }
    return fsync(folder) != 0 || unlinkat(folder, name, 0) != 0 ? -errno : 0;
}

int zstd_file_compress(int folder, const char *name, const atomic_bool *stop) {
    struct stat st;
    int from = openat(folder, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    if (from < 0) {
        return -errno;
    }
    int error = flock(from, LOCK_EX | LOCK_NB) != 0 ? (errno == EWOULDBLOCK ? -EBUSY : -errno)
                : fstat(from, &st) != 0             ? -errno
                : !S_ISREG(st.st_mode)              ? -EINVAL
                : st.st_nlink == 0                  ? -ENOENT /* another process was faster */
                                                    : replace(folder, name, from, &st, stop);
    close(from);
    return error;
}
