/* Files of SMB1 in the model: FIDs, what is summed up for them, and how names change and end. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "smb1_bench.h"
#include "smb1_wire.h"

enum { FID = 0x4001 };

static const struct seen *last(struct smb1_bench *s) {
    return bench_last(s->b, 0);
}

static void a_life(void **state) {
    (void)state;
    struct smb1_bench s = smb1_bench_settled();
    do_create(&s, "\\a.txt", FID, 0);
    assert_int_equal(last(&s)->kind, OPERATION_CREATE);
    assert_string_equal(last(&s)->name, "a.txt");
    do_write(&s, FID, 100);
    assert_true(last(&s)->first_of_handle);
    do_write(&s, FID, 50);
    assert_false(last(&s)->first_of_handle);
    do_read(&s, FID, 30);
    assert_true(last(&s)->first_of_handle);
    assert_int_equal(last(&s)->bytes_read, 30);
    assert_string_equal(last(&s)->user, "alice");
    do_close(&s, FID);
    assert_int_equal(last(&s)->kind, OPERATION_CLOSE);
    assert_true(last(&s)->sums);
    assert_int_equal(last(&s)->sum_written, 150);
    assert_int_equal(last(&s)->sum_read, 30);
    peer_close(&s.peer);
    assert_int_equal(s.b->end.files_opened, 1);
    assert_int_equal(s.b->end.files_written, 1);
    assert_int_equal(s.b->end.bytes_written, 150);
    assert_int_equal(s.b->end.bytes_read, 30);
    assert_int_equal(s.b->end.requests, 7);
    assert_string_equal(s.b->end.first_user, "alice");
    bench_free(s.b);
}

/* Its CLOSE was missed: what it came to is told, and its sums are not those of the next. */
static void a_fid_again(void **state) {
    (void)state;
    struct smb1_bench s = smb1_bench_settled();
    do_create(&s, "a", FID, 0);
    do_write(&s, FID, 10);
    unsigned before = s.b->count;
    do_create(&s, "b", FID, 0);
    assert_int_equal(s.b->count, before + 2);
    assert_true(bench_last(s.b, 1)->implicit);
    assert_int_equal(bench_last(s.b, 1)->sum_written, 10);
    assert_string_equal(bench_last(s.b, 1)->name, "a");
    do_write(&s, FID, 1);
    do_close(&s, FID);
    assert_string_equal(last(&s)->name, "b");
    assert_int_equal(last(&s)->sum_written, 1);
    smb1_bench_free(&s);
}

/* FIDs are those of the connection, whoever uses them (MS-CIFS 3.3.1.3). */
static void a_fid_of_another(void **state) {
    (void)state;
    struct smb1_bench s = smb1_bench_settled();
    do_create(&s, "a", FID, 0);
    s.uid++;
    s.tid++;
    s.pid++;
    do_read(&s, FID, 10);
    assert_string_equal(last(&s)->name, "a");
    assert_int_equal(last(&s)->sum_read, 10);
    smb1_bench_free(&s);
}

/* What failed changes nothing. */
static void failures(void **state) {
    (void)state;
    struct smb1_bench s = smb1_bench_settled();
    do_create(&s, "a", FID, 0);
    ask_begin(&s);
    block_write(&s, FID, 10);
    send_it(&s);
    say_begin(&s, STATUS_DISK_FULL);
    block_begin(&s, SMB1_CLOSE);
    block_bytes(&s);
    block_end(&s);
    set_le(&s.o, 4, 1, SMB1_WRITE_ANDX);
    send_it(&s);
    assert_int_equal(last(&s)->status, STATUS_DISK_FULL);
    assert_int_equal(last(&s)->sum_written, 0);
    assert_false(last(&s)->first_of_handle);
    s.mid++;
    ask_begin(&s);
    block_close(&s, FID);
    send_it(&s);
    say_begin(&s, STATUS_SMB_BAD_FID);
    block_plain(&s, SMB1_CLOSE);
    send_it(&s);
    s.mid++;
    do_write(&s, FID, 10);
    assert_string_equal(last(&s)->name, "a");
    smb1_bench_free(&s);
}

/* ---- names */

static void do_rename(struct smb1_bench *s, const char *from, const char *to, uint32_t status) {
    ask_begin(s);
    block_begin(s, SMB1_RENAME);
    put16(&s->o, 0);
    block_bytes(s);
    put_path(&s->o, s->flags2, from);
    put_path(&s->o, s->flags2, to);
    block_end(s);
    send_it(s);
    say_begin(s, status);
    block_plain(s, SMB1_RENAME);
    send_it(s);
    s->mid++;
}

