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

static size_t smaller(size_t a, size_t b) {
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
        smb1_transfer_asked(owner);
        smb1_transfer_free(owner);
    }
}

/* Room for parameters and data, each up to its bound; what is above is left out, counted. */
static struct smb1_transfer *transfer_new(struct smb1_exchange *x, const struct smb1_transaction *t) {
    struct model *m = x->connection->model;
    size_t parameters = smaller(t->total_parameter_count, SMB1_TRANSFER_PARAMETERS_MAX);
    size_t data = smaller(t->total_data_count, SMB1_TRANSFER_DATA_MAX);
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
    m->smb1_transfer_count++;
    list_append(&m->smb1_transfers, &new->of_model);
    x->transfer = new;
    return new;
}

static void take_part(struct smb1_transfer *t, unsigned which, struct view part, uint32_t displacement) {
    uint8_t *to = t->bytes + (which ? t->room[0] : 0);
    t->have[which] += part.n;
    if (displacement < t->room[which]) {
        size_t n = smaller(part.n, t->room[which] - displacement);
        if (n > 0) {
            memcpy(to + displacement, part.p, n);
        }
        t->end[which] = t->end[which] > displacement + n ? t->end[which] : displacement + n;
    }
}

/* One message's parts; true once all are there. */
static bool take(struct smb1_transfer *t, const struct smb1_transaction *part) {
    if (part->parameters.n > 0 && t->parameter_offset == 0) {
        t->parameter_offset = part->parameter_offset;
    }
    if (!part->secondary && part->setup.n <= sizeof t->setup && part->setup.n > 0) {
        memcpy(t->setup, part->setup.p, part->setup.n);
        t->setup_length = part->setup.n;
    }
    take_part(t, 0, part->parameters, part->parameter_displacement);
    take_part(t, 1, part->data, part->data_displacement);
    t->total[0] = part->total_parameter_count;
    t->total[1] = part->total_data_count;
    return t->have[0] >= t->total[0] && t->have[1] >= t->total[1];
}

/* Of a message that was cut nothing says whether more parts follow: it counts as all there is. */
static bool is_whole(const struct smb1_connection *s, const struct smb1_transaction *t) {
    return s->cut || (t->parameters.n >= t->total_parameter_count && t->data.n >= t->total_data_count);
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
    p->parameters = (struct view){t->bytes, t->end[0]};
    p->data = (struct view){t->bytes + t->room[0], t->end[1]};
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

/* cut: not all of it is there, and names least of all. */
static void ask(struct smb1_exchange *x, const struct smb1_parts *p, bool cut) {
    struct smb1_transaction_request q;
    memset(&q, 0, sizeof q);
    if (smb1_transaction_ask(p, &q) != V_NOT_MINE) {
        if (cut) {
            q.name = smb1_lost_text();
            if (is_change(&q.subject)) {
                q.change.kind = SMB1_CHANGE_OTHER;
                q.change.new_name = smb1_lost_text();
            }
        }
        keep_asked(x, &q);
    }
}

void smb1_transfer_asked(struct smb1_exchange *x) {
    if (x->transfer && !x->transfer->response && !x->asked) {
        struct smb1_parts p = parts_of(&x->request);
        put_together(&p, x->transfer);
        const struct smb1_transfer *t = x->transfer;
        ask(x, &p, t->have[0] < t->total[0] || t->have[1] < t->total[1] || x->connection->smb1->cut);
    }
}

void smb1_transfer_request(struct smb1_exchange *x, const struct smb1_message *q) {
    if (q->empty) {
        return;
    }
    struct smb1_transfer *t = is_whole(x->connection->smb1, &q->transaction) ? NULL : transfer_new(x, &q->transaction);
    if (!t) {
        struct smb1_parts p = parts_of(q);
        ask(x, &p, x->connection->smb1->cut || q->transaction.parameters.n < q->transaction.total_parameter_count);
        return;
    }
    take(t, &q->transaction);
}

bool smb1_transfer_secondary(struct smb1_exchange *x, const struct smb1_message *q) {
    if (q->empty || !x->transfer || x->transfer->response || !take(x->transfer, &q->transaction)) {
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
    if (!x->transfer && is_whole(x->connection->smb1, t)) {
        return false;
    }
    struct smb1_transfer *all = x->transfer ? x->transfer : transfer_new(x, t);
    if (!all) {
        return false;
    }
    all->response = true;
    return !take(all, t);
}

bool smb1_transfer_answer(const struct completion *d, struct smb1_transaction_response *out) {
    const struct smb1_exchange *x = d->smb1_ex;
    const struct smb1_message *r = smb1_answer_of(d);
    if (!x || !x->asked || !r || x->connection->smb1->cut || !smb1_is_transaction(r->command) ||
        r->transaction.interim) {
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
