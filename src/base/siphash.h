/* SipHash (Aumasson and Bernstein, 2012): a keyed hash, so that nobody outside can choose inputs that collide. 2-4 is
 * the published strength, for identifiers; 1-3 is for tables in memory. */
#ifndef SIPHASH_H
#define SIPHASH_H

#include <stdint.h>

#include "view.h"

struct siphash_key {
    uint64_t k0, k1;
};

uint64_t siphash24(struct siphash_key, struct view);
uint64_t siphash13(struct siphash_key, struct view);

#endif
