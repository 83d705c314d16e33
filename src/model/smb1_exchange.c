/* SMB1 requests and their responses, MS-CIFS 3.2.5.1: matched by MID and PID on their connection, command by command of their chains.
 * MIDs are free for use again as soon as they were answered, and some clients give every request the same: first in, first out. */
#include <stdlib.h>
#include <string.h>

#include "model/smb1_state.h"

/* ---- statuses */

enum {
    DOS_CLASS_DOS = 1,
    DOS_NO_FILES = 0x12,
    DOS_LOCK = 0x21,
    DOS_MORE_DATA = 0xEA
}; /* MS-CIFS 2.2.2.4: ERRDOS, ERRnofiles, ERRlock, ERRmoredata */

struct dos_error {
    unsigned class, code;
};

/* Class and code; class 0: none. An NTSTATUS may be one as well, its class below and its code above: STATUS_SMB_BAD_FID and its kin
 * (2.2.2.4), which have the severity of a success (MS-ERREF 2.3). */
static struct dos_error dos_error_of(const struct smb1_header *h) {
    enum { CLASSES = 3 };
    if (!h->nt_status) {
        return (struct dos_error){h->error_class, h->error_code};
    }
    unsigned class = h->status & 0xFFFF, code = h->status >> 16;
    bool is = class >= 1 && class <= CLASSES && code != 0 && h->status >> 30 == 0;
    return is ? (struct dos_error){class, code} : (struct dos_error){0, 0};
}

static bool is_dos_error(const struct smb1_header *h, unsigned code) {
    struct dos_error e = dos_error_of(h);
    return e.class == DOS_CLASS_DOS && e.code == code;
}

bool smb1_succeeded(const struct smb1_header *h) {
    if (dos_error_of(h).class != 0) {
        return is_dos_error(h, DOS_MORE_DATA);
    }
    return h->nt_status ? status_succeeded(h->status) : h->status == 0;
}

bool smb1_more_processing(const struct smb1_header *h) {
    return h->nt_status ? h->status == STATUS_MORE_PROCESSING_REQUIRED : is_dos_error(h, DOS_MORE_DATA);
}

bool smb1_is_error(const struct smb1_header *h) {
    if (dos_error_of(h).class != 0) {
        return !is_dos_error(h, DOS_MORE_DATA) && !is_dos_error(h, DOS_NO_FILES);
    }
    return h->nt_status && status_is_error(h->status) && h->status != STATUS_MORE_PROCESSING_REQUIRED;
}

/* What only a request for a lock, or for its end, is told (MS-CIFS 2.2.4.32.2). */
static bool is_of_lock(const struct smb1_header *h) {
    bool nt = h->nt_status && (h->status == STATUS_LOCK_NOT_GRANTED || h->status == STATUS_FILE_LOCK_CONFLICT ||
                               h->status == STATUS_RANGE_NOT_LOCKED);
    return nt || is_dos_error(h, DOS_LOCK);
}

const struct smb1_message *smb1_request_of(const struct completion *d) {
    return d->smb1_ex && !d->smb1_ex->request.empty ? &d->smb1_ex->request : NULL;
}

bool smb1_done(const struct completion *d) {
    return d->smb1_rsp && smb1_succeeded(&d->smb1_rsp->header);
}

const struct smb1_message *smb1_answer_of(const struct completion *d) {
    return smb1_done(d) && !d->smb1_rsp->is_error && !d->smb1_rsp->empty ? d->smb1_rsp : NULL;
}

/* ---- the connection's part */

static struct smb1_connection *part_of(struct connection *c) {
    if (c->smb1) {
        return c->smb1;
    }
    c->smb1 = budget_take(c->model->budget, sizeof *c->smb1);
    if (!c->smb1) {
        c->model->stats->evicted_exchanges++;
        return NULL;
    }
    hash_init(&c->smb1->fids, c->model->budget);
    hash_init(&c->smb1->exchanges, c->model->budget);
    hash_init(&c->smb1->processes, c->model->budget);
    list_init(&c->smb1->exchange_ages);
    list_init(&c->smb1->put_off);
    return c->smb1;
}

void smb1_free(struct connection *c) {
    if (c->smb1) {
        hash_free(&c->smb1->fids);
        hash_free(&c->smb1->exchanges);
        hash_free(&c->smb1->processes);
        budget_give(c->model->budget, c->smb1, sizeof *c->smb1);
        c->smb1 = NULL;
    }
}

/* ---- requests that wait */

static uint64_t smb1_exchange_hash(const struct connection *c, const struct smb1_header *h) {
    return hash_number(c->model->secret, (uint64_t)h->message_id << 32 | h->process_id);
}

static struct smb1_exchange *smb1_exchange_new(struct connection *c) {
    struct model *m = c->model;
    if (m->smb1_exchange_count >= m->limits.exchanges) {
        smb1_evict(m);
    }
    struct smb1_exchange *x = model_take(m, &m->smb1_exchanges_pool);
    if (x) {
        x->connection = c;
        x->chain = c->smb1->chain;
        x->gaps = c->smb1->gaps;
        x->asked_gaps = c->facts.flow->gaps[TO_SERVER];
        x->begin = c->message->begin;
        x->asked_at = m->clock.now;
        x->gap = c->message->missing > 0;
        x->doubtful = c->message->doubtful;
        x->run = c->message->run;
        m->smb1_exchange_count++;
    }
    return x;
}

