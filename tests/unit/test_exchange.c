/* Requests and their responses: matched, put off, lost, chained. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/packet_clock.h"
#include "model_bench.h"

static const char share[] = "\\\\srv\\data";

static struct peer settled(struct bench *b) {
    struct peer p = peer_open(b, 1, 2);
    peer_settle(&p, 0x51, "alice", share);
    return p;
}

static void out_of_order(void **state) {
    (void)state;
    struct bench *b = bench_new(NULL);
    struct peer p = settled(b);
    struct smb2_message q[5];
    for (unsigned i = 0; i < 5; i++) {
        q[i] = peer_ask_create(&p, (const char *[]){"a", "b", "c", "d", "e"}[i], 0);
        peer_request(&p, &q[i]);
    }
    static const unsigned order[] = {3, 0, 4, 2, 1};
    for (unsigned i = 0; i < 5; i++) {
        struct smb2_message r = peer_say_created(&p, 100 + order[i]);
        r.header.message_id = q[order[i]].header.message_id;
        peer_response(&p, &r);
        assert_int_equal(bench_last(b, 0)->name[0], "abcde"[order[i]]);
        assert_int_equal(bench_last(b, 0)->message_id, r.header.message_id);
    }
    peer_close(&p);
    bench_free(b);
}

static void response_alone(void **state) {
    (void)state;
    struct bench *b = bench_new(NULL);
    struct peer p = settled(b);
    struct smb2_message r = peer_say_created(&p, 7);
    r.header.message_id = 1000;
    peer_response(&p, &r);
    const struct seen *s = bench_last(b, 0);
    assert_true(s->request_lost);
    assert_false(s->response_lost);
    assert_false(s->request);
    assert_string_equal(s->name, "?");
    peer_read(&p, 7, 10); /* it is known, and has no name: least of all the root's */
    assert_true(bench_last(b, 0)->has_file_id);
    assert_string_equal(bench_last(b, 0)->name, "?");
    peer_close(&p);
    bench_free(b);
}

/* An answer to another command is not this request's. */
static void another_command(void **state) {
    (void)state;
    struct bench *b = bench_new(NULL);
    struct peer p = settled(b);
    struct smb2_message q = peer_ask_create(&p, "a", 0), r = peer_say(&p, SMB2_ECHO, 0);
    peer_request(&p, &q);
    peer_response(&p, &r);
    assert_true(bench_last(b, 0)->request_lost);
    assert_int_equal(bench_last(b, 0)->command, SMB2_ECHO);
    r = peer_say_created(&p, 7);
    peer_response(&p, &r);
    assert_false(bench_last(b, 0)->request_lost);
    assert_string_equal(bench_last(b, 0)->name, "a");
    peer_close(&p);
    bench_free(b);
}

static void never_answered(void **state) {
    (void)state;
    struct bench *b = bench_new(NULL);
    struct peer p = settled(b);
    struct smb2_message q = peer_ask_create(&p, "a", 0);
    peer_request(&p, &q);
    unsigned before = b->count;
    peer_close(&p);
    assert_int_equal(b->count, before + 1);
    assert_true(bench_last(b, 0)->response_lost);
    assert_false(bench_last(b, 0)->request_lost);
    assert_string_equal(bench_last(b, 0)->asked, "a");
    assert_int_equal(b->end.files_opened, 0);
    bench_free(b);
}

static void message_id_again(void **state) {
    (void)state;
    struct bench *b = bench_new(NULL);
    struct peer p = settled(b);
    struct smb2_message q = peer_ask_create(&p, "a", 0);
    peer_request(&p, &q);
    p.next_message_id--;
    unsigned before = b->count;
    peer_create(&p, "b", 7, 0);
    assert_int_equal(b->count, before + 2);
    assert_true(bench_last(b, 1)->response_lost);
    assert_string_equal(bench_last(b, 1)->asked, "a");
    assert_string_equal(bench_last(b, 0)->name, "b");
    peer_close(&p);
    bench_free(b);
}

/* So much time that the model's clock follows all of it: in steps, with messages. */
static void pass(struct peer *p, uint64_t ns) {
    for (uint64_t step = CLOCK_STEP_NS / 2; ns != 0; ns -= step) {
        step = step < ns ? step : ns;
        p->b->now.time_ns += step;
        struct smb2_message other = peer_ask(p, SMB2_ECHO);
        peer_exchange(p, &other, 0);
    }
}

