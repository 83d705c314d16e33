/* Names of machines: which are names, whose they are, and on which connections they are known. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "../../src/model/state.h"
#include "model_bench.h"

enum { ID = 0x51 };

static void assert_named(struct text t, const char *expected) {
    assert_int_equal(t.bytes.n, strlen(expected));
    if (t.bytes.n != 0) {
        assert_memory_equal(t.bytes.p, expected, t.bytes.n);
    }
}

static void names(void **state) {
    (void)state;
    static const struct {
        const char *name, *host, *fqdn;
    } cases[] = {
        {"FS01", "FS01", ""},
        {"fs01.corp.example", "fs01", "fs01.corp.example"},
        {"192.0.2.2", "", ""},
        {"2001:db8::1", "", ""},
        {"2001-db8--1.ipv6-literal.net", "", ""},
        {"7zip", "7zip", ""},
        {"localhost", "", ""},
        {"*SMBSERVER", "", ""},
        {"\\\\WS", "", ""},
        {"a\tb", "", ""},
        {".corp", "", ""},
        {"", "", ""},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct text t = {{(const uint8_t *)cases[i].name, strlen(cases[i].name)}, ENC_UTF8};
        struct machine_facts f = machine_name(t);
        assert_named(f.host, cases[i].host);
        assert_named(f.fqdn, cases[i].fqdn);
    }
    uint8_t longest[MACHINE_NAME_MAX + 1];
    memset(longest, 'a', sizeof longest);
    assert_int_equal(machine_name((struct text){{longest, MACHINE_NAME_MAX}, ENC_UTF8}).host.bytes.n, MACHINE_NAME_MAX);
    assert_int_equal(machine_name((struct text){{longest, MACHINE_NAME_MAX + 1}, ENC_UTF8}).host.bytes.n, 0);
    const uint8_t unpaired[] = {0x00, 0xd8};
    assert_int_equal(machine_name(text_utf16((struct view){unpaired, 2})).host.bytes.n, 0);
}

/* What its next answer says of the machines. */
static const struct seen *look(struct peer *p) {
    struct smb2_message q = peer_ask(p, SMB2_ECHO);
    peer_exchange(p, &q, 0);
    return bench_last(p->b, 0);
}

static void assert_machines(struct peer *p, const char *client, const char *server, const char *server_full) {
    const struct seen *s = look(p);
    assert_string_equal(s->host[MACHINE_CLIENT], client);
    assert_string_equal(s->host[MACHINE_SERVER], server);
    assert_string_equal(s->fqdn[MACHINE_SERVER], server_full);
}

static void on_other_connections(void **state) {
    (void)state;
    struct bench *b = bench_new(NULL);
    struct peer p = peer_open(b, 1, 2), q = peer_open(b, 1, 2), r = peer_open(b, 3, 2), back = peer_open(b, 2, 1);
    struct peer apart = peer_open(b, 4, 5);
    assert_machines(&p, "", "", "");
    peer_settle(&p, ID, "ws1", "\\\\fs.corp.example\\data");
    assert_machines(&p, "ws1", "fs", "fs.corp.example");
    assert_machines(&q, "ws1", "fs", "fs.corp.example");
    assert_machines(&r, "", "fs", "fs.corp.example");
    assert_machines(&back, "fs", "ws1", "");
    assert_machines(&apart, "", "", "");
    peer_close(&p);
    assert_string_equal(b->end.client, "ws1");
    assert_machines(&q, "ws1", "fs", "fs.corp.example"); /* its end takes nothing away */
    peer_login(&r, ID + 1, "ws3");
    peer_tree(&r, 1, "\\\\ALIAS\\data");
    assert_machines(&r, "ws3", "ALIAS", "");
    assert_machines(&q, "ws1", "ALIAS", ""); /* the newest is kept */
    peer_login(&q, ID + 2, "ws1");
    peer_tree(&q, 1, "\\\\fs\\data");
    assert_machines(&q, "ws1", "fs", ""); /* its own weighs more than what others showed */
    assert_machines(&r, "ws3", "ALIAS", "");
    struct peer late = peer_open(b, 4, 2);
    assert_machines(&late, "", "fs", "");
    peer_tree(&r, 2, "\\\\ALIAS\\other"); /* shown before, and again */
    assert_machines(&late, "", "ALIAS", "");
    peer_close(&late);
    peer_close(&q);
    peer_close(&r);
    peer_close(&back);
    peer_close(&apart);
    bench_free(b);
}

