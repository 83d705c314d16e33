/* Files and their opens: what deletes them, and what renames them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "model_bench.h"

enum { POSIX = 2, ON_CLOSE = 8 }; /* MS-FSCC 2.4.12 */

static const char share[] = "\\\\srv\\data";

static struct peer settled(struct bench *b) {
    struct peer p = peer_open(b, 1, 2);
    peer_settle(&p, 0x51, "alice", share);
    return p;
}

/* What a CLOSE of the handle is told as, and with which name. */
static void closes_as(struct peer *p, uint64_t id, enum operation_kind kind, const char *name) {
    peer_close_file(p, id);
    assert_int_equal(bench_last(p->b, 0)->kind, kind);
    assert_string_equal(bench_last(p->b, 0)->name, name);
}

static void end(struct peer *p, uint64_t deleted) {
    struct bench *b = p->b;
    peer_close(p);
    assert_int_equal(b->end.files_deleted, deleted);
    assert_int_equal(b->stats.files_deleted, deleted);
    assert_int_equal(bench_count(b, OPERATION_DELETE, NULL), deleted);
    bench_free(b);
}

static void delete_on_close(void **state) {
    (void)state;
    struct bench *b = bench_new(NULL);
    struct peer p = settled(b);
    peer_create(&p, "a", 7, FILE_DELETE_ON_CLOSE);
    assert_true(bench_last(b, 0)->has_delete_mark && bench_last(b, 0)->delete_pending);
    assert_int_equal(bench_last(b, 0)->kind, OPERATION_CREATE);
    peer_do(&p, SMB2_CLOSE, 7, STATUS_ACCESS_DENIED); /* nothing happened yet */
    assert_int_equal(bench_last(b, 0)->kind, OPERATION_CLOSE);
    closes_as(&p, 7, OPERATION_DELETE, "a");
    end(&p, 1);
}

static void disposition(void **state) {
    (void)state;
    struct bench *b = bench_new(NULL);
    struct peer p = settled(b);
    peer_create(&p, "a", 7, 0);
    peer_dispose(&p, 7, true, 0);
    assert_int_equal(bench_last(b, 0)->kind, OPERATION_SET_INFO);
    assert_true(bench_last(b, 0)->has_delete_mark);
    closes_as(&p, 7, OPERATION_DELETE, "a");
    peer_create(&p, "b", 8, 0);
    peer_dispose(&p, 8, true, 0);
    peer_dispose(&p, 8, false, 0); /* taken back */
    assert_false(bench_last(b, 0)->delete_pending);
    closes_as(&p, 8, OPERATION_CLOSE, "b");
    end(&p, 1);
}

/* What was refused marks nothing. */
static void disposition_refused(void **state) {
    (void)state;
    struct bench *b = bench_new(NULL);
    struct peer p = settled(b);
    peer_create(&p, "a", 7, 0);
    struct smb2_message q = peer_ask_file(&p, SMB2_SET_INFO, 7);
    q.set_info_request.whole = true;
    q.set_info_request.change = SMB2_CHANGE_DISPOSITION;
    q.set_info_request.whole = true;
    q.set_info_request.delete_pending = true;
    peer_exchange(&p, &q, STATUS_CANNOT_DELETE);
    closes_as(&p, 7, OPERATION_CLOSE, "a");
    q = peer_ask_create(&p, "b", FILE_DELETE_ON_CLOSE);
    peer_exchange(&p, &q, STATUS_ACCESS_DENIED);
    end(&p, 0);
}

/* Deletion happens when the last open ends, whichever marked it. */
static void several_opens(void **state) {
    (void)state;
    struct bench *b = bench_new(NULL);
    struct peer p = settled(b), q = peer_open(b, 9, 2);
    peer_settle(&q, 0x77, "bob", "\\\\192.0.2.2\\DATA"); /* the same share by another name */
    peer_create(&p, "dir\\a.txt", 7, FILE_DELETE_ON_CLOSE);
    peer_create(&q, "DIR\\A.TXT", 8, 0);
    closes_as(&p, 7, OPERATION_CLOSE, "dir\\a.txt");
    closes_as(&q, 8, OPERATION_DELETE, "DIR\\A.TXT");
    peer_create(&p, "a", 9, 0);
    peer_create(&q, "a", 10, 0);
    peer_dispose(&p, 9, true, 0);
    peer_dispose(&q, 10, false, 0); /* what one marked another takes back */
    closes_as(&p, 9, OPERATION_CLOSE, "a");
    closes_as(&q, 10, OPERATION_CLOSE, "a");
    peer_close(&q);
    assert_int_equal(b->end.files_deleted, 1);
    peer_close(&p);
    assert_int_equal(b->end.files_deleted, 0);
    bench_free(b);
}

