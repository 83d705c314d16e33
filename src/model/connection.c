#include <assert.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "model/state.h"
#include "nbss.h"

bool connection_keep_json(struct connection *c, struct view json) {
    struct model *m = c->model;
    c->flow_json = json.n <= FLOW_JSON_ROOM ? pool_take(&m->flow_jsons_pool) : budget_take(m->budget, json.n);
    if (!c->flow_json) {
        return false;
    }
    memcpy(c->flow_json, json.p, json.n);
    c->facts.flow_json = (struct view){c->flow_json, json.n};
    return true;
}

void connection_forget_json(struct connection *c) {
    struct model *m = c->model;
    if (c->flow_json && c->facts.flow_json.n <= FLOW_JSON_ROOM) {
        pool_give(&m->flow_jsons_pool, c->flow_json);
    } else {
        budget_give(m->budget, c->flow_json, c->facts.flow_json.n);
    }
    c->flow_json = NULL;
    c->facts.flow_json = (struct view){NULL, 0};
}

void connection_begin(struct model *m, struct connection *c, const struct flow_facts *flow) {
    c->model = m;
    c->facts.flow = flow;
    hash_init(&c->channels, m->budget);
    hash_init(&c->exchanges, m->budget);
    hash_init(&c->setups, m->budget);
    list_init(&c->channel_list);
    list_init(&c->exchange_ages);
    list_init(&c->put_off);
    list_init(&c->setup_list);
}

struct connection *connection_new(struct model *m, const struct flow_facts *flow, uint8_t home, struct view flow_json) {
    struct connection *c = pool_take(&m->connections_pool);
    if (!c) {
        return NULL;
    }
    connection_begin(m, c, flow);
    c->facts.midstream = !flow->start_seen;
    c->facts.home = home;
    if (!connection_keep_json(c, flow_json)) {
        pool_give(&m->connections_pool, c);
        return NULL;
    }
    m->connection_count++;
    return c;
}

void connection_leave(struct connection *c) {
    connection_forget_json(c);
    pool_give(&c->model->connections_pool, c);
}

void connection_start(struct connection *c) {
    c->started = true;
    machine_refresh(c);
    c->facts.stages |= STAGE_ESTABLISHED;
    c->model->sink.start(c->model->sink.arg, &c->facts);
}

/* What tokens said belongs to the element of the message that they stood in. */
__attribute__((noinline)) static void said_forget(struct connection *c) {
    auth_drop(c->model, c->claimed);
    security_drop(c->model, c->said);
    c->claimed = NULL;
    c->said = NULL;
}

static inline void message_forget(struct connection *c) {
    if (c->claimed || c->said) {
        said_forget(c);
    }
}

/* The server was called so, and did not deny it. */
__attribute__((noinline)) static void netbios_accepted(struct connection *c) {
    struct shared_text *called = c->netbios_called;
    c->netbios_called = NULL;
    machine_show(c, MACHINE_SERVER, MACHINE_NETBIOS, machine_name(text_of(called)));
    text_drop(&c->model->texts, called);
}

/* What waited too long, at the time of the message at hand. */
static inline void expire(struct connection *c) {
    if (exchange_is_due(c)) {
        exchange_expire(c);
    }
    if (c->smb1) {
        smb1_expire(c);
    }
}

void connection_expect(const struct connection *c) {
    enum { CACHE_LINE = 64, UP_TO = offsetof(struct connection, facts.smb1_dialect) };
    for (size_t at = 0; at < UP_TO; at += CACHE_LINE) {
        __builtin_prefetch((const unsigned char *)c + at, 1);
    }
}

