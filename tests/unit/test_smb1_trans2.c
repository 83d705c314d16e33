/* Whole TRANSACTION2s and their information levels: MS-CIFS 2.2.6 and 2.2.8, MS-SMB 2.2.6 and 2.2.8. */
#include <setjmp.h>
#include <stdarg.h>

#include "smb1_trans.h"

#include <cmocka.h>

static void open2(void **state) {
    (void)state;
    struct trans t;
    trans_begin(&t, SMB1_TRANSACTION2, true, TRANS2_OPEN2);
    put16(&t.parameters, 7);
    put16(&t.parameters, 0x42);
    put16(&t.parameters, 0);
    put16(&t.parameters, 0x20);
    put32(&t.parameters, 0x5A000001);
    put16(&t.parameters, 0x11);
    put32(&t.parameters, 1024);
    put_zeros(&t.parameters, 10);
    trans_string(&t.parameters, &t, "\\a.txt");
    struct smb1_transaction_request q = trans_ask(&t, V_OK);
    assert_int_equal(q.subject.kind, SMB1_SUBJECT_TRANS2);
    assert_string_equal(smb1_subcommand_name(&q.subject), "TRANS2_OPEN2");
    assert_int_equal(q.open.access_mode, 0x42);
    assert_int_equal(q.open.file_attributes, 0x20);
    assert_int_equal(q.open.creation_time, 0x5A000001);
    assert_int_equal(q.open.open_mode, 0x11);
    assert_int_equal(q.open.allocation_size, 1024);
    assert_true(trans_says(&t, q.open.file_name, "\\a.txt"));
    t.parameters.n = 0;
    put16(&t.parameters, TEST_FID);
    put16(&t.parameters, 0x20);
    put32(&t.parameters, 0x5A000001);
    put32(&t.parameters, 99);
    put16(&t.parameters, 2);
    put16(&t.parameters, 0);
    put16(&t.parameters, 5);
    put16(&t.parameters, 1);
    put_zeros(&t.parameters, 6);
    put32(&t.parameters, 77);
    struct smb1_transaction_response a = trans_answer(&t, &q.subject, V_OK);
    assert_true(a.has_details);
    assert_int_equal(a.open.response.fid, TEST_FID);
    assert_int_equal(a.open.response.file_data_size, 99);
    assert_int_equal(a.open.response.open_results, 1);
    assert_int_equal(a.open.ea_length, 77);
}

static struct smb1_transaction_request find_first(struct trans *t, uint16_t level, uint16_t flags) {
    trans_begin(t, SMB1_TRANSACTION2, true, TRANS2_FIND_FIRST2);
    put16(&t->parameters, 0x16);
    put16(&t->parameters, 100);
    put16(&t->parameters, flags);
    put16(&t->parameters, level);
    put32(&t->parameters, 0);
    trans_string(&t->parameters, t, "\\dir\\*");
    struct smb1_transaction_request q = trans_ask(t, V_OK);
    t->parameters.n = t->setup.n = 0;
    return q;
}

static void put_found(struct trans *t, bool first, uint16_t count) {
    if (first) {
        put16(&t->parameters, 0x77);
    }
    put16(&t->parameters, count);
    put16(&t->parameters, 1);
    put16(&t->parameters, 0);
    put16(&t->parameters, 0);
}

static void find(void **state) {
    (void)state;
    struct trans t;
    struct smb1_transaction_request q = find_first(&t, FIND_LEVEL_SMB_FIND_FILE_BOTH_DIRECTORY_INFO, 6);
    assert_int_equal(q.subject.level, FIND_LEVEL_SMB_FIND_FILE_BOTH_DIRECTORY_INFO);
    assert_string_equal(smb1_level_name(&q.subject), "SMB_FIND_FILE_BOTH_DIRECTORY_INFO");
    assert_int_equal(q.subject.flags, 6);
    assert_int_equal(q.find.search_attributes, 0x16);
    assert_int_equal(q.find.search_count, 100);
    assert_true(trans_says(&t, q.name, "\\dir\\*"));
    put_found(&t, true, 2);
    put32(&t.data, 96);
    put_zeros(&t.data, 92);
    put32(&t.data, 0);
    put_zeros(&t.data, 92);
    struct smb1_transaction_response a = trans_answer(&t, &q.subject, V_OK);
    assert_int_equal(a.find.sid, 0x77);
    assert_int_equal(a.find.search_count, 2);
    assert_int_equal(a.find.entries, 2);
    assert_true(a.find.end_of_search);
    set_le(&t.data, 0, 4, 4); /* back into itself */
    assert_int_equal(trans_answer(&t, &q.subject, V_BAD).find.entries, 1);
    set_le(&t.data, 0, 4, 0x80000000);
    assert_int_equal(trans_answer(&t, &q.subject, V_BAD).find.entries, 1);
}

