#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "delivery/peer.h"
#include "delivery/relp.h"
#include "receiver.h"

#define OFFER "200 OK\nrelp_version=0\nrelp_software=test\ncommands=syslog,other"

enum { HEARD_MAX = 20000 };

static struct receiver receiver;
static struct trip trip;
static char why_not[TRANSPORT_WHY_SIZE];

/* What the receiver heard and what it makes of it. */
static struct {
    size_t at;         /* in the receiver's bytes: what was understood */
    const char *offer; /* NULL: it says nothing to open */
    bool mute;         /* it acknowledges nothing by itself */
    unsigned refuses;  /* each record whose number it divides; 0: none */
    unsigned count;
    unsigned numbers[HEARD_MAX]; /* of the records */
    uint32_t txnrs[HEARD_MAX];
    uint32_t last_txnr;
    bool closed;
} heard;

static void answer(uint32_t txnr, const char *data) {
    char frame[1024];
    size_t n = strlen(data);
    int all = snprintf(frame, sizeof frame, "%u rsp %zu%s%s\n", txnr, n, n ? " " : "", data);
    if (receiver.fd >= 0) {
        receiver_write(&receiver, frame, (size_t)all);
    }
}

static void acknowledge(unsigned index) {
    bool refused = heard.refuses && heard.numbers[index] % heard.refuses == 0;
    answer(heard.txnrs[index], refused ? "500 not \x1b this one\nreally" : "200 OK");
}

static void hear_record(uint32_t txnr, const char *data, size_t n) {
    const char *seq = memmem(data, n, "{\"seq\":", 7);
    assert_memory_equal(data, "<134>1 2026-11-03T09:02:03.123456Z edge1 smbtap ", 48);
    assert_non_null(seq);
    assert_true(heard.count < HEARD_MAX);
    heard.numbers[heard.count] = (unsigned)strtoul(seq + 7, NULL, 10);
    heard.txnrs[heard.count++] = txnr;
    if (!heard.mute) {
        acknowledge(heard.count - 1);
    }
}

static void hear_frame(uint32_t txnr, const char *command, const char *data, size_t n) {
    assert_int_equal(txnr, heard.last_txnr + 1);
    heard.last_txnr = txnr;
    if (strcmp(command, "open") == 0) {
        static const char want[] = "relp_version=0\nrelp_software=smbtap," SMBTAP_VERSION "\ncommands=syslog";
        assert_int_equal(n, sizeof want - 1);
        assert_memory_equal(data, want, n);
        if (heard.offer) {
            answer(txnr, heard.offer);
        }
    } else if (strcmp(command, "close") == 0) {
        assert_int_equal(n, 0);
        heard.closed = true;
        answer(txnr, "");
        receiver_write(&receiver, "0 serverclose 0\n", 16);
    } else {
        assert_string_equal(command, "syslog");
        hear_record(txnr, data, n);
    }
}

/* The frames that are there, by the letter of the specification. */
static void hear_all(void) {
    for (;;) {
        char head[64] = "", command[33];
        size_t left = receiver.used - heard.at;
        memcpy(head, receiver.bytes + heard.at, left < 63 ? left : 63);
        unsigned txnr, length;
        int n = 0;
        if (sscanf(head, "%9u %32[a-z] %9u%n", &txnr, command, &length, &n) != 3 || (size_t)n >= left) {
            break;
        }
        size_t data = (size_t)n + (length > 0);
        if (data + length + 1 > left) {
            break;
        }
        assert_int_equal(head[n], length > 0 ? ' ' : '\n');
        assert_int_equal(receiver.bytes[heard.at + data + length], '\n');
        hear_frame(txnr, command, receiver.bytes + heard.at + data, length);
        heard.at += data + length + 1;
    }
}

static void hear_now(struct trip *t) {
    if (receiver_accept(t->receiver)) {
        receiver_read(t->receiver, SIZE_MAX);
        hear_all();
        if (t->receiver->ended) {
            receiver_end(t->receiver);
        }
    }
}

static void begin(void) {
    receiver_end(&receiver);
    receiver_forget(&receiver);
    heard.at = 0;
    heard.last_txnr = 0;
    trip.next = 1;
    trip.transport.begin(trip.transport.state, trip_now(&trip));
}

