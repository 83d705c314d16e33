/* Segments into ordered bytes and gaps: every case by hand, then any cut, order and duplication of a stream. */
#include "flow_bench.h"

static void in_order(void **state) {
    (void)state;
    struct bench *b = bench_new();
    bench_handshake(b);
    bench_expect(b, "open start");
    bench_c(b, 0, "hello");
    bench_s_ack(b, 5);
    bench_s(b, 0, "HELLO");
    bench_c(b, 5, "world");
    bench_finish(b);
    bench_expect(b, ">hello <HELLO >world end:capture_end");
    assert_int_equal(b->facts.bytes[TO_SERVER], 10);
    assert_int_equal(b->facts.bytes[TO_CLIENT], 5);
    assert_int_equal(b->facts.packets[TO_SERVER], 4);
    assert_int_equal(b->facts.packets[TO_CLIENT], 3);
    assert_true(b->facts.start_seen);
    assert_int_equal(b->stats.out_of_order, 0);
    bench_free(b);
}

static void out_of_order(void **state) {
    (void)state;
    struct bench *b = bench_new();
    bench_handshake(b);
    bench_c(b, 6, "ghi");
    bench_c(b, 3, "def");
    bench_expect(b, "open start");
    bench_c(b, 0, "abc");
    bench_expect(b, ">abcdefghi");
    assert_int_equal(b->stats.out_of_order, 2);
    bench_finish(b);
    bench_expect(b, "end:capture_end");
    bench_free(b);
}

static void retransmissions(void **state) {
    (void)state;
    struct bench *b = bench_new();
    bench_handshake(b);
    bench_c(b, 0, "abcdef");
    bench_c(b, 0, "abcdef"); /* equal */
    bench_c(b, 0, "abc");    /* shorter */
    bench_c(b, 3, "defghi"); /* longer: its end is new */
    bench_c(b, 2, "cdefg");  /* within */
    bench_expect(b, "open start >abcdefghi");
    assert_int_equal(b->stats.retransmitted, 4);
    bench_finish(b);
    assert_int_equal(b->facts.bytes[TO_SERVER], 9);
    bench_free(b);
}

static void overlaps_first_bytes_win(void **state) {
    (void)state;
    struct bench *b = bench_new();
    bench_handshake(b);
    bench_c(b, 3, "def");
    bench_c(b, 2, "XXXXXX"); /* 2, then 3..5 differ, then 6 and 7 */
    bench_c(b, 0, "abYY");   /* 0 and 1, then 2 differs, and 3 */
    bench_expect(b, "open start >abXdefXX");
    assert_int_equal(b->stats.overlap_differs, 2);
    bench_finish(b);
    assert_int_equal(b->trouble.of[SEGMENTS_DIFFER].count, 2);
    bench_free(b);
}

/* What was passed on is remembered for a while, so that it is noticed when it comes again and is not the same. */
static void differs_from_what_passed(void **state) {
    (void)state;
    struct bench *b = bench_new();
    bench_handshake(b);
    bench_c(b, 0, "abc");
    bench_c(b, 3, "def");
    bench_c(b, 0, "abcdef");
    bench_c(b, 2, "cd");
    bench_c(b, 4, "efg"); /* its end is new */
    assert_int_equal(b->stats.overlap_differs, 0);
    bench_c(b, 0, "Xbc");     /* the first byte */
    bench_c(b, 2, "cX");      /* two segments, the second differs */
    bench_c(b, 1, "bcdeXgh"); /* three, and its end is new */
    bench_c(b, 9, "jk");      /* out of order */
    bench_c(b, 7, "XiXX");    /* the first differs from what has passed, the last two from what waits */
    bench_c(b, 10, "X");      /* a keep-alive's byte may be anything */
    bench_expect(b, "open start >abcdefghijk");
    assert_int_equal(b->stats.overlap_differs, 4);
    bench_finish(b);
    assert_non_null(b->facts.trouble);
    bench_free(b);
}

