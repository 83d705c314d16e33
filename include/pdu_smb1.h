/* SMB1 messages, MS-CIFS 2.2 and MS-SMB 2.2. A struct for each form of body, its fields by the names of the specification, sizes
 * in bytes, FILETIMEs in 100 ns since 1601-01-01 UTC. UTIMEs are seconds since 1970-01-01 and SMB_DATEs and SMB_TIMEs bit
 * fields, both in the clock of the server. Sections without another name are of MS-CIFS.
 *
 * A message carries a chain of commands (2.2.3.4). Each comes as a pdu of its own, in the order of the chain, all with the same
 * header; `command` says whose it is. The status of the header belongs to the last command of the chain: a server that fails
 * one ends the chain with it, and those before it succeeded. */
#ifndef PDU_SMB1_H
#define PDU_SMB1_H

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "constants.h" /* commands, flags, subcommands and levels by name */
#include "pdu_smb2.h"  /* guid, smb2_file_times */
#include "view.h"

enum { SMB1_HEADER_SIZE = 32 };

struct smb1_header {     /* 2.2.3.1 */
    uint8_t command;     /* of the first command of the chain */
    uint32_t status;     /* an NTSTATUS with SMB_FLAGS2_NT_STATUS, else error_class and error_code as they stand */
    bool nt_status;      /* SMB_FLAGS2_NT_STATUS */
    uint8_t error_class; /* SMB_ERROR 2.2.1.5: without SMB_FLAGS2_NT_STATUS */
    uint16_t error_code;
    uint8_t flags;
    uint16_t flags2;
    uint8_t security_features[8];
    bool has_signature;  /* SMB_FLAGS2_SMB_SECURITY_SIGNATURE, and security_features hold one */
    uint32_t process_id; /* PIDHigh and PIDLow */
    uint16_t tree_id, user_id, message_id;
};

/* FIDs, TIDs, UIDs and MIDs that mean none or all, 2.2.1.6 */
enum { SMB1_ID_NONE = 0xFFFF };

struct text_list {
    const struct text *items;
    unsigned count;
};

struct smb1_dos_time { /* SMB_DATE and SMB_TIME, 2.2.1.4 */
    uint16_t date, time;
};

struct smb1_negotiate_request { /* 2.2.4.52.1 */
    struct text_list dialects;  /* in the order offered */
};

/* "SMB 2.002" and "SMB 2.???", MS-SMB2 3.2.4.2.2.1. */
static inline bool smb1_dialect_is_smb2(struct view dialect) {
    static const char prefix[] = "SMB 2.";
    return dialect.n >= sizeof prefix - 1 && memcmp(dialect.p, prefix, sizeof prefix - 1) == 0;
}

/* Does an SMB1 NEGOTIATE that offers these offer SMB2 as well? */
static inline bool smb1_offers_smb2(const struct text_list *dialects) {
    for (unsigned i = 0; i < dialects->count; i++) {
        if (smb1_dialect_is_smb2(dialects->items[i].bytes)) {
            return true;
        }
    }
    return false;
}

struct smb1_negotiate_response { /* 2.2.4.52.2, MS-SMB 2.2.4.5.2 */
    bool has_dialect_index;      /* not in an error response */
    uint16_t dialect_index;      /* SMB1_ID_NONE where none was accepted */
    bool lan_manager;            /* 13 words: LAN Manager 1.0 to 2.1 */
    bool nt_lan_manager;         /* 17 words: NT LAN Manager. With neither the index is all there is. */
    uint16_t security_mode;
    uint16_t max_mpx_count, max_number_vcs;
    uint32_t max_buffer_size, max_raw_size;
    uint16_t raw_mode; /* LAN Manager */
    uint32_t session_key, capabilities;
    uint64_t system_time;             /* NT LAN Manager */
    struct smb1_dos_time server_time; /* LAN Manager */
    int16_t server_time_zone;         /* minutes from UTC */
    uint16_t challenge_length;
    struct text domain_name, server_name;
    bool extended_security; /* the three that follow, instead of challenge and names */
    struct guid server_guid;
    struct view security_blob;
};