static int open_with(int buffer) {
    receiver_open(&receiver, buffer);
    memset(&heard, 0, sizeof heard);
    heard.offer = OFFER;
    trip = (struct trip){.receiver = &receiver, .serve = hear_now};
    trip_settings(&trip.settings, OUTPUT_RELP, "127.0.0.1", receiver.port);
    if (relp_transport(&trip.transport, &trip.settings, why_not) != 0) {
        return -1;
    }
    begin();
    return 0;
}

static int open_all(void **state) {
    (void)state;
    return open_with(0);
}

static int open_tight(void **state) {
    (void)state;
    return open_with(2048);
}

static int close_all(void **state) {
    (void)state;
    trip.transport.free(trip.transport.state);
    receiver_close(&receiver);
    return 0;
}

static uint64_t done(void) {
    return trip.transport.done(trip.transport.state);
}

static const char *why(void) {
    return trip.transport.why(trip.transport.state);
}

static void end(void) {
    trip.transport.end(trip.transport.state, trip_now(&trip));
}

static bool refused(uint64_t *place) {
    return trip.transport.refused(trip.transport.state, place);
}

/* Until the receiver has heard so many records. */
static void until_heard(unsigned count) {
    for (unsigned i = 0; heard.count < count; i++) {
        trip_turn(&trip);
        assert_true(i < 5000);
    }
}

static void some_turns(void) {
    for (unsigned i = 0; i < 10; i++) {
        trip_turn(&trip);
    }
}

static void heard_in_order(unsigned last) {
    assert_int_equal(heard.count, last);
    for (unsigned i = 0; i < last; i++) {
        assert_int_equal(heard.numbers[i], i + 1);
    }
}

/* ---- sessions */

static void all_arrive_and_it_ends_in_order(void **state) {
    (void)state;
    assert_true(trip.transport.acknowledges);
    trip_until(&trip, TRANSPORT_READY);
    trip_send_all(&trip, 5000);
    end();
    trip_until(&trip, TRANSPORT_ENDED);
    assert_int_equal(trip.state, TRANSPORT_ENDED);
    assert_int_equal(done(), 50000);
    assert_true(heard.closed);
    heard_in_order(5000);
    uint64_t place;
    assert_false(refused(&place));
}

static void in_small_pieces(void **state) {
    (void)state;
    trip_until(&trip, TRANSPORT_READY);
    trip_send_all(&trip, 2000);
    end();
    trip_until(&trip, TRANSPORT_ENDED);
    assert_int_equal(done(), 20000);
    heard_in_order(2000);
}

static void answers_in_any_order(void **state) {
    (void)state;
    heard.mute = true;
    trip_until(&trip, TRANSPORT_READY);
    trip_send_all(&trip, 9);
    until_heard(9);
    assert_int_equal(done(), 0);
    static const unsigned order[] = {8, 1, 0, 2, 4, 5, 3, 7, 6};
    static const uint64_t expected[] = {0, 0, 20, 30, 30, 30, 60, 60, 90};
    for (unsigned i = 0; i < 9; i++) {
        acknowledge(order[i]);
        some_turns();
        assert_int_equal(done(), expected[i]);
    }
}

static void the_window(void **state) {
    (void)state;
    heard.mute = true;
    trip_until(&trip, TRANSPORT_READY);
    for (unsigned i = 0; heard.count < RELP_WINDOW; i++) {
        trip_send(&trip, 1000000);
        trip_turn(&trip);
        assert_true(i < 5000);
    }
    assert_int_equal(trip_send(&trip, 1000000), -EAGAIN);
    some_turns();
    heard_in_order(RELP_WINDOW);
    acknowledge(0);
    some_turns();
    assert_int_equal(trip_send(&trip, 1000000), -EAGAIN);
    until_heard(RELP_WINDOW + 1);
    some_turns();
    assert_int_equal(heard.count, RELP_WINDOW + 1);
}

