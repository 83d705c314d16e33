/* Sessions and who they belong to, MS-SMB2 3.3.1.8; their SESSION_SETUP exchanges, 3.3.5.5. */
#include <string.h>

#include "model/state.h"

static uint64_t session_hash(const struct model *m, uint64_t id) {
    return hash_number(m->secret, id);
}

static uint64_t peers_hash(const struct model *m, const struct guid *client, const struct guid *server, uint64_t id) {
    uint64_t hash = hash_more(m->secret, hash_bytes(m->secret, client->bytes, sizeof client->bytes), id);
    return hash_more(m->secret, hash, hash_bytes(m->secret, server->bytes, sizeof server->bytes));
}

struct channel *session_channel(struct connection *c, uint64_t id) {
    if (c->last_channel && c->last_channel->session->facts.id == id) {
        return c->last_channel;
    }
    uint64_t hash = session_hash(c->model, id);
    for (struct hash_node *n = hash_first(&c->channels, hash); n; n = hash_again(n, hash)) {
        struct channel *channel = container_of(n, struct channel, by_id);
        if (channel->session->facts.id == id) {
            c->last_channel = channel;
            return channel;
        }
    }
    return NULL;
}

struct session *session_find(struct connection *c, uint64_t id) {
    struct channel *channel = id ? session_channel(c, id) : NULL;
    return channel ? channel->session : NULL;
}

static bool same_guid(const struct guid *a, const struct guid *b) {
    return memcmp(a->bytes, b->bytes, sizeof a->bytes) == 0;
}

static bool same_address(const struct address *a, const struct address *b) {
    return a->family == b->family && memcmp(a->bytes, b->bytes, sizeof a->bytes) == 0;
}

/* Both have said who they are, and are not the same: two servers that one address stands for. */
static bool other_server(const struct connection *c, const struct session *s) {
    return c->server_guid_known && s->guids_known && !same_guid(&c->server_guid, &s->server_guid);
}

/* A session of the server at this connection's address; of several the one that came last. */
static struct session *session_of_server(const struct connection *c, uint64_t id) {
    const struct address *server = &c->facts.flow->server.ip;
    uint64_t hash = session_hash(c->model, id);
    struct hash_node *n = hash_first(&c->model->sessions_by_id, hash);
    for (unsigned i = 0; n && i < SESSION_SEARCH_MAX; i++, n = hash_again(n, hash)) {
        struct session *s = container_of(n, struct session, by_id);
        if (s->facts.id == id && same_address(&s->server, server) && !other_server(c, s)) {
            return s;
        }
    }
    c->model->stats->searches_cut += n != NULL;
    return NULL;
}

/* Is there another of this id, at whatever address, that may be the same one on a connection of which the binding, or who its two are, was
 * not seen? Of very many it is not looked which. */
static bool has_twin(const struct session *s) {
    uint64_t hash = session_hash(s->model, s->facts.id);
    struct hash_node *n = hash_first(&s->model->sessions_by_id, hash);
    for (unsigned i = 0; n && i < SESSION_SEARCH_MAX; i++, n = hash_again(n, hash)) {
        const struct session *other = container_of(n, struct session, by_id);
        bool told_apart = s->guids_known && other->guids_known;
        if (other != s && other->facts.id == s->facts.id && !told_apart) {
            return true;
        }
    }
    s->model->stats->searches_cut += n != NULL;
    return n != NULL;
}

bool session_may_go_on(const struct channel *channel) {
    struct session *s = channel->session;
    if (s->smb1 || !negotiation_may_bind(channel->connection)) {
        return false;
    }
    bool several = list_next(&s->channels, list_first(&s->channels)) != NULL;
    return several || !s->made || has_twin(s);
}

