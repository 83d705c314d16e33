#include "der.h"

enum {
    TAG_NUMBER_MASK = 0x1F, /* X.690 8.1.2.4: all ones, and the number follows in more bytes */
    LONG_LENGTH = 0x80U,    /* X.690 8.1.3.5 */
    LENGTH_BYTES_MAX = 4,
};

static size_t length_of(struct cursor *c) {
    uint8_t first = cursor_u8(c);
    if (!(first & LONG_LENGTH)) {
        return first;
    }
    unsigned bytes = first - LONG_LENGTH;
    if (bytes == 0 || bytes > LENGTH_BYTES_MAX) {
        c->failed = true;
        return 0;
    }
    size_t length = 0;
    for (unsigned i = 0; i < bytes && cursor_ok(c); i++) {
        length = length << 8 | cursor_u8(c);
    }
    return length;
}

struct der der_next(struct cursor *c) {
    uint8_t tag = cursor_u8(c);
    if ((tag & TAG_NUMBER_MASK) == TAG_NUMBER_MASK) {
        c->failed = true;
    }
    size_t length = length_of(c);
    struct view contents = cursor_take(c, length);
    return (struct der){tag, contents};
}

struct view der_expect(struct cursor *c, uint8_t tag) {
    struct der e = der_next(c);
    if (e.tag != tag) {
        c->failed = true;
    }
    return cursor_ok(c) ? e.contents : (struct view){NULL, 0};
}
