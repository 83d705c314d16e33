#include "delivery/deliverer.h"

#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/packet_clock.h"
#include "base/system_clock.h"
#include "delivery/file_sink.h"
#include "delivery/file_writer.h"
#include "delivery/record_text.h"
#include "delivery/spool.h"
#include "delivery/transport.h"
#include "log.h"

/* A receiver that is away is asked again after so long, twice as long each time. */
#define PAUSE_FIRST_NS (SECOND_NS / 10)
#define PAUSE_MOST_NS (10 * SECOND_NS)
/* One that took records for so long is well again: what is wrong next is told at once. */
#define WELL_NS (60 * SECOND_NS)
/* An earlier process may take so long to let go of the spool. */
#define LOCK_NS (10 * SECOND_NS)
/* Nothing keeps what is in memory once the maker is gone: so long it is delivered. */
#define ORPHAN_NS (5 * SECOND_NS)
/* At the end it is looked so often whether a gap is old enough to be told. */
#define GAP_NS (SECOND_NS / 50)

enum { RUN_DIGITS = 16 }; /* in front of record_id */

enum {
    NO_ROOM_MS = 20,
    /* between two looks whether there is some again */ AT_ONCE = 512,
    DESCRIPTORS = TRANSPORT_DESCRIPTORS + 3
};

struct deliverer_counts {
    uint64_t sent, acknowledged, dropped, set_aside, bytes;
};

struct deliverer {
    struct deliverer_settings settings;
    struct channel *channel;
    struct channel_figures *figures;
    struct file_writer *file; /* a file's; the rest is of the network's */
    struct spool *spool;
    struct transport transport;
    enum transport_state state;
    bool begun;
    uint64_t begin_at, pause;      /* when it is begun next, where it was not */
    uint64_t ready_since;          /* 0: it is not ready */
    char told[TRANSPORT_WHY_SIZE]; /* what is wrong, as it was told last */
    bool said;                     /* that something is wrong, and not yet that it is over */
    int disk;                      /* trouble of the spool's, as it was told last */
    uint64_t put;                  /* records that went into the spool, those that were there at first among them */
    uint64_t lost;                 /* seq of the last one that an earlier process had in memory */
    uint64_t told_from,
        teller;     /* of gaps in what was put: the first seq they tell, and the last one's own; 0: none is not done */
    struct gap gap; /* for which the channel had no room */
    bool has_gap;
    struct deliverer_counts before; /* of processes in whose place this one is */
    bool orphan, stopping, ending, over;
    uint64_t stop_until;
    uint64_t next_tick;
};

static uint64_t now_ns(void) {
    return system_clock_ns(CLOCK_MONOTONIC);
}

static const char *name_of(const struct deliverer *d) {
    return d->settings.output->name;
}

/* ---- gaps and figures */

static void tell_gaps(struct deliverer *d, uint64_t now) {
    while (d->has_gap || spool_gap(d->spool, now, &d->gap)) {
        d->has_gap = !channel_tell_gap(d->channel, &d->gap);
        if (d->has_gap) {
            return;
        }
    }
}

/* The spool goes on without its disk; whoever has to make room must know. */
static void tell_disk(struct deliverer *d, int trouble) {
    const char *directory = d->settings.output->spool.directory;
    if (trouble != 0 && d->disk == 0) {
        log_error("%s: its spool in %s cannot be written: %s; records wait in memory and are lost with this process; "
                  "make room there, or mend it",
                  name_of(d), directory, strerror(-trouble));
    } else if (trouble == 0 && d->disk != 0) {
        log_note("%s: its spool in %s can be written again", name_of(d), directory);
    }
    d->disk = trouble;
}

/* What is lost with this process where it has memory alone: what was put and is not done, and what gaps tell that are among that, or are
 * not told yet. */
static void note_kept(struct deliverer *d, const struct spool_figures *s) {
    uint64_t safe = s->safe_seq > d->lost ? s->safe_seq : d->lost;
    if (s->safe_seq >= d->teller) {
        d->told_from = d->teller = 0;
    }
    if (d->told_from != 0 && d->told_from <= safe) {
        safe = d->told_from - 1;
    }
    if (d->has_gap && d->gap.run_id == 0 && d->gap.from <= safe) {
        safe = d->gap.from - 1;
    }
    safe = s->untold_from != 0 && s->untold_from <= safe ? s->untold_from - 1 : safe;
    if (!d->settings.output->spool.directory) {
        atomic_store(&d->figures->kept_from, safe < atomic_load(&d->figures->kept_to) ? safe + 1 : 0);
    }
}

