/* Servers that were spoken to in SMB1, and are no more: told where 20 minutes of a capture, or of a live run, show other connections of
 * the server and no SMB1, and nothing was missed in them. Who asks for it next begins anew, and so does a loss. */
#include <string.h>

#include "findings/state.h"

/* Event 1804 of SMBServer/Analytic: "in the last 20 minutes". */
#define SILENCE_NS (20 * 60 * UINT64_C(1000000000))

static uint64_t silence_hash(const struct findings *f, const struct address *server) {
    return hash_bytes(f->settings.secret, server->bytes, sizeof server->bytes);
}

static struct silence *silence_find(struct findings *f, const struct address *server) {
    uint64_t hash = silence_hash(f, server);
    for (struct hash_node *n = hash_first(&f->silences, hash); n; n = hash_again(n, hash)) {
        struct silence *s = container_of(n, struct silence, node);
        if (address_same(&s->server, server)) {
            return s;
        }
    }
    return NULL;
}

static void silence_free(struct findings *f, struct silence *s) {
    hash_remove(&f->silences, &s->node);
    list_remove(&s->age);
    told_free(f, &s->told);
    f->silence_count--;
    budget_give(f->settings.budget, s, sizeof *s);
}

/* It is to be seen after the 20 minutes, or it may have been switched off. */
static void judge(struct findings *f, struct silence *s) {
    uint64_t since = s->last_ns > f->loss_ns ? s->last_ns : f->loss_ns;
    if (!s->is_told && s->seen_ns >= since + SILENCE_NS && s->told.count != 0) {
        s->is_told = true;
        s->told.last_ns = s->seen_ns;
        raise_of_silence(f, s, since);
    }
}

static struct silence *oldest(struct findings *f) {
    struct link *first = list_first(&f->silence_ages);
    return first ? container_of(first, struct silence, age) : NULL;
}

static struct silence *silence_get(struct findings *f, const struct address *server) {
    struct silence *s = silence_find(f, server);
    if (s) {
        list_renew(&f->silence_ages, &s->age);
        return s;
    }
    if (f->silence_count == FINDINGS_SERVERS_MAX) {
        silence_free(f, oldest(f)); /* not told: that it was over is not known */
        f->stats->findings_evicted++;
    }
    s = budget_take(f->settings.budget, sizeof *s);
    f->stats->findings_evicted += !s;
    if (s) {
        s->server = *server;
        hash_insert(&f->silences, &s->node, silence_hash(f, server));
        list_append(&f->silence_ages, &s->age);
        f->silence_count++;
    }
    return s;
}

/* ---- what is seen */

static uint64_t later(uint64_t a, uint64_t b) {
    return a > b ? a : b;
}

/* The finding names the last message that was one. */
static void spoken(struct findings *f, const struct event *e, uint64_t seq, const char *capture) {
    struct silence *s = silence_get(f, &e->flow->server.ip);
    if (!s) {
        return;
    }
    told_clear(f, &s->told);
    told_count(f, &s->told, e, seq, capture);
    s->told.when = WHEN_ALWAYS;
    s->told.count = 0; /* connections since */
    s->client = e->flow->client.ip;
    s->last_ns = later(s->last_ns, later(e->at.time_ns, e->flow->last.time_ns));
    s->is_told = false;
}

/* Of a connection that was in SMB1 each packet may have been of it; of one that has holes each byte that is missing. */
static void ended(struct findings *f, const struct event *e) {
    struct silence *s = silence_find(f, &e->flow->server.ip);
    const struct fact *version = event_find(e, FIELD_VERSION), *reason = event_find(e, FIELD_END_REASON);
    if (!s) {
        return;
    }
    bool missed = e->flow->missed_bytes[TO_SERVER] + e->flow->missed_bytes[TO_CLIENT] != 0;
    bool evicted = reason && reason->form == FACT_NAME && strcmp(reason->name, "evicted") == 0;
    if ((version && version->number == 1) || missed || evicted) {
        s->last_ns = later(s->last_ns, e->flow->last.time_ns);
        return;
    }
    s->told.count += e->flow->last.time_ns > s->last_ns;
    s->seen_ns = later(s->seen_ns, e->flow->last.time_ns);
}

/* One capture says nothing of what happened until the next one began. */
static void next_capture(struct findings *f, const char *capture) {
    size_t n = strlen(capture) + 1;
    if (f->settings.at_once || (f->silence_capture && strcmp(f->silence_capture, capture) == 0)) {
        return;
    }
    silence_finish(f);
    f->silence_capture = budget_take(f->settings.budget, n);
    if (f->silence_capture) {
        memcpy(f->silence_capture, capture, n);
    }
}

void silence_event(struct findings *f, const struct event *e, uint64_t seq, const char *capture) {
    next_capture(f, capture ? capture : "");
    if (e->action == ACTION_END) {
        ended(f, e);
    } else if (smb1_spoken(e)) {
        spoken(f, e, seq, capture);
    }
}

static uint64_t undecoded(const struct stats *s) {
    return s->flows_undecoded + s->flows_refused_memory + s->flows_evicted;
}

void silence_figures(struct findings *f, const struct figures *now, const struct figures *before) {
    const struct capture_figures a = figures_capture(now), b = figures_capture(before);
    if (a.dropped != b.dropped || a.interface_dropped != b.interface_dropped ||
        now->stats.missed_bytes != before->stats.missed_bytes || undecoded(&now->stats) != undecoded(&before->stats)) {
        f->loss_ns = now->time_ns;
    }
    for (struct link *l = list_first(&f->silence_ages); l; l = list_next(&f->silence_ages, l)) {
        judge(f, container_of(l, struct silence, age));
    }
}

/* Live, what was lost since the last figures is not known. */
void silence_finish(struct findings *f) {
    for (struct silence *s; (s = oldest(f)) != NULL;) {
        if (!f->settings.at_once && undecoded(f->stats) == 0) {
            judge(f, s);
        }
        silence_free(f, s);
    }
    budget_give(f->settings.budget, f->silence_capture, f->silence_capture ? strlen(f->silence_capture) + 1 : 0);
    f->silence_capture = NULL;
}
