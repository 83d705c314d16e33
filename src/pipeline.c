/* READ FIRST. One worker, from frames to lines. Each stage knows only the type that it takes and the one it hands on; here they
 * are put together, and this is the only file that sees them all:
 *
 *   decode -packet-> flow -bytes, gap, end-> nbss -message-> dissectors -pdu-> model -operation-> event -event-> record -line->
 */
#include "pipeline.h"

#include <assert.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "arena.h"
#include "base/block.h"
#include "base/code_page.h"
#include "base/pool.h"
#include "base/resident.h"
#include "decode/decode.h"
#include "event/maker.h"
#include "flow/table.h"
#include "model/model.h"
#include "nbss.h"
#include "pdu.h"

/* What one message may cost in lists: a NEGOTIATE, a CREATE with contexts, a listing of interfaces. */
enum { MESSAGE_ARENA = 64 * 1024 };

/* Parts of the ceiling: what is kept free for a packet to use, and the most that the messages at hand of one connection, and what it
 * holds out of order, may take. So no connection alone takes all, and whoever is at work finds room. */
enum { HEADROOM_SHARE = 8, FRAMER_SHARE = 4, REORDER_SHARE = 8 };

struct pipeline {
    const struct pipeline_settings *settings;
    struct pipeline_outlet outlet;
    struct record_settings record;
    struct record_memo memo;
    struct budget *budget;
    struct block_store blocks;
    size_t most; /* held before a packet, so that it finds room */
    struct resident resident;
    unsigned unlooked; /* packets since memory was looked at */
    struct stats *stats;
    struct decoder *decoder;
    struct flow_table *flows;
    struct nbss_pool *buffers;
    struct pool decoded, framers; /* of struct decoded_flow; of struct framing and what nbss_begin wants */
    struct model *model;
    struct arena arena;
    struct event_maker maker;
    int error; /* of the outlet, the first */
    char line[RECORD_MAX], flow_json[FLOW_JSON_MAX];
};

/* A framer, and what it may hold. */
struct framing {
    struct budget buffers;
    _Alignas(max_align_t) unsigned char framer[];
};

/* A flow that is decoded: its framer and what the model knows of it. */
struct decoded_flow {
    struct pipeline *pipeline;
    struct nbss *framer; /* NULL: both sides had closed, or it lies beside the connection */
    struct connection_place place;
    bool over;  /* both sides had closed since: the one that lies beside is not taken up again */
    bool blind; /* no memory for what bytes need that come again */
};

/* ---- model -operation-> event -> line */

static void send_event(struct pipeline *p) {
    if (p->error == 0) {
        size_t n = record_write(&p->record, &p->maker.event, p->line);
        p->stats->records++;
        p->error = p->outlet.line(p->outlet.arg, &p->maker.event, p->line, n);
    }
}

static void send_event_alone(struct pipeline *p) {
    if (p->error == 0) {
        p->error = p->outlet.line(p->outlet.arg, &p->maker.event, p->line, 0);
    }
}

static enum detail detail_of(const struct pipeline *p) {
    return p->settings->every_operation ? DETAIL_OPERATIONS : DETAIL_HANDLES;
}

/* What the record says of its flow, where the connection has forgotten it. */
static inline void name_flow(struct pipeline *p, const struct connection_facts *c) {
    if (p->maker.event.flow_json.n == 0) {
        size_t n = record_flow(c->flow, (enum network_direction)c->home, p->flow_json);
        p->maker.event.flow_json = (struct view){(const uint8_t *)p->flow_json, n};
    }
}

static void on_start(void *arg, const struct connection_facts *c) {
    struct pipeline *p = arg;
    maker_flow_start(&p->maker, c);
    name_flow(p, c);
    send_event(p);
}

static void on_operation(void *arg, const struct operation *op) {
    struct pipeline *p = arg;
    uint8_t causes;
    p->maker.slow_ns = p->settings->slow_ns;
    if (maker_wants(op, detail_of(p)) || maker_is_slow(&p->maker, op) ||
        maker_stalled_ns(&p->maker, op, &causes) != 0) {
        maker_operation(&p->maker, op, detail_of(p));
        name_flow(p, op->connection);
        send_event(p);
    } else if (op->smb1_request || op->smb1_response || maker_notable(op)) {
        maker_operation(&p->maker, op, detail_of(p));
        name_flow(p, op->connection);
        send_event_alone(p);
    }
}

static void on_end(void *arg, const struct connection_facts *c, enum flow_end_reason reason, struct moment at) {
    struct pipeline *p = arg;
    maker_flow_end(&p->maker, c, reason, at);
    name_flow(p, c);
    send_event(p);
}

