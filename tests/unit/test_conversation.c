/* Every frame is right by its own numbers, every message by MS-SMB2, and the pipeline has the records of one ordinary connection. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <jansson.h>
#include <pcap/dlt.h>
#include <string.h>

#include "../../src/decode/checksum.h"
#include "canary/conversation.h"
#include "constants.h"
#include "cursor.h"
#include "direction.h"
#include "pipeline.h"

enum { FRAMES_MAX = 32, LINES_MAX = 32, ETHERNET = 14, FRAMES_OF_ONE = 16 };
#define NUMBER UINT64_C(0xfedcba9876543210)
#define MARK CONVERSATION_MARK_PREFIX "fedcba9876543210"

struct frames {
    size_t count;
    size_t stop_after; /* 0: never */
    struct {
        uint8_t bytes[CONVERSATION_FRAME_SIZE];
        size_t n;
    } list[FRAMES_MAX];
};

static int take_frame(void *arg, struct view frame) {
    struct frames *f = arg;
    assert_true(f->count < FRAMES_MAX && frame.n <= CONVERSATION_FRAME_SIZE);
    memcpy(f->list[f->count].bytes, frame.p, frame.n);
    f->list[f->count++].n = frame.n;
    return f->count == f->stop_after ? -5 : 0;
}

static struct frames make(const char *mark, bool ipv6, uint64_t number) {
    struct frames f = {0};
    struct conversation c = {mark, ipv6, number, UINT64_C(1795165323000000000)};
    assert_int_equal(conversation_frames(&c, take_frame, &f), 0);
    return f;
}

/* ---- frames */

struct segment {
    struct address src, dst;
    uint16_t src_port, dst_port;
    uint32_t seq, ack;
    uint8_t flags;
    struct view payload;
};

static struct view take_ipv4(struct cursor *c, struct segment *s) {
    struct view rest = {c->in.p + c->pos, cursor_left(c)};
    assert_true(checksum_right(checksum_add(0, view_part(rest, 0, 20))));
    assert_int_equal(cursor_be16(c), 0x4500);
    size_t total = cursor_be16(c);
    assert_int_equal(total, rest.n);
    cursor_skip(c, 4);
    assert_int_equal(cursor_be16(c), 64 << 8 | 6); /* hops, TCP */
    cursor_skip(c, 2);
    s->src.family = s->dst.family = 4;
    memcpy(s->src.bytes, cursor_take(c, 4).p, 4);
    memcpy(s->dst.bytes, cursor_take(c, 4).p, 4);
    assert_memory_equal(s->src.bytes, "\xc0\x00\x02", 3); /* 192.0.2.0/24 */
    assert_memory_equal(s->dst.bytes, "\xc0\x00\x02", 3);
    return cursor_rest(c);
}

static struct view take_ipv6(struct cursor *c, struct segment *s) {
    assert_int_equal(cursor_be32(c), UINT32_C(6) << 28);
    size_t length = cursor_be16(c);
    assert_int_equal(cursor_be16(c), 6 << 8 | 64); /* TCP, hops */
    s->src.family = s->dst.family = 6;
    memcpy(s->src.bytes, cursor_take(c, 16).p, 16);
    memcpy(s->dst.bytes, cursor_take(c, 16).p, 16);
    assert_memory_equal(s->src.bytes, "\x20\x01\x0d\xb8", 4); /* 2001:db8::/32 */
    assert_memory_equal(s->dst.bytes, "\x20\x01\x0d\xb8", 4);
    assert_int_equal(cursor_left(c), length);
    return cursor_rest(c);
}

static struct segment take_segment(struct view frame) {
    struct segment s = {0};
    struct cursor c = cursor_over(frame);
    uint8_t to = cursor_u8(&c);
    cursor_skip(&c, 5);
    uint8_t from = cursor_u8(&c);
    cursor_skip(&c, 5);
    assert_int_equal(to & 3, 2); /* locally administered, one station */
    assert_int_equal(from & 3, 2);
    uint16_t type = cursor_be16(&c);
    assert_true(type == 0x0800 || type == 0x86DD);
    struct view tcp = type == 0x0800 ? take_ipv4(&c, &s) : take_ipv6(&c, &s);
    assert_true(checksum_right(checksum_add(checksum_pseudo(&s.src, &s.dst, (uint32_t)tcp.n), tcp)));
    c = cursor_over(tcp);
    s.src_port = cursor_be16(&c);
    s.dst_port = cursor_be16(&c);
    s.seq = cursor_be32(&c);
    s.ack = cursor_be32(&c);
    assert_int_equal(cursor_u8(&c), 0x50);
    s.flags = cursor_u8(&c);
    cursor_skip(&c, 6);
    s.payload = cursor_rest(&c);
    assert_true(cursor_ok(&c));
    return s;
}

