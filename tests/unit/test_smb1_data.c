/* Reads, writes and locks; and what of a read or write the framer passes over. */
#include "../../dissectors/extent.h"
#include "../../dissectors/extent_smb1.h"

#include <setjmp.h>
#include <stdarg.h>

#include "smb1_wire.h"

#include <cmocka.h>

enum { DATA = 40 };

/* What the framer makes of a message whose data starts at head and ends with the message. The data may then be cut anywhere. */
static void check_extent(const struct octets *o, uint32_t head, uint32_t length) {
    struct extent e;
    uint32_t need = 0;
    assert_int_equal(extent_of(octets_view(o), (uint32_t)o->n, &need, &e), EXTENT_KNOWN);
    assert_int_equal(e.kind, MESSAGE_SMB1);
    assert_int_equal(e.whole, head);
    assert_int_equal(e.payload, length);
    assert_int_equal(e.length, o->n);
    assert_false(e.payload_lies);
    for (uint32_t n = 0; n < head; n++) { /* it asks for no more than the head */
        struct extent again;
        enum extent_answer answer = extent_of((struct view){o->b, n}, (uint32_t)o->n, &need, &again);
        assert_true(answer == EXTENT_KNOWN ? again.whole == head : need > n && need <= head);
    }
}

static void read_requests(void **state) {
    (void)state;
    static const uint8_t commands[] = {SMB1_READ, SMB1_LOCK_AND_READ};
    struct octets o;
    for (unsigned i = 0; i < sizeof commands; i++) {
        smb1_request(&o, commands[i], TEST_OEM);
        put8(&o, 5);
        put16(&o, TEST_FID);
        put16(&o, 512);
        put32(&o, 0x10000);
        put16(&o, 600);
        put16(&o, 0);
        struct smb1_read_request r = smb1_whole(&o).read_request;
        assert_int_equal(r.fid, TEST_FID);
        assert_int_equal(r.max_count, 512);
        assert_true(r.offset == 0x10000);
        assert_int_equal(r.remaining, 600);
    }
}

static void put_read(struct octets *o, uint8_t command, uint8_t words, uint32_t timeout) {
    smb1_request(o, command, TEST_OEM);
    put8(o, words);
    if (command == SMB1_READ_ANDX) {
        put_andx_end(o);
    }
    put16(o, TEST_FID);
    put32(o, 0x80000000);
    put16(o, 0x1000);
    put16(o, 7);
    put32(o, timeout);
    put16(o, 9);
}

static void read_andx_request(void **state) {
    (void)state;
    struct octets o;
    put_read(&o, SMB1_READ_ANDX, 12, 1);
    put32(&o, 2);
    put16(&o, 0);
    struct smb1_read_request r = smb1_whole(&o).read_request;
    assert_int_equal(r.fid, TEST_FID);
    assert_true(r.offset == 0x280000000);
    assert_int_equal(r.max_count, 0x11000);
    assert_int_equal(r.min_count, 7);
    assert_int_equal(r.remaining, 9);
    put_read(&o, SMB1_READ_ANDX, 10, 0xFFFFFFFF); /* of a pipe: no time is too long */
    put16(&o, 0);
    r = smb1_whole(&o).read_request;
    assert_int_equal(r.max_count, 0x1000);
    assert_int_equal(r.timeout, 0xFFFFFFFF);
    assert_true(r.offset == 0x80000000);
}

static void read_raw_request(void **state) {
    (void)state;
    struct octets o;
    for (uint8_t words = 8; words <= 10; words += 2) {
        put_read(&o, words == 8 ? SMB1_READ_MPX : SMB1_READ_RAW, words, 30);
        put_zeros(&o, words == 10 ? 4 : 0);
        put16(&o, 0);
        if (words == 10) {
            set_le(&o, o.n - 6, 4, 1);
        }
        struct smb1_read_request r = smb1_whole(&o).read_request;
        assert_true(r.offset == (words == 10 ? 0x180000000 : 0x80000000));
        assert_int_equal(r.max_count, 0x1000);
        assert_int_equal(r.timeout, 30);
    }
}

