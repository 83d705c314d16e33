/* Opens by instances of applications: a machine that fails over to another host opens its files again from there, as the same instance
 * (SMB2_CREATE_APP_INSTANCE_ID), and the server closes what the first host had open. MS-SMB2 3.3.5.9.13. */
#include "base/utf16.h"
#include "model/state.h"

enum { READS = 0x80000000 | FILE_READ_DATA | GENERIC_ALL }; /* the first: GENERIC_READ, MS-SMB2 2.2.13.1.1 */

static uint64_t application_hash(const struct model *m, const struct guid *application, struct text name) {
    return utf16_name_hash(m->secret, hash_bytes(m->secret, application->bytes, sizeof application->bytes), name.bytes);
}

static uint64_t file_hash(const struct model *m, const struct address *server, struct file_id id) {
    uint64_t hash = hash_bytes(m->secret, server->bytes, sizeof server->bytes);
    return hash_more(m->secret, hash_more(m->secret, hash, id.persistent), id.volatile_part);
}

static bool same_guid(const struct guid *a, const struct guid *b) {
    return memcmp(a->bytes, b->bytes, sizeof a->bytes) == 0;
}

/* The youngest with that FileId; NULL: none. */
static struct instance *find_file(struct model *m, const struct address *server, struct file_id id) {
    uint64_t hash = file_hash(m, server, id);
    for (struct hash_node *n = hash_first(&m->instances_by_file, hash); n; n = hash_again(n, hash)) {
        struct instance *x = container_of(n, struct instance, by_file);
        if (x->file_id.persistent == id.persistent && x->file_id.volatile_part == id.volatile_part &&
            memcmp(&x->server, server, sizeof *server) == 0) {
            return x;
        }
    }
    return NULL;
}

static void instance_free(struct model *m, struct instance *x) {
    hash_remove(&m->instances_by_application, &x->by_application);
    hash_remove(&m->instances_by_file, &x->by_file);
    list_remove(&x->age.link);
    text_drop(&m->texts, x->share);
    text_drop(&m->texts, x->name);
    m->instance_count--;
    pool_give(&m->instances_pool, x);
}

bool instance_evict(struct model *m) {
    struct link *x = list_first(&m->instance_ages);
    if (!x) {
        return false;
    }
    m->stats->evicted_instances++;
    instance_free(m, container_of(x, struct instance, age));
    return true;
}

void instances_free(struct model *m) {
    for (struct link *x; (x = list_first(&m->instance_ages));) {
        instance_free(m, container_of(x, struct instance, age));
    }
}

/* ---- another open of the same */

/* One that is not durable is gone with its connection, and a durable one when the server waited for its client for long enough. */
static bool is_open(const struct completion *d, const struct instance *x) {
    const struct durable *durable = x->handle ? x->handle->durable : durable_find(d->c, x->file_id.persistent);
    if (x->closed || (durable && durable_timed_out(durable, d->op.begin.time_ns))) {
        return false;
    }
    return durable || (x->handle && durable_session_lost_ns(x->handle->session) == 0);
}

/* SHARE of \\HOST\SHARE: one server may be called by several names. */
static struct view share_of(struct text path) {
    return view_from(path.bytes, utf16_behind_last(path.bytes, '\\'));
}

static bool same_file(const struct instance *x, const struct handle *h) {
    return utf16_same_name(share_of(text_of(x->share)), share_of(h->tree->facts.path)) &&
           utf16_same_name(text_of(x->handle ? x->handle->name : x->name).bytes, h->facts.name.bytes);
}

static struct instance *rival_of(const struct completion *d, const struct handle *h, const struct guid *application) {
    const struct model *m = d->c->model;
    uint64_t hash = application_hash(m, application, h->facts.name);
    struct hash_node *n = hash_first(&m->instances_by_application, hash);
    for (unsigned i = 0; n && i < INSTANCE_SEARCH_MAX; i++, n = hash_again(n, hash)) {
        struct instance *x = container_of(n, struct instance, by_application);
        if (same_guid(&x->application, application) && !same_guid(&x->client_guid, &d->c->client_guid) &&
            memcmp(&x->server, &h->session->server, sizeof x->server) == 0 && is_open(d, x) && same_file(x, h)) {
            return x;
        }
    }
    m->stats->searches_cut += n != NULL;
    return NULL;
}

