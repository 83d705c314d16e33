/* Reads every byte that the decoders of whole SMB1 transactions give out. */
#ifndef TOUCH_SMB1_TRANS_H
#define TOUCH_SMB1_TRANS_H

#include "smb1_transaction.h"
#include "touch_view.h"

static inline void touch_trans_request(const struct smb1_transaction_request *q) {
    const struct smb1_subject *s = &q->subject;
    touch_text(q->name);
    touch_view(q->data);
    if (s->kind == SMB1_SUBJECT_RAP) {
        touch_text(q->rap.param_desc);
        touch_text(q->rap.data_desc);
        touch_view(q->rap.params);
    } else if (s->kind == SMB1_SUBJECT_TRANS2) {
        bool sets = s->subcommand == TRANS2_SET_PATH_INFORMATION || s->subcommand == TRANS2_SET_FILE_INFORMATION;
        touch_text(sets ? q->change.new_name : q->name);
    }
}

static inline void touch_trans_response(const struct smb1_transaction_response *a, const struct smb1_subject *s) {
    touch_view(a->data);
    if (a->kind == SMB1_SUBJECT_PIPE) {
        touch_text(a->pipe.name);
    } else if (a->kind == SMB1_SUBJECT_TRANS2 && s->subcommand == TRANS2_QUERY_FS_INFORMATION) {
        touch_text(a->file_system.label);
        touch_text(a->file_system.file_system);
    } else if (a->kind == SMB1_SUBJECT_TRANS2 &&
               (s->subcommand == TRANS2_QUERY_PATH_INFORMATION || s->subcommand == TRANS2_QUERY_FILE_INFORMATION)) {
        touch_text(a->information.file.name);
    }
}

#endif
