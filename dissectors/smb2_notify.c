/* CHANGE_NOTIFY, MS-SMB2 2.2.35 and 2.2.36, and what the server says unasked, 2.2.44. */
#include "smb2.h"

/* 2.2.35 */
enum verdict smb2_change_notify_request(struct smb2_body *b, struct smb2_message *m) {
    struct cursor c = smb2_fixed(b, 32);
    struct smb2_change_notify_request *r = &m->change_notify_request;
    *r = (struct smb2_change_notify_request){0};
    r->flags = cursor_le16(&c);
    r->output_buffer_length = cursor_le32(&c);
    r->file_id = smb2_take_file_id(&c);
    r->completion_filter = cursor_le32(&c);
    return V_OK;
}

/* 2.2.36: FILE_NOTIFY_INFORMATION, MS-FSCC 2.7.1 */
enum verdict smb2_change_notify_response(struct smb2_body *b, struct smb2_message *m) {
    struct smb2_entries r = {0};
    uint16_t offset = cursor_le16(&b->c);
    uint32_t length = cursor_le32(&b->c);
    enum verdict v = smb2_part(b, offset, length, &r.buffer);
    v = smb2_worse(v, smb2_entries_count(r.buffer, &r.entries));
    r.whole = v == V_OK;
    m->change_notify_response = r;
    return v;
}

/* 2.2.44.1. Its StructureSize is no fixed number, so what is read here may be missing. */
enum verdict smb2_server_to_client_notification_response(struct smb2_body *b, struct smb2_message *m) {
    struct smb2_server_notification r = {0};
    cursor_skip(&b->c, 2);
    r.type = cursor_le32(&b->c);
    if (!cursor_ok(&b->c)) {
        m->empty = true;
        return V_SHORT;
    }
    m->notification = r;
    return V_OK;
}

/* The specification does not say whether the header has SMB2_FLAGS_SERVER_TO_REDIR; the server sends it either way. */
enum verdict smb2_server_to_client_notification_request(struct smb2_body *b, struct smb2_message *m) {
    return smb2_server_to_client_notification_response(b, m);
}
