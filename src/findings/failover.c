/* A server that sends its clients away: a request on a continuously available share fails in a way that says nothing of its file, and
 * its client has the same share from another address soon after. Which status a server gives then is not documented; those taken are in
 * event/windows.c. What went well in between, on the same connection, is no matter: requests of before the failover may be answered still. */
#include <string.h>

#include "findings/state.h"

static uint64_t failover_hash(const struct findings *f, const struct address *client, const struct name *share) {
    uint64_t h = hash_bytes(f->settings.secret, client->bytes, sizeof client->bytes);
    return hash_more(f->settings.secret, h, hash_bytes(f->settings.secret, share->bytes, share->length));
}

static struct failover *failover_find(struct findings *f, const struct address *client, const struct name *share) {
    uint64_t hash = failover_hash(f, client, share);
    for (struct hash_node *n = hash_first(&f->failovers, hash); n; n = hash_again(n, hash)) {
        struct failover *one = container_of(n, struct failover, node);
        if (address_same(&one->client, client) && one->share.length == share->length &&
            memcmp(one->share.bytes, share->bytes, share->length) == 0) {
            return one;
        }
    }
    return NULL;
}

static void failover_free(struct findings *f, struct failover *one) {
    hash_remove(&f->failovers, &one->node);
    list_remove(&one->age);
    f->failover_count--;
    budget_give(f->settings.budget, one, sizeof *one);
}

static struct failover *failover_new(struct findings *f, const struct address *client, const struct name *share) {
    if (f->failover_count == FINDINGS_FAILOVERS_MAX) {
        failover_free(f, container_of(list_first(&f->failover_ages), struct failover, age));
        f->stats->findings_failovers_evicted++;
    }
    struct failover *one = budget_take(f->settings.budget, sizeof *one);
    if (!one) {
        f->stats->findings_failovers_evicted++;
        return NULL;
    }
    one->client = *client;
    one->share = *share;
    hash_insert(&f->failovers, &one->node, failover_hash(f, client, share));
    list_append(&f->failover_ages, &one->age);
    f->failover_count++;
    return one;
}

/* The last one counts: it is what the client went away for. */
static void sent_away(struct findings *f, const struct event *e, const struct name *share, uint64_t seq) {
    struct failover *one = failover_find(f, &e->flow->client.ip, share);
    if (one) {
        list_renew(&f->failover_ages, &one->age);
    } else {
        one = failover_new(f, &e->flow->client.ip, share);
    }
    if (one) {
        one->server = e->flow->server.ip;
        one->at_ns = e->at.time_ns;
        one->seq = seq;
    }
}

static void arrived(struct findings *f, const struct event *e, const struct name *share, uint64_t seq,
                    const char *capture) {
    struct failover *one = failover_find(f, &e->flow->client.ip, share);
    if (!one || address_same(&one->server, &e->flow->server.ip)) {
        return;
    }
    bool soon = e->at.time_ns >= one->at_ns && e->at.time_ns <= one->at_ns + FINDINGS_FAILOVER_NS;
    f->cause = one->seq;
    failover_free(f, one);
    if (soon) {
        notice_count(f, RULE_SHARE_FORCED_AWAY, e, seq, capture);
    }
    f->cause = 0;
}

static bool has_share(const struct event *e) {
    const struct fact *status = event_find(e, FIELD_STATUS_CODE), *can = event_find(e, FIELD_SHARE_CAPABILITIES);
    return status && status->number == STATUS_SUCCESS && can && (can->number & SMB2_SHARE_CAP_CONTINUOUS_AVAILABILITY);
}

bool failover_wants(const struct event *e) {
    return e->action == ACTION_MESSAGE && (e->sends_away || e->operation == OPERATION_TREE_CONNECT);
}

void failover_event(struct findings *f, const struct event *e, uint64_t seq, const char *capture) {
    const struct fact *path = failover_wants(e) ? event_find(e, FIELD_SHARE_PATH) : NULL;
    if (!path || path->form != FACT_TEXT) {
        return;
    }
    struct name share = {0};
    name_keep(&share, path->text);
    if (e->sends_away) {
        sent_away(f, e, &share, seq);
    } else if (has_share(e)) {
        arrived(f, e, &share, seq, capture);
    }
}

void failovers_free(struct findings *f) {
    for (struct link *l; (l = list_first(&f->failover_ages)) != NULL;) {
        failover_free(f, container_of(l, struct failover, age));
    }
}
