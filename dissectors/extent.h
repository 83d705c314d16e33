/* How far a message reaches: pure functions of its first bytes. The head decides (design: two-step framing), so that the data of
 * READ and WRITE need not be looked at, nor kept. */
#ifndef EXTENT_H
#define EXTENT_H

#include "framer.h"

enum {
    /* Of a compressed message, bytes in the clear that are kept whole; more than the longest head of a READ or WRITE, and a
     * common size of what else is worth compressing. What is above is passed over like payload. */
    EXTENT_CLEAR_MAX = 16 * 1024,
};

enum extent_answer {
    EXTENT_MORE,  /* not enough bytes to tell */
    EXTENT_KNOWN, /* the extent is set */
    EXTENT_ALIEN, /* no protocol id of SMB */
    EXTENT_TINY,  /* the frame ends before the header does */
};

/* have: what is there of a message, from the protocol id on; left: what its frame holds from there on, in all. With EXTENT_MORE, need
 * is how many bytes will do for the next step, above have.n and not above left. The answer depends on no more bytes than that, so it
 * is the same however the stream was cut. */
enum extent_answer extent_of(struct view have, uint32_t left, uint32_t *need, struct extent *);

/* The same where no more bytes are to be had: what can be said of the message, or false where not even its kind is known. */
bool extent_of_cut(struct view have, uint32_t left, struct extent *);

/* The protocol id's kind, MESSAGE_KINDS where the four bytes are none. */
enum message_kind extent_kind(struct view have);

/* Bytes of the smallest message of a kind: its fixed header. */
uint32_t extent_least(enum message_kind);

#endif