/* Given up after the timeout, told once; an answer that comes later is told by itself. */
static void timed_out(void **state) {
    (void)state;
    struct bench *b = bench_new(NULL);
    struct peer p = settled(b);
    struct smb2_message late = peer_ask_create(&p, "a", 0), other;
    peer_request(&p, &late);
    b->now.time_ns += 1000 * model_limits_default().answer_timeout_ns; /* a clock that jumps gives nothing up */
    pass(&p, model_limits_default().answer_timeout_ns - 5 * CLOCK_STEP_NS);
    assert_int_equal(bench_count(b, OPERATION_CREATE, NULL), 0);
    pass(&p, 5 * CLOCK_STEP_NS);
    assert_int_equal(bench_count(b, OPERATION_CREATE, NULL), 1);
    other = peer_ask_create(&p, "b", 0);
    peer_request(&p, &other);
    pass(&p, model_limits_default().answer_timeout_ns - 5 * CLOCK_STEP_NS);
    assert_int_equal(bench_count(b, OPERATION_CREATE, NULL), 1);
    while (bench_count(b, OPERATION_CREATE, NULL) == 1) {
        pass(&p, 5000000);
    }
    assert_true(bench_last(b, 1)->response_lost);
    struct smb2_message r = peer_say_created(&p, 7);
    r.header.message_id = late.header.message_id;
    peer_response(&p, &r);
    assert_true(bench_last(b, 0)->request_lost);
    assert_string_equal(bench_last(b, 0)->name, "?");
    b->now.time_ns -=
        1000 * model_limits_default().answer_timeout_ns / 1000; /* a clock that runs back gives nothing up */
    peer_request(&p, &late);
    b->now.time_ns -= model_limits_default().answer_timeout_ns;
    other = peer_ask(&p, SMB2_ECHO);
    peer_exchange(&p, &other, 0);
    assert_int_equal(bench_count(b, OPERATION_CREATE, NULL), 3);
    peer_close(&p);
    bench_free(b);
}

/* ---- answers that were put off */

static void interim(struct peer *p, uint16_t command, uint64_t message_id) {
    struct smb2_message r = peer_say(p, command, STATUS_PENDING);
    r.header.message_id = message_id;
    r.header.flags |= SMB2_FLAGS_ASYNC_COMMAND;
    r.header.async_id = message_id;
    r.header.tree_id = 0;
    r.is_error = true;
    peer_response(p, &r);
}

static void final(struct peer *p, uint16_t command, uint64_t message_id, uint32_t status) {
    struct smb2_message r = peer_say(p, command, status);
    r.header.message_id = message_id;
    r.header.flags |= SMB2_FLAGS_ASYNC_COMMAND;
    r.header.async_id = message_id;
    r.header.tree_id = 0;
    peer_response(p, &r);
}

static void put_off(void **state) {
    (void)state;
    struct bench *b = bench_new(NULL);
    struct peer p = settled(b);
    peer_create(&p, "dir", 7, 0);
    struct smb2_message q = peer_ask_file(&p, SMB2_CHANGE_NOTIFY, 7);
    unsigned before = b->count;
    peer_request(&p, &q);
    interim(&p, SMB2_CHANGE_NOTIFY, q.header.message_id);
    assert_int_equal(b->count, before);
    pass(&p, 2 * model_limits_default().answer_timeout_ns); /* it waits for as long as it takes */
    peer_close_file(&p, 7);
    final(&p, SMB2_CHANGE_NOTIFY, q.header.message_id, STATUS_NOTIFY_CLEANUP);
    const struct seen *s = bench_last(b, 0);
    assert_int_equal(s->kind, OPERATION_NOTIFY);
    assert_int_equal(s->interim, 1);
    assert_true(s->async);
    assert_string_equal(s->name, "dir"); /* though the handle is gone */
    assert_string_equal(s->path, share);
    assert_int_equal(s->tree_id, 1);
    assert_false(s->response_lost);
    peer_close(&p);
    bench_free(b);
}

