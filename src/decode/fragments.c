#include "fragments.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "base/list.h"
#include "ranges.h"

enum { DATA_MIN = 4096 };

/* What two fragments of one datagram have in common. Zeroed before it is set, so that it can be compared whole. */
struct key {
    struct address src, dst;
    uint8_t protocol;
    uint32_t id;
    uint64_t tag;
};

struct entry {
    struct hash_node node;
    struct link age; /* waiting: by the first fragment; whole: by the last */
    struct key key;
    uint64_t since; /* the clock at that */
    uint64_t frame; /* the one that used it last; what is in use by the frame at hand does not go */
    uint8_t *data;  /* the bytes in have are set */
    uint32_t size;
    struct ranges seen, have; /* on the wire; captured */
    uint32_t total;           /* length of the datagram, once its last fragment was seen */
    uint32_t count;           /* fragments */
    uint8_t protocol;
    bool has_first, has_total, whole, differs;
};

struct fragments {
    struct decoder_settings settings;
    struct stats *stats;
    struct budget held;
    struct hash table;
    struct list waiting, whole;
    size_t waiting_count, whole_count;
    uint64_t frame;
};

struct fragments *fragments_new(const struct decoder_settings *settings, struct budget *budget, struct stats *stats) {
    struct fragments *f = calloc(1, sizeof *f);
    if (!f) {
        return NULL;
    }
    f->settings = *settings;
    f->stats = stats;
    f->held = (struct budget){.parent = budget, .ceiling = settings->datagrams_bytes_max};
    hash_init(&f->table, &f->held);
    list_init(&f->waiting);
    list_init(&f->whole);
    return f;
}

/* --- entries come and go --- */

static void remove_entry(struct fragments *f, struct entry *e) {
    hash_remove(&f->table, &e->node);
    list_remove(&e->age);
    *(e->whole ? &f->whole_count : &f->waiting_count) -= 1;
    budget_release(&f->held, sizeof *e + e->size + ranges_size(&e->seen) + ranges_size(&e->have));
    ranges_free(&e->seen);
    ranges_free(&e->have);
    free(e->data);
    free(e);
}

static void give_up(struct fragments *f, struct entry *e, enum decode_fault why) {
    if (!e->whole) {
        f->stats->decode_faults[why] += e->count;
    }
    remove_entry(f, e);
}

static struct entry *oldest(const struct fragments *f, struct list *list) {
    for (struct link *at = list_first(list); at; at = list_next(list, at)) {
        struct entry *e = container_of(at, struct entry, age);
        if (e->frame != f->frame) {
            return e;
        }
    }
    return NULL;
}

/* What can be spared best goes. False: there is nothing. */
static bool give_way(struct fragments *f) {
    struct entry *e = oldest(f, &f->whole);
    if (!e) {
        e = oldest(f, &f->waiting);
    }
    if (e) {
        give_up(f, e, DECODE_FRAGMENT_LIMIT);
    }
    return e != NULL;
}

static bool charge(struct fragments *f, size_t n) {
    while (!budget_charge(&f->held, n)) {
        if (!give_way(f)) {
            return false;
        }
    }
    return true;
}

static void make_key(struct key *key, const struct fragment *in) {
    memset(key, 0, sizeof *key);
    key->src = *in->src;
    key->dst = *in->dst;
    key->protocol = in->src->family == 4 ? in->protocol : 0;
    key->id = in->id;
    key->tag = in->tag;
}

static struct entry *find(const struct fragments *f, const struct key *key, uint64_t hash) {
    for (struct hash_node *n = hash_first(&f->table, hash); n; n = hash_again(n, hash)) {
        struct entry *e = container_of(n, struct entry, node);
        if (memcmp(&e->key, key, sizeof *key) == 0) {
            return e;
        }
    }
    return NULL;
}

