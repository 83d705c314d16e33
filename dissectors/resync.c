#include "resync.h"

#include <string.h>

#include "cursor.h"
#include "extent.h"
#include "pdu_smb1.h"
#include "pdu_smb2.h"

enum {
    FRAME_HEADER = 4,
    SMB2_CHECKED = 72, /* bytes of a message that are looked at: header, StructureSize, data offset and length */
    TRANSFORM_ENCRYPTED = 0x0001, /* MS-SMB2 2.2.41: Flags, and EncryptionAlgorithm before 3.1.1 */
    ALGORITHM_MAX = 5,            /* MS-SMB2 2.2.3.1.3 */
    PRIORITY_MASK = 0x00000070,   /* MS-SMB2 2.2.1.1 */
    PADDING_MAX = 8,              /* to the grid of a chain, or a byte for an empty buffer */
    UNBROKEN_MAX =
        8 * 1024 * 1024 + 64 * 1024, /* of a message that carries no payload: MaxTransactSize, MS-SMB2 3.3.5.4 */
    KEEP_ALIVE = 0x85,               /* RFC 1002 4.3.6 */
    ERROR_SIZE = 9,                  /* MS-SMB2 2.2.2 */
};

static const uint32_t known_flags = SMB2_FLAGS_SERVER_TO_REDIR | SMB2_FLAGS_ASYNC_COMMAND |
                                    SMB2_FLAGS_RELATED_OPERATIONS | SMB2_FLAGS_SIGNED | SMB2_FLAGS_DFS_OPERATIONS |
                                    SMB2_FLAGS_REPLAY_OPERATION | PRIORITY_MASK;

struct sizes {
    uint16_t request, response;
};

static const struct sizes sizes[SMB2_COMMANDS] = {
#define SMB2_COMMAND(prefix, NAME, number, request_size, response_size, section) \
    [number] = {request_size, response_size},
#include "tables/smb2_command.def"
#undef SMB2_COMMAND
};

/* What is known of a candidate. */
struct head {
    uint32_t frame; /* bytes, the NetBIOS header included */
    struct message_ids ids;
    bool payload; /* READ or WRITE data, or what is encrypted */
};

static bool size_fits(uint16_t size, uint16_t command, bool response, uint32_t status) {
    uint16_t expected = response ? sizes[command].response : sizes[command].request;
    if (size == expected || expected == 0 || (response && size == ERROR_SIZE && status != 0)) {
        return true;
    }
    return command == SMB2_OPLOCK_BREAK && (size == 36 || (response && size == 44)); /* leases, 2.2.23.2 to 2.2.25.2 */
}

/* An even StructureSize is all there is of a body, save that of NEGOTIATE and LOCK requests. */
static bool length_fits(const struct extent *e, uint16_t size, uint16_t command, bool response) {
    uint32_t fixed = SMB2_HEADER_SIZE + (size & ~1U);
    if (e->length < fixed || e->length - e->whole - e->payload > PADDING_MAX || e->whole > UNBROKEN_MAX) {
        return false;
    }
    bool open = size % 2 != 0 || (!response && (command == SMB2_NEGOTIATE || command == SMB2_LOCK)) ||
                command == SMB2_SERVER_TO_CLIENT_NOTIFICATION;
    return open || e->length - fixed <= PADDING_MAX;
}

/* MS-SMB2 2.2.1, of a message of length bytes. */
static bool smb2_fits(struct view v, uint32_t length, enum direction dir, struct head *h) {
    struct cursor c = cursor_over(view_from(v, 4));
    uint16_t header_size = cursor_le16(&c);
    cursor_skip(&c, 2);
    uint32_t status = cursor_le32(&c);
    uint16_t command = cursor_le16(&c);
    cursor_skip(&c, 2);
    uint32_t flags = cursor_le32(&c);
    cursor_skip(&c, 44);
    uint16_t body_size = cursor_le16(&c);
    bool response = flags & SMB2_FLAGS_SERVER_TO_REDIR;
    if (!cursor_ok(&c) || header_size != SMB2_HEADER_SIZE || command >= SMB2_COMMANDS || (flags & ~known_flags) != 0 ||
        response != (dir == TO_CLIENT) || (!response && status >> 16 != 0)) { /* ChannelSequence has 16 bits */
        return false;
    }
    struct extent e;
    uint32_t need;
    if (!size_fits(body_size, command, response, status) || extent_of(v, length, &need, &e) != EXTENT_KNOWN ||
        e.chain_lies || e.payload_lies) {
        return false;
    }
    h->payload = e.payload != 0;
    return length_fits(&e, body_size, command, response);
}