/* Of a name that was claimed in full and shown in short, the address showed the short one; in whatever order. */
static void full_claims(void **state) {
    (void)state;
    static const struct {
        const char *name;
        uint32_t status;
        const char *full; /* what the address's other connection has then */
    } cases[] = {
        {"ws1.here.example", STATUS_LOGON_FAILURE, ""},
        {"ws1", STATUS_SUCCESS, ""},
        {"ws1.there.example", STATUS_LOGON_FAILURE, ""},
        {"ws1", STATUS_SUCCESS, ""},
        {"ws1.there.example", STATUS_SUCCESS, "ws1.there.example"},
        {"ws1.there.example", STATUS_LOGON_FAILURE, "ws1.there.example"},
        {"ws1", STATUS_SUCCESS, "ws1.there.example"},
    };
    struct bench *b = bench_new(NULL);
    struct peer p = peer_open(b, 1, 2), q = peer_open(b, 1, 2);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        peer_login_status(&p, ID + i, cases[i].name, 0, cases[i].status);
        assert_string_equal(look(&q)->fqdn[MACHINE_CLIENT], cases[i].full);
    }
    struct peer other = peer_open(b, 1, 2);
    peer_login(&other, ID + 9, "ws2");
    assert_string_equal(look(&q)->fqdn[MACHINE_CLIENT], "");
    peer_login(&p, ID + 10, "ws1"); /* it is the newest again, and its full name was shown */
    assert_string_equal(look(&q)->fqdn[MACHINE_CLIENT], "ws1.there.example");
    peer_close(&other);
    peer_close(&p);
    peer_close(&q);
    bench_free(b);
}

static void refused_claims(void **state) {
    (void)state;
    struct bench *b = bench_new(NULL);
    struct peer p = peer_open(b, 1, 2), q = peer_open(b, 1, 2);
    peer_login_status(&p, ID, "mallory", 0, STATUS_LOGON_FAILURE);
    assert_machines(&p, "mallory", "", ""); /* for want of a better one */
    assert_machines(&q, "", "", "");        /* and there alone */
    peer_login(&p, ID, "alice");
    peer_login_status(&p, ID + 1, "mallory", 0, STATUS_LOGON_FAILURE);
    assert_machines(&p, "alice", "", "");
    assert_machines(&q, "alice", "", "");
    peer_login(&p, ID + 2, "192.0.2.1"); /* no name */
    assert_machines(&p, "alice", "", "");
    peer_close(&p);
    peer_close(&q);
    bench_free(b);
}

static struct text utf8(const char *s) {
    return (struct text){{(const uint8_t *)s, strlen(s)}, ENC_UTF8};
}

/* A setup whose request and answer enclose these. */
static void setup(struct peer *p, const struct pdu *ask, const struct pdu *say, uint32_t status) {
    struct smb2_message q = peer_ask(p, SMB2_SESSION_SETUP), r = peer_say(p, SMB2_SESSION_SETUP, status);
    r.header.session_id = ID;
    peer_token(p, ask);
    peer_request(p, &q);
    peer_token(p, say);
    peer_response(p, &r);
}