static void smb1_exchange_free(struct smb1_exchange *x) {
    struct model *m = x->connection->model;
    smb1_drop(x);
    m->smb1_exchange_count--;
    pool_give(&m->smb1_exchanges_pool, x);
}

static void smb1_exchange_wait(struct smb1_exchange *x) {
    struct connection *c = x->connection;
    hash_insert(&c->smb1->exchanges, &x->by_id, smb1_exchange_hash(c, &x->request.header));
    list_append(&c->smb1->exchange_ages, &x->age);
    list_append(&c->model->smb1_exchange_ages, &x->of_model);
}

/* Out of the tables; its owner alone knows it now. */
static void smb1_exchange_detach(struct smb1_exchange *x) {
    struct smb1_connection *s = x->connection->smb1;
    hash_remove(&s->exchanges, &x->by_id);
    list_remove(&x->age);
    list_remove(&x->of_model);
    if (s->negotiate == x) {
        s->negotiate = NULL;
    }
    if (s->quiet == x) {
        s->quiet = NULL;
    }
    if (s->raw == x) {
        s->raw = NULL;
    }
}

/* The gaps that the server's side has before the message at hand: what is missing of that one itself, as where packets are cut, is none
 * before it. */
static uint64_t gaps_before(const struct connection *c) {
    return c->message->missing > 0 ? c->smb1->gaps : c->facts.flow->gaps[TO_CLIENT];
}

static bool same_id(const struct smb1_exchange *x, const struct smb1_header *h) {
    return x->request.header.message_id == h->message_id && x->request.header.process_id == h->process_id;
}

/* The one that answers a WRITE_RAW in the end has a code of its own (MS-CIFS 2.2.4.25.3). */
static bool answers(const struct smb1_exchange *x, uint8_t command) {
    return x->request.command == command || (x->request.command == SMB1_WRITE_RAW && command == SMB1_WRITE_COMPLETE);
}

static bool is_older(const struct smb1_exchange *x, const struct smb1_exchange *than) {
    return x->chain != than->chain ? x->chain < than->chain : x->request.chain_index < than->request.chain_index;
}

/* Is x rather than y what a response answers? The older; but of what was sent before a gap on the server's side the answer may be in the
 * gap. Of what came on the same side of a gap, what is doubtful comes last, and of that the younger first: file data may be full of it.
 * loud: it is no answer for a request that is quiet. */
static bool is_likelier(const struct smb1_exchange *x, const struct smb1_exchange *y, uint64_t gaps, bool loud) {
    bool lost = x->gaps != gaps && y->gaps != gaps;
    if (lost || (x->doubtful && y->doubtful)) {
        return is_older(y, x);
    }
    if (x->doubtful != y->doubtful && (x->gaps == gaps) == (y->gaps == gaps)) {
        return y->doubtful;
    }
    if (loud && x->quiet != y->quiet) {
        return y->quiet;
    }
    if ((x->gaps == gaps) != (y->gaps == gaps)) {
        return x->gaps == gaps;
    }
    return is_older(x, y);
}

/* Has a response the UID and TID of its request, as it has where it gives no new ones? Many clients use a MID again. */
static bool same_place(const struct smb1_exchange *x, const struct smb1_message *r) {
    const struct smb1_header *q = &x->request.header;
    bool new_tid = r->command == SMB1_TREE_CONNECT || r->command == SMB1_TREE_CONNECT_ANDX ||
                   r->command == SMB1_SESSION_SETUP_ANDX || x->compound;
    return (q->user_id == 0 || q->user_id == r->header.user_id) && (new_tid || q->tree_id == r->header.tree_id);
}

/* Does a request wait under these ids, of whose answer nothing can have been lost? */
static bool surely_waits(const struct connection *c, const struct smb1_header *h) {
    uint64_t hash = smb1_exchange_hash(c, h);
    for (struct hash_node *n = hash_first(&c->smb1->exchanges, hash); n; n = hash_again(n, hash)) {
        const struct smb1_exchange *x = container_of(n, struct smb1_exchange, by_id);
        if (same_id(x, h) && !x->quiet && !x->doubtful && x->gaps == c->facts.flow->gaps[TO_CLIENT]) {
            return true;
        }
    }
    return false;
}

/* Learns from the ids of a request or response whether the client asks one thing after the other, all under one MID. */
static void take_turn(struct connection *c, const struct smb1_message *m) {
    struct smb1_connection *s = c->smb1;
    const struct smb1_header *h = &m->header;
    bool again = s->id_known && s->first_message_id == h->message_id && s->first_process_id == h->process_id;
    if (s->turns == SMB1_TURNS_MIXED) {
        return;
    }
    if (!s->id_known) {
        s->id_known = true;
        s->first_message_id = h->message_id;
        s->first_process_id = h->process_id;
    } else if (!again || (!m->response && surely_waits(c, h))) {
        s->turns = SMB1_TURNS_MIXED;
    } else if (!m->response) {
        s->turns = SMB1_TURNS_ONE_BY_ONE;
    }
}

/* Was it answered unseen? A client that asks one thing after the other under one MID (MS-CIFS 2.2.1.6.2) went on, since bytes of it were
 * lost behind the request; and of the server's side some were lost as well. Not so where what was lost may be the rest of the request. */
static bool is_past(const struct smb1_exchange *x, uint64_t gaps) {
    const struct connection *c = x->connection;
    bool goes_on = (x->transfer && !x->transfer->response) || x->request.command == SMB1_WRITE_RAW;
    return c->smb1->turns == SMB1_TURNS_ONE_BY_ONE && x->gaps != gaps && !x->gap && !goes_on &&
           x->asked_gaps != c->facts.flow->gaps[TO_SERVER];
}

