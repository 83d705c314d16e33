#include "port_filter.h"

#include <linux/if_ether.h>
#include <netinet/in.h>

#include "capture_filter.h"

/* From the frame's first byte and, in X, behind the tags' 4 bytes each; later in X the IP header's as well. */
enum {
    TYPE_AT = 12,
    NETWORK_AT = 14,
};

struct filter {
    struct program *p;
    uint32_t length;
};

static void put(struct filter *f, unsigned code, uint32_t k) {
    program_put(f->p, code, k);
}

static void pass(struct filter *f) {
    put(f, BPF_RET | BPF_K, f->length);
}

static void refuse(struct filter *f) {
    put(f, BPF_RET | BPF_K, 0);
}

/* Passes where A is one of the values, no more than a jump can be long; else it goes on. */
static void pass_some(struct filter *f, const uint16_t *values, size_t count) {
    const unsigned first = f->p->n;
    for (size_t i = 0; i < count; i++) {
        program_if(f->p, BPF_JEQ, values[i]);
    }
    const unsigned last = f->p->n - 1;
    for (unsigned i = first; i <= last; i++) {
        program_then(f->p, i);
    }
    pass(f);
    program_else(f->p, last);
}

static void pass_any(struct filter *f, const uint16_t *values, size_t count) {
    enum { AT_ONCE = 200 };
    for (; count > AT_ONCE; values += AT_ONCE, count -= AT_ONCE) {
        pass_some(f, values, AT_ONCE);
    }
    pass_some(f, values, count);
}

#define PASS_ANY(f, ...)                                       \
    do {                                                       \
        static const uint16_t values[] = {__VA_ARGS__};        \
        pass_any((f), values, sizeof values / sizeof *values); \
    } while (0)

static void put_type(struct filter *f) {
    put(f, BPF_LD | BPF_H | BPF_IND, TYPE_AT);
}

/* A is the type: steps over a tag, or goes on where the returned jump lands. */
static unsigned put_tag(struct filter *f) {
    put_type(f);
    unsigned q = program_if(f->p, BPF_JEQ, ETH_P_8021Q), ad = program_if(f->p, BPF_JEQ, ETH_P_8021AD),
             qinq = program_if(f->p, BPF_JEQ, ETH_P_QINQ1);
    program_else(f->p, qinq);
    unsigned none = program_jump(f->p);
    program_then(f->p, q);
    program_then(f->p, ad);
    program_then(f->p, qinq);
    put(f, BPF_MISC | BPF_TXA, 0);
    put(f, BPF_ALU | BPF_ADD | BPF_K, 4);
    put(f, BPF_MISC | BPF_TAX, 0);
    return none;
}

/* Behind it A is the type of what is behind the tags. What has more of them passes. */
static void put_tags(struct filter *f) {
    unsigned none[CAPTURE_FILTER_TAGS_MAX];
    put(f, BPF_LDX | BPF_IMM, 0);
    put(f, BPF_LD | BPF_W | BPF_ABS, (uint32_t)SKF_AD_OFF + SKF_AD_VLAN_TAG_PRESENT);
    unsigned taken_off = program_if(f->p, BPF_JEQ, 0);
    program_then(f->p, taken_off);
    for (unsigned i = 0; i < CAPTURE_FILTER_TAGS_MAX; i++) {
        none[i] = put_tag(f);
        if (i == 0) {
            program_else(f->p, taken_off);
        }
    }
    put_type(f);
    PASS_ANY(f, ETH_P_8021Q, ETH_P_8021AD, ETH_P_QINQ1);
    for (unsigned i = 0; i < CAPTURE_FILTER_TAGS_MAX; i++) {
        program_land(f->p, none[i]);
    }
}

/* Leaves out what is neither TCP nor UDP; A is the protocol, and stays in the program's memory. */
static void put_protocol(struct filter *f) {
    unsigned tcp = program_if(f->p, BPF_JEQ, IPPROTO_TCP), udp = program_if(f->p, BPF_JEQ, IPPROTO_UDP);
    program_else(f->p, udp);
    refuse(f);
    program_then(f->p, tcp);
    program_then(f->p, udp);
    put(f, BPF_ST, 0);
}