/* The same name is another file on another share, and where only a byte of it looks like another case of the letter. */
static void other_files(void **state) {
    (void)state;
    struct bench *b = bench_new(NULL);
    struct peer p = settled(b);
    peer_create(&p, "a", 7, FILE_DELETE_ON_CLOSE);
    peer_tree(&p, 2, "\\\\srv\\other");
    peer_create(&p, "a", 8, 0);
    p.tree_id = 1;
    closes_as(&p, 7, OPERATION_DELETE, "a");
    static const uint8_t one[] = {0x42, 0x61}, other[] = {0x42, 0x41}, low[] = {0x61, 0x4e}, up[] = {0x41, 0x4e};
    const uint8_t *const names[] = {one, other, low, up};
    for (uint64_t i = 0; i < 4; i++) {
        struct smb2_message q = peer_ask_create(&p, "", i % 2 ? 0 : FILE_DELETE_ON_CLOSE),
                            r = peer_say_created(&p, 20 + i);
        q.create_request.name = text_utf16((struct view){names[i], 2});
        peer_request(&p, &q);
        peer_response(&p, &r);
    }
    for (uint64_t i = 0; i < 4; i++) {
        peer_close_file(&p, 20 + i);
        assert_int_equal(bench_last(b, 0)->kind, i % 2 ? OPERATION_CLOSE : OPERATION_DELETE);
    }
    end(&p, 3);
}

/* The share has no name where its tree was connected before the capture began; two opens are still of one file. */
static void share_without_a_name(void **state) {
    (void)state;
    struct bench *b = bench_new(NULL);
    struct peer p = peer_open_midstream(b, 1, 2);
    p.session_id = 0x51;
    p.tree_id = 3;
    peer_create(&p, "a", 7, 0);
    peer_create(&p, "a", 8, FILE_DELETE_ON_CLOSE);
    p.tree_id = 4;
    peer_create(&p, "a", 9, 0);
    p.tree_id = 3;
    closes_as(&p, 8, OPERATION_CLOSE, "a");
    closes_as(&p, 7, OPERATION_DELETE, "a");
    p.tree_id = 4;
    closes_as(&p, 9, OPERATION_CLOSE, "a");
    end(&p, 1);
}

/* A handle from before the capture has no name: its mark is its own. */
static void handle_without_a_name(void **state) {
    (void)state;
    struct bench *b = bench_new(NULL);
    struct peer p = peer_open_midstream(b, 1, 2);
    p.session_id = 0x51;
    p.tree_id = 3;
    peer_dispose(&p, 7, true, 0);
    peer_dispose(&p, 8, true, 0);
    peer_dispose(&p, 8, false, 0);
    closes_as(&p, 7, OPERATION_DELETE, "?");
    closes_as(&p, 8, OPERATION_CLOSE, "?");
    end(&p, 1);
}

/* Nobody opens a file that is to be deleted (STATUS_DELETE_PENDING): where it succeeds the deletion was missed, or taken back. */
static void deletion_missed(void **state) {
    (void)state;
    struct bench *b = bench_new(NULL);
    struct peer p = settled(b);
    peer_create(&p, "a", 7, 0);
    peer_create(&p, "a", 8, 0);
    peer_dispose(&p, 8, true, 0);
    closes_as(&p, 8, OPERATION_CLOSE, "a"); /* the CLOSE of the other was lost */
    peer_create(&p, "a", 9, 0);
    closes_as(&p, 9, OPERATION_CLOSE, "a");
    struct smb2_message q = peer_ask(&p, SMB2_TREE_DISCONNECT);
    peer_exchange(&p, &q, 0);
    end(&p, 0);
}

static void posix_unlink(void **state) {
    (void)state;
    struct bench *b = bench_new(NULL);
    struct peer p = settled(b);
    peer_create(&p, "a", 7, 0);
    peer_create(&p, "a", 8, 0);
    peer_dispose(&p, 8, true, POSIX);
    closes_as(&p, 8, OPERATION_DELETE, "a"); /* at once, for all */
    peer_create(&p, "a", 9, FILE_DELETE_ON_CLOSE);
    closes_as(&p, 9, OPERATION_DELETE, "a"); /* a new file: the old one's open is not in its way */
    closes_as(&p, 7, OPERATION_CLOSE, "a");
    peer_create(&p, "b", 10, 0);
    peer_create(&p, "b", 11, 0);
    peer_dispose(&p, 10, true, POSIX);
    peer_dispose(&p, 11, false, 0);
    closes_as(&p, 10, OPERATION_CLOSE, "b");
    closes_as(&p, 11, OPERATION_CLOSE, "b");
    end(&p, 2);
}

