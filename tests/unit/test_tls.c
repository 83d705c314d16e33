#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <openssl/err.h>
#include <openssl/ssl.h>

#include <cmocka.h>

#include "certificates.h"
#include "delivery/peer.h"
#include "delivery/stream.h"
#include "delivery/relp.h"
#include "receiver.h"

enum { DAY = 86400 };

/* What the server does, and what it is for. */
struct server {
    SSL_CTX *context;
    SSL *ssl;
    bool silent_end; /* without close_notify */
    bool failed;
    unsigned answered; /* of RELP's frames */
};

static char folder[64], path_ca[96], path_other_ca[96], path_certificate[96], path_key[96], path_both[96],
    path_encrypted[96], path_other_key[96], path_text[96], path_empty[96], path_stranger[96];
static struct credentials ca, other_ca, right, client, stranger;
static struct receiver receiver;
static struct server server;
static struct trip trip;
static char why[TRANSPORT_WHY_SIZE];
static unsigned numbers[20000];

/* ---- the server: OpenSSL's, on the receiver's socket */

static void server_open(const struct credentials *c) {
    server = (struct server){.context = SSL_CTX_new(TLS_server_method())};
    assert_non_null(server.context);
    assert_int_equal(SSL_CTX_use_certificate(server.context, c->certificate), 1);
    assert_int_equal(SSL_CTX_use_PrivateKey(server.context, c->key), 1);
    SSL_CTX_set_options(server.context, SSL_OP_IGNORE_UNEXPECTED_EOF);
}

/* An old protocol needs the old digests too. */
static void server_versions(int oldest, int newest) {
    SSL_CTX_set_security_level(server.context, 0);
    assert_int_equal(SSL_CTX_set_cipher_list(server.context, "ALL:@SECLEVEL=0"), 1);
    assert_int_equal(SSL_CTX_set_min_proto_version(server.context, oldest), 1);
    assert_int_equal(SSL_CTX_set_max_proto_version(server.context, newest), 1);
}

static void server_asks(void) {
    SSL_CTX_set_verify(server.context, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, NULL);
    X509_STORE_add_cert(SSL_CTX_get_cert_store(server.context), ca.certificate);
}

static void server_hang_up(void) {
    SSL_free(server.ssl);
    server.ssl = NULL;
    receiver_end(&receiver);
}

static void server_read(void) {
    size_t n = 0;
    while (SSL_read_ex(server.ssl, receiver.bytes + receiver.used, RECEIVER_SIZE - receiver.used, &n) == 1) {
        receiver.used += n;
    }
    int error = SSL_get_error(server.ssl, 0);
    if (error == SSL_ERROR_WANT_READ || error == SSL_ERROR_WANT_WRITE) {
        return;
    }
    server.failed = server.failed || error != SSL_ERROR_ZERO_RETURN;
    if (error == SSL_ERROR_ZERO_RETURN && !server.silent_end) {
        SSL_shutdown(server.ssl);
    }
    receiver.ended = true;
    server_hang_up();
}

static void serve(struct trip *t) {
    ERR_clear_error();
    if (!receiver_accept(t->receiver)) {
        return;
    }
    if (!server.ssl) {
        server.ssl = SSL_new(server.context);
        SSL_set_fd(server.ssl, t->receiver->fd);
        SSL_set_accept_state(server.ssl);
    }
    server_read();
}

/* ---- the client */

static void open_with(const struct credentials *c) {
    server_open(c);
    receiver_open(&receiver, 0);
    trip = (struct trip){.receiver = &receiver, .serve = serve, .next = 1};
    trip_settings(&trip.settings, OUTPUT_TLS, "127.0.0.1", receiver.port);
    trip.settings.tls.ca = path_ca;
}

static int connect_to(int error) {
    if (error == 0) {
        trip.transport.begin(trip.transport.state, trip_now(&trip));
        trip_until(&trip, TRANSPORT_READY);
        snprintf(why, sizeof why, "%s", trip.transport.why(trip.transport.state));
    }
    return error;
}

static int connect_now(void) {
    return connect_to(stream_transport(&trip.transport, &trip.settings, why));
}

static int close_all(void **state) {
    (void)state;
    if (trip.transport.free) {
        trip.transport.free(trip.transport.state);
    }
    server_hang_up();
    receiver_close(&receiver);
    SSL_CTX_free(server.context);
    trip = (struct trip){0};
    return 0;
}

