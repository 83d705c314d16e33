/* Names of the numbers on the wire: see the tables branch. */
#ifndef NAMES_H
#define NAMES_H
#include <stddef.h>
#include <stdint.h>
struct name_row {
    uint32_t value;
    const char *name;
};
struct name_table {
    const struct name_row *rows;
    size_t count;
};
const char *names_find(const struct name_table *, uint32_t value);
#endif
