/* The body of an error response, MS-SMB2 2.2.2. Only 3.1.1 wraps its data in contexts, and counts them; a count of 0
 * is the data itself. */
#include "smb2.h"

enum {
    SYMLINK_ERROR_TAG = 0x4C4D5953,
    MOVE_DST_IPADDR_SIZE = 24,
};

/* 2.2.2.2.1 */
static enum verdict symlink_parse(struct view data, struct smb2_error *out) {
    struct cursor c = cursor_over(data);
    uint32_t length = cursor_le32(&c);
    uint32_t tag = cursor_le32(&c);
    cursor_skip(&c, 4 + 2); /* ReparseTag, ReparseDataLength */
    uint16_t unparsed = cursor_le16(&c);
    struct text substitute = {0}, print = {0};
    uint32_t flags = 0;
    enum verdict v = smb2_take_link_names(&c, true, &flags, &substitute, &print);
    if (tag != SYMLINK_ERROR_TAG || length > data.n - 4) {
        return V_BAD;
    }
    if (v == V_OK) {
        out->has_symlink = true;
        out->unparsed_path_length = unparsed;
        out->symlink_flags = flags;
        out->substitute_name = substitute;
        out->print_name = print;
    }
    return v;
}

/* 2.2.2.2.2 */
static enum verdict redirect_parse(struct view data, struct smb2_error *out) {
    struct cursor c = cursor_over(data);
    cursor_skip(&c, 4 + 4); /* StructureSize, NotificationType */
    uint32_t name_offset = cursor_le32(&c);
    uint32_t name_length = cursor_le32(&c);
    cursor_skip(&c, 2 + 2); /* Reserved, TargetType */
    uint32_t addresses = cursor_le32(&c);
    struct view name = cursor_at(&c, name_offset, name_length);
    if (!cursor_ok(&c) || addresses > cursor_left(&c) / MOVE_DST_IPADDR_SIZE) {
        return V_BAD;
    }
    struct cursor at_name = cursor_over(name);
    out->has_redirect = true;
    out->redirect_addresses = addresses;
    return smb2_take_text(&at_name, name.n, &out->redirect_resource);
}

/* 2.2.2.2: the status says what the data is. */
static enum verdict data_parse(uint32_t status, uint32_t error_id, struct view data, struct smb2_error *out) {
    struct cursor c = cursor_over(data);
    if (data.n == 0) {
        return V_OK;
    }
    if (error_id == SMB2_ERROR_ID_SHARE_REDIRECT) {
        return status == STATUS_BAD_NETWORK_NAME ? redirect_parse(data, out) : V_BAD;
    }
    switch (status) {
    case STATUS_STOPPED_ON_SYMLINK:
        return symlink_parse(data, out);
    case STATUS_BUFFER_TOO_SMALL:
        out->required_size = cursor_le32(&c);
        out->has_required_size = cursor_ok(&c);
        return out->has_required_size ? V_OK : V_BAD;
    case STATUS_SMB_BAD_CLUSTER_DIALECT: /* 3.3.5.7: MaxClusterDialect */
        out->cluster_dialect = cursor_le16(&c);
        out->has_cluster_dialect = cursor_ok(&c);
        return out->has_cluster_dialect ? V_OK : V_BAD;
    default:
        return V_OK;
    }
}

/* 2.2.2.1: each context starts at a multiple of 8 from the start of the response, as ErrorData does. */
static enum verdict contexts_parse(uint32_t status, unsigned count, struct view data, struct smb2_error *out) {
    enum verdict v = V_OK;
    struct cursor c = cursor_over(data);
    for (unsigned i = 0; i < count && cursor_ok(&c); i++) {
        uint32_t length = cursor_le32(&c);
        uint32_t id = cursor_le32(&c);
        struct view context = cursor_take(&c, length);
        if (!cursor_ok(&c)) {
            break;
        }
        v = smb2_worse(v, data_parse(status, id, context, out));
        out->context_count++;
        size_t padding = (8 - c.pos % 8) % 8;
        cursor_skip(&c, i + 1 < count ? padding : 0);
    }
    return cursor_ok(&c) ? v : V_BAD;
}

/* 2.2.2 */
enum verdict smb2_error_response(struct smb2_body *b, struct smb2_message *m) {
    struct smb2_error r = {0};
    uint8_t context_count = cursor_u8(&b->c);
    cursor_skip(&b->c, 1);
    uint32_t byte_count = cursor_le32(&b->c);
    enum verdict v = smb2_part(b, (uint32_t)b->c.pos, byte_count, &r.data);
    if (v == V_OK && context_count > 0) {
        v = contexts_parse(b->header->status, context_count, r.data, &r);
    } else if (v == V_OK) {
        v = data_parse(b->header->status, SMB2_ERROR_ID_DEFAULT, r.data, &r);
    }
    m->error = r;
    return v;
}
