/* Datagrams in pieces: every order, copies, overlaps, what is cut or missing, and every bound. */
#include "base/packet_clock.h"

#include "decode_bench.h"

enum { DATA = 200, DATAGRAM = 20 + DATA };

/* A decoder and the datagram that is cut: a TCP segment with DATA bytes. */
struct bench {
    struct budget budget;
    struct stats stats;
    struct decoder *decoder;
    struct builder segment;
    char data[DATA + 1];
    uint64_t time_ns;
    struct packet packet;
};

static void open_with(struct bench *b, const struct decoder_settings *settings) {
    *b = (struct bench){.time_ns = 1};
    b->decoder = decoder_for_test(settings, &b->budget, &b->stats);
    for (unsigned i = 0; i < DATA; i++) {
        b->data[i] = (char)('A' + i % 53);
    }
    put_tcp(&b->segment, TCP_ACK, b->data);
}

static void close_bench(struct bench *b) {
    decoder_finish(b->decoder);
    decoder_free(b->decoder);
    assert_int_equal(b->budget.held, 0);
}

/* What one fragment is; from..to of bytes, of which the frame has captured. */
struct piece {
    unsigned version, from, to, captured;
    uint32_t id;
    bool more;
    const uint8_t *bytes;
    uint8_t host; /* of the sender */
};

static struct piece piece_of(const struct bench *b, unsigned version, unsigned from, unsigned to) {
    return (struct piece){version, from, to, to - from, 7, to < DATAGRAM, b->segment.bytes + from, 1};
}

static enum verdict send(struct bench *b, struct piece p) {
    struct builder f = {.n = 0};
    put_ethernet(&f, p.version == 4 ? 0x0800 : 0x86dd);
    if (p.version == 4) {
        put_ipv4(&f, 6, p.to - p.from, 0, (p.more ? 0x2000u : 0) | p.from / 8);
        f.bytes[18] = (uint8_t)(p.id >> 8);
        f.bytes[19] = (uint8_t)p.id;
        f.bytes[29] = p.host;
    } else {
        put_ipv6(&f, 44, 8 + p.to - p.from);
        f.bytes[37] = p.host;
        put(&f, "\6\0", 2);
        put16(&f, p.from | p.more);
        put32(&f, p.id);
    }
    size_t wire = f.n + p.to - p.from;
    put(&f, p.bytes, p.captured);
    struct frame frame = {{f.bytes, f.n}, (uint32_t)wire, DLT_EN10MB, {b->time_ns, 1}, 0};
    return decoder_frame(b->decoder, &frame, &b->packet);
}

static void expect_whole(const struct bench *b, bool differs) {
    const struct packet *p = &b->packet;
    assert_int_equal(p->seq, 0x01020304);
    assert_int_equal(p->payload_length, DATA);
    assert_int_equal(p->payload.n, DATA);
    assert_memory_equal(p->payload.p, b->data, DATA);
    assert_true(p->overlap_differs == differs);
}

static uint64_t faults(const struct bench *b) {
    uint64_t sum = 0;
    for (int i = 0; i < DECODE_FAULTS; i++) {
        sum += b->stats.decode_faults[i];
    }
    return sum;
}

/* An order that a seed chooses; 0 is that of the datagram, 1 is reversed. */
static void shuffle(unsigned *order, unsigned count, uint32_t seed) {
    for (unsigned i = 0; i < count; i++) {
        order[i] = seed == 1 ? count - 1 - i : i;
    }
    for (unsigned i = count - 1; seed > 1 && i > 0; i--) {
        seed = seed * 1103515245 + 12345;
        unsigned k = (seed >> 16) % (i + 1), swap = order[i];
        order[i] = order[k];
        order[k] = swap;
    }
}

static void in_pieces(unsigned version, unsigned size, uint32_t seed) {
    struct bench b;
    unsigned order[DATAGRAM / 8 + 1], count = (DATAGRAM + size - 1) / size;
    open_with(&b, NULL);
    shuffle(order, count, seed);
    for (unsigned i = 0; i < count; i++) {
        unsigned from = order[i] * size, to = from + size < DATAGRAM ? from + size : DATAGRAM;
        assert_int_equal(send(&b, piece_of(&b, version, from, to)), i + 1 == count ? V_OK : V_NOT_MINE);
    }
    expect_whole(&b, false);
    assert_int_equal(b.stats.fragments, count);
    assert_int_equal(b.stats.datagrams, 1);
    close_bench(&b);
    assert_int_equal(faults(&b), 0);
}

