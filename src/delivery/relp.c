#include "delivery/relp.h"

#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "delivery/peer.h"
#include "delivery/syslog.h"
#include "log.h"
#include "view.h"

enum {
    NUMBER_DIGITS = 9,
    COMMAND_LETTERS = 32,
    HEAD_SIZE = 64,  /* in front of a frame's data, and its end */
    TEXT_SIZE = 120, /* of what a receiver said, as much as is told */
    CODE_GOOD = 200,
};

/* ---- frames */

uint32_t relp_txnr_next(uint32_t txnr) {
    return txnr == RELP_TXNR_LAST ? 1 : txnr + 1;
}

uint32_t relp_txnr_steps(uint32_t from, uint32_t to) {
    assert(from >= 1 && from <= RELP_TXNR_LAST && to >= 1 && to <= RELP_TXNR_LAST);
    return to >= from ? to - from : to + (RELP_TXNR_LAST - from);
}

/* What was read of a frame so far. */
struct reading {
    const char *in;
    size_t n, at;
    bool bad;
};

static bool is_digit(char c) {
    return c >= '0' && c <= '9';
}

static bool at_end(const struct reading *r) {
    return r->at == r->n;
}

/* Digits; what stands behind them is left. At the end of what there is, there may be more of them. */
static uint32_t read_number(struct reading *r) {
    uint32_t number = 0;
    unsigned digits = 0;
    for (; !at_end(r) && is_digit(r->in[r->at]) && digits < NUMBER_DIGITS; digits++) {
        number = number * 10 + (uint32_t)(r->in[r->at++] - '0');
    }
    r->bad = r->bad || (!at_end(r) && (digits == 0 || is_digit(r->in[r->at])));
    return number;
}

static void read_space(struct reading *r) {
    if (!at_end(r)) {
        r->bad = r->bad || r->in[r->at] != ' ';
        r->at++;
    }
}

static struct view read_command(struct reading *r) {
    size_t from = r->at;
    while (!at_end(r) && r->in[r->at] >= 'a' && r->in[r->at] <= 'z' && r->at - from < COMMAND_LETTERS) {
        r->at++;
    }
    r->bad = r->bad || (!at_end(r) && r->in[r->at] != ' ');
    return (struct view){(const uint8_t *)r->in + from, r->at - from};
}

static bool is_command(struct view v, const char *name) {
    return v.n == strlen(name) && memcmp(v.p, name, v.n) == 0;
}

/* RSP-CODE [SP HUMANMSG] [LF CMDDATA] */
static void read_code(struct relp_answer *a, const char *data, size_t n) {
    bool has = n >= 3 && is_digit(data[0]) && is_digit(data[1]) && is_digit(data[2]) &&
               (n == 3 || data[3] == ' ' || data[3] == '\n');
    if (has) {
        a->code = (unsigned)((data[0] - '0') * 100 + (data[1] - '0') * 10 + (data[2] - '0'));
    }
    size_t skip = has ? (n > 3 ? 4 : 3) : 0;
    a->text = data + skip;
    a->n = n - skip;
}

ssize_t relp_parse(const char *in, size_t n, struct relp_answer *to) {
    struct reading r = {.in = in, .n = n};
    struct relp_answer a = {.txnr = read_number(&r)};
    read_space(&r);
    struct view command = read_command(&r);
    read_space(&r);
    size_t length = read_number(&r);
    if (r.bad || length > RELP_ANSWER_MAX - HEAD_SIZE) {
        return -EBADMSG;
    }
    if (at_end(&r)) {
        return 0;
    }
    if (is_command(command, "serverclose")) {
        a.command = RELP_SERVERCLOSE;
    } else if (!is_command(command, "rsp")) {
        return -EBADMSG;
    }
    if (length > 0) {
        read_space(&r);
    }
    size_t data = r.at;
    if (r.bad || (data + length < n && in[data + length] != '\n')) {
        return -EBADMSG;
    }
    if (data + length >= n) {
        return 0;
    }
    read_code(&a, in + data, length);
    *to = a;
    return (ssize_t)(data + length + 1);
}

/* ---- a session */

enum stage { CLOSED, CONNECTING, OPENING, OPEN, FINISHING, CLOSING, ENDED, BROKEN };

