/* The numbers of include/tables/ as constants, named as in the specifications: STATUS_PENDING, FSCTL_PIPE_TRANSCEIVE.
 *
 * For code that acts on a value; code that only shows one needs names.h. Values are 32 bits wide: compare them with
 * uint32_t. Nothing here has storage, and most enumerations have no tag, so that a struct may have it. Left out are the
 * tables whose names would mean nothing, or something else, in C: impersonation levels, the DOS errors of SMB1 and the
 * functions of RAP.
 */
#ifndef CONSTANTS_H
#define CONSTANTS_H

#define CONSTANT(value, name) name = value,
#define CONSTANT_OF_STRING(value, constant, name) constant = value,

/* SMB2_NEGOTIATE and so on, and their number: a value below SMB2_COMMANDS is a command. */
enum smb2_command {
#define SMB2_COMMAND(prefix, name, number, request_size, response_size, section) SMB2_##name = number,
#include "tables/smb2_command.def"
#undef SMB2_COMMAND
    SMB2_COMMANDS
};

/* SMB1_NEGOTIATE and so on; there are gaps between them. */
enum smb1_command {
#define SMB1_COMMAND(number, name, ...) SMB1_##name = number,
#include "tables/smb1_command.def"
#undef SMB1_COMMAND
};

/* In the order of names_create_context, not numbers of the wire. */
enum create_context_id {
#define CREATE_CONTEXT(id, wire, data_length, name) CREATE_CONTEXT_##id,
#include "tables/create_context.def"
#undef CREATE_CONTEXT
    CREATE_CONTEXTS
};

/* By the names for files, pipes and printers; for directories the same bits have other names. */
enum {
#define ACCESS_MASK(bit, file_name, directory_name) file_name = bit,
#include "tables/access_mask.def"
#undef ACCESS_MASK
};

/* Numbers inside a word of flags, which therefore have no row among its bits. */
enum {
    SMB2_FLAGS_PRIORITY_MASK = 0x00000070,   /* MS-SMB2 2.2.1.1 */
    SMB2_SHAREFLAG_CACHING_MASK = 0x00000030 /* MS-SMB2 2.2.10: SMB2_SHAREFLAG_MANUAL_CACHING and so on */
};

enum {
#define NTSTATUS CONSTANT
#include "tables/ntstatus.def"
#undef NTSTATUS
};

enum {
#define FSCTL CONSTANT
#include "tables/fsctl.def"
#undef FSCTL
};

enum {
#define FILE_INFO_CLASS CONSTANT
#include "tables/file_info_class.def"
#undef FILE_INFO_CLASS
};

enum {
#define FS_INFO_CLASS CONSTANT
#include "tables/fs_info_class.def"
#undef FS_INFO_CLASS
};

enum {
#define INFO_TYPE CONSTANT
#include "tables/info_type.def"
#undef INFO_TYPE
};

enum {
#define DIALECT CONSTANT_OF_STRING
#include "tables/dialect.def"
#undef DIALECT
};

enum {
#define NEGOTIATE_CONTEXT CONSTANT
#include "tables/negotiate_context.def"
#undef NEGOTIATE_CONTEXT
};

enum {
#define HASH_ALGORITHM CONSTANT_OF_STRING
#include "tables/hash_algorithm.def"
#undef HASH_ALGORITHM
};

enum {
#define CIPHER CONSTANT_OF_STRING
#include "tables/cipher.def"
#undef CIPHER
};

enum {
#define COMPRESSION_ALGORITHM CONSTANT_OF_STRING
#include "tables/compression_algorithm.def"
#undef COMPRESSION_ALGORITHM
};

enum {
#define RDMA_TRANSFORM CONSTANT
#include "tables/rdma_transform.def"
#undef RDMA_TRANSFORM
};

enum {
#define SIGNING_ALGORITHM CONSTANT_OF_STRING
#include "tables/signing_algorithm.def"
#undef SIGNING_ALGORITHM
};

enum {
#define ERROR_ID CONSTANT
#include "tables/error_id.def"
#undef ERROR_ID
};

enum {
#define SHARE_TYPE CONSTANT_OF_STRING
#include "tables/share_type.def"
#undef SHARE_TYPE
};

enum {
#define SHARE_CACHING CONSTANT
#include "tables/share_caching.def"
#undef SHARE_CACHING
};

enum {
#define TREE_CONNECT_CONTEXT CONSTANT
#include "tables/tree_connect_context.def"
#undef TREE_CONNECT_CONTEXT
};

