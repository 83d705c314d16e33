/* What a worker counts. One per worker, added up by whoever reports. Every bound that bites and every verdict has its number. */
#ifndef STATS_H
#define STATS_H

#include <stdint.h>

#include "dissector.h"
#include "framer.h"
#include "pdu_smb2.h"

enum decode_fault {
    DECODE_LINK,           /* a link type or EtherType that is not followed; not an error */
    DECODE_CUT,            /* headers end before they should */
    DECODE_BAD,            /* header lengths contradict each other */
    DECODE_DEPTH,          /* more tags, labels, tunnels or other headers than are followed */
    DECODE_FRAGMENT,       /* an IP fragment whose datagram never became whole */
    DECODE_FRAGMENT_LIMIT, /* one whose datagram was given up because a bound, or the budget, was reached */
    DECODE_CHECKSUM,       /* a wrong checksum, where they are verified */
    DECODE_NOT_TCP,
    DECODE_FAULTS
};

struct stats {
    /* capture and decode */
    uint64_t captures, packets, bytes, tcp_packets;
    uint64_t decode_faults[DECODE_FAULTS];
    uint64_t fragments, datagrams; /* IP fragments, and what was put together from them */
    uint64_t fragments_duplicate;  /* of a datagram that was whole already */
    uint64_t fragments_differ;     /* brought other bytes for what was held already; the first ones won */
    /* flow */
    uint64_t flows_started, flows_ended, flows_evicted, flows_refused, flows_unanswered;
    uint64_t memory_limit;         /* a flow or a piece of state went because memory was near its ceiling */
    uint64_t flows_limit;          /* a flow went because there were as many as may be followed */
    uint64_t flows_undecoded;      /* connections followed but not decoded: no memory when they began */
    uint64_t flows_refused_memory; /* connections not followed: the budget was spent and nothing was left to evict */
    uint64_t candidates_evicted;   /* of connections on other ports that had not spoken yet */
    uint64_t missed_bytes, gaps;
    uint64_t out_of_order, retransmitted, overlap_differs;
    uint64_t reassembly_limit; /* a flow's bound, or the budget, made a hole a gap before its time */
    uint64_t segments_dropped; /* far outside the stream and never confirmed */
    uint64_t rst_ignored;      /* outside the window */
    /* framing and dissection */
    uint64_t messages[MESSAGE_KINDS];
    uint64_t framer_faults[FRAMER_FAULTS];
    uint64_t verdicts[VERDICTS];
    /* model */
    uint64_t operations[SMB2_COMMANDS], smb1_operations;
    uint64_t records;
    uint64_t files_opened, files_deleted, bytes_read, bytes_written;
    uint64_t evicted_exchanges, evicted_sessions, evicted_handles, evicted_trees;
    uint64_t evicted_transfers,
        cut_transfers;     /* SMB1 transactions that were given up, or were longer than what is kept */
    uint64_t searches_cut; /* oplock breaks whose handle was not found in as many sessions as are looked through */
    uint64_t evicted_setups, evicted_durables, evicted_copy_keys;
    uint64_t names_left_out; /* users and shares beyond what an end record lists */
    uint64_t names_lost;     /* the budget had no room for a name, and nothing was left to evict */
    /* findings */
    uint64_t findings;
    uint64_t findings_evicted;         /* pairs of client and server that were told before their time */
    uint64_t findings_lost;            /* messages that found no room among the pairs */
    uint64_t findings_pending_evicted; /* requests whose connection's end was not waited for */
};

#endif
