/* What a finished operation changes in the model, and what it says for its record: a function a command. Nothing counts before
 * its successful final response. */
#include <stdlib.h>
#include <string.h>

#include "fscc.h"
#include "model/state.h"

/* The request, where it was seen with its body; NULL otherwise. */
static const struct smb2_message *request_of(const struct completion *d) {
    return d->ex && !d->ex->request_lost && !d->ex->request.empty ? &d->ex->request : NULL;
}

static bool succeeded(const struct completion *d) {
    return d->rsp && status_succeeded(d->rsp->header.status) && !d->rsp->is_error;
}

/* The response, where it succeeded and has its body; NULL otherwise. */
static const struct smb2_message *answer_of(const struct completion *d) {
    return succeeded(d) && !d->rsp->empty ? d->rsp : NULL;
}

static bool on_pipe(const struct completion *d) {
    return (d->handle && d->handle->facts.is_pipe) || (d->tree && d->tree->facts.share_type == SMB2_SHARE_TYPE_PIPE);
}

static void negotiate(struct completion *d) {
    const struct smb2_message *q = request_of(d), *r = answer_of(d);
    struct connection *c = d->c;
    d->op.kind = OPERATION_NEGOTIATE;
    if (q) {
        negotiation_asked(c, &q->negotiate_request);
        answer_dialect(d, &q->negotiate_request);
    }
    if (!r) {
        return;
    }
    c->facts.dialect = r->negotiate_response.dialect;
    c->facts.version = c->facts.dialect >= SMB2_DIALECT_0300 && c->facts.dialect != SMB2_DIALECT_02FF ? 3 : 2;
    c->facts.cipher =
        r->negotiate_response.contexts.ciphers.count ? r->negotiate_response.contexts.ciphers.items[0] : 0;
    c->facts.server_mode_known = true;
    c->facts.server_security_mode = r->negotiate_response.security_mode;
    c->server_guid = r->negotiate_response.server_guid;
    c->server_guid_known = negotiation_guid_tells(&c->server_guid);
    negotiation_answered(c, &r->negotiate_response);
    peers_agree(c, c->facts.dialect);
}

static void session_setup(struct completion *d) {
    uint64_t id = d->rsp && d->rsp->header.session_id ? d->rsp->header.session_id : d->op.session_id;
    d->op.kind = OPERATION_SESSION_SETUP;
    d->op.session_renewed = session_find(d->c, id) != NULL;
    session_setup_done(d);
    if (!d->session) {
        d->session = session_find(d->c, d->op.session_id);
    }
    const struct smb2_message *r = answer_of(d);
    if (d->session && r && r->header.status == STATUS_SUCCESS) {
        const struct smb2_message *q = request_of(d);
        d->session->facts.flags = r->session_setup_response.session_flags;
        sums_session_begins(d, q != NULL, q ? q->session_setup_request.security_mode : 0);
    }
}

static void logoff(struct completion *d) {
    d->op.kind = OPERATION_LOGOFF;
    if (!d->rsp && d->session) {
        d->session->leaving = true;
    }
    d->ends_session = succeeded(d);
}

static void tree_connect(struct completion *d) {
    d->op.kind = OPERATION_TREE_CONNECT;
    d->op.has_tree_id = false;
    tree_connected(d);
    if (d->rsp && d->rsp->is_error && !d->rsp->empty && d->rsp->error.has_cluster_dialect) {
        answer_cluster_dialect(d);
    }
}

static void tree_disconnect(struct completion *d) {
    d->op.kind = OPERATION_TREE_DISCONNECT;
    d->ends_tree = succeeded(d);
}

static void create(struct completion *d) {
    d->op.kind = on_pipe(d) ? OPERATION_OPEN_PIPE : OPERATION_CREATE;
    if (succeeded(d)) {
        handle_opened(d);
        if (d->handle) {
            d->handle->facts.dfs = d->ex && (d->ex->request.header.flags & SMB2_FLAGS_DFS_OPERATIONS);
        }
        if (d->op.has_file_id && d->ex && d->ex->chain) {
            d->ex->chain->has_file_id = true;
            d->ex->chain->file_id = d->op.file_id;
        }
    }
    const struct smb2_message *q = request_of(d);
    if (q && q->create_request.contexts.durable_reconnect && d->rsp && status_is_error(d->rsp->header.status)) {
        durable_refused(d);
    }
    if (q && (q->create_request.create_options & FILE_DELETE_ON_CLOSE)) {
        d->op.has_delete_mark = true;
        d->op.delete_pending = true;
    }
}