static void read_response(void **state) {
    (void)state;
    static const uint8_t commands[] = {SMB1_READ, SMB1_LOCK_AND_READ};
    struct octets o;
    for (unsigned i = 0; i < sizeof commands; i++) {
        smb1_response(&o, commands[i], TEST_OEM, 0);
        put8(&o, 5);
        put16(&o, DATA);
        put_zeros(&o, 8);
        size_t at = open_bytes(&o);
        put8(&o, 1);
        put16(&o, DATA);
        put_series(&o, 1, DATA);
        close_bytes(&o, at);
        struct smb1_read_response r = smb1_good(&o).read_response;
        assert_int_equal(r.data_length, DATA);
        assert_int_equal(r.data_offset, at + 3);
        assert_int_equal(r.data.n, DATA);
        assert_int_equal(r.data.p[0], 1);
        check_extent(&o, (uint32_t)at + 3, DATA);
        smb1_truncate_all(&o, at + 3);
        set_le(&o, at + 1, 2, DATA + 1); /* longer than Bytes */
        (void)smb1_as(&o, V_BAD);
    }
}

static struct octets read_andx(uint32_t length, uint16_t offset) {
    struct octets o;
    smb1_response(&o, SMB1_READ_ANDX, TEST_OEM, 0);
    put8(&o, 12);
    put_andx_end(&o);
    put16(&o, 0xFFFF);
    put_zeros(&o, 4);
    put16(&o, (uint16_t)length);
    put16(&o, offset);
    put16(&o, (uint16_t)(length >> 16));
    put_zeros(&o, 8);
    put16(&o, DATA + 1);
    put8(&o, 0);
    put_series(&o, 1, DATA);
    return o;
}

enum { READ_ANDX_DATA = SMB1_HEADER_SIZE + 1 + 24 + 2 + 1 };

static void read_andx_response(void **state) {
    (void)state;
    struct octets o = read_andx(DATA, READ_ANDX_DATA);
    struct smb1_read_response r = smb1_good(&o).read_response;
    assert_int_equal(r.available, 0xFFFF);
    assert_int_equal(r.data_length, DATA);
    assert_int_equal(r.data_offset, READ_ANDX_DATA);
    assert_int_equal(r.data.n, DATA);
    check_extent(&o, READ_ANDX_DATA, DATA);
    smb1_truncate_all(&o, READ_ANDX_DATA - 1);
}

static void read_andx_lies(void **state) {
    (void)state;
    static const struct {
        uint32_t length;
        uint16_t offset;
    } lies[] = {{DATA + 1, READ_ANDX_DATA}, {0x10000 + DATA, READ_ANDX_DATA}, {DATA, 8}, {DATA, 0xFFF0}, {1, 0}};
    for (unsigned i = 0; i < sizeof lies / sizeof *lies; i++) {
        struct octets o = read_andx(lies[i].length, lies[i].offset);
        struct smb1_read_response r = smb1_as(&o, V_BAD).read_response;
        assert_int_equal(r.data_length, lies[i].length);
        struct extent e;
        uint32_t need;
        assert_int_equal(extent_of(octets_view(&o), (uint32_t)o.n, &need, &e), EXTENT_KNOWN);
        assert_true(e.payload_lies);
        assert_true(e.whole + e.payload <= e.length);
    }
}

/* More than 64 KiB, of which nothing is there: the framer passed it over. */
static void read_andx_large(void **state) {
    (void)state;
    enum { LARGE = 0x12345 };
    struct octets o = read_andx(LARGE, READ_ANDX_DATA);
    set_le(&o, READ_ANDX_DATA - 3, 2, (uint16_t)(LARGE + 1));
    struct extent e;
    uint32_t need;
    assert_int_equal(extent_of(octets_view(&o), READ_ANDX_DATA + LARGE, &need, &e), EXTENT_KNOWN);
    assert_int_equal(e.whole, READ_ANDX_DATA);
    assert_int_equal(e.payload, LARGE);
    const struct smb1_outcome *out = dissect_smb1((struct view){o.b, READ_ANDX_DATA}, READ_ANDX_DATA + LARGE);
    assert_int_equal(out->verdict, V_OK);
    assert_int_equal(out->pdus[0].smb1.read_response.data_length, LARGE);
    assert_int_equal(out->pdus[0].smb1.read_response.data.n, 0);
}