/* How a secret came: its length, and whether it is more than zeros. The bytes themselves are nobody's business. */
struct smb1_secret {
    uint16_t length;
    bool present;
};

struct smb1_session_setup_request { /* 2.2.4.53.1, MS-SMB 2.2.4.6.1 */
    uint8_t word_count;             /* 10: LAN Manager, 13: NT LAN Manager, 12: with extended security */
    uint16_t max_buffer_size, max_mpx_count, vc_number;
    uint32_t session_key, capabilities;
    struct smb1_secret oem_password, unicode_password; /* LAN Manager has the first alone */
    unsigned responses; /* enum ntlm_response: which these two are, where they are no passwords */
    struct text account_name, primary_domain, native_os, native_lan_man;
    struct view security_blob;
};

struct smb1_session_setup_response { /* 2.2.4.53.2, MS-SMB 2.2.4.6.2 */
    uint16_t action;                 /* SMB_SETUP_GUEST ... */
    bool extended_security;
    struct view security_blob;
    struct text native_os, native_lan_man, primary_domain;
};

struct smb1_tree_connect_request { /* 2.2.4.50.1; with AndX 2.2.4.55.1, MS-SMB 2.2.4.7.1 */
    uint16_t flags;
    struct smb1_secret password;
    struct text path, service;
};

struct smb1_tree_connect_response { /* 2.2.4.50.2; with AndX 2.2.4.55.2, MS-SMB 2.2.4.7.2 */
    uint16_t optional_support;
    bool has_maximal_access;
    uint32_t maximal_share_access_rights, guest_maximal_share_access_rights;
    struct text service, native_file_system;
    bool has_tree_id; /* TREE_CONNECT alone; with AndX it is in the header */
    uint16_t tree_id, max_buffer_size;
};

struct smb1_nt_create_request { /* 2.2.4.64.1, MS-SMB 2.2.4.9.1; NT_TRANSACT_CREATE 2.2.7.1.1 */
    uint32_t flags, root_directory_fid, desired_access;
    uint64_t allocation_size;
    uint32_t ext_file_attributes, share_access, create_disposition, create_options, impersonation_level;
    uint8_t security_flags;
    struct text file_name;
    uint32_t security_descriptor_length, ea_length; /* NT_TRANSACT_CREATE */
};

struct smb1_nt_create_response { /* 2.2.4.64.2, MS-SMB 2.2.4.9.2; NT_TRANSACT_CREATE 2.2.7.1.2 */
    uint8_t op_lock_level;       /* 0 none, 1 exclusive, 2 batch, 3 level II */
    uint16_t fid;
    uint32_t create_action; /* FILE_OPENED ...: what was done */
    struct smb2_file_times times;
    uint32_t ext_file_attributes;
    uint64_t allocation_size, end_of_file;
    uint16_t resource_type;  /* enum smb1_resource_type */
    uint16_t nm_pipe_status; /* FileStatusFlags of a file */
    bool directory;
    bool extended; /* the rest is there */
    struct guid volume_guid;
    uint64_t file_id;
    uint32_t maximal_access_rights, guest_maximal_access_rights;
};

enum smb1_resource_type {
    SMB1_FILE_TYPE_DISK,
    SMB1_FILE_TYPE_BYTE_MODE_PIPE,
    SMB1_FILE_TYPE_MESSAGE_MODE_PIPE,
    SMB1_FILE_TYPE_PRINTER,
    SMB1_FILE_TYPE_COMM_DEVICE,
    SMB1_FILE_TYPE_UNKNOWN = 0xFFFF,
};

/* OPEN 2.2.4.3, CREATE 2.2.4.4, CREATE_TEMPORARY 2.2.4.15 (the name is the directory's), CREATE_NEW 2.2.4.16, OPEN_ANDX
 * 2.2.4.41, OPEN_PRINT_FILE 2.2.4.67 (the name is the Identifier), TRANS2_OPEN2 2.2.6.1 */
