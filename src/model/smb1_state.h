/* The model's state for SMB1: private to src/model. Ids are those of one connection (MS-CIFS 3.3.1.3): UIDs are sessions with
 * smb1 set, TIDs are trees of the session without an id, so that a LOGOFF leaves them alone, FIDs are handles of the session that
 * opened them. */
#ifndef SMB1_STATE_H
#define SMB1_STATE_H

#include "model/state.h"
#include "smb1_transaction.h"

enum {
    SMB1_SAME_ID_MAX = 256,    /* requests that wait under one MID and PID; the oldest goes */
    SMB1_TEXTS_MAX = 4,        /* texts of one command */
    SMB1_TRANSFERS_MAX = 4096, /* transactions that are put together, all connections; the oldest is given up */
    SMB1_TRANSFER_PARAMETERS_MAX = 64 * 1024, /* bytes kept of one; what is above is left out */
    SMB1_TRANSFER_DATA_MAX = 256 * 1024,
    SMB1_SPANS_MAX =
        32, /* stretches of a part that came, with holes between them; what would make one more is left out */
};

/* Which bytes of a part came: stretches that do not touch, ascending. */
struct smb1_spans {
    struct {
        uint64_t from, to;
    } items[SMB1_SPANS_MAX];
    unsigned count;
};

/* A transaction of which more parts are to come: of the request, or of the response. */
struct smb1_transfer {
    struct link of_model; /* model->smb1_transfers, oldest first */
    struct smb1_exchange *owner;
    bool response;
    uint32_t parameter_offset; /* of the first part with parameters */
    size_t room[2];            /* of parameters and of data: kept below */
    uint64_t total[2];         /* bytes that there are, by the least that a part said */
    struct smb1_spans came[2];
    uint64_t unseen
        [2]; /* where the first of those begins that came and were not seen: the capture cut them, or their offset lied */
    uint8_t setup[64];
    size_t setup_length;
    uint8_t bytes[];
};

/* What a transaction asks, with its texts. */
struct smb1_asked {
    size_t size; /* of this piece of memory, bytes */
    struct smb1_transaction_request request;
    uint8_t bytes[];
};

/* A request that waits: one command of its chain. */
struct smb1_exchange {
    struct hash_node by_id; /* smb1_connection->exchanges, by MID and PID */
    struct link age;        /* smb1_connection->exchange_ages, oldest first */
    struct link of_model;   /* model->smb1_exchange_ages */
    struct connection *connection;
    uint64_t chain;      /* number of the message that it came in */
    uint32_t run;        /* doubtful: see framer.h; 0 once it was put off */
    uint64_t part_of;    /* a doubtful part of a transaction: chain of the request that it goes on with; 0: not seen */
    uint64_t gaps;       /* that the server's side had at its last message by then */
    uint64_t asked_gaps; /* that the client's side had when it came */
    struct smb1_message request; /* texts in UTF-16 and in kept; other views keep their length alone */
    uint64_t asked_at;           /* the model's clock then */
    struct moment begin;
    bool gap, compound;
    bool quiet;         /* it has an answer only where it fails */
    bool doubtful;      /* see framer.h: without an answer it was none */
    bool behind_open;   /* its chain opens a file first, and it is about that one */
    bool raw_data_came; /* WRITE_RAW: that which has no header, so that the server has said "go on" */
    unsigned interim;
    uint32_t mpx_sum, mpx_count; /* READ_MPX: bytes that came so far, and the least Count that was said */
    struct auth *auth;
    struct security *security;
    struct smb1_transfer *transfer; /* NULL: nothing is to be put together */
    bool transfer_lost;             /* that of the response was given up */
    struct smb1_asked *asked;       /* a transaction's subject, once it is known */
    void *kept;                     /* the texts, in one piece of memory */
    size_t kept_size;
    struct shared_text *handle_name; /* of its FID when it was sent: the handle may be gone when the answer comes */
    bool handle_named;
};

/* A process of the client, by its PID, as long as it has files open. */
struct smb1_process {
    struct hash_node by_pid; /* smb1_connection->processes */
    struct smb1_connection *of;
    uint32_t id;
    struct list handles; /* in the order they were opened */
};

/* Does the client give all it asks the same MID and PID, and wait for each answer? */
enum smb1_turns {
    SMB1_TURNS_UNKNOWN,
    SMB1_TURNS_ONE_BY_ONE, /* all messages so far had the same, and no two requests waited at once */
    SMB1_TURNS_MIXED,      /* they had not, or several requests waited at once */
};

struct smb1_connection {
    struct hash fids;      /* struct handle by by_id */
    struct hash exchanges; /* struct smb1_exchange */
    struct hash processes;
    struct list exchange_ages;
    struct list put_off;             /* older than the timeout, and waiting for as long as it takes */
    struct smb1_exchange *negotiate; /* the NEGOTIATE that waits */
    struct smb1_exchange *quiet;     /* the last one that waits for an answer which may not come */
    struct smb1_exchange *raw;       /* the READ_RAW or WRITE_RAW that waits: what comes next may have no header */
    uint64_t chain;                  /* number of the request at hand */
    bool before_nt;                  /* a dialect before NT LM 0.12 was chosen */
    bool plain_passwords;            /* so the server asked for them (MS-CIFS 2.2.4.52.2) */
    bool opening;                    /* it has a command that opens a file */
    uint64_t gaps;                   /* of the server's side, at its last message */
    enum smb1_turns turns;
    uint32_t borne_run; /* of the last doubtful request that was answered */
    bool id_known;      /* first_message_id and first_process_id: of the first message that was seen */
    uint16_t first_message_id;
    uint32_t first_process_id;
    bool raw_data; /* the last response said that the data of a WRITE_RAW may come */
    bool cut;      /* the message at hand was cut by the capture */
    bool faulty;   /* it contradicts itself, and that was counted */
    /* the response at hand */
    uint64_t answering; /* chain that it answers; 0: none that is known */
    bool new_uid, new_tid, opened;
    uint16_t fid; /* that the chain opened: what follows uses it (MS-CIFS 3.2.4.1.4) */
    /* a response that was told before all its messages were there: what else comes of it is not another one */
    struct {
        bool known;
        uint8_t command;
        uint16_t message_id;
        uint32_t process_id;
        uint64_t gaps; /* of both directions, by then */
    } told;
};