/* The old one is closed where the user may read the file; else what is asked of the old one will show it. */
static void take_over(struct completion *d, struct instance *old) {
    struct model *m = d->c->model;
    old->rivalled = true;
    old->rival = (struct takeover_facts){d->op.file_id, d->c->facts.flow->client.ip};
    if (!(d->ex->request.create_request.desired_access & READS)) {
        return;
    }
    old->closed = true;
    m->takeover = (struct takeover_facts){old->file_id, old->client};
    d->op.takeover = &m->takeover;
    if (old->handle) {
        handle_abandon(m, old->handle, HANDLE_CLOSED);
    } else {
        durable_forget(d->c, old->file_id.persistent);
    }
}

/* ---- its life */

static void keep(struct completion *d, struct handle *h, const struct guid *application) {
    struct model *m = d->c->model;
    if (m->instance_count >= m->limits.instances) {
        instance_evict(m);
    }
    struct instance *x = pool_take(&m->instances_pool); /* nothing is evicted for it: it is what goes first */
    if (!x) {
        m->stats->evicted_instances++;
        return;
    }
    x->server = h->session->server;
    x->client = d->c->facts.flow->client.ip;
    x->application = *application;
    x->client_guid = d->c->client_guid;
    x->file_id = h->facts.id;
    x->session_id = h->session->facts.id;
    x->handle = h;
    x->share = text_share(h->tree->path);
    x->name = text_share(h->name);
    hash_insert(&m->instances_by_application, &x->by_application, application_hash(m, application, h->facts.name));
    hash_insert(&m->instances_by_file, &x->by_file, file_hash(m, &x->server, x->file_id));
    age_begin(m, &m->instance_ages, &x->age);
    m->instance_count++;
}

/* A handle that is taken up again is the open that it was. */
static void reopen(struct completion *d, struct handle *h) {
    struct model *m = d->c->model;
    struct instance *x = find_file(m, &h->session->server, d->ex->request.create_request.contexts.reconnect_id);
    if (!x || x->closed || x->handle) {
        return;
    }
    hash_remove(&m->instances_by_file, &x->by_file);
    x->handle = h;
    x->file_id = h->facts.id;
    x->session_id = h->session->facts.id;
    x->client = d->c->facts.flow->client.ip;
    hash_insert(&m->instances_by_file, &x->by_file, file_hash(m, &x->server, x->file_id));
    age_renew(m, &m->instance_ages, &x->age);
}

void instance_opened(struct completion *d, struct handle *h) {
    const struct smb2_create_contexts *contexts = &d->ex->request.create_request.contexts;
    if (contexts->durable_reconnect) {
        reopen(d, h);
        return;
    }
    bool known = d->c->client_guid_known && h->facts.named && h->tree && h->tree->path;
    if (!known || d->c->facts.dialect < SMB2_DIALECT_0300 || d->c->facts.dialect == SMB2_DIALECT_02FF) {
        return;
    }
    struct instance *old = rival_of(d, h, &contexts->app_instance);
    if (old) {
        take_over(d, old);
    }
    keep(d, h, &contexts->app_instance);
}

void instance_leave(struct model *m, struct handle *h, enum handle_end how) {
    struct instance *x = find_file(m, &h->session->server, h->facts.id);
    if (!x || x->handle != h) {
        return;
    }
    bool waits = x->closed || (how == HANDLE_LOST && h->durable) || (how == HANDLE_CLOSED && x->rivalled);
    if (!waits) {
        instance_free(m, x);
        return;
    }
    text_drop(&m->texts, x->name);
    x->name = text_share(h->name);
    x->handle = NULL;
}

void instance_closed(struct completion *d) {
    struct model *m = d->c->model;
    struct instance *x = d->op.has_file_id ? find_file(m, &d->c->facts.flow->server.ip, d->op.file_id) : NULL;
    if (!x || !x->rivalled || x->session_id != d->op.session_id) {
        return;
    }
    x->closed = true;
    m->takeover = x->rival;
    d->op.takeover = &m->takeover;
    d->op.taken_over = true;
    d->ends_handle = d->handle != NULL;
    if (!d->handle) {
        d->op.has_aimed_name = true;
        d->op.aimed_name = text_of(x->name);
    }
}