static void what_passed_is_forgotten(void **state) {
    (void)state;
    struct bench *b = bench_new();
    static uint8_t large[HISTORY_SEGMENT_MAX];
    bench_handshake(b);
    bench_c(b, 0, "a");
    for (uint32_t i = 1; i < HISTORY_STEPS; i++) {
        bench_c(b, i, "b");
    }
    bench_c(b, 0, "Xb");
    assert_int_equal(b->stats.overlap_differs, 1);
    bench_c(b, HISTORY_STEPS, "c"); /* one segment more than is looked through */
    bench_c(b, 0, "Xb");
    assert_int_equal(b->stats.overlap_differs, 1);
    bench_c(b, 1, "Xb");
    assert_int_equal(b->stats.overlap_differs, 2);
    /* The memory is the flows' in common: another one fills it. */
    b->client.port++;
    bench_handshake(b);
    for (uint32_t i = 0; i < HISTORY_BYTES / sizeof large; i++) {
        bench_packet(b, TO_SERVER, TCP_ACK, BENCH_CLIENT_ISN + 1 + i * (uint32_t)sizeof large, BENCH_SERVER_ISN + 1,
                     (struct view){large, sizeof large}, sizeof large);
    }
    b->client.port--;
    bench_c(b, 1, "Xb");
    assert_int_equal(b->stats.overlap_differs, 2);
    bench_free(b);
}

static void overlap_fills_several_holes(void **state) {
    (void)state;
    struct bench *b = bench_new();
    bench_handshake(b);
    bench_c(b, 2, "c");
    bench_c(b, 4, "e");
    bench_c(b, 6, "g");
    bench_c(b, 1, "bcdefgh");
    bench_c(b, 0, "a");
    bench_expect(b, "open start >abcdefgh");
    assert_int_equal(b->stats.overlap_differs, 0);
    bench_free(b);
}

static void hole_is_gap_when_acked_and_packets_passed(void **state) {
    (void)state;
    struct bench *b = bench_new();
    bench_handshake(b);
    bench_c(b, 0, "abc");
    bench_c(b, 8, "xyz");
    bench_s_ack(b, 11);
    for (int i = 0; i < REORDER_PACKETS - 1; i++) {
        bench_s_ack(b, 11);
    }
    bench_expect(b, "open start >abc");
    bench_s_ack(b, 11);
    bench_expect(b, ">(5)xyz");
    bench_c(b, 3, "defgh"); /* too late */
    bench_c(b, 11, "!");
    bench_finish(b);
    bench_expect(b, ">! end:capture_end");
    assert_int_equal(b->facts.missed_bytes[TO_SERVER], 5);
    assert_int_equal(b->facts.gaps[TO_SERVER], 1);
    assert_int_equal(b->facts.bytes[TO_SERVER], 7);
    assert_int_equal(b->stats.missed_bytes, 5);
    bench_free(b);
}

static void hole_is_gap_when_acked_and_time_passed(void **state) {
    (void)state;
    struct bench *b = bench_new();
    bench_handshake(b);
    bench_c(b, 3, "def");
    bench_s_ack(b, 6);
    bench_pass(b, REORDER_NS - SECOND_NS / 2);
    bench_expect(b, "open start");
    bench_pass(b, SECOND_NS);
    bench_expect(b, ">(3)def");
    bench_free(b);
}

static void hole_waits_for_retransmission(void **state) {
    (void)state;
    struct bench *b = bench_new();
    bench_handshake(b);
    bench_c(b, 3, "def");
    for (int i = 0; i < 2 * REORDER_PACKETS; i++) {
        bench_s_ack(b, 0); /* the other side does not have it either */
    }
    bench_pass(b, 2 * REORDER_NS);
    bench_expect(b, "open start");
    bench_c(b, 0, "abc");
    bench_expect(b, ">abcdef");
    bench_c(b, 9, "jkl");
    bench_pass(b, HOLE_NS + 3 * REORDER_NS); /* given up */
    bench_expect(b, ">(3)jkl");
    bench_free(b);
}

static void acked_alone_is_gap(void **state) {
    (void)state;
    struct bench *b = bench_new();
    bench_handshake(b);
    bench_c(b, 0, "abc");
    bench_s_ack(b, 13); /* ten bytes of which nothing was captured, nor anything behind them */
    bench_pass(b, REORDER_NS + SECOND_NS);
    bench_expect(b, "open start >abc(10)");
    bench_c(b, 13, "next");
    bench_expect(b, ">next");
    bench_free(b);
}

static void holes_wait_side_by_side(void **state) {
    (void)state;
    struct bench *b = bench_new();
    bench_handshake(b);
    for (uint32_t i = 0; i < 10; i++) {
        bench_c(b, 2 * i + 1, "x");
    }
    bench_s_ack(b, 20);
    for (int i = 0; i < REORDER_PACKETS + 10; i++) {
        bench_s_ack(b, 20);
    }
    bench_expect(b, "open start >(1)x(1)x(1)x(1)x(1)x(1)x(1)x(1)x(1)x(1)x");
    bench_free(b);
}

