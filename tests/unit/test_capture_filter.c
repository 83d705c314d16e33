/* The default filter, as libpcap compiles it, on frames that it must let through and on others. wrap.py does the same with
 * whole captures. */
#include "../../src/capture/capture_filter.h"

#include <pcap/pcap.h>

#include "decode_bench.h"

enum { INSTRUCTIONS_MAX = 4096, PORTS_MAX = 64 }; /* what Linux takes as a socket's filter: BPF_MAXINSNS */

static const int link_types[] = {
#define LINK_TYPE(dlt, decode, name) dlt,
#include "tables/link_type.def"
#undef LINK_TYPE
};

static void compile(int link_type, const uint16_t *ports, size_t count, struct bpf_program *program) {
    char *text = capture_filter(link_type, ports, count);
    pcap_t *p = pcap_open_dead(link_type, 262144);
    assert_non_null(text);
    assert_non_null(p);
    if (pcap_compile(p, program, text, 1, PCAP_NETMASK_UNKNOWN) != 0) {
        fail_msg("link type %d: %s: %s", link_type, text, pcap_geterr(p));
    }
    pcap_close(p);
    free(text);
}

static bool passes(const struct bpf_program *program, const struct builder *b) {
    struct pcap_pkthdr header = {.caplen = (bpf_u_int32)b->n, .len = (bpf_u_int32)b->n};
    return pcap_offline_filter(program, &header, b->bytes) != 0;
}

static void compiles_for_all_link_types(void **state) {
    (void)state;
    uint16_t ports[PORTS_MAX];
    for (unsigned i = 0; i < PORTS_MAX; i++) {
        ports[i] = (uint16_t)(1000 + 997 * i);
    }
    for (size_t i = 0; i < sizeof link_types / sizeof *link_types; i++) {
        struct bpf_program program;
        compile(link_types[i], NULL, 0, &program);
        pcap_freecode(&program);
        compile(link_types[i], ports, PORTS_MAX, &program);
        assert_true(program.bf_len <= INSTRUCTIONS_MAX);
        pcap_freecode(&program);
    }
}

struct content {
    unsigned ethertype, protocol, port, fragment;
    bool passes;
};

static void put_content(struct builder *b, const struct content *c) {
    switch (c->ethertype) {
    case 0x0800:
        put_ipv4(b, c->protocol, 24, 0, c->fragment);
        break;
    case 0x86dd:
        put_ipv6(b, c->protocol, 24);
        break;
    default:
        put32(b, 0x00010140);
    }
    put16(b, 50000);
    put16(b, c->port);
    put(b, "\0\0\0\0\0\0\0\0\x50\x10\0\0\0\0\0\0data", 20);
}

static const struct content contents[] = {
    {0x0800, 6, 445, 0, true},      {0x0800, 6, 139, 0, true},      {0x0800, 6, 80, 0, false},
    {0x0800, 17, 53, 0, false},     {0x0800, 17, 445, 0, false},    {0x0800, 1, 445, 0, false},
    {0x0800, 6, 445, 0x2000, true}, {0x0800, 6, 80, 0x2000, false}, {0x0800, 6, 80, 0x2001, true},
    {0x0800, 6, 80, 1, true},       {0x0800, 17, 80, 1, true},      {0x0800, 1, 80, 1, false},
    {0x0800, 17, 4789, 0, true},    {0x0800, 17, 4790, 0, true},    {0x0800, 17, 6081, 0, true},
    {0x0800, 17, 8472, 0, true},    {0x0800, 4, 0, 0, true},        {0x0800, 41, 0, 0, true},
    {0x0800, 47, 0, 0, true},       {0x0800, 51, 0, 0, true},       {0x0800, 137, 0, 0, true},
    {0x0800, 47, 0, 1, true},       {0x0800, 50, 0, 0, false},      {0x86dd, 6, 445, 0, true},
    {0x86dd, 6, 80, 0, false},      {0x86dd, 17, 53, 0, false},     {0x86dd, 17, 4789, 0, true},
    {0x86dd, 0, 0, 0, true},        {0x86dd, 43, 0, 0, true},       {0x86dd, 44, 0, 0, true},
    {0x86dd, 60, 0, 0, true},       {0x86dd, 51, 0, 0, true},       {0x86dd, 4, 0, 0, true},
    {0x86dd, 41, 0, 0, true},       {0x86dd, 47, 0, 0, true},       {0x86dd, 137, 0, 0, true},
    {0x86dd, 58, 0, 0, false},      {0x8847, 0, 0, 0, true},        {0x8848, 0, 0, 0, true},
    {0x8864, 0, 0, 0, true},        {0x0806, 0, 445, 0, false},     {0x8863, 0, 445, 0, false},
    {0x9200, 0, 0, 0, true},        {0x9300, 0, 0, 0, true},
};

