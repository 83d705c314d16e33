/* The model's state: private to src/model. */
#ifndef STATE_H
#define STATE_H

#include <string.h>

#include "base/code_page.h"
#include "base/hash.h"
#include "base/list.h"
#include "base/packet_clock.h"
#include "base/pool.h"
#include "base/shared_text.h"
#include "constants.h"
#include "model/model.h"

enum { COPY_KEY_SIZE = 24 };
/* Bytes of what a record says of its flow, as far as addresses of IPv4 without a tunnel make it. */
enum { FLOW_JSON_ROOM = 328 };

/* A place among those of its kind, least recently used first, and the frame it was used in last. */
struct age {
    struct link link; /* first: container_of takes either */
    uint64_t used;
};

/* Who somebody said to be; shared by the legs of an exchange and the session. */
struct auth {
    unsigned holders;
    struct auth_facts facts;
    struct shared_text *domain, *user, *workstation;
};

/* What the tokens of an exchange, or of the message at hand, said; shared by those who report it. */
struct security {
    unsigned holders;
    struct security_facts facts;
    struct shared_text *names[SECURITY_NAMES]; /* facts.names are theirs */
};

/* What an address is called. */
struct machine {
    struct hash_node by_address; /* model->machines */
    struct age age;              /* model->machine_ages */
    struct address address;
    struct shared_text *host, *fqdn; /* fqdn may be NULL */
};

/* A client and a server that agreed on SMB2. */
struct peers {
    struct hash_node by_addresses; /* model->peers */
    struct age age;                /* model->peers_ages */
    struct address client, server;
    uint64_t since_ns; /* when they did first, as far as was seen */
    uint16_t dialect;  /* the highest; 0: not known */
};

/* Where a name of a machine comes from, the weakest first. */
enum machine_source {
    MACHINE_NETBIOS = 1, /* of a session request on port 139, RFC 1002 4.3.2 */
    MACHINE_CLAIMED,     /* a client's, in a SESSION_SETUP that was refused or had no answer */
    MACHINE_SHARE,       /* in a share's path, or a service name without a ticket, that the server accepted */
    MACHINE_SERVICE,     /* in the ticket that it accepted */
    MACHINE_ITSELF,      /* it named itself: NTLM target information, the workstation of a client that was accepted */
};

/* What a connection showed of one side's name. */
struct shown {
    struct shared_text *host, *fqdn; /* host NULL: nothing */
    enum machine_source source;
    bool full_is_claimed; /* the full name was, whatever its short form was since */
};

/* A file as its opens share it: deletion happens when the last open ends (MS-FSA 2.1.5.5). */
struct node {
    struct hash_node by_name; /* model->nodes, unless unlinked */
    unsigned opens;
    unsigned
        renames; /* how often it was renamed: opens that do not know of the last one take its name when they are next used */
    struct moment renamed; /* when: connections are not followed in step, and what was asked before has the old name */
    bool delete_pending;
    bool unlinked; /* it has no name any more: deleted with POSIX semantics, or replaced by a rename */
    struct address server;
    struct shared_text *share;    /* the path \\host\share; NULL where it is not known: */
    uint64_t session_id, tree_id; /* then these tell one from the other */
    struct shared_text *name;
};

struct handle {
    struct hash_node by_id; /* session->handles; SMB1: smb1_connection->fids */
    struct age age;         /* model->handle_ages, least recently used first */
    struct handle_facts facts;
    struct session *session;
    struct tree *tree; /* NULL: not known */
    struct link of_session, of_tree;
    struct node *node; /* NULL: not named, or a pipe */
    unsigned renames;  /* of the node, that the name knows of */
    struct shared_text *name;
    struct smb1_process *process; /* SMB1: that opened it, with what else it has open; NULL: not known */
    struct link of_process;
    struct durable *durable;                            /* NULL: it is not */
    bool delete_on_close, delete_pending, posix_delete; /* delete_pending: only without a node */
    bool read_reported, write_reported;
};