static void find_next(void **state) {
    (void)state;
    struct trans t;
    trans_begin(&t, SMB1_TRANSACTION2, false, TRANS2_FIND_NEXT2);
    put16(&t.parameters, 0x77);
    put16(&t.parameters, 50);
    put16(&t.parameters, FIND_LEVEL_SMB_FIND_FILE_NAMES_INFO);
    put32(&t.parameters, 5);
    put16(&t.parameters, SMB_FIND_RETURN_RESUME_KEYS);
    trans_string(&t.parameters, &t, "b.txt");
    struct smb1_transaction_request q = trans_ask(&t, V_OK);
    assert_int_equal(q.find.sid, 0x77);
    assert_int_equal(q.find.search_count, 50);
    assert_int_equal(q.find.resume_key, 5);
    assert_true(trans_says(&t, q.name, "b.txt"));
    t.parameters.n = 0;
    put_found(&t, false, 0);
    assert_int_equal(trans_answer(&t, &q.subject, V_OK).find.entries, 0);
}

/* Levels of LAN Manager: entries without offsets, with or without a resume key. */
static void find_of_old(void **state) {
    (void)state;
    struct trans t;
    for (uint16_t keys = 0; keys < 2; keys++) {
        struct smb1_transaction_request q =
            find_first(&t, FIND_LEVEL_SMB_INFO_STANDARD, keys ? SMB_FIND_RETURN_RESUME_KEYS : 0);
        put_found(&t, true, 2);
        for (unsigned i = 0; i < 2; i++) {
            if (keys) {
                put32(&t.data, i + 1);
            }
            put_series(&t.data, 1, 22);
            put8(&t.data, 5);
            put_oem(&t.data, "a.txt");
        }
        assert_int_equal(trans_answer(&t, &q.subject, V_OK).find.entries, 2);
        t.data.b[keys ? 26 : 22] = 0xFF; /* a name behind the end */
        assert_int_equal(trans_answer(&t, &q.subject, V_BAD).find.entries, 0);
    }
}

static struct smb1_transaction_request ask_path(struct trans *t, uint16_t subcommand, uint16_t level) {
    trans_begin(t, SMB1_TRANSACTION2, true, subcommand);
    put16(&t->parameters, level);
    put32(&t->parameters, 0);
    trans_string(&t->parameters, t, "\\a.txt");
    struct smb1_transaction_request q = trans_ask(t, V_OK);
    assert_int_equal(q.subject.level, level);
    assert_true(trans_says(t, q.name, "\\a.txt"));
    t->parameters.n = t->setup.n = 0;
    put16(&t->parameters, 0); /* EaErrorOffset */
    return q;
}

static struct fscc_file query(struct trans *t, uint16_t level, const struct octets *data) {
    struct smb1_transaction_request q = ask_path(t, TRANS2_QUERY_PATH_INFORMATION, level);
    assert_non_null(smb1_level_name(&q.subject));
    put_bytes(&t->data, data->b, data->n);
    struct smb1_transaction_response a = trans_answer(t, &q.subject, V_OK);
    assert_true(a.has_details);
    return a.information.file;
}

static void put_basic(struct octets *o, uint32_t attributes) {
    for (unsigned i = 1; i <= 4; i++) {
        put64(o, i);
    }
    put32(o, attributes);
    put32(o, 0);
}

static void put_standard(struct octets *o) {
    put64(o, 4096);
    put64(o, 99);
    put32(o, 1);
    put8(o, 1);
    put8(o, 1);
}

