/* Looks up the addresses of a host without holding up its caller: in a thread of its own, which is left to itself where a name server does
 * not answer. One thread's but for that. */
#ifndef RESOLVER_H
#define RESOLVER_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/socket.h>

enum { RESOLVER_ADDRESSES_MAX = 16, RESOLVER_WHY_SIZE = 256 };

struct resolver_addresses {
    unsigned count;
    struct {
        struct sockaddr_storage address;
        socklen_t size;
    } list[RESOLVER_ADDRESSES_MAX];
};

struct resolver;

/* type: SOCK_STREAM or SOCK_DGRAM. The texts outlive it. NULL: no memory, or no descriptors. */
struct resolver *resolver_new(const char *host, const char *port, int type);

enum resolver_state { RESOLVER_BUSY, RESOLVER_DONE, RESOLVER_FAILED };

/* Asks, unless a question is under way already. */
void resolver_ask(struct resolver *);
/* DONE: the addresses, in the order in which they should be tried. FAILED: why, in one line. Each answer is given once. */
enum resolver_state resolver_answer(struct resolver *, struct resolver_addresses *, char why[RESOLVER_WHY_SIZE]);
/* Readable once the answer is there. */
int resolver_fd(const struct resolver *);
/* A thread that still waits for its name server is left to end by itself. Takes NULL. */
void resolver_free(struct resolver *);

#endif