void connection_message(struct connection *c, enum direction dir, const struct message *message) {
    struct model *m = c->model;
    m->message = *message;
    m->message.bytes = (struct view){NULL, 0};
    m->now = message->begin;
    m->after_idle = false;
    if (message->begin.time_ns > c->last_ns) { /* a clock that ran backwards makes no silence when it is put right */
        m->after_idle = c->last_ns != 0 && message->begin.time_ns - c->last_ns >= SESSION_IDLE_NS;
        c->last_ns = message->begin.time_ns;
    }
    c->dir = dir;
    c->message = &m->message;
    c->compressed = false;
    arena_reset(&c->model->scratch);
    if (message->first) {
        c->chains[dir].open = false;
    }
    message_forget(c);
    if (c->netbios_called) {
        netbios_accepted(c);
    }
    packet_clock_advance(&m->clock, message->begin.time_ns);
    expire(c);
}

/* Only SMB3 has envelopes; but what both sides agreed on says more than one of them. */
static void note_smb3(struct connection *c) {
    if (c->facts.dialect == 0) {
        c->facts.version = 3;
    }
}

bool connection_doubts(const struct connection *c) {
    return c->message->doubtful && c->facts.flow->packets[direction_opposite(c->dir)] != 0;
}

/* The envelope of an encrypted message: all that can be said of what is inside. One report for each session and direction,
 * since an event can be made of it only where details are wanted; the rest is counted. */
static void transform(struct connection *c, const struct smb2_transform *t) {
    c->facts.encrypted_messages++;
    note_smb3(c);
    if (c->dir == TO_SERVER && !c->facts.midstream && !session_find(c, t->session_id)) {
        c->facts.stages |= STAGE_STRANGE_SESSION;
    }
    struct completion done = {.c = c, .session = session_learn(c, t->session_id)};
    struct channel *channel = session_channel(c, t->session_id);
    if (done.session) {
        done.session->facts.messages.encrypted++;
    }
    done.op.kind = OPERATION_ENCRYPTED;
    done.op.transform = t;
    done.op.dir = c->dir;
    done.op.unasked = true;
    done.op.session_id = t->session_id;
    done.op.begin = c->message->begin;
    done.op.end = c->message->end;
    done.op.gap = c->message->missing > 0;
    if (channel) {
        done.op.first_of_handle = !channel->encrypted_reported[c->dir];
        channel->encrypted_reported[c->dir] = true;
    }
    completion_report(&done);
}

/* Where the header is in the clear the SMB2 message follows as a pdu of its own, and becomes the record. */
static void compression(struct connection *c, const struct smb2_compression *z) {
    c->facts.compressed_messages++;
    note_smb3(c);
    c->compressed = true;
    if (z->smb2_follows) {
        return;
    }
    c->covered = true;
    struct completion done = {.c = c};
    done.op.kind = OPERATION_OTHER;
    done.op.compression = z;
    done.op.dir = c->dir;
    done.op.unasked = true;
    done.op.begin = c->message->begin;
    done.op.end = c->message->end;
    done.op.gap = c->message->missing > 0;
    completion_report(&done);
}

__attribute__((noinline)) static void ntlm(struct connection *c, const struct ntlm_message *n) {
    security_ntlm(c, n);
    if (n->type == NTLM_AUTHENTICATE && c->dir == TO_SERVER && !c->claimed) {
        struct ntlm_message unified = *n;
        model_unify(c->model, &unified.domain);
        model_unify(c->model, &unified.user);
        model_unify(c->model, &unified.workstation);
        c->claimed = auth_keep(c, &unified);
    }
}

__attribute__((noinline)) static void kerberos(struct connection *c, const struct kerberos_message *k) {
    security_kerberos(c, k);
    if (k->type == KERBEROS_AP_REQ && c->dir == TO_SERVER && !c->claimed) {
        c->claimed = auth_kerberos(c);
    }
}

/* All but SMB2, apart, so that SMB2 is short. */
__attribute__((noinline)) static void other_pdu(struct connection *c, const struct pdu *pdu) {
    switch (pdu->kind) {
    case PDU_NTLM:
        ntlm(c, &pdu->ntlm);
        break;
    case PDU_KERBEROS:
        kerberos(c, &pdu->kerberos);
        break;
    case PDU_SPNEGO:
        security_spnego(c, &pdu->spnego);
        break;
    case PDU_SMB1:
        smb1_message(c, &pdu->smb1, pdu->verdict);
        message_forget(c);
        break;
    case PDU_SMB2:
        break;
    case PDU_SMB2_TRANSFORM:
        if (!connection_doubts(c)) {
            transform(c, &pdu->transform);
        }
        break;
    case PDU_SMB2_COMPRESSION:
        if (!connection_doubts(c)) {
            compression(c, &pdu->compression);
        }
        break;
    }
}