static void query_levels(void **state) {
    (void)state;
    struct trans t;
    struct octets o = {.n = 0};
    put_basic(&o, FILE_ATTRIBUTE_DIRECTORY);
    struct fscc_file f = query(&t, QUERY_LEVEL_SMB_QUERY_FILE_BASIC_INFO, &o);
    assert_true(f.has_times && f.times.creation == 1 && f.times.change == 4);
    assert_true(f.has_directory && f.directory);
    assert_int_equal(f.attributes, FILE_ATTRIBUTE_DIRECTORY);
    o.n = 0;
    put_standard(&o);
    f = query(&t, QUERY_LEVEL_SMB_QUERY_FILE_STANDARD_INFO, &o);
    assert_true(f.has_size && f.end_of_file == 99 && f.delete_pending && f.directory);
    o.n = 0;
    put32(&o, 12);
    put_utf16(&o, "\\a.txt");
    f = query(&t, QUERY_LEVEL_SMB_QUERY_FILE_NAME_INFO, &o);
    assert_true(trans_says(&t, f.name, "\\a.txt"));
    o.n = 0;
    put_basic(&o, FILE_ATTRIBUTE_ARCHIVE);
    put_standard(&o);
    put16(&o, 0);
    put32(&o, 0);
    put32(&o, 12);
    put_utf16(&o, "\\a.txt");
    f = query(&t, QUERY_LEVEL_SMB_QUERY_FILE_ALL_INFO, &o);
    assert_true(f.times.last_write == 3 && f.end_of_file == 99 && trans_says(&t, f.name, "\\a.txt"));
    f = query(&t, SMB1_PASSTHROUGH + FileAllInformation, &o);
    assert_true(f.end_of_file == 99 && trans_says(&t, f.name, "\\a.txt"));
    o.n = 0;
    put_basic(&o, FILE_ATTRIBUTE_HIDDEN);
    f = query(&t, SMB1_PASSTHROUGH + FileBasicInformation, &o);
    assert_int_equal(f.attributes, FILE_ATTRIBUTE_HIDDEN);
}

static void query_unix_levels(void **state) {
    (void)state;
    struct trans t;
    struct octets o = {.n = 0};
    put64(&o, 99);
    put64(&o, 4096);
    for (unsigned i = 1; i <= 3; i++) {
        put64(&o, i);
    }
    put_zeros(&o, 16);
    put32(&o, 1);
    put_zeros(&o, 40);
    struct fscc_file f = query(&t, QUERY_LEVEL_SMB_QUERY_FILE_UNIX_BASIC, &o);
    assert_true(f.end_of_file == 99 && f.times.change == 1 && f.times.last_write == 3 && f.directory);
    o.n = 0;
    put_utf16(&o, "../b");
    put16(&o, 0);
    f = query(&t, QUERY_LEVEL_SMB_QUERY_FILE_UNIX_LINK, &o);
    assert_true(trans_says(&t, f.name, "../b"));
}

static void query_of_old(void **state) {
    (void)state;
    struct trans t;
    struct smb1_transaction_request q = ask_path(&t, TRANS2_QUERY_PATH_INFORMATION, QUERY_LEVEL_SMB_INFO_STANDARD);
    for (uint16_t i = 1; i <= 6; i++) {
        put16(&t.data, i);
    }
    put32(&t.data, 99);
    put32(&t.data, 4096);
    put16(&t.data, FILE_ATTRIBUTE_DIRECTORY);
    struct smb1_transaction_response a = trans_answer(&t, &q.subject, V_OK);
    assert_true(a.information.has_dos_times);
    assert_true(a.information.create.date == 1 && a.information.last_write.time == 6);
    assert_true(a.information.file.end_of_file == 99 && a.information.file.directory);
}

static void query_what_is_not_known(void **state) {
    (void)state;
    static const uint16_t levels[] = {QUERY_LEVEL_SMB_QUERY_FILE_STREAM_INFO, 0x0999, 0xFFFF,
                                      SMB1_PASSTHROUGH + FileStreamInformation};
    struct trans t;
    for (unsigned i = 0; i < sizeof levels / sizeof *levels; i++) {
        struct smb1_transaction_request q = ask_path(&t, TRANS2_QUERY_PATH_INFORMATION, levels[i]);
        put_series(&t.data, 1, 30);
        struct smb1_transaction_response a = trans_answer(&t, &q.subject, V_OK);
        assert_false(a.has_details);
        assert_int_equal(a.data.n, 30);
    }
}

static void begin_set(struct trans *t, uint16_t level) {
    trans_begin(t, SMB1_TRANSACTION2, true, TRANS2_SET_FILE_INFORMATION);
    put16(&t->parameters, TEST_FID);
    put16(&t->parameters, level);
    put16(&t->parameters, 0);
}

