/* One decoder: what is kept between frames, and the way into the layers. */
#include <pcap/dlt.h>
#include <stdlib.h>

#include "base/siphash.h"
#include "layers.h"
#include "link.h"
#include "plain.h"

#define EXPIRY_STEP_NS (SECOND_NS / 10)

struct decoder_settings decoder_settings_default(void) {
    return (struct decoder_settings){
        .datagrams_max = DATAGRAMS_MAX,
        .datagram_fragments_max = DATAGRAM_FRAGMENTS_MAX,
        .datagrams_bytes_max = DATAGRAMS_BYTES_MAX,
    };
}

struct decoder *decoder_new(const struct decoder_settings *settings, struct budget *budget, struct stats *stats) {
    struct decoder *d = calloc(1, sizeof *d);
    if (!d) {
        return NULL;
    }
    d->settings = *settings;
    d->plain = !settings->verify_checksums && !settings->key_vlan && !settings->key_tunnel;
    d->stats = stats;
    d->fragments = fragments_new(settings, budget, stats);
    if (!d->fragments) {
        free(d);
        return NULL;
    }
    return d;
}

enum verdict decode_refuse(struct layers *l, enum decode_fault fault) {
    static const enum verdict verdicts[DECODE_FAULTS] = {
        [DECODE_LINK] = V_NOT_MINE, [DECODE_CUT] = V_SHORT,         [DECODE_BAD] = V_BAD,
        [DECODE_DEPTH] = V_LIMIT,   [DECODE_FRAGMENT] = V_NOT_MINE, [DECODE_FRAGMENT_LIMIT] = V_LIMIT,
        [DECODE_CHECKSUM] = V_BAD,  [DECODE_NOT_TCP] = V_NOT_MINE,
    };
    l->stats->decode_faults[fault]++;
    return verdicts[fault];
}

/* The same numbers in every run: connections are told apart by what comes out of it, and named by it. */
uint64_t layers_key_tag(const struct layers *l) {
    static const struct siphash_key key = {UINT64_C(0x736d627461702d6b), UINT64_C(0x65795f7461672d31)};
    const struct decoder_settings *s = &l->decoder->settings;
    const struct link_facts *link = &l->out->link;
    const struct wrapping *w = &l->out->wrapping;
    uint32_t ids[VLAN_MAX + 2 * LAYERS_MAX];
    size_t n = 0;
    for (unsigned i = 0; s->key_vlan && i < link->vlan_count; i++) {
        if (link->vlan[i] != 0) { /* 0 is a priority alone, IEEE 802.1Q 9.6 */
            ids[n++] = link->vlan[i];
        }
    }
    for (unsigned i = 0; s->key_tunnel && i < w->layer_count; i++) {
        if (w->layers[i] != ENCAPSULATION_MPLS) {
            ids[n++] = UINT32_C(0x10000) + w->layers[i];
            ids[n++] = w->layer_ids[i];
        }
    }
    return n == 0 ? 0 : siphash24(key, (struct view){(const uint8_t *)ids, n * sizeof *ids});
}

static enum verdict decode_link(struct layers *l, int link_type) {
    switch (link_type) {
#define LINK_TYPE(dlt, decode, name) \
    case dlt:                        \
        return decode(l);
#include "tables/link_type.def"
#undef LINK_TYPE
    default:
        return decode_refuse(l, DECODE_LINK);
    }
}

static void packet_begin(struct packet *out, const struct frame *frame) {
    out->at.time_ns = frame->at.time_ns; /* one by one, as they were just written: a load of both would wait */
    out->at.frame = frame->at.frame;
    out->link.interface = frame->interface;
    out->wire_length = frame->wire_length;
    out->overlap_differs = false;
    out->link.has_mac = out->wrapping.has_tunnel = false;
    out->link.vlan_count = out->wrapping.layer_count = 0;
    out->wrapping.key_tag = 0;
}

enum verdict decode_layers(struct decoder *d, const struct frame *frame, struct packet *out) {
    struct layers l = {
        .in = cursor_over(frame->bytes), .end = frame->wire_length, .out = out, .stats = d->stats, .decoder = d};
    packet_begin(out, frame);
    enum verdict verdict = decode_link(&l, frame->link_type);
    if (verdict == V_OK && (d->settings.key_vlan || d->settings.key_tunnel)) {
        out->wrapping.key_tag = layers_key_tag(&l);
    }
    return verdict;
}

enum verdict decoder_frame(struct decoder *d, const struct frame *frame, struct packet *out) {
    d->stats->packets++;
    d->stats->bytes += frame->wire_length;
    d->frames++;
    if (packet_clock_advance(&d->clock, frame->at.time_ns) >= d->next_expiry) {
        d->next_expiry = d->clock.now + EXPIRY_STEP_NS;
        fragments_expire(d->fragments, d->clock.now);
    }
    packet_begin(out, frame);
    if (d->plain && plain_segment(frame, out)) {
        d->stats->tcp_packets++;
        return V_OK;
    }
    if (d->plain && plain_other(frame)) {
        d->stats->decode_faults[DECODE_NOT_TCP]++;
        return V_NOT_MINE;
    }
    enum verdict verdict = decode_layers(d, frame, out);
    d->stats->tcp_packets += verdict == V_OK;
    return verdict;
}

void decoder_finish(struct decoder *d) {
    fragments_finish(d->fragments);
}

void decoder_free(struct decoder *d) {
    if (d) {
        fragments_free(d->fragments);
        free(d);
    }
}
