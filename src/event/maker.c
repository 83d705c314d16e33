#include "event/maker.h"

#include <string.h>

#include "stats.h"

static const char *const operation_names[OPERATION_KINDS] = {
#define OPERATION(id, name) name,
#include "tables/operation.def"
#undef OPERATION
};

static void begin(struct event_maker *m, const struct connection_facts *c, enum event_action action, struct moment at) {
    m->text_count = 0;
    m->event.object = OBJECT_FLOW;
    m->event.action = action;
    m->event.downgrade_signs = 0;
    m->event.at = at;
    m->event.flow = c->flow;
    m->event.flow_json = c->flow_json;
    m->event.smb1 = false;
    m->event.sends_away = false;
    m->event.takes_over = false;
    m->event.count = 0;
}

/* ---- names of machines and users */

/* DOMAIN\name */
static void user(struct event_maker *m, const struct auth_facts *a) {
    struct text *parts = a->user.bytes.n && !a->domain_lost ? maker_texts(m, 3) : NULL;
    if (!parts) {
        return;
    }
    parts[0] = a->domain;
    parts[1] = (struct text){{(const uint8_t *)"\\", a->domain.bytes.n ? 1 : 0}, ENC_UTF8};
    parts[2] = a->user;
    event_joined(&m->event, FIELD_USER, parts, 3);
}

static void machine(struct event *e, const struct machine_facts *f, enum field host, enum field fqdn) {
    event_text(e, host, f->host);
    event_text(e, fqdn, f->fqdn);
}

/* workstation: of a session; NULL: none, or it was shown at another address. */
static void machines(struct event *e, const struct connection_facts *c, const struct machine_facts *workstation) {
    const struct machine_facts *client = &c->machines[MACHINE_CLIENT], *server = &c->machines[MACHINE_SERVER];
    machine(e, workstation ? workstation : client, FIELD_SRC_HOSTNAME, FIELD_SRC_FQDN);
    machine(e, server, FIELD_HOSTNAME, FIELD_FQDN);
    machine(e, server, FIELD_DEST_HOSTNAME, FIELD_DEST_FQDN);
}

static bool same_address(const struct address *a, const struct address *b) {
    return a->family == b->family && memcmp(a->bytes, b->bytes, sizeof a->bytes) == 0;
}

static void who(struct event_maker *m, const struct operation *op) {
    const struct auth_facts *a = op->auth ? op->auth : op->session ? op->session->auth : NULL;
    if (a) {
        user(m, a);
    }
    bool here = a && a->machine.host.bytes.n != 0 && same_address(&a->address, &op->connection->flow->client.ip);
    machines(&m->event, op->connection, here ? &a->machine : NULL);
}

/* ---- what every operation has */

static void dialect(struct event *e, const struct operation *op) {
    const struct connection_facts *c = op->connection;
    if ((op->smb1_response || !c->dialect) && c->smb1_dialect.bytes.n) {
        event_text(e, FIELD_DIALECT, c->smb1_dialect);
    } else if (c->dialect) {
        event_named(e, FIELD_DIALECT, c->dialect, &names_dialect, 3);
    }
}

/* The SMB1 message, or the SMB2 one, that the operation is known by. */
static void command(struct event_maker *m, const struct operation *op) {
    struct event *e = &m->event;
    if (op->smb1_request || op->smb1_response) {
        const struct smb1_message *any1 = op->smb1_request ? op->smb1_request : op->smb1_response;
        const struct smb1_header *h = &any1->header;
        maker_smb1_command(m, any1->command);
        if (!op->unasked) {
            event_uint(e, FIELD_MESSAGE_ID, h->message_id);
            event_uint(e, FIELD_PROCESS_ID, h->process_id);
        }
    } else if (op->header) {
        event_named(e, FIELD_COMMAND, op->header->command, &names_smb2_command, 4);
        if (op->header->message_id <= INT64_MAX) { /* all ones: sent unasked; and readers of JSON end at 2^63 */
            event_uint(e, FIELD_MESSAGE_ID, op->header->message_id);
        }
    }
}

static void status(struct event_maker *m, const struct operation *op) {
    struct event *e = &m->event;
    if (op->smb1_response && !op->unasked) {
        maker_smb1_status(m, &op->smb1_response->header);
    } else if (op->response) {
        uint32_t code = op->response->header.status;
        event_named(e, FIELD_STATUS, code, &names_ntstatus, 8);
        event_uint(e, FIELD_STATUS_CODE, code);
    }
}

