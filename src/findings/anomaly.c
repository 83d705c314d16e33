/* What a connection's packets contradict: bytes that came twice and were not the same. Whoever sends them wants a sensor and a
 * receiver to see different things, or something on the way is broken. */
#include <string.h>

#include "findings/state.h"

/* Told when the connection ends, with all that it came to: once. */
static void tell_contradiction(struct findings *f, const struct event *e, enum rule rule, const struct contradiction *c,
                               uint64_t seq, const char *capture) {
    if (c->count == 0) {
        return;
    }
    struct told t = {.count = c->count, .when = WHEN_ALWAYS, .first = c->first, .last_ns = c->last_ns};
    if (seq != 0) {
        t.evidence[t.evidence_count++] = seq;
    }
    if (e->flow_json.n <= sizeof t.flow_json) {
        t.flow_length = e->flow_json.n;
        memcpy(t.flow_json, e->flow_json.p, t.flow_length);
    }
    raise_of_flow(f, e->flow, rule, &t, capture);
}

void anomaly_event(struct findings *f, const struct event *e, uint64_t seq, const char *capture) {
    const struct flow_trouble *c = e->flow->trouble;
    if (e->action == ACTION_END && c) {
        tell_contradiction(f, e, RULE_SEGMENTS_DIFFER, &c->of[SEGMENTS_DIFFER], seq, capture);
        tell_contradiction(f, e, RULE_FRAGMENTS_DIFFER, &c->of[FRAGMENTS_DIFFER], seq, capture);
    }
}
