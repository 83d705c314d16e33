#include "metrics_server.h"

#include <arpa/inet.h>
#include <errno.h>
#include <inttypes.h>
#include <microhttpd.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* What the library itself admits: more than ours, so that the oldest can be told to go before the door is shut. */
enum { LIBRARY_CONNECTIONS = 4 * METRICS_CONNECTIONS_MAX, CONNECTION_MEMORY = 8 * 1024, BACKLOG = 16 };

/* ---- the socket */

union address {
    struct sockaddr any;
    struct sockaddr_in ip4;
    struct sockaddr_in6 ip6;
};

static bool parse_port(const char *text, in_port_t *port) {
    char *end;
    if (text[0] < '0' || text[0] > '9') {
        return false;
    }
    unsigned long number = strtoul(text, &end, 10);
    if (*end != '\0' || number == 0 || number > UINT16_MAX) {
        return false;
    }
    *port = htons((uint16_t)number);
    return true;
}

/* Its size; 0: it is none. */
static socklen_t parse_address(const char *text, union address *to) {
    char host[INET6_ADDRSTRLEN + 2] = "127.0.0.1";
    const char *colon = strrchr(text, ':');
    in_port_t port;
    size_t n = colon ? (size_t)(colon - text) : 0;
    if (!parse_port(colon ? colon + 1 : text, &port) || n >= sizeof host || (colon && n == 0)) {
        return 0;
    }
    if (colon) {
        memcpy(host, text, n);
        host[n] = '\0';
    }
    memset(to, 0, sizeof *to);
    if (inet_pton(AF_INET, host, &to->ip4.sin_addr) == 1) {
        to->ip4.sin_family = AF_INET;
        to->ip4.sin_port = port;
        return sizeof to->ip4;
    }
    if (n > 2 && host[0] == '[' && host[n - 1] == ']') {
        host[n - 1] = '\0';
        if (inet_pton(AF_INET6, host + 1, &to->ip6.sin6_addr) == 1) {
            to->ip6.sin6_family = AF_INET6;
            to->ip6.sin6_port = port;
            return sizeof to->ip6;
        }
    }
    return 0;
}

static int bind_and_listen(int fd, const union address *to, socklen_t size) {
    const int on = 1;
    if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) != 0 ||
        (to->any.sa_family == AF_INET6 && setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof on) != 0) ||
        bind(fd, &to->any, size) != 0 || listen(fd, BACKLOG) != 0) {
        return -errno;
    }
    return 0;
}

static void explain(const char *address_port, int error, char *why, size_t size) {
    const char *remedy = "name another with --metrics";
    const char *what = strerror(-error);
    switch (-error) {
    case EADDRINUSE:
        what = "another program listens there";
        remedy = "end that one, or name another port with --metrics";
        break;
    case EACCES:
        what = "a port below 1024 needs a privilege";
        remedy = "name a higher one with --metrics";
        break;
    case EADDRNOTAVAIL:
        what = "this machine has no such address";
        remedy = "name one that it has with --metrics";
        break;
    default:
        break;
    }
    snprintf(why, size, "metrics at %s: %s; %s", address_port, what, remedy);
}