/* Each answer comes a byte at a time. */
static void answers_that_come_in_pieces(void **state) {
    (void)state;
    static const char frames[] = "2 rsp 6 200 OK\n3 rsp 16 200 OK\nlines too\n4 rsp 3 200\n5 rsp 6 500 no\n";
    static const uint64_t at[] = {15, 41, 53};
    heard.mute = true;
    trip_until(&trip, TRANSPORT_READY);
    trip_send_all(&trip, 4);
    until_heard(4);
    for (size_t i = 0; i < sizeof frames - 1; i++) {
        receiver_write(&receiver, frames + i, 1);
        trip_turn(&trip);
        trip_turn(&trip);
        uint64_t want = 0;
        for (unsigned k = 0; k < 3; k++) {
            want += i + 1 >= at[k] ? 10 : 0;
        }
        assert_int_equal(trip.state, TRANSPORT_READY);
        assert_int_equal(done(), want);
    }
    uint64_t place = 0;
    assert_true(refused(&place));
    assert_int_equal(place, 40);
    assert_int_equal(done(), 40);
    assert_false(refused(&place));
}

/* One that is refused is not done before that was told. */
static void records_that_are_refused(void **state) {
    (void)state;
    heard.refuses = 3;
    trip_until(&trip, TRANSPORT_READY);
    trip_send_all(&trip, 10);
    until_heard(10);
    some_turns();
    assert_int_equal(done(), 20);
    end();
    some_turns();
    assert_int_equal(trip.state, TRANSPORT_BUSY);
    uint64_t place = 0;
    for (uint64_t i = 3; i < 10; i += 3) {
        assert_true(refused(&place));
        assert_int_equal(place, i * 10);
        assert_int_equal(done(), i == 9 ? 100 : (i + 2) * 10);
    }
    assert_false(refused(&place));
    trip_until(&trip, TRANSPORT_ENDED);
    assert_int_equal(trip.state, TRANSPORT_ENDED);
}

static void reset_after_each_answer(struct trip *t) {
    hear_now(t);
    if (heard.count > 0 && receiver.fd >= 0) {
        acknowledge(heard.count - 1); /* of all that came, the last one alone */
        heard.count = 0;
        receiver_reset(&receiver);
    }
}

/* What was acknowledged before a break is done, and nothing else. */
static void a_reset_at_every_record(void **state) {
    (void)state;
    trip.serve = reset_after_each_answer;
    heard.mute = true;
    unsigned from = 1;
    for (unsigned resets = 0; from <= 30; resets++) {
        assert_true(resets < 200);
        trip_until(&trip, TRANSPORT_READY);
        if (trip.state == TRANSPORT_READY) {
            trip.next = from;
            trip_send(&trip, from);
            trip_until(&trip, TRANSPORT_ENDED);
        }
        assert_int_equal(trip.state, TRANSPORT_BROKEN);
        assert_true(done() == 0 || done() == from * 10);
        from += done() > 0;
        begin();
    }
}

static void close_when_it_comes(struct trip *t) {
    hear_now(t);
    if (heard.count == 5 && receiver.fd >= 0) {
        for (unsigned i = 0; i < 3; i++) {
            acknowledge(i);
        }
        receiver_write(&receiver, "0 serverclose 0\n", 16);
        receiver_end(&receiver);
    }
}

/* The answers that came before are taken. */
static void a_receiver_that_is_stopped(void **state) {
    (void)state;
    trip.serve = close_when_it_comes;
    heard.mute = true;
    trip_until(&trip, TRANSPORT_READY);
    trip_send_all(&trip, 5);
    trip_until(&trip, TRANSPORT_ENDED);
    assert_int_equal(trip.state, TRANSPORT_BROKEN);
    assert_non_null(strstr(why(), "it ends the session; see whether it was stopped"));
    assert_int_equal(done(), 30);
}

static void close_without_a_word(struct trip *t) {
    hear_now(t);
    if (heard.count == 5) {
        acknowledge(0);
        receiver_end(&receiver);
        heard.count = 0;
    }
}

static void a_receiver_that_goes_away(void **state) {
    (void)state;
    trip.serve = close_without_a_word;
    heard.mute = true;
    trip_until(&trip, TRANSPORT_READY);
    trip_send_all(&trip, 5);
    trip_until(&trip, TRANSPORT_ENDED);
    assert_int_equal(trip.state, TRANSPORT_BROKEN);
    assert_non_null(strstr(why(), "it ended the connection"));
    assert_int_equal(done(), 10);
}

