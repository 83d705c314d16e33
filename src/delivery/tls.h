/* TLS 1.2 and 1.3 on a connected socket, as a client (RFC 5425 for syslog): the receiver is known by a CA and its name, or by the SHA-256 of its
 * certificate, and each way to fail has its line. Nothing in it waits.
 *
 * With a fingerprint the certificate is that very one; its name, its dates and who signed it are not asked. There is no renegotiation
 * and no compression. */
#ifndef TLS_H
#define TLS_H

#include <stdbool.h>
#include <stddef.h>

#include "delivery/output_settings.h"

enum { TLS_WHY_SIZE = 384 };

struct tls;

/* Reads the files that the settings name. host: whom the certificate is for, where the settings do not say. 0, or a negative errno and in
 * why one line that names the setting and the remedy. The texts outlive it. */
__attribute__((warn_unused_result)) int tls_new(struct tls **, const struct tls_settings *, const char *host,
                                                char why[TLS_WHY_SIZE]);
/* After its sessions. Takes NULL. */
void tls_free(struct tls *);

enum tls_result {
    TLS_DONE,
    TLS_AGAIN,  /* the socket has nothing to read, or no room, as tls_wants_room says */
    TLS_CLOSED, /* the other side sends no more; tls_why says what that may mean */
    TLS_FAILED, /* tls_why says it */
};

struct tls_session;

/* The socket stays the caller's. NULL: no memory. */
struct tls_session *tls_session_new(struct tls *, int fd);
/* Takes NULL. */
void tls_session_free(struct tls_session *);

enum tls_result tls_handshake(struct tls_session *);
/* Has the receiver accepted us? With TLS 1.3 it says so, if it does, after the handshake: tls_read has to be called for that. */
bool tls_accepted(const struct tls_session *);
/* n is at least 1; sets done. After TLS_AGAIN the same bytes come again, more may follow them. */
enum tls_result tls_write(struct tls_session *, const char *bytes, size_t n, size_t *done);
enum tls_result tls_read(struct tls_session *, char *to, size_t size, size_t *done);
/* Says that no more comes: TLS_DONE once that is on its way. */
enum tls_result tls_end(struct tls_session *);
/* Does what gave TLS_AGAIN last wait for room in the socket? */
bool tls_wants_room(const struct tls_session *);
const char *tls_why(const struct tls_session *);

#endif