enum {
#define CREATE_DISPOSITION CONSTANT
#include "tables/create_disposition.def"
#undef CREATE_DISPOSITION
};

enum {
#define CREATE_ACTION CONSTANT
#include "tables/create_action.def"
#undef CREATE_ACTION
};

enum {
#define OPLOCK_LEVEL CONSTANT
#include "tables/oplock_level.def"
#undef OPLOCK_LEVEL
};

enum {
#define CHANNEL CONSTANT
#include "tables/channel.def"
#undef CHANNEL
};

enum {
#define REPARSE_TAG CONSTANT
#include "tables/reparse_tag.def"
#undef REPARSE_TAG
};

enum {
#define NOTIFY_ACTION CONSTANT
#include "tables/notify_action.def"
#undef NOTIFY_ACTION
};

enum {
#define NOTIFICATION_TYPE CONSTANT
#include "tables/notification_type.def"
#undef NOTIFICATION_TYPE
};

enum {
#define HEADER_FLAG CONSTANT
#include "tables/header_flag.def"
#undef HEADER_FLAG
};

enum {
#define SECURITY_MODE CONSTANT_OF_STRING
#include "tables/security_mode.def"
#undef SECURITY_MODE
};

enum {
#define GLOBAL_CAPABILITY CONSTANT
#include "tables/global_capability.def"
#undef GLOBAL_CAPABILITY
};

enum {
#define COMPRESSION_CAPABILITY CONSTANT
#include "tables/compression_capability.def"
#undef COMPRESSION_CAPABILITY
};

enum {
#define TRANSPORT_CAPABILITY CONSTANT
#include "tables/transport_capability.def"
#undef TRANSPORT_CAPABILITY
};

enum {
#define SESSION_SETUP_FLAG CONSTANT
#include "tables/session_setup_flag.def"
#undef SESSION_SETUP_FLAG
};

enum {
#define SESSION_FLAG CONSTANT
#include "tables/session_flag.def"
#undef SESSION_FLAG
};

enum {
#define COMPRESSION_FLAG CONSTANT
#include "tables/compression_flag.def"
#undef COMPRESSION_FLAG
};

enum {
#define TREE_CONNECT_FLAG CONSTANT
#include "tables/tree_connect_flag.def"
#undef TREE_CONNECT_FLAG
};

enum {
#define SHARE_FLAG CONSTANT
#include "tables/share_flag.def"
#undef SHARE_FLAG
};

enum {
#define SHARE_CAPABILITY CONSTANT
#include "tables/share_capability.def"
#undef SHARE_CAPABILITY
};

enum {
#define FILE_ATTRIBUTE CONSTANT
#include "tables/file_attribute.def"
#undef FILE_ATTRIBUTE
};

enum {
#define SHARE_ACCESS CONSTANT
#include "tables/share_access.def"
#undef SHARE_ACCESS
};

enum {
#define CREATE_OPTION CONSTANT
#include "tables/create_option.def"
#undef CREATE_OPTION
};

enum {
#define CREATE_FLAG CONSTANT
#include "tables/create_flag.def"
#undef CREATE_FLAG
};

enum {
#define LEASE_STATE CONSTANT
#include "tables/lease_state.def"
#undef LEASE_STATE
};

enum {
#define LEASE_FLAG CONSTANT
#include "tables/lease_flag.def"
#undef LEASE_FLAG
};

enum {
#define LEASE_BREAK_FLAG CONSTANT
#include "tables/lease_break_flag.def"
#undef LEASE_BREAK_FLAG
};

enum {
#define DURABLE_HANDLE_FLAG CONSTANT
#include "tables/durable_handle_flag.def"
#undef DURABLE_HANDLE_FLAG
};

enum {
#define CLOSE_FLAG CONSTANT
#include "tables/close_flag.def"
#undef CLOSE_FLAG
};

enum {
#define READ_FLAG CONSTANT
#include "tables/read_flag.def"
#undef READ_FLAG
};

enum {
#define READ_RESPONSE_FLAG CONSTANT
#include "tables/read_response_flag.def"
#undef READ_RESPONSE_FLAG
};

enum {
#define WRITE_FLAG CONSTANT
#include "tables/write_flag.def"
#undef WRITE_FLAG
};

enum {
#define LOCK_FLAG CONSTANT
#include "tables/lock_flag.def"
#undef LOCK_FLAG
};

enum {
#define IOCTL_FLAG CONSTANT
#include "tables/ioctl_flag.def"
#undef IOCTL_FLAG
};

