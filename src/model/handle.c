/* Opens, and what becomes of their files: MS-SMB2 3.3.1.10, deletion by MS-FSA 2.1.5.5 and 2.1.5.15.3. */
#include "model/state.h"

#include <string.h>

/* ---- files, as their opens share them */

/* Names are compared without regard to the case of ASCII letters; other letters differ by it. */
static uint8_t fold(uint8_t b) {
    return b >= 'a' && b <= 'z' ? (uint8_t)(b - 0x20) : b;
}

static uint64_t name_hash(uint64_t hash, struct view v) {
    for (size_t i = 0; i < v.n; i++) {
        hash = (hash ^ fold(v.p[i])) * UINT64_C(0x100000001b3);
    }
    return hash_mix(hash, v.n);
}

static bool same_name(struct view a, struct view b) {
    if (a.n != b.n) {
        return false;
    }
    for (size_t i = 0; i < a.n; i++) {
        if (fold(a.p[i]) != fold(b.p[i])) {
            return false;
        }
    }
    return true;
}

/* SHARE of \\HOST\SHARE: one server may be called by several names. */
static struct view share_of(struct text path) {
    struct view v = path.bytes;
    size_t start = v.n;
    while (start >= 2 && !(v.p[start - 2] == '\\' && v.p[start - 1] == 0)) {
        start -= 2;
    }
    return view_from(v, start);
}

static uint64_t node_hash(const struct model *m, const struct address *server, struct view share, struct view name) {
    uint64_t hash = hash_bytes(m->secret, server->bytes, sizeof server->bytes);
    return name_hash(name_hash(hash, share), name);
}

static struct node *node_open(struct model *m, struct handle *h) {
    const struct address *server = &h->session->server;
    struct view share = share_of(h->tree->facts.path), name = text_of(h->name).bytes;
    uint64_t hash = node_hash(m, server, share, name);
    for (struct hash_node *n = hash_first(&m->nodes, hash); n; n = hash_again(n->next, hash)) {
        struct node *node = container_of(n, struct node, by_name);
        if (memcmp(&node->server, server, sizeof *server) == 0 && same_name(share_of(text_of(node->share)), share) &&
            same_name(text_of(node->name).bytes, name)) {
            node->opens++;
            return node;
        }
    }
    struct node *node = model_take(m, &m->nodes_pool);
    if (!node) {
        return NULL;
    }
    node->opens = 1;
    node->server = *server;
    node->share = text_share(h->tree->path);
    node->name = text_share(h->name);
    hash_insert(&m->nodes, &node->by_name, hash);
    return node;
}

/* One open less. */
static void node_close(struct model *m, struct node *node) {
    if (!node || --node->opens > 0) {
        return;
    }
    hash_remove(&m->nodes, &node->by_name);
    text_drop(&m->texts, node->share);
    text_drop(&m->texts, node->name);
    pool_give(&m->nodes_pool, node);
}

static void node_rename(struct model *m, struct node *node, struct shared_text *name) {
    hash_remove(&m->nodes, &node->by_name);
    text_drop(&m->texts, node->name);
    node->name = text_share(name);
    hash_insert(&m->nodes, &node->by_name,
                node_hash(m, &node->server, share_of(text_of(node->share)), text_of(node->name).bytes));
}

/* ---- durable handles: their names outlive the connection */

static struct durable *durable_find(struct connection *c, struct file_id id) {
    struct model *m = c->model;
    uint64_t hash = hash_number(m->secret, id.persistent);
    for (struct hash_node *n = hash_first(&m->durables, hash); n; n = hash_again(n->next, hash)) {
        struct durable *d = container_of(n, struct durable, by_id);
        bool same = memcmp(&d->server, &c->facts.flow->server.ip, sizeof d->server) == 0 ||
                    (d->guid_known && c->server_guid_known &&
                     memcmp(&d->server_guid, &c->server_guid, sizeof c->server_guid) == 0);
        if (d->id.persistent == id.persistent && same) {
            return d;
        }
    }
    return NULL;
}

