/* The sums, and what a decoder that verifies them does. */
#include "../../src/decode/checksum.h"

#include "decode_bench.h"

static void sums(void **state) {
    (void)state;
    /* The example of RFC 1071 3. */
    static const uint8_t bytes[] = {0x00, 0x01, 0xf2, 0x03, 0xf4, 0xf5, 0xf6, 0xf7};
    assert_int_equal(checksum_add(0, (struct view){bytes, sizeof bytes}), 0x2ddf0);
    assert_false(checksum_right(0x2ddf0));
    assert_true(checksum_right(0x2ddf0 + 0x220d));
    assert_int_equal(checksum_add(0, (struct view){bytes + 4, 3}), 0xf4f5 + 0xf600); /* as if a zero followed */
    assert_int_equal(checksum_add(5, (struct view){NULL, 0}), 5);
    assert_false(checksum_right(0));
}

static void fix(struct builder *b, size_t at, struct view covered, uint64_t more) {
    b->bytes[at] = b->bytes[at + 1] = 0;
    uint64_t sum = checksum_add(more, covered);
    while (sum >> 16) {
        sum = (sum & 0xffff) + (sum >> 16);
    }
    b->bytes[at] = (uint8_t)(~sum >> 8);
    b->bytes[at + 1] = (uint8_t)~sum;
}

static struct address address_at(const struct builder *b, size_t at, unsigned version) {
    struct address a = {.family = (uint8_t)version};
    memcpy(a.bytes, b->bytes + at, version == 4 ? 4 : 16);
    return a;
}

/* A raw IP packet with right checksums; returns where TCP begins. */
static size_t put_right(struct builder *b, unsigned version, const char *data) {
    *b = (struct builder){.n = 0};
    if (version == 4) {
        put_ipv4_tcp(b, data);
        fix(b, 10, (struct view){b->bytes, 20}, 0);
    } else {
        put_ipv6_tcp(b, data);
    }
    size_t tcp = version == 4 ? 20 : 40, src = version == 4 ? 12 : 8;
    struct address from = address_at(b, src, version), to = address_at(b, version == 4 ? 16 : 24, version);
    fix(b, tcp + 16, (struct view){b->bytes + tcp, b->n - tcp}, checksum_pseudo(&from, &to, (uint32_t)(b->n - tcp)));
    return tcp;
}

static enum verdict verified(const struct builder *b, size_t n, struct stats *stats) {
    struct decoder_settings settings = decoder_settings_default();
    struct budget budget;
    struct packet p;
    settings.verify_checksums = true;
    *stats = (struct stats){0};
    struct decoder *d = decoder_for_test(&settings, &budget, stats);
    enum verdict verdict = decode_with(d, (struct view){b->bytes, n}, b->n, DLT_RAW, &p);
    decoder_free(d);
    return verdict;
}

/* Every byte that is covered counts; and where the segment was cut nobody can tell. */
static void verify_tcp(unsigned version, const char *data) {
    struct builder b;
    struct stats stats;
    size_t tcp = put_right(&b, version, data);
    assert_int_equal(verified(&b, b.n, &stats), V_OK);
    for (size_t i = tcp; i < b.n; i++) {
        struct builder bad = b;
        bad.bytes[i] ^= 0x10;
        assert_int_equal(verified(&bad, bad.n, &stats), V_BAD);
        assert_int_equal(stats.decode_faults[DECODE_CHECKSUM], 1);
        if (i >= tcp + 20) {
            assert_int_equal(verified(&bad, bad.n - 1, &stats), V_OK);
        }
    }
}

static void verify(void **state) {
    (void)state;
    verify_tcp(4, "even");
    verify_tcp(4, "odd");
    verify_tcp(6, "even");
    verify_tcp(6, "odd");
    struct builder b;
    struct stats stats;
    put_right(&b, 4, "data");
    b.bytes[8] ^= 1; /* time to live */
    assert_int_equal(verified(&b, b.n, &stats), V_BAD);
    assert_int_equal(verified(&b, 40, &stats), V_BAD);
    assert_int_equal(stats.decode_faults[DECODE_CHECKSUM], 1);
}

/* With segments left in a routing header, the last destination is not the header's. */
static void verify_behind_routing(void **state) {
    (void)state;
    for (unsigned left = 0; left < 2; left++) {
        struct builder b = {.n = 0};
        struct stats stats;
        put_ipv6(&b, 43, 24 + 24);
        put(&b, "\6\2\0", 3);
        put8(&b, left);
        put(&b, "\0\0\0\0\x20\1\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\x99", 20);
        put_tcp(&b, TCP_ACK, "data");
        assert_int_equal(verified(&b, b.n, &stats), left ? V_OK : V_BAD);
    }
}

static void not_verified_unless_asked(void **state) {
    (void)state;
    struct builder b;
    struct packet p;
    put_right(&b, 4, "data");
    b.bytes[10] ^= 1;
    b.bytes[36] ^= 1;
    check(&b, DLT_RAW, "data", &p);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sums),
        cmocka_unit_test(verify),
        cmocka_unit_test(verify_behind_routing),
        cmocka_unit_test(not_verified_unless_asked),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