struct smb1_open_request {
    uint16_t flags;                    /* OPEN_ANDX, OPEN2 */
    uint16_t access_mode;              /* OPEN, OPEN_ANDX, OPEN2; OPEN_PRINT_FILE: Mode */
    uint16_t search_attributes;        /* OPEN, OPEN_ANDX */
    uint16_t file_attributes;          /* not OPEN */
    uint32_t creation_time;            /* UTIME; not OPEN */
    uint16_t open_mode;                /* OPEN_ANDX, OPEN2 */
    uint32_t allocation_size, timeout; /* OPEN_ANDX, OPEN2 */
    uint16_t setup_length;             /* OPEN_PRINT_FILE */
    struct text file_name;
};

struct smb1_open_response {
    uint16_t fid; /* all that CREATE, CREATE_NEW and OPEN_PRINT_FILE answer */
    uint16_t file_attributes;
    uint32_t last_write_time; /* UTIME */
    uint32_t file_data_size;
    uint16_t access_rights;
    uint16_t resource_type, nm_pipe_status, open_results; /* OPEN_ANDX, OPEN2 */
    bool has_maximal_access;                              /* OPEN_ANDX of 19 words, MS-SMB 2.2.4.1.2 */
    uint32_t maximal_access_rights, guest_maximal_access_rights;
    struct text temporary_file_name; /* CREATE_TEMPORARY */
};

/* CLOSE 2.2.4.5, FLUSH 2.2.4.6, QUERY_INFORMATION2 2.2.4.31, FIND_CLOSE2 2.2.4.48 (its SearchHandle), CLOSE_PRINT_FILE
 * 2.2.4.69 */
struct smb1_file_request {
    uint16_t fid;
    uint32_t last_time_modified; /* CLOSE; UTIME, 0 and -1 leave it as it is */
};

/* CREATE_DIRECTORY 2.2.4.1, DELETE_DIRECTORY 2.2.4.2, DELETE 2.2.4.7, QUERY_INFORMATION 2.2.4.9, CHECK_DIRECTORY 2.2.4.17 */
struct smb1_path_request {
    uint16_t search_attributes; /* DELETE */
    struct text name;           /* of DELETE it may have wildcards */
};

struct smb1_rename_request { /* RENAME 2.2.4.8, NT_RENAME 2.2.4.66 */
    uint16_t search_attributes;
    uint16_t information_level; /* NT_RENAME: SMB_NT_RENAME_SET_LINK_INFO ... */
    struct text old_file_name, new_file_name;
};

/* COPY 2.2.4.37 and MOVE 2.2.4.38, whose layouts are in [XOPEN-SMB] 14.1 and 14.4 */
struct smb1_copy_request {
    uint16_t tree_id2; /* of the target; SMB1_ID_NONE: that of the header */
    uint16_t open_function, flags;
    struct text source_file_name, target_file_name;
};

struct smb1_copy_response {
    uint16_t count;
    struct text error_file_name;
};

struct smb1_set_information_request { /* SET_INFORMATION 2.2.4.10, SET_INFORMATION2 2.2.4.30 */
    uint16_t file_attributes;         /* SET_INFORMATION, with the next two */
    uint32_t last_write_time;         /* UTIME */
    struct text file_name;
    uint16_t fid; /* SET_INFORMATION2, with the rest */
    struct smb1_dos_time create, last_access, last_write;
};

struct smb1_query_information_response { /* QUERY_INFORMATION 2.2.4.9.2, QUERY_INFORMATION2 2.2.4.31.2 */
    uint16_t file_attributes;
    uint32_t file_size;
    uint32_t last_write_time;                             /* UTIME; QUERY_INFORMATION */
    struct smb1_dos_time create, last_access, last_write; /* QUERY_INFORMATION2, with the next */
    uint32_t file_allocation_size;
};

struct smb1_query_information_disk_response { /* 2.2.4.57.2 */
    uint16_t total_units, blocks_per_unit, block_size, free_units;
};

