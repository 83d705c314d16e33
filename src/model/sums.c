/* What sessions and shares asked of signing and encryption, and how many of their messages had it. A session, and a tree, counts over
 * all its connections; where it ends it is told, and kept for the end record of the connection that it ended with. */
#include <string.h>

#include "model/state.h"

/* ---- what was required */

/* MS-SMB2 3.3.5.5.3 and 3.2.5.3.1: neither a guest nor nobody has a key; of the others one side's wish is enough. */
static enum known signing_required(const struct completion *d, bool asked, uint16_t client_mode) {
    const struct connection_facts *c = &d->c->facts;
    enum auth_kind kind = d->session->facts.auth ? d->session->facts.auth->kind : AUTH_UNKNOWN;
    uint16_t nobody = SMB2_SESSION_FLAG_IS_GUEST | SMB2_SESSION_FLAG_IS_NULL;
    if ((d->session->facts.flags & nobody) || kind == AUTH_GUEST || kind == AUTH_ANONYMOUS) {
        return KNOWN_NO;
    }
    uint16_t modes = (uint16_t)((asked ? client_mode : 0) | (c->client_mode_known ? c->client_security_mode : 0) |
                                (c->server_mode_known ? c->server_security_mode : 0));
    if (modes & SMB2_NEGOTIATE_SIGNING_REQUIRED) {
        return KNOWN_YES;
    }
    return asked && c->server_mode_known ? KNOWN_NO : NOT_KNOWN;
}

void sums_session_begins(struct completion *d, bool asked, uint16_t client_mode) {
    struct session_facts *f = &d->session->facts;
    f->signing_required = signing_required(d, asked, client_mode);
    if (!d->session->smb1) {
        f->encryption_required = f->flags & SMB2_SESSION_FLAG_ENCRYPT_DATA ? KNOWN_YES : KNOWN_NO;
    }
}

/* ---- how many messages */

static void count(struct completion *d, unsigned with_signature, unsigned without) {
    d->c->facts.signed_messages += with_signature;
    d->c->facts.unsigned_messages += without;
    if (d->session) {
        d->session->facts.messages.with_signature += with_signature;
        d->session->facts.messages.without += without;
    }
    if (d->tree) {
        d->tree->facts.messages.with_signature += with_signature;
        d->tree->facts.messages.without += without;
    }
}

static inline unsigned is_signed(const struct smb2_message *m) {
    return m && (m->header.flags & SMB2_FLAGS_SIGNED);
}

static unsigned is_signed_smb1(const struct smb1_message *m) {
    return m && m->header.has_signature;
}

/* NEGOTIATE is never signed, and SESSION_SETUP only at its end: they say nothing of what a session does. */
void sums_count(struct completion *d) {
    const struct operation *op = &d->op;
    if (op->kind == OPERATION_NEGOTIATE || op->kind == OPERATION_SESSION_SETUP) {
        return;
    }
    unsigned messages = (op->request ? 1U : 0U) + (op->response ? 1U : 0U);
    unsigned with_signature = is_signed(op->request) + is_signed(op->response);
    if (op->smb1_request || op->smb1_response) {
        messages += (op->smb1_request ? 1U : 0U) + (op->smb1_response ? 1U : 0U);
        with_signature += is_signed_smb1(op->smb1_request) + is_signed_smb1(op->smb1_response);
    }
    count(d, with_signature, messages - with_signature);
}

/* ---- what ended, for the end record */

static struct connection_sums *sums_of(struct connection *c) {
    struct connection_sums *s = c->sums ? c->sums : budget_take(c->model->budget, sizeof *s);
    if (!s) {
        c->model->stats->names_lost++;
    } else if (!c->sums) {
        c->sums = s;
        s->sessions = &s->first_session;
        s->shares = &s->first_share;
        s->session_room = s->share_room = 1;
    }
    return s;
}

/* The longer array that took the place of the first. */
static void give_array(struct model *m, void *array, const void *first, unsigned room, size_t size) {
    if (array != first) {
        budget_give(m->budget, array, room * size);
    }
}

