/* Sessions: who belongs to them, which connections share them, and when they end. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "model_bench.h"

enum { ID = 0x51 };

static const char share[] = "\\\\srv\\data";

/* The user that the next operation of this peer is told with. */
static const char *user_of(struct peer *p) {
    struct smb2_message q = peer_ask(p, SMB2_ECHO);
    peer_exchange(p, &q, 0);
    return bench_last(p->b, 0)->user;
}

static void two_legs(void **state) {
    (void)state;
    struct bench *b = bench_new(NULL);
    struct peer p = peer_open(b, 1, 2);
    peer_negotiate(&p, 1, 2);
    struct smb2_message q = peer_ask(&p, SMB2_SESSION_SETUP),
                        r = peer_say(&p, SMB2_SESSION_SETUP, STATUS_MORE_PROCESSING_REQUIRED);
    r.header.session_id = ID;
    peer_request(&p, &q);
    uint64_t begin = b->now.time_ns;
    peer_response(&p, &r);
    assert_true(bench_last(b, 0)->leg);
    assert_string_equal(bench_last(b, 0)->user, "?");
    peer_login(&p, ID, "alice");
    const struct seen *s = bench_last(b, 0);
    assert_false(s->leg);
    assert_int_equal(s->exchange_begin_ns, begin);
    assert_string_equal(s->claim, "alice");
    assert_string_equal(s->user, "alice");
    assert_string_equal(user_of(&p), "alice");
    peer_close(&p);
    assert_int_equal(b->end.errors, 0);
    bench_free(b);
}

/* NTLM's AUTHENTICATE in a leg that is not the last (SPNEGO with a MIC exchange) counts for the whole. */
static void claim_in_the_first_leg(void **state) {
    (void)state;
    struct bench *b = bench_new(NULL);
    struct peer p = peer_open(b, 1, 2);
    peer_login_status(&p, ID, "alice", 0, STATUS_MORE_PROCESSING_REQUIRED);
    peer_login(&p, ID, NULL);
    assert_string_equal(bench_last(b, 0)->claim, "alice");
    assert_string_equal(user_of(&p), "alice");
    peer_close(&p);
    bench_free(b);
}

static void refused(void **state) {
    (void)state;
    struct bench *b = bench_new(NULL);
    struct peer p = peer_open(b, 1, 2);
    peer_login_status(&p, ID, "mallory", 0, STATUS_LOGON_FAILURE);
    assert_string_equal(bench_last(b, 0)->claim, "mallory");
    assert_string_equal(bench_last(b, 0)->user, "?");
    peer_close(&p);
    assert_int_equal(b->end.user_count, 0);
    assert_int_equal(b->end.errors, 1);
    bench_free(b);
}

/* The machine at the other end is what the last session that was accepted came from, else the last that was asked for. */
static void client_of_the_connection(void **state) {
    (void)state;
    struct bench *b = bench_new(NULL);
    struct peer p = peer_open(b, 1, 2);
    peer_login_status(&p, ID, "mallory", 0, STATUS_LOGON_FAILURE);
    peer_login_status(&p, ID + 1, "trudy", 0, STATUS_LOGON_FAILURE);
    peer_close(&p);
    assert_string_equal(b->end.client, "trudy");
    p = peer_open(b, 1, 2);
    peer_login_status(&p, ID, "mallory", 0, STATUS_LOGON_FAILURE);
    peer_login(&p, ID + 1, "alice");
    peer_login(&p, ID + 2, "bob");
    peer_login_status(&p, ID + 3, "trudy", 0, STATUS_LOGON_FAILURE);
    peer_close(&p);
    assert_string_equal(b->end.client, "bob");
    bench_free(b);
}