static void weights(void **state) {
    (void)state;
    struct bench *b = bench_new(NULL);
    struct peer p = peer_open(b, 1, 2);
    struct pdu ticket = {.kind = PDU_KERBEROS,
                         .kerberos = {.type = KERBEROS_AP_REQ, .service = utf8("cifs/fs.corp.example:445/x")}};
    struct pdu challenge = {
        .kind = PDU_NTLM,
        .ntlm = {.type = NTLM_CHALLENGE,
                 .flags = 1,
                 .target_info = {.netbios_computer = utf8("REAL"), .dns_computer = utf8("real.corp.example")}}};
    peer_login(&p, ID, "ws1");
    peer_tree(&p, 1, "\\\\corp.example\\dfs");
    assert_machines(&p, "ws1", "corp", "corp.example");
    setup(&p, &ticket, NULL, STATUS_LOGON_FAILURE);
    assert_machines(&p, "ws1", "corp", "corp.example"); /* it was not accepted */
    setup(&p, &ticket, NULL, STATUS_SUCCESS);
    assert_machines(&p, "ws1", "fs", "fs.corp.example");
    peer_tree(&p, 2, "\\\\corp.example\\dfs"); /* weighs less */
    assert_machines(&p, "ws1", "fs", "fs.corp.example");
    setup(&p, NULL, &challenge, STATUS_MORE_PROCESSING_REQUIRED);
    assert_machines(&p, "ws1", "REAL", "real.corp.example");
    setup(&p, &challenge, NULL, STATUS_MORE_PROCESSING_REQUIRED); /* no client challenges */
    setup(&p, &ticket, NULL, STATUS_SUCCESS);
    assert_machines(&p, "ws1", "REAL", "real.corp.example");
    peer_close(&p);
    bench_free(b);
}

/* A full name is learned behind the short one, whoever tells it. */
static void completed(void **state) {
    (void)state;
    struct bench *b = bench_new(NULL);
    struct peer p = peer_open(b, 1, 2), q = peer_open(b, 3, 2);
    struct pdu challenge = {
        .kind = PDU_NTLM,
        .ntlm = {.type = NTLM_CHALLENGE, .flags = 1, .target_info = {.netbios_computer = utf8("FS")}}};
    setup(&p, NULL, &challenge, STATUS_MORE_PROCESSING_REQUIRED);
    assert_machines(&p, "", "FS", "");
    peer_login(&p, ID, "ws1");
    peer_tree(&p, 1, "\\\\fs.corp.example\\data");
    assert_machines(&p, "ws1", "fs", "fs.corp.example");
    setup(&q, NULL, &challenge, STATUS_MORE_PROCESSING_REQUIRED);
    assert_machines(&q, "", "FS", "fs.corp.example");
    peer_close(&p);
    peer_close(&q);
    bench_free(b);
}

static void bounded(void **state) {
    (void)state;
    struct model_limits limits = model_limits_default();
    limits.machines = 3;
    struct bench *b = bench_new(&limits);
    for (unsigned i = 1; i <= 5; i++) {
        char name[8];
        snprintf(name, sizeof name, "ws%u", i);
        struct peer p = peer_open(b, (uint8_t)i, 100);
        peer_login(&p, ID, name);
        peer_close(&p);
    }
    assert_int_equal(b->stats.evicted_machines, 2);
    struct peer p = peer_open(b, 2, 100), q = peer_open(b, 3, 100);
    assert_machines(&p, "", "", ""); /* forgotten */
    assert_machines(&q, "ws3", "", "");
    peer_close(&p);
    struct peer r = peer_open(b, 6, 100);
    peer_login(&r, ID, "ws6"); /* the one that was met longest ago goes */
    assert_machines(&q, "ws3", "", "");
    peer_close(&q);
    peer_close(&r);
    bench_free(b);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names),          cmocka_unit_test(on_other_connections),
        cmocka_unit_test(refused_claims), cmocka_unit_test(full_claims),
        cmocka_unit_test(weights),        cmocka_unit_test(completed),
        cmocka_unit_test(bounded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
