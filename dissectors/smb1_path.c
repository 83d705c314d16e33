/* Commands that name files and directories: by one path, or from one to another. And those that name an open file by its FID alone. */
#include "smb1.h"

/* CLOSE, FLUSH, QUERY_INFORMATION2, FIND_CLOSE2, CLOSE_PRINT_FILE: MS-CIFS 2.2.4.5.1, 2.2.4.6.1, 2.2.4.31.1, 2.2.4.48.1,
 * 2.2.4.69.1 */
enum verdict smb1_file_request(struct smb1_block *b, struct smb1_message *m) {
    m->file_request.fid = cursor_le16(&b->words);
    if (b->command == SMB1_CLOSE) {
        m->file_request.last_time_modified = cursor_le32(&b->words);
    }
    return V_OK;
}

/* CREATE_DIRECTORY, DELETE_DIRECTORY, DELETE, QUERY_INFORMATION, CHECK_DIRECTORY: MS-CIFS 2.2.4.1.1, 2.2.4.2.1, 2.2.4.7.1,
 * 2.2.4.9.1, 2.2.4.17.1 */
enum verdict smb1_path_request(struct smb1_block *b, struct smb1_message *m) {
    if (b->command == SMB1_DELETE) {
        m->path_request.search_attributes = cursor_le16(&b->words);
    }
    return smb1_take_path(b, &m->path_request.name);
}

static enum verdict two_paths(struct smb1_block *b, struct text *from, struct text *to) {
    enum verdict v = smb1_take_path(b, from);
    return smb1_worse(v, smb1_take_path(b, to));
}

/* MS-CIFS 2.2.4.8.1 */
enum verdict smb1_rename_request(struct smb1_block *b, struct smb1_message *m) {
    struct smb1_rename_request *r = &m->rename_request;
    r->search_attributes = cursor_le16(&b->words);
    return two_paths(b, &r->old_file_name, &r->new_file_name);
}

/* MS-CIFS 2.2.4.66.1 */
enum verdict smb1_nt_rename_request(struct smb1_block *b, struct smb1_message *m) {
    struct smb1_rename_request *r = &m->rename_request;
    r->search_attributes = cursor_le16(&b->words);
    r->information_level = cursor_le16(&b->words);
    return two_paths(b, &r->old_file_name, &r->new_file_name);
}

/* COPY and MOVE */
enum verdict smb1_copy_request(struct smb1_block *b, struct smb1_message *m) {
    struct smb1_copy_request *r = &m->copy_request;
    r->tree_id2 = cursor_le16(&b->words);
    r->open_function = cursor_le16(&b->words);
    r->flags = cursor_le16(&b->words);
    return two_paths(b, &r->source_file_name, &r->target_file_name);
}

/* The name is there only where a file could not be copied. */
enum verdict smb1_copy_response(struct smb1_block *b, struct smb1_message *m) {
    m->copy_response.count = cursor_le16(&b->words);
    return cursor_left(&b->bytes) > 0 ? smb1_take_path(b, &m->copy_response.error_file_name) : V_OK;
}
