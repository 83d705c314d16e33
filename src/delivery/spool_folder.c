#include "delivery/spool_folder.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#include "base/system_clock.h"

#define REFUSED "refused.jsonl"
#define REFUSED_OLD "refused.jsonl.old"

enum { LOCK_PAUSE_NS = 10000000 };

/* ---- lines */

struct remedy {
    int error;
    const char *problem, *remedy;
};

static const struct remedy remedies[] = {
    {EACCES, "permission denied", "give it to the user that smbtap runs as (chown, chmod u+rwx)"},
    {EPERM, "not permitted", "give it to the user that smbtap runs as (chown, chmod u+rwx)"},
    {ENOSPC, "no space left on the device", "free some, or name another folder with spool_directory"},
    {EDQUOT, "disk quota used up", "free some, or name another folder with spool_directory"},
    {EFBIG, "files may not become as large", "raise the limit (ulimit -f)"},
    {EROFS, "the file system is read-only", "name another folder with spool_directory"},
    {ENOENT, "the folder does not exist", "create it, or name another with spool_directory"},
    {ENOTDIR, "is not a folder", "remove it, or name another folder with spool_directory"},
    {ELOOP, "is a symbolic link", "remove it, or name another folder with spool_directory"},
    {EISDIR, "is a folder", "remove it"},
    {EINVAL, "is not a file", "remove it"},
    {EWOULDBLOCK, "is in use by another process", "stop that, or give this output another name"},
    {EPROTO, "was written by another version of smbtap",
     "let that deliver it, or remove the folder, with what waits in it"},
    {EMFILE, "too many files are open", "raise the limit (ulimit -n)"},
    {E2BIG, "holds more segments than a spool has", "remove what does not belong there"},
    {ENAMETOOLONG, "the name is too long", "name a shorter one with spool_directory"},
    {ENOMEM, "no memory", "give the process more (ulimit -v, MemoryMax=)"},
};

void spool_folder_explain(const struct spool_folder *f, const char *what, int error, char why[SPOOL_WHY_SIZE]) {
    const char *problem = strerror(-error), *remedy = "check the disk, or name another folder with spool_directory";
    for (size_t i = 0; i < sizeof remedies / sizeof remedies[0]; i++) {
        if (remedies[i].error == -error) {
            problem = remedies[i].problem;
            remedy = remedies[i].remedy;
        }
    }
    const char *path = f->path[0] ? f->path : "the spool";
    snprintf(why, SPOOL_WHY_SIZE, "%.300s%s%s: %s; %s", path, what ? "/" : "", what ? what : "", problem, remedy);
}

/* ---- folder and lock */

static bool is_name(const char *name) {
    return name[0] && !strchr(name, '/') && strcmp(name, ".") != 0 && strcmp(name, "..") != 0;
}