static uint64_t done(void) {
    return trip.transport.done(trip.transport.state);
}

static void delivers(unsigned count) {
    assert_int_equal(connect_now(), 0);
    assert_string_equal(trip.state == TRANSPORT_READY ? "" : why, "");
    trip_send_all(&trip, count);
    trip.transport.end(trip.transport.state, trip_now(&trip));
    trip_until(&trip, TRANSPORT_ENDED);
    assert_string_equal(trip.state == TRANSPORT_ENDED ? "" : trip.transport.why(trip.transport.state), "");
    assert_int_equal(done(), count * 10);
    assert_false(server.failed);
    assert_int_equal(receiver_records(&receiver, true, numbers, sizeof numbers / sizeof numbers[0]), count);
    for (unsigned i = 0; i < count; i++) {
        assert_int_equal(numbers[i], i + 1);
    }
}

/* It breaks, the line names the address and says it, and nothing counts as done. */
static void breaks(const char *says, const char *remedy) {
    assert_int_equal(connect_now(), 0);
    if (trip.state == TRANSPORT_READY) {
        trip_send(&trip, 10);
        trip_until(&trip, TRANSPORT_ENDED);
        snprintf(why, sizeof why, "%s", trip.transport.why(trip.transport.state));
    }
    assert_int_equal(trip.state, TRANSPORT_BROKEN);
    assert_memory_equal(why, "127.0.0.1:", 10);
    if (!strstr(why, says) || !strstr(why, remedy)) {
        fail_msg("not \"%s\" and \"%s\", but: %s", says, remedy, why);
    }
    assert_int_equal(done(), 0);
    assert_int_equal(receiver.used, 0);
}

static void what_is_right(void **state) {
    (void)state;
    open_with(&right);
    delivers(3000);
}

static void without_a_close_notify(void **state) {
    (void)state;
    open_with(&right);
    server.silent_end = true;
    delivers(30);
}

static void each_version(void **state) {
    (void)state;
    open_with(&right);
    server_versions(TLS1_2_VERSION, TLS1_2_VERSION);
    delivers(100);
}

static void without_tickets(void **state) {
    (void)state;
    open_with(&right);
    SSL_CTX_set_num_tickets(server.context, 0);
    delivers(10);
}

static void a_client_certificate(void **state) {
    (void)state;
    open_with(&right);
    server_asks();
    trip.settings.tls.certificate = path_certificate;
    trip.settings.tls.key = path_key;
    delivers(10);
}

static void certificate_and_key_in_one_file(void **state) {
    (void)state;
    open_with(&right);
    server_asks();
    trip.settings.tls.certificate = path_both;
    delivers(10);
}

static void a_fingerprint(void **state) {
    (void)state;
    char digits[96];
    struct credentials odd = certificates_make("odd", "DNS:other.example", NULL, -2 * DAY, -DAY);
    certificates_fingerprint(odd.certificate, digits);
    open_with(&odd);
    trip.settings.tls.ca = NULL;
    trip.settings.tls.fingerprint = digits;
    delivers(10);
    certificates_free(&odd);
}

static void a_name_of_its_own(void **state) {
    (void)state;
    struct credentials named = certificates_make("x", "DNS:log.example", &ca, -DAY, DAY);
    open_with(&named);
    trip.settings.tls.name = "log.example";
    delivers(10);
    certificates_free(&named);
}

static void a_name_that_is_not_asked(void **state) {
    (void)state;
    struct credentials named = certificates_make("x", "DNS:log.example", &ca, -DAY, DAY);
    open_with(&named);
    trip.settings.tls.verify_name = false;
    delivers(10);
    certificates_free(&named);
}

/* RELP's answers come over it as well: to open, three records, and close. */
static void serve_relp(struct trip *t) {
    static const char *const frames[] = {"1 open ", "2 syslog ", "3 syslog ", "4 syslog ", "5 close "};
    static const char *const answers[] = {"1 rsp 6 200 OK\n", "2 rsp 6 200 OK\n", "3 rsp 6 500 no\n",
                                          "4 rsp 6 200 OK\n", "5 rsp 0\n"};
    serve(t);
    for (; server.answered < 5 && server.ssl; server.answered++) {
        const char *frame = frames[server.answered];
        if (!memmem(receiver.bytes, receiver.used, frame, strlen(frame))) {
            break;
        }
        SSL_write(server.ssl, answers[server.answered], (int)strlen(answers[server.answered]));
    }
}

