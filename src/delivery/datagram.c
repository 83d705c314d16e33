#include "delivery/datagram.h"

#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <netinet/in.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <linux/sockios.h>
#include <unistd.h>

#include "delivery/resolver.h"
#include "delivery/syslog.h"
#include "log.h"

enum stage { CLOSED, RESOLVING, OPEN, ENDING, ENDED, BROKEN };

enum {
    MARKS_SIZE = 48,
    MARKS_PER_SETTLE = 32,
    IPV4_HEADERS = 20 + 8, /* with UDP's */
    IPV6_HEADERS = 40 + 8,
};
#define MARK_NS (DATAGRAM_SETTLE_NS / MARKS_PER_SETTLE)
#define RESOLVE_NS UINT64_C(20000000000)
#define MTU_NS UINT64_C(1000000000) /* how often the path's MTU is asked for */
#define NO_BUFFER_NS \
    UINT64_C(10000000)             /* how long a card's full queue is waited for, which tells nobody when it has room */
#define LOOK_NS UINT64_C(20000000) /* how often it is looked whether a UNIX socket's receiver took what is in it */

/* Records that went out from `from` on, for MARK_NS at most; the last one at `last`. */
struct mark {
    uint64_t from, last, place;
};

struct datagram {
    const struct output_settings *settings;
    struct syslog syslog;
    struct resolver *resolver; /* NULL: UNIX */
    bool stream;               /* a UNIX socket of streams */
    enum stage stage;
    int fd;
    unsigned turn; /* which of the addresses is tried next */
    uint64_t now, deadline;
    uint64_t done, sent; /* places */
    bool full;           /* the socket, or what is let through at a time */
    uint64_t retry;      /* when it is tried again; 0: when the socket has room */
    /* UDP */
    unsigned allowed; /* datagrams, in this burst */
    uint64_t burst;   /* when it began */
    unsigned first, count;
    struct mark marks[MARKS_SIZE];
    size_t fits; /* bytes of a datagram that the path's MTU admits */
    uint64_t mtu_asked;
    uint64_t oversize, oversize_told;
    /* UNIX */
    unsigned waiting;
    struct stat file; /* of the socket that it is connected to */
    uint64_t looked;
    size_t rest_from, rest_to; /* of a message that the stream took in part */
    char rest[SYSLOG_MESSAGE_SIZE + 1];

    uint64_t bytes;
    char why[TRANSPORT_WHY_SIZE];
};

uint64_t datagram_oversize(const void *state) {
    return ((const struct datagram *)state)->oversize;
}

static void let_go(struct datagram *d) {
    if (d->fd >= 0) {
        close(d->fd);
    }
    d->fd = -1;
}

__attribute__((format(printf, 2, 3))) static void give_up(struct datagram *d, const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(d->why, sizeof d->why, format, arguments);
    va_end(arguments);
    let_go(d);
    d->turn++;
    d->stage = BROKEN;
}

static const char *meaning(const struct datagram *d, int error) {
    switch (error) {
    case ECONNREFUSED:
    case ECONNRESET:
    case EPIPE:
        return d->resolver ? "nothing listens there; start the receiver, or correct the port"
                           : "nobody reads it; start the receiver";
    case ENOENT:
        return "there is no such socket; start the receiver, or correct the path";
    case EACCES:
    case EPERM:
        return d->resolver ? "this machine lets nothing out to it; see its firewall"
                           : "this user may not write to it; change its rights or the user";
    case ENETUNREACH:
    case EHOSTUNREACH:
    case ENETDOWN:
        return "there is no way to it; see whether it runs, and the network and routes of this machine";
    default:
        return strerrordesc_np(error) ? strerrordesc_np(error) : "unknown error";
    }
}

static void break_for(struct datagram *d, int error) {
    if (d->resolver) {
        give_up(d, "%.200s:%.16s: %s", d->settings->host, d->settings->port, meaning(d, error));
    } else {
        give_up(d, "%.200s: %s", d->settings->path, meaning(d, error));
    }
}

static int socket_error(int fd) {
    int error = 0;
    socklen_t size = sizeof error;
    return getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &size) == 0 ? error : errno;
}

static void set_option(int fd, int level, int name, int value) {
    int error = setsockopt(fd, level, name, &value, sizeof value);
    assert(error == 0 || errno != EBADF);
    (void)error;
}

/* ---- when records count as done */

