/* Client and server talk, and the input is what they say: with it the fuzzer reaches what lies behind whole messages in an order,
 * without having to get a capture file, its packets and their sequence numbers right.
 *
 * The input: a byte of WITH_ flags, then turns. A turn is a byte of TURN_ flags, two bytes of length (little-endian) and so many
 * bytes; the last may be shorter. */
#include <assert.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "cursor.h"
#include "direction.h"
#include "whole.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { WITH_EVERY_OPERATION = 1, WITH_MIDSTREAM = 2, WITH_LITTLE_MEMORY = 4, WITH_NETBIOS = 8 };

enum {
    TURN_TO_CLIENT = 1,
    TURN_RAW = 2,   /* stream bytes as they are; else one message, and its NetBIOS header is put before it */
    TURN_OTHER = 4, /* on the other connection, of the same two hosts */
    TURN_LOST = 8,  /* it was never captured */
    TURN_LATER = 16,
    TURN_IN_BYTES = 32, /* one byte a segment, the first of them */
    TURN_CUT = 64,      /* by a snap length, in the middle */
    TURN_ENDS = 128,    /* with FIN */
};

enum { CEILING = 64 << 20, LITTLE_CEILING = 256 * 1024, TURNS_MAX = 512, CONNECTIONS = 2, IN_BYTES_MAX = 100 };
enum { HEADERS = 14 + 20 + 20, FIN = 1, SYN = 2, ACK = 16, IP_MAX = 65535 - 40 };

struct talk {
    struct whole *whole;
    struct frame frame;
    uint16_t server_port;
    uint32_t seq[CONNECTIONS][DIRECTIONS];
};

static void put16(uint8_t *to, unsigned value) {
    to[0] = (uint8_t)(value >> 8);
    to[1] = (uint8_t)value;
}

static void put32(uint8_t *to, uint32_t value) {
    put16(to, value >> 16);
    put16(to + 2, value & 0xffff);
}

/* A frame of Ethernet, IPv4 and TCP. */
static void send(struct talk *t, unsigned which, enum direction dir, uint8_t flags, struct view data, size_t captured) {
    static const uint8_t fronts[] = {2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2, 8, 0, 0x45};
    uint8_t *b = calloc(1, HEADERS + data.n);
    assert(b);
    memcpy(b, fronts, sizeof fronts);
    put16(b + 16, (unsigned)(40 + data.n));
    b[22] = 64;
    b[23] = 6;
    put32(b + 26, dir == TO_SERVER ? 0xc0000201 : 0xc0000202);
    put32(b + 30, dir == TO_SERVER ? 0xc0000202 : 0xc0000201);
    put16(b + 34, dir == TO_SERVER ? 50000 + which : t->server_port);
    put16(b + 36, dir == TO_SERVER ? t->server_port : 50000 + which);
    put32(b + 38, t->seq[which][dir]);
    put32(b + 42, t->seq[which][direction_opposite(dir)]);
    b[46] = 5 << 4;
    b[47] = flags;
    put16(b + 48, 65535);
    if (data.n != 0) {
        memcpy(b + HEADERS, data.p, data.n);
    }
    t->frame.bytes = (struct view){b, HEADERS + captured};
    t->frame.wire_length = (uint32_t)(HEADERS + data.n);
    t->frame.at.frame++;
    t->frame.at.time_ns += 1000;
    whole_frame(t->whole, &t->frame);
    t->seq[which][dir] += (uint32_t)data.n + (flags & (SYN | FIN) ? 1 : 0);
    free(b);
}

static void greet(struct talk *t, unsigned which) {
    const struct view none = {NULL, 0};
    send(t, which, TO_SERVER, SYN, none, 0);
    send(t, which, TO_CLIENT, SYN | ACK, none, 0);
    send(t, which, TO_SERVER, ACK, none, 0);
}

/* The bytes as the stream has them, in memory of their own. */
static struct view as_sent(uint8_t how, struct view said, uint8_t **memory) {
    uint8_t *b = malloc(4 + said.n);
    assert(b);
    size_t n = how & TURN_RAW ? 0 : 4;
    put32(b, (uint32_t)said.n);
    if (said.n != 0) {
        memcpy(b + n, said.p, said.n);
    }
    *memory = b;
    return (struct view){b, n + said.n};
}

static void say(struct talk *t, uint8_t how, struct view said) {
    unsigned which = how & TURN_OTHER ? 1 : 0;
    enum direction dir = how & TURN_TO_CLIENT ? TO_CLIENT : TO_SERVER;
    uint8_t *memory;
    struct view v = as_sent(how, said, &memory);
    if (how & TURN_LATER) {
        t->frame.at.time_ns += UINT64_C(45000000000);
    }
    if (how & TURN_LOST) {
        t->seq[which][dir] += (uint32_t)v.n;
    } else {
        size_t single = !(how & TURN_IN_BYTES) ? 0 : v.n < IN_BYTES_MAX ? v.n : IN_BYTES_MAX;
        for (size_t i = 0; i < single; i++) {
            send(t, which, dir, ACK, view_part(v, i, 1), 1);
        }
        v = view_from(v, single);
        if (v.n != 0 || how & TURN_ENDS) {
            send(t, which, dir, how & TURN_ENDS ? ACK | FIN : ACK, v, how & TURN_CUT ? v.n / 2 : v.n);
        }
    }
    free(memory);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct cursor c = cursor_over((struct view){data, size});
    uint8_t with = cursor_u8(&c);
    struct talk t = {
        .whole = whole_new(with & WITH_EVERY_OPERATION, with & WITH_LITTLE_MEMORY ? LITTLE_CEILING : CEILING),
        .frame = {.link_type = 1, .at = {.time_ns = UINT64_C(1700000000000000000)}},
        .server_port = with & WITH_NETBIOS ? 139 : 445,
        .seq = {{1000, 0xffffff00}, {0x7fffff00, 5}},
    };
    for (unsigned which = 0; which < CONNECTIONS && !(with & WITH_MIDSTREAM); which++) {
        greet(&t, which);
    }
    for (unsigned turn = 0; turn < TURNS_MAX && cursor_left(&c) > 3; turn++) {
        uint8_t how = cursor_u8(&c);
        size_t n = cursor_le16(&c);
        n = n < cursor_left(&c) ? n : cursor_left(&c);
        say(&t, how, cursor_take(&c, n < IP_MAX - 4 ? n : IP_MAX - 4));
    }
    whole_finish(t.whole);
    return 0;
}
