/* Transactions put together, MS-CIFS 3.2.4.1.5 and 3.2.5.1.4: the parts of a request, or of its responses, by their displacements and in
 * any order. What comes in one message, as nearly all do, is read where it is. */
#include <stdlib.h>
#include <string.h>

#include "model/smb1_state.h"

bool smb1_is_transaction(uint8_t command) {
    return command == SMB1_TRANSACTION || command == SMB1_TRANSACTION2 || command == SMB1_NT_TRANSACT;
}

uint8_t smb1_primary_of(uint8_t command) {
    switch (command) {
    case SMB1_TRANSACTION_SECONDARY:
        return SMB1_TRANSACTION;
    case SMB1_TRANSACTION2_SECONDARY:
        return SMB1_TRANSACTION2;
    case SMB1_NT_TRANSACT_SECONDARY:
        return SMB1_NT_TRANSACT;
    default:
        return SMB1_NO_ANDX_COMMAND;
    }
}

static uint64_t smaller(uint64_t a, uint64_t b) {
    return a < b ? a : b;
}

void smb1_transfer_free(struct smb1_exchange *x) {
    struct smb1_transfer *t = x->transfer;
    struct model *m = x->connection->model;
    if (t) {
        list_remove(&t->of_model);
        m->smb1_transfer_count--;
        budget_give(m->budget, t, sizeof *t + t->room[0] + t->room[1]);
        x->transfer = NULL;
    }
}

/* The oldest of all is given up: what it is about is read from what is there of it. */
static void transfer_evict(struct model *m) {
    struct link *x = list_first(&m->smb1_transfers);
    if (x) {
        m->stats->evicted_transfers++;
        struct smb1_exchange *owner = container_of(x, struct smb1_transfer, of_model)->owner;
        owner->transfer_lost = container_of(x, struct smb1_transfer, of_model)->response;
        smb1_transfer_asked(owner);
        smb1_transfer_free(owner);
    }
}

/* Room for parameters and data, each up to its bound; what is above is left out, counted. */
static struct smb1_transfer *transfer_new(struct smb1_exchange *x, const struct smb1_transaction *t) {
    struct model *m = x->connection->model;
    size_t parameters = (size_t)smaller(t->total_parameter_count, SMB1_TRANSFER_PARAMETERS_MAX);
    size_t data = (size_t)smaller(t->total_data_count, SMB1_TRANSFER_DATA_MAX);
    m->stats->cut_transfers += parameters < t->total_parameter_count || data < t->total_data_count;
    if (m->smb1_transfer_count >= SMB1_TRANSFERS_MAX) {
        transfer_evict(m);
    }
    size_t size = sizeof(struct smb1_transfer) + parameters + data;
    struct smb1_transfer *new = budget_take(m->budget, size);
    if (!new) {
        m->stats->evicted_transfers++;
        return NULL;
    }
    new->owner = x;
    new->room[0] = parameters;
    new->room[1] = data;
    new->total[0] = new->unseen[0] = t->total_parameter_count;
    new->total[1] = new->unseen[1] = t->total_data_count;
    m->smb1_transfer_count++;
    list_append(&m->smb1_transfers, &new->of_model);
    x->transfer = new;
    return new;
}

/* Joins a stretch on to those that it touches; false where there is no room for one more. */
static bool spans_add(struct smb1_spans *s, uint64_t from, uint64_t to) {
    unsigned first = 0;
    while (first < s->count && s->items[first].to < from) {
        first++;
    }
    unsigned end = first;
    while (end < s->count && s->items[end].from <= to) {
        from = s->items[end].from < from ? s->items[end].from : from;
        to = s->items[end].to > to ? s->items[end].to : to;
        end++;
    }
    if (end == first && s->count == SMB1_SPANS_MAX) {
        return false;
    }
    memmove(&s->items[first + 1], &s->items[end], (s->count - end) * sizeof s->items[0]);
    s->items[first].from = from;
    s->items[first].to = to;
    s->count = s->count - (end - first) + 1;
    return true;
}

/* What a message brings of one part. */
struct piece {
    uint32_t at, count;
    struct view seen; /* all of it, or nothing */
};

/* Copied in the order of coming, as a server does: of what overlaps the last counts. */
static void take_piece(struct smb1_transfer *t, unsigned which, struct piece p) {
    uint64_t to = (uint64_t)p.at + p.count;
    if (p.count == 0 || p.at >= t->total[which]) {
        return;
    }
    if (!spans_add(&t->came[which], p.at, to)) {
        t->owner->connection->model->stats->cut_transfers++;
        return;
    }
    if (p.seen.n < p.count && p.at < t->unseen[which]) {
        t->unseen[which] = p.at;
    }
    if (p.seen.n > 0 && p.at < t->room[which]) {
        size_t n = (size_t)smaller(p.seen.n, t->room[which] - p.at);
        memcpy(t->bytes + (which ? t->room[0] : 0) + p.at, p.seen.p, n);
    }
}

