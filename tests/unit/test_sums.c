/* What sessions and shares require, offer and get of signing and encryption: counted, told where they end, and once. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "downgrade.h"
#include "model_bench.h"
#include "model/state.h"

enum { ID = 0x51, ENABLED = SMB2_NEGOTIATE_SIGNING_ENABLED, REQUIRED = SMB2_NEGOTIATE_SIGNING_REQUIRED };

static const char share[] = "\\\\srv\\data", other_share[] = "\\\\srv\\more";
static const uint16_t dialects[] = {0x0202, 0x0300, 0x0311};

static struct peer negotiated(struct bench *b, uint16_t client, uint16_t server) {
    struct peer p = peer_open(b, 1, 2);
    struct smb2_message q = peer_ask(&p, SMB2_NEGOTIATE), r = peer_say(&p, SMB2_NEGOTIATE, 0);
    q.negotiate_request.security_mode = client;
    q.negotiate_request.dialects = (struct u16_list){dialects, 3};
    r.negotiate_response.security_mode = server;
    r.negotiate_response.dialect = 0x0300;
    memset(&r.negotiate_response.server_guid, 2, sizeof r.negotiate_response.server_guid);
    memset(&q.negotiate_request.client_guid, 1, sizeof q.negotiate_request.client_guid);
    peer_request(&p, &q);
    peer_response(&p, &r);
    return p;
}

static const struct seen *setup(struct peer *p, uint64_t id, const char *user, uint8_t mode, uint16_t flags) {
    struct smb2_message q = peer_ask(p, SMB2_SESSION_SETUP), r = peer_say(p, SMB2_SESSION_SETUP, 0);
    q.header.session_id = r.header.session_id = id;
    q.session_setup_request.security_mode = mode;
    r.session_setup_response.session_flags = flags;
    if (user) {
        peer_claim(p, user);
    }
    peer_request(p, &q);
    peer_response(p, &r);
    p->session_id = id;
    return bench_last(p->b, 0);
}

static void echo(struct peer *p) {
    struct smb2_message q = peer_ask(p, SMB2_ECHO);
    peer_exchange(p, &q, 0);
}

static void ends_with(struct peer *p, uint16_t command) {
    struct smb2_message q = peer_ask(p, command);
    peer_exchange(p, &q, 0);
}

/* ---- what is required */

static void required(void **state) {
    (void)state;
    static const struct {
        uint16_t client, server, setup, flags;
        const char *user;
        enum known signing, encryption;
    } cases[] = {
        {ENABLED, ENABLED, ENABLED, 0, "alice", KNOWN_NO, KNOWN_NO},
        {ENABLED, REQUIRED, ENABLED, 0, "alice", KNOWN_YES, KNOWN_NO},
        {REQUIRED, ENABLED, ENABLED, 0, "alice", KNOWN_YES, KNOWN_NO},
        {ENABLED, ENABLED, REQUIRED, 0, "alice", KNOWN_YES, KNOWN_NO},
        {ENABLED, REQUIRED, REQUIRED, SMB2_SESSION_FLAG_ENCRYPT_DATA, "alice", KNOWN_YES, KNOWN_YES},
        {ENABLED, REQUIRED, REQUIRED, SMB2_SESSION_FLAG_IS_GUEST, "alice", KNOWN_NO, KNOWN_NO},
        {ENABLED, REQUIRED, REQUIRED, SMB2_SESSION_FLAG_IS_NULL, NULL, KNOWN_NO, KNOWN_NO},
    };
    struct bench *b = bench_new(NULL);
    for (unsigned i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct peer p = negotiated(b, cases[i].client, cases[i].server);
        const struct seen *s = setup(&p, ID, cases[i].user, (uint8_t)cases[i].setup, cases[i].flags);
        assert_int_equal(s->signing_required, cases[i].signing);
        assert_int_equal(s->encryption_required, cases[i].encryption);
        peer_close(&p);
        assert_int_equal(b->end.session_sums_count, 1);
        assert_int_equal(b->end.session_sums[0].signing_required, cases[i].signing);
        assert_int_equal(b->end.session_sums[0].encryption_required, cases[i].encryption);
    }
    struct peer p = peer_open_midstream(b, 1, 2); /* what the server said of it was before the capture */
    assert_int_equal(setup(&p, ID, "alice", ENABLED, 0)->signing_required, NOT_KNOWN);
    assert_int_equal(setup(&p, ID, "alice", REQUIRED, 0)->signing_required, KNOWN_YES);
    peer_close(&p);
    p = peer_open_midstream(b, 1, 2); /* and so was the session */
    p.session_id = ID;
    peer_do(&p, SMB2_FLUSH, 7, 0);
    peer_close(&p);
    assert_int_equal(b->end.session_sums[0].signing_required, NOT_KNOWN);
    assert_int_equal(b->end.session_sums[0].encryption_required, NOT_KNOWN);
    bench_free(b);
}

