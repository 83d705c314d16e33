/* What FSCTL_VALIDATE_NEGOTIATE_INFO says is held against NEGOTIATE; and how far a connection came. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "model_bench.h"

enum { ID = 0x51 };

static const char share[] = "\\\\srv\\data";
static const uint16_t offered[] = {0x0202, 0x0210, 0x0302}, fewer[] = {0x0202, 0x0210}, chosen[] = {0x0302};

/* As peer_negotiate says it. */
static struct smb2_message negotiate_request(struct peer *p) {
    struct smb2_message q = peer_ask(p, SMB2_NEGOTIATE);
    q.negotiate_request.security_mode = SMB2_NEGOTIATE_SIGNING_ENABLED;
    q.negotiate_request.capabilities = SMB2_GLOBAL_CAP_ENCRYPTION;
    q.negotiate_request.dialects = (struct u16_list){offered, 3};
    memset(&q.negotiate_request.client_guid, 1, sizeof q.negotiate_request.client_guid);
    return q;
}

static void negotiate(struct peer *p) {
    struct smb2_message q = negotiate_request(p), r = peer_say(p, SMB2_NEGOTIATE, 0);
    r.negotiate_response.dialect = 0x0302;
    r.negotiate_response.security_mode = SMB2_NEGOTIATE_SIGNING_ENABLED;
    r.negotiate_response.capabilities = SMB2_GLOBAL_CAP_LEASING;
    memset(&r.negotiate_response.server_guid, 2, sizeof r.negotiate_response.server_guid);
    peer_request(p, &q);
    peer_response(p, &r);
    peer_login(p, ID, "alice");
    peer_tree(p, 1, share);
}

static struct smb2_message validate_request(struct peer *p) {
    struct smb2_message q = peer_ask(p, SMB2_IOCTL);
    q.ioctl.ctl_code = FSCTL_VALIDATE_NEGOTIATE_INFO;
    q.ioctl.has_details = true;
    q.ioctl.validate_negotiate.security_mode = SMB2_NEGOTIATE_SIGNING_ENABLED;
    q.ioctl.validate_negotiate.capabilities = SMB2_GLOBAL_CAP_ENCRYPTION;
    q.ioctl.validate_negotiate.dialects = (struct u16_list){offered, 3};
    memset(&q.ioctl.validate_negotiate.guid, 1, sizeof q.ioctl.validate_negotiate.guid);
    return q;
}

static struct smb2_message validate_response(struct peer *p) {
    struct smb2_message r = peer_say(p, SMB2_IOCTL, 0);
    r.ioctl.ctl_code = FSCTL_VALIDATE_NEGOTIATE_INFO;
    r.ioctl.has_details = true;
    r.ioctl.validate_negotiate.security_mode = SMB2_NEGOTIATE_SIGNING_ENABLED;
    r.ioctl.validate_negotiate.capabilities = SMB2_GLOBAL_CAP_LEASING;
    r.ioctl.validate_negotiate.dialects = (struct u16_list){chosen, 1};
    memset(&r.ioctl.validate_negotiate.guid, 2, sizeof r.ioctl.validate_negotiate.guid);
    return r;
}

static bool differs(struct peer *p, struct smb2_message *q, struct smb2_message *r) {
    q->header.message_id = p->next_message_id++;
    r->header.message_id = q->header.message_id;
    peer_request(p, q);
    peer_response(p, r);
    return bench_last(p->b, 0)->negotiate_differs;
}