/* A record that was sent. */
struct flight {
    uint64_t place;
    bool answered, refused, told; /* told: of the refusal */
};

struct relp {
    const struct output_settings *settings;
    struct peer *peer;
    struct syslog syslog;
    enum stage stage;
    uint64_t now;
    uint64_t deadline;           /* of the stage; 0: none */
    uint64_t heard;              /* when an answer came last, or the first record that waits was sent */
    uint32_t txnr;               /* of the next frame */
    uint32_t oldest;             /* of the first flight */
    unsigned first, count;       /* of flights, a ring */
    unsigned unanswered, untold; /* of these */
    uint64_t done;
    uint64_t refusals, refusals_told; /* since it was made */
    size_t used;                      /* of in */
    struct flight flights[RELP_WINDOW];
    char in[RELP_ANSWER_MAX];
};

/* What a receiver said, for a person. */
static const char *plain(const struct relp_answer *a, char to[TEXT_SIZE]) {
    size_t n = 0;
    for (; n < a->n && n < TEXT_SIZE - 1 && a->text[n] != '\n'; n++) {
        to[n] = a->text[n] >= ' ' && a->text[n] < 0x7F ? a->text[n] : '?';
    }
    to[n] = '\0';
    return to;
}

static void put_frame(struct relp *r, const char *command, const char *data, size_t n) {
    char *to = peer_room(r->peer, HEAD_SIZE + n);
    if (!to) {
        peer_break(r->peer, "there is no room for a command; it takes nothing");
        return;
    }
    size_t at = (size_t)snprintf(to, HEAD_SIZE, "%" PRIu32 " %s %zu%s", r->txnr, command, n, n > 0 ? " " : "");
    memcpy(to + at, data, n);
    to[at + n] = '\n';
    peer_commit(r->peer, at + n + 1);
    r->txnr = relp_txnr_next(r->txnr);
}

static void say_open(struct relp *r) {
    static const char offer[] = "relp_version=0\nrelp_software=smbtap," SMBTAP_VERSION "\ncommands=syslog";
    put_frame(r, "open", offer, sizeof offer - 1);
    r->stage = OPENING;
    r->deadline = r->now + RELP_OPEN_NS;
}

/* Lines of NAME=VALUE; commands is a list with commas. Who says nothing of them has said nothing against syslog. */
static bool offers_syslog(const struct relp_answer *a) {
    static const char name[] = "commands=", wanted[] = "syslog";
    const char *end = a->text + a->n, *at = memmem(a->text, a->n, name, sizeof name - 1);
    if (!at) {
        return true;
    }
    at += sizeof name - 1;
    while (at < end && *at != '\n') {
        size_t n = 0;
        while (at + n < end && at[n] != ',' && at[n] != '\n') {
            n++;
        }
        if (n == sizeof wanted - 1 && memcmp(at, wanted, n) == 0) {
            return true;
        }
        at += n;
        at += at < end && *at == ',';
    }
    return false;
}

static void take_open(struct relp *r, const struct relp_answer *a) {
    char text[TEXT_SIZE];
    if (a->txnr != 1) {
        peer_break(r->peer, "it answers what was not asked (%" PRIu32 "); see its own log", a->txnr);
    } else if (a->code != CODE_GOOD) {
        peer_break(r->peer, "it refuses a session (%u %s); see its own log", a->code, plain(a, text));
    } else if (!offers_syslog(a)) {
        peer_break(r->peer, "it takes no syslog over RELP; see its configuration");
    } else {
        r->stage = OPEN;
        r->deadline = 0;
        r->oldest = r->txnr;
    }
}

static void tell_refusal(struct relp *r, const struct relp_answer *a) {
    char text[TEXT_SIZE];
    if (++r->refusals < r->refusals_told * 10) {
        return;
    }
    r->refusals_told = r->refusals;
    log_note("output %s: the receiver has refused %" PRIu64 " records, the last one with %u %s; see its own log",
             r->settings->name, r->refusals, a->code, plain(a, text));
}

