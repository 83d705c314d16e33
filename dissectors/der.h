/* A reader of DER (X.690): tag, length, contents. What a peer may send in BER only, indefinite lengths, is refused; lengths in more
 * bytes than needed are taken, as SPNEGO's peers do. */
#ifndef DER_H
#define DER_H

#include "cursor.h"

enum {
    DER_INTEGER = 0x02,
    DER_BIT_STRING = 0x03,
    DER_OCTET_STRING = 0x04,
    DER_OID = 0x06,
    DER_ENUMERATED = 0x0A,
    DER_GENERALIZED_TIME = 0x18,
    DER_GENERAL_STRING = 0x1B,
    DER_SEQUENCE = 0x30,
    DER_APPLICATION = 0x60, /* constructed */
    DER_CONTEXT = 0xA0,     /* constructed */
};

struct der {
    uint8_t tag; /* class, constructed bit and number; numbers above 30 are not read */
    struct view contents;
};

/* The next element, and moves behind it; the cursor fails where it is cut or no DER. */
struct der der_next(struct cursor *);

/* The same, and fails where the tag is another. */
struct view der_expect(struct cursor *, uint8_t tag);

/* The fields of a SEQUENCE that is tagged explicitly, to the end of the cursor: fields[n] is what context tag n holds, without an address
 * where there is no such field. Tags from count on are passed over. Fails on a tag that comes twice or is of another class; what came
 * before is set. */
void der_fields(struct cursor *, struct view fields[], unsigned count);

/* What a field holds, all of it the one element of that tag; empty, and the cursor that stands for the whole fails, where it is
 * not. An absent field is empty and no failure. */
struct view der_field(struct cursor *whole, struct view field, uint8_t tag);

/* The value of an INTEGER or ENUMERATED of at most 32 bits, as it wraps; false where it is none. */
bool der_u32(struct view contents, uint32_t *out);

#endif