/* MS-SMB2 2.2.41 */
static bool transform_fits(struct view v, uint32_t length, struct head *h) {
    struct cursor c = cursor_over(view_from(v, 36));
    uint32_t original = cursor_le32(&c);
    cursor_skip(&c, 2);
    uint16_t flags = cursor_le16(&c);
    h->payload = true;
    return cursor_ok(&c) && flags == TRANSFORM_ENCRYPTED && original == length - extent_least(MESSAGE_TRANSFORM);
}

/* MS-SMB2 2.2.42 */
static bool compression_fits(struct view v, uint32_t length) {
    struct cursor c = cursor_over(view_from(v, 4));
    uint32_t original = cursor_le32(&c);
    uint16_t algorithm = cursor_le16(&c);
    uint16_t flags = cursor_le16(&c);
    uint32_t offset = cursor_le32(&c);
    return cursor_ok(&c) && original <= 0xFFFFFF && algorithm <= ALGORITHM_MAX && flags <= 1 &&
           offset <= length - extent_least(MESSAGE_COMPRESSED);
}

/* The fewest words that the forms of a command have; an error has none. Above 255: there is no such command. */
static unsigned words_of(uint8_t command, bool reply) {
    switch (command) {
#define SMB1_COMMAND(number, NAME, request, request_words, response, response_words, andx, section) \
    case number:                                                                                    \
        return reply ? 0 : request_words;
#include "tables/smb1_command.def"
#undef SMB1_COMMAND
    default:
        return UINT8_MAX + 1;
    }
}

/* MS-CIFS 2.2.3.1: an NT status, or one of the classes of 2.2.2.4, and no byte between it and the code. */
static bool smb1_status_fits(uint32_t status, uint16_t flags2) {
    enum { NT_STATUS = 0x4000, ERRHRD = 3, ERRCMD = 0xFF };
    uint8_t class = (uint8_t)status;
    return (flags2 & NT_STATUS) || ((class <= ERRHRD || class == ERRCMD) && (status >> 8 & 0xFF) == 0);
}

/* The "go on" of WRITE_RAW (MS-CIFS 2.2.4.25.2), which comes from Samba as if it were a request: one word, and nothing else. */
static bool is_go_on(struct view v, uint32_t length) {
    enum { WORDS_AT = 32, WHOLE = 37 };
    return v.n >= WHOLE && length == WHOLE && v.p[4] == SMB1_WRITE_RAW && v.p[WORDS_AT] == 1;
}

/* MS-CIFS 2.2.3: the direction is in Flags, and the words and bytes fit, as far as they are there. */
static bool smb1_fits(struct view v, uint32_t length, enum direction dir, struct head *h) {
    enum { LEAST = 35 }; /* the header, WordCount and ByteCount */
    struct cursor c = cursor_over(view_from(v, 4));
    uint8_t command = cursor_u8(&c);
    uint32_t status = cursor_le32(&c);
    bool reply = (cursor_u8(&c) & SMB_FLAGS_REPLY) || (dir == TO_CLIENT && is_go_on(v, length));
    uint16_t flags2 = cursor_le16(&c);
    cursor_skip(&c, 2 + 8); /* PIDHigh, SecurityFeatures */
    uint16_t reserved = cursor_le16(&c);
    cursor_skip(&c, 8);
    uint32_t words = cursor_u8(&c);
    h->payload = command == SMB1_WRITE_ANDX || command == SMB1_READ_ANDX;
    if (!cursor_ok(&c) || (reply != (dir == TO_CLIENT) && !h->ids.unasked) || reserved != 0 ||
        !smb1_status_fits(status, flags2) || LEAST + 2 * words > length || words < words_of(command, reply)) {
        return false;
    }
    cursor_skip(&c, 2 * words);
    uint32_t bytes = cursor_le16(&c);
    return !cursor_ok(&c) || LEAST + 2 * words + bytes <= length;
}

static uint32_t checked_bytes(enum message_kind kind) {
    switch (kind) {
    case MESSAGE_SMB2:
        return SMB2_CHECKED;
    case MESSAGE_SMB1:
        return 33;
    default:
        return extent_least(kind);
    }
}

/* The front of v may be that of a frame: as far as its bytes go. */
static bool prefix_fits(struct view v) {
    static const uint8_t magic[3] = {'S', 'M', 'B'};
    if (v.n > 0 && v.p[0] != 0) {
        return false;
    }
    if (v.n > FRAME_HEADER && v.p[FRAME_HEADER] < 0xFC) {
        return false;
    }
    return v.n <= 5 || memcmp(v.p + 5, magic, v.n < 8 ? v.n - 5 : 3) == 0;
}

