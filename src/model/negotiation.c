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

static uint8_t keep(struct model *m, uint16_t *to, unsigned most, struct u16_list from) {
    unsigned n = from.count < most ? from.count : most;
    m->stats->names_left_out += from.count > most;
    if (n != 0) {
        memcpy(to, from.items, n * sizeof *to);
    }
    return (uint8_t)n;
}

static void keep_offer(struct connection *c, const struct smb2_negotiate_request *q) {
    struct offer *o = &c->facts.offer;
    o->dialect_count = keep(c->model, o->dialects, OFFER_DIALECTS_MAX, q->dialects);
    o->cipher_count = keep(c->model, o->ciphers, OFFER_CIPHERS_MAX, q->contexts.ciphers);
    o->signing_count = keep(c->model, o->signing, OFFER_SIGNING_MAX, q->contexts.signing_algorithms);
}

void negotiation_asked(struct connection *c, const struct smb2_negotiate_request *q) {
    struct negotiation *n = &c->negotiation;
    c->facts.client_mode_known = true;
    c->facts.client_security_mode = q->security_mode;
    n->asked = true;
    n->client_guid = q->client_guid;
    n->client_capabilities = q->capabilities;
    n->dialects = list_digest(c->model, q->dialects);
    keep_offer(c, q);
}

void negotiation_answered(struct connection *c, const struct smb2_negotiate_response *r) {
    struct negotiation *n = &c->negotiation;
    struct u16_list signing = r->contexts.signing_algorithms;
    n->answered = true;
    n->server_capabilities = r->capabilities;
    c->facts.signing_algorithm_known = signing.count != 0;
    c->facts.signing_algorithm = signing.count ? signing.items[0] : 0;
    c->facts.agreed_cipher = c->facts.cipher;
    bool older = r->dialect == SMB2_DIALECT_0300 || r->dialect == SMB2_DIALECT_0302;
    if (older && n->asked && (n->client_capabilities & r->capabilities & SMB2_GLOBAL_CAP_ENCRYPTION)) {
        c->facts.agreed_cipher = SMB2_ENCRYPTION_AES128_CCM; /* the one that these have, MS-SMB2 3.3.5.4 */
    }
}

/* Only SMB3 has channels, and only between two that both say so, MS-SMB2 3.2.4.1.7 and 3.3.5.5.2. */
bool negotiation_may_bind(const struct connection *c) {
    const struct negotiation *n = &c->negotiation;
    uint16_t dialect = c->facts.dialect;
    bool older = dialect != 0 && dialect < SMB2_DIALECT_0300 && dialect != SMB2_DIALECT_02FF;
    bool client = !n->asked || (n->client_capabilities & SMB2_GLOBAL_CAP_MULTI_CHANNEL);
    bool server = !n->answered || (n->server_capabilities & SMB2_GLOBAL_CAP_MULTI_CHANNEL);
    return !older && client && server;
}

bool negotiation_guid_tells(const struct guid *g) {
    static const struct guid nobody;
    return memcmp(g->bytes, nobody.bytes, sizeof nobody.bytes) != 0;
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
