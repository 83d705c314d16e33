/* NTLMSSP messages, MS-NLMP 2.2.1. A text is empty where the message has it empty, says that it is not there, or leads outside. */
#ifndef PDU_NTLM_H
#define PDU_NTLM_H

#include <stdbool.h>
#include <stdint.h>

#include "view.h"

enum ntlm_type { NTLM_NEGOTIATE = 1, NTLM_CHALLENGE = 2, NTLM_AUTHENTICATE = 3 };

/* Which answers to the challenge stand in an AUTHENTICATE, a bit each. All zeros are none. */
enum ntlm_response {
    NTLM_RESPONSE_LM = 1,         /* MS-NLMP 2.2.2.3 */
    NTLM_RESPONSE_LMV2 = 2,       /* 2.2.2.4: beside an NTLMv2 one */
    NTLM_RESPONSE_LM_OR_LMV2 = 4, /* alone: nothing tells one from the other */
    NTLM_RESPONSE_NTLM = 8,       /* 2.2.2.6 */
    NTLM_RESPONSE_NTLM2_SESSION =
        16, /* the same with the client's challenge in the LM field: extended session security, 3.3.1 */
    NTLM_RESPONSE_NTLMV2 = 32, /* 2.2.2.8 */
};

enum { NTLM_MACHINE_ID_SIZE = 32 };

struct ntlm_version { /* 2.2.2.10 */
    bool known;
    uint8_t major, minor;
    uint16_t build;
};

/* AV_PAIRs, 2.2.2.1: what a server says of itself, and what a client adds when it sends that back. */
struct ntlm_target_info {
    struct text netbios_computer, netbios_domain, dns_computer, dns_domain, dns_tree;
    struct text target_name; /* service that the client asks for */
    bool whole;              /* the list has its end */
    bool has_flags, has_timestamp, has_channel_bindings, has_target_name;
    bool channel_bindings; /* more than zeros */
    uint32_t flags;
    uint64_t timestamp;     /* FILETIME */
    struct view machine_id; /* of Single_Host_Data, 2.2.2.2: NTLM_MACHINE_ID_SIZE bytes; empty: none */
};

struct ntlm_message {
    enum ntlm_type type;
    uint32_t flags; /* NegotiateFlags, MS-NLMP 2.2.2.5 */
    struct ntlm_version version;
    /* NEGOTIATE has the last two, of the machine; AUTHENTICATE all three */
    struct text user, domain, workstation;
    bool domain_lost;                    /* AUTHENTICATE: it has one, which leads outside */
    struct text target_name;             /* CHALLENGE */
    struct ntlm_target_info target_info; /* CHALLENGE; AUTHENTICATE: inside of an NTLMv2 response */
    /* AUTHENTICATE, MS-NLMP 2.2.1.3 */
    uint16_t lm_response_length, nt_response_length;
    unsigned responses;   /* enum ntlm_response */
    uint64_t client_time; /* FILETIME of an NTLMv2 response, 0: none */
    bool mic;             /* MsvAvFlags says that there is one, and there is room for it */
    bool anonymous; /* MS-NLMP 3.2.5.1.2: no user, no NT response, and an LM response of nothing or one zero byte */
};

#endif
