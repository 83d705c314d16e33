#include "table.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/packet_clock.h"
#include "base/pool.h"
#include "community_id.h"
#include "connection.h"
#include "contradiction.h"
#include "delivery.h"
#include "entry.h"
#include "limits.h"
#include "prediction.h"
#include "reassembly.h"
#include "sides.h"
#include "trouble.h"

enum { PORTS = 1 << 16 };

#define EXPIRY_STEP_NS (SECOND_NS / 10) /* how often, by the clock, it is looked what is due */

struct flow_table {
    struct flow_context context;
    struct hash flows;
    struct pool plain; /* flows that nothing is wrapped around */
    size_t state_counts[FLOW_STATES];
    uint64_t frame;                /* of the packet at hand */
    struct flow *last;             /* of the last packet that was predicted; NULL: of none, or it is gone */
    struct list order;             /* flows by their beginning */
    struct list idle[FLOW_STATES]; /* flows by their last packet; the closed ones by their close */
    struct packet_clock clock;
    uint64_t next_expiry; /* of the clock */
    uint8_t is_smb_port[PORTS / 8];
};

struct flow_settings flow_settings_default(void) {
    return (struct flow_settings){
        .flows_max = FLOWS_MAX,
        .candidates_max = CANDIDATES_MAX,
        .reorder_bytes_max = REORDER_BYTES_MAX,
        .idle_ns = IDLE_NS,
        .attempt_ns = ATTEMPT_NS,
        .linger_ns = LINGER_NS,
    };
}

static void set_ports(struct flow_table *t, const uint16_t *ports, size_t count) {
    static const uint16_t defaults[] = {445, 139};
    if (!ports) {
        ports = defaults;
        count = sizeof defaults / sizeof *defaults;
    }
    for (size_t i = 0; i < count; i++) {
        t->is_smb_port[ports[i] / 8] |= (uint8_t)(1u << ports[i] % 8);
    }
}

static bool is_smb_port(const struct flow_table *t, uint16_t port) {
    return t->is_smb_port[port / 8] >> port % 8 & 1;
}

struct flow_table *flow_table_new(const struct flow_settings *settings, const struct stream_sink *sink,
                                  struct budget *budget, struct stats *stats) {
    assert(settings->flows_max > 0);
    struct flow_table *t = calloc(1, sizeof *t);
    if (!t) {
        return NULL;
    }
    hash_init(&t->flows, budget);
    pool_init(&t->plain, sizeof(struct flow), budget);
    t->context = (struct flow_context){.settings = *settings,
                                       .sink = *sink,
                                       .budget = budget,
                                       .stats = stats,
                                       .community_id = community_id_new(),
                                       .history = history_new(budget)};
    list_init(&t->context.waiting);
    list_init(&t->order);
    for (int i = 0; i < FLOW_STATES; i++) {
        list_init(&t->idle[i]);
    }
    set_ports(t, settings->ports, settings->port_count);
    t->context.settings.ports = NULL;
    if (!t->context.community_id) {
        flow_table_free(t);
        return NULL;
    }
    return t;
}

/* --- the hash --- */

static bool endpoint_equal(const struct endpoint *a, const struct endpoint *b) {
    return a->port == b->port && a->ip.family == b->ip.family &&
           memcmp(a->ip.bytes, b->ip.bytes, sizeof a->ip.bytes) == 0;
}

static uint64_t hash_address(uint64_t secret, uint64_t hash, const struct address *a) {
    uint64_t words[2];
    memcpy(words, a->bytes, sizeof words);
    return hash_more(secret, hash_more(secret, hash, words[0]), words[1]);
}

/* The same for both directions: the smaller end comes first. */
__attribute__((always_inline)) static inline uint64_t hash_of(const struct flow_table *t, const struct packet *p) {
    const struct siphash_key key = t->context.settings.hash_key;
    const struct endpoint *a = &p->src, *b = &p->dst;
    if (a->port > b->port || (a->port == b->port && memcmp(a->ip.bytes, b->ip.bytes, sizeof a->ip.bytes) > 0)) {
        a = &p->dst;
        b = &p->src;
    }
    uint64_t ports = (uint64_t)a->port << 16 | b->port, hash = key.k0 ^ p->wrapping.key_tag;
    if (a->ip.family == 4) {
        uint32_t low, high;
        memcpy(&low, a->ip.bytes, sizeof low);
        memcpy(&high, b->ip.bytes, sizeof high);
        return hash_more(key.k1, hash_more(key.k1, hash, ports), (uint64_t)low << 32 | high);
    }
    hash = hash_address(key.k1, hash_address(key.k1, hash, &a->ip), &b->ip);
    return hash_more(key.k1, hash, ports);
}

