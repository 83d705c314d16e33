/* Whether a message fits the connection: copies, strangers, friends, and what has to be confirmed. */
#include "../../dissectors/acquaintance.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "frames.h"
#include "pdu_smb1.h"

static struct message_ids smb2(uint16_t command, uint64_t id) {
    return (struct message_ids){.kind = MESSAGE_SMB2, .session = SESSION, .id = id, .command = command, .charge = 1};
}

static struct message_ids smb1(uint8_t command, uint16_t mid) {
    return (struct message_ids){.kind = MESSAGE_SMB1, .session = 100, .id = 7U << 16 | mid, .command = command};
}

static void learn(struct acquaintance *a, enum direction dir, struct message_ids i) {
    acquaintance_learn(a, dir, &i);
}

static void expect(const struct acquaintance *a, enum direction dir, struct message_ids i, enum fit fit,
                   bool doubtful) {
    bool is_doubtful = !doubtful;
    assert_int_equal(acquaintance_fit(a, dir, &i, &is_doubtful), fit);
    if (fit != FIT_NOT) {
        assert_int_equal(is_doubtful, doubtful);
    }
}

/* Requests 0 to 9, all answered but the last. */
static struct acquaintance ten(void) {
    struct acquaintance a;
    acquaintance_begin(&a, true);
    for (uint64_t id = 0; id < 10; id++) {
        learn(&a, TO_SERVER, smb2(SMB2_ECHO, id));
        if (id < 9) {
            learn(&a, TO_CLIENT, smb2(SMB2_ECHO, id));
        }
    }
    return a;
}

static void test_nothing_known(void **state) {
    (void)state;
    struct acquaintance a;
    acquaintance_begin(&a, true);
    assert_true(acquaintance_is_new(&a));
    expect(&a, TO_SERVER, smb2(SMB2_READ, 5), FIT_NEUTRAL, false);
    acquaintance_begin(&a, false);
    expect(&a, TO_SERVER, smb2(SMB2_READ, 5), FIT_NEUTRAL, true);
    expect(&a, TO_CLIENT, smb1(SMB1_READ_ANDX, 5), FIT_NEUTRAL, true);
    learn(&a, TO_SERVER, smb2(SMB2_READ, 5));
    assert_false(acquaintance_is_new(&a));
}

static void test_requests(void **state) {
    (void)state;
    struct acquaintance a = ten();
    acquaintance_missed(&a, TO_SERVER, 1460);
    expect(&a, TO_SERVER, smb2(SMB2_READ, 10), FIT_FRIEND, false);
    expect(&a, TO_SERVER, smb2(SMB2_READ, 9 + ACQUAINTANCE_NEAR), FIT_FRIEND, false);
    expect(&a, TO_SERVER, smb2(SMB2_READ, 9 + ACQUAINTANCE_NEAR + 100), FIT_FRIEND, true);
    expect(&a, TO_SERVER, smb2(SMB2_READ, 10 + ACQUAINTANCE_CREDITS), FIT_NEUTRAL, true);
    for (uint64_t id = 0; id < 10; id++) {
        expect(&a, TO_SERVER, smb2(SMB2_READ, id), FIT_NOT, false);
    }
    struct message_ids other = smb2(SMB2_READ, 10);
    other.session++;
    expect(&a, TO_SERVER, other, FIT_STRANGER, true);
    expect(&a, TO_SERVER, smb2(SMB2_CANCEL, 9), FIT_FRIEND, false);
    expect(&a, TO_SERVER, smb2(SMB2_CANCEL, 8), FIT_NEUTRAL, true);
    expect(&a, TO_SERVER, smb1(SMB1_ECHO, 10), FIT_NOT, false);
}

/* Messages that take many credits were lost: what comes next may be far ahead. */
static void test_charges(void **state) {
    (void)state;
    struct acquaintance a = ten();
    struct message_ids large = smb2(SMB2_QUERY_DIRECTORY, 10);
    large.charge = 128;
    learn(&a, TO_SERVER, large);
    acquaintance_missed(&a, TO_SERVER, 300);
    expect(&a, TO_SERVER, smb2(SMB2_READ, 10 + 4 * 128), FIT_FRIEND, false);
}

