/* model -operation-> event: a request that met its response, or either alone, with all that the model knows of where it belongs.
 * Everything borrowed: it lives until the operation was handed on. */
#ifndef OPERATION_H
#define OPERATION_H

#include <stdbool.h>
#include <stdint.h>

#include "direction.h"
#include "dissector.h"
#include "flow.h"
#include "framer.h"
#include "pdu_kerberos.h"
#include "pdu_ntlm.h"
#include "pdu_smb1.h"
#include "pdu_smb2.h"
#include "pdu_spnego.h"
#include "smb1_transaction.h"
#include "view.h"

/* records.md: proto_info.operation */
enum operation_kind {
#define OPERATION(id, name) OPERATION_##id,
#include "tables/operation.def"
#undef OPERATION
    OPERATION_KINDS
};

/* A machine's name and, where it is known, full name. */
struct machine_facts {
    struct text host, fqdn;
};

enum machine_side { MACHINE_CLIENT, MACHINE_SERVER, MACHINE_SIDES };

/* How far a connection came, as bits: of NEGOTIATE, SESSION_SETUP and TREE_CONNECT whether one was asked, granted, refused or left without
 * an answer. */
enum connection_stage {
    STAGE_ESTABLISHED = 1 << 0, /* TCP, or messages of a connection under way */
    STAGE_NEGOTIATE_ASKED = 1 << 1,
    STAGE_NEGOTIATED = 1 << 2,
    STAGE_NEGOTIATE_REFUSED = 1 << 3,
    STAGE_NEGOTIATE_UNANSWERED = 1 << 4,
    STAGE_SESSION = 1 << 5,
    STAGE_SESSION_REFUSED = 1 << 6,
    STAGE_SESSION_UNANSWERED = 1 << 7, /* also an exchange of which a leg was missing */
    STAGE_TREE = 1 << 8,
    STAGE_TREE_REFUSED = 1 << 9,
    STAGE_SESSION_LIVES = 1 << 10, /* at the end: one that had no LOGOFF and no other connection; */
    STAGE_LOST = 1 << 15,          /* and of which no LOGOFF can have been missed */
    STAGE_TREE_LIVES = 1 << 11,
    STAGE_DURABLE_LIVES = 1 << 14,       /* a durable handle */
    STAGE_VALIDATE_UNANSWERED = 1 << 13, /* FSCTL_VALIDATE_NEGOTIATE_INFO */
    STAGE_STRANGE_SESSION = 1 << 12,     /* an encrypted message of a session that was never set up here */
};

/* What may be so, may be not, or was not seen. */
enum known { NOT_KNOWN, KNOWN_NO, KNOWN_YES };

/* Requests and final responses behind NEGOTIATE and SESSION_SETUP in the clear, with a signature and without; and encrypted messages,
 * both directions. */
struct message_counts {
    uint64_t with_signature, without, encrypted;
};

/* A session that ended, over all its connections. */
struct session_sums {
    uint64_t id;
    enum known signing_required, encryption_required;
    struct message_counts messages;
};

/* The tree connects to a share that ended, over all connections of their sessions; what was encrypted belongs to none. */
struct share_sums {
    struct text path;
    enum known encryption_required;
    struct message_counts messages;
};

/* What a client offered in a NEGOTIATE, in its order, as far as there is room. */
enum { OFFER_DIALECTS_MAX = 8, OFFER_CIPHERS_MAX = 4, OFFER_SIGNING_MAX = 4 };

struct offer {
    uint16_t dialects[OFFER_DIALECTS_MAX], ciphers[OFFER_CIPHERS_MAX], signing[OFFER_SIGNING_MAX];
    uint8_t dialect_count, cipher_count, signing_count;
};

/* Names of machines and users that a connection showed, machines also those that its addresses showed on others; empty where there
 * are none. */