bool session_has_nothing_open(const struct channel *channel) {
    const struct connection *c = channel->connection;
    struct session *s = channel->session;
    bool hidden = c->covered || s->facts.messages.encrypted != 0 ||
                  c->facts.flow->gaps[TO_SERVER] + c->facts.flow->gaps[TO_CLIENT] != 0;
    return s->made && !s->leaving && !s->gone && !hidden && list_first(&s->handle_list) == NULL &&
           !session_may_go_on(channel);
}

/* The same client and server by what they negotiated. */
static struct session *session_of_peers(const struct connection *c, uint64_t id) {
    if (!c->client_guid_known || !c->server_guid_known) {
        return NULL;
    }
    uint64_t hash = peers_hash(c->model, &c->client_guid, &c->server_guid, id);
    for (struct hash_node *n = hash_first(&c->model->sessions_by_peers, hash); n; n = hash_again(n, hash)) {
        struct session *s = container_of(n, struct session, by_peers);
        if (s->facts.id == id && same_guid(&s->client_guid, &c->client_guid) &&
            same_guid(&s->server_guid, &c->server_guid)) {
            return s;
        }
    }
    return NULL;
}

/* A relay hands on both GUIDs and the SessionId as they are: it is the server of one connection and the client of the other. Where
 * both ends are on one machine the addresses say nothing. */
static bool relayed(const struct connection *c, struct session *s) {
    const struct flow_facts *one = c->facts.flow;
    const struct flow_facts *other = channel_flow(container_of(list_first(&s->channels), struct channel, of_session));
    return !same_address(&other->client.ip, &other->server.ip) &&
           (same_address(&other->server.ip, &one->client.ip) || same_address(&other->client.ip, &one->server.ip));
}

/* A session of another connection that this one may share: bound to it, or, where that was not seen, by its peers. */
static struct session *session_elsewhere(struct connection *c, uint64_t id, bool bound) {
    struct session *s = bound ? session_of_server(c, id) : NULL;
    if (!s) {
        s = session_of_peers(c, id);
    }
    return s && (bound || !relayed(c, s)) ? s : NULL;
}

/* The session must be the youngest, or there must be room: to make some the oldest one goes. */
static struct channel *session_join(struct connection *c, struct session *s) {
    struct model *m = c->model;
    struct link *first = list_first(&s->channels);
    if (first && !channel_unfold(container_of(first, struct channel, of_session))) {
        return NULL;
    }
    age_renew(m, &m->session_ages, &s->age);
    while (m->channel_count >= m->limits.channels && session_evict(m)) {
    }
    struct channel *channel = m->channel_count < m->limits.channels ? model_take(m, &m->channels_pool) : NULL;
    if (!channel) {
        return NULL;
    }
    channel->session = s;
    channel->connection = c;
    hash_insert(&c->channels, &channel->by_id, session_hash(m, s->facts.id));
    list_append(&s->channels, &channel->of_session);
    list_append(&c->channel_list, &channel->of_connection);
    m->channel_count++;
    c->last_channel = channel;
    return channel;
}

static void session_insert(struct session *s) {
    struct model *m = s->model;
    if (!s->smb1) {
        hash_insert(&m->sessions_by_id, &s->by_id, session_hash(m, s->facts.id));
    }
    if (s->guids_known) {
        hash_insert(&m->sessions_by_peers, &s->by_peers, peers_hash(m, &s->client_guid, &s->server_guid, s->facts.id));
    }
    age_begin(m, &m->session_ages, &s->age);
    m->session_count++;
}

struct session *session_new(struct connection *c, uint64_t id, bool smb1) {
    struct model *m = c->model;
    if (m->session_count >= m->limits.sessions) {
        session_evict(m);
    }
    struct session *s = model_take(m, &m->sessions_pool);
    if (!s) {
        return NULL;
    }
    s->model = m;
    s->facts.id = id;
    s->server = c->facts.flow->server.ip;
    s->smb1 = smb1;
    s->guids_known = c->client_guid_known && c->server_guid_known && !smb1;
    s->client_guid = c->client_guid;
    s->server_guid = c->server_guid;
    list_init(&s->channels);
    list_init(&s->tree_list);
    list_init(&s->handle_list);
    hash_init(&s->trees, m->budget);
    hash_init(&s->handles, m->budget);
    session_insert(s);
    if (!session_join(c, s)) {
        session_free(s, HANDLE_LOST);
        return NULL;
    }
    if (!smb1) { /* also where the NEGOTIATE was before the capture */
        peers_agree(c, c->facts.dialect);
    }
    return s;
}