static enum resync_answer head_of(struct view v, enum direction dir, struct head *h) {
    if (!prefix_fits(v)) {
        return RESYNC_NOTHING;
    }
    struct cursor c = cursor_over(v);
    cursor_skip(&c, 1);
    uint32_t length = cursor_be24(&c);
    struct view message = cursor_rest(&c);
    if (message.n < 4) {
        return RESYNC_WAIT;
    }
    enum message_kind kind = extent_kind(message);
    if (kind == MESSAGE_KINDS || length < extent_least(kind)) {
        return RESYNC_NOTHING;
    }
    message = view_part(message, 0, length);
    uint32_t checked = checked_bytes(kind);
    if (message.n < checked && message.n < length) {
        return RESYNC_WAIT;
    }
    h->frame = FRAME_HEADER + length;
    bool fits = message_ids_of(&h->ids, dir, kind, message);
    fits = fits && (kind == MESSAGE_SMB2        ? smb2_fits(message, length, dir, h)
                    : kind == MESSAGE_TRANSFORM ? transform_fits(message, length, h)
                    : kind == MESSAGE_SMB1      ? smb1_fits(message, length, dir, h)
                                                : compression_fits(message, length));
    return fits ? RESYNC_PROVEN : RESYNC_NOTHING;
}

enum resync_answer resync_head(struct view v, enum direction dir) {
    struct head h = {0};
    return head_of(v, dir, &h);
}

static bool keep_alive(struct view v) {
    static const uint8_t whole[4] = {KEEP_ALIVE, 0, 0, 0};
    return v.n != 0 && memcmp(v.p, whole, v.n < sizeof whole ? v.n : sizeof whole) == 0;
}

bool resync_follows(struct view rest) {
    return keep_alive(rest) || prefix_fits(rest);
}

static bool at_segment_start(const struct resync_source *s, uint32_t pos) {
    for (unsigned i = 0; i < s->mark_count && s->marks[i].offset <= pos; i++) {
        if (s->marks[i].offset == pos) {
            return s->marks[i].segment_start;
        }
    }
    return false;
}

/* A candidate, and what speaks for it. */
struct candidate {
    struct head head;
    enum fit fit;
    bool doubtful;
    bool aligned; /* it begins where the sender began, or may have begun */
};

/* A candidate whose end is not there. Large ones without payload are rare, and so they have to know more. */
static enum resync_answer open_end(const struct resync_source *s, const struct candidate *c, const struct head *h) {
    if (!s->forced && h->frame <= RESYNC_WINDOW) {
        return RESYNC_WAIT;
    }
    bool likely = c->aligned || h->payload || h->frame <= RESYNC_WINDOW;
    return c->fit == FIT_FRIEND || (c->fit == FIT_NEUTRAL && likely) ? RESYNC_TRIAL : RESYNC_NOTHING;
}

/* How many messages must follow. Strangers are believed only where they begin and end as segments do. */
static unsigned followers_wanted(const struct candidate *c) {
    if (c->fit == FIT_STRANGER) {
        return RESYNC_FOLLOWERS_MAX + 1;
    }
    return c->fit == FIT_FRIEND || c->aligned ? 1 : RESYNC_FOLLOWERS;
}

/* The same MessageId again is no other message but a copy; unless it may come twice (MS-SMB2 3.3.4.2), or names another's. */
static bool is_copy(const struct head *h, const struct head *next) {
    bool twice = h->ids.interim || h->ids.unasked || next->ids.async || next->ids.command == SMB2_CANCEL;
    return next->ids.kind == MESSAGE_SMB2 && h->ids.kind == MESSAGE_SMB2 && next->ids.id == h->ids.id && !twice;
}

/* Do enough messages follow the candidate, or none up to the end of the segment, where senders mostly stop? */
static enum resync_answer followed(const struct resync_source *s, struct view rest, const struct candidate *c) {
    unsigned wanted = followers_wanted(c);
    struct head h = c->head;
    for (unsigned have = 0; have < wanted && rest.n != 0; have++) {
        if (have == RESYNC_FOLLOWERS_MAX) {
            return RESYNC_NOTHING;
        }
        if (keep_alive(rest)) {
            return RESYNC_PROVEN;
        }
        struct head next = {0};
        enum resync_answer answer = head_of(rest, s->dir, &next);
        if (answer != RESYNC_PROVEN) {
            return answer == RESYNC_WAIT && s->forced ? RESYNC_NOTHING : answer;
        }
        bool doubtful;
        if (is_copy(&h, &next) || acquaintance_fit(s->known, s->dir, &next.ids, &doubtful) == FIT_NOT) {
            return RESYNC_NOTHING;
        }
        if (have + 1 < wanted && next.frame > rest.n) {
            return open_end(s, c, &next);
        }
        rest = view_from(rest, next.frame);
        h = next;
    }
    return RESYNC_PROVEN;
}

