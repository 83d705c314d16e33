/* Counts names: how often each of the first so many was seen. */
#ifndef TALLY_H
#define TALLY_H

#include <stddef.h>
#include <stdint.h>

enum { TALLY_NAME_MAX = 255 }; /* bytes of a name that are kept; the end of a longer one */

struct tally_entry {
    uint64_t count;
    char *name; /* UTF-8, the tally's */
};

struct tally {
    char *names;               /* one piece for all, one behind the other: only what they fill is memory that is used */
    size_t names_used;         /* bytes of it */
    struct tally_entry *slots; /* open addressing; a free slot has no name */
    size_t slot_count;         /* a power of two, half of them used at most */
    size_t used, max;
    uint64_t others; /* times that a name found no place */
};

/* Room for max names. 0 or a negative errno. */
__attribute__((warn_unused_result)) int tally_init(struct tally *, size_t max);
void tally_add(struct tally *, const char *name, size_t n);
/* Puts the entries with the highest counts first, names in order where counts are equal, into to, at most n. Returns how many. */
size_t tally_top(const struct tally *, const struct tally_entry **to, size_t n);
void tally_release(struct tally *);

#endif