/* ---- counts */

static void assert_counts(const struct message_counts *n, unsigned with, unsigned without, unsigned encrypted) {
    assert_int_equal(n->with_signature, with);
    assert_int_equal(n->without, without);
    assert_int_equal(n->encrypted, encrypted);
}

/* Two sessions and their shares on one connection; one is logged off, and a share disconnected. */
static void apart(void **state) {
    (void)state;
    struct bench *b = bench_new(NULL);
    struct peer p = negotiated(b, ENABLED, ENABLED);
    setup(&p, ID, "alice", ENABLED, 0);
    peer_tree(&p, 1, share);
    peer_do(&p, SMB2_FLUSH, 7, 0);
    p.flags = SMB2_FLAGS_SIGNED;
    setup(&p, ID + 1, "bob", ENABLED, 0);
    peer_tree(&p, 2, other_share);
    peer_do(&p, SMB2_FLUSH, 8, 0);
    ends_with(&p, SMB2_TREE_DISCONNECT);
    assert_true(bench_last(b, 0)->ends_tree);
    assert_counts(&bench_last(b, 0)->of_tree, 6, 0, 0);
    ends_with(&p, SMB2_LOGOFF);
    assert_true(bench_last(b, 0)->ends_session);
    assert_counts(&bench_last(b, 0)->of_session, 8, 0, 0);
    p.flags = 0;
    p.session_id = ID;
    p.tree_id = 1;
    echo(&p); /* of the session, and of no share */
    peer_close(&p);
    assert_int_equal(b->end.session_sums_count, 2);
    assert_int_equal(b->end.session_sums[0].id, ID + 1);
    assert_counts(&b->end.session_sums[0].messages, 8, 0, 0);
    assert_int_equal(b->end.session_sums[1].id, ID);
    assert_counts(&b->end.session_sums[1].messages, 0, 6, 0);
    assert_int_equal(b->end.share_sums_count, 2);
    assert_string_equal(b->end.share_paths[0], other_share);
    assert_counts(&b->end.share_sums[0].messages, 6, 0, 0);
    assert_string_equal(b->end.share_paths[1], share);
    assert_counts(&b->end.share_sums[1].messages, 0, 4, 0);
    assert_int_equal(b->end.signed_messages, 8);
    assert_int_equal(b->end.unsigned_messages, 6);
    bench_free(b);
}

/* What was refused, or had no answer, ends nothing. */
static void not_ended(void **state) {
    (void)state;
    struct bench *b = bench_new(NULL);
    struct peer p = negotiated(b, ENABLED, ENABLED);
    setup(&p, ID, "alice", ENABLED, 0);
    peer_tree(&p, 1, share);
    static const uint16_t commands[] = {SMB2_TREE_DISCONNECT, SMB2_LOGOFF};
    for (unsigned i = 0; i < 2; i++) {
        struct smb2_message q = peer_ask(&p, commands[i]);
        peer_exchange(&p, &q, STATUS_ACCESS_DENIED);
        assert_false(bench_last(b, 0)->ends_tree || bench_last(b, 0)->ends_session);
    }
    struct smb2_message q = peer_ask(&p, SMB2_LOGOFF);
    peer_request(&p, &q);
    peer_close(&p);
    assert_false(bench_last(b, 0)->ends_session);
    assert_int_equal(b->end.session_sums_count, 1);
    assert_counts(&b->end.session_sums[0].messages, 0, 7, 0);
    bench_free(b);
}

