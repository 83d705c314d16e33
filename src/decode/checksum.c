#include "checksum.h"

#include "cursor.h"

enum { PROTOCOL_TCP = 6 };

uint64_t checksum_add(uint64_t sum, struct view v) {
    struct cursor c = cursor_over(v);
    while (cursor_left(&c) > 1) {
        sum += cursor_be16(&c);
    }
    return cursor_left(&c) ? sum + ((uint64_t)cursor_u8(&c) << 8) : sum;
}

bool checksum_right(uint64_t sum) {
    while (sum >> 16) {
        sum = (sum & 0xffff) + (sum >> 16);
    }
    return sum == 0xffff;
}

uint64_t checksum_pseudo(const struct address *src, const struct address *dst, uint32_t length) {
    uint64_t sum = (uint64_t)PROTOCOL_TCP + length; /* folded later: the order of the halves does not count */
    sum = checksum_add(sum, (struct view){src->bytes, sizeof src->bytes});
    return checksum_add(sum, (struct view){dst->bytes, sizeof dst->bytes});
}
