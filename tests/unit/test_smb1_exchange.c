/* SMB1 requests and their responses: MIDs that are used again, chains, answers in parts, one side alone. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "smb1_bench.h"
#include "smb1_wire.h"

enum { FID = 0x4001 };

static void ask_create(struct smb1_bench *s, const char *name) {
    ask_begin(s);
    block_create(s, name, 0);
    send_it(s);
}

static void say_created(struct smb1_bench *s, uint16_t fid) {
    say_begin(s, 0);
    block_created(s, fid);
    send_it(s);
}

static void ask_plain(struct smb1_bench *s, uint8_t command) {
    ask_begin(s);
    block_plain(s, command);
    send_it(s);
}

static void say_plain(struct smb1_bench *s, uint8_t command, uint32_t status) {
    say_begin(s, status);
    block_plain(s, command);
    send_it(s);
}

/* The operation, n from the end: its command, and whether both of its messages were seen. */
static const struct seen *expect(struct smb1_bench *s, unsigned n, uint8_t command, bool request, bool response) {
    const struct seen *seen = bench_last(s->b, n);
    assert_int_equal(seen->command, command);
    assert_true(seen->request == request && seen->request_lost == !request);
    assert_true(seen->response == response);
    return seen;
}

/* ---- ids */

static void out_of_order(void **state) {
    (void)state;
    static const char *const names[] = {"a", "b", "c", "d"};
    static const uint16_t order[] = {2, 0, 3, 1};
    struct smb1_bench s = smb1_bench_settled();
    for (uint16_t i = 0; i < 4; i++) {
        s.mid = (uint16_t)(100 + i);
        ask_create(&s, names[i]);
    }
    for (unsigned i = 0; i < 4; i++) {
        s.mid = (uint16_t)(100 + order[i]);
        say_created(&s, (uint16_t)(FID + i));
        const struct seen *seen = expect(&s, 0, SMB1_NT_CREATE_ANDX, true, true);
        assert_string_equal(seen->name, names[order[i]]);
        assert_int_equal(seen->message_id, s.mid);
    }
    smb1_bench_free(&s);
}

/* Some clients never change it. */
static void one_mid_for_all(void **state) {
    (void)state;
    struct smb1_bench s = smb1_bench_settled();
    for (unsigned i = 0; i < 20; i++) {
        do_create(&s, "a", FID, 0);
        s.mid--;
        assert_string_equal(expect(&s, 0, SMB1_NT_CREATE_ANDX, true, true)->name, "a");
        do_read(&s, FID, 10);
        s.mid--;
        do_close(&s, FID);
        s.mid--;
        assert_int_equal(expect(&s, 0, SMB1_CLOSE, true, true)->sum_read, 10);
    }
    smb1_bench_free(&s);
}

/* Several that wait under the same MID and PID are answered in their order, those of another command or PID not at all. */
static void waiting_under_one_mid(void **state) {
    (void)state;
    struct smb1_bench s = smb1_bench_settled();
    ask_create(&s, "a");
    ask_create(&s, "b");
    ask_begin(&s);
    block_path(&s, SMB1_DELETE, "c");
    send_it(&s);
    s.pid ^= 0x10000; /* PIDHigh */
    ask_create(&s, "d");
    say_created(&s, FID);
    assert_string_equal(bench_last(s.b, 0)->name, "d");
    s.pid ^= 0x10000;
    say_plain(&s, SMB1_DELETE, 0);
    assert_string_equal(expect(&s, 0, SMB1_DELETE, true, true)->name, "c");
    say_created(&s, FID + 1);
    assert_string_equal(bench_last(s.b, 0)->name, "a");
    say_created(&s, FID + 2);
    assert_string_equal(expect(&s, 0, SMB1_NT_CREATE_ANDX, true, true)->name, "b");
    smb1_bench_free(&s);
}

/* Behind a gap on the server's side the answers to what was asked before it are in the gap. */
static void a_gap_between(void **state) {
    (void)state;
    struct smb1_bench s = smb1_bench_settled();
    ask_create(&s, "a");
    s.peer.flow->gaps[TO_CLIENT]++;
    ask_create(&s, "b");
    say_created(&s, FID);
    assert_string_equal(expect(&s, 0, SMB1_NT_CREATE_ANDX, true, true)->name, "b");
    smb1_bench_free(&s);
}

/* A MID of all ones is a MID as any, in a request. */
static void the_highest_mid(void **state) {
    (void)state;
    struct smb1_bench s = smb1_bench_settled();
    s.mid = 0xFFFF;
    do_create(&s, "a", FID, 0);
    const struct seen *seen = expect(&s, 0, SMB1_NT_CREATE_ANDX, true, true);
    assert_string_equal(seen->name, "a");
    assert_false(seen->unasked);
    smb1_bench_free(&s);
}

/* The oldest goes, told as unanswered. */
static void too_many_under_one_mid(void **state) {
    (void)state;
    struct smb1_bench s = smb1_bench_settled();
    for (unsigned i = 0; i < 256; i++) {
        ask_create(&s, i == 0 ? "first" : "a");
    }
    unsigned before = s.b->count;
    assert_int_equal(s.b->stats.evicted_exchanges, 0);
    ask_create(&s, "last");
    assert_int_equal(s.b->stats.evicted_exchanges, 1);
    assert_int_equal(s.b->count, before + 1);
    assert_string_equal(expect(&s, 0, SMB1_NT_CREATE_ANDX, true, false)->name, "first");
    assert_true(bench_last(s.b, 0)->response_lost);
    smb1_bench_free(&s);
}

/* ---- one side alone */

