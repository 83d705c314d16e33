/* A connection in few bytes, while it is closed and lingers: of many short ones most do. Its words as they are, but for those that are
 * zero, and for those that are the same in all or point into it. */
#include <stddef.h>

#include "model/smb1_state.h"
#include "sparse.h"

enum { WORDS = sizeof(struct connection) / SPARSE_WORD };
_Static_assert(sizeof(struct connection) % SPARSE_WORD == 0, "whole words");
_Static_assert(SPARSE_ROOM((int)WORDS) <= (int)CONNECTION_FOLDED_ROOM, "room for all of them");

static bool is_empty(const struct list *l) {
    return l->head.next == &l->head;
}

/* What points to a connection, and so does not let it go elsewhere. */
static bool is_at_rest(const struct connection *c) {
    const struct smb1_connection *s = c->smb1;
    bool waits = c->exchanges.count != 0 || !is_empty(&c->exchange_ages) || !is_empty(&c->put_off) ||
                 c->setups.count != 0 || !is_empty(&c->setup_list);
    bool waits_smb1 = s && (s->exchanges.count != 0 || !is_empty(&s->exchange_ages) || !is_empty(&s->put_off));
    return !waits && !waits_smb1 && c->channels.count == 0 && is_empty(&c->channel_list) && !c->claimed && !c->said;
}

size_t connection_fold(struct connection *c, uint8_t to[CONNECTION_FOLDED_ROOM]) {
    if (!is_at_rest(c)) {
        return 0;
    }
    hash_free(&c->exchanges);
    hash_free(&c->setups);
    hash_free(&c->channels);
    struct connection folded = *c;
    folded.model = NULL;
    folded.message = NULL;
    folded.facts.flow = NULL;
    folded.facts.flow_json = (struct view){NULL, 0};
    folded.flow_json = NULL;
    folded.exchanges = folded.setups = folded.channels = (struct hash){0};
    folded.exchange_ages = folded.put_off = folded.setup_list = folded.channel_list = (struct list){{NULL, NULL}};
    return sparse_write(&folded, WORDS, to);
}

static void unfold(struct model *m, struct connection *c, struct view folded, const struct flow_facts *flow) {
    sparse_read(folded, c);
    connection_begin(m, c, flow);
    c->message = &m->message;
}

struct connection *connection_unfold(struct model *m, struct view folded, const struct flow_facts *flow) {
    struct connection *c = pool_take(&m->connections_pool);
    if (c) {
        unfold(m, c, folded, flow);
    }
    return c;
}

void connection_end_folded(struct model *m, struct view folded, const struct flow_facts *flow,
                           enum flow_end_reason reason, struct moment at) {
    struct connection *c = &m->unfolded;
    memset(c, 0, sizeof *c);
    unfold(m, c, folded, flow);
    connection_finish(c, reason, at);
}
