#include "names.h"

#include <string.h>

#include "constants.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define TABLE(rows) \
    { (rows), COUNT(rows) }

const struct name_row *names_search_row(const struct name_table *table, uint32_t value) {
    const struct name_row *rows = table->rows;
    size_t low = 0, high = table->count;

    if (value - 1 < high && rows[value - 1].value == value)
        return &rows[value - 1];
    while (low < high) {
        size_t middle = low + (high - low) / 2;

        if (rows[middle].value == value)
            return &rows[middle];
        if (rows[middle].value < value)
            low = middle + 1;
        else
            high = middle;
    }
    return NULL;
}

const char *names_find(const struct name_table *table, uint32_t value) {
    const struct name_row *row = names_find_row(table, value);
    return row ? row->name : NULL;
}

const struct name_create_context *names_find_create_context(const void *wire, size_t wire_length, size_t data_length) {
    const struct name_create_context *found = NULL;

    for (size_t i = 0; i < names_create_contexts; i++) {
        const struct name_create_context *row = &names_create_context[i];

        if (row->wire_length != wire_length || memcmp(row->wire, wire, wire_length) != 0)
            continue;
        if (row->data_length == data_length)
            return row;
        if (row->data_length == 0)
            found = row;
    }
    return found;
}

const struct name_create_context names_create_context[] = {
#define CREATE_CONTEXT(id, wire, data_length, name) {CREATE_CONTEXT_##id, wire, sizeof(wire) - 1, data_length, name},
#include "tables/create_context.def"
#undef CREATE_CONTEXT
};
const size_t names_create_contexts = COUNT(names_create_context);

/* Rows as the files have them: the name is the identifier itself, or a string beside it. */
#define ROW(value, name) NAME_ROW(value, #name),
#define ROW_OF_STRING(value, constant, name) NAME_ROW(value, name),

static const struct name_row smb2_command[] = {
#define SMB2_COMMAND(prefix, name, number, request_size, response_size, section) NAME_ROW(number, "SMB2_" #name),
#include "tables/smb2_command.def"
#undef SMB2_COMMAND
};
const struct name_table names_smb2_command = TABLE(smb2_command);

static const struct name_row smb1_command[] = {
#define SMB1_COMMAND(number, name, ...) NAME_ROW(number, "SMB1_" #name),
#include "tables/smb1_command.def"
#undef SMB1_COMMAND
};
const struct name_table names_smb1_command = TABLE(smb1_command);

static const struct name_row ntstatus[] = {
#define NTSTATUS ROW
#include "tables/ntstatus.def"
#undef NTSTATUS
};
const struct name_table names_ntstatus = TABLE(ntstatus);

static const struct name_row dos_error_class[] = {
#define DOS_ERROR_CLASS ROW
#include "tables/dos_error_class.def"
#undef DOS_ERROR_CLASS
};
const struct name_table names_dos_error_class = TABLE(dos_error_class);

static const struct name_row dos_error_dos[] = {
#define DOS_ERROR_DOS ROW
#include "tables/dos_error_dos.def"
#undef DOS_ERROR_DOS
};
const struct name_table names_dos_error_dos = TABLE(dos_error_dos);

static const struct name_row dos_error_srv[] = {
#define DOS_ERROR_SRV ROW
#include "tables/dos_error_srv.def"
#undef DOS_ERROR_SRV
};
const struct name_table names_dos_error_srv = TABLE(dos_error_srv);

static const struct name_row dos_error_hrd[] = {
#define DOS_ERROR_HRD ROW
#include "tables/dos_error_hrd.def"
#undef DOS_ERROR_HRD
};
const struct name_table names_dos_error_hrd = TABLE(dos_error_hrd);

static const struct name_row fsctl[] = {
#define FSCTL ROW
#include "tables/fsctl.def"
#undef FSCTL
};
const struct name_table names_fsctl = TABLE(fsctl);

static const struct name_row file_info_class[] = {
#define FILE_INFO_CLASS ROW
#include "tables/file_info_class.def"
#undef FILE_INFO_CLASS
};
const struct name_table names_file_info_class = TABLE(file_info_class);