static void requests_alone(void **state) {
    (void)state;
    struct smb1_bench s = smb1_bench_settled();
    ask_create(&s, "a");
    ask_create(&s, "b");
    unsigned before = s.b->count;
    peer_close(&s.peer);
    assert_int_equal(s.b->count, before + 2);
    for (unsigned i = 0; i < 2; i++) {
        const struct seen *seen = expect(&s, i, SMB1_NT_CREATE_ANDX, true, false);
        assert_true(seen->response_lost);
        assert_string_equal(seen->name, i ? "a" : "b");
        assert_int_equal(seen->status, -1);
    }
    assert_int_equal(s.b->end.files_opened, 0);
    bench_free(s.b);
}

static void responses_alone(void **state) {
    (void)state;
    struct smb1_bench s = smb1_bench_settled();
    say_created(&s, FID);
    const struct seen *seen = expect(&s, 0, SMB1_NT_CREATE_ANDX, false, true);
    assert_string_equal(seen->name, "?");
    assert_int_equal(seen->status, 0);
    assert_int_equal(seen->file_id.volatile_part, FID);
    do_read(&s, FID, 10); /* known from now on, though not by name */
    seen = expect(&s, 0, SMB1_READ_ANDX, true, true);
    assert_string_equal(seen->name, "?");
    assert_int_equal(seen->sum_read, 10);
    smb1_bench_free(&s);
}

/* Given up after the timeout, once; what comes then comes alone. */
static void timed_out(void **state) {
    (void)state;
    struct smb1_bench s = smb1_bench_settled();
    ask_create(&s, "a");
    unsigned before = s.b->count;
    bench_pass(s.b, model_limits_default().answer_timeout_ns - 5000000);
    s.mid++;
    do_plain(&s, SMB1_TREE_DISCONNECT, STATUS_ACCESS_DENIED);
    assert_int_equal(s.b->count, before + 1);
    bench_pass(s.b, 5000000);
    do_plain(&s, SMB1_TREE_DISCONNECT, STATUS_ACCESS_DENIED);
    assert_int_equal(s.b->count, before + 3);
    assert_true(expect(&s, 1, SMB1_NT_CREATE_ANDX, true, false)->response_lost);
    s.mid = (uint16_t)(s.mid - 3);
    say_created(&s, FID);
    (void)expect(&s, 0, SMB1_NT_CREATE_ANDX, false, true);
    smb1_bench_free(&s);
}

/* What may wait for longer than that is not given up. */
static void waits(void **state) {
    (void)state;
    struct smb1_bench s = smb1_bench_settled();
    ask_begin(&s);
    block_tree(&s, "\\\\srv\\IPC$");
    send_it(&s);
    s.tid++;
    say_begin(&s, 0);
    block_begin(&s, SMB1_TREE_CONNECT_ANDX);
    put16(&s.o, 0);
    block_bytes(&s);
    put_oem(&s.o, "IPC");
    put_oem(&s.o, "");
    block_end(&s);
    send_it(&s);
    s.mid++;
    do_create(&s, "pipe", FID, 0);
    unsigned before = s.b->count;
    for (unsigned i = 0; i < 2; i++) {
        ask_begin(&s);
        block_read(&s, FID, 10);
        send_it(&s);
        s.mid++;
    }
    bench_pass(s.b, 2 * model_limits_default().answer_timeout_ns);
    do_plain(&s, SMB1_TREE_DISCONNECT, STATUS_ACCESS_DENIED);
    assert_int_equal(s.b->count, before + 1);
    s.mid = (uint16_t)(s.mid - 3);
    say_begin(&s, 0);
    block_data(&s, 10);
    send_it(&s);
    assert_string_equal(expect(&s, 0, SMB1_READ_ANDX, true, true)->name, "pipe");
    peer_close(&s.peer);
    assert_true(expect(&s, 1, SMB1_READ_ANDX, true, false)->response_lost); /* the other; then what was read */
    bench_free(s.b);
}

/* Giving one up may need memory, which giving up others makes room for. */
static void timed_out_without_memory(void **state) {
    (void)state;
    for (size_t room = 0; room < 400; room += 8) {
        struct smb1_bench s = smb1_bench_settled();
        for (unsigned i = 0; i < 4; i++) {
            ask_begin(&s);
            block_setup(&s,
                        (const char *[]){"a name that takes memory", "another that takes more", "and more", "c"}[i]);
            send_it(&s);
            s.mid++;
        }
        s.b->budget.ceiling = s.b->budget.held + room;
        bench_pass(s.b, 2 * model_limits_default().answer_timeout_ns);
        do_plain(&s, SMB1_TREE_DISCONNECT, STATUS_ACCESS_DENIED);
        assert_int_equal(bench_count(s.b, OPERATION_SESSION_SETUP, NULL), 5);
        smb1_bench_free(&s);
    }
}

/* ---- what has no answer, and what nobody asked for */

static void a_cancel(void **state) {
    (void)state;
    struct smb1_bench s = smb1_bench_settled();
    ask_create(&s, "a");
    unsigned before = s.b->count;
    ask_plain(&s, SMB1_NT_CANCEL);
    assert_int_equal(s.b->count, before + 1);
    const struct seen *seen = expect(&s, 0, SMB1_NT_CANCEL, true, false);
    assert_int_equal(seen->kind, OPERATION_CANCEL);
    assert_false(seen->response_lost);
    say_plain(&s, SMB1_NT_CREATE_ANDX, STATUS_CANCELLED);
    seen = expect(&s, 0, SMB1_NT_CREATE_ANDX, true, true);
    assert_string_equal(seen->name, "a");
    assert_int_equal(seen->status, STATUS_CANCELLED);
    smb1_bench_free(&s);
}

