/* Which events of the Windows logs an operation or a connection is: the conditions of tables/windows_condition.def, as the catalogue
 * of these events gives them. */
#include <string.h>

#include "event/maker.h"
#include "event/service_name.h"
#include "event/stalls.h"

static void add_if(struct event_maker *m, bool holds, enum windows_condition condition) {
    m->windows_met[condition / 64] |= (uint64_t)holds << condition % 64;
}

static void add(struct event_maker *m, enum windows_condition condition) {
    add_if(m, true, condition);
}

/* ---- of each command its request and its response */

static bool has_request(const struct operation *op) {
    return op->request != NULL && !op->request_lost;
}

/* An answer with the body of its command; an interim one is none. */
static bool has_answer(const struct operation *op) {
    return op->response && !op->unasked && !op->response->is_error && op->response->header.status != STATUS_PENDING;
}

static bool is_lease_break(const struct smb2_message *message) {
    return message && message->header.command == SMB2_OPLOCK_BREAK && !message->empty && !message->is_error &&
           message->oplock_break.lease;
}

/* The conditions follow one another as the commands do by their numbers; CANCEL has no response. */
#define REQUEST_FOLLOWS(command)                                                            \
    _Static_assert(WINDOWS_REQUEST_##command - WINDOWS_REQUEST_NEGOTIATE == SMB2_##command, \
                   "in the order of the commands");
REQUEST_FOLLOWS(CANCEL)
REQUEST_FOLLOWS(OPLOCK_BREAK)
_Static_assert(WINDOWS_RESPONSE_IOCTL - WINDOWS_RESPONSE_NEGOTIATE == SMB2_IOCTL, "in the order of the commands");
_Static_assert(WINDOWS_RESPONSE_OPLOCK_BREAK - WINDOWS_RESPONSE_NEGOTIATE == SMB2_OPLOCK_BREAK - 1, "without CANCEL");

static void messages(struct event_maker *m, const struct operation *op) {
    unsigned command = op->header->command;
    if (command > SMB2_OPLOCK_BREAK) {
        return;
    }
    bool lease = command == SMB2_OPLOCK_BREAK && (is_lease_break(op->request) || is_lease_break(op->response));
    if (has_request(op)) {
        add(m, lease ? WINDOWS_REQUEST_LEASE_BREAK : WINDOWS_REQUEST_NEGOTIATE + command);
    }
    if (has_answer(op) && command != SMB2_CANCEL) {
        add(m, lease ? WINDOWS_RESPONSE_LEASE_BREAK : WINDOWS_RESPONSE_NEGOTIATE + command - (command > SMB2_CANCEL));
    }
    add_if(m, lease && op->unasked && is_lease_break(op->response), WINDOWS_LEASE_NOTIFICATION);
    add_if(m, op->response && op->response->is_error && op->response->header.status >> 30 == 3, WINDOWS_RESPONSE_ERROR);
}

/* ---- SMB1 */

static bool smb1_answered(const struct operation *op) {
    return op->smb1_response && !op->unasked;
}

/* Answered in SMB2 it is op->response, and no use of SMB1. */
static void smb1_negotiate(struct event_maker *m, const struct operation *op) {
    const struct smb1_message *q = op->smb1_request, *r = op->smb1_response;
    bool both = q && !q->empty && smb1_offers_smb2(&q->negotiate_request.dialects);
    bool chose = r && op->choice == CHOICE_MADE;
    add_if(m, q != NULL, WINDOWS_ATTEMPT);
    add_if(m, q && !q->empty && !both, WINDOWS_SMB1_ASKED);
    add_if(m, chose, WINDOWS_SMB1_NEGOTIATED);
    add_if(m, chose || (has_answer(op) && op->connection->dialect != SMB2_DIALECT_02FF), WINDOWS_NEGOTIATED);
    add_if(m, r && op->choice == CHOICE_NONE, WINDOWS_NEGOTIATE_REFUSED);
    add_if(m, chose && both, WINDOWS_SMB2_OFF);
    if (chose && r->negotiate_response.nt_lan_manager) {
        add_if(m, !(r->negotiate_response.security_mode & NEGOTIATE_SECURITY_SIGNATURES_REQUIRED),
               WINDOWS_SIGNING_NOT_REQUIRED);
    }
}

