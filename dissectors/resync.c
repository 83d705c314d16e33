#include "resync.h"

#include <string.h>

#include "cursor.h"
#include "extent.h"
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
    enum message_kind kind;
    uint32_t frame; /* bytes, the NetBIOS header included */
    uint64_t session_id, message_id;
    uint16_t command;
    bool async;
    bool payload; /* READ or WRITE data, or what is encrypted */
};

void resync_learn(struct resync_memory *m, enum direction dir, enum message_kind kind, struct view bytes) {
    struct cursor c = cursor_over(view_from(bytes, kind == MESSAGE_TRANSFORM ? 44 : 24));
    if (kind == MESSAGE_SMB2) {
        uint64_t message_id = cursor_le64(&c);
        cursor_skip(&c, 8);
        if (cursor_left(&c) >= 8 && message_id != UINT64_MAX) {
            m->message_ids[dir] = message_id;
        }
    } else if (kind != MESSAGE_TRANSFORM) {
        return;
    }
    uint64_t session = cursor_le64(&c);
    if (!cursor_ok(&c) || session == 0 || session == UINT64_MAX) {
        return;
    }
    for (unsigned i = 0; i < m->session_count; i++) {
        if (m->sessions[i] == session) {
            return;
        }
    }
    m->sessions[m->session_next] = session;
    m->session_next = (uint8_t)((m->session_next + 1) % RESYNC_SESSIONS);
    m->session_count = (uint8_t)(m->session_count + (m->session_count < RESYNC_SESSIONS));
}

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
    h->command = cursor_le16(&c);
    cursor_skip(&c, 2);
    uint32_t flags = cursor_le32(&c);
    cursor_skip(&c, 4);
    h->message_id = cursor_le64(&c);
    cursor_skip(&c, 8);
    h->session_id = cursor_le64(&c);
    cursor_skip(&c, 16);
    uint16_t body_size = cursor_le16(&c);
    bool response = flags & SMB2_FLAGS_SERVER_TO_REDIR;
    if (!cursor_ok(&c) || header_size != SMB2_HEADER_SIZE || h->command >= SMB2_COMMANDS ||
        (flags & ~known_flags) != 0 || response != (dir == TO_CLIENT) ||
        (!response && status >> 16 != 0)) { /* ChannelSequence has 16 bits */
        return false;
    }
    struct extent e;
    uint32_t need;
    if (!size_fits(body_size, h->command, response, status) || extent_of(v, length, &need, &e) != EXTENT_KNOWN ||
        e.chain_lies || e.payload_lies) {
        return false;
    }
    h->payload = e.payload != 0;
    h->async = flags & SMB2_FLAGS_ASYNC_COMMAND;
    return length_fits(&e, body_size, h->command, response);
}

