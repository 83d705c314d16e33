/* Any bytes as frames of any link type, for one decoder. The first byte chooses the link type and the settings; then comes
 * each frame behind its length (two bytes, the higher first) and a byte for how much the snap length cut off and how much
 * time passed. The last frame has what is left. */
#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "cursor.h"
#include "../../src/decode/decode.h"
#include "../../src/decode/layers.h"
#include "../../src/decode/plain.h"

enum { MEMORY_CEILING = 1 << 20, SMALL = 0x40 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_packet(const struct packet *p) {
    uint64_t sum = 0;
    assert(p->payload.n <= p->payload_length);
    assert(p->link.vlan_count <= VLAN_MAX && p->wrapping.layer_count <= LAYERS_MAX);
    for (size_t i = 0; i < p->payload.n; i++) {
        sum += p->payload.p[i];
    }
    for (unsigned i = 0; i < p->wrapping.layer_count; i++) {
        assert(p->wrapping.layers[i] < ENCAPSULATIONS);
        sum += p->wrapping.layer_ids[i];
    }
    assert(!p->wrapping.has_tunnel || p->wrapping.layer_count != 0);
    assert(sum < UINT64_MAX);
}

static bool same_address(const struct endpoint *a, const struct endpoint *b) {
    return a->port == b->port && a->ip.family == b->ip.family && memcmp(a->ip.bytes, b->ip.bytes, 16) == 0;
}

/* What the shortest way takes is what the layers say. */
static void check_plain(struct decoder *d, const struct frame *frame) {
    struct packet p, l;
    p.link.vlan_count = 0;
    if (!plain_segment(frame, &p)) {
        return;
    }
    enum verdict verdict = decode_layers(d, frame, &l);
    assert(verdict == V_OK && same_address(&p.src, &l.src) && same_address(&p.dst, &l.dst));
    assert(p.seq == l.seq && p.ack == l.ack && p.window == l.window && p.window_scale == l.window_scale);
    assert(p.flags == l.flags && p.payload_length == l.payload_length && p.payload.n == l.payload.n);
    assert(p.payload.n == 0 || p.payload.p == l.payload.p);
    assert(p.link.has_mac && l.link.has_mac && p.link.vlan_count == l.link.vlan_count);
    assert(memcmp(p.link.src_mac, l.link.src_mac, 6) == 0 && memcmp(p.link.dst_mac, l.link.dst_mac, 6) == 0);
    assert(p.link.vlan_count == 0 || p.link.vlan[0] == l.link.vlan[0]);
}

static void feed(struct decoder *d, int link_type, struct view input) {
    static const uint64_t steps[] = {0, 1000, 1000000000, UINT64_C(7200000000000)};
    struct cursor c = cursor_over(input);
    struct moment at = {UINT64_C(1700000000000000000), 0};
    while (cursor_left(&c) >= 3) {
        size_t n = cursor_be16(&c);
        uint8_t how = cursor_u8(&c);
        n = n < cursor_left(&c) ? n : cursor_left(&c);
        struct view bytes = cursor_take(&c, n);
        uint8_t *copy = malloc(n + (n == 0));
        assert(copy);
        memcpy(copy, bytes.p, n);
        at.frame++;
        at.time_ns += steps[how >> 6];
        struct frame frame = {{copy, n}, (uint32_t)n + (how & 63u), link_type, at, 0};
        struct packet packet;
        if (decoder_frame(d, &frame, &packet) == V_OK) {
            check_packet(&packet);
        }
        if (!d->settings.verify_checksums) {
            check_plain(d, &frame);
        }
        free(copy);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static const int link_types[] = {1, 113, 276, 12, 228, 229, 0, 108};
    if (size < 1) {
        return 0;
    }
    struct decoder_settings settings = decoder_settings_default();
    settings.verify_checksums = data[0] & 0x08;
    settings.key_vlan = data[0] & 0x10;
    settings.key_tunnel = data[0] & 0x20;
    if (data[0] & SMALL) {
        settings.datagrams_max = 2;
        settings.datagram_fragments_max = 4;
        settings.datagrams_bytes_max = 16384;
    }
    struct budget budget = {.ceiling = MEMORY_CEILING};
    struct stats *stats = calloc(1, sizeof *stats);
    assert(stats);
    struct decoder *d = decoder_new(&settings, &budget, stats);
    assert(d);
    feed(d, link_types[data[0] % 8], (struct view){data + 1, size - 1});
    decoder_finish(d);
    uint64_t faults = 0;
    for (int i = 0; i < DECODE_FAULTS; i++) {
        faults += stats->decode_faults[i];
    }
    /* Each frame is a segment, is part of one, or has its fault. */
    assert(stats->packets <= stats->tcp_packets + faults + stats->fragments);
    decoder_free(d);
    assert(budget.held == 0);
    free(stats);
    return 0;
}