/* A share that is connected to again is one; whether it is encrypted each answer says. */
static void the_same_share(void **state) {
    (void)state;
    struct bench *b = bench_new(NULL);
    struct peer p = negotiated(b, ENABLED, ENABLED);
    setup(&p, ID, "alice", ENABLED, 0);
    for (uint32_t i = 1; i < 4; i++) {
        peer_tree(&p, i, share);
        ends_with(&p, SMB2_TREE_DISCONNECT);
    }
    peer_tree(&p, 9, other_share);
    peer_tree(&p, 9, other_share); /* in place of the one before */
    struct smb2_message q = peer_ask(&p, SMB2_TREE_CONNECT), r = peer_say(&p, SMB2_TREE_CONNECT, 0);
    q.tree_connect_request.path = bench_text(b, "\\\\srv\\secret");
    r.header.tree_id = 10;
    r.tree_connect_response.share_flags = SMB2_SHAREFLAG_ENCRYPT_DATA;
    peer_request(&p, &q);
    peer_response(&p, &r);
    peer_close(&p);
    assert_int_equal(b->end.share_sums_count, 3);
    assert_counts(&b->end.share_sums[0].messages, 0, 12, 0);
    assert_int_equal(b->end.share_sums[0].encryption_required, KNOWN_NO);
    assert_counts(&b->end.share_sums[1].messages, 0, 4, 0);
    assert_string_equal(b->end.share_paths[2], "\\\\srv\\secret");
    assert_int_equal(b->end.share_sums[2].encryption_required, KNOWN_YES);
    bench_free(b);
}

/* A session of two connections counts over both, and is told where it ends. */
static void two_connections(void **state) {
    (void)state;
    struct bench *b = bench_new(NULL);
    struct peer p = negotiated(b, ENABLED, ENABLED), more = negotiated(b, ENABLED, ENABLED);
    setup(&p, ID, "alice", ENABLED, 0);
    echo(&p);
    more.session_id = ID;
    echo(&more);
    peer_close(&p);
    assert_int_equal(b->end.session_sums_count, 0);
    echo(&more);
    peer_close(&more);
    assert_int_equal(b->end.session_sums_count, 1);
    assert_counts(&b->end.session_sums[0].messages, 0, 6, 0);
    bench_free(b);
}

static void encrypted(void **state) {
    (void)state;
    struct bench *b = bench_new(NULL);
    struct peer p = negotiated(b, ENABLED, ENABLED);
    setup(&p, ID, "alice", ENABLED, SMB2_SESSION_FLAG_ENCRYPT_DATA);
    struct message message = {.kind = MESSAGE_TRANSFORM, .first = true, .last = true, .begin = b->now, .end = b->now};
    struct pdu pdu = {.kind = PDU_SMB2_TRANSFORM, .transform = {.session_id = ID}};
    for (unsigned i = 0; i < 5; i++) {
        connection_message(p.c, i % 2 ? TO_CLIENT : TO_SERVER, &message);
        connection_pdu(p.c, &pdu);
    }
    peer_close(&p);
    assert_int_equal(b->end.session_sums_count, 1);
    assert_counts(&b->end.session_sums[0].messages, 0, 0, 5);
    bench_free(b);
}

/* ---- a message that should have been signed */

static void not_signed(void **state) {
    (void)state;
    struct bench *b = bench_new(NULL);
    struct peer p = negotiated(b, ENABLED, REQUIRED);
    setup(&p, ID, "alice", ENABLED, 0);
    static const struct {
        uint32_t asked, said, status;
        unsigned signs;
    } cases[] = {
        {SMB2_FLAGS_SIGNED, SMB2_FLAGS_SIGNED, 0, 0},
        {0, SMB2_FLAGS_SIGNED, 0, DOWNGRADE_MESSAGE_NOT_SIGNED},
        {SMB2_FLAGS_SIGNED, 0, 0, DOWNGRADE_MESSAGE_NOT_SIGNED},
        {0, 0, STATUS_ACCESS_DENIED, 0}, /* as it has to be */
        {SMB2_FLAGS_SIGNED, 0, STATUS_USER_SESSION_DELETED, 0},
    };
    for (unsigned i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct smb2_message q = peer_ask(&p, SMB2_ECHO), r = peer_say(&p, SMB2_ECHO, cases[i].status);
        q.header.flags |= cases[i].asked;
        r.header.flags |= cases[i].said;
        r.header.message_id = q.header.message_id;
        peer_request(&p, &q);
        peer_response(&p, &r);
        assert_int_equal(bench_last(b, 0)->downgrade_signs, cases[i].signs);
    }
    setup(&p, ID + 1, "alice", ENABLED, SMB2_SESSION_FLAG_IS_GUEST); /* who has no key */
    echo(&p);
    assert_int_equal(bench_last(b, 0)->downgrade_signs, 0);
    setup(&p, ID + 2, "alice", ENABLED, SMB2_SESSION_FLAG_ENCRYPT_DATA); /* told by another rule */
    echo(&p);
    assert_int_equal(bench_last(b, 0)->downgrade_signs, 0);
    peer_close(&p);
    assert_int_equal(b->end.downgrade_signs, DOWNGRADE_MESSAGE_NOT_SIGNED);
    bench_free(b);
}