/* Counts go on where those of the process before this one ended. */
static void take_counts(struct deliverer *d) {
    const struct channel_figures *f = d->figures;
    d->before = (struct deliverer_counts){.sent = atomic_load(&f->sent),
                                          .acknowledged = atomic_load(&f->acknowledged),
                                          .dropped = atomic_load(&f->dropped) + atomic_load(&f->kept),
                                          .set_aside = atomic_load(&f->set_aside),
                                          .bytes = atomic_load(&f->bytes)};
}

/* The process before this one had some in memory, and told nobody. */
static void find_lost(struct deliverer *d) {
    uint64_t from = atomic_load(&d->figures->kept_from), to = atomic_load(&d->figures->kept_to);
    if (from != 0 && to >= from) {
        const struct gap lost = {.from = from, .to = to, .reason = GAP_KILLED};
        spool_lost(d->spool, &lost);
    }
    d->lost = to;
}

static void write_figures(struct deliverer *d) {
    struct channel_figures *f = d->figures;
    struct spool_figures s;
    spool_figures(d->spool, &s);
    tell_disk(d, s.trouble);
    note_kept(d, &s);
    uint64_t done = d->before.acknowledged + d->put - s.waiting - s.dropped, now = system_clock_ns(CLOCK_REALTIME);
    uint64_t oldest = d->transport.acknowledges ? s.oldest_put : s.oldest_unread;
    if (done + s.out > atomic_load(&f->sent)) { /* what is sent again was counted */
        atomic_store(&f->sent, done + s.out);
    }
    atomic_store(&f->acknowledged, done);
    atomic_store(&f->spooled, d->transport.acknowledges ? s.waiting : s.waiting - s.out);
    atomic_store(&f->dropped, d->before.dropped + s.dropped);
    atomic_store(&f->set_aside, d->before.set_aside + s.set_aside);
    atomic_store(&f->bytes, d->before.bytes + d->transport.bytes(d->transport.state));
    atomic_store(&f->kept, d->settings.output->spool.directory ? 0 : s.waiting);
    atomic_store(&f->oldest_waiting_ns, oldest != 0 && oldest < now ? now - oldest : 0);
}

/* ---- the receiver */

/* Once for each thing that is wrong, not for each time that it is tried. */
static void tell_trouble(struct deliverer *d, uint64_t now) {
    const char *why = d->transport.why(d->transport.state);
    if (strcmp(why, d->told) != 0 || (d->ready_since != 0 && now - d->ready_since >= WELL_NS)) {
        snprintf(d->told, sizeof d->told, "%s", why);
        d->said = true;
        log_error("%s: %s; records are kept meanwhile%s", name_of(d), why,
                  d->settings.output->spool.directory ? " in the spool" : "");
    }
    atomic_store(&d->figures->trouble, -EIO);
}

static void tell_recovery(struct deliverer *d) {
    struct spool_figures s;
    if (d->said) {
        d->said = false;
        spool_figures(d->spool, &s);
        log_note("%s: takes records again; %" PRIu64 " wait", name_of(d), s.waiting);
    }
    atomic_store(&d->figures->trouble, 0);
}

static void begin(struct deliverer *d, uint64_t now) {
    d->begun = true;
    d->state = TRANSPORT_BUSY;
    d->transport.begin(d->transport.state, now);
}

/* Not all at the same moment: what went away may be the receiver of many. */
static uint64_t spread(uint64_t pause, uint64_t now) {
    return pause - pause / 4 + (now / 1000 * UINT64_C(2654435761) >> 8) % (pause / 2);
}

static void broken(struct deliverer *d, uint64_t now) {
    tell_trouble(d, now);
    bool well = d->ready_since != 0 && now - d->ready_since >= SECOND_NS;
    d->pause = well || d->pause == 0 ? PAUSE_FIRST_NS : d->pause * 2 < PAUSE_MOST_NS ? d->pause * 2 : PAUSE_MOST_NS;
    d->begin_at = now + spread(d->pause, now);
    d->ready_since = 0;
    d->begun = d->ending = false;
    spool_rewind(d->spool);
}