struct session *session_learn(struct connection *c, uint64_t id) {
    if (id == 0 || id == UINT64_MAX) {
        return NULL;
    }
    struct session *s = session_find(c, id);
    if (s) {
        age_renew(c->model, &c->model->session_ages, &s->age);
        return s;
    }
    s = session_elsewhere(c, id, false);
    if (s) {
        return session_join(c, s) ? s : NULL;
    }
    return session_new(c, id, false);
}

static void channel_free(struct channel *channel) {
    struct connection *c = channel->connection;
    struct model *m = channel->session->model;
    if (c && c->last_channel == channel) {
        c->last_channel = NULL;
    }
    if (c) {
        hash_remove(&c->channels, &channel->by_id);
    }
    list_remove(&channel->of_session);
    list_remove(&channel->of_connection);
    m->channel_count--;
    pool_give(&m->channels_pool, channel);
}

void session_leave(struct channel *channel) {
    struct session *s = channel->session;
    if (s->channels.head.next == s->channels.head.prev) {
        sums_session_ends(channel->connection, s);
        session_free(s, HANDLE_LOST);
    } else {
        channel_free(channel);
    }
}

/* Its handles are reported through one of its channels, so those go last. */
void session_free(struct session *s, enum handle_end how) {
    struct model *m = s->model;
    for (struct link *x; (x = list_first(&s->handle_list));) {
        handle_abandon(m, container_of(x, struct handle, of_session), how);
    }
    for (struct link *x; (x = list_first(&s->tree_list));) {
        tree_free(m, container_of(x, struct tree, of_session), how);
    }
    for (struct link *x; (x = list_first(&s->channels));) {
        channel_free(container_of(x, struct channel, of_session));
    }
    hash_free(&s->handles);
    hash_free(&s->trees);
    if (!s->smb1) {
        hash_remove(&m->sessions_by_id, &s->by_id);
    }
    if (s->guids_known) {
        hash_remove(&m->sessions_by_peers, &s->by_peers);
    }
    list_remove(&s->age.link);
    auth_drop(m, s->auth);
    m->session_count--;
    pool_give(&m->sessions_pool, s);
}

/* Its opens are closed, but for durable ones, which wait to be taken up again (MS-SMB2 3.3.5.6). */
void session_end(struct session *s) {
    for (struct link *x; (x = list_first(&s->handle_list));) {
        struct handle *h = container_of(x, struct handle, of_session);
        handle_abandon(s->model, h, h->durable ? HANDLE_LOST : HANDLE_CLOSED);
    }
    session_free(s, HANDLE_CLOSED);
}

bool session_evict(struct model *m) {
    struct link *x = list_first(&m->session_ages);
    while (x && container_of(x, struct session, age)->pinned) {
        x = list_next(&m->session_ages, x);
    }
    if (!x || list_next(&m->session_ages, x) == NULL) {
        return false;
    }
    m->stats->evicted_sessions++;
    session_free(container_of(x, struct session, age), HANDLE_EVICTED);
    return true;
}

static struct auth *auth_new(struct connection *c) {
    struct auth *a = model_take(c->model, &c->model->auths_pool);
    if (a) {
        a->holders = 1;
        a->facts.address = c->facts.flow->client.ip;
    }
    return a;
}

/* The client's name is encrypted. */
struct auth *auth_kerberos(struct connection *c) {
    struct auth *a = auth_new(c);
    if (a) {
        a->facts.kind = AUTH_KERBEROS;
    }
    return a;
}

