/* UIDs and TIDs of SMB1 in the model: sessions and trees of one connection (src/model/smb1_session.c), and what passes through
 * transactions (src/model/smb1_transact.c). */
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

static void do_setup(struct smb1_bench *s, const char *user, uint16_t uid, uint32_t status) {
    s->uid = 0;
    ask_begin(s);
    block_setup(s, user);
    send_it(s);
    s->uid = uid;
    say_begin(s, status);
    if (status == 0) {
        block_setup_done(s);
    } else {
        block_begin(s, SMB1_CLOSE); /* no words */
        block_bytes(s);
        block_end(s);
        set_le(&s->o, 4, 1, SMB1_SESSION_SETUP_ANDX);
    }
    send_it(s);
    s->mid++;
}

static void do_tree(struct smb1_bench *s, const char *path, uint16_t tid, uint16_t flags) {
    ask_begin(s);
    block_tree(s, path);
    set_le(&s->o, s->words_at + 4, 2, flags);
    send_it(s);
    s->tid = tid;
    say_begin(s, 0);
    block_tree_done(s);
    send_it(s);
    s->mid++;
}

/* ---- users */

/* Several on one connection, each with a UID. */
static void users(void **state) {
    (void)state;
    struct smb1_bench s = smb1_bench_new(NULL);
    do_setup(&s, "alice", 5, 0);
    assert_int_equal(last(&s)->session_id, 5);
    do_setup(&s, "bob", 6, 0);
    do_tree(&s, "\\\\srv\\data", 1, 0);
    assert_string_equal(last(&s)->user, "bob");
    s.uid = 5; /* the tree is for everybody */
    do_create(&s, "a", FID, 0);
    assert_string_equal(last(&s)->user, "alice");
    assert_string_equal(last(&s)->path, "\\\\srv\\data");
    do_setup(&s, "carol", 5, 0); /* the UID is given out again */
    do_read(&s, FID, 1);
    assert_string_equal(last(&s)->user, "carol");
    peer_close(&s.peer);
    assert_int_equal(s.b->end.user_count, 3);
    bench_free(s.b);
}

static void a_user_who_is_refused(void **state) {
    (void)state;
    struct smb1_bench s = smb1_bench_new(NULL);
    do_setup(&s, "mallory", 0, STATUS_LOGON_FAILURE);
    assert_int_equal(last(&s)->kind, OPERATION_SESSION_SETUP);
    assert_int_equal(last(&s)->status, STATUS_LOGON_FAILURE);
    assert_string_equal(last(&s)->claim, "mallory");
    do_setup(&s, "alice", 5, 0);
    do_setup(&s, "mallory", 5, STATUS_LOGON_FAILURE); /* alice stays */
    do_tree(&s, "\\\\srv\\data", 1, 0);
    assert_string_equal(last(&s)->user, "alice");
    peer_close(&s.peer);
    assert_int_equal(s.b->end.user_count, 1);
    assert_int_equal(s.b->end.errors, 2);
    bench_free(s.b);
}

/* MS-SMB 3.2.5.3: the legs of an exchange share the UID of the first answer. */
static void legs(void **state) {
    (void)state;
    struct smb1_bench s = smb1_bench_new(NULL);
    s.uid = 0;
    for (unsigned leg = 0; leg < 2; leg++) {
        ask_begin(&s);
        block_begin(&s, SMB1_SESSION_SETUP_ANDX);
        put_zeros(&s.o, 20);
        block_bytes(&s);
        put_string(&s.o, s.flags2, "Unix");
        put_string(&s.o, s.flags2, "Samba");
        block_end(&s);
        send_it(&s);
        s.uid = 9;
        say_begin(&s, leg ? 0 : STATUS_MORE_PROCESSING_REQUIRED);
        block_begin(&s, SMB1_SESSION_SETUP_ANDX);
        put_zeros(&s.o, 4);
        block_bytes(&s);
        put_string(&s.o, s.flags2, "Unix");
        put_string(&s.o, s.flags2, "Samba");
        block_end(&s);
        send_it(&s);
        s.mid++;
        assert_true(last(&s)->leg == !leg);
        assert_int_equal(last(&s)->session_id, 9);
    }
    assert_int_equal(last(&s)->exchange_begin_ns, bench_last(s.b, 1)->begin_ns);
    smb1_bench_free(&s);
}

/* ---- trees */

static void trees(void **state) {
    (void)state;
    struct smb1_bench s = smb1_bench_settled();
    do_tree(&s, "\\\\srv\\one", 1, 0);
    do_tree(&s, "\\\\srv\\two", 2, 0);
    do_create(&s, "a", FID, 0);
    assert_string_equal(last(&s)->path, "\\\\srv\\two");
    s.tid = 1;
    do_create(&s, "b", FID + 1, 0);
    assert_string_equal(last(&s)->path, "\\\\srv\\one");
    do_tree(&s, "\\\\srv\\three", 1, 0); /* the TID is given out again: what it was is over */
    do_read(&s, FID + 1, 1);
    assert_string_equal(last(&s)->name, "?");
    assert_string_equal(last(&s)->path, "\\\\srv\\three");
    peer_close(&s.peer);
    assert_int_equal(s.b->end.share_count, 4);
    bench_free(s.b);
}

