/* What is known beyond one message: connections, sessions, trees, handles, and requests that wait for their responses. Here, and
 * nowhere else, a request meets its response (MS-SMB2 3.2.4.1.4: by MessageId).
 *
 * Sessions are keyed by server and SessionId, trees and handles by their session. A connection shares a session with another when
 * it was bound to it, or, where the binding was not seen, when client and server GUID of both connections are the same.
 * All state is bounded (limits below); at a bound the oldest goes, counted, and decoding goes on. */
#ifndef MODEL_H
#define MODEL_H

#include "budget.h"
#include "flow.h"
#include "framer.h"
#include "operation.h"
#include "pdu.h"
#include "stats.h"

/* How many of each there may be, over all connections; each has a counter in stats for when it bites. So many that memory comes to its
 * end before: they hold whatever --memory is. */
enum {
    MODEL_EXCHANGES_MAX = 1 << 21, /* requests without a response, of SMB2 and of SMB1 each; evicted_exchanges */
    MODEL_SESSIONS_MAX = 1 << 20,  /* evicted_sessions */
    MODEL_CHANNELS_MAX = 1 << 21,  /* sessions, counted once for each connection that carries them; evicted_sessions */
    MODEL_TREES_MAX = 1 << 21,     /* evicted_trees */
    MODEL_HANDLES_MAX = 1 << 22,   /* evicted_handles */
    MODEL_DURABLES_MAX = 1 << 16,  /* durable handles whose names are kept for a reconnect; evicted_durables */
    MODEL_INSTANCES_MAX = 1 << 16, /* opens by instances of applications, closed ones too; evicted_instances */
    MODEL_ANSWERS_MAX = 1 << 16,   /* answers of servers that the next ones are held against; evicted_answers */
    MODEL_SETUPS_MAX = 1 << 18,    /* SESSION_SETUP exchanges under way; evicted_setups */
    MODEL_MACHINES_MAX = 1 << 16,  /* addresses whose names are kept; evicted_machines */
    MODEL_PEERS_MAX = 1 << 16,     /* clients and servers that agreed on SMB2; evicted_peers */
};

struct model_limits {
    size_t exchanges, sessions, channels, trees, handles, durables, setups, machines, instances, answers, peers;
    uint64_t
        answer_timeout_ns; /* a request without any answer, an interim one included, is given up after this time, by a packet_clock */
};

struct model_limits model_limits_default(void);

enum {
    MACHINE_NAME_MAX = 255,     /* characters of a machine's name (RFC 1035 2.3.4); a longer one is none */
    CONNECTION_NAMES_MAX = 16,  /* users, shares, sessions named in an end record (records.md); names_left_out */
    COPY_SOURCES_MAX = 8,       /* resume keys of a connection, the oldest is written over; evicted_copy_keys */
    ANSWER_INTERFACES_MAX = 64, /* of a server, compared with those before; cut_answers */
    INSTANCE_SEARCH_MAX =
        256, /* opens of a file by one instance of an application, looked through for another client's; searches_cut */
    SESSION_SEARCH_MAX = 64,  /* sessions of an id, looked through for one that others share; searches_cut */
    FOLD_SESSIONS_MAX = 16,   /* of a connection that is folded; one with more stays as it is */
    BREAK_SESSIONS_MAX = 256, /* of a connection, looked through for the handle of an oplock break; searches_cut */
};

/* So long Windows servers let a session be that says nothing and has no file open, unless told otherwise (autodisconnect of
 * LanmanServer). */
#define SESSION_IDLE_NS (15 * 60 * UINT64_C(1000000000))

struct model;
struct connection;

struct model_sink {
    void *arg;
    void (*start)(void *arg, const struct connection_facts *);
    void (*operation)(void *arg, const struct operation *);
    void (*end)(void *arg, const struct connection_facts *, enum flow_end_reason, struct moment);
};

/* Limits and sink are copied. secret keys the hash tables. NULL: no memory. */
struct model *model_new(const struct model_limits *, const struct model_sink *, struct budget *, struct stats *,
                        uint64_t secret);
/* The code page of OEM strings, by the name that iconv knows it by; until one is set they are taken for ASCII. False: there is no such
 * code page, or no memory. */
__attribute__((warn_unused_result)) bool model_code_page(struct model *, const char *name);
/* Connections must have ended. NULL is fine. */
void model_free(struct model *);

/* NULL: no memory, or the budget is at its end. flow lives until connection_end returned; home and flow_json are for the facts, and the
 * latter is copied. */
struct connection *connection_new(struct model *, const struct flow_facts *flow, uint8_t home, struct view flow_json);
/* Frees flow_json: for one that is closed, and will hardly be told of more than once. Keeps another one; false: no memory. */
void connection_forget_json(struct connection *);
__attribute__((warn_unused_result)) bool connection_keep_json(struct connection *, struct view flow_json);
void connection_start(struct connection *);
/* A message is likely to come soon: brings into the processor's cache what it will need. No more than that: it need not come. */
void connection_expect(const struct connection *);
/* The message that the next pdus come from. */
void connection_message(struct connection *, enum direction, const struct message *);
void connection_pdu(struct connection *, const struct pdu *);
void connection_fault(struct connection *, enum framer_fault);
/* What the session service carries beside messages of SMB; true where it belongs to one. */
bool connection_other(struct connection *, enum direction, const struct other_packet *);
void connection_verdict(struct connection *, enum verdict);
/* Reports what is open, then the end, and frees the connection. */
void connection_end(struct connection *, enum flow_end_reason, struct moment);

/* A connection that is closed and lingers need not be there as a whole. Who owns it has a place for it, which stays where it is as long as
 * it is folded: one of both is there, or, where something was put beside it, both. */
struct folded;

struct connection_place {
    struct connection *connection;
    struct folded *folded;
};

/* Folds it, with a copy of the bytes beside it, up to UINT16_MAX of them; they may be those that lie beside it so far, which go. False: it
 * stays as it is, because a request waits, a session has a file open or there are many, or for want of memory. */
bool connection_fold(struct connection_place *, struct view beside);
/* As they were, with SPARSE_SLACK bytes behind them. */
struct view connection_beside(const struct folded *);
/* It is there as before, but for flow_json. It may come about by itself as well. False: no memory, and it is folded still. */
__attribute__((warn_unused_result)) bool connection_unfold(struct connection_place *);
/* The same as connection_unfold and connection_end, without memory for it. */
void connection_end_folded(struct connection_place *, enum flow_end_reason, struct moment);
/* What is beside a connection that is there goes. Nothing there is fine. */
void connection_folded_free(struct connection_place *);

/* For how many frames before this one the piece of state that was idle for longest was so; 0: there is none. */
uint64_t model_idle(struct model *, uint64_t frame);
/* That piece goes: a request as one without an answer, a handle with its sums. False: there is none. Not to be called from within the
 * sink. */
bool model_evict(struct model *);

/* What one of each costs, bytes: idle connection, session, tree, handle (names not counted), waiting request. */
struct model_costs {
    size_t connection, session, tree, handle, request;
};
struct model_costs model_costs(void);

#endif
