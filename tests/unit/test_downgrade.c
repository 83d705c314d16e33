/* Signs of a downgrade: each by itself, and none where bytes are missing or nothing is wrong. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "downgrade.h"
#include "model_bench.h"

enum { ID = 0x51 };

static const char share[] = "\\\\srv\\data";
static const uint16_t dialects[] = {0x0302, 0x0311}, older[] = {0x0202, 0x0302};
static const uint16_t sha512[] = {1}, other_hash[] = {2}, gcm[] = {2}, ccm[] = {1}, none[] = {0}, gmac[] = {2},
                      cmac[] = {1};

struct pair {
    struct smb2_message q, r;
};

static struct u16_list one(const uint16_t *item) {
    return (struct u16_list){item, 1};
}

/* Both as they should be: a hash, a cipher and a signing algorithm offered and taken. */
static struct pair negotiation(struct peer *p) {
    struct pair n = {peer_ask(p, SMB2_NEGOTIATE), peer_say(p, SMB2_NEGOTIATE, 0)};
    struct smb2_negotiate_contexts contexts = {
        .hash_algorithms = one(sha512),
        .ciphers = one(gcm),
        .signing_algorithms = one(gmac),
        .present = 1U << SMB2_PREAUTH_INTEGRITY_CAPABILITIES | 1U << SMB2_ENCRYPTION_CAPABILITIES |
                   1U << SMB2_SIGNING_CAPABILITIES,
        .count = 3,
        .whole = true,
    };
    n.q.negotiate_request.dialects = (struct u16_list){dialects, 2};
    n.q.negotiate_request.contexts = n.r.negotiate_response.contexts = contexts;
    n.r.negotiate_response.dialect = 0x0311;
    return n;
}

static void drop(struct smb2_negotiate_contexts *c, unsigned type, struct u16_list *list) {
    c->present &= ~(1U << type);
    c->count--;
    *list = (struct u16_list){NULL, 0};
}

/* The signs of one exchange on a connection of its own, which its end says again. */
static unsigned signs_of(struct bench *b, struct pair n) {
    struct peer p = peer_open(b, 1, 2);
    peer_request(&p, &n.q);
    peer_response(&p, &n.r);
    unsigned signs = bench_last(b, 0)->downgrade_signs;
    peer_close(&p);
    assert_int_equal(b->end.downgrade_signs, signs);
    return signs;
}

static struct pair fresh(struct bench *b) {
    struct peer p = {.b = b, .first = true, .last = true};
    return negotiation(&p);
}

static void integrity(void **state) {
    (void)state;
    struct bench *b = bench_new(NULL);
    struct pair n = fresh(b);
    struct smb2_negotiate_contexts *q = &n.q.negotiate_request.contexts, *r = &n.r.negotiate_response.contexts;
    assert_int_equal(signs_of(b, n), 0);
    drop(r, SMB2_PREAUTH_INTEGRITY_CAPABILITIES, &r->hash_algorithms);
    assert_int_equal(signs_of(b, n), DOWNGRADE_INTEGRITY_NOT_ANSWERED);
    r->whole = false; /* it may be in what was not read */
    assert_int_equal(signs_of(b, n), 0);
    n = fresh(b);
    drop(q, SMB2_PREAUTH_INTEGRITY_CAPABILITIES, &q->hash_algorithms);
    assert_int_equal(signs_of(b, n), DOWNGRADE_INTEGRITY_NOT_OFFERED);
    q->whole = false;
    assert_int_equal(signs_of(b, n), 0);
    n = fresh(b);
    r->hash_algorithms = one(other_hash);
    assert_int_equal(signs_of(b, n), DOWNGRADE_HASH_NOT_OFFERED);
    n = fresh(b); /* older dialects have no contexts */
    n.q.negotiate_request.dialects = (struct u16_list){older, 2};
    n.q.negotiate_request.contexts = n.r.negotiate_response.contexts = (struct smb2_negotiate_contexts){0};
    n.r.negotiate_response.dialect = 0x0302;
    assert_int_equal(signs_of(b, n), 0);
    bench_free(b);
}