/* What of a chain waits that a response is for: the oldest under its ids that it may answer, or, of a chain that is being answered,
 * the command in its place. */
static struct smb1_exchange *smb1_exchange_find(struct connection *c, const struct smb1_message *r) {
    uint64_t hash = smb1_exchange_hash(c, &r->header), gaps = gaps_before(c);
    struct smb1_exchange *found = NULL;
    bool loud = smb1_succeeded(&r->header) || is_of_lock(&r->header);
    for (struct hash_node *n = hash_first(&c->smb1->exchanges, hash); n; n = hash_again(n, hash)) {
        struct smb1_exchange *x = container_of(n, struct smb1_exchange, by_id);
        bool unsure = x->doubtful || c->message->doubtful || x->gaps != gaps;
        bool fits = same_id(x, &r->header) && answers(x, r->command) && x->request.chain_index == r->chain_index &&
                    (!unsure || same_place(x, r)) && !is_past(x, gaps);
        if (!fits || (r->chain_index != 0 && x->chain != c->smb1->answering)) {
            continue;
        }
        found = !found || is_likelier(x, found, gaps, loud) ? x : found;
    }
    return found;
}

/* ---- the way out */

static void place_by(struct completion *d, const struct smb1_header *q, const struct smb1_header *r, uint8_t command) {
    const struct smb1_connection *s = d->c->smb1;
    bool new_uid = r && (command == SMB1_SESSION_SETUP_ANDX || s->new_uid);
    bool new_tid = r && (command == SMB1_TREE_CONNECT_ANDX || s->new_tid);
    uint16_t uid = new_uid || !q ? r->user_id : q->user_id;
    uint16_t tid = new_tid || !q ? r->tree_id : q->tree_id;
    bool treeless = command == SMB1_NEGOTIATE || command == SMB1_SESSION_SETUP_ANDX || command == SMB1_LOGOFF_ANDX ||
                    command == SMB1_ECHO || command == SMB1_PROCESS_EXIT;
    d->op.session_id = uid == SMB1_ID_NONE ? 0 : uid;
    d->op.has_tree_id = tid != SMB1_ID_NONE && !treeless;
    d->op.tree_id = d->op.has_tree_id ? tid : 0;
}

/* The FID that a request names, a transaction in what it asks. */
static bool fid_of(const struct smb1_exchange *x, uint16_t *fid) {
    if (x->asked && x->asked->request.has_fid) {
        *fid = x->asked->request.fid;
        return true;
    }
    return smb1_request_fid(&x->request, fid);
}

/* Where the operation belongs: as the request says, unless the chain got a new UID, TID or FID on its way. */
static void place(struct completion *d) {
    const struct smb1_exchange *x = d->smb1_ex;
    const struct smb1_message *r = d->smb1_rsp;
    struct operation *op = &d->op;
    uint16_t fid;
    place_by(d, x ? &x->request.header : NULL, r ? &r->header : NULL, x ? x->request.command : r->command);
    op->smb1_request = x ? &x->request : NULL;
    op->smb1_response = r;
    op->has_file_id = x && fid_of(x, &fid);
    if (op->has_file_id && x->behind_open) {
        fid = r && d->c->smb1->opened ? d->c->smb1->fid : SMB1_ID_NONE;
    }
    op->has_file_id = op->has_file_id && fid != SMB1_ID_NONE;
    op->file_id.volatile_part = op->has_file_id ? fid : 0;
    op->failed = r && smb1_is_error(&r->header) && !op->unasked;
    op->begin = x ? x->begin : d->c->message->begin;
    op->end = r ? d->c->message->begin : op->begin;
    op->gap = (x && x->gap) || (r && d->c->message->missing > 0);
    op->compound = x ? x->compound : r->chain_index != 0 || !r->chain_last;
    op->interim_responses = x ? x->interim : 0;
}

/* Session, tree and handle are known from now on, where they were not; an error may be about an id that there is not. */
static void learn(struct completion *d) {
    uint8_t command = d->smb1_ex ? d->smb1_ex->request.command : d->smb1_rsp->command;
    struct operation *op = &d->op;
    bool trusted = smb1_done(d);
    if (command == SMB1_NEGOTIATE || command == SMB1_SESSION_SETUP_ANDX) {
        return;
    }
    uint16_t uid = (uint16_t)op->session_id, tid = (uint16_t)op->tree_id;
    d->session = trusted ? smb1_session_learn(d->c, uid) : smb1_session_find(d->c, uid);
    if (d->session) {
        d->session->pinned++;
    }
    if (op->has_tree_id && command != SMB1_TREE_CONNECT && command != SMB1_TREE_CONNECT_ANDX) {
        d->tree = trusted ? smb1_tree_learn(d->c, tid) : smb1_tree_find(d->c, tid);
    }
    if (op->has_file_id) {
        uint16_t fid = (uint16_t)op->file_id.volatile_part;
        bool waits = d->smb1_ex && d->smb1_ex->asked && d->smb1_ex->asked->request.subject.kind == SMB1_SUBJECT_NT &&
                     d->smb1_ex->asked->request.subject.subcommand == NT_TRANSACT_NOTIFY_CHANGE;
        bool closes =
            waits || command == SMB1_CLOSE || command == SMB1_WRITE_AND_CLOSE || command == SMB1_CLOSE_PRINT_FILE;
        d->handle = trusted && !closes ? smb1_handle_learn(d, fid) : smb1_handle_find(d->c, fid);
    }
    if (d->handle) {
        handle_refresh(d->c->model, d->handle, d->op.begin);
        d->tree = d->tree ? d->tree : d->handle->tree;
    }
    if (!d->handle && d->smb1_ex && d->smb1_ex->handle_named && op->has_file_id) {
        op->has_aimed_name = true;
        op->aimed_name = text_of(d->smb1_ex->handle_name);
    }
}

