#include "certificates.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/x509v3.h>

#include <cmocka.h>

static void add_extension(X509 *certificate, int nid, const char *value) {
    X509V3_CTX context;
    X509V3_set_ctx_nodb(&context);
    X509V3_set_ctx(&context, certificate, certificate, NULL, NULL, 0);
    X509_EXTENSION *extension = X509V3_EXT_conf_nid(NULL, &context, nid, value);
    assert_non_null(extension);
    assert_int_equal(X509_add_ext(certificate, extension, -1), 1);
    X509_EXTENSION_free(extension);
}

struct credentials certificates_make(const char *subject, const char *names, const struct credentials *issuer,
                                     long from, long until) {
    static long serial = 1;
    struct credentials c = {.certificate = X509_new(), .key = EVP_EC_gen("P-256")};
    assert_true(c.certificate && c.key);
    X509_set_version(c.certificate, X509_VERSION_3);
    ASN1_INTEGER_set(X509_get_serialNumber(c.certificate), serial++);
    X509_gmtime_adj(X509_getm_notBefore(c.certificate), from);
    X509_gmtime_adj(X509_getm_notAfter(c.certificate), until);
    X509_NAME *name = X509_get_subject_name(c.certificate);
    X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, (const unsigned char *)subject, -1, -1, 0);
    X509_set_issuer_name(c.certificate, issuer ? X509_get_subject_name(issuer->certificate) : name);
    X509_set_pubkey(c.certificate, c.key);
    add_extension(c.certificate, NID_basic_constraints, issuer ? "critical,CA:FALSE" : "critical,CA:TRUE");
    if (names) {
        add_extension(c.certificate, NID_subject_alt_name, names);
    }
    assert_true(X509_sign(c.certificate, issuer ? issuer->key : c.key, EVP_sha256()) > 0);
    return c;
}

void certificates_free(struct credentials *c) {
    X509_free(c->certificate);
    EVP_PKEY_free(c->key);
    *c = (struct credentials){NULL, NULL};
}

void certificates_write(const char *path, X509 *certificate, EVP_PKEY *key, const char *password) {
    FILE *file = fopen(path, "we");
    assert_non_null(file);
    if (certificate) {
        assert_int_equal(PEM_write_X509(file, certificate), 1);
    }
    if (key) {
        assert_int_equal(PEM_write_PKCS8PrivateKey(file, key, password ? EVP_aes_128_cbc() : NULL, password,
                                                   password ? (int)strlen(password) : 0, NULL, NULL),
                         1);
    }
    fclose(file);
}

void certificates_fingerprint(X509 *certificate, char to[96]) {
    unsigned char digest[EVP_MAX_MD_SIZE];
    unsigned n = 0;
    assert_int_equal(X509_digest(certificate, EVP_sha256(), digest, &n), 1);
    for (unsigned i = 0; i < n; i++) {
        snprintf(to + 3 * i, 4, i + 1 < n ? "%02X:" : "%02X", digest[i]);
    }
}
