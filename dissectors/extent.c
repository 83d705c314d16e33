#include "extent.h"

#include "cursor.h"
#include "extent_smb1.h"
#include "pdu_smb1.h"
#include "pdu_smb2.h"

enum {
    PROTOCOL_ID_SIZE = 4,
    COMMAND_AT = 12, /* MS-SMB2 2.2.1, from the protocol id on; two fields behind it are Flags and NextCommand */
    NEXT_COMMAND_AT = 20,
    BODY_AT = SMB2_HEADER_SIZE,
    DATA_FIELDS_END = 72, /* DataOffset and length: up to here in both 2.2.20 and 2.2.21 */
    READ_RESPONSE_SIZE = 17,
    READ_RESPONSE_FIXED = 80, /* header and fixed part */
    WRITE_REQUEST_SIZE = 49,
    WRITE_REQUEST_FIXED = 112,
    TRANSFORM_SIZE = 52,   /* MS-SMB2 2.2.41 */
    COMPRESSION_SIZE = 16, /* MS-SMB2 2.2.42.1, and 2.2.42.2 with its first payload header */
    COMPRESSION_CHAINED = 0x0001,
    COMPRESSION_NONE = 0x0000,
};

static const uint32_t least[MESSAGE_KINDS] = {
    [MESSAGE_SMB1] = SMB1_HEADER_SIZE,
    [MESSAGE_SMB2] = SMB2_HEADER_SIZE,
    [MESSAGE_TRANSFORM] = TRANSFORM_SIZE,
    [MESSAGE_COMPRESSED] = COMPRESSION_SIZE,
};

uint32_t extent_least(enum message_kind kind) {
    return least[kind];
}

static inline enum message_kind kind_of(struct view have) {
    if (have.n < PROTOCOL_ID_SIZE) {
        return MESSAGE_KINDS;
    }
    struct cursor c = cursor_fixed(have, PROTOCOL_ID_SIZE);
    switch (cursor_be32(&c)) {
    case 0xFF534D42:
        return MESSAGE_SMB1;
    case 0xFE534D42:
        return MESSAGE_SMB2;
    case 0xFD534D42:
        return MESSAGE_TRANSFORM;
    case 0xFC534D42:
        return MESSAGE_COMPRESSED;
    default:
        return MESSAGE_KINDS;
    }
}

enum message_kind extent_kind(struct view have) {
    return kind_of(have);
}

static uint32_t smaller(uint32_t a, uint32_t b) {
    return a < b ? a : b;
}

static struct cursor from(struct view v, size_t off) {
    return cursor_over(view_from(v, off));
}

/* MS-SMB2 2.2.1: NextCommand is on the grid, behind this header, and leaves room for another. */
static void chain(uint32_t next, uint32_t left, struct extent *e) {
    e->last = true;
    e->length = left;
    if (next == 0) {
        return;
    }
    if (next % 8 != 0 || next < SMB2_HEADER_SIZE || left < SMB2_HEADER_SIZE || next > left - SMB2_HEADER_SIZE) {
        e->chain_lies = true;
        return;
    }
    e->last = false;
    e->length = next;
}

/* The fixed part of a message that carries data, or 0. An error response to READ has another StructureSize (2.2.2), and so the
 * size decides together with command and direction. */
static uint32_t data_head(uint16_t command, bool response, struct view have) {
    if (response ? command != SMB2_READ : command != SMB2_WRITE) {
        return 0;
    }
    struct cursor body = from(have, BODY_AT);
    uint16_t size = cursor_le16(&body);
    if (cursor_ok(&body) && size != (response ? READ_RESPONSE_SIZE : WRITE_REQUEST_SIZE)) {
        return 0;
    }
    return response ? READ_RESPONSE_FIXED : WRITE_REQUEST_FIXED;
}

/* What is payload of a message with fixed bytes before it, MS-SMB2 2.2.20 and 2.2.21. */
static void data(struct view have, uint32_t fixed, struct extent *e) {
    struct cursor c = from(have, BODY_AT + 2);
    uint32_t offset = fixed == READ_RESPONSE_FIXED ? cursor_u8(&c) : cursor_le16(&c);
    c = from(have, BODY_AT + 4);
    uint32_t length = cursor_le32(&c);
    e->whole = fixed;
    if (length != 0 && offset >= fixed && offset <= e->length) {
        e->whole = offset;
    } else if (length != 0) {
        e->payload_lies = true;
    }
    e->payload = smaller(length, e->length - e->whole);
    if (e->payload < length) {
        e->payload_lies = true;
    }
}

