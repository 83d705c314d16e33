#include "cursor.h"
#include "pdu.h"

enum {
    PROTOCOL_ID = 0xFD534D42, /* as it stands on the wire */
    SIGNATURE_AND_NONCE = 32,
};

/* The header of an encrypted message, MS-SMB2 2.2.41; what is inside stays there. */
static enum verdict dissect(struct dissection *d, struct view v) {
    struct cursor c = cursor_over(v);
    uint32_t id = cursor_be32(&c);
    if (!cursor_ok(&c) || id != PROTOCOL_ID) {
        return V_NOT_MINE;
    }
    cursor_skip(&c, SIGNATURE_AND_NONCE);
    uint32_t original_size = cursor_le32(&c);
    cursor_skip(&c, 2);
    uint16_t flags = cursor_le16(&c);
    uint64_t session_id = cursor_le64(&c);
    if (!cursor_ok(&c)) {
        return V_SHORT;
    }
    enum verdict verdict = original_size <= d->wire_length - c.pos ? V_OK : V_BAD;
    struct pdu pdu = {
        .kind = PDU_SMB2_TRANSFORM,
        .verdict = d->wire_length >= c.pos ? verdict : V_BAD,
        .transform = {session_id, original_size, flags, d->wire_length},
    };
    d->deliver(d->arg, &pdu);
    return pdu.verdict;
}

const struct dissector dissector_smb2_transform = {"smb2_transform", dissect};
