#include "file_writer.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "delivery/appender.h"
#include "delivery/file_sink.h"
#include "delivery/tidier.h"
#include "log.h"

#define NS_PER_S UINT64_C(1000000000)
#define DAY_NS (86400 * NS_PER_S)

enum { RETRY_S = 10 /* after which a rotation that failed is tried again */ };

struct file_writer {
    const struct output_settings *settings;
    struct appender *appender;
    struct sink sink;
    uint64_t now;
    bool reader_missing;
    char batch[FILE_WRITER_BATCH];
    size_t used;
    uint64_t put, batched; /* records; of these, in batch */
    int trouble;
    /* Where it rotates. */
    struct tidier *tidier;
    int folder;
    char name[NAME_MAX + 1];              /* in the folder */
    struct stat open;                     /* the file that is */
    uint64_t period;                      /* begin of the part of a day that its records are of */
    uint64_t failed;                      /* when it could not be rotated; 0: it could */
    int rotation_trouble, tidier_trouble; /* as they were told */
    uint64_t rotations;
};

static bool is_to_rotate(const struct file_writer *w) {
    return w->settings->rotation.bytes != 0 || w->settings->rotation.interval_ns != 0;
}

static uint64_t period_of(const struct file_writer *w, uint64_t time) {
    uint64_t interval = w->settings->rotation.interval_ns;
    if (interval == 0) {
        return 0;
    }
    uint64_t start = interval < DAY_NS ? time - time % DAY_NS : 0;
    return start + (time - start) / interval * interval;
}

static uint64_t nanoseconds(struct timespec t) {
    return t.tv_sec < 0 ? 0 : (uint64_t)t.tv_sec * NS_PER_S + (uint64_t)t.tv_nsec;
}

/* Of the file that is open, once all that was put is in it. */
static uint64_t size_to_be(const struct file_writer *w) {
    return appender_size(w->appender) + appender_waiting(w->appender) + w->used;
}

/* ---- opening */

static int explain(const struct output_settings *s, int error, char why[TRANSPORT_WHY_SIZE]) {
    file_sink_explain(s->path, error, why, TRANSPORT_WHY_SIZE);
    return error;
}

/* What its records are of is seen from when it was written last, where it has any. */
static void look_at_open(struct file_writer *w, int fd) {
    if (fstat(fd, &w->open) != 0) {
        memset(&w->open, 0, sizeof w->open);
    }
    w->period = period_of(w, w->open.st_size > 0 ? nanoseconds(w->open.st_mtim) : w->now);
}

static struct rotated_busy busy(const struct file_writer *w) {
    return (struct rotated_busy){.device = w->open.st_dev, .inode = w->open.st_ino};
}

static bool is_taken(mode_t mode) {
    return S_ISREG(mode) || S_ISFIFO(mode) || S_ISCHR(mode);
}

/* A descriptor, or a negative errno and a line; -ENXIO: a FIFO without a reader. */
static int open_path(const struct file_writer *w, char why[TRANSPORT_WHY_SIZE]) {
    const struct output_settings *s = w->settings;
    struct stat st;
    bool there = stat(s->path, &st) == 0;
    if (there && !is_taken(st.st_mode) && !S_ISDIR(st.st_mode)) {
        snprintf(why, TRANSPORT_WHY_SIZE, "%s: is a %s; name a file or a FIFO", s->path,
                 S_ISSOCK(st.st_mode) ? "socket" : "disk");
        return -EINVAL;
    }
    if (there && is_to_rotate(w) && !S_ISREG(st.st_mode) && !S_ISDIR(st.st_mode)) {
        snprintf(why, TRANSPORT_WHY_SIZE, "%s: is a %s, which cannot be rotated; name a file, or set no rotation",
                 s->path, S_ISFIFO(st.st_mode) ? "FIFO" : "device");
        return -EINVAL;
    }
    int fd = appender_open(AT_FDCWD, s->path);
    return fd >= 0 ? fd : explain(s, fd, why);
}

