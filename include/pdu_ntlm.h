/* NTLMSSP messages, MS-NLMP 2.2.1, as far as the records need them. */
#ifndef PDU_NTLM_H
#define PDU_NTLM_H

#include <stdbool.h>
#include <stdint.h>

#include "view.h"

enum ntlm_type { NTLM_NEGOTIATE = 1, NTLM_CHALLENGE = 2, NTLM_AUTHENTICATE = 3 };

struct ntlm_message {
    enum ntlm_type type;
    uint32_t flags; /* NegotiateFlags, MS-NLMP 2.2.2.5 */
    /* AUTHENTICATE, MS-NLMP 2.2.1.3; empty where the message has them empty */
    struct text domain, user, workstation;
    uint16_t lm_response_length, nt_response_length;
    bool anonymous; /* MS-NLMP 3.2.5.1.2: no user, no NT response, and an LM response of nothing or one zero byte */
};

#endif
