/* CREATE, MS-SMB2 2.2.13 and 2.2.14. */
#include <setjmp.h>
#include <stdarg.h>

#include "truncate.h"

#include <cmocka.h>

/* contexts_offset 0: none; they begin at the next multiple of 8 behind the name. */
static void request_of(struct octets *o, const char *name) {
    smb2_request(o, SMB2_CREATE);
    put16(o, 57);
    put8(o, 0);
    put8(o, SMB2_OPLOCK_LEVEL_LEASE);
    put32(o, 2);
    put_zeros(o, 16);
    put32(o, 0x00120089);
    put32(o, FILE_ATTRIBUTE_HIDDEN);
    put32(o, FILE_SHARE_READ);
    put32(o, FILE_OPEN_IF);
    put32(o, FILE_DELETE_ON_CLOSE);
    put16(o, 120);
    put16(o, (uint16_t)(2 * strlen(name)));
    put32(o, 0);
    put32(o, 0);
    put_utf16(o, name);
}

static void request(void **state) {
    (void)state;
    struct octets o;
    request_of(&o, "Temp\\a.exe");
    struct smb2_create_request r = dissect_good(&o).create_request;
    assert_int_equal(r.oplock_level, SMB2_OPLOCK_LEVEL_LEASE);
    assert_int_equal(r.impersonation_level, 2);
    assert_int_equal(r.desired_access, 0x00120089);
    assert_int_equal(r.file_attributes, FILE_ATTRIBUTE_HIDDEN);
    assert_int_equal(r.share_access, FILE_SHARE_READ);
    assert_int_equal(r.create_disposition, FILE_OPEN_IF);
    assert_int_equal(r.create_options, FILE_DELETE_ON_CLOSE);
    assert_true(text_is(r.name, "Temp\\a.exe"));
    assert_int_equal(r.contexts.count, 0);
    truncate_all(&o, o.n);
}

/* Buffer is one byte at least, but it means nothing and clients leave it out. */
static void the_root_has_no_name(void **state) {
    (void)state;
    struct octets o;
    request_of(&o, "");
    struct smb2_message m = dissect_good(&o);
    assert_int_equal(m.create_request.name.bytes.n, 0);
    assert_false(m.create_request.name_lost);
    assert_false(m.empty);
    set_le(&o, 64 + 44, 2, 0xFFFF); /* an offset without a length says nothing */
    dissect_good(&o);
    put8(&o, 0);
    truncate_all(&o, o.n - 1);
}

static void names_that_lie(void **state) {
    (void)state;
    static const struct {
        uint16_t offset, length;
    } lies[] = {{0, 6}, {64, 6}, {119, 6}, {121, 6}, {120, 8}, {0xFFFF, 2}, {120, 0xFFFE}};
    struct octets o;
    for (unsigned i = 0; i < sizeof lies / sizeof *lies; i++) {
        request_of(&o, "abc");
        set_le(&o, 64 + 44, 2, lies[i].offset);
        set_le(&o, 64 + 46, 2, lies[i].length);
        struct smb2_message m = dissect_as(&o, V_BAD);
        assert_int_equal(m.create_request.name.bytes.n, 0);
        assert_true(m.create_request.name_lost);
        assert_int_equal(m.create_request.create_options, FILE_DELETE_ON_CLOSE);
        assert_false(m.empty);
    }
    request_of(&o, "abc");
    set_le(&o, 64 + 46, 2, 5);
    assert_true(text_is(dissect_as(&o, V_BAD).create_request.name, "ab"));
}

/* A context that is the last so far; the one before is told where it begins. */
struct context_list {
    struct octets *o;
    size_t offset_at, first, last; /* where the message says where the list begins; where contexts begin */
};

