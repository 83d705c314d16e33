/* The files that a file was rotated away as. They lie beside it, by its name and when that was, UTC: NAME.YYYYMMDDTHHMMSSZ, and
 * NAME.YYYYMMDDTHHMMSSZ-N, N from 1 on, for more in the same second; .zst behind it where it was compressed. Nothing else in the folder is
 * ever touched, but half of one, .zst.tmp, that a run that was killed left. */
#ifndef ROTATED_H
#define ROTATED_H

#include <limits.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

enum {
    ROTATED_MAX = 1 << 18,    /* that are looked at, at a time; more than can be kept */
    ROTATED_SECOND_MAX = 999, /* N */
    ROTATED_NAME_MAX = 226,   /* bytes of NAME */
};

/* Renames the file name in the folder (a descriptor), and never over another; to: what it is called then. now: CLOCK_REALTIME, ns. 0, or a
 * negative errno; -EEXIST: the last name of this second is taken. */
__attribute__((warn_unused_result)) int rotated_rename(int folder, const char *name, uint64_t now,
                                                       char to[NAME_MAX + 1]);

struct rotated_settings {
    const char *name;
    unsigned keep; /* 0: all */
    bool compress;
    size_t most; /* ROTATED_MAX */
};

/* One that is still written: it stays as it is. */
struct rotated_busy {
    dev_t device;
    ino_t inode;
};

struct rotated_list;
/* All that are there. Their order is that of their time, but that those from the future come first: the clock was set back, and they were
 * there before. NULL: no memory, or the folder cannot be read: *error. */
struct rotated_list *rotated_list_new(int folder, const struct rotated_settings *, struct rotated_busy, uint64_t now,
                                      int *error);
/* Removes all but the newest keep, and what was left half done; then compresses one. 1: there may be more to be done; 0: nothing is; or a
 * negative errno, and the name it is about; what else could be done was. -ECANCELED once *stop is true. */
__attribute__((warn_unused_result)) int rotated_tidy(const struct rotated_list *, const atomic_bool *stop,
                                                     char about[NAME_MAX + 1]);
void rotated_list_free(struct rotated_list *);

#endif