/* Passes those that were answered; one that was refused, once that is told. */
static void advance(struct relp *r) {
    while (r->count > 0) {
        const struct flight *f = &r->flights[r->first];
        if (!f->answered || (f->refused && !f->told)) {
            break;
        }
        r->done = f->place;
        r->first = (r->first + 1) % RELP_WINDOW;
        r->oldest = relp_txnr_next(r->oldest);
        r->count--;
    }
}

static void take_answer(struct relp *r, const struct relp_answer *a) {
    uint32_t at = a->txnr == 0 ? r->count : relp_txnr_steps(r->oldest, a->txnr);
    struct flight *f = at < r->count ? &r->flights[(r->first + at) % RELP_WINDOW] : NULL;
    if (!f || f->answered || a->code == 0) {
        peer_break(r->peer, f && !f->answered ? "it answers without a code; see its own log"
                                              : "it answers what was not asked, or twice; see its own log");
        return;
    }
    f->answered = true;
    f->refused = a->code != CODE_GOOD;
    r->unanswered--;
    r->heard = r->now;
    if (f->refused) {
        r->untold++;
        tell_refusal(r, a);
    }
    advance(r);
}

static void ended(struct relp *r) {
    peer_drop(r->peer);
    r->stage = ENDED;
}

static void take(struct relp *r, const struct relp_answer *a) {
    if (r->stage == CLOSING) {
        ended(r); /* its answer to close, or serverclose; all else was answered */
    } else if (a->command == RELP_SERVERCLOSE) {
        peer_break(r->peer, "it ends the session; see whether it was stopped");
    } else if (r->stage == OPENING) {
        take_open(r, a);
    } else if (r->stage == OPEN || r->stage == FINISHING) {
        take_answer(r, a);
    } else {
        peer_break(r->peer, "it answers before it was asked; see whether its port is one for RELP");
    }
}

/* The frames that are there, until the peer is broken or closed by one. */
static void take_all(struct relp *r) {
    struct relp_answer a;
    ssize_t n = 0;
    size_t at = 0;
    while (at < r->used && r->stage != ENDED && (n = relp_parse(r->in + at, r->used - at, &a)) > 0) {
        at += (size_t)n;
        take(r, &a);
        if (peer_broken(r->peer)) {
            break;
        }
    }
    if (n < 0) {
        peer_break(r->peer, "what it says is no RELP; see its port, or take syslog over TCP");
    }
    memmove(r->in, r->in + at, r->used - at);
    r->used -= at;
}

static void hear(struct relp *r) {
    size_t n;
    while (r->stage > CONNECTING && r->stage < ENDED &&
           (n = peer_read(r->peer, r->in + r->used, sizeof r->in - r->used)) > 0) {
        r->used += n;
        take_all(r);
        assert(r->used < sizeof r->in); /* a frame that long is none */
    }
}

static void relp_begin(void *state, uint64_t now) {
    struct relp *r = state;
    r->now = now;
    r->stage = CONNECTING;
    r->deadline = 0;
    r->txnr = 1;
    r->first = r->count = r->unanswered = r->untold = 0;
    r->done = 0;
    r->used = 0;
    peer_begin(r->peer, now);
}

/* What is due. */
static void act(struct relp *r) {
    if (r->stage == CONNECTING) {
        say_open(r);
    } else if (r->stage == OPENING && r->now >= r->deadline) {
        peer_break(r->peer, "it does not answer; see whether its port is one for RELP");
    } else if (r->stage == FINISHING && r->count == 0) {
        put_frame(r, "close", "", 0);
        r->stage = CLOSING;
        r->deadline = r->now + RELP_CLOSE_NS;
    } else if (r->stage == CLOSING && r->now >= r->deadline) {
        ended(r);
    } else if (r->unanswered > 0 && r->now >= r->heard + RELP_ANSWER_NS) {
        peer_break(r->peer, "it has acknowledged nothing for %u seconds; see what holds it up",
                   (unsigned)(RELP_ANSWER_NS / 1000000000));
    }
}

static void step(struct relp *r) {
    hear(r);
    if (r->stage == ENDED) {
        return;
    }
    enum peer_state is = peer_step(r->peer, r->now);
    if (is == PEER_OPEN) {
        act(r);
        hear(r);
        is = r->stage == ENDED ? is : peer_step(r->peer, r->now);
    }
    if (is == PEER_BROKEN && r->stage != ENDED) {
        /* After close nothing more can be lost. */
        r->stage = r->stage == CLOSING ? ENDED : BROKEN;
    }
}

