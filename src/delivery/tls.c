#include "delivery/tls.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

enum {
    DIGEST_SIZE = 32,                   /* SHA-256 */
    DIGEST_TEXT_SIZE = DIGEST_SIZE * 3, /* with colons, and a NUL */
    NAMES_SIZE = 160,                   /* of those in a certificate, as much as is told */
    DATE_SIZE = 40,
    NAME_SIZE = 254, /* of a host, with a NUL (RFC 1035 2.3.4) */
};

struct tls {
    SSL_CTX *context;
    BIO_METHOD *socket;
    const struct tls_settings *settings;
    char name[NAME_SIZE];
    bool name_is_address;
    unsigned char wanted[DIGEST_SIZE];
};

struct tls_session {
    struct tls *tls;
    SSL *ssl;
    int fd;
    int number;       /* errno of the socket's last failure */
    bool ended;       /* the other side ended the connection below TLS */
    bool wants_room;  /* what waits, waits for room */
    bool was_asked;   /* for a certificate */
    bool ticket_came; /* which a server sends once it has accepted us */
    int fault;        /* X509_V_ERR_ of the certificate; 0: none */
    char seen[DIGEST_TEXT_SIZE];
    char names[NAMES_SIZE];
    char from[DATE_SIZE], until[DATE_SIZE];
    char why[TLS_WHY_SIZE];
};

/* ---- the socket: as OpenSSL's own, but that a broken one raises no SIGPIPE */

static int socket_write(BIO *b, const char *bytes, int n) {
    struct tls_session *s = BIO_get_data(b);
    ssize_t done = send(s->fd, bytes, (size_t)n, MSG_NOSIGNAL);
    s->number = done < 0 ? errno : 0;
    BIO_clear_retry_flags(b);
    if (done < 0 && (errno == EAGAIN || errno == EINTR)) {
        BIO_set_retry_write(b);
    }
    return (int)done;
}

static int socket_read(BIO *b, char *to, int size) {
    struct tls_session *s = BIO_get_data(b);
    ssize_t done = recv(s->fd, to, (size_t)size, 0);
    s->number = done < 0 ? errno : 0;
    BIO_clear_retry_flags(b);
    if (done < 0 && (errno == EAGAIN || errno == EINTR)) {
        BIO_set_retry_read(b);
    }
    s->ended = s->ended || done == 0;
    return (int)done;
}

static long socket_control(BIO *b, int what, long number, void *pointer) {
    (void)number;
    (void)pointer;
    const struct tls_session *s = BIO_get_data(b);
    return what == BIO_CTRL_FLUSH || (what == BIO_CTRL_EOF && s && s->ended);
}

static BIO_METHOD *socket_method(void) {
    BIO_METHOD *m = BIO_meth_new(BIO_TYPE_SOURCE_SINK, "socket");
    if (m && BIO_meth_set_write(m, socket_write) && BIO_meth_set_read(m, socket_read) &&
        BIO_meth_set_ctrl(m, socket_control)) {
        return m;
    }
    BIO_meth_free(m);
    return NULL;
}

/* ---- texts of others: what would steer a terminal becomes a question mark */

static void make_plain(char *text) {
    for (; *text != '\0'; text++) {
        *text = *text >= ' ' && *text < 0x7F ? *text : '?';
    }
}

/* The first error is the one that led to the others. */
static const char *reason(void) {
    const char *text = ERR_reason_error_string(ERR_peek_error());
    return text ? text : "unknown error";
}

static void digest_text(const unsigned char digest[DIGEST_SIZE], char to[DIGEST_TEXT_SIZE]) {
    for (unsigned i = 0; i < DIGEST_SIZE; i++) {
        snprintf(to + 3 * i, 4, i + 1 < DIGEST_SIZE ? "%02X:" : "%02X", digest[i]);
    }
}

static void date_text(const ASN1_TIME *time, char to[DATE_SIZE]) {
    struct tm t;
    if (ASN1_TIME_to_tm(time, &t) != 1 || strftime(to, DATE_SIZE, "%Y-%m-%d %H:%M:%S UTC", &t) == 0) {
        snprintf(to, DATE_SIZE, "an unreadable date");
    }
}

static void add_name(char to[NAMES_SIZE], const char *text, int n) {
    size_t used = strlen(to);
    snprintf(to + used, NAMES_SIZE - used, "%s%.*s", used > 0 ? ", " : "", n, text);
}