static void close_handle(struct completion *d) {
    d->op.kind = OPERATION_CLOSE;
    if (!succeeded(d) || !d->handle) {
        return;
    }
    d->op.sums = d->handle->facts.read_count != 0 || d->handle->facts.write_count != 0;
    d->ends_handle = true;
    if (d->handle->node) { /* while it is told */
        hash_expect_removal(&d->handle->node->by_name);
    }
    if (handle_deletes(d->c->model, d->handle)) {
        d->op.kind = OPERATION_DELETE;
    }
}

void effect_deleted(struct completion *d) {
    if (d->op.kind == OPERATION_DELETE) {
        d->c->facts.files_deleted++;
        d->c->model->stats->files_deleted++;
    }
}

void effect_read(struct completion *d, uint64_t bytes) {
    struct connection *c = d->c;
    d->op.has_bytes_read = true;
    d->op.bytes_read = bytes;
    c->facts.bytes_read += bytes;
    c->model->stats->bytes_read += bytes;
    if (d->handle) {
        d->handle->facts.bytes_read += bytes;
        d->handle->facts.read_count++;
    }
}

void effect_written(struct completion *d, uint64_t bytes) {
    struct connection *c = d->c;
    d->op.has_bytes_written = true;
    d->op.bytes_written = bytes;
    c->facts.bytes_written += bytes;
    c->model->stats->bytes_written += bytes;
    if (d->handle) {
        c->facts.files_written += d->handle->facts.write_count == 0 && !d->handle->facts.is_pipe;
        d->handle->facts.bytes_written += bytes;
        d->handle->facts.write_count++;
    }
}

/* The first one of a handle is told from the others. Where there is no response to know the handle by, each counts as one. */
bool effect_first_time(struct completion *d, bool writes) {
    if (!d->handle) {
        return !d->op.has_file_id || (!d->rsp && !d->smb1_rsp);
    }
    bool *reported = writes ? &d->handle->write_reported : &d->handle->read_reported;
    bool first = !*reported;
    *reported = true;
    return first;
}

static void read_data(struct completion *d) {
    const struct smb2_message *r = answer_of(d);
    d->op.kind = on_pipe(d) ? OPERATION_READ_PIPE : OPERATION_READ;
    if (r) {
        effect_read(d, r->read_response.data_length);
    }
    d->op.first_of_handle = (r || !d->rsp) && effect_first_time(d, false);
}

static void write_data(struct completion *d) {
    const struct smb2_message *r = answer_of(d);
    d->op.kind = on_pipe(d) ? OPERATION_WRITE_PIPE : OPERATION_WRITE;
    if (r) {
        effect_written(d, r->write_response.count);
    }
    d->op.first_of_handle = (r || !d->rsp) && effect_first_time(d, true);
}

/* ---- IOCTL */

static struct copy_sources *copy_sources_of(struct connection *c) {
    if (!c->copy_sources) {
        c->copy_sources = budget_take(c->model->budget, sizeof *c->copy_sources);
        c->model->stats->evicted_copy_keys += !c->copy_sources;
    }
    return c->copy_sources;
}

static struct copy_source *copy_source_find(struct copy_sources *all, const uint8_t *key) {
    for (unsigned i = 0; all && i < COPY_SOURCES_MAX; i++) {
        if (all->items[i].name && memcmp(all->items[i].key, key, sizeof all->items[i].key) == 0) {
            return &all->items[i];
        }
    }
    return NULL;
}

void effect_copy_key(struct completion *d, const uint8_t key[]) {
    struct copy_sources *all = d->handle && d->handle->name ? copy_sources_of(d->c) : NULL;
    if (!all) {
        return;
    }
    struct copy_source *s = copy_source_find(all, key);
    if (!s) {
        s = &all->items[all->next++ % COPY_SOURCES_MAX];
        d->c->model->stats->evicted_copy_keys += s->name != NULL;
    }
    text_drop(&d->c->model->texts, s->name);
    memcpy(s->key, key, sizeof s->key);
    s->name = text_share(d->handle->name);
}

void effect_copied(struct completion *d, const uint8_t key[]) {
    const struct copy_source *s = copy_source_find(d->c->copy_sources, key);
    if (s) {
        d->op.copy_source = text_of(s->name);
    }
}

