/* A hash table through its members. The caller hashes its keys, with a secret where the wire chooses them, and compares them; the
 * table keeps members by their hash. Up to HASH_INLINE members it is a plain chain and takes no memory. */
#ifndef HASH_H
#define HASH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "budget.h"

enum { HASH_INLINE = 4 };

struct hash_node {
    struct hash_node *next,
        **at; /* at: what points here, so that the place in a chain does not count when it is removed */
    uint64_t hash;
};

struct hash {
    union {
        struct hash_node *chain;    /* while there are no buckets */
        struct hash_node **buckets; /* mask + 1 of them */
    };
    uint32_t count, mask;  /* mask 0: there are no buckets */
    struct budget *budget; /* the buckets are charged to it; NULL: to nobody */
};

static inline void hash_init(struct hash *h, struct budget *budget) {
    *h = (struct hash){.budget = budget};
}

/* First member with that hash, NULL where there is none; hash_again gives the next one. */
static inline struct hash_node *hash_again(struct hash_node *n, uint64_t hash) {
    while (n && n->hash != hash) {
        n = n->next;
    }
    return n;
}

static inline struct hash_node *hash_first(const struct hash *h, uint64_t hash) {
    return hash_again(h->mask != 0 ? h->buckets[hash & h->mask] : h->chain, hash);
}

/* For who compares keys, of numbers, as fast as hashes: while there are no buckets all members are looked at, and the hash counts for
 * nothing. */
static inline bool hash_counts(const struct hash *h) {
    return h->mask != 0;
}

static inline struct hash_node *hash_candidate(const struct hash *h, struct hash_node *n, uint64_t hash) {
    return h->mask != 0 ? hash_again(n, hash) : n;
}

static inline struct hash_node *hash_candidates(const struct hash *h, uint64_t hash) {
    return h->mask != 0 ? hash_again(h->buckets[hash & h->mask], hash) : h->chain;
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