static void put_locking(struct smb1_bench *s, uint16_t fid, uint8_t type, uint8_t level, uint16_t locks) {
    block_begin(s, SMB1_LOCKING_ANDX);
    put16(&s->o, fid);
    put8(&s->o, type);
    put8(&s->o, level);
    put32(&s->o, 0);
    put16(&s->o, 0);
    put16(&s->o, locks);
    block_bytes(s);
    put_zeros(&s->o, 10U * locks);
    block_end(s);
}

/* MS-CIFS 2.2.4.32.1: the server's MID is all ones, whatever else waits under it. */
static void a_break_of_an_oplock(void **state) {
    (void)state;
    struct smb1_bench s = smb1_bench_settled(), client;
    do_create(&s, "a", FID, 0);
    s.mid = 0xFFFF;
    ask_create(&s, "b");
    client = s;
    s.pid = 0xFFFF;
    s.uid = 0;
    ask_begin(&s);
    put_locking(&s, FID, OPLOCK_RELEASE, 1, 0);
    send_back(&s);
    const struct seen *seen = bench_last(s.b, 0);
    assert_int_equal(seen->kind, OPERATION_OPLOCK_BREAK);
    assert_true(seen->unasked);
    assert_false(seen->request_lost || seen->response_lost);
    assert_int_equal(seen->status, -1);
    assert_string_equal(seen->name, "a");
    assert_string_equal(seen->user, "alice");
    assert_string_equal(seen->path, "\\\\srv\\data");
    s = client;
    ask_begin(&s);
    put_locking(&s, FID, OPLOCK_RELEASE, 0, 0); /* which is not answered */
    send_it(&s);
    ask_begin(&s);
    put_locking(&s, FID, OPLOCK_RELEASE, 0, 1); /* which is, since it locks too */
    send_it(&s);
    unsigned before = s.b->count;
    say_plain(&s, SMB1_LOCKING_ANDX, 0);
    assert_true(s.b->count > before);
    (void)expect(&s, 0, SMB1_LOCKING_ANDX, true, true);
    assert_int_equal(expect(&s, 1, SMB1_LOCKING_ANDX, true, false)->kind, OPERATION_OPLOCK_BREAK);
    assert_false(bench_last(s.b, 1)->response_lost);
    say_created(&s, FID + 1);
    assert_string_equal(expect(&s, 0, SMB1_NT_CREATE_ANDX, true, true)->name, "b");
    smb1_bench_free(&s);
}

/* Under the MID of an acknowledgement that gets an answer only where it fails: a lock that is refused is a lock. */
static void a_lock_behind_an_acknowledgement(void **state) {
    (void)state;
    static const struct {
        uint32_t status;
        bool of_lock;
    } cases[] = {{STATUS_LOCK_NOT_GRANTED, true},
                 {STATUS_FILE_LOCK_CONFLICT, true},
                 {STATUS_RANGE_NOT_LOCKED, true},
                 {STATUS_INVALID_HANDLE, false}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct smb1_bench s = smb1_bench_settled();
        do_create(&s, "a", FID, 0);
        ask_begin(&s);
        put_locking(&s, FID, OPLOCK_RELEASE, 0, 0);
        send_it(&s);
        ask_begin(&s);
        put_locking(&s, FID, 0, 0, 1);
        send_it(&s);
        say_plain(&s, SMB1_LOCKING_ANDX, cases[i].status);
        const struct seen *seen = expect(&s, 0, SMB1_LOCKING_ANDX, true, true);
        assert_int_equal(seen->kind, cases[i].of_lock ? OPERATION_LOCK : OPERATION_OPLOCK_BREAK);
        smb1_bench_free(&s);
    }
}

/* ---- what the framer is not sure of */

/* A chain of which the first command alone was answered was there as a whole; what was not answered at all was not. */
static void doubtful_chains(void **state) {
    (void)state;
    struct smb1_bench s = smb1_bench_settled();
    s.peer.flow->packets[TO_CLIENT] = 1;
    unsigned before = s.b->count;
    s.peer.doubtful = true;
    ask_begin(&s);
    block_open(&s, "f");
    block_read(&s, 0xFFFF, 7);
    block_close(&s, 0xFFFF);
    send_it(&s);
    s.mid++;
    ask_begin(&s);
    block_close(&s, FID);
    send_it(&s);
    ask_begin(&s);
    put_locking(&s, FID, OPLOCK_RELEASE, 0, 0);
    send_it(&s);
    ask_plain(&s, SMB1_NT_CANCEL);
    s.mid--;
    s.peer.doubtful = false;
    say_plain(&s, SMB1_OPEN_ANDX, STATUS_OBJECT_NAME_NOT_FOUND);
    (void)expect(&s, 0, SMB1_CLOSE, true, false);
    (void)expect(&s, 1, SMB1_READ_ANDX, true, false);
    (void)expect(&s, 2, SMB1_OPEN_ANDX, true, true);
    peer_close(&s.peer);
    assert_int_equal(s.b->count, before + 3);
    assert_int_equal(s.b->end.requests, 2 + 3); /* those of smb1_bench_settled, and the chain */
    bench_free(s.b);
}

