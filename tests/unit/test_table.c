/* Connections from the first packet to the last: handshakes, directions, ends, times and bounds. */
#include "base/pool.h"
#include "flow_bench.h"

static const uint32_t C = BENCH_CLIENT_ISN + 1, S = BENCH_SERVER_ISN + 1; /* the first bytes */

static void closed_by_fin(void **state) {
    (void)state;
    struct bench *b = bench_new();
    bench_handshake(b);
    bench_c(b, 0, "bye");
    bench_flags(b, TO_SERVER, TCP_FIN | TCP_ACK, C + 3, S);
    bench_flags(b, TO_CLIENT, TCP_FIN | TCP_ACK, S, C + 4);
    bench_flags(b, TO_SERVER, TCP_ACK, C + 4, S + 1);
    bench_expect(b, "open start >bye");
    bench_pass(b, LINGER_NS / 2);
    bench_flags(b, TO_SERVER, TCP_ACK, C + 4, S + 1); /* trails, and belongs to it */
    bench_pass(b, LINGER_NS / 2 + SECOND_NS);
    bench_expect(b, "end:fin");
    assert_int_equal(b->facts.packets[TO_SERVER], 6);
    assert_int_equal(b->facts.tcp_flags, TCP_SYN | TCP_ACK | TCP_PSH | TCP_FIN);
    assert_int_equal(b->facts.missed_bytes[TO_SERVER], 0);
    bench_flags(b, TO_SERVER, TCP_ACK, C + 4, S + 1);
    bench_flags(b, TO_CLIENT, TCP_FIN | TCP_ACK, S, C + 4);
    bench_flags(b, TO_CLIENT, TCP_RST, S, 0);
    bench_finish(b);
    bench_expect(b, "");
    bench_free(b);
}

static void fin_with_data_out_of_order(void **state) {
    (void)state;
    struct bench *b = bench_new();
    bench_handshake(b);
    struct view end = {(const uint8_t *)"end", 3};
    bench_packet(b, TO_SERVER, TCP_FIN | TCP_ACK, C + 5, S, end, 3);
    bench_flags(b, TO_CLIENT, TCP_FIN | TCP_ACK, S, C);
    bench_c(b, 0, "first");
    bench_pass(b, LINGER_NS + SECOND_NS);
    bench_expect(b, "open start >firstend end:fin");
    bench_free(b);
}

static void lost_before_fin(void **state) {
    (void)state;
    struct bench *b = bench_new();
    bench_handshake(b);
    bench_flags(b, TO_SERVER, TCP_FIN | TCP_ACK, C + 5, S);
    bench_flags(b, TO_CLIENT, TCP_FIN | TCP_ACK, S, C + 6);
    bench_finish(b);
    bench_expect(b, "open start >(5) end:fin");
    bench_free(b);
}

/* What was missing is given up when time has passed, and no packet comes any more: it is closed then, and does not stand for hours. */
static void closed_when_a_hole_is_given_up(void **state) {
    (void)state;
    struct bench *b = bench_new();
    bench_handshake(b);
    bench_flags(b, TO_SERVER, TCP_FIN | TCP_ACK, C + 5, S);
    bench_flags(b, TO_CLIENT, TCP_FIN | TCP_ACK, S, C + 6);
    bench_expect(b, "open start");
    bench_pass(b, 3 * REORDER_NS);
    bench_expect(b, ">(5)");
    bench_pass(b, LINGER_NS + SECOND_NS);
    bench_expect(b, "end:fin");
    bench_free(b);
}

/* Both are done, once. What follows was sent all the same: the FINs were somebody else's. */
static void closed_and_not(void **state) {
    (void)state;
    struct bench *b = bench_new();
    bench_handshake(b);
    bench_c(b, 0, "ask");
    bench_flags(b, TO_SERVER, TCP_FIN | TCP_ACK, C + 3, S);
    assert_int_equal(b->closed, 0);
    bench_flags(b, TO_CLIENT, TCP_FIN | TCP_ACK, S, C + 4);
    assert_int_equal(b->closed, 1);
    bench_c(b, 3, "more");
    bench_flags(b, TO_CLIENT, TCP_ACK, S + 1, C + 7);
    assert_int_equal(b->closed, 1);
    assert_int_equal(b->reset, 0);
    bench_finish(b);
    bench_expect(b, "open start >askmore end:fin");
    bench_free(b);
}

/* The other side was never seen, and what it sent is not waited for for ever. */
static void closed_by_the_only_side(void **state) {
    (void)state;
    struct bench *b = bench_new();
    bench_flags(b, TO_SERVER, TCP_SYN, BENCH_CLIENT_ISN, 0);
    bench_flags(b, TO_SERVER, TCP_ACK, C, S);
    bench_c(b, 0, "ask");
    struct view more = {(const uint8_t *)"more", 4};
    bench_packet(b, TO_SERVER, TCP_PSH | TCP_ACK, C + 3, S + 100, more, 4);
    bench_flags(b, TO_SERVER, TCP_FIN | TCP_ACK, C + 7, S + 200);
    bench_pass(b, 3 * REORDER_NS + LINGER_NS + SECOND_NS);
    assert_int_equal(b->ended, 1);
    bench_expect(b, "open start >askmore end:fin");
    bench_free(b);
}

