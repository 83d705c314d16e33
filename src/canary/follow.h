/* Follows a file that grows, line by line: one that is not there yet, is moved away for a new one or made empty meanwhile. Each byte is
 * read once. */
#ifndef FOLLOW_H
#define FOLLOW_H

#include <stdbool.h>
#include <sys/types.h>

enum { FOLLOW_LINE_MAX = 65536 }; /* a longer line is passed over */

/* A file as far as it was read. */
struct follow_file {
    int fd; /* -1: none */
    dev_t device;
    ino_t inode;
    off_t at;
    size_t used;  /* of the line that has no end yet */
    bool passing; /* up to the end of a line that is too long */
    char line[FOLLOW_LINE_MAX];
};

struct follow {
    const char *path;
    struct follow_file now, before; /* under the name; what had it before, which may still be written to for a moment */
};

/* True: that is what was looked for. */
typedef bool (*follow_line)(void *arg, const char *line, size_t n);

/* The path is borrowed. from_end: what is in the file already was read. 0, or a negative errno: it is there and cannot be read; -EINVAL:
 * and is no file. Either way follow_end gives back what it has. */
__attribute__((warn_unused_result)) int follow_begin(struct follow *, const char *path, bool from_end);
/* There was nothing new; there was, and there may be more; take said so. */
enum follow_result { FOLLOW_NOTHING, FOLLOW_SOME, FOLLOW_FOUND };
/* A piece of what is new. An enum follow_result, or a negative errno as above. */
__attribute__((warn_unused_result)) int follow_read(struct follow *, follow_line take, void *arg);
void follow_end(struct follow *);

#endif