static struct entry *begin(struct fragments *f, const struct key *key, uint64_t hash, uint64_t now) {
    while (f->waiting_count >= f->settings.datagrams_max) {
        struct entry *old = oldest(f, &f->waiting);
        if (!old) {
            return NULL;
        }
        give_up(f, old, DECODE_FRAGMENT_LIMIT);
    }
    if (!charge(f, sizeof(struct entry))) {
        return NULL;
    }
    struct entry *e = calloc(1, sizeof *e);
    if (!e) {
        budget_release(&f->held, sizeof *e);
        return NULL;
    }
    memcpy(&e->key, key, sizeof *key);
    e->since = now;
    hash_insert(&f->table, &e->node, hash);
    list_append(&f->waiting, &e->age);
    f->waiting_count++;
    return e;
}

/* --- bytes --- */

/* Lays bytes over those that are there: whether some of these are others. Fills what is not there if asked to. */
static bool lay(struct entry *e, uint32_t from, struct view v, bool fill) {
    const uint32_t to = from + (uint32_t)v.n;
    uint32_t i = ranges_find(&e->have, from);
    bool differs = false;
    for (uint32_t at = from, end; at < to; at = end) {
        bool there = i < e->have.count && e->have.at[i].from <= at;
        end = i == e->have.count ? to : there ? e->have.at[i].to : e->have.at[i].from;
        end = end < to ? end : to;
        if (there) {
            differs |= memcmp(e->data + at, v.p + (at - from), end - at) != 0;
            i++;
        } else if (fill) {
            memcpy(e->data + at, v.p + (at - from), end - at);
        }
    }
    return differs;
}

static bool grow_data(struct fragments *f, struct entry *e, uint32_t end) {
    uint32_t size = e->size ? e->size : DATA_MIN;
    while (size < end) {
        size *= 2;
    }
    if (size == e->size) {
        return true;
    }
    if (!charge(f, size - e->size)) {
        return false;
    }
    uint8_t *data = realloc(e->data, size);
    if (!data) {
        budget_release(&f->held, size - e->size);
        return false;
    }
    e->data = data;
    e->size = size;
    return true;
}

static bool grow_ranges(struct fragments *f, struct ranges *r) {
    size_t wanted = ranges_wanted(r);
    if (!charge(f, wanted)) {
        return false;
    }
    if (!ranges_reserve(r)) {
        budget_release(&f->held, wanted);
        return false;
    }
    return true;
}

/* False: there is no room. */
static bool store(struct fragments *f, struct entry *e, const struct fragment *in) {
    uint32_t captured = (uint32_t)in->bytes.n;
    if (!grow_data(f, e, in->offset + captured) || !grow_ranges(f, &e->seen) || !grow_ranges(f, &e->have)) {
        return false;
    }
    ranges_add(&e->seen, in->offset, in->offset + in->length);
    if (captured != 0) {
        bool differs = lay(e, in->offset, in->bytes, true);
        f->stats->fragments_differ += differs;
        e->differs |= differs;
        ranges_add(&e->have, in->offset, in->offset + captured);
    }
    if (!in->more) {
        e->total = in->offset + in->length;
        e->has_total = true;
    }
    if (in->offset == 0 && !e->has_first) {
        e->protocol = in->protocol;
        e->has_first = true;
    }
    e->count++;
    return true;
}

/* --- fragments --- */

/* Of a datagram that is whole: does it bring nothing else? A mirror port shows frames twice; but the identification of a
 * datagram that is through may be taken again. */
static bool is_copy(struct entry *e, const struct fragment *in) {
    uint32_t end = in->offset + in->length;
    return end <= e->total && in->more == (end < e->total) && !lay(e, in->offset, in->bytes, false);
}

/* Against itself, or against where the datagram is known to end. */
static bool contradicts(const struct entry *e, const struct fragment *in) {
    uint32_t end = in->offset + in->length;
    if (e->has_total) {
        return in->more ? end > e->total : end != e->total;
    }
    return !in->more && e->seen.count != 0 && e->seen.at[e->seen.count - 1].to > end;
}