static void finish(struct completion *d) {
    struct smb1_transaction_response answer;
    place(d);
    learn(d);
    d->smb1_answer = smb1_transfer_answer(d, &answer) ? &answer : NULL;
    d->op.smb1_asked = d->smb1_ex && d->smb1_ex->asked ? &d->smb1_ex->asked->request : NULL;
    d->op.smb1_answered = d->smb1_answer;
    struct session *session = d->session;
    smb1_effect_apply(d);
    completion_report(d);
    smb1_effect_after(d);
    security_drop(d->c->model, d->security);
    if (session) {
        session->pinned--;
    }
    completion_settle(d);
}

/* It is no doubt a request: it, or its chain, was answered, or no answer is to be had. */
static void believe(struct smb1_exchange *x) {
    x->connection->facts.requests += x->doubtful;
    x->doubtful = false;
}

static void smb1_exchange_abandon(struct smb1_exchange *x) {
    smb1_exchange_detach(x);
    if (x->doubtful && x->connection->facts.flow->packets[TO_CLIENT] != 0) {
        smb1_exchange_free(x);
        return;
    }
    believe(x);
    smb1_transfer_asked(x);
    struct completion d = {.c = x->connection, .smb1_ex = x};
    d.op.response_lost = !x->quiet;
    finish(&d);
    smb1_exchange_free(x);
}

/* ---- requests */

/* The oldest of too many under one id. */
static void bound_same_id(struct connection *c, const struct smb1_header *h) {
    uint64_t hash = smb1_exchange_hash(c, h);
    struct smb1_exchange *oldest = NULL;
    unsigned count = 0;
    for (struct hash_node *n = hash_first(&c->smb1->exchanges, hash); n; n = hash_again(n, hash)) {
        struct smb1_exchange *x = container_of(n, struct smb1_exchange, by_id);
        count++;
        oldest = !oldest || is_older(x, oldest) ? x : oldest;
    }
    if (count >= SMB1_SAME_ID_MAX) {
        c->model->stats->evicted_exchanges++;
        smb1_exchange_abandon(oldest);
    }
}

/* The acknowledgement of an oplock break that locks nothing (MS-CIFS 2.2.4.32): the server says something only where it fails. */
static bool is_quiet(const struct smb1_message *q) {
    return q->command == SMB1_LOCKING_ANDX && !q->empty && (q->locking_request.type_of_lock & OPLOCK_RELEASE) &&
           q->locking_request.locks.count == 0 && q->locking_request.unlocks.count == 0 && q->chain_index == 0 &&
           q->chain_last;
}

/* It had its time: it is told once the server answers something else, or the next one is here. */
static void settle_quiet(struct connection *c) {
    if (c->smb1->quiet) {
        smb1_exchange_abandon(c->smb1->quiet);
    }
}

static bool is_secondary(const struct smb1_message *q) {
    return smb1_primary_of(q->command) != SMB1_NO_ANDX_COMMAND;
}

/* NT_CANCEL has no answer (MS-CIFS 2.2.4.65), nor the rest of a transaction (2.2.4.34.2), an ECHO that asks for none (2.2.4.39), and a
 * transaction that says so (2.2.4.33.1). */
static bool is_unanswerable(const struct smb1_message *q) {
    enum { NO_RESPONSE = 2 };
    if (q->command == SMB1_NT_CANCEL || is_secondary(q) || q->empty) {
        return q->command == SMB1_NT_CANCEL || is_secondary(q);
    }
    switch (q->command) {
    case SMB1_ECHO:
        return q->echo.count == 0;
    case SMB1_TRANSACTION:
        return q->transaction.flags & NO_RESPONSE;
    default:
        return false;
    }
}

static void remember_handle(struct smb1_exchange *x) {
    uint16_t fid;
    struct handle *h =
        !x->behind_open && !x->handle_named && fid_of(x, &fid) ? smb1_handle_find(x->connection, fid) : NULL;
    if (h && h->facts.named) {
        x->handle_name = text_share(h->name);
        x->handle_named = true;
    }
}

/* The rest of a transaction comes under the ids of its first message (MS-CIFS 3.2.4.1.5): of several, of the oldest that is not whole.
 * Returns the chain of that one; 0: none waits for it. */
static uint64_t secondary(struct connection *c, const struct smb1_message *q) {
    uint64_t hash = smb1_exchange_hash(c, &q->header);
    struct smb1_exchange *first = NULL;
    for (struct hash_node *n = hash_first(&c->smb1->exchanges, hash); n; n = hash_again(n, hash)) {
        struct smb1_exchange *x = container_of(n, struct smb1_exchange, by_id);
        bool fits = same_id(x, &q->header) && x->request.command == smb1_primary_of(q->command) && x->transfer;
        first = fits && (!first || is_older(x, first)) ? x : first;
    }
    if (first && smb1_transfer_secondary(first, q)) {
        remember_handle(first);
    }
    return first ? first->chain : 0;
}

