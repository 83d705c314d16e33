/* Signs of a downgrade in what was just finished (tables/downgrade_sign.def). Where bytes are missing nothing is missed. */
#include "downgrade.h"

#include <string.h>

#include "model/smb1_state.h"
#include "model/state.h"

static bool contains(struct u16_list list, uint16_t item) {
    for (unsigned i = 0; i < list.count; i++) {
        if (list.items[i] == item) {
            return true;
        }
    }
    return false;
}

static bool has_context(const struct smb2_negotiate_contexts *c, unsigned type) {
    return c->present >> type & 1;
}

/* ---- NEGOTIATE */

static unsigned of_offer(const struct smb2_negotiate_request *q) {
    bool offers = q->contexts.whole && contains(q->dialects, SMB2_DIALECT_0311);
    return offers && q->contexts.hash_algorithms.count == 0 ? DOWNGRADE_INTEGRITY_NOT_OFFERED : 0;
}

/* What an answer chose of a list that the client offered. Cipher 0 says that none of them is the server's as well (MS-SMB2 2.2.3.1.2). */
static unsigned of_choice(struct u16_list offered, struct u16_list chosen, bool none, unsigned sign) {
    bool chose = chosen.count != 0 && !(none && chosen.items[0] == 0);
    return chose && !contains(offered, chosen.items[0]) ? sign : 0;
}

static unsigned of_contexts(const struct smb2_negotiate_contexts *q, const struct smb2_negotiate_contexts *r) {
    unsigned signs =
        of_choice(q->ciphers, r->ciphers, true, DOWNGRADE_CIPHER_NOT_OFFERED) |
        of_choice(q->signing_algorithms, r->signing_algorithms, false, DOWNGRADE_SIGNING_NOT_OFFERED) |
        (q->hash_algorithms.count ? of_choice(q->hash_algorithms, r->hash_algorithms, false, DOWNGRADE_HASH_NOT_OFFERED)
                                  : 0);
    if (q->ciphers.count != 0 && !has_context(r, SMB2_ENCRYPTION_CAPABILITIES)) {
        signs |= DOWNGRADE_CIPHER_NOT_ANSWERED;
    }
    if (q->signing_algorithms.count != 0 && !has_context(r, SMB2_SIGNING_CAPABILITIES)) {
        signs |= DOWNGRADE_SIGNING_NOT_ANSWERED;
    }
    return signs;
}

/* The wildcard answers an SMB1 NEGOTIATE (MS-SMB2 3.3.5.3.1), whatever it was taken for here. */
static unsigned of_answer(const struct smb2_negotiate_request *q, const struct smb2_negotiate_response *r) {
    unsigned signs = 0;
    if (q && q->dialects.count != 0 && r->dialect != SMB2_DIALECT_02FF && !contains(q->dialects, r->dialect)) {
        signs |= DOWNGRADE_DIALECT_NOT_OFFERED;
    }
    if (r->dialect != SMB2_DIALECT_0311 || !r->contexts.whole) {
        return signs;
    }
    if (r->contexts.hash_algorithms.count == 0) {
        signs |= DOWNGRADE_INTEGRITY_NOT_ANSWERED;
    }
    return q && q->contexts.whole ? signs | of_contexts(&q->contexts, &r->contexts) : signs;
}

static unsigned smb2_negotiate(const struct operation *op) {
    const struct smb2_message *q = op->request, *r = op->response;
    const struct smb2_negotiate_request *asked = q && !q->empty ? &q->negotiate_request : NULL;
    bool granted = r && !r->empty && !r->is_error && r->header.status == STATUS_SUCCESS;
    return (asked ? of_offer(asked) : 0) | (granted ? of_answer(asked, &r->negotiate_response) : 0);
}

/* ---- SESSION_SETUP */

/* A guest and nobody have no key to sign with (MS-SMB2 3.3.5.5.3). Whose session it is has to be known to say that it has one. */
static unsigned session_setup(const struct operation *op) {
    const struct smb2_message *r = op->response;
    if (!r || r->empty || r->is_error || r->header.status != STATUS_SUCCESS || !op->auth ||
        op->connection->dialect != SMB2_DIALECT_0311) {
        return 0;
    }
    enum auth_kind kind = op->auth->kind;
    bool has_key = kind != AUTH_UNKNOWN && kind != AUTH_ANONYMOUS && kind != AUTH_GUEST;
    uint16_t nobody = SMB2_SESSION_FLAG_IS_GUEST | SMB2_SESSION_FLAG_IS_NULL;
    bool is_signed = r->header.flags & SMB2_FLAGS_SIGNED;
    bool somebody = has_key && !(r->session_setup_response.session_flags & nobody);
    return somebody && !is_signed ? DOWNGRADE_SESSION_NOT_SIGNED : 0;
}

/* ---- SMB1 after SMB2 */

/* It is no use of SMB1 where SMB2 was offered, and was the answer, or there was none. */
static bool smb1_in_use(const struct operation *op) {
    const struct smb1_message *q = op->smb1_request;
    if (op->kind != OPERATION_NEGOTIATE) {
        return q != NULL || op->smb1_response != NULL;
    }
    bool alone =
        q && !q->empty && q->negotiate_request.dialects.count != 0 && !smb1_offers_smb2(&q->negotiate_request.dialects);
    bool chosen = op->smb1_response && op->choice == CHOICE_MADE;
    return !op->response && (alone || chosen);
}

/* When this connection took to SMB1; 0: before the capture, and maybe before all that is known. */
static uint64_t since(const struct operation *op) {
    const struct flow_facts *flow = op->connection->flow;
    return op->kind == OPERATION_NEGOTIATE ? op->begin.time_ns : flow->start_seen ? flow->first.time_ns : 0;
}

/* Once for a connection: its first use of SMB1, and its first behind an SMB2 NEGOTIATE of its own. */
static unsigned smb1(struct completion *d) {
    struct connection *c = d->c;
    bool first = !c->smb1_looked_at, amidst = c->facts.dialect != 0;
    if ((c->facts.downgrade_signs & DOWNGRADE_SMB1_AFTER_SMB2) || !(first || amidst) || !smb1_in_use(&d->op)) {
        return 0;
    }
    c->smb1_looked_at = true;
    bool after = peers_agreed(c, amidst ? UINT64_MAX : since(&d->op), &d->op.earlier_dialect);
    return after || amidst ? DOWNGRADE_SMB1_AFTER_SMB2 : 0;
}

/* ---- the whole */

void downgrade_look(struct completion *d) {
    struct operation *op = &d->op;
    unsigned signs = op->negotiate_differs ? DOWNGRADE_VALIDATION_DIFFERS : 0;
    if (op->smb1_request || op->smb1_response) {
        signs |= smb1(d);
    } else if (op->kind == OPERATION_NEGOTIATE && !op->gap) {
        signs |= smb2_negotiate(op);
    } else if (op->kind == OPERATION_SESSION_SETUP && !op->gap) {
        signs |= session_setup(op);
    } else if (downgrade_lacks_signature(d)) {
        signs |= DOWNGRADE_MESSAGE_NOT_SIGNED;
    }
    op->downgrade_signs = (uint16_t)signs;
    d->c->facts.downgrade_signs |= (uint16_t)signs;
}