/* Room for one more than count in an array of so many: the array, longer where it was full; NULL: no memory, and the old one stays. */
static void *room_for_more(struct model *m, void *old, const void *first, unsigned *room, unsigned count, size_t size) {
    if (count < *room) {
        return old;
    }
    unsigned more = 2 * *room;
    void *items = budget_take(m->budget, more * size);
    if (!items) {
        m->stats->names_lost++;
        return NULL;
    }
    memcpy(items, old, count * size);
    give_array(m, old, first, *room, size);
    *room = more;
    return items;
}

static void add(struct message_counts *to, const struct message_counts *more) {
    to->with_signature += more->with_signature;
    to->without += more->without;
    to->encrypted += more->encrypted;
}

/* Several tree connects to one share are one. */
static struct ended_share *row_of(struct connection *c, const struct tree *t) {
    struct connection_sums *s = t->path ? sums_of(c) : NULL;
    unsigned count = c->facts.share_sums_count;
    for (unsigned i = 0; s && i < count; i++) {
        if (text_same(text_of(s->shares[i].path), t->facts.path)) {
            return &s->shares[i];
        }
    }
    if (!s || count == CONNECTION_NAMES_MAX) {
        c->model->stats->names_left_out += s != NULL;
        return NULL;
    }
    struct ended_share *shares =
        room_for_more(c->model, s->shares, &s->first_share, &s->share_room, count, sizeof *shares);
    if (!shares) {
        return NULL;
    }
    s->shares = shares;
    shares[count].path = text_share(t->path);
    c->facts.share_sums_count++;
    return &shares[count];
}

void sums_tree_ends(struct connection *c, const struct tree *t) {
    struct ended_share *row = row_of(c, t);
    if (!row) {
        return;
    }
    add(&row->messages, &t->facts.messages);
    if (t->facts.has_access && row->encryption_required != KNOWN_YES) {
        row->encryption_required = t->facts.flags & SMB2_SHAREFLAG_ENCRYPT_DATA ? KNOWN_YES : KNOWN_NO;
    }
}

void sums_session_ends(struct connection *c, struct session *s) {
    for (struct link *x = list_first(&s->tree_list); x; x = list_next(&s->tree_list, x)) {
        sums_tree_ends(c, container_of(x, struct tree, of_session));
    }
    struct connection_sums *sums = s->facts.id != 0 ? sums_of(c) : NULL;
    if (!sums || c->facts.session_sums_count == CONNECTION_NAMES_MAX) {
        c->model->stats->names_left_out += sums != NULL;
        return;
    }
    unsigned count = c->facts.session_sums_count;
    struct session_sums *sessions =
        room_for_more(c->model, sums->sessions, &sums->first_session, &sums->session_room, count, sizeof *sessions);
    if (!sessions) {
        return;
    }
    sums->sessions = sessions;
    c->facts.session_sums_count++;
    sessions[count] = (struct session_sums){
        .id = s->facts.id,
        .signing_required = s->facts.signing_required,
        .encryption_required = s->facts.encryption_required,
        .messages = s->facts.messages,
    };
}

void sums_tell(struct connection *c, struct share_sums *shares) {
    if (!c->sums) {
        return;
    }
    for (unsigned i = 0; i < c->facts.share_sums_count; i++) {
        const struct ended_share *from = &c->sums->shares[i];
        shares[i] = (struct share_sums){text_of(from->path), from->encryption_required, from->messages};
    }
    c->facts.share_sums = shares;
    c->facts.session_sums = c->sums->sessions;
}

void sums_free(struct connection *c) {
    struct connection_sums *s = c->sums;
    if (!s) {
        return;
    }
    for (unsigned i = 0; i < c->facts.share_sums_count; i++) {
        text_drop(&c->model->texts, s->shares[i].path);
    }
    give_array(c->model, s->shares, &s->first_share, s->share_room, sizeof *s->shares);
    give_array(c->model, s->sessions, &s->first_session, s->session_room, sizeof *s->sessions);
    budget_give(c->model->budget, s, sizeof *s);
}