struct tree {
    struct hash_node by_id; /* session->trees */
    struct age age;         /* model->tree_ages, least recently used first */
    struct link of_session;
    struct tree_facts facts;
    struct session *session;
    struct list handles;
    struct shared_text *path;
};

struct session {
    struct hash_node by_id, by_peers; /* model's sessions_by_id, but for SMB1; and by_peers where the GUIDs are known */
    struct age age;                   /* model->session_ages */
    struct model *model;
    struct session_facts facts;
    struct address server; /* of its first connection */
    struct guid client_guid, server_guid;
    bool guids_known;
    bool made;            /* its SESSION_SETUP was seen, so that its other connections would have been seen, too */
    bool leaving;         /* its LOGOFF had no answer */
    bool gone;            /* its server said that it is no more */
    bool smb1;            /* facts.id is a UID, and means something on its connection alone */
    uint16_t pinned;      /* somebody is at work on it: not to be evicted */
    struct list channels; /* struct channel by of_session */
    struct hash trees, handles;
    struct list tree_list, handle_list; /* the same, in the order they came: what ends with the session is told in it */
    struct auth *auth;
};

/* A session on a connection. */
struct channel {
    struct hash_node by_id; /* connection->channels */
    struct link of_session, of_connection;
    struct session *session;
    struct connection *connection; /* NULL: it is folded: */
    struct folded *folded;
    bool encrypted_reported[DIRECTIONS];
};

/* A SESSION_SETUP exchange under way. */
struct setup {
    struct hash_node by_id; /* connection->setups */
    struct link of_connection;
    struct age age; /* model->setup_ages */
    struct connection *connection;
    uint64_t session_id;
    struct moment begin;
    bool asks_for_new; /* its first leg was seen, and names no session */
    struct auth *auth;
    struct security *security;
};

/* What neighbours in a compound chain share: the FileId that the all-ones one stands for (MS-SMB2 3.3.5.2.7.2). */
struct chain {
    unsigned holders;
    bool has_file_id;
    struct file_id file_id;
    struct shared_text *name; /* that its CREATE asked for */
    bool named;
};

/* A request that waits. */
struct exchange {
    struct hash_node by_id; /* connection->exchanges */
    struct link age;        /* connection->exchange_ages or put_off, oldest first */
    struct link of_model;   /* model->exchanges */
    struct connection *connection;
    /* views re-pointed to what is kept below, or emptied (length kept, p NULL); of another command's body nothing is set */
    struct smb2_message request;
    uint64_t session_id; /* resolved through the chain */
    uint32_t tree_id;
    bool has_tree_id, has_file_id, from_chain; /* from_chain: the FileId is the chain's */
    struct file_id file_id;
    uint64_t asked_at; /* the model's clock then */
    struct moment begin;
    bool compound, gap, compressed, async;
    bool doubtful;   /* see framer.h: without an answer it was none */
    bool after_idle; /* its connection had been silent for SESSION_IDLE_NS */
    unsigned interim;
    uint32_t context_mask;
    struct shared_text *text; /* the one text a request has: name, path, pattern, new name */
    struct auth *auth;
    struct security *security;
    struct chain *chain;
    struct shared_text
        *handle_name; /* of its handle when the answer was put off: the handle may be gone when it comes */
    bool handle_named;
    bool request_lost; /* stands for a request that was not seen, since an interim answer came */
    void *lists;       /* NEGOTIATE: its lists, in one piece of memory */
    size_t lists_size;
    struct smb2_lock_element first_lock;
    uint8_t copy_key[COPY_KEY_SIZE];
};

/* Resume keys of server-side copies (MS-SMB2 2.2.32.3): which file a key stands for. */
struct copy_source {
    uint8_t key[COPY_KEY_SIZE];
    struct shared_text *name;
};