static int make_folder(struct spool_folder *f, const char *directory, const char *name) {
    int n = snprintf(f->path, sizeof f->path, "%s", directory);
    if (n < 0 || (size_t)n + strlen(name) + 2 > sizeof f->path || !is_name(name)) {
        return -ENAMETOOLONG;
    }
    if (mkdir(f->path, 0700) != 0 && errno != EEXIST) {
        return -errno;
    }
    snprintf(f->path + n, sizeof f->path - (size_t)n, "/%s", name);
    if (mkdir(f->path, 0700) != 0 && errno != EEXIST) {
        return -errno;
    }
    f->fd = open(f->path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    return f->fd < 0 ? -errno : 0;
}

static int open_state(struct spool_folder *f, int *state) {
    struct stat status;
    int fd = openat(f->fd, "state", O_RDWR | O_CREAT | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC, 0600);
    if (fd < 0) {
        return -errno;
    }
    if (fstat(fd, &status) != 0 || !S_ISREG(status.st_mode)) {
        close(fd);
        return -EINVAL;
    }
    *state = fd;
    return 0;
}

static int lock(int fd, uint64_t wait_ns) {
    uint64_t now = system_clock_ns(CLOCK_MONOTONIC), until = now + wait_ns < now ? UINT64_MAX : now + wait_ns;
    while (flock(fd, LOCK_EX | LOCK_NB) != 0) {
        if (errno != EWOULDBLOCK && errno != EINTR) {
            return -errno;
        }
        if (system_clock_ns(CLOCK_MONOTONIC) >= until) {
            return -EWOULDBLOCK;
        }
        nanosleep(&(struct timespec){.tv_nsec = LOCK_PAUSE_NS}, NULL);
    }
    return 0;
}

int spool_folder_open(struct spool_folder *f, const char *directory, const char *name, uint64_t wait_ns, int *state,
                      char why[SPOOL_WHY_SIZE]) {
    *f = (struct spool_folder){.fd = -1};
    int error = make_folder(f, directory, name), fd = -1;
    if (error) {
        spool_folder_explain(f, NULL, error, why);
        spool_folder_close(f);
        return error;
    }
    error = open_state(f, &fd);
    if (error) {
        spool_folder_explain(f, "state", error, why);
    } else if ((error = lock(fd, wait_ns)) != 0) {
        spool_folder_explain(f, NULL, error, why);
        close(fd);
    }
    if (error) {
        spool_folder_close(f);
        return error;
    }
    *state = fd;
    return 0;
}

void spool_folder_close(struct spool_folder *f) {
    if (f->fd >= 0) {
        close(f->fd);
    }
    f->fd = -1;
}

int spool_folder_sync(struct spool_folder *f) {
    if (f->changed && fsync(f->fd) != 0) {
        return -errno;
    }
    f->changed = false;
    return 0;
}

bool spool_folder_gone(const struct spool_folder *f) {
    struct stat st;
    return fstat(f->fd, &st) == 0 && st.st_nlink == 0;
}

/* ---- segments */

static int ascending(const void *a, const void *b) {
    unsigned x = *(const unsigned *)a, y = *(const unsigned *)b;
    return (x > y) - (x < y);
}

static int list(struct spool_folder *f, DIR *dir, unsigned numbers[SPOOL_SEGMENTS_MAX]) {
    int count = 0;
    errno = 0;
    for (const struct dirent *entry; (entry = readdir(dir)) != NULL; errno = 0) {
        unsigned number = segment_number(entry->d_name);
        if (number == 0) {
            continue;
        }
        if (count == SPOOL_SEGMENTS_MAX) {
            return -E2BIG;
        }
        numbers[count++] = number;
        f->last_number = number > f->last_number ? number : f->last_number;
    }
    return errno ? -errno : count;
}

int spool_folder_list(struct spool_folder *f, unsigned numbers[SPOOL_SEGMENTS_MAX], char why[SPOOL_WHY_SIZE]) {
    int fd = openat(f->fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *dir = fd < 0 ? NULL : fdopendir(fd);
    int count = dir ? list(f, dir, numbers) : -errno;
    if (dir) {
        closedir(dir);
    } else if (fd >= 0) {
        close(fd);
    }
    if (count < 0) {
        spool_folder_explain(f, NULL, count, why);
        return count;
    }
    qsort(numbers, (size_t)count, sizeof numbers[0], ascending);
    return count;
}

unsigned spool_folder_number(struct spool_folder *f) {
    char name[SEGMENT_NAME_SIZE];
    struct stat status;
    for (unsigned tries = 0; tries <= 2 * SPOOL_SEGMENTS_MAX; tries++) {
        f->last_number = f->last_number % 999999999 + 1;
        segment_name(f->last_number, name);
        if (fstatat(f->fd, name, &status, AT_SYMLINK_NOFOLLOW) != 0) {
            break;
        }
    }
    f->changed = true;
    return f->last_number;
}

/* A folder of that name is nobody's: it stays. */
void spool_folder_damaged(struct spool_folder *f, unsigned number) {
    char name[SEGMENT_NAME_SIZE];
    segment_name(number, name);
    if (renameat(f->fd, name, f->fd, "damaged") != 0) {
        unlinkat(f->fd, name, 0);
    }
}

/* ---- records that were refused */

/* The file to write to, and what it holds. */
static int open_refused(struct spool_folder *f, off_t *size) {
    struct stat status;
    struct rlimit limit;
    int flags = O_WRONLY | O_APPEND | O_CREAT | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC;
    int fd = openat(f->fd, REFUSED, flags, 0600);
    if (fd < 0) {
        return -errno;
    }
    if (fstat(fd, &status) != 0 || !S_ISREG(status.st_mode)) {
        close(fd);
        return -EINVAL;
    }
    if (getrlimit(RLIMIT_FSIZE, &limit) == 0 && limit.rlim_cur < (rlim_t)status.st_size + SEGMENT_LARGEST) {
        close(fd);
        return -EFBIG;
    }
    *size = status.st_size;
    return fd;
}

/* Whole, or not at all. */
static int append(int fd, const struct line *l, off_t size) {
    char end = '\n';
    struct iovec parts[] = {{.iov_len = l->length}, {&end, 1}};
    memcpy(&parts[0].iov_base, &l->text, sizeof l->text); /* it is not written to */
    ssize_t n = writev(fd, parts, 2);
    if (n == (ssize_t)l->length + 1) {
        return 0;
    }
    int error = n < 0 ? -errno : -ENOSPC;
    return n > 0 && ftruncate(fd, size) != 0 ? -errno : error;
}

int spool_folder_refused(struct spool_folder *f, const struct line *l) {
    off_t size = 0;
    int fd = open_refused(f, &size);
    if (fd >= 0 && size + l->length + 1 > SPOOL_REFUSED_MAX / 2) {
        close(fd);
        if (renameat(f->fd, REFUSED, f->fd, REFUSED_OLD) != 0) {
            return -errno;
        }
        fd = open_refused(f, &size);
    }
    if (fd < 0) {
        return fd;
    }
    int error = append(fd, l, size);
    close(fd);
    return error;
}