static void choices(void **state) {
    (void)state;
    struct bench *b = bench_new(NULL);
    struct pair n = fresh(b);
    struct smb2_negotiate_contexts *q = &n.q.negotiate_request.contexts, *r = &n.r.negotiate_response.contexts;
    r->ciphers = one(ccm);
    assert_int_equal(signs_of(b, n), DOWNGRADE_CIPHER_NOT_OFFERED);
    r->ciphers = one(none); /* nothing in common, and it says so */
    assert_int_equal(signs_of(b, n), 0);
    drop(r, SMB2_ENCRYPTION_CAPABILITIES, &r->ciphers);
    assert_int_equal(signs_of(b, n), DOWNGRADE_CIPHER_NOT_ANSWERED);
    drop(q, SMB2_ENCRYPTION_CAPABILITIES, &q->ciphers);
    assert_int_equal(signs_of(b, n), 0);
    r->ciphers = one(gcm);
    assert_int_equal(signs_of(b, n), DOWNGRADE_CIPHER_NOT_OFFERED);
    n = fresh(b);
    r->signing_algorithms = one(cmac);
    assert_int_equal(signs_of(b, n), DOWNGRADE_SIGNING_NOT_OFFERED);
    drop(r, SMB2_SIGNING_CAPABILITIES, &r->signing_algorithms);
    assert_int_equal(signs_of(b, n), DOWNGRADE_SIGNING_NOT_ANSWERED);
    n = fresh(b);
    n.r.negotiate_response.dialect = 0x0300;
    assert_int_equal(signs_of(b, n), DOWNGRADE_DIALECT_NOT_OFFERED);
    n.r.negotiate_response.dialect = 0x02FF;
    assert_int_equal(signs_of(b, n), 0);
    n.r.header.status = STATUS_NOT_SUPPORTED;
    n.r.is_error = true;
    assert_int_equal(signs_of(b, n), 0);
    bench_free(b);
}

/* Where bytes are missing, or one side was not seen, nothing is missed. */
static void unseen(void **state) {
    (void)state;
    struct bench *b = bench_new(NULL);
    struct pair n = fresh(b);
    struct smb2_negotiate_contexts *q = &n.q.negotiate_request.contexts, *r = &n.r.negotiate_response.contexts;
    drop(q, SMB2_PREAUTH_INTEGRITY_CAPABILITIES, &q->hash_algorithms);
    drop(r, SMB2_PREAUTH_INTEGRITY_CAPABILITIES, &r->hash_algorithms);
    r->ciphers = one(ccm);
    struct peer p = peer_open(b, 1, 2);
    p.missing = 8;
    peer_request(&p, &n.q);
    peer_response(&p, &n.r);
    assert_int_equal(bench_last(b, 0)->downgrade_signs, 0);
    peer_close(&p);
    p = peer_open(b, 1, 2); /* the answer alone */
    peer_response(&p, &n.r);
    assert_int_equal(bench_last(b, 0)->downgrade_signs, DOWNGRADE_INTEGRITY_NOT_ANSWERED);
    peer_close(&p);
    p = peer_open(b, 1, 2); /* the request alone */
    peer_request(&p, &n.q);
    peer_close(&p);
    assert_int_equal(bench_last(b, 0)->downgrade_signs, DOWNGRADE_INTEGRITY_NOT_OFFERED);
    bench_free(b);
}

static unsigned setup(struct peer *p, const char *user, uint32_t flags, uint16_t session_flags, uint32_t status) {
    struct smb2_message q = peer_ask(p, SMB2_SESSION_SETUP), r = peer_say(p, SMB2_SESSION_SETUP, status);
    q.header.session_id = r.header.session_id = ID;
    r.header.flags |= flags;
    r.session_setup_response.session_flags = session_flags;
    if (user) {
        peer_claim(p, user);
    }
    peer_request(p, &q);
    peer_response(p, &r);
    return bench_last(p->b, 0)->downgrade_signs;
}