/* Thousands wait longer than the timeout: a message does not walk over them. */
static void many_put_off(void **state) {
    (void)state;
    enum { WAITING = 2000 };
    struct bench *b = bench_new(NULL);
    struct peer p = settled(b);
    uint64_t first = p.next_message_id;
    for (unsigned i = 0; i < WAITING; i++) {
        struct smb2_message q = peer_ask(&p, SMB2_CHANGE_NOTIFY);
        peer_request(&p, &q);
        interim(&p, SMB2_CHANGE_NOTIFY, q.header.message_id);
    }
    pass(&p, 2 * model_limits_default().answer_timeout_ns);
    struct smb2_message q = peer_ask(&p, SMB2_ECHO);
    peer_exchange(&p, &q, 0);
    final(&p, SMB2_CHANGE_NOTIFY, first + 5, 0);
    assert_false(bench_last(b, 0)->request_lost);
    unsigned before = b->count;
    peer_close(&p);
    assert_int_equal(b->count, before + WAITING - 1);
    assert_int_equal(b->seen[before].message_id, first);
    assert_int_equal(b->seen[before + 5].message_id, first + 6);
    bench_free(b);
}

/* The request was not seen, and is known since an interim answer came. */
static void interim_without_request(void **state) {
    (void)state;
    struct bench *b = bench_new(NULL);
    struct peer p = settled(b);
    unsigned before = b->count;
    interim(&p, SMB2_CHANGE_NOTIFY, 500);
    interim(&p, SMB2_CHANGE_NOTIFY, 501);
    assert_int_equal(b->count, before);
    final(&p, SMB2_CHANGE_NOTIFY, 500, 0);
    const struct seen *s = bench_last(b, 0);
    assert_true(s->request_lost);
    assert_false(s->response_lost);
    assert_int_equal(s->interim, 1);
    assert_true(s->async);
    peer_close(&p);
    s = bench_last(b, 0);
    assert_true(s->request_lost && s->response_lost);
    assert_int_equal(s->kind, OPERATION_NOTIFY);
    assert_int_equal(s->command, SMB2_CHANGE_NOTIFY);
    assert_int_equal(s->message_id, 501);
    bench_free(b);
}

/* A server that answers one MessageId with ever other commands makes one exchange of it. */
static void interim_of_other_commands(void **state) {
    (void)state;
    struct bench *b = bench_new(NULL);
    struct peer p = settled(b);
    size_t held = 0;
    for (unsigned i = 0; i < 200; i++) {
        interim(&p, i % 2 ? SMB2_CHANGE_NOTIFY : SMB2_LOCK, 500);
        held = held ? held : b->budget.held;
        assert_int_equal(b->budget.held, held);
    }
    peer_close(&p);
    bench_free(b);
}

/* STATUS_PENDING is no final answer, whatever the flags say. */
static void pending_is_not_final(void **state) {
    (void)state;
    struct bench *b = bench_new(NULL);
    struct peer p = settled(b);
    struct smb2_message q = peer_ask_create(&p, "a", 0), r = peer_say_created(&p, 7);
    peer_request(&p, &q);
    r.header.status = STATUS_PENDING;
    unsigned before = b->count;
    peer_response(&p, &r);
    assert_int_equal(b->count, before);
    r.header.status = 0;
    peer_response(&p, &r);
    assert_string_equal(bench_last(b, 0)->name, "a");
    peer_close(&p);
    assert_int_equal(b->end.files_opened, 1);
    bench_free(b);
}

static void cancel(void **state) {
    (void)state;
    struct bench *b = bench_new(NULL);
    struct peer p = settled(b);
    peer_create(&p, "dir", 7, 0);
    struct smb2_message q = peer_ask_file(&p, SMB2_CHANGE_NOTIFY, 7), c = {0};
    peer_request(&p, &q);
    interim(&p, SMB2_CHANGE_NOTIFY, q.header.message_id);
    c.header = q.header;
    c.header.command = SMB2_CANCEL;
    c.header.flags |= SMB2_FLAGS_ASYNC_COMMAND;
    peer_request(&p, &c);
    const struct seen *s = bench_last(b, 0);
    assert_int_equal(s->kind, OPERATION_CANCEL);
    assert_int_equal(s->message_id, q.header.message_id);
    assert_false(s->response_lost);
    assert_string_equal(s->user, "alice");
    final(&p, SMB2_CHANGE_NOTIFY, q.header.message_id, STATUS_CANCELLED);
    s = bench_last(b, 0);
    assert_int_equal(s->kind, OPERATION_NOTIFY);
    assert_false(s->request_lost);
    assert_string_equal(s->name, "dir");
    unsigned before = b->count;
    peer_close(&p);
    assert_int_equal(b->count, before);
    bench_free(b);
}

