/* A finding as an event: facts of the rule's row, of the pair or the connection, and one line for a person. */
#include <arpa/inet.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "findings/state.h"

enum { EVENTS_MAX = 8, TECHNIQUES_MAX = 4, RECORD_ID_MAX = 48, SENTENCE_MAX = 256, SUMMARY_PARTS = 5 };

struct rule_row {
    const char *id, *name, *kind, *severity;
};

static const struct rule_row rows[RULES] = {
#define ATTACK_VERSION(version)
#define RULE(rule, id, name, kind, severity) [RULE_##rule] = {id, name, kind, severity},
#define SENSOR_RULE RULE
#define RULE_TECHNIQUE(rule, technique)
#define RULE_EVENT(rule, when, event)
#define NOTICE_EVENT(rule, when, condition)
#include "tables/rule.def"
#undef ATTACK_VERSION
#undef SENSOR_RULE
#undef RULE
#undef RULE_TECHNIQUE
#undef RULE_EVENT
#undef NOTICE_EVENT
};

/* What belongs to a rule when a condition holds; of techniques it always does. */
struct member {
    enum rule rule;
    unsigned when;
    const char *name;
};

static const struct member techniques[] = {
#define ATTACK_VERSION(version)
#define RULE(rule, id, name, kind, severity)
#define SENSOR_RULE RULE
#define RULE_TECHNIQUE(rule, technique) {RULE_##rule, WHEN_ALWAYS, technique},
#define RULE_EVENT(rule, when, event)
#define NOTICE_EVENT(rule, when, condition)
#include "tables/rule.def"
#undef ATTACK_VERSION
#undef RULE_TECHNIQUE
#undef RULE_EVENT
#undef NOTICE_EVENT
};

struct rule_condition {
    enum rule rule;
    unsigned when;
    enum windows_condition condition;
};

static const struct rule_condition windows_rows[] = {
#define ATTACK_VERSION(version)
#define RULE_TECHNIQUE(rule, technique)
#define RULE_EVENT(rule, when, condition) {RULE_##rule, WHEN_##when, WINDOWS_##condition},
#define NOTICE_EVENT RULE_EVENT
#include "tables/rule.def"
#undef ATTACK_VERSION
#undef RULE_TECHNIQUE
#undef RULE_EVENT
#undef NOTICE_EVENT
};

static const char attack_version[] =
#define ATTACK_VERSION(version) version
#define RULE_TECHNIQUE(rule, technique)
#define RULE_EVENT(rule, when, event)
#define NOTICE_EVENT(rule, when, condition)
#include "tables/rule.def"
#undef ATTACK_VERSION
#undef SENSOR_RULE
#undef RULE
#undef RULE_TECHNIQUE
#undef RULE_EVENT
#undef NOTICE_EVENT
    ;

/* What an event's facts point to while it is raised. */
struct borrowed {
    const struct windows_event *windows[EVENTS_MAX];
    struct text techniques[TECHNIQUES_MAX], evidence[FINDINGS_EVIDENCE_MAX], offered[DIALECTS_MAX];
    struct text summary[SUMMARY_PARTS];
    char ids[FINDINGS_EVIDENCE_MAX][RECORD_ID_MAX];
    char before[SENTENCE_MAX], after[SENTENCE_MAX];
};

static struct text plain(const char *s) {
    return (struct text){{(const uint8_t *)s, strlen(s)}, ENC_UTF8};
}

static struct text kept(const struct name *n) {
    return (struct text){{n->bytes, n->length}, (enum encoding)n->encoding};
}

static unsigned members(const struct member *from, size_t count, enum rule rule, unsigned when, struct text *to,
                        unsigned max) {
    unsigned n = 0;
    for (size_t i = 0; i < count && n < max; i++) {
        if (from[i].rule == rule && (from[i].when & when)) {
            to[n++] = plain(from[i].name);
        }
    }
    return n;
}

static uint8_t severity_of(const char *name) {
    static const char *const names[LINE_SEVERITIES] = {"info", "low", "medium", "high"};
    uint8_t i = 0;
    while (strcmp(name, names[i]) != 0) {
        i++;
        assert(i < LINE_SEVERITIES);
    }
    return i;
}

/* Events in the order of their conditions, and in that of their table. */
static unsigned windows(enum rule rule, unsigned when, const struct windows_event *to[EVENTS_MAX]) {
    unsigned n = 0;
    for (size_t i = 0; i < sizeof windows_rows / sizeof windows_rows[0]; i++) {
        bool holds = windows_rows[i].rule == rule && (windows_rows[i].when & when);
        for (size_t k = 0; holds && k < windows_event_count && n < EVENTS_MAX; k++) {
            if (windows_events[k].condition == windows_rows[i].condition && !windows_events[k].same) {
                to[n++] = &windows_events[k];
            }
        }
    }
    return n;
}

