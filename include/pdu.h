/* dissector -pdu-> model: one protocol message as its specification names it. Views point into the message, lists into the
 * arena of the dissection. */
#ifndef PDU_H
#define PDU_H

#include "dissector.h"
#include "pdu_kerberos.h"
#include "pdu_ntlm.h"
#include "pdu_smb1.h"
#include "pdu_smb2.h"
#include "pdu_spnego.h"

enum pdu_kind {
    PDU_SMB1,
    PDU_SMB2,
    PDU_SMB2_TRANSFORM,
    PDU_SMB2_COMPRESSION,
    PDU_NTLM, /* this and what follows: enclosed in the message that comes after */
    PDU_SPNEGO,
    PDU_KERBEROS,
};

struct pdu {
    enum pdu_kind kind;
    /* Of the body: where it is not V_OK the header alone is certain, and of the body what is set. */
    enum verdict verdict;
    union {
        struct smb1_message smb1;
        struct smb2_message smb2;
        struct smb2_transform transform;
        struct smb2_compression compression;
        struct ntlm_message ntlm;
        struct spnego_message spnego;
        struct kerberos_message kerberos;
    };
};

#endif
