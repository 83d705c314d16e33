/* Requests and their responses, MS-SMB2 3.2.4.1.4 and 3.3.4.1: matched by MessageId on their connection. */
#include <stddef.h>
#include <string.h>

#include "model/state.h"

static uint64_t exchange_hash(const struct connection *c, uint64_t message_id) {
    return hash_number(c->model->secret, message_id);
}

static struct exchange *exchange_find(struct connection *c, uint64_t message_id) {
    const struct hash *all = &c->exchanges;
    uint64_t hash = hash_counts(all) ? exchange_hash(c, message_id) : 0;
    for (struct hash_node *n = hash_candidates(all, hash); n; n = hash_candidate(all, n, hash)) {
        struct exchange *x = container_of(n, struct exchange, by_id);
        if (x->request.header.message_id == message_id) {
            return x;
        }
    }
    return NULL;
}

#define BEHIND_REQUEST offsetof(struct exchange, session_id)

static struct exchange *exchange_new(struct connection *c) {
    struct model *m = c->model;
    if (m->exchange_count >= m->limits.exchanges) {
        exchange_evict(m);
    }
    struct exchange *x = model_take_raw(m, &m->exchanges_pool);
    if (x) { /* its links are written where it is put, and the request by whoever wants one */
        clear((unsigned char *)x + BEHIND_REQUEST, sizeof *x - BEHIND_REQUEST);
        x->connection = c;
        x->begin = c->message->begin;
        x->asked_at = m->clock.now;
        x->gap = c->message->missing > 0;
        x->doubtful = c->message->doubtful;
        x->after_idle = m->after_idle;
        x->compressed = c->compressed;
        m->exchange_count++;
    }
    return x;
}

/* A MessageId that is used again belongs to the new request: the older one will get no answer. */
static void exchange_wait(struct exchange *x) {
    struct exchange *older = exchange_find(x->connection, x->request.header.message_id);
    if (older) {
        exchange_abandon(older);
    }
    hash_insert(&x->connection->exchanges, &x->by_id, exchange_hash(x->connection, x->request.header.message_id));
    list_append(&x->connection->exchange_ages, &x->age);
    list_append(&x->connection->model->exchange_ages, &x->of_model);
}

/* Out of the tables; its owner alone knows it now. */
static void exchange_detach(struct exchange *x) {
    hash_remove(&x->connection->exchanges, &x->by_id);
    list_remove(&x->age);
    list_remove(&x->of_model);
}

void exchange_free(struct exchange *x) {
    struct model *m = x->connection->model;
    request_drop(x);
    m->exchange_count--;
    pool_give(&m->exchanges_pool, x);
}

/* ---- compound chains, MS-SMB2 3.3.5.2.7: the FileId, session and tree of an element may be those of the one before */

void chain_drop(struct model *m, struct chain *chain) {
    if (chain && --chain->holders == 0) {
        text_drop(&m->texts, chain->name);
        pool_give(&m->chains_pool, chain);
    }
}

static bool chain_related(const struct chain_state *s, const struct smb2_header *h) {
    return (h->flags & SMB2_FLAGS_RELATED_OPERATIONS) && s->open;
}

/* The ids of a message, through its chain; and what the next element will find. */
static inline void chain_resolve(struct chain_state *s, const struct smb2_header *h, uint64_t *session_id,
                                 uint32_t *tree_id, bool *has_tree) {
    bool async = (h->flags & SMB2_FLAGS_ASYNC_COMMAND) != 0;
    *session_id = h->session_id;
    *tree_id = h->tree_id;
    *has_tree = !async;
    if (chain_related(s, h)) {
        if (h->session_id == UINT64_MAX || h->session_id == 0) {
            *session_id = s->session_id;
        }
        if (!async && (h->tree_id == UINT32_MAX || h->tree_id == 0)) {
            *tree_id = s->tree_id;
        }
    }
    s->session_id = *session_id;
    s->tree_id = *tree_id;
    s->open = true;
}

