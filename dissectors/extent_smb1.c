/* SMB1 messages whose data need not be looked at: those with one command that reads or writes and its data at the end, MS-CIFS 2.2.4 and
 * MS-SMB 2.2.4. */
#include "extent_smb1.h"

#include "cursor.h"
#include "pdu_smb1.h"

enum {
    FLAGS_AT = 9, /* MS-CIFS 2.2.3.1, from the protocol id on */
    COMMAND_AT = 4,
    WORD_COUNT_AT = SMB1_HEADER_SIZE,
    COUNTED_HEAD = 3, /* BufferFormat and a length, 2.2.2.5 */
    PAD = 1,          /* before the data of WRITE_AND_CLOSE */
};

/* Where among the words the data is told; 0 where it is not. */
struct carrier {
    uint8_t command;
    bool response;
    bool counted;  /* the data stands behind a format and a length at the front of Bytes */
    uint8_t words; /* at least */
    uint8_t length_at, length_high_at, offset_at;
};

static const struct carrier carriers[] = {
    {SMB1_WRITE_ANDX, false, false, 12, 20, 18, 22},  /* 2.2.4.43.1 */
    {SMB1_READ_ANDX, true, false, 12, 10, 14, 12},    /* 2.2.4.42.2 */
    {SMB1_WRITE, false, true, 5, 0, 0, 0},            /* 2.2.4.12.1 */
    {SMB1_READ, true, true, 5, 0, 0, 0},              /* 2.2.4.11.2 */
    {SMB1_LOCK_AND_READ, true, true, 5, 0, 0, 0},     /* 2.2.4.20.2 */
    {SMB1_WRITE_AND_UNLOCK, false, true, 5, 0, 0, 0}, /* 2.2.4.21.1 */
    {SMB1_WRITE_AND_CLOSE, false, false, 6, 2, 0, 0}, /* 2.2.4.40.1 */
    {SMB1_WRITE_RAW, false, false, 12, 20, 0, 22},    /* 2.2.4.25.1 */
    {SMB1_WRITE_MPX, false, false, 12, 20, 0, 22},    /* 2.2.4.26.1 */
    {SMB1_READ_MPX, true, false, 8, 12, 0, 14},       /* 2.2.4.23.2 */
    {SMB1_WRITE_PRINT_FILE, false, true, 1, 0, 0, 0}, /* 2.2.4.68.1 */
};

static uint8_t byte_at(struct view v, size_t at) {
    struct cursor c = cursor_over(view_from(v, at));
    return cursor_u8(&c);
}

static uint32_t word_at(struct view v, size_t at) {
    struct cursor c = cursor_over(view_from(v, at));
    return cursor_le16(&c);
}

static const bool has_andx[256] = {
#define SMB1_COMMAND(number, name, request, request_words, response, response_words, andx, section) \
    [number] = (andx) != 0,
#include "tables/smb1_command.def"
#undef SMB1_COMMAND
};

/* One command of a message: where its WordCount is, and where its Bytes begin. */
struct place {
    uint8_t command;
    uint32_t at, bytes_at;
};

static uint32_t words_at(const struct place *p) {
    return p->at + 1;
}

static const struct carrier *carrier_of(struct view have, const struct place *p) {
    bool response = byte_at(have, FLAGS_AT) & SMB_FLAGS_REPLY;
    for (size_t i = 0; i < sizeof carriers / sizeof *carriers; i++) {
        if (carriers[i].command == p->command && carriers[i].response == response) {
            return byte_at(have, p->at) >= carriers[i].words ? &carriers[i] : NULL;
        }
    }
    return NULL;
}

/* Offset and length as the message tells them. */
static void told(struct view have, const struct carrier *row, const struct place *p, uint32_t *offset,
                 uint32_t *length) {
    if (row->counted) {
        *offset = p->bytes_at + COUNTED_HEAD;
        *length = word_at(have, p->bytes_at + 1);
        return;
    }
    *offset = row->offset_at ? word_at(have, words_at(p) + row->offset_at) : p->bytes_at + PAD;
    *length = word_at(have, words_at(p) + row->length_at);
    if (row->length_high_at) {
        *length |= word_at(have, words_at(p) + row->length_high_at) << 16;
    }
}

