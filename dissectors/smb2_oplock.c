/* OPLOCK_BREAK, MS-SMB2 2.2.23 to 2.2.25: notification, acknowledgment and response, of an oplock or of a lease.
 * Which one it is, StructureSize says. */
#include "smb2.h"

enum { OPLOCK_SIZE = 24, LEASE_NOTIFICATION_SIZE = 44 };

/* 2.2.23.1, 2.2.24.1, 2.2.25.1 */
static void oplock_parse(struct cursor *c, struct smb2_oplock_break *r) {
    r->oplock_level = cursor_u8(c);
    cursor_skip(c, 1 + 4);
    r->file_id = smb2_take_file_id(c);
}

/* 2.2.23.2 */
static void lease_notification_parse(struct cursor *c, struct smb2_oplock_break *r) {
    cursor_skip(c, 2); /* NewEpoch */
    r->lease_flags = cursor_le32(c);
    cursor_copy(c, r->lease_key.bytes, sizeof r->lease_key.bytes);
    r->current_state = cursor_le32(c);
    r->lease_state = cursor_le32(c);
    r->break_reason = cursor_le32(c);
}

/* 2.2.24.2, 2.2.25.2 */
static void lease_parse(struct cursor *c, struct smb2_oplock_break *r) {
    cursor_skip(c, 2);
    r->lease_flags = cursor_le32(c);
    cursor_copy(c, r->lease_key.bytes, sizeof r->lease_key.bytes);
    r->lease_state = cursor_le32(c);
}

static enum verdict break_parse(struct smb2_body *b, struct smb2_message *m) {
    struct smb2_oplock_break r = {.lease = b->structure_size != OPLOCK_SIZE};
    if (!r.lease) {
        oplock_parse(&b->c, &r);
    } else if (b->structure_size == LEASE_NOTIFICATION_SIZE) {
        lease_notification_parse(&b->c, &r);
    } else {
        lease_parse(&b->c, &r);
    }
    m->oplock_break = r;
    return V_OK;
}

enum verdict smb2_oplock_break_request(struct smb2_body *b, struct smb2_message *m) {
    return break_parse(b, m);
}

enum verdict smb2_oplock_break_response(struct smb2_body *b, struct smb2_message *m) {
    return break_parse(b, m);
}
