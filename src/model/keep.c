/* What of a request outlives its packet: the message with its one text copied; other views lose their bytes and keep their
 * length. */
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "model/state.h"

/* The text that tells what a request is about; NULL where it has none. */
static struct text *telling_text(struct smb2_message *q) {
    switch (q->header.command) {
    case SMB2_NEGOTIATE:
        return &q->negotiate_request.contexts.netname;
    case SMB2_TREE_CONNECT:
        return &q->tree_connect_request.path;
    case SMB2_CREATE:
        return &q->create_request.name;
    case SMB2_QUERY_DIRECTORY:
        return &q->query_directory_request.pattern;
    case SMB2_SET_INFO:
        return &q->set_info_request.new_name;
    default:
        return NULL;
    }
}

static struct text *telling_ioctl_text(struct smb2_ioctl *i) {
    switch (i->has_details ? i->ctl_code : 0) {
    case FSCTL_DFS_GET_REFERRALS:
    case FSCTL_DFS_GET_REFERRALS_EX:
        return &i->dfs.path;
    case FSCTL_PIPE_WAIT:
        return &i->pipe_wait.name;
    case FSCTL_SET_REPARSE_POINT:
        i->reparse.print_name.bytes = (struct view){NULL, 0};
        return &i->reparse.substitute_name;
    default:
        return NULL;
    }
}

static void forget(struct view *v) {
    v->p = NULL;
}

static void keep_list(uint16_t **to, struct u16_list *list) {
    if (list->count != 0) {
        memcpy(*to, list->items, list->count * sizeof **to);
        list->items = *to;
        *to += list->count;
    }
}

/* Lists of numbers, copied into one piece of memory; without memory they are empty. */
static void keep_lists(struct exchange *x, struct u16_list *const *lists, size_t n) {
    struct budget *budget = x->connection->model->budget;
    size_t count = 0;
    for (size_t i = 0; i < n; i++) {
        count += lists[i]->count;
    }
    x->lists_size = count * sizeof(uint16_t);
    if (count != 0) {
        x->lists = budget_take(budget, x->lists_size);
        x->connection->model->stats->names_lost += !x->lists;
    }
    uint16_t *to = x->lists;
    for (size_t i = 0; i < n; i++) {
        if (to) {
            keep_list(&to, lists[i]);
        } else {
            *lists[i] = (struct u16_list){NULL, 0};
        }
    }
}

static void keep_negotiate(struct exchange *x, struct smb2_negotiate_request *q) {
    struct smb2_negotiate_contexts *n = &q->contexts;
    struct u16_list *const lists[] = {&q->dialects,        &n->hash_algorithms,
                                      &n->ciphers,         &n->compression_algorithms,
                                      &n->rdma_transforms, &n->signing_algorithms};
    keep_lists(x, lists, sizeof lists / sizeof lists[0]);
}

/* Contexts are kept as a mask of their kinds, and by what the dissector already took from them. */
static void keep_create(struct exchange *x, struct smb2_create_request *q, bool has_name) {
    q->name_lost |= has_name && !x->text; /* no memory for it */
    for (unsigned i = 0; i < q->contexts.count; i++) {
        x->context_mask |= UINT32_C(1) << q->contexts.items[i].kind;
    }
    q->contexts.items = NULL;
}

static void keep_ioctl(struct exchange *x, struct smb2_ioctl *q) {
    bool copies = q->ctl_code == FSCTL_SRV_COPYCHUNK || q->ctl_code == FSCTL_SRV_COPYCHUNK_WRITE;
    if (copies && q->has_details && q->copychunk.source_key.n == sizeof x->copy_key) {
        memcpy(x->copy_key, q->copychunk.source_key.p, sizeof x->copy_key);
        q->copychunk.source_key.p = x->copy_key;
    } else if (copies) {
        q->has_details = false;
    }
    if (q->ctl_code == FSCTL_VALIDATE_NEGOTIATE_INFO && q->has_details) {
        struct u16_list *const list = &q->validate_negotiate.dialects;
        keep_lists(x, &list, 1);
    }
    forget(&q->input);
    forget(&q->output);
}