static void behind_tags(const struct bpf_program *program, const struct content *content, unsigned tags,
                        unsigned first) {
    static const unsigned tpids[] = {0x8100, 0x88a8, 0x9100};
    struct builder b = {.n = 0};
    put_ethernet(&b, tags ? tpids[first] : content->ethertype);
    for (unsigned k = 1; k <= tags; k++) {
        put16(&b, k);
        put16(&b, k < tags ? tpids[k % 3] : content->ethertype);
    }
    put_content(&b, content);
    if (passes(program, &b) != (content->passes || tags > CAPTURE_FILTER_TAGS_MAX)) {
        fail_msg("EtherType %x, protocol %u, port %u, behind %u tags", content->ethertype, content->protocol,
                 content->port, tags);
    }
}

static void on_ethernet(void **state) {
    (void)state;
    struct bpf_program program;
    compile(DLT_EN10MB, NULL, 0, &program);
    for (size_t i = 0; i < sizeof contents / sizeof *contents; i++) {
        for (unsigned n = 0; n <= 3 * (CAPTURE_FILTER_TAGS_MAX + 2); n++) {
            behind_tags(&program, &contents[i], n / 3, n % 3);
        }
    }
    pcap_freecode(&program);
}

static void behind_snap(void **state) {
    (void)state;
    struct bpf_program program;
    compile(DLT_EN10MB, NULL, 0, &program);
    for (unsigned tags = 0; tags <= CAPTURE_FILTER_TAGS_MAX; tags++) {
        struct builder b = {.n = 0};
        put_ethernet(&b, tags ? 0x8100 : 50);
        for (unsigned k = 1; k <= tags; k++) {
            put16(&b, k);
            put16(&b, k < tags ? 0x8100 : 50);
        }
        put(&b, "\xaa\xaa\x03\0\0\0\x08\0", 8);
        put_content(&b, &contents[0]);
        assert_true(passes(&program, &b));
        memcpy(b.bytes + 14 + 4 * tags, "\x42\x42\x03", 3); /* spanning tree */
        assert_false(passes(&program, &b));
    }
    pcap_freecode(&program);
}

static void on_other_links(void **state) {
    (void)state;
    struct bpf_program sll, raw;
    compile(DLT_LINUX_SLL, NULL, 0, &sll);
    compile(DLT_RAW, NULL, 0, &raw);
    for (size_t i = 0; i < sizeof contents / sizeof *contents; i++) {
        struct builder b = {.n = 0};
        put(&b, "\0\0\0\1\0\6\1\2\3\4\5\6\0\0", 14);
        put16(&b, contents[i].ethertype);
        put_content(&b, &contents[i]);
        assert_true(passes(&sll, &b) == contents[i].passes);
        b.n = 0;
        put_content(&b, &contents[i]);
        if (contents[i].ethertype == 0x0800 || contents[i].ethertype == 0x86dd) {
            assert_true(passes(&raw, &b) == contents[i].passes);
        }
    }
    struct builder b = {.n = 0};
    put(&b, "\0\0\0\1\0\6\1\2\3\4\5\6\0\0\x81\0\0\7\x08\0", 20);
    put_content(&b, &contents[0]);
    assert_true(passes(&sll, &b));
    pcap_freecode(&sll);
    pcap_freecode(&raw);
}

static void other_ports(void **state) {
    (void)state;
    struct bpf_program program;
    const uint16_t ports[] = {4455, 65535};
    compile(DLT_EN10MB, ports, 2, &program);
    static const struct content cases[] = {{0x0800, 6, 4455, 0, true},
                                           {0x86dd, 6, 65535, 0, true},
                                           {0x0800, 6, 445, 0, false},
                                           {0x0800, 6, 139, 0, false}};
    for (size_t i = 0; i < 4; i++) {
        struct builder b = {.n = 0};
        put_ethernet(&b, cases[i].ethertype);
        put_content(&b, &cases[i]);
        assert_true(passes(&program, &b) == cases[i].passes);
    }
    pcap_freecode(&program);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(compiles_for_all_link_types),
        cmocka_unit_test(on_ethernet),
        cmocka_unit_test(behind_snap),
        cmocka_unit_test(on_other_links),
        cmocka_unit_test(other_ports),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