/* The folder and the name that the path leads to: a descriptor, or a negative errno and a line. */
static int find_folder(const struct file_writer *w, char name[NAME_MAX + 1], char why[TRANSPORT_WHY_SIZE]) {
    char *path = realpath(w->settings->path, NULL);
    if (!path) {
        return explain(w->settings, -errno, why);
    }
    char *last = strrchr(path, '/');
    size_t n = strlen(last + 1);
    int folder = -ENAMETOOLONG;
    if (n <= ROTATED_NAME_MAX) {
        memcpy(name, last + 1, n + 1);
        last[last == path] = '\0';
        folder = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        folder = folder < 0 ? explain(w->settings, -errno, why) : folder;
    } else {
        snprintf(why, TRANSPORT_WHY_SIZE,
                 "%s: its name has %zu bytes, and %d at most can be rotated; choose a shorter one", w->settings->path,
                 n, ROTATED_NAME_MAX);
    }
    free(path);
    return folder;
}

static int start_tidier(struct file_writer *w, char why[TRANSPORT_WHY_SIZE]) {
    const struct rotation_settings *r = &w->settings->rotation;
    if (r->keep == 0 && !r->compress) {
        return 0;
    }
    const struct rotated_settings settings = {
        .name = w->name, .keep = r->keep, .compress = r->compress, .most = ROTATED_MAX};
    int error = tidier_new(&w->tidier, w->folder, &settings, busy(w), w->now);
    if (error != 0) {
        snprintf(why, TRANSPORT_WHY_SIZE,
                 "%s: cannot start the thread that removes and compresses rotated files: %s; raise the limits "
                 "(ulimit -u, -n)",
                 w->settings->path, strerror(-error));
    }
    return error;
}

static bool same_folder(int left, int right) {
    struct stat a, b;
    return left >= 0 && fstat(left, &a) == 0 && fstat(right, &b) == 0 && a.st_dev == b.st_dev && a.st_ino == b.st_ino;
}

/* For a file that was opened. What was rotated by another name before is left as it is. */
static int prepare_rotation(struct file_writer *w, char why[TRANSPORT_WHY_SIZE]) {
    char name[NAME_MAX + 1] = "";
    int folder = find_folder(w, name, why);
    if (folder >= 0 && same_folder(w->folder, folder) && strcmp(w->name, name) == 0) {
        close(folder);
        return 0;
    }
    tidier_free(w->tidier);
    w->tidier = NULL;
    if (w->folder >= 0) {
        close(w->folder);
    }
    w->folder = folder;
    memcpy(w->name, name, sizeof w->name);
    return folder < 0 ? folder : start_tidier(w, why);
}

static int open_first(struct file_writer *w, char why[TRANSPORT_WHY_SIZE]) {
    int fd = open_path(w, why);
    if (fd < 0 && fd != -ENXIO) {
        return fd;
    }
    w->reader_missing = fd < 0;
    if (fd >= 0) {
        look_at_open(w, fd);
    }
    w->appender = appender_new(fd < 0 ? -1 : fd, true, FILE_WRITER_BATCH);
    if (!w->appender) {
        if (fd >= 0) {
            close(fd);
        }
        return explain(w->settings, -ENOMEM, why);
    }
    w->sink = appender_sink(w->appender);
    return is_to_rotate(w) ? prepare_rotation(w, why) : 0;
}

int file_writer_new(struct file_writer **out, const struct output_settings *settings, uint64_t now,
                    char why[TRANSPORT_WHY_SIZE]) {
    struct file_writer *w = calloc(1, sizeof *w);
    if (!w) {
        return explain(settings, -ENOMEM, why);
    }
    w->settings = settings;
    w->now = now;
    w->folder = -1;
    int error = open_first(w, why);
    if (error != 0) {
        (void)file_writer_close(w);
        return error;
    }
    *out = w;
    return 0;
}