static void any_order(void **state) {
    (void)state;
    for (unsigned size = 8; size <= 216; size += 8) {
        for (uint32_t seed = 0; seed < 20; seed++) {
            in_pieces(4, size, seed);
            in_pieces(6, size, seed);
        }
    }
}

/* As mirror ports make them: at once, or all of them again. */
static void copies(void **state) {
    (void)state;
    for (unsigned version = 4; version <= 6; version += 2) {
        struct bench b;
        open_with(&b, NULL);
        for (unsigned from = 0; from < DATAGRAM; from += 56) {
            unsigned to = from + 56 < DATAGRAM ? from + 56 : DATAGRAM;
            assert_int_equal(send(&b, piece_of(&b, version, from, to)), to == DATAGRAM ? V_OK : V_NOT_MINE);
            assert_int_equal(send(&b, piece_of(&b, version, from, to)), V_NOT_MINE);
        }
        for (unsigned from = 0; from < DATAGRAM; from += 112) {
            unsigned to = from + 112 < DATAGRAM ? from + 112 : DATAGRAM;
            assert_int_equal(send(&b, piece_of(&b, version, from, to)), V_NOT_MINE);
        }
        assert_int_equal(b.stats.datagrams, 1);
        assert_int_equal(b.stats.fragments_duplicate, 3);
        assert_int_equal(b.stats.fragments_differ, 0);
        close_bench(&b);
        assert_int_equal(faults(&b), 0); /* nothing waited */
    }
}

/* The identification of a datagram that is through may be taken again at once. */
static void same_number_again(void **state) {
    (void)state;
    struct bench b;
    open_with(&b, NULL);
    for (unsigned round = 0; round < 5; round++) {
        b.segment.bytes[7] = (uint8_t)round; /* its sequence number */
        b.segment.bytes[DATAGRAM - 1] = (uint8_t)round;
        assert_int_equal(send(&b, piece_of(&b, 4, 0, 104)), V_NOT_MINE);
        assert_int_equal(send(&b, piece_of(&b, 4, 104, DATAGRAM)), V_OK);
        assert_int_equal(b.packet.seq & 0xff, round);
        assert_int_equal(b.packet.payload.n, DATA);
    }
    assert_int_equal(b.stats.datagrams, 5);
    assert_int_equal(b.stats.fragments_differ, 0);
    close_bench(&b);
    assert_int_equal(faults(&b), 0);
}

/* Pieces of any place and length, in two versions, against an array in which the first one stays. */
static void overlaps(void **state) {
    (void)state;
    static uint8_t other[DATAGRAM];
    uint32_t random = 5;
    unsigned with_differences = 0;
    for (unsigned round = 0; round < 400; round++) {
        struct bench b;
        uint8_t first[DATAGRAM];
        bool there[DATAGRAM] = {false}, differs = false;
        open_with(&b, NULL);
        for (unsigned i = 0; i < DATAGRAM; i++) {
            other[i] = i < 20 ? b.segment.bytes[i] : b.segment.bytes[i] ^ 0x80;
        }
        enum verdict verdict = V_NOT_MINE;
        for (unsigned n = 0; n < 500 && verdict != V_OK; n++) {
            random = random * 1103515245 + 12345;
            unsigned from = (random >> 16) % (DATAGRAM / 8 + 1) * 8, to = from + 8 + (random >> 24) % 8 * 8;
            to = to < DATAGRAM ? to : DATAGRAM;
            struct piece p = piece_of(&b, round % 2 ? 6 : 4, from, to);
            p.bytes = random & 0x1000 && round % 4 < 2 ? other + from : p.bytes;
            for (unsigned i = from; i < to; i++) {
                differs |= there[i] && first[i] != p.bytes[i - from];
                first[i] = there[i] ? first[i] : p.bytes[i - from];
                there[i] = true;
            }
            verdict = send(&b, p);
        }
        assert_int_equal(verdict, V_OK);
        assert_int_equal(b.packet.payload.n, DATA);
        assert_memory_equal(b.packet.payload.p, first + 20, DATA);
        assert_true(b.packet.overlap_differs == differs);
        assert_true((b.stats.fragments_differ != 0) == differs);
        with_differences += differs;
        close_bench(&b);
    }
    assert_in_range(with_differences, 50, 200);
}