/* No two that wait have the same ids: what is doubtful was none, or was answered, once something else under its ids is answered. */
static void doubtful_under_one_mid(void **state) {
    (void)state;
    for (unsigned believed = 0; believed < 2; believed++) {
        struct smb1_bench s = smb1_bench_settled();
        s.peer.flow->packets[TO_CLIENT] = s.peer.flow->packets[TO_SERVER] = 1;
        unsigned before = s.b->count;
        s.peer.doubtful = true;
        ask_plain(&s, SMB1_TREE_DISCONNECT); /* from a file that was written */
        s.pid++;
        ask_plain(&s, SMB1_TREE_DISCONNECT);
        s.pid--;
        s.peer.doubtful = !believed;
        say_plain(&s, SMB1_WRITE_ANDX, 0);
        assert_int_equal(s.b->count, before + believed);
        s.peer.doubtful = false;
        say_plain(&s, SMB1_TREE_DISCONNECT, 0);
        (void)expect(&s, 0, SMB1_TREE_DISCONNECT, !believed, true);
        s.pid++;
        say_plain(&s, SMB1_TREE_DISCONNECT, 0);
        (void)expect(&s, 0, SMB1_TREE_DISCONNECT, true, true);
        smb1_bench_free(&s);
    }
}

/* Where two of those that follow one another were answered, what follows them was asked as well, though its answer was lost; and nothing
 * else of what is doubtful. */
static void doubtful_runs(void **state) {
    (void)state;
    for (unsigned answers = 1; answers <= 2; answers++) {
        struct smb1_bench s = smb1_bench_settled();
        s.peer.flow->packets[TO_CLIENT] = s.peer.flow->packets[TO_SERVER] = 1;
        unsigned before = s.b->count;
        s.peer.doubtful = true;
        for (unsigned i = 0; i < 6; i++) {
            s.mid++;
            s.peer.run = 1 + i / 4;
            ask_plain(&s, SMB1_TREE_DISCONNECT);
        }
        s.mid = (uint16_t)(s.mid - 6);
        s.peer.doubtful = false;
        for (unsigned i = 0; i < answers; i++) {
            s.mid++;
            say_plain(&s, SMB1_TREE_DISCONNECT, STATUS_OBJECT_NAME_NOT_FOUND);
        }
        peer_close(&s.peer);
        assert_int_equal(s.b->count, before + (answers == 2 ? 4 : 1));
        if (answers == 2) {
            (void)expect(&s, 0, SMB1_TREE_DISCONNECT, true, false);
            (void)expect(&s, 1, SMB1_TREE_DISCONNECT, true, false);
        }
        bench_free(s.b);
    }
}

/* Of what was asked before a gap on the server's side the answer is in it; so a doubtful request behind the gap is the likelier one. */
static void doubtful_behind_a_gap(void **state) {
    (void)state;
    for (unsigned gap = 0; gap < 2; gap++) {
        struct smb1_bench s = smb1_bench_settled();
        ask_create(&s, "a");
        s.peer.flow->gaps[TO_CLIENT] += gap;
        s.peer.doubtful = true;
        ask_create(&s, "b");
        s.peer.doubtful = false;
        say_created(&s, FID);
        assert_string_equal(expect(&s, 0, SMB1_NT_CREATE_ANDX, true, true)->name, gap ? "b" : "a");
        smb1_bench_free(&s);
    }
}

/* A client that gives all the same MID asks one thing after the other: where answers were lost, what it asked before had its own. */
static void lost_under_one_mid(void **state) {
    (void)state;
    for (unsigned between = 0; between < 2; between++) {
        struct smb1_bench s = smb1_bench_settled();
        s.peer.flow->gaps[TO_CLIENT]++;
        unsigned before = s.b->count;
        ask_create(&s, "a");
        if (between) {
            ask_plain(&s, SMB1_TREE_DISCONNECT);
            say_plain(&s, SMB1_TREE_DISCONNECT, STATUS_OBJECT_NAME_NOT_FOUND);
            assert_int_equal(s.b->count, before + 2);
            assert_string_equal(expect(&s, 1, SMB1_NT_CREATE_ANDX, true, false)->name, "a");
        }
        ask_create(&s, "b");
        say_created(&s, FID);
        assert_int_equal(s.b->count, before + 2 + between);
        assert_string_equal(expect(&s, 0, SMB1_NT_CREATE_ANDX, true, true)->name, "b");
        if (!between) {
            assert_string_equal(expect(&s, 1, SMB1_NT_CREATE_ANDX, true, false)->name, "a");
        }
        smb1_bench_free(&s);
    }
}

/* Such a client went on where bytes of it were lost behind a request: the response is to one of those. */
static void lost_turns_under_one_mid(void **state) {
    (void)state;
    for (unsigned lost = 0; lost < 2; lost++) {
        struct smb1_bench s = smb1_bench_settled();
        s.mid--; /* as the one before */
        for (unsigned i = 0; i < 2; i++) {
            ask_plain(&s, SMB1_TREE_DISCONNECT);
            say_plain(&s, SMB1_TREE_DISCONNECT, STATUS_OBJECT_NAME_NOT_FOUND);
        }
        ask_create(&s, "a");
        s.peer.flow->gaps[TO_SERVER] += lost;
        s.peer.flow->gaps[TO_CLIENT]++;
        say_created(&s, FID);
        (void)expect(&s, 0, SMB1_NT_CREATE_ANDX, !lost, true);
        if (lost) {
            assert_string_equal(expect(&s, 1, SMB1_NT_CREATE_ANDX, true, false)->name, "a");
        }
        smb1_bench_free(&s);
    }
}

