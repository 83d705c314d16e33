/* CRC-32C, Castagnoli's (RFC 3720 12.1): what is written to a disk is known again by it. Pure functions. */
#ifndef CRC32C_H
#define CRC32C_H

#include <stddef.h>
#include <stdint.h>

/* crc: of what came before; 0 at the beginning. */
uint32_t crc32c(uint32_t crc, const void *bytes, size_t n);

/* The same without the processor's instruction for it. */
uint32_t crc32c_table(uint32_t crc, const void *bytes, size_t n);

#endif
