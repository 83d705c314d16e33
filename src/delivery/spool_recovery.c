#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "delivery/spool_parts.h"

/* ---- the segments that are there */

/* By their serials; false: there is one of that serial. */
static bool insert(struct spool *s, struct segment *seg) {
    struct link *at = s->segments.head.prev;
    while (at != &s->segments.head && container_of(at, struct segment, in)->start.serial > seg->start.serial) {
        at = at->prev;
    }
    if (at != &s->segments.head && container_of(at, struct segment, in)->start.serial == seg->start.serial) {
        return false;
    }
    seg->in = (struct link){.prev = at, .next = at->next};
    at->next->prev = &seg->in;
    at->next = &seg->in;
    s->count++;
    s->total += seg->size;
    return true;
}

static void take_out(struct spool *s, struct segment *seg) {
    list_remove(&seg->in);
    s->count--;
    s->total -= seg->size;
}

static int load(struct spool *s, unsigned number, char why[SPOOL_WHY_SIZE]) {
    struct segment *seg;
    char name[SEGMENT_NAME_SIZE];
    segment_name(number, name);
    int error = segment_open(&seg, s->folder.fd, number);
    if (error == -ENOENT) {
        return 0;
    }
    if (error == -ENODATA) {
        unlinkat(s->folder.fd, name, 0);
        return 0;
    }
    if (!error && !insert(s, seg)) {
        segment_dispose(seg);
        error = -EBADMSG;
    }
    if (error == -EBADMSG) {
        spool_folder_damaged(&s->folder, number);
        return 0;
    }
    if (error) {
        spool_folder_explain(&s->folder, name, error, why);
    }
    return error;
}

static int load_all(struct spool *s, char why[SPOOL_WHY_SIZE]) {
    unsigned numbers[SPOOL_SEGMENTS_MAX];
    int count = spool_folder_list(&s->folder, numbers, why), error = 0;
    for (int i = 0; i < count && !error; i++) {
        error = load(s, numbers[i], why);
    }
    return count < 0 ? count : error;
}

/* One whose places are not behind those of the one before cannot be of this spool. */
static void remove_misplaced(struct spool *s) {
    uint64_t end = 0;
    for (struct segment *seg = spool_first(s), *next; seg; seg = next) {
        next = spool_following(s, seg);
        if (seg->start.base >= end) {
            end = segment_end(seg);
            continue;
        }
        spool_folder_damaged(&s->folder, seg->number);
        take_out(s, seg);
        segment_dispose(seg);
    }
}

/* ---- how far it is done */

/* The state may be older than the segments after a power cut, and each segment knows how far it was when it was begun. */
static void find_floor(struct spool *s, const struct spool_state *was) {
    s->state.floor = was->floor;
    s->state.put = was->put > was->floor.place ? was->put : was->floor.place;
    s->state.serial = was->serial;
    for (struct segment *seg = spool_first(s); seg; seg = spool_following(s, seg)) {
        if (seg->start.floor.place > s->state.floor.place) {
            s->state.floor = seg->start.floor;
        }
        s->state.put = segment_end(seg) > s->state.put ? segment_end(seg) : s->state.put;
        s->state.serial = seg->start.serial > s->state.serial ? seg->start.serial : s->state.serial;
        if (seg->start.run_id == s->state.run_id && seg->last > s->state.last) {
            s->state.last = seg->last;
        }
    }
    s->state.damaged = was->damaged < s->state.put ? was->damaged : s->state.put;
    if (s->state.floor.run_id == s->state.run_id && s->state.floor.seq > s->state.last) {
        s->state.last = s->state.floor.seq;
    }
    s->cut = was->run_id == s->state.run_id && was->in_memory;
}

/* All but those that are found behind the place. */
static void count_gone(struct spool *s, struct segment *seg) {
    struct stored f;
    uint64_t left = 0;
    for (size_t at = segment_offset(seg, s->state.floor.place); segment_find(seg, at, false, &f); at = f.end) {
        left += !f.refused;
    }
    seg->records = seg->records > left ? seg->records : left;
    seg->gone = seg->records - left;
}