/* Behind a gap a response from another tree is to a request that was lost. */
static void another_tree_behind_a_gap(void **state) {
    (void)state;
    for (unsigned gap = 0; gap < 2; gap++) {
        struct smb1_bench s = smb1_bench_settled();
        ask_plain(&s, SMB1_TREE_DISCONNECT);
        s.peer.flow->gaps[TO_CLIENT] += gap;
        s.tid++;
        say_plain(&s, SMB1_TREE_DISCONNECT, 0);
        if (gap) {
            (void)expect(&s, 1, SMB1_TREE_DISCONNECT, true, false);
        }
        (void)expect(&s, 0, SMB1_TREE_DISCONNECT, !gap, true);
        smb1_bench_free(&s);
    }
}

/* ---- WRITE_RAW */

static void ask_write_raw(struct smb1_bench *s) {
    ask_begin(s);
    block_begin(s, SMB1_WRITE_RAW);
    put16(&s->o, FID);
    put16(&s->o, 900);
    put_zeros(&s->o, 2 + 4 + 4);
    put16(&s->o, 1); /* write through: there is a final response */
    put_zeros(&s->o, 4 + 2 + 2);
    block_bytes(s);
    block_end(s);
    send_it(s);
}

/* With one word: "go on", as Samba has it (samba) or with the flag of a response, or how much was written. */
static void say_raw(struct smb1_bench *s, uint8_t command, uint16_t word, bool samba) {
    say_begin(s, 0);
    if (samba) {
        s->flags = 0;
        s->o.b[9] = 0;
    }
    block_begin(s, command);
    put16(&s->o, word);
    block_bytes(s);
    block_end(s);
    if (samba) {
        send_back(s);
    } else {
        send_it(s);
    }
}

static void raw_data(struct smb1_bench *s) {
    struct other_packet p = {.length = 600, .begin = s->b->now, .end = s->b->now};
    (void)connection_other(s->peer.c, TO_SERVER, &p);
}

/* Whatever is lost of the four messages, it is told once, and what of it was seen. */
static void writes_raw(void **state) {
    (void)state;
    enum { REQUEST = 1, GO_ON = 2, DATA = 4, FINAL = 8, ALL = 15, GO_ON_HERE = 0xFFFF, PIPE = 16, SAMBA = 32 };
    for (unsigned of = 0; of < 4 * (ALL + 1); of++) {
        struct smb1_bench s = smb1_bench_settled();
        unsigned before = s.b->count;
        bool samba = of & SAMBA, pipe = (of & PIPE) && !samba;
        if (of & REQUEST) {
            ask_write_raw(&s);
        }
        s.peer.flow->gaps[TO_CLIENT] += !(of & GO_ON);
        if (of & GO_ON) {
            say_raw(&s, SMB1_WRITE_RAW, pipe ? 0 : GO_ON_HERE, samba);
        }
        if (of & DATA) {
            raw_data(&s);
        }
        s.peer.flow->gaps[TO_CLIENT] += !(of & FINAL);
        if (of & FINAL) {
            say_raw(&s, samba ? SMB1_WRITE_RAW : SMB1_WRITE_COMPLETE, 900, false);
        }
        peer_close(&s.peer);
        bool told = (of & (REQUEST | FINAL)) || (pipe && (of & GO_ON));
        const struct seen *seen = NULL;
        for (unsigned n = s.b->count - before; n-- > 0;) {
            if (!bench_last(s.b, n)->implicit) { /* the sums of the handle are told as well */
                assert_null(seen);
                seen = bench_last(s.b, n);
            }
        }
        assert_int_equal(told, seen != NULL);
        if (seen) {
            assert_true(seen->request == ((of & REQUEST) != 0) && seen->request_lost == !(of & REQUEST));
            bool answered = (of & FINAL) || (pipe && !(of & REQUEST));
            assert_true(seen->response == answered && seen->response_lost == !answered);
        }
        bench_free(s.b);
    }
}

/* ---- statuses */

/* A CLOSE with this status: does it count as an error, and did it close the file? */
static void expect_status(uint16_t flags2, uint32_t status, bool error, bool closes) {
    struct smb1_bench s = smb1_bench_settled();
    do_create(&s, "a", FID, 0);
    ask_begin(&s);
    block_close(&s, FID);
    send_it(&s);
    s.flags2 = flags2;
    say_plain(&s, SMB1_CLOSE, status);
    assert_int_equal(expect(&s, 0, SMB1_CLOSE, true, true)->status, status);
    s.flags2 = TEST_OEM;
    s.mid++;
    do_close(&s, FID);
    assert_string_equal(bench_last(s.b, 0)->name, closes ? "?" : "a");
    peer_close(&s.peer);
    assert_int_equal(s.b->end.errors, error);
    bench_free(s.b);
}

/* MS-CIFS 2.2.2.4: an NTSTATUS, a class and a code, or a class and a code that look like an NTSTATUS. */
static void statuses(void **state) {
    (void)state;
    expect_status(TEST_OEM, STATUS_SUCCESS, false, true);
    expect_status(TEST_OEM, STATUS_BUFFER_OVERFLOW, false, true);
    expect_status(TEST_OEM, STATUS_NO_MORE_FILES, false, false);
    expect_status(TEST_OEM, STATUS_ACCESS_DENIED, true, false);
    expect_status(TEST_OEM, STATUS_SMB_BAD_FID, true, false);
    expect_status(TEST_OEM, STATUS_SMB_BAD_TID, true, false);
    expect_status(TEST_OEM, STATUS_SMB_BAD_UID, true, false);
    expect_status(TEST_OEM, STATUS_INVALID_SMB, true, false);
    expect_status(0, 0, false, true);
    expect_status(0, 0x00060001, true, false);  /* ERRDOS/ERRbadfid */
    expect_status(0, 0x00120001, false, false); /* ERRDOS/ERRnofiles */
    expect_status(0, 0x00EA0001, false, true);  /* ERRDOS/ERRmoredata */
    expect_status(0, 0x00010002, true, false);  /* ERRSRV/ERRerror */
}