/* ---- compound chains */

static void element(struct peer *p, unsigned i, unsigned n) {
    p->first = i == 0;
    p->last = i + 1 == n;
    p->flags = i == 0 ? 0 : SMB2_FLAGS_RELATED_OPERATIONS;
}

/* Requests q[0..n), then their answers r[0..n), each as a chain of related elements. */
static void chain(struct peer *p, struct smb2_message *q, struct smb2_message *r, unsigned n) {
    for (unsigned i = 0; i < n; i++) {
        element(p, i, n);
        q[i].header.flags = p->flags;
        if (i > 0) {
            q[i].header.session_id = UINT64_MAX;
            q[i].header.tree_id = UINT32_MAX;
        }
        peer_request(p, &q[i]);
    }
    for (unsigned i = 0; i < n; i++) {
        element(p, i, n);
        r[i].header.message_id = q[i].header.message_id;
        r[i].header.flags = p->flags | SMB2_FLAGS_SERVER_TO_REDIR;
        peer_response(p, &r[i]);
    }
    p->first = p->last = true;
    p->flags = 0;
}

static void create_and_close(void **state) {
    (void)state;
    struct bench *b = bench_new(NULL);
    struct peer p = settled(b);
    struct smb2_message q[] = {peer_ask_create(&p, "a", 0), peer_ask_file(&p, SMB2_QUERY_INFO, UINT64_MAX),
                               peer_ask_file(&p, SMB2_CLOSE, UINT64_MAX)};
    struct smb2_message r[] = {peer_say_created(&p, 7), peer_say(&p, SMB2_QUERY_INFO, 0), peer_say(&p, SMB2_CLOSE, 0)};
    chain(&p, q, r, 3);
    for (unsigned i = 0; i < 3; i++) {
        const struct seen *s = bench_last(b, i);
        assert_string_equal(s->name, "a");
        assert_string_equal(s->path, share);
        assert_string_equal(s->user, "alice");
        assert_true(s->compound);
        assert_int_equal(s->tree_id, 1);
        assert_int_equal(s->session_id, 0x51);
        assert_true(s->has_file_id);
        assert_int_equal(s->file_id.persistent, 7);
    }
    peer_read(&p, 7, 1);
    assert_string_equal(bench_last(b, 0)->name, "?");
    assert_false(bench_last(b, 0)->compound);
    peer_close(&p);
    bench_free(b);
}

/* Two opens in a chain: what is behind each is about that one, also where they fail. */
static void two_files_in_a_chain(void **state) {
    (void)state;
    struct bench *b = bench_new(NULL);
    struct peer p = settled(b);
    for (unsigned fails = 0; fails < 2; fails++) {
        uint32_t status = fails ? STATUS_ACCESS_DENIED : 0;
        struct smb2_message q[] = {peer_ask_create(&p, "a", 0), peer_ask_file(&p, SMB2_CLOSE, UINT64_MAX),
                                   peer_ask_create(&p, "b", 0), peer_ask_file(&p, SMB2_CLOSE, UINT64_MAX)};
        struct smb2_message r[] = {peer_say_created(&p, 7), peer_say(&p, SMB2_CLOSE, status), peer_say_created(&p, 8),
                                   peer_say(&p, SMB2_CLOSE, status)};
        if (fails) {
            r[0] = peer_say(&p, SMB2_CREATE, status);
            r[2] = peer_say(&p, SMB2_CREATE, status);
        }
        chain(&p, q, r, 4);
        assert_string_equal(bench_last(b, 0)->name, "b");
        assert_string_equal(bench_last(b, 2)->name, "a");
        assert_true(bench_last(b, 0)->has_file_id == !fails);
        assert_true(fails || bench_last(b, 2)->file_id.persistent == 7);
    }
    peer_close(&p);
    bench_free(b);
}

