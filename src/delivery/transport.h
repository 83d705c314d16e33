/* How a deliverer gets records to a receiver: one of these for each protocol. Nothing in it waits: it says which descriptors it waits
 * for, and goes on when it is asked to.
 *
 * Places: every record of a spool ends at a place, a number that grows with each (spool.h). */
#ifndef TRANSPORT_H
#define TRANSPORT_H

#include <poll.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "delivery/output_settings.h"
#include "sink.h"

enum { TRANSPORT_WHY_SIZE = 512, TRANSPORT_DESCRIPTORS = 4 };

/* A record on its way. */
struct parcel {
    struct line line; /* borrowed during the call */
    uint64_t end;     /* its place */
};

enum transport_state {
    TRANSPORT_BUSY,   /* connecting, or ending: wait for the descriptors */
    TRANSPORT_READY,  /* takes records */
    TRANSPORT_ENDED,  /* after end: all that can be acknowledged is */
    TRANSPORT_BROKEN, /* why says it in one line, with the remedy; to be begun anew */
};

struct transport {
    void *state;
    /* Does the receiver say what it has? Else what was written to the socket counts as done. */
    bool acknowledges;
    /* Begins (anew): forgets what was not done. now and all times: CLOCK_MONOTONIC, ns. */
    void (*begin)(void *state, uint64_t now);
    /* Does what can be done now, within some milliseconds. */
    enum transport_state (*step)(void *state, uint64_t now);
    /* 0: it is on its way. -EAGAIN: no room now; ask again after a step. -EMSGSIZE, -EBADMSG: it can never be sent this way. */
    int (*send)(void *state, const struct parcel *);
    /* All records up to this place are done; 0: none since begin. */
    uint64_t (*done)(void *state);
    /* The next one that the receiver refused for ever, by its place; it counts as done. False: none. */
    bool (*refused)(void *state, uint64_t *end);
    /* No more comes: ends in order, as far as the protocol has one. */
    void (*end)(void *state, uint64_t now);
    /* Descriptors to wait for, and until when at most (0: no matter). */
    unsigned (*poll)(void *state, struct pollfd to[TRANSPORT_DESCRIPTORS], uint64_t *until);
    /* Bytes that went out since it was made, its own frames included. */
    uint64_t (*bytes)(void *state);
    /* While it is broken; and while it is busy, what holds it up, where it will go on by itself: "" for nothing worth a word. */
    const char *(*why)(void *state);
    void (*free)(void *state);
};

/* Each in the file of its name. The settings outlive it. 0, or a negative errno and a line that names the setting and the remedy: what
 * cannot be right, whatever the receiver does (a key that is no key). */
#define TRANSPORT_NEW(name)                                                                                      \
    __attribute__((warn_unused_result)) int name##_transport(struct transport *, const struct output_settings *, \
                                                             char why[TRANSPORT_WHY_SIZE])
TRANSPORT_NEW(datagram); /* syslog over UDP, and over a UNIX socket */
TRANSPORT_NEW(stream);   /* syslog over TCP and TLS */
TRANSPORT_NEW(relp);     /* and over TLS */
TRANSPORT_NEW(kafka);    /* -ENOTSUP: it was built without */

#endif