static void add_address(char to[NAMES_SIZE], const ASN1_OCTET_STRING *a) {
    const unsigned char *p = ASN1_STRING_get0_data(a);
    char text[64] = "";
    if (ASN1_STRING_length(a) == 4) {
        snprintf(text, sizeof text, "%u.%u.%u.%u", p[0], p[1], p[2], p[3]);
    } else if (ASN1_STRING_length(a) == 16) {
        for (unsigned i = 0; i < 16; i += 2) {
            snprintf(text + strlen(text), sizeof text - strlen(text), i ? ":%x" : "%x", p[i] << 8 | p[i + 1]);
        }
    }
    add_name(to, text, (int)strlen(text));
}

/* The names that a certificate is for. */
static void names_text(X509 *certificate, char to[NAMES_SIZE]) {
    GENERAL_NAMES *names = X509_get_ext_d2i(certificate, NID_subject_alt_name, NULL, NULL);
    to[0] = '\0';
    for (int i = 0; i < sk_GENERAL_NAME_num(names); i++) {
        const GENERAL_NAME *name = sk_GENERAL_NAME_value(names, i);
        if (name->type == GEN_DNS) {
            add_name(to, (const char *)ASN1_STRING_get0_data(name->d.dNSName), ASN1_STRING_length(name->d.dNSName));
        } else if (name->type == GEN_IPADD) {
            add_address(to, name->d.iPAddress);
        }
    }
    GENERAL_NAMES_free(names);
    if (to[0] == '\0') {
        X509_NAME_oneline(X509_get_subject_name(certificate), to, NAMES_SIZE);
    }
    make_plain(to);
}

/* ---- the settings */

__attribute__((format(printf, 3, 4))) static int refuse(char why[TLS_WHY_SIZE], int error, const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(why, TLS_WHY_SIZE, format, arguments);
    va_end(arguments);
    ERR_clear_error();
    return error;
}

/* Can it be read at all? */
static int look_at(const char *setting, const char *path, char why[TLS_WHY_SIZE]) {
    FILE *file = fopen(path, "re");
    int error = file ? 0 : -errno;
    char byte;
    if (file && fread(&byte, 1, 1, file) != 1) {
        error = ferror(file) ? -errno : -ENODATA;
    }
    if (file) {
        fclose(file);
    }
    return error == 0 ? 0
                      : refuse(why, error, "%s: %.160s cannot be read: %s; correct the path or its rights", setting,
                               path, error == -ENODATA ? "it is empty" : strerror(-error));
}

static int load_ca(struct tls *t, char why[TLS_WHY_SIZE]) {
    const char *path = t->settings->ca;
    if (!path) {
        return SSL_CTX_set_default_verify_paths(t->context) == 1
                   ? 0
                   : refuse(why, -EIO, "the system's CAs cannot be read: %s; name a file with the setting ca",
                            reason());
    }
    int error = look_at("ca", path, why);
    if (error == 0 && SSL_CTX_load_verify_file(t->context, path) != 1) {
        error = refuse(why, -EINVAL,
                       "ca: %.160s has no certificate in PEM form: %s; give the CA's, which begins with "
                       "-----BEGIN CERTIFICATE-----",
                       path, reason());
    }
    return error;
}

static int hex_digit(char c) {
    return c >= '0' && c <= '9'   ? c - '0'
           : c >= 'a' && c <= 'f' ? c - 'a' + 10
           : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                  : -1;
}

static bool read_fingerprint(const char *text, unsigned char to[DIGEST_SIZE]) {
    unsigned n = 0;
    for (; *text != '\0'; text++) {
        int digit = hex_digit(*text);
        if (digit < 0 && *text == ':' && n % 2 == 0) {
            continue;
        }
        if (digit < 0 || n == DIGEST_SIZE * 2) {
            return false;
        }
        to[n / 2] = (unsigned char)(n % 2 == 0 ? digit << 4 : to[n / 2] | digit);
        n++;
    }
    return n == DIGEST_SIZE * 2;
}

