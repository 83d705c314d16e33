/* Ops from the input play two hosts and whatever lies between them and us; a simple model holds the outcome against
 * what was sent. Each byte of a stream has two possible contents, so that overlaps may differ.
 *
 * What must hold, whatever the ops: the places of one direction rise, with gaps between; nothing is passed before open and start
 * or behind end; counters agree with what was passed; memory goes back to 0. While the sequence numbers are those of the one handshake, and no FIN took one:
 * each byte passed on was sent for its place. While no RST, no second SYN and no bound is in the way as well: the bytes that came first
 * are those passed on, and where all of a stream was sent there is no gap. */
#include <assert.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "cursor.h"
#include "../../src/base/pool.h"
#include "../../src/flow/table.h"

enum { PLACES = 1 << 16, OPS_MAX = 4096, SEGMENT_MAX = 2048, CONTENTS = 2 };

struct side {
    uint32_t isn;
    uint8_t first[PLACES]; /* 1 + content that came first; 0: never sent */
    uint8_t sent[PLACES];  /* a bit for each content */
    uint32_t end;          /* the highest place that was sent, plus one */
    uint64_t place, bytes, missed, gaps;
    bool in_gap;
};

struct world {
    struct side sides[DIRECTIONS];
    bool placed; /* the first byte behind the SYN is at place 0 */
    bool strict; /* nothing happened that excuses a loss */
    bool opened, started, ended;
    const struct flow_facts *facts;
};

static uint8_t content_at(uint64_t place, unsigned content) {
    return (uint8_t)(place * 31 + (place >> 8) * 7 + content * 101);
}

static void *world_open(void *arg, const struct flow_facts *facts) {
    struct world *w = arg;
    assert(!w->opened || w->ended);
    if (w->ended || !facts->start_seen) {
        w->strict = w->placed = false; /* another flow: its places are not ours */
    }
    w->opened = true;
    w->started = w->ended = false;
    w->facts = facts;
    for (int d = 0; d < DIRECTIONS; d++) {
        w->sides[d].bytes = w->sides[d].missed = w->sides[d].gaps = 0;
        w->sides[d].in_gap = false;
    }
    return w;
}

static void world_start(void *connection, struct moment at) {
    struct world *w = connection;
    (void)at;
    assert(w->opened && !w->started && !w->ended);
    w->started = true;
}

static void world_bytes(void *connection, enum direction d, struct view v, struct moment at) {
    struct world *w = connection;
    struct side *s = &w->sides[d];
    (void)at;
    assert(w->started && !w->ended && v.n != 0);
    s->bytes += v.n;
    s->in_gap = false;
    for (size_t i = 0; w->placed && i < v.n; i++, s->place++) {
        assert(s->place < PLACES && s->sent[s->place] != 0);
        unsigned other = v.p[i] == content_at(s->place, 0) ? 0 : 1;
        assert(v.p[i] == content_at(s->place, other) && (s->sent[s->place] >> other & 1));
        assert(!w->strict || v.p[i] == content_at(s->place, s->first[s->place] - 1u));
    }
}

static void world_gap(void *connection, enum direction d, uint64_t n, struct moment at) {
    struct world *w = connection;
    struct side *s = &w->sides[d];
    (void)at;
    assert(w->started && !w->ended && n != 0);
    s->missed += n;
    s->gaps += !s->in_gap; /* one hole, though it may be told in parts */
    s->in_gap = true;
    s->place += n;
}

static void world_closed(void *connection, bool over) {
    (void)over;
    struct world *w = connection;
    assert(w->started && !w->ended);
}

static void world_end(void *connection, enum flow_end_reason reason, struct moment at) {
    struct world *w = connection;
    (void)reason;
    (void)at;
    assert(w->opened && !w->ended);
    w->ended = true;
    for (int d = 0; d < DIRECTIONS; d++) {
        assert(w->facts->missed_bytes[d] == w->sides[d].missed);
        assert(w->facts->gaps[d] == w->sides[d].gaps);
        assert(w->facts->bytes[d] >= w->sides[d].bytes); /* cut frames count whole */
    }
}