/* A durable handle, which a client may take up again in another session (MS-SMB2 3.3.5.9.7 and 3.3.5.9.12). What it was is in its handle,
 * and behind that one's end in here. */
struct durable {
    struct hash_node by_server, by_guid; /* model's tables of these names; by_guid where the GUID is known */
    struct age age;                      /* model->durable_ages */
    struct address server;
    struct guid server_guid;
    bool guid_known;
    uint64_t persistent; /* of the FileId: this part stays the same */
    struct handle *handle;
    struct shared_text *name;
    bool named, directory, delete_on_close, resilient;
    uint64_t timeout_ns; /* how long the server keeps it without its connection; 0: not known */
    uint64_t lost_ns;    /* since when it has none; 0: it has, or that was not seen */
};

/* An open by an instance of an application, MS-SMB2 3.3.5.9.13: who opens the same file as the same instance, and is another client, has
 * it closed. One that was lost with its connection waits, where it is durable; one that was closed stays, for requests that name it. */
struct instance {
    struct hash_node by_application, by_file; /* model's tables of these names */
    struct age age;                           /* model->instance_ages */
    struct address server, client;
    struct guid application, client_guid;
    struct file_id file_id;
    uint64_t session_id;
    struct handle *handle; /* NULL: lost, or closed */
    struct shared_text *share, *name;
    bool rivalled, closed;       /* the other open was seen; and this one is certainly closed */
    struct takeover_facts rival; /* rivalled */
};

/* What a server answered to a question. */
struct answer {
    struct hash_node by_question; /* model->answers */
    struct age age;               /* model->answer_ages */
    struct endpoint server;
    uint8_t kind;      /* of question: enum answer_kind, answer.c */
    uint64_t question; /* a digest of it */
    bool guid_known;
    struct guid server_guid; /* another one: another server behind the address */
    uint16_t dialect;
    struct smb2_network_interface *interfaces;
    unsigned interface_count;
};

struct copy_sources {
    struct copy_source items[COPY_SOURCES_MAX];
    unsigned next; /* the oldest is written over */
};

/* Names for the end record of a connection. */
struct name_list {
    struct shared_text **items; /* NULL among them for an empty one */
    unsigned count, room;
};

struct connection_names {
    struct name_list users, shares; /* a user is two: domain and name */
    /* Most connections have one of each: the lists begin here. */
    struct shared_text *first_user[2], *first_share[1];
};

/* What ended on a connection, for its end record, CONNECTION_NAMES_MAX of each at most; how many there are is in the facts. */
struct ended_share { /* as struct share_sums */
    struct shared_text *path;
    struct message_counts messages;
    enum known encryption_required;
};

struct connection_sums {
    struct session_sums *sessions;
    struct ended_share *shares;
    unsigned session_room, share_room;
    /* Most connections have one of each: the arrays begin here. */
    struct session_sums first_session;
    struct ended_share first_share;
};

/* What both sides said in their last NEGOTIATE, as far as it is not in the facts. */
struct negotiation {
    bool asked, answered;
    uint32_t client_capabilities, server_capabilities, dialects; /* dialects: of the list a digest */
    struct guid client_guid;
};

/* A compound chain of a direction. */
struct chain_state {
    struct chain *chain;
    uint64_t session_id;
    uint32_t tree_id;
    bool open; /* an element came before in it */
};