/* ---- who: the same of all versions */

struct setup_outcome {
    bool answered, accepted, guest;
};

static struct setup_outcome outcome_of(const struct operation *op) {
    struct setup_outcome o = {0};
    if (op->leg) {
        return o;
    }
    if (smb1_answered(op)) {
        o.answered = true;
        o.accepted = !op->failed;
        o.guest = o.accepted && !op->smb1_response->empty && !op->smb1_response->is_error &&
                  (op->smb1_response->session_setup_response.action & SMB_SETUP_GUEST);
    } else if (op->response) {
        o.answered = true;
        o.accepted = op->response->header.status == STATUS_SUCCESS;
        o.guest = o.accepted && has_answer(op) && !op->response->empty &&
                  (op->response->session_setup_response.session_flags & SMB2_SESSION_FLAG_IS_GUEST);
    }
    return o;
}

/* The server's token said that the client is who it says, before the server refused it all the same. */
static bool proved(const struct security_facts *s) {
    enum { ACCEPT_COMPLETED = 0 }; /* RFC 4178 4.2.2 */
    return s->reply.known || (s->has_state && s->state == ACCEPT_COMPLETED);
}

/* NTLM's keys have 128 bits, MS-NLMP 3.4.5; Kerberos' as many as the encryption of the AP-REP, or else of the authenticator, takes. */
static bool key_below_256_bits(const struct security_facts *s) {
    enum { AES256_SHA1 = 18, AES256_SHA384 = 20, CAMELLIA256 = 26 }; /* RFC 3962, 8009, 6803 */
    uint32_t kind = s->reply.known ? s->reply.encryption : s->authenticator.encryption;
    bool known = s->reply.known || s->authenticator.known;
    return s->mechanism == MECHANISM_NTLM ||
           (known && kind != AES256_SHA1 && kind != AES256_SHA384 && kind != CAMELLIA256);
}

/* A status that says what is wrong with the account, or with its being here: then the key is not what is. */
static bool blames_account(uint32_t status) {
    switch (status) {
    case STATUS_LOGON_FAILURE:
    case STATUS_ACCOUNT_RESTRICTION:
    case STATUS_INVALID_LOGON_HOURS:
    case STATUS_INVALID_WORKSTATION:
    case STATUS_PASSWORD_EXPIRED:
    case STATUS_ACCOUNT_DISABLED:
    case STATUS_LOGON_TYPE_NOT_GRANTED:
    case STATUS_ACCOUNT_EXPIRED:
    case STATUS_PASSWORD_MUST_CHANGE:
    case STATUS_ACCOUNT_LOCKED_OUT:
        return true;
    default:
        return false;
    }
}

static bool key_too_short(const struct operation *op) {
    const struct smb1_message *r1 = op->smb1_response;
    uint32_t status = op->response ? op->response->header.status : r1 && r1->header.nt_status ? r1->header.status : 0;
    bool anonymous = op->auth && op->auth->kind == AUTH_ANONYMOUS; /* it has no key */
    return op->security && !anonymous && !blames_account(status) && proved(op->security) &&
           key_below_256_bits(op->security);
}

static void session_setup(struct event_maker *m, const struct operation *op) {
    struct setup_outcome o = outcome_of(op);
    const struct auth_facts *a = op->auth;
    add_if(m, o.answered && !o.accepted && key_too_short(op), WINDOWS_KEY_TOO_SHORT);
    add_if(m, o.answered && !o.accepted, WINDOWS_SESSION_REFUSED);
    add_if(m, o.answered && !o.accepted, WINDOWS_SESSION_FAILED);
    add_if(m, o.answered && !o.accepted && a && a->kind == AUTH_ANONYMOUS, WINDOWS_ANONYMOUS_REFUSED);
    add_if(m, o.accepted, WINDOWS_SESSION_ACCEPTED);
    add_if(m, o.guest, WINDOWS_GUEST);
    add_if(m, a && a->kind == AUTH_NTLMV1, WINDOWS_NTLMV1);
    enum service_name service = service_name_judge(op);
    add_if(m, service == SERVICE_NAME_MISSING, WINDOWS_SERVICE_NAME_MISSING);
    add_if(m, service == SERVICE_NAME_EMPTY, WINDOWS_SERVICE_NAME_EMPTY);
    add_if(m, service == SERVICE_NAME_FOREIGN, WINDOWS_SERVICE_NAME_FOREIGN);
}

