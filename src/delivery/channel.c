#include "delivery/channel.h"

#include <assert.h>
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <unistd.h>

#include "record.h"

enum { GAPS = 64, LINE_CACHE = 64 }; /* GAPS: of the ring for them */

/* With a deliverer that keeps up, all goes through so much of the ring, which stays in the cache; the rest is not even touched. */
enum { CHANNEL_HOT = 1 << 20, CHANNEL_KEPT = 2 * CHANNEL_HOT };

/* A line in the ring, its gap behind it where it has one, and its text. size 0: the rest of the ring is left free. */
struct slot {
    uint32_t size; /* bytes of the whole, aligned */
    uint16_t length;
    uint8_t object, action, operation, severity;
    bool gap;
    uint64_t seq;
};

enum { SLOT_ALIGN = _Alignof(struct slot) };
_Static_assert(_Alignof(struct gap) <= SLOT_ALIGN && sizeof(struct slot) % _Alignof(struct gap) == 0,
               "a gap is aligned behind its slot");

/* Positions count bytes since the start; each is written by one side alone. */
struct shared {
    _Alignas(LINE_CACHE) _Atomic uint64_t put; /* the maker's */
    _Atomic bool wants_room, owes;
    _Atomic uint64_t jump_from, jump_to; /* nothing lies between them: whoever took all up to there goes on behind */
    _Alignas(LINE_CACHE) _Atomic uint64_t taken; /* the deliverer's */
    _Atomic bool listens;
    _Alignas(LINE_CACHE) _Atomic unsigned orders;
    _Atomic uint64_t until;
    _Atomic unsigned gaps_told, gaps_taken;
    struct gap gaps[GAPS];
    struct channel_figures figures;
    _Alignas(LINE_CACHE) unsigned char bytes[];
};

struct channel {
    struct shared *shared;
    size_t size, mapped;
    int bell, news;
    uint64_t read, before;  /* the deliverer's: behind the last line that was read, and its start */
    size_t lines;           /* that were read, and not taken */
    size_t touched, recent; /* the maker's: bytes of the ring that were written; the same since it was trimmed last */
};