/* One that nothing answers. */
static void tell_alone(struct smb1_exchange *x) {
    struct completion d = {.c = x->connection, .smb1_ex = x};
    believe(x);
    finish(&d);
}

/* Of the doubtful parts of the transaction that a response is to, the oldest. first: its first message; NULL: that was lost. */
static struct smb1_exchange *doubtful_part(struct connection *c, const struct smb1_exchange *first,
                                           const struct smb1_message *r) {
    uint64_t hash = smb1_exchange_hash(c, &r->header);
    struct smb1_exchange *found = NULL;
    for (struct hash_node *n = hash_first(&c->smb1->exchanges, hash); n; n = hash_again(n, hash)) {
        struct smb1_exchange *x = container_of(n, struct smb1_exchange, by_id);
        bool fits = x->doubtful && same_id(x, &r->header) && smb1_primary_of(x->request.command) == r->command &&
                    x->request.header.user_id == r->header.user_id && x->part_of == (first ? first->chain : 0);
        found = fits && (!found || is_older(x, found)) ? x : found;
    }
    return found;
}

/* A doubtful part of a transaction has no answer of its own: what answers the transaction bears it out, as it bears out the response.
 * True where there was one. */
static bool bear_out_parts(struct connection *c, const struct smb1_exchange *first, const struct smb1_message *r) {
    struct smb1_exchange *x;
    bool any = false;
    while (smb1_is_transaction(r->command) && (x = doubtful_part(c, first, r))) {
        smb1_exchange_detach(x);
        tell_alone(x);
        smb1_exchange_free(x);
        any = true;
    }
    return any;
}

static void request(struct connection *c, const struct smb1_message *q) {
    bool doubtful = connection_doubts(c);
    c->facts.requests += !c->message->doubtful;
    c->smb1->chain += q->chain_index == 0;
    if (q->command == SMB1_NEGOTIATE && c->smb1->negotiate && !doubtful) {
        smb1_exchange_abandon(c->smb1->negotiate);
    }
    bound_same_id(c, &q->header);
    if (q->chain_index == 0 && !doubtful && !is_secondary(q) && q->command != SMB1_NT_CANCEL) {
        take_turn(c, q);
    }
    uint64_t part_of = is_secondary(q) ? secondary(c, q) : 0;
    struct smb1_exchange *x = smb1_exchange_new(c);
    if (!x) {
        c->model->stats->evicted_exchanges++;
        return;
    }
    smb1_keep(x, q);
    x->part_of = part_of;
    x->compound = q->chain_index != 0 || !q->chain_last;
    x->auth = c->claimed;
    x->security = c->said;
    c->claimed = NULL;
    c->said = NULL;
    c->smb1->opening = c->smb1->opening && q->chain_index != 0;
    x->behind_open = c->smb1->opening;
    c->smb1->opening |= q->command == SMB1_OPEN_ANDX || q->command == SMB1_NT_CREATE_ANDX;
    if (smb1_is_transaction(q->command)) {
        smb1_transfer_request(x, q);
    }
    remember_handle(x);
    if (is_unanswerable(q) && !(doubtful && is_secondary(q))) {
        if (!doubtful) {
            tell_alone(x);
        }
        smb1_exchange_free(x);
        return;
    }
    x->quiet = is_quiet(q);
    if (x->quiet) {
        settle_quiet(c);
        c->smb1->quiet = x;
    }
    smb1_exchange_wait(x);
    if (doubtful) {
        return;
    }
    if (q->command == SMB1_NEGOTIATE) {
        c->smb1->negotiate = x;
    }
    if (q->command == SMB1_READ_RAW || q->command == SMB1_WRITE_RAW) {
        c->smb1->raw = x;
    }
}

/* The break of an oplock, MS-CIFS 2.2.4.32.1: the one request that a server sends. */
static void unasked(struct connection *c, struct smb1_message *m) {
    struct completion d = {.c = c, .smb1_rsp = m};
    d.op.unasked = true;
    finish(&d);
}

/* ---- responses */

/* MS-CIFS 2.2.4.23: there is more until the sum of the DataLengths is the smallest Count. */
static bool mpx_goes_on(struct smb1_exchange *x, const struct smb1_read_response *r) {
    x->mpx_count = x->interim != 0 && x->mpx_count < r->count ? x->mpx_count : r->count;
    x->mpx_sum += r->data_length;
    return x->mpx_sum < x->mpx_count;
}

/* The interim response to WRITE_RAW has 0xFFFF where a file is written to (MS-CIFS 2.2.4.25.2). */
static bool says_go_on(const struct smb1_message *r) {
    enum { TO_A_FILE = 0xFFFF };
    return r->command == SMB1_WRITE_RAW && !r->empty && smb1_succeeded(&r->header) &&
           r->write_response.available == TO_A_FILE;
}

/* "Go on": the final one comes with WRITE_COMPLETE (MS-CIFS 2.2.4.25.3), from Samba with WRITE_RAW again. Where something was lost since
 * the request it may be either. */
static bool is_raw_interim(const struct smb1_exchange *x, const struct smb1_message *r) {
    enum { WRITE_THROUGH = 1 };
    bool through = !x->request.empty && (x->request.write_request.write_mode & WRITE_THROUGH);
    bool nothing_lost = x->gaps == gaps_before(x->connection);
    return through && x->interim == 0 && !x->raw_data_came && (nothing_lost || says_go_on(r));
}

