/* NEGOTIATE and its contexts, MS-SMB2 2.2.3 and 2.2.4. */
#include <setjmp.h>
#include <stdarg.h>

#include "truncate.h"

#include <cmocka.h>

static size_t context_at; /* where the last context begins */

static void put_context(struct octets *o, uint16_t type, uint16_t length) {
    put_padding(o);
    context_at = o->n;
    put16(o, type);
    put16(o, length);
    put32(o, 0);
}

static void put_contexts(struct octets *o) {
    put_context(o, SMB2_PREAUTH_INTEGRITY_CAPABILITIES, 4 + 2 + 32);
    put16(o, 1);
    put16(o, 32);
    put16(o, 1);
    put_series(o, 0, 32);
    put_context(o, SMB2_ENCRYPTION_CAPABILITIES, 2 + 4);
    put16(o, 2);
    put16(o, 2);
    put16(o, 1);
    put_context(o, SMB2_COMPRESSION_CAPABILITIES, 8 + 6);
    put16(o, 3);
    put16(o, 0);
    put32(o, 1);
    put16(o, 3);
    put16(o, 2);
    put16(o, 4);
    put_context(o, SMB2_NETNAME_NEGOTIATE_CONTEXT_ID, 8);
    put_utf16(o, "fs01");
    put_context(o, SMB2_TRANSPORT_CAPABILITIES, 4);
    put32(o, 1);
    put_context(o, SMB2_RDMA_TRANSFORM_CAPABILITIES, 8 + 4);
    put16(o, 2);
    put_zeros(o, 6);
    put16(o, 1);
    put16(o, 2);
    put_context(o, 0x4711, 3);
    put_series(o, 0, 3);
    put_context(o, SMB2_SIGNING_CAPABILITIES, 2 + 4);
    put16(o, 2);
    put16(o, 2);
    put16(o, 1);
}

static void assert_contexts(const struct smb2_negotiate_contexts *c) {
    assert_int_equal(c->count, 8);
    assert_true(c->whole);
    assert_int_equal(c->unknown, 1);
    assert_int_equal(c->present, 0x1EE);
    assert_int_equal(c->hash_algorithms.count, 1);
    assert_int_equal(c->hash_algorithms.items[0], 1);
    assert_int_equal(c->ciphers.count, 2);
    assert_int_equal(c->ciphers.items[0], 2);
    assert_int_equal(c->compression_flags, 1);
    assert_int_equal(c->compression_algorithms.count, 3);
    assert_int_equal(c->compression_algorithms.items[2], 4);
    assert_true(text_is(c->netname, "fs01"));
    assert_int_equal(c->transport_flags, 1);
    assert_int_equal(c->rdma_transforms.count, 2);
    assert_int_equal(c->rdma_transforms.items[1], 2);
    assert_int_equal(c->signing_algorithms.count, 2);
    assert_int_equal(c->signing_algorithms.items[0], 2);
}

static void request_of(struct octets *o, unsigned dialects, uint32_t context_offset, uint16_t context_count) {
    static const uint16_t known[] = {0x0202, 0x0210, 0x0300, 0x0302, 0x0311};
    smb2_request(o, SMB2_NEGOTIATE);
    put16(o, 36);
    put16(o, (uint16_t)dialects);
    put16(o, SMB2_NEGOTIATE_SIGNING_REQUIRED);
    put16(o, 0);
    put32(o, SMB2_GLOBAL_CAP_LEASING);
    put_series(o, 0x30, 16);
    put32(o, context_offset);
    put16(o, context_count);
    put16(o, 0);
    for (unsigned i = 0; i < dialects && i < 5; i++) {
        put16(o, known[i]);
    }
}

static void request(void **state) {
    (void)state;
    struct octets o;
    request_of(&o, 4, 0x11223344, 0x5566); /* ClientStartTime: not for us to follow */
    struct smb2_negotiate_request r = dissect_good(&o).negotiate_request;
    assert_int_equal(r.security_mode, SMB2_NEGOTIATE_SIGNING_REQUIRED);
    assert_int_equal(r.capabilities, SMB2_GLOBAL_CAP_LEASING);
    assert_int_equal(r.client_guid.bytes[0], 0x30);
    assert_int_equal(r.client_guid.bytes[15], 0x3F);
    assert_int_equal(r.dialects.count, 4);
    assert_int_equal(r.dialects.items[3], 0x0302);
    assert_int_equal(r.contexts.count, 0);
    truncate_all(&o, o.n);
}

static void request_with_contexts(void **state) {
    (void)state;
    struct octets o;
    request_of(&o, 5, 112, 8);
    put_contexts(&o);
    struct smb2_negotiate_request r = dissect_good(&o).negotiate_request;
    assert_int_equal(r.dialects.count, 5);
    assert_contexts(&r.contexts);
    truncate_all(&o, o.n);
}

static void dialects_that_lie(void **state) {
    (void)state;
    struct octets o;
    request_of(&o, 4, 0, 0);
    set_le(&o, 66, 2, 5);
    assert_int_equal(dissect_as(&o, V_BAD).negotiate_request.dialects.count, 0);
    set_le(&o, 66, 2, 0xFFFF);
    assert_int_equal(dissect_as(&o, V_BAD).negotiate_request.security_mode, SMB2_NEGOTIATE_SIGNING_REQUIRED);
}