static void put_context(struct context_list *list, const char *name, size_t name_length, uint32_t data_length) {
    struct octets *o = list->o;
    put_padding(o);
    if (list->first == 0) {
        list->first = o->n;
    } else {
        set_le(o, list->last, 4, o->n - list->last);
    }
    list->last = o->n;
    size_t data_offset = (16 + name_length + 7) & ~(size_t)7;
    put32(o, 0);
    put16(o, 16);
    put16(o, (uint16_t)name_length);
    put16(o, 0);
    put16(o, (uint16_t)(data_length ? data_offset : 0));
    put32(o, data_length);
    put_bytes(o, name, name_length);
    if (data_length) {
        put_padding(o);
    }
}

/* The message is told where the list is. */
static void end_contexts(struct context_list *list) {
    set_le(list->o, list->offset_at, 4, list->first);
    set_le(list->o, list->offset_at + 4, 4, list->o->n - list->first);
}

static struct context_list request_list(struct octets *o) {
    request_of(o, "abc");
    return (struct context_list){o, 64 + 48, 0, 0};
}

static void put_lease_v2(struct octets *o) {
    put_series(o, 0x50, 16);
    put32(o, SMB2_LEASE_READ_CACHING | SMB2_LEASE_HANDLE_CACHING);
    put32(o, SMB2_LEASE_FLAG_PARENT_LEASE_KEY_SET);
    put64(o, 0);
    put_series(o, 0x60, 16);
    put32(o, 1);
}

static void put_request_contexts(struct context_list *list) {
    struct octets *o = list->o;
    put_context(list, "DH2Q", 4, 32);
    put32(o, 60000);
    put32(o, SMB2_DHANDLE_FLAG_PERSISTENT);
    put64(o, 0);
    put_series(o, 0x40, 16);
    put_context(list, "MxAc", 4, 0);
    put_context(list, "QFid", 4, 0);
    put_context(list, "RqLs", 4, 52);
    put_lease_v2(o);
    put_context(list, "AlSi", 4, 8);
    put64(o, 1 << 20);
    put_context(list, "TWrp", 4, 8);
    put64(o, UINT64_C(0x01DA123456789ABC));
    put_context(list, "\x45\xBC\xA6\x6A\xEF\xA7\xF7\x4A\x90\x08\xFA\x46\x2E\x14\x4D\x74", 16, 20);
    put16(o, 20);
    put16(o, 0);
    put_series(o, 0x80, 16);
    put_context(list, "SecD", 4, 3);
    put_series(o, 0, 3);
    put_context(list, "what", 4, 5);
    put_series(o, 1, 5);
}

static void request_with_contexts(void **state) {
    (void)state;
    struct octets o;
    struct context_list list = request_list(&o);
    put_request_contexts(&list);
    end_contexts(&list);
    struct smb2_create_contexts c = dissect_good(&o).create_request.contexts;
    assert_int_equal(c.count, 9);
    assert_int_equal(c.items[0].kind, SMB2_CREATE_CONTEXT_DURABLE_HANDLE_REQUEST_V2);
    assert_int_equal(c.items[1].kind, SMB2_CREATE_CONTEXT_QUERY_MAXIMAL_ACCESS);
    assert_int_equal(c.items[2].kind, SMB2_CREATE_CONTEXT_QUERY_ON_DISK_ID);
    assert_int_equal(c.items[3].kind, SMB2_CREATE_CONTEXT_REQUEST_LEASE_V2);
    assert_int_equal(c.items[6].kind, SMB2_CREATE_CONTEXT_APP_INSTANCE_ID);
    assert_int_equal(c.items[7].kind, SMB2_CREATE_CONTEXT_SD_BUFFER);
    assert_int_equal(c.items[8].kind, SMB2_CREATE_CONTEXT_UNKNOWN);
    assert_memory_equal(c.items[8].name.p, "what", 4);
    assert_true(view_is_series(c.items[8].data, 1, 5));
    assert_true(c.durable_request && !c.durable_reconnect && c.persistent);
    assert_true(c.has_create_guid && c.create_guid.bytes[15] == 0x4F);
    assert_true(c.has_lease && c.lease_key.bytes[15] == 0x5F && c.parent_lease_key.bytes[15] == 0x6F);
    assert_int_equal(c.lease_state, SMB2_LEASE_READ_CACHING | SMB2_LEASE_HANDLE_CACHING);
    assert_int_equal(c.lease_flags, SMB2_LEASE_FLAG_PARENT_LEASE_KEY_SET);
    assert_true(c.has_allocation_size && c.allocation_size == 1 << 20);
    assert_true(c.has_timewarp && c.timewarp == UINT64_C(0x01DA123456789ABC));
    assert_true(c.has_app_instance && c.app_instance.bytes[15] == 0x8F);
    assert_false(c.has_maximal_access || c.has_disk_id);
    truncate_all(&o, o.n);
}

