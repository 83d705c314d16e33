/* The name tables: their order, which the lookup rests on, and values of each that a reader can find in its section. */
#include "names.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "constants.h"

struct spot {
    uint32_t value;
    const char *name;
};

struct known_table {
    const char *label;
    const struct name_table *table;
    const char *section;
    enum { NUMBERS, BITS } kind;
    uint32_t missing;     /* a value near the others that the section does not have */
    struct spot spots[6]; /* up to the first without a name */
};

#define KNOWN(table, kind, section, missing, ...)         \
    {                                                     \
#table, &names_##table, section, kind, missing, { \
            __VA_ARGS__                                   \
        }                                                 \
    }

static const struct known_table known[] = {
    KNOWN(smb2_command, NUMBERS, "MS-SMB2 2.2.1", 0x14, {0x00, "SMB2_NEGOTIATE"}, {0x05, "SMB2_CREATE"},
          {0x0E, "SMB2_QUERY_DIRECTORY"}, {0x13, "SMB2_SERVER_TO_CLIENT_NOTIFICATION"}),
    KNOWN(smb1_command, NUMBERS, "MS-CIFS 2.2.2.1", 0xA3, {0x00, "SMB1_CREATE_DIRECTORY"}, {0x72, "SMB1_NEGOTIATE"},
          {0xA2, "SMB1_NT_CREATE_ANDX"}, {0x1F, "SMB1_WRITE_MPX_SECONDARY"}, {0xFF, "SMB1_NO_ANDX_COMMAND"}),
    KNOWN(smb1_flag, BITS, "MS-CIFS 2.2.3.1", 0x04, {0x01, "SMB_FLAGS_LOCK_AND_READ_OK"},
          {0x10, "SMB_FLAGS_CANONICALIZED_PATHS"}, {0x80, "SMB_FLAGS_REPLY"}),
    KNOWN(smb1_flag2, BITS, "MS-SMB 2.2.3.1", 0x0100, {0x0001, "SMB_FLAGS2_LONG_NAMES"},
          {0x0400, "SMB_FLAGS2_REPARSE_PATH"}, {0x8000, "SMB_FLAGS2_UNICODE"}),
    KNOWN(smb1_security_mode, BITS, "MS-CIFS 2.2.4.52.2", 0x10, {0x01, "NEGOTIATE_USER_SECURITY"},
          {0x04, "NEGOTIATE_SECURITY_SIGNATURES_ENABLED"}, {0x08, "NEGOTIATE_SECURITY_SIGNATURES_REQUIRED"}),
    KNOWN(smb1_capability, BITS, "MS-SMB 2.2.4.5.2.1", 0x00000800, {0x00000001, "CAP_RAW_MODE"},
          {0x00000400, "CAP_BULK_TRANSFER"}, {0x80000000, "CAP_EXTENDED_SECURITY"}),
    KNOWN(smb1_setup_action, BITS, "MS-CIFS 2.2.4.53.2", 0x0004, {0x0001, "SMB_SETUP_GUEST"},
          {0x0002, "SMB_SETUP_USE_LANMAN_KEY"}),
    KNOWN(smb1_tree_connect_flag, BITS, "MS-SMB 2.2.4.7.1", 0x0002, {0x0001, "TREE_CONNECT_ANDX_DISCONNECT_TID"},
          {0x0004, "TREE_CONNECT_ANDX_EXTENDED_SIGNATURES"}, {0x0008, "TREE_CONNECT_ANDX_EXTENDED_RESPONSE"}),
    KNOWN(smb1_optional_support, BITS, "MS-SMB 2.2.4.7.2", 0x0040, {0x0001, "SMB_SUPPORT_SEARCH_BITS"},
          {0x0010, "SMB_UNIQUE_FILE_NAME"}, {0x0020, "SMB_EXTENDED_SIGNATURES"}),
    KNOWN(smb1_nt_create_flag, BITS, "MS-SMB 2.2.4.9.1", 0x00000020, {0x00000002, "NT_CREATE_REQUEST_OPLOCK"},
          {0x00000008, "NT_CREATE_OPEN_TARGET_DIR"}, {0x00000010, "NT_CREATE_REQUEST_EXTENDED_RESPONSE"}),
    KNOWN(smb1_lock_type, BITS, "MS-CIFS 2.2.4.32.1", 0x20, {0x01, "SHARED_LOCK"}, {0x04, "CHANGE_LOCKTYPE"},
          {0x10, "LARGE_FILES"}),
    KNOWN(smb1_find_flag, BITS, "MS-CIFS 2.2.6.2.1", 0x0020, {0x0001, "SMB_FIND_CLOSE_AFTER_REQUEST"},
          {0x0004, "SMB_FIND_RETURN_RESUME_KEYS"}, {0x0010, "SMB_FIND_WITH_BACKUP_INTENT"}),
    KNOWN(smb1_rename_level, NUMBERS, "MS-CIFS 2.2.4.66.1", 0x0102, {0x0103, "SMB_NT_RENAME_SET_LINK_INFO"},
          {0x0104, "SMB_NT_RENAME_RENAME_FILE"}, {0x0105, "SMB_NT_RENAME_MOVE_FILE"}),
    KNOWN(smb1_trans_subcommand, NUMBERS, "MS-CIFS 2.2.2.2", 0x0055, {0x0001, "TRANS_SET_NMPIPE_STATE"},
          {0x0026, "TRANS_TRANSACT_NMPIPE"}, {0x0054, "TRANS_CALL_NMPIPE"}),
    KNOWN(smb1_trans2_subcommand, NUMBERS, "MS-CIFS 2.2.2.2", 0x000F, {0x0000, "TRANS2_OPEN2"},
          {0x0008, "TRANS2_SET_FILE_INFORMATION"}, {0x0011, "TRANS2_REPORT_DFS_INCONSISTENCY"}),
    KNOWN(smb1_nt_subcommand, NUMBERS, "MS-CIFS 2.2.2.2", 0x0000, {0x0001, "NT_TRANSACT_CREATE"},
          {0x0005, "NT_TRANSACT_RENAME"}, {0x0009, "NT_TRANSACT_CREATE2"}),
    KNOWN(smb1_find_level, NUMBERS, "MS-CIFS 2.2.2.3.1", 0x0107, {0x0001, "SMB_INFO_STANDARD"},
          {0x0103, "SMB_FIND_FILE_NAMES_INFO"}, {0x020B, "SMB_FIND_FILE_UNIX_INFO2"}),
    KNOWN(smb1_query_fs_level, NUMBERS, "MS-CIFS 2.2.2.3.2", 0x0101, {0x0001, "SMB_INFO_ALLOCATION"},
          {0x0104, "SMB_QUERY_FS_DEVICE_INFO"}, {0x0202, "SMB_QUERY_POSIX_WHOAMI"}),
    KNOWN(smb1_set_fs_level, NUMBERS, "MS-SMB 2.2.6.4", 0x0201, {0x0200, "SMB_SET_CIFS_UNIX_INFO"},
          {0x0203, "SMB_REQUEST_TRANSPORT_ENCRYPTION"}),
    KNOWN(smb1_query_level, NUMBERS, "MS-CIFS 2.2.2.3.3", 0x0105, {0x0001, "SMB_INFO_STANDARD"},
          {0x0108, "SMB_QUERY_FILE_ALT_NAME_INFO"}, {0x020B, "SMB_QUERY_FILE_UNIX_INFO2"}),
    KNOWN(smb1_set_level, NUMBERS, "MS-CIFS 2.2.2.3.4", 0x0105, {0x0001, "SMB_INFO_STANDARD"},
          {0x0203, "SMB_SET_FILE_UNIX_HLINK"}, {0x020B, "SMB_SET_FILE_UNIX_INFO2"}),
    KNOWN(rap_opcode, NUMBERS, "MS-RAP 2.5.4", 0x00FF, {0x0000, "NetShareEnum"}, {0x0046, "NetPrintQGetInfo"},
          {0x00D7, "NetServerEnum3"}),
    KNOWN(ntstatus, NUMBERS, "MS-ERREF 2.3.1", 0x12345678, {0x00000000, "STATUS_SUCCESS"},
          {0x00000103, "STATUS_PENDING"}, {0xC0000022, "STATUS_ACCESS_DENIED"},
          {0xC0000016, "STATUS_MORE_PROCESSING_REQUIRED"}, {0xC0020036, "EPT_NT_NOT_REGISTERED"}),
    KNOWN(dos_error_class, NUMBERS, "MS-CIFS 2.2.2.4", 0x04, {0x00, "SUCCESS"}, {0x01, "ERRDOS"}, {0x02, "ERRSRV"},
          {0xFF, "ERRCMD"}),
    KNOWN(dos_error_dos, NUMBERS, "MS-CIFS 2.2.2.4", 0x0000, {0x0002, "ERRbadfile"}, {0x0005, "ERRnoaccess"},
          {0x0012, "ERRnofiles"}, {0x03FE, "ERR_NOTIFY_ENUM_DIR"}),
    KNOWN(dos_error_srv, NUMBERS, "MS-CIFS 2.2.2.4", 0x0000, {0x0002, "ERRbadpw"}, {0x0005, "ERRinvtid"},
          {0x005B, "ERRbaduid"}, {0xFFFF, "ERRnosupport"}),
    KNOWN(dos_error_hrd, NUMBERS, "MS-CIFS 2.2.2.4", 0x0000, {0x0013, "ERRnowrite"}, {0x0015, "ERRnotready"},
          {0x0027, "ERRdiskfull"}),
    KNOWN(fsctl, NUMBERS, "MS-SMB2 2.2.31", 0x00000000, {0x0011C017, "FSCTL_PIPE_TRANSCEIVE"},
          {0x001440F2, "FSCTL_SRV_COPYCHUNK"}, {0x00140204, "FSCTL_VALIDATE_NEGOTIATE_INFO"},
          {0x00060194, "FSCTL_DFS_GET_REFERRALS"}, {0x00090440, "FSCTL_REFS_STREAM_SNAPSHOT_MANAGEMENT"}),
    KNOWN(file_info_class, NUMBERS, "MS-FSCC 2.4", 0, {4, "FileBasicInformation"}, {10, "FileRenameInformation"},
          {13, "FileDispositionInformation"}, {64, "FileDispositionInformationEx"},
          {81, "FileIdAllExtdBothDirectoryInformation"}),
    KNOWN(fs_info_class, NUMBERS, "MS-FSCC 2.5", 12, {1, "FileFsVolumeInformation"}, {5, "FileFsAttributeInformation"},
          {11, "FileFsSectorSizeInformation"}),
    KNOWN(info_type, NUMBERS, "MS-SMB2 2.2.37", 5, {1, "SMB2_0_INFO_FILE"}, {2, "SMB2_0_INFO_FILESYSTEM"},
          {4, "SMB2_0_INFO_QUOTA"}),
    KNOWN(dialect, NUMBERS, "MS-SMB2 2.2.3", 0x0310, {0x0202, "2.0.2"}, {0x0311, "3.1.1"}, {0x02FF, "2.???"}),
    KNOWN(negotiate_context, NUMBERS, "MS-SMB2 2.2.3.1", 0x0004, {0x0001, "SMB2_PREAUTH_INTEGRITY_CAPABILITIES"},
          {0x0005, "SMB2_NETNAME_NEGOTIATE_CONTEXT_ID"}, {0x0008, "SMB2_SIGNING_CAPABILITIES"}),
    KNOWN(hash_algorithm, NUMBERS, "MS-SMB2 2.2.3.1.1", 0x0000, {0x0001, "SHA-512"}),
    KNOWN(cipher, NUMBERS, "MS-SMB2 2.2.3.1.2", 0x0000, {0x0001, "AES-128-CCM"}, {0x0002, "AES-128-GCM"},
          {0x0004, "AES-256-GCM"}),
    KNOWN(compression_algorithm, NUMBERS, "MS-SMB2 2.2.3.1.3", 0x0006, {0x0000, "NONE"}, {0x0003, "LZ77+Huffman"},
          {0x0005, "LZ4"}),
    KNOWN(rdma_transform, NUMBERS, "MS-SMB2 2.2.3.1.6", 0x0003, {0x0000, "SMB2_RDMA_TRANSFORM_NONE"},
          {0x0001, "SMB2_RDMA_TRANSFORM_ENCRYPTION"}, {0x0002, "SMB2_RDMA_TRANSFORM_SIGNING"}),
    KNOWN(signing_algorithm, NUMBERS, "MS-SMB2 2.2.3.1.7", 0x0003, {0x0000, "HMAC-SHA256"}, {0x0001, "AES-CMAC"},
          {0x0002, "AES-GMAC"}),
    KNOWN(error_id, NUMBERS, "MS-SMB2 2.2.2.1", 0x00000001, {0x00000000, "SMB2_ERROR_ID_DEFAULT"},
          {0x72645253, "SMB2_ERROR_ID_SHARE_REDIRECT"}),
    KNOWN(share_type, NUMBERS, "MS-SMB2 2.2.10", 0, {1, "disk"}, {2, "pipe"}, {3, "print"}),
    KNOWN(share_caching, NUMBERS, "MS-SMB2 2.2.10", 0x40, {0x00, "SMB2_SHAREFLAG_MANUAL_CACHING"},
          {0x20, "SMB2_SHAREFLAG_VDO_CACHING"}, {0x30, "SMB2_SHAREFLAG_NO_CACHING"}),
    KNOWN(tree_connect_context, NUMBERS, "MS-SMB2 2.2.9.2", 2, {0, "SMB2_RESERVED_TREE_CONNECT_CONTEXT_ID"},
          {1, "SMB2_REMOTED_IDENTITY_TREE_CONNECT_CONTEXT_ID"}),
    KNOWN(create_disposition, NUMBERS, "MS-SMB2 2.2.13", 6, {0, "FILE_SUPERSEDE"}, {1, "FILE_OPEN"},
          {5, "FILE_OVERWRITE_IF"}),
    KNOWN(create_action, NUMBERS, "MS-SMB2 2.2.14", 4, {0, "FILE_SUPERSEDED"}, {2, "FILE_CREATED"},
          {3, "FILE_OVERWRITTEN"}),
    KNOWN(oplock_level, NUMBERS, "MS-SMB2 2.2.13", 0x02, {0x00, "SMB2_OPLOCK_LEVEL_NONE"},
          {0x09, "SMB2_OPLOCK_LEVEL_BATCH"}, {0xFF, "SMB2_OPLOCK_LEVEL_LEASE"}),
    KNOWN(impersonation_level, NUMBERS, "MS-SMB2 2.2.13", 4, {0, "Anonymous"}, {2, "Impersonation"}, {3, "Delegate"}),
    KNOWN(channel, NUMBERS, "MS-SMB2 2.2.19", 4, {0, "SMB2_CHANNEL_NONE"}, {1, "SMB2_CHANNEL_RDMA_V1"},
          {3, "SMB2_CHANNEL_RDMA_TRANSFORM"}),
    KNOWN(reparse_tag, NUMBERS, "MS-FSCC 2.1.2.1", 0x00000003, {0xA000000C, "IO_REPARSE_TAG_SYMLINK"},
          {0xA0000003, "IO_REPARSE_TAG_MOUNT_POINT"}, {0x80000014, "IO_REPARSE_TAG_NFS"},
          {0x9000F01A, "IO_REPARSE_TAG_CLOUD_F"}),
    KNOWN(notify_action, NUMBERS, "MS-FSCC 2.7.1", 0, {1, "FILE_ACTION_ADDED"}, {5, "FILE_ACTION_RENAMED_NEW_NAME"},
          {11, "FILE_ACTION_TUNNELLED_ID_COLLISION"}),
    KNOWN(notification_type, NUMBERS, "MS-SMB2 2.2.44.1", 1, {0, "SmbNotifySessionClosed"}),

    KNOWN(header_flag, BITS, "MS-SMB2 2.2.1.1", 0x00000010, {0x00000001, "SMB2_FLAGS_SERVER_TO_REDIR"},
          {0x00000008, "SMB2_FLAGS_SIGNED"}, {0x20000000, "SMB2_FLAGS_REPLAY_OPERATION"}),
    KNOWN(security_mode, BITS, "MS-SMB2 2.2.3", 0x0004, {0x0001, "signing_enabled"}, {0x0002, "signing_required"}),
    KNOWN(global_capability, BITS, "MS-SMB2 2.2.3", 0x00000100, {0x00000001, "SMB2_GLOBAL_CAP_DFS"},
          {0x00000008, "SMB2_GLOBAL_CAP_MULTI_CHANNEL"}, {0x00000080, "SMB2_GLOBAL_CAP_NOTIFICATIONS"}),
    KNOWN(compression_capability, BITS, "MS-SMB2 2.2.3.1.3", 0x00000000,
          {0x00000001, "SMB2_COMPRESSION_CAPABILITIES_FLAG_CHAINED"}),
    KNOWN(transport_capability, BITS, "MS-SMB2 2.2.3.1.5", 0x00000000,
          {0x00000001, "SMB2_ACCEPT_TRANSPORT_LEVEL_SECURITY"}),
    KNOWN(session_setup_flag, BITS, "MS-SMB2 2.2.5", 0x00, {0x01, "SMB2_SESSION_FLAG_BINDING"}),
    KNOWN(session_flag, BITS, "MS-SMB2 2.2.6", 0x0008, {0x0001, "SMB2_SESSION_FLAG_IS_GUEST"},
          {0x0002, "SMB2_SESSION_FLAG_IS_NULL"}, {0x0004, "SMB2_SESSION_FLAG_ENCRYPT_DATA"}),
    KNOWN(spnego_state, NUMBERS, "RFC 4178 4.2.2", 4, {0, "accept-completed"}, {2, "reject"}, {3, "request-mic"}),
    KNOWN(ntlm_response, BITS, "MS-NLMP 2.2.2.3", 0x40, {0x01, "lm"}, {0x10, "ntlm2_session"}, {0x20, "ntlmv2"}),
    KNOWN(kerberos_option, BITS, "RFC 4120 5.5.1", 0x80000000, {0x20000000, "mutual-required"},
          {0x40000000, "use-session-key"}),
    KNOWN(kerberos_encryption, NUMBERS, "RFC 3961 8", 4, {3, "des-cbc-md5"}, {18, "aes256-cts-hmac-sha1-96"},
          {23, "rc4-hmac"}),
    KNOWN(kerberos_error, NUMBERS, "RFC 4120 7.5.9", 30, {0, "KDC_ERR_NONE"}, {37, "KRB_AP_ERR_SKEW"},
          {76, "KDC_ERR_KDC_NAME_MISMATCH"}),
    KNOWN(compression_flag, BITS, "MS-SMB2 2.2.42", 0x0000, {0x0001, "SMB2_COMPRESSION_FLAG_CHAINED"}),
    KNOWN(tree_connect_flag, BITS, "MS-SMB2 2.2.9", 0x0008, {0x0001, "SMB2_TREE_CONNECT_FLAG_CLUSTER_RECONNECT"},
          {0x0002, "SMB2_TREE_CONNECT_FLAG_REDIRECT_TO_OWNER"}, {0x0004, "SMB2_TREE_CONNECT_FLAG_EXTENSION_PRESENT"}),
    KNOWN(share_flag, BITS, "MS-SMB2 2.2.10", 0x00000030, {0x00000001, "SMB2_SHAREFLAG_DFS"},
          {0x00008000, "SMB2_SHAREFLAG_ENCRYPT_DATA"}, {0x00200000, "SMB2_SHAREFLAG_ISOLATED_TRANSPORT"}),
    KNOWN(share_capability, BITS, "MS-SMB2 2.2.10", 0x00000001, {0x00000008, "SMB2_SHARE_CAP_DFS"},
          {0x00000010, "SMB2_SHARE_CAP_CONTINUOUS_AVAILABILITY"}, {0x00000100, "SMB2_SHARE_CAP_REDIRECT_TO_OWNER"}),
    KNOWN(access_mask_file, BITS, "MS-SMB2 2.2.13.1.1", 0x00000200, {0x00000001, "FILE_READ_DATA"},
          {0x00000020, "FILE_EXECUTE"}, {0x00010000, "DELETE"}, {0x80000000, "GENERIC_READ"}),
    KNOWN(access_mask_directory, BITS, "MS-SMB2 2.2.13.1.2", 0x00000200, {0x00000001, "FILE_LIST_DIRECTORY"},
          {0x00000020, "FILE_TRAVERSE"}, {0x02000000, "MAXIMUM_ALLOWED"}, {0x80000000, "GENERIC_READ"}),
    KNOWN(file_attribute, BITS, "MS-FSCC 2.6", 0x00000008, {0x00000001, "FILE_ATTRIBUTE_READONLY"},
          {0x00000010, "FILE_ATTRIBUTE_DIRECTORY"}, {0x00000400, "FILE_ATTRIBUTE_REPARSE_POINT"},
          {0x00400000, "FILE_ATTRIBUTE_RECALL_ON_DATA_ACCESS"}),
    KNOWN(share_access, BITS, "MS-SMB2 2.2.13", 0x00000008, {0x00000001, "FILE_SHARE_READ"},
          {0x00000002, "FILE_SHARE_WRITE"}, {0x00000004, "FILE_SHARE_DELETE"}),
    KNOWN(create_option, BITS, "MS-SMB2 2.2.13", 0x01000000, {0x00000001, "FILE_DIRECTORY_FILE"},
          {0x00001000, "FILE_DELETE_ON_CLOSE"}, {0x00200000, "FILE_OPEN_REPARSE_POINT"},
          {0x00800000, "FILE_OPEN_FOR_FREE_SPACE_QUERY"}),
    KNOWN(create_flag, BITS, "MS-SMB2 2.2.14", 0x00, {0x01, "SMB2_CREATE_FLAG_REPARSEPOINT"}),
    KNOWN(lease_state, BITS, "MS-SMB2 2.2.13.2.8", 0x00, {0x01, "SMB2_LEASE_READ_CACHING"},
          {0x02, "SMB2_LEASE_HANDLE_CACHING"}, {0x04, "SMB2_LEASE_WRITE_CACHING"}),
    KNOWN(lease_flag, BITS, "MS-SMB2 2.2.14.2.11", 0x01, {0x02, "SMB2_LEASE_FLAG_BREAK_IN_PROGRESS"},
          {0x04, "SMB2_LEASE_FLAG_PARENT_LEASE_KEY_SET"}),
    KNOWN(lease_break_flag, BITS, "MS-SMB2 2.2.23.2", 0x00, {0x01, "SMB2_NOTIFY_BREAK_LEASE_FLAG_ACK_REQUIRED"}),
    KNOWN(durable_handle_flag, BITS, "MS-SMB2 2.2.13.2.11", 0x00, {0x02, "SMB2_DHANDLE_FLAG_PERSISTENT"}),
    KNOWN(close_flag, BITS, "MS-SMB2 2.2.15", 0x0000, {0x0001, "SMB2_CLOSE_FLAG_POSTQUERY_ATTRIB"}),
    KNOWN(read_flag, BITS, "MS-SMB2 2.2.19", 0x04, {0x01, "SMB2_READFLAG_READ_UNBUFFERED"},
          {0x02, "SMB2_READFLAG_REQUEST_COMPRESSED"}),
    KNOWN(read_response_flag, BITS, "MS-SMB2 2.2.20", 0x00000000,
          {0x00000001, "SMB2_READFLAG_RESPONSE_RDMA_TRANSFORM"}),
    KNOWN(write_flag, BITS, "MS-SMB2 2.2.21", 0x00000004, {0x00000001, "SMB2_WRITEFLAG_WRITE_THROUGH"},
          {0x00000002, "SMB2_WRITEFLAG_WRITE_UNBUFFERED"}),
    KNOWN(lock_flag, BITS, "MS-SMB2 2.2.26.1", 0x00000008, {0x00000001, "SMB2_LOCKFLAG_SHARED_LOCK"},
          {0x00000004, "SMB2_LOCKFLAG_UNLOCK"}, {0x00000010, "SMB2_LOCKFLAG_FAIL_IMMEDIATELY"}),
    KNOWN(ioctl_flag, BITS, "MS-SMB2 2.2.31", 0x00000000, {0x00000001, "SMB2_0_IOCTL_IS_FSCTL"}),
    KNOWN(network_interface_capability, BITS, "MS-SMB2 2.2.32.5", 0x00000004, {0x00000001, "RSS_CAPABLE"},
          {0x00000002, "RDMA_CAPABLE"}),
    KNOWN(query_directory_flag, BITS, "MS-SMB2 2.2.33", 0x08, {0x01, "SMB2_RESTART_SCANS"},
          {0x02, "SMB2_RETURN_SINGLE_ENTRY"}, {0x10, "SMB2_REOPEN"}),
    KNOWN(change_notify_flag, BITS, "MS-SMB2 2.2.35", 0x0000, {0x0001, "SMB2_WATCH_TREE"}),
    KNOWN(completion_filter, BITS, "MS-SMB2 2.2.35", 0x00001000, {0x00000001, "FILE_NOTIFY_CHANGE_FILE_NAME"},
          {0x00000010, "FILE_NOTIFY_CHANGE_LAST_WRITE"}, {0x00000800, "FILE_NOTIFY_CHANGE_STREAM_WRITE"}),
    KNOWN(query_info_flag, BITS, "MS-SMB2 2.2.37", 0x00000008, {0x00000001, "SL_RESTART_SCAN"},
          {0x00000002, "SL_RETURN_SINGLE_ENTRY"}, {0x00000004, "SL_INDEX_SPECIFIED"}),
    KNOWN(security_information, BITS, "MS-SMB2 2.2.37", 0x00000080, {0x00000001, "OWNER_SECURITY_INFORMATION"},
          {0x00000004, "DACL_SECURITY_INFORMATION"}, {0x00010000, "BACKUP_SECURITY_INFORMATION"},
          {0x80000000, "PROTECTED_DACL_SECURITY_INFORMATION"}),
};