struct connection {
    /* What each message needs lies together, up to the front of the facts: connection_expect fetches it. */
    struct model *model;
    /* the message at hand */
    const struct message *message; /* the model's, of which there is one at a time */
    enum direction dir;
    bool compressed;       /* it came out of a compressed envelope */
    bool covered;          /* one did not, which one is not known: its header was compressed as well */
    uint64_t last_ns;      /* the latest time of a message; 0: none came */
    struct auth *claimed;  /* found in the message at hand, for the SESSION_SETUP around it */
    struct security *said; /* the same, and for a NEGOTIATE */
    struct hash exchanges;
    struct list exchange_ages,
        put_off; /* put_off: older than the timeout, and not given up since an interim answer came */
    struct chain_state chains[DIRECTIONS];
    struct channel *last_channel;
    struct smb1_connection *smb1;       /* smb1_state.h; NULL until there is an SMB1 message */
    struct shared_text *netbios_called; /* until it is known whether the server answers to it */
    uint64_t machines_known;            /* the generation that facts.machines are of; 0: of none */
    struct connection_facts facts;
    struct hash channels, setups;
    struct list channel_list, setup_list;
    struct guid client_guid, server_guid;
    bool client_guid_known, server_guid_known;
    struct negotiation negotiation;
    bool started, client_accepted, smb1_looked_at;
    bool netbios_asked;                /* a session request was seen */
    struct copy_sources *copy_sources; /* NULL until a resume key is given out */
    struct connection_names *names;    /* NULL until there are any */
    struct connection_sums *sums;      /* NULL until a session or tree ended */
    struct shared_text *smb1_dialect;
    struct shown shown[MACHINE_SIDES];
    uint8_t *flow_json; /* the facts'; NULL: it was forgotten */
};

/* A connection that is closed and lingers, see fold.c. */
struct folded {
    struct connection_place *place;
    struct model *model;
    const struct flow_facts *flow;
    struct list channels;   /* in the order they came; in no hash */
    uint16_t beside, words; /* bytes of what the owner has put beside it, and of the connection */
    uint8_t bytes[];
};

struct model {
    struct model_limits limits;
    struct model_sink sink;
    struct budget *budget;
    struct stats *stats;
    uint64_t secret;
    struct message message;    /* at hand; its bytes are not kept */
    struct moment now;         /* of what is being dealt with: a message, or the end of a connection */
    struct packet_clock clock; /* for what waits too long */
    bool after_idle;           /* the connection of the message at hand was silent before it for SESSION_IDLE_NS */
    bool end_unseen;           /* a connection ends here alone: by neither FIN nor RST */
    size_t setup_count, tree_count, handle_count, exchange_count, smb1_exchange_count, smb1_transfer_count,
        session_count, channel_count, connection_count, durable_count, machine_count, instance_count, answer_count,
        peers_count;
    uint64_t machine_generation; /* changes with any name of a machine */
    struct hash sessions_by_id, sessions_by_peers, nodes, durables_by_server, durables_by_guid, machines,
        instances_by_application, instances_by_file, answers, peers;
    struct list session_ages, tree_ages, handle_ages, exchange_ages, durable_ages, setup_ages, smb1_exchange_ages,
        smb1_transfers, machine_ages, instance_ages, answer_ages, peers_ages;
    struct pool connections_pool, sessions_pool, channels_pool, trees_pool, handles_pool, nodes_pool, exchanges_pool,
        chains_pool, auths_pool, setups_pool, durables_pool, smb1_exchanges_pool, smb1_processes_pool, securities_pool,
        machines_pool, instances_pool, answers_pool, peers_pool, flow_jsons_pool;
    struct connection unfolded;     /* one that was folded and is at its end */
    struct takeover_facts takeover; /* of the operation at hand, as what follows */
    struct answer_change change;
    struct interface_change interface_changes[2 * ANSWER_INTERFACES_MAX];
    struct text_store texts;
    struct code_page *code_page; /* of OEM strings; NULL: none was set */
    struct arena scratch;        /* texts of the message at hand, in UTF-16 */
};

static inline void age_begin(const struct model *m, struct list *ages, struct age *a) {
    a->used = m->now.frame;
    list_append(ages, &a->link);
}

static inline void age_renew(const struct model *m, struct list *ages, struct age *a) {
    a->used = m->now.frame;
    list_renew(ages, &a->link);
}

/* All zeroes: by a call, where a compiler that knows the size takes an instruction that is slow to begin. */
static inline void clear(void *p, size_t n) {
    __asm__("" : "+r"(n));
    memset(p, 0, n);
}

