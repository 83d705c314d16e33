/* A sink of a live run: lines at the end of a file, or into a pipe, by a thread that must not be kept waiting. What cannot be written now
 * (a full disk, a reader that is slow) is kept up to a bound, and written when it can be; a line is never cut in two. */
#ifndef APPENDER_H
#define APPENDER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "sink.h"

enum { APPENDER_WAITING_MAX = 16 << 20 }; /* bytes; beyond it the sink takes nothing: -EAGAIN */

struct appender;

/* A descriptor to append with, or a negative errno; path as openat(2) has it. A FIFO without a reader is -ENXIO, and not waited for. A
 * regular file is opened for reading as well where it can be: whoever appends wants to see whether its last line has an end. */
__attribute__((warn_unused_result)) int appender_open(int folder, const char *path);

/* Takes the descriptor over, and closes it with itself where close_it. A regular file that does not end with a line's end gets one first:
 * what was cut there by a crash shall not spoil the next line. A negative one, for there is none yet, has trouble -ENXIO until
 * appender_reopen. NULL: no memory. */
struct appender *appender_new(int fd, bool close_it, size_t waiting_max);
/* Its write: 0, or -EAGAIN, where nothing of it was taken. Its flush tries to write what waits; both never wait. */
struct sink appender_sink(struct appender *);
/* Goes on with another descriptor (log rotation); what waits goes there. What closing the one before gave: a negative errno, 0. */
int appender_reopen(struct appender *, int fd);
/* Why something waits: 0, -EAGAIN where a reader is slow, or what the system said last, a negative errno. */
int appender_trouble(const struct appender *);
int appender_descriptor(const struct appender *); /* for poll(2), POLLOUT, where something waits for a reader */
size_t appender_waiting(const struct appender *); /* bytes */
/* Of these, lines that end in what waits. */
uint64_t appender_waiting_lines(const struct appender *);
uint64_t appender_size(const struct appender *);    /* of a regular file as it was found, and all that was written */
uint64_t appender_written(const struct appender *); /* bytes */
/* Writes what waits, for at most so long. False: something is left. */
bool appender_drain(struct appender *, uint64_t ns);
/* Takes NULL. What waits is lost. */
void appender_free(struct appender *);

#endif
