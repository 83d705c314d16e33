/* Files of SMB1: opens, data, names and deletions. */
#include "model/smb1_state.h"

/* ---- handles */

struct hash *smb1_fids(struct session *s) {
    return &container_of(list_first(&s->channels), struct channel, of_session)->connection->smb1->fids;
}

struct handle *smb1_handle_find(struct connection *c, uint16_t fid) {
    return handle_find_in(c->model, &c->smb1->fids, (struct file_id){0, fid});
}

struct handle *smb1_handle_learn(struct completion *d, uint16_t fid) {
    return d->session ? handle_learn(d->c->model, d->session, d->tree, (struct file_id){0, fid}) : NULL;
}

/* ---- processes */

static uint64_t process_hash(const struct model *m, uint32_t id) {
    return hash_number(m->secret, id);
}

static struct smb1_process *process_find(struct connection *c, uint32_t id) {
    uint64_t hash = process_hash(c->model, id);
    for (struct hash_node *n = hash_first(&c->smb1->processes, hash); n; n = hash_again(n, hash)) {
        struct smb1_process *p = container_of(n, struct smb1_process, by_pid);
        if (p->id == id) {
            return p;
        }
    }
    return NULL;
}

/* Without memory its end will not be the handle's. */
static void process_join(struct connection *c, struct handle *h, uint32_t id) {
    struct smb1_process *p = process_find(c, id);
    if (!p) {
        p = pool_take(&c->model->smb1_processes_pool);
        if (!p) {
            c->model->stats->names_lost++;
            return;
        }
        p->of = c->smb1;
        p->id = id;
        list_init(&p->handles);
        hash_insert(&c->smb1->processes, &p->by_pid, process_hash(c->model, id));
    }
    h->process = p;
    list_append(&p->handles, &h->of_process);
}

void smb1_process_leave(struct handle *h) {
    struct smb1_process *p = h->process;
    h->process = NULL;
    list_remove(&h->of_process);
    if (!list_first(&p->handles)) {
        hash_remove(&p->of->processes, &p->by_pid);
        pool_give(&h->session->model->smb1_processes_pool, p);
    }
}

/* MS-CIFS 3.3.5.20; what it has open under another UID stays, as Windows and Samba do it. */
void smb1_process_end(const struct completion *d, uint32_t id) {
    struct smb1_process *p = process_find(d->c, id);
    for (struct link *next, *x = p ? list_first(&p->handles) : NULL; x; x = next) {
        struct handle *h = container_of(x, struct handle, of_process);
        next = list_next(&p->handles, x); /* the process goes with its last handle */
        if (h->session == d->session) {
            handle_abandon(d->c->model, h, HANDLE_CLOSED);
        }
    }
}

/* ---- what a request is about */

void smb1_on_path(struct completion *d, struct text name) {
    if (smb1_text_lost(name)) {
        return;
    }
    d->op.has_aimed_name = true;
    d->op.aimed_name = smb1_name(name);
}

bool smb1_on_pipe(const struct completion *d) {
    return (d->handle && d->handle->facts.is_pipe) || (d->tree && d->tree->facts.share_type == SMB2_SHARE_TYPE_PIPE);
}

/* ---- opens */

void smb1_opened(struct completion *d, const struct smb1_opening *o) {
    struct model *m = d->c->model;
    d->c->facts.files_opened++;
    m->stats->files_opened++;
    struct handle *stale = smb1_handle_find(d->c, o->fid);
    if (stale) {
        handle_abandon(m, stale, HANDLE_LOST);
    }
    d->op.file_id = (struct file_id){0, o->fid};
    d->op.has_file_id = true;
    d->c->smb1->opened = true;
    d->c->smb1->fid = o->fid;
    struct handle *h = d->handle = smb1_handle_learn(d, o->fid);
    if (!h) {
        return;
    }
    h->facts.directory = o->directory;
    h->facts.is_pipe = h->facts.is_pipe || o->pipe;
    h->delete_on_close = o->delete_on_close;
    h->facts.process_id = d->smb1_rsp->header.process_id;
    if (h->process) {
        smb1_process_leave(h);
    }
    process_join(d->c, h, h->facts.process_id);
    h->facts.dfs = d->smb1_ex && (d->smb1_ex->request.header.flags2 & SMB_FLAGS2_DFS);
    if (o->named && !smb1_text_lost(o->name)) {
        handle_name(m, h, smb1_name(o->name), false);
    }
}

/* Of a failed open the name alone is told; what the mask of a pipe is stands on its tree. */
static void open_kind(struct completion *d, struct text name, bool named) {
    d->op.kind = smb1_on_pipe(d) ? OPERATION_OPEN_PIPE : OPERATION_CREATE;
    if (named) {
        smb1_on_path(d, name);
    }
}

