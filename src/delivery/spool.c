#include "delivery/spool.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/system_clock.h"
#include "delivery/spool_parts.h"

enum {
    SEGMENT_USUAL = 8 << 20,
    SEGMENT_LEAST = 64 << 10,
    MEMORY_USUAL = 2 << 20, /* of a segment in memory for want of a disk */
    PARTS_LEAST =
        16, /* segments that the bound is made of: with each that is dropped that part of what waits is lost */
    PARTS = SPOOL_SEGMENTS_MAX / 2,
};

/* ---- state, losses */

void spool_remember(struct spool *s) {
    if (s->file) {
        state_file_write(s->file, &s->state);
    }
}

void spool_lose(struct spool *s, const struct gap *g, uint64_t start, uint64_t end) {
    gap_list_add(&s->state.gaps, g, start, end, s->now);
}

void spool_damage(struct spool *s, const struct segment *seg, uint64_t end, uint64_t after, uint64_t before) {
    if (end <= s->state.damaged || before <= after || before - after == 1) {
        return;
    }
    struct gap g = {seg->start.run_id, after + 1, before - 1, 0, GAP_SPOOL_DAMAGED};
    s->state.damaged = end;
    spool_lose(s, &g, GAP_NOWHERE, GAP_NOWHERE);
    spool_remember(s);
}

uint64_t spool_before(const struct spool *s, const struct segment *seg) {
    const struct spool_floor *f = &s->state.floor;
    return f->run_id == seg->start.run_id && f->seq > seg->before ? f->seq : seg->before;
}

/* To others this run is 0. */
static struct gap as_told(const struct spool *s, struct gap g) {
    g.run_id = g.run_id == s->state.run_id ? 0 : g.run_id;
    return g;
}

static struct gap as_kept(const struct spool *s, struct gap g) {
    g.run_id = g.run_id == 0 ? s->state.run_id : g.run_id;
    return g;
}

/* ---- put */

static int refuse(struct spool *s, const struct line *l) {
    struct gap lost = {s->state.run_id, l->seq, l->seq, 1, GAP_SPOOL_FULL};
    if (s->settings.policy == SPOOL_WAIT) {
        return -EAGAIN;
    }
    s->dropped++;
    if (l->gap) {
        struct gap back = as_kept(s, *l->gap);
        (void)gap_list_returned(&s->state.gaps, &back);
        spool_lose(s, &back, GAP_NOWHERE, GAP_NOWHERE);
    }
    spool_lose(s, &lost, s->state.put, s->state.put);
    spool_remember(s);
    return 0;
}

/* What an earlier process of this run had in memory is lost, up to where the next record begins. */
static void find_lost(struct spool *s, const struct line *l) {
    struct gap lost = {s->state.run_id, s->state.last + 1, l->seq - 1, 0, GAP_SPOOL_DAMAGED};
    s->cut = false;
    if (lost.to >= lost.from) {
        spool_lose(s, &lost, GAP_NOWHERE, GAP_NOWHERE);
        spool_remember(s);
    }
}

static uint64_t earlier(uint64_t a, uint64_t b) {
    return a == 0 || (b != 0 && b < a) ? b : a;
}

/* A record that tells of it waits; it may be lost itself, with whoever has this in memory. */
static void note_told(struct spool *s, const struct gap *g) {
    if (g->run_id == s->state.run_id) {
        s->told_from = s->told > s->state.floor.place ? earlier(s->told_from, g->from) : g->from;
        s->told = s->state.put;
    }
}

int spool_put(struct spool *s, const struct line *l) {
    if (s->cut && l->seq != 0) {
        find_lost(s, l);
    }
    size_t cost = segment_cost(l);
    if ((!s->writer || s->writer->size - s->writer->used < cost) && spool_room(s) != 0) {
        return refuse(s, l);
    }
    struct gap gap;
    if (l->gap) {
        gap = as_kept(s, *l->gap);
    }
    segment_append(s->writer, l, l->gap ? &gap : NULL, system_clock_ns(CLOCK_REALTIME));
    s->state.put = segment_end(s->writer);
    s->state.last = l->seq;
    s->dirty_since = s->dirty_since ? s->dirty_since : s->now;
    if (l->gap) {
        note_told(s, &gap);
        if (gap_list_returned(&s->state.gaps, &gap)) {
            spool_remember(s);
        }
    }
    return 0;
}

