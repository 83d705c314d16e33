/* What a finished transaction changes in the model, by its subcommand: MS-CIFS 2.2.5 to 2.2.7, MS-SMB 2.2.6 and 2.2.7. */
#include <string.h>

#include "model/smb1_state.h"

static const struct smb1_transaction_request *asked_of(const struct completion *d) {
    return d->smb1_ex && d->smb1_ex->asked ? &d->smb1_ex->asked->request : NULL;
}

/* The answer, where it succeeded and has what belongs to it. */
static const struct smb1_transaction_response *details_of(const struct completion *d) {
    return d->smb1_answer && d->smb1_answer->has_details ? d->smb1_answer : NULL;
}

static void other(struct completion *d, const struct smb1_transaction_request *q) {
    (void)q;
    d->op.kind = OPERATION_OTHER;
}

/* ---- TRANSACTION: pipes, mailslots, RAP */

/* As the messages say, not as much as was seen of it. */
static void pipe_data(struct completion *d, bool writes, bool reads) {
    if (!smb1_done(d)) {
        return;
    }
    if (writes) {
        effect_written(d, d->smb1_ex->request.transaction.total_data_count);
    }
    if (reads) {
        effect_read(d, smb1_answer_of(d) ? d->smb1_rsp->transaction.total_data_count : 0);
    }
}

static void pipe(struct completion *d, const struct smb1_transaction_request *q) {
    switch (q->subject.subcommand) {
    case TRANS_TRANSACT_NMPIPE:
    case TRANS_CALL_NMPIPE:
        d->op.kind = OPERATION_TRANSACT_PIPE;
        pipe_data(d, true, true);
        break;
    case TRANS_READ_NMPIPE:
    case TRANS_RAW_READ_NMPIPE:
        d->op.kind = OPERATION_READ_PIPE;
        pipe_data(d, false, true);
        d->op.first_of_handle = (smb1_done(d) || !d->smb1_rsp) && effect_first_time(d, false);
        break;
    case TRANS_WRITE_NMPIPE:
    case TRANS_RAW_WRITE_NMPIPE:
        d->op.kind = OPERATION_WRITE_PIPE;
        pipe_data(d, true, false);
        d->op.first_of_handle = (smb1_done(d) || !d->smb1_rsp) && effect_first_time(d, true);
        break;
    case TRANS_QUERY_NMPIPE_INFO:
    case TRANS_QUERY_NMPIPE_STATE:
    case TRANS_PEEK_NMPIPE:
        d->op.kind = OPERATION_QUERY_INFO;
        break;
    case TRANS_WAIT_NMPIPE:
        d->op.kind = OPERATION_IOCTL; /* as FSCTL_PIPE_WAIT is */
        break;
    default:
        d->op.kind = OPERATION_OTHER;
        break;
    }
}

/* ---- TRANSACTION2 */

static void open2(struct completion *d, const struct smb1_transaction_request *q) {
    const struct smb1_transaction_response *r = details_of(d);
    d->op.kind = smb1_on_pipe(d) ? OPERATION_OPEN_PIPE : OPERATION_CREATE;
    smb1_on_path(d, q->name);
    if (r) {
        smb1_opened(d, &(struct smb1_opening){
                           .fid = r->open.response.fid,
                           .named = true,
                           .name = q->name,
                           .directory = r->open.response.file_attributes & FILE_ATTRIBUTE_DIRECTORY,
                       });
    }
}

static void create_directory(struct completion *d, const struct smb1_transaction_request *q) {
    d->op.kind = OPERATION_CREATE;
    smb1_on_path(d, q->name);
}

/* FIND_NEXT2 goes on with a search by its SID: of the name that it goes on from nothing is told (MS-CIFS 2.2.6.3.1). */
static void find(struct completion *d, const struct smb1_transaction_request *q) {
    const struct smb1_transaction_response *r = details_of(d);
    d->op.kind = OPERATION_QUERY_DIRECTORY;
    if (q->subject.subcommand == TRANS2_FIND_FIRST2) {
        smb1_searched(d, q->name);
    }
    if (r) {
        d->op.has_entries = true;
        d->op.entries = r->find.search_count;
    }
}

static void query(struct completion *d, const struct smb1_transaction_request *q) {
    const struct smb1_transaction_response *r = details_of(d);
    d->op.kind = OPERATION_QUERY_INFO;
    if (q->subject.subcommand == TRANS2_QUERY_PATH_INFORMATION) {
        smb1_on_path(d, q->name);
    }
    bool of_file = q->subject.subcommand == TRANS2_QUERY_PATH_INFORMATION ||
                   q->subject.subcommand == TRANS2_QUERY_FILE_INFORMATION;
    if (r && of_file && r->information.file.has_size) {
        d->op.has_size = true;
        d->op.size = r->information.file.end_of_file;
    }
}