/* Segments that are done with go. */
static void remove_done(struct spool *s) {
    struct segment *seg;
    while ((seg = spool_first(s)) != NULL && segment_end(seg) <= s->state.floor.place) {
        take_out(s, seg);
        segment_remove(seg, s->folder.fd);
    }
    if (seg && seg->start.base < s->state.floor.place) {
        count_gone(s, seg);
    }
}

/* ---- what is lost */

static void lose(struct spool *s, uint64_t run_id, uint64_t from, uint64_t to, enum gap_reason reason) {
    struct gap g = {run_id, from, to, 0, reason};
    spool_lose(s, &g, GAP_NOWHERE, GAP_NOWHERE);
}

/* Each segment knows the last record in front of it. With a gap that was told, it shall find nothing missing there next time. */
static void find_missing(struct spool *s, bool found) {
    const struct spool_floor *floor = &s->state.floor;
    uint64_t run_id = floor->run_id, last = floor->seq;
    bool known = found;
    for (struct segment *seg = spool_first(s); seg; seg = spool_following(s, seg)) {
        last = seg->start.run_id == run_id ? last : 0;
        if (known && seg->start.base >= floor->place && last < seg->before) {
            lose(s, seg->start.run_id, last + 1, seg->before, GAP_SPOOL_DAMAGED);
            seg->before = last;
            seg->before_changed = true; /* to be sealed when the gap is written down */
        }
        run_id = seg->start.run_id;
        last = seg->last;
        known = true;
    }
}

/* From behind all that the run left, and that is told of it already. */
static void killed(struct spool *s, uint64_t run_id, uint64_t last) {
    uint64_t from = last + 1;
    if (run_id == s->state.run_id) {
        return; /* it goes on, and what comes next will show what is lost */
    }
    if (s->state.floor.run_id == run_id && s->state.floor.seq >= from) {
        from = s->state.floor.seq + 1;
    }
    for (unsigned i = 0; i < s->state.gaps.count; i++) {
        const struct gap *g = &s->state.gaps.items[i].gap;
        if (g->run_id == run_id && g->from <= from && g->to >= from) {
            from = g->to + 1;
        }
    }
    lose(s, run_id, from, 0, GAP_KILLED);
}

/* The run came to its end: its last record should be there, or be done. */
static void find_cut(struct spool *s, const struct spool_state *was, uint64_t last) {
    const struct spool_floor *floor = &s->state.floor;
    last = floor->run_id == was->run_id && floor->seq > last ? floor->seq : last;
    if (floor->place < was->put && last < was->last) {
        lose(s, was->run_id, last + 1, was->last, GAP_SPOOL_DAMAGED);
    }
}

struct end {
    uint64_t run_id, last; /* of the last segment */
    uint64_t state_last;   /* last record of the run that the state names */
    bool any;
};

static struct end find_ends(struct spool *s, const struct spool_state *was) {
    struct end e = {0};
    for (struct segment *seg = spool_first(s); seg; seg = spool_following(s, seg)) {
        e.any = true;
        e.run_id = seg->start.run_id;
        e.last = seg->last;
        if (e.run_id == was->run_id) {
            e.state_last = seg->last;
        }
    }
    return e;
}

int spool_recover(struct spool *s, const struct spool_state *was, bool found, char why[SPOOL_WHY_SIZE]) {
    int error = load_all(s, why);
    if (error) {
        return error;
    }
    remove_misplaced(s);
    find_floor(s, was);
    s->state.gaps = was->gaps;
    struct end end = find_ends(s, was);
    find_missing(s, found);
    remove_done(s);
    if (found && was->clean) {
        find_cut(s, was, end.state_last);
    } else if (found) {
        killed(s, was->run_id, end.state_last);
    }
    if (end.any && (!found || end.run_id != was->run_id)) {
        killed(s, end.run_id, end.last);
    }
    return 0;
}