static void relp_over_it(void **state) {
    (void)state;
    uint64_t place = 0;
    open_with(&right);
    trip.settings.kind = OUTPUT_RELP_TLS;
    trip.serve = serve_relp;
    assert_int_equal(connect_to(relp_transport(&trip.transport, &trip.settings, why)), 0);
    assert_int_equal(trip.state, TRANSPORT_READY);
    trip_send_all(&trip, 3);
    while (!trip.transport.refused(trip.transport.state, &place)) {
        trip_turn(&trip);
    }
    assert_int_equal(place, 20);
    trip.transport.end(trip.transport.state, trip_now(&trip));
    trip_until(&trip, TRANSPORT_ENDED);
    assert_int_equal(trip.state, TRANSPORT_ENDED);
    assert_int_equal(done(), 30);
}

/* ---- each way to fail */

static void an_unknown_ca(void **state) {
    (void)state;
    open_with(&right);
    trip.settings.tls.ca = path_other_ca;
    breaks("is not signed by a CA in", "name its CA's file with ca, or set fingerprint");
}

static void none_of_the_systems(void **state) {
    (void)state;
    open_with(&right);
    trip.settings.tls.ca = NULL;
    breaks("is not signed by a CA in the system's list", "name its CA's file with ca");
}

static void a_certificate_that_signs_itself(void **state) {
    (void)state;
    open_with(&stranger);
    breaks("is not signed by a CA in", "set fingerprint");
}

static void one_that_has_expired(void **state) {
    (void)state;
    struct credentials old = certificates_make("old", "IP:127.0.0.1", &ca, -2 * DAY, -DAY);
    open_with(&old);
    breaks("has expired on 20", "renew it");
    certificates_free(&old);
}

static void one_that_is_not_valid_yet(void **state) {
    (void)state;
    struct credentials young = certificates_make("young", "IP:127.0.0.1", &ca, DAY, 2 * DAY);
    open_with(&young);
    breaks("is not valid before 20", "set the clocks");
    certificates_free(&young);
}

static void another_name(void **state) {
    (void)state;
    struct credentials other =
        certificates_make("other", "DNS:a.example,DNS:b.example,IP:192.0.2.1,IP:2001:db8::1", &ca, -DAY, DAY);
    open_with(&other);
    breaks("is for a.example, b.example, 192.0.2.1, 2001:db8:0:0:0:0:0:1 and not for 127.0.0.1",
           "set server_name to one of its names");
    certificates_free(&other);
}

static void another_name_than_was_set(void **state) {
    (void)state;
    open_with(&right);
    trip.settings.tls.name = "log.example";
    breaks("is for 127.0.0.1, localhost and not for log.example", "set server_name");
}

static void a_name_that_would_steer_a_terminal(void **state) {
    (void)state;
    struct credentials odd = certificates_make("odd\x1b[2J", NULL, &ca, -DAY, DAY);
    open_with(&odd);
    breaks("and not for 127.0.0.1", "set server_name");
    assert_null(strchr(why, '\x1b'));
    certificates_free(&odd);
}

static void another_fingerprint(void **state) {
    (void)state;
    char digits[96], want[256];
    certificates_fingerprint(right.certificate, digits);
    snprintf(want, sizeof want, "has another fingerprint, %s;", digits);
    open_with(&right);
    trip.settings.tls.ca = NULL;
    trip.settings.tls.fingerprint = "0000000000000000000000000000000000000000000000000000000000000000";
    breaks(want, "set it as fingerprint");
}

static void an_old_protocol(void **state) {
    (void)state;
    open_with(&right);
    server_versions(TLS1_VERSION, TLS1_1_VERSION);
    breaks("speaks no TLS 1.2 or newer", "renew its TLS");
}

static void not_the_newest_protocol(void **state) {
    (void)state;
    open_with(&right);
    server_versions(TLS1_2_VERSION, TLS1_2_VERSION);
    trip.settings.tls.version_min = TLS1_3_VERSION;
    breaks("speaks no TLS 1.3 or newer", "set tls_version_min to 1.2");
}