static void read_mpx_response(void **state) {
    (void)state;
    struct octets o;
    smb1_response(&o, SMB1_READ_MPX, TEST_OEM, 0);
    put8(&o, 8);
    put32(&o, 0x1000);
    put16(&o, 80);
    put16(&o, 3);
    put_zeros(&o, 4);
    put16(&o, DATA);
    put16(&o, SMB1_HEADER_SIZE + 1 + 16 + 2);
    put16(&o, DATA);
    size_t at = o.n;
    put_series(&o, 1, DATA);
    struct smb1_read_response r = smb1_good(&o).read_response;
    assert_int_equal(r.offset, 0x1000);
    assert_int_equal(r.count, 80);
    assert_int_equal(r.available, 3);
    assert_int_equal(r.data.n, DATA);
    check_extent(&o, (uint32_t)at, DATA);
    smb1_truncate_all(&o, at);
}

static void write_request(void **state) {
    (void)state;
    static const uint8_t commands[] = {SMB1_WRITE, SMB1_WRITE_AND_UNLOCK};
    struct octets o;
    for (unsigned i = 0; i < sizeof commands; i++) {
        smb1_request(&o, commands[i], TEST_OEM);
        put8(&o, 5);
        put16(&o, TEST_FID);
        put16(&o, DATA);
        put32(&o, 0x10000);
        put16(&o, 2);
        size_t at = open_bytes(&o);
        put8(&o, 1);
        put16(&o, DATA);
        put_series(&o, 1, DATA);
        close_bytes(&o, at);
        struct smb1_write_request r = smb1_good(&o).write_request;
        assert_int_equal(r.fid, TEST_FID);
        assert_true(r.offset == 0x10000);
        assert_int_equal(r.data_length, DATA);
        assert_int_equal(r.remaining, 2);
        assert_int_equal(r.data.n, DATA);
        check_extent(&o, (uint32_t)at + 3, DATA);
        smb1_truncate_all(&o, at + 3);
        set_le(&o, SMB1_HEADER_SIZE + 1 + 2, 2, DATA - 1); /* the two lengths differ: the words decide */
        assert_int_equal(smb1_as(&o, V_BAD).write_request.data_length, DATA - 1);
    }
}

static struct octets write_andx(uint8_t words, uint16_t high, uint16_t length) {
    struct octets o;
    smb1_request(&o, SMB1_WRITE_ANDX, TEST_OEM);
    put8(&o, words);
    put_andx_end(&o);
    put16(&o, TEST_FID);
    put32(&o, 0x80000000);
    put32(&o, 30);
    put16(&o, 8);
    put16(&o, 5);
    put16(&o, high);
    put16(&o, length);
    size_t offset = o.n;
    put16(&o, 0);
    if (words == 14) {
        put32(&o, 1);
    }
    put16(&o, DATA + 1);
    put8(&o, 0);
    set_le(&o, offset, 2, o.n);
    put_series(&o, 1, DATA);
    return o;
}

static void write_andx_request(void **state) {
    (void)state;
    for (uint8_t words = 12; words <= 14; words += 2) {
        struct octets o = write_andx(words, 0, DATA);
        struct smb1_write_request r = smb1_good(&o).write_request;
        assert_int_equal(r.fid, TEST_FID);
        assert_true(r.offset == (words == 14 ? 0x180000000 : 0x80000000));
        assert_int_equal(r.timeout, 30);
        assert_int_equal(r.write_mode, 8);
        assert_int_equal(r.remaining, 5);
        assert_int_equal(r.data_length, DATA);
        assert_int_equal(r.data_offset, o.n - DATA);
        assert_int_equal(r.data.n, DATA);
        check_extent(&o, (uint32_t)o.n - DATA, DATA);
        smb1_truncate_all(&o, o.n - DATA - 1);
        o = write_andx(words, 1, DATA);
        assert_int_equal(smb1_as(&o, V_BAD).write_request.data_length, 0x10000 + DATA);
    }
}

