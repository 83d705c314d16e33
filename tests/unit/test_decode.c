/* Link, IP and TCP headers: each link type, and each truncation of a good frame in memory of exactly its size. */
#include "decode_bench.h"
#include "../../src/decode/layers.h"
#include "../../src/decode/plain.h"

static void ethernet(void **state) {
    (void)state;
    struct builder b = {.n = 0};
    struct packet p;
    put_ethernet(&b, 0x0800);
    put_ipv4_tcp(&b, "hello");
    check(&b, DLT_EN10MB, "hello", &p);
    assert_true(p.link.has_mac);
    assert_memory_equal(p.link.src_mac, "\1\2\3\4\5\6", 6);
    assert_memory_equal(p.link.dst_mac, "\x0a\x0b\x0c\x0d\x0e\x0f", 6);
    assert_int_equal(p.link.vlan_count, 0);
    assert_int_equal(p.src.ip.family, 4);
    assert_memory_equal(p.src.ip.bytes, "\x0a\0\0\1\0\0\0\0\0\0\0\0\0\0\0\0", 16);
    assert_memory_equal(p.dst.ip.bytes, "\x0a\0\0\2\0\0\0\0\0\0\0\0\0\0\0\0", 16);
    assert_int_equal(p.flags, TCP_ACK);
    assert_int_equal(p.window_scale, 0xff);
}

static void ethernet_ipv6(void **state) {
    (void)state;
    struct builder b = {.n = 0};
    struct packet p;
    put_ethernet(&b, 0x86dd);
    put_ipv6_tcp(&b, "hello");
    check(&b, DLT_EN10MB, "hello", &p);
    assert_int_equal(p.src.ip.family, 6);
    assert_memory_equal(p.dst.ip.bytes, "\xfe\x80\0\0\0\0\0\0\0\0\0\0\0\0\0\2", 16);
}

static void trailers_are_no_data(void **state) {
    (void)state;
    for (unsigned version = 4; version <= 6; version += 2) {
        struct builder b = {.n = 0};
        struct packet p;
        struct stats stats = {0};
        put_ethernet(&b, version == 4 ? 0x0800 : 0x86dd);
        if (version == 4) {
            put_ipv4_tcp(&b, "");
        } else {
            put_ipv6_tcp(&b, "");
        }
        put(&b, "\0\0\0\0\0\0trailer", 13);
        assert_int_equal(decode_first(&b, b.n, b.n, DLT_EN10MB, &p, &stats), V_OK);
        assert_int_equal(p.payload_length, 0);
        assert_int_equal(p.payload.n, 0);
    }
}

static void vlan_tags(void **state) {
    (void)state;
    static const unsigned tpids[] = {0x8100, 0x88a8, 0x9100, 0x9200, 0x9300};
    for (unsigned tags = 1; tags <= 16; tags++) {
        struct builder b = {.n = 0};
        struct packet p;
        put_ethernet(&b, tpids[0]);
        for (unsigned i = 1; i < tags; i++) {
            put16(&b, 0xe000 | (100 + i));
            put16(&b, tpids[i % 5]);
        }
        put16(&b, 0xe000 | (100 + tags));
        put16(&b, 0x0800);
        put_ipv4_tcp(&b, "tagged");
        check(&b, DLT_EN10MB, "tagged", &p);
        assert_int_equal(p.link.vlan_count, tags < VLAN_MAX ? tags : VLAN_MAX);
        for (unsigned i = 0; i < p.link.vlan_count; i++) {
            assert_int_equal(p.link.vlan[i], 101 + i);
        }
    }
    struct builder b = {.n = 0};
    put_ethernet(&b, 0x8100);
    for (unsigned i = 0; i < 30; i++) {
        put16(&b, 1);
        put16(&b, 0x8100);
    }
    assert_int_equal(verdict_of(&b, DLT_EN10MB, DECODE_DEPTH), V_LIMIT);
}

