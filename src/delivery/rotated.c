#include "rotated.h"

#include <assert.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "zstd_file.h"

enum { STAMP = sizeof "YYYYMMDDTHHMMSSZ" - 1, FIRST_LIST = 64 };
#define NS_PER_S UINT64_C(1000000000)
static_assert(ROTATED_NAME_MAX + sizeof ".YYYYMMDDTHHMMSSZ-999" ZSTD_FILE_TEMPORARY == NAME_MAX + 1,
              "the longest name there can be");

enum kind { PLAIN, WHOLE, TEMPORARY }; /* as it was, compressed, or half so */
static const char *const endings[] = {"", ZSTD_FILE_ENDING, ZSTD_FILE_TEMPORARY};

struct entry {
    uint64_t when; /* the digits of its time, as a number; from the future: less than all others */
    uint16_t number;
    uint8_t kind; /* enum kind */
    bool future, busy;
};

struct rotated_list {
    int folder;
    struct rotated_settings settings;
    struct entry *entries;
    size_t count, room;
    bool cut; /* there are more */
};

/* ---- names */

static uint64_t digits_of(uint64_t now) {
    time_t seconds = (time_t)(now / NS_PER_S);
    struct tm t;
    gmtime_r(&seconds, &t);
    uint64_t date = (uint64_t)(t.tm_year + 1900) * 10000 + (uint64_t)(t.tm_mon + 1) * 100 + (uint64_t)t.tm_mday;
    return date * 1000000 + (uint64_t)(t.tm_hour * 10000 + t.tm_min * 100 + t.tm_sec);
}

static int name_of(const char *base, uint64_t when, unsigned number, enum kind kind, char to[NAME_MAX + 1]) {
    char suffix[8] = "";
    if (number != 0) {
        snprintf(suffix, sizeof suffix, "-%u", number % 1000);
    }
    int n = snprintf(to, NAME_MAX + 1, "%s.%08uT%06uZ%s%s", base, (unsigned)(when / 1000000 % 100000000),
                     (unsigned)(when % 1000000), suffix, endings[kind]);
    return n <= NAME_MAX ? 0 : -ENAMETOOLONG;
}

static bool take_number(const char **p, size_t digits, uint64_t *to) {
    for (*to = 0; digits > 0; digits--, (*p)++) {
        if (**p < '0' || **p > '9') {
            return false;
        }
        *to = *to * 10 + (uint64_t)(**p - '0');
    }
    return true;
}

static bool take(const char **p, char c) {
    return **p == c && (*p)++ != NULL;
}

/* -N, or nothing. */
static bool take_suffix(const char **p, uint64_t *number) {
    *number = 0;
    if (!take(p, '-')) {
        return true;
    }
    size_t digits = strspn(*p, "0123456789");
    return digits <= 3 && **p != '0' && take_number(p, digits, number) && *number != 0;
}

/* Exactly what name_of gives for a time that there is. */
static bool parse(const char *base, const char *name, struct entry *to) {
    size_t n = strlen(base);
    uint64_t date, time, number;
    if (strncmp(name, base, n) != 0 || name[n] != '.') {
        return false;
    }
    const char *p = name + n + 1;
    if (!take_number(&p, 8, &date) || !take(&p, 'T') || !take_number(&p, 6, &time) || !take(&p, 'Z') ||
        !take_suffix(&p, &number)) {
        return false;
    }
    bool dated = date / 100 % 100 - 1 < 12 && date % 100 - 1 < 31 && time < 240000 && time / 100 % 100 < 60;
    for (unsigned kind = PLAIN; dated && time % 100 <= 60 && kind <= TEMPORARY; kind++) {
        if (strcmp(p, endings[kind]) == 0) {
            *to = (struct entry){.when = date * 1000000 + time, .number = (uint16_t)number, .kind = (uint8_t)kind};
            return true;
        }
    }
    return false;
}

