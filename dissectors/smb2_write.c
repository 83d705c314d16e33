/* WRITE, MS-SMB2 2.2.21 and 2.2.22. The data of the request is not in the view, only on the wire. */
#include "smb2.h"

/* 2.2.21 */
enum verdict smb2_write_request(struct smb2_body *b, struct smb2_message *m) {
    struct cursor c = smb2_fixed(b, 49);
    struct smb2_write_request *r = &m->write_request;
    *r = (struct smb2_write_request){0};
    uint16_t data_offset = cursor_le16(&c);
    r->length = cursor_le32(&c);
    r->offset = cursor_le64(&c);
    r->file_id = smb2_take_file_id(&c);
    r->channel = cursor_le32(&c);
    r->remaining_bytes = cursor_le32(&c);
    cursor_skip(&c, 2 + 2); /* WriteChannelInfoOffset, WriteChannelInfoLength: RDMA's */
    r->flags = cursor_le32(&c);
    return smb2_payload(b, data_offset, r->length);
}

/* 2.2.22 */
enum verdict smb2_write_response(struct smb2_body *b, struct smb2_message *m) {
    struct cursor c = smb2_fixed(b, 17);
    struct smb2_write_response *r = &m->write_response;
    *r = (struct smb2_write_response){0};
    cursor_skip(&c, 2);
    r->count = cursor_le32(&c);
    r->remaining = cursor_le32(&c);
    return V_OK;
}
