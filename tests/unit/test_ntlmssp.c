/* NTLMSSP, MS-NLMP 2.2.1: names through their fields, whatever those say. */
#include "dissector.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "dissecting.h"

enum { UNICODE = 1, FLAGS_AT = 60, PAYLOAD_AT = 72 };

struct token {
    uint8_t b[1024];
    size_t n;
};

static void put(struct token *t, uint64_t v, unsigned bytes) {
    for (unsigned i = 0; i < bytes; i++) {
        t->b[t->n++] = (uint8_t)(v >> 8 * i);
    }
}

static void set_field(struct token *t, size_t at, uint16_t length, uint32_t offset) {
    struct token f = {.n = 0};
    put(&f, length, 2);
    put(&f, length, 2);
    put(&f, offset, 4);
    memcpy(t->b + at, f.b, 8);
}

/* Bytes at the end, and the field that leads to them; text of a width of 1 or 2 bytes a letter. */
static void add(struct token *t, size_t field_at, const char *s, size_t n, unsigned width) {
    set_field(t, field_at, (uint16_t)(n * width), (uint32_t)t->n);
    for (size_t i = 0; i < n; i++) {
        put(t, (uint8_t)s[i], width);
    }
}

enum { LM = 12, NT = 20, DOMAIN = 28, USER = 36, WORKSTATION = 44 };

static const char digits[] = "0123456789012345678901234567890123456789";

/* AV_PAIR, 2.2.2.1 */
static void pair(struct token *t, uint16_t id, const void *p, uint16_t n) {
    put(t, id, 2);
    put(t, n, 2);
    for (unsigned i = 0; i < n; i++) {
        put(t, ((const uint8_t *)p)[i], 1);
    }
}

static void pair_text(struct token *t, uint16_t id, const char *s) {
    put(t, id, 2);
    put(t, 2 * strlen(s), 2);
    for (size_t i = 0; i < strlen(s); i++) {
        put(t, (uint8_t)s[i], 2);
    }
}

static void pair_number(struct token *t, uint16_t id, uint64_t value, uint16_t n) {
    put(t, id, 2);
    put(t, n, 2);
    put(t, value, n);
}

/* NTLMv2_RESPONSE up to its pairs, 2.2.2.7 and 2.2.2.8 */
static struct token ntlmv2(void) {
    struct token t = {.n = 0};
    memcpy(t.b, digits, 16);
    t.n = 16;
    put(&t, 0x0101, 8);
    put(&t, 0x1d4000000000000, 8);
    put(&t, 0x1122334455667788, 8);
    put(&t, 0, 4);
    return t;
}

/* nt: bytes of an answer of that length; above 24 it is an NTLMv2 one, of as many bytes as that has. */
static struct token authenticate(unsigned width, const char *user, size_t nt) {
    struct token t = {.n = PAYLOAD_AT}, response = ntlmv2();
    memcpy(t.b, "NTLMSSP\0\3\0\0\0", 12);
    t.b[FLAGS_AT] = width == 2 ? UNICODE : 2;
    add(&t, DOMAIN, "CORP", 4, width);
    add(&t, USER, user, strlen(user), width);
    add(&t, WORKSTATION, "WS-7", 4, width);
    add(&t, LM, "", 0, 1);
    pair(&response, 0, "", 0);
    if (nt > 24) {
        add(&t, NT, (const char *)response.b, response.n, 1);
    } else {
        add(&t, NT, digits, nt, 1);
    }
    return t;
}

static void assert_text(struct text t, const char *expected, enum encoding encoding) {
    size_t width = encoding == ENC_UTF16LE ? 2 : 1;
    assert_int_equal(t.encoding, encoding);
    assert_int_equal(t.bytes.n, width * strlen(expected));
    for (size_t i = 0; i < strlen(expected); i++) {
        assert_int_equal(t.bytes.p[i * width], (uint8_t)expected[i]);
    }
}