/* Instead of all that OpenSSL would ask of a certificate: is it the one? */
static int is_the_one(X509_STORE_CTX *store, void *arg) {
    const struct tls *t = arg;
    struct tls_session *s = SSL_get_app_data(X509_STORE_CTX_get_ex_data(store, SSL_get_ex_data_X509_STORE_CTX_idx()));
    unsigned char digest[EVP_MAX_MD_SIZE];
    unsigned n = 0;
    X509 *certificate = X509_STORE_CTX_get0_cert(store);
    if (certificate && X509_digest(certificate, EVP_sha256(), digest, &n) == 1 && n == DIGEST_SIZE &&
        memcmp(digest, t->wanted, DIGEST_SIZE) == 0) {
        X509_STORE_CTX_set_error(store, X509_V_OK);
        return 1;
    }
    if (n == DIGEST_SIZE) {
        digest_text(digest, s->seen);
    }
    s->fault = X509_V_ERR_APPLICATION_VERIFICATION;
    X509_STORE_CTX_set_error(store, X509_V_ERR_APPLICATION_VERIFICATION);
    return 0;
}

static int load_trust(struct tls *t, char why[TLS_WHY_SIZE]) {
    const struct tls_settings *settings = t->settings;
    if (!settings->fingerprint) {
        return load_ca(t, why);
    }
    if (settings->ca) {
        return refuse(why, -EINVAL, "ca and fingerprint: the receiver is known by one of them; leave the other out");
    }
    if (!read_fingerprint(settings->fingerprint, t->wanted)) {
        return refuse(why, -EINVAL,
                      "fingerprint: %.100s is no SHA-256; give its 64 hex digits, with or without colons: openssl "
                      "x509 -noout -fingerprint -sha256 -in FILE",
                      settings->fingerprint);
    }
    SSL_CTX_set_cert_verify_callback(t->context, is_the_one, t);
    return 0;
}

/* Never asked for a password: nobody is there. */
static int no_password(char *to, int size, int writing, void *arg) {
    (void)to;
    (void)size;
    (void)writing;
    *(bool *)arg = true;
    return -1;
}

static int load_key(struct tls *t, const char *setting, const char *path, char why[TLS_WHY_SIZE]) {
    bool encrypted = false;
    SSL_CTX_set_default_passwd_cb(t->context, no_password);
    SSL_CTX_set_default_passwd_cb_userdata(t->context, &encrypted);
    int good = SSL_CTX_use_PrivateKey_file(t->context, path, SSL_FILETYPE_PEM);
    SSL_CTX_set_default_passwd_cb_userdata(t->context, NULL);
    SSL_CTX_set_default_passwd_cb(t->context, NULL);
    if (good == 1) {
        return 0;
    }
    if (encrypted) {
        return refuse(why, -EINVAL,
                      "%s: the key in %.160s is encrypted, and nobody is there to type its password; decrypt it: "
                      "openssl pkey -in FILE -out KEY",
                      setting, path);
    }
    if (ERR_GET_LIB(ERR_peek_last_error()) == ERR_LIB_X509 &&
        ERR_GET_REASON(ERR_peek_last_error()) == X509_R_KEY_VALUES_MISMATCH) {
        return refuse(why, -EINVAL,
                      "%s: the key in %.160s is not that of the certificate in %.100s; give the one that belongs to it",
                      setting, path, t->settings->certificate);
    }
    return refuse(
        why, -EINVAL,
        "%s: %.160s has no private key in PEM form: %s; give one that begins with -----BEGIN PRIVATE KEY-----", setting,
        path, reason());
}

static int load_certificate(struct tls *t, char why[TLS_WHY_SIZE]) {
    const struct tls_settings *s = t->settings;
    if (!s->certificate) {
        return s->key ? refuse(why, -EINVAL,
                               "key: there is no certificate to it; give that too, with the setting certificate")
                      : 0;
    }
    int error = look_at("certificate", s->certificate, why);
    if (error == 0 && SSL_CTX_use_certificate_chain_file(t->context, s->certificate) != 1) {
        error = refuse(why, -EINVAL,
                       "certificate: %.160s has no certificate in PEM form: %s; give one that begins with "
                       "-----BEGIN CERTIFICATE-----",
                       s->certificate, reason());
    }
    if (error == 0 && s->key) {
        error = look_at("key", s->key, why);
    }
    return error != 0 ? error : load_key(t, s->key ? "key" : "certificate", s->key ? s->key : s->certificate, why);
}

/* A server sends tickets once it has seen our side of the handshake, and found it good. They are not kept. */
static int ticket_came(SSL *ssl, SSL_SESSION *ticket) {
    (void)ticket;
    struct tls_session *s = SSL_get_app_data(ssl);
    s->ticket_came = true;
    return 0;
}

