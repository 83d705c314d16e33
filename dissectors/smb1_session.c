/* SESSION_SETUP_ANDX, MS-CIFS 2.2.4.53 and MS-SMB 2.2.4.6. */
#include "smb1.h"

enum {
    LAN_MANAGER_WORDS = 10,
    EXTENDED_SECURITY_WORDS = 12,
    NT_LAN_MANAGER_WORDS = 13,
    EXTENDED_SECURITY_RESPONSE_WORDS = 4,
};

static enum verdict systems(struct smb1_block *b, struct text *native_os, struct text *native_lan_man) {
    enum verdict v = smb1_take_string(b, native_os);
    return smb1_worse(v, smb1_take_string(b, native_lan_man));
}

static enum verdict account(struct smb1_block *b, struct smb1_session_setup_request *r) {
    enum verdict v = smb1_take_string(b, &r->account_name);
    v = smb1_worse(v, smb1_take_string(b, &r->primary_domain));
    return smb1_worse(v, systems(b, &r->native_os, &r->native_lan_man));
}

/* What the next bytes are as responses, which are taken afterwards; nothing where not all of them are there. */
static unsigned responses(const struct smb1_block *b, size_t lm_length, size_t nt_length) {
    struct cursor c = b->bytes;
    struct view lm = cursor_take(&c, lm_length), nt = cursor_take(&c, nt_length);
    return cursor_ok(&c) ? ntlm_responses(lm, nt) : 0;
}

/* LAN Manager, [XOPEN-SMB]; one password, and no capabilities. */
static enum verdict lan_manager(struct smb1_block *b, struct smb1_session_setup_request *r) {
    uint16_t length = cursor_le16(&b->words);
    r->responses = responses(b, length, 0);
    enum verdict v = smb1_take_secret(b, length, &r->oem_password);
    return smb1_worse(v, account(b, r));
}

/* 2.2.4.53.1 */
static enum verdict nt_lan_manager(struct smb1_block *b, struct smb1_session_setup_request *r) {
    uint16_t oem_length = cursor_le16(&b->words);
    uint16_t unicode_length = cursor_le16(&b->words);
    cursor_skip(&b->words, 4);
    r->capabilities = cursor_le32(&b->words);
    r->responses = responses(b, oem_length, unicode_length);
    enum verdict v = smb1_take_secret(b, oem_length, &r->oem_password);
    v = smb1_worse(v, smb1_take_secret(b, unicode_length, &r->unicode_password));
    return smb1_worse(v, account(b, r));
}

/* MS-SMB 2.2.4.6.1. Windows and Samba send a domain behind what has a place in it. */
static enum verdict extended_security(struct smb1_block *b, struct smb1_session_setup_request *r) {
    uint16_t length = cursor_le16(&b->words);
    cursor_skip(&b->words, 4);
    r->capabilities = cursor_le32(&b->words);
    enum verdict v = smb1_take_blob(b, length, &r->security_blob);
    v = smb1_worse(v, systems(b, &r->native_os, &r->native_lan_man));
    if (v == V_OK) {
        (void)smb1_take_string(b, &r->primary_domain);
    }
    return v;
}

enum verdict smb1_session_setup_request(struct smb1_block *b, struct smb1_message *m) {
    struct smb1_session_setup_request *r = &m->session_setup_request;
    r->word_count = b->word_count;
    r->max_buffer_size = cursor_le16(&b->words);
    r->max_mpx_count = cursor_le16(&b->words);
    r->vc_number = cursor_le16(&b->words);
    r->session_key = cursor_le32(&b->words);
    switch (b->word_count) {
    case LAN_MANAGER_WORDS:
        return lan_manager(b, r);
    case EXTENDED_SECURITY_WORDS:
        return extended_security(b, r);
    case NT_LAN_MANAGER_WORDS:
        return nt_lan_manager(b, r);
    default:
        return V_BAD;
    }
}

/* 2.2.4.53.2, MS-SMB 2.2.4.6.2. The domain is not in the extended form, though many send it. */
enum verdict smb1_session_setup_response(struct smb1_block *b, struct smb1_message *m) {
    struct smb1_session_setup_response *r = &m->session_setup_response;
    r->action = cursor_le16(&b->words);
    enum verdict v = V_OK;
    if (b->word_count >= EXTENDED_SECURITY_RESPONSE_WORDS) {
        r->extended_security = true;
        uint16_t length = cursor_le16(&b->words);
        v = smb1_take_blob(b, length, &r->security_blob);
    }
    v = smb1_worse(v, systems(b, &r->native_os, &r->native_lan_man));
    return smb1_worse(v, smb1_take_string(b, &r->primary_domain));
}
