/* A reader of DER (X.690): tag, length, contents. What a peer may send in BER only, indefinite lengths, is refused; lengths in more
 * bytes than needed are taken, as SPNEGO's peers do. */
#ifndef DER_H
#define DER_H

#include "cursor.h"

enum {
    DER_OCTET_STRING = 0x04,
    DER_OID = 0x06,
    DER_ENUMERATED = 0x0A,
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

#endif