static void test_authenticate(void **state) {
    (void)state;
    for (unsigned width = 1; width <= 2; width++) {
        struct token t = authenticate(width, "alice", 40);
        struct dissecting d;
        dissecting_run(&d, &dissector_ntlmssp, TO_SERVER, t.b, t.n, 0);
        assert_int_equal(d.verdict, V_OK);
        assert_int_equal(d.count, 1);
        const struct ntlm_message *m = &d.pdus[0].ntlm;
        enum encoding encoding = width == 2 ? ENC_UTF16LE : ENC_OEM;
        assert_int_equal(d.pdus[0].kind, PDU_NTLM);
        assert_int_equal(m->type, NTLM_AUTHENTICATE);
        assert_int_equal(m->flags, width == 2 ? 1 : 2);
        assert_text(m->domain, "CORP", encoding);
        assert_text(m->user, "alice", encoding);
        assert_text(m->workstation, "WS-7", encoding);
        assert_int_equal(m->nt_response_length, 48);
        assert_int_equal(m->responses, NTLM_RESPONSE_NTLMV2);
        assert_true(m->client_time == 0x1d4000000000000);
        assert_false(m->mic || m->version.known || m->target_info.has_flags);
        assert_int_equal(m->lm_response_length, 0);
        assert_false(m->anonymous);
        dissecting_free(&d);
    }
}

static bool anonymous(struct token t) {
    struct dissecting d;
    dissecting_run(&d, &dissector_ntlmssp, TO_SERVER, t.b, t.n, 0);
    assert_int_equal(d.count, 1);
    bool answer = d.pdus[0].ntlm.anonymous;
    dissecting_free(&d);
    return answer;
}

static void test_anonymous(void **state) {
    (void)state;
    struct token t = authenticate(2, "", 0);
    assert_true(anonymous(t));
    struct token one_zero = t;
    add(&one_zero, LM, "\0", 1, 1);
    assert_true(anonymous(one_zero));
    struct token one_letter = t;
    add(&one_letter, LM, "x", 1, 1);
    assert_false(anonymous(one_letter));
    struct token two = t;
    add(&two, LM, "\0\0", 2, 1);
    assert_false(anonymous(two));
    assert_false(anonymous(authenticate(2, "", 24)));
    assert_false(anonymous(authenticate(2, "a", 0)));
}

static void check_cut(const struct dissecting *d, size_t n) {
    assert_int_equal(d->verdict, n < 8 ? V_NOT_MINE : n < 64 ? V_SHORT : V_BAD);
    assert_int_equal(d->count, n >= 12);
    if (n >= 64) { /* the fixed part is certain */
        assert_int_equal(d->pdus[0].ntlm.nt_response_length, 0);
        assert_int_equal(d->pdus[0].verdict, V_BAD);
    }
}

static void test_truncations(void **state) {
    (void)state;
    struct token t = authenticate(2, "alice", 0);
    dissecting_truncations(&dissector_ntlmssp, TO_SERVER, t.b, t.n, check_cut);
}

static void test_lying_fields(void **state) {
    (void)state;
    static const size_t fields[] = {DOMAIN, USER, WORKSTATION};
    struct token good = authenticate(2, "alice", 40);
    const struct {
        uint16_t length;
        uint32_t offset;
    } lies[] = {{10, 0xffffffff}, {0xffff, 72}, {2, (uint32_t)good.n}, {2, (uint32_t)good.n - 1}, {0xffff, 0xffff0001}};
    for (unsigned f = 0; f < sizeof fields / sizeof *fields; f++) {
        for (unsigned i = 0; i < sizeof lies / sizeof *lies; i++) {
            struct token t = good;
            set_field(&t, fields[f], lies[i].length, lies[i].offset);
            struct dissecting d;
            dissecting_run(&d, &dissector_ntlmssp, TO_SERVER, t.b, t.n, 0);
            assert_int_equal(d.verdict, V_BAD);
            assert_int_equal(d.count, 1);
            const struct ntlm_message *m = &d.pdus[0].ntlm;
            assert_int_equal(m->domain.bytes.n, fields[f] == DOMAIN ? 0 : 8);
            assert_int_equal(m->user.bytes.n, fields[f] == USER ? 0 : 10);
            assert_int_equal(m->workstation.bytes.n, fields[f] == WORKSTATION ? 0 : 8);
            dissecting_free(&d);
        }
    }
}

