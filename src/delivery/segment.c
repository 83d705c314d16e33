#include "delivery/segment.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/crc32c.h"
#include "event.h"
#include "operation.h"
#include "record.h"

/* A damaged number of a format is not that of another one. */
#define FORMAT_CODE(n) ((uint32_t)(n) | (uint32_t) ~(n) << 16)
enum { FORMAT = 1, MARK_BITS = 24, LAST_NUMBER = 999999999 };
#define MAGIC UINT64_C(0x006c6f6f70736d73) /* "smspool" */
/* No byte of a text is like its highest byte. */
#define MARK UINT32_C(0xA5000000)
#define MARK_REFUSED UINT32_C(0x40000000)

struct header {
    uint64_t magic;
    uint32_t format, crc; /* format: its code; crc: of what follows */
    struct segment_start start;
};

struct seal {
    uint32_t crc, zero; /* crc: of the header's, and what follows */
    uint64_t used, last, records, before;
};

enum { SEAL_AT = sizeof(struct header) };
_Static_assert(SEAL_AT + sizeof(struct seal) <= SEGMENT_HEADER, "both fit");

struct frame_head {
    uint32_t mark, crc; /* crc: of the header's, and what follows up to the end of the text */
    uint64_t seq, put_ns;
    uint16_t length;
    uint8_t object, action, operation, severity, has_gap, zero;
};

struct frame_gap {
    uint64_t run_id, from, to, count, reason;
};

enum { CRC_FROM = offsetof(struct frame_head, seq) };
_Static_assert(sizeof(struct frame_head) + sizeof(struct frame_gap) + RECORD_MAX <= SEGMENT_LARGEST,
               "the largest record fits");

static size_t aligned(size_t n) {
    return (n + 7) & ~(size_t)7;
}

/* ---- files and memory */

void segment_name(unsigned number, char to[SEGMENT_NAME_SIZE]) {
    snprintf(to, SEGMENT_NAME_SIZE, "segment-%u", number);
}

unsigned segment_number(const char *name) {
    char again[SEGMENT_NAME_SIZE];
    unsigned number = 0;
    if (sscanf(name, "segment-%9u", &number) != 1 || number == 0 || number > LAST_NUMBER) {
        return 0;
    }
    segment_name(number, again);
    return strcmp(again, name) == 0 ? number : 0;
}

static int map_segment(struct segment **out, int fd, size_t size, unsigned number) {
    struct segment *s = calloc(1, sizeof *s);
    if (!s) {
        return -ENOMEM;
    }
    int flags = fd >= 0 ? MAP_SHARED : MAP_PRIVATE | MAP_ANONYMOUS;
    void *bytes = mmap(NULL, size, PROT_READ | PROT_WRITE, flags, fd, 0);
    if (bytes == MAP_FAILED) {
        int error = -errno;
        free(s);
        return error;
    }
    *s =
        (struct segment){.bytes = bytes, .size = size, .number = number, .used = SEGMENT_HEADER, .end = SEGMENT_HEADER};
    *out = s;
    return 0;
}

/* All of it: a hole would be a fault, and not an error, once the disk is full. Beyond the limit there would be a signal. */
static int allocate(int fd, size_t size) {
    struct rlimit limit;
    if (getrlimit(RLIMIT_FSIZE, &limit) == 0 && limit.rlim_cur != RLIM_INFINITY && limit.rlim_cur < size) {
        return -EFBIG;
    }
    int error;
    do {
        error = posix_fallocate(fd, 0, (off_t)size);
    } while (error == EINTR);
    return -error;
}

