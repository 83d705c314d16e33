#include "truncate.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "touch.h"

static void put_header(struct octets *o, uint16_t command, uint32_t status, uint32_t flags) {
    o->n = 0;
    put_bytes(o, "\xFESMB", 4);
    put16(o, SMB2_HEADER_SIZE);
    put16(o, TEST_CREDIT_CHARGE);
    put32(o, status);
    put16(o, command);
    put16(o, TEST_CREDITS);
    put32(o, flags);
    put32(o, 0);
    put64(o, TEST_MESSAGE_ID);
    put32(o, 0xFEFF);
    put32(o, TEST_TREE_ID);
    put64(o, TEST_SESSION_ID);
    put_zeros(o, 16);
}

void smb2_request(struct octets *o, uint16_t command) {
    put_header(o, command, 0, 0);
}

void smb2_response(struct octets *o, uint16_t command, uint32_t status) {
    put_header(o, command, status, SMB2_FLAGS_SERVER_TO_REDIR);
}

void put_file_id(struct octets *o) {
    put64(o, TEST_FILE_ID.persistent);
    put64(o, TEST_FILE_ID.volatile_part);
}

static void deliver(void *arg, const struct pdu *pdu) {
    struct outcome *out = arg;
    touch_pdu(pdu);
    if (pdu->kind == PDU_SMB2) {
        out->smb2++;
        out->pdu = *pdu;
    } else {
        assert_int_equal(out->smb2, 0);
        out->others++;
    }
}

enum { ARENA_SIZE = 65536 };

static struct outcome dissect_within(struct view message, uint32_t wire_length, size_t arena_size) {
    static _Alignas(16) unsigned char memory[ARENA_SIZE];
    struct arena arena = {memory, arena_size, 0, false};
    struct outcome out = {0};
    bool response = message.n > 16 && message.p[16] & SMB2_FLAGS_SERVER_TO_REDIR;
    struct dissection d = {
        .mem = &arena,
        .dir = response ? TO_CLIENT : TO_SERVER,
        .wire_length = wire_length ? wire_length : (uint32_t)message.n,
        .deliver = deliver,
        .arg = &out,
    };
    d.missing = d.wire_length - (uint32_t)message.n;
    out.verdict = dissector_smb2.dissect(&d, message);
    return out;
}

struct outcome dissect_smb2(struct view message, uint32_t wire_length) {
    return dissect_within(message, wire_length, ARENA_SIZE);
}

struct smb2_message dissect_as(const struct octets *o, enum verdict verdict) {
    struct outcome out = dissect_smb2(octets_view(o), 0);
    assert_int_equal(out.smb2, 1);
    assert_int_equal(out.verdict, verdict);
    assert_int_equal(out.pdu.verdict, verdict);
    return out.pdu.smb2;
}

struct smb2_message dissect_good(const struct octets *o) {
    return dissect_as(o, V_OK);
}

static void assert_header_equal(const struct smb2_header *a, const struct smb2_header *b) {
    assert_int_equal(a->credit_charge, b->credit_charge);
    assert_int_equal(a->status, b->status);
    assert_int_equal(a->command, b->command);
    assert_int_equal(a->credits, b->credits);
    assert_int_equal(a->flags, b->flags);
    assert_int_equal(a->next_command, b->next_command);
    assert_int_equal(a->message_id, b->message_id);
    assert_int_equal(a->async_id, b->async_id);
    assert_int_equal(a->process_id, b->process_id);
    assert_int_equal(a->tree_id, b->tree_id);
    assert_int_equal(a->session_id, b->session_id);
}

/* The first n bytes, of a message of wire_length. */
static void truncate_one(const struct octets *o, size_t n, size_t needed, uint32_t wire_length,
                         const struct smb2_header *header) {
    uint8_t *copy = malloc(n ? n : 1);
    assert_non_null(copy);
    memcpy(copy, o->b, n);
    struct outcome out = dissect_smb2((struct view){copy, n}, wire_length);
    assert_int_equal(out.smb2, n >= SMB2_HEADER_SIZE ? 1 : 0);
    assert_false(out.verdict == V_OK && n < needed);
    if (wire_length == o->n) {
        assert_int_equal(out.verdict, n >= needed ? V_OK : V_SHORT);
    }
    if (out.smb2) {
        assert_int_equal(out.pdu.verdict, out.verdict);
        assert_header_equal(&out.pdu.smb2.header, header);
        assert_true(out.pdu.smb2.response == ((header->flags & SMB2_FLAGS_SERVER_TO_REDIR) != 0));
    }
    free(copy);
}

/* The whole, with too little memory for its lists and then with enough. */
static void starve(const struct octets *o, const struct smb2_header *header) {
    for (size_t size = 0; size <= 1024; size += 8) {
        struct outcome out = dissect_within(octets_view(o), 0, size);
        assert_int_equal(out.smb2, 1);
        assert_true(out.verdict == V_OK || (out.verdict == V_LIMIT && size < 1024));
        assert_int_equal(out.pdu.verdict, out.verdict);
        assert_header_equal(&out.pdu.smb2.header, header);
    }
}

void truncate_all(const struct octets *o, size_t needed) {
    struct outcome whole = dissect_smb2(octets_view(o), 0);
    assert_int_equal(whole.verdict, V_OK);
    assert_int_equal(whole.smb2, 1);
    for (size_t n = 0; n <= o->n; n++) {
        truncate_one(o, n, needed, (uint32_t)o->n, &whole.pdu.smb2.header);
        truncate_one(o, n, needed, n ? (uint32_t)n : 1, &whole.pdu.smb2.header);
    }
    starve(o, &whole.pdu.smb2.header);
}

bool text_is(struct text t, const char *ascii) {
    if (t.encoding != ENC_UTF16LE || t.bytes.n != 2 * strlen(ascii)) {
        return false;
    }
    for (size_t i = 0; ascii[i]; i++) {
        if (t.bytes.p[2 * i] != (uint8_t)ascii[i] || t.bytes.p[2 * i + 1] != 0) {
            return false;
        }
    }
    return true;
}

bool view_is_series(struct view v, uint8_t first, size_t n) {
    for (size_t i = 0; i < v.n; i++) {
        if (v.p[i] != (uint8_t)(first + i)) {
            return false;
        }
    }
    return v.n == n;
}
