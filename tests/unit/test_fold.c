/* A connection that was folded is the same as one that was not, and is not folded while something points to it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "model_bench.h"
#include "model/state.h"
#include "sparse.h"

static const char share[] = "\\\\srv\\data";
static const uint8_t json[] = "\"flow\":1";
static const struct view flow_json = {json, sizeof json - 1};

struct folded {
    uint8_t bytes[CONNECTION_FOLDED_ROOM + SPARSE_SLACK];
    size_t n;
};

static struct view view_of(const struct folded *f) {
    return (struct view){f->bytes, f->n};
}

static void fold(struct peer *p, struct folded *f) {
    f->n = connection_fold(p->c, f->bytes);
    assert_true(f->n != 0);
    connection_leave(p->c);
    p->c = NULL;
}

static void unfold(struct peer *p, const struct folded *f) {
    p->c = connection_unfold(p->b->model, view_of(f), p->flow);
    assert_non_null(p->c);
    assert_int_equal(p->c->facts.flow_json.n, 0);
    assert_true(connection_keep_json(p->c, flow_json));
}

static void logoff(struct peer *p) {
    struct smb2_message q = peer_ask(p, SMB2_TREE_DISCONNECT);
    peer_exchange(p, &q, 0);
    q = peer_ask(p, SMB2_LOGOFF);
    peer_exchange(p, &q, 0);
    p->session_id = 0;
}

static void talk(struct peer *p, uint64_t session_id) {
    peer_settle(p, session_id, "alice", share);
    peer_create(p, "f", 1, 0);
    peer_read(p, 1, 100);
    peer_close_file(p, 1);
    logoff(p);
}

static void check_end(const struct bench *b, unsigned ends) {
    assert_int_equal(b->ends, ends);
    assert_string_equal(b->end.first_user, "alice");
    assert_int_equal(b->end.bytes_read, 100);
    assert_int_equal(b->end.share_count, 1);
    assert_int_equal(b->end.session_sums_count, 1);
    assert_int_equal(b->end.share_sums_count, 1);
    assert_string_equal(b->end.share_paths[0], share);
}

static void says_the_same_at_its_end(void **state) {
    (void)state;
    struct bench *b = bench_new(NULL);
    struct peer p = peer_open(b, 1, 2), q = peer_open(b, 1, 2);
    struct folded f;
    talk(&p, 0x51);
    talk(&q, 0x52);
    struct connection_facts facts = q.c->facts;
    fold(&q, &f);
    peer_close(&p);
    check_end(b, 1);
    struct seen_end whole = b->end;
    b->now.frame++;
    connection_end_folded(b->model, view_of(&f), q.flow, FLOW_END_FIN, b->now);
    check_end(b, 2);
    assert_int_equal(b->end.session_sums[0].id, 0x52);
    b->end.session_sums[0].id = whole.session_sums[0].id;
    assert_memory_equal(&b->end.share_paths, &whole.share_paths, sizeof whole.share_paths);
    assert_int_equal(b->end.requests, whole.requests);
    assert_int_equal(b->end.stages, whole.stages);
    assert_int_equal(b->end.unsigned_messages, facts.unsigned_messages);
    assert_string_equal(b->end.client, whole.client);
    free(q.flow);
    bench_free(b);
}

static void goes_on(void **state) {
    (void)state;
    struct bench *b = bench_new(NULL);
    struct peer p = peer_open(b, 1, 2);
    struct folded f;
    fold(&p, &f); /* before anything was said */
    unfold(&p, &f);
    peer_negotiate(&p, 1, 2);
    fold(&p, &f);
    unfold(&p, &f);
    peer_login(&p, 0x51, "alice");
    peer_tree(&p, 3, share);
    peer_create(&p, "f", 1, 0);
    peer_read(&p, 1, 100);
    assert_string_equal(bench_last(b, 0)->path, share);
    peer_close_file(&p, 1);
    logoff(&p);
    fold(&p, &f);
    unfold(&p, &f);
    peer_close(&p);
    check_end(b, 1);
    bench_free(b);
}

static void not_while_something_waits(void **state) {
    (void)state;
    uint8_t bytes[CONNECTION_FOLDED_ROOM];
    struct bench *b = bench_new(NULL);
    struct peer p = peer_open(b, 1, 2);
    struct smb2_message q = peer_ask(&p, SMB2_ECHO), r = peer_say(&p, SMB2_ECHO, 0);
    peer_request(&p, &q);
    assert_int_equal(connection_fold(p.c, bytes), 0);
    r = peer_say(&p, SMB2_ECHO, 0);
    peer_response(&p, &r);
    assert_true(connection_fold(p.c, bytes) != 0);
    peer_login(&p, 0x51, "alice");
    assert_int_equal(connection_fold(p.c, bytes), 0);
    peer_tree(&p, 3, share);
    assert_int_equal(connection_fold(p.c, bytes), 0);
    logoff(&p);
    assert_true(connection_fold(p.c, bytes) != 0); /* and it is there as before */
    peer_login(&p, 0x51, "alice");
    peer_close(&p);
    assert_int_equal(b->end.user_count, 1);
    bench_free(b);
}

static void refused_by_the_budget(void **state) {
    (void)state;
    struct bench *b = bench_new(NULL);
    struct peer p = peer_open(b, 1, 2);
    struct folded f;
    talk(&p, 0x51);
    fold(&p, &f);
    struct connection *last;
    size_t ceiling = b->budget.ceiling;
    pool_free(&b->model->connections_pool);
    b->budget.ceiling = 0;
    last = connection_unfold(b->model, view_of(&f), p.flow);
    assert_null(last);
    connection_end_folded(b->model, view_of(&f), p.flow, FLOW_END_FIN, b->now);
    check_end(b, 1);
    b->budget.ceiling = ceiling;
    free(p.flow);
    bench_free(b);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(says_the_same_at_its_end), cmocka_unit_test(goes_on),
                                       cmocka_unit_test(not_while_something_waits),
                                       cmocka_unit_test(refused_by_the_budget)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
