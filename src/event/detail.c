/* Which operations have a record, by the table of records.md, "Detail". */
#include "downgrade.h"
#include "event/maker.h"

static bool failed(const struct operation *op) {
    const struct smb2_message *r = op->response;
    if (op->smb1_response && !op->unasked) {
        return op->failed;
    }
    return r && ((r->header.status >> 30 == 3 && r->header.status != STATUS_MORE_PROCESSING_REQUIRED) ||
                 r->header.status == STATUS_STOPPED_ON_SYMLINK);
}

/* An IOCTL that changes a file, as a write does, is worth its record too. */
static bool changes_file(const struct operation *op) {
    const struct smb2_message *any = op->request ? op->request : op->response;
    bool known = any && !any->empty && !any->is_error;
    if (!known && !op->smb1_asked) {
        return false;
    }
    switch (known ? any->ioctl.ctl_code : op->smb1_asked->subject.function_code) {
    case FSCTL_SRV_COPYCHUNK:
    case FSCTL_SRV_COPYCHUNK_WRITE:
    case FSCTL_SET_REPARSE_POINT:
    case FSCTL_DELETE_REPARSE_POINT:
    case FSCTL_SET_ZERO_DATA:
    case FSCTL_OFFLOAD_WRITE:
    case FSCTL_DUPLICATE_EXTENTS_TO_FILE:
        return true;
    default:
        return false;
    }
}

/* A server that has agreed on SMB2 answers this by hanging up (MS-SMB2 3.3.5.1). */
static bool smb1_amidst_smb2(const struct operation *op) {
    return op->smb1_request && op->response_lost && op->connection->dialect != 0;
}

bool maker_wants(const struct operation *op, enum detail detail) {
    if (op->implicit && op->kind != OPERATION_DELETE) {
        return detail == DETAIL_HANDLES;
    }
    if (detail == DETAIL_OPERATIONS || op->change || failed(op) || smb1_amidst_smb2(op) ||
        (op->downgrade_signs & DOWNGRADE_TOLD)) {
        return true;
    }
    switch (op->kind) {
    case OPERATION_NEGOTIATE: /* use of SMB1, or a request that went unanswered: what findings and the inventory rest on */
        return op->smb1_request && !op->response;
    case OPERATION_SESSION_SETUP:
        return !op->leg;
    case OPERATION_LOGOFF:
    case OPERATION_TREE_CONNECT:
    case OPERATION_CREATE:
    case OPERATION_OPEN_PIPE:
    case OPERATION_RENAME:
    case OPERATION_DELETE:
    case OPERATION_SET_INFO:
    case OPERATION_TRANSACT_PIPE:
        return true;
    case OPERATION_CLOSE:
        return op->sums;
    case OPERATION_READ:
    case OPERATION_WRITE:
    case OPERATION_READ_PIPE:
    case OPERATION_WRITE_PIPE:
    case OPERATION_ENCRYPTED:
        return op->first_of_handle;
    case OPERATION_IOCTL:
        return changes_file(op);
    case OPERATION_PRINT:
        return !op->has_bytes_written || op->first_of_handle;
    case OPERATION_OTHER:
        return op->copy_source.bytes.n != 0;
    default:
        return false;
    }
}
