/* NEGOTIATE, sessions and trees of SMB1, MS-CIFS 3.3.5.42 to 3.3.5.46 and MS-SMB 3.3.5.2 to 3.3.5.4. */
#include "model/smb1_state.h"

#include <string.h>

struct session *smb1_session_find(struct connection *c, uint16_t uid) {
    struct channel *channel = session_channel(c, uid == SMB1_ID_NONE ? 0 : uid);
    return channel ? channel->session : NULL;
}

struct session *smb1_session_learn(struct connection *c, uint16_t uid) {
    struct session *s = smb1_session_find(c, uid);
    if (s) {
        age_renew(c->model, &c->model->session_ages, &s->age);
        return s;
    }
    return session_new(c, uid == SMB1_ID_NONE ? 0 : uid, true);
}

struct tree *smb1_tree_find(struct connection *c, uint16_t tid) {
    struct session *s = smb1_session_find(c, 0);
    return s ? tree_find(s, tid) : NULL;
}

struct tree *smb1_tree_learn(struct connection *c, uint16_t tid) {
    struct session *s = smb1_session_learn(c, 0);
    if (!s) {
        return NULL;
    }
    s->pinned++;
    struct tree *t = tree_learn(c->model, s, tid);
    s->pinned--;
    return t;
}

/* ---- NEGOTIATE */

/* The dialect by its index in what was offered; 0xFFFF is none of them (MS-CIFS 2.2.4.52.2). */
static void dialect_chosen(struct completion *d, const struct smb1_negotiate_response *n) {
    const struct smb1_message *q = smb1_request_of(d);
    struct connection *c = d->c;
    if (!q || !n->has_dialect_index || n->dialect_index >= q->negotiate_request.dialects.count) {
        return;
    }
    text_drop(&c->model->texts, c->smb1_dialect);
    c->smb1_dialect = model_text(c->model, q->negotiate_request.dialects.items[n->dialect_index]);
    c->facts.smb1_dialect = text_of(c->smb1_dialect);
}

/* An index beyond what was offered chose nothing either. */
static enum smb1_choice choice_of(const struct completion *d, const struct smb1_message *r) {
    const struct smb1_message *q = smb1_request_of(d);
    bool whole = q && !d->op.gap;
    if (!r || !r->negotiate_response.has_dialect_index) {
        return d->op.failed ? CHOICE_NONE : CHOICE_UNKNOWN;
    }
    unsigned index = r->negotiate_response.dialect_index;
    bool beyond = index == SMB1_ID_NONE || (whole && index >= q->negotiate_request.dialects.count);
    return beyond ? CHOICE_NONE : CHOICE_MADE;
}

void smb1_negotiated(struct completion *d) {
    const struct smb1_message *r = smb1_answer_of(d);
    d->op.kind = OPERATION_NEGOTIATE;
    d->op.choice = choice_of(d, r);
    if (!r) {
        return;
    }
    uint16_t mode = r->negotiate_response.security_mode;
    d->c->smb1->plain_passwords = !(mode & NEGOTIATE_ENCRYPT_PASSWORDS);
    d->c->smb1->before_nt = d->op.choice == CHOICE_MADE && !r->negotiate_response.nt_lan_manager;
    dialect_chosen(d, &r->negotiate_response);
    if (!smb1_text_lost(r->negotiate_response.server_name)) {
        machine_show(d->c, MACHINE_SERVER, MACHINE_ITSELF, machine_name(r->negotiate_response.server_name));
    }
    if (r->negotiate_response.nt_lan_manager) {
        d->c->facts.server_mode_known = true;
        d->c->facts.server_security_mode =
            (uint16_t)((mode & NEGOTIATE_SECURITY_SIGNATURES_ENABLED ? SMB2_NEGOTIATE_SIGNING_ENABLED : 0) |
                       (mode & NEGOTIATE_SECURITY_SIGNATURES_REQUIRED ? SMB2_NEGOTIATE_SIGNING_REQUIRED : 0));
    }
}

/* ---- SESSION_SETUP_ANDX */

