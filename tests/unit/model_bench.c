#include "model_bench.h"

#include "../../src/model/state.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "pdu.h"

static void narrow(char *to, struct text text) {
    size_t step = text.encoding == ENC_UTF16LE ? 2 : 1, n = 0;
    for (size_t i = 0; i + step <= text.bytes.n && n + 1 < BENCH_NAME_MAX; i += step) {
        to[n++] = (char)(step == 2 && text.bytes.p[i + 1] ? '#' : text.bytes.p[i]);
    }
    to[n] = 0;
}

static void note_name(char *to, const struct operation *op) {
    strcpy(to, "?");
    if (op->handle && op->handle->named) {
        narrow(to, op->handle->name);
    } else if (!op->handle && op->has_aimed_name) {
        narrow(to, op->aimed_name);
    }
}

static void note_asked(char *to, const struct operation *op) {
    strcpy(to, "?");
    if (op->request && !op->request->empty && op->request->header.command == SMB2_CREATE) {
        narrow(to, op->request->create_request.name);
    } else if (op->request && !op->request->empty && op->request->header.command == SMB2_SET_INFO) {
        narrow(to, op->request->set_info_request.new_name);
    }
}

static void note_places(struct seen *s, const struct operation *op) {
    strcpy(s->path, "?");
    strcpy(s->user, "?");
    strcpy(s->claim, "?");
    if (op->tree && op->tree->path.bytes.n) {
        narrow(s->path, op->tree->path);
    }
    if (op->session && op->session->auth) {
        narrow(s->user, op->session->auth->user);
    }
    if (op->auth) {
        narrow(s->claim, op->auth->user);
    }
    narrow(s->copy_source, op->copy_source);
    narrow(s->new_name, op->new_name);
    narrow(s->pattern, op->pattern);
    note_name(s->name, op);
    note_asked(s->asked, op);
    s->connection = op->connection;
    s->session_id = op->session_id;
    s->has_tree_id = op->has_tree_id;
    s->tree_id = op->tree_id;
    s->has_file_id = op->has_file_id;
    s->file_id = op->file_id;
}

static void note_tokens(struct seen *s, const struct operation *op) {
    for (unsigned i = 0; i < MACHINE_SIDES; i++) {
        narrow(s->host[i], op->connection->machines[i].host);
        narrow(s->fqdn[i], op->connection->machines[i].fqdn);
    }
    s->left_off = op->left_off;
    s->downgrade_signs = op->downgrade_signs;
    s->earlier_dialect = op->earlier_dialect;
    if (op->security) {
        narrow(s->spn, op->security->names[SECURITY_SPN]);
        narrow(s->server_dns, op->security->names[SECURITY_SERVER_DNS_NAME]);
        narrow(s->error_service, op->security->names[SECURITY_ERROR_SERVICE]);
        s->kerberos_error = op->security->error_code;
        s->kerberos_error_status = op->security->error_status;
        s->kerberos_server_time = op->security->error_server_time;
        s->skew_recovery = op->security->skew_recovery;
        s->mechanism = op->security->mechanism;
        s->client_flags[0] = op->security->client_flags[0];
        s->client_flags[1] = op->security->client_flags[1];
        s->server_flags = op->security->server_flags;
        s->has_state = op->security->has_state;
    }
}

static void note_flags(struct seen *s, const struct operation *op) {
    s->compound = op->compound;
    s->async = op->async;
    s->gap = op->gap;
    s->unasked = op->unasked;
    s->request_lost = op->request_lost;
    s->response_lost = op->response_lost;
    s->implicit = op->implicit;
    s->first_of_handle = op->first_of_handle;
    s->sums = op->sums;
    s->leg = op->leg;
    s->binding = op->session_binding;
    s->session_new = op->session_new;
    s->cleaned_up = op->cleaned_up;
    s->negotiate_differs = op->negotiate_differs;
    s->reconnect = op->durable_reconnect;
    s->has_delete_mark = op->has_delete_mark;
    s->delete_pending = op->delete_pending;
    s->interim = op->interim_responses;
    s->entries = op->has_entries ? (int64_t)op->entries : -1;
}

static void note_protection(struct seen *s, const struct operation *op) {
    s->ends_tree = op->ends_tree;
    s->ends_session = op->ends_session;
    if (op->session) {
        s->signing_required = op->session->signing_required;
        s->encryption_required = op->session->encryption_required;
        s->of_session = op->session->messages;
    }
    if (op->tree) {
        s->of_tree = op->tree->messages;
    }
}

