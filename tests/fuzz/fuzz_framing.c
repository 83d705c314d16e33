/* The framer, with segments and gaps from the input.
 *
 * The input: a byte of MODE_ flags, the number of cuts, for each cut two bytes (length of the segment, little-endian; its highest bit
 * makes it a gap, where the mode allows it), and the stream. What follows the last cut is one segment.
 *
 * Always: nothing reaches outside a message, no length contradicts another, and all memory is given back. Without gaps, and from
 * the start of a stream: the pieces give the same messages as the whole, up to where the framing is lost; from there on the ends
 * of segments are evidence, and may make a difference. */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "cursor.h"
#include "nbss.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { MODE_GAPS = 1, MODE_MID_STREAM = 2, MODE_SMALL_BUDGET = 4 };
enum { CUT_IS_GAP = 0x8000, CUT_MASK = 0x7fff, COMPARED_MAX = 4096, BUDGET = 64 << 20, SMALL_BUDGET = 1024 };

/* What is compared of a message: all but the packets. */
struct seen {
    struct message m;
    uint64_t digest;
};

struct watch {
    struct seen *seen;
    size_t count;
    bool lost;
};

static void require(bool holds) {
    if (!holds) {
        abort();
    }
}

static uint64_t digest(struct view v) {
    uint64_t h = 14695981039346656037U;
    for (size_t i = 0; i < v.n; i++) {
        h = (h ^ v.p[i]) * 1099511628211U;
    }
    return h;
}

static void on_message(void *arg, enum direction dir, const struct message *m) {
    struct watch *w = arg;
    require(dir == TO_SERVER);
    require(m->bytes.n >= 4 && m->bytes.n + m->payload <= m->length + (m->missing ? m->payload : 0U));
    require(m->missing <= m->length && m->kind < MESSAGE_KINDS);
    require(m->begin.frame <= m->end.frame);
    uint64_t h = digest(m->bytes);
    if (!w->lost && w->count < COMPARED_MAX) {
        struct seen *s = &w->seen[w->count++];
        s->m = *m;
        s->m.bytes.p = NULL;
        s->digest = h;
    }
}

static void on_fault(void *arg, enum direction dir, enum framer_fault fault) {
    struct watch *w = arg;
    require(dir == TO_SERVER && fault < FRAMER_FAULTS);
    bool harmless = fault == FAULT_CHAIN || fault == FAULT_PAYLOAD || fault == FAULT_WHOLE_LIMIT;
    w->lost = w->lost || !harmless;
}

/* In memory of its own size, so that a sanitizer sees a read behind the segment. */
static void segment(struct nbss *n, struct view v, struct moment at) {
    uint8_t *copy = malloc(v.n ? v.n : 1);
    require(copy != NULL);
    if (v.n) {
        memcpy(copy, v.p, v.n);
    }
    nbss_bytes(n, TO_SERVER, (struct view){copy, v.n}, at);
    free(copy);
}

static void run(struct watch *w, uint8_t mode, struct cursor cuts, struct view stream) {
    struct budget budget = {.ceiling = mode & MODE_SMALL_BUDGET ? SMALL_BUDGET : BUDGET};
    struct framer_sink sink = {w, on_message, on_fault, NULL};
    struct nbss_pool *pool = nbss_pool_new();
    void *room = malloc(nbss_size());
    require(pool && room);
    struct nbss *n = nbss_begin(room, pool, &sink, &budget, !(mode & MODE_MID_STREAM));
    struct moment at = {1, 1};
    struct cursor c = cursor_over(stream);
    while (cursor_left(&cuts) >= 2) {
        uint16_t cut = cursor_le16(&cuts);
        size_t length = cut & CUT_MASK;
        struct view v = cursor_take(&c, length < cursor_left(&c) ? length : cursor_left(&c));
        if (cut & CUT_IS_GAP && mode & MODE_GAPS) {
            nbss_gap(n, TO_SERVER, length, at);
        } else {
            segment(n, v, at);
        }
        at.frame++;
        require(budget.held <= budget.ceiling);
    }
    segment(n, cursor_rest(&c), at);
    nbss_end(n, at);
    nbss_finish(n);
    free(n);
    require(budget.held == 0);
    nbss_pool_free(pool);
}

static bool same(const struct seen *a, const struct seen *b) {
    return a->digest == b->digest && a->m.kind == b->m.kind && a->m.bytes.n == b->m.bytes.n &&
           a->m.length == b->m.length && a->m.payload == b->m.payload && a->m.missing == b->m.missing &&
           a->m.first == b->m.first && a->m.last == b->m.last;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct cursor in = cursor_over((struct view){data, size});
    uint8_t mode = cursor_u8(&in);
    size_t count = cursor_u8(&in);
    struct cursor cuts = cursor_over(cursor_take(&in, 2 * count));
    struct view stream = cursor_rest(&in);
    if (!cursor_ok(&in)) {
        return 0;
    }
    struct watch pieces = {calloc(COMPARED_MAX, sizeof(struct seen)), 0, false};
    struct watch whole = {calloc(COMPARED_MAX, sizeof(struct seen)), 0, false};
    require(pieces.seen && whole.seen);
    run(&pieces, mode, cuts, stream);
    if (!(mode & (MODE_GAPS | MODE_MID_STREAM | MODE_SMALL_BUDGET))) {
        run(&whole, mode, cursor_over((struct view){NULL, 0}), stream);
        require(pieces.count == whole.count && pieces.lost == whole.lost);
        for (size_t i = 0; i < whole.count; i++) {
            require(same(&pieces.seen[i], &whole.seen[i]));
        }
    }
    free(pieces.seen);
    free(whole.seen);
    return 0;
}
