/* From the worker that the kernel gave a segment to, to the one that owns its connection: copies, through a queue from each to each,
 * in the order of their times.
 *
 * What is in tunnels comes to workers by the tunnels' addresses: the two directions of one connection, mirrored by two switches, come to
 * two of them, and one may be a hundred milliseconds behind the other. So an owner takes what was dispatched when no worker can have
 * anything earlier any more: each says up to which time it has seen everything. Only where a queue is half full does order give way. */
#ifndef DISPATCH_H
#define DISPATCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "packet.h"

struct dispatch;

/* memory: bytes for all queues. NULL: no memory. */
struct dispatch *dispatch_new(unsigned workers, size_t memory);

/* The following are for worker from's thread alone. A copy of a segment, for its owner, who may be from itself; false: no room. */
bool dispatch_put(struct dispatch *, unsigned from, unsigned owner, const struct packet *);
/* Hands on what was put; wake is called for each owner who got something. all: also where an owner is behind; otherwise a batch may wait
 * until it is full. Frames of from's that are earlier than seen_ns will not come any more. */
void dispatch_hand_on(struct dispatch *, unsigned from, bool all, uint64_t seen_ns,
                      void (*wake)(void *arg, unsigned owner), void *arg);

/* For the owner's thread alone: hands each segment whose turn has come to the callback. The segment lives during the call. False: there was
 * none. */
bool dispatch_take(struct dispatch *, unsigned owner, void (*segment)(void *arg, const struct packet *), void *arg);

/* Once all threads are done. NULL is fine. */
void dispatch_free(struct dispatch *);

#endif