static void snap(void **state) {
    (void)state;
    struct builder b = {.n = 0};
    struct packet p;
    put_ethernet(&b, 53);
    put(&b, "\xaa\xaa\x03\0\0\0", 6);
    put16(&b, 0x0800);
    put_ipv4_tcp(&b, "hello");
    check(&b, DLT_EN10MB, "hello", &p);
    memcpy(b.bytes + 14, "\xf0\xf0\x03", 3); /* NetBEUI */
    assert_int_equal(verdict_of(&b, DLT_EN10MB, DECODE_LINK), V_NOT_MINE);
}

static void cooked(void **state) {
    (void)state;
    struct builder b = {.n = 0};
    struct packet p;
    put(&b, "\0\0\0\1\0\6\1\2\3\4\5\6\0\0", 14);
    put16(&b, 0x0800);
    put_ipv4_tcp(&b, "hello");
    check(&b, DLT_LINUX_SLL, "hello", &p);
    assert_false(p.link.has_mac);
    b.n = 0;
    put16(&b, 0x8100);
    put(&b, "\0\0\0\0\0\2\0\1\0\6\1\2\3\4\5\6\0\0", 18);
    put16(&b, 42);
    put16(&b, 0x86dd);
    put_ipv6_tcp(&b, "hello");
    check(&b, DLT_LINUX_SLL2, "hello", &p);
    assert_int_equal(p.link.vlan[0], 42);
}

/* The first tag was taken off and put back by libpcap, the others stand where IP should, and the type is IP's already. */
static void cooked_with_tags_left(void **state) {
    (void)state;
    for (unsigned tags = 1; tags <= 3; tags++) {
        for (unsigned version = 4; version <= 6; version += 2) {
            const unsigned type = version == 4 ? 0x0800 : 0x86dd;
            struct builder b = {.n = 0};
            struct packet p;
            put(&b, "\0\0\0\1\0\6\1\2\3\4\5\6\0\0", 14);
            put16(&b, 0x8100);
            put16(&b, 0x2000 | 100);
            put16(&b, type);
            for (unsigned i = 1; i <= tags; i++) {
                put16(&b, (version == 4 ? 0x6000 : 0x4000) | (100 + i));
                put16(&b, i < tags ? 0x88a8 : type);
            }
            if (version == 4) {
                put_ipv4_tcp(&b, "hello");
            } else {
                put_ipv6_tcp(&b, "hello");
            }
            check(&b, DLT_LINUX_SLL, "hello", &p);
            assert_int_equal(p.link.vlan_count, 1 + tags);
            for (unsigned i = 0; i <= tags; i++) {
                assert_int_equal(p.link.vlan[i], 100 + i);
            }
        }
    }
}

static void raw(void **state) {
    (void)state;
    struct builder b = {.n = 0};
    struct packet p;
    put_ipv4_tcp(&b, "hello");
    check(&b, DLT_RAW, "hello", &p);
    check(&b, DLT_IPV4, "hello", &p);
    assert_int_equal(verdict_of(&b, DLT_IPV6, DECODE_BAD), V_BAD);
    b.n = 0;
    put_ipv6_tcp(&b, "hello");
    check(&b, DLT_RAW, "hello", &p);
    check(&b, DLT_IPV6, "hello", &p);
    assert_int_equal(verdict_of(&b, DLT_IPV4, DECODE_BAD), V_BAD);
    b.bytes[0] = 0x50;
    assert_int_equal(verdict_of(&b, DLT_RAW, DECODE_LINK), V_NOT_MINE);
    assert_int_equal(verdict_of(&b, 147, DECODE_LINK), V_NOT_MINE);
}

static void null_and_loop(void **state) {
    (void)state;
    static const uint8_t families[] = {2, 10, 24, 28, 30};
    for (size_t i = 0; i < sizeof families; i++) {
        for (int big = 0; big < 2; big++) {
            struct builder b = {.n = 0};
            struct packet p;
            put32(&b, big ? families[i] : (uint32_t)families[i] << 24);
            if (families[i] == 2) {
                put_ipv4_tcp(&b, "hello");
            } else {
                put_ipv6_tcp(&b, "hello");
            }
            check(&b, big ? DLT_LOOP : DLT_NULL, "hello", &p);
        }
    }
    struct builder b = {.n = 0};
    put32(&b, 7);
    assert_int_equal(verdict_of(&b, DLT_NULL, DECODE_LINK), V_NOT_MINE);
}

