/* What a segment may be wrapped in: each header with every truncation, what is reported of it, and what only looks like
 * one. */
#include "decode_bench.h"

static const struct builder empty;

static void expect_layers(const struct packet *p, unsigned count, const uint8_t *kinds, const uint32_t *ids) {
    assert_int_equal(p->wrapping.layer_count, count);
    for (unsigned i = 0; i < count; i++) {
        assert_int_equal(p->wrapping.layers[i], kinds[i]);
        assert_int_equal(p->wrapping.layer_ids[i], ids[i]);
    }
}

static void expect_layer(const struct packet *p, enum encapsulation kind, uint32_t id) {
    const uint8_t kinds[] = {(uint8_t)kind};
    expect_layers(p, 1, kinds, &id);
}

/* The flow's own addresses, and those of an outer IP header written by put_outer. */
static void expect_tunnel(const struct packet *p, unsigned version) {
    assert_memory_equal(p->src.ip.bytes, "\x0a\0\0\1", 4);
    assert_memory_equal(p->dst.ip.bytes, "\x0a\0\0\2", 4);
    assert_true(p->wrapping.has_tunnel == (version != 0));
    if (version != 0) {
        assert_int_equal(p->wrapping.tunnel_src.family, version);
        assert_int_equal(p->wrapping.tunnel_dst.bytes[0], version == 4 ? 192 : 0xfe);
    }
}

enum { SEGMENT = 20 + 20 + 5, FRAME = 14 + SEGMENT };

static void put_segment(struct builder *b) {
    put_ipv4_tcp(b, "hello");
}

static void put_frame(struct builder *b) {
    put(b, "\2\2\2\2\2\2\1\1\1\1\1\1", 12);
    put16(b, 0x0800);
    put_segment(b);
}

/* An IP header around what follows, of that many bytes. */
static void put_outer(struct builder *b, unsigned version, unsigned protocol, unsigned payload) {
    if (version == 6) {
        put_ipv6(b, protocol, payload);
        return;
    }
    size_t at = b->n;
    put_ipv4(b, protocol, payload, 0, 0);
    memcpy(b->bytes + at + 12, "\xc0\0\2\1\xc0\0\2\2", 8);
}

static void put_udp(struct builder *b, unsigned port, unsigned payload) {
    put16(b, 40000);
    put16(b, port);
    put16(b, 8 + payload);
    put16(b, 0);
}

/* --- MPLS --- */

static void mpls_labels(void **state) {
    (void)state;
    static const unsigned ethertypes[] = {0x8847, 0x8848};
    for (size_t i = 0; i < 2; i++) {
        struct builder b = empty;
        struct packet p;
        put_ethernet(&b, ethertypes[i]);
        put32(&b, 0xfffffu << 12 | 0x0e40);
        put32(&b, 16u << 12 | 0x0140);
        put_segment(&b);
        check(&b, DLT_EN10MB, "hello", &p);
        expect_layers(&p, 2, (const uint8_t[]){ENCAPSULATION_MPLS, ENCAPSULATION_MPLS},
                      (const uint32_t[]){0xfffff, 16});
        expect_tunnel(&p, 0);
        assert_memory_equal(p.link.src_mac, "\1\2\3\4\5\6", 6);
    }
    struct builder b = empty;
    struct packet p;
    put_ethernet(&b, 0x8847);
    put32(&b, 2u << 12 | 0x0140);
    put_ipv6_tcp(&b, "hello");
    check(&b, DLT_EN10MB, "hello", &p);
    assert_int_equal(p.src.ip.family, 6);
}

static void put_pseudowire(struct builder *b, const char *control_word, const char *macs) {
    put_ethernet(b, 0x8847);
    put32(b, 100u << 12 | 0x0140);
    put(b, control_word, control_word ? 4 : 0);
    put(b, macs, 12);
    put16(b, 0x0800);
    put_segment(b);
}