static void no_client_certificate(void **state) {
    (void)state;
    open_with(&right);
    server_asks();
    breaks("it wants a certificate of ours (it said: certificate required)", "set certificate and key");
}

static void no_client_certificate_in_the_old_way(void **state) {
    (void)state;
    open_with(&right);
    server_versions(TLS1_2_VERSION, TLS1_2_VERSION);
    server_asks();
    breaks("it wants a certificate of ours", "set certificate and key");
}

static void a_client_certificate_that_is_refused(void **state) {
    (void)state;
    open_with(&right);
    server_asks();
    trip.settings.tls.certificate = path_stranger;
    breaks("it refuses our certificate (it said: unknown CA)", "see what it admits");
}

/* What a syslog receiver without TLS makes of a handshake: it waits for the end of a line, or it answers, or hangs up. */
static void accept_alone(struct trip *t) {
    receiver_accept(t->receiver);
}

static void one_that_says_nothing(void **state) {
    (void)state;
    open_with(&right);
    trip.serve = accept_alone;
    assert_int_equal(stream_transport(&trip.transport, &trip.settings, why), 0);
    trip.transport.begin(trip.transport.state, trip_now(&trip));
    for (unsigned i = 0; i < 10; i++) {
        trip_turn(&trip);
    }
    assert_int_equal(trip.state, TRANSPORT_BUSY);
    trip.shift += PEER_HANDSHAKE_NS;
    trip_turn(&trip);
    assert_int_equal(trip.state, TRANSPORT_BROKEN);
    assert_non_null(strstr(trip.transport.why(trip.transport.state), "does not answer in the TLS handshake"));
}

static void answer_in_words(struct trip *t) {
    if (receiver_accept(t->receiver) && receiver_read(t->receiver, SIZE_MAX) > 0) {
        receiver_write(t->receiver, "500 what is that?\r\n", 19);
        receiver_forget(t->receiver);
    }
}

static void one_that_speaks_no_tls(void **state) {
    (void)state;
    open_with(&right);
    trip.serve = answer_in_words;
    breaks("what it says is no TLS", "see its port");
}

static void hang_up(struct trip *t) {
    if (receiver_accept(t->receiver) && receiver_read(t->receiver, SIZE_MAX) > 0) {
        receiver_end(t->receiver);
        receiver_forget(t->receiver);
    }
}

static void one_that_hangs_up(void **state) {
    (void)state;
    open_with(&right);
    trip.serve = hang_up;
    breaks("it closed the connection in the TLS handshake", "see whether its port is one for TLS");
}

static void hang_up_hard(struct trip *t) {
    if (receiver_accept(t->receiver)) {
        receiver_reset(t->receiver);
    }
}

static void one_that_resets(void **state) {
    (void)state;
    open_with(&right);
    trip.serve = hang_up_hard;
    breaks("", "see");
}

/* As GnuTLS's do: it asks for a certificate, sees that there is none, and hangs up without a word. */
static int take_any(int good, X509_STORE_CTX *store) {
    (void)good;
    (void)store;
    return 1;
}

static void hang_up_after_the_handshake(struct trip *t) {
    serve(t);
    if (server.ssl && SSL_is_init_finished(server.ssl)) {
        server_hang_up();
    }
}

static void hung_up_upon(void **state) {
    (void)state;
    const char *const certificates[] = {NULL, path_both};
    static const char *const lines[] = {
        "it asked for a certificate of ours, and ended the connection; set certificate and key",
        "it saw our certificate, and ended the connection; see what it admits"};
    open_with(&right);
    trip.serve = hang_up_after_the_handshake;
    SSL_CTX_set_verify(server.context, SSL_VERIFY_PEER, take_any);
    SSL_CTX_set_num_tickets(server.context, 0);
    for (unsigned i = 0; i < 2; i++) {
        trip.settings.tls.certificate = certificates[i];
        breaks(lines[i], "");
        trip.transport.free(trip.transport.state);
        trip.transport.free = NULL;
    }
}

/* It is accepted first and then thrown out, with an alert, or without a word. */
static void thrown_out_later(void **state) {
    (void)state;
    open_with(&right);
    assert_int_equal(connect_now(), 0);
    assert_int_equal(trip.state, TRANSPORT_READY);
    SSL_shutdown(server.ssl);
    trip_turn(&trip);
    trip_send(&trip, 5);
    trip_until(&trip, TRANSPORT_ENDED);
    assert_int_equal(trip.state, TRANSPORT_BROKEN);
    assert_non_null(strstr(trip.transport.why(trip.transport.state), "it ended the connection"));
}

