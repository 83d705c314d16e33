/* The spool on a folder that holds anything: the input is the files of one, as a crash, a disk or somebody may have left them.
 *
 *   how      a byte: policy of the first opening (bits 0, 1), and whether the checksums are made right, so that what lies behind them is
 *            reached (bit 2)
 *   file     a byte: 0 and 1 the slots of the state, others a segment's number; two bytes: its length; its content
 *   ...
 *
 * Whatever it was, the spool opens or refuses in one line, gives out records that keep to their bounds, and what is put then is there in
 * the next run, in order. */
#include <assert.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/crc32c.h"
#include "delivery/spool_parts.h"
#include "operation.h"
#include "record.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { RUN = 3, RECORDS = 40, SLOT = 4096, SEAL_AT = 72, FRAME_HEAD = 32, GAP_BYTES = 40, SLOT_GAPS_AT = 96 };

static char folder[64];

/* ---- right checksums, where the input has none */

static uint32_t u32(const uint8_t *p) {
    uint32_t value;
    memcpy(&value, p, sizeof value);
    return value;
}

static void set(uint8_t *p, uint32_t value) {
    memcpy(p, &value, sizeof value);
}

static void repair_segment(uint8_t *p, size_t n) {
    if (n < SEGMENT_HEADER) {
        return;
    }
    uint32_t crc = crc32c(0, p + 16, SEAL_AT - 16), mark = 0xA5000000 | (u32(p + 16) & 0xFFFFFF);
    set(p + 12, crc);
    set(p + SEAL_AT, crc32c(crc, p + SEAL_AT + 8, 32));
    for (size_t at = SEGMENT_HEADER; n - at > FRAME_HEAD;) {
        size_t length = p[at + 24] | (size_t)p[at + 25] << 8;
        size_t frame = FRAME_HEAD + (p[at + 30] == 1 ? (size_t)GAP_BYTES : 0) + length;
        if (frame > n - at) {
            return;
        }
        set(p + at, mark | (u32(p + at) & 0x40000000));
        set(p + at + 4, crc32c(crc, p + at + 8, frame - 8));
        at += (frame + 7) & ~(size_t)7;
        if (at > n) {
            return;
        }
    }
}

static void repair_slot(uint8_t *p, size_t n) {
    size_t gaps = n >= SLOT ? u32(p + SLOT_GAPS_AT - 4) : 0;
    if (n >= SLOT && gaps <= GAP_LIST_MAX) {
        set(p + 12, crc32c(0, p + 16, SLOT_GAPS_AT - 16 + gaps * GAP_BYTES));
    }
}

/* That the layout is as it is written down here: what is right stays as it is. */
static void check_repair(void) {
    struct segment *s;
    struct segment_start start = {.serial = 3, .run_id = RUN};
    const struct gap gap = {9, 1, 2, 2, GAP_KILLED};
    struct line l = {.text = "{}", .length = 2, .seq = 1, .gap = &gap};
    uint8_t *copy = malloc(SLOT);
    assert(copy && segment_new_memory(&s, SLOT) == 0);
    segment_begin(s, &start);
    segment_append(s, &l, &gap, 1);
    segment_append(s, &l, NULL, 1);
    segment_seal(s);
    memcpy(copy, s->bytes, s->used);
    for (size_t i = 4; i < 8; i++) {
        copy[SEGMENT_HEADER + i] ^= 1;
        copy[SEAL_AT + i - 4] ^= 1;
        copy[8 + i] ^= 1;
    }
    repair_segment(copy, s->used);
    assert(memcmp(copy, s->bytes, s->used) == 0);
    segment_dispose(s);
    free(copy);
}

/* ---- the folder */

static int remove_entry(const char *path, const struct stat *status, int kind, struct FTW *walk) {
    (void)status, (void)kind, (void)walk;
    return remove(path);
}

static void remove_folder(void) {
    (void)nftw(folder, remove_entry, 8, FTW_DEPTH | FTW_PHYS);
}

static void make_folder(void) {
    if (!folder[0]) {
        const char *memory = access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp";
        snprintf(folder, sizeof folder, "%s/fuzz_spool.XXXXXX", memory);
        assert(mkdtemp(folder));
        atexit(remove_folder);
        check_repair();
    }
    char path[128];
    snprintf(path, sizeof path, "%s/out", folder);
    (void)nftw(path, remove_entry, 8, FTW_DEPTH | FTW_PHYS);
    assert(mkdir(path, 0700) == 0);
}