static void ids(struct event *e, const struct operation *op) {
    if (op->session_id != 0) {
        event_hex(e, FIELD_SESSION_ID, op->session_id, 16);
    }
    if (op->has_tree_id && op->tree_id != 0) {
        event_hex(e, FIELD_TREE_ID, op->tree_id, 8);
    }
    if (op->has_file_id) {
        event_file_id(e, FIELD_FILE_ID, op->file_id);
    }
}

static void flags(struct event *e, const struct operation *op) {
    if (op->compound) {
        event_bool(e, FIELD_COMPOUND, true);
    }
    if (op->async) {
        event_bool(e, FIELD_ASYNC, true);
    }
    if (op->interim_responses) {
        event_uint(e, FIELD_INTERIM_RESPONSES, op->interim_responses);
    }
    if (op->request || op->response || op->smb1_request || op->smb1_response) {
        event_bool(e, FIELD_SIGNED, op->signed_message);
    }
    if (op->compressed || op->compression) {
        event_bool(e, FIELD_COMPRESSED, true);
    }
}

static const char *signing_mode(uint32_t mode) {
    if (mode & SMB2_NEGOTIATE_SIGNING_REQUIRED) {
        return "required";
    }
    return mode & SMB2_NEGOTIATE_SIGNING_ENABLED ? "enabled" : "none";
}

/* What the server said of signing stands on what it was said in, and on each session it is for. */
static void server_signing(struct event *e, const struct operation *op) {
    const struct connection_facts *c = op->connection;
    const struct smb1_message *r = op->smb1_response;
    if (op->kind == OPERATION_NEGOTIATE && r && !r->empty && !r->is_error && r->negotiate_response.nt_lan_manager) {
        unsigned mode = r->negotiate_response.security_mode;
        event_name(e, FIELD_SIGNING,
                   mode & NEGOTIATE_SECURITY_SIGNATURES_REQUIRED  ? "required"
                   : mode & NEGOTIATE_SECURITY_SIGNATURES_ENABLED ? "enabled"
                                                                  : "none");
    } else if (c->server_mode_known && !r && (op->kind == OPERATION_NEGOTIATE || op->kind == OPERATION_SESSION_SETUP)) {
        event_name(e, FIELD_SIGNING, signing_mode(c->server_security_mode));
    }
}

/* What an SMB1 client says of signing stands in Flags2 of these two requests (MS-SMB 2.2.3.1). */
static void smb1_signing(struct event *e, const struct operation *op) {
    const struct smb1_header *h = op->smb1_request ? &op->smb1_request->header : NULL;
    if (h && (h->command == SMB1_NEGOTIATE || h->command == SMB1_SESSION_SETUP_ANDX)) {
        uint32_t mode = (h->flags2 & SMB_FLAGS2_SMB_SECURITY_SIGNATURE ? SMB2_NEGOTIATE_SIGNING_ENABLED : 0) |
                        (h->flags2 & SMB_FLAGS2_SMB_SECURITY_SIGNATURE_REQUIRED ? SMB2_NEGOTIATE_SIGNING_REQUIRED : 0);
        event_bits(e, FIELD_SECURITY_MODE_CLIENT, mode, &names_security_mode);
    }
}

static void quality(struct event *e, const struct operation *op) {
    if (op->request_lost) {
        event_bool(e, FIELD_REQUEST_SEEN, false);
    }
    if (op->response_lost) {
        event_bool(e, FIELD_RESPONSE_SEEN, false);
    }
    if (op->connection->midstream) {
        event_bool(e, FIELD_MIDSTREAM, true);
    }
    if (op->gap) {
        event_bool(e, FIELD_GAP, true);
    }
}

static const struct name_row stall_rows[] = {
    NAME_ROW(STALL_CLIENT_CLOSED, "client_window"),
    NAME_ROW(STALL_SERVER_CLOSED, "server_window"),
    NAME_ROW(STALL_CLIENT_RETRANSMISSION, "client_retransmission"),
    NAME_ROW(STALL_SERVER_RETRANSMISSION, "server_retransmission"),
};
static const struct name_table stall_names = {stall_rows, sizeof stall_rows / sizeof stall_rows[0]};

static void stalled(struct event_maker *m, const struct operation *op) {
    uint8_t causes;
    uint64_t ns = maker_stalled_ns(m, op, &causes);
    if (ns != 0) {
        event_uint(&m->event, FIELD_NETWORK_STALL_NS, ns);
        event_bits(&m->event, FIELD_NETWORK_STALL_CAUSES, causes, &stall_names);
    }
}