static void reauthentication(void **state) {
    (void)state;
    struct bench *b = bench_new(NULL);
    struct peer p = peer_open(b, 1, 2);
    peer_settle(&p, ID, "alice", share);
    peer_create(&p, "a.txt", 7, 0);
    peer_login_status(&p, ID, "mallory", 0, STATUS_LOGON_FAILURE);
    assert_string_equal(bench_last(b, 0)->claim, "mallory");
    assert_string_equal(user_of(&p), "alice"); /* nothing counts before success */
    peer_login(&p, ID, "bob");
    assert_string_equal(user_of(&p), "bob");
    peer_read(&p, 7, 10);
    assert_string_equal(bench_last(b, 0)->name, "a.txt");
    assert_string_equal(bench_last(b, 0)->user, "bob");
    peer_close(&p);
    assert_int_equal(b->end.user_count, 2);
    bench_free(b);
}

/* Two servers with one SessionId; two connections to one server with it. Neither was bound. */
static void equal_ids_stay_apart(void **state) {
    (void)state;
    struct bench *b = bench_new(NULL);
    struct peer p = peer_open(b, 1, 2), q = peer_open(b, 1, 3), r = peer_open(b, 4, 2);
    peer_settle(&p, ID, "alice", share);
    peer_settle(&q, ID, "bob", share);
    peer_settle(&r, ID, "carol", share);
    assert_string_equal(user_of(&p), "alice");
    assert_string_equal(user_of(&q), "bob");
    assert_string_equal(user_of(&r), "carol");
    peer_create(&p, "p.txt", 7, 0);
    peer_create(&q, "q.txt", 7, 0);
    peer_read(&r, 7, 1);
    assert_string_equal(bench_last(b, 0)->name, "?");
    peer_read(&p, 7, 1);
    assert_string_equal(bench_last(b, 0)->name, "p.txt");
    peer_close(&p);
    peer_read(&q, 7, 1);
    assert_string_equal(bench_last(b, 0)->name, "q.txt");
    peer_close(&q);
    peer_close(&r);
    bench_free(b);
}

static void bound_channels_are_one(void **state) {
    (void)state;
    struct bench *b = bench_new(NULL);
    struct peer p = peer_open(b, 1, 2), q = peer_open(b, 1, 2);
    peer_settle(&p, ID, "alice", share);
    peer_negotiate(&q, 1, 2);
    peer_login_status(&q, ID, "alice", SMB2_SESSION_FLAG_BINDING, STATUS_MORE_PROCESSING_REQUIRED);
    peer_login_status(&q, ID, "alice", SMB2_SESSION_FLAG_BINDING, 0);
    assert_true(bench_last(b, 0)->binding);
    q.session_id = ID;
    q.tree_id = 1;
    peer_create(&q, "a.txt", 7, 0);
    assert_string_equal(bench_last(b, 0)->path, share);
    peer_read(&p, 7, 1); /* a name learned on one serves the other */
    assert_string_equal(bench_last(b, 0)->name, "a.txt");
    peer_close(&p);
    peer_read(&q, 7, 1); /* and outlives the first */
    assert_string_equal(bench_last(b, 0)->name, "a.txt");
    assert_string_equal(bench_last(b, 0)->user, "alice");
    peer_close(&q);
    bench_free(b);
}

/* A binding that was refused shares nothing. */
static void binding_refused(void **state) {
    (void)state;
    struct bench *b = bench_new(NULL);
    struct peer p = peer_open(b, 1, 2), q = peer_open(b, 1, 2);
    peer_settle(&p, ID, "alice", share);
    peer_login_status(&q, ID, "alice", SMB2_SESSION_FLAG_BINDING, STATUS_REQUEST_NOT_ACCEPTED);
    q.session_id = ID;
    assert_string_equal(user_of(&q), "?");
    peer_close(&p);
    peer_close(&q);
    bench_free(b);
}

