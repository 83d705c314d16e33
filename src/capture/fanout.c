#include "fanout.h"

#include <errno.h>
#include <linux/if_arp.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include "program.h"

/* Odd numbers whose products are good in the upper bits: of the golden section, and one of MurmurHash3's finalizer. */
#define MIX_WORD 0x9e3779b1u
#define MIX_SUM 0xc2b2ae35u

/* --- here --- */

static uint32_t mix(uint32_t value, uint32_t factor) {
    value *= factor;
    return value ^ value >> 15;
}

static uint32_t address_hash(const struct address *a) {
    const uint8_t *p = a->bytes;
    uint32_t hash = 0;
    for (unsigned i = 0; i < (a->family == 4 ? 1 : 4); i++, p += 4) {
        uint32_t word = (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
        hash = mix(hash ^ word, MIX_WORD);
    }
    return hash;
}

uint32_t fanout_hash(const struct endpoint *a, const struct endpoint *b) {
    uint32_t sum = 0;
    sum += a->port <= b->port ? address_hash(&a->ip) : 0;
    sum += b->port <= a->port ? address_hash(&b->ip) : 0;
    return mix(sum, MIX_SUM);
}

/* --- in the kernel --- */

/* The words of the program's memory. */
enum { NETWORK, ETHERTYPE, HASH, FIRST, SERVER };

/* Which address counts, the source's, the destination's, or both. */
enum { BOTH, SOURCE, DESTINATION };

#define AUX(what) ((uint32_t)SKF_AD_OFF + (what))

static void load(struct program *p, unsigned place) {
    program_put(p, BPF_LD | BPF_MEM, place);
}

static void load_x(struct program *p, unsigned place) {
    program_put(p, BPF_LDX | BPF_MEM, place);
}

static void store(struct program *p, unsigned place) {
    program_put(p, BPF_ST, place);
}

static void set(struct program *p, unsigned place, uint32_t value) {
    program_put(p, BPF_LD | BPF_IMM, value);
    store(p, place);
}

static void put_mix(struct program *p, uint32_t factor) {
    program_put(p, BPF_ALU | BPF_MUL | BPF_K, factor);
    program_put(p, BPF_MISC | BPF_TAX, 0);
    program_put(p, BPF_ALU | BPF_RSH | BPF_K, 15);
    program_put(p, BPF_ALU | BPF_XOR | BPF_X, 0);
}

/* Where the network layer is, from where the kernel's buffer begins, and what it is. What comes in begins behind the link's header, what
 * goes out before it. */
static void put_start(struct program *p) {
    program_put(p, BPF_LD | BPF_W | BPF_ABS, AUX(SKF_AD_PKTTYPE));
    unsigned out = program_if(p, BPF_JEQ, PACKET_OUTGOING);
    program_put(p, BPF_LD | BPF_W | BPF_ABS, AUX(SKF_AD_HATYPE));
    unsigned ethernet = program_if(p, BPF_JEQ, ARPHRD_ETHER), loop = program_if(p, BPF_JEQ, ARPHRD_LOOPBACK);
    program_then(p, ethernet);
    program_put(p, BPF_LD | BPF_H | BPF_ABS, 12);
    store(p, ETHERTYPE);
    set(p, NETWORK, ETH_HLEN);
    unsigned end = program_jump(p);
    program_else(p, out);
    program_else(p, loop);
    program_put(p, BPF_LD | BPF_W | BPF_ABS, AUX(SKF_AD_PROTOCOL));
    store(p, ETHERTYPE);
    set(p, NETWORK, 0);
    program_land(p, end);
}

static void put_tag(struct program *p) {
    load(p, ETHERTYPE);
    unsigned q = program_if(p, BPF_JEQ, ETH_P_8021Q), ad = program_if(p, BPF_JEQ, ETH_P_8021AD),
             qinq = program_if(p, BPF_JEQ, ETH_P_QINQ1);
    program_then(p, q);
    program_then(p, ad);
    load_x(p, NETWORK);
    program_put(p, BPF_LD | BPF_H | BPF_IND, 2);
    store(p, ETHERTYPE);
    load(p, NETWORK);
    program_put(p, BPF_ALU | BPF_ADD | BPF_K, 4);
    store(p, NETWORK);
    program_else(p, qinq);
}

/* Ports at this offset from X say who is the server. */
static void put_ports(struct program *p, uint32_t at) {
    program_put(p, BPF_LD | BPF_H | BPF_IND, at);
    store(p, HASH);
    program_put(p, BPF_LD | BPF_H | BPF_IND, at + 2);
    load_x(p, HASH);
    program_put(p, BPF_ALU | BPF_SUB | BPF_X, 0); /* destination less source, of 32 bits */
    unsigned equal = program_if(p, BPF_JEQ, 0);
    unsigned source_above = program_if(p, BPF_JSET, 0x80000000);
    program_then(p, source_above);
    set(p, SERVER, DESTINATION);
    unsigned end = program_jump(p);
    program_else(p, source_above);
    set(p, SERVER, SOURCE);
    program_then(p, equal);
    program_land(p, end);
}

/* A fragment has no ports, or those that come after it have none. */
static void put_ipv4_ports(struct program *p) {
    load_x(p, NETWORK);
    program_put(p, BPF_LD | BPF_B | BPF_IND, 9);
    unsigned is_tcp = program_if(p, BPF_JEQ, IPPROTO_TCP);
    program_put(p, BPF_LD | BPF_H | BPF_IND, 6);
    unsigned fragment = program_if(p, BPF_JSET, 0x3fff);
    program_else(p, fragment);
    program_put(p, BPF_LD | BPF_B | BPF_IND, 0);
    program_put(p, BPF_ALU | BPF_AND | BPF_K, 15);
    program_put(p, BPF_ALU | BPF_LSH | BPF_K, 2);
    program_put(p, BPF_ALU | BPF_ADD | BPF_X, 0);
    program_put(p, BPF_MISC | BPF_TAX, 0);
    put_ports(p, 0);
    program_else(p, is_tcp);
    program_then(p, fragment);
}

static void put_ipv6_ports(struct program *p) {
    load_x(p, NETWORK);
    program_put(p, BPF_LD | BPF_B | BPF_IND, 6);
    unsigned is_tcp = program_if(p, BPF_JEQ, IPPROTO_TCP);
    put_ports(p, 40);
    program_else(p, is_tcp);
}

/* The program ends with the hash of the server's address, or of two, of as many words of 4 bytes, that are at these offsets of the
 * network layer. */
static void put_addresses(struct program *p, const uint32_t at[2], unsigned words) {
    for (unsigned i = 0; i < 2 * words; i++) {
        load_x(p, NETWORK);
        program_put(p, BPF_LD | BPF_W | BPF_IND, at[i / words] + 4 * (i % words));
        if (i % words > 0) {
            load_x(p, HASH);
            program_put(p, BPF_ALU | BPF_XOR | BPF_X, 0);
        }
        put_mix(p, MIX_WORD);
        store(p, HASH);
        if (i + 1 == words) {
            store(p, FIRST);
        }
    }
    load(p, SERVER);
    unsigned source = program_if(p, BPF_JEQ, SOURCE);
    unsigned destination = program_if(p, BPF_JEQ, DESTINATION);
    load(p, HASH);
    load_x(p, FIRST);
    program_put(p, BPF_ALU | BPF_ADD | BPF_X, 0);
    unsigned both = program_jump(p);
    program_then(p, source);
    load(p, FIRST);
    unsigned first = program_jump(p);
    program_then(p, destination);
    load(p, HASH);
    program_land(p, both);
    program_land(p, first);
    put_mix(p, MIX_SUM);
    program_put(p, BPF_RET | BPF_A, 0);
}

static void build(struct program *p) {
    static const uint32_t ipv4[] = {12, 16}, ipv6[] = {8, 24};
    static const uint32_t ethernet[] = {2, 8}; /* of a MAC address the last 4 bytes */
    p->n = 0;
    put_start(p);
    set(p, SERVER, BOTH);
    for (unsigned i = 0; i < FANOUT_TAGS_MAX; i++) {
        put_tag(p);
    }
    load(p, ETHERTYPE);
    unsigned is_ipv4 = program_if(p, BPF_JEQ, ETH_P_IP);
    put_ipv4_ports(p);
    put_addresses(p, ipv4, 1);
    program_else(p, is_ipv4);
    unsigned is_ipv6 = program_if(p, BPF_JEQ, ETH_P_IPV6);
    put_ipv6_ports(p);
    put_addresses(p, ipv6, 4);
    program_else(p, is_ipv6);
    set(p, NETWORK, (uint32_t)SKF_LL_OFF); /* where there is none, the program ends there with 0 */
    put_addresses(p, ethernet, 1);
}

static int set_group(int fd, unsigned type, unsigned id) {
    unsigned value = type << 16 | id;
    return setsockopt(fd, SOL_PACKET, PACKET_FANOUT, &value, sizeof value) == 0 ? 0 : -errno;
}

int fanout_join(int fd, int *group) {
    if (*group >= 0) {
        return set_group(fd, PACKET_FANOUT_CBPF, (unsigned)*group);
    }
    int error = set_group(fd, PACKET_FANOUT_CBPF | PACKET_FANOUT_FLAG_UNIQUEID, 0);
    if (error != 0) {
        return error;
    }
    unsigned value = 0;
    socklen_t size = sizeof value;
    struct program p;
    build(&p);
    struct sock_fprog program = {(unsigned short)p.n, p.code};
    if (getsockopt(fd, SOL_PACKET, PACKET_FANOUT, &value, &size) != 0 ||
        setsockopt(fd, SOL_PACKET, PACKET_FANOUT_DATA, &program, sizeof program) != 0) {
        return -errno;
    }
    *group = (int)(value & 0xffff);
    return 0;
}
