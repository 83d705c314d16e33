/* One SMB2 message, MS-SMB2 2.2: the header, and by the row of its command the body. What is particular to a command
 * is in the file of that command; which command is which number, and how large its fixed part, is in
 * tables/smb2_command.def. */
#include "smb2.h"

#include <stddef.h>
#include <string.h>

#include "pdu.h"

struct command {
    uint16_t request_size, response_size; /* StructureSize; 0 where there is no such message */
    smb2_parser *request, *response;
};

static const struct command commands[SMB2_COMMANDS] = {
#define SMB2_COMMAND(prefix, name, number, request_size, response_size, section) \
    [number] = {request_size, response_size, smb2_##prefix##_request, smb2_##prefix##_response},
#include "tables/smb2_command.def"
#undef SMB2_COMMAND
};

/* 2.2.1.1 and 2.2.1.2. All 64 bytes are there. false: not the StructureSize of an SMB2 header. */
static bool header_parse(struct view message, struct smb2_header *h) {
    struct cursor fixed = cursor_fixed(message, SMB2_HEADER_SIZE), *c = &fixed;
    cursor_skip(c, 4);
    uint16_t structure_size = cursor_le16(c);
    h->credit_charge = cursor_le16(c);
    h->status = cursor_le32(c);
    h->command = cursor_le16(c);
    h->credits = cursor_le16(c);
    h->flags = cursor_le32(c);
    h->next_command = cursor_le32(c);
    h->message_id = cursor_le64(c);
    if (h->flags & SMB2_FLAGS_ASYNC_COMMAND) {
        h->async_id = cursor_le64(c);
        h->process_id = h->tree_id = 0;
    } else {
        h->async_id = 0;
        h->process_id = cursor_le32(c);
        h->tree_id = cursor_le32(c);
    }
    h->session_id = cursor_le64(c); /* Signature, 16 bytes, is behind it */
    return structure_size == SMB2_HEADER_SIZE;
}

/* Is the body an error response (2.2.2) rather than the command's own? Where the command's own has another
 * StructureSize, that tells. Where it has the same, 3.3.4.4 lists the statuses that come with the command's own. */
static bool is_error(const struct smb2_header *h, uint16_t structure_size) {
    if (structure_size != 9 || h->status == STATUS_SUCCESS) {
        return false;
    }
    switch (h->command) {
    case SMB2_SESSION_SETUP:
        return h->status != STATUS_MORE_PROCESSING_REQUIRED;
    case SMB2_QUERY_INFO:
        return h->status != STATUS_BUFFER_OVERFLOW;
    case SMB2_CHANGE_NOTIFY:
        return h->status != STATUS_NOTIFY_ENUM_DIR;
    default:
        return true;
    }
}

/* Is this a StructureSize that the command has in this direction? */
static bool size_fits(uint16_t command, bool response, uint16_t size) {
    if (command == SMB2_OPLOCK_BREAK && (size == 36 || size == 44)) {
        return size == 36 || response; /* 2.2.23.2 (44), 2.2.24.2 and 2.2.25.2 (36) */
    }
    if (command == SMB2_SERVER_TO_CLIENT_NOTIFICATION) {
        return true; /* 2.2.44.1 names no number */
    }
    return size != 0 && size == (response ? commands[command].response_size : commands[command].request_size);
}

static smb2_parser *parser_of(const struct smb2_message *m, uint16_t structure_size) {
    if (m->is_error) {
        return smb2_error_response;
    }
    if (m->header.command >= SMB2_COMMANDS || !size_fits(m->header.command, m->response, structure_size)) {
        return NULL;
    }
    const struct command *row = &commands[m->header.command];
    return m->response ? row->response : row->request;
}

static enum verdict body_parse(struct dissection *d, struct cursor *c, struct smb2_message *m) {
    uint16_t structure_size = cursor_le16(c);
    if (!cursor_ok(c)) {
        m->empty = true;
        return V_SHORT;
    }
    m->is_error = m->response && is_error(&m->header, structure_size);
    smb2_parser *parser = parser_of(m, structure_size);
    if (!parser) {
        m->empty = true;
        return V_BAD;
    }
    if (c->in.n - SMB2_HEADER_SIZE < (structure_size & ~1U)) {
        m->empty = true;
        return V_SHORT;
    }
    struct smb2_body body = {.d = d, .header = &m->header, .structure_size = structure_size, .c = *c};
    return parser(&body, m);
}

static enum verdict message_parse(struct dissection *d, struct view message, struct smb2_message *m) {
    bool is_header = header_parse(message, &m->header);
    struct cursor c = cursor_over(message);
    cursor_skip(&c, SMB2_HEADER_SIZE);
    m->response = m->header.flags & SMB2_FLAGS_SERVER_TO_REDIR;
    if (!is_header) {
        m->empty = true;
        return V_BAD;
    }
    enum verdict v = body_parse(d, &c, m);
    /* The flag decides how the body is read; a flag against the direction (2.2.1) is a contradiction all the same,
     * save in what no request asked for: 2.2.44 does not say which flag that has. */
    bool fits = m->response == (d->dir == TO_CLIENT) || m->header.command == SMB2_SERVER_TO_CLIENT_NOTIFICATION;
    return fits ? v : smb2_worse(v, V_BAD);
}

/* As much of the protocol id as there is. */
static bool has_protocol_id(struct view message) {
    static const uint8_t protocol_id[4] = {0xFE, 'S', 'M', 'B'};
    if (message.n >= sizeof protocol_id) {
        return memcmp(message.p, protocol_id, sizeof protocol_id) == 0;
    }
    return message.n == 0 || memcmp(message.p, protocol_id, message.n) == 0;
}

static enum verdict dissect(struct dissection *d, struct view message) {
    if (!has_protocol_id(message)) {
        return V_NOT_MINE;
    }
    if (message.n < SMB2_HEADER_SIZE) {
        return V_SHORT;
    }
    struct pdu pdu;
    pdu.kind = PDU_SMB2;
    pdu.smb2.is_error = pdu.smb2.empty = false;
    pdu.smb2.compressed = d->depth > 0; /* nothing else encloses SMB2 in the clear */
    pdu.verdict = message_parse(d, message, &pdu.smb2);
    if (pdu.smb2.empty) { /* else the parser of the command has set all of what is its own */
        size_t body = offsetof(struct smb2_message, negotiate_request);
        memset((unsigned char *)&pdu.smb2 + body, 0, sizeof pdu.smb2 - body);
    }
    d->deliver(d->arg, &pdu);
    return pdu.verdict;
}

const struct dissector dissector_smb2 = {"smb2", dissect};

enum verdict smb2_reach(const struct smb2_body *b, uint64_t end) {
    if (end <= b->c.in.n) {
        return V_OK;
    }
    return end <= b->d->wire_length ? V_SHORT : V_BAD;
}

enum verdict smb2_part(const struct smb2_body *b, uint32_t offset, uint32_t length, struct view *out) {
    *out = (struct view){b->c.in.p, 0};
    if (length == 0) {
        return V_OK; /* the offset is to be ignored */
    }
    if (offset < SMB2_HEADER_SIZE + (b->structure_size & ~1U)) {
        return V_BAD;
    }
    enum verdict v = smb2_reach(b, (uint64_t)offset + length);
    if (v == V_OK) {
        struct cursor c = b->c;
        *out = cursor_at(&c, offset, length);
    }
    return v;
}

enum verdict smb2_payload(const struct smb2_body *b, uint32_t offset, uint32_t length) {
    if (length == 0) {
        return V_OK;
    }
    if (offset < SMB2_HEADER_SIZE + (b->structure_size & ~1U)) {
        return V_BAD;
    }
    return smb2_reach(b, (uint64_t)offset + length) == V_BAD ? V_BAD : V_OK;
}

/* Drops half a unit at the end. */
static enum verdict whole_units(struct view bytes, struct text *out) {
    *out = text_utf16(view_part(bytes, 0, bytes.n & ~(size_t)1));
    return bytes.n % 2 == 0 ? V_OK : V_BAD;
}

enum verdict smb2_text(const struct smb2_body *b, uint32_t offset, uint32_t length, struct text *out) {
    struct view bytes;
    enum verdict v = smb2_part(b, offset, length, &bytes);
    return smb2_worse(v, whole_units(bytes, out));
}

enum verdict smb2_take_text(struct cursor *c, size_t n, struct text *out) {
    struct view bytes = cursor_take(c, n);
    enum verdict v = whole_units(bytes, out);
    return cursor_ok(c) ? v : V_BAD;
}

enum verdict smb2_take_u16s(struct arena *mem, struct cursor *c, size_t count, struct u16_list *out) {
    *out = (struct u16_list){NULL, 0};
    if (!cursor_ok(c) || count > cursor_left(c) / 2) {
        return V_BAD;
    }
    if (count == 0) {
        return V_OK;
    }
    uint16_t *items = arena_array(mem, count, sizeof *items);
    if (!items) {
        return V_LIMIT;
    }
    for (size_t i = 0; i < count && cursor_ok(c); i++) {
        items[i] = cursor_le16(c);
    }
    *out = (struct u16_list){items, (unsigned)count};
    return V_OK;
}