/* Of the locks the first alone is kept; the count stays. */
static void keep_lock(struct exchange *x, struct smb2_lock_request *q) {
    if (q->lock_count != 0 && q->locks) {
        x->first_lock = q->locks[0];
        q->locks = &x->first_lock;
    } else {
        q->lock_count = 0;
    }
}

/* What a request with a body takes of the message, by its command: the others' bodies lie in the same place. */
#define BODY_AT offsetof(struct smb2_message, negotiate_request)
#define UP_TO(member) (uint16_t)(BODY_AT + sizeof((struct smb2_message *)0)->member)
static const uint16_t used_bytes[SMB2_COMMANDS] = {
    [SMB2_NEGOTIATE] = UP_TO(negotiate_request),
    [SMB2_SESSION_SETUP] = UP_TO(session_setup_request),
    [SMB2_LOGOFF] = BODY_AT,
    [SMB2_TREE_CONNECT] = UP_TO(tree_connect_request),
    [SMB2_TREE_DISCONNECT] = BODY_AT,
    [SMB2_CREATE] = UP_TO(create_request),
    [SMB2_CLOSE] = UP_TO(close_request),
    [SMB2_FLUSH] = UP_TO(flush_request),
    [SMB2_READ] = UP_TO(read_request),
    [SMB2_WRITE] = UP_TO(write_request),
    [SMB2_LOCK] = UP_TO(lock_request),
    [SMB2_IOCTL] = UP_TO(ioctl),
    [SMB2_CANCEL] = BODY_AT,
    [SMB2_ECHO] = BODY_AT,
    [SMB2_QUERY_DIRECTORY] = UP_TO(query_directory_request),
    [SMB2_CHANGE_NOTIFY] = UP_TO(change_notify_request),
    [SMB2_QUERY_INFO] = UP_TO(query_info_request),
    [SMB2_SET_INFO] = UP_TO(set_info_request),
    [SMB2_OPLOCK_BREAK] = UP_TO(oplock_break),
    [SMB2_SERVER_TO_CLIENT_NOTIFICATION] = UP_TO(notification),
};

/* What has no body has one of zeroes. */
static void keep_message(struct smb2_message *to, const struct smb2_message *from) {
    if (!from->empty && from->header.command < SMB2_COMMANDS) {
        memcpy(to, from, used_bytes[from->header.command]);
    } else {
        memcpy(to, from, BODY_AT);
        memset((unsigned char *)to + BODY_AT, 0, sizeof *to - BODY_AT);
    }
}

void request_keep(struct exchange *x, const struct smb2_message *message) {
    struct smb2_message *q = &x->request;
    keep_message(q, message);
    if (q->empty) {
        return;
    }
    struct text *text = q->header.command == SMB2_IOCTL ? telling_ioctl_text(&q->ioctl) : telling_text(q);
    if (text) {
        struct model *m = x->connection->model;
        x->text = q->header.command == SMB2_TREE_CONNECT ? model_text_common(m, *text) : model_text(m, *text);
        *text = text_of(x->text);
    }
    switch (q->header.command) {
    case SMB2_NEGOTIATE:
        keep_negotiate(x, &q->negotiate_request);
        break;
    case SMB2_SESSION_SETUP:
        forget(&q->session_setup_request.token);
        break;
    case SMB2_CREATE:
        keep_create(x, &q->create_request, message->create_request.name.bytes.n != 0);
        break;
    case SMB2_LOCK:
        keep_lock(x, &q->lock_request);
        break;
    case SMB2_IOCTL:
        keep_ioctl(x, &q->ioctl);
        break;
    case SMB2_QUERY_INFO:
        forget(&q->query_info_request.input);
        break;
    case SMB2_SET_INFO:
        forget(&q->set_info_request.buffer);
        break;
    default:
        break;
    }
}

void request_drop(struct exchange *x) {
    struct model *m = x->connection->model;
    text_drop(&m->texts, x->text);
    text_drop(&m->texts, x->handle_name);
    if (x->auth || x->security) {
        auth_drop(m, x->auth);
        security_drop(m, x->security);
    }
    if (x->chain) {
        chain_drop(m, x->chain);
    }
    budget_give(m->budget, x->lists, x->lists_size);
}
