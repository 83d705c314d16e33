/* Names of machines, by the addresses that showed them: a name that one connection showed is that of its address on the others, until
 * that address shows another. Of what a connection shows itself what a machine says of itself weighs most. */
#include <string.h>

#include "base/text.h"
#include "model/state.h"

static uint64_t machine_hash(const struct model *m, const struct address *address) {
    return hash_bytes(m->secret, address->bytes, sizeof address->bytes);
}

static struct machine *machine_find(const struct model *m, const struct address *address) {
    uint64_t hash = machine_hash(m, address);
    for (struct hash_node *n = hash_first(&m->machines, hash); n; n = hash_again(n, hash)) {
        struct machine *x = container_of(n, struct machine, by_address);
        if (x->address.family == address->family &&
            memcmp(x->address.bytes, address->bytes, sizeof address->bytes) == 0) {
            return x;
        }
    }
    return NULL;
}

static void machine_free(struct model *m, struct machine *x) {
    hash_remove(&m->machines, &x->by_address);
    list_remove(&x->age.link);
    text_drop(&m->texts, x->host);
    text_drop(&m->texts, x->fqdn);
    m->machine_count--;
    m->machine_generation++;
    pool_give(&m->machines_pool, x);
}

bool machine_evict(struct model *m) {
    struct link *x = list_first(&m->machine_ages);
    if (!x) {
        return false;
    }
    m->stats->evicted_machines++;
    machine_free(m, container_of(x, struct machine, age));
    return true;
}

void machines_free(struct model *m) {
    for (struct link *x; (x = list_first(&m->machine_ages));) {
        machine_free(m, container_of(x, struct machine, age));
    }
}

static struct machine *machine_of(struct model *m, const struct address *address) {
    struct machine *x = machine_find(m, address);
    if (x) {
        age_renew(m, &m->machine_ages, &x->age);
        return x;
    }
    if (m->machine_count >= m->limits.machines) {
        machine_evict(m);
    }
    x = model_take(m, &m->machines_pool);
    if (x) {
        x->address = *address;
        hash_insert(&m->machines, &x->by_address, machine_hash(m, address));
        age_begin(m, &m->machine_ages, &x->age);
        m->machine_count++;
    }
    return x;
}

/* ---- names */

static uint32_t lower(uint32_t c) {
    return c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c;
}

/* The same name, as names of machines are compared (RFC 4343). */
static bool same_name(struct text a, struct text b) {
    size_t i = 0, j = 0;
    while (i < a.bytes.n && j < b.bytes.n) {
        if (lower(text_next(a, &i)) != lower(text_next(b, &j))) {
            return false;
        }
    }
    return i >= a.bytes.n && j >= b.bytes.n;
}

static bool ends_with(struct text t, const char *end) {
    size_t n = strlen(end), width = t.encoding == ENC_UTF16LE ? 2 : 1;
    struct text tail = {view_from(t.bytes, t.bytes.n - n * width), t.encoding};
    return t.bytes.n >= n * width && same_name(tail, (struct text){{(const uint8_t *)end, n}, ENC_ASCII});
}

/* What stands where a name could, and is none: an address, the names for "here" and for "whoever you are" (MS-CIFS 3.2.4.2.1). */
static bool names_nothing(struct text t) {
    static const char here[] = "localhost";
    bool digits = true;
    for (size_t i = 0; i < t.bytes.n;) {
        uint32_t c = text_next(t, &i);
        if (c == ':' || c == '*' || c == '\\' || c < ' ' || c >= TEXT_BAD) {
            return true;
        }
        digits = digits && ((c >= '0' && c <= '9') || c == '.');
    }
    return digits || same_name(t, (struct text){{(const uint8_t *)here, sizeof here - 1}, ENC_ASCII}) ||
           ends_with(t, ".ipv6-literal.net");
}

struct machine_facts machine_name(struct text name) {
    struct machine_facts f = {0};
    size_t longest = MACHINE_NAME_MAX * (name.encoding == ENC_UTF16LE ? 2U : 1U);
    if (name.bytes.n == 0 || name.bytes.n > longest || names_nothing(name)) {
        return f;
    }
    size_t dot = 0, next = 0;
    while (next < name.bytes.n && text_next(name, &next) != '.') {
        dot = next;
    }
    f.host = (struct text){view_part(name.bytes, 0, dot), name.encoding};
    if (f.host.bytes.n == 0) {
        return (struct machine_facts){0};
    }
    f.fqdn = next < name.bytes.n ? name : f.fqdn;
    return f;
}