/* ---- nbss -message-> dissector -pdu-> model */

static void on_pdu(void *arg, const struct pdu *pdu) {
    struct decoded_flow *f = arg;
    connection_pdu(f->place.connection, pdu);
}

static const struct dissector *const dissector_of[MESSAGE_KINDS] = {
    [MESSAGE_SMB1] = &dissector_smb1,
    [MESSAGE_SMB2] = &dissector_smb2,
    [MESSAGE_TRANSFORM] = &dissector_smb2_transform,
    [MESSAGE_COMPRESSED] = &dissector_smb2_compression,
};

static void on_message(void *arg, enum direction dir, const struct message *message) {
    struct decoded_flow *f = arg;
    struct pipeline *p = f->pipeline;
    p->stats->messages[message->kind]++;
    arena_reset(&p->arena);
    connection_message(f->place.connection, dir, message);
    struct dissection d = {
        .mem = &p->arena,
        .dir = dir,
        .wire_length = message->length,
        .missing = message->missing,
        .deliver = on_pdu,
        .arg = f,
    };
    enum verdict verdict = dissector_of[message->kind]->dissect(&d, message->bytes);
    if (verdict != V_OK && message->missing == 0) { /* what a gap cut short is no fault of its sender's */
        connection_verdict(f->place.connection, verdict);
    }
}

static void on_fault(void *arg, enum direction dir, enum framer_fault fault) {
    struct decoded_flow *f = arg;
    (void)dir;
    connection_fault(f->place.connection, fault);
}

static bool on_other(void *arg, enum direction dir, const struct other_packet *packet) {
    struct decoded_flow *f = arg;
    return connection_other(f->place.connection, dir, packet);
}

/* ---- flow -bytes, gap, end-> nbss */

/* Another one, or, where there are bytes of it, the one that was folded. */
static bool framer_begin(struct decoded_flow *f, bool start_seen, struct view folded) {
    struct pipeline *p = f->pipeline;
    struct framing *room = pool_take(&p->framers);
    if (!room) {
        return false;
    }
    struct framer_sink sink = {f, on_message, on_fault, on_other};
    room->buffers = (struct budget){.parent = p->budget, .ceiling = p->budget->ceiling / FRAMER_SHARE};
    f->framer = folded.n != 0 ? nbss_unfold(room->framer, p->buffers, &sink, &room->buffers, folded)
                              : nbss_begin(room->framer, p->buffers, &sink, &room->buffers, start_seen);
    return true;
}

static void framer_finish(struct decoded_flow *f) {
    if (f->framer) {
        struct framing *room = container_of(f->framer, struct framing, framer);
        nbss_finish(f->framer);
        assert(room->buffers.held == 0);
        pool_give(&f->pipeline->framers, room);
        f->framer = NULL;
    }
}

static struct decoded_flow *decoded_flow_new(struct pipeline *p, bool start_seen) {
    struct decoded_flow *f = pool_take(&p->decoded);
    if (!f) {
        return NULL;
    }
    f->pipeline = p;
    if (framer_begin(f, start_seen, (struct view){NULL, 0})) {
        return f;
    }
    pool_give(&p->decoded, f);
    return NULL;
}

static void decoded_flow_free(struct decoded_flow *f) {
    if (!f) {
        return;
    }
    framer_finish(f);
    connection_folded_free(&f->place);
    pool_give(&f->pipeline->decoded, f);
}

static void *on_open(void *arg, const struct flow_facts *flow) {
    struct pipeline *p = arg;
    char json[FLOW_JSON_MAX];
    enum network_direction direction = record_direction(flow, p->settings->home, p->settings->home_count);
    size_t n = record_flow(flow, direction, json);
    struct decoded_flow *f = decoded_flow_new(p, flow->start_seen);
    if (f) {
        f->place.connection =
            connection_new(p->model, flow, (uint8_t)direction, (struct view){(const uint8_t *)json, n});
    }
    if (f && f->place.connection) {
        return f;
    }
    decoded_flow_free(f);
    p->stats->flows_undecoded++;
    return NULL;
}

static void on_flow_start(void *arg, struct moment at) {
    struct decoded_flow *f = arg;
    (void)at;
    connection_start(f->place.connection);
}

/* The framer as it lies beside the connection; empty: none does. */
static struct view folded_framer(const struct decoded_flow *f) {
    bool there = f->place.folded && !f->over;
    return there ? connection_beside(f->place.folded) : (struct view){NULL, 0};
}