static bool complete(const struct entry *e) {
    return e->has_total && e->seen.count == 1 && e->seen.at[0].from == 0 && e->seen.at[0].to == e->total;
}

static void hand_out(struct fragments *f, struct entry *e, uint64_t now, struct datagram *out) {
    e->whole = true;
    e->since = now;
    list_remove(&e->age);
    list_append(&f->whole, &e->age);
    f->waiting_count--;
    f->whole_count++;
    f->stats->datagrams++;
    struct entry *old = f->whole_count > DATAGRAMS_WHOLE_MAX ? oldest(f, &f->whole) : NULL;
    if (old) {
        remove_entry(f, old);
    }
    bool begins = e->have.count != 0 && e->have.at[0].from == 0;
    *out = (struct datagram){
        .bytes = {e->data, begins ? e->have.at[0].to : 0},
        .length = e->total,
        .protocol = e->protocol,
        .differs = e->differs,
    };
}

enum fragments_result fragments_take(struct fragments *f, const struct fragment *in, uint64_t now, uint64_t frame,
                                     struct datagram *out) {
    assert(in->bytes.n <= in->length);
    f->stats->fragments++;
    fragments_expire(f, now);
    if (in->length == 0 || in->length > DATAGRAM_BYTES_MAX || in->offset > DATAGRAM_BYTES_MAX - in->length) {
        return FRAGMENTS_BAD;
    }
    f->frame = frame;
    struct key key;
    make_key(&key, in);
    uint64_t hash = hash_bytes(f->settings.secret, &key, sizeof key);
    struct entry *e = find(f, &key, hash);
    if (e && e->whole && is_copy(e, in)) {
        f->stats->fragments_duplicate++;
        return FRAGMENTS_KEPT;
    }
    if (e && e->whole && e->frame == frame) {
        return FRAGMENTS_BAD; /* it lies inside the datagram that it says it is part of */
    }
    if (e && e->whole) {
        remove_entry(f, e);
        e = NULL;
    }
    e = e ? e : begin(f, &key, hash, now);
    if (!e) {
        return FRAGMENTS_LIMIT;
    }
    e->frame = frame;
    if (contradicts(e, in)) {
        return FRAGMENTS_BAD;
    }
    if (e->count >= f->settings.datagram_fragments_max || !store(f, e, in)) {
        give_up(f, e, DECODE_FRAGMENT_LIMIT);
        return FRAGMENTS_LIMIT;
    }
    if (!complete(e)) {
        return FRAGMENTS_KEPT;
    }
    hand_out(f, e, now, out);
    return FRAGMENTS_WHOLE;
}

void fragments_expire(struct fragments *f, uint64_t now) {
    while (list_first(&f->waiting)) {
        struct entry *e = container_of(list_first(&f->waiting), struct entry, age);
        if (now - e->since < DATAGRAM_NS) {
            break;
        }
        give_up(f, e, DECODE_FRAGMENT);
    }
    while (list_first(&f->whole)) {
        struct entry *e = container_of(list_first(&f->whole), struct entry, age);
        if (now - e->since < DATAGRAM_WHOLE_NS) {
            break;
        }
        remove_entry(f, e);
    }
}

void fragments_finish(struct fragments *f) {
    while (list_first(&f->waiting)) {
        give_up(f, container_of(list_first(&f->waiting), struct entry, age), DECODE_FRAGMENT);
    }
    while (list_first(&f->whole)) {
        remove_entry(f, container_of(list_first(&f->whole), struct entry, age));
    }
}

void fragments_free(struct fragments *f) {
    if (!f) {
        return;
    }
    while (list_first(&f->waiting)) {
        remove_entry(f, container_of(list_first(&f->waiting), struct entry, age));
    }
    while (list_first(&f->whole)) {
        remove_entry(f, container_of(list_first(&f->whole), struct entry, age));
    }
    hash_free(&f->table);
    free(f);
}