static void reconnect(void **state) {
    (void)state;
    struct octets o;
    struct context_list list = request_list(&o);
    put_context(&list, "DHnC", 4, 16);
    put_file_id(&o);
    end_contexts(&list);
    struct smb2_create_contexts c = dissect_good(&o).create_request.contexts;
    assert_true(c.durable_reconnect && !c.durable_request);
    assert_int_equal(c.reconnect_id.persistent, TEST_FILE_ID.persistent);
    truncate_all(&o, o.n);
    list = request_list(&o);
    put_context(&list, "DH2C", 4, 36);
    put_file_id(&o);
    put_series(&o, 0x40, 16);
    put32(&o, SMB2_DHANDLE_FLAG_PERSISTENT);
    end_contexts(&list);
    c = dissect_good(&o).create_request.contexts;
    assert_true(c.durable_reconnect && c.persistent && c.has_create_guid);
    assert_int_equal(c.reconnect_id.volatile_part, TEST_FILE_ID.volatile_part);
    assert_int_equal(c.create_guid.bytes[0], 0x40);
    truncate_all(&o, o.n);
}

static void lease_of_the_first_version(void **state) {
    (void)state;
    struct octets o;
    struct context_list list = request_list(&o);
    put_context(&list, "RqLs", 4, 32);
    put_series(&o, 0x50, 16);
    put32(&o, SMB2_LEASE_READ_CACHING);
    put_zeros(&o, 12);
    put_context(&list, "DHnQ", 4, 16);
    put_zeros(&o, 16);
    end_contexts(&list);
    struct smb2_create_contexts c = dissect_good(&o).create_request.contexts;
    assert_int_equal(c.items[0].kind, SMB2_CREATE_CONTEXT_REQUEST_LEASE);
    assert_true(c.has_lease && c.lease_key.bytes[0] == 0x50 && c.lease_state == SMB2_LEASE_READ_CACHING);
    assert_int_equal(c.parent_lease_key.bytes[0], 0);
    assert_true(c.durable_request);
    truncate_all(&o, o.n);
}

static void response_of(struct octets *o) {
    smb2_response(o, SMB2_CREATE, STATUS_SUCCESS);
    put16(o, 89);
    put8(o, SMB2_OPLOCK_LEVEL_BATCH);
    put8(o, SMB2_CREATE_FLAG_REPARSEPOINT);
    put32(o, FILE_CREATED);
    put64(o, 1);
    put64(o, 2);
    put64(o, 3);
    put64(o, 4);
    put64(o, 8192);
    put64(o, 5000);
    put32(o, FILE_ATTRIBUTE_DIRECTORY);
    put32(o, 0);
    put_file_id(o);
    put32(o, 0);
    put32(o, 0);
}

