/* What security tokens say, gathered over the legs of a SESSION_SETUP exchange (MS-SMB2 3.3.5.5). */
#include <string.h>

#include "model/state.h"

/* Of the message at hand; NULL: no memory. */
static struct security *said(struct connection *c) {
    if (!c->said) {
        c->said = model_take(c->model, &c->model->securities_pool);
        if (c->said) {
            c->said->holders = 1;
        }
    }
    return c->said;
}

static void say(struct connection *c, enum security_name name, struct text text) {
    struct security *s = c->said;
    model_unify(c->model, &text);
    struct shared_text *t = model_text_common(c->model, text);
    if (t) {
        text_drop(&c->model->texts, s->names[name]);
        s->names[name] = t;
        s->facts.names[name] = text_of(t);
    }
}

static void say_authenticate(struct connection *c, struct security_facts *f, const struct ntlm_message *n) {
    const struct ntlm_target_info *info = &n->target_info;
    say(c, SECURITY_SPN, info->target_name);
    f->responses = n->responses;
    f->client_time = n->client_time;
    f->authenticated = true;
    f->has_mic = n->responses & NTLM_RESPONSE_NTLMV2;
    f->mic = n->mic;
    f->pairs_whole = info->whole;
    f->empty_spn = info->has_target_name && info->target_name.bytes.n == 0;
    f->has_channel_bindings = info->has_channel_bindings;
    f->channel_bindings = info->channel_bindings;
    f->has_machine_id = info->machine_id.n == sizeof f->machine_id;
    if (f->has_machine_id) {
        memcpy(f->machine_id, info->machine_id.p, sizeof f->machine_id);
    }
}

static void say_challenge(struct connection *c, struct security_facts *f, const struct ntlm_message *n) {
    const struct ntlm_target_info *info = &n->target_info;
    say(c, SECURITY_TARGET, n->target_name);
    say(c, SECURITY_SERVER_NETBIOS_NAME, info->netbios_computer);
    say(c, SECURITY_SERVER_DNS_NAME, info->dns_computer);
    say(c, SECURITY_SERVER_NETBIOS_DOMAIN, info->netbios_domain);
    say(c, SECURITY_SERVER_DNS_DOMAIN, info->dns_domain);
    say(c, SECURITY_SERVER_DNS_TREE, info->dns_tree);
    f->server_flags = n->flags;
    f->server_version = n->version;
    f->server_time = info->has_timestamp ? info->timestamp : 0;
}

/* A client negotiates and authenticates, a server challenges: the other way round it says nothing. */
void security_ntlm(struct connection *c, const struct ntlm_message *n) {
    bool challenge = n->type == NTLM_CHALLENGE;
    struct security *s = challenge == (c->dir == TO_CLIENT) ? said(c) : NULL;
    if (!s) {
        return;
    }
    s->facts.mechanism = MECHANISM_NTLM;
    if (challenge) {
        say_challenge(c, &s->facts, n);
        return;
    }
    s->facts.client_flags[n->type == NTLM_AUTHENTICATE] = n->flags;
    s->facts.client_version = n->version;
    if (n->type == NTLM_AUTHENTICATE) {
        say_authenticate(c, &s->facts, n);
    } else {
        say(c, SECURITY_WORKSTATION, n->workstation);
        say(c, SECURITY_WORKSTATION_DOMAIN, n->domain);
    }
}

struct security *security_responses(struct connection *c, unsigned responses) {
    struct security *s = model_take(c->model, &c->model->securities_pool);
    if (s) {
        s->holders = 1;
        s->facts.mechanism = MECHANISM_NTLM;
        s->facts.authenticated = true;
        s->facts.responses = responses;
    }
    return s;
}

/* The names in it are those of the server, which may have others than the one that the client asked for. */
static void say_error(struct connection *c, struct security_facts *f, const struct kerberos_message *k) {
    say(c, SECURITY_ERROR_REALM, k->realm);
    say(c, SECURITY_ERROR_SERVICE, k->service);
    say(c, SECURITY_ERROR_TEXT, k->error_text);
    f->has_error_code = k->has_error_code;
    f->error_code = k->error_code;
    f->error_client_time = k->client_time;
    f->error_server_time = k->server_time;
    f->skew_recovery = k->skew_recovery;
    f->has_error_status = k->has_error_status;
    f->error_status = k->error_status;
}

void security_kerberos(struct connection *c, const struct kerberos_message *k) {
    struct security *s = (k->type == KERBEROS_AP_REQ) == (c->dir == TO_SERVER) ? said(c) : NULL;
    if (!s) {
        return;
    }
    struct security_facts *f = &s->facts;
    f->mechanism = MECHANISM_KERBEROS;
    if (k->type == KERBEROS_ERROR) {
        say_error(c, f, k);
        return;
    }
    say(c, SECURITY_REALM, k->realm);
    say(c, SECURITY_SPN, k->service);
    f->kerberos_options = k->options;
    f->ticket = k->ticket;
    if (k->type == KERBEROS_AP_REP) {
        f->reply = k->encrypted;
    } else {
        f->authenticator = k->encrypted;
    }
}

