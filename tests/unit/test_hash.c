#include "../../src/base/hash.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "../../src/base/huge_page.h"
#include "../../src/base/list.h"

struct member {
    struct hash_node node;
    uint64_t key;
};

static struct member *find(const struct hash *h, uint64_t hash, uint64_t key) {
    for (struct hash_node *n = hash_first(h, hash); n; n = hash_again(n, hash)) {
        struct member *m = container_of(n, struct member, node);
        if (m->key == key) {
            return m;
        }
    }
    return NULL;
}

static struct member *find_by_key(const struct hash *h, uint64_t hash, uint64_t key) {
    for (struct hash_node *n = hash_candidates(h, hash); n; n = hash_candidate(h, n, hash)) {
        struct member *m = container_of(n, struct member, node);
        if (m->key == key) {
            return m;
        }
    }
    return NULL;
}

/* Where the hash does not count any will do; each is found, and what is not there is not. */
static void by_key(void **state) {
    (void)state;
    enum { MEMBERS = 40 };
    struct member members[MEMBERS];
    struct hash h;
    hash_init(&h, NULL);
    for (uint64_t i = 0; i < MEMBERS; i++) {
        members[i] = (struct member){.key = i};
        hash_insert(&h, &members[i].node, hash_number(7, i));
        assert_true(hash_counts(&h) == (h.count > HASH_INLINE));
        for (uint64_t k = 0; k <= i; k++) {
            assert_ptr_equal(find_by_key(&h, hash_counts(&h) ? hash_number(7, k) : 0, k), &members[k]);
        }
        assert_null(find_by_key(&h, hash_counts(&h) ? hash_number(7, i + 1) : 0, i + 1));
    }
    hash_free(&h);
}

static void nothing_in_it(void **state) {
    (void)state;
    struct hash h;
    hash_init(&h, NULL);
    assert_null(hash_first(&h, 0));
    hash_free(&h);
}

/* Through every growth, and back: each is found by its own hash and by no other, equal hashes included. */
static void many_members(void **state) {
    (void)state;
    enum { MEMBERS = 5000 };
    struct budget budget = {.ceiling = SIZE_MAX};
    struct member *members = calloc(MEMBERS, sizeof *members);
    struct hash h;
    assert_non_null(members);
    hash_init(&h, &budget);
    for (uint64_t i = 0; i < MEMBERS; i++) {
        members[i].key = i;
        hash_insert(&h, &members[i].node, hash_number(7, i / 3)); /* three of each hash */
        assert_int_equal(h.count, i + 1);
        assert_true(h.count > HASH_INLINE || budget.held == 0);
    }
    for (uint64_t i = 0; i < MEMBERS; i++) {
        assert_ptr_equal(find(&h, hash_number(7, i / 3), i), &members[i]);
        assert_null(find(&h, hash_number(7, i / 3 + MEMBERS), i));
    }
    for (uint64_t i = 0; i < MEMBERS; i += 2) {
        hash_remove(&h, &members[i].node);
    }
    for (uint64_t i = 0; i < MEMBERS; i++) {
        assert_true((find(&h, hash_number(7, i / 3), i) != NULL) == (i % 2 == 1));
    }
    for (uint64_t i = 1; i < MEMBERS; i += 2) {
        hash_remove(&h, &members[i].node);
    }
    assert_int_equal(h.count, 0);
    hash_free(&h);
    assert_int_equal(budget.held, 0);
    free(members);
}

/* Without memory for buckets it goes on as a chain, and takes them when there is memory again. */
static void no_memory_for_buckets(void **state) {
    (void)state;
    struct budget budget = {.ceiling = 0};
    struct member members[40];
    struct hash h;
    hash_init(&h, &budget);
    for (uint64_t i = 0; i < 39; i++) {
        members[i].key = i;
        hash_insert(&h, &members[i].node, hash_number(7, i));
    }
    assert_false(hash_counts(&h));
    for (uint64_t i = 0; i < 39; i++) {
        assert_ptr_equal(find(&h, hash_number(7, i), i), &members[i]);
    }
    budget.ceiling = budget_cost(16 * sizeof(void *));
    members[39].key = 39;
    hash_insert(&h, &members[39].node, hash_number(7, 39));
    assert_true(hash_counts(&h));
    for (uint64_t i = 0; i < 40; i++) {
        assert_ptr_equal(find(&h, hash_number(7, i), i), &members[i]);
        hash_remove(&h, &members[i].node);
    }
    hash_free(&h);
    assert_int_equal(budget.held, 0);
}