static void note_end_sums(struct seen_end *e, const struct connection_facts *f) {
    e->offer = f->offer;
    e->agreed_cipher = f->agreed_cipher;
    e->signing_algorithm = f->signing_algorithm;
    e->signing_algorithm_known = f->signing_algorithm_known;
    e->session_sums_count = f->session_sums_count;
    e->share_sums_count = f->share_sums_count;
    for (unsigned i = 0; i < f->session_sums_count; i++) {
        e->session_sums[i] = f->session_sums[i];
    }
    for (unsigned i = 0; i < f->share_sums_count; i++) {
        e->share_sums[i] = f->share_sums[i];
        narrow(e->share_paths[i], f->share_sums[i].path);
        e->share_sums[i].path = (struct text){{NULL, 0}, ENC_ASCII};
    }
}

static void note_sums(struct seen *s, const struct operation *op) {
    s->bytes_read = op->bytes_read;
    s->bytes_written = op->bytes_written;
    if (op->handle) {
        s->sum_read = op->handle->bytes_read;
        s->sum_written = op->handle->bytes_written;
        s->directory = op->handle->directory;
        s->is_pipe = op->handle->is_pipe;
    }
    s->begin_ns = op->begin.time_ns;
    s->begin_frame = op->begin.frame;
    s->end_ns = op->end.time_ns;
    s->exchange_begin_ns = op->exchange_begin.time_ns;
}

static void note_others(struct seen *s, const struct operation *op) {
    s->timed_out = op->timed_out;
    s->resilient = op->resilient;
    s->taken_over = op->taken_over;
    s->has_takeover = op->takeover != NULL;
    s->takeover = op->takeover ? *op->takeover : s->takeover;
    s->has_change = op->change != NULL;
    s->change = op->change ? *op->change : s->change;
    for (unsigned i = 0; i < s->change.interface_count && i < 4; i++) {
        s->interfaces[i] = op->change->interfaces[i];
    }
}

static void note_smb1(struct seen *s, const struct operation *op) {
    const struct smb1_message *any = op->smb1_request ? op->smb1_request : op->smb1_response;
    if (!any) {
        return;
    }
    s->command = any->command;
    s->message_id = any->header.message_id;
    s->status = op->smb1_response && !op->unasked ? (int64_t)op->smb1_response->header.status : s->status;
    s->request = op->smb1_request != NULL;
    s->response = s->response || op->smb1_response != NULL;
}

static void on_operation(void *arg, const struct operation *op) {
    struct bench *b = arg;
    if (b->count++ >= BENCH_SEEN_MAX) {
        return;
    }
    struct seen *s = &b->seen[b->count - 1];
    *s = (struct seen){.kind = op->kind, .command = op->header ? op->header->command : -1};
    s->message_id = op->header ? op->header->message_id : 0;
    s->status = op->response ? (int64_t)op->response->header.status : -1;
    s->request = op->request != NULL;
    s->response = op->response != NULL;
    note_smb1(s, op);
    note_places(s, op);
    note_tokens(s, op);
    note_flags(s, op);
    note_sums(s, op);
    note_others(s, op);
    note_protection(s, op);
}

static void on_start(void *arg, const struct connection_facts *facts) {
    struct bench *b = arg;
    (void)facts;
    b->starts++;
}

static void on_end(void *arg, const struct connection_facts *f, enum flow_end_reason reason, struct moment at) {
    struct bench *b = arg;
    (void)reason, (void)at;
    b->ends++;
    b->end = (struct seen_end){
        .stages = f->stages,
        .idle_session = f->idle_session,
        .downgrade_signs = f->downgrade_signs,
        .signed_messages = f->signed_messages,
        .unsigned_messages = f->unsigned_messages,
        .refusal = f->refusal,
        .requests = f->requests,
        .errors = f->errors,
        .bytes_read = f->bytes_read,
        .bytes_written = f->bytes_written,
        .files_opened = f->files_opened,
        .files_written = f->files_written,
        .files_deleted = f->files_deleted,
        .user_count = f->user_count,
        .share_count = f->share_count,
        .dialect = f->dialect,
    };
    note_end_sums(&b->end, f);
    narrow(b->end.server_name, f->machines[MACHINE_SERVER].host);
    narrow(b->end.client, f->machines[MACHINE_CLIENT].host);
    if (f->user_count != 0) {
        narrow(b->end.first_user, f->users[1]);
    }
}