struct auth *auth_keep(struct connection *c, const struct ntlm_message *n) {
    struct model *m = c->model;
    struct auth *a = auth_new(c);
    if (!a) {
        return NULL;
    }
    a->domain = model_text_common(m, n->domain);
    a->user = model_text_common(m, n->user);
    a->workstation = model_text_common(m, n->workstation);
    a->facts.domain_lost = n->domain_lost;
    a->facts.domain = text_of(a->domain);
    a->facts.user = text_of(a->user);
    a->facts.workstation = text_of(a->workstation);
    a->facts.machine = machine_name(a->facts.workstation);
    if (n->anonymous) {
        a->facts.kind = AUTH_ANONYMOUS;
    } else if (n->nt_response_length > 24) { /* MS-NLMP 2.2.2.8: 16 bytes and the NTLMv2_CLIENT_CHALLENGE */
        a->facts.kind = AUTH_NTLMV2;
    } else if (n->nt_response_length == 24) { /* MS-NLMP 2.2.2.6; an LM response alone may be LMv2 as well, 2.2.2.4 */
        a->facts.kind = AUTH_NTLMV1;
    }
    return a;
}

struct auth *auth_share(struct auth *a) {
    if (a) {
        a->holders++;
    }
    return a;
}

void auth_drop(struct model *m, struct auth *a) {
    if (!a || --a->holders > 0) {
        return;
    }
    text_drop(&m->texts, a->domain);
    text_drop(&m->texts, a->user);
    text_drop(&m->texts, a->workstation);
    pool_give(&m->auths_pool, a);
}

struct setup *setup_find(struct connection *c, uint64_t id) {
    uint64_t hash = session_hash(c->model, id);
    for (struct hash_node *n = hash_first(&c->setups, hash); n; n = hash_again(n, hash)) {
        struct setup *s = container_of(n, struct setup, by_id);
        if (s->session_id == id) {
            return s;
        }
    }
    return NULL;
}

void setup_free(struct setup *s) {
    struct model *m = s->connection->model;
    hash_remove(&s->connection->setups, &s->by_id);
    list_remove(&s->of_connection);
    list_remove(&s->age.link);
    auth_drop(m, s->auth);
    security_drop(m, s->security);
    m->setup_count--;
    pool_give(&m->setups_pool, s);
}

bool setup_evict(struct model *m) {
    struct link *x = list_first(&m->setup_ages);
    if (!x) {
        return false;
    }
    m->stats->evicted_setups++;
    setup_abandon(container_of(x, struct setup, age), false);
    return true;
}

/* SessionId 0 asks for a new session, MS-SMB2 3.3.5.5; one that renews a session or is bound to it names it. */
static bool asks_for_new(const struct completion *d) {
    return d->ex && !d->ex->request_lost && d->ex->request.header.session_id == 0;
}

static struct setup *setup_new(const struct completion *d) {
    struct connection *c = d->c;
    struct model *m = c->model;
    if (m->setup_count >= m->limits.setups) {
        setup_evict(m);
    }
    struct setup *s = model_take(m, &m->setups_pool);
    if (!s) {
        return NULL;
    }
    s->connection = c;
    s->session_id = d->op.session_id;
    s->begin = d->op.begin;
    s->asks_for_new = asks_for_new(d);
    hash_insert(&c->setups, &s->by_id, session_hash(m, s->session_id));
    list_append(&c->setup_list, &s->of_connection);
    age_begin(m, &m->setup_ages, &s->age);
    m->setup_count++;
    return s;
}

void setup_continue(struct completion *d, struct setup *s, struct auth *auth) {
    if (!s) {
        s = setup_new(d);
    }
    if (!s) {
        return;
    }
    s->security = security_share(d->security);
    if (auth) {
        auth_drop(d->c->model, s->auth);
        s->auth = auth_share(auth);
    }
}