/* READ 2.2.4.11, LOCK_AND_READ 2.2.4.20, READ_RAW 2.2.4.22, READ_MPX 2.2.4.23, READ_ANDX 2.2.4.42 with MS-SMB 2.2.4.2 */
struct smb1_read_request {
    uint16_t fid;
    uint64_t offset;
    uint32_t max_count; /* of READ_ANDX with MaxCountHigh, unless that is a Timeout */
    uint16_t min_count, remaining;
    uint32_t timeout; /* of READ_ANDX the same bytes as MaxCountHigh: of a pipe a timeout */
};

struct smb1_read_response {
    uint32_t data_length;
    uint16_t available;   /* READ_ANDX; of READ_MPX: Remaining */
    uint32_t data_offset; /* from the header on */
    struct view data;     /* what is there of it: nothing where it was passed over */
    uint32_t offset;      /* READ_MPX, with the next */
    uint16_t count;
};

/* WRITE 2.2.4.12, WRITE_AND_UNLOCK 2.2.4.21, WRITE_RAW 2.2.4.25, WRITE_MPX 2.2.4.26, WRITE_AND_CLOSE 2.2.4.40, WRITE_ANDX
 * 2.2.4.43 with MS-SMB 2.2.4.3, WRITE_PRINT_FILE 2.2.4.68 */
struct smb1_write_request {
    uint16_t fid;
    uint64_t offset;
    uint32_t data_length; /* of WRITE, 0 sets the end of the file to offset */
    uint16_t remaining, write_mode;
    uint32_t timeout;
    uint16_t total_count;     /* WRITE_RAW: CountOfBytes, WRITE_MPX: TotalByteCount */
    uint32_t request_mask;    /* WRITE_MPX */
    uint32_t last_write_time; /* WRITE_AND_CLOSE; UTIME */
    uint32_t data_offset;     /* from the header on */
    struct view data;         /* what is there of it: nothing where it was passed over */
};

struct smb1_write_response { /* also WRITE_COMPLETE 2.2.4.28 */
    uint32_t count;
    uint16_t available;     /* WRITE_ANDX; the interim response of WRITE_RAW has it alone */
    uint32_t response_mask; /* WRITE_MPX alone */
};

struct smb1_byte_range { /* LOCKING_ANDX_RANGE 2.2.4.32.1 */
    uint16_t pid;
    uint64_t offset, length;
};

struct smb1_range_list {
    const struct smb1_byte_range *items;
    unsigned count;
};

struct smb1_lock_request { /* LOCK_BYTE_RANGE 2.2.4.13, UNLOCK_BYTE_RANGE 2.2.4.14 */
    uint16_t fid;
    uint32_t count, offset;
};

struct smb1_locking_request { /* 2.2.4.32.1; from the server it is the break of an oplock */
    uint16_t fid;
    uint8_t type_of_lock, new_op_lock_level;
    uint32_t timeout;
    struct smb1_range_list unlocks, locks;
};

struct smb1_seek_request { /* 2.2.4.19.1 */
    uint16_t fid, mode;
    int32_t offset;
};

struct smb1_seek_response { /* 2.2.4.19.2 */
    uint32_t offset;
};

struct smb1_search_request { /* SEARCH 2.2.4.58, FIND 2.2.4.59, FIND_UNIQUE 2.2.4.60, FIND_CLOSE 2.2.4.61 */
    uint16_t max_count, search_attributes;
    struct text file_name;
    struct view resume_key; /* empty in the first request of a search */
};

enum { SMB1_DIRECTORY_INFORMATION_SIZE = 43 };

struct smb1_search_response {
    uint16_t count;
    struct view entries; /* SMB_Directory_Information, of SMB1_DIRECTORY_INFORMATION_SIZE each */
};

struct smb1_echo {  /* 2.2.4.39 */
    uint16_t count; /* EchoCount, or SequenceNumber in a response */
    struct view data;
};

struct smb1_print_queue_request { /* 2.2.4.70; [SMB-CORE] 5.26 */
    uint16_t max_count, start_index;
};

