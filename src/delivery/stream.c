#include "delivery/stream.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "delivery/peer.h"
#include "delivery/syslog.h"

_Static_assert((int)PEER_WHY_SIZE <= (int)TRANSPORT_WHY_SIZE, "a line is handed on");
_Static_assert((int)PEER_DESCRIPTORS <= (int)TRANSPORT_DESCRIPTORS, "room for the descriptors");

/* A record in the peer's hands: where it ends there, and its place. */
struct mark {
    uint64_t at, place;
};

struct stream {
    struct peer *peer;
    struct syslog syslog;
    uint64_t done;
    unsigned first, count; /* of marks, a ring */
    struct mark marks[STREAM_WAITING_MAX];
};

static void stream_begin(void *state, uint64_t now) {
    struct stream *s = state;
    s->done = 0;
    s->first = s->count = 0;
    peer_begin(s->peer, now);
}

/* Passes the marks that the socket has taken. */
static void advance(struct stream *s) {
    uint64_t written = peer_written(s->peer);
    while (s->count > 0 && s->marks[s->first].at <= written) {
        s->done = s->marks[s->first].place;
        s->first = (s->first + 1) % STREAM_WAITING_MAX;
        s->count--;
    }
}

static enum transport_state stream_step(void *state, uint64_t now) {
    struct stream *s = state;
    enum peer_state is = peer_step(s->peer, now);
    advance(s);
    static const enum transport_state states[] = {
        [PEER_BUSY] = TRANSPORT_BUSY,
        [PEER_OPEN] = TRANSPORT_READY,
        [PEER_ENDED] = TRANSPORT_ENDED,
        [PEER_BROKEN] = TRANSPORT_BROKEN,
    };
    return states[is];
}

static int stream_send(void *state, const struct parcel *p) {
    struct stream *s = state;
    int error = syslog_check(&p->line);
    if (error != 0) {
        return error;
    }
    if (s->count == STREAM_WAITING_MAX) {
        advance(s);
    }
    char *to = s->count < STREAM_WAITING_MAX ? peer_room(s->peer, SYSLOG_FRAME_SIZE) : NULL;
    if (!to) {
        return -EAGAIN;
    }
    peer_commit(s->peer, syslog_frame(&s->syslog, &p->line, to));
    syslog_submitted(&s->syslog);
    unsigned last = (s->first + s->count++) % STREAM_WAITING_MAX;
    s->marks[last] = (struct mark){.at = peer_committed(s->peer), .place = p->end};
    return 0;
}

static uint64_t stream_done(void *state) {
    struct stream *s = state;
    advance(s);
    return s->done;
}

static bool stream_refused(void *state, uint64_t *end) {
    (void)state;
    (void)end;
    return false;
}

static void stream_end(void *state, uint64_t now) {
    struct stream *s = state;
    peer_end(s->peer, now);
}

static unsigned stream_poll(void *state, struct pollfd to[TRANSPORT_DESCRIPTORS], uint64_t *until) {
    struct stream *s = state;
    return peer_poll(s->peer, to, until);
}

static uint64_t stream_bytes(void *state) {
    const struct stream *s = state;
    return peer_bytes(s->peer);
}

static const char *stream_why(void *state) {
    const struct stream *s = state;
    return peer_why(s->peer);
}

static void stream_free(void *state) {
    struct stream *s = state;
    if (s) {
        peer_free(s->peer);
        free(s);
    }
}

int stream_transport(struct transport *to, const struct output_settings *o, char why[TRANSPORT_WHY_SIZE]) {
    struct stream *s = calloc(1, sizeof *s);
    if (!s) {
        snprintf(why, TRANSPORT_WHY_SIZE, "there is no memory for a connection; give the machine more");
        return -ENOMEM;
    }
    syslog_init(&s->syslog, &o->syslog, getpid());
    int error = peer_new(&s->peer, o->host, o->port, o->kind == OUTPUT_TLS ? &o->tls : NULL, false, why);
    if (error != 0) {
        free(s);
        return error;
    }
    *to = (struct transport){
        .state = s,
        .acknowledges = false,
        .begin = stream_begin,
        .step = stream_step,
        .send = stream_send,
        .done = stream_done,
        .refused = stream_refused,
        .end = stream_end,
        .poll = stream_poll,
        .bytes = stream_bytes,
        .why = stream_why,
        .free = stream_free,
    };
    return 0;
}