void setup_collect(struct completion *d, struct setup *s, struct security **of_request) {
    struct model *m = d->c->model;
    if (s) {
        d->security = s->security;
        s->security = NULL;
    }
    if (d->security && !d->op.implicit) {
        d->security->facts.has_state = false; /* that was the state then */
    }
    if (of_request) {
        d->security = security_join(m, d->security, *of_request);
        *of_request = NULL;
    }
    if (d->rsp || d->smb1_rsp) {
        d->security = security_join(m, d->security, d->c->said);
        d->c->said = NULL;
    }
    d->op.security = d->security ? &d->security->facts : NULL;
}

/* Where the session is there all the same, or bytes are missing, the rest of the exchange was there and was not seen. */
void setup_abandon(struct setup *s, bool over) {
    struct connection *c = s->connection;
    struct completion d = {.c = c, .auth = auth_share(s->auth)};
    d.op.kind = OPERATION_SESSION_SETUP;
    d.op.implicit = true;
    d.op.session_id = s->session_id;
    d.op.begin = d.op.end = d.op.exchange_begin = s->begin;
    d.op.auth = s->auth ? &s->auth->facts : NULL;
    const uint64_t *gaps = c->facts.flow->gaps;
    d.op.left_off = over && !session_find(c, s->session_id) && gaps[TO_SERVER] + gaps[TO_CLIENT] == 0;
    setup_collect(&d, s, NULL);
    setup_free(s);
    completion_report(&d);
    auth_drop(c->model, d.auth);
    security_drop(c->model, d.security);
}

/* What an exchange showed of the names of its two machines. */
static void setup_show(struct completion *d, const struct auth *auth, bool accepted) {
    if (auth) {
        machine_show(d->c, MACHINE_CLIENT, accepted ? MACHINE_ITSELF : MACHINE_CLAIMED, auth->facts.machine);
    }
    security_show(d->c, d->security, accepted);
}

/* The session that a successful exchange made, renewed or was bound to. */
static struct session *setup_session(struct completion *d, bool binding) {
    struct connection *c = d->c;
    struct session *s = session_find(c, d->op.session_id);
    if (s) {
        age_renew(c->model, &c->model->session_ages, &s->age);
        return s;
    }
    if (d->op.session_id == 0 || d->op.session_id == UINT64_MAX) {
        return NULL; /* no id that a server gives out */
    }
    s = binding ? session_elsewhere(c, d->op.session_id, true) : NULL;
    if (s) {
        return session_join(c, s) ? s : NULL;
    }
    return session_new(c, d->op.session_id, false);
}

static bool same_user(const struct auth *a, const struct auth *b) {
    return a && b && a->user && text_same(text_of(a->user), text_of(b->user)) &&
           text_same(text_of(a->domain), text_of(b->domain));
}

/* The session goes, and this one of its connections tells of it. */
static void note_end(struct channel *channel) {
    struct session *s = channel->session;
    if (!channel_unfold(channel)) {
        s->model->stats->names_lost++;
        return;
    }
    if (durable_session_lost_ns(s) != 0) {
        connection_note_lives(channel);
    }
    sums_session_ends(channel->connection, s);
}

/* PreviousSessionId: a client that lost its session has the old one removed, where it is the same user's (MS-SMB2 3.3.5.5.3). Its
 * opens end with it, as far as they are not durable. */
static void end_previous(struct completion *d, const struct auth *auth) {
    const struct smb2_session_setup_request *q = &d->ex->request.session_setup_request;
    if (q->previous_session_id == 0 || q->previous_session_id == d->op.session_id) {
        return;
    }
    struct session *old = session_elsewhere(d->c, q->previous_session_id, true);
    if (old && old != d->session && same_user(old->auth, auth)) {
        note_end(container_of(list_first(&old->channels), struct channel, of_session));
        session_end(old);
    }
}