/* Is this not the last response to its request? */
static bool is_interim(struct smb1_exchange *x, const struct smb1_message *r) {
    if (smb1_is_transaction(r->command) && !r->empty && !r->is_error) {
        return smb1_transfer_response(x, r);
    }
    if (r->empty || r->is_error || !smb1_succeeded(&r->header)) {
        return false;
    }
    switch (r->command) {
    case SMB1_READ_MPX:
        return mpx_goes_on(x, &r->read_response);
    case SMB1_ECHO: /* one for each that was asked for, numbered from 1 on (2.2.4.39.2) */
        return !x->request.empty && r->echo.count < x->request.echo.count;
    case SMB1_WRITE_RAW:
        return is_raw_interim(x, r);
    default:
        return false;
    }
}

/* ---- responses of which more messages may come than were waited for */

static uint64_t gaps_of(const struct connection *c) {
    return c->facts.flow->gaps[TO_CLIENT] + c->facts.flow->gaps[TO_SERVER];
}

/* Cut before its words, a message of these does not say whether it is the last. And there are servers that answer each WRITE_MPX. */
static bool may_go_on(const struct connection *c, const struct smb1_message *r) {
    bool many = smb1_is_transaction(r->command) || r->command == SMB1_READ_MPX || r->command == SMB1_ECHO;
    return (many && !r->is_error && r->empty && c->smb1->cut) || r->command == SMB1_WRITE_MPX;
}

static bool is_told(const struct smb1_connection *s, const struct smb1_message *r) {
    return s->told.known && s->told.command == r->command && s->told.message_id == r->header.message_id &&
           s->told.process_id == r->header.process_id;
}

/* x: what it answers; NULL: not known. */
static void remember_told(struct connection *c, const struct smb1_exchange *x, const struct smb1_message *r) {
    bool part = smb1_transfer_is_part(r) && !(x && x->transfer);
    bool raw = !x && r->command == SMB1_WRITE_RAW && smb1_succeeded(&r->header);
    if (!part && !raw && !(x && may_go_on(c, r))) {
        c->smb1->told.known = c->smb1->told.known && !is_told(c->smb1, r);
        return;
    }
    c->smb1->told.known = true;
    c->smb1->told.command = raw ? SMB1_WRITE_COMPLETE : r->command;
    c->smb1->told.message_id = r->header.message_id;
    c->smb1->told.process_id = r->header.process_id;
    c->smb1->told.gaps = gaps_of(c);
}

/* The rest of a response that was told: no request waits for it, nothing was lost since, and it is not the front of another one. */
static bool was_told(const struct connection *c, const struct smb1_message *r) {
    const struct smb1_transaction *t = &r->transaction;
    bool front =
        smb1_is_transaction(r->command) && !r->empty && t->parameter_displacement == 0 && t->data_displacement == 0;
    return is_told(c->smb1, r) && c->smb1->told.gaps == gaps_of(c) && !front;
}

/* ---- chains of responses */

/* What waits of the chain that is being answered: its first command, and how many there are. */
static struct smb1_exchange *rest_of_chain(struct connection *c, const struct smb1_header *h, unsigned *count) {
    uint64_t hash = smb1_exchange_hash(c, h), chain = c->smb1->answering;
    struct smb1_exchange *next = NULL;
    *count = 0;
    for (struct hash_node *n = hash_first(&c->smb1->exchanges, hash); n && chain; n = hash_again(n, hash)) {
        struct smb1_exchange *x = container_of(n, struct smb1_exchange, by_id);
        *count += x->chain == chain;
        next = x->chain == chain && (!next || is_older(x, next)) ? x : next;
    }
    return next;
}

/* What a response chain did not come to: the command that failed ended it (MS-CIFS 2.2.3.4). */
static void chain_ends(struct connection *c, const struct smb1_header *h) {
    struct smb1_exchange *next;
    unsigned count;
    while ((next = rest_of_chain(c, h, &count))) {
        believe(next);
        smb1_exchange_abandon(next);
    }
    c->smb1->answering = 0;
}

/* Another command follows that the capture does not show: then this one is not the last either. */
static bool is_cut_off(const struct connection *c, const struct smb1_message *r) {
    return r->chain_cut && c->smb1->cut;
}

/* The header's status is that of the last command; those before it succeeded. */
static void own_status(const struct connection *c, struct smb1_message *r) {
    if (!r->chain_last || is_cut_off(c, r)) {
        r->header.status = 0;
        r->header.error_class = 0;
        r->header.error_code = 0;
    }
}

static void answered(struct connection *c, struct smb1_exchange *x, struct smb1_message *r) {
    if (x) {
        smb1_exchange_detach(x);
        smb1_transfer_asked(x);
    }
    struct completion d = {.c = c, .smb1_ex = x, .smb1_rsp = r};
    d.op.request_lost = !x;
    finish(&d);
    if (x) {
        smb1_exchange_free(x);
    }
}

/* The commands behind the place where the capture cut the response: all succeeded, or the last of them has the status. Where several
 * are left, which was the last one that the server came to is not known. */
static void answer_unseen(struct connection *c, const struct smb1_header *h) {
    struct smb1_exchange *next;
    unsigned count;
    while ((next = rest_of_chain(c, h, &count)) && (count == 1 || smb1_succeeded(h))) {
        struct smb1_message r = {.header = *h, .command = next->request.command, .empty = true};
        r.andx_command = SMB1_NO_ANDX_COMMAND;
        r.chain_index = next->request.chain_index;
        r.response = true;
        r.chain_last = count == 1;
        c->facts.errors += smb1_is_error(h);
        believe(next);
        answered(c, next, &r);
    }
}