static void response(void **state) {
    (void)state;
    struct octets o;
    response_of(&o);
    struct smb2_create_response r = dissect_good(&o).create_response;
    assert_int_equal(r.oplock_level, SMB2_OPLOCK_LEVEL_BATCH);
    assert_int_equal(r.flags, SMB2_CREATE_FLAG_REPARSEPOINT);
    assert_int_equal(r.create_action, FILE_CREATED);
    assert_int_equal(r.times.creation, 1);
    assert_int_equal(r.times.change, 4);
    assert_int_equal(r.allocation_size, 8192);
    assert_int_equal(r.end_of_file, 5000);
    assert_int_equal(r.file_attributes, FILE_ATTRIBUTE_DIRECTORY);
    assert_int_equal(r.file_id.persistent, TEST_FILE_ID.persistent);
    assert_int_equal(r.file_id.volatile_part, TEST_FILE_ID.volatile_part);
    truncate_all(&o, o.n);
}

static void response_with_contexts(void **state) {
    (void)state;
    struct octets o;
    response_of(&o);
    struct context_list list = {&o, 64 + 80, 0, 0};
    put_context(&list, "MxAc", 4, 8);
    put32(&o, STATUS_SUCCESS);
    put32(&o, 0x001F01FF);
    put_context(&list, "QFid", 4, 32);
    put_series(&o, 0x11, 32);
    put_context(&list, "DH2Q", 4, 8);
    put32(&o, 60000);
    put32(&o, SMB2_DHANDLE_FLAG_PERSISTENT);
    put_context(&list, "RqLs", 4, 52);
    put_lease_v2(&o);
    end_contexts(&list);
    struct smb2_create_contexts c = dissect_good(&o).create_response.contexts;
    assert_int_equal(c.count, 4);
    assert_true(c.has_maximal_access && c.query_status == STATUS_SUCCESS && c.maximal_access == 0x001F01FF);
    assert_true(c.has_disk_id && c.disk_id[31] == 0x30);
    assert_true(c.durable_request && c.persistent && !c.has_create_guid);
    assert_int_equal(c.durable_timeout, 60000);
    assert_true(c.has_lease && c.lease_key.bytes[0] == 0x50);
    truncate_all(&o, o.n);
}

static void lists_that_lie(void **state) {
    (void)state;
    static const struct {
        uint32_t offset, length;
    } lies[] = {{0, 40},           {64, 40},         {119, 40}, {128, 41}, {136, 40},
                {128, UINT32_MAX}, {UINT32_MAX, 40}, {128, 1},  {128, 15}};
    struct octets o;
    for (unsigned i = 0; i < sizeof lies / sizeof *lies; i++) {
        struct context_list list = request_list(&o);
        put_context(&list, "AlSi", 4, 16);
        put_zeros(&o, 16);
        end_contexts(&list);
        assert_int_equal(list.first, 128);
        assert_int_equal(o.n, 168);
        set_le(&o, 64 + 48, 4, lies[i].offset);
        set_le(&o, 64 + 52, 4, lies[i].length);
        struct smb2_create_request r = dissect_as(&o, V_BAD).create_request;
        assert_int_equal(r.contexts.count, 0);
        assert_true(text_is(r.name, "abc"));
    }
}

/* Next backwards, into itself, to the very end and beyond: what stands before is kept. */
static void chains_that_lie(void **state) {
    (void)state;
    static const uint32_t next[] = {1, 8, 15, 48, 52, 0x7FFFFFF8, 0xFFFFFFF8, UINT32_MAX};
    struct octets o;
    for (unsigned i = 0; i < sizeof next / sizeof *next; i++) {
        struct context_list list = request_list(&o);
        put_context(&list, "TWrp", 4, 8);
        put64(&o, 77);
        put_context(&list, "AlSi", 4, 8);
        put64(&o, 88);
        end_contexts(&list);
        set_le(&o, list.last, 4, next[i]);
        struct smb2_create_contexts c = dissect_as(&o, V_BAD).create_request.contexts;
        assert_int_equal(c.count, 2);
        assert_true(c.has_timewarp && c.timewarp == 77);
    }
}

