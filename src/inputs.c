#include "inputs.h"

#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "capture/capture.h"
#include "log.h"

/* ---- what the system knows of the names */

/* A new one at the end, which takes path over; NULL after a line. */
static struct input *add(struct inputs *in, enum input_kind kind, char *path) {
    if (path && in->count == in->room) {
        size_t room = in->room ? in->room * 2 : 16;
        struct input *list = realloc(in->list, room * sizeof *list);
        in->list = list ? list : in->list;
        in->room = list ? room : in->room;
    }
    if (!path || in->count == in->room) {
        free(path);
        log_error("out of memory");
        return NULL;
    }
    struct input *i = &in->list[in->count++];
    *i = (struct input){.path = path, .kind = kind};
    return i;
}

/* By bytes, whatever the locale. */
static int by_name(const void *a, const void *b) {
    return strcmp((*(struct dirent *const *)a)->d_name, (*(struct dirent *const *)b)->d_name);
}

static int not_hidden(const struct dirent *entry) {
    return entry->d_name[0] != '.';
}

static bool find_entry(struct inputs *in, const char *folder, const char *name) {
    char *path;
    struct stat st;
    const char *between = folder[strlen(folder) - 1] == '/' ? "" : "/";
    struct input *i = add(in, INPUT_ENTRY, asprintf(&path, "%s%s%s", folder, between, name) < 0 ? NULL : path);
    if (!i) {
        return false;
    }
    if (strlen(path) >= PATH_MAX) {
        i->kind = INPUT_TOO_LONG;
    } else if (stat(path, &st) == 0) {
        i->plain = S_ISREG(st.st_mode);
        i->size = i->plain ? (uint64_t)st.st_size : 0;
        i->kind = i->plain ? INPUT_ENTRY : INPUT_ODD;
    }
    return true;
}

static bool find_folder(struct inputs *in, const char *folder) {
    struct dirent **entries;
    struct input *i = add(in, INPUT_FOLDER, strdup(folder));
    if (!i) {
        return false;
    }
    int n = scandir(folder, &entries, not_hidden, NULL);
    if (n < 0) {
        i->error = errno;
        return true;
    }
    i->entries = (size_t)n;
    if (n > 0) {
        qsort(entries, (size_t)n, sizeof *entries, by_name);
    }
    bool good = true;
    for (int e = 0; e < n; e++) {
        good = good && find_entry(in, folder, entries[e]->d_name);
        free(entries[e]);
    }
    free(entries);
    return good;
}

static bool find_name(struct inputs *in, const char *name) {
    struct stat st;
    bool there = strcmp(name, "-") != 0 && stat(name, &st) == 0;
    if (there && S_ISDIR(st.st_mode)) {
        return find_folder(in, name);
    }
    bool pipe = strcmp(name, "-") == 0 || (there && !S_ISREG(st.st_mode));
    struct input *i = add(in, pipe ? INPUT_PIPE : INPUT_FILE, strdup(name));
    if (i) {
        i->plain = there && !pipe;
        i->size = i->plain ? (uint64_t)st.st_size : 0;
    }
    return i;
}

bool inputs_opens(const struct input *i) {
    return i->kind == INPUT_FILE || i->kind == INPUT_PIPE || i->kind == INPUT_ENTRY;
}

bool inputs_find(struct inputs *in, const char *const *names, size_t count) {
    size_t which = 0;
    *in = (struct inputs){0};
    for (size_t i = 0; i < count; i++) {
        if (!find_name(in, names[i])) {
            inputs_free(in);
            return false;
        }
    }
    for (size_t i = 0; i < in->count; i++) {
        in->list[i].which = inputs_opens(&in->list[i]) ? which++ : 0;
    }
    return true;
}

/* ---- what is in them */

struct check {
    struct inputs *in;
    int (*open)(void *arg, size_t which);
    void *arg;
};

/* Opens and closes a file: is it a capture? */
static int probe(const struct check *k, const struct input *i, char *why, size_t size) {
    struct capture *c;
    int error = capture_open(&c, k->open(k->arg, i->which), i->path, why, size);
    if (error == 0) {
        capture_close(c);
    }
    return error;
}

static void check_entry(const struct check *k, struct input *i) {
    char why[CAPTURE_WHY_MAX];
    if (i->kind == INPUT_TOO_LONG) {
        log_error("%s: the path is too long; move the folder", i->path);
        k->in->unreadable = true;
        return;
    }
    if (i->kind == INPUT_ODD) {
        log_detail("%s: passed over, not a plain file", i->path);
        return;
    }
    int error = probe(k, i, why, sizeof why);
    if (error == -EPROTONOSUPPORT || error == -ENODATA) {
        log_note("passed over: %s", why);
    } else if (error != 0) {
        log_error("%s", why);
        k->in->unreadable = true;
    }
    i->kept = error == 0;
}

static bool check_folder(const struct check *k, struct input *folder) {
    bool any = false;
    if (folder->error) {
        log_error("%s: the folder cannot be read: %s; check its permissions", folder->path, strerror(folder->error));
        return false;
    }
    for (size_t i = 1; i <= folder->entries; i++) {
        check_entry(k, &folder[i]);
        any = any || folder[i].kept;
    }
    if (!any && !k->in->unreadable) {
        log_error("%s: no capture in this folder; name another, or a file", folder->path);
        return false;
    }
    return true;
}

static bool check_name(const struct check *k, struct input *i) {
    char why[CAPTURE_WHY_MAX];
    if (i->kind == INPUT_FOLDER) {
        return check_folder(k, i);
    }
    i->kept = i->kind == INPUT_PIPE || probe(k, i, why, sizeof why) == 0;
    if (!i->kept) {
        log_error("%s", why);
    }
    return i->kept;
}

/* Only those that are read stay. */
static void settle(struct inputs *in) {
    size_t kept = 0;
    bool known = true;
    for (size_t i = 0; i < in->count; i++) {
        const struct input one = in->list[i];
        if (!one.kept) {
            free(one.path);
            continue;
        }
        in->list[kept++] = one;
        in->total += one.size;
        known = known && one.plain;
    }
    in->count = kept;
    in->total = known ? in->total : 0;
}

bool inputs_check(struct inputs *in, int (*open)(void *arg, size_t which), void *arg) {
    const struct check k = {in, open, arg};
    for (size_t i = 0; i < in->count; i += 1 + in->list[i].entries) {
        if (!check_name(&k, &in->list[i])) {
            inputs_free(in);
            return false;
        }
    }
    settle(in);
    return true;
}

void inputs_free(struct inputs *in) {
    for (size_t i = 0; i < in->count; i++) {
        free(in->list[i].path);
    }
    free(in->list);
    *in = (struct inputs){0};
}
