/* A view borrows bytes that somebody else owns: a packet in libpcap's buffer, a message in the framer's, a name in the
 * model's. It says nothing about how long they live; whoever hands one out says so. */
#ifndef VIEW_H
#define VIEW_H

#include <stddef.h>
#include <stdint.h>

struct view {
    const uint8_t *p;
    size_t n; /* bytes */
};

/* The part of v from off on, at most n bytes long: clipped to what is there, empty where nothing is. */
static inline struct view view_part(struct view v, size_t off, size_t n) {
    if (off > v.n) {
        off = v.n;
    }
    if (n > v.n - off) {
        n = v.n - off;
    }
    return (struct view){v.p ? v.p + off : v.p, n};
}

static inline struct view view_from(struct view v, size_t off) {
    return view_part(v, off, SIZE_MAX);
}

/* Text as the wire carries it: bytes and how they are to be read. */
enum encoding {
    ENC_ASCII,   /* 7 bits; what is above is read as Latin-1 */
    ENC_OEM,     /* SMB1 without Unicode: the code page of client and server, which no message names */
    ENC_UTF8,    /* what the program was told, and the strings of Kerberos */
    ENC_UTF16LE, /* MS-DTYP 2.3.14: two bytes a unit, least significant first; an odd last byte is not text */
};

struct text {
    struct view bytes;
    enum encoding encoding;
};

static inline struct text text_utf16(struct view v) {
    return (struct text){v, ENC_UTF16LE};
}

#endif
