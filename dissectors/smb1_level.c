/* Information levels of TRANSACTION2: MS-CIFS 2.2.8, MS-SMB 2.2.8; pass-through levels are classes of MS-FSCC (MS-SMB 2.2.2.3.5), in
 * the form that SMB1 gives them. */
#include "smb1.h"
#include "smb1_trans.h"

enum {
    STANDARD_ENTRY_FIXED = 23, /* SMB_INFO_STANDARD up to FileName, MS-CIFS 2.2.8.1.1 */
    EA_SIZE_ENTRY_FIXED = 27,  /* MS-CIFS 2.2.8.1.2 */
    RESUME_KEY_SIZE = 4,
    ENTRY_MIN = 8,      /* NextEntryOffset and FileIndex */
    UNIX_DIRECTORY = 1, /* Type of SMB_QUERY_FILE_UNIX_BASIC */
};

/* MS-FSCC 2.4.42.1 and 2.4.27.1: for SMB1 the directory is a handle of 32 bits. */
static void rename_information(struct cursor *c, struct smb1_change *g) {
    g->replace = cursor_u8(c) != 0;
    cursor_skip(c, 3);
    g->root_directory = cursor_le32(c);
    uint32_t length = cursor_le32(c);
    size_t left = cursor_left(c);
    g->new_name = smb1_counted(c, length, true);
    c->failed = c->failed || length > left;
}

/* MS-CIFS 2.2.8.4.1 */
static void dos_times(struct cursor *c, struct smb1_change *g) {
    g->create = smb1_take_dos_time(c);
    g->last_access = smb1_take_dos_time(c);
    g->last_write = smb1_take_dos_time(c);
}

/* MS-CIFS 2.2.8.4.3 */
static void basic(struct cursor *c, struct smb1_change *g) {
    g->times = smb1_take_times(c);
    g->file_attributes = cursor_le32(c);
}

/* SMB_SET_FILE_UNIX_BASIC and what INFO2 begins with: sizes, three times, owner, type, device, id, permissions. */
static void unix_basic(struct cursor *c, struct smb1_change *g) {
    g->size = cursor_le64(c);
    cursor_skip(c, 8);
    g->times.change = cursor_le64(c);
    g->times.last_access = cursor_le64(c);
    g->times.last_write = cursor_le64(c);
    cursor_skip(c, 8 + 8 + 4 + 8 + 8 + 8);
    g->permissions = cursor_le64(c);
}

static void posix_open(struct cursor *c, struct smb1_change *g) {
    g->open_flags = cursor_le32(c);
    g->posix_open_flags = cursor_le32(c);
    g->permissions = cursor_le64(c);
    g->directory = g->posix_open_flags & SMB1_POSIX_O_DIRECTORY;
}

