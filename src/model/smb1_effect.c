/* What a finished SMB1 operation changes in the model: a function a command. Nothing counts before its successful final response. */
#include "model/smb1_state.h"

/* ---- FIDs, by the kinds of requests that name one */

enum fid_kind {
    FID_NONE,
    FID_FILE,
    FID_READ,
    FID_WRITE,
    FID_LOCK,
    FID_LOCKING,
    FID_SEEK,
    FID_IOCTL,
    FID_SET_INFORMATION2
};

static const uint8_t fid_kinds[256] = {
    [SMB1_CLOSE] = FID_FILE,
    [SMB1_FLUSH] = FID_FILE,
    [SMB1_QUERY_INFORMATION2] = FID_FILE,
    [SMB1_CLOSE_PRINT_FILE] = FID_FILE,
    [SMB1_READ] = FID_READ,
    [SMB1_LOCK_AND_READ] = FID_READ,
    [SMB1_READ_RAW] = FID_READ,
    [SMB1_READ_MPX] = FID_READ,
    [SMB1_READ_ANDX] = FID_READ,
    [SMB1_WRITE] = FID_WRITE,
    [SMB1_WRITE_AND_UNLOCK] = FID_WRITE,
    [SMB1_WRITE_RAW] = FID_WRITE,
    [SMB1_WRITE_MPX] = FID_WRITE,
    [SMB1_WRITE_AND_CLOSE] = FID_WRITE,
    [SMB1_WRITE_ANDX] = FID_WRITE,
    [SMB1_WRITE_PRINT_FILE] = FID_WRITE,
    [SMB1_LOCK_BYTE_RANGE] = FID_LOCK,
    [SMB1_UNLOCK_BYTE_RANGE] = FID_LOCK,
    [SMB1_LOCKING_ANDX] = FID_LOCKING,
    [SMB1_SEEK] = FID_SEEK,
    [SMB1_IOCTL] = FID_IOCTL,
    [SMB1_SET_INFORMATION2] = FID_SET_INFORMATION2,
};