/* The server answers the last of several WRITE_MPX alone, for all of them (MS-CIFS 2.2.4.26). */
static void answered_all(struct connection *c, struct smb1_exchange *x, struct smb1_message *r) {
    while (x) {
        answered(c, x, r);
        x = smb1_exchange_find(c, r);
    }
}

/* Does x wait under the ids of a response that is to something later? */
static bool is_overtaken(const struct connection *c, const struct smb1_exchange *x, const struct smb1_message *r) {
    uint64_t chain = c->smb1->answering; /* 0: what it answers was not seen */
    bool of_command = answers(x, r->command) || smb1_primary_of(x->request.command) == r->command;
    if (!same_id(x, &r->header) || x->chain == chain) {
        return false;
    }
    if (x->doubtful) {
        return !of_command;
    }
    return x->gaps != gaps_before(c) && (chain == 0 || x->chain < chain) && r->command != SMB1_WRITE_MPX;
}

static struct smb1_exchange *overtaken(struct connection *c, const struct smb1_message *r) {
    uint64_t hash = smb1_exchange_hash(c, &r->header);
    for (struct hash_node *n = hash_first(&c->smb1->exchanges, hash); n; n = hash_again(n, hash)) {
        struct smb1_exchange *x = container_of(n, struct smb1_exchange, by_id);
        if (is_overtaken(c, x, r)) {
            return x;
        }
    }
    return NULL;
}

/* What follows a request on the very next byte is a request as well. Two of them are to be answered before so much is built on it: one that
 * lies in file data may have the ids of one that was lost. */
static void bear_out_run(struct smb1_connection *s, struct smb1_exchange *x) {
    if (!x->doubtful || x->run == 0) {
        return;
    }
    if (s->borne_run != x->run) {
        s->borne_run = x->run;
        return;
    }
    for (struct link *at = &x->age; (at = list_next(&s->exchange_ages, at));) {
        struct smb1_exchange *y = container_of(at, struct smb1_exchange, age);
        if (y->run != x->run || !y->doubtful) {
            return;
        }
        if (!is_secondary(&y->request)) { /* which has no answer of its own */
            believe(y);
        }
    }
}

/* No two requests that wait have the same ids (MS-CIFS 2.2.1.6.2). What is doubtful was answered, unseen, or was none, and a later response
 * is not to it; where some of the server's bytes were lost, the answer to what is not doubtful was among them. */
static void give_up_overtaken(struct connection *c, const struct smb1_message *r) {
    struct smb1_exchange *x;
    while (r->chain_index == 0 && (x = overtaken(c, r))) {
        if (x->doubtful) {
            smb1_exchange_detach(x);
            smb1_exchange_free(x);
        } else {
            smb1_exchange_abandon(x);
        }
    }
}

static void response(struct connection *c, struct smb1_message *r) {
    struct smb1_connection *s = c->smb1;
    const struct smb1_header of_chain = r->header;
    if (r->chain_index == 0) {
        s->answering = 0;
        s->new_uid = s->new_tid = s->opened = false;
    }
    own_status(c, r);
    struct smb1_exchange *x = r->chain_index == 0 || s->answering ? smb1_exchange_find(c, r) : NULL;
    s->answering = x ? x->chain : s->answering;
    bool borne_out = bear_out_parts(c, x, r);
    if (!x && connection_doubts(c) && !borne_out) {
        return;
    }
    give_up_overtaken(c, r);
    if (r->chain_index == 0 && !connection_doubts(c)) {
        take_turn(c, r);
    }
    if (x) {
        bear_out_run(s, x);
        believe(x);
    }
    if (x != s->quiet) {
        settle_quiet(c);
    }
    bool goes_on = smb1_is_transaction(r->command) && !r->empty && !r->is_error && r->transaction.interim &&
                   smb1_succeeded(&r->header);
    s->raw_data = r->command == SMB1_WRITE_RAW && smb1_succeeded(&r->header);
    if (!x && (goes_on || says_go_on(r) || was_told(c, r))) {
        return; /* to a request that was not seen: the response is yet to come, or was told */
    }
    if (x && is_interim(x, r)) {
        s->raw = r->command == SMB1_WRITE_RAW ? x : s->raw;
        x->interim++;
        s->answering = 0;
        return;
    }
    remember_told(c, x, r);
    c->facts.errors += smb1_is_error(&r->header);
    if (x && r->command == SMB1_WRITE_MPX) {
        answered_all(c, x, r);
    } else {
        answered(c, x, r);
    }
    if (is_cut_off(c, r)) {
        answer_unseen(c, &of_chain);
    }
    if (r->chain_last) {
        chain_ends(c, &r->header);
    }
}

/* The data of READ_RAW is its whole answer, and says nothing of how it went (MS-CIFS 2.2.4.22.2); that of WRITE_RAW goes the other way
 * after the server said so (2.2.4.25.1). */
bool smb1_raw(struct connection *c, uint32_t length) {
    struct smb1_exchange *x = c->smb1 ? c->smb1->raw : NULL;
    bool reads = x && x->request.command == SMB1_READ_RAW;
    if (!x || reads != (c->dir == TO_CLIENT)) {
        return c->smb1 && c->smb1->raw_data && c->dir == TO_SERVER;
    }
    if (!reads) {
        x->raw_data_came = true;
        return true;
    }
    struct smb1_message r = {
        .header = x->request.header, .command = SMB1_READ_RAW, .andx_command = SMB1_NO_ANDX_COMMAND};
    r.header.status = 0;
    r.header.flags |= SMB_FLAGS_REPLY;
    r.response = r.chain_last = true;
    r.read_response.data_length = length;
    response(c, &r);
    c->smb1->gaps = c->facts.flow->gaps[TO_CLIENT];
    return true;
}

