/* Searching, comparing and hashing UTF-16 text as the wire carries it, four units at a time: names are looked through for each record.
 * An odd last byte is no unit: searching passes over it, comparing and hashing take it as it is. */
#ifndef UTF16_H
#define UTF16_H

#include <stdbool.h>

#include "view.h"

/* Offset of the first such unit; that of the end of the last unit where there is none. */
size_t utf16_first(struct view, uint16_t unit);
/* Offset behind the last such unit, 0 where there is none. */
size_t utf16_behind_last(struct view, uint16_t unit);
/* The same but for the case of ASCII letters; other letters differ by it. */
bool utf16_same_name(struct view, struct view);
/* Its ASCII letters as small ones, in room for view.n bytes rounded up to a multiple of 8; behind it there may be zeroes. */
void utf16_lower(struct view, uint8_t *to);
/* hash_more with all of it, where the case of ASCII letters makes no difference. */
uint64_t utf16_name_hash(uint64_t secret, uint64_t hash, struct view);

#endif