/* ---- files and settings */

static void refused(const char *says, const char *remedy) {
    struct transport t;
    int error = stream_transport(&t, &trip.settings, why);
    assert_true(error < 0);
    if (!strstr(why, says) || !strstr(why, remedy) || strchr(why, '\n')) {
        fail_msg("not \"%s\" and \"%s\", but: %s", says, remedy, why);
    }
    trip_settings(&trip.settings, OUTPUT_TLS, "127.0.0.1", "6514");
}

static void what_files_may_lack(void **state) {
    (void)state;
    struct tls_settings *s = &trip.settings.tls;
    trip_settings(&trip.settings, OUTPUT_TLS, "127.0.0.1", "6514");
    s->ca = "/nonexistent/ca.pem";
    refused("ca: /nonexistent/ca.pem cannot be read: No such file or directory", "correct the path");
    s->ca = path_empty;
    refused("cannot be read: it is empty", "correct the path");
    s->ca = folder;
    refused("cannot be read: Is a directory", "correct the path");
    s->ca = path_text;
    refused("has no certificate in PEM form", "-----BEGIN CERTIFICATE-----");
    s->certificate = path_text;
    refused("has no certificate in PEM form: no start line", "-----BEGIN CERTIFICATE-----");
    s->certificate = "/nonexistent/c.pem";
    refused("certificate: /nonexistent/c.pem cannot be read", "correct the path");
    s->certificate = path_certificate;
    refused("has no private key in PEM form", "-----BEGIN PRIVATE KEY-----");
    s->certificate = path_certificate;
    s->key = "/nonexistent/k.pem";
    refused("key: /nonexistent/k.pem cannot be read", "correct the path");
    s->certificate = path_certificate;
    s->key = path_text;
    refused("key: ", "-----BEGIN PRIVATE KEY-----");
    s->certificate = path_certificate;
    s->key = path_encrypted;
    refused("is encrypted", "openssl pkey -in FILE -out KEY");
    s->certificate = path_certificate;
    s->key = path_other_key;
    refused("is not that of the certificate in", "give the one that belongs to it");
    s->key = path_key;
    refused("key: there is no certificate to it", "with the setting certificate");
}

static void what_settings_may_not_be(void **state) {
    (void)state;
    static const char *const bad[] = {"",
                                      "00",
                                      "zz",
                                      "a:b",
                                      "0:0",
                                      "00000000000000000000000000000000000000000000000000000000000000000",
                                      "000000000000000000000000000000000000000000000000000000000000000",
                                      "000000000000000000000000000000000000000000000000000000000000000g"};
    struct tls_settings *s = &trip.settings.tls;
    trip_settings(&trip.settings, OUTPUT_TLS, "127.0.0.1", "6514");
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        s->fingerprint = bad[i];
        refused("is no SHA-256", "openssl x509 -noout -fingerprint -sha256 -in FILE");
    }
    s->fingerprint = "0000000000000000000000000000000000000000000000000000000000000000";
    s->ca = path_ca;
    refused("ca and fingerprint", "leave the other out");
    s->name = "";
    refused("server_name: it is empty", "leave it out");
    static char long_name[300];
    memset(long_name, 'n', sizeof long_name - 1);
    s->name = long_name;
    refused("server_name: it has more than 253 bytes", "correct it");
}

/* ---- */

static void put_text(const char *path, const char *text) {
    FILE *file = fopen(path, "we");
    assert_non_null(file);
    fputs(text, file);
    fclose(file);
}

