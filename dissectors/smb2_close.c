/* CLOSE and FLUSH, MS-SMB2 2.2.15 to 2.2.18. */
#include "smb2.h"

/* 2.2.15 */
enum verdict smb2_close_request(struct smb2_body *b, struct smb2_message *m) {
    struct smb2_close_request r = {0};
    r.flags = cursor_le16(&b->c);
    cursor_skip(&b->c, 4);
    r.file_id = smb2_take_file_id(&b->c);
    m->close_request = r;
    return V_OK;
}

/* 2.2.16 */
enum verdict smb2_close_response(struct smb2_body *b, struct smb2_message *m) {
    struct smb2_close_response r = {0};
    r.flags = cursor_le16(&b->c);
    cursor_skip(&b->c, 4);
    r.times = smb2_take_times(&b->c);
    r.allocation_size = cursor_le64(&b->c);
    r.end_of_file = cursor_le64(&b->c);
    r.file_attributes = cursor_le32(&b->c);
    m->close_response = r;
    return V_OK;
}

/* 2.2.17 */
enum verdict smb2_flush_request(struct smb2_body *b, struct smb2_message *m) {
    struct smb2_flush_request r = {0};
    cursor_skip(&b->c, 2 + 4);
    r.file_id = smb2_take_file_id(&b->c);
    m->flush_request = r;
    return V_OK;
}

/* 2.2.18 */
enum verdict smb2_flush_response(struct smb2_body *b, struct smb2_message *m) {
    (void)b, (void)m;
    return V_OK;
}
