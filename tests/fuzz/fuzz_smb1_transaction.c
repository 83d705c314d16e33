/* The decoders of whole SMB1 transactions: what a request asks, and what the response to it says.
 *
 * The input: a byte of flags (bits 0 and 1: TRANSACTION, TRANSACTION2, NT_TRANSACT or none of them, 2: Unicode, 3: parameters at an odd
 * offset), the function of NT_TRANSACT (2 bytes, least significant first as all numbers here), then the request and the response: four
 * lengths of 2 bytes, and as many bytes each of name, setup, parameters and data.
 *
 * The response is read as one to the request, and as one to what the request's data chooses, whatever the request was. */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "../unit/touch_smb1_trans.h"
#include "cursor.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { COMMANDS = 3, UNICODE = 4, ODD = 8, EVEN_OFFSET = 68 };

/* In memory of its own, so that a sanitizer sees a read behind it. */
static struct view copied(struct cursor *c, uint16_t length) {
    size_t left = cursor_left(c), n = length < left ? length : left;
    struct view v = cursor_take(c, n);
    uint8_t *copy = malloc(n ? n : 1);
    assert(copy);
    if (n) {
        memcpy(copy, v.p, n);
    }
    return (struct view){copy, n};
}

static void take_parts(struct cursor *c, struct smb1_parts *p) {
    uint16_t name = cursor_le16(c), setup = cursor_le16(c), parameters = cursor_le16(c), all = cursor_le16(c);
    p->name = (struct text){copied(c, name), p->unicode ? ENC_UTF16LE : ENC_OEM};
    p->setup = copied(c, setup);
    p->parameters = copied(c, parameters);
    p->data = copied(c, all);
}

static void drop_parts(struct smb1_parts *p) {
    const struct view views[] = {p->name.bytes, p->setup, p->parameters, p->data};
    for (size_t i = 0; i < sizeof views / sizeof *views; i++) {
        free((void *)(uintptr_t)views[i].p);
    }
}

static void answer(const struct smb1_parts *p, const struct smb1_subject *s) {
    struct smb1_transaction_response a;
    const char *names[] = {smb1_subcommand_name(s), smb1_level_name(s)};
    assert((!names[0] || *names[0]) && (!names[1] || *names[1]));
    enum verdict v = smb1_transaction_answer(p, s, &a);
    assert((v == V_OK || v == V_BAD) && a.kind == s->kind);
    touch_trans_response(&a, s);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static const uint8_t commands[COMMANDS + 1] = {SMB1_TRANSACTION, SMB1_TRANSACTION2, SMB1_NT_TRANSACT, SMB1_CLOSE};
    struct cursor c = cursor_over((struct view){data, size});
    uint8_t flags = cursor_u8(&c);
    struct smb1_parts asked = {.command = commands[flags % (COMMANDS + 1)], .unicode = flags & UNICODE};
    asked.parameter_offset = EVEN_OFFSET + (flags & ODD ? 1 : 0);
    asked.function = cursor_le16(&c);
    struct smb1_parts said = asked;
    take_parts(&c, &asked);
    take_parts(&c, &said);
    struct smb1_transaction_request q = {0};
    enum verdict v = smb1_transaction_ask(&asked, &q);
    assert(v == (asked.command == SMB1_CLOSE ? V_NOT_MINE : v == V_OK ? V_OK : V_BAD));
    if (v != V_NOT_MINE) {
        touch_trans_request(&q);
        answer(&said, &q.subject);
        struct cursor any = cursor_over(asked.data);
        q.subject.kind = cursor_u8(&any) % (SMB1_SUBJECT_NT + 1);
        q.subject.subcommand = cursor_u8(&any);
        q.subject.level = cursor_le16(&any);
        q.subject.flags = cursor_le16(&any);
        answer(&said, &q.subject);
    }
    drop_parts(&asked);
    drop_parts(&said);
    return 0;
}