void connection_pdu(struct connection *c, const struct pdu *pdu) {
    if (pdu->kind != PDU_SMB2) {
        other_pdu(c, pdu);
        return;
    }
    if (pdu->smb2.response) {
        exchange_response(c, &pdu->smb2);
    } else {
        exchange_request(c, &pdu->smb2);
    }
    message_forget(c);
}

void connection_fault(struct connection *c, enum framer_fault fault) {
    c->facts.framer_faults[fault] += c->facts.framer_faults[fault] != UINT32_MAX;
    c->model->stats->framer_faults[fault]++;
}

static struct text name_text(struct connection *c, const struct netbios_name *name) {
    struct text text = {{name->bytes, name->length}, ENC_OEM};
    model_unify(c->model, &text);
    return text;
}

/* RFC 1002 4.3.2. Who does not know the server's name calls it *SMBSERVER (MS-CIFS 3.2.4.2.1). */
static void session_request(struct connection *c, struct view bytes) {
    struct netbios_name called, calling;
    if (c->netbios_asked || !nbss_session_request_names(bytes, &called, &calling)) {
        return;
    }
    c->netbios_asked = true;
    c->netbios_called = model_text(c->model, name_text(c, &called));
    machine_show(c, MACHINE_CLIENT, MACHINE_NETBIOS, machine_name(name_text(c, &calling)));
}

/* Samba's Unix extensions encrypt SMB1: FF 'E', the number of a context, and what GSSAPI makes of the message. */
static bool is_smb1_encrypted(const struct connection *c, struct view bytes) {
    return c->facts.version == 1 && bytes.n >= 2 && bytes.p[0] == 0xFF && bytes.p[1] == 'E';
}

static void netbios_answered(struct connection *c, bool accepted) {
    if (accepted && c->netbios_called) {
        netbios_accepted(c);
    } else {
        text_drop(&c->model->texts, c->netbios_called);
        c->netbios_called = NULL;
    }
}

bool connection_other(struct connection *c, enum direction dir, const struct other_packet *p) {
    enum { REQUEST = 0x81, POSITIVE, NEGATIVE, RETARGET, KEEP_ALIVE }; /* RFC 1002 4.3.1 */
    if (p->type == 0) {
        struct message raw = {
            .kind = MESSAGE_SMB1, .length = p->length, .first = true, .last = true, .begin = p->begin, .end = p->end};
        connection_message(c, dir, &raw);
        if (smb1_raw(c, p->length)) {
            return true;
        }
        c->facts.encrypted_messages += is_smb1_encrypted(c, p->bytes);
        return is_smb1_encrypted(c, p->bytes);
    }
    if (p->type == KEEP_ALIVE) {
        c->facts.keep_alives++;
    } else if (p->type == REQUEST && dir == TO_SERVER) {
        arena_reset(&c->model->scratch);
        session_request(c, p->bytes);
    } else if (p->type >= POSITIVE && p->type <= RETARGET && dir == TO_CLIENT) {
        c->facts.netbios_answer = p->type;
        c->facts.netbios_error = p->bytes.n > 0 && p->type == NEGATIVE ? p->bytes.p[0] : 0;
        netbios_answered(c, p->type == POSITIVE);
    }
    return true;
}

void connection_verdict(struct connection *c, enum verdict verdict) {
    c->facts.verdicts[verdict] += c->facts.verdicts[verdict] != UINT32_MAX;
    c->model->stats->verdicts[verdict]++;
}

/* The longer array that took the place of the first. */
static void give_items(struct connection *c, const struct name_list *l, struct shared_text *const *first) {
    if (l->items != first) {
        budget_give(c->model->budget, l->items, l->room * sizeof *l->items);
    }
}

