/* A connection in few bytes, while it is closed and lingers: of many short ones most do. Its words as they are, but for those that are
 * zero, and for those that are the same in all or point into it.
 *
 * It may carry sessions, as long as each is its alone and has no file open: nothing is told of them then, unless another connection joins
 * one, or ends it in place of its own, and that unfolds it. */
#include "model/smb1_state.h"
#include "sparse.h"

enum { WORDS = sizeof(struct connection) / SPARSE_WORD };
_Static_assert(sizeof(struct connection) % SPARSE_WORD == 0, "whole words");
_Static_assert(SPARSE_ROOM((int)WORDS) <= UINT16_MAX, "their number fits");

static bool is_empty(const struct list *l) {
    return l->head.next == &l->head;
}

/* Few, so that who closes a connection again and again, which was not closed, does not have many moved each time. */
static bool sessions_rest(struct connection *c) {
    unsigned sessions = 0;
    for (struct link *x = list_first(&c->channel_list); x; x = list_next(&c->channel_list, x)) {
        const struct session *s = container_of(x, struct channel, of_connection)->session;
        bool alone = s->channels.head.next == s->channels.head.prev;
        if (++sessions > FOLD_SESSIONS_MAX || s->smb1 || s->pinned || !is_empty(&s->handle_list) || !alone) {
            return false;
        }
    }
    return true;
}

/* Nothing else points to it. */
static bool is_at_rest(struct connection *c) {
    const struct smb1_connection *s = c->smb1;
    bool waits = c->exchanges.count != 0 || !is_empty(&c->exchange_ages) || !is_empty(&c->put_off) ||
                 c->setups.count != 0 || !is_empty(&c->setup_list);
    bool waits_smb1 = s && (s->exchanges.count != 0 || !is_empty(&s->exchange_ages) || !is_empty(&s->put_off));
    return !waits && !waits_smb1 && !c->claimed && !c->said && sessions_rest(c);
}

static size_t write_words(const struct connection *c, uint8_t *to) {
    struct connection folded = *c;
    folded.model = NULL;
    folded.message = NULL;
    folded.last_channel = NULL;
    folded.facts.flow = NULL;
    folded.facts.flow_json = (struct view){NULL, 0};
    folded.flow_json = NULL;
    folded.exchanges = folded.setups = folded.channels = (struct hash){0};
    folded.exchange_ages = folded.put_off = folded.setup_list = folded.channel_list = (struct list){{NULL, NULL}};
    return sparse_write(&folded, WORDS, to);
}

static size_t size_of(const struct folded *f) {
    return sizeof *f + f->beside + f->words + SPARSE_SLACK;
}

struct view connection_beside(const struct folded *f) {
    return (struct view){f->bytes, f->beside};
}

void connection_folded_free(struct connection_place *place) {
    if (place->folded) {
        budget_give(place->folded->model->budget, place->folded, size_of(place->folded));
        place->folded = NULL;
    }
}

bool connection_fold(struct connection_place *place, struct view beside) {
    struct connection *c = place->connection;
    struct model *m = c->model;
    if (!is_at_rest(c)) {
        return false;
    }
    uint8_t words[SPARSE_ROOM(WORDS)];
    hash_free(&c->exchanges);
    hash_free(&c->setups);
    const struct folded facts = {.place = place,
                                 .model = m,
                                 .flow = c->facts.flow,
                                 .beside = (uint16_t)beside.n,
                                 .words = (uint16_t)write_words(c, words)};
    struct folded *f = budget_take(m->budget, size_of(&facts));
    if (!f) {
        return false;
    }
    *f = facts;
    list_init(&f->channels);
    if (beside.n != 0) {
        memcpy(f->bytes, beside.p, beside.n);
    }
    memcpy(f->bytes + f->beside, words, f->words);
    for (struct link *x; (x = list_first(&c->channel_list));) {
        struct channel *channel = container_of(x, struct channel, of_connection);
        hash_remove(&c->channels, &channel->by_id);
        list_remove(x);
        list_append(&f->channels, x);
        channel->connection = NULL;
        channel->folded = f;
    }
    hash_free(&c->channels);
    connection_leave(c);
    connection_folded_free(place); /* what was beside it, which the bytes may be of */
    *place = (struct connection_place){NULL, f};
    return true;
}

/* Into zeroes. */
static void unfold(struct folded *f, struct connection *c) {
    sparse_read((struct view){f->bytes + f->beside, f->words}, c);
    connection_begin(f->model, c, f->flow);
    c->message = &f->model->message;
    for (struct link *x; (x = list_first(&f->channels));) {
        struct channel *channel = container_of(x, struct channel, of_connection);
        list_remove(x);
        list_append(&c->channel_list, x);
        hash_insert(&c->channels, &channel->by_id, channel->by_id.hash);
        channel->connection = c;
        channel->folded = NULL;
    }
}

/* Into c, which may be NULL: no memory. */
static bool unfold_to(struct connection_place *place, struct connection *c) {
    if (!c) {
        return false;
    }
    unfold(place->folded, c);
    place->connection = c;
    if (place->folded->beside == 0) {
        connection_folded_free(place);
    }
    return true;
}

bool connection_unfold(struct connection_place *place) {
    return unfold_to(place, pool_take(&place->folded->model->connections_pool));
}

bool channel_unfold(struct channel *channel) {
    struct session *s = channel->session;
    if (channel->connection) {
        return true;
    }
    s->pinned++;
    struct connection *c = model_take(s->model, &s->model->connections_pool);
    s->pinned--;
    return unfold_to(channel->folded->place, c);
}

const struct flow_facts *channel_flow(const struct channel *channel) {
    return channel->connection ? channel->connection->facts.flow : channel->folded->flow;
}

void connection_end_folded(struct connection_place *place, enum flow_end_reason reason, struct moment at) {
    struct connection *c = &place->folded->model->unfolded;
    memset(c, 0, sizeof *c);
    unfold(place->folded, c);
    connection_finish(c, reason, at);
    connection_folded_free(place);
}
