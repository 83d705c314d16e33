/* Kerberos messages that authenticate a client to a service, RFC 4120 5.5 and 5.9.1. The client's name is encrypted. */
#ifndef PDU_KERBEROS_H
#define PDU_KERBEROS_H

#include <stdbool.h>
#include <stdint.h>

#include "view.h"

enum kerberos_type { KERBEROS_AP_REQ = 14, KERBEROS_AP_REP = 15, KERBEROS_ERROR = 30 };

struct kerberos_encrypted { /* EncryptedData, RFC 4120 5.2.9: how, not what */
    bool known;
    uint32_t encryption; /* etype, a negative one as it wraps */
    bool has_key_version;
    uint32_t key_version;
};

struct kerberos_message {
    enum kerberos_type type;
    uint32_t options;                    /* AP-REQ: APOptions, bit 0 of the specification the highest */
    struct text realm;                   /* of the ticket, or of who sends an error */
    struct text service;                 /* its name, or that of who sends an error; parts joined by slashes */
    struct kerberos_encrypted ticket;    /* AP-REQ */
    struct kerberos_encrypted encrypted; /* AP-REQ: the authenticator; AP-REP: all of it */
    bool has_error_code;                 /* KRB-ERROR, and what follows */
    uint32_t error_code;                 /* RFC 4120 7.5.9 */
    struct text error_text;
    uint64_t client_time, server_time; /* ns since 1970; the client's is that of its request; 0: none */
    bool skew_recovery;                /* MS-KILE 2.2.2: the client may try again with the server's time */
    bool has_error_status;             /* MS-KILE 2.2.1 */
    uint32_t error_status;             /* NTSTATUS */
};

#endif
