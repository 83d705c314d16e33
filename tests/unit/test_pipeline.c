/* The README's table of what state costs is true; whatever the ceiling, it holds, and all is given back; and so it is whatever is taken for the
 * end of a connection. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <endian.h>
#include <fcntl.h>
#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../../src/capture/capture.h"
#include "octets.h"
#include "pdu_smb2.h"
#include "pipeline.h"

/* The number of the row that begins with what, as the README has it, 0: there is none; run from the repository's root. */
static size_t told(const char *what) {
    char line[512], start[64];
    size_t bytes = 0;
    FILE *readme = fopen("README.md", "r");
    assert_non_null(readme);
    snprintf(start, sizeof start, "| %s | ", what);
    while (fgets(line, sizeof line, readme)) {
        if (strncmp(line, start, strlen(start)) == 0) {
            (void)sscanf(line + strlen(start), "%zu |", &bytes); /* other tables have words there */
        }
    }
    fclose(readme);
    return bytes;
}

static void costs(void **state) {
    (void)state;
    struct pipeline_costs c = pipeline_costs();
    assert_int_equal(told("flow"), c.flow);
    assert_int_equal(told("session"), c.session);
    assert_int_equal(told("tree"), c.tree);
    assert_int_equal(told("handle"), c.handle);
    assert_int_equal(told("request that waits"), c.request);
}

static int take_line(void *arg, const struct event *e, const char *line, size_t n) {
    uint64_t *lines = arg;
    (void)e;
    (void)line;
    *lines += n != 0;
    return 0;
}

/* A capture through a pipeline with a ceiling; how many records there were. */
static uint64_t read_under(const char *path, size_t ceiling, uint64_t secret, struct stats *stats) {
    uint64_t lines = 0;
    char why[CAPTURE_WHY_MAX];
    struct budget memory = {.ceiling = ceiling};
    struct pipeline_settings settings = {.every_operation = true, .sensor_id = "test", .secret = secret};
    struct pipeline_outlet outlet = {&lines, take_line, NULL};
    struct capture *c;
    struct frame frame;
    assert_int_equal(capture_open(&c, open(path, O_RDONLY), path, why, sizeof why), 0);
    struct pipeline *p = pipeline_new(&settings, path, &outlet, &memory, stats);
    assert_non_null(p);
    while (capture_next(c, &frame) == 1) {
        assert_int_equal(pipeline_frame(p, &frame), 0);
        assert_true(memory.held <= ceiling);
    }
    assert_int_equal(pipeline_finish(p), 0);
    pipeline_free(p);
    capture_close(c);
    assert_int_equal(memory.held, 0);
    return lines;
}

static void any_ceiling(void **state) {
    (void)state;
    glob_t found;
    unsigned bit = 0, undecoded = 0;
    assert_int_equal(glob("pcaps/*.pcap", 0, NULL, &found), 0);
    for (size_t i = 0; i < found.gl_pathc; i++) {
        const char *path = found.gl_pathv[i];
        struct stats roomy = {0};
        uint64_t all = read_under(path, (size_t)64 << 20, 1, &roomy);
        assert_int_equal(roomy.memory_limit, 0);
        for (size_t ceiling = 0; ceiling < (size_t)1 << 20; ceiling += ceiling / 4 + 4096) {
            struct stats stats = {0};
            uint64_t lines = read_under(path, ceiling, ceiling, &stats);
            bool hit = stats.memory_limit || stats.flows_undecoded || stats.flows_refused_memory || stats.names_lost ||
                       stats.evicted_exchanges || stats.evicted_transfers || stats.evicted_durables ||
                       stats.reassembly_limit || stats.framer_faults[FAULT_MEMORY];
            assert_true(lines == all || hit); /* nothing is lost in silence */
            bit += stats.memory_limit != 0;
            undecoded += stats.flows_undecoded != 0;
        }
    }
    globfree(&found);
    assert_true(bit > 0);
    assert_true(undecoded > 0);
}

/* ---- connections that are said to be closed, and go on */

struct talks {
    struct pipeline *p;
    struct budget memory;
    struct stats stats;
    struct pipeline_settings settings;
    struct moment now;
    uint64_t lines;
};

struct talk {
    struct talks *all;
    uint16_t port;
    uint32_t next[DIRECTIONS];
    uint64_t message_id;
};

static struct talks *talks_new(void) {
    struct talks *t = calloc(1, sizeof *t);
    assert_non_null(t);
    t->memory.ceiling = (size_t)64 << 20;
    t->settings = (struct pipeline_settings){.every_operation = true, .sensor_id = "test", .secret = 1};
    t->now.time_ns = UINT64_C(1000000000000000000);
    struct pipeline_outlet outlet = {&t->lines, take_line, NULL};
    t->p = pipeline_new(&t->settings, "test", &outlet, &t->memory, &t->stats);
    assert_non_null(t->p);
    return t;
}

/* All memory was given back. */
static void talks_end(struct talks *t) {
    assert_int_equal(pipeline_finish(t->p), 0);
    pipeline_free(t->p);
    assert_int_equal(t->memory.held, 0);
    free(t);
}