static void session_setups(void **state) {
    (void)state;
    struct bench *b = bench_new(NULL);
    struct peer p = peer_open(b, 1, 2);
    struct pair n = negotiation(&p);
    peer_request(&p, &n.q);
    peer_response(&p, &n.r);
    assert_int_equal(setup(&p, "alice", SMB2_FLAGS_SIGNED, 0, 0), 0);
    assert_int_equal(setup(&p, "alice", 0, SMB2_SESSION_FLAG_IS_GUEST, 0), 0);
    assert_int_equal(setup(&p, "alice", 0, SMB2_SESSION_FLAG_IS_NULL, 0), 0);
    assert_int_equal(setup(&p, "alice", 0, 0, STATUS_LOGON_FAILURE), 0);
    assert_int_equal(setup(&p, "alice", 0, 0, STATUS_MORE_PROCESSING_REQUIRED), 0);
    assert_int_equal(setup(&p, "alice", 0, 0, 0), DOWNGRADE_SESSION_NOT_SIGNED);
    peer_close(&p);
    p = peer_open(b, 1, 2); /* who it is was not seen */
    n = negotiation(&p);
    peer_request(&p, &n.q);
    peer_response(&p, &n.r);
    assert_int_equal(setup(&p, NULL, 0, 0, 0), 0);
    peer_close(&p);
    p = peer_open(b, 1, 2); /* older dialects have no such rule */
    n = negotiation(&p);
    n.q.negotiate_request.dialects = (struct u16_list){older, 2};
    n.r.negotiate_response.dialect = 0x0302;
    peer_request(&p, &n.q);
    peer_response(&p, &n.r);
    assert_int_equal(setup(&p, "alice", 0, 0, 0), 0);
    peer_close(&p);
    bench_free(b);
}

/* ---- SMB1 after SMB2 */

static void smb1(struct peer *p, enum direction dir, struct smb1_message m) {
    p->b->now.time_ns += 1000;
    p->b->now.frame++;
    struct message message = {.kind = MESSAGE_SMB1, .first = true, .last = true, .begin = p->b->now, .end = p->b->now};
    struct pdu pdu = {.kind = PDU_SMB1, .smb1 = m};
    pdu.smb1.header.command = m.command;
    pdu.smb1.header.message_id = 1;
    pdu.smb1.andx_command = SMB1_NO_ANDX_COMMAND;
    pdu.smb1.chain_last = true;
    pdu.smb1.response = dir == TO_CLIENT;
    connection_message(p->c, dir, &message);
    connection_pdu(p->c, &pdu);
}

/* Asks for these, and is answered that the one of the index was chosen; below 0: not at all. */
static void smb1_negotiate(struct peer *p, const char *const names[], unsigned count, int index) {
    struct text items[4];
    struct smb1_message q = {.command = SMB1_NEGOTIATE}, r = {.command = SMB1_NEGOTIATE};
    for (unsigned i = 0; i < count; i++) {
        items[i] = (struct text){{(const uint8_t *)names[i], strlen(names[i])}, ENC_ASCII};
    }
    q.negotiate_request.dialects = (struct text_list){items, count};
    r.negotiate_response.has_dialect_index = true;
    r.negotiate_response.dialect_index = (uint16_t)index;
    smb1(p, TO_SERVER, q);
    if (index >= 0) {
        smb1(p, TO_CLIENT, r);
    }
}

static const char *const alone[] = {"NT LM 0.12"}, *const with_smb2[] = {"NT LM 0.12", "SMB 2.002", "SMB 2.???"};

/* SMB2 of one client and server, so that the model knows. */
static void speak_smb2(struct bench *b, uint8_t client, uint8_t server) {
    struct peer p = peer_open(b, client, server);
    peer_settle(&p, ID, "alice", share);
    peer_close(&p);
}

static unsigned after(struct bench *b, uint8_t client, uint8_t server, const char *const names[], unsigned count,
                      int index) {
    struct peer p = peer_open(b, client, server);
    smb1_negotiate(&p, names, count, index);
    peer_close(&p);
    return b->end.downgrade_signs;
}

static void smb1_after_smb2(void **state) {
    (void)state;
    struct bench *b = bench_new(NULL);
    assert_int_equal(after(b, 1, 2, alone, 1, 0), 0);
    speak_smb2(b, 1, 2);
    assert_int_equal(after(b, 1, 2, alone, 1, 0), DOWNGRADE_SMB1_AFTER_SMB2);
    assert_int_equal(bench_last(b, 0)->earlier_dialect, 0x0311);
    assert_int_equal(after(b, 1, 2, alone, 1, -1), DOWNGRADE_SMB1_AFTER_SMB2); /* asked for, and not answered */
    assert_int_equal(after(b, 1, 2, with_smb2, 3, 0), DOWNGRADE_SMB1_AFTER_SMB2);
    assert_int_equal(after(b, 1, 2, with_smb2, 3, -1), 0); /* SMB2 was offered, too */
    assert_int_equal(after(b, 1, 2, NULL, 0, -1), 0);
    assert_int_equal(after(b, 1, 3, alone, 1, 0), 0); /* another server, another client */
    assert_int_equal(after(b, 3, 2, alone, 1, 0), 0);
    assert_int_equal(after(b, 2, 1, alone, 1, 0), 0);
    bench_free(b);
}