static int open_folder(int folder, DIR **all) {
    int fd = openat(folder, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    *all = fd >= 0 ? fdopendir(fd) : NULL;
    int error = *all ? 0 : -errno;
    if (error != 0 && fd >= 0) {
        close(fd);
    }
    return error;
}

/* The one behind the last of that second: a free one before it would seem to be older. A negative errno. */
static int next_number(int folder, const char *name, uint64_t when) {
    DIR *all = NULL;
    int next = open_folder(folder, &all);
    if (next != 0) {
        return next;
    }
    const struct dirent *d;
    struct entry e;
    while ((errno = 0, d = readdir(all)) != NULL) {
        if (parse(name, d->d_name, &e) && e.when == when && e.number >= next) {
            next = e.number + 1;
        }
    }
    next = errno != 0 ? -errno : next;
    closedir(all);
    return next;
}

/* Where the file system cannot refuse to replace, the look before has to do. */
static int rename_to_new(int folder, const char *from, const char *to) {
    if (renameat2(folder, from, folder, to, RENAME_NOREPLACE) == 0) {
        return 0;
    }
    bool cannot = errno == EINVAL || errno == ENOSYS;
    return cannot && renameat(folder, from, folder, to) == 0 ? 0 : -errno;
}

static bool is_there(int folder, const char *name) {
    struct stat st;
    return fstatat(folder, name, &st, AT_SYMLINK_NOFOLLOW) == 0 || errno != ENOENT;
}

/* What is being compressed meanwhile, a look through the folder may miss under both of its names; looked for in this order, one of them is
 * seen. */
static bool is_taken(int folder, const char *name, uint64_t when, unsigned number) {
    char plain[NAME_MAX + 1], whole[NAME_MAX + 1];
    return name_of(name, when, number, PLAIN, plain) == 0 && name_of(name, when, number, WHOLE, whole) == 0 &&
           (is_there(folder, plain) || is_there(folder, whole));
}

int rotated_rename(int folder, const char *name, uint64_t now, char to[NAME_MAX + 1]) {
    uint64_t when = digits_of(now);
    int number = next_number(folder, name, when);
    if (number < 0) {
        return number;
    }
    while (number <= ROTATED_SECOND_MAX && is_taken(folder, name, when, (unsigned)number)) {
        number++;
    }
    int error = number <= ROTATED_SECOND_MAX ? name_of(name, when, (unsigned)number, PLAIN, to) : -EEXIST;
    return error ? error : rename_to_new(folder, name, to);
}

/* ---- what is there */

static bool add(struct rotated_list *l, const struct entry *e) {
    if (l->count == l->room) {
        size_t room = l->room != 0 ? l->room * 2 : FIRST_LIST;
        struct entry *larger = realloc(l->entries, room * sizeof *larger);
        if (!larger) {
            return false;
        }
        l->entries = larger;
        l->room = room;
    }
    l->entries[l->count++] = *e;
    return true;
}

/* A folder or a link that somebody called so is none of them. */
static bool is_ours(const struct rotated_list *l, const char *name, struct rotated_busy busy, struct entry *e) {
    struct stat st;
    if (!parse(l->settings.name, name, e) || fstatat(l->folder, name, &st, AT_SYMLINK_NOFOLLOW) != 0) {
        return false;
    }
    e->busy = st.st_dev == busy.device && st.st_ino == busy.inode;
    return S_ISREG(st.st_mode);
}

static int read_folder(struct rotated_list *l, struct rotated_busy busy, uint64_t now) {
    DIR *all = NULL;
    int error = open_folder(l->folder, &all);
    if (error != 0) {
        return error;
    }
    uint64_t today = digits_of(now);
    const struct dirent *d;
    while (error == 0 && !l->cut && (errno = 0, d = readdir(all)) != NULL) {
        struct entry e;
        if (!is_ours(l, d->d_name, busy, &e)) {
            continue;
        }
        e.future = e.when > today;
        l->cut = l->count == l->settings.most;
        error = l->cut || add(l, &e) ? 0 : -ENOMEM;
    }
    if (error == 0 && !l->cut && errno != 0) {
        error = -errno;
    }
    closedir(all);
    return error;
}

static int compare(const void *left, const void *right) {
    const struct entry *a = left, *b = right;
    if (a->future != b->future) {
        return a->future ? -1 : 1;
    }
    if (a->when != b->when) {
        return a->when < b->when ? -1 : 1;
    }
    return a->number != b->number ? (int)a->number - (int)b->number : (int)a->kind - (int)b->kind;
}

struct rotated_list *rotated_list_new(int folder, const struct rotated_settings *settings, struct rotated_busy busy,
                                      uint64_t now, int *error) {
    struct rotated_list *l = calloc(1, sizeof *l);
    *error = -ENOMEM;
    if (l) {
        l->folder = folder;
        l->settings = *settings;
        *error = read_folder(l, busy, now);
    }
    if (*error != 0) {
        rotated_list_free(l);
        return NULL;
    }
    if (l->count != 0) {
        qsort(l->entries, l->count, sizeof *l->entries, compare);
    }
    return l;
}

void rotated_list_free(struct rotated_list *l) {
    if (l) {
        free(l->entries);
        free(l);
    }
}

/* ---- what is to be done */

struct tidying {
    const struct rotated_list *list;
    const atomic_bool *stop;
    int error; /* the first */
    char *about;
    bool removed, compressed;
};

static void note(struct tidying *t, int error, const char *name) {
    if (error != 0 && error != -ENOENT && t->error == 0) { /* what is gone already is as it should be */
        t->error = error;
        snprintf(t->about, NAME_MAX + 1, "%s", name);
    }
}

static void name_entry(const struct tidying *t, const struct entry *e, char to[NAME_MAX + 1]) {
    int error = name_of(t->list->settings.name, e->when, e->number, (enum kind)e->kind, to);
    assert(error == 0); /* it was there under this name */
}

static void drop(struct tidying *t, const struct entry *e) {
    char name[NAME_MAX + 1];
    name_entry(t, e, name);
    if (unlinkat(t->list->folder, name, 0) == 0) {
        t->removed = true;
    } else {
        note(t, -errno, name);
    }
}

/* Two entries of the same file, in one of its forms. */
static bool same(const struct entry *a, const struct entry *b) {
    return a->when == b->when && a->number == b->number;
}

/* How many entries, from the oldest, belong to files that are too many. */
static size_t too_many(const struct rotated_list *l) {
    size_t files = 0, at = l->count;
    while (at > 0) {
        bool another = at == l->count || !same(&l->entries[at - 1], &l->entries[at]);
        if (another && files == l->settings.keep) {
            return l->settings.keep != 0 ? at : 0;
        }
        files += another;
        at--;
    }
    return 0;
}

/* A part that no other process can be at: there is nothing to make it from, or nobody compresses. */
static bool abandoned(const struct rotated_list *l, size_t i) {
    bool source = false;
    for (size_t j = i; j > 0 && same(&l->entries[j - 1], &l->entries[i]); j--) {
        source |= l->entries[j - 1].kind == PLAIN;
    }
    return l->entries[i].kind == TEMPORARY && !(source && l->settings.compress);
}

static void compress_one(struct tidying *t, size_t from) {
    const struct rotated_list *l = t->list;
    char name[NAME_MAX + 1];
    for (size_t i = from; i < l->count && !t->compressed && t->error != -ECANCELED; i++) {
        const struct entry *e = &l->entries[i];
        if (e->kind == PLAIN && !e->busy) {
            name_entry(t, e, name);
            int error = zstd_file_compress(l->folder, name, t->stop);
            t->compressed = error == 0;
            if (error != -EBUSY) {
                note(t, error, name);
            }
        }
    }
}

int rotated_tidy(const struct rotated_list *l, const atomic_bool *stop, char about[NAME_MAX + 1]) {
    struct tidying t = {.list = l, .stop = stop, .about = about};
    size_t old = too_many(l);
    for (size_t i = 0; i < l->count; i++) {
        if (i < old ? !l->entries[i].busy : abandoned(l, i)) {
            drop(&t, &l->entries[i]);
        }
    }
    if (l->settings.compress) {
        compress_one(&t, old);
    }
    if (t.compressed || (l->cut && t.removed)) {
        return 1; /* what failed is tried again then, and told */
    }
    return t.error;
}