static void times(struct event *e, const struct operation *op, bool exchange) {
    bool envelope = op->transform || op->compression; /* a request begins something, a response ends it */
    bool answered = envelope ? op->dir == TO_CLIENT : (op->response || op->smb1_response) && !op->unasked;
    uint64_t start = exchange ? op->exchange_begin.time_ns : op->begin.time_ns;
    bool asked = envelope ? op->dir == TO_SERVER : !op->request_lost;
    if (asked) {
        event_time(e, FIELD_START_TIME, start);
    }
    if (answered) {
        event_time(e, FIELD_END_TIME, op->end.time_ns);
    }
    if (answered && asked && op->end.time_ns >= start) {
        event_uint(e, FIELD_LATENCY_NS, op->end.time_ns - start);
    }
}

/* A handle's name is that of its CREATE, whatever the flags of what follows. */
static bool is_dfs(const struct operation *op) {
    if (op->handle && op->handle->named) {
        return op->handle->dfs;
    }
    return (op->smb1_request && (op->smb1_request->header.flags2 & SMB_FLAGS2_DFS)) ||
           (op->request && (op->request->header.flags & SMB2_FLAGS_DFS_OPERATIONS));
}

static void downgrade(struct event *e, const struct operation *op) {
    e->downgrade_signs = op->downgrade_signs;
    event_bits(e, FIELD_DOWNGRADE_SIGNS, op->downgrade_signs, &names_downgrade_sign);
    if (op->earlier_dialect != 0) {
        event_named(e, FIELD_EARLIER_DIALECT, op->earlier_dialect, &names_dialect, 3);
    }
}

void maker_operation(struct event_maker *m, const struct operation *op, enum detail detail) {
    struct event *e = &m->event;
    bool exchange = detail == DETAIL_HANDLES && op->kind == OPERATION_SESSION_SETUP;
    begin(m, op->connection, ACTION_MESSAGE, exchange ? op->exchange_begin : op->begin);
    m->dfs = is_dfs(op);
    e->operation = (uint8_t)op->kind;
    m->detail = detail;
    who(m, op);
    times(e, op, exchange);
    stalled(m, op);
    e->smb1 = op->smb1_request || op->smb1_response;
    event_uint(e, FIELD_VERSION, e->smb1 ? 1 : op->connection->version);
    dialect(e, op);
    event_name(e, FIELD_OPERATION, operation_names[op->kind]);
    command(m, op);
    status(m, op);
    ids(e, op);
    flags(e, op);
    smb1_signing(e, op);
    server_signing(e, op);
    if (op->downgrade_signs != 0) {
        downgrade(e, op);
    }
    maker_details(m, op);
    maker_changes(m, op);
    maker_takeover(m, op);
    maker_protection(m, op);
    quality(e, op);
    if (detail == DETAIL_OPERATIONS && !e->smb1) {
        maker_wire_details(m, op);
    }
    maker_windows_operation(m, op, detail);
}

/* ---- flows */

void maker_flow_start(struct event_maker *m, const struct connection_facts *c) {
    begin(m, c, ACTION_START, c->flow->first);
    machines(&m->event, c, NULL);
    event_time(&m->event, FIELD_START_TIME, c->flow->first.time_ns);
    event_bool(&m->event, FIELD_START_SEEN, c->flow->start_seen);
    maker_windows_start(m, c);
}

static const char *const end_reasons[] = {
    [FLOW_END_FIN] = "fin",
    [FLOW_END_RST] = "rst",
    [FLOW_END_TIMEOUT] = "timeout",
    [FLOW_END_REFUSED] = "refused",
    [FLOW_END_UNANSWERED] = "unanswered",
    [FLOW_END_EVICTED] = "evicted",
    [FLOW_END_CAPTURE_END] = "capture_end",
};

static const struct name_row tcp_flag_rows[] = {
    NAME_ROW(TCP_FIN, "FIN"), NAME_ROW(TCP_SYN, "SYN"), NAME_ROW(TCP_RST, "RST"), NAME_ROW(TCP_PSH, "PSH"),
    NAME_ROW(TCP_ACK, "ACK"), NAME_ROW(TCP_URG, "URG"), NAME_ROW(TCP_ECE, "ECE"), NAME_ROW(TCP_CWR, "CWR"),
};
static const struct name_table tcp_flag_names = {tcp_flag_rows, sizeof tcp_flag_rows / sizeof tcp_flag_rows[0]};