/* Nobody acknowledged what is missing, but the FIN lies behind it. */
static void lost_before_fin_unacknowledged(void **state) {
    (void)state;
    struct bench *b = bench_new();
    bench_handshake(b);
    bench_c(b, 0, "abc");
    bench_flags(b, TO_SERVER, TCP_FIN | TCP_ACK, C + 8, S);
    bench_finish(b);
    bench_expect(b, "open start >abc(5) end:fin");
    bench_free(b);
}

static void fin_not_captured_is_no_gap(void **state) {
    (void)state;
    struct bench *b = bench_new();
    bench_handshake(b);
    bench_c(b, 0, "bye");
    bench_flags(b, TO_CLIENT, TCP_FIN | TCP_ACK, S, C + 4);
    bench_pass(b, 2 * REORDER_NS);
    bench_finish(b);
    bench_expect(b, "open start >bye end:fin");
    bench_free(b);
}

static void reset_inside_the_window_only(void **state) {
    (void)state;
    struct bench *b = bench_new();
    bench_handshake(b);
    bench_c(b, 0, "abc");
    bench_flags(b, TO_SERVER, TCP_RST, C + 500000, 0);
    bench_flags(b, TO_SERVER, TCP_RST, C - 1, 0);
    bench_flags(b, TO_CLIENT, TCP_RST, S + 0x80000000, 0);
    bench_pass(b, LINGER_NS + SECOND_NS);
    assert_int_equal(b->stats.rst_ignored, 3);
    bench_c(b, 3, "def");
    bench_expect(b, "open start >abcdef");
    bench_finish(b);
    assert_int_equal(b->facts.tcp_flags & TCP_RST, 0); /* nothing is said of it */
    bench_free(b);

    b = bench_new();
    bench_handshake(b);
    bench_c(b, 0, "abcdef");
    bench_expect(b, "open start >abcdef");
    bench_flags(b, TO_SERVER, TCP_RST, C + 6, 0);
    assert_int_equal(b->reset, 1);
    assert_int_equal(b->closed, 0);
    bench_pass(b, LINGER_NS + SECOND_NS);
    bench_expect(b, "end:rst");
    bench_free(b);
}

static void reset_that_was_not_the_senders(void **state) {
    (void)state;
    struct bench *b = bench_new();
    bench_handshake(b);
    bench_c(b, 0, "abc");
    bench_flags(b, TO_SERVER, TCP_RST, C + 100, 0);
    bench_c(b, 3, "def");
    bench_pass(b, LINGER_NS + SECOND_NS);
    bench_c(b, 6, "ghi");
    bench_expect(b, "open start >abcdefghi");
    bench_flags(b, TO_CLIENT, TCP_RST, S, 0);
    bench_flags(b, TO_CLIENT, TCP_FIN | TCP_ACK, S, C + 9); /* a FIN says it as well */
    char more[100] = "";
    memset(more, 'x', 95);
    bench_c(b, 9, more); /* behind the place of the first RST */
    bench_finish(b);
    b->used = 0;
    assert_int_equal(b->facts.tcp_flags & TCP_RST, 0);
    bench_free(b);
}

/* Data that comes behind the RST but lies before it. */
static void reset_early(void **state) {
    (void)state;
    struct bench *b = bench_new();
    bench_handshake(b);
    bench_c(b, 3, "def");
    bench_flags(b, TO_SERVER, TCP_RST, C + 9, 0);
    bench_c(b, 6, "ghi");
    bench_c(b, 0, "abc");
    bench_expect(b, "open start >abcdefghi");
    bench_pass(b, LINGER_NS + SECOND_NS);
    bench_expect(b, "end:rst");
    assert_true(b->facts.tcp_flags & TCP_RST);
    bench_free(b);
}

/* Nothing comes behind a FIN; data in its place shows that it was not the sender's. */
static void fin_that_was_not_the_senders(void **state) {
    (void)state;
    struct bench *b = bench_new();
    bench_handshake(b);
    bench_c(b, 5000, "far off");
    bench_c(b, 0, "abc");
    bench_flags(b, TO_SERVER, TCP_FIN | TCP_ACK, C + 3, S);
    bench_c(b, 9, "behind");
    bench_expect(b, "open start >abc");
    assert_int_equal(b->stats.segments_dropped, 2);
    struct view byte = {(const uint8_t *)"z", 1};
    bench_packet(b, TO_SERVER, TCP_ACK, C + 3, S, byte, 1); /* a keep-alive */
    bench_expect(b, "");
    bench_c(b, 3, "def");
    bench_c(b, 6, "ghi");
    bench_flags(b, TO_SERVER, TCP_FIN | TCP_ACK, C + 9, S);
    bench_flags(b, TO_CLIENT, TCP_FIN | TCP_ACK, S, C + 10);
    bench_pass(b, LINGER_NS + SECOND_NS);
    bench_expect(b, ">defghi end:fin");
    assert_int_equal(b->facts.missed_bytes[TO_SERVER], 0);
    bench_free(b);

    b = bench_new(); /* one that was said to come later: the data goes on over it */
    bench_handshake(b);
    bench_flags(b, TO_SERVER, TCP_FIN | TCP_ACK, C + 5, S);
    bench_c(b, 0, "abc");
    bench_c(b, 3, "def");
    bench_c(b, 6, "ghi");
    bench_finish(b);
    bench_expect(b, "open start >abcdefghi end:capture_end");
    bench_free(b);
}

