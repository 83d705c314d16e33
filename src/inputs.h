/* The captures of a replay: what -r names, folders opened up in name order. */
#ifndef INPUTS_H
#define INPUTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct inputs {
    char **paths; /* count of them, owned */
    size_t count, room;
    uint64_t total;  /* bytes of all; 0 where one of them is a pipe */
    bool unreadable; /* a file of a folder could not be read, and was said to be so */
};

/* Fills in *in from the names. False after one line on standard error: a name that cannot be read, or nothing that is a capture.
 * In a folder what is no capture is passed over with a note. */
bool inputs_find(struct inputs *in, const char *const *names, size_t count);
void inputs_free(struct inputs *);

#endif