static const struct name_row fs_info_class[] = {
#define FS_INFO_CLASS ROW
#include "tables/fs_info_class.def"
#undef FS_INFO_CLASS
};
const struct name_table names_fs_info_class = TABLE(fs_info_class);

static const struct name_row info_type[] = {
#define INFO_TYPE ROW
#include "tables/info_type.def"
#undef INFO_TYPE
};
const struct name_table names_info_type = TABLE(info_type);

static const struct name_row dialect[] = {
#define DIALECT ROW_OF_STRING
#include "tables/dialect.def"
#undef DIALECT
};
const struct name_table names_dialect = TABLE(dialect);

static const struct name_row negotiate_context[] = {
#define NEGOTIATE_CONTEXT ROW
#include "tables/negotiate_context.def"
#undef NEGOTIATE_CONTEXT
};
const struct name_table names_negotiate_context = TABLE(negotiate_context);

static const struct name_row hash_algorithm[] = {
#define HASH_ALGORITHM ROW_OF_STRING
#include "tables/hash_algorithm.def"
#undef HASH_ALGORITHM
};
const struct name_table names_hash_algorithm = TABLE(hash_algorithm);

static const struct name_row cipher[] = {
#define CIPHER ROW_OF_STRING
#include "tables/cipher.def"
#undef CIPHER
};
const struct name_table names_cipher = TABLE(cipher);

static const struct name_row compression_algorithm[] = {
#define COMPRESSION_ALGORITHM ROW_OF_STRING
#include "tables/compression_algorithm.def"
#undef COMPRESSION_ALGORITHM
};
const struct name_table names_compression_algorithm = TABLE(compression_algorithm);

static const struct name_row rdma_transform[] = {
#define RDMA_TRANSFORM ROW
#include "tables/rdma_transform.def"
#undef RDMA_TRANSFORM
};
const struct name_table names_rdma_transform = TABLE(rdma_transform);

static const struct name_row signing_algorithm[] = {
#define SIGNING_ALGORITHM ROW_OF_STRING
#include "tables/signing_algorithm.def"
#undef SIGNING_ALGORITHM
};
const struct name_table names_signing_algorithm = TABLE(signing_algorithm);

static const struct name_row error_id[] = {
#define ERROR_ID ROW
#include "tables/error_id.def"
#undef ERROR_ID
};
const struct name_table names_error_id = TABLE(error_id);

static const struct name_row share_type[] = {
#define SHARE_TYPE ROW_OF_STRING
#include "tables/share_type.def"
#undef SHARE_TYPE
};
const struct name_table names_share_type = TABLE(share_type);

static const struct name_row share_caching[] = {
#define SHARE_CACHING ROW
#include "tables/share_caching.def"
#undef SHARE_CACHING
};
const struct name_table names_share_caching = TABLE(share_caching);

static const struct name_row tree_connect_context[] = {
#define TREE_CONNECT_CONTEXT ROW
#include "tables/tree_connect_context.def"
#undef TREE_CONNECT_CONTEXT
};
const struct name_table names_tree_connect_context = TABLE(tree_connect_context);

static const struct name_row create_disposition[] = {
#define CREATE_DISPOSITION ROW
#include "tables/create_disposition.def"
#undef CREATE_DISPOSITION
};
const struct name_table names_create_disposition = TABLE(create_disposition);

static const struct name_row create_action[] = {
#define CREATE_ACTION ROW
#include "tables/create_action.def"
#undef CREATE_ACTION
};
const struct name_table names_create_action = TABLE(create_action);

static const struct name_row oplock_level[] = {
#define OPLOCK_LEVEL ROW
#include "tables/oplock_level.def"
#undef OPLOCK_LEVEL
};
const struct name_table names_oplock_level = TABLE(oplock_level);

static const struct name_row impersonation_level[] = {
#define IMPERSONATION_LEVEL ROW
#include "tables/impersonation_level.def"
#undef IMPERSONATION_LEVEL
};
const struct name_table names_impersonation_level = TABLE(impersonation_level);