/* The binding was lost: equal GUIDs of both sides are enough. */
static void shared_by_guids(void **state) {
    (void)state;
    struct bench *b = bench_new(NULL);
    struct peer p = peer_open(b, 1, 2), q = peer_open(b, 3, 4), other = peer_open(b, 3, 4),
                blind = peer_open_midstream(b, 1, 2);
    peer_settle(&p, ID, "alice", share);
    peer_negotiate(&q, 1, 2); /* another address of each, as with two network cards */
    peer_negotiate(&other, 3, 2);
    q.session_id = other.session_id = blind.session_id = ID;
    assert_string_equal(user_of(&q), "alice");
    assert_string_equal(user_of(&other), "?");
    assert_string_equal(user_of(&blind), "?");
    peer_close(&p);
    peer_close(&q);
    peer_close(&other);
    peer_close(&blind);
    bench_free(b);
}

/* A relay passes GUIDs and SessionId on: 1 -> 2 -> 3. The two stay apart, also where a login was lost. */
static void relay(void **state) {
    (void)state;
    struct bench *b = bench_new(NULL);
    struct peer victim = peer_open(b, 1, 2), onward = peer_open(b, 2, 3);
    peer_negotiate(&victim, 1, 9);
    peer_negotiate(&onward, 1, 9);
    peer_login(&onward, ID, "alice");
    peer_login(&victim, ID, "alice");
    peer_tree(&onward, 5, "\\\\target\\ADMIN$");
    victim.tree_id = 5;
    peer_create(&victim, "x", 7, 0);
    assert_string_equal(bench_last(b, 0)->path, "?");
    peer_close(&victim);
    struct peer late = peer_open(b, 1, 2);
    peer_negotiate(&late, 1, 9);
    late.session_id = ID;
    late.tree_id = 5;
    peer_create(&late, "x", 8, 0);
    assert_string_equal(bench_last(b, 0)->path, "?");
    assert_string_equal(bench_last(b, 0)->user, "?");
    peer_close(&late);
    peer_close(&onward);
    bench_free(b);
}

/* Two sessions could be meant by a binding: that of the address it was made at is. */
static void binding_behind_a_relay(void **state) {
    (void)state;
    struct bench *b = bench_new(NULL);
    struct peer onward = peer_open(b, 2, 3), victim = peer_open(b, 1, 2), second = peer_open(b, 2, 3);
    peer_negotiate(&victim, 1, 9);
    peer_negotiate(&onward, 1, 9);
    peer_negotiate(&second, 1, 9);
    peer_login(&onward, ID, "alice");
    peer_tree(&onward, 5, "\\\\target\\data");
    peer_login(&victim, ID, "alice");
    peer_tree(&victim, 5, "\\\\relay\\data");
    peer_login_status(&second, ID, "alice", SMB2_SESSION_FLAG_BINDING, 0);
    second.session_id = ID;
    second.tree_id = 5;
    peer_create(&second, "x", 8, 0);
    assert_string_equal(bench_last(b, 0)->path, "\\\\target\\data");
    peer_close(&victim);
    peer_close(&onward);
    peer_close(&second);
    bench_free(b);
}

/* Two servers behind one address give out the same number: a binding is to that of its own. */
static void binding_at_another_server(void **state) {
    (void)state;
    for (uint8_t server = 2; server <= 3; server++) {
        struct bench *b = bench_new(NULL);
        struct peer p = peer_open(b, 1, 2), q = peer_open(b, 1, 2);
        peer_settle(&p, ID, "alice", share);
        peer_negotiate(&q, 1, server);
        peer_login_status(&q, ID, NULL, SMB2_SESSION_FLAG_BINDING, 0);
        q.session_id = ID;
        assert_string_equal(user_of(&q), server == 2 ? "alice" : "?");
        peer_close(&p);
        peer_close(&q);
        bench_free(b);
    }
}

