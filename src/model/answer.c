/* What servers answered, held against what they answered to the same question before: the dialect of the same offer, the highest dialect
 * of a cluster's share, the list of interfaces. Another answer means that somebody changed the server. */
#include "base/utf16.h"
#include "model/state.h"

enum answer_kind { ANSWER_DIALECT, ANSWER_CLUSTER_DIALECT, ANSWER_INTERFACES };

static uint64_t answer_hash(const struct model *m, const struct endpoint *server, enum answer_kind kind,
                            uint64_t question) {
    uint64_t hash = hash_bytes(m->secret, server->ip.bytes, sizeof server->ip.bytes);
    return hash_more(m->secret, hash_more(m->secret, hash, (uint64_t)server->port << 8 | kind), question);
}

static struct answer *answer_find(struct model *m, const struct endpoint *server, enum answer_kind kind,
                                  uint64_t question) {
    uint64_t hash = answer_hash(m, server, kind, question);
    for (struct hash_node *n = hash_first(&m->answers, hash); n; n = hash_again(n, hash)) {
        struct answer *a = container_of(n, struct answer, by_question);
        if (a->kind == kind && a->question == question && a->server.port == server->port &&
            a->server.ip.family == server->ip.family &&
            memcmp(a->server.ip.bytes, server->ip.bytes, sizeof server->ip.bytes) == 0) {
            return a;
        }
    }
    return NULL;
}

static void drop_interfaces(struct model *m, struct answer *a) {
    budget_give(m->budget, a->interfaces, a->interface_count * sizeof *a->interfaces);
    a->interfaces = NULL;
    a->interface_count = 0;
}

static void answer_free(struct model *m, struct answer *a) {
    hash_remove(&m->answers, &a->by_question);
    list_remove(&a->age.link);
    drop_interfaces(m, a);
    m->answer_count--;
    pool_give(&m->answers_pool, a);
}

bool answer_evict(struct model *m) {
    struct link *x = list_first(&m->answer_ages);
    if (!x) {
        return false;
    }
    m->stats->evicted_answers++;
    answer_free(m, container_of(x, struct answer, age));
    return true;
}

void answers_free(struct model *m) {
    for (struct link *x; (x = list_first(&m->answer_ages));) {
        answer_free(m, container_of(x, struct answer, age));
    }
}

/* The one of that question, old or new. NULL: no memory. */
static struct answer *answer_get(struct completion *d, enum answer_kind kind, uint64_t question, bool *known) {
    struct model *m = d->c->model;
    const struct endpoint *server = &d->c->facts.flow->server;
    struct answer *a = answer_find(m, server, kind, question);
    *known = a != NULL;
    if (a) {
        age_renew(m, &m->answer_ages, &a->age);
        return a;
    }
    if (m->answer_count >= m->limits.answers) {
        answer_evict(m);
    }
    a = pool_take(&m->answers_pool); /* nothing is evicted for it: it is what goes first */
    if (!a) {
        m->stats->evicted_answers++;
        return NULL;
    }
    a->server = *server;
    a->kind = (uint8_t)kind;
    a->question = question;
    hash_insert(&m->answers, &a->by_question, answer_hash(m, server, kind, question));
    age_begin(m, &m->answer_ages, &a->age);
    m->answer_count++;
    return a;
}

/* Behind one address there may be several servers, and then their answers say nothing of one another. */
static bool same_server(struct answer *a, const struct guid *guid) {
    bool same = !guid || !a->guid_known || memcmp(a->server_guid.bytes, guid->bytes, sizeof guid->bytes) == 0;
    if (guid) {
        a->guid_known = true;
        a->server_guid = *guid;
    }
    return same;
}

static struct answer_change *change_of(struct completion *d) {
    d->op.change = &d->c->model->change;
    d->c->model->change = (struct answer_change){0};
    return &d->c->model->change;
}

/* ---- NEGOTIATE, MS-SMB2 3.3.5.4 */

static uint64_t offer_digest(const struct model *m, struct u16_list dialects) {
    uint64_t hash = hash_number(m->secret, dialects.count);
    for (unsigned i = 0; i < dialects.count; i++) {
        hash = hash_more(m->secret, hash, dialects.items[i]);
    }
    return hash;
}