/* FILE_DISPOSITION_ON_CLOSE changes what the handle does at its close, nothing before. */
static void disposition_on_close(void **state) {
    (void)state;
    struct bench *b = bench_new(NULL);
    struct peer p = settled(b);
    peer_create(&p, "a", 7, FILE_DELETE_ON_CLOSE);
    peer_dispose(&p, 7, false, ON_CLOSE);
    closes_as(&p, 7, OPERATION_CLOSE, "a");
    peer_create(&p, "a", 8, 0);
    peer_dispose(&p, 8, true, ON_CLOSE);
    closes_as(&p, 8, OPERATION_DELETE, "a");
    end(&p, 1);
}

/* A stream is deleted without its file. */
static void streams(void **state) {
    (void)state;
    struct bench *b = bench_new(NULL);
    struct peer p = settled(b);
    peer_create(&p, "a", 7, 0);
    peer_create(&p, "a:s", 8, FILE_DELETE_ON_CLOSE);
    closes_as(&p, 8, OPERATION_DELETE, "a:s");
    closes_as(&p, 7, OPERATION_CLOSE, "a");
    end(&p, 1);
}

static void tree_disconnect(void **state) {
    (void)state;
    struct bench *b = bench_new(NULL);
    struct peer p = settled(b);
    peer_create(&p, "a", 7, FILE_DELETE_ON_CLOSE);
    peer_create(&p, "b", 8, 0);
    peer_write(&p, 8, 3);
    struct smb2_message q = peer_ask(&p, SMB2_TREE_DISCONNECT);
    peer_exchange(&p, &q, 0);
    assert_int_equal(bench_last(b, 1)->kind, OPERATION_DELETE);
    assert_true(bench_last(b, 1)->implicit);
    assert_string_equal(bench_last(b, 1)->path, share);
    assert_int_equal(bench_last(b, 0)->kind, OPERATION_WRITE);
    assert_int_equal(bench_last(b, 0)->sum_written, 3);
    peer_read(&p, 8, 1);
    assert_string_equal(bench_last(b, 0)->name, "?");
    end(&p, 1);
}

/* A connection that ends closes its handles on the server, and no response says so: nothing is told of it. */
static void lost_connection(void **state) {
    (void)state;
    struct bench *b = bench_new(NULL);
    struct peer p = settled(b), q = peer_open(b, 9, 2);
    peer_settle(&q, 0x77, "bob", share);
    peer_create(&q, "a", 7, FILE_DELETE_ON_CLOSE);
    peer_create(&p, "a", 8, 0);
    peer_close(&q);
    assert_int_equal(bench_count(b, OPERATION_DELETE, NULL), 0);
    closes_as(&p, 8, OPERATION_DELETE, "a"); /* the last one */
    end(&p, 1);
}

/* ---- renames */

static void rename_file(void **state) {
    (void)state;
    struct bench *b = bench_new(NULL);
    struct peer p = settled(b);
    peer_create(&p, "a", 7, 0);
    peer_rename(&p, 7, "b", STATUS_OBJECT_NAME_COLLISION);
    assert_int_equal(bench_last(b, 0)->kind, OPERATION_RENAME);
    peer_read(&p, 7, 1);
    assert_string_equal(bench_last(b, 0)->name, "a");
    peer_rename(&p, 7, "\\dir\\b", 0);
    assert_string_equal(bench_last(b, 0)->name, "a"); /* its own record has both */
    assert_string_equal(bench_last(b, 0)->asked, "\\dir\\b");
    peer_read(&p, 7, 1);
    assert_string_equal(bench_last(b, 0)->name, "dir\\b");
    peer_create(&p, "a", 8, FILE_DELETE_ON_CLOSE); /* a new one */
    closes_as(&p, 8, OPERATION_DELETE, "a");
    peer_create(&p, "dir\\b", 9, FILE_DELETE_ON_CLOSE); /* the same one */
    closes_as(&p, 9, OPERATION_CLOSE, "dir\\b");
    closes_as(&p, 7, OPERATION_DELETE, "dir\\b");
    end(&p, 2);
}

/* The file has the new name for all who have it open. */
static void rename_by_one_of_several(void **state) {
    (void)state;
    struct bench *b = bench_new(NULL);
    struct peer p = settled(b);
    peer_create(&p, "A", 7, 0);
    peer_create(&p, "a", 8, 0);
    peer_read(&p, 7, 1);
    assert_string_equal(bench_last(b, 0)->name, "A"); /* as sent */
    peer_rename(&p, 8, "b", 0);
    peer_read(&p, 7, 1);
    assert_string_equal(bench_last(b, 0)->name, "b");
    peer_dispose(&p, 8, true, 0);
    closes_as(&p, 8, OPERATION_CLOSE, "b");
    closes_as(&p, 7, OPERATION_DELETE, "b");
    end(&p, 1);
}