struct bench *bench_new(const struct model_limits *limits) {
    struct bench *b = calloc(1, sizeof *b);
    assert_non_null(b);
    struct model_sink sink = {b, on_start, on_operation, on_end};
    struct model_limits defaults = model_limits_default();
    b->budget.ceiling = SIZE_MAX;
    b->now = (struct moment){UINT64_C(1000000000) * 1000, 1};
    b->next_port = 49152;
    b->model = model_new(limits ? limits : &defaults, &sink, &b->budget, &b->stats, UINT64_C(0x5eed5eed5eed5eed));
    assert_non_null(b->model);
    return b;
}

void bench_pass(struct bench *b, uint64_t ns) {
    packet_clock_advance(&b->model->clock, b->now.time_ns);
    for (uint64_t step = CLOCK_STEP_NS; ns != 0; ns -= step) {
        step = step < ns ? step : ns;
        b->now.time_ns += step;
        packet_clock_advance(&b->model->clock, b->now.time_ns);
    }
}

void bench_free(struct bench *b) {
    assert_int_equal(b->starts, b->ends);
    model_free(b->model);
    assert_int_equal(b->budget.held, 0);
    free(b);
}

struct seen *bench_last(struct bench *b, unsigned n) {
    assert_true(b->count > n && b->count <= BENCH_SEEN_MAX);
    return &b->seen[b->count - 1 - n];
}

unsigned bench_count(const struct bench *b, enum operation_kind kind, const char *name) {
    unsigned found = 0;
    assert_true(b->count <= BENCH_SEEN_MAX);
    for (unsigned i = 0; i < b->count; i++) {
        found += b->seen[i].kind == kind && (!name || strcmp(b->seen[i].name, name) == 0);
    }
    return found;
}

struct text bench_text(struct bench *b, const char *ascii) {
    uint8_t *to = b->texts[b->text++ % BENCH_TEXTS];
    size_t n = strlen(ascii);
    assert_true(n <= BENCH_NAME_MAX);
    for (size_t i = 0; i < n; i++) {
        to[2 * i] = (uint8_t)ascii[i];
        to[2 * i + 1] = 0;
    }
    return text_utf16((struct view){to, 2 * n});
}

/* ---- connections */

static struct peer open_peer(struct bench *b, uint8_t client, uint8_t server, bool start_seen) {
    static const uint8_t json[] = "\"flow\":1";
    struct peer p = {.b = b, .first = true, .last = true};
    struct flow_facts *flow = calloc(1, sizeof *flow); /* where it stays while the peer is moved about */
    assert_non_null(flow);
    flow->client = (struct endpoint){{{192, 0, 2, client}, 4}, (uint16_t)b->next_port++};
    flow->server = (struct endpoint){{{192, 0, 2, server}, 4}, 445};
    flow->start_seen = start_seen;
    flow->first = flow->last = b->now;
    p.flow = flow;
    p.c = connection_new(b->model, flow, 0, (struct view){json, sizeof json - 1});
    assert_non_null(p.c);
    connection_start(p.c);
    return p;
}

struct peer peer_open(struct bench *b, uint8_t client, uint8_t server) {
    return open_peer(b, client, server, true);
}

struct peer peer_open_midstream(struct bench *b, uint8_t client, uint8_t server) {
    return open_peer(b, client, server, false);
}

static void tick(struct bench *b) {
    b->now.time_ns += 1000000;
    b->now.frame++;
}

void peer_close(struct peer *p) {
    tick(p->b);
    p->flow->last = p->b->now;
    connection_end(p->c, FLOW_END_FIN, p->b->now);
    free(p->flow);
    *p = (struct peer){0};
}

/* ---- messages */

struct smb2_message peer_ask(struct peer *p, uint16_t command) {
    struct smb2_message q = {0};
    q.header.command = command;
    q.header.message_id = p->next_message_id++;
    q.header.session_id = p->session_id;
    q.header.tree_id = p->tree_id;
    q.header.flags = p->flags;
    return q;
}