/* What the snap length took is missing at the end, and never made up; a longer copy brings it. */
static void cut(void **state) {
    (void)state;
    for (unsigned first = 0; first <= 104; first += 4) {
        struct bench b;
        open_with(&b, NULL);
        struct piece p = piece_of(&b, 4, 0, 104);
        p.captured = first;
        assert_int_equal(send(&b, p), V_NOT_MINE);
        enum verdict verdict = send(&b, piece_of(&b, 4, 104, DATAGRAM));
        if (first < 20) {
            assert_int_equal(verdict, V_SHORT);
            assert_int_equal(b.stats.decode_faults[DECODE_CUT], 1);
        } else {
            assert_int_equal(verdict, V_OK);
            assert_int_equal(b.packet.payload_length, DATA);
            assert_int_equal(b.packet.payload.n, first < 104 ? first - 20 : DATA);
            assert_memory_equal(b.packet.payload.p, b.data, b.packet.payload.n);
        }
        close_bench(&b);
    }
    struct bench b;
    open_with(&b, NULL);
    struct piece p = piece_of(&b, 4, 0, 104);
    p.captured = 30;
    assert_int_equal(send(&b, p), V_NOT_MINE);
    assert_int_equal(send(&b, piece_of(&b, 4, 0, 104)), V_NOT_MINE);
    assert_int_equal(send(&b, piece_of(&b, 4, 104, DATAGRAM)), V_OK);
    expect_whole(&b, false);
    close_bench(&b);
}

static void contradictions(void **state) {
    (void)state;
    struct bench b;
    open_with(&b, NULL);
    assert_int_equal(send(&b, piece_of(&b, 4, 104, DATAGRAM)), V_NOT_MINE);
    struct piece p = piece_of(&b, 4, 160, 208); /* another end, before */
    p.more = false;
    assert_int_equal(send(&b, p), V_BAD);
    p = piece_of(&b, 4, 208, DATAGRAM); /* and behind it */
    p.to = 232;
    p.more = true;
    p.bytes = b.segment.bytes;
    p.captured = 24;
    assert_int_equal(send(&b, p), V_BAD);
    p = piece_of(&b, 4, 0, 0);
    assert_int_equal(send(&b, p), V_BAD); /* of nothing */
    p = piece_of(&b, 4, 0, 101);          /* of no multiple of 8: what is beyond is cut off, as hosts do */
    assert_int_equal(send(&b, p), V_NOT_MINE);
    assert_int_equal(send(&b, piece_of(&b, 4, 96, 104)), V_OK);
    expect_whole(&b, false);
    assert_int_equal(b.stats.decode_faults[DECODE_BAD], 3);
    p = piece_of(&b, 6, 0, 101); /* RFC 8200 4.5 */
    assert_int_equal(send(&b, p), V_BAD);
    p = (struct piece){4, 65528, 65536, 8, 9, false, b.segment.bytes, 1}; /* longer than IP can say */
    assert_int_equal(send(&b, p), V_BAD);
    assert_int_equal(send(&b, piece_of(&b, 6, 0, 208)), V_NOT_MINE); /* an end before what is there */
    p = piece_of(&b, 6, 104, 200);
    p.more = false;
    assert_int_equal(send(&b, p), V_BAD);
    close_bench(&b);
}

static void put_fragment(struct builder *f, unsigned protocol, unsigned from, bool more, const uint8_t *bytes,
                         unsigned n) {
    put_ipv4(f, protocol, n, 0, (more ? 0x2000u : 0) | from / 8);
    put(f, bytes, n);
}

static enum verdict send_raw(struct bench *b, const struct builder *f) {
    struct frame frame = {{f->bytes, f->n}, (uint32_t)f->n, DLT_RAW, {b->time_ns, 1}, 0};
    return decoder_frame(b->decoder, &frame, &b->packet);
}

