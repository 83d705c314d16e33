/* Syslog over RELP, version 0 (the specification in rsyslog's documentation, "RELP - The Reliable Event Logging Protocol"), as a
 * transport: relp_transport of transport.h. The receiver acknowledges each record, so it is known what it has.
 *
 *   frame = TXNR SP COMMAND SP DATALEN [SP DATA] LF
 *   -> 1 open ... relp_version, relp_software, commands=syslog     <- 1 rsp ... 200 OK, what it offers
 *   -> 2 syslog ...                                                <- 2 rsp 6 200 OK, in any order
 *   -> 9 close 0                                                   <- 9 rsp 0; 0 serverclose 0, which also comes unasked
 *
 * An answer other than 200 to a record refuses it for ever. Answers that make no sense, or none for RELP_ANSWER_NS, break the session. */
#ifndef RELP_H
#define RELP_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "delivery/transport.h"

enum {
    RELP_WINDOW = 1024,     /* records that wait for their answer */
    RELP_ANSWER_MAX = 4096, /* bytes of a frame of the receiver's */
    RELP_TXNR_LAST = 999999999,
};
#define RELP_OPEN_NS UINT64_C(10000000000)   /* for the answer to open */
#define RELP_ANSWER_NS UINT64_C(60000000000) /* without any answer though some are due */
#define RELP_CLOSE_NS UINT64_C(2000000000)   /* for the answer to close: all was acknowledged before */

enum relp_command { RELP_RSP, RELP_SERVERCLOSE };

/* A frame of the receiver's. */
struct relp_answer {
    uint32_t txnr; /* 0: a hint that nobody asked for */
    enum relp_command command;
    unsigned code;    /* of rsp, three digits; 0: it has none */
    const char *text; /* behind the code; borrowed from what was parsed */
    size_t n;
};

/* The first frame of n bytes: its length, 0: it is not whole yet, -EBADMSG: this is no frame, or too long. A pure function. */
ssize_t relp_parse(const char *in, size_t n, struct relp_answer *);

/* The transaction number that follows, from 1 to RELP_TXNR_LAST and round; and how many steps it is from one to another. */
uint32_t relp_txnr_next(uint32_t);
uint32_t relp_txnr_steps(uint32_t from, uint32_t to);

#endif