/* An idle session is given up: without an open file, after a quarter of an hour, and said in the answer to the first request then. */
static void given_up(void **state) {
    (void)state;
    enum { SHORT = 1, OPEN = 2, HOLE = 4, LEARNED = 8, CLOCK = 16, CASES = 32 };
    for (unsigned i = 0; i < CASES; i++) {
        struct bench *b = bench_new(NULL);
        struct peer p = i & LEARNED ? peer_open_midstream(b, 1, 2) : peer_open(b, 1, 2);
        if (i & LEARNED) {
            p.session_id = ID;
            peer_tree(&p, 1, share);
        } else {
            peer_settle(&p, ID, "alice", share);
        }
        peer_create(&p, "a.txt", 7, 0);
        if (!(i & OPEN)) {
            peer_close_file(&p, 7);
        }
        p.flow->gaps[TO_CLIENT] = i & HOLE ? 1 : 0;
        bench_pass(b, SESSION_IDLE_NS - (i & SHORT ? 2000000000 : 0));
        struct smb2_message q = peer_ask(&p, SMB2_ECHO);
        if (i & CLOCK) { /* it ran backwards for one message: there was no silence */
            peer_exchange(&p, &q, 0);
            b->now.time_ns -= SESSION_IDLE_NS;
            q = peer_ask(&p, SMB2_ECHO);
            peer_exchange(&p, &q, 0);
            b->now.time_ns += SESSION_IDLE_NS;
            q = peer_ask(&p, SMB2_ECHO);
        }
        peer_exchange(&p, &q, STATUS_USER_SESSION_DELETED);
        assert_int_equal(bench_last(b, 0)->cleaned_up, i == 0);
        bench_pass(b, SESSION_IDLE_NS);
        q = peer_ask(&p, SMB2_ECHO);
        peer_exchange(&p, &q, STATUS_USER_SESSION_DELETED); /* it is known by now */
        assert_false(bench_last(b, 0)->cleaned_up);
        peer_close(&p);
        bench_free(b);
    }
}

/* Or its server closes the connection. The client may do so much later; and one that left, or that was said to be gone, was not idle. */
static void given_up_with_its_connection(void **state) {
    (void)state;
    enum { AT_ONCE = 1, BY_CLIENT, COVERED, LEFT, GONE, NOTICE, CASES };
    for (unsigned i = 0; i < CASES; i++) {
        struct bench *b = bench_new(NULL);
        struct peer p = peer_open(b, 1, 2);
        peer_settle(&p, ID, "alice", share);
        struct smb2_message q = peer_ask(&p, i == LEFT ? SMB2_LOGOFF : SMB2_ECHO), r = {0};
        if (i == LEFT) {
            peer_request(&p, &q);
        } else if (i == NOTICE) {
            r = peer_say(&p, SMB2_SERVER_TO_CLIENT_NOTIFICATION, 0);
            r.header.message_id = UINT64_MAX;
            peer_response(&p, &r);
        } else {
            peer_exchange(&p, &q, i == GONE ? STATUS_USER_SESSION_DELETED : STATUS_SUCCESS);
        }
        if (i == COVERED) { /* what that was is not seen */
            struct pdu pdu = {.kind = PDU_SMB2_COMPRESSION};
            connection_pdu(p.c, &pdu);
        }
        p.flow->server_closed = i != BY_CLIENT;
        p.flow->closing_s = i == AT_ONCE ? 1 : 15 * 60 + 1;
        bench_pass(b, SESSION_IDLE_NS + 1000000000);
        peer_close(&p);
        assert_int_equal(b->end.idle_session, i == 0);
        enum { LIVES = STAGE_SESSION_LIVES | STAGE_TREE_LIVES };
        assert_int_equal(b->end.stages & LIVES, i >= GONE ? 0 : LIVES);
        assert_int_equal((b->end.stages & STAGE_LOST) != 0, i < LEFT);
        bench_free(b);
    }
}

