/* Kerberos as a security token carries it, RFC 4120: AP-REQ, AP-REP and KRB-ERROR. What is encrypted stays so. */
#include "calendar.h"
#include "der.h"
#include "pdu.h"

enum { /* RFC 4120 5.3, 5.5.1, 5.5.2, 5.9.1 */
       TICKET = DER_APPLICATION | 1,
       AP_REQ = DER_APPLICATION | KERBEROS_AP_REQ,
       AP_REP = DER_APPLICATION | KERBEROS_AP_REP,
       KRB_ERROR = DER_APPLICATION | KERBEROS_ERROR,
};

enum { PVNO, MSG_TYPE };                                                      /* all three begin with these */
enum { AP_OPTIONS = 2, AP_TICKET, AP_AUTHENTICATOR, AP_REQ_FIELDS };          /* 5.5.1 */
enum { AP_REP_ENC_PART = 2, AP_REP_FIELDS };                                  /* 5.5.2 */
enum { TKT_VNO, TICKET_REALM, TICKET_SNAME, TICKET_ENC_PART, TICKET_FIELDS }; /* 5.3 */
enum { ETYPE, KVNO, CIPHER, ENCRYPTED_FIELDS };                               /* 5.2.9 */
enum { NAME_TYPE, NAME_STRING, NAME_FIELDS };                                 /* 5.2.2 */
enum {
    CTIME = 2,
    CUSEC,
    STIME,
    SUSEC,
    ERROR_CODE,
    ERROR_REALM = 9,
    ERROR_SNAME,
    E_TEXT,
    E_DATA,
    ERROR_FIELDS
};                                               /* 5.9.1 */
enum { DATA_TYPE = 1, DATA_VALUE, DATA_FIELDS }; /* KERB-ERROR-DATA, MS-KILE 2.2.2 */

enum { VERSION = 5 };

/* The fields of the SEQUENCE that fills a view. */
static void fields_of(struct cursor *whole, struct view v, struct view fields[], unsigned count) {
    struct cursor c = cursor_over(v);
    struct cursor inside = cursor_over(der_expect(&c, DER_SEQUENCE));
    der_fields(&inside, fields, count);
    whole->failed = whole->failed || !cursor_ok(&c) || cursor_left(&c) > 0 || !cursor_ok(&inside);
}

/* A number that must be there. */
static uint32_t number(struct cursor *whole, struct view field) {
    uint32_t value = 0;
    if (!der_u32(der_field(whole, field, DER_INTEGER), &value)) {
        whole->failed = true;
    }
    return value;
}

static struct text string(struct cursor *whole, struct view field) {
    return (struct text){der_field(whole, field, DER_GENERAL_STRING), ENC_UTF8};
}

/* EncryptedData, 5.2.9 */
static struct kerberos_encrypted encrypted(struct cursor *whole, struct view field) {
    struct kerberos_encrypted e = {0};
    struct view fields[ENCRYPTED_FIELDS];
    fields_of(whole, field, fields, ENCRYPTED_FIELDS);
    uint32_t type = number(whole, fields[ETYPE]);
    if (fields[KVNO].p) {
        e.key_version = number(whole, fields[KVNO]);
        e.has_key_version = cursor_ok(whole);
    }
    e.known = cursor_ok(whole);
    e.encryption = e.known ? type : 0;
    return e;
}

/* PrincipalName, 5.2.2: its strings with slashes between them. Empty where the arena has no room for it, which is the caller's limit. */
static struct text service(struct arena *mem, struct cursor *whole, struct view field) {
    struct view fields[NAME_FIELDS];
    fields_of(whole, field, fields, NAME_FIELDS);
    struct view strings = der_field(whole, fields[NAME_STRING], DER_SEQUENCE);
    struct cursor c = cursor_over(strings);
    uint8_t *to = strings.n > 0 ? arena_take(mem, strings.n) : NULL; /* each string has two bytes or more in front */
    size_t n = 0;
    while (to && cursor_left(&c) > 0) {
        struct view part = der_expect(&c, DER_GENERAL_STRING);
        if (!cursor_ok(&c)) {
            break;
        }
        if (n > 0) {
            to[n++] = '/';
        }
        if (part.n > 0) {
            memcpy(to + n, part.p, part.n);
            n += part.n;
        }
    }
    whole->failed = whole->failed || !cursor_ok(&c) || strings.n == 0;
    return (struct text){{to, cursor_ok(whole) ? n : 0}, ENC_UTF8};
}