static enum transport_state relp_step(void *state, uint64_t now) {
    struct relp *r = state;
    r->now = now;
    if (r->stage != BROKEN && r->stage != ENDED && r->stage != CLOSED) {
        step(r);
    }
    return r->stage == BROKEN  ? TRANSPORT_BROKEN
           : r->stage == ENDED ? TRANSPORT_ENDED
           : r->stage == OPEN  ? TRANSPORT_READY
                               : TRANSPORT_BUSY;
}

static int relp_send(void *state, const struct parcel *p) {
    struct relp *r = state;
    int error = syslog_check(&p->line);
    if (error != 0) {
        return error;
    }
    if (r->stage != OPEN || r->count == RELP_WINDOW || !peer_room(r->peer, HEAD_SIZE + SYSLOG_MESSAGE_SIZE)) {
        return -EAGAIN;
    }
    char message[SYSLOG_MESSAGE_SIZE];
    put_frame(r, "syslog", message, syslog_message(&r->syslog, &p->line, message));
    syslog_submitted(&r->syslog);
    r->flights[(r->first + r->count++) % RELP_WINDOW] = (struct flight){.place = p->end};
    if (r->unanswered++ == 0) {
        r->heard = r->now;
    }
    return 0;
}

static uint64_t relp_done(void *state) {
    const struct relp *r = state;
    return r->done;
}

static bool relp_refused(void *state, uint64_t *end) {
    struct relp *r = state;
    for (unsigned i = 0; r->untold > 0 && i < r->count; i++) {
        struct flight *f = &r->flights[(r->first + i) % RELP_WINDOW];
        if (f->refused && !f->told) {
            f->told = true;
            r->untold--;
            *end = f->place;
            advance(r);
            return true;
        }
    }
    return false;
}

static void relp_end(void *state, uint64_t now) {
    struct relp *r = state;
    r->now = now;
    if (r->stage == OPEN) {
        r->stage = FINISHING;
    } else if (r->stage == CONNECTING || r->stage == OPENING || r->stage == CLOSED) {
        ended(r); /* nothing was sent */
    }
}

static unsigned relp_poll(void *state, struct pollfd to[TRANSPORT_DESCRIPTORS], uint64_t *until) {
    struct relp *r = state;
    unsigned n = peer_poll(r->peer, to, until);
    uint64_t mine = r->unanswered > 0 && r->stage < CLOSING ? r->heard + RELP_ANSWER_NS : r->deadline;
    if (r->stage == FINISHING && r->count == 0) {
        mine = r->now;
    }
    if (mine > 0 && (*until == 0 || mine < *until)) {
        *until = mine;
    }
    return n;
}

static uint64_t relp_bytes(void *state) {
    const struct relp *r = state;
    return peer_bytes(r->peer);
}

static const char *relp_why(void *state) {
    const struct relp *r = state;
    return peer_why(r->peer);
}

static void relp_free(void *state) {
    struct relp *r = state;
    if (r) {
        peer_free(r->peer);
        free(r);
    }
}

int relp_transport(struct transport *to, const struct output_settings *o, char why[TRANSPORT_WHY_SIZE]) {
    struct relp *r = calloc(1, sizeof *r);
    if (!r) {
        snprintf(why, TRANSPORT_WHY_SIZE, "there is no memory for a connection; give the machine more");
        return -ENOMEM;
    }
    r->settings = o;
    syslog_init(&r->syslog, &o->syslog, getpid());
    int error = peer_new(&r->peer, o->host, o->port, o->kind == OUTPUT_RELP_TLS ? &o->tls : NULL, true, why);
    if (error != 0) {
        free(r);
        return error;
    }
    *to = (struct transport){
        .state = r,
        .acknowledges = true,
        .begin = relp_begin,
        .step = relp_step,
        .send = relp_send,
        .done = relp_done,
        .refused = relp_refused,
        .end = relp_end,
        .poll = relp_poll,
        .bytes = relp_bytes,
        .why = relp_why,
        .free = relp_free,
    };
    return 0;
}