static void take_refusals(struct deliverer *d) {
    uint64_t place;
    while (d->transport.refused(d->transport.state, &place)) {
        spool_set_aside(d->spool, place);
    }
}

static void take_done(struct deliverer *d) {
    const struct output_settings *o = d->settings.output;
    bool tail =
        !d->transport.acknowledges && (o->kind == OUTPUT_TCP || o->kind == OUTPUT_TLS) && d->state != TRANSPORT_ENDED;
    uint64_t done = d->transport.done(d->transport.state), kept = tail ? o->resend_bytes : 0;
    take_refusals(d);
    if (done > kept) {
        spool_done(d->spool, done - kept);
    }
}

/* Some of what waits; true: there is more, and it can be sent now. */
static bool send_some(struct deliverer *d) {
    struct parcel parcel;
    for (unsigned n = 0; n < AT_ONCE; n++) {
        if (!spool_next(d->spool, &parcel)) {
            return false;
        }
        int error = d->transport.send(d->transport.state, &parcel);
        if (error == -EAGAIN) {
            spool_unread(d->spool);
            return false;
        }
        if (error != 0) {
            spool_set_aside(d->spool, parcel.end);
        }
    }
    return true;
}

/* What is lost, and of which the maker is still to make a record. */
static bool has_untold(const struct deliverer *d) {
    struct spool_figures s;
    spool_figures(d->spool, &s);
    return !d->orphan && (d->has_gap || s.gaps != 0);
}

/* The maker has still to tell of a loss. One that is gone tells nothing. */
static bool is_owed(const struct deliverer *d) {
    return !d->orphan && channel_owed(d->channel);
}

/* Also what the maker put last, for the spool takes some of it at a time; and what was refused is told before the end. */
static bool all_sent(const struct deliverer *d) {
    struct spool_figures s;
    spool_figures(d->spool, &s);
    uint64_t left = d->transport.acknowledges ? s.waiting : s.waiting - s.out;
    return left == 0 && !is_owed(d) && channel_empty(d->channel) && !has_untold(d);
}

/* Those that a receiver had not accepted once are no connections. */
static void note_ready(struct deliverer *d, uint64_t now) {
    if (d->ready_since == 0 && atomic_exchange(&d->figures->connected, true)) {
        atomic_fetch_add(&d->figures->reconnects, 1);
    }
    d->ready_since = d->ready_since ? d->ready_since : now;
}

/* True: it wants to go on at once. */
static bool deliver(struct deliverer *d, uint64_t now) {
    bool more = false;
    if (!d->begun && now >= d->begin_at) {
        begin(d, now);
    }
    if (!d->begun) {
        return false;
    }
    d->state = d->transport.step(d->transport.state, now);
    if (d->state == TRANSPORT_READY) {
        note_ready(d, now);
        more = send_some(d);
        d->state = d->transport.step(d->transport.state, now);
        /* What had no room is asked for last, so that the transport knows what it waits for. */
        more = more || (d->state == TRANSPORT_READY && send_some(d));
    }
    take_done(d);
    if (d->state == TRANSPORT_READY && atomic_load(&d->figures->trouble) != 0 &&
        d->transport.done(d->transport.state)) {
        tell_recovery(d);
    }
    if (d->state == TRANSPORT_BROKEN) {
        broken(d, now);
    } else if (d->state == TRANSPORT_BUSY && atomic_load(&d->figures->trouble) == 0 &&
               d->transport.why(d->transport.state)[0] != '\0') {
        tell_trouble(d, now);
    } else if (d->state == TRANSPORT_READY && d->stopping && !d->ending && all_sent(d)) {
        d->ending = true;
        d->transport.end(d->transport.state, now);
        more = true;
    }
    return more && d->state != TRANSPORT_BROKEN;
}

/* ---- lines */

/* A replay knows its id only when it has looked into its captures; the first record tells. */
static void learn_run(struct deliverer *d, const struct line *line) {
    const struct view id = record_text_find(line, "record_id");
    char text[RUN_DIGITS + 1] = "";
    if (id.n > RUN_DIGITS) {
        memcpy(text, id.p, RUN_DIGITS);
        d->settings.run_id = strtoull(text, NULL, 16);
        spool_run(d->spool, d->settings.run_id);
        atomic_store(&d->figures->run_id, d->settings.run_id);
    }
}