void security_spnego(struct connection *c, const struct spnego_message *g) {
    struct security *s = said(c);
    if (!s) {
        return;
    }
    if (g->init) {
        for (unsigned i = 0; i < g->mechanism_count; i++) {
            say(c, (enum security_name)(SECURITY_OFFERED + i), g->mechanisms[i]);
        }
    } else if (g->mechanism_count > 0) {
        say(c, SECURITY_CHOSEN, g->mechanisms[0]);
    }
    say(c, SECURITY_HINT, g->hint);
    s->facts.mic_list |= g->mic;
    if (g->has_state && c->dir == TO_CLIENT) {
        s->facts.has_state = true;
        s->facts.state = g->state;
    }
}

/* ---- over the legs */

struct security *security_share(struct security *s) {
    if (s) {
        s->holders++;
    }
    return s;
}

void security_drop(struct model *m, struct security *s) {
    if (!s || --s->holders > 0) {
        return;
    }
    for (unsigned i = 0; i < SECURITY_NAMES; i++) {
        text_drop(&m->texts, s->names[i]);
    }
    pool_give(&m->securities_pool, s);
}

static void newer_names(struct model *m, struct security *into, struct security *from) {
    for (unsigned i = 0; i < SECURITY_NAMES; i++) {
        if (from->names[i]) {
            text_drop(&m->texts, into->names[i]);
            into->names[i] = text_share(from->names[i]);
            into->facts.names[i] = text_of(into->names[i]);
        }
    }
}

static void newer_ntlm(struct security_facts *into, const struct security_facts *from) {
    for (unsigned i = 0; i < 2; i++) {
        into->client_flags[i] = from->client_flags[i] ? from->client_flags[i] : into->client_flags[i];
    }
    into->server_flags = from->server_flags ? from->server_flags : into->server_flags;
    into->client_version = from->client_version.known ? from->client_version : into->client_version;
    into->server_version = from->server_version.known ? from->server_version : into->server_version;
    into->server_time = from->server_time ? from->server_time : into->server_time;
    if (from->authenticated) {
        into->authenticated = true;
        into->client_time = from->client_time;
        into->responses = from->responses;
        into->has_mic = from->has_mic;
        into->mic = from->mic;
        into->pairs_whole = from->pairs_whole;
        into->empty_spn = from->empty_spn;
        into->has_channel_bindings = from->has_channel_bindings;
        into->channel_bindings = from->channel_bindings;
        into->has_machine_id = from->has_machine_id;
        memcpy(into->machine_id, from->machine_id, sizeof into->machine_id);
    }
}

static void newer_kerberos(struct security_facts *into, const struct security_facts *from) {
    into->kerberos_options |= from->kerberos_options;
    into->ticket = from->ticket.known ? from->ticket : into->ticket;
    into->authenticator = from->authenticator.known ? from->authenticator : into->authenticator;
    into->reply = from->reply.known ? from->reply : into->reply;
    if (from->has_error_code) {
        into->has_error_code = true;
        into->error_code = from->error_code;
        into->error_client_time = from->error_client_time;
        into->error_server_time = from->error_server_time;
        into->skew_recovery = from->skew_recovery;
        into->has_error_status = from->has_error_status;
        into->error_status = from->error_status;
    }
}

/* What came later adds to what came before, and where both say something it is right. Nothing is taken from memory for it, so nothing
 * is evicted. */
struct security *security_join(struct model *m, struct security *before, struct security *later) {
    if (!before || !later) {
        return before ? before : later;
    }
    newer_names(m, before, later);
    newer_ntlm(&before->facts, &later->facts);
    newer_kerberos(&before->facts, &later->facts);
    before->facts.mechanism = later->facts.mechanism ? later->facts.mechanism : before->facts.mechanism;
    before->facts.mic_list |= later->facts.mic_list;
    if (later->facts.has_state) {
        before->facts.has_state = true;
        before->facts.state = later->facts.state;
    }
    security_drop(m, later);
    return before;
}

/* ---- names of machines in it */

/* HOST of a service name, class/host:port/service, of which the last two may be absent. */
static struct text host_of(struct text service) {
    size_t width = service.encoding == ENC_UTF16LE ? 2 : 1, start = 0, end;
    struct view v = service.bytes;
    while (start + width <= v.n && v.p[start] != '/') {
        start += width;
    }
    end = start += width;
    while (end + width <= v.n && v.p[end] != '/' && v.p[end] != ':' && v.p[end] != '@') {
        end += width;
    }
    return (struct text){start < v.n ? view_part(v, start, end - start) : view_part(v, 0, 0), service.encoding};
}

void security_show(struct connection *c, const struct security *s, bool accepted) {
    if (!s) {
        return;
    }
    const struct text *names = s->facts.names;
    struct machine_facts dns = machine_name(names[SECURITY_SERVER_DNS_NAME]);
    struct machine_facts itself = machine_name(names[SECURITY_SERVER_NETBIOS_NAME]);
    itself.fqdn = dns.fqdn;
    itself.host = itself.host.bytes.n ? itself.host : dns.host;
    machine_show(c, MACHINE_SERVER, MACHINE_ITSELF, itself);
    if (accepted) {
        bool ticket = s->facts.mechanism == MECHANISM_KERBEROS;
        machine_show(c, MACHINE_SERVER, ticket ? MACHINE_SERVICE : MACHINE_SHARE,
                     machine_name(host_of(names[SECURITY_SPN])));
    }
}