static void test_negotiate_and_challenge(void **state) {
    (void)state;
    struct dissecting d;
    dissecting_run(&d, &dissector_ntlmssp, TO_SERVER, "NTLMSSP\0\1\0\0\0\7\x82\x08\xa2", 16, 0);
    assert_int_equal(d.verdict, V_OK);
    assert_int_equal(d.pdus[0].ntlm.type, NTLM_NEGOTIATE);
    assert_int_equal(d.pdus[0].ntlm.flags, 0xa2088207);
    dissecting_free(&d);
    static const char challenge[] = "NTLMSSP\0\2\0\0\0\0\0\0\0\x38\0\0\0\x15\x82\x8a\x62";
    dissecting_run(&d, &dissector_ntlmssp, TO_CLIENT, challenge, 24, 0);
    assert_int_equal(d.verdict, V_SHORT); /* flags and no challenge */
    assert_int_equal(d.pdus[0].ntlm.type, NTLM_CHALLENGE);
    assert_int_equal(d.pdus[0].ntlm.flags, 0x628a8215);
    dissecting_free(&d);
    dissecting_truncations(&dissector_ntlmssp, TO_CLIENT, challenge, 24, NULL);
    dissecting_run(&d, &dissector_ntlmssp, TO_SERVER, "NTLMSSP\0\4\0\0\0\0\0\0\0", 16, 0);
    assert_int_equal(d.verdict, V_BAD);
    assert_int_equal(d.count, 0);
    dissecting_free(&d);
}

/* ---- the rest of an AUTHENTICATE */

enum { NEGOTIATE_VERSION = 0x02000000, VERSION_AT = 64, MIC_AT = 72 };

static struct ntlm_message dissected(const struct token *t, enum direction dir, enum verdict verdict) {
    static struct dissecting d;
    dissecting_free(&d);
    dissecting_run(&d, &dissector_ntlmssp, dir, t->b, t->n, 0);
    assert_int_equal(d.verdict, verdict);
    assert_int_equal(d.count, 1);
    return d.pdus[0].ntlm;
}

/* Flags, version, and a MIC where there is one; nothing else but the user and what is added. */
static struct token modern(bool mic) {
    struct token t = {.n = mic ? MIC_AT + 16 : MIC_AT};
    memcpy(t.b, "NTLMSSP\0\3\0\0\0", 12);
    set_field(&t, FLAGS_AT - 8, 0, 0);
    uint32_t flags = UNICODE | NEGOTIATE_VERSION;
    memcpy(t.b + FLAGS_AT, &flags, 4);
    memcpy(t.b + VERSION_AT, "\x0a\0\x61\x4a\0\0\0\x0f", 8);
    add(&t, USER, "alice", 5, 2);
    return t;
}

static void test_version_mic_and_pairs(void **state) {
    (void)state;
    for (unsigned mic = 0; mic < 2; mic++) {
        struct token t = modern(mic), response = ntlmv2();
        pair_text(&response, 1, "FS01");
        pair_number(&response, 6, 2, 4);
        pair_number(&response, 7, 77, 8);
        pair(&response, 10, mic ? "0123456789abcdef" : "\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0", 16);
        pair_text(&response, 9, "cifs/fs01");
        pair_number(&response, 200, 1, 1); /* of an id that is not known */
        pair(&response, 0, "", 0);
        put(&response, 0, 4);
        add(&t, NT, (const char *)response.b, response.n, 1);
        add(&t, LM, digits, 24, 1);
        struct ntlm_message m = dissected(&t, TO_SERVER, V_OK);
        assert_true(m.version.known);
        assert_int_equal(m.version.major, 10);
        assert_int_equal(m.version.build, 19041);
        assert_int_equal(m.mic, mic);
        assert_int_equal(m.responses, NTLM_RESPONSE_NTLMV2 | NTLM_RESPONSE_LMV2);
        assert_text(m.target_info.netbios_computer, "FS01", ENC_UTF16LE);
        assert_text(m.target_info.target_name, "cifs/fs01", ENC_UTF16LE);
        assert_true(m.target_info.has_channel_bindings);
        assert_int_equal(m.target_info.channel_bindings, mic);
        assert_true(m.target_info.has_timestamp && m.target_info.timestamp == 77);
    }
}

