/* The examples of MS-SMB section 4, by the bytes and the values of fields that it gives; those of MS-CIFS section 4 have but pictures,
 * and words for the flags of signing (4.3). */
#include <setjmp.h>
#include <stdarg.h>

#include "smb1_bench.h"
#include "smb1_wire.h"

#include <cmocka.h>

static const struct seen *last(struct smb1_bench *s) {
    return bench_last(s->b, 0);
}

/* ---- 4.3: two messages by their bytes, as far as they are printed */

static const struct smb1_outcome *printed(const uint8_t *p, size_t n, uint32_t length, struct octets *o) {
    o->n = 0;
    put_bytes(o, p, n);
    return dissect_smb1(octets_view(o), length);
}

static void signed_session_setup(void **state) {
    (void)state;
    static const uint8_t bytes[] = {0xFF, 0x53, 0x4D, 0x42, 0x73, 0x00, 0x00, 0x00, 0x00, 0x98, 0x07, 0xC8, 0x00,
                                    0x00, 0xAB, 0x44, 0xC4, 0x76, 0x45, 0x84, 0x1A, 0x6A, 0x00, 0x00, 0x00, 0x00,
                                    0xFF, 0xFE, 0x00, 0x08, 0x40, 0x00, 0x04, 0xFF, 0x00, 0x2F, 0x01, 0x00, 0x00,
                                    0xA2, 0x00, 0x04, 0x01, 0xA1, 0x81, 0x9F, 0x30, 0x81, 0x9C, 0xA0, 0x03, 0x0A,
                                    0x01, 0x00, 0xA1, 0x0B, 0x06, 0x09, 0x2A, 0x86, 0x48, 0x82};
    static const uint8_t signature[] = {0xAB, 0x44, 0xC4, 0x76, 0x45, 0x84, 0x1A, 0x6A};
    struct octets o;
    const struct smb1_outcome *out = printed(bytes, sizeof bytes, 0x12F, &o);
    assert_int_equal(out->verdict, V_SHORT);
    assert_int_equal(out->count, 1);
    struct smb1_message m = out->pdus[0].smb1;
    assert_int_equal(m.command, SMB1_SESSION_SETUP_ANDX);
    assert_int_equal(m.header.flags2, 0xC807);
    assert_true(m.header.has_signature && m.header.nt_status && m.response);
    assert_memory_equal(m.header.security_features, signature, sizeof signature);
    assert_int_equal(m.header.process_id, 0xFEFF);
    assert_int_equal(m.header.user_id, 0x800);
    assert_int_equal(m.header.message_id, 0x40);
    assert_false(m.empty || m.chain_cut);
    assert_true(m.session_setup_response.extended_security);
    assert_int_equal(m.session_setup_response.action, 0);
}

static void signed_tree_connect(void **state) {
    (void)state;
    static const uint8_t bytes[] = {0xFF, 0x53, 0x4D, 0x42, 0x75, 0x00, 0x00, 0x00, 0x00, 0x18, 0x07, 0xC8, 0x00,
                                    0x00, 0xA5, 0xB0, 0x43, 0xDC, 0x07, 0x51, 0x0F, 0x8B, 0x00, 0x00, 0x00, 0x00,
                                    0xFF, 0xFE, 0x00, 0x08, 0x80, 0x00, 0x04, 0xFF, 0x00, 0x54, 0x00, 0x0C, 0x00,
                                    0x01, 0x00, 0x29, 0x00, 0x00, 0x5C, 0x00, 0x5C, 0x00, 0x4D, 0x00, 0x4F, 0x00,
                                    0x48, 0x00, 0x41, 0x00, 0x4B, 0x00, 0x34, 0x00, 0x31, 0x00};
    struct octets o;
    const struct smb1_outcome *out = printed(bytes, sizeof bytes, 0x54, &o);
    assert_int_equal(out->verdict, V_SHORT);
    struct smb1_message m = out->pdus[0].smb1;
    assert_int_equal(m.command, SMB1_TREE_CONNECT_ANDX);
    assert_true(m.header.has_signature && !m.response);
    assert_int_equal(m.header.security_features[0], 0xA5);
    assert_int_equal(m.header.message_id, 0x80);
    assert_int_equal(m.tree_connect_request.flags, 0x000C);
    assert_int_equal(m.tree_connect_request.password.length, 1);
    assert_true(smb1_says(m.tree_connect_request.path, TEST_UNICODE, "\\\\MOHAK41")); /* as far as it goes */
}