static enum nbss_probe probe(struct view v) {
    return v.n >= 8 && v.p[0] % 2 == 0 ? PROBE_REQUEST : PROBE_NO;
}

struct player {
    struct flow_table *table;
    struct world *world;
    struct moment now;
    struct endpoint ends[DIRECTIONS];
};

static void send_packet(struct player *p, enum direction d, uint8_t flags, uint32_t seq, uint32_t ack, struct view data,
                        uint32_t length) {
    uint8_t *copy = malloc(data.n + (data.n == 0));
    assert(copy);
    if (data.n != 0) {
        memcpy(copy, data.p, data.n);
    }
    p->now.frame++;
    struct packet packet = {
        .at = p->now,
        .src = p->ends[d],
        .dst = p->ends[direction_opposite(d)],
        .seq = seq,
        .ack = ack,
        .window = 65535,
        .window_scale = flags & TCP_SYN ? 7 : 0xff,
        .flags = flags,
        .payload = {copy, data.n},
        .payload_length = length,
        .wire_length = length + 54,
    };
    flow_table_packet(p->table, &packet);
    free(copy);
}

static void op_segment(struct player *p, enum direction d, struct cursor *c, uint8_t how) {
    struct side *s = &p->world->sides[d], *other = &p->world->sides[direction_opposite(d)];
    uint32_t place = how & 0x10 ? s->end : cursor_le16(c);
    uint32_t n = 1u + cursor_le16(c) % SEGMENT_MAX;
    unsigned content = how >> 5 & 1;
    if (place + n > PLACES) {
        return;
    }
    uint8_t data[SEGMENT_MAX];
    for (uint32_t i = 0; i < n; i++) {
        data[i] = content_at(place + i, content);
        if (s->first[place + i] == 0 && place + i >= s->place) {
            s->first[place + i] = (uint8_t)(content + 1);
        }
        s->sent[place + i] |= (uint8_t)(1u << content);
    }
    s->end = place + n > s->end ? place + n : s->end;
    uint32_t captured = n;
    if (how & 0x40) {
        captured = cursor_u8(c) % (n + 1);
        p->world->strict &= captured == n;
    }
    send_packet(p, d, TCP_ACK, s->isn + 1 + place, other->isn + 1 + (how & 0x80 ? other->end : 0),
                (struct view){data, captured}, n);
}

static void op_control(struct player *p, enum direction d, struct cursor *c, uint8_t how) {
    struct side *s = &p->world->sides[d], *other = &p->world->sides[direction_opposite(d)];
    const struct view none = {NULL, 0};
    uint32_t any = cursor_le32(c);
    switch (how >> 4) {
    case 0:
        send_packet(p, d, TCP_ACK, s->isn + 1 + s->end, other->isn + 1 + other->end, none, 0);
        break;
    case 1: /* it had more than we saw */
        p->world->strict = false;
        send_packet(p, d, TCP_ACK, s->isn + 1 + s->end, other->isn + 1 + any % PLACES, none, 0);
        break;
    case 2:
        p->world->strict = p->world->placed = false;
        send_packet(p, d, TCP_RST | TCP_ACK, s->isn + 1 + s->end + (any & 0x30 ? any : 0), other->isn + 1, none, 0);
        break;
    case 3:
        p->world->strict = p->world->placed = false;
        send_packet(p, d, TCP_SYN, any, 0, none, 0);
        break;
    case 4:
        p->world->strict = p->world->placed = false;
        send_packet(p, d, TCP_SYN | TCP_ACK, any, other->isn + 1, none, 0);
        break;
    case 5:
        p->world->strict = p->world->placed = false; /* its place may be that of bytes as well */
        send_packet(p, d, TCP_FIN | TCP_ACK, s->isn + 1 + s->end, other->isn + 1 + other->end, none, 0);
        break;
    case 6:
        p->now.time_ns += (uint64_t)any << (how & 8 ? 16 : 4);
        p->world->strict = false; /* allowances may be over */
        flow_table_tick(p->table, p->now.time_ns);
        break;
    case 7:
        p->now.time_ns -= any;
        break;
    case 8:
        p->world->strict = p->world->placed = false;
        send_packet(p, d, (uint8_t)any, any, any >> 8, none, 0);
        break;
    default:
        p->world->strict = p->world->placed = false;
        send_packet(p, d, (uint8_t)(any & ~(uint32_t)TCP_SYN), s->isn + any, other->isn + (any >> 16),
                    (struct view){(const uint8_t *)"wild data", 9}, 9);
        break;
    }
}