static const struct name_row channel[] = {
#define CHANNEL ROW
#include "tables/channel.def"
#undef CHANNEL
};
const struct name_table names_channel = TABLE(channel);

static const struct name_row reparse_tag[] = {
#define REPARSE_TAG ROW
#include "tables/reparse_tag.def"
#undef REPARSE_TAG
};
const struct name_table names_reparse_tag = TABLE(reparse_tag);

static const struct name_row notify_action[] = {
#define NOTIFY_ACTION ROW
#include "tables/notify_action.def"
#undef NOTIFY_ACTION
};
const struct name_table names_notify_action = TABLE(notify_action);

static const struct name_row notification_type[] = {
#define NOTIFICATION_TYPE ROW
#include "tables/notification_type.def"
#undef NOTIFICATION_TYPE
};
const struct name_table names_notification_type = TABLE(notification_type);

static const struct name_row header_flag[] = {
#define HEADER_FLAG ROW
#include "tables/header_flag.def"
#undef HEADER_FLAG
};
const struct name_table names_header_flag = TABLE(header_flag);

static const struct name_row security_mode[] = {
#define SECURITY_MODE ROW_OF_STRING
#include "tables/security_mode.def"
#undef SECURITY_MODE
};
const struct name_table names_security_mode = TABLE(security_mode);

static const struct name_row global_capability[] = {
#define GLOBAL_CAPABILITY ROW
#include "tables/global_capability.def"
#undef GLOBAL_CAPABILITY
};
const struct name_table names_global_capability = TABLE(global_capability);

static const struct name_row compression_capability[] = {
#define COMPRESSION_CAPABILITY ROW
#include "tables/compression_capability.def"
#undef COMPRESSION_CAPABILITY
};
const struct name_table names_compression_capability = TABLE(compression_capability);

static const struct name_row transport_capability[] = {
#define TRANSPORT_CAPABILITY ROW
#include "tables/transport_capability.def"
#undef TRANSPORT_CAPABILITY
};
const struct name_table names_transport_capability = TABLE(transport_capability);

static const struct name_row session_setup_flag[] = {
#define SESSION_SETUP_FLAG ROW
#include "tables/session_setup_flag.def"
#undef SESSION_SETUP_FLAG
};
const struct name_table names_session_setup_flag = TABLE(session_setup_flag);

static const struct name_row session_flag[] = {
#define SESSION_FLAG ROW
#include "tables/session_flag.def"
#undef SESSION_FLAG
};
const struct name_table names_session_flag = TABLE(session_flag);

static const struct name_row spnego_state[] = {
#define SPNEGO_STATE(value, text) NAME_ROW(value, text),
#include "tables/spnego_state.def"
#undef SPNEGO_STATE
};
const struct name_table names_spnego_state = TABLE(spnego_state);

static const struct name_row ntlm_response[] = {
#define NTLM_RESPONSE(value, text) NAME_ROW(value, text),
#include "tables/ntlm_response.def"
#undef NTLM_RESPONSE
};
const struct name_table names_ntlm_response = TABLE(ntlm_response);

static const struct name_row downgrade_sign[] = {
#define DOWNGRADE_SIGN(value, id, text, told) NAME_ROW(value, text),
#include "tables/downgrade_sign.def"
#undef DOWNGRADE_SIGN
};
const struct name_table names_downgrade_sign = TABLE(downgrade_sign);

static const struct name_row kerberos_option[] = {
#define KERBEROS_OPTION(value, text) NAME_ROW(value, text),
#include "tables/kerberos_option.def"
#undef KERBEROS_OPTION
};
const struct name_table names_kerberos_option = TABLE(kerberos_option);

static const struct name_row kerberos_encryption[] = {
#define KERBEROS_ENCRYPTION(value, text) NAME_ROW(value, text),
#include "tables/kerberos_encryption.def"
#undef KERBEROS_ENCRYPTION
};
const struct name_table names_kerberos_encryption = TABLE(kerberos_encryption);

