/* SET_INFO, MS-SMB2 2.2.39 and 2.2.40, MS-FSCC 2.4. */
#include <setjmp.h>
#include <stdarg.h>

#include "truncate.h"

#include <cmocka.h>

static void request_of(struct octets *o, uint8_t info_type, uint8_t info_class) {
    smb2_request(o, SMB2_SET_INFO);
    put16(o, 33);
    put8(o, info_type);
    put8(o, info_class);
    put32(o, 0);
    put16(o, 96);
    put16(o, 0);
    put32(o, 0x00000004);
    put_file_id(o);
}

/* The message is told how long its buffer is, which ends it. */
static void end_buffer(struct octets *o) {
    set_le(o, 68, 4, o->n - 96);
}

static struct smb2_set_info_request good(struct octets *o) {
    end_buffer(o);
    struct smb2_set_info_request r = dissect_good(o).set_info_request;
    assert_int_equal(r.file_id.persistent, TEST_FILE_ID.persistent);
    assert_int_equal(r.buffer.n, o->n - 96);
    truncate_all(o, o->n);
    return r;
}

/* All shorter buffers of the class are bad, and still say what they would have changed. */
static void shorter_is_bad(struct octets *o, size_t least, enum smb2_change change) {
    for (size_t n = 96; n < 96 + least; n++) {
        struct octets part = *o;
        part.n = n;
        end_buffer(&part);
        struct smb2_set_info_request r = dissect_as(&part, V_BAD).set_info_request;
        assert_int_equal(r.change, change);
        assert_false(r.whole);
    }
}

static void basic(void **state) {
    (void)state;
    struct octets o;
    request_of(&o, SMB2_0_INFO_FILE, FileBasicInformation);
    put64(&o, 1);
    put64(&o, 2);
    put64(&o, UINT64_MAX);
    put64(&o, 0);
    put32(&o, FILE_ATTRIBUTE_HIDDEN);
    put32(&o, 0);
    struct smb2_set_info_request r = good(&o);
    assert_int_equal(r.change, SMB2_CHANGE_BASIC);
    assert_int_equal(r.times.creation, 1);
    assert_int_equal(r.times.last_access, 2);
    assert_int_equal(r.times.last_write, UINT64_MAX);
    assert_int_equal(r.times.change, 0);
    assert_int_equal(r.file_attributes, FILE_ATTRIBUTE_HIDDEN);
    shorter_is_bad(&o, 40, SMB2_CHANGE_BASIC);
}

static void put_new_name(struct octets *o, uint64_t replace, uint64_t root, const char *name) {
    put64(o, replace);
    put64(o, root);
    put32(o, (uint32_t)(2 * strlen(name)));
    put_utf16(o, name);
}

static void renames_and_links(void **state) {
    (void)state;
    static const struct {
        uint8_t info_class;
        enum smb2_change change;
        uint64_t flags;
        bool replace;
    } rows[] = {
        {FileRenameInformation, SMB2_CHANGE_RENAME, 0x01, true},
        {FileRenameInformation, SMB2_CHANGE_RENAME, 0x02, true},
        {FileRenameInformation, SMB2_CHANGE_RENAME, 0xFFFFFFFFFFFFFF00, false}, /* reserved bytes may hold anything */
        {FileRenameInformationEx, SMB2_CHANGE_RENAME, 0x43, true},
        {FileRenameInformationEx, SMB2_CHANGE_RENAME, 0x42, false},
        {FileLinkInformation, SMB2_CHANGE_LINK, 0x01, true},
        {FileLinkInformation, SMB2_CHANGE_LINK, 0x00, false},
        {FileLinkInformationEx, SMB2_CHANGE_LINK, 0x01, true},
        {FileLinkInformationEx, SMB2_CHANGE_LINK, 0x02, false},
    };
    struct octets o;
    for (unsigned i = 0; i < sizeof rows / sizeof *rows; i++) {
        request_of(&o, SMB2_0_INFO_FILE, rows[i].info_class);
        put_new_name(&o, rows[i].flags, 0, "new\\name.txt");
        struct smb2_set_info_request r = good(&o);
        assert_int_equal(r.change, rows[i].change);
        assert_true(r.whole);
        assert_true(r.replace == rows[i].replace);
        assert_false(r.has_root_directory);
        assert_true(text_is(r.new_name, "new\\name.txt"));
        shorter_is_bad(&o, o.n - 96, rows[i].change);
    }
}

static void names_that_lie(void **state) {
    (void)state;
    struct octets o;
    request_of(&o, SMB2_0_INFO_FILE, FileRenameInformation);
    put_new_name(&o, 1, 0x4711, "abc");
    put_zeros(&o, 4); /* padding, at least to 24 bytes */
    struct smb2_set_info_request r = good(&o);
    assert_true(r.has_root_directory);
    assert_true(text_is(r.new_name, "abc"));
    set_le(&o, 112, 4, 5);
    assert_true(text_is(dissect_as(&o, V_BAD).set_info_request.new_name, "ab"));
    set_le(&o, 112, 4, 12);
    r = dissect_as(&o, V_BAD).set_info_request;
    assert_int_equal(r.new_name.bytes.n, 0);
    assert_int_equal(r.change, SMB2_CHANGE_RENAME);
    set_le(&o, 112, 4, UINT32_MAX);
    assert_int_equal(dissect_as(&o, V_BAD).set_info_request.new_name.bytes.n, 0);
    set_le(&o, 112, 4, 0);
    assert_int_equal(dissect_good(&o).set_info_request.new_name.bytes.n, 0);
}