/* Single_Host_Data, 2.2.2.2: so many bytes of it, which says that it has size. */
static struct token single_host(uint32_t size, unsigned bytes) {
    struct token response = ntlmv2(), data = {.n = 0};
    put(&data, size, 4);
    put(&data, 0, 4);
    put(&data, 0x1234567801020304, 8);
    for (unsigned i = 0; data.n < bytes; i++) {
        put(&data, 0xa0 + i, 1);
    }
    pair(&response, 8, data.b, (uint16_t)data.n);
    pair(&response, 0, "", 0);
    put(&response, 0, 4);
    struct token t = modern(false);
    add(&t, NT, (const char *)response.b, response.n, 1);
    return t;
}

static void test_single_host(void **state) {
    (void)state;
    uint8_t expected[NTLM_MACHINE_ID_SIZE];
    for (unsigned i = 0; i < sizeof expected; i++) {
        expected[i] = (uint8_t)(0xa0 + i);
    }
    for (unsigned size = 48; size <= 56; size += 8) { /* more may follow */
        struct token t = single_host(size, size);
        struct ntlm_message m = dissected(&t, TO_SERVER, V_OK);
        assert_int_equal(m.target_info.machine_id.n, sizeof expected);
        assert_memory_equal(m.target_info.machine_id.p, expected, sizeof expected);
    }
    struct token cut = single_host(47, 47), lies = single_host(49, 48), little = single_host(3, 16);
    assert_int_equal(dissected(&cut, TO_SERVER, V_BAD).target_info.machine_id.n, 0);
    assert_int_equal(dissected(&lies, TO_SERVER, V_BAD).target_info.machine_id.n, 0);
    assert_int_equal(dissected(&little, TO_SERVER, V_BAD).target_info.machine_id.n, 0);
}

static void check_responses(const char *lm, size_t lm_length, const char *nt, size_t nt_length, unsigned expected) {
    struct token t = modern(false);
    add(&t, LM, lm, lm_length, 1);
    add(&t, NT, nt, nt_length, 1);
    assert_int_equal(dissected(&t, TO_SERVER, V_OK).responses, expected);
}

static void test_responses(void **state) {
    (void)state;
    static const char zero[24], other[] = "abcdefghijklmnopqrstuvwx", session[24] = "12345678";
    check_responses(other, 24, digits, 24, NTLM_RESPONSE_LM | NTLM_RESPONSE_NTLM);
    check_responses(digits, 24, digits, 24, NTLM_RESPONSE_NTLM); /* NoLMResponseNTLMv1: the same twice */
    check_responses(session, 24, digits, 24, NTLM_RESPONSE_NTLM2_SESSION);
    check_responses(zero, 24, digits, 24, NTLM_RESPONSE_NTLM);
    check_responses("", 0, digits, 24, NTLM_RESPONSE_NTLM);
    check_responses(digits, 24, "", 0, NTLM_RESPONSE_LM_OR_LMV2);
    check_responses(digits, 24, zero, 24, NTLM_RESPONSE_LM_OR_LMV2);
    check_responses(zero, 24, "", 0, 0);
    check_responses(digits, 23, digits, 23, 0);
    check_responses("", 1, "", 0, 0);
}