/* Of many short connections most linger. The connection may have been folded before, and have come about since by itself. */
static void lay_down(struct decoded_flow *f) {
    uint8_t framer[NBSS_FOLDED_ROOM];
    struct view beside = f->framer ? (struct view){framer, nbss_fold(f->framer, framer)} : folded_framer(f);
    connection_forget_json(f->place.connection);
    if (connection_fold(&f->place, beside)) {
        framer_finish(f);
    }
}

/* False: no memory. */
static bool get_up(struct decoded_flow *f) {
    if (!framer_begin(f, true, folded_framer(f))) {
        return false;
    }
    if (!f->place.connection && !connection_unfold(&f->place)) {
        framer_finish(f);
        return false;
    }
    connection_folded_free(&f->place);
    f->over = false;
    return true;
}

/* Bytes behind what was taken for the end. Where both sides had closed the next message begins, as far as anybody knows. */
__attribute__((cold)) static bool framer_again(struct decoded_flow *f) {
    if (!f->blind && !get_up(f)) {
        f->blind = true;
        f->pipeline->stats->flows_undecoded++;
    }
    return f->framer != NULL;
}

static inline bool framer_there(struct decoded_flow *f) {
    return f->framer || framer_again(f);
}

static void on_bytes(void *arg, enum direction dir, struct view bytes, struct moment at) {
    struct decoded_flow *f = arg;
    if (framer_there(f)) {
        connection_expect(f->place.connection);
        nbss_bytes(f->framer, dir, bytes, at);
    }
}

static void on_gap(void *arg, enum direction dir, uint64_t length, struct moment at) {
    struct decoded_flow *f = arg;
    if (framer_there(f)) {
        nbss_gap(f->framer, dir, length, at);
    }
}

static void on_closed(void *arg, bool over) {
    struct decoded_flow *f = arg;
    if (f->framer && !nbss_idle(f->framer)) {
        return;
    }
    if (over) {
        framer_finish(f);
        f->over = true;
    }
    if (f->place.connection) {
        lay_down(f);
    }
}

static void on_flow_end(void *arg, enum flow_end_reason reason, struct moment at) {
    struct decoded_flow *f = arg;
    if (f->framer) {
        nbss_end(f->framer, at);
    }
    if (f->place.connection) {
        connection_end(f->place.connection, reason, at);
    } else {
        connection_end_folded(&f->place, reason, at);
    }
    decoded_flow_free(f);
}

/* ---- memory */

/* The oldest idle state goes first: a flow as a whole, or, where a piece of state of a flow that goes on was idle for longer, that. */
static bool make_room(struct pipeline *p, uint64_t frame) {
    uint64_t flow = flow_table_idle(p->flows, frame);
    bool whole = flow != 0 && flow >= model_idle(p->model, frame);
    if (whole ? flow_table_evict(p->flows) : model_evict(p->model) || flow_table_evict(p->flows)) {
        p->stats->memory_limit++;
        return true;
    }
    return false;
}

enum { LOOK_PACKETS = 256 }; /* between two looks at what the system counts */

__attribute__((cold)) static void make_headroom(struct pipeline *p, uint64_t frame) {
    while (p->budget->held > p->most && make_room(p, frame)) {
    }
}

/* Before a packet is dealt with, for nothing is at work then. */
static inline void keep_headroom(struct pipeline *p, uint64_t frame) {
    if (++p->unlooked >= LOOK_PACKETS) {
        p->unlooked = 0;
        (void)resident_look(&p->resident);
    }
    if (p->budget->held > p->most) {
        make_headroom(p, frame);
    }
}

/* ---- the worker */

/* The secret in two: nothing that comes out depends on either. */
static struct siphash_key table_key(uint64_t secret) {
    const struct siphash_key parts = {secret, ~secret};
    uint64_t other = siphash24(parts, (struct view){(const uint8_t *)&secret, sizeof secret});
    return (struct siphash_key){secret, other};
}

static struct flow_settings settings_of_flows(const struct pipeline *p) {
    struct flow_settings s = flow_settings_default();
    size_t reorder_most = p->budget->ceiling / REORDER_SHARE;
    if (p->settings->port_count != 0) {
        s.ports = p->settings->ports;
        s.port_count = p->settings->port_count;
    }
    s.flows_max = p->settings->flows_max ? p->settings->flows_max : s.flows_max;
    s.candidates_max = s.candidates_max < s.flows_max ? s.candidates_max : s.flows_max;
    s.idle_ns = p->settings->idle_ns ? p->settings->idle_ns : s.idle_ns;
    s.reorder_bytes_max = s.reorder_bytes_max < reorder_most ? s.reorder_bytes_max : reorder_most;
    s.hash_key = table_key(p->settings->secret);
    s.probe = nbss_probe;
    return s;
}

