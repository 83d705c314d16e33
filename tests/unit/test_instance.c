/* Opens by instances of applications, which another client takes over. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "model_bench.h"

static const char share[] = "\\\\srv\\data";

static struct peer settled(struct bench *b, uint8_t client, uint8_t client_guid, uint64_t session_id,
                           const char *path) {
    struct peer p = peer_open(b, client, 2);
    peer_negotiate(&p, client_guid, 2);
    peer_login(&p, session_id, "alice");
    peer_tree(&p, 1, path);
    return p;
}

/* By the instance, or none; durable where that is asked for. */
static const struct seen *open_as(struct peer *p, const char *name, uint64_t id, uint8_t instance, uint32_t access,
                                  bool durable) {
    struct smb2_message q = peer_ask_create(p, name, 0), r = peer_say_created(p, id);
    q.create_request.desired_access = access;
    q.create_request.contexts.has_app_instance = instance != 0;
    memset(&q.create_request.contexts.app_instance, instance, sizeof q.create_request.contexts.app_instance);
    q.create_request.contexts.durable_request = r.create_response.contexts.durable_request = durable;
    peer_request(p, &q);
    peer_response(p, &r);
    return bench_last(p->b, 0);
}

static const struct seen *opened(struct peer *p, const char *name, uint64_t id, uint8_t instance) {
    return open_as(p, name, id, instance, FILE_READ_DATA, false);
}

static void taken_over(void **state) {
    (void)state;
    struct bench *b = bench_new(NULL);
    struct peer p = settled(b, 1, 11, 0x51, share), q = settled(b, 3, 12, 0x52, "\\\\10.0.0.1\\DATA");
    assert_false(opened(&p, "a", 7, 5)->has_takeover);
    peer_write(&p, 7, 5);
    const struct seen *s = opened(&q, "A", 8, 5);
    assert_true(s->has_takeover && !s->taken_over);
    assert_true(s->takeover.file_id.persistent == bench_id(7).persistent);
    assert_int_equal(s->takeover.client.bytes[3], 1);
    assert_int_equal(bench_last(b, 1)->kind, OPERATION_WRITE); /* what the first one did, told at its end */
    assert_true(bench_last(b, 1)->implicit);
    peer_do(&p, SMB2_FLUSH, 7, STATUS_FILE_CLOSED);
    s = bench_last(b, 0);
    assert_true(s->has_takeover && s->taken_over);
    assert_int_equal(s->takeover.client.bytes[3], 3);
    assert_string_equal(s->name, "a");
    peer_do(&q, SMB2_FLUSH, 8, 0);
    assert_false(bench_last(b, 0)->has_takeover);
    s = opened(&p, "a", 9, 5); /* and back */
    assert_true(s->has_takeover);
    assert_true(s->takeover.file_id.persistent == bench_id(8).persistent);
    peer_close(&p);
    peer_close(&q);
    bench_free(b);
}

/* Another file, share, instance or none; the same client; one that was closed. */
static void what_is_no_other_open(void **state) {
    (void)state;
    struct bench *b = bench_new(NULL);
    struct peer p = settled(b, 1, 11, 0x51, share), q = settled(b, 3, 12, 0x52, share),
                r = settled(b, 4, 11, 0x53, share), other = settled(b, 3, 12, 0x54, "\\\\srv\\other");
    opened(&p, "a", 7, 5);
    assert_false(opened(&q, "b", 8, 5)->has_takeover);
    assert_false(opened(&other, "a", 9, 5)->has_takeover);
    assert_false(opened(&q, "a", 10, 6)->has_takeover);
    assert_false(opened(&q, "a", 11, 0)->has_takeover);
    assert_false(opened(&r, "a", 12, 5)->has_takeover);
    peer_do(&p, SMB2_FLUSH, 7, STATUS_FILE_CLOSED);
    assert_false(bench_last(b, 0)->has_takeover);
    peer_close_file(&p, 7);
    peer_close_file(&r, 12);
    assert_false(opened(&q, "a", 13, 5)->has_takeover);
    peer_close(&p);
    peer_close(&q);
    peer_close(&r);
    peer_close(&other);
    bench_free(b);
}

/* 3.3.5.9.13 is of SMB 3 alone. */
static void an_old_dialect(void **state) {
    (void)state;
    static const uint16_t offer[] = {0x0210};
    struct bench *b = bench_new(NULL);
    struct peer peers[2];
    for (unsigned i = 0; i < 2; i++) {
        peers[i] = peer_open(b, (uint8_t)(1 + 2 * i), 2);
        struct smb2_message q = peer_ask(&peers[i], SMB2_NEGOTIATE), r = peer_say(&peers[i], SMB2_NEGOTIATE, 0);
        q.negotiate_request.dialects = (struct u16_list){offer, 1};
        memset(&q.negotiate_request.client_guid, (int)i + 1, sizeof q.negotiate_request.client_guid);
        r.negotiate_response.dialect = 0x0210;
        peer_request(&peers[i], &q);
        peer_response(&peers[i], &r);
        peer_login(&peers[i], 0x51 + i, "alice");
        peer_tree(&peers[i], 1, share);
        assert_false(opened(&peers[i], "a", 7 + i, 5)->has_takeover);
    }
    peer_close(&peers[0]);
    peer_close(&peers[1]);
    bench_free(b);
}

