/* A receiver on the loopback, for tests of what delivers: it does what a test tells it, and no more. In the test's own thread; nothing in it
 * waits. And a transport that is led by hand, as the deliverer leads it. */
#ifndef RECEIVER_H
#define RECEIVER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "delivery/transport.h"

enum { RECEIVER_SIZE = 8 << 20 };

struct receiver {
    int listener, fd; /* -1: none */
    int buffer;       /* SO_RCVBUF; 0: the system's */
    char port[8];
    bool ended;  /* the other side sends no more */
    int error;   /* of reading, errno */
    size_t used; /* of bytes: what came, since the start or receiver_forget; what is more is thrown away */
    char *bytes;
};

/* Listens on 127.0.0.1. */
void receiver_open(struct receiver *, int buffer);
void receiver_close(struct receiver *);
/* Takes a connection where there is one, and none is there. */
bool receiver_accept(struct receiver *);
/* Reads what is there, at most so many bytes; returns how many they were. */
size_t receiver_read(struct receiver *, size_t most);
void receiver_write(struct receiver *, const void *, size_t);
void receiver_forget(struct receiver *);
/* Ends the connection: in order (where all was read), or with a reset. */
void receiver_end(struct receiver *);
void receiver_reset(struct receiver *);
/* Listens no more. */
void receiver_deafen(struct receiver *);

/* ---- the transport */

struct trip {
    struct transport transport;
    struct output_settings settings;
    struct receiver *receiver;    /* that is served while it waits; NULL: none */
    void (*serve)(struct trip *); /* what it does; NULL: accepts and reads all */
    enum transport_state state;
    uint64_t shift; /* ns that the clock is ahead of the system's */
    unsigned next;  /* the next record to be sent */
};

/* Settings that stand for the defaults, to a receiver. */
void trip_settings(struct output_settings *, enum output_kind, const char *host, const char *port);
uint64_t trip_now(const struct trip *);
/* A step of the transport and of the receiver. */
void trip_turn(struct trip *);
/* Turns until the transport is in that state, or broken or ended; the test fails where that takes too long. */
void trip_until(struct trip *, enum transport_state);
/* A record: number 1 and on; its place is number * 10. */
struct parcel trip_parcel(unsigned number);
/* Sends records up to and with that number, as far as there is room now; returns what the last one gave. */
int trip_send(struct trip *, unsigned to);
/* The same, with turns, until all are sent or it breaks. */
void trip_send_all(struct trip *, unsigned to);

/* Numbers of the records in frames counted by octets (true) or with newlines, in order; the last one may be cut. */
unsigned receiver_records(const struct receiver *, bool counted, unsigned *numbers, unsigned most);

#endif
