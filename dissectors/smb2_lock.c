/* LOCK, MS-SMB2 2.2.26 and 2.2.27. */
#include "smb2.h"

enum { LOCK_ELEMENT_SIZE = 24 };

/* 2.2.26.1: count elements are there. */
static enum verdict locks_parse(struct smb2_body *b, unsigned count, struct smb2_lock_request *r) {
    struct smb2_lock_element *locks = arena_array(b->d->mem, count, sizeof *locks);
    if (!locks) {
        return V_LIMIT;
    }
    for (unsigned i = 0; i < count && cursor_ok(&b->c); i++) {
        locks[i].offset = cursor_le64(&b->c);
        locks[i].length = cursor_le64(&b->c);
        locks[i].flags = cursor_le32(&b->c);
        cursor_skip(&b->c, 4);
    }
    r->locks = locks;
    r->lock_count = count;
    return V_OK;
}

/* 2.2.26. StructureSize counts the first lock. */
enum verdict smb2_lock_request(struct smb2_body *b, struct smb2_message *m) {
    struct smb2_lock_request r = {0};
    uint16_t count = cursor_le16(&b->c);
    r.lock_sequence = cursor_le32(&b->c);
    r.file_id = smb2_take_file_id(&b->c);
    enum verdict v = smb2_reach(b, b->c.pos + (uint64_t)count * LOCK_ELEMENT_SIZE);
    if (v == V_OK) {
        v = locks_parse(b, count, &r);
    }
    m->lock_request = r;
    return count > 0 ? v : smb2_worse(v, V_BAD);
}

/* 2.2.27 */
enum verdict smb2_lock_response(struct smb2_body *b, struct smb2_message *m) {
    (void)b, (void)m;
    return V_OK;
}
