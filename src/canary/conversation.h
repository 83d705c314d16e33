/* The canary's conversation: one complete TCP connection between documentation addresses, in which a client connects to a share that
 * nobody has and leaves. Nothing but the share's name tells it from others. */
#ifndef CONVERSATION_H
#define CONVERSATION_H

#include <stdbool.h>
#include <stdint.h>

#include "view.h"

enum {
    CONVERSATION_MARK_MAX = 80,    /* characters of a share's name, MS-SMB2 2.2.9 */
    CONVERSATION_FRAME_SIZE = 512, /* no frame is larger: messages fit the MSS that needs no option */
};
#define CONVERSATION_MARK_PREFIX "smbtap-canary-"

struct conversation {
    const char *mark; /* the share's name; conversation_mark_valid */
    bool ipv6;        /* 2001:db8::/32 (RFC 3849) instead of 192.0.2.0/24 (RFC 5737) */
    uint64_t number;  /* by chance, of this one alone: its port, sequence numbers and session come from it */
    uint64_t time_ns; /* since 1970, what the server says the time is */
};

/* Letters, digits, dots, hyphens and underscores alone, as a share, a shell and a search take them. */
bool conversation_mark_valid(const char *mark);
/* The frames, whole with their Ethernet headers and checksums, in their order. Each view lives during its call. 0, or what take
 * returned that was not 0, after which there is no other call. */
__attribute__((warn_unused_result)) int conversation_frames(const struct conversation *,
                                                            int (*take)(void *arg, struct view frame), void *arg);

#endif