/* A hole of one direction that waited long does not make one of the other old. */
static void hole_is_as_old_as_what_shows_it(void **state) {
    (void)state;
    struct bench *b = bench_new();
    bench_handshake(b);
    bench_s(b, 3, "DEF"); /* before it is a hole that nobody acknowledges */
    for (int i = 0; i < 2 * REORDER_PACKETS; i++) {
        bench_c_ack(b, 0);
    }
    bench_data(b, TO_CLIENT, BENCH_SERVER_ISN + 1 + 6, BENCH_CLIENT_ISN + 1 + 3, "GHI");
    bench_c(b, 0, "abc");
    bench_s(b, 0, "ABC");
    bench_expect(b, "open start >abc <ABCDEFGHI");
    bench_free(b);
}

static void directions_swapped(void **state) {
    (void)state;
    struct bench *b = bench_new();
    bench_handshake(b);
    bench_data(b, TO_CLIENT, BENCH_SERVER_ISN + 1, BENCH_CLIENT_ISN + 1 + 7, "answer.");
    bench_flags(b, TO_SERVER, TCP_ACK, BENCH_CLIENT_ISN + 8, BENCH_SERVER_ISN + 8);
    bench_expect(b, "open start");
    bench_c(b, 0, "request");
    bench_expect(b, ">request <answer.");
    /* Again, and both of them lost their order among themselves. */
    bench_data(b, TO_CLIENT, BENCH_SERVER_ISN + 8, BENCH_CLIENT_ISN + 1 + 13, "answer2");
    bench_data(b, TO_SERVER, BENCH_CLIENT_ISN + 8 + 3, BENCH_SERVER_ISN + 8, "est");
    bench_data(b, TO_SERVER, BENCH_CLIENT_ISN + 8, BENCH_SERVER_ISN + 8, "req");
    bench_expect(b, ">reqest <answer2");
    assert_int_equal(b->stats.gaps, 0);
    bench_free(b);
}

static void answer_waits_for_the_gap_of_its_request(void **state) {
    (void)state;
    struct bench *b = bench_new();
    bench_handshake(b);
    bench_data(b, TO_CLIENT, BENCH_SERVER_ISN + 1, BENCH_CLIENT_ISN + 1 + 7, "answer.");
    bench_data(b, TO_SERVER, BENCH_CLIENT_ISN + 8, BENCH_SERVER_ISN + 8, "second.");
    bench_finish(b);
    bench_expect(b, "open start >(7) <answer. >second. end:capture_end");
    bench_free(b);
}

static void both_wait_for_each_other(void **state) {
    (void)state;
    struct bench *b = bench_new();
    bench_handshake(b);
    /* The request was lost; its answer is here; its retransmission acknowledges the answer. */
    bench_data(b, TO_CLIENT, BENCH_SERVER_ISN + 1, BENCH_CLIENT_ISN + 1 + 7, "answer.");
    bench_data(b, TO_SERVER, BENCH_CLIENT_ISN + 1, BENCH_SERVER_ISN + 8, "request");
    bench_expect(b, "open start >request <answer.");
    assert_int_equal(b->stats.gaps, 0);
    bench_free(b);
}

static void one_direction_only(void **state) {
    (void)state;
    struct bench *b = bench_new();
    bench_flags(b, TO_SERVER, TCP_SYN, BENCH_CLIENT_ISN, 0);
    bench_flags(b, TO_SERVER, TCP_ACK, BENCH_CLIENT_ISN + 1, BENCH_SERVER_ISN + 1);
    bench_data(b, TO_SERVER, BENCH_CLIENT_ISN + 1, BENCH_SERVER_ISN + 1, "one");
    bench_data(b, TO_SERVER, BENCH_CLIENT_ISN + 4, BENCH_SERVER_ISN + 500, "two");
    bench_data(b, TO_SERVER, BENCH_CLIENT_ISN + 7, BENCH_SERVER_ISN + 900, "three");
    bench_expect(b, "open start >one"); /* what the others acknowledge may still come */
    bench_pass(b, REORDER_NS + SECOND_NS);
    bench_expect(b, ">twothree");
    bench_data(b, TO_SERVER, BENCH_CLIENT_ISN + 12, BENCH_SERVER_ISN + 1000, "four"); /* it is not waited for again */
    bench_expect(b, ">four");
    bench_flags(b, TO_SERVER, TCP_ACK | TCP_FIN, BENCH_CLIENT_ISN + 16, BENCH_SERVER_ISN + 1000);
    bench_pass(b, LINGER_NS + SECOND_NS);
    bench_expect(b, "end:fin");
    assert_int_equal(b->facts.missed_bytes[TO_CLIENT], 0);
    bench_free(b);
}

