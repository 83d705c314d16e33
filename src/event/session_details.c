/* The facts of a SESSION_SETUP: who, by which mechanism, from where, and what came of it (records.md, session). */
#include <stdio.h>
#include <string.h>

#include "event/maker.h"

/* ---- mechanisms */

void maker_mechanisms(struct event *e, const struct security_facts *s) {
    if (!s) {
        return;
    }
    unsigned offered = 0;
    while (offered < SPNEGO_MECHANISMS_MAX && s->names[SECURITY_OFFERED + offered].bytes.n != 0) {
        offered++;
    }
    event_texts(e, FIELD_MECHANISMS, &s->names[SECURITY_OFFERED], offered);
    event_text(e, FIELD_MECHANISM_CHOSEN, s->names[SECURITY_CHOSEN]);
    event_text(e, FIELD_SPNEGO_HINT, s->names[SECURITY_HINT]);
    if (s->has_state) {
        event_named(e, FIELD_SPNEGO_STATE, s->state, &names_spnego_state, 2);
    }
    if (s->mic_list) {
        event_bool(e, FIELD_MECH_LIST_MIC, true);
    }
}

/* VERSION, MS-NLMP 2.2.2.10: as versions of Windows are written. */
static void version(struct event *e, enum field field, const struct ntlm_version *v, char to[NTLM_VERSION_TEXT]) {
    if (v->known) {
        int n = snprintf(to, NTLM_VERSION_TEXT, "%u.%u.%u", v->major, v->minor, v->build);
        event_text(e, field, (struct text){{(const uint8_t *)to, (size_t)n}, ENC_ASCII});
    }
}

static void flags(struct event *e, enum field field, uint32_t value) {
    if (value != 0) {
        event_hex(e, field, value, 8);
    }
}

/* Of the last leg; that of an exchange which ended with its first one is that of a NEGOTIATE. */
static uint32_t client_flags(const struct operation *op, const struct security_facts *s) {
    bool begins = op->leg || op->implicit || op->exchange_begin.frame == op->begin.frame;
    return s->client_flags[1] || !begins ? s->client_flags[1] : s->client_flags[0];
}

static void machine_id(struct event_maker *m, const struct security_facts *s) {
    static const char digits[] = "0123456789abcdef";
    for (unsigned i = 0; i < sizeof s->machine_id; i++) {
        m->machine_id[2 * i] = digits[s->machine_id[i] >> 4];
        m->machine_id[2 * i + 1] = digits[s->machine_id[i] & 0xF];
    }
    struct view text = {(const uint8_t *)m->machine_id, sizeof m->machine_id};
    event_text(&m->event, FIELD_NTLM_MACHINE_ID, (struct text){text, ENC_ASCII});
}

static void ntlm(struct event_maker *m, const struct operation *op, const struct security_facts *s) {
    struct event *e = &m->event;
    flags(e, FIELD_NTLM_FLAGS, client_flags(op, s));
    flags(e, FIELD_SERVER_NTLM_FLAGS, s->server_flags);
    version(e, FIELD_NTLM_VERSION, &s->client_version, m->versions[0]);
    version(e, FIELD_SERVER_NTLM_VERSION, &s->server_version, m->versions[1]);
    event_bits(e, FIELD_NTLM_RESPONSES, s->responses, &names_ntlm_response);
    if (s->has_mic) {
        event_bool(e, FIELD_NTLM_MIC, s->mic);
    }
    if (s->has_channel_bindings) {
        event_bool(e, FIELD_NTLM_CHANNEL_BINDINGS, s->channel_bindings);
    }
    if (s->has_machine_id) {
        machine_id(m, s);
    }
    event_filetime(e, FIELD_NTLM_CLIENT_TIME, s->client_time);
    event_filetime(e, FIELD_NTLM_SERVER_TIME, s->server_time);
}

static void encryption(struct event *e, enum field field, const struct kerberos_encrypted *k) {
    if (k->known) {
        event_named(e, field, k->encryption, &names_kerberos_encryption, 8);
    }
}