/* ---- answers in parts */

static void put_echo(struct smb1_bench *s, uint16_t count) {
    block_begin(s, SMB1_ECHO);
    put16(&s->o, count);
    block_bytes(s);
    put_series(&s->o, 1, 4);
    block_end(s);
}

static void echoes(void **state) {
    (void)state;
    struct smb1_bench s = smb1_bench_settled();
    unsigned before = s.b->count;
    ask_begin(&s);
    put_echo(&s, 3);
    send_it(&s);
    for (uint16_t i = 1; i <= 3; i++) {
        assert_int_equal(s.b->count, before);
        say_begin(&s, 0);
        put_echo(&s, i);
        send_it(&s);
    }
    assert_int_equal(expect(&s, 0, SMB1_ECHO, true, true)->interim, 2);
    ask_begin(&s);
    put_echo(&s, 0); /* wants none, MS-CIFS 2.2.4.39.1 */
    send_it(&s);
    assert_false(expect(&s, 0, SMB1_ECHO, true, false)->response_lost);
    smb1_bench_free(&s);
}

static void ask_mpx(struct smb1_bench *s, uint16_t count) {
    ask_begin(s);
    block_begin(s, SMB1_READ_MPX);
    put16(&s->o, FID);
    put32(&s->o, 0);
    put16(&s->o, count);
    put_zeros(&s->o, 8);
    block_bytes(s);
    block_end(s);
    send_it(s);
}

static void say_mpx(struct smb1_bench *s, uint32_t offset, uint16_t count, uint16_t length) {
    say_begin(s, 0);
    block_begin(s, SMB1_READ_MPX);
    put32(&s->o, offset);
    put16(&s->o, count);
    put_zeros(&s->o, 6);
    put16(&s->o, length);
    put16(&s->o, (uint16_t)(s->o.n + 4));
    block_bytes(s);
    put_series(&s->o, 1, length);
    block_end(s);
    send_it(s);
}

/* MS-CIFS 2.2.4.23: whole once the sum of their DataLengths is the smallest Count of them, in whatever order they come. */
static void many_answers_to_a_read(void **state) {
    (void)state;
    struct smb1_bench s = smb1_bench_settled();
    do_create(&s, "a", FID, 0);
    unsigned before = s.b->count;
    ask_mpx(&s, 1000);
    say_mpx(&s, 400, 1000, 300);
    say_mpx(&s, 0, 1000, 400);
    assert_int_equal(s.b->count, before);
    say_mpx(&s, 700, 750, 50); /* the end of the file */
    const struct seen *seen = expect(&s, 0, SMB1_READ_MPX, true, true);
    assert_int_equal(s.b->count, before + 1);
    assert_int_equal(seen->interim, 2);
    assert_int_equal(seen->bytes_read, 750);
    assert_int_equal(seen->sum_read, 750);
    ask_mpx(&s, 1000); /* the count may shrink before the last */
    say_mpx(&s, 0, 20, 10);
    say_mpx(&s, 10, 1000, 10);
    assert_int_equal(expect(&s, 0, SMB1_READ_MPX, true, true)->bytes_read, 20);
    ask_mpx(&s, 1000); /* at the end of the file */
    say_mpx(&s, 0, 0, 0);
    assert_int_equal(expect(&s, 0, SMB1_READ_MPX, true, true)->sum_read, 770);
    ask_mpx(&s, 1000);
    say_mpx(&s, 0, 1000, 100);
    say_plain(&s, SMB1_READ_MPX, STATUS_DATA_ERROR);
    seen = expect(&s, 0, SMB1_READ_MPX, true, true);
    assert_int_equal(seen->status, STATUS_DATA_ERROR);
    assert_int_equal(seen->sum_read, 770);
    smb1_bench_free(&s);
}

static void ask_write_mpx(struct smb1_bench *s, uint32_t mask, uint16_t length, uint16_t sequence) {
    ask_begin(s);
    block_begin(s, SMB1_WRITE_MPX);
    put16(&s->o, FID);
    put16(&s->o, 600);
    put_zeros(&s->o, 10);
    put16(&s->o, 0x80);
    put32(&s->o, mask);
    put16(&s->o, length);
    put16(&s->o, (uint16_t)(s->o.n + 4));
    block_bytes(s);
    put_series(&s->o, 1, length);
    block_end(s);
    set_le(&s->o, 20, 2, sequence);
    send_it(s);
}

static void say_write_mpx(struct smb1_bench *s, uint32_t mask) {
    say_begin(s, 0);
    block_begin(s, SMB1_WRITE_MPX);
    put32(&s->o, mask);
    block_bytes(s);
    block_end(s);
    send_it(s);
}