static void ipv4_options(void **state) {
    (void)state;
    struct builder b = {.n = 0};
    struct packet p;
    put_ethernet(&b, 0x0800);
    put_ipv4(&b, 6, 25, 40, 0);
    put_tcp(&b, TCP_ACK, "hello");
    check(&b, DLT_EN10MB, "hello", &p);
}

static void ipv4_ah(void **state) {
    (void)state;
    struct builder b = {.n = 0};
    struct packet p;
    put_ipv4(&b, 51, 24 + 25, 0, 0);
    put(&b,
        "\6\4\0\0"
        "spi."
        "seq."
        "icv.icv.icv.",
        24);
    put_tcp(&b, TCP_ACK, "hello");
    check(&b, DLT_RAW, "hello", &p);
}

static void ipv6_extensions(void **state) {
    (void)state;
    struct builder b = {.n = 0};
    struct packet p;
    put_ipv6(&b, 0, 8 + 16 + 8 + 8 + 24 + 25);
    put(&b, "\x2b\0\1\4\0\0\0\0", 8);                  /* hop-by-hop */
    put(&b, "\x3c\1\0\0\0\0\0\0\0\0\0\0\0\0\0\0", 16); /* routing */
    put(&b, "\x2c\0\1\4\0\0\0\0", 8);                  /* destination */
    put(&b, "\x33\0\0\0\1\2\3\4", 8);                  /* an atomic fragment */
    put(&b,
        "\6\4\0\0"
        "spi."
        "seq."
        "icv.icv.icv.",
        24); /* AH */
    put_tcp(&b, TCP_ACK, "hello");
    check(&b, DLT_RAW, "hello", &p);
    struct builder deep = {.n = 0};
    put_ipv6(&deep, 60, 1000);
    for (int i = 0; i < 100; i++) {
        put(&deep, "\x3c\0\1\4\0\0\0\0", 8);
    }
    assert_int_equal(verdict_of(&deep, DLT_RAW, DECODE_DEPTH), V_LIMIT);
}

static void dont_fragment_is_no_fragment(void **state) {
    (void)state;
    struct builder b = {.n = 0};
    put_ipv4(&b, 6, 24, 0, 0x4000);
    put_tcp(&b, TCP_ACK, "data");
    struct packet p;
    check(&b, DLT_RAW, "data", &p);
}

static void length_zero_takes_what_is_there(void **state) {
    (void)state;
    struct builder b = {.n = 0};
    struct packet p;
    put_ethernet(&b, 0x0800);
    put_ipv4_tcp(&b, "offloaded");
    b.bytes[16] = b.bytes[17] = 0;
    check(&b, DLT_EN10MB, "offloaded", &p);
    b.n = 0;
    put_ethernet(&b, 0x86dd);
    put_ipv6_tcp(&b, "offloaded");
    b.bytes[18] = b.bytes[19] = 0;
    check(&b, DLT_EN10MB, "offloaded", &p);
}

static void window_scale_option(void **state) {
    (void)state;
    struct builder b = {.n = 0};
    struct packet p;
    struct stats stats = {0};
    put_ipv4(&b, 6, 40, 0, 0);
    put_tcp(&b, TCP_SYN, "\2\4\5\xb4\4\2\1\3\3\7");
    b.bytes[20 + 12] = 0xa0;
    put(&b, "\0\0\0\0\0\0\0\0\0\0", 10);
    assert_int_equal(decode_first(&b, b.n, b.n, DLT_RAW, &p, &stats), V_OK);
    assert_int_equal(p.window_scale, 7);
    assert_int_equal(p.payload_length, 0);
    b.bytes[49] = 200; /* RFC 7323 2.3: 14 at most */
    assert_int_equal(decode_first(&b, b.n, b.n, DLT_RAW, &p, &stats), V_OK);
    assert_int_equal(p.window_scale, 14);
    for (size_t i = 40; i < 60; i++) { /* options that lie about their length */
        for (unsigned v = 0; v < 256; v++) {
            struct builder bad = b;
            bad.bytes[i] = (uint8_t)v;
            assert_int_equal(decode_first(&bad, bad.n, bad.n, DLT_RAW, &p, &stats), V_OK);
        }
    }
    /* A cut within the options costs the option, not the segment. */
    for (size_t n = 40; n < 60; n++) {
        assert_int_equal(decode_first(&b, n, 60, DLT_RAW, &p, &stats), V_OK);
        assert_int_equal(p.payload.n, 0);
    }
}

