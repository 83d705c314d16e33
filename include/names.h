/* The specifications' names for the numbers on the wire.
 *
 * Purpose: turn a value into the name that stands in a record. Every table is constant, made at compile time from
 * include/tables/, where each file says which section of which specification it holds.
 *
 * Ownership: tables and names are static; nothing is allocated, nothing is freed, and a name may be kept for ever.
 * Errors: none. A value without a name is NULL, and what to write then (hex, mostly) is the caller's choice.
 *
 * The convention of include/tables/ *.def: a file holds rows of one macro, called as the file is in capitals, and
 * ascending. Who includes one defines the macro before and undefines it after; the file does neither, so that it
 * can be included again for something else:
 *
 *     #define NTSTATUS(value, name) NAME_ROW(value, #name),
 *     #include "tables/ntstatus.def"
 *     #undef NTSTATUS
 *
 * The same numbers as constants are in constants.h.
 */
#ifndef NAMES_H
#define NAMES_H

#include <stddef.h>
#include <stdint.h>

struct name_row {
    uint32_t value, length; /* length: of the name */
    const char *name;
};

/* A row; the name is a string literal. */
#define NAME_ROW(value, name) \
    { (value), sizeof(name) - 1, name }

struct name_table {
    const struct name_row *rows; /* ascending by value, each value once */
    size_t count;                /* at least 1 */
};

/* The name of value, or NULL. In a table of bits the value is one bit; walk the rows to name a whole mask. */
const char *names_find(const struct name_table *table, uint32_t value);

/* Its row, or NULL. Most tables number from 0 or 1 on without a hole, and nearly every status is success, the first row of its table:
 * only what stands elsewhere is searched. */
const struct name_row *names_search_row(const struct name_table *table, uint32_t value);
static inline const struct name_row *names_find_row(const struct name_table *table, uint32_t value) {
    if (value < table->count && table->rows[value].value == value) {
        return &table->rows[value];
    }
    return names_search_row(table, value);
}

/* Commands, as records spell them: "SMB2_CREATE", "SMB1_NT_CREATE_ANDX". */
extern const struct name_table names_smb2_command; /* MS-SMB2 2.2.1 */
extern const struct name_table names_smb1_command; /* MS-CIFS 2.2.2.1 */

/* Statuses. The DOS errors of SMB1 are a class and a code in the table of that class. */
extern const struct name_table names_ntstatus;        /* MS-ERREF 2.3.1 */
extern const struct name_table names_dos_error_class; /* MS-CIFS 2.2.2.4: "ERRDOS" */
extern const struct name_table names_dos_error_dos;   /* class 0x01 */
extern const struct name_table names_dos_error_srv;   /* class 0x02 */
extern const struct name_table names_dos_error_hrd;   /* class 0x03 */

/* Control codes, information classes and types. */
extern const struct name_table names_fsctl;           /* MS-FSCC 2.3, MS-SMB2 2.2.31 */
extern const struct name_table names_file_info_class; /* MS-FSCC 2.4 */
extern const struct name_table names_fs_info_class;   /* MS-FSCC 2.5 */
extern const struct name_table names_info_type;       /* MS-SMB2 2.2.37 */

/* Numbers of the header, of negotiation and of sessions. */
extern const struct name_table names_dialect;               /* MS-SMB2 2.2.3: "3.1.1" */
extern const struct name_table names_negotiate_context;     /* MS-SMB2 2.2.3.1 */
extern const struct name_table names_hash_algorithm;        /* MS-SMB2 2.2.3.1.1: "SHA-512" */
extern const struct name_table names_cipher;                /* MS-SMB2 2.2.3.1.2: "AES-128-GCM" */
extern const struct name_table names_compression_algorithm; /* MS-SMB2 2.2.3.1.3: "LZ77" */
extern const struct name_table names_rdma_transform;        /* MS-SMB2 2.2.3.1.6 */
extern const struct name_table names_signing_algorithm;     /* MS-SMB2 2.2.3.1.7: "AES-CMAC" */
extern const struct name_table names_error_id;              /* MS-SMB2 2.2.2.1 */