static void test_responses(void **state) {
    (void)state;
    struct acquaintance a = ten();
    acquaintance_missed(&a, TO_CLIENT, 100);
    expect(&a, TO_CLIENT, smb2(SMB2_ECHO, 9), FIT_FRIEND, false);
    expect(&a, TO_CLIENT, smb2(SMB2_ECHO, 8), FIT_NOT, false);
    expect(&a, TO_CLIENT, smb2(SMB2_ECHO, 10), FIT_NOT, false); /* no request was lost */
    acquaintance_missed(&a, TO_SERVER, 100);
    expect(&a, TO_CLIENT, smb2(SMB2_ECHO, 10), FIT_FRIEND, false);
    struct message_ids interim = smb2(SMB2_CHANGE_NOTIFY, 9);
    interim.interim = true;
    learn(&a, TO_CLIENT, interim);
    expect(&a, TO_CLIENT, smb2(SMB2_CHANGE_NOTIFY, 9), FIT_FRIEND, false);
    struct message_ids unasked = smb2(SMB2_OPLOCK_BREAK, UINT64_MAX);
    unasked.unasked = true;
    unasked.session = 0;
    expect(&a, TO_CLIENT, unasked, FIT_NEUTRAL, false);
    expect(&a, TO_CLIENT, smb2(SMB2_ECHO, UINT64_MAX), FIT_NOT, false);
}

/* The window of used MessageIds, shifted by every distance. */
static void test_window(void **state) {
    (void)state;
    for (uint64_t step = 1; step <= 2 * ACQUAINTANCE_IDS; step++) {
        struct acquaintance a = ten();
        learn(&a, TO_SERVER, smb2(SMB2_READ, 9 + step));
        expect(&a, TO_SERVER, smb2(SMB2_READ, 9 + step), FIT_NOT, false);
        expect(&a, TO_SERVER, smb2(SMB2_READ, 9), FIT_NOT, false);
        if (step > 1 && step < ACQUAINTANCE_REORDER) {
            expect(&a, TO_SERVER, smb2(SMB2_READ, 10), FIT_NEUTRAL, true);
        }
        if (step <= ACQUAINTANCE_IDS - 1) {
            expect(&a, TO_CLIENT, smb2(SMB2_READ, 9), FIT_FRIEND, false);
        }
    }
}

static void test_sessions(void **state) {
    (void)state;
    struct acquaintance a = ten();
    for (uint64_t i = 1; i <= 2 * ACQUAINTANCE_SESSIONS; i++) {
        struct message_ids m = smb2(SMB2_READ, 100 + i);
        m.session = i;
        learn(&a, TO_SERVER, m);
        m.session = SESSION; /* used all the time: it stays */
        m.id += 50;
        learn(&a, TO_SERVER, m);
        assert_true(a.session_count <= ACQUAINTANCE_SESSIONS);
    }
    expect(&a, TO_SERVER, smb2(SMB2_READ, 200), FIT_FRIEND, false);
    struct message_ids old = smb2(SMB2_READ, 200);
    old.session = 1;
    expect(&a, TO_SERVER, old, FIT_STRANGER, true);
    old.session = 2 * ACQUAINTANCE_SESSIONS;
    expect(&a, TO_SERVER, old, FIT_FRIEND, false);
}

static void test_confirm(void **state) {
    (void)state;
    struct acquaintance a;
    acquaintance_begin(&a, false);
    struct message_ids m = smb2(SMB2_READ, 5), other = smb2(SMB2_READ, 5), wrong = smb2(SMB2_WRITE, 5);
    other.session++;
    assert_false(acquaintance_confirm(&a, TO_SERVER, &m));
    assert_false(acquaintance_confirm(&a, TO_CLIENT, &other));
    assert_false(acquaintance_confirm(&a, TO_CLIENT, &wrong));
    assert_true(acquaintance_is_new(&a));
    assert_true(acquaintance_confirm(&a, TO_CLIENT, &m));
    expect(&a, TO_SERVER, smb2(SMB2_READ, 5), FIT_NOT, false);
    expect(&a, TO_SERVER, smb2(SMB2_READ, 6), FIT_FRIEND, false);
    assert_false(acquaintance_settles(&a, TO_CLIENT, &m)); /* nothing is left to be settled */
    for (uint64_t id = 10; id < 10 + ACQUAINTANCE_DOUBTFUL + 1; id++) {
        struct message_ids next = smb2(SMB2_READ, id);
        assert_false(acquaintance_confirm(&a, TO_SERVER, &next));
    }
    m.id = 10; /* forgotten */
    assert_false(acquaintance_settles(&a, TO_CLIENT, &m));
    m.id = 11;
    assert_true(acquaintance_settles(&a, TO_CLIENT, &m));
}