/* MS-CIFS 2.2.4.26: one answer to all of them, and its mask tells which arrived. */
static void one_answer_to_many_writes(void **state) {
    (void)state;
    struct smb1_bench s = smb1_bench_settled();
    do_create(&s, "a", FID, 0);
    unsigned before = s.b->count;
    ask_write_mpx(&s, 1, 100, 0);
    ask_write_mpx(&s, 2, 200, 0);
    ask_write_mpx(&s, 4, 300, 1);
    say_write_mpx(&s, 1 | 4);
    assert_int_equal(s.b->count, before + 3);
    assert_int_equal(expect(&s, 2, SMB1_WRITE_MPX, true, true)->bytes_written, 100);
    assert_int_equal(expect(&s, 1, SMB1_WRITE_MPX, true, true)->bytes_written, 0);
    assert_int_equal(expect(&s, 0, SMB1_WRITE_MPX, true, true)->bytes_written, 300);
    assert_int_equal(bench_last(s.b, 0)->sum_written, 400);
    ask_write_mpx(&s, 2, 200, 2);
    say_write_mpx(&s, 2);
    assert_int_equal(s.b->count, before + 4);
    assert_int_equal(bench_last(s.b, 0)->sum_written, 600);
    ask_write_mpx(&s, 1, 100, 0);
    ask_write_mpx(&s, 2, 100, 1);
    say_plain(&s, SMB1_WRITE_MPX, STATUS_DISK_FULL);
    assert_int_equal(s.b->count, before + 6);
    assert_int_equal(expect(&s, 1, SMB1_WRITE_MPX, true, true)->status, STATUS_DISK_FULL);
    assert_int_equal(expect(&s, 0, SMB1_WRITE_MPX, true, true)->sum_written, 600);
    say_plain(&s, SMB1_WRITE_MPX, STATUS_DISK_FULL); /* one each */
    assert_int_equal(s.b->count, before + 6);
    smb1_bench_free(&s);
}

/* Of a message that was cut before its words nobody knows whether it is the last of its kind: it is told once. */
static void cut_before_the_words(void **state) {
    (void)state;
    struct smb1_bench s = smb1_bench_settled();
    do_create(&s, "a", FID, 0);
    unsigned before = s.b->count;
    ask_mpx(&s, 1000);
    s.snap = 40;
    say_mpx(&s, 0, 1000, 500);
    say_mpx(&s, 500, 1000, 500);
    assert_int_equal(s.b->count, before + 1);
    (void)expect(&s, 0, SMB1_READ_MPX, true, true);
    s.peer.flow->gaps[TO_CLIENT]++; /* whose answer this is, nobody knows */
    say_mpx(&s, 0, 1000, 500);
    (void)expect(&s, 0, SMB1_READ_MPX, false, true);
    s.snap = 0;
    ask_mpx(&s, 1000);
    s.snap = 40;
    say_mpx(&s, 0, 1000, 500);
    (void)expect(&s, 0, SMB1_READ_MPX, true, true);
    s.mid++; /* another's */
    say_mpx(&s, 0, 1000, 500);
    (void)expect(&s, 0, SMB1_READ_MPX, false, true);
    assert_int_equal(s.b->count, before + 4);
    smb1_bench_free(&s);
}

/* ---- chains */

static void a_chain(void **state) {
    (void)state;
    struct smb1_bench s = smb1_bench_new(NULL);
    s.tid = 0;
    s.uid = 0;
    ask_begin(&s);
    block_setup(&s, "bob");
    block_tree(&s, "\\\\srv\\x");
    block_open(&s, "f");
    block_read(&s, 0, 20); /* of the file that is opened, MS-CIFS 3.2.4.1.4 */
    send_it(&s);
    assert_int_equal(s.b->count, 0);
    s.uid = 5;
    s.tid = 6;
    say_begin(&s, 0);
    block_setup_done(&s);
    block_tree_done(&s);
    block_opened(&s, FID);
    block_data(&s, 20);
    send_it(&s);
    static const uint8_t commands[] = {SMB1_READ_ANDX, SMB1_OPEN_ANDX, SMB1_TREE_CONNECT_ANDX, SMB1_SESSION_SETUP_ANDX};
    assert_int_equal(s.b->count, 4);
    for (unsigned i = 0; i < 4; i++) {
        assert_true(expect(&s, i, commands[i], true, true)->compound);
        assert_int_equal(bench_last(s.b, i)->session_id, 5);
        assert_int_equal(bench_last(s.b, i)->tree_id, i == 3 ? 0 : 6);
    }
    assert_string_equal(bench_last(s.b, 3)->claim, "bob");
    const struct seen *seen = bench_last(s.b, 0);
    assert_int_equal(seen->file_id.volatile_part, FID);
    assert_string_equal(seen->name, "f");
    assert_string_equal(seen->user, "bob");
    assert_string_equal(seen->path, "\\\\srv\\x");
    assert_int_equal(seen->sum_read, 20);
    smb1_bench_free(&s);
}

/* The command that fails ends it: its status is that of the header, those before it succeeded, those behind it were not done. */
static void a_chain_that_fails(void **state) {
    (void)state;
    struct smb1_bench s = smb1_bench_settled();
    unsigned before = s.b->count;
    ask_begin(&s);
    block_setup(&s, "bob");
    block_tree(&s, "\\\\srv\\none");
    block_open(&s, "f");
    send_it(&s);
    say_begin(&s, STATUS_BAD_NETWORK_NAME);
    block_setup_done(&s);
    block_plain(&s, SMB1_TREE_CONNECT_ANDX);
    set_le(&s.o, s.words_at - 1, 1, 0); /* without words */
    s.o.n = s.words_at;
    put16(&s.o, 0);
    send_it(&s);
    assert_int_equal(s.b->count, before + 3);
    assert_int_equal(expect(&s, 2, SMB1_SESSION_SETUP_ANDX, true, true)->status, 0);
    assert_int_equal(expect(&s, 1, SMB1_TREE_CONNECT_ANDX, true, true)->status, STATUS_BAD_NETWORK_NAME);
    const struct seen *seen = expect(&s, 0, SMB1_OPEN_ANDX, true, false);
    assert_true(seen->response_lost);
    assert_int_equal(seen->status, -1);
    peer_close(&s.peer);
    assert_int_equal(s.b->end.errors, 1);
    bench_free(s.b);
}