/* ---- what was offered */

static void offers(void **state) {
    (void)state;
    static const uint16_t many[] = {9, 8, 7, 6, 5, 4, 3, 2, 1};
    struct bench *b = bench_new(NULL);
    struct peer p = peer_open(b, 1, 2);
    struct smb2_message q = peer_ask(&p, SMB2_NEGOTIATE), r = peer_say(&p, SMB2_NEGOTIATE, 0);
    q.negotiate_request.dialects = (struct u16_list){many, 9};
    q.negotiate_request.contexts.ciphers = (struct u16_list){many, 5};
    q.negotiate_request.contexts.signing_algorithms = (struct u16_list){many, 4};
    r.negotiate_response.dialect = 0x0311;
    r.negotiate_response.contexts.ciphers = (struct u16_list){many + 7, 1};
    r.negotiate_response.contexts.signing_algorithms = (struct u16_list){many + 8, 1};
    peer_request(&p, &q);
    peer_response(&p, &r);
    peer_close(&p);
    assert_int_equal(b->end.offer.dialect_count, OFFER_DIALECTS_MAX);
    assert_int_equal(b->end.offer.dialects[OFFER_DIALECTS_MAX - 1], 2);
    assert_int_equal(b->end.offer.cipher_count, OFFER_CIPHERS_MAX);
    assert_int_equal(b->end.offer.signing_count, OFFER_SIGNING_MAX);
    assert_int_equal(b->stats.names_left_out, 2);
    assert_int_equal(b->end.agreed_cipher, 2);
    assert_true(b->end.signing_algorithm_known);
    assert_int_equal(b->end.signing_algorithm, 1);
    static const uint32_t can = SMB2_GLOBAL_CAP_ENCRYPTION;
    static const struct {
        uint32_t client, server;
        uint16_t cipher;
    } older[] = {{can, can, SMB2_ENCRYPTION_AES128_CCM}, {0, can, 0}, {can, 0, 0}};
    for (unsigned i = 0; i < 3; i++) {
        p = peer_open(b, 1, 2);
        q = peer_ask(&p, SMB2_NEGOTIATE);
        r = peer_say(&p, SMB2_NEGOTIATE, 0);
        q.negotiate_request.capabilities = older[i].client;
        r.negotiate_response.capabilities = older[i].server;
        r.negotiate_response.dialect = 0x0302;
        peer_request(&p, &q);
        peer_response(&p, &r);
        peer_close(&p);
        assert_int_equal(b->end.agreed_cipher, older[i].cipher);
        assert_false(b->end.signing_algorithm_known);
    }
    bench_free(b);
}

/* ---- bounds */

static void bounds(void **state) {
    (void)state;
    struct bench *b = bench_new(NULL);
    struct peer p = negotiated(b, ENABLED, ENABLED);
    for (unsigned i = 0; i < CONNECTION_NAMES_MAX + 3; i++) {
        char path[32];
        snprintf(path, sizeof path, "\\\\srv\\share%u", i);
        setup(&p, ID + i, "alice", ENABLED, 0);
        peer_tree(&p, i + 1, path);
    }
    uint64_t before = b->stats.names_left_out; /* of the list of shares itself */
    peer_close(&p);
    assert_int_equal(b->stats.names_left_out - before, 3 + 3);
    assert_int_equal(b->end.session_sums_count, CONNECTION_NAMES_MAX);
    assert_int_equal(b->end.share_sums_count, CONNECTION_NAMES_MAX);
    p = negotiated(b, ENABLED, ENABLED); /* without memory for them there are none */
    setup(&p, ID, "alice", ENABLED, 0);
    b->budget.ceiling = b->budget.held + 64;
    peer_close(&p);
    assert_int_equal(b->end.session_sums_count, 0);
    assert_int_equal(b->stats.names_lost, 1);
    b->budget.ceiling = SIZE_MAX;
    bench_free(b);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(required),        cmocka_unit_test(apart),     cmocka_unit_test(not_ended),
        cmocka_unit_test(the_same_share),  cmocka_unit_test(encrypted), cmocka_unit_test(not_signed),
        cmocka_unit_test(two_connections), cmocka_unit_test(offers),    cmocka_unit_test(bounds),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