/* MS-CIFS 4.3, frames 1 to 6, and MS-SMB 4.3: the flag alone is no signature, nor are zeros. */
static void flags_of_signing(void **state) {
    (void)state;
    static const struct {
        uint16_t flags2;
        uint64_t features;
        bool has_signature;
    } frames[] = {
        {0xC843, 0, false}, {0xC853, 0, false}, {0xC807, 0, false}, {0xC803, 0x6A, false}, {0xC807, 0x6A, true}};
    for (unsigned i = 0; i < sizeof frames / sizeof *frames; i++) {
        struct octets o;
        smb1_request(&o, SMB1_TREE_DISCONNECT, frames[i].flags2);
        set_le(&o, 14, 8, frames[i].features);
        put8(&o, 0);
        put16(&o, 0);
        assert_true(smb1_whole(&o).header.has_signature == frames[i].has_signature);
    }
}

/* ---- 4.1: extended security */

static void negotiate(void **state) {
    (void)state;
    static const char *const dialects[] = {
        "PC NETWORK PROGRAM 1.0", "LANMAN1.0", "Windows for Workgroups 3.1a", "LM1.2X002", "LANMAN2.1", "NT LM 0.12"};
    static const uint8_t guid[] = {0x01, 0xB3, 0x1E, 0x23, 0x07, 0x2A, 0xA4, 0x4D,
                                   0xA1, 0x9F, 0xB6, 0x69, 0xF0, 0x45, 0x71, 0x90};
    struct octets o;
    smb1_request(&o, SMB1_NEGOTIATE, 0xC807);
    put8(&o, 0);
    size_t at = open_bytes(&o);
    for (unsigned i = 0; i < 6; i++) {
        put8(&o, 2);
        put_oem(&o, dialects[i]);
    }
    close_bytes(&o, at);
    struct smb1_message m = smb1_whole(&o);
    assert_int_equal(m.negotiate_request.dialects.count, 6);
    for (unsigned i = 0; i < 6; i++) {
        assert_true(text_says(m.negotiate_request.dialects.items[i], ENC_ASCII, dialects[i]));
    }
    smb1_response(&o, SMB1_NEGOTIATE, 0xC807, 0);
    put8(&o, 17);
    put16(&o, 5);
    put_zeros(&o, 17);
    put32(&o, 0x8001F3FD);
    put_zeros(&o, 11);
    at = open_bytes(&o);
    put_bytes(&o, guid, sizeof guid);
    close_bytes(&o, at);
    m = smb1_whole(&o);
    assert_int_equal(m.negotiate_response.dialect_index, 5);
    assert_int_equal(m.negotiate_response.capabilities, 0x8001F3FD);
    assert_true(m.negotiate_response.extended_security);
    assert_memory_equal(m.negotiate_response.server_guid.bytes, guid, sizeof guid);
}

/* Frames 3 to 6: an exchange of two legs under one UID, which the server gives with its first answer. */
static void session_setup(void **state) {
    (void)state;
    struct smb1_bench s = smb1_bench_new(NULL);
    s.flags2 = 0xC807;
    s.tid = 0;
    s.uid = 0;
    for (unsigned leg = 0; leg < 2; leg++) {
        s.mid = leg ? 0x80 : 0x70;
        ask_begin(&s);
        block_begin(&s, SMB1_SESSION_SETUP_ANDX);
        put_zeros(&s.o, 10);
        put16(&s.o, leg ? 226 : 74);
        put_zeros(&s.o, 4);
        put32(&s.o, 0xA0000000);
        block_bytes(&s);
        put_zeros(&s.o, leg ? 226 : 74);
        put_string(&s.o, s.flags2, "");
        put_string(&s.o, s.flags2, "");
        block_end(&s);
        send_it(&s);
        s.uid = 0x802;
        say_begin(&s, leg ? 0 : STATUS_MORE_PROCESSING_REQUIRED);
        block_begin(&s, SMB1_SESSION_SETUP_ANDX);
        put16(&s.o, 0);
        put16(&s.o, leg ? 9 : 349);
        block_bytes(&s);
        put_zeros(&s.o, leg ? 9 : 349);
        put_string(&s.o, s.flags2, "");
        put_string(&s.o, s.flags2, "");
        block_end(&s);
        send_it(&s);
        assert_int_equal(last(&s)->session_id, 0x802);
        assert_true(last(&s)->leg == !leg);
        assert_int_equal(last(&s)->message_id, s.mid);
    }
    assert_int_equal(last(&s)->exchange_begin_ns, bench_last(s.b, 1)->begin_ns);
    peer_close(&s.peer);
    assert_int_equal(s.b->end.errors, 0);
    bench_free(s.b);
}

