/* The receiver at the other end of a TCP connection, over TLS where that is asked for; what the transports over streams have in common.
 * Nothing in it waits. All its addresses are tried in turn. What cannot be borne is told in one line, and it is to be begun anew.
 *
 * A receiver that goes away is seen before more is written; one that takes nothing for PEER_STALL_NS while something waits for it is given
 * up. At most PEER_OUT_SIZE bytes wait here, and twice PEER_SEND_BUFFER in the kernel. */
#ifndef PEER_H
#define PEER_H

#include <poll.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "delivery/output_settings.h"

enum {
    PEER_WHY_SIZE = 512,
    PEER_OUT_SIZE = 256 << 10,    /* bytes that wait for the socket */
    PEER_SEND_BUFFER = 256 << 10, /* SO_SNDBUF, of which the kernel makes twice as much */
    PEER_DESCRIPTORS = 1,
};

#define PEER_RESOLVE_NS UINT64_C(20000000000)   /* a name server may take so long */
#define PEER_CONNECT_NS UINT64_C(5000000000)    /* each address */
#define PEER_HANDSHAKE_NS UINT64_C(10000000000) /* each TLS handshake */
#define PEER_ACCEPT_NS UINT64_C(500000000)  /* for a TLS 1.3 server to refuse our certificate, after the handshake */
#define PEER_STALL_NS UINT64_C(60000000000) /* without room in the socket, or without an acknowledgement of TCP's */
#define PEER_END_NS UINT64_C(5000000000)    /* for the other side to end the connection as well */

struct peer;

enum peer_state {
    PEER_BUSY,
    PEER_OPEN,
    PEER_ENDED,  /* after peer_end: all was taken, and the other side ended the connection in order */
    PEER_BROKEN, /* peer_why says it */
};

/* tls: NULL, or what is to be spoken; the certificate is asked for the host's name. reads: somebody calls peer_read; else what the other
 * side sends is thrown away. 0, or a negative errno and a line that names the setting and the remedy. The texts outlive it. */
__attribute__((warn_unused_result)) int peer_new(struct peer **, const char *host, const char *port,
                                                 const struct tls_settings *tls, bool reads, char why[PEER_WHY_SIZE]);
/* Takes NULL. */
void peer_free(struct peer *);

/* Begins anew; what was there is closed at once. now, and all times: CLOCK_MONOTONIC, ns. */
void peer_begin(struct peer *, uint64_t now);
/* Does what can be done now. */
enum peer_state peer_step(struct peer *, uint64_t now);

/* Room for n bytes to be written next, at most PEER_OUT_SIZE; NULL: there is none now, or it is not open. Borrowed until peer_commit. */
char *peer_room(struct peer *, size_t n);
/* So many of them are to be written, at the next peer_step or before. */
void peer_commit(struct peer *, size_t n);
/* Bytes committed, and those that the socket took, since peer_begin. */
uint64_t peer_committed(const struct peer *);
uint64_t peer_written(const struct peer *);

/* What the other side sent, as much as fits; 0: nothing now. An end of the connection is told by the step that follows. */
size_t peer_read(struct peer *, char *to, size_t size);

/* No more is written. What waits goes out first. */
void peer_end(struct peer *, uint64_t now);
/* Closed at once; what waits is forgotten. */
void peer_drop(struct peer *);

/* The descriptor to wait for, and until when at most (0: no matter). */
unsigned peer_poll(struct peer *, struct pollfd *to, uint64_t *until);
/* Bytes that the socket took since it was made. */
uint64_t peer_bytes(const struct peer *);
const char *peer_why(const struct peer *);
/* Makes it PEER_BROKEN: what the other side says makes no sense. The line names its address. */
__attribute__((format(printf, 2, 3))) void peer_break(struct peer *, const char *format, ...);
bool peer_broken(const struct peer *);

#endif