/* A frame's first nibble is that of its destination: 0 as a control word has, 4 and 6 as IP has. */
static void mpls_pseudowires(void **state) {
    (void)state;
    static const char *const words[] = {NULL, "\0\0\0\0", "\0\0\x12\x34"};
    static const char *const macs[] = {
        "\2\2\2\2\2\2\1\1\1\1\1\1",   "\0\0\0\0\0\0\1\1\1\1\1\1",       "\x45\0\0\x2d\0\0\1\1\1\1\1\1",
        "\x60\0\0\0\0\5\6\1\1\1\1\1", "\x0a\0\x45\0\0\x2d\1\1\1\1\1\1", "\xff\xff\xff\xff\xff\xff\1\1\1\1\1\1",
    };
    for (size_t w = 0; w < 3; w++) {
        for (size_t m = 0; m < sizeof macs / sizeof *macs; m++) {
            struct builder b = empty;
            struct packet p;
            put_pseudowire(&b, words[w], macs[m]);
            check(&b, DLT_EN10MB, "hello", &p);
            expect_layer(&p, ENCAPSULATION_MPLS, 100);
            expect_tunnel(&p, 0);
            assert_memory_equal(p.link.dst_mac, macs[m], 6);
            assert_memory_equal(p.link.src_mac, macs[m] + 6, 6);
        }
    }
}

static void mpls_of_something_else(void **state) {
    (void)state;
    struct builder b = empty;
    put_ethernet(&b, 0x8847);
    put32(&b, 100u << 12 | 0x0140);
    put(&b, "\2\2\2\2\2\2\1\1\1\1\1\1\x08\x06\0\1\x08\0\6\4\0\1", 22); /* ARP in a pseudowire */
    assert_int_equal(verdict_of(&b, DLT_EN10MB, DECODE_LINK), V_NOT_MINE);
    b.n -= 22;
    put(&b, "\x10\0\0\x21\x45\0\0\x14\0\0\0\0\0\6\0\0\0\0\0\0\0\0\0\0", 24); /* an associated channel, RFC 4385 5 */
    assert_int_equal(verdict_of(&b, DLT_EN10MB, DECODE_LINK), V_NOT_MINE);
    b.n -= 24;
    put(&b, "\x45\0\x7f\xff\0\0\1\1\1\1\1\1\x08\x06 nothing that holds together", 40); /* longer than the frame */
    assert_int_equal(verdict_of(&b, DLT_EN10MB, DECODE_LINK), V_NOT_MINE);
    b = empty;
    put_ethernet(&b, 0x8847);
    for (unsigned i = 0; i < 100; i++) {
        put32(&b, i << 12);
    }
    assert_int_equal(verdict_of(&b, DLT_EN10MB, DECODE_DEPTH), V_LIMIT);
}

/* --- PPPoE --- */

static void pppoe(void **state) {
    (void)state;
    for (unsigned compressed = 0; compressed < 2; compressed++) {
        for (unsigned version = 4; version <= 6; version += 2) {
            struct builder b = empty;
            struct packet p;
            put_ethernet(&b, 0x8864);
            put(&b, "\x11\0", 2);
            put16(&b, 0xffff);
            put16(&b, 2 - compressed + (version == 4 ? SEGMENT : SEGMENT + 20u));
            put(&b, version == 4 ? "\0\x21" : "\0\x57", 2);
            if (compressed) {
                b.bytes[--b.n - 1] = version == 4 ? 0x21 : 0x57;
            }
            if (version == 4) {
                put_ipv4_tcp(&b, "hello");
            } else {
                put_ipv6_tcp(&b, "hello");
            }
            check(&b, DLT_EN10MB, "hello", &p);
            expect_layer(&p, ENCAPSULATION_PPPOE, 0xffff);
            assert_false(p.wrapping.has_tunnel);
        }
    }
}

static void pppoe_of_something_else(void **state) {
    (void)state;
    static const char *const heads[] = {"\x12\0\0\1\0\x2f\0\x21", "\x11\x09\0\1\0\x2f\0\x21",
                                        "\x11\0\0\1\0\x2f\xc0\x21", "\x11\0\0\1\0\x2f\0\x2b"};
    for (size_t i = 0; i < 4; i++) {
        struct builder b = empty;
        put_ethernet(&b, 0x8864);
        put(&b, heads[i], 8);
        put_segment(&b);
        assert_int_equal(verdict_of(&b, DLT_EN10MB, DECODE_LINK), V_NOT_MINE);
    }
    struct builder b = empty;
    put_ethernet(&b, 0x8863); /* discovery */
    put(&b, "\x11\x09\0\0\0\0", 6);
    assert_int_equal(verdict_of(&b, DLT_EN10MB, DECODE_LINK), V_NOT_MINE);
    struct packet p;
    struct stats stats = {0};
    b = empty;
    put_ethernet(&b, 0x8864); /* its length is obeyed: what lies behind is no data */
    put(&b, "\x11\0\0\1\0\x2b\0\x21", 8);
    put_segment(&b);
    assert_int_equal(decode_first(&b, b.n, b.n, DLT_EN10MB, &p, &stats), V_OK);
    assert_int_equal(p.payload.n, 1);
    assert_int_equal(p.payload_length, 5);
}