static void durable_free(struct model *m, struct durable *d) {
    hash_remove(&m->durables, &d->by_id);
    list_remove(&d->age);
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

static void durable_keep(struct connection *c, struct handle *h) {
    struct model *m = c->model;
    struct durable *d = durable_find(c, h->facts.id);
    if (d) {
        durable_free(m, d);
    }
    if (m->durable_count >= m->limits.durables) {
        durable_evict(m);
    }
    d = pool_take(&m->durables_pool);
    if (!d) {
        return;
    }
    d->server = c->facts.flow->server.ip;
    d->guid_known = c->server_guid_known;
    d->server_guid = c->server_guid;
    d->id = h->facts.id;
    d->name = text_share(h->name);
    d->directory = h->facts.directory;
    hash_insert(&m->durables, &d->by_id, hash_number(m->secret, d->id.persistent));
    list_append(&m->durable_ages, &d->age);
    m->durable_count++;
}

/* ---- handles */

static uint64_t handle_hash(const struct session *s, struct file_id id) {
    uint64_t secret = s->model->secret;
    return hash_more(secret, hash_number(secret, id.persistent), id.volatile_part);
}

struct handle *handle_find(struct session *s, struct file_id id) {
    uint64_t hash = handle_hash(s, id);
    for (struct hash_node *n = hash_first(&s->handles, hash); n; n = hash_again(n->next, hash)) {
        struct handle *h = container_of(n, struct handle, by_id);
        if (h->facts.id.persistent == id.persistent && h->facts.id.volatile_part == id.volatile_part) {
            return h;
        }
    }
    return NULL;
}

struct handle *handle_learn(struct model *m, struct session *s, struct tree *t, struct file_id id) {
    if (id.persistent == UINT64_MAX && id.volatile_part == UINT64_MAX) {
        return NULL; /* the one before in the chain, or none at all (MS-SMB2 2.2.31) */
    }
    struct handle *h = handle_find(s, id);
    if (h) {
        list_renew(&m->handle_ages, &h->age);
        return h;
    }
    if (m->handle_count >= m->limits.handles) {
        handle_evict(m);
    }
    h = model_take(m, &m->handles_pool);
    if (!h) {
        return NULL;
    }
    h->facts.id = id;
    h->session = s;
    h->tree = t;
    h->facts.is_pipe = t && t->facts.share_type == SMB2_SHARE_TYPE_PIPE;
    hash_insert(&s->handles, &h->by_id, handle_hash(s, id));
    list_append(&m->handle_ages, &h->age);
    list_append(&s->handle_list, &h->of_session);
    if (t) {
        list_append(&t->handles, &h->of_tree);
    }
    m->handle_count++;
    return h;
}

void handle_name(struct model *m, struct handle *h, struct text name) {
    struct shared_text *kept = text_keep(&m->texts, name);
    if (name.bytes.n != 0 && !kept) {
        return;
    }
    text_drop(&m->texts, h->name);
    h->name = kept;
    h->facts.name = text_of(kept);
    h->facts.named = true;
    if (h->node) {
        node_rename(m, h->node, kept);
    } else if (!h->facts.is_pipe && h->tree && h->tree->path) {
        h->node = node_open(m, h);
    }
}

/* The name of an open: that of its request; of a reconnected durable handle that of its first open, which the server goes by
 * whatever the request says (MS-SMB2 3.3.5.9.7). */
static void name_open(struct completion *d, struct handle *h) {
    struct model *m = d->c->model;
    const struct smb2_create_request *q = &d->ex->request.create_request;
    struct durable *old = q->contexts.durable_reconnect ? durable_find(d->c, q->contexts.reconnect_id) : NULL;
    if (old) {
        h->facts.directory = old->directory;
        h->name = text_share(old->name);
    } else {
        h->name = text_share(d->ex->text);
    }
    d->op.durable_reconnect = q->contexts.durable_reconnect;
    h->facts.name = text_of(h->name);
    h->facts.named = old || !q->contexts.durable_reconnect || h->name;
    h->delete_on_close = (q->create_options & FILE_DELETE_ON_CLOSE) != 0;
    if (!h->facts.is_pipe && h->tree && h->tree->path && h->facts.named) {
        h->node = node_open(m, h);
    }
}

/* CREATE that succeeded, MS-SMB2 2.2.14. */
void handle_opened(struct completion *d) {
    const struct smb2_create_response *r = &d->rsp->create_response;
    struct model *m = d->c->model;
    d->c->facts.files_opened++;
    m->stats->files_opened++;
    if (d->rsp->empty || !d->session) {
        return;
    }
    struct handle *stale = handle_find(d->session, r->file_id);
    if (stale) {
        handle_free(m, stale);
    }
    d->op.file_id = r->file_id;
    d->op.has_file_id = true;
    struct handle *h = d->handle = handle_learn(m, d->session, d->tree, r->file_id);
    if (!h) {
        return;
    }
    h->facts.directory = (r->file_attributes & FILE_ATTRIBUTE_DIRECTORY) != 0;
    if (d->ex && !d->ex->request.empty) {
        name_open(d, h);
    }
    if (r->contexts.durable_request || (d->ex && d->ex->request.create_request.contexts.durable_reconnect)) {
        h->durable = true;
        durable_keep(d->c, h);
    }
}

enum {
    FILE_DISPOSITION_DELETE = 1,
    FILE_DISPOSITION_POSIX_SEMANTICS = 2,
    FILE_DISPOSITION_ON_CLOSE = 8
}; /* MS-FSCC 2.4.12 */

void handle_mark(struct handle *h, const struct smb2_set_info_request *q) {
    if (q->disposition_flags & FILE_DISPOSITION_ON_CLOSE) {
        h->delete_on_close = q->delete_pending;
        return;
    }
    if (h->node) {
        h->node->delete_pending = q->delete_pending;
    } else {
        h->delete_on_close = q->delete_pending;
    }
    h->posix_delete = q->delete_pending && (q->disposition_flags & FILE_DISPOSITION_POSIX_SEMANTICS);
}

bool handle_deletes(struct handle *h) {
    if (!h->node) {
        return h->delete_on_close || h->posix_delete;
    }
    if (h->delete_on_close) {
        h->node->delete_pending = true;
    }
    if (h->posix_delete) {
        h->node->delete_pending = false; /* gone for all at once; its other opens go on without a name */
        return true;
    }
    return h->node->delete_pending && h->node->opens == 1;
}

static struct connection *connection_of(const struct handle *h) {
    return container_of(list_first(&h->session->channels), struct channel, of_session)->connection;
}

void handle_abandon(struct model *m, struct handle *h, bool by_server) {
    bool deletes = handle_deletes(h) && by_server;
    bool data = h->facts.read_count != 0 || h->facts.write_count != 0;
    if (data || deletes) {
        struct completion d = {.c = connection_of(h), .session = h->session, .tree = h->tree, .handle = h};
        struct operation *op = &d.op;
        op->kind = deletes ? OPERATION_DELETE : h->facts.write_count ? OPERATION_WRITE : OPERATION_READ;
        if (!deletes && h->facts.is_pipe) {
            op->kind = h->facts.write_count ? OPERATION_WRITE_PIPE : OPERATION_READ_PIPE;
        }
        d.c->facts.files_deleted += deletes;
        m->stats->files_deleted += deletes;
        op->implicit = true;
        op->unasked = true;
        op->sums = data;
        op->session_id = h->session->facts.id;
        op->has_tree_id = h->tree != NULL;
        op->tree_id = h->tree ? h->tree->facts.id : 0;
        op->has_file_id = true;
        op->file_id = h->facts.id;
        op->begin = op->end = m->now;
        completion_report(&d);
    }
    handle_free(m, h);
}

void handle_free(struct model *m, struct handle *h) {
    if (h->node && h->delete_on_close) {
        h->node->delete_pending = true;
    }
    node_close(m, h->node);
    hash_remove(&h->session->handles, &h->by_id);
    list_remove(&h->age);
    list_remove(&h->of_session);
    list_remove(&h->of_tree);
    text_drop(&m->texts, h->name);
    m->handle_count--;
    pool_give(&m->handles_pool, h);
}

bool handle_evict(struct model *m) {
    struct link *x = list_first(&m->handle_ages);
    if (!x || list_next(&m->handle_ages, x) == NULL) {
        return false;
    }
    m->stats->evicted_handles++;
    handle_abandon(m, container_of(x, struct handle, age), false);
    return true;
}