/* Without extended security the names and the responses stand in the request itself. */
static struct auth *claimed(struct completion *d) {
    const struct smb1_message *q = smb1_request_of(d);
    enum { EXTENDED_SECURITY_WORDS = 12 };
    if (!q || q->session_setup_request.word_count == EXTENDED_SECURITY_WORDS) {
        return NULL;
    }
    const struct smb1_session_setup_request *s = &q->session_setup_request;
    struct ntlm_message n = {
        .domain = s->primary_domain,
        .user = s->account_name,
        .lm_response_length = s->oem_password.length,
        .nt_response_length = s->unicode_password.length,
    };
    n.anonymous = n.user.bytes.n == 0 && n.nt_response_length == 0 && n.lm_response_length <= 1;
    enum { RESPONSE_MIN = 24 }; /* MS-NLMP 2.2.2.3, 2.2.2.6 */
    bool answers = n.nt_response_length >= RESPONSE_MIN || n.lm_response_length == RESPONSE_MIN;
    struct auth *a = auth_keep(d->c, &n);
    if (a) {
        a->facts.domain_lost = smb1_text_lost(s->primary_domain);
        bool lm = a->facts.kind == AUTH_UNKNOWN && answers && d->c->smb1->before_nt; /* LMv2 came later */
        a->facts.kind = lm ? AUTH_NTLMV1 : a->facts.kind;
    }
    if (a && a->facts.kind != AUTH_ANONYMOUS && (d->c->smb1->plain_passwords || !answers)) {
        a->facts.kind = AUTH_UNKNOWN;
        a->facts.plain_password = true;
    } else if (s->responses != 0) {
        d->smb1_ex->security = security_join(d->c->model, d->smb1_ex->security, security_responses(d->c, s->responses));
    }
    return a;
}

/* Flags2 says what a client asks for (MS-SMB 2.2.3.1). */
static void setup_requires(struct completion *d) {
    const struct smb1_message *q = smb1_request_of(d);
    bool required = q && (q->header.flags2 & SMB_FLAGS2_SMB_SECURITY_SIGNATURE_REQUIRED);
    sums_session_begins(d, q != NULL, required ? SMB2_NEGOTIATE_SIGNING_REQUIRED : 0);
}

static void setup_succeeded(struct completion *d, struct auth *auth) {
    const struct smb1_message *r = smb1_answer_of(d);
    d->session = smb1_session_learn(d->c, (uint16_t)d->op.session_id);
    if (!auth && d->session) { /* who proved it anew was not seen */
        auth_drop(d->c->model, d->session->auth);
        d->session->auth = NULL;
        d->session->facts.auth = NULL;
    }
    if (auth && r && (r->session_setup_response.action & SMB_SETUP_GUEST)) {
        auth->facts.kind = AUTH_GUEST;
    }
    if (!auth || !d->session) {
        return;
    }
    auth_drop(d->c->model, d->session->auth);
    d->session->auth = auth_share(auth);
    d->session->facts.auth = &auth->facts;
    connection_add_user(d->c, auth);
    setup_requires(d);
}

/* The legs of an exchange share a UID, which the server gives with its first answer (MS-SMB 3.2.5.3). */
static void setup_answered(struct completion *d, struct smb1_exchange *x) {
    struct connection *c = d->c;
    struct setup *s = setup_find(c, d->op.session_id);
    setup_collect(d, s, x ? &x->security : NULL);
    if (d->smb1_rsp && smb1_more_processing(&d->smb1_rsp->header)) {
        d->op.leg = true;
        setup_continue(d, s, x ? x->auth : NULL);
        security_show(c, d->security, false);
        return;
    }
    if (x && !x->auth && s) {
        x->auth = auth_share(s->auth);
    }
    if (s) {
        d->op.exchange_begin = s->begin;
        setup_free(s);
    }
    if (smb1_done(d)) {
        setup_succeeded(d, x ? x->auth : NULL);
        c->smb1->new_uid = true;
    }
    if (x && x->auth) {
        machine_show(c, MACHINE_CLIENT, smb1_done(d) ? MACHINE_ITSELF : MACHINE_CLAIMED, x->auth->facts.machine);
    }
    security_show(c, d->security, smb1_done(d));
}

