/* What the layers of decode/ hand to each other: a cursor over the frame and the packet that is being filled. */
#ifndef LAYERS_H
#define LAYERS_H

#include "base/packet_clock.h"
#include "cursor.h"
#include "decode.h"
#include "fragments.h"

struct decoder {
    struct decoder_settings settings;
    struct stats *stats;
    struct fragments *fragments;
    struct packet_clock clock;
    uint64_t next_expiry; /* of the clock: when it is looked what waited too long */
    uint64_t frames;
    bool plain; /* the settings ask for nothing that plain.h does not do */
};

struct layers {
    struct cursor
        in;     /* at the start of the next header; ends where what encloses it ends, or where the frame was cut */
    size_t end; /* the same, as it was on the wire: behind in's end where the frame was cut */
    struct packet *out;
    struct stats *stats;
    struct decoder *decoder;
    unsigned depth;      /* headers that LAYERS_MAX counts */
    bool length_guessed; /* IP said none, and has all that there is */
    bool rerouted;       /* IPv6's destination is not the final one, which TCP's checksum covers */
};

enum {
    ETHERTYPE_IPV4 = 0x0800,
    ETHERTYPE_TEB = 0x6558, /* an Ethernet frame: RFC 1701, RFC 8926 */
    ETHERTYPE_IPV6 = 0x86dd,
    ETHERTYPE_MPLS = 0x8847,
    ETHERTYPE_MPLS_UPSTREAM = 0x8848,
    ETHERTYPE_PPPOE = 0x8864, /* the session's */
    ETHERTYPE_MIN = 0x0600,   /* below, it is a length: IEEE 802.3 */
    TPID_8021Q = 0x8100,
    VLAN_ID_BITS = 0x0fff,    /* IEEE 802.1Q 9.6 */
    WINDOW_SCALE_NONE = 0xff, /* struct packet's: of a segment that has no such option */
};

/* Counts the reason and returns the verdict that goes with it. */
enum verdict decode_refuse(struct layers *, enum decode_fault);

/* One header more; false beyond LAYERS_MAX. */
static inline bool layers_descend(struct layers *l) {
    return l->depth++ < LAYERS_MAX;
}

/* The same, and it is reported. */
static inline bool layers_wrap(struct layers *l, enum encapsulation kind, uint32_t id) {
    struct wrapping *w = &l->out->wrapping;
    if (!layers_descend(l)) {
        return false;
    }
    w->layers[w->layer_count] = (uint8_t)kind;
    w->layer_ids[w->layer_count++] = id;
    return true;
}

/* What follows ends at this place at the latest, whatever else the frame has: trailers and padding are no data. */
static inline void layers_bound(struct layers *l, size_t end) {
    if (end < l->end) {
        l->end = end;
    }
    if (end < l->in.in.n) {
        l->in.in.n = end < l->in.pos ? l->in.pos : end;
    }
}

/* Bytes on the wire from here to the end of what encloses it. */
static inline size_t layers_left(const struct layers *l) {
    return l->end > l->in.pos ? l->end - l->in.pos : 0;
}

/* What is captured of them, without moving. */
static inline struct view layers_view(const struct layers *l) {
    return view_from(l->in.in, l->in.pos);
}

/* The number for wrapping.key_tag, by what is around the packet so far. */
uint64_t layers_key_tag(const struct layers *);

/* Of a header that is there. */
static inline unsigned be16(const uint8_t *p) {
    return (unsigned)p[0] << 8 | p[1];
}

/* A frame layer by layer, whatever it is; counts its fault. */
enum verdict decode_layers(struct decoder *, const struct frame *, struct packet *out);
bool decode_is_vlan(uint16_t ethertype);
enum verdict decode_ethertype(struct layers *, uint16_t ethertype);
enum verdict decode_ethernet(struct layers *);
enum verdict decode_ipv4(struct layers *);
enum verdict decode_ipv6(struct layers *);
enum verdict decode_mpls(struct layers *);
enum verdict decode_pppoe(struct layers *);
/* Behind an IP header that is not the flow's own: the outermost one's addresses are kept. */
enum verdict decode_gre(struct layers *);
enum verdict decode_udp(struct layers *);
bool udp_is_tunnel(unsigned port);
/* length: of the segment with its header, as IP says. */
enum verdict decode_tcp(struct layers *, uint32_t length);

#endif
