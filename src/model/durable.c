/* Durable handles: what they are outlives their connection, for a client may take them up again. MS-SMB2 3.3.5.9.6 to 3.3.5.9.12. */
#include "model/state.h"

#define NS_PER_MS UINT64_C(1000000)

enum { CHANNELS_LOOKED_AT = 64 }; /* of a session; of one with more it is not known whether all are closed */

static uint64_t server_hash(const struct model *m, const struct address *server, uint64_t persistent) {
    return hash_more(m->secret, hash_bytes(m->secret, server->bytes, sizeof server->bytes), persistent);
}

static uint64_t guid_hash(const struct model *m, const struct guid *server, uint64_t persistent) {
    return hash_more(m->secret, hash_bytes(m->secret, server->bytes, sizeof server->bytes), persistent);
}

static struct durable *find_by_server(const struct connection *c, uint64_t persistent) {
    const struct address *server = &c->facts.flow->server.ip;
    uint64_t hash = server_hash(c->model, server, persistent);
    for (struct hash_node *n = hash_first(&c->model->durables_by_server, hash); n; n = hash_again(n, hash)) {
        struct durable *d = container_of(n, struct durable, by_server);
        if (d->persistent == persistent && memcmp(&d->server, server, sizeof *server) == 0) {
            return d;
        }
    }
    return NULL;
}

/* One server may have several addresses. */
static struct durable *find_by_guid(const struct connection *c, uint64_t persistent) {
    if (!c->server_guid_known) {
        return NULL;
    }
    uint64_t hash = guid_hash(c->model, &c->server_guid, persistent);
    for (struct hash_node *n = hash_first(&c->model->durables_by_guid, hash); n; n = hash_again(n, hash)) {
        struct durable *d = container_of(n, struct durable, by_guid);
        if (d->persistent == persistent && memcmp(&d->server_guid, &c->server_guid, sizeof d->server_guid) == 0) {
            return d;
        }
    }
    return NULL;
}

struct durable *durable_find(const struct connection *c, uint64_t persistent) {
    struct durable *d = find_by_guid(c, persistent);
    return d ? d : find_by_server(c, persistent);
}

static void durable_free(struct model *m, struct durable *d) {
    if (d->handle) {
        d->handle->durable = NULL;
    }
    hash_remove(&m->durables_by_server, &d->by_server);
    if (d->guid_known) {
        hash_remove(&m->durables_by_guid, &d->by_guid);
    }
    list_remove(&d->age.link);
    text_drop(&m->texts, d->name);
    m->durable_count--;
    pool_give(&m->durables_pool, d);
}

bool durable_evict(struct model *m) {
    struct link *x = list_first(&m->durable_ages);
    if (!x) {
        return false;
    }
    m->stats->evicted_durables++;
    durable_free(m, container_of(x, struct durable, age));
    return true;
}

void durables_free(struct model *m) {
    for (struct link *x; (x = list_first(&m->durable_ages));) {
        durable_free(m, container_of(x, struct durable, age));
    }
}

void durable_keep(struct connection *c, struct handle *h, bool again) {
    struct model *m = c->model;
    struct durable *d = durable_find(c, h->facts.id.persistent);
    bool resilient = again && d && d->resilient;
    uint64_t timeout_ns = again && d ? d->timeout_ns : 0;
    if (d) {
        durable_free(m, d);
    }
    if (m->durable_count >= m->limits.durables) {
        durable_evict(m);
    }
    d = pool_take(&m->durables_pool); /* nothing is evicted for it: it is what goes first */
    if (!d) {
        m->stats->evicted_durables++;
        return;
    }
    d->handle = h;
    h->durable = d;
    d->server = c->facts.flow->server.ip;
    d->guid_known = c->server_guid_known;
    d->server_guid = c->server_guid;
    d->persistent = h->facts.id.persistent;
    d->resilient = resilient;
    d->timeout_ns = timeout_ns;
    hash_insert(&m->durables_by_server, &d->by_server, server_hash(m, &d->server, d->persistent));
    if (d->guid_known) {
        hash_insert(&m->durables_by_guid, &d->by_guid, guid_hash(m, &d->server_guid, d->persistent));
    }
    age_begin(m, &m->durable_ages, &d->age);
    m->durable_count++;
}

void durable_resilient(struct connection *c, struct handle *h, uint32_t timeout_ms) {
    if (!h->durable) {
        durable_keep(c, h, false);
    }
    if (h->durable) {
        h->durable->resilient = true;
        h->durable->timeout_ns = timeout_ms * NS_PER_MS;
    }
}

void durable_granted(struct handle *h, uint32_t timeout_ms) {
    if (h->durable && timeout_ms != 0) {
        h->durable->timeout_ns = timeout_ms * NS_PER_MS;
    }
}

void durable_forget(const struct connection *c, uint64_t persistent) {
    struct durable *d = durable_find(c, persistent);
    if (d && !d->handle) {
        durable_free(c->model, d);
    }
}

/* Connections are waited for after their end, for packets that trail: the handle may still be theirs here. */
uint64_t durable_session_lost_ns(struct session *s) {
    uint64_t last_ns = 0;
    unsigned looked_at = 0;
    for (struct link *x = list_first(&s->channels); x; x = list_next(&s->channels, x)) {
        const struct flow_facts *f = channel_flow(container_of(x, struct channel, of_session));
        if (!(f->tcp_flags & (TCP_FIN | TCP_RST)) || looked_at++ == CHANNELS_LOOKED_AT) {
            return 0;
        }
        last_ns = f->last.time_ns > last_ns ? f->last.time_ns : last_ns;
    }
    return last_ns;
}

bool durable_timed_out(const struct durable *d, uint64_t time_ns) {
    uint64_t lost_ns = d->handle ? durable_session_lost_ns(d->handle->session) : d->lost_ns;
    return lost_ns != 0 && d->timeout_ns != 0 && time_ns >= lost_ns + d->timeout_ns;
}

void durable_refused(struct completion *d) {
    const struct smb2_create_request *q = &d->ex->request.create_request;
    const struct durable *old = durable_find(d->c, q->contexts.reconnect_id.persistent);
    if (!old) {
        return;
    }
    d->op.resilient = old->resilient;
    d->op.timed_out = d->rsp->header.status == STATUS_OBJECT_NAME_NOT_FOUND && !d->op.gap &&
                      durable_timed_out(old, d->op.begin.time_ns);
    if (old->named && (q->name.bytes.n == 0 || q->name_lost)) {
        d->op.has_aimed_name = true;
        d->op.aimed_name = text_of(old->name);
    }
}

void durable_leave(struct model *m, struct handle *h, enum handle_end how) {
    struct durable *d = h->durable;
    if (how == HANDLE_CLOSED) {
        durable_free(m, d);
        return;
    }
    d->lost_ns = how == HANDLE_LOST && !m->end_unseen ? m->now.time_ns : 0;
    d->handle = NULL;
    h->durable = NULL;
    text_drop(&m->texts, d->name);
    d->name = text_share(h->name);
    d->named = h->facts.named;
    d->directory = h->facts.directory;
    d->delete_on_close = h->delete_on_close;
    age_renew(m, &m->durable_ages, &d->age);
}