/* Samba's "go on" comes without SMB_FLAGS_REPLY, and so it was not read as a response. */
static void go_on(struct connection *c, const struct smb1_message *m) {
    struct smb1_message r = {.header = m->header, .command = SMB1_WRITE_RAW, .andx_command = SMB1_NO_ANDX_COMMAND};
    r.write_response.available = UINT16_MAX;
    r.header.flags |= SMB_FLAGS_REPLY;
    r.response = r.chain_last = true;
    response(c, &r);
}

void smb1_message(struct connection *c, const struct smb1_message *message, enum verdict verdict) {
    if (c->facts.version == 0 && !connection_doubts(c)) {
        c->facts.version = 1;
    }
    if (!part_of(c)) {
        return;
    }
    struct smb1_message m = *message;
    c->smb1->cut = verdict == V_SHORT || (verdict != V_OK && c->message->missing > 0);
    c->smb1->faulty = verdict == V_BAD || verdict == V_LIMIT;
    smb1_unify(c->model, &m, c->smb1->cut);
    if (m.unasked) {
        unasked(c, &m);
    } else if (!m.response && c->dir == TO_CLIENT && m.command == SMB1_WRITE_RAW) {
        go_on(c, &m);
    } else if (m.response) {
        response(c, &m);
    } else {
        request(c, &m);
    }
    if (c->dir == TO_CLIENT && !connection_doubts(c)) {
        c->smb1->gaps = c->facts.flow->gaps[TO_CLIENT];
    }
}

/* ---- an SMB1 NEGOTIATE that is answered in SMB2, MS-SMB2 3.3.5.3 */

/* Chosen is 2.0.2, or the wildcard; what chose another dialect answers an SMB2 NEGOTIATE, and both that one and the answer to
 * the first were not captured. 0: the capture ends before it. */
static bool chosen_for_smb1(uint16_t dialect) {
    return dialect == SMB2_DIALECT_0202 || dialect == SMB2_DIALECT_02FF || dialect == 0;
}

bool smb1_answered(struct connection *c, const struct smb2_message *r) {
    struct smb1_exchange *x = c->smb1 ? c->smb1->negotiate : NULL;
    bool chosen = !r->empty && !r->is_error && r->header.status == 0;
    if (!x || (chosen && !chosen_for_smb1(r->negotiate_response.dialect))) {
        return false;
    }
    if (chosen) {
        c->facts.dialect = r->negotiate_response.dialect;
        c->facts.server_mode_known = true;
        c->facts.server_security_mode = r->negotiate_response.security_mode;
        c->server_guid = r->negotiate_response.server_guid;
        c->server_guid_known = negotiation_guid_tells(&c->server_guid);
    }
    smb1_exchange_detach(x);
    struct completion d = {.c = c, .smb1_ex = x, .rsp = r};
    place(&d);
    d.op.kind = OPERATION_NEGOTIATE;
    d.op.end = c->message->begin;
    d.op.gap |= c->message->missing > 0;
    completion_report(&d);
    smb1_exchange_free(x);
    return true;
}

/* ---- requests that stay without a response */

/* A read of a pipe waits for somebody to write, a call for its answer, a lock for the one that holds it, and NOTIFY_CHANGE until there is
 * a change; no interim response says so. */
static bool may_wait(const struct smb1_exchange *x) {
    struct connection *c = x->connection;
    uint16_t fid;
    if (x->request.command == SMB1_NT_TRANSACT || x->request.command == SMB1_TRANSACTION) {
        return true;
    }
    if (x->request.command == SMB1_LOCKING_ANDX) {
        return !x->request.empty && x->request.locking_request.timeout != 0;
    }
    if (!fid_of(x, &fid)) {
        return false;
    }
    struct handle *h = smb1_handle_find(c, fid);
    struct tree *t = smb1_tree_find(c, x->request.header.tree_id);
    return h ? h->facts.is_pipe : t && t->facts.share_type == SMB2_SHARE_TYPE_PIPE;
}

/* One that may wait does so for as long as its connection lives: it is looked at once, not for each message. */
void smb1_expire(struct connection *c) {
    for (struct link *at; (at = list_first(&c->smb1->exchange_ages));) {
        struct smb1_exchange *x = container_of(at, struct smb1_exchange, age);
        if (c->model->clock.now - x->asked_at < c->model->limits.answer_timeout_ns) {
            return;
        }
        if (may_wait(x)) {
            x->run = 0;
            list_remove(&x->age);
            list_append(&c->smb1->put_off, &x->age);
        } else {
            smb1_exchange_abandon(x);
        }
    }
}

bool smb1_evict(struct model *m) {
    struct link *x = list_first(&m->smb1_exchange_ages);
    if (!x) {
        return false;
    }
    m->stats->evicted_exchanges++;
    smb1_exchange_abandon(container_of(x, struct smb1_exchange, of_model));
    return true;
}

void smb1_end(struct connection *c) {
    struct smb1_connection *s = c->smb1;
    for (struct link *x; s && ((x = list_first(&s->put_off)) || (x = list_first(&s->exchange_ages)));) {
        smb1_exchange_abandon(container_of(x, struct smb1_exchange, age));
    }
}
