#include "canary/conversation.h"

#include "canary/messages.h"
#include "canary/octets.h"
#include "decode/checksum.h"
#include "direction.h"
#include "packet.h"

enum {
    ETHERTYPE_IPV4 = 0x0800,
    ETHERTYPE_IPV6 = 0x86DD,
    PROTOCOL_TCP = 6,
    IPV4_HEADER = 20,
    TCP_HEADER = 20,
    HOPS = 64,
    DONT_FRAGMENT = 0x4000,
    WINDOW = 65535,
    PORT_SERVER = 445,
    PORT_DYNAMIC = 49152, /* RFC 6335 6: the first one that is given out to clients */
    IPV4_CHECKSUM_AT = 10,
    TCP_CHECKSUM_AT = 16,
};

/* By direction, who sends it. Locally administered (IEEE 802 8.4), so that no card has them. */
static const uint8_t macs[2][6] = {
    [TO_SERVER] = {0x02, 0x53, 0x4d, 0x42, 0x00, 0x01},
    [TO_CLIENT] = {0x02, 0x53, 0x4d, 0x42, 0x00, 0x02},
};
static const struct address ipv4[2] = {
    [TO_SERVER] = {{192, 0, 2, 201}, 4},
    [TO_CLIENT] = {{192, 0, 2, 202}, 4},
};
static const struct address ipv6[2] = {
    [TO_SERVER] = {{0x20, 0x01, 0x0d, 0xb8, [15] = 0xc1}, 6},
    [TO_CLIENT] = {{0x20, 0x01, 0x0d, 0xb8, [15] = 0xc2}, 6},
};

struct talk {
    const struct conversation *c;
    int (*take)(void *arg, struct view frame);
    void *arg;
    uint32_t next[2]; /* by direction: the number of the next octet */
    uint16_t sent[2];
    int error;
};

bool conversation_mark_valid(const char *mark) {
    size_t n = strspn(mark, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-");
    return n != 0 && n <= CONVERSATION_MARK_MAX && !mark[n];
}

/* Into a header whose own field is zero so far. */
static void put_checksum(uint8_t *to, uint64_t sum) {
    while (sum >> 16) {
        sum = (sum & 0xffff) + (sum >> 16);
    }
    struct octets field = {to, 2, 0};
    octets_be(&field, ~sum & 0xffff, 2);
}

/* RFC 791 3.1 */
static void put_ipv4(struct octets *o, const struct talk *t, enum direction d, size_t payload) {
    uint8_t *header = o->base + o->used;
    octets_be(o, 0x45, 1); /* version 4, five words */
    octets_be(o, 0, 1);
    octets_be(o, IPV4_HEADER + payload, 2);
    octets_be(o, t->sent[d], 2);
    octets_be(o, DONT_FRAGMENT, 2);
    octets_be(o, HOPS, 1);
    octets_be(o, PROTOCOL_TCP, 1);
    octets_be(o, 0, 2); /* checksum */
    octets_bytes(o, ipv4[d].bytes, 4);
    octets_bytes(o, ipv4[!d].bytes, 4);
    put_checksum(header + IPV4_CHECKSUM_AT, checksum_add(0, (struct view){header, IPV4_HEADER}));
}

/* RFC 8200 3 */
static void put_ipv6(struct octets *o, enum direction d, size_t payload) {
    octets_be(o, UINT32_C(6) << 28, 4);
    octets_be(o, payload, 2);
    octets_be(o, PROTOCOL_TCP, 1);
    octets_be(o, HOPS, 1);
    octets_bytes(o, ipv6[d].bytes, 16);
    octets_bytes(o, ipv6[!d].bytes, 16);
}

/* RFC 9293 3.1 */
static void put_tcp(struct octets *o, const struct talk *t, enum direction d, unsigned flags, struct view payload) {
    const struct address *from = t->c->ipv6 ? &ipv6[d] : &ipv4[d], *to = t->c->ipv6 ? &ipv6[!d] : &ipv4[!d];
    uint16_t client = (uint16_t)(PORT_DYNAMIC + t->c->number % (65536 - PORT_DYNAMIC));
    uint8_t *header = o->base + o->used;
    octets_be(o, d == TO_SERVER ? client : PORT_SERVER, 2);
    octets_be(o, d == TO_SERVER ? PORT_SERVER : client, 2);
    octets_be(o, t->next[d], 4);
    octets_be(o, flags & TCP_ACK ? t->next[!d] : 0, 4);
    octets_be(o, TCP_HEADER / 4 << 4, 1);
    octets_be(o, flags, 1);
    octets_be(o, WINDOW, 2);
    octets_be(o, 0, 2); /* checksum */
    octets_be(o, 0, 2); /* urgent pointer */
    octets_bytes(o, payload.p, payload.n);
    uint64_t sum = checksum_pseudo(from, to, (uint32_t)(TCP_HEADER + payload.n));
    put_checksum(header + TCP_CHECKSUM_AT, checksum_add(sum, (struct view){header, TCP_HEADER + payload.n}));
}

static void say(struct talk *t, enum direction d, unsigned flags, struct view payload) {
    uint8_t frame[CONVERSATION_FRAME_SIZE];
    struct octets o = {frame, sizeof frame, 0};
    if (t->error) {
        return;
    }
    octets_bytes(&o, macs[!d], sizeof macs[!d]);
    octets_bytes(&o, macs[d], sizeof macs[d]);
    octets_be(&o, t->c->ipv6 ? ETHERTYPE_IPV6 : ETHERTYPE_IPV4, 2);
    if (t->c->ipv6) {
        put_ipv6(&o, d, TCP_HEADER + payload.n);
    } else {
        put_ipv4(&o, t, d, TCP_HEADER + payload.n);
    }
    put_tcp(&o, t, d, flags, payload);
    t->next[d] += (uint32_t)payload.n + (flags & (TCP_SYN | TCP_FIN) ? 1 : 0);
    t->sent[d]++;
    t->error = t->take(t->arg, (struct view){frame, o.used});
}

/* MS-SMB2 2.1: a zero and the length in three octets stand before each message. */
static void say_message(struct talk *t, unsigned exchange, enum direction d) {
    uint8_t message[CONVERSATION_FRAME_SIZE], segment[CONVERSATION_FRAME_SIZE];
    struct octets m = {message, sizeof message, 0}, s = {segment, sizeof segment, 0};
    messages_write(&m, t->c, exchange, d);
    octets_be(&s, m.used, 4);
    octets_bytes(&s, message, m.used);
    say(t, d, TCP_PSH | TCP_ACK, (struct view){segment, s.used});
}

int conversation_frames(const struct conversation *c, int (*take)(void *arg, struct view frame), void *arg) {
    static const struct view none = {(const uint8_t *)"", 0};
    struct talk t = {.c = c, .take = take, .arg = arg};
    t.next[TO_SERVER] = (uint32_t)(c->number >> 32);
    t.next[TO_CLIENT] = (uint32_t)c->number;
    assert(conversation_mark_valid(c->mark));
    say(&t, TO_SERVER, TCP_SYN, none);
    say(&t, TO_CLIENT, TCP_SYN | TCP_ACK, none);
    say(&t, TO_SERVER, TCP_ACK, none);
    for (unsigned i = 0; i < MESSAGES_EXCHANGES; i++) {
        say_message(&t, i, TO_SERVER);
        say_message(&t, i, TO_CLIENT);
    }
    say(&t, TO_SERVER, TCP_FIN | TCP_ACK, none);
    say(&t, TO_CLIENT, TCP_FIN | TCP_ACK, none);
    say(&t, TO_SERVER, TCP_ACK, none);
    return t.error;
}
