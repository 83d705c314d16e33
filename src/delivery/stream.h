/* Syslog over TCP and TLS (RFC 6587, RFC 5425) as a transport: stream_transport of transport.h. The receiver says nothing, so what the socket
 * took counts as done; only an end in order (the state ENDED) says that the receiver read all of it. */
#ifndef DELIVERY_STREAM_H
#define DELIVERY_STREAM_H

#include "delivery/transport.h"

/* Records that wait for the socket; beyond that there is no room. */
enum { STREAM_WAITING_MAX = 4096 };

#endif