/* The first answer says which session was made. */
static bool allocates(const struct operation *op, enum detail detail) {
    if (!has_request(op) || !op->response || op->response->header.session_id == 0 || !op->session_new) {
        return false;
    }
    bool later_leg = detail == DETAIL_HANDLES && op->exchange_begin.frame != op->begin.frame;
    return op->request->header.session_id == 0 || later_leg;
}

static void smb2_session_setup(struct event_maker *m, const struct operation *op, enum detail detail) {
    const struct connection_facts *c = op->connection;
    struct setup_outcome o = outcome_of(op);
    const struct smb2_session_setup_request *q =
        has_request(op) && !op->request->empty ? &op->request->session_setup_request : NULL;
    bool signs = q && (q->security_mode & (SMB2_NEGOTIATE_SIGNING_ENABLED | SMB2_NEGOTIATE_SIGNING_REQUIRED));
    add_if(m, o.accepted && op->session_new, WINDOWS_SESSION_AUTHENTICATED);
    add_if(m, o.accepted && op->session_binding, WINDOWS_SESSION_BOUND);
    add_if(m, allocates(op, detail), WINDOWS_SESSION_ALLOCATED);
    m->event.takes_over = o.accepted && q && q->previous_session_id != 0 && q->previous_session_id != op->session_id;
    add_if(m, m->event.takes_over, WINDOWS_SESSION_ENDED);
    add_if(m, q && !signs && c->client_mode_known && c->client_security_mode == 0, WINDOWS_CLIENT_CANNOT_SIGN);
    bool denied = o.answered && op->response->header.status == STATUS_ACCESS_DENIED;
    bool nobody = op->auth && op->auth->kind == AUTH_ANONYMOUS;
    bool cipher = c->cipher != 0 || c->dialect == 0 ||
                  (c->dialect >= SMB2_DIALECT_0300 && c->dialect < SMB2_DIALECT_0311); /* there a capability says so */
    add_if(m, denied && !nobody && !cipher, WINDOWS_ENCRYPTION_MISSING);
}

/* ---- NEGOTIATE */

static uint16_t highest(struct u16_list dialects) {
    uint16_t most = 0;
    for (unsigned i = 0; i < dialects.count; i++) {
        most = dialects.items[i] > most ? dialects.items[i] : most;
    }
    return most;
}

static bool has_context(const struct smb2_negotiate_contexts *c, unsigned type) {
    return c->present >> type & 1;
}

/* An encryption context was asked with, and the answer has none, or none of its ciphers. */
static bool no_common_cipher(const struct smb2_negotiate_request *q, const struct smb2_negotiate_response *r) {
    if (!has_context(&q->contexts, SMB2_ENCRYPTION_CAPABILITIES) || r->dialect != SMB2_DIALECT_0311) {
        return false;
    }
    return r->contexts.ciphers.count == 0 || r->contexts.ciphers.items[0] == 0;
}

static bool cannot_encrypt(const struct smb2_negotiate_request *q, const struct smb2_negotiate_response *r) {
    uint16_t most = highest(q->dialects);
    if (most < SMB2_DIALECT_0300) {
        return q->dialects.count != 0;
    }
    if (!r) {
        return false;
    }
    if (r->dialect == SMB2_DIALECT_0311) {
        return !has_context(&q->contexts, SMB2_ENCRYPTION_CAPABILITIES) || no_common_cipher(q, r);
    }
    return (r->dialect == SMB2_DIALECT_0300 || r->dialect == SMB2_DIALECT_0302) &&
           !(q->capabilities & SMB2_GLOBAL_CAP_ENCRYPTION);
}

