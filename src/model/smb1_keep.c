/* What of an SMB1 request outlives its packet: the message with its texts copied, in UTF-16; other views lose their bytes and keep
 * their length. */
#include <stdlib.h>
#include <string.h>

#include "model/smb1_state.h"

static unsigned request_texts(struct smb1_message *m, struct text **t) {
    switch (m->command) {
    case SMB1_SESSION_SETUP_ANDX:
        t[0] = &m->session_setup_request.account_name;
        t[1] = &m->session_setup_request.primary_domain;
        t[2] = &m->session_setup_request.native_os;
        t[3] = &m->session_setup_request.native_lan_man;
        return 4;
    case SMB1_TREE_CONNECT:
    case SMB1_TREE_CONNECT_ANDX:
        t[0] = &m->tree_connect_request.path;
        t[1] = &m->tree_connect_request.service;
        return 2;
    case SMB1_NT_CREATE_ANDX:
        t[0] = &m->nt_create_request.file_name;
        return 1;
    case SMB1_OPEN:
    case SMB1_CREATE:
    case SMB1_CREATE_TEMPORARY:
    case SMB1_CREATE_NEW:
    case SMB1_OPEN_ANDX:
    case SMB1_OPEN_PRINT_FILE:
        t[0] = &m->open_request.file_name;
        return 1;
    case SMB1_CREATE_DIRECTORY:
    case SMB1_DELETE_DIRECTORY:
    case SMB1_DELETE:
    case SMB1_QUERY_INFORMATION:
    case SMB1_CHECK_DIRECTORY:
        t[0] = &m->path_request.name;
        return 1;
    case SMB1_RENAME:
    case SMB1_NT_RENAME:
        t[0] = &m->rename_request.old_file_name;
        t[1] = &m->rename_request.new_file_name;
        return 2;
    case SMB1_COPY:
    case SMB1_MOVE:
        t[0] = &m->copy_request.source_file_name;
        t[1] = &m->copy_request.target_file_name;
        return 2;
    case SMB1_SET_INFORMATION:
        t[0] = &m->set_information_request.file_name;
        return 1;
    case SMB1_SEARCH:
    case SMB1_FIND:
    case SMB1_FIND_UNIQUE:
    case SMB1_FIND_CLOSE:
        t[0] = &m->search_request.file_name;
        return 1;
    case SMB1_TRANSACTION:
        t[0] = &m->transaction.name;
        return 1;
    default:
        return 0;
    }
}

static unsigned response_texts(struct smb1_message *m, struct text **t) {
    switch (m->command) {
    case SMB1_NEGOTIATE:
        t[0] = &m->negotiate_response.domain_name;
        t[1] = &m->negotiate_response.server_name;
        return 2;
    case SMB1_SESSION_SETUP_ANDX:
        t[0] = &m->session_setup_response.native_os;
        t[1] = &m->session_setup_response.native_lan_man;
        t[2] = &m->session_setup_response.primary_domain;
        return 3;
    case SMB1_TREE_CONNECT_ANDX:
        t[0] = &m->tree_connect_response.service;
        t[1] = &m->tree_connect_response.native_file_system;
        return 2;
    case SMB1_CREATE_TEMPORARY:
        t[0] = &m->open_response.temporary_file_name;
        return 1;
    case SMB1_COPY:
    case SMB1_MOVE:
        t[0] = &m->copy_response.error_file_name;
        return 1;
    default:
        return 0;
    }
}

unsigned smb1_texts(struct smb1_message *m, struct text *texts[SMB1_TEXTS_MAX]) {
    if (m->empty) {
        return 0;
    }
    return m->response ? response_texts(m, texts) : request_texts(m, texts);
}

struct text smb1_lost_text(void) {
    return (struct text){{NULL, 0}, ENC_ASCII};
}

bool smb1_text_lost(struct text t) {
    return t.bytes.n == 0 && t.encoding == ENC_ASCII;
}

/* Not even its NUL is left of the bytes behind it. */
static bool reaches_end(struct text t, struct view bytes) {
    size_t unit = t.encoding == ENC_UTF16LE ? 2 : 1;
    return !t.bytes.p || t.bytes.p + t.bytes.n + unit > bytes.p + bytes.n;
}

void smb1_unify(struct model *model, struct smb1_message *m, bool cut) {
    struct text *texts[SMB1_TEXTS_MAX];
    unsigned n = smb1_texts(m, texts);
    for (unsigned i = 0; i < n; i++) {
        if (cut && reaches_end(*texts[i], m->bytes)) {
            *texts[i] = smb1_lost_text();
        }
        model_unify(model, texts[i]);
    }
}