/* Who may not read the file has nothing closed: the first one's request shows whether it was. */
static void not_certain(void **state) {
    (void)state;
    struct bench *b = bench_new(NULL);
    struct peer p = settled(b, 1, 11, 0x51, share), q = settled(b, 3, 12, 0x52, share);
    opened(&p, "a", 7, 5);
    assert_false(open_as(&q, "a", 8, 5, DELETE, false)->has_takeover);
    peer_do(&p, SMB2_FLUSH, 7, 0);
    assert_string_equal(bench_last(b, 0)->name, "a");
    assert_false(bench_last(b, 0)->has_takeover);
    peer_do(&p, SMB2_FLUSH, 7, STATUS_FILE_CLOSED);
    assert_true(bench_last(b, 0)->taken_over);
    assert_string_equal(bench_last(b, 0)->name, "a");
    peer_close(&p);
    peer_close(&q);
    bench_free(b);
}

/* The first client's connection is gone: its open waits where it is durable, as long as the server waits for it. */
static void lost_before(void **state) {
    (void)state;
    struct bench *b = bench_new(NULL);
    struct peer p = settled(b, 1, 11, 0x51, share);
    open_as(&p, "plain", 7, 5, FILE_READ_DATA, false);
    open_as(&p, "durable", 8, 5, FILE_READ_DATA, true);
    p.flow->tcp_flags = TCP_RST; /* closed, and not told yet */
    struct peer q = settled(b, 3, 12, 0x52, share);
    assert_false(opened(&q, "plain", 9, 5)->has_takeover);
    assert_true(opened(&q, "durable", 10, 5)->has_takeover);
    peer_close(&p);
    struct peer r = settled(b, 1, 11, 0x53, share);
    open_as(&r, "again", 11, 5, FILE_READ_DATA, true);
    peer_close(&r);
    assert_true(opened(&q, "again", 12, 5)->has_takeover);
    peer_close(&q);
    bench_free(b);
}

/* Taken up again it is the same open, under its new FileId. */
static void taken_up_again(void **state) {
    (void)state;
    struct bench *b = bench_new(NULL);
    struct peer p = settled(b, 1, 11, 0x51, share);
    open_as(&p, "a", 7, 5, FILE_READ_DATA, true);
    peer_close(&p);
    struct peer again = settled(b, 1, 11, 0x52, share), q = settled(b, 3, 12, 0x53, share);
    struct smb2_message m = peer_ask_create(&again, "a", 0), r = peer_say_created(&again, 7);
    m.create_request.contexts.durable_reconnect = true;
    m.create_request.contexts.reconnect_id = bench_id(7);
    r.create_response.file_id.volatile_part = 99;
    peer_request(&again, &m);
    peer_response(&again, &r);
    const struct seen *s = opened(&q, "a", 8, 5);
    assert_true(s->has_takeover);
    assert_int_equal(s->takeover.file_id.volatile_part, 99);
    peer_close(&again);
    peer_close(&q);
    bench_free(b);
}

/* The oldest goes; and of one file only INSTANCE_SEARCH_MAX are looked through. */
static void only_so_many(void **state) {
    (void)state;
    struct model_limits limits = model_limits_default();
    limits.instances = INSTANCE_SEARCH_MAX + 2;
    struct bench *b = bench_new(&limits);
    struct peer p = settled(b, 1, 11, 0x51, share), q = settled(b, 3, 12, 0x52, share);
    opened(&p, "a", 1, 5);
    for (unsigned i = 0; i < INSTANCE_SEARCH_MAX; i++) {
        opened(&q, "b", 1000 + i, 5);
    }
    assert_int_equal(b->stats.evicted_instances, 0);
    assert_true(opened(&p, "b", 2, 5)->has_takeover);
    for (unsigned i = 0; i < INSTANCE_SEARCH_MAX; i++) {
        opened(&p, "b", 2000 + i, 5);
    }
    assert_int_equal(b->stats.evicted_instances, INSTANCE_SEARCH_MAX);
    assert_false(opened(&q, "a", 3, 5)->has_takeover); /* it is forgotten */
    opened(&p, "b", 3000, 5);
    assert_int_not_equal(b->stats.searches_cut, 0);
    peer_close(&p);
    peer_close(&q);
    bench_free(b);
}

static void evicted(void **state) {
    (void)state;
    struct bench *b = bench_new(NULL);
    struct peer p = settled(b, 1, 11, 0x51, share), q = settled(b, 3, 12, 0x52, share);
    opened(&p, "a", 7, 5);
    while (b->stats.evicted_instances == 0) {
        assert_true(model_evict(b->model));
    }
    assert_false(opened(&q, "a", 8, 5)->has_takeover);
    b->budget.ceiling = b->budget.held;
    peer_close(&p);
    peer_close(&q);
    bench_free(b);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(taken_over),     cmocka_unit_test(what_is_no_other_open),
        cmocka_unit_test(an_old_dialect), cmocka_unit_test(not_certain),
        cmocka_unit_test(lost_before),    cmocka_unit_test(taken_up_again),
        cmocka_unit_test(only_so_many),   cmocka_unit_test(evicted),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