int segment_new_file(struct segment **out, int folder, unsigned number, size_t size) {
    char name[SEGMENT_NAME_SIZE];
    segment_name(number, name);
    int fd = openat(folder, name, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (fd < 0) {
        return -errno;
    }
    int error = allocate(fd, size);
    error = error ? error : map_segment(out, fd, size, number);
    close(fd);
    if (error) {
        unlinkat(folder, name, 0);
    }
    return error;
}

int segment_new_memory(struct segment **out, size_t size) {
    return map_segment(out, -1, size, 0);
}

void segment_dispose(struct segment *s) {
    if (s) {
        munmap(s->bytes, s->size);
        free(s);
    }
}

void segment_remove(struct segment *s, int folder) {
    char name[SEGMENT_NAME_SIZE];
    if (s && s->number) {
        segment_name(s->number, name);
        unlinkat(folder, name, 0);
    }
    segment_dispose(s);
}

int segment_persist(struct segment *s, int folder, unsigned number) {
    struct segment *file;
    int error = segment_new_file(&file, folder, number, s->size);
    if (error) {
        return error;
    }
    memcpy(file->bytes + SEAL_AT, s->bytes + SEAL_AT, s->used - SEAL_AT);
    memcpy(file->bytes, s->bytes, SEAL_AT);
    munmap(s->bytes, s->size);
    s->bytes = file->bytes;
    s->number = number;
    s->synced = 0;
    free(file);
    return 0;
}

int segment_sync(struct segment *s) {
    size_t page = (size_t)sysconf(_SC_PAGESIZE), from = s->synced & ~(page - 1);
    if (s->number == 0 || s->synced >= s->used) {
        return 0;
    }
    int error = msync(s->bytes + from, s->used - from, MS_SYNC) == 0 ? 0 : -errno;
    s->synced = error ? s->synced : s->used;
    return error;
}

/* ---- header and seal */

static uint32_t header_crc(const struct header *h) {
    return crc32c(0, &h->start, sizeof h->start);
}

static uint32_t seal_crc(const struct segment *s, const struct seal *seal) {
    return crc32c(s->crc, &seal->used, sizeof *seal - offsetof(struct seal, used));
}

void segment_void(struct segment *s) {
    memset(s->bytes, 0, SEGMENT_HEADER);
}

void segment_begin(struct segment *s, const struct segment_start *start) {
    struct header h = {.magic = MAGIC, .format = FORMAT_CODE(FORMAT), .start = *start};
    h.crc = header_crc(&h);
    segment_void(s);
    memcpy(s->bytes + sizeof h.magic, &h.format, sizeof h - sizeof h.magic);
    atomic_signal_fence(memory_order_seq_cst); /* without its magic it is not in use, whenever this process is killed */
    memcpy(s->bytes, &h.magic, sizeof h.magic);
    s->start = *start;
    s->before = start->before;
    s->crc = h.crc;
    s->used = s->end = SEGMENT_HEADER;
    s->synced = 0;
    s->last = s->records = s->gone = s->handed = 0;
    s->doubtful = s->before_changed = s->recounted = false;
}

void segment_seal(struct segment *s) {
    struct seal seal = {.used = s->end, .last = s->last, .records = s->records, .before = s->before};
    seal.crc = seal_crc(s, &seal);
    memcpy(s->bytes + SEAL_AT, &seal, sizeof seal);
    s->synced = s->number && s->synced > SEAL_AT ? SEAL_AT : s->synced;
    s->before_changed = false;
}

/* ---- frames */

static uint32_t mark_of(const struct segment *s) {
    return MARK | (s->start.serial & ((1u << MARK_BITS) - 1));
}

size_t segment_cost(const struct line *l) {
    return aligned(sizeof(struct frame_head) + (l->gap ? sizeof(struct frame_gap) : 0) + l->length);
}

void segment_append(struct segment *s, const struct line *l, const struct gap *gap, uint64_t put_ns) {
    struct frame_head h = {
        .mark = mark_of(s),
        .seq = l->seq,
        .put_ns = put_ns,
        .length = l->length,
        .object = l->object,
        .action = l->action,
        .operation = l->operation,
        .severity = l->severity,
        .has_gap = gap != NULL,
    };
    uint8_t *frame = s->bytes + s->used;
    size_t n = sizeof h;
    if (gap) {
        struct frame_gap g = {gap->run_id, gap->from, gap->to, gap->count, gap->reason};
        memcpy(frame + n, &g, sizeof g);
        n += sizeof g;
    }
    memcpy(frame + n, l->text, l->length);
    n += l->length;
    size_t end = aligned(n);
    assert(l->length <= RECORD_MAX && s->used + end <= s->size);
    memset(frame + n, 0, end - n);
    memcpy(frame + CRC_FROM, &h.seq, sizeof h - CRC_FROM);
    h.crc = crc32c(s->crc, frame + CRC_FROM, n - CRC_FROM);
    memcpy(frame, &h, CRC_FROM);
    s->end = s->used += end;
    s->last = l->seq;
    s->records++;
}

void segment_refuse(struct segment *s, const struct stored *f) {
    uint32_t mark = mark_of(s) | MARK_REFUSED;
    memcpy(s->bytes + f->at, &mark, sizeof mark);
    s->synced = s->synced > f->at ? f->at : s->synced;
}

static bool read_gap(const uint8_t *p, struct gap *to) {
    struct frame_gap g;
    memcpy(&g, p, sizeof g);
    if (g.reason >= GAP_REASONS) {
        return false;
    }
    *to = (struct gap){g.run_id, g.from, g.to, g.count, (enum gap_reason)g.reason};
    return true;
}

/* Numbers that others use to look something up. */
static bool plausible(const struct frame_head *h) {
    return h->object <= OBJECT_SENSOR && h->action <= ACTION_STOP && h->severity < LINE_SEVERITIES;
}

static bool read_frame(const struct segment *s, size_t at, bool verify, struct stored *to) {
    struct frame_head h;
    if (s->used - at < sizeof h) {
        return false;
    }
    const uint8_t *frame = s->bytes + at;
    memcpy(&h, frame, sizeof h);
    if ((h.mark & ~MARK_REFUSED) != mark_of(s) || h.length > RECORD_MAX || h.has_gap > 1) {
        return false;
    }
    size_t text_at = sizeof h + (h.has_gap ? sizeof(struct frame_gap) : 0), n = text_at + h.length;
    if (aligned(n) > s->used - at || (verify && crc32c(s->crc, frame + CRC_FROM, n - CRC_FROM) != h.crc) ||
        !plausible(&h)) {
        return false;
    }
    *to = (struct stored){
        .at = at,
        .end = at + aligned(n),
        .put_ns = h.put_ns,
        .line = {.text = (const char *)frame + text_at,
                 .length = h.length,
                 .object = h.object,
                 .action = h.action,
                 .operation = h.operation < OPERATION_KINDS ? h.operation : OPERATION_KINDS,
                 .severity = h.severity,
                 .seq = h.seq},
        .has_gap = h.has_gap,
        .refused = (h.mark & MARK_REFUSED) != 0,
    };
    return !h.has_gap || read_gap(frame + sizeof h, &to->gap);
}

bool segment_find(const struct segment *s, size_t at, bool verify, struct stored *to) {
    for (at = aligned(at); at < s->used; at += 8) {
        if (read_frame(s, at, verify || s->doubtful, to)) {
            return true;
        }
    }
    return false;
}

/* ---- those of an earlier process */

/* Past the last good frame there may be more of it that is not good; nobody knows. */
static void find_end(struct segment *s) {
    struct stored f;
    size_t end = SEGMENT_HEADER;
    s->used = s->size & ~(size_t)7;
    while (segment_find(s, end, true, &f)) {
        end = f.end;
        s->last = f.line.seq;
        s->records += !f.refused;
    }
    s->used = s->end = end;
}

static void cut(struct segment *s, int fd) {
    size_t page = (size_t)sysconf(_SC_PAGESIZE), size = (s->used + page - 1) & ~(page - 1);
    if (size < s->size && ftruncate(fd, (off_t)size) == 0 && mremap(s->bytes, s->size, size, 0) != MAP_FAILED) {
        s->size = size;
    }
}

static int read_header(struct segment *s) {
    struct header h;
    memcpy(&h, s->bytes, sizeof h);
    if (h.magic == 0) {
        return -ENODATA;
    }
    if (h.magic == MAGIC && h.format != FORMAT_CODE(FORMAT)) {
        return h.format == FORMAT_CODE(h.format & 0xFFFF) ? -EPROTO : -EBADMSG;
    }
    if (h.magic != MAGIC || h.crc != header_crc(&h) || h.start.base >= SEGMENT_PLACES || h.start.serial == 0 ||
        h.start.serial >= SEGMENT_PLACES || h.start.floor.place > h.start.base) {
        return -EBADMSG;
    }
    s->start = h.start;
    s->before = h.start.before;
    s->crc = h.crc;
    s->doubtful = true;
    return 0;
}

static void read_seal(struct segment *s, int fd) {
    struct seal seal;
    memcpy(&seal, s->bytes + SEAL_AT, sizeof seal);
    size_t size = s->size & ~(size_t)7;
    if (seal.crc == seal_crc(s, &seal) && seal.used >= SEGMENT_HEADER && seal.used <= SEGMENT_BYTES_MAX &&
        seal.used % 8 == 0 && seal.records <= seal.used / sizeof(struct frame_head)) {
        s->end = (size_t)seal.used;
        s->used = s->end < size ? s->end : size;
        s->last = seal.last;
        s->records = seal.records;
        s->before = seal.before;
    } else {
        find_end(s);
        segment_seal(s);
    }
    cut(s, fd);
}

static int open_descriptor(struct segment **out, int fd, unsigned number) {
    struct stat status;
    if (fstat(fd, &status) != 0) {
        return -errno;
    }
    if (!S_ISREG(status.st_mode) || status.st_size > SEGMENT_BYTES_MAX) {
        return -EBADMSG;
    }
    if (status.st_size < SEGMENT_HEADER) {
        return -ENODATA;
    }
    struct segment *s = NULL;
    int error = map_segment(&s, fd, (size_t)status.st_size, number);
    error = error ? error : read_header(s);
    if (error) {
        segment_dispose(s);
        return error;
    }
    read_seal(s, fd);
    *out = s;
    return 0;
}

int segment_open(struct segment **out, int folder, unsigned number) {
    char name[SEGMENT_NAME_SIZE];
    segment_name(number, name);
    int fd = openat(folder, name, O_RDWR | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
    if (fd < 0) {
        return errno == ELOOP || errno == EISDIR || errno == ENXIO ? -EBADMSG : -errno;
    }
    int error = open_descriptor(out, fd, number);
    close(fd);
    return error;
}
