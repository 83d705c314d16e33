/* NTLMSSP, MS-NLMP 2.2. What a field leads to is read where the field says, and nowhere else. */
#include "cursor.h"
#include "pdu.h"

enum {
    SIGNATURE_SIZE = 8,
    VERSION_SIZE = 8,
    MIC_SIZE = 16,
    AUTHENTICATE_FIELDS = 6, /* of an AUTHENTICATE */
};

enum { /* MS-NLMP 2.2.2.5 */
       NEGOTIATE_UNICODE = 0x00000001,
       REQUEST_TARGET = 0x00000004,
       NEGOTIATE_OEM_DOMAIN_SUPPLIED = 0x00001000,
       NEGOTIATE_OEM_WORKSTATION_SUPPLIED = 0x00002000,
       NEGOTIATE_TARGET_INFO = 0x00800000,
       NEGOTIATE_VERSION = 0x02000000,
};

static const uint8_t signature[SIGNATURE_SIZE] = {'N', 'T', 'L', 'M', 'S', 'S', 'P', 0};

/* Length, maximum length and offset from the start of the message: how MS-NLMP 2.2.1 says where a field's bytes are. */
struct field {
    uint16_t length;
    uint32_t offset;
};

/* The message, and what of its payload was taken so far: MS-NLMP lets fields come in any order, but each has bytes of its own. */
struct payload {
    struct view message;
    size_t fixed;      /* where the payload begins at the earliest */
    uint32_t smallest; /* offset of a field that is not empty */
    unsigned count;
    struct field taken[AUTHENTICATE_FIELDS];
    bool lies; /* a field leads outside, into the fixed part or into another field */
};

static struct field field(struct cursor *c) {
    struct field f;
    f.length = cursor_le16(c);
    cursor_skip(c, 2);
    f.offset = cursor_le32(c);
    return f;
}

static bool overlap(struct field a, struct field b) {
    return a.offset < (uint64_t)b.offset + b.length && b.offset < (uint64_t)a.offset + a.length;
}

/* The bytes of a field; empty, and lies set, where it does not lead to some. */
static struct view bytes_of(struct payload *p, struct field f) {
    struct cursor c = cursor_over(p->message);
    if (f.length == 0) {
        return cursor_at(&c, 0, 0);
    }
    for (unsigned i = 0; i < p->count; i++) {
        p->lies = p->lies || overlap(p->taken[i], f);
    }
    if (p->count < AUTHENTICATE_FIELDS) {
        p->taken[p->count++] = f;
    }
    p->smallest = f.offset < p->smallest ? f.offset : p->smallest;
    struct view v = f.offset < p->fixed ? (struct view){NULL, 0} : cursor_at(&c, f.offset, f.length);
    p->lies = p->lies || v.n == 0;
    return v;
}

static struct payload payload(struct view message, const struct cursor *behind_fixed) {
    return (struct payload){.message = message, .fixed = behind_fixed->pos, .smallest = UINT32_MAX};
}

/* Whether so many bytes behind the fixed part are there and belong to no field: Version and MIC are not always there. */
static bool has_room(const struct payload *p, size_t bytes) {
    size_t end = p->fixed + bytes;
    return end <= p->message.n && p->smallest >= end;
}

/* VERSION, 2.2.2.10 */
static struct ntlm_version version(const struct payload *p, uint32_t flags) {
    struct ntlm_version v = {0};
    struct cursor c = cursor_over(p->message);
    if (!(flags & NEGOTIATE_VERSION) || !has_room(p, VERSION_SIZE)) {
        return v;
    }
    cursor_skip(&c, p->fixed);
    v.major = cursor_u8(&c);
    v.minor = cursor_u8(&c);
    v.build = cursor_le16(&c);
    v.known = v.major != 0;
    return v;
}

static struct text name(struct view v, uint32_t flags) {
    return (struct text){v, flags & NEGOTIATE_UNICODE ? ENC_UTF16LE : ENC_OEM};
}

static bool has_bits(struct view v) {
    for (size_t i = 0; i < v.n; i++) {
        if (v.p[i] != 0) {
            return true;
        }
    }
    return false;
}

/* ---- AV_PAIR, 2.2.2.1 */

enum {
    AV_EOL,
    AV_NB_COMPUTER_NAME,
    AV_NB_DOMAIN_NAME,
    AV_DNS_COMPUTER_NAME,
    AV_DNS_DOMAIN_NAME,
    AV_DNS_TREE_NAME,
    AV_FLAGS,
    AV_TIMESTAMP,
    AV_SINGLE_HOST,
    AV_TARGET_NAME,
    AV_CHANNEL_BINDINGS,
    AV_IDS,
    CHANNEL_BINDINGS_SIZE = 16, /* an MD5 */
};

