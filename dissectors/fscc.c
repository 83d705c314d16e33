#include "fscc.h"

#include "cursor.h"

static void take_times(struct cursor *c, struct fscc_file *f) {
    f->has_times = true;
    f->times.creation = cursor_le64(c);
    f->times.last_access = cursor_le64(c);
    f->times.last_write = cursor_le64(c);
    f->times.change = cursor_le64(c);
}

static void take_attributes(struct cursor *c, struct fscc_file *f) {
    f->has_attributes = true;
    f->attributes = cursor_le32(c);
    f->has_directory = true;
    f->directory = f->attributes & FILE_ATTRIBUTE_DIRECTORY;
}

/* MS-FSCC 2.4.7 */
static void take_basic(struct cursor *c, struct fscc_file *f) {
    take_times(c, f);
    take_attributes(c, f);
    cursor_skip(c, 4);
}

/* MS-FSCC 2.4.47 */
static void take_standard(struct cursor *c, struct fscc_file *f) {
    cursor_skip(c, 8); /* AllocationSize */
    f->has_size = true;
    f->end_of_file = cursor_le64(c);
    cursor_skip(c, 4); /* NumberOfLinks */
    f->has_delete_pending = true;
    f->delete_pending = cursor_u8(c) != 0;
    f->has_directory = true;
    f->directory = cursor_u8(c) != 0;
    cursor_skip(c, 2);
}

/* MS-FSCC 2.4.34 */
static void take_network_open(struct cursor *c, struct fscc_file *f) {
    take_times(c, f);
    cursor_skip(c, 8); /* AllocationSize */
    f->has_size = true;
    f->end_of_file = cursor_le64(c);
    take_attributes(c, f);
    cursor_skip(c, 4);
}

/* MS-FSCC 2.1.7 */
static void take_name(struct cursor *c, struct fscc_file *f) {
    uint32_t length = cursor_le32(c);
    f->name = text_utf16(cursor_take(c, length));
}

/* MS-FSCC 2.4.2 */
static void take_all(struct cursor *c, struct fscc_file *f) {
    take_basic(c, f);
    take_standard(c, f);
    cursor_skip(c, 8 + 4 + 4 + 8 + 4 + 4); /* Internal, Ea, Access, Position, Mode, Alignment */
    take_name(c, f);
}

enum verdict fscc_file_information(uint8_t info_class, struct view buffer, struct fscc_file *out) {
    struct cursor c = cursor_over(buffer);
    struct fscc_file f = {0};
    switch (info_class) {
    case FileBasicInformation:
        take_basic(&c, &f);
        break;
    case FileStandardInformation:
        take_standard(&c, &f);
        break;
    case FileAllInformation:
        take_all(&c, &f);
        break;
    case FileNameInformation:
    case FileNormalizedNameInformation:
        take_name(&c, &f);
        break;
    case FileNetworkOpenInformation:
        take_network_open(&c, &f);
        break;
    case FileAttributeTagInformation: /* MS-FSCC 2.4.6 */
        take_attributes(&c, &f);
        cursor_skip(&c, 4);
        break;
    default:
        return V_NOT_MINE;
    }
    if (!cursor_ok(&c)) {
        return V_SHORT;
    }
    if (f.name.bytes.n % 2 != 0) {
        return V_BAD;
    }
    *out = f;
    return V_OK;
}
