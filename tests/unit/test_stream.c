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
#include "delivery/stream.h"
#include "receiver.h"

enum { MANY = 3000 };

static struct receiver receiver;
static struct trip trip;
static unsigned numbers[200000];

static void begin(struct trip *t) {
    t->next = 1;
    t->transport.begin(t->transport.state, trip_now(t));
}

static int open_buffered(int buffer) {
    char why[TRANSPORT_WHY_SIZE];
    receiver_open(&receiver, buffer);
    trip = (struct trip){.receiver = &receiver};
    trip_settings(&trip.settings, OUTPUT_TCP, "127.0.0.1", receiver.port);
    if (stream_transport(&trip.transport, &trip.settings, why) != 0) {
        return -1;
    }
    begin(&trip);
    return 0;
}

static int open_all(void **state) {
    (void)state;
    return open_buffered(0);
}

static int open_tight(void **state) {
    (void)state;
    return open_buffered(2048);
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

static void no_serving(struct trip *t) {
    (void)t;
}

static void accept_alone(struct trip *t) {
    receiver_accept(t->receiver);
}

static void arrived_in_order(unsigned last, bool counted) {
    unsigned count = receiver_records(&receiver, counted, numbers, sizeof numbers / sizeof numbers[0]);
    assert_int_equal(count, last);
    for (unsigned i = 0; i < count; i++) {
        assert_int_equal(numbers[i], i + 1);
    }
}

static void all_arrive_and_it_ends_in_order(void **state) {
    (void)state;
    assert_false(trip.transport.acknowledges);
    trip_until(&trip, TRANSPORT_READY);
    assert_int_equal(done(), 0);
    trip_send_all(&trip, MANY);
    end();
    assert_int_equal(trip_send(&trip, MANY + 1), -EAGAIN);
    trip_until(&trip, TRANSPORT_ENDED);
    assert_int_equal(trip.state, TRANSPORT_ENDED);
    assert_int_equal(done(), MANY * 10);
    assert_true(receiver.ended);
    arrived_in_order(MANY, true);
    assert_int_equal(trip.transport.bytes(trip.transport.state), receiver.used);
    uint64_t place;
    assert_false(trip.transport.refused(trip.transport.state, &place));
}

static void newlines_end_frames(void **state) {
    (void)state;
    trip.settings.syslog.framing = SYSLOG_NEWLINE;
    trip_until(&trip, TRANSPORT_READY);
    trip_send_all(&trip, 100);
    end();
    trip_until(&trip, TRANSPORT_ENDED);
    arrived_in_order(100, false);
}

static void read_little(struct trip *t) {
    if (receiver_accept(t->receiver)) {
        receiver_read(t->receiver, 1777);
        if (t->receiver->ended) {
            receiver_end(t->receiver);
        }
    }
}

/* What the socket takes ends in the middle of records; a record counts once its last byte was taken. */
static void partial_writes(void **state) {
    (void)state;
    trip.serve = read_little;
    trip_until(&trip, TRANSPORT_READY);
    uint64_t last = 0;
    while (trip.next <= MANY) {
        trip_send(&trip, MANY);
        assert_true(done() >= last && done() % 10 == 0);
        last = done();
        trip_turn(&trip);
        assert_int_equal(trip.state, TRANSPORT_READY);
    }
    end();
    trip_until(&trip, TRANSPORT_ENDED);
    assert_int_equal(done(), MANY * 10);
    arrived_in_order(MANY, true);
}

/* What waits here and in the kernel is bounded, and what is not done can be told. */
static void a_receiver_that_stalls(void **state) {
    (void)state;
    trip.serve = accept_alone;
    trip_until(&trip, TRANSPORT_READY);
    for (unsigned i = 0; i < 200; i++) {
        trip_send(&trip, 1000000);
        trip_turn(&trip);
    }
    assert_int_equal(trip.state, TRANSPORT_READY);
    assert_int_equal(trip_send(&trip, 1000000), -EAGAIN);
    assert_true(trip.transport.bytes(trip.transport.state) < 4 * PEER_SEND_BUFFER);
    assert_true(done() > 0 && done() / 10 < trip.next - 1);
    struct pollfd to[TRANSPORT_DESCRIPTORS];
    uint64_t until = 0;
    assert_int_equal(trip.transport.poll(trip.transport.state, to, &until), 1);
    assert_true(to[0].events & POLLOUT);
    assert_in_range(until, trip_now(&trip) + PEER_STALL_NS / 2, trip_now(&trip) + PEER_STALL_NS);
    trip.shift += PEER_STALL_NS - 2000000000;
    trip_turn(&trip);
    assert_int_equal(trip.state, TRANSPORT_READY);
    trip.shift += 2000000000;
    trip_turn(&trip);
    assert_int_equal(trip.state, TRANSPORT_BROKEN);
    assert_non_null(strstr(why(), "taken nothing for 60 seconds"));
    /* Begun anew, nothing of it is left. */
    receiver_end(&receiver);
    receiver_forget(&receiver);
    trip.serve = NULL;
    begin(&trip);
    assert_int_equal(done(), 0);
    trip_until(&trip, TRANSPORT_READY);
    trip_send_all(&trip, 10);
    end();
    trip_until(&trip, TRANSPORT_ENDED);
    arrived_in_order(10, true);
}

/* Small records: their number is the limit, STREAM_WAITING_MAX. */
static void records_that_wait(void **state) {
    (void)state;
    trip.settings.syslog.format = SYSLOG_RFC3164;
    trip.serve = accept_alone;
    trip_until(&trip, TRANSPORT_READY);
    struct parcel p = {.line = {.text = "x", .length = 1}, .end = 1};
    int error = 0;
    unsigned sent = 0;
    for (unsigned turn = 0; turn < 50; turn++) {
        while ((error = trip.transport.send(trip.transport.state, &p)) == 0 && sent < 200000) {
            p.end++;
            sent++;
        }
        trip_turn(&trip);
    }
    assert_int_equal(error, -EAGAIN);
    assert_int_equal(sent - done(), STREAM_WAITING_MAX);
}

static void what_can_never_be_sent(void **state) {
    (void)state;
    static const char text[5000] = "x";
    trip_until(&trip, TRANSPORT_READY);
    struct parcel p = {.line = {.text = text, .length = sizeof text}, .end = 1};
    assert_int_equal(trip.transport.send(trip.transport.state, &p), -EMSGSIZE);
    p.line.length = 2;
    assert_int_equal(trip.transport.send(trip.transport.state, &p), -EBADMSG);
    p.line.length = 1;
    assert_int_equal(trip.transport.send(trip.transport.state, &p), 0);
}

static void before_it_is_open(void **state) {
    (void)state;
    assert_int_equal(trip_send(&trip, 1), -EAGAIN);
    end();
    trip_turn(&trip);
    assert_int_equal(trip.state, TRANSPORT_ENDED);
    assert_int_equal(done(), 0);
}

/* It is seen before the next batch is sent. */
static void a_receiver_that_goes_away(void **state) {
    (void)state;
    trip_until(&trip, TRANSPORT_READY);
    trip_send_all(&trip, 10);
    while (done() < 100) {
        trip_turn(&trip);
    }
    usleep(10000);
    receiver_read(&receiver, SIZE_MAX);
    arrived_in_order(10, true);
    trip.serve = no_serving;
    receiver_end(&receiver);
    uint64_t before = trip.transport.bytes(trip.transport.state);
    trip_send(&trip, 20);
    trip_turn(&trip);
    assert_int_equal(trip.state, TRANSPORT_BROKEN);
    assert_non_null(strstr(why(), "ended the connection"));
    assert_int_equal(trip.transport.bytes(trip.transport.state), before);
    assert_int_equal(done(), 100);
    assert_int_equal(trip_send(&trip, 30), -EAGAIN);
    end();
    trip_turn(&trip);
    assert_int_equal(trip.state, TRANSPORT_BROKEN);
}

/* One that is killed with something unread resets the connection: nobody may take that for an end in order. */
static void an_end_that_is_none(void **state) {
    (void)state;
    trip.serve = accept_alone;
    trip_until(&trip, TRANSPORT_READY);
    trip_send_all(&trip, 50);
    end();
    while (!(receiver_accept(&receiver) && receiver_read(&receiver, 1000) > 0)) {
        trip_turn(&trip);
    }
    receiver_end(&receiver);
    trip_until(&trip, TRANSPORT_ENDED);
    assert_int_equal(trip.state, TRANSPORT_BROKEN);
    assert_non_null(strstr(why(), "cut the connection"));
}

/* It ends before we do, and what we sent after that is met by nobody. */
static void an_end_that_crosses_ours(void **state) {
    (void)state;
    trip_until(&trip, TRANSPORT_READY);
    trip.serve = no_serving;
    receiver_accept(&receiver);
    receiver_end(&receiver);
    trip_send(&trip, 5);
    end();
    trip_until(&trip, TRANSPORT_ENDED);
    assert_int_equal(trip.state, TRANSPORT_BROKEN);
}

static void an_end_that_never_comes(void **state) {
    (void)state;
    trip_until(&trip, TRANSPORT_READY);
    trip_send_all(&trip, 5);
    end();
    trip.serve = accept_alone;
    for (unsigned i = 0; i < 20; i++) {
        trip_turn(&trip);
        assert_int_equal(trip.state, TRANSPORT_BUSY);
    }
    trip.shift += PEER_END_NS;
    trip_turn(&trip);
    assert_int_equal(trip.state, TRANSPORT_BROKEN);
    assert_non_null(strstr(why(), "did not end the connection within 5 seconds"));
}

/* ---- reset at every record: what a deliverer makes of it, whose tail is longer than all that is under way */

static void read_one_record_and_reset(struct trip *t) {
    struct receiver *r = t->receiver;
    if (receiver_accept(r) && receiver_read(r, 300) > 0) {
        receiver_reset(r);
        r->bytes[r->used++] = '\n'; /* what was cut ends here */
    }
}

static void note_whole_ones(bool *have, unsigned last) {
    for (size_t at = 0; at < receiver.used;) {
        const char *line = receiver.bytes + at, *stop = memchr(line, '\n', receiver.used - at);
        size_t n = stop ? (size_t)(stop - line) : receiver.used - at;
        const char *seq = memmem(line, n, "{\"seq\":", 7);
        if (seq && line[0] == '<' && line[n - 1] == '}') {
            unsigned long number = strtoul(seq + 7, NULL, 10);
            assert_in_range(number, 1, last);
            have[number] = true;
        }
        at += n + 1;
    }
}

static void resets_at_every_record(void **state) {
    (void)state;
    enum { LAST = 60, RESETS = 40 };
    bool have[LAST + 1] = {false};
    trip.settings.syslog.framing = SYSLOG_NEWLINE;
    trip.serve = read_one_record_and_reset;
    unsigned resets = 0;
    while (trip.state != TRANSPORT_ENDED) {
        trip_until(&trip, TRANSPORT_READY);
        while (trip.state == TRANSPORT_READY) {
            trip_send(&trip, LAST);
            if (resets == RESETS && trip.next > LAST) {
                trip.serve = NULL;
                end();
                trip_until(&trip, TRANSPORT_ENDED);
                break;
            }
            trip_turn(&trip);
        }
        if (trip.state == TRANSPORT_BROKEN) {
            assert_true(resets++ < RESETS);
            begin(&trip);
        }
    }
    note_whole_ones(have, LAST);
    for (unsigned i = 1; i <= LAST; i++) {
        assert_true(have[i]);
    }
}

static void what_is_no_receiver(void **state) {
    (void)state;
    receiver_deafen(&receiver);
    begin(&trip);
    trip_until(&trip, TRANSPORT_READY);
    assert_int_equal(trip.state, TRANSPORT_BROKEN);
    char want[128];
    snprintf(want, sizeof want, "127.0.0.1:%s: nothing listens there; start the receiver, or correct the port",
             receiver.port);
    assert_string_equal(why(), want);
}

static void what_is_no_output(void **state) {
    (void)state;
    struct transport t;
    struct output_settings o;
    char text[TRANSPORT_WHY_SIZE];
    trip_settings(&o, OUTPUT_TCP, "", "514");
    assert_int_equal(stream_transport(&t, &o, text), -EINVAL);
    assert_non_null(strstr(text, "HOST:PORT"));
    trip_settings(&o, OUTPUT_TCP, "localhost", NULL);
    assert_int_equal(stream_transport(&t, &o, text), -EINVAL);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(all_arrive_and_it_ends_in_order, open_all, close_all),
        cmocka_unit_test_setup_teardown(newlines_end_frames, open_all, close_all),
        cmocka_unit_test_setup_teardown(partial_writes, open_tight, close_all),
        cmocka_unit_test_setup_teardown(a_receiver_that_stalls, open_tight, close_all),
        cmocka_unit_test_setup_teardown(records_that_wait, open_tight, close_all),
        cmocka_unit_test_setup_teardown(what_can_never_be_sent, open_all, close_all),
        cmocka_unit_test_setup_teardown(before_it_is_open, open_all, close_all),
        cmocka_unit_test_setup_teardown(a_receiver_that_goes_away, open_all, close_all),
        cmocka_unit_test_setup_teardown(an_end_that_is_none, open_tight, close_all),
        cmocka_unit_test_setup_teardown(an_end_that_crosses_ours, open_all, close_all),
        cmocka_unit_test_setup_teardown(an_end_that_never_comes, open_all, close_all),
        cmocka_unit_test_setup_teardown(resets_at_every_record, open_all, close_all),
        cmocka_unit_test_setup_teardown(what_is_no_receiver, open_all, close_all),
        cmocka_unit_test(what_is_no_output),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
