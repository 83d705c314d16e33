#include "inputs.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "capture/capture.h"
#include "log.h"

static bool add(struct inputs *in, const char *path) {
    if (in->count == in->room) {
        size_t room = in->room ? in->room * 2 : 16;
        char **paths = realloc(in->paths, room * sizeof *paths);
        if (!paths) {
            log_error("out of memory");
            return false;
        }
        in->paths = paths;
        in->room = room;
    }
    in->paths[in->count] = strdup(path);
    if (!in->paths[in->count]) {
        log_error("out of memory");
        return false;
    }
    in->count++;
    return true;
}

/* Opens and closes a file: is it a capture? A pipe is not tried, it could be read only once. */
static int probe(const char *path, char *why, size_t size) {
    struct capture *c;
    int error = capture_open(&c, path, why, size);
    if (error == 0) {
        capture_close(c);
    }
    return error;
}

/* By bytes, whatever the locale. */
static int by_name(const void *a, const void *b) {
    return strcmp((*(struct dirent *const *)a)->d_name, (*(struct dirent *const *)b)->d_name);
}

static int not_hidden(const struct dirent *entry) {
    return entry->d_name[0] != '.';
}

static bool add_folder_entry(struct inputs *in, const char *folder, const char *name) {
    char path[4096], why[CAPTURE_WHY_MAX];
    struct stat st;
    if (snprintf(path, sizeof path, "%s%s%s", folder, folder[strlen(folder) - 1] == '/' ? "" : "/", name) >=
        (int)sizeof path) {
        log_error("%s/%s: the path is too long; move the folder", folder, name);
        in->unreadable = true;
        return true;
    }
    if (stat(path, &st) == 0 && !S_ISREG(st.st_mode)) {
        log_detail("%s: passed over, not a plain file", path);
        return true;
    }
    int error = probe(path, why, sizeof why);
    if (error == -EPROTONOSUPPORT || error == -ENODATA) {
        log_note("passed over: %s", why);
        return true;
    }
    if (error != 0) {
        log_error("%s", why);
        in->unreadable = true;
        return true;
    }
    return add(in, path);
}

static bool add_folder(struct inputs *in, const char *folder) {
    struct dirent **entries;
    int n = scandir(folder, &entries, not_hidden, NULL);
    if (n < 0) {
        log_error("%s: the folder cannot be read: %s; check its permissions", folder, strerror(errno));
        return false;
    }
    if (n > 0) {
        qsort(entries, (size_t)n, sizeof *entries, by_name);
    }
    size_t before = in->count;
    bool good = true;
    for (int i = 0; i < n; i++) {
        good = good && add_folder_entry(in, folder, entries[i]->d_name);
        free(entries[i]);
    }
    free(entries);
    if (good && in->count == before && !in->unreadable) {
        log_error("%s: no capture in this folder; name another, or a file", folder);
        return false;
    }
    return good;
}

static bool add_name(struct inputs *in, const char *name) {
    char why[CAPTURE_WHY_MAX];
    struct stat st;
    if (strcmp(name, "-") == 0) {
        return add(in, name);
    }
    if (stat(name, &st) == 0 && S_ISDIR(st.st_mode)) {
        return add_folder(in, name);
    }
    if ((stat(name, &st) != 0 || S_ISREG(st.st_mode)) && probe(name, why, sizeof why) != 0) {
        log_error("%s", why);
        return false;
    }
    return add(in, name);
}

bool inputs_find(struct inputs *in, const char *const *names, size_t count) {
    *in = (struct inputs){0};
    for (size_t i = 0; i < count; i++) {
        if (!add_name(in, names[i])) {
            inputs_free(in);
            return false;
        }
    }
    for (size_t i = 0; i < in->count; i++) {
        struct stat st;
        if (strcmp(in->paths[i], "-") == 0 || stat(in->paths[i], &st) != 0 || !S_ISREG(st.st_mode)) {
            in->total = 0;
            return true;
        }
        in->total += (uint64_t)st.st_size;
    }
    return true;
}

void inputs_free(struct inputs *in) {
    for (size_t i = 0; i < in->count; i++) {
        free(in->paths[i]);
    }
    free(in->paths);
    *in = (struct inputs){0};
}