static void add_rule(struct event *e, enum rule rule, unsigned when, struct borrowed *b) {
    event_name(e, FIELD_RULE_ID, rows[rule].id);
    event_name(e, FIELD_RULE_NAME, rows[rule].name);
    event_name(e, FIELD_KIND, rows[rule].kind);
    event_name(e, FIELD_SEVERITY, rows[rule].severity);
    e->severity = severity_of(rows[rule].severity);
    event_texts(
        e, FIELD_TECHNIQUES, b->techniques,
        members(techniques, sizeof techniques / sizeof techniques[0], rule, when, b->techniques, TECHNIQUES_MAX));
    event_name(e, FIELD_ATTACK_VERSION, attack_version);
    event_windows(e, b->windows, windows(rule, when, b->windows));
}

static void add_evidence(struct event *e, const struct findings *f, const struct told *t, struct borrowed *b) {
    for (unsigned i = 0; i < t->evidence_count; i++) {
        snprintf(b->ids[i], sizeof b->ids[i], RECORD_ID_FORMAT, f->settings.run_id, t->evidence[i]);
        b->evidence[i] = plain(b->ids[i]);
    }
    event_texts(e, FIELD_EVIDENCE, b->evidence, t->evidence_count);
}

static void add_offered(struct event *e, const struct pair *p, struct borrowed *b) {
    for (unsigned i = 0; i < p->offered_count; i++) {
        b->offered[i] = (struct text){{p->offered[i], p->offered_lengths[i]}, ENC_ASCII};
    }
    event_texts(e, FIELD_OFFERED_DIALECTS, b->offered, p->offered_count);
}

/* A pair may have a connection that was refused, and another that was not. */
static const char *refusal(const struct pair *p) {
    bool refused = p->rules[RULE_SMB1_REQUESTED].when & WHEN_REFUSED;
    bool answered = p->rules[RULE_SMB1_ANSWERED].count != 0;
    return !refused ? "" : answered ? ", some refused" : ", refused";
}

static const char *address_text(const struct address *a, char to[INET6_ADDRSTRLEN]) {
    return inet_ntop(a->family == 4 ? AF_INET : AF_INET6, a->bytes, to, INET6_ADDRSTRLEN);
}

/* "192.0.2.10 asks 192.0.2.20 for SMB1: 3 requests, refused, not signed; Windows 5.1" */
static void add_summary(struct event *e, const struct pair *p, enum rule rule, struct borrowed *b) {
    const struct told *t = &p->rules[rule];
    char client[INET6_ADDRSTRLEN], server[INET6_ADDRSTRLEN];
    address_text(&p->client, client);
    address_text(&p->server, server);
    if (rule == RULE_SMB1_REQUESTED) {
        snprintf(b->before, sizeof b->before, "%s asks %s for SMB1: %" PRIu64 " %s%s%s", client, server, t->count,
                 t->count == 1 ? "request" : "requests", refusal(p), t->when & WHEN_UNSIGNED ? ", not signed" : "");
    } else {
        snprintf(b->before, sizeof b->before, "%s answers %s in SMB1: %" PRIu64 " %s", server, client, t->count,
                 t->count == 1 ? "answer" : "answers");
    }
    const struct name *os = rule == RULE_SMB1_ANSWERED ? &p->server_os : &p->client_os;
    bool dialect = rule == RULE_SMB1_ANSWERED && p->dialect.length != 0;
    b->summary[0] = plain(b->before);
    b->summary[1] = plain(dialect ? "; " : "");
    b->summary[2] = dialect ? kept(&p->dialect) : plain("");
    b->summary[3] = plain(os->length != 0 ? "; " : "");
    b->summary[4] = kept(os);
    event_joined(e, FIELD_SUMMARY, b->summary, SUMMARY_PARTS);
}

/* "192.0.2.10 and 192.0.2.20, port 445: 2 TCP segments brought other bytes for what had come; the first were taken" */
static void add_flow_summary(struct event *e, const struct flow_facts *flow, enum rule rule, const struct told *t,
                             struct borrowed *b) {
    const char *one = "TCP segment", *many = "TCP segments";
    if (rule == RULE_FRAGMENTS_DIFFER) {
        one = "TCP segment came in IP fragments that";
        many = "TCP segments came in IP fragments that";
    }
    char client[INET6_ADDRSTRLEN], server[INET6_ADDRSTRLEN];
    snprintf(b->before, sizeof b->before,
             "%s and %s, port %u: %" PRIu64 " %s brought other bytes for what had come; the first were taken",
             address_text(&flow->client.ip, client), address_text(&flow->server.ip, server), flow->server.port,
             t->count, t->count == 1 ? one : many);
    b->summary[0] = plain(b->before);
    event_joined(e, FIELD_SUMMARY, b->summary, 1);
}