void answer_dialect(struct completion *d, const struct smb2_negotiate_request *q) {
    const struct smb2_message *r = d->rsp;
    bool refused = r && r->header.status == STATUS_NOT_SUPPORTED;
    bool chose = r && r->header.status == STATUS_SUCCESS && !r->is_error && !r->empty &&
                 r->negotiate_response.dialect != SMB2_DIALECT_02FF;
    if (q->dialects.count == 0 || d->op.gap || !(refused || chose)) {
        return;
    }
    bool known;
    struct answer *a = answer_get(d, ANSWER_DIALECT, offer_digest(d->c->model, q->dialects), &known);
    if (!a) {
        return;
    }
    uint16_t dialect = chose ? r->negotiate_response.dialect : 0, before = a->dialect;
    bool same = same_server(a, chose ? &r->negotiate_response.server_guid : NULL);
    a->dialect = dialect;
    if (known && same && dialect != before) {
        struct answer_change *change = change_of(d);
        change->has_dialect = true;
        change->dialect_before = before;
    }
}

/* ---- TREE_CONNECT, MS-SMB2 3.3.5.7 */

void answer_cluster_dialect(struct completion *d) {
    struct model *m = d->c->model;
    if (!d->ex || !d->ex->text || d->op.gap) {
        return;
    }
    bool known;
    struct answer *a =
        answer_get(d, ANSWER_CLUSTER_DIALECT, utf16_name_hash(m->secret, 0, text_of(d->ex->text).bytes), &known);
    if (!a) {
        return;
    }
    uint16_t before = a->dialect;
    bool same = same_server(a, d->c->server_guid_known ? &d->c->server_guid : NULL);
    a->dialect = d->rsp->error.cluster_dialect;
    if (known && same && a->dialect != before) {
        struct answer_change *change = change_of(d);
        change->has_cluster_dialect = true;
        change->cluster_dialect_before = before;
    }
}

/* ---- FSCTL_QUERY_NETWORK_INTERFACE_INFO, MS-SMB2 2.2.32.5 */

static const struct smb2_network_interface *find_interface(const struct smb2_network_interface *list, unsigned count,
                                                           const struct smb2_network_interface *wanted) {
    for (unsigned i = 0; i < count; i++) {
        if (list[i].index == wanted->index && list[i].family == wanted->family &&
            memcmp(list[i].address, wanted->address, sizeof wanted->address) == 0) {
            return &list[i];
        }
    }
    return NULL;
}

/* What differs between two lists, of which neither has more than ANSWER_INTERFACES_MAX. */
static unsigned compare(const struct answer *a, const struct smb2_network_interface *now, unsigned count,
                        struct interface_change *changes) {
    unsigned n = 0;
    for (unsigned i = 0; i < count; i++) {
        const struct smb2_network_interface *old = find_interface(a->interfaces, a->interface_count, &now[i]);
        bool altered = old && (old->capability != now[i].capability || old->link_speed != now[i].link_speed);
        if (!old || altered) {
            changes[n++] = (struct interface_change){now[i], altered ? INTERFACE_ALTERED : INTERFACE_ADDED};
        }
    }
    for (unsigned i = 0; i < a->interface_count; i++) {
        if (!find_interface(now, count, &a->interfaces[i])) {
            changes[n++] = (struct interface_change){a->interfaces[i], INTERFACE_REMOVED};
        }
    }
    return n;
}

static void keep_interfaces(struct model *m, struct answer *a, const struct smb2_network_interface *now,
                            unsigned count) {
    drop_interfaces(m, a);
    a->interfaces = budget_take(m->budget, count * sizeof *now);
    if (!a->interfaces) {
        m->stats->evicted_answers++;
        answer_free(m, a);
        return;
    }
    memcpy(a->interfaces, now, count * sizeof *now);
    a->interface_count = count;
}

/* The list is of the server that the share's path names, so that a cluster's names have each its own. */
void answer_interfaces(struct completion *d, const struct smb2_ioctl *r) {
    struct model *m = d->c->model;
    if (!r->has_details || d->rsp->header.status != STATUS_SUCCESS || d->op.gap || r->interfaces.count == 0) {
        return;
    }
    if (r->interfaces.count > ANSWER_INTERFACES_MAX) {
        m->stats->cut_answers++;
        return;
    }
    struct text host = d->tree ? tree_host(d->tree->facts.path) : (struct text){{NULL, 0}, ENC_UTF16LE};
    bool known;
    struct answer *a = answer_get(d, ANSWER_INTERFACES, utf16_name_hash(m->secret, 0, host.bytes), &known);
    if (!a) {
        return;
    }
    bool same = same_server(a, d->c->server_guid_known ? &d->c->server_guid : NULL);
    unsigned n = known && same ? compare(a, r->interfaces.items, r->interfaces.count, m->interface_changes) : 0;
    if (n != 0) {
        struct answer_change *change = change_of(d);
        change->interfaces = m->interface_changes;
        change->interface_count = n;
    }
    if (n != 0 || !known || !same) {
        keep_interfaces(m, a, r->interfaces.items, r->interfaces.count);
    }
}
