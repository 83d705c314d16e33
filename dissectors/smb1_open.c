/* The opens of old: OPEN, CREATE and its kin, OPEN_ANDX, OPEN_PRINT_FILE. */
#include "smb1.h"

enum { EXTENDED_RESPONSE_WORDS = 19 };

/* MS-CIFS 2.2.4.3.1 */
enum verdict smb1_open_request(struct smb1_block *b, struct smb1_message *m) {
    struct smb1_open_request *r = &m->open_request;
    r->access_mode = cursor_le16(&b->words);
    r->search_attributes = cursor_le16(&b->words);
    return smb1_take_path(b, &r->file_name);
}

/* MS-CIFS 2.2.4.3.2 */
enum verdict smb1_open_response(struct smb1_block *b, struct smb1_message *m) {
    struct smb1_open_response *r = &m->open_response;
    r->fid = cursor_le16(&b->words);
    r->file_attributes = cursor_le16(&b->words);
    r->last_write_time = cursor_le32(&b->words);
    r->file_data_size = cursor_le32(&b->words);
    r->access_rights = cursor_le16(&b->words);
    return V_OK;
}

/* CREATE, CREATE_TEMPORARY, CREATE_NEW: MS-CIFS 2.2.4.4.1, 2.2.4.15.1, 2.2.4.16.1 */
enum verdict smb1_create_request(struct smb1_block *b, struct smb1_message *m) {
    struct smb1_open_request *r = &m->open_request;
    r->file_attributes = cursor_le16(&b->words);
    r->creation_time = cursor_le32(&b->words);
    return smb1_take_path(b, &r->file_name);
}

/* The FID alone, and of CREATE_TEMPORARY (MS-CIFS 2.2.4.15.2) the name that the server made: an array of characters, which some
 * send behind a BufferFormat. */
enum verdict smb1_created_response(struct smb1_block *b, struct smb1_message *m) {
    struct smb1_open_response *r = &m->open_response;
    r->fid = cursor_le16(&b->words);
    if (b->command != SMB1_CREATE_TEMPORARY) {
        return V_OK;
    }
    struct cursor ahead = b->bytes;
    if (cursor_u8(&ahead) == SMB1_FORMAT_STRING) {
        b->bytes = ahead;
    }
    return smb1_take_oem(b, &r->temporary_file_name);
}

/* MS-CIFS 2.2.4.41.1 */
enum verdict smb1_open_andx_request(struct smb1_block *b, struct smb1_message *m) {
    struct smb1_open_request *r = &m->open_request;
    r->flags = cursor_le16(&b->words);
    r->access_mode = cursor_le16(&b->words);
    r->search_attributes = cursor_le16(&b->words);
    r->file_attributes = cursor_le16(&b->words);
    r->creation_time = cursor_le32(&b->words);
    r->open_mode = cursor_le16(&b->words);
    r->allocation_size = cursor_le32(&b->words);
    r->timeout = cursor_le32(&b->words);
    return smb1_take_string(b, &r->file_name);
}

/* MS-CIFS 2.2.4.41.2, MS-SMB 2.2.4.1.2 */
enum verdict smb1_open_andx_response(struct smb1_block *b, struct smb1_message *m) {
    struct smb1_open_response *r = &m->open_response;
    (void)smb1_open_response(b, m);
    r->resource_type = cursor_le16(&b->words);
    r->nm_pipe_status = cursor_le16(&b->words);
    r->open_results = cursor_le16(&b->words);
    if (b->word_count >= EXTENDED_RESPONSE_WORDS) {
        cursor_skip(&b->words, 4 + 2); /* ServerFID, Reserved */
        r->has_maximal_access = true;
        r->maximal_access_rights = cursor_le32(&b->words);
        r->guest_maximal_access_rights = cursor_le32(&b->words);
    }
    return V_OK;
}

/* MS-CIFS 2.2.4.67.1 */
enum verdict smb1_open_print_request(struct smb1_block *b, struct smb1_message *m) {
    struct smb1_open_request *r = &m->open_request;
    r->setup_length = cursor_le16(&b->words);
    r->access_mode = cursor_le16(&b->words);
    return smb1_take_path(b, &r->file_name);
}