struct smb2_message peer_say(struct peer *p, uint16_t command, uint32_t status) {
    struct smb2_message r = {0};
    r.response = true;
    r.is_error = status >> 30 == 3 && status != STATUS_MORE_PROCESSING_REQUIRED;
    r.header.command = command;
    r.header.message_id = p->next_message_id - 1;
    r.header.session_id = p->session_id;
    r.header.tree_id = p->tree_id;
    r.header.status = status;
    r.header.flags = p->flags | SMB2_FLAGS_SERVER_TO_REDIR;
    return r;
}

/* The message and the pdu that say what they are on the stack of a function that returns: nobody may keep them. */
static void deliver(struct peer *p, enum direction dir, const struct smb2_message *m) {
    tick(p->b);
    struct message *message = calloc(1, sizeof *message);
    struct pdu *pdu = calloc(1, sizeof *pdu);
    assert_true(message && pdu);
    *message = (struct message){
        .kind = MESSAGE_SMB2,
        .length = 64,
        .first = p->first,
        .last = p->last,
        .missing = p->missing,
        .doubtful = p->doubtful,
        .begin = p->b->now,
        .end = p->b->now,
    };
    pdu->kind = PDU_SMB2;
    pdu->smb2 = *m;
    connection_message(p->c, dir, message);
    if (p->claims && dir == TO_SERVER) {
        struct pdu claim = {.kind = PDU_NTLM, .ntlm = {.type = NTLM_AUTHENTICATE, .nt_response_length = 200}};
        claim.ntlm.user = claim.ntlm.workstation = bench_text(p->b, p->claims);
        claim.ntlm.domain = bench_text(p->b, "CORP");
        connection_pdu(p->c, &claim);
        p->claims = NULL;
    }
    if (p->token) {
        connection_pdu(p->c, p->token);
        p->token = NULL;
    }
    connection_pdu(p->c, pdu);
    memset(pdu, 0xa5, sizeof *pdu);
    free(pdu);
    free(message);
}

void peer_request(struct peer *p, const struct smb2_message *q) {
    deliver(p, TO_SERVER, q);
}

void peer_response(struct peer *p, const struct smb2_message *r) {
    deliver(p, TO_CLIENT, r);
}

void peer_exchange(struct peer *p, struct smb2_message *q, uint32_t status) {
    struct smb2_message r = peer_say(p, q->header.command, status);
    r.header.message_id = q->header.message_id;
    peer_request(p, q);
    peer_response(p, &r);
}

void peer_claim(struct peer *p, const char *user) {
    p->claims = user;
}

void peer_token(struct peer *p, const struct pdu *token) {
    p->token = token;
}

/* ---- operations */

void peer_negotiate(struct peer *p, uint8_t client_guid, uint8_t server_guid) {
    static const uint16_t dialects[] = {SMB2_DIALECT_0302, SMB2_DIALECT_0311};
    struct smb2_message q = peer_ask(p, SMB2_NEGOTIATE), r = peer_say(p, SMB2_NEGOTIATE, 0);
    q.header.session_id = r.header.session_id = 0;
    memset(q.negotiate_request.client_guid.bytes, client_guid, 16);
    q.negotiate_request.dialects.items = dialects;
    q.negotiate_request.dialects.count = 2;
    memset(r.negotiate_response.server_guid.bytes, server_guid, 16);
    r.negotiate_response.dialect = SMB2_DIALECT_0311;
    peer_request(p, &q);
    peer_response(p, &r);
}

void peer_login_status(struct peer *p, uint64_t session_id, const char *user, uint8_t flags, uint32_t status) {
    struct smb2_message q = peer_ask(p, SMB2_SESSION_SETUP), r = peer_say(p, SMB2_SESSION_SETUP, status);
    q.header.session_id = r.header.session_id = session_id;
    q.session_setup_request.flags = flags;
    if (user) {
        peer_claim(p, user);
    }
    peer_request(p, &q);
    peer_response(p, &r);
}

void peer_login(struct peer *p, uint64_t session_id, const char *user) {
    peer_login_status(p, session_id, user, 0, 0);
    p->session_id = session_id;
}

void peer_tree(struct peer *p, uint32_t tree_id, const char *path) {
    struct smb2_message q = peer_ask(p, SMB2_TREE_CONNECT), r = peer_say(p, SMB2_TREE_CONNECT, 0);
    q.header.tree_id = 0;
    q.tree_connect_request.path = bench_text(p->b, path);
    r.header.tree_id = tree_id;
    size_t n = strlen(path);
    bool pipe = n >= 4 && strcmp(path + n - 4, "IPC$") == 0;
    r.tree_connect_response.share_type = pipe ? SMB2_SHARE_TYPE_PIPE : SMB2_SHARE_TYPE_DISK;
    peer_request(p, &q);
    peer_response(p, &r);
    p->tree_id = tree_id;
}

