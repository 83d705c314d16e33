/* SMB1 in use, and SMB1 asked for: what the events of a connection say of it. */
#include <stdlib.h>
#include <string.h>

#include "findings/state.h"

/* A message record's part in it. */
struct look {
    const char *command; /* as in records; empty: it has no name */
    bool asked;          /* the client asks for SMB1, or goes on in it */
    bool answered;       /* the server speaks it */
    bool refused;        /* it was asked and said no */
    bool silent;         /* it said nothing so far */
};

static bool is_false(const struct event *e, enum field field) {
    const struct fact *f = event_find(e, field);
    return f && f->number == 0;
}

static bool is_name(const struct event *e, enum field field, const char *name) {
    const struct fact *f = event_find(e, field);
    return f && f->form == FACT_NAME && strcmp(f->name, name) == 0;
}

/* A dialect that SMB1 chose is a text of the client's; SMB2's are names of a table. An index beyond the list, as 0xFFFF is, chose
 * none; of an answer that is cut it is not known. */
static void look_at_negotiate(struct look *l, const struct event *e, bool response) {
    const struct fact *offered = event_find(e, FIELD_OFFERED_DIALECTS), *dialect = event_find(e, FIELD_DIALECT);
    l->asked = offered && !smb1_offers_smb2(&offered->texts);
    l->answered = offered && response && dialect && dialect->form == FACT_TEXT;
    l->refused = l->asked && response && !dialect && !event_find(e, FIELD_GAP);
    l->silent = l->asked && !response;
}

static const char *command_of(const struct event *e) {
    const struct fact *f = event_find(e, FIELD_COMMAND);
    const char *name = NULL;
    if (!f) {
        return NULL;
    }
    if (f->form == FACT_NAME) {
        name = f->name;
    } else if (f->form == FACT_NAMED) {
        name = names_find(f->table, (uint32_t)f->number);
    }
    return name ? name : "";
}

bool smb1_wants(const struct event *e) {
    return e->action == ACTION_MESSAGE && e->smb1;
}

static bool look_at(struct look *l, const struct event *e) {
    if (!smb1_wants(e)) {
        return false;
    }
    bool response = event_find(e, FIELD_STATUS) != NULL;
    *l = (struct look){.command = command_of(e)};
    if (!l->command) {
        return false;
    }
    if (strcmp(l->command, "SMB1_NEGOTIATE") == 0) {
        look_at_negotiate(l, e, response);
    } else if (!response && is_name(e, FIELD_OPERATION, "oplock_break")) { /* sent by the server, unasked */
        l->answered = true;
    } else {
        l->asked = !is_false(e, FIELD_REQUEST_SEEN);
        l->answered = response;
    }
    return l->asked || l->answered;
}

bool smb1_spoken(const struct event *e) {
    struct look l;
    return look_at(&l, e);
}

/* ---- what is worth keeping of it */

static void keep(struct name *to, const struct fact *f) {
    if ((to->length == 0 || to->is_old) && f && f->form == FACT_TEXT && f->text.bytes.n != 0) {
        name_keep(to, f->text);
    }
}

static void keep_offered(struct pair *p, const struct fact *offered) {
    if (offered && p->offered_is_old) {
        p->offered_count = 0;
        p->offered_is_old = false;
    }
    for (unsigned i = 0; offered && p->offered_count == 0 && i < offered->texts.count && i < DIALECTS_MAX; i++) {
        struct view v = view_part(offered->texts.items[i].bytes, 0, DIALECT_MAX_BYTES);
        if (v.n != 0) { /* of none there may be no address */
            memcpy(p->offered[i], v.p, v.n);
        }
        p->offered_lengths[i] = (uint8_t)v.n;
    }
    if (offered && p->offered_count == 0) {
        p->offered_count = (uint8_t)(offered->texts.count < DIALECTS_MAX ? offered->texts.count : DIALECTS_MAX);
    }
}

/* A client does not sign where a connection came as far as a SESSION_SETUP and neither bit of Flags2 was set there or in its
 * NEGOTIATE. Of a pair's connections the latest is looked at; what the others came to stays. */
static void note_signing(struct pair *p, const struct look *l, const struct event *e) {
    struct signing *s = &p->signing;
    bool session = strcmp(l->command, "SMB1_SESSION_SETUP_ANDX") == 0;
    if (l->asked && (session || strcmp(l->command, "SMB1_NEGOTIATE") == 0)) {
        bool says_so = event_find(e, FIELD_SECURITY_MODE_CLIENT) != NULL;
        if (memcmp(s->flow_id, e->flow->flow_id, sizeof s->flow_id) != 0) {
            *s = (struct signing){.earlier = s->earlier || (s->unsigned_session && !s->signs)};
            memcpy(s->flow_id, e->flow->flow_id, sizeof s->flow_id);
        }
        s->signs |= says_so;
        s->unsigned_session |= !says_so && session;
    }
    unsigned *when = &p->rules[RULE_SMB1_REQUESTED].when;
    *when &= ~(unsigned)WHEN_UNSIGNED;
    *when |= s->earlier || (s->unsigned_session && !s->signs) ? WHEN_UNSIGNED : 0;
}

/* ---- intervals, each told with its own sums */

