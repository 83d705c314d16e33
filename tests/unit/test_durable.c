/* Durable handles: lost with their connection, and taken up again. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "model_bench.h"

static const char share[] = "\\\\srv\\data";

static struct peer settled(struct bench *b, uint64_t session_id) {
    struct peer p = peer_open(b, 1, 2);
    peer_settle(&p, session_id, "alice", share);
    return p;
}

static void open_durable(struct peer *p, const char *name, uint64_t id, uint32_t options) {
    struct smb2_message q = peer_ask_create(p, name, options), r = peer_say_created(p, id);
    q.create_request.contexts.durable_request = true;
    r.create_response.contexts.durable_request = true;
    peer_request(p, &q);
    peer_response(p, &r);
}

/* The persistent part is what the old handle is known by; the volatile one is new. */
static void reconnect(struct peer *p, const char *name, uint64_t old, uint64_t volatile_part) {
    struct smb2_message q = peer_ask_create(p, name, 0), r = peer_say_created(p, old);
    q.create_request.contexts.durable_reconnect = true;
    q.create_request.contexts.reconnect_id = bench_id(old);
    r.create_response.file_id.volatile_part = volatile_part;
    peer_request(p, &q);
    peer_response(p, &r);
}

static void close_again(struct peer *p, uint64_t old, uint64_t volatile_part) {
    struct smb2_message q = peer_ask_file(p, SMB2_CLOSE, old);
    q.close_request.file_id.volatile_part = volatile_part;
    peer_exchange(p, &q, 0);
}

static void keeps_its_name(void **state) {
    (void)state;
    struct bench *b = bench_new(NULL);
    struct peer p = settled(b, 0x51);
    open_durable(&p, "a", 7, 0);
    peer_rename(&p, 7, "b", 0);
    peer_close(&p);
    struct peer q = settled(b, 0x52);
    reconnect(&q, "whatever", 7, 99);
    assert_true(bench_last(b, 0)->reconnect);
    assert_string_equal(bench_last(b, 0)->name, "b"); /* its last one, whatever the request says */
    close_again(&q, 7, 99);
    assert_string_equal(bench_last(b, 0)->name, "b");
    peer_close(&q);
    bench_free(b);
}

/* The old connection has not ended yet, as far as was seen: there is one open all the same. */
static void old_connection_lingers(void **state) {
    (void)state;
    struct bench *b = bench_new(NULL);
    struct peer p = settled(b, 0x51), q = settled(b, 0x52);
    open_durable(&p, "a", 7, 0);
    peer_write(&p, 7, 5);
    peer_dispose(&p, 7, true, 0);
    reconnect(&q, "a", 7, 99);
    assert_int_equal(bench_last(b, 1)->kind, OPERATION_WRITE); /* what the old handle did */
    assert_int_equal(bench_last(b, 1)->sum_written, 5);
    close_again(&q, 7, 99);
    assert_int_equal(bench_last(b, 0)->kind, OPERATION_DELETE); /* the last open of a marked file */
    assert_int_equal(bench_last(b, 0)->sum_written, 0);
    peer_close(&p);
    peer_close(&q);
    assert_int_equal(bench_count(b, OPERATION_WRITE, NULL), 2); /* no sum twice */
    bench_free(b);
}

static void keeps_what_is_to_become_of_it(void **state) {
    (void)state;
    struct bench *b = bench_new(NULL);
    struct peer p = settled(b, 0x51);
    open_durable(&p, "a", 7, FILE_DELETE_ON_CLOSE);
    peer_close(&p);
    struct peer q = settled(b, 0x52), other = settled(b, 0x53);
    peer_create(&other, "a", 20, 0);
    peer_close_file(&other, 20);
    assert_int_equal(bench_last(b, 0)->kind, OPERATION_CLOSE); /* the handle waits: nothing was deleted */
    reconnect(&q, "a", 7, 99);
    close_again(&q, 7, 99);
    assert_int_equal(bench_last(b, 0)->kind, OPERATION_DELETE);
    peer_close(&q);
    peer_close(&other);
    bench_free(b);
}

