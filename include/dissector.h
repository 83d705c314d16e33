/* A dissector is a pure function of one message and its direction: it keeps no state and no pointer, and writes nothing. What
 * it finds it hands to deliver as a pdu, whose views point into the message and whose lists lie in the arena; both live until
 * deliver returns to the caller of dissect. What a message encloses (an NTLMSSP token in a SESSION_SETUP) is delivered before
 * the message itself. One exception: PDU_SMB2_COMPRESSION comes before the SMB2 messages whose front stands in the clear inside it,
 * so that whoever receives them knows that they are compressed. */
#ifndef DISSECTOR_H
#define DISSECTOR_H

#include <stdbool.h>

#include "arena.h"
#include "direction.h"
#include "view.h"

struct pdu;

enum verdict {
    V_OK,
    V_NOT_MINE, /* some other protocol; nothing was delivered */
    V_SHORT,    /* the bytes end before the message does; what was certain was delivered */
    V_BAD,      /* lengths, offsets or fixed values contradict each other; what was certain was delivered */
    V_LIMIT,    /* deeper or longer than we are ready to follow; what was certain was delivered */
    VERDICTS
};

struct dissection {
    struct arena *mem;
    enum direction dir;
    unsigned depth;       /* 0 for a message of the stream */
    uint32_t wire_length; /* of the message on the wire; what is above the view was passed over or lost */
    uint32_t missing;     /* of these, bytes that were lost */
    void (*deliver)(void *arg, const struct pdu *);
    void *arg;
};

struct dissector {
    const char *name;
    enum verdict (*dissect)(struct dissection *, struct view);
};

enum { DISSECTION_DEPTH_MAX = 8 };

/* The one way from a dissector to the next: bounds the depth. V_LIMIT where it is reached. */
enum verdict dissect_nested(struct dissection *, const struct dissector *, struct view);
/* A security token, all of it there, as SPNEGO, NTLMSSP or Kerberos. What it says is delivered; V_OK for any other mechanism, V_BAD where it
 * contradicts itself, which is then true of the message that carries it. */
enum verdict dissect_token(struct dissection *, struct view token);

/* Which responses to an NTLM challenge these two are, enum ntlm_response. */
unsigned ntlm_responses(struct view lm, struct view nt);

/* dissectors/registry.c */
extern const struct dissector dissector_smb1, dissector_smb2, dissector_smb2_transform, dissector_smb2_compression;
extern const struct dissector dissector_spnego, dissector_ntlmssp, dissector_kerberos;
/* All of them, for the fuzzer and the tests; ends with NULL. */
extern const struct dissector *const dissectors[];

#endif