/* A place that lies: all of the message is looked at. */
static void write_andx_in_a_chain(void **state) {
    (void)state;
    struct octets o = write_andx(12, 0, DATA);
    o.b[SMB1_HEADER_SIZE + 1] = SMB1_CLOSE;
    struct extent e;
    uint32_t need;
    assert_int_equal(extent_of(octets_view(&o), (uint32_t)o.n, &need, &e), EXTENT_KNOWN);
    assert_int_equal(e.whole, o.n);
    assert_int_equal(e.payload, 0);
}

static void put_close(struct octets *o) {
    put8(o, 3);
    put16(o, TEST_FID);
    put32(o, 0);
    put16(o, 0);
}

/* The words of WRITE_ANDX, with what follows it and where its data is. */
static void put_write_words(struct octets *o, uint8_t next, uint16_t next_at, uint16_t data_at, uint16_t byte_count) {
    put8(o, 12);
    put8(o, next);
    put8(o, 0);
    put16(o, next_at);
    put16(o, TEST_FID);
    put_zeros(o, 14);
    put16(o, DATA);
    put16(o, data_at);
    put16(o, byte_count);
}

/* WRITE_ANDX and CLOSE: data behind both is passed over, data between them is not. */
static void write_andx_then_close(void **state) {
    (void)state;
    enum { NEXT = SMB1_HEADER_SIZE + 27, CLOSE_SIZE = 9 };
    struct octets o;
    for (uint16_t pad = 0; pad < 3; pad++) {
        smb1_request(&o, SMB1_WRITE_ANDX, TEST_OEM);
        put_write_words(&o, SMB1_CLOSE, NEXT, (uint16_t)(NEXT + CLOSE_SIZE + pad), (uint16_t)(DATA + pad));
        put_close(&o);
        put_zeros(&o, pad);
        put_series(&o, 1, DATA);
        check_extent(&o, NEXT + CLOSE_SIZE + pad, DATA);
        const struct smb1_outcome *out = dissect_smb1((struct view){o.b, NEXT + CLOSE_SIZE + pad}, (uint32_t)o.n);
        assert_int_equal(out->verdict, V_OK);
        assert_int_equal(out->count, 2);
        assert_int_equal(out->pdus[0].smb1.write_request.data_length, DATA);
        assert_int_equal(out->pdus[1].smb1.file_request.fid, TEST_FID);
    }
    smb1_request(&o, SMB1_WRITE_ANDX, TEST_OEM);
    put_write_words(&o, SMB1_CLOSE, NEXT + DATA, NEXT, DATA);
    put_series(&o, 1, DATA);
    put_close(&o);
    check_extent(&o, (uint32_t)o.n, 0);
    assert_int_equal(dissect_smb1(octets_view(&o), 0)->verdict, V_OK);
    assert_int_equal(dissect_smb1(octets_view(&o), 0)->count, 2);
}

/* Bytes of a command behind the one with data say that they reach outside the message, and its data is said to be behind them: it is looked
 * at whole. */
static void bytes_of_a_chain_lie(void **state) {
    (void)state;
    enum { NEXT = SMB1_HEADER_SIZE + 27, OUTSIDE = 2 * DATA };
    struct octets o;
    smb1_request(&o, SMB1_WRITE_ANDX, TEST_OEM);
    put_write_words(&o, SMB1_TREE_DISCONNECT, NEXT, NEXT + 3 + OUTSIDE, DATA);
    put8(&o, 0);
    put16(&o, OUTSIDE);
    put_series(&o, 1, DATA);
    check_extent(&o, (uint32_t)o.n, 0);
    assert_int_equal(dissect_smb1(octets_view(&o), 0)->verdict, V_BAD);
}