static inline enum extent_answer of_smb2(struct view have, uint32_t left, uint32_t *need, struct extent *e) {
    if (have.n < SMB2_HEADER_SIZE) { /* of which there is room for all in what is left */
        *need = SMB2_HEADER_SIZE;
        return EXTENT_MORE;
    }
    struct cursor c = cursor_fixed(have, SMB2_HEADER_SIZE);
    cursor_skip(&c, COMMAND_AT);
    uint16_t command = cursor_le16(&c);
    cursor_skip(&c, 2);
    bool response = cursor_le32(&c) & SMB2_FLAGS_SERVER_TO_REDIR;
    uint32_t next = cursor_le32(&c), fixed = data_head(command, response, have);
    e->kind = MESSAGE_SMB2;
    e->payload = 0;
    e->chain_lies = e->payload_lies = false;
    chain(next, left, e);
    e->whole = e->length;
    if (fixed == 0 || e->length < fixed) {
        return EXTENT_KNOWN;
    }
    if (have.n < DATA_FIELDS_END) {
        *need = DATA_FIELDS_END;
        return EXTENT_MORE;
    }
    data(have, fixed, e);
    return EXTENT_KNOWN;
}

/* MS-SMB2 2.2.42: what stands in the clear behind the header: Offset bytes, or the first payload of a chain where its algorithm is
 * none. With it the command and the ids of what is inside are known. */
static enum extent_answer of_compressed(struct view have, uint32_t left, uint32_t *need, struct extent *e) {
    if (have.n < COMPRESSION_SIZE) {
        *need = COMPRESSION_SIZE;
        return EXTENT_MORE;
    }
    struct cursor c = from(have, 8);
    uint16_t algorithm = cursor_le16(&c);
    bool chained = cursor_le16(&c) & COMPRESSION_CHAINED;
    uint32_t clear = cursor_le32(&c);
    struct extent found = {.kind = MESSAGE_COMPRESSED, .length = left, .last = true};
    found.payload_lies = clear > left - COMPRESSION_SIZE;
    if (chained && algorithm != COMPRESSION_NONE) {
        clear = 0;
    }
    found.whole = COMPRESSION_SIZE + smaller(smaller(clear, EXTENT_CLEAR_MAX), left - COMPRESSION_SIZE);
    found.payload = left - found.whole;
    *e = found;
    return EXTENT_KNOWN;
}

static enum extent_answer of_smb1(struct view have, uint32_t left, uint32_t *need, struct extent *e) {
    struct extent found;
    enum extent_answer answer = extent_of_smb1(have, left, need, &found);
    if (answer == EXTENT_KNOWN) {
        *e = found;
    }
    return answer;
}

/* Apart, so that SMB2 is short. */
__attribute__((noinline)) static enum extent_answer of_others(enum message_kind kind, struct view have, uint32_t left,
                                                              uint32_t *need, struct extent *e) {
    switch (kind) {
    case MESSAGE_COMPRESSED:
        return of_compressed(have, left, need, e);
    case MESSAGE_TRANSFORM:
        *e = (struct extent){kind, TRANSFORM_SIZE, left - TRANSFORM_SIZE, left, true, false, false};
        return EXTENT_KNOWN;
    default:
        return of_smb1(have, left, need, e);
    }
}

enum extent_answer extent_of(struct view have, uint32_t left, uint32_t *need, struct extent *e) {
    if (left < PROTOCOL_ID_SIZE) {
        return EXTENT_TINY;
    }
    if (have.n < PROTOCOL_ID_SIZE) {
        *need = PROTOCOL_ID_SIZE;
        return EXTENT_MORE;
    }
    enum message_kind kind = kind_of(have);
    if (kind == MESSAGE_KINDS) {
        return EXTENT_ALIEN;
    }
    if (left < least[kind]) {
        return EXTENT_TINY;
    }
    have = view_part(have, 0, left);
    return kind == MESSAGE_SMB2 ? of_smb2(have, left, need, e) : of_others(kind, have, left, need, e);
}

bool extent_of_cut(struct view have, uint32_t left, struct extent *e) {
    enum message_kind kind = extent_kind(have);
    if (kind == MESSAGE_KINDS || left < least[kind]) {
        return false;
    }
    struct extent found = {kind, left, 0, left, true, false, false};
    if (kind == MESSAGE_SMB2) {
        struct cursor c = from(have, NEXT_COMMAND_AT);
        chain(cursor_le32(&c), left, &found); /* 0 where it is not there */
        found.whole = found.length;
    }
    *e = found;
    return true;
}
