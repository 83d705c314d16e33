#include "delivery.h"

#include <assert.h>
#include <string.h>

#include "community_id.h"

/* The flow's name, the same in every run over the same packets: no secret in the key. */
static const struct siphash_key flow_id_key = {UINT64_C(0x736d627461702d66), UINT64_C(0x6c6f775f69642d31)};

static uint8_t *append_endpoint(uint8_t *to, const struct endpoint *e) {
    memcpy(to, e->ip.bytes, sizeof e->ip.bytes);
    to[16] = (uint8_t)(e->port >> 8);
    to[17] = (uint8_t)e->port;
    return to + 18;
}

static void write_flow_id(struct flow_facts *facts) {
    uint8_t input[1 + 18 + 18 + 8 + 8];
    input[0] = facts->client.ip.family;
    uint8_t *end = append_endpoint(append_endpoint(input + 1, &facts->client), &facts->server);
    for (unsigned i = 0; i < 8; i++) {
        *end++ = (uint8_t)(facts->first.time_ns >> (8 * i));
    }
    uint64_t tag = facts->wrapping ? facts->wrapping->key_tag : 0;
    for (unsigned i = 0; i < 8 && tag != 0; i++) {
        *end++ = (uint8_t)(tag >> (8 * i));
    }
    uint64_t id = siphash24(flow_id_key, (struct view){input, (size_t)(end - input)});
    for (unsigned i = 0; i < 16; i++) {
        facts->flow_id[i] = "0123456789abcdef"[id >> (60 - 4 * i) & 15];
    }
    facts->flow_id[16] = '\0';
}

static void open_flow(struct flow_context *c, struct flow *f) {
    _Static_assert(sizeof f->facts.community_id == COMMUNITY_ID_SIZE, "one size");
    write_flow_id(&f->facts);
    community_id_write(c->community_id, &f->facts.client, &f->facts.server, f->facts.community_id);
    f->connection = c->sink.open(c->sink.arg, &f->facts);
    f->opened = true;
}

void delivery_start(struct flow_context *c, struct flow *f, struct moment at) {
    assert(!f->opened);
    open_flow(c, f);
    if (f->state != FLOW_CLOSED) { /* which it may be already, where it was picked up */
        f->state = FLOW_LIVE;
    }
    c->stats->flows_started++;
    if (f->connection) {
        c->sink.start(f->connection, at);
    }
}

void delivery_bytes(struct flow_context *c, struct flow *f, enum direction d, struct view bytes, uint32_t length,
                    struct moment at) {
    assert(f->opened && bytes.n <= length);
    f->facts.bytes[d] += length;
    if (bytes.n != 0) {
        f->halves[d].in_gap = false;
        if (f->connection) {
            c->sink.bytes(f->connection, d, bytes, at);
        }
    }
    if (bytes.n < length) {
        delivery_gap(c, f, d, length - (uint32_t)bytes.n, at);
    }
}

void delivery_gap(struct flow_context *c, struct flow *f, enum direction d, uint32_t length, struct moment at) {
    assert(f->opened && length != 0);
    bool another = !f->halves[d].in_gap; /* else it goes on from the last one */
    f->halves[d].in_gap = true;
    f->facts.gaps[d] += another;
    f->facts.missed_bytes[d] += length;
    c->stats->gaps += another;
    c->stats->missed_bytes += length;
    if (f->connection) {
        c->sink.gap(f->connection, d, length, at);
    }
}

void delivery_closed(const struct flow_context *c, const struct flow *f) {
    if (f->connection && !f->reorder) {
        c->sink.closed(f->connection, f->halves[TO_SERVER].fin_done && f->halves[TO_CLIENT].fin_done);
    }
}

void delivery_end(struct flow_context *c, struct flow *f, enum flow_end_reason reason) {
    if (!f->opened) {
        open_flow(c, f);
    }
    c->stats->flows_ended++;
    c->stats->flows_refused += reason == FLOW_END_REFUSED;
    c->stats->flows_unanswered += reason == FLOW_END_UNANSWERED;
    c->stats->flows_evicted += reason == FLOW_END_EVICTED;
    if (f->connection) {
        c->sink.end(f->connection, reason, f->facts.last);
    }
}