/* A datagram that holds fragments, whole and hostile: of itself. */
static void within_each_other(void **state) {
    (void)state;
    struct bench b;
    open_with(&b, NULL);
    struct builder halves[2], outer[2][2], f;
    for (unsigned i = 0; i < 2; i++) { /* the segment's two fragments, each in IP in IP, each of these in two */
        halves[i] = (struct builder){.n = 0};
        put_fragment(&halves[i], 6, i * 104, i == 0, b.segment.bytes + i * 104, i == 0 ? 104 : DATAGRAM - 104);
        for (unsigned k = 0; k < 2; k++) {
            outer[i][k] = (struct builder){.n = 0};
            put_fragment(&outer[i][k], 4, k * 64, k == 0, halves[i].bytes + k * 64,
                         k == 0 ? 64 : (unsigned)halves[i].n - 64);
            outer[i][k].bytes[5] = (uint8_t)(20 + i);
        }
    }
    assert_int_equal(send_raw(&b, &outer[1][0]), V_NOT_MINE);
    assert_int_equal(send_raw(&b, &outer[0][1]), V_NOT_MINE);
    assert_int_equal(send_raw(&b, &outer[0][0]), V_NOT_MINE);
    assert_int_equal(send_raw(&b, &outer[1][1]), V_OK);
    expect_whole(&b, false);
    assert_int_equal(b.stats.datagrams, 3);
    /* Inside is a fragment of the same datagram, with the same number. */
    halves[0] = (struct builder){.n = 0};
    put_fragment(&halves[0], 4, 0, true, b.segment.bytes, 104);
    for (unsigned k = 0; k < 2; k++) {
        f = (struct builder){.n = 0};
        put_fragment(&f, 4, k * 64, k == 0, halves[0].bytes + k * 64, k == 0 ? 64 : 60);
        assert_int_equal(send_raw(&b, &f), k == 0 ? V_NOT_MINE : V_BAD);
    }
    close_bench(&b);
}

/* IPv4 has the protocol in the key, IPv6 has it of the first fragment alone. */
static void protocols(void **state) {
    (void)state;
    struct bench b;
    struct builder f = {.n = 0};
    open_with(&b, NULL);
    put_fragment(&f, 17, 104, false, b.segment.bytes + 104, DATAGRAM - 104);
    assert_int_equal(send_raw(&b, &f), V_NOT_MINE);
    f.n = 0;
    put_fragment(&f, 6, 0, true, b.segment.bytes, 104);
    assert_int_equal(send_raw(&b, &f), V_NOT_MINE);
    f.n = 0;
    put_fragment(&f, 6, 104, false, b.segment.bytes + 104, DATAGRAM - 104);
    assert_int_equal(send_raw(&b, &f), V_OK);
    expect_whole(&b, false);
    f.n = 0;
    put_ipv6(&f, 0, 8 + 8 + DATAGRAM - 104); /* behind a hop-by-hop header */
    put(&f, "\x2c\0\1\4\0\0\0\0\x3b\0\0\x68\0\0\0\7", 16);
    put(&f, b.segment.bytes + 104, DATAGRAM - 104);
    assert_int_equal(send_raw(&b, &f), V_NOT_MINE);
    assert_int_equal(send(&b, piece_of(&b, 6, 0, 104)), V_OK);
    expect_whole(&b, false);
    close_bench(&b);
}

static void no_length(void **state) {
    (void)state;
    struct bench b;
    struct builder f = {.n = 0};
    open_with(&b, NULL);
    put_fragment(&f, 6, 0, true, b.segment.bytes, 104);
    f.bytes[2] = f.bytes[3] = 0;
    assert_int_equal(send_raw(&b, &f), V_BAD);
    close_bench(&b);
}

/* In VLANs with the same addresses, where they are told apart. */
static void tags_in_the_key(void **state) {
    (void)state;
    for (unsigned keyed = 0; keyed < 2; keyed++) {
        struct decoder_settings settings = decoder_settings_default();
        struct bench b;
        settings.key_vlan = keyed;
        open_with(&b, &settings);
        for (unsigned i = 0; i < 2; i++) {
            struct builder f = {.n = 0};
            put_ethernet(&f, 0x8100);
            put16(&f, 1 + i);
            put16(&f, 0x0800);
            put_fragment(&f, 6, i * 104, i == 0, b.segment.bytes + i * 104, i == 0 ? 104 : DATAGRAM - 104);
            struct frame frame = {{f.bytes, f.n}, (uint32_t)f.n, DLT_EN10MB, {1, 1}, 0};
            assert_int_equal(decoder_frame(b.decoder, &frame, &b.packet), i == 1 && !keyed ? V_OK : V_NOT_MINE);
        }
        close_bench(&b);
    }
}

/* --- bounds --- */