static void one_that_acknowledges_nothing(void **state) {
    (void)state;
    heard.mute = true;
    trip_until(&trip, TRANSPORT_READY);
    trip.shift += 2 * RELP_ANSWER_NS; /* nothing is due: it may be silent */
    trip_turn(&trip);
    trip_send_all(&trip, 5);
    until_heard(5);
    trip.shift += RELP_ANSWER_NS - 1000000000;
    trip_turn(&trip);
    assert_int_equal(trip.state, TRANSPORT_READY);
    acknowledge(3);
    some_turns();
    trip.shift += RELP_ANSWER_NS - 1000000000;
    trip_turn(&trip);
    assert_int_equal(trip.state, TRANSPORT_READY);
    struct pollfd to[TRANSPORT_DESCRIPTORS];
    uint64_t until = 0;
    trip.transport.poll(trip.transport.state, to, &until);
    assert_in_range(until, trip_now(&trip), trip_now(&trip) + 1000000000);
    trip.shift += 1000000000;
    trip_turn(&trip);
    assert_int_equal(trip.state, TRANSPORT_BROKEN);
    assert_non_null(strstr(why(), "it has acknowledged nothing for 60 seconds; see what holds it up"));
    assert_int_equal(done(), 0);
}

static void never_says_anything(struct trip *t) {
    if (receiver_accept(t->receiver)) {
        receiver_read(t->receiver, SIZE_MAX);
    }
}

static void one_that_does_not_answer_to_open(void **state) {
    (void)state;
    trip.serve = never_says_anything;
    some_turns();
    assert_int_equal(trip.state, TRANSPORT_BUSY);
    trip.shift += RELP_OPEN_NS;
    trip_turn(&trip);
    assert_int_equal(trip.state, TRANSPORT_BROKEN);
    assert_non_null(strstr(why(), "it does not answer; see whether its port is one for RELP"));
}

/* Everything was acknowledged: nothing is lost by an end that the receiver does not answer. */
static void one_that_does_not_answer_to_close(void **state) {
    (void)state;
    trip_until(&trip, TRANSPORT_READY);
    trip_send_all(&trip, 5);
    until_heard(5);
    some_turns();
    trip.serve = never_says_anything;
    end();
    some_turns();
    assert_int_equal(trip.state, TRANSPORT_BUSY);
    trip.shift += RELP_CLOSE_NS;
    trip_turn(&trip);
    assert_int_equal(trip.state, TRANSPORT_ENDED);
    assert_int_equal(done(), 50);
}

static void one_that_answers_close_by_closing(void **state) {
    (void)state;
    trip_until(&trip, TRANSPORT_READY);
    trip_send_all(&trip, 5);
    until_heard(5);
    some_turns();
    trip.serve = NULL;
    end();
    trip_turn(&trip);
    receiver_end(&receiver);
    trip_until(&trip, TRANSPORT_ENDED);
    assert_int_equal(trip.state, TRANSPORT_ENDED);
    assert_int_equal(done(), 50);
}

static void an_end_before_it_is_open(void **state) {
    (void)state;
    end();
    trip_turn(&trip);
    assert_int_equal(trip.state, TRANSPORT_ENDED);
    assert_int_equal(done(), 0);
}

