#include <errno.h>

#include "delivery/spool_parts.h"

static void count_in(struct spool *s, const struct segment *seg) {
    s->count++;
    s->total += seg->size;
    s->in_memory += s->file && seg->number == 0 ? seg->size : 0;
    s->state.in_memory = s->in_memory != 0;
}

static void count_out(struct spool *s, const struct segment *seg) {
    s->count--;
    s->total -= seg->size;
    s->in_memory -= s->file && seg->number == 0 ? seg->size : 0;
    s->state.in_memory = s->in_memory != 0;
}

/* Else after a power cut the state may not know yet that its records were done, and take them for lost. */
static void remove_segment(struct spool *s, struct segment *seg) {
    if (s->file && seg->number != 0 && s->settings.sync != SPOOL_SYNC_NEVER) {
        spool_remember(s);
        (void)state_file_sync(s->file); /* it fails again when it is synced next */
    }
    s->tried = seg->number != 0 ? 0 : s->tried; /* the disk has room again */
    count_out(s, seg);
    segment_remove(seg, s->folder.fd);
}

static void take_out(struct spool *s, struct segment *seg) {
    if (s->reading == seg) {
        s->reading = NULL;
    }
    if (s->writer == seg) {
        s->writer = NULL;
    }
    list_remove(&seg->in);
}

void spool_release(struct spool *s, struct segment *seg) {
    take_out(s, seg);
    bool usual = seg->size == s->segment_bytes && (!s->file || seg->number != 0);
    if (!usual || s->spare_count == SPOOL_SPARES) {
        remove_segment(s, seg);
        return;
    }
    s->spares[s->spare_count++] = seg;
}

/* ---- what is lost with a segment */

/* Records that are not done: what they are as a gap. Gaps that they tell have to be told again. */
static struct gap losses(struct spool *s, const struct segment *seg, enum gap_reason reason) {
    struct gap lost = {.run_id = seg->start.run_id, .reason = reason};
    struct stored f;
    size_t at = segment_offset(seg, s->state.floor.place);
    uint64_t last = spool_before(s, seg), first = last + 1;
    bool damaged = false;
    while (segment_find(seg, at, false, &f)) {
        damaged |= f.at != at;
        at = f.end;
        last = f.line.seq;
        if (f.refused) {
            continue;
        }
        if (f.has_gap) {
            gap_list_add(&s->state.gaps, &f.gap, GAP_NOWHERE, GAP_NOWHERE, s->now);
        }
        lost.from = lost.count == 0 ? last : lost.from;
        lost.to = last;
        lost.count++;
    }
    s->dropped += seg->records > seg->gone ? seg->records - seg->gone : 0;
    if (last < seg->last || damaged) {
        lost.from = first;
        lost.to = seg->last > last ? seg->last : last;
        lost.count = 0;
    }
    return lost;
}

void spool_lose_segment(struct spool *s, struct segment *seg, enum gap_reason reason) {
    struct gap lost = losses(s, seg, reason);
    uint64_t end = segment_end(seg);
    bool oldest = seg == spool_first(s);
    if (lost.to != 0) {
        spool_lose(s, &lost, oldest ? s->state.floor.place : seg->start.base, end);
    }
    if (oldest) {
        uint64_t before = spool_before(s, seg);
        s->state.floor = (struct spool_floor){end, seg->start.run_id, seg->last > before ? seg->last : before};
        s->read = s->read < end ? end : s->read;
        s->read_from = s->read_from < end ? end : s->read_from;
    }
    spool_remember(s);
    spool_release(s, seg);
}

/* ---- new ones */

static bool may_try_disk(const struct spool *s) {
    return !s->trouble || s->tried == 0 || s->now >= s->tried + SPOOL_RETRY_NS;
}

static struct segment *on_disk(struct spool *s) {
    struct segment *seg;
    int error = segment_new_file(&seg, s->folder.fd, spool_folder_number(&s->folder), s->segment_bytes);
    if (error) {
        s->trouble = error;
        s->tried = s->now;
        return NULL;
    }
    return seg;
}

static struct segment *in_memory(struct spool *s, size_t size) {
    struct segment *seg;
    if (s->file && s->in_memory + size > SPOOL_MEMORY_MAX) {
        return NULL;
    }
    return segment_new_memory(&seg, size) == 0 ? seg : NULL;
}

/* What it held is done; after a power cut the disk shall not have new records in it and not know that. */
static struct segment *take_spare(struct spool *s) {
    struct segment *seg = s->spares[--s->spare_count];
    if (s->file && seg->number != 0 && s->settings.sync != SPOOL_SYNC_NEVER) {
        (void)state_file_sync(s->file); /* it fails again when it is synced next */
    }
    return seg;
}

static struct segment *make(struct spool *s) {
    struct segment *seg = NULL;
    uint64_t room = s->settings.max_bytes > s->total ? s->settings.max_bytes - s->total : 0;
    if (s->spare_count != 0) {
        return take_spare(s);
    }
    if (s->count >= SPOOL_SEGMENTS_MAX || room < s->segment_bytes) {
        return NULL;
    }
    if (!s->file) {
        seg = in_memory(s, s->segment_bytes);
    } else if (may_try_disk(s)) {
        seg = on_disk(s);
    }
    if (!seg && s->file) {
        seg = in_memory(s, s->memory_bytes);
    }
    if (seg) {
        count_in(s, seg);
    }
    return seg;
}

static void begin(struct spool *s, struct segment *seg) {
    struct segment_start start = {
        .serial = ++s->state.serial,
        .run_id = s->state.run_id,
        .base = s->state.put,
        .before = s->state.last,
        .floor = s->state.floor,
    };
    if (s->writer) {
        segment_seal(s->writer);
    }
    segment_begin(seg, &start);
    list_append(&s->segments, &seg->in);
    s->writer = seg;
    spool_remember(s);
}

int spool_room(struct spool *s) {
    struct segment *seg;
    while (!(seg = make(s))) {
        struct segment *oldest = spool_first(s);
        if (s->settings.policy != SPOOL_DROP_OLDEST || !oldest) {
            return -EAGAIN;
        }
        spool_lose_segment(s, oldest, GAP_SPOOL_FULL);
    }
    begin(s, seg);
    return 0;
}

/* ---- a disk that failed */

static int persist(struct spool *s, struct segment *seg) {
    int error = segment_persist(seg, s->folder.fd, spool_folder_number(&s->folder));
    s->in_memory -= error ? 0 : seg->size;
    s->state.in_memory = s->in_memory != 0;
    s->synced = seg->start.base < s->synced ? seg->start.base : s->synced;
    return error;
}

/* Where nothing is in memory, a spare one shows whether the disk is well. */
static int probe(struct spool *s) {
    if (s->spare_count != 0 || s->total + s->segment_bytes > s->settings.max_bytes) {
        return 0;
    }
    struct segment *seg = on_disk(s);
    if (!seg) {
        return s->trouble;
    }
    count_in(s, seg);
    s->spares[s->spare_count++] = seg;
    return 0;
}

bool spool_mend(struct spool *s) {
    int error = spool_folder_gone(&s->folder) ? -ENOENT : 0;
    bool any = false;
    for (struct segment *seg = spool_first(s); seg && !error; seg = spool_following(s, seg)) {
        if (seg->number == 0) {
            any = true;
            error = persist(s, seg);
        }
    }
    error = error || any ? error : probe(s);
    s->trouble = error;
    s->tried = s->now;
    spool_remember(s);
    return !error;
}
