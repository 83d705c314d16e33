#include "smb1_wire.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "touch.h"

static void put_header(struct octets *o, uint8_t command, uint8_t flags, uint16_t flags2, uint32_t status) {
    o->n = 0;
    put_bytes(o, "\xFFSMB", 4);
    put8(o, command);
    put32(o, status);
    put8(o, flags);
    put16(o, flags2);
    put16(o, TEST_PID >> 16);
    put_zeros(o, 8 + 2);
    put16(o, TEST_TID);
    put16(o, TEST_PID & 0xFFFF);
    put16(o, TEST_UID);
    put16(o, TEST_MID);
}

void smb1_request(struct octets *o, uint8_t command, uint16_t flags2) {
    put_header(o, command, SMB_FLAGS_CASE_INSENSITIVE, flags2, 0);
}

void smb1_response(struct octets *o, uint8_t command, uint16_t flags2, uint32_t status) {
    put_header(o, command, SMB_FLAGS_REPLY, flags2, status);
}

void put_andx_end(struct octets *o) {
    put8(o, SMB1_NO_ANDX_COMMAND);
    put8(o, 0);
    put16(o, 0);
}

size_t open_bytes(struct octets *o) {
    put16(o, 0);
    return o->n;
}

void close_bytes(struct octets *o, size_t at) {
    set_le(o, at - 2, 2, o->n - at);
}

void put_oem(struct octets *o, const char *ascii) {
    put_bytes(o, ascii, strlen(ascii) + 1);
}

void put_string(struct octets *o, uint16_t flags2, const char *ascii) {
    if (flags2 & SMB_FLAGS2_UNICODE) {
        put_zeros(o, o->n % 2);
        put_utf16(o, ascii);
        put16(o, 0);
    } else {
        put_oem(o, ascii);
    }
}

void put_path(struct octets *o, uint16_t flags2, const char *ascii) {
    put8(o, 4);
    put_string(o, flags2, ascii);
}

static void deliver(void *arg, const struct pdu *pdu) {
    struct smb1_outcome *out = arg;
    touch_pdu(pdu);
    if (pdu->kind == PDU_SMB1) {
        assert_true(out->count < OUTCOME_PDUS);
        out->pdus[out->count++] = *pdu;
    } else {
        out->others++;
    }
}

const struct smb1_outcome *dissect_smb1_towards(struct view message, uint32_t wire_length, enum direction dir) {
    static _Alignas(16) unsigned char memory[65536];
    static struct smb1_outcome out;
    struct arena arena = {memory, sizeof memory, 0, false};
    out = (struct smb1_outcome){.verdict = V_OK};
    struct dissection d = {
        .mem = &arena,
        .dir = dir,
        .wire_length = wire_length ? wire_length : (uint32_t)message.n,
        .deliver = deliver,
        .arg = &out,
    };
    d.missing = d.wire_length - (uint32_t)message.n;
    out.verdict = dissector_smb1.dissect(&d, message);
    assert_int_equal(d.depth, 0);
    return &out;
}

const struct smb1_outcome *dissect_smb1(struct view message, uint32_t wire_length) {
    bool response = message.n > 9 && message.p[9] & SMB_FLAGS_REPLY;
    return dissect_smb1_towards(message, wire_length, response ? TO_CLIENT : TO_SERVER);
}

struct smb1_message smb1_as(const struct octets *o, enum verdict verdict) {
    const struct smb1_outcome *out = dissect_smb1(octets_view(o), 0);
    assert_int_equal(out->count, 1);
    assert_int_equal(out->verdict, verdict);
    assert_int_equal(out->pdus[0].verdict, verdict);
    assert_true(out->pdus[0].smb1.chain_last);
    return out->pdus[0].smb1;
}

struct smb1_message smb1_good(const struct octets *o) {
    return smb1_as(o, V_OK);
}

/* The first n bytes, of a message of wire_length. */
static void truncate_one(const struct octets *o, size_t n, size_t needed, uint32_t wire_length) {
    uint8_t *copy = malloc(n ? n : 1);
    assert_non_null(copy);
    memcpy(copy, o->b, n);
    bool response = o->b[9] & SMB_FLAGS_REPLY;
    const struct smb1_outcome *out =
        dissect_smb1_towards((struct view){copy, n}, wire_length, response ? TO_CLIENT : TO_SERVER);
    assert_true(n >= SMB1_HEADER_SIZE ? out->count > 0 : out->count == 0);
    assert_false(out->verdict == V_OK && n < needed);
    if (wire_length == o->n) {
        assert_int_equal(out->verdict, n >= needed ? V_OK : V_SHORT);
    }
    if (out->count) {
        assert_int_equal(out->pdus[0].smb1.header.message_id, TEST_MID);
        assert_true(out->pdus[out->count - 1].smb1.chain_last);
    }
    free(copy);
}

void smb1_truncate_all(const struct octets *o, size_t needed) {
    for (size_t n = 0; n <= o->n; n++) {
        truncate_one(o, n, needed, (uint32_t)o->n);
        truncate_one(o, n, needed, n ? (uint32_t)n : 1);
    }
}

struct smb1_message smb1_whole(const struct octets *o) {
    smb1_truncate_all(o, o->n);
    return smb1_good(o);
}

bool text_says(struct text t, enum encoding encoding, const char *ascii) {
    size_t unit = encoding == ENC_UTF16LE ? 2 : 1;
    if (t.encoding != encoding || t.bytes.n != unit * strlen(ascii)) {
        return false;
    }
    for (size_t i = 0; ascii[i]; i++) {
        if (t.bytes.p[unit * i] != (uint8_t)ascii[i] || (unit == 2 && t.bytes.p[2 * i + 1] != 0)) {
            return false;
        }
    }
    return true;
}

bool smb1_says(struct text t, uint16_t flags2, const char *ascii) {
    return text_says(t, flags2 & SMB_FLAGS2_UNICODE ? ENC_UTF16LE : ENC_OEM, ascii);
}