/* ---- to the disk */

static void note_trouble(struct spool *s, int error) {
    if (error) {
        s->trouble = error;
        s->tried = s->now;
    }
}

static void sync_state(struct spool *s) {
    int error = state_file_sync(s->file), failed = spool_folder_sync(&s->folder);
    note_trouble(s, error ? error : failed);
}

static void sync_segments(struct spool *s) {
    int error = 0;
    for (struct segment *seg = spool_first(s); seg; seg = spool_following(s, seg)) {
        int failed = segment_sync(seg);
        error = error ? error : failed;
    }
    int failed = spool_folder_sync(&s->folder);
    s->synced = s->state.put;
    s->dirty_since = 0;
    note_trouble(s, error ? error : failed);
}

/* Of the first record behind a place. */
static uint64_t put_behind(const struct spool *s, uint64_t place) {
    struct stored f;
    const struct link *head = &s->segments.head;
    for (struct link *l = head->next; l != head; l = l->next) {
        const struct segment *seg = container_of(l, struct segment, in);
        if (segment_end(seg) > place && segment_find(seg, segment_offset(seg, place), false, &f)) {
            return f.put_ns;
        }
    }
    return 0;
}

static uint64_t oldest_put(const struct spool *s) {
    return put_behind(s, s->state.floor.place);
}

/* The oldest that waits was put before the clock was set back, or waits too long. */
static bool waits_long(const struct spool *s) {
    uint64_t put = oldest_put(s), now = system_clock_ns(CLOCK_REALTIME);
    return put != 0 && (put > now || now - put >= s->settings.sync_ns);
}

static bool sync_due(const struct spool *s) {
    if (s->settings.sync == SPOOL_SYNC_NEVER || s->synced >= s->state.put || s->state.floor.place >= s->state.put) {
        return false;
    }
    return s->settings.sync == SPOOL_SYNC_ALWAYS || (s->now - s->dirty_since >= s->settings.sync_ns && waits_long(s));
}

void spool_tick(struct spool *s, uint64_t now) {
    s->now = now > s->now ? now : s->now;
    if (!s->file) {
        return;
    }
    if (!s->trouble && spool_folder_gone(&s->folder)) {
        note_trouble(s, -ENOENT);
    }
    if (s->trouble && s->now >= s->tried + SPOOL_RETRY_NS) {
        (void)spool_mend(s);
    }
    if (sync_due(s)) {
        sync_segments(s);
        sync_state(s);
    }
}

/* ---- next */

static void seek(struct spool *s, uint64_t place) {
    s->read = s->read_from = place;
    s->reading = NULL;
}

/* Some of it is damaged: only what can be read still waits. */
static void recount(struct spool *s, struct segment *seg) {
    struct stored f;
    uint64_t records = seg->gone;
    if (seg->recounted) {
        return;
    }
    seg->doubtful = seg->recounted = true;
    for (size_t at = segment_offset(seg, s->state.floor.place); segment_find(seg, at, true, &f); at = f.end) {
        records += !f.refused;
    }
    s->dropped += seg->records > records ? seg->records - records : 0;
    seg->records = records;
    if (seg != s->writer) {
        segment_seal(seg);
    }
}

/* The segment to go on in; NULL: there is nothing more. */
static struct segment *segment_to_read(struct spool *s) {
    struct segment *seg = s->reading ? s->reading : spool_first(s);
    while (seg && s->read >= segment_end(seg)) {
        if (seg == s->reading && seg->doubtful && seg->handed < seg->records) {
            recount(s, seg); /* it does not have as many as its seal says */
        }
        seg = spool_following(s, seg);
    }
    if (seg && seg != s->reading) {
        s->reading = seg;
        s->read_seq = spool_before(s, seg);
    }
    return seg;
}