/* A FileId in the middle of a chain is what the all-ones ones behind it mean. */
static void file_ids_in_a_chain(void **state) {
    (void)state;
    struct bench *b = bench_new(NULL);
    struct peer p = settled(b);
    peer_create(&p, "a", 7, 0);
    peer_create(&p, "b", 8, 0);
    struct smb2_message q[] = {peer_ask_file(&p, SMB2_READ, 7), peer_ask_file(&p, SMB2_FLUSH, UINT64_MAX),
                               peer_ask_file(&p, SMB2_READ, 8), peer_ask_file(&p, SMB2_CLOSE, UINT64_MAX)};
    struct smb2_message r[] = {peer_say(&p, SMB2_READ, 0), peer_say(&p, SMB2_FLUSH, 0), peer_say(&p, SMB2_READ, 0),
                               peer_say(&p, SMB2_CLOSE, 0)};
    chain(&p, q, r, 4);
    assert_string_equal(bench_last(b, 0)->name, "b");
    assert_string_equal(bench_last(b, 1)->name, "b");
    assert_string_equal(bench_last(b, 2)->name, "a");
    assert_string_equal(bench_last(b, 3)->name, "a");
    peer_close(&p);
    bench_free(b);
}

/* Elements that are not related have nothing of each other. */
static void unrelated_chain(void **state) {
    (void)state;
    struct bench *b = bench_new(NULL);
    struct peer p = settled(b);
    struct smb2_message q[] = {peer_ask_create(&p, "a", 0), peer_ask_file(&p, SMB2_CLOSE, UINT64_MAX)};
    for (unsigned i = 0; i < 2; i++) {
        p.first = i == 0;
        p.last = i == 1;
        peer_request(&p, &q[i]);
    }
    struct smb2_message r[] = {peer_say_created(&p, 7), peer_say(&p, SMB2_CLOSE, STATUS_FILE_CLOSED)};
    for (unsigned i = 0; i < 2; i++) {
        r[i].header.message_id = q[i].header.message_id;
        p.first = i == 0;
        p.last = i == 1;
        peer_response(&p, &r[i]);
    }
    assert_string_equal(bench_last(b, 0)->name, "?");
    assert_true(bench_last(b, 0)->compound);
    p.first = p.last = true;
    peer_close(&p);
    bench_free(b);
}

/* The CREATE's answer was lost: what follows has no FileId, and is told with the name it was aimed at. */
static void chain_without_its_first_answer(void **state) {
    (void)state;
    struct bench *b = bench_new(NULL);
    struct peer p = settled(b);
    struct smb2_message q[] = {peer_ask_create(&p, "a", 0), peer_ask_file(&p, SMB2_CLOSE, UINT64_MAX)};
    for (unsigned i = 0; i < 2; i++) {
        element(&p, i, 2);
        q[i].header.flags = p.flags;
        peer_request(&p, &q[i]);
    }
    p.first = p.last = true;
    p.flags = 0;
    struct smb2_message r = peer_say(&p, SMB2_CLOSE, 0);
    peer_response(&p, &r);
    assert_string_equal(bench_last(b, 0)->name, "a");
    assert_false(bench_last(b, 0)->has_file_id);
    peer_close(&p);
    assert_string_equal(bench_last(b, 0)->asked, "a");
    assert_true(bench_last(b, 0)->response_lost);
    bench_free(b);
}

/* A related element that begins a message has nothing to be related to. */
static void related_to_nothing(void **state) {
    (void)state;
    struct bench *b = bench_new(NULL);
    struct peer p = settled(b);
    peer_create(&p, "a", 7, 0);
    p.flags = SMB2_FLAGS_RELATED_OPERATIONS;
    struct smb2_message q = peer_ask_file(&p, SMB2_READ, UINT64_MAX);
    q.header.session_id = UINT64_MAX;
    peer_exchange(&p, &q, STATUS_INVALID_PARAMETER);
    assert_string_equal(bench_last(b, 0)->name, "?");
    peer_close(&p);
    bench_free(b);
}

/* ---- bounds */

