/* A sink that writes lines to a file or to standard output. It keeps nothing back: what write returned 0 for is the kernel's. */
#ifndef FILE_SINK_H
#define FILE_SINK_H

#include "sink.h"

/* Fills in *out for a file that was opened to be written, which is the sink's from now on, also where this fails; STDOUT_FILENO is not
 * closed. 0, or a negative errno. The program ignores SIGPIPE: then a reader that went away is -EPIPE from write. */
__attribute__((warn_unused_result)) int file_sink_open(int fd, struct sink *out);

/* The one line for a person, NUL-terminated, that names the file and the remedy; error is what opening, where -EEXIST is an
 * input, or writing gave. */
void file_sink_explain(const char *path, int error, char *to, size_t size);

#endif