static struct smb1_change set(const struct trans *t, enum smb1_change_kind kind) {
    struct smb1_transaction_request q = trans_ask(t, V_OK);
    assert_true(q.has_fid);
    assert_int_equal(q.fid, TEST_FID);
    assert_int_equal(q.change.kind, kind);
    assert_non_null(smb1_level_name(&q.subject));
    return q.change;
}

static void set_sizes_and_disposition(void **state) {
    (void)state;
    static const struct {
        uint16_t level;
        enum smb1_change_kind kind;
    } rows[] = {
        {SET_LEVEL_SMB_SET_FILE_ALLOCATION_INFO, SMB1_CHANGE_ALLOCATION},
        {SET_LEVEL_SMB_SET_FILE_END_OF_FILE_INFO, SMB1_CHANGE_END_OF_FILE},
        {SMB1_PASSTHROUGH + FileAllocationInformation, SMB1_CHANGE_ALLOCATION},
        {SMB1_PASSTHROUGH + FileEndOfFileInformation, SMB1_CHANGE_END_OF_FILE},
        {SET_LEVEL_SMB_SET_FILE_DISPOSITION_INFO, SMB1_CHANGE_DISPOSITION},
        {SMB1_PASSTHROUGH + FileDispositionInformation, SMB1_CHANGE_DISPOSITION},
    };
    struct trans t;
    for (unsigned i = 0; i < sizeof rows / sizeof *rows; i++) {
        bool disposition = rows[i].kind == SMB1_CHANGE_DISPOSITION;
        begin_set(&t, rows[i].level);
        put_le(&t.data, disposition ? 1 : 8, 1);
        struct smb1_change g = set(&t, rows[i].kind);
        assert_true(g.delete_pending == disposition);
        assert_int_equal(g.size, disposition ? 0 : 1);
    }
}

static void set_times(void **state) {
    (void)state;
    struct trans t;
    begin_set(&t, SET_LEVEL_SMB_SET_FILE_BASIC_INFO);
    put_basic(&t.data, FILE_ATTRIBUTE_HIDDEN);
    struct smb1_change g = set(&t, SMB1_CHANGE_BASIC);
    assert_int_equal(g.file_attributes, FILE_ATTRIBUTE_HIDDEN);
    assert_true(g.times.creation == 1 && g.times.change == 4);
    begin_set(&t, SET_LEVEL_SMB_INFO_STANDARD);
    for (uint16_t i = 1; i <= 6; i++) {
        put16(&t.data, i);
    }
    g = set(&t, SMB1_CHANGE_DOS_TIMES);
    assert_true(g.create.date == 1 && g.last_access.time == 4 && g.last_write.date == 5);
    begin_set(&t, SET_LEVEL_SMB_SET_FILE_UNIX_BASIC);
    put64(&t.data, UINT64_MAX);
    put_zeros(&t.data, 8 + 24 + 16 + 4 + 24);
    put64(&t.data, 0755);
    put64(&t.data, 1);
    g = set(&t, SMB1_CHANGE_UNIX_BASIC);
    assert_true(g.size == UINT64_MAX && g.permissions == 0755);
}

static void set_names(void **state) {
    (void)state;
    static const struct {
        uint16_t level;
        enum smb1_change_kind kind;
    } rows[] = {
        {SMB1_PASSTHROUGH + FileRenameInformation, SMB1_CHANGE_RENAME},
        {SMB1_PASSTHROUGH + FileLinkInformation, SMB1_CHANGE_LINK},
        {SET_LEVEL_SMB_SET_FILE_UNIX_HLINK, SMB1_CHANGE_LINK},
        {SET_LEVEL_SMB_SET_FILE_UNIX_LINK, SMB1_CHANGE_SYMLINK},
    };
    struct trans t;
    for (unsigned i = 0; i < sizeof rows / sizeof *rows; i++) {
        bool through = rows[i].level >= SMB1_PASSTHROUGH;
        begin_set(&t, rows[i].level);
        if (through) {
            put32(&t.data, 1);
            put32(&t.data, TEST_FID);
            put32(&t.data, 8);
        }
        trans_string(&t.data, &t, "\\new");
        struct smb1_change g = set(&t, rows[i].kind);
        assert_true(trans_says(&t, g.new_name, "\\new"));
        assert_true(g.replace == through);
        assert_int_equal(g.root_directory, through ? TEST_FID : 0);
        if (through) {
            set_le(&t.data, 8, 4, 0xFFFFFFFF); /* longer than there is; it was a rename none the less */
            struct smb1_transaction_request q = trans_ask(&t, V_BAD);
            assert_int_equal(q.change.kind, rows[i].kind);
            assert_true(trans_says(&t, q.change.new_name, "\\new"));
        }
    }
}

