#include "acquaintance.h"

#include <string.h>

#include "cursor.h"
#include "pdu_smb1.h"
#include "pdu_smb2.h"

enum {
    SMALLEST_FRAME = 4 + SMB2_HEADER_SIZE + 4, /* bytes of a message with its NetBIOS header */
    STATUS_IS_PENDING = 0x103,                 /* MS-ERREF 2.3.1 STATUS_PENDING */
    MID_BREAK = 0xFFFF,                        /* MS-CIFS 3.3.4.2 */
};

/* ---- what a message is known by */

/* Where the ids end: bytes from the protocol id on. */
enum { SMB2_IDS_END = 48, SMB1_IDS_END = 32, TRANSFORM_IDS_END = 52 };

/* MS-SMB2 2.2.1 */
static void smb2_ids(struct message_ids *out, enum direction dir, struct view bytes) {
    struct cursor fixed = cursor_fixed(bytes, SMB2_IDS_END), *c = &fixed;
    cursor_skip(c, 6);
    out->charge = cursor_le16(c);
    out->interim = cursor_le32(c) == STATUS_IS_PENDING;
    out->command = cursor_le16(c);
    cursor_skip(c, 2);
    out->async = cursor_le32(c) & SMB2_FLAGS_ASYNC_COMMAND;
    cursor_skip(c, 4);
    out->id = cursor_le64(c);
    cursor_skip(c, 8);
    out->session = cursor_le64(c);
    out->unasked = dir == TO_CLIENT && out->id == UINT64_MAX &&
                   (out->command == SMB2_OPLOCK_BREAK || out->command == SMB2_SERVER_TO_CLIENT_NOTIFICATION);
}

/* MS-CIFS 2.2.3.1 */
static void smb1_ids(struct message_ids *out, enum direction dir, struct view bytes) {
    struct cursor fixed = cursor_fixed(bytes, SMB1_IDS_END), *c = &fixed;
    cursor_skip(c, 4);
    out->command = cursor_u8(c);
    cursor_skip(c, 4);
    bool reply = cursor_u8(c) & SMB_FLAGS_REPLY;
    cursor_skip(c, 16);
    uint32_t process = cursor_le16(c);
    out->session = cursor_le16(c);
    uint32_t mid = cursor_le16(c);
    out->id = process << 16 | mid;
    out->unasked = dir == TO_CLIENT && !reply && mid == MID_BREAK && out->command == SMB1_LOCKING_ANDX;
}

/* MS-SMB2 2.2.41 */
static void transform_ids(struct message_ids *out, struct view bytes) {
    struct cursor c = cursor_fixed(bytes, TRANSFORM_IDS_END);
    cursor_skip(&c, 44);
    out->session = cursor_le64(&c);
}

bool message_ids_of(struct message_ids *out, enum direction dir, enum message_kind kind, struct view bytes) {
    static const uint8_t end[MESSAGE_KINDS] = {
        [MESSAGE_SMB1] = SMB1_IDS_END, [MESSAGE_SMB2] = SMB2_IDS_END, [MESSAGE_TRANSFORM] = TRANSFORM_IDS_END};
    if (bytes.n < end[kind]) {
        return false;
    }
    *out = (struct message_ids){.kind = (uint8_t)kind};
    if (kind == MESSAGE_SMB2) {
        smb2_ids(out, dir, bytes);
    } else if (kind == MESSAGE_SMB1) {
        smb1_ids(out, dir, bytes);
    } else if (kind == MESSAGE_TRANSFORM) {
        transform_ids(out, bytes);
    }
    return true;
}

/* ---- MessageIds that were used */

static bool used(const struct used_ids *u, uint64_t id) {
    uint64_t behind = u->last - id;
    return u->any && id <= u->last && behind < ACQUAINTANCE_IDS && (u->bits[behind / 64] >> behind % 64 & 1) != 0;
}