static const struct name_row kerberos_error[] = {
#define KERBEROS_ERROR ROW
#include "tables/kerberos_error.def"
#undef KERBEROS_ERROR
};
const struct name_table names_kerberos_error = TABLE(kerberos_error);

static const struct name_row compression_flag[] = {
#define COMPRESSION_FLAG ROW
#include "tables/compression_flag.def"
#undef COMPRESSION_FLAG
};
const struct name_table names_compression_flag = TABLE(compression_flag);

static const struct name_row tree_connect_flag[] = {
#define TREE_CONNECT_FLAG ROW
#include "tables/tree_connect_flag.def"
#undef TREE_CONNECT_FLAG
};
const struct name_table names_tree_connect_flag = TABLE(tree_connect_flag);

static const struct name_row share_flag[] = {
#define SHARE_FLAG ROW
#include "tables/share_flag.def"
#undef SHARE_FLAG
};
const struct name_table names_share_flag = TABLE(share_flag);

static const struct name_row share_capability[] = {
#define SHARE_CAPABILITY ROW
#include "tables/share_capability.def"
#undef SHARE_CAPABILITY
};
const struct name_table names_share_capability = TABLE(share_capability);

static const struct name_row access_mask_file[] = {
#define ACCESS_MASK(bit, file_name, directory_name) NAME_ROW(bit, #file_name),
#include "tables/access_mask.def"
#undef ACCESS_MASK
};
const struct name_table names_access_mask_file = TABLE(access_mask_file);

static const struct name_row access_mask_directory[] = {
#define ACCESS_MASK(bit, file_name, directory_name) NAME_ROW(bit, #directory_name),
#include "tables/access_mask.def"
#undef ACCESS_MASK
};
const struct name_table names_access_mask_directory = TABLE(access_mask_directory);

static const struct name_row file_attribute[] = {
#define FILE_ATTRIBUTE ROW
#include "tables/file_attribute.def"
#undef FILE_ATTRIBUTE
};
const struct name_table names_file_attribute = TABLE(file_attribute);

static const struct name_row share_access[] = {
#define SHARE_ACCESS ROW
#include "tables/share_access.def"
#undef SHARE_ACCESS
};
const struct name_table names_share_access = TABLE(share_access);

static const struct name_row create_option[] = {
#define CREATE_OPTION ROW
#include "tables/create_option.def"
#undef CREATE_OPTION
};
const struct name_table names_create_option = TABLE(create_option);

static const struct name_row create_flag[] = {
#define CREATE_FLAG ROW
#include "tables/create_flag.def"
#undef CREATE_FLAG
};
const struct name_table names_create_flag = TABLE(create_flag);

static const struct name_row lease_state[] = {
#define LEASE_STATE ROW
#include "tables/lease_state.def"
#undef LEASE_STATE
};
const struct name_table names_lease_state = TABLE(lease_state);

static const struct name_row lease_flag[] = {
#define LEASE_FLAG ROW
#include "tables/lease_flag.def"
#undef LEASE_FLAG
};
const struct name_table names_lease_flag = TABLE(lease_flag);

static const struct name_row lease_break_flag[] = {
#define LEASE_BREAK_FLAG ROW
#include "tables/lease_break_flag.def"
#undef LEASE_BREAK_FLAG
};
const struct name_table names_lease_break_flag = TABLE(lease_break_flag);

static const struct name_row durable_handle_flag[] = {
#define DURABLE_HANDLE_FLAG ROW
#include "tables/durable_handle_flag.def"
#undef DURABLE_HANDLE_FLAG
};
const struct name_table names_durable_handle_flag = TABLE(durable_handle_flag);

static const struct name_row close_flag[] = {
#define CLOSE_FLAG ROW
#include "tables/close_flag.def"
#undef CLOSE_FLAG
};
const struct name_table names_close_flag = TABLE(close_flag);

static const struct name_row read_flag[] = {
#define READ_FLAG ROW
#include "tables/read_flag.def"
#undef READ_FLAG
};
const struct name_table names_read_flag = TABLE(read_flag);