static void context_lists_that_lie(void **state) {
    (void)state;
    static const struct {
        uint32_t offset;
        uint16_t count, found;
    } lies[] = {{112, 9, 8}, {112, 0xFFFF, 8},   {0, 8, 0},         {64, 8, 0},
                {99, 8, 0},  {0xFFFFFFF8, 8, 0}, {UINT32_MAX, 1, 0}};
    struct octets o;
    for (unsigned i = 0; i < sizeof lies / sizeof *lies; i++) {
        request_of(&o, 5, lies[i].offset, lies[i].count);
        put_contexts(&o);
        struct smb2_negotiate_request r = dissect_as(&o, V_BAD).negotiate_request;
        assert_int_equal(r.contexts.count, lies[i].found);
        assert_false(r.contexts.whole);
        assert_int_equal(r.dialects.count, 5);
    }
}

/* One context of each type, whose data is too short for what it says or for anything at all. */
static void contexts_too_short_for_their_type(void **state) {
    (void)state;
    struct octets o;
    for (uint16_t type = SMB2_PREAUTH_INTEGRITY_CAPABILITIES; type <= SMB2_SIGNING_CAPABILITIES; type++) {
        bool empty_is_good = type == 4 || type == SMB2_NETNAME_NEGOTIATE_CONTEXT_ID;
        request_of(&o, 5, 112, 1);
        put_context(&o, type, 0);
        assert_int_equal(dissect_as(&o, empty_is_good ? V_OK : V_BAD).negotiate_request.contexts.count, 1);
        if (type == 4 || type == SMB2_TRANSPORT_CAPABILITIES) {
            continue;
        }
        request_of(&o, 5, 112, 1);
        put_context(&o, type, 9);
        put16(&o, 0xFFFF); /* a count, or the first letter of a name of four and a half */
        put_zeros(&o, 7);
        dissect_as(&o, V_BAD);
    }
}

static void a_context_longer_than_the_message_is_bad(void **state) {
    (void)state;
    struct octets o;
    request_of(&o, 5, 112, 8);
    put_contexts(&o);
    set_le(&o, context_at + 2, 2, 7);
    assert_int_equal(dissect_as(&o, V_BAD).negotiate_request.contexts.count, 7);
    set_le(&o, context_at + 2, 2, 0xFFFF);
    struct smb2_negotiate_request r = dissect_as(&o, V_BAD).negotiate_request;
    assert_int_equal(r.contexts.count, 7);
    assert_false(r.contexts.whole);
    request_of(&o, 5, 0, 0); /* none at all is a whole list as well */
    assert_true(dissect_good(&o).negotiate_request.contexts.whole);
}

static void response_of(struct octets *o, uint16_t dialect) {
    smb2_response(o, SMB2_NEGOTIATE, STATUS_SUCCESS);
    put16(o, 65);
    put16(o, SMB2_NEGOTIATE_SIGNING_ENABLED);
    put16(o, dialect);
    put16(o, 8);
    put_series(o, 0x70, 16);
    put32(o, SMB2_GLOBAL_CAP_DFS);
    put32(o, 1 << 20);
    put32(o, 2 << 20);
    put32(o, 4 << 20);
    put64(o, UINT64_C(0x01D9000000000000));
    put64(o, 5);
    put16(o, 128);
    put16(o, 11);
    put32(o, 144);
    put_series(o, 0x90, 11);
    put_contexts(o);
}

static void response(void **state) {
    (void)state;
    struct octets o;
    response_of(&o, 0x0311);
    struct smb2_negotiate_response r = dissect_good(&o).negotiate_response;
    assert_int_equal(r.security_mode, SMB2_NEGOTIATE_SIGNING_ENABLED);
    assert_int_equal(r.dialect, 0x0311);
    assert_int_equal(r.server_guid.bytes[15], 0x7F);
    assert_int_equal(r.capabilities, SMB2_GLOBAL_CAP_DFS);
    assert_int_equal(r.max_transact_size, 1 << 20);
    assert_int_equal(r.max_read_size, 2 << 20);
    assert_int_equal(r.max_write_size, 4 << 20);
    assert_int_equal(r.system_time, UINT64_C(0x01D9000000000000));
    assert_int_equal(r.server_start_time, 5);
    assert_true(view_is_series(r.token, 0x90, 11));
    assert_contexts(&r.contexts);
    truncate_all(&o, o.n);
}

static void response_of_another_dialect_has_no_contexts(void **state) {
    (void)state;
    struct octets o;
    response_of(&o, 0x0302);
    assert_int_equal(dissect_good(&o).negotiate_response.contexts.count, 0);
    truncate_all(&o, 128 + 11);
}

static void tokens_that_lie(void **state) {
    (void)state;
    static const struct { uint16_t offset, length; } lies[] = {{0, 1}, {127, 1}, {0xFFFF, 1}, {128, 0xFFFF}};
    struct octets o;
    for (unsigned i = 0; i < sizeof lies / sizeof *lies; i++) {
        response_of(&o, 0x0311);
        set_le(&o, 120, 2, lies[i].offset);
        set_le(&o, 122, 2, lies[i].length);
        struct smb2_negotiate_response r = dissect_as(&o, V_BAD).negotiate_response;
        assert_int_equal(r.token.n, 0);
        assert_contexts(&r.contexts);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(request),
        cmocka_unit_test(request_with_contexts),
        cmocka_unit_test(dialects_that_lie),
        cmocka_unit_test(context_lists_that_lie),
        cmocka_unit_test(contexts_too_short_for_their_type),
        cmocka_unit_test(a_context_longer_than_the_message_is_bad),
        cmocka_unit_test(response),
        cmocka_unit_test(response_of_another_dialect_has_no_contexts),
        cmocka_unit_test(tokens_that_lie),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
