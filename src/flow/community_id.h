/* Community ID v1 (github.com/corelight/community-id-spec): one name for a connection in every tool that writes it. */
#ifndef COMMUNITY_ID_H
#define COMMUNITY_ID_H

#include "packet.h"

enum { COMMUNITY_ID_SIZE = 31 }; /* "1:", 28 digits of base 64 and NUL */

struct community_id; /* SHA-1, made ready once */

/* NULL: no memory, or an OpenSSL that has no SHA-1. */
struct community_id *community_id_new(void);
/* The name of a TCP connection with seed 0; the order of its ends does not matter. Empty where the digest failed. */
void community_id_write(struct community_id *, const struct endpoint *, const struct endpoint *,
                        char to[COMMUNITY_ID_SIZE]);
void community_id_free(struct community_id *);

#endif