/* One of which there is no doubt but for its end. */
static enum resync_answer sure(const struct resync_source *s, const struct candidate *c, struct view v) {
    if (c->head.frame > v.n) {
        return c->aligned ? RESYNC_PROVEN : open_end(s, c, &c->head);
    }
    return c->aligned || resync_follows(view_from(v, c->head.frame)) ? RESYNC_PROVEN : RESYNC_NOTHING;
}

static uint32_t next_candidate(struct view v, uint32_t pos);

/* The first place from pos on where a message begins of which there is no doubt; else the end. */
static uint32_t next_sure(const struct resync_source *s, uint32_t pos) {
    for (pos = next_candidate(s->bytes, pos); pos < s->bytes.n; pos = next_candidate(s->bytes, pos + 1)) {
        struct head h = {0};
        bool doubtful;
        if (head_of(view_from(s->bytes, pos), s->dir, &h) == RESYNC_PROVEN &&
            acquaintance_fit(s->known, s->dir, &h.ids, &doubtful) == FIT_FRIEND && !doubtful) {
            return pos;
        }
    }
    return pos;
}

/* Does a message of which there is no doubt lie in a doubtful one? Then that is none. good: the next place that was found for an
 * earlier one, so that many that lie in one another are not searched through again and again. */
static bool hides_another(const struct resync_source *s, uint32_t pos, uint32_t frame, uint32_t *good) {
    if (*good <= pos) {
        *good = next_sure(s, pos + 1);
    }
    uint32_t ahead = *good - pos;
    struct head h = {0};
    return ahead < frame && head_of(view_part(s->bytes, *good, frame - ahead), s->dir, &h) == RESYNC_PROVEN;
}

static enum resync_answer prove(const struct resync_source *s, uint32_t pos, uint32_t *good, bool *doubtful) {
    struct view v = view_from(s->bytes, pos);
    struct candidate c = {0};
    enum resync_answer answer = head_of(v, s->dir, &c.head);
    if (answer != RESYNC_PROVEN) {
        return answer == RESYNC_WAIT && s->forced ? RESYNC_NOTHING : answer;
    }
    c.fit = acquaintance_fit(s->known, s->dir, &c.head.ids, &c.doubtful);
    bool begins = at_segment_start(s, pos);
    c.aligned = pos == s->first || begins;
    *doubtful = c.doubtful;
    if (c.fit == FIT_NOT || (c.fit == FIT_STRANGER && !begins)) {
        return RESYNC_NOTHING;
    }
    if (c.fit == FIT_FRIEND && !c.doubtful) {
        return sure(s, &c, v);
    }
    answer = c.head.frame > v.n ? open_end(s, &c, &c.head) : followed(s, view_from(v, c.head.frame), &c);
    if (answer == RESYNC_PROVEN && begins && acquaintance_is_new(s->known)) {
        *doubtful = false; /* picked up where a sender began */
    }
    bool taken = answer == RESYNC_PROVEN || answer == RESYNC_TRIAL;
    return taken && hides_another(s, pos, c.head.frame, good) ? RESYNC_NOTHING : answer;
}

/* The first place from pos on where a frame's header and protocol id stand, as far as the bytes go; else the end. */
static uint32_t next_candidate(struct view v, uint32_t pos) {
    size_t at = pos;
    while (v.n - at > 5) {
        const uint8_t *s = memchr(v.p + at + 5, 'S', v.n - at - 5);
        if (!s) {
            break;
        }
        at = (size_t)(s - v.p) - 5;
        if (prefix_fits(view_from(v, at))) {
            return (uint32_t)at;
        }
        at++;
    }
    if (v.n > 5 && at < v.n - 5) {
        at = v.n - 5;
    }
    while (at < v.n && !prefix_fits(view_from(v, at))) {
        at++;
    }
    return (uint32_t)at;
}

uint32_t resync_find(const struct resync_source *s, uint32_t pos, enum resync_answer *answer, bool *doubtful) {
    uint32_t end = (uint32_t)s->bytes.n, good = 0;
    for (pos = next_candidate(s->bytes, pos); pos < end; pos = next_candidate(s->bytes, pos + 1)) {
        *answer = prove(s, pos, &good, doubtful);
        if (*answer != RESYNC_NOTHING) {
            return pos;
        }
    }
    *answer = RESYNC_NOTHING;
    return end;
}