enum {
#define NETWORK_INTERFACE_CAPABILITY CONSTANT
#include "tables/network_interface_capability.def"
#undef NETWORK_INTERFACE_CAPABILITY
};

enum {
#define QUERY_DIRECTORY_FLAG CONSTANT
#include "tables/query_directory_flag.def"
#undef QUERY_DIRECTORY_FLAG
};

enum {
#define CHANGE_NOTIFY_FLAG CONSTANT
#include "tables/change_notify_flag.def"
#undef CHANGE_NOTIFY_FLAG
};

enum {
#define COMPLETION_FILTER CONSTANT
#include "tables/completion_filter.def"
#undef COMPLETION_FILTER
};

enum {
#define QUERY_INFO_FLAG CONSTANT
#include "tables/query_info_flag.def"
#undef QUERY_INFO_FLAG
};

enum {
#define SECURITY_INFORMATION CONSTANT
#include "tables/security_information.def"
#undef SECURITY_INFORMATION
};

enum {
#define SMB1_FLAG CONSTANT
#include "tables/smb1_flag.def"
#undef SMB1_FLAG
};

enum {
#define SMB1_FLAG2 CONSTANT
#include "tables/smb1_flag2.def"
#undef SMB1_FLAG2
};

enum {
#define SMB1_SECURITY_MODE CONSTANT
#include "tables/smb1_security_mode.def"
#undef SMB1_SECURITY_MODE
};

enum {
#define SMB1_CAPABILITY CONSTANT
#include "tables/smb1_capability.def"
#undef SMB1_CAPABILITY
};

enum {
#define SMB1_SETUP_ACTION CONSTANT
#include "tables/smb1_setup_action.def"
#undef SMB1_SETUP_ACTION
};

enum {
#define SMB1_TREE_CONNECT_FLAG CONSTANT
#include "tables/smb1_tree_connect_flag.def"
#undef SMB1_TREE_CONNECT_FLAG
};

enum {
#define SMB1_OPTIONAL_SUPPORT CONSTANT
#include "tables/smb1_optional_support.def"
#undef SMB1_OPTIONAL_SUPPORT
};

enum {
#define SMB1_NT_CREATE_FLAG CONSTANT
#include "tables/smb1_nt_create_flag.def"
#undef SMB1_NT_CREATE_FLAG
};

enum {
#define SMB1_LOCK_TYPE CONSTANT
#include "tables/smb1_lock_type.def"
#undef SMB1_LOCK_TYPE
};

enum {
#define SMB1_RENAME_LEVEL CONSTANT
#include "tables/smb1_rename_level.def"
#undef SMB1_RENAME_LEVEL
};

enum {
#define SMB1_TRANS_SUBCOMMAND CONSTANT
#include "tables/smb1_trans_subcommand.def"
#undef SMB1_TRANS_SUBCOMMAND
};

enum {
#define SMB1_TRANS2_SUBCOMMAND CONSTANT
#include "tables/smb1_trans2_subcommand.def"
#undef SMB1_TRANS2_SUBCOMMAND
};

enum {
#define SMB1_NT_SUBCOMMAND CONSTANT
#include "tables/smb1_nt_subcommand.def"
#undef SMB1_NT_SUBCOMMAND
};

/* Levels share names, and have their kind in front: SET_LEVEL_SMB_INFO_STANDARD. */
enum {
#define SMB1_FIND_LEVEL(level, name) FIND_LEVEL_##name = level,
#include "tables/smb1_find_level.def"
#undef SMB1_FIND_LEVEL
};

enum {
#define SMB1_QUERY_FS_LEVEL(level, name) QUERY_FS_LEVEL_##name = level,
#include "tables/smb1_query_fs_level.def"
#undef SMB1_QUERY_FS_LEVEL
};

enum {
#define SMB1_SET_FS_LEVEL(level, name) SET_FS_LEVEL_##name = level,
#include "tables/smb1_set_fs_level.def"
#undef SMB1_SET_FS_LEVEL
};

enum {
#define SMB1_QUERY_LEVEL(level, name) QUERY_LEVEL_##name = level,
#include "tables/smb1_query_level.def"
#undef SMB1_QUERY_LEVEL
};

enum {
#define SMB1_SET_LEVEL(level, name) SET_LEVEL_##name = level,
#include "tables/smb1_set_level.def"
#undef SMB1_SET_LEVEL
};

enum {
#define SMB1_FIND_FLAG CONSTANT
#include "tables/smb1_find_flag.def"
#undef SMB1_FIND_FLAG
};

#undef CONSTANT
#undef CONSTANT_OF_STRING

#endif
