#include "delivery/peer.h"

#include <assert.h>
#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <linux/sockios.h>
#include <unistd.h>

#include "delivery/resolver.h"
#include "delivery/tls.h"

enum stage {
    CLOSED,
    RESOLVING,
    CONNECTING,
    SHAKING,   /* hands, over TLS */
    ACCEPTING, /* TLS 1.3: will it have us? */
    OPEN,
    DRAINING, /* after peer_end: what waits goes out */
    ENDING,   /* nothing more goes out; the other side is to end as well */
    ENDED,
    BROKEN,
};

enum {
    KEEPALIVE_IDLE_S = 30, /* without data */
    KEEPALIVE_INTERVAL_S = 10,
    KEEPALIVE_PROBES = 3,
    READS_PER_STEP = 16,
    SCRAP_SIZE = 4096, /* bytes of what is thrown away at a time */
    ADDRESS_SIZE = 64, /* as text, with its port */
    NS_PER_MS = 1000000,
};
#define CHECK_NS UINT64_C(10000000) /* how often it is looked whether the last bytes arrived */

struct peer {
    const char *host, *port;
    struct resolver *resolver;
    struct tls *tls; /* NULL: plain */
    struct tls_session *session;
    enum stage stage;
    int fd;
    struct resolver_addresses addresses;
    unsigned at;       /* of them, the one that is tried */
    uint64_t now;      /* of the last step */
    uint64_t deadline; /* of the stage */
    uint64_t moved;    /* when the socket took something last, or nothing waited */
    bool heard_end;    /* the other side sends no more */
    bool said_end;     /* over TLS: that we send no more */
    bool reads;        /* somebody calls peer_read */
    uint64_t committed, written, bytes;
    size_t from, to; /* of out: what waits */
    char address[ADDRESS_SIZE];
    char why[PEER_WHY_SIZE];
    char out[PEER_OUT_SIZE];
};

static void let_go(struct peer *p) {
    tls_session_free(p->session);
    p->session = NULL;
    if (p->fd >= 0) {
        close(p->fd);
    }
    p->fd = -1;
}

__attribute__((format(printf, 2, 0))) static void explain(struct peer *p, const char *format, va_list arguments) {
    size_t n = 0;
    if (p->address[0]) {
        n = (size_t)snprintf(p->why, sizeof p->why, "%s: ", p->address);
    }
    vsnprintf(p->why + n, sizeof p->why - n, format, arguments);
}

void peer_break(struct peer *p, const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    explain(p, format, arguments);
    va_end(arguments);
    let_go(p);
    p->stage = BROKEN;
}

bool peer_broken(const struct peer *p) {
    return p->stage == BROKEN;
}

static bool is_trying(const struct peer *p) {
    return p->stage == CONNECTING || p->stage == SHAKING || p->stage == ACCEPTING;
}

static void try_address(struct peer *);

/* As peer_break, unless there is another address that may be better. */
__attribute__((format(printf, 2, 3))) static void give_up(struct peer *p, const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    explain(p, format, arguments);
    va_end(arguments);
    bool another = is_trying(p) && p->at + 1 < p->addresses.count;
    let_go(p);
    p->stage = BROKEN;
    if (another) {
        p->at++;
        try_address(p);
    }
}

/* Of a socket that failed, in words that name the remedy. */
static const char *meaning(int error) {
    switch (error) {
    case ECONNREFUSED:
        return "nothing listens there; start the receiver, or correct the port";
    case ETIMEDOUT:
        return "it does not answer; see whether it runs, and the network and firewalls on the way";
    case ENETUNREACH:
    case EHOSTUNREACH:
    case ENETDOWN:
        return "there is no way to it; see the network and routes of this machine";
    case EACCES:
    case EPERM:
        return "this machine lets nothing out to it; see its firewall";
    case ECONNRESET:
    case EPIPE:
        return "it cut the connection; see its own log";
    default:
        return strerrordesc_np(error) ? strerrordesc_np(error) : "unknown error";
    }
}