static void dispositions(void **state) {
    (void)state;
    static const struct {
        uint8_t info_class;
        unsigned bytes;
        uint32_t value;
        bool pending;
    } rows[] = {
        {FileDispositionInformation, 1, 1, true},
        {FileDispositionInformation, 1, 0, false},
        {FileDispositionInformationEx, 4, 0x13, true},
        {FileDispositionInformationEx, 4, 0x08, false},
    };
    struct octets o;
    for (unsigned i = 0; i < sizeof rows / sizeof *rows; i++) {
        request_of(&o, SMB2_0_INFO_FILE, rows[i].info_class);
        put_le(&o, rows[i].bytes, rows[i].value);
        struct smb2_set_info_request r = good(&o);
        assert_int_equal(r.change, SMB2_CHANGE_DISPOSITION);
        assert_true(r.delete_pending == rows[i].pending);
        assert_int_equal(r.disposition_flags, rows[i].bytes == 4 ? rows[i].value : 0);
        shorter_is_bad(&o, rows[i].bytes, SMB2_CHANGE_DISPOSITION);
    }
}

static void sizes(void **state) {
    (void)state;
    static const struct {
        uint8_t info_class;
        enum smb2_change change;
    } rows[] = {
        {FileAllocationInformation, SMB2_CHANGE_ALLOCATION},
        {FileEndOfFileInformation, SMB2_CHANGE_END_OF_FILE},
        {FilePositionInformation, SMB2_CHANGE_POSITION},
        {FileValidDataLengthInformation, SMB2_CHANGE_VALID_LENGTH},
    };
    struct octets o;
    for (unsigned i = 0; i < sizeof rows / sizeof *rows; i++) {
        request_of(&o, SMB2_0_INFO_FILE, rows[i].info_class);
        put64(&o, UINT64_C(0x123456789));
        struct smb2_set_info_request r = good(&o);
        assert_int_equal(r.change, rows[i].change);
        assert_int_equal(r.size, UINT64_C(0x123456789));
        shorter_is_bad(&o, 8, rows[i].change);
    }
}

static void mode_and_short_name(void **state) {
    (void)state;
    struct octets o;
    request_of(&o, SMB2_0_INFO_FILE, FileModeInformation);
    put32(&o, 2);
    assert_int_equal(good(&o).change, SMB2_CHANGE_MODE);
    shorter_is_bad(&o, 4, SMB2_CHANGE_MODE);
    request_of(&o, SMB2_0_INFO_FILE, FileShortNameInformation);
    put32(&o, 10);
    put_utf16(&o, "A~1.B");
    struct smb2_set_info_request r = good(&o);
    assert_int_equal(r.change, SMB2_CHANGE_SHORT_NAME);
    assert_true(text_is(r.new_name, "A~1.B"));
    shorter_is_bad(&o, 14, SMB2_CHANGE_SHORT_NAME);
}

static void changes_without_details(void **state) {
    (void)state;
    static const struct {
        uint8_t info_type, info_class;
        enum smb2_change change;
    } rows[] = {
        {SMB2_0_INFO_FILE, FileFullEaInformation, SMB2_CHANGE_EA},
        {SMB2_0_INFO_SECURITY, 0, SMB2_CHANGE_SECURITY},
        {SMB2_0_INFO_QUOTA, 0, SMB2_CHANGE_QUOTA},
        {SMB2_0_INFO_FILESYSTEM, FileFsControlInformation, SMB2_CHANGE_OTHER},
        {SMB2_0_INFO_FILE, FilePipeInformation, SMB2_CHANGE_OTHER},
        {SMB2_0_INFO_FILE, 0, SMB2_CHANGE_OTHER},
        {SMB2_0_INFO_FILE, 255, SMB2_CHANGE_OTHER},
        {0, FileRenameInformation, SMB2_CHANGE_OTHER},
    };
    struct octets o;
    for (unsigned i = 0; i < sizeof rows / sizeof *rows; i++) {
        request_of(&o, rows[i].info_type, rows[i].info_class);
        put_series(&o, 3, 20);
        struct smb2_set_info_request r = good(&o);
        assert_int_equal(r.change, rows[i].change);
        assert_int_equal(r.additional_information, 0x00000004);
        assert_true(view_is_series(r.buffer, 3, 20));
    }
}

static void buffers_that_lie(void **state) {
    (void)state;
    static const struct {
        uint16_t offset;
        uint32_t length;
    } lies[] = {{0, 8}, {95, 8}, {97, 8}, {96, 9}, {96, UINT32_MAX}, {0xFFFF, UINT32_MAX}};
    struct octets o;
    for (unsigned i = 0; i < sizeof lies / sizeof *lies; i++) {
        request_of(&o, SMB2_0_INFO_FILE, FileEndOfFileInformation);
        put64(&o, 99);
        set_le(&o, 68, 4, lies[i].length);
        set_le(&o, 72, 2, lies[i].offset);
        struct smb2_set_info_request r = dissect_as(&o, V_BAD).set_info_request;
        assert_int_equal(r.buffer.n, 0);
        assert_int_equal(r.change, SMB2_CHANGE_END_OF_FILE);
        assert_int_equal(r.size, 0);
        assert_int_equal(r.file_id.persistent, TEST_FILE_ID.persistent);
    }
}

static void response(void **state) {
    (void)state;
    struct octets o;
    smb2_response(&o, SMB2_SET_INFO, STATUS_SUCCESS);
    put16(&o, 2);
    assert_false(dissect_good(&o).empty);
    truncate_all(&o, o.n);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(basic),
        cmocka_unit_test(renames_and_links),
        cmocka_unit_test(names_that_lie),
        cmocka_unit_test(dispositions),
        cmocka_unit_test(sizes),
        cmocka_unit_test(mode_and_short_name),
        cmocka_unit_test(changes_without_details),
        cmocka_unit_test(buffers_that_lie),
        cmocka_unit_test(response),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