/* SMB1 that began before SMB2 did comes not after it, whatever it says later. */
static void smb1_before_smb2(void **state) {
    (void)state;
    struct bench *b = bench_new(NULL);
    struct peer p = peer_open(b, 1, 2), lost = peer_open(b, 1, 2), under_way = peer_open_midstream(b, 1, 2);
    smb1_negotiate(&p, alone, 1, 0);
    speak_smb2(b, 1, 2);
    struct smb1_message echo = {.command = SMB1_ECHO, .echo.count = 1};
    struct peer *all[] = {&p, &lost, &under_way};
    for (unsigned i = 0; i < 3; i++) {
        smb1(all[i], TO_SERVER, echo);
        smb1(all[i], TO_CLIENT, echo);
        assert_int_equal(bench_last(b, 0)->kind, OPERATION_ECHO);
        assert_int_equal(bench_last(b, 0)->downgrade_signs, 0);
    }
    struct peer later = peer_open(b, 1, 2); /* its NEGOTIATE was not seen, but it began behind all that */
    smb1(&later, TO_SERVER, echo);
    smb1(&later, TO_CLIENT, echo);
    assert_int_equal(bench_last(b, 0)->downgrade_signs, DOWNGRADE_SMB1_AFTER_SMB2);
    smb1(&later, TO_SERVER, echo); /* once */
    smb1(&later, TO_CLIENT, echo);
    assert_int_equal(bench_last(b, 0)->downgrade_signs, 0);
    for (unsigned i = 0; i < 3; i++) {
        peer_close(all[i]);
    }
    peer_close(&later);
    bench_free(b);
}

/* On a connection that speaks SMB2 itself. */
static void smb1_amidst_smb2(void **state) {
    (void)state;
    struct model_limits limits = model_limits_default();
    limits.peers = 1;
    struct bench *b = bench_new(&limits);
    struct peer p = peer_open(b, 1, 2);
    peer_settle(&p, ID, "alice", share);
    speak_smb2(b, 3, 4); /* and the pair was forgotten */
    smb1(&p, TO_SERVER, (struct smb1_message){.command = SMB1_ECHO, .echo.count = 1});
    smb1(&p, TO_CLIENT, (struct smb1_message){.command = SMB1_ECHO, .echo.count = 1});
    assert_int_equal(bench_last(b, 0)->downgrade_signs, DOWNGRADE_SMB1_AFTER_SMB2);
    peer_close(&p);
    bench_free(b);
}

/* A session of a connection under way is SMB2 that was agreed on, too; on which dialect is not known. */
static void smb2_under_way(void **state) {
    (void)state;
    struct bench *b = bench_new(NULL);
    struct peer p = peer_open_midstream(b, 1, 2);
    p.session_id = ID;
    peer_do(&p, SMB2_FLUSH, 7, 0);
    peer_close(&p);
    assert_int_equal(after(b, 1, 2, alone, 1, 0), DOWNGRADE_SMB1_AFTER_SMB2);
    assert_int_equal(bench_last(b, 0)->earlier_dialect, 0);
    bench_free(b);
}

/* At the limit the pair goes that agreed longest ago. */
static void bounds(void **state) {
    (void)state;
    struct model_limits limits = model_limits_default();
    limits.peers = 2;
    struct bench *b = bench_new(&limits);
    speak_smb2(b, 1, 9);
    speak_smb2(b, 2, 9);
    speak_smb2(b, 1, 9);
    assert_int_equal(b->stats.evicted_peers, 0);
    speak_smb2(b, 3, 9);
    assert_int_equal(b->stats.evicted_peers, 1);
    assert_int_equal(after(b, 2, 9, alone, 1, 0), 0);
    assert_int_equal(after(b, 1, 9, alone, 1, 0), DOWNGRADE_SMB1_AFTER_SMB2);
    assert_int_equal(after(b, 3, 9, alone, 1, 0), DOWNGRADE_SMB1_AFTER_SMB2);
    bench_free(b);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(integrity),        cmocka_unit_test(choices),         cmocka_unit_test(unseen),
        cmocka_unit_test(session_setups),   cmocka_unit_test(smb1_after_smb2), cmocka_unit_test(smb1_before_smb2),
        cmocka_unit_test(smb1_amidst_smb2), cmocka_unit_test(smb2_under_way),  cmocka_unit_test(bounds),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
