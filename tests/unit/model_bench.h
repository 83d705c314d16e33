/* A model on a bench: messages made by hand go in, and what the sink is told is kept to be looked at.
 *
 * A bench has one model and a clock that goes on by 1 ms a message. A peer is a connection on it, with the ids that its next
 * messages carry. Whatever a test does to it, bench_free finds the budget empty. */
#ifndef MODEL_BENCH_H
#define MODEL_BENCH_H

#include <stdbool.h>
#include <stdint.h>

#include "../../src/model/model.h"

enum { BENCH_SEEN_MAX = 8192, BENCH_NAME_MAX = 64, BENCH_TEXTS = 64 };

/* An operation as it was handed on, its texts in ASCII, cut; "?" where it is not known. */
struct seen {
    enum operation_kind kind;
    int command; /* SMB1's or SMB2's; -1: no message of its own */
    uint64_t message_id;
    int64_t status; /* -1: no response */
    bool request, response;
    char name[BENCH_NAME_MAX];  /* of the handle; without a handle, of what the request was aimed at */
    char asked[BENCH_NAME_MAX]; /* CREATE and SET_INFO request: the name in it */
    char path[BENCH_NAME_MAX];  /* of the tree */
    char user[BENCH_NAME_MAX];  /* of the session */
    char claim[BENCH_NAME_MAX]; /* of the SESSION_SETUP */
    char copy_source[BENCH_NAME_MAX];
    char new_name[BENCH_NAME_MAX]; /* SMB1, "" where there is none */
    char pattern[BENCH_NAME_MAX];
    char host[MACHINE_SIDES][BENCH_NAME_MAX], fqdn[MACHINE_SIDES][BENCH_NAME_MAX];
    char spn[BENCH_NAME_MAX], server_dns[BENCH_NAME_MAX],
        error_service[BENCH_NAME_MAX]; /* of the SESSION_SETUP's tokens */
    uint32_t kerberos_error, kerberos_error_status;
    uint64_t kerberos_server_time;
    bool skew_recovery;
    enum mechanism mechanism;
    uint32_t client_flags[2], server_flags;
    bool left_off, has_state;
    uint16_t downgrade_signs, earlier_dialect;
    bool ends_tree, ends_session;
    enum known signing_required, encryption_required; /* of the session */
    struct message_counts of_session, of_tree;
    const void *connection;
    uint64_t session_id;
    bool has_tree_id, has_file_id;
    uint32_t tree_id;
    struct file_id file_id;
    bool compound, async, gap, unasked, request_lost, response_lost, implicit, first_of_handle, sums, leg, binding,
        reconnect, negotiate_differs, session_new, cleaned_up;
    bool has_delete_mark, delete_pending, directory, is_pipe;
    unsigned interim;
    int64_t entries;                    /* -1: none were counted */
    uint64_t bytes_read, bytes_written; /* of the operation */
    uint64_t sum_read, sum_written;     /* of the handle */
    uint64_t begin_ns, end_ns, begin_frame, exchange_begin_ns;
    bool timed_out, resilient, taken_over, has_takeover, has_change;
    struct takeover_facts takeover;
    struct answer_change change;           /* its interfaces: */
    struct interface_change interfaces[4]; /* the first of them */
};

/* What an end record would say. */
struct seen_end {
    uint64_t requests, errors, bytes_read, bytes_written, files_opened, files_written, files_deleted;
    uint64_t signed_messages, unsigned_messages;
    unsigned user_count, share_count;
    char first_user[BENCH_NAME_MAX], server_name[BENCH_NAME_MAX], client[BENCH_NAME_MAX]; /* names of machines */
    uint16_t dialect, stages, downgrade_signs;
    bool idle_session;
    struct offer offer;
    uint16_t agreed_cipher, signing_algorithm;
    bool signing_algorithm_known;
    unsigned session_sums_count, share_sums_count;
    struct session_sums session_sums[CONNECTION_NAMES_MAX];
    struct share_sums share_sums[CONNECTION_NAMES_MAX]; /* without the path: */
    char share_paths[CONNECTION_NAMES_MAX][BENCH_NAME_MAX];
    uint32_t refusal;
};

