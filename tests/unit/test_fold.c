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

static const char share[] = "\\\\srv\\data";
static const uint8_t json[] = "\"flow\":1";
static const struct view flow_json = {json, sizeof json - 1};

static void fold(struct peer *p, struct connection_place *place) {
    *place = (struct connection_place){p->c, NULL};
    assert_true(connection_fold(place, (struct view){NULL, 0}));
    assert_null(place->connection);
    assert_non_null(place->folded);
    p->c = NULL;
}

static void unfold(struct peer *p, struct connection_place *place) {
    assert_true(connection_unfold(place));
    assert_null(place->folded);
    p->c = place->connection;
    assert_int_equal(p->c->facts.flow_json.n, 0);
    assert_true(connection_keep_json(p->c, flow_json));
}

static bool can_fold(struct peer *p) {
    struct connection_place place = {p->c, NULL};
    if (!connection_fold(&place, (struct view){NULL, 0})) {
        return false;
    }
    unfold(p, &place);
    return true;
}

static void end_folded(struct peer *p, struct connection_place *place) {
    p->b->now.time_ns += 1000000;
    p->b->now.frame++;
    p->flow->last = p->b->now;
    connection_end_folded(place, FLOW_END_FIN, p->b->now);
    assert_null(place->folded);
    free(p->flow);
    *p = (struct peer){0};
}

static void logoff(struct peer *p) {
    struct smb2_message q = peer_ask(p, SMB2_TREE_DISCONNECT);
    peer_exchange(p, &q, 0);
    q = peer_ask(p, SMB2_LOGOFF);
    peer_exchange(p, &q, 0);
    p->session_id = 0;
}