static void transport_sums(struct event *e, const struct flow_facts *f, enum flow_end_reason reason) {
    event_time(e, FIELD_START_TIME, f->first.time_ns);
    event_time(e, FIELD_END_TIME, f->last.time_ns);
    event_bool(e, FIELD_START_SEEN, f->start_seen);
    event_uint(e, FIELD_DURATION_NS, f->last.time_ns > f->first.time_ns ? f->last.time_ns - f->first.time_ns : 0);
    event_uint(e, FIELD_PACKET_COUNT, f->packets[TO_SERVER] + f->packets[TO_CLIENT]);
    event_uint(e, FIELD_OUT_BYTES, f->bytes[TO_SERVER]);
    event_uint(e, FIELD_IN_BYTES, f->bytes[TO_CLIENT]);
    event_bits(e, FIELD_TCP_FLAGS, f->tcp_flags, &tcp_flag_names);
    event_name(e, FIELD_END_REASON, end_reasons[reason]);
    if ((f->tcp_flags & (TCP_FIN | TCP_RST)) && maker_both_seen(f)) {
        event_name(e, FIELD_CLOSED_BY, f->server_closed ? "server" : "client");
    }
    event_uint(e, FIELD_MISSED_BYTES, f->missed_bytes[TO_SERVER] + f->missed_bytes[TO_CLIENT]);
    event_uint(e, FIELD_GAPS, f->gaps[TO_SERVER] + f->gaps[TO_CLIENT]);
}

/* Pairs of domain and name become DOMAIN\name, in one text where there is no domain: a list has no joined items, so the
 * separator is a text of its own and the list's form knows triples. */
static void users(struct event_maker *m, const struct connection_facts *c) {
    struct text *parts = c->user_count ? maker_texts(m, c->user_count * 3) : NULL;
    if (!parts) {
        return;
    }
    for (unsigned i = 0; i < c->user_count; i++) {
        parts[i * 3] = c->users[i * 2];
        parts[i * 3 + 1] = (struct text){{(const uint8_t *)"\\", c->users[i * 2].bytes.n ? 1 : 0}, ENC_UTF8};
        parts[i * 3 + 2] = c->users[i * 2 + 1];
    }
    event_joined_texts(&m->event, FIELD_USERS, parts, c->user_count, 3);
}

/* RFC 1002 4.3.4: why a session request was refused. */
static const struct name_row netbios_rows[] = {
    NAME_ROW(0x80, "refused: not listening on called name"),
    NAME_ROW(0x81, "refused: not listening for calling name"),
    NAME_ROW(0x82, "refused: called name not present"),
    NAME_ROW(0x83, "refused: insufficient resources"),
    NAME_ROW(0x8F, "refused: unspecified error"),
};
static const struct name_table netbios_names = {netbios_rows, sizeof netbios_rows / sizeof netbios_rows[0]};

static void netbios(struct event *e, const struct connection_facts *c) {
    enum { POSITIVE = 0x82, NEGATIVE = 0x83, RETARGET = 0x84 }; /* RFC 1002 4.3.1 */
    const char *refusal = names_find(&netbios_names, c->netbios_error);
    if (c->netbios_answer == POSITIVE) {
        event_name(e, FIELD_NETBIOS_SESSION, "accepted");
    } else if (c->netbios_answer == NEGATIVE) {
        event_name(e, FIELD_NETBIOS_SESSION, refusal ? refusal : "refused");
    } else if (c->netbios_answer == RETARGET) {
        event_name(e, FIELD_NETBIOS_SESSION, "retargeted");
    }
    if (c->keep_alives) {
        event_uint(e, FIELD_KEEP_ALIVES, c->keep_alives);
    }
}

