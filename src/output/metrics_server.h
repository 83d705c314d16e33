/* Serves the metrics over HTTP, to scrapers that are trusted to read them and not to be well behaved: GET /metrics, and / which names
 * it. A thread of its own; what was published last is what a scraper gets. */
#ifndef METRICS_SERVER_H
#define METRICS_SERVER_H

#include <stddef.h>

/* Connections at once: beyond that the oldest is closed, so that whoever comes next is served. One on which nothing moves for so many
 * seconds is closed as well. */
enum { METRICS_CONNECTIONS_MAX = 16, METRICS_IDLE_SECONDS = 10 };

struct metrics_server;

/* A socket that listens: made before privileges go. "9145" is a port of the loopback; "192.0.2.1:9145" and "[::1]:9145" name the
 * address as well. Negative errno, and in why one line that names the remedy. */
__attribute__((warn_unused_result)) int metrics_listen(const char *address_port, char *why, size_t why_size);

/* Takes the socket over, also where it fails. It serves nothing but an error (503) until the first text is published. NULL: no memory, or
 * no thread. */
struct metrics_server *metrics_server_new(int fd);
/* Takes the text over, which is malloc'd; NULL changes nothing. From any thread. */
void metrics_server_publish(struct metrics_server *, char *text);
/* Ends the thread and closes the socket. Takes NULL. */
void metrics_server_free(struct metrics_server *);

#endif