/* ---- connecting */

static void write_address(struct peer *p, const struct sockaddr *address, socklen_t size) {
    char host[INET6_ADDRSTRLEN] = "?", port[8] = "?";
    getnameinfo(address, size, host, sizeof host, port, sizeof port, NI_NUMERICHOST | NI_NUMERICSERV);
    snprintf(p->address, sizeof p->address, strchr(host, ':') ? "[%s]:%s" : "%s:%s", host, port);
}

static void set_option(int fd, int level, int name, int value) {
    int error = setsockopt(fd, level, name, &value, sizeof value);
    assert(error == 0 || errno != EBADF);
    (void)error;
}

static void set_options(int fd) {
    set_option(fd, SOL_SOCKET, SO_SNDBUF, PEER_SEND_BUFFER);
    set_option(fd, SOL_SOCKET, SO_KEEPALIVE, 1);
    set_option(fd, IPPROTO_TCP, TCP_KEEPIDLE, KEEPALIVE_IDLE_S);
    set_option(fd, IPPROTO_TCP, TCP_KEEPINTVL, KEEPALIVE_INTERVAL_S);
    set_option(fd, IPPROTO_TCP, TCP_KEEPCNT, KEEPALIVE_PROBES);
    set_option(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, (int)(PEER_STALL_NS / NS_PER_MS));
    set_option(fd, IPPROTO_TCP, TCP_NODELAY, 1); /* what is written is a batch already */
}

static void connected(struct peer *);

static void try_address(struct peer *p) {
    const struct sockaddr *address = (const struct sockaddr *)&p->addresses.list[p->at].address;
    socklen_t size = p->addresses.list[p->at].size;
    write_address(p, address, size);
    p->stage = CONNECTING;
    p->deadline = p->now + PEER_CONNECT_NS;
    p->fd = socket(address->sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (p->fd < 0) {
        give_up(p, "no socket can be had: %s", meaning(errno));
        return;
    }
    set_options(p->fd);
    if (connect(p->fd, address, size) == 0) {
        connected(p);
    } else if (errno != EINPROGRESS) {
        give_up(p, "%s", meaning(errno));
    }
}

static void step_resolving(struct peer *p) {
    char why[RESOLVER_WHY_SIZE];
    switch (resolver_answer(p->resolver, &p->addresses, why)) {
    case RESOLVER_BUSY:
        if (p->now >= p->deadline) {
            peer_break(p, "%.200s: no name server answers; see /etc/resolv.conf, or give its address", p->host);
        }
        break;
    case RESOLVER_FAILED:
        peer_break(p, "%.200s: %s", p->host, why);
        break;
    case RESOLVER_DONE:
        p->at = 0;
        try_address(p);
    }
}

/* Has the socket failed? Asked once, an answer is forgotten. */
static int socket_error(int fd) {
    int error = 0;
    socklen_t size = sizeof error;
    return getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &size) == 0 ? error : errno;
}

static void opened(struct peer *p) {
    p->stage = OPEN;
    p->deadline = 0;
    p->moved = p->now;
}

static void connected(struct peer *p) {
    if (!p->tls) {
        opened(p);
        return;
    }
    p->session = tls_session_new(p->tls, p->fd);
    p->stage = SHAKING;
    p->deadline = p->now + PEER_HANDSHAKE_NS;
    if (!p->session) {
        give_up(p, "there is no memory for TLS; give the machine more");
    }
}

static void step_connecting(struct peer *p) {
    struct pollfd ready = {.fd = p->fd, .events = POLLOUT};
    int error;
    if (poll(&ready, 1, 0) <= 0) {
        if (p->now >= p->deadline) {
            give_up(p, "%s", meaning(ETIMEDOUT));
        }
    } else if ((error = socket_error(p->fd)) != 0) {
        give_up(p, "%s", meaning(error));
    } else {
        connected(p);
    }
}