static void negotiate(struct event_maker *m, const struct operation *op) {
    const struct smb2_negotiate_request *q =
        has_request(op) && !op->request->empty ? &op->request->negotiate_request : NULL;
    const struct smb2_negotiate_response *r =
        has_answer(op) && !op->response->empty ? &op->response->negotiate_response : NULL;
    uint32_t status = op->response ? op->response->header.status : STATUS_SUCCESS;
    bool final = r && r->dialect != SMB2_DIALECT_02FF;
    add_if(m, q != NULL, WINDOWS_ATTEMPT);
    add_if(m, final, WINDOWS_NEGOTIATED);
    add_if(m, op->response && op->response->is_error, WINDOWS_NEGOTIATE_REFUSED);
    add_if(m, q && q->dialects.count != 0 && status == STATUS_NOT_SUPPORTED, WINDOWS_DIALECT_REFUSED);
    add_if(m, q && final && no_common_cipher(q, r), WINDOWS_NO_COMMON_CIPHER);
    add_if(m, q && cannot_encrypt(q, r), WINDOWS_CLIENT_CANNOT_ENCRYPT);
    add_if(m, op->change && op->change->has_dialect, WINDOWS_DIALECT_LIMIT_CHANGED);
    if (final) {
        add_if(m, !(r->security_mode & SMB2_NEGOTIATE_SIGNING_REQUIRED), WINDOWS_SIGNING_NOT_REQUIRED);
        add_if(m, r->dialect >= SMB2_DIALECT_0210 && !(r->capabilities & SMB2_GLOBAL_CAP_LEASING), WINDOWS_LEASING_OFF);
    }
}

/* ---- shares */

/* Of an answer in the clear nothing follows: a server may have nobody to encrypt it for. */
static bool is_plain(const struct operation *op) {
    unsigned command = op->header->command;
    bool session = op->session && (op->session->flags & SMB2_SESSION_FLAG_ENCRYPT_DATA);
    bool share = op->tree && (op->tree->flags & SMB2_SHAREFLAG_ENCRYPT_DATA) && command != SMB2_TREE_CONNECT;
    return has_request(op) && command > SMB2_SESSION_SETUP && (session || share);
}

static bool is_anonymous(const struct operation *op) {
    return op->session && op->session->auth && op->session->auth->kind == AUTH_ANONYMOUS;
}

static bool succeeded(const struct operation *op) {
    return op->response && op->response->header.status == STATUS_SUCCESS;
}

static bool denied(const struct operation *op) {
    return op->response && op->response->header.status == STATUS_ACCESS_DENIED;
}

static void tree_connect(struct event_maker *m, const struct operation *op) {
    const struct tree_facts *t = op->tree;
    bool connected = succeeded(op);
    add_if(m, connected, WINDOWS_SHARE_CONNECTED);
    add_if(m, connected, WINDOWS_TREE_ALLOCATED);
    add_if(m, denied(op) && !is_plain(op), WINDOWS_SHARE_DENIED); /* where it is, that is why */
    add_if(m, denied(op) && !is_plain(op) && is_anonymous(op), WINDOWS_SHARE_DENIED_ANONYMOUS);
    add_if(m, op->change && op->change->has_cluster_dialect, WINDOWS_CLUSTER_DIALECT_CHANGED);
    if (connected && t && t->has_access) {
        add_if(m, t->flags & SMB2_SHAREFLAG_ACCESS_BASED_DIRECTORY_ENUM, WINDOWS_ACCESS_BASED_ENUMERATION);
        add_if(m, is_anonymous(op) && t->share_type == SMB2_SHARE_TYPE_DISK, WINDOWS_ANONYMOUS_ALLOWED);
    }
}

/* ---- files */

/* More was asked for than the share gives; what is generic, or as much as there is, is not known before it was mapped. */
static bool beyond_share(const struct tree_facts *t, uint32_t desired) {
    enum { UNMAPPED = 0x02000000 };
    uint32_t known = desired & ~(UINT32_C(0xF0000000) | UNMAPPED);
    return t && t->has_access && (known & ~t->maximal_access) != 0;
}

