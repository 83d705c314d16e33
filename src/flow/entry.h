/* One flow in the table, and what the files of this folder share. */
#ifndef ENTRY_H
#define ENTRY_H

#include "base/list.h"
#include "table.h"

enum flow_state {
    FLOW_ATTEMPT,   /* a SYN, or a flow picked up that had no data so far; the sink does not know of it */
    FLOW_CANDIDATE, /* on another port; its first data will tell. The sink does not know of it */
    FLOW_LIVE,      /* the sink was told of its start */
    FLOW_CLOSED,    /* by FIN or RST, or refused; stays for packets that trail */
    FLOW_STATES
};

/* One direction of a connection: the sender's sequence space (RFC 9293 3.3.1), as far as we saw it. */
struct half {
    uint32_t isn;    /* of its SYN */
    uint32_t next;   /* the first byte not passed on: SND.NXT to us */
    uint32_t acked;  /* the highest acknowledgment the other side sent: SND.UNA */
    uint32_t fin;    /* its FIN's place */
    uint16_t window; /* the last it announced, for the other side to send into; not scaled */
    uint8_t scale;   /* of its SYN; 0xff: not seen, or no option */
    bool has_isn : 1;
    bool has_next : 1;
    bool has_acked : 1;
    bool has_fin : 1;
    bool fin_done : 1; /* all data before the FIN has passed; next is behind it */
    bool early : 1;    /* picked up in the middle: the first data waits a little for what may come before it */
};

struct flow {
    struct flow_facts facts;
    struct half halves[DIRECTIONS];
    void *connection;        /* the sink's */
    struct reorder *reorder; /* NULL while everything is in order: see reassembly.h */
    struct flow *chain;      /* the next in its bucket */
    struct link order;       /* by their beginning */
    struct link idle;        /* of its state, by their last packet */
    uint64_t active;         /* the table's clock at that packet */
    uint32_t hash;
    uint8_t state;      /* enum flow_state */
    uint8_t listed;     /* the state whose list it is in */
    uint8_t end_reason; /* of a closed one: enum flow_end_reason */
    uint8_t rst_from;   /* enum direction */
    bool opened : 1;    /* the sink knows it, though it may have given no connection */
    bool doomed : 1;    /* turned out not to be SMB: to be dropped without a word */
    bool has_syn : 1;   /* a SYN came that may begin another connection on these addresses and ports */
    uint8_t syn_from;   /* enum direction */
    uint32_t syn_isn;
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
    struct list waiting; /* struct reorder by the time of their last look */
    uint64_t now;        /* the table's clock, ns */
};

#endif
