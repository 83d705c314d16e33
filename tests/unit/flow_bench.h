/* A flow table on a bench: packets made by hand go in, and what the sink is told is written down as text.
 *
 * The text has a word for each call: "open" "start" ">data" (to the server) "<data" (to the client) "end:reason". A gap
 * of n bytes stands as (n) in the data. Data of one direction that comes in several calls without one of the other
 * between them is one word. */
#ifndef FLOW_BENCH_H
#define FLOW_BENCH_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "../../src/flow/limits.h"
#include "../../src/flow/table.h"

enum { BENCH_TEXT_MAX = 1 << 16, BENCH_CLIENT_ISN = 1000, BENCH_SERVER_ISN = 5000 };

struct bench {
    struct flow_table *table;
    struct flow_settings settings;
    struct budget budget;
    struct stats stats;
    struct stream_sink sink;
    struct moment now;
    struct endpoint client, server;
    uint16_t window; /* of the next packets */
    char text[BENCH_TEXT_MAX];
    size_t used;
    char last;                /* '>', '<' or 0 */
    struct flow_facts facts;  /* of the flow that ended last */
    struct wrapping wrapping; /* and its wrapping, where it has one */
    struct flow_trouble trouble;
    unsigned ended, closed, reset;
};

static inline void bench_write(struct bench *b, const char *format, ...) __attribute__((format(printf, 2, 3)));
static inline void bench_write(struct bench *b, const char *format, ...) {
    va_list args;
    va_start(args, format);
    int n = vsnprintf(b->text + b->used, sizeof b->text - b->used, format, args);
    va_end(args);
    assert_true(n >= 0 && (size_t)n < sizeof b->text - b->used);
    b->used += (size_t)n;
}

static inline void bench_word(struct bench *b, const char *word) {
    bench_write(b, "%s%s", b->used != 0 ? " " : "", word);
    b->last = 0;
}

static inline void bench_side(struct bench *b, enum direction d) {
    char side = d == TO_SERVER ? '>' : '<';
    if (b->last != side) {
        bench_write(b, "%s%c", b->used != 0 ? " " : "", side);
        b->last = side;
    }
}

struct bench_connection {
    struct bench *bench;
    const struct flow_facts *facts;
};

static inline void *bench_open(void *arg, const struct flow_facts *facts) {
    struct bench_connection *c = malloc(sizeof *c);
    assert_non_null(c);
    *c = (struct bench_connection){arg, facts};
    bench_word(arg, "open");
    return c;
}

static inline void bench_start(void *connection, struct moment at) {
    struct bench_connection *c = connection;
    (void)at;
    bench_word(c->bench, "start");
}

static inline void bench_bytes(void *connection, enum direction d, struct view bytes, struct moment at) {
    struct bench_connection *c = connection;
    (void)at;
    assert_true(bytes.n != 0);
    bench_side(c->bench, d);
    bench_write(c->bench, "%.*s", (int)bytes.n, (const char *)bytes.p);
}

static inline void bench_gap(void *connection, enum direction d, uint64_t length, struct moment at) {
    struct bench_connection *c = connection;
    (void)at;
    bench_side(c->bench, d);
    bench_write(c->bench, "(%llu)", (unsigned long long)length);
}

static inline void bench_closed(void *connection, bool over) {
    struct bench_connection *c = connection;
    c->bench->closed += over;
    c->bench->reset += !over;
}

static inline void bench_end(void *connection, enum flow_end_reason reason, struct moment at) {
    static const char *const names[] = {"end:fin",        "end:rst",     "end:timeout",    "end:refused",
                                        "end:unanswered", "end:evicted", "end:capture_end"};
    struct bench_connection *c = connection;
    assert_int_equal(at.frame, c->facts->last.frame);
    bench_word(c->bench, names[reason]);
    c->bench->facts = *c->facts;
    c->bench->wrapping = c->facts->wrapping ? *c->facts->wrapping : (struct wrapping){0};
    c->bench->trouble = c->facts->trouble ? *c->facts->trouble : (struct flow_trouble){0};
    c->bench->ended++;
    free(c);
}

static inline struct endpoint bench_endpoint(uint8_t last, uint16_t port) {
    return (struct endpoint){{{10, 0, 0, last}, 4}, port};
}

static inline struct bench *bench_new(void) {
    struct bench *b = calloc(1, sizeof *b);
    assert_non_null(b);
    b->settings = flow_settings_default();
    b->budget = (struct budget){.ceiling = SIZE_MAX};
    b->sink = (struct stream_sink){b, bench_open, bench_start, bench_bytes, bench_gap, bench_closed, bench_end};
    b->now = (struct moment){UINT64_C(1700000000) * SECOND_NS, 0};
    b->client = bench_endpoint(1, 50000);
    b->server = bench_endpoint(2, 445);
    b->window = 64000;
    return b;
}

