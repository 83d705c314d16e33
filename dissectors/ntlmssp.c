#include "cursor.h"
#include "pdu.h"

enum {
    SIGNATURE_SIZE = 8,
    NEGOTIATE_UNICODE = 0x00000001, /* NTLMSSP_NEGOTIATE_UNICODE, MS-NLMP 2.2.2.5 */
};

static const uint8_t signature[SIGNATURE_SIZE] = {'N', 'T', 'L', 'M', 'S', 'S', 'P', 0};

/* Length, maximum length and offset from the start of the message: how MS-NLMP 2.2.1 says where a field's bytes are. */
struct field {
    uint16_t length;
    uint32_t offset;
};

static struct field field(struct cursor *c) {
    struct field f;
    f.length = cursor_le16(c);
    cursor_skip(c, 2);
    f.offset = cursor_le32(c);
    return f;
}

/* A name; empty, and lies set, where it is not inside the message. */
static struct text name(struct view message, struct field f, enum encoding encoding, bool *lies) {
    struct cursor c = cursor_over(message);
    struct text t = {cursor_at(&c, f.offset, f.length), encoding};
    *lies = *lies || !cursor_ok(&c);
    return t;
}

/* MS-NLMP 3.2.5.1.2: no user, no NT response, and an LM response of nothing or one zero byte. */
static bool is_anonymous(struct view message, struct field user, struct field nt, struct field lm) {
    if (user.length != 0 || nt.length != 0 || lm.length > 1) {
        return false;
    }
    struct cursor c = cursor_over(message);
    struct view one = cursor_at(&c, lm.offset, lm.length);
    return one.n == 0 || one.p[0] == 0;
}

/* MS-NLMP 2.2.1.3, behind MessageType. Version and MIC are not always there: the payload is found by the fields alone. */
static enum verdict authenticate(struct view message, struct cursor *c, struct ntlm_message *m) {
    struct field lm = field(c);
    struct field nt = field(c);
    struct field domain = field(c);
    struct field user = field(c);
    struct field workstation = field(c);
    cursor_skip(c, 8); /* EncryptedRandomSessionKeyFields */
    uint32_t flags = cursor_le32(c);
    if (!cursor_ok(c)) {
        return V_SHORT;
    }
    enum encoding encoding = flags & NEGOTIATE_UNICODE ? ENC_UTF16LE : ENC_ASCII;
    bool lies = false;
    m->flags = flags;
    m->domain = name(message, domain, encoding, &lies);
    m->user = name(message, user, encoding, &lies);
    m->workstation = name(message, workstation, encoding, &lies);
    m->lm_response_length = lm.length;
    m->nt_response_length = nt.length;
    m->anonymous = is_anonymous(message, user, nt, lm);
    return lies ? V_BAD : V_OK;
}

/* MS-NLMP 2.2.1.1 and 2.2.1.2: in CHALLENGE the flags stand behind TargetNameFields. */
static enum verdict flags_only(struct cursor *c, struct ntlm_message *m) {
    if (m->type == NTLM_CHALLENGE) {
        cursor_skip(c, 8);
    }
    m->flags = cursor_le32(c);
    return cursor_ok(c) ? V_OK : V_SHORT;
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
    pdu.verdict = type == NTLM_AUTHENTICATE ? authenticate(v, &c, &pdu.ntlm) : flags_only(&c, &pdu.ntlm);
    d->deliver(d->arg, &pdu);
    return pdu.verdict;
}

const struct dissector dissector_ntlmssp = {"ntlmssp", dissect};
