#include "cursor.h"
#include "pdu.h"

enum {
    PROTOCOL_ID = 0xFF534D42, /* as it stands on the wire */
    SECURITY_AND_RESERVED = 10,
    DIALECT_FORMAT = 0x02, /* BufferFormat of a dialect, MS-CIFS 2.2.4.52.1 */
    DIALECT_LEAST = 2,     /* bytes of the shortest dialect */
};

/* MS-CIFS 2.2.3.1 */
static struct smb1_header header(struct cursor *c) {
    struct smb1_header h = {0};
    h.command = cursor_u8(c);
    h.status = cursor_le32(c);
    h.flags = cursor_u8(c);
    h.flags2 = cursor_le16(c);
    uint32_t high = cursor_le16(c);
    cursor_skip(c, SECURITY_AND_RESERVED);
    h.tree_id = cursor_le16(c);
    h.process_id = high << 16 | cursor_le16(c);
    h.user_id = cursor_le16(c);
    h.message_id = cursor_le16(c);
    return h;
}

/* The bytes up to a NUL, and moves behind it; fails where there is none. */
static struct view string(struct cursor *c) {
    struct view rest = view_from(c->in, c->pos);
    const uint8_t *end = cursor_ok(c) && rest.n != 0 ? memchr(rest.p, 0, rest.n) : NULL;
    if (!end) {
        c->failed = true;
        return (struct view){NULL, 0};
    }
    struct view s = cursor_take(c, (size_t)(end - rest.p));
    cursor_skip(c, 1);
    return s;
}

static enum verdict dialects(struct dissection *d, struct view bytes, struct text_list *list) {
    struct text *items = arena_array(d->mem, bytes.n / DIALECT_LEAST, sizeof *items);
    if (!items) {
        return V_LIMIT;
    }
    struct cursor c = cursor_over(bytes);
    unsigned count = 0;
    while (cursor_left(&c) > 0) {
        uint8_t format = cursor_u8(&c);
        struct view name = string(&c);
        if (!cursor_ok(&c) || format != DIALECT_FORMAT) {
            break;
        }
        items[count++] = (struct text){name, ENC_ASCII};
    }
    *list = (struct text_list){items, count};
    return cursor_ok(&c) && cursor_left(&c) == 0 && count != 0 ? V_OK : V_BAD;
}

/* MS-CIFS 2.2.4.52.1: no words; the bytes are the dialects. */
static enum verdict request(struct dissection *d, struct cursor *c, struct smb1_message *m) {
    uint8_t words = cursor_u8(c);
    cursor_skip(c, 2U * words);
    uint16_t byte_count = cursor_le16(c);
    if (!cursor_ok(c)) {
        return V_SHORT;
    }
    struct view bytes = view_part(cursor_rest(c), 0, byte_count);
    enum verdict verdict = dialects(d, bytes, &m->dialects);
    return verdict != V_LIMIT && bytes.n < byte_count ? V_SHORT : verdict;
}

/* MS-CIFS 2.2.4.52.2: whatever the dialect, its index is the first word. */
static enum verdict response(struct cursor *c, struct smb1_message *m) {
    uint8_t words = cursor_u8(c);
    struct cursor parameters = cursor_over(cursor_take(c, 2U * words));
    uint16_t index = cursor_le16(&parameters);
    if (!cursor_ok(c)) {
        return V_SHORT;
    }
    if (!cursor_ok(&parameters)) { /* an error response has no words */
        return m->header.status != 0 ? V_OK : V_BAD;
    }
    m->has_dialect_index = true;
    m->dialect_index = index;
    return V_OK;
}

/* The header of every SMB1 message, and of NEGOTIATE what leads to SMB2. */
static enum verdict dissect(struct dissection *d, struct view v) {
    struct cursor c = cursor_over(v);
    uint32_t id = cursor_be32(&c);
    if (!cursor_ok(&c) || id != PROTOCOL_ID) {
        return V_NOT_MINE;
    }
    struct pdu pdu = {.kind = PDU_SMB1, .verdict = V_OK};
    pdu.smb1.header = header(&c);
    if (!cursor_ok(&c)) {
        return V_SHORT;
    }
    pdu.smb1.response = pdu.smb1.header.flags & SMB1_FLAGS_REPLY;
    if (pdu.smb1.header.command == SMB1_NEGOTIATE) {
        pdu.verdict = pdu.smb1.response ? response(&c, &pdu.smb1) : request(d, &c, &pdu.smb1);
    }
    d->deliver(d->arg, &pdu);
    return pdu.verdict;
}

const struct dissector dissector_smb1 = {"smb1", dissect};
