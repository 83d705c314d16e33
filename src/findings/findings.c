#include "findings/findings.h"

#include <stdlib.h>
#include <string.h>

#include "findings/state.h"

struct findings *findings_new(const struct findings_settings *settings, const struct findings_sink *sink,
                              struct stats *stats) {
    struct findings *f = calloc(1, sizeof *f);
    if (!f) {
        return NULL;
    }
    f->settings = *settings;
    if (f->settings.pairs_max == 0) {
        f->settings.pairs_max = FINDINGS_PAIRS_MAX;
    }
    if (f->settings.notices_max == 0) {
        f->settings.notices_max = FINDINGS_NOTICES_MAX;
    }
    f->sink = *sink;
    f->stats = stats;
    hash_init(&f->pairs, settings->budget);
    hash_init(&f->pending_flows, settings->budget);
    hash_init(&f->notices, settings->budget);
    hash_init(&f->failovers, settings->budget);
    list_init(&f->failover_ages);
    hash_init(&f->silences, settings->budget);
    list_init(&f->silence_ages);
    list_init(&f->notice_ages);
    list_init(&f->ages);
    list_init(&f->pending);
    return f;
}

/* ---- pairs of client and server */

static uint64_t pair_hash(const struct findings *f, const struct address *client, const struct address *server) {
    uint64_t h = hash_bytes(f->settings.secret, client->bytes, sizeof client->bytes);
    return hash_more(f->settings.secret, h, hash_bytes(f->settings.secret, server->bytes, sizeof server->bytes));
}

bool address_same(const struct address *a, const struct address *b) {
    return a->family == b->family && memcmp(a->bytes, b->bytes, a->family == 4 ? 4 : 16) == 0;
}

struct pair *pair_find(struct findings *f, const struct address *client, const struct address *server) {
    uint64_t hash = pair_hash(f, client, server);
    for (struct hash_node *n = hash_first(&f->pairs, hash); n; n = hash_again(n, hash)) {
        struct pair *p = container_of(n, struct pair, node);
        if (address_same(&p->client, client) && address_same(&p->server, server)) {
            return p;
        }
    }
    return NULL;
}

void pair_tell(struct findings *f, struct pair *p) {
    for (unsigned i = 0; i < PAIR_RULES; i++) {
        struct told *t = &p->rules[i];
        if (t->count != 0 && (t->count != t->told_count || t->when != t->told_when)) {
            raise_of_pair(f, p, i);
            t->told_count = t->count;
            t->told_when = t->when;
        }
    }
}

void told_free(const struct findings *f, struct told *t) {
    budget_give(f->settings.budget, t->capture, t->capture ? strlen(t->capture) + 1 : 0);
    t->capture = NULL;
}

static void pair_free(struct findings *f, struct pair *p) {
    hash_remove(&f->pairs, &p->node);
    list_remove(&p->age);
    f->pair_count--;
    for (unsigned i = 0; i < PAIR_RULES; i++) {
        told_free(f, &p->rules[i]);
    }
    budget_give(f->settings.budget, p, sizeof *p);
}

static struct pair *oldest(struct findings *f) {
    struct link *first = list_first(&f->ages);
    return first ? container_of(first, struct pair, age) : NULL;
}

bool pair_evict(struct findings *f) {
    struct pair *p = oldest(f);
    if (p) {
        pair_tell(f, p);
        pair_free(f, p);
        f->stats->findings_evicted++;
    }
    return p != NULL;
}

struct pair *pair_get(struct findings *f, const struct flow_facts *flow) {
    struct pair *p = pair_find(f, &flow->client.ip, &flow->server.ip);
    if (p) {
        list_renew(&f->ages, &p->age);
        return p;
    }
    if (f->pair_count >= f->settings.pairs_max) {
        (void)pair_evict(f);
    }
    p = budget_take(f->settings.budget, sizeof *p);
    while (!p && (pair_evict(f) || notice_evict(f))) {
        p = budget_take(f->settings.budget, sizeof *p);
    }
    f->stats->findings_lost += !p;
    if (p) {
        p->client = flow->client.ip;
        p->server = flow->server.ip;
        hash_insert(&f->pairs, &p->node, pair_hash(f, &p->client, &p->server));
        list_append(&f->ages, &p->age);
        f->pair_count++;
    }
    return p;
}