/* Behind EXTENT_CHAIN_MAX commands data is no longer looked for: the message is looked at whole. */
static void data_behind_a_long_chain(void **state) {
    (void)state;
    enum { LINK_SIZE = 7 };
    struct octets o;
    for (unsigned before = EXTENT_CHAIN_MAX - 1; before <= EXTENT_CHAIN_MAX; before++) {
        smb1_request(&o, SMB1_LOGOFF_ANDX, TEST_OEM);
        for (unsigned i = 0; i < before; i++) {
            uint16_t next = (uint16_t)(o.n + LINK_SIZE);
            put8(&o, 2);
            put8(&o, i + 1 < before ? SMB1_LOGOFF_ANDX : SMB1_WRITE_ANDX);
            put8(&o, 0);
            put16(&o, next);
            put16(&o, 0);
        }
        put_write_words(&o, SMB1_NO_ANDX_COMMAND, 0, (uint16_t)(o.n + 27), DATA);
        uint32_t head = (uint32_t)o.n;
        put_series(&o, 1, DATA);
        bool looked_at_whole = before == EXTENT_CHAIN_MAX;
        check_extent(&o, looked_at_whole ? (uint32_t)o.n : head, looked_at_whole ? 0 : DATA);
    }
}

/* OPEN_ANDX with a WRITE_ANDX, and its response with a READ or READ_ANDX behind it. */
static void data_behind_an_open(void **state) {
    (void)state;
    struct octets o;
    smb1_request(&o, SMB1_OPEN_ANDX, TEST_OEM);
    put8(&o, 15);
    put8(&o, SMB1_WRITE_ANDX);
    put8(&o, 0);
    put16(&o, 0);
    put_zeros(&o, 26);
    size_t at = open_bytes(&o);
    put_oem(&o, "\\f");
    close_bytes(&o, at);
    set_le(&o, SMB1_HEADER_SIZE + 3, 2, o.n);
    put_write_words(&o, SMB1_NO_ANDX_COMMAND, 0, (uint16_t)(o.n + 27), DATA);
    uint32_t head = (uint32_t)o.n;
    put_series(&o, 1, DATA);
    check_extent(&o, head, DATA);
    for (unsigned andx = 0; andx < 2; andx++) {
        smb1_response(&o, SMB1_OPEN_ANDX, TEST_OEM, 0);
        put8(&o, 15);
        put8(&o, andx ? SMB1_READ_ANDX : SMB1_READ);
        put8(&o, 0);
        put16(&o, SMB1_HEADER_SIZE + 33);
        put_zeros(&o, 26 + 2);
        put8(&o, andx ? 12 : 5);
        if (andx) {
            put_andx_end(&o);
            put_zeros(&o, 6);
        }
        put16(&o, DATA);
        put16(&o, andx ? (uint16_t)(o.n + 14) : 0);
        put_zeros(&o, andx ? 10 : 6);
        at = open_bytes(&o);
        if (!andx) {
            put8(&o, 1);
            put16(&o, DATA);
        }
        head = (uint32_t)o.n;
        put_series(&o, 1, DATA);
        close_bytes(&o, at);
        check_extent(&o, head, DATA);
        const struct smb1_outcome *out = dissect_smb1((struct view){o.b, head}, (uint32_t)o.n);
        assert_int_equal(out->verdict, V_OK);
        assert_int_equal(out->count, 2);
        assert_int_equal(out->pdus[1].smb1.read_response.data_length, DATA);
    }
}

