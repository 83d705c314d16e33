/* What the records of a pair of client and server already name as an event of the Windows logs (windows_events), and is worth more
 * than its record: who does not sign, is let in as nobody, or is refused. Each once for a pair in an interval, with how often. */
#include <string.h>

#include "downgrade.h"
#include "findings/state.h"

/* The rule of a condition, and 1; 0: it has none. */
static const uint8_t rule_of[WINDOWS_CONDITIONS] = {
#define ATTACK_VERSION(version)
#define RULE(id, name, title, kind, severity)
#define SENSOR_RULE RULE
#define RULE_TECHNIQUE(id, technique)
#define RULE_EVENT(id, when, condition)
#define NOTICE_EVENT(id, when, condition) [WINDOWS_##condition] = RULE_##id + 1,
#include "tables/rule.def"
#undef ATTACK_VERSION
#undef RULE
#undef SENSOR_RULE
#undef RULE_TECHNIQUE
#undef RULE_EVENT
#undef NOTICE_EVENT
};

static const unsigned when_of[WINDOWS_CONDITIONS] = {
#define ATTACK_VERSION(version)
#define RULE(id, name, title, kind, severity)
#define SENSOR_RULE RULE
#define RULE_TECHNIQUE(id, technique)
#define RULE_EVENT(id, when, condition)
#define NOTICE_EVENT(id, when, condition) [WINDOWS_##condition] = WHEN_##when,
#include "tables/rule.def"
#undef ATTACK_VERSION
#undef RULE
#undef SENSOR_RULE
#undef RULE_TECHNIQUE
#undef RULE_EVENT
#undef NOTICE_EVENT
};

/* Signs of a downgrade, and their rules; what FSCTL_VALIDATE_NEGOTIATE_INFO says is an event of the Windows logs. */
static const struct {
    unsigned signs;
    enum rule rule;
} sign_rules[] = {
    {DOWNGRADE_INTEGRITY_NOT_OFFERED | DOWNGRADE_INTEGRITY_NOT_ANSWERED | DOWNGRADE_DIALECT_NOT_OFFERED |
         DOWNGRADE_HASH_NOT_OFFERED | DOWNGRADE_CIPHER_NOT_OFFERED | DOWNGRADE_SIGNING_NOT_OFFERED |
         DOWNGRADE_SESSION_NOT_SIGNED,
     RULE_NEGOTIATION_UNSOUND},
    {DOWNGRADE_CIPHER_NOT_ANSWERED | DOWNGRADE_SIGNING_NOT_ANSWERED, RULE_OFFER_UNANSWERED},
    {DOWNGRADE_SMB1_AFTER_SMB2, RULE_SMB1_AFTER_SMB2},
    {DOWNGRADE_MESSAGE_NOT_SIGNED, RULE_UNSIGNED_MESSAGE},
};

/* The last fact, as it is made; NULL: none. */
static const struct fact *windows_of(const struct event *e) {
    for (unsigned i = e->count; i > 0; i--) {
        if (e->facts[i - 1].field == FIELD_WINDOWS_EVENTS) {
            return &e->facts[i - 1];
        }
    }
    return NULL;
}

bool notice_wants(const struct event *e) {
    if (e->downgrade_signs != 0 || e->takes_over) {
        return true;
    }
    const struct fact *f = windows_of(e);
    for (unsigned i = 0; f && i < f->windows.count; i++) {
        if (rule_of[f->windows.items[i]->condition] != 0) {
            return true;
        }
    }
    return false;
}

/* ---- notices, a rule of a pair each */

static uint64_t notice_hash(const struct findings *f, const struct flow_facts *flow, enum rule rule) {
    uint64_t h = hash_bytes(f->settings.secret, flow->client.ip.bytes, sizeof flow->client.ip.bytes);
    h = hash_more(f->settings.secret, h,
                  hash_bytes(f->settings.secret, flow->server.ip.bytes, sizeof flow->server.ip.bytes));
    return hash_more(f->settings.secret, h, rule);
}

static struct notice *notice_find(struct findings *f, const struct flow_facts *flow, enum rule rule) {
    uint64_t hash = notice_hash(f, flow, rule);
    for (struct hash_node *n = hash_first(&f->notices, hash); n; n = hash_again(n, hash)) {
        struct notice *notice = container_of(n, struct notice, node);
        if (notice->rule == rule && address_same(&notice->client, &flow->client.ip) &&
            address_same(&notice->server, &flow->server.ip)) {
            return notice;
        }
    }
    return NULL;
}

static void tell(struct findings *f, struct notice *n) {
    if (n->told.count != n->told.told_count) {
        raise_of_notice(f, n);
        n->told.told_count = n->told.count;
    }
}

static void notice_free(struct findings *f, struct notice *n) {
    hash_remove(&f->notices, &n->node);
    list_remove(&n->age);
    f->notice_count--;
    told_free(f, &n->told);
    budget_give(f->settings.budget, n, sizeof *n);
}

static struct notice *oldest(struct findings *f) {
    struct link *first = list_first(&f->notice_ages);
    return first ? container_of(first, struct notice, age) : NULL;
}

bool notice_evict(struct findings *f) {
    struct notice *n = oldest(f);
    if (n) {
        tell(f, n);
        notice_free(f, n);
        f->stats->findings_evicted++;
    }
    return n != NULL;
}