static void create(struct event_maker *m, const struct operation *op) {
    const struct smb2_create_request *q = has_request(op) && !op->request->empty ? &op->request->create_request : NULL;
    const struct smb2_create_response *r =
        has_answer(op) && !op->response->empty ? &op->response->create_response : NULL;
    bool reopens = q && q->contexts.durable_reconnect, opened = succeeded(op) && has_answer(op);
    bool failed = op->response && op->response->header.status >> 30 == 3;
    add_if(m, opened, WINDOWS_OPENED);
    add_if(m, opened && reopens, WINDOWS_REOPENED);
    add_if(m, failed && reopens, WINDOWS_REOPEN_FAILED);
    add_if(m, op->timed_out, WINDOWS_HANDLE_TIMED_OUT);
    add_if(m, opened && op->kind == OPERATION_OPEN_PIPE && is_anonymous(op), WINDOWS_ANONYMOUS_ALLOWED);
    add_if(m, q && denied(op) && !is_plain(op) && beyond_share(op->tree, q->desired_access), WINDOWS_SHARE_DENIED);
    bool available = op->tree && (op->tree->capabilities & SMB2_SHARE_CAP_CONTINUOUS_AVAILABILITY);
    bool persists = r && r->contexts.persistent;
    add_if(m, q && q->contexts.persistent && available && op->response && !persists, WINDOWS_PERSISTENCE_REFUSED);
}

static void ends(struct event_maker *m, const struct operation *op) {
    bool done = succeeded(op);
    switch (op->header->command) {
    case SMB2_CLOSE:
        add_if(m, done, WINDOWS_HANDLE_CLOSED);
        add_if(m, done, WINDOWS_HANDLE_ENDED);
        break;
    case SMB2_TREE_DISCONNECT:
        add_if(m, done, WINDOWS_TREE_DISCONNECTED);
        add_if(m, done, WINDOWS_TREE_ENDED);
        break;
    case SMB2_LOGOFF:
        add_if(m, done, WINDOWS_SESSION_ENDED);
        break;
    case SMB2_SERVER_TO_CLIENT_NOTIFICATION: /* the one there is says that the session was closed, MS-SMB2 2.2.44.1 */
        add_if(m, op->unasked, WINDOWS_SESSION_ENDED);
        break;
    default:
        break;
    }
    add_if(m, op->response && op->response->header.status == STATUS_USER_SESSION_DELETED, WINDOWS_SESSION_ENDED);
    add_if(m, op->cleaned_up, WINDOWS_SESSION_CLEANED_UP);
}

/* ---- rules of signing and encryption */

/* The server closed instead of an answer, of which nothing was missed and which was not put off; CANCEL has none. */
static bool answered_by_close(const struct operation *op) {
    const struct flow_facts *f = op->connection->flow;
    bool could = op->header->command != SMB2_CANCEL && op->interim_responses == 0;
    return op->response_lost && could && f->server_closed && f->missed_bytes[TO_CLIENT] == 0;
}

/* Of what was refused, in words or by a close. */
static void rules(struct event_maker *m, const struct operation *op) {
    if (!denied(op) && !answered_by_close(op)) {
        return;
    }
    unsigned command = op->header->command;
    bool needs_no_right = command == SMB2_ECHO || command == SMB2_LOGOFF || command == SMB2_TREE_DISCONNECT;
    bool is_signed = has_request(op) && (op->request->header.flags & SMB2_FLAGS_SIGNED);
    add_if(m, is_plain(op), WINDOWS_MESSAGE_PLAIN);
    add_if(m, denied(op) && is_signed && needs_no_right, WINDOWS_SIGNATURE_REFUSED);
}

/* ---- failover */

/* What a server may say that wants its clients at another address of the cluster, or is losing the share; others say something of a
 * file, a right or the request. */
static bool says_go_away(uint32_t status) {
    switch (status) {
    case STATUS_DEVICE_NOT_READY:
    case STATUS_IO_TIMEOUT:
    case STATUS_FILE_FORCED_CLOSED:
    case STATUS_UNEXPECTED_NETWORK_ERROR:
    case STATUS_NETWORK_NAME_DELETED:
    case STATUS_CONNECTION_DISCONNECTED:
    case STATUS_CONNECTION_RESET:
    case STATUS_RETRY:
    case STATUS_CONNECTION_ABORTED:
    case STATUS_VOLUME_DISMOUNTED:
    case STATUS_SHUTDOWN_IN_PROGRESS:
    case STATUS_HOST_DOWN:
    case STATUS_SERVER_UNAVAILABLE:
    case STATUS_FILE_NOT_AVAILABLE:
    case STATUS_CLUSTER_NODE_DOWN:
        return true;
    default:
        return false;
    }
}