/* The frame to go on with, wherever it is in the segment. */
static bool read_frame(struct spool *s, struct segment *seg, struct stored *f) {
    size_t at = segment_offset(seg, s->read);
    bool found = segment_find(seg, at, true, f);
    if (!found || f->at != at) {
        recount(s, seg);
        spool_damage(s, seg, found ? segment_place(seg, f->at) : segment_end(seg), s->read_seq,
                     found ? f->line.seq : seg->last + 1);
    }
    if (!found) {
        s->read = segment_end(seg);
        return false;
    }
    s->read_from = segment_place(seg, f->at);
    s->read = segment_place(seg, f->end);
    s->read_seq = f->line.seq;
    if (!f->refused) {
        seg->handed = (seg->handed > seg->gone ? seg->handed : seg->gone) + 1;
    }
    return !f->refused;
}

bool spool_next(struct spool *s, struct parcel *p) {
    struct stored f;
    struct segment *seg;
    if (s->file && s->settings.sync == SPOOL_SYNC_ALWAYS && s->read >= s->synced && s->synced < s->state.put) {
        sync_segments(s);
    }
    do {
        seg = segment_to_read(s);
        if (!seg) {
            return false;
        }
    } while (!read_frame(s, seg, &f));
    if (f.has_gap) {
        s->handed = as_told(s, f.gap);
        f.line.gap = &s->handed;
    }
    *p = (struct parcel){f.line, s->read};
    return true;
}

void spool_unread(struct spool *s) {
    uint64_t floor = s->state.floor.place;
    if (s->reading && s->reading->handed != 0) {
        s->reading->handed--;
    }
    seek(s, s->read_from > floor ? s->read_from : floor);
}

void spool_rewind(struct spool *s) {
    for (struct link *l = s->segments.head.next; l != &s->segments.head; l = l->next) {
        container_of(l, struct segment, in)->handed = 0;
    }
    seek(s, s->state.floor.place);
}

/* ---- done */

static bool next_done(struct spool *s, struct segment *seg, uint64_t place) {
    struct stored f;
    struct spool_floor *floor = &s->state.floor;
    if (segment_find(seg, segment_offset(seg, floor->place), false, &f)) {
        if (segment_place(seg, f.end) > place) {
            return false;
        }
        *floor = (struct spool_floor){segment_place(seg, f.end), seg->start.run_id, f.line.seq};
        seg->gone += !f.refused;
        return true;
    }
    if (seg == s->writer) {
        return false;
    }
    spool_damage(s, seg, segment_end(seg), spool_before(s, seg), seg->last + 1);
    s->dropped += seg->records > seg->gone ? seg->records - seg->gone : 0;
    floor->place = floor->place > segment_end(seg) ? floor->place : segment_end(seg);
    spool_release(s, seg);
    return true;
}

void spool_done(struct spool *s, uint64_t place) {
    struct segment *seg;
    uint64_t before = s->state.floor.place;
    while ((seg = spool_first(s)) != NULL && next_done(s, seg, place)) {
    }
    if (s->state.floor.place == before) {
        return;
    }
    if (s->read < s->state.floor.place) {
        seek(s, s->state.floor.place);
    }
    spool_remember(s);
}

/* ---- set aside */

static struct segment *segment_of(struct spool *s, uint64_t place) {
    for (struct segment *seg = spool_first(s); seg; seg = spool_following(s, seg)) {
        if (place > seg->start.base && place <= segment_end(seg)) {
            return seg;
        }
    }
    return NULL;
}

/* The frame that ends there. They have no way back: from the nearest place before it that is known to be the end of one. */
static bool frame_that_ends(struct spool *s, const struct segment *seg, uint64_t place, struct stored *f) {
    uint64_t known[] = {s->state.floor.place, s->refused_to, s->read_from}, from = seg->start.base;
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++) {
        from = known[i] > from && known[i] < place ? known[i] : from;
    }
    size_t at = segment_offset(seg, from);
    while (segment_find(seg, at, false, f)) {
        at = f->end;
        if (segment_place(seg, at) >= place) {
            return segment_place(seg, at) == place;
        }
    }
    return false;
}