/* Whose FIN came first is what they say, whatever order they were captured in. */
static void closed_by_the_first(void **state) {
    (void)state;
    struct bench *b = bench_new();
    bench_handshake(b);
    bench_c(b, 0, "abc");
    bench_wait(b, 3 * SECOND_NS);
    bench_flags(b, TO_SERVER, TCP_FIN | TCP_ACK, C + 3, S + 1);
    bench_wait(b, 3 * SECOND_NS);
    bench_flags(b, TO_CLIENT, TCP_FIN | TCP_ACK, S, C + 3);
    bench_finish(b);
    assert_true(b->facts.server_closed);
    assert_int_equal(b->facts.closing_s, 3);
    bench_free(b);
}

/* A SYN that comes behind the data it begins is its own, where that did not wait too long. */
static void syn_late(void **state) {
    (void)state;
    struct bench *b = bench_new();
    bench_c(b, 3, "def");
    bench_c(b, 0, "abc");
    bench_flags(b, TO_SERVER, TCP_SYN, BENCH_CLIENT_ISN, 0);
    bench_flags(b, TO_CLIENT, TCP_SYN | TCP_ACK, BENCH_SERVER_ISN, C);
    bench_s(b, 0, "ABC");
    bench_expect(b, "open start >abcdef <ABC");
    bench_finish(b);
    bench_expect(b, "end:capture_end");
    assert_true(b->facts.start_seen);
    bench_free(b);

    b = bench_new(); /* first the server's, then the client's behind data that has passed already */
    bench_s(b, 0, "ABC");
    bench_c(b, 0, "abc");
    bench_flags(b, TO_CLIENT, TCP_SYN | TCP_ACK, BENCH_SERVER_ISN, C);
    bench_expect(b, "open start >abc <ABC");
    bench_flags(b, TO_SERVER, TCP_SYN, BENCH_CLIENT_ISN, 0);
    bench_c(b, 3, "def");
    bench_finish(b);
    bench_expect(b, ">def end:capture_end");
    assert_int_equal(b->facts.missed_bytes[TO_SERVER] + b->facts.missed_bytes[TO_CLIENT], 0);
    bench_free(b);

    b = bench_new(); /* the answer to a late one says where the other side begins */
    bench_c(b, 0, "abc");
    bench_flags(b, TO_SERVER, TCP_SYN, BENCH_CLIENT_ISN, 0);
    bench_flags(b, TO_CLIENT, TCP_SYN | TCP_ACK, BENCH_SERVER_ISN, C);
    bench_c_ack(b, 6);
    bench_s(b, 3, "DEF");
    bench_finish(b);
    bench_expect(b, "open start >abc <(3)DEF end:capture_end");
    bench_free(b);

    b = bench_new(); /* the beginning of another connection is not */
    bench_c(b, 3, "def");
    bench_flags(b, TO_SERVER, TCP_SYN, BENCH_CLIENT_ISN + 1000000, 0);
    bench_flags(b, TO_CLIENT, TCP_SYN | TCP_ACK, BENCH_SERVER_ISN, C + 1000000);
    bench_c(b, 1000000, "abc");
    bench_expect(b, "open start >def end:timeout open start >abc");
    bench_free(b);
}

/* A flow that was picked up and ends before it was waited for long enough is told all the same. */
static void picked_up_and_closed(void **state) {
    (void)state;
    struct bench *b = bench_new();
    bench_c(b, 0, "abc");
    bench_s(b, 0, "ABC");
    bench_flags(b, TO_SERVER, TCP_RST, C + 3, 0);
    bench_pass(b, LINGER_NS + SECOND_NS);
    bench_expect(b, "open start >abc <ABC end:rst");
    assert_false(b->facts.start_seen);
    bench_free(b);
}

static void refused(void **state) {
    (void)state;
    struct bench *b = bench_new();
    for (int i = 0; i < 3; i++) {
        bench_flags(b, TO_SERVER, TCP_SYN, BENCH_CLIENT_ISN, 0);
        bench_flags(b, TO_CLIENT, TCP_RST | TCP_ACK, 0, C);
        bench_wait(b, SECOND_NS / 2);
    }
    bench_expect(b, "");
    bench_pass(b, LINGER_NS + SECOND_NS);
    bench_expect(b, "open end:refused");
    assert_int_equal(b->facts.packets[TO_SERVER], 3);
    assert_int_equal(b->facts.packets[TO_CLIENT], 3);
    assert_int_equal(b->stats.flows_refused, 1);
    assert_int_equal(b->stats.flows_started, 0);
    bench_free(b);
}