/* ---- 4.2: snapshots */

static void do_ioctl(struct smb1_bench *s, uint32_t code, uint16_t fid, struct part asked, struct part said) {
    ask_transaction(s, SMB1_NT_TRANSACT, NT_TRANSACT_IOCTL, &asked);
    /* four setup words where there are none: they go in front of ByteCount, and what follows moves */
    struct octets *o = &s->o;
    size_t at = s->bytes_at - 2;
    memmove(o->b + at + 8, o->b + at, o->n - at);
    o->n += 8;
    set_le(o, at, 4, code);
    set_le(o, at + 4, 2, fid);
    set_le(o, at + 6, 2, 1); /* IsFsctl */
    set_le(o, s->words_at - 1, 1, 19 + 4);
    set_le(o, s->words_at + 23, 4, s->bytes_at + 8);                         /* ParameterOffset */
    set_le(o, s->words_at + 31, 4, s->bytes_at + 8 + asked.parameter_count); /* DataOffset */
    set_le(o, s->words_at + 35, 1, 4);                                       /* SetupCount */
    send_it(s);
    say_transaction(s, SMB1_NT_TRANSACT, 0, &said);
    send_it(s);
    s->mid++;
}

static struct part data_of(const void *data, uint32_t n) {
    return (struct part){.total_data = n, .data = data, .data_count = n};
}

static void snapshots(void **state) {
    (void)state;
    static const uint8_t list[] = {0x01, 0x00, 0x00, 0x00, 0x01, 0x00, 0x00, 0x00, 0x34, 0x00, 0x00, 0x00, 0x40,
                                   0x00, 0x47, 0x00, 0x4D, 0x00, 0x54, 0x00, 0x2D, 0x00, 0x32, 0x00, 0x30, 0x00,
                                   0x30, 0x00, 0x36, 0x00, 0x2E, 0x00, 0x30, 0x00, 0x34, 0x00, 0x2E, 0x00, 0x32,
                                   0x00, 0x36, 0x00, 0x2D, 0x00, 0x30, 0x00, 0x34, 0x00, 0x2E, 0x00, 0x30, 0x00,
                                   0x38, 0x00, 0x2E, 0x00, 0x32, 0x00, 0x37, 0x00, 0x00, 0x00, 0x00, 0x00};
    struct smb1_bench s = smb1_bench_settled();
    do_create(&s, "", 0x4007, 0);
    do_ioctl(&s, FSCTL_SRV_ENUMERATE_SNAPSHOTS, 0x4007, (struct part){0}, data_of(list, sizeof list));
    assert_int_equal(last(&s)->kind, OPERATION_IOCTL);
    assert_int_equal(last(&s)->file_id.volatile_part, 0x4007);
    assert_string_equal(last(&s)->name, "");
    s.flags2 = 0xCC07; /* the name has a token of a previous version */
    struct octets o = {0};
    put16(&o, 0x101);
    put32(&o, 0);
    put_utf16(&o, "\\@GMT-2006.04.26-04.08.27");
    put16(&o, 0);
    struct part asked = {.total_parameters = (uint32_t)o.n, .parameters = o.b, .parameter_count = (uint32_t)o.n};
    ask_transaction(&s, SMB1_TRANSACTION2, TRANS2_QUERY_PATH_INFORMATION, &asked);
    set_le(&s.o, s.words_at + 20, 2, s.bytes_at + 1); /* parameters at an even offset, and so the name in them */
    memmove(s.o.b + s.bytes_at + 1, s.o.b + s.bytes_at, s.o.n - s.bytes_at);
    s.o.n++;
    send_it(&s);
    struct part said = data_of("\0", 40);
    static const uint8_t information[40];
    said.data = information;
    say_transaction(&s, SMB1_TRANSACTION2, 0, &said);
    send_it(&s);
    s.mid++;
    assert_int_equal(last(&s)->kind, OPERATION_QUERY_INFO);
    assert_string_equal(last(&s)->name, "@GMT-2006.04.26-04.08.27");
    do_create(&s, "\\@GMT-2006.04.26-04.08.27", 0x4008, 0);
    assert_string_equal(last(&s)->name, "@GMT-2006.04.26-04.08.27");
    assert_int_equal(last(&s)->file_id.volatile_part, 0x4008);
    smb1_bench_free(&s);
}