static struct text *text_of_pair(struct ntlm_target_info *info, uint16_t id) {
    switch (id) {
    case AV_NB_COMPUTER_NAME:
        return &info->netbios_computer;
    case AV_NB_DOMAIN_NAME:
        return &info->netbios_domain;
    case AV_DNS_COMPUTER_NAME:
        return &info->dns_computer;
    case AV_DNS_DOMAIN_NAME:
        return &info->dns_domain;
    case AV_DNS_TREE_NAME:
        return &info->dns_tree;
    case AV_TARGET_NAME:
        return &info->target_name;
    default:
        return NULL;
    }
}

/* Single_Host_Data, 2.2.2.2. CustomData means something to services of the client's own machine alone; more may follow. */
static bool single_host(struct ntlm_target_info *info, struct view value) {
    struct cursor c = cursor_over(value);
    uint32_t size = cursor_le32(&c);
    cursor_skip(&c, 4 + 8); /* Z4, CustomData */
    struct view id = cursor_take(&c, NTLM_MACHINE_ID_SIZE);
    bool good = cursor_ok(&c) && size == value.n;
    info->machine_id = good ? id : (struct view){NULL, 0};
    return good;
}

/* False where the value has not the size that it must have. */
static bool take_pair(struct ntlm_target_info *info, uint16_t id, struct view value) {
    struct cursor c = cursor_over(value);
    struct text *text = text_of_pair(info, id);
    if (text) {
        *text = text_utf16(value);
        info->has_target_name |= id == AV_TARGET_NAME;
    } else if (id == AV_FLAGS) {
        info->flags = cursor_le32(&c);
        info->has_flags = cursor_ok(&c);
    } else if (id == AV_TIMESTAMP) {
        info->timestamp = cursor_le64(&c);
        info->has_timestamp = cursor_ok(&c);
    } else if (id == AV_SINGLE_HOST) {
        return single_host(info, value);
    } else if (id == AV_CHANNEL_BINDINGS) {
        info->has_channel_bindings = value.n == CHANNEL_BINDINGS_SIZE;
        info->channel_bindings = info->has_channel_bindings && has_bits(value);
        return info->has_channel_bindings;
    }
    return cursor_ok(&c);
}

/* The list ends with MsvAvEOL, whatever follows. Each id stands in it once: of two the first is believed. False where it is not so. */
static bool pairs(struct ntlm_target_info *info, struct view list) {
    struct cursor c = cursor_over(list);
    unsigned seen = 0;
    bool good = true;
    while (cursor_left(&c) > 0) {
        uint16_t id = cursor_le16(&c);
        struct view value = cursor_take(&c, cursor_le16(&c));
        if (!cursor_ok(&c) || id == AV_EOL) {
            info->whole = cursor_ok(&c);
            return good && cursor_ok(&c);
        }
        bool again = id < AV_IDS && (seen >> id & 1);
        good = !again && take_pair(info, id, value) && good;
        seen |= id < AV_IDS ? 1U << id : 0;
    }
    return false;
}

/* ---- AUTHENTICATE */

enum { SHORT_RESPONSE = 24, LM_CHALLENGE = 8 }; /* 2.2.2.3, 2.2.2.4, 2.2.2.6; 3.3.1 */

/* NTLMv2_CLIENT_CHALLENGE, 2.2.2.7, behind the 16 bytes of the proof. */
static bool client_challenge(struct ntlm_message *m, struct view response) {
    struct cursor c = cursor_over(view_from(response, 16));
    uint8_t type = cursor_u8(&c), highest = cursor_u8(&c);
    cursor_skip(&c, 2 + 4);
    uint64_t time = cursor_le64(&c);
    cursor_skip(&c, 8 + 4); /* ChallengeFromClient, Reserved3 */
    if (!cursor_ok(&c) || type != 1 || highest != 1) {
        return false;
    }
    m->client_time = time;
    return pairs(&m->target_info, cursor_rest(&c));
}

static bool same(struct view a, struct view b) {
    return a.n == b.n && memcmp(a.p, b.p, a.n) == 0;
}

/* Which responses there are, by their lengths and, where those are the same, by what must be zero (3.3.1). */
unsigned ntlm_responses(struct view lm, struct view nt) {
    bool has_lm = lm.n == SHORT_RESPONSE && has_bits(lm);
    if (nt.n > SHORT_RESPONSE) {
        return NTLM_RESPONSE_NTLMV2 | (has_lm ? NTLM_RESPONSE_LMV2 : 0U);
    }
    if (nt.n != SHORT_RESPONSE || !has_bits(nt)) {
        return has_lm ? NTLM_RESPONSE_LM_OR_LMV2 : 0;
    }
    if (has_lm && !has_bits(view_from(lm, LM_CHALLENGE))) {
        return NTLM_RESPONSE_NTLM2_SESSION;
    }
    return NTLM_RESPONSE_NTLM | (has_lm && !same(lm, nt) ? NTLM_RESPONSE_LM : 0U);
}

/* MS-NLMP 3.2.5.1.2: no user, no NT response, and an LM response of nothing or one zero byte. */
static bool is_anonymous(struct field user, struct field nt, struct field lm, struct view lm_bytes) {
    return user.length == 0 && nt.length == 0 && lm.length <= 1 && !has_bits(lm_bytes);
}