static void posix(void **state) {
    (void)state;
    struct trans t;
    trans_begin(&t, SMB1_TRANSACTION2, true, TRANS2_SET_PATH_INFORMATION);
    put16(&t.parameters, SET_LEVEL_SMB_POSIX_PATH_OPEN);
    put32(&t.parameters, 0);
    trans_string(&t.parameters, &t, "/a");
    put32(&t.data, 1);
    put32(&t.data, SMB1_POSIX_O_DIRECTORY);
    put64(&t.data, 0755);
    put16(&t.data, 0xFFFF);
    struct smb1_transaction_request q = trans_ask(&t, V_OK);
    assert_int_equal(q.change.kind, SMB1_CHANGE_POSIX_OPEN);
    assert_true(q.change.directory);
    assert_int_equal(q.change.open_flags, 1);
    assert_true(q.change.permissions == 0755);
    assert_true(trans_says(&t, q.name, "/a"));
    t.data.n = 0;
    put16(&t.data, 1);
    put16(&t.data, TEST_FID);
    put32(&t.data, 2);
    put_zeros(&t.data, 4);
    struct smb1_transaction_response a = trans_answer(&t, &q.subject, V_OK);
    assert_true(a.has_details);
    assert_int_equal(a.posix_open.fid, TEST_FID);
    assert_int_equal(a.posix_open.create_action, 2);
    set_le(&t.parameters, 0, 2, SET_LEVEL_SMB_POSIX_PATH_UNLINK);
    t.data.n = 0;
    put16(&t.data, 1);
    q = trans_ask(&t, V_OK);
    assert_int_equal(q.change.kind, SMB1_CHANGE_POSIX_UNLINK);
    assert_true(q.change.directory);
    assert_false(trans_answer(&t, &q.subject, V_OK).has_details);
}

static struct smb1_transaction_request query_fs(struct trans *t, uint16_t level) {
    trans_begin(t, SMB1_TRANSACTION2, true, TRANS2_QUERY_FS_INFORMATION);
    put16(&t->parameters, level);
    struct smb1_transaction_request q = trans_ask(t, V_OK);
    assert_non_null(smb1_level_name(&q.subject));
    t->parameters.n = t->setup.n = 0;
    return q;
}

static void file_systems(void **state) {
    (void)state;
    static const uint16_t volumes[] = {QUERY_FS_LEVEL_SMB_QUERY_FS_VOLUME_INFO,
                                       SMB1_PASSTHROUGH + FileFsVolumeInformation};
    static const uint16_t attributes[] = {QUERY_FS_LEVEL_SMB_QUERY_FS_ATTRIBUTE_INFO,
                                          SMB1_PASSTHROUGH + FileFsAttributeInformation};
    struct trans t;
    for (unsigned i = 0; i < 2; i++) {
        struct smb1_transaction_request q = query_fs(&t, volumes[i]);
        put64(&t.data, 1);
        put32(&t.data, 0xCAFE);
        put32(&t.data, 8);
        put16(&t.data, 0);
        put_utf16(&t.data, "DISK");
        struct smb1_transaction_response a = trans_answer(&t, &q.subject, V_OK);
        assert_int_equal(a.file_system.serial_number, 0xCAFE);
        assert_true(trans_says(&t, a.file_system.label, "DISK"));
        q = query_fs(&t, attributes[i]);
        put32(&t.data, 0x1F);
        put32(&t.data, 255);
        put32(&t.data, 8);
        put_utf16(&t.data, "NTFS");
        a = trans_answer(&t, &q.subject, V_OK);
        assert_true(trans_says(&t, a.file_system.file_system, "NTFS"));
    }
    struct smb1_transaction_request q = query_fs(&t, QUERY_FS_LEVEL_SMB_INFO_VOLUME);
    t.unicode = false;
    put32(&t.data, 0xCAFE);
    put8(&t.data, 4);
    put_oem(&t.data, "DISK");
    struct smb1_transaction_response a = trans_answer(&t, &q.subject, V_OK);
    assert_true(a.file_system.has_serial_number && trans_says(&t, a.file_system.label, "DISK"));
    q = query_fs(&t, QUERY_FS_LEVEL_SMB_QUERY_FS_SIZE_INFO);
    put_zeros(&t.data, 24);
    assert_false(trans_answer(&t, &q.subject, V_OK).has_details);
}