/* At is added to where the side is. */
static void send_at(struct talk *t, enum direction d, int32_t at, uint8_t flags, struct view payload) {
    struct endpoint ends[] = {{{{192, 0, 2, 1}, 4}, t->port}, {{{192, 0, 2, 2}, 4}, 445}};
    t->all->now.time_ns += 1000000;
    t->all->now.frame++;
    struct packet p = {.at = t->all->now,
                       .src = ends[d == TO_CLIENT],
                       .dst = ends[d == TO_SERVER],
                       .seq = t->next[d] + (uint32_t)at,
                       .ack = t->next[direction_opposite(d)],
                       .window = 65535,
                       .window_scale = 0xff,
                       .flags = flags,
                       .payload = payload,
                       .payload_length = (uint32_t)payload.n,
                       .wire_length = (uint32_t)payload.n + 54};
    assert_int_equal(pipeline_packet(t->all->p, &p), 0);
    t->next[d] = p.seq + (uint32_t)payload.n + ((flags & (TCP_SYN | TCP_FIN)) != 0);
}

static void send(struct talk *t, enum direction d, uint8_t flags) {
    send_at(t, d, 0, flags, (struct view){NULL, 0});
}

static struct talk talk_begin(struct talks *all, uint16_t port) {
    struct talk t = {.all = all, .port = port, .next = {1000, 5000}};
    send(&t, TO_SERVER, TCP_SYN);
    send(&t, TO_CLIENT, TCP_SYN | TCP_ACK);
    send(&t, TO_SERVER, TCP_ACK);
    return t;
}

enum { SESSION = 0x51 };

static void say(struct talk *t, enum direction d, uint16_t command, const struct octets *body, int32_t at) {
    struct octets o = {0};
    put32(&o, htobe32(64 + (uint32_t)body->n));
    put32(&o, 0x424D53FE);
    put16(&o, 64);
    put16(&o, 1);
    put32(&o, 0);
    put16(&o, command);
    put16(&o, 1);
    put32(&o, d == TO_CLIENT ? SMB2_FLAGS_SERVER_TO_REDIR : 0);
    put32(&o, 0);
    put64(&o, t->message_id);
    put64(&o, 0);
    put64(&o, command == SMB2_NEGOTIATE ? 0 : SESSION);
    put_zeros(&o, 16);
    put_bytes(&o, body->b, body->n);
    send_at(t, d, at, TCP_ACK | TCP_PSH, (struct view){o.b, o.n});
}

/* ECHO, LOGOFF: the same both ways. */
static void exchange(struct talk *t, uint16_t command, int32_t at) {
    struct octets body = {0};
    put32(&body, 4);
    say(t, TO_SERVER, command, &body, at);
    say(t, TO_CLIENT, command, &body, at);
    t->message_id++;
}

static void negotiate(struct talk *t) {
    struct octets asked = {0}, answered = {0};
    put16(&asked, 36);
    put16(&asked, 1); /* dialects */
    put_zeros(&asked, 8);
    put64(&asked, 0x11);
    put64(&asked, 0x11);
    put_zeros(&asked, 8);
    put16(&asked, SMB2_DIALECT_0302);
    put16(&answered, 65);
    put16(&answered, 1);
    put32(&answered, SMB2_DIALECT_0302);
    put64(&answered, 0x22);
    put64(&answered, 0x22);
    put_zeros(&answered, 32);
    put64(&answered, 128); /* where the token is, of which there is none */
    put8(&answered, 0);
    say(t, TO_SERVER, SMB2_NEGOTIATE, &asked, 0);
    say(t, TO_CLIENT, SMB2_NEGOTIATE, &answered, 0);
    t->message_id++;
}

/* Neither a RST nor both FINs were its own. What the first bytes behind the FINs are does not hang on what was before: a frame whose rest
 * never came. */
static void goes_on_behind_its_end(void **state) {
    (void)state;
    struct talks *all = talks_new();
    struct talk t = talk_begin(all, 40000);
    static const uint8_t strange[24] = {0, 0, 0, 100, 'a', 'b', 'c', 'd'};
    exchange(&t, SMB2_ECHO, 0);
    send_at(&t, TO_SERVER, 0, TCP_ACK, (struct view){strange, sizeof strange});
    send(&t, TO_SERVER, TCP_RST | TCP_ACK);
    send(&t, TO_SERVER, TCP_FIN | TCP_ACK);
    send(&t, TO_CLIENT, TCP_FIN | TCP_ACK);
    exchange(&t, SMB2_ECHO, -1);
    assert_int_equal(all->stats.messages[MESSAGE_SMB2], 4);
    talks_end(all);
}

/* A RST was not its own, and meanwhile its session was another connection's as well, and ended. */
static void closes_twice(void **state) {
    (void)state;
    struct talks *all = talks_new();
    struct talk t = talk_begin(all, 40000), other = talk_begin(all, 40001);
    negotiate(&t);
    negotiate(&other);
    exchange(&t, SMB2_ECHO, 0);
    send(&t, TO_SERVER, TCP_RST | TCP_ACK);
    exchange(&other, SMB2_ECHO, 0);
    exchange(&other, SMB2_LOGOFF, 0);
    send(&t, TO_SERVER, TCP_FIN | TCP_ACK);
    send(&t, TO_CLIENT, TCP_FIN | TCP_ACK);
    talks_end(all);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(costs),
        cmocka_unit_test(any_ceiling),
        cmocka_unit_test(goes_on_behind_its_end),
        cmocka_unit_test(closes_twice),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