static void lengths_that_contradict(void **state) {
    (void)state;
    struct builder good = {.n = 0};
    put_ipv4_tcp(&good, "hello");
    static const struct {
        size_t at;
        uint8_t value;
    } lies[] = {{0, 0x44}, {0, 0x4f}, {3, 19}, {3, 39}, {32, 0x40}, {32, 0xf0}};
    for (size_t i = 0; i < sizeof lies / sizeof *lies; i++) {
        struct builder b = good;
        b.bytes[lies[i].at] = lies[i].value;
        assert_int_equal(verdict_of(&b, DLT_RAW, DECODE_BAD), V_BAD);
    }
}

static void other_protocols(void **state) {
    (void)state;
    struct builder b = {.n = 0};
    put_ethernet(&b, 0x0806);
    put(&b, "arp", 3);
    assert_int_equal(verdict_of(&b, DLT_EN10MB, DECODE_LINK), V_NOT_MINE);
    b.n = 0;
    put_ipv4(&b, 17, 8, 0, 0);
    put32(&b, 0);
    put32(&b, 0);
    assert_int_equal(verdict_of(&b, DLT_RAW, DECODE_NOT_TCP), V_NOT_MINE);
    b.bytes[9] = 0; /* hop-by-hop means nothing in IPv4 */
    assert_int_equal(verdict_of(&b, DLT_RAW, DECODE_NOT_TCP), V_NOT_MINE);
    b.n = 0;
    put_ipv6(&b, 58, 8);
    put32(&b, 0);
    put32(&b, 0);
    assert_int_equal(verdict_of(&b, DLT_RAW, DECODE_NOT_TCP), V_NOT_MINE);
}

/* Any byte of a good frame may be anything. */
static void every_byte_every_value(void **state) {
    (void)state;
    struct builder good = {.n = 0};
    put_ethernet(&good, 0x8100);
    put16(&good, 5);
    put16(&good, 0x86dd);
    put_ipv6(&good, 0, 8 + 22);
    put(&good, "\6\0\1\4\0\0\0\0", 8);
    put_tcp(&good, TCP_SYN, "xx");
    for (size_t i = 0; i < good.n; i++) {
        for (unsigned v = 0; v < 256; v++) {
            struct builder b = good;
            struct packet p;
            struct stats stats = {0};
            b.bytes[i] = (uint8_t)v;
            (void)decode_first(&b, b.n, b.n, DLT_EN10MB, &p, &stats);
        }
    }
}

static void assert_same_endpoint(const struct endpoint *a, const struct endpoint *b) {
    assert_int_equal(a->port, b->port);
    assert_int_equal(a->ip.family, b->ip.family);
    assert_memory_equal(a->ip.bytes, b->ip.bytes, sizeof a->ip.bytes);
}

static void assert_same_packet(const struct packet *a, const struct packet *b) {
    assert_same_endpoint(&a->src, &b->src);
    assert_same_endpoint(&a->dst, &b->dst);
    assert_int_equal(a->seq, b->seq);
    assert_int_equal(a->ack, b->ack);
    assert_int_equal(a->window, b->window);
    assert_int_equal(a->window_scale, b->window_scale);
    assert_int_equal(a->flags, b->flags);
    assert_int_equal(a->payload_length, b->payload_length);
    assert_int_equal(a->payload.n, b->payload.n);
    assert_true(a->payload.n == 0 || a->payload.p == b->payload.p);
    assert_int_equal(a->link.has_mac, b->link.has_mac);
    assert_memory_equal(a->link.src_mac, b->link.src_mac, 6);
    assert_memory_equal(a->link.dst_mac, b->link.dst_mac, 6);
    assert_int_equal(a->link.vlan_count, b->link.vlan_count);
    assert_memory_equal(a->link.vlan, b->link.vlan, a->link.vlan_count * sizeof a->link.vlan[0]);
}

