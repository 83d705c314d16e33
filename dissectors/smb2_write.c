/* WRITE, MS-SMB2 2.2.21 and 2.2.22. The data of the request is not in the view, only on the wire. */
#include "smb2.h"

/* 2.2.21 */
enum verdict smb2_write_request(struct smb2_body *b, struct smb2_message *m) {
    struct smb2_write_request r = {0};
    uint16_t data_offset = cursor_le16(&b->c);
    r.length = cursor_le32(&b->c);
    r.offset = cursor_le64(&b->c);
    r.file_id = smb2_take_file_id(&b->c);
    r.channel = cursor_le32(&b->c);
    r.remaining_bytes = cursor_le32(&b->c);
    cursor_skip(&b->c, 2 + 2); /* WriteChannelInfoOffset, WriteChannelInfoLength: RDMA's */
    r.flags = cursor_le32(&b->c);
    m->write_request = r;
    return smb2_payload(b, data_offset, r.length);
}

/* 2.2.22 */
enum verdict smb2_write_response(struct smb2_body *b, struct smb2_message *m) {
    struct smb2_write_response r = {0};
    cursor_skip(&b->c, 2);
    r.count = cursor_le32(&b->c);
    r.remaining = cursor_le32(&b->c);
    m->write_response = r;
    return V_OK;
}