/* Ticket, 5.3 */
static void ticket(struct arena *mem, struct cursor *whole, struct view field, struct kerberos_message *m) {
    struct view fields[TICKET_FIELDS];
    fields_of(whole, der_field(whole, field, TICKET), fields, TICKET_FIELDS);
    whole->failed = whole->failed || number(whole, fields[TKT_VNO]) != VERSION;
    m->realm = string(whole, fields[TICKET_REALM]);
    m->service = service(mem, whole, fields[TICKET_SNAME]);
    m->ticket = encrypted(whole, fields[TICKET_ENC_PART]);
}

static void ap_req(struct arena *mem, struct cursor *c, struct view message, struct kerberos_message *m) {
    enum { UNUSED = 1, BITS_SIZE = UNUSED + 4 };
    struct view fields[AP_REQ_FIELDS];
    fields_of(c, message, fields, AP_REQ_FIELDS);
    struct cursor options = cursor_over(der_field(c, fields[AP_OPTIONS], DER_BIT_STRING));
    cursor_skip(&options, UNUSED);
    m->options = cursor_be32(&options);
    c->failed = c->failed || !cursor_ok(&options) || number(c, fields[MSG_TYPE]) != KERBEROS_AP_REQ;
    ticket(mem, c, fields[AP_TICKET], m);
    m->encrypted = encrypted(c, fields[AP_AUTHENTICATOR]);
}

static void ap_rep(struct cursor *c, struct view message, struct kerberos_message *m) {
    struct view fields[AP_REP_FIELDS];
    fields_of(c, message, fields, AP_REP_FIELDS);
    c->failed = c->failed || number(c, fields[MSG_TYPE]) != KERBEROS_AP_REP;
    m->encrypted = encrypted(c, fields[AP_REP_ENC_PART]);
}

/* A number of so many digits that stands in the text. */
static unsigned digits(struct cursor *c, unsigned count) {
    unsigned value = 0;
    while (count-- > 0) {
        unsigned digit = cursor_u8(c) - (unsigned)'0';
        c->failed = c->failed || digit > 9;
        value = value * 10 + digit % 10;
    }
    return value;
}

/* KerberosTime, 5.2.3: YYYYMMDDhhmmssZ, and the Microseconds (5.2.4) beside it, as ns since 1970. 0 where there is none. */
static uint64_t moment(struct cursor *whole, struct view time, struct view microseconds) {
    enum { FIRST_YEAR = 1970, LAST_YEAR = 2500, MICROSECONDS = 1000000 };
    if (!time.p) {
        return 0;
    }
    struct cursor c = cursor_over(der_field(whole, time, DER_GENERALIZED_TIME));
    unsigned year = digits(&c, 4), month = digits(&c, 2), day = digits(&c, 2);
    unsigned hour = digits(&c, 2), minute = digits(&c, 2), second = digits(&c, 2);
    bool good = cursor_u8(&c) == 'Z' && cursor_ok(&c) && cursor_left(&c) == 0 && year >= FIRST_YEAR &&
                year <= LAST_YEAR && month >= 1 && month <= 12 && day >= 1 && day <= 31 && hour < 24 && minute < 60 &&
                second <= 60;
    uint32_t fraction = microseconds.p ? number(whole, microseconds) : 0;
    if (!good || fraction >= MICROSECONDS) {
        whole->failed = true;
        return 0;
    }
    uint64_t seconds = calendar_days(year, month, day) * 86400 + hour * UINT64_C(3600) + minute * UINT64_C(60) + second;
    return (seconds * MICROSECONDS + fraction) * UINT64_C(1000);
}

/* KERB-EXT-ERROR, MS-KILE 2.2.1 */
static void extended(struct cursor *whole, struct view value, struct kerberos_message *m) {
    struct cursor c = cursor_over(der_field(whole, value, DER_OCTET_STRING));
    uint32_t status = cursor_le32(&c);
    cursor_skip(&c, 4 + 4); /* reserved, flags */
    whole->failed = whole->failed || !cursor_ok(&c);
    m->has_error_status = cursor_ok(&c);
    m->error_status = m->has_error_status ? status : 0;
}