static void other_subcommands(void **state) {
    (void)state;
    struct trans t;
    trans_begin(&t, SMB1_TRANSACTION2, true, TRANS2_CREATE_DIRECTORY);
    put32(&t.parameters, 0);
    trans_string(&t.parameters, &t, "\\dir");
    struct smb1_transaction_request q = trans_ask(&t, V_OK);
    assert_true(trans_says(&t, q.name, "\\dir"));
    trans_begin(&t, SMB1_TRANSACTION2, true, TRANS2_SET_FS_INFORMATION);
    put16(&t.parameters, TEST_FID);
    put16(&t.parameters, 0x0200);
    q = trans_ask(&t, V_OK);
    assert_int_equal(q.subject.level, 0x0200);
    assert_string_equal(smb1_level_name(&q.subject), "SMB_SET_CIFS_UNIX_INFO");
    trans_begin(&t, SMB1_TRANSACTION2, true, TRANS2_SESSION_SETUP);
    put_series(&t.parameters, 1, 20);
    q = trans_ask(&t, V_OK);
    assert_string_equal(smb1_subcommand_name(&q.subject), "TRANS2_SESSION_SETUP");
    assert_null(smb1_level_name(&q.subject));
}

static void dfs(void **state) {
    (void)state;
    struct trans t;
    trans_begin(&t, SMB1_TRANSACTION2, true, TRANS2_GET_DFS_REFERRAL);
    put16(&t.parameters, 4);
    trans_string(&t.parameters, &t, "\\example.org\\dfs");
    struct smb1_transaction_request q = trans_ask(&t, V_OK);
    assert_int_equal(q.dfs.max_referral_level, 4);
    assert_true(trans_says(&t, q.name, "\\example.org\\dfs"));
    t.parameters.n = 0;
    put16(&t.data, 32);
    put16(&t.data, 1);
    put_zeros(&t.data, 4);
    struct smb1_transaction_response a = trans_answer(&t, &q.subject, V_OK);
    assert_int_equal(a.dfs.path_consumed, 32);
    assert_int_equal(a.dfs.referrals, 1);
}

/* Without SMB_FLAGS2_UNICODE Samba's client sends OEM characters, and others Unicode all the same. */
static void dfs_without_unicode(void **state) {
    (void)state;
    struct trans t;
    trans_begin(&t, SMB1_TRANSACTION2, false, TRANS2_GET_DFS_REFERRAL);
    put16(&t.parameters, 3);
    put_oem(&t.parameters, "\\FS01\\DATA");
    struct smb1_transaction_request q = trans_ask(&t, V_OK);
    assert_int_equal(q.name.encoding, ENC_OEM);
    assert_true(trans_says(&t, q.name, "\\FS01\\DATA"));
    t.parameters.n = 2;
    put_utf16(&t.parameters, "\\FS01\\DATA");
    put16(&t.parameters, 0);
    q = trans_ask(&t, V_OK);
    assert_int_equal(q.name.encoding, ENC_UTF16LE);
    assert_int_equal(q.name.bytes.n, 20);
}

/* Unicode begins at an even offset from the header, wherever the parameters begin. */
static void alignment(void **state) {
    (void)state;
    struct trans t;
    trans_begin(&t, SMB1_TRANSACTION2, true, TRANS2_CREATE_DIRECTORY);
    t.parameter_offset = 67;
    put32(&t.parameters, 0);
    put8(&t.parameters, 0xEE);
    trans_string(&t.parameters, &t, "\\dir");
    assert_true(trans_says(&t, trans_ask(&t, V_OK).name, "\\dir"));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(open2),
        cmocka_unit_test(find),
        cmocka_unit_test(find_next),
        cmocka_unit_test(find_of_old),
        cmocka_unit_test(query_levels),
        cmocka_unit_test(query_unix_levels),
        cmocka_unit_test(query_of_old),
        cmocka_unit_test(query_what_is_not_known),
        cmocka_unit_test(set_sizes_and_disposition),
        cmocka_unit_test(set_times),
        cmocka_unit_test(set_names),
        cmocka_unit_test(posix),
        cmocka_unit_test(file_systems),
        cmocka_unit_test(other_subcommands),
        cmocka_unit_test(dfs),
        cmocka_unit_test(dfs_without_unicode),
        cmocka_unit_test(alignment),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
