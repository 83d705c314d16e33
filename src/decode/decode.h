/* frame -> packet: link layer, tunnels, IP and TCP headers. What is reported is the innermost flow; what was around it
 * stands in the packet's link facts. Between frames nothing is kept but fragments of IP datagrams. What is no TCP segment
 * is counted in stats by its reason and left alone. */
#ifndef DECODE_H
#define DECODE_H

#include "budget.h"
#include "dissector.h"
#include "packet.h"
#include "stats.h"

/* The bounds on fragments. When one is reached, the datagram whose first fragment came first is given up; stats:
 * DECODE_FRAGMENT_LIMIT. */
enum {
    DATAGRAMS_MAX = 4096,           /* waiting at once */
    DATAGRAM_BYTES_MAX = 65535,     /* of one: more than IP can say is a contradiction */
    DATAGRAM_FRAGMENTS_MAX = 8192,  /* of one: all of the largest, in the smallest pieces */
    DATAGRAMS_BYTES_MAX = 32 << 20, /* held for all */
    DATAGRAMS_WHOLE_MAX = 64,       /* kept after they were whole, to know copies of their fragments */
};

/* By a clock that follows the packets (base/packet_clock.h). */
#define DATAGRAM_NS UINT64_C(30000000000)      /* how long one waits for its fragments; stats: DECODE_FRAGMENT */
#define DATAGRAM_WHOLE_NS UINT64_C(2000000000) /* how long a whole one is kept */

struct decoder_settings {
    bool verify_checksums; /* of IPv4's header and of TCP; what is wrong is counted and left alone */
    bool key_vlan;         /* VLAN identifiers tell connections apart */
    bool key_tunnel;       /* identifiers of tunnels do; not labels of MPLS, which each direction has of its own */
    uint64_t secret;       /* keys the table of fragments; changes nothing that comes out */
    size_t datagrams_max, datagram_fragments_max, datagrams_bytes_max;
};

/* Nothing verified, no more in the key, the bounds above. */
struct decoder_settings decoder_settings_default(void);

struct decoder;

/* The budget (fragments are charged to it) and stats outlive the decoder. NULL: no memory. */
struct decoder *decoder_new(const struct decoder_settings *, struct budget *, struct stats *);

/* V_OK: *out is a segment. It borrows the bytes of the frame, or, where that was the last missing fragment of a datagram,
 * those of the decoder, which live until the next call. V_NOT_MINE: something else, not followed, or a fragment that waits
 * for others. V_SHORT: the headers were cut. V_BAD: header lengths contradict each other, or a checksum is wrong.
 * V_LIMIT: more headers than are followed, or no room for a fragment. *out is undefined unless V_OK. Counts packets,
 * bytes, tcp_packets, fragments and decode_faults. */
__attribute__((warn_unused_result)) enum verdict decoder_frame(struct decoder *, const struct frame *,
                                                               struct packet *out);

/* The end of the capture: what still waits for fragments is counted. The decoder is usable. */
void decoder_finish(struct decoder *);

void decoder_free(struct decoder *); /* NULL is fine */

#endif
