/* What is known of one TCP connection. The flow stage keeps it; the others read it and keep no pointer past flow_end. */
#ifndef FLOW_H
#define FLOW_H

#include <stdbool.h>
#include <stdint.h>

#include "direction.h"
#include "packet.h"

/* Why a flow ended (records.md, end_reason). */
enum flow_end_reason {
    FLOW_END_FIN,
    FLOW_END_RST,
    FLOW_END_TIMEOUT,    /* idle for too long, or its addresses and ports were taken by a new connection */
    FLOW_END_REFUSED,    /* the SYN was answered by RST */
    FLOW_END_UNANSWERED, /* the SYN was never answered */
    FLOW_END_EVICTED,
    FLOW_END_CAPTURE_END,
};

/* Bytes that came twice and were not the same; the first ones won. How often, and when. */
struct contradiction {
    uint32_t count;
    struct moment first;
    uint64_t last_ns;
};

enum contradiction_kind { SEGMENTS_DIFFER, FRAGMENTS_DIFFER, CONTRADICTIONS };

/* What held TCP up, as bits: a side's receive window was closed, or bytes of that side came again or late, behind those that follow
 * them. */
enum stall_cause {
    STALL_CLIENT_CLOSED = 1 << 0, /* its window */
    STALL_SERVER_CLOSED = 1 << 1,
    STALL_CLIENT_RETRANSMISSION = 1 << 2,
    STALL_SERVER_RETRANSMISSION = 1 << 3,
};

/* From the close of a window to its opening; from the packet before a retransmission to that, or from the first that was seen behind a
 * hole to what filled it. */
struct stall {
    uint64_t from_ns, to_ns;
    uint8_t cause;
};

enum { STALLS_KEPT_MAX = 16 };

/* What goes wrong in a flow, kept from the first time on. */
struct flow_trouble {
    struct contradiction of[CONTRADICTIONS];
    struct stall stalls[STALLS_KEPT_MAX]; /* the last ones; evicted_stalls */
    uint8_t stall_count, last_stall;      /* last_stall: where the youngest is */
    uint64_t closed_since[DIRECTIONS];    /* the window of the side that sends this way; 0: it is open */
};

/* What every packet changes stands together, behind the rest: see flow/entry.h. */
struct flow_facts {
    struct link_facts link;            /* of the first packet; src_mac is the client's */
    struct moment first;               /* the first packet */
    uint64_t missed_bytes[DIRECTIONS]; /* sent, acknowledged or cut, and never seen */
    uint64_t gaps[DIRECTIONS];         /* how many holes they make */
    struct flow_trouble *trouble;      /* NULL while there is none, as nearly always */
    char flow_id[17];                  /* 16 hex digits and NUL: SipHash of the 5-tuple and the first packet's time */
    char community_id[31];             /* Community ID v1, seed 0 */
    struct endpoint client, server;
    const struct wrapping *wrapping; /* of the first packet, turned as link is; NULL: none */
    bool start_seen : 1;    /* a SYN of the handshake was seen, either side's; false when picked up in the middle */
    bool server_closed : 1; /* it sent the first FIN or RST, where tcp_flags has one; else the client did */
    uint8_t tcp_flags;      /* all that were seen, either way; not those of a RST that was not believed */
    uint32_t closing_s; /* where these have a FIN or RST: whole seconds from the first packet to the first of them */
    struct moment last; /* the last packet; its time never falls behind first's, whatever the clock did */
    uint64_t packets[DIRECTIONS];
    uint64_t bytes[DIRECTIONS]; /* of TCP payload on the wire, retransmissions counted once, cut frames whole */
};

#endif