#define KNOWN_TABLES (sizeof(known) / sizeof(known[0]))

static void each_table_ascends_and_names_each_row(void **state) {
    (void)state;
    for (size_t t = 0; t < KNOWN_TABLES; t++) {
        const struct name_table *table = known[t].table;

        assert_true(table->count >= 1);
        for (size_t i = 0; i < table->count; i++) {
            const struct name_row *row = &table->rows[i];

            if (row->name == NULL || row->name[0] == '\0')
                fail_msg("%s: row %zu has no name", known[t].label, i);
            if (row->length != strlen(row->name))
                fail_msg("%s: %s is not %u bytes", known[t].label, row->name, row->length);
            if (i > 0 && row[-1].value >= row->value)
                fail_msg("%s: %s does not ascend", known[t].label, row->name);
        }
    }
}

/* No exceptions: a number inside a word of flags (priority, caching) has no row among the bits. */
static void each_row_of_bits_is_one_bit(void **state) {
    (void)state;
    for (size_t t = 0; t < KNOWN_TABLES; t++) {
        const struct name_table *table = known[t].table;

        if (known[t].kind != BITS)
            continue;
        for (size_t i = 0; i < table->count; i++) {
            uint32_t bit = table->rows[i].value;

            if (bit == 0 || (bit & (bit - 1)) != 0)
                fail_msg("%s: %s is not one bit", known[t].label, table->rows[i].name);
        }
    }
}

