/* NT_CREATE_ANDX, MS-CIFS 2.2.4.64 and MS-SMB 2.2.4.9. */
#include "smb1.h"

enum { EXTENDED_WORDS = 50 }; /* smb1.c sees to the WordCount of 42 */

/* 2.2.4.64.1 */
enum verdict smb1_nt_create_request(struct smb1_block *b, struct smb1_message *m) {
    struct smb1_nt_create_request *r = &m->nt_create_request;
    cursor_skip(&b->words, 1);
    uint16_t name_length = cursor_le16(&b->words);
    r->flags = cursor_le32(&b->words);
    r->root_directory_fid = cursor_le32(&b->words);
    r->desired_access = cursor_le32(&b->words);
    r->allocation_size = cursor_le64(&b->words);
    r->ext_file_attributes = cursor_le32(&b->words);
    r->share_access = cursor_le32(&b->words);
    r->create_disposition = cursor_le32(&b->words);
    r->create_options = cursor_le32(&b->words);
    r->impersonation_level = cursor_le32(&b->words);
    r->security_flags = cursor_u8(&b->words);
    return smb1_take_counted(b, name_length, &r->file_name);
}

/* 2.2.4.64.2, MS-SMB 2.2.4.9.2 */
enum verdict smb1_nt_create_response(struct smb1_block *b, struct smb1_message *m) {
    struct smb1_nt_create_response *r = &m->nt_create_response;
    r->op_lock_level = cursor_u8(&b->words);
    r->fid = cursor_le16(&b->words);
    r->create_action = cursor_le32(&b->words);
    r->times = smb1_take_times(&b->words);
    r->ext_file_attributes = cursor_le32(&b->words);
    r->allocation_size = cursor_le64(&b->words);
    r->end_of_file = cursor_le64(&b->words);
    r->resource_type = cursor_le16(&b->words);
    r->nm_pipe_status = cursor_le16(&b->words);
    r->directory = cursor_u8(&b->words) != 0;
    if (b->word_count < EXTENDED_WORDS) {
        return V_OK;
    }
    r->extended = true;
    cursor_copy(&b->words, r->volume_guid.bytes, sizeof r->volume_guid.bytes);
    r->file_id = cursor_le64(&b->words);
    r->maximal_access_rights = cursor_le32(&b->words);
    r->guest_maximal_access_rights = cursor_le32(&b->words);
    return V_OK;
}
