#include "cursor.h"
#include "pdu.h"

enum {
    PROTOCOL_ID = 0xFC534D42, /* as it stands on the wire */
    INNER_ID = 0xFE534D42,
    FLAG_CHAINED = 0x0001,
    ALGORITHM_NONE = 0x0000,
    HEADER_SIZE = 16, /* 2.2.42.1; the chained one, 2.2.42.2, with the fixed part of its first payload header */
    NEXT_COMMAND_AT = 20,
};

/* One element of a chain of messages that begins in the clear: up to the next one, or as far as the clear bytes go. Returns what
 * lies behind it, empty at the end. */
static struct view inner(struct dissection *d, struct view clear, uint32_t *length) {
    struct cursor c = cursor_over(view_from(clear, NEXT_COMMAND_AT));
    uint32_t next = cursor_le32(&c);
    bool chained = next >= SMB2_HEADER_SIZE && next % 8 == 0 && next < *length;
    struct dissection element = *d;
    element.wire_length = chained ? next : *length;
    element.missing = 0; /* compressed, not lost */
    (void)dissect_nested(&element, &dissector_smb2, view_part(clear, 0, element.wire_length));
    *length -= element.wire_length;
    return chained ? view_from(clear, next) : (struct view){NULL, 0};
}

/* What begins as SMB2 in the clear is dissected as such: its command and ids are known, the end of it is not. length: of all that
 * is inside, uncompressed. */
static void inside(struct dissection *d, struct view clear, uint32_t length) {
    while (clear.n >= SMB2_HEADER_SIZE && length >= SMB2_HEADER_SIZE) {
        struct cursor c = cursor_over(clear);
        if (cursor_be32(&c) != INNER_ID) {
            return;
        }
        clear = inner(d, clear, &length);
    }
}

/* MS-SMB2 2.2.42. The verdict is that of the envelope. */
static enum verdict dissect(struct dissection *d, struct view v) {
    struct cursor c = cursor_over(v);
    uint32_t id = cursor_be32(&c);
    if (!cursor_ok(&c) || id != PROTOCOL_ID) {
        return V_NOT_MINE;
    }
    struct smb2_compression m = {.length = d->wire_length};
    m.original_size = cursor_le32(&c);
    m.algorithm = cursor_le16(&c);
    m.flags = cursor_le16(&c);
    uint32_t clear = cursor_le32(&c); /* Offset, or the length of the first payload of a chain */
    if (!cursor_ok(&c)) {
        return V_SHORT;
    }
    m.chained = m.flags & FLAG_CHAINED;
    m.offset = m.chained ? 0 : clear;
    bool fits = d->wire_length >= HEADER_SIZE && clear <= d->wire_length - HEADER_SIZE;
    struct pdu pdu = {.kind = PDU_SMB2_COMPRESSION, .verdict = fits ? V_OK : V_BAD, .compression = m};
    d->deliver(d->arg, &pdu);
    if (fits && !(m.chained && m.algorithm != ALGORITHM_NONE)) {
        uint64_t length =
            (uint64_t)m.original_size + m.offset; /* 3.1.4.4: the clear bytes do not count in the unchained form */
        inside(d, view_part(cursor_rest(&c), 0, clear), length < UINT32_MAX ? (uint32_t)length : UINT32_MAX);
    }
    return pdu.verdict;
}

const struct dissector dissector_smb2_compression = {"smb2_compression", dissect};