/* The chain that an element belongs to. An element that is not related to the one before begins a new one, and so does one that opens
 * or names a file, since that is what the all-ones FileIds behind it mean (MS-SMB2 3.3.5.2.7.2). */
static struct chain *chain_of_request(struct connection *c, bool begins) {
    struct chain **current = &c->chains[c->dir].chain;
    if (begins && *current) {
        chain_drop(c->model, *current);
        *current = NULL;
    }
    if (begins && c->message->last) {
        return NULL; /* nothing follows */
    }
    if (!*current) {
        *current = model_take(c->model, &c->model->chains_pool);
        if (!*current) {
            return NULL;
        }
        (*current)->holders = 1;
    }
    (*current)->holders++;
    return *current;
}

/* ---- requests */

/* The FileId that a request names; false where its command has none. */
static bool request_file_id(const struct smb2_message *q, struct file_id *id) {
    if (q->empty) {
        return false;
    }
    switch (q->header.command) {
    case SMB2_CLOSE:
        *id = q->close_request.file_id;
        return true;
    case SMB2_FLUSH:
        *id = q->flush_request.file_id;
        return true;
    case SMB2_READ:
        *id = q->read_request.file_id;
        return true;
    case SMB2_WRITE:
        *id = q->write_request.file_id;
        return true;
    case SMB2_LOCK:
        *id = q->lock_request.file_id;
        return true;
    case SMB2_IOCTL:
        *id = q->ioctl.file_id;
        return true;
    case SMB2_QUERY_DIRECTORY:
        *id = q->query_directory_request.file_id;
        return true;
    case SMB2_CHANGE_NOTIFY:
        *id = q->change_notify_request.file_id;
        return true;
    case SMB2_QUERY_INFO:
        *id = q->query_info_request.file_id;
        return true;
    case SMB2_SET_INFO:
        *id = q->set_info_request.file_id;
        return true;
    case SMB2_OPLOCK_BREAK:
        *id = q->oplock_break.file_id;
        return !q->oplock_break.lease;
    default:
        return false;
    }
}

static bool file_id_is_all_ones(struct file_id id) {
    return id.persistent == UINT64_MAX && id.volatile_part == UINT64_MAX;
}

static void exchange_identify(struct exchange *x) {
    struct connection *c = x->connection;
    struct chain_state *s = &c->chains[c->dir];
    const struct smb2_header *h = &x->request.header;
    bool names_file = request_file_id(&x->request, &x->file_id);
    bool all_ones = names_file && file_id_is_all_ones(x->file_id);
    bool opens = h->command == SMB2_CREATE;
    x->chain = chain_of_request(c, !chain_related(s, h) || opens || (names_file && !all_ones));
    chain_resolve(s, h, &x->session_id, &x->tree_id, &x->has_tree_id);
    x->compound = !(c->message->first && c->message->last);
    x->has_file_id = names_file;
    if (all_ones && x->chain) {
        x->has_file_id = false;
        x->from_chain = true;
    } else if (names_file && x->chain) {
        x->chain->has_file_id = true;
        x->chain->file_id = x->file_id;
    }
    if (x->chain && opens && !x->request.empty) {
        x->chain->name = text_share(x->text);
        x->chain->named = !x->request.create_request.name_lost;
    }
}

/* The name of its handle as it is now: the handle may be gone when the answer comes, as that of a CHANGE_NOTIFY behind the CLOSE
 * (MS-SMB2 3.3.5.10), or when it is certain that none will come. */
static void remember_name(struct exchange *x) {
    struct session *s = x->has_file_id && !x->handle_named ? session_find(x->connection, x->session_id) : NULL;
    struct handle *h = s ? handle_find(s, x->file_id) : NULL;
    if (h) {
        handle_refresh(x->connection->model, h, x->begin);
    }
    if (h && h->facts.named) {
        x->handle_name = text_share(h->name);
        x->handle_named = true;
    }
}

