/* Frames for the tests of decode/, built header by header; and decoding of them, whole and cut everywhere. */
#ifndef DECODE_BENCH_H
#define DECODE_BENCH_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <pcap/dlt.h>

#include "../../src/decode/decode.h"

enum { FRAME_MAX = 2048, MEMORY_MAX = 64 << 20 };

/* A frame being built, header by header. */
struct builder {
    uint8_t bytes[FRAME_MAX];
    size_t n;
};

static inline void put(struct builder *b, const void *bytes, size_t n) {
    assert_true(n <= FRAME_MAX - b->n);
    if (n != 0) {
        memcpy(b->bytes + b->n, bytes, n);
    }
    b->n += n;
}

static inline void put8(struct builder *b, unsigned v) {
    uint8_t byte = (uint8_t)v;
    put(b, &byte, 1);
}

static inline void put16(struct builder *b, unsigned v) {
    put8(b, v >> 8);
    put8(b, v & 0xff);
}

static inline void put32(struct builder *b, uint32_t v) {
    put16(b, v >> 16);
    put16(b, v & 0xffff);
}

static inline void put_ethernet(struct builder *b, unsigned ethertype) {
    put(b, "\x0a\x0b\x0c\x0d\x0e\x0f\x01\x02\x03\x04\x05\x06", 12);
    put16(b, ethertype);
}

/* payload: of IP; options: a multiple of 4 */
static inline void put_ipv4(struct builder *b, unsigned protocol, unsigned payload, unsigned options,
                            unsigned fragment) {
    put8(b, 0x40 | (20 + options) / 4);
    put8(b, 0);
    put16(b, 20 + options + payload);
    put16(b, 7);
    put16(b, fragment);
    put8(b, 64);
    put8(b, protocol);
    put16(b, 0);
    put32(b, 0x0a000001);
    put32(b, 0x0a000002);
    for (unsigned i = 0; i < options; i++) {
        put8(b, 1);
    }
}

static inline void put_ipv6(struct builder *b, unsigned next, unsigned payload) {
    put32(b, 0x60000000);
    put16(b, payload);
    put8(b, next);
    put8(b, 64);
    put(b, "\xfe\x80\0\0\0\0\0\0\0\0\0\0\0\0\0\1\xfe\x80\0\0\0\0\0\0\0\0\0\0\0\0\0\2", 32);
}

static inline void put_tcp(struct builder *b, unsigned flags, const char *data) {
    put16(b, 50000);
    put16(b, 445);
    put32(b, 0x01020304);
    put32(b, 0x05060708);
    put16(b, 0x5000 | flags);
    put16(b, 1234);
    put32(b, 0);
    put(b, data, strlen(data));
}

/* Decodes a copy of the first n bytes of the frame, in memory of exactly that size. */
static inline enum verdict decode_with(struct decoder *d, struct view bytes, size_t wire, int link_type,
                                       struct packet *out) {
    uint8_t *copy = malloc(bytes.n + (bytes.n == 0));
    assert_non_null(copy);
    memcpy(copy, bytes.p, bytes.n);
    struct frame frame = {{copy, bytes.n}, (uint32_t)wire, link_type, {12345, 6}, 0};
    memset(out, 0xee, sizeof *out);
    enum verdict verdict = decoder_frame(d, &frame, out);
    if (verdict == V_OK) {
        assert_true(out->payload.n <= out->payload_length);
        assert_true(out->wrapping.layer_count <= LAYERS_MAX);
        /* Read every byte that is claimed, and keep what is claimed of the frame. */
        static uint8_t kept[1 << 16];
        assert_true(out->payload.n <= sizeof kept);
        if (out->payload.n != 0) {
            memcpy(kept, out->payload.p, out->payload.n);
        }
        out->payload.p = kept;
    }
    free(copy);
    return verdict;
}

static inline struct decoder *decoder_for_test(const struct decoder_settings *settings, struct budget *budget,
                                               struct stats *stats) {
    *budget = (struct budget){.ceiling = MEMORY_MAX};
    struct decoder_settings defaults = decoder_settings_default();
    struct decoder *d = decoder_new(settings ? settings : &defaults, budget, stats);
    assert_non_null(d);
    return d;
}

static inline enum verdict decode_first(const struct builder *b, size_t n, size_t wire, int link_type,
                                        struct packet *out, struct stats *stats) {
    struct budget budget;
    struct decoder *d = decoder_for_test(NULL, &budget, stats);
    enum verdict verdict = decode_with(d, (struct view){b->bytes, n}, wire, link_type, out);
    decoder_free(d);
    assert_int_equal(budget.held, 0);
    return verdict;
}

/* All of it is decoded, and no truncation reads outside or invents anything. */
static inline void check(const struct builder *b, int link_type, const char *data, struct packet *out) {
    struct stats stats = {0};
    assert_int_equal(decode_first(b, b->n, b->n, link_type, out, &stats), V_OK);
    assert_int_equal(stats.tcp_packets, 1);
    assert_int_equal(out->at.time_ns, 12345);
    assert_int_equal(out->at.frame, 6);
    assert_int_equal(out->src.port, 50000);
    assert_int_equal(out->dst.port, 445);
    assert_int_equal(out->seq, 0x01020304);
    assert_int_equal(out->ack, 0x05060708);
    assert_int_equal(out->window, 1234);
    assert_int_equal(out->payload_length, strlen(data));
    assert_int_equal(out->payload.n, strlen(data));
    assert_memory_equal(out->payload.p, data, strlen(data));
    size_t whole = b->n - strlen(data);
    for (size_t n = 0; n < b->n; n++) {
        struct packet cut;
        struct stats cut_stats = {0};
        enum verdict verdict = decode_first(b, n, b->n, link_type, &cut, &cut_stats);
        if (n < whole) {
            assert_int_not_equal(verdict, V_OK);
            uint64_t faults = 0;
            for (int i = 0; i < DECODE_FAULTS; i++) {
                faults += cut_stats.decode_faults[i];
            }
            assert_int_equal(faults, 1);
        } else {
            assert_int_equal(verdict, V_OK);
            assert_int_equal(cut.payload.n, n - whole);
            assert_int_equal(cut.payload_length, strlen(data));
        }
    }
}

static inline enum verdict verdict_of(const struct builder *b, int link_type, enum decode_fault fault) {
    struct packet out;
    struct stats stats = {0};
    enum verdict verdict = decode_first(b, b->n, b->n, link_type, &out, &stats);
    assert_int_equal(stats.decode_faults[fault], 1);
    assert_int_equal(stats.tcp_packets, 0);
    return verdict;
}

static inline void put_ipv4_tcp(struct builder *b, const char *data) {
    put_ipv4(b, 6, 20 + (unsigned)strlen(data), 0, 0);
    put_tcp(b, TCP_ACK, data);
}

static inline void put_ipv6_tcp(struct builder *b, const char *data) {
    put_ipv6(b, 6, 20 + (unsigned)strlen(data));
    put_tcp(b, TCP_ACK, data);
}

#endif