static void name_list_free(struct connection *c, struct name_list *l, struct shared_text *const *first) {
    for (unsigned i = 0; i < l->count; i++) {
        text_drop(&c->model->texts, l->items[i]);
    }
    give_items(c, l, first);
}

static void names_free(struct connection *c) {
    if (!c->names) {
        return;
    }
    name_list_free(c, &c->names->users, c->names->first_user);
    name_list_free(c, &c->names->shares, c->names->first_share);
    budget_give(c->model->budget, c->names, sizeof *c->names);
}

static void copy_sources_free(struct connection *c) {
    if (!c->copy_sources) {
        return;
    }
    for (unsigned i = 0; i < COPY_SOURCES_MAX; i++) {
        text_drop(&c->model->texts, c->copy_sources->items[i].name);
    }
    budget_give(c->model->budget, c->copy_sources, sizeof *c->copy_sources);
}

/* A LOGOFF that was not answered, or that may be among the bytes that are missing; of one side it is the answer that would be. */
static bool may_have_left(const struct connection *c, const struct session *s) {
    const struct flow_facts *f = c->facts.flow;
    return s->leaving || f->gaps[f->packets[TO_SERVER] != 0 ? TO_SERVER : TO_CLIENT] != 0;
}

/* What ends with the connection, and not before, as the server said. An encrypted LOGOFF is not seen, and a session with other channels lives on. */
void connection_note_lives(const struct channel *channel) {
    struct session *s = channel->session;
    struct connection *c = channel->connection;
    bool encrypted = channel->encrypted_reported[TO_SERVER] || channel->encrypted_reported[TO_CLIENT];
    if (s->gone || session_may_go_on(channel)) {
        return;
    }
    for (struct link *h = list_first(&s->handle_list); h; h = list_next(&s->handle_list, h)) {
        bool durable = container_of(h, struct handle, of_session)->durable != NULL;
        c->facts.stages |= durable ? STAGE_DURABLE_LIVES : 0;
    }
    if (!encrypted) {
        c->facts.stages |= STAGE_SESSION_LIVES;
        c->facts.stages |= may_have_left(c, s) ? 0 : STAGE_LOST;
        c->facts.stages |= list_first(&s->tree_list) ? STAGE_TREE_LIVES : 0;
    }
}

/* The server closes a connection whose sessions are idle. The client may take its time to close it as well. */
static void note_idle(const struct channel *channel) {
    struct connection *c = channel->connection;
    const struct flow_facts *f = c->facts.flow;
    uint64_t closed_ns = f->first.time_ns + f->closing_s * UINT64_C(1000000000);
    bool silent = c->last_ns != 0 && closed_ns >= c->last_ns + SESSION_IDLE_NS;
    c->facts.idle_session |= silent && f->server_closed && session_has_nothing_open(channel);
}

static void texts_of(const struct name_list *l, struct text *to) {
    for (unsigned i = 0; i < l->count; i++) {
        to[i] = text_of(l->items[i]);
    }
}

static void tell_end(struct connection *c, enum flow_end_reason reason, struct moment at) {
    struct text users[CONNECTION_NAMES_MAX * 2], shares[CONNECTION_NAMES_MAX];
    struct share_sums sums[CONNECTION_NAMES_MAX];
    sums_tell(c, sums);
    if (c->names) {
        texts_of(&c->names->users, users);
        texts_of(&c->names->shares, shares);
        c->facts.users = users;
        c->facts.shares = shares;
    }
    c->model->sink.end(c->model->sink.arg, &c->facts, reason, at);
}

