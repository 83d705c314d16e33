/* TREE_CONNECT and TREE_DISCONNECT, MS-SMB2 2.2.9 to 2.2.12. */
#include "smb2.h"

/* 2.2.9.1: stands where Buffer begins, and the path behind it. PathOffset counts from the header with and without
 * it, while TreeConnectContextOffset counts from the start of the request. */
static enum verdict extension_parse(struct smb2_body *b, struct smb2_tree_connect_request *r) {
    enum verdict v = smb2_reach(b, b->c.pos + 16);
    if (v != V_OK) {
        return v;
    }
    uint64_t at = SMB2_HEADER_SIZE + (uint64_t)cursor_le32(&b->c);
    uint16_t count = cursor_le16(&b->c);
    r->has_extension = true;
    for (unsigned i = 0; i < count && smb2_reach(b, at + 8) == V_OK; i++) {
        struct cursor c = cursor_over(view_from(b->c.in, (size_t)at));
        cursor_skip(&c, 2);
        uint16_t length = cursor_le16(&c);
        v = smb2_reach(b, at + 8 + length);
        if (v != V_OK) {
            return v;
        }
        r->extension_contexts++;
        at = (at + 8 + length + 7) & ~(uint64_t)7; /* 2.2.9.2 */
    }
    return r->extension_contexts == count ? V_OK : smb2_reach(b, at + 8);
}

/* 2.2.9 */
enum verdict smb2_tree_connect_request(struct smb2_body *b, struct smb2_message *m) {
    struct smb2_tree_connect_request r = {0};
    r.flags = cursor_le16(&b->c);
    uint16_t path_offset = cursor_le16(&b->c);
    uint16_t path_length = cursor_le16(&b->c);
    enum verdict v = smb2_text(b, path_offset, path_length, &r.path);
    /* Before 3.1.1 the flags were reserved; who sets this one there gets a V_BAD and still the path. */
    if (r.flags & SMB2_TREE_CONNECT_FLAG_EXTENSION_PRESENT) {
        v = smb2_worse(v, extension_parse(b, &r));
    }
    m->tree_connect_request = r;
    return v;
}

/* 2.2.10 */
enum verdict smb2_tree_connect_response(struct smb2_body *b, struct smb2_message *m) {
    struct smb2_tree_connect_response r = {0};
    r.share_type = cursor_u8(&b->c);
    cursor_skip(&b->c, 1);
    r.share_flags = cursor_le32(&b->c);
    r.capabilities = cursor_le32(&b->c);
    r.maximal_access = cursor_le32(&b->c);
    m->tree_connect_response = r;
    return V_OK;
}

/* 2.2.11 */
enum verdict smb2_tree_disconnect_request(struct smb2_body *b, struct smb2_message *m) {
    (void)b, (void)m;
    return V_OK;
}

/* 2.2.12 */
enum verdict smb2_tree_disconnect_response(struct smb2_body *b, struct smb2_message *m) {
    (void)b, (void)m;
    return V_OK;
}
