/* What a server answers is held against what it answered before. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "model_bench.h"

static const uint16_t wide[] = {0x0202, 0x0210, 0x0302}, narrow[] = {0x0202, 0x0210};

/* dialect 0: refused. server_guid: what it is filled with. */
static const struct seen *negotiate(struct peer *p, const uint16_t *offer, unsigned count, uint16_t dialect,
                                    uint8_t server_guid) {
    struct smb2_message q = peer_ask(p, SMB2_NEGOTIATE);
    struct smb2_message r = peer_say(p, SMB2_NEGOTIATE, dialect ? STATUS_SUCCESS : STATUS_NOT_SUPPORTED);
    q.negotiate_request.dialects = (struct u16_list){offer, count};
    if (dialect) {
        r.negotiate_response.dialect = dialect;
        memset(&r.negotiate_response.server_guid, server_guid, sizeof r.negotiate_response.server_guid);
    }
    peer_request(p, &q);
    peer_response(p, &r);
    return bench_last(p->b, 0);
}

static const struct seen *connect_and_negotiate(struct bench *b, uint8_t server, const uint16_t *offer, unsigned count,
                                                uint16_t dialect, uint8_t server_guid) {
    struct peer p = peer_open(b, 1, server);
    const struct seen *s = negotiate(&p, offer, count, dialect, server_guid);
    peer_close(&p);
    return s;
}

static void another_dialect(void **state) {
    (void)state;
    struct bench *b = bench_new(NULL);
    assert_false(connect_and_negotiate(b, 2, wide, 3, 0x0302, 9)->has_change); /* the first one */
    assert_false(connect_and_negotiate(b, 2, wide, 3, 0x0302, 9)->has_change);
    assert_false(connect_and_negotiate(b, 2, narrow, 2, 0x0210, 9)->has_change); /* another offer */
    assert_false(connect_and_negotiate(b, 3, wide, 3, 0x0210, 9)->has_change);   /* another server */
    const struct seen *s = connect_and_negotiate(b, 2, wide, 3, 0x0210, 9);
    assert_true(s->has_change && s->change.has_dialect);
    assert_int_equal(s->change.dialect_before, 0x0302);
    s = connect_and_negotiate(b, 2, wide, 3, 0, 9);
    assert_true(s->has_change && s->change.has_dialect);
    assert_int_equal(s->change.dialect_before, 0x0210);
    s = connect_and_negotiate(b, 2, wide, 3, 0x0302, 9);
    assert_true(s->has_change);
    assert_int_equal(s->change.dialect_before, 0);
    bench_free(b);
}

/* Behind a balancer's address. */
static void another_server(void **state) {
    (void)state;
    struct bench *b = bench_new(NULL);
    connect_and_negotiate(b, 2, wide, 3, 0x0302, 9);
    assert_false(connect_and_negotiate(b, 2, wide, 3, 0x0210, 10)->has_change);
    assert_true(connect_and_negotiate(b, 2, wide, 3, 0x0302, 10)->has_change);
    bench_free(b);
}

/* An error of another kind, the answer that asks for a second NEGOTIATE, an answer with a hole, one whose request was not seen. */
static void what_says_nothing(void **state) {
    (void)state;
    struct bench *b = bench_new(NULL);
    connect_and_negotiate(b, 2, wide, 3, 0x0302, 9);
    assert_false(connect_and_negotiate(b, 2, wide, 3, 0x02FF, 9)->has_change);
    struct peer p = peer_open(b, 1, 2);
    struct smb2_message q = peer_ask(&p, SMB2_NEGOTIATE);
    q.negotiate_request.dialects = (struct u16_list){wide, 3};
    peer_exchange(&p, &q, STATUS_INVALID_PARAMETER);
    assert_false(bench_last(b, 0)->has_change);
    p.missing = 5;
    assert_false(negotiate(&p, wide, 3, 0x0210, 9)->has_change);
    p.missing = 0;
    peer_ask(&p, SMB2_NEGOTIATE);
    struct smb2_message r = peer_say(&p, SMB2_NEGOTIATE, STATUS_SUCCESS);
    r.negotiate_response.dialect = 0x0210;
    peer_response(&p, &r);
    assert_false(bench_last(b, 0)->has_change);
    assert_false(negotiate(&p, wide, 3, 0x0302, 9)->has_change);
    peer_close(&p);
    bench_free(b);
}

static const struct seen *refuse_share(struct peer *p, const char *path, uint16_t most) {
    struct smb2_message q = peer_ask(p, SMB2_TREE_CONNECT);
    struct smb2_message r = peer_say(p, SMB2_TREE_CONNECT, STATUS_SMB_BAD_CLUSTER_DIALECT);
    q.tree_connect_request.path = bench_text(p->b, path);
    r.error.has_cluster_dialect = true;
    r.error.cluster_dialect = most;
    peer_request(p, &q);
    peer_response(p, &r);
    return bench_last(p->b, 0);
}

static void a_clusters_limit(void **state) {
    (void)state;
    struct bench *b = bench_new(NULL);
    struct peer p = peer_open(b, 1, 2);
    peer_negotiate(&p, 1, 2);
    peer_login(&p, 0x51, "alice");
    assert_false(refuse_share(&p, "\\\\c\\data", 0x0302)->has_change);
    assert_false(refuse_share(&p, "\\\\C\\DATA", 0x0302)->has_change);
    assert_false(refuse_share(&p, "\\\\c\\other", 0x0300)->has_change);
    const struct seen *s = refuse_share(&p, "\\\\c\\data", 0x0300);
    assert_true(s->has_change && s->change.has_cluster_dialect);
    assert_int_equal(s->change.cluster_dialect_before, 0x0302);
    peer_close(&p);
    bench_free(b);
}