static void mark(struct datagram *d, uint64_t place) {
    d->sent = place;
    struct mark *last = d->count > 0 ? &d->marks[(d->first + d->count - 1) % MARKS_SIZE] : NULL;
    if (!last || d->now >= last->from + MARK_NS) {
        assert(d->count < MARKS_SIZE);
        last = &d->marks[(d->first + d->count++) % MARKS_SIZE];
        last->from = d->now;
    }
    last->last = d->now;
    last->place = place;
}

/* What went out so long ago, or longer, and was not refused. */
static void settle(struct datagram *d, uint64_t age) {
    while (d->count > 0 && d->now >= d->marks[d->first].last + age) {
        d->done = d->marks[d->first].place;
        d->first = (d->first + 1) % MARKS_SIZE;
        d->count--;
    }
}

/* A number of a file is used again at once when it is free. */
static bool is_same_file(const struct datagram *d) {
    struct stat is;
    const struct timespec was = d->file.st_ctim;
    return stat(d->settings->path, &is) == 0 && is.st_dev == d->file.st_dev && is.st_ino == d->file.st_ino &&
           is.st_ctim.tv_sec == was.tv_sec && is.st_ctim.tv_nsec == was.tv_nsec;
}

/* Is the receiver that we are connected to still the one that reads there? What was in its socket when it went away is lost, and looks as if
 * it had been taken. */
static bool still_there(struct datagram *d) {
    if (d->stream) {
        char byte;
        ssize_t n = recv(d->fd, &byte, 1, MSG_DONTWAIT | MSG_PEEK);
        return n > 0 || (n < 0 && errno == EAGAIN);
    }
    struct sockaddr_un to = {.sun_family = AF_UNIX};
    strcpy(to.sun_path, d->settings->path);
    int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    bool there = is_same_file(d) && (fd < 0 || connect(fd, (struct sockaddr *)&to, sizeof to) == 0);
    if (fd >= 0) {
        close(fd);
    }
    return there;
}

/* The kernel says what of a UNIX socket's was not taken. */
static void look(struct datagram *d) {
    int left = 0;
    if (d->done == d->sent || (d->now < d->looked + LOOK_NS && d->waiting < DATAGRAM_WAITING_MAX && d->stage == OPEN)) {
        return;
    }
    d->looked = d->now;
    if (ioctl(d->fd, SIOCOUTQ, &left) != 0 || left > 0) {
        return;
    }
    int error = socket_error(d->fd);
    if (error != 0 || !still_there(d)) {
        break_for(d, error ? error : ECONNREFUSED);
        return;
    }
    d->done = d->sent;
    d->waiting = 0;
}

/* ---- opening */

static void opened(struct datagram *d) {
    d->stage = OPEN;
    d->deadline = 0;
    d->burst = d->now;
    d->allowed = DATAGRAM_BURST_MAX;
    d->mtu_asked = 0;
}