static void note_gap(struct deliverer *d, const struct line *line) {
    if (line->gap->run_id == 0) {
        d->told_from = d->told_from != 0 && d->told_from < line->gap->from ? d->told_from : line->gap->from;
        d->teller = line->seq;
    }
}

/* Before the channel forgets them. */
static void note_put(struct deliverer *d, uint64_t first, uint64_t last, unsigned count) {
    uint64_t from = atomic_load(&d->figures->kept_from);
    if (last == 0 || d->settings.output->spool.directory) {
        return;
    }
    from = from != 0 ? from : first;
    atomic_store(&d->figures->kept_from, d->told_from != 0 && d->told_from < from ? d->told_from : from);
    atomic_store(&d->figures->kept_to, last);
    atomic_fetch_add(&d->figures->kept, count);
}

/* False: the spool has no room, and the policy is to wait. */
static bool fill_spool(struct deliverer *d) {
    struct line line;
    uint64_t first = 0, last = 0, put = d->put;
    bool room = true;
    for (unsigned n = 0; n < AT_ONCE && room && channel_next(d->channel, &line); n++) {
        if (d->settings.run_id == 0) {
            learn_run(d, &line);
        }
        room = spool_put(d->spool, &line) == 0;
        d->put += room;
        if (room && line.gap) {
            note_gap(d, &line);
        }
        last = room ? line.seq : last;
        first = first != 0 ? first : last;
    }
    note_put(d, first, last, (unsigned)(d->put - put));
    if (!room) {
        channel_unread(d->channel);
    }
    channel_taken(d->channel);
    return room;
}

/* Records that wait in the writer. */
static uint64_t write_file_figures(struct deliverer *d, int trouble) {
    struct file_writer_figures f;
    file_writer_figures(d->file, &f);
    atomic_store(&d->figures->sent, d->before.sent + f.records);
    atomic_store(&d->figures->bytes, d->before.bytes + f.bytes);
    atomic_store(&d->figures->trouble, trouble);
    return f.waiting;
}

/* What is wrong is told when it begins, and when it is over. Records that wait in the writer. */
static uint64_t look_at_file(struct deliverer *d, int trouble) {
    char why[DELIVERER_WHY_SIZE];
    int before = atomic_load(&d->figures->trouble);
    if (trouble != before && trouble == 0 && before != -EAGAIN) {
        log_note("%s: can be written again", d->settings.output->path);
    } else if (trouble != before && trouble != 0 && trouble != -EAGAIN) {
        file_sink_explain(d->settings.output->path, trouble, why, sizeof why);
        log_error("%s; records are kept meanwhile, up to %d MiB", why, CHANNEL_BYTES >> 20);
    }
    return write_file_figures(d, trouble);
}

/* True: it wants to go on at once. */
static bool write_file(struct deliverer *d, bool *room) {
    struct line line;
    unsigned n = 0;
    int error = 0;
    while (n < AT_ONCE && error == 0 && channel_next(d->channel, &line)) {
        error = file_writer_put(d->file, &line);
        n += error == 0;
    }
    if (error != 0) {
        channel_unread(d->channel);
    }
    int trouble = file_writer_flush(d->file, system_clock_ns(CLOCK_REALTIME));
    channel_taken_but(d->channel, look_at_file(d, trouble));
    *room = trouble == 0 && error == 0;
    return *room && n == AT_ONCE;
}

/* ---- orders */

static void stop(struct deliverer *d, uint64_t until) {
    d->stopping = true;
    d->stop_until = until;
    d->begin_at = 0; /* at once, for the time that is left */
}

static void take_orders(struct deliverer *d) {
    uint64_t until = 0;
    unsigned orders = channel_orders(d->channel, &until);
    if (orders & CHANNEL_REOPEN && d->file) {
        file_writer_reopen(d->file, system_clock_ns(CLOCK_REALTIME));
    }
    if (orders & CHANNEL_STOP) {
        stop(d, until);
    }
}

/* Whoever made lines is gone, and said nothing. What it had put is kept, or delivered where nothing keeps it. */
static void orphaned(struct deliverer *d) {
    if (!d->orphan) {
        d->orphan = true;
        uint64_t until = d->file || d->settings.output->spool.directory ? 0 : now_ns() + ORPHAN_NS;
        stop(d, d->stopping && d->stop_until < until ? d->stop_until : until);
    }
}