static bool sends_away(const struct operation *op) {
    bool failed = op->response && op->response->header.status >> 30 == 3;
    return failed && op->tree && (op->tree->capabilities & SMB2_SHARE_CAP_CONTINUOUS_AVAILABILITY) &&
           says_go_away(op->response->header.status);
}

/* ---- answers that are late */

static bool waits(const struct operation *op) {
    switch (op->kind) {
    case OPERATION_NOTIFY:
    case OPERATION_LOCK:
    case OPERATION_OPLOCK_BREAK:
    case OPERATION_READ_PIPE:
    case OPERATION_WRITE_PIPE:
    case OPERATION_TRANSACT_PIPE:
    case OPERATION_OPEN_PIPE:
        return true;
    case OPERATION_IOCTL: /* such as FSCTL_PIPE_WAIT */
        return op->tree && op->tree->share_type == SMB2_SHARE_TYPE_PIPE;
    default:
        return op->unasked || op->implicit || (op->handle && op->handle->is_pipe);
    }
}

static bool has_both(const struct operation *op) {
    bool answered = (op->request && op->response) || (op->smb1_request && op->smb1_response);
    return answered && !op->request_lost && !op->response_lost;
}

bool maker_is_slow(const struct event_maker *m, const struct operation *op) {
    return m->slow_ns != 0 && has_both(op) && op->end.time_ns >= op->begin.time_ns + m->slow_ns && !waits(op);
}

/* It was under way until the packet at hand, which brought its last byte. Where some are missing it may have been over before. */
uint64_t maker_stalled_ns(const struct event_maker *m, const struct operation *op, uint8_t *causes) {
    const struct flow_facts *flow = op->connection->flow;
    if (!flow->trouble || m->slow_ns == 0 || op->gap || flow->last.time_ns < op->begin.time_ns + m->slow_ns ||
        !has_both(op) || waits(op)) {
        return 0;
    }
    uint64_t ns = stalls_during(flow->trouble, op->begin.time_ns, flow->last.time_ns, causes);
    return ns >= m->slow_ns ? ns : 0;
}

bool maker_notable(const struct operation *op) {
    const struct smb2_message *any = op->request ? op->request : op->response;
    if (op->downgrade_signs != 0) {
        return true;
    }
    return any && (op->kind == OPERATION_NEGOTIATE || (op->kind == OPERATION_IOCTL && !any->empty && !any->is_error &&
                                                       any->ioctl.ctl_code == FSCTL_VALIDATE_NEGOTIATE_INFO));
}

/* ---- the whole */

static void smb2_operation(struct event_maker *m, const struct operation *op, enum detail detail) {
    messages(m, op);
    switch (op->header->command) {
    case SMB2_NEGOTIATE:
        negotiate(m, op);
        break;
    case SMB2_SESSION_SETUP:
        session_setup(m, op);
        smb2_session_setup(m, op, detail);
        break;
    case SMB2_TREE_CONNECT:
        tree_connect(m, op);
        break;
    case SMB2_CREATE:
        create(m, op);
        break;
    case SMB2_IOCTL:
        add_if(m, op->negotiate_differs, WINDOWS_NEGOTIATE_ALTERED);
        add_if(m, op->change && op->change->interface_count != 0, WINDOWS_INTERFACES_CHANGED);
        break;
    default:
        break;
    }
    add_if(m, op->takeover != NULL, WINDOWS_HANDLE_TAKEN_OVER);
    ends(m, op);
    rules(m, op);
    m->event.sends_away = sends_away(op);
}

static void smb1_operation(struct event_maker *m, const struct operation *op) {
    if (op->kind == OPERATION_NEGOTIATE) {
        smb1_negotiate(m, op);
    } else if (op->kind == OPERATION_SESSION_SETUP) {
        session_setup(m, op);
    } else if (op->kind == OPERATION_TREE_CONNECT) {
        add_if(m, smb1_answered(op) && !op->failed, WINDOWS_SHARE_CONNECTED);
    }
}

static void begin(struct event_maker *m) {
    memset(m->windows_met, 0, sizeof m->windows_met);
}