static void logoff(void **state) {
    (void)state;
    struct bench *b = bench_new(NULL);
    struct peer p = peer_open(b, 1, 2);
    peer_settle(&p, ID, "alice", share);
    peer_create(&p, "a.txt", 7, 0);
    peer_write(&p, 7, 5);
    peer_create(&p, "b.txt", 8, FILE_DELETE_ON_CLOSE);
    peer_create(&p, "c.txt", 9, 0);
    struct smb2_message q = peer_ask(&p, SMB2_LOGOFF);
    peer_exchange(&p, &q, STATUS_USER_SESSION_DELETED);
    assert_string_equal(user_of(&p), "alice");
    q = peer_ask(&p, SMB2_LOGOFF);
    unsigned before = b->count;
    peer_exchange(&p, &q, 0);
    assert_int_equal(b->count,
                     before + 3); /* the logoff; the sum of one, the deletion of the other, nothing of the third */
    assert_int_equal(b->seen[before].kind, OPERATION_LOGOFF);
    assert_string_equal(b->seen[before].user, "alice");
    assert_int_equal(b->seen[before + 1].kind, OPERATION_WRITE);
    assert_string_equal(b->seen[before + 1].name, "a.txt");
    assert_int_equal(b->seen[before + 2].kind, OPERATION_DELETE);
    assert_string_equal(b->seen[before + 2].name, "b.txt");
    assert_true(b->seen[before + 2].implicit);
    assert_string_equal(user_of(&p), "?");
    peer_close(&p);
    assert_int_equal(b->end.files_deleted, 1);
    assert_int_equal(b->stats.files_deleted, 1);
    bench_free(b);
}

/* A login with PreviousSessionId ends the old session, where it is the same user's (MS-SMB2 3.3.5.5.3). */
static void previous_session(void **state) {
    (void)state;
    struct bench *b = bench_new(NULL);
    for (unsigned same = 0; same < 2; same++) {
        struct peer p = peer_open(b, 1, 2), q = peer_open(b, 1, 2);
        peer_settle(&p, ID, "alice", share);
        peer_create(&p, "a.txt", 7, 0);
        peer_write(&p, 7, 5);
        struct smb2_message a = peer_ask(&q, SMB2_SESSION_SETUP), r = peer_say(&q, SMB2_SESSION_SETUP, 0);
        a.session_setup_request.previous_session_id = ID;
        r.header.session_id = ID + 1;
        peer_claim(&q, same ? "alice" : "bob");
        peer_request(&q, &a);
        unsigned before = bench_count(b, OPERATION_WRITE, NULL);
        peer_response(&q, &r);
        assert_int_equal(bench_count(b, OPERATION_WRITE, NULL), before + same);
        assert_string_equal(user_of(&p), same ? "?" : "alice");
        peer_close(&p);
        peer_close(&q);
    }
    bench_free(b);
}

/* ---- bounds */

static void sessions_evicted(void **state) {
    (void)state;
    struct model_limits limits = model_limits_default();
    limits.sessions = 3;
    struct bench *b = bench_new(&limits);
    struct peer p = peer_open(b, 1, 2);
    for (uint64_t i = 1; i <= 10; i++) {
        peer_login(&p, i, "alice");
        peer_tree(&p, 1, share);
        peer_create(&p, "a.txt", 7, 0);
        peer_write(&p, 7, 5);
    }
    assert_int_equal(b->stats.evicted_sessions, 7);
    p.session_id = 8; /* one that was used is younger than one that was not */
    assert_string_equal(user_of(&p), "alice");
    peer_login(&p, 11, "bob");
    p.session_id = 9;
    assert_string_equal(user_of(&p), "?");
    p.session_id = 8;
    assert_string_equal(user_of(&p), "alice");
    peer_close(&p);
    bench_free(b);
}

/* A second connection joins the session that is the oldest, while there is no room. */
static void join_at_the_limit(void **state) {
    (void)state;
    struct model_limits limits = model_limits_default();
    limits.channels = 4;
    struct bench *b = bench_new(&limits);
    struct peer p = peer_open(b, 1, 2), q = peer_open(b, 1, 2);
    peer_settle(&p, ID, "alice", share);
    for (uint64_t i = 1; i <= 3; i++) {
        peer_login(&p, ID + i, "bob");
    }
    peer_login_status(&q, ID, "alice", SMB2_SESSION_FLAG_BINDING, 0);
    q.session_id = ID;
    assert_string_equal(user_of(&q), "alice");
    p.session_id = ID;
    assert_string_equal(user_of(&p), "alice");
    assert_int_equal(b->stats.evicted_sessions, 1);
    peer_close(&p);
    peer_close(&q);
    bench_free(b);
}