/* MS-CIFS 2.2.4.55.1: the TID that the request came with goes. */
static void a_tree_for_another(void **state) {
    (void)state;
    struct smb1_bench s = smb1_bench_settled();
    do_create(&s, "a", FID, 0);
    uint16_t old = s.tid;
    do_tree(&s, "\\\\srv\\other", 7, TREE_CONNECT_ANDX_DISCONNECT_TID);
    s.tid = old;
    do_read(&s, FID, 1);
    assert_string_equal(last(&s)->name, "?");
    assert_string_equal(last(&s)->path, "?");
    smb1_bench_free(&s);
}

/* MS-CIFS 2.2.4.50.2: the TID of TREE_CONNECT is among its words. */
static void an_old_tree_connect(void **state) {
    (void)state;
    struct smb1_bench s = smb1_bench_settled();
    ask_begin(&s);
    block_begin(&s, SMB1_TREE_CONNECT);
    block_bytes(&s);
    put_path(&s.o, TEST_OEM, "\\\\srv\\old");
    put_path(&s.o, TEST_OEM, "");
    put_path(&s.o, TEST_OEM, "A:");
    block_end(&s);
    send_it(&s);
    say_begin(&s, 0);
    block_begin(&s, SMB1_TREE_CONNECT);
    put16(&s.o, 4096);
    put16(&s.o, 77);
    block_bytes(&s);
    block_end(&s);
    send_it(&s);
    s.mid++;
    assert_int_equal(last(&s)->tree_id, 77);
    s.tid = 77;
    do_create(&s, "a", FID, 0);
    assert_string_equal(last(&s)->path, "\\\\srv\\old");
    smb1_bench_free(&s);
}

static void a_tree_that_is_refused(void **state) {
    (void)state;
    struct smb1_bench s = smb1_bench_settled();
    ask_begin(&s);
    block_tree(&s, "\\\\srv\\none");
    send_it(&s);
    say_begin(&s, STATUS_BAD_NETWORK_NAME);
    block_begin(&s, SMB1_CLOSE);
    block_bytes(&s);
    block_end(&s);
    set_le(&s.o, 4, 1, SMB1_TREE_CONNECT_ANDX);
    send_it(&s);
    s.mid++;
    assert_int_equal(last(&s)->kind, OPERATION_TREE_CONNECT);
    assert_false(last(&s)->has_tree_id);
    do_create(&s, "a", FID, 0);
    assert_string_equal(last(&s)->path, "\\\\srv\\data");
    smb1_bench_free(&s);
}

/* An error about an id that there is not teaches nothing. */
static void ids_that_are_not_there(void **state) {
    (void)state;
    struct smb1_bench s = smb1_bench_settled();
    s.uid = 99;
    s.tid = 98;
    do_plain(&s, SMB1_TREE_DISCONNECT, STATUS_SMB_BAD_UID);
    assert_string_equal(last(&s)->user, "?");
    assert_string_equal(last(&s)->path, "?");
    assert_int_equal(last(&s)->session_id, 99);
    smb1_bench_free(&s);
}

/* ---- transactions */

static void do_transaction(struct smb1_bench *s, uint8_t command, uint16_t subcommand, const struct part *asked,
                           const struct part *said, uint32_t status) {
    ask_transaction(s, command, subcommand, asked);
    send_it(s);
    say_transaction(s, command, status, said);
    send_it(s);
    s->mid++;
}

static struct part part_of(const void *parameters, uint32_t n) {
    return (struct part){.total_parameters = n, .parameters = parameters, .parameter_count = n};
}

/* NT_TRANSACT_CREATE: a file as any, and what it is asked to become counts. */
static void nt_transact_create(void **state) {
    (void)state;
    struct octets asked = {0}, said = {0};
    struct smb1_bench s = smb1_bench_settled();
    put_zeros(&asked, 32);
    put32(&asked, FILE_DELETE_ON_CLOSE);
    put_zeros(&asked, 8);
    put32(&asked, 2);
    put_zeros(&asked, 5);
    put_bytes(&asked, "\\n", 2);
    put16(&said, 0);
    put16(&said, FID);
    put_zeros(&said, 65);
    struct part q = part_of(asked.b, (uint32_t)asked.n), r = part_of(said.b, (uint32_t)said.n);
    do_transaction(&s, SMB1_NT_TRANSACT, NT_TRANSACT_CREATE, &q, &r, 0);
    assert_int_equal(last(&s)->kind, OPERATION_CREATE);
    assert_string_equal(last(&s)->name, "n");
    do_close(&s, FID);
    assert_int_equal(last(&s)->kind, OPERATION_DELETE);
    assert_string_equal(last(&s)->name, "n");
    smb1_bench_free(&s);
}