/* Not durable: the reconnect's own name is all there is. */
static void nothing_known(void **state) {
    (void)state;
    struct bench *b = bench_new(NULL);
    struct peer p = settled(b, 0x51);
    reconnect(&p, "a", 7, 99);
    assert_string_equal(bench_last(b, 0)->name, "a");
    reconnect(&p, "", 8, 99);
    assert_string_equal(bench_last(b, 0)->name, "?"); /* least of all the root */
    peer_close(&p);
    bench_free(b);
}

/* Closed handles are not kept: the limit is for those that may come again. */
static void closed_ones_make_room(void **state) {
    (void)state;
    struct model_limits limits = model_limits_default();
    limits.durables = 4;
    struct bench *b = bench_new(&limits);
    struct peer p = settled(b, 0x51);
    open_durable(&p, "a", 7, 0);
    for (unsigned i = 0; i < 20; i++) {
        open_durable(&p, "b", 100 + i, 0);
        peer_close_file(&p, 100 + i);
    }
    assert_int_equal(b->stats.evicted_durables, 0);
    struct smb2_message m = peer_ask(&p, SMB2_LOGOFF);
    peer_exchange(&p, &m, 0); /* does not close it, MS-SMB2 3.3.5.6 */
    peer_login(&p, 0x52, "alice");
    peer_tree(&p, 1, share);
    reconnect(&p, "", 7, 99);
    assert_string_equal(bench_last(b, 0)->name, "a");
    for (unsigned i = 0; i < 20; i++) {
        open_durable(&p, "b", 200 + i, 0);
    }
    assert_int_equal(b->stats.evicted_durables, 17);
    peer_close(&p);
    bench_free(b);
}

/* TREE_DISCONNECT closes it. */
static void tree_disconnected(void **state) {
    (void)state;
    struct bench *b = bench_new(NULL);
    struct peer p = settled(b, 0x51);
    open_durable(&p, "a", 7, 0);
    struct smb2_message m = peer_ask(&p, SMB2_TREE_DISCONNECT);
    peer_exchange(&p, &m, 0);
    peer_tree(&p, 2, share);
    reconnect(&p, "", 7, 99);
    assert_string_equal(bench_last(b, 0)->name, "?");
    peer_close(&p);
    bench_free(b);
}

/* The same persistent number on another server is another handle; another address of the same server is the same. */
static void servers(void **state) {
    (void)state;
    struct bench *b = bench_new(NULL);
    struct peer p = settled(b, 0x51), q = peer_open(b, 1, 3), r = peer_open(b, 1, 4);
    open_durable(&p, "a", 7, 0);
    peer_close(&p);
    peer_negotiate(&q, 1, 3); /* the GUID is another */
    peer_login(&q, 0x52, "alice");
    peer_tree(&q, 1, share);
    reconnect(&q, "q", 7, 99);
    assert_string_equal(bench_last(b, 0)->name, "q");
    peer_settle(&r, 0x53, "alice", share);
    reconnect(&r, "r", 7, 99);
    assert_string_equal(bench_last(b, 0)->name, "a");
    peer_close(&q);
    peer_close(&r);
    bench_free(b);
}

/* ---- how long the server waits */

#define SECOND UINT64_C(1000000000)

/* Version 2, with a Timeout; 0: version 1. */
static void open_for(struct peer *p, uint64_t id, uint32_t timeout_ms) {
    struct smb2_message q = peer_ask_create(p, "a", 0), r = peer_say_created(p, id);
    q.create_request.contexts.durable_request = r.create_response.contexts.durable_request = true;
    r.create_response.contexts.durable_timeout = timeout_ms;
    peer_request(p, &q);
    peer_response(p, &r);
}

static const struct seen *refused(struct peer *p, uint64_t old, uint32_t status) {
    struct smb2_message q = peer_ask_create(p, "", 0);
    q.create_request.contexts.durable_reconnect = true;
    q.create_request.contexts.reconnect_id = bench_id(old);
    peer_exchange(p, &q, status);
    return bench_last(p->b, 0);
}