static struct notice *notice_new(struct findings *f, const struct flow_facts *flow, enum rule rule) {
    if (f->notice_count >= f->settings.notices_max) {
        (void)notice_evict(f);
    }
    struct notice *n = budget_take(f->settings.budget, sizeof *n);
    while (!n && notice_evict(f)) {
        n = budget_take(f->settings.budget, sizeof *n);
    }
    if (!n) {
        f->stats->findings_lost++;
        return NULL;
    }
    n->client = flow->client.ip;
    n->server = flow->server.ip;
    n->rule = rule;
    hash_insert(&f->notices, &n->node, notice_hash(f, flow, rule));
    list_append(&f->notice_ages, &n->age);
    f->notice_count++;
    return n;
}

/* ---- what is worth keeping of the first */

static void keep(struct notice *n, const struct event *e) {
    const struct fact *status = event_find(e, FIELD_STATUS_CODE), *share = event_find(e, FIELD_SHARE_PATH);
    const struct fact *dialect = event_find(e, FIELD_DIALECT), *signing = event_find(e, FIELD_SIGNING);
    n->has_status = status != NULL;
    n->status = status ? (uint32_t)status->number : 0;
    n->dialect = dialect && dialect->form == FACT_NAMED ? (uint32_t)dialect->number : 0;
    n->signing = signing && signing->form == FACT_NAME ? signing->name : NULL;
    n->downgrade_signs = 0;
    n->share.length = 0;
    if (share && share->form == FACT_TEXT) {
        name_keep(&n->share, share->text);
    }
}

static unsigned signs_of(enum rule rule) {
    for (size_t i = 0; i < sizeof sign_rules / sizeof sign_rules[0]; i++) {
        if (sign_rules[i].rule == rule) {
            return sign_rules[i].signs;
        }
    }
    return 0;
}

/* A new interval begins with what is told first in it. */
static void count(struct findings *f, enum rule rule, unsigned when, const struct event *e, uint64_t seq,
                  const char *capture) {
    struct notice *n = notice_find(f, e->flow, rule);
    if (n && n->told.count != 0 && interval_is_over(n->since_ns, e->at.time_ns)) {
        tell(f, n);
        told_clear(f, &n->told);
    }
    if (n) {
        list_renew(&f->notice_ages, &n->age);
    } else {
        n = notice_new(f, e->flow, rule);
    }
    if (!n) {
        return;
    }
    if (n->told.count == 0) {
        n->since_ns = e->at.time_ns;
        keep(n, e);
    }
    n->told.when |= when;
    n->downgrade_signs |= e->downgrade_signs & signs_of(rule);
    told_count(f, &n->told, e, seq, capture);
    if (f->settings.at_once && n->told.count == 1) {
        tell(f, n);
    }
}

/* All that hold of a rule's conditions. */
static unsigned when_holds(const struct fact *windows, enum rule rule) {
    unsigned when = 0;
    for (unsigned i = 0; i < windows->windows.count; i++) {
        unsigned condition = windows->windows.items[i]->condition;
        when |= rule_of[condition] == rule + 1 ? when_of[condition] : 0;
    }
    return when;
}

/* Several events of one condition are one message of its rule, and so are several conditions of one rule. */
void notice_event(struct findings *f, const struct event *e, uint64_t seq, const char *capture) {
    const struct fact *windows = windows_of(e);
    uint64_t counted = 0;
    _Static_assert(RULES <= 64, "a bit for each rule");
    for (unsigned i = 0; windows && i < windows->windows.count; i++) {
        unsigned rule = rule_of[windows->windows.items[i]->condition];
        if (rule != 0 && !(counted >> (rule - 1) & 1)) {
            counted |= UINT64_C(1) << (rule - 1);
            count(f, (enum rule)(rule - 1), when_holds(windows, rule - 1), e, seq, capture);
        }
    }
    for (size_t i = 0; e->downgrade_signs != 0 && i < sizeof sign_rules / sizeof sign_rules[0]; i++) {
        if (e->downgrade_signs & sign_rules[i].signs) {
            count(f, sign_rules[i].rule, WHEN_ALWAYS, e, seq, capture);
        }
    }
    if (e->takes_over) {
        count(f, RULE_SESSION_TAKEN_OVER, WHEN_ALWAYS, e, seq, capture);
    }
}

void notice_count(struct findings *f, enum rule rule, const struct event *e, uint64_t seq, const char *capture) {
    count(f, rule, WHEN_ALWAYS, e, seq, capture);
}

void notice_figures(struct findings *f, const struct figures *now) {
    for (struct link *l = list_first(&f->notice_ages); l; l = list_next(&f->notice_ages, l)) {
        struct notice *n = container_of(l, struct notice, age);
        if (interval_is_over_now(&n->since_ns, now->time_ns)) {
            tell(f, n);
        }
    }
}

void notices_finish(struct findings *f) {
    for (struct link *l = list_first(&f->notice_ages); l; l = list_next(&f->notice_ages, l)) {
        tell(f, container_of(l, struct notice, age));
    }
}

void notices_free(struct findings *f) {
    while (oldest(f)) {
        notice_free(f, oldest(f));
    }
}