/* ---- 4.4 and 4.5: a file is copied from the server, and one to it */

static struct smb1_message create_of(uint16_t mid, uint32_t access, uint32_t attributes, uint32_t share,
                                     uint32_t disposition, uint32_t options, const char *name) {
    struct octets o;
    smb1_request(&o, SMB1_NT_CREATE_ANDX, TEST_UNICODE);
    set_le(&o, 30, 2, mid);
    put8(&o, 24);
    put_andx_end(&o);
    put8(&o, 0);
    put16(&o, (uint16_t)(2 * strlen(name)));
    put_zeros(&o, 8);
    put32(&o, access);
    put64(&o, 0);
    put32(&o, attributes);
    put32(&o, share);
    put32(&o, disposition);
    put32(&o, options);
    put32(&o, 2);
    put8(&o, 0);
    size_t at = open_bytes(&o);
    put_string(&o, TEST_UNICODE, name);
    close_bytes(&o, at);
    struct smb1_message m = smb1_good(&o);
    assert_int_equal(m.header.message_id, mid);
    assert_true(smb1_says(m.nt_create_request.file_name, TEST_UNICODE, name));
    return m;
}

static void creates(void **state) {
    (void)state;
    struct smb1_nt_create_request q =
        create_of(0x6B0, 0x89, 0x80, 3, FILE_OPEN, 0x44, "\\filename.txt").nt_create_request;
    assert_int_equal(q.desired_access, 0x89);
    assert_int_equal(q.ext_file_attributes, FILE_ATTRIBUTE_NORMAL);
    assert_int_equal(q.share_access, 3);
    assert_int_equal(q.create_disposition, FILE_OPEN);
    assert_int_equal(q.create_options, FILE_SEQUENTIAL_ONLY | FILE_NON_DIRECTORY_FILE);
    q = create_of(0x8F0, 0x30197, 0x20, 0, FILE_OVERWRITE_IF, 0x44, "\\filename.txt").nt_create_request;
    assert_int_equal(q.desired_access, 0x30197);
    assert_int_equal(q.ext_file_attributes, FILE_ATTRIBUTE_ARCHIVE);
    assert_int_equal(q.create_disposition, FILE_OVERWRITE_IF);
    q = create_of(0xFD0, 0x2019F, 0, 3, FILE_OPEN, 0x400040, "\\srvsvc").nt_create_request; /* 4.7 */
    assert_int_equal(q.create_options, 0x400040);
}

enum { COPIED = 1596 };

/* A process of its own opens the file, and the system (0xFEFF) does the rest. */
static void copied_from_the_server(void **state) {
    (void)state;
    struct smb1_bench s = smb1_bench_settled();
    s.pid = 0xE08;
    s.mid = 0x6B0;
    do_create(&s, "\\filename.txt", 0x4005, 0x44);
    s.pid = 0xFEFF;
    s.mid = 0x6D0;
    ask_begin(&s);
    block_read(&s, 0x4005, COPIED);
    send_it(&s);
    say_begin(&s, 0);
    block_begin(&s, SMB1_READ_ANDX);
    put16(&s.o, 0xFFFF);
    put_zeros(&s.o, 4);
    put16(&s.o, COPIED);
    put16(&s.o, 60);
    put_zeros(&s.o, 10);
    block_bytes(&s);
    put8(&s.o, 0);
    assert_int_equal(s.o.n, 60);
    put_series(&s.o, 0, COPIED);
    block_end(&s);
    assert_int_equal(s.o.n - s.bytes_at, 1597);
    send_it(&s);
    assert_int_equal(last(&s)->bytes_read, COPIED);
    s.mid = 0x7C0;
    do_close(&s, 0x4005);
    assert_string_equal(last(&s)->name, "filename.txt");
    assert_int_equal(last(&s)->sum_read, COPIED);
    assert_int_equal(last(&s)->session_id, 2048);
    assert_int_equal(last(&s)->tree_id, 2049);
    smb1_bench_free(&s);
}

static void copied_to_the_server(void **state) {
    (void)state;
    struct smb1_bench s = smb1_bench_settled();
    s.pid = 0xE08;
    s.mid = 0x8F0;
    do_create(&s, "\\filename.txt", 0x4008, 0x44);
    s.pid = 0xFEFF;
    s.mid = 0x950;
    do_write(&s, 0x4008, COPIED);
    s.mid = 0x960;
    do_close(&s, 0x4008);
    assert_string_equal(last(&s)->name, "filename.txt");
    assert_int_equal(last(&s)->sum_written, COPIED);
    smb1_bench_free(&s);
}

