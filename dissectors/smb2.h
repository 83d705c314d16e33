/* Private to the SMB2 dissectors: what the parser of a command is given, and how it reaches what its fixed part
 * points at. */
#ifndef SMB2_H
#define SMB2_H

#include "cursor.h"
#include "dissector.h"
#include "pdu_smb2.h"

/* The body of one message. The fixed part, StructureSize & ~1 bytes, is there: smb2.c looked before it called the
 * parser. */
struct smb2_body {
    struct dissection *d;
    const struct smb2_header *header;
    uint16_t structure_size;
    struct cursor c; /* over the message from its header on, so that offsets fit; stands behind StructureSize */
};

/* The fixed part of so many bytes, a constant, behind StructureSize, for a parser whose message has it whatever StructureSize says
 * besides: nothing is tested twice (cursor_fixed). */
static inline struct cursor smb2_fixed(const struct smb2_body *b, size_t size) {
    struct cursor c = cursor_fixed(view_from(b->c.in, SMB2_HEADER_SIZE), size & ~(size_t)1);
    cursor_skip(&c, 2);
    return c;
}

/* Sets the member of the message that is its own. The verdict is that of the body: with V_SHORT, V_BAD and V_LIMIT the
 * fields that could be read are set and what could not is empty. */
typedef enum verdict smb2_parser(struct smb2_body *, struct smb2_message *);

/* One for each row and direction: smb2_create_request, smb2_create_response ... */
#define SMB2_COMMAND(prefix, name, number, request_size, response_size, section) \
    smb2_parser smb2_##prefix##_request, smb2_##prefix##_response;
#include "tables/smb2_command.def"
#undef SMB2_COMMAND

/* 2.2.2 */
smb2_parser smb2_error_response;

/* The heavier of two verdicts. */
static inline enum verdict smb2_worse(enum verdict a, enum verdict b) {
    return a > b ? a : b;
}

/* Why bytes that end at this offset of the message are not to be had: V_SHORT where the message on the wire reaches
 * that far and was cut or lost, V_BAD where it does not. V_OK where they are there. */
enum verdict smb2_reach(const struct smb2_body *, uint64_t end);
/* The part that an offset from the header and a length point at; it lies behind the fixed part. Empty unless V_OK. */
enum verdict smb2_part(const struct smb2_body *, uint32_t offset, uint32_t length, struct view *);
/* The same for UTF-16. An odd length is V_BAD, and the text ends with its last whole unit. */
enum verdict smb2_text(const struct smb2_body *, uint32_t offset, uint32_t length, struct text *);
/* READ or WRITE data, which lies behind the view: V_BAD where it does not fit into the message on the wire. */
enum verdict smb2_payload(const struct smb2_body *, uint32_t offset, uint32_t length);
/* A part of a part: n bytes of UTF-16 at the cursor. V_BAD where they are not there or odd. */
enum verdict smb2_take_text(struct cursor *, size_t n, struct text *);
/* count numbers of 16 bits at the cursor. V_BAD where they are not there, V_LIMIT where the arena has no room. */
enum verdict smb2_take_u16s(struct arena *, struct cursor *, size_t count, struct u16_list *);

static inline struct file_id smb2_take_file_id(struct cursor *c) {
    struct file_id id;
    id.persistent = cursor_le64(c);
    id.volatile_part = cursor_le64(c);
    return id;
}

static inline struct smb2_file_times smb2_take_times(struct cursor *c) {
    struct smb2_file_times t;
    t.creation = cursor_le64(c);
    t.last_access = cursor_le64(c);
    t.last_write = cursor_le64(c);
    t.change = cursor_le64(c);
    return t;
}

/* The contexts in a view that holds the whole list, MS-SMB2 2.2.13.2 and 2.2.14.2. */
enum verdict smb2_create_contexts_parse(struct arena *, struct view list, bool response, struct smb2_create_contexts *);
/* Entries of a buffer, counted along their NextEntryOffset, MS-FSCC 2.4.8 and 2.7.1. V_BAD where the chain leaves
 * the buffer or does not advance; the entries before that are counted. */
enum verdict smb2_entries_count(struct view buffer, unsigned *entries);
/* The two names behind the common part of a reparse buffer, MS-FSCC 2.1.2.4: four offsets and lengths, flags where
 * there are any, and the buffer that the offsets start from. */
enum verdict smb2_take_link_names(struct cursor *, bool has_flags, uint32_t *flags, struct text *substitute,
                                  struct text *print);

#endif