static bool is_pipe_type(uint16_t resource_type) {
    return resource_type == SMB1_FILE_TYPE_BYTE_MODE_PIPE || resource_type == SMB1_FILE_TYPE_MESSAGE_MODE_PIPE;
}

void smb1_nt_create(struct completion *d) {
    const struct smb1_message *q = smb1_request_of(d), *r = smb1_answer_of(d);
    bool marks = q && (q->nt_create_request.create_options & FILE_DELETE_ON_CLOSE);
    if (r) {
        const struct smb1_nt_create_response *n = &r->nt_create_response;
        smb1_opened(d, &(struct smb1_opening){
                           .fid = n->fid,
                           .named = q != NULL,
                           .name = q ? q->nt_create_request.file_name : (struct text){{NULL, 0}, ENC_UTF16LE},
                           .directory = n->directory || (n->ext_file_attributes & FILE_ATTRIBUTE_DIRECTORY),
                           .pipe = is_pipe_type(n->resource_type),
                           .delete_on_close = marks,
                       });
    }
    open_kind(d, q ? q->nt_create_request.file_name : (struct text){{NULL, 0}, ENC_UTF16LE}, q != NULL);
    d->op.has_delete_mark = d->op.delete_pending = marks;
}

/* OPEN, CREATE and their kin. Of a CREATE_TEMPORARY the server chooses the name, in the directory that was asked for. */
void smb1_open(struct completion *d) {
    const struct smb1_message *q = smb1_request_of(d), *r = smb1_answer_of(d);
    struct text name = q ? q->open_request.file_name : (struct text){{NULL, 0}, ENC_UTF16LE};
    bool temporary = r && r->command == SMB1_CREATE_TEMPORARY;
    if (temporary) {
        name = r->open_response.temporary_file_name;
    }
    if (r) {
        smb1_opened(d, &(struct smb1_opening){
                           .fid = r->open_response.fid,
                           .named = q || temporary,
                           .name = name,
                           .directory = r->open_response.file_attributes & FILE_ATTRIBUTE_DIRECTORY,
                           .pipe = is_pipe_type(r->open_response.resource_type),
                       });
    }
    open_kind(d, name, q || temporary);
}

void smb1_create_directory(struct completion *d) {
    const struct smb1_message *q = smb1_request_of(d);
    d->op.kind = OPERATION_CREATE;
    if (q) {
        smb1_on_path(d, q->path_request.name);
    }
}

/* ---- closes */

static void closes(struct completion *d) {
    if (!smb1_done(d) || !d->handle) {
        return;
    }
    d->op.sums = d->handle->facts.read_count != 0 || d->handle->facts.write_count != 0;
    d->ends_handle = true;
    if (handle_deletes(d->c->model, d->handle)) {
        d->op.kind = OPERATION_DELETE;
        effect_deleted(d);
    }
}

void smb1_close(struct completion *d) {
    d->op.kind = OPERATION_CLOSE;
    closes(d);
}

/* ---- data */

void smb1_read(struct completion *d) {
    const struct smb1_message *r = smb1_answer_of(d);
    d->op.kind = smb1_on_pipe(d) ? OPERATION_READ_PIPE : OPERATION_READ;
    if (r) {
        effect_read(d, r->command == SMB1_READ_MPX && d->smb1_ex ? d->smb1_ex->mpx_sum : r->read_response.data_length);
    }
    d->op.first_of_handle = (r || !d->smb1_rsp) && effect_first_time(d, false);
}

/* Does the response say how much was written? Some only say that it was (q: what was asked then): that of WRITE_PRINT_FILE has no words,
 * that of WRITE_RAW says "go on", that of WRITE_MPX has a mask of the requests that arrived (MS-CIFS 2.2.4.26.2). */
static bool count_written(const struct smb1_message *q, const struct smb1_message *r, uint64_t *bytes) {
    bool arrived;
    switch (r->command) {
    case SMB1_WRITE_PRINT_FILE:
        *bytes = q ? q->write_request.data_length : 0;
        return q;
    case SMB1_WRITE_RAW:
        *bytes = q ? q->write_request.total_count : 0;
        return q;
    case SMB1_WRITE_MPX:
        arrived = q && (q->write_request.request_mask == 0 ||
                        (q->write_request.request_mask & r->write_response.response_mask) != 0);
        *bytes = arrived ? q->write_request.data_length : 0;
        return q;
    default:
        *bytes = r->write_response.count;
        return true;
    }
}

void smb1_write(struct completion *d) {
    const struct smb1_message *q = smb1_request_of(d), *r = smb1_answer_of(d);
    d->op.kind = smb1_on_pipe(d) ? OPERATION_WRITE_PIPE : OPERATION_WRITE;
    uint64_t bytes;
    if (r && count_written(q, r, &bytes)) {
        effect_written(d, bytes);
    }
    d->op.first_of_handle = (r || !d->smb1_rsp) && effect_first_time(d, true);
}

