/* SMB1 messages whose data need not be looked at: one command alone that reads or writes, MS-CIFS 2.2.4 and MS-SMB 2.2.4. */
#include "extent_smb1.h"

#include "cursor.h"
#include "pdu_smb1.h"

enum {
    FLAGS_AT = 9, /* MS-CIFS 2.2.3.1, from the protocol id on */
    COMMAND_AT = 4,
    WORD_COUNT_AT = SMB1_HEADER_SIZE,
    WORDS_AT = SMB1_HEADER_SIZE + 1,
    COUNTED_HEAD = 3, /* BufferFormat and a length, 2.2.2.5 */
    PAD = 1,          /* before the data of WRITE_AND_CLOSE */
};

/* Where among the words the data is told; 0 where it is not. */
struct carrier {
    uint8_t command;
    bool response, andx;
    bool counted;  /* the data stands behind a format and a length at the front of Bytes */
    uint8_t words; /* at least */
    uint8_t length_at, length_high_at, offset_at;
};

static const struct carrier carriers[] = {
    {SMB1_WRITE_ANDX, false, true, false, 12, 20, 18, 22},   /* 2.2.4.43.1 */
    {SMB1_READ_ANDX, true, true, false, 12, 10, 14, 12},     /* 2.2.4.42.2 */
    {SMB1_WRITE, false, false, true, 5, 0, 0, 0},            /* 2.2.4.12.1 */
    {SMB1_READ, true, false, true, 5, 0, 0, 0},              /* 2.2.4.11.2 */
    {SMB1_LOCK_AND_READ, true, false, true, 5, 0, 0, 0},     /* 2.2.4.20.2 */
    {SMB1_WRITE_AND_UNLOCK, false, false, true, 5, 0, 0, 0}, /* 2.2.4.21.1 */
    {SMB1_WRITE_AND_CLOSE, false, false, false, 6, 2, 0, 0}, /* 2.2.4.40.1 */
    {SMB1_WRITE_RAW, false, false, false, 12, 20, 0, 22},    /* 2.2.4.25.1 */
    {SMB1_WRITE_MPX, false, false, false, 12, 20, 0, 22},    /* 2.2.4.26.1 */
    {SMB1_READ_MPX, true, false, false, 8, 12, 0, 14},       /* 2.2.4.23.2 */
    {SMB1_WRITE_PRINT_FILE, false, false, true, 1, 0, 0, 0}, /* 2.2.4.68.1 */
};

static uint8_t byte_at(struct view v, size_t at) {
    struct cursor c = cursor_over(view_from(v, at));
    return cursor_u8(&c);
}

static uint32_t word_at(struct view v, size_t at) {
    struct cursor c = cursor_over(view_from(v, at));
    return cursor_le16(&c);
}

static const struct carrier *carrier_of(struct view have) {
    uint8_t command = byte_at(have, COMMAND_AT);
    bool response = byte_at(have, FLAGS_AT) & SMB_FLAGS_REPLY;
    for (size_t i = 0; i < sizeof carriers / sizeof *carriers; i++) {
        if (carriers[i].command == command && carriers[i].response == response) {
            return byte_at(have, WORD_COUNT_AT) >= carriers[i].words ? &carriers[i] : NULL;
        }
    }
    return NULL;
}

/* Offset and length as the message tells them; bytes_at is where Bytes begin. */
static void told(struct view have, const struct carrier *row, uint32_t bytes_at, uint32_t *offset, uint32_t *length) {
    if (row->counted) {
        *offset = bytes_at + COUNTED_HEAD;
        *length = word_at(have, bytes_at + 1);
        return;
    }
    *offset = row->offset_at ? word_at(have, WORDS_AT + row->offset_at) : bytes_at + PAD;
    *length = word_at(have, WORDS_AT + row->length_at);
    if (row->length_high_at) {
        *length |= word_at(have, WORDS_AT + row->length_high_at) << 16;
    }
}

enum extent_answer extent_of_smb1(struct view have, uint32_t left, uint32_t *need, struct extent *e) {
    *e = (struct extent){MESSAGE_SMB1, left, 0, left, true, false, false};
    if (left < WORDS_AT) {
        return EXTENT_KNOWN;
    }
    if (have.n < WORDS_AT) {
        *need = WORDS_AT;
        return EXTENT_MORE;
    }
    const struct carrier *row = carrier_of(have);
    uint32_t bytes_at = WORDS_AT + 2U * byte_at(have, WORD_COUNT_AT) + 2;
    uint32_t head = bytes_at + (row && row->counted ? COUNTED_HEAD : 0);
    if (!row || left < head) {
        return EXTENT_KNOWN;
    }
    if (have.n < head) {
        *need = head;
        return EXTENT_MORE;
    }
    if (row->andx && byte_at(have, WORDS_AT) != SMB1_NO_ANDX_COMMAND) {
        return EXTENT_KNOWN; /* another command stands before or behind the data */
    }
    uint32_t offset, length;
    told(have, row, bytes_at, &offset, &length);
    if (length == 0) {
        return EXTENT_KNOWN;
    }
    e->payload_lies = offset < head || offset > left || length > left - offset;
    e->whole = offset < head || offset > left ? head : offset;
    e->payload = length < left - e->whole ? length : left - e->whole;
    return EXTENT_KNOWN;
}