static void renames(void **state) {
    (void)state;
    struct smb1_bench s = smb1_bench_settled();
    do_create(&s, "\\a", FID, 0);
    do_create(&s, "\\a", FID + 1, 0);
    do_rename(&s, "\\a", "\\dir\\b", STATUS_SHARING_VIOLATION);
    do_read(&s, FID, 1);
    assert_string_equal(last(&s)->name, "a");
    do_rename(&s, "\\a", "\\dir\\b", 0);
    assert_int_equal(last(&s)->kind, OPERATION_RENAME);
    assert_string_equal(last(&s)->name, "a");
    assert_string_equal(last(&s)->new_name, "dir\\b");
    for (uint16_t i = 0; i < 2; i++) {
        do_read(&s, (uint16_t)(FID + i), 1);
        assert_string_equal(last(&s)->name, "dir\\b");
    }
    smb1_bench_free(&s);
}

static void do_nt_rename(struct smb1_bench *s, uint16_t level, const char *from, const char *to) {
    ask_begin(s);
    block_begin(s, SMB1_NT_RENAME);
    put16(&s->o, 0);
    put16(&s->o, level);
    put32(&s->o, 0);
    block_bytes(s);
    put_path(&s->o, s->flags2, from);
    put_path(&s->o, s->flags2, to);
    block_end(s);
    send_it(s);
    say_begin(s, 0);
    block_plain(s, SMB1_NT_RENAME);
    send_it(s);
    s->mid++;
}

/* A hard link is another name, and no new one. */
static void links(void **state) {
    (void)state;
    struct smb1_bench s = smb1_bench_settled();
    do_create(&s, "a", FID, 0);
    do_nt_rename(&s, SMB_NT_RENAME_SET_LINK_INFO, "a", "b");
    assert_int_equal(last(&s)->kind, OPERATION_SET_INFO);
    do_read(&s, FID, 1);
    assert_string_equal(last(&s)->name, "a");
    do_nt_rename(&s, SMB_NT_RENAME_RENAME_FILE, "a", "c");
    assert_int_equal(last(&s)->kind, OPERATION_RENAME);
    do_read(&s, FID, 1);
    assert_string_equal(last(&s)->name, "c");
    smb1_bench_free(&s);
}

static void set_file(struct smb1_bench *s, uint16_t level, const void *data, uint32_t n) {
    uint8_t parameters[6] = {FID & 0xFF, FID >> 8, (uint8_t)level, (uint8_t)(level >> 8)};
    struct part p = {
        .total_parameters = sizeof parameters, .parameters = parameters, .parameter_count = sizeof parameters};
    p.total_data = p.data_count = n;
    p.data = data;
    ask_transaction(s, SMB1_TRANSACTION2, TRANS2_SET_FILE_INFORMATION, &p);
    send_it(s);
    p = (struct part){.total_parameters = 2, .parameters = "\0\0", .parameter_count = 2};
    say_transaction(s, SMB1_TRANSACTION2, 0, &p);
    send_it(s);
    s->mid++;
}

/* FileRenameInformation passed through, MS-SMB 2.2.2.3.5 and MS-FSCC 2.4.43: a name alone stays in its folder. */
static void renamed_by_its_fid(void **state) {
    (void)state;
    static const uint8_t data[] = {0, 0, 0, 0, 0, 0, 0, 0, 4, 0, 0, 0, 'b', 0, '2', 0};
    struct smb1_bench s = smb1_bench_settled();
    do_create(&s, "\\dir\\a", FID, 0);
    set_file(&s, SMB1_PASSTHROUGH + FileRenameInformation, data, sizeof data);
    assert_int_equal(last(&s)->kind, OPERATION_RENAME);
    assert_string_equal(last(&s)->name, "dir\\a");
    do_read(&s, FID, 1);
    assert_string_equal(last(&s)->name, "dir\\b2");
    smb1_bench_free(&s);
}

/* ---- deletions */

