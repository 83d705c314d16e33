/* One SMB1 message, MS-CIFS 2.2.3: the header, and the chain of its commands. What is particular to a command is in the file of
 * its family; which command has which parser and how many words is in tables/smb1_command.def. */
#include "smb1.h"

#include <string.h>

#include "pdu.h"

struct command {
    smb1_parser *request, *response; /* NULL where the number is no command */
    uint8_t request_words, response_words;
    bool andx;
};

static const struct command commands[256] = {
#define SMB1_COMMAND(number, name, request, request_words, response, response_words, andx, section) \
    [number] = {smb1_##request##_request, smb1_##response##_response, request_words, response_words, andx},
#include "tables/smb1_command.def"
#undef SMB1_COMMAND
};

/* A place in the chain. */
struct place {
    uint8_t command;
    size_t offset; /* of its WordCount, from the header on */
};

/* What stands there before there is a key: zeros from some, from Windows and Samba "BSRSPYL ". */
static bool is_signature(const uint8_t features[8]) {
    static const uint8_t zeros[8], none[8] = {'B', 'S', 'R', 'S', 'P', 'Y', 'L', ' '};
    return memcmp(features, zeros, sizeof zeros) != 0 && memcmp(features, none, sizeof none) != 0;
}

/* 2.2.3.1, MS-SMB 2.2.3.1. All 32 bytes are there. */
static void header_parse(struct cursor *c, struct smb1_header *h) {
    cursor_skip(c, 4);
    h->command = cursor_u8(c);
    h->status = cursor_le32(c);
    h->flags = cursor_u8(c);
    h->flags2 = cursor_le16(c);
    uint32_t high = cursor_le16(c);
    cursor_copy(c, h->security_features, sizeof h->security_features);
    cursor_skip(c, 2);
    h->tree_id = cursor_le16(c);
    h->process_id = high << 16 | cursor_le16(c);
    h->user_id = cursor_le16(c);
    h->message_id = cursor_le16(c);
    h->has_signature = (h->flags2 & SMB_FLAGS2_SMB_SECURITY_SIGNATURE) && is_signature(h->security_features);
    h->nt_status = h->flags2 & SMB_FLAGS2_NT_STATUS;
    if (!h->nt_status) {
        h->error_class = (uint8_t)h->status;
        h->error_code = (uint16_t)(h->status >> 16);
    }
}

/* Windows says 42 in an extended response of NT_CREATE_ANDX, and sends the 50 words of the layout (MS-SMB 2.2.4.9.2). */
static uint8_t words_sent(const struct smb1_block *b, size_t offset, uint8_t word_count) {
    enum { SAID = 42, SENT = 50 };
    bool odd = b->command == SMB1_NT_CREATE_ANDX && (b->header->flags & SMB_FLAGS_REPLY) && word_count == SAID;
    return odd && smb1_reach(b, offset + 1 + 2U * SENT + 2) != V_BAD ? SENT : word_count;
}

/* Finds the two blocks at an offset. V_OK or V_BAD (a ByteCount that lies): the words are there, and of the bytes what is there.
 * Where the words are not all there, b->words.in is empty and word_count is 0. */
static enum verdict block_open(struct smb1_block *b, size_t offset) {
    struct cursor c = cursor_over(b->message);
    cursor_skip(&c, offset);
    uint8_t word_count = cursor_u8(&c);
    word_count = words_sent(b, offset, word_count);
    b->words = cursor_over(cursor_take(&c, 2U * word_count));
    b->bytes = (struct cursor){b->message, b->message.n, false};
    if (!cursor_ok(&c)) {
        return smb1_reach(b, offset + 1 + 2U * word_count);
    }
    b->word_count = word_count;
    uint16_t byte_count = cursor_le16(&c);
    if (!cursor_ok(&c)) {
        b->lack = smb1_reach(b, offset + 1 + 2U * word_count + 2);
        return b->lack;
    }
    b->lack = smb1_reach(b, c.pos + byte_count);
    b->bytes = (struct cursor){view_part(b->message, 0, c.pos + byte_count), c.pos, false};
    return b->lack == V_BAD ? V_BAD : V_OK;
}

/* Are there the words that the body needs? A failed response has none, and the interim response of a transaction neither. */
static bool words_fit(const struct smb1_block *b, const struct command *row, struct smb1_message *m) {
    uint8_t least = m->response ? row->response_words : row->request_words;
    m->is_error = m->response && b->header->status != 0 && (b->word_count == 0 || b->word_count < least);
    if (m->is_error || b->word_count >= least) {
        return true;
    }
    return m->response && b->word_count == 0 &&
           (b->command == SMB1_TRANSACTION || b->command == SMB1_TRANSACTION2 || b->command == SMB1_NT_TRANSACT);
}

static enum verdict body_parse(struct smb1_block *b, struct smb1_message *m) {
    const struct command *row = &commands[b->command];
    smb1_parser *parser = m->response ? row->response : row->request;
    if (!parser) {
        m->empty = true;
        return V_BAD;
    }
    bool fit = words_fit(b, row, m);
    if (m->is_error || !fit) {
        m->empty = true;
        return fit ? b->lack : V_BAD;
    }
    enum verdict v = parser(b, m);
    return b->data_may_be_cut ? v : smb1_worse(v, b->lack);
}

/* Does the next block begin inside the Bytes of this one? Those that are file data may stand behind it (2.2.4.43.1). */
static bool overlaps(const struct smb1_block *b, size_t next) {
    bool data = b->command == SMB1_WRITE_ANDX || b->command == SMB1_READ_ANDX;
    return !data && cursor_left(&b->bytes) > 0 && next < b->bytes.in.n;
}

/* Where the chain goes from here, 2.2.3.4: forward, behind the ByteCount of this block, and inside the message. One that overlaps is
 * wrong, and followed. */
static enum verdict follow(struct smb1_block *b, size_t bytes_at, struct smb1_message *m, struct place *next) {
    uint8_t command = cursor_u8(&b->words);
    cursor_skip(&b->words, 1);
    uint16_t offset = cursor_le16(&b->words);
    if (command == SMB1_NO_ANDX_COMMAND) {
        return V_OK;
    }
    m->andx_command = command;
    m->chain_cut = true;
    if (offset < bytes_at) {
        return V_BAD;
    }
    enum verdict v = smb1_reach(b, (uint64_t)offset + 1);
    if (v == V_OK && m->chain_index + 1 == SMB1_CHAIN_MAX) {
        return V_LIMIT;
    }
    if (v == V_OK) {
        m->chain_cut = false;
        m->chain_last = false;
        *next = (struct place){command, offset};
    }
    return v == V_OK && overlaps(b, offset) ? V_BAD : v;
}

/* One command of the chain, and where the next is, unless m->chain_last. */
static enum verdict block_parse(struct smb1_block *b, struct place *place, struct smb1_message *m) {
    size_t offset = place->offset;
    enum verdict v = block_open(b, offset);
    m->words = b->words.in;
    m->bytes = view_from(b->bytes.in, b->bytes.pos);
    if (b->word_count == 0 && v != V_OK && b->bytes.pos == b->message.n && m->bytes.n == 0) {
        m->empty = true;
        return v;
    }
    if (commands[b->command].andx && b->word_count >= 2) {
        v = smb1_worse(v, follow(b, offset + 1 + 2U * b->word_count + 2, m, place));
    }
    return smb1_worse(v, body_parse(b, m));
}

/* The server may send one request, LOCKING_ANDX (2.2.4.32.1); else the flag tells the direction. */
static enum verdict direction_check(const struct dissection *d, struct smb1_message *m) {
    if (m->response == (d->dir == TO_CLIENT)) {
        return V_OK;
    }
    m->unasked = !m->response && m->command == SMB1_LOCKING_ANDX;
    return m->unasked ? V_OK : V_BAD;
}

static enum verdict chain(struct dissection *d, struct view message, const struct smb1_header *h) {
    struct place place = {h->command, SMB1_HEADER_SIZE};
    enum verdict worst = V_OK;
    struct pdu pdu;
    unsigned index = 0;
    do {
        memset(&pdu, 0, sizeof pdu);
        pdu.kind = PDU_SMB1;
        struct smb1_message *m = &pdu.smb1;
        m->header = *h;
        m->command = place.command;
        m->andx_command = SMB1_NO_ANDX_COMMAND;
        m->chain_index = index++;
        m->chain_last = true;
        m->response = h->flags & SMB_FLAGS_REPLY;
        struct smb1_block b = {.d = d, .header = h, .command = place.command, .message = message};
        pdu.verdict = direction_check(d, m);
        pdu.verdict = smb1_worse(pdu.verdict, block_parse(&b, &place, m));
        worst = smb1_worse(worst, pdu.verdict);
        d->deliver(d->arg, &pdu);
    } while (!pdu.smb1.chain_last);
    return worst;
}

static enum verdict dissect(struct dissection *d, struct view message) {
    static const uint8_t protocol_id[4] = {0xFF, 'S', 'M', 'B'};
    struct view id = view_part(message, 0, sizeof protocol_id);
    if (id.n > 0 && memcmp(id.p, protocol_id, id.n) != 0) {
        return V_NOT_MINE;
    }
    if (message.n < SMB1_HEADER_SIZE) {
        return V_SHORT;
    }
    struct smb1_header header = {0};
    struct cursor c = cursor_over(message);
    header_parse(&c, &header);
    return chain(d, message, &header);
}

const struct dissector dissector_smb1 = {"smb1", dissect};

enum verdict smb1_reach(const struct smb1_block *b, uint64_t end) {
    if (end <= b->message.n) {
        return V_OK;
    }
    return end <= b->d->wire_length ? V_SHORT : V_BAD;
}

/* No body: many responses, and requests that the header says all of. */
enum verdict smb1_nothing_request(struct smb1_block *b, struct smb1_message *m) {
    (void)b, (void)m;
    return V_OK;
}

enum verdict smb1_nothing_response(struct smb1_block *b, struct smb1_message *m) {
    (void)b, (void)m;
    return V_OK;
}

/* No such message is defined: the raw words and bytes are all there is. */
enum verdict smb1_other_request(struct smb1_block *b, struct smb1_message *m) {
    (void)b;
    m->empty = true;
    return V_OK;
}

enum verdict smb1_other_response(struct smb1_block *b, struct smb1_message *m) {
    return smb1_other_request(b, m);
}
