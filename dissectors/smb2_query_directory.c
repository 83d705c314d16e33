/* QUERY_DIRECTORY, MS-SMB2 2.2.33 and 2.2.34. */
#include "smb2.h"

/* The smallest entry there is: FILE_NOTIFY_INFORMATION and FileNamesInformation without a name, MS-FSCC 2.7.1 and
 * 2.4.33. */
enum { ENTRY_MIN = 12 };

enum verdict smb2_entries_count(struct view buffer, unsigned *entries) {
    struct cursor c = cursor_over(buffer);
    *entries = 0;
    while (cursor_left(&c) >= ENTRY_MIN) {
        uint32_t next = cursor_le32(&c);
        ++*entries;
        if (next == 0) {
            return V_OK;
        }
        if (next < ENTRY_MIN) {
            return V_BAD;
        }
        cursor_skip(&c, next - 4);
    }
    return buffer.n == 0 ? V_OK : V_BAD;
}

/* 2.2.33 */
enum verdict smb2_query_directory_request(struct smb2_body *b, struct smb2_message *m) {
    struct cursor c = smb2_fixed(b, 33);
    struct smb2_query_directory_request *r = &m->query_directory_request;
    *r = (struct smb2_query_directory_request){0};
    r->info_class = cursor_u8(&c);
    r->flags = cursor_u8(&c);
    r->file_index = cursor_le32(&c);
    r->file_id = smb2_take_file_id(&c);
    uint16_t pattern_offset = cursor_le16(&c);
    uint16_t pattern_length = cursor_le16(&c);
    r->output_buffer_length = cursor_le32(&c);
    enum verdict v = smb2_text(b, pattern_offset, pattern_length, &r->pattern);
    return v;
}

/* 2.2.34 */
enum verdict smb2_query_directory_response(struct smb2_body *b, struct smb2_message *m) {
    struct cursor c = smb2_fixed(b, 9);
    struct smb2_entries *r = &m->query_directory_response;
    *r = (struct smb2_entries){0};
    uint16_t offset = cursor_le16(&c);
    uint32_t length = cursor_le32(&c);
    enum verdict v = smb2_part(b, offset, length, &r->buffer);
    v = smb2_worse(v, smb2_entries_count(r->buffer, &r->entries));
    r->whole = v == V_OK;
    return v;
}