static void step_shaking(struct peer *p) {
    switch (tls_handshake(p->session)) {
    case TLS_AGAIN:
        if (p->now >= p->deadline) {
            give_up(p, "it does not answer in the TLS handshake; see whether its port is one for TLS");
        }
        break;
    case TLS_DONE:
        p->stage = ACCEPTING;
        p->deadline = p->now + PEER_ACCEPT_NS;
        break;
    case TLS_CLOSED:
    case TLS_FAILED:
        give_up(p, "%s", tls_why(p->session));
    }
}

/* ---- reading */

/* Bytes; 0: none now, or the stage has changed. */
static size_t read_some(struct peer *p, char *to, size_t size) {
    if (p->session) {
        size_t n = 0;
        switch (tls_read(p->session, to, size, &n)) {
        case TLS_DONE:
            return n;
        case TLS_CLOSED:
            p->heard_end = true;
            break;
        case TLS_FAILED:
            give_up(p, "%s", tls_why(p->session));
            break;
        case TLS_AGAIN:
            break;
        }
        return 0;
    }
    ssize_t n = recv(p->fd, to, size, 0);
    if (n < 0 && errno != EAGAIN && errno != EINTR) {
        give_up(p, "%s", meaning(errno));
    }
    p->heard_end = p->heard_end || n == 0;
    return n > 0 ? (size_t)n : 0;
}

static bool can_read(const struct peer *p) {
    return (p->stage == OPEN || p->stage == DRAINING || p->stage == ENDING) && !p->heard_end;
}

size_t peer_read(struct peer *p, char *to, size_t size) {
    return can_read(p) ? read_some(p, to, size) : 0;
}

static void ignore(struct peer *p) {
    char scrap[SCRAP_SIZE];
    for (unsigned i = 0; i < READS_PER_STEP && can_read(p) && read_some(p, scrap, sizeof scrap) > 0; i++) {
    }
}

/* Only what TLS itself has to say comes now: the other side speaks when it is spoken to. One that does not keep to that has accepted us. */
static void step_accepting(struct peer *p) {
    size_t n = 0;
    char byte;
    enum tls_result result = tls_accepted(p->session) ? TLS_AGAIN : tls_read(p->session, &byte, 1, &n);
    if (result == TLS_FAILED || result == TLS_CLOSED) {
        give_up(p, "%s", tls_why(p->session));
    } else if (result == TLS_DONE || tls_accepted(p->session) || p->now >= p->deadline) {
        opened(p);
    }
}

/* ---- writing */

static size_t write_some(struct peer *p) {
    size_t n = p->to - p->from, done = 0;
    if (p->session) {
        enum tls_result result = tls_write(p->session, p->out + p->from, n, &done);
        if (result == TLS_FAILED || result == TLS_CLOSED) {
            peer_break(p, "%s",
                       result == TLS_FAILED ? tls_why(p->session) : "it ended the TLS session; see its own log");
        }
        return result == TLS_DONE ? done : 0;
    }
    ssize_t sent = send(p->fd, p->out + p->from, n, MSG_NOSIGNAL);
    if (sent < 0 && errno != EAGAIN && errno != EINTR && errno != ENOBUFS) {
        peer_break(p, "%s", meaning(errno));
    }
    return sent > 0 ? (size_t)sent : 0;
}

/* Until nothing waits, or the socket has no room. */
static void write_out(struct peer *p) {
    while (p->stage < ENDING && p->from < p->to) {
        size_t n = write_some(p);
        if (n == 0) {
            break;
        }
        p->from += n;
        p->written += n;
        p->bytes += n;
        p->moved = p->now;
    }
    if (p->from == p->to) {
        p->from = p->to = 0;
        p->moved = p->now;
    }
}

static void flush(struct peer *p) {
    write_out(p);
    if (p->stage < ENDING && p->now >= p->moved + PEER_STALL_NS) {
        peer_break(p, "it has taken nothing for %u seconds; see what holds it up",
                   (unsigned)(PEER_STALL_NS / 1000000000));
    }
}

