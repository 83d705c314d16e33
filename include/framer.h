/* framer -message-> dissectors. A framer cuts a stream into messages: for SMB2 each element of a compound chain is one. Only
 * what must be whole is kept together; payload (the data of READ and WRITE) is passed over without being touched.
 *
 * A message is handed out when its last byte has passed, or was known to be lost. */
#ifndef FRAMER_H
#define FRAMER_H

#include <stdbool.h>
#include <stdint.h>

#include "direction.h"
#include "packet.h"
#include "view.h"

enum message_kind {
    MESSAGE_SMB1,       /* 0xFF 'SMB' */
    MESSAGE_SMB2,       /* 0xFE 'SMB' */
    MESSAGE_TRANSFORM,  /* 0xFD 'SMB': encrypted, MS-SMB2 2.2.41 */
    MESSAGE_COMPRESSED, /* 0xFC 'SMB': MS-SMB2 2.2.42 */
    MESSAGE_KINDS
};

struct message {
    enum message_kind kind;
    struct view bytes; /* from the protocol id on; lives during the call */
    uint32_t length;   /* of the whole message on the wire: for an element of a chain, up to the next header */
    uint32_t payload;  /* of these, bytes passed over as READ or WRITE data */
    uint32_t missing;  /* of these, bytes lost: in a gap or behind the end of the capture */
    bool first, last;  /* of its chain; a message of its own is both */
    bool
        doubtful; /* found behind a gap by what it says alone: it may be file data, unless the other side bears it out */
    uint32_t
        run; /* doubtful: those that follow one another without a byte between them have the same, of their direction; else 0 */
    struct moment begin; /* the packet that carried its first byte (that of the NetBIOS header, where first) */
    struct moment end;   /* the packet that carried its last, or showed it to be lost */
};

/* What the framer finds wrong with a stream; counted, and a mark on the flow. */
enum framer_fault {
    FAULT_NBSS_TYPE,   /* no session service packet type, RFC 1002 4.3.1 */
    FAULT_NBSS_LENGTH, /* too short for an SMB header, or not to be had in this type */
    FAULT_PROTOCOL_ID, /* a session message that is no SMB */
    FAULT_CHAIN,       /* NextCommand that points outside, backwards or off the 8-byte grid, MS-SMB2 2.2.1 */
    FAULT_PAYLOAD,     /* data offset or length outside the message */
    FAULT_WHOLE_LIMIT, /* larger than what is kept whole: cut */
    FAULT_MEMORY,      /* the budget refused: cut */
    FAULT_RESYNC, /* bytes were passed over in search of the next header; once for each time the framing was lost */
    FRAMER_FAULTS
};

/* What else the session service carries, RFC 1002 4.3: its own packets, and session messages that are no SMB, as the data of READ_RAW
 * and WRITE_RAW (MS-CIFS 2.2.4.22, 2.2.4.25). */
struct other_packet {
    uint8_t type;    /* 0x81 to 0x85; 0 for a session message */
    uint32_t length; /* behind the header of four bytes */
    /* of a session request and of an answer to one, as far as they came; of a session message its first four, where it has so many;
     * lives during the call */
    struct view bytes;
    struct moment begin, end;
};

struct framer_sink {
    void *arg;
    void (*message)(void *arg, enum direction, const struct message *);
    void (*fault)(void *arg, enum direction, enum framer_fault);
    bool (*other)(void *arg, enum direction,
                  const struct other_packet *); /* was it expected? else it is a fault; may be NULL */
};

/* How far a message reaches, as its head says. */
struct extent {
    enum message_kind kind;
    uint32_t whole;    /* bytes that must be together, from the protocol id on */
    uint32_t payload;  /* bytes behind them that are passed over */
    uint32_t length;   /* of the message in all, padding included; whole + payload at least */
    bool last;         /* no other element of its chain follows */
    bool chain_lies;   /* NextCommand pointed outside and was taken as 0 */
    bool payload_lies; /* a data offset or length pointed outside and was clipped */
};

#endif