static struct event *begin(struct findings *f, enum rule rule, const struct told *t, struct borrowed *b) {
    struct event *e = &f->event;
    e->object = OBJECT_FINDING;
    e->action = ACTION_RAISE;
    e->at = t->first;
    e->flow = NULL;
    e->flow_json = (struct view){(const uint8_t *)t->flow_json, t->flow_length};
    e->count = 0;
    add_rule(e, rule, t->when, b);
    event_uint(e, FIELD_COUNT, t->count);
    event_time(e, FIELD_FIRST_TIME, t->first.time_ns);
    event_time(e, FIELD_LAST_TIME, t->last_ns);
    add_evidence(e, f, t, b);
    return e;
}

static void hand_on(struct findings *f, const char *capture) {
    f->stats->findings++;
    f->sink.raise(f->sink.arg, &f->event, capture);
}

void raise_of_pair(struct findings *f, const struct pair *p, enum rule rule) {
    const struct told *t = &p->rules[rule];
    struct borrowed b;
    struct event *e = begin(f, rule, t, &b);
    add_summary(e, p, rule, &b);
    event_uint(e, FIELD_VERSION, 1);
    if (rule == RULE_SMB1_ANSWERED) {
        event_text(e, FIELD_DIALECT, kept(&p->dialect));
    } else {
        add_offered(e, p, &b);
    }
    event_text(e, FIELD_NATIVE_OS_CLIENT, kept(&p->client_os));
    event_text(e, FIELD_NATIVE_OS, kept(&p->server_os));
    if (p->server_signing) {
        event_name(e, FIELD_SIGNING, p->server_signing);
    }
    hand_on(f, t->capture);
}

void raise_of_flow(struct findings *f, const struct flow_facts *flow, enum rule rule, const struct told *t,
                   const char *capture) {
    struct borrowed b;
    struct event *e = begin(f, rule, t, &b);
    add_flow_summary(e, flow, rule, t, &b);
    hand_on(f, capture);
}

/* "192.0.2.20 and 192.0.2.10: Server denies access to a share: 3 times; \\\\FS01\\data; STATUS_ACCESS_DENIED" */
static void add_notice_summary(struct event *e, const struct notice *n, struct borrowed *b) {
    char client[INET6_ADDRSTRLEN], server[INET6_ADDRSTRLEN];
    const char *status = n->has_status ? names_find(&names_ntstatus, n->status) : NULL;
    bool failed = status && n->status >> 30 == 3;
    address_text(&n->client, client);
    address_text(&n->server, server);
    snprintf(b->before, sizeof b->before, "%s and %s: %s: %" PRIu64 " %s", client, server, rows[n->rule].name,
             n->told.count, n->told.count == 1 ? "time" : "times");
    b->summary[0] = plain(b->before);
    b->summary[1] = plain(n->share.length != 0 ? "; " : "");
    b->summary[2] = kept(&n->share);
    b->summary[3] = plain(failed ? "; " : "");
    b->summary[4] = plain(failed ? status : "");
    event_joined(e, FIELD_SUMMARY, b->summary, SUMMARY_PARTS);
}

void raise_of_notice(struct findings *f, const struct notice *n) {
    struct borrowed b;
    struct event *e = begin(f, n->rule, &n->told, &b);
    add_notice_summary(e, n, &b);
    if (n->dialect != 0) {
        event_named(e, FIELD_DIALECT, n->dialect, &names_dialect, 3);
    }
    event_bits(e, FIELD_DOWNGRADE_SIGNS, n->downgrade_signs, &names_downgrade_sign);
    if (n->has_status && n->status != 0) {
        event_named(e, FIELD_STATUS, n->status, &names_ntstatus, 8);
        event_uint(e, FIELD_STATUS_CODE, n->status);
    }
    event_text(e, FIELD_SHARE_PATH, kept(&n->share));
    if (n->signing) {
        event_name(e, FIELD_SIGNING, n->signing);
    }
    hand_on(f, n->told.capture);
}

/* "192.0.2.20: in 25 minutes nobody spoke SMB1 to it, last 192.0.2.10; 3 of its other connections ended since" */
void raise_of_silence(struct findings *f, const struct silence *s, uint64_t since_ns) {
    const uint64_t minute_ns = 60 * UINT64_C(1000000000);
    struct borrowed b;
    struct event *e = begin(f, RULE_SMB1_UNUSED, &s->told, &b);
    char client[INET6_ADDRSTRLEN], server[INET6_ADDRSTRLEN];
    address_text(&s->server, server);
    address_text(&s->client, client);
    snprintf(b.before, sizeof b.before,
             "%s: in %" PRIu64 " minutes nobody spoke SMB1 to it, last %s; %" PRIu64
             " of its other connections ended since",
             server, (s->seen_ns - since_ns) / minute_ns, client, s->told.count);
    event_text(e, FIELD_SUMMARY, plain(b.before));
    event_uint(e, FIELD_VERSION, 1);
    hand_on(f, s->told.capture);
}

void raise_of_sensor(struct findings *f, enum rule rule, const struct told *t, const char *summary,
                     const char *interface) {
    struct borrowed b;
    struct event *e = begin(f, rule, t, &b);
    event_text(e, FIELD_SUMMARY, plain(summary));
    hand_on(f, interface);
}