static void test_smb1(void **state) {
    (void)state;
    struct acquaintance a;
    acquaintance_begin(&a, true);
    for (uint16_t mid = 64; mid <= 640; mid = (uint16_t)(mid + 64)) {
        learn(&a, TO_SERVER, smb1(SMB1_CLOSE, mid));
        if (mid < 640) {
            learn(&a, TO_CLIENT, smb1(SMB1_CLOSE, mid));
        }
    }
    acquaintance_missed(&a, TO_CLIENT, 100);
    expect(&a, TO_CLIENT, smb1(SMB1_CLOSE, 640), FIT_FRIEND, false);
    expect(&a, TO_CLIENT, smb1(SMB1_CLOSE, 576), FIT_NOT, false);
    acquaintance_missed(&a, TO_SERVER, 100);
    expect(&a, TO_SERVER, smb1(SMB1_CLOSE, 704), FIT_FRIEND, false);
    expect(&a, TO_SERVER, smb1(SMB1_CLOSE, 64), FIT_NOT, false);
    expect(&a, TO_CLIENT, smb1(SMB1_CLOSE, 704), FIT_FRIEND, false);
    expect(&a, TO_SERVER, smb2(SMB2_READ, 5), FIT_NOT, false);
    learn(&a, TO_SERVER, smb1(SMB1_CLOSE, 64)); /* from here on they tell nothing */
    expect(&a, TO_SERVER, smb1(SMB1_CLOSE, 64), FIT_FRIEND, true);
    expect(&a, TO_CLIENT, smb1(SMB1_CLOSE, 64), FIT_FRIEND, false);
    struct message_ids stranger = smb1(SMB1_CLOSE, 64);
    stranger.session = 5;
    expect(&a, TO_SERVER, stranger, FIT_STRANGER, true);
}

/* Where one request alone is known, whether MIDs grow is not; at the start of a connection the next is believed all the same. */
static void test_smb1_second(void **state) {
    (void)state;
    for (int start = 0; start < 2; start++) {
        struct acquaintance a;
        acquaintance_begin(&a, start);
        learn(&a, TO_SERVER, smb1(SMB1_CLOSE, 1));
        learn(&a, TO_CLIENT, smb1(SMB1_CLOSE, 1));
        acquaintance_missed(&a, TO_SERVER, 130);
        expect(&a, TO_SERVER, smb1(SMB1_CLOSE, 3), FIT_FRIEND, !start);
        expect(&a, TO_SERVER, smb1(SMB1_CLOSE, 1), FIT_FRIEND, true);
    }
}

/* A response to a request that was lost shows as well that MIDs grow; one under the same MID does not. */
static void test_smb1_second_lost(void **state) {
    (void)state;
    for (uint16_t step = 0; step < 2; step++) {
        struct acquaintance a;
        acquaintance_begin(&a, false);
        learn(&a, TO_SERVER, smb1(SMB1_CLOSE, 13));
        learn(&a, TO_CLIENT, smb1(SMB1_CLOSE, 13));
        acquaintance_missed(&a, TO_SERVER, 130);
        learn(&a, TO_CLIENT, smb1(SMB1_READ_ANDX, (uint16_t)(13 + step)));
        expect(&a, TO_SERVER, smb1(SMB1_CLOSE, 15), FIT_FRIEND, step == 0);
    }
}

/* The rest of a transaction and the response to its front, which was lost, bear each other out, whichever comes first. */
static void test_smb1_parts(void **state) {
    (void)state;
    static const uint8_t pairs[][2] = {{SMB1_TRANSACTION_SECONDARY, SMB1_TRANSACTION},
                                       {SMB1_TRANSACTION2_SECONDARY, SMB1_TRANSACTION2},
                                       {SMB1_NT_TRANSACT_SECONDARY, SMB1_NT_TRANSACT}};
    for (unsigned i = 0; i < 6; i++) {
        bool part_first = i % 2;
        struct message_ids part = smb1(pairs[i / 2][0], 9), response = smb1(pairs[i / 2][1], 9);
        struct message_ids other = smb1(pairs[(i / 2 + 1) % 3][1], 9);
        struct acquaintance a;
        acquaintance_begin(&a, true);
        assert_false(acquaintance_confirm(&a, TO_CLIENT, &other));
        assert_false(part_first ? acquaintance_confirm(&a, TO_SERVER, &part)
                                : acquaintance_confirm(&a, TO_CLIENT, &response));
        assert_true(part_first ? acquaintance_confirm(&a, TO_CLIENT, &response)
                               : acquaintance_confirm(&a, TO_SERVER, &part));
    }
}

