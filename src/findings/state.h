/* What the rules keep. */
#ifndef FINDINGS_STATE_H
#define FINDINGS_STATE_H

#include "base/hash.h"
#include "base/list.h"
#include "figures.h"
#include "findings/findings.h"
#include "record.h"

enum rule {
#define ATTACK_VERSION(version)
#define RULE(id, name, title, kind, severity) RULE_##id,
#define SENSOR_RULE RULE
#define RULE_TECHNIQUE(id, technique)
#define RULE_EVENT(id, when, condition)
#define NOTICE_EVENT(id, when, condition)
#include "tables/rule.def"
#undef ATTACK_VERSION
#undef RULE
#undef SENSOR_RULE
#undef RULE_TECHNIQUE
#undef RULE_EVENT
#undef NOTICE_EVENT
    RULES,
    PAIR_RULES =
        RULE_SMB1_ANSWERED + 1, /* those about a pair; the others are about a connection, or about the sensor */
};

/* Conditions of RULE_EVENT, as bits. */
enum { WHEN_ALWAYS = 1, WHEN_REFUSED = 2, WHEN_UNSIGNED = 4, WHEN_NAMED = 8, WHEN_OTHER = 16 };

enum { NAME_MAX_BYTES = 96, DIALECTS_MAX = 16, DIALECT_MAX_BYTES = 40 };

/* A copy of a text, its end cut. */
struct name {
    uint8_t bytes[NAME_MAX_BYTES];
    uint8_t length, encoding;
    bool is_old; /* of an earlier interval: what is shown next takes its place */
};

/* One rule of one pair, or of one connection. */
struct told {
    uint64_t count, told_count; /* messages so far; when it was told last */
    unsigned when, told_when;   /* conditions that hold */
    struct moment first;
    uint64_t last_ns;
    uint64_t evidence[FINDINGS_EVIDENCE_MAX]; /* seq */
    unsigned evidence_count;
    size_t flow_length; /* of what set it off */
    char flow_json[FLOW_JSON_MAX];
    char *capture;
};

/* What a client's latest connection said of signing, see smb1.c. */
struct signing {
    char flow_id[17];
    bool signs, unsigned_session;
    bool earlier; /* an earlier connection was not signed */
};

struct pair {
    struct hash_node node;
    struct link age;
    struct address client, server;
    uint64_t since_ns; /* its interval began; what is told later may have begun before */
    struct told rules[PAIR_RULES];
    struct signing signing;
    struct name dialect, server_os, client_os;
    const char *server_signing; /* what its NEGOTIATE said; NULL: not known */
    bool offered_is_old;
    uint8_t offered_count;
    uint8_t offered_lengths[DIALECTS_MAX];
    uint8_t offered[DIALECTS_MAX][DIALECT_MAX_BYTES];
};

/* A connection whose SMB1 NEGOTIATE had no answer. */
struct pending {
    struct hash_node by_flow;
    struct link age;
    struct address client, server;
    char flow_id[17];
};

/* A rule of notice.c for a pair, since its interval began. */
struct notice {
    struct hash_node node;
    struct link age;
    struct address client, server;
    enum rule rule;
    uint64_t since_ns; /* its interval began; what is told later may have begun before */
    struct told told;
    /* of what set it off */
    bool has_status;
    uint32_t status, dialect; /* dialect: 0 where it is not known */
    const char *signing;      /* what the server said; NULL: not known */
    unsigned downgrade_signs;
    struct name share;
};

/* A client whose request failed on a continuously available share, see failover.c. */
struct failover {
    struct hash_node node;
    struct link age;
    struct address client, server;
    struct name share; /* its path */
    uint64_t at_ns, seq;
};

/* A server that was spoken to in SMB1. */
struct silence {
    struct hash_node node;
    struct link age;
    struct address server, client; /* client: that spoke it last */
    uint64_t last_ns;              /* when it was spoken last, or may have been */
    uint64_t seen_ns;              /* the last packet of its other connections, as far as they ended */
    bool is_told;
    struct told told; /* the last message of it; count: connections that ended since */
};

