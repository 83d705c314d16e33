/* A sink that writes lines to a file or to standard output. It keeps nothing back: what write returned 0 for is the kernel's. */
#ifndef FILE_SINK_H
#define FILE_SINK_H

#include "sink.h"

/* Opens path, "-" being standard output, and fills in *out. A file that is there is replaced, as its records would be the same
 * again and twice in one file are no use to anybody; a FIFO or device is written to. The program's inputs, by name, are refused
 * however the path leads to one of them, and left as they are. 0 or a negative errno: -EEXIST for an input.
 * The program ignores SIGPIPE: then a reader that went away is -EPIPE from write. */
__attribute__((warn_unused_result)) int file_sink_open(const char *path, const char *const *inputs, size_t input_count,
                                                       struct sink *out);

/* The one line for a person, NUL-terminated, that names the file and the remedy; error is what opening or writing gave. */
void file_sink_explain(const char *path, int error, char *to, size_t size);

#endif