/* What was found along a chain (MS-CIFS 2.2.3.4). */
struct chain {
    unsigned commands;
    const struct carrier *row; /* NULL: none of them carries data */
    struct place carrier;
    uint32_t head;  /* where their heads end: of a command with data its words, of others their Bytes */
    uint32_t need;  /* 0, or how much must be there to go on */
    bool all_whole; /* all of the message is to be looked at */
};

/* The head of one command; false where the walk ends, with all_whole or need set. */
static bool take_head(struct chain *c, struct view have, uint32_t left, struct place *p) {
    c->need = have.n < words_at(p) ? words_at(p) : 0;
    const struct carrier *row = c->need == 0 ? carrier_of(have, p) : NULL;
    p->bytes_at = words_at(p) + 2U * byte_at(have, p->at) + 2;
    uint32_t end = p->bytes_at + (row && row->counted ? COUNTED_HEAD : 0);
    bool plain = !row && !has_andx[p->command] && c->commands == 0;
    c->all_whole = words_at(p) > left || (c->need == 0 && (end > left || plain || (row && c->row)));
    if (c->all_whole || c->need != 0) {
        return false;
    }
    c->need = have.n < end ? end : 0;
    if (c->need != 0) {
        return false;
    }
    c->commands++;
    if (row) {
        c->row = row;
        c->carrier = *p;
    } else {
        end += word_at(have, p->bytes_at - 2);
    }
    c->head = end > c->head ? end : c->head;
    return true;
}

/* Follows the chain as far as what is there goes. Nothing is looked at behind data: what is there is not passed over then. */
static struct chain chain_of(struct view have, uint32_t left) {
    struct chain c = {0};
    struct place p = {byte_at(have, COMMAND_AT), WORD_COUNT_AT, 0};
    uint32_t offset, length;
    for (unsigned i = 0; i < EXTENT_CHAIN_MAX && take_head(&c, have, left, &p); i++) {
        bool goes_on = has_andx[p.command] && byte_at(have, p.at) >= 2;
        uint8_t next = goes_on ? byte_at(have, words_at(&p)) : SMB1_NO_ANDX_COMMAND;
        if (next == SMB1_NO_ANDX_COMMAND) {
            return c;
        }
        uint32_t at = word_at(have, words_at(&p) + 2);
        if (at < p.bytes_at) {
            break; /* it goes back */
        }
        if (c.row) {
            told(have, c.row, &c.carrier, &offset, &length);
            c.all_whole = at >= offset;
        }
        if (c.all_whole) {
            return c;
        }
        p = (struct place){next, at, 0};
    }
    c.all_whole = c.all_whole || c.need == 0;
    return c;
}

enum extent_answer extent_of_smb1(struct view have, uint32_t left, uint32_t *need, struct extent *e) {
    *e = (struct extent){MESSAGE_SMB1, left, 0, left, true, false, false};
    struct chain c = chain_of(have, left);
    if (c.need != 0 && !c.all_whole) {
        *need = c.need;
        return EXTENT_MORE;
    }
    if (c.all_whole || !c.row || c.head > left) { /* Bytes of one may say that they reach outside */
        return EXTENT_KNOWN;
    }
    uint32_t offset, length;
    told(have, c.row, &c.carrier, &offset, &length);
    if (length == 0 || (c.commands > 1 && offset < c.head)) {
        return EXTENT_KNOWN;
    }
    e->payload_lies = offset < c.head || offset > left || length > left - offset;
    e->whole = offset < c.head || offset > left ? c.head : offset;
    e->payload = length < left - e->whole ? length : left - e->whole;
    return EXTENT_KNOWN;
}
