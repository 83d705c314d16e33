/* The SMB1 part of touch.h: reads every byte that a command of a chain gives out. */
#ifndef TOUCH_SMB1_H
#define TOUCH_SMB1_H

#include "pdu_smb1.h"
#include "touch_view.h"

static inline void touch_smb1_names(const struct smb1_message *m) {
    switch (m->command) {
    case SMB1_NEGOTIATE:
        for (unsigned i = 0; i < m->negotiate_request.dialects.count; i++) {
            touch_text(m->negotiate_request.dialects.items[i]);
        }
        break;
    case SMB1_OPEN:
    case SMB1_OPEN_ANDX:
    case SMB1_CREATE:
    case SMB1_CREATE_NEW:
    case SMB1_CREATE_TEMPORARY:
    case SMB1_OPEN_PRINT_FILE:
        touch_text(m->open_request.file_name);
        break;
    case SMB1_NT_CREATE_ANDX:
        touch_text(m->nt_create_request.file_name);
        break;
    case SMB1_CREATE_DIRECTORY:
    case SMB1_DELETE_DIRECTORY:
    case SMB1_CHECK_DIRECTORY:
    case SMB1_DELETE:
    case SMB1_QUERY_INFORMATION:
        touch_text(m->path_request.name);
        break;
    case SMB1_RENAME:
    case SMB1_NT_RENAME:
        touch_text(m->rename_request.old_file_name);
        touch_text(m->rename_request.new_file_name);
        break;
    case SMB1_COPY:
    case SMB1_MOVE:
        touch_text(m->copy_request.source_file_name);
        touch_text(m->copy_request.target_file_name);
        break;
    case SMB1_SET_INFORMATION:
        touch_text(m->set_information_request.file_name);
        break;
    default:
        break;
    }
}

static inline void touch_smb1_request(const struct smb1_message *m) {
    switch (m->command) {
    case SMB1_SESSION_SETUP_ANDX:
        touch_text(m->session_setup_request.account_name);
        touch_text(m->session_setup_request.primary_domain);
        touch_text(m->session_setup_request.native_os);
        touch_text(m->session_setup_request.native_lan_man);
        touch_view(m->session_setup_request.security_blob);
        break;
    case SMB1_TREE_CONNECT:
    case SMB1_TREE_CONNECT_ANDX:
        touch_text(m->tree_connect_request.path);
        touch_text(m->tree_connect_request.service);
        break;
    case SMB1_WRITE:
    case SMB1_WRITE_ANDX:
    case SMB1_WRITE_RAW:
    case SMB1_WRITE_MPX:
    case SMB1_WRITE_AND_CLOSE:
    case SMB1_WRITE_AND_UNLOCK:
    case SMB1_WRITE_PRINT_FILE:
        touch_view(m->write_request.data);
        break;
    case SMB1_LOCKING_ANDX:
        touch_list(m->locking_request.unlocks.items, m->locking_request.unlocks.count, sizeof(struct smb1_byte_range));
        touch_list(m->locking_request.locks.items, m->locking_request.locks.count, sizeof(struct smb1_byte_range));
        break;
    case SMB1_SEARCH:
    case SMB1_FIND:
    case SMB1_FIND_UNIQUE:
    case SMB1_FIND_CLOSE:
        touch_text(m->search_request.file_name);
        touch_view(m->search_request.resume_key);
        break;
    default:
        touch_smb1_names(m);
        break;
    }
}

static inline void touch_smb1_response(const struct smb1_message *m) {
    switch (m->command) {
    case SMB1_NEGOTIATE:
        touch_text(m->negotiate_response.domain_name);
        touch_text(m->negotiate_response.server_name);
        touch_view(m->negotiate_response.security_blob);
        break;
    case SMB1_SESSION_SETUP_ANDX:
        touch_text(m->session_setup_response.native_os);
        touch_text(m->session_setup_response.native_lan_man);
        touch_text(m->session_setup_response.primary_domain);
        touch_view(m->session_setup_response.security_blob);
        break;
    case SMB1_TREE_CONNECT_ANDX:
        touch_text(m->tree_connect_response.service);
        touch_text(m->tree_connect_response.native_file_system);
        break;
    case SMB1_CREATE_TEMPORARY:
        touch_text(m->open_response.temporary_file_name);
        break;
    case SMB1_READ:
    case SMB1_READ_ANDX:
    case SMB1_READ_MPX:
    case SMB1_LOCK_AND_READ:
        touch_view(m->read_response.data);
        break;
    case SMB1_COPY:
    case SMB1_MOVE:
        touch_text(m->copy_response.error_file_name);
        break;
    case SMB1_SEARCH:
    case SMB1_FIND:
    case SMB1_FIND_UNIQUE:
    case SMB1_FIND_CLOSE:
        touch_view(m->search_response.entries);
        break;
    case SMB1_GET_PRINT_QUEUE:
        touch_view(m->print_queue_response.entries);
        break;
    default:
        break;
    }
}

/* What looks the same in both directions. */
static inline void touch_smb1_either(const struct smb1_message *m) {
    switch (m->command) {
    case SMB1_TRANSACTION:
    case SMB1_TRANSACTION_SECONDARY:
    case SMB1_TRANSACTION2:
    case SMB1_TRANSACTION2_SECONDARY:
    case SMB1_NT_TRANSACT:
    case SMB1_NT_TRANSACT_SECONDARY:
        touch_view(m->transaction.setup);
        touch_text(m->transaction.name);
        touch_view(m->transaction.parameters);
        touch_view(m->transaction.data);
        break;
    case SMB1_IOCTL:
        touch_view(m->ioctl.parameters);
        touch_view(m->ioctl.data);
        break;
    case SMB1_ECHO:
        touch_view(m->echo.data);
        break;
    default:
        break;
    }
}

static inline void touch_smb1(const struct smb1_message *m) {
    touch_view(m->words);
    touch_view(m->bytes);
    if (m->empty) {
        return;
    }
    touch_smb1_either(m);
    if (m->response) {
        touch_smb1_response(m);
    } else {
        touch_smb1_request(m);
    }
}

#endif