static void kerberos_error(struct event *e, const struct security_facts *s) {
    event_named(e, FIELD_KERBEROS_ERROR, s->error_code, &names_kerberos_error, 8);
    event_text(e, FIELD_KERBEROS_ERROR_TEXT, s->names[SECURITY_ERROR_TEXT]);
    event_text(e, FIELD_KERBEROS_ERROR_SERVICE, s->names[SECURITY_ERROR_SERVICE]);
    event_text(e, FIELD_KERBEROS_ERROR_REALM, s->names[SECURITY_ERROR_REALM]);
    if (s->has_error_status) {
        event_named(e, FIELD_KERBEROS_ERROR_STATUS, s->error_status, &names_ntstatus, 8);
    }
    if (s->skew_recovery) {
        event_bool(e, FIELD_KERBEROS_SKEW_RECOVERY, true);
    }
    if (s->error_client_time != 0) {
        event_time(e, FIELD_KERBEROS_CLIENT_TIME, s->error_client_time);
    }
    if (s->error_server_time != 0) {
        event_time(e, FIELD_KERBEROS_SERVER_TIME, s->error_server_time);
    }
}

static void kerberos(struct event *e, const struct security_facts *s) {
    event_text(e, FIELD_REALM, s->names[SECURITY_REALM]);
    event_bits(e, FIELD_KERBEROS_OPTIONS, s->kerberos_options, &names_kerberos_option);
    encryption(e, FIELD_KERBEROS_TICKET_ENCRYPTION, &s->ticket);
    encryption(e, FIELD_KERBEROS_SESSION_ENCRYPTION, &s->authenticator);
    encryption(e, FIELD_KERBEROS_REPLY_ENCRYPTION, &s->reply);
    if (s->ticket.has_key_version) {
        event_uint(e, FIELD_KERBEROS_KEY_VERSION, s->ticket.key_version);
    }
    if (s->has_error_code) {
        kerberos_error(e, s);
    }
}

static void server(struct event *e, const struct security_facts *s) {
    event_text(e, FIELD_SPN, s->names[SECURITY_SPN]);
    event_text(e, FIELD_NTLM_TARGET_NAME, s->names[SECURITY_TARGET]);
    event_text(e, FIELD_SERVER_NETBIOS_NAME, s->names[SECURITY_SERVER_NETBIOS_NAME]);
    event_text(e, FIELD_SERVER_DNS_NAME, s->names[SECURITY_SERVER_DNS_NAME]);
    event_text(e, FIELD_SERVER_NETBIOS_DOMAIN, s->names[SECURITY_SERVER_NETBIOS_DOMAIN]);
    event_text(e, FIELD_SERVER_DNS_DOMAIN, s->names[SECURITY_SERVER_DNS_DOMAIN]);
    event_text(e, FIELD_SERVER_DNS_TREE, s->names[SECURITY_SERVER_DNS_TREE]);
}

/* ---- who */

static const char *const auth_names[] = {
    [AUTH_UNKNOWN] = NULL,          [AUTH_NTLMV1] = "ntlmv1", [AUTH_NTLMV2] = "ntlmv2",
    [AUTH_ANONYMOUS] = "anonymous", [AUTH_GUEST] = "guest",   [AUTH_KERBEROS] = "kerberos",
};

static const char *mechanism_name(const struct auth_facts *a, const struct security_facts *s) {
    enum mechanism mechanism = s ? s->mechanism : MECHANISM_UNKNOWN;
    if (mechanism == MECHANISM_UNKNOWN && a && a->kind == AUTH_KERBEROS) {
        mechanism = MECHANISM_KERBEROS;
    } else if (mechanism == MECHANISM_UNKNOWN && a && !a->plain_password) {
        mechanism = MECHANISM_NTLM; /* SMB1 without extended security */
    }
    return mechanism == MECHANISM_KERBEROS ? "kerberos" : mechanism == MECHANISM_NTLM ? "ntlm" : NULL;
}