struct findings {
    struct findings_settings settings;
    struct findings_sink sink;
    struct stats *stats;
    struct hash pairs, pending_flows, notices, failovers, silences;
    struct list ages, pending, notice_ages, failover_ages, silence_ages; /* oldest first */
    size_t pair_count, pending_count, notice_count, failover_count, silence_count;
    uint64_t cause;        /* seq of the record that the message at hand goes back to; 0: none */
    char *silence_capture; /* that they are of; NULL: of none, or of a live run */
    uint64_t loss_ns;      /* live: up to when something was lost, as far as that is known */
    struct {
        bool no_packets[FIGURES_INTERFACES_MAX], one_direction, capture_loss;
        uint64_t quiet_since[FIGURES_INTERFACES_MAX]; /* ns; 0: it was not in the last interval */
    } ill;                                            /* what the sensor suffers from, and was told */
    struct event event;                               /* being raised */
};

/* smb1.c */
bool smb1_wants(const struct event *);
void smb1_event(struct findings *, const struct event *, uint64_t seq, const char *capture);
void smb1_figures(struct findings *, const struct figures *now); /* tells of intervals that are over */
bool smb1_spoken(const struct event *);                          /* asked for, or answered in */
/* silence.c */
void silence_event(struct findings *, const struct event *, uint64_t seq, const char *capture);
void silence_figures(struct findings *, const struct figures *now, const struct figures *before);
void silence_finish(struct findings *); /* tells what holds, and forgets all */
/* notice.c */
bool notice_wants(const struct event *);
void notice_event(struct findings *, const struct event *, uint64_t seq, const char *capture);
void notice_figures(struct findings *, const struct figures *now); /* as smb1_figures */
bool notice_evict(struct findings *); /* the oldest is told and goes; false: there is none */
void notices_finish(struct findings *);
void notices_free(struct findings *);
void notice_count(struct findings *, enum rule, const struct event *, uint64_t seq, const char *capture);
/* failover.c */
bool failover_wants(const struct event *);
void failover_event(struct findings *, const struct event *, uint64_t seq, const char *capture);
void failovers_free(struct findings *);
/* anomaly.c */
void anomaly_event(struct findings *, const struct event *, uint64_t seq, const char *capture);
/* raise.c: tells of a rule of a pair, of a connection, or of the sensor. */
void raise_of_pair(struct findings *, const struct pair *, enum rule);
void raise_of_flow(struct findings *, const struct flow_facts *, enum rule, const struct told *, const char *capture);
void raise_of_notice(struct findings *, const struct notice *);
/* since_ns: from when on nothing was missed and nobody spoke it */
void raise_of_silence(struct findings *, const struct silence *, uint64_t since_ns);
void raise_of_sensor(struct findings *, enum rule, const struct told *, const char *summary, const char *interface);

/* findings.c */
bool address_same(const struct address *, const struct address *);
void name_keep(struct name *, struct text);
/* One message more: when it was, its record, and its flow where it is the first. */
void told_count(struct findings *, struct told *, const struct event *, uint64_t seq, const char *capture);
void told_clear(const struct findings *, struct told *); /* nothing was counted yet */
bool interval_is_over(uint64_t since_ns, uint64_t at_ns);
/* The same of a live run's clock: where it was put back the interval would be one that is yet to come, and now begins now. */
bool interval_is_over_now(uint64_t *since_ns, uint64_t now_ns);
void told_free(const struct findings *, struct told *);
struct pair *pair_find(struct findings *, const struct address *client, const struct address *server);
/* NULL without memory. */
struct pair *pair_get(struct findings *, const struct flow_facts *);
/* What changed since it was told last, or was never told. */
void pair_tell(struct findings *, struct pair *);
/* The oldest is told and goes; false: there is none. */
bool pair_evict(struct findings *);
/* One message more for a rule: when it was, its record, and its flow where it is the first. */
void pair_count(struct findings *, struct pair *, enum rule, const struct event *, uint64_t seq, const char *capture);

#endif