static uint64_t file_waiting(const struct deliverer *d) {
    struct file_writer_figures f;
    file_writer_figures(d->file, &f);
    return f.waiting;
}

/* Once it has ended, it takes no more: of what came later it has not lost anything. */
static bool all_out(const struct deliverer *d) {
    return d->file ? !is_owed(d) && channel_empty(d->channel) && file_waiting(d) == 0
                   : d->ending && d->state == TRANSPORT_ENDED;
}

/* ---- the loop */

static void tick(struct deliverer *d, uint64_t now) {
    if (now < d->next_tick) {
        return;
    }
    d->next_tick = now + SECOND_NS;
    if (d->file) {
        file_writer_tick(d->file, system_clock_ns(CLOCK_REALTIME));
    } else {
        spool_tick(d->spool, now);
    }
}

static int wait_ms(uint64_t now, uint64_t until) {
    return until <= now ? 0 : (int)((until - now) / 1000000) + 1;
}

static void wait_for_news(struct deliverer *d, bool room) {
    struct pollfd fds[DESCRIPTORS] = {{.fd = d->settings.life},
                                      {.fd = room ? channel_bell(d->channel) : -1, .events = POLLIN}};
    unsigned count = 2;
    uint64_t until = d->next_tick, own = 0;
    if (d->file) {
        fds[count++] = (struct pollfd){.fd = file_writer_poll(d->file), .events = POLLOUT};
    } else if (d->begun) {
        count += d->transport.poll(d->transport.state, fds + count, &own);
    } else {
        own = d->begin_at;
    }
    until = own != 0 && own < until ? own : until;
    until = d->stopping && d->stop_until < until ? d->stop_until : until;
    if (d->stopping && d->spool && !d->ending && has_untold(d)) {
        uint64_t soon = now_ns() + GAP_NS;
        until = soon < until ? soon : until;
    }
    if (d->orphan) {
        fds[0].fd = -1;
    }
    if (channel_listen(d->channel) || d->ending) {
        poll(fds, count, wait_ms(now_ns(), until));
    } else if (!room) {
        poll(fds, count, NO_ROOM_MS);
    }
    if (fds[0].revents & (POLLHUP | POLLERR)) {
        orphaned(d);
    }
}

/* True: it wants to go on at once. */
static bool turn(struct deliverer *d, bool *room) {
    uint64_t now = now_ns();
    bool more;
    if (d->file) {
        more = write_file(d, room);
    } else {
        *room = d->ending || fill_spool(d);
        more = deliver(d, now);
        tell_gaps(d, now);
        write_figures(d);
    }
    tick(d, now);
    return more;
}

/* On a network file system closing tells that the disk is full. */
static int tell_rest_of_file(struct deliverer *d) {
    char why[DELIVERER_WHY_SIZE];
    bool all = all_out(d), empty = channel_empty(d->channel);
    uint64_t waiting = file_waiting(d);
    int error = file_writer_close(d->file);
    d->file = NULL;
    if (error != 0 && all) {
        file_sink_explain(d->settings.output->path, error, why, sizeof why);
        log_error("%s", why);
    } else if (!all && empty && waiting == 0) {
        log_error("%s: records were lost of which none tells: there was no time for it before the end",
                  d->settings.output->path);
    } else if (!all) {
        log_error("%s: %" PRIu64 " records and those behind them could not be written before the end",
                  d->settings.output->path, waiting);
    }
    return all && error == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}

/* What is left at the end, said once. */
static int tell_rest(struct deliverer *d) {
    struct spool_figures s = {0};
    if (d->file) {
        return tell_rest_of_file(d);
    }
    spool_figures(d->spool, &s);
    bool kept = d->settings.output->spool.directory, untold = is_owed(d) || (!kept && has_untold(d));
    bool refused = s.set_aside != 0 && !d->settings.live; /* who replays waits for all of it */
    int status = untold || refused ? EXIT_FAILURE : EXIT_SUCCESS;
    if (untold) {
        log_error("%s: records were lost of which none tells: it takes no more", name_of(d));
    }
    if (refused) {
        log_error("%s: %" PRIu64
                  " records were refused for ever and did not arrive; its log says why, see what it admits",
                  name_of(d), s.set_aside);
    }
    if (s.waiting == 0 && (channel_empty(d->channel) || all_out(d))) {
        return status;
    }
    if (kept && s.trouble != 0) {
        log_error("%s: %" PRIu64
                  " records wait, and the spool in %s cannot be written: %s; what it does not have is lost",
                  name_of(d), s.waiting, d->settings.output->spool.directory, strerror(-s.trouble));
        return EXIT_FAILURE;
    }
    if (kept && !all_out(d) && !channel_empty(d->channel)) {
        log_error("%s: %" PRIu64 " records wait in the spool for the next run, and it has no room for those behind "
                  "them, which are lost; raise spool_max_bytes",
                  name_of(d), s.waiting);
        return EXIT_FAILURE;
    }
    if (kept) {
        log_note("%s: %" PRIu64 " records wait in the spool for the next run", name_of(d), s.waiting);
        return status;
    }
    log_error("%s: %" PRIu64 " records could not be delivered before the end, and nothing keeps them; "
              "name a folder with spool_directory",
              name_of(d), s.waiting);
    return EXIT_FAILURE;
}

