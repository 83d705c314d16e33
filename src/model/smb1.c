/* The SMB1 NEGOTIATE by which a client offers SMB2 beside the old dialects: answered in SMB2 it is the start of an SMB2
 * connection (MS-SMB2 3.3.5.3), answered in SMB1 it is not. */
#include <stdlib.h>
#include <string.h>

#include "model/state.h"

static void pending_free(struct connection *c) {
    if (c->smb1) {
        budget_release(c->model->budget, c->smb1->size);
        free(c->smb1);
        c->smb1 = NULL;
    }
}

static void pending_keep(struct connection *c, const struct smb1_message *q) {
    size_t bytes = 0;
    for (unsigned i = 0; i < q->negotiate_request.dialects.count; i++) {
        bytes += q->negotiate_request.dialects.items[i].bytes.n;
    }
    size_t size = sizeof(struct smb1_pending) + q->negotiate_request.dialects.count * sizeof(struct text) + bytes;
    if (!budget_charge(c->model->budget, size)) {
        return;
    }
    struct smb1_pending *p = malloc(size);
    if (!p) {
        budget_release(c->model->budget, size);
        return;
    }
    *p = (struct smb1_pending){.request = *q, .begin = c->message->begin, .gap = c->message->missing > 0, .size = size};
    struct text *items = (struct text *)(void *)(p + 1);
    uint8_t *to = (uint8_t *)(items + q->negotiate_request.dialects.count);
    for (unsigned i = 0; i < q->negotiate_request.dialects.count; i++) {
        items[i] = q->negotiate_request.dialects.items[i];
        items[i].bytes.p = memcpy(to, items[i].bytes.p, items[i].bytes.n);
        to += items[i].bytes.n;
    }
    p->request.negotiate_request.dialects.items = items;
    c->smb1 = p;
}

static void report(struct connection *c, const struct smb1_message *r, const struct smb2_message *r2) {
    struct completion d = {.c = c};
    struct operation *op = &d.op;
    op->kind = OPERATION_NEGOTIATE;
    op->connection = &c->facts;
    op->smb1_request = c->smb1 ? &c->smb1->request : NULL;
    op->smb1_response = r;
    op->response = r2;
    op->begin = c->smb1 ? c->smb1->begin : c->message->begin;
    op->end = r || r2 ? c->message->begin : op->begin;
    op->gap = (c->smb1 && c->smb1->gap) || ((r || r2) && c->message->missing > 0);
    op->request_lost = !c->smb1;
    op->response_lost = !r && !r2;
    c->model->stats->smb1_operations++;
    c->model->sink.operation(c->model->sink.arg, op);
    pending_free(c);
}

void smb1_abandon(struct connection *c) {
    if (c->smb1) {
        report(c, NULL, NULL);
    }
}

/* The dialect by its index in what was offered; 0xFFFF is none of them (MS-CIFS 2.2.4.52.2). */
static void dialect_chosen(struct connection *c, const struct smb1_message *r) {
    const struct smb1_negotiate_response *n = &r->negotiate_response;
    if (!c->smb1 || r->empty || n->dialect_index >= c->smb1->request.negotiate_request.dialects.count) {
        return;
    }
    text_drop(&c->model->texts, c->smb1_dialect);
    c->smb1_dialect = text_keep(&c->model->texts, c->smb1->request.negotiate_request.dialects.items[n->dialect_index]);
    c->facts.smb1_dialect = text_of(c->smb1_dialect);
}

void smb1_message(struct connection *c, const struct smb1_message *message) {
    if (c->facts.version == 0) {
        c->facts.version = 1;
    }
    c->facts.requests += !message->response;
    if (message->command != SMB1_NEGOTIATE) {
        return;
    }
    if (message->response) {
        dialect_chosen(c, message);
        report(c, message, NULL);
        return;
    }
    smb1_abandon(c);
    pending_keep(c, message);
}

bool smb1_answered(struct connection *c, const struct smb2_message *r) {
    if (!c->smb1) {
        return false;
    }
    if (!r->empty && !r->is_error && r->header.status == 0) {
        c->facts.dialect = r->negotiate_response.dialect;
        c->facts.server_mode_known = true;
        c->facts.server_security_mode = r->negotiate_response.security_mode;
        c->server_guid = r->negotiate_response.server_guid;
        c->server_guid_known = true;
    }
    report(c, NULL, r);
    return true;
}