struct connection_facts {
    const struct flow_facts *flow;
    struct view flow_json; /* see record_flow; empty where it was forgotten */
    uint16_t dialect;      /* SMB2; 0 while unknown */
    uint16_t cipher;       /* chosen by a 3.1.1 NEGOTIATE; 0 while unknown */
    bool midstream;
    uint8_t version; /* 1, 2, 3; 0 before the first message */
    bool server_mode_known, client_mode_known;
    uint16_t server_security_mode, client_security_mode; /* of NEGOTIATE */
    uint16_t stages;                                     /* enum connection_stage */
    uint16_t downgrade_signs;                            /* enum downgrade_sign: of all its messages */
    uint32_t refusal; /* status of the last that was refused; 0: none, or no NTSTATUS */
    /* sums for the end record, and more of them below */
    uint64_t requests, errors, bytes_read, bytes_written;
    uint64_t signed_messages, unsigned_messages; /* requests and final responses behind NEGOTIATE and SESSION_SETUP */
    struct machine_facts machines[MACHINE_SIDES];
    struct text smb1_dialect; /* chosen by an SMB1 NEGOTIATE */
    uint64_t keep_alives;
    uint64_t files_opened, files_written, files_deleted;
    uint64_t encrypted_messages, compressed_messages;
    uint32_t framer_faults[FRAMER_FAULTS], verdicts[VERDICTS]; /* UINT32_MAX: as many, or more */
    const struct text *users, *shares; /* told at the end alone; of these, users come in pairs: domain, name */
    unsigned user_count, share_count;  /* users: pairs */
    struct offer offer;                /* of the last SMB2 NEGOTIATE */
    uint8_t home;                      /* enum network_direction, for record_flow */
    uint8_t netbios_answer;            /* 0x82 to 0x84, RFC 1002 4.3.1; 0: none was seen */
    uint8_t netbios_error;             /* of a negative one, RFC 1002 4.3.4 */
    bool idle_session; /* at the end, which is the server's: one that said nothing and had no file open for long */
    bool signing_algorithm_known;
    uint16_t signing_algorithm; /* chosen by a 3.1.1 NEGOTIATE */
    uint16_t
        agreed_cipher; /* the same as cipher, or that of 3.0 and 3.0.2 where both sides can encrypt; 0: none, or unknown */
    const struct session_sums *session_sums; /* of those that ended with it, or on it before */
    const struct share_sums *share_sums;
    unsigned session_sums_count, share_sums_count;
};

enum auth_kind { AUTH_UNKNOWN, AUTH_NTLMV1, AUTH_NTLMV2, AUTH_ANONYMOUS, AUTH_GUEST, AUTH_KERBEROS };

/* Who somebody said to be, in a SESSION_SETUP. */
struct auth_facts {
    enum auth_kind kind;
    bool plain_password; /* SMB1: no response to a challenge, but the password itself, or none */
    bool domain_lost;    /* the capture cut it off, or it is not where it should be: the name alone is another user's */
    struct text domain, user, workstation;
    struct machine_facts machine; /* the workstation, as far as it names one, */
    struct address address;       /* and that it showed itself at */
};

enum mechanism { MECHANISM_UNKNOWN, MECHANISM_NTLM, MECHANISM_KERBEROS };

enum security_name {
    SECURITY_SPN, /* service that the client asked for */
    SECURITY_REALM,
    SECURITY_TARGET,              /* TargetName of a CHALLENGE */
    SECURITY_SERVER_NETBIOS_NAME, /* and what follows: its target information */
    SECURITY_SERVER_DNS_NAME,
    SECURITY_SERVER_NETBIOS_DOMAIN,
    SECURITY_SERVER_DNS_DOMAIN,
    SECURITY_SERVER_DNS_TREE,
    SECURITY_WORKSTATION, /* of an NTLM NEGOTIATE */
    SECURITY_WORKSTATION_DOMAIN,
    SECURITY_ERROR_TEXT, /* of a KRB-ERROR, and who it is from */
    SECURITY_ERROR_REALM,
    SECURITY_ERROR_SERVICE,
    SECURITY_HINT,    /* of a NegTokenInit2 */
    SECURITY_CHOSEN,  /* mechanism of a NegTokenResp */
    SECURITY_OFFERED, /* and the next ones, as many as there are: mechanisms of a NegTokenInit */
    SECURITY_NAMES = SECURITY_OFFERED + SPNEGO_MECHANISMS_MAX
};