/* Chains that go on for ever, go back or have two commands with data are looked at whole; nothing is asked for that there is not. */
static void chains_looked_at_whole(void **state) {
    (void)state;
    enum { LOGOFF = 7 };
    struct octets o;
    struct extent e;
    uint32_t need = 0;
    smb1_request(&o, SMB1_LOGOFF_ANDX, TEST_OEM);
    for (uint16_t i = 1; i <= 20; i++) {
        put8(&o, 2);
        put8(&o, i == 20 ? SMB1_WRITE_ANDX : SMB1_LOGOFF_ANDX);
        put8(&o, 0);
        put16(&o, (uint16_t)(SMB1_HEADER_SIZE + LOGOFF * i));
        put16(&o, 0);
    }
    put_write_words(&o, SMB1_NO_ANDX_COMMAND, 0, (uint16_t)(o.n + 27), DATA);
    put_series(&o, 1, DATA);
    check_extent(&o, (uint32_t)o.n, 0);
    smb1_request(&o, SMB1_WRITE_ANDX, TEST_OEM);
    put_write_words(&o, SMB1_WRITE_ANDX, SMB1_HEADER_SIZE + 27, (uint16_t)(o.n + 54), DATA);
    put_write_words(&o, SMB1_NO_ANDX_COMMAND, 0, (uint16_t)(o.n + 27), DATA);
    put_series(&o, 1, DATA);
    check_extent(&o, (uint32_t)o.n, 0);
    for (uint32_t left = SMB1_HEADER_SIZE; left < o.n; left++) {
        for (uint32_t n = 4; n <= left; n++) {
            enum extent_answer answer = extent_of((struct view){o.b, n}, left, &need, &e);
            assert_true(answer == EXTENT_KNOWN || (answer == EXTENT_MORE && need > n && need <= left));
            assert_true(answer == EXTENT_MORE || (uint64_t)e.whole + e.payload <= left);
        }
    }
}

static void write_andx_response(void **state) {
    (void)state;
    struct octets o;
    smb1_response(&o, SMB1_WRITE_ANDX, TEST_OEM, 0);
    put8(&o, 6);
    put_andx_end(&o);
    put16(&o, 0x2345);
    put16(&o, 0xFFFF);
    put16(&o, 1);
    put16(&o, 0);
    put16(&o, 0);
    struct smb1_write_response r = smb1_whole(&o).write_response;
    assert_int_equal(r.count, 0x12345);
    assert_int_equal(r.available, 0xFFFF);
}

static void put_raw(struct octets *o, uint8_t command, uint8_t words) {
    smb1_request(o, command, TEST_OEM);
    put8(o, words);
    put16(o, TEST_FID);
    put16(o, 0x4000);
    put16(o, 0);
    put32(o, 0x80000000);
    put32(o, 30);
    put16(o, 1);
    put32(o, 0x00000008);
    put16(o, DATA);
    put16(o, (uint16_t)(SMB1_HEADER_SIZE + 1 + 2 * words + 2));
    if (words == 14) {
        put32(o, 1);
    }
    put16(o, DATA);
    put_series(o, 1, DATA);
}

static void raw_and_multiplexed_writes(void **state) {
    (void)state;
    static const struct {
        uint8_t command, words;
    } forms[] = {{SMB1_WRITE_RAW, 12}, {SMB1_WRITE_RAW, 14}, {SMB1_WRITE_MPX, 12}};
    struct octets o;
    for (unsigned i = 0; i < sizeof forms / sizeof *forms; i++) {
        put_raw(&o, forms[i].command, forms[i].words);
        struct smb1_write_request r = smb1_good(&o).write_request;
        assert_int_equal(r.fid, TEST_FID);
        assert_int_equal(r.total_count, 0x4000);
        assert_true(r.offset == (forms[i].words == 14 ? 0x180000000 : 0x80000000));
        assert_int_equal(r.write_mode, 1);
        assert_int_equal(r.request_mask, forms[i].command == SMB1_WRITE_MPX ? 8 : 0);
        assert_int_equal(r.data.n, DATA);
        check_extent(&o, (uint32_t)o.n - DATA, DATA);
        smb1_truncate_all(&o, o.n - DATA);
    }
}

static void write_and_close(void **state) {
    (void)state;
    struct octets o;
    smb1_request(&o, SMB1_WRITE_AND_CLOSE, TEST_OEM);
    put8(&o, 6);
    put16(&o, TEST_FID);
    put16(&o, DATA);
    put32(&o, 0x10000);
    put32(&o, 0x5A000001);
    size_t at = open_bytes(&o);
    put8(&o, 0);
    put_series(&o, 1, DATA);
    close_bytes(&o, at);
    struct smb1_write_request r = smb1_good(&o).write_request;
    assert_int_equal(r.fid, TEST_FID);
    assert_int_equal(r.last_write_time, 0x5A000001);
    assert_int_equal(r.data.n, DATA);
    assert_int_equal(r.data.p[0], 1);
    check_extent(&o, (uint32_t)at + 1, DATA);
    smb1_truncate_all(&o, at);
}