static void unanswered(void **state) {
    (void)state;
    struct bench *b = bench_new();
    bench_flags(b, TO_SERVER, TCP_SYN, BENCH_CLIENT_ISN, 0);
    bench_flags(b, TO_CLIENT, TCP_RST | TCP_ACK, 0, 77); /* answers something else */
    bench_pass(b, SECOND_NS);
    bench_flags(b, TO_SERVER, TCP_SYN, BENCH_CLIENT_ISN, 0);
    bench_pass(b, ATTEMPT_NS - SECOND_NS);
    bench_expect(b, "");
    bench_pass(b, 2 * SECOND_NS);
    bench_expect(b, "open end:unanswered");
    bench_flags(b, TO_SERVER, TCP_SYN, BENCH_CLIENT_ISN, 0);
    bench_pass(b, ANSWER_NS);
    bench_finish(b);
    bench_expect(b, "open end:unanswered");
    bench_free(b);
}

/* The answer may have come behind the capture's end. */
static void capture_ends_behind_syn(void **state) {
    (void)state;
    struct bench *b = bench_new();
    bench_flags(b, TO_SERVER, TCP_SYN, BENCH_CLIENT_ISN, 0);
    bench_pass(b, ANSWER_NS - 1);
    bench_finish(b);
    bench_expect(b, "open end:capture_end");
    assert_int_equal(b->stats.flows_unanswered, 0);
    bench_free(b);
}

static void syn_scan(void **state) {
    (void)state;
    struct bench *b = bench_new();
    bench_flags(b, TO_SERVER, TCP_SYN, BENCH_CLIENT_ISN, 0);
    bench_flags(b, TO_CLIENT, TCP_SYN | TCP_ACK, BENCH_SERVER_ISN, C);
    bench_flags(b, TO_SERVER, TCP_RST, C, 0);
    bench_finish(b);
    bench_expect(b, "open start end:rst");
    bench_free(b);
}

static void handshake_swapped(void **state) {
    (void)state;
    struct bench *b = bench_new();
    bench_flags(b, TO_CLIENT, TCP_SYN | TCP_ACK, BENCH_SERVER_ISN, C);
    bench_flags(b, TO_SERVER, TCP_SYN, BENCH_CLIENT_ISN, 0);
    bench_c(b, 0, "abc");
    bench_finish(b);
    bench_expect(b, "open start >abc end:capture_end");
    assert_int_equal(b->facts.client.port, 50000);
    assert_int_equal(b->ended, 1);
    bench_free(b);
}

static void used_again_after_close(void **state) {
    (void)state;
    struct bench *b = bench_new();
    bench_handshake(b);
    bench_flags(b, TO_SERVER, TCP_RST, C, 0);
    bench_flags(b, TO_SERVER, TCP_SYN, 777000, 0);
    bench_flags(b, TO_CLIENT, TCP_SYN | TCP_ACK, 888000, 777001);
    bench_data(b, TO_SERVER, 777001, 888001, "new");
    bench_finish(b);
    bench_expect(b, "open start end:rst open start >new end:capture_end");
    bench_free(b);
}

/* The same numbers again: a copy of what was seen, or, where it comes late, the whole connection played again. */
static void played_again(void **state) {
    (void)state;
    for (int late = 0; late < 2; late++) {
        struct bench *b = bench_new();
        for (int i = 0; i < 2; i++) {
            bench_handshake(b);
            bench_c(b, 0, "abc");
            bench_flags(b, TO_SERVER, TCP_FIN | TCP_ACK, C + 3, S);
            bench_flags(b, TO_CLIENT, TCP_FIN | TCP_ACK, S, C + 4);
            b->now.time_ns += late ? 5 * SECOND_NS : SECOND_NS;
        }
        bench_finish(b);
        bench_expect(b, late ? "open start >abc end:fin open start >abc end:fin" : "open start >abc end:fin");
        bench_free(b);
    }
}

static void used_again_abruptly(void **state) {
    (void)state;
    struct bench *b = bench_new();
    bench_handshake(b);
    bench_c(b, 0, "old");
    bench_flags(b, TO_SERVER, TCP_SYN, 777000, 0);
    uint64_t frame = b->now.frame;
    bench_expect(b, "open start >old");
    bench_flags(b, TO_CLIENT, TCP_SYN | TCP_ACK, 888000, 777001);
    bench_expect(b, "end:timeout open start");
    bench_data(b, TO_SERVER, 777001, 888001, "new");
    bench_data(b, TO_CLIENT, 888001, 777004, "NEW");
    bench_finish(b);
    bench_expect(b, ">new <NEW end:capture_end");
    assert_int_equal(b->facts.first.frame, frame);
    assert_int_equal(b->facts.packets[TO_SERVER], 2);
    assert_true(b->facts.start_seen);
    bench_free(b);
}

static void used_again_one_direction_seen(void **state) {
    (void)state;
    struct bench *b = bench_new();
    bench_flags(b, TO_SERVER, TCP_SYN, BENCH_CLIENT_ISN, 0);
    bench_c(b, 0, "old");
    bench_flags(b, TO_SERVER, TCP_SYN, 777000, 0);
    bench_data(b, TO_SERVER, 777001, 888001, "new");
    bench_finish(b);
    bench_expect(b, "open start >old end:timeout open start >new end:capture_end");
    bench_free(b);
}