/* What the security tokens of a SESSION_SETUP exchange said so far, or those of a NEGOTIATE, beside who it is. */
struct security_facts {
    enum mechanism mechanism;
    struct text names[SECURITY_NAMES];      /* empty where none was said */
    bool mic_list;                          /* a mechListMIC came, from either side */
    bool has_state;                         /* of the server */
    uint8_t state;                          /* RFC 4178 4.2.2 */
    uint32_t client_flags[2], server_flags; /* NTLM; the client's of NEGOTIATE and of AUTHENTICATE; 0: none */
    struct ntlm_version client_version, server_version;
    uint64_t client_time, server_time; /* NTLM, FILETIME; 0: none */
    bool authenticated;                /* an AUTHENTICATE came: what follows is of it */
    unsigned responses;                /* enum ntlm_response */
    bool pairs_whole, empty_spn;       /* of NTLMv2: its list has an end; and a service name in it, an empty one */
    bool has_mic, mic;                 /* has_mic: there could be one */
    bool has_channel_bindings, channel_bindings;
    bool has_machine_id;
    uint8_t machine_id[NTLM_MACHINE_ID_SIZE]; /* MS-NLMP 2.2.2.2 */
    uint32_t kerberos_options;
    struct kerberos_encrypted ticket, authenticator, reply;
    bool has_error_code; /* a KRB-ERROR came: what follows is of it */
    uint32_t error_code;
    uint64_t error_client_time, error_server_time; /* ns since 1970; 0: none */
    bool skew_recovery;
    bool has_error_status;
    uint32_t error_status; /* NTSTATUS */
};

struct session_facts {
    uint64_t id;
    uint16_t flags;                /* SMB2_SESSION_FLAG_* of the server; 0 where its answer was not seen */
    const struct auth_facts *auth; /* what the server accepted; NULL while unknown */
    enum known signing_required, encryption_required;
    struct message_counts messages;
};

struct tree_facts {
    uint32_t id;
    uint8_t share_type; /* SMB2_SHARE_TYPE_*; 0 while unknown */
    bool has_access;    /* SMB2: the three numbers that follow are known */
    uint16_t share_at;  /* where the share begins in the path; 0: it was not looked for */
    uint32_t flags, capabilities, maximal_access;
    struct text path; /* \\host\share as sent; empty while unknown */
    struct message_counts messages;
};

struct handle_facts {
    struct file_id id;
    struct text name; /* relative to the share, no leading backslash, the root empty */
    bool named;       /* the name is known (an empty one is the share's root) */
    bool directory, is_pipe;
    bool dfs;            /* opened in a DFS operation, whose names may have the host and share in front */
    uint32_t process_id; /* SMB1: that opened it */
    uint64_t bytes_read, bytes_written;
    uint64_t read_count, write_count;
};

/* An open that a server closed for another client's, MS-SMB2 3.3.5.9.13: the old one in the record of the new, and the new one's client
 * in those of requests that name the old one still. */
struct takeover_facts {
    struct file_id file_id;
    struct address client;
};

enum interface_change_kind { INTERFACE_ADDED, INTERFACE_REMOVED, INTERFACE_ALTERED };

struct interface_change {
    struct smb2_network_interface interface; /* as it is now; a removed one as it was */
    enum interface_change_kind kind;
};

/* What a server answers otherwise than it did before to the same question. */
struct answer_change {
    bool has_dialect;         /* NEGOTIATE, of the same Dialects */
    uint16_t dialect_before;  /* 0: it was refused */
    bool has_cluster_dialect; /* TREE_CONNECT, of the same share */
    uint16_t cluster_dialect_before;
    const struct interface_change *interfaces; /* FSCTL_QUERY_NETWORK_INTERFACE_INFO */
    unsigned interface_count;
};

/* Whether the answer to an SMB1 NEGOTIATE chose a dialect: where the offer was not seen it may not be known which, and where the answer
 * is cut it is not known at all. */
enum smb1_choice { CHOICE_UNKNOWN, CHOICE_MADE, CHOICE_NONE };