struct smb1_print_queue_response {
    uint16_t count, restart_index;
    struct view entries;
};

struct smb1_ioctl { /* 2.2.4.35; a response has but parameters and data */
    uint16_t fid, category, function;
    struct view parameters, data;
};

/* What TRANSACTION, TRANSACTION2 and NT_TRANSACT have around their subcommand, either way, in a first message (2.2.4.33, 2.2.4.46,
 * 2.2.4.62), a secondary request (2.2.4.34, 2.2.4.47, 2.2.4.63) or one of several responses. The parts of a transaction are put
 * together by their displacements; the whole is for smb1_transaction.h. */
struct smb1_transaction {
    bool interim; /* a response without words: the rest of the request may come */
    bool secondary;
    uint32_t total_parameter_count, total_data_count; /* may shrink from part to part; the last counts */
    uint32_t max_parameter_count, max_data_count;     /* first request */
    uint8_t max_setup_count;                          /* first request */
    uint16_t flags;                                   /* first request: 1 DISCONNECT_TID, 2 NO_RESPONSE */
    uint32_t timeout;                                 /* first request; ms */
    uint32_t parameter_offset, parameter_displacement;
    uint32_t data_offset, data_displacement;
    uint32_t parameter_count, data_count; /* of this message, as it says; what is there of them are the views below */
    uint16_t function;                    /* NT_TRANSACT request */
    uint16_t fid;                         /* TRANSACTION2_SECONDARY */
    struct view setup;                    /* words, least significant byte first */
    struct text name;                     /* TRANSACTION request: \PIPE\..., \MAILSLOT\... */
    struct view parameters, data;         /* empty where they are not all there */
};

struct smb1_message {
    struct smb1_header header;
    uint8_t command;      /* this one's */
    uint8_t andx_command; /* that of the next; SMB1_NO_ANDX_COMMAND where none follows or can follow */
    unsigned chain_index; /* 0 for the first */
    bool chain_last;      /* no other pdu comes of this message */
    bool chain_cut;       /* andx_command was to follow, but it is not there or its offset lies */
    bool response;        /* SMB_FLAGS_REPLY */
    bool unasked;         /* a request from the server: the break of an oplock */
    bool is_error;        /* a failed response without the words of its command */
    bool empty;           /* no body was looked at: it was cut, or the command is unknown or has none that is defined */
    struct view words, bytes; /* as they are, the AndX words included; bytes up to where the message was cut */
    union {
        struct smb1_negotiate_request negotiate_request;
        struct smb1_negotiate_response negotiate_response;
        struct smb1_session_setup_request session_setup_request;
        struct smb1_session_setup_response session_setup_response;
        struct smb1_tree_connect_request tree_connect_request;
        struct smb1_tree_connect_response tree_connect_response;
        struct smb1_nt_create_request nt_create_request;
        struct smb1_nt_create_response nt_create_response;
        struct smb1_open_request open_request;
        struct smb1_open_response open_response;
        struct smb1_file_request file_request;
        struct smb1_path_request path_request;
        struct smb1_rename_request rename_request;
        struct smb1_copy_request copy_request;
        struct smb1_copy_response copy_response;
        struct smb1_set_information_request set_information_request;
        struct smb1_query_information_response query_information_response;
        struct smb1_query_information_disk_response query_information_disk_response;
        struct smb1_read_request read_request;
        struct smb1_read_response read_response;
        struct smb1_write_request write_request;
        struct smb1_write_response write_response;
        struct smb1_lock_request lock_request;
        struct smb1_locking_request locking_request;
        struct smb1_seek_request seek_request;
        struct smb1_seek_response seek_response;
        struct smb1_search_request search_request;
        struct smb1_search_response search_response;
        struct smb1_echo echo;
        struct smb1_print_queue_request print_queue_request;
        struct smb1_print_queue_response print_queue_response;
        struct smb1_ioctl ioctl;
        struct smb1_transaction transaction;
    };
};

#endif