/* What a level changes; of a pass-through one its class does. */
static const struct {
    uint16_t level;
    enum smb1_change_kind kind;
} kinds[] = {
    {SET_LEVEL_SMB_INFO_STANDARD, SMB1_CHANGE_DOS_TIMES},
    {SET_LEVEL_SMB_INFO_SET_EAS, SMB1_CHANGE_EA},
    {SET_LEVEL_SMB_SET_FILE_BASIC_INFO, SMB1_CHANGE_BASIC},
    {SET_LEVEL_SMB_SET_FILE_DISPOSITION_INFO, SMB1_CHANGE_DISPOSITION},
    {SET_LEVEL_SMB_SET_FILE_ALLOCATION_INFO, SMB1_CHANGE_ALLOCATION},
    {SET_LEVEL_SMB_SET_FILE_END_OF_FILE_INFO, SMB1_CHANGE_END_OF_FILE},
    {SET_LEVEL_SMB_SET_FILE_UNIX_BASIC, SMB1_CHANGE_UNIX_BASIC},
    {SET_LEVEL_SMB_SET_FILE_UNIX_LINK, SMB1_CHANGE_SYMLINK},
    {SET_LEVEL_SMB_SET_FILE_UNIX_HLINK, SMB1_CHANGE_LINK},
    {SET_LEVEL_SMB_SET_POSIX_ACL, SMB1_CHANGE_POSIX_ACL},
    {SET_LEVEL_SMB_SET_XATTR, SMB1_CHANGE_EA},
    {SET_LEVEL_SMB_SET_POSIX_LOCK, SMB1_CHANGE_POSIX_LOCK},
    {SET_LEVEL_SMB_POSIX_PATH_OPEN, SMB1_CHANGE_POSIX_OPEN},
    {SET_LEVEL_SMB_POSIX_PATH_UNLINK, SMB1_CHANGE_POSIX_UNLINK},
    {SET_LEVEL_SMB_SET_FILE_UNIX_INFO2, SMB1_CHANGE_UNIX_BASIC},
    {SMB1_PASSTHROUGH + FileBasicInformation, SMB1_CHANGE_BASIC},
    {SMB1_PASSTHROUGH + FileRenameInformation, SMB1_CHANGE_RENAME},
    {SMB1_PASSTHROUGH + FileLinkInformation, SMB1_CHANGE_LINK},
    {SMB1_PASSTHROUGH + FileDispositionInformation, SMB1_CHANGE_DISPOSITION},
    {SMB1_PASSTHROUGH + FileFullEaInformation, SMB1_CHANGE_EA},
    {SMB1_PASSTHROUGH + FileAllocationInformation, SMB1_CHANGE_ALLOCATION},
    {SMB1_PASSTHROUGH + FileEndOfFileInformation, SMB1_CHANGE_END_OF_FILE},
};

static enum smb1_change_kind kind_of(uint16_t level) {
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        if (kinds[i].level == level) {
            return kinds[i].kind;
        }
    }
    return SMB1_CHANGE_OTHER;
}

/* The change is named even where its data is bad: an attempt to rename is one, whatever to. */
enum verdict smb1_level_change(struct cursor *c, bool unicode, uint16_t level, struct smb1_change *g) {
    g->kind = kind_of(level);
    switch (g->kind) {
    case SMB1_CHANGE_DOS_TIMES:
        dos_times(c, g);
        break;
    case SMB1_CHANGE_BASIC:
        basic(c, g);
        break;
    case SMB1_CHANGE_DISPOSITION: /* MS-CIFS 2.2.8.4.4 */
        g->delete_pending = cursor_u8(c) != 0;
        break;
    case SMB1_CHANGE_ALLOCATION:  /* MS-CIFS 2.2.8.4.5 */
    case SMB1_CHANGE_END_OF_FILE: /* MS-CIFS 2.2.8.4.6 */
        g->size = cursor_le64(c);
        break;
    case SMB1_CHANGE_RENAME:
        rename_information(c, g);
        break;
    case SMB1_CHANGE_LINK:
        if (level >= SMB1_PASSTHROUGH) {
            rename_information(c, g);
            break;
        }
        g->new_name = smb1_terminated(c, unicode);
        break;
    case SMB1_CHANGE_SYMLINK:
        g->new_name = smb1_terminated(c, unicode);
        break;
    case SMB1_CHANGE_POSIX_OPEN:
        posix_open(c, g);
        break;
    case SMB1_CHANGE_POSIX_UNLINK: /* 0 a file, 1 a directory */
        g->directory = cursor_le16(c) == 1;
        break;
    case SMB1_CHANGE_UNIX_BASIC:
        unix_basic(c, g);
        break;
    default:
        break;
    }
    return smb1_verdict_of(c);
}

/* MS-CIFS 2.2.8.3.1. The size is in bytes, whatever the specification says of units. */
static void standard_file(struct cursor *c, struct smb1_transaction_response *a) {
    a->information.has_dos_times = true;
    a->information.create = smb1_take_dos_time(c);
    a->information.last_access = smb1_take_dos_time(c);
    a->information.last_write = smb1_take_dos_time(c);
    struct fscc_file *f = &a->information.file;
    f->has_size = true;
    f->end_of_file = cursor_le32(c);
    cursor_skip(c, 4);
    f->has_attributes = f->has_directory = true;
    f->attributes = cursor_le16(c);
    f->directory = f->attributes & FILE_ATTRIBUTE_DIRECTORY;
}