static const struct name_row read_response_flag[] = {
#define READ_RESPONSE_FLAG ROW
#include "tables/read_response_flag.def"
#undef READ_RESPONSE_FLAG
};
const struct name_table names_read_response_flag = TABLE(read_response_flag);

static const struct name_row write_flag[] = {
#define WRITE_FLAG ROW
#include "tables/write_flag.def"
#undef WRITE_FLAG
};
const struct name_table names_write_flag = TABLE(write_flag);

static const struct name_row lock_flag[] = {
#define LOCK_FLAG ROW
#include "tables/lock_flag.def"
#undef LOCK_FLAG
};
const struct name_table names_lock_flag = TABLE(lock_flag);

static const struct name_row ioctl_flag[] = {
#define IOCTL_FLAG ROW
#include "tables/ioctl_flag.def"
#undef IOCTL_FLAG
};
const struct name_table names_ioctl_flag = TABLE(ioctl_flag);

static const struct name_row network_interface_capability[] = {
#define NETWORK_INTERFACE_CAPABILITY ROW
#include "tables/network_interface_capability.def"
#undef NETWORK_INTERFACE_CAPABILITY
};
const struct name_table names_network_interface_capability = TABLE(network_interface_capability);

static const struct name_row query_directory_flag[] = {
#define QUERY_DIRECTORY_FLAG ROW
#include "tables/query_directory_flag.def"
#undef QUERY_DIRECTORY_FLAG
};
const struct name_table names_query_directory_flag = TABLE(query_directory_flag);

static const struct name_row change_notify_flag[] = {
#define CHANGE_NOTIFY_FLAG ROW
#include "tables/change_notify_flag.def"
#undef CHANGE_NOTIFY_FLAG
};
const struct name_table names_change_notify_flag = TABLE(change_notify_flag);

static const struct name_row completion_filter[] = {
#define COMPLETION_FILTER ROW
#include "tables/completion_filter.def"
#undef COMPLETION_FILTER
};
const struct name_table names_completion_filter = TABLE(completion_filter);

static const struct name_row query_info_flag[] = {
#define QUERY_INFO_FLAG ROW
#include "tables/query_info_flag.def"
#undef QUERY_INFO_FLAG
};
const struct name_table names_query_info_flag = TABLE(query_info_flag);

static const struct name_row security_information[] = {
#define SECURITY_INFORMATION ROW
#include "tables/security_information.def"
#undef SECURITY_INFORMATION
};
const struct name_table names_security_information = TABLE(security_information);

static const struct name_row smb1_flag[] = {
#define SMB1_FLAG ROW
#include "tables/smb1_flag.def"
#undef SMB1_FLAG
};
const struct name_table names_smb1_flag = TABLE(smb1_flag);

static const struct name_row smb1_flag2[] = {
#define SMB1_FLAG2 ROW
#include "tables/smb1_flag2.def"
#undef SMB1_FLAG2
};
const struct name_table names_smb1_flag2 = TABLE(smb1_flag2);

static const struct name_row smb1_security_mode[] = {
#define SMB1_SECURITY_MODE ROW
#include "tables/smb1_security_mode.def"
#undef SMB1_SECURITY_MODE
};
const struct name_table names_smb1_security_mode = TABLE(smb1_security_mode);

static const struct name_row smb1_capability[] = {
#define SMB1_CAPABILITY ROW
#include "tables/smb1_capability.def"
#undef SMB1_CAPABILITY
};
const struct name_table names_smb1_capability = TABLE(smb1_capability);

static const struct name_row smb1_setup_action[] = {
#define SMB1_SETUP_ACTION ROW
#include "tables/smb1_setup_action.def"
#undef SMB1_SETUP_ACTION
};
const struct name_table names_smb1_setup_action = TABLE(smb1_setup_action);

static const struct name_row smb1_tree_connect_flag[] = {
#define SMB1_TREE_CONNECT_FLAG ROW
#include "tables/smb1_tree_connect_flag.def"
#undef SMB1_TREE_CONNECT_FLAG
};
const struct name_table names_smb1_tree_connect_flag = TABLE(smb1_tree_connect_flag);

