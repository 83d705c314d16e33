/* Byte ranges: LOCK_BYTE_RANGE, UNLOCK_BYTE_RANGE, LOCKING_ANDX; and SEEK. */
#include "smb1.h"

enum { RANGE32_SIZE = 10, RANGE64_SIZE = 20 };

/* MS-CIFS 2.2.4.13.1 and 2.2.4.14.1 */
enum verdict smb1_lock_request(struct smb1_block *b, struct smb1_message *m) {
    struct smb1_lock_request *r = &m->lock_request;
    r->fid = cursor_le16(&b->words);
    r->count = cursor_le32(&b->words);
    r->offset = cursor_le32(&b->words);
    return V_OK;
}

static uint64_t high_and_low(struct cursor *c) {
    uint64_t high = cursor_le32(c);
    return high << 32 | cursor_le32(c);
}

static struct smb1_byte_range take_range(struct cursor *c, bool large) {
    struct smb1_byte_range r;
    r.pid = cursor_le16(c);
    cursor_skip(c, large ? 2 : 0);
    r.offset = large ? high_and_low(c) : cursor_le32(c);
    r.length = large ? high_and_low(c) : cursor_le32(c);
    return r;
}

/* As many of the ranges as are there. */
static enum verdict take_ranges(struct smb1_block *b, size_t count, bool large, struct smb1_range_list *out) {
    size_t there = cursor_left(&b->bytes) / (large ? RANGE64_SIZE : RANGE32_SIZE);
    enum verdict v = count > there ? smb1_lacking(b) : V_OK;
    there = count < there ? count : there;
    if (there == 0) {
        return v;
    }
    struct smb1_byte_range *items = arena_array(b->d->mem, there, sizeof *items);
    if (!items) {
        return V_LIMIT;
    }
    for (size_t i = 0; i < there && cursor_ok(&b->bytes); i++) {
        items[i] = take_range(&b->bytes, large);
    }
    *out = (struct smb1_range_list){items, (unsigned)there};
    return v;
}

/* MS-CIFS 2.2.4.32.1 */
enum verdict smb1_locking_request(struct smb1_block *b, struct smb1_message *m) {
    struct smb1_locking_request *r = &m->locking_request;
    r->fid = cursor_le16(&b->words);
    r->type_of_lock = cursor_u8(&b->words);
    r->new_op_lock_level = cursor_u8(&b->words);
    r->timeout = cursor_le32(&b->words);
    uint16_t unlocks = cursor_le16(&b->words);
    uint16_t locks = cursor_le16(&b->words);
    bool large = r->type_of_lock & LARGE_FILES;
    enum verdict v = take_ranges(b, unlocks, large, &r->unlocks);
    return v == V_OK ? take_ranges(b, locks, large, &r->locks) : v;
}

/* MS-CIFS 2.2.4.19.1 */
enum verdict smb1_seek_request(struct smb1_block *b, struct smb1_message *m) {
    struct smb1_seek_request *r = &m->seek_request;
    r->fid = cursor_le16(&b->words);
    r->mode = cursor_le16(&b->words);
    r->offset = (int32_t)cursor_le32(&b->words);
    return V_OK;
}

/* MS-CIFS 2.2.4.19.2 */
enum verdict smb1_seek_response(struct smb1_block *b, struct smb1_message *m) {
    m->seek_response.offset = cursor_le32(&b->words);
    return V_OK;
}