static void disposition(struct completion *d, const struct smb1_change *change, bool by_path) {
    d->op.has_delete_mark = true;
    d->op.delete_pending = change->delete_pending;
    if (!smb1_done(d)) {
        return;
    }
    if (!by_path && d->handle) {
        handle_mark(d->handle, &(struct smb2_set_info_request){.delete_pending = change->delete_pending});
    }
    /* By its path the server opens the file, marks it and closes it: with nobody else at it, it is gone. */
    struct node *node = by_path && d->tree ? node_at(d->c->model, d->tree, d->op.aimed_name) : NULL;
    if (node) {
        node->delete_pending = change->delete_pending;
    } else if (by_path && change->delete_pending) {
        d->op.kind = OPERATION_DELETE;
        d->op.has_delete_mark = false;
        effect_deleted(d);
    }
}

/* A folder is made and not opened: the FID of the answer is 0, which Samba gives to no file. */
static void posix_open(struct completion *d, const struct smb1_transaction_request *q) {
    const struct smb1_transaction_response *r = details_of(d);
    bool opened = r && r->posix_open.fid != SMB1_ID_NONE && r->posix_open.fid != 0;
    d->op.kind = OPERATION_CREATE;
    if (opened) {
        smb1_opened(d, &(struct smb1_opening){
                           .fid = r->posix_open.fid,
                           .named = true,
                           .name = q->name,
                           .directory = q->change.directory,
                       });
    }
}

/* The Unix extensions name the new link by the path, and the file in the data; a FileLinkInformation the other way round. */
static void link_made(struct completion *d, const struct smb1_transaction_request *q) {
    bool of_unix = q->subject.level < SMB1_PASSTHROUGH;
    d->op.has_new_name = d->op.links = true;
    d->op.new_name = smb1_name(of_unix ? q->name : q->change.new_name);
    if (of_unix) {
        smb1_on_path(d, q->change.new_name);
    }
}

static void set(struct completion *d, const struct smb1_transaction_request *q) {
    bool by_path = q->subject.subcommand == TRANS2_SET_PATH_INFORMATION;
    d->op.kind = OPERATION_SET_INFO;
    if (by_path) {
        smb1_on_path(d, q->name);
    }
    switch (q->change.kind) {
    case SMB1_CHANGE_DISPOSITION:
        disposition(d, &q->change, by_path);
        break;
    case SMB1_CHANGE_RENAME:
        d->op.kind = OPERATION_RENAME;
        d->op.has_new_name = true;
        d->op.new_name = smb1_name(q->change.new_name);
        break;
    case SMB1_CHANGE_LINK:
        link_made(d, q);
        break;
    case SMB1_CHANGE_POSIX_OPEN:
        posix_open(d, q);
        break;
    case SMB1_CHANGE_POSIX_UNLINK:
        d->op.kind = OPERATION_DELETE;
        if (smb1_done(d)) {
            effect_deleted(d);
        }
        break;
    default:
        break;
    }
}

static void referral(struct completion *d, const struct smb1_transaction_request *q) {
    const struct smb1_transaction_response *r = details_of(d);
    (void)q;
    d->op.kind = OPERATION_IOCTL; /* as FSCTL_DFS_GET_REFERRALS is */
    if (r) {
        d->op.has_entries = true;
        d->op.entries = r->dfs.referrals;
    }
}

static void set_file_system(struct completion *d, const struct smb1_transaction_request *q) {
    (void)q;
    d->op.kind = OPERATION_OTHER; /* no file changes */
}

static void (*const trans2[])(struct completion *, const struct smb1_transaction_request *) = {
    [TRANS2_OPEN2] = open2,
    [TRANS2_FIND_FIRST2] = find,
    [TRANS2_FIND_NEXT2] = find,
    [TRANS2_QUERY_FS_INFORMATION] = query,
    [TRANS2_SET_FS_INFORMATION] = set_file_system,
    [TRANS2_QUERY_PATH_INFORMATION] = query,
    [TRANS2_SET_PATH_INFORMATION] = set,
    [TRANS2_QUERY_FILE_INFORMATION] = query,
    [TRANS2_SET_FILE_INFORMATION] = set,
    [TRANS2_CREATE_DIRECTORY] = create_directory,
    [TRANS2_GET_DFS_REFERRAL] = referral,
};

/* ---- NT_TRANSACT */

static void create(struct completion *d, const struct smb1_transaction_request *q) {
    const struct smb1_transaction_response *r = details_of(d);
    bool marks = q->create.create_options & FILE_DELETE_ON_CLOSE;
    d->op.kind = smb1_on_pipe(d) ? OPERATION_OPEN_PIPE : OPERATION_CREATE;
    d->op.has_delete_mark = d->op.delete_pending = marks;
    smb1_on_path(d, q->name);
    if (r) {
        smb1_opened(d, &(struct smb1_opening){
                           .fid = r->create.fid,
                           .named = true,
                           .name = q->name,
                           .directory = r->create.directory,
                           .delete_on_close = marks,
                       });
    }
}