/* The events of the conditions, in the order of their table. */
static void list_events(struct event_maker *m, struct windows_told *t) {
    if (!m->windows_indexed) {
        windows_index_make(&m->windows_index);
        m->windows_indexed = true;
    }
    memcpy(t->met, m->windows_met, sizeof t->met);
    t->count = 0;
    for (unsigned word = 0; word < WINDOWS_MET_WORDS; word++) {
        for (uint64_t left = t->met[word]; left != 0; left &= left - 1) {
            unsigned condition = word * 64 + (unsigned)__builtin_ctzll(left);
            unsigned end = m->windows_index.first[condition + 1];
            for (unsigned row = m->windows_index.first[condition]; row < end && t->count < WINDOWS_RECORD_MAX; row++) {
                t->items[t->count++] = &windows_events[m->windows_index.rows[row]];
            }
        }
    }
}

/* The list as JSON, where there is room. */
static void write_events(struct windows_told *t) {
    unsigned length = 0;
    for (unsigned i = 0; i < t->count; i++) {
        const struct windows_event *event = t->items[i];
        if (length + event->json_length + 2 > WINDOWS_JSON_SIZE) {
            length = 0;
            break;
        }
        t->json[length++] = i == 0 ? '[' : ',';
        memcpy(t->json + length, event->json, event->json_length);
        length += event->json_length;
    }
    if (length != 0) {
        t->json[length++] = ']';
    }
    t->json_length = length;
}

/* As a fact. Those of few commands and outcomes are nearly all that there are: their lists are at hand. */
static void tell(struct event_maker *m) {
    uint64_t mixed = 0;
    for (unsigned word = 0; word < WINDOWS_MET_WORDS; word++) {
        mixed = (mixed ^ m->windows_met[word]) * UINT64_C(0x9e3779b97f4a7c15);
    }
    struct windows_told *t = &m->windows_told[mixed >> (64 - WINDOWS_TOLD_BITS)];
    if (memcmp(t->met, m->windows_met, sizeof t->met) != 0) {
        list_events(m, t);
        write_events(t);
    }
    event_windows_written(&m->event, t->items, t->count, t->json, t->json_length);
}

void maker_windows_operation(struct event_maker *m, const struct operation *op, enum detail detail) {
    begin(m);
    if (op->implicit) {
        add_if(m, op->handle != NULL && op->connection->version != 1, WINDOWS_HANDLE_ENDED); /* an event of SMB2 */
    } else if (op->smb1_request || op->smb1_response) {
        smb1_operation(m, op);
        if (op->response) {
            messages(m, op);
        }
    } else if (op->header) {
        smb2_operation(m, op, detail);
    }
    uint8_t causes;
    add_if(m, maker_is_slow(m, op), WINDOWS_SLOW);
    add_if(m, maker_stalled_ns(m, op, &causes) != 0, WINDOWS_SLOW_NETWORK);
    tell(m);
}

enum { NETBIOS_PORT = 139, NETBIOS_POSITIVE = 0x82, NETBIOS_NEGATIVE = 0x83 }; /* RFC 1002 4.3.1 */

/* On port 139 a connection stands when the session service said so, which its end record tells. */
void maker_windows_start(struct event_maker *m, const struct connection_facts *c) {
    begin(m);
    bool stands = c->flow->start_seen && c->flow->server.port != NETBIOS_PORT;
    add_if(m, stands, WINDOWS_TCP_STAGE);
    add_if(m, stands, WINDOWS_TCP_ESTABLISHED);
    tell(m);
}

static bool one_of(const struct connection_facts *c, unsigned stages) {
    return (c->stages & stages) != 0;
}

bool maker_both_seen(const struct flow_facts *f) {
    return f->packets[TO_SERVER] != 0 && f->packets[TO_CLIENT] != 0;
}

bool maker_hung_up(const struct connection_facts *c, enum flow_end_reason reason) {
    return (reason == FLOW_END_FIN || reason == FLOW_END_RST) && c->flow->server_closed &&
           c->flow->packets[TO_SERVER] != 0 && c->flow->missed_bytes[TO_CLIENT] == 0;
}

