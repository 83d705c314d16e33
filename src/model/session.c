/* Sessions and who they belong to, MS-SMB2 3.3.1.8; their SESSION_SETUP exchanges, 3.3.5.5. */
#include <assert.h>
#include <string.h>

#include "model/state.h"

static uint64_t session_hash(const struct model *m, uint64_t id) {
    return hash_mix(m->secret, id);
}

struct channel *session_channel(struct connection *c, uint64_t id) {
    if (c->last_channel && c->last_channel->session->facts.id == id) {
        return c->last_channel;
    }
    uint64_t hash = session_hash(c->model, id);
    for (struct hash_node *n = hash_first(&c->channels, hash); n; n = hash_again(n->next, hash)) {
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

/* The same client and server by what they negotiated: enough where the binding itself was not seen. */
static bool same_peers(const struct connection *c, const struct session *s) {
    return s->guids_known && c->client_guid_known && c->server_guid_known &&
           same_guid(&s->client_guid, &c->client_guid) && same_guid(&s->server_guid, &c->server_guid);
}

/* The server of the session, by its GUID or its address: enough for a binding that was seen to succeed. */
static bool same_server(const struct connection *c, const struct session *s) {
    return same_address(&s->server, &c->facts.flow->server.ip) ||
           (s->guids_known && c->server_guid_known && same_guid(&s->server_guid, &c->server_guid));
}

/* A session of another connection that this one may share. */
static struct session *session_elsewhere(struct connection *c, uint64_t id, bool bound) {
    struct model *m = c->model;
    uint64_t hash = session_hash(m, id);
    for (struct hash_node *n = hash_first(&m->sessions, hash); n; n = hash_again(n->next, hash)) {
        struct session *s = container_of(n, struct session, by_id);
        if (s->facts.id == id && !s->smb1 && (bound ? same_server(c, s) : same_peers(c, s))) {
            return s;
        }
    }
    return NULL;
}

static struct channel *session_join(struct connection *c, struct session *s) {
    struct channel *channel = model_take(c->model, &c->model->channels_pool);
    if (!channel) {
        return NULL;
    }
    channel->session = s;
    channel->connection = c;
    hash_insert(&c->channels, &channel->by_id, session_hash(c->model, s->facts.id));
    list_append(&s->channels, &channel->of_session);
    list_append(&c->channel_list, &channel->of_connection);
    c->last_channel = channel;
    return channel;
}

struct session *session_new(struct connection *c, uint64_t id) {
    struct model *m = c->model;
    if (m->session_count == MODEL_SESSIONS_MAX) {
        session_evict(m);
    }
    struct session *s = model_take(m, &m->sessions_pool);
    if (!s) {
        return NULL;
    }
    s->facts.id = id;
    s->server = c->facts.flow->server.ip;
    s->guids_known = c->client_guid_known && c->server_guid_known;
    s->client_guid = c->client_guid;
    s->server_guid = c->server_guid;
    list_init(&s->channels);
    hash_init(&s->trees, m->budget);
    hash_init(&s->handles, m->budget);
    hash_insert(&m->sessions, &s->by_id, session_hash(m, id));
    list_append(&m->session_ages, &s->age);
    m->session_count++;
    if (!session_join(c, s)) {
        session_free(s);
        return NULL;
    }
    return s;
}

struct session *session_learn(struct connection *c, uint64_t id) {
    if (id == 0 || id == UINT64_MAX) {
        return NULL;
    }
    struct session *s = session_find(c, id);
    if (s) {
        list_renew(&c->model->session_ages, &s->age);
        return s;
    }
    s = session_elsewhere(c, id, false);
    if (s) {
        return session_join(c, s) ? s : NULL;
    }
    return session_new(c, id);
}

static struct model *model_of(struct session *s) {
    struct link *x = list_first(&s->channels);
    assert(x);
    return container_of(x, struct channel, of_session)->connection->model;
}

static void channel_free(struct channel *channel) {
    struct connection *c = channel->connection;
    if (c->last_channel == channel) {
        c->last_channel = NULL;
    }
    hash_remove(&c->channels, &channel->by_id);
    list_remove(&channel->of_session);
    list_remove(&channel->of_connection);
    pool_give(&c->model->channels_pool, channel);
}

void session_leave(struct channel *channel) {
    struct session *s = channel->session;
    if (s->channels.head.next == s->channels.head.prev) {
        session_free(s);
    } else {
        channel_free(channel);
    }
}

/* Its handles are reported through one of its channels, so those go last. */
void session_free(struct session *s) {
    struct model *m = model_of(s);
    for (struct hash_node *n; (n = hash_any(&s->handles));) {
        handle_abandon(m, container_of(n, struct handle, by_id), false);
    }
    for (struct hash_node *n; (n = hash_any(&s->trees));) {
        tree_free(m, container_of(n, struct tree, by_id));
    }
    for (struct link *x; (x = list_first(&s->channels));) {
        channel_free(container_of(x, struct channel, of_session));
    }
    hash_free(&s->handles);
    hash_free(&s->trees);
    hash_remove(&m->sessions, &s->by_id);
    list_remove(&s->age);
    auth_drop(m, s->auth);
    m->session_count--;
    pool_give(&m->sessions_pool, s);
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
    session_free(container_of(x, struct session, age));
    return true;
}

struct auth *auth_keep(struct model *m, const struct ntlm_message *n) {
    struct auth *a = model_take(m, &m->auths_pool);
    if (!a) {
        return NULL;
    }
    a->holders = 1;
    a->domain = text_keep(&m->texts, n->domain);
    a->user = text_keep(&m->texts, n->user);
    a->workstation = text_keep(&m->texts, n->workstation);
    a->facts.domain = text_of(a->domain);
    a->facts.user = text_of(a->user);
    a->facts.workstation = text_of(a->workstation);
    a->facts.ntlm_flags = n->flags;
    if (n->anonymous) {
        a->facts.kind = AUTH_ANONYMOUS;
    } else if (n->nt_response_length > 24) { /* MS-NLMP 2.2.2.8: 16 bytes and the NTLMv2_CLIENT_CHALLENGE */
        a->facts.kind = AUTH_NTLMV2;
    } else if (n->nt_response_length == 24 || n->lm_response_length == 24) { /* MS-NLMP 2.2.2.6, 2.2.2.3 */
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
    for (struct hash_node *n = hash_first(&c->setups, hash); n; n = hash_again(n->next, hash)) {
        struct setup *s = container_of(n, struct setup, by_id);
        if (s->session_id == id) {
            return s;
        }
    }
    return NULL;
}

void setup_free(struct connection *c, struct setup *s) {
    hash_remove(&c->setups, &s->by_id);
    list_remove(&s->age);
    auth_drop(c->model, s->auth);
    c->model->setup_count--;
    pool_give(&c->model->setups_pool, s);
}

void setup_continue(struct completion *d, struct setup *s, struct auth *auth) {
    struct connection *c = d->c;
    if (!s) {
        if (c->model->setup_count >= MODEL_SETUPS_MAX && list_first(&c->setup_ages)) {
            setup_free(c, container_of(list_first(&c->setup_ages), struct setup, age));
        }
        s = c->model->setup_count < MODEL_SETUPS_MAX ? model_take(c->model, &c->model->setups_pool) : NULL;
        if (!s) {
            return;
        }
        s->session_id = d->op.session_id;
        s->begin = d->op.begin;
        hash_insert(&c->setups, &s->by_id, session_hash(c->model, s->session_id));
        list_append(&c->setup_ages, &s->age);
        c->model->setup_count++;
    }
    if (auth) {
        auth_drop(c->model, s->auth);
        s->auth = auth_share(auth);
    }
}

/* The session that a successful exchange made, renewed or was bound to. */
static struct session *setup_session(struct completion *d, bool binding) {
    struct connection *c = d->c;
    struct session *s = session_find(c, d->op.session_id);
    if (s) {
        list_renew(&c->model->session_ages, &s->age);
    }
    if (!s && binding) {
        s = session_elsewhere(c, d->op.session_id, true);
        if (s && !session_join(c, s)) {
            return NULL;
        }
    }
    return s ? s : session_new(c, d->op.session_id);
}

static void setup_succeeded(struct completion *d, struct auth *auth, bool binding) {
    uint16_t flags = d->rsp->empty || d->rsp->is_error ? 0 : d->rsp->session_setup_response.session_flags;
    d->session = setup_session(d, binding);
    if (auth && (flags & SMB2_SESSION_FLAG_IS_GUEST)) {
        auth->facts.kind = AUTH_GUEST;
    } else if (auth && (flags & SMB2_SESSION_FLAG_IS_NULL)) {
        auth->facts.kind = AUTH_ANONYMOUS;
    }
    if (!auth || !d->session) {
        return;
    }
    if (!binding || !d->session->auth) {
        auth_drop(d->c->model, d->session->auth);
        d->session->auth = auth_share(auth);
        d->session->facts.auth = &auth->facts;
    }
    connection_add_user(d->c, auth);
}

void session_setup_done(struct completion *d) {
    struct connection *c = d->c;
    uint64_t id = d->rsp ? d->rsp->header.session_id : d->op.session_id;
    d->op.session_id = id ? id : d->op.session_id;
    d->op.auth = d->ex && d->ex->auth ? &d->ex->auth->facts : NULL;
    d->op.exchange_begin = d->op.begin;
    if (!d->rsp) {
        return;
    }
    bool binding =
        d->ex && !d->ex->request.empty && (d->ex->request.session_setup_request.flags & SMB2_SESSION_FLAG_BINDING);
    struct setup *s = setup_find(c, d->op.session_id);
    d->op.session_binding = binding;
    if (d->rsp->header.status == STATUS_MORE_PROCESSING_REQUIRED) {
        d->op.leg = true;
        setup_continue(d, s, d->ex ? d->ex->auth : NULL);
        return;
    }
    struct auth *auth = d->ex && d->ex->auth ? d->ex->auth : s ? s->auth : NULL;
    if (s) {
        d->op.exchange_begin = s->begin;
    }
    auth = auth_share(auth);
    d->op.auth = auth ? &auth->facts : NULL;
    if (d->rsp->header.status == 0) {
        setup_succeeded(d, auth, binding);
    }
    if (s) {
        setup_free(c, s);
    }
    if (d->ex && auth) { /* what op.auth points to must outlive the setup: the exchange holds it until it is freed */
        auth_drop(c->model, d->ex->auth);
        d->ex->auth = auth;
    } else {
        d->op.auth = auth && d->session && d->session->auth == auth ? d->op.auth : NULL;
        auth_drop(c->model, auth);
    }
}