/* One session and ever more connections: at the limit of channels there is nothing else to evict. */
static void too_many_channels(void **state) {
    (void)state;
    struct model_limits limits = model_limits_default();
    limits.channels = 4;
    struct bench *b = bench_new(&limits);
    struct peer peers[8];
    for (unsigned i = 0; i < 8; i++) {
        peers[i] = peer_open(b, 1, 2);
        peer_login_status(&peers[i], ID, "alice", SMB2_SESSION_FLAG_BINDING, 0);
        peers[i].session_id = ID;
    }
    assert_string_equal(user_of(&peers[0]), "alice");
    assert_string_equal(user_of(&peers[7]), "?");
    for (unsigned i = 0; i < 8; i++) {
        peer_close(&peers[i]);
    }
    bench_free(b);
}

/* Half a login on many connections: the oldest half goes, whoever's it is, and a later login is still whole. */
static void setups_evicted(void **state) {
    (void)state;
    struct model_limits limits = model_limits_default();
    limits.setups = 3;
    struct bench *b = bench_new(&limits);
    struct peer peers[6];
    for (unsigned i = 0; i < 6; i++) {
        peers[i] = peer_open(b, 1, 2);
        peer_login_status(&peers[i], ID + i, "alice", 0, STATUS_MORE_PROCESSING_REQUIRED);
    }
    assert_int_equal(b->stats.evicted_setups, 3);
    peer_login(&peers[0], ID, NULL);
    assert_string_equal(bench_last(b, 0)->claim, "?");
    peer_login(&peers[5], ID + 5, NULL);
    assert_string_equal(bench_last(b, 0)->claim, "alice");
    for (unsigned i = 0; i < 6; i++) {
        peer_close(&peers[i]);
    }
    bench_free(b);
}

/* ---- what tokens say, over the legs */

static struct pdu ntlm_token(struct peer *p, enum ntlm_type type, uint32_t flags) {
    struct pdu token = {.kind = PDU_NTLM, .ntlm = {.type = type, .flags = flags}};
    if (type == NTLM_CHALLENGE) {
        token.ntlm.target_info.dns_computer = bench_text(p->b, "fs.corp.example");
    } else if (type == NTLM_AUTHENTICATE) {
        token.ntlm.user = bench_text(p->b, "alice");
        token.ntlm.target_info.target_name = bench_text(p->b, "cifs/fs");
    }
    return token;
}

static void ask(struct peer *p, uint64_t id, const struct pdu *token) {
    struct smb2_message q = peer_ask(p, SMB2_SESSION_SETUP);
    q.header.session_id = id;
    peer_token(p, token);
    peer_request(p, &q);
}

static void say(struct peer *p, uint64_t id, const struct pdu *token, uint32_t status) {
    struct smb2_message r = peer_say(p, SMB2_SESSION_SETUP, status);
    r.header.session_id = id;
    peer_token(p, token);
    peer_response(p, &r);
}

static void first_leg(struct peer *p, uint64_t id) {
    struct pdu negotiate = ntlm_token(p, NTLM_NEGOTIATE, 1), challenge = ntlm_token(p, NTLM_CHALLENGE, 2);
    ask(p, 0, &negotiate);
    say(p, id, &challenge, STATUS_MORE_PROCESSING_REQUIRED);
}

