/* How sessions and shares are signed and encrypted: what was offered, what is required, and what came of it. */
#include <string.h>

#include "base/digits.h"
#include "event/maker.h"

/* ---- of operations */

static void known_bool(struct event *e, enum field field, enum known value) {
    if (value != NOT_KNOWN) {
        event_bool(e, field, value == KNOWN_YES);
    }
}

/* What the connection agreed on. */
static void agreed(struct event *e, const struct connection_facts *c) {
    if (c->agreed_cipher != 0) {
        event_named(e, FIELD_CIPHER, c->agreed_cipher, &names_cipher, 4);
    }
    if (c->signing_algorithm_known) {
        event_named(e, FIELD_SIGNING_ALGORITHM, c->signing_algorithm, &names_signing_algorithm, 4);
    }
}

static void of_session(struct event *e, const struct session_facts *s) {
    if (s) {
        known_bool(e, FIELD_SIGNING_REQUIRED, s->signing_required);
        known_bool(e, FIELD_ENCRYPTION_REQUIRED, s->encryption_required);
    }
}

/* A share is encrypted where its session is, too. */
static void of_share(struct event *e, const struct session_facts *s, const struct tree_facts *t) {
    bool share_is = t && t->has_access && (t->flags & SMB2_SHAREFLAG_ENCRYPT_DATA);
    bool session_is = s && s->encryption_required == KNOWN_YES;
    known_bool(e, FIELD_SIGNING_REQUIRED, s ? s->signing_required : NOT_KNOWN);
    known_bool(e, FIELD_ENCRYPTION_REQUIRED,
               share_is || session_is                                          ? KNOWN_YES
               : t && t->has_access && s && s->encryption_required == KNOWN_NO ? KNOWN_NO
                                                                               : NOT_KNOWN);
}

static void counts(struct event *e, const struct message_counts *n) {
    event_uint(e, FIELD_SIGNED_MESSAGES, n->with_signature);
    event_uint(e, FIELD_UNSIGNED_MESSAGES, n->without);
    if (n->encrypted != 0) {
        event_uint(e, FIELD_ENCRYPTED_MESSAGES, n->encrypted);
    }
}

static bool succeeded(const struct operation *op) {
    return op->response ? op->response->header.status == STATUS_SUCCESS : op->smb1_response && !op->failed;
}

void maker_protection(struct event_maker *m, const struct operation *op) {
    struct event *e = &m->event;
    bool smb2 = !op->smb1_request && !op->smb1_response;
    if (op->kind == OPERATION_SESSION_SETUP && succeeded(op) && !op->leg) {
        of_session(e, op->session);
        if (smb2) {
            agreed(e, op->connection);
        }
    } else if (op->kind == OPERATION_LOGOFF && op->ends_session && op->session) {
        of_session(e, op->session);
        counts(e, &op->session->messages);
    } else if (op->kind == OPERATION_TREE_CONNECT && succeeded(op)) {
        of_share(e, op->session, op->tree);
    } else if (op->kind == OPERATION_TREE_DISCONNECT && op->ends_tree && op->tree) {
        of_share(e, op->session, op->tree);
        counts(e, &op->tree->messages);
    }
}

/* ---- of a connection's end */

static const char *const session_columns[] = {"signing_required", "encryption_required", "signed_messages",
                                              "unsigned_messages", "encrypted_messages"};
static const char *const share_columns[] = {"encryption_required", "signed_messages", "unsigned_messages"};
_Static_assert(sizeof session_columns / sizeof session_columns[0] == SESSION_COLUMNS, "a cell for each");
_Static_assert(sizeof share_columns / sizeof share_columns[0] == SHARE_COLUMNS, "a cell for each");

static uint64_t cell(enum known value) {
    return value == NOT_KNOWN ? FACT_CELL_UNKNOWN : value == KNOWN_YES;
}

static void sessions(struct event_maker *m, const struct connection_facts *c) {
    struct protection_rows *rows = &m->protection;
    for (unsigned i = 0; i < c->session_sums_count; i++) {
        const struct session_sums *s = &c->session_sums[i];
        uint64_t *to = &rows->session_cells[i * SESSION_COLUMNS];
        memcpy(rows->ids[i], "0x", 2);
        size_t n = (size_t)(digits_hex(rows->ids[i] + 2, s->id, 16) - rows->ids[i]);
        rows->session_names[i] = (struct text){{(const uint8_t *)rows->ids[i], n}, ENC_ASCII};
        to[0] = cell(s->signing_required);
        to[1] = cell(s->encryption_required);
        to[2] = s->messages.with_signature;
        to[3] = s->messages.without;
        to[4] = s->messages.encrypted;
    }
    rows->sessions = (struct fact_rows){
        .names = rows->session_names,
        .count = c->session_sums_count,
        .columns = session_columns,
        .column_count = SESSION_COLUMNS,
        .booleans = 3,
        .cells = rows->session_cells,
    };
    if (c->session_sums_count != 0) {
        event_add(&m->event, FIELD_SESSION_SECURITY, FACT_ROWS)->rows = &rows->sessions;
    }
}

static void shares(struct event_maker *m, const struct connection_facts *c) {
    struct protection_rows *rows = &m->protection;
    for (unsigned i = 0; i < c->share_sums_count; i++) {
        const struct share_sums *s = &c->share_sums[i];
        uint64_t *to = &rows->share_cells[i * SHARE_COLUMNS];
        rows->share_names[i] = s->path;
        to[0] = cell(s->encryption_required);
        to[1] = s->messages.with_signature;
        to[2] = s->messages.without;
    }
    rows->shares = (struct fact_rows){
        .names = rows->share_names,
        .count = c->share_sums_count,
        .columns = share_columns,
        .column_count = SHARE_COLUMNS,
        .booleans = 1,
        .cells = rows->share_cells,
    };
    if (c->share_sums_count != 0) {
        event_add(&m->event, FIELD_SHARE_SECURITY, FACT_ROWS)->rows = &rows->shares;
    }
}

/* What each side offered and what was chosen. NEGOTIATE alone tells more, and has no record where details are not wanted. */
void maker_protection_offered(struct event_maker *m, const struct connection_facts *c) {
    const struct offer *o = &c->offer;
    struct event *e = &m->event;
    event_names16(e, FIELD_OFFERED_DIALECTS, (struct u16_list){o->dialects, o->dialect_count}, &names_dialect, 3);
    if (c->client_mode_known) {
        event_bits(e, FIELD_SECURITY_MODE_CLIENT, c->client_security_mode, &names_security_mode);
    }
    event_names16(e, FIELD_CIPHERS, (struct u16_list){o->ciphers, o->cipher_count}, &names_cipher, 4);
    event_names16(e, FIELD_SIGNING_ALGORITHMS, (struct u16_list){o->signing, o->signing_count},
                  &names_signing_algorithm, 4);
    agreed(e, c);
}

void maker_protection_ends(struct event_maker *m, const struct connection_facts *c) {
    sessions(m, c);
    shares(m, c);
}