static void resilient(struct peer *p, uint64_t id, uint32_t timeout_ms, uint32_t status) {
    struct smb2_message q = peer_ask_file(p, SMB2_IOCTL, id), r = peer_say(p, SMB2_IOCTL, status);
    q.ioctl.ctl_code = r.ioctl.ctl_code = FSCTL_LMR_REQUEST_RESILIENCY;
    q.ioctl.has_details = true;
    q.ioctl.resiliency.timeout = timeout_ms;
    peer_request(p, &q);
    peer_response(p, &r);
}

static void given_up(void **state) {
    (void)state;
    struct bench *b = bench_new(NULL);
    struct peer p = settled(b, 0x51);
    open_for(&p, 7, 60000);
    open_for(&p, 8, 0); /* version 1: for how long is not said */
    peer_close(&p);
    struct peer q = settled(b, 0x52);
    bench_pass(b, 59 * SECOND);
    const struct seen *s = refused(&q, 7, STATUS_OBJECT_NAME_NOT_FOUND);
    assert_false(s->timed_out); /* for another reason */
    assert_string_equal(s->name, "a");
    bench_pass(b, 2 * SECOND);
    assert_false(refused(&q, 7, STATUS_ACCESS_DENIED)->timed_out);
    assert_true(refused(&q, 7, STATUS_OBJECT_NAME_NOT_FOUND)->timed_out);
    assert_false(refused(&q, 8, STATUS_OBJECT_NAME_NOT_FOUND)->timed_out);
    assert_false(refused(&q, 9, STATUS_OBJECT_NAME_NOT_FOUND)->timed_out);
    peer_close(&q);
    bench_free(b);
}

/* How its connection ended was not seen, or it has not ended here: by its packets it was closed, or it was not. */
static void the_end_counts(void **state) {
    (void)state;
    struct bench *b = bench_new(NULL);
    struct peer p = settled(b, 0x51), q = settled(b, 0x52), r = settled(b, 0x53);
    open_for(&p, 7, 1000);
    open_for(&q, 8, 1000);
    connection_end(p.c, FLOW_END_TIMEOUT, b->now);
    free(p.flow);
    bench_pass(b, 2 * SECOND);
    assert_false(refused(&r, 7, STATUS_OBJECT_NAME_NOT_FOUND)->timed_out);
    assert_false(refused(&r, 8, STATUS_OBJECT_NAME_NOT_FOUND)->timed_out);
    q.flow->tcp_flags = TCP_RST;
    q.flow->last = b->now;
    assert_false(refused(&r, 8, STATUS_OBJECT_NAME_NOT_FOUND)->timed_out);
    bench_pass(b, SECOND);
    assert_true(refused(&r, 8, STATUS_OBJECT_NAME_NOT_FOUND)->timed_out);
    peer_close(&q);
    peer_close(&r);
    bench_free(b);
}

static void resilience(void **state) {
    (void)state;
    struct bench *b = bench_new(NULL);
    struct peer p = settled(b, 0x51);
    peer_create(&p, "a", 7, 0);
    peer_create(&p, "b", 8, 0);
    resilient(&p, 7, 5000, STATUS_SUCCESS);
    resilient(&p, 8, 5000, STATUS_NOT_SUPPORTED);
    peer_close(&p);
    struct peer q = settled(b, 0x52);
    assert_string_equal(refused(&q, 8, STATUS_OBJECT_NAME_NOT_FOUND)->name, "?");
    reconnect(&q, "", 7, 99);
    assert_true(bench_last(b, 0)->resilient);
    assert_string_equal(bench_last(b, 0)->name, "a");
    peer_close(&q);
    struct peer r = settled(b, 0x53);
    bench_pass(b, 6 * SECOND);
    const struct seen *s = refused(&r, 7, STATUS_OBJECT_NAME_NOT_FOUND); /* what was granted holds on */
    assert_true(s->timed_out && s->resilient);
    peer_close(&r);
    bench_free(b);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(keeps_its_name),
        cmocka_unit_test(old_connection_lingers),
        cmocka_unit_test(keeps_what_is_to_become_of_it),
        cmocka_unit_test(nothing_known),
        cmocka_unit_test(closed_ones_make_room),
        cmocka_unit_test(tree_disconnected),
        cmocka_unit_test(given_up),
        cmocka_unit_test(the_end_counts),
        cmocka_unit_test(resilience),
        cmocka_unit_test(servers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
