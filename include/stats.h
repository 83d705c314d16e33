/* What a worker counts. One per worker, added up by whoever reports. Every bound that bites and every verdict has its number. */
#ifndef STATS_H
#define STATS_H

#include <stdint.h>

#include "dissector.h"
#include "framer.h"
#include "pdu_smb2.h"

enum decode_fault {
    DECODE_LINK,     /* a link type or EtherType that is not followed; not an error */
    DECODE_CUT,      /* headers end before they should */
    DECODE_BAD,      /* header lengths contradict each other */
    DECODE_DEPTH,    /* more tags or headers than are followed */
    DECODE_FRAGMENT, /* an IP fragment; not followed so far */
    DECODE_NOT_TCP,
    DECODE_FAULTS
};

struct stats {
    /* capture and decode */
    uint64_t captures, packets, bytes, tcp_packets;
    uint64_t decode_faults[DECODE_FAULTS];
    /* flow */
    uint64_t flows_started, flows_ended, flows_evicted, flows_refused;
    uint64_t missed_bytes, gaps;
    uint64_t out_of_order, retransmitted, overlap_differs, reassembly_limit;
    /* framing and dissection */
    uint64_t messages[MESSAGE_KINDS];
    uint64_t framer_faults[FRAMER_FAULTS];
    uint64_t verdicts[VERDICTS];
    /* model */
    uint64_t operations[SMB2_COMMANDS], smb1_operations;
    uint64_t records;
    uint64_t files_opened, files_deleted, bytes_read, bytes_written;
    uint64_t evicted_exchanges, evicted_sessions, evicted_handles, evicted_trees;
};

#endif