static void exchanges_evicted(void **state) {
    (void)state;
    struct model_limits limits = model_limits_default();
    limits.exchanges = 10;
    struct bench *b = bench_new(&limits);
    struct peer p = peer_open(b, 1, 2), q = peer_open(b, 1, 2);
    for (unsigned i = 0; i < 30; i++) {
        struct peer *any = i % 2 ? &p : &q;
        struct smb2_message m = peer_ask_create(any, "a", 0);
        peer_request(any, &m);
    }
    assert_int_equal(b->stats.evicted_exchanges, 20);
    assert_int_equal(b->count, 20);
    assert_true(bench_last(b, 0)->response_lost);
    peer_close(&p);
    peer_close(&q);
    assert_int_equal(b->count, 30);
    bench_free(b);
}

/* ---- what the framer is not sure of */

static void doubtful_requests(void **state) {
    (void)state;
    struct bench *b = bench_new(NULL);
    struct peer p = settled(b);
    p.flow->packets[TO_CLIENT] = 1;
    unsigned before = b->count;
    p.doubtful = true;
    struct smb2_message q = peer_ask_create(&p, "false.txt", 0), cancel = peer_ask(&p, SMB2_CANCEL);
    peer_request(&p, &q);
    peer_request(&p, &cancel);
    struct smb2_message again = peer_ask_create(&p, "true.txt", 0);
    peer_request(&p, &again);
    p.doubtful = false;
    struct smb2_message r = peer_say_created(&p, 8);
    r.header.message_id = again.header.message_id;
    r.header.session_id = 0x52; /* another session's */
    peer_response(&p, &r);
    assert_true(bench_last(b, 0)->request_lost);
    r.header.session_id = 0x51;
    peer_response(&p, &r);
    assert_string_equal(bench_last(b, 0)->name, "true.txt");
    assert_false(bench_last(b, 0)->request_lost);
    uint64_t requests = 3 + 1; /* what settled() asked, and the one that was answered */
    peer_close(&p);
    assert_int_equal(b->count - before, 2);
    assert_in_range(b->end.requests, requests, requests + 1);
    bench_free(b);
}

/* Where the server's side is not captured at all, no answer is to be had. */
static void doubtful_request_alone(void **state) {
    (void)state;
    struct bench *b = bench_new(NULL);
    struct peer p = settled(b);
    p.flow->packets[TO_CLIENT] = 0;
    p.doubtful = true;
    struct smb2_message q = peer_ask_create(&p, "alone.txt", 0);
    peer_request(&p, &q);
    peer_close(&p);
    assert_int_equal(bench_count(b, OPERATION_CREATE, NULL), 1);
    bench_free(b);
}

static void doubtful_responses(void **state) {
    (void)state;
    struct bench *b = bench_new(NULL);
    struct peer p = settled(b);
    p.flow->packets[TO_SERVER] = 1;
    unsigned before = b->count;
    p.doubtful = true;
    struct smb2_message r = peer_say_created(&p, 7);
    r.header.message_id = 1000;
    peer_response(&p, &r);
    r.header.status = STATUS_PENDING;
    peer_response(&p, &r);
    assert_int_equal(b->count, before);
    p.doubtful = false;
    struct smb2_message q = peer_ask_create(&p, "asked.txt", 0);
    peer_request(&p, &q);
    p.doubtful = true;
    r = peer_say_created(&p, 7);
    peer_response(&p, &r);
    assert_string_equal(bench_last(b, 0)->name, "asked.txt");
    peer_close(&p);
    assert_int_equal(b->count, before + 1);
    bench_free(b);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(out_of_order),
        cmocka_unit_test(response_alone),
        cmocka_unit_test(another_command),
        cmocka_unit_test(never_answered),
        cmocka_unit_test(message_id_again),
        cmocka_unit_test(timed_out),
        cmocka_unit_test(put_off),
        cmocka_unit_test(many_put_off),
        cmocka_unit_test(interim_without_request),
        cmocka_unit_test(interim_of_other_commands),
        cmocka_unit_test(pending_is_not_final),
        cmocka_unit_test(cancel),
        cmocka_unit_test(create_and_close),
        cmocka_unit_test(two_files_in_a_chain),
        cmocka_unit_test(file_ids_in_a_chain),
        cmocka_unit_test(unrelated_chain),
        cmocka_unit_test(chain_without_its_first_answer),
        cmocka_unit_test(related_to_nothing),
        cmocka_unit_test(exchanges_evicted),
        cmocka_unit_test(doubtful_requests),
        cmocka_unit_test(doubtful_request_alone),
        cmocka_unit_test(doubtful_responses),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