/* The commands of printing are told as that; with CLOSE_PRINT_FILE what was written goes to the printer (MS-CIFS 2.2.4.69). */
void smb1_print(struct completion *d) {
    uint8_t command = d->smb1_ex ? d->smb1_ex->request.command : d->smb1_rsp->command;
    if (command == SMB1_OPEN_PRINT_FILE) {
        smb1_open(d);
    } else if (command == SMB1_WRITE_PRINT_FILE) {
        smb1_write(d);
    } else if (command == SMB1_CLOSE_PRINT_FILE) {
        closes(d);
    }
    d->op.kind = OPERATION_PRINT;
}

/* ---- names */

void smb1_delete(struct completion *d) {
    const struct smb1_message *q = smb1_request_of(d);
    d->op.kind = OPERATION_DELETE;
    if (q) {
        smb1_on_path(d, q->path_request.name);
    }
    if (smb1_done(d)) {
        effect_deleted(d);
    }
}

/* NT_RENAME makes a hard link where its level says so (MS-CIFS 2.2.4.66.1). */
void smb1_rename(struct completion *d) {
    const struct smb1_message *q = smb1_request_of(d);
    d->op.kind = OPERATION_RENAME;
    if (!q) {
        return;
    }
    smb1_on_path(d, q->rename_request.old_file_name);
    d->op.has_new_name = true;
    d->op.new_name = smb1_name(q->rename_request.new_file_name);
    if (q->command == SMB1_NT_RENAME && q->rename_request.information_level == SMB_NT_RENAME_SET_LINK_INFO) {
        d->op.kind = OPERATION_SET_INFO;
        d->op.links = true;
    } else if (smb1_done(d) && d->op.has_aimed_name && !smb1_text_lost(d->op.new_name)) {
        smb1_path_renamed(d, d->op.aimed_name, d->op.new_name);
    }
}

void smb1_path_renamed(struct completion *d, struct text from, struct text to) {
    struct model *m = d->c->model;
    struct node *node = d->tree ? node_at(m, d->tree, from) : NULL;
    struct shared_text *name = node ? model_text(m, to) : NULL;
    if (name && (node = node_at(m, d->tree, from))) { /* making room may have ended it */
        node_rename(m, node, name);
    }
    text_drop(&m->texts, name);
}

/* COPY and MOVE: the one adds a file, the other renames one, of this tree or another. */
void smb1_copy(struct completion *d) {
    const struct smb1_message *q = smb1_request_of(d);
    bool moves = (d->smb1_ex ? d->smb1_ex->request.command : d->smb1_rsp->command) == SMB1_MOVE;
    d->op.kind = moves ? OPERATION_RENAME : OPERATION_OTHER;
    if (q && moves) {
        smb1_on_path(d, q->copy_request.source_file_name);
        d->op.has_new_name = true;
        d->op.new_name = smb1_name(q->copy_request.target_file_name);
    } else if (q) {
        smb1_on_path(d, q->copy_request.target_file_name);
        d->op.copy_source = smb1_name(q->copy_request.source_file_name);
    }
}

void smb1_query_path(struct completion *d) {
    const struct smb1_message *q = smb1_request_of(d);
    d->op.kind = OPERATION_QUERY_INFO;
    if (q) {
        smb1_on_path(d, q->path_request.name);
    }
}

void smb1_set_path(struct completion *d) {
    const struct smb1_message *q = smb1_request_of(d);
    d->op.kind = OPERATION_SET_INFO;
    if (q) {
        smb1_on_path(d, q->set_information_request.file_name);
    }
}

/* Without the last part of a path; the folder that is searched. */
static struct text folder_of(struct text pattern) {
    struct view v = pattern.bytes;
    size_t n = v.n & ~(size_t)1;
    while (n >= 2 && !(v.p[n - 2] == '\\' && v.p[n - 1] == 0)) {
        n -= 2;
    }
    pattern.bytes = view_part(v, 0, n >= 2 ? n - 2 : 0);
    return pattern;
}

void smb1_searched(struct completion *d, struct text pattern) {
    if (!smb1_text_lost(pattern)) {
        d->op.pattern = pattern;
        smb1_on_path(d, folder_of(pattern));
    }
}

void smb1_search(struct completion *d) {
    const struct smb1_message *q = smb1_request_of(d), *r = smb1_answer_of(d);
    d->op.kind = OPERATION_QUERY_DIRECTORY;
    if (q && q->search_request.file_name.bytes.n != 0) {
        smb1_searched(d, q->search_request.file_name);
    }
    if (r) {
        d->op.has_entries = true;
        d->op.entries = r->search_response.count;
    }
}