static const struct name_row smb1_optional_support[] = {
#define SMB1_OPTIONAL_SUPPORT ROW
#include "tables/smb1_optional_support.def"
#undef SMB1_OPTIONAL_SUPPORT
};
const struct name_table names_smb1_optional_support = TABLE(smb1_optional_support);

static const struct name_row smb1_nt_create_flag[] = {
#define SMB1_NT_CREATE_FLAG ROW
#include "tables/smb1_nt_create_flag.def"
#undef SMB1_NT_CREATE_FLAG
};
const struct name_table names_smb1_nt_create_flag = TABLE(smb1_nt_create_flag);

static const struct name_row smb1_lock_type[] = {
#define SMB1_LOCK_TYPE ROW
#include "tables/smb1_lock_type.def"
#undef SMB1_LOCK_TYPE
};
const struct name_table names_smb1_lock_type = TABLE(smb1_lock_type);

static const struct name_row smb1_rename_level[] = {
#define SMB1_RENAME_LEVEL ROW
#include "tables/smb1_rename_level.def"
#undef SMB1_RENAME_LEVEL
};
const struct name_table names_smb1_rename_level = TABLE(smb1_rename_level);

static const struct name_row smb1_trans_subcommand[] = {
#define SMB1_TRANS_SUBCOMMAND ROW
#include "tables/smb1_trans_subcommand.def"
#undef SMB1_TRANS_SUBCOMMAND
};
const struct name_table names_smb1_trans_subcommand = TABLE(smb1_trans_subcommand);

static const struct name_row smb1_trans2_subcommand[] = {
#define SMB1_TRANS2_SUBCOMMAND ROW
#include "tables/smb1_trans2_subcommand.def"
#undef SMB1_TRANS2_SUBCOMMAND
};
const struct name_table names_smb1_trans2_subcommand = TABLE(smb1_trans2_subcommand);

static const struct name_row smb1_nt_subcommand[] = {
#define SMB1_NT_SUBCOMMAND ROW
#include "tables/smb1_nt_subcommand.def"
#undef SMB1_NT_SUBCOMMAND
};
const struct name_table names_smb1_nt_subcommand = TABLE(smb1_nt_subcommand);

static const struct name_row smb1_find_level[] = {
#define SMB1_FIND_LEVEL ROW
#include "tables/smb1_find_level.def"
#undef SMB1_FIND_LEVEL
};
const struct name_table names_smb1_find_level = TABLE(smb1_find_level);

static const struct name_row smb1_query_fs_level[] = {
#define SMB1_QUERY_FS_LEVEL ROW
#include "tables/smb1_query_fs_level.def"
#undef SMB1_QUERY_FS_LEVEL
};
const struct name_table names_smb1_query_fs_level = TABLE(smb1_query_fs_level);

static const struct name_row smb1_set_fs_level[] = {
#define SMB1_SET_FS_LEVEL ROW
#include "tables/smb1_set_fs_level.def"
#undef SMB1_SET_FS_LEVEL
};
const struct name_table names_smb1_set_fs_level = TABLE(smb1_set_fs_level);

static const struct name_row smb1_query_level[] = {
#define SMB1_QUERY_LEVEL ROW
#include "tables/smb1_query_level.def"
#undef SMB1_QUERY_LEVEL
};
const struct name_table names_smb1_query_level = TABLE(smb1_query_level);

static const struct name_row smb1_set_level[] = {
#define SMB1_SET_LEVEL ROW
#include "tables/smb1_set_level.def"
#undef SMB1_SET_LEVEL
};
const struct name_table names_smb1_set_level = TABLE(smb1_set_level);

static const struct name_row smb1_find_flag[] = {
#define SMB1_FIND_FLAG ROW
#include "tables/smb1_find_flag.def"
#undef SMB1_FIND_FLAG
};
const struct name_table names_smb1_find_flag = TABLE(smb1_find_flag);

static const struct name_row rap_opcode[] = {
#define RAP_OPCODE ROW
#include "tables/rap_opcode.def"
#undef RAP_OPCODE
};
const struct name_table names_rap_opcode = TABLE(rap_opcode);
