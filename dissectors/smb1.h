/* Private to the SMB1 dissectors: what the parser of a command is given, and how it reads strings, blobs and data. */
#ifndef SMB1_H
#define SMB1_H

#include "cursor.h"
#include "dissector.h"
#include "pdu_smb1.h"

enum {
    SMB1_CHAIN_MAX = 64, /* commands of one message; more are V_LIMIT */
    /* BufferFormat, MS-CIFS 2.2.2.5 */
    SMB1_FORMAT_DATA = 0x01,
    SMB1_FORMAT_DIALECT = 0x02,
    SMB1_FORMAT_STRING = 0x04,
    SMB1_FORMAT_VARIABLE = 0x05,
};

/* One command of the chain: a parameter block and a data block, MS-CIFS 2.2.3.2 and 2.2.3.3. The words are there, at least as many
 * as the row of the command says (but none in the interim response of a transaction): smb1.c looked before it called the parser. */
struct smb1_block {
    struct dissection *d;
    const struct smb1_header *header;
    uint8_t command, word_count;
    struct view message;  /* from the header on: offsets count from its front */
    struct cursor words;  /* over Words; stands behind the AndX, where there is one */
    struct cursor bytes;  /* over the message up to the end of Bytes; stands at their front */
    enum verdict lack;    /* V_OK: all Bytes are there; V_SHORT: they were cut; V_BAD: ByteCount lies */
    bool data_may_be_cut; /* set by a parser: what is missing of Bytes was passed over as data */
};

/* Sets the member of the message that is its own. The verdict is that of the body: with V_SHORT, V_BAD and V_LIMIT the
 * fields that could be read are set and what could not is empty. */
typedef enum verdict smb1_parser(struct smb1_block *, struct smb1_message *);

smb1_parser smb1_nothing_request, smb1_nothing_response, smb1_other_request, smb1_other_response;
smb1_parser smb1_negotiate_request, smb1_negotiate_response;
smb1_parser smb1_session_setup_request, smb1_session_setup_response;
smb1_parser smb1_tree_connect_request, smb1_tree_connect_response;
smb1_parser smb1_tree_connect_andx_request, smb1_tree_connect_andx_response;
smb1_parser smb1_nt_create_request, smb1_nt_create_response;
smb1_parser smb1_open_request, smb1_open_response, smb1_open_andx_request, smb1_open_andx_response;
smb1_parser smb1_create_request, smb1_created_response, smb1_open_print_request;
smb1_parser smb1_file_request, smb1_path_request, smb1_rename_request, smb1_nt_rename_request;
smb1_parser smb1_copy_request, smb1_copy_response;
smb1_parser smb1_set_information_request, smb1_set_information2_request;
smb1_parser smb1_query_information_response, smb1_query_information2_response;
smb1_parser smb1_query_information_disk_response;
smb1_parser smb1_read_request, smb1_read_response, smb1_read_andx_request, smb1_read_andx_response;
smb1_parser smb1_read_raw_request, smb1_read_mpx_response;
smb1_parser smb1_write_request, smb1_written_response, smb1_write_andx_request, smb1_write_andx_response;
smb1_parser smb1_write_raw_request, smb1_write_raw_response, smb1_write_mpx_request, smb1_write_mpx_response;
smb1_parser smb1_write_and_close_request, smb1_write_print_request;
smb1_parser smb1_lock_request, smb1_locking_request, smb1_seek_request, smb1_seek_response;
smb1_parser smb1_search_request, smb1_search_response, smb1_echo_request, smb1_echo_response;
smb1_parser smb1_print_queue_request, smb1_print_queue_response, smb1_ioctl_request, smb1_ioctl_response;
smb1_parser smb1_transaction_request, smb1_transaction_response, smb1_secondary_request;
smb1_parser smb1_nt_transact_request, smb1_nt_transact_response, smb1_nt_secondary_request;

/* The heavier of two verdicts. */
static inline enum verdict smb1_worse(enum verdict a, enum verdict b) {
    return a > b ? a : b;
}

/* What it means when the Bytes do not hold what a parser needs. */
static inline enum verdict smb1_lacking(const struct smb1_block *b) {
    return b->lack == V_OK ? V_BAD : b->lack;
}

/* V_OK while the Bytes held all that was read of them. */
static inline enum verdict smb1_bytes_verdict(const struct smb1_block *b) {
    return cursor_ok(&b->bytes) ? V_OK : smb1_lacking(b);
}

/* Why bytes of the message that end at this offset are not to be had: V_SHORT where the message on the wire reaches that far and was
 * cut or lost, V_BAD where it does not. V_OK where they are there. */
enum verdict smb1_reach(const struct smb1_block *, uint64_t end);

/* The text up to a NUL, and moves behind it; without one all that is left. UTF-16 drops half a unit at the end. Where there is not even
 * a NUL there is no text, which has no encoding either: an empty one is the name of a root. */
struct text smb1_terminated(struct cursor *, bool unicode);
/* The first n bytes up to a NUL, if there is any, or as many as there are. No text, as above, where n says that there is one and
 * nothing is there. */
struct text smb1_counted(struct cursor *, size_t n, bool unicode);

/* An SMB_STRING of the Bytes, MS-CIFS 2.2.1.1: by Flags2 in Unicode, which begins at an even offset from the header, or OEM. That its
 * NUL is missing at the true end of Bytes is no fault: many leave it out. */
enum verdict smb1_take_string(struct smb1_block *, struct text *);
/* The same where Unicode is not aligned, and something else than Flags2 says whether it is that. */
enum verdict smb1_take_unaligned(struct smb1_block *, bool unicode, struct text *);
/* An OEM_STRING: the same whatever Flags2 says. */
enum verdict smb1_take_oem(struct smb1_block *, struct text *);
/* An SMB_STRING of n bytes, aligned as any. Where they are not all there, what is there up to a NUL. */
enum verdict smb1_take_counted(struct smb1_block *, size_t n, struct text *);
/* A BufferFormat byte of SMB1_FORMAT_STRING and its SMB_STRING. */
enum verdict smb1_take_path(struct smb1_block *, struct text *);
/* n bytes of a secret, of which only the length and whether they are more than zeros are told. */
enum verdict smb1_take_secret(struct smb1_block *, size_t n, struct smb1_secret *);
/* A security blob of n bytes, which goes to the dissector of SPNEGO. */
enum verdict smb1_take_blob(struct smb1_block *, size_t n, struct view *);

/* The part that an offset from the header and a length point at; it lies behind the header and inside the message. Empty unless
 * V_OK. A length of 0 is empty whatever the offset. */
enum verdict smb1_part(const struct smb1_block *, uint32_t offset, uint32_t length, struct view *);
/* READ or WRITE data, which may have been passed over: sets what is there of it. V_BAD where it does not fit into the message on the
 * wire. */
enum verdict smb1_data(struct smb1_block *, uint32_t offset, uint32_t length, struct view *);
/* The same for data that stands where Bytes are read: behind a BufferFormat byte of SMB1_FORMAT_DATA and a length. */
enum verdict smb1_counted_data(struct smb1_block *, uint32_t *offset, uint32_t *length, struct view *);

struct smb1_dos_time smb1_take_dos_time(struct cursor *);
struct smb2_file_times smb1_take_times(struct cursor *);

#endif
