/* A record as a syslog message: RFC 5424, or the form that went before it (RFC 3164); and its frame on a stream (RFC 6587 3.4.1, which is
 * RFC 5425 4.3 over TLS, or 3.4.2). Pure functions but for the counter of messages.
 *
 *   <134>1 2026-11-20T09:02:03.123456Z SENSOR smbtap PID flow/message [meta sequenceId="7"][origin software="smbtap" swVersion="V"] {...}
 *   <134>Nov 20 09:02:03 SENSOR smbtap[PID]: {...}
 *
 * The time is the record's, and UTC. The old form has neither a zone nor a year: its receiver has to be told that smbtap's is UTC; local
 * time would say the same hour twice each autumn. A record without a time has the nil value, in the old form the time of sending.
 * MSGID is the record's object and action. The JSON is ASCII, so no byte order mark stands in front of it. */
#ifndef SYSLOG_H
#define SYSLOG_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "delivery/output_settings.h"
#include "sink.h"

enum {
    SYSLOG_HOSTNAME_MAX = 255, /* RFC 5424 6: what is longer is cut */
    SYSLOG_MSGID_MAX = 32,
    SYSLOG_HEADER_SIZE = 512, /* all in front of the JSON is less */
    SYSLOG_MESSAGE_SIZE =
        7 * 1024, /* a whole message is less, so that its frame is below the 8 KiB at which receivers cut */
    SYSLOG_FRAME_SIZE = SYSLOG_MESSAGE_SIZE + 16,
};

struct syslog {
    const struct syslog_settings *settings;
    pid_t pid;
    uint32_t sequence; /* of the next message: RFC 5424 7.3.1, 1 to 2147483647, then 1 */
};

/* pid: PROCID. The settings outlive it. */
void syslog_init(struct syslog *, const struct syslog_settings *, pid_t pid);

/* The message without a frame; returns its length. The same line gives the same message until syslog_submitted. */
size_t syslog_message(const struct syslog *, const struct line *, char to[SYSLOG_MESSAGE_SIZE]);
/* The message in its frame. */
size_t syslog_frame(const struct syslog *, const struct line *, char to[SYSLOG_FRAME_SIZE]);
/* The message is on its way: the next one has the next sequenceId. */
void syslog_submitted(struct syslog *);

/* Can the line be a message at all? 0, -EMSGSIZE: it is longer than a record; -EBADMSG: it has a character that ends a frame. Not
 * what smbtap writes; a disk may have done it. */
__attribute__((warn_unused_result)) int syslog_check(const struct line *);

/* RFC 5424 6.3.3: the value of a parameter, with a backslash in front of ", \ and ]. What is more than the room is cut. Returns the
 * length. */
size_t syslog_escape(const char *value, char *to, size_t room);

#endif