/* What e-data is depends on the error and on who sends it (RFC 4120 5.9.1): where it is no KERB-ERROR-DATA, MS-KILE 2.2.2, that is no fault. */
static void error_data(struct cursor *whole, struct view field, struct kerberos_message *m) {
    enum { SKEW_RECOVERY = 2, EXTENDED = 3 };
    struct view fields[DATA_FIELDS];
    struct cursor data = cursor_over(field);
    uint32_t type = 0;
    fields_of(&data, der_field(whole, field, DER_OCTET_STRING), fields, DATA_FIELDS);
    if (!field.p || !cursor_ok(&data) || !der_u32(der_field(&data, fields[DATA_TYPE], DER_INTEGER), &type)) {
        return;
    }
    m->skew_recovery = type == SKEW_RECOVERY;
    if (type == EXTENDED) {
        extended(whole, fields[DATA_VALUE], m);
    }
}

/* It may name the client, but does not show that this is who asked: it is left alone. */
static void krb_error(struct arena *mem, struct cursor *c, struct view message, struct kerberos_message *m) {
    struct view fields[ERROR_FIELDS];
    fields_of(c, message, fields, ERROR_FIELDS);
    c->failed = c->failed || number(c, fields[MSG_TYPE]) != KERBEROS_ERROR;
    m->error_code = number(c, fields[ERROR_CODE]);
    m->has_error_code = cursor_ok(c);
    m->realm = string(c, fields[ERROR_REALM]);
    m->service = service(mem, c, fields[ERROR_SNAME]);
    m->error_text = string(c, fields[E_TEXT]);
    m->client_time = moment(c, fields[CTIME], fields[CUSEC]);
    m->server_time = moment(c, fields[STIME], fields[SUSEC]);
    error_data(c, fields[E_DATA], m);
}

static void message(struct arena *mem, struct cursor *c, struct der e, struct kerberos_message *m) {
    if (e.tag == AP_REQ) {
        ap_req(mem, c, e.contents, m);
    } else if (e.tag == AP_REP) {
        ap_rep(c, e.contents, m);
    } else {
        krb_error(mem, c, e.contents, m);
    }
}

/* The token identifier of RFC 4121 4.1, where there is one, must be that of the message. */
static bool announced(uint16_t id, uint8_t tag) {
    enum { ID_AP_REQ = 0x0100, ID_AP_REP = 0x0200, ID_KRB_ERROR = 0x0300 };
    return (id == ID_AP_REQ && tag == AP_REQ) || (id == ID_AP_REP && tag == AP_REP) ||
           (id == ID_KRB_ERROR && tag == KRB_ERROR);
}

static bool is_tag(uint8_t tag) {
    return tag == AP_REQ || tag == AP_REP || tag == KRB_ERROR;
}

/* A message, with a token identifier in front or without. Another token of Kerberos, such as that of user-to-user (draft-swift-win2k-
 * krb-user2user-03), is none of these. */
static enum verdict dissect(struct dissection *d, struct view v) {
    struct cursor c = cursor_over(v);
    if (v.n == 0) {
        return V_NOT_MINE;
    }
    uint16_t id = is_tag(v.p[0]) ? 0 : cursor_be16(&c);
    struct view rest = cursor_rest(&c);
    if (rest.n == 0 || !is_tag(rest.p[0]) || (id != 0 && !announced(id, rest.p[0]))) {
        return V_NOT_MINE;
    }
    c = cursor_over(rest);
    struct der e = der_next(&c);
    if (!cursor_ok(&c)) {
        return V_SHORT;
    }
    struct pdu pdu = {.kind = PDU_KERBEROS,
                      .kerberos = {.type = (enum kerberos_type)(e.tag & ~(unsigned)DER_APPLICATION)}};
    message(d->mem, &c, e, &pdu.kerberos);
    pdu.verdict = !cursor_ok(&c) ? V_BAD : d->mem->overflowed ? V_LIMIT : V_OK;
    d->deliver(d->arg, &pdu);
    return pdu.verdict;
}

const struct dissector dissector_kerberos = {"kerberos", dissect};
