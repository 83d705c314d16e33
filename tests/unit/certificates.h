/* Certificates made for a test: each test's are new, and nothing of them is on the disk but what certificates_write puts there. */
#ifndef CERTIFICATES_H
#define CERTIFICATES_H

#include <openssl/x509.h>

struct credentials {
    X509 *certificate;
    EVP_PKEY *key;
};

/* issuer NULL: signs itself, as a CA does. names: as openssl.cnf has them ("DNS:a,IP:127.0.0.1"), NULL for a CA's. from, until: seconds from
 * now. */
struct credentials certificates_make(const char *subject, const char *names, const struct credentials *issuer,
                                     long from, long until);
void certificates_free(struct credentials *);
/* As PEM, into a file. */
void certificates_write(const char *path, X509 *, EVP_PKEY *, const char *password);
/* SHA-256, with colons. */
void certificates_fingerprint(X509 *, char to[96]);

#endif