/* ---- interfaces */

static struct smb2_network_interface interface(uint8_t last, uint64_t speed) {
    return (struct smb2_network_interface){
        .index = last, .link_speed = speed, .family = 4, .address = {198, 51, 100, last}};
}

static const struct seen *list(struct peer *p, const struct smb2_network_interface *items, unsigned count) {
    struct smb2_message q = peer_ask_file(p, SMB2_IOCTL, UINT64_MAX), r = peer_say(p, SMB2_IOCTL, STATUS_SUCCESS);
    q.ioctl.ctl_code = r.ioctl.ctl_code = FSCTL_QUERY_NETWORK_INTERFACE_INFO;
    r.ioctl.has_details = true;
    r.ioctl.interfaces.items = items;
    r.ioctl.interfaces.count = count;
    peer_request(p, &q);
    peer_response(p, &r);
    return bench_last(p->b, 0);
}

static void other_interfaces(void **state) {
    (void)state;
    struct bench *b = bench_new(NULL);
    struct peer p = peer_open(b, 1, 2);
    peer_settle(&p, 0x51, "alice", "\\\\srv\\IPC$");
    const struct smb2_network_interface one[] = {interface(1, 10), interface(2, 10)};
    const struct smb2_network_interface turned[] = {interface(2, 10), interface(1, 10)};
    const struct smb2_network_interface two[] = {interface(2, 25), interface(3, 10)};
    assert_false(list(&p, one, 2)->has_change);
    assert_false(list(&p, turned, 2)->has_change);
    const struct seen *s = list(&p, two, 2);
    assert_int_equal(s->change.interface_count, 3);
    assert_int_equal(s->interfaces[0].kind, INTERFACE_ALTERED);
    assert_int_equal(s->interfaces[0].interface.link_speed, 25);
    assert_int_equal(s->interfaces[1].kind, INTERFACE_ADDED);
    assert_int_equal(s->interfaces[1].interface.index, 3);
    assert_int_equal(s->interfaces[2].kind, INTERFACE_REMOVED);
    assert_int_equal(s->interfaces[2].interface.index, 1);
    assert_false(list(&p, two, 2)->has_change);
    peer_tree(&p, 9, "\\\\OTHERNAME\\IPC$"); /* of a cluster each name has its own */
    assert_false(list(&p, one, 2)->has_change);
    assert_true(list(&p, two, 2)->has_change);
    peer_close(&p);
    bench_free(b);
}

/* A list that is longer is not compared: ANSWER_INTERFACES_MAX. */
static void too_many_interfaces(void **state) {
    (void)state;
    struct bench *b = bench_new(NULL);
    struct peer p = peer_open(b, 1, 2);
    peer_settle(&p, 0x51, "alice", "\\\\srv\\IPC$");
    struct smb2_network_interface many[ANSWER_INTERFACES_MAX + 1], others[ANSWER_INTERFACES_MAX];
    for (unsigned i = 0; i < ANSWER_INTERFACES_MAX + 1; i++) {
        many[i] = interface((uint8_t)i, 10);
    }
    for (unsigned i = 0; i < ANSWER_INTERFACES_MAX; i++) {
        others[i] = interface((uint8_t)(i + 100), 10);
    }
    assert_false(list(&p, many, ANSWER_INTERFACES_MAX + 1)->has_change);
    assert_int_equal(b->stats.cut_answers, 1);
    assert_false(list(&p, many, ANSWER_INTERFACES_MAX)->has_change);
    assert_int_equal(list(&p, others, ANSWER_INTERFACES_MAX)->change.interface_count, 2 * ANSWER_INTERFACES_MAX);
    peer_close(&p);
    bench_free(b);
}

/* The oldest goes, and is not compared with any more. */
static void only_so_many(void **state) {
    (void)state;
    struct model_limits limits = model_limits_default();
    limits.answers = 3;
    struct bench *b = bench_new(&limits);
    for (uint8_t server = 2; server < 6; server++) {
        connect_and_negotiate(b, server, wide, 3, 0x0302, 9);
    }
    assert_int_equal(b->stats.evicted_answers, 1);
    assert_false(connect_and_negotiate(b, 2, wide, 3, 0x0210, 9)->has_change);
    assert_true(connect_and_negotiate(b, 5, wide, 3, 0x0210, 9)->has_change);
    assert_int_equal(b->stats.evicted_answers, 2);
    bench_free(b);
}

static void without_memory(void **state) {
    (void)state;
    struct bench *b = bench_new(NULL);
    struct peer p = peer_open(b, 1, 2);
    peer_settle(&p, 0x51, "alice", "\\\\srv\\IPC$");
    const struct smb2_network_interface one[] = {interface(1, 10)}, two[] = {interface(2, 10)};
    list(&p, one, 1);
    b->budget.ceiling = b->budget.held;
    assert_true(list(&p, two, 1)->has_change); /* it takes the place of the old list */
    peer_close(&p);
    bench_free(b);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(another_dialect),  cmocka_unit_test(another_server),   cmocka_unit_test(what_says_nothing),
        cmocka_unit_test(a_clusters_limit), cmocka_unit_test(other_interfaces), cmocka_unit_test(too_many_interfaces),
        cmocka_unit_test(only_so_many),     cmocka_unit_test(without_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
