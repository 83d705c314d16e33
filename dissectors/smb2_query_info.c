/* QUERY_INFO, MS-SMB2 2.2.37 and 2.2.38. */
#include "smb2.h"

/* 2.2.37 */
enum verdict smb2_query_info_request(struct smb2_body *b, struct smb2_message *m) {
    struct smb2_query_info_request r = {0};
    r.info_type = cursor_u8(&b->c);
    r.info_class = cursor_u8(&b->c);
    r.output_buffer_length = cursor_le32(&b->c);
    uint16_t input_offset = cursor_le16(&b->c);
    cursor_skip(&b->c, 2);
    uint32_t input_length = cursor_le32(&b->c);
    r.additional_information = cursor_le32(&b->c);
    r.flags = cursor_le32(&b->c);
    r.file_id = smb2_take_file_id(&b->c);
    enum verdict v = smb2_part(b, input_offset, input_length, &r.input);
    m->query_info_request = r;
    return v;
}

/* 2.2.38 */
enum verdict smb2_query_info_response(struct smb2_body *b, struct smb2_message *m) {
    struct smb2_query_info_response r = {0};
    uint16_t offset = cursor_le16(&b->c);
    uint32_t length = cursor_le32(&b->c);
    enum verdict v = smb2_part(b, offset, length, &r.buffer);
    r.buffer_length = v == V_BAD ? 0 : length;
    m->query_info_response = r;
    return v;
}