/* Two chains under one MID: an answer goes on with the chain that it began with. */
static void chains_under_one_mid(void **state) {
    (void)state;
    struct smb1_bench s = smb1_bench_settled();
    for (unsigned i = 0; i < 2; i++) {
        ask_begin(&s);
        block_open(&s, i ? "b" : "a");
        block_read(&s, 0, 10);
        send_it(&s);
    }
    for (unsigned i = 0; i < 2; i++) {
        say_begin(&s, 0);
        block_opened(&s, (uint16_t)(FID + i));
        block_data(&s, 10);
        send_it(&s);
        assert_string_equal(expect(&s, 1, SMB1_OPEN_ANDX, true, true)->name, i ? "b" : "a");
        assert_string_equal(expect(&s, 0, SMB1_READ_ANDX, true, true)->name, i ? "b" : "a");
    }
    smb1_bench_free(&s);
}

/* Where a chain was cut, the command that is there succeeded, for another one follows; the status is the last one's. */
static void a_chain_that_was_cut(void **state) {
    (void)state;
    struct smb1_bench s = smb1_bench_settled();
    unsigned before = s.b->count;
    ask_begin(&s);
    block_setup(&s, "bob");
    block_tree(&s, "\\\\srv\\none");
    send_it(&s);
    say_begin(&s, STATUS_BAD_NETWORK_NAME);
    block_setup_done(&s);
    s.snap = s.o.n;
    block_plain(&s, SMB1_TREE_CONNECT_ANDX);
    send_it(&s);
    assert_int_equal(s.b->count, before + 2);
    assert_int_equal(expect(&s, 1, SMB1_SESSION_SETUP_ANDX, true, true)->status, 0);
    assert_int_equal(expect(&s, 0, SMB1_TREE_CONNECT_ANDX, true, true)->status, STATUS_BAD_NETWORK_NAME);
    s.snap = 0;
    s.mid++;
    ask_begin(&s);
    block_setup(&s, "bob");
    block_tree(&s, "\\\\srv\\data");
    block_open(&s, "f");
    send_it(&s);
    say_begin(&s, STATUS_ACCESS_DENIED);
    block_setup_done(&s);
    s.snap = s.o.n;
    block_tree_done(&s);
    block_plain(&s, SMB1_OPEN_ANDX);
    send_it(&s);
    assert_int_equal(s.b->count, before + 5);
    assert_int_equal(expect(&s, 2, SMB1_SESSION_SETUP_ANDX, true, true)->status, 0);
    assert_int_equal(bench_last(s.b, 1)->status, -1); /* of which of them the status is, nobody saw */
    assert_int_equal(bench_last(s.b, 0)->status, -1);
    smb1_bench_free(&s);
}

/* Offsets that go back, to themselves or out of the message end a chain: what came before is told, once. */
static void chains_that_lie(void **state) {
    (void)state;
    static const uint16_t offsets[] = {0, 4, 32, 33, 40, 0xFFFF};
    for (unsigned i = 0; i < sizeof offsets / sizeof *offsets; i++) {
        struct smb1_bench s = smb1_bench_settled();
        unsigned before = s.b->count;
        ask_begin(&s);
        block_open(&s, "f");
        size_t andx_at = s.andx_at;
        block_read(&s, 0, 20);
        set_le(&s.o, andx_at + 2, 2, offsets[i]);
        send_it(&s);
        say_begin(&s, 0);
        block_opened(&s, FID);
        send_it(&s);
        assert_int_equal(s.b->count, before + 1);
        assert_string_equal(expect(&s, 0, SMB1_OPEN_ANDX, true, true)->name, "f");
        do_close(&s, FID); /* the next message is read as any */
        assert_string_equal(expect(&s, 0, SMB1_CLOSE, true, true)->name, "f");
        smb1_bench_free(&s);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(out_of_order),
        cmocka_unit_test(one_mid_for_all),
        cmocka_unit_test(waiting_under_one_mid),
        cmocka_unit_test(a_gap_between),
        cmocka_unit_test(the_highest_mid),
        cmocka_unit_test(too_many_under_one_mid),
        cmocka_unit_test(requests_alone),
        cmocka_unit_test(responses_alone),
        cmocka_unit_test(timed_out),
        cmocka_unit_test(waits),
        cmocka_unit_test(timed_out_without_memory),
        cmocka_unit_test(a_cancel),
        cmocka_unit_test(a_break_of_an_oplock),
        cmocka_unit_test(a_lock_behind_an_acknowledgement),
        cmocka_unit_test(doubtful_chains),
        cmocka_unit_test(doubtful_under_one_mid),
        cmocka_unit_test(doubtful_runs),
        cmocka_unit_test(doubtful_behind_a_gap),
        cmocka_unit_test(lost_under_one_mid),
        cmocka_unit_test(lost_turns_under_one_mid),
        cmocka_unit_test(another_tree_behind_a_gap),
        cmocka_unit_test(writes_raw),
        cmocka_unit_test(statuses),
        cmocka_unit_test(echoes),
        cmocka_unit_test(many_answers_to_a_read),
        cmocka_unit_test(one_answer_to_many_writes),
        cmocka_unit_test(cut_before_the_words),
        cmocka_unit_test(a_chain),
        cmocka_unit_test(a_chain_that_fails),
        cmocka_unit_test(chains_under_one_mid),
        cmocka_unit_test(a_chain_that_was_cut),
        cmocka_unit_test(chains_that_lie),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