static void talk(struct peer *p, uint64_t session_id, bool leaves) {
    peer_settle(p, session_id, "alice", share);
    peer_create(p, "f", 1, 0);
    peer_read(p, 1, 100);
    peer_close_file(p, 1);
    if (leaves) {
        logoff(p);
    }
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

static void same_end(const struct seen_end *a, const struct seen_end *b) {
    assert_int_equal(a->requests, b->requests);
    assert_int_equal(a->stages, b->stages);
    assert_int_equal(a->unsigned_messages, b->unsigned_messages);
    assert_string_equal(a->client, b->client);
    assert_string_equal(a->server_name, b->server_name);
}

static void says_the_same_at_its_end(void **state) {
    (void)state;
    for (unsigned open = 0; open < 2; open++) {
        struct bench *b = bench_new(NULL);
        struct peer p = peer_open(b, 1, 2), q = peer_open(b, 1, 2);
        struct connection_place place;
        talk(&p, 0x51, !open);
        talk(&q, 0x52, !open);
        fold(&q, &place);
        peer_close(&p);
        check_end(b, 1);
        struct seen_end whole = b->end;
        end_folded(&q, &place);
        check_end(b, 2);
        assert_int_equal(b->end.session_sums[0].id, 0x52);
        same_end(&b->end, &whole);
        bench_free(b);
    }
}

static void goes_on(void **state) {
    (void)state;
    struct bench *b = bench_new(NULL);
    struct peer p = peer_open(b, 1, 2);
    struct connection_place place;
    fold(&p, &place); /* before anything was said */
    unfold(&p, &place);
    peer_negotiate(&p, 1, 2);
    fold(&p, &place);
    unfold(&p, &place);
    peer_login(&p, 0x51, "alice");
    fold(&p, &place);
    unfold(&p, &place);
    peer_tree(&p, 3, share);
    fold(&p, &place);
    unfold(&p, &place);
    peer_create(&p, "f", 1, 0);
    peer_read(&p, 1, 100);
    assert_string_equal(bench_last(b, 0)->path, share);
    peer_close_file(&p, 1);
    logoff(&p);
    fold(&p, &place);
    unfold(&p, &place);
    peer_close(&p);
    check_end(b, 1);
    bench_free(b);
}

static void not_while_something_is_at_work(void **state) {
    (void)state;
    struct bench *b = bench_new(NULL);
    struct peer p = peer_open(b, 1, 2);
    struct smb2_message q = peer_ask(&p, SMB2_ECHO);
    peer_request(&p, &q);
    assert_false(can_fold(&p));
    struct smb2_message r = peer_say(&p, SMB2_ECHO, 0);
    peer_response(&p, &r);
    assert_true(can_fold(&p));
    peer_settle(&p, 0x51, "alice", share);
    assert_true(can_fold(&p));
    peer_create(&p, "f", 1, 0);
    assert_false(can_fold(&p));
    peer_close_file(&p, 1);
    assert_true(can_fold(&p));
    logoff(&p);
    peer_close(&p);
    bench_free(b);
}

/* The same session on a second connection: the first one is there again, and what ends is told by it. */
static void unfolded_by_another(void **state) {
    (void)state;
    struct bench *b = bench_new(NULL);
    struct peer p = peer_open(b, 1, 2), other = peer_open(b, 1, 2);
    struct connection_place place;
    peer_settle(&p, 0x51, "alice", share);
    peer_negotiate(&other, 1, 2);
    fold(&p, &place);
    other.session_id = 0x51;
    other.tree_id = p.tree_id;
    peer_create(&other, "f", 7, 0);
    assert_string_equal(bench_last(b, 0)->path, share);
    assert_non_null(place.connection);
    assert_null(place.folded);
    p.c = place.connection;
    assert_false(can_fold(&p)); /* it is not its alone */
    peer_read(&other, 7, 100);
    peer_close(&other);
    peer_close(&p);
    assert_int_equal(b->ends, 2);
    bench_free(b);
}

/* What is given up at a bound may be of one that is folded. */
static void evicted(void **state) {
    (void)state;
    struct bench *b = bench_new(NULL);
    struct peer p = peer_open(b, 1, 2), other = peer_open(b, 3, 2);
    struct connection_place place;
    peer_settle(&p, 0x51, "alice", share);
    peer_settle(&other, 0x61, "bob", share);
    fold(&p, &place);
    while (model_evict(b->model)) {
    }
    assert_int_equal(b->stats.evicted_sessions, 1);
    end_folded(&p, &place);
    assert_string_equal(b->end.first_user, "alice");
    peer_close(&other);
    bench_free(b);
}

static const uint8_t lying_beside[] = "beside";

/* A connection that is folded with these. */
static struct peer folded_with_them(struct bench *b, struct connection_place *place) {
    struct peer p = peer_open(b, 1, 2);
    *place = (struct connection_place){p.c, NULL};
    assert_true(connection_fold(place, (struct view){lying_beside, sizeof lying_beside}));
    return p;
}

static void assert_they_lie_there(const struct connection_place *place) {
    assert_int_equal(connection_beside(place->folded).n, sizeof lying_beside);
    assert_memory_equal(connection_beside(place->folded).p, lying_beside, sizeof lying_beside);
}

static void carries_what_is_beside_it(void **state) {
    (void)state;
    struct bench *b = bench_new(NULL);
    struct connection_place place;
    struct peer p = folded_with_them(b, &place);
    assert_true(connection_unfold(&place));
    assert_they_lie_there(&place);
    connection_folded_free(&place);
    connection_folded_free(&place);
    p.c = place.connection;
    peer_close(&p);
    bench_free(b);
}

/* It came about by itself, and is folded again before what is beside it was asked for. */
static void keeps_what_is_beside_it(void **state) {
    (void)state;
    struct bench *b = bench_new(NULL);
    struct connection_place place;
    struct peer p = folded_with_them(b, &place);
    for (unsigned i = 0; i < 3; i++) {
        assert_true(connection_unfold(&place));
        assert_true(connection_fold(&place, connection_beside(place.folded)));
        assert_null(place.connection);
        assert_they_lie_there(&place);
    }
    end_folded(&p, &place);
    bench_free(b);
}

/* Of very many it would take long, each time. */
static void not_with_many_sessions(void **state) {
    (void)state;
    struct bench *b = bench_new(NULL);
    struct peer p = peer_open(b, 1, 2);
    peer_negotiate(&p, 1, 2);
    for (unsigned i = 0; i < FOLD_SESSIONS_MAX; i++) {
        peer_login(&p, 0x100 + i, "alice");
    }
    assert_true(can_fold(&p));
    peer_login(&p, 0x51, "alice");
    assert_false(can_fold(&p));
    peer_close(&p);
    bench_free(b);
}

/* Who joins a session of a folded connection finds room for that, as for all else. */
static void room_is_made(void **state) {
    (void)state;
    struct bench *b = bench_new(NULL);
    struct peer p = peer_open(b, 1, 2), other = peer_open(b, 1, 2);
    struct connection_place place;
    void *taken[256];
    unsigned count = 0;
    peer_settle(&p, 0x51, "alice", share);
    peer_negotiate(&other, 1, 2);
    fold(&p, &place);
    b->budget.ceiling = b->budget.held;
    while ((taken[count] = pool_take(&b->model->connections_pool))) {
        count++;
    }
    other.session_id = 0x51;
    other.tree_id = p.tree_id;
    peer_create(&other, "f", 7, 0);
    assert_string_equal(bench_last(b, 0)->user, "alice");
    assert_non_null(place.connection);
    assert_true(b->stats.evicted_peers > 0);
    b->budget.ceiling = SIZE_MAX;
    for (unsigned i = 0; i < count; i++) {
        pool_give(&b->model->connections_pool, taken[i]);
    }
    p.c = place.connection;
    peer_close(&other);
    peer_close(&p);
    bench_free(b);
}

static void refused_by_the_budget(void **state) {
    (void)state;
    struct bench *b = bench_new(NULL);
    struct peer p = peer_open(b, 1, 2);
    struct connection_place place;
    talk(&p, 0x51, true);
    size_t ceiling = b->budget.ceiling;
    b->budget.ceiling = 0;
    assert_false(can_fold(&p)); /* and it is there as before */
    b->budget.ceiling = ceiling;
    fold(&p, &place);
    pool_free(&b->model->connections_pool);
    b->budget.ceiling = 0;
    assert_false(connection_unfold(&place));
    end_folded(&p, &place);
    check_end(b, 1);
    b->budget.ceiling = ceiling;
    bench_free(b);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(says_the_same_at_its_end),
        cmocka_unit_test(goes_on),
        cmocka_unit_test(not_while_something_is_at_work),
        cmocka_unit_test(unfolded_by_another),
        cmocka_unit_test(evicted),
        cmocka_unit_test(carries_what_is_beside_it),
        cmocka_unit_test(keeps_what_is_beside_it),
        cmocka_unit_test(not_with_many_sessions),
        cmocka_unit_test(room_is_made),
        cmocka_unit_test(refused_by_the_budget),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
