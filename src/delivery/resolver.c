#include "delivery/resolver.h"

#include <assert.h>
#include <errno.h>
#include <netdb.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

/* What the thread and its owner share; whoever is the last to let go frees it. */
struct question {
    pthread_mutex_t lock;
    unsigned holders;
    int bell; /* an eventfd */
    char *host, *port;
    int type;
    int error, number; /* of getaddrinfo, and errno with EAI_SYSTEM */
    struct resolver_addresses found;
};

struct resolver {
    const char *host, *port;
    int type;
    struct question *asked; /* NULL: none is under way */
    int none;               /* an eventfd that never rings, for the time without a question */
};

static void let_go(struct question *q) {
    pthread_mutex_lock(&q->lock);
    bool last = --q->holders == 0;
    pthread_mutex_unlock(&q->lock);
    if (last) {
        pthread_mutex_destroy(&q->lock);
        close(q->bell);
        free(q->host);
        free(q->port);
        free(q);
    }
}

static void take(struct question *q, const struct addrinfo *list) {
    for (const struct addrinfo *a = list; a && q->found.count < RESOLVER_ADDRESSES_MAX; a = a->ai_next) {
        if (a->ai_addrlen <= sizeof q->found.list[0].address) {
            memcpy(&q->found.list[q->found.count].address, a->ai_addr, a->ai_addrlen);
            q->found.list[q->found.count++].size = a->ai_addrlen;
        }
    }
}

static void look_up(struct question *q, int flags) {
    struct addrinfo hints = {.ai_family = AF_UNSPEC, .ai_socktype = q->type, .ai_flags = flags}, *list = NULL;
    q->error = getaddrinfo(q->host, q->port, &hints, &list);
    q->number = errno;
    if (q->error == 0) {
        take(q, list);
        freeaddrinfo(list);
    }
}

static void ring(const struct question *q) {
    const uint64_t one = 1;
    ssize_t n = write(q->bell, &one, sizeof one);
    (void)n;
}

static void *run(void *arg) {
    struct question *q = arg;
    look_up(q, 0);
    ring(q);
    let_go(q);
    return NULL;
}

static struct question *question_new(const struct resolver *r) {
    struct question *q = calloc(1, sizeof *q);
    if (!q) {
        return NULL;
    }
    pthread_mutex_init(&q->lock, NULL);
    q->holders = 1;
    q->bell = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    q->host = strdup(r->host);
    q->port = strdup(r->port);
    q->type = r->type;
    if (q->bell < 0 || !q->host || !q->port) {
        let_go(q);
        return NULL;
    }
    return q;
}

/* Signals are for the thread that waits for them. */
static int start(struct question *q) {
    sigset_t all, before;
    pthread_t thread;
    pthread_attr_t detached;
    sigfillset(&all);
    pthread_attr_init(&detached);
    pthread_attr_setdetachstate(&detached, PTHREAD_CREATE_DETACHED);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    q->holders = 2;
    int error = pthread_create(&thread, &detached, run, q);
    if (error != 0) {
        q->holders = 1;
    }
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    pthread_attr_destroy(&detached);
    return error;
}

struct resolver *resolver_new(const char *host, const char *port, int type) {
    struct resolver *r = calloc(1, sizeof *r);
    int none = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (!r || none < 0) {
        free(r);
        if (none >= 0) {
            close(none);
        }
        return NULL;
    }
    *r = (struct resolver){.host = host, .port = port, .type = type, .none = none};
    return r;
}

void resolver_ask(struct resolver *r) {
    if (r->asked || !(r->asked = question_new(r))) {
        return;
    }
    struct question *q = r->asked;
    look_up(q, AI_NUMERICHOST);
    if (q->error == 0 || q->error == EAI_SERVICE) {
        ring(q);
        return;
    }
    int error = start(q);
    if (error != 0) {
        q->error = EAI_SYSTEM;
        q->number = error;
        ring(q);
    }
}

static void explain(const struct question *q, char why[RESOLVER_WHY_SIZE]) {
    if (q->error == EAI_SERVICE) {
        snprintf(why, RESOLVER_WHY_SIZE, "%.32s: this is no port; give its number", q->port);
    } else if (q->error == EAI_NONAME || q->error == EAI_NODATA) {
        snprintf(why, RESOLVER_WHY_SIZE, "there is no host of this name; correct it, or add it to the name server");
    } else {
        const char *reason = q->error == EAI_SYSTEM ? strerrordesc_np(q->number) : gai_strerror(q->error);
        snprintf(why, RESOLVER_WHY_SIZE,
                 "its address could not be looked up: %s; see /etc/resolv.conf, or give its address",
                 reason ? reason : "unknown error");
    }
}

enum resolver_state resolver_answer(struct resolver *r, struct resolver_addresses *to, char why[RESOLVER_WHY_SIZE]) {
    struct question *q = r->asked;
    if (!q) {
        snprintf(why, RESOLVER_WHY_SIZE, "there is no memory, or there are no descriptors, to look up its address");
        return RESOLVER_FAILED;
    }
    uint64_t rung;
    if (read(q->bell, &rung, sizeof rung) != (ssize_t)sizeof rung) {
        return RESOLVER_BUSY;
    }
    bool found = q->error == 0 && q->found.count > 0;
    if (found) {
        *to = q->found;
    } else {
        explain(q, why);
    }
    r->asked = NULL;
    let_go(q);
    return found ? RESOLVER_DONE : RESOLVER_FAILED;
}

int resolver_fd(const struct resolver *r) {
    return r->asked ? r->asked->bell : r->none;
}

void resolver_free(struct resolver *r) {
    if (r) {
        if (r->asked) {
            let_go(r->asked);
        }
        close(r->none);
        free(r);
    }
}
