/* The captures of a replay: what -r names, folders opened up in name order. In two steps: what the system knows of the names is looked
 * up where all files are in reach; the files are then opened and looked into in the sandbox. */
#ifndef INPUTS_H
#define INPUTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum input_kind {
    INPUT_FILE,   /* named; a plain file, or nothing that is there */
    INPUT_PIPE,   /* named; "-", a FIFO, a device: opened in its turn, for that can be done once */
    INPUT_ENTRY,  /* of a folder */
    INPUT_FOLDER, /* before its entries; these, and what is below, are gone after inputs_check */
    INPUT_ODD,    /* of a folder, no plain file */
    INPUT_TOO_LONG,
};

struct input {
    char *path;
    enum input_kind kind;
    bool plain; /* a plain file */
    uint64_t size;
    size_t which;   /* its number among those that are opened, from 0 on */
    size_t entries; /* of a folder: so many follow */
    int error;      /* of a folder that cannot be read, a positive errno */
    bool kept;      /* to be read */
};

struct inputs {
    struct input *list; /* count of them, owned */
    size_t count, room;
    uint64_t total;  /* bytes of all; 0 where one of them is a pipe */
    bool unreadable; /* a file of a folder could not be read, and was said to be so */
};

/* Fills in *in from the names, and opens no file. False where there is no memory, after a line. */
bool inputs_find(struct inputs *in, const char *const *names, size_t count);

/* It has a number, and is opened by it. */
bool inputs_opens(const struct input *);

/* Looks into the files: open gives a descriptor for a number, or a negative errno. In a folder what is no capture is passed over with a
 * note. False after one line on standard error: a name that cannot be read, or nothing that is a capture. */
bool inputs_check(struct inputs *in, int (*open)(void *arg, size_t which), void *arg);

void inputs_free(struct inputs *);

#endif