static void shift(struct used_ids *u, uint64_t n) {
    _Static_assert(ACQUAINTANCE_IDS == 128, "two words");
    __uint128_t bits = (__uint128_t)u->bits[1] << 64 | u->bits[0];
    bits = n < ACQUAINTANCE_IDS ? bits << n : 0;
    u->bits[0] = (uint64_t)bits;
    u->bits[1] = (uint64_t)(bits >> 64);
}

static void use(struct used_ids *u, uint64_t id) {
    if (!u->any || id > u->last) {
        shift(u, u->any ? id - u->last : ACQUAINTANCE_IDS);
        u->last = id;
        u->any = true;
    }
    uint64_t behind = u->last - id;
    if (behind < ACQUAINTANCE_IDS) {
        u->bits[behind / 64] |= UINT64_C(1) << behind % 64;
    }
}

/* ---- sessions */

static uint64_t session_of(const struct message_ids *i) {
    return i->kind == MESSAGE_SMB1 ? UINT64_C(1) << 63 | i->session : i->session; /* a UID is no SessionId */
}

static bool session_known(const struct acquaintance *a, const struct message_ids *i) {
    bool none = i->session == 0;
    if (a->session_count == 0 && a->from_start) {
        return true; /* this early there is no file data to be mistaken */
    }
    if (none && i->kind == MESSAGE_SMB2 && (i->command <= SMB2_SESSION_SETUP || i->command == SMB2_ECHO)) {
        return true;
    }
    if (none && i->kind == MESSAGE_SMB1 && (i->command == SMB1_NEGOTIATE || i->command == SMB1_SESSION_SETUP_ANDX)) {
        return true;
    }
    for (unsigned k = 0; k < a->session_count; k++) {
        if (a->sessions[k] == session_of(i)) {
            return true;
        }
    }
    return false;
}

/* To the front with it; the last one goes. On its own, as that of SMB1 below: what is learned of each message of SMB2 stays short. */
__attribute__((noinline)) static void session_to_front(struct acquaintance *a, uint64_t session) {
    unsigned k = 0;
    while (k < a->session_count && a->sessions[k] != session) {
        k++;
    }
    if (k == a->session_count && k < ACQUAINTANCE_SESSIONS) {
        a->session_count++;
    }
    k = k < ACQUAINTANCE_SESSIONS ? k : ACQUAINTANCE_SESSIONS - 1;
    memmove(a->sessions + 1, a->sessions, k * sizeof *a->sessions);
    a->sessions[0] = session;
}

static inline void session_learn(struct acquaintance *a, const struct message_ids *i) {
    uint64_t session = session_of(i);
    bool none = i->kind != MESSAGE_SMB1 && (session == 0 || session == UINT64_MAX);
    if (!none && (a->session_count == 0 || a->sessions[0] != session)) {
        session_to_front(a, session);
    }
}

/* ---- MIDs */

/* Has it several responses, or may it have? */
static bool answered_in_parts(uint16_t command) {
    switch (command) {
    case SMB1_TRANSACTION:
    case SMB1_TRANSACTION2:
    case SMB1_NT_TRANSACT:
    case SMB1_ECHO:
    case SMB1_WRITE_RAW:
    case SMB1_READ_MPX:
        return true;
    default:
        return false;
    }
}

/* What a message is of: the rest of a transaction has the ids of its first request, and its response alone (MS-CIFS 2.2.4.34.2); what
 * answers a WRITE_RAW in the end has a code of its own (2.2.4.25.3). */
static uint16_t task_of(const struct message_ids *i) {
    switch (i->kind == MESSAGE_SMB1 ? i->command : 0) {
    case SMB1_TRANSACTION_SECONDARY:
        return SMB1_TRANSACTION;
    case SMB1_TRANSACTION2_SECONDARY:
        return SMB1_TRANSACTION2;
    case SMB1_NT_TRANSACT_SECONDARY:
        return SMB1_NT_TRANSACT;
    case SMB1_WRITE_COMPLETE:
        return SMB1_WRITE_RAW;
    default:
        return i->command;
    }
}

/* Has a request the MID of an earlier one? */
static bool repeats_mid(const struct message_ids *i) {
    return i->command == SMB1_NT_CANCEL || (task_of(i) != i->command && i->command != SMB1_WRITE_COMPLETE);
}