static void ioctl(struct completion *d) {
    const struct smb2_message *q = request_of(d), *r = answer_of(d);
    uint32_t code = q ? q->ioctl.ctl_code : r ? r->ioctl.ctl_code : 0;
    d->op.kind = code == FSCTL_PIPE_TRANSCEIVE ? OPERATION_TRANSACT_PIPE : OPERATION_IOCTL;
    if (code == FSCTL_SRV_REQUEST_RESUME_KEY && r && r->ioctl.has_details &&
        r->ioctl.resume_key.key.n == COPY_KEY_SIZE) {
        effect_copy_key(d, r->ioctl.resume_key.key.p);
    }
    if (code == FSCTL_VALIDATE_NEGOTIATE_INFO) {
        d->op.negotiate_differs = negotiation_differs(d->c, q ? &q->ioctl : NULL, r ? &r->ioctl : NULL);
        d->c->facts.stages |= d->rsp ? 0 : STAGE_VALIDATE_UNANSWERED;
    }
    if (code == FSCTL_QUERY_NETWORK_INTERFACE_INFO && r) {
        answer_interfaces(d, &r->ioctl);
    }
    if (code == FSCTL_LMR_REQUEST_RESILIENCY && r && q && q->ioctl.has_details && d->handle) {
        durable_resilient(d->c, d->handle, q->ioctl.resiliency.timeout);
    }
    if (q && q->ioctl.has_details && (code == FSCTL_SRV_COPYCHUNK || code == FSCTL_SRV_COPYCHUNK_WRITE)) {
        effect_copied(d, q->ioctl.copychunk.source_key.p);
    }
    if (code == FSCTL_PIPE_TRANSCEIVE && succeeded(d) && d->handle) {
        d->handle->facts.is_pipe = true; /* where its tree was connected before the capture began */
    }
    if (code == FSCTL_PIPE_TRANSCEIVE && r) {
        if (q) {
            effect_written(d, q->ioctl.input_length);
        }
        effect_read(d, r->ioctl.output_length);
    }
}

/* ---- information */

static void query_directory(struct completion *d) {
    d->op.kind = OPERATION_QUERY_DIRECTORY;
    if (succeeded(d) && d->handle) {
        d->handle->facts.directory = true;
    }
}

/* A server tells the name that an open from before the capture has: FileNormalizedNameInformation is relative to the share
 * (MS-FSCC 2.4.36); the other names may be relative to the volume. */
static void query_info(struct completion *d) {
    const struct smb2_message *q = request_of(d), *r = answer_of(d);
    struct fscc_file facts;
    d->op.kind = OPERATION_QUERY_INFO;
    if (!q || !r || q->query_info_request.info_type != SMB2_0_INFO_FILE || d->rsp->header.status != 0 ||
        fscc_file_information(q->query_info_request.info_class, r->query_info_response.buffer, &facts) != V_OK) {
        return;
    }
    d->op.has_size = facts.has_size;
    d->op.size = facts.end_of_file;
    if (d->handle && facts.has_directory) {
        d->handle->facts.directory = facts.directory;
    }
    if (d->handle && !d->handle->facts.named && q->query_info_request.info_class == FileNormalizedNameInformation) {
        handle_name(d->c->model, d->handle, facts.name, true);
    }
}

static void set_info(struct completion *d) {
    const struct smb2_message *q = request_of(d);
    d->op.kind = OPERATION_SET_INFO;
    if (!q) {
        return;
    }
    const struct smb2_set_info_request *s = &q->set_info_request;
    if (s->change == SMB2_CHANGE_RENAME) {
        d->op.kind = OPERATION_RENAME;
    }
    d->op.has_delete_mark = s->change == SMB2_CHANGE_DISPOSITION && s->whole;
    d->op.delete_pending = s->delete_pending;
    if (succeeded(d) && d->handle && d->op.has_delete_mark) {
        handle_mark(d->handle, s);
    }
}

/* A rename names the old name in its own record; the handle has the new one only afterwards. */
void effect_after(struct completion *d) {
    const struct smb2_message *q = request_of(d);
    if (d->op.kind != OPERATION_RENAME || !q || !succeeded(d) || !d->handle) {
        return;
    }
    if (d->ex->text) {
        handle_rename(d->c->model, d->handle, text_of(d->ex->text));
    } else {
        handle_forget_name(d->c->model, d->handle);
    }
}

