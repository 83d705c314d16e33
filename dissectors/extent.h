/* How far a message reaches: pure functions of its first bytes. The head decides (design: two-step framing), so that the data of
 * READ and WRITE need not be looked at, nor kept. */
#ifndef EXTENT_H
#define EXTENT_H

#include "cursor.h"
#include "framer.h"
#include "pdu_smb2.h"

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

/* The same as extent_of makes of it, for what most messages are: of SMB2, all of its frame, and without the data of a READ or WRITE. False:
 * it is another one, or may be, and the extent is not set. */
static inline bool extent_of_ordinary(struct view have, uint32_t left, struct extent *e) {
    enum { HEAD_END = 24 }; /* MS-SMB2 2.2.1: behind NextCommand */
    if (have.n < SMB2_HEADER_SIZE || have.n < left || left < SMB2_HEADER_SIZE) {
        return false;
    }
    struct cursor c = cursor_fixed(have, HEAD_END);
    uint32_t protocol_id = cursor_be32(&c);
    cursor_skip(&c, 8);
    uint16_t command = cursor_le16(&c);
    cursor_skip(&c, 2);
    uint32_t flags = cursor_le32(&c), next = cursor_le32(&c);
    if (protocol_id != 0xFE534D42 || next != 0 ||
        command == ((flags & SMB2_FLAGS_SERVER_TO_REDIR) ? SMB2_READ : SMB2_WRITE)) {
        return false;
    }
    *e = (struct extent){.kind = MESSAGE_SMB2, .whole = left, .length = left, .last = true};
    return true;
}

/* The same where no more bytes are to be had: what can be said of the message, or false where not even its kind is known. */
bool extent_of_cut(struct view have, uint32_t left, struct extent *);

/* The protocol id's kind, MESSAGE_KINDS where the four bytes are none. */
enum message_kind extent_kind(struct view have);

/* Bytes of the smallest message of a kind: its fixed header. */
uint32_t extent_least(enum message_kind);

#endif