/* ---- the file goes on elsewhere */

/* What waits in the appender comes first; without any it takes a batch whole. */
static int flush(struct file_writer *w) {
    int error = w->sink.flush(w->sink.state);
    assert(error == 0); /* an appender's never fails */
    if (appender_waiting(w->appender) == 0 && w->used != 0) {
        const struct line_list all = {.bytes = w->batch, .n = w->used};
        error = w->sink.write(w->sink.state, &all);
        assert(error == 0);
        w->used = 0;
        w->batched = 0;
    }
    w->trouble = appender_waiting(w->appender) != 0 ? appender_trouble(w->appender) : 0;
    return w->trouble;
}

static void hold_tidier(struct file_writer *w) {
    if (w->tidier) {
        tidier_hold(w->tidier);
    }
}

static void resume_tidier(struct file_writer *w) {
    if (w->tidier) {
        tidier_resume(w->tidier, busy(w), w->now);
    }
}

static void go_on_with(struct file_writer *w, int fd) {
    char why[TRANSPORT_WHY_SIZE];
    look_at_open(w, fd);
    int error = appender_reopen(w->appender, fd);
    if (error != 0) {
        (void)explain(w->settings, error, why);
        log_error("%s; the last records of the file before may be lost", why);
    }
}

void file_writer_reopen(struct file_writer *w, uint64_t now) {
    char why[TRANSPORT_WHY_SIZE];
    w->now = now;
    (void)flush(w);
    int fd = open_path(w, why);
    if (fd < 0) {
        log_error("%s; going on with the file that is open", why);
        return;
    }
    hold_tidier(w);
    go_on_with(w, fd);
    resume_tidier(w);
    w->reader_missing = false;
    if (is_to_rotate(w) && prepare_rotation(w, why) != 0) {
        log_error("%s; it is not rotated", why);
    }
    (void)flush(w);
}

/* A FIFO has one as soon as it can be opened. */
static void look_for_reader(struct file_writer *w) {
    int fd = w->reader_missing ? appender_open(AT_FDCWD, w->settings->path) : -ENXIO;
    if (fd >= 0) {
        w->reader_missing = false;
        go_on_with(w, fd);
    }
}

/* ---- rotation */

/* Under its name lies the file that is open, and not one that somebody put there after renaming it. */
static bool is_in_place(const struct file_writer *w) {
    struct stat st;
    return fstatat(w->folder, w->name, &st, AT_SYMLINK_NOFOLLOW) == 0 && st.st_dev == w->open.st_dev &&
           st.st_ino == w->open.st_ino;
}

/* The new file's descriptor, or a negative errno: then all is as it was. */
static int replace_file(struct file_writer *w) {
    char to[NAME_MAX + 1];
    bool in_place = is_in_place(w);
    int error = in_place ? rotated_rename(w->folder, w->name, w->now, to) : 0;
    if (error != 0) {
        return error;
    }
    int fd = appender_open(w->folder, w->name);
    if (fd < 0 && in_place && renameat2(w->folder, to, w->folder, w->name, RENAME_NOREPLACE) != 0 && errno == EINVAL) {
        (void)!renameat(w->folder, to, w->folder, w->name);
    }
    return fd;
}

/* Said when it begins or becomes another. */
static void tell_rotation(struct file_writer *w, int error) {
    w->failed = error != 0 ? w->now : 0;
    if (error == w->rotation_trouble) {
        return;
    }
    w->rotation_trouble = error;
    if (error == 0) {
        log_note("%s: can be rotated again", w->settings->path);
    } else {
        log_error("%s: cannot be rotated: %s; see to its folder; it goes on meanwhile, and this is tried again",
                  w->settings->path, strerror(-error));
    }
}

