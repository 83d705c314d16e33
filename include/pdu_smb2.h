/* SMB2 and SMB3 messages, MS-SMB2 2.2. A struct a message, its fields by the names of the specification, sizes in bytes, times
 * as FILETIME (100 ns since 1601-01-01 UTC, 0: none). Lists that the wire counts are bounded by the message and the arena. */
#ifndef PDU_SMB2_H
#define PDU_SMB2_H

#include <stdbool.h>
#include <stdint.h>

#include "constants.h" /* commands, flags, types and classes by name */
#include "view.h"

enum { SMB2_HEADER_SIZE = 64 };

struct smb2_header {
    uint16_t credit_charge;
    uint32_t status; /* responses; ChannelSequence in requests of 3.x */
    uint16_t command;
    uint16_t credits;
    uint32_t flags;
    uint32_t next_command;
    uint64_t message_id;
    uint64_t async_id;   /* with SMB2_FLAGS_ASYNC_COMMAND, instead of the next two */
    uint32_t process_id; /* Reserved in the specification; once the process */
    uint32_t tree_id;
    uint64_t session_id;
};

struct file_id {
    uint64_t persistent, volatile_part;
};

struct guid {
    uint8_t bytes[16]; /* as on the wire, MS-DTYP 2.3.4.2 */
};

struct u16_list {
    const uint16_t *items;
    unsigned count;
};

enum { SMB2_CONTEXT_TYPES = 16 };

/* 2.2.3.1: contexts of NEGOTIATE, either way. Unknown ones are passed over by their length and counted. */
struct smb2_negotiate_contexts {
    struct u16_list hash_algorithms;        /* 0x0001 */
    struct u16_list ciphers;                /* 0x0002 */
    struct u16_list compression_algorithms; /* 0x0003 */
    uint32_t compression_flags;
    struct text netname;                /* 0x0005 */
    uint32_t transport_flags;           /* 0x0006 */
    struct u16_list rdma_transforms;    /* 0x0007 */
    struct u16_list signing_algorithms; /* 0x0008 */
    uint32_t present;                   /* bit 1 << type for types below 32 */
    uint16_t types[SMB2_CONTEXT_TYPES]; /* of the first contexts, in their order */
    uint16_t count, unknown;
    bool whole; /* all of them were there and were read: what is not among them was not sent */
};

struct smb2_negotiate_request { /* 2.2.3 */
    uint16_t security_mode;
    uint32_t capabilities;
    struct guid client_guid;
    struct u16_list dialects;
    struct smb2_negotiate_contexts contexts;
};

struct smb2_negotiate_response { /* 2.2.4 */
    uint16_t security_mode, dialect;
    struct guid server_guid;
    uint32_t capabilities, max_transact_size, max_read_size, max_write_size;
    uint64_t system_time, server_start_time;
    struct view token;
    struct smb2_negotiate_contexts contexts;
};

struct smb2_session_setup_request { /* 2.2.5 */
    uint8_t flags, security_mode;
    uint32_t capabilities;
    uint64_t previous_session_id;
    struct view token;
};

struct smb2_session_setup_response { /* 2.2.6 */
    uint16_t session_flags;
    struct view token;
};

struct smb2_tree_connect_request { /* 2.2.9 */
    uint16_t flags;
    struct text path;            /* \\server\share, of the extension's PathName where there is one */
    bool has_extension;          /* 2.2.9.1 */
    uint16_t extension_contexts; /* how many; REMOTED_IDENTITY is the one defined */
};

struct smb2_tree_connect_response { /* 2.2.10 */
    uint8_t share_type;
    uint32_t share_flags, capabilities, maximal_access;
};

/* 2.2.13.2 and 2.2.14.2 */
enum smb2_create_context_kind {
    SMB2_CREATE_CONTEXT_UNKNOWN,
#define CREATE_CONTEXT(id, wire, data_length, name) SMB2_CREATE_CONTEXT_##id,
#include "tables/create_context.def"
#undef CREATE_CONTEXT
    SMB2_CREATE_CONTEXTS
};

struct smb2_create_context {
    enum smb2_create_context_kind kind;
    struct view name, data;
};