static void deletions(void **state) {
    (void)state;
    struct smb1_bench s = smb1_bench_settled();
    ask_begin(&s);
    block_path(&s, SMB1_DELETE, "\\a");
    send_it(&s);
    assert_int_equal(bench_count(s.b, OPERATION_DELETE, NULL), 0);
    say_begin(&s, 0);
    block_plain(&s, SMB1_DELETE);
    send_it(&s);
    assert_int_equal(bench_count(s.b, OPERATION_DELETE, "a"), 1);
    s.mid++;
    do_create(&s, "b", FID, FILE_DELETE_ON_CLOSE);
    do_create(&s, "b", FID + 1, 0);
    do_close(&s, FID);
    assert_int_equal(last(&s)->kind, OPERATION_CLOSE);
    do_close(&s, FID + 1); /* the last one */
    assert_int_equal(last(&s)->kind, OPERATION_DELETE);
    assert_string_equal(last(&s)->name, "b");
    do_create(&s, "c", FID, 0);
    set_file(&s, SET_LEVEL_SMB_SET_FILE_DISPOSITION_INFO, "\1", 1);
    assert_int_equal(last(&s)->kind, OPERATION_SET_INFO);
    assert_true(last(&s)->has_delete_mark && last(&s)->delete_pending);
    set_file(&s, SET_LEVEL_SMB_SET_FILE_DISPOSITION_INFO, "\0", 1);
    do_close(&s, FID);
    assert_int_equal(last(&s)->kind, OPERATION_CLOSE);
    do_create(&s, "c", FID, 0);
    set_file(&s, SET_LEVEL_SMB_SET_FILE_DISPOSITION_INFO, "\1", 1);
    do_close(&s, FID);
    assert_int_equal(last(&s)->kind, OPERATION_DELETE);
    peer_close(&s.peer);
    assert_int_equal(s.b->end.files_deleted, 3);
    bench_free(s.b);
}

/* Nobody opens a file that is to be deleted: it is another one, or it was spared, and we missed that. */
static void a_name_again(void **state) {
    (void)state;
    struct smb1_bench s = smb1_bench_settled();
    do_create(&s, "a", FID, 0);
    set_file(&s, SET_LEVEL_SMB_SET_FILE_DISPOSITION_INFO, "\1", 1);
    do_create(&s, "a", FID + 1, 0);
    do_create(&s, "b", FID, 0); /* the first one is gone: its CLOSE was missed */
    do_close(&s, FID + 1);
    assert_int_equal(last(&s)->kind, OPERATION_CLOSE);
    assert_int_equal(bench_count(s.b, OPERATION_DELETE, NULL), 0);
    smb1_bench_free(&s);
}

/* ---- ends that are no CLOSE */

static void do_write_and_close(struct smb1_bench *s, uint16_t count) {
    ask_begin(s);
    block_begin(s, SMB1_WRITE_AND_CLOSE);
    put16(&s->o, FID);
    put16(&s->o, count);
    put_zeros(&s->o, 8);
    block_bytes(s);
    put_series(&s->o, 0, count + 1U);
    block_end(s);
    send_it(s);
    say_begin(s, 0);
    block_begin(s, SMB1_WRITE_AND_CLOSE);
    put16(&s->o, count);
    block_bytes(s);
    block_end(s);
    send_it(s);
    s->mid++;
}

/* Of no bytes it closes nothing. */
static void write_and_close(void **state) {
    (void)state;
    struct smb1_bench s = smb1_bench_settled();
    do_create(&s, "a", FID, FILE_DELETE_ON_CLOSE);
    do_write_and_close(&s, 0);
    assert_int_equal(last(&s)->kind, OPERATION_WRITE);
    do_write_and_close(&s, 5);
    assert_int_equal(bench_last(s.b, 1)->kind, OPERATION_WRITE);
    assert_string_equal(bench_last(s.b, 1)->name, "a");
    assert_int_equal(bench_last(s.b, 1)->bytes_written, 5);
    assert_int_equal(last(&s)->kind, OPERATION_DELETE);
    assert_true(last(&s)->implicit);
    do_close(&s, FID);
    assert_string_equal(last(&s)->name, "?");
    smb1_bench_free(&s);
}

/* A WRITE_ANDX with the CLOSE behind it. */
static void write_then_close(void **state) {
    (void)state;
    struct smb1_bench s = smb1_bench_settled();
    do_create(&s, "a", FID, 0);
    ask_begin(&s);
    block_write(&s, FID, 25);
    block_close(&s, FID);
    send_it(&s);
    say_begin(&s, 0);
    block_written(&s, 25);
    block_plain(&s, SMB1_CLOSE);
    send_it(&s);
    assert_int_equal(bench_last(s.b, 1)->bytes_written, 25);
    assert_int_equal(last(&s)->kind, OPERATION_CLOSE);
    assert_int_equal(last(&s)->sum_written, 25);
    assert_string_equal(last(&s)->name, "a");
    smb1_bench_free(&s);
}

