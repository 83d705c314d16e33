/* SPNEGO messages, RFC 4178 4.2 and MS-SPNG 2.2.1: which mechanisms are on offer, and how far the negotiation came. The token of the
 * mechanism is a pdu of its own. */
#ifndef PDU_SPNEGO_H
#define PDU_SPNEGO_H

#include <stdbool.h>
#include <stdint.h>

#include "view.h"

enum { SPNEGO_MECHANISMS_MAX = 8 };

struct spnego_message {
    bool init; /* NegTokenInit or NegTokenInit2; else NegTokenResp */
    /* By name ("kerberos", "ntlm"), else as numbers with dots; of a response that which the server chose. */
    unsigned mechanism_count;
    struct text mechanisms[SPNEGO_MECHANISMS_MAX];
    bool has_state;
    uint8_t state;    /* negState, RFC 4178 4.2.2 */
    bool mic;         /* mechListMIC */
    struct text hint; /* hintName, where it is a name (MS-SPNG 2.2.1) */
};

#endif