/* Does the response carry a status that says the command was done? With a DOS error too: more data (MS-CIFS 2.2.2.4). */
bool smb1_succeeded(const struct smb1_header *);
bool smb1_more_processing(const struct smb1_header *); /* STATUS_MORE_PROCESSING_REQUIRED */
bool smb1_is_error(const struct smb1_header *);        /* counted as one */

/* The request, where it was seen with its body, and the response, where it succeeded and has its body; NULL otherwise. */
const struct smb1_message *smb1_request_of(const struct completion *);
const struct smb1_message *smb1_answer_of(const struct completion *);
bool smb1_done(const struct completion *); /* answered, and succeeded */

/* smb1_keep.c */
/* The texts of a message, as it has them: up to SMB1_TEXTS_MAX. */
unsigned smb1_texts(struct smb1_message *, struct text *texts[SMB1_TEXTS_MAX]);
/* cut: the message was; a text that reaches its end is lost. */
void smb1_unify(struct model *, struct smb1_message *, bool cut);
/* Was there a text, of which not all was seen? */
bool smb1_text_lost(struct text);
struct text smb1_lost_text(void);
void smb1_keep(struct smb1_exchange *, const struct smb1_message *);
void smb1_drop(struct smb1_exchange *);
/* Without one leading backslash, as records have names. */
struct text smb1_name(struct text);

/* smb1_transfer.c */
bool smb1_is_transaction(uint8_t command);
uint8_t smb1_primary_of(uint8_t command); /* of a secondary request; SMB1_NO_ANDX_COMMAND of what is none */
/* The first message of a transaction; x->asked is known now, unless more is to come. */
void smb1_transfer_request(struct smb1_exchange *, const struct smb1_message *);
bool smb1_transfer_secondary(struct smb1_exchange *,
                             const struct smb1_message *); /* true: it was the last, and completed it */
void smb1_transfer_asked(struct smb1_exchange *);          /* by what is there */
/* True where more is to come. */
bool smb1_transfer_response(struct smb1_exchange *, const struct smb1_message *);
/* Does the message say that it is one of several? */
bool smb1_transfer_is_part(const struct smb1_message *);
/* What the whole response says. Views live as long as exchange and response. */
bool smb1_transfer_answer(const struct completion *, struct smb1_transaction_response *);
void smb1_transfer_free(struct smb1_exchange *);
void smb1_asked_free(struct smb1_exchange *);

/* smb1_transact.c */
void smb1_transact(struct completion *);
void smb1_transacted(struct completion *); /* once it was reported */

/* smb1_session.c */
/* UID 0 and none are the session without an id. NULL: not known; learn: no memory. */
struct session *smb1_session_find(struct connection *, uint16_t uid);
struct session *smb1_session_learn(struct connection *, uint16_t uid);
struct tree *smb1_tree_find(struct connection *, uint16_t tid);
struct tree *smb1_tree_learn(struct connection *, uint16_t tid);
void smb1_negotiated(struct completion *);
void smb1_session_setup(struct completion *);
void smb1_logoff(struct completion *);
void smb1_tree_connect(struct completion *);
void smb1_tree_disconnect(struct completion *);
void smb1_process_exit(struct completion *);

/* smb1_file.c */
struct handle *smb1_handle_find(struct connection *, uint16_t fid);
struct handle *smb1_handle_learn(struct completion *, uint16_t fid);
/* What an open asked for, in whatever form. */
struct smb1_opening {
    uint16_t fid;
    struct text name;
    bool named, directory, pipe, delete_on_close;
};
void smb1_opened(struct completion *, const struct smb1_opening *);
/* All that a process has open in the operation's session is closed. */
void smb1_process_end(const struct completion *, uint32_t process_id);
void smb1_on_path(struct completion *, struct text name); /* the file that the request names */
bool smb1_on_pipe(const struct completion *);
void smb1_nt_create(struct completion *);
void smb1_open(struct completion *);
void smb1_close(struct completion *);
void smb1_print(struct completion *);
void smb1_read(struct completion *);
void smb1_write(struct completion *);
void smb1_create_directory(struct completion *);
void smb1_delete(struct completion *);
void smb1_rename(struct completion *);
void smb1_copy(struct completion *);
void smb1_query_path(struct completion *);
void smb1_set_path(struct completion *);
void smb1_search(struct completion *);
void smb1_searched(struct completion *, struct text pattern); /* a pattern, sent with its folder */
/* A rename by path that succeeded: what is open under the old name has the new one. */
void smb1_path_renamed(struct completion *, struct text from, struct text to);

/* smb1_effect.c: what a finished operation changes, before and after it was reported */
void smb1_effect_apply(struct completion *);
void smb1_effect_after(struct completion *);
/* The FID that a request names; false where its command has none. */
bool smb1_request_fid(const struct smb1_message *, uint16_t *fid);

#endif
