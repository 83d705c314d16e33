/* SESSION_SETUP and LOGOFF, MS-SMB2 2.2.5 to 2.2.8. */
#include "smb2.h"

/* 2.2.5 */
enum verdict smb2_session_setup_request(struct smb2_body *b, struct smb2_message *m) {
    struct smb2_session_setup_request r = {0};
    r.flags = cursor_u8(&b->c);
    r.security_mode = cursor_u8(&b->c);
    r.capabilities = cursor_le32(&b->c);
    cursor_skip(&b->c, 4); /* Channel */
    uint16_t token_offset = cursor_le16(&b->c);
    uint16_t token_length = cursor_le16(&b->c);
    r.previous_session_id = cursor_le64(&b->c);
    enum verdict v = smb2_part(b, token_offset, token_length, &r.token);
    v = smb2_worse(v, dissect_token(b->d, r.token));
    m->session_setup_request = r;
    return v;
}

/* 2.2.6 */
enum verdict smb2_session_setup_response(struct smb2_body *b, struct smb2_message *m) {
    struct smb2_session_setup_response r = {0};
    r.session_flags = cursor_le16(&b->c);
    uint16_t token_offset = cursor_le16(&b->c);
    uint16_t token_length = cursor_le16(&b->c);
    enum verdict v = smb2_part(b, token_offset, token_length, &r.token);
    v = smb2_worse(v, dissect_token(b->d, r.token));
    m->session_setup_response = r;
    return v;
}

/* 2.2.7: nothing but a reserved field, as in many that follow. */
enum verdict smb2_logoff_request(struct smb2_body *b, struct smb2_message *m) {
    (void)b, (void)m;
    return V_OK;
}

/* 2.2.8 */
enum verdict smb2_logoff_response(struct smb2_body *b, struct smb2_message *m) {
    (void)b, (void)m;
    return V_OK;
}