/* ---- 4.6: a file is copied on the server */

static void copied_on_the_server(void **state) {
    (void)state;
    static const uint8_t key[28] = {0x2D, 0x0B, 0x00, 0x00, 0x01, 0x00, 0x00, 0x00, 0x59, 0x84, 0x0C, 0x62,
                                    0x1B, 0x84, 0xC6, 0x01, 0x08, 0x0E, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00};
    struct smb1_bench s = smb1_bench_settled();
    s.mid = 0x180;
    do_create(&s, "sourcefile.txt", 0x4002, 0x200044);
    s.mid = 0x1E0;
    do_create(&s, "destinationfile.txt", 0x4003, 0x44);
    do_ioctl(&s, FSCTL_SRV_REQUEST_RESUME_KEY, 0x4002, (struct part){0}, data_of(key, sizeof key));
    assert_string_equal(last(&s)->name, "sourcefile.txt");
    struct octets asked = {0}, said = {0};
    put_bytes(&asked, key, 24);
    put32(&asked, 1);
    put32(&asked, 0);
    put64(&asked, 0);
    put64(&asked, 0);
    put32(&asked, 1731);
    put32(&asked, 0);
    put32(&said, 1);
    put32(&said, 0);
    put32(&said, 1731);
    do_ioctl(&s, FSCTL_SRV_COPYCHUNK, 0x4003, data_of(asked.b, (uint32_t)asked.n), data_of(said.b, (uint32_t)said.n));
    assert_string_equal(last(&s)->name, "destinationfile.txt");
    assert_string_equal(last(&s)->copy_source, "sourcefile.txt");
    s.mid = 0x280;
    do_close(&s, 0x4002);
    s.mid = 0x290;
    do_close(&s, 0x4003);
    assert_string_equal(last(&s)->name, "destinationfile.txt");
    smb1_bench_free(&s);
}

/* ---- 4.7: a call on a named pipe */

static void a_call(void **state) {
    (void)state;
    static const uint8_t bytes[120];
    struct smb1_bench s = smb1_bench_settled();
    s.pid = 0x8F4;
    ask_begin(&s);
    block_create(&s, "\\srvsvc", 0x400040);
    send_it(&s);
    say_begin(&s, 0);
    block_created(&s, 0x4001);
    set_le(&s.o, s.words_at + 63, 2, SMB1_FILE_TYPE_MESSAGE_MODE_PIPE);
    send_it(&s);
    s.mid = 0x1000;
    ask_begin(&s);
    block_begin(&s, SMB1_TRANSACTION);
    put16(&s.o, 0);
    put16(&s.o, 76);
    put_zeros(&s.o, 14);
    put16(&s.o, 0);
    put16(&s.o, 84);
    put16(&s.o, 76);
    put16(&s.o, 84);
    put8(&s.o, 2);
    put8(&s.o, 0);
    put16(&s.o, TRANS_TRANSACT_NMPIPE);
    put16(&s.o, 0x4001);
    block_bytes(&s);
    put_oem(&s.o, "\\PIPE\\");
    put_zeros(&s.o, 84 - s.o.n);
    put_zeros(&s.o, 76);
    block_end(&s);
    send_it(&s);
    struct part said = data_of(bytes, sizeof bytes);
    say_transaction(&s, SMB1_TRANSACTION, 0, &said);
    send_it(&s);
    assert_int_equal(last(&s)->kind, OPERATION_TRANSACT_PIPE);
    assert_string_equal(last(&s)->name, "srvsvc");
    assert_int_equal(last(&s)->bytes_written, 76);
    assert_int_equal(last(&s)->bytes_read, 120);
    s.pid = 0xFEFF;
    s.mid = 0x1010;
    do_close(&s, 0x4001);
    assert_string_equal(last(&s)->name, "srvsvc");
    assert_true(last(&s)->is_pipe);
    smb1_bench_free(&s);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(signed_session_setup),
        cmocka_unit_test(signed_tree_connect),
        cmocka_unit_test(flags_of_signing),
        cmocka_unit_test(negotiate),
        cmocka_unit_test(session_setup),
        cmocka_unit_test(snapshots),
        cmocka_unit_test(creates),
        cmocka_unit_test(copied_from_the_server),
        cmocka_unit_test(copied_to_the_server),
        cmocka_unit_test(copied_on_the_server),
        cmocka_unit_test(a_call),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
