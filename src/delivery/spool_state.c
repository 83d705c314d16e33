#include "delivery/spool_state.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/crc32c.h"

enum { FORMAT = 1, SLOT = 4096, BYTES = 2 * SLOT, CLEAN = 1, IN_MEMORY = 2 };
#define MAGIC UINT64_C(0x0065746174736d73) /* "smstate" */

struct slot_gap {
    uint64_t run_id, from, to, count, reason;
};

struct slot {
    uint64_t magic;
    uint32_t format, crc; /* crc: of what follows */
    uint64_t counter, run_id;
    struct spool_floor floor;
    uint64_t put, damaged, serial, last;
    uint32_t flags, gap_count; /* flags: CLEAN, IN_MEMORY */
    struct slot_gap gaps[GAP_LIST_MAX];
};
_Static_assert(sizeof(struct slot) <= SLOT, "a slot is a page, which a disk writes or does not");

struct state_file {
    int fd;
    uint8_t *bytes;
    uint64_t counter;
    bool dirty;
};

static uint32_t slot_crc(const struct slot *s) {
    size_t from = offsetof(struct slot, counter);
    return crc32c(0, &s->counter, offsetof(struct slot, gaps) - from + s->gap_count * sizeof s->gaps[0]);
}

static bool good(const struct slot *s) {
    return s->magic == MAGIC && s->format == FORMAT && s->gap_count <= GAP_LIST_MAX && s->crc == slot_crc(s) &&
           s->counter < SEGMENT_PLACES && s->floor.place < SEGMENT_PLACES && s->put < SEGMENT_PLACES &&
           s->serial < SEGMENT_PLACES;
}

static void unpack(const struct slot *s, struct spool_state *to) {
    *to = (struct spool_state){
        .run_id = s->run_id,
        .floor = s->floor,
        .put = s->put,
        .damaged = s->damaged,
        .serial = s->serial,
        .last = s->last,
        .in_memory = s->flags & IN_MEMORY,
        .clean = s->flags & CLEAN,
    };
    for (unsigned i = 0; i < s->gap_count; i++) {
        const struct slot_gap *g = &s->gaps[i];
        if (g->reason < GAP_REASONS) {
            to->gaps.items[to->gaps.count++] = (struct listed_gap){
                .gap = {g->run_id, g->from, g->to, g->count, (enum gap_reason)g->reason},
                .end = GAP_NOWHERE,
            };
        }
    }
}

static bool read_slots(struct state_file *f, struct spool_state *was) {
    struct slot slots[2];
    int best = -1;
    for (int i = 0; i < 2; i++) {
        memcpy(&slots[i], f->bytes + i * SLOT, sizeof slots[i]);
        if (good(&slots[i]) && slots[i].counter % 2 == (unsigned)i &&
            (best < 0 || slots[i].counter > slots[best].counter)) {
            best = i;
        }
    }
    if (best < 0) {
        return false;
    }
    unpack(&slots[best], was);
    f->counter = slots[best].counter;
    return true;
}

static int map_file(struct state_file *f) {
    struct rlimit limit;
    if (getrlimit(RLIMIT_FSIZE, &limit) == 0 && limit.rlim_cur < BYTES) {
        return -EFBIG;
    }
    int error = posix_fallocate(f->fd, 0, BYTES);
    if (error != 0) {
        return -error;
    }
    f->bytes = mmap(NULL, BYTES, PROT_READ | PROT_WRITE, MAP_SHARED, f->fd, 0);
    if (f->bytes == MAP_FAILED) {
        f->bytes = NULL;
        return -errno;
    }
    return 0;
}

int state_file_open(struct state_file **out, int fd, struct spool_state *was, bool *found) {
    struct state_file *f = calloc(1, sizeof *f);
    if (!f) {
        close(fd);
        return -ENOMEM;
    }
    f->fd = fd;
    int error = map_file(f);
    if (error) {
        state_file_close(f);
        return error;
    }
    *found = read_slots(f, was);
    *out = f;
    return 0;
}

void state_file_write(struct state_file *f, const struct spool_state *s) {
    struct slot slot = {
        .magic = MAGIC,
        .format = FORMAT,
        .counter = ++f->counter,
        .run_id = s->run_id,
        .floor = s->floor,
        .put = s->put,
        .damaged = s->damaged,
        .serial = s->serial,
        .last = s->last,
        .flags = (s->clean ? CLEAN : 0) | (s->in_memory ? IN_MEMORY : 0),
        .gap_count = s->gaps.count,
    };
    for (unsigned i = 0; i < s->gaps.count; i++) {
        const struct gap *g = &s->gaps.items[i].gap;
        slot.gaps[i] = (struct slot_gap){g->run_id, g->from, g->to, g->count, g->reason};
    }
    slot.crc = slot_crc(&slot);
    memcpy(f->bytes + f->counter % 2 * SLOT, &slot, offsetof(struct slot, gaps) + s->gaps.count * sizeof slot.gaps[0]);
    f->dirty = true;
}

int state_file_sync(struct state_file *f) {
    if (f->dirty && msync(f->bytes, BYTES, MS_SYNC) != 0) {
        return -errno;
    }
    f->dirty = false;
    return 0;
}

void state_file_close(struct state_file *f) {
    if (!f) {
        return;
    }
    if (f->bytes) {
        munmap(f->bytes, BYTES);
    }
    close(f->fd);
    free(f);
}