/* Where a file is as large as it may be, what waits is for the next one. */
static void rotate(struct file_writer *w) {
    if (w->trouble != -EFBIG && (w->used != 0 || appender_waiting(w->appender) != 0)) {
        return;
    }
    hold_tidier(w);
    int fd = replace_file(w);
    if (fd >= 0) {
        go_on_with(w, fd);
        w->rotations++;
    }
    resume_tidier(w);
    tell_rotation(w, fd < 0 ? fd : 0);
}

/* Also where the clock was set back since. */
static bool may_rotate(const struct file_writer *w) {
    return w->failed == 0 || w->now - w->failed >= RETRY_S * NS_PER_S;
}

static bool is_full(const struct file_writer *w, size_t more) {
    uint64_t most = w->settings->rotation.bytes, size = size_to_be(w);
    return most != 0 && w->folder >= 0 && size != 0 && size + more > most && may_rotate(w);
}

/* Where the clock was set back to an earlier part, that is the one from now on. */
static void rotate_by_time(struct file_writer *w) {
    uint64_t period = period_of(w, w->now);
    if (period <= w->period || size_to_be(w) == 0) {
        w->period = period;
    } else if (may_rotate(w)) {
        rotate(w);
    }
}

/* Said when it begins or becomes another. */
static void look_at_tidier(struct file_writer *w) {
    char about[NAME_MAX + 1];
    int trouble = w->tidier ? tidier_trouble(w->tidier, about) : 0;
    if (trouble == w->tidier_trouble) {
        return;
    }
    w->tidier_trouble = trouble;
    if (trouble == 0) {
        log_note("%s: rotated files can be removed and compressed again", w->settings->path);
    } else {
        log_error("%s: rotated files cannot be removed or compressed: %s: %s; see to its folder, it is tried again",
                  w->settings->path, about[0] != '\0' ? about : "the folder", strerror(-trouble));
    }
}

void file_writer_tick(struct file_writer *w, uint64_t now) {
    w->now = now;
    look_for_reader(w);
    if (w->folder >= 0) {
        if (flush(w) == -EFBIG && may_rotate(w)) {
            rotate(w);
        } else if (w->settings->rotation.interval_ns != 0) {
            rotate_by_time(w);
        }
        look_at_tidier(w);
    }
}

/* ---- records */

int file_writer_flush(struct file_writer *w, uint64_t now) {
    w->now = now;
    return flush(w);
}

int file_writer_put(struct file_writer *w, const struct line *line) {
    size_t n = (size_t)line->length + 1;
    if (is_full(w, n)) {
        if (flush(w) != 0) {
            return -EAGAIN;
        }
        rotate(w);
    }
    if (w->used + n > sizeof w->batch) {
        (void)flush(w);
    }
    if (w->used + n > sizeof w->batch) {
        return -EAGAIN;
    }
    memcpy(w->batch + w->used, line->text, line->length);
    w->batch[w->used + line->length] = '\n';
    w->used += n;
    w->put++;
    w->batched++;
    return 0;
}

int file_writer_poll(const struct file_writer *w) {
    return appender_descriptor(w->appender);
}

void file_writer_figures(struct file_writer *w, struct file_writer_figures *f) {
    uint64_t waiting = w->batched + appender_waiting_lines(w->appender);
    *f = (struct file_writer_figures){.records = w->put - waiting,
                                      .bytes = appender_written(w->appender),
                                      .waiting = waiting,
                                      .rotations = w->rotations,
                                      .trouble = w->trouble,
                                      .tidying = w->tidier && !tidier_idle(w->tidier)};
}

int file_writer_close(struct file_writer *w) {
    if (!w) {
        return 0;
    }
    int error = 0;
    if (w->appender) {
        int trouble = flush(w);
        error = w->sink.close(w->sink.state); /* frees the appender */
        error = trouble != 0 ? trouble : error;
    }
    tidier_free(w->tidier);
    if (w->folder >= 0) {
        close(w->folder);
    }
    free(w);
    return error;
}