/* A response, or a request that stays without one, on its way to being reported. */
struct completion {
    struct connection *c;
    struct exchange *ex;            /* NULL: the request was not seen */
    const struct smb2_message *rsp; /* NULL: the response was not seen, or there is none */
    struct smb1_exchange *smb1_ex;  /* SMB1, in place of the two above */
    struct smb1_message *smb1_rsp;
    const struct smb1_transaction_response *smb1_answer; /* of a transaction, where it was understood */
    struct session *session;
    struct tree *tree;
    struct handle *handle;
    struct auth *auth;         /* SESSION_SETUP: held for op.auth */
    struct security *security; /* the same, for op.security */
    struct operation op;
    bool ends_handle, ends_tree, ends_session; /* once it was reported */
};

/* status severity, MS-ERREF 2.3: what is no error, and the warning that still carries data */
static inline bool status_is_error(uint32_t status) {
    return status >> 30 == 3;
}

static inline bool status_succeeded(uint32_t status) {
    return status >> 31 == 0 || status == STATUS_BUFFER_OVERFLOW;
}

/* How a handle ends. */
enum handle_end {
    HANDLE_CLOSED,  /* a response said so */
    HANDLE_LOST,    /* with what it belonged to: the server closes it, unless it is durable */
    HANDLE_EVICTED, /* here alone; on the server it lives on */
};

/* session.c */
struct channel *session_channel(struct connection *, uint64_t session_id); /* NULL: not known here */
/* The session of an id on a connection: known, shared, or learned now. NULL: id 0, or no memory. */
struct session *session_learn(struct connection *, uint64_t session_id);
struct session *session_find(struct connection *, uint64_t session_id);
void session_leave(struct channel *); /* the last channel frees the session */
void session_free(struct session *, enum handle_end);
void session_end(struct session *); /* the server ended it: its handles are reported as closed */
/* The evict functions: the oldest goes. Never the youngest, which somebody may be at work on; false where no other is left. */
/* When this connection ends: does the session go on over another one, or may it, for all that was seen (MS-SMB2 3.3.7.1)? */
bool session_may_go_on(const struct channel *);
/* Is it there, and has no file open, for certain? What was encrypted, or compressed with its header, and what was not seen, may have
 * opened one, or a LOGOFF have ended it. */
bool session_has_nothing_open(const struct channel *);
bool session_evict(struct model *);
struct session *session_new(struct connection *, uint64_t session_id, bool smb1);
void session_setup_done(struct completion *);
struct setup *setup_find(struct connection *, uint64_t session_id);
/* A leg that is not the last, and what it told of who it is: the next one is found by the SessionId that the server gave. */
void setup_continue(struct completion *, struct setup *, struct auth *);
void setup_free(struct setup *);
bool setup_evict(struct model *);
/* It ends here without its last leg, and is reported as what it came to; over: its connection has ended. */
void setup_abandon(struct setup *, bool over);
struct auth *auth_keep(struct connection *, const struct ntlm_message *);
struct auth *auth_kerberos(struct connection *);
struct auth *auth_share(struct auth *);
void auth_drop(struct model *, struct auth *);

/* The exchange that an operation belongs to ends or goes on: what its tokens said, those of this operation included. */
void setup_collect(struct completion *, struct setup *, struct security **of_request);

/* security.c: what a token in the message at hand says */
void security_ntlm(struct connection *, const struct ntlm_message *);
/* The responses of SMB1 without extended security, which are in no token. NULL: no memory. */
struct security *security_responses(struct connection *, unsigned responses);
void security_kerberos(struct connection *, const struct kerberos_message *);
void security_spnego(struct connection *, const struct spnego_message *);
/* Both in one, by what is newer; takes over both, each of which may be NULL. */
struct security *security_join(struct model *, struct security *before, struct security *later);
struct security *security_share(struct security *);
void security_drop(struct model *, struct security *);
/* Names of machines in what an exchange said; accepted: it ended with a success. */
void security_show(struct connection *, const struct security *, bool accepted);