/* All of it was seen, so that what it did not come to did not happen. */
static bool seen_whole(const struct connection_facts *c, enum flow_end_reason reason) {
    const struct flow_facts *f = c->flow;
    return f->start_seen && f->gaps[TO_SERVER] + f->gaps[TO_CLIENT] == 0 && reason != FLOW_END_CAPTURE_END &&
           reason != FLOW_END_EVICTED;
}

/* How far it came. What was asked and not answered was refused where the server closed, and nothing it said is missing. */
static void stages(struct event_maker *m, const struct connection_facts *c, bool hung_up, bool whole) {
    bool negotiate_failed = one_of(c, STAGE_NEGOTIATE_REFUSED) || (hung_up && one_of(c, STAGE_NEGOTIATE_UNANSWERED));
    bool session_failed = one_of(c, STAGE_SESSION_REFUSED) || (hung_up && one_of(c, STAGE_SESSION_UNANSWERED));
    bool nothing = !one_of(c, STAGE_SESSION | STAGE_TREE) && whole;
    add_if(m, one_of(c, STAGE_NEGOTIATE_ASKED), WINDOWS_ATTEMPT);
    add_if(m, one_of(c, STAGE_NEGOTIATED), WINDOWS_NEGOTIATED);
    add_if(m, negotiate_failed, WINDOWS_NEGOTIATE_REFUSED);
    add_if(m, one_of(c, STAGE_SESSION), WINDOWS_SESSION_ACCEPTED);
    add_if(m, session_failed, WINDOWS_SESSION_FAILED);
    add_if(m, nothing && (negotiate_failed || session_failed || (hung_up && one_of(c, STAGE_ESTABLISHED))),
           WINDOWS_CONNECT_FAILED);
    add_if(m, one_of(c, STAGE_TREE_REFUSED) && !one_of(c, STAGE_TREE) && whole, WINDOWS_CONNECT_FAILED);
}

static void transport(struct event_maker *m, const struct connection_facts *c, enum flow_end_reason reason) {
    bool refused = reason == FLOW_END_REFUSED || reason == FLOW_END_UNANSWERED;
    bool closed = reason == FLOW_END_FIN || reason == FLOW_END_RST;
    bool netbios = c->flow->server.port == NETBIOS_PORT, positive = c->netbios_answer == NETBIOS_POSITIVE;
    bool stands = c->flow->start_seen && one_of(c, STAGE_ESTABLISHED) && (!netbios || positive);
    add_if(m, stands, WINDOWS_TCP_STAGE);
    add_if(m, stands && netbios, WINDOWS_TCP_ESTABLISHED);
    add_if(m, netbios && c->netbios_answer == NETBIOS_NEGATIVE, WINDOWS_CONNECT_FAILED);
    add_if(m, refused, WINDOWS_TCP_FAILED);
    add_if(m, refused, WINDOWS_CONNECT_FAILED);
    add_if(m, closed && maker_both_seen(c->flow) && !c->flow->server_closed, WINDOWS_CLOSED_BY_CLIENT);
    add_if(m, closed, WINDOWS_CONNECTION_ENDED);
    add_if(m, closed && one_of(c, STAGE_LOST), WINDOWS_CONNECTION_LOST);
    add_if(m, closed && one_of(c, STAGE_SESSION_LIVES) && c->version != 1, WINDOWS_SESSION_ENDED); /* events of SMB2 */
    add_if(m, closed && c->idle_session, WINDOWS_SESSION_CLEANED_UP);
    add_if(m, closed && one_of(c, STAGE_DURABLE_LIVES), WINDOWS_HANDLE_PRESERVED);
    add_if(m, closed && one_of(c, STAGE_TREE_LIVES) && c->version != 1, WINDOWS_TREE_ENDED);
    add_if(m, c->version != 0, WINDOWS_MESSAGES);
}

void maker_windows_end(struct event_maker *m, const struct connection_facts *c, enum flow_end_reason reason) {
    bool hung_up = maker_hung_up(c, reason);
    begin(m);
    stages(m, c, hung_up, seen_whole(c, reason));
    transport(m, c, reason);
    add_if(m, hung_up && one_of(c, STAGE_STRANGE_SESSION), WINDOWS_UNDECRYPTABLE);
    add_if(m, hung_up && one_of(c, STAGE_VALIDATE_UNANSWERED), WINDOWS_NEGOTIATE_ALTERED);
    tell(m);
}