bool smb1_request_fid(const struct smb1_message *q, uint16_t *fid) {
    switch (q->empty ? FID_NONE : (enum fid_kind)fid_kinds[q->command]) {
    case FID_FILE:
        *fid = q->file_request.fid;
        return true;
    case FID_READ:
        *fid = q->read_request.fid;
        return true;
    case FID_WRITE:
        *fid = q->write_request.fid;
        return true;
    case FID_LOCK:
        *fid = q->lock_request.fid;
        return true;
    case FID_LOCKING:
        *fid = q->locking_request.fid;
        return true;
    case FID_SEEK:
        *fid = q->seek_request.fid;
        return true;
    case FID_IOCTL:
        *fid = q->ioctl.fid;
        return true;
    case FID_SET_INFORMATION2:
        *fid = q->set_information_request.fid;
        return true;
    case FID_NONE:
        break;
    }
    return false;
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
PLAIN(ioctl, IOCTL)
PLAIN(query_info, QUERY_INFO)
PLAIN(set_info, SET_INFO)
PLAIN(close_search, CLOSE)
PLAIN(other, OTHER)

/* From the server it is the break of an oplock, from the client with OPLOCK_RELEASE the answer to one (MS-CIFS 2.2.4.32.1). */
static void locking(struct completion *d) {
    const struct smb1_message *q = d->op.unasked ? d->smb1_rsp : smb1_request_of(d);
    d->op.kind = OPERATION_LOCK;
    if (q && !q->empty && (d->op.unasked || (q->locking_request.type_of_lock & OPLOCK_RELEASE))) {
        d->op.kind = OPERATION_OPLOCK_BREAK;
    }
    if (!d->op.unasked || d->smb1_rsp->empty) {
        return;
    }
    uint16_t fid = d->smb1_rsp->locking_request.fid;
    d->op.file_id.volatile_part = fid;
    d->op.has_file_id = true;
    d->handle = smb1_handle_find(d->c, fid);
    if (d->handle) {
        d->tree = d->handle->tree;
        d->session = d->handle->session;
        d->op.session_id = d->session->facts.id;
    }
}

static void (*const effects[256])(struct completion *) = {
    [SMB1_CREATE_DIRECTORY] = smb1_create_directory,
    [SMB1_DELETE_DIRECTORY] = smb1_delete,
    [SMB1_OPEN] = smb1_open,
    [SMB1_CREATE] = smb1_open,
    [SMB1_CLOSE] = smb1_close,
    [SMB1_FLUSH] = flush,
    [SMB1_DELETE] = smb1_delete,
    [SMB1_RENAME] = smb1_rename,
    [SMB1_QUERY_INFORMATION] = smb1_query_path,
    [SMB1_SET_INFORMATION] = smb1_set_path,
    [SMB1_READ] = smb1_read,
    [SMB1_WRITE] = smb1_write,
    [SMB1_LOCK_BYTE_RANGE] = lock,
    [SMB1_UNLOCK_BYTE_RANGE] = lock,
    [SMB1_CREATE_TEMPORARY] = smb1_open,
    [SMB1_CREATE_NEW] = smb1_open,
    [SMB1_CHECK_DIRECTORY] = smb1_query_path,
    [SMB1_PROCESS_EXIT] = smb1_process_exit,
    [SMB1_LOCK_AND_READ] = smb1_read,
    [SMB1_WRITE_AND_UNLOCK] = smb1_write,
    [SMB1_READ_RAW] = smb1_read,
    [SMB1_READ_MPX] = smb1_read,
    [SMB1_WRITE_RAW] = smb1_write,
    [SMB1_WRITE_MPX] = smb1_write,
    [SMB1_WRITE_COMPLETE] = smb1_write,
    [SMB1_SET_INFORMATION2] = set_info,
    [SMB1_QUERY_INFORMATION2] = query_info,
    [SMB1_LOCKING_ANDX] = locking,
    [SMB1_TRANSACTION] = smb1_transact,
    [SMB1_IOCTL] = ioctl,
    [SMB1_COPY] = smb1_copy,
    [SMB1_MOVE] = smb1_copy,
    [SMB1_ECHO] = echo,
    [SMB1_WRITE_AND_CLOSE] = smb1_write,
    [SMB1_OPEN_ANDX] = smb1_open,
    [SMB1_READ_ANDX] = smb1_read,
    [SMB1_WRITE_ANDX] = smb1_write,
    [SMB1_TRANSACTION2] = smb1_transact,
    [SMB1_FIND_CLOSE2] = close_search,
    [SMB1_TREE_CONNECT] = smb1_tree_connect,
    [SMB1_TREE_DISCONNECT] = smb1_tree_disconnect,
    [SMB1_NEGOTIATE] = smb1_negotiated,
    [SMB1_SESSION_SETUP_ANDX] = smb1_session_setup,
    [SMB1_LOGOFF_ANDX] = smb1_logoff,
    [SMB1_TREE_CONNECT_ANDX] = smb1_tree_connect,
    [SMB1_QUERY_INFORMATION_DISK] = query_info,
    [SMB1_SEARCH] = smb1_search,
    [SMB1_FIND] = smb1_search,
    [SMB1_FIND_UNIQUE] = smb1_search,
    [SMB1_FIND_CLOSE] = close_search,
    [SMB1_NT_TRANSACT] = smb1_transact,
    [SMB1_NT_CREATE_ANDX] = smb1_nt_create,
    [SMB1_NT_CANCEL] = cancel,
    [SMB1_NT_RENAME] = smb1_rename,
    [SMB1_OPEN_PRINT_FILE] = smb1_print,
    [SMB1_WRITE_PRINT_FILE] = smb1_print,
    [SMB1_CLOSE_PRINT_FILE] = smb1_print,
    [SMB1_GET_PRINT_QUEUE] = smb1_print,
};

void smb1_effect_apply(struct completion *d) {
    uint8_t command = d->smb1_ex ? d->smb1_ex->request.command : d->smb1_rsp->command;
    (effects[command] ? effects[command] : other)(d);
}

/* MS-CIFS 3.3.5.34; one of no bytes closes nothing, as Windows and Samba do it. */
static bool closes_too(const struct completion *d, const struct smb1_message *any) {
    const struct smb1_message *q = smb1_request_of(d);
    return any->command == SMB1_WRITE_AND_CLOSE && smb1_done(d) && !(q && q->write_request.data_length == 0);
}

/* A WRITE_AND_CLOSE is told as a write; what its handle came to is told as that of any handle that ends without a CLOSE. */
void smb1_effect_after(struct completion *d) {
    const struct smb1_message *any = d->smb1_ex ? &d->smb1_ex->request : d->smb1_rsp;
    if (smb1_is_transaction(any->command)) {
        smb1_transacted(d);
    }
    if (d->handle && closes_too(d, any)) {
        handle_abandon(d->c->model, d->handle, HANDLE_CLOSED);
        d->handle = NULL;
    }
}
