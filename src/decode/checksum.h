/* The Internet checksum (RFC 1071). */
#ifndef CHECKSUM_H
#define CHECKSUM_H

#include "packet.h"

/* The sum over bytes of even length, but for the last ones; begins with 0, or with the sum so far. */
uint64_t checksum_add(uint64_t sum, struct view);
/* Is it the sum of bytes that hold their own right checksum? */
bool checksum_right(uint64_t sum);
/* Of TCP's pseudo header: RFC 9293 3.1, RFC 8200 8.1. length: of the segment with its header. */
uint64_t checksum_pseudo(const struct address *src, const struct address *dst, uint32_t length);

#endif