static uint64_t key_tag_of(const struct flow *f) {
    return f->facts.wrapping ? f->facts.wrapping->key_tag : 0;
}

static inline bool is_of(const struct flow *f, const struct packet *p, enum direction *d) {
    if (key_tag_of(f) != p->wrapping.key_tag) {
        return false;
    }
    if (endpoint_equal(&f->facts.client, &p->src) && endpoint_equal(&f->facts.server, &p->dst)) {
        *d = TO_SERVER;
        return true;
    }
    *d = TO_CLIENT;
    return endpoint_equal(&f->facts.client, &p->dst) && endpoint_equal(&f->facts.server, &p->src);
}

static struct flow *find(const struct flow_table *t, const struct packet *p, uint64_t hash, enum direction *d) {
    for (struct hash_node *n = hash_first(&t->flows, hash); n; n = hash_again(n, hash)) {
        struct flow *f = container_of(n, struct flow, by_ends);
        if (is_of(f, p, d)) {
            return f;
        }
    }
    *d = TO_SERVER;
    return NULL;
}

/* --- flows come and go --- */

static void list_flow(struct flow_table *t, struct flow *f) {
    t->state_counts[f->listed]--;
    f->listed = f->state;
    t->state_counts[f->listed]++;
    list_remove(&f->idle);
    list_append(&t->idle[f->listed], &f->idle);
}

static const size_t WRAPPED_SIZE = sizeof(struct flow) + sizeof(struct wrapping);

static struct flow *take(struct flow_table *t, bool wrapped) {
    return wrapped ? budget_take(t->context.budget, WRAPPED_SIZE) : pool_take(&t->plain);
}

static void give(struct flow_table *t, struct flow *f) {
    if (f->facts.wrapping) {
        budget_give(t->context.budget, f, WRAPPED_SIZE);
    } else {
        pool_give(&t->plain, f);
    }
}

/* Out of the table and gone, without a word. */
static void remove_flow(struct flow_table *t, struct flow *f) {
    t->last = t->last == f ? NULL : t->last;
    hash_remove(&t->flows, &f->by_ends);
    reassembly_drop(&t->context, f);
    trouble_drop(&t->context, f);
    list_remove(&f->order);
    list_remove(&f->idle);
    t->state_counts[f->listed]--;
    give(t, f);
}

static void end_flow(struct flow_table *t, struct flow *f, enum flow_end_reason otherwise) {
    sides_finish(&t->context, f);
    enum flow_end_reason reason = connection_end_reason(f, otherwise, t->context.now);
    if (f->opened || f->picked_up) {
        reassembly_finish(&t->context, f);
    }
    if (connection_told(f)) {
        delivery_end(&t->context, f, reason);
    }
    remove_flow(t, f);
}

static void evict_candidate(struct flow_table *t) {
    t->context.stats->candidates_evicted++;
    remove_flow(t, container_of(list_first(&t->idle[FLOW_CANDIDATE]), struct flow, idle));
}

/* How well a flow can be spared: how many frames it was idle, times what its state says of it. The closed ones wait for nothing but
 * trailing packets. What never stood goes long before what did, so that a flood of attempts drives out itself; but the youngest of
 * it stays, so that new connections come through where all that is old stands. */
static uint64_t spare_weight(const struct flow_table *t, const struct flow *f) {
    static const uint64_t weights[FLOW_STATES] = {
        [FLOW_ATTEMPT] = SPARE_UNANSWERED, [FLOW_CANDIDATE] = SPARE_UNANSWERED, [FLOW_LIVE] = SPARE_LIVE};
    uint64_t last = f->facts.last.frame;
    return f->listed == FLOW_CLOSED ? UINT64_MAX : last < t->frame ? (t->frame - last) * weights[f->listed] : 0;
}

/* The one that can be spared best; NULL: there is none. */
static struct flow *sparest(struct flow_table *t, uint64_t *weight) {
    static const enum flow_state order[] = {FLOW_CLOSED, FLOW_CANDIDATE, FLOW_ATTEMPT, FLOW_LIVE};
    struct flow *best = NULL;
    for (size_t i = 0; i < sizeof order / sizeof *order; i++) {
        struct link *first = list_first(&t->idle[order[i]]);
        struct flow *f = first ? container_of(first, struct flow, idle) : NULL;
        uint64_t w = f ? spare_weight(t, f) : 0;
        if (f && (!best || w > *weight)) {
            best = f;
            *weight = w;
        }
    }
    return best;
}

