/* Numbers for a person. */
#ifndef QUANTITY_H
#define QUANTITY_H

#include <stdint.h>

struct quantity {
    char text[32];
};

/* 1,234,567 */
struct quantity quantity_count(uint64_t);
/* 1.2 GB; powers of ten, as disks and networks are sold. */
struct quantity quantity_bytes(uint64_t);
/* 3:07, or 1:02:03 with hours; seconds. */
struct quantity quantity_time(uint64_t seconds);

#endif