static void put_ipv4(struct filter *f) {
    put(f, BPF_LD | BPF_B | BPF_IND, NETWORK_AT + 9);
    PASS_ANY(f, 4, 41, 47, 51, 137);
    put_protocol(f);
    put(f, BPF_LD | BPF_H | BPF_IND, NETWORK_AT + 6);
    unsigned first = program_if(f->p, BPF_JSET, 0x1fff);
    pass(f); /* a later fragment */
    program_else(f->p, first);
    put(f, BPF_LD | BPF_B | BPF_IND, NETWORK_AT);
    put(f, BPF_ALU | BPF_AND | BPF_K, 15);
    put(f, BPF_ALU | BPF_LSH | BPF_K, 2);
}

static void put_ipv6(struct filter *f) {
    put(f, BPF_LD | BPF_B | BPF_IND, NETWORK_AT + 6);
    PASS_ANY(f, 0, 4, 41, 43, 44, 47, 51, 60, 137);
    put_protocol(f);
    put(f, BPF_LD | BPF_IMM, 40);
}

/* Neither: MPLS, PPPoE, tags that libpcap does not know as such, and IP behind LLC and SNAP (RFC 1042). */
static void put_other(struct filter *f) {
    PASS_ANY(f, ETH_P_MPLS_UC, ETH_P_MPLS_MC, ETH_P_PPP_SES, 0x9200, 0x9300);
    unsigned type = program_if(f->p, BPF_JGE, ETH_P_802_3_MIN);
    program_else(f->p, type);
    put(f, BPF_LD | BPF_W | BPF_IND, NETWORK_AT);
    unsigned snap = program_if(f->p, BPF_JEQ, 0xaaaa0300);
    program_then(f->p, snap);
    put(f, BPF_LD | BPF_H | BPF_IND, NETWORK_AT + 4);
    unsigned ethernet = program_if(f->p, BPF_JEQ, 0);
    pass(f);
    program_then(f->p, type);
    program_else(f->p, snap);
    program_else(f->p, ethernet);
    refuse(f);
}

/* A is the length of the IP header, behind which the ports are: of TCP both are looked at, of UDP that of the receiver. */
static void put_ports(struct filter *f, const uint16_t *ports, size_t count) {
    put(f, BPF_ALU | BPF_ADD | BPF_X, 0);
    put(f, BPF_MISC | BPF_TAX, 0);
    put(f, BPF_LD | BPF_MEM, 0);
    unsigned tcp = program_if(f->p, BPF_JEQ, IPPROTO_TCP);
    put(f, BPF_LD | BPF_H | BPF_IND, NETWORK_AT + 2);
    PASS_ANY(f, 4789, 4790, 6081, 8472);
    refuse(f);
    program_then(f->p, tcp);
    put(f, BPF_LD | BPF_H | BPF_IND, NETWORK_AT);
    pass_any(f, ports, count);
    put(f, BPF_LD | BPF_H | BPF_IND, NETWORK_AT + 2);
    pass_any(f, ports, count);
    refuse(f);
}

void port_filter(struct program *p, const uint16_t *ports, size_t count, uint32_t length) {
    static const uint16_t defaults[] = {445, 139};
    if (!ports || count == 0) {
        ports = defaults;
        count = sizeof defaults / sizeof *defaults;
    }
    struct filter f = {p, length};
    p->n = 0;
    put_tags(&f);
    unsigned ipv4 = program_if(p, BPF_JEQ, ETH_P_IP);
    put_ipv4(&f);
    unsigned ports_of_ipv4 = program_jump(p);
    program_else(p, ipv4);
    unsigned ipv6 = program_if(p, BPF_JEQ, ETH_P_IPV6), other = program_jump(p);
    program_then(p, ipv6);
    put_ipv6(&f);
    program_land(p, ports_of_ipv4);
    put_ports(&f, ports, count); /* must not stand behind what returns: the kernel takes that for a way here */
    program_land(p, other);
    put_other(&f);
}