static void stray_syn_changes_nothing(void **state) {
    (void)state;
    struct bench *b = bench_new();
    bench_handshake(b);
    bench_c(b, 0, "abc");
    bench_flags(b, TO_SERVER, TCP_SYN, 777000, 0);
    bench_flags(b, TO_CLIENT, TCP_ACK, S, C + 3); /* RFC 5961's challenge */
    bench_flags(b, TO_SERVER, TCP_SYN, BENCH_CLIENT_ISN, 0);
    bench_c(b, 3, "def");
    bench_finish(b);
    bench_expect(b, "open start >abcdef end:capture_end");
    bench_free(b);
}

/* Nor does an answer to a SYN that nobody sent, however often it comes. */
static void stray_syn_ack_changes_nothing(void **state) {
    (void)state;
    struct bench *b = bench_new();
    bench_handshake(b);
    bench_c(b, 0, "abc");
    for (int i = 0; i < 3; i++) {
        bench_flags(b, TO_CLIENT, TCP_SYN | TCP_ACK, S + 123456, C + 3);
        bench_flags(b, TO_SERVER, TCP_SYN | TCP_ACK, C + 123456, S);
    }
    bench_c(b, 3, "def");
    bench_s(b, 0, "ABC");
    bench_expect(b, "open start >abcdef <ABC");
    bench_free(b);
}

static void used_again_without_syn_captured(void **state) {
    (void)state;
    struct bench *b = bench_new();
    bench_handshake(b);
    bench_flags(b, TO_SERVER, TCP_FIN | TCP_ACK, C, S);
    bench_flags(b, TO_CLIENT, TCP_FIN | TCP_ACK, S, C + 1);
    bench_data(b, TO_SERVER, 2777001, 888001, "new");
    bench_finish(b);
    bench_expect(b, "open start end:fin open start >new end:capture_end");
    bench_free(b);
}

/* --- direction --- */

static void direction_by_port(void **state) {
    (void)state;
    struct bench *b = bench_new();
    bench_data(b, TO_CLIENT, 100, 200, "from port 445");
    bench_finish(b);
    bench_expect(b, "open start <from port 445 end:capture_end");
    assert_int_equal(b->facts.server.port, 445);
    bench_free(b);
}

static enum nbss_probe test_probe(struct view v) {
    if (v.n >= 8 && memcmp(v.p, "REQUEST.", 8) == 0) {
        return PROBE_REQUEST;
    }
    if (v.n < 8 && (memcmp(v.p, "REQUEST.", v.n) == 0 || memcmp(v.p, "RESPONSE", v.n) == 0)) {
        return PROBE_MORE;
    }
    return v.n >= 8 && memcmp(v.p, "RESPONSE", 8) == 0 ? PROBE_RESPONSE : PROBE_NO;
}

static struct bench *bench_on_port(uint16_t port) {
    struct bench *b = bench_new();
    b->settings.probe = test_probe;
    b->server.port = port;
    return b;
}

static void direction_by_header(void **state) {
    (void)state;
    struct bench *b = bench_on_port(4450);
    bench_data(b, TO_SERVER, 50, 100, "nothing of interest");
    bench_data(b, TO_CLIENT, 100, 200, "RESPONSE");
    bench_finish(b);
    bench_expect(b, "open start <RESPONSE end:capture_end");
    assert_int_equal(b->facts.server.port, 4450);
    bench_free(b);
    b = bench_on_port(4450);
    bench_data(b, TO_SERVER, 100, 200, "REQUEST.");
    bench_finish(b);
    bench_expect(b, "open start >REQUEST. end:capture_end");
    assert_int_equal(b->facts.server.port, 4450);
    bench_free(b);
}

static void other_port_with_handshake(void **state) {
    (void)state;
    struct bench *b = bench_on_port(4450);
    bench_handshake(b);
    bench_expect(b, "");
    bench_c(b, 0, "REQUEST.1");
    bench_s(b, 0, "whatever");
    bench_finish(b);
    bench_expect(b, "open start >REQUEST.1 <whatever end:capture_end");
    assert_true(b->facts.start_seen);
    assert_int_equal(b->facts.first.frame, 1);
    assert_int_equal(b->facts.packets[TO_SERVER], 3);
    bench_free(b);
}

static void other_port_in_small_pieces_out_of_order(void **state) {
    (void)state;
    struct bench *b = bench_on_port(4450);
    bench_handshake(b);
    bench_c(b, 3, "UEST.");
    bench_c(b, 0, "RE");
    bench_expect(b, "");
    bench_c(b, 2, "Q");
    bench_expect(b, "open start >REQUEST.");
    bench_free(b);
}

static void other_port_other_protocol(void **state) {
    (void)state;
    struct bench *b = bench_on_port(80);
    bench_handshake(b);
    assert_int_equal(flow_table_count(b->table), 1);
    bench_c(b, 0, "GET / HTTP/1.1");
    assert_int_equal(flow_table_count(b->table), 0);
    bench_s(b, 0, "HTTP/1.1 200 OK");
    bench_flags(b, TO_SERVER, TCP_FIN | TCP_ACK, C + 14, S);
    bench_finish(b);
    bench_expect(b, "");
    bench_free(b);
}

