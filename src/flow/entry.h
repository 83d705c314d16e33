/* One flow in the table, and what the files of this folder share. */
#ifndef ENTRY_H
#define ENTRY_H

#include "base/hash.h"
#include "base/list.h"
#include "history.h"
#include "table.h"

enum flow_state {
    FLOW_ATTEMPT,   /* a SYN, or a flow picked up that had no data so far; the sink does not know of it */
    FLOW_CANDIDATE, /* on another port; its first data will tell. The sink does not know of it */
    FLOW_LIVE,      /* the sink was told of its start, or, where it was picked up at its first data, will soon be */
    FLOW_CLOSED,    /* by FIN or RST, or refused; stays for packets that trail */
    FLOW_STATES
};

/* One direction of a connection: the sender's sequence space (RFC 9293 3.3.1), as far as we saw it. */
struct half {
    uint32_t isn;    /* of its SYN; without has_isn: the number before its first byte, as far as that is known */
    uint32_t next;   /* the first byte not passed on: SND.NXT to us */
    uint32_t acked;  /* the highest acknowledgment the other side sent: SND.UNA */
    uint32_t fin;    /* its FIN's place */
    uint64_t passed; /* its last bytes that were passed on, in the history */
    uint16_t window; /* the last it announced, for the other side to send into; not scaled */
    uint8_t scale;   /* of its SYN; 0xff: not seen, or no option */
    bool has_isn : 1;
    bool has_next : 1;
    bool has_acked : 1;
    bool has_fin : 1;
    bool fin_done : 1; /* all data before the FIN has passed; next is behind it */
    bool in_gap : 1;   /* the last that passed was a gap */
    bool early : 1;    /* picked up in the middle: the first data waits a little for what may come before it */
    bool silent : 1;   /* waited for in vain: the capture seems to have the other direction alone */
    bool fin_lost : 1; /* the one byte from next on that was acknowledged is taken for a FIN that was not captured */
    bool steady : 1;   /* its next packet can be predicted: see prediction.h */
    uint8_t seen;      /* packets in this stretch, as far as they are counted, and when the first was: see sides.h */
    uint16_t seen_since;
};

/* In the order of use: what the lookup and an ordinary packet need stands together, from the facts' second half on. */
struct flow {
    struct flow_facts facts;
    struct hash_node by_ends; /* in the table */
    struct half halves[DIRECTIONS];
    void *connection;        /* the sink's */
    struct reorder *reorder; /* NULL while everything is in order: see reassembly.h */
    struct link idle;        /* of its state, by their last packet */
    uint64_t active;         /* the table's clock at that packet */
    uint8_t state;           /* enum flow_state */
    uint8_t listed;          /* the state whose list it is in */
    uint8_t end_reason;      /* of a closed one: enum flow_end_reason */
    bool opened : 1;         /* the sink knows it, though it may have given no connection */
    bool picked_up : 1;      /* data came before any SYN: it is opened when that waited long enough for one */
    bool doomed : 1;         /* turned out not to be SMB: to be dropped without a word */
    bool has_syn : 1;        /* a SYN came that may begin another connection on these addresses and ports */
    bool syn_implied : 1;    /* not it, but an answer to it */
    bool rst_ahead : 1; /* a RST came before the last of its sender's data; it closes the flow once that has passed */
    bool rst_from : 1;  /* enum direction */
    bool syn_from : 1;  /* enum direction */
    uint32_t syn_isn;
    uint32_t closing_ack; /* what the first FIN or RST acknowledged */
    uint32_t rst_seq;     /* the RST's place */
    struct link order;    /* by their beginning */
    struct moment syn_at;
    struct wrapping wrapping[]; /* none or one: the facts' */
};

/* What every function here needs of the table. */
struct flow_context {
    struct flow_settings settings;
    struct stream_sink sink;
    struct budget *budget;
    struct stats *stats;
    struct community_id *community_id;
    struct history *history;
    struct list waiting;       /* struct reorder by the time of their last look */
    uint64_t now;              /* the table's clock, ns */
    uint64_t packet_before_ns; /* when the packet before this one was, of its flow */
};

#endif