static void pass(struct bench *b, uint64_t ns) {
    for (; ns != 0; ns -= ns < SECOND_NS / 2 ? ns : SECOND_NS / 2) {
        b->time_ns += ns < SECOND_NS / 2 ? ns : SECOND_NS / 2;
        struct frame other = {{(const uint8_t *)"", 0}, 60, DLT_RAW, {b->time_ns, 1}, 0};
        assert_int_equal(decoder_frame(b->decoder, &other, &b->packet), V_SHORT);
    }
}

static void timeout(void **state) {
    (void)state;
    for (unsigned late = 0; late < 2; late++) {
        struct bench b;
        open_with(&b, NULL);
        assert_int_equal(send(&b, piece_of(&b, 4, 0, 56)), V_NOT_MINE);
        pass(&b, DATAGRAM_NS / 2);
        assert_int_equal(send(&b, piece_of(&b, 4, 56, 104)), V_NOT_MINE);
        pass(&b, DATAGRAM_NS / 2 - 1 + late); /* since the first one */
        assert_int_equal(send(&b, piece_of(&b, 4, 104, DATAGRAM)), late ? V_NOT_MINE : V_OK);
        assert_int_equal(b.stats.decode_faults[DECODE_FRAGMENT], late ? 2 : 0);
        decoder_finish(b.decoder);
        assert_int_equal(b.stats.decode_faults[DECODE_FRAGMENT], late ? 3 : 0);
        close_bench(&b);
    }
    struct bench b;
    open_with(&b, NULL); /* a clock that jumps ends nothing */
    assert_int_equal(send(&b, piece_of(&b, 4, 0, 104)), V_NOT_MINE);
    b.time_ns += 3600 * SECOND_NS;
    assert_int_equal(send(&b, piece_of(&b, 4, 104, DATAGRAM)), V_OK);
    assert_int_equal(send(&b, piece_of(&b, 4, 104, DATAGRAM)), V_NOT_MINE); /* a copy, as long as it is remembered */
    assert_int_equal(b.stats.fragments_duplicate, 1);
    pass(&b, DATAGRAM_WHOLE_NS);
    assert_int_equal(send(&b, piece_of(&b, 4, 104, DATAGRAM)), V_NOT_MINE);
    assert_int_equal(b.stats.fragments_duplicate, 1);
    close_bench(&b);
}

/* The oldest goes; the others are not touched. */
static void datagrams_at_once(void **state) {
    (void)state;
    struct decoder_settings settings = decoder_settings_default();
    struct bench b;
    settings.datagrams_max = 10;
    open_with(&b, &settings);
    for (unsigned i = 0; i < 11; i++) {
        struct piece p = piece_of(&b, 4, 0, 104);
        p.id = i;
        assert_int_equal(send(&b, p), V_NOT_MINE);
    }
    assert_int_equal(b.stats.decode_faults[DECODE_FRAGMENT_LIMIT], 1);
    for (unsigned i = 10; i > 0; i--) {
        struct piece p = piece_of(&b, 4, 104, DATAGRAM);
        p.id = i;
        assert_int_equal(send(&b, p), V_OK);
        expect_whole(&b, false);
    }
    struct piece p = piece_of(&b, 4, 104, DATAGRAM);
    p.id = 0;
    assert_int_equal(send(&b, p), V_NOT_MINE);
    close_bench(&b);
}

static void fragments_of_one(void **state) {
    (void)state;
    struct decoder_settings settings = decoder_settings_default();
    struct bench b;
    settings.datagram_fragments_max = 10;
    open_with(&b, &settings);
    for (unsigned i = 0; i < 10; i++) {
        assert_int_equal(send(&b, piece_of(&b, 4, 0, 104)), V_NOT_MINE);
    }
    assert_int_equal(send(&b, piece_of(&b, 4, 104, DATAGRAM)), V_LIMIT);
    assert_int_equal(b.stats.decode_faults[DECODE_FRAGMENT_LIMIT], 11);
    close_bench(&b);
}