static void other_port_refused_says_nothing(void **state) {
    (void)state;
    struct bench *b = bench_on_port(80);
    bench_flags(b, TO_SERVER, TCP_SYN, BENCH_CLIENT_ISN, 0);
    bench_flags(b, TO_CLIENT, TCP_RST | TCP_ACK, 0, C);
    assert_int_equal(flow_table_count(b->table), 0);
    bench_flags(b, TO_SERVER, TCP_SYN, BENCH_CLIENT_ISN, 0);
    bench_pass(b, ATTEMPT_NS + SECOND_NS);
    assert_int_equal(flow_table_count(b->table), 0);
    bench_expect(b, "");
    bench_free(b);
}

static void ports_from_settings(void **state) {
    (void)state;
    static const uint16_t ports[] = {4450};
    struct bench *b = bench_new();
    b->settings.ports = ports;
    b->settings.port_count = 1;
    bench_handshake(b);
    bench_expect(b, "");
    b->server.port = 4450;
    bench_handshake(b);
    bench_expect(b, "open start");
    bench_free(b);
}

/* --- bounds and times --- */

static void bench_other_client(struct bench *b, unsigned i) {
    b->client = bench_endpoint((uint8_t)(10 + i / 1000), (uint16_t)(1024 + i % 1000));
}

static void idle_timeout(void **state) {
    (void)state;
    struct bench *b = bench_new();
    bench_handshake(b);
    bench_expect(b, "open start");
    bench_pass(b, IDLE_NS - SECOND_NS);
    bench_expect(b, "");
    bench_pass(b, 2 * SECOND_NS);
    bench_expect(b, "end:timeout");
    bench_free(b);
}

static void midstream_without_data_says_nothing(void **state) {
    (void)state;
    struct bench *b = bench_new();
    bench_flags(b, TO_SERVER, TCP_ACK, 100, 200);
    assert_int_equal(flow_table_count(b->table), 1);
    bench_pass(b, ATTEMPT_NS + SECOND_NS);
    assert_int_equal(flow_table_count(b->table), 0);
    bench_expect(b, "");
    bench_free(b);
}

static void flows_are_bounded(void **state) {
    (void)state;
    struct bench *b = bench_new();
    b->settings.flows_max = 3;
    for (unsigned i = 0; i < 3; i++) {
        bench_other_client(b, i);
        bench_handshake(b);
    }
    bench_other_client(b, 0);
    bench_c(b, 0, "x"); /* so the second is idle for longest */
    bench_expect(b, "open start open start open start >x");
    bench_other_client(b, 3);
    bench_handshake(b);
    bench_expect(b, "end:evicted open start");
    assert_int_equal(b->facts.client.port, 1025);
    assert_int_equal(b->stats.flows_evicted, 1);
    bench_free(b);
}

static void half_open_goes_before_live(void **state) {
    (void)state;
    struct bench *b = bench_new();
    b->settings.flows_max = 10;
    bench_other_client(b, 0);
    bench_handshake(b);
    for (unsigned i = 1; i < 1000; i++) {
        bench_other_client(b, i);
        bench_flags(b, TO_SERVER, TCP_SYN, BENCH_CLIENT_ISN, 0);
    }
    assert_int_equal(flow_table_count(b->table), 10);
    bench_other_client(b, 0);
    b->used = 0;
    b->last = 0;
    bench_c(b, 0, "alive");
    bench_expect(b, ">alive");
    bench_free(b);
}

static void memory_is_bounded(void **state) {
    (void)state;
    struct bench *b = bench_new();
    const size_t room = 2 * POOL_BLOCK, buckets = budget_cost(256 * sizeof(void *)); /* of so many flows */
    (void)bench_table(b);
    b->budget.ceiling = b->budget.held + room + buckets;
    for (unsigned i = 0; i < 1000; i++) {
        bench_other_client(b, i);
        bench_handshake(b);
        assert_true(b->budget.held <= b->budget.ceiling);
    }
    size_t flows = flow_table_count(b->table);
    assert_in_range(flows * flow_table_flow_size(), room * 9 / 10, room);
    assert_int_equal(b->stats.flows_evicted, 1000 - flows);
    b->budget.ceiling = 0;
    while (flow_table_evict(b->table)) {
    }
    bench_handshake(b);
    assert_int_equal(b->stats.flows_refused_memory, 3); /* each packet would have begun it */
    bench_free(b);
}

static void candidates_are_bounded(void **state) {
    (void)state;
    struct bench *b = bench_on_port(80);
    b->settings.candidates_max = 5;
    for (unsigned i = 0; i < 50; i++) {
        bench_other_client(b, i);
        bench_flags(b, TO_SERVER, TCP_SYN, BENCH_CLIENT_ISN, 0);
    }
    assert_int_equal(flow_table_count(b->table), 5);
    assert_int_equal(b->stats.candidates_evicted, 45);
    bench_finish(b);
    bench_expect(b, "");
    bench_free(b);
}

static void clock_jumps_forward(void **state) {
    (void)state;
    struct bench *b = bench_new();
    bench_handshake(b);
    bench_c(b, 3, "def"); /* a hole, acknowledged */
    bench_s_ack(b, 6);
    struct endpoint client = b->client;
    bench_other_client(b, 1);
    bench_flags(b, TO_SERVER, TCP_SYN, BENCH_CLIENT_ISN, 0); /* an attempt */
    bench_expect(b, "open start");
    bench_wait(b, 1000 * IDLE_NS);
    bench_flags(b, TO_CLIENT, TCP_SYN | TCP_ACK, BENCH_SERVER_ISN, C);
    bench_expect(b, "open start");
    b->client = client;
    bench_c(b, 0, "abc");
    bench_expect(b, ">abcdef");
    bench_free(b);
}