char *peer_room(struct peer *p, size_t n) {
    assert(n <= PEER_OUT_SIZE);
    if (p->stage != OPEN || p->heard_end) {
        return NULL;
    }
    if (n > PEER_OUT_SIZE - p->to) {
        if (!p->reads) {
            ignore(p); /* has it gone away meanwhile? */
        }
        if (p->stage != OPEN || p->heard_end) {
            return NULL;
        }
        write_out(p);
    }
    if (p->stage == OPEN && n > PEER_OUT_SIZE - p->to && n <= PEER_OUT_SIZE - (p->to - p->from)) {
        memmove(p->out, p->out + p->from, p->to - p->from);
        p->to -= p->from;
        p->from = 0;
    }
    return p->stage == OPEN && n <= PEER_OUT_SIZE - p->to ? p->out + p->to : NULL;
}

void peer_commit(struct peer *p, size_t n) {
    assert(n <= PEER_OUT_SIZE - p->to);
    if (p->from == p->to) {
        p->moved = p->now;
    }
    p->to += n;
    p->committed += n;
}

uint64_t peer_committed(const struct peer *p) {
    return p->committed;
}

uint64_t peer_written(const struct peer *p) {
    return p->written;
}

/* Is it still there? Then what waits goes out. */
static void step_open(struct peer *p) {
    if (!p->reads) {
        ignore(p);
    }
    if (p->stage != BROKEN && !p->heard_end) {
        flush(p);
    }
}

/* ---- the end */

static void say_end(struct peer *p) {
    if (p->session && !p->said_end) {
        enum tls_result result = tls_end(p->session);
        p->said_end = result == TLS_DONE;
        if (result == TLS_FAILED || result == TLS_CLOSED) {
            peer_break(p, "%s",
                       result == TLS_FAILED ? tls_why(p->session) : "it ended the TLS session; see its own log");
            return;
        }
    }
    if (!p->session || p->said_end) {
        shutdown(p->fd, SHUT_WR);
        p->stage = ENDING;
    }
}

/* The other side has ended the connection; but has all arrived? What its kernel did not take is still in ours, and what its program did
 * not read makes a reset of the end (tcp(7), RFC 1122 4.2.2.13). */
static void step_ending(struct peer *p) {
    int error = socket_error(p->fd), waiting = 0;
    if (error != 0) {
        peer_break(p, "%s", meaning(error));
    } else if (p->heard_end && ioctl(p->fd, SIOCOUTQ, &waiting) == 0 && waiting == 0) {
        let_go(p);
        p->stage = ENDED;
    } else if (p->now >= p->deadline) {
        peer_break(
            p, "it did not end the connection within %u seconds, so that it is not known what it has; see its own log",
            (unsigned)(PEER_END_NS / 1000000000));
    }
}

void peer_end(struct peer *p, uint64_t now) {
    p->now = now;
    if (p->stage == OPEN) {
        p->stage = DRAINING;
        p->deadline = 0;
    } else if (p->stage != DRAINING && p->stage != ENDING && p->stage != BROKEN) {
        let_go(p);
        p->stage = ENDED; /* nothing was written */
    }
}

void peer_drop(struct peer *p) {
    let_go(p);
    p->stage = CLOSED;
    p->from = p->to = 0;
}

static void step_draining(struct peer *p) {
    step_open(p);
    if (p->stage == DRAINING && !p->heard_end && p->from == p->to) {
        p->deadline = p->now + PEER_END_NS;
        say_end(p);
    }
}

/* ---- the whole */