static bool set_up(struct pipeline *p) {
    struct model_sink model_sink = {p, on_start, on_operation, on_end};
    struct stream_sink stream_sink = {p, on_open, on_flow_start, on_bytes, on_gap, on_closed, on_flow_end};
    struct flow_settings flow_settings = settings_of_flows(p);
    struct model_limits model_limits = model_limits_default();
    struct decoder_settings decoder_settings = decoder_settings_default();
    decoder_settings.verify_checksums = p->settings->verify_checksums;
    decoder_settings.key_vlan = p->settings->key_vlan;
    decoder_settings.key_tunnel = p->settings->key_tunnel;
    decoder_settings.secret = p->settings->secret;
    p->arena = (struct arena){.base = malloc(MESSAGE_ARENA), .size = MESSAGE_ARENA};
    p->buffers = nbss_pool_new();
    pool_init(&p->decoded, sizeof(struct decoded_flow), p->budget);
    pool_init(&p->framers, sizeof(struct framing) + nbss_size(), p->budget);
    p->model = model_new(&model_limits, &model_sink, p->budget, p->stats, p->settings->secret);
    p->decoder = decoder_new(&decoder_settings, p->budget, p->stats);
    p->flows = flow_table_new(&flow_settings, &stream_sink, p->budget, p->stats);
    const char *code_page = p->settings->code_page ? p->settings->code_page : CODE_PAGE_DEFAULT;
    return p->arena.base && p->buffers && p->model && p->decoder && p->flows && model_code_page(p->model, code_page);
}

struct pipeline *pipeline_new(const struct pipeline_settings *settings, const char *capture_name,
                              const struct pipeline_outlet *outlet, struct budget *budget, struct stats *stats) {
    struct pipeline *p = calloc(1, sizeof *p);
    if (!p) {
        return NULL;
    }
    p->settings = settings;
    p->outlet = *outlet;
    p->record = (struct record_settings){.memo = &p->memo,
                                         .sensor_id = settings->sensor_id,
                                         .capture_name = capture_name,
                                         .live = settings->interfaces != NULL,
                                         .interfaces = settings->interfaces};
    p->budget = budget;
    block_store_init(&p->blocks, budget->ceiling);
    budget->blocks = &p->blocks;
    p->most = budget->ceiling - budget->ceiling / HEADROOM_SHARE;
    p->stats = stats;
    p->resident.fd = -1;
    if (!settings->interfaces) { /* live, memory is several workers' and looked at as a whole */
        resident_begin(&p->resident, settings->statm, budget->ceiling);
    }
    if (!set_up(p)) {
        pipeline_free(p);
        return NULL;
    }
    return p;
}

int pipeline_packet(struct pipeline *p, const struct packet *packet) {
    keep_headroom(p, packet->at.frame);
    flow_table_packet(p->flows, packet);
    return p->error;
}

int pipeline_frame(struct pipeline *p, const struct frame *frame) {
    struct packet packet;
    if (decoder_frame(p->decoder, frame, &packet) != V_OK) {
        return p->error;
    }
    bool ours = !p->outlet.claim || p->outlet.claim(p->outlet.arg, &packet);
    return ours ? pipeline_packet(p, &packet) : p->error;
}

void pipeline_reconfigure(struct pipeline *p, const struct pipeline_settings *settings) {
    p->settings = settings;
}

int pipeline_tick(struct pipeline *p, uint64_t time_ns) {
    flow_table_tick(p->flows, time_ns);
    return p->error;
}

size_t pipeline_flows(const struct pipeline *p) {
    return flow_table_count(p->flows);
}

int pipeline_finish(struct pipeline *p) {
    decoder_finish(p->decoder);
    flow_table_finish(p->flows);
    return p->error;
}

void pipeline_free(struct pipeline *p) {
    if (!p) {
        return;
    }
    resident_end(&p->resident);
    decoder_free(p->decoder);
    flow_table_free(p->flows);
    model_free(p->model);
    nbss_pool_free(p->buffers);
    pool_free(&p->decoded);
    pool_free(&p->framers);
    block_store_free(&p->blocks);
    p->budget->blocks = NULL;
    free(p->arena.base);
    free(p);
}

struct pipeline_costs pipeline_costs(void) {
    struct model_costs m = model_costs();
    return (struct pipeline_costs){
        .flow = flow_table_flow_size() + pool_cost(sizeof(struct decoded_flow)) +
                pool_cost(sizeof(struct framing) + nbss_size()) + m.connection,
        .session = m.session,
        .tree = m.tree,
        .handle = m.handle,
        .request = m.request,
    };
}