/* The likeliest of the requests that are remembered is the one that has no answer at all. */
static unsigned rank(const struct asked_mid *q) {
    return q->waits ? 1U + !q->partly : 0;
}

/* Which of them a response belongs to; ACQUAINTANCE_MIDS: none. */
static unsigned asked_find(const struct acquaintance *a, const struct message_ids *i) {
    unsigned found = ACQUAINTANCE_MIDS;
    for (unsigned k = 0; k < a->asked_count; k++) {
        const struct asked_mid *q = &a->asked[k];
        bool same = q->id == (uint32_t)i->id && q->command == task_of(i);
        found = same && (found == ACQUAINTANCE_MIDS || rank(q) > rank(&a->asked[found])) ? k : found;
    }
    return found;
}

static bool ahead_of(uint16_t mid, uint16_t last) {
    uint16_t by = (uint16_t)(mid - last);
    return by != 0 && by <= ACQUAINTANCE_MIDS_APART;
}

__attribute__((noinline)) static void smb1_learn(struct acquaintance *a, enum direction dir,
                                                 const struct message_ids *i) {
    uint16_t mid = (uint16_t)i->id;
    if (i->command == SMB1_NEGOTIATE) {
        a->from_start = true; /* near enough */
    }
    if (i->unasked) {
        return; /* it has no MID to go on from, and says nothing of what the client sends */
    }
    if (i->command != SMB1_NEGOTIATE) {
        a->smb1_session = true;
    }
    if (dir == TO_CLIENT) {
        unsigned k = asked_find(a, i);
        if (k != ACQUAINTANCE_MIDS) {
            a->asked[k].waits = answered_in_parts(i->command);
            a->asked[k].partly = true;
        } else if (a->smb1 && ahead_of(mid, a->last_mid)) { /* of a request that was lost */
            a->mids_grow = !a->mids_repeat;
        }
        bool newer = !a->smb1_answered || (uint16_t)(mid - a->last_answered) < 0x8000;
        a->last_answered = newer ? mid : a->last_answered;
        a->smb1_answered = true;
        return;
    }
    if (repeats_mid(i)) { /* of one that was lost, where it is ahead: so far the client has come */
        a->last_mid = a->mids_grow && ahead_of(mid, a->last_mid) ? mid : a->last_mid;
        return;
    }
    uint16_t by = (uint16_t)(mid - a->last_mid);
    a->mids_repeat = a->mids_repeat || (a->smb1 && (by == 0 || by >= 0x8000));
    a->mids_grow = a->smb1 && !a->mids_repeat;
    a->smb1 = true;
    a->last_mid = mid;
    a->asked[a->asked_next] = (struct asked_mid){(uint32_t)i->id, (uint8_t)i->command, true, false};
    a->asked_next = (uint8_t)((a->asked_next + 1) % ACQUAINTANCE_MIDS);
    a->asked_count = (uint8_t)(a->asked_count + (a->asked_count < ACQUAINTANCE_MIDS));
}

/* ---- learning */

static void smb2_learn(struct acquaintance *a, enum direction dir, const struct message_ids *i) {
    if (i->command == SMB2_NEGOTIATE) {
        a->from_start = true; /* near enough */
    }
    if (i->id != UINT64_MAX && !i->interim && !(dir == TO_SERVER && i->command == SMB2_CANCEL)) {
        a->charge = i->charge > a->charge ? i->charge : a->charge;
        use(&a->used[dir], i->id);
    }
}

void acquaintance_begin(struct acquaintance *a, bool start_seen) {
    *a = (struct acquaintance){.from_start = start_seen, .incomplete = {!start_seen, !start_seen}};
}

void acquaintance_missed(struct acquaintance *a, enum direction dir, uint64_t length) {
    uint32_t room = UINT32_MAX - a->missed[dir];
    a->missed[dir] += length < room ? (uint32_t)length : room;
    a->incomplete[dir] = true;
}

