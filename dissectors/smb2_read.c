/* READ, MS-SMB2 2.2.19 and 2.2.20. The data of the response is not in the view, only on the wire. */
#include "smb2.h"

/* 2.2.19 */
enum verdict smb2_read_request(struct smb2_body *b, struct smb2_message *m) {
    struct cursor c = smb2_fixed(b, 49);
    struct smb2_read_request *r = &m->read_request;
    *r = (struct smb2_read_request){0};
    cursor_skip(&c, 1); /* Padding */
    r->flags = cursor_u8(&c);
    r->length = cursor_le32(&c);
    r->offset = cursor_le64(&c);
    r->file_id = smb2_take_file_id(&c);
    r->minimum_count = cursor_le32(&c);
    r->channel = cursor_le32(&c);
    r->remaining_bytes = cursor_le32(&c);
    /* the channel information behind it is RDMA's */
    return V_OK;
}

/* 2.2.20 */
enum verdict smb2_read_response(struct smb2_body *b, struct smb2_message *m) {
    struct cursor c = smb2_fixed(b, 17);
    struct smb2_read_response *r = &m->read_response;
    *r = (struct smb2_read_response){0};
    uint8_t data_offset = cursor_u8(&c);
    cursor_skip(&c, 1);
    r->data_length = cursor_le32(&c);
    r->data_remaining = cursor_le32(&c);
    return smb2_payload(b, data_offset, r->data_length);
}