struct smb2_create_contexts {
    const struct smb2_create_context *items;
    unsigned count;
    /* What the records need of them; a flag says whether it is there. */
    bool durable_request, durable_reconnect; /* DHnQ or DH2Q; DHnC or DH2C */
    struct file_id reconnect_id;
    bool has_create_guid;
    struct guid create_guid; /* DH2Q, DH2C */
    bool has_lease;
    struct guid lease_key, parent_lease_key;
    uint32_t lease_state, lease_flags;
    bool has_timewarp;
    uint64_t timewarp; /* TWrp: FILETIME of the previous version */
    bool has_app_instance;
    struct guid app_instance; /* APP_INSTANCE_ID */
    bool has_maximal_access;  /* response MxAc */
    uint32_t query_status, maximal_access;
    bool has_allocation_size;
    uint64_t allocation_size; /* AlSi */
    bool has_disk_id;
    uint8_t disk_id[32];      /* QFid response */
    bool persistent;          /* DH2Q with SMB2_DHANDLE_FLAG_PERSISTENT */
    uint32_t durable_timeout; /* DH2Q: ms, of a response what the server gave; 0: none */
};

struct smb2_create_request { /* 2.2.13 */
    uint8_t oplock_level;
    uint32_t impersonation_level, desired_access, file_attributes, share_access, create_disposition, create_options;
    struct text name;
    bool name_lost; /* it has one, which could not be read: name is empty, and that is not the root */
    struct smb2_create_contexts contexts;
};

/* Times, sizes and attributes as CREATE and CLOSE responses carry them */
struct smb2_file_times {
    uint64_t creation, last_access, last_write, change;
};

struct smb2_create_response { /* 2.2.14 */
    uint8_t oplock_level, flags;
    uint32_t create_action, file_attributes;
    struct smb2_file_times times;
    uint64_t allocation_size, end_of_file;
    struct file_id file_id;
    struct smb2_create_contexts contexts;
};

struct smb2_close_request { /* 2.2.15 */
    uint16_t flags;
    struct file_id file_id;
};

struct smb2_close_response { /* 2.2.16; the rest counts only with the flag */
    uint16_t flags;
    struct smb2_file_times times;
    uint64_t allocation_size, end_of_file;
    uint32_t file_attributes;
};

struct smb2_flush_request { /* 2.2.17 */
    struct file_id file_id;
};

struct smb2_read_request { /* 2.2.19 */
    uint8_t flags;
    uint32_t length, minimum_count, channel, remaining_bytes;
    uint64_t offset;
    struct file_id file_id;
};

struct smb2_read_response { /* 2.2.20 */
    uint32_t data_length, data_remaining;
};

struct smb2_write_request { /* 2.2.21 */
    uint32_t length, channel, remaining_bytes, flags;
    uint64_t offset;
    struct file_id file_id;
};

struct smb2_write_response { /* 2.2.22 */
    uint32_t count, remaining;
};

struct smb2_lock_element { /* 2.2.26.1 */
    uint64_t offset, length;
    uint32_t flags;
};

struct smb2_lock_request { /* 2.2.26 */
    uint32_t lock_sequence;
    struct file_id file_id;
    const struct smb2_lock_element *locks;
    unsigned lock_count;
};

enum { SYMLINK_FLAG_RELATIVE = 0x00000001 };

struct smb2_reparse_point { /* MS-FSCC 2.1.2 */
    uint32_t tag;
    uint32_t flags;                          /* of symbolic links: SYMLINK_FLAG_RELATIVE */
    struct text substitute_name, print_name; /* of symbolic links and mount points */
};

struct smb2_network_interface { /* 2.2.32.5 */
    uint32_t index, capability;
    uint64_t link_speed; /* bit/s */
    uint8_t family;      /* 4 or 6; 0: some other */
    uint8_t address[16];
};

