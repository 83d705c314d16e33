/* Tree connects: shares in use by a session, MS-SMB2 3.3.1.9. */
#include "model/state.h"

#include <string.h>

#include "base/utf16.h"

static uint64_t tree_hash(const struct session *s, uint32_t id) {
    return hash_number(s->model->secret, id);
}

struct tree *tree_find(struct session *s, uint32_t id) {
    uint64_t hash = hash_counts(&s->trees) ? tree_hash(s, id) : 0;
    for (struct hash_node *n = hash_candidates(&s->trees, hash); n; n = hash_candidate(&s->trees, n, hash)) {
        struct tree *t = container_of(n, struct tree, by_id);
        if (t->facts.id == id) {
            return t;
        }
    }
    return NULL;
}

struct tree *tree_learn(struct model *m, struct session *s, uint32_t id) {
    struct tree *t = tree_find(s, id);
    if (t) {
        age_renew(m, &m->tree_ages, &t->age);
        return t;
    }
    if (m->tree_count >= m->limits.trees) {
        tree_evict(m);
    }
    t = model_take(m, &m->trees_pool);
    if (!t) {
        return NULL;
    }
    t->facts.id = id;
    t->session = s;
    list_init(&t->handles);
    hash_insert(&s->trees, &t->by_id, tree_hash(s, id));
    age_begin(m, &m->tree_ages, &t->age);
    list_append(&s->tree_list, &t->of_session);
    m->tree_count++;
    return t;
}

struct text tree_host(struct text path) {
    struct view v = path.bytes;
    size_t start = 4, end = 4;
    if (path.encoding != ENC_UTF16LE || v.n < 4 || memcmp(v.p, "\\\0\\\0", 4) != 0) {
        return (struct text){{NULL, 0}, ENC_UTF16LE};
    }
    while (end + 1 < v.n && !(v.p[end] == '\\' && v.p[end + 1] == 0)) {
        end += 2;
    }
    return text_utf16(view_part(v, start, end - start));
}

void tree_name(struct completion *d, struct tree *t, struct shared_text *path) {
    t->path = text_share(path);
    t->facts.path = text_of(t->path);
    size_t share_at = utf16_behind_last(t->facts.path.bytes, '\\');
    t->facts.share_at = share_at <= UINT16_MAX ? (uint16_t)share_at : 0;
    connection_add_share(d->c, t->path);
    machine_show(d->c, MACHINE_SERVER, MACHINE_SHARE, machine_name(tree_host(t->facts.path)));
}

/* TREE_CONNECT, MS-SMB2 3.3.5.7: the TreeId comes with the response's header. */
void tree_connected(struct completion *d) {
    if (!d->rsp || d->rsp->header.status != 0 || !d->session) {
        return;
    }
    struct model *m = d->c->model;
    uint32_t id = d->rsp->header.flags & SMB2_FLAGS_ASYNC_COMMAND ? d->op.tree_id : d->rsp->header.tree_id;
    struct tree *stale = tree_find(d->session, id);
    if (stale) {
        sums_tree_ends(d->c, stale);
        tree_free(m, stale, HANDLE_LOST);
    }
    struct tree *t = tree_learn(m, d->session, id);
    d->op.tree_id = id;
    d->op.has_tree_id = true;
    d->tree = t;
    if (!t) {
        return;
    }
    if (!d->rsp->empty) {
        t->facts.share_type = d->rsp->tree_connect_response.share_type;
        t->facts.has_access = true;
        t->facts.flags = d->rsp->tree_connect_response.share_flags;
        t->facts.capabilities = d->rsp->tree_connect_response.capabilities;
        t->facts.maximal_access = d->rsp->tree_connect_response.maximal_access;
    }
    if (d->ex && d->ex->text) {
        tree_name(d, t, d->ex->text);
    }
}

void tree_free(struct model *m, struct tree *t, enum handle_end how) {
    for (struct link *x; (x = list_first(&t->handles));) {
        handle_abandon(m, container_of(x, struct handle, of_tree), how);
    }
    hash_remove(&t->session->trees, &t->by_id);
    list_remove(&t->age.link);
    list_remove(&t->of_session);
    text_drop(&m->texts, t->path);
    m->tree_count--;
    pool_give(&m->trees_pool, t);
}

bool tree_evict(struct model *m) {
    struct link *x = list_first(&m->tree_ages);
    if (!x || list_next(&m->tree_ages, x) == NULL) {
        return false;
    }
    m->stats->evicted_trees++;
    tree_free(m, container_of(x, struct tree, age), HANDLE_EVICTED);
    return true;
}