static void other_direction_only(void **state) {
    (void)state;
    struct bench *b = bench_new();
    bench_flags(b, TO_CLIENT, TCP_SYN | TCP_ACK, BENCH_SERVER_ISN, BENCH_CLIENT_ISN + 1);
    bench_data(b, TO_CLIENT, BENCH_SERVER_ISN + 1, BENCH_CLIENT_ISN + 70, "one");
    bench_data(b, TO_CLIENT, BENCH_SERVER_ISN + 4, BENCH_CLIENT_ISN + 99, "two");
    bench_expect(b, "open start");
    for (int i = 0; i < REORDER_PACKETS; i++) {
        bench_flags(b, TO_CLIENT, TCP_ACK, BENCH_SERVER_ISN + 7, BENCH_CLIENT_ISN + 99);
    }
    bench_expect(b, "<onetwo");
    bench_finish(b);
    assert_true(b->facts.start_seen);
    assert_int_equal(b->facts.missed_bytes[TO_SERVER], 0);
    bench_free(b);
}

static void midstream(void **state) {
    (void)state;
    struct bench *b = bench_new();
    bench_data(b, TO_SERVER, 70000, 90000, "ask");
    bench_data(b, TO_CLIENT, 90000, 70003, "reply");
    bench_expect(b, ""); /* a SYN may still come */
    for (int i = 0; i < EARLY_PACKETS; i++) {
        bench_flags(b, TO_SERVER, TCP_ACK, 70003, 90005);
    }
    bench_expect(b, "open start >ask <reply");
    bench_data(b, TO_SERVER, 70003, 90005, "more");
    bench_expect(b, ">more");
    bench_finish(b);
    assert_false(b->facts.start_seen);
    assert_int_equal(b->facts.missed_bytes[TO_SERVER], 0);
    assert_int_equal(b->stats.out_of_order, 0);
    bench_free(b);
}

static void midstream_earlier_segment_late(void **state) {
    (void)state;
    struct bench *b = bench_new();
    bench_data(b, TO_SERVER, 70003, 90000, "def");
    bench_data(b, TO_SERVER, 70000, 90000, "abc");
    bench_data(b, TO_SERVER, 70006, 90000, "ghi");
    for (int i = 0; i < EARLY_PACKETS; i++) {
        bench_flags(b, TO_CLIENT, TCP_ACK, 90000, 70009);
    }
    bench_expect(b, "open start >abcdefghi");
    bench_data(b, TO_SERVER, 69997, 90000, "old");
    bench_finish(b);
    bench_expect(b, "end:capture_end");
    bench_free(b);
}

/* One direction is a little behind the other from the first packet on. */
static void directions_swapped_from_the_start(void **state) {
    (void)state;
    struct bench *b = bench_new();
    bench_flags(b, TO_CLIENT, TCP_SYN | TCP_ACK, BENCH_SERVER_ISN, BENCH_CLIENT_ISN + 1);
    bench_data(b, TO_CLIENT, BENCH_SERVER_ISN + 1, BENCH_CLIENT_ISN + 1 + 3, "reply");
    bench_flags(b, TO_SERVER, TCP_SYN, BENCH_CLIENT_ISN, 0);
    bench_flags(b, TO_SERVER, TCP_ACK, BENCH_CLIENT_ISN + 1, BENCH_SERVER_ISN + 1);
    bench_data(b, TO_SERVER, BENCH_CLIENT_ISN + 1, BENCH_SERVER_ISN + 1, "ask");
    bench_expect(b, "open start >ask <reply");
    bench_free(b);

    b = bench_new();
    bench_flags(b, TO_SERVER, TCP_SYN, BENCH_CLIENT_ISN, 0);
    bench_flags(b, TO_SERVER, TCP_ACK, BENCH_CLIENT_ISN + 1, BENCH_SERVER_ISN + 1);
    bench_data(b, TO_SERVER, BENCH_CLIENT_ISN + 1, BENCH_SERVER_ISN + 1, "ask");
    bench_data(b, TO_SERVER, BENCH_CLIENT_ISN + 4, BENCH_SERVER_ISN + 6, "ask more");
    bench_flags(b, TO_CLIENT, TCP_SYN | TCP_ACK, BENCH_SERVER_ISN, BENCH_CLIENT_ISN + 1);
    bench_data(b, TO_CLIENT, BENCH_SERVER_ISN + 1, BENCH_CLIENT_ISN + 4, "reply");
    bench_expect(b, "open start >ask <reply >ask more");
    bench_free(b);
}

