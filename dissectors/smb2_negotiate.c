/* NEGOTIATE, MS-SMB2 2.2.3 and 2.2.4. */
#include "smb2.h"

/* 2.2.3.1.1: the hash algorithms; the salt says nothing to us, but it is part of the context. */
static enum verdict preauth_integrity(struct arena *mem, struct cursor *c, struct smb2_negotiate_contexts *out) {
    uint16_t count = cursor_le16(c);
    uint16_t salt_length = cursor_le16(c);
    enum verdict v = smb2_take_u16s(mem, c, count, &out->hash_algorithms);
    return salt_length <= cursor_left(c) ? v : smb2_worse(v, V_BAD);
}

/* 2.2.3.1.3 */
static enum verdict compression(struct arena *mem, struct cursor *c, struct smb2_negotiate_contexts *out) {
    uint16_t count = cursor_le16(c);
    cursor_skip(c, 2);
    out->compression_flags = cursor_le32(c);
    return smb2_take_u16s(mem, c, count, &out->compression_algorithms);
}

/* 2.2.3.1.6 */
static enum verdict rdma_transform(struct arena *mem, struct cursor *c, struct smb2_negotiate_contexts *out) {
    uint16_t count = cursor_le16(c);
    cursor_skip(c, 2 + 4);
    return smb2_take_u16s(mem, c, count, &out->rdma_transforms);
}

/* One context's Data; c covers that and nothing else. */
static enum verdict context_parse(struct arena *mem, uint16_t type, struct cursor c,
                                  struct smb2_negotiate_contexts *out) {
    enum verdict v = V_OK;
    switch (type) {
    case SMB2_PREAUTH_INTEGRITY_CAPABILITIES:
        v = preauth_integrity(mem, &c, out);
        break;
    case SMB2_ENCRYPTION_CAPABILITIES: /* 2.2.3.1.2 */
        v = smb2_take_u16s(mem, &c, cursor_le16(&c), &out->ciphers);
        break;
    case SMB2_COMPRESSION_CAPABILITIES:
        v = compression(mem, &c, out);
        break;
    case SMB2_NETNAME_NEGOTIATE_CONTEXT_ID: /* 2.2.3.1.4 */
        v = smb2_take_text(&c, cursor_left(&c), &out->netname);
        break;
    case SMB2_TRANSPORT_CAPABILITIES: /* 2.2.3.1.5 */
        out->transport_flags = cursor_le32(&c);
        break;
    case SMB2_RDMA_TRANSFORM_CAPABILITIES:
        v = rdma_transform(mem, &c, out);
        break;
    case SMB2_SIGNING_CAPABILITIES: /* 2.2.3.1.7 */
        v = smb2_take_u16s(mem, &c, cursor_le16(&c), &out->signing_algorithms);
        break;
    default:
        out->unknown++;
    }
    return cursor_ok(&c) ? v : smb2_worse(v, V_BAD);
}

/* 2.2.3.1: each context starts at a multiple of 8 from the header. */
static enum verdict contexts_parse(struct smb2_body *b, uint32_t offset, uint16_t count,
                                   struct smb2_negotiate_contexts *out) {
    enum verdict v = V_OK;
    uint64_t at = offset;
    if (count > 0 && at < b->c.pos) {
        return V_BAD;
    }
    for (unsigned i = 0; i < count && smb2_reach(b, at + 8) == V_OK; i++) {
        struct cursor c = cursor_over(view_from(b->c.in, (size_t)at));
        uint16_t type = cursor_le16(&c);
        uint16_t length = cursor_le16(&c);
        cursor_skip(&c, 4);
        struct view data = cursor_take(&c, length);
        if (!cursor_ok(&c)) {
            return smb2_worse(v, smb2_reach(b, at + 8 + length));
        }
        v = smb2_worse(v, context_parse(b->d->mem, type, cursor_over(data), out));
        out->present |= type < 32 ? 1U << type : 0;
        if (out->count < SMB2_CONTEXT_TYPES) {
            out->types[out->count] = type;
        }
        out->count++;
        at = (at + 8 + length + 7) & ~(uint64_t)7;
    }
    v = out->count == count ? v : smb2_worse(v, smb2_reach(b, at + 8));
    out->whole = v == V_OK;
    return v;
}

static bool offers(const struct u16_list *dialects, uint16_t dialect) {
    for (unsigned i = 0; i < dialects->count; i++) {
        if (dialects->items[i] == dialect) {
            return true;
        }
    }
    return false;
}

/* 2.2.3. StructureSize counts no dialect. */
enum verdict smb2_negotiate_request(struct smb2_body *b, struct smb2_message *m) {
    struct smb2_negotiate_request r = {0};
    uint16_t dialect_count = cursor_le16(&b->c);
    r.security_mode = cursor_le16(&b->c);
    cursor_skip(&b->c, 2);
    r.capabilities = cursor_le32(&b->c);
    cursor_copy(&b->c, r.client_guid.bytes, sizeof r.client_guid.bytes);
    uint32_t context_offset = cursor_le32(&b->c);
    uint16_t context_count = cursor_le16(&b->c);
    cursor_skip(&b->c, 2);
    enum verdict v = smb2_reach(b, b->c.pos + 2U * dialect_count);
    if (v == V_OK) {
        v = smb2_take_u16s(b->d->mem, &b->c, dialect_count, &r.dialects);
    }
    /* For other dialects these 8 bytes were ClientStartTime. */
    if (offers(&r.dialects, SMB2_DIALECT_0311)) {
        v = smb2_worse(v, contexts_parse(b, context_offset, context_count, &r.contexts));
    }
    m->negotiate_request = r;
    return v;
}

/* 2.2.4. The token's verdict is its own pdu's, here and in SESSION_SETUP. */
enum verdict smb2_negotiate_response(struct smb2_body *b, struct smb2_message *m) {
    struct smb2_negotiate_response r = {0};
    r.security_mode = cursor_le16(&b->c);
    r.dialect = cursor_le16(&b->c);
    uint16_t context_count = cursor_le16(&b->c);
    cursor_copy(&b->c, r.server_guid.bytes, sizeof r.server_guid.bytes);
    r.capabilities = cursor_le32(&b->c);
    r.max_transact_size = cursor_le32(&b->c);
    r.max_read_size = cursor_le32(&b->c);
    r.max_write_size = cursor_le32(&b->c);
    r.system_time = cursor_le64(&b->c);
    r.server_start_time = cursor_le64(&b->c);
    uint16_t token_offset = cursor_le16(&b->c);
    uint16_t token_length = cursor_le16(&b->c);
    uint32_t context_offset = cursor_le32(&b->c);
    enum verdict v = smb2_part(b, token_offset, token_length, &r.token);
    if (r.dialect == SMB2_DIALECT_0311) {
        v = smb2_worse(v, contexts_parse(b, context_offset, context_count, &r.contexts));
    }
    v = smb2_worse(v, dissect_token(b->d, r.token));
    m->negotiate_response = r;
    return v;
}