void spool_set_aside(struct spool *s, uint64_t place) {
    struct stored f;
    struct segment *seg = place > s->state.floor.place && place <= s->read ? segment_of(s, place) : NULL;
    if (!seg || !frame_that_ends(s, seg, place, &f) || f.refused) {
        return;
    }
    if (s->file) {
        s->refused_trouble = spool_folder_refused(&s->folder, &f.line);
    }
    if (!f.has_gap) { /* that of a gap would be refused as well, and so on for ever */
        struct gap g = {seg->start.run_id, f.line.seq, f.line.seq, 1, GAP_REFUSED};
        spool_lose(s, &g, segment_place(seg, f.at), place);
        spool_remember(s);
    }
    segment_refuse(seg, &f);
    seg->records--;
    seg->handed -= seg->handed > seg->gone;
    if (seg != s->writer) {
        segment_seal(seg);
    }
    s->refused_to = place;
    s->set_aside++;
    s->dropped++;
}

/* ---- gaps, figures */

bool spool_gap(struct spool *s, uint64_t now, struct gap *g) {
    s->now = now > s->now && now != UINT64_MAX ? now : s->now;
    bool room = s->writer && s->writer->size - s->writer->used >= SEGMENT_LARGEST;
    if (s->state.gaps.count == 0 || (s->settings.policy == SPOOL_DROP_NEWEST && !room && spool_room(s) != 0)) {
        return false; /* a record of it would be the next that finds no room */
    }
    struct gap kept;
    if (!gap_list_take(&s->state.gaps, now, &kept)) {
        return false;
    }
    *g = as_told(s, kept);
    spool_remember(s);
    return true;
}

void spool_lost(struct spool *s, const struct gap *g) {
    const struct gap kept = as_kept(s, *g);
    spool_lose(s, &kept, GAP_NOWHERE, GAP_NOWHERE);
    spool_remember(s);
}

static uint64_t untold_from(const struct spool *s) {
    uint64_t from = s->told > s->state.floor.place ? s->told_from : 0;
    for (unsigned i = 0; i < s->state.gaps.count; i++) {
        const struct gap *g = &s->state.gaps.items[i].gap;
        from = g->run_id == s->state.run_id ? earlier(from, g->from) : from;
    }
    return from;
}

void spool_figures(const struct spool *s, struct spool_figures *f) {
    *f = (struct spool_figures){
        .dropped = s->dropped,
        .set_aside = s->set_aside,
        .oldest_put = oldest_put(s),
        .oldest_unread = put_behind(s, s->read > s->state.floor.place ? s->read : s->state.floor.place),
        .safe_seq = s->state.floor.run_id == s->state.run_id ? s->state.floor.seq : 0,
        .untold_from = untold_from(s),
        .gaps = s->state.gaps.count,
        .trouble = s->trouble ? s->trouble : s->refused_trouble,
    };
    const struct link *head = &s->segments.head;
    for (struct link *l = head->next; l != head; l = l->next) {
        const struct segment *seg = container_of(l, struct segment, in);
        uint64_t handed = seg->handed < seg->records ? seg->handed : seg->records;
        f->waiting += seg->records > seg->gone ? seg->records - seg->gone : 0;
        f->out += handed > seg->gone ? handed - seg->gone : 0;
        f->waiting_bytes += seg->used - segment_offset(seg, s->state.floor.place);
    }
}

/* ---- open and close */

static size_t whole_pages(uint64_t bytes) {
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    return (size_t)bytes & ~(page - 1);
}

