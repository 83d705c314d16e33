/* A capture file, through libpcap: pcap and pcapng, micro- and nanoseconds, either byte order, from a file or a pipe
 * ("-" is standard input). A plain file is read past libpcap, see plain_file.h. Frames are handed out where they were read, and live
 * until the next read.
 *
 * What fails is told twice: by a negative errno, and by one line for a person that names the file and the remedy. */
#ifndef CAPTURE_H
#define CAPTURE_H

#include <stddef.h>

#include "packet.h"

struct capture;

enum { CAPTURE_WHY_MAX = 512 }; /* room for the longest line, NUL included; a longer one is cut */

/* Reads the header of a file that was opened (of a pipe: waits for it), or says why it was not: fd is a descriptor, which is the
 * capture's from now on unless it is STDIN_FILENO, or the negative errno of opening path. -ENOENT, -EACCES, -EISDIR and so on;
 * -ENODATA: empty; -EPROTONOSUPPORT: no capture, or one of a kind that is not read. *out is untouched on failure. */
__attribute__((warn_unused_result)) int capture_open(struct capture **out, int fd, const char *path, char *why,
                                                     size_t why_size);

/* Only frames that an expression of pcap-filter(7) lets through come from now on; it sees the frame as it was captured. fd: what
 * filter_program_make wrote for this expression and the capture's kind, which is closed, or a negative errno. -EINVAL: it does not
 * compile. */
uint64_t capture_filter_kind(const struct capture *);
__attribute__((warn_unused_result)) int capture_set_filter(struct capture *, int fd, const char *expression, char *why,
                                                           size_t why_size);

/* 1 and the next frame; 0 at the end; -EBADMSG where the file is damaged or cut short, or another negative errno where
 * reading failed: capture_why says it. Frames are numbered as they stand in the file, those that the filter held back
 * included. */
__attribute__((warn_unused_result)) int capture_next(struct capture *, struct frame *);

/* The same for the first frame of the file, whatever the filter, and consumes nothing: to be called before
 * capture_next. */
__attribute__((warn_unused_result)) int capture_first(struct capture *, struct frame *);

/* All frames that capture_next would give, with less between them: take is called for each, until it says false. 1: it did; else what
 * capture_next gives at the end. */
__attribute__((warn_unused_result)) int capture_read(struct capture *, bool (*take)(void *arg, const struct frame *),
                                                     void *arg);

/* The line for the last failure of one of these; lives as long as the capture. */
const char *capture_why(const struct capture *);

struct capture_position {
    uint64_t read, total; /* bytes of the file; total is 0 where it is not known (a pipe) */
};
struct capture_position capture_position(const struct capture *);

int capture_link_type(const struct capture *); /* DLT_* */
int capture_snap_length(const struct capture *);
const char *capture_name(const struct capture *); /* the path as it was given */

/* Called before a read of a pipe that would have to wait: whoever streams hands on what it has. False: wait no longer, the
 * capture is at its end. */
void capture_on_pause(struct capture *, bool (*pause)(void *arg), void *arg);

/* Whether frames of that link type (DLT_*) are decoded; and what to say of a file or an interface of another one: returns
 * -EPROTONOSUPPORT. */
bool capture_reads(int link_type);
int capture_refuse_link_type(const char *name, int link_type, char *why, size_t why_size);

void capture_close(struct capture *); /* NULL is fine */

#endif