/* What comes of a frame: verdict, and the fault that it was counted for; DECODE_FAULTS: none. */
struct outcome {
    enum verdict verdict;
    unsigned fault;
    struct packet packet;
};

static struct outcome outcome_of(struct decoder *d, const struct frame *frame, bool layers) {
    const struct stats before = *d->stats;
    struct outcome o = {.fault = 0};
    o.verdict = layers ? decode_layers(d, frame, &o.packet) : decoder_frame(d, frame, &o.packet);
    while (o.fault < DECODE_FAULTS && d->stats->decode_faults[o.fault] == before.decode_faults[o.fault]) {
        o.fault++;
    }
    return o;
}

static void assert_same_outcome(const struct outcome *a, const struct outcome *b) {
    assert_int_equal(a->verdict, b->verdict);
    assert_int_equal(a->fault, b->fault);
    if (a->verdict == V_OK) {
        assert_same_packet(&a->packet, &b->packet);
    }
}

/* Does the shortest way take it? Whether or not, what comes of the frame is what the layers make of it byte by byte. */
static bool plain_as_layers_on(struct decoder *d, struct view bytes, size_t wire, int link_type) {
    uint8_t *copy = malloc(bytes.n + (bytes.n == 0));
    assert_non_null(copy);
    memcpy(copy, bytes.p, bytes.n);
    const struct frame frame = {{copy, bytes.n}, (uint32_t)wire, link_type, {12345, 6}, 0};
    struct outcome whole = outcome_of(d, &frame, false), layers = outcome_of(d, &frame, true);
    d->plain = false;
    struct outcome alone = outcome_of(d, &frame, true);
    d->plain = true;
    assert_same_outcome(&whole, &alone);
    assert_same_outcome(&layers, &alone);
    struct packet plain = whole.packet;
    plain.link.vlan_count = 0;
    bool taken = plain_segment(&frame, &plain), other = plain_other(&frame);
    if (taken) {
        assert_int_equal(alone.verdict, V_OK);
        assert_same_packet(&plain, &alone.packet);
    }
    assert_true(!other || (alone.fault == DECODE_NOT_TCP && !taken));
    free(copy);
    return taken || other;
}

static bool plain_as_layers(struct decoder *d, struct view bytes, size_t wire) {
    return plain_as_layers_on(d, bytes, wire, DLT_EN10MB);
}

static void put_tagged(struct builder *b, bool tag, unsigned version) {
    put_ethernet(b, tag ? 0x8100 : version == 4 ? 0x0800 : 0x86dd);
    if (tag) {
        put16(b, 0xe005);
        put16(b, version == 4 ? 0x0800 : 0x86dd);
    }
    if (version == 4) {
        put_ipv4_tcp(b, "\1\1\1\1hello");
    } else {
        put_ipv6_tcp(b, "\1\1\1\1hello");
    }
    put(b, "trailer", 7);
}

/* The shortest way takes ordinary frames, cut ones and those with options of TCP among them, and whatever it takes is what the layers
 * say: with each byte of each value, and with each cut. */
static void plain_frames(void **state) {
    (void)state;
    struct stats stats = {0};
    struct budget budget;
    struct decoder *d = decoder_for_test(NULL, &budget, &stats);
    unsigned taken = 0, left = 0;
    for (unsigned kind = 0; kind < 4; kind++) {
        struct builder good = {.n = 0};
        put_tagged(&good, kind & 1, kind & 2 ? 6 : 4);
        size_t headers = good.n - 16; /* options, data and trailer */
        for (size_t n = 0; n <= good.n; n++) {
            assert_int_equal(plain_as_layers(d, (struct view){good.bytes, n}, good.n), n >= headers);
        }
        for (size_t i = 0; i < good.n; i++) {
            for (unsigned v = 0; v < 256; v++) {
                struct builder b = good;
                b.bytes[i] = (uint8_t)v;
                bool plain = plain_as_layers(d, (struct view){b.bytes, b.n}, b.n);
                taken += plain;
                left += !plain;
            }
        }
    }
    assert_true(taken > 10000 && left > 1000);
    decoder_free(d);
    assert_int_equal(budget.held, 0);
}