static void clock_runs_backwards(void **state) {
    (void)state;
    struct bench *b = bench_new();
    bench_handshake(b);
    b->now.time_ns -= 10 * SECOND_NS;
    bench_c(b, 0, "abc");
    b->now.time_ns = 1;
    bench_c(b, 3, "def");
    bench_pass(b, IDLE_NS + SECOND_NS); /* and it counts again from there */
    bench_expect(b, "open start >abcdef end:timeout");
    assert_true(b->facts.last.time_ns >= b->facts.first.time_ns);
    b->now.time_ns = UINT64_MAX;
    bench_handshake(b);
    bench_finish(b);
    bench_expect(b, "open start end:capture_end");
    bench_free(b);
}

static void two_clocks_an_hour_apart(void **state) {
    (void)state;
    struct bench *b = bench_new();
    bench_flags(b, TO_SERVER, TCP_SYN, BENCH_CLIENT_ISN, 0);
    struct endpoint client = b->client;
    for (unsigned i = 0; i < 1000; i++) {
        bench_other_client(b, 5);
        b->now.time_ns += i % 2 ? 3500 * SECOND_NS : -(3500 * SECOND_NS);
        bench_flags(b, TO_SERVER, TCP_ACK, 1, 1);
    }
    b->client = client;
    bench_flags(b, TO_CLIENT, TCP_SYN | TCP_ACK, BENCH_SERVER_ISN, C);
    bench_expect(b, "open start");
    bench_free(b);
}

static void ends_in_the_order_of_beginnings(void **state) {
    (void)state;
    uint16_t ports[2][50];
    for (unsigned run = 0; run < 2; run++) {
        struct bench *b = bench_new();
        b->settings.hash_key = (struct siphash_key){run * 12345, run};
        for (unsigned i = 0; i < 50; i++) {
            bench_other_client(b, i * 7 % 50);
            bench_handshake(b);
        }
        b->used = 0;
        for (unsigned i = 0; i < 50; i++) {
            bench_other_client(b, i);
            bench_c(b, 0, "x"); /* the order of their last packets does not matter */
        }
        b->used = 0;
        bench_finish(b);
        ports[run][49] = b->facts.client.port;
        bench_free(b);
    }
    assert_int_equal(ports[0][49], 1024 + 49 * 7 % 50);
    assert_int_equal(ports[0][49], ports[1][49]);
}

static void identifiers(void **state) {
    (void)state;
    char first[17];
    for (unsigned run = 0; run < 2; run++) {
        struct bench *b = bench_new();
        b->settings.hash_key = (struct siphash_key){run, run};
        bench_handshake(b);
        bench_finish(b);
        assert_int_equal(strlen(b->facts.flow_id), 16);
        assert_int_equal(strspn(b->facts.flow_id, "0123456789abcdef"), 16);
        assert_int_equal(strlen(b->facts.community_id), 30);
        if (run == 0) {
            memcpy(first, b->facts.flow_id, sizeof first);
        }
        assert_string_equal(b->facts.flow_id, first);
        bench_handshake(b); /* the same again, later: another flow */
        bench_wait(b, 1);
        bench_finish(b);
        bench_free(b);
    }
}

static void idle_flow_is_small(void **state) {
    (void)state;
    assert_true(flow_table_flow_size() <= 416);
}

/* The same addresses and ports, told apart by what else is in the key. */
static void key_tags(void **state) {
    (void)state;
    struct bench *b = bench_new();
    static const uint64_t tags[] = {0, 1, UINT64_MAX};
    char ids[3][17];
    for (unsigned i = 0; i < 3; i++) {
        struct packet p = {.at = b->now, .src = b->client, .dst = b->server, .flags = TCP_SYN, .window_scale = 0xff};
        p.wrapping.key_tag = tags[i];
        flow_table_packet(bench_table(b), &p);
        assert_int_equal(flow_table_count(bench_table(b)), i + 1);
        p.src = b->server;
        p.dst = b->client;
        p.flags = TCP_SYN | TCP_ACK;
        p.ack = 1;
        flow_table_packet(bench_table(b), &p);
        assert_int_equal(flow_table_count(bench_table(b)), i + 1);
    }
    for (unsigned i = 0; i < 3; i++) {
        assert_true(flow_table_evict(bench_table(b)));
        memcpy(ids[i], b->facts.flow_id, sizeof ids[i]);
    }
    assert_string_not_equal(ids[0], ids[1]);
    assert_string_not_equal(ids[1], ids[2]);
    bench_free(b);
}