/* --- GRE and ERSPAN --- */

static void gre_fields(void **state) {
    (void)state;
    for (unsigned version = 4; version <= 6; version += 2) {
        for (unsigned flags = 0; flags < 16; flags++) { /* checksum, routing, key, sequence */
            struct builder b = empty, head = empty;
            struct packet p;
            put16(&head, flags << 12);
            put16(&head, 0x0800);
            put(&head, "\xab\xcd\0\0", flags & 12 ? 4 : 0);
            put(&head, "\xff\xff\xff\xfe", flags & 2 ? 4 : 0);
            put(&head, "\0\0\0\7", flags & 1 ? 4 : 0);
            put(&head,
                "\x08\0\4\x08"
                "routing.\0\0\0\0",
                flags & 4 ? 16 : 0);
            put_outer(&b, version, 47, (unsigned)head.n + SEGMENT);
            put(&b, head.bytes, head.n);
            put_segment(&b);
            check(&b, DLT_RAW, "hello", &p);
            expect_layer(&p, flags & 2 ? ENCAPSULATION_GRE_KEY : ENCAPSULATION_GRE, flags & 2 ? 0xfffffffe : 0);
            expect_tunnel(&p, version);
        }
    }
}

static void gre_contents(void **state) {
    (void)state;
    struct builder b = empty;
    struct packet p;
    put_ethernet(&b, 0x0800);
    put_outer(&b, 4, 47, 4 + FRAME + 4);
    put(&b, "\0\0\x65\x58\2\2\2\2\2\2\1\1\1\1\1\1\x81\0\x20\x07\x08\0", 22);
    put_segment(&b);
    put(&b, "trailer", 7);
    struct stats stats = {0};
    assert_int_equal(decode_first(&b, b.n, b.n, DLT_EN10MB, &p, &stats), V_OK);
    assert_int_equal(p.payload_length, 5);
    assert_memory_equal(p.link.src_mac, "\1\1\1\1\1\1", 6); /* the flow's own */
    assert_int_equal(p.link.vlan[0], 7);
    static const struct {
        char head[13];
        enum decode_fault fault;
    } others[] = {
        {"\0\0\x08\x06", DECODE_LINK},                    /* ARP */
        {"\0\0\0\0", DECODE_LINK},                        /* a keep-alive */
        {"\x20\1\x88\x0b\0\x31\0\1", DECODE_NOT_TCP},     /* PPTP, version 1 */
        {"\x10\0\x22\xeb\0\0\0\1\x30\0\0\0", DECODE_LINK} /* ERSPAN of a version that is not */
    };
    for (size_t i = 0; i < 4; i++) {
        b = empty;
        put_outer(&b, 4, 47, 60);
        put(&b, others[i].head, 12);
        put(&b, "\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0", 48);
        verdict_of(&b, DLT_RAW, others[i].fault);
    }
}

static void erspan(void **state) {
    (void)state;
    static const struct {
        const char *head;
        unsigned size;
        enum encapsulation kind;
        unsigned session, ip;
    } cases[] = {
        {"\0\0\x88\xbe", 4, ENCAPSULATION_ERSPAN1, 0, 0},
        {"\x10\0\x88\xbe\0\0\0\1\x10\x64\xff\xff\0\1\2\3", 16, ENCAPSULATION_ERSPAN2, 1023, 0},
        {"\x10\0\x22\xeb\0\0\0\1\x20\x64\0\1\1\2\3\4\0\5\x80\0", 20, ENCAPSULATION_ERSPAN3, 1, 0},
        {"\x10\0\x22\xeb\0\0\0\1\x20\x64\0\1\1\2\3\4\0\5\x83\xff"
         "subheadr",
         28, ENCAPSULATION_ERSPAN3, 1, 0},
        {"\x10\0\x22\xeb\0\0\0\1\x20\x64\0\1\1\2\3\4\0\5\x08\0", 20, ENCAPSULATION_ERSPAN3, 1, 1},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct builder b = empty;
        struct packet p;
        put_outer(&b, 4, 47, cases[i].size + (cases[i].ip ? SEGMENT : FRAME));
        put(&b, cases[i].head, cases[i].size);
        if (cases[i].ip) {
            put_segment(&b);
        } else {
            put_frame(&b);
        }
        check(&b, DLT_RAW, "hello", &p);
        expect_layer(&p, cases[i].kind, cases[i].session);
        expect_tunnel(&p, 4);
        assert_true(p.link.has_mac == !cases[i].ip);
    }
}