/* machine.c */
/* A name as one of a machine; empty where it is none. Borrows from it. */
struct machine_facts machine_name(struct text);
/* A side of the connection is called so; an empty name says nothing. */
void machine_show(struct connection *, enum machine_side, enum machine_source, struct machine_facts);
void machine_refresh(struct connection *); /* facts.machines: before they are read */
void machine_forget(struct connection *);
bool machine_evict(struct model *);
void machines_free(struct model *);

/* tree.c */
struct tree *tree_find(struct session *, uint32_t id);
struct tree *tree_learn(struct model *, struct session *, uint32_t id);
void tree_connected(struct completion *);
void tree_name(struct completion *, struct tree *, struct shared_text *path); /* the path is shared */
void tree_free(struct model *, struct tree *, enum handle_end);               /* its handles with it */
/* HOST of \\HOST\SHARE; empty where the path has another form. UTF-16. */
struct text tree_host(struct text path);
bool tree_evict(struct model *);

/* handle.c */
struct handle *handle_find(struct session *, struct file_id);
/* In the table of a session, or of an SMB1 connection. */
struct handle *handle_find_in(const struct model *, const struct hash *, struct file_id);
struct handle *handle_learn(struct model *, struct session *, struct tree *, struct file_id);
void handle_opened(struct completion *);
/* Names one that had no name; again: it was open before. */
void handle_name(struct model *, struct handle *, struct text name, bool again);
void handle_rename(struct model *, struct handle *, struct text name); /* by a successful rename */
/* Its life ended without a CLOSE of its own: reports what is left to say, then frees it. */
void handle_abandon(struct model *, struct handle *, enum handle_end);
void handle_free(struct model *, struct handle *, enum handle_end);
void handle_belongs(struct handle *, struct tree *); /* where its tree was not known */
void handle_refresh(struct model *, struct handle *,
                    struct moment);                       /* its name, where another open of the file was renamed */
void handle_forget_name(struct model *, struct handle *); /* renamed, and not known to what */
bool handle_evict(struct model *);

/* node.c */
/* Of a file that is to be opened, by its name in a tree: for node_open, to be called some time before it. */
uint64_t node_expect(const struct model *, const struct session *, const struct tree *, struct text name);
/* The handle is named, and has a tree. again: it was open before. NULL: no memory. */
struct node *node_open(struct model *, struct handle *, uint64_t hash, bool again);
void node_close(struct model *, struct node *); /* one open less; NULL is fine */
void node_rename(struct model *, struct node *, struct shared_text *name);
/* What is open under a path of the tree, as far as is known; NULL: nothing. */
struct node *node_at(struct model *, const struct tree *, struct text name);
void handle_mark(struct handle *, const struct smb2_set_info_request *);
bool handle_deletes(struct model *, struct handle *); /* it is closed: does its file go with it? */

/* durable.c */
struct durable *durable_find(const struct connection *, uint64_t persistent);
/* again: it was taken up, and what was granted before holds on. */
void durable_keep(struct connection *, struct handle *, bool again);
void durable_granted(struct handle *, uint32_t timeout_ms); /* DH2Q, MS-SMB2 2.2.14.2.12; 0: no time was given */
/* FSCTL_LMR_REQUEST_RESILIENCY succeeded, MS-SMB2 3.3.5.15.9. */
void durable_resilient(struct connection *, struct handle *, uint32_t timeout_ms);
/* Is it gone by then? The server waits for so long since it lost its client, MS-SMB2 3.3.2.2 and 3.3.2.4; only where that was seen. */
void durable_forget(const struct connection *, uint64_t persistent); /* one without its handle; there may be none */
/* When the last connection of a session was closed; 0: one is open. */
uint64_t durable_session_lost_ns(struct session *);
bool durable_timed_out(const struct durable *, uint64_t time_ns);
void durable_refused(struct completion *); /* a CREATE that was to take it up again */
void durable_leave(struct model *, struct handle *,
                   enum handle_end); /* its handle ends; unless it was closed it waits */