/* Memory for a few: those kept to know copies go first, then the oldest that waits. */
static void bytes_of_all(void **state) {
    (void)state;
    for (unsigned of_program = 0; of_program < 2; of_program++) {
        struct decoder_settings settings = decoder_settings_default();
        struct bench b;
        settings.datagrams_bytes_max = of_program ? settings.datagrams_bytes_max : 30000;
        open_with(&b, &settings);
        b.budget.ceiling = of_program ? 30000 : b.budget.ceiling;
        for (unsigned i = 0; i < 100; i++) {
            struct piece p = piece_of(&b, 4, 0, 104);
            p.id = i;
            assert_int_equal(send(&b, p), V_NOT_MINE);
            p = piece_of(&b, 4, 104, DATAGRAM);
            p.id = i;
            assert_int_equal(send(&b, p), V_OK);
            expect_whole(&b, false);
            assert_true(b.budget.held <= 30000);
        }
        assert_int_equal(faults(&b), 0);
        for (unsigned i = 0; i < 100; i++) {
            struct piece p = piece_of(&b, 6, 0, 104);
            p.id = i;
            assert_int_equal(send(&b, p), V_NOT_MINE);
            assert_true(b.budget.held <= 30000);
        }
        assert_in_range(b.stats.decode_faults[DECODE_FRAGMENT_LIMIT], 90, 99);
        struct piece p = piece_of(&b, 6, 104, DATAGRAM);
        p.id = 99;
        assert_int_equal(send(&b, p), V_OK);
        p = (struct piece){4, 60000, 60008, 8, 5, true, b.segment.bytes, 1}; /* more than all of it */
        assert_int_equal(send(&b, p), V_LIMIT);
        close_bench(&b);
    }
    struct bench b;
    open_with(&b, NULL);
    b.budget.ceiling = 100;
    assert_int_equal(send(&b, piece_of(&b, 4, 0, 104)), V_LIMIT);
    assert_int_equal(b.stats.decode_faults[DECODE_FRAGMENT_LIMIT], 1);
    close_bench(&b);
}

static void whole_ones_kept(void **state) {
    (void)state;
    struct bench b;
    open_with(&b, NULL);
    for (unsigned i = 0; i < 2 * DATAGRAMS_WHOLE_MAX; i++) {
        for (unsigned k = 0; k < 2; k++) {
            struct piece p = k ? piece_of(&b, 4, 104, DATAGRAM) : piece_of(&b, 4, 0, 104);
            p.id = i;
            assert_int_equal(send(&b, p), k ? V_OK : V_NOT_MINE);
        }
    }
    for (unsigned i = 0; i < 2 * DATAGRAMS_WHOLE_MAX; i++) {
        struct piece p = piece_of(&b, 4, 0, 104);
        p.id = i;
        assert_int_equal(send(&b, p), V_NOT_MINE);
    }
    assert_int_equal(b.stats.fragments_duplicate, DATAGRAMS_WHOLE_MAX);
    close_bench(&b);
    assert_int_equal(b.stats.decode_faults[DECODE_FRAGMENT], DATAGRAMS_WHOLE_MAX);
}

/* The largest there is, in the smallest pieces, backwards. */
static void largest(void **state) {
    (void)state;
    static uint8_t bytes[DATAGRAM_BYTES_MAX];
    struct bench b;
    open_with(&b, NULL);
    memcpy(bytes, b.segment.bytes, 20);
    for (unsigned i = 20; i < sizeof bytes; i++) {
        bytes[i] = (uint8_t)(i * 7 + i / 256);
    }
    for (unsigned from = 65528;; from -= 8) {
        unsigned n = from == 65528 ? 7 : 8;
        struct piece p = {6, from, from + n, n, 7, n == 8, bytes + from, 1};
        enum verdict verdict = send(&b, p);
        if (from == 0) {
            assert_int_equal(verdict, V_OK);
            break;
        }
        assert_int_equal(verdict, V_NOT_MINE);
    }
    assert_int_equal(b.packet.payload_length, sizeof bytes - 20);
    assert_memory_equal(b.packet.payload.p, bytes + 20, sizeof bytes - 20);
    close_bench(&b);
    assert_int_equal(faults(&b), 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(any_order),         cmocka_unit_test(copies),       cmocka_unit_test(same_number_again),
        cmocka_unit_test(overlaps),          cmocka_unit_test(cut),          cmocka_unit_test(contradictions),
        cmocka_unit_test(within_each_other), cmocka_unit_test(protocols),    cmocka_unit_test(no_length),
        cmocka_unit_test(tags_in_the_key),   cmocka_unit_test(timeout),      cmocka_unit_test(datagrams_at_once),
        cmocka_unit_test(fragments_of_one),  cmocka_unit_test(bytes_of_all), cmocka_unit_test(whole_ones_kept),
        cmocka_unit_test(largest),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