/* How far the part reaches without a hole. */
static uint64_t front_of(const struct smb1_transfer *t, unsigned which) {
    const struct smb1_spans *s = &t->came[which];
    return s->count != 0 && s->items[0].from == 0 ? smaller(s->items[0].to, t->total[which]) : 0;
}

/* All parts came, seen or not. */
static bool is_complete(const struct smb1_transfer *t) {
    return front_of(t, 0) == t->total[0] && front_of(t, 1) == t->total[1];
}

static bool is_seen(const struct smb1_transfer *t) {
    return is_complete(t) && t->unseen[0] >= t->total[0] && t->unseen[1] >= t->total[1];
}

/* What is known for sure of a part. */
static struct view known(const struct smb1_transfer *t, unsigned which) {
    uint64_t n = smaller(smaller(front_of(t, which), t->unseen[which]), t->room[which]);
    return (struct view){t->bytes + (which ? t->room[0] : 0), (size_t)n};
}

/* One message's parts; true once all are there. The totals may shrink from message to message (MS-CIFS 2.2.4.34.1). */
static bool take(struct smb1_transfer *t, const struct smb1_transaction *part) {
    if (part->parameters.n > 0 && t->parameter_offset == 0) {
        t->parameter_offset = part->parameter_offset;
    }
    if (!part->secondary && part->setup.n <= sizeof t->setup && part->setup.n > 0) {
        memcpy(t->setup, part->setup.p, part->setup.n);
        t->setup_length = part->setup.n;
    }
    t->total[0] = smaller(t->total[0], part->total_parameter_count);
    t->total[1] = smaller(t->total[1], part->total_data_count);
    take_piece(t, 0, (struct piece){part->parameter_displacement, part->parameter_count, part->parameters});
    take_piece(t, 1, (struct piece){part->data_displacement, part->data_count, part->data});
    return is_complete(t);
}

static bool is_whole(const struct smb1_transaction *t) {
    return t->parameter_count >= t->total_parameter_count && t->data_count >= t->total_data_count;
}

bool smb1_transfer_is_part(const struct smb1_message *m) {
    return smb1_is_transaction(m->command) && !m->empty && !m->is_error && !m->transaction.interim &&
           !is_whole(&m->transaction);
}

static struct smb1_parts parts_of(const struct smb1_message *m) {
    const struct smb1_transaction *t = &m->transaction;
    return (struct smb1_parts){
        .command = m->command,
        .unicode = m->header.flags2 & SMB_FLAGS2_UNICODE,
        .function = t->function,
        .parameter_offset = t->parameter_offset,
        .name = t->name,
        .setup = t->setup,
        .parameters = t->parameters,
        .data = t->data,
    };
}

/* What was put together, in place of what the one message has. */
static void put_together(struct smb1_parts *p, const struct smb1_transfer *t) {
    p->parameter_offset = t->parameter_offset;
    p->setup = (struct view){t->setup, t->setup_length};
    p->parameters = known(t, 0);
    p->data = known(t, 1);
}

/* ---- the request */

static bool is_change(const struct smb1_subject *s) {
    return s->kind == SMB1_SUBJECT_TRANS2 &&
           (s->subcommand == TRANS2_SET_PATH_INFORMATION || s->subcommand == TRANS2_SET_FILE_INFORMATION);
}

static uint8_t *copy(uint8_t *to, struct text *t) {
    size_t n = t->bytes.n;
    t->bytes.p = n ? memcpy(to, t->bytes.p, n) : NULL;
    return to + n;
}

/* The texts that tell what it asks, in UTF-16, copied behind it; other views keep their length alone. */
static void keep_asked(struct smb1_exchange *x, struct smb1_transaction_request *q) {
    struct model *m = x->connection->model;
    struct text none = {{NULL, 0}, ENC_UTF16LE}, *change = is_change(&q->subject) ? &q->change.new_name : &none;
    model_unify(m, &q->name);
    model_unify(m, change);
    size_t size = sizeof *x->asked + q->name.bytes.n + change->bytes.n;
    struct smb1_asked *a = budget_take(m->budget, size);
    if (!a) {
        m->stats->names_lost++;
        return;
    }
    uint8_t *to = copy(a->bytes, &q->name);
    copy(to, change);
    q->data.p = NULL;
    if (q->subject.kind == SMB1_SUBJECT_RAP) {
        q->rap.params.p = NULL;
        q->rap.param_desc = q->rap.data_desc = none;
    } else if (q->subject.kind == SMB1_SUBJECT_TRANS2 && q->subject.subcommand == TRANS2_OPEN2) {
        q->open.file_name = none;
    } else if (q->subject.kind == SMB1_SUBJECT_NT &&
               (q->subject.subcommand == NT_TRANSACT_CREATE || q->subject.subcommand == NT_TRANSACT_CREATE2)) {
        q->create.file_name = none;
    }
    a->size = size;
    a->request = *q;
    x->asked = a;
}

