/* Files, as their opens share them: what is marked for deletion by one is deleted when the last one ends. MS-FSA 2.1.5.5 (close),
 * 2.1.5.15.3 (FileDispositionInformation). */
#include "base/utf16.h"
#include "model/state.h"

/* What a file is known by. Where its tree was connected before the capture began the share has no name, and stands for itself. */
struct node_key {
    const struct address *server;
    struct view share, name;
    uint64_t session_id, tree_id;
};

/* SHARE of \\HOST\SHARE: one server may be called by several names. */
static struct view share_of(struct text path) {
    return view_from(path.bytes, utf16_behind_last(path.bytes, '\\'));
}

static struct view share_of_tree(const struct tree_facts *t) {
    return t->share_at != 0 ? view_from(t->path.bytes, t->share_at) : share_of(t->path);
}

static uint64_t key_hash(const struct model *m, const struct node_key *k) {
    uint64_t hash = hash_bytes(m->secret, k->server->bytes, sizeof k->server->bytes);
    hash = hash_more(m->secret, hash_more(m->secret, hash, k->session_id), k->tree_id);
    return utf16_name_hash(m->secret, utf16_name_hash(m->secret, hash, k->share), k->name);
}

static bool same_key(const struct node_key *a, const struct node_key *b) {
    return memcmp(a->server, b->server, sizeof *a->server) == 0 && a->session_id == b->session_id &&
           a->tree_id == b->tree_id && utf16_same_name(a->share, b->share) && utf16_same_name(a->name, b->name);
}

static struct node_key key_of_node(const struct node *n) {
    return (struct node_key){&n->server, share_of(text_of(n->share)), text_of(n->name).bytes, n->session_id,
                             n->tree_id};
}

static struct node_key key_of(const struct session *s, const struct tree *t, struct text name) {
    struct node_key k = {&s->server, share_of_tree(&t->facts), name.bytes, 0, 0};
    if (!t->path) {
        k.session_id = s->facts.id;
        k.tree_id = t->facts.id;
    }
    return k;
}

uint64_t node_expect(const struct model *m, const struct session *s, const struct tree *t, struct text name) {
    struct node_key k = key_of(s, t, name);
    uint64_t hash = key_hash(m, &k);
    hash_expect(&m->nodes, hash);
    return hash;
}

static struct node *node_find(struct model *m, const struct node_key *k, uint64_t hash) {
    for (struct hash_node *x = hash_first(&m->nodes, hash); x; x = hash_again(x, hash)) {
        struct node *n = container_of(x, struct node, by_name);
        struct node_key other = key_of_node(n);
        if (same_key(k, &other)) {
            return n;
        }
    }
    return NULL;
}

/* It has no name any more: who opens that name opens another file. */
static void node_unlink(struct model *m, struct node *n) {
    if (!n->unlinked) {
        hash_remove(&m->nodes, &n->by_name);
        n->unlinked = true;
    }
}

struct node *node_open(struct model *m, struct handle *h, uint64_t hash, bool again) {
    struct node_key k = key_of(h->session, h->tree, text_of(h->name));
    struct node *n = node_find(m, &k, hash);
    if (n && n->delete_pending &&
        !again) { /* nobody opens it any more (STATUS_DELETE_PENDING): it is gone, or was spared, and we missed that */
        node_unlink(m, n);
        n = NULL;
    }
    if (n) {
        n->opens++;
        return n;
    }
    n = model_take(m, &m->nodes_pool);
    if (!n) {
        return NULL;
    }
    n->opens = 1;
    n->server = *k.server;
    n->share = text_share(h->tree->path);
    n->session_id = k.session_id;
    n->tree_id = k.tree_id;
    n->name = text_share(h->name);
    hash_insert(&m->nodes, &n->by_name, hash);
    return n;
}

struct node *node_at(struct model *m, const struct tree *t, struct text name) {
    struct node_key k = {&t->session->server, share_of_tree(&t->facts), name.bytes, 0, 0};
    return t->path ? node_find(m, &k, key_hash(m, &k)) : NULL;
}

void node_close(struct model *m, struct node *n) {
    if (!n || --n->opens > 0) {
        return;
    }
    node_unlink(m, n);
    text_drop(&m->texts, n->share);
    text_drop(&m->texts, n->name);
    pool_give(&m->nodes_pool, n);
}

/* What had the new name before is replaced. */
void node_rename(struct model *m, struct node *n, struct shared_text *name) {
    n->renames++;
    n->renamed = m->now;
    if (!n->unlinked) {
        hash_remove(&m->nodes, &n->by_name);
    }
    text_drop(&m->texts, n->name);
    n->name = text_share(name);
    if (n->unlinked) {
        return;
    }
    struct node_key k = key_of_node(n);
    uint64_t hash = key_hash(m, &k);
    struct node *replaced = node_find(m, &k, hash);
    if (replaced) {
        node_unlink(m, replaced);
    }
    hash_insert(&m->nodes, &n->by_name, hash);
}

/* ---- deletion */

enum { FILE_DISPOSITION_POSIX_SEMANTICS = 2, FILE_DISPOSITION_ON_CLOSE = 8 }; /* MS-FSCC 2.4.12 */

void handle_mark(struct handle *h, const struct smb2_set_info_request *q) {
    if (q->disposition_flags & FILE_DISPOSITION_ON_CLOSE) {
        h->delete_on_close = q->delete_pending;
        return;
    }
    if (h->node) {
        h->node->delete_pending = q->delete_pending;
    } else {
        h->delete_pending = q->delete_pending;
    }
    h->posix_delete = q->delete_pending && (q->disposition_flags & FILE_DISPOSITION_POSIX_SEMANTICS);
}

bool handle_deletes(struct model *m, struct handle *h) {
    struct node *n = h->node;
    if (!n) {
        return h->delete_on_close || h->delete_pending;
    }
    if (n->unlinked) {
        return false;
    }
    if (h->delete_on_close) {
        n->delete_pending = true;
    }
    if (h->posix_delete && n->delete_pending) { /* gone for all at once; its other opens go on without a name */
        node_unlink(m, n);
        return true;
    }
    return n->delete_pending && n->opens == 1;
}
