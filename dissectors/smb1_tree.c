/* TREE_CONNECT and TREE_CONNECT_ANDX, MS-CIFS 2.2.4.50 and 2.2.4.55, MS-SMB 2.2.4.7. */
#include "smb1.h"

enum { EXTENDED_RESPONSE_WORDS = 7 };

/* 2.2.4.50.1: three strings of the OEM character set, each behind its format. */
enum verdict smb1_tree_connect_request(struct smb1_block *b, struct smb1_message *m) {
    struct smb1_tree_connect_request *r = &m->tree_connect_request;
    struct text password;
    enum verdict v = smb1_take_path(b, &r->path);
    v = smb1_worse(v, smb1_take_path(b, &password));
    r->password = (struct smb1_secret){(uint16_t)password.bytes.n, password.bytes.n > 0};
    return smb1_worse(v, smb1_take_path(b, &r->service));
}

/* 2.2.4.50.2 */
enum verdict smb1_tree_connect_response(struct smb1_block *b, struct smb1_message *m) {
    struct smb1_tree_connect_response *r = &m->tree_connect_response;
    r->max_buffer_size = cursor_le16(&b->words);
    r->tree_id = cursor_le16(&b->words);
    r->has_tree_id = true;
    return V_OK;
}

/* 2.2.4.55.1, MS-SMB 2.2.4.7.1 */
enum verdict smb1_tree_connect_andx_request(struct smb1_block *b, struct smb1_message *m) {
    struct smb1_tree_connect_request *r = &m->tree_connect_request;
    r->flags = cursor_le16(&b->words);
    uint16_t length = cursor_le16(&b->words);
    enum verdict v = smb1_take_secret(b, length, &r->password);
    v = smb1_worse(v, smb1_take_string(b, &r->path));
    return smb1_worse(v, smb1_take_oem(b, &r->service));
}

/* 2.2.4.55.2, MS-SMB 2.2.4.7.2. LAN Manager has no OptionalSupport. */
enum verdict smb1_tree_connect_andx_response(struct smb1_block *b, struct smb1_message *m) {
    struct smb1_tree_connect_response *r = &m->tree_connect_response;
    r->optional_support = cursor_le16(&b->words);
    if (b->word_count >= EXTENDED_RESPONSE_WORDS) {
        r->has_maximal_access = true;
        r->maximal_share_access_rights = cursor_le32(&b->words);
        r->guest_maximal_share_access_rights = cursor_le32(&b->words);
    }
    enum verdict v = smb1_take_oem(b, &r->service);
    return smb1_worse(v, smb1_take_string(b, &r->native_file_system));
}
