/* output -line-> sinks. A sink takes whole lines, newline included, and gives back a negative errno where it failed. */
#ifndef SINK_H
#define SINK_H

#include <stddef.h>

struct sink {
    void *state;
    __attribute__((warn_unused_result)) int (*write)(void *state, const char *lines, size_t n);
    __attribute__((warn_unused_result)) int (*flush)(void *state);
    __attribute__((warn_unused_result)) int (*close)(void *state);
};

#endif