/* Each octet is sent once, and acknowledged by what comes next. */
static void a_connection(bool ipv6) {
    struct frames f = make(MARK, ipv6, NUMBER);
    uint32_t next[DIRECTIONS] = {0};
    assert_int_equal(f.count, FRAMES_OF_ONE);
    for (size_t i = 0; i < f.count; i++) {
        struct segment s = take_segment((struct view){f.list[i].bytes, f.list[i].n});
        enum direction d = s.dst_port == 445 ? TO_SERVER : TO_CLIENT;
        assert_int_equal(d == TO_SERVER ? s.dst_port : s.src_port, 445);
        assert_true((d == TO_SERVER ? s.src_port : s.dst_port) >= 49152);
        assert_int_equal(!!(s.flags & TCP_SYN), i < 2);
        assert_int_equal(!!(s.flags & TCP_FIN), i == f.count - 3 || i == f.count - 2);
        assert_int_equal(!!(s.flags & TCP_ACK), i > 0);
        assert_true(i < 2 || s.seq == next[d]);
        assert_int_equal(s.ack, i > 0 ? next[direction_opposite(d)] : 0);
        next[d] = s.seq + (uint32_t)s.payload.n + (s.flags & (TCP_SYN | TCP_FIN) ? 1 : 0);
    }
}

static void over_ipv4(void **state) {
    (void)state;
    a_connection(false);
}

static void over_ipv6(void **state) {
    (void)state;
    a_connection(true);
}

/* ---- messages */

static const struct {
    unsigned command;
    unsigned sizes[DIRECTIONS]; /* StructureSize: MS-SMB2 2.2.3 to 2.2.12 */
    bool session[DIRECTIONS], tree[DIRECTIONS];
} wanted[] = {
    {SMB2_NEGOTIATE, {36, 65}, {false, false}, {false, false}},
    {SMB2_SESSION_SETUP, {25, 9}, {false, true}, {false, false}},
    {SMB2_TREE_CONNECT, {9, 16}, {true, true}, {false, true}},
    {SMB2_TREE_DISCONNECT, {4, 4}, {true, true}, {true, true}},
    {SMB2_LOGOFF, {4, 4}, {true, true}, {false, false}},
};

/* MS-SMB2 2.1, 2.2.1.2 */
static void message(struct view v, unsigned exchange, enum direction d) {
    struct cursor c = cursor_over(v);
    assert_int_equal(cursor_be32(&c), v.n - 4);
    assert_memory_equal(cursor_take(&c, 4).p, "\xfeSMB", 4);
    assert_int_equal(cursor_le16(&c), 64);
    cursor_skip(&c, 2);
    assert_int_equal(cursor_le32(&c), STATUS_SUCCESS);
    assert_int_equal(cursor_le16(&c), wanted[exchange].command);
    assert_int_equal(cursor_le16(&c), 1);
    assert_int_equal(cursor_le32(&c), d == TO_CLIENT ? SMB2_FLAGS_SERVER_TO_REDIR : 0);
    assert_int_equal(cursor_le32(&c), 0);
    assert_int_equal(cursor_le64(&c), exchange);
    assert_int_equal(cursor_le32(&c), 0);
    assert_int_equal(cursor_le32(&c) != 0, wanted[exchange].tree[d]);
    assert_int_equal(cursor_le64(&c), wanted[exchange].session[d] ? NUMBER | 1 : 0);
    cursor_skip(&c, 16);
    assert_int_equal(cursor_le16(&c), wanted[exchange].sizes[d]);
    /* An odd size counts an octet of what follows the fixed part, MS-SMB2 2.2.3 and on; a request that has more says so. */
    size_t fixed = wanted[exchange].sizes[d] & ~1U;
    size_t more = wanted[exchange].command == SMB2_TREE_CONNECT && d == TO_SERVER ? 2 * strlen("\\\\canary\\" MARK)
                  : wanted[exchange].command == SMB2_NEGOTIATE && d == TO_SERVER  ? 2
                                                                                  : 0;
    assert_int_equal(v.n, 4 + 64 + fixed + more);
}

static void messages(void **state) {
    (void)state;
    struct frames f = make(MARK, false, NUMBER);
    unsigned count = 0;
    for (size_t i = 0; i < f.count; i++) {
        struct segment s = take_segment((struct view){f.list[i].bytes, f.list[i].n});
        if (s.payload.n != 0) {
            message(s.payload, count / 2, count % 2 ? TO_CLIENT : TO_SERVER);
            count++;
        }
    }
    assert_int_equal(count, 10);
}

/* ---- records */

struct lines {
    size_t count;
    json_t *list[LINES_MAX];
};

static int take_line(void *arg, const struct event *e, const char *line, size_t n) {
    struct lines *l = arg;
    (void)e;
    if (n != 0) {
        char whole[RECORD_MAX + 1] = "{"; /* a line comes without its beginning */
        memcpy(whole + 1, line, n);
        assert_true(l->count < LINES_MAX);
        l->list[l->count] = json_loadb(whole, n + 1, 0, NULL);
        assert_non_null(l->list[l->count++]);
    }
    return 0;
}

