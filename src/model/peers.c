/* Which client and server agreed on SMB2, by their addresses: so that SMB1 between them is known for what came after it. */
#include <string.h>

#include "model/state.h"

static uint64_t peers_hash(const struct model *m, const struct address *client, const struct address *server) {
    uint64_t hash = hash_bytes(m->secret, client->bytes, sizeof client->bytes);
    return hash_more(m->secret, hash, hash_bytes(m->secret, server->bytes, sizeof server->bytes));
}

static bool same_address(const struct address *a, const struct address *b) {
    return a->family == b->family && memcmp(a->bytes, b->bytes, sizeof a->bytes) == 0;
}

static struct peers *peers_find(const struct connection *c) {
    const struct address *client = &c->facts.flow->client.ip, *server = &c->facts.flow->server.ip;
    uint64_t hash = peers_hash(c->model, client, server);
    for (struct hash_node *n = hash_first(&c->model->peers, hash); n; n = hash_again(n, hash)) {
        struct peers *p = container_of(n, struct peers, by_addresses);
        if (same_address(&p->client, client) && same_address(&p->server, server)) {
            return p;
        }
    }
    return NULL;
}

static void peers_free(struct model *m, struct peers *p) {
    hash_remove(&m->peers, &p->by_addresses);
    list_remove(&p->age.link);
    m->peers_count--;
    pool_give(&m->peers_pool, p);
}

bool peers_evict(struct model *m) {
    struct link *x = list_first(&m->peers_ages);
    if (!x) {
        return false;
    }
    m->stats->evicted_peers++;
    peers_free(m, container_of(x, struct peers, age));
    return true;
}

void peers_free_all(struct model *m) {
    for (struct link *x; (x = list_first(&m->peers_ages));) {
        peers_free(m, container_of(x, struct peers, age));
    }
}

static struct peers *peers_new(struct connection *c) {
    struct model *m = c->model;
    if (m->peers_count >= m->limits.peers) {
        peers_evict(m);
    }
    struct peers *p = model_take(m, &m->peers_pool);
    if (p) {
        p->client = c->facts.flow->client.ip;
        p->server = c->facts.flow->server.ip;
        p->since_ns = m->now.time_ns;
        hash_insert(&m->peers, &p->by_addresses, peers_hash(m, &p->client, &p->server));
        age_begin(m, &m->peers_ages, &p->age);
        m->peers_count++;
    }
    return p;
}

void peers_agree(struct connection *c, uint16_t dialect) {
    struct peers *p = peers_find(c);
    if (p) {
        age_renew(c->model, &c->model->peers_ages, &p->age);
    } else {
        p = peers_new(c);
    }
    if (p && dialect != SMB2_DIALECT_02FF && dialect > p->dialect) {
        p->dialect = dialect;
    }
}

bool peers_agreed(struct connection *c, uint64_t time_ns, uint16_t *dialect) {
    struct peers *p = peers_find(c);
    if (!p || time_ns <= p->since_ns) {
        return false;
    }
    age_renew(c->model, &c->model->peers_ages, &p->age);
    *dialect = p->dialect;
    return true;
}