static void ioctl(struct completion *d, const struct smb1_transaction_request *q) {
    bool pipe_call = q->ioctl.is_fsctl && q->subject.function_code == FSCTL_PIPE_TRANSCEIVE;
    d->op.kind = pipe_call ? OPERATION_TRANSACT_PIPE : OPERATION_IOCTL;
    if (pipe_call) {
        pipe_data(d, true, true);
    } else if (q->ioctl.copies) {
        effect_copied(d, q->ioctl.source_key);
    } else if (q->subject.function_code == FSCTL_SRV_REQUEST_RESUME_KEY && details_of(d)) {
        effect_copy_key(d, details_of(d)->ioctl.resume_key);
    }
}

static void notify(struct completion *d, const struct smb1_transaction_request *q) {
    const struct smb1_transaction_response *r = details_of(d);
    (void)q;
    d->op.kind = OPERATION_NOTIFY;
    if (r) {
        d->op.has_entries = true;
        d->op.entries = r->notify.entries;
    }
}

static void nt_rename(struct completion *d, const struct smb1_transaction_request *q) {
    d->op.kind = OPERATION_RENAME;
    d->op.has_new_name = true;
    d->op.new_name = smb1_name(q->name);
}

static void query_info(struct completion *d, const struct smb1_transaction_request *q) {
    (void)q;
    d->op.kind = OPERATION_QUERY_INFO;
}

static void set_info(struct completion *d, const struct smb1_transaction_request *q) {
    (void)q;
    d->op.kind = OPERATION_SET_INFO;
}

static void (*const nt[])(struct completion *, const struct smb1_transaction_request *) = {
    [NT_TRANSACT_CREATE] = create,
    [NT_TRANSACT_IOCTL] = ioctl,
    [NT_TRANSACT_SET_SECURITY_DESC] = set_info,
    [NT_TRANSACT_NOTIFY_CHANGE] = notify,
    [NT_TRANSACT_RENAME] = nt_rename,
    [NT_TRANSACT_QUERY_SECURITY_DESC] = query_info,
    [NT_TRANSACT_QUERY_QUOTA] = query_info,
    [NT_TRANSACT_SET_QUOTA] = set_info,
    [NT_TRANSACT_CREATE2] = create,
};

#define COUNT(table) (sizeof(table) / sizeof((table)[0]))

void smb1_transact(struct completion *d) {
    const struct smb1_transaction_request *q = asked_of(d);
    void (*effect)(struct completion *, const struct smb1_transaction_request *) = NULL;
    uint16_t subcommand = q ? q->subject.subcommand : 0;
    switch (q ? q->subject.kind : SMB1_SUBJECT_UNKNOWN) {
    case SMB1_SUBJECT_PIPE:
        effect = pipe;
        break;
    case SMB1_SUBJECT_RAP:
        d->op.kind = OPERATION_TRANSACT_PIPE;
        return;
    case SMB1_SUBJECT_TRANS2:
        effect = subcommand < COUNT(trans2) ? trans2[subcommand] : NULL;
        break;
    case SMB1_SUBJECT_NT:
        effect = subcommand < COUNT(nt) ? nt[subcommand] : NULL;
        break;
    case SMB1_SUBJECT_MAILSLOT:
    case SMB1_SUBJECT_UNKNOWN:
        break;
    }
    (effect ? effect : other)(d, q);
}

/* ---- renames, once they were told under the old name */

enum { NAME_MAX_BYTES = 64 * 1024 };

static bool is_backslash(struct view v, size_t i) {
    return v.p[i] == '\\' && v.p[i + 1] == 0;
}

/* The new name in the folder of the old one, where it is a name alone (MS-FSCC 2.4.43, as SMB1 servers take it). */
static struct text beside(struct model *m, struct text old, struct text new) {
    for (size_t i = 0; i + 1 < new.bytes.n; i += 2) {
        if (is_backslash(new.bytes, i)) {
            return new;
        }
    }
    size_t folder = old.bytes.n & ~(size_t)1;
    while (folder >= 2 && !is_backslash(old.bytes, folder - 2)) {
        folder -= 2;
    }
    uint8_t *to =
        folder && folder + new.bytes.n <= NAME_MAX_BYTES ? arena_take(&m->scratch, folder + new.bytes.n) : NULL;
    if (!to) {
        return new;
    }
    memcpy(to, old.bytes.p, folder);
    if (new.bytes.n > 0) {
        memcpy(to + folder, new.bytes.p, new.bytes.n);
    }
    return text_utf16((struct view){to, folder + new.bytes.n});
}

static bool of_stream(struct text name) {
    return name.bytes.n >= 2 && name.bytes.p[0] == ':' && name.bytes.p[1] == 0;
}

void smb1_transacted(struct completion *d) {
    struct model *m = d->c->model;
    if (d->op.kind != OPERATION_RENAME || !smb1_done(d)) {
        return;
    }
    if (d->op.has_aimed_name && !of_stream(d->op.new_name)) {
        smb1_path_renamed(d, d->op.aimed_name, beside(m, d->op.aimed_name, d->op.new_name));
    } else if (d->handle && d->handle->facts.named) {
        bool stream = of_stream(d->op.new_name);
        handle_rename(m, d->handle, stream ? d->op.new_name : beside(m, d->handle->facts.name, d->op.new_name));
    }
}