struct operation {
    enum operation_kind kind;
    const struct connection_facts *connection;
    const struct session_facts *session; /* NULL: none */
    const struct tree_facts *tree;
    const struct handle_facts *handle;
    const struct auth_facts *auth;         /* SESSION_SETUP: as claimed */
    const struct security_facts *security; /* SESSION_SETUP: of the exchange so far; NEGOTIATE: of the answer */
    const struct smb2_header
        *header; /* SMB2: the request's, else the response's, an interim one if there is no other; NULL: none */
    const struct smb2_message *request; /* NULL where it was not seen; its lists are empty but for those of NEGOTIATE */
    const struct smb2_message *response;                     /* NULL where it was not seen, or there is none */
    const struct smb1_message *smb1_request, *smb1_response; /* SMB1; the answer to a NEGOTIATE may be response */
    enum direction dir;                                      /* of an envelope */
    const struct smb1_transaction_request *smb1_asked;       /* a transaction that was understood; texts in UTF-16 */
    const struct smb1_transaction_response *smb1_answered;
    const struct smb2_transform *transform;
    const struct smb2_compression *compression;
    uint32_t context_mask;    /* CREATE request: bit 1 << kind of each create context */
    struct moment begin, end; /* request's first packet; final response's first packet */
    uint64_t session_id;      /* resolved; 0: none */
    uint32_t tree_id;
    bool has_tree_id, has_file_id;
    struct file_id file_id;
    bool compound, async, signed_message, gap, compressed;
    unsigned interim_responses;
    bool unasked;                     /* the server's own, no request belongs to it */
    bool expects_response;            /* false for CANCEL */
    bool request_lost, response_lost; /* there must have been one */
    bool implicit; /* no message of its own: a handle that ended with its tree, session or connection */
    /* data */
    bool first_of_handle; /* the first read or write of its handle */
    bool has_bytes_read, has_bytes_written;
    uint64_t bytes_read, bytes_written;
    bool sums;                /* the handle's sums belong to this record */
    struct text copy_source;  /* server-side copy */
    bool failed;              /* SMB1: the response has an error */
    enum smb1_choice choice;  /* of the answer to an SMB1 NEGOTIATE */
    bool has_new_name, links; /* SMB1: renamed by a path, or linked */
    struct text new_name;
    struct text pattern; /* SMB1: of a search, as sent with its folder */
    bool has_entries;
    uint32_t entries;
    bool delete_pending;          /* a SET_INFO or CREATE marked the file; */
    bool has_delete_mark;         /* ... or took the mark back */
    bool leg;                     /* SESSION_SETUP: more legs follow */
    bool left_off;                /* SESSION_SETUP: and none did, though nothing was missed */
    struct moment exchange_begin; /* SESSION_SETUP: first leg of the whole exchange */
    struct text queried_name;     /* QUERY_INFO response: the name it showed */
    bool has_size;
    uint64_t size;
    bool has_aimed_name; /* no handle is known (any more), but the file that the request was aimed at */
    struct text aimed_name;
    bool durable_reconnect;
    bool session_binding;
    bool negotiate_differs;       /* IOCTL: FSCTL_VALIDATE_NEGOTIATE_INFO says something else than NEGOTIATE did */
    bool session_renewed;         /* SESSION_SETUP of a session that there was before */
    bool session_new;             /* SESSION_SETUP: certainly of none that there was before, here or elsewhere */
    bool ends_tree, ends_session; /* TREE_DISCONNECT, LOGOFF: their sums belong to this record */
    bool resilient;  /* CREATE that takes up a handle again: FSCTL_LMR_REQUEST_RESILIENCY was granted for it */
    bool cleaned_up; /* the session of this is gone, and had said nothing and had no file open for long */
    bool timed_out;  /* the same, refused after the time that the server had given */
    bool taken_over; /* answered with STATUS_FILE_CLOSED, and an open of another client had taken its place */
    const struct takeover_facts
        *takeover; /* CREATE in the place of another client's open, or with taken_over; else NULL */
    const struct answer_change *change; /* NULL: none */
    uint16_t downgrade_signs;           /* enum downgrade_sign */
    uint16_t earlier_dialect; /* SMB1 after SMB2: the highest that the two had agreed on; 0: none, or not known */
};

#endif