/* MS-CIFS 3.3.5.51: what a tree has open ends with it. */
static void a_tree_ends(void **state) {
    (void)state;
    struct smb1_bench s = smb1_bench_settled();
    do_create(&s, "a", FID, FILE_DELETE_ON_CLOSE);
    s.tid++;
    do_create(&s, "b", FID + 1, 0);
    s.tid--;
    do_write(&s, FID + 1, 1);
    do_plain(&s, SMB1_TREE_DISCONNECT, 0);
    assert_int_equal(bench_count(s.b, OPERATION_DELETE, "a"), 1);
    do_read(&s, FID, 1);
    assert_string_equal(last(&s)->name, "?");
    do_read(&s, FID + 1, 1);
    assert_string_equal(last(&s)->name, "b");
    smb1_bench_free(&s);
}

/* MS-CIFS 3.3.5.44: of a UID its files end, and its trees stay. */
static void a_user_ends(void **state) {
    (void)state;
    struct smb1_bench s = smb1_bench_settled();
    do_create(&s, "a", FID, 0);
    s.uid++;
    do_create(&s, "b", FID + 1, 0);
    s.uid--;
    do_plain(&s, SMB1_LOGOFF_ANDX, 0);
    assert_int_equal(last(&s)->kind, OPERATION_LOGOFF);
    do_read(&s, FID, 1);
    assert_string_equal(last(&s)->name, "?");
    assert_string_equal(last(&s)->user, "?");
    do_read(&s, FID + 1, 1);
    assert_string_equal(last(&s)->name, "b");
    assert_string_equal(last(&s)->path, "\\\\srv\\data");
    smb1_bench_free(&s);
}

/* MS-CIFS 3.3.5.20: those of the process go; of a file whose opening was not seen nobody knows whose it is. */
static void a_process_ends(void **state) {
    (void)state;
    struct smb1_bench s = smb1_bench_settled();
    s.pid = 7;
    do_create(&s, "a", FID, 0);
    s.pid = 0x10007; /* PIDHigh counts */
    do_create(&s, "b", FID + 1, 0);
    do_write(&s, FID + 2, 7); /* open since before the capture */
    s.pid = 7;
    do_plain(&s, SMB1_PROCESS_EXIT, 0);
    do_read(&s, FID, 1);
    assert_string_equal(last(&s)->name, "?");
    do_read(&s, FID + 1, 1);
    assert_string_equal(last(&s)->name, "b");
    do_read(&s, FID + 2, 1);
    assert_int_equal(last(&s)->sum_written, 7);
    smb1_bench_free(&s);
}

/* A process may have several sessions: it ends in one of them. */
static void a_process_ends_in_a_session(void **state) {
    (void)state;
    struct smb1_bench s = smb1_bench_settled();
    uint16_t first = s.uid;
    do_create(&s, "a", FID, FILE_DELETE_ON_CLOSE);
    s.uid++;
    do_create(&s, "b", FID + 1, 0);
    do_plain(&s, SMB1_PROCESS_EXIT, 0);
    s.uid = first;
    do_read(&s, FID, 1);
    assert_string_equal(last(&s)->name, "a");
    do_read(&s, FID + 1, 1);
    assert_string_equal(last(&s)->name, "?");
    do_plain(&s, SMB1_PROCESS_EXIT, 0);
    assert_int_equal(bench_count(s.b, OPERATION_DELETE, "a"), 1);
    smb1_bench_free(&s);
}

/* ---- the opens of old, and what has no FID */

static void old_opens(void **state) {
    (void)state;
    static const uint8_t commands[] = {SMB1_OPEN, SMB1_CREATE, SMB1_CREATE_NEW};
    for (unsigned i = 0; i < sizeof commands; i++) {
        struct smb1_bench s = smb1_bench_settled();
        ask_begin(&s);
        block_begin(&s, commands[i]);
        put_zeros(&s.o, commands[i] == SMB1_OPEN ? 4 : 6);
        block_bytes(&s);
        put_path(&s.o, s.flags2, "\\old");
        block_end(&s);
        send_it(&s);
        say_begin(&s, 0);
        block_begin(&s, commands[i]);
        put16(&s.o, FID);
        put_zeros(&s.o, commands[i] == SMB1_OPEN ? 12 : 0);
        block_bytes(&s);
        block_end(&s);
        send_it(&s);
        s.mid++;
        assert_int_equal(last(&s)->kind, OPERATION_CREATE);
        do_close(&s, FID);
        assert_string_equal(last(&s)->name, "old");
        smb1_bench_free(&s);
    }
}