static void setup_succeeded(struct completion *d, struct auth *auth, bool binding) {
    uint16_t flags = d->rsp->empty || d->rsp->is_error ? 0 : d->rsp->session_setup_response.session_flags;
    d->session = setup_session(d, binding);
    if (d->session) {
        d->session->made |= d->op.session_new;
        d->session->gone = false;
    }
    if (!auth && !binding && d->session) { /* who proved it anew was not seen */
        auth_drop(d->c->model, d->session->auth);
        d->session->auth = NULL;
        d->session->facts.auth = NULL;
    }
    if (auth && (flags & SMB2_SESSION_FLAG_IS_GUEST)) {
        auth->facts.kind = AUTH_GUEST;
    } else if (auth && (flags & SMB2_SESSION_FLAG_IS_NULL)) {
        auth->facts.kind = AUTH_ANONYMOUS;
    }
    if (!auth) {
        return;
    }
    connection_add_user(d->c, auth);
    if (d->session && (!binding || !d->session->auth)) {
        auth_drop(d->c->model, d->session->auth);
        d->session->auth = auth_share(auth);
        d->session->facts.auth = &auth->facts;
    }
    if (d->session && !binding && d->ex && !d->ex->request.empty) {
        end_previous(d, auth);
    }
}

/* Who the exchange is about, with one holder more; and when it began. The exchange under way ends here: what follows may evict. */
static struct auth *setup_take(struct completion *d, struct setup *s) {
    struct auth *auth = d->ex && d->ex->auth ? d->ex->auth : s ? s->auth : NULL;
    auth = auth_share(auth);
    if (s) {
        d->op.exchange_begin = s->begin;
        setup_free(s);
    }
    return auth;
}

/* Its last leg has no answer. */
static void setup_unanswered(struct completion *d, struct setup *s) {
    d->auth = setup_take(d, s);
    d->op.auth = d->auth ? &d->auth->facts : NULL;
}

/* A session that there was before is on this connection already, but for one that is bound to it: where nothing of the connection is
 * missing it would be known. */
static bool is_new(const struct completion *d, const struct setup *s) {
    const struct flow_facts *f = d->c->facts.flow;
    if (d->op.session_binding || d->op.session_renewed || !d->ex || d->ex->request_lost || d->ex->request.empty) {
        return false;
    }
    bool whole = f->start_seen && f->gaps[TO_SERVER] + f->gaps[TO_CLIENT] == 0;
    return whole || asks_for_new(d) || (s && s->asks_for_new);
}

void session_setup_done(struct completion *d) {
    struct connection *c = d->c;
    uint64_t id = d->rsp ? d->rsp->header.session_id : d->op.session_id;
    d->op.session_id = id ? id : d->op.session_id;
    d->op.auth = d->ex && d->ex->auth ? &d->ex->auth->facts : NULL;
    d->op.exchange_begin = d->op.begin;
    struct setup *s = setup_find(c, d->op.session_id);
    setup_collect(d, s, d->ex ? &d->ex->security : NULL);
    if (!d->rsp) {
        setup_unanswered(d, s);
        return;
    }
    bool binding =
        d->ex && !d->ex->request.empty && (d->ex->request.session_setup_request.flags & SMB2_SESSION_FLAG_BINDING);
    d->op.session_binding = binding;
    d->op.session_new = is_new(d, s);
    if (d->rsp->header.status == STATUS_MORE_PROCESSING_REQUIRED) {
        d->op.leg = true;
        setup_continue(d, s, d->ex ? d->ex->auth : NULL);
        security_show(c, d->security, false);
        return;
    }
    struct auth *auth = setup_take(d, s);
    d->op.auth = auth ? &auth->facts : NULL;
    bool accepted = d->rsp->header.status == STATUS_SUCCESS;
    if (accepted) {
        setup_succeeded(d, auth, binding);
    }
    setup_show(d, auth, accepted);
    auth_drop(c->model, d->auth); /* what op.auth points to lives until the operation was handed on */
    d->auth = auth;
}