static void each_part(void **state) {
    (void)state;
    struct bench *b = bench_new(NULL);
    struct peer p = peer_open(b, 1, 2);
    negotiate(&p);
    struct smb2_message q = validate_request(&p), r = validate_response(&p);
    assert_false(differs(&p, &q, &r));
    q.ioctl.validate_negotiate.security_mode = SMB2_NEGOTIATE_SIGNING_REQUIRED;
    assert_true(differs(&p, &q, &r));
    q = validate_request(&p);
    q.ioctl.validate_negotiate.capabilities = 0;
    assert_true(differs(&p, &q, &r));
    q = validate_request(&p);
    q.ioctl.validate_negotiate.guid.bytes[15] = 0;
    assert_true(differs(&p, &q, &r));
    q = validate_request(&p);
    q.ioctl.validate_negotiate.dialects = (struct u16_list){fewer, 2};
    assert_true(differs(&p, &q, &r));
    q.ioctl.has_details = false; /* not there to be held against anything */
    assert_false(differs(&p, &q, &r));
    q = validate_request(&p);
    r.ioctl.validate_negotiate.security_mode = 0;
    assert_true(differs(&p, &q, &r));
    r = validate_response(&p);
    r.ioctl.validate_negotiate.capabilities = 0;
    assert_true(differs(&p, &q, &r));
    r = validate_response(&p);
    r.ioctl.validate_negotiate.dialects.items = fewer;
    assert_true(differs(&p, &q, &r));
    r = validate_response(&p);
    r.ioctl.validate_negotiate.guid.bytes[0] = 0;
    assert_true(differs(&p, &q, &r));
    peer_close(&p);
    assert_false(b->end.stages & STAGE_VALIDATE_UNANSWERED);
    bench_free(b);
}

/* Of a connection whose NEGOTIATE was not seen nothing is known to differ. */
static void not_seen(void **state) {
    (void)state;
    struct bench *b = bench_new(NULL);
    struct peer p = peer_open_midstream(b, 1, 2);
    struct smb2_message q = validate_request(&p), r = validate_response(&p);
    q.ioctl.validate_negotiate.security_mode = r.ioctl.validate_negotiate.security_mode = 0;
    assert_false(differs(&p, &q, &r));
    q = validate_request(&p);
    peer_request(&p, &q);
    peer_close(&p);
    assert_true(b->end.stages & STAGE_VALIDATE_UNANSWERED);
    bench_free(b);
}

static void stages(void **state) {
    (void)state;
    struct bench *b = bench_new(NULL);
    struct peer p = peer_open(b, 1, 2);
    negotiate(&p);
    peer_login_status(&p, ID + 1, "mallory", 0, STATUS_LOGON_FAILURE);
    peer_close(&p);
    assert_int_equal(b->end.stages, STAGE_ESTABLISHED | STAGE_NEGOTIATE_ASKED | STAGE_NEGOTIATED | STAGE_SESSION |
                                        STAGE_SESSION_REFUSED | STAGE_TREE | STAGE_SESSION_LIVES | STAGE_TREE_LIVES |
                                        STAGE_LOST);
    assert_int_equal(b->end.refusal, STATUS_LOGON_FAILURE);
    p = peer_open(b, 1, 2);
    struct smb2_message q = negotiate_request(&p);
    peer_request(&p, &q);
    peer_close(&p);
    assert_int_equal(b->end.stages, STAGE_ESTABLISHED | STAGE_NEGOTIATE_ASKED | STAGE_NEGOTIATE_UNANSWERED);
    assert_int_equal(b->end.refusal, 0);
    p = peer_open(b, 1, 2); /* a leg, and no other */
    peer_negotiate(&p, 1, 2);
    peer_login_status(&p, ID, "alice", 0, STATUS_MORE_PROCESSING_REQUIRED);
    peer_close(&p);
    assert_int_equal(b->end.stages & (STAGE_SESSION | STAGE_SESSION_REFUSED | STAGE_SESSION_UNANSWERED),
                     STAGE_SESSION_UNANSWERED);
    bench_free(b);
}