bool flow_table_evict(struct flow_table *t) {
    uint64_t weight = 0;
    struct flow *f = sparest(t, &weight);
    if (!f) {
        return false;
    }
    if (f->listed == FLOW_CANDIDATE) {
        evict_candidate(t);
    } else {
        end_flow(t, f, FLOW_END_EVICTED);
    }
    return true;
}

uint64_t flow_table_idle(struct flow_table *t, uint64_t frame) {
    uint64_t weight = 0;
    t->frame = frame;
    return sparest(t, &weight) ? weight : 0;
}

static struct flow *allocate(struct flow_table *t, enum flow_state state, bool wrapped) {
    if (state == FLOW_CANDIDATE && t->state_counts[FLOW_CANDIDATE] >= t->context.settings.candidates_max) {
        if (t->state_counts[FLOW_CANDIDATE] == 0) {
            return NULL;
        }
        evict_candidate(t);
    }
    if (t->flows.count >= t->context.settings.flows_max) {
        t->context.stats->flows_limit++;
        (void)!flow_table_evict(t);
    }
    struct flow *f = take(t, wrapped);
    while (!f && flow_table_evict(t)) {
        f = take(t, wrapped);
    }
    t->context.stats->flows_refused_memory += !f;
    return f;
}

static void turn_link(struct link_facts *link) {
    const struct link_facts was = *link;
    memcpy(link->src_mac, was.dst_mac, sizeof was.dst_mac);
    memcpy(link->dst_mac, was.src_mac, sizeof was.src_mac);
}

static void turn_wrapping(struct wrapping *w) {
    const struct address was = w->tunnel_src;
    w->tunnel_src = w->tunnel_dst;
    w->tunnel_dst = was;
}

static struct flow *add_flow(struct flow_table *t, const struct packet *p, uint64_t hash, const struct birth *birth) {
    bool wrapped = p->wrapping.layer_count != 0 || p->wrapping.key_tag != 0;
    struct flow *f = allocate(t, birth->state, wrapped);
    if (!f) {
        return NULL;
    }
    f->facts.client = birth->from_server ? p->dst : p->src;
    f->facts.server = birth->from_server ? p->src : p->dst;
    f->facts.first = f->facts.last = p->at;
    f->facts.link = p->link;
    if (wrapped) {
        f->wrapping[0] = p->wrapping;
        f->facts.wrapping = f->wrapping;
    }
    if (birth->from_server) {
        turn_link(&f->facts.link);
        if (wrapped) {
            turn_wrapping(f->wrapping);
        }
    }
    f->state = f->listed = (uint8_t)birth->state;
    f->halves[TO_SERVER].scale = f->halves[TO_CLIENT].scale = 0xff;
    hash_insert(&t->flows, &f->by_ends, hash);
    t->state_counts[f->listed]++;
    list_append(&t->order, &f->order);
    list_append(&t->idle[f->listed], &f->idle);
    return f;
}

static struct flow *begin_flow(struct flow_table *t, const struct packet *p, uint64_t hash, enum direction *d) {
    struct birth birth;
    if (!connection_birth(&t->context.settings, p, is_smb_port(t, p->src.port), is_smb_port(t, p->dst.port), &birth)) {
        return NULL;
    }
    *d = birth.from_server ? TO_CLIENT : TO_SERVER;
    return add_flow(t, p, hash, &birth);
}

/* The old connection makes room for the one that this packet shows to stand; its SYN came before and is made up for. */
static struct flow *supersede(struct flow_table *t, struct flow *old, const struct packet *p, uint64_t hash,
                              enum direction *d) {
    bool has_syn = old->has_syn;
    enum direction syn_from = (enum direction)old->syn_from;
    struct packet syn = *p;
    syn.at = old->syn_at;
    syn.seq = old->syn_isn;
    syn.flags = TCP_SYN;
    syn.payload = (struct view){NULL, 0};
    syn.payload_length = 0;
    syn.window_scale = 0xff;
    if (syn_from != *d) {
        syn.src = p->dst;
        syn.dst = p->src;
        turn_link(&syn.link);
        turn_wrapping(&syn.wrapping);
    }
    end_flow(t, old, FLOW_END_TIMEOUT);
    bool own_syn = (p->flags & (TCP_SYN | TCP_ACK)) == TCP_SYN;
    if (!has_syn || own_syn) {
        return begin_flow(t, p, hash, d);
    }
    enum direction from;
    struct flow *f = begin_flow(t, &syn, hash, &from);
    if (f) {
        connection_packet(&t->context, f, from, &syn);
        *d = endpoint_equal(&f->facts.client, &p->src) ? TO_SERVER : TO_CLIENT;
    }
    return f;
}

/* --- time --- */