/* That it is not looked for shows where a member, against the rules, says another hash than it was put in by. */
static void whose_mark_is_missing(void **state) {
    (void)state;
    const uint64_t marked = UINT64_C(3) << 60, other = UINT64_C(5) << 60;
    struct member members[HASH_INLINE + 1] = {0};
    struct hash h;
    hash_init(&h, NULL);
    for (unsigned i = 0; i <= HASH_INLINE; i++) {
        hash_insert(&h, &members[i].node, marked); /* into buckets at last */
        members[i].node.hash = other;
        assert_null(hash_first(&h, other));
        members[i].node.hash = marked;
        assert_ptr_equal(hash_first(&h, marked), &members[i].node);
    }
    assert_true(hash_counts(&h));
    for (unsigned i = 0; i <= HASH_INLINE; i++) {
        hash_remove(&h, &members[i].node);
    }
    hash_insert(&h, &members[0].node, other); /* those of a chain go when its last member does */
    members[0].node.hash = marked;
    assert_null(hash_first(&h, marked));
    hash_free(&h);
}

/* ---- against a list of all that may be in it */

enum { RANDOM_MEMBERS = 160, RANDOM_SEEDS = 60, RANDOM_STEPS = 3000 };

/* How weak a hash is: few buckets, few marks, or neither. */
struct weakness {
    unsigned low, high; /* bits that differ */
};

struct random_world {
    struct hash table;
    struct budget budget;
    struct weakness weakness;
    uint64_t state;
    bool in[RANDOM_MEMBERS];
    struct member members[RANDOM_MEMBERS];
};

static unsigned random_below(struct random_world *w, unsigned n) {
    w->state = w->state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (unsigned)(w->state >> 33) % n;
}

static uint64_t random_hash(struct random_world *w) {
    uint64_t low = random_below(w, 1u << w->weakness.low), high = random_below(w, 1u << w->weakness.high);
    return high << 60 | low;
}

/* Who has that hash is found, once; who has another, or is not in it, is not. */
static void finds_all(const struct random_world *w, uint64_t hash) {
    unsigned there = 0, found = 0;
    for (unsigned i = 0; i < RANDOM_MEMBERS; i++) {
        there += w->in[i] && w->members[i].node.hash == hash;
    }
    for (struct hash_node *n = hash_first(&w->table, hash); n; n = hash_again(n, hash)) {
        const struct member *m = container_of(n, struct member, node);
        assert_true(w->in[m - w->members] && n->hash == hash && ++found <= there);
    }
    assert_int_equal(found, there);
    unsigned candidates = 0;
    for (struct hash_node *n = hash_candidates(&w->table, hash); n; n = hash_candidate(&w->table, n, hash)) {
        const struct member *m = container_of(n, struct member, node);
        assert_true(w->in[m - w->members] && ++candidates <= w->table.count);
    }
    assert_int_equal(candidates, hash_counts(&w->table) ? there : w->table.count);
}

static void put_in_or_take_out(struct random_world *w, unsigned most) {
    unsigned i = random_below(w, RANDOM_MEMBERS);
    struct hash_node *n = &w->members[i].node;
    uint64_t before = n->hash;
    if (w->in[i]) {
        hash_remove(&w->table, n);
    } else if (w->table.count < most) {
        hash_insert(&w->table, n, random_below(w, 2) ? before : random_hash(w)); /* as it was, or by another name */
    } else {
        return;
    }
    w->in[i] = !w->in[i];
    finds_all(w, before);
    finds_all(w, n->hash);
}

static unsigned count_in(const struct random_world *w) {
    unsigned count = 0;
    for (unsigned i = 0; i < RANDOM_MEMBERS; i++) {
        count += w->in[i];
    }
    return count;
}

static void random_run(struct random_world *w) {
    unsigned most = 1 + random_below(w, RANDOM_MEMBERS); /* some never have buckets */
    hash_init(&w->table, &w->budget);
    for (unsigned step = 0; step < RANDOM_STEPS; step++) {
        if (random_below(w, 16) == 0) {
            w->budget.ceiling = random_below(w, 2) ? SIZE_MAX : 0; /* chains that grow long, and are spread later */
        }
        put_in_or_take_out(w, most);
        finds_all(w, random_hash(w));
        assert_int_equal(w->table.count, count_in(w));
    }
    for (unsigned i = 0; i < RANDOM_MEMBERS; i++) {
        if (w->in[i]) {
            hash_remove(&w->table, &w->members[i].node);
            w->in[i] = false;
            finds_all(w, w->members[i].node.hash);
        }
    }
    hash_free(&w->table);
    assert_int_equal(w->budget.held, 0);
}