/* Puts a name in a place; a full name that is there already stays where the new one is its short form. True: something changed. */
static bool put(struct model *m, struct shared_text **host, struct shared_text **fqdn, struct shared_text *new_host,
                struct shared_text *new_fqdn) {
    bool same = *host && same_name(text_of(*host), text_of(new_host));
    bool same_full = new_fqdn ? *fqdn && same_name(text_of(*fqdn), text_of(new_fqdn)) : same;
    if (same && same_full) {
        return false;
    }
    struct shared_text *old_host = *host, *old_fqdn = *fqdn;
    *host = text_share(new_host);
    *fqdn = new_fqdn ? text_share(new_fqdn) : same ? text_share(old_fqdn) : NULL;
    text_drop(&m->texts, old_host);
    text_drop(&m->texts, old_fqdn);
    return true;
}

static const struct address *address_of(const struct connection *c, enum machine_side side) {
    return side == MACHINE_SERVER ? &c->facts.flow->server.ip : &c->facts.flow->client.ip;
}

/* The address showed it. What a client merely claimed is believed on its own connection alone. */
static void learn(struct connection *c, enum machine_side side, enum machine_source source) {
    const struct shown *s = &c->shown[side];
    struct machine *x = source == MACHINE_CLAIMED ? NULL : machine_of(c->model, address_of(c, side));
    if (x && put(c->model, &x->host, &x->fqdn, s->host, s->full_is_claimed ? NULL : s->fqdn)) {
        c->model->machine_generation++;
    }
}

/* Of several machines behind one address the one that showed its name last is the newest, also where its connection showed it before. */
void machine_show(struct connection *c, enum machine_side side, enum machine_source source, struct machine_facts f) {
    struct model *m = c->model;
    struct shown *s = &c->shown[side];
    bool same = s->host && f.host.bytes.n != 0 && same_name(text_of(s->host), f.host);
    bool known = same && (f.fqdn.bytes.n == 0 || (s->fqdn && same_name(text_of(s->fqdn), f.fqdn)));
    if (f.host.bytes.n == 0 || (!same && source < s->source)) {
        return;
    }
    struct shared_text *host = known ? NULL : model_text_common(m, f.host);
    struct shared_text *fqdn = known ? NULL : model_text_common(m, f.fqdn);
    if (host) {
        put(m, &s->host, &s->fqdn, host, fqdn);
        c->machines_known = 0;
    }
    if (host || known) {
        s->source = source > s->source ? source : s->source;
        if (known ? f.fqdn.bytes.n != 0 : fqdn != NULL) {
            s->full_is_claimed = source == MACHINE_CLAIMED && (s->full_is_claimed || !known);
        }
        learn(c, side, source);
    }
    text_drop(&m->texts, host);
    text_drop(&m->texts, fqdn);
}

void machine_forget(struct connection *c) {
    for (unsigned i = 0; i < MACHINE_SIDES; i++) {
        text_drop(&c->model->texts, c->shown[i].host);
        text_drop(&c->model->texts, c->shown[i].fqdn);
    }
}

static struct machine_facts resolve(struct connection *c, enum machine_side side) {
    const struct shown *s = &c->shown[side];
    struct machine *x = machine_find(c->model, address_of(c, side));
    if (x) {
        age_renew(c->model, &c->model->machine_ages, &x->age);
    }
    if (!s->host) {
        return x ? (struct machine_facts){text_of(x->host), text_of(x->fqdn)} : (struct machine_facts){0};
    }
    bool more = !s->fqdn && x && x->fqdn && same_name(text_of(x->host), text_of(s->host));
    return (struct machine_facts){text_of(s->host), text_of(more ? x->fqdn : s->fqdn)};
}

void machine_refresh(struct connection *c) {
    if (c->machines_known != c->model->machine_generation) {
        c->facts.machines[MACHINE_CLIENT] = resolve(c, MACHINE_CLIENT);
        c->facts.machines[MACHINE_SERVER] = resolve(c, MACHINE_SERVER);
        c->machines_known = c->model->machine_generation;
    }
}