/* Settings may be changed before the first packet. */
static inline struct flow_table *bench_table(struct bench *b) {
    if (!b->table) {
        b->table = flow_table_new(&b->settings, &b->sink, &b->budget, &b->stats);
        assert_non_null(b->table);
    }
    return b->table;
}

static inline void bench_wait(struct bench *b, uint64_t ns) {
    b->now.time_ns += ns;
}

/* So much time that the table's clock follows all of it: in steps, with ticks. */
static inline void bench_pass(struct bench *b, uint64_t ns) {
    for (uint64_t step = SECOND_NS / 2; ns != 0; ns -= step) {
        step = step < ns ? step : ns;
        b->now.time_ns += step;
        flow_table_tick(bench_table(b), b->now.time_ns);
    }
}

/* The data lies in memory of exactly its size, so that a sanitizer sees a read behind it. */
static inline void bench_packet(struct bench *b, enum direction d, uint8_t flags, uint32_t seq, uint32_t ack,
                                struct view data, uint32_t wire_length) {
    uint8_t *copy = malloc(data.n + (data.n == 0));
    assert_non_null(copy);
    if (data.n != 0) {
        memcpy(copy, data.p, data.n);
    }
    b->now.frame++;
    struct packet p = {
        .at = b->now,
        .src = d == TO_SERVER ? b->client : b->server,
        .dst = d == TO_SERVER ? b->server : b->client,
        .seq = seq,
        .ack = ack,
        .window = b->window,
        .window_scale = flags & TCP_SYN ? 0 : 0xff,
        .flags = flags,
        .payload = {copy, data.n},
        .payload_length = wire_length,
        .wire_length = wire_length + 54,
    };
    flow_table_packet(bench_table(b), &p);
    free(copy);
}

static inline void bench_data(struct bench *b, enum direction d, uint32_t seq, uint32_t ack, const char *data) {
    struct view v = {(const uint8_t *)data, strlen(data)};
    bench_packet(b, d, TCP_ACK | TCP_PSH, seq, ack, v, (uint32_t)v.n);
}

static inline void bench_flags(struct bench *b, enum direction d, uint8_t flags, uint32_t seq, uint32_t ack) {
    bench_packet(b, d, flags, seq, ack, (struct view){NULL, 0}, 0);
}

/* To the server, counted from its first byte; likewise to the client. Each acknowledges the handshake alone. */
static inline void bench_c(struct bench *b, uint32_t at, const char *data) {
    bench_data(b, TO_SERVER, BENCH_CLIENT_ISN + 1 + at, BENCH_SERVER_ISN + 1, data);
}

static inline void bench_s(struct bench *b, uint32_t at, const char *data) {
    bench_data(b, TO_CLIENT, BENCH_SERVER_ISN + 1 + at, BENCH_CLIENT_ISN + 1, data);
}

/* An acknowledgment by the server of so many bytes of the client, and the other way round. */
static inline void bench_s_ack(struct bench *b, uint32_t bytes) {
    bench_flags(b, TO_CLIENT, TCP_ACK, BENCH_SERVER_ISN + 1, BENCH_CLIENT_ISN + 1 + bytes);
}

static inline void bench_c_ack(struct bench *b, uint32_t bytes) {
    bench_flags(b, TO_SERVER, TCP_ACK, BENCH_CLIENT_ISN + 1, BENCH_SERVER_ISN + 1 + bytes);
}

static inline void bench_handshake(struct bench *b) {
    bench_flags(b, TO_SERVER, TCP_SYN, BENCH_CLIENT_ISN, 0);
    bench_flags(b, TO_CLIENT, TCP_SYN | TCP_ACK, BENCH_SERVER_ISN, BENCH_CLIENT_ISN + 1);
    bench_flags(b, TO_SERVER, TCP_ACK, BENCH_CLIENT_ISN + 1, BENCH_SERVER_ISN + 1);
}

static inline void bench_finish(struct bench *b) {
    flow_table_finish(bench_table(b));
}

/* What the sink was told since the last time. */
static inline void bench_expect_at(struct bench *b, const char *text, const char *file, int line) {
    if (strcmp(b->text, text) != 0) {
        print_error("told:     %s\nexpected: %s\n", b->text, text);
        _fail(file, line);
    }
    b->used = 0;
    b->last = 0;
    b->text[0] = '\0';
}
#define bench_expect(b, text) bench_expect_at(b, text, __FILE__, __LINE__)

static inline void bench_free(struct bench *b) {
    flow_table_finish(bench_table(b));
    assert_int_equal(flow_table_count(b->table), 0);
    flow_table_free(b->table);
    assert_int_equal(b->budget.held, 0);
    free(b);
}

#endif