void peer_settle(struct peer *p, uint64_t session_id, const char *user, const char *path) {
    peer_negotiate(p, 1, 2);
    peer_login(p, session_id, user);
    peer_tree(p, 1, path);
}

struct file_id bench_id(uint64_t n) {
    return (struct file_id){n, n | UINT64_C(1) << 32};
}

struct smb2_message peer_ask_create(struct peer *p, const char *name, uint32_t options) {
    struct smb2_message q = peer_ask(p, SMB2_CREATE);
    q.create_request.name = bench_text(p->b, name);
    q.create_request.create_options = options;
    return q;
}

struct smb2_message peer_say_created(struct peer *p, uint64_t id) {
    struct smb2_message r = peer_say(p, SMB2_CREATE, 0);
    r.create_response.file_id = bench_id(id);
    return r;
}

void peer_create(struct peer *p, const char *name, uint64_t id, uint32_t options) {
    struct smb2_message q = peer_ask_create(p, name, options), r = peer_say_created(p, id);
    peer_request(p, &q);
    peer_response(p, &r);
}

struct smb2_message peer_ask_file(struct peer *p, uint16_t command, uint64_t id) {
    struct smb2_message q = peer_ask(p, command);
    struct file_id file_id = id == UINT64_MAX ? (struct file_id){id, id} : bench_id(id);
    struct file_id *const places[SMB2_COMMANDS] = {
        [SMB2_CLOSE] = &q.close_request.file_id,
        [SMB2_FLUSH] = &q.flush_request.file_id,
        [SMB2_READ] = &q.read_request.file_id,
        [SMB2_WRITE] = &q.write_request.file_id,
        [SMB2_LOCK] = &q.lock_request.file_id,
        [SMB2_IOCTL] = &q.ioctl.file_id,
        [SMB2_QUERY_DIRECTORY] = &q.query_directory_request.file_id,
        [SMB2_CHANGE_NOTIFY] = &q.change_notify_request.file_id,
        [SMB2_QUERY_INFO] = &q.query_info_request.file_id,
        [SMB2_SET_INFO] = &q.set_info_request.file_id,
        [SMB2_OPLOCK_BREAK] = &q.oplock_break.file_id,
    };
    assert_non_null(places[command]);
    *places[command] = file_id;
    return q;
}

void peer_do(struct peer *p, uint16_t command, uint64_t id, uint32_t status) {
    struct smb2_message q = peer_ask_file(p, command, id);
    peer_exchange(p, &q, status);
}

void peer_close_file(struct peer *p, uint64_t id) {
    peer_do(p, SMB2_CLOSE, id, 0);
}

void peer_read(struct peer *p, uint64_t id, uint32_t bytes) {
    struct smb2_message q = peer_ask_file(p, SMB2_READ, id), r = peer_say(p, SMB2_READ, 0);
    r.read_response.data_length = bytes;
    peer_request(p, &q);
    peer_response(p, &r);
}

void peer_write(struct peer *p, uint64_t id, uint32_t bytes) {
    struct smb2_message q = peer_ask_file(p, SMB2_WRITE, id), r = peer_say(p, SMB2_WRITE, 0);
    r.write_response.count = bytes;
    peer_request(p, &q);
    peer_response(p, &r);
}

void peer_rename(struct peer *p, uint64_t id, const char *name, uint32_t status) {
    struct smb2_message q = peer_ask_file(p, SMB2_SET_INFO, id);
    q.set_info_request.change = SMB2_CHANGE_RENAME;
    q.set_info_request.whole = true;
    q.set_info_request.new_name = bench_text(p->b, name);
    peer_exchange(p, &q, status);
}

void peer_dispose(struct peer *p, uint64_t id, bool pending, uint32_t disposition_flags) {
    struct smb2_message q = peer_ask_file(p, SMB2_SET_INFO, id);
    q.set_info_request.change = SMB2_CHANGE_DISPOSITION;
    q.set_info_request.whole = true;
    q.set_info_request.whole = true;
    q.set_info_request.delete_pending = pending;
    q.set_info_request.disposition_flags = disposition_flags;
    peer_exchange(p, &q, 0);
}
