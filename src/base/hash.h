/* A hash table through its members. The caller hashes its keys, with a secret where the wire chooses them, and compares them; the
 * table keeps members by their hash. Up to HASH_INLINE members it is a plain chain and takes no memory. */
#ifndef HASH_H
#define HASH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "budget.h"

enum { HASH_INLINE = 4 };

/* Whom a chain begins with, or goes on with. In the bits that no pointer has, the first word of a chain also has a mark for each member
 * that was put into it since it was empty: whose mark is missing is not there, and that is known without a look at members, which lie far
 * apart. Of addresses with more than 48 bits Linux gives none to who does not ask for them (Documentation/arch/x86/x86_64/5level-paging.rst,
 * Documentation/arch/arm64/memory.rst); inserting one ends the program. */
typedef uintptr_t hash_word;

#define HASH_POINTER (UINTPTR_MAX >> 16)

struct hash_node {
    hash_word next, *at; /* at: what points here, so that the place in a chain does not count when it is removed */
    uint64_t hash;
};

struct hash {
    union {
        hash_word chain;    /* while there are no buckets */
        hash_word *buckets; /* mask + 1 of them */
    };
    uint32_t count, mask;  /* mask 0: there are no buckets */
    struct budget *budget; /* the buckets are charged to it; NULL: to nobody */
};

static inline void hash_init(struct hash *h, struct budget *budget) {
    *h = (struct hash){.budget = budget};
}

static inline struct hash_node *hash_member(hash_word word) {
    return (struct hash_node *)(word & HASH_POINTER);
}

/* The bucket is of the lowest bits, the mark of the highest. */
static inline hash_word hash_mark(uint64_t hash) {
    return (HASH_POINTER + 1) << (hash >> 60);
}

static inline struct hash_node *hash_from(hash_word word, uint64_t hash) {
    struct hash_node *n = hash_member(word);
    while (n && n->hash != hash) {
        n = hash_member(n->next);
    }
    return n;
}

/* First member with that hash, NULL where there is none; hash_again gives the next one. */
static inline struct hash_node *hash_first(const struct hash *h, uint64_t hash) {
    hash_word first = h->mask != 0 ? h->buckets[hash & h->mask] : h->chain;
    return first & hash_mark(hash) ? hash_from(first, hash) : NULL;
}

static inline struct hash_node *hash_again(const struct hash_node *n, uint64_t hash) {
    return hash_from(n->next, hash);
}

/* For who compares keys, of numbers, as fast as hashes: while there are no buckets all members are looked at, and the hash counts for
 * nothing. */
static inline bool hash_counts(const struct hash *h) {
    return h->mask != 0;
}

static inline struct hash_node *hash_candidates(const struct hash *h, uint64_t hash) {
    return h->mask != 0 ? hash_first(h, hash) : hash_member(h->chain);
}

static inline struct hash_node *hash_candidate(const struct hash *h, const struct hash_node *n, uint64_t hash) {
    return h->mask != 0 ? hash_again(n, hash) : hash_member(n->next);
}

/* Members with that hash are looked for soon, or that one is removed: what is looked at first comes near meanwhile. */
static inline void hash_expect(const struct hash *h, uint64_t hash) {
    __builtin_prefetch(h->mask != 0 ? &h->buckets[hash & h->mask] : &h->chain);
}

static inline void hash_expect_removal(const struct hash_node *n) {
    __builtin_prefetch(n->at, 1);
}

/* Never fails: where there is no memory for more buckets the chains grow longer. */
void hash_insert(struct hash *, struct hash_node *, uint64_t hash);
/* The member must be in the table. */
void hash_remove(struct hash *, struct hash_node *);
/* Gives the buckets back; members are the caller's. */
void hash_free(struct hash *);

/* Multiply and fold: good in all bits, and zero where one side is the constant. Values that the wire chooses are therefore mixed
 * with the secret first: who does not know it cannot aim at that, nor choose values that fall together. */
static inline uint64_t hash_mix(uint64_t hash, uint64_t value) {
    __uint128_t product = (__uint128_t)(hash ^ UINT64_C(0x9e3779b97f4a7c15)) * (value ^ UINT64_C(0xd6e8feb86659fd93));
    return (uint64_t)product ^ (uint64_t)(product >> 64);
}

/* A hash with another value in it. */
static inline uint64_t hash_more(uint64_t secret, uint64_t hash, uint64_t value) {
    return hash_mix(hash, value ^ (secret << 32 | secret >> 32));
}

static inline uint64_t hash_number(uint64_t secret, uint64_t value) {
    return hash_more(secret, secret, value);
}

uint64_t hash_bytes(uint64_t secret, const void *bytes, size_t n);

#endif