void acquaintance_learn(struct acquaintance *a, enum direction dir, const struct message_ids *i) {
    a->missed[dir] = 0;
    if (!i->unasked) {
        session_learn(a, i);
    }
    switch (i->kind) {
    case MESSAGE_SMB2:
        smb2_learn(a, dir, i);
        break;
    case MESSAGE_SMB1:
        smb1_learn(a, dir, i);
        break;
    case MESSAGE_COMPRESSED:
        a->compressed = true;
        break;
    default:
        break;
    }
}

bool acquaintance_goes_on(struct acquaintance *a, enum direction dir, struct view bytes) {
    enum { WORD_BITS = 64 };
    if (bytes.n < SMB2_IDS_END) {
        return false;
    }
    struct cursor c = cursor_fixed(bytes, SMB2_IDS_END);
    cursor_skip(&c, 6);
    uint16_t charge = cursor_le16(&c);
    uint32_t status = cursor_le32(&c);
    uint16_t command = cursor_le16(&c);
    cursor_skip(&c, 10);
    uint64_t id = cursor_le64(&c);
    cursor_skip(&c, 8);
    uint64_t session = cursor_le64(&c);
    struct used_ids *u = &a->used[dir];
    uint64_t ahead = id - u->last;
    if (!u->any || ahead - 1 >= WORD_BITS - 1 || id < ahead || id == UINT64_MAX || a->session_count == 0 ||
        a->sessions[0] != session || status == STATUS_IS_PENDING || command == SMB2_NEGOTIATE ||
        command == SMB2_CANCEL) {
        return false;
    }
    a->missed[dir] = 0;
    a->charge = charge > a->charge ? charge : a->charge;
    u->last = id;
    u->bits[1] = u->bits[1] << ahead | u->bits[0] >> (WORD_BITS - ahead);
    u->bits[0] = u->bits[0] << ahead | 1;
    return true;
}

static bool one_of_the_other(const struct message_ids *x, const struct message_ids *y) {
    if (x->kind != y->kind || x->kind == MESSAGE_COMPRESSED) {
        return false;
    }
    bool same_session =
        x->session == y->session || (x->kind != MESSAGE_TRANSFORM && (x->session == 0 || y->session == 0));
    return same_session && x->id == y->id && task_of(x) == task_of(y);
}

bool acquaintance_settles(struct acquaintance *a, enum direction dir, const struct message_ids *i) {
    for (unsigned k = 0; k < a->doubtful_count; k++) {
        if (a->doubtful_from[k] != dir && one_of_the_other(&a->doubtful[k], i)) {
            acquaintance_learn(a, direction_opposite(dir), &a->doubtful[k]);
            a->doubtful_count = a->doubtful_next = 0;
            return true;
        }
    }
    return false;
}

bool acquaintance_confirm(struct acquaintance *a, enum direction dir, const struct message_ids *i) {
    if (acquaintance_settles(a, dir, i)) {
        acquaintance_learn(a, dir, i);
        return true;
    }
    a->doubtful[a->doubtful_next] = *i;
    a->doubtful_from[a->doubtful_next] = (uint8_t)dir;
    a->doubtful_next = (uint8_t)((a->doubtful_next + 1) % ACQUAINTANCE_DOUBTFUL);
    a->doubtful_count = (uint8_t)(a->doubtful_count + (a->doubtful_count < ACQUAINTANCE_DOUBTFUL));
    return false;
}

/* ---- how well it fits */

/* How far ahead an id may be without a doubt, after what was lost. */
static uint64_t near(const struct acquaintance *a, enum direction dir) {
    uint32_t messages = a->missed[dir] / SMALLEST_FRAME;
    messages = messages < ACQUAINTANCE_NEAR_LOST ? messages : ACQUAINTANCE_NEAR_LOST;
    return ACQUAINTANCE_NEAR + messages * (a->charge != 0 ? a->charge : 1);
}

static enum fit ahead(bool known, uint64_t by, uint64_t near_by, bool *doubtful) {
    if (!known) {
        return FIT_STRANGER;
    }
    *doubtful = by > near_by;
    return by <= ACQUAINTANCE_CREDITS || by <= near_by ? FIT_FRIEND : FIT_NEUTRAL;
}

