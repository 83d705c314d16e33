/* CREATE, MS-SMB2 2.2.13 and 2.2.14. */
#include "smb2.h"

static enum verdict contexts_at(struct smb2_body *b, uint32_t offset, uint32_t length, bool response,
                                struct smb2_create_contexts *out) {
    struct view list;
    enum verdict v = smb2_part(b, offset, length, &list);
    if (list.n == 0) {
        return v;
    }
    return smb2_create_contexts_parse(b->d->mem, list, response, out);
}

/* 2.2.13. A name of length 0 is the root of the share. */
enum verdict smb2_create_request(struct smb2_body *b, struct smb2_message *m) {
    struct cursor c = smb2_fixed(b, 57);
    struct smb2_create_request *r = &m->create_request;
    *r = (struct smb2_create_request){0};
    cursor_skip(&c, 1); /* SecurityFlags */
    r->oplock_level = cursor_u8(&c);
    r->impersonation_level = cursor_le32(&c);
    cursor_skip(&c, 8 + 8); /* SmbCreateFlags, Reserved */
    r->desired_access = cursor_le32(&c);
    r->file_attributes = cursor_le32(&c);
    r->share_access = cursor_le32(&c);
    r->create_disposition = cursor_le32(&c);
    r->create_options = cursor_le32(&c);
    uint16_t name_offset = cursor_le16(&c);
    uint16_t name_length = cursor_le16(&c);
    uint32_t contexts_offset = cursor_le32(&c);
    uint32_t contexts_length = cursor_le32(&c);
    enum verdict v = smb2_text(b, name_offset, name_length, &r->name);
    r->name_lost = name_length != 0 && r->name.bytes.n == 0;
    v = smb2_worse(v, contexts_at(b, contexts_offset, contexts_length, false, &r->contexts));
    return v;
}

/* 2.2.14 */
enum verdict smb2_create_response(struct smb2_body *b, struct smb2_message *m) {
    struct cursor c = smb2_fixed(b, 89);
    struct smb2_create_response *r = &m->create_response;
    *r = (struct smb2_create_response){0};
    r->oplock_level = cursor_u8(&c);
    r->flags = cursor_u8(&c);
    r->create_action = cursor_le32(&c);
    r->times = smb2_take_times(&c);
    r->allocation_size = cursor_le64(&c);
    r->end_of_file = cursor_le64(&c);
    r->file_attributes = cursor_le32(&c);
    cursor_skip(&c, 4);
    r->file_id = smb2_take_file_id(&c);
    uint32_t contexts_offset = cursor_le32(&c);
    uint32_t contexts_length = cursor_le32(&c);
    enum verdict v = contexts_at(b, contexts_offset, contexts_length, true, &r->contexts);
    return v;
}
