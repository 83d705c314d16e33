/* SMB1 transactions once they are whole: TRANSACTION (named pipes, mailslots, RAP), TRANSACTION2 and NT_TRANSACT. A dissector of one
 * message cannot know the whole, nor what a response answers; so the model asks here, once it has put the parts together and the
 * response has met its request. Pure functions of the bytes: views point into the parts, lists into the arena.
 *
 * Layouts are of MS-CIFS 2.2.5 to 2.2.8 and MS-SMB 2.2.5 to 2.2.8, of MS-RAP 2.5 and MS-MAIL 2.2.1, and of the CIFS UNIX extensions. */
#ifndef SMB1_TRANSACTION_H
#define SMB1_TRANSACTION_H

#include "dissector.h"
#include "fscc.h"
#include "pdu_smb1.h"

/* What was put together, of a request or of its responses. */
struct smb1_parts {
    uint8_t command;           /* SMB1_TRANSACTION, SMB1_TRANSACTION2 or SMB1_NT_TRANSACT */
    bool unicode;              /* SMB_FLAGS2_UNICODE */
    uint16_t function;         /* NT_TRANSACT request */
    uint32_t parameter_offset; /* of the first message with parameters: Unicode is aligned from the header on */
    struct text name;          /* TRANSACTION request */
    struct view setup, parameters, data;
};

enum smb1_subject_kind {
    SMB1_SUBJECT_UNKNOWN, /* no subcommand could be read */
    SMB1_SUBJECT_PIPE,    /* TRANS_...: of named pipes */
    SMB1_SUBJECT_MAILSLOT,
    SMB1_SUBJECT_RAP, /* a function called on \PIPE\LANMAN */
    SMB1_SUBJECT_TRANS2,
    SMB1_SUBJECT_NT,
};

/* What a transaction is about. It has no pointers: keep it with the pending request, for without it a response means nothing. */
struct smb1_subject {
    enum smb1_subject_kind kind;
    uint16_t subcommand;    /* TRANS_..., TRANS2_..., NT_TRANSACT_...; the function of RAP */
    uint16_t level;         /* information level, where the subcommand has one; of RAP its info level, if it is told */
    uint16_t flags;         /* FIND_FIRST2, FIND_NEXT2: SMB_FIND_... */
    uint32_t function_code; /* NT_TRANSACT_IOCTL: an FSCTL of MS-FSCC 2.3 */
};

enum { SMB1_PASSTHROUGH = 1000 }; /* levels from here on: plus a class of MS-FSCC 2.4 or 2.5; MS-SMB 2.2.2.3.5 */

/* "TRANS2_FIND_FIRST2", "TRANS_TRANSACT_NMPIPE", "NetShareEnum"; NULL where it has none. */
const char *smb1_subcommand_name(const struct smb1_subject *);
/* "SMB_SET_FILE_DISPOSITION_INFO", or of a pass-through level the class, "FileRenameInformation"; NULL where there is none. */
const char *smb1_level_name(const struct smb1_subject *);

/* What SET_PATH_INFORMATION and SET_FILE_INFORMATION change; which of the fields count is told by kind. */
enum smb1_change_kind {
    SMB1_CHANGE_OTHER,
    SMB1_CHANGE_DOS_TIMES,   /* SMB_INFO_STANDARD */
    SMB1_CHANGE_BASIC,       /* times and attributes; 0 and -1 leave as they are */
    SMB1_CHANGE_DISPOSITION, /* delete on close */
    SMB1_CHANGE_ALLOCATION,
    SMB1_CHANGE_END_OF_FILE,
    SMB1_CHANGE_RENAME,
    SMB1_CHANGE_LINK,    /* a hard link: new_name is the other name */
    SMB1_CHANGE_SYMLINK, /* new_name is what the link says */
    SMB1_CHANGE_EA,
    SMB1_CHANGE_POSIX_ACL,
    SMB1_CHANGE_POSIX_LOCK,
    SMB1_CHANGE_POSIX_OPEN,   /* opens or creates a file or directory */
    SMB1_CHANGE_POSIX_UNLINK, /* removes it at once */
    SMB1_CHANGE_UNIX_BASIC,
};

struct smb1_change {
    enum smb1_change_kind kind;
    struct smb1_dos_time create, last_access, last_write; /* DOS_TIMES */
    struct smb2_file_times times;                         /* BASIC; UNIX_BASIC without creation */
    uint32_t file_attributes;                             /* BASIC; 0: not changed */
    bool delete_pending;                   /* DISPOSITION: true marks for deletion, false takes it back */
    uint64_t size;                         /* ALLOCATION, END_OF_FILE, UNIX_BASIC (-1: not changed) */
    struct text new_name;                  /* RENAME, LINK, SYMLINK */
    bool replace;                          /* RENAME, LINK */
    uint32_t root_directory;               /* RENAME, LINK: a FID, or 0 */
    uint32_t open_flags, posix_open_flags; /* POSIX_OPEN */
    uint64_t permissions;                  /* POSIX_OPEN, UNIX_BASIC */
    bool directory;                        /* POSIX_UNLINK; POSIX_OPEN: SMB_O_DIRECTORY */
};

enum {
    SMB1_POSIX_O_DIRECTORY = 0x0200, /* of posix_open_flags */
    SMB1_RESUME_KEY_SIZE = 24,       /* of a copy on the server, MS-SMB 2.2.7.2.2.2 */
};

