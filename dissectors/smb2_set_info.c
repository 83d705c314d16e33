/* SET_INFO, MS-SMB2 2.2.39 and 2.2.40: what it changes, by MS-FSCC 2.4. */
#include "smb2.h"

/* Classes above these change nothing that has a name here. */
enum { CLASSES = FileLinkInformationEx + 1 };

enum { REPLACE_IF_EXISTS = 0x00000001, DISPOSITION_DELETE = 0x00000001 };

typedef enum verdict change_parser(struct cursor *, struct smb2_set_info_request *);

/* MS-FSCC 2.4.7 */
static enum verdict basic(struct cursor *c, struct smb2_set_info_request *r) {
    struct smb2_file_times times = smb2_take_times(c);
    uint32_t attributes = cursor_le32(c);
    cursor_skip(c, 4);
    if (!cursor_ok(c)) {
        return V_BAD;
    }
    r->times = times;
    r->file_attributes = attributes;
    return V_OK;
}

/* MS-FSCC 2.4.42.2, 2.4.43, 2.4.28.2: the layout for SMB2, with 64 bits of RootDirectory. What says whether to
 * replace is a byte or, in the Ex classes, the lowest bit of 32; both begin at the first byte. */
static enum verdict rename_or_link(struct cursor *c, bool extended, struct smb2_set_info_request *r) {
    uint32_t flags = cursor_le32(c);
    bool replace = extended ? flags & REPLACE_IF_EXISTS : (flags & 0xFF) != 0;
    cursor_skip(c, 4);
    uint64_t root = cursor_le64(c);
    uint32_t length = cursor_le32(c);
    if (!cursor_ok(c)) {
        return V_BAD;
    }
    r->replace = replace;
    r->has_root_directory = root != 0;
    return smb2_take_text(c, length, &r->new_name);
}

static enum verdict replace_byte(struct cursor *c, struct smb2_set_info_request *r) {
    return rename_or_link(c, false, r);
}

static enum verdict replace_flag(struct cursor *c, struct smb2_set_info_request *r) {
    return rename_or_link(c, true, r);
}

/* MS-FSCC 2.4.11 */
static enum verdict disposition(struct cursor *c, struct smb2_set_info_request *r) {
    r->delete_pending = cursor_u8(c) != 0;
    return cursor_ok(c) ? V_OK : V_BAD;
}

/* MS-FSCC 2.4.12 */
static enum verdict disposition_ex(struct cursor *c, struct smb2_set_info_request *r) {
    r->disposition_flags = cursor_le32(c);
    r->delete_pending = r->disposition_flags & DISPOSITION_DELETE;
    return cursor_ok(c) ? V_OK : V_BAD;
}

/* MS-FSCC 2.4.4, 2.4.14, 2.4.40, 2.4.50 */
static enum verdict size(struct cursor *c, struct smb2_set_info_request *r) {
    r->size = cursor_le64(c);
    return cursor_ok(c) ? V_OK : V_BAD;
}

/* MS-FSCC 2.4.31 */
static enum verdict mode(struct cursor *c, struct smb2_set_info_request *r) {
    (void)r;
    cursor_skip(c, 4);
    return cursor_ok(c) ? V_OK : V_BAD;
}

/* MS-FSCC 2.4.46 */
static enum verdict short_name(struct cursor *c, struct smb2_set_info_request *r) {
    uint32_t length = cursor_le32(c);
    return smb2_take_text(c, length, &r->new_name);
}

static const struct {
    enum smb2_change change;
    change_parser *parser;
} changes[CLASSES] = {
    [FileBasicInformation] = {SMB2_CHANGE_BASIC, basic},
    [FileRenameInformation] = {SMB2_CHANGE_RENAME, replace_byte},
    [FileLinkInformation] = {SMB2_CHANGE_LINK, replace_byte},
    [FileDispositionInformation] = {SMB2_CHANGE_DISPOSITION, disposition},
    [FilePositionInformation] = {SMB2_CHANGE_POSITION, size},
    [FileFullEaInformation] = {SMB2_CHANGE_EA, NULL},
    [FileModeInformation] = {SMB2_CHANGE_MODE, mode},
    [FileAllocationInformation] = {SMB2_CHANGE_ALLOCATION, size},
    [FileEndOfFileInformation] = {SMB2_CHANGE_END_OF_FILE, size},
    [FileValidDataLengthInformation] = {SMB2_CHANGE_VALID_LENGTH, size},
    [FileShortNameInformation] = {SMB2_CHANGE_SHORT_NAME, short_name},
    [FileDispositionInformationEx] = {SMB2_CHANGE_DISPOSITION, disposition_ex},
    [FileRenameInformationEx] = {SMB2_CHANGE_RENAME, replace_flag},
    [FileLinkInformationEx] = {SMB2_CHANGE_LINK, replace_flag},
};

/* The change is named even where its buffer is bad: an attempt to rename is one, whatever to. */
static enum verdict change_parse(struct smb2_set_info_request *r, enum verdict of_buffer) {
    struct cursor c = cursor_over(r->buffer);
    switch (r->info_type) {
    case SMB2_0_INFO_SECURITY:
        r->change = SMB2_CHANGE_SECURITY;
        return of_buffer;
    case SMB2_0_INFO_QUOTA:
        r->change = SMB2_CHANGE_QUOTA;
        return of_buffer;
    case SMB2_0_INFO_FILE:
        break;
    default:
        return of_buffer;
    }
    if (r->info_class >= CLASSES) {
        return of_buffer;
    }
    r->change = changes[r->info_class].change;
    if (of_buffer != V_OK || !changes[r->info_class].parser) {
        return of_buffer;
    }
    enum verdict v = changes[r->info_class].parser(&c, r);
    r->whole = v == V_OK;
    return v;
}

/* 2.2.39 */
enum verdict smb2_set_info_request(struct smb2_body *b, struct smb2_message *m) {
    struct cursor c = smb2_fixed(b, 33);
    struct smb2_set_info_request *r = &m->set_info_request;
    *r = (struct smb2_set_info_request){0};
    r->info_type = cursor_u8(&c);
    r->info_class = cursor_u8(&c);
    uint32_t length = cursor_le32(&c);
    uint16_t offset = cursor_le16(&c);
    cursor_skip(&c, 2);
    r->additional_information = cursor_le32(&c);
    r->file_id = smb2_take_file_id(&c);
    enum verdict v = smb2_part(b, offset, length, &r->buffer);
    r->buffer_length = v == V_BAD ? 0 : length;
    v = change_parse(r, v);
    return v;
}

/* 2.2.40 */
enum verdict smb2_set_info_response(struct smb2_body *b, struct smb2_message *m) {
    (void)b, (void)m;
    return V_OK;
}