static void contexts_that_lie_about_name_or_data(void **state) {
    (void)state;
    static const struct {
        unsigned at, n;
        uint64_t value;
    } lies[] = {{4, 2, 0xFFFF}, {6, 2, 0xFFFF}, {6, 2, 21},         {10, 2, 0xFFFF},
                {10, 2, 25},    {12, 4, 9},     {12, 4, UINT32_MAX}};
    struct octets o;
    for (unsigned i = 0; i < sizeof lies / sizeof *lies; i++) {
        struct context_list list = request_list(&o);
        put_context(&list, "TWrp", 4, 8);
        put64(&o, 77);
        put_context(&list, "AlSi", 4, 8);
        put64(&o, 88);
        end_contexts(&list);
        set_le(&o, list.last + lies[i].at, lies[i].n, lies[i].value);
        struct smb2_create_contexts c = dissect_as(&o, V_BAD).create_request.contexts;
        assert_int_equal(c.count, 2);
        assert_true(c.has_timewarp && c.timewarp == 77);
        assert_false(c.has_allocation_size);
        assert_int_equal(c.items[1].kind, SMB2_CREATE_CONTEXT_UNKNOWN);
        assert_int_equal(c.items[1].data.n, 0);
    }
}

static void contexts_too_short_for_their_kind(void **state) {
    (void)state;
    static const struct {
        const char *name;
        unsigned name_length;
        uint32_t request, response; /* the least data; 0: none is good */
    } kinds[] = {
        {"AlSi", 4, 8, 8},   {"TWrp", 4, 8, 8},
        {"DHnC", 4, 16, 16}, {"DH2C", 4, 36, 36},
        {"DH2Q", 4, 32, 8},  {"RqLs", 4, 32, 32},
        {"MxAc", 4, 0, 8},   {"QFid", 4, 0, 32},
        {"DHnQ", 4, 0, 0},   {"\x45\xBC\xA6\x6A\xEF\xA7\xF7\x4A\x90\x08\xFA\x46\x2E\x14\x4D\x74", 16, 20, 20},
    };
    struct octets o;
    for (unsigned i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        for (uint32_t length = 0; length <= 40; length++) {
            struct context_list list = request_list(&o);
            put_context(&list, kinds[i].name, kinds[i].name_length, length);
            put_zeros(&o, length);
            end_contexts(&list);
            dissect_as(&o, length < kinds[i].request ? V_BAD : V_OK);
            response_of(&o);
            list = (struct context_list){&o, 64 + 80, 0, 0};
            put_context(&list, kinds[i].name, kinds[i].name_length, length);
            put_zeros(&o, length);
            end_contexts(&list);
            dissect_as(&o, length < kinds[i].response ? V_BAD : V_OK);
        }
    }
}

static void contexts_without_name_and_data(void **state) {
    (void)state;
    struct octets o;
    struct context_list list = request_list(&o);
    put_context(&list, "", 0, 0);
    put_context(&list, "", 0, 0);
    end_contexts(&list);
    struct smb2_create_contexts c = dissect_good(&o).create_request.contexts;
    assert_int_equal(c.count, 2);
    assert_int_equal(c.items[1].kind, SMB2_CREATE_CONTEXT_UNKNOWN);
    truncate_all(&o, o.n);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(request),
        cmocka_unit_test(the_root_has_no_name),
        cmocka_unit_test(names_that_lie),
        cmocka_unit_test(request_with_contexts),
        cmocka_unit_test(reconnect),
        cmocka_unit_test(lease_of_the_first_version),
        cmocka_unit_test(response),
        cmocka_unit_test(response_with_contexts),
        cmocka_unit_test(lists_that_lie),
        cmocka_unit_test(chains_that_lie),
        cmocka_unit_test(contexts_that_lie_about_name_or_data),
        cmocka_unit_test(contexts_too_short_for_their_kind),
        cmocka_unit_test(contexts_without_name_and_data),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
