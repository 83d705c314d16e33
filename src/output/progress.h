/* A progress bar on a terminal: bytes done, rate, time left. It lives on the last line, is drawn at most ten times a second by
 * the monotonic clock, and is gone without a trace at the end. */
#ifndef PROGRESS_H
#define PROGRESS_H

#include <stddef.h>
#include <stdint.h>

struct progress;

/* Draws on fd, which is a terminal. total in bytes; 0 where it is not known, as with a pipe. NULL without memory. */
struct progress *progress_new(int fd, uint64_t total);
/* done bytes of the total so far. Cheap enough for every buffer that was read; not for every packet. Takes NULL. */
void progress_update(struct progress *, uint64_t done);
/* Wipes the bar out. Takes NULL. */
void progress_free(struct progress *);

/* The bar as text, width - 1 columns at most so that the cursor never wraps, NUL-terminated in size bytes. elapsed in ns. */
void progress_line(char *to, size_t size, unsigned width, uint64_t done, uint64_t total, uint64_t elapsed);

#endif