static int certificate_asked(SSL *ssl, void *arg) {
    (void)arg;
    struct tls_session *s = SSL_get_app_data(ssl);
    s->was_asked = true;
    return 1;
}

static int oldest(const struct tls *t) {
    return t->settings->version_min >= TLS1_3_VERSION ? TLS1_3_VERSION : TLS1_2_VERSION;
}

static bool set_up(struct tls *t) {
    t->context = SSL_CTX_new(TLS_client_method());
    t->socket = socket_method();
    if (!t->context || !t->socket || SSL_CTX_set_min_proto_version(t->context, oldest(t)) != 1) {
        return false;
    }
    SSL_CTX_set_options(t->context, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION | SSL_OP_IGNORE_UNEXPECTED_EOF);
    SSL_CTX_set_mode(t->context, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
    SSL_CTX_set_session_cache_mode(t->context, SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
    SSL_CTX_sess_set_new_cb(t->context, ticket_came);
    SSL_CTX_set_cert_cb(t->context, certificate_asked, NULL);
    return true;
}

static int set_name(struct tls *t, const char *host, char why[TLS_WHY_SIZE]) {
    const char *name = t->settings->name ? t->settings->name : host;
    if (name[0] == '\0') {
        return refuse(why, -EINVAL,
                      "server_name: it is empty; give the one that the receiver's certificate is for, or leave it out");
    }
    if (strlen(name) >= sizeof t->name) {
        return refuse(why, -EINVAL, "server_name: it has more than %zu bytes, so it is no host's; correct it",
                      sizeof t->name - 1);
    }
    strcpy(t->name, name);
    ASN1_OCTET_STRING *address = a2i_IPADDRESS(name);
    t->name_is_address = address != NULL;
    ASN1_OCTET_STRING_free(address);
    ERR_clear_error();
    return 0;
}

int tls_new(struct tls **to, const struct tls_settings *settings, const char *host, char why[TLS_WHY_SIZE]) {
    struct tls *t = calloc(1, sizeof *t);
    if (!t) {
        return refuse(why, -ENOMEM, "there is no memory for TLS; give the machine more");
    }
    t->settings = settings;
    ERR_clear_error();
    int error = set_up(t) ? 0 : refuse(why, -ENOMEM, "TLS cannot be set up: %s; see OpenSSL's configuration", reason());
    if (error == 0) {
        error = set_name(t, host, why);
    }
    if (error == 0) {
        error = load_trust(t, why);
    }
    if (error == 0) {
        error = load_certificate(t, why);
    }
    if (error != 0) {
        make_plain(why);
        tls_free(t);
        return error;
    }
    ERR_clear_error();
    *to = t;
    return 0;
}

void tls_free(struct tls *t) {
    if (t) {
        SSL_CTX_free(t->context);
        BIO_meth_free(t->socket);
        free(t);
    }
}

/* ---- a session */

/* What is wrong with a certificate is kept, for the line. */
static int note_fault(int good, X509_STORE_CTX *store) {
    struct tls_session *s = SSL_get_app_data(X509_STORE_CTX_get_ex_data(store, SSL_get_ex_data_X509_STORE_CTX_idx()));
    X509 *certificate = X509_STORE_CTX_get_current_cert(store);
    if (good || s->fault != 0) {
        return good;
    }
    s->fault = X509_STORE_CTX_get_error(store);
    if (certificate) {
        names_text(certificate, s->names);
        date_text(X509_get0_notBefore(certificate), s->from);
        date_text(X509_get0_notAfter(certificate), s->until);
    }
    return 0;
}

static bool ask_for_name(const struct tls_session *s) {
    struct tls *t = s->tls;
    if (!t->name_is_address && SSL_set_tlsext_host_name(s->ssl, t->name) != 1) {
        return false;
    }
    if (!t->settings->verify_name || t->settings->fingerprint) {
        return true;
    }
    X509_VERIFY_PARAM *p = SSL_get0_param(s->ssl);
    X509_VERIFY_PARAM_set_hostflags(p, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
    return (t->name_is_address ? X509_VERIFY_PARAM_set1_ip_asc(p, t->name)
                               : X509_VERIFY_PARAM_set1_host(p, t->name, 0)) == 1;
}

struct tls_session *tls_session_new(struct tls *t, int fd) {
    struct tls_session *s = calloc(1, sizeof *s);
    BIO *b = s ? BIO_new(t->socket) : NULL;
    if (!b) {
        free(s);
        return NULL;
    }
    s->tls = t;
    s->fd = fd;
    BIO_set_data(b, s);
    BIO_set_init(b, 1);
    s->ssl = SSL_new(t->context);
    if (!s->ssl) {
        BIO_free(b);
        free(s);
        return NULL;
    }
    SSL_set_bio(s->ssl, b, b);
    SSL_set_app_data(s->ssl, s);
    SSL_set_verify(s->ssl, SSL_VERIFY_PEER, note_fault);
    SSL_set_connect_state(s->ssl);
    if (!ask_for_name(s)) {
        tls_session_free(s);
        return NULL;
    }
    return s;
}

void tls_session_free(struct tls_session *s) {
    if (s) {
        SSL_free(s->ssl);
        free(s);
    }
}

/* ---- why it failed */

static void explain_fault(struct tls_session *s) {
    const struct tls_settings *set = s->tls->settings;
    switch (s->fault) {
    case X509_V_ERR_APPLICATION_VERIFICATION:
        snprintf(s->why, sizeof s->why,
                 "its certificate has another fingerprint, %s; if that is right, set it as fingerprint", s->seen);
        break;
    case X509_V_ERR_CERT_HAS_EXPIRED:
        snprintf(s->why, sizeof s->why,
                 "a certificate (%.100s) has expired on %s; renew it, or set the clock of this machine", s->names,
                 s->until);
        break;
    case X509_V_ERR_CERT_NOT_YET_VALID:
        snprintf(s->why, sizeof s->why, "a certificate (%.100s) is not valid before %s; set the clocks", s->names,
                 s->from);
        break;
    case X509_V_ERR_HOSTNAME_MISMATCH:
    case X509_V_ERR_IP_ADDRESS_MISMATCH:
        snprintf(s->why, sizeof s->why,
                 "its certificate is for %s and not for %.100s; if that is right, set server_name to one of its names",
                 s->names, s->tls->name);
        break;
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT:
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
    case X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE:
    case X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT:
    case X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN:
        snprintf(s->why, sizeof s->why,
                 "its certificate (%.80s) is not signed by a CA in %.160s; name its CA's file with ca, or set "
                 "fingerprint",
                 s->names, set->ca ? set->ca : "the system's list");
        break;
    default:
        snprintf(s->why, sizeof s->why, "its certificate (%.100s) is refused: %s; it needs another", s->names,
                 X509_verify_cert_error_string(s->fault));
    }
}

/* RFC 8446 6.2: what a server says to a client whose certificate it does not like. Many say handshake_failure. */
static bool is_about_our_certificate(int alert) {
    static const unsigned char alerts[] = {SSL_AD_BAD_CERTIFICATE,     SSL_AD_UNSUPPORTED_CERTIFICATE,
                                           SSL_AD_CERTIFICATE_REVOKED, SSL_AD_CERTIFICATE_EXPIRED,
                                           SSL_AD_CERTIFICATE_UNKNOWN, SSL_AD_UNKNOWN_CA,
                                           SSL_AD_ACCESS_DENIED,       SSL_AD_DECRYPT_ERROR,
                                           SSL_AD_HANDSHAKE_FAILURE,   SSL_AD_CERTIFICATE_REQUIRED};
    for (size_t i = 0; i < sizeof alerts; i++) {
        if (alerts[i] == alert) {
            return true;
        }
    }
    return false;
}

static void explain_alert(struct tls_session *s, int alert) {
    const char *said =
        alert == SSL_AD_CERTIFICATE_REQUIRED ? "certificate required" : SSL_alert_desc_string_long(alert);
    if (alert == SSL_AD_PROTOCOL_VERSION) {
        bool new = oldest(s->tls) == TLS1_3_VERSION;
        snprintf(s->why, sizeof s->why, "it speaks no TLS %s or newer; renew its TLS%s", new ? "1.3" : "1.2",
                 new ? ", or set tls_version_min to 1.2" : "");
    } else if (s->was_asked && is_about_our_certificate(alert) && !s->tls->settings->certificate) {
        snprintf(s->why, sizeof s->why, "it wants a certificate of ours (it said: %s); set certificate and key", said);
    } else if (s->was_asked && is_about_our_certificate(alert)) {
        snprintf(s->why, sizeof s->why,
                 "it refuses our certificate (it said: %s); see what it admits, and the setting certificate", said);
    } else {
        snprintf(s->why, sizeof s->why, "it ended the TLS session (it said: %s); see its own log", said);
    }
}

static void explain_error(struct tls_session *s) {
    unsigned long error = ERR_peek_last_error();
    int why = ERR_GET_REASON(error);
    bool handshake = !SSL_is_init_finished(s->ssl);
    if (s->fault != 0 && why == SSL_R_CERTIFICATE_VERIFY_FAILED) {
        explain_fault(s);
    } else if (ERR_GET_LIB(error) == ERR_LIB_SSL && why > SSL_AD_REASON_OFFSET) {
        explain_alert(s, why - SSL_AD_REASON_OFFSET);
    } else if (why == SSL_R_UNSUPPORTED_PROTOCOL || why == SSL_R_VERSION_TOO_LOW) {
        explain_alert(s, SSL_AD_PROTOCOL_VERSION);
    } else if (handshake && (why == SSL_R_WRONG_VERSION_NUMBER || why == SSL_R_PACKET_LENGTH_TOO_LONG ||
                             why == SSL_R_UNEXPECTED_MESSAGE || why == SSL_R_BAD_LENGTH)) {
        snprintf(s->why, sizeof s->why, "what it says is no TLS; see its port, or take the plain protocol");
    } else {
        snprintf(s->why, sizeof s->why, "TLS failed: %s; see its own log", reason());
    }
}

static enum tls_result fail(struct tls_session *s, int result) {
    bool handshake = !SSL_is_init_finished(s->ssl);
    if (result == SSL_ERROR_SSL) {
        explain_error(s);
    } else if (handshake && (s->ended || s->number == ECONNRESET)) {
        snprintf(s->why, sizeof s->why,
                 "it closed the connection in the TLS handshake; see whether its port is one for TLS, and its "
                 "own log");
    } else {
        snprintf(s->why, sizeof s->why, "the connection broke: %s", s->number ? strerror(s->number) : "closed");
    }
    make_plain(s->why);
    ERR_clear_error();
    return TLS_FAILED;
}

/* Some servers hang up on a client whose certificate they do not like, and leave it to guess. */
static void explain_end(struct tls_session *s) {
    if (!s->was_asked || tls_accepted(s)) {
        snprintf(s->why, sizeof s->why, "it ended the connection; see its own log");
    } else if (!s->tls->settings->certificate) {
        snprintf(s->why, sizeof s->why,
                 "it asked for a certificate of ours, and ended the connection; set certificate and key");
    } else {
        snprintf(s->why, sizeof s->why,
                 "it saw our certificate, and ended the connection; see what it admits, and the setting certificate");
    }
}

static enum tls_result result_of(struct tls_session *s, int done) {
    if (done > 0) {
        return TLS_DONE;
    }
    int result = SSL_get_error(s->ssl, done);
    if (result == SSL_ERROR_WANT_READ || result == SSL_ERROR_WANT_WRITE) {
        s->wants_room = result == SSL_ERROR_WANT_WRITE;
        return TLS_AGAIN;
    }
    if (result == SSL_ERROR_ZERO_RETURN && SSL_is_init_finished(s->ssl)) {
        explain_end(s);
        return TLS_CLOSED;
    }
    return fail(s, result);
}

static void prepare(struct tls_session *s) {
    ERR_clear_error();
    s->wants_room = false;
    s->number = 0;
}

enum tls_result tls_handshake(struct tls_session *s) {
    prepare(s);
    return result_of(s, SSL_do_handshake(s->ssl));
}

bool tls_accepted(const struct tls_session *s) {
    return SSL_version(s->ssl) < TLS1_3_VERSION || s->ticket_came;
}

enum tls_result tls_write(struct tls_session *s, const char *bytes, size_t n, size_t *done) {
    assert(n > 0);
    prepare(s);
    return result_of(s, SSL_write_ex(s->ssl, bytes, n, done));
}

enum tls_result tls_read(struct tls_session *s, char *to, size_t size, size_t *done) {
    prepare(s);
    return result_of(s, SSL_read_ex(s->ssl, to, size, done));
}

enum tls_result tls_end(struct tls_session *s) {
    prepare(s);
    int done = SSL_shutdown(s->ssl);
    return done >= 0 ? TLS_DONE : result_of(s, done);
}

bool tls_wants_room(const struct tls_session *s) {
    return s->wants_room;
}

const char *tls_why(const struct tls_session *s) {
    return s->why;
}