/* WRITE_COMPLETE is the second response to a WRITE_RAW. */
static void test_smb1_raw(void **state) {
    (void)state;
    struct acquaintance a;
    acquaintance_begin(&a, true);
    learn(&a, TO_SERVER, smb1(SMB1_WRITE_RAW, 9));
    expect(&a, TO_CLIENT, smb1(SMB1_WRITE_COMPLETE, 9), FIT_FRIEND, false);
    learn(&a, TO_CLIENT, smb1(SMB1_WRITE_RAW, 9));
    expect(&a, TO_CLIENT, smb1(SMB1_WRITE_COMPLETE, 9), FIT_FRIEND, true);
    struct message_ids request = smb1(SMB1_WRITE_RAW, 10), response = smb1(SMB1_WRITE_COMPLETE, 10);
    assert_false(acquaintance_confirm(&a, TO_SERVER, &request));
    assert_true(acquaintance_confirm(&a, TO_CLIENT, &response));
}

/* The break of an oplock has no MID of its own: one that was seen alone does not make a stranger of the client, nor of what is answered
 * next. */
static void test_smb1_break(void **state) {
    (void)state;
    struct message_ids breaks = smb1(SMB1_LOCKING_ANDX, 0xFFFF);
    breaks.unasked = true;
    struct acquaintance a;
    acquaintance_begin(&a, false);
    learn(&a, TO_CLIENT, breaks);
    assert_true(acquaintance_is_new(&a));
    expect(&a, TO_SERVER, smb1(SMB1_LOCKING_ANDX, 6), FIT_NEUTRAL, true);
    acquaintance_begin(&a, true);
    for (uint16_t mid = 0xA000; mid < 0xA010; mid++) {
        learn(&a, TO_SERVER, smb1(SMB1_CLOSE, mid));
        learn(&a, TO_CLIENT, smb1(SMB1_CLOSE, mid));
    }
    learn(&a, TO_CLIENT, breaks);
    acquaintance_missed(&a, TO_SERVER, 100);
    expect(&a, TO_CLIENT, smb1(SMB1_CLOSE, 0xA010), FIT_FRIEND, false);
}

/* NT_CANCEL has the MID of what it cancels: where that was lost, its answer is no stranger. */
static void test_smb1_cancel(void **state) {
    (void)state;
    struct acquaintance a;
    acquaintance_begin(&a, true);
    for (uint16_t mid = 1; mid < 9; mid++) {
        learn(&a, TO_SERVER, smb1(SMB1_CLOSE, mid));
        learn(&a, TO_CLIENT, smb1(SMB1_CLOSE, mid));
    }
    acquaintance_missed(&a, TO_SERVER, 200);
    acquaintance_missed(&a, TO_CLIENT, 200);
    learn(&a, TO_SERVER, smb1(SMB1_NT_CANCEL, 11));
    expect(&a, TO_CLIENT, smb1(SMB1_NT_TRANSACT, 11), FIT_FRIEND, false);
    learn(&a, TO_SERVER, smb1(SMB1_NT_CANCEL, 4)); /* of one that is behind */
    expect(&a, TO_SERVER, smb1(SMB1_CLOSE, 12), FIT_FRIEND, false);
    expect(&a, TO_SERVER, smb1(SMB1_CLOSE, 8), FIT_NOT, false);
}

static void test_transforms(void **state) {
    (void)state;
    struct acquaintance a = ten();
    struct message_ids t = {.kind = MESSAGE_TRANSFORM, .session = SESSION};
    expect(&a, TO_SERVER, t, FIT_FRIEND, false);
    t.session++;
    expect(&a, TO_SERVER, t, FIT_STRANGER, true);
    assert_false(acquaintance_confirm(&a, TO_SERVER, &t));
    assert_true(acquaintance_confirm(&a, TO_CLIENT, &t));
    expect(&a, TO_SERVER, t, FIT_FRIEND, false);
    struct message_ids z = {.kind = MESSAGE_COMPRESSED};
    expect(&a, TO_SERVER, z, FIT_NEUTRAL, true);
    learn(&a, TO_SERVER, z);
    expect(&a, TO_SERVER, z, FIT_NEUTRAL, false);
}

