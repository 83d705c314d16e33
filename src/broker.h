/* Opens files for a process in the sandbox, which cannot: a process of its own, forked before, that opens what was registered with it
 * and passes the descriptors on. It knows files by their number alone, so whoever takes the sandboxed process over reaches nothing else.
 *
 * Its functions are for one thread at a time. */
#ifndef BROKER_H
#define BROKER_H

#include <stddef.h>
#include <stdint.h>

#include "sandbox.h"

enum broker_mode {
    BROKER_READ,
    BROKER_REPLACE,   /* written from the start; what it had is gone. Refused where it is one of those to be read */
    BROKER_APPEND,    /* written behind what it has; a FIFO without a reader is refused (ENXIO), not waited for */
    BROKER_TEMPORARY, /* written beside it, as path.tmp, until broker_commit puts it in its place */
    BROKER_MADE,      /* no file: what make writes */
};

/* path "-" is standard input or output. make is called in the broker, outside the sandbox: it must not trust parameter. What it returns
 * but 0 is broker_open's error. */
struct broker_file {
    const char *path;
    enum broker_mode mode;
    int (*make)(void *arg, uint64_t parameter, int fd);
    void *arg;
};

struct broker;

/* Before the sandbox and before the first thread. The files stay the caller's and outlive the broker. Without a sandbox there is no
 * process, and files are opened where they are asked for. 0; or a negative errno and a line. */
__attribute__((warn_unused_result)) int broker_start(struct broker **, const struct broker_file *files, size_t count,
                                                     const struct sandbox_settings *, char *why, size_t why_size);

/* A descriptor above those of the standard streams, the caller's to close; for path "-" STDIN_FILENO or STDOUT_FILENO. Or a negative
 * errno: that of opening, -EEXIST for what is to be read, -EINTR where a signal came while a FIFO was waited for. */
__attribute__((warn_unused_result)) int broker_open(struct broker *, size_t which);
/* What is made anew, for a parameter. */
__attribute__((warn_unused_result)) int broker_make(struct broker *, size_t which, uint64_t parameter);
/* The temporary file takes its place. */
__attribute__((warn_unused_result)) int broker_commit(struct broker *, size_t which);
/* NULL is fine. */
void broker_stop(struct broker *);

#endif
