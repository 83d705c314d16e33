/* A stretch of a spool: records one behind the other in memory that is mapped, from a file or from nowhere. What is written is there for
 * the next process as soon as segment_append returned, whatever becomes of this one.
 *
 *   header   128 bytes: what it is, and, once it is full, a seal: how far it goes
 *   frame    32 bytes, a struct gap where the record has one, the text, zeros up to a multiple of 8
 *   frame    ...
 *
 * Each part has a CRC-32C. Those of the frames begin with the header's, and each has the number of its segment besides: what a file that
 * is used again still holds of its earlier use is never taken for something new. Numbers are in the machine's order of bytes.
 *
 * Places (spool.h) are those of the frames' bytes, from base on. */
#ifndef SEGMENT_H
#define SEGMENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/list.h"
#include "gap.h"
#include "sink.h"

enum {
    SEGMENT_HEADER = 128,
    SEGMENT_BYTES_MAX = 1 << 30,
    SEGMENT_WHY_SIZE = 256,
};
/* Larger than every place and every number of a segment. */
#define SEGMENT_PLACES (UINT64_C(1) << 62)

/* Up to where all records are done with: the place, and the last of these records. */
struct spool_floor {
    uint64_t place, run_id, seq;
};

/* What is known of a segment when it is begun. */
struct segment_start {
    uint64_t serial; /* they are in its order */
    uint64_t run_id; /* of all its records */
    uint64_t base;   /* the place where its first frame begins */
    uint64_t before; /* seq of the record of that run that was put before it; 0: none was */
    struct spool_floor floor;
};

struct segment {
    struct link in; /* the list of its spool, oldest first */
    uint8_t *bytes;
    size_t size, used; /* used: where its last frame ends */
    size_t end;        /* where it ended before its file was cut; else used */
    size_t synced;     /* up to here it is on the disk */
    struct segment_start start;
    uint32_t crc;           /* of its header, with which the frames' begin */
    uint64_t before;        /* as start.before, but what is lost in front of it and told counts as put */
    uint64_t last, records; /* seq of the last record; records it holds, or should; without those that are refused */
    uint64_t gone;          /* of these, that are done with */
    uint64_t handed;     /* records of it that were handed out, since the last rewind; those that are gone, at least */
    unsigned number;     /* of its file; 0: it has none */
    bool before_changed; /* since it was sealed */
    bool recounted;      /* records is what can be read */
    bool doubtful;       /* written by another process, or found damaged: the CRC is looked at each time */
};

struct stored {
    size_t at, end; /* offsets in its segment */
    uint64_t put_ns;
    struct line line; /* its text is in the segment; its gap is NULL */
    struct gap gap;
    bool has_gap, refused;
};

/* A file of that number in the folder, all of it allocated; or memory alone. A negative errno: there is none, and nothing is left of it. */
__attribute__((warn_unused_result)) int segment_new_file(struct segment **, int folder, unsigned number, size_t size);
__attribute__((warn_unused_result)) int segment_new_memory(struct segment **, size_t size);
/* The file of that number as it is found. -ENODATA: it is not in use. -EBADMSG: it is damaged, or is something else. -EPROTO: it has another
 * format. Where it was not sealed, it is now; and it is cut to what it holds. */
__attribute__((warn_unused_result)) int segment_open(struct segment **, int folder, unsigned number);
/* The name of a file: segment-NUMBER. */
enum { SEGMENT_NAME_SIZE = 24 };
void segment_name(unsigned number, char to[SEGMENT_NAME_SIZE]);
/* 0: it is no name of one. */
unsigned segment_number(const char *name);

/* Begins it anew. */
void segment_begin(struct segment *, const struct segment_start *);
/* Nobody shall find anything in it. */
void segment_void(struct segment *);
/* No more comes; or before is another. */
void segment_seal(struct segment *);

/* Bytes that a record takes. */
size_t segment_cost(const struct line *);
enum { SEGMENT_LARGEST = 4096 }; /* at most */
/* There must be room. gap: what the record tells, NULL: nothing. */
void segment_append(struct segment *, const struct line *, const struct gap *, uint64_t put_ns);

/* The first good frame at this offset or behind it; false: there is none. */
bool segment_find(const struct segment *, size_t at, bool verify, struct stored *);
/* This record is refused for ever. */
void segment_refuse(struct segment *, const struct stored *);

/* Writes to the disk what is not there yet; 0 or a negative errno. */
int segment_sync(struct segment *);
/* From memory into a file of that number. */
__attribute__((warn_unused_result)) int segment_persist(struct segment *, int folder, unsigned number);
/* Gives the memory back; segment_remove its file as well. Both take NULL. */
void segment_dispose(struct segment *);
void segment_remove(struct segment *, int folder);

static inline uint64_t segment_place(const struct segment *s, size_t at) {
    return s->start.base + (at - SEGMENT_HEADER);
}

static inline uint64_t segment_end(const struct segment *s) {
    return segment_place(s, s->end);
}

/* The offset of a place, or the nearest that there is. */
static inline size_t segment_offset(const struct segment *s, uint64_t place) {
    if (place <= s->start.base) {
        return SEGMENT_HEADER;
    }
    uint64_t at = SEGMENT_HEADER + (place - s->start.base);
    return at < s->used ? (size_t)at : s->used;
}

#endif