struct smb1_transaction_request {
    struct smb1_subject subject;
    bool has_fid;
    uint16_t fid;
    struct text
        name; /* path, pattern (FIND_FIRST2), resume name (FIND_NEXT2), pipe, mailslot, DFS path, new name (NT_TRANSACT_RENAME) */
    union {
        struct {                 /* on a pipe: what was written is the data */
            uint16_t priority;   /* TRANS_WAIT_NMPIPE, TRANS_CALL_NMPIPE */
            uint16_t pipe_state; /* TRANS_SET_NMPIPE_STATE */
        } pipe;
        struct { /* MS-MAIL 2.2.1 */
            uint16_t priority, class;
        } mailslot;
        struct { /* MS-RAP 2.5.1 */
            struct text param_desc, data_desc;
            struct view params;
            uint16_t receive_buffer_size;
        } rap;
        struct smb1_open_request open;  /* TRANS2_OPEN2 */
        struct {                        /* TRANS2_FIND_FIRST2, TRANS2_FIND_NEXT2 */
            uint16_t search_attributes; /* FIRST */
            uint16_t search_count;
            uint16_t sid;        /* NEXT */
            uint32_t resume_key; /* NEXT */
        } find;
        struct smb1_change change; /* TRANS2_SET_PATH_INFORMATION, TRANS2_SET_FILE_INFORMATION */
        struct {
            uint16_t max_referral_level;
        } dfs;
        struct smb1_nt_create_request create; /* NT_TRANSACT_CREATE, CREATE2; its file_name is name */
        struct {
            bool is_fsctl;
            uint8_t is_flags;
            bool copies; /* FSCTL_SRV_COPYCHUNK: from the file of this resume key */
            uint8_t source_key[SMB1_RESUME_KEY_SIZE];
        } ioctl;
        struct {
            uint32_t completion_filter;
            bool watch_tree;
        } notify;
        struct { /* NT_TRANSACT_QUERY_SECURITY_DESC, SET_SECURITY_DESC: SecurityInformation */
            uint32_t information;
        } security;
        struct {
            uint16_t flags;
        } rename; /* NT_TRANSACT_RENAME */
    };
    struct view
        data; /* as it is: written to a pipe, input of an IOCTL, security descriptor, quota, extended attributes */
};

struct smb1_transaction_response {
    enum smb1_subject_kind kind; /* of the subject */
    bool has_details;            /* what belongs to the subcommand was there */
    union {
        struct {                               /* what was read is the data */
            uint16_t status;                   /* TRANS_QUERY_NMPIPE_STATE; TRANS_PEEK_NMPIPE: NamedPipeState */
            uint16_t bytes_written;            /* TRANS_WRITE_NMPIPE, TRANS_RAW_WRITE_NMPIPE */
            uint16_t available, message_bytes; /* TRANS_PEEK_NMPIPE */
            struct text name;                  /* TRANS_QUERY_NMPIPE_INFO, with the rest */
            uint16_t output_buffer_size, input_buffer_size;
            uint8_t maximum_instances, current_instances;
        } pipe;
        struct { /* MS-RAP 2.5.2 */
            uint16_t win32_error, converter;
            bool has_entries;
            uint16_t entries_returned, entries_available;
        } rap;
        struct { /* TRANS2_OPEN2 */
            struct smb1_open_response response;
            uint32_t ea_length;
        } open;
        struct {          /* TRANS2_FIND_FIRST2, TRANS2_FIND_NEXT2 */
            uint16_t sid; /* FIRST */
            uint16_t search_count;
            bool end_of_search;
            unsigned entries; /* counted along the data, where the level is known */
        } find;
        struct { /* TRANS2_QUERY_PATH_INFORMATION, TRANS2_QUERY_FILE_INFORMATION */
            struct fscc_file file;
            bool has_dos_times; /* SMB_INFO_STANDARD, SMB_INFO_QUERY_EA_SIZE */
            struct smb1_dos_time create, last_access, last_write;
        } information;
        struct { /* TRANS2_QUERY_FS_INFORMATION */
            bool has_serial_number;
            uint32_t serial_number;
            struct text label, file_system;
        } file_system;
        struct { /* SMB_POSIX_PATH_OPEN */
            uint16_t oplock_flags, fid;
            uint32_t create_action;
        } posix_open;
        struct { /* MS-DFSC 2.2.4 */
            uint16_t path_consumed, referrals;
        } dfs;
        struct smb1_nt_create_response create;        /* NT_TRANSACT_CREATE, CREATE2 */
        struct {                                      /* NT_TRANSACT_IOCTL */
            uint8_t resume_key[SMB1_RESUME_KEY_SIZE]; /* FSCTL_SRV_REQUEST_RESUME_KEY */
            uint32_t total_bytes_written;             /* FSCTL_SRV_COPYCHUNK */
        } ioctl;
        struct {
            unsigned entries; /* FILE_NOTIFY_INFORMATION, in the parameters */
        } notify;
        struct { /* NT_TRANSACT_QUERY_SECURITY_DESC: LengthNeeded; NT_TRANSACT_QUERY_QUOTA: DataLength */
            uint32_t length;
        } security;
    };
    struct view data; /* as it is */
};

/* What the request asks. V_OK, or V_BAD where its parts do not hold what the subcommand needs: what could be read is set, and the
 * subject always. V_NOT_MINE for a command that is no transaction. */
enum verdict smb1_transaction_ask(const struct smb1_parts *, struct smb1_transaction_request *);
/* What the response to that says; V_OK with has_details false where there is nothing to read (the request failed, or the subcommand
 * answers nothing, or is unknown). V_BAD as above. */
enum verdict smb1_transaction_answer(const struct smb1_parts *, const struct smb1_subject *,
                                     struct smb1_transaction_response *);

#endif