/* CANCEL is not answered, and carries the MessageId of the request it cancels (MS-SMB2 3.2.4.24). */
static void request_unanswerable(struct exchange *x) {
    if (connection_doubts(x->connection)) {
        exchange_free(x);
        return;
    }
    x->connection->facts.requests += x->doubtful;
    struct completion d = {.c = x->connection, .ex = x};
    d.op.kind = OPERATION_CANCEL;
    completion_report(&d);
    exchange_free(x);
}

static void learn_negotiate(struct connection *c, const struct smb2_message *q) {
    if (q->header.command == SMB2_NEGOTIATE && !q->empty) {
        c->client_guid = q->negotiate_request.client_guid;
        c->client_guid_known = negotiation_guid_tells(&c->client_guid);
    }
}

static void note_version(struct connection *c) {
    if (c->facts.version < 2) {
        c->facts.version = 2;
    }
}

__attribute__((noinline)) void exchange_request(struct connection *c, const struct smb2_message *q) {
    if (!c->message->doubtful) {
        note_version(c);
        c->facts.requests++;
        learn_negotiate(c, q);
    }
    struct exchange *x = exchange_new(c);
    if (!x) {
        c->model->stats->evicted_exchanges++;
        return;
    }
    request_keep(x, q);
    x->auth = c->claimed;
    x->security = c->said;
    c->claimed = NULL;
    c->said = NULL;
    exchange_identify(x);
    if (q->header.command == SMB2_CANCEL) {
        request_unanswerable(x);
        return;
    }
    remember_name(x);
    exchange_wait(x);
}

/* ---- responses */

/* STATUS_PENDING, MS-SMB2 3.3.4.2: the request goes on waiting; one that was not seen is known from now on. */
static void response_interim(struct connection *c, const struct smb2_message *r, struct exchange *x) {
    uint64_t session_id;
    uint32_t tree_id;
    bool has_tree;
    chain_resolve(&c->chains[c->dir], &r->header, &session_id, &tree_id, &has_tree);
    if (!x) {
        x = exchange_new(c);
        if (!x) {
            return;
        }
        x->request = (struct smb2_message){.header = r->header, .empty = true};
        x->request_lost = true;
        x->session_id = session_id;
        exchange_wait(x);
    }
    x->interim++;
    x->async = true;
}

/* Where the operation belongs, by the request where it was seen, else by the response. */
static void completion_place(struct completion *d) {
    struct operation *op = &d->op;
    const struct exchange *x = d->ex;
    uint64_t session_id = 0;
    uint32_t tree_id = 0;
    bool has_tree = false;
    if (d->rsp) {
        chain_resolve(&d->c->chains[d->c->dir], &d->rsp->header, &session_id, &tree_id, &has_tree);
    }
    if (x) {
        op->session_id = x->session_id ? x->session_id : session_id;
        op->has_tree_id = x->has_tree_id || has_tree;
        op->tree_id = x->has_tree_id ? x->tree_id : tree_id;
        op->has_file_id = x->has_file_id || (x->from_chain && x->chain->has_file_id);
        op->file_id = x->has_file_id ? x->file_id : op->has_file_id ? x->chain->file_id : op->file_id;
        op->begin = x->begin;
        op->compound = x->compound;
        op->gap = x->gap;
        op->compressed = x->compressed;
        op->interim_responses = x->interim;
        op->async = x->async;
    } else {
        op->session_id = session_id;
        op->has_tree_id = has_tree;
        op->tree_id = tree_id;
    }
}

static void completion_response(struct completion *d) {
    struct operation *op = &d->op;
    const struct message *message = d->c->message;
    if (!d->ex) {
        op->begin = message->begin;
        op->compound = !(message->first && message->last);
    }
    op->end = message->begin;
    op->gap |= message->missing > 0;
    op->compressed |= d->c->compressed;
    op->async |= (d->rsp->header.flags & SMB2_FLAGS_ASYNC_COMMAND) != 0;
}

/* A FileId is its tree's: where the tree is another one, the handle that we know is an older one whose end we missed. */
static bool handle_fits(const struct completion *d, const struct handle *h) {
    return !h->tree || !d->op.has_tree_id || h->tree->facts.id == d->op.tree_id;
}

