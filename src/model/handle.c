/* Opens: what they are called, and how they end. MS-SMB2 3.3.1.10. */
#include "model/state.h"

/* FIDs of SMB1 are those of their connection, whatever session opened them. */
static struct hash *handles_of(struct session *s) {
    return s->smb1 ? smb1_fids(s) : &s->handles;
}

static uint64_t handle_hash(const struct model *m, struct file_id id) {
    return hash_more(m->secret, hash_number(m->secret, id.persistent), id.volatile_part);
}

struct handle *handle_find_in(const struct model *m, const struct hash *table, struct file_id id) {
    uint64_t hash = hash_counts(table) ? handle_hash(m, id) : 0;
    for (struct hash_node *n = hash_candidates(table, hash); n; n = hash_candidate(table, n, hash)) {
        struct handle *h = container_of(n, struct handle, by_id);
        if (h->facts.id.persistent == id.persistent && h->facts.id.volatile_part == id.volatile_part) {
            return h;
        }
    }
    return NULL;
}

struct handle *handle_find(struct session *s, struct file_id id) {
    return handle_find_in(s->model, handles_of(s), id);
}

void handle_belongs(struct handle *h, struct tree *t) {
    h->tree = t;
    h->facts.is_pipe = t->facts.share_type == SMB2_SHARE_TYPE_PIPE;
    list_append(&t->handles, &h->of_tree);
}

