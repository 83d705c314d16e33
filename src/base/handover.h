/* What one thread hands to one other, in batches: the producer fills a batch, the consumer reads it where it lies and gives it back.
 * No locks; neither waits for the other. When all batches are with the consumer the producer has no room, and what it does then
 * (drop and count, or try again) is its own choice.
 *
 * Batches are taken from the heap as they are needed, so a consumer that keeps up costs two or three of them. */
#ifndef HANDOVER_H
#define HANDOVER_H

#include <stdbool.h>
#include <stddef.h>

struct handover;

struct batch {
    size_t used; /* bytes */
    _Alignas(max_align_t) unsigned char bytes[];
};

/* batches: a power of two, at least 4; so many of batch_bytes each there are at most. NULL: no memory. */
struct handover *handover_new(size_t batch_bytes, unsigned batches);
/* Several of them take their batches from one allowance, in bytes, which outlives them; before the first one is taken. */
void handover_share(struct handover *, _Atomic size_t *allowance);

/* The producer's. Room for n bytes (at most the batch's), aligned as malloc aligns, behind what was committed; NULL: there is none now.
 * May hand on a batch to get room. */
__attribute__((warn_unused_result)) void *handover_reserve(struct handover *, size_t n);
/* The first n bytes of what was reserved last are part of the batch. */
void handover_commit(struct handover *, size_t n);
/* Hands on what was committed. */
void handover_push(struct handover *);
/* The same, but not where half of all batches are with the consumer already and this one is not half full: so a consumer that is behind
 * is given full ones. To be called again. */
void handover_offer(struct handover *);
/* Are as many batches with the consumer, of all there may be, as one of parts? */
bool handover_behind(struct handover *, unsigned parts);
/* Is something committed that was not handed on? */
bool handover_pending(const struct handover *);
/* True once after batches were handed on: the consumer should be woken. */
bool handover_pushed(struct handover *);

/* The consumer's. The oldest batch, NULL: there is none; it goes back with handover_give. */
struct batch *handover_take(struct handover *);
void handover_give(struct handover *, struct batch *);
/* Half of all batches there may be wait to be taken. */
bool handover_crowded(const struct handover *);

/* What n bytes take of a batch: the next ones begin aligned. */
size_t handover_aligned(size_t n);

/* Bytes of all batches there may be. */
size_t handover_bytes(const struct handover *);

/* Once both threads are done. NULL is fine. */
void handover_free(struct handover *);

#endif