static void as_a_list_of_all(void **state) {
    (void)state;
    static const struct weakness weaknesses[] = {{0, 0}, {0, 1}, {0, 4}, {2, 1}, {2, 4}, {5, 0}, {5, 3}, {12, 4}};
    for (unsigned seed = 0; seed < RANDOM_SEEDS; seed++) {
        struct random_world w = {.weakness = weaknesses[seed % (sizeof weaknesses / sizeof weaknesses[0])],
                                 .state = seed};
        random_run(&w);
    }
}

/* Tables of 2 MiB and more are no memory of the heap. */
static void large_tables(void **state) {
    (void)state;
    enum { MEMBERS = (1 << 18) + 1, FIRST_LARGE = (1 << 16) + 1 };
    struct budget budget = {.ceiling = SIZE_MAX};
    struct member *members = calloc(MEMBERS, sizeof *members);
    struct hash h;
    assert_non_null(members);
    hash_init(&h, &budget);
    for (uint64_t i = 0; i < MEMBERS; i++) {
        members[i].key = i;
        hash_insert(&h, &members[i].node, hash_number(7, i));
        if (i + 1 == FIRST_LARGE || i + 1 == MEMBERS) {
            assert_int_equal(budget.held, budget_cost((h.mask + (size_t)1) * sizeof *h.buckets));
            assert_int_equal((uintptr_t)h.buckets % HUGE_PAGE, 0);
        }
    }
    for (uint64_t i = 0; i < MEMBERS; i++) {
        assert_ptr_equal(find(&h, hash_number(7, i), i), &members[i]);
        assert_null(find(&h, hash_number(7, i + MEMBERS), i + MEMBERS));
    }
    hash_free(&h);
    assert_int_equal(budget.held, 0);
    free(members);
}

/* Low bits, which choose the bucket, of values that differ little: no bucket gets more than a small share. */
static bool spreads(uint64_t (*hash)(uint64_t), uint64_t step) {
    unsigned counts[256] = {0}, most = 0;
    for (uint64_t i = 0; i < 4096; i++) {
        unsigned n = ++counts[hash(i * step) & 255];
        most = n > most ? n : most;
    }
    return most < 48; /* 16 each; a random one has 40 once in a million */
}

static uint64_t of_number(uint64_t value) {
    return hash_number(UINT64_C(0x0123456789abcdef), value);
}

static uint64_t of_bytes(uint64_t value) {
    return hash_bytes(UINT64_C(0x0123456789abcdef), &value, sizeof value);
}

/* Behind the value that makes one multiplication zero without a secret, another decides. */
static uint64_t of_second(uint64_t value) {
    uint64_t secret = UINT64_C(0x0123456789abcdef);
    return hash_more(secret, hash_number(secret, UINT64_C(0xd6e8feb86659fd93)), value);
}

static void spread(void **state) {
    (void)state;
    static const uint64_t steps[] = {1, 8, 256, 1 << 16, UINT64_C(1) << 32, UINT64_C(1) << 48};
    for (size_t i = 0; i < sizeof steps / sizeof steps[0]; i++) {
        assert_true(spreads(of_number, steps[i]));
        assert_true(spreads(of_bytes, steps[i]));
        assert_true(spreads(of_second, steps[i]));
    }
}

/* Values that fall into one bucket under one secret do not under another: they cannot be computed beforehand. */
static void keyed(void **state) {
    (void)state;
    unsigned found = 0, together = 0;
    for (uint64_t i = 0; found < 256; i++) {
        if ((hash_number(1, i) & 1023) == 0) {
            found++;
            together += (hash_number(2, i) & 1023) == 0;
        }
    }
    assert_true(together < 8);
}

static void bytes(void **state) {
    (void)state;
    static const uint8_t zeroes[32] = {0}, text[] = "some text that is longer than one word";
    for (size_t n = 0; n < sizeof zeroes; n++) { /* the length counts where the bytes do not */
        assert_true(hash_bytes(7, zeroes, n) != hash_bytes(7, zeroes, n + 1));
    }
    for (size_t n = 1; n < sizeof text; n++) {
        uint8_t copy[sizeof text];
        for (size_t i = 0; i < sizeof text; i++) {
            copy[i] = text[i];
        }
        copy[n - 1] ^= 1;
        assert_true(hash_bytes(7, text, n) != hash_bytes(7, copy, n));
        assert_true(hash_bytes(7, text, n) != hash_bytes(8, text, n));
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_in_it),
        cmocka_unit_test(by_key),
        cmocka_unit_test(many_members),
        cmocka_unit_test(no_memory_for_buckets),
        cmocka_unit_test(whose_mark_is_missing),
        cmocka_unit_test(as_a_list_of_all),
        cmocka_unit_test(large_tables),
        cmocka_unit_test(spread),
        cmocka_unit_test(keyed),
        cmocka_unit_test(bytes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