/* What a connection said of signing when the last interval was not over holds in this one where it goes on. */
static void forget_signing(struct signing *s, const struct event *e) {
    s->earlier = false;
    if (memcmp(s->flow_id, e->flow->flow_id, sizeof s->flow_id) != 0) {
        *s = (struct signing){0};
    }
}

/* A new interval begins with what is told first in it. Who the two are stays known until they show it again. */
static void begin_interval(struct findings *f, struct pair *p, const struct event *e) {
    bool began = p->rules[RULE_SMB1_REQUESTED].count + p->rules[RULE_SMB1_ANSWERED].count != 0;
    if (began && !interval_is_over(p->since_ns, e->at.time_ns)) {
        return;
    }
    pair_tell(f, p);
    for (unsigned i = 0; i < PAIR_RULES; i++) {
        told_clear(f, &p->rules[i]);
    }
    forget_signing(&p->signing, e);
    p->dialect.is_old = p->server_os.is_old = p->client_os.is_old = p->offered_is_old = true;
    p->since_ns = e->at.time_ns;
}

void smb1_figures(struct findings *f, const struct figures *now) {
    for (struct link *l = list_first(&f->ages); l; l = list_next(&f->ages, l)) {
        struct pair *p = container_of(l, struct pair, age);
        if (interval_is_over_now(&p->since_ns, now->time_ns)) {
            pair_tell(f, p);
        }
    }
}

/* ---- a NEGOTIATE without an answer: the end of its connection says whether that was one */

static uint64_t flow_hash(const struct findings *f, const char flow_id[17]) {
    return hash_bytes(f->settings.secret, flow_id, 16);
}

static struct pending *pending_find(struct findings *f, const char flow_id[17]) {
    uint64_t hash = flow_hash(f, flow_id);
    for (struct hash_node *n = hash_first(&f->pending_flows, hash); n; n = hash_again(n, hash)) {
        struct pending *p = container_of(n, struct pending, by_flow);
        if (memcmp(p->flow_id, flow_id, sizeof p->flow_id) == 0) {
            return p;
        }
    }
    return NULL;
}

static void pending_free(struct findings *f, struct pending *p) {
    hash_remove(&f->pending_flows, &p->by_flow);
    list_remove(&p->age);
    f->pending_count--;
    budget_give(f->settings.budget, p, sizeof *p);
}

static void pending_add(struct findings *f, const struct flow_facts *flow) {
    if (pending_find(f, flow->flow_id)) {
        return; /* one is enough: what its end says is the same */
    }
    if (f->pending_count == FINDINGS_PENDING_MAX) {
        pending_free(f, container_of(list_first(&f->pending), struct pending, age));
        f->stats->findings_pending_evicted++;
    }
    struct pending *p = budget_take(f->settings.budget, sizeof *p);
    f->stats->findings_pending_evicted += !p;
    if (p) {
        p->client = flow->client.ip;
        p->server = flow->server.ip;
        memcpy(p->flow_id, flow->flow_id, sizeof p->flow_id);
        hash_insert(&f->pending_flows, &p->by_flow, flow_hash(f, p->flow_id));
        list_append(&f->pending, &p->age);
        f->pending_count++;
    }
}

/* The server closed without an answer, rather than that the answer was not captured. */
static bool server_hung_up(const struct event *e) {
    return is_name(e, FIELD_CLOSED_BY, "server") && e->flow->missed_bytes[TO_CLIENT] == 0;
}

static void flow_ends(struct findings *f, const struct event *e) {
    struct pending *p = pending_find(f, e->flow->flow_id);
    if (!p) {
        return;
    }
    struct pair *pair = server_hung_up(e) ? pair_find(f, &p->client, &p->server) : NULL;
    if (pair && pair->rules[RULE_SMB1_REQUESTED].count != 0) {
        pair->rules[RULE_SMB1_REQUESTED].when |= WHEN_REFUSED;
    }
    pending_free(f, p);
}

void smb1_event(struct findings *f, const struct event *e, uint64_t seq, const char *capture) {
    struct look l;
    if (e->action == ACTION_END) {
        flow_ends(f, e);
        return;
    }
    struct pair *p = look_at(&l, e) ? pair_get(f, e->flow) : NULL;
    if (!p) {
        return;
    }
    begin_interval(f, p, e);
    keep_offered(p, l.asked ? event_find(e, FIELD_OFFERED_DIALECTS) : NULL);
    keep(&p->server_os, event_find(e, FIELD_NATIVE_OS));
    keep(&p->client_os, event_find(e, FIELD_NATIVE_OS_CLIENT));
    keep(&p->dialect, l.answered ? event_find(e, FIELD_DIALECT) : NULL);
    const struct fact *signing = event_find(e, FIELD_SIGNING);
    p->server_signing = signing && signing->form == FACT_NAME ? signing->name : p->server_signing;
    note_signing(p, &l, e);
    if (l.refused) {
        p->rules[RULE_SMB1_REQUESTED].when |= WHEN_REFUSED;
    }
    if (l.silent) {
        pending_add(f, e->flow);
    }
    if (l.asked) {
        pair_count(f, p, RULE_SMB1_REQUESTED, e, seq, capture);
    }
    if (l.answered) {
        pair_count(f, p, RULE_SMB1_ANSWERED, e, seq, capture);
    }
}