/* The server chooses the name. */
static void a_temporary_file(void **state) {
    (void)state;
    struct smb1_bench s = smb1_bench_settled();
    ask_begin(&s);
    block_begin(&s, SMB1_CREATE_TEMPORARY);
    put_zeros(&s.o, 6);
    block_bytes(&s);
    put_path(&s.o, s.flags2, "\\tmp");
    block_end(&s);
    send_it(&s);
    say_begin(&s, 0);
    block_begin(&s, SMB1_CREATE_TEMPORARY);
    put16(&s.o, FID);
    block_bytes(&s);
    put_oem(&s.o, "TMP1");
    block_end(&s);
    send_it(&s);
    s.mid++;
    do_read(&s, FID, 1);
    assert_non_null(strstr(last(&s)->name, "TMP1"));
    smb1_bench_free(&s);
}

/* ---- bounds */

static void any_budget(void **state) {
    (void)state;
    for (size_t room = 0; room < 9000; room += 24) {
        struct smb1_bench s = smb1_bench_settled();
        unsigned before = s.b->count;
        s.b->budget.ceiling = s.b->budget.held + room;
        do_create(&s, "a name that is longer than the least text", FID, 0);
        do_create(&s, "b", FID + 1, FILE_DELETE_ON_CLOSE);
        do_write(&s, FID, 5);
        do_rename(&s, "b", "another name longer than the least text", 0);
        set_file(&s, SET_LEVEL_SMB_SET_FILE_DISPOSITION_INFO, "\1", 1);
        do_close(&s, FID + 1);
        ask_begin(&s);
        block_setup(&s, "bob");
        block_tree(&s, "\\\\srv\\data");
        block_open(&s, "another");
        block_read(&s, 0, 5);
        send_it(&s);
        peer_close(&s.peer);
        for (unsigned i = before; i < s.b->count; i++) {
            const struct seen *seen = &s.b->seen[i];
            assert_string_not_equal(seen->name, "");
            assert_true(seen->name[0] == '?' || seen->name[0] == 'a' || seen->name[0] == 'b');
            assert_true(seen->path[0] == '?' || strcmp(seen->path, "\\\\srv\\data") == 0);
            assert_true(seen->user[0] == '?' || strcmp(seen->user, "alice") == 0);
        }
        bench_free(s.b);
    }
}

static void handles_evicted(void **state) {
    (void)state;
    struct model_limits limits = model_limits_default();
    limits.handles = 4;
    struct smb1_bench s = smb1_bench_new(&limits);
    for (uint16_t i = 0; i < 10; i++) {
        do_create(&s, "a", (uint16_t)(FID + i), FILE_DELETE_ON_CLOSE);
        do_write(&s, (uint16_t)(FID + i), 5);
        do_read(&s, FID, 5); /* stays young */
    }
    assert_int_equal(s.b->stats.evicted_handles, 6);
    assert_int_equal(bench_count(s.b, OPERATION_DELETE, NULL), 0);
    assert_string_equal(last(&s)->name, "a");
    smb1_bench_free(&s);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_life),
        cmocka_unit_test(a_fid_again),
        cmocka_unit_test(a_fid_of_another),
        cmocka_unit_test(failures),
        cmocka_unit_test(renames),
        cmocka_unit_test(links),
        cmocka_unit_test(renamed_by_its_fid),
        cmocka_unit_test(deletions),
        cmocka_unit_test(a_name_again),
        cmocka_unit_test(write_and_close),
        cmocka_unit_test(write_then_close),
        cmocka_unit_test(a_tree_ends),
        cmocka_unit_test(a_user_ends),
        cmocka_unit_test(a_process_ends),
        cmocka_unit_test(a_process_ends_in_a_session),
        cmocka_unit_test(old_opens),
        cmocka_unit_test(a_temporary_file),
        cmocka_unit_test(any_budget),
        cmocka_unit_test(handles_evicted),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
