#include "tally.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* Slots looked at for one name. Names made to collide find no place and are counted as others, instead of costing time. */
enum { PROBES_MAX = 64 };

int tally_init(struct tally *t, size_t max) {
    size_t slots = 2;
    while (slots < 2 * max) {
        slots *= 2;
    }
    *t = (struct tally){.slots = calloc(slots, sizeof(*t->slots)),
                        .names = malloc(max * (TALLY_NAME_MAX + 1)),
                        .slot_count = slots,
                        .max = max};
    if (t->slots == NULL || t->names == NULL) {
        tally_release(t);
        return -ENOMEM;
    }
    return 0;
}

/* FNV-1a, folded so that the high bits count in a small table. */
static size_t hash(const char *name, size_t n) {
    uint64_t h = UINT64_C(0xcbf29ce484222325);
    for (size_t i = 0; i < n; i++) {
        h = (h ^ (uint8_t)name[i]) * UINT64_C(0x100000001b3);
    }
    return (size_t)(h ^ h >> 32);
}

static void keep(struct tally *t, struct tally_entry *slot, const char *name, size_t n) {
    if (t->used == t->max) {
        t->others++;
        return;
    }
    slot->name = t->names + t->names_used;
    memcpy(slot->name, name, n);
    slot->name[n] = '\0';
    t->names_used += n + 1;
    slot->count = 1;
    t->used++;
}

void tally_add(struct tally *t, const char *name, size_t n) {
    if (n > TALLY_NAME_MAX) {
        name += n - TALLY_NAME_MAX;
        n = TALLY_NAME_MAX;
        while (n > 0 && ((unsigned char)*name & 0xC0) == 0x80) {
            name++;
            n--;
        }
    }
    size_t at = hash(name, n);
    for (unsigned i = 0; i < PROBES_MAX; i++) {
        struct tally_entry *slot = &t->slots[(at + i) & (t->slot_count - 1)];
        if (slot->name == NULL) {
            keep(t, slot, name, n);
            return;
        }
        if (strlen(slot->name) == n && memcmp(slot->name, name, n) == 0) {
            slot->count++;
            return;
        }
    }
    t->others++;
}

static int before(const struct tally_entry *a, const struct tally_entry *b) {
    if (a->count != b->count) {
        return a->count > b->count;
    }
    return strcmp(a->name, b->name) < 0;
}

size_t tally_top(const struct tally *t, const struct tally_entry **to, size_t n) {
    size_t have = 0;
    for (size_t i = 0; i < t->slot_count; i++) {
        const struct tally_entry *e = &t->slots[i];
        if (e->name == NULL || (have == n && (n == 0 || !before(e, to[n - 1])))) {
            continue;
        }
        size_t at = have < n ? have++ : n - 1;
        for (; at > 0 && before(e, to[at - 1]); at--) {
            to[at] = to[at - 1];
        }
        to[at] = e;
    }
    return have;
}

void tally_release(struct tally *t) {
    free(t->slots);
    free(t->names);
    *t = (struct tally){0};
}