/* MS-CIFS 2.2.8.3.6 */
static void basic_file(struct cursor *c, struct fscc_file *f) {
    f->has_times = f->has_attributes = f->has_directory = true;
    f->times = smb1_take_times(c);
    f->attributes = cursor_le32(c);
    f->directory = f->attributes & FILE_ATTRIBUTE_DIRECTORY;
}

/* MS-CIFS 2.2.8.3.7 */
static void sizes_of_file(struct cursor *c, struct fscc_file *f) {
    cursor_skip(c, 8);
    f->has_size = f->has_delete_pending = f->has_directory = true;
    f->end_of_file = cursor_le64(c);
    cursor_skip(c, 4);
    f->delete_pending = cursor_u8(c) != 0;
    f->directory = cursor_u8(c) != 0;
}

/* MS-CIFS 2.2.8.3.9 and 2.2.8.3.11; a name that was cut to fit the client's buffer is what is there of it. */
static void name_of_file(struct cursor *c, struct fscc_file *f) {
    uint32_t length = cursor_le32(c);
    f->name = smb1_counted(c, length, true);
}

/* MS-CIFS 2.2.8.3.10; also FileAllInformation where it is asked for by its class, MS-SMB <130>. */
static void all_of_file(struct cursor *c, struct fscc_file *f) {
    basic_file(c, f);
    cursor_skip(c, 4);
    sizes_of_file(c, f);
    cursor_skip(c, 2 + 4);
    name_of_file(c, f);
}

/* SMB_QUERY_FILE_UNIX_BASIC and INFO2 */
static void unix_file(struct cursor *c, struct fscc_file *f) {
    f->has_size = f->has_times = f->has_directory = true;
    f->end_of_file = cursor_le64(c);
    cursor_skip(c, 8);
    f->times.change = cursor_le64(c);
    f->times.last_access = cursor_le64(c);
    f->times.last_write = cursor_le64(c);
    cursor_skip(c, 8 + 8);
    f->directory = cursor_le32(c) == UNIX_DIRECTORY;
}

static enum verdict passed_through(struct smb1_reading *r, uint16_t level, struct smb1_transaction_response *a) {
    uint16_t class = level - SMB1_PASSTHROUGH;
    enum verdict v =
        class > UINT8_MAX ? V_NOT_MINE : fscc_file_information((uint8_t) class, r->parts->data, &a->information.file);
    a->has_details = v == V_OK;
    return v == V_OK || v == V_NOT_MINE ? V_OK : V_BAD;
}

enum verdict smb1_level_file(struct smb1_reading *r, uint16_t level, struct smb1_transaction_response *a) {
    struct cursor *c = &r->data;
    struct fscc_file *f = &a->information.file;
    switch (level) {
    case QUERY_LEVEL_SMB_INFO_STANDARD:
    case QUERY_LEVEL_SMB_INFO_QUERY_EA_SIZE:
        standard_file(c, a);
        break;
    case QUERY_LEVEL_SMB_QUERY_FILE_BASIC_INFO:
        basic_file(c, f);
        break;
    case QUERY_LEVEL_SMB_QUERY_FILE_STANDARD_INFO:
        sizes_of_file(c, f);
        break;
    case QUERY_LEVEL_SMB_QUERY_FILE_NAME_INFO:
    case QUERY_LEVEL_SMB_QUERY_FILE_ALT_NAME_INFO:
        name_of_file(c, f);
        break;
    case QUERY_LEVEL_SMB_QUERY_FILE_ALL_INFO:
    case SMB1_PASSTHROUGH + FileAllInformation:
        all_of_file(c, f);
        break;
    case QUERY_LEVEL_SMB_QUERY_FILE_UNIX_BASIC:
    case QUERY_LEVEL_SMB_QUERY_FILE_UNIX_INFO2:
        unix_file(c, f);
        break;
    case QUERY_LEVEL_SMB_QUERY_FILE_UNIX_LINK:
        f->name = smb1_terminated(c, r->parts->unicode);
        break;
    default:
        return level >= SMB1_PASSTHROUGH ? passed_through(r, level, a) : V_OK;
    }
    a->has_details = cursor_ok(c);
    return smb1_verdict_of(c);
}

