#include "fanout.h"

#include <errno.h>
#include <linux/if_arp.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include "program.h"

/* Odd numbers whose products are good in the upper bits: of the golden section, and those of MurmurHash3's finalizer. */
#define MIX_WORD 0x9e3779b1u
#define MIX_PORT 0x85ebca6bu
#define MIX_SUM 0xc2b2ae35u

/* --- here --- */

static uint32_t mix(uint32_t value, uint32_t factor) {
    value *= factor;
    return value ^ value >> 15;
}

static uint32_t endpoint_hash(const struct endpoint *e) {
    const uint8_t *p = e->ip.bytes;
    uint32_t hash = 0;
    for (unsigned i = 0; i < (e->ip.family == 4 ? 1 : 4); i++, p += 4) {
        uint32_t word = (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
        hash = mix(hash ^ word, MIX_WORD);
    }
    return mix(hash ^ e->port, MIX_PORT);
}

uint32_t fanout_hash(const struct endpoint *a, const struct endpoint *b) {
    return mix(endpoint_hash(a) + endpoint_hash(b), MIX_SUM);
}

/* --- in the kernel --- */

/* The words of the program's memory. */
enum { NETWORK, ETHERTYPE, PORTS, HASH, SUM };

#define LL(at) ((uint32_t)SKF_LL_OFF + (at))
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

/* An address of words of 4 bytes at that offset of the network layer, and the upper or lower half of PORTS, added to SUM. */
static void put_endpoint(struct program *p, uint32_t at, unsigned words, bool upper) {
    for (unsigned i = 0; i < words; i++) {
        load_x(p, NETWORK);
        program_put(p, BPF_LD | BPF_W | BPF_IND, at + 4 * i);
        if (i > 0) {
            load_x(p, HASH);
            program_put(p, BPF_ALU | BPF_XOR | BPF_X, 0);
        }
        put_mix(p, MIX_WORD);
        store(p, HASH);
    }
    load(p, PORTS);
    program_put(p, BPF_ALU | (upper ? BPF_RSH : BPF_AND) | BPF_K, upper ? 16 : 0xffff);
    load_x(p, HASH);
    program_put(p, BPF_ALU | BPF_XOR | BPF_X, 0);
    put_mix(p, MIX_PORT);
    load_x(p, SUM);
    program_put(p, BPF_ALU | BPF_ADD | BPF_X, 0);
    store(p, SUM);
}

static void put_return(struct program *p) {
    put_mix(p, MIX_SUM);
    program_put(p, BPF_RET | BPF_A, 0);
}

static void put_ipv4(struct program *p) {
    load_x(p, NETWORK);
    program_put(p, BPF_LD | BPF_H | BPF_IND, 6);
    unsigned fragment = program_if(p, BPF_JSET, 0x3fff); /* more fragments, or an offset */
    program_else(p, fragment);
    program_put(p, BPF_LD | BPF_B | BPF_IND, 9);
    unsigned tcp = program_if(p, BPF_JEQ, IPPROTO_TCP);
    program_put(p, BPF_LD | BPF_B | BPF_IND, 0);
    program_put(p, BPF_ALU | BPF_AND | BPF_K, 15);
    program_put(p, BPF_ALU | BPF_LSH | BPF_K, 2);
    program_put(p, BPF_ALU | BPF_ADD | BPF_X, 0);
    program_put(p, BPF_MISC | BPF_TAX, 0);
    program_put(p, BPF_LD | BPF_W | BPF_IND, 0);
    store(p, PORTS);
    program_then(p, fragment);
    program_else(p, tcp);
    put_endpoint(p, 12, 1, true);
    put_endpoint(p, 16, 1, false);
    put_return(p);
}

static void put_ipv6(struct program *p) {
    load_x(p, NETWORK);
    program_put(p, BPF_LD | BPF_B | BPF_IND, 6);
    unsigned tcp = program_if(p, BPF_JEQ, IPPROTO_TCP);
    program_put(p, BPF_LD | BPF_W | BPF_IND, 40);
    store(p, PORTS);
    program_else(p, tcp);
    put_endpoint(p, 8, 4, true);
    put_endpoint(p, 24, 4, false);
    put_return(p);
}

/* No IP: of the two MAC addresses. Where there are none, the load ends the program with 0. */
static void put_other(struct program *p) {
    program_put(p, BPF_LD | BPF_H | BPF_ABS, LL(6));
    program_put(p, BPF_ALU | BPF_LSH | BPF_K, 16);
    store(p, PORTS);
    program_put(p, BPF_LD | BPF_H | BPF_ABS, LL(0));
    load_x(p, PORTS);
    program_put(p, BPF_ALU | BPF_OR | BPF_X, 0);
    store(p, PORTS);
    set(p, NETWORK, (uint32_t)SKF_LL_OFF);
    put_endpoint(p, 8, 1, true);
    put_endpoint(p, 2, 1, false);
    put_return(p);
}

static void build(struct program *p) {
    p->n = 0;
    set(p, PORTS, 0);
    store(p, SUM);
    put_start(p);
    for (unsigned i = 0; i < FANOUT_TAGS_MAX; i++) {
        put_tag(p);
    }
    load(p, ETHERTYPE);
    unsigned ipv4 = program_if(p, BPF_JEQ, ETH_P_IP);
    put_ipv4(p);
    program_else(p, ipv4);
    unsigned ipv6 = program_if(p, BPF_JEQ, ETH_P_IPV6);
    put_ipv6(p);
    program_else(p, ipv6);
    put_other(p);
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