/* Another connection's messages may be handed in late, when it was waiting for a lost packet: what they asked for came before the
 * rename, and had the old name. */
static void renamed_later(void **state) {
    (void)state;
    struct bench *b = bench_new(NULL);
    struct peer p = settled(b), q = peer_open(b, 9, 2);
    peer_settle(&q, 0x77, "bob", share);
    peer_create(&q, "a", 8, 0);
    peer_create(&p, "a", 7, 0);
    struct moment before = b->now;
    peer_rename(&q, 8, "b", 0);
    struct moment after = b->now;
    b->now = before;
    peer_write(&p, 7, 1);
    assert_string_equal(bench_last(b, 0)->name, "a");
    b->now = after;
    peer_write(&p, 7, 1);
    assert_string_equal(bench_last(b, 0)->name, "b");
    peer_close(&q);
    peer_close(&p);
    bench_free(b);
}

/* Of what is left open the last name is told as well. */
static void renamed_and_left_open(void **state) {
    (void)state;
    struct bench *b = bench_new(NULL);
    struct peer p = settled(b);
    peer_create(&p, "a", 7, 0);
    peer_write(&p, 7, 1);
    peer_create(&p, "a", 8, 0);
    peer_rename(&p, 8, "b", 0);
    peer_close(&p);
    assert_true(bench_last(b, 0)->implicit);
    assert_string_equal(bench_last(b, 0)->name, "b");
    bench_free(b);
}

static void rename_onto_another(void **state) {
    (void)state;
    struct bench *b = bench_new(NULL);
    struct peer p = settled(b);
    peer_create(&p, "old", 7, 0);
    peer_create(&p, "new", 8, 0);
    peer_rename(&p, 8, "old", 0); /* replaces it */
    peer_dispose(&p, 8, true, 0);
    closes_as(&p, 8, OPERATION_DELETE, "old"); /* the open of the replaced one is not in its way */
    closes_as(&p, 7, OPERATION_CLOSE, "old");
    peer_create(&p, "case", 9, 0);
    peer_rename(&p, 9, "CASE", 0);
    peer_dispose(&p, 9, true, 0);
    closes_as(&p, 9, OPERATION_DELETE, "CASE");
    end(&p, 2);
}

/* MS-FSCC 2.4.43: a stream is renamed by its own name alone. */
static void rename_stream(void **state) {
    (void)state;
    struct bench *b = bench_new(NULL);
    struct peer p = settled(b);
    peer_create(&p, "d:x\\a.txt:s", 7, 0);
    peer_rename(&p, 7, ":t", 0);
    peer_read(&p, 7, 1);
    assert_string_equal(bench_last(b, 0)->name, "d:x\\a.txt:t");
    peer_create(&p, "a.txt", 8, 0);
    peer_rename(&p, 8, ":u:$DATA", 0);
    closes_as(&p, 8, OPERATION_CLOSE, "a.txt:u:$DATA");
    end(&p, 0);
}

static void rename_without_a_name(void **state) {
    (void)state;
    struct bench *b = bench_new(NULL);
    struct peer p = peer_open_midstream(b, 1, 2);
    p.session_id = 0x51;
    p.tree_id = 3;
    peer_rename(&p, 7, ":s", 0); /* of a file that is not known */
    peer_read(&p, 7, 1);
    assert_string_equal(bench_last(b, 0)->name, "?");
    peer_rename(&p, 8, "b", 0);
    assert_string_equal(bench_last(b, 0)->name, "?");
    peer_dispose(&p, 8, true, 0);
    closes_as(&p, 8, OPERATION_DELETE, "b");
    end(&p, 1);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(delete_on_close),
        cmocka_unit_test(disposition),
        cmocka_unit_test(disposition_refused),
        cmocka_unit_test(several_opens),
        cmocka_unit_test(other_files),
        cmocka_unit_test(share_without_a_name),
        cmocka_unit_test(handle_without_a_name),
        cmocka_unit_test(deletion_missed),
        cmocka_unit_test(posix_unlink),
        cmocka_unit_test(disposition_on_close),
        cmocka_unit_test(streams),
        cmocka_unit_test(tree_disconnect),
        cmocka_unit_test(lost_connection),
        cmocka_unit_test(rename_file),
        cmocka_unit_test(rename_by_one_of_several),
        cmocka_unit_test(renamed_later),
        cmocka_unit_test(renamed_and_left_open),
        cmocka_unit_test(rename_onto_another),
        cmocka_unit_test(rename_stream),
        cmocka_unit_test(rename_without_a_name),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