/* Each field where the order of the fields has it not; and where they share bytes, lie in the fixed part, or are all empty. */
static void test_order_and_overlaps(void **state) {
    (void)state;
    struct token t = modern(true);
    add(&t, WORKSTATION, "WS-7", 4, 2);
    add(&t, DOMAIN, "CORP", 4, 2);
    put(&t, 0, 5); /* padding */
    add(&t, LM, digits, 24, 1);
    struct ntlm_message m = dissected(&t, TO_SERVER, V_OK);
    assert_text(m.user, "alice", ENC_UTF16LE);
    assert_text(m.domain, "CORP", ENC_UTF16LE);
    assert_text(m.workstation, "WS-7", ENC_UTF16LE);
    struct token shared = t;
    memcpy(shared.b + DOMAIN, shared.b + USER, 8);
    m = dissected(&shared, TO_SERVER, V_BAD); /* each still says what it says */
    assert_text(m.domain, "alice", ENC_UTF16LE);
    assert_text(m.user, "alice", ENC_UTF16LE);
    struct token half = t;
    set_field(&half, DOMAIN, 2, MIC_AT + 16 + 8);
    assert_text(dissected(&half, TO_SERVER, V_BAD).domain, "e", ENC_UTF16LE);
    struct token fixed = t;
    set_field(&fixed, USER, 8, 12);
    m = dissected(&fixed, TO_SERVER, V_BAD);
    assert_int_equal(m.user.bytes.n, 0);
    assert_text(m.domain, "CORP", ENC_UTF16LE);
    struct token outside = t;
    set_field(&outside, DOMAIN, 8, (uint32_t)t.n);
    m = dissected(&outside, TO_SERVER, V_BAD);
    assert_true(m.domain_lost && m.domain.bytes.n == 0);
    assert_text(m.user, "alice", ENC_UTF16LE);
    set_field(&outside, DOMAIN, 0, (uint32_t)t.n);
    assert_false(dissected(&outside, TO_SERVER, V_OK).domain_lost);
    struct token empty = modern(false);
    set_field(&empty, USER, 0, 0xffffffff); /* where nothing is, no offset is wrong */
    assert_true(dissected(&empty, TO_SERVER, V_OK).anonymous);
    struct token over_version = t;
    set_field(&over_version, DOMAIN, 4, VERSION_AT + 4); /* then there is no version, and no MIC */
    m = dissected(&over_version, TO_SERVER, V_OK);
    assert_false(m.version.known || m.mic);
}

/* ---- CHALLENGE and NEGOTIATE */

static struct token challenge_message(const struct token *info) {
    struct token t = {.n = 56};
    memcpy(t.b, "NTLMSSP\0\2\0\0\0\0\0\0\0\0\0\0\0\x05\x82\x8a\x62", 24);
    memcpy(t.b + 48, "\x06\x01\xb1\x1d\0\0\0\x0f", 8);
    add(&t, 40, (const char *)info->b, info->n, 1);
    add(&t, 12, "CORP", 4, 2);
    return t;
}

static void test_target_information(void **state) {
    (void)state;
    struct token info = {.n = 0};
    pair_text(&info, 2, "CORP");
    pair_text(&info, 1, "FS01");
    pair_text(&info, 4, "corp.example");
    pair_text(&info, 3, "fs01.corp.example");
    pair_text(&info, 5, "example");
    pair_number(&info, 7, 0x1d4000000000001, 8);
    struct token endless = info;
    pair(&info, 0, "", 0);
    struct token t = challenge_message(&info);
    struct ntlm_message m = dissected(&t, TO_CLIENT, V_OK);
    assert_text(m.target_name, "CORP", ENC_UTF16LE);
    assert_text(m.target_info.netbios_domain, "CORP", ENC_UTF16LE);
    assert_text(m.target_info.netbios_computer, "FS01", ENC_UTF16LE);
    assert_text(m.target_info.dns_domain, "corp.example", ENC_UTF16LE);
    assert_text(m.target_info.dns_computer, "fs01.corp.example", ENC_UTF16LE);
    assert_text(m.target_info.dns_tree, "example", ENC_UTF16LE);
    assert_true(m.target_info.timestamp == 0x1d4000000000001);
    assert_true(m.version.known && m.version.major == 6 && m.version.minor == 1 && m.version.build == 7601);
    dissecting_truncations(&dissector_ntlmssp, TO_CLIENT, t.b, t.n, NULL);
    struct token no_end = challenge_message(&endless);
    assert_text(dissected(&no_end, TO_CLIENT, V_BAD).target_info.dns_tree, "example", ENC_UTF16LE);
    struct token no_info = t;
    no_info.b[22] = 0x0a; /* NTLMSSP_NEGOTIATE_TARGET_INFO is not set: the field is not to be looked at */
    assert_int_equal(dissected(&no_info, TO_CLIENT, V_OK).target_info.dns_tree.bytes.n, 0);
    struct token no_target = t;
    no_target.b[20] = 0x01; /* nor this one without NTLMSSP_REQUEST_TARGET */
    assert_int_equal(dissected(&no_target, TO_CLIENT, V_OK).target_name.bytes.n, 0);
}