static int make_files(void **state) {
    (void)state;
    static const struct {
        char *path;
        const char *name;
    } files[] = {{path_ca, "ca"},
                 {path_other_ca, "other_ca"},
                 {path_certificate, "certificate"},
                 {path_key, "key"},
                 {path_both, "both"},
                 {path_text, "text"},
                 {path_encrypted, "encrypted"},
                 {path_other_key, "other_key"},
                 {path_empty, "empty"},
                 {path_stranger, "stranger"}};
    snprintf(folder, sizeof folder, "/tmp/smbtap-test-tls-XXXXXX");
    assert_non_null(mkdtemp(folder));
    for (size_t i = 0; i < sizeof files / sizeof files[0]; i++) {
        snprintf(files[i].path, sizeof path_ca, "%s/%s.pem", folder, files[i].name);
    }
    ca = certificates_make("the CA", NULL, NULL, -DAY, DAY);
    other_ca = certificates_make("another CA", NULL, NULL, -DAY, DAY);
    right = certificates_make("right", "IP:127.0.0.1,DNS:localhost", &ca, -DAY, DAY);
    client = certificates_make("client", "DNS:sensor.example", &ca, -DAY, DAY);
    stranger = certificates_make("stranger", "IP:127.0.0.1", NULL, -DAY, DAY);
    certificates_write(path_ca, ca.certificate, NULL, NULL);
    certificates_write(path_other_ca, other_ca.certificate, NULL, NULL);
    certificates_write(path_certificate, client.certificate, NULL, NULL);
    certificates_write(path_key, NULL, client.key, NULL);
    certificates_write(path_both, client.certificate, client.key, NULL);
    certificates_write(path_encrypted, NULL, client.key, "secret");
    certificates_write(path_other_key, NULL, right.key, NULL);
    certificates_write(path_stranger, stranger.certificate, stranger.key, NULL);
    put_text(path_text, "this is no certificate\n");
    put_text(path_empty, "");
    return 0;
}

static int remove_files(void **state) {
    (void)state;
    const char *const paths[] = {path_ca,        path_other_ca,  path_certificate, path_key,   path_both,
                                 path_encrypted, path_other_key, path_text,        path_empty, path_stranger};
    for (size_t i = 0; i < sizeof paths / sizeof paths[0]; i++) {
        unlink(paths[i]);
    }
    rmdir(folder);
    certificates_free(&ca);
    certificates_free(&other_ca);
    certificates_free(&right);
    certificates_free(&client);
    certificates_free(&stranger);
    return 0;
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(what_is_right, close_all),
        cmocka_unit_test_teardown(without_a_close_notify, close_all),
        cmocka_unit_test_teardown(each_version, close_all),
        cmocka_unit_test_teardown(without_tickets, close_all),
        cmocka_unit_test_teardown(a_client_certificate, close_all),
        cmocka_unit_test_teardown(certificate_and_key_in_one_file, close_all),
        cmocka_unit_test_teardown(a_fingerprint, close_all),
        cmocka_unit_test_teardown(a_name_of_its_own, close_all),
        cmocka_unit_test_teardown(a_name_that_is_not_asked, close_all),
        cmocka_unit_test_teardown(relp_over_it, close_all),
        cmocka_unit_test_teardown(an_unknown_ca, close_all),
        cmocka_unit_test_teardown(none_of_the_systems, close_all),
        cmocka_unit_test_teardown(a_certificate_that_signs_itself, close_all),
        cmocka_unit_test_teardown(one_that_has_expired, close_all),
        cmocka_unit_test_teardown(one_that_is_not_valid_yet, close_all),
        cmocka_unit_test_teardown(another_name, close_all),
        cmocka_unit_test_teardown(another_name_than_was_set, close_all),
        cmocka_unit_test_teardown(a_name_that_would_steer_a_terminal, close_all),
        cmocka_unit_test_teardown(another_fingerprint, close_all),
        cmocka_unit_test_teardown(an_old_protocol, close_all),
        cmocka_unit_test_teardown(not_the_newest_protocol, close_all),
        cmocka_unit_test_teardown(no_client_certificate, close_all),
        cmocka_unit_test_teardown(no_client_certificate_in_the_old_way, close_all),
        cmocka_unit_test_teardown(a_client_certificate_that_is_refused, close_all),
        cmocka_unit_test_teardown(one_that_says_nothing, close_all),
        cmocka_unit_test_teardown(one_that_speaks_no_tls, close_all),
        cmocka_unit_test_teardown(one_that_hangs_up, close_all),
        cmocka_unit_test_teardown(one_that_resets, close_all),
        cmocka_unit_test_teardown(hung_up_upon, close_all),
        cmocka_unit_test_teardown(thrown_out_later, close_all),
        cmocka_unit_test(what_files_may_lack),
        cmocka_unit_test(what_settings_may_not_be),
    };
    return cmocka_run_group_tests(tests, make_files, remove_files);
}