static void what_may_be_answered_to_open(void **state) {
    (void)state;
    static const struct {
        const char *offer, *why;
    } cases[] = {
        {"200 OK", NULL},
        {"200 OK\nrelp_version=0\ncommands=syslog", NULL},
        {"200 OK\ncommands=eventlog,syslog\nrelp_version=1", NULL},
        {"200 OK\ncommands=eventlog", "it takes no syslog over RELP"},
        {"200 OK\ncommands=", "it takes no syslog over RELP"},
        {"200 OK\ncommands=syslogs,sys", "it takes no syslog over RELP"},
        {"500 you may \x1b not\ncommands=syslog", "it refuses a session (500 you may ? not); see its own log"},
        {"", "it refuses a session (0 )"},
        {"OK", "it refuses a session (0 OK)"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        heard.offer = cases[i].offer;
        begin();
        trip_until(&trip, TRANSPORT_READY);
        assert_int_equal(trip.state, cases[i].why ? TRANSPORT_BROKEN : TRANSPORT_READY);
        assert_true(!cases[i].why || strstr(why(), cases[i].why));
    }
}

/* Whatever a receiver says to five records, it is told or taken, and done only what was acknowledged. */
static void answers_that_make_no_sense(void **state) {
    (void)state;
    static const struct {
        const char *says, *why;
        uint64_t done;
    } cases[] = {
        {"hello\n", "what it says is no RELP", 0},
        {"\n", "what it says is no RELP", 0},
        {"-2 rsp 6 200 OK\n", "what it says is no RELP", 0},
        {"2 rsp 99999999 200 OK\n", "what it says is no RELP", 0},
        {"2 rsp 4294967302 200 OK\n", "what it says is no RELP", 0},
        {"2 rsp 5 200 OK\n", "what it says is no RELP", 0},
        {"2 rsp 6200 OK\n", "what it says is no RELP", 0},
        {"2 syslog 6 200 OK\n", "what it says is no RELP", 0},
        {"2222222222 rsp 6 200 OK\n", "what it says is no RELP", 0},
        {"2  rsp 6 200 OK\n", "what it says is no RELP", 0},
        {"2 rspppppppppppppppppppppppppppppppppppppppppp", "what it says is no RELP", 0},
        {"7 rsp 6 200 OK\n", "it answers what was not asked, or twice", 0},
        {"1 rsp 6 200 OK\n", "it answers what was not asked, or twice", 0},
        {"0 rsp 6 200 OK\n", "it answers what was not asked, or twice", 0},
        {"999999999 rsp 6 200 OK\n", "it answers what was not asked, or twice", 0},
        {"2 rsp 6 200 OK\n2 rsp 6 200 OK\n", "it answers what was not asked, or twice", 10},
        {"3 rsp 6 200 OK\n3 rsp 6 200 OK\n", "it answers what was not asked, or twice", 0},
        {"2 rsp 6 200 OK\n3 rsp 0\n", "it answers without a code", 10},
        {"2 rsp 2 OK\n", "it answers without a code", 0},
        {"2 rsp 6 200 OK\n0 serverclose 0\n", "it ends the session", 10},
    };
    heard.mute = true;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        heard.count = 0;
        begin();
        trip_until(&trip, TRANSPORT_READY);
        trip_send_all(&trip, 5);
        until_heard(5);
        receiver_write(&receiver, cases[i].says, strlen(cases[i].says));
        trip_until(&trip, TRANSPORT_ENDED);
        assert_int_equal(trip.state, TRANSPORT_BROKEN);
        if (!strstr(why(), cases[i].why)) {
            fail_msg("%s: not \"%s\", but: %s", cases[i].says, cases[i].why, why());
        }
        assert_int_equal(done(), cases[i].done);
    }
}

static void answers_before_it_is_asked(void **state) {
    (void)state;
    heard.offer = NULL;
    for (unsigned i = 0; heard.last_txnr == 0; i++) {
        trip_turn(&trip);
        assert_true(i < 1000);
    }
    receiver_write(&receiver, "2 rsp 6 200 OK\n", 15);
    trip_until(&trip, TRANSPORT_ENDED);
    assert_int_equal(trip.state, TRANSPORT_BROKEN);
    assert_non_null(strstr(why(), "it answers what was not asked (2)"));
}

/* An answer of RELP_ANSWER_MAX bytes and more is none. */
static void how_long_an_answer_may_be(void **state) {
    (void)state;
    static char long_one[2 * RELP_ANSWER_MAX];
    heard.mute = true;
    for (unsigned more = 0; more < 2; more++) {
        unsigned length = RELP_ANSWER_MAX - 64 + more;
        int n = snprintf(long_one, sizeof long_one, "2 rsp %u 200 %0*d\n", length, (int)length - 4, 0);
        heard.count = 0;
        begin();
        trip_until(&trip, TRANSPORT_READY);
        trip_send_all(&trip, 1);
        until_heard(1);
        receiver_write(&receiver, long_one, (size_t)n);
        some_turns();
        assert_int_equal(trip.state, more ? TRANSPORT_BROKEN : TRANSPORT_READY);
        assert_int_equal(done(), more ? 0 : 10);
    }
}