struct bench {
    struct budget budget;
    struct stats stats;
    struct model *model;
    struct moment now;
    struct seen seen[BENCH_SEEN_MAX];
    unsigned count; /* all, also what has no room in seen any more */
    struct seen_end end;
    unsigned starts, ends;
    unsigned next_port;
    uint8_t texts[BENCH_TEXTS][2 * BENCH_NAME_MAX]; /* UTF-16 of the names handed in last */
    unsigned text;
};

struct peer {
    struct bench *b;
    struct flow_facts *flow;
    struct connection *c;
    uint64_t next_message_id;
    uint64_t session_id;
    uint32_t tree_id;
    uint32_t flags;   /* of every header */
    bool first, last; /* of a chain; both true for a message of its own */
    uint32_t missing;
    bool doubtful;
    uint32_t run;            /* of what is doubtful */
    const char *claims;      /* see peer_claim */
    const struct pdu *token; /* see peer_token */
};

struct bench *bench_new(const struct model_limits *); /* NULL: the default ones */
/* Ends nothing: peers must be closed. Holds that all memory was given back. */
void bench_free(struct bench *);
/* So much time, with packets often enough that the model's clock follows all of it. */
void bench_pass(struct bench *, uint64_t ns);
/* The nth operation from the end: 0 is the last one. It must be there. */
struct seen *bench_last(struct bench *, unsigned n);
/* How many of a kind, with that name (NULL: any). */
unsigned bench_count(const struct bench *, enum operation_kind, const char *name);
struct text bench_text(struct bench *, const char *ascii);

/* client and server: last byte of 192.0.2.x */
struct peer peer_open(struct bench *, uint8_t client, uint8_t server);
struct peer peer_open_midstream(struct bench *, uint8_t client, uint8_t server);
void peer_close(struct peer *);

/* A message without a body, to be filled in. Its MessageId is the next one; that of a response is the last request's. */
struct smb2_message peer_ask(struct peer *, uint16_t command);
struct smb2_message peer_say(struct peer *, uint16_t command, uint32_t status);
void peer_request(struct peer *, const struct smb2_message *);
void peer_response(struct peer *, const struct smb2_message *);
/* A request and its answer without further facts. */
void peer_exchange(struct peer *, struct smb2_message *request, uint32_t status);

/* Whole operations, with what they need to be in the messages. guid: what the GUID is filled with. */
void peer_negotiate(struct peer *, uint8_t client_guid, uint8_t server_guid);
void peer_claim(struct peer *, const char *user); /* an NTLM AUTHENTICATE, enclosed in the next SESSION_SETUP request */
void peer_token(struct peer *,
                const struct pdu *); /* enclosed in the next message, whose side it is; lives until then */
void peer_login(struct peer *, uint64_t session_id, const char *user);
void peer_login_status(struct peer *, uint64_t session_id, const char *user, uint8_t flags, uint32_t status);
void peer_tree(struct peer *, uint32_t tree_id, const char *path);
/* NEGOTIATE, a session and a tree, as most tests begin. */
void peer_settle(struct peer *, uint64_t session_id, const char *user, const char *path);

struct file_id bench_id(uint64_t n);
struct smb2_message peer_ask_create(struct peer *, const char *name, uint32_t options);
struct smb2_message peer_say_created(struct peer *, uint64_t id);
void peer_create(struct peer *, const char *name, uint64_t id, uint32_t options);
/* A command that names a FileId and nothing else that counts. */
struct smb2_message peer_ask_file(struct peer *, uint16_t command, uint64_t id);
void peer_do(struct peer *, uint16_t command, uint64_t id, uint32_t status);
void peer_close_file(struct peer *, uint64_t id);
void peer_read(struct peer *, uint64_t id, uint32_t bytes);
void peer_write(struct peer *, uint64_t id, uint32_t bytes);
void peer_rename(struct peer *, uint64_t id, const char *name, uint32_t status);
void peer_dispose(struct peer *, uint64_t id, bool pending, uint32_t disposition_flags);

#endif
