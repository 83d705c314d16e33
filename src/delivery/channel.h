/* From the process that makes records to the one that delivers them for one output: a ring in memory that both have, made before the
 * fork; it outlives either. And back: figures, and what was lost.
 *
 * Neither waits for the other, but where it is said. */
#ifndef CHANNEL_H
#define CHANNEL_H

#include <stdatomic.h>
#include <stdbool.h>

#include "sink.h"

enum {
    CHANNEL_BYTES = 64 << 20
}; /* of the ring of an output; what a deliverer that keeps up does not need is not touched */

struct channel;

/* bytes: a power of two, at least twice as large as a batch of lines. NULL: no memory, or no descriptors. */
struct channel *channel_new(size_t bytes);
void channel_free(struct channel *);

/* ---- the maker's */

/* All of them, or none: -EAGAIN, no room now. Wakes the other side. */
__attribute__((warn_unused_result)) int channel_put(struct channel *, const struct line *list, size_t count);
/* Bytes of it that are not free. */
size_t channel_used(const struct channel *);
/* A figure that grows with what the other side took. */
uint64_t channel_passed(const struct channel *);
/* Is half of it free? Is all? */
bool channel_roomy(const struct channel *);
bool channel_empty(const struct channel *);
/* Gives back the memory of a stall that is over. To be called now and then. */
void channel_trim(struct channel *);
/* Is a record still to be put that tells of a loss, and had no room? So long the other side does not end before it has to. Said before the
 * order to stop; false once the record was put. */
void channel_owe(struct channel *, bool);
/* A descriptor that is readable once half of it is free after -EAGAIN, or a gap was told; channel_hear before one looks for them. */
int channel_news(const struct channel *);
void channel_hear(struct channel *);
bool channel_gap(struct channel *, struct gap *);
enum channel_order { CHANNEL_REOPEN = 1, CHANNEL_STOP = 2 };
/* CHANNEL_STOP: until then, CLOCK_MONOTONIC, ns, it may try to deliver. */
void channel_order(struct channel *, enum channel_order, uint64_t until);

/* ---- the deliverer's */

/* Goes on behind what was taken last: after the fork. An order to stop that another had comes again. */
void channel_attach(struct channel *);
/* The next line, borrowed until it was taken; false: none now. */
bool channel_next(struct channel *, struct line *);
/* The last one comes again. */
void channel_unread(struct channel *);
/* All that were read are where they should be: whoever goes on after a crash begins behind them. */
void channel_taken(struct channel *);
/* The same, but for the last so many, at most all that were read since. */
void channel_taken_but(struct channel *, size_t lines);
/* What the maker said of that. To be asked before channel_empty: what was owed is in the ring when it is no longer. */
bool channel_owed(const struct channel *);
/* A descriptor that is readable when there are lines or orders; channel_listen before it is waited for, false: there are some now. */
int channel_bell(const struct channel *);
bool channel_listen(struct channel *);
/* Orders that came, a bit each; they are forgotten. */
unsigned channel_orders(struct channel *, uint64_t *until);
/* False: there is no room now. */
bool channel_tell_gap(struct channel *, const struct gap *);

/* Written by the deliverer, at any time. Counts are since the channel was made, whoever delivers. */
struct channel_figures {
    _Atomic uint64_t sent, acknowledged, spooled, dropped, bytes, reconnects, oldest_waiting_ns, set_aside;
    /* seq of the first and the last record that are lost with the deliverer, because nothing but its memory keeps them; 0: none. For the one
     * that is started in its place. */
    _Atomic uint64_t kept_from, kept_to;
    _Atomic uint64_t kept;   /* how many these are */
    _Atomic uint64_t run_id; /* of a replay, once a record told; for the same */
    _Atomic bool connected;  /* a receiver was ready for records once */
    _Atomic int trouble;     /* a negative errno: why it does not get on; 0: it does */
    _Atomic bool opened;     /* so far one came once, or said why not */
};
struct channel_figures *channel_figures_of(struct channel *);

#endif
