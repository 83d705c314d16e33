/* QUERY_INFO, MS-SMB2 2.2.37 and 2.2.38. */
#include "smb2.h"

/* 2.2.37 */
enum verdict smb2_query_info_request(struct smb2_body *b, struct smb2_message *m) {
    struct cursor c = smb2_fixed(b, 41);
    struct smb2_query_info_request *r = &m->query_info_request;
    *r = (struct smb2_query_info_request){0};
    r->info_type = cursor_u8(&c);
    r->info_class = cursor_u8(&c);
    r->output_buffer_length = cursor_le32(&c);
    uint16_t input_offset = cursor_le16(&c);
    cursor_skip(&c, 2);
    uint32_t input_length = cursor_le32(&c);
    r->additional_information = cursor_le32(&c);
    r->flags = cursor_le32(&c);
    r->file_id = smb2_take_file_id(&c);
    enum verdict v = smb2_part(b, input_offset, input_length, &r->input);
    return v;
}

/* 2.2.38 */
enum verdict smb2_query_info_response(struct smb2_body *b, struct smb2_message *m) {
    struct cursor c = smb2_fixed(b, 9);
    struct smb2_query_info_response *r = &m->query_info_response;
    *r = (struct smb2_query_info_response){0};
    uint16_t offset = cursor_le16(&c);
    uint32_t length = cursor_le32(&c);
    enum verdict v = smb2_part(b, offset, length, &r->buffer);
    r->buffer_length = v == V_BAD ? 0 : length;
    return v;
}