static void last_leg_says_all(void **state) {
    (void)state;
    struct bench *b = bench_new(NULL);
    struct peer p = peer_open(b, 1, 2);
    struct pdu authenticate = ntlm_token(&p, NTLM_AUTHENTICATE, 4);
    struct pdu accepted = {.kind = PDU_SPNEGO, .spnego = {.has_state = true}};
    first_leg(&p, ID);
    const struct seen *s = bench_last(b, 0);
    assert_true(s->leg);
    assert_int_equal(s->client_flags[0], 1);
    assert_int_equal(s->server_flags, 2);
    assert_string_equal(s->server_dns, "fs.corp.example");
    assert_string_equal(s->spn, "");
    ask(&p, ID, &authenticate);
    say(&p, ID, &accepted, STATUS_SUCCESS);
    s = bench_last(b, 0);
    assert_int_equal(s->mechanism, MECHANISM_NTLM);
    assert_int_equal(s->client_flags[0], 1);
    assert_int_equal(s->client_flags[1], 4);
    assert_int_equal(s->server_flags, 2);
    assert_string_equal(s->spn, "cifs/fs");
    assert_string_equal(s->server_dns, "fs.corp.example");
    assert_true(s->has_state);
    peer_close(&p);
    assert_int_equal(bench_count(b, OPERATION_SESSION_SETUP, NULL), 2);
    bench_free(b);
}

/* A last leg without an answer is what the exchange came to. */
static void last_leg_unanswered(void **state) {
    (void)state;
    struct bench *b = bench_new(NULL);
    struct peer p = peer_open(b, 1, 2);
    struct pdu authenticate = ntlm_token(&p, NTLM_AUTHENTICATE, 4);
    first_leg(&p, ID);
    ask(&p, ID, &authenticate);
    peer_close(&p);
    assert_int_equal(bench_count(b, OPERATION_SESSION_SETUP, NULL), 2);
    const struct seen *s = bench_last(b, 0);
    assert_true(s->response_lost && !s->implicit && !s->left_off && !s->has_state);
    assert_string_equal(s->claim, "alice");
    assert_string_equal(s->server_dns, "fs.corp.example");
    bench_free(b);
}

static void left_in_the_middle(void **state) {
    (void)state;
    struct bench *b = bench_new(NULL);
    struct peer p = peer_open(b, 1, 2);
    first_leg(&p, ID);
    peer_close(&p);
    assert_int_equal(bench_count(b, OPERATION_SESSION_SETUP, NULL), 2);
    const struct seen *s = bench_last(b, 0);
    assert_true(s->implicit && s->left_off && !s->request && !s->response);
    assert_true(s->session_id == ID);
    assert_int_equal(s->begin_frame, bench_last(b, 1)->begin_frame);
    assert_string_equal(s->server_dns, "fs.corp.example");
    p = peer_open(b, 1, 2); /* its session turns up: the rest was there and was not seen */
    first_leg(&p, ID);
    p.session_id = ID;
    struct smb2_message q = peer_ask(&p, SMB2_ECHO);
    peer_exchange(&p, &q, 0);
    peer_close(&p);
    assert_true(bench_last(b, 0)->implicit && !bench_last(b, 0)->left_off);
    bench_free(b);
}

/* Kerberos hides who it is: a session of somebody that is proved anew with it is nobody's that is known. */
static void kerberos_has_no_user(void **state) {
    (void)state;
    struct bench *b = bench_new(NULL);
    struct peer p = peer_open(b, 1, 2);
    struct pdu ticket = {.kind = PDU_KERBEROS, .kerberos = {.type = KERBEROS_AP_REQ}};
    struct pdu reply = {.kind = PDU_KERBEROS, .kerberos = {.type = KERBEROS_AP_REP}};
    peer_settle(&p, ID, "alice", share);
    assert_string_equal(user_of(&p), "alice");
    ask(&p, ID, &ticket);
    say(&p, ID, &reply, STATUS_SUCCESS);
    assert_int_equal(bench_last(b, 0)->mechanism, MECHANISM_KERBEROS);
    assert_string_equal(bench_last(b, 0)->claim, "");
    assert_string_equal(user_of(&p), "");
    peer_login(&p, ID, "bob");
    assert_string_equal(user_of(&p), "bob");
    peer_login(&p, ID, NULL); /* what proved it was not seen */
    assert_string_equal(user_of(&p), "?");
    peer_close(&p);
    bench_free(b);
}

static struct text ascii(const char *s) {
    return (struct text){{(const uint8_t *)s, strlen(s)}, ENC_UTF8};
}