static void forget(struct view *v) {
    v->p = NULL;
}

static void forget_views(struct smb1_message *m) {
    forget(&m->words);
    forget(&m->bytes);
    if (m->empty) {
        return;
    }
    switch (m->command) {
    case SMB1_SESSION_SETUP_ANDX:
        forget(&m->session_setup_request.security_blob);
        break;
    case SMB1_WRITE:
    case SMB1_WRITE_AND_UNLOCK:
    case SMB1_WRITE_RAW:
    case SMB1_WRITE_MPX:
    case SMB1_WRITE_AND_CLOSE:
    case SMB1_WRITE_ANDX:
    case SMB1_WRITE_PRINT_FILE:
        forget(&m->write_request.data);
        break;
    case SMB1_LOCKING_ANDX:
        m->locking_request.locks.items = NULL;
        m->locking_request.unlocks.items = NULL;
        break;
    case SMB1_SEARCH:
    case SMB1_FIND:
    case SMB1_FIND_UNIQUE:
    case SMB1_FIND_CLOSE:
        forget(&m->search_request.resume_key);
        break;
    case SMB1_ECHO:
        forget(&m->echo.data);
        break;
    case SMB1_IOCTL:
        forget(&m->ioctl.parameters);
        forget(&m->ioctl.data);
        break;
    case SMB1_TRANSACTION:
    case SMB1_TRANSACTION2:
    case SMB1_NT_TRANSACT:
        forget(&m->transaction.setup);
        forget(&m->transaction.parameters);
        forget(&m->transaction.data);
        break;
    default:
        break;
    }
}

static void *take(struct smb1_exchange *x, size_t size) {
    struct model *m = x->connection->model;
    x->kept = size != 0 ? budget_take(m->budget, size) : NULL;
    x->kept_size = size;
    m->stats->names_lost += size != 0 && !x->kept;
    return x->kept;
}

static uint8_t *copy(uint8_t *to, struct text *t) {
    size_t n = t->bytes.n;
    t->bytes.p = n ? memcpy(to, t->bytes.p, n) : NULL;
    return to + n;
}

static void keep_texts(struct smb1_exchange *x, struct smb1_message *q) {
    struct text *texts[SMB1_TEXTS_MAX];
    unsigned n = smb1_texts(q, texts);
    size_t size = 0;
    for (unsigned i = 0; i < n; i++) {
        size += texts[i]->bytes.n;
    }
    uint8_t *to = take(x, size);
    for (unsigned i = 0; i < n && to; i++) {
        to = copy(to, texts[i]);
    }
    for (unsigned i = 0; i < n && !to; i++) { /* without memory: none of them is the share's root */
        *texts[i] = texts[i]->bytes.n != 0 ? smb1_lost_text() : *texts[i];
    }
}

/* The list of dialects, and behind it what they are called. */
static void keep_dialects(struct smb1_exchange *x, struct smb1_negotiate_request *q) {
    size_t size = q->dialects.count * sizeof(struct text);
    for (unsigned i = 0; i < q->dialects.count; i++) {
        size += q->dialects.items[i].bytes.n;
    }
    struct text *items = take(x, size);
    uint8_t *to = items ? (uint8_t *)(items + q->dialects.count) : NULL;
    for (unsigned i = 0; i < q->dialects.count && items; i++) {
        items[i] = q->dialects.items[i];
        to = copy(to, &items[i]);
    }
    q->dialects = (struct text_list){items, items ? q->dialects.count : 0};
}

void smb1_keep(struct smb1_exchange *x, const struct smb1_message *message) {
    struct smb1_message *q = &x->request;
    *q = *message;
    if (q->command == SMB1_NEGOTIATE && !q->empty) {
        keep_dialects(x, &q->negotiate_request);
    } else {
        keep_texts(x, q);
    }
    forget_views(q);
}

void smb1_drop(struct smb1_exchange *x) {
    struct model *m = x->connection->model;
    text_drop(&m->texts, x->handle_name);
    auth_drop(m, x->auth);
    security_drop(m, x->security);
    smb1_transfer_free(x);
    smb1_asked_free(x);
    budget_give(m->budget, x->kept, x->kept_size);
}

struct text smb1_name(struct text name) {
    bool leads = name.encoding == ENC_UTF16LE && name.bytes.n >= 2 && name.bytes.p[1] == 0;
    if (leads && (name.bytes.p[0] == '\\' || name.bytes.p[0] == '/')) { /* the latter with Unix extensions */
        name.bytes = view_from(name.bytes, 2);
    }
    return name;
}