/* MS-SMB2 3.2.4.1.3: MessageIds are used once, in order. */
static enum fit request_fit(const struct acquaintance *a, const struct message_ids *i, bool *doubtful) {
    bool known = session_known(a, i);
    const struct used_ids *requests = &a->used[TO_SERVER], *responses = &a->used[TO_CLIENT];
    if (i->command == SMB2_CANCEL) { /* has the id of what it cancels, 2.2.30 */
        *doubtful = used(responses, i->id);
        return !known ? FIT_STRANGER : *doubtful ? FIT_NEUTRAL : FIT_FRIEND;
    }
    if (used(requests, i->id) || used(responses, i->id)) {
        return FIT_NOT;
    }
    uint64_t last = requests->any ? requests->last : responses->last;
    if (i->id < last) {
        return known && last - i->id < ACQUAINTANCE_REORDER ? FIT_NEUTRAL : FIT_NOT;
    }
    last = responses->any && responses->last > last ? responses->last : last;
    return ahead(known, i->id > last ? i->id - last : 0, near(a, TO_SERVER), doubtful);
}

static enum fit response_fit(const struct acquaintance *a, const struct message_ids *i, bool *doubtful) {
    bool known = session_known(a, i) || i->command == SMB2_SESSION_SETUP; /* which tells the SessionId first */
    const struct used_ids *requests = &a->used[TO_SERVER], *responses = &a->used[TO_CLIENT];
    if (used(responses, i->id)) {
        return FIT_NOT;
    }
    if (used(requests, i->id)) {
        *doubtful = !known;
        return known ? FIT_FRIEND : FIT_STRANGER;
    }
    const struct used_ids *other = requests->any ? requests : responses;
    enum direction dir = requests->any ? TO_SERVER : TO_CLIENT;
    if (i->id > other->last) {
        return a->missed[dir] == 0 ? FIT_NOT : ahead(known, i->id - other->last, near(a, dir), doubtful);
    }
    /* Its request was lost, or is so old that it is forgotten. */
    bool remembered = other->last - i->id < ACQUAINTANCE_IDS;
    if (remembered && !a->incomplete[dir]) {
        return FIT_NOT;
    }
    *doubtful = !remembered || !requests->any;
    return !known ? FIT_STRANGER : *doubtful ? FIT_NEUTRAL : FIT_FRIEND;
}

static enum fit smb2_fit(const struct acquaintance *a, enum direction dir, const struct message_ids *i,
                         bool *doubtful) {
    if (a->smb1_session) {
        return FIT_NOT;
    }
    if (i->unasked) {
        *doubtful = false;
        return i->session == 0 || session_known(a, i) ? FIT_NEUTRAL : FIT_STRANGER;
    }
    if (!a->used[TO_SERVER].any && !a->used[TO_CLIENT].any) {
        bool known = session_known(a, i);
        *doubtful = !a->from_start && !(known && a->session_count != 0);
        return a->session_count == 0 || known ? FIT_NEUTRAL : FIT_STRANGER;
    }
    if (i->id == UINT64_MAX) {
        return FIT_NOT;
    }
    return dir == TO_SERVER ? request_fit(a, i, doubtful) : response_fit(a, i, doubtful);
}

/* Enough of them to say that this client never uses one again. */
static bool mids_only_grow(const struct acquaintance *a) {
    return a->mids_grow && a->asked_count == ACQUAINTANCE_MIDS;
}