/* What is cut before its ids has none. */
static void test_ids(void **state) {
    (void)state;
    struct wire *w = calloc(1, sizeof *w);
    assert_non_null(w);
    put_header(w, SMB2_READ, SMB2_FLAGS_ASYNC_COMMAND, 77, SESSION);
    for (size_t n = 0; n <= w->n; n++) {
        uint8_t *cut = malloc(n ? n : 1);
        memcpy(cut, w->b, n);
        struct message_ids i = {0};
        bool whole = message_ids_of(&i, TO_CLIENT, MESSAGE_SMB2, (struct view){cut, n});
        assert_int_equal(whole, n >= 48);
        assert_int_equal(i.id, whole ? 77 : 0);
        assert_int_equal(i.session, whole ? SESSION : 0);
        assert_int_equal(i.async, whole);
        assert_int_equal(i.charge, whole ? 1 : 0);
        free(cut);
    }
    free(w);
}

/* What goes on is learned as every message is, whatever comes between. */
static void test_goes_on(void **state) {
    (void)state;
    static const uint16_t commands[] = {SMB2_READ,      SMB2_READ,   SMB2_CLOSE,
                                        SMB2_NEGOTIATE, SMB2_CANCEL, SMB2_OPLOCK_BREAK};
    static const uint64_t sessions[] = {SESSION, SESSION, SESSION, SESSION, SESSION + 1, 0, UINT64_MAX};
    static const uint64_t first_ids[] = {0, 100000, UINT64_MAX - 300};
    struct wire *w = malloc(sizeof *w);
    assert_non_null(w);
    uint32_t seed = 445;
    unsigned went_on = 0;
    for (unsigned i = 0; i < 30000; i++) {
        static struct acquaintance a, b;
        static uint64_t id;
        uint32_t r[7];
        for (unsigned k = 0; k < 7; k++) {
            seed = seed * 1664525 + 1013904223;
            r[k] = seed >> 10;
        }
        if (i % 1000 == 0) {
            memset(&a, 0, sizeof a);
            acquaintance_begin(&a, i % 2000 == 0);
            b = a;
            id = first_ids[i / 1000 % 3];
        }
        enum direction dir = r[0] % 2 ? TO_SERVER : TO_CLIENT;
        id += r[1] % 8 == 0 ? r[2] % 200 - 60 : 1;
        w->n = 0;
        put_header(w, commands[r[3] % 6], r[4] % 16 ? 0 : SMB2_FLAGS_ASYNC_COMMAND, r[1] % 64 == 1 ? UINT64_MAX : id,
                   sessions[r[5] % 32 < 7 ? r[5] % 32 : 0]);
        w->b[6] = (uint8_t)(r[6] % 5); /* CreditCharge */
        w->b[8] = r[6] % 16 ? 0 : 3;   /* with the next: STATUS_PENDING */
        w->b[9] = w->b[8] ? 1 : 0;
        struct view bytes = {w->b, w->n};
        struct message_ids ids;
        assert_true(message_ids_of(&ids, dir, MESSAGE_SMB2, bytes));
        acquaintance_learn(&a, dir, &ids);
        bool goes_on = acquaintance_goes_on(&b, dir, bytes);
        if (!goes_on) {
            acquaintance_learn(&b, dir, &ids);
        }
        went_on += goes_on;
        assert_memory_equal(&a, &b, sizeof a);
        if (r[2] % 100 == 0) {
            acquaintance_missed(&a, dir, 1000);
            acquaintance_missed(&b, dir, 1000);
        }
    }
    assert_in_range(went_on, 3000, 27000);
    assert_false(acquaintance_goes_on(&(struct acquaintance){0}, TO_SERVER, (struct view){w->b, 47}));
    free(w);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_nothing_known), cmocka_unit_test(test_requests),
        cmocka_unit_test(test_charges),       cmocka_unit_test(test_responses),
        cmocka_unit_test(test_window),        cmocka_unit_test(test_sessions),
        cmocka_unit_test(test_confirm),       cmocka_unit_test(test_smb1),
        cmocka_unit_test(test_smb1_second),   cmocka_unit_test(test_smb1_second_lost),
        cmocka_unit_test(test_smb1_parts),    cmocka_unit_test(test_smb1_raw),
        cmocka_unit_test(test_smb1_break),    cmocka_unit_test(test_smb1_cancel),
        cmocka_unit_test(test_transforms),    cmocka_unit_test(test_ids),
        cmocka_unit_test(test_goes_on),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