/* A KRB-ERROR that lets the client try again. The names in it are the server's, not those that were asked for; it stays on the
 * exchange, which succeeds all the same. */
static void kerberos_error_on_the_way(void **state) {
    (void)state;
    struct bench *b = bench_new(NULL);
    struct peer p = peer_open(b, 1, 2);
    struct pdu ticket = {.kind = PDU_KERBEROS, .kerberos = {.type = KERBEROS_AP_REQ, .service = ascii("cifs/fs")}};
    struct pdu reply = {.kind = PDU_KERBEROS, .kerberos = {.type = KERBEROS_AP_REP}};
    struct pdu error = {.kind = PDU_KERBEROS,
                        .kerberos = {.type = KERBEROS_ERROR,
                                     .service = ascii("FS$"),
                                     .has_error_code = true,
                                     .error_code = 37,
                                     .server_time = 77,
                                     .skew_recovery = true,
                                     .has_error_status = true,
                                     .error_status = STATUS_LOGON_FAILURE}};
    ask(&p, ID, &ticket);
    say(&p, ID, &error, STATUS_MORE_PROCESSING_REQUIRED);
    for (unsigned again = 0; again < 2; again++) {
        const struct seen *s = bench_last(b, 0);
        assert_string_equal(s->spn, "cifs/fs");
        assert_string_equal(s->error_service, "FS$");
        assert_int_equal(s->kerberos_error, 37);
        assert_int_equal(s->kerberos_error_status, STATUS_LOGON_FAILURE);
        assert_int_equal(s->kerberos_server_time, 77);
        assert_true(s->skew_recovery);
        ask(&p, ID, &ticket);
        say(&p, ID, &reply, STATUS_SUCCESS);
    }
    peer_close(&p);
    bench_free(b);
}

static void users_and_shares_listed(void **state) {
    (void)state;
    struct bench *b = bench_new(NULL);
    struct peer p = peer_open(b, 1, 2);
    for (uint64_t i = 0; i < CONNECTION_NAMES_MAX + 4; i++) {
        char user[16], path[32];
        snprintf(user, sizeof user, "user%u", (unsigned)i);
        snprintf(path, sizeof path, "\\\\srv\\share%u", (unsigned)i);
        for (unsigned again = 0; again < 2; again++) {
            peer_login(&p, 100 + i, user);
            peer_tree(&p, (uint32_t)i, path);
        }
    }
    assert_int_equal(b->stats.names_left_out, 4 * 2 * 2 + 4); /* the last: sums of the trees that were replaced */
    peer_close(&p);
    assert_int_equal(b->end.user_count, CONNECTION_NAMES_MAX);
    assert_int_equal(b->end.share_count, CONNECTION_NAMES_MAX);
    bench_free(b);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(last_leg_says_all),
        cmocka_unit_test(last_leg_unanswered),
        cmocka_unit_test(left_in_the_middle),
        cmocka_unit_test(kerberos_has_no_user),
        cmocka_unit_test(kerberos_error_on_the_way),
        cmocka_unit_test(two_legs),
        cmocka_unit_test(claim_in_the_first_leg),
        cmocka_unit_test(refused),
        cmocka_unit_test(client_of_the_connection),
        cmocka_unit_test(reauthentication),
        cmocka_unit_test(equal_ids_stay_apart),
        cmocka_unit_test(bound_channels_are_one),
        cmocka_unit_test(binding_refused),
        cmocka_unit_test(shared_by_guids),
        cmocka_unit_test(relay),
        cmocka_unit_test(binding_behind_a_relay),
        cmocka_unit_test(binding_at_another_server),
        cmocka_unit_test(given_up),
        cmocka_unit_test(given_up_with_its_connection),
        cmocka_unit_test(logoff),
        cmocka_unit_test(previous_session),
        cmocka_unit_test(sessions_evicted),
        cmocka_unit_test(join_at_the_limit),
        cmocka_unit_test(too_many_channels),
        cmocka_unit_test(setups_evicted),
        cmocka_unit_test(users_and_shares_listed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