struct channel *channel_new(size_t bytes) {
    assert((bytes & (bytes - 1)) == 0);
    struct channel *c = calloc(1, sizeof *c);
    if (!c) {
        return NULL;
    }
    c->size = bytes;
    c->mapped = sizeof *c->shared + bytes;
    c->shared = mmap(NULL, c->mapped, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    c->bell = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    c->news = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (c->shared == MAP_FAILED || c->bell < 0 || c->news < 0) {
        channel_free(c);
        return NULL;
    }
    return c;
}

void channel_free(struct channel *c) {
    if (!c) {
        return;
    }
    if (c->shared != MAP_FAILED) {
        munmap(c->shared, c->mapped);
    }
    if (c->bell >= 0) {
        close(c->bell);
    }
    if (c->news >= 0) {
        close(c->news);
    }
    free(c);
}

static void ring(int fd) {
    uint64_t one = 1;
    (void)!write(fd, &one, sizeof one); /* full: somebody is awake */
}

static void hear(int fd) {
    uint64_t count;
    (void)!read(fd, &count, sizeof count);
}

/* ---- the maker's */

static size_t slot_size(const struct line *l) {
    size_t n = sizeof(struct slot) + (l->gap ? sizeof *l->gap : 0) + l->length;
    return (n + SLOT_ALIGN - 1) & ~(size_t)(SLOT_ALIGN - 1);
}

static struct slot *slot_at(const struct channel *c, uint64_t position) {
    return (struct slot *)(void *)(c->shared->bytes + (position & (c->size - 1)));
}

/* Where one of n bytes begins that comes behind position: not across the ring's end. */
static uint64_t begin_of(const struct channel *c, uint64_t position, size_t n) {
    size_t to_end = c->size - (position & (c->size - 1));
    return n <= to_end ? position : position + to_end;
}

static void write_slot(const struct channel *c, uint64_t at, const struct line *l) {
    struct slot *f = slot_at(c, at);
    unsigned char *p = (unsigned char *)(f + 1);
    *f = (struct slot){.size = (uint32_t)slot_size(l),
                       .length = l->length,
                       .object = l->object,
                       .action = l->action,
                       .operation = l->operation,
                       .severity = l->severity,
                       .gap = l->gap != NULL,
                       .seq = l->seq};
    if (l->gap) {
        memcpy(p, l->gap, sizeof *l->gap);
        p += sizeof *l->gap;
    }
    memcpy(p, l->text, l->length);
}

/* Behind the last of them, were they put now. */
static uint64_t end_of_all(const struct channel *c, uint64_t position, const struct line *list, size_t count) {
    for (size_t i = 0; i < count; i++) {
        size_t n = slot_size(&list[i]);
        position = begin_of(c, position, n) + n;
    }
    return position;
}

/* Where to go on: at the ring's start, where nothing waits and enough of it was passed. */
static uint64_t start_of(const struct channel *c) {
    uint64_t at = atomic_load_explicit(&c->shared->put, memory_order_relaxed), offset = at & (c->size - 1);
    if (offset < CHANNEL_HOT || at != atomic_load(&c->shared->taken)) {
        return at;
    }
    return at + c->size - offset;
}

/* Where the room begins. */
static uint64_t free_from(const struct channel *c) {
    uint64_t taken = atomic_load(&c->shared->taken);
    return taken == atomic_load(&c->shared->jump_from) ? atomic_load(&c->shared->jump_to) : taken;
}

/* What was written from one position to another. */
static void note_touched(struct channel *c, uint64_t from, uint64_t to) {
    size_t begin = from & (c->size - 1), end = to - from < c->size - begin ? begin + (size_t)(to - from) : c->size;
    c->recent = end > c->recent ? end : c->recent;
}

void channel_trim(struct channel *c) {
    c->touched = c->recent > c->touched ? c->recent : c->touched;
    if (c->recent <= CHANNEL_KEPT && c->touched > CHANNEL_KEPT && channel_empty(c)) {
        size_t page = (size_t)sysconf(_SC_PAGESIZE), from = offsetof(struct shared, bytes) + CHANNEL_KEPT;
        from = (from + page - 1) & ~(page - 1);
        (void)madvise((char *)c->shared + from, c->mapped - from, MADV_REMOVE);
        c->touched = c->recent;
    }
    c->recent = 0;
}

int channel_put(struct channel *c, const struct line *list, size_t count) {
    struct shared *s = c->shared;
    uint64_t put = atomic_load_explicit(&s->put, memory_order_relaxed), at = start_of(c);
    if (at != put) { /* nobody looks before there is something */
        atomic_store(&s->jump_to, at);
        atomic_store(&s->jump_from, put);
    }
    if (end_of_all(c, at, list, count) - free_from(c) > c->size) {
        atomic_store(&s->wants_room, true);
        if (end_of_all(c, at, list, count) - free_from(c) > c->size) {
            return -EAGAIN;
        }
    }
    const uint64_t first = at;
    for (size_t i = 0; i < count; i++) {
        size_t n = slot_size(&list[i]);
        uint64_t begin = begin_of(c, at, n);
        if (begin != at) {
            slot_at(c, at)->size = 0;
        }
        write_slot(c, begin, &list[i]);
        at = begin + n;
    }
    note_touched(c, first, at);
    atomic_store(&s->put, at);
    if (count != 0 && atomic_exchange(&s->listens, false)) {
        ring(c->bell);
    }
    return 0;
}

size_t channel_used(const struct channel *c) {
    uint64_t from = free_from(c), put = atomic_load(&c->shared->put);
    return put < from ? 0 : (size_t)(put - from);
}

uint64_t channel_passed(const struct channel *c) {
    return atomic_load(&c->shared->taken);
}

bool channel_roomy(const struct channel *c) {
    return channel_used(c) <= c->size / 2;
}

bool channel_empty(const struct channel *c) {
    return atomic_load(&c->shared->put) == atomic_load(&c->shared->taken);
}

void channel_owe(struct channel *c, bool owes) {
    if (atomic_load_explicit(&c->shared->owes, memory_order_relaxed) != owes) {
        atomic_store(&c->shared->owes, owes);
    }
}

int channel_news(const struct channel *c) {
    return c->news;
}

void channel_hear(struct channel *c) {
    hear(c->news);
}

bool channel_gap(struct channel *c, struct gap *gap) {
    struct shared *s = c->shared;
    unsigned taken = atomic_load(&s->gaps_taken);
    if (taken == atomic_load(&s->gaps_told)) {
        return false;
    }
    *gap = s->gaps[taken % GAPS];
    atomic_store(&s->gaps_taken, taken + 1);
    return true;
}

void channel_order(struct channel *c, enum channel_order order, uint64_t until) {
    if (order == CHANNEL_STOP) {
        assert(until != 0);
        atomic_store(&c->shared->until, until);
    }
    atomic_fetch_or(&c->shared->orders, (unsigned)order);
    ring(c->bell);
}

/* ---- the deliverer's */

void channel_attach(struct channel *c) {
    c->read = c->before = atomic_load(&c->shared->taken);
    c->lines = 0;
    if (atomic_load(&c->shared->until) != 0) { /* whoever took that order is gone */
        atomic_fetch_or(&c->shared->orders, CHANNEL_STOP);
    }
}

/* Where the next one begins behind a position; there is one. */
static uint64_t next_begin(const struct channel *c, uint64_t at) {
    if (at == atomic_load(&c->shared->jump_from)) {
        at = atomic_load(&c->shared->jump_to);
    }
    size_t to_end = c->size - (at & (c->size - 1));
    return to_end < sizeof(struct slot) || slot_at(c, at)->size == 0 ? at + to_end : at;
}

bool channel_next(struct channel *c, struct line *l) {
    uint64_t put = atomic_load(&c->shared->put), at = c->read;
    if (at == put) {
        return false;
    }
    at = next_begin(c, at);
    if (at != c->read) {
        if (atomic_load_explicit(&c->shared->taken, memory_order_relaxed) == c->read) { /* room that is nobody's */
            atomic_store(&c->shared->taken, at);
        }
    }
    const struct slot *f = slot_at(c, at);
    const char *p = (const char *)(f + 1);
    /* The other side reads what strangers sent: what it says of sizes is not believed. */
    assert(f->size <= c->size - (at & (c->size - 1)) && f->length <= RECORD_MAX &&
           sizeof *f + (f->gap ? sizeof(struct gap) : 0) + f->length <= f->size);
    *l = (struct line){.length = f->length,
                       .object = f->object,
                       .action = f->action,
                       .operation = f->operation,
                       .severity = f->severity,
                       .seq = f->seq,
                       .gap = f->gap ? (const struct gap *)(const void *)p : NULL};
    l->text = p + (f->gap ? sizeof *l->gap : 0);
    c->before = at; /* and not in front of what is nobody's, where there may be something new by now */
    c->read = at + f->size;
    c->lines++;
    return true;
}

void channel_unread(struct channel *c) {
    assert(c->read == c->before || c->lines != 0);
    c->lines -= c->read != c->before;
    c->read = c->before;
}

static void set_taken(struct channel *c, uint64_t to) {
    struct shared *s = c->shared;
    atomic_store(&s->taken, to);
    if (atomic_load(&s->wants_room) && channel_roomy(c) && atomic_exchange(&s->wants_room, false)) {
        ring(c->news);
    }
}

void channel_taken(struct channel *c) {
    c->lines = 0;
    set_taken(c, c->read);
}

void channel_taken_but(struct channel *c, size_t lines) {
    assert(lines <= c->lines);
    if (lines == 0) {
        channel_taken(c);
        return;
    }
    uint64_t to = atomic_load_explicit(&c->shared->taken, memory_order_relaxed);
    for (; c->lines != lines; c->lines--) {
        to = next_begin(c, to);
        to += slot_at(c, to)->size;
    }
    set_taken(c, to);
}

bool channel_owed(const struct channel *c) {
    return atomic_load(&c->shared->owes);
}

int channel_bell(const struct channel *c) {
    return c->bell;
}

bool channel_listen(struct channel *c) {
    struct shared *s = c->shared;
    hear(c->bell);
    atomic_store(&s->listens, true);
    return atomic_load(&s->put) == c->read && atomic_load(&s->orders) == 0;
}

unsigned channel_orders(struct channel *c, uint64_t *until) {
    unsigned orders = atomic_exchange(&c->shared->orders, 0);
    if (orders & CHANNEL_STOP) {
        *until = atomic_load(&c->shared->until);
    }
    return orders;
}

bool channel_tell_gap(struct channel *c, const struct gap *gap) {
    struct shared *s = c->shared;
    unsigned told = atomic_load(&s->gaps_told);
    if (told - atomic_load(&s->gaps_taken) == GAPS) {
        return false;
    }
    s->gaps[told % GAPS] = *gap;
    atomic_store(&s->gaps_told, told + 1);
    ring(c->news);
    return true;
}

struct channel_figures *channel_figures_of(struct channel *c) {
    return &c->shared->figures;
}