static void advance_clock(struct flow_table *t, uint64_t ns) {
    t->context.now = packet_clock_advance(&t->clock, ns);
}

static void expire_state(struct flow_table *t, enum flow_state state, uint64_t after) {
    while (list_first(&t->idle[state])) {
        struct flow *f = container_of(list_first(&t->idle[state]), struct flow, idle);
        if (t->context.now - f->active < after) {
            break;
        }
        end_flow(t, f, FLOW_END_TIMEOUT);
    }
}

/* Closed: all that trails is not its own any more. */
static void begin_linger(struct flow_table *t, struct flow *f) {
    sides_finish(&t->context, f);
    delivery_closed(&t->context, f);
    f->active = t->context.now;
    list_flow(t, f);
}

/* A hole was given up, and what lies behind it may be the end. */
static void on_settled(void *arg, struct flow *f) {
    struct flow_table *t = arg;
    connection_settled(f);
    if (f->state == FLOW_CLOSED && f->listed != FLOW_CLOSED) {
        begin_linger(t, f);
    }
}

__attribute__((noinline)) static void expire(struct flow_table *t) {
    t->next_expiry = t->context.now + EXPIRY_STEP_NS;
    const struct flow_settings *s = &t->context.settings;
    reassembly_tick(&t->context, on_settled, t);
    expire_state(t, FLOW_CLOSED, s->linger_ns);
    expire_state(t, FLOW_CANDIDATE, s->attempt_ns);
    expire_state(t, FLOW_ATTEMPT, s->attempt_ns);
    expire_state(t, FLOW_LIVE, s->idle_ns);
}

/* --- packets --- */

static void pass_time(struct flow_table *t, uint64_t ns) {
    advance_clock(t, ns);
    if (t->context.now >= t->next_expiry) {
        expire(t);
    }
}

static void touch(struct flow_table *t, struct flow *f) {
    if (f->state == FLOW_CLOSED && f->listed == FLOW_CLOSED) {
        return; /* it lingers from its close on, whatever still trails */
    }
    if (f->state == FLOW_CLOSED) {
        begin_linger(t, f);
        return;
    }
    f->active = t->context.now;
    list_flow(t, f);
}

/* One that was not predicted; f NULL: of no flow that is followed. Apart, so that the ordinary one is short. */
__attribute__((noinline)) static void deal_with(struct flow_table *t, struct flow *f, enum direction d,
                                                const struct packet *p, uint64_t hash) {
    if (!f) {
        f = begin_flow(t, p, hash, &d);
    } else if (connection_superseded(f, d, p)) {
        f = supersede(t, f, p, hash, &d);
    }
    if (!f) {
        return;
    }
    if (p->overlap_differs) {
        contradiction_note(&t->context, f, FRAGMENTS_DIFFER, p->at);
    }
    connection_packet(&t->context, f, d, p);
    sides_packet(&t->context, f, d);
    if (f->doomed) {
        remove_flow(t, f);
    } else {
        touch(t, f);
        prediction_note(f);
    }
}

void flow_table_packet(struct flow_table *t, const struct packet *p) {
    t->frame = p->at.frame;
    pass_time(t, p->at.time_ns);
    enum direction d = TO_SERVER;
    struct flow *f = t->last;
    uint64_t hash = 0;
    if (!f || !is_of(f, p, &d)) { /* they come in trains, and an answer behind its request */
        hash = hash_of(t, p);
        f = find(t, p, hash, &d);
    }
    if (f && prediction_packet(&t->context, f, d, p)) {
        t->last = f;
        sides_predicted(&t->context, f, d);
        f->active = t->context.now;
        list_renew(&t->idle[FLOW_LIVE], &f->idle);
    } else {
        deal_with(t, f, d, p, f ? f->by_ends.hash : hash);
    }
}

void flow_table_tick(struct flow_table *t, uint64_t time_ns) {
    pass_time(t, time_ns);
}

void flow_table_finish(struct flow_table *t) {
    while (list_first(&t->order)) {
        end_flow(t, container_of(list_first(&t->order), struct flow, order), FLOW_END_CAPTURE_END);
    }
}

size_t flow_table_count(const struct flow_table *t) {
    return t->flows.count;
}

void flow_table_free(struct flow_table *t) {
    if (!t) {
        return;
    }
    while (list_first(&t->order)) {
        remove_flow(t, container_of(list_first(&t->order), struct flow, order));
    }
    community_id_free(t->context.community_id);
    history_free(t->context.history);
    hash_free(&t->flows);
    pool_free(&t->plain);
    free(t);
}

size_t flow_table_flow_size(void) {
    return pool_cost(sizeof(struct flow));
}
