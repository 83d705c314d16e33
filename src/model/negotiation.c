/* What both sides said in NEGOTIATE, kept to be held against what FSCTL_VALIDATE_NEGOTIATE_INFO says of it: somebody between them who
 * changed the one cannot change the other, which is signed (MS-SMB2 3.2.5.5, 3.3.5.15.12). */
#include <string.h>

#include "model/state.h"

static uint32_t list_digest(const struct model *m, struct u16_list list) {
    uint64_t hash = hash_number(m->secret, list.count);
    for (unsigned i = 0; i < list.count; i++) {
        hash = hash_more(m->secret, hash, list.items[i]);
    }
    return (uint32_t)(hash ^ hash >> 32);
}

void negotiation_asked(struct connection *c, const struct smb2_negotiate_request *q) {
    struct negotiation *n = &c->negotiation;
    c->facts.client_mode_known = true;
    c->facts.client_security_mode = q->security_mode;
    n->asked = true;
    n->client_guid = q->client_guid;
    n->client_capabilities = q->capabilities;
    n->dialects = list_digest(c->model, q->dialects);
}

void negotiation_answered(struct connection *c, const struct smb2_negotiate_response *r) {
    c->negotiation.answered = true;
    c->negotiation.server_capabilities = r->capabilities;
}

static bool same_guid(const struct guid *a, const struct guid *b) {
    return memcmp(a->bytes, b->bytes, sizeof a->bytes) == 0;
}

static bool asked_otherwise(const struct connection *c, const struct smb2_ioctl *q) {
    const struct negotiation *n = &c->negotiation;
    return n->asked && (q->validate_negotiate.capabilities != n->client_capabilities ||
                        q->validate_negotiate.security_mode != c->facts.client_security_mode ||
                        !same_guid(&q->validate_negotiate.guid, &n->client_guid) ||
                        list_digest(c->model, q->validate_negotiate.dialects) != n->dialects);
}

static bool answered_otherwise(const struct connection *c, const struct smb2_ioctl *r) {
    const struct negotiation *n = &c->negotiation;
    struct u16_list dialect = r->validate_negotiate.dialects;
    return n->answered && (r->validate_negotiate.capabilities != n->server_capabilities ||
                           r->validate_negotiate.security_mode != c->facts.server_security_mode ||
                           !same_guid(&r->validate_negotiate.guid, &c->server_guid) ||
                           (dialect.count != 0 && dialect.items[0] != c->facts.dialect));
}

bool negotiation_differs(const struct connection *c, const struct smb2_ioctl *q, const struct smb2_ioctl *r) {
    return (q && q->has_details && asked_otherwise(c, q)) || (r && r->has_details && answered_otherwise(c, r));
}