static void check_end(const struct world *w) {
    for (int d = 0; w->strict && d < DIRECTIONS; d++) {
        const struct side *s = &w->sides[d];
        bool all = true;
        for (uint32_t i = 0; i < s->end; i++) {
            all &= s->first[i] != 0;
        }
        assert(!all || (s->gaps == 0 && s->place == s->end));
        assert(s->place == s->end);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct cursor c = cursor_over((struct view){data, size});
    struct world *w = calloc(1, sizeof *w);
    struct stats *stats = calloc(1, sizeof *stats);
    assert(w && stats);
    uint8_t first = cursor_u8(&c);
    struct budget budget = {.ceiling = first & 8 ? POOL_BLOCK + 20000 : SIZE_MAX};
    struct flow_settings settings = flow_settings_default();
    settings.flows_max = 16;
    settings.probe = probe;
    settings.reorder_bytes_max = first & 1 ? 4096 : settings.reorder_bytes_max;
    struct stream_sink sink = {w, world_open, world_start, world_bytes, world_gap, world_closed, world_end};
    struct player p = {
        flow_table_new(&settings, &sink, &budget, stats), w, {UINT64_C(1700000000000000000), 0}, {{.port = 0}}};
    p.ends[TO_SERVER] = (struct endpoint){{{10, 0, 0, 1}, 4}, 50000};
    p.ends[TO_CLIENT] = (struct endpoint){{{10, 0, 0, 2}, 4}, first & 16 ? 8080 : 445};
    w->sides[TO_SERVER].isn = cursor_le32(&c);
    w->sides[TO_CLIENT].isn = cursor_le32(&c);
    w->placed = (first & (2 | 16)) == 0;
    w->strict = w->placed && (first & (1 | 8)) == 0;
    if (!(first & 2)) { /* else it is picked up in the middle */
        const struct view none = {NULL, 0};
        send_packet(&p, TO_SERVER, TCP_SYN, w->sides[TO_SERVER].isn, 0, none, 0);
        send_packet(&p, TO_CLIENT, TCP_SYN | TCP_ACK, w->sides[TO_CLIENT].isn, w->sides[TO_SERVER].isn + 1, none, 0);
    }
    for (unsigned ops = 0; ops < OPS_MAX && cursor_left(&c) != 0; ops++) {
        uint8_t op = cursor_u8(&c);
        enum direction d = op & 1 ? TO_CLIENT : TO_SERVER;
        p.now.time_ns += 1000;
        if (op & 2) {
            op_control(&p, d, &c, op);
        } else {
            op_segment(&p, d, &c, op);
        }
        /* The models of bounds and of allowances are not the fuzzer's business. */
        w->strict &= stats->reassembly_limit == 0 && (ops < 100 || stats->gaps == 0);
    }
    flow_table_finish(p.table);
    assert(!w->opened || w->ended);
    check_end(w);
    assert(flow_table_count(p.table) == 0);
    flow_table_free(p.table);
    assert(budget.held == 0);
    free(stats);
    free(w);
    return 0;
}
