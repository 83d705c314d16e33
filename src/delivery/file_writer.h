/* What the process that delivers to a file uses: records at the end of a file, or into a FIFO or a terminal. It opens, renames and removes
 * files, so it is for a process that may; one thread's alone. Nothing in it waits, but for a disk.
 *
 * Rotation (settings.rotation): the file is renamed (rotated.h has the names), and a new one is opened under its name. No record is lost,
 * split or written twice by it. By bytes: before the record that would make the file larger. By interval: at the first tick in the next part
 * of a day, the parts being counted from midnight UTC, or those of more than a day from 1970 on; if the file holds anything. Where it fails,
 * that is one line, records go on into the file that is open, and it is tried again. Where the path is a link, the file it leads to is
 * rotated, in its folder. */
#ifndef FILE_WRITER_H
#define FILE_WRITER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "delivery/output_settings.h"
#include "delivery/transport.h"
#include "sink.h"

enum { FILE_WRITER_BATCH = 256 << 10 /* bytes that one write takes at most; twice as much is kept here */ };

struct file_writer;

/* Opens settings->path to append; what a line there lacks at its end comes first. The settings outlive it. A FIFO that nobody reads yet is
 * waited for: trouble, -ENXIO. now, also below: CLOCK_REALTIME, ns; it may be set back. 0, or a negative errno and a line with the remedy. */
__attribute__((warn_unused_result)) int file_writer_new(struct file_writer **, const struct output_settings *,
                                                        uint64_t now, char why[TRANSPORT_WHY_SIZE]);

/* 0: it will be written. -EAGAIN: there is no room now, the caller keeps it; ask again after a flush that gave 0. */
__attribute__((warn_unused_result)) int file_writer_put(struct file_writer *, const struct line *);
/* Writes all that was put; 0, or why something waits: -EAGAIN where a reader is slow, -ENXIO where there was none yet, or what the system
 * said, a negative errno. It goes on where it stopped when it is called again. */
__attribute__((warn_unused_result)) int file_writer_flush(struct file_writer *, uint64_t now);
/* A descriptor to wait for, POLLOUT, where a reader is slow; else negative: after trouble, call flush again some time later. */
int file_writer_poll(const struct file_writer *);
/* The path is opened anew, for somebody may have renamed the file. What waits goes there, a line that was begun as a whole. Where it cannot
 * be opened, that is one line, and the file that is open goes on. */
void file_writer_reopen(struct file_writer *, uint64_t now);
/* Once a second or so: rotates by time, tries again what failed, looks for a reader. */
void file_writer_tick(struct file_writer *, uint64_t now);

struct file_writer_figures {
    uint64_t records, bytes; /* written */
    uint64_t waiting;        /* records that were put, and are not written to their end */
    uint64_t rotations;
    int trouble;  /* as of the last flush */
    bool tidying; /* files that were rotated away are being removed or compressed */
};
void file_writer_figures(struct file_writer *, struct file_writer_figures *);

/* Flushes, and closes it. What waits then is lost. 0, or a negative errno: something was. NULL is fine. */
int file_writer_close(struct file_writer *);

#endif
