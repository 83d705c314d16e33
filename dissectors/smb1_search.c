/* Lists: SEARCH, FIND, FIND_UNIQUE, FIND_CLOSE; GET_PRINT_QUEUE. And ECHO, which lists nothing. */
#include "smb1.h"

enum { PRINT_QUEUE_ENTRY_SIZE = 28 };

/* A format of SMB1_FORMAT_VARIABLE, a length, and as many bytes. */
static enum verdict take_variable(struct smb1_block *b, uint8_t format, struct view *out) {
    uint8_t is = cursor_u8(&b->bytes);
    uint16_t length = cursor_le16(&b->bytes);
    size_t left = cursor_left(&b->bytes);
    *out = cursor_take(&b->bytes, length < left ? length : left);
    if (!cursor_ok(&b->bytes) || length > left) {
        return smb1_lacking(b);
    }
    return is == format ? V_OK : V_BAD;
}

/* MS-CIFS 2.2.4.58.1, 2.2.4.59.1, 2.2.4.60.1, 2.2.4.61.1 */
enum verdict smb1_search_request(struct smb1_block *b, struct smb1_message *m) {
    struct smb1_search_request *r = &m->search_request;
    r->max_count = cursor_le16(&b->words);
    r->search_attributes = cursor_le16(&b->words);
    enum verdict v = smb1_take_path(b, &r->file_name);
    return v == V_OK ? take_variable(b, SMB1_FORMAT_VARIABLE, &r->resume_key) : v;
}

/* MS-CIFS 2.2.4.58.2, 2.2.4.59.2, 2.2.4.60.2, 2.2.4.61.2: the response of FIND_CLOSE may have no bytes. */
enum verdict smb1_search_response(struct smb1_block *b, struct smb1_message *m) {
    struct smb1_search_response *r = &m->search_response;
    r->count = cursor_le16(&b->words);
    if (cursor_left(&b->bytes) == 0 && r->count == 0) {
        return V_OK;
    }
    enum verdict v = take_variable(b, SMB1_FORMAT_VARIABLE, &r->entries);
    return v == V_OK && r->entries.n < (size_t)r->count * SMB1_DIRECTORY_INFORMATION_SIZE ? V_BAD : v;
}

/* [SMB-CORE] 5.26 */
enum verdict smb1_print_queue_request(struct smb1_block *b, struct smb1_message *m) {
    m->print_queue_request.max_count = cursor_le16(&b->words);
    m->print_queue_request.start_index = cursor_le16(&b->words);
    return V_OK;
}

enum verdict smb1_print_queue_response(struct smb1_block *b, struct smb1_message *m) {
    struct smb1_print_queue_response *r = &m->print_queue_response;
    r->count = cursor_le16(&b->words);
    r->restart_index = cursor_le16(&b->words);
    enum verdict v = take_variable(b, SMB1_FORMAT_DATA, &r->entries);
    return v == V_OK && r->entries.n < (size_t)r->count * PRINT_QUEUE_ENTRY_SIZE ? V_BAD : v;
}

/* MS-CIFS 2.2.4.39 */
enum verdict smb1_echo_request(struct smb1_block *b, struct smb1_message *m) {
    m->echo.count = cursor_le16(&b->words);
    m->echo.data = cursor_rest(&b->bytes);
    return V_OK;
}

enum verdict smb1_echo_response(struct smb1_block *b, struct smb1_message *m) {
    return smb1_echo_request(b, m);
}