static void learn_handle(struct completion *d, bool trusted) {
    uint16_t command = d->ex->request.header.command;
    bool put_off = d->ex->interim != 0; /* it may have been closed meanwhile */
    d->handle = handle_find(d->session, d->op.file_id);
    if (d->handle && !handle_fits(d, d->handle)) {
        if (trusted) {
            handle_abandon(d->c->model, d->handle, HANDLE_LOST);
        }
        d->handle = NULL;
    }
    if (!d->handle && trusted && !put_off && command != SMB2_CLOSE && command != SMB2_CREATE) {
        d->handle = handle_learn(d->c->model, d->session, d->tree, d->op.file_id);
    }
    if (!d->handle) {
        return;
    }
    if (trusted && d->tree && !d->handle->tree) {
        handle_belongs(d->handle, d->tree);
    }
    handle_refresh(d->c->model, d->handle, d->op.begin);
    d->tree = d->tree ? d->tree : d->handle->tree;
}

/* What a completion is about is the youngest of its kind while it is dealt with: nothing is evicted from under it. Where there is no
 * response nothing is learned, nothing evicted, and it may be itself part of an eviction: then the order stays as it is. */
static void hold_session(const struct completion *d) {
    if (d->rsp && d->session) {
        age_renew(d->c->model, &d->c->model->session_ages, &d->session->age);
    }
}

static void hold_tree(const struct completion *d) {
    if (d->rsp && d->tree) {
        age_renew(d->c->model, &d->c->model->tree_ages, &d->tree->age);
    }
}

static void hold_handle(const struct completion *d) {
    if (d->rsp && d->handle) {
        age_renew(d->c->model, &d->c->model->handle_ages, &d->handle->age);
    }
}

/* Session and tree are known from now on, where they were not. NEGOTIATE and SESSION_SETUP come before either. */
static void completion_learn(struct completion *d) {
    uint16_t command = d->ex ? d->ex->request.header.command : d->rsp->header.command;
    if (command == SMB2_NEGOTIATE || command == SMB2_SESSION_SETUP) {
        return;
    }
    bool trusted =
        d->rsp && status_succeeded(d->rsp->header.status); /* an error may be about an id that there is not */
    d->session = trusted ? session_learn(d->c, d->op.session_id) : session_find(d->c, d->op.session_id);
    bool treeless =
        command == SMB2_LOGOFF || command == SMB2_ECHO || command == SMB2_TREE_CONNECT || !d->op.has_tree_id;
    if (!trusted) { /* who learns of it makes it the youngest */
        hold_session(d);
    }
    if (!d->session || treeless) {
        return;
    }
    bool learns_tree = trusted && d->op.tree_id != 0 && d->op.tree_id != UINT32_MAX;
    if (learns_tree) {
        d->tree = tree_learn(d->c->model, d->session, d->op.tree_id);
    } else {
        d->tree = tree_find(d->session, d->op.tree_id);
        hold_tree(d);
    }
    if (d->op.has_file_id && d->ex) {
        bool had_tree = d->tree != NULL;
        learn_handle(d, trusted);
        if (!had_tree) {
            hold_tree(d); /* the handle's */
        }
        hold_handle(d);
    }
}

void completion_settle(struct completion *d) {
    if (d->ends_handle && d->handle) {
        handle_free(d->c->model, d->handle, HANDLE_CLOSED);
        d->handle = NULL;
    }
    if (d->ends_tree && d->tree) {
        sums_tree_ends(d->c, d->tree);
        tree_free(d->c->model, d->tree, HANDLE_CLOSED);
    }
    if (d->ends_session && d->session) {
        sums_session_ends(d->c, d->session);
        session_end(d->session);
    }
}

static inline void completion_finish(struct completion *d) {
    completion_learn(d);
    effect_apply(d);
    completion_report(d);
    effect_after(d);
    if (d->auth || d->security) {
        auth_drop(d->c->model, d->auth);
        security_drop(d->c->model, d->security);
    }
    completion_settle(d);
}