static void write_file(unsigned which, const uint8_t *data, size_t n, bool repair) {
    char path[128];
    size_t room = which < 2 ? SLOT : n;
    uint8_t *bytes = calloc(1, room ? room : 1);
    assert(bytes);
    memcpy(bytes, data, n < room ? n : room);
    if (repair && which < 2) {
        repair_slot(bytes, room);
    } else if (repair) {
        repair_segment(bytes, room);
    }
    snprintf(path, sizeof path, which < 2 ? "%s/out/state" : "%s/out/segment-%u", folder, which);
    int fd = open(path, O_WRONLY | O_CREAT, 0600);
    assert(fd >= 0 && pwrite(fd, bytes, room, which == 1 ? SLOT : 0) == (ssize_t)room);
    close(fd);
    free(bytes);
}

static void write_files(const uint8_t *data, size_t size, bool repair) {
    while (size >= 3) {
        size_t n = data[1] | (size_t)data[2] << 8;
        n = n < size - 3 ? n : size - 3;
        write_file(data[0], data + 3, n, repair);
        data += 3 + n;
        size -= 3 + n;
    }
}

/* ---- what is done with it */

static struct spool *open_spool(enum spool_policy policy, uint64_t run_id) {
    struct spool *s = NULL;
    char why[SPOOL_WHY_SIZE] = "";
    struct spool_settings settings = {.directory = folder, .max_bytes = 1 << 20, .policy = policy};
    int error = spool_open(&s, &settings, "out", run_id, 0, why);
    assert(error ? !s && why[0] && !strchr(why, '\n') : !!s);
    return s;
}

static unsigned touched;

static void check_parcel(const struct parcel *p) {
    const struct line *l = &p->line;
    assert(l->length <= RECORD_MAX && l->severity < LINE_SEVERITIES && l->operation <= OPERATION_KINDS);
    assert(l->object <= OBJECT_SENSOR && l->action <= ACTION_STOP && (!l->gap || l->gap->reason < GAP_REASONS));
    for (size_t i = 0; i < l->length; i++) {
        touched += (unsigned char)l->text[i];
    }
}

/* All that is handed out; the last place. own: of the records that this program put, in order, the last. */
static uint64_t read_all(struct spool *s, uint64_t *own) {
    struct parcel p;
    struct spool_figures f;
    uint64_t end = 0;
    *own = 0;
    while (spool_next(s, &p)) {
        check_parcel(&p);
        assert(p.end > end);
        end = p.end;
        if (p.line.length == 4 && memcmp(p.line.text, "ours", 4) == 0) {
            assert(p.line.seq == ++*own);
        }
    }
    spool_figures(s, &f);
    assert(f.waiting == f.out);
    return end;
}

static void take_gaps(struct spool *s) {
    struct gap g;
    for (unsigned n = 0; spool_gap(s, UINT64_MAX, &g); n++) {
        assert(g.reason < GAP_REASONS && n <= GAP_LIST_MAX);
    }
}

static void use(struct spool *s) {
    struct spool_figures f;
    struct parcel p;
    uint64_t own;
    spool_figures(s, &f);
    if (spool_next(s, &p)) {
        spool_set_aside(s, p.end);
        spool_unread(s);
    }
    read_all(s, &own);
    take_gaps(s);
    spool_rewind(s);
    if (spool_next(s, &p)) {
        spool_done(s, p.end);
    }
    spool_tick(s, 1);
    take_gaps(s);
}

static void put_records(struct spool *s) {
    struct gap gap = {9, 1, 2, 2, GAP_KILLED};
    for (unsigned seq = 1; seq <= RECORDS; seq++) {
        struct line l = {
            .text = "ours", .length = 4, .operation = OPERATION_KINDS, .seq = seq, .gap = seq % 8 ? NULL : &gap};
        assert(spool_put(s, &l) == 0);
    }
}

/* Texts of the input that look like ours are its own fault. */
static bool has_ours(const uint8_t *data, size_t size) {
    return size >= 4 && memmem(data, size, "ours", 4);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    if (size == 0 || has_ours(data, size)) {
        return 0;
    }
    make_folder();
    write_files(data + 1, size - 1, data[0] & 4);
    struct spool *s = open_spool((enum spool_policy)((data[0] & 3) % 3), RUN);
    if (!s) {
        return 0;
    }
    use(s);
    bool far = s->state.put > SEGMENT_PLACES / 2 ||
               s->state.serial > SEGMENT_PLACES / 2; /* of the possible places, too few are left */
    bool room = s->total < (1 << 19) && s->count < SPOOL_SEGMENTS_MAX;
    if (!far && room) {
        put_records(s);
    }
    spool_close(s, data[0] & 8);
    s = open_spool(SPOOL_WAIT, RUN + 1);
    assert(s);
    uint64_t own = 0, end = read_all(s, &own);
    assert(far || !room || own == RECORDS);
    spool_done(s, end);
    take_gaps(s);
    spool_close(s, true);
    return 0;
}