/* The connection of the packet before is looked at first, and is another one, or gone. */
static void the_one_before(void **state) {
    (void)state;
    struct bench *b = bench_new();
    for (unsigned i = 0; i < 2; i++) {
        bench_other_client(b, i);
        bench_handshake(b);
    }
    for (unsigned turn = 0; turn < 3; turn++) {
        bench_other_client(b, turn % 2);
        bench_c(b, turn / 2, "a");
        bench_s(b, turn / 2, "b");
    }
    bench_expect(b, "open start open start >a <b >a <b >a <b");
    assert_int_equal(flow_table_count(b->table), 2);
    while (flow_table_evict(bench_table(b))) {
    }
    bench_expect(b, "end:evicted end:evicted");
    assert_int_equal(b->facts.packets[TO_CLIENT], 3);
    bench_handshake(b);
    bench_c(b, 0, "new");
    bench_finish(b);
    bench_expect(b, "open start >new end:capture_end");
    bench_free(b);
}

static void differing_fragments_are_counted(void **state) {
    (void)state;
    struct bench *b = bench_new();
    bench_handshake(b);
    for (unsigned i = 0; i < 3; i++) {
        struct packet p = {.at = b->now, .src = b->client, .dst = b->server, .flags = TCP_ACK, .window_scale = 0xff};
        p.seq = C + i;
        p.ack = S;
        p.payload = (struct view){(const uint8_t *)"x", 1};
        p.payload_length = 1;
        p.overlap_differs = i != 1;
        flow_table_packet(bench_table(b), &p);
    }
    bench_finish(b);
    assert_int_equal(b->trouble.of[FRAGMENTS_DIFFER].count, 2);
    assert_int_equal(b->trouble.of[SEGMENTS_DIFFER].count, 0);
    bench_free(b);
}

/* The wrapping is that of the first packet, and turned where the server sent it. */
static void tunnel_addresses_are_the_clients(void **state) {
    (void)state;
    struct bench *b = bench_new();
    struct packet p = {
        .at = b->now, .src = b->server, .dst = b->client, .flags = TCP_SYN | TCP_ACK, .window_scale = 0xff};
    p.wrapping =
        (struct wrapping){.has_tunnel = true, .layer_count = 1, .layers = {ENCAPSULATION_GRE_KEY}, .layer_ids = {5}};
    p.wrapping.tunnel_src = (struct address){{1}, 4};
    p.wrapping.tunnel_dst = (struct address){{2}, 4};
    flow_table_packet(bench_table(b), &p);
    bench_finish(b);
    assert_int_equal(b->wrapping.tunnel_src.bytes[0], 2);
    assert_int_equal(b->wrapping.tunnel_dst.bytes[0], 1);
    assert_int_equal(b->wrapping.layer_ids[0], 5);
    bench_free(b);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(key_tags),
        cmocka_unit_test(the_one_before),
        cmocka_unit_test(differing_fragments_are_counted),
        cmocka_unit_test(tunnel_addresses_are_the_clients),
        cmocka_unit_test(closed_by_fin),
        cmocka_unit_test(fin_with_data_out_of_order),
        cmocka_unit_test(lost_before_fin),
        cmocka_unit_test(closed_when_a_hole_is_given_up),
        cmocka_unit_test(closed_and_not),
        cmocka_unit_test(closed_by_the_only_side),
        cmocka_unit_test(lost_before_fin_unacknowledged),
        cmocka_unit_test(fin_not_captured_is_no_gap),
        cmocka_unit_test(reset_inside_the_window_only),
        cmocka_unit_test(reset_that_was_not_the_senders),
        cmocka_unit_test(reset_early),
        cmocka_unit_test(fin_that_was_not_the_senders),
        cmocka_unit_test(closed_by_the_first),
        cmocka_unit_test(syn_late),
        cmocka_unit_test(picked_up_and_closed),
        cmocka_unit_test(refused),
        cmocka_unit_test(unanswered),
        cmocka_unit_test(capture_ends_behind_syn),
        cmocka_unit_test(syn_scan),
        cmocka_unit_test(handshake_swapped),
        cmocka_unit_test(used_again_after_close),
        cmocka_unit_test(played_again),
        cmocka_unit_test(used_again_abruptly),
        cmocka_unit_test(used_again_one_direction_seen),
        cmocka_unit_test(stray_syn_changes_nothing),
        cmocka_unit_test(stray_syn_ack_changes_nothing),
        cmocka_unit_test(used_again_without_syn_captured),
        cmocka_unit_test(direction_by_port),
        cmocka_unit_test(direction_by_header),
        cmocka_unit_test(other_port_with_handshake),
        cmocka_unit_test(other_port_in_small_pieces_out_of_order),
        cmocka_unit_test(other_port_other_protocol),
        cmocka_unit_test(other_port_refused_says_nothing),
        cmocka_unit_test(ports_from_settings),
        cmocka_unit_test(idle_timeout),
        cmocka_unit_test(midstream_without_data_says_nothing),
        cmocka_unit_test(flows_are_bounded),
        cmocka_unit_test(half_open_goes_before_live),
        cmocka_unit_test(memory_is_bounded),
        cmocka_unit_test(candidates_are_bounded),
        cmocka_unit_test(clock_jumps_forward),
        cmocka_unit_test(clock_runs_backwards),
        cmocka_unit_test(two_clocks_an_hour_apart),
        cmocka_unit_test(ends_in_the_order_of_beginnings),
        cmocka_unit_test(identifiers),
        cmocka_unit_test(idle_flow_is_small),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