/* With LOGOFF nothing lives on, and with another connection of the session it does. */
static void what_lives(void **state) {
    (void)state;
    struct bench *b = bench_new(NULL);
    struct peer p = peer_open(b, 1, 2);
    negotiate(&p);
    struct smb2_message q = peer_ask(&p, SMB2_LOGOFF);
    peer_exchange(&p, &q, 0);
    peer_close(&p);
    assert_false(b->end.stages & (STAGE_SESSION_LIVES | STAGE_TREE_LIVES | STAGE_LOST));
    p = peer_open(b, 1, 2);
    negotiate(&p);
    q = peer_ask(&p, SMB2_LOGOFF); /* without an answer: it left, and was not lost */
    peer_request(&p, &q);
    peer_close(&p);
    assert_int_equal(b->end.stages & (STAGE_SESSION_LIVES | STAGE_LOST), STAGE_SESSION_LIVES);
    bench_free(b);
}

/* A connection on which the two agree on a dialect, and on several channels where both have the capability; 0: not seen. */
static void agree(struct peer *p, uint16_t dialect, uint8_t client_guid, uint32_t asked, uint32_t answered) {
    struct smb2_message q = negotiate_request(p), r = peer_say(p, SMB2_NEGOTIATE, 0);
    q.negotiate_request.capabilities = asked;
    memset(&q.negotiate_request.client_guid, client_guid, sizeof q.negotiate_request.client_guid);
    r.negotiate_response.dialect = dialect;
    r.negotiate_response.capabilities = answered;
    memset(&r.negotiate_response.server_guid, 2, sizeof r.negotiate_response.server_guid);
    peer_request(p, &q);
    peer_response(p, &r);
}

static unsigned ended(struct peer *p) {
    enum { LIVES = STAGE_SESSION_LIVES | STAGE_TREE_LIVES | STAGE_LOST };
    const struct bench *b = p->b;
    peer_close(p);
    unsigned stages = b->end.stages & LIVES;
    assert_true(stages == LIVES || stages == 0);
    return stages;
}

/* Of a session that was there before, another connection may carry it on; unless what was negotiated has no such thing. */
static void what_may_go_on(void **state) {
    (void)state;
    enum { MANY = SMB2_GLOBAL_CAP_MULTI_CHANNEL };
    static const struct {
        uint16_t dialect;
        uint32_t asked, answered;
        bool login, lives;
    } cases[] = {
        {.dialect = 0},
        {.dialect = 0x0302, .asked = MANY, .answered = MANY},
        {.dialect = 0x0302, .asked = MANY, .lives = true},
        {.dialect = 0x0302, .answered = MANY, .lives = true},
        {.dialect = 0x0210, .asked = MANY, .answered = MANY, .lives = true},
        {.dialect = 0x0302, .asked = MANY, .answered = MANY, .login = true, .lives = true},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct bench *b = bench_new(NULL);
        struct peer p = cases[i].dialect ? peer_open(b, 1, 2) : peer_open_midstream(b, 1, 2);
        if (cases[i].dialect) {
            agree(&p, cases[i].dialect, 1, cases[i].asked, cases[i].answered);
        }
        if (cases[i].login) {
            peer_login(&p, ID, "alice");
        }
        p.session_id = ID;
        peer_tree(&p, 1, share);
        assert_int_equal(ended(&p) != 0, cases[i].lives);
        bench_free(b);
    }
}

/* One of the same number at another address may be the same; one of another client is not. */
static void at_two_addresses(void **state) {
    (void)state;
    enum { MANY = SMB2_GLOBAL_CAP_MULTI_CHANNEL };
    for (uint8_t guid = 0; guid < 3; guid++) {
        struct bench *b = bench_new(NULL);
        struct peer p = peer_open(b, 1, 2), q = guid ? peer_open(b, 3, 4) : peer_open_midstream(b, 3, 4);
        agree(&p, 0x0311, 1, MANY, MANY);
        peer_login(&p, ID, "alice");
        peer_tree(&p, 1, share);
        if (guid) {
            agree(&q, 0x0311, guid, MANY, MANY);
        }
        peer_login_status(&q, ID, "alice", SMB2_SESSION_FLAG_BINDING, guid == 2 ? STATUS_REQUEST_NOT_ACCEPTED : 0);
        q.session_id = ID;
        struct smb2_message read = peer_ask_file(&q, SMB2_READ, 7);
        peer_exchange(&q, &read, 0);
        assert_int_equal(ended(&p) != 0, guid == 2);
        peer_close(&q);
        bench_free(b);
    }
}

