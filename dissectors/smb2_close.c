/* CLOSE and FLUSH, MS-SMB2 2.2.15 to 2.2.18. */
#include "smb2.h"

/* 2.2.15 */
enum verdict smb2_close_request(struct smb2_body *b, struct smb2_message *m) {
    struct cursor c = smb2_fixed(b, 24);
    struct smb2_close_request *r = &m->close_request;
    *r = (struct smb2_close_request){0};
    r->flags = cursor_le16(&c);
    cursor_skip(&c, 4);
    r->file_id = smb2_take_file_id(&c);
    return V_OK;
}

/* 2.2.16 */
enum verdict smb2_close_response(struct smb2_body *b, struct smb2_message *m) {
    struct cursor c = smb2_fixed(b, 60);
    struct smb2_close_response *r = &m->close_response;
    *r = (struct smb2_close_response){0};
    r->flags = cursor_le16(&c);
    cursor_skip(&c, 4);
    r->times = smb2_take_times(&c);
    r->allocation_size = cursor_le64(&c);
    r->end_of_file = cursor_le64(&c);
    r->file_attributes = cursor_le32(&c);
    return V_OK;
}

/* 2.2.17 */
enum verdict smb2_flush_request(struct smb2_body *b, struct smb2_message *m) {
    struct cursor c = smb2_fixed(b, 24);
    struct smb2_flush_request *r = &m->flush_request;
    *r = (struct smb2_flush_request){0};
    cursor_skip(&c, 2 + 4);
    r->file_id = smb2_take_file_id(&c);
    return V_OK;
}

/* 2.2.18 */
enum verdict smb2_flush_response(struct smb2_body *b, struct smb2_message *m) {
    (void)b, (void)m;
    return V_OK;
}