bool durable_evict(struct model *);
void durables_free(struct model *); /* all of them */

/* instance.c */
/* A CREATE with SMB2_CREATE_APP_INSTANCE_ID succeeded, or one that takes up a handle again. */
void instance_opened(struct completion *, struct handle *);
void instance_leave(struct model *, struct handle *, enum handle_end); /* the handle ends */
void instance_closed(struct completion *);                             /* answered with STATUS_FILE_CLOSED */
bool instance_evict(struct model *);
void instances_free(struct model *);

/* answer.c: what a server answered, held against what it answered to the same question before */
void answer_dialect(struct completion *, const struct smb2_negotiate_request *);
void answer_cluster_dialect(struct completion *); /* a TREE_CONNECT that has one in its error */
void answer_interfaces(struct completion *, const struct smb2_ioctl *response);
bool answer_evict(struct model *);
void answers_free(struct model *);

/* exchange.c */
/* Is the message at hand to be believed only when the other side bears it out? Where that side is not captured at all there is nothing
 * to wait for. */
bool connection_doubts(const struct connection *);
void exchange_request(struct connection *, const struct smb2_message *);
void exchange_response(struct connection *, const struct smb2_message *);
void exchange_expire(struct connection *); /* what waited too long */

/* Whether there is something for it to do: the oldest waited too long. */
static inline bool exchange_is_due(struct connection *c) {
    struct link *oldest = list_first(&c->exchange_ages);
    return oldest && c->model->clock.now - container_of(oldest, struct exchange, age)->asked_at >=
                         c->model->limits.answer_timeout_ns;
}
void exchange_abandon(struct exchange *); /* reported as unanswered, and freed */
void exchange_free(struct exchange *);
bool exchange_evict(struct model *);
/* Fills in what a completion's operation owes to where it belongs, and hands it on. */
void completion_report(struct completion *);
/* What ends with the operation, once it was reported. */
void completion_settle(struct completion *);

void chain_drop(struct model *, struct chain *); /* NULL is fine */

/* effect.c: what a finished operation changes */
void effect_apply(struct completion *);
void effect_after(struct completion *); /* once it was reported */

/* Sums of the connection, and of the handle where it is known. */
void effect_read(struct completion *, uint64_t bytes);
void effect_written(struct completion *, uint64_t bytes);
bool effect_first_time(struct completion *, bool writes); /* the first read or write of its handle */
void effect_deleted(struct completion *);
/* FSCTL_SRV_REQUEST_RESUME_KEY, MS-SMB2 2.2.32.3: the key that stands for this file in a later copy. */
void effect_copy_key(struct completion *, const uint8_t key[]);
/* FSCTL_SRV_COPYCHUNK, MS-SMB2 2.2.31.1: what was written came from the file of the key. */
void effect_copied(struct completion *, const uint8_t key[]);

/* negotiation.c */
/* Does it tell its owner from others? All zeros is that of clients of 2.0.2 (MS-SMB2 2.2.3), and of servers that have none. */
bool negotiation_guid_tells(const struct guid *);
/* May sessions of this connection have others, for all that both sides said? */
bool negotiation_may_bind(const struct connection *);
void negotiation_asked(struct connection *, const struct smb2_negotiate_request *);
void negotiation_answered(struct connection *, const struct smb2_negotiate_response *);
/* Does FSCTL_VALIDATE_NEGOTIATE_INFO, request or response or NULL, say something else? */
bool negotiation_differs(const struct connection *, const struct smb2_ioctl *, const struct smb2_ioctl *);

