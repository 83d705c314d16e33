/* From the process that makes records to the one that delivers them for one output: a ring in memory that both have, made before the
 * fork; it outlives either. And back: figures, and what was lost.
 *
 * Neither waits for the other, but where it is said. */
#ifndef CHANNEL_H
#define CHANNEL_H

#include <stdatomic.h>
#include <stdbool.h>

#include "figures.h"
#include "sink.h"

struct channel;

/* bytes: a power of two, at least twice as large as a batch of lines. NULL: no memory, or no descriptors. */
struct channel *channel_new(size_t bytes);
void channel_free(struct channel *);

/* ---- the maker's */

/* All lines that want chooses, or none: -EAGAIN, no room. Wakes the other side. */
__attribute__((warn_unused_result)) int channel_put(struct channel *, const struct lines *,
                                                    bool (*want)(const void *arg, const struct line *),
                                                    const void *arg);
/* Waits until so many bytes of lines find room, at most ms. */
bool channel_wait(struct channel *, size_t bytes, int ms);
/* A descriptor that is readable once there is room after -EAGAIN, a gap, or the end of the other side. */
int channel_news(const struct channel *);
bool channel_gap(struct channel *, struct gap *);
void channel_figures(const struct channel *, struct output_figures *);
enum channel_order { CHANNEL_REOPEN = 1, CHANNEL_STOP = 2 };
/* CHANNEL_STOP: until then, CLOCK_MONOTONIC, ns, it may try to deliver. */
void channel_order(struct channel *, enum channel_order, uint64_t until);

/* ---- the deliverer's */

/* The next line, borrowed until it was taken; false: none now. */
bool channel_next(struct channel *, struct line *);
/* The one of channel_next, and all before it, are where they should be. */
void channel_taken(struct channel *);
/* A descriptor that is readable when there are lines or orders; channel_listen before it is waited for, true: do not wait. */
int channel_bell(const struct channel *);
bool channel_listen(struct channel *);
/* Orders that came, a bit each; they are forgotten. */
unsigned channel_orders(struct channel *, uint64_t *until);
/* False: there is no room now. */
bool channel_tell_gap(struct channel *, const struct gap *);

/* Written by the deliverer, at any time. */
struct channel_figures {
    _Atomic uint64_t sent, acknowledged, spooled, dropped, bytes, reconnects, oldest_waiting_ns, set_aside;
    _Atomic int trouble; /* a negative errno: why it does not get on; 0: it does */
    _Atomic bool ended;
};
struct channel_figures *channel_figures_of(struct channel *);

#endif