/* What is asked for besides is done for ordinary frames too. */
static void put_udp_in(struct builder *b, unsigned version, unsigned port) {
    if (version == 4) {
        put_ipv4(b, 17, 12, 0, 0);
    } else {
        put_ipv6(b, 17, 12);
    }
    put16(b, 443);
    put16(b, port);
    put16(b, 12);
    put16(b, 0);
    put32(b, 0x01020304);
}

/* The others that a shorter way is there for: datagrams, and what begins with IP behind anything. */
static void put_other(struct builder *b, unsigned kind, int *link_type) {
    unsigned version = kind & 1 ? 6 : 4;
    *link_type = DLT_EN10MB;
    switch (kind / 2) {
    case 0:
        put_ethernet(b, version == 4 ? 0x0800 : 0x86dd);
        put_udp_in(b, version, 443);
        return;
    case 1:
        put_ethernet(b, 0x8100);
        put16(b, 5);
        put16(b, version == 4 ? 0x0800 : 0x86dd);
        put_udp_in(b, version, 4789);
        return;
    case 2:
        *link_type = DLT_RAW;
        break;
    default:
        put_ethernet(b, 0x88a8);
        put16(b, 5);
        put16(b, 0x8100);
        put16(b, 6);
        put16(b, version == 4 ? 0x0800 : 0x86dd);
    }
    (version == 4 ? put_ipv4_tcp : put_ipv6_tcp)(b, "\1\1\1\1hello");
    put(b, "trailer", 7);
}

static void plain_others(void **state) {
    (void)state;
    struct stats stats = {0};
    struct budget budget;
    struct decoder *d = decoder_for_test(NULL, &budget, &stats);
    for (unsigned kind = 0; kind < 8; kind++) {
        struct builder good = {.n = 0};
        int link_type;
        put_other(&good, kind, &link_type);
        assert_int_equal(plain_as_layers_on(d, (struct view){good.bytes, good.n}, good.n, link_type), kind < 2);
        for (size_t n = 0; n <= good.n; n++) {
            (void)plain_as_layers_on(d, (struct view){good.bytes, n}, good.n, link_type);
        }
        for (size_t i = 0; i < 256 * good.n; i++) {
            struct builder b = good;
            b.bytes[i / 256] = (uint8_t)i;
            (void)plain_as_layers_on(d, (struct view){b.bytes, b.n}, b.n, link_type);
        }
    }
    decoder_free(d);
    assert_int_equal(budget.held, 0);
}

static void plain_frames_verified(void **state) {
    (void)state;
    struct decoder_settings settings = decoder_settings_default();
    struct builder b = {.n = 0};
    put_tagged(&b, true, 4);
    for (unsigned i = 0; i < 2; i++) {
        struct stats stats = {0};
        struct budget budget;
        struct packet p;
        settings.verify_checksums = i == 0;
        settings.key_vlan = i == 1;
        struct decoder *d = decoder_for_test(&settings, &budget, &stats);
        assert_int_equal(decode_with(d, (struct view){b.bytes, b.n}, b.n, DLT_EN10MB, &p), i == 0 ? V_BAD : V_OK);
        assert_true(i == 0 || p.wrapping.key_tag != 0);
        decoder_free(d);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ethernet),
        cmocka_unit_test(ethernet_ipv6),
        cmocka_unit_test(trailers_are_no_data),
        cmocka_unit_test(vlan_tags),
        cmocka_unit_test(snap),
        cmocka_unit_test(cooked),
        cmocka_unit_test(cooked_with_tags_left),
        cmocka_unit_test(raw),
        cmocka_unit_test(null_and_loop),
        cmocka_unit_test(ipv4_options),
        cmocka_unit_test(ipv4_ah),
        cmocka_unit_test(ipv6_extensions),
        cmocka_unit_test(dont_fragment_is_no_fragment),
        cmocka_unit_test(length_zero_takes_what_is_there),
        cmocka_unit_test(window_scale_option),
        cmocka_unit_test(lengths_that_contradict),
        cmocka_unit_test(other_protocols),
        cmocka_unit_test(every_byte_every_value),
        cmocka_unit_test(plain_frames),
        cmocka_unit_test(plain_others),
        cmocka_unit_test(plain_frames_verified),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