/* TRANS2_OPEN2, and TRANS2_CREATE_DIRECTORY. */
static void trans2_opens(void **state) {
    (void)state;
    struct octets asked = {0}, said = {0};
    struct smb1_bench s = smb1_bench_settled();
    put_zeros(&asked, 28);
    put_oem(&asked, "\\o");
    put16(&said, FID);
    put_zeros(&said, 28);
    struct part q = part_of(asked.b, (uint32_t)asked.n), r = part_of(said.b, (uint32_t)said.n);
    do_transaction(&s, SMB1_TRANSACTION2, TRANS2_OPEN2, &q, &r, 0);
    assert_int_equal(last(&s)->kind, OPERATION_CREATE);
    do_read(&s, FID, 5);
    assert_string_equal(last(&s)->name, "o");
    asked.n = 0;
    put32(&asked, 0);
    put_oem(&asked, "\\dir");
    q = part_of(asked.b, (uint32_t)asked.n);
    r = part_of("\0", 2);
    do_transaction(&s, SMB1_TRANSACTION2, TRANS2_CREATE_DIRECTORY, &q, &r, 0);
    assert_int_equal(last(&s)->kind, OPERATION_CREATE);
    assert_string_equal(last(&s)->name, "dir");
    smb1_bench_free(&s);
}

/* The disposition of a path: with nobody else at it, the file is gone; where somebody has it open, it goes with the last CLOSE. */
static void disposed_of_by_path(void **state) {
    (void)state;
    struct octets asked = {0};
    struct smb1_bench s = smb1_bench_settled();
    put16(&asked, SET_LEVEL_SMB_SET_FILE_DISPOSITION_INFO);
    put32(&asked, 0);
    put_oem(&asked, "\\p");
    struct part q = part_of(asked.b, (uint32_t)asked.n), r = part_of("\0", 2);
    q.total_data = q.data_count = 1;
    q.data = "\1";
    do_transaction(&s, SMB1_TRANSACTION2, TRANS2_SET_PATH_INFORMATION, &q, &r, STATUS_ACCESS_DENIED);
    assert_int_equal(last(&s)->kind, OPERATION_SET_INFO);
    do_transaction(&s, SMB1_TRANSACTION2, TRANS2_SET_PATH_INFORMATION, &q, &r, 0);
    assert_int_equal(last(&s)->kind, OPERATION_DELETE);
    assert_string_equal(last(&s)->name, "p");
    do_create(&s, "p", FID, 0);
    do_transaction(&s, SMB1_TRANSACTION2, TRANS2_SET_PATH_INFORMATION, &q, &r, 0);
    assert_int_equal(last(&s)->kind, OPERATION_SET_INFO);
    do_close(&s, FID);
    assert_int_equal(last(&s)->kind, OPERATION_DELETE);
    peer_close(&s.peer);
    assert_int_equal(s.b->end.files_deleted, 2);
    bench_free(s.b);
}

/* NT_TRANSACT_NOTIFY_CHANGE waits as long as it takes, and is answered behind the CLOSE of its directory. */
static void a_notify(void **state) {
    (void)state;
    struct smb1_bench s = smb1_bench_settled(), notify;
    do_create(&s, "dir", FID, 0);
    struct octets o = {0};
    struct part none = {0};
    ask_transaction(&s, SMB1_NT_TRANSACT, NT_TRANSACT_NOTIFY_CHANGE, &none);
    /* four setup words: filter, FID, watch tree */
    o = s.o;
    o.n = s.bytes_at - 2;
    set_le(&o, s.words_at - 1, 1, 19 + 4);
    set_le(&o, s.words_at + 35, 1, 4);
    put32(&o, 0x17);
    put16(&o, FID);
    put16(&o, 0);
    put16(&o, 0);
    s.o = o;
    notify = s;
    send_it(&s);
    s.mid++;
    do_close(&s, FID);
    s.b->now.time_ns += 10 * model_limits_default().answer_timeout_ns;
    do_plain(&s, SMB1_TREE_DISCONNECT, STATUS_ACCESS_DENIED);
    uint16_t mid = s.mid;
    s.mid = notify.mid;
    say_transaction(&s, SMB1_NT_TRANSACT, STATUS_NOTIFY_CLEANUP, &none);
    send_it(&s);
    assert_int_equal(last(&s)->kind, OPERATION_NOTIFY);
    assert_string_equal(last(&s)->name, "dir");
    assert_true(last(&s)->request && last(&s)->response);
    s.mid = mid;
    do_read(&s, FID, 1); /* it did not bring the handle back */
    assert_string_equal(last(&s)->name, "?");
    smb1_bench_free(&s);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(users),
        cmocka_unit_test(a_user_who_is_refused),
        cmocka_unit_test(legs),
        cmocka_unit_test(trees),
        cmocka_unit_test(a_tree_for_another),
        cmocka_unit_test(an_old_tree_connect),
        cmocka_unit_test(a_tree_that_is_refused),
        cmocka_unit_test(ids_that_are_not_there),
        cmocka_unit_test(nt_transact_create),
        cmocka_unit_test(trans2_opens),
        cmocka_unit_test(disposed_of_by_path),
        cmocka_unit_test(a_notify),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