/* Numbers of shares, files and pipes. */
extern const struct name_table names_share_type;           /* MS-SMB2 2.2.10: "disk" */
extern const struct name_table names_share_caching;        /* MS-SMB2 2.2.10: ShareFlags & 0x30 */
extern const struct name_table names_tree_connect_context; /* MS-SMB2 2.2.9.2 */
extern const struct name_table names_create_disposition;   /* MS-SMB2 2.2.13 */
extern const struct name_table names_create_action;        /* MS-SMB2 2.2.14 */
extern const struct name_table names_oplock_level;         /* MS-SMB2 2.2.13 */
extern const struct name_table names_impersonation_level;  /* MS-SMB2 2.2.13: "Impersonation" */
extern const struct name_table names_channel;              /* MS-SMB2 2.2.19 */
extern const struct name_table names_reparse_tag;          /* MS-FSCC 2.1.2.1 */
extern const struct name_table names_notify_action;        /* MS-FSCC 2.7.1 */
extern const struct name_table names_notification_type;    /* MS-SMB2 2.2.44.1 */

/* Bits of the header, of negotiation and of sessions. */
extern const struct name_table names_header_flag;            /* MS-SMB2 2.2.1.1 */
extern const struct name_table names_security_mode;          /* MS-SMB2 2.2.3: "signing_required" */
extern const struct name_table names_global_capability;      /* MS-SMB2 2.2.3 */
extern const struct name_table names_compression_capability; /* MS-SMB2 2.2.3.1.3 */
extern const struct name_table names_transport_capability;   /* MS-SMB2 2.2.3.1.5 */
extern const struct name_table names_session_setup_flag;     /* MS-SMB2 2.2.5 */
extern const struct name_table names_session_flag;           /* MS-SMB2 2.2.6 */
extern const struct name_table names_spnego_state;           /* RFC 4178 4.2.2: "accept-completed" */
extern const struct name_table names_ntlm_response;          /* MS-NLMP 2.2.2: "ntlmv2" */
extern const struct name_table names_downgrade_sign;         /* downgrade.h: "smb1_after_smb2" */
extern const struct name_table names_kerberos_option;        /* RFC 4120 5.5.1: "mutual-required" */
extern const struct name_table names_kerberos_encryption;    /* RFC 3961 8: "rc4-hmac" */
extern const struct name_table names_kerberos_error;         /* RFC 4120 7.5.9 */
extern const struct name_table names_compression_flag;       /* MS-SMB2 2.2.42 */

/* Bits of shares. */
extern const struct name_table names_tree_connect_flag; /* MS-SMB2 2.2.9 */
extern const struct name_table names_share_flag;        /* MS-SMB2 2.2.10, without the caching */
extern const struct name_table names_share_capability;  /* MS-SMB2 2.2.10 */