static void bad_pairs(const struct token *info) {
    struct token t = challenge_message(info);
    struct ntlm_message m = dissected(&t, TO_CLIENT, V_BAD);
    assert_text(m.target_info.netbios_computer, "FS01", ENC_UTF16LE); /* what came before is certain */
    assert_false(m.target_info.has_flags || m.target_info.has_timestamp || m.target_info.has_channel_bindings);
}

static void test_bad_pairs(void **state) {
    (void)state;
    struct token start = {.n = 0};
    pair_text(&start, 1, "FS01");
    struct token again = start, flags = start, time = start, bindings = start, cut = start;
    pair_text(&again, 1, "FS02");
    pair(&again, 0, "", 0);
    bad_pairs(&again);
    pair_number(&flags, 6, 2, 3);
    bad_pairs(&flags);
    pair_number(&time, 7, 2, 7);
    bad_pairs(&time);
    pair(&bindings, 10, "0123456789abcde", 15);
    bad_pairs(&bindings);
    put(&cut, 3, 2);
    put(&cut, 100, 2);
    bad_pairs(&cut);
}

static void test_supplied_names(void **state) {
    (void)state;
    struct token t = {.n = 40};
    memcpy(t.b, "NTLMSSP\0\1\0\0\0\x07\xb2\0\x02", 16);
    memcpy(t.b + 32, "\x05\x01\x28\x0a\0\0\0\x0f", 8);
    add(&t, 16, "CORP", 4, 1);
    add(&t, 24, "WS-7", 4, 1);
    struct ntlm_message m = dissected(&t, TO_SERVER, V_OK);
    assert_text(m.domain, "CORP", ENC_OEM); /* whatever the flags say of Unicode */
    assert_text(m.workstation, "WS-7", ENC_OEM);
    assert_true(m.version.known && m.version.major == 5 && m.version.build == 2600);
    struct token unsaid = t;
    unsaid.b[13] = 0x82; /* neither is supplied */
    m = dissected(&unsaid, TO_SERVER, V_OK);
    assert_int_equal(m.domain.bytes.n + m.workstation.bytes.n, 0);
    set_field(&t, 16, 5, 0xffff);
    assert_int_equal(dissected(&t, TO_SERVER, V_BAD).domain.bytes.n, 0);
    dissecting_truncations(&dissector_ntlmssp, TO_SERVER, t.b, t.n, NULL);
}

/* Every byte of a message with all that there is changed to every value: no read outside (the sanitizer's part). */
static void test_every_byte(void **state) {
    (void)state;
    struct token good = modern(true), response = ntlmv2();
    pair_text(&response, 9, "cifs/fs01");
    pair(&response, 0, "", 0);
    add(&good, NT, (const char *)response.b, response.n, 1);
    for (size_t i = 0; i < good.n; i++) {
        for (unsigned v = 0; v < 256; v++) {
            struct token t = good;
            t.b[i] = (uint8_t)v;
            struct dissecting d;
            dissecting_run(&d, &dissector_ntlmssp, TO_SERVER, t.b, t.n, 0);
            assert_true(d.count <= 1);
            dissecting_free(&d);
        }
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_authenticate),
        cmocka_unit_test(test_anonymous),
        cmocka_unit_test(test_truncations),
        cmocka_unit_test(test_lying_fields),
        cmocka_unit_test(test_negotiate_and_challenge),
        cmocka_unit_test(test_version_mic_and_pairs),
        cmocka_unit_test(test_single_host),
        cmocka_unit_test(test_responses),
        cmocka_unit_test(test_order_and_overlaps),
        cmocka_unit_test(test_target_information),
        cmocka_unit_test(test_bad_pairs),
        cmocka_unit_test(test_supplied_names),
        cmocka_unit_test(test_every_byte),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