/* peers.c */
/* Client and server of this connection agreed on SMB2; dialect 0: on which is not known. */
void peers_agree(struct connection *, uint16_t dialect);
/* Had they before a time, and on what at most? */
bool peers_agreed(struct connection *, uint64_t time_ns, uint16_t *dialect);
bool peers_evict(struct model *);
void peers_free_all(struct model *);

/* sums.c */
/* A SESSION_SETUP succeeded, of the completion's session; asked: its request was seen, and said client_mode. */
void sums_session_begins(struct completion *, bool asked, uint16_t client_mode);
void sums_count(struct completion *); /* the messages of a completion */
/* They end with this connection, or on it; each is told once. */
void sums_session_ends(struct connection *, struct session *);
void sums_tree_ends(struct connection *, const struct tree *);
void sums_tell(struct connection *,
               struct share_sums *); /* what is kept becomes facts: shares, CONNECTION_NAMES_MAX at most */
void sums_free(struct connection *);

/* downgrade.c: the signs of an operation that is finished, into it and into its connection's facts */
void downgrade_look(struct completion *);
/* The session requires that its messages are signed, and a request that the server granted, or its answer, is not. */
static inline bool downgrade_lacks_signature(const struct completion *d) {
    return d->session && d->session->facts.signing_required == KNOWN_YES &&
           d->session->facts.encryption_required != KNOWN_YES && d->op.request && d->rsp &&
           d->op.kind != OPERATION_NEGOTIATE && d->op.kind != OPERATION_SESSION_SETUP &&
           status_succeeded(d->rsp->header.status) &&
           !(d->op.request->header.flags & d->rsp->header.flags & SMB2_FLAGS_SIGNED);
}

/* keep.c: what of a request outlives its packet */
void request_keep(struct exchange *, const struct smb2_message *);
void request_drop(struct exchange *);

/* smb1_exchange.c */
void smb1_message(struct connection *, const struct smb1_message *, enum verdict);
/* An SMB2 NEGOTIATE response for which no SMB2 request waits: true when it answered the SMB1 one, and was reported. */
bool smb1_answered(struct connection *, const struct smb2_message *);
void smb1_expire(struct connection *);
void smb1_end(struct connection *); /* what waits is reported as unanswered */
void smb1_free(struct connection *);
/* A session message without a header, of so many bytes: true where READ_RAW or WRITE_RAW made it so. */
bool smb1_raw(struct connection *, uint32_t length);
bool smb1_evict(struct model *);
/* smb1_file.c: where the handles of a session are found */
struct hash *smb1_fids(struct session *);
/* The handle ends: its process has one open less. */
void smb1_process_leave(struct handle *);

/* fold.c */
/* Its connection is there: room is made for it as by model_take, but the session stays. False: nothing is left to evict. */
__attribute__((warn_unused_result)) bool channel_unfold(struct channel *);
const struct flow_facts *channel_flow(const struct channel *);

/* connection.c */
/* What is the same in every connection, into zeroes or over one that was unfolded. */
void connection_begin(struct model *, struct connection *, const struct flow_facts *);
/* The memory it is in goes, and no more. */
void connection_leave(struct connection *);
/* All of connection_end but for that. */
void connection_finish(struct connection *, enum flow_end_reason, struct moment);
void connection_note_lives(const struct channel *); /* of its session, when it ends with its connection */
void connection_add_user(struct connection *, const struct auth *);
void connection_add_share(struct connection *, struct shared_text *path);

/* model.c: OEM text becomes UTF-16, in memory that lives as long as the message at hand */
void model_unify(struct model *, struct text *);
/* Takes from a pool, making room by evicting the oldest of what is plenty. NULL only where nothing is left to evict. */
void *model_take(struct model *, struct pool *);
void *model_take_raw(struct model *, struct pool *); /* not zeroed */
/* Keeps a text, making room likewise. NULL for an empty text, or where nothing is left to evict (counted). */
struct shared_text *model_text(struct model *, struct text);
/* The same for what many connections say. */
struct shared_text *model_text_common(struct model *, struct text);

#endif