/* The last byte of a request comes behind its answer: a byte that is acknowledged alone may be a FIN, or not. */
static void last_byte_late(void **state) {
    (void)state;
    struct bench *b = bench_new();
    bench_handshake(b);
    bench_c(b, 0, "as");
    bench_data(b, TO_CLIENT, BENCH_SERVER_ISN + 1, BENCH_CLIENT_ISN + 1 + 3, "reply");
    bench_c(b, 2, "k");
    bench_expect(b, "open start >ask <reply");
    bench_data(b, TO_CLIENT, BENCH_SERVER_ISN + 6, BENCH_CLIENT_ISN + 1 + 4, "bye"); /* the FIN is never seen */
    bench_pass(b, REORDER_NS + SECOND_NS);
    bench_expect(b, "<bye");
    bench_finish(b);
    assert_int_equal(b->facts.missed_bytes[TO_SERVER], 0);
    bench_free(b);
}

static void midstream_response_first(void **state) {
    (void)state;
    struct bench *b = bench_new();
    bench_data(b, TO_CLIENT, 90000, 70003, "reply");
    bench_data(b, TO_SERVER, 70000, 90000, "ask");
    bench_finish(b);
    bench_expect(b, "open start >ask <reply end:capture_end");
    bench_free(b);
}

static void keep_alives(void **state) {
    (void)state;
    struct bench *b = bench_new();
    bench_handshake(b);
    bench_c(b, 0, "abc");
    struct view byte = {(const uint8_t *)"z", 1};
    bench_packet(b, TO_SERVER, TCP_ACK, BENCH_CLIENT_ISN + 3, BENCH_SERVER_ISN + 1, byte, 1);
    bench_flags(b, TO_SERVER, TCP_ACK, BENCH_CLIENT_ISN + 3, BENCH_SERVER_ISN + 1);
    bench_c(b, 3, "def");
    bench_expect(b, "open start >abcdef");
    assert_int_equal(b->stats.retransmitted, 0);
    bench_finish(b);
    bench_free(b);

    /* One that a capture begins with is no data. */
    b = bench_new();
    bench_packet(b, TO_SERVER, TCP_ACK, 69999, 90000, byte, 1);
    bench_flags(b, TO_CLIENT, TCP_ACK, 90000, 70000);
    bench_expect(b, "");
    bench_data(b, TO_SERVER, 70000, 90000, "abc");
    bench_finish(b);
    bench_expect(b, "open start >abc end:capture_end");
    bench_free(b);
}