int peer_new(struct peer **to, const char *host, const char *port, const struct tls_settings *tls, bool reads,
             char why[PEER_WHY_SIZE]) {
    if (!host || host[0] == '\0' || !port || port[0] == '\0') {
        snprintf(why, PEER_WHY_SIZE, "there is no host or no port; write HOST:PORT");
        return -EINVAL;
    }
    struct peer *p = calloc(1, sizeof *p);
    if (p) {
        p->host = host;
        p->port = port;
        p->reads = reads;
        p->fd = -1;
        p->resolver = resolver_new(host, port, SOCK_STREAM);
    }
    if (!p || !p->resolver) {
        free(p);
        snprintf(why, PEER_WHY_SIZE,
                 "there is no memory, or there are no descriptors, for a connection; raise their limits");
        return -ENOMEM;
    }
    int error = tls ? tls_new(&p->tls, tls, host, why) : 0;
    if (error != 0) {
        peer_free(p);
        return error;
    }
    *to = p;
    return 0;
}

void peer_free(struct peer *p) {
    if (p) {
        let_go(p);
        tls_free(p->tls);
        resolver_free(p->resolver);
        free(p);
    }
}

void peer_begin(struct peer *p, uint64_t now) {
    let_go(p);
    p->now = now;
    p->stage = RESOLVING;
    p->deadline = now + PEER_RESOLVE_NS;
    p->heard_end = p->said_end = false;
    p->committed = p->written = 0;
    p->from = p->to = 0;
    p->address[0] = '\0';
    resolver_ask(p->resolver);
}

/* One that is over before we ended it; what it sent last is read first. */
static void step_heard_end(struct peer *p) {
    if ((p->stage == OPEN || p->stage == DRAINING) && p->heard_end) {
        bool at_once = p->session && p->written == 0;
        peer_break(p, "%s", at_once ? tls_why(p->session) : "it ended the connection; see its own log");
    }
}

enum peer_state peer_step(struct peer *p, uint64_t now) {
    static void (*const steps[])(struct peer *) = {
        [RESOLVING] = step_resolving, [CONNECTING] = step_connecting,
        [SHAKING] = step_shaking,     [ACCEPTING] = step_accepting,
        [OPEN] = step_open,           [DRAINING] = step_draining,
        [ENDING] = step_ending,       [BROKEN] = NULL,
    };
    p->now = now;
    enum stage before;
    step_heard_end(p);
    do {
        before = p->stage;
        if (before == ENDING && !p->reads) {
            ignore(p);
        }
        if (p->stage == before && steps[before]) {
            steps[before](p);
        }
    } while (p->stage != before);
    if (!p->reads) {
        step_heard_end(p);
    }
    return p->stage == BROKEN ? PEER_BROKEN : p->stage == ENDED ? PEER_ENDED : p->stage == OPEN ? PEER_OPEN : PEER_BUSY;
}

static bool waits_for_room(const struct peer *p) {
    bool writes = (p->stage == OPEN || p->stage == DRAINING) && p->from < p->to;
    return p->stage == CONNECTING || writes || (p->session && tls_wants_room(p->session));
}

unsigned peer_poll(struct peer *p, struct pollfd *to, uint64_t *until) {
    *until = p->deadline;
    if (p->stage == RESOLVING) {
        *to = (struct pollfd){.fd = resolver_fd(p->resolver), .events = POLLIN};
        return 1;
    }
    if (p->fd < 0) {
        *until = 0;
        return 0;
    }
    short events = p->stage == CONNECTING || p->heard_end ? 0 : POLLIN | POLLRDHUP;
    *to = (struct pollfd){.fd = p->fd, .events = (short)(events | (waits_for_room(p) ? POLLOUT : 0))};
    if (p->stage == ENDING && p->heard_end) {
        *until = p->now + CHECK_NS;
    } else if (p->heard_end) {
        *until = p->now; /* the next step tells it */
    } else if ((p->stage == OPEN || p->stage == DRAINING) && p->from < p->to) {
        *until = p->moved + PEER_STALL_NS;
    }
    return 1;
}

uint64_t peer_bytes(const struct peer *p) {
    return p->bytes;
}

const char *peer_why(const struct peer *p) {
    return p->why;
}