void smb1_session_setup(struct completion *d) {
    struct smb1_exchange *x = d->smb1_ex;
    d->op.kind = OPERATION_SESSION_SETUP;
    d->op.exchange_begin = d->op.begin;
    if (x && !x->auth) {
        x->auth = claimed(d);
    }
    setup_answered(d, x);
    d->op.auth = x && x->auth ? &x->auth->facts : NULL;
    if (!d->session) {
        d->session = smb1_session_find(d->c, (uint16_t)d->op.session_id);
    }
}

/* What a UID has open is closed with it (MS-CIFS 3.3.5.44); its trees stay. */
void smb1_logoff(struct completion *d) {
    d->op.kind = OPERATION_LOGOFF;
    if (!d->smb1_rsp && d->session) {
        d->session->leaving = true;
    }
    d->ends_session = smb1_done(d) && d->session && d->session->facts.id != 0;
}

void smb1_process_exit(struct completion *d) {
    const struct smb1_message *any = d->smb1_ex ? &d->smb1_ex->request : d->smb1_rsp;
    d->op.kind = OPERATION_OTHER;
    if (smb1_done(d)) {
        smb1_process_end(d, any->header.process_id);
    }
}

/* ---- TREE_CONNECT and TREE_CONNECT_ANDX */

static bool is_word(struct text t, const char *word) {
    size_t n = strlen(word);
    if (t.encoding != ENC_UTF16LE || t.bytes.n != n * 2) {
        return false;
    }
    for (size_t i = 0; i < n; i++) {
        if (t.bytes.p[i * 2] != (uint8_t)word[i] || t.bytes.p[i * 2 + 1] != 0) {
            return false;
        }
    }
    return true;
}

/* Service, MS-CIFS 2.2.4.50.1. */
static uint8_t share_type(struct text service) {
    if (is_word(service, "A:")) {
        return SMB2_SHARE_TYPE_DISK;
    }
    if (is_word(service, "IPC")) {
        return SMB2_SHARE_TYPE_PIPE;
    }
    return is_word(service, "LPT1:") ? SMB2_SHARE_TYPE_PRINT : 0;
}

/* A server that says nothing got what the client asked for. */
static uint8_t share_type_of(const struct smb1_message *q, const struct smb1_message *r) {
    uint8_t type = r ? share_type(r->tree_connect_response.service) : 0;
    return type != 0 || !q ? type : share_type(q->tree_connect_request.service);
}

/* The TID that the request came with goes, where it says so (MS-CIFS 2.2.4.55.1). */
static void disconnect_old(struct completion *d, const struct smb1_message *q) {
    bool asked =
        q && q->command == SMB1_TREE_CONNECT_ANDX && (q->tree_connect_request.flags & TREE_CONNECT_ANDX_DISCONNECT_TID);
    struct tree *old = asked ? smb1_tree_find(d->c, q->header.tree_id) : NULL;
    if (old) {
        tree_free(d->c->model, old, HANDLE_CLOSED);
    }
}

void smb1_tree_connect(struct completion *d) {
    const struct smb1_message *q = smb1_request_of(d), *r = smb1_answer_of(d);
    struct model *m = d->c->model;
    d->op.kind = OPERATION_TREE_CONNECT;
    if (!smb1_done(d)) {
        d->op.has_tree_id = false;
        return;
    }
    disconnect_old(d, q);
    bool own = r && r->tree_connect_response.has_tree_id;
    uint16_t tid = own ? r->tree_connect_response.tree_id : d->smb1_rsp->header.tree_id;
    struct tree *stale = smb1_tree_find(d->c, tid);
    if (stale) {
        tree_free(m, stale, HANDLE_LOST);
    }
    struct tree *t = d->tree = smb1_tree_learn(d->c, tid);
    d->op.tree_id = tid;
    d->op.has_tree_id = true;
    d->c->smb1->new_tid = !own;
    if (!t) {
        return;
    }
    t->facts.share_type = share_type_of(q, r);
    struct shared_text *path = q ? model_text_common(m, q->tree_connect_request.path) : NULL;
    if (path) {
        tree_name(d, t, path);
        text_drop(&m->texts, path);
    }
}

void smb1_tree_disconnect(struct completion *d) {
    d->op.kind = OPERATION_TREE_DISCONNECT;
    d->ends_tree = smb1_done(d);
}