/* 2.2.31 and 2.2.32: the same facts either way. Which of the details is set is told by ctl_code, an FSCTL of MS-FSCC 2.3. */
struct smb2_ioctl {
    uint32_t ctl_code;
    struct file_id file_id;
    uint32_t flags;
    struct view input, output;
    uint32_t input_length, output_length; /* on the wire, where the views may have been cut; 0 where they do not fit */
    uint32_t max_input, max_output;       /* request */
    bool has_details;                     /* the one below that belongs to ctl_code was there and whole */
    union {
        struct {
            struct view source_key;                       /* 24 bytes, 2.2.31.1; request */
            uint32_t chunk_count;                         /* request */
            uint64_t total_length;                        /* request: sum of the chunks' lengths */
            uint32_t chunks_written, total_bytes_written; /* response, 2.2.32.1 */
        } copychunk;
        struct {
            struct view key; /* 24 bytes, 2.2.32.3; response */
        } resume_key;
        struct { /* 2.2.31.4 and 2.2.32.6 */
            uint32_t capabilities;
            struct guid guid;
            uint16_t security_mode;
            struct u16_list dialects; /* request; the response has one */
        } validate_negotiate;
        struct { /* MS-DFSC 2.2.2 request, 2.2.4 response */
            struct text path;
            uint16_t max_level, path_consumed, referrals;
        } dfs;
        struct {
            const struct smb2_network_interface *items;
            unsigned count;
        } interfaces;
        struct smb2_reparse_point reparse;
        struct {
            struct text name; /* MS-FSCC 2.3.49 FSCTL_PIPE_WAIT request */
        } pipe_wait;
        struct {
            uint32_t timeout; /* ms, 2.2.31.3 */
        } resiliency;
    };
};

struct smb2_query_directory_request { /* 2.2.33 */
    uint8_t info_class, flags;
    uint32_t file_index, output_buffer_length;
    struct file_id file_id;
    struct text pattern;
};

/* Responses of QUERY_DIRECTORY (2.2.34) and CHANGE_NOTIFY (2.2.36): entries counted along NextEntryOffset. */
struct smb2_entries {
    struct view buffer;
    bool whole; /* the buffer is there and its chain has an end: all were counted */
    unsigned entries;
};

struct smb2_change_notify_request { /* 2.2.35 */
    uint16_t flags;
    uint32_t output_buffer_length, completion_filter;
    struct file_id file_id;
};

struct smb2_query_info_request { /* 2.2.37 */
    uint8_t info_type, info_class;
    uint32_t output_buffer_length, additional_information, flags;
    struct file_id file_id;
    struct view input;
};

struct smb2_query_info_response { /* 2.2.38: what it holds depends on the request, see fscc.h */
    struct view buffer;
    uint32_t buffer_length; /* on the wire, as that of an IOCTL */
};

/* What a SET_INFO changes; which of the fields count is told by change. */
enum smb2_change {
    SMB2_CHANGE_OTHER,
    SMB2_CHANGE_BASIC,        /* class 4: times, attributes; 0 and -1 leave as they are */
    SMB2_CHANGE_RENAME,       /* 10, 65 */
    SMB2_CHANGE_LINK,         /* 11, 72 */
    SMB2_CHANGE_DISPOSITION,  /* 13, 64 */
    SMB2_CHANGE_ALLOCATION,   /* 19 */
    SMB2_CHANGE_END_OF_FILE,  /* 20 */
    SMB2_CHANGE_POSITION,     /* 14 */
    SMB2_CHANGE_MODE,         /* 16 */
    SMB2_CHANGE_VALID_LENGTH, /* 39 */
    SMB2_CHANGE_SHORT_NAME,   /* 40 */
    SMB2_CHANGE_EA,           /* 15 */
    SMB2_CHANGE_SECURITY,     /* InfoType 3; additional_information says what */
    SMB2_CHANGE_QUOTA,        /* InfoType 4 */
};