static void set_sizes(struct spool *s) {
    uint64_t *max = &s->settings.max_bytes, size = *max / PARTS_LEAST;
    size = size < SEGMENT_LEAST ? SEGMENT_LEAST : size > SEGMENT_USUAL ? SEGMENT_USUAL : size;
    if (*max / PARTS > size) {
        size = *max / PARTS < SEGMENT_BYTES_MAX ? *max / PARTS : SEGMENT_BYTES_MAX;
    }
    s->segment_bytes = whole_pages(size);
    s->memory_bytes = s->segment_bytes < MEMORY_USUAL ? s->segment_bytes : MEMORY_USUAL;
    *max = *max < 2 * size ? 2 * size : *max;
}

static void free_all(struct spool *s) {
    for (struct segment *seg; (seg = spool_first(s)) != NULL;) {
        list_remove(&seg->in);
        segment_dispose(seg);
    }
    for (unsigned i = 0; i < s->spare_count; i++) {
        segment_remove(s->spares[i], s->folder.fd);
    }
    state_file_close(s->file);
    spool_folder_close(&s->folder);
    free(s);
}

static int open_folder(struct spool *s, const char *name, uint64_t wait_ns, char why[SPOOL_WHY_SIZE]) {
    struct spool_state was = {0};
    bool found = false;
    int fd, error = spool_folder_open(&s->folder, s->settings.directory, name, wait_ns, &fd, why);
    if (error) {
        return error;
    }
    error = state_file_open(&s->file, fd, &was, &found);
    if (error) {
        spool_folder_explain(&s->folder, "state", error, why);
        return error;
    }
    error = spool_recover(s, &was, found, why);
    if (error) {
        return error;
    }
    spool_remember(s);
    if (s->settings.sync != SPOOL_SYNC_NEVER) {
        s->folder.changed = true;
        sync_state(s);
    }
    for (struct segment *seg = spool_first(s); seg; seg = spool_following(s, seg)) {
        if (seg->before_changed) {
            segment_seal(seg);
        }
    }
    return 0;
}

void spool_run(struct spool *s, uint64_t run_id) {
    s->state.run_id = run_id;
    spool_remember(s);
}

int spool_open(struct spool **out, const struct spool_settings *settings, const char *name, uint64_t run_id,
               uint64_t wait_ns, char why[SPOOL_WHY_SIZE]) {
    struct spool *s = calloc(1, sizeof *s);
    if (!s) {
        snprintf(why, SPOOL_WHY_SIZE, "%s: no memory for its spool; give the process more", name);
        return -ENOMEM;
    }
    s->settings = *settings;
    s->folder.fd = -1;
    s->state.run_id = run_id;
    list_init(&s->segments);
    set_sizes(s);
    int error = settings->directory ? open_folder(s, name, wait_ns, why) : 0;
    if (error) {
        free_all(s);
        return error;
    }
    seek(s, s->state.floor.place);
    *out = s;
    return 0;
}

/* What is still in memory, and finds no room on the disk, nobody has for the next run. */
static void leave_memory(struct spool *s) {
    if (spool_mend(s)) {
        return;
    }
    bool lost = false; /* the segment in front */
    uint64_t before = 0;
    for (struct segment *seg = spool_first(s), *next; seg; seg = next) {
        bool gone = seg->number == 0;
        next = spool_following(s, seg);
        if (gone) {
            before = lost ? before : seg->before;
            spool_lose_segment(s, seg, GAP_UNDELIVERED);
        } else if (lost) {
            seg->before = before;
            segment_seal(seg);
        }
        lost = gone;
    }
    s->state.last = lost ? before : s->state.last;
}

void spool_close(struct spool *s, bool clean) {
    if (!s) {
        return;
    }
    if (s->file) {
        if (s->in_memory != 0) {
            leave_memory(s);
        }
        if (s->writer) {
            segment_seal(s->writer);
            s->writer = NULL;
        }
        spool_done(s, s->state.floor.place);
        s->state.clean = clean;
        spool_remember(s);
        if (s->settings.sync != SPOOL_SYNC_NEVER) {
            sync_segments(s);
            sync_state(s);
        }
    }
    free_all(s);
}