/* ---- frames */

static void numbers_go_round(void **state) {
    (void)state;
    assert_int_equal(relp_txnr_next(1), 2);
    assert_int_equal(relp_txnr_next(999999998), 999999999);
    assert_int_equal(relp_txnr_next(999999999), 1);
    assert_int_equal(relp_txnr_steps(1, 1), 0);
    assert_int_equal(relp_txnr_steps(5, 9), 4);
    assert_int_equal(relp_txnr_steps(999999998, 2), 3);
    assert_int_equal(relp_txnr_steps(2, 1), 999999998);
    uint32_t from = 999999990, to = from;
    for (uint32_t i = 0; i < 20; i++) {
        assert_int_equal(relp_txnr_steps(from, to), i);
        to = relp_txnr_next(to);
    }
}

static void what_a_frame_says(void **state) {
    (void)state;
    struct relp_answer a;
    static const char frame[] = "123 rsp 13 200 OK\nmore=1\n9";
    assert_int_equal(relp_parse(frame, sizeof frame - 1, &a), sizeof frame - 2);
    assert_int_equal(a.txnr, 123);
    assert_int_equal(a.command, RELP_RSP);
    assert_int_equal(a.code, 200);
    assert_int_equal(a.n, 9);
    assert_memory_equal(a.text, "OK\nmore=1", 9);
    for (size_t n = 0; n < sizeof frame - 2; n++) {
        assert_int_equal(relp_parse(frame, n, &a), 0);
    }
    assert_int_equal(relp_parse("0 serverclose 0\n", 16, &a), 16);
    assert_int_equal(a.command, RELP_SERVERCLOSE);
    assert_int_equal(a.code, 0);
    assert_int_equal(a.n, 0);
    assert_int_equal(relp_parse("5 rsp 3 200\n", 12, &a), 12);
    assert_int_equal(a.code, 200);
    assert_int_equal(a.n, 0);
    assert_int_equal(relp_parse("5 rsp 4 2000\n", 13, &a), 13);
    assert_int_equal(a.code, 0);
    assert_int_equal(relp_parse("5 rsp 0 \n", 9, &a), -EBADMSG);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(all_arrive_and_it_ends_in_order, open_all, close_all),
        cmocka_unit_test_setup_teardown(in_small_pieces, open_tight, close_all),
        cmocka_unit_test_setup_teardown(answers_in_any_order, open_all, close_all),
        cmocka_unit_test_setup_teardown(the_window, open_all, close_all),
        cmocka_unit_test_setup_teardown(answers_that_come_in_pieces, open_all, close_all),
        cmocka_unit_test_setup_teardown(records_that_are_refused, open_all, close_all),
        cmocka_unit_test_setup_teardown(a_reset_at_every_record, open_all, close_all),
        cmocka_unit_test_setup_teardown(a_receiver_that_is_stopped, open_all, close_all),
        cmocka_unit_test_setup_teardown(a_receiver_that_goes_away, open_all, close_all),
        cmocka_unit_test_setup_teardown(one_that_acknowledges_nothing, open_all, close_all),
        cmocka_unit_test_setup_teardown(one_that_does_not_answer_to_open, open_all, close_all),
        cmocka_unit_test_setup_teardown(one_that_does_not_answer_to_close, open_all, close_all),
        cmocka_unit_test_setup_teardown(one_that_answers_close_by_closing, open_all, close_all),
        cmocka_unit_test_setup_teardown(an_end_before_it_is_open, open_all, close_all),
        cmocka_unit_test_setup_teardown(what_may_be_answered_to_open, open_all, close_all),
        cmocka_unit_test_setup_teardown(answers_that_make_no_sense, open_all, close_all),
        cmocka_unit_test_setup_teardown(answers_before_it_is_asked, open_all, close_all),
        cmocka_unit_test_setup_teardown(how_long_an_answer_may_be, open_all, close_all),
        cmocka_unit_test(numbers_go_round),
        cmocka_unit_test(what_a_frame_says),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
