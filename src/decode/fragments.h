/* IP datagrams that came in pieces are put together here (RFC 791 3.2, RFC 8200 4.5): in any order, each byte as it came
 * first. Copies of a fragment, as a mirror port makes them, change nothing. What the snap length cut off a fragment is
 * known by its length only. */
#ifndef FRAGMENTS_H
#define FRAGMENTS_H

#include "base/packet_clock.h"
#include "decode.h"

struct fragments;

struct fragment {
    const struct address *src, *dst;
    uint64_t tag; /* what else tells datagrams apart; 0: nothing */
    uint32_t id;
    uint8_t protocol; /* of what is in the datagram. IPv4 has it in the key; IPv6 has it of the first fragment */
    bool more;        /* it is not the last one */
    uint32_t offset, length;
    struct view bytes; /* what was captured of length */
};

/* What a datagram holds. */
struct datagram {
    struct view bytes; /* from its start on, as far as they are there without a hole; live until the next frame */
    uint32_t length;   /* on the wire */
    uint8_t protocol;
    bool differs; /* some were there in two versions */
};

enum fragments_result {
    FRAGMENTS_WHOLE, /* it completed *out */
    FRAGMENTS_KEPT,  /* others are missing; or all were there already */
    FRAGMENTS_BAD,   /* it contradicts the others, or itself, and was left out */
    FRAGMENTS_LIMIT, /* there is no room for it */
};

/* Settings are copied; budget and stats outlive it. NULL: no memory. */
struct fragments *fragments_new(const struct decoder_settings *, struct budget *, struct stats *);
/* now: the clock; frame: a number that is the frame's own. Counts, but for what its result is to be counted as. */
__attribute__((warn_unused_result)) enum fragments_result
fragments_take(struct fragments *, const struct fragment *, uint64_t now, uint64_t frame, struct datagram *out);
/* Time passed: gives up what waited too long. */
void fragments_expire(struct fragments *, uint64_t now);
/* Gives up all that waits. */
void fragments_finish(struct fragments *);
void fragments_free(struct fragments *); /* NULL is fine */

#endif