void smb1_asked_free(struct smb1_exchange *x) {
    if (x->asked) {
        budget_give(x->connection->model->budget, x->asked, x->asked->size);
        x->asked = NULL;
    }
}

/* A transaction that is whole, and contradicts itself: seen only here, and a fault of the message that made it whole. The many forms
 * of TRANSACTION, whose descriptors say what is in it, are not judged. */
static void count_fault(struct connection *c, const struct smb1_parts *p, enum verdict v) {
    if (v == V_BAD && p->command != SMB1_TRANSACTION && !c->smb1->faulty) {
        c->smb1->faulty = true;
        connection_verdict(c, V_BAD);
    }
}

/* What is not all there: the parameters, and in them the names; the data, and in them the change. */
struct lack {
    bool parameters, data;
};

static void ask(struct smb1_exchange *x, const struct smb1_parts *p, struct lack lack) {
    struct smb1_transaction_request q;
    memset(&q, 0, sizeof q);
    enum verdict v = smb1_transaction_ask(p, &q);
    if (v == V_NOT_MINE) {
        return;
    }
    if (!lack.parameters && !lack.data) {
        count_fault(x->connection, p, v);
    }
    if (lack.parameters) {
        q.name = smb1_lost_text();
    }
    if (lack.data && is_change(&q.subject)) {
        q.change.kind = SMB1_CHANGE_OTHER;
        q.change.new_name = smb1_lost_text();
    }
    keep_asked(x, &q);
}

void smb1_transfer_asked(struct smb1_exchange *x) {
    if (x->transfer && !x->transfer->response && !x->asked) {
        struct smb1_parts p = parts_of(&x->request);
        put_together(&p, x->transfer);
        bool cut = !is_seen(x->transfer);
        ask(x, &p, (struct lack){cut, cut});
    }
}

void smb1_transfer_request(struct smb1_exchange *x, const struct smb1_message *q) {
    if (q->empty) {
        return;
    }
    struct smb1_transfer *t = is_whole(&q->transaction) ? NULL : transfer_new(x, &q->transaction);
    if (!t) {
        struct smb1_parts p = parts_of(q);
        bool cut = x->connection->smb1->cut || q->transaction.parameters.n < q->transaction.total_parameter_count;
        ask(x, &p, (struct lack){cut, cut || !is_whole(&q->transaction)});
        return;
    }
    take(t, &q->transaction);
}

bool smb1_transfer_secondary(struct smb1_exchange *x, const struct smb1_message *q) {
    if (q->empty || !x->transfer || x->transfer->response) {
        return false;
    }
    bool complete = take(x->transfer, &q->transaction);
    x->request.transaction.total_parameter_count = (uint32_t)x->transfer->total[0];
    x->request.transaction.total_data_count = (uint32_t)x->transfer->total[1];
    if (!complete) {
        return false;
    }
    smb1_transfer_asked(x);
    smb1_transfer_free(x);
    return true;
}

/* ---- the responses */

bool smb1_transfer_response(struct smb1_exchange *x, const struct smb1_message *r) {
    const struct smb1_transaction *t = &r->transaction;
    if (t->interim) {
        return smb1_succeeded(&r->header);
    }
    smb1_transfer_asked(x);
    if (x->transfer && !x->transfer->response) {
        smb1_transfer_free(x);
    }
    if (x->transfer_lost || (!x->transfer && is_whole(t))) {
        return false;
    }
    struct smb1_transfer *all = x->transfer ? x->transfer : transfer_new(x, t);
    if (!all) {
        return false;
    }
    all->response = true;
    return !take(all, t);
}

/* In this message alone, or put together. */
static bool is_response_seen(const struct smb1_exchange *x, const struct smb1_transaction *t) {
    if (x->transfer && x->transfer->response) {
        return is_seen(x->transfer);
    }
    return !x->connection->smb1->cut && t->parameter_displacement == 0 && t->data_displacement == 0;
}

bool smb1_transfer_answer(const struct completion *d, struct smb1_transaction_response *out) {
    const struct smb1_exchange *x = d->smb1_ex;
    const struct smb1_message *r = smb1_answer_of(d);
    if (!x || !x->asked || !r || !smb1_is_transaction(r->command) || r->transaction.interim ||
        !is_response_seen(x, &r->transaction)) {
        return false;
    }
    struct smb1_parts p = parts_of(r);
    if (x->transfer && x->transfer->response) {
        put_together(&p, x->transfer);
    }
    memset(out, 0, sizeof *out);
    enum verdict v = smb1_transaction_answer(&p, &x->asked->request.subject, out);
    return v == V_OK || v == V_SHORT || v == V_BAD;
}