/* The last unit of a name is a dollar sign: so are accounts of machines, and of services that are managed, called (MS-ADTS 3.1.1.1.6). */
static bool is_machine_account(struct text user) {
    size_t width = user.encoding == ENC_UTF16LE ? 2 : 1;
    struct view v = user.bytes;
    return v.n >= width && v.p[v.n - width] == '$' && (width == 1 || v.p[v.n - 1] == 0);
}

static void account(struct event *e, const struct auth_facts *a) {
    event_text(e, FIELD_USER_NAME, a->user);
    event_text(e, FIELD_DOMAIN, a->domain);
    if (is_machine_account(a->user)) {
        event_bool(e, FIELD_MACHINE_ACCOUNT, true);
    }
}

/* ---- what came of it */

static bool answered(const struct operation *op) {
    return op->response || op->smb1_response;
}

static bool succeeded(const struct operation *op) {
    return op->smb1_response ? !op->failed : op->response->header.status == STATUS_SUCCESS;
}

static const char *failure(const struct operation *op) {
    const struct smb1_message *smb1 = op->smb1_response;
    uint32_t status = op->response ? op->response->header.status : smb1->header.nt_status ? smb1->header.status : 0;
    switch (status) {
    case STATUS_ACCOUNT_LOCKED_OUT:
        return "locked_out";
    case STATUS_ACCOUNT_DISABLED:
        return "disabled";
    case STATUS_PASSWORD_EXPIRED:
    case STATUS_PASSWORD_MUST_CHANGE:
    case STATUS_ACCOUNT_EXPIRED:
        return "expired";
    default:
        return "failure";
    }
}

/* What the server says in the last answer counts, also where the request was not seen; but whether that was anonymous it may leave
 * to the request. NULL: not known. */
static const char *success(const struct operation *op) {
    const struct smb2_message *r = op->response;
    const struct smb1_message *r1 = op->smb1_response;
    uint16_t flags = r && !r->empty && !r->is_error ? r->session_setup_response.session_flags : 0;
    bool guest = (flags & SMB2_SESSION_FLAG_IS_GUEST) ||
                 (r1 && !r1->empty && !r1->is_error && (r1->session_setup_response.action & SMB_SETUP_GUEST));
    if (guest) {
        return "guest";
    }
    if ((flags & SMB2_SESSION_FLAG_IS_NULL) || (op->auth && op->auth->kind == AUTH_ANONYMOUS)) {
        return "anonymous";
    }
    return op->auth ? "success" : NULL;
}

static void outcome(struct event *e, const struct operation *op) {
    const char *name = op->left_off ? "abandoned" : NULL;
    if (answered(op) && !op->leg) {
        name = succeeded(op) ? success(op) : failure(op);
    }
    if (name) {
        event_name(e, FIELD_OUTCOME, name);
    }
}

void maker_session(struct event_maker *m, const struct operation *op) {
    const struct auth_facts *a = op->auth;
    const struct security_facts *s = op->security;
    struct event *e = &m->event;
    const char *mechanism = mechanism_name(a, s);
    if (mechanism) {
        event_name(e, FIELD_MECHANISM, mechanism);
    }
    if (a && auth_names[a->kind]) {
        event_name(e, FIELD_AUTH, auth_names[a->kind]);
    }
    outcome(e, op);
    if (a) {
        account(e, a);
    }
    if (a && a->workstation.bytes.n != 0) {
        event_text(e, FIELD_WORKSTATION, a->workstation);
    } else if (s) {
        event_text(e, FIELD_WORKSTATION, s->names[SECURITY_WORKSTATION]);
    }
    if (s) {
        event_text(e, FIELD_WORKSTATION_DOMAIN, s->names[SECURITY_WORKSTATION_DOMAIN]);
        maker_mechanisms(e, s);
        ntlm(m, op, s);
        kerberos(e, s);
        server(e, s);
    }
}
