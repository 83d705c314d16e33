/* What the sources of the spool share. */
#ifndef SPOOL_PARTS_H
#define SPOOL_PARTS_H

#include "delivery/gap_list.h"
#include "delivery/segment.h"
#include "delivery/spool.h"
#include "delivery/spool_folder.h"
#include "delivery/spool_state.h"

enum {
    SPOOL_MEMORY_MAX = 16 << 20, /* bytes of segments in memory while the disk is full or fails */
    SPOOL_SPARES = 2,            /* segments that lie ready */
    SPOOL_RETRY_NS = 1000000000, /* the disk is tried again */
};

struct spool {
    struct spool_settings settings;
    struct spool_folder folder;
    struct state_file *file; /* NULL: memory alone */
    struct spool_state state;
    bool cut; /* an earlier process of this run lost what it had in memory */

    struct list segments; /* those with records that are not done; the writer is the last one */
    struct segment *writer, *spares[SPOOL_SPARES];
    unsigned spare_count, count;        /* count: all of them */
    uint64_t total, in_memory;          /* bytes: of all; in memory for want of a disk */
    size_t segment_bytes, memory_bytes; /* of a new one; in memory for want of a disk */

    struct segment *reading;  /* NULL: the first that has something behind read */
    uint64_t read, read_from; /* places: where to go on; where the last one began that was handed out */
    uint64_t read_seq;        /* of the last record that was read in reading */
    struct gap handed;        /* of the parcel */
    uint64_t told,
        told_from; /* place up to which records wait that tell of losses; the first one that is lost, of this run */
    uint64_t refused_to; /* place: where the last one ended that was set aside */

    uint64_t dropped, set_aside;
    uint64_t now;                 /* as it was told last */
    uint64_t dirty_since, synced; /* synced: place up to which all is on the disk */
    uint64_t tried;               /* the disk, when it failed last */
    int trouble, refused_trouble;
};

/* ---- spool_recovery.c: segments and gaps of earlier runs. was: their state, where found. */
__attribute__((warn_unused_result)) int spool_recover(struct spool *, const struct spool_state *was, bool found,
                                                      char why[SPOOL_WHY_SIZE]);

/* ---- spool_room.c: segments come and go */

/* A new segment to write to; where the policy is to drop the oldest, at the cost of that. -EAGAIN: there is none. */
__attribute__((warn_unused_result)) int spool_room(struct spool *);
/* It is done with. */
void spool_release(struct spool *, struct segment *);
/* Its records that are not done are lost, and it goes. */
void spool_lose_segment(struct spool *, struct segment *, enum gap_reason);
/* Tries to bring to the disk what is in memory; true: nothing is left there. */
bool spool_mend(struct spool *);

/* ---- spool.c */

void spool_lose(struct spool *, const struct gap *, uint64_t start, uint64_t end);
/* Damage that ends at a place: records behind that with the number after and in front of the one with the number before are lost. */
void spool_damage(struct spool *, const struct segment *, uint64_t end, uint64_t after, uint64_t before);
/* Writes the state down. */
void spool_remember(struct spool *);
/* The number of the last record in front of a segment's records that are not done. */
uint64_t spool_before(const struct spool *, const struct segment *);

static inline struct segment *spool_first(struct spool *s) {
    struct link *l = list_first(&s->segments);
    return l ? container_of(l, struct segment, in) : NULL;
}

static inline struct segment *spool_following(struct spool *s, struct segment *of) {
    struct link *l = list_next(&s->segments, &of->in);
    return l ? container_of(l, struct segment, in) : NULL;
}

#endif