int deliverer_run(struct deliverer *d) {
    bool room = true;
    channel_attach(d->channel);
    for (;;) {
        take_orders(d);
        bool more = turn(d, &room);
        if (d->stopping &&
            (all_out(d) || (now_ns() >= d->stop_until && (channel_empty(d->channel) || !room || d->ending)))) {
            break;
        }
        if (!more) {
            wait_for_news(d, room);
        }
    }
    while (d->spool && !all_out(d) && !channel_empty(d->channel) && fill_spool(d)) {
    }
    int status = tell_rest(d);
    if (d->spool) {
        write_figures(d);
        spool_close(d->spool, !d->orphan && (all_out(d) || channel_empty(d->channel)));
        d->spool = NULL;
    }
    return status;
}

/* ---- the whole */

static int make_transport(struct deliverer *d, char why[DELIVERER_WHY_SIZE]) {
    const struct output_settings *o = d->settings.output;
    switch (o->kind) {
    case OUTPUT_UDP:
    case OUTPUT_UNIX:
        return datagram_transport(&d->transport, o, why);
    case OUTPUT_TCP:
    case OUTPUT_TLS:
        return stream_transport(&d->transport, o, why);
    case OUTPUT_RELP:
    case OUTPUT_RELP_TLS:
        return relp_transport(&d->transport, o, why);
    case OUTPUT_KAFKA:
        return kafka_transport(&d->transport, o, why);
    case OUTPUT_STANDARD:
    case OUTPUT_PATH:
    case OUTPUT_FILE:
    case OUTPUT_KINDS:
        break;
    }
    assert(false);
    return -EINVAL;
}

static int open_network(struct deliverer *d, char why[DELIVERER_WHY_SIZE]) {
    const struct output_settings *o = d->settings.output;
    struct spool_figures s;
    int error = make_transport(d, why);
    error = error ? error : spool_open(&d->spool, &o->spool, o->name, d->settings.run_id, LOCK_NS, why);
    if (error == 0) {
        find_lost(d);
        spool_figures(d->spool, &s);
        d->put = s.waiting + s.dropped;
        if (s.waiting != 0) {
            log_note("%s: %" PRIu64 " records were in the spool; they go first", o->name, s.waiting);
        }
    }
    return error;
}

int deliverer_new(struct deliverer **out, const struct deliverer_settings *settings, char why[DELIVERER_WHY_SIZE]) {
    struct deliverer *d = calloc(1, sizeof *d);
    if (!d) {
        snprintf(why, DELIVERER_WHY_SIZE, "out of memory; close other programs and run it again");
        return -ENOMEM;
    }
    d->settings = *settings;
    d->channel = settings->channel;
    d->figures = channel_figures_of(d->channel);
    take_counts(d);
    d->settings.run_id = settings->run_id ? settings->run_id : atomic_load(&d->figures->run_id);
    int error = output_settings_network(settings->output)
                    ? open_network(d, why)
                    : file_writer_new(&d->file, settings->output, system_clock_ns(CLOCK_REALTIME), why);
    if (error != 0) {
        deliverer_free(d);
        return error;
    }
    *out = d;
    return 0;
}

void deliverer_free(struct deliverer *d) {
    if (!d) {
        return;
    }
    if (d->transport.free) {
        d->transport.free(d->transport.state);
    }
    spool_close(d->spool, false);
    (void)!file_writer_close(d->file);
    free(d);
}