/* Of so many alike it is not looked which one could be the same; and it takes no time. */
static void very_many(void **state) {
    (void)state;
    enum { MANY = SMB2_GLOBAL_CAP_MULTI_CHANNEL, COUNT = SESSION_SEARCH_MAX + 2 };
    struct bench *b = bench_new(NULL);
    struct peer peers[COUNT];
    for (unsigned i = 0; i < COUNT; i++) {
        peers[i] = peer_open(b, (uint8_t)(i + 1), 200);
        agree(&peers[i], 0x0311, (uint8_t)(i + 1), MANY, MANY);
        peer_login(&peers[i], ID, "alice");
        peer_tree(&peers[i], 1, share);
    }
    assert_true(ended(&peers[0]) == 0 && b->stats.searches_cut == 1);
    for (unsigned i = 1; i < COUNT; i++) {
        assert_int_equal(ended(&peers[i]) != 0, i > 1); /* all of them have GUIDs that tell them apart */
    }
    bench_free(b);
}

/* Whether a SESSION_SETUP made a session: where a leg is missing it may have renewed one, or bound it. */
static void new_ones(void **state) {
    (void)state;
    struct bench *b = bench_new(NULL);
    struct peer p = peer_open(b, 1, 2), q = peer_open_midstream(b, 1, 2);
    agree(&p, 0x0311, 1, 0, 0);
    peer_login(&p, ID, "alice");
    assert_true(bench_last(b, 0)->session_new);
    peer_login(&p, ID, "alice");
    assert_false(bench_last(b, 0)->session_new);
    peer_login(&q, ID + 1, "alice"); /* names a session that is not known */
    assert_false(bench_last(b, 0)->session_new);
    for (unsigned leg = 0; leg < 2; leg++) {
        struct smb2_message ask = peer_ask(&q, SMB2_SESSION_SETUP);
        struct smb2_message say =
            peer_say(&q, SMB2_SESSION_SETUP, leg == 0 ? STATUS_MORE_PROCESSING_REQUIRED : STATUS_SUCCESS);
        ask.header.session_id = leg == 0 ? 0 : ID + 2;
        say.header.session_id = ID + 2;
        peer_request(&q, &ask);
        peer_response(&q, &say);
        assert_true(bench_last(b, 0)->session_new);
    }
    struct smb2_message say = peer_say(&p, SMB2_SESSION_SETUP, 0); /* an answer alone */
    say.header.message_id = 4711;
    say.header.session_id = ID + 3;
    peer_response(&p, &say);
    assert_int_equal(bench_last(b, 0)->kind, OPERATION_SESSION_SETUP);
    assert_false(bench_last(b, 0)->session_new);
    peer_close(&p);
    peer_close(&q);
    bench_free(b);
}

/* NEGOTIATE and SESSION_SETUP do not count; a request and its answer do, each. */
static void signatures(void **state) {
    (void)state;
    struct bench *b = bench_new(NULL);
    struct peer p = peer_open(b, 1, 2);
    negotiate(&p);
    p.flags = SMB2_FLAGS_SIGNED;
    struct smb2_message q = peer_ask(&p, SMB2_ECHO);
    peer_exchange(&p, &q, 0);
    q = peer_ask(&p, SMB2_ECHO); /* without an answer */
    peer_request(&p, &q);
    peer_close(&p);
    assert_int_equal(b->end.signed_messages, 3);
    assert_int_equal(b->end.unsigned_messages, 2); /* the TREE_CONNECT */
    bench_free(b);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_part),        cmocka_unit_test(not_seen),   cmocka_unit_test(stages),
        cmocka_unit_test(what_lives),       cmocka_unit_test(signatures), cmocka_unit_test(what_may_go_on),
        cmocka_unit_test(at_two_addresses), cmocka_unit_test(very_many),  cmocka_unit_test(new_ones),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
