/* NEGOTIATE, MS-CIFS 2.2.4.52 and MS-SMB 2.2.4.5. */
#include "smb1.h"

enum {
    DIALECT_LEAST = 2, /* bytes of the shortest dialect: its format and a NUL */
    LAN_MANAGER_WORDS = 13,
    NT_LAN_MANAGER_WORDS = 17,
};

/* A dialect's format and the string up to its NUL; false, and the cursor fails, where it is none. */
static bool take_dialect(struct cursor *c, struct view *name) {
    uint8_t format = cursor_u8(c);
    struct view rest = view_from(c->in, c->pos);
    const uint8_t *end = cursor_ok(c) && rest.n != 0 ? memchr(rest.p, 0, rest.n) : NULL;
    if (!end || format != SMB1_FORMAT_DIALECT) {
        c->failed = true;
        return false;
    }
    *name = cursor_take(c, (size_t)(end - rest.p));
    cursor_skip(c, 1);
    return true;
}

/* 2.2.4.52.1 */
enum verdict smb1_negotiate_request(struct smb1_block *b, struct smb1_message *m) {
    size_t most = cursor_left(&b->bytes) / DIALECT_LEAST;
    if (most == 0) {
        return smb1_lacking(b);
    }
    struct text *items = arena_array(b->d->mem, most, sizeof *items);
    if (!items) {
        return V_LIMIT;
    }
    unsigned count = 0;
    struct view name;
    while (cursor_left(&b->bytes) > 0 && take_dialect(&b->bytes, &name)) {
        items[count++] = (struct text){name, ENC_ASCII};
    }
    m->negotiate_request.dialects = (struct text_list){items, count};
    return smb1_bytes_verdict(b);
}

/* LAN Manager 1.0 to 2.1: [XOPEN-SMB] and [SMB-LM21], to which 2.2.4.52.2 refers. The domain came with 2.1. */
static enum verdict lan_manager(struct smb1_block *b, struct smb1_negotiate_response *r) {
    r->lan_manager = true;
    r->security_mode = cursor_le16(&b->words);
    r->max_buffer_size = cursor_le16(&b->words);
    r->max_mpx_count = cursor_le16(&b->words);
    r->max_number_vcs = cursor_le16(&b->words);
    r->raw_mode = cursor_le16(&b->words);
    r->session_key = cursor_le32(&b->words);
    r->server_time.time = cursor_le16(&b->words);
    r->server_time.date = cursor_le16(&b->words);
    r->server_time_zone = (int16_t)cursor_le16(&b->words);
    r->challenge_length = cursor_le16(&b->words);
    cursor_skip(&b->bytes, r->challenge_length);
    return smb1_worse(smb1_bytes_verdict(b), smb1_take_oem(b, &r->domain_name));
}

/* MS-SMB 2.2.4.5.2.1 */
static enum verdict extended_security(struct smb1_block *b, struct smb1_negotiate_response *r) {
    r->extended_security = true;
    cursor_copy(&b->bytes, r->server_guid.bytes, sizeof r->server_guid.bytes);
    enum verdict v = smb1_bytes_verdict(b);
    return v == V_OK ? smb1_take_blob(b, cursor_left(&b->bytes), &r->security_blob) : v;
}

/* Samba sends these names in Unicode whatever Flags2 says, where it is able to at all: then their first two characters show it. */
static bool names_in_unicode(const struct smb1_block *b, uint32_t capabilities) {
    struct cursor c = b->bytes;
    uint16_t first = cursor_le16(&c), second = cursor_le16(&c);
    bool shown = cursor_ok(&c) && first <= UINT8_MAX && second <= UINT8_MAX;
    return (b->header->flags2 & SMB_FLAGS2_UNICODE) || ((capabilities & CAP_UNICODE) && shown);
}

/* 2.2.4.52.2, MS-SMB 2.2.4.5.2.2. The names follow the challenge without padding. */
static enum verdict nt_lan_manager(struct smb1_block *b, struct smb1_negotiate_response *r) {
    r->nt_lan_manager = true;
    r->security_mode = cursor_u8(&b->words);
    r->max_mpx_count = cursor_le16(&b->words);
    r->max_number_vcs = cursor_le16(&b->words);
    r->max_buffer_size = cursor_le32(&b->words);
    r->max_raw_size = cursor_le32(&b->words);
    r->session_key = cursor_le32(&b->words);
    r->capabilities = cursor_le32(&b->words);
    r->system_time = cursor_le64(&b->words);
    r->server_time_zone = (int16_t)cursor_le16(&b->words);
    r->challenge_length = cursor_u8(&b->words);
    if (r->capabilities & CAP_EXTENDED_SECURITY) {
        return extended_security(b, r);
    }
    cursor_skip(&b->bytes, r->challenge_length);
    enum verdict v = smb1_bytes_verdict(b);
    bool unicode = names_in_unicode(b, r->capabilities);
    v = smb1_worse(v, smb1_take_unaligned(b, unicode, &r->domain_name));
    return smb1_worse(v, smb1_take_unaligned(b, unicode, &r->server_name));
}

/* 2.2.4.52.2: whatever the dialect, its index is the first word. */
enum verdict smb1_negotiate_response(struct smb1_block *b, struct smb1_message *m) {
    struct smb1_negotiate_response *r = &m->negotiate_response;
    r->has_dialect_index = true;
    r->dialect_index = cursor_le16(&b->words);
    switch (b->word_count) {
    case 1:
        return V_OK;
    case LAN_MANAGER_WORDS:
        return lan_manager(b, r);
    case NT_LAN_MANAGER_WORDS:
        return nt_lan_manager(b, r);
    default:
        return V_BAD;
    }
}