static void write_print_file(void **state) {
    (void)state;
    struct octets o;
    smb1_request(&o, SMB1_WRITE_PRINT_FILE, TEST_OEM);
    put8(&o, 1);
    put16(&o, TEST_FID);
    size_t at = open_bytes(&o);
    put8(&o, 1);
    put16(&o, DATA);
    put_series(&o, 1, DATA);
    close_bytes(&o, at);
    assert_int_equal(smb1_good(&o).write_request.data_length, DATA);
    check_extent(&o, (uint32_t)at + 3, DATA);
    smb1_truncate_all(&o, at + 3);
}

static void write_responses(void **state) {
    (void)state;
    static const uint8_t commands[] = {SMB1_WRITE, SMB1_WRITE_AND_UNLOCK, SMB1_WRITE_AND_CLOSE, SMB1_WRITE_COMPLETE};
    struct octets o;
    for (unsigned i = 0; i < sizeof commands; i++) {
        smb1_response(&o, commands[i], TEST_OEM, 0);
        put8(&o, 1);
        put16(&o, DATA);
        put16(&o, 0);
        assert_int_equal(smb1_whole(&o).write_response.count, DATA);
    }
    smb1_response(&o, SMB1_WRITE_RAW, TEST_OEM, 0);
    put8(&o, 1);
    put16(&o, 0xFFFF);
    put16(&o, 0);
    assert_int_equal(smb1_whole(&o).write_response.available, 0xFFFF);
    smb1_response(&o, SMB1_WRITE_MPX, TEST_OEM, 0);
    put8(&o, 2);
    put32(&o, 0x80000001);
    put16(&o, 0);
    assert_int_equal(smb1_whole(&o).write_response.response_mask, 0x80000001);
}

static void locks_of_old(void **state) {
    (void)state;
    struct octets o;
    for (uint8_t command = SMB1_LOCK_BYTE_RANGE; command <= SMB1_UNLOCK_BYTE_RANGE; command++) {
        smb1_request(&o, command, TEST_OEM);
        put8(&o, 5);
        put16(&o, TEST_FID);
        put32(&o, 100);
        put32(&o, 0x10000);
        put16(&o, 0);
        struct smb1_lock_request r = smb1_whole(&o).lock_request;
        assert_int_equal(r.fid, TEST_FID);
        assert_int_equal(r.count, 100);
        assert_int_equal(r.offset, 0x10000);
    }
}

static void put_locking(struct octets *o, uint8_t type, uint16_t unlocks, uint16_t locks) {
    smb1_request(o, SMB1_LOCKING_ANDX, TEST_OEM);
    put8(o, 8);
    put_andx_end(o);
    put16(o, TEST_FID);
    put8(o, type);
    put8(o, 1);
    put32(o, 3000);
    put16(o, unlocks);
    put16(o, locks);
}

static void put_range(struct octets *o, bool large, uint16_t pid) {
    put16(o, pid);
    if (large) {
        put16(o, 0);
        put32(o, 1);
        put32(o, 0x100);
        put32(o, 2);
        put32(o, 0x200);
    } else {
        put32(o, 0x100);
        put32(o, 0x200);
    }
}

static void locking(void **state) {
    (void)state;
    struct octets o;
    for (unsigned large = 0; large < 2; large++) {
        put_locking(&o, large ? LARGE_FILES : SHARED_LOCK, 1, 2);
        size_t at = open_bytes(&o);
        for (uint16_t i = 1; i <= 3; i++) {
            put_range(&o, large, i);
        }
        close_bytes(&o, at);
        smb1_truncate_all(&o, o.n);
        const struct smb1_outcome *out = dissect_smb1(octets_view(&o), 0);
        const struct smb1_locking_request *r = &out->pdus[0].smb1.locking_request;
        assert_int_equal(out->verdict, V_OK);
        assert_int_equal(r->fid, TEST_FID);
        assert_int_equal(r->new_op_lock_level, 1);
        assert_int_equal(r->timeout, 3000);
        assert_int_equal(r->unlocks.count, 1);
        assert_int_equal(r->locks.count, 2);
        assert_int_equal(r->unlocks.items[0].pid, 1);
        assert_int_equal(r->locks.items[1].pid, 3);
        assert_true(r->locks.items[1].offset == (large ? 0x100000100 : 0x100));
        assert_true(r->locks.items[1].length == (large ? 0x200000200 : 0x200));
    }
}