/* ---- the rest */

#define PLAIN(function, kind_id)                 \
    static void function(struct completion *d) { \
        d->op.kind = OPERATION_##kind_id;        \
    }
PLAIN(flush, FLUSH)
PLAIN(lock, LOCK)
PLAIN(cancel, CANCEL)
PLAIN(echo, ECHO)
PLAIN(change_notify, NOTIFY)
PLAIN(other, OTHER)

/* A server with several users on a connection has tens of sessions there. */

/* A notification names neither session nor tree (MS-SMB2 3.3.4.6): its handle is looked for in those of the connection. */
static void break_handle(struct completion *d) {
    struct link *x = list_first(&d->c->channel_list);
    for (unsigned i = 0; x && !d->handle && i < BREAK_SESSIONS_MAX; i++, x = list_next(&d->c->channel_list, x)) {
        struct session *s = container_of(x, struct channel, of_connection)->session;
        d->handle = handle_find(s, d->op.file_id);
        d->session = d->handle ? s : d->session;
        d->tree = d->handle ? d->handle->tree : d->tree;
    }
    d->c->model->stats->searches_cut += x && !d->handle;
    if (d->handle) {
        handle_refresh(d->c->model, d->handle, d->op.begin);
    }
}

static void oplock_break(struct completion *d) {
    d->op.kind = OPERATION_OPLOCK_BREAK;
    if (d->op.unasked && !d->rsp->empty && !d->rsp->oplock_break.lease) {
        d->op.file_id = d->rsp->oplock_break.file_id;
        d->op.has_file_id = true;
    }
    if (d->op.unasked && d->op.has_file_id) {
        break_handle(d);
    }
    /* Of a lease the key alone is told: where the connection has one session, it is that one's. */
    struct link *first = list_first(&d->c->channel_list);
    if (d->op.unasked && !d->session && first && !list_next(&d->c->channel_list, first)) {
        d->session = container_of(first, struct channel, of_connection)->session;
    }
}

/* A server lets nobody know that it gave up a session while it was idle, but in its notice of that, where both sides know it, and in
 * what it answers to the next request. That answer is of this connection: the session may have another one. */
static void session_gone(struct completion *d, bool after_idle) {
    struct channel *channel = d->session ? session_channel(d->c, d->session->facts.id) : NULL;
    if (channel) {
        d->op.cleaned_up = after_idle && session_has_nothing_open(channel);
        d->session->gone |= d->op.unasked || !session_may_go_on(channel);
    }
}

static void notification(struct completion *d) {
    other(d);
    if (d->op.unasked) {
        session_gone(d, d->c->model->after_idle);
    }
}

static void (*const effects[SMB2_COMMANDS])(struct completion *) = {
    [SMB2_NEGOTIATE] = negotiate,
    [SMB2_SESSION_SETUP] = session_setup,
    [SMB2_LOGOFF] = logoff,
    [SMB2_TREE_CONNECT] = tree_connect,
    [SMB2_TREE_DISCONNECT] = tree_disconnect,
    [SMB2_CREATE] = create,
    [SMB2_CLOSE] = close_handle,
    [SMB2_FLUSH] = flush,
    [SMB2_READ] = read_data,
    [SMB2_WRITE] = write_data,
    [SMB2_LOCK] = lock,
    [SMB2_IOCTL] = ioctl,
    [SMB2_CANCEL] = cancel,
    [SMB2_ECHO] = echo,
    [SMB2_QUERY_DIRECTORY] = query_directory,
    [SMB2_CHANGE_NOTIFY] = change_notify,
    [SMB2_QUERY_INFO] = query_info,
    [SMB2_SET_INFO] = set_info,
    [SMB2_OPLOCK_BREAK] = oplock_break,
    [SMB2_SERVER_TO_CLIENT_NOTIFICATION] = notification,
};

void effect_apply(struct completion *d) {
    uint16_t command = d->ex ? d->ex->request.header.command : d->rsp->header.command;
    (command < SMB2_COMMANDS ? effects[command] : other)(d);
    if (d->rsp && d->rsp->header.status == STATUS_FILE_CLOSED && d->c->model->instance_count != 0) {
        instance_closed(d);
    }
    if (d->rsp && d->rsp->header.status == STATUS_USER_SESSION_DELETED) {
        session_gone(d, d->ex && d->ex->after_idle);
    }
    effect_deleted(d);
}