/* --- over UDP --- */

static void over_udp(void **state) {
    (void)state;
    static const struct {
        unsigned port;
        const char *head;
        unsigned size;
        enum encapsulation kind;
        unsigned id, ip;
    } cases[] = {
        {4789, "\x08\0\0\0\xff\xff\xff\0", 8, ENCAPSULATION_VXLAN, 0xffffff, 0},
        {8472, "\x08\0\0\0\0\0\1\0", 8, ENCAPSULATION_VXLAN, 1, 0},
        {4789, "\x88\x48\x12\x34\0\0\1\0", 8, ENCAPSULATION_VXLAN, 1, 0},
        {4790, "\x0c\0\0\3\0\0\2\0", 8, ENCAPSULATION_VXLAN_GPE, 2, 0},
        {4790, "\x0c\0\0\1\0\0\2\0", 8, ENCAPSULATION_VXLAN_GPE, 2, 1},
        {4790, "\x08\0\0\0\0\0\2\0", 8, ENCAPSULATION_VXLAN_GPE, 2, 0},
        {6081, "\0\0\x65\x58\0\1\0\0", 8, ENCAPSULATION_GENEVE, 256, 0},
        {6081, "\2\xc0\x65\x58\0\1\0\0\1\2\3\1data", 16, ENCAPSULATION_GENEVE, 256, 0},
        {6081, "\1\0\x08\0\0\1\0\0\1\2\3\0", 12, ENCAPSULATION_GENEVE, 256, 1},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        for (unsigned version = 4; version <= 6; version += 2) {
            struct builder b = empty;
            struct packet p;
            unsigned size = cases[i].size + (cases[i].ip ? SEGMENT : FRAME);
            put_outer(&b, version, 17, 8 + size);
            put_udp(&b, cases[i].port, size);
            put(&b, cases[i].head, cases[i].size);
            if (cases[i].ip) {
                put_segment(&b);
            } else {
                put_frame(&b);
            }
            check(&b, DLT_RAW, "hello", &p);
            expect_layer(&p, cases[i].kind, cases[i].id);
            expect_tunnel(&p, version);
        }
    }
}

