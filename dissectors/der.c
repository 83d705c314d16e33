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

void der_fields(struct cursor *c, struct view fields[], unsigned count) {
    for (unsigned i = 0; i < count; i++) {
        fields[i] = (struct view){NULL, 0};
    }
    while (cursor_left(c) > 0) {
        struct der e = der_next(c);
        unsigned number = e.tag & TAG_NUMBER_MASK;
        bool again = number < count && fields[number].p;
        if (!cursor_ok(c) || (e.tag & ~TAG_NUMBER_MASK) != DER_CONTEXT || again) {
            c->failed = true;
        } else if (number < count) {
            fields[number] = e.contents;
        }
    }
}

struct view der_field(struct cursor *whole, struct view field, uint8_t tag) {
    if (!field.p) {
        return field;
    }
    struct cursor c = cursor_over(field);
    struct view contents = der_expect(&c, tag);
    whole->failed = whole->failed || !cursor_ok(&c) || cursor_left(&c) > 0;
    return contents;
}

bool der_u32(struct view contents, uint32_t *out) {
    enum { SIGN = 0x80, BYTES = 4 };
    struct cursor c = cursor_over(contents);
    if (contents.n == BYTES + 1 && contents.p[0] == 0) { /* unsigned, with its highest bit set */
        cursor_skip(&c, 1);
    } else if (contents.n == 0 || contents.n > BYTES) {
        return false;
    }
    uint32_t value = contents.p[0] & SIGN ? UINT32_MAX : 0;
    while (cursor_left(&c) > 0) {
        value = value << 8 | cursor_u8(&c);
    }
    *out = value;
    return true;
}