/* MS-CIFS 2.2.8.2.3; MS-FSCC 2.5.9 */
static void volume(struct cursor *c, struct smb1_transaction_response *a) {
    cursor_skip(c, 8);
    a->file_system.has_serial_number = true;
    a->file_system.serial_number = cursor_le32(c);
    uint32_t length = cursor_le32(c);
    cursor_skip(c, 2);
    a->file_system.label = smb1_counted(c, length, true);
}

enum verdict smb1_level_file_system(struct smb1_reading *r, uint16_t level, struct smb1_transaction_response *a) {
    struct cursor *c = &r->data;
    switch (level) {
    case QUERY_FS_LEVEL_SMB_INFO_VOLUME: /* MS-CIFS 2.2.8.2.2 */
        a->file_system.has_serial_number = true;
        a->file_system.serial_number = cursor_le32(c);
        cursor_skip(c, 1);
        a->file_system.label = smb1_terminated(c, r->parts->unicode);
        break;
    case QUERY_FS_LEVEL_SMB_QUERY_FS_VOLUME_INFO:
    case SMB1_PASSTHROUGH + FileFsVolumeInformation:
        volume(c, a);
        break;
    case QUERY_FS_LEVEL_SMB_QUERY_FS_ATTRIBUTE_INFO: /* MS-CIFS 2.2.8.2.6 */
    case SMB1_PASSTHROUGH + FileFsAttributeInformation: {
        cursor_skip(c, 4 + 4);
        uint32_t length = cursor_le32(c);
        a->file_system.file_system = smb1_counted(c, length, true);
        break;
    }
    default:
        return V_OK;
    }
    a->has_details = cursor_ok(c);
    return smb1_verdict_of(c);
}

/* Entries that follow each other without offsets, MS-CIFS 2.2.8.1.1 and 2.2.8.1.2: fixed bytes, of which the last is the length of the
 * name. Behind the name servers put its NUL, and Unicode may be padded; so past the name go what zeros there are. */
static enum verdict old_entries(struct cursor c, size_t fixed, unsigned most, unsigned *entries) {
    while (*entries < most && cursor_left(&c) >= fixed) {
        cursor_skip(&c, fixed - 1);
        cursor_skip(&c, cursor_u8(&c));
        if (!cursor_ok(&c)) {
            return V_BAD;
        }
        ++*entries;
        struct cursor ahead = c;
        while (cursor_left(&ahead) > 0 && cursor_u8(&ahead) == 0) {
            c = ahead;
        }
    }
    return *entries == most ? V_OK : V_BAD;
}

/* Entries along NextEntryOffset. Some servers give the last one an offset too, to the end of the data. */
static enum verdict linked_entries(struct cursor c, unsigned most, unsigned *entries) {
    while (*entries < most && cursor_left(&c) >= ENTRY_MIN) {
        uint32_t next = cursor_le32(&c);
        ++*entries;
        if (next == 0) {
            break;
        }
        if (next < ENTRY_MIN) {
            return V_BAD;
        }
        cursor_skip(&c, next - 4);
    }
    return *entries == most ? V_OK : V_BAD;
}

enum verdict smb1_level_entries(struct view data, const struct smb1_subject *s, unsigned most, unsigned *entries) {
    size_t key = s->flags & SMB_FIND_RETURN_RESUME_KEYS ? RESUME_KEY_SIZE : 0;
    struct cursor c = cursor_over(data);
    *entries = 0;
    switch (s->level) {
    case FIND_LEVEL_SMB_INFO_STANDARD:
        return old_entries(c, STANDARD_ENTRY_FIXED + key, most, entries);
    case FIND_LEVEL_SMB_INFO_QUERY_EA_SIZE:
        return old_entries(c, EA_SIZE_ENTRY_FIXED + key, most, entries);
    case FIND_LEVEL_SMB_INFO_QUERY_EAS_FROM_LIST:
        return V_OK;
    default:
        return s->level >= FIND_LEVEL_SMB_FIND_FILE_DIRECTORY_INFO ? linked_entries(c, most, entries) : V_OK;
    }
}