/* A port alone makes no tunnel. */
static void only_looks_like_a_tunnel(void **state) {
    (void)state;
    static const struct {
        unsigned port;
        const char *head;
    } cases[] = {
        {53, "\x08\0\0\0\0\0\1\0"},     {4789, "\0\0\0\0\0\0\1\0"},     {4789, "\x09\0\0\0\0\0\1\0"},
        {4789, "\x08\1\0\0\0\0\1\0"},   {4789, "\x08\0\0\1\0\0\1\0"},   {4789, "\x08\0\0\0\0\0\1\1"},
        {4789, "\x88\x80\0\0\0\0\1\0"}, {4790, "\x1c\0\0\3\0\0\2\0"},   {4790, "\x04\0\0\3\0\0\2\0"},
        {4790, "\x0c\1\0\3\0\0\2\0"},   {4790, "\x08\0\0\3\0\0\2\0"},   {6081, "\x40\0\x65\x58\0\1\0\0"},
        {6081, "\0\1\x65\x58\0\1\0\0"}, {6081, "\0\0\x65\x58\0\1\0\1"}, {6081, "\0\0\5\xff\0\1\0\0"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct builder b = empty;
        put_outer(&b, 4, 17, 8 + 8 + FRAME);
        put_udp(&b, cases[i].port, 8 + FRAME);
        put(&b, cases[i].head, 8);
        put_frame(&b);
        assert_int_equal(verdict_of(&b, DLT_RAW, DECODE_NOT_TCP), V_NOT_MINE);
    }
}

/* UDP's length, too, ends the data. 0 is that of a datagram that was too large for the field. */
static void udp_length(void **state) {
    (void)state;
    for (unsigned length = 0; length < 100; length++) {
        struct builder b = empty;
        struct packet p;
        struct stats stats = {0};
        put_outer(&b, 4, 17, 8 + 8 + FRAME);
        put_udp(&b, 4789, 0);
        b.bytes[b.n - 3] = (uint8_t)length;
        put(&b, "\x08\0\0\0\0\0\1\0", 8);
        put_frame(&b);
        enum verdict verdict = decode_first(&b, b.n, b.n, DLT_RAW, &p, &stats);
        unsigned head = 8 + 8 + FRAME - 5;
        if (length == 0 || length >= head) {
            assert_int_equal(verdict, V_OK);
            assert_int_equal(p.payload.n, length == 0 || length > head + 5 ? 5 : length - head);
        } else {
            assert_int_equal(verdict, V_SHORT);
        }
    }
}

/* --- IP in IP --- */

static void ip_in_ip(void **state) {
    (void)state;
    static const uint8_t kinds[2][2] = {{ENCAPSULATION_IPIP, ENCAPSULATION_6IN4},
                                        {ENCAPSULATION_4IN6, ENCAPSULATION_6IN6}};
    for (unsigned outer = 0; outer < 2; outer++) {
        for (unsigned inner = 0; inner < 2; inner++) {
            struct builder b = empty;
            struct packet p;
            put_outer(&b, outer ? 6 : 4, inner ? 41 : 4, inner ? SEGMENT + 20 : SEGMENT);
            if (inner) {
                put_ipv6_tcp(&b, "hello");
            } else {
                put_segment(&b);
            }
            put(&b, "", 0);
            check(&b, DLT_RAW, "hello", &p);
            expect_layer(&p, kinds[outer][inner], 0);
            assert_int_equal(p.wrapping.tunnel_src.family, outer ? 6 : 4);
            assert_int_equal(p.src.ip.family, inner ? 6 : 4);
        }
    }
    struct builder b = empty;
    struct packet p;
    put_outer(&b, 4, 137, 4 + SEGMENT); /* MPLS in IP, RFC 4023 */
    put32(&b, 9u << 12 | 0x0140);
    put_segment(&b);
    check(&b, DLT_RAW, "hello", &p);
    expect_layer(&p, ENCAPSULATION_MPLS, 9);
    expect_tunnel(&p, 4);
}

/* Up to LAYERS_MAX of all kinds, and no deeper. The outermost addresses are kept. */
static void depth(void **state) {
    (void)state;
    for (unsigned layers = 1; layers <= LAYERS_MAX + 2; layers++) {
        struct builder b = empty;
        struct packet p;
        for (unsigned i = 0; i < layers; i++) {
            put_outer(&b, 4, 4, (layers - 1 - i) * 20 + SEGMENT);
            b.bytes[b.n - 5] = (uint8_t)i; /* the last byte of its source */
        }
        put_segment(&b);
        if (layers <= LAYERS_MAX) {
            check(&b, DLT_RAW, "hello", &p);
            assert_int_equal(p.wrapping.layer_count, layers);
            assert_int_equal(p.wrapping.tunnel_src.bytes[3], 0);
            expect_tunnel(&p, 4);
        } else {
            assert_int_equal(verdict_of(&b, DLT_RAW, DECODE_DEPTH), V_LIMIT);
        }
    }
}

/* What encloses a packet ends it: bytes behind are no data, whatever the inner length says. */
static void inner_longer_than_outer(void **state) {
    (void)state;
    for (unsigned cut = 0; cut <= 5; cut++) {
        struct builder b = empty;
        struct packet p;
        struct stats stats = {0};
        put_outer(&b, 4, 4, SEGMENT - cut);
        put_segment(&b);
        put(&b, "trailer", 7);
        assert_int_equal(decode_first(&b, b.n, b.n, DLT_RAW, &p, &stats), V_OK);
        assert_int_equal(p.payload_length, 5);
        assert_int_equal(p.payload.n, 5 - cut);
    }
    for (unsigned outer = 0; outer < 2; outer++) { /* and an inner one without length has what encloses it */
        struct builder b = empty;
        struct packet p;
        struct stats stats = {0};
        put_outer(&b, 4, 4, SEGMENT);
        put_segment(&b);
        b.bytes[22] = b.bytes[23] = 0;
        if (outer == 0) {
            put(&b, "trailer", 7);
        } else {
            b.bytes[2] = b.bytes[3] = 0;
        }
        assert_int_equal(decode_first(&b, b.n, b.n, DLT_RAW, &p, &stats), V_OK);
        assert_int_equal(p.payload_length, 5);
    }
}

/* --- what tells connections apart --- */

static uint64_t tag_of(const struct builder *b, bool vlan, bool tunnel) {
    struct decoder_settings settings = decoder_settings_default();
    struct budget budget;
    struct stats stats = {0};
    struct packet p;
    settings.key_vlan = vlan;
    settings.key_tunnel = tunnel;
    struct decoder *d = decoder_for_test(&settings, &budget, &stats);
    assert_int_equal(decode_with(d, (struct view){b->bytes, b->n}, b->n, DLT_EN10MB, &p), V_OK);
    decoder_free(d);
    return p.wrapping.key_tag;
}

static void key_tags(void **state) {
    (void)state;
    struct builder tagged[3], tunnelled[2], plain = empty, labelled = empty;
    put_ethernet(&plain, 0x0800);
    put_segment(&plain);
    for (unsigned i = 0; i < 3; i++) { /* VLAN 0 is none */
        tagged[i] = empty;
        put_ethernet(&tagged[i], 0x8100);
        put16(&tagged[i], 0xe000 | i);
        put16(&tagged[i], 0x0800);
        put_segment(&tagged[i]);
    }
    for (unsigned i = 0; i < 2; i++) {
        tunnelled[i] = empty;
        put_ethernet(&tunnelled[i], 0x0800);
        put_outer(&tunnelled[i], 4, 47, 8 + SEGMENT);
        put(&tunnelled[i], "\x20\0\x08\0\0\0\0", 7);
        put8(&tunnelled[i], i);
        put_segment(&tunnelled[i]);
    }
    put_ethernet(&labelled, 0x8847);
    put32(&labelled, 16u << 12 | 0x0140);
    put_segment(&labelled);
    assert_int_equal(tag_of(&plain, true, true), 0);
    assert_int_equal(tag_of(&tagged[0], true, true), 0);
    assert_int_equal(tag_of(&tagged[1], false, true), 0);
    assert_int_not_equal(tag_of(&tagged[1], true, false), 0);
    assert_int_not_equal(tag_of(&tagged[1], true, false), tag_of(&tagged[2], true, false));
    assert_int_equal(tag_of(&tunnelled[0], true, false), 0);
    assert_int_not_equal(tag_of(&tunnelled[0], false, true), 0);
    assert_int_not_equal(tag_of(&tunnelled[0], false, true), tag_of(&tunnelled[1], false, true));
    assert_int_equal(tag_of(&labelled, true, true), 0);
}

/* --- */

/* Any byte of a deep stack may be anything. */
static void every_byte_every_value(void **state) {
    (void)state;
    struct builder good = empty;
    put_ethernet(&good, 0x8864);
    put(&good, "\x11\0\0\1", 4);
    put16(&good, 2 + 4 + 40 + 16 + 20 + 16 + FRAME);
    put(&good, "\2\x81", 2);
    put32(&good, 3u << 12 | 0x0140);
    put_outer(&good, 6, 47, 16 + 20 + 16 + FRAME);
    put(&good, "\xb0\0\x08\0\1\2\0\0\0\0\0\5\0\0\0\6", 16);
    put_outer(&good, 4, 17, 16 + FRAME);
    put_udp(&good, 6081, 8 + FRAME);
    put(&good, "\0\0\x65\x58\0\1\0\0", 8);
    put_frame(&good);
    struct packet p;
    check(&good, DLT_EN10MB, "hello", &p);
    for (size_t i = 0; i < good.n; i++) {
        for (unsigned v = 0; v < 256; v++) {
            struct builder b = good;
            struct stats stats = {0};
            b.bytes[i] = (uint8_t)v;
            (void)decode_first(&b, b.n, b.n, DLT_EN10MB, &p, &stats);
        }
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(mpls_labels),
        cmocka_unit_test(mpls_pseudowires),
        cmocka_unit_test(mpls_of_something_else),
        cmocka_unit_test(pppoe),
        cmocka_unit_test(pppoe_of_something_else),
        cmocka_unit_test(gre_fields),
        cmocka_unit_test(gre_contents),
        cmocka_unit_test(erspan),
        cmocka_unit_test(over_udp),
        cmocka_unit_test(only_looks_like_a_tunnel),
        cmocka_unit_test(udp_length),
        cmocka_unit_test(ip_in_ip),
        cmocka_unit_test(depth),
        cmocka_unit_test(inner_longer_than_outer),
        cmocka_unit_test(key_tags),
        cmocka_unit_test(every_byte_every_value),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