int metrics_listen(const char *address_port, char *why, size_t why_size) {
    union address to;
    socklen_t size = parse_address(address_port, &to);
    if (size == 0) {
        snprintf(why, why_size, "metrics at %s: no address and port; give --metrics 9145, 192.0.2.1:9145 or [::1]:9145",
                 address_port);
        return -EINVAL;
    }
    int fd = socket(to.any.sa_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    int error = fd < 0 ? -errno : bind_and_listen(fd, &to, size);
    if (error == 0) {
        return fd;
    }
    explain(address_port, error, why, why_size);
    if (fd >= 0) {
        close(fd);
    }
    return error;
}

/* ---- the server */

struct metrics_server {
    struct MHD_Daemon *daemon;
    pthread_mutex_t mutex; /* of text */
    char *text;
    /* of the server's thread alone: its connections, oldest first */
    struct MHD_Connection *connections[METRICS_CONNECTIONS_MAX];
    unsigned count;
    uint64_t requests, closed; /* closed: at the limit */
};

/* A connection that is shut is one whose peer has gone, to the library, which closes it at once. */
static void shut_oldest(struct metrics_server *s) {
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(s->connections[0], MHD_CONNECTION_INFO_CONNECTION_FD);
    if (info) {
        (void)shutdown(info->connect_fd, SHUT_RDWR);
        s->closed++;
    }
    s->count--;
    memmove((void *)s->connections, (void *)(s->connections + 1), s->count * sizeof(struct MHD_Connection *));
}

static void forget(struct metrics_server *s, const struct MHD_Connection *connection) {
    for (unsigned i = 0; i < s->count; i++) {
        if (s->connections[i] == connection) {
            s->count--;
            memmove((void *)(s->connections + i), (void *)(s->connections + i + 1),
                    (s->count - i) * sizeof(struct MHD_Connection *));
            return;
        }
    }
}

static void on_connection(void *arg, struct MHD_Connection *connection, void **socket_context,
                          enum MHD_ConnectionNotificationCode code) {
    struct metrics_server *s = arg;
    (void)socket_context;
    if (code == MHD_CONNECTION_NOTIFY_CLOSED) {
        forget(s, connection);
        return;
    }
    if (s->count >= METRICS_CONNECTIONS_MAX) {
        shut_oldest(s);
    }
    s->connections[s->count++] = connection;
}

static enum MHD_Result answer(struct MHD_Connection *connection, unsigned status, const char *type, const char *text,
                              enum MHD_ResponseMemoryMode mode) {
    struct MHD_Response *response = MHD_create_response_from_buffer(strlen(text), (void *)(uintptr_t)text, mode);
    if (!response) {
        if (mode == MHD_RESPMEM_MUST_FREE) {
            free((void *)(uintptr_t)text);
        }
        return MHD_NO;
    }
    enum MHD_Result result = MHD_NO;
    if (MHD_add_response_header(response, MHD_HTTP_HEADER_CONTENT_TYPE, type) == MHD_YES &&
        MHD_add_response_header(response, MHD_HTTP_HEADER_CONNECTION, "close") == MHD_YES) {
        result = MHD_queue_response(connection, status, response);
    }
    MHD_destroy_response(response);
    return result;
}

/* What was published, with what the server knows of itself behind it; malloc'd. */
static char *text_now(struct metrics_server *s) {
    static const char own[] =
        "# HELP smbtap_metrics_requests_total Requests for these metrics\n"
        "# TYPE smbtap_metrics_requests_total counter\n"
        "smbtap_metrics_requests_total %" PRIu64 "\n"
        "# HELP smbtap_metrics_connections_closed_total Connections closed to make room for others\n"
        "# TYPE smbtap_metrics_connections_closed_total counter\n"
        "smbtap_metrics_connections_closed_total %" PRIu64 "\n";
    char *text = NULL;
    pthread_mutex_lock(&s->mutex);
    size_t n = s->text ? strlen(s->text) : 0;
    size_t room = n + sizeof own + 48; /* two numbers of 20 digits */
    if (n != 0 && (text = malloc(room)) != NULL) {
        memcpy(text, s->text, n);
    }
    pthread_mutex_unlock(&s->mutex);
    if (text) {
        snprintf(text + n, room - n, own, s->requests, s->closed);
    }
    return text;
}

static enum MHD_Result answer_metrics(struct metrics_server *s, struct MHD_Connection *connection) {
    s->requests++;
    char *text = text_now(s);
    if (!text) {
        return answer(connection, MHD_HTTP_SERVICE_UNAVAILABLE, "text/plain", "no figures yet; ask again\n",
                      MHD_RESPMEM_PERSISTENT);
    }
    return answer(connection, MHD_HTTP_OK, "text/plain; version=0.0.4; charset=utf-8", text, MHD_RESPMEM_MUST_FREE);
}

static enum MHD_Result on_request(void *arg, struct MHD_Connection *connection, const char *url, const char *method,
                                  const char *version, const char *upload, size_t *upload_size, void **context) {
    (void)version;
    (void)upload;
    static char seen;
    if (strcmp(method, MHD_HTTP_METHOD_GET) != 0 && strcmp(method, MHD_HTTP_METHOD_HEAD) != 0) {
        *upload_size = 0;
        return answer(connection, MHD_HTTP_METHOD_NOT_ALLOWED, "text/plain", "GET /metrics\n", MHD_RESPMEM_PERSISTENT);
    }
    if (!*context) { /* the headers are there, not yet what may come behind them */
        *context = &seen;
        return MHD_YES;
    }
    if (*upload_size != 0) { /* nobody asked for it */
        return MHD_NO;
    }
    if (strcmp(url, "/metrics") == 0) {
        return answer_metrics(arg, connection);
    }
    bool root = strcmp(url, "/") == 0;
    return answer(connection, root ? MHD_HTTP_OK : MHD_HTTP_NOT_FOUND, "text/plain",
                  root ? "smbtap " SMBTAP_VERSION ": see /metrics\n" : "GET /metrics\n", MHD_RESPMEM_PERSISTENT);
}

struct metrics_server *metrics_server_new(int fd) {
    struct metrics_server *s = calloc(1, sizeof *s);
    if (!s) {
        close(fd);
        return NULL;
    }
    pthread_mutex_init(&s->mutex, NULL);
    /* MHD_USE_ITC: the end also wakes a thread that does not look at its socket, because no descriptor is free for a client. */
    s->daemon = MHD_start_daemon(
        MHD_USE_POLL_INTERNAL_THREAD | MHD_USE_ITC, 0, NULL, NULL, on_request, s, MHD_OPTION_LISTEN_SOCKET, fd,
        MHD_OPTION_CONNECTION_LIMIT, (unsigned)LIBRARY_CONNECTIONS, MHD_OPTION_CONNECTION_TIMEOUT,
        (unsigned)METRICS_IDLE_SECONDS, MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)CONNECTION_MEMORY,
        MHD_OPTION_NOTIFY_CONNECTION, on_connection, s, MHD_OPTION_END);
    if (!s->daemon) {
        close(fd);
        pthread_mutex_destroy(&s->mutex);
        free(s);
        return NULL;
    }
    return s;
}

void metrics_server_publish(struct metrics_server *s, char *text) {
    if (!text) {
        return;
    }
    pthread_mutex_lock(&s->mutex);
    char *old = s->text;
    s->text = text;
    pthread_mutex_unlock(&s->mutex);
    free(old);
}

void metrics_server_free(struct metrics_server *s) {
    if (!s) {
        return;
    }
    MHD_stop_daemon(s->daemon);
    pthread_mutex_destroy(&s->mutex);
    free(s->text);
    free(s);
}