void connection_finish(struct connection *c, enum flow_end_reason reason, struct moment at) {
    struct model *m = c->model;
    bool over = reason != FLOW_END_CAPTURE_END && reason != FLOW_END_EVICTED;
    m->now = at;
    m->end_unseen = reason != FLOW_END_FIN && reason != FLOW_END_RST;
    smb1_end(c);
    for (struct link *x; (x = list_first(&c->put_off)) || (x = list_first(&c->exchange_ages));) {
        exchange_abandon(container_of(x, struct exchange, age));
    }
    for (struct link *x; (x = list_first(&c->setup_list));) {
        c->facts.stages |= STAGE_SESSION_UNANSWERED;
        setup_abandon(container_of(x, struct setup, of_connection), over);
    }
    for (struct link *x = list_first(&c->channel_list); x; x = list_next(&c->channel_list, x)) {
        connection_note_lives(container_of(x, struct channel, of_connection));
        note_idle(container_of(x, struct channel, of_connection));
    }
    for (struct link *x; (x = list_first(&c->channel_list));) {
        session_leave(container_of(x, struct channel, of_connection));
    }
    m->end_unseen = false;
    machine_refresh(c);
    tell_end(c, reason, at);
    smb1_free(c);
    message_forget(c);
    machine_forget(c);
    names_free(c);
    sums_free(c);
    copy_sources_free(c);
    text_drop(&m->texts, c->smb1_dialect);
    text_drop(&m->texts, c->netbios_called);
    hash_free(&c->channels);
    hash_free(&c->exchanges);
    hash_free(&c->setups);
    for (unsigned d = 0; d < DIRECTIONS; d++) {
        chain_drop(m, c->chains[d].chain);
    }
    m->connection_count--;
}

void connection_end(struct connection *c, enum flow_end_reason reason, struct moment at) {
    connection_finish(c, reason, at);
    connection_leave(c);
}

static struct connection_names *names_of(struct connection *c) {
    struct connection_names *n = c->names ? c->names : budget_take(c->model->budget, sizeof *n);
    if (!n) {
        c->model->stats->names_lost++;
    } else if (!c->names) {
        c->names = n;
        n->users = (struct name_list){n->first_user, 0, 2};
        n->shares = (struct name_list){n->first_share, 0, 1};
    }
    return n;
}

/* Room for so many more; there are at most CONNECTION_NAMES_MAX users and as many shares. */
static bool name_list_grow(struct connection *c, struct name_list *l, struct shared_text *const *first, unsigned more) {
    if (l->count + more <= l->room) {
        return true;
    }
    unsigned room = 2 * l->room;
    struct shared_text **items = budget_take(c->model->budget, room * sizeof *items);
    if (!items) {
        c->model->stats->names_lost++;
        return false;
    }
    for (unsigned i = 0; i < l->count; i++) {
        items[i] = l->items[i];
    }
    give_items(c, l, first);
    l->items = items;
    l->room = room;
    return true;
}

static bool is_named(const struct name_list *l, unsigned i, struct text name) {
    return text_same(text_of(l->items[i]), name);
}

void connection_add_user(struct connection *c, const struct auth *auth) {
    struct connection_names *n = auth->user && !auth->facts.domain_lost ? names_of(c) : NULL;
    if (!n) {
        return;
    }
    for (unsigned i = 0; i < c->facts.user_count; i++) {
        if (is_named(&n->users, i * 2, auth->facts.domain) && is_named(&n->users, i * 2 + 1, auth->facts.user)) {
            return;
        }
    }
    if (c->facts.user_count == CONNECTION_NAMES_MAX) {
        c->model->stats->names_left_out++;
        return;
    }
    if (name_list_grow(c, &n->users, n->first_user, 2)) {
        n->users.items[n->users.count++] = text_share(auth->domain);
        n->users.items[n->users.count++] = text_share(auth->user);
        c->facts.user_count++;
    }
}

void connection_add_share(struct connection *c, struct shared_text *path) {
    struct connection_names *n = path ? names_of(c) : NULL;
    if (!n) {
        return;
    }
    for (unsigned i = 0; i < c->facts.share_count; i++) {
        if (is_named(&n->shares, i, text_of(path))) {
            return;
        }
    }
    if (c->facts.share_count == CONNECTION_NAMES_MAX) {
        c->model->stats->names_left_out++;
        return;
    }
    if (name_list_grow(c, &n->shares, n->first_share, 1)) {
        n->shares.items[n->shares.count++] = text_share(path);
        c->facts.share_count++;
    }
}