/* What it carries is no byte of what was lost before it, unless another byte follows. */
static void keep_alive_behind_a_hole(void **state) {
    (void)state;
    static const struct {
        const char *next, *told;
    } cases[] = {
        {"", "open start >ab(3) end:capture_end"},
        {"fg", "open start >ab(3)fg end:capture_end"},
        {"f", "open start >ab(2)zf end:capture_end"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct bench *b = bench_new();
        struct view byte = {(const uint8_t *)"z", 1};
        bench_handshake(b);
        bench_c(b, 0, "ab");
        bench_s_ack(b, 5);
        bench_packet(b, TO_SERVER, TCP_ACK, BENCH_CLIENT_ISN + 1 + 4, BENCH_SERVER_ISN + 1, byte, 1);
        bench_packet(b, TO_SERVER, TCP_ACK, BENCH_CLIENT_ISN + 1 + 4, BENCH_SERVER_ISN + 1, byte, 1);
        bench_c(b, 5, cases[i].next);
        bench_finish(b);
        bench_expect(b, cases[i].told);
        bench_free(b);
    }
    struct bench *b = bench_new(); /* nothing was lost, though all came after it was acknowledged */
    bench_handshake(b);
    bench_s_ack(b, 3);
    bench_c(b, 2, "c");
    bench_c(b, 0, "ab");
    bench_expect(b, "open start >abc");
    bench_free(b);
}

static void sequence_wraps(void **state) {
    (void)state;
    struct bench *b = bench_new();
    const uint32_t isn = UINT32_MAX - 4;
    bench_flags(b, TO_SERVER, TCP_SYN, isn, 0);
    bench_flags(b, TO_CLIENT, TCP_SYN | TCP_ACK, BENCH_SERVER_ISN, isn + 1);
    bench_data(b, TO_SERVER, isn + 1 + 6, BENCH_SERVER_ISN + 1, "ghi");
    bench_data(b, TO_SERVER, isn + 1 + 2, BENCH_SERVER_ISN + 1, "cdef");
    bench_data(b, TO_SERVER, isn + 1, BENCH_SERVER_ISN + 1, "ab");
    bench_data(b, TO_SERVER, isn + 1, BENCH_SERVER_ISN + 1, "ab");
    bench_data(b, TO_SERVER, isn + 1 + 9, BENCH_SERVER_ISN + 1, "jkl");
    bench_expect(b, "open start >abcdefghijkl");
    bench_free(b);
}

static void cut_frames(void **state) {
    (void)state;
    struct bench *b = bench_new();
    bench_handshake(b);
    struct view some = {(const uint8_t *)"abcd", 4};
    const uint8_t flags = TCP_ACK | TCP_PSH;
    bench_packet(b, TO_SERVER, flags, BENCH_CLIENT_ISN + 1, BENCH_SERVER_ISN + 1, some, 10);
    bench_c(b, 10, "next");
    bench_packet(b, TO_SERVER, flags, BENCH_CLIENT_ISN + 1 + 24, BENCH_SERVER_ISN + 1, some,
                 6); /* out of order as well */
    bench_packet(b, TO_SERVER, flags, BENCH_CLIENT_ISN + 1 + 14, BENCH_SERVER_ISN + 1, (struct view){NULL, 0}, 10);
    bench_c(b, 26, "zzzzend");
    bench_expect(b, "open start >abcd(6)next(10)abcd(2)end");
    bench_finish(b);
    assert_int_equal(b->facts.bytes[TO_SERVER], 33);
    assert_int_equal(b->facts.missed_bytes[TO_SERVER], 18);
    assert_int_equal(b->facts.gaps[TO_SERVER], 3);
    bench_free(b);
}

static void bound_makes_gap(void **state) {
    (void)state;
    struct bench *b = bench_new();
    b->settings.reorder_bytes_max = 4096;
    bench_handshake(b);
    char data[501];
    memset(data, 'x', 500);
    data[500] = '\0';
    for (uint32_t i = 0; i < 20; i++) {
        bench_c(b, 10 + i * 500, data);
    }
    assert_int_equal(b->stats.reassembly_limit, 1);
    assert_int_equal(b->stats.gaps, 1);
    bench_finish(b);
    assert_int_equal(b->facts.bytes[TO_SERVER], 10000);
    assert_int_equal(b->facts.missed_bytes[TO_SERVER], 10);
    bench_free(b);
}

static void segment_count_bound(void **state) {
    (void)state;
    struct bench *b = bench_new();
    bench_handshake(b);
    for (uint32_t i = 0; i <= REORDER_SEGMENTS_MAX; i++) {
        bench_c(b, 1 + 2 * i, "x");
    }
    assert_int_equal(b->stats.reassembly_limit, 1);
    bench_finish(b);
    assert_int_equal(b->facts.bytes[TO_SERVER], REORDER_SEGMENTS_MAX + 1);
    assert_int_equal(b->facts.missed_bytes[TO_SERVER], REORDER_SEGMENTS_MAX + 1);
    bench_free(b);
}

static void no_memory_at_all(void **state) {
    (void)state;
    struct bench *b = bench_new();
    bench_handshake(b);
    b->budget.ceiling = b->budget.held;
    bench_c(b, 3, "def");
    bench_expect(b, "open start >(3)def");
    bench_data(b, TO_CLIENT, BENCH_SERVER_ISN + 1, BENCH_CLIENT_ISN + 1 + 9, "answer");
    bench_finish(b);
    bench_expect(b, ">(3) <answer end:capture_end");
    assert_true(b->stats.reassembly_limit > 0);
    bench_free(b);
}

static void lone_segment_far_ahead_is_not_believed(void **state) {
    (void)state;
    struct bench *b = bench_new();
    bench_handshake(b);
    bench_c(b, 0, "abc");
    bench_c(b, 500000000, "wild");
    bench_c(b, 3, "def");
    bench_finish(b);
    bench_expect(b, "open start >abcdef end:capture_end");
    assert_int_equal(b->stats.segments_dropped, 1);
    bench_free(b);
}

static void loss_of_gigabytes(void **state) {
    (void)state;
    const uint32_t jumps[] = {500000000, 2500000000, 4000000000};
    for (size_t i = 0; i < sizeof jumps / sizeof *jumps; i++) {
        struct bench *b = bench_new();
        bench_handshake(b);
        bench_c(b, 0, "abc");
        bench_c(b, jumps[i], "def");
        bench_c(b, jumps[i] + 3, "ghi");
        bench_c(b, jumps[i] + 6, "jkl");
        bench_pass(b, HOLE_NS + 3 * REORDER_NS);
        bench_c(b, jumps[i] + 9, "mno");
        char text[64];
        snprintf(text, sizeof text, "open start >abc(%u)defghijklmno", jumps[i] - 3);
        bench_expect(b, text);
        bench_free(b);
    }
}

static void wild_acknowledgment_is_not_believed(void **state) {
    (void)state;
    struct bench *b = bench_new();
    bench_handshake(b);
    bench_c(b, 0, "abc");
    bench_s_ack(b, 0x70000000);
    bench_pass(b, 2 * REORDER_NS);
    bench_c(b, 3, "def");
    bench_s_ack(b, 6);
    bench_expect(b, "open start >abcdef");
    bench_free(b);
}

static void data_with_syn(void **state) {
    (void)state;
    struct bench *b = bench_new();
    struct view early = {(const uint8_t *)"early", 5};
    bench_packet(b, TO_SERVER, TCP_SYN, BENCH_CLIENT_ISN, 0, early, 5);
    bench_expect(b, "");
    bench_flags(b, TO_CLIENT, TCP_SYN | TCP_ACK, BENCH_SERVER_ISN, BENCH_CLIENT_ISN + 6);
    bench_c(b, 5, "late");
    bench_expect(b, "open start >earlylate");
    bench_free(b);
}

/* --- any cut, order and duplication --- */

enum { STREAM_BYTES = 3000, STREAM_ROUNDS = 3000, PIECES_MAX = 400 };

static uint32_t next_random(uint64_t *seed) {
    *seed ^= *seed << 13;
    *seed ^= *seed >> 7;
    *seed ^= *seed << 17;
    return (uint32_t)(*seed >> 16);
}

struct piece {
    uint32_t at, n;
};

/* Cuts the stream, repeats some of it with other cuts, and moves each piece a little. */
static size_t shuffle_pieces(struct piece *pieces, uint64_t *seed) {
    size_t count = 0;
    for (uint32_t at = 0; at < STREAM_BYTES && count < PIECES_MAX - 60;) {
        uint32_t n = 1 + next_random(seed) % (next_random(seed) % 4 ? 200 : 20);
        n = n < STREAM_BYTES - at ? n : STREAM_BYTES - at;
        if (count == PIECES_MAX - 61) {
            n = STREAM_BYTES - at;
        }
        pieces[count++] = (struct piece){at, n};
        if (next_random(seed) % 5 == 0 && at + n > 1) {
            uint32_t from = next_random(seed) % (at + n);
            pieces[count++] = (struct piece){from, 1 + next_random(seed) % (at + n - from)};
        }
        at += n;
    }
    uint32_t reach = next_random(seed) % 12;
    for (size_t i = 0; reach != 0 && i < count; i++) {
        size_t j = i + next_random(seed) % reach;
        if (j < count) {
            struct piece swap = pieces[i];
            pieces[i] = pieces[j];
            pieces[j] = swap;
        }
    }
    return count;
}

struct stream_model {
    uint8_t bytes[STREAM_BYTES];
    uint32_t passed;
    unsigned gaps, ended;
};

static void *model_open(void *arg, const struct flow_facts *facts) {
    (void)facts;
    return arg;
}

static void model_start(void *connection, struct moment at) {
    (void)connection;
    (void)at;
}

static void model_bytes(void *connection, enum direction d, struct view v, struct moment at) {
    struct stream_model *m = connection;
    (void)at;
    assert_int_equal(d, TO_SERVER);
    assert_true(v.n <= STREAM_BYTES - m->passed);
    assert_memory_equal(v.p, m->bytes + m->passed, v.n);
    m->passed += (uint32_t)v.n;
}

static void model_gap(void *connection, enum direction d, uint64_t n, struct moment at) {
    struct stream_model *m = connection;
    (void)d;
    (void)n;
    (void)at;
    m->gaps++;
}

static void model_closed(void *connection, bool over) {
    (void)over;
    struct stream_model *m = connection;
    assert_int_equal(m->ended, 0);
}

static void model_end(void *connection, enum flow_end_reason reason, struct moment at) {
    struct stream_model *m = connection;
    (void)reason;
    (void)at;
    m->ended++;
}

static void any_cut_order_and_duplication(void **state) {
    (void)state;
    uint64_t seed = 0x9e3779b97f4a7c15;
    struct stream_model *m = calloc(1, sizeof *m);
    assert_non_null(m);
    for (unsigned round = 0; round < STREAM_ROUNDS; round++) {
        struct bench *b = bench_new();
        b->sink = (struct stream_sink){m, model_open, model_start, model_bytes, model_gap, model_closed, model_end};
        for (size_t i = 0; i < STREAM_BYTES; i++) {
            m->bytes[i] = (uint8_t)next_random(&seed);
        }
        m->passed = m->gaps = m->ended = 0;
        uint32_t isn = next_random(&seed) % 2 ? next_random(&seed) : UINT32_MAX - next_random(&seed) % STREAM_BYTES;
        bench_flags(b, TO_SERVER, TCP_SYN, isn, 0);
        bench_flags(b, TO_CLIENT, TCP_SYN | TCP_ACK, BENCH_SERVER_ISN, isn + 1);
        struct piece pieces[PIECES_MAX];
        size_t count = shuffle_pieces(pieces, &seed);
        uint32_t sent = 0;
        for (size_t i = 0; i < count; i++) {
            struct view v = {m->bytes + pieces[i].at, pieces[i].n};
            bench_packet(b, TO_SERVER, TCP_ACK, isn + 1 + pieces[i].at, BENCH_SERVER_ISN + 1, v, pieces[i].n);
            sent = sent > pieces[i].at + pieces[i].n ? sent : pieces[i].at + pieces[i].n;
            if (next_random(&seed) % 3 == 0) {
                bench_flags(b, TO_CLIENT, TCP_ACK, BENCH_SERVER_ISN + 1, isn + 1 + sent);
            }
        }
        assert_int_equal(m->passed, STREAM_BYTES);
        assert_int_equal(m->gaps, 0);
        bench_free(b);
        assert_int_equal(m->ended, 1);
    }
    free(m);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(in_order),
        cmocka_unit_test(out_of_order),
        cmocka_unit_test(retransmissions),
        cmocka_unit_test(overlaps_first_bytes_win),
        cmocka_unit_test(differs_from_what_passed),
        cmocka_unit_test(what_passed_is_forgotten),
        cmocka_unit_test(overlap_fills_several_holes),
        cmocka_unit_test(hole_is_gap_when_acked_and_packets_passed),
        cmocka_unit_test(hole_is_gap_when_acked_and_time_passed),
        cmocka_unit_test(hole_waits_for_retransmission),
        cmocka_unit_test(acked_alone_is_gap),
        cmocka_unit_test(holes_wait_side_by_side),
        cmocka_unit_test(hole_is_as_old_as_what_shows_it),
        cmocka_unit_test(directions_swapped),
        cmocka_unit_test(answer_waits_for_the_gap_of_its_request),
        cmocka_unit_test(both_wait_for_each_other),
        cmocka_unit_test(one_direction_only),
        cmocka_unit_test(other_direction_only),
        cmocka_unit_test(midstream),
        cmocka_unit_test(midstream_earlier_segment_late),
        cmocka_unit_test(directions_swapped_from_the_start),
        cmocka_unit_test(last_byte_late),
        cmocka_unit_test(midstream_response_first),
        cmocka_unit_test(keep_alives),
        cmocka_unit_test(keep_alive_behind_a_hole),
        cmocka_unit_test(sequence_wraps),
        cmocka_unit_test(cut_frames),
        cmocka_unit_test(bound_makes_gap),
        cmocka_unit_test(segment_count_bound),
        cmocka_unit_test(no_memory_at_all),
        cmocka_unit_test(lone_segment_far_ahead_is_not_believed),
        cmocka_unit_test(loss_of_gigabytes),
        cmocka_unit_test(wild_acknowledgment_is_not_believed),
        cmocka_unit_test(data_with_syn),
        cmocka_unit_test(any_cut_order_and_duplication),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