struct handle *handle_learn(struct model *m, struct session *s, struct tree *t, struct file_id id) {
    if (id.persistent == UINT64_MAX && id.volatile_part == UINT64_MAX) {
        return NULL; /* the one before in the chain, or none at all (MS-SMB2 2.2.31) */
    }
    struct handle *h = handle_find(s, id);
    if (h) {
        age_renew(m, &m->handle_ages, &h->age);
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
    hash_insert(handles_of(s), &h->by_id, handle_hash(m, id));
    age_begin(m, &m->handle_ages, &h->age);
    list_append(&s->handle_list, &h->of_session);
    if (t) {
        handle_belongs(h, t);
    }
    m->handle_count++;
    return h;
}

/* ---- names */

/* Takes over the holder. */
static void set_name(struct model *m, struct handle *h, struct shared_text *name) {
    text_drop(&m->texts, h->name);
    h->name = name;
    h->facts.name = text_of(name);
    h->facts.named = true;
}

static void open_expected(struct model *m, struct handle *h, uint64_t hash, bool again) {
    if (!h->facts.is_pipe && h->tree) {
        h->node = node_open(m, h, hash, again);
        h->renames = h->node ? h->node->renames : 0;
    }
}

static void open_node(struct model *m, struct handle *h, bool again) {
    open_expected(m, h, h->tree ? node_expect(m, h->session, h->tree, h->facts.name) : 0, again);
}

void handle_name(struct model *m, struct handle *h, struct text name, bool again) {
    struct shared_text *kept = model_text(m, name);
    if (name.bytes.n == 0 || kept) {
        set_name(m, h, kept);
        open_node(m, h, again);
    }
}

void handle_refresh(struct model *m, struct handle *h, struct moment at) {
    if (h->node && h->renames != h->node->renames && at.frame >= h->node->renamed.frame) {
        set_name(m, h, text_share(h->node->name));
        h->renames = h->node->renames;
    }
}

/* Where the stream's name begins in a file's name, its end where it has none: the first colon of the last component (MS-FSCC 2.1.5.3). */
static size_t stream_start(struct view name) {
    size_t at = name.n;
    for (size_t i = name.n & ~(size_t)1; i >= 2; i -= 2) {
        if (name.p[i - 1] == 0 && name.p[i - 2] == '\\') {
            break;
        }
        at = name.p[i - 1] == 0 && name.p[i - 2] == ':' ? i - 2 : at;
    }
    return at;
}

/* A stream is renamed by its new stream name alone (MS-FSCC 2.4.43): the file's stays in front of it. */
static struct shared_text *stream_renamed(struct model *m, const struct handle *h, struct text stream) {
    uint8_t joined[2048];
    struct view old = h->facts.name.bytes;
    size_t base = stream_start(old);
    if (!h->facts.named || base + stream.bytes.n > sizeof joined) {
        return NULL;
    }
    memcpy(joined, old.p, base);
    memcpy(joined + base, stream.bytes.p, stream.bytes.n);
    return model_text(m, text_utf16((struct view){joined, base + stream.bytes.n}));
}

static bool begins_with(struct view v, char c) {
    return v.n >= 2 && v.p[0] == c && v.p[1] == 0;
}

void handle_rename(struct model *m, struct handle *h, struct text name) {
    bool stream = begins_with(name.bytes, ':');
    if (begins_with(name.bytes, '\\')) {
        name.bytes = view_from(name.bytes, 2);
    }
    struct shared_text *kept = stream ? stream_renamed(m, h, name) : model_text(m, name);
    if (!kept) { /* better none than the old one */
        handle_forget_name(m, h);
        return;
    }
    set_name(m, h, kept);
    if (h->node) {
        node_rename(m, h->node, kept);
        h->renames = h->node->renames;
    } else {
        open_node(m, h, true);
    }
}

/* ---- CREATE, MS-SMB2 2.2.14 */

/* A durable handle that is taken up again is the open that it was (MS-SMB2 3.3.5.9.7), whatever the request says: its name, and
 * what was to become of its file. Where the old connection was not seen to end, the old handle ends here. */
static bool reconnect(struct completion *d, struct handle *h) {
    struct model *m = d->c->model;
    struct durable *old = durable_find(d->c, d->ex->request.create_request.contexts.reconnect_id.persistent);
    if (!old) {
        return false;
    }
    struct node *node = old->handle && old->handle != h ? old->handle->node : NULL;
    if (node) {
        node->opens++; /* it must not end between the two */
    }
    if (old->handle && old->handle != h) {
        struct session *s = old->handle->session;
        if (durable_session_lost_ns(s) != 0) {
            connection_note_lives(container_of(list_first(&s->channels), struct channel, of_session));
        }
        handle_abandon(m, old->handle, HANDLE_LOST);
    }
    h->facts.directory = old->directory;
    h->delete_on_close = old->delete_on_close;
    if (old->named) {
        set_name(m, h, text_share(old->name));
        open_node(m, h, true);
    }
    node_close(m, node);
    return true;
}

/* A mark on the file stays with the handle, which is all that is left of it. */
void handle_forget_name(struct model *m, struct handle *h) {
    h->delete_on_close |= h->node && h->node->delete_pending;
    node_close(m, h->node);
    h->node = NULL;
    set_name(m, h, NULL);
    h->facts.named = false;
}

static void name_open(struct completion *d, struct handle *h, uint64_t node_hash) {
    struct model *m = d->c->model;
    const struct smb2_create_request *q = &d->ex->request.create_request;
    d->op.durable_reconnect = q->contexts.durable_reconnect;
    if (q->contexts.durable_reconnect && reconnect(d, h)) {
        return;
    }
    h->delete_on_close = (q->create_options & FILE_DELETE_ON_CLOSE) != 0;
    if (d->ex->text || !(q->contexts.durable_reconnect || q->name_lost)) { /* a reconnect need not name its file */
        set_name(m, h, text_share(d->ex->text));
        open_expected(m, h, node_hash, false);
    }
}

void handle_opened(struct completion *d) {
    const struct smb2_create_response *r = &d->rsp->create_response;
    struct model *m = d->c->model;
    d->c->facts.files_opened++;
    m->stats->files_opened++;
    if (d->rsp->empty || !d->session) {
        return;
    }
    bool asked = d->ex && !d->ex->request.empty;
    uint64_t node_hash = asked && d->tree ? node_expect(m, d->session, d->tree, text_of(d->ex->text)) : 0;
    struct handle *stale = handle_find(d->session, r->file_id);
    if (stale) { /* its CLOSE was missed */
        handle_abandon(m, stale, HANDLE_LOST);
    }
    d->op.file_id = r->file_id;
    d->op.has_file_id = true;
    struct handle *h = d->handle = handle_learn(m, d->session, d->tree, r->file_id);
    if (!h) {
        return;
    }
    h->facts.directory = (r->file_attributes & FILE_ATTRIBUTE_DIRECTORY) != 0;
    if (asked) {
        name_open(d, h, node_hash);
    }
    bool again = asked && d->ex->request.create_request.contexts.durable_reconnect;
    if (r->contexts.durable_request || again) {
        durable_keep(d->c, h, again);
        durable_granted(h, r->contexts.durable_timeout);
        d->op.resilient = again && h->durable && h->durable->resilient;
    }
    if (again ? m->instance_count != 0 : asked && d->ex->request.create_request.contexts.has_app_instance) {
        instance_opened(d, h);
    }
}

/* ---- ends */

static struct connection *connection_of(const struct handle *h) {
    return container_of(list_first(&h->session->channels), struct channel, of_session)->connection;
}

static void report_end(struct model *m, struct handle *h, bool deletes, bool data) {
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

/* A mark for deletion may have been taken back by a request that was lost. */
static bool may_be_spared(const struct handle *h) {
    return !h->delete_on_close && connection_of(h)->facts.flow->gaps[TO_SERVER] != 0;
}

void handle_abandon(struct model *m, struct handle *h, enum handle_end how) {
    bool deletes = how == HANDLE_CLOSED && !may_be_spared(h) && handle_deletes(m, h);
    bool data = h->facts.read_count != 0 || h->facts.write_count != 0;
    handle_refresh(m, h, m->now);
    if (data || deletes) {
        report_end(m, h, deletes, data);
    }
    handle_free(m, h, how);
}

/* What becomes of its file when the server closed it without our seeing whether that was the last open. */
static void leave_node(struct model *m, struct handle *h, enum handle_end how) {
    bool closed = how == HANDLE_CLOSED || (how == HANDLE_LOST && !h->durable);
    if (h->node && h->delete_on_close && closed) {
        h->node->delete_pending = true;
    }
    node_close(m, h->node);
}

void handle_free(struct model *m, struct handle *h, enum handle_end how) {
    handle_refresh(m, h, m->now);
    if (m->instance_count != 0) {
        instance_leave(m, h, how);
    }
    leave_node(m, h, how);
    if (h->durable) {
        durable_leave(m, h, how);
    }
    if (h->process) {
        smb1_process_leave(h);
    }
    hash_remove(handles_of(h->session), &h->by_id);
    list_remove(&h->age.link);
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
    handle_abandon(m, container_of(x, struct handle, age), HANDLE_EVICTED);
    return true;
}
