/* The folder of a spool: made where it is missing, locked for one process, and what lies in it besides segments and state. */
#ifndef SPOOL_FOLDER_H
#define SPOOL_FOLDER_H

#include <stdbool.h>
#include <stdint.h>

#include "delivery/segment.h"
#include "delivery/spool.h"

enum {
    SPOOL_SEGMENTS_MAX = 1024, /* of a spool, spare ones included */
    SPOOL_REFUSED_MAX =
        16 << 20, /* bytes of records that were set aside: refused.jsonl, and the older half in refused.jsonl.old */
};

struct spool_folder {
    int fd; /* -1: there is none */
    char path[4096];
    unsigned last_number; /* of a segment's file */
    bool changed;         /* files came that the folder may not have on the disk */
};

/* Opens and locks it. *state: the descriptor of the file of the state, which holds the lock. 0, or a negative errno and a line. */
__attribute__((warn_unused_result)) int spool_folder_open(struct spool_folder *, const char *directory,
                                                          const char *name, uint64_t wait_ns, int *state,
                                                          char why[SPOOL_WHY_SIZE]);
/* Numbers of the segments that lie there, ascending. A negative errno and a line: it cannot be read, or there are too many. */
__attribute__((warn_unused_result)) int spool_folder_list(struct spool_folder *, unsigned numbers[SPOOL_SEGMENTS_MAX],
                                                          char why[SPOOL_WHY_SIZE]);
/* A number that no file has. */
unsigned spool_folder_number(struct spool_folder *);
/* A file that is no segment, or a broken one, out of the way: the last of them stays, as "damaged". */
void spool_folder_damaged(struct spool_folder *, unsigned number);
/* A record that was refused, to the others. 0 or a negative errno. */
int spool_folder_refused(struct spool_folder *, const struct line *);
int spool_folder_sync(struct spool_folder *);
/* Was it removed? What is written there goes with this process. */
bool spool_folder_gone(const struct spool_folder *);
void spool_folder_close(struct spool_folder *);
/* The line for an error of the folder or of what is in it. */
void spool_folder_explain(const struct spool_folder *, const char *what, int error, char why[SPOOL_WHY_SIZE]);

#endif