/* Bits of files and pipes. */
extern const struct name_table names_access_mask_file;             /* MS-SMB2 2.2.13.1.1: files, pipes, printers */
extern const struct name_table names_access_mask_directory;        /* MS-SMB2 2.2.13.1.2 */
extern const struct name_table names_file_attribute;               /* MS-FSCC 2.6 */
extern const struct name_table names_share_access;                 /* MS-SMB2 2.2.13 */
extern const struct name_table names_create_option;                /* MS-SMB2 2.2.13 */
extern const struct name_table names_create_flag;                  /* MS-SMB2 2.2.14 */
extern const struct name_table names_lease_state;                  /* MS-SMB2 2.2.13.2.8 */
extern const struct name_table names_lease_flag;                   /* MS-SMB2 2.2.13.2.10 */
extern const struct name_table names_lease_break_flag;             /* MS-SMB2 2.2.23.2 */
extern const struct name_table names_durable_handle_flag;          /* MS-SMB2 2.2.13.2.11 */
extern const struct name_table names_close_flag;                   /* MS-SMB2 2.2.15 */
extern const struct name_table names_read_flag;                    /* MS-SMB2 2.2.19 */
extern const struct name_table names_read_response_flag;           /* MS-SMB2 2.2.20 */
extern const struct name_table names_write_flag;                   /* MS-SMB2 2.2.21 */
extern const struct name_table names_lock_flag;                    /* MS-SMB2 2.2.26.1 */
extern const struct name_table names_ioctl_flag;                   /* MS-SMB2 2.2.31 */
extern const struct name_table names_network_interface_capability; /* MS-SMB2 2.2.32.5 */
extern const struct name_table names_query_directory_flag;         /* MS-SMB2 2.2.33 */
extern const struct name_table names_change_notify_flag;           /* MS-SMB2 2.2.35 */
extern const struct name_table names_completion_filter;            /* MS-SMB2 2.2.35 */
extern const struct name_table names_query_info_flag;              /* MS-SMB2 2.2.37 */
extern const struct name_table names_security_information;         /* MS-SMB2 2.2.37 */

/* Numbers and bits of SMB1. */
extern const struct name_table names_smb1_flag;              /* MS-CIFS 2.2.3.1 */
extern const struct name_table names_smb1_flag2;             /* MS-SMB 2.2.3.1 */
extern const struct name_table names_smb1_security_mode;     /* MS-CIFS 2.2.4.52.2 */
extern const struct name_table names_smb1_capability;        /* MS-SMB 2.2.4.5.2.1 */
extern const struct name_table names_smb1_setup_action;      /* MS-CIFS 2.2.4.53.2 */
extern const struct name_table names_smb1_tree_connect_flag; /* MS-SMB 2.2.4.7.1 */
extern const struct name_table names_smb1_optional_support;  /* MS-SMB 2.2.4.7.2 */
extern const struct name_table names_smb1_nt_create_flag;    /* MS-SMB 2.2.4.9.1 */
extern const struct name_table names_smb1_lock_type;         /* MS-CIFS 2.2.4.32.1 */
extern const struct name_table names_smb1_rename_level;      /* MS-CIFS 2.2.4.66.1 */
extern const struct name_table names_smb1_trans_subcommand;  /* MS-CIFS 2.2.2.2 */
extern const struct name_table names_smb1_trans2_subcommand; /* MS-CIFS 2.2.2.2 */
extern const struct name_table names_smb1_nt_subcommand;     /* MS-SMB 2.2.2.2 */
extern const struct name_table names_smb1_find_level;        /* MS-SMB 2.2.2.3.1 */
extern const struct name_table names_smb1_query_fs_level;    /* MS-CIFS 2.2.2.3.2 */
extern const struct name_table names_smb1_set_fs_level;      /* the CIFS UNIX extensions */
extern const struct name_table names_smb1_query_level;       /* MS-CIFS 2.2.2.3.3 */
extern const struct name_table names_smb1_set_level;         /* MS-CIFS 2.2.2.3.4 */
extern const struct name_table names_smb1_find_flag;         /* MS-CIFS 2.2.6.2.1 */
extern const struct name_table names_rap_opcode;             /* MS-RAP 2.5.4: "NetShareEnum" */

/* Create contexts are named by bytes, not by a number: their rows are in order of those bytes. */
struct name_create_context {
    int id;             /* of enum create_context_id, constants.h */
    const char *wire;   /* what the wire carries, not a string: it may hold any byte */
    size_t wire_length; /* 4 or 16 */
    size_t data_length; /* 0: any; else the row is for data of this length alone */
    const char *name;
};

extern const struct name_create_context names_create_context[];
extern const size_t names_create_contexts;

/* The row for a create context with this wire name and this length of data, or NULL. */
const struct name_create_context *names_find_create_context(const void *wire, size_t wire_length, size_t data_length);

#endif
