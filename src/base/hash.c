#include "hash.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "huge_page.h"

_Static_assert(UINTPTR_MAX == UINT64_MAX, "marks stand in the bits that a pointer of 64 bits does not have");

static hash_word *slot(struct hash *h, uint64_t hash) {
    return h->mask != 0 ? &h->buckets[hash & h->mask] : &h->chain;
}

static hash_word marks(hash_word word) {
    return word & ~HASH_POINTER;
}

static void put(struct hash *h, struct hash_node *n) {
    hash_word *at = slot(h, n->hash);
    assert(marks((hash_word)n) == 0);
    n->next = *at & HASH_POINTER;
    n->at = at;
    if (n->next != 0) {
        hash_member(n->next)->at = &n->next;
    }
    *at = marks(*at) | hash_mark(n->hash) | (hash_word)n;
}

static void move_chain(struct hash *h, hash_word first) {
    for (struct hash_node *n = hash_member(first); n;) {
        struct hash_node *next = hash_member(n->next);
        put(h, n);
        n = next;
    }
}

static bool charge(struct hash *h, size_t buckets) {
    return !h->budget || budget_charge(h->budget, budget_cost(buckets * sizeof *h->buckets));
}

static void release(struct hash *h, size_t buckets) {
    if (h->budget && buckets != 0) {
        budget_release(h->budget, budget_cost(buckets * sizeof *h->buckets));
    }
}

static hash_word *table_take(size_t buckets) {
    const size_t bytes = buckets * sizeof(hash_word);
    return bytes % HUGE_PAGE == 0 ? huge_page_take(bytes) : calloc(1, bytes);
}

static void table_give(hash_word *table, size_t buckets) {
    const size_t bytes = buckets * sizeof *table;
    if (bytes % HUGE_PAGE == 0) {
        huge_page_give(table, bytes);
    } else {
        free(table);
    }
}

/* Old and new buckets are there at the same time, and charged. */
__attribute__((noinline)) static void grow(struct hash *h) {
    size_t old_buckets = h->mask != 0 ? (size_t)h->mask + 1 : 0;
    size_t buckets = old_buckets ? old_buckets * 4 : 16;
    if (buckets - 1 > UINT32_MAX || !charge(h, buckets)) {
        return;
    }
    hash_word *table = table_take(buckets);
    if (!table) {
        release(h, buckets);
        return;
    }
    const struct hash before = *h;
    h->buckets = table;
    h->mask = (uint32_t)(buckets - 1);
    if (old_buckets == 0) {
        move_chain(h, before.chain);
        return;
    }
    for (size_t i = 0; i < old_buckets; i++) {
        move_chain(h, before.buckets[i]);
    }
    table_give(before.buckets, old_buckets);
    release(h, old_buckets);
}

static inline void insert(struct hash *h, struct hash_node *n, uint64_t hash) {
    n->hash = hash;
    put(h, n);
    h->count++;
}

/* Apart, so that the ordinary one calls nothing. */
__attribute__((noinline)) static void grow_and_insert(struct hash *h, struct hash_node *n, uint64_t hash) {
    grow(h);
    insert(h, n, hash);
}

void hash_insert(struct hash *h, struct hash_node *n, uint64_t hash) {
    size_t room = h->mask != 0 ? (size_t)h->mask + 1 : HASH_INLINE;
    if (h->count >= room) {
        grow_and_insert(h, n, hash);
    } else {
        insert(h, n, hash);
    }
}

void hash_remove(struct hash *h, struct hash_node *n) {
    assert(n->at && hash_member(*n->at) == n);
    *n->at = n->next != 0 ? marks(*n->at) | n->next : 0;
    if (n->next != 0) {
        hash_member(n->next)->at = n->at;
    }
    n->next = 0;
    n->at = NULL;
    h->count--;
}

void hash_free(struct hash *h) {
    if (h->mask != 0) {
        release(h, (size_t)h->mask + 1);
        table_give(h->buckets, (size_t)h->mask + 1);
    }
    hash_init(h, h->budget);
}

uint64_t hash_bytes(uint64_t secret, const void *bytes, size_t n) {
    const unsigned char *p = bytes;
    uint64_t hash = secret, part;
    for (; n >= sizeof part; p += sizeof part, n -= sizeof part) {
        memcpy(&part, p, sizeof part);
        hash = hash_more(secret, hash, part);
    }
    part = (uint64_t)n << 56;
    memcpy(&part, p, n);
    return hash_more(secret, hash, part);
}