static void locking_counts_that_lie(void **state) {
    (void)state;
    struct octets o;
    put_locking(&o, 0, 0, 0xFFFF);
    size_t at = open_bytes(&o);
    put_range(&o, false, 1);
    close_bytes(&o, at);
    const struct smb1_outcome *out = dissect_smb1(octets_view(&o), 0);
    assert_int_equal(out->verdict, V_BAD);
    assert_int_equal(out->pdus[0].smb1.locking_request.locks.count, 1);
    put_locking(&o, 0, 0xFFFF, 0xFFFF);
    put16(&o, 0);
    assert_int_equal(smb1_as(&o, V_BAD).locking_request.fid, TEST_FID);
}

/* The server tells a client that its oplock breaks, MS-CIFS 2.2.4.32.1: a request towards the client. */
static void oplock_break(void **state) {
    (void)state;
    struct octets o;
    put_locking(&o, OPLOCK_RELEASE, 0, 0);
    put16(&o, 0);
    const struct smb1_outcome *out = dissect_smb1_towards(octets_view(&o), 0, TO_CLIENT);
    assert_int_equal(out->verdict, V_OK);
    const struct smb1_message *m = &out->pdus[0].smb1;
    assert_true(m->unasked);
    assert_false(m->response);
    assert_int_equal(m->locking_request.type_of_lock, OPLOCK_RELEASE);
    assert_int_equal(m->locking_request.fid, TEST_FID);
    assert_false(smb1_whole(&o).unasked);
}

static void seek(void **state) {
    (void)state;
    struct octets o;
    smb1_request(&o, SMB1_SEEK, TEST_OEM);
    put8(&o, 4);
    put16(&o, TEST_FID);
    put16(&o, 2);
    put32(&o, (uint32_t)-5);
    put16(&o, 0);
    struct smb1_seek_request r = smb1_whole(&o).seek_request;
    assert_int_equal(r.fid, TEST_FID);
    assert_int_equal(r.mode, 2);
    assert_int_equal(r.offset, -5);
    smb1_response(&o, SMB1_SEEK, TEST_OEM, 0);
    put8(&o, 2);
    put32(&o, 95);
    put16(&o, 0);
    assert_int_equal(smb1_whole(&o).seek_response.offset, 95);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(read_requests),
        cmocka_unit_test(read_andx_request),
        cmocka_unit_test(read_raw_request),
        cmocka_unit_test(read_response),
        cmocka_unit_test(read_andx_response),
        cmocka_unit_test(read_andx_lies),
        cmocka_unit_test(read_andx_large),
        cmocka_unit_test(read_mpx_response),
        cmocka_unit_test(write_request),
        cmocka_unit_test(write_andx_request),
        cmocka_unit_test(write_andx_in_a_chain),
        cmocka_unit_test(write_andx_then_close),
        cmocka_unit_test(data_behind_an_open),
        cmocka_unit_test(bytes_of_a_chain_lie),
        cmocka_unit_test(data_behind_a_long_chain),
        cmocka_unit_test(chains_looked_at_whole),
        cmocka_unit_test(write_andx_response),
        cmocka_unit_test(raw_and_multiplexed_writes),
        cmocka_unit_test(write_and_close),
        cmocka_unit_test(write_print_file),
        cmocka_unit_test(write_responses),
        cmocka_unit_test(locks_of_old),
        cmocka_unit_test(locking),
        cmocka_unit_test(locking_counts_that_lie),
        cmocka_unit_test(oplock_break),
        cmocka_unit_test(seek),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