/* MIDs come again when they were answered; many clients count them up all the same. */
static enum fit smb1_request_fit(const struct acquaintance *a, const struct message_ids *i, bool *doubtful) {
    bool known = session_known(a, i);
    uint16_t by = (uint16_t)((uint16_t)i->id - a->last_mid);
    bool goes_on = by != 0 && by <= ACQUAINTANCE_MIDS_APART;
    if (!a->mids_grow) {
        bool second = a->smb1 && !a->mids_repeat && a->from_start; /* there is no file data so early */
        *doubtful = !known || !second || !goes_on;
        return known ? FIT_FRIEND : FIT_STRANGER;
    }
    if (!goes_on && !repeats_mid(i)) {
        return mids_only_grow(a) ? FIT_NOT : known ? FIT_FRIEND : FIT_STRANGER;
    }
    *doubtful = !goes_on && by != 0;
    return known ? FIT_FRIEND : FIT_STRANGER;
}

static enum fit smb1_response_fit(const struct acquaintance *a, const struct message_ids *i, bool *doubtful) {
    unsigned k = asked_find(a, i);
    if (k != ACQUAINTANCE_MIDS && a->asked[k].waits) {
        *doubtful = a->asked[k].partly;
        return FIT_FRIEND;
    }
    bool known = session_known(a, i);
    if (k != ACQUAINTANCE_MIDS && mids_only_grow(a)) {
        return FIT_NOT;
    }
    if (!a->smb1) { /* of requests nothing was seen */
        *doubtful = !known || !a->incomplete[TO_SERVER];
        return known ? FIT_FRIEND : FIT_STRANGER;
    }
    uint16_t ahead_by = (uint16_t)((uint16_t)i->id - a->last_mid), behind_by = (uint16_t)-ahead_by;
    bool lost_now = a->missed[TO_SERVER] != 0 && ahead_by != 0 && ahead_by <= ACQUAINTANCE_MIDS_APART;
    bool lost_before = a->incomplete[TO_SERVER] && behind_by <= ACQUAINTANCE_MIDS_APART;
    uint16_t since = (uint16_t)((uint16_t)i->id - a->last_answered);
    bool in_order = !a->smb1_answered || (since != 0 && since < 0x8000);
    *doubtful = a->mids_repeat || !in_order || (!lost_now && !lost_before);
    return !known ? FIT_STRANGER : *doubtful ? FIT_NEUTRAL : FIT_FRIEND;
}

static enum fit smb1_fit(const struct acquaintance *a, enum direction dir, const struct message_ids *i,
                         bool *doubtful) {
    if (a->used[TO_SERVER].any || a->used[TO_CLIENT].any) {
        return FIT_NOT;
    }
    if (i->unasked) {
        *doubtful = false;
        return FIT_NEUTRAL;
    }
    if (!a->smb1 && !a->smb1_session) {
        *doubtful = !a->from_start;
        return FIT_NEUTRAL;
    }
    if (!a->smb1 && dir == TO_SERVER) { /* of requests nothing was seen */
        *doubtful = !session_known(a, i);
        return *doubtful ? FIT_STRANGER : FIT_FRIEND;
    }
    return dir == TO_SERVER ? smb1_request_fit(a, i, doubtful) : smb1_response_fit(a, i, doubtful);
}

bool acquaintance_is_new(const struct acquaintance *a) {
    return a->session_count == 0 && !a->used[TO_SERVER].any && !a->used[TO_CLIENT].any && !a->smb1 && !a->smb1_session;
}

static enum fit fit_of(const struct acquaintance *a, enum direction dir, const struct message_ids *i, bool *doubtful) {
    switch (i->kind) {
    case MESSAGE_SMB1:
        return smb1_fit(a, dir, i, doubtful);
    case MESSAGE_SMB2:
        return smb2_fit(a, dir, i, doubtful);
    case MESSAGE_TRANSFORM:
        *doubtful = a->session_count != 0 && !session_known(a, i);
        return a->session_count == 0 ? FIT_NEUTRAL : *doubtful ? FIT_STRANGER : FIT_FRIEND;
    default:
        *doubtful = !a->compressed;
        return FIT_NEUTRAL;
    }
}

enum fit acquaintance_fit(const struct acquaintance *a, enum direction dir, const struct message_ids *i,
                          bool *doubtful) {
    *doubtful = true;
    enum fit fit = fit_of(a, dir, i, doubtful);
    *doubtful = *doubtful || fit == FIT_STRANGER;
    return fit;
}