static void session_sums(struct event_maker *m, const struct connection_facts *c) {
    struct event *e = &m->event;
    if (c->version) {
        event_uint(e, FIELD_VERSION, c->version);
    }
    if (c->dialect) {
        event_named(e, FIELD_DIALECT, c->dialect, &names_dialect, 3);
    } else {
        event_text(e, FIELD_DIALECT, c->smb1_dialect);
    }
    if (c->server_mode_known) {
        event_name(e, FIELD_SIGNING, signing_mode(c->server_security_mode));
    }
    maker_protection_offered(m, c);
    event_bits(e, FIELD_DOWNGRADE_SIGNS, c->downgrade_signs, &names_downgrade_sign);
    if (c->signed_messages + c->unsigned_messages != 0) {
        event_uint(e, FIELD_SIGNED_MESSAGES, c->signed_messages);
        event_uint(e, FIELD_UNSIGNED_MESSAGES, c->unsigned_messages);
    }
    event_bool(e, FIELD_ENCRYPTION, c->encrypted_messages != 0);
    if (c->encrypted_messages) {
        event_uint(e, FIELD_ENCRYPTED_MESSAGES, c->encrypted_messages);
    }
    if (c->compressed_messages) {
        event_uint(e, FIELD_COMPRESSED_MESSAGES, c->compressed_messages);
    }
    netbios(e, c);
    users(m, c);
    event_texts(e, FIELD_SHARES, c->shares, c->share_count);
    maker_protection_ends(m, c);
    event_uint(e, FIELD_FILES_OPENED, c->files_opened);
    event_uint(e, FIELD_FILES_WRITTEN, c->files_written);
    event_uint(e, FIELD_FILES_DELETED, c->files_deleted);
    event_uint(e, FIELD_BYTES_READ, c->bytes_read);
    event_uint(e, FIELD_BYTES_WRITTEN, c->bytes_written);
    event_uint(e, FIELD_REQUESTS, c->requests);
    event_uint(e, FIELD_ERRORS, c->errors);
}

static void faults(struct event_maker *m, const struct connection_facts *c) {
    uint64_t any = 0;
    for (unsigned i = 0; i < FRAMER_FAULTS; i++) {
        any |= m->fault_counts[i] = c->framer_faults[i];
    }
    for (unsigned i = 0; i < VERDICTS; i++) {
        any |= m->fault_counts[FRAMER_FAULTS + i] = i == V_OK ? 0 : c->verdicts[i];
    }
    if (any) {
        event_add(&m->event, FIELD_PARSE_FAULTS, FACT_COUNTS)->counts =
            (struct fact_counts){parse_fault_names, m->fault_counts, FRAMER_FAULTS + VERDICTS};
    }
}

/* How far the connection came, in the order of the stages. */
static void stages(struct event_maker *m, const struct connection_facts *c, enum flow_end_reason reason) {
    bool hung_up = maker_hung_up(c, reason), closed = reason == FLOW_END_FIN || reason == FLOW_END_RST;
    const struct {
        bool holds;
        const char *name;
    } rows[] = {
        {reason == FLOW_END_REFUSED, "tcp_refused"},
        {reason == FLOW_END_UNANSWERED, "tcp_unanswered"},
        {c->stages & STAGE_ESTABLISHED, "tcp_established"},
        {c->stages & STAGE_NEGOTIATED, "negotiated"},
        {c->stages & STAGE_NEGOTIATE_REFUSED || (hung_up && c->stages & STAGE_NEGOTIATE_UNANSWERED),
         "negotiate_failed"},
        {c->stages & STAGE_SESSION, "session"},
        {c->stages & STAGE_SESSION_REFUSED || (hung_up && c->stages & STAGE_SESSION_UNANSWERED), "session_failed"},
        {c->stages & STAGE_TREE, "share"},
        {c->stages & STAGE_TREE_REFUSED, "share_failed"},
        {closed && c->stages & STAGE_LOST, "lost"},
    };
    enum { ROWS = sizeof rows / sizeof rows[0] };
    struct text *names = maker_texts(m, ROWS);
    unsigned count = 0;
    for (unsigned i = 0; names && i < ROWS; i++) {
        if (rows[i].holds) {
            names[count++] = (struct text){{(const uint8_t *)rows[i].name, strlen(rows[i].name)}, ENC_ASCII};
        }
    }
    event_texts(&m->event, FIELD_STAGES, names, count);
    if (c->refusal != 0) {
        event_named(&m->event, FIELD_FAILED_STATUS, c->refusal, &names_ntstatus, 8);
    }
}

void maker_flow_end(struct event_maker *m, const struct connection_facts *c, enum flow_end_reason reason,
                    struct moment at) {
    begin(m, c, ACTION_END, c->flow->first);
    (void)at;
    machines(&m->event, c, NULL);
    transport_sums(&m->event, c->flow, reason);
    faults(m, c);
    session_sums(m, c);
    stages(m, c, reason);
    maker_windows_end(m, c, reason);
}