static void set_off(const struct findings *f, struct told *t, const struct event *e, const char *capture) {
    t->first = e->at;
    t->flow_length = e->flow_json.n < sizeof t->flow_json ? e->flow_json.n : 0;
    if (t->flow_length != 0) {
        memcpy(t->flow_json, e->flow_json.p, t->flow_length);
    }
    told_free(f, t);
    size_t n = capture ? strlen(capture) + 1 : 0;
    t->capture = n ? budget_take(f->settings.budget, n) : NULL;
    if (t->capture) {
        memcpy(t->capture, capture, n);
    }
}

void told_count(struct findings *f, struct told *t, const struct event *e, uint64_t seq, const char *capture) {
    if (t->count++ == 0 || e->at.time_ns < t->first.time_ns) { /* told when they end, not in the order they began */
        set_off(f, t, e, capture);
    }
    if (e->at.time_ns > t->last_ns) {
        t->last_ns = e->at.time_ns;
    }
    if (f->cause != 0 && t->evidence_count < FINDINGS_EVIDENCE_MAX) {
        t->evidence[t->evidence_count++] = f->cause;
    }
    if (seq != 0 && t->evidence_count < FINDINGS_EVIDENCE_MAX) {
        t->evidence[t->evidence_count++] = seq;
    }
}

void told_clear(const struct findings *f, struct told *t) {
    told_free(f, t);
    *t = (struct told){0};
}

bool interval_is_over(uint64_t since_ns, uint64_t at_ns) {
    return at_ns >= since_ns + FINDINGS_INTERVAL_NS;
}

bool interval_is_over_now(uint64_t *since_ns, uint64_t now_ns) {
    *since_ns = *since_ns < now_ns ? *since_ns : now_ns;
    return interval_is_over(*since_ns, now_ns);
}

void name_keep(struct name *to, struct text text) {
    size_t n = text.bytes.n < sizeof to->bytes ? text.bytes.n : sizeof to->bytes;
    if (n != 0) {
        memcpy(to->bytes, text.bytes.p, n);
    }
    to->length = (uint8_t)n;
    to->encoding = (uint8_t)text.encoding;
    to->is_old = false;
}

void pair_count(struct findings *f, struct pair *p, enum rule rule, const struct event *e, uint64_t seq,
                const char *capture) {
    struct told *t = &p->rules[rule];
    t->when |= WHEN_ALWAYS;
    told_count(f, t, e, seq, capture);
    if (f->settings.at_once && t->count == 1) {
        pair_tell(f, p);
    }
}

/* ---- the whole */

bool findings_want(const struct event *e) {
    return e->object == OBJECT_FLOW && e->flow != NULL &&
           (smb1_wants(e) || e->action == ACTION_END || failover_wants(e) || notice_wants(e));
}

void findings_event(struct findings *f, const struct event *e, uint64_t seq, const char *capture) {
    if (e->object == OBJECT_FLOW && e->flow != NULL) {
        smb1_event(f, e, seq, capture);
        silence_event(f, e, seq, capture);
        anomaly_event(f, e, seq, capture);
        notice_event(f, e, seq, capture);
        failover_event(f, e, seq, capture);
    }
}

void findings_loss_percent(struct findings *f, double percent) {
    f->settings.loss_percent = percent;
}

void findings_finish(struct findings *f) {
    for (struct link *l = list_first(&f->ages); l; l = list_next(&f->ages, l)) {
        pair_tell(f, container_of(l, struct pair, age));
    }
    notices_finish(f);
    silence_finish(f);
}

void findings_free(struct findings *f) {
    if (!f) {
        return;
    }
    while (oldest(f)) {
        pair_free(f, oldest(f));
    }
    for (struct link *l; (l = list_first(&f->pending)) != NULL;) {
        list_remove(l);
        budget_give(f->settings.budget, container_of(l, struct pending, age), sizeof(struct pending));
    }
    notices_free(f);
    failovers_free(f);
    hash_free(&f->failovers);
    f->settings.at_once = true; /* nothing is told any more */
    silence_finish(f);
    hash_free(&f->silences);
    hash_free(&f->notices);
    hash_free(&f->pairs);
    hash_free(&f->pending_flows);
    free(f);
}
