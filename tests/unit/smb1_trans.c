#include "smb1_trans.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "touch_smb1_trans.h"

void trans_begin(struct trans *t, uint8_t command, bool unicode, uint16_t subcommand) {
    t->command = command;
    t->unicode = unicode;
    t->function = command == SMB1_NT_TRANSACT ? subcommand : 0;
    t->parameter_offset = 68;
    t->name.n = t->setup.n = t->parameters.n = t->data.n = 0;
    if (command == SMB1_TRANSACTION2) {
        put16(&t->setup, subcommand);
    }
}

void trans_string(struct octets *o, const struct trans *t, const char *ascii) {
    if (t->unicode) {
        put_utf16(o, ascii);
        put16(o, 0);
    } else {
        put_oem(o, ascii);
    }
}

static struct smb1_parts parts_of(const struct trans *t) {
    return (struct smb1_parts){
        .command = t->command,
        .unicode = t->unicode,
        .function = t->function,
        .parameter_offset = t->parameter_offset,
        .name = {octets_view(&t->name), t->unicode ? ENC_UTF16LE : ENC_OEM},
        .setup = octets_view(&t->setup),
        .parameters = octets_view(&t->parameters),
        .data = octets_view(&t->data),
    };
}

static enum verdict run(const struct smb1_parts *p, const struct smb1_subject *s) {
    struct smb1_transaction_request q;
    struct smb1_transaction_response a;
    if (!s) {
        enum verdict v = smb1_transaction_ask(p, &q);
        touch_trans_request(&q);
        return v;
    }
    enum verdict v = smb1_transaction_answer(p, s, &a);
    touch_trans_response(&a, s);
    return v;
}

/* All beginnings of one part; the others are whole. */
static void truncate_part(const struct trans *t, size_t part, const struct smb1_subject *s) {
    struct smb1_parts p = parts_of(t);
    struct view *const views[] = {&p.name.bytes, &p.setup, &p.parameters, &p.data};
    struct view whole = *views[part];
    for (size_t n = 0; n <= whole.n; n++) {
        uint8_t *copy = malloc(n ? n : 1);
        assert_non_null(copy);
        memcpy(copy, whole.p, n);
        *views[part] = (struct view){copy, n};
        enum verdict v = run(&p, s);
        assert_true(v == V_OK || v == V_BAD);
        free(copy);
    }
}

struct smb1_transaction_request trans_ask(const struct trans *t, enum verdict verdict) {
    for (size_t part = 0; part < 4; part++) {
        truncate_part(t, part, NULL);
    }
    struct smb1_parts p = parts_of(t);
    struct smb1_transaction_request q;
    assert_int_equal(smb1_transaction_ask(&p, &q), verdict);
    return q;
}

struct smb1_transaction_response trans_answer(const struct trans *t, const struct smb1_subject *s,
                                              enum verdict verdict) {
    for (size_t part = 0; part < 4; part++) {
        truncate_part(t, part, s);
    }
    struct smb1_parts p = parts_of(t);
    struct smb1_transaction_response a;
    assert_int_equal(smb1_transaction_answer(&p, s, &a), verdict);
    return a;
}

bool trans_says(const struct trans *t, struct text text, const char *ascii) {
    return text_says(text, t->unicode ? ENC_UTF16LE : ENC_OEM, ascii);
}