struct smb2_set_info_request { /* 2.2.39 */
    uint8_t info_type, info_class;
    uint32_t additional_information;
    struct file_id file_id;
    struct view buffer;
    uint32_t buffer_length; /* on the wire, as that of an IOCTL */
    enum smb2_change change;
    bool whole; /* what it changes to was there as well; else the fields below are empty and mean nothing */
    struct smb2_file_times times; /* BASIC */
    uint32_t file_attributes;     /* BASIC; 0: not changed */
    struct text new_name;         /* RENAME, LINK, SHORT_NAME */
    bool replace;                 /* RENAME, LINK */
    bool has_root_directory;      /* RENAME, LINK: the name is relative to another handle */
    bool delete_pending;          /* DISPOSITION: true marks for deletion, false takes it back */
    uint32_t disposition_flags;   /* class 64, MS-FSCC 2.4.12 */
    uint64_t size;                /* ALLOCATION, END_OF_FILE, POSITION, VALID_LENGTH */
};

/* 2.2.23 notifications, 2.2.24 acknowledgements, 2.2.25 responses: by StructureSize 24 an oplock, 36 or 44 a lease */
struct smb2_oplock_break {
    bool lease;
    uint8_t oplock_level;                             /* oplock */
    struct file_id file_id;                           /* oplock */
    uint32_t lease_flags, current_state, lease_state; /* lease; lease_state is the new one */
    struct guid lease_key;
    uint32_t break_reason; /* of a lease notification */
};

struct smb2_server_notification { /* 2.2.44.1 */
    uint32_t type;
};

/* 2.2.2: the body of an error response */
struct smb2_error {
    unsigned context_count;
    struct view data;
    bool has_symlink; /* 2.2.2.2.1 */
    struct text substitute_name, print_name;
    uint16_t unparsed_path_length;
    uint32_t symlink_flags; /* SYMLINK_FLAG_RELATIVE */
    bool has_redirect;      /* 2.2.2.2.2 */
    struct text redirect_resource;
    unsigned redirect_addresses;
    bool has_required_size; /* STATUS_BUFFER_TOO_SMALL: the size that would do */
    uint32_t required_size;
    bool has_cluster_dialect; /* STATUS_SMB_BAD_CLUSTER_DIALECT: the highest dialect that the share takes, 3.3.5.7 */
    uint16_t cluster_dialect;
};

struct smb2_message {
    struct smb2_header header;
    bool response;
    bool is_error;   /* the body is an error response */
    bool empty;      /* no body was looked at: header alone (it was cut, or the command is unknown) */
    bool compressed; /* the clear front of a compressed message */
    union {
        struct smb2_negotiate_request negotiate_request;
        struct smb2_negotiate_response negotiate_response;
        struct smb2_session_setup_request session_setup_request;
        struct smb2_session_setup_response session_setup_response;
        struct smb2_tree_connect_request tree_connect_request;
        struct smb2_tree_connect_response tree_connect_response;
        struct smb2_create_request create_request;
        struct smb2_create_response create_response;
        struct smb2_close_request close_request;
        struct smb2_close_response close_response;
        struct smb2_flush_request flush_request;
        struct smb2_read_request read_request;
        struct smb2_read_response read_response;
        struct smb2_write_request write_request;
        struct smb2_write_response write_response;
        struct smb2_lock_request lock_request;
        struct smb2_ioctl ioctl;
        struct smb2_query_directory_request query_directory_request;
        struct smb2_entries query_directory_response;
        struct smb2_change_notify_request change_notify_request;
        struct smb2_entries change_notify_response;
        struct smb2_query_info_request query_info_request;
        struct smb2_query_info_response query_info_response;
        struct smb2_set_info_request set_info_request;
        struct smb2_oplock_break oplock_break;
        struct smb2_server_notification notification;
        struct smb2_error error;
    };
};

struct smb2_transform { /* 2.2.41 */
    uint64_t session_id;
    uint32_t original_size;
    uint16_t flags;  /* EncryptionAlgorithm before 3.1.1 */
    uint32_t length; /* of the whole envelope on the wire */
};

struct smb2_compression {   /* 2.2.42 */
    uint32_t original_size; /* OriginalCompressedSegmentSize */
    uint16_t algorithm, flags;
    bool chained;
    uint32_t offset;   /* unchained: bytes in the clear before the compressed ones */
    uint32_t length;   /* of the whole envelope on the wire */
    bool smb2_follows; /* the clear bytes begin an SMB2 message, which is delivered next */
};

#endif
