/* SipHash-2-4 (Aumasson and Bernstein, 2012): a keyed hash, for identifiers. Tables in memory have hash.h's, which is shorter. */
#ifndef SIPHASH_H
#define SIPHASH_H

#include <stdint.h>

#include "view.h"

struct siphash_key {
    uint64_t k0, k1;
};

uint64_t siphash24(struct siphash_key, struct view);

#endif