/* Where one of the two is doubtful, both have to be of one session. SESSION_SETUP tells it in the response first. */
static bool same_session(const struct connection *c, const struct exchange *x, const struct smb2_message *r) {
    bool doubtful = x->doubtful || c->message->doubtful;
    bool told = x->session_id != 0 && r->header.session_id != 0 && r->header.session_id != UINT64_MAX;
    return !doubtful || !told || x->session_id == r->header.session_id;
}

/* A doubtful request is borne out by its answer, and a doubtful response by its request. */
static bool borne_out(struct connection *c, struct exchange *x) {
    if (!x) {
        return !connection_doubts(c);
    }
    c->facts.requests += x->doubtful;
    x->doubtful = false;
    return true;
}

void exchange_response(struct connection *c, const struct smb2_message *r) {
    struct exchange *x = r->header.message_id == UINT64_MAX ? NULL : exchange_find(c, r->header.message_id);
    if (x && (x->request.header.command != r->header.command || !same_session(c, x, r))) {
        x = NULL;
    }
    if (!borne_out(c, x)) {
        return;
    }
    note_version(c);
    if (r->header.status == STATUS_PENDING && r->header.message_id != UINT64_MAX) {
        response_interim(c, r, x);
        return;
    }
    if (!x && r->header.command == SMB2_NEGOTIATE && smb1_answered(c, r)) {
        return;
    }
    if (x) {
        exchange_detach(x);
    }
    struct completion d;
    clear(&d, sizeof d);
    d.c = c;
    d.ex = x;
    d.rsp = r;
    completion_place(&d);
    completion_response(&d);
    d.op.unasked = r->header.message_id == UINT64_MAX;
    d.op.request_lost = !d.op.unasked && (!x || x->request_lost);
    if (status_is_error(r->header.status) && r->header.status != STATUS_MORE_PROCESSING_REQUIRED) {
        c->facts.errors++;
    }
    completion_finish(&d);
    if (x) {
        exchange_free(x);
    }
}

/* ---- requests that stay without a response */

void exchange_abandon(struct exchange *x) {
    exchange_detach(x);
    if (x->doubtful && x->connection->facts.flow->packets[TO_CLIENT] != 0) {
        exchange_free(x);
        return;
    }
    x->connection->facts.requests += x->doubtful;
    struct completion d = {.c = x->connection, .ex = x};
    completion_place(&d);
    d.op.end = d.op.begin;
    d.op.response_lost = true;
    d.op.request_lost = x->request_lost;
    completion_finish(&d);
    exchange_free(x);
}

/* A request whose answer was put off waits for as long as its connection lives: it is looked at once, not for each message. */
void exchange_expire(struct connection *c) {
    uint64_t timeout = c->model->limits.answer_timeout_ns;
    for (struct link *at; (at = list_first(&c->exchange_ages));) {
        struct exchange *x = container_of(at, struct exchange, age);
        if (c->model->clock.now - x->asked_at < timeout) {
            return;
        }
        if (x->interim == 0) {
            exchange_abandon(x);
        } else {
            list_remove(&x->age);
            list_append(&c->put_off, &x->age);
        }
    }
}

bool exchange_evict(struct model *m) {
    struct link *x = list_first(&m->exchange_ages);
    if (!x) {
        return false;
    }
    m->stats->evicted_exchanges++;
    exchange_abandon(container_of(x, struct exchange, of_model));
    return true;
}

/* ---- the way out */

/* The file a request was aimed at, where there is no handle to tell: its CREATE failed, or it was closed meanwhile. */
static void aimed_at(struct completion *d) {
    const struct exchange *x = d->ex;
    if (!x || d->handle) {
        return;
    }
    if (x->handle_named) {
        d->op.has_aimed_name = true;
        d->op.aimed_name = text_of(x->handle_name);
    } else if (x->from_chain && x->chain->named) {
        d->op.has_aimed_name = true;
        d->op.aimed_name = text_of(x->chain->name);
    }
}