static const char *member(const json_t *record, const char *name) {
    const json_t *info = json_object_get(record, "proto_info");
    const char *text = json_string_value(json_object_get(info, name));
    return text ? text : json_string_value(json_object_get(record, name));
}

static void decode(struct lines *l, const struct frames *f, bool every, struct stats *stats) {
    struct budget memory = {.ceiling = (size_t)64 << 20};
    struct pipeline_settings settings = {.every_operation = every, .sensor_id = "test", .verify_checksums = true};
    struct pipeline_outlet outlet = {l, take_line, NULL};
    struct pipeline *p = pipeline_new(&settings, "canary", &outlet, &memory, stats);
    assert_non_null(p);
    for (size_t i = 0; i < f->count; i++) {
        struct frame frame = {
            .bytes = {f->list[i].bytes, f->list[i].n},
            .wire_length = (uint32_t)f->list[i].n,
            .link_type = DLT_EN10MB,
            .at = {UINT64_C(1795165323000000000) + i * 2000000, i + 1},
        };
        assert_int_equal(pipeline_frame(p, &frame), 0);
    }
    assert_int_equal(pipeline_finish(p), 0);
    pipeline_free(p);
}

static void records_of(const char *mark, bool ipv6, bool every) {
    static const char *const operations[] = {"negotiate", "session_setup", "tree_connect", "tree_disconnect", "logoff"};
    struct frames f = make(mark, ipv6, NUMBER);
    struct lines l = {0};
    struct stats stats = {0};
    size_t next = 0, named = 0;
    decode(&l, &f, every, &stats);
    assert_int_equal(stats.missed_bytes, 0);
    for (size_t i = 0; i < FRAMER_FAULTS; i++) {
        assert_int_equal(stats.framer_faults[i], 0);
    }
    for (size_t i = 0; i < l.count; i++) {
        const char *operation = member(l.list[i], "operation"), *share = member(l.list[i], "share");
        const char *action = member(l.list[i], "action");
        assert_string_not_equal(action, "finding");
        if (operation && every) {
            assert_string_equal(operation, operations[next++]);
            assert_string_equal(member(l.list[i], "status"), "STATUS_SUCCESS");
        }
        if (share && operation && strcmp(operation, "tree_connect") == 0) {
            assert_string_equal(share, mark);
            assert_string_equal(member(l.list[i], "src_ip"), ipv6 ? "2001:db8::c1" : "192.0.2.201");
            assert_string_equal(member(l.list[i], "dest_ip"), ipv6 ? "2001:db8::c2" : "192.0.2.202");
            named++;
        }
        if (i == l.count - 1) {
            assert_string_equal(action, "end");
            assert_string_equal(member(l.list[i], "end_reason"), "fin");
        }
        json_decref(l.list[i]);
    }
    assert_int_equal(named, 1);
    assert_int_equal(next, every ? 5 : 0);
}

static void records(void **state) {
    (void)state;
    char longest[CONVERSATION_MARK_MAX + 1] = "";
    memset(longest, 'x', CONVERSATION_MARK_MAX);
    for (unsigned every = 0; every < 2; every++) {
        records_of(MARK, false, every);
        records_of(MARK, true, every);
        records_of(longest, true, every);
        records_of("A.b_c-9", false, every);
    }
}

/* ---- what it is told */

static void another_number(void **state) {
    (void)state;
    struct frames one = make(MARK, false, NUMBER), same = make(MARK, false, NUMBER),
                  other = make(MARK, false, NUMBER + 1);
    assert_memory_equal(&one, &same, sizeof one);
    struct segment a = take_segment((struct view){one.list[0].bytes, one.list[0].n});
    struct segment b = take_segment((struct view){other.list[0].bytes, other.list[0].n});
    assert_int_not_equal(a.src_port, b.src_port);
}

static void stops(void **state) {
    (void)state;
    struct frames f = {.stop_after = 4};
    struct conversation c = {MARK, false, NUMBER, 0};
    assert_int_equal(conversation_frames(&c, take_frame, &f), -5);
    assert_int_equal(f.count, 4);
}

static void marks(void **state) {
    (void)state;
    char longest[CONVERSATION_MARK_MAX + 2] = "";
    memset(longest, 'x', CONVERSATION_MARK_MAX);
    assert_true(conversation_mark_valid(MARK));
    assert_true(conversation_mark_valid("a"));
    assert_true(conversation_mark_valid(longest));
    longest[CONVERSATION_MARK_MAX] = 'x';
    assert_false(conversation_mark_valid(longest));
    assert_false(conversation_mark_valid(""));
    assert_false(conversation_mark_valid("a b"));
    assert_false(conversation_mark_valid("a\\b"));
    assert_false(conversation_mark_valid("a\"b"));
    assert_false(conversation_mark_valid("\xc3\xa4"));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(over_ipv4), cmocka_unit_test(over_ipv6),      cmocka_unit_test(messages),
        cmocka_unit_test(records),   cmocka_unit_test(another_number), cmocka_unit_test(stops),
        cmocka_unit_test(marks),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