static void connect_udp(struct datagram *d, const struct resolver_addresses *addresses) {
    unsigned at = d->turn % addresses->count;
    const struct sockaddr *to = (const struct sockaddr *)&addresses->list[at].address;
    bool six = to->sa_family == AF_INET6;
    d->fd = socket(to->sa_family, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (d->fd < 0) {
        break_for(d, errno);
        return;
    }
    set_option(d->fd, SOL_SOCKET, SO_SNDBUF, DATAGRAM_SEND_BUFFER);
    set_option(d->fd, six ? IPPROTO_IPV6 : IPPROTO_IP, six ? IPV6_RECVERR : IP_RECVERR, 1);
    set_option(d->fd, six ? IPPROTO_IPV6 : IPPROTO_IP, six ? IPV6_MTU_DISCOVER : IP_MTU_DISCOVER,
               six ? IPV6_PMTUDISC_WANT : IP_PMTUDISC_DONT);
    if (connect(d->fd, to, addresses->list[at].size) != 0) {
        break_for(d, errno);
        return;
    }
    opened(d);
}

static void connect_unix(struct datagram *d) {
    struct sockaddr_un to = {.sun_family = AF_UNIX};
    strcpy(to.sun_path, d->settings->path);
    int error = EPROTOTYPE;
    for (unsigned i = 0; i < 2 && error == EPROTOTYPE; i++) {
        let_go(d);
        d->stream = i == 1;
        d->fd = socket(AF_UNIX, (d->stream ? SOCK_STREAM : SOCK_DGRAM) | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
        error = d->fd < 0 || connect(d->fd, (struct sockaddr *)&to, sizeof to) != 0 ? errno : 0;
    }
    if (error == 0 && stat(to.sun_path, &d->file) != 0) {
        error = errno;
    }
    if (error != 0) {
        break_for(d, error);
        return;
    }
    set_option(d->fd, SOL_SOCKET, SO_SNDBUF, DATAGRAM_SEND_BUFFER);
    opened(d);
}

static void step_resolving(struct datagram *d) {
    struct resolver_addresses addresses;
    char why[RESOLVER_WHY_SIZE];
    switch (resolver_answer(d->resolver, &addresses, why)) {
    case RESOLVER_BUSY:
        if (d->now >= d->deadline) {
            give_up(d, "%.200s: no name server answers; see /etc/resolv.conf, or give its address", d->settings->host);
        }
        break;
    case RESOLVER_FAILED:
        give_up(d, "%.200s: %s", d->settings->host, why);
        break;
    case RESOLVER_DONE:
        connect_udp(d, &addresses);
    }
}

static void datagram_begin(void *state, uint64_t now) {
    struct datagram *d = state;
    let_go(d);
    d->now = now;
    d->done = d->sent = 0;
    d->first = d->count = d->waiting = 0;
    d->rest_from = d->rest_to = 0;
    d->full = false;
    d->retry = d->looked = 0;
    d->stage = RESOLVING;
    d->deadline = now + RESOLVE_NS;
    if (d->resolver) {
        resolver_ask(d->resolver);
    }
}

/* ---- sending */

/* Asked for now and then: routers may have something to say. */
static void ask_mtu(struct datagram *d) {
    int mtu = 0, family = AF_INET;
    socklen_t size = sizeof mtu;
    if (d->now < d->mtu_asked + MTU_NS && d->mtu_asked > 0) {
        return;
    }
    d->mtu_asked = d->now;
    getsockopt(d->fd, SOL_SOCKET, SO_DOMAIN, &family, &size);
    bool six = family == AF_INET6;
    size = sizeof mtu;
    if (getsockopt(d->fd, six ? IPPROTO_IPV6 : IPPROTO_IP, six ? IPV6_MTU : IP_MTU, &mtu, &size) != 0) {
        mtu = 1500;
    }
    int headers = six ? IPV6_HEADERS : IPV4_HEADERS;
    d->fits = mtu > headers ? (size_t)(mtu - headers) : 0;
}

static void count_oversize(struct datagram *d, size_t n) {
    if (n <= d->fits || ++d->oversize < d->oversize_told * 10) {
        return;
    }
    d->oversize_told = d->oversize;
    log_note("output %s: %" PRIu64
             " records were larger than the %zu bytes that a datagram to %s may have without being fragmented; "
             "TCP has no such limit",
             d->settings->name, d->oversize, d->fits, d->settings->host);
}

/* An error that was waiting is told by send(2) in the place of the datagram's own; EMSGSIZE is one: something sent before was too large for a
 * router. */
static int send_udp(struct datagram *d, const char *message, size_t n) {
    if (d->allowed == 0) {
        d->full = true;
        d->retry = d->burst + DATAGRAM_BURST_NS;
        return -EAGAIN;
    }
    if (send(d->fd, message, n, MSG_NOSIGNAL) >= 0) {
        d->allowed--;
        count_oversize(d, n);
        return 0;
    }
    if (errno == EMSGSIZE) {
        if (send(d->fd, message, n, MSG_NOSIGNAL) < 0 && errno == EMSGSIZE) {
            return -EMSGSIZE;
        }
        give_up(d, "%.200s: a router on the way takes smaller datagrams only; what was lost is sent again, smaller",
                d->settings->host);
    } else if (errno == EAGAIN || errno == ENOBUFS || errno == ENOMEM) {
        d->full = true;
        d->retry = errno == EAGAIN ? 0 : d->now + NO_BUFFER_NS;
    } else {
        int error = errno;
        settle(d, error == ECONNREFUSED ? DATAGRAM_REFUSAL_NS : DATAGRAM_SETTLE_NS);
        break_for(d, error);
    }
    return -EAGAIN;
}

/* What the stream did not take of a message. */
static void send_rest(struct datagram *d) {
    while (d->stage != BROKEN && d->rest_from < d->rest_to) {
        ssize_t n = send(d->fd, d->rest + d->rest_from, d->rest_to - d->rest_from, MSG_NOSIGNAL);
        if (n < 0 && errno != EAGAIN && errno != EINTR) {
            break_for(d, errno);
        }
        if (n <= 0) {
            d->full = true;
            d->retry = 0;
            return;
        }
        d->rest_from += (size_t)n;
    }
}

static int send_unix(struct datagram *d, const char *message, size_t n) {
    if (d->waiting == DATAGRAM_WAITING_MAX || d->rest_from < d->rest_to) {
        d->full = true;
        d->retry = d->rest_from < d->rest_to ? 0 : d->now + LOOK_NS;
        return -EAGAIN;
    }
    if (d->stream) {
        memcpy(d->rest, message, n);
        d->rest[n] = '\n';
        d->rest_from = 0;
        d->rest_to = n + 1;
        send_rest(d);
        return d->stage == BROKEN ? -EAGAIN : 0;
    }
    if (send(d->fd, message, n, MSG_NOSIGNAL) >= 0) {
        return 0;
    }
    if (errno == EMSGSIZE) {
        return -EMSGSIZE;
    }
    if (errno == EAGAIN || errno == ENOBUFS || errno == ENOMEM) {
        d->full = true;
        d->retry = errno == EAGAIN ? 0 : d->now + NO_BUFFER_NS;
    } else {
        break_for(d, errno);
    }
    return -EAGAIN;
}

static int datagram_send(void *state, const struct parcel *p) {
    struct datagram *d = state;
    char message[SYSLOG_MESSAGE_SIZE];
    int error = syslog_check(&p->line);
    if (error != 0 || d->stage != OPEN) {
        return error != 0 ? error : -EAGAIN;
    }
    size_t n = syslog_message(&d->syslog, &p->line, message);
    error = d->resolver ? send_udp(d, message, n) : send_unix(d, message, n);
    if (error != 0) {
        return error;
    }
    syslog_submitted(&d->syslog);
    d->bytes += n;
    if (d->resolver) {
        mark(d, p->end);
    } else {
        d->sent = p->end;
        d->waiting++;
    }
    return 0;
}

/* ---- */

static void step_udp(struct datagram *d) {
    int error = socket_error(d->fd);
    if (error == EMSGSIZE) {
        give_up(d, "%.200s: a router on the way takes smaller datagrams only; what was lost is sent again, smaller",
                d->settings->host);
        return;
    }
    settle(d, error == ECONNREFUSED              ? DATAGRAM_REFUSAL_NS
              : d->stage == ENDING && error == 0 ? DATAGRAM_LAST_NS
                                                 : DATAGRAM_SETTLE_NS);
    if (error != 0) {
        break_for(d, error);
        return;
    }
    if (d->now >= d->burst + DATAGRAM_BURST_NS) {
        d->burst = d->now;
        d->allowed = DATAGRAM_BURST_MAX;
    }
    ask_mtu(d);
}

static void step_unix(struct datagram *d) {
    if (d->stream && !still_there(d)) {
        break_for(d, ECONNRESET);
        return;
    }
    send_rest(d);
    if (d->stage != BROKEN && d->rest_from == d->rest_to) {
        look(d);
    }
}

static void step_ending(struct datagram *d) {
    if (d->done == d->sent) {
        let_go(d);
        d->stage = ENDED;
    } else if (d->now >= d->deadline) {
        give_up(d, "%.200s: its receiver takes nothing; see what holds it up",
                d->settings->path ? d->settings->path : "");
    }
}

static enum transport_state datagram_step(void *state, uint64_t now) {
    struct datagram *d = state;
    d->now = now;
    d->full = false;
    if (d->stage == RESOLVING) {
        d->resolver ? step_resolving(d) : connect_unix(d);
    }
    if (d->stage == OPEN || d->stage == ENDING) {
        d->resolver ? step_udp(d) : step_unix(d);
    }
    if (d->stage == ENDING) {
        step_ending(d);
    }
    return d->stage == BROKEN  ? TRANSPORT_BROKEN
           : d->stage == ENDED ? TRANSPORT_ENDED
           : d->stage == OPEN  ? TRANSPORT_READY
                               : TRANSPORT_BUSY;
}

static uint64_t datagram_done(void *state) {
    const struct datagram *d = state;
    return d->done;
}

static bool datagram_refused(void *state, uint64_t *end) {
    (void)state;
    (void)end;
    return false;
}

static void datagram_end(void *state, uint64_t now) {
    struct datagram *d = state;
    d->now = now;
    if (d->stage == OPEN) {
        d->stage = ENDING;
        d->deadline = now + DATAGRAM_END_NS;
    } else if (d->stage != ENDING && d->stage != BROKEN) {
        let_go(d);
        d->stage = ENDED; /* nothing was sent */
    }
}

/* When something is to be done though nothing comes. */
static uint64_t next_time(const struct datagram *d) {
    uint64_t until = d->deadline, more = 0;
    if (d->full && d->retry > 0) {
        until = until == 0 || d->retry < until ? d->retry : until;
    }
    if (d->resolver && d->count > 0) {
        more = d->marks[d->first].last + (d->stage == ENDING ? DATAGRAM_LAST_NS : DATAGRAM_SETTLE_NS);
    } else if (!d->resolver && d->done != d->sent) {
        more = d->now + LOOK_NS;
    }
    return more > 0 && (until == 0 || more < until) ? more : until;
}

static unsigned datagram_poll(void *state, struct pollfd to[TRANSPORT_DESCRIPTORS], uint64_t *until) {
    struct datagram *d = state;
    *until = next_time(d);
    if (d->stage == RESOLVING && d->resolver) {
        to[0] = (struct pollfd){.fd = resolver_fd(d->resolver), .events = POLLIN};
        return 1;
    }
    if (d->stage == RESOLVING) {
        *until = d->now;
    }
    if (d->fd < 0) {
        return 0;
    }
    bool rest = d->rest_from < d->rest_to;
    short events = rest || (d->full && d->retry == 0) ? POLLOUT : 0;
    to[0] = (struct pollfd){.fd = d->fd, .events = (short)(events | (d->stream ? POLLRDHUP : 0))};
    return 1;
}

static uint64_t datagram_bytes(void *state) {
    const struct datagram *d = state;
    return d->bytes;
}

static const char *datagram_why(void *state) {
    const struct datagram *d = state;
    return d->why;
}

static void datagram_free(void *state) {
    struct datagram *d = state;
    if (d) {
        let_go(d);
        resolver_free(d->resolver);
        free(d);
    }
}

/* 0, or a negative errno and a line. */
static int check(const struct output_settings *o, char why[TRANSPORT_WHY_SIZE]) {
    if (o->kind == OUTPUT_UNIX) {
        size_t n = o->path ? strlen(o->path) : 0, most = sizeof((struct sockaddr_un *)NULL)->sun_path - 1;
        if (n == 0 || n > most) {
            snprintf(why, TRANSPORT_WHY_SIZE, "the path of a UNIX socket has 1 to %zu bytes; give another", most);
            return -EINVAL;
        }
    } else if (!o->host || o->host[0] == '\0' || !o->port || o->port[0] == '\0') {
        snprintf(why, TRANSPORT_WHY_SIZE, "there is no host or no port; write HOST:PORT");
        return -EINVAL;
    }
    return 0;
}

int datagram_transport(struct transport *to, const struct output_settings *o, char why[TRANSPORT_WHY_SIZE]) {
    int error = check(o, why);
    if (error != 0) {
        return error;
    }
    struct datagram *d = calloc(1, sizeof *d);
    if (d) {
        d->settings = o;
        d->fd = -1;
        d->resolver = o->kind == OUTPUT_UNIX ? NULL : resolver_new(o->host, o->port, SOCK_DGRAM);
        syslog_init(&d->syslog, &o->syslog, getpid());
    }
    if (!d || (o->kind != OUTPUT_UNIX && !d->resolver)) {
        free(d);
        snprintf(why, TRANSPORT_WHY_SIZE,
                 "there is no memory, or there are no descriptors, for a socket; raise their limits");
        return -ENOMEM;
    }
    *to = (struct transport){
        .state = d,
        .acknowledges = false,
        .begin = datagram_begin,
        .step = datagram_step,
        .send = datagram_send,
        .done = datagram_done,
        .refused = datagram_refused,
        .end = datagram_end,
        .poll = datagram_poll,
        .bytes = datagram_bytes,
        .why = datagram_why,
        .free = datagram_free,
    };
    return 0;
}