/* MS-SMB2 2.2.41 */
static bool transform_fits(struct view v, uint32_t length, struct head *h) {
    struct cursor c = cursor_over(view_from(v, 36));
    uint32_t original = cursor_le32(&c);
    cursor_skip(&c, 2);
    uint16_t flags = cursor_le16(&c);
    h->session_id = cursor_le64(&c);
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

/* MS-CIFS 2.2.3.1: an NT status, or one of the classes of 2.2.2.4, and no byte between it and the code. */
static bool smb1_status_fits(uint32_t status, uint16_t flags2) {
    enum { NT_STATUS = 0x4000, ERRHRD = 3, ERRCMD = 0xFF };
    uint8_t class = (uint8_t)status;
    return (flags2 & NT_STATUS) || ((class <= ERRHRD || class == ERRCMD) && (status >> 8 & 0xFF) == 0);
}

/* MS-CIFS 2.2.3: the direction is in Flags, and the words and bytes fit, as far as they are there. */
static bool smb1_fits(struct view v, uint32_t length, enum direction dir) {
    enum { LEAST = 35 }; /* the header, WordCount and ByteCount */
    struct cursor c = cursor_over(view_from(v, 5));
    uint32_t status = cursor_le32(&c);
    bool reply = cursor_u8(&c) & 0x80;
    uint16_t flags2 = cursor_le16(&c);
    cursor_skip(&c, 2 + 8); /* PIDHigh, SecurityFeatures */
    uint16_t reserved = cursor_le16(&c);
    cursor_skip(&c, 8);
    uint32_t words = cursor_u8(&c);
    if (!cursor_ok(&c) || reply != (dir == TO_CLIENT) || reserved != 0 || !smb1_status_fits(status, flags2) ||
        LEAST + 2 * words > length) {
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
    h->kind = extent_kind(message);
    if (h->kind == MESSAGE_KINDS || length < extent_least(h->kind)) {
        return RESYNC_NOTHING;
    }
    message = view_part(message, 0, length);
    uint32_t checked = checked_bytes(h->kind);
    if (message.n < checked && message.n < length) {
        return RESYNC_WAIT;
    }
    h->frame = FRAME_HEADER + length;
    bool fits = h->kind == MESSAGE_SMB2        ? smb2_fits(message, length, dir, h)
                : h->kind == MESSAGE_TRANSFORM ? transform_fits(message, length, h)
                : h->kind == MESSAGE_SMB1      ? smb1_fits(message, length, dir)
                                               : compression_fits(message, length);
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

/* How well a candidate knows the connection. */
enum acquaintance {
    STRANGER, /* its session is none of those seen, or its MessageId was used long ago: a copy */
    NEUTRAL,  /* no session was seen so far; or the session is known, and the MessageId neither next nor impossible */
    FRIEND,   /* the session is known, and the MessageId comes next */
};

static bool session_known(const struct resync_memory *m, const struct head *h) {
    if (h->kind == MESSAGE_SMB2 && h->session_id == 0 && h->command <= SMB2_SESSION_SETUP) {
        return true;
    }
    for (unsigned i = 0; i < m->session_count; i++) {
        if (m->sessions[i] == h->session_id) {
            return true;
        }
    }
    return false;
}

static enum acquaintance acquaintance(const struct resync_memory *m, enum direction dir, const struct head *h) {
    if (m->session_count == 0) {
        return NEUTRAL;
    }
    if (!session_known(m, h)) {
        return STRANGER;
    }
    if (h->kind != MESSAGE_SMB2) {
        return FRIEND;
    }
    uint64_t last = m->message_ids[dir];
    uint64_t other = m->message_ids[direction_opposite(dir)];
    if (h->message_id > last) {
        return h->message_id <= (last > other ? last : other) + RESYNC_CREDITS ? FRIEND : NEUTRAL;
    }
    /* Messages may change places a little; CANCEL has the id of what it cancels (2.2.30), and what is asynchronous may be late. */
    bool late = last - h->message_id < RESYNC_REORDER || h->command == SMB2_CANCEL || h->async;
    return late ? NEUTRAL : STRANGER;
}

static bool at_segment_start(const struct resync_source *s, uint32_t pos) {
    for (unsigned i = 0; i < s->mark_count && s->marks[i].offset <= pos; i++) {
        if (s->marks[i].offset == pos) {
            return s->marks[i].segment_start;
        }
    }
    return false;
}

/* A candidate whose end is not there. Large ones without payload are rare, and so they have to know more. */
static enum resync_answer open_end(const struct resync_source *s, enum acquaintance a, bool aligned,
                                   const struct head *h) {
    if (!s->forced && h->frame <= RESYNC_WINDOW) {
        return RESYNC_WAIT;
    }
    bool enough = aligned || a == FRIEND || (a == NEUTRAL && (h->payload || h->frame <= RESYNC_WINDOW));
    return enough ? RESYNC_TRIAL : RESYNC_NOTHING;
}

/* How many messages must follow. Strangers are believed only where they begin and end as segments do. */
static unsigned followers_wanted(enum acquaintance a, bool aligned) {
    if (a == STRANGER) {
        return RESYNC_FOLLOWERS_MAX + 1;
    }
    return a == FRIEND || aligned ? 1 : RESYNC_FOLLOWERS;
}

/* Do enough messages follow the candidate, or none up to the end of the segment, where senders mostly stop? The same MessageId again
 * is no other message but a copy. */
static enum resync_answer followed(const struct resync_source *s, struct view rest, struct head h, enum acquaintance a,
                                   bool aligned) {
    unsigned wanted = followers_wanted(a, aligned);
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
        if (next.kind == MESSAGE_SMB2 && h.kind == MESSAGE_SMB2 && next.message_id == h.message_id) {
            return RESYNC_NOTHING;
        }
        if (have + 1 < wanted && next.frame > rest.n) {
            return open_end(s, a, aligned, &next);
        }
        rest = view_from(rest, next.frame);
        h = next;
    }
    return RESYNC_PROVEN;
}

static enum resync_answer prove(const struct resync_source *s, uint32_t pos) {
    struct view v = view_from(s->bytes, pos);
    struct head h = {0};
    enum resync_answer answer = head_of(v, s->dir, &h);
    if (answer != RESYNC_PROVEN) {
        return answer == RESYNC_WAIT && s->forced ? RESYNC_NOTHING : answer;
    }
    enum acquaintance a = acquaintance(s->memory, s->dir, &h);
    bool first = s->behind_gap && pos == 0;
    bool aligned = first || at_segment_start(s, pos);
    if (a == STRANGER && !aligned) {
        return RESYNC_NOTHING;
    }
    if (a == FRIEND && first) {
        return RESYNC_PROVEN;
    }
    if (h.frame > v.n) {
        return open_end(s, a, aligned, &h);
    }
    return followed(s, view_from(v, h.frame), h, a, aligned);
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

uint32_t resync_find(const struct resync_source *s, uint32_t pos, enum resync_answer *answer) {
    uint32_t end = (uint32_t)s->bytes.n;
    for (pos = next_candidate(s->bytes, pos); pos < end; pos = next_candidate(s->bytes, pos + 1)) {
        *answer = prove(s, pos);
        if (*answer != RESYNC_NOTHING) {
            return pos;
        }
    }
    *answer = RESYNC_NOTHING;
    return end;
}