/* How a NEGOTIATE, SESSION_SETUP or TREE_CONNECT came out: the bits of its outcomes. */
static void note_outcome(struct connection_facts *c, const struct operation *op, bool granted, const unsigned of[3]) {
    bool answered = op->response || (op->smb1_response && !op->unasked);
    c->stages |= (uint16_t)(!answered ? of[2] : granted ? of[0] : of[1]);
    if (answered && !granted) {
        const struct smb1_header *h = op->smb1_response ? &op->smb1_response->header : NULL;
        c->refusal = op->response ? op->response->header.status : h->nt_status ? h->status : 0;
    }
}

__attribute__((noinline)) static void note_stage(struct connection_facts *c, const struct operation *op) {
    static const unsigned negotiate[] = {STAGE_NEGOTIATED, STAGE_NEGOTIATE_REFUSED, STAGE_NEGOTIATE_UNANSWERED},
                          session[] = {STAGE_SESSION, STAGE_SESSION_REFUSED, STAGE_SESSION_UNANSWERED},
                          share[] = {STAGE_TREE, STAGE_TREE_REFUSED, 0};
    bool granted = op->response ? op->response->header.status == STATUS_SUCCESS : !op->failed;
    bool known = !op->smb1_response || op->choice != CHOICE_UNKNOWN;
    bool chose = op->response || op->choice == CHOICE_MADE;
    switch (op->kind) {
    case OPERATION_NEGOTIATE:
        c->stages |= op->request || op->smb1_request ? STAGE_NEGOTIATE_ASKED : 0;
        if (known && (!op->response || c->dialect != SMB2_DIALECT_02FF)) {
            note_outcome(c, op, granted && chose, negotiate);
        }
        break;
    case OPERATION_SESSION_SETUP:
        if (!op->leg) {
            note_outcome(c, op, granted, session);
        }
        break;
    case OPERATION_TREE_CONNECT:
        note_outcome(c, op, granted, share);
        break;
    default:
        break;
    }
}

void completion_report(struct completion *d) {
    struct operation *op = &d->op;
    struct model *m = d->c->model;
    machine_refresh(d->c);
    op->connection = &d->c->facts;
    if (op->kind == OPERATION_NEGOTIATE && d->c->said) {
        op->security = &d->c->said->facts;
    }
    op->session = d->session ? &d->session->facts : NULL;
    op->tree = d->tree ? &d->tree->facts : NULL;
    op->handle = d->handle ? &d->handle->facts : NULL;
    op->ends_session = d->ends_session;
    op->ends_tree = d->ends_tree;
    op->response = d->rsp;
    aimed_at(d);
    op->header = d->ex ? &d->ex->request.header : d->rsp ? &d->rsp->header : NULL;
    if (d->ex) {
        op->context_mask = d->ex->context_mask;
        op->request = d->ex->request_lost ? NULL : &d->ex->request;
        if (!d->rsp && op->kind == OPERATION_CANCEL) {
            completion_place(d);
            op->end = op->begin;
            op->session = (d->session = session_find(d->c, op->session_id)) ? &d->session->facts : NULL;
        }
    }
    if (op->header && op->header->command < SMB2_COMMANDS) {
        m->stats->operations[op->header->command]++;
    }
    op->signed_message = (op->request && (op->request->header.flags & SMB2_FLAGS_SIGNED)) ||
                         (op->response && (op->response->header.flags & SMB2_FLAGS_SIGNED)) ||
                         (op->smb1_request && op->smb1_request->header.has_signature) ||
                         (op->smb1_response && op->smb1_response->header.has_signature);
    m->stats->smb1_operations += op->smb1_request || op->smb1_response;
    if (op->kind == OPERATION_NEGOTIATE || op->kind == OPERATION_SESSION_SETUP || op->kind == OPERATION_TREE_CONNECT) {
        note_stage(&d->c->facts, op);
    }
    sums_count(d);
    if (op->kind == OPERATION_NEGOTIATE || op->kind == OPERATION_SESSION_SETUP || op->negotiate_differs ||
        op->smb1_request || op->smb1_response || downgrade_lacks_signature(d)) {
        downgrade_look(d);
    }
    m->sink.operation(m->sink.arg, op);
}