/* 2.2.1.3, behind MessageType. */
static enum verdict authenticate(struct view message, struct cursor *c, struct ntlm_message *m) {
    enum { FLAG_MIC = 2 }; /* MsvAvFlags, 2.2.2.1 */
    struct field lm = field(c), nt = field(c), domain = field(c), user = field(c), workstation = field(c);
    struct field key = field(c);
    m->flags = cursor_le32(c);
    if (!cursor_ok(c)) {
        return V_SHORT;
    }
    struct payload p = payload(message, c);
    struct view lm_bytes = bytes_of(&p, lm), nt_bytes = bytes_of(&p, nt);
    m->domain = name(bytes_of(&p, domain), m->flags);
    m->domain_lost = domain.length > 0 && m->domain.bytes.n == 0;
    m->user = name(bytes_of(&p, user), m->flags);
    m->workstation = name(bytes_of(&p, workstation), m->flags);
    (void)bytes_of(&p, key);
    m->lm_response_length = lm.length;
    m->nt_response_length = nt.length;
    m->anonymous = is_anonymous(user, nt, lm, lm_bytes);
    m->responses = ntlm_responses(lm_bytes, nt_bytes);
    m->version = version(&p, m->flags);
    bool good = nt_bytes.n <= SHORT_RESPONSE || client_challenge(m, nt_bytes);
    m->mic = (m->target_info.flags & FLAG_MIC) && has_room(&p, VERSION_SIZE + MIC_SIZE);
    return p.lies || !good ? V_BAD : V_OK;
}

/* ---- NEGOTIATE and CHALLENGE */

/* 2.2.1.1. The flags may be its end. */
static enum verdict negotiate(struct view message, struct cursor *c, struct ntlm_message *m) {
    m->flags = cursor_le32(c);
    bool has_domain = m->flags & NEGOTIATE_OEM_DOMAIN_SUPPLIED;
    bool has_workstation = m->flags & NEGOTIATE_OEM_WORKSTATION_SUPPLIED;
    if (!cursor_ok(c) || (cursor_left(c) == 0 && !has_domain && !has_workstation)) {
        return cursor_ok(c) ? V_OK : V_SHORT;
    }
    struct field domain = field(c), workstation = field(c);
    if (!cursor_ok(c)) {
        return has_domain || has_workstation ? V_SHORT : V_OK;
    }
    struct payload p = payload(message, c);
    if (has_domain) {
        m->domain = (struct text){bytes_of(&p, domain), ENC_OEM};
    }
    if (has_workstation) {
        m->workstation = (struct text){bytes_of(&p, workstation), ENC_OEM};
    }
    m->version = version(&p, m->flags);
    return p.lies ? V_BAD : V_OK;
}

/* 2.2.1.2. The challenge may be its end. */
static enum verdict challenge(struct view message, struct cursor *c, struct ntlm_message *m) {
    struct field target = field(c), info = {0};
    m->flags = cursor_le32(c);
    cursor_skip(c, 8); /* ServerChallenge */
    if (!cursor_ok(c)) {
        return V_SHORT;
    }
    if (cursor_left(c) > 0 && (m->flags & NEGOTIATE_TARGET_INFO)) {
        cursor_skip(c, 8);
        info = field(c);
    }
    if (!cursor_ok(c)) {
        return V_SHORT;
    }
    struct payload p = payload(message, c);
    if (m->flags & REQUEST_TARGET) {
        m->target_name = name(bytes_of(&p, target), m->flags);
    }
    struct view list = bytes_of(&p, info);
    bool good = list.n == 0 || pairs(&m->target_info, list);
    m->version = m->flags & NEGOTIATE_TARGET_INFO ? version(&p, m->flags) : (struct ntlm_version){0};
    return p.lies || !good ? V_BAD : V_OK;
}

static enum verdict dissect(struct dissection *d, struct view v) {
    struct cursor c = cursor_over(v);
    struct view start = cursor_take(&c, SIGNATURE_SIZE);
    if (!cursor_ok(&c) || memcmp(start.p, signature, SIGNATURE_SIZE) != 0) {
        return V_NOT_MINE;
    }
    uint32_t type = cursor_le32(&c);
    if (!cursor_ok(&c)) {
        return V_SHORT;
    }
    if (type < NTLM_NEGOTIATE || type > NTLM_AUTHENTICATE) {
        return V_BAD;
    }
    struct pdu pdu = {.kind = PDU_NTLM, .ntlm = {.type = (enum ntlm_type)type}};
    if (type == NTLM_AUTHENTICATE) {
        pdu.verdict = authenticate(v, &c, &pdu.ntlm);
    } else {
        pdu.verdict = type == NTLM_CHALLENGE ? challenge(v, &c, &pdu.ntlm) : negotiate(v, &c, &pdu.ntlm);
    }
    d->deliver(d->arg, &pdu);
    return pdu.verdict;
}

const struct dissector dissector_ntlmssp = {"ntlmssp", dissect};