static void names_are_those_of_the_specification(void **state) {
    (void)state;
    for (size_t t = 0; t < KNOWN_TABLES; t++) {
        for (const struct spot *spot = known[t].spots; spot->name != NULL; spot++) {
            const char *name = names_find(known[t].table, spot->value);

            if (name == NULL || strcmp(name, spot->name) != 0)
                fail_msg("%s: 0x%X is %s in %s", known[t].label, spot->value, spot->name, known[t].section);
        }
        if (names_find(known[t].table, known[t].missing) != NULL)
            fail_msg("%s: 0x%X is not in %s", known[t].label, known[t].missing, known[t].section);
    }
}

/* Statuses that MS-ERREF lacks or names twice; see the head of ntstatus.def. */
static void statuses_that_smb_needs_have_their_smb_names(void **state) {
    static const struct spot spots[] = {
        {0x00010002, "STATUS_INVALID_SMB"},
        {0x00060001, "STATUS_SMB_BAD_FID"},
        {0x005B0002, "STATUS_SMB_BAD_UID"},
        {0x0000010B, "STATUS_NOTIFY_CLEANUP"},
        {0x0000010C, "STATUS_NOTIFY_ENUM_DIR"},
        {0x80000005, "STATUS_BUFFER_OVERFLOW"},
        {0x80000006, "STATUS_NO_MORE_FILES"},
        {0x8000002D, "STATUS_STOPPED_ON_SYMLINK"},
        {0xC00001A1, "STATUS_INVALID_LOCK_RANGE"},
        {0xC0000242, "STATUS_BAD_COMPRESSION_BUFFER"},
        {0xC000035C, "STATUS_NETWORK_SESSION_EXPIRED"},
        {0xC0000466, "STATUS_SERVER_UNAVAILABLE"},
        {0xC0000467, "STATUS_FILE_NOT_AVAILABLE"},
        {0xC0000480, "STATUS_SHARE_UNAVAILABLE"},
        {0xC05D0000, "STATUS_SMB_NO_PREAUTH_INTEGRITY_HASH_OVERLAP"},
        {0x40010001, "DBG_REPLY_LATER"},
        {0xC0020017, "RPC_NT_SERVER_UNAVAILABLE"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(spots) / sizeof(spots[0]); i++)
        assert_string_equal(names_find(&names_ntstatus, spots[i].value), spots[i].name);
}

static void every_row_is_found_and_its_neighbours_are_not(void **state) {
    (void)state;
    for (size_t t = 0; t < KNOWN_TABLES; t++) {
        const struct name_table *table = known[t].table;

        for (size_t i = 0; i < table->count; i++) {
            uint32_t value = table->rows[i].value;

            assert_ptr_equal(names_find(table, value), table->rows[i].name);
            if (i + 1 < table->count && value + 1 != table->rows[i + 1].value)
                assert_null(names_find(table, value + 1));
        }
        if (table->rows[0].value > 0)
            assert_null(names_find(table, table->rows[0].value - 1));
        if (table->rows[table->count - 1].value < UINT32_MAX)
            assert_null(names_find(table, table->rows[table->count - 1].value + 1));
    }
}

static void a_table_of_one_row_finds_it_alone(void **state) {
    static const struct name_row rows[] = {NAME_ROW(7, "seven")};
    static const struct name_table table = {rows, 1};

    (void)state;
    assert_string_equal(names_find(&table, 7), "seven");
    assert_null(names_find(&table, 0));
    assert_null(names_find(&table, 6));
    assert_null(names_find(&table, 8));
    assert_null(names_find(&table, UINT32_MAX));
}

/* As memcmp, and the shorter first where one begins the other. */
static int compare_wire(const struct name_create_context *a, const struct name_create_context *b) {
    size_t common = a->wire_length < b->wire_length ? a->wire_length : b->wire_length;
    int order = memcmp(a->wire, b->wire, common);

    if (order == 0)
        order = (a->wire_length > b->wire_length) - (a->wire_length < b->wire_length);
    if (order == 0)
        order = (a->data_length > b->data_length) - (a->data_length < b->data_length);
    return order;
}

static void create_contexts_ascend_and_are_found(void **state) {
    (void)state;
    assert_int_equal(names_create_contexts, CREATE_CONTEXTS);
    for (size_t i = 0; i < names_create_contexts; i++) {
        const struct name_create_context *row = &names_create_context[i];

        assert_int_equal(row->id, i);
        assert_true(row->wire_length == 4 || row->wire_length == 16);
        assert_true(row->name[0] != '\0');
        if (i > 0)
            assert_true(compare_wire(row - 1, row) < 0);
        assert_ptr_equal(names_find_create_context(row->wire, row->wire_length, row->data_length), row);
    }
}

/* MS-SMB2 2.2.13.2. */
static void create_contexts_are_told_apart_by_bytes_and_length(void **state) {
    static const unsigned char app_instance[] = {0x45, 0xBC, 0xA6, 0x6A, 0xEF, 0xA7, 0xF7, 0x4A,
                                                 0x90, 0x08, 0xFA, 0x46, 0x2E, 0x14, 0x4D, 0x74};

    (void)state;
    assert_int_equal(names_find_create_context("MxAc", 4, 8)->id, CREATE_CONTEXT_QUERY_MAXIMAL_ACCESS);
    assert_string_equal(names_find_create_context("DHnQ", 4, 16)->name, "SMB2_CREATE_DURABLE_HANDLE_REQUEST");
    assert_int_equal(names_find_create_context("RqLs", 4, 32)->id, CREATE_CONTEXT_REQUEST_LEASE);
    assert_int_equal(names_find_create_context("RqLs", 4, 52)->id, CREATE_CONTEXT_REQUEST_LEASE_V2);
    assert_string_equal(names_find_create_context(app_instance, 16, 20)->name, "SMB2_CREATE_APP_INSTANCE_ID");
    assert_null(names_find_create_context(app_instance, 15, 20));
    assert_null(names_find_create_context("mxac", 4, 0));
    assert_null(names_find_create_context("MxAcX", 5, 0));
    assert_null(names_find_create_context("", 0, 0));
}

/* The two readings of a table agree. */
static void constants_are_the_numbers_of_the_tables(void **state) {
    (void)state;
    assert_int_equal(SMB2_COMMANDS, names_smb2_command.count);
    assert_string_equal(names_find(&names_smb2_command, SMB2_OPLOCK_BREAK), "SMB2_OPLOCK_BREAK");
    assert_string_equal(names_find(&names_smb1_command, SMB1_TREE_CONNECT_ANDX), "SMB1_TREE_CONNECT_ANDX");
    assert_string_equal(names_find(&names_ntstatus, STATUS_PENDING), "STATUS_PENDING");
    assert_string_equal(names_find(&names_fsctl, FSCTL_PIPE_TRANSCEIVE), "FSCTL_PIPE_TRANSCEIVE");
    assert_string_equal(names_find(&names_dialect, SMB2_DIALECT_0311), "3.1.1");
    assert_string_equal(names_find(&names_share_caching, SMB2_SHAREFLAG_CACHING_MASK), "SMB2_SHAREFLAG_NO_CACHING");
}

/* MS-SMB2 2.2.3 to 2.2.44: what framing and dispatch take from the rows. */
static void command_rows_carry_their_structure_sizes(void **state) {
    static const struct {
        unsigned request, response;
    } sizes[] = {
#define SMB2_COMMAND(prefix, name, number, request_size, response_size, section) {request_size, response_size},
#include "tables/smb2_command.def"
#undef SMB2_COMMAND
    };

    (void)state;
    assert_int_equal(sizeof(sizes) / sizeof(sizes[0]), SMB2_COMMANDS);
    assert_int_equal(sizes[SMB2_NEGOTIATE].request, 36);
    assert_int_equal(sizes[SMB2_NEGOTIATE].response, 65);
    assert_int_equal(sizes[SMB2_CREATE].request, 57);
    assert_int_equal(sizes[SMB2_CREATE].response, 89);
    assert_int_equal(sizes[SMB2_CLOSE].response, 60);
    assert_int_equal(sizes[SMB2_READ].request, 49);
    assert_int_equal(sizes[SMB2_READ].response, 17);
    assert_int_equal(sizes[SMB2_SET_INFO].response, 2);
    assert_int_equal(sizes[SMB2_CANCEL].response, 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_table_ascends_and_names_each_row),
        cmocka_unit_test(each_row_of_bits_is_one_bit),
        cmocka_unit_test(names_are_those_of_the_specification),
        cmocka_unit_test(statuses_that_smb_needs_have_their_smb_names),
        cmocka_unit_test(every_row_is_found_and_its_neighbours_are_not),
        cmocka_unit_test(a_table_of_one_row_finds_it_alone),
        cmocka_unit_test(create_contexts_ascend_and_are_found),
        cmocka_unit_test(create_contexts_are_told_apart_by_bytes_and_length),
        cmocka_unit_test(constants_are_the_numbers_of_the_tables),
        cmocka_unit_test(command_rows_carry_their_structure_sizes),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
